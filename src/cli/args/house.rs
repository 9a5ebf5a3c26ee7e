//! The words of commands about the program itself, its formats and its daemon.

use super::Json;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum FormatCommand {
    /// All formats: those of the binary, and your own.
    List(Json),
    /// One format: its steps, how long each takes, who speaks.
    Show {
        /// Its short name, such as 1h30.
        #[arg(value_name = "NAME")]
        name: String,
        /// Print its file, to start one of your own from.
        #[arg(long, conflicts_with = "json")]
        file: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Checks format files: every error with its line. Needs no configuration.
    Check {
        /// Format files; the name of a format is that of its file.
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CompletionsArgs {
    /// For which shell.
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ManArgs {
    /// A folder for the pages of all commands, codevd.1, codevd-run.1 …; without it the first one is printed.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

//! The words of `codevd group`.

use super::{ChangeArgs, Json};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum GroupCommand {
    /// Shows the difference between a group file and what runs, and does it after a yes.
    Apply(ApplyArgs),
    /// From now on mails go to everybody; before, to the facilitator alone, as previews.
    GoLive(LiveArgs),
    /// All groups.
    List(Json),
    /// One group: people, next meetings.
    Show {
        /// Its short name.
        group: String,
        #[command(flatten)]
        json: Json,
    },
    /// The group as it runs now, as a group file: what was changed by mail included.
    Export {
        /// Its short name.
        group: String,
        /// The new file; without it the text is printed. Overwrites nothing.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Ends a group: cancels its meetings, and once these mails have left deletes all that was kept of it.
    Remove(RemoveArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct LiveArgs {
    /// Its short name.
    #[arg(value_name = "GROUP")]
    pub group: String,
    /// Show what would go out at once, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Do it without asking.
    #[arg(long, short)]
    pub yes: bool,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ApplyArgs {
    /// The group file.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// From now on mails go to everybody.
    #[arg(long)]
    pub live: bool,
    /// Show the difference alone.
    #[arg(long)]
    pub dry_run: bool,
    /// Do it without asking.
    #[arg(long, short)]
    pub yes: bool,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RemoveArgs {
    /// Its short name.
    #[arg(value_name = "GROUP")]
    pub group: String,
    /// Do it without asking.
    #[arg(long, short)]
    pub yes: bool,
    #[command(flatten)]
    pub how: ChangeArgs,
}

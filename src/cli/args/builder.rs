//! The words of commands for whoever builds codevd: hidden from the help.

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(in crate::cli) struct SoakArgs {
    /// How many more group-years.
    #[arg(long, default_value_t = 500, value_name = "N")]
    pub years: u64,
    /// The first seed; each year has the next one.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// Adds up in this file, and goes on where it stands.
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,
    /// Shrinks what fails into a file of this folder.
    #[arg(long, value_name = "DIR")]
    pub cases: Option<PathBuf>,
    /// Lives the cases of this folder first.
    #[arg(long, value_name = "DIR")]
    pub again: Option<PathBuf>,
    /// Years lived to shrink one.
    #[arg(long, default_value_t = 300, value_name = "N")]
    pub tries: u32,
    /// At most so many years at a time.
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub threads: usize,
    /// Nothing goes wrong.
    #[arg(long)]
    pub calm: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CrowdArgs {
    /// How many groups.
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    pub groups: u32,
    /// So many of their mails were sent.
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    pub sent: u32,
}

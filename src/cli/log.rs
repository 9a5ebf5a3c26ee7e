//! What the program says of itself on standard error.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// How much can be said, least first.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Starts the log at a level, raised by `-v` and lowered by `-q`. Libraries say no more than warnings.
pub fn start(level: &str, verbose: u8, quiet: u8) {
    let at = LEVELS.iter().position(|l| *l == level).unwrap_or(3);
    let at = (at + usize::from(verbose)).saturating_sub(usize::from(quiet)).min(LEVELS.len() - 1);
    let filter = EnvFilter::new(format!("{},codevd={}", LEVELS[at.min(2)], LEVELS[at]));
    let colour = super::terminal::may_colour(std::io::stderr().is_terminal());
    // a second start in one process keeps the first
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .with_target(false)
        // where the log can't be written (its disk is full) the daemon goes on without it
        .log_internal_errors(false)
        .try_init();
}

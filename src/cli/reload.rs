//! `codevd reload` and `codevd healthcheck`: a word with the daemon that runs.

use super::failure::{Done, Failure, Result};
use super::setup::Setup;
use super::terminal::Terminal;
use crate::daemon::{control, lock};
use serde_json::json;
use std::io;

/// Nobody runs, or nobody answers: each with what to do.
fn unreached(setup: &Setup, error: &io::Error) -> Failure {
    let socket = setup.socket();
    match lock::held_by(&setup.config.database) {
        Ok(None) => Failure::because("no daemon runs. Start it: codevd run"),
        Ok(Some(who)) => Failure::because(format!(
            "{who} does not answer at {}: {error}. See its log; it may be starting, or may not be allowed to make the \
             socket (`control` in codevd.toml)",
            socket.display()
        )),
        Err(error) => error.into(),
    }
}

/// The daemon reads templates, words and formats anew.
pub(super) fn reload(setup: &Setup, as_json: bool, terminal: &mut Terminal) -> Result {
    if let Some(why) = control::reload(&setup.socket()).map_err(|error| unreached(setup, &error))? {
        return Err(Failure::because(format!("the daemon goes on with what it had, since something is wrong:\n{why}")));
    }
    if as_json {
        terminal.json("reload", &json!({ "reloaded": ["templates", "words", "formats"] }))?;
        return Ok(Done::Good);
    }
    terminal.line(
        "templates, words and formats were read anew, and apply from the next mail on. (Groups change by `codevd group \
         apply FILE`; a change of codevd.toml needs a restart.) Next: codevd plan",
    )?;
    Ok(Done::Good)
}

/// Whether the daemon runs and answers.
pub(super) fn healthcheck(setup: &Setup, terminal: &mut Terminal) -> Result {
    control::poke(&setup.socket()).map_err(|error| unreached(setup, &error))?;
    terminal.line("the daemon runs and answers")?;
    Ok(Done::Good)
}

//! `codevd mail hold` and `codevd mail release`: whether mail leaves at all.

use super::args::ChangeArgs;
use super::failure::{Done, Result};
use super::naming::local;
use super::setup::Setup;
use super::terminal::Terminal;
use crate::daemon::control;
use crate::store::Held;
use chrono_tz::Tz;
use serde_json::json;

pub(super) fn hold(setup: &Setup, why: &str, how: &ChangeArgs, terminal: &mut Terminal) -> Result {
    let held = setup.reader()?.held()?;
    if !how.dry_run && held.is_none() {
        setup.store()?.hold(why, setup.now())?;
        let _ = control::poke(&setup.socket());
    }
    if how.json.json {
        terminal.json(
            "mail hold",
            &json!({"held": !how.dry_run || held.is_some(), "changed": !how.dry_run && held.is_none()}),
        )?;
        return Ok(Done::Good);
    }
    terminal.line(match (&held, how.dry_run) {
        (Some(held), _) => format!("held already, {}", since(held)),
        (None, true) => "nothing was changed (--dry-run): no mail would leave".to_owned(),
        (None, false) => "no mail leaves from now on; mails are decided and wait. Next: codevd mail release".to_owned(),
    })?;
    Ok(Done::Good)
}

pub(super) fn release(setup: &Setup, how: &ChangeArgs, terminal: &mut Terminal) -> Result {
    let reader = setup.reader()?;
    let held = reader.held()?;
    let waiting = reader.counts()?.outbox.get("queued").copied().unwrap_or(0);
    if !how.dry_run && held.is_some() {
        setup.store()?.release(setup.now())?;
        let _ = control::poke(&setup.socket());
    }
    if how.json.json {
        let data = json!({"was_held": held, "waiting": waiting, "changed": !how.dry_run && held.is_some()});
        terminal.json("mail release", &data)?;
        return Ok(Done::Good);
    }
    terminal.line(match (&held, how.dry_run) {
        (None, _) => "mail is not held. Next: codevd mail queue".to_owned(),
        (Some(held), true) => {
            format!(
                "nothing was changed (--dry-run): {waiting} mails wait, held {}. Next: codevd mail queue",
                since(held)
            )
        }
        (Some(_), false) => format!("mail leaves again; {waiting} mails wait. Next: codevd mail queue"),
    })?;
    Ok(Done::Good)
}

/// Since when and why.
pub(super) fn since(held: &Held) -> String {
    format!("since {}: {}", local(held.at, Tz::UTC), held.why)
}

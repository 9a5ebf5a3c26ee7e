//! `codevd mail hold` and `codevd mail release`: whether mail leaves at all.

use super::args::ChangeArgs;
use super::failure::{Done, Result};
use super::naming::local;
use super::setup::Setup;
use super::terminal::Terminal;
use crate::daemon::control;
use crate::store::{Held, MailState, QueueFilter, Reader, Restored, SeenSent};
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
    let restored = reader.restored()?;
    let unsure = restored.as_ref().map_or_else(|| Ok(Vec::new()), |restored| unsure(&reader, restored))?;
    if !how.dry_run && held.is_some() {
        setup.store()?.release(setup.now())?;
        let _ = control::poke(&setup.socket());
    }
    if how.json.json {
        let data = json!({"was_held": held, "waiting": waiting, "changed": !how.dry_run && held.is_some(),
            "restored": restored, "unsure": unsure});
        terminal.json("mail release", &data)?;
        return Ok(Done::Good);
    }
    if let Some(restored) = &restored {
        terminal.line(seen(restored))?;
    }
    for mail in &unsure {
        terminal.line(format_args!("  {mail}"))?;
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

/// What the Sent folder told of the mails that wait after a restore, and what it can't tell.
pub(super) fn seen(restored: &Restored) -> String {
    let old = "what waits may have left after the backup was made: see codevd mail release --dry-run";
    match &restored.seen {
        None => format!("the Sent folder was not asked yet (a running daemon does it); {old}"),
        Some(SeenSent { folder: false, .. }) => format!("there is no Sent folder to ask; {old}"),
        Some(SeenSent { filled: false, .. }) => {
            format!("the Sent folder holds none of our mails, so it can't tell what left; {old}")
        }
        Some(SeenSent { found, asked, .. }) => format!(
            "of {asked} mails that waited, {found} were in the Sent folder and are marked as sent; the others did not leave"
        ),
    }
}

/// Mails that wait and may have left before the restore, each with what is best done where nobody knows.
fn unsure(reader: &Reader, restored: &Restored) -> Result<Vec<String>> {
    if restored.seen.as_ref().is_some_and(|seen| seen.filled) {
        return Ok(Vec::new());
    }
    let waiting = QueueFilter { state: Some(MailState::Queued), ..QueueFilter::default() };
    let mails = reader.queue(&waiting)?.into_iter().filter(|mail| mail.due < restored.at);
    let told = mails.map(|mail| {
        // the same rule as for a mail in doubt
        let best = match (mail.kind.is_calendar(), mail.urgent) {
            (true, _) => "let it go: a calendar takes the same event twice as one".to_owned(),
            (_, true) => "nothing: it is dropped by itself when its minute is over".to_owned(),
            _ => format!("it may have left: codevd mail drop out:{}, unless its reader says it did not come", mail.id),
        };
        format!("out:{} ({}, to {}): {best}", mail.id, mail.kind, mail.envelope_to)
    });
    Ok(told.collect())
}

/// Since when and why.
pub(super) fn since(held: &Held) -> String {
    format!("since {}: {}", local(held.at, Tz::UTC), held.why)
}

//! `codevd mail queue` and `codevd mail show`: what waits to leave, and one mail with its attempts.

use super::args::{QueueArgs, ShowArgs};
use super::failure::{Done, Failure, Result};
use super::naming::{self, local};
use super::setup::Setup;
use super::terminal::Terminal;
use super::why;
use crate::store::{MailState, QueueFilter, QueueRow, Reader};
use chrono_tz::Tz;
use serde_json::json;

/// Lines of the queue at most: the newest ones.
const LISTED: u32 = 1_000;

pub(super) fn queue(setup: &Setup, args: &QueueArgs, terminal: &mut Terminal) -> Result {
    let (reader, formats) = (setup.reader()?, setup.formats()?);
    let group = args.group.as_deref().map(|name| naming::group(&reader, &formats, name)).transpose()?;
    let rows = rows(&reader, args.all, group.map(|l| l.group.id))?;
    if args.json.json {
        terminal.json("mail queue", &json!({ "mails": rows }))?;
        return Ok(Done::Good);
    }
    if rows.is_empty() {
        let more = if args.all { "" } else { " (codevd mail queue --all lists what was sent)" };
        terminal.line(format_args!("no mail waits{more}"))?;
        return Ok(Done::Good);
    }
    let zones = naming::zones(&reader)?;
    let line = |row: &QueueRow| {
        let zone = zones.get(&row.group).copied().unwrap_or(Tz::UTC);
        let when = row.sent_at.unwrap_or(if row.attempts > 0 { row.next_attempt } else { row.due });
        let about = row.meeting.map_or_else(|| row.group.to_string(), |n| format!("{}/{n}", row.group));
        let words = row.last_reply.as_deref().filter(|_| row.sent_at.is_none()).unwrap_or("").to_owned();
        let to = row.envelope_to.to_string();
        vec![format!("out:{}", row.id), state(row.state).to_owned(), local(when, zone), about, what(row), to, words]
    };
    terminal.table(&rows.iter().map(line).collect::<Vec<_>>())?;
    Ok(Done::Good)
}

/// Which mail; of a preview, whose.
fn what(row: &QueueRow) -> String {
    let preview = row.draft_key.parse::<crate::core::DraftKey>().ok().and_then(|key| key.preview);
    preview.map_or_else(|| row.kind.to_string(), |of| format!("{} (preview, {of}'s)", row.kind))
}

fn rows(reader: &Reader, all: bool, group: Option<crate::core::GroupId>) -> Result<Vec<QueueRow>> {
    let states: &[Option<MailState>] = match all {
        true => &[None],
        false => {
            &[Some(MailState::Queued), Some(MailState::Sending), Some(MailState::InDoubt), Some(MailState::Refused)]
        }
    };
    let mut rows = Vec::new();
    for state in states {
        let filter = QueueFilter { group: group.clone(), state: *state, limit: LISTED, ..QueueFilter::default() };
        rows.extend(reader.queue(&filter)?);
    }
    rows.sort_by_key(|row| row.id);
    Ok(rows)
}

/// One mail of ours, by its number, draft key or Message-ID.
pub(super) fn one(reader: &Reader, name: &str) -> Result<QueueRow> {
    let by_number = name.parse().ok().map(|id| reader.queue_row(id)).transpose()?.flatten();
    let row = match by_number {
        Some(row) => Some(row),
        None => why::mail(reader, name)?,
    };
    row.ok_or_else(|| {
        let text = "expected its number in `codevd mail queue --all`, its draft key or its Message-ID";
        Failure::because(format!("there is no mail {name}: {text}"))
    })
}

pub(super) fn show(setup: &Setup, args: &ShowArgs, terminal: &mut Terminal) -> Result {
    let (reader, formats) = (setup.reader()?, setup.formats()?);
    let row = one(&reader, &args.mail)?;
    if args.raw {
        let gone = || Failure::because(format!("mail out:{} was old enough to be emptied", row.id));
        terminal.bytes(&reader.outbox_bytes(row.id)?.ok_or_else(gone)?)?;
        return Ok(Done::Good);
    }
    let attempts = reader.attempts(row.id)?;
    if args.json.json {
        terminal.json("mail show", &json!({"mail": row, "attempts": attempts}))?;
        return Ok(Done::Good);
    }
    let zone = reader.load(&row.group, &formats)?.map_or(Tz::UTC, |l| l.group.spec.zone);
    let lines = [
        ("mail", format!("out:{}, {}", row.id, row.kind)),
        ("to", row.envelope_to.to_string()),
        ("subject", row.subject.clone()),
        ("state", state(row.state).to_owned()),
        ("due", format!("{}, of use until {}", local(row.due, zone), local(row.useful_until, zone))),
        ("key", row.draft_key.clone()),
        ("id", row.message_id.clone()),
    ];
    terminal.table(&lines.map(|(name, value)| vec![name.to_owned(), value]))?;
    for attempt in &attempts {
        let (result, reply) = (attempt.result.as_deref().unwrap_or("not over"), attempt.reply.as_deref().unwrap_or(""));
        terminal.line(format_args!("attempt {} at {}: {result} {reply}", attempt.number, local(attempt.at, zone)))?;
    }
    terminal.line(format_args!("Next: codevd mail show {} --raw (the mail itself)", row.id))?;
    Ok(Done::Good)
}

/// A state in words.
pub(super) fn state(state: MailState) -> &'static str {
    match state {
        MailState::Queued => "waits",
        MailState::Sending => "on its way",
        MailState::Sent => "sent",
        MailState::Dropped => "dropped",
        MailState::Superseded => "superseded",
        MailState::Refused => "refused",
        MailState::InDoubt => "in doubt",
    }
}

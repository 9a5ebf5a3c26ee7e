//! `codevd why`: the story of a mail, a meeting or a member, from the journal, in sentences.

use super::failure::{Done, Failure, Result};
use super::naming::{self, local};
use super::setup::Setup;
use super::status::reason;
use super::terminal::Terminal;
use crate::core::{DraftKey, Formats, GroupId, MeetingNo, MemberId};
use crate::store::{About, Attempt, InboxRow, InboxState, JournalRow, QueueRow, Reader};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

/// Lines of a story at most: the newest ones.
const LINES: u32 = 500;

/// What a story is about.
enum Topic {
    Mail(Box<QueueRow>),
    Inbox(Box<InboxRow>),
    Meeting(GroupId, MeetingNo),
    Member(GroupId, MemberId),
}

pub(super) fn why(setup: &Setup, what: &str, as_json: bool, terminal: &mut Terminal) -> Result {
    let (reader, formats) = (setup.reader()?, setup.formats()?);
    let topics = topics(&reader, what)?;
    let mut told = Vec::new();
    for topic in &topics {
        let story = Story::of(&reader, &formats, topic)?;
        match as_json {
            true => told.push(story.json()),
            false => story.show(terminal)?,
        }
    }
    if as_json {
        terminal.json("why", &json!({ "stories": told }))?;
    }
    Ok(Done::Good)
}

/// What people may mean by it, the most likely first; several for an address in several groups.
fn topics(reader: &Reader, what: &str) -> Result<Vec<Topic>> {
    let what = what.trim().trim_start_matches('<').trim_end_matches('>');
    if let Some(id) = what.strip_prefix("in:").and_then(|n| n.parse().ok()) {
        let row = reader.inbox_row(id)?.ok_or_else(|| Failure::because(format!("nothing came in as in:{id}")))?;
        return Ok(vec![Topic::Inbox(Box::new(row))]);
    }
    if let Some(row) = mail(reader, what)? {
        return Ok(vec![Topic::Mail(Box::new(row))]);
    }
    let came: Vec<_> = reader.inbox_by_message_id(what)?;
    if !came.is_empty() {
        return Ok(came.into_iter().map(|row| Topic::Inbox(Box::new(row))).collect());
    }
    let members = naming::members(reader, what)?;
    let mut known = Vec::new();
    for (group, member) in members {
        let about = About { group: Some(&group), member: Some(&member), ..About::default() };
        if what.contains('@') || !reader.journal(&about, 1)?.is_empty() {
            known.push(Topic::Member(group, member));
        }
    }
    let numbered = what.rsplit('/').next().is_some_and(|n| n.parse::<u32>().is_ok());
    match (known.is_empty(), numbered) {
        (false, _) if !numbered => Ok(known),
        (_, true) => numbered_topic(reader, what),
        _ => Err(Failure::because(format!(
            "{what:?} is no mail, meeting or member here: expected 12, in:12, out:12, a draft key or Message-ID; 3 or lyon/3; lyon/ana or an address"
        ))),
    }
}

/// A number alone is a meeting, where there is one, else what came in and the mail of the queue under that number.
fn numbered_topic(reader: &Reader, what: &str) -> Result<Vec<Topic>> {
    match naming::meeting(reader, what) {
        Ok((group, number)) => Ok(vec![Topic::Meeting(group, number)]),
        Err(failure) => {
            let Ok(id) = what.parse() else { return Err(failure) };
            let came = reader.inbox_row(id)?.map(|row| Topic::Inbox(Box::new(row)));
            let ours = reader.queue_row(id)?.map(|row| Topic::Mail(Box::new(row)));
            let found: Vec<Topic> = came.into_iter().chain(ours).collect();
            if found.is_empty() { Err(failure) } else { Ok(found) }
        }
    }
}

/// A mail of ours by `out:12`, draft key or Message-ID.
pub(super) fn mail(reader: &Reader, name: &str) -> Result<Option<QueueRow>> {
    if let Some(id) = name.strip_prefix("out:").and_then(|n| n.parse().ok()) {
        let row = reader.queue_row(id)?;
        return row.map(Some).ok_or_else(|| Failure::because(format!("there is no mail out:{id}")));
    }
    let sent = match name.parse::<DraftKey>() {
        Ok(_) => reader.outbox_by_key(name)?,
        Err(_) if name.contains('@') => reader.outbox_by_message_id(name)?,
        Err(_) => reader.outbox_by_draft_id(name)?,
    };
    Ok(sent.map(|s| reader.queue_row(s.id)).transpose()?.flatten())
}

struct Story {
    zone: Tz,
    about: Vec<String>,
    lines: Vec<JournalRow>,
    attempts: Vec<Attempt>,
    data: Value,
    next: String,
}

impl Story {
    fn of(reader: &Reader, formats: &Formats, topic: &Topic) -> Result<Self> {
        let group = match topic {
            Topic::Mail(row) => Some(&row.group),
            Topic::Inbox(row) => row.group.as_ref(),
            Topic::Meeting(group, _) | Topic::Member(group, _) => Some(group),
        };
        let loaded = group.map(|g| reader.load(g, formats)).transpose()?.flatten();
        let zone = loaded.as_ref().map_or(Tz::UTC, |l| l.group.spec.zone);
        let read = |about: About<'_>| reader.journal(&about, LINES);
        Ok(match topic {
            Topic::Mail(row) => Self {
                zone,
                about: of_mail(row, zone),
                lines: read(About { draft_key: Some(&row.draft_key), ..About::default() })?,
                attempts: reader.attempts(row.id)?,
                data: json!({ "mail": row }),
                next: format!("codevd mail show out:{}", row.id),
            },
            Topic::Inbox(row) => Self {
                zone,
                about: of_inbox(row, zone),
                lines: read(About { inbox: Some(row.id), ..About::default() })?,
                attempts: Vec::new(),
                data: json!({"inbox": {"id": row.id, "state": row.state, "from": row.from, "reason": row.reason,
                    "received_at": row.received_at, "group": row.group, "member": row.member}}),
                next: "codevd status".to_owned(),
            },
            Topic::Meeting(group, number) => Self {
                zone,
                about: vec![format!("Meeting {group}/{number}")],
                lines: read(About { group: Some(group), meeting: Some(*number), ..About::default() })?,
                attempts: Vec::new(),
                data: json!({"meeting": {"group": group, "number": number}}),
                next: format!("codevd meeting show {group}/{number}"),
            },
            Topic::Member(group, member) => {
                let person = loaded.as_ref().and_then(|l| l.group.member(member));
                let name = person.map_or_else(|| member.to_string(), |m| format!("{} <{}>", m.name, m.email));
                Self {
                    zone,
                    about: [Some(format!("{name}, {group}/{member}")), person.and_then(|m| of_member(m, zone))]
                        .into_iter()
                        .flatten()
                        .collect(),
                    lines: read(About { group: Some(group), member: Some(member), ..About::default() })?,
                    attempts: Vec::new(),
                    data: json!({"member": {"group": group, "member": member}}),
                    next: format!("codevd group show {group}"),
                }
            }
        })
    }

    fn show(&self, terminal: &mut Terminal) -> Result<()> {
        for line in &self.about {
            terminal.line(line)?;
        }
        for row in &self.lines {
            let of = [row.meeting.map(|m| format!("meeting {m}")), row.member.as_ref().map(ToString::to_string)];
            let of: Vec<_> = of.into_iter().flatten().collect();
            let of = if of.is_empty() { String::new() } else { format!(" ({})", of.join(", ")) };
            terminal.line(format_args!("  {}  {}{of}", local(row.at, self.zone), in_zone(&row.text, self.zone)))?;
        }
        for attempt in &self.attempts {
            let result = attempt.result.as_deref().unwrap_or("not over");
            let reply = attempt.reply.as_deref().unwrap_or("");
            let number = attempt.number;
            terminal.line(format_args!("  {}  attempt {number}: {result} {reply}", local(attempt.at, self.zone)))?;
        }
        if self.lines.is_empty() && self.attempts.is_empty() {
            terminal.line("  nothing happened yet")?;
        }
        terminal.line(format_args!("Next: {}", self.next))?;
        Ok(())
    }

    fn json(&self) -> Value {
        let line = |row: &JournalRow| {
            json!({"at": row.at, "local": local(row.at, self.zone), "group": row.group, "meeting": row.meeting,
                "member": row.member, "mail": row.draft_key, "inbox": row.inbox, "text": in_zone(&row.text, self.zone)})
        };
        let mut data = self.data.clone();
        data["lines"] = self.lines.iter().map(line).collect();
        data["attempts"] = json!(self.attempts);
        data
    }
}

/// A journal's sentence with its instants as hours of the group's zone.
fn in_zone(text: &str, zone: Tz) -> String {
    let word = |word: &str| {
        let bare = word.trim_end_matches([',', ';', ':', '.']);
        match bare.ends_with('Z').then(|| bare.parse::<DateTime<Utc>>()) {
            Some(Ok(at)) => format!("{}{}", local(at, zone), &word[bare.len()..]),
            _ => word.to_owned(),
        }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn of_mail(row: &QueueRow, zone: Tz) -> Vec<String> {
    let about = row.meeting.map(|n| format!(" about meeting {}/{n}", row.group)).unwrap_or_default();
    let state = match row.sent_at {
        Some(at) => format!("sent {}", local(at, zone)),
        None => format!("{}, due {}", super::mail_queue::state(row.state), local(row.due, zone)),
    };
    let mut lines = vec![format!("Mail out:{}, {} to {}{about}: {state}", row.id, row.kind, row.envelope_to)];
    lines.extend(row.last_reply.as_ref().map(|reply| format!("  the server's last words: {reply}")));
    lines
}

fn of_inbox(row: &InboxRow, zone: Tz) -> Vec<String> {
    let from = row.from.as_deref().unwrap_or(&row.place);
    let state = match row.state {
        InboxState::New => "nobody looked at it yet",
        InboxState::Done => "done",
        InboxState::Asked => "the sender was asked something back",
        InboxState::Recorded => "kept, without effect",
        InboxState::Quarantined => "can't be read; kept as it came",
        InboxState::Refused => "kept, not applied",
    };
    vec![format!("in:{} from {from}, came in {}: {state}. {}", row.id, local(row.received_at, zone), reason(row))]
}

fn of_member(member: &crate::core::Member, zone: Tz) -> Option<String> {
    let since = |what: &str, at: Option<DateTime<Utc>>| at.map(|t| format!("{what} {}", local(t, zone)));
    let all = [
        since("left", member.left),
        since("asked for no more mail", member.paused),
        since("mail does not arrive since", member.unreachable),
        member.reach.to_check().then(|| "the address is to be checked".to_owned()),
        member.reach.away.map(|away| super::group::absence(away).trim_start_matches(", ").to_owned()),
    ];
    let all: Vec<_> = all.into_iter().flatten().collect();
    (!all.is_empty()).then(|| format!("  {}", all.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_in_a_sentence_are_told_in_the_groups_hour() {
        let told = in_zone("decided for ana, due 2026-11-24T06:42:31Z; zone Z", Tz::Europe__Paris);
        assert_eq!(told, "decided for ana, due 2026-11-24 07:42 Europe/Paris; zone Z");
    }
}

//! `codevd meeting`: list, show, move, cancel, swap.

use super::args::{ChangeArgs, MeetingCommand};
use super::difference::Difference;
use super::failure::{Done, Failure, Result};
use super::naming;
use super::orders::{place, rehearse};
use super::setup::Setup;
use super::terminal::Terminal;
use crate::core::{Attending, Group, Meeting, MemberId, Order, Section, Stage};
use crate::daemon::engine::GroupOrder;
use crate::store::MeetingRow;
use serde_json::{Value, json};

pub(super) fn meeting(setup: &Setup, command: MeetingCommand, terminal: &mut Terminal) -> Result {
    match command {
        MeetingCommand::List { group, json } => list(setup, group.as_deref(), json.json, terminal),
        MeetingCommand::Show { meeting, markdown, json } => show(setup, &meeting, markdown, json.json, terminal),
        MeetingCommand::Move { meeting, to, how } => {
            change(setup, &meeting, |meeting| Order::Move { meeting, to }, &how, "meeting move", terminal)
        }
        MeetingCommand::Cancel { meeting, how } => {
            change(setup, &meeting, |meeting| Order::Cancel { meeting }, &how, "meeting cancel", terminal)
        }
        MeetingCommand::Swap { meeting, with, how } => {
            change(setup, &meeting, |meeting| Order::Swap { meeting, with }, &how, "meeting swap", terminal)
        }
    }
}

fn list(setup: &Setup, group: Option<&str>, as_json: bool, terminal: &mut Terminal) -> Result {
    let (reader, formats) = (setup.reader()?, setup.formats()?);
    let group = group.map(|name| naming::group(&reader, &formats, name)).transpose()?.map(|l| l.group.id);
    let rows = reader.meetings(group.as_ref())?;
    let zones = naming::zones(&reader)?;
    let zone = |row: &MeetingRow| zones.get(&row.group).copied().unwrap_or_default();
    if as_json {
        let rows: Vec<_> = rows.iter().map(|row| with_zone(row, zone(row).name())).collect::<Result<_>>()?;
        terminal.json("meeting list", &json!({ "meetings": rows }))?;
        return Ok(Done::Good);
    }
    if rows.is_empty() {
        terminal.line("no meeting planned yet: the first is planned when a group is live and `codevd run` runs")?;
        return Ok(Done::Good);
    }
    let line = |row: &MeetingRow| {
        let when = format!("{} {}", row.wall.format("%a %Y-%m-%d %H:%M"), zone(row));
        let answers = format!("{} yes, {} no, {} maybe", row.yes, row.no, row.maybe);
        vec![
            format!("{}/{}", row.group, row.number),
            when,
            stage(row.stage).to_owned(),
            format!("requester {}", row.requester),
            answers,
        ]
    };
    terminal.table(&rows.iter().map(line).collect::<Vec<_>>())?;
    Ok(Done::Good)
}

fn with_zone(row: &MeetingRow, zone: &str) -> Result<Value> {
    let mut value = serde_json::to_value(row)?;
    value["zone"] = json!(zone);
    Ok(value)
}

/// A group with all of one meeting, though it may be long over.
fn whole(setup: &Setup, name: &str) -> Result<(Group, Meeting)> {
    let reader = setup.reader()?;
    let (group, number) = naming::meeting(&reader, name)?;
    let group = naming::group(&reader, &setup.formats()?, group.as_str())?.group;
    let gone = || Failure::because(format!("meeting {}/{number} is gone", group.id));
    let meeting = match group.meeting(number) {
        Some(meeting) => meeting.clone(),
        None => reader.meeting(&group.id, number)?.ok_or_else(gone)?,
    };
    Ok((group, meeting))
}

fn show(setup: &Setup, name: &str, markdown: bool, as_json: bool, terminal: &mut Terminal) -> Result {
    let (group, meeting) = whole(setup, name)?;
    if markdown {
        let text = setup.renderer()?.digest_markdown(&group, &meeting, &group.spec.language)?;
        terminal.bytes(text.as_bytes())?;
        return Ok(Done::Good);
    }
    if as_json {
        terminal.json("meeting show", &as_data(&group, &meeting))?;
        return Ok(Done::Good);
    }
    let name = format!("{}/{}", group.id, meeting.number);
    let when = meeting.wall.format("%A %Y-%m-%d %H:%M");
    terminal.line(format_args!("{name}: {when} {}, {}", group.spec.zone, stage(meeting.stage)))?;
    terminal.line(format_args!("format {}, {}", meeting.format, place_of(&group, &meeting)))?;
    let backup = meeting.backup.as_ref().map(|b| format!(", backup {}", member(&group, b))).unwrap_or_default();
    let (requester, leads) = (member(&group, &meeting.requester), member(&group, &meeting.facilitator));
    terminal.line(format_args!("requester {requester}{backup}, facilitator {leads}"))?;
    terminal.line(format_args!("subject: {}", subject(&meeting)))?;
    let answers = [("yes", Some(Attending::Yes)), ("no", Some(Attending::No)), ("maybe", Some(Attending::Maybe))];
    for (word, answer) in answers.into_iter().chain([("silent", None)]) {
        let who = answered(&group, &meeting, answer);
        if !who.is_empty() {
            terminal.line(format_args!("{word}: {}", who.join(", ")))?;
        }
    }
    terminal.line(format_args!("Next: codevd why {name} (its story)"))?;
    Ok(Done::Good)
}

/// A line of the meetings of a group.
pub(super) fn line(group: &Group, meeting: &Meeting) -> Vec<String> {
    vec![
        format!("{}/{}", group.id, meeting.number),
        meeting.wall.format("%a %Y-%m-%d %H:%M").to_string(),
        stage(meeting.stage).to_owned(),
        format!("requester {}", member(group, &meeting.requester)),
        format!("{} yes", answered(group, meeting, Some(Attending::Yes)).len()),
    ]
}

/// What everybody may know of a meeting: the words that stay between a member and the daemon are counted only.
pub(super) fn as_data(group: &Group, meeting: &Meeting) -> Value {
    let count = |section| meeting.words_of(section).count();
    let ids = |answer| {
        let said = meeting.attendance.iter().filter(move |(_, a)| a.answer == answer);
        said.map(|(id, _)| id).collect::<Vec<&MemberId>>()
    };
    json!({
        "group": group.id, "number": meeting.number, "uid": meeting.uid, "wall": meeting.wall, "zone": group.spec.zone,
        "starts": group.starts(meeting), "ends": group.ends(meeting), "stage": meeting.stage, "format": meeting.format,
        "place": meeting.place.as_ref().or(group.spec.place.as_ref()), "sequence": meeting.sequence,
        "requester": meeting.requester, "backup": meeting.backup, "facilitator": meeting.facilitator,
        "yes": ids(Attending::Yes), "no": ids(Attending::No), "maybe": ids(Attending::Maybe),
        "subject": {"received": meeting.subject.is_some(), "sharing": meeting.subject.as_ref().and_then(|s| s.sharing)},
        "learnings": count(Section::Learning), "contributions": count(Section::Contribution),
        "actions": meeting.actions.len(), "shared_actions": meeting.actions.iter().filter(|a| a.shared).count(),
        "ended": meeting.ended, "digest_sent": meeting.digest.sent,
    })
}

fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Planned => "planned",
        Stage::Running => "running",
        Stage::Collecting => "held, collecting",
        Stage::Digested => "held, digest sent",
        Stage::Cancelled => "cancelled",
    }
}

fn member(group: &Group, id: &MemberId) -> String {
    group.member(id).map_or_else(|| id.to_string(), |m| m.name.clone())
}

fn place_of(group: &Group, meeting: &Meeting) -> String {
    meeting.place.as_ref().or(group.spec.place.as_ref()).map_or_else(|| "no place".to_owned(), |p| format!("at {p}"))
}

fn subject(meeting: &Meeting) -> &'static str {
    match (&meeting.subject, meeting.subject.as_ref().and_then(|s| s.sharing)) {
        (None, _) => "none yet",
        (Some(_), None) => "received; what may be shared is not said yet",
        (Some(_), Some(crate::core::meeting::Sharing::All)) => "received, shared with all",
        (Some(_), Some(crate::core::meeting::Sharing::TitleOnly)) => "received, its title shared",
        (Some(_), Some(crate::core::meeting::Sharing::Nothing)) => "received, kept for the session",
    }
}

/// Who gave that answer; `None`: who gave none.
fn answered(group: &Group, meeting: &Meeting, answer: Option<Attending>) -> Vec<String> {
    let all = group.members.iter().filter(|m| m.is_active() && meeting.attending(&m.id) == answer);
    all.map(|m| m.name.clone()).collect()
}

fn change(
    setup: &Setup,
    name: &str,
    order: impl FnOnce(crate::core::MeetingNo) -> Order,
    how: &ChangeArgs,
    what: &str,
    terminal: &mut Terminal,
) -> Result {
    let (reader, formats) = (setup.reader()?, setup.formats()?);
    let (group, number) = naming::meeting(&reader, name)?;
    let order = order(number);
    let before = naming::group(&reader, &formats, group.as_str())?.group;
    let change = rehearse(Some(&before), &order, &formats, setup.now())?;
    let difference = Difference::of(Some(&before), &change);
    if !how.json.json {
        difference.show(terminal)?;
    }
    let placed = match how.dry_run {
        true => None,
        false => Some(place(setup, &GroupOrder { group: group.clone(), order }, what)?),
    };
    if how.json.json {
        let mut data = difference.json();
        data["applied"] = json!(placed.is_some());
        data["meeting"] = json!(format!("{group}/{number}"));
        data["done"] = json!(placed.as_ref().map(|p| &p.lines));
        terminal.json(what, &data)?;
        return Ok(Done::Good);
    }
    terminal.line(match placed {
        None => "nothing was changed (--dry-run). Next: the same without --dry-run".to_owned(),
        Some(placed) => {
            let mail = if placed.by_daemon { "" } else { " No daemon runs: mail leaves when `codevd run` does." };
            format!("done: {}.{mail} Next: codevd meeting show {group}/{number}", placed.lines.join("; "))
        }
    })?;
    Ok(Done::Good)
}

//! A group file against what runs: who joins, who leaves, what changes (three-way, `decisions.md` 19).

use super::{Work, order, subject};
use crate::core::event::Moment;
use crate::core::group::{Change, Group, Member};
use crate::core::ids::{MeetingNo, MemberId};
use crate::core::meeting::Stage;
use crate::core::reach::Reach;
use crate::core::refusal::Refusal;
use crate::core::spec::{GroupSpec, MemberSpec};
use crate::core::{Formats, Order};
use chrono::{DateTime, NaiveDateTime, Utc};
use std::collections::BTreeMap;

/// A new group from its file.
///
/// # Errors
/// All that is wrong with the group, one problem a line.
pub fn found(spec: &GroupSpec, live: bool, formats: &Formats, moment: &Moment) -> Result<Change, Refusal> {
    let group = Group {
        id: spec.id.clone(),
        spec: GroupSpec { members: Vec::new(), ..spec.clone() },
        members: Vec::new(),
        turns: Vec::new(),
        meetings: Vec::new(),
        next_meeting: 1,
        live: false,
        last_slot: None,
        sent: BTreeMap::new(),
        undos: Vec::new(),
        challenges: Vec::new(),
        formats: formats.clone(),
    };
    super::decide(&group, &super::Event::Order(Order::Apply { spec: Box::new(spec.clone()), live }), moment)
}

pub(super) fn apply(work: &mut Work<'_>, spec: &GroupSpec, live: bool) -> Result<(), Refusal> {
    let problems = spec.problems(&work.group.formats);
    if !problems.is_empty() {
        let problems = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        return Err(Refusal::BadGroup { problems });
    }
    let before = work.group.spec.clone();
    members(work, &before, spec);
    work.group.spec = spec.clone();
    circle(work, spec);
    seats(work)?;
    if before.zone != spec.zone && !before.members.is_empty() {
        zone_changed(work)?;
    }
    if before.place != spec.place && !before.members.is_empty() {
        place_changed(work)?;
    }
    if before.settings.facilitator_alarms && !spec.settings.facilitator_alarms {
        no_more_alarms(work);
    }
    if work.group.last_slot.is_none() {
        work.group.last_slot = Some(first_after(spec, work.now()));
    }
    go_live(work, live);
    work.tell(None, None, "the group file was applied");
    Ok(())
}

/// The wall time after which the first meeting may be.
fn first_after(spec: &GroupSpec, now: DateTime<Utc>) -> NaiveDateTime {
    let now = now.with_timezone(&spec.zone).naive_local();
    let eve = spec.starts.and_then(|d| d.pred_opt()).and_then(|d| d.and_hms_opt(23, 59, 59));
    eve.map_or(now, |eve| eve.max(now))
}

/// From now on mails go to everybody, if that is wanted.
pub(super) fn go_live(work: &mut Work<'_>, live: bool) {
    if live && !work.group.live {
        let now = work.now();
        work.group.live = true;
        // nobody was written to before: the first mail is due from now on
        work.group.members.iter_mut().for_each(|m| m.joined = now);
        work.tell(None, None, "the group is live: mails go to everybody");
    }
}

/// Who joins, who leaves, whose details the file changed since it was applied last. What was
/// changed by mail since and not in the file stays.
fn members(work: &mut Work<'_>, before: &GroupSpec, after: &GroupSpec) {
    for wanted in &after.members {
        let old = before.members.iter().find(|m| m.id == wanted.id);
        match (old, work.group.members.iter().position(|m| m.id == wanted.id)) {
            (Some(old), Some(at)) if old != wanted => update(work, at, old, wanted),
            (Some(_), Some(_)) => {}
            (_, at) => join(work, at, wanted),
        }
    }
    let gone = |m: &&MemberSpec| !after.members.iter().any(|w| w.id == m.id);
    for member in before.members.iter().filter(gone) {
        leave(work, &member.id);
    }
}

fn join(work: &mut Work<'_>, at: Option<usize>, wanted: &MemberSpec) {
    let now = work.now();
    let paused = at.and_then(|at| work.group.members[at].paused);
    let member = Member {
        id: wanted.id.clone(),
        name: wanted.name.clone(),
        email: wanted.email.clone(),
        aliases: wanted.aliases.clone(),
        delegates: wanted.delegates.clone(),
        language: wanted.language.clone(),
        zone: wanted.zone,
        circle: true,
        facilitates: None,
        joined: now,
        left: None,
        // no file undoes somebody's "stop" (`decisions.md` 16)
        paused,
        unreachable: None,
        reach: Reach::default(),
    };
    match at {
        Some(at) => work.group.members[at] = member,
        None => work.group.members.push(member),
    }
    invite_again(work, &wanted.id);
    work.tell(None, Some(&wanted.id), format!("{} joined", wanted.name));
}

/// Somebody who is back is asked anew: their cancellation had a SEQUENCE of its own, one above the meeting's, above
/// which the new invitation must lie (RFC 5546 §2.1.4), and an old answer does not count.
fn invite_again(work: &mut Work<'_>, id: &MemberId) {
    let off = |n| work.group.was_sent(Some(n), crate::core::draft::Kind::Cancelled, id).is_some();
    let open = work.group.meetings.iter().filter(|m| m.stage == Stage::Planned).map(|m| m.number);
    for number in open.filter(|n| off(*n)).collect::<Vec<_>>() {
        if let Some(meeting) = work.group.meeting_mut(number) {
            meeting.sequence += 2;
            meeting.attendance.remove(id);
        }
    }
}

fn update(work: &mut Work<'_>, at: usize, old: &MemberSpec, wanted: &MemberSpec) {
    let member = &mut work.group.members[at];
    if old.name != wanted.name {
        member.name = wanted.name.clone();
    }
    let elsewhere = old.email != wanted.email;
    let before = member.email.clone();
    // a mailbox that refused everything has nobody who could open a cancellation
    let leaves = elsewhere && member.gets_mail() && !before.is(wanted.email.as_str());
    if elsewhere {
        member.email = wanted.email.clone();
        member.unreachable = None;
        member.reach.alive();
    }
    if old.aliases != wanted.aliases {
        member.aliases = wanted.aliases.clone();
    }
    if old.delegates != wanted.delegates {
        member.delegates = wanted.delegates.clone();
    }
    if old.language != wanted.language {
        member.language = wanted.language.clone();
    }
    if old.zone != wanted.zone {
        member.zone = wanted.zone;
    }
    if leaves {
        order::leave_address(work, &wanted.id, &before);
    }
    if elsewhere {
        order::update_own_calendar(work, &wanted.id);
    }
    work.tell(None, Some(&wanted.id), format!("the details of {} changed", wanted.name));
}

/// A leaver's open meetings are taken off their calendar before the last mail to them.
fn leave(work: &mut Work<'_>, id: &MemberId) {
    let open: Vec<MeetingNo> =
        work.group.meetings.iter().filter(|m| m.stage == Stage::Planned).map(|m| m.number).collect();
    for number in open {
        if work.group.is_invited(number, id) {
            order::take_off(work, number, id);
        }
        order::alarms_off(work, number, id);
    }
    let now = work.now();
    if let Some(member) = work.group.members.iter_mut().find(|m| m.id == *id) {
        member.left = Some(now);
        member.facilitates = None;
    }
    let text = format!("{} left", work.name(id));
    work.tell(None, Some(id), text);
}

/// Who is in the circle and who facilitates, as the file says.
fn circle(work: &mut Work<'_>, spec: &GroupSpec) {
    for member in work.group.members.iter_mut().filter(|m| m.left.is_none()) {
        member.circle = spec.in_circle(&member.id);
        let place = spec.facilitators.iter().position(|f| *f == member.id);
        member.facilitates = place.and_then(|p| u32::try_from(p).ok());
    }
}

/// Seats of open meetings whose holder is gone, or facilitates from outside the circle now, go to
/// the next in turn.
fn seats(work: &mut Work<'_>) -> Result<(), Refusal> {
    let leads = work.group.facilitators().first().map(|m| m.id.clone());
    let open: Vec<MeetingNo> =
        work.group.meetings.iter().filter(|m| m.stage == Stage::Planned).map(|m| m.number).collect();
    for number in open {
        let there = |work: &Work<'_>, id: &MemberId| work.group.circle().any(|m| m.id == *id);
        let meeting = work.meeting(number)?;
        let (requester, backup, facilitator) =
            (meeting.requester.clone(), meeting.backup.clone(), meeting.facilitator.clone());
        let still_leads = work.group.facilitators().iter().any(|m| m.id == facilitator);
        if let (false, Some(leads)) = (still_leads, leads.clone()) {
            order::alarms_off(work, number, &facilitator);
            work.meeting_mut(number)?.facilitator = leads;
        }
        if backup.as_ref().is_some_and(|b| !there(work, b)) {
            let next = work.group.whose_turn().into_iter().find(|t| *t != requester);
            work.meeting_mut(number)?.backup = next;
        }
        if !there(work, &requester)
            && let Some(next) = work.group.whose_turn().into_iter().next()
        {
            subject::give_seat(work, number, &next)?;
        }
    }
    Ok(())
}

/// The facilitator's own event is no longer wanted.
fn no_more_alarms(work: &mut Work<'_>) {
    let planned = work.group.meetings.iter().filter(|m| m.stage == Stage::Planned);
    for (number, facilitator) in planned.map(|m| (m.number, m.facilitator.clone())).collect::<Vec<_>>() {
        order::alarms_off(work, number, &facilitator);
    }
}

/// Another zone for the group's hours: every planned meeting is at another instant, and is asked anew.
fn zone_changed(work: &mut Work<'_>) -> Result<(), Refusal> {
    let planned = work.group.meetings.iter().filter(|m| m.stage == Stage::Planned);
    for (number, wall) in planned.map(|m| (m.number, m.wall)).collect::<Vec<_>>() {
        work.tell(Some(number), None, "the group's zone changed: the same hour is another instant");
        order::at_another_time(work, number, wall)?;
    }
    Ok(())
}

/// Another link or room for all: SEQUENCE rises, answers stay (`decisions.md` 9).
fn place_changed(work: &mut Work<'_>) -> Result<(), Refusal> {
    let now = work.now();
    let mut moved = Vec::new();
    for meeting in work.group.meetings.iter_mut().filter(|m| m.stage == Stage::Planned && m.place.is_none()) {
        meeting.sequence += 1;
        meeting.changed = now;
        moved.push(meeting.number);
    }
    for number in moved {
        work.tell(Some(number), None, "the place changed");
        order::update_calendars(work, number)?;
    }
    Ok(())
}

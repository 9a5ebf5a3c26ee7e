//! What the operator orders: apply a group file, move, cancel, swap.

use super::{Mail, Work, apply, subject};
use crate::core::agenda::everybody;
use crate::core::draft::{Facts, Kind, Question, WhenLate};
use crate::core::event::Order;
use crate::core::group::Member;
use crate::core::ids::{Email, MeetingNo, MemberId};
use crate::core::meeting::{Meeting, Stage};
use crate::core::refusal::Refusal;
use crate::core::schedule::instant;
use chrono::{DateTime, Duration, NaiveDateTime, Utc};

pub(super) fn order(work: &mut Work<'_>, order: &Order) -> Result<(), Refusal> {
    match order {
        Order::Apply { spec, live } => apply::apply(work, spec, *live),
        Order::GoLive => {
            if work.group.live {
                work.tell(None, None, "the group is live already");
            }
            apply::go_live(work, true);
            Ok(())
        }
        Order::Move { meeting, to } => shift(work, *meeting, *to),
        Order::Cancel { meeting } => cancel(work, *meeting),
        Order::Swap { meeting, with } => {
            planned(work, *meeting)?;
            subject::swap(work, *meeting, Some(with)).map(|_| ())
        }
    }
}

fn planned(work: &Work<'_>, number: MeetingNo) -> Result<(), Refusal> {
    match work.group.meeting(number).map(|m| m.stage) {
        Some(Stage::Planned) => Ok(()),
        _ => Err(Refusal::NoSuchMeeting { number: number.0 }),
    }
}

/// Another hour: SEQUENCE rises, every answer is asked anew (`calendar.md` 5).
pub(super) fn shift(work: &mut Work<'_>, number: MeetingNo, to: NaiveDateTime) -> Result<(), Refusal> {
    planned(work, number)?;
    let now = work.now();
    let from = work.meeting(number)?.wall;
    if to == from || instant(to, work.group.spec.zone) <= now {
        return Err(Refusal::BadTime { wanted: to.format("%Y-%m-%d %H:%M").to_string() });
    }
    let text = format!("moved from {} to {}", from.format("%Y-%m-%d %H:%M"), to.format("%Y-%m-%d %H:%M"));
    work.tell(Some(number), None, text);
    at_another_time(work, number, to)
}

/// The instant changed, by an order or by the zone: SEQUENCE rises, every answer is asked anew.
pub(super) fn at_another_time(work: &mut Work<'_>, number: MeetingNo, to: NaiveDateTime) -> Result<(), Refusal> {
    let (now, start) = (work.now(), instant(to, work.group.spec.zone));
    let meeting = work.meeting_mut(number)?;
    let from = std::mem::replace(&mut meeting.wall, to);
    meeting.announced = Some(start);
    meeting.told_before = None;
    meeting.sequence += 1;
    meeting.time_sequence = meeting.sequence;
    meeting.changed = now;
    meeting.attendance.clear();
    for turn in work.group.turns.iter_mut().filter(|t| t.meeting == number) {
        turn.wall = to;
    }
    calendar_mails(work, number, Kind::Moved, Some(Question::Attendance), &Facts::Moved { from })
}

/// The law of the zone changed: people agreed on the hour, so it stays, and so do their answers; calendars, which hold
/// the instant, are told the new one (`decisions.md` 35).
pub(super) fn law_changed(work: &mut Work<'_>, number: MeetingNo) {
    let now = work.now();
    let Some(start) = work.group.meeting(number).map(|m| work.group.starts(m)) else { return };
    let Ok(meeting) = work.meeting_mut(number) else { return };
    let Some(before) = meeting.announced.replace(start) else { return };
    if start <= now {
        // nobody looked while its hour went by: no calendar needs it any more
        work.tell(Some(number), None, "the law of the zone changed, too late for this meeting");
        return;
    }
    meeting.told_before = Some(before);
    meeting.sequence += 1;
    meeting.changed = now;
    let text =
        format!("the law of the zone changed: {} is {} now, no longer {}", meeting.wall, utc(start), utc(before));
    work.tell(Some(number), None, text);
    // nobody is left out: a planned meeting has its number
    let _ = calendar_mails(work, number, Kind::Updated, Some(Question::Attendance), &Facts::Law);
}

fn utc(at: DateTime<Utc>) -> impl std::fmt::Display {
    at.format("%Y-%m-%d %H:%M UTC")
}

/// Not at all: SEQUENCE rises, the event is taken off every calendar, the turn stays owed.
pub(super) fn cancel(work: &mut Work<'_>, number: MeetingNo) -> Result<(), Refusal> {
    planned(work, number)?;
    let now = work.now();
    let meeting = work.meeting_mut(number)?;
    meeting.stage = Stage::Cancelled;
    meeting.sequence += 1;
    meeting.changed = now;
    work.group.turns.retain(|t| t.meeting != number);
    work.tell(Some(number), None, "cancelled; the requester's turn stays owed");
    calendar_mails(work, number, Kind::Cancelled, None, &Facts::None)
}

/// A calendar mail to everybody, those who stopped other mail apart.
fn calendar_mails(
    work: &mut Work<'_>,
    number: MeetingNo,
    kind: Kind,
    question: Option<Question>,
    facts: &Facts,
) -> Result<(), Refusal> {
    let meeting = work.meeting(number)?;
    let starts = work.group.starts(meeting);
    let until = if *facts == Facts::Law { starts } else { starts.max(work.now() + Duration::hours(1)) };
    let due = work.now();
    for to in everybody(&work.group) {
        // who is back in the group is invited anew, and hears of it then
        if !work.group.is_invited(number, &to) {
            continue;
        }
        work.mail(Mail {
            meeting: Some(number),
            kind,
            step: None,
            to,
            due,
            until,
            // the hour's new instant is of no use once it is past
            when_late: if *facts == Facts::Law { WhenLate::Drop } else { WhenLate::Send },
            question,
            facts: facts.clone(),
            answers: None,
        });
    }
    follow_with_alarms(work, number, kind, facts);
    Ok(())
}

/// The facilitator's own event is moved and cancelled together with the meeting.
fn follow_with_alarms(work: &mut Work<'_>, number: MeetingNo, kind: Kind, facts: &Facts) {
    let Some(meeting) = work.group.meeting(number) else { return };
    let to = meeting.facilitator.clone();
    match kind {
        Kind::Moved => alarms_again(work, number, &to),
        Kind::Updated if *facts == Facts::Law => alarms_again(work, number, &to),
        Kind::Cancelled => alarms_off(work, number, &to),
        _ => {}
    }
}

/// The alarms of somebody who has them, as they stand now.
pub(super) fn alarms_again(work: &mut Work<'_>, number: MeetingNo, to: &MemberId) {
    if let Some(meeting) = work.group.meeting(number).filter(|_| work.group.has_alarms(number, to)) {
        let until = work.group.starts(meeting);
        alarms_mail(work, number, to, until, Kind::FacilitatorAlarms);
    }
}

/// The alarms are taken off the calendar of somebody who has them.
pub(super) fn alarms_off(work: &mut Work<'_>, number: MeetingNo, from: &MemberId) {
    if work.group.has_alarms(number, from) {
        let until = work.now() + Duration::days(7);
        alarms_mail(work, number, from, until, Kind::FacilitatorAlarmsOff);
    }
}

fn alarms_mail(work: &mut Work<'_>, number: MeetingNo, to: &MemberId, until: DateTime<Utc>, kind: Kind) {
    let due = work.now();
    work.mail(Mail {
        meeting: Some(number),
        kind,
        step: None,
        to: to.clone(),
        due,
        until,
        when_late: WhenLate::Send,
        question: Some(Question::Note),
        facts: Facts::None,
        answers: None,
    });
}

/// A detail changed (requester, place): calendars are brought up to date, nobody is asked again.
pub(super) fn update_calendars(work: &mut Work<'_>, number: MeetingNo) -> Result<(), Refusal> {
    if work.meeting(number)?.stage != Stage::Planned {
        return Ok(());
    }
    calendar_mails(work, number, Kind::Updated, Some(Question::Attendance), &Facts::None)
}

/// One person's calendar is brought up to date: another address, or mail again after a "stop" or a mailbox that
/// refused it.
pub(super) fn update_own_calendar(work: &mut Work<'_>, to: &MemberId) {
    let on = |meeting: &Meeting| {
        let sent = |kind| work.group.was_sent(Some(meeting.number), kind, to).map(|s| s.at);
        match meeting.stage {
            // who is to be invited, or invited anew, gets that and nothing before it
            Stage::Planned => work.group.is_invited(meeting.number, to),
            // it was called off, and they were not told
            Stage::Cancelled => {
                work.group.starts(meeting) > work.now() && sent(Kind::Cancelled) < sent(Kind::Invitation)
            }
            Stage::Running | Stage::Collecting | Stage::Digested => false,
        }
    };
    for number in work.group.meetings.iter().filter(|m| on(m)).map(|m| m.number).collect::<Vec<_>>() {
        send_state(work, number, to);
        match work.group.meeting(number).is_some_and(|m| m.facilitator == *to && m.stage == Stage::Planned) {
            true => alarms_again(work, number, to),
            // somebody else leads since
            false => alarms_off(work, number, to),
        }
    }
}

/// The event, and a facilitator's own one, leave the calendar at an address that is no more the member's. Its
/// cancellation lies above what that calendar has and below what the new address gets, for both may be read into one
/// calendar (RFC 5546 §2.1.4).
pub(super) fn leave_address(work: &mut Work<'_>, member: &MemberId, address: &Email) {
    let on = |m: &&Meeting| m.stage == Stage::Planned && work.group.is_invited(m.number, member);
    for number in work.group.meetings.iter().filter(on).map(|m| m.number).collect::<Vec<_>>() {
        let Ok(meeting) = work.meeting_mut(number) else { continue };
        meeting.sequence += 2;
        off_at_former(work, number, Kind::AddressLeft, member, address);
        if work.group.has_alarms(number, member) {
            off_at_former(work, number, Kind::AlarmsLeft, member, address);
        }
    }
}

fn off_at_former(work: &mut Work<'_>, number: MeetingNo, kind: Kind, member: &MemberId, address: &Email) {
    let due = work.now();
    let until = work.group.meeting(number).map_or(due, |m| work.group.starts(m));
    work.mail(Mail {
        meeting: Some(number),
        kind,
        step: None,
        to: member.clone(),
        due,
        until,
        when_late: WhenLate::Send,
        question: None,
        facts: Facts::AddressLeft { address: address.clone() },
        answers: None,
    });
}

/// The event as it stands, to one person: an update where it takes place, else its cancellation.
pub(super) fn send_state(work: &mut Work<'_>, number: MeetingNo, to: &MemberId) {
    let Some(meeting) = work.group.meeting(number) else { return };
    let (due, starts) = (work.now(), work.group.starts(meeting));
    let off = meeting.stage == Stage::Cancelled;
    let asks = meeting.attending(to).is_none();
    work.mail(Mail {
        meeting: Some(number),
        kind: if off { Kind::Cancelled } else { Kind::Updated },
        step: None,
        to: to.clone(),
        due,
        until: if off { starts.max(due + Duration::hours(1)) } else { starts },
        when_late: WhenLate::Send,
        question: (!off).then_some(Question::Attendance),
        facts: if off { Facts::None } else { Facts::AsItStands { asks } },
        answers: None,
    });
}

/// One person is taken off a meeting that the others keep (`calendar.md` 6).
pub(super) fn take_off(work: &mut Work<'_>, number: MeetingNo, mail_to: &MemberId) {
    let due = work.now();
    // who gets no mail is off it as well: coming back, they are asked anew
    if !work.group.member(mail_to).is_some_and(Member::gets_mail) {
        work.mark(Some(number), Kind::Cancelled, None, mail_to);
        return;
    }
    work.mail(Mail {
        meeting: Some(number),
        kind: Kind::Cancelled,
        step: None,
        to: mail_to.clone(),
        due,
        until: due + Duration::days(7),
        when_late: WhenLate::Send,
        question: None,
        facts: Facts::TakenOff,
        answers: None,
    });
}

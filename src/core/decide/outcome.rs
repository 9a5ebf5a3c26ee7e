//! What became of a mail for good: the facilitator hears of a dead address, a lost prompt is made good.

use super::{Mail, Work, answer, due, order};
use crate::core::draft::{DraftKey, Facts, Kind, Notice, WhenLate};
use crate::core::event::Outcome;
use crate::core::group::Member;
use crate::core::ids::{Email, MeetingNo, MemberId};
use crate::core::meeting::{Meeting, Stage};
use crate::core::reach::{Away, Bounced, Step, Trouble};
use chrono::NaiveDate;

pub(super) fn outcome(work: &mut Work<'_>, key: &DraftKey, outcome: &Outcome, to: Option<&Email>) {
    let name = work.name(&key.member);
    if key.preview.is_some() {
        work.tell(None, Some(&key.member), format!("the preview of {} to {name} did not arrive", key.kind));
        return;
    }
    if key.kind.is_to_former() {
        // whatever became of it says nothing of the address that mail goes to now
        let text = format!("{} to the former address of {name} may not have arrived", key.kind);
        work.tell(key.meeting, Some(&key.member), text);
        if *outcome == Outcome::InDoubt {
            again_to_former(work, key, to);
        }
        return;
    }
    match outcome {
        Outcome::Refused { why, trouble } => {
            came_back(work, key, trouble.unwrap_or_else(|| Trouble::of_refusal(why)), why);
        }
        Outcome::Bounced { trouble, why } => came_back(work, key, *trouble, why),
        Outcome::Expired => {
            work.tell(key.meeting, Some(&key.member), format!("{} to {name} was not sent: too late", key.kind));
            if let (Kind::StepPrompt, Some(meeting), Some(step)) = (key.kind, key.meeting, key.step) {
                make_good(work, meeting, step, key);
            }
        }
        Outcome::InDoubt => {
            let text = format!("{} to {name}: the connection was lost before the server's answer; in doubt", key.kind);
            work.tell(key.meeting, Some(&key.member), text);
            if key.kind.is_calendar() {
                again(work, key);
            }
        }
    }
}

/// What came back: told to the facilitator when the address is to be checked, and when no more mail
/// goes there; what is about our own set-up is the operator's (`inbound.md` row 35).
fn came_back(work: &mut Work<'_>, key: &DraftKey, trouble: Trouble, why: &str) {
    let now = work.now();
    let name = work.name(&key.member);
    let Some(member) = work.group.members.iter_mut().find(|m| m.id == key.member) else { return };
    let new = Bounced { at: now, trouble, mail: key.to_string(), why: why.to_owned() };
    let step = member.reach.note(new);
    let what = match trouble {
        Trouble::Hard => "was refused",
        Trouble::Soft => "came back and may pass another time",
        Trouble::Quota => "came back: the mailbox is full",
        Trouble::Policy => "was refused because of how we send, which is the operator's to mend",
        Trouble::Delayed => "is delayed, and still tried",
    };
    let suspended = member.unreachable.is_some();
    if step == Step::Suspend && !suspended {
        member.unreachable = Some(now);
    }
    work.tell(key.meeting, Some(&key.member), format!("{} to {name} {what}: {why}", key.kind));
    match step {
        Step::ToCheck => undeliverable(work, key, why, false),
        Step::Suspend if !suspended => {
            work.tell(key.meeting, Some(&key.member), format!("mail to {name} is suspended"));
            undeliverable(work, key, why, true);
            answer::seats_away(work, &key.member);
        }
        Step::Suspend | Step::Noted | Step::Operator => {}
    }
}

/// The facilitator hears of it, unless the address is their own.
fn undeliverable(work: &mut Work<'_>, key: &DraftKey, why: &str, suspended: bool) {
    let leads = work.group.facilitators().first().map(|m| m.id.clone());
    if leads.as_ref() != Some(&key.member) {
        let notice = Notice::Undeliverable { member: key.member.clone(), why: why.to_owned(), suspended };
        answer::pass_on(work, key.meeting, notice);
    }
}

/// An absence notice is kept on the member. It answers nothing, and nothing answers it.
pub(super) fn away(work: &mut Work<'_>, from: &MemberId, until: Option<NaiveDate>) {
    let now = work.now();
    let name = work.name(from);
    let Some(member) = work.group.members.iter_mut().find(|m| m.id == *from) else { return };
    // several notices of one absence: the first date that was read stays until it is over
    let known = member.reach.away.filter(|a| a.until.is_some_and(|u| u >= now.date_naive()));
    let until = until.or(known.and_then(|a| a.until));
    let told = known.filter(|a| a.until == until).map_or(now, |a| a.told);
    member.reach.away = Some(Away { told, until });
    let text = match until {
        Some(day) => format!("an automatic reply of {name}: away until {day} (not confirmed)"),
        None => format!("an automatic reply of {name}"),
    };
    work.tell(None, Some(from), text);
}

/// A prompt that missed its time: "you are in step 4 until 14:43", if enough of the step remains.
fn make_good(work: &mut Work<'_>, number: MeetingNo, position: u32, key: &DraftKey) {
    let now = work.now();
    let Some(meeting) = work.group.meeting(number).filter(|m| m.stage == Stage::Running) else { return };
    let Some(run) = &meeting.run else { return };
    let Some(step) = run.steps.get(position as usize) else { return };
    let current = run.current(now) == Some(position);
    if current && step.leaves_enough(now) && run.paused.is_none() {
        due::prompt_one(work, number, position, now, &Facts::Resumed, &key.member);
    }
}

/// A calendar mail in doubt is sent once more: its UID makes it harmless (`reliability.md` 3).
fn again(work: &mut Work<'_>, key: &DraftKey) {
    let Some(meeting) = key.meeting.and_then(|n| work.group.meeting(n)) else { return };
    let holds = match key.kind {
        // a cancellation that is lost leaves an hour in a calendar for good
        Kind::Cancelled => !work.group.is_invited(meeting.number, &key.member),
        Kind::FacilitatorAlarmsOff => {
            meeting.facilitator != key.member || !work.group.has_alarms(meeting.number, &key.member)
        }
        // what was true when it left and is no more (an invitation to what was cancelled since) stays in doubt
        _ => meeting.stage == Stage::Planned && is_newest(work, meeting, key),
    };
    // one person was taken off what the others keep, or kept until it was called off
    let taken_off = key.kind == Kind::Cancelled
        && (meeting.stage != Stage::Cancelled || !work.group.member(&key.member).is_some_and(Member::is_active));
    let facts = match key.kind {
        Kind::Moved => Facts::Moved { from: meeting.slot },
        _ if taken_off => Facts::TakenOff,
        _ => Facts::None,
    };
    if holds {
        once_more(work, key, facts);
    }
}

/// Nothing newer went to this person's calendar, and the alarms are one's who leads, as long as they lead.
fn is_newest(work: &Work<'_>, meeting: &Meeting, key: &DraftKey) -> bool {
    if key.kind == Kind::FacilitatorAlarms {
        return meeting.facilitator == key.member && work.group.has_alarms(meeting.number, &key.member);
    }
    let sent = |kind| work.group.was_sent(key.meeting, kind, &key.member).map(|s| s.at);
    let newer = [Kind::Moved, Kind::Updated, Kind::Cancelled].into_iter();
    !newer.filter(|k| *k != key.kind).any(|k| sent(k) > sent(key.kind))
}

/// The same at an address that was left, unless it is a member's again, who would lose an event of their own. What rings
/// at the new address is sent anew with it, for its SEQUENCE has to lie above.
fn again_to_former(work: &mut Work<'_>, key: &DraftKey, to: Option<&Email>) {
    let Some(address) = to else { return };
    let taken = work.group.members.iter().any(|m| m.is_active() && m.has_address(address.as_str()));
    if taken || work.group.member(&key.member).is_none() {
        return;
    }
    let repeated = once_more(work, key, Facts::AddressLeft { address: address.clone() });
    let Some(number) = key.meeting.filter(|_| repeated) else { return };
    if key.kind == Kind::AlarmsLeft {
        return order::alarms_again(work, number, &key.member);
    }
    // the meeting may have changed for others since, and the cancellation would lie above what they have
    if work.group.is_invited(number, &key.member) {
        if let Ok(meeting) = work.meeting_mut(number) {
            meeting.sequence += 2;
        }
        order::send_state(work, number, &key.member);
    }
}

/// Again, and as long as that is in doubt too, up to four times in all; says whether it goes.
fn once_more(work: &mut Work<'_>, key: &DraftKey, facts: Facts) -> bool {
    let Some(meeting) = key.meeting.and_then(|n| work.group.meeting(n)) else { return false };
    let (due, until) = (work.now(), work.group.starts(meeting));
    if due >= until || key.revision > 3 {
        return false;
    }
    work.mail(Mail {
        meeting: key.meeting,
        kind: key.kind,
        step: None,
        to: key.member.clone(),
        due,
        until,
        when_late: WhenLate::Send,
        question: due::question(key.kind),
        facts,
        answers: None,
    });
    true
}

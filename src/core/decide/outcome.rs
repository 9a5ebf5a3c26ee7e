//! What became of a mail for good: the facilitator hears of a dead address, a lost prompt is made good.

use super::{Mail, Work, answer, due};
use crate::core::draft::{DraftKey, Facts, Kind, Notice, Question, WhenLate};
use crate::core::event::Outcome;
use crate::core::ids::MeetingNo;
use crate::core::meeting::Stage;

pub(super) fn outcome(work: &mut Work<'_>, key: &DraftKey, outcome: &Outcome) {
    let name = work.name(&key.member);
    match outcome {
        Outcome::Refused { why } => refused(work, key, why),
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

/// A dead address: told to the facilitator once, unless it is their own.
fn refused(work: &mut Work<'_>, key: &DraftKey, why: &str) {
    let now = work.now();
    let text = format!("{} to {} was refused: {why}", key.kind, work.name(&key.member));
    work.tell(key.meeting, Some(&key.member), text);
    let Some(member) = work.group.members.iter_mut().find(|m| m.id == key.member) else { return };
    let known = member.unreachable.replace(now).is_some();
    let leads = work.group.facilitators().first().map(|m| m.id.clone());
    if !known && leads.as_ref() != Some(&key.member) {
        let notice = Notice::Undeliverable { member: key.member.clone(), why: why.to_owned() };
        answer::pass_on(work, key.meeting, notice);
    }
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
    // what was cancelled or moved since is not to come back to a calendar
    let off = meeting.stage != Stage::Planned && key.kind != Kind::Cancelled;
    let sent = |kind| work.group.was_sent(key.meeting, kind, &key.member).map(|s| s.at);
    let newer =
        [Kind::Moved, Kind::Updated, Kind::Cancelled].into_iter().any(|k| k != key.kind && sent(k) > sent(key.kind));
    if off || newer {
        return;
    }
    let until = work.group.starts(meeting);
    let due = work.now();
    // what was true when it left and is no more (an invitation to what was cancelled since) stays in doubt
    let holds = match meeting.stage {
        Stage::Planned => key.kind != Kind::Cancelled,
        Stage::Cancelled => key.kind == Kind::Cancelled,
        Stage::Running | Stage::Collecting | Stage::Digested => false,
    };
    if !holds || due >= until || key.revision > 3 {
        return;
    }
    let facts = if key.kind == Kind::Moved { Facts::Moved { from: meeting.slot } } else { Facts::None };
    work.mail(Mail {
        meeting: key.meeting,
        kind: key.kind,
        step: None,
        to: key.member.clone(),
        due,
        until,
        when_late: WhenLate::Send,
        question: Some(Question::Attendance),
        facts,
        answers: None,
    });
}

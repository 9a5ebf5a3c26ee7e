//! Time has come: meetings are planned, mails drafted, sessions begun, prompted and ended.

use super::{Mail, Work};
use crate::core::agenda::{Due, Task, agenda, prompted, session_people};
use crate::core::draft::{Facts, Kind, Question, Role, WhenLate};
use crate::core::format::Collects;
use crate::core::group::Turn;
use crate::core::ids::{MeetingNo, MemberId, Uid};
use crate::core::meeting::{DigestState, Meeting, Stage};
use crate::core::run::{Run, sheet};
use crate::core::schedule::instant;
use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use std::collections::BTreeMap;

/// More rounds than any group needs in one go; the rest waits for the next decision.
const ROUNDS: usize = 2000;

/// Does all that is due, one thing after the other: each may make the next one due.
pub(super) fn due(work: &mut Work<'_>) {
    for _ in 0..ROUNDS {
        let now = work.now();
        let Some(next) = agenda(&work.group).into_iter().find(|d| d.at <= now) else { return };
        match next.task.clone() {
            Task::Plan => plan(work),
            Task::Mail { meeting, kind, to } => mails(work, &next, meeting, kind, &to),
            Task::Law { meeting } => super::order::law_changed(work, meeting),
            Task::Begin { meeting } => begin(work, meeting),
            Task::Prompt { meeting, step } => prompt(work, &next, meeting, step),
            Task::End { meeting } => end(work, meeting, None),
            Task::Lapse { challenge } => super::unproven::lapse(work, &challenge),
        }
    }
}

/// Puts the schedule's next slot on the calendar; a slot that is past is passed over.
fn plan(work: &mut Work<'_>) {
    let Some(slot) = work.group.next_slot() else { return };
    work.group.last_slot = Some(slot);
    let start = instant(slot, work.group.spec.zone);
    let number = MeetingNo(work.group.next_meeting);
    let turns = work.group.whose_turn();
    let leads = work.group.facilitators().first().map(|m| m.id.clone());
    let (Some(requester), Some(facilitator)) = (turns.first().cloned(), leads) else {
        work.tell(None, None, format!("the meeting of {slot} was not planned: nobody to be requester or facilitator"));
        return;
    };
    if start <= work.now() {
        work.tell(None, None, format!("the slot of {slot} was past already and was passed over"));
        return;
    }
    let Ok(uid) = format!("codevd-{}-{number}", work.moment.fresh).parse::<Uid>() else { return };
    let meeting = new_meeting(work, number, uid, slot, requester.clone(), facilitator, turns.get(1).cloned());
    work.group.next_meeting += 1;
    work.group.meetings.push(meeting);
    work.group.turns.push(Turn { meeting: number, member: requester.clone(), wall: slot });
    let text = format!("meeting {number} was planned for {slot}; {} is the requester", work.name(&requester));
    work.tell(Some(number), Some(&requester), text);
}

fn new_meeting(
    work: &Work<'_>,
    number: MeetingNo,
    uid: Uid,
    slot: NaiveDateTime,
    requester: MemberId,
    facilitator: MemberId,
    backup: Option<MemberId>,
) -> Meeting {
    Meeting {
        number,
        uid,
        slot,
        wall: slot,
        announced: Some(instant(slot, work.group.spec.zone)),
        told_before: None,
        format: work.group.spec.format.clone(),
        place: None,
        sequence: 0,
        time_sequence: 0,
        created: work.now(),
        changed: work.now(),
        stage: Stage::Planned,
        requester,
        backup,
        facilitator,
        attendance: BTreeMap::new(),
        subject: None,
        run: None,
        ended: None,
        words: Vec::new(),
        actions: Vec::new(),
        digest: DigestState::default(),
        led: None,
    }
}

/// Drafts a mail of the agenda to each of its receivers, or passes it over when its time is gone.
fn mails(work: &mut Work<'_>, due: &Due, meeting: Option<MeetingNo>, kind: Kind, to: &[MemberId]) {
    if work.now() > due.until {
        for member in to {
            work.mark(meeting, kind, None, member);
        }
        work.tell(meeting, None, format!("{kind} was not sent: its time was over"));
        // a digest that comes weeks late helps nobody; the meeting is done with all the same
        if let (Kind::Digest, Some(meeting)) = (kind, meeting.and_then(|n| work.group.meeting_mut(n))) {
            meeting.stage = Stage::Digested;
        }
        return;
    }
    for member in to {
        let facts = facts(work, meeting, kind, member);
        let question = question(kind);
        work.mail(Mail {
            meeting,
            kind,
            step: None,
            to: member.clone(),
            due: due.at.max(work.now()),
            until: due.until,
            when_late: when_late(kind),
            question,
            facts,
            answers: None,
        });
    }
    if let Some(number) = meeting {
        after_mail(work, number, kind);
    }
}

/// What a mail of the agenda says beyond the group's state.
fn facts(work: &mut Work<'_>, meeting: Option<MeetingNo>, kind: Kind, member: &MemberId) -> Facts {
    match kind {
        Kind::Invitation if work.group.was_sent(None, Kind::Welcome, member).is_none() => {
            work.mark(None, Kind::Welcome, None, member);
            Facts::FirstMail
        }
        Kind::NoSubject => {
            let asks = [Kind::SubjectRequest, Kind::SubjectReminder, Kind::SubjectLastReminder];
            let requester = meeting.and_then(|n| work.group.meeting(n)).map(|m| m.requester.clone());
            let sent = |kind| {
                requester.as_ref().and_then(|r| work.group.was_sent(meeting, kind, r)).map_or(0, |s| s.revision + 1)
            };
            Facts::NoSubject { why: "silent".to_owned(), reminders: asks.into_iter().skip(1).map(sent).sum() }
        }
        _ => Facts::None,
    }
}

/// What a reply to a mail of the agenda is read as.
pub(super) fn question(kind: Kind) -> Option<Question> {
    match kind {
        Kind::Invitation | Kind::Moved | Kind::Updated | Kind::AttendanceCheck | Kind::WarmUp | Kind::DayOf => {
            Some(Question::Attendance)
        }
        // a yes to it is a no to the invitation: `answer::away_check`
        Kind::AwayCheck => Some(Question::Confirm),
        Kind::SubjectRequest | Kind::SubjectReminder | Kind::SubjectLastReminder | Kind::Standby => {
            Some(Question::Subject)
        }
        Kind::NoSubject => Some(Question::NoSubject),
        Kind::CallForSubjects => Some(Question::Volunteer),
        Kind::SubjectReceipt => Some(Question::Share),
        Kind::ActionPlanRequest => Some(Question::ActionPlan),
        Kind::LearningsRequest => Some(Question::Learning),
        Kind::LastCall | Kind::Digest | Kind::DigestCorrection => Some(Question::LastCall),
        Kind::DigestReview => Some(Question::Review),
        Kind::FollowUp | Kind::PlanReprint => Some(Question::Progress),
        Kind::Welcome | Kind::SubjectShared | Kind::AttendanceCount => Some(Question::Note),
        Kind::Counter => Some(Question::Counter),
        Kind::CounterDeclined => Some(Question::Attendance),
        Kind::WasItYou => Some(Question::Confirm),
        Kind::Forwarded | Kind::FacilitatorAlarms | Kind::FacilitatorAlarmsOff => Some(Question::Note),
        Kind::Cancelled
        | Kind::AddressLeft
        | Kind::AlarmsLeft
        | Kind::StepPrompt
        | Kind::Receipt
        | Kind::Refusal
        | Kind::Notice => None,
    }
}

/// What becomes of a mail that could not leave in time.
fn when_late(kind: Kind) -> WhenLate {
    match kind {
        Kind::SubjectRequest | Kind::SubjectReminder | Kind::SubjectLastReminder | Kind::LastCall => WhenLate::Merge,
        Kind::Invitation
        | Kind::FacilitatorAlarms
        | Kind::Digest
        | Kind::DigestCorrection
        | Kind::Welcome
        | Kind::NoSubject => WhenLate::Send,
        _ => WhenLate::Drop,
    }
}

/// What else changes once a mail was decided.
fn after_mail(work: &mut Work<'_>, number: MeetingNo, kind: Kind) {
    let now = work.now();
    let Some(meeting) = work.group.meeting_mut(number) else { return };
    match kind {
        Kind::DigestReview => meeting.digest.review_sent = Some(now),
        Kind::Digest => {
            meeting.digest.sent = Some(now);
            meeting.stage = Stage::Digested;
        }
        Kind::DigestCorrection => meeting.digest.correction_due = None,
        _ => {}
    }
    work.tell(Some(number), None, format!("{kind} was decided"));
}

/// The session begins: its clock is laid out as stored steps.
fn begin(work: &mut Work<'_>, number: MeetingNo) {
    let now = work.now();
    let Some(meeting) = work.group.meeting(number) else { return };
    if work.group.expected(meeting).is_empty() {
        // everybody declined: nothing is held, and the turn stays owed
        if super::order::cancel(work, number).is_ok() {
            work.tell(Some(number), None, "everybody had declined");
        }
        return;
    }
    let start = work.group.starts(meeting);
    let previous = work.group.previous(meeting).is_some();
    let Some(format) = work.group.format_of(meeting) else { return };
    let steps = sheet(format, start, previous);
    let end = start + format.length();
    let late = now >= end;
    let Some(meeting) = work.group.meeting_mut(number) else { return };
    meeting.stage = Stage::Running;
    meeting.run = Some(Run { steps, announced_end: end, paused: None, stopped: None });
    work.tell(
        Some(number),
        None,
        if late { "the session was over when this was noticed" } else { "the session begins" },
    );
}

/// A step's prompt to each who takes part: in time, or as "you are in step 4 until 14:43" when the
/// step is well under way, or not at all (`decisions.md` 11).
fn prompt(work: &mut Work<'_>, due: &Due, number: MeetingNo, position: u32) {
    let late = Duration::seconds(i64::from(work.group.settings().prompt_late_seconds));
    let now = work.now();
    let Some(run) = work.group.meeting(number).and_then(|m| m.run.as_ref()) else { return };
    let Some(step) = run.steps.get(position as usize).cloned() else { return };
    let newer = run.steps.iter().zip(0u32..).any(|(s, p)| p > position && s.start <= now);
    let worth = step.leaves_enough(now);
    let facts = if now - due.at <= late { Facts::None } else { Facts::Resumed };
    if newer || (facts == Facts::Resumed && !worth) {
        skip(work, number, position, "it would have come too late");
        return;
    }
    prompt_all(work, number, position, due.at.max(now), &facts);
    // where everybody in the session stopped all mail, the step does not stay due
    skip(work, number, position, "nobody is there to read it");
}

/// Drafts a step's prompt to everybody in the session.
pub(super) fn prompt_all(work: &mut Work<'_>, number: MeetingNo, position: u32, at: DateTime<Utc>, facts: &Facts) {
    let Some(meeting) = work.group.meeting(number) else { return };
    for member in session_people(&work.group, meeting) {
        prompt_one(work, number, position, at, facts, &member);
    }
}

/// Drafts a step's prompt to one person. It is useful for as long as it may be late.
pub(super) fn prompt_one(
    work: &mut Work<'_>,
    number: MeetingNo,
    position: u32,
    at: DateTime<Utc>,
    facts: &Facts,
    member: &MemberId,
) {
    let late = Duration::seconds(i64::from(work.group.settings().prompt_late_seconds));
    let Some(meeting) = work.group.meeting(number) else { return };
    let Some(run) = meeting.run.as_ref().filter(|r| at <= r.never_after()) else { return };
    let Some(step) = run.steps.get(position as usize) else { return };
    let question = prompt_question(work.group.role_in(meeting, member), step.collects);
    let until = (at + late).min(step.end.max(at));
    work.mail(Mail {
        meeting: Some(number),
        kind: Kind::StepPrompt,
        step: Some(position),
        to: member.clone(),
        due: at,
        until,
        when_late: WhenLate::Drop,
        question: Some(question),
        facts: facts.clone(),
        answers: None,
    });
}

/// What a reply to a prompt is read as, by part and step.
fn prompt_question(role: Role, collects: Collects) -> Question {
    match (role, collects) {
        (Role::Facilitator, _) => Question::Live,
        (Role::Requester, Collects::Request) => Question::StepRequest,
        (Role::Requester, Collects::Action) => Question::ActionPlan,
        (_, Collects::Learning) => Question::Learning,
        (Role::Cooperant | Role::PreviousRequester, Collects::Contribution) => Question::Contribution,
        _ => Question::Note,
    }
}

/// A step goes by without a prompt.
fn skip(work: &mut Work<'_>, number: MeetingNo, position: u32, why: &str) {
    let Some(meeting) = work.group.meeting(number) else { return };
    if prompted(&work.group, meeting, position) {
        return;
    }
    let Some(meeting) = work.group.meeting_mut(number) else { return };
    let Some(step) = meeting.run.as_mut().and_then(|r| r.steps.get_mut(position as usize)) else { return };
    step.skipped = true;
    let key = step.key;
    work.tell(Some(number), None, format!("the prompt of step {key} was not sent: {why}"));
}

/// The session is over: from now on plan and learnings are collected.
pub(super) fn end(work: &mut Work<'_>, number: MeetingNo, stopped: Option<DateTime<Utc>>) {
    let Some(meeting) = work.group.meeting_mut(number) else { return };
    let Some(run) = &mut meeting.run else { return };
    let end = run.steps.last().map_or(run.announced_end, |s| s.end);
    run.stopped = stopped;
    run.paused = None;
    meeting.ended = Some(stopped.unwrap_or(end));
    meeting.stage = Stage::Collecting;
    work.tell(Some(number), None, "the session is over");
}

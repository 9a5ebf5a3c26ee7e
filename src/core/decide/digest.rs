//! After the session: the requester's review, corrections, and how the plan goes.

use super::answer::{note, plan, take_plan_or_note};
use super::{Mail, Work};
use crate::core::draft::{Facts, Kind, Question, WhenLate};
use crate::core::event::{Answer, Inverse, Meaning, Receipt};
use crate::core::group::Group;
use crate::core::ids::MeetingNo;
use crate::core::meeting::{Meeting, Section, Stage};
use crate::core::refusal::Refusal;
use chrono::{DateTime, Duration, Utc};

/// Whether corrections are over: the digest went out longer ago than they are taken.
pub(super) fn closed(group: &Group, meeting: &Meeting, now: DateTime<Utc>) -> bool {
    let time = Duration::seconds(i64::from(group.settings().correction_seconds));
    meeting.digest.sent.is_some_and(|sent| now > sent + time)
}

/// A change after the digest went out: it goes out once more when the time for corrections is over.
/// What comes later still is kept, and nobody is written to.
pub(super) fn correct(work: &mut Work<'_>, number: MeetingNo) -> Result<(), Refusal> {
    let meeting = work.meeting(number)?;
    if closed(&work.group, meeting, work.now()) {
        return Ok(());
    }
    let time = Duration::seconds(i64::from(work.group.settings().correction_seconds));
    let meeting = work.meeting_mut(number)?;
    meeting.digest.correction_due = meeting.digest.sent.map(|sent| sent + time);
    work.tell(Some(number), None, "a correction of the digest came");
    Ok(())
}

/// The requester's word on the digest: send it, keep plan and request out, or a correction.
pub(super) fn review(work: &mut Work<'_>, number: MeetingNo, answer: &Answer) -> Result<(), Refusal> {
    let meeting = work.meeting(number)?;
    if meeting.requester != answer.from {
        return Err(Refusal::RequesterOnly);
    }
    if meeting.digest.sent.is_some() {
        return take_plan_or_note(work, number, answer);
    }
    if meeting.stage != Stage::Collecting {
        return Err(Refusal::Over);
    }
    let before = meeting.digest.clone();
    let now = work.now();
    let verdict = match &answer.meaning {
        Meaning::Approve | Meaning::Yes => "approved",
        Meaning::ShareAll => {
            work.meeting_mut(number)?.actions.iter_mut().for_each(|a| a.shared = true);
            "approved"
        }
        Meaning::Withdraw | Meaning::No | Meaning::ShareNothing => "withdrawn",
        Meaning::Correction | Meaning::Plan { .. } | Meaning::Text { .. } | Meaning::Request { .. } => {
            return correction(work, number, answer);
        }
        _ => return Err(Refusal::NotUnderstood),
    };
    let meeting = work.meeting_mut(number)?;
    meeting.digest.withdrawn = verdict == "withdrawn";
    meeting.digest.approved = Some(now);
    work.tell(Some(number), Some(&answer.from), format!("the digest was {verdict} by its requester"));
    let receipt = Receipt::Review { verdict: verdict.to_owned() };
    work.receipt(Some(number), &answer.from, receipt, Some(Inverse::Digest { before }), &answer.mail);
    Ok(())
}

/// A correction before the digest left: the plan is read anew, or the request replaced, and the
/// digest shown once more.
fn correction(work: &mut Work<'_>, number: MeetingNo, answer: &Answer) -> Result<(), Refusal> {
    if let Meaning::Request { text } = &answer.meaning {
        work.keep(number, &answer.from, Section::Request, text, false);
        work.tell(Some(number), Some(&answer.from), "the request was corrected");
    } else {
        plan(work, number, answer)?;
    }
    show_again(work, number)
}

fn show_again(work: &mut Work<'_>, number: MeetingNo) -> Result<(), Refusal> {
    let now = work.now();
    let meeting = work.meeting(number)?;
    let to = meeting.requester.clone();
    let ended = meeting.ended.unwrap_or(now);
    let until = crate::core::agenda::digest_at(&work.group, meeting, ended).max(now);
    work.mail(Mail {
        meeting: Some(number),
        kind: Kind::DigestReview,
        step: None,
        to,
        due: now,
        until,
        when_late: WhenLate::Drop,
        question: Some(Question::Review),
        facts: Facts::None,
        answers: None,
    });
    Ok(())
}

/// How the plan goes (M25, M26): each action's state in its owner's word, and their text.
pub(super) fn progress(work: &mut Work<'_>, number: MeetingNo, answer: &Answer) -> Result<(), Refusal> {
    let Some(owner) = plan_of(&work.group, number, answer) else { return note(work, Some(number), answer) };
    let id = work.keep(owner, &answer.from, Section::FollowUp, &answer.text, false);
    let Meaning::Progress { actions } = &answer.meaning else {
        work.tell(Some(owner), Some(&answer.from), "wrote how the plan is going");
        super::answer::kept(work, owner, answer, Section::FollowUp, false, id);
        return Ok(());
    };
    let meeting = work.meeting_mut(owner)?;
    for (action, said) in meeting.actions.iter_mut().zip(actions) {
        action.progress = said.or(action.progress);
    }
    let lines = meeting.actions.iter().map(|a| (a.text.clone(), a.progress)).collect();
    work.tell(Some(owner), Some(&answer.from), "told how the plan is going");
    work.receipt(Some(owner), &answer.from, Receipt::Progress { lines }, Some(Inverse::Word { id }), &answer.mail);
    Ok(())
}

/// The meeting whose plan is spoken of: M25 is about its own meeting, M26 about the one before.
fn plan_of(group: &Group, number: MeetingNo, answer: &Answer) -> Option<MeetingNo> {
    let meeting = group.meeting(number)?;
    let subject = if answer.to.kind == Kind::PlanReprint { group.previous(meeting)? } else { meeting };
    (subject.requester == answer.from).then_some(subject.number)
}

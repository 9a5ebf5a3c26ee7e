//! A calendar button's answer, already matched and ordered by `ical::itip`.

use super::{Work, answer};
use crate::core::draft::{Facts, Kind, Notice};
use crate::core::event::{CalendarAnswer, Receipt};
use crate::core::refusal::Refusal;

/// Takes the answer; one for the hour before a move is told once and not counted.
pub(super) fn calendar(work: &mut Work<'_>, answer: &CalendarAnswer) -> Result<(), Refusal> {
    let Some(meeting) = work.group.meetings.iter().find(|m| m.uid == answer.uid) else {
        return Err(Refusal::CalendarUseless {
            what: "an answer for an event that is not ours, or is long over".into(),
        });
    };
    let (number, open) = (meeting.number, meeting.is_open());
    if !work.group.member(&answer.from).is_some_and(|m| m.is_active()) {
        return Err(Refusal::NoSuchMember { name: answer.from.to_string(), known: String::new() });
    }
    answer::alive(work, &answer.from);
    if !open {
        let facts = Facts::Refused { refusal: Refusal::Over, question: None, words: None };
        work.reply(Some(number), Kind::Refusal, &answer.from, facts, &answer.mail);
        work.tell(Some(number), Some(&answer.from), "a calendar answer came when the meeting was over or cancelled");
        return Ok(());
    }
    if answer.old_time {
        work.tell(Some(number), Some(&answer.from), "a calendar answer was for the hour before the move");
        work.receipt(Some(number), &answer.from, Receipt::OldTime, None, &answer.mail);
        return Ok(());
    }
    let said = answer.attendance.answer;
    let comment = answer.attendance.comment.clone();
    let inverse = answer::take(work, number, &answer.from, answer.attendance.clone())?;
    if !answer.proven {
        let receipt = Receipt::Attendance { answer: said, late: None, asks: false };
        work.receipt(Some(number), &answer.from, receipt, Some(inverse), &answer.mail);
    }
    if let Some(text) = comment.filter(|c| !c.trim().is_empty()) {
        answer::pass_on(work, Some(number), Notice::Passed { member: answer.from.clone(), text });
    }
    Ok(())
}

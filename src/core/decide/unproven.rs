//! A mail in a member's name that nothing proves: the member is asked, at the known address and nowhere else.

use super::{Mail, Work};
use crate::core::draft::{Facts, Kind, Question, WhenLate};
use crate::core::event::Unproven;
use crate::core::group::SentKey;
use crate::core::ids::MemberId;
use crate::core::refusal::Refusal;
use chrono::Duration;

/// A member is asked at most this often (`inbound.md` §4 rule 4).
const HOURS_BETWEEN: i64 = 24;
/// The question is good for this long (rule 6).
const GOOD_HOURS: i64 = 72;
/// Characters of the text that are shown.
const SHOWN: usize = 200;

/// Asks "was it you?", once a day.
pub(super) fn unproven(work: &mut Work<'_>, unproven: &Unproven) -> Result<(), Refusal> {
    let now = work.now();
    let meeting = unproven.to.meeting.filter(|n| work.group.meeting(*n).is_some());
    let asked = |key: &SentKey| key.kind == Kind::WasItYou && key.member == unproven.from;
    let recent = now - Duration::hours(HOURS_BETWEEN);
    if work.group.sent.iter().any(|(key, sent)| asked(key) && sent.at > recent) {
        return Err(Refusal::AskedToday);
    }
    let name = work.name(&unproven.from);
    work.tell(meeting, Some(&unproven.from), format!("a mail in {name}'s name that nothing proves: {name} was asked"));
    work.mail(Mail {
        meeting,
        kind: Kind::WasItYou,
        step: None,
        to: unproven.from.clone(),
        due: now,
        until: now + Duration::hours(GOOD_HOURS),
        when_late: WhenLate::Drop,
        question: Some(Question::Confirm),
        facts: Facts::WasItYou {
            text: unproven.text.trim().chars().take(SHOWN).collect(),
            inbox: unproven.inbox,
            answers: Box::new(unproven.to.clone()),
        },
        answers: None,
    });
    Ok(())
}

/// Told in the story; nothing else changes.
pub(super) fn disowned(work: &mut Work<'_>, from: &MemberId) {
    let name = work.name(from);
    work.tell(None, Some(from), format!("{name} says that a mail in that name was not theirs"));
}

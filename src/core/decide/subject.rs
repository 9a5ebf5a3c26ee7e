//! The requester's subject: collected, read back, shared as far as they say; or the turn is swapped.

use super::answer::{note, pass_on, requester_away, tell_leader};
use super::{Mail, Work};
use crate::core::agenda::session_people;
use crate::core::draft::{Facts, Kind, Notice, Question, WhenLate};
use crate::core::event::{Answer, Inverse, Meaning, Receipt};
use crate::core::group::Group;
use crate::core::ids::{MeetingNo, MemberId};
use crate::core::meeting::{Led, Sharing, Stage, Subject};
use crate::core::refusal::Refusal;

/// Most reminders a person gets on one subject (`decisions.md` 14).
const REMINDERS: u32 = 3;

/// A reply to M04, M05 or M06: the subject, more of it, or the wish to swap.
pub(super) fn subject(work: &mut Work<'_>, number: MeetingNo, answer: &Answer) -> Result<(), Refusal> {
    let meeting = work.meeting(number)?;
    if meeting.stage != Stage::Planned || meeting.requester != answer.from {
        return note(work, Some(number), answer);
    }
    if let Meaning::Swap { .. } = answer.meaning {
        work.tell(Some(number), Some(&answer.from), "the requester wishes to swap the turn");
        requester_away(work, number, "swap");
        work.receipt(Some(number), &answer.from, Receipt::SwapAsked, None, &answer.mail);
        return Ok(());
    }
    collect(work, number, answer)
}

/// Keeps or completes the subject and reads it back (M09).
fn collect(work: &mut Work<'_>, number: MeetingNo, answer: &Answer) -> Result<(), Refusal> {
    let now = work.now();
    let meeting = work.meeting_mut(number)?;
    let before = meeting.subject.clone();
    let text = match &before {
        Some(old) => format!("{}\n\n{}", old.text, answer.text.trim()),
        None => answer.text.trim().to_owned(),
    };
    meeting.subject = Some(Subject { text, sharing: before.as_ref().and_then(|b| b.sharing), at: now });
    let until = work.group.starts(work.meeting(number)?);
    work.mail(Mail {
        meeting: Some(number),
        kind: Kind::SubjectReceipt,
        step: None,
        to: answer.from.clone(),
        due: now,
        until,
        when_late: WhenLate::Merge,
        question: Some(Question::Share),
        facts: Facts::None,
        answers: Some(answer.mail.clone()),
    });
    remember(work, number, &answer.from, Kind::SubjectReceipt, Inverse::Subject { before });
    work.tell(Some(number), Some(&answer.from), "the subject came and was read back");
    Ok(())
}

/// Keeps what takes a change back when the mail that tells it is not a receipt.
fn remember(work: &mut Work<'_>, number: MeetingNo, member: &MemberId, told_by: Kind, inverse: Inverse) {
    let receipt = work.group.was_sent(Some(number), told_by, member).map_or(0, |s| s.revision);
    let at = work.now();
    work.group.undos.push(crate::core::group::Undo {
        meeting: Some(number),
        member: member.clone(),
        receipt,
        inverse,
        at,
    });
}

/// A reply to M09: what the group may read; anything else completes the text.
pub(super) fn share(work: &mut Work<'_>, number: MeetingNo, answer: &Answer) -> Result<(), Refusal> {
    let sharing = match answer.meaning {
        Meaning::ShareAll | Meaning::Yes => Sharing::All,
        Meaning::ShareTitle => Sharing::TitleOnly,
        Meaning::ShareNothing | Meaning::No => Sharing::Nothing,
        _ => return subject(work, number, answer),
    };
    let now = work.now();
    let meeting = work.meeting_mut(number)?;
    if meeting.requester != answer.from {
        return Err(Refusal::RequesterOnly);
    }
    if meeting.stage != Stage::Planned {
        return Err(Refusal::Over);
    }
    let Some(subject) = &mut meeting.subject else { return Err(Refusal::NotUnderstood) };
    let before = subject.sharing.replace(sharing);
    subject.at = now;
    work.receipt(
        Some(number),
        &answer.from,
        Receipt::Sharing { sharing },
        Some(Inverse::Sharing { before }),
        &answer.mail,
    );
    work.tell(Some(number), Some(&answer.from), "the requester said what may be shared");
    if sharing != Sharing::Nothing {
        share_again(work, number)?;
    }
    Ok(())
}

/// Consent came after a M10 that had to do without: those who got that one get the subject now.
fn share_again(work: &mut Work<'_>, number: MeetingNo) -> Result<(), Refusal> {
    let meeting = work.meeting(number)?;
    let until = work.group.starts(meeting);
    let due = work.now();
    let had = |id: &MemberId| work.group.was_sent(Some(number), Kind::SubjectShared, id).is_some();
    let again: Vec<_> = session_people(&work.group, meeting).into_iter().filter(had).collect();
    for to in again {
        work.mail(Mail {
            meeting: Some(number),
            kind: Kind::SubjectShared,
            step: None,
            to,
            due,
            until,
            when_late: WhenLate::Drop,
            question: Some(Question::Note),
            facts: Facts::None,
            answers: None,
        });
    }
    Ok(())
}

/// The facilitator's word on M07: remind, swap, open a call.
pub(super) fn no_subject(work: &mut Work<'_>, number: MeetingNo, answer: &Answer) -> Result<(), Refusal> {
    if !work.group.facilitators().iter().any(|m| m.id == answer.from) {
        return Err(Refusal::FacilitatorOnly);
    }
    if work.meeting(number)?.stage != Stage::Planned {
        return Err(Refusal::Over);
    }
    // crossed with somebody else's order, which whoever wrote this had not seen (`decisions.md` 6)
    let crossed = |led: &&Led| led.by != answer.from && answer.asked < led.at;
    if let Some(led) = work.meeting(number)?.led.as_ref().filter(crossed) {
        let name = work.name(&led.by);
        return Err(Refusal::LedBefore { name });
    }
    let (order, name, inverse) = match &answer.meaning {
        Meaning::Remind => {
            remind(work, number)?;
            ("remind", None, None)
        }
        Meaning::Swap { name } => {
            let (before, after) = swap(work, number, name.as_deref())?;
            ("swap", Some(work.name(&after)), Some(Inverse::Requester { member: before }))
        }
        Meaning::Open => {
            open(work, number)?;
            ("open", None, None)
        }
        _ => return Err(Refusal::NotUnderstood),
    };
    let at = work.now();
    work.meeting_mut(number)?.led = Some(Led { by: answer.from.clone(), at });
    for other in work.group.leaders().into_iter().filter(|id| *id != answer.from) {
        let notice = Notice::Led { member: answer.from.clone(), order: order.to_owned(), name: name.clone() };
        tell_leader(work, Some(number), other, notice);
    }
    let receipt = Receipt::Ordered { order: order.to_owned(), name };
    work.receipt(Some(number), &answer.from, receipt, inverse, &answer.mail);
    Ok(())
}

/// One more reminder to the requester, never beyond three.
fn remind(work: &mut Work<'_>, number: MeetingNo) -> Result<(), Refusal> {
    let meeting = work.meeting(number)?;
    let requester = meeting.requester.clone();
    let until = work.group.starts(meeting);
    let count = |kind| work.group.was_sent(Some(number), kind, &requester).map_or(0, |s| s.revision + 1);
    if count(Kind::SubjectReminder) + count(Kind::SubjectLastReminder) >= REMINDERS {
        return Err(Refusal::EnoughReminders { name: work.name(&requester) });
    }
    let due = work.now();
    work.mail(Mail {
        meeting: Some(number),
        kind: Kind::SubjectReminder,
        step: None,
        to: requester,
        due,
        until,
        when_late: WhenLate::Merge,
        question: Some(Question::Subject),
        facts: Facts::None,
        answers: None,
    });
    work.tell(Some(number), None, "the facilitator had the requester reminded");
    Ok(())
}

/// The call for subjects (M08) to all cooperants.
fn open(work: &mut Work<'_>, number: MeetingNo) -> Result<(), Refusal> {
    let meeting = work.meeting(number)?;
    let until = work.group.starts(meeting);
    let due = work.now();
    let cooperants: Vec<_> = work.group.order(meeting).iter().map(|m| m.id.clone()).collect();
    for to in cooperants {
        work.mail(Mail {
            meeting: Some(number),
            kind: Kind::CallForSubjects,
            step: None,
            to,
            due,
            until,
            when_late: WhenLate::Drop,
            question: Some(Question::Volunteer),
            facts: Facts::None,
            answers: None,
        });
    }
    work.tell(Some(number), None, "the facilitator opened a call for subjects");
    Ok(())
}

/// A reply to M08: the facilitator hears who would take the seat, and decides.
pub(super) fn volunteer(work: &mut Work<'_>, number: MeetingNo, answer: &Answer) -> Result<(), Refusal> {
    // a few words that were not understood are no offer; a subject told at length is one
    let pitch = answer.text.split_whitespace().count() > 3;
    let willing = match answer.meaning {
        Meaning::No => false,
        Meaning::None => pitch,
        _ => true,
    };
    let id = work.keep(number, &answer.from, crate::core::meeting::Section::Note, &answer.text, false);
    super::answer::kept(work, number, answer, crate::core::meeting::Section::Note, false, id);
    if willing {
        work.tell(Some(number), Some(&answer.from), "offers to be the requester");
        pass_on(work, Some(number), Notice::Volunteer { member: answer.from.clone() });
    } else {
        work.tell(Some(number), Some(&answer.from), "a word about the call for subjects was kept: no offer");
    }
    Ok(())
}

/// Gives the seat to somebody else: the one named, else the backup. Says who had it and who has it.
/// Everybody's calendar shows the new name; nobody is asked again (`decisions.md` 8).
pub(super) fn swap(
    work: &mut Work<'_>,
    number: MeetingNo,
    name: Option<&str>,
) -> Result<(MemberId, MemberId), Refusal> {
    let meeting = work.meeting(number)?;
    let with = match name {
        Some(name) => find(work, name)?,
        None => next_in_line(work, number)?,
    };
    let before = meeting.requester.clone();
    if before == with {
        return Err(Refusal::AlreadyRequester { name: work.name(&with) });
    }
    if !work.group.member(&with).is_some_and(|m| m.circle) {
        return Err(Refusal::NotInCircle { name: work.name(&with) });
    }
    give_seat(work, number, &with)?;
    Ok((before, with))
}

/// Who takes the seat when nobody is named: the backup, or if they can't come the next in turn who can.
pub(super) fn next_in_line(work: &Work<'_>, number: MeetingNo) -> Result<MemberId, Refusal> {
    let meeting = work.meeting(number)?;
    let comes = |id: &MemberId| work.group.expected(meeting).iter().any(|m| m.id == *id);
    let line = meeting.backup.iter().cloned().chain(work.group.whose_turn());
    let mut able = line.filter(|id| *id != meeting.requester && comes(id));
    able.next().ok_or(Refusal::NoSuchMember { name: "(backup)".to_owned(), known: String::new() })
}

/// The change itself: the subject and the plan of the one before stay private (method note §6) and leave the meeting.
pub(super) fn give_seat(work: &mut Work<'_>, number: MeetingNo, with: &MemberId) -> Result<(), Refusal> {
    let turns = work.group.whose_turn();
    let meeting = work.meeting_mut(number)?;
    let before = std::mem::replace(&mut meeting.requester, with.clone());
    let private = meeting.subject.take().map(|subject| subject.text).into_iter();
    // a plan stays its own requester's as well
    let private: Vec<String> =
        private.chain(std::mem::take(&mut meeting.actions).into_iter().map(|a| a.text)).collect();
    if meeting.backup.as_ref() == Some(with) {
        meeting.backup = turns.into_iter().find(|t| *t != *with && *t != before);
    }
    for text in private {
        work.keep(number, &before, crate::core::meeting::Section::Note, &text, false);
    }
    for turn in work.group.turns.iter_mut().filter(|t| t.meeting == number) {
        turn.member = with.clone();
    }
    let text = format!("{} is the requester instead of {}", work.name(with), work.name(&before));
    work.tell(Some(number), Some(with), text);
    super::order::update_calendars(work, number)
}

/// A member by short name, full name, first name or address.
pub(super) fn find(work: &Work<'_>, name: &str) -> Result<MemberId, Refusal> {
    member_named(&work.group, name).ok_or_else(|| {
        let active = work.group.members.iter().filter(|m| m.is_active());
        let known = active.map(|m| m.name.as_str()).collect::<Vec<_>>().join(", ");
        Refusal::NoSuchMember { name: name.to_owned(), known }
    })
}

/// The active member whom a name means, if it means one.
pub fn member_named(group: &Group, name: &str) -> Option<MemberId> {
    let said = fold(name);
    let first = |full: &str| fold(full.split_whitespace().next().unwrap_or(""));
    let active: Vec<_> = group.members.iter().filter(|m| m.is_active()).collect();
    let exact = active.iter().find(|m| m.id.as_str() == said || fold(&m.name) == said || m.has_address(name));
    let by_first: Vec<_> = active.iter().filter(|m| first(&m.name) == said).collect();
    match (exact, by_first[..].first(), by_first.len()) {
        (Some(m), _, _) => Some(m.id.clone()),
        (None, Some(m), 1) => Some(m.id.clone()),
        _ => None,
    }
}

/// Lower case without the accents of French and its neighbours.
fn fold(text: &str) -> String {
    let plain = |c| match c {
        'à' | 'â' | 'ä' | 'á' | 'ã' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'î' | 'ï' | 'í' => 'i',
        'ô' | 'ö' | 'ó' | 'õ' => 'o',
        'ù' | 'û' | 'ü' | 'ú' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        other => other,
    };
    text.trim().to_lowercase().chars().map(plain).collect()
}

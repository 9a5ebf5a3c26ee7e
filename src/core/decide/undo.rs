//! Taking the last thing back, as its receipt offered.

use super::Work;
use super::subject::give_seat;
use crate::core::draft::Kind;
use crate::core::event::{Answer, Inverse, Receipt};
use crate::core::group::{Group, Undo};
use crate::core::ids::{MeetingNo, MemberId};
use crate::core::meeting::Stage;
use crate::core::refusal::Refusal;

/// Undoes what the receipt told that was answered, else the author's newest change.
pub(super) fn undo(work: &mut Work<'_>, answer: &Answer) -> Result<(), Refusal> {
    let Some(at) = find(&work.group.undos, answer) else { return Err(Refusal::NothingToUndo) };
    let undo = work.group.undos.remove(at);
    take_back(work, undo.meeting, &undo)?;
    work.tell(undo.meeting, Some(&answer.from), "the last change was taken back");
    work.receipt(undo.meeting, &answer.from, Receipt::Undone, None, &answer.mail);
    Ok(())
}

/// Which change "undo" speaks of: what a receipt told and nothing else, once; else the author's newest.
fn find(undos: &[Undo], answer: &Answer) -> Option<usize> {
    let told = matches!(answer.to.kind, Kind::Receipt | Kind::SubjectReceipt);
    let exact = |u: &Undo| {
        let by_mirror = matches!(u.inverse, Inverse::Subject { .. });
        let same_mail = by_mirror == (answer.to.kind == Kind::SubjectReceipt);
        u.member == answer.from && u.meeting == answer.to.meeting && u.receipt == answer.to.revision && same_mail
    };
    let own = |u: &Undo| u.member == answer.from;
    let told_so = undos.iter().rposition(exact).filter(|_| told);
    // who gets no mail takes that back first, by whatever mail is at hand: a complaint and a "stop" in another group
    // had no receipt
    let back = || undos.iter().rposition(|u| own(u) && u.inverse == Inverse::Unpause);
    match told_so {
        Some(at) => Some(at),
        None if told => back(),
        None => back().or_else(|| undos.iter().rposition(own)),
    }
}

/// What "undo" in this answer would do.
pub fn would_take_back<'g>(group: &'g Group, answer: &Answer) -> Option<&'g Inverse> {
    let undos = &group.undos;
    find(undos, answer).and_then(|at| undos.get(at)).map(|undo| &undo.inverse)
}

/// Mail goes to the member again, as they said in another group.
pub(super) fn back_elsewhere(work: &mut Work<'_>, from: &MemberId) {
    if !work.group.members.iter().any(|m| m.id == *from && m.paused.is_some() && m.left.is_none()) {
        return;
    }
    unpause(work, from);
    work.group.undos.retain(|u| u.member != *from || u.inverse != Inverse::Unpause);
    work.tell(None, Some(from), format!("{} takes mail again", work.name(from)));
}

fn unpause(work: &mut Work<'_>, from: &MemberId) {
    if let Some(member) = work.group.members.iter_mut().find(|m| m.id == *from) {
        member.paused = None;
    }
    // what changed meanwhile was not written to them
    super::order::update_own_calendar(work, from);
}

fn take_back(work: &mut Work<'_>, number: Option<MeetingNo>, undo: &Undo) -> Result<(), Refusal> {
    if let Inverse::Unpause = undo.inverse {
        unpause(work, &undo.member);
        return Ok(());
    }
    let number = number.ok_or(Refusal::NothingToUndo)?;
    if let Inverse::Requester { member } = &undo.inverse {
        // a seat that was taken in the session, or left meanwhile, is not given back
        let there = work.group.circle().any(|m| m.id == *member);
        if !there || work.meeting(number)?.stage != Stage::Planned {
            return Err(Refusal::Over);
        }
        work.meeting_mut(number)?.led = None;
        return give_seat(work, number, member);
    }
    let meeting = work.meeting_mut(number)?;
    // the subject of whoever gave the seat away stays private: it never becomes the next one's
    if matches!(undo.inverse, Inverse::Subject { .. } | Inverse::Sharing { .. }) && meeting.requester != undo.member {
        return Err(Refusal::Over);
    }
    match undo.inverse.clone() {
        // an answer to the hour before a move does not come back
        Inverse::Attendance { before: Some(before) } if before.sequence >= meeting.time_sequence => {
            meeting.attendance.insert(undo.member.clone(), before);
        }
        Inverse::Attendance { .. } => {
            meeting.attendance.remove(&undo.member);
        }
        Inverse::Subject { before } => meeting.subject = before,
        Inverse::Sharing { before } => {
            if let Some(subject) = &mut meeting.subject {
                subject.sharing = before;
            }
        }
        Inverse::Word { id } => withdraw(meeting, id),
        Inverse::Plan { before, word } => {
            meeting.actions = before;
            withdraw(meeting, word);
        }
        Inverse::Digest { before } if meeting.digest.sent.is_none() => meeting.digest = before,
        // what has left can't be called back
        Inverse::Digest { .. } => return Err(Refusal::Over),
        Inverse::Unpause | Inverse::Requester { .. } => {}
    }
    Ok(())
}

fn withdraw(meeting: &mut crate::core::meeting::Meeting, id: u32) {
    meeting.words.iter_mut().filter(|w| w.id == id).for_each(|w| w.withdrawn = true);
}

//! What a calendar says, already matched and ordered by `ical::itip`: a button's answer, another
//! time proposed, the state asked for, an answer of somebody who was not invited.

use super::{Mail, Work, answer, order};
use crate::core::draft::{Facts, InReplyTo, Kind, Notice, Question, WhenLate};
use crate::core::event::{Answer, Ask, CalendarAnswer, CalendarAsk, Certainty, Meaning, Receipt};
use crate::core::ids::{MeetingNo, MemberId};
use crate::core::meeting::{Attendance, Section, Stage};
use crate::core::refusal::Refusal;
use chrono::{DateTime, Duration, Utc};

/// A calendar program that asks again and again gets the state at most this often (`calendar.md` 17).
const REFRESH_HOURS: i64 = 1;

fn useless(what: &str) -> Refusal {
    Refusal::CalendarUseless { what: what.to_owned() }
}

/// The meeting of that event.
fn number_of(work: &Work<'_>, uid: &crate::core::ids::Uid) -> Result<MeetingNo, Refusal> {
    let meeting = work.group.meetings.iter().find(|m| m.uid == *uid);
    meeting.map(|m| m.number).ok_or_else(|| useless("an answer for an event that is not ours, or is long over"))
}

fn member_there(work: &Work<'_>, id: &MemberId) -> Result<(), Refusal> {
    let there = work.group.member(id).is_some_and(|m| m.is_active());
    if there { Ok(()) } else { Err(Refusal::NoSuchMember { name: id.to_string(), known: String::new() }) }
}

/// Takes the answer; one for the hour before a move is told once and not counted.
pub(super) fn calendar(work: &mut Work<'_>, answer: &CalendarAnswer) -> Result<(), Refusal> {
    let number = number_of(work, &answer.uid)?;
    let open = work.meeting(number)?.is_open();
    member_there(work, &answer.from)?;
    answer::alive(work, &answer.from);
    if !open {
        over(work, number, &answer.from, &answer.mail);
        return Ok(());
    }
    if answer.old_time {
        return old_time(work, number, &answer.from, answer.attendance.comment.as_deref(), &answer.mail);
    }
    let said = answer.attendance.answer;
    let inverse = answer::take(work, number, &answer.from, answer.attendance.clone())?;
    if !answer.proven {
        let receipt = Receipt::Attendance { answer: said, late: None, asks: false };
        work.receipt(Some(number), &answer.from, receipt, Some(inverse), &answer.mail);
    }
    beside(work, number, &answer.from, answer.attendance.comment.as_deref())
}

/// They have not seen the move: they are told, and asked for the hour as it stands.
fn old_time(
    work: &mut Work<'_>,
    number: MeetingNo,
    from: &MemberId,
    text: Option<&str>,
    mail: &InReplyTo,
) -> Result<(), Refusal> {
    work.tell(Some(number), Some(from), "a calendar answer was for the hour before the move");
    work.receipt(Some(number), from, Receipt::OldTime, None, mail);
    beside(work, number, from, text)
}

/// What was written beside a button: the facilitator reads it, since it may be a question
/// ("could we do Thursday?"). The requester's long words may be the subject (`decisions.md` 4).
fn beside(work: &mut Work<'_>, number: MeetingNo, from: &MemberId, text: Option<&str>) -> Result<(), Refusal> {
    if work.meeting(number)?.facilitator == *from {
        return Ok(());
    }
    if let Some(text) = for_facilitator(work, number, from, text)? {
        answer::pass_on(work, Some(number), Notice::Passed { member: from.clone(), text });
    }
    Ok(())
}

/// What of somebody's words the facilitator may read; the rest is kept for the meeting.
fn for_facilitator(
    work: &mut Work<'_>,
    number: MeetingNo,
    from: &MemberId,
    text: Option<&str>,
) -> Result<Option<String>, Refusal> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    if work.meeting(number)?.requester == *from && text.split_whitespace().count() > answer::LONG {
        work.keep(number, from, Section::Note, text, false);
        return Ok(None);
    }
    Ok(Some(text.to_owned()))
}

fn over(work: &mut Work<'_>, number: MeetingNo, from: &MemberId, mail: &InReplyTo) {
    let facts = Facts::Refused { refusal: Refusal::Over, question: None, words: None };
    work.refused = Some(Refusal::Over);
    work.reply(Some(number), Kind::Refusal, from, facts, mail);
    work.tell(Some(number), Some(from), "a calendar answer came when the meeting was over or cancelled");
}

/// A calendar message that asks for something.
pub(super) fn asked(work: &mut Work<'_>, asked: &CalendarAsk) -> Result<(), Refusal> {
    let number = number_of(work, &asked.uid)?;
    match &asked.ask {
        Ask::Counter { from, start, attendance, text } => {
            let (text, mail) = (text.as_deref(), &asked.mail);
            let proposal = Proposal { number, from, start: *start, text, mail, proven: asked.proven };
            counter(work, &proposal, attendance.as_ref())
        }
        Ask::Refresh { from } => refresh(work, number, from),
        Ask::Said { from, text } => said(work, number, from, text),
        Ask::OldTime { from, text } => {
            member_there(work, from)?;
            if !work.meeting(number)?.is_open() {
                over(work, number, from, &asked.mail);
                return Ok(());
            }
            answer::alive(work, from);
            old_time(work, number, from, text.as_deref(), &asked.mail)
        }
        Ask::Delegated { from, to, attendance } => delegated(work, number, from, to, attendance, &asked.mail),
        Ask::NoTime { from, why, text } => {
            let unclear = Unclear { number, from, why, text: text.as_deref(), mail: &asked.mail };
            not_applied(work, &unclear, Notice::NoTime { member: from.clone() })
        }
        Ask::UnknownZone { from, zone, why, text } => {
            let unclear = Unclear { number, from, why, text: text.as_deref(), mail: &asked.mail };
            not_applied(work, &unclear, Notice::UnknownZone { member: from.clone(), name: zone.clone() })
        }
        Ask::Forwarded { who } => forwarded(work, number, who),
    }
}

/// Another time, as somebody's calendar proposed it.
struct Proposal<'a> {
    number: MeetingNo,
    from: &'a MemberId,
    start: DateTime<Utc>,
    text: Option<&'a str>,
    mail: &'a InReplyTo,
    proven: bool,
}

/// COUNTER: the facilitator decides, by one word (`calendar.md` 15).
fn counter(work: &mut Work<'_>, proposal: &Proposal<'_>, attendance: Option<&Attendance>) -> Result<(), Refusal> {
    let &Proposal { number, from, start, text, mail, proven } = proposal;
    member_there(work, from)?;
    if work.meeting(number)?.stage != Stage::Planned {
        over(work, number, from, mail);
        return Ok(());
    }
    let answer = attendance.map(|a| a.answer);
    let inverse = attendance.map(|a| answer::take(work, number, from, a.clone())).transpose()?;
    let Some(leads) = answer::facilitator_of(work, Some(number)) else { return Ok(()) };
    let to = start.with_timezone(&work.group.spec.zone).naive_local();
    let (due, until) = (work.now(), work.group.starts(work.meeting(number)?));
    let text = for_facilitator(work, number, from, text)?;
    work.mail(Mail {
        meeting: Some(number),
        kind: Kind::Counter,
        step: None,
        to: leads.clone(),
        due,
        until,
        when_late: WhenLate::Send,
        question: Some(Question::Counter),
        facts: Facts::Proposed { member: from.clone(), to, text, mail: mail.clone() },
        answers: None,
    });
    // who leads has the question itself; what nothing proves can be taken back all the same
    if leads != *from {
        work.receipt(Some(number), from, Receipt::Proposed { answer }, inverse, mail);
    } else if let (Some(answer), false) = (answer, proven) {
        work.receipt(Some(number), from, Receipt::Attendance { answer, late: None, asks: false }, inverse, mail);
    }
    let text = format!("{} proposed {}; the facilitator decides", work.name(from), to.format("%Y-%m-%d %H:%M"));
    work.tell(Some(number), Some(from), text);
    Ok(())
}

/// The facilitator's word on a time that was proposed: yes moves the meeting for all, no tells the
/// one who proposed it (DECLINECOUNTER, RFC 5546 §3.2.8). A move is no more taken back: mail has left.
pub(super) fn proposal(work: &mut Work<'_>, number: MeetingNo, answer: &Answer) -> Result<(), Refusal> {
    let Facts::Proposed { member, to, mail, .. } = &answer.about else {
        return answer::note(work, Some(number), answer);
    };
    if !work.group.facilitators().iter().any(|m| m.id == answer.from) {
        return Err(Refusal::FacilitatorOnly);
    }
    if work.meeting(number)?.stage != Stage::Planned {
        return Err(Refusal::Over);
    }
    let order = match answer.meaning {
        // what moves everybody's evening is done at a clear word only
        _ if answer.certainty != Certainty::Sure => return Err(Refusal::NotUnderstood),
        Meaning::Yes => {
            order::shift(work, number, *to)?;
            "move"
        }
        Meaning::No => {
            decline(work, number, member, &answer.about, mail)?;
            "keep"
        }
        _ => return Err(Refusal::NotUnderstood),
    };
    let name = Some(work.name(member));
    let receipt = Receipt::Ordered { order: order.to_owned(), name };
    work.receipt(Some(number), &answer.from, receipt, None, &answer.mail);
    Ok(())
}

fn decline(
    work: &mut Work<'_>,
    number: MeetingNo,
    member: &MemberId,
    about: &Facts,
    mail: &InReplyTo,
) -> Result<(), Refusal> {
    let (due, until) = (work.now(), work.group.starts(work.meeting(number)?));
    work.mail(Mail {
        meeting: Some(number),
        kind: Kind::CounterDeclined,
        step: None,
        to: member.clone(),
        due,
        until,
        when_late: WhenLate::Send,
        question: Some(Question::Attendance),
        facts: about.clone(),
        answers: Some(mail.clone()),
    });
    let text = format!("the time that {} proposed was declined", work.name(member));
    work.tell(Some(number), Some(member), text);
    Ok(())
}

/// REFRESH: the event as it stands, to whoever asks, once an hour (`calendar.md` 17).
fn refresh(work: &mut Work<'_>, number: MeetingNo, from: &MemberId) -> Result<(), Refusal> {
    member_there(work, from)?;
    let stage = work.meeting(number)?.stage;
    let kind = match stage {
        Stage::Planned => Kind::Updated,
        Stage::Cancelled => Kind::Cancelled,
        Stage::Running | Stage::Collecting | Stage::Digested => return Err(Refusal::Over),
    };
    let invited = match stage {
        Stage::Planned => work.group.is_invited(number, from),
        _ => work.group.was_sent(Some(number), Kind::Invitation, from).is_some(),
    };
    if !invited {
        return Err(useless("the event was asked for by somebody who has no invitation yet"));
    }
    let recent = work.now() - Duration::hours(REFRESH_HOURS);
    if work.group.was_sent(Some(number), kind, from).is_some_and(|sent| sent.at > recent) {
        return Err(useless("the event was sent to them less than an hour ago"));
    }
    order::send_state(work, number, from);
    let text = format!("the calendar of {} asked for the event as it stands", work.name(from));
    work.tell(Some(number), Some(from), text);
    Ok(())
}

/// Addresses named to the facilitator.
const NAMED: usize = 3;

/// Neither yes nor no: the words go where any answer's words go, and nothing else changes.
fn said(work: &mut Work<'_>, number: MeetingNo, from: &MemberId, text: &str) -> Result<(), Refusal> {
    member_there(work, from)?;
    answer::alive(work, from);
    let line = format!("the calendar of {} says neither yes nor no, with words beside it", work.name(from));
    work.tell(Some(number), Some(from), line);
    beside(work, number, from, Some(text))
}

/// DELEGATED (RFC 5546 §3.2.2.3): who names somebody else does not come. Who may be there is the group's business, not
/// a calendar's: nobody is added, the facilitator is told (`calendar.md` 13, 16).
fn delegated(
    work: &mut Work<'_>,
    number: MeetingNo,
    from: &MemberId,
    to: &[String],
    attendance: &Attendance,
    mail: &InReplyTo,
) -> Result<(), Refusal> {
    member_there(work, from)?;
    answer::alive(work, from);
    if !work.meeting(number)?.is_open() {
        over(work, number, from, mail);
        return Ok(());
    }
    let inverse = answer::take(work, number, from, attendance.clone())?;
    let who = to.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let text = format!("the calendar of {} names {who} to come instead: nobody was added", work.name(from));
    work.tell(Some(number), Some(from), text);
    work.receipt(Some(number), from, Receipt::Delegated, Some(inverse), mail);
    if answer::facilitator_of(work, Some(number)).is_some_and(|leads| leads != *from) {
        answer::pass_on(work, Some(number), Notice::Delegated { member: from.clone(), who });
    }
    beside(work, number, from, attendance.comment.as_deref())
}

/// A calendar message whose time cannot be known.
struct Unclear<'a> {
    number: MeetingNo,
    from: &'a MemberId,
    why: &'a str,
    text: Option<&'a str>,
    mail: &'a InReplyTo,
}

/// A time that cannot be known: the facilitator, who can ask, is told what it is instead, and its author that somebody
/// looks at it.
fn not_applied(work: &mut Work<'_>, unclear: &Unclear<'_>, notice: Notice) -> Result<(), Refusal> {
    let &Unclear { number, from, why, text, mail } = unclear;
    member_there(work, from)?;
    if !work.meeting(number)?.is_open() {
        over(work, number, from, mail);
        return Ok(());
    }
    answer::alive(work, from);
    work.tell(Some(number), Some(from), format!("a calendar message was not applied: {why}"));
    answer::pass_on(work, Some(number), notice);
    if !answer::leads(work, Some(number), from) {
        work.receipt(Some(number), from, Receipt::PersonAsked, None, mail);
    }
    beside(work, number, from, text)
}

/// The invitation went on to somebody else: they are never added, and the facilitator is told once a
/// meeting (`calendar.md` 16).
fn forwarded(work: &mut Work<'_>, number: MeetingNo, who: &str) -> Result<(), Refusal> {
    if !work.meeting(number)?.is_open() {
        return Err(Refusal::Over);
    }
    let told = |m: &crate::core::group::Member| work.group.was_sent(Some(number), Kind::Forwarded, &m.id).is_some();
    if work.group.members.iter().any(told) {
        return Err(useless("an answer from somebody who was not invited; the facilitator was told before"));
    }
    let Some(to) = answer::facilitator_of(work, Some(number)) else { return Ok(()) };
    let due = work.now();
    work.mail(Mail {
        meeting: Some(number),
        kind: Kind::Forwarded,
        step: None,
        to,
        due,
        until: due + Duration::days(7),
        when_late: WhenLate::Send,
        question: Some(Question::Note),
        facts: Facts::Forwarded { who: who.to_owned() },
        answers: None,
    });
    work.tell(Some(number), None, "somebody who was not invited answered: not applied, the facilitator was told");
    Ok(())
}

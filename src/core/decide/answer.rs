//! A person's mail: what it changes, and what is said back.

use super::{Mail, Work, live, subject, undo, unproven};
use crate::core::draft::{Facts, Kind, Notice, Question, WhenLate};
use crate::core::event::{Answer, Certainty, Inverse, Meaning, PlanLine, Receipt, UNSUBSCRIBE};
use crate::core::group::Undo;
use crate::core::ids::{MeetingNo, MemberId};
use crate::core::meeting::{Action, Attendance, Attending, Meeting, Section, Stage};
use crate::core::refusal::Refusal;
use chrono::Duration;

/// Words beyond which a comment is worth passing on (`inbound.md` §7, advice 6).
pub(super) const LONG: usize = 40;

/// A reply of so few words to the digest, or to a receipt, is a courtesy.
const THANKS: usize = 3;

/// Routes an answer by what its mail asked; words that mean the same everywhere come after.
pub(super) fn answer(work: &mut Work<'_>, answer: &Answer) -> Result<(), Refusal> {
    let known = work.group.member(&answer.from).filter(|m| m.is_active());
    if known.is_none() {
        return Err(Refusal::NoSuchMember { name: answer.from.to_string(), known: String::new() });
    }
    alive(work, &answer.from);
    // a machine that nothing tells from a person answers each receipt in the same words: they are kept once
    if matches!(&answer.about, Facts::Receipt(Receipt::Kept { text, .. }) if text.trim() == answer.text.trim()) {
        let number = answer.to.meeting.filter(|n| work.group.meeting(*n).is_some());
        work.tell(
            number,
            Some(&answer.from),
            format!("the same words of {} again: kept once", work.name(&answer.from)),
        );
        return Ok(());
    }
    // a meeting that no longer matters is out of sight: nothing is taken for it any more
    let number = answer.to.meeting.filter(|n| work.group.meeting(*n).is_some());
    // who leads would get choices that no longer answer "was it you?"
    let everywhere = match answer.meaning {
        Meaning::Stop => true,
        Meaning::Person => !leads(work, number, &answer.from),
        _ => false,
    };
    if answer.to.kind == Kind::WasItYou && !everywhere {
        return unproven::unclear(work, answer);
    }
    let told = match universal(work, number, answer) {
        Some(done) => done,
        None if number != answer.to.meeting => Err(Refusal::Over),
        None if answer.text.trim().is_empty() && answer.unreadable_parts => Err(Refusal::CantRead),
        None if answer.text.trim().is_empty() => Err(Refusal::NoAnswer),
        None if wants_a_clear_word(answer) => Err(Refusal::NotUnderstood),
        None => by_question(work, number, answer),
    };
    if let Err(refusal) = told {
        say_no(work, number, answer, refusal);
    } else if answer.unreadable_parts {
        let facts = Facts::Refused { refusal: Refusal::CantRead, question: None, words: None };
        work.reply(number, Kind::Refusal, &answer.from, facts, &answer.mail);
    }
    Ok(())
}

/// `help`, `stop`, `undo`, `person`: the same on every mail, but for the session's `stop`.
fn universal(work: &mut Work<'_>, number: Option<MeetingNo>, answer: &Answer) -> Option<Result<(), Refusal>> {
    let from = &answer.from;
    match &answer.meaning {
        Meaning::Stop if ends_session(work, number, answer) => return None,
        Meaning::Stop => stop(work, number, answer),
        Meaning::Help => {
            let receipt = Receipt::Help { question: answer.question };
            work.receipt(number, from, receipt, None, &answer.mail);
        }
        Meaning::Undo => return Some(undo::undo(work, answer)),
        // a facilitator has nobody to be passed on to: they get the choices
        Meaning::Person if leads(work, number, from) => {
            work.receipt(number, from, Receipt::Help { question: answer.question }, None, &answer.mail);
        }
        Meaning::Person => {
            pass_on(work, number, Notice::NeedsPerson { member: from.clone(), text: None });
            work.receipt(number, from, Receipt::PersonAsked, None, &answer.mail);
        }
        _ => return None,
    }
    work.tell(number, Some(from), format!("{} wrote {:?}", work.name(from), word(&answer.meaning)));
    Some(Ok(()))
}

/// Only while the session is held does the facilitator's "stop" mean its end (`decisions.md` 16), and
/// never what a mail program's unsubscribe button writes.
fn ends_session(work: &Work<'_>, number: Option<MeetingNo>, answer: &Answer) -> bool {
    let live = answer.question == Some(Question::Live) && !answer.text.to_lowercase().contains(UNSUBSCRIBE);
    live && number.and_then(|n| work.group.meeting(n)).is_some_and(|m| m.stage == Stage::Running)
}

fn word(meaning: &Meaning) -> &'static str {
    match meaning {
        Meaning::Stop => "stop",
        Meaning::Help => "help",
        Meaning::Person => "a person, please",
        _ => "something else",
    }
}

/// No more mail to this person; the facilitator is told without the words (`decisions.md` 16).
fn stop(work: &mut Work<'_>, number: Option<MeetingNo>, answer: &Answer) {
    let now = work.now();
    if let Some(member) = work.group.members.iter_mut().find(|m| m.id == answer.from) {
        member.paused = Some(now);
    }
    unproven::stopped(work, answer);
    work.receipt(number, &answer.from, Receipt::Stopped, Some(Inverse::Unpause), &answer.mail);
    pass_on(work, number, Notice::Stopped { member: answer.from.clone() });
    seats_away(work, &answer.from);
}

/// A complaint to the mail host is a `stop` nobody answers: the address is paused, the facilitator told.
pub(super) fn complaint(work: &mut Work<'_>, from: &MemberId) {
    let line = format!("the mail host of {} passed on a complaint: no more mail goes there", work.name(from));
    silently(work, from, line);
}

/// The address wants no mail at all, and said so elsewhere.
pub(super) fn stopped_elsewhere(work: &mut Work<'_>, from: &MemberId) {
    let line = format!("{} wants no mail: none goes there", work.name(from));
    silently(work, from, line);
}

/// A "stop" that nobody answers. The way back is an "undo" to any mail of before.
fn silently(work: &mut Work<'_>, from: &MemberId, line: String) {
    let at = work.now();
    let Some(member) = work.group.members.iter_mut().find(|m| m.id == *from) else { return };
    if member.paused.is_some() || member.left.is_some() {
        return;
    }
    member.paused = Some(at);
    work.group.undos.push(Undo { meeting: None, member: from.clone(), receipt: 0, inverse: Inverse::Unpause, at });
    work.tell(None, Some(from), line);
    pass_on(work, None, Notice::Stopped { member: from.clone() });
    seats_away(work, from);
}

/// A requester who is no more written to will not be asked for a subject: the facilitator chooses.
pub(super) fn seats_away(work: &mut Work<'_>, member: &MemberId) {
    let seats = work.group.meetings.iter().filter(|m| m.stage == Stage::Planned && m.requester == *member);
    for seat in seats.map(|m| m.number).collect::<Vec<_>>() {
        requester_away(work, seat, "silent");
    }
}

/// The member is heard of: what was held against their address is forgotten, and mail goes out again.
pub(super) fn alive(work: &mut Work<'_>, from: &MemberId) {
    let name = work.name(from);
    let Some(member) = work.group.members.iter_mut().find(|m| m.id == *from) else { return };
    member.reach.alive();
    if member.unreachable.take().is_some() {
        work.tell(None, Some(from), format!("{name} is heard of again: mail goes out as before"));
        // what changed meanwhile was not written to them
        super::order::update_own_calendar(work, from);
    }
}

/// What no word takes back once mail has left (the digest, a subject shown to all, another requester, the session's
/// end) is not done on a guess: its author is asked (`inbound.md` §7, 2).
fn wants_a_clear_word(answer: &Answer) -> bool {
    let for_good = match (answer.question, &answer.meaning) {
        (Some(Question::Review), Meaning::Approve | Meaning::Yes | Meaning::ShareAll) => true,
        (Some(Question::Share), Meaning::ShareAll | Meaning::Yes) => true,
        (Some(Question::NoSubject), Meaning::Swap { .. } | Meaning::Open | Meaning::Remind) => true,
        // "next" is taken back by "back", and a session waits for nobody
        (Some(Question::Live), Meaning::Stop) => true,
        _ => false,
    };
    for_good && answer.certainty != Certainty::Sure
}

fn by_question(work: &mut Work<'_>, number: Option<MeetingNo>, answer: &Answer) -> Result<(), Refusal> {
    let Some(number) = number else { return note(work, None, answer) };
    match answer.question {
        Some(Question::Attendance) => {
            if answer.to.kind == Kind::AwayCheck && matches!(answer.meaning, Meaning::Yes | Meaning::Late { .. }) {
                not_away(work, &answer.from);
            }
            attendance(work, number, answer)
        }
        Some(Question::Confirm) if answer.to.kind == Kind::AwayCheck => away_check(work, number, answer),
        Some(Question::Subject) => subject::subject(work, number, answer),
        Some(Question::Share) => subject::share(work, number, answer),
        Some(Question::NoSubject) => subject::no_subject(work, number, answer),
        Some(Question::Volunteer) => subject::volunteer(work, number, answer),
        Some(Question::Live) => live::live(work, number, answer),
        Some(Question::StepRequest) => live::step_request(work, number, answer),
        Some(Question::Contribution) => text(work, number, answer, Section::Contribution),
        Some(Question::Learning) => text(work, number, answer, Section::Learning),
        Some(Question::ActionPlan) => plan(work, number, answer),
        Some(Question::LastCall) => last_call(work, number, answer),
        Some(Question::Review) => super::digest::review(work, number, answer),
        Some(Question::Progress) => super::digest::progress(work, number, answer),
        Some(Question::Counter) => super::calendar::proposal(work, number, answer),
        // what no mail of ours asks yet is kept as a note
        Some(
            Question::Note
            | Question::DatePoll
            | Question::Swap
            | Question::Choice
            | Question::Confirm
            | Question::Charter
            | Question::Quorum,
        )
        | None => note(work, Some(number), answer),
    }
}

/// Yes, no, perhaps, late: to the invitation or one of its reminders.
fn attendance(work: &mut Work<'_>, number: MeetingNo, answer: &Answer) -> Result<(), Refusal> {
    let meeting = work.meeting(number)?;
    if !meeting.is_open() {
        return Err(Refusal::Over);
    }
    let (said, late) = match &answer.meaning {
        Meaning::Yes => (Attending::Yes, None),
        Meaning::No => (Attending::No, None),
        Meaning::Maybe => (Attending::Maybe, None),
        Meaning::Late { minutes } => (Attending::Yes, *minutes),
        Meaning::NewTime if leads(work, Some(number), &answer.from) => {
            let receipt = Receipt::Help { question: answer.question };
            work.receipt(Some(number), &answer.from, receipt, None, &answer.mail);
            work.tell(Some(number), Some(&answer.from), "another time was asked for: who leads got the choices");
            return Ok(());
        }
        Meaning::NewTime => {
            let notice = Notice::Passed { member: answer.from.clone(), text: answer.text.clone() };
            pass_on(work, Some(number), notice);
            work.receipt(Some(number), &answer.from, Receipt::PersonAsked, None, &answer.mail);
            work.tell(Some(number), Some(&answer.from), "another time was asked for; the facilitator was told");
            return Ok(());
        }
        // a warm-up or day-of mail is also answered with other things than yes or no
        _ if matches!(answer.to.kind, Kind::WarmUp | Kind::DayOf) => return note(work, Some(number), answer),
        _ => return Err(Refusal::NotUnderstood),
    };
    let moved = work.group.was_sent(Some(number), Kind::Moved, &answer.from);
    if moved.is_some_and(|sent| answer.asked < sent.at) {
        work.receipt(Some(number), &answer.from, Receipt::OldTime, None, &answer.mail);
        work.tell(Some(number), Some(&answer.from), "the answer was for the hour before the move");
        return Ok(());
    }
    let long = answer.text.split_whitespace().count() > LONG;
    let comment = (answer.text.split_whitespace().count() > 3).then(|| answer.text.clone());
    // words that went to others too stay between them and the daemon (`decisions.md` 17)
    let (comment, aside) = if answer.to_others { (None, comment) } else { (comment, None) };
    let sequence = work.meeting(number)?.sequence;
    let attendance = Attendance { answer: said, sequence, stamp: answer.at, comment };
    let inverse = take(work, number, &answer.from, attendance)?;
    let asks = answer.certainty == Certainty::Probable;
    work.receipt(
        Some(number),
        &answer.from,
        Receipt::Attendance { answer: said, late, asks },
        Some(inverse),
        &answer.mail,
    );
    // the requester's words may be the subject: they stay between them and the daemon (`decisions.md` 4, 17)
    if aside.is_some() || (long && work.meeting(number)?.requester == answer.from) {
        work.keep(number, &answer.from, Section::Note, &answer.text, false);
    } else if long {
        pass_on(work, Some(number), Notice::Passed { member: answer.from.clone(), text: answer.text.clone() });
    }
    Ok(())
}

/// "Shall we count you absent?": a yes is a no to the invitation; a no says that the machine was wrong.
fn away_check(work: &mut Work<'_>, number: MeetingNo, answer: &Answer) -> Result<(), Refusal> {
    match answer.meaning {
        Meaning::Yes => attendance(work, number, &Answer { meaning: Meaning::No, ..answer.clone() }),
        Meaning::No => {
            not_away(work, &answer.from);
            work.tell(Some(number), Some(&answer.from), format!("{} is not away", work.name(&answer.from)));
            work.receipt(Some(number), &answer.from, Receipt::NotAway, None, &answer.mail);
            Ok(())
        }
        _ => Err(Refusal::NotUnderstood),
    }
}

/// What a machine said of their absence does not hold.
fn not_away(work: &mut Work<'_>, from: &MemberId) {
    if let Some(member) = work.group.members.iter_mut().find(|m| m.id == *from) {
        member.reach.away = None;
    }
}

/// Takes an answer to the invitation, by mail or calendar, and says what takes it back. A requester
/// who declines is the facilitator's business at once.
pub(super) fn take(
    work: &mut Work<'_>,
    number: MeetingNo,
    member: &MemberId,
    attendance: Attendance,
) -> Result<Inverse, Refusal> {
    let said = attendance.answer;
    let meeting = work.meeting_mut(number)?;
    // an answer on a copy of before takes nothing from what is known of the newer one
    let known = meeting.attendance.get(member).map_or(0, |known| known.sequence);
    let attendance = Attendance { sequence: attendance.sequence.max(known), ..attendance };
    let before = meeting.attendance.insert(member.clone(), attendance);
    let declined = said == Attending::No && before.as_ref().map(|b| b.answer) != Some(Attending::No);
    let requester = meeting.requester == *member;
    let words = match said {
        Attending::Yes => "comes",
        Attending::No => "does not come",
        Attending::Maybe => "may come",
    };
    work.tell(Some(number), Some(member), format!("{} {words}", work.name(member)));
    if declined && requester {
        requester_away(work, number, "declined");
    }
    Ok(Inverse::Attendance { before })
}

/// M07: the requester can't or would rather not; the facilitator chooses. The backup is warned.
pub(super) fn requester_away(work: &mut Work<'_>, number: MeetingNo, why: &str) {
    let Some(meeting) = work.group.meeting(number) else { return };
    let (requester, backup, leaders) = (meeting.requester.clone(), meeting.backup.clone(), work.group.leaders());
    let until = work.group.starts(meeting);
    let due = work.now();
    if due > until {
        // the session runs: nobody can bring a subject any more, but who leads it hears of it
        pass_on(work, Some(number), Notice::RequesterAway { member: requester });
        return;
    }
    let mut mail = |kind, to, question, facts| {
        work.mail(Mail {
            meeting: Some(number),
            kind,
            step: None,
            to,
            due,
            until,
            when_late: WhenLate::Send,
            question: Some(question),
            facts,
            answers: None,
        });
    };
    let facts = Facts::NoSubject { why: why.to_owned(), reminders: 0 };
    for leader in leaders {
        mail(Kind::NoSubject, leader, Question::NoSubject, facts.clone());
    }
    if let Some(backup) = backup {
        mail(Kind::Standby, backup, Question::Subject, Facts::None);
    }
}

/// A text that is kept as it is: contribution or learning.
fn text(work: &mut Work<'_>, number: MeetingNo, answer: &Answer, section: Section) -> Result<(), Refusal> {
    // "merci Paul !" under "your learning is kept" is no learning that the group reads
    if answer.to.kind == Kind::Receipt && answer.text.split_whitespace().count() <= THANKS {
        return note(work, Some(number), answer);
    }
    let anonymous = matches!(answer.meaning, Meaning::Text { anonymous: true });
    let meeting = work.meeting(number)?;
    let (stage, corrected) = (meeting.stage, meeting.digest.sent.is_some());
    if stage == Stage::Cancelled {
        return Err(Refusal::Over);
    }
    if section == Section::Learning && corrected {
        super::digest::correct(work, number)?;
    }
    let id = work.keep(number, &answer.from, section, &answer.text, anonymous);
    let name = work.name(&answer.from);
    work.tell(Some(number), Some(&answer.from), format!("a {} of {name} was kept", section_word(section)));
    kept(work, number, answer, section, anonymous, id);
    Ok(())
}

/// The receipt of a kept text; in a session the next prompt is the receipt (`decisions.md` 13).
pub(super) fn kept(
    work: &mut Work<'_>,
    number: MeetingNo,
    answer: &Answer,
    section: Section,
    anonymous: bool,
    id: u32,
) {
    if work.group.meeting(number).is_some_and(|m| m.stage == Stage::Running) {
        return;
    }
    let receipt = Receipt::Kept { section, text: answer.text.clone(), anonymous };
    work.receipt(Some(number), &answer.from, receipt, Some(Inverse::Word { id }), &answer.mail);
}

fn section_word(section: Section) -> &'static str {
    match section {
        Section::Request => "request",
        Section::Contribution => "contribution",
        Section::ActionPlan => "plan",
        Section::Learning => "learning",
        Section::FollowUp => "follow-up",
        Section::Note => "note",
    }
}

/// The requester's action plan: kept word for word, its lines recognised.
pub(super) fn plan(work: &mut Work<'_>, number: MeetingNo, answer: &Answer) -> Result<(), Refusal> {
    let meeting = work.meeting(number)?;
    if meeting.requester != answer.from {
        return note(work, Some(number), answer);
    }
    if meeting.stage == Stage::Cancelled {
        return Err(Refusal::Over);
    }
    let lines = match &answer.meaning {
        Meaning::Plan { lines } => lines.clone(),
        _ => vec![PlanLine { text: answer.text.trim().to_owned(), due: None, shared: false }],
    };
    if work.meeting(number)?.digest.sent.is_some() {
        super::digest::correct(work, number)?;
    }
    let word = work.keep(number, &answer.from, Section::ActionPlan, &answer.text, false);
    let meeting = work.meeting_mut(number)?;
    let before = std::mem::replace(&mut meeting.actions, actions(&lines));
    let running = meeting.stage == Stage::Running;
    work.tell(Some(number), Some(&answer.from), format!("an action plan of {} lines was kept", lines.len()));
    if !running {
        let inverse = Inverse::Plan { before, word };
        work.receipt(Some(number), &answer.from, Receipt::Plan { lines }, Some(inverse), &answer.mail);
    }
    Ok(())
}

fn actions(lines: &[PlanLine]) -> Vec<Action> {
    let action = |(line, id): (&PlanLine, u32)| Action {
        id,
        text: line.text.clone(),
        due: line.due,
        shared: line.shared,
        progress: None,
    };
    lines.iter().zip(1u32..).map(action).collect()
}

/// The one reminder asks for whatever is missing: a plan by its look, else a learning.
fn last_call(work: &mut Work<'_>, number: MeetingNo, answer: &Answer) -> Result<(), Refusal> {
    let meeting = work.meeting(number)?;
    let closed = super::digest::closed(&work.group, meeting, work.now());
    // "merci à tous" under the digest is no learning that everybody gets a correction for
    let thanks = meeting.digest.sent.is_some() && answer.text.split_whitespace().count() <= THANKS;
    if closed || thanks {
        return note(work, Some(number), answer);
    }
    let requester = meeting.requester == answer.from;
    let plan_first =
        crate::core::agenda::plan_missing(meeting) && meeting.word(Section::Learning, &answer.from).is_some();
    match answer.meaning {
        Meaning::Plan { .. } if requester => plan(work, number, answer),
        _ if requester && plan_first => plan(work, number, answer),
        _ => text(work, number, answer, Section::Learning),
    }
}

/// Anything else: kept for the meeting, told, forwarded to nobody.
pub(super) fn note(work: &mut Work<'_>, number: Option<MeetingNo>, answer: &Answer) -> Result<(), Refusal> {
    let number = number.or_else(|| current(&work.group.meetings).map(|m| m.number));
    let Some(number) = number else { return Err(Refusal::NotUnderstood) };
    work.meeting(number)?;
    let id = work.keep(number, &answer.from, Section::Note, &answer.text, false);
    work.tell(Some(number), Some(&answer.from), format!("a note of {} was kept", work.name(&answer.from)));
    // a word about "your word is kept" is kept too, and ends there: two machines would write to each other for ever
    if !matches!(&answer.about, Facts::Receipt(Receipt::Kept { section: Section::Note, .. })) {
        kept(work, number, answer, Section::Note, false, id);
    }
    Ok(())
}

/// The meeting people most likely write about: the next open one, else the last.
fn current(meetings: &[Meeting]) -> Option<&Meeting> {
    meetings.iter().filter(|m| m.is_open()).min_by_key(|m| m.wall).or_else(|| meetings.iter().max_by_key(|m| m.wall))
}

/// A polite no to the author; the second time somebody is not understood, a person is asked.
fn say_no(work: &mut Work<'_>, number: Option<MeetingNo>, answer: &Answer, refusal: Refusal) {
    work.tell(number, Some(&answer.from), format!("not done for {}: {refusal}", work.name(&answer.from)));
    work.refused = Some(refusal.clone());
    let unclear = matches!(refusal, Refusal::NotUnderstood | Refusal::NoAnswer);
    let again = work.group.was_sent(number, Kind::Refusal, &answer.from).is_some();
    // a facilitator has nobody to be passed on to: they get the choices once more
    if unclear && again && !leads(work, number, &answer.from) {
        // only words about the meeting itself are passed on; the others may be private (`decisions.md` 4)
        let private = answer.to_others || !matches!(answer.question, Some(Question::Attendance));
        let text = (!private && !answer.text.trim().is_empty()).then(|| answer.text.clone());
        pass_on(work, number, Notice::NeedsPerson { member: answer.from.clone(), text });
        work.receipt(number, &answer.from, Receipt::PersonAsked, None, &answer.mail);
        return;
    }
    let words = (!answer.text.trim().is_empty()).then(|| answer.text.clone());
    let facts = Facts::Refused { refusal, question: answer.question, words };
    let question = answer.question;
    let due = work.now();
    work.mail(Mail {
        meeting: number,
        kind: Kind::Refusal,
        step: None,
        to: answer.from.clone(),
        due,
        until: due + Duration::days(3),
        when_late: WhenLate::Drop,
        question,
        facts,
        answers: Some(answer.mail.clone()),
    });
}

/// Who leads the meeting, else the group.
pub(super) fn facilitator_of(work: &Work<'_>, number: Option<MeetingNo>) -> Option<MemberId> {
    let group = &work.group;
    let reached = |id: &MemberId| group.member(id).is_some_and(|m| m.gets_mail() && !m.reach.to_check());
    let all: Vec<_> = group.facilitators().iter().map(|m| m.id.clone()).collect();
    let leads = number.and_then(|n| group.meeting(n)).map(|m| m.facilitator.clone());
    // whoever leads; another one where mail does not reach that one
    let other = all.iter().find(|id| reached(id)).cloned();
    leads.clone().filter(reached).or(other).or(leads).or(all.first().cloned())
}

/// Whether it is this member whom such a mail would be passed on to.
pub(super) fn leads(work: &Work<'_>, number: Option<MeetingNo>, member: &MemberId) -> bool {
    facilitator_of(work, number).as_ref() == Some(member)
}

/// Tells the facilitator something.
pub(super) fn pass_on(work: &mut Work<'_>, number: Option<MeetingNo>, notice: Notice) {
    let Some(to) = facilitator_of(work, number) else { return };
    tell_leader(work, number, to, notice);
}

/// Tells one facilitator something.
pub(super) fn tell_leader(work: &mut Work<'_>, number: Option<MeetingNo>, to: MemberId, notice: Notice) {
    let due = work.now();
    let question = matches!(notice, Notice::Volunteer { .. } | Notice::RequesterAway { .. } | Notice::Led { .. });
    work.mail(Mail {
        meeting: number,
        kind: Kind::Notice,
        step: None,
        to,
        due,
        until: due + Duration::days(7),
        when_late: WhenLate::Send,
        question: Some(if question { Question::NoSubject } else { Question::Note }),
        facts: Facts::Notice(notice),
        answers: None,
    });
}

/// The requester's late word on a digest that left: a plan if it reads as one, else a note.
pub(super) fn take_plan_or_note(work: &mut Work<'_>, number: MeetingNo, answer: &Answer) -> Result<(), Refusal> {
    let meeting = work.meeting(number)?;
    let closed = super::digest::closed(&work.group, meeting, work.now());
    match answer.meaning {
        Meaning::Plan { .. } if !closed => plan(work, number, answer),
        _ => note(work, Some(number), answer),
    }
}

//! The one place where anything is decided. Pure and total: the same group, event and moment give
//! the same change, and everything a person can do has its answer here.

mod answer;
mod apply;
mod calendar;
mod digest;
mod due;
mod live;
mod order;
mod outcome;
mod subject;
mod undo;
mod unproven;

use crate::core::draft::{Draft, DraftKey, Facts, InReplyTo, Kind, Lane, Question, Role, WhenLate};
use crate::core::event::{Answer, Event, Inverse, Moment, Receipt};
use crate::core::group::{Change, Group, JournalLine, Sent, SentKey, Undo};
use crate::core::ids::{MeetingNo, MemberId};
use crate::core::meeting::{Meeting, Section, Word};
use crate::core::refusal::Refusal;
use chrono::{DateTime, Duration, Utc};

pub use apply::found;
pub use subject::member_named;
pub use undo::would_take_back;

/// How long a receipt's "undo" is good for.
const UNDO_DAYS: i64 = 14;

/// Decides what an event changes in a group.
///
/// # Errors
/// A typed reason when what was asked for is not done; the group is then as it was.
pub fn decide(group: &Group, event: &Event, moment: &Moment) -> Result<Change, Refusal> {
    let mut work = Work::on(group.clone(), moment);
    match event {
        Event::Due => due::due(&mut work),
        Event::Answer(answer) => answer::answer(&mut work, answer)?,
        Event::Calendar(answer) => calendar::calendar(&mut work, answer)?,
        Event::Asked(asked) => calendar::asked(&mut work, asked)?,
        Event::Unproven(unproven) => unproven::unproven(&mut work, unproven)?,
        Event::Disowned { from, challenge } => unproven::disowned(&mut work, from, challenge),
        Event::Confirmed { from, challenge, what } => {
            unproven::confirmed(&mut work, from, challenge)?;
            after_a_yes(&mut work, what)?;
        }
        Event::Order(order) => order::order(&mut work, order)?,
        Event::Away { from, until } => outcome::away(&mut work, from, *until),
        Event::Complaint { from } => answer::complaint(&mut work, from),
        Event::StoppedElsewhere { from } => answer::stopped_elsewhere(&mut work, from),
        Event::BackElsewhere { from } => undo::back_elsewhere(&mut work, from),
        Event::Outcome { key, outcome, to } => outcome::outcome(&mut work, key, outcome, to.as_ref()),
    }
    Ok(work.done())
}

/// Whether the author of this answer would be told no, whatever proves them.
pub fn would_be_refused(group: &Group, answer: &Answer) -> bool {
    let moment = Moment { now: answer.at, fresh: String::new() };
    decide(group, &Event::Answer(answer.clone()), &moment).map_or(true, |change| change.refused.is_some())
}

/// What had waited for a yes, one after the other. What can't be done of several is told; of one, the refusal says it.
fn after_a_yes(work: &mut Work<'_>, what: &[Event]) -> Result<(), Refusal> {
    let mut applied = false;
    for event in what {
        let refused_before = work.refused.take();
        let done = match event {
            Event::Answer(answer) if unproven::is_superseded(work, answer) => {
                unproven::superseded(work, answer);
                Ok(())
            }
            Event::Answer(answer) => answer::answer(work, answer),
            Event::Calendar(answer) => calendar::calendar(work, answer),
            Event::Asked(asked) => calendar::asked(work, asked),
            _ => Ok(()),
        };
        match done {
            Err(refusal) if what.len() == 1 => return Err(refusal),
            Err(refusal) => {
                work.tell(None, None, format!("of what had waited, one was not done: {refusal}"));
                work.refused = Some(refusal);
            }
            Ok(()) => applied |= work.refused.is_none(),
        }
        work.refused = work.refused.take().or(refused_before);
    }
    // of several it is refused where none was done
    work.refused = work.refused.take().filter(|_| !applied);
    Ok(())
}

/// A decision being made: the group as it becomes, the drafts and the story so far.
struct Work<'a> {
    group: Group,
    moment: &'a Moment,
    drafts: Vec<Draft>,
    journal: Vec<JournalLine>,
    refused: Option<Refusal>,
}

/// A mail to be drafted, before its key is known.
struct Mail {
    meeting: Option<MeetingNo>,
    kind: Kind,
    step: Option<u32>,
    to: MemberId,
    due: DateTime<Utc>,
    until: DateTime<Utc>,
    when_late: WhenLate,
    question: Option<Question>,
    facts: Facts,
    answers: Option<InReplyTo>,
}

impl<'a> Work<'a> {
    fn on(mut group: Group, moment: &'a Moment) -> Self {
        let oldest = moment.now - Duration::days(UNDO_DAYS);
        // who stopped all mail may come back at any time
        group.undos.retain(|u| u.at > oldest || u.inverse == Inverse::Unpause);
        group.challenges.retain(|c| c.word.is_none() || c.forbids_another(moment.now));
        let today = moment.now.with_timezone(&group.spec.zone).date_naive();
        for member in &mut group.members {
            member.reach.forget(today);
        }
        Self { group, moment, drafts: Vec::new(), journal: Vec::new(), refused: None }
    }

    fn done(self) -> Change {
        Change { group: self.group, drafts: self.drafts, journal: self.journal, refused: self.refused }
    }

    fn now(&self) -> DateTime<Utc> {
        self.moment.now
    }

    /// A line of the story.
    fn tell(&mut self, meeting: Option<MeetingNo>, member: Option<&MemberId>, text: impl Into<String>) {
        self.journal.push(JournalLine { meeting, member: member.cloned(), text: text.into() });
    }

    /// The meeting of that number. Callers took the number from the group itself.
    fn meeting(&self, number: MeetingNo) -> Result<&Meeting, Refusal> {
        self.group.meeting(number).ok_or(Refusal::NoSuchMeeting { number: number.0 })
    }

    fn meeting_mut(&mut self, number: MeetingNo) -> Result<&mut Meeting, Refusal> {
        self.group.meeting_mut(number).ok_or(Refusal::NoSuchMeeting { number: number.0 })
    }

    /// The name of a member for the story.
    fn name(&self, id: &MemberId) -> String {
        self.group.member(id).map_or_else(|| id.to_string(), |m| m.name.clone())
    }

    /// Counts a mail as said and gives its revision.
    fn mark(&mut self, meeting: Option<MeetingNo>, kind: Kind, step: Option<u32>, member: &MemberId) -> u32 {
        let now = self.now();
        let key = SentKey { meeting, kind, step, member: member.clone() };
        let revision = self.group.sent.get(&key).map_or(0, |s| s.revision + 1);
        // what is put on and taken off within a second keeps its order
        let opposite = match kind {
            Kind::Invitation => Some(Kind::Cancelled),
            Kind::Cancelled => Some(Kind::Invitation),
            Kind::FacilitatorAlarms => Some(Kind::FacilitatorAlarmsOff),
            Kind::FacilitatorAlarmsOff => Some(Kind::FacilitatorAlarms),
            _ => None,
        };
        let before = opposite.and_then(|kind| self.group.was_sent(meeting, kind, member)).map(|s| s.at);
        let at = before.map_or(now, |before| now.max(before + Duration::seconds(1)));
        self.group.sent.insert(key, Sent { revision, at });
        revision
    }

    /// Drafts a mail to somebody who gets mail; the others are passed over silently. So is a mail
    /// whose time is over (the hour passed while nobody looked), unless it answers somebody.
    fn mail(&mut self, mut mail: Mail) {
        if mail.due > mail.until {
            if !mail.kind.is_answer() {
                return;
            }
            mail.until = mail.due + Duration::hours(1);
        }
        if !self.group.member(&mail.to).is_some_and(|m| goes_to(&mail, m)) {
            return;
        }
        let revision = self.mark(mail.meeting, mail.kind, mail.step, &mail.to);
        let role = self.role(mail.meeting, &mail.to);
        let lane = lane(&mail, revision);
        self.drafts.push(Draft {
            key: DraftKey {
                group: self.group.id.clone(),
                meeting: mail.meeting,
                kind: mail.kind,
                step: mail.step,
                member: mail.to,
                revision,
                preview: None,
            },
            role,
            lane,
            decided: self.now(),
            due: mail.due,
            useful_until: mail.until,
            when_late: mail.when_late,
            urgent: mail.kind == Kind::StepPrompt,
            question: mail.question,
            facts: mail.facts,
            answers: mail.answers,
        });
    }

    fn role(&self, meeting: Option<MeetingNo>, member: &MemberId) -> Role {
        if let Some(meeting) = meeting.and_then(|n| self.group.meeting(n)) {
            return self.group.role_in(meeting, member);
        }
        let leads = self.group.facilitators().iter().any(|m| m.id == *member);
        if leads { Role::Facilitator } else { Role::Cooperant }
    }

    /// A mail that answers somebody's mail, useful for some days.
    fn reply(&mut self, meeting: Option<MeetingNo>, kind: Kind, to: &MemberId, facts: Facts, answers: &InReplyTo) {
        let now = self.now();
        self.mail(Mail {
            meeting,
            kind,
            step: None,
            to: to.clone(),
            due: now,
            until: now + Duration::days(3),
            when_late: WhenLate::Drop,
            question: still_open(&facts),
            facts,
            answers: Some(answers.clone()),
        });
    }

    /// A receipt, with what takes the change back where it can be.
    fn receipt(
        &mut self,
        meeting: Option<MeetingNo>,
        to: &MemberId,
        receipt: Receipt,
        inverse: Option<Inverse>,
        answers: &InReplyTo,
    ) {
        self.reply(meeting, Kind::Receipt, to, Facts::Receipt(receipt), answers);
        if let Some(inverse) = inverse {
            let key = SentKey { meeting, kind: Kind::Receipt, step: None, member: to.clone() };
            let receipt = self.group.sent.get(&key).map_or(0, |s| s.revision);
            let at = self.now();
            self.group.undos.push(Undo { meeting, member: to.clone(), receipt, inverse, at });
        }
    }

    /// Keeps a text word for word and gives its number.
    fn keep(&mut self, number: MeetingNo, by: &MemberId, section: Section, text: &str, anonymous: bool) -> u32 {
        let at = self.now();
        let Some(meeting) = self.group.meeting_mut(number) else { return 0 };
        let id = meeting.words.last().map_or(1, |w| w.id + 1);
        meeting.words.push(Word {
            id,
            by: by.clone(),
            section,
            at,
            text: text.trim().to_owned(),
            anonymous,
            withdrawn: false,
        });
        id
    }
}

/// What a reply to a receipt is read as: the question it answers stays open, so that "non, finalement"
/// is heard.
fn still_open(facts: &Facts) -> Option<Question> {
    let Facts::Receipt(receipt) = facts else { return None };
    match receipt {
        Receipt::Attendance { .. }
        | Receipt::Proposed { .. }
        | Receipt::Delegated
        | Receipt::OldTime
        | Receipt::NotAway => Some(Question::Attendance),
        Receipt::Sharing { .. } => Some(Question::Share),
        Receipt::SwapAsked => Some(Question::Subject),
        Receipt::Ordered { order, .. } if matches!(order.as_str(), "move" | "keep") => Some(Question::Note),
        Receipt::Ordered { .. } => Some(Question::NoSubject),
        Receipt::Kept { section: Section::Learning, .. } => Some(Question::Learning),
        Receipt::Kept { section: Section::Contribution, .. } => Some(Question::Contribution),
        Receipt::Plan { .. } => Some(Question::ActionPlan),
        Receipt::Progress { .. } => Some(Question::Progress),
        Receipt::Review { .. } => Some(Question::Review),
        Receipt::Clock { .. } => Some(Question::Live),
        Receipt::Help { question } => *question,
        Receipt::Kept { .. } | Receipt::Undone | Receipt::Stopped | Receipt::PersonAsked => Some(Question::Note),
    }
}

/// Whether it may be sent to this person. What takes an event off a calendar goes to who left, too.
fn goes_to(mail: &Mail, member: &super::group::Member) -> bool {
    let off = mail.facts == Facts::TakenOff || mail.kind == Kind::FacilitatorAlarmsOff || mail.kind.is_to_former();
    match member.is_active() {
        true => member.gets_mail() || mail.kind.is_answer(),
        false => off && member.is_reached(),
    }
}

/// What a newer mail replaces while it is unsent: calendar mails of one event, prompts of one
/// session, asks for one subject; any other mail only itself.
fn lane(mail: &Mail, revision: u32) -> Lane {
    let meeting = mail.meeting.map_or_else(|| "-".to_owned(), |m| m.to_string());
    let topic = match mail.kind {
        // a detail never replaces the question itself
        Kind::Invitation | Kind::Moved | Kind::Cancelled => "calendar",
        // a detail, the law and the state for one person each say what the others do not
        Kind::Updated if mail.facts == Facts::Law => "law",
        Kind::Updated if matches!(mail.facts, Facts::AsItStands { .. }) => "state",
        Kind::SubjectRequest | Kind::SubjectReminder | Kind::SubjectLastReminder => "subject",
        Kind::FacilitatorAlarms | Kind::FacilitatorAlarmsOff => "alarms",
        Kind::StepPrompt => "prompt",
        Kind::Digest | Kind::DigestCorrection => "digest",
        // receipts and notices each say something of their own, and no newer mail goes to the address that was left
        Kind::AddressLeft
        | Kind::AlarmsLeft
        | Kind::Receipt
        | Kind::Refusal
        | Kind::Notice
        | Kind::Counter
        | Kind::CounterDeclined
        | Kind::Forwarded
        | Kind::WasItYou => {
            return Lane(format!("{meeting}/{}/{revision}", mail.kind.name()));
        }
        other => other.name(),
    };
    Lane(format!("{meeting}/{topic}"))
}

//! A group living through a history, and the rules that hold after each thing that happens.

use super::ops::{Edit, Op};
use chrono::{DateTime, Duration, TimeZone, Utc};
use codevd::config;
use codevd::core::agenda::{agenda, next_due};
use codevd::core::decide::{decide, found};
use codevd::core::draft::{InReplyTo, Question};
use codevd::core::event::Ask;
use codevd::core::{
    Answer, Attendance, CalendarAnswer, CalendarAsk, Change, Draft, DraftKey, Event, Facts, Group, GroupSpec, Kind,
    MeetingNo, MemberId, Moment, Order, Outcome, Stage,
};
use std::collections::{BTreeMap, HashSet};

const FILE: &str = include_str!("../scenarios/groups/lyon.toml");

/// Who may come and go.
const MORE: [(&str, &str); 2] = [("Farid Haddad", "farid@g.example"), ("Gwen Morvan", "gwen@h.example")];

/// A group, its clock and all that was mailed.
pub struct World {
    pub group: Group,
    pub now: DateTime<Utc>,
    pub mails: Vec<Draft>,
    keys: HashSet<DraftKey>,
    spec: GroupSpec,
    all: Vec<codevd::core::MemberSpec>,
    decisions: u64,
    /// The last calendar mail to each, by meeting.
    calendars: BTreeMap<(MeetingNo, MemberId), Kind>,
    /// Who has the event that rings at every step.
    alarms: BTreeMap<(MeetingNo, MemberId), bool>,
}

/// The group file with everybody who may ever be in it.
fn spec() -> (GroupSpec, codevd::core::Formats) {
    let formats = config::formats(None).unwrap();
    let more: String =
        MORE.iter().map(|(name, email)| format!("\n[[member]]\nname = \"{name}\"\nemail = \"{email}\"\n")).collect();
    let text = format!("{FILE}{more}");
    let (spec, _) = config::group_from("lyon.toml", &text, &formats, &config::Defaults::default()).unwrap();
    (spec, formats)
}

impl World {
    /// "Codev Lyon", live since 20 November 2026; six of the eight people are in it.
    pub fn new() -> Self {
        let (mut spec, formats) = spec();
        let all = spec.members.clone();
        spec.members.truncate(all.len() - MORE.len());
        spec.size_override = true;
        spec.settings.facilitator_alarms = true;
        let now = Utc.with_ymd_and_hms(2026, 11, 20, 9, 0, 0).unwrap();
        let moment = Moment { now, fresh: "0".to_owned() };
        let group = found(&spec, true, &formats, &moment).unwrap().group;
        let (mails, keys, calendars) = (Vec::new(), HashSet::new(), BTreeMap::new());
        let mut world = Self { group, now, mails, keys, spec, all, decisions: 0, calendars, alarms: BTreeMap::new() };
        world.due();
        world
    }

    /// One decision, and the rules.
    pub fn decide(&mut self, event: &Event) -> bool {
        self.decisions += 1;
        let moment = Moment { now: self.now, fresh: self.decisions.to_string() };
        let Ok(change) = decide(&self.group, event, &moment) else { return false };
        self.check(event, &change);
        for draft in &change.drafts {
            if draft.key.kind.is_to_former() {
                // of another calendar
            } else if let (Some(number), true) = (draft.key.meeting, draft.key.kind.is_alarms()) {
                let on = draft.key.kind == Kind::FacilitatorAlarms;
                self.alarms.insert((number, draft.key.member.clone()), on);
            } else if let (Some(number), true) = (draft.key.meeting, draft.key.kind.is_calendar()) {
                self.calendars.insert((number, draft.key.member.clone()), draft.key.kind);
            }
        }
        self.mails.extend(change.drafts);
        self.group = change.group;
        true
    }

    /// Does what is due: nothing is left, so nobody looks again at once.
    pub fn due(&mut self) {
        self.decide(&Event::Due);
        let left: Vec<_> = agenda(&self.group).into_iter().filter(|d| d.at <= self.now).collect();
        assert!(left.is_empty(), "still due at {}: {left:?}", self.now);
        self.calendars_are_right();
    }

    /// Plays one thing and what is due after it.
    pub fn play(&mut self, op: &Op) {
        match op {
            Op::Next(more) => {
                let next = next_due(&self.group).map_or(self.now, |at| at.max(self.now));
                self.now = next + Duration::seconds(i64::from(*more));
            }
            Op::Wait(seconds) => self.now += Duration::seconds(i64::from(*seconds)),
            Op::Sleep(seconds) => {
                self.now += Duration::seconds(i64::from(*seconds));
                return;
            }
            other => {
                // no two things happen in the same instant
                self.now += Duration::seconds(1);
                if let Some(event) = self.event(other) {
                    self.decide(&event);
                }
            }
        }
        self.due();
    }

    /// The file with one thing changed, in this very instant; nobody looks at what is due.
    pub fn applies(&mut self, edit: &Edit) {
        let order = self.edit(edit).expect("a file that holds");
        assert!(self.decide(&Event::Order(order)));
    }

    fn event(&mut self, op: &Op) -> Option<Event> {
        let number = |n: &usize| self.group.meetings.iter().rev().nth(n % 3).map(|m| m.number);
        let order = match op {
            Op::Answer { newest, mail, meaning, sure, text, attached } => {
                let draft = self.pick(*newest, *mail)?.clone();
                let mut answer = self.answer_to(&draft, meaning.clone(), *text);
                answer.certainty = *sure;
                answer.unreadable_parts = *attached;
                return Some(Event::Answer(answer));
            }
            Op::Fate { newest, mail, outcome } => {
                return Some(became(self.pick(*newest, *mail)?, outcome.clone()));
            }
            Op::Button { member, meeting, answer, proven, comment } => {
                let meeting = self.group.meeting(number(meeting)?)?;
                let from = self.all[member % self.all.len()].id.clone();
                let comment = comment.then(|| "je serai en visite chez un client".to_owned());
                let attendance = Attendance { answer: *answer, sequence: meeting.sequence, stamp: self.now, comment };
                let uid = meeting.uid.clone();
                let mail = in_reply_to();
                let button = CalendarAnswer { from, uid, attendance, old_time: false, proven: *proven, mail };
                return Some(Event::Calendar(button));
            }
            Op::Ask { member, meeting, what, hours } => {
                let meeting = self.group.meeting(number(meeting)?)?;
                let from = self.all[member % self.all.len()].id.clone();
                let (start, text) = (self.group.starts(meeting) + Duration::hours(*hours), None);
                let ask = match what % 8 {
                    0 => Ask::Counter { from, start, attendance: None, text },
                    1 => Ask::Refresh { from },
                    2 => {
                        let (answer, sequence, stamp) = (codevd::core::Attending::No, meeting.sequence, self.now);
                        let attendance = Attendance { answer, sequence, stamp, comment: None };
                        Ask::Delegated { from, to: vec!["zoe@ailleurs.example".to_owned()], attendance }
                    }
                    3 => Ask::UnknownZone { from, zone: "Chez moi".to_owned(), why: "its DTSTART".to_owned(), text },
                    4 => Ask::NoTime { from, why: "a whole day".to_owned(), text },
                    6 => Ask::OldTime { from, text },
                    5 => Ask::Said { from, text: "je ne sais pas encore".to_owned() },
                    _ => Ask::Forwarded { who: "zoe@ailleurs.example".to_owned() },
                };
                return Some(Event::Asked(CalendarAsk {
                    uid: meeting.uid.clone(),
                    mail: in_reply_to(),
                    proven: false,
                    ask,
                }));
            }
            Op::Move { meeting, hours } => {
                let meeting = self.group.meeting(number(meeting)?)?;
                Order::Move { meeting: meeting.number, to: meeting.wall + Duration::hours(*hours) }
            }
            Op::Cancel { meeting } => Order::Cancel { meeting: number(meeting)? },
            Op::Swap { meeting, member } => {
                let with = self.all[member % self.all.len()].id.to_string();
                Order::Swap { meeting: number(meeting)?, with }
            }
            Op::Apply(edit) => self.edit(edit)?,
            Op::Next(_) | Op::Wait(_) | Op::Sleep(_) => return None,
        };
        Some(Event::Order(order))
    }

    /// One of the twelve newest mails, or any.
    fn pick(&self, newest: bool, n: usize) -> Option<&Draft> {
        let among = if newest { self.mails.len().min(12) } else { self.mails.len() };
        (among > 0).then(|| &self.mails[self.mails.len() - 1 - n % among])
    }

    /// A reply to a mail from its receiver. Texts say who wrote them.
    pub fn answer_to(&self, draft: &Draft, meaning: codevd::core::Meaning, text: bool) -> Answer {
        let from = draft.key.member.clone();
        let words = format!("{} écrit ceci pour la séance.", mark(&from));
        Answer {
            from,
            to: draft.key.clone(),
            asked: draft.decided,
            about: draft.facts.clone(),
            question: draft.question,
            at: self.now,
            text: if text { words } else { String::new() },
            meaning,
            certainty: codevd::core::event::Certainty::Sure,
            mail: in_reply_to(),
            unreadable_parts: false,
            to_others: false,
        }
    }

    /// The file with one thing changed; nothing where the file would be refused.
    fn edit(&mut self, edit: &Edit) -> Option<Order> {
        let mut spec = self.spec.clone();
        match edit {
            Edit::Toggle(n) => {
                let who = &self.all[n % self.all.len()];
                match spec.members.iter().position(|m| m.id == who.id) {
                    Some(at) => drop(spec.members.remove(at)),
                    None => spec.members.push(who.clone()),
                }
            }
            Edit::Address(n) => {
                let at = n % spec.members.len();
                let id = spec.members[at].id.clone();
                spec.members[at].email = format!("{id}{}@new.example", self.decisions).parse().unwrap();
            }
            Edit::Place => spec.place = Some(format!("https://visio.example.org/{}", self.decisions)),
            Edit::Facilitator(n) => spec.facilitators = vec![spec.members[n % spec.members.len()].id.clone()],
            Edit::InCircle => spec.facilitators_in_circle = !spec.facilitators_in_circle,
        }
        if !spec.problems(&self.group.formats).is_empty() {
            return None;
        }
        self.spec = spec.clone();
        Some(Order::Apply { spec: Box::new(spec), live: true })
    }

    /// The first meeting, its session begun.
    pub fn in_session() -> Self {
        let mut world = Self::new();
        while world.group.meetings.first().is_none_or(|m| m.stage == Stage::Planned) {
            world.play(&Op::Next(0));
        }
        world
    }

    /// The newest mail of that kind to somebody.
    pub fn newest(&self, kind: Kind, member: &str) -> &Draft {
        let same = |d: &&Draft| d.key.kind == kind && d.key.member.as_str() == member;
        self.mails.iter().rev().find(same).unwrap_or_else(|| panic!("no {kind} to {member}"))
    }

    /// Somebody answers the newest mail of that kind, in an instant of its own.
    pub fn says(&mut self, member: &str, kind: Kind, meaning: codevd::core::Meaning) {
        self.now += Duration::seconds(1);
        let mut answer = self.answer_to(&self.newest(kind, member).clone(), meaning, true);
        answer.question = answer.question.filter(|_| kind != Kind::StepPrompt).or(Some(codevd::core::Question::Live));
        assert!(self.decide(&Event::Answer(answer)), "{member} was refused");
    }

    /// What must hold of every decision.
    fn check(&mut self, event: &Event, change: &Change) {
        for draft in &change.drafts {
            assert!(self.keys.insert(draft.key.clone()), "{} was used before", draft.key);
            self.draft_is_whole(draft, &change.group);
            self.receiver_wants_it(draft, event, &change.group);
        }
        self.sequences(event, &change.group);
        self.words(&change.group);
        seats(&change.group);
    }

    /// Its group, its member and its meeting exist; its times make sense.
    fn draft_is_whole(&self, draft: &Draft, after: &Group) {
        let key = &draft.key;
        assert_eq!(key.group, after.id);
        assert!(after.member(&key.member).is_some(), "{key} to nobody");
        let meeting = key.meeting.map(|n| after.meeting(n).unwrap_or_else(|| panic!("{key} of no meeting")));
        assert!(draft.decided == self.now && draft.due >= self.now, "{key} was due at {} in the past", draft.due);
        assert!(draft.due <= draft.useful_until, "{key}: due {} after {}", draft.due, draft.useful_until);
        let Some(meeting) = meeting else { return };
        if key.kind == Kind::StepPrompt {
            let late = Duration::seconds(i64::from(after.settings().prompt_late_seconds));
            assert!(draft.useful_until <= draft.due + late, "{key} is useful for too long");
            let run = meeting.run.as_ref().expect("a prompt of a session without a clock");
            let never_after = run.announced_end + Duration::minutes(15);
            assert!(draft.due <= never_after, "{key} at {}, long after the end {}", draft.due, run.announced_end);
        }
        let asks_to_come = matches!(key.kind, Kind::Invitation | Kind::Moved | Kind::Updated);
        assert!(!(asks_to_come && meeting.stage == Stage::Cancelled), "{key} for a cancelled meeting");
    }

    /// Nobody who left, and nobody who stopped but in answer to their own mail.
    fn receiver_wants_it(&self, draft: &Draft, event: &Event, after: &Group) {
        let (key, member) = (&draft.key, &draft.key.member);
        let off = matches!(key.kind, Kind::Cancelled | Kind::FacilitatorAlarmsOff) || key.kind.is_to_former();
        let last = off
            && matches!(event, Event::Order(Order::Apply { .. }) | Event::Outcome { outcome: Outcome::InDoubt, .. });
        let there = after.member(member).is_some_and(codevd::core::Member::is_active);
        assert!(there || last, "{key} to somebody who left");
        let stopped = |g: &Group| g.member(member).is_some_and(|m| m.paused.is_some());
        if stopped(&self.group) && stopped(after) {
            let own = match event {
                Event::Answer(answer) => answer.from == *member,
                Event::Calendar(answer) => answer.from == *member,
                Event::Asked(asked) => match &asked.ask {
                    Ask::Counter { from, .. }
                    | Ask::Refresh { from }
                    | Ask::Delegated { from, .. }
                    | Ask::NoTime { from, .. }
                    | Ask::UnknownZone { from, .. }
                    | Ask::OldTime { from, .. } => from == member,
                    Ask::Forwarded { .. } | Ask::Said { .. } => false,
                },
                _ => false,
            };
            assert!(own && key.kind.is_answer(), "{key} to somebody who stopped all mail");
        }
    }

    /// SEQUENCE never falls, rises by move, cancel, place and a return alone (by two: the cancellation had one of its
    /// own), and so by another address, also where what it leaves is said again; answers lie within it.
    fn sequences(&self, event: &Event, after: &Group) {
        for meeting in &after.meetings {
            assert!(meeting.time_sequence <= meeting.sequence);
            for (member, answer) in &meeting.attendance {
                let fits = (meeting.time_sequence..=meeting.sequence).contains(&answer.sequence);
                let (n, time, now) = (meeting.number, meeting.time_sequence, meeting.sequence);
                assert!(fits, "{member}'s answer to {n} is of {}, not of {time} to {now}", answer.sequence);
            }
            let Some(before) = self.group.meeting(meeting.number) else { continue };
            let this = |n: &MeetingNo| *n == meeting.number;
            let place = |to: &GroupSpec| to.place != self.group.spec.place && before.stage == Stage::Planned;
            let rises = match event {
                Event::Order(Order::Move { meeting, .. } | Order::Cancel { meeting }) => this(meeting).into(),
                // a proposed time that the facilitator took
                Event::Answer(answer) => {
                    (answer.question == Some(Question::Counter) && meeting.wall != before.wall).into()
                }
                Event::Order(Order::Apply { spec, .. }) => {
                    let two = u32::from(self.comes_back(spec, before)) + self.moves_house(spec, before);
                    u32::from(place(spec)) + 2 * two
                }
                // once more at the former address, and the state at the new one above it
                Event::Outcome { key, outcome: Outcome::InDoubt, .. }
                    if key.kind == Kind::AddressLeft && key.meeting == Some(meeting.number) =>
                {
                    2 * u32::from(meeting.sequence > before.sequence)
                }
                _ => 0,
            };
            assert_eq!(meeting.sequence, before.sequence + rises, "SEQUENCE of {}", meeting.number);
            let moved = meeting.wall != before.wall;
            assert_eq!(moved, meeting.time_sequence > before.time_sequence, "the time of {}", meeting.number);
        }
    }

    /// Somebody taken off a meeting ahead is back: the new invitation lies above their cancellation.
    fn comes_back(&self, spec: &GroupSpec, meeting: &codevd::core::Meeting) -> bool {
        let off = |id: &MemberId| self.group.was_sent(Some(meeting.number), Kind::Cancelled, id).is_some();
        let back = |id: &MemberId| self.group.member(id).is_some_and(|m| !m.is_active());
        meeting.stage == Stage::Planned && spec.members.iter().any(|m| back(&m.id) && off(&m.id))
    }

    /// How many of those who have it get mail at another address: it lies above the cancellation at the old one.
    fn moves_house(&self, spec: &GroupSpec, meeting: &codevd::core::Meeting) -> u32 {
        let has = |m: &&codevd::core::Member| m.gets_mail() && self.group.is_invited(meeting.number, &m.id);
        let there = self.group.members.iter().filter(has);
        let elsewhere = there.filter(|m| spec.members.iter().any(|w| w.id == m.id && w.email != m.email)).count();
        if meeting.stage == Stage::Planned { u32::try_from(elsewhere).unwrap() } else { 0 }
    }

    /// What people wrote is never lost, and every text keeps its number.
    fn words(&self, after: &Group) {
        for before in &self.group.meetings {
            let meeting = after.meeting(before.number).expect("a meeting was lost");
            let ids: HashSet<_> = meeting.words.iter().map(|w| w.id).collect();
            assert_eq!(ids.len(), meeting.words.len(), "two texts of one number in {}", meeting.number);
            for (old, new) in before.words.iter().zip(&meeting.words) {
                assert_eq!((old.id, &old.text, &old.by), (new.id, &new.text, &new.by));
            }
            assert!(meeting.words.len() >= before.words.len(), "a text of {} was lost", meeting.number);
        }
    }

    /// Who is written to has every meeting ahead on the calendar, and none that was cancelled.
    fn calendars_are_right(&self) {
        for meeting in self.group.meetings.iter().filter(|m| m.stage == Stage::Planned) {
            for member in self.group.members.iter().filter(|m| m.gets_mail()) {
                let last = self.calendars.get(&(meeting.number, member.id.clone()));
                let on = last.is_some_and(|kind| *kind != Kind::Cancelled);
                assert!(on, "{} is not on the calendar of {}: {last:?}", meeting.number, member.id);
                let rings = self.alarms.get(&(meeting.number, member.id.clone())).copied().unwrap_or(false);
                let leads = meeting.facilitator == member.id;
                assert_eq!(rings, leads, "the alarms of {} with {}", meeting.number, member.id);
            }
        }
    }

    /// Two months without a word: nothing of today is still open.
    pub fn ends_all(&mut self) {
        let until = self.now + Duration::days(60);
        let ahead: Vec<_> = self.group.meetings.iter().filter(|m| m.is_open()).map(|m| m.number).collect();
        let last = self.group.meetings.iter().map(|m| self.group.ends(m)).max().unwrap_or(until);
        while let Some(at) = next_due(&self.group).filter(|at| *at <= until.max(last + Duration::days(5))) {
            self.now = at.max(self.now);
            self.due();
        }
        for number in ahead {
            let meeting = self.group.meeting(number).unwrap();
            assert!(!meeting.is_open(), "meeting {number} of {} is still {:?}", meeting.wall, meeting.stage);
        }
    }
}

/// Seats of meetings ahead are held by people of the circle; a subject is that of who holds the seat.
fn seats(after: &Group) {
    for meeting in after.meetings.iter().filter(|m| m.stage == Stage::Planned) {
        let requester = after.member(&meeting.requester).unwrap();
        assert!(requester.is_active(), "the requester of {} left", meeting.number);
        assert!(requester.circle, "the requester of {} is not in the circle", meeting.number);
        let leads = after.member(&meeting.facilitator).unwrap();
        assert!(leads.is_active(), "the facilitator of {} left", meeting.number);
        assert_ne!(meeting.backup.as_ref(), Some(&meeting.requester), "the backup of {}", meeting.number);
        let Some(subject) = &meeting.subject else { continue };
        let strange = after.members.iter().find(|m| m.id != meeting.requester && subject.text.contains(&mark(&m.id)));
        assert!(strange.is_none(), "the subject of {} is {strange:?}'s", meeting.number);
    }
}

fn mark(id: &MemberId) -> String {
    format!("<{id}>")
}

fn in_reply_to() -> InReplyTo {
    InReplyTo { message_id: "<1@x.example>".to_owned(), subject: "Re: codev".to_owned() }
}

/// What became of a mail, as the engine hands it over.
pub fn became(draft: &Draft, outcome: Outcome) -> Event {
    let to = match &draft.facts {
        Facts::AddressLeft { address } => Some(address.clone()),
        _ => None,
    };
    Event::Outcome { key: draft.key.clone(), outcome, to }
}

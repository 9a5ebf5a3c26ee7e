//! What the page shows at a moment: the people, every mail so far, the clock, what lies ahead.

use super::ahead::{Ahead, ahead};
use super::script::Speed;
use crate::core::{Attending, DraftKey, Group, Kind, Meeting, MemberId, Role, Stage};
use crate::ical::{self, CalendarMessage, Method, PartStat, Stated, When};
use crate::mail::{self, Letter};
use crate::sim::{Foreseen, Person};
use chrono::{DateTime, Duration, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A person of the group, as the page knows them.
#[derive(Debug, Clone)]
pub struct Seat {
    /// Short name, in addresses of the page.
    pub id: MemberId,
    /// Name, address, programs, zone.
    pub person: Person,
    /// Somebody plays them: they do nothing by themselves.
    pub played: bool,
    /// Positions of the habits that are switched off.
    pub off: BTreeSet<usize>,
}

impl Seat {
    /// The first name.
    pub fn first(&self) -> &str {
        self.person.name.split_whitespace().next().unwrap_or(&self.person.name)
    }

    /// Two letters.
    pub fn initials(&self) -> String {
        self.person.name.split_whitespace().filter_map(|w| w.chars().next()).take(2).collect()
    }
}

/// A mail of the month.
#[derive(Debug)]
pub struct Mail {
    /// Its number on the page.
    pub id: usize,
    /// When it arrived.
    pub at: DateTime<Utc>,
    /// The position in [`Scene::seats`] of whose mailbox it lies in.
    pub seat: usize,
    /// Which mail of ours it is; `None` for one that the person wrote.
    pub key: Option<DraftKey>,
    /// What a person did, in a few words.
    pub what: String,
    /// Taken apart.
    pub letter: Letter,
    /// Its HTML.
    pub html: Option<String>,
    /// Its calendar.
    pub event: Option<CalendarMessage>,
    /// The number of the mail it answers.
    pub about: Option<usize>,
    /// The bytes that went over the wire.
    pub bytes: Vec<u8>,
}

impl Mail {
    /// Takes a mail apart for the page.
    pub fn new(id: usize, at: DateTime<Utc>, seat: usize, bytes: Vec<u8>) -> Self {
        let letter = mail::letter(&bytes);
        let event = letter.calendar.first().and_then(|c| ical::read(c).into_iter().next());
        let html = mail::shown::html(&bytes);
        Self { id, at, seat, key: None, what: String::new(), letter, html, event, about: None, bytes }
    }

    /// Came from the daemon.
    pub fn is_ours(&self) -> bool {
        self.key.is_some()
    }

    /// Only says that an answer arrived.
    pub fn is_receipt(&self) -> bool {
        self.key.as_ref().is_some_and(|k| k.kind.is_answer() && k.kind != Kind::SubjectReceipt)
    }

    /// An invitation with buttons.
    pub fn is_invitation(&self) -> bool {
        let asks = |e: &CalendarMessage| e.method == Some(Method::Request);
        self.key.as_ref().is_some_and(|k| !k.kind.is_alarms()) && self.event.as_ref().is_some_and(asks)
    }
}

/// An event in somebody's calendar.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The last mail that put it there.
    pub mail: usize,
    /// When it begins and ends.
    pub start: DateTime<Utc>,
    /// Its end.
    pub end: DateTime<Utc>,
    /// Its title.
    pub summary: String,
    /// What the person answered, as their calendar knows it.
    pub answer: PartStat,
    /// It will not take place.
    pub cancelled: bool,
}

/// Everything, at a moment.
#[derive(Debug, Clone)]
pub struct Scene {
    /// Rises with every change.
    pub version: u64,
    /// The clock.
    pub now: DateTime<Utc>,
    /// When the month is over.
    pub end: DateTime<Utc>,
    /// People, in the order of the group's file.
    pub seats: Vec<Seat>,
    /// Every mail, by its number.
    pub mails: Vec<Arc<Mail>>,
    /// The group; `None` until it is founded.
    pub group: Option<Arc<Group>>,
    /// What the daemon will do.
    pub ahead: Vec<Ahead>,
    /// What people will do by themselves, or would.
    pub foreseen: Vec<Foreseen>,
    /// Plays by itself.
    pub playing: Option<Speed>,
    /// What stopped it.
    pub broken: Option<String>,
}

impl Scene {
    /// Somebody, with their position.
    pub fn seat(&self, id: &str) -> Option<(usize, &Seat)> {
        self.seats.iter().enumerate().find(|(_, s)| s.id.as_str() == id)
    }

    /// Somebody's position by address.
    pub fn by_address(&self, email: &str) -> Option<usize> {
        self.seats.iter().position(|s| s.person.email.eq_ignore_ascii_case(email))
    }

    /// Somebody's mails, the newest first.
    pub fn mailbox(&self, seat: usize) -> impl Iterator<Item = &Arc<Mail>> {
        self.mails.iter().rev().filter(move |m| m.seat == seat)
    }

    /// A mail, if it lies in this person's mailbox.
    pub fn mail(&self, seat: usize, id: usize) -> Option<&Arc<Mail>> {
        self.mails.get(id).filter(|m| m.seat == seat)
    }

    /// What answers this mail, and what came back to that, in order.
    pub fn conversation(&self, mail: &Mail) -> Vec<&Arc<Mail>> {
        let mut ids = vec![mail.id];
        let mut found = Vec::new();
        for later in self.mails.iter().skip(mail.id + 1).filter(|m| m.seat == mail.seat) {
            if later.about.is_some_and(|about| ids.contains(&about)) {
                ids.push(later.id);
                found.push(later);
            }
        }
        found
    }

    /// What the daemon answered to somebody's mail.
    pub fn receipt(&self, own: &Mail) -> Option<&Arc<Mail>> {
        self.conversation(own).into_iter().find(|m| m.is_ours())
    }

    /// The newest digest: of the one mail in every box that of somebody who is played, else the first.
    pub fn digest(&self) -> Option<&Arc<Mail>> {
        let is_digest =
            |m: &&Arc<Mail>| m.key.as_ref().is_some_and(|k| matches!(k.kind, Kind::Digest | Kind::DigestCorrection));
        let newest = self.mails.iter().rev().find(is_digest)?.at;
        let all: Vec<_> = self.mails.iter().filter(is_digest).filter(|m| m.at == newest).collect();
        all.iter().find(|m| self.seats[m.seat].played).or(all.first()).copied()
    }

    /// The meeting people have on their minds: the one being held, else the next one, else the last.
    pub fn meeting(&self) -> Option<&Meeting> {
        let meetings = &self.group.as_ref()?.meetings;
        let first = |stage: Stage| meetings.iter().filter(|m| m.stage == stage).min_by_key(|m| m.number);
        let collecting = first(Stage::Collecting);
        first(Stage::Running).or(collecting).or(first(Stage::Planned)).or(meetings.last())
    }

    /// Somebody's part in that meeting; before there is one, by whose turn it will be.
    pub fn role(&self, seat: &Seat) -> Option<Role> {
        let group = self.group.as_ref()?;
        Some(match self.meeting() {
            Some(meeting) => group.role_in(meeting, &seat.id),
            None if group.whose_turn().first() == Some(&seat.id) => Role::Requester,
            None if group.facilitators().first().is_some_and(|m| m.id == seat.id) => Role::Facilitator,
            None => Role::Cooperant,
        })
    }

    /// What lies ahead of a group, as far as the page looks.
    pub fn look_ahead(group: Option<&Group>, now: DateTime<Utc>, end: DateTime<Utc>) -> Vec<Ahead> {
        group.map(|g| ahead(g, now, end.max(now + Duration::days(35)))).unwrap_or_default()
    }

    /// The session that is being held, with the step it is in; the first one before it begins.
    pub fn live(&self) -> Option<(&Meeting, usize)> {
        let group = self.group.as_ref()?;
        let meeting = group.meetings.iter().find(|m| m.stage == Stage::Running)?;
        let run = meeting.run.as_ref()?;
        let begun = |s: &crate::core::RunStep| !s.skipped && s.start <= self.now;
        Some((meeting, run.steps.iter().rposition(begun).unwrap_or(0)))
    }

    /// What the daemon has noted of somebody's coming to the meeting of an event.
    pub fn noted(&self, seat: &Seat, start: DateTime<Utc>) -> Option<Attending> {
        let group = self.group.as_ref()?;
        group.meetings.iter().find(|m| group.starts(m) == start)?.attending(&seat.id)
    }

    /// What this person would do about that mail by themselves.
    pub fn habit(&self, seat: &Seat, mail: &Mail) -> Option<&Foreseen> {
        self.foreseen.iter().find(|f| f.from == seat.person.email && Some(&f.about) == mail.key.as_ref())
    }

    /// Somebody's calendar: each event as its last mail left it.
    pub fn calendar(&self, seat: usize) -> Vec<Entry> {
        let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
        for mail in self.mails.iter().filter(|m| m.seat == seat) {
            let Some(event) = &mail.event else { continue };
            let email = &self.seats[seat].person.email;
            let mine = event.attendees.iter().find(|a| ical::same_address(&a.email, email));
            let answer = mine.map_or(PartStat::NeedsAction, |a| match &a.part_stat {
                Stated::Known(known) => *known,
                Stated::Unknown(_) => PartStat::NeedsAction,
            });
            match (&event.method, entries.get_mut(&event.uid)) {
                (Some(Method::Request), known) => {
                    let before = known.map(|e| (e.start, e.answer));
                    if let Some(mut entry) = entry(mail, event, answer) {
                        let kept = before.filter(|(start, _)| *start == entry.start && answer == PartStat::NeedsAction);
                        entry.answer = kept.map_or(entry.answer, |(_, answer)| answer);
                        entries.insert(event.uid.clone(), entry);
                    }
                }
                (Some(Method::Cancel), Some(entry)) => entry.cancelled = true,
                (_, Some(entry)) if !mail.is_ours() => entry.answer = answer,
                _ => {}
            }
        }
        let mut all: Vec<_> = entries.into_values().collect();
        all.sort_by_key(|e| e.start);
        all
    }
}

fn entry(mail: &Mail, event: &CalendarMessage, answer: PartStat) -> Option<Entry> {
    let (Some(When::At(start)), Some(When::At(end))) = (&event.start, &event.end) else { return None };
    let summary = event.summary.clone().unwrap_or_default();
    Some(Entry { mail: mail.id, start: *start, end: *end, summary, answer, cancelled: false })
}

//! What must hold whatever goes wrong: looked at after every step, and once more at the end.

use super::calendars::{Calendars, Missed};
use super::deeds::marks;
use super::office::Accepted;
use crate::core::meeting::{Meeting, Sharing};
use crate::core::spec::GuestList;
use crate::core::{Formats, Group, GroupId, GroupSpec, Section, Stage};
use crate::daemon::housekeeping::Keep;
use crate::mail::{self, Letter, Token};
use crate::store::{
    About, InboxKind, InboxRow, InboxState, JournalRow, MailState, QueueFilter, QueueRow, SentMail, Store, StoreError,
};
use chrono::{DateTime, Datelike, Duration, Months, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A promise (`docs/reliability.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Every decided mail is sent, dropped by its own rule, or reported.
    Lost,
    /// No Message-ID reaches a server twice.
    Twice,
    /// No prompt leaves over 90 seconds late.
    Late,
    /// Every mail that reached the daemon has a row with an outcome.
    Answer,
    /// Every change has its line in the journal.
    Journal,
    /// No mail holds another's secret.
    Secret,
    /// The linter has nothing against a mail with a calendar, and in the end every calendar is right.
    Calendar,
    /// Nothing leaves while mail is held.
    Held,
    /// What is deleted by its age is deleted in time, and not before.
    Kept,
    /// Nothing breaks down, and nothing turns in circles.
    Broke,
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// What it breaks.
    pub rule: Rule,
    /// When it was seen, by the daemon's clock.
    pub at: DateTime<Utc>,
    /// What was seen.
    pub what: String,
}

/// A mail that a server took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// When its last byte left.
    pub at: DateTime<Utc>,
    /// When it should have left.
    pub due: DateTime<Utc>,
    /// Until when it made sense.
    pub useful_until: DateTime<Utc>,
    /// Of use late, too.
    pub always: bool,
    /// A live prompt.
    pub urgent: bool,
}

/// A live prompt may leave so much after its time.
const LATEST: i64 = 90;

/// All that was seen so far.
#[derive(Debug, Default)]
pub struct Ledger {
    /// What is broken.
    pub violations: Vec<Violation>,
    /// What servers took, in order.
    pub left: Vec<Left>,
    /// How often each Message-ID reached a server.
    accepted: HashMap<String, u32>,
    /// Message-IDs of people's mails that reached the daemon's mailbox.
    arrived: BTreeSet<String>,
    /// To whom each draft went.
    owners: HashMap<String, String>,
    /// Marks of private texts, and who may read them.
    secrets: HashMap<String, String>,
    /// Marks that were shared at some time.
    shared: HashSet<String>,
    /// Each group as it was last seen, and its newest journal line.
    last: BTreeMap<GroupId, (Group, i64)>,
    /// What stands in people's calendars.
    calendars: Calendars,
    /// The latest times by which words and mails were deleted: what is older may be gone.
    ended: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Ledger {
    /// Notes what must not be.
    pub fn broken(&mut self, rule: Rule, at: DateTime<Utc>, what: impl Into<String>) {
        self.violations.push(Violation { rule, at, what: what.into() });
    }

    /// A person's mail is in the daemon's mailbox.
    pub fn arrived(&mut self, bytes: &[u8]) {
        self.arrived.extend(mail::letter(bytes).message_id);
    }

    /// Looks at the group after a step: what changed has its line, what is private is known.
    ///
    /// # Errors
    /// The store's.
    pub fn group(
        &mut self,
        store: &Store,
        id: &GroupId,
        formats: &Formats,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let Some(loaded) = store.load(id, formats)? else { return Ok(()) };
        let group = loaded.group;
        let line = store.journal(&About { group: Some(id), ..About::default() }, 1)?;
        let line = line.last().map_or(0, |l| l.id);
        if let Some((before, told)) = self.last.get(id)
            && *before != group
            && *told == line
        {
            self.broken(Rule::Journal, at, format!("{id} changed and the journal tells nothing of it"));
        }
        self.learn(&group);
        self.last.insert(id.clone(), (group, line));
        Ok(())
    }

    /// What the requester keeps to themselves so far, and what they do not.
    fn learn(&mut self, group: &Group) {
        let owner = |id| group.member(id).map(|m| m.email.to_string()).unwrap_or_default();
        for meeting in &group.meetings {
            let requester = owner(&meeting.requester);
            if let Some(subject) = &meeting.subject {
                let open = match subject.sharing {
                    Some(Sharing::All) => subject.text.as_str(),
                    Some(Sharing::TitleOnly) => subject.title(),
                    _ => "",
                };
                self.keep(&subject.text, &requester, open);
            }
            for action in &meeting.actions {
                self.keep(&action.text, &requester, if action.shared { &action.text } else { "" });
            }
            for word in meeting.words.iter().filter(|w| w.section == Section::FollowUp) {
                self.keep(&word.text, &owner(&word.by), "");
            }
        }
    }

    fn keep(&mut self, text: &str, owner: &str, open: &str) {
        for mark in marks(text) {
            self.secrets.entry(mark.to_owned()).or_insert_with(|| owner.to_owned());
        }
        self.shared.extend(marks(open).map(str::to_owned));
    }

    /// Looks at a mail that a server took. Gives back what is known of it, for its reader to answer.
    ///
    /// # Errors
    /// The store's.
    pub fn delivered(
        &mut self,
        store: &Store,
        mail: &Accepted,
        guests: GuestList,
        leads: &[String],
    ) -> Result<Option<(SentMail, Letter)>, StoreError> {
        let letter = mail::letter(&mail.bytes);
        let id = letter.message_id.clone().unwrap_or_default();
        let draft = id.split('@').next().and_then(Token::parse).map(|t| t.draft_id().to_string()).unwrap_or_default();
        let Some(sent) = store.outbox_by_draft_id(&draft)? else {
            self.broken(Rule::Lost, mail.at, format!("{id} to {} was sent and never decided", mail.to));
            return Ok(None);
        };
        let key = sent.draft.key.to_string();
        if sent.envelope_to.as_str() != mail.to {
            self.broken(Rule::Secret, mail.at, format!("{key} went to {}", mail.to));
        }
        let times = self.accepted.entry(id).or_insert(0);
        *times += 1;
        if *times > 1 {
            self.broken(Rule::Twice, mail.at, format!("{key} reached the server again"));
        }
        let always = sent.draft.when_late == crate::core::WhenLate::Send;
        let (due, useful_until, urgent) = (sent.draft.due, sent.draft.useful_until, sent.draft.urgent);
        self.left.push(Left { at: mail.at, due, useful_until, always, urgent });
        let late = (mail.at - sent.draft.due).num_seconds();
        if sent.draft.urgent && (late > LATEST || mail.at > sent.draft.useful_until) {
            self.broken(Rule::Late, mail.at, format!("{key} left {late} s after it was due"));
        }
        self.owners.insert(draft, mail.to.clone());
        self.calendars.reached(&mail.to, &letter);
        for fault in mail::check_calendar_mail(&mail.bytes).findings {
            self.broken(Rule::Calendar, mail.at, format!("{key}:{}: {fault}", fault.line));
        }
        self.secrets_in(store, mail, &letter, &key, (guests, leads))?;
        Ok(Some((sent, letter)))
    }

    fn secrets_in(
        &mut self,
        store: &Store,
        mail: &Accepted,
        letter: &Letter,
        key: &str,
        (guests, leads): (GuestList, &[String]),
    ) -> Result<(), StoreError> {
        let mut all = String::from_utf8_lossy(&mail.bytes).into_owned();
        all.push_str(&letter.text);
        all.extend(letter.calendar.iter().map(|c| String::from_utf8_lossy(c)));
        let told: BTreeSet<_> = marks(&all).filter(|m| !self.shared.contains(*m)).collect();
        for mark in told {
            if self.secrets.get(mark).is_some_and(|owner| person(owner) != person(&mail.to)) {
                self.broken(Rule::Secret, mail.at, format!("{key} tells {} what is private: {mark}", mail.to));
            }
        }
        for token in tokens(&all) {
            let id = token.draft_id().to_string();
            let owner = match self.owners.get(&id) {
                Some(owner) => owner.clone(),
                None => match store.outbox_by_draft_id(&id)? {
                    Some(sent) => sent.envelope_to.to_string(),
                    None => continue,
                },
            };
            if person(&owner) != person(&mail.to) {
                self.broken(Rule::Secret, mail.at, format!("{key} to {} holds a token of {owner}", mail.to));
            }
        }
        if guests == GuestList::Hidden && !leads.contains(&mail.to) {
            let group: Vec<_> = self.last.values().flat_map(|(g, _)| g.members.clone()).collect();
            let others = group.iter().filter(|m| m.id.as_str() != person(&mail.to));
            for other in others.filter(|m| !leads.contains(&m.email.to_string())) {
                if all.contains(other.email.as_str()) {
                    self.broken(Rule::Secret, mail.at, format!("{key} names {} to {}", other.email, mail.to));
                }
            }
        }
        Ok(())
    }

    /// Looks at everything once all is over.
    ///
    /// # Errors
    /// The store's.
    pub fn end(&mut self, store: &Store, files: &[&GroupSpec], now: DateTime<Utc>) -> Result<(), StoreError> {
        self.fates(store, now, true)?;
        for group in store.groups()? {
            if let Some(error) = group.error {
                self.broken(Rule::Broke, now, format!("{} is set aside: {error}", group.id));
            }
        }
        let missed = missed(store)?;
        for (group, _) in std::mem::take(&mut self.last).into_values() {
            if files.iter().all(|file| **file != group.spec) {
                self.broken(Rule::Answer, now, format!("{} is not as its file says", group.id));
            }
            for wrong in self.calendars.wrong(&group, &missed, now) {
                self.broken(Rule::Calendar, now, format!("{}: {wrong}", group.id));
            }
        }
        for wrong in store.quick_check()? {
            self.broken(Rule::Broke, now, wrong);
        }
        Ok(())
    }

    /// Looks at how mails ended and what became of those that arrived; `all`: nothing is underway any more.
    ///
    /// # Errors
    /// The store's.
    pub fn fates(&mut self, store: &Store, now: DateTime<Utc>, all: bool) -> Result<(), StoreError> {
        let inbox = store.inbox_list(&[], u32::MAX)?;
        let mut told: HashMap<String, Vec<JournalRow>> = HashMap::new();
        for line in store.journal(&About::default(), u32::MAX)? {
            if line.text.starts_with("set aside") {
                self.broken(Rule::Broke, line.at, line.text.clone());
            }
            if let Some(key) = &line.draft_key {
                told.entry(key.clone()).or_default().push(line);
            }
        }
        let fates: HashMap<_, _> = inbox
            .iter()
            .filter(|r| r.kind == InboxKind::Outcome)
            .filter_map(|r| Some((r.draft_key.as_deref()?, r)))
            .collect();
        let underway =
            |row: &QueueRow| matches!(row.state, MailState::Queued | MailState::Sending | MailState::InDoubt);
        for row in store.queue(&QueueFilter::default())? {
            // a mail in doubt is looked for, and the fate of a mail that ended just now is heard of by the next step
            let heard = fates.get(row.draft_key.as_str()).is_some_and(|fate| fate.state != InboxState::New);
            if !all && (underway(&row) || !heard && matches!(row.state, MailState::Dropped | MailState::Refused)) {
                continue;
            }
            let lines = told.get(&row.draft_key).map(Vec::as_slice).unwrap_or_default();
            if let Some((rule, why)) = self.fate(&row, fates.get(row.draft_key.as_str()).copied(), lines, now) {
                self.broken(rule, now, format!("{} is {:?}: {why}", row.draft_key, row.state));
            }
        }
        if all {
            self.answers(&inbox, now);
        } else {
            let done = inbox.iter().filter(|r| r.state != InboxState::New && r.done_at.is_some());
            for id in done.filter_map(|r| r.message_id.as_ref()) {
                self.arrived.remove(id);
            }
        }
        Ok(())
    }

    /// Looks at what was deleted by its age, right after it was.
    ///
    /// # Errors
    /// The store's.
    pub fn cleaned(
        &mut self,
        store: &Store,
        (id, formats): (&GroupId, &Formats),
        keep: Keep,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let before = self.last.remove(id);
        let Some(loaded) = store.load(id, formats)? else { return Ok(()) };
        let line = store.journal(&About { group: Some(id), ..About::default() }, 1)?;
        let believed = store.clock_seen()?.and_then(|seen| seen.believed(now));
        let times = |by: DateTime<Utc>| {
            let mails = by - Duration::days(keep.mails_days.into());
            (by.checked_sub_months(Months::new(keep.words_months)).unwrap_or(mails).min(mails), mails)
        };
        if let Some((words, mails)) = believed.map(times) {
            let ended = self.ended.map_or((words, mails), |(w, m)| (w.max(words), m.max(mails)));
            self.ended = Some(ended);
            self.words_kept(before.as_ref().map(|(group, _)| group), &loaded.group, (words, ended.0), now);
            // once a week: it opens every mail
            if now.ordinal().is_multiple_of(7) {
                self.mails_kept(store, (mails, ended.1), now)?;
            }
        }
        self.last.insert(id.clone(), (loaded.group, line.last().map_or(0, |l| l.id)));
        Ok(())
    }

    fn words_kept(
        &mut self,
        before: Option<&Group>,
        after: &Group,
        (by, latest): (DateTime<Utc>, DateTime<Utc>),
        now: DateTime<Utc>,
    ) {
        let said = |m: &Meeting| m.words.len() + m.actions.len() + usize::from(m.subject.is_some());
        for meeting in &after.meetings {
            let over = matches!(meeting.stage, Stage::Digested | Stage::Cancelled);
            if over && meeting.wall < by.naive_utc() && said(meeting) > 0 {
                self.broken(
                    Rule::Kept,
                    now,
                    format!("words of {} of meeting {} are kept", meeting.wall, meeting.number),
                );
            }
            let known = before.and_then(|group| group.meeting(meeting.number)).map_or(0, said);
            if meeting.wall >= latest.naive_utc() && said(meeting) < known {
                self.broken(Rule::Kept, now, format!("words of meeting {} were deleted too early", meeting.number));
            }
        }
    }

    fn mails_kept(
        &mut self,
        store: &Store,
        (by, latest): (DateTime<Utc>, DateTime<Utc>),
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for row in store.queue(&QueueFilter::default())? {
            let done = !matches!(row.state, MailState::Queued | MailState::Sending);
            let there = store.outbox_bytes(row.id)?.is_some();
            if done && row.due < by && there {
                self.broken(Rule::Kept, now, format!("{} of {} is kept", row.draft_key, row.due));
            }
            if row.due >= latest && !there {
                self.broken(Rule::Kept, now, format!("{} of {} was emptied too early", row.draft_key, row.due));
            }
        }
        Ok(())
    }

    /// What is wrong with how a mail ended.
    fn fate(
        &self,
        row: &QueueRow,
        fate: Option<&InboxRow>,
        lines: &[JournalRow],
        now: DateTime<Utc>,
    ) -> Option<(Rule, &'static str)> {
        let times = self.accepted.get(&row.message_id).copied().unwrap_or(0);
        let says = |words: &str| lines.iter().any(|l| l.text.contains(words));
        let heard = fate.is_some_and(|f| f.state != InboxState::New);
        let line = match row.state {
            MailState::Queued if row.due < now - Duration::days(1) => return Some((Rule::Lost, "it still waits")),
            MailState::Queued => "decided",
            MailState::Sending => return Some((Rule::Lost, "nobody sends it")),
            MailState::Sent if times == 0 => return Some((Rule::Lost, "no server has it")),
            MailState::Sent => "sent:",
            MailState::InDoubt if !heard => return Some((Rule::Lost, "nobody was told")),
            MailState::InDoubt => "in doubt",
            _ if times > 0 => return Some((Rule::Twice, "a server has it")),
            MailState::Superseded => "newer",
            MailState::Dropped | MailState::Refused if !heard => return Some((Rule::Lost, "nobody was told")),
            MailState::Dropped if row.when_late == crate::core::WhenLate::Send => {
                return Some((Rule::Lost, "it is of use late too"));
            }
            MailState::Dropped => "not sent",
            MailState::Refused => "refused",
        };
        // the story of that time may have been deleted by its age
        let kept = self.ended.is_none_or(|(words, _)| row.due - Duration::days(4) > words);
        if kept && (!says("decided for") || !says(line)) {
            return Some((Rule::Journal, "the journal does not say so"));
        }
        None
    }

    /// Every mail that arrived has its row, and every row its outcome.
    fn answers(&mut self, inbox: &[InboxRow], now: DateTime<Utc>) {
        let rows: BTreeMap<_, _> = inbox.iter().filter_map(|r| Some((r.message_id.clone()?, r))).collect();
        let arrived = std::mem::take(&mut self.arrived);
        for id in arrived.iter().filter(|id| !rows.contains_key(*id)) {
            self.broken(Rule::Answer, now, format!("{id} arrived and is in no row"));
        }
        self.arrived = arrived;
        for row in inbox {
            match row.state {
                InboxState::New => self.broken(Rule::Answer, now, format!("row {} was never looked at", row.id)),
                InboxState::Quarantined => {
                    let why = row.reason.clone().unwrap_or_default();
                    self.broken(Rule::Broke, now, format!("row {} is set aside: {why}", row.id));
                }
                _ if row.done_at.is_none() => self.broken(Rule::Answer, now, format!("row {} has no outcome", row.id)),
                _ => {}
            }
        }
    }
}

/// Calendar mails that reached nobody.
fn missed(store: &Store) -> Result<Missed, StoreError> {
    let rows = store.queue(&QueueFilter::default())?.into_iter();
    let reached = |state| matches!(state, MailState::Sent | MailState::Superseded);
    let missed = rows.filter(|r| r.kind.is_calendar() && !reached(r.state));
    Ok(missed.filter_map(|r| Some((r.group, r.member, r.meeting?))).collect())
}

/// Whose address: in these worlds a person has the same name before the `@` wherever they read.
fn person(address: &str) -> &str {
    address.split('@').next().unwrap_or(address)
}

/// Every token in a text.
fn tokens(text: &str) -> BTreeSet<Token> {
    let word = |c: char| !c.is_ascii_alphanumeric();
    text.split(word).filter(|w| w.len() == mail::TOKEN_CHARS).filter_map(Token::parse).collect()
}

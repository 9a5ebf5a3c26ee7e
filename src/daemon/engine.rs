//! The engine's step: inbox rows and due groups go through `decide`, and each decision is one transaction.

use super::compose::{ComposeError, Composer, Sender};
use super::guard::{Guard, Why};
use super::inbound::{self, Reading};
use super::ports::{Ids, Shared};
use super::rows::{Begun, close};
use crate::core::agenda::next_due;
use crate::core::caps;
use crate::core::decide::{decide, found};
use crate::core::draft::{Draft, Facts, Notice};
use crate::core::event::{Ask, CalendarAsk, Outcome};
use crate::core::foresight::{next_look, previews};
use crate::core::group::JournalLine;
use crate::core::reach::Trouble;
use crate::core::{Change, DraftKey, Event, Formats, Group, GroupId, Member, MemberId, Moment, Order, Refusal};
use crate::mail::Key;
use crate::render::Renderer;
use crate::store::{Commit, GroupCommit, InboxDone, InboxKind, InboxRow, InboxState, Loaded, NewMail, StoreError};
use crate::words::Words;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

/// Rows and groups looked at in one step; more wait for the next one.
const BATCH: u32 = 64;

/// All that does not change while the engine runs.
pub struct Kit {
    /// Templates.
    pub renderer: Renderer,
    /// Word lists.
    pub words: Words,
    /// Session formats.
    pub formats: Formats,
    /// The instance's key.
    pub key: Key,
    /// The daemon's mailbox.
    pub sender: Sender,
}

/// Decides, and writes what was decided.
pub struct Engine<I> {
    /// Templates, words, formats, key, mailbox.
    pub kit: Kit,
    store: Shared,
    ids: I,
    guard: Option<Guard>,
    begun: Begun,
}

/// What one decision did, for whoever tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// When.
    pub at: DateTime<Utc>,
    /// Which group.
    pub group: GroupId,
    /// The journal's sentences.
    pub lines: Vec<String>,
    /// The mails that were queued, with their subject lines.
    pub mails: Vec<(DraftKey, String)>,
}

/// What stopped a step. The group it happened in is set aside; the others go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A mail that can't be written.
    #[error(transparent)]
    Compose(#[from] ComposeError),
}

/// An order as it lies in the inbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupOrder {
    /// For which group.
    pub group: GroupId,
    /// What to do.
    #[serde(flatten)]
    pub order: Order,
}

/// Where a decision comes from.
#[derive(Clone)]
struct Cause<'a> {
    row: Option<&'a InboxRow>,
    member: Option<MemberId>,
    key: Option<String>,
    /// A machine's mail: whatever it changes in what we know, it changes nothing for people.
    no_effect: bool,
    /// It would have been answered, and the caps do not allow it.
    held: bool,
    /// It does nothing before its member said whether it is theirs.
    waits: bool,
}

impl Cause<'_> {
    /// How a row stands once it was decided on: applied; asked back when it was not understood; kept
    /// without effect when a machine wrote it; understood and not done.
    fn state(&self, change: &Change) -> InboxState {
        if self.no_effect || self.held {
            return InboxState::Recorded;
        }
        if self.waits {
            return InboxState::Asked;
        }
        match change.refused {
            Some(Refusal::NotUnderstood | Refusal::NoAnswer | Refusal::CantRead) => InboxState::Asked,
            None if refused_by(change).is_none() => InboxState::Done,
            _ => InboxState::Refused,
        }
    }
}

impl<I: Ids> Engine<I> {
    /// An engine on a store.
    pub fn new(kit: Kit, store: Shared, ids: I) -> Self {
        Self { kit, store, ids, guard: None, begun: Begun::default() }
    }

    /// Holds the outbox when more mails are decided than anybody foresaw.
    pub fn guard(&mut self, guard: Guard) {
        self.guard = Some(guard);
    }

    /// The store it works on.
    pub fn store(&self) -> &Shared {
        &self.store
    }

    /// Takes what came in, then what is due. Says what happened, in order.
    ///
    /// # Errors
    /// The store's own; a group whose decision fails is set aside and told in the story.
    pub fn step(&mut self, now: DateTime<Utc>) -> Result<Vec<Story>, EngineError> {
        let mut told = Vec::new();
        // a page that can't be read: nobody's fault, and the others go on; all of it is tried again soon
        let mut unread = None;
        let rows = self.store.get().next_inbox(BATCH)?;
        for row in rows {
            match self.inbox_row(&row, now) {
                Ok(story) => told.extend(story),
                Err(EngineError::Store(error)) if error.is_conflict() => {}
                Err(EngineError::Store(error)) if error.is_temporary() => return Err(error.into()),
                Err(EngineError::Store(error)) if error.is_damage() => unread = Some(error),
                Err(error) => self.cannot_decide(&row, &error, now)?,
            }
        }
        let due = self.store.get().due(now, BATCH)?;
        for group in due {
            let cause = Cause { row: None, member: None, key: None, no_effect: false, held: false, waits: false };
            match self.group(&group, &Event::Due, &cause, now) {
                Ok(story) => told.push(story),
                // the disk's trouble is nobody's fault: all of it is tried again soon
                Err(EngineError::Store(error)) if error.is_temporary() => return Err(error.into()),
                Err(EngineError::Store(error)) if error.is_damage() => unread = Some(error),
                Err(error) => self.set_aside(&group, &error, now)?,
            }
        }
        unread.map_or(Ok(told), |error| Err(error.into()))
    }

    /// When there will be something to do.
    ///
    /// # Errors
    /// The store's own.
    pub fn next_due(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.store.get().next_due()
    }

    /// When a group is looked at next, by this program, its zone data and its formats.
    ///
    /// # Errors
    /// The store's.
    pub fn derive(&self, id: &GroupId, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut store = self.store.get();
        let Some(Loaded { group, version }) = store.load(id, &self.kit.formats)? else { return Ok(()) };
        let next_due = next_look(&group, now);
        let group = GroupCommit { before: Some(&group), version: Some(version), after: &group, next_due };
        let commit = Commit { group: Some(group), mails: Vec::new(), journal: Vec::new(), at: now, inbox: None };
        store.commit(commit).map(|_| ())
    }

    /// What a group's decision would do, changing nothing (`--dry-run`).
    ///
    /// # Errors
    /// What the decision itself would answer.
    pub fn rehearse(&mut self, order: &GroupOrder, now: DateTime<Utc>) -> Result<Result<Change, Refusal>, EngineError> {
        let moment = self.moment(now);
        let loaded = self.store.get().load(&order.group, &self.kit.formats)?;
        Ok(self.decide_order(loaded.as_ref().map(|l| &l.group), order, &moment))
    }

    fn moment(&mut self, now: DateTime<Utc>) -> Moment {
        Moment { now, fresh: self.ids.fresh() }
    }

    fn decide_order(&self, group: Option<&Group>, order: &GroupOrder, moment: &Moment) -> Result<Change, Refusal> {
        match (group, &order.order) {
            (Some(group), order) => decide(group, &Event::Order(order.clone()), moment),
            (None, Order::Apply { spec, live }) => found(spec, *live, &self.kit.formats, moment),
            (None, _) => {
                let known = self.store.get().groups().unwrap_or_default();
                let known = known.iter().map(|g| g.id.to_string()).collect::<Vec<_>>().join(", ");
                Err(Refusal::NoSuchGroup { name: order.group.to_string(), known })
            }
        }
    }

    fn inbox_row(&mut self, row: &InboxRow, now: DateTime<Utc>) -> Result<Option<Story>, EngineError> {
        crash_point!("engine.row");
        match row.kind {
            InboxKind::Mail => self.guarded(row, now),
            InboxKind::Order => self.order(row, now),
            InboxKind::Outcome => self.outcome(row, now),
        }
    }

    /// Reads a mail, unless that ended the daemon before.
    fn guarded(&mut self, row: &InboxRow, now: DateTime<Utc>) -> Result<Option<Story>, EngineError> {
        if let Some(reason) = self.begun.begin(&self.store, row)? {
            self.close(row, InboxState::Quarantined, reason, None, None, now)?;
            return Ok(None);
        }
        let read = self.mail(row, now);
        self.begun.end(&self.store, row.id);
        read
    }

    fn mail(&mut self, row: &InboxRow, now: DateTime<Utc>) -> Result<Option<Story>, EngineError> {
        let reading = inbound::read(&self.kit, &self.store.get(), row)?;
        match reading {
            Reading::Event { group, member, key, event } => {
                let no_effect = without_effect(&event);
                let (key, waits) = (key.map(|k| k.to_string()), matches!(*event, Event::Unproven(_)));
                let cause = Cause { row: Some(row), member, key, no_effect, held: false, waits };
                self.for_row(row, &group, &event, &cause, now)
            }
            Reading::Stranger { address, stops } => {
                self.store.get().opt(&address, stops, now)?;
                self.in_all_groups(&address, None, stops, now)?;
                let reason = if stops {
                    "who wrote this wants no mail: none will go there"
                } else {
                    "who wrote this takes mail again"
                };
                self.close(row, InboxState::Done, reason.to_owned(), None, None, now)?;
                Ok(None)
            }
            Reading::Kept { state, reason, about } => {
                let (group, member) = about.unzip();
                self.close(row, state, reason, group, member, now)?;
                Ok(None)
            }
        }
    }

    /// Who stopped all mail in one group gets none in the others, and who came back is back in all (`decisions.md`
    /// 16): before the row is closed, so that after a crash in between it is done again, which changes nothing.
    fn elsewhere(&mut self, before: &Group, after: &Group, now: DateTime<Utc>) -> Result<(), EngineError> {
        for (member, stopped) in opted(before, after) {
            for address in std::iter::once(&member.email).chain(&member.aliases) {
                self.in_all_groups(address.as_str(), Some(&after.id), stopped, now)?;
            }
        }
        Ok(())
    }

    /// Every group but one hears that this address wants no mail, or takes it again.
    fn in_all_groups(
        &mut self,
        address: &str,
        but: Option<&GroupId>,
        stopped: bool,
        now: DateTime<Utc>,
    ) -> Result<(), EngineError> {
        let all = self.store.get().members_by_address(address)?;
        for (group, from) in all.into_iter().filter(|(g, _)| Some(g) != but) {
            let member = Some(from.clone());
            let cause = Cause { row: None, member, key: None, no_effect: false, held: false, waits: false };
            let event = match stopped {
                true => Event::StoppedElsewhere { from },
                false => Event::BackElsewhere { from },
            };
            self.group(&group, &event, &cause, now)?;
        }
        Ok(())
    }

    /// No group file brings mail to somebody who wants none: who is new in it, or has another address, and had said so
    /// gets none.
    fn respected(&self, before: Option<&Group>, change: Change, moment: &Moment) -> Result<Change, EngineError> {
        let mut change = change;
        for member in change.group.members.clone() {
            let was = before.and_then(|b| b.member(&member.id));
            let same = was.is_some_and(|w| w.email.is(member.email.as_str()) && w.left.is_none());
            if same || !member.is_active() || !self.store.get().opted_out(member.email.as_str())? {
                continue;
            }
            let from = member.id.clone();
            let Ok(more) = decide(&change.group, &Event::StoppedElsewhere { from }, moment) else { continue };
            change.drafts.retain(|d| d.key.member != member.id);
            change.group = more.group;
            change.drafts.extend(more.drafts);
            change.journal.extend(more.journal);
        }
        Ok(change)
    }

    fn outcome(&mut self, row: &InboxRow, now: DateTime<Utc>) -> Result<Option<Story>, EngineError> {
        let key = row.draft_key.as_deref().and_then(|k| k.parse::<DraftKey>().ok());
        let (Some(key), Some(outcome)) = (key, row.outcome()) else {
            self.close(row, InboxState::Quarantined, "an outcome that can't be read".into(), None, None, now)?;
            return Ok(None);
        };
        let group = key.group.clone();
        let cause = Cause {
            row: Some(row),
            member: Some(key.member.clone()),
            key: Some(key.to_string()),
            no_effect: false,
            held: false,
            waits: false,
        };
        let mail = self.store.get().outbox_by_key(&key.to_string())?;
        let event = Event::Outcome { key, outcome, to: mail.map(|m| m.envelope_to) };
        self.for_row(row, &group, &event, &cause, now)
    }

    fn order(&mut self, row: &InboxRow, now: DateTime<Utc>) -> Result<Option<Story>, EngineError> {
        let Ok(order) = serde_json::from_slice::<GroupOrder>(&row.bytes) else {
            self.close(row, InboxState::Quarantined, "an order that can't be read".into(), None, None, now)?;
            return Ok(None);
        };
        let moment = self.moment(now);
        let loaded = self.store.get().load(&order.group, &self.kit.formats)?;
        match self.decide_order(loaded.as_ref().map(|l| &l.group), &order, &moment) {
            Ok(change) => {
                let change = self.respected(loaded.as_ref().map(|l| &l.group), change, &moment)?;
                let cause =
                    Cause { row: Some(row), member: None, key: None, no_effect: false, held: false, waits: false };
                self.write(loaded.as_ref(), &change, &cause, now).map(Some)
            }
            Err(refusal) => {
                let known = loaded.map(|l| l.group.id);
                self.close(row, InboxState::Refused, refusal.to_string(), known, None, now)?;
                Ok(None)
            }
        }
    }

    /// Decides for a row of the inbox. A decision that can't be written leaves the row for later
    /// and sets the group aside.
    fn for_row(
        &mut self,
        row: &InboxRow,
        group: &GroupId,
        event: &Event,
        cause: &Cause<'_>,
        now: DateTime<Utc>,
    ) -> Result<Option<Story>, EngineError> {
        let Some(loaded) = self.store.get().load(group, &self.kit.formats)? else {
            self.close(row, InboxState::Refused, "its group is gone".into(), None, None, now)?;
            return Ok(None);
        };
        let moment = self.moment(now);
        match decide(&loaded.group, event, &moment) {
            Ok(mut change) => {
                let held = self.hold_back(&mut change, now)?;
                self.elsewhere(&loaded.group, &change.group, now)?;
                self.write(Some(&loaded), &change, &Cause { held, ..cause.clone() }, now).map(Some)
            }
            Err(refusal) => {
                let (state, reason) = (InboxState::Refused, format!("{refusal} [{}]", refusal.code()));
                self.close(row, state, reason, Some(group.clone()), cause.member.clone(), now)?;
                Ok(None)
            }
        }
    }

    /// Takes out what the caps do not allow (`core::caps`); the story says so.
    fn hold_back(&self, change: &mut Change, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let Some((at, what)) = change.drafts.iter().enumerate().find_map(|(n, d)| Some((n, caps::capped(d)?))) else {
            return Ok(false);
        };
        let (meeting, member) = (change.drafts[at].key.meeting, change.drafts[at].key.member.clone());
        let Some(address) = change.group.member(&member).map(|m| m.email.to_string()) else { return Ok(false) };
        let (same, all) = self.store.get().capped_since(what, &address, now - Duration::days(1))?;
        if let Err(held) = caps::allow(now, &same, &all) {
            if held == caps::Held::InAll {
                tracing::error!(group = %change.group.id, "{held}");
            }
            // of one whose attachments alone could not be used, the words were taken
            let applied = change.refused.is_none();
            let taken_out = |d: &Draft| caps::capped(d).is_some() || caps::follows(d);
            for draft in change.drafts.iter().filter(|d| taken_out(d)) {
                change.group.was_not_asked_again(&draft.key);
            }
            change.drafts.retain(|d| !taken_out(d));
            change.journal.push(JournalLine { meeting, member: Some(member), text: held.to_string() });
            return Ok(!applied);
        }
        for draft in caps::keep_first(&mut change.drafts) {
            let (meeting, member) = (draft.key.meeting, Some(draft.key.member));
            change.journal.push(JournalLine { meeting, member, text: caps::Held::Said.to_string() });
        }
        Ok(false)
    }

    fn group(
        &mut self,
        id: &GroupId,
        event: &Event,
        cause: &Cause<'_>,
        now: DateTime<Utc>,
    ) -> Result<Story, EngineError> {
        let loaded = self.store.get().load(id, &self.kit.formats)?;
        let Some(loaded) = loaded else {
            return Ok(Story { at: now, group: id.clone(), lines: Vec::new(), mails: Vec::new() });
        };
        if !loaded.group.live && *event == Event::Due {
            return self.previews(&loaded, now);
        }
        let moment = self.moment(now);
        match decide(&loaded.group, event, &moment) {
            Ok(change) => self.write(Some(&loaded), &change, cause, now),
            // time alone is never refused; were it, the group is derived again at its next due
            Err(_) => Ok(Story { at: now, group: id.clone(), lines: Vec::new(), mails: Vec::new() }),
        }
    }

    /// A group that is not live: what would go out now is shown to its facilitator, and nothing else changes
    /// (`decisions.md` 20). What was shown before is known by its key.
    fn previews(&mut self, loaded: &Loaded, now: DateTime<Utc>) -> Result<Story, EngineError> {
        let (due, next_due) = previews(&loaded.group, now);
        let shown = |key: &DraftKey| self.store.get().outbox_by_key(&key.to_string()).map(|row| row.is_some());
        let mut mails = Vec::new();
        for preview in &due {
            if !shown(&preview.own.key)? {
                mails.push(self.composer().preview(preview)?);
            }
        }
        let told = mails.iter().map(|m| (m.draft.key.clone(), m.subject.clone())).collect();
        let group = &loaded.group;
        let group_rows = GroupCommit { before: Some(group), version: Some(loaded.version), after: group, next_due };
        let commit = Commit { group: Some(group_rows), mails, journal: Vec::new(), at: now, inbox: None };
        self.store.get().commit(commit)?;
        Ok(Story { at: now, group: group.id.clone(), lines: Vec::new(), mails: told })
    }

    fn composer(&self) -> Composer<'_> {
        Composer { renderer: &self.kit.renderer, key: &self.kit.key, sender: &self.kit.sender }
    }

    /// Renders, then writes state, outbox, journal and the inbox row in one transaction.
    fn write(
        &mut self,
        loaded: Option<&Loaded>,
        change: &Change,
        cause: &Cause<'_>,
        now: DateTime<Utc>,
    ) -> Result<Story, EngineError> {
        crash_point!("engine.decided");
        let composer = self.composer();
        let compose = |draft| composer.compose(&change.group, draft);
        let mails = change.drafts.iter().map(compose).collect::<Result<Vec<NewMail>, _>>()?;
        let group = &change.group;
        let story = Story {
            at: now,
            group: group.id.clone(),
            lines: change.journal.iter().map(|j| j.text.clone()).collect(),
            mails: mails.iter().map(|m| (m.draft.key.clone(), m.subject.clone())).collect(),
        };
        let state = cause.state(change);
        let line = if cause.held { story.lines.last() } else { story.lines.first() };
        let code = refused_by(change).filter(|_| state == InboxState::Refused);
        let reason = line.map(|line| code.map_or_else(|| line.clone(), |code| format!("{line} [{code}]")));
        let done = |row: &InboxRow| InboxDone {
            id: row.id,
            state,
            reason: reason.clone(),
            group: Some(group.id.clone()),
            member: cause.member.clone(),
            draft_key: cause.key.clone(),
            result: Some(story.lines.join("\n")),
        };
        let commit = Commit {
            group: Some(GroupCommit {
                before: loaded.map(|l| &l.group),
                version: loaded.map(|l| l.version),
                after: group,
                next_due: next_look(group, now),
            }),
            mails,
            journal: change.journal.clone(),
            at: now,
            inbox: cause.row.map(done),
        };
        // held before the mails are there: none of them leaves in between
        let before = self.guard.clone();
        self.watch(loaded, cause, &change.drafts, now)?;
        if let Err(error) = self.store.get().commit(commit) {
            // what was not written is not counted; it is decided again
            self.guard = before;
            return Err(error.into());
        }
        if change.group.live && loaded.is_some_and(|l| !l.group.live) {
            self.store.get().drop_previews(&change.group.id, now)?;
        }
        crash_point!("engine.committed");
        Ok(story)
    }

    /// Holds the outbox when this is more than anybody foresaw.
    fn watch(
        &mut self,
        loaded: Option<&Loaded>,
        cause: &Cause<'_>,
        drafts: &[Draft],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let why = match cause.row {
            Some(_) => Why::Asked(cause.member.as_ref()),
            None => Why::Agenda(loaded.and_then(|l| next_due(&l.group))),
        };
        let held = self.guard.as_mut().and_then(|guard| guard.note(why, drafts, now));
        let Some(why) = held else { return Ok(()) };
        tracing::error!(%why, "all mail is held: see `codevd plan` and `codevd mail queue`, then `codevd mail release`");
        self.store.get().hold(&why, now)
    }

    /// A row that changes no group is done with.
    fn close(
        &self,
        row: &InboxRow,
        state: InboxState,
        reason: String,
        group: Option<GroupId>,
        member: Option<MemberId>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        close(&mut self.store.get(), row.id, state, reason, group, member, now)
    }

    /// What came in can't be decided on (a template's fault, a row edited by hand): it is set aside
    /// for a person, and the daemon goes on with the others.
    fn cannot_decide(&self, row: &InboxRow, error: &EngineError, now: DateTime<Utc>) -> Result<(), StoreError> {
        tracing::error!(inbox = row.id, %error, "what came in could not be decided on");
        let reason = format!("it could not be decided on: {error}");
        self.close(row, InboxState::Quarantined, reason, row.group.clone(), row.member.clone(), now)
    }

    /// A group whose decision could not be written waits, longer each time, and the others go on.
    fn set_aside(&self, group: &GroupId, error: &EngineError, now: DateTime<Utc>) -> Result<(), StoreError> {
        tracing::error!(%group, %error, "a decision could not be written: the group is set aside");
        let mut store = self.store.get();
        let failures = store.groups()?.iter().find(|g| g.id == *group).map_or(0, |g| g.failures);
        let wait = Duration::minutes(1 << failures.min(6));
        store.set_aside(group, &error.to_string(), now + wait, now)
    }
}

/// The word by which `status` counts what was decided and comes to a refusal.
fn refused_by(change: &Change) -> Option<&'static str> {
    let of_notice = |draft: &Draft| match &draft.facts {
        Facts::Notice(Notice::UnknownZone { .. }) => Some("unknown-zone"),
        Facts::Notice(Notice::NoTime { .. }) => Some("no-time"),
        _ => None,
    };
    change.refused.as_ref().map(Refusal::code).or_else(|| change.drafts.iter().find_map(of_notice))
}

/// An absence notice, and a delay: kept, and no answer to anything.
fn without_effect(event: &Event) -> bool {
    matches!(
        event,
        Event::Away { .. }
            | Event::Disowned { .. }
            | Event::Asked(CalendarAsk { ask: Ask::Said { .. }, .. })
            | Event::Outcome { outcome: Outcome::Bounced { trouble: Trouble::Delayed, .. }, .. }
    )
}

/// Members who stopped all mail by this change (`true`), or take it again.
fn opted(before: &Group, after: &Group) -> Vec<(Member, bool)> {
    let was = |member: &Member| before.member(&member.id).is_some_and(|m| m.paused.is_some());
    let changed = after.members.iter().filter(|m| was(m) != m.paused.is_some());
    changed.map(|m| (m.clone(), m.paused.is_some())).collect()
}

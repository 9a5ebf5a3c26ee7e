//! The engine's one transaction: group rows, outbox, journal and the inbox row done, or nothing.

use super::cells::{first, json, run, utc, wall, word};
use super::error::Fault;
use super::inbox::{self, InboxState};
use super::journal::{self, About};
use super::{Store, StoreError, diff, meeting_rows, sealed};
use crate::core::draft::Facts;
use crate::core::{Draft, Email, Group, GroupId, JournalLine, MemberId};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, named_params, params};
use std::collections::BTreeSet;

/// A group as it was loaded and as it is to be.
#[derive(Debug)]
pub struct GroupCommit<'a> {
    /// As it was loaded; `None` for a new group.
    pub before: Option<&'a Group>,
    /// The version it was loaded with; `None` for a new group.
    pub version: Option<i64>,
    /// As it is to be.
    pub after: &'a Group,
    /// When the engine has to look at it next.
    pub next_due: Option<DateTime<Utc>>,
}

/// A draft with its frozen bytes.
#[derive(Debug, Clone)]
pub struct NewMail {
    /// What was decided.
    pub draft: Draft,
    /// Its token's public half.
    pub draft_id: String,
    /// Without angle brackets.
    pub message_id: String,
    /// The subject line.
    pub subject: String,
    /// The one receiver.
    pub envelope_to: Email,
    /// The whole mail as it goes over the wire.
    pub bytes: Vec<u8>,
    /// Its plain text, to recognise our quote in answers.
    pub plain: String,
}

/// What became of an inbox row.
#[derive(Debug, Clone)]
pub struct InboxDone {
    /// The row.
    pub id: i64,
    /// Its new state.
    pub state: InboxState,
    /// Why, for a person.
    pub reason: Option<String>,
    /// The group it was for.
    pub group: Option<GroupId>,
    /// The member it is from.
    pub member: Option<MemberId>,
    /// The mail of ours it answers.
    pub draft_key: Option<String>,
    /// What whoever waits for an order is told.
    pub result: Option<String>,
}

/// What one decision writes.
#[derive(Debug)]
pub struct Commit<'a> {
    /// The group's rows.
    pub group: Option<GroupCommit<'a>>,
    /// What is to be mailed.
    pub mails: Vec<NewMail>,
    /// The story.
    pub journal: Vec<JournalLine>,
    /// When it was decided.
    pub at: DateTime<Utc>,
    /// What brought it about.
    pub inbox: Option<InboxDone>,
}

/// What a commit did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// The group's version from now on.
    pub version: Option<i64>,
    /// Outbox rows that are new.
    pub queued: Vec<i64>,
    /// Keys of drafts that were queued by an earlier decision already, and were left as they are.
    pub kept: Vec<String>,
    /// Unsent outbox rows that newer ones replace.
    pub superseded: Vec<i64>,
}

impl Store {
    /// Writes one decision: all of it or nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the group was written since it was loaded;
    /// [`StoreError::State`] when the inbox row is done already.
    pub fn commit(&mut self, batch: Commit<'_>) -> Result<Committed, StoreError> {
        self.write("commit a decision", |tx, derivation| one(tx, derivation, &batch))
    }

    /// Writes several decisions with one sync of the disk. A decision that fails is left out whole
    /// and the others stand; its place in the answer says why.
    ///
    /// # Errors
    /// When nothing could be written.
    pub fn commit_all(&mut self, batches: Vec<Commit<'_>>) -> Result<Vec<Result<Committed, StoreError>>, StoreError> {
        let file = self.file().to_owned();
        self.write("commit decisions", |tx, derivation| {
            let mut done = Vec::with_capacity(batches.len());
            for batch in &batches {
                run(tx, "SAVEPOINT decision", [])?;
                let result = one(tx, derivation, batch).map_err(|fault| fault.at(&file, "commit a decision"));
                if result.is_err() {
                    run(tx, "ROLLBACK TO decision", [])?;
                }
                run(tx, "RELEASE decision", [])?;
                done.push(result);
            }
            Ok(done)
        })
    }
}

fn one(tx: &Connection, derivation: &str, batch: &Commit<'_>) -> Result<Committed, Fault> {
    let mut done = Committed::default();
    if let Some(group) = &batch.group {
        super::opt_outs::note(tx, group.before, group.after, batch.at)?;
        done.version = Some(write_group(tx, derivation, group)?);
    }
    for mail in &batch.mails {
        queue(tx, mail, batch.at, &mut done)?;
    }
    let group = batch.group.as_ref().map(|g| &g.after.id);
    let group = group.or(batch.inbox.as_ref().and_then(|i| i.group.as_ref()));
    let inbox = batch.inbox.as_ref().map(|i| i.id);
    for line in &batch.journal {
        let (meeting, member) = (line.meeting, line.member.as_ref());
        journal::write(tx, batch.at, &About { group, meeting, member, draft_key: None, inbox }, &line.text)?;
    }
    if let Some(row) = &batch.inbox {
        inbox::done(tx, row, batch.at)?;
    }
    Ok(done)
}

fn write_group(tx: &Connection, derivation: &str, group: &GroupCommit<'_>) -> Result<i64, Fault> {
    let version = write_own_row(tx, derivation, group)?;
    let keep: BTreeSet<_> = group.after.meetings.iter().map(|m| m.number).collect();
    let before = meeting_rows::tables(group.before, &keep)?;
    let after = meeting_rows::tables(Some(group.after), &keep)?;
    diff::write(tx, &before, &after)?;
    Ok(version)
}

/// The group's own row, with the guard: it is written always, since its version rises.
fn write_own_row(tx: &Connection, derivation: &str, group: &GroupCommit<'_>) -> Result<i64, Fault> {
    const NEW: &str = "INSERT INTO groups \
        (id, name, live, spec, next_meeting, last_slot, version, next_due_at, derivation) \
        VALUES (:id, :name, :live, :spec, :next_meeting, :last_slot, :version, :due, :derivation)";
    const SAME: &str = "UPDATE groups SET name = :name, live = :live, spec = :spec, next_meeting = :next_meeting, \
        last_slot = :last_slot, version = :version, next_due_at = :due, derivation = :derivation, \
        last_error = NULL, error_at = NULL, failures = 0 WHERE id = :id";
    let after = group.after;
    let found = first(tx, "SELECT version FROM groups WHERE id = ?", [after.id.as_str()], |r| r.int("version"))?;
    if found != group.version {
        return Err(Fault::Conflict { group: after.id.clone(), expected: group.version, found });
    }
    let version = found.unwrap_or(0) + 1;
    let sql = if found.is_some() { SAME } else { NEW };
    let row = named_params! {
        ":id": after.id.as_str(), ":name": after.spec.name, ":live": after.live, ":spec": json(&after.spec)?,
        ":next_meeting": after.next_meeting, ":last_slot": after.last_slot.map(wall), ":version": version,
        ":due": group.next_due.map(utc), ":derivation": derivation,
    };
    run(tx, sql, row)?;
    Ok(version)
}

/// Puts a mail into the outbox, unless its draft is there already; older unsent mails of its lane
/// are superseded, those in flight are left alone.
fn queue(tx: &Connection, mail: &NewMail, at: DateTime<Utc>, done: &mut Committed) -> Result<(), Fault> {
    let draft = &mail.draft;
    let key = draft.key.to_string();
    if first(tx, "SELECT id FROM outbox WHERE draft_key = ?", [&key], |r| r.int("id"))?.is_some() {
        done.kept.push(key);
        return Ok(());
    }
    insert(tx, mail, &key, at)?;
    let id = tx.last_insert_rowid();
    run(
        tx,
        "INSERT INTO outbox_bytes (outbox, bytes, plain, draft) VALUES (?1, seal(?5, 'sent/' || ?1, ?2), \
         seal(?6, 'plain/' || ?1, ?3), seal(?6, 'draft/' || ?1, ?4))",
        params![id, mail.bytes, mail.plain, json(draft)?, sealed::mail_scope(at), sealed::draft_scope(draft, at)],
    )?;
    done.queued.push(id);
    let about = About::draft(draft, &key);
    let text = format!("{} decided for {}, due {}", draft.key.kind, draft.key.member, utc(draft.due));
    journal::write(tx, at, &about, &text)?;
    supersede(tx, draft, id, at, done)
}

fn insert(tx: &Connection, mail: &NewMail, key: &str, at: DateTime<Utc>) -> Result<(), Fault> {
    const SQL: &str = "INSERT INTO outbox (draft_id, draft_key, group_id, meeting, kind, step, member, lane, subject, \
        message_id, envelope_to, question, urgent, decided_at, due_at, useful_until, when_late, state, next_attempt_at, receipt) \
        VALUES (:draft_id, :draft_key, :group, :meeting, :kind, :step, :member, :lane, :subject, \
        :message_id, :to, :question, :urgent, :at, :due, :until, :late, 'queued', :due, :receipt)";
    let draft = &mail.draft;
    let row = named_params! {
        ":draft_id": mail.draft_id, ":draft_key": key, ":group": draft.key.group.as_str(),
        ":meeting": draft.key.meeting.map(|m| m.0), ":kind": draft.key.kind.name(), ":step": draft.key.step,
        ":member": draft.key.member.as_str(), ":lane": draft.lane.0, ":subject": mail.subject,
        ":message_id": mail.message_id, ":to": mail.envelope_to.as_str(),
        ":question": draft.question.map(|q| q.name()), ":urgent": draft.urgent, ":at": utc(at),
        ":due": utc(draft.due), ":until": utc(draft.useful_until), ":late": word(&draft.when_late)?,
        ":receipt": receipt(&draft.facts),
    };
    run(tx, SQL, row).map(|_| ())
}

/// Which receipt it is: caps count some of them.
fn receipt(facts: &Facts) -> Option<String> {
    let value = serde_json::to_value(facts).ok()?;
    Some(value.get("receipt")?.as_str()?.to_owned())
}

pub(super) const OLDER_IN_LANE: &str = "SELECT id, draft_key FROM outbox INDEXED BY outbox_lane \
    WHERE state = 'queued' AND group_id = ? AND member = ? AND lane = ? AND id < ?";

fn supersede(tx: &Connection, draft: &Draft, id: i64, at: DateTime<Utc>, done: &mut Committed) -> Result<(), Fault> {
    let receiver = params![draft.key.group.as_str(), draft.key.member.as_str(), draft.lane.0, id];
    let older = super::cells::all(tx, OLDER_IN_LANE, receiver, |r| Ok((r.int("id")?, r.text("draft_key")?)))?;
    for (old, old_key) in older {
        run(tx, "UPDATE outbox SET state = 'superseded', superseded_by = ? WHERE id = ?", params![id, old])?;
        let text = format!("not sent: the newer {} says it too", draft.key.kind);
        journal::write(tx, at, &About::draft(draft, &old_key), &text)?;
        done.superseded.push(old);
    }
    Ok(())
}

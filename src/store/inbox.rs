//! All that comes in, one kind of row: a mail, an order, the fate of a mail of ours.

use super::arriving::arrived;
use super::cells::{Read, all, first, json, run, utc, word};
use super::commit::InboxDone;
use super::error::Fault;
use super::{Reader, Store, StoreError};
use crate::core::proof::Proof;
use crate::core::{GroupId, MemberId, Outcome};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, named_params, params, params_from_iter};
use serde::{Deserialize, Serialize};

/// What came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboxKind {
    /// A mail, as it came.
    Mail,
    /// An order from the command line, as JSON.
    Order,
    /// The fate of a mail of ours, as JSON of [`Outcome`].
    Outcome,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboxState {
    /// Not looked at.
    New,
    /// It changed something, or was a person's word taken.
    Done,
    /// The sender was asked something back.
    Asked,
    /// Kept, without effect: auto-replies, lists, our own mail.
    Recorded,
    /// Can't be read: for a person to look at.
    Quarantined,
    /// Understood, and not done.
    Refused,
}

/// A mail handed in by a transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Where it was taken from: `imap INBOX 4711`, `lmtp`, `maildir NAME`.
    pub place: String,
    /// Without angle brackets, if it has one.
    pub message_id: Option<String>,
    /// SHA-256 of the bytes in hex.
    pub hash: String,
    /// The mail as it came.
    pub bytes: Vec<u8>,
    /// When it reached us.
    pub received_at: DateTime<Utc>,
    /// The From address as written, if there is one.
    pub from: Option<String>,
    /// What was found out about the sender.
    pub proof: Option<Proof>,
}

/// What became of a mail handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// A new row of that number.
    New(i64),
    /// The very same bytes came before, as that row.
    Duplicate(i64),
}

/// A row of the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRow {
    /// Its number.
    pub id: i64,
    /// What it is.
    pub kind: InboxKind,
    /// Where it was taken from.
    pub place: String,
    /// Without angle brackets.
    pub message_id: Option<String>,
    /// When it reached us.
    pub received_at: DateTime<Utc>,
    /// The From address as written.
    pub from: Option<String>,
    /// What was found out about the sender when it arrived.
    pub proof: Option<Proof>,
    /// The group it is for, once known.
    pub group: Option<GroupId>,
    /// The member it is from, once known.
    pub member: Option<MemberId>,
    /// The mail of ours it answers, or whose fate it tells.
    pub draft_key: Option<String>,
    /// Where it stands.
    pub state: InboxState,
    /// Why.
    pub reason: Option<String>,
    /// When it was dealt with.
    pub done_at: Option<DateTime<Utc>>,
    /// What whoever waits for an order is told.
    pub result: Option<String>,
    /// How often somebody began to read it and came to no end.
    pub tries: u32,
    /// The mail; JSON of an order or outcome. Empty in lists, and once it was old enough to be emptied.
    pub bytes: Vec<u8>,
}

impl InboxRow {
    /// The fate it tells, for rows of kind outcome.
    pub fn outcome(&self) -> Option<Outcome> {
        (self.kind == InboxKind::Outcome).then(|| serde_json::from_slice(&self.bytes).ok()).flatten()
    }
}

impl Store {
    /// Takes mails in. They are on disk when this returns: only then may the sender be told so.
    /// The same bytes make one row however often they come; another mail with the same Message-ID
    /// is a row of its own, quarantined: two mails may not act under one name.
    ///
    /// # Errors
    /// Nothing was taken: [`StoreError::is_temporary`] says whether it may be tried again.
    pub fn receive(&mut self, mails: &[Received]) -> Result<Vec<Taken>, StoreError> {
        let taken = self.write("take mail in", |tx, _| mails.iter().map(|mail| take(tx, mail)).collect())?;
        self.arriving.retain(|hash, _| mails.iter().all(|mail| mail.hash != *hash));
        Ok(taken)
    }

    /// Takes a mail in and sets it aside for a person, in one: no moment lies between in which it could be read.
    ///
    /// # Errors
    /// Nothing was taken then.
    pub fn receive_aside(&mut self, mail: &Received, reason: &str) -> Result<Taken, StoreError> {
        let taken = self.write("set a mail aside", |tx, _| {
            let taken = take(tx, mail)?;
            if let Taken::New(id) = taken {
                let reason = Some(reason.to_owned());
                let state = InboxState::Quarantined;
                let result = reason.clone();
                let row = InboxDone { id, state, reason, group: None, member: None, draft_key: None, result };
                done(tx, &row, mail.received_at)?;
            }
            Ok(taken)
        })?;
        self.arriving.remove(&mail.hash);
        Ok(taken)
    }

    /// Takes an order in, as JSON; its number is what the command waits for.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn order(&mut self, order: &str, at: DateTime<Utc>) -> Result<i64, StoreError> {
        self.write("take an order in", |tx, _| {
            let sql = "INSERT INTO inbox (kind, place, received_at, state) VALUES ('order', 'command line', ?, 'new')";
            run(tx, sql, [utc(at)])?;
            with_bytes(tx, order.as_bytes(), at)
        })
    }

    /// Somebody begins to read this row: on disk before the first of its bytes is looked at.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn begin_reading(&mut self, id: i64) -> Result<(), StoreError> {
        let sql = "UPDATE inbox SET tries = tries + 1 WHERE id = ?";
        self.write("note that a mail is being read", |tx, _| run(tx, sql, [id]).map(drop))
    }

    /// Reading it came to an end, whatever came of it; nothing is written where the row is done.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn end_reading(&mut self, id: i64) -> Result<(), StoreError> {
        let waits = "SELECT id FROM inbox WHERE id = ? AND state = 'new'";
        if self.look("look into the inbox", |conn| first(conn, waits, [id], |r| r.int("id")))?.is_none() {
            return Ok(());
        }
        self.write("note that a mail was read", |tx, _| {
            run(tx, "UPDATE inbox SET tries = 0 WHERE id = ?", [id]).map(drop)
        })
    }
}

impl Reader {
    /// The oldest rows that nobody looked at, with their bytes.
    ///
    /// # Errors
    /// SQLite's own, and values edited by hand that make no sense.
    pub fn next_inbox(&self, limit: u32) -> Result<Vec<InboxRow>, StoreError> {
        self.look("look into the inbox", |conn| all(conn, NEXT, [limit], read_row))
    }

    /// One row, with its bytes.
    ///
    /// # Errors
    /// As [`Self::next_inbox`].
    pub fn inbox_row(&self, id: i64) -> Result<Option<InboxRow>, StoreError> {
        let sql = "SELECT i.*, unseal('received/' || i.id, b.bytes) AS bytes FROM inbox i \
            JOIN inbox_bytes b ON b.inbox = i.id WHERE i.id = ?";
        self.look("look into the inbox", |conn| first(conn, sql, [id], read_row))
    }

    /// Rows in these states (none: in any), newest last, without their bytes; the newest `limit`.
    ///
    /// # Errors
    /// As [`Self::next_inbox`].
    pub fn inbox_list(&self, states: &[InboxState], limit: u32) -> Result<Vec<InboxRow>, StoreError> {
        self.look("list the inbox", |conn| {
            let words = states.iter().map(word).collect::<Result<Vec<_>, _>>()?;
            let some = format!("state IN ({})", vec!["?"; words.len()].join(", "));
            let which = if words.is_empty() { "1" } else { &some };
            let sql = format!("SELECT *, NULL AS bytes FROM inbox WHERE {which} ORDER BY id DESC LIMIT {limit}");
            let mut rows = all(conn, &sql, params_from_iter(words), read_row)?;
            rows.reverse();
            Ok(rows)
        })
    }

    /// Rows with that Message-ID, given without angle brackets, oldest first, without their bytes.
    ///
    /// # Errors
    /// As [`Self::next_inbox`].
    pub fn inbox_by_message_id(&self, message_id: &str) -> Result<Vec<InboxRow>, StoreError> {
        let sql = "SELECT *, NULL AS bytes FROM inbox WHERE message_id = ? ORDER BY id";
        self.look("look into the inbox", |conn| all(conn, sql, [message_id], read_row))
    }
}

pub(super) const NEXT: &str = "SELECT i.*, unseal('received/' || i.id, b.bytes) AS bytes FROM inbox i JOIN inbox_bytes b ON b.inbox = i.id \
    WHERE i.state = 'new' ORDER BY i.id LIMIT ?";

fn take(tx: &Connection, mail: &Received) -> Result<Taken, Fault> {
    arrived(tx, &mail.hash)?;
    if let Some(id) = first(tx, "SELECT id FROM inbox WHERE hash = ?", [&mail.hash], |r| r.int("id"))? {
        return Ok(Taken::Duplicate(id));
    }
    let sql = "SELECT id FROM inbox WHERE message_id = ? AND kind = 'mail' ORDER BY id LIMIT 1";
    let twin = first(tx, sql, [&mail.message_id], |r| r.int("id"))?;
    let reason = twin.map(|id| format!("the Message-ID of mail {id} with other bytes: kept for a person to compare"));
    let state = if reason.is_some() { InboxState::Quarantined } else { InboxState::New };
    let at = utc(mail.received_at);
    let done = reason.as_ref().map(|_| at.clone());
    let sql = "INSERT INTO inbox (kind, place, message_id, hash, received_at, from_address, proof, state, reason, done_at) \
        VALUES ('mail', ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let proof = mail.proof.as_ref().map(json).transpose()?;
    let values = params![mail.place, mail.message_id, mail.hash, at, mail.from, proof, word(&state)?, reason, done];
    run(tx, sql, values)?;
    with_bytes(tx, &mail.bytes, mail.received_at).map(Taken::New)
}

/// The bytes of the row just written; its number.
fn with_bytes(tx: &Connection, bytes: &[u8], at: DateTime<Utc>) -> Result<i64, Fault> {
    let id = tx.last_insert_rowid();
    let sql = "INSERT INTO inbox_bytes (inbox, bytes) VALUES (?1, seal(?3, 'received/' || ?1, ?2))";
    run(tx, sql, params![id, bytes, super::sealed::mail_scope(at)])?;
    Ok(id)
}

/// Writes the fate of a mail of ours, for the core to hear of.
pub(super) fn outcome(
    tx: &Connection,
    (group, member, key): (&GroupId, &MemberId, &str),
    outcome: &Outcome,
    at: DateTime<Utc>,
) -> Result<(), Fault> {
    let sql = "INSERT INTO inbox (kind, place, received_at, group_id, member, draft_key, state) \
        VALUES ('outcome', 'outbox', ?, ?, ?, ?, 'new')";
    run(tx, sql, params![utc(at), group.as_str(), member.as_str(), key])?;
    with_bytes(tx, json(outcome)?.as_bytes(), at).map(|_| ())
}

/// Marks a row as dealt with; one that is done already is not done twice.
pub(super) fn done(tx: &Connection, row: &InboxDone, at: DateTime<Utc>) -> Result<(), Fault> {
    let sql = "UPDATE inbox SET state = :state, reason = :reason, done_at = :at, result = :result, \
        group_id = coalesce(:group, group_id), member = coalesce(:member, member), \
        draft_key = coalesce(:draft, draft_key) WHERE id = :id AND state <> 'done'";
    let values = named_params! {
        ":state": word(&row.state)?, ":reason": row.reason, ":at": utc(at), ":result": row.result,
        ":group": row.group.as_ref().map(GroupId::as_str), ":member": row.member.as_ref().map(MemberId::as_str),
        ":draft": row.draft_key, ":id": row.id,
    };
    if run(tx, sql, values)? == 1 {
        return Ok(());
    }
    let found = first(tx, "SELECT state FROM inbox WHERE id = ?", [row.id], |r| r.text("state"))?;
    let found = found.unwrap_or_else(|| "not there".to_owned());
    Err(Fault::State { what: format!("inbox row {}", row.id), found, expected: "one that is not done" })
}

fn read_row(r: &Read<'_>) -> Result<InboxRow, Fault> {
    Ok(InboxRow {
        id: r.int("id")?,
        kind: r.word("kind")?,
        place: r.text("place")?,
        message_id: r.opt_text("message_id")?,
        received_at: r.time("received_at")?,
        from: r.opt_text("from_address")?,
        proof: r.opt_text("proof")?.and_then(|text| serde_json::from_str(&text).ok()),
        group: r.opt_parsed("group_id")?,
        member: r.opt_parsed("member")?,
        draft_key: r.opt_text("draft_key")?,
        state: r.word("state")?,
        reason: r.opt_text("reason")?,
        done_at: r.opt_time("done_at")?,
        result: r.opt_text("result")?,
        tries: r.small("tries")?,
        bytes: r.opt_blob("bytes")?.unwrap_or_default(),
    })
}

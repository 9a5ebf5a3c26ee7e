//! Mails of which nobody knows whether they left: in doubt, or waiting after a restore. The Sent folder may tell.

use super::cells::{Read, all, first, run, utc};
use super::error::Fault;
use super::mails::MailState;
use super::outbox::{Row, again, in_doubt_for_good, sent};
use super::{Reader, Store, StoreError};
use chrono::{DateTime, Utc};
use rusqlite::params;
use serde::{Deserialize, Serialize};

/// A mail that may have left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Its number in the outbox.
    pub id: i64,
    /// Without angle brackets.
    pub message_id: String,
    /// When its final dot went.
    pub since: DateTime<Utc>,
    /// Until when the Sent folder is asked.
    pub until: DateTime<Utc>,
    /// How often it was not in there.
    pub looks: u32,
}

/// A mail that surely left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Without angle brackets.
    pub message_id: String,
    /// When the server took it.
    pub at: DateTime<Utc>,
}

/// What the Sent folder told of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It holds it.
    Left,
    /// It holds what left later, and not this.
    NotLeft,
    /// It can't tell: the draft's own rule decides.
    Unknown,
}

/// A restored file, and what the Sent folder told of the mails that wait in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// When it was restored.
    pub at: DateTime<Utc>,
    /// What was seen; nothing yet, or it could not be asked.
    pub seen: Option<SeenSent>,
}

/// What was seen of the Sent folder after a restore.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenSent {
    /// There is one.
    pub folder: bool,
    /// It holds mails of ours that surely left: what it does not hold did not leave.
    pub filled: bool,
    /// Mails that were looked for.
    pub asked: u32,
    /// Mails that were found, and are marked as sent.
    pub found: u32,
}

fn doubt(r: &Read<'_>) -> Result<Doubt, Fault> {
    let until = r.time("doubt_until")?;
    Ok(Doubt {
        id: r.int("id")?,
        message_id: r.text("message_id")?,
        since: r.opt_time("dot_at")?.unwrap_or(until),
        until,
        looks: r.small("doubt_looks")?,
    })
}

impl Reader {
    /// Mails in doubt that the Sent folder may still tell of.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn doubts(&self) -> Result<Vec<Doubt>, StoreError> {
        self.look("look for mails in doubt", |conn| {
            let sql = "SELECT * FROM outbox WHERE state = 'in_doubt' AND doubt_until IS NOT NULL ORDER BY id";
            all(conn, sql, [], doubt)
        })
    }

    /// The newest mails that surely left after a time.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn known_sent(&self, since: DateTime<Utc>, most: u32) -> Result<Vec<Known>, StoreError> {
        self.look("look for mails that left", |conn| {
            let sql = "SELECT message_id, sent_at FROM outbox WHERE state = 'sent' AND sent_at > ? \
                AND coalesce(last_reply, '') NOT LIKE 'found in %' ORDER BY sent_at DESC LIMIT ?";
            let row = |r: &Read<'_>| Ok(Known { message_id: r.text("message_id")?, at: r.time("sent_at")? });
            all(conn, sql, params![utc(since), most], row)
        })
    }

    /// Mails that wait, by number and Message-ID.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn waiting(&self) -> Result<Vec<(i64, String)>, StoreError> {
        self.look("look for mails that wait", |conn| {
            let sql = "SELECT id, message_id FROM outbox WHERE state = 'queued' ORDER BY id";
            all(conn, sql, [], |r| Ok((r.int("id")?, r.text("message_id")?)))
        })
    }

    /// Whether the file was restored and mail not let go since.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn restored(&self) -> Result<Option<Restored>, StoreError> {
        self.look("look whether the file was restored", |conn| {
            let row = |r: &Read<'_>| Ok((r.opt_time("restored_at")?, r.opt_text("sent_folder")?));
            let found = first(conn, "SELECT restored_at, sent_folder FROM instance", [], row)?;
            let Some((Some(at), seen)) = found else { return Ok(None) };
            Ok(Some(Restored { at, seen: seen.and_then(|text| serde_json::from_str(&text).ok()) }))
        })
    }
}

impl Store {
    /// From now on mails in doubt are looked for in the Sent folder before the core hears of them: `for_so_long`, or
    /// not at all.
    pub fn asks_sent(&mut self, for_so_long: Option<chrono::Duration>) {
        self.doubt_for = for_so_long;
    }

    /// What became of a mail in doubt.
    ///
    /// # Errors
    /// SQLite's own. A mail that is not in doubt any more is left alone.
    pub fn settle_doubt(&mut self, id: i64, verdict: Verdict, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.write("note what became of a mail in doubt", |tx, _| {
            let row = Row::one(tx, id)?;
            if row.state != MailState::InDoubt {
                return Ok(());
            }
            run(tx, "UPDATE outbox SET doubt_until = NULL WHERE id = ?", [id])?;
            match verdict {
                Verdict::Left => sent(tx, &row, "found in the Sent folder", now),
                Verdict::NotLeft => {
                    row.story(tx, now, "it did not leave: the Sent folder holds later mails and not this one")?;
                    again(tx, &row, Some(now), now)
                }
                Verdict::Unknown => in_doubt_for_good(tx, &row, now),
            }
        })
    }

    /// The Sent folder did not hold these mails in doubt.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn not_in_sent(&mut self, ids: &[i64]) -> Result<(), StoreError> {
        self.write("count a look into the Sent folder", |tx, _| {
            for id in ids {
                run(tx, "UPDATE outbox SET doubt_looks = doubt_looks + 1 WHERE id = ?", [id])?;
            }
            Ok(())
        })
    }

    /// The file was restored: mail is held, and what waits is looked for in the Sent folder.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn restored_from(&mut self, what: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.hold(&format!("restored from {what}"), now)?;
        self.write("note the restore", |tx, _| {
            run(tx, "UPDATE instance SET restored_at = ?, sent_folder = NULL, clock_at = NULL", [utc(now)]).map(|_| ())
        })
    }

    /// Mails that wait after a restore and that the Sent folder holds are sent; what was seen is kept for `status`.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn reconcile(&mut self, found: &[i64], seen: &SeenSent, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.write("note what the Sent folder holds", |tx, _| {
            for id in found {
                let row = Row::one(tx, *id)?;
                if row.state == MailState::Queued {
                    sent(tx, &row, "found in the Sent folder after the restore", now)?;
                }
            }
            let json = serde_json::to_string(seen).map_err(|e| Fault::State {
                what: "what was seen of the Sent folder".to_owned(),
                found: e.to_string(),
                expected: "JSON",
            })?;
            run(tx, "UPDATE instance SET sent_folder = ?", [json]).map(|_| ())
        })
    }
}

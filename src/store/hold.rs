//! The hold on the outbox: mails are decided and kept, and none leaves until the operator lets them.

use super::cells::{first, run, utc};
use super::error::Fault;
use super::journal::{self, About};
use super::{Reader, Store, StoreError};
use crate::core::GroupId;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use serde::Serialize;

/// Mail is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Since when.
    pub at: DateTime<Utc>,
    /// Why, in a sentence.
    pub why: String,
}

impl Store {
    /// No mail leaves from now on. A hold that is there already keeps its reason.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn hold(&mut self, why: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.write("hold all mail", |tx, _| {
            let new =
                run(tx, "UPDATE instance SET held_at = ?, held_why = ? WHERE held_at IS NULL", params![utc(now), why])?;
            if new == 1 {
                journal::write(tx, now, &About::default(), &format!("all mail is held: {why}"))?;
            }
            Ok(())
        })
    }

    /// Mail leaves again. `None` when it was not held.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn release(&mut self, now: DateTime<Utc>) -> Result<Option<Held>, StoreError> {
        self.write("let mail go", |tx, _| {
            let held = held(tx)?;
            if held.is_some() {
                run(tx, "UPDATE instance SET held_at = NULL, held_why = NULL, restored_at = NULL", [])?;
                journal::write(tx, now, &About::default(), "mail leaves again: released by the operator")?;
            }
            Ok(held)
        })
    }
}

impl Store {
    /// A group went live: previews that wait are of no use any more. Says how many.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn drop_previews(&mut self, group: &GroupId, now: DateTime<Utc>) -> Result<usize, StoreError> {
        self.write("drop previews", |tx, _| {
            let sql =
                "UPDATE outbox SET state = 'dropped' WHERE state = 'queued' AND group_id = ? AND lane LIKE 'preview/%'";
            let dropped = run(tx, sql, [group.as_str()])?;
            if dropped > 0 {
                let about = About { group: Some(group), ..About::default() };
                journal::write(
                    tx,
                    now,
                    &about,
                    &format!("{dropped} previews that waited are dropped: the group is live"),
                )?;
            }
            Ok(dropped)
        })
    }
}

impl Reader {
    /// When mails were sent since then, oldest first; looked for among the `at_most` newest that were sent, so
    /// that a start takes no longer when the file is old.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn sent_since(&self, then: DateTime<Utc>, at_most: u32) -> Result<Vec<DateTime<Utc>>, StoreError> {
        self.look("count the mails that were sent", |conn| {
            let mut sent = super::cells::all(conn, NEWEST_SENT, [at_most], |r| r.opt_time("sent_at"))?;
            sent.retain(|at| at.is_some_and(|at| at > then));
            sent.sort();
            Ok(sent.into_iter().flatten().collect())
        })
    }

    /// Whether mail is held.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn held(&self) -> Result<Option<Held>, StoreError> {
        self.look("look whether mail is held", held)
    }
}

pub(super) const NEWEST_SENT: &str = "SELECT sent_at FROM outbox WHERE state = 'sent' ORDER BY id DESC LIMIT ?";

pub(super) fn held(conn: &Connection) -> Result<Option<Held>, Fault> {
    let row = |r: &super::cells::Read<'_>| Ok((r.opt_time("held_at")?, r.opt_text("held_why")?));
    let found = first(conn, "SELECT held_at, held_why FROM instance", [], row)?;
    Ok(found.and_then(|(at, why)| Some(Held { at: at?, why: why.unwrap_or_default() })))
}

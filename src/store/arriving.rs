//! Mails on their way in: known by their hash before any of them is read, so that one that ends the process is known
//! by that afterwards. With its row in the inbox, a mail's line here goes.

use super::cells::{first, run, utc};
use super::error::Fault;
use super::{Store, StoreError};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

impl Store {
    /// Somebody begins to read a mail that has no row yet: on disk when this returns. Says how many processes began it
    /// and came to no row. This one counts once, however often the disk refuses the row.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn begin_arriving(&mut self, hash: &str, at: DateTime<Utc>) -> Result<u32, StoreError> {
        if let Some(before) = self.arriving.get(hash) {
            return Ok(*before);
        }
        let before = self.write("note that a mail arrives", |tx, _| {
            let sql = "SELECT tries FROM arriving WHERE hash = ?";
            let before = first(tx, sql, [hash], |r| r.small("tries"))?.unwrap_or(0);
            let sql = "INSERT INTO arriving VALUES (?1, 1, ?2) ON CONFLICT (hash) DO UPDATE SET tries = tries + 1";
            run(tx, sql, params![hash, utc(at)])?;
            Ok(before)
        })?;
        self.arriving.insert(hash.to_owned(), before);
        Ok(before)
    }

    /// This process ends as it was asked to: what it began and left is held against no mail.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn leave_arriving(&mut self) -> Result<(), StoreError> {
        let begun: Vec<String> = self.arriving.keys().cloned().collect();
        self.take_back(&begun)
    }

    /// This mail could not be taken in, and the process lives: that is held against the mail no more than a stop is.
    ///
    /// # Errors
    /// SQLite's own; [`Self::leave_arriving`] tries it again.
    pub fn leave_one_arriving(&mut self, hash: &str) -> Result<(), StoreError> {
        if self.arriving.contains_key(hash) { self.take_back(&[hash.to_owned()]) } else { Ok(()) }
    }

    /// How many processes began the mail that is likeliest to have ended them, and came to no end with it.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn most_tries(&self) -> Result<u32, StoreError> {
        let sql = "SELECT max(tries) AS tries FROM \
            (SELECT tries FROM arriving UNION ALL SELECT tries FROM inbox WHERE state = 'new' UNION ALL SELECT 0)";
        let tries = self.look("look for mails that were begun", |conn| first(conn, sql, [], |r| r.small("tries")))?;
        Ok(tries.unwrap_or_default())
    }

    fn take_back(&mut self, begun: &[String]) -> Result<(), StoreError> {
        if begun.is_empty() {
            return Ok(());
        }
        self.write("note that no mail arrives", |tx, _| {
            for hash in begun {
                run(tx, "UPDATE arriving SET tries = tries - 1 WHERE hash = ?", [hash])?;
            }
            run(tx, "DELETE FROM arriving WHERE tries <= 0", []).map(drop)
        })?;
        // what could not be written is still known, for the next attempt
        self.arriving.retain(|hash, _| !begun.contains(hash));
        Ok(())
    }
}

/// It has its row.
pub(super) fn arrived(tx: &Connection, hash: &str) -> Result<(), Fault> {
    run(tx, "DELETE FROM arriving WHERE hash = ?", [hash]).map(drop)
}

/// What is gone from its mailbox comes no more.
pub(super) fn forget(tx: &Connection, before: &str) -> Result<(), Fault> {
    run(tx, "DELETE FROM arriving WHERE since < ?", [before]).map(drop)
}

//! Looking after the file: groups set aside, groups removed, backups, checks.

use super::cells::{all, run, utc};
use super::error::{Fault, sql};
use super::journal::{self, About};
use super::read::LastLoaded;
use super::sealed::KEYS_OF_GROUP;
use super::{Reader, Store, StoreError};
use crate::core::GroupId;
use chrono::{DateTime, Utc};
use rusqlite::{OpenFlags, params};
use std::path::Path;

impl Store {
    /// Deciding for a group failed: it is looked at again at `retry`, and nothing else waits for it.
    /// Its next good commit clears the error.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn set_aside(
        &mut self,
        group: &GroupId,
        error: &str,
        retry: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.write("set a group aside", |tx, _| {
            let sql = "UPDATE groups SET last_error = ?1, error_at = ?2, failures = failures + 1, \
                next_due_at = max(coalesce(next_due_at, ?3), ?3) WHERE id = ?4";
            run(tx, sql, params![error, utc(at), utc(retry), group.as_str()])?;
            let about = About { group: Some(group), ..About::default() };
            journal::write(tx, at, &about, &format!("set aside until {}: {error}", utc(retry)))
        })
    }

    /// Removes a group with all its people, their words and the keys of these; mails that wait are dropped.
    /// That something was sent, and the story, stay until they are old.
    ///
    /// # Errors
    /// SQLite's own. `false` when there is no such group.
    pub fn remove_group(&mut self, group: &GroupId, at: DateTime<Utc>) -> Result<bool, StoreError> {
        let seals = self.inner.seals.clone();
        let removed = self.write("remove a group", |tx, _| {
            let there = run(tx, "DELETE FROM groups WHERE id = ?", [group.as_str()])? == 1;
            let sql = "UPDATE outbox SET state = 'dropped' WHERE state = 'queued' AND group_id = ?";
            let dropped = run(tx, sql, [group.as_str()])?;
            // nobody answers them any more; what is in flight is cleaned up later
            let sql = "DELETE FROM outbox_bytes WHERE outbox IN \
                (SELECT id FROM outbox WHERE group_id = ? AND state <> 'sending')";
            run(tx, sql, [group.as_str()])?;
            seals.keys().retire(KEYS_OF_GROUP, group.as_str())?;
            if there {
                let about = About { group: Some(group), ..About::default() };
                journal::write(tx, at, &about, &format!("group removed; {dropped} mails that waited are dropped"))?;
            }
            Ok(there)
        })?;
        self.throw_keys_away(group)?;
        Ok(removed)
    }
}

impl Store {
    /// A new file with all that another one holds, brought to the newest schema: what a backup made by an older program
    /// needs. The other one is only read.
    ///
    /// # Errors
    /// What [`Store::open`] says, a file that is no database, a target that is there already or can't be written.
    pub fn copied(from: &Path, to: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let (source, seals) = super::connect(from, flags, false)?;
        // the version first: what is no database says so before anything is written
        super::migrate::version(&source).map_err(super::open_error(from))?;
        super::make(to)?;
        Reader { conn: source, file: from.to_owned(), seals, last: LastLoaded::default() }.backup(to)?;
        Self::open(to)
    }
}

impl Reader {
    /// Copies the keys beside a copy of the database, which is made first: so every key it needs is there. `false`
    /// when nothing was sealed yet.
    ///
    /// # Errors
    /// The target can't be written.
    pub fn backup_keys(&self, copy: impl AsRef<Path>) -> Result<bool, StoreError> {
        let to = super::keys::path(copy.as_ref());
        self.seals.keys().backup(&to).map_err(|fault| fault.at(&to, "write the keys' backup"))
    }

    /// Copies the whole file, consistent, while others write.
    ///
    /// # Errors
    /// The target can't be written.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<(), StoreError> {
        let to = to.as_ref();
        let written = self.conn.backup("main", to, None::<fn(rusqlite::backup::Progress)>);
        written.map_err(|source| sql(to, "write the backup", source))
    }

    /// What SQLite finds wrong in the file; empty when all is well. Slow on large files: not at start.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn quick_check(&self) -> Result<Vec<String>, StoreError> {
        self.look("check the file", |conn| {
            let mut found = all(conn, "PRAGMA quick_check", [], |r| r.text("quick_check"))?;
            found.retain(|line| line != "ok");
            let broken = |r: &super::cells::Read<'_>| -> Result<String, Fault> {
                Ok(format!("a row of {} refers to a missing row of {}", r.text("table")?, r.text("parent")?))
            };
            found.extend(all(conn, "PRAGMA foreign_key_check", [], broken)?);
            Ok(found)
        })
    }
}

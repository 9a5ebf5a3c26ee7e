//! What is wrong and whether the operator was told, for the daemon after a restart and for `codevd status`.

use super::cells::{Read, all, first, run, utc};
use super::error::Fault;
use super::{Reader, Store, StoreError};
use chrono::{DateTime, Utc};
use rusqlite::params;
use serde::Serialize;

/// Something that is wrong, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// Its word: `held`, `mailbox`, …
    pub topic: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it was seen last.
    pub seen: DateTime<Utc>,
    /// What was found, on one line.
    pub what: String,
    /// Another one: there is something new to tell.
    pub mark: String,
    /// All is well again.
    pub over: bool,
    /// When the operator was told last.
    pub told_at: Option<DateTime<Utc>>,
    /// What was new then.
    pub told_mark: Option<String>,
}

impl Reader {
    /// All of them.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn alarms(&self) -> Result<Vec<Alarm>, StoreError> {
        self.look("look for what is wrong", |conn| {
            all(conn, "SELECT * FROM alarms ORDER BY topic", [], |r: &Read<'_>| {
                Ok(Alarm {
                    topic: r.text("topic")?,
                    since: r.time("since_at")?,
                    seen: r.time("seen_at")?,
                    what: r.text("what")?,
                    mark: r.text("mark")?,
                    over: r.flag("over")?,
                    told_at: r.opt_time("told_at")?,
                    told_mark: r.opt_text("told_mark")?,
                })
            })
        })
    }

    /// Whether a session is underway.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn is_live(&self) -> Result<bool, StoreError> {
        let sql = "SELECT 1 AS one FROM meetings INDEXED BY meetings_running WHERE stage = 'running' LIMIT 1";
        self.look("look for a session", |conn| Ok(first(conn, sql, [], |r| r.int("one"))?.is_some()))
    }
}

impl Store {
    /// Writes all of them anew.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn keep_alarms<'a>(&mut self, alarms: impl IntoIterator<Item = &'a Alarm>) -> Result<(), StoreError> {
        self.write("note what is wrong", |tx, _| {
            run(tx, "DELETE FROM alarms", [])?;
            alarms.into_iter().try_for_each(|a| -> Result<(), Fault> {
                let sql = "INSERT INTO alarms VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
                let (since, seen, told) = (utc(a.since), utc(a.seen), a.told_at.map(utc));
                let values = params![a.topic, since, seen, a.what, a.mark, a.over, told, a.told_mark];
                run(tx, sql, values).map(|_| ())
            })
        })
    }
}

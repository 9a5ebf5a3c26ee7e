//! What the daemon's tasks found wrong with what they are plugged into, for whoever tells the operator.

use super::ports::Shared;
use crate::store::StoreError;
use crate::transport::TransportError;
use chrono::{DateTime, Duration, Utc};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a task is plugged into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The mailbox can't be reached.
    Mailbox,
    /// The mailbox's server refuses user or password.
    MailboxLogin,
    /// The server for mail out can't be reached.
    Server,
    /// It refuses user or password.
    ServerLogin,
    /// It lets us in and takes no mail.
    Outbox,
    /// It refuses our own address as the sender's.
    Address,
    /// The database can't be written.
    Disk,
    /// Its file system takes no writes.
    ReadOnly,
    /// Whoever decides can't go on, by what the database holds or a fault of the program.
    Deciding,
    /// The same of whoever sends.
    Sending,
    /// The same of whoever takes mail in.
    Receiving,
    /// There was no group here yet, and mail waits to be taken in.
    NoGroup,
}

/// Since when, and what was found last.
pub type Wrong = (DateTime<Utc>, String);

/// Looks that lie further apart: the machine slept, or the clock jumped.
const GAP: Duration = Duration::minutes(15);

/// Shared among the tasks.
#[derive(Debug, Clone, Default)]
pub struct Health {
    parts: Arc<Mutex<BTreeMap<Part, Wrong>>>,
    /// Since when mail could leave as far as is known, and when that was looked at last.
    free: Arc<Mutex<Option<(DateTime<Utc>, DateTime<Utc>)>>>,
}

impl Health {
    fn parts(&self) -> MutexGuard<'_, BTreeMap<Part, Wrong>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since when this process is awake and nothing that is known keeps mail back; asked at each look.
    pub fn free_since(&self, kept_back: bool, now: DateTime<Utc>) -> DateTime<Utc> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let since = match *free {
            Some((since, last)) if !kept_back && last <= now && now - last <= GAP => since,
            _ => now,
        };
        *free = Some((since, now));
        since
    }

    /// It does not work.
    pub fn wrong(&self, part: Part, what: impl Into<String>, now: DateTime<Utc>) {
        self.parts().entry(part).or_insert_with(|| (now, String::new())).1 = what.into();
    }

    /// It works.
    pub fn well(&self, parts: &[Part]) {
        self.parts().retain(|part, _| !parts.contains(part));
    }

    /// What the mailbox said.
    pub fn mailbox(&self, error: &TransportError, now: DateTime<Utc>) {
        let part = match error {
            TransportError::Refused { doing: "logging in", .. } => Part::MailboxLogin,
            _ => Part::Mailbox,
        };
        self.wrong(part, error.to_string(), now);
    }

    /// What the store said to that task: trouble of the disk, which is the same for all, or of its own rows.
    pub fn store(&self, task: Part, error: &StoreError, now: DateTime<Utc>) {
        if !error.is_temporary() {
            let what = match error {
                // what was found may be somebody's words
                StoreError::Value { doing, place, expected, .. } => {
                    format!("could not {doing}: {place} does not hold {expected}")
                }
                _ => error.to_string(),
            };
            return self.wrong(task, what, now);
        }
        let (part, other) = match error.is_read_only() {
            true => (Part::ReadOnly, Part::Disk),
            false => (Part::Disk, Part::ReadOnly),
        };
        self.well(&[other]);
        self.wrong(part, error.to_string(), now);
    }

    /// Where the disk failed: whether it takes anything again. A step that went well may have written nothing.
    pub fn prove_disk(&self, store: &Shared, now: DateTime<Utc>) {
        const DISK: [Part; 2] = [Part::Disk, Part::ReadOnly];
        if !DISK.iter().any(|part| self.all().contains_key(part)) {
            return;
        }
        let proved = store.get().prove();
        match proved {
            Ok(()) => self.well(&DISK),
            Err(error) if error.is_temporary() => self.store(Part::Disk, &error, now),
            Err(error) => self.wrong(Part::Disk, error.to_string(), now),
        }
    }

    /// All that does not work.
    pub fn all(&self) -> BTreeMap<Part, Wrong> {
        self.parts().clone()
    }
}

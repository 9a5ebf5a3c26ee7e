//! What the daemon's tasks found wrong with what they are plugged into, for whoever tells the operator.

use super::ports::Shared;
use crate::transport::TransportError;
use chrono::{DateTime, Utc};
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
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Mailbox, Self::MailboxLogin, Self::Server, Self::ServerLogin, Self::Outbox, Self::Address, Self::Disk];
}

/// Since when, and what was found last.
pub type Wrong = (DateTime<Utc>, String);

/// Shared among the tasks.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<Part, Wrong>>>);

impl Health {
    fn parts(&self) -> MutexGuard<'_, BTreeMap<Part, Wrong>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Where the disk failed: whether it takes anything again. A step that went well may have written nothing.
    pub fn prove_disk(&self, store: &Shared, now: DateTime<Utc>) {
        if !self.all().contains_key(&Part::Disk) {
            return;
        }
        match store.get().prove() {
            Ok(()) => self.well(&[Part::Disk]),
            Err(error) => self.wrong(Part::Disk, error.to_string(), now),
        }
    }

    /// All that does not work.
    pub fn all(&self) -> BTreeMap<Part, Wrong> {
        self.parts().clone()
    }
}

//! Rows of the inbox, beside what is decided on them: begun on disk before they are read, and closed.

use super::ports::Shared;
use crate::core::{GroupId, MemberId};
use crate::store::{Commit, InboxDone, InboxRow, InboxState, Store, StoreError};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

/// A mail that so often was begun and came to no end ended the daemon: it is read no more. Twice may be chance where a
/// daemon is killed over and over; five times, each within the moment that reading takes, is none.
pub(super) const MOST_TRIES: u32 = 5;

/// The rows begun by this process: it is alive, so they are no reason why one ended.
#[derive(Debug, Default)]
pub(super) struct Begun(BTreeSet<i64>);

impl Begun {
    /// A mail is to be read, and the disk knows it first: one that ends the process is known by that afterwards.
    /// Says why it is not to be read, where that happened too often.
    pub(super) fn begin(&mut self, store: &Shared, row: &InboxRow) -> Result<Option<String>, StoreError> {
        if self.0.contains(&row.id) {
            return Ok(None);
        }
        if row.tries >= MOST_TRIES {
            let tries = row.tries;
            tracing::error!(inbox = row.id, tries, "the daemon ended each time it read this mail: it is set aside");
            return Ok(Some(format!("the daemon ended {tries} times while it read this; it is kept as it came")));
        }
        store.get().begin_reading(row.id)?;
        self.0.insert(row.id);
        crash_point!("engine.reading");
        Ok(None)
    }

    /// Reading came to an end. A row that waits (a disk that is full, a group set aside) was read well; where not even
    /// that can be written, this process remembers it.
    pub(super) fn end(&mut self, store: &Shared, id: i64) {
        if store.get().end_reading(id).is_ok() {
            self.0.remove(&id);
        }
    }
}

/// Writes what became of a row on which nothing is decided.
pub(super) fn close(
    store: &mut Store,
    id: i64,
    state: InboxState,
    reason: String,
    group: Option<GroupId>,
    member: Option<MemberId>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let result = Some(reason.clone());
    let inbox = InboxDone { id, state, reason: Some(reason), group, member, draft_key: None, result };
    let commit = Commit { group: None, mails: Vec::new(), journal: Vec::new(), at: now, inbox: Some(inbox) };
    store.commit(commit).map(|_| ())
}

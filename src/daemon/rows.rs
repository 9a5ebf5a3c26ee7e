//! Rows of the inbox, beside what is decided on them: begun on disk before they are read, and closed.

use super::ports::Shared;
use crate::core::{GroupId, MemberId};
use crate::store::{Commit, InboxDone, InboxRow, InboxState, Store, StoreError};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::watch;

/// A mail that so often was begun and came to no end ended the daemon: it is read no more. Twice may be chance where a
/// daemon is killed over and over; five times, each within the moment that reading takes, is none.
pub(super) const MOST_TRIES: u32 = 5;

/// How long a daemon waits before it reads again what was begun once, twice, … and came to no end: whoever kills it
/// every few seconds never gets a mail blamed for it, and a mail that does end it is known after eight seconds.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// Lets that time pass before the first mail is taken in or read; `false` when asked to stop meanwhile.
pub(super) async fn calm(store: &Shared, stopping: &mut watch::Receiver<bool>) -> bool {
    // what the disk does not tell now is told by the first step
    let tries = store.get().most_tries().unwrap_or_default();
    let pause = pause(tries);
    if !pause.is_zero() {
        tracing::warn!(tries, ?pause, "the daemon ended while it read a mail: it waits before it reads it again");
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stopping.wait_for(|s| *s) => {}
        }
    }
    !*stopping.borrow()
}

fn pause(tries: u32) -> Duration {
    (tries as usize).checked_sub(1).and_then(|n| PAUSES.get(n)).copied().unwrap_or_default()
}

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_begun_and_not_ended_is_left_alone_for_longer_each_time() {
        let waited = (0..=MOST_TRIES).map(|tries| pause(tries).as_millis()).collect::<Vec<_>>();
        assert_eq!(waited, [0, 500, 1000, 2000, 4000, 0]);
    }

    #[tokio::test]
    async fn it_waits_while_nobody_asks_it_to_stop() {
        let folder = tempfile::tempdir().unwrap();
        let store = crate::daemon::shared(Store::open(folder.path().join("codevd.db")).unwrap());
        let (stopper, mut stopping) = watch::channel(false);
        assert!(calm(&store, &mut stopping).await);
        store.get().begin_arriving("hash", DateTime::UNIX_EPOCH).unwrap();
        let mut waits = std::pin::pin!(calm(&store, &mut stopping));
        // not done by the time that everything else was done
        assert!(tokio::time::timeout(Duration::ZERO, &mut waits).await.is_err());
        stopper.send(true).unwrap();
        assert!(!waits.await);
    }
}

//! Once a day: what was kept long enough goes, and its keys with it.

use super::ports::{Clock, Shared};
use super::run::rest;
use crate::store::StoreError;
use chrono::{DateTime, Duration, Months, Utc};
use tokio::sync::{Notify, watch};

/// How long what people write is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Days for which the bytes of mails stay.
    pub mails_days: u32,
    /// Months for which the words of a meeting stay.
    pub words_months: u32,
}

/// Between two times; a start is not slowed down by it.
const DAY: Duration = Duration::hours(24);
const AFTER_START: Duration = Duration::minutes(10);

impl Keep {
    /// Empties what is older, by a clock that can be believed.
    ///
    /// # Errors
    /// The store's.
    pub fn clean(self, store: &Shared, now: DateTime<Utc>) -> Result<(), StoreError> {
        let clock = store.get().see_clock(now)?;
        if let Some(from) = clock.jumped_from(now) {
            let until = clock.steady_from();
            tracing::error!(%from, %now, %until, "the clock went ahead, or nothing ran: until then, what is deleted by its age was old enough before");
        }
        let Some(believed) = clock.believed(now) else { return Ok(()) };
        let mails = believed - Duration::days(self.mails_days.into());
        let words = believed.checked_sub_months(Months::new(self.words_months)).unwrap_or(mails);
        let emptied = store.get().clean(mails, words.min(mails), now)?;
        store.get().remove_old_copies(believed);
        if emptied != crate::store::Emptied::default() {
            let crate::store::Emptied { mails, meetings, keys } = emptied;
            tracing::info!(mails, meetings, keys, "what was kept long enough is deleted, and its keys thrown away");
        }
        Ok(())
    }
}

/// Cleans every day, by the wall clock: a machine that sleeps at night does it when it wakes.
pub(super) async fn keeping<C: Clock>(store: Shared, clock: C, keep: Keep, mut stopping: watch::Receiver<bool>) {
    let nobody = Notify::new();
    let mut next = clock.now() + AFTER_START;
    loop {
        if rest(&mut stopping, &nobody, std::time::Duration::from_secs(30)).await {
            return;
        }
        let now = clock.now();
        // a clock that went back waits for no day of before
        next = next.min(now + DAY);
        if now < next {
            continue;
        }
        next = now + DAY;
        if let Err(error) = keep.clean(&store, now) {
            tracing::error!(%error, "what was kept long enough could not be deleted; it is tried again in an hour");
            next = now + Duration::hours(1);
        }
    }
}

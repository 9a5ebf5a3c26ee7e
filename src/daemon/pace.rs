//! How fast the account may send: so many mails a minute, an hour and a day, over all its connections together.

use chrono::{DateTime, Duration, Utc};
use std::collections::VecDeque;

/// How fast the account may send.
#[derive(Debug, Default)]
pub struct Pace {
    /// At most so many within so long, each.
    limits: Vec<(Duration, u32)>,
    sent: VecDeque<DateTime<Utc>>,
    /// Claims or endings are not known to be on disk (disk full): those mails are looked after first.
    pub(super) unsettled: bool,
}

impl Pace {
    /// At most so many in any minute; live prompts are never held back.
    pub fn per_minute(limit: u32) -> Self {
        Self { limits: vec![(Duration::minutes(1), limit.max(1))], ..Self::default() }
    }

    /// And at most so many in that time, where there is such a limit.
    #[must_use]
    pub fn and(mut self, time: Duration, limit: Option<u32>) -> Self {
        self.limits.extend(limit.map(|limit| (time, limit.max(1))));
        self
    }

    /// What left before, oldest first: a restart begins no new day.
    pub fn remember(&mut self, sent: Vec<DateTime<Utc>>) {
        self.sent = sent.into();
    }

    /// How many may go now, beside those underway.
    pub(super) fn room(&mut self, now: DateTime<Utc>, underway: usize) -> u32 {
        self.forget(now);
        let left = |(time, limit): &(Duration, u32)| limit.saturating_sub(small(self.used(now, *time) + underway));
        self.limits.iter().map(left).min().unwrap_or(u32::MAX)
    }

    /// When there is room again; now where there is.
    pub(super) fn free_at(&mut self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.forget(now);
        let free = |(time, limit): &(Duration, u32)| {
            let used = self.used(now, *time);
            let over = used.checked_sub(usize::try_from(*limit).unwrap_or(usize::MAX))?;
            // so many of the newest have to grow old
            self.sent.get(self.sent.len() - used + over).map(|sent| *sent + *time)
        };
        self.limits.iter().filter_map(free).max().unwrap_or(now).max(now)
    }

    pub(super) fn note(&mut self, now: DateTime<Utc>) {
        if !self.limits.is_empty() {
            self.sent.push_back(now);
        }
    }

    fn used(&self, now: DateTime<Utc>, time: Duration) -> usize {
        self.sent.iter().rev().take_while(|t| **t > now - time).count()
    }

    /// What is older than the longest limit counts no more, nor what a clock that went back sent later than now.
    fn forget(&mut self, now: DateTime<Utc>) {
        let longest = self.limits.iter().map(|(time, _)| *time).max().unwrap_or(Duration::zero());
        while self.sent.front().is_some_and(|t| *t <= now - longest || *t > now) {
            self.sent.pop_front();
        }
    }
}

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_of_the_hour_and_the_day_holds_though_the_minute_is_free_and_outlives_a_restart() {
        let at = |minutes| DateTime::<Utc>::UNIX_EPOCH + Duration::minutes(minutes);
        let new = || Pace::per_minute(5).and(Duration::hours(1), Some(6)).and(Duration::days(1), Some(9));
        let mut pace = new();
        let send = |pace: &mut Pace, minutes, n: u32| {
            (0..n).for_each(|_| pace.note(at(minutes)));
            pace.room(at(minutes), 0)
        };
        assert_eq!(send(&mut pace, 0, 5), 0);
        assert_eq!(pace.free_at(at(0)), at(1));
        assert_eq!(send(&mut pace, 2, 0), 1);
        assert_eq!(pace.room(at(2), 1), 0, "one is underway");
        assert_eq!((send(&mut pace, 2, 1), pace.free_at(at(2))), (0, at(60)));
        assert_eq!(send(&mut pace, 61, 0), 3);
        assert_eq!(send(&mut pace, 63, 3), 0);
        assert_eq!((send(&mut pace, 200, 0), pace.free_at(at(200))), (0, at(24 * 60)));
        let mut again = new();
        again.remember(pace.sent.iter().copied().collect());
        assert_eq!(again.room(at(200), 0), 0);
        assert_eq!(again.room(at(24 * 60 + 1), 0), 5);
        assert_eq!(Pace::default().room(at(0), 3), u32::MAX);
        assert_eq!(Pace::default().free_at(at(7)), at(7));
    }
}

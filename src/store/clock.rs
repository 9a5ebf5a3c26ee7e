//! What was seen of the wall clock, in the file itself: a clock that is set a year ahead would delete a year's mails.
//!
//! A jump ahead and a machine that was off for as long look the same from here, and no other clock survives a restart.
//! So nobody is asked: after either, nothing is deleted before the clock has gone on for a week. What is kept a week
//! longer does no harm; what is deleted does not come back. Where each look lies over a week after the one before (a
//! round a month, or a quarter), that week would never come: what was old enough at the look before may go, if that one
//! was not reached by a jump itself, and what was old enough two looks before may go in any case. One or two looks at a
//! wrong clock so delete nothing that is not old enough.

use super::cells::{first, run, utc};
use super::error::Fault;
use super::{Reader, Store, StoreError};
use chrono::{DateTime, Duration, Utc};
use rusqlite::{Connection, params};

/// A step ahead that is longer is a jump; so long nothing is deleted after one. It is looked at once a day.
const WEEK: Duration = Duration::days(7);
/// Longest time between two rounds of a machine that runs one a month, one of them missed.
const ROUND: Duration = Duration::days(62);
/// A step that is longer proves nothing of the one before.
const LONGEST_ROUND: Duration = Duration::days(400);
/// Steps back of less are a clock's usual corrections.
const BACK: Duration = Duration::hours(1);
/// The longest wait that a mail's next attempt is ever given, and the longest of a live prompt's.
pub const LONGEST_WAIT: Duration = Duration::hours(6);
const LONGEST_OF_PROMPTS: Duration = Duration::seconds(10);

/// What was seen of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockSeen {
    /// When it was looked at last.
    pub at: DateTime<Utc>,
    /// Since when it goes on without a jump.
    pub since: DateTime<Utc>,
    /// Where it stood before that jump, if it went ahead: at the look before.
    pub from: Option<DateTime<Utc>>,
    /// Where the jump before that one led to, while neither is believed.
    pub before: Option<DateTime<Utc>>,
}

impl ClockSeen {
    fn first(now: DateTime<Utc>) -> Self {
        Self { at: now, since: now, from: None, before: None }
    }

    fn next(self, now: DateTime<Utc>) -> Self {
        if now - self.at > WEEK {
            return self.ahead(now);
        }
        if now < self.at - BACK { Self::first(now) } else { Self { at: now, ..self } }
    }

    /// Where it stood before is believed, unless it came there by a jump itself, or nothing is known of how it came
    /// there: then what was believed at that one is, or where that one led to, if this is the third step in a row.
    fn ahead(self, now: DateTime<Utc>) -> Self {
        let unsteady = self.at < self.steady_from();
        if !(unsteady && self.from.is_none_or(|from| self.since - from > ROUND)) {
            return Self { from: Some(self.at), ..Self::first(now) };
        }
        let proven =
            self.before.filter(|before| now - self.at <= LONGEST_ROUND && self.since - *before <= LONGEST_ROUND);
        Self { from: proven.or(self.from), before: Some(self.since), ..Self::first(now) }
    }

    /// From when on things may be deleted by it.
    pub fn steady_from(&self) -> DateTime<Utc> {
        self.since + WEEK
    }

    /// The time by which things may be deleted now.
    pub fn believed(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if now >= self.steady_from() { Some(now) } else { self.from }
    }

    /// Where it stood before it went ahead, while it is not steady again.
    pub fn jumped_from(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.from.filter(|_| now < self.steady_from())
    }
}

impl Store {
    /// Looks at the clock: what is known of it from now on.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn see_clock(&mut self, now: DateTime<Utc>) -> Result<ClockSeen, StoreError> {
        self.write("note what the clock says", |tx, _| {
            let seen = seen(tx)?.map_or_else(|| ClockSeen::first(now), |known| known.next(now));
            let sql = "UPDATE instance SET clock_at = ?, clock_since = ?, clock_from = ?, clock_before = ?";
            run(tx, sql, params![utc(seen.at), utc(seen.since), seen.from.map(utc), seen.before.map(utc)])?;
            Ok(seen)
        })
    }

    /// The clock went back: what an hour that is not yet had put off is waited for no longer than it ever would be.
    /// A start does the same.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn clock_went_back(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let doubt_for = self.doubt_for;
        self.write("bring dates back to the clock", |tx, _| bring_back(tx, doubt_for, now))
    }
}

pub(super) const WAITS_TOO_LONG: &str = "UPDATE outbox INDEXED BY outbox_next SET next_attempt_at = ?1 \
    WHERE state = 'queued' AND urgent = ?2 AND next_attempt_at > ?1 AND next_attempt_at > due_at";

pub(super) const ASIDE_TOO_LONG: &str = "UPDATE groups INDEXED BY groups_failing SET next_due_at = ?1, error_at = ?1 \
    WHERE last_error IS NOT NULL AND error_at > ?1 AND next_due_at > ?1";

/// Brings back attempts, questions to the Sent folder and groups set aside that are dated too far ahead. Mails that were
/// decided by the wrong clock and never tried stay as they are: they are about that time.
pub(super) fn bring_back(tx: &Connection, doubt_for: Option<Duration>, now: DateTime<Utc>) -> Result<(), Fault> {
    for (urgent, wait) in [(true, LONGEST_OF_PROMPTS), (false, LONGEST_WAIT)] {
        run(tx, WAITS_TOO_LONG, params![utc(now + wait), urgent])?;
    }
    let sql =
        "UPDATE outbox INDEXED BY outbox_state SET doubt_until = ?1 WHERE state = 'in_doubt' AND doubt_until > ?1";
    run(tx, sql, [utc(now + doubt_for.unwrap_or_default())])?;
    run(tx, ASIDE_TOO_LONG, [utc(now)]).map(drop)
}

impl Reader {
    /// What was seen of the clock.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn clock_seen(&self) -> Result<Option<ClockSeen>, StoreError> {
        self.look("look what was seen of the clock", seen)
    }
}

fn seen(conn: &Connection) -> Result<Option<ClockSeen>, Fault> {
    let row = |r: &super::cells::Read<'_>| {
        let at = (r.opt_time("clock_at")?, r.opt_time("clock_since")?);
        Ok((at, r.opt_time("clock_from")?, r.opt_time("clock_before")?))
    };
    let found = first(conn, "SELECT clock_at, clock_since, clock_from, clock_before FROM instance", [], row)?;
    Ok(found.and_then(|((at, since), from, before)| Some(ClockSeen { at: at?, since: since?, from, before })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::days(n)
    }

    #[test]
    fn a_clock_is_steady_a_week_after_its_last_jump_either_way() {
        let on = |seen: ClockSeen, days: std::ops::Range<i64>| days.fold(seen, |seen, n| seen.next(day(n)));
        let seen = on(ClockSeen::first(day(0)), 1..30);
        assert_eq!((seen.steady_from(), seen.jumped_from(day(30))), (day(7), None));
        let ahead = seen.next(day(800));
        assert_eq!((ahead.steady_from(), ahead.jumped_from(day(800))), (day(807), Some(day(29))));
        let right = ahead.next(day(31));
        assert_eq!((right.steady_from(), right.jumped_from(day(31))), (day(38), None));
        // it was right after all: off for two years
        let on = on(ahead, 801..808);
        assert_eq!((on.steady_from(), on.jumped_from(day(807))), (day(807), None));
        // what is believed after a jump is the look before it
        assert_eq!((seen.believed(day(29)), ahead.believed(day(806))), (Some(day(29)), Some(day(29))));
        assert_eq!((right.believed(day(31)), ahead.believed(day(807))), (None, Some(day(807))));
        // the first of two wrong steps is believed no more than the second
        let twice = ahead.next(day(810));
        assert_eq!(
            (twice.believed(day(810)), twice.next(day(1600)).believed(day(1600))),
            (Some(day(29)), Some(day(29)))
        );
        // off for two years, and a round a month since: the third of them shows that the first was right
        let (second, third) = (ahead.next(day(830)), ahead.next(day(830)).next(day(860)));
        assert_eq!((second.believed(day(830)), third.believed(day(860))), (Some(day(29)), Some(day(800))));
        assert_eq!(third.next(day(890)).believed(day(890)), Some(day(860)));
        // a second of correction is no jump
        assert_eq!(seen.next(day(29) - Duration::seconds(1)).since, seen.since);
    }

    /// What is believed at each look, by the days of the looks.
    fn believed(looks: &[i64]) -> Vec<Option<DateTime<Utc>>> {
        let mut seen = None;
        let at = looks.iter().map(|n| {
            let next = seen.map_or_else(|| ClockSeen::first(day(*n)), |known: ClockSeen| known.next(day(*n)));
            seen = Some(next);
            next.believed(day(*n))
        });
        at.collect()
    }

    #[test]
    fn rounds_of_any_length_are_believed_in_the_end() {
        for (apart, late) in [(1, 0), (8, 1), (30, 1), (31, 1), (62, 2), (91, 2), (365, 2)] {
            let looks: Vec<_> = (0..30).map(|n| n * apart).collect();
            let last = believed(&looks)[29];
            assert_eq!(last, Some(day((29 - late) * apart)), "every {apart} days");
        }
    }

    #[test]
    fn one_or_two_looks_at_a_wrong_clock_are_never_believed() {
        const STEPS: [i64; 6] = [1, 8, 30, 61, 91, 200];
        let mut cases = 0;
        for code in 0..STEPS.len().pow(5) {
            let steps = (0..5).map(|n| STEPS[code / STEPS.len().pow(n) % STEPS.len()]);
            let right: Vec<i64> = std::iter::once(0)
                .chain(steps.scan(0, |at, s| {
                    *at += s;
                    Some(*at)
                }))
                .collect();
            for (wrong, long) in (0..right.len()).flat_map(|n| [(n, 1), (n, 2)]) {
                for ahead in [70, 100, 400, 750] {
                    let shown = right.iter().enumerate();
                    let shown = shown.map(|(n, d)| d + if (wrong..wrong + long).contains(&n) { ahead } else { 0 });
                    let shown: Vec<_> = shown.collect();
                    for (n, by) in believed(&shown).into_iter().enumerate() {
                        assert!(by.is_none_or(|by| by <= day(right[n])), "{right:?} shown as {shown:?}: {by:?}");
                        cases += 1;
                    }
                }
            }
        }
        assert!(cases > 1_000_000, "{cases}");
    }
}

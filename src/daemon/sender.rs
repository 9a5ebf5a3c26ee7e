//! The sender's step: mails that are due go out, each attempt written before the dial and settled after it.

use super::compose::Sender;
use super::ports::{Outgoing, Shared};
use crate::core::WhenLate;
use crate::store::{Claimed, Settled, StoreError};
use crate::transport::{Delivery, Envelope, Lasting, Phase};
use chrono::{DateTime, Duration, Utc};
use std::collections::VecDeque;

/// Mails claimed at a time: few, so that a live prompt never waits behind a long list.
const CLAIM: u32 = 8;
/// After so many tries a mail that is still refused for the time being is given up.
const GIVE_UP: u32 = 40;

/// How fast the account may send.
#[derive(Debug, Default)]
pub struct Pace {
    /// At most so many within so long, each.
    limits: Vec<(Duration, u32)>,
    sent: VecDeque<DateTime<Utc>>,
    /// A step ended before all it had claimed was settled (disk full): those are looked after first.
    unsettled: bool,
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

    /// How many may go now.
    fn room(&mut self, now: DateTime<Utc>) -> u32 {
        let longest = self.limits.iter().map(|(time, _)| *time).max().unwrap_or(Duration::zero());
        while self.sent.front().is_some_and(|t| *t <= now - longest || *t > now) {
            self.sent.pop_front();
        }
        let used = |time| self.sent.iter().rev().take_while(|t| **t > now - time).count();
        let left =
            |(time, limit): &(Duration, u32)| limit.saturating_sub(u32::try_from(used(*time)).unwrap_or(u32::MAX));
        self.limits.iter().map(left).min().unwrap_or(CLAIM).min(CLAIM)
    }

    fn note(&mut self, now: DateTime<Utc>) {
        if !self.limits.is_empty() {
            self.sent.push_back(now);
        }
    }
}

/// What a step did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct SenderStep {
    /// Mails handed over.
    pub sent: u32,
    /// Mails that will be tried again.
    pub later: u32,
    /// Mails refused for good or in doubt.
    pub lost: u32,
}

/// The wait after the n-th attempt, from 1: short for live prompts, growing for the rest, and not
/// the same for all so that a server that comes back is not met by a crowd.
fn wait(urgent: bool, attempt: u32, spread: i64) -> Duration {
    if urgent {
        return Duration::seconds(10);
    }
    const MINUTES: [i64; 8] = [1, 2, 5, 15, 30, 60, 120, 240];
    let step = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX).min(MINUTES.len() - 1);
    Duration::seconds(MINUTES[step] * 60 + spread.rem_euclid(30) * MINUTES[step])
}

/// The wait while the server can't be reached at all: nobody is spared by waiting for hours, and what
/// is useful should go soon after it is back.
fn wait_for_server(urgent: bool, attempt: u32) -> Duration {
    wait(urgent, attempt, 0).min(Duration::minutes(10))
}

/// Sends what is due. A server that can't be reached is tried with one mail, not with each.
///
/// # Errors
/// The store's own; what a server says is settled in the outbox.
pub async fn sender_step<O: Outgoing>(
    store: &Shared,
    out: &mut O,
    pace: &mut Pace,
    from: &Sender,
    now: impl Fn() -> DateTime<Utc> + Sync,
) -> Result<SenderStep, StoreError> {
    let mut step = SenderStep::default();
    if pace.unsettled {
        store.get().recover(now())?;
        pace.unsettled = false;
    }
    loop {
        // a full minute holds back everything but live prompts
        let (room, ahead) = (pace.room(now()), |attempt| wait(false, attempt, 0));
        let claimed = match room {
            0 => store.get().claim_urgent(now(), CLAIM, ahead)?,
            _ => store.get().claim(now(), room, ahead)?,
        };
        if claimed.is_empty() {
            return Ok(step);
        }
        pace.unsettled = true;
        crash_point!("sender.claimed");
        let mut away: Option<String> = None;
        for mail in claimed {
            let settled = match &away {
                Some(cause) => {
                    Settled::Retry { at: now() + wait_for_server(mail.urgent, mail.attempt), reply: cause.clone() }
                }
                None => one(store, out, &mail, from, &now, &mut away).await,
            };
            match settled {
                Settled::Sent { .. } => step.sent += 1,
                Settled::Retry { .. } => step.later += 1,
                Settled::Refused { .. } | Settled::InDoubt { .. } => step.lost += 1,
            }
            crash_point!("sender.handed_over");
            store.get().settle(mail.id, &settled, now())?;
            crash_point!("sender.settled");
            pace.note(now());
        }
        pace.unsettled = false;
        if away.is_some() {
            return Ok(step);
        }
    }
}

async fn one<O: Outgoing>(
    store: &Shared,
    out: &mut O,
    mail: &Claimed,
    from: &Sender,
    now: &(impl Fn() -> DateTime<Utc> + Sync),
    away: &mut Option<String>,
) -> Settled {
    let envelope = match Envelope::new(from.return_path(&mail.message_id), mail.envelope_to.as_str()) {
        Ok(envelope) => envelope,
        Err(error) => return Settled::Refused { reply: error.to_string() },
    };
    // it became late between claim and dial, or while the server took its time: the next claim drops it
    let late = |at| at > mail.useful_until && mail.when_late != WhenLate::Send;
    if late(now()) {
        return Settled::Retry { at: now(), reply: "late before the dial".to_owned() };
    }
    let marking = store.clone();
    let id = mail.id;
    let mut before_dot = move || {
        let at = now();
        if late(at) {
            return Err("late before the final dot".to_owned());
        }
        // a mail whose dot is not on disk would be sent again after a crash: it is kept back
        let noted = marking.get().mark_dot(id, at);
        noted.map_err(|error| format!("the final dot could not be noted: {error}"))
    };
    let delivery = out.send(&envelope, &mail.bytes, &mut before_dot).await;
    if let Delivery::Unreached { phase: Phase::Connect | Phase::Greeting | Phase::Tls | Phase::Auth, cause } = &delivery
    {
        *away = Some(format!("the server could not be reached: {cause}"));
    }
    settled(delivery, mail, now())
}

/// What a delivery means for the outbox row.
fn settled(delivery: Delivery, mail: &Claimed, now: DateTime<Utc>) -> Settled {
    let later = |reply: String| {
        if mail.attempt >= GIVE_UP {
            return Settled::Refused { reply: format!("given up after {} attempts: {reply}", mail.attempt) };
        }
        Settled::Retry { at: now + wait(mail.urgent, mail.attempt, mail.id * 7), reply }
    };
    match delivery {
        Delivery::Accepted { reply } => Settled::Sent { reply },
        Delivery::Refused { lasting: Lasting::Permanent, reply, .. } => Settled::Refused { reply },
        Delivery::Refused { lasting: Lasting::Temporary, reply, .. } => later(reply),
        // never given up: what is of no use any more is dropped by its own time
        Delivery::Unreached { phase, cause } => {
            let reply = format!("while {}: {cause}", phase.doing());
            Settled::Retry { at: now + wait_for_server(mail.urgent, mail.attempt), reply }
        }
        Delivery::InDoubt { cause } => Settled::InDoubt { cause },
    }
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
            pace.room(at(minutes))
        };
        assert_eq!(send(&mut pace, 0, 5), 0);
        assert_eq!(send(&mut pace, 2, 0), 1);
        assert_eq!(send(&mut pace, 2, 1), 0);
        assert_eq!(send(&mut pace, 61, 0), 3);
        assert_eq!(send(&mut pace, 63, 3), 0);
        assert_eq!(send(&mut pace, 200, 0), 0);
        let mut again = new();
        again.remember(pace.sent.iter().copied().collect());
        assert_eq!(again.room(at(200)), 0);
        assert_eq!(again.room(at(24 * 60 + 1)), 5);
        assert_eq!(Pace::default().room(at(0)), CLAIM);
    }
}

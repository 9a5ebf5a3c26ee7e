//! The sender: mails that are due go out over a few connections at once, each attempt written before the dial and
//! settled after it, so that a server which takes ten minutes over one mail holds up no other.

use super::compose::Sender;
pub use super::pace::Pace;
use super::ports::{Clock, Outgoing, Shared};
use super::trouble::Part;
use crate::core::WhenLate;
use crate::core::reach::Trouble;
use crate::mail::BounceClass;
use crate::mail::bounce::{of_the_address, of_words};
use crate::store::{Claimed, Settled, StoreError};
use crate::transport::{Delivery, EnhancedCode, Envelope, Lasting, NOT_SENT, Phase};
use chrono::{DateTime, Duration, Utc};
use std::pin::Pin;
use std::task::Poll;

/// After so many tries a mail that is still refused for the time being is given up.
const GIVE_UP: u32 = 40;
/// A server that takes no further connection is asked for fewer, so long.
const FEWER: Duration = Duration::minutes(10);

/// A server that is not known to let us in is tried with one mail for so long, not with each.
const TRIAL: Duration = Duration::seconds(5);

/// What the sender did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct SenderStep {
    /// Mails handed over.
    pub sent: u32,
    /// Mails that will be tried again.
    pub later: u32,
    /// Mails refused for good or in doubt.
    pub lost: u32,
}

impl SenderStep {
    fn count(&mut self, settled: &Settled) {
        match settled {
            Settled::Sent { .. } => self.sent += 1,
            Settled::Retry { .. } => self.later += 1,
            Settled::Refused { .. } | Settled::InDoubt { .. } => self.lost += 1,
        }
    }

    fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.later += other.later;
        self.lost += other.lost;
    }
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

/// One conversation, with the way out that it gives back.
type Talk<'a, O> = Pin<Box<dyn Future<Output = (O, Ended)> + Send + 'a>>;

struct Running<'a, O> {
    urgent: bool,
    id: i64,
    since: DateTime<Utc>,
    talk: Talk<'a, O>,
}

/// How a conversation ended.
struct Ended {
    mail: Claimed,
    settled: Settled,
    link: Link,
}

/// What a conversation showed of the server, whatever it thinks of the mail.
enum Link {
    /// It took the mail.
    Taken,
    /// It let us in; what it said or did was about this mail.
    Open,
    /// It let us in and did not take the mail, which it may take later.
    Deferred(Part, String),
    /// It could not be reached, or did not let us in.
    Shut(Part, String),
    /// Nothing was dialled.
    Untried,
}

/// Sends over some connections at once. Live prompts go first and find one connection that other mails never take;
/// mails to one person keep their order.
pub struct Crew<'a, O, C> {
    store: Shared,
    from: Sender,
    clock: C,
    pace: Pace,
    /// Ways out that are free; the last one was used last.
    idle: Vec<O>,
    running: Vec<Running<'a, O>>,
    /// Ended, and not on disk yet.
    unsettled: Vec<(i64, Settled)>,
    /// The last conversation that ended was let in.
    open: bool,
    /// Why it was not.
    shut: Option<(Part, String)>,
    /// Why it takes no mail though it lets us in; nothing was taken since.
    stuck: Option<(Part, String)>,
    /// So many at once until then.
    fewer: Option<(usize, DateTime<Utc>)>,
}

impl<'a, O: Outgoing + 'a, C: Clock + Clone + 'a> Crew<'a, O, C> {
    /// One connection for each way out. Nothing is dialled yet.
    pub fn new(store: Shared, from: Sender, pace: Pace, ways: Vec<O>, clock: C) -> Self {
        Self {
            store,
            from,
            clock,
            pace,
            idle: ways,
            running: Vec::new(),
            unsettled: Vec::new(),
            open: false,
            shut: None,
            stuck: None,
            fewer: None,
        }
    }

    /// The pace, with what left; whatever is underway is cut off.
    pub fn into_pace(mut self) -> Pace {
        self.pace.unsettled |= !self.unsettled.is_empty() || !self.running.is_empty();
        self.pace
    }

    /// What the server said last, or what failed, where it did not let us in.
    pub fn shut(&self) -> Option<(Part, String)> {
        self.shut.clone()
    }

    /// What the server says instead of taking mail, where it lets us in and took none since.
    pub fn stuck(&self) -> Option<(Part, String)> {
        self.stuck.clone()
    }

    /// Whether a conversation is underway.
    pub fn is_busy(&self) -> bool {
        !self.running.is_empty()
    }

    /// Begins to send what is due, as far as connections are free. Says how many.
    ///
    /// # Errors
    /// The store's own; then nothing was begun.
    pub fn start(&mut self) -> Result<usize, StoreError> {
        self.catch_up()?;
        let now = self.clock.now();
        let (all, others) = self.room(now);
        if all == 0 {
            return Ok(0);
        }
        self.pace.unsettled = true;
        let claimed = self.store.get().claim_some(now, (all, others), |attempt| wait(false, attempt, 0))?;
        self.pace.unsettled = false;
        let count = claimed.len();
        if count > 0 {
            crash_point!("sender.claimed");
        }
        for mail in claimed {
            let Some(out) = self.idle.pop() else { break };
            let (urgent, id) = (mail.urgent, mail.id);
            let talk = converse(out, mail, self.store.clone(), self.from.clone(), self.clock.clone());
            self.running.push(Running { urgent, id, since: now, talk: Box::pin(talk) });
        }
        Ok(count)
    }

    /// Waits for a conversation to end and writes down what became of its mail. Never ready while none is underway.
    /// May be cancelled: conversations go on with the next call.
    ///
    /// # Errors
    /// The store's own; it is written with the next [`Self::start`].
    pub async fn ended(&mut self) -> Result<SenderStep, StoreError> {
        let (out, ended) = std::future::poll_fn(|context| {
            for at in 0..self.running.len() {
                if let Poll::Ready(done) = self.running[at].talk.as_mut().poll(context) {
                    drop(self.running.remove(at));
                    return Poll::Ready(done);
                }
            }
            Poll::Pending
        })
        .await;
        let mut step = SenderStep::default();
        step.count(&ended.settled);
        self.settle(out, ended)?;
        Ok(step)
    }

    /// When [`Self::start`] would have something to do, if no conversation ends before.
    ///
    /// # Errors
    /// The store's own.
    pub fn next_start(&mut self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let now = self.clock.now();
        let (all, others) = self.room(now);
        if !self.unsettled.is_empty() || self.pace.unsettled {
            return Ok(Some(now));
        }
        if all == 0 {
            return Ok(None);
        }
        let (prompt, other) = self.store.get().next_sends()?;
        let free = self.pace.free_at(now);
        let other = match others {
            0 if free == now => other.and(self.trial(now)),
            _ => other.map(|at| at.max(free)),
        };
        Ok([prompt, other].into_iter().flatten().min())
    }

    /// Sends all that is due, and returns when nothing is underway any more.
    ///
    /// # Errors
    /// The store's own, once the conversations underway have ended.
    pub async fn all(&mut self) -> Result<SenderStep, StoreError> {
        let mut done = SenderStep::default();
        let mut failed = None;
        loop {
            if failed.is_none() {
                match self.start() {
                    // the server is away: what is due later is not waited for here
                    Ok(_) => {}
                    Err(error) => failed = Some(error),
                }
            }
            if !self.is_busy() {
                return failed.map_or(Ok(done), Err);
            }
            match self.ended().await {
                Ok(step) => done.add(&step),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
    }

    /// Lets the conversations underway end, and begins no other.
    ///
    /// # Errors
    /// The store's own.
    pub async fn finish(&mut self) -> Result<SenderStep, StoreError> {
        let mut done = SenderStep::default();
        while self.is_busy() {
            done.add(&self.ended().await?);
        }
        self.catch_up()?;
        Ok(done)
    }

    /// How many mails may be begun now, and how many of them need not be live prompts.
    fn room(&mut self, now: DateTime<Utc>) -> (u32, u32) {
        self.fewer = self.fewer.filter(|(_, until)| now < *until && *until <= now + FEWER);
        let ways = self.idle.len() + self.running.len();
        let most = self.fewer.map_or(ways, |(most, _)| most.min(ways));
        let all = most.saturating_sub(self.running.len()).min(self.idle.len());
        let busy = self.running.iter().filter(|r| !r.urgent).count();
        // one connection stays free for prompts
        let spared = if self.trial(now).is_some() { 1 } else { most.saturating_sub(1).max(1) };
        let others = small(spared.saturating_sub(busy)).min(self.pace.room(now, self.running.len()));
        (small(all), others.min(small(all)))
    }

    /// Until when the server is tried with one mail.
    fn trial(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let first = self.running.iter().filter(|r| !r.urgent).map(|r| r.since).min();
        let until = first.unwrap_or(now) + TRIAL;
        // a clock that went back ends it too
        (!self.open && now < until && until <= now + TRIAL).then_some(until)
    }

    /// Writes what could not be written before, and looks after mails whose claim is unclear.
    fn catch_up(&mut self) -> Result<(), StoreError> {
        while let Some((id, settled)) = self.unsettled.first() {
            let written = self.store.get().settle(*id, settled, self.clock.now());
            if let Err(error) = written {
                if error.is_temporary() {
                    return Err(error);
                }
                tracing::error!(mail = id, %error, "what became of a mail can't be written down");
            }
            self.unsettled.remove(0);
        }
        if self.pace.unsettled {
            let underway: Vec<i64> = self.running.iter().map(|r| r.id).collect();
            self.store.get().recover_but(&underway, self.clock.now())?;
            self.pace.unsettled = false;
        }
        Ok(())
    }

    fn settle(&mut self, out: O, ended: Ended) -> Result<(), StoreError> {
        let now = self.clock.now();
        let Ended { mail, mut settled, link } = ended;
        let mut away = None;
        match &link {
            Link::Taken => self.stuck = None,
            Link::Deferred(part, words) => self.stuck = Some((*part, words.clone())),
            Link::Open | Link::Shut(..) | Link::Untried => {}
        }
        match link {
            Link::Untried => self.idle.push(out),
            Link::Taken | Link::Open | Link::Deferred(..) => {
                self.open = true;
                self.shut = None;
                self.pace.note(now);
                self.idle.push(out);
            }
            // others are let in: it takes no more at once than those, and one of them takes this mail
            Link::Shut(_, cause) if self.is_busy() && (self.open || self.fewer.is_some()) => {
                self.open = false;
                self.pace.note(now);
                self.fewer = Some((self.running.len(), now + FEWER));
                settled = Settled::Retry { at: now + wait(true, mail.attempt, 0), reply: cause };
                self.idle.insert(0, out);
            }
            Link::Shut(part, cause) => {
                self.open = false;
                self.shut = Some((part, cause.clone()));
                self.pace.note(now);
                self.idle.insert(0, out);
                away = Some(format!("the server could not be reached: {cause}"));
            }
        }
        self.unsettled.push((mail.id, settled));
        crash_point!("sender.handed_over");
        self.catch_up()?;
        crash_point!("sender.settled");
        if let Some(cause) = away {
            let at = |urgent| now + wait_for_server(urgent, mail.attempt);
            self.store.get().put_off(now, at(true), at(false), &cause)?;
        }
        Ok(())
    }
}

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A clock that somebody tells.
struct Told<'a, F>(&'a F);

impl<F> Clone for Told<'_, F> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<F: Fn() -> DateTime<Utc> + Sync> Clock for Told<'_, F> {
    fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }
}

/// Sends what is due over these ways out, and returns when nothing is due any more.
///
/// # Errors
/// The store's own; what a server says is settled in the outbox.
pub async fn sender_step<O: Outgoing>(
    store: &Shared,
    ways: &mut [O],
    pace: &mut Pace,
    from: &Sender,
    now: impl Fn() -> DateTime<Utc> + Sync,
) -> Result<SenderStep, StoreError> {
    let ways = ways.iter_mut().collect();
    let mut crew = Crew::new(store.clone(), from.clone(), std::mem::take(pace), ways, Told(&now));
    let done = crew.all().await;
    *pace = crew.into_pace();
    done
}

/// Hands one mail over.
async fn converse<O: Outgoing>(
    mut out: O,
    mail: Claimed,
    store: Shared,
    from: Sender,
    clock: impl Clock,
) -> (O, Ended) {
    let untried = |mail, settled| Ended { mail, settled, link: Link::Untried };
    let envelope = match Envelope::new(from.return_path(&mail.message_id), mail.envelope_to.as_str()) {
        Ok(envelope) => envelope,
        Err(error) => return (out, untried(mail, Settled::Refused { reply: error.to_string(), trouble: None })),
    };
    // it became late between claim and dial, or while the server took its time: the next claim drops it
    let late = |at| at > mail.useful_until && mail.when_late != WhenLate::Send;
    if late(clock.now()) {
        let settled = Settled::Retry { at: clock.now(), reply: "late before the dial".to_owned() };
        return (out, untried(mail, settled));
    }
    let id = mail.id;
    let mut kept_back = false;
    let mut before_dot = || {
        let at = clock.now();
        kept_back = true;
        if late(at) {
            return Err("late before the final dot".to_owned());
        }
        // a mail whose dot is not on disk would be sent again after a crash: it is kept back
        let noted = store.get().mark_dot(id, at);
        kept_back = noted.is_err();
        noted.map_err(|error| format!("the final dot could not be noted: {error}"))
    };
    let delivery = out.send(&envelope, &mail.bytes, &mut before_dot).await;
    // what we kept back ourselves says nothing of the server
    let link = if kept_back { Link::Open } else { link(&delivery) };
    let settled = settled(delivery, &mail, clock.now());
    (out, Ended { mail, settled, link })
}

fn link(delivery: &Delivery) -> Link {
    let (phase, words) = match delivery {
        Delivery::Unreached { phase, cause } => (phase, cause),
        Delivery::Refused { phase, reply, .. } => (phase, reply),
        Delivery::Accepted { .. } => return Link::Taken,
        Delivery::InDoubt { .. } => return Link::Open,
    };
    let for_good = matches!(delivery, Delivery::Refused { lasting: Lasting::Permanent, .. });
    match phase {
        Phase::Mail if for_good && of_the_mail(delivery) => Link::Open,
        Phase::Mail if for_good && !words.starts_with(NOT_SENT) => Link::Deferred(Part::Address, words.clone()),
        Phase::Auth if matches!(delivery, Delivery::Refused { reply, .. } if reply.starts_with('5')) => {
            Link::Shut(Part::ServerLogin, words.clone())
        }
        Phase::Connect | Phase::Greeting | Phase::Tls | Phase::Auth => Link::Shut(Part::Server, words.clone()),
        Phase::Mail | Phase::Rcpt | Phase::Data | Phase::Dot if for_good => Link::Open,
        Phase::Mail | Phase::Rcpt | Phase::Data | Phase::Dot => Link::Deferred(Part::Outbox, words.clone()),
    }
}

/// It was refused for good by what it is, and not for who sends or gets it. Once its last byte is there, the address was
/// taken: only words about the address say otherwise.
fn of_the_mail(delivery: &Delivery) -> bool {
    let Delivery::Refused { phase, lasting: Lasting::Permanent, code, reply } = delivery else { return false };
    let by_code = code.map(|c| (c.subject, c.detail));
    match phase {
        Phase::Mail => matches!(by_code, Some((2, 3) | (3, 4) | (6, _))) || code.is_none() && reply.starts_with("552"),
        Phase::Data | Phase::Dot => match by_code {
            Some((2, 3)) => true,
            Some((1 | 2, _) | (4, 1)) => false,
            _ => of_the_address(reply).is_none(),
        },
        _ => false,
    }
}

/// What a refusal of the receiver comes to where no status code tells: some servers look at the size that was announced
/// or at who sends, and say so there. By the words that tell it of bounces too; `552` alone is a full mailbox
/// (RFC 5321 §4.2.3).
fn at_rcpt(code: Option<EnhancedCode>, reply: &str, to: &str) -> Option<Trouble> {
    let says_nothing = code.is_none_or(|c| matches!((c.subject, c.detail), (0 | 5, 0)));
    // the address that a server repeats may hold any word
    let (reply, to) = (reply.to_lowercase(), to.to_lowercase());
    let host = to.rsplit_once('@').map_or(to.as_str(), |(_, host)| host);
    let said = reply.replace(&to, " ").replace(host, " ");
    match of_words(&said).filter(|_| says_nothing) {
        Some(BounceClass::Policy) => Some(Trouble::Policy),
        Some(BounceClass::Quota) => Some(Trouble::Quota),
        None if code.is_none() && reply.starts_with("552") => Some(Trouble::Quota),
        _ => None,
    }
}

/// What a delivery means for the outbox row.
fn settled(delivery: Delivery, mail: &Claimed, now: DateTime<Utc>) -> Settled {
    let later = |reply: String, trouble| {
        if mail.attempt >= GIVE_UP {
            let reply = format!("given up after {} attempts: {reply}", mail.attempt);
            return Settled::Refused { reply, trouble: Some(trouble) };
        }
        Settled::Retry { at: now + wait(mail.urgent, mail.attempt, mail.id * 7), reply }
    };
    // never given up: what is of no use any more is dropped by its own time
    let unreached = |reply| Settled::Retry { at: now + wait_for_server(mail.urgent, mail.attempt), reply };
    match delivery {
        Delivery::Accepted { reply } => Settled::Sent { reply },
        // not offered at all: something of ours, whoever it was for
        Delivery::Refused { lasting: Lasting::Permanent, reply, .. } if reply.starts_with(NOT_SENT) => {
            Settled::Refused { reply, trouble: Some(Trouble::Policy) }
        }
        ref refused @ Delivery::Refused { ref reply, .. } if of_the_mail(refused) => {
            Settled::Refused { reply: reply.clone(), trouble: Some(Trouble::Policy) }
        }
        // for good, it says, and that is until somebody puts it right: no member's fault, and no reason to lose a mail
        Delivery::Refused { phase: Phase::Mail, reply, .. } => later(reply, Trouble::Policy),
        Delivery::Refused { phase: Phase::Rcpt, lasting: Lasting::Permanent, code, reply } => {
            Settled::Refused { trouble: at_rcpt(code, &reply, mail.envelope_to.as_str()), reply }
        }
        Delivery::Refused { lasting: Lasting::Permanent, reply, .. } => Settled::Refused { reply, trouble: None },
        // a refusal before MAIL is about us, not about this mail
        Delivery::Refused { phase: Phase::Connect | Phase::Greeting | Phase::Tls | Phase::Auth, reply, .. } => {
            unreached(reply)
        }
        Delivery::Refused { lasting: Lasting::Temporary, reply, .. } => later(reply, Trouble::Soft),
        Delivery::Unreached { phase, cause } => unreached(format!("while {}: {cause}", phase.doing())),
        Delivery::InDoubt { cause } => Settled::InDoubt { cause },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_that_a_server_repeats_tells_nothing_of_the_reason() {
        let at = |reply, to| at_rcpt(None, reply, to);
        assert_eq!(at("550 <bo@marbles.example> rejected", "bo@marbles.example"), None);
        assert_eq!(at("550 Rejected for Spam@Policy.example", "spam@policy.example"), None);
        assert_eq!(at("550 <bo@marbles.example> listed by an rbl", "bo@marbles.example"), Some(Trouble::Policy));
    }

    #[test]
    fn no_wait_is_longer_than_the_store_believes() {
        let longest = (1..=GIVE_UP).flat_map(|n| (0..30).map(move |spread| wait(false, n, spread))).max();
        assert!(longest.is_some_and(|longest| longest <= crate::store::LONGEST_WAIT), "{longest:?}");
    }
}

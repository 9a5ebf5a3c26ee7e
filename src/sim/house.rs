//! The daemon as the simulator runs it: one turn of receiver, engine and sender, each waiting after a failure as its
//! task would; gone with all it held in memory when it is killed.

use super::clock::{SeededIds, VirtualClock};
use super::office::{Mailbox, Mutant, Office};
use super::points::Points;
use super::sent::{Fills, SentBox};
use crate::core::Order;
use crate::daemon::doubt::{self, doubt_step};
use crate::daemon::engine::GroupOrder;
use crate::daemon::guard::Guard;
use crate::daemon::housekeeping::Keep;
use crate::daemon::receiver::ReceiverError;
use crate::daemon::run::{MAILBOX_WAITS, WAITS, wait_of};
use crate::daemon::{Clock, Crew, Engine, EngineError, Kit, Pace, Prover, Shared, receiver_step, shared};
use crate::store::{Store, StoreError};
use chrono::{DateTime, Duration, Utc};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// What the daemon is plugged into.
#[derive(Clone)]
pub struct Ports {
    /// The time.
    pub truth: VirtualClock,
    /// What the daemon takes for it.
    pub wall: VirtualClock,
    /// Where it may be killed.
    pub points: Points,
    /// Mail out.
    pub office: Office,
    /// Mail in.
    pub mailbox: Mailbox,
}

/// A task of the daemon between two of its steps.
#[derive(Debug, Clone, Copy)]
struct Task {
    /// It rests until then, in true time.
    at: DateTime<Utc>,
    failures: usize,
}

impl Task {
    fn fails(&mut self, waits: &[u64], now: DateTime<Utc>) {
        self.failures += 1;
        let seconds = i64::try_from(wait_of(waits, self.failures).as_secs()).unwrap_or(1);
        self.at = now + Duration::seconds(seconds);
    }

    fn rests(&mut self, now: DateTime<Utc>) {
        self.failures = 0;
        self.at = now + Duration::seconds(1);
    }
}

/// More mails than any day of a simulated group has.
const REMEMBERED: u32 = 2000;

/// How the sender goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sends {
    /// Connections at once, at least one.
    pub connections: usize,
    /// The most mails a minute, an hour, a day.
    pub most: [Option<u32>; 3],
    /// How the provider's Sent folder is filled.
    pub fills: Fills,
    /// Mails in a minute that nobody foresaw, before the outbox is held.
    pub unforeseen: Option<u32>,
    /// How long things are kept.
    pub keep: Option<Keep>,
}

impl Sends {
    fn pace(&self) -> Pace {
        let times = [Duration::minutes(1), Duration::hours(1), Duration::days(1)];
        times.into_iter().zip(self.most).fold(Pace::default(), |pace, (time, most)| pace.and(time, most))
    }
}

/// The running daemon.
pub struct House {
    engine: Engine<SeededIds>,
    ports: Ports,
    crew: Crew<'static, Office, VirtualClock>,
    deciding: Task,
    posting: Task,
    taking: Task,
    asking: Task,
    sent: SentBox,
    /// How long things are kept, and when that is looked at next, by the daemon's clock.
    keeping: Option<(Keep, DateTime<Utc>)>,
}

/// What a turn did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Something happened: there may be more.
    pub busy: bool,
    /// A group was written.
    pub decided: bool,
    /// What was kept long enough was deleted; nothing else happened.
    pub cleaned: bool,
}

/// As the daemon's task does it.
const AFTER_START: Duration = Duration::minutes(10);

impl House {
    /// Opens the file as the last life left it and looks after what was in flight.
    ///
    /// # Errors
    /// The disk's.
    pub fn start(ports: &Ports, kit: Kit, seed: u64, sends: &Sends) -> Result<Self, StoreError> {
        let (file, life) = ports.points.file();
        let mut store = Store::open(file)?;
        let points = ports.points.clone();
        store.watch(move |point| points.write(point));
        let store = shared(store);
        store.get().asks_sent(Some(doubt::ASKED_FOR));
        store.get().recover(ports.wall.now())?;
        let (office, mailbox, points) = (ports.office.clone(), ports.mailbox.clone(), ports.points.clone());
        let sent = SentBox { office, mailbox, points, fills: sends.fills };
        let mut pace = sends.pace();
        pace.remember(store.get().sent_since(ports.wall.now() - Duration::days(1), REMEMBERED)?);
        let ways = (0..sends.connections.max(1)).map(|line| ports.office.line(line)).collect();
        let crew = Crew::new(store.clone(), kit.sender.clone(), pace, ways, ports.wall.clone());
        let mut engine = Engine::new(kit, store, SeededIds::of(seed ^ (u64::from(life) << 32)));
        let wall = ports.wall.now();
        if let Some(most) = sends.unforeseen {
            engine.guard(Guard::new(most, wall));
        }
        let keeping = sends.keep.map(|keep| (keep, wall + AFTER_START));
        let (ports, task) = (ports.clone(), Task { at: ports.truth.now(), failures: 0 });
        Ok(Self { engine, ports, crew, deciding: task, posting: task, taking: task, asking: task, sent, keeping })
    }

    /// The store.
    pub fn store(&self) -> &Shared {
        self.engine.store()
    }

    /// What the engine works with.
    pub fn kit(&self) -> &Kit {
        &self.engine.kit
    }

    /// The operator's order is put into the inbox.
    ///
    /// # Errors
    /// The store's.
    pub fn order(&self, order: Order, group: &crate::core::GroupId) -> Result<(), StoreError> {
        let order = GroupOrder { group: group.clone(), order };
        let json = serde_json::to_string(&order).unwrap_or_default();
        self.store().get().order(&json, self.ports.wall.now()).map(|_| ())
    }

    /// Each task once, in one of two orders.
    ///
    /// # Errors
    /// A fault that the daemon would log and try again; they are counted as its tasks count them.
    pub fn turn(&mut self, forth: bool) -> Result<Turn, EngineError> {
        let mut turn = Turn::default();
        if self.clean() {
            return Ok(Turn { busy: true, cleaned: true, ..turn });
        }
        if forth {
            turn.busy |= self.take();
            self.decide(&mut turn)?;
            turn.busy |= self.send();
        } else {
            turn.busy |= self.send();
            self.decide(&mut turn)?;
            turn.busy |= self.take();
        }
        turn.busy |= self.ask();
        Ok(turn)
    }

    /// Whether the next turn deletes what was kept long enough.
    pub fn is_to_clean(&self) -> bool {
        self.keeping.is_some_and(|(_, next)| self.ports.wall.now() >= next)
    }

    /// Once a day; `true` where all that was kept long enough is gone.
    fn clean(&mut self) -> bool {
        let wall = self.ports.wall.now();
        let Some((keep, next)) = &mut self.keeping else { return false };
        *next = (*next).min(wall + Duration::days(1));
        if wall < *next {
            return false;
        }
        let mails_days = match () {
            () if self.ports.office.is(Mutant::KeepsLong) => keep.mails_days * 2,
            () if self.ports.office.is(Mutant::KeepsShort) => keep.mails_days / 3,
            () => keep.mails_days,
        };
        let keep = Keep { mails_days, ..*keep };
        let done = keep.clean(self.engine.store(), wall).is_ok();
        *next = wall + if done { Duration::days(1) } else { Duration::hours(1) };
        done
    }

    fn take(&mut self) -> bool {
        let now = self.ports.truth.now();
        if now < self.taking.at || !self.ports.mailbox.is_waiting() {
            return false;
        }
        let (store, wall) = (self.store().clone(), self.ports.wall.clone());
        let (mut mailbox, prover) = (self.ports.mailbox.clone(), Prover::default());
        let step = receiver_step(&store, &mut mailbox, &prover, || wall.now());
        // the mailbox in memory is never waited for
        match ready(step) {
            Some(Ok(count)) => {
                self.taking.failures = 0;
                count > 0
            }
            Some(Err(ReceiverError::Store(_) | ReceiverError::Transport(_))) | None => {
                self.taking.fails(&MAILBOX_WAITS, now);
                true
            }
        }
    }

    /// Mails in doubt are looked for, minute by minute.
    fn ask(&mut self) -> bool {
        let (now, wall) = (self.ports.truth.now(), self.ports.wall.now());
        if now < self.asking.at || self.store().get().doubts().is_ok_and(|all| all.is_empty()) {
            return false;
        }
        let store = self.store().clone();
        let step = ready(doubt_step(&store, &mut self.sent, wall));
        self.asking.at = now + Duration::minutes(1);
        matches!(step, Some(Ok(cleared)) if cleared > 0)
    }

    fn decide(&mut self, turn: &mut Turn) -> Result<(), EngineError> {
        let (now, wall) = (self.ports.truth.now(), self.ports.wall.now());
        if now < self.deciding.at {
            return Ok(());
        }
        let waits = !self.store().get().next_inbox(1)?.is_empty();
        if !waits && self.engine.next_due()?.is_none_or(|due| due > wall) {
            return Ok(());
        }
        match self.engine.step(wall) {
            Ok(stories) => {
                self.deciding.failures = 0;
                turn.decided = true;
                let did = stories.iter().any(|s| !s.lines.is_empty() || !s.mails.is_empty());
                let left = self.engine.next_due()?.is_some_and(|due| due <= wall);
                match left && !did {
                    true => self.deciding.rests(now),
                    false => turn.busy = true,
                }
                Ok(())
            }
            Err(error) => {
                self.deciding.fails(&WAITS, now);
                match &error {
                    EngineError::Store(store) if store.is_temporary() => Ok(()),
                    _ => Err(error),
                }
            }
        }
    }

    fn start_mails(&mut self) -> Result<usize, StoreError> {
        let (wall, ignores) = (self.ports.wall.now(), self.ports.office.is(Mutant::IgnoresHold));
        let held = if ignores { self.store().get().release(wall)? } else { None };
        let started = self.crew.start();
        if let Some(held) = held {
            self.store().get().hold(&held.why, wall)?;
        }
        started
    }

    fn send(&mut self) -> bool {
        let (now, wall) = (self.ports.truth.now(), self.ports.wall.now());
        let mut busy = false;
        loop {
            // the daemon's task comes round at least every 30 seconds, and is to send nothing while mail is held
            let held = self.store().get().held().is_ok_and(|held| held.is_some());
            let due = held || self.crew.next_start().ok().flatten().is_some_and(|at| at <= wall);
            if now >= self.posting.at && due {
                match self.start_mails() {
                    // what is due and can't be begun is looked at again as the daemon's task would
                    Ok(0) => self.posting.rests(now),
                    Ok(_) => self.posting.failures = 0,
                    Err(_) => self.posting.fails(&WAITS, now),
                }
            }
            match poll(pin!(self.crew.ended())) {
                Poll::Ready(Ok(step)) => busy |= step.sent + step.lost > 0,
                Poll::Ready(Err(_)) => self.posting.fails(&WAITS, now),
                Poll::Pending => return busy,
            }
        }
    }

    /// When it will do something, in true time.
    ///
    /// # Errors
    /// The store's.
    pub fn next_turn(&mut self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let (now, wall) = (self.ports.truth.now(), self.ports.wall.now());
        let truth = |at: DateTime<Utc>| now + (at - wall);
        let sends = self.crew.next_start()?.map(|at| truth(at).max(self.posting.at));
        let talks = self.crew.is_busy().then(|| self.ports.office.wakes().unwrap_or(now));
        let store = self.store().get();
        let waits = !store.next_inbox(1)?.is_empty();
        let decides = if waits { Some(now) } else { store.next_due()?.map(truth) };
        let asks = (!store.doubts()?.is_empty()).then_some(self.asking.at);
        let takes = self.ports.mailbox.is_waiting().then_some(self.taking.at);
        let cleans = self.keeping.map(|(_, next)| truth(next));
        let all = [decides.map(|at| at.max(self.deciding.at)), sends, talks, takes, asks, cleans];
        Ok(all.into_iter().flatten().min().map(|at| at.max(now)))
    }
}

/// The outcome of what waits for nobody.
fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    match poll(pin!(future)) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

fn poll<T>(mut future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

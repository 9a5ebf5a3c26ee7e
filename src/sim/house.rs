//! The daemon as the simulator runs it: one turn of receiver, engine and sender, each waiting after a failure as its
//! task would; gone with all it held in memory when it is killed.

use super::clock::{SeededIds, VirtualClock};
use super::office::{Mailbox, Office};
use super::points::Points;
use crate::core::Order;
use crate::daemon::engine::GroupOrder;
use crate::daemon::receiver::ReceiverError;
use crate::daemon::run::{MAILBOX_WAITS, WAITS, wait_of};
use crate::daemon::{
    Clock, Engine, EngineError, Kit, Pace, Prover, SenderStep, Shared, receiver_step, sender_step, shared,
};
use crate::store::{Store, StoreError};
use chrono::{DateTime, Duration, Utc};
use std::pin::Pin;
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

type Sending = Pin<Box<dyn Future<Output = (Pace, Result<SenderStep, StoreError>)> + Send>>;

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

/// The running daemon.
pub struct House {
    engine: Engine<SeededIds>,
    ports: Ports,
    pace: Option<Pace>,
    sending: Option<Sending>,
    deciding: Task,
    posting: Task,
    taking: Task,
}

/// What a turn did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Something happened: there may be more.
    pub busy: bool,
    /// A group was written.
    pub decided: bool,
}

impl House {
    /// Opens the file as the last life left it and looks after what was in flight.
    ///
    /// # Errors
    /// The disk's.
    pub fn start(ports: &Ports, kit: Kit, seed: u64, pace: Option<u32>) -> Result<Self, StoreError> {
        let (file, life) = ports.points.file();
        let mut store = Store::open(file)?;
        let points = ports.points.clone();
        store.watch(move |point| points.write(point));
        let store = shared(store);
        store.get().recover(ports.wall.now())?;
        let engine = Engine::new(kit, store, SeededIds::of(seed ^ (u64::from(life) << 32)));
        let task = Task { at: ports.truth.now(), failures: 0 };
        Ok(Self {
            engine,
            ports: ports.clone(),
            pace: Some(pace.map_or_else(Pace::default, Pace::per_minute)),
            sending: None,
            deciding: task,
            posting: task,
            taking: task,
        })
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
        if forth {
            turn.busy |= self.take();
            self.decide(&mut turn)?;
            turn.busy |= self.send();
        } else {
            turn.busy |= self.send();
            self.decide(&mut turn)?;
            turn.busy |= self.take();
        }
        Ok(turn)
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
        match ready(Box::pin(step)) {
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

    fn send(&mut self) -> bool {
        let (now, wall) = (self.ports.truth.now(), self.ports.wall.now());
        if self.sending.is_none() {
            let due = self.store().get().next_send().ok().flatten().is_some_and(|at| at <= wall);
            if now < self.posting.at || !due {
                return false;
            }
            self.sending = Some(self.conversation());
        }
        let Some(sending) = &mut self.sending else { return false };
        let Poll::Ready((pace, done)) = sending.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
            return false;
        };
        self.sending = None;
        self.pace = Some(pace);
        self.ports.office.hang_up();
        match done {
            Ok(step) => {
                self.posting.rests(now);
                step.sent + step.lost > 0
            }
            Err(_) => {
                self.posting.fails(&WAITS, now);
                false
            }
        }
    }

    /// A sender's step that owns what it needs: the others go on while it waits for a server.
    fn conversation(&mut self) -> Sending {
        let (store, from) = (self.store().clone(), self.engine.kit.sender.clone());
        let (mut office, wall) = (self.ports.office.clone(), self.ports.wall.clone());
        let mut pace = self.pace.take().unwrap_or_default();
        Box::pin(async move {
            let done = sender_step(&store, &mut office, &mut pace, &from, || wall.now()).await;
            (pace, done)
        })
    }

    /// When it will do something, in true time.
    ///
    /// # Errors
    /// The store's.
    pub fn next(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let (now, wall) = (self.ports.truth.now(), self.ports.wall.now());
        let truth = |at: DateTime<Utc>| now + (at - wall);
        let store = self.store().get();
        let waits = !store.next_inbox(1)?.is_empty();
        let decides = if waits { Some(now) } else { store.next_due()?.map(truth) };
        let sends = match &self.sending {
            Some(_) => Some(self.ports.office.wakes().unwrap_or(now)),
            None => store.next_send()?.map(|at| truth(at).max(self.posting.at)),
        };
        let takes = self.ports.mailbox.is_waiting().then_some(self.taking.at);
        let all = [decides.map(|at| at.max(self.deciding.at)), sends, takes];
        Ok(all.into_iter().flatten().min().map(|at| at.max(now)))
    }
}

/// The outcome of what waits for nobody.
fn ready<T>(mut future: Pin<Box<impl Future<Output = T>>>) -> Option<T> {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

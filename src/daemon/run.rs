//! The daemon's tasks: engine, sender, receiver and control socket, each going on when one of its steps
//! fails, until they are asked to stop.

use super::carry::{Post, once_whole, receiving, sending};
use super::compose::Sender;
use super::control;
use super::engine::{Engine, EngineError, Story};
use super::health::{self, Damage};
use super::housekeeping::{Keep, keeping};
use super::notify;
use super::ports::{Clock, Ids, Incoming, Outgoing, SentMail, Shared};
use super::receiver::{NO_GROUP_YET, ReceiverError, leave_arriving, receiver_step, takes_mail};
use super::reload::{self, Ask, Asked, Reread};
use super::sender::{Crew, Pace, sender_step};
use super::trouble::{Health, Part};
use super::verify::Prover;
use super::watch::Bell;
use super::{doubt, rows, watch as watching};
use crate::core::GroupId;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// Nobody sleeps longer: the timers of a machine stop while it sleeps, its clock does not (`reliability.md` 19).
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// The shortest sleep where something is due already and could not be done.
const SHORTEST_SLEEP: Duration = Duration::from_secs(1);
/// A clock that moved so much more than time passed is told.
const JUMP: i64 = 5 * 60;
/// Waits after failures in a row, in seconds.
pub(crate) const WAITS: [u64; 6] = [1, 2, 5, 10, 20, 30];
/// Waits after failures in a row of the mailbox's server, in seconds.
pub(crate) const MAILBOX_WAITS: [u64; 6] = [5, 10, 30, 60, 120, 300];
/// Rounds of `once` after which it ends though there is more to do.
const MAX_ROUNDS: usize = 10_000;

/// All that the daemon is made of.
pub struct Daemon<O, M, S, C, I> {
    /// Decides.
    pub engine: Engine<I>,
    /// Mail out: one way for each connection at once.
    pub ways: Vec<O>,
    /// Mail in.
    pub mailbox: M,
    /// Where what left is kept.
    pub sent: S,
    /// How the operator is told what is wrong.
    pub bell: Bell<O>,
    /// Who finds out whom a mail is from.
    pub prover: Prover,
    /// What time it is.
    pub clock: C,
    /// How fast mail leaves.
    pub pace: Pace,
    /// Who writes: the envelope's sender comes of it.
    pub from: Sender,
    /// Where the control socket lies.
    pub socket: PathBuf,
    /// The service manager.
    pub manager: notify::Notify,
    /// What `next_due_at` is derived by: groups derived by something else are derived again
    /// (`decisions.md` 28).
    pub derivation: String,
    /// How long what people write is kept.
    pub keep: Keep,
    /// Reads templates, words and formats anew, when asked.
    pub reread: Reread,
    /// Whether a hang-up (SIGHUP) asks for that too: where no terminal could hang up.
    pub hangup: bool,
}

/// Who wakes whom.
#[derive(Default)]
pub(super) struct Wake {
    pub(super) engine: Arc<Notify>,
    pub(super) sender: Notify,
}

impl Wake {
    /// Wakes both.
    fn both(self: &Arc<Self>) -> impl Fn() + Send + 'static {
        let wake = Arc::clone(self);
        move || {
            wake.engine.notify_one();
            wake.sender.notify_one();
        }
    }
}

/// What one round did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// Mails that came in.
    pub received: usize,
    /// Decisions.
    pub decided: usize,
    /// Mails handed over.
    pub sent: u32,
    /// Mails that wait for another attempt.
    pub later: u32,
    /// Mails refused for good or in doubt.
    pub lost: u32,
}

/// What ended the daemon without being asked.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The store, at the start.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database is not whole.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// A fault of the program.
    #[error(
        "a part of the daemon broke down; nothing is lost. Start it again, and please report what was logged before"
    )]
    Broke,
}

/// What stopped a single round.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    /// The mailbox, or the store while taking mail in.
    #[error(transparent)]
    Receiver(#[from] ReceiverError),
    /// A decision.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store while sending.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<O, M, S, C, I> Daemon<O, M, S, C, I>
where
    O: Outgoing + 'static,
    M: Incoming + 'static,
    S: SentMail + 'static,
    C: Clock + Clone + 'static,
    I: Ids + 'static,
{
    /// Works until `stop` is there, then finishes the mail in hand.
    ///
    /// # Errors
    /// The store can't be read at the start; later failures are told in the log and waited for.
    /// A task that broke down by a fault of the program ends all of them.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), RunError> {
        let Self { engine, ways, mailbox, sent, bell, prover, clock, pace, from, socket, manager, .. } = self;
        let (derivation, keep, reread, hangup) = (self.derivation, self.keep, self.reread, self.hangup);
        let manager = Arc::new(manager);
        let store = engine.store().clone();
        store.get().deriving(derivation.clone());
        store.get().asks_sent(Some(doubt::ASKED_FOR));
        tokio::pin!(stop);
        if !ready_to_write(&store, &clock, &mut stop).await? {
            return Ok(());
        }
        let wake = Arc::new(Wake::default());
        let (stopper, stopping) = watch::channel(false);
        let (ask, asked) = Ask::channel(Arc::clone(&wake.engine));
        listen(&socket, &store, &clock, &prover, &wake, &ask);
        if hangup {
            drop(tokio::spawn(reload::on_hangup(ask)));
        }
        let health = Health::default();
        let (manager_too, well) = (Arc::clone(&manager), health.clone());
        let mind = Mind { engine, clock: clock.clone(), derivation, manager: manager_too, health: well, asked, reread };
        let mut tasks = JoinSet::new();
        tasks.spawn(deciding(mind, Arc::clone(&wake), stopping.clone()));
        let (told_whole, whole) = watch::channel(false);
        let damage = health::damage(store.get().reader()?, told_whole);
        let post = Post { store: store.clone(), clock: clock.clone(), wake: Arc::clone(&wake), health: health.clone() };
        let mail_in = receiving(post.clone(), mailbox, prover, stopping.clone());
        tasks.spawn(once_whole(whole, stopping.clone(), mail_in));
        tasks.spawn(keeping(store.clone(), clock.clone(), keep, stopping.clone()));
        let done = wake.both();
        tasks.spawn(watching::asking(store.clone(), sent, clock.clone(), done, stopping.clone()));
        let bell = (bell, from.clone());
        tasks.spawn(watching::alarming(store.clone(), health, bell, clock.clone(), stopping.clone()));
        let crew = Crew::new(store.clone(), from, pace, ways, clock.clone());
        tasks.spawn(sending(crew, post, stopping));
        tracing::info!("ready");
        crash_point!("run.ready");
        manager.say("READY=1");
        let mut damaged = None;
        let broke = tokio::select! {
            () = &mut stop => false,
            found = damage => {
                damaged = Some(found);
                false
            }
            // none ends by itself: what broke is not left half running
            _ = tasks.join_next() => true,
        };
        tracing::info!("stopping: the mail in hand is finished first");
        crash_point!("run.stopping");
        manager.say("STOPPING=1");
        let _ = stopper.send(true);
        let mut broken = usize::from(broke);
        while let Some(ended) = tasks.join_next().await {
            broken += usize::from(ended.is_err());
        }
        let _ = std::fs::remove_file(&socket);
        leave_arriving(&store);
        if let Err(error) = look_after(&store, clock.now()) {
            tracing::warn!(%error, "mails that were cut off are looked after at the next start");
        }
        crash_point!("run.stopped");
        match damaged {
            Some(damage) => Err(damage.into()),
            None if broken == 0 => Ok(()),
            None => Err(RunError::Broke),
        }
    }

    /// One round: takes mail in, decides, sends, until there is nothing more to do now.
    ///
    /// # Errors
    /// The mailbox's are told only after the rest was done.
    pub async fn once(self) -> Result<Round, RoundError> {
        let store = self.engine.store().clone();
        let round = self.round().await;
        leave_arriving(&store);
        round
    }

    async fn round(mut self) -> Result<Round, RoundError> {
        let store = self.engine.store().clone();
        store.get().deriving(self.derivation.clone());
        store.get().asks_sent(Some(doubt::ASKED_FOR));
        look_after(&store, self.clock.now())?;
        if let Err(error) = doubt::doubt_step(&store, &mut self.sent, self.clock.now()).await {
            tracing::warn!(%error, "the Sent folder can't be asked; it is tried again");
        }
        let mut round = Round::default();
        let now = || self.clock.now();
        let received = match takes_mail(&store)? {
            true => receiver_step(&store, &mut self.mailbox, &self.prover, now).await,
            false => {
                tracing::warn!(database = %store.get().file().display(), "{NO_GROUP_YET}");
                Ok(0)
            }
        };
        for _ in 0..MAX_ROUNDS {
            let stories = self.engine.step(now())?;
            let sent = sender_step(&store, &mut self.ways, &mut self.pace, &self.from, now).await?;
            stories.iter().for_each(log_story);
            round.decided += stories.iter().filter(|s| did_something(s)).count();
            round.sent += sent.sent;
            round.later += sent.later;
            round.lost += sent.lost;
            if !stories.iter().any(did_something) && sent.sent + sent.lost == 0 && store.get().next_inbox(1)?.is_empty()
            {
                break;
            }
        }
        self.keep.clean(&store, self.clock.now())?;
        round.received = received?;
        Ok(round)
    }
}

/// Orders and words by the control socket, where it can be had.
fn listen<C: Clock + Clone + 'static>(
    socket: &Path,
    store: &Shared,
    clock: &C,
    prover: &Prover,
    wake: &Wake,
    ask: &Ask,
) {
    match control::open(socket) {
        Ok(listener) => {
            let (store, clock, wake) = (store.clone(), clock.clone(), Arc::clone(&wake.engine));
            drop(tokio::spawn(control::serve(listener, store, clock, prover.clone(), wake, ask.clone())));
        }
        Err(error) => tracing::warn!(socket = %socket.display(), %error,
            "no control socket: orders wait up to 30 s, and `codevd mail deliver` writes by itself. \
             Set `control` in codevd.toml to a short path in a folder that codevd may write to"),
    }
}

/// Mails that a crash or a stop left in flight.
fn look_after(store: &Shared, now: DateTime<Utc>) -> Result<(), StoreError> {
    let found = store.get().recover(now)?;
    if !found.queued.is_empty() {
        tracing::info!(mails = found.queued.len(), "mails that were cut off before they left are queued again");
    }
    if !found.in_doubt.is_empty() {
        tracing::warn!(mails = found.in_doubt.len(), "nobody knows whether some mails left: see `codevd status`");
    }
    Ok(())
}

/// Waits for a disk that is full or a file that somebody else writes; `false` when asked to stop meanwhile.
async fn ready_to_write<C: Clock>(
    store: &Shared,
    clock: &C,
    stop: &mut (impl Future<Output = ()> + Unpin),
) -> Result<bool, StoreError> {
    let mut failures = 0;
    loop {
        match look_after(store, clock.now()) {
            Ok(()) => return Ok(true),
            // a file opened read-only stays so for this process: another start opens it anew
            Err(error) if error.is_temporary() && !error.is_not_writable() => {
                failures += 1;
                tracing::error!(%error, "the database can't be written; it is tried again");
            }
            Err(error) => return Err(error),
        }
        tokio::select! {
            () = &mut *stop => return Ok(false),
            () = tokio::time::sleep(wait_of(&WAITS, failures)) => {}
        }
    }
}

fn did_something(story: &Story) -> bool {
    !story.lines.is_empty() || !story.mails.is_empty()
}

/// Numbers and kinds alone: nobody's words reach the log.
fn log_story(story: &Story) {
    if did_something(story) {
        tracing::info!(group = %story.group, lines = story.lines.len(), mails = story.mails.len(), "decided");
    }
    for (key, _) in &story.mails {
        tracing::debug!(mail = %key, "queued");
    }
}

pub(crate) fn wait_of(waits: &[u64], failures: usize) -> Duration {
    let at = failures.saturating_sub(1).min(waits.len().saturating_sub(1));
    Duration::from_secs(waits.get(at).copied().unwrap_or(1))
}

/// How long until then: neither too short nor longer than 30 s.
pub(super) fn until(next: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Duration {
    let left = next.map_or(LONGEST_SLEEP, |next| (next - now).to_std().unwrap_or(Duration::ZERO));
    left.clamp(SHORTEST_SLEEP, LONGEST_SLEEP)
}

/// Sleeps until woken, the time is over, or the daemon stops; `true` when it stops.
pub(super) async fn rest(stopping: &mut watch::Receiver<bool>, woken: &Notify, at_most: Duration) -> bool {
    tokio::select! {
        () = woken.notified() => {}
        () = tokio::time::sleep(at_most) => {}
        _ = stopping.wait_for(|s| *s) => {}
    }
    *stopping.borrow()
}

/// Compares the wall clock with the time that really passed.
struct Watchman {
    wall: DateTime<Utc>,
    real: Instant,
    /// It went back, and that is not on disk yet.
    went_back: bool,
}

impl Watchman {
    fn at(wall: DateTime<Utc>) -> Self {
        Self { wall, real: monotonic(), went_back: false }
    }

    /// Says by how many seconds the clock jumped.
    fn look(&mut self, wall: DateTime<Utc>) -> i64 {
        let passed = i64::try_from(self.real.elapsed().as_secs()).unwrap_or(i64::MAX);
        let jump = (wall - self.wall).num_seconds() - passed;
        if jump.abs() >= JUMP {
            tracing::warn!(seconds = jump, "the clock jumped, or the machine slept; what is due now is looked at anew");
        }
        (self.wall, self.real) = (wall, monotonic());
        jump
    }

    /// Where the clock went back, what the one of before had put off is brought back with it.
    fn watch(&mut self, store: &Shared, now: DateTime<Utc>) {
        self.went_back |= self.look(now) <= -JUMP;
        if !self.went_back {
            return;
        }
        match store.get().clock_went_back(now) {
            Ok(()) => self.went_back = false,
            Err(error) => {
                tracing::warn!(%error, "what the clock of before had put off may wait too long; it is tried again");
            }
        }
    }
}

fn monotonic() -> Instant {
    #[allow(clippy::disallowed_methods)] // only to tell a jump of the wall clock
    let now = Instant::now();
    now
}

/// What the engine's task works with.
struct Mind<C, I> {
    engine: Engine<I>,
    clock: C,
    derivation: String,
    manager: Arc<notify::Notify>,
    health: Health,
    asked: Asked,
    reread: Reread,
}

async fn deciding<C: Clock, I: Ids>(mut mind: Mind<C, I>, wake: Arc<Wake>, mut stopping: watch::Receiver<bool>) {
    let mut failures = 0;
    let mut stale = true;
    let mut held = false;
    if !rows::calm(mind.engine.store(), &mut stopping).await {
        return;
    }
    let mut watchman = Watchman::at(mind.clock.now());
    loop {
        let now = mind.clock.now();
        watchman.watch(mind.engine.store(), now);
        let was_held = std::mem::replace(&mut held, mind.is_held());
        if was_held && !held {
            tracing::info!("mail leaves again");
            wake.sender.notify_one();
        }
        mind.manager.say("WATCHDOG=1");
        stale = mind.read_anew() || stale;
        let wait = match mind.engine.step(now) {
            Ok(stories) => {
                failures = 0;
                mind.health.well(&[Part::Deciding]);
                mind.health.prove_disk(mind.engine.store(), now);
                stories.iter().for_each(log_story);
                if stories.iter().any(|s| !s.mails.is_empty()) {
                    wake.sender.notify_one();
                }
                next_look(&mind.engine, &stories, now)
            }
            Err(error) => {
                failures += 1;
                match &error {
                    EngineError::Store(error) => mind.health.store(Part::Deciding, error, now),
                    EngineError::Compose(error) => mind.health.wrong(Part::Deciding, error.to_string(), now),
                }
                tracing::error!(%error, "nothing could be decided; it is tried again");
                wait_of(&WAITS, failures)
            }
        };
        if stale && failures == 0 {
            stale = mind.derive_some(now);
        }
        let wait = if stale { Duration::ZERO } else { wait };
        if *stopping.borrow() || (!wait.is_zero() && rest(&mut stopping, &wake.engine, wait).await) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Groups derived again between two steps: few, so that nothing waits for them.
const DERIVED_AT_ONCE: u32 = 20;

impl<C: Clock, I: Ids> Mind<C, I> {
    /// What can't be looked at is not released.
    fn is_held(&self) -> bool {
        self.engine.store().get().held().map_or(true, |held| held.is_some())
    }

    /// Reads templates, words and formats anew if somebody asked; `true` where groups may have to be derived again.
    fn read_anew(&mut self) -> bool {
        let Some(answer) = self.asked.next() else { return false };
        self.manager.say("RELOADING=1");
        let read = (self.reread)().map(|fresh| self.derivation = fresh.into_kit(&mut self.engine.kit));
        match &read {
            Ok(()) => {
                self.engine.store().get().deriving(self.derivation.clone());
                tracing::info!("templates, words and formats were read anew");
            }
            Err(why) => tracing::error!(%why, "templates, words and formats stay as they were"),
        }
        self.manager.say("READY=1");
        let changed = read.is_ok();
        // whoever asked may be gone
        let _ = answer.send(read);
        changed
    }

    /// Derives some groups again that another program, zone data or format derived; `true` while
    /// there are more.
    fn derive_some(&self, now: DateTime<Utc>) -> bool {
        let ids = match self.engine.store().get().stale(&self.derivation, DERIVED_AT_ONCE) {
            Ok(ids) => ids,
            Err(error) => {
                tracing::warn!(%error, "groups could not be looked for that are to be derived again");
                return false;
            }
        };
        let derived = |id: &GroupId| {
            let done = self.engine.derive(id, now);
            // it is derived by its next decision in any case; the others wait for nobody
            done.inspect_err(|error| tracing::warn!(group = %id, %error, "could not be derived again")).is_ok()
        };
        ids.iter().filter(|id| derived(id)).count() > 0
    }
}

/// How long the engine may sleep: not at all while it gets on and there is more.
fn next_look<I: Ids>(engine: &Engine<I>, stories: &[Story], now: DateTime<Utc>) -> Duration {
    let next = engine.next_due().ok().flatten();
    let waiting = engine.store().get().next_inbox(1).is_ok_and(|rows| !rows.is_empty());
    let due = waiting || next.is_some_and(|next| next <= now);
    if due && stories.iter().any(did_something) { Duration::ZERO } else { until(next, now) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sleep_is_neither_too_short_nor_too_long() {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let at = |seconds| Some(now + chrono::Duration::seconds(seconds));
        assert_eq!(until(None, now), LONGEST_SLEEP);
        assert_eq!(until(at(-5), now), SHORTEST_SLEEP);
        assert_eq!(until(at(7), now), Duration::from_secs(7));
        assert_eq!(until(at(3600), now), LONGEST_SLEEP);
    }

    #[test]
    fn a_clock_that_went_back_is_noted_again_until_the_disk_takes_it() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let folder = tempfile::tempdir().unwrap();
        let store = crate::daemon::shared(crate::store::Store::open(folder.path().join("codevd.db")).unwrap());
        let writes = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&writes);
        store.get().watch(move |point| match point {
            crate::store::WritePoint::Begin if counted.fetch_add(1, Ordering::Relaxed) < 2 => {
                Err(crate::store::DiskFault::Full)
            }
            _ => Ok(()),
        });
        let then = DateTime::<Utc>::UNIX_EPOCH + chrono::Duration::days(400);
        let back = then - chrono::Duration::days(1);
        let mut watchman = Watchman::at(then);
        // the disk is full twice; what is noted once is not noted again
        let after = [1, 2, 3, 3].map(|wanted| {
            watchman.watch(&store, back);
            (writes.load(Ordering::Relaxed), wanted)
        });
        assert!(after.iter().all(|(seen, wanted)| seen == wanted), "{after:?}");
    }

    #[test]
    fn waits_grow_and_stop_growing() {
        let all: Vec<_> = (1..9).map(|n| wait_of(&WAITS, n).as_secs()).collect();
        assert_eq!(all, [1, 2, 5, 10, 20, 30, 30, 30]);
    }
}

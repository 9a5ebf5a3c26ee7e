//! An order on its way: into the inbox, then decided by the daemon, or by one engine step of our own.

use super::failure::{Failure, Result};
use super::setup::Setup;
use crate::core::decide::{decide, found};
use crate::core::{Change, Event, Formats, Group, Moment, Order};
use crate::daemon::Engine;
use crate::daemon::edge::RandomIds;
use crate::daemon::engine::GroupOrder;
use crate::daemon::lock::{Lock, LockError};
use crate::daemon::{control, ports::Ids};
use crate::store::{InboxRow, InboxState, Store};
use chrono::{DateTime, Utc};
use std::time::{Duration, Instant};

/// How long a command waits for the outcome of its order.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(40);
/// Engine steps of our own for one order: older rows of the inbox come first, so many at a time.
const STEPS: usize = 1_000;

/// What became of an order.
pub(super) struct Placed {
    /// The journal's sentences.
    pub lines: Vec<String>,
    /// A daemon runs: mail leaves by itself.
    pub by_daemon: bool,
}

/// Gives an order and waits for what becomes of it.
///
/// # Errors
/// Refused, with the reason; or not decided in time, with what to do.
pub(super) fn place(setup: &Setup, order: &GroupOrder, what: &str) -> Result<Placed> {
    let json = serde_json::to_string(order)?;
    let Some(lock) = free_lock(setup, what)? else {
        // before the file is opened for writing: a daemon of another version keeps its schema
        setup.reader()?;
        let mut store = setup.store()?;
        let id = store.order(&json, setup.now())?;
        return wait(setup, store, id, what);
    };
    // the engine first: what it can't be made of is told before anything is kept
    let engine = setup.engine(setup.store()?)?;
    let id = engine.store().get().order(&json, setup.now())?;
    decide_here(setup, engine, id, lock)
}

/// The lock, or `None` where somebody else works on the database.
fn free_lock(setup: &Setup, what: &str) -> Result<Option<Lock>> {
    match Lock::take(&setup.config.database, what) {
        Ok(lock) => Ok(Some(lock)),
        Err(LockError::Held { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The daemon decides. Where the one who had the lock goes away, it is done here.
fn wait(setup: &Setup, store: Store, id: i64, what: &str) -> Result<Placed> {
    #[allow(clippy::disallowed_methods)] // only to stop waiting
    let begun = Instant::now();
    let mut poked = false;
    while begun.elapsed() < PATIENCE {
        poked = poked || control::poke(&setup.socket()).is_ok();
        if let Some(done) = outcome(&store, id)? {
            return done.map(|lines| Placed { lines, by_daemon: true });
        }
        if let Some(lock) = free_lock(setup, what)? {
            let engine = setup.engine(store)?;
            return decide_here(setup, engine, id, lock);
        }
        std::thread::sleep(PAUSE);
    }
    Err(Failure::because(format!(
        "the order is kept as in:{id}, and the daemon has not decided on it within {} s; it will. See `codevd why in:{id}` and the daemon's log",
        PATIENCE.as_secs()
    )))
}

fn decide_here(setup: &Setup, mut engine: Engine<RandomIds>, id: i64, lock: Lock) -> Result<Placed> {
    for _ in 0..STEPS {
        engine.step(setup.now())?;
        if let Some(done) = outcome(&engine.store().get(), id)? {
            drop(lock);
            return done.map(|lines| Placed { lines, by_daemon: false });
        }
    }
    Err(Failure::because(format!("the order is kept as in:{id}; too much else came before it. Start `codevd run`")))
}

/// What the inbox says of the order, once it is decided on.
fn outcome(store: &Store, id: i64) -> Result<Option<Result<Vec<String>>>> {
    let Some(row) = store.inbox_row(id)? else {
        return Err(Failure::because(format!("the order in:{id} is gone from the database")));
    };
    let InboxRow { state, result, reason, .. } = row;
    let lines = || result.as_deref().unwrap_or_default().lines().map(str::to_owned).collect();
    Ok(match state {
        InboxState::New => None,
        InboxState::Done => Some(Ok(lines())),
        _ => Some(Err(Failure::because(reason.unwrap_or_else(|| "not done".to_owned())))),
    })
}

/// What an order would do, and all that would follow from it at once. Changes nothing.
///
/// # Errors
/// What the decision itself would answer.
pub(super) fn rehearse(group: Option<&Group>, order: &Order, formats: &Formats, now: DateTime<Utc>) -> Result<Change> {
    let moment = || Moment { now, fresh: RandomIds.fresh() };
    let first = match (group, order) {
        (Some(group), order) => decide(group, &Event::Order(order.clone()), &moment()),
        (None, Order::Apply { spec, live }) => found(spec, *live, formats, &moment()),
        (None, _) => return Err(Failure::because("there is no such group")),
    };
    let mut change = first?;
    for _ in 0..STEPS {
        if crate::core::agenda::next_due(&change.group).is_none_or(|next| next > now) {
            break;
        }
        let next = decide(&change.group, &Event::Due, &moment())?;
        if next.drafts.is_empty() && next.group == change.group {
            break;
        }
        change.group = next.group;
        change.drafts.extend(next.drafts);
        change.journal.extend(next.journal);
    }
    Ok(change)
}

//! The tasks that carry mail: out over the crew's connections, in from the mailbox, until the daemon is to stop.

use super::ports::{Clock, Incoming, Outgoing, Shared};
use super::receiver::{NO_GROUP_YET, ReceiverError, receiver_step, takes_mail};
use super::rows;
use super::run::{MAILBOX_WAITS, WAITS, Wake, rest, until, wait_of};
use super::sender::{Crew, SenderStep};
use super::trouble::{Health, Part};
use super::verify::Prover;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// How long the mail in hand may take when the daemon is to stop (`reliability.md` 22).
const LAST_MAIL: Duration = Duration::from_secs(5);
/// Longest wait for new mail between two looks.
const LONGEST_WATCH: Duration = Duration::from_secs(10 * 60);

/// Time between two looks whether there is a first group.
const FIRST_GROUP: Duration = Duration::from_secs(5);
/// Between two looks whether mail waits for it.
const BETWEEN_LOOKS: chrono::Duration = chrono::Duration::minutes(15);

/// What the tasks that carry mail need beside their sockets.
#[derive(Clone)]
pub(super) struct Post<C> {
    pub(super) store: Shared,
    pub(super) clock: C,
    pub(super) wake: Arc<Wake>,
    pub(super) health: Health,
}

/// Sends what is due.
pub(super) async fn sending<O: Outgoing + 'static, C: Clock + Clone + 'static>(
    mut crew: Crew<'static, O, C>,
    post: Post<C>,
    mut stopping: watch::Receiver<bool>,
) {
    let Post { clock, wake, health, .. } = post;
    let mut failures = 0;
    while !*stopping.borrow() {
        let began = crew.start();
        let wait = match began.and_then(|_| crew.next_start()) {
            Ok(next) => {
                failures = 0;
                health.well(&[Part::Sending]);
                until(next, clock.now())
            }
            Err(error) => {
                failures += 1;
                health.store(Part::Sending, &error, clock.now());
                tracing::error!(%error, "the outbox can't be used; it is tried again");
                wait_of(&WAITS, failures)
            }
        };
        tokio::select! {
            ended = crew.ended(), if crew.is_busy() => {
                if let Err(error) = &ended {
                    health.store(Part::Sending, error, clock.now());
                }
                tell_sent(ended, &wake);
                note(&health, crew.shut(), &[Part::Server, Part::ServerLogin], clock.now());
                note(&health, crew.stuck(), &[Part::Outbox, Part::Address], clock.now());
            }
            () = wake.sender.notified() => {}
            () = tokio::time::sleep(wait) => {}
            _ = stopping.wait_for(|s| *s) => {}
        }
    }
    // what is cut off here is looked after when the tasks have ended
    if let Ok(ended) = tokio::time::timeout(LAST_MAIL, crew.finish()).await {
        tell_sent(ended, &wake);
    }
}

/// What a conversation showed: that something is wrong, or that all of these are well.
fn note(health: &Health, found: Option<(Part, String)>, well: &[Part], now: DateTime<Utc>) {
    match found {
        Some((part, what)) => {
            if health.all().get(&part).is_none_or(|(_, known)| *known != what) {
                tracing::warn!(%what, "mail does not leave; it is tried again");
            }
            health.wrong(part, what, now);
        }
        None => health.well(well),
    }
}

fn tell_sent(ended: Result<SenderStep, StoreError>, wake: &Wake) {
    match ended {
        Ok(SenderStep { sent, later, lost }) => {
            if sent + later + lost > 0 {
                tracing::info!(sent, later, lost, "mails");
            }
            if lost > 0 {
                wake.engine.notify_one();
            }
        }
        Err(error) => tracing::error!(%error, "what became of a mail could not be written; it is tried again"),
    }
}

/// Works once the database is known to be whole: no mail goes into a damaged one.
pub(super) async fn once_whole(
    mut whole: watch::Receiver<bool>,
    mut stopping: watch::Receiver<bool>,
    work: impl Future<Output = ()>,
) {
    let whole = tokio::select! {
        known = whole.wait_for(|whole| *whole) => known.is_ok(),
        _ = stopping.wait_for(|stop| *stop) => false,
    };
    match whole {
        true => work.await,
        // damaged: the others are asked to stop
        false => drop(stopping.wait_for(|stop| *stop).await),
    }
}

/// Waits until there was a group; false if the daemon is to stop before. A database that can't be looked at may be
/// the wrong one as well: only a group that was found there ends the wait.
async fn first_group<M: Incoming, C: Clock>(
    Post { store, clock, health, .. }: &Post<C>,
    mailbox: &mut M,
    stopping: &mut watch::Receiver<bool>,
) -> bool {
    let never = Notify::new();
    let (mut told, mut failures, mut look) = (false, 0, clock.now());
    loop {
        let wait = match takes_mail(store) {
            Ok(true) => {
                health.well(&[Part::Receiving, Part::NoGroup]);
                return true;
            }
            Ok(false) => {
                health.well(&[Part::Receiving]);
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(database = %store.get().file().display(), "{NO_GROUP_YET}");
                }
                let now = clock.now();
                // a clock that went back waits for no hour of before
                look = look.min(now + BETWEEN_LOOKS);
                if now >= look {
                    look = now + BETWEEN_LOOKS;
                    let file = store.get().file().display().to_string();
                    tokio::select! {
                        () = waits_for_nobody(mailbox, health, file, now) => {}
                        _ = stopping.wait_for(|s| *s) => return false,
                    }
                }
                failures = 0;
                FIRST_GROUP
            }
            Err(error) => {
                health.store(Part::Receiving, &error, clock.now());
                failures += 1;
                let wait = wait_of(&MAILBOX_WAITS, failures);
                tracing::warn!(%error, again_in = wait.as_secs(), "no mail could be taken in; it stays in the mailbox");
                wait
            }
        };
        if rest(stopping, &never, wait).await {
            return false;
        }
    }
}

/// Mail that waits where there was no group yet may be answers to another database's mails: somebody is told.
async fn waits_for_nobody<M: Incoming>(mailbox: &mut M, health: &Health, file: String, now: DateTime<Utc>) {
    match mailbox.turn_away().await {
        Ok(waits) => {
            health.well(&[Part::Mailbox, Part::MailboxLogin]);
            match waits {
                true => health.wrong(Part::NoGroup, file, now),
                false => health.well(&[Part::NoGroup]),
            }
        }
        Err(error) => health.mailbox(&error, now),
    }
}

/// Takes mail in.
pub(super) async fn receiving<M: Incoming, C: Clock>(
    post: Post<C>,
    mut mailbox: M,
    prover: Prover,
    mut stopping: watch::Receiver<bool>,
) {
    if !first_group(&post, &mut mailbox, &mut stopping).await || !rows::calm(&post.store, &mut stopping).await {
        return;
    }
    let Post { store, clock, wake, health } = post;
    let mut failures = 0;
    let never = Notify::new();
    while !*stopping.borrow() {
        let look = async {
            let count = receiver_step(&store, &mut mailbox, &prover, || clock.now()).await?;
            if count > 0 {
                tracing::info!(mails = count, "came in");
                wake.engine.notify_one();
            }
            // now, and not after the wait: what was wrong would be told for as long
            health.well(&[Part::Mailbox, Part::MailboxLogin, Part::Receiving]);
            mailbox.wait(LONGEST_WATCH).await.map_err(ReceiverError::from)
        };
        let looked = tokio::select! {
            looked = look => looked,
            // a mail that is on disk and not yet marked comes again, and is known by its bytes
            _ = stopping.wait_for(|s| *s) => return,
        };
        match looked {
            Ok(()) => failures = 0,
            Err(error) => {
                failures += 1;
                match &error {
                    ReceiverError::Transport(error) => health.mailbox(error, clock.now()),
                    ReceiverError::Store(error) => health.store(Part::Receiving, error, clock.now()),
                }
                let wait = wait_of(&MAILBOX_WAITS, failures);
                tracing::warn!(%error, again_in = wait.as_secs(), "no mail could be taken in; it stays in the mailbox");
                rest(&mut stopping, &never, wait).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::daemon::ports::shared;
    use crate::store::Store;
    use crate::transport::{Fetched, TransportError};
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Clone)]
    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> DateTime<Utc> {
            DateTime::UNIX_EPOCH
        }
    }

    /// Counts the looks; nothing ever comes, though some may wait.
    struct Silent(Arc<AtomicUsize>, bool);

    impl Incoming for Silent {
        async fn fetch_new(&mut self) -> Result<Vec<Fetched>, TransportError> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(Vec::new())
        }

        async fn taken(&mut self, _: &str) -> Result<(), TransportError> {
            Ok(())
        }

        async fn turn_away(&mut self) -> Result<bool, TransportError> {
            Ok(self.1)
        }

        async fn wait(&mut self, at_most: Duration) -> Result<(), TransportError> {
            tokio::time::sleep(at_most).await;
            Ok(())
        }
    }

    /// How often the mailbox was looked at until its task rests, and what is known to be wrong then.
    async fn a_moment(change: &str, before: &[Part], waits: bool) -> (usize, Vec<Part>) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("codevd.db");
        let store = shared(Store::open(&file).unwrap());
        rusqlite::Connection::open(&file).unwrap().execute_batch(change).unwrap();
        let health = Health::default();
        before.iter().for_each(|part| health.wrong(*part, "as it was", Noon.now()));
        let looks = Arc::new(AtomicUsize::new(0));
        let (stopper, stopping) = watch::channel(false);
        let post = Post { store, clock: Noon, wake: Arc::default(), health: health.clone() };
        let task = tokio::spawn(receiving(post, Silent(Arc::clone(&looks), waits), Prover::default(), stopping));
        // one thread: each turn takes the task on to its next wait, and no timer of its comes within so few
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let found = health.all().into_keys().collect();
        stopper.send(true).unwrap();
        task.await.unwrap();
        (looks.load(Ordering::SeqCst), found)
    }

    #[tokio::test]
    async fn a_database_that_can_not_be_looked_at_takes_no_mail_and_that_is_told() {
        let (looks, wrong) = a_moment("ALTER TABLE outbox RENAME TO elsewhere", &[], true).await;
        assert!(looks == 0 && !wrong.is_empty(), "{looks} {wrong:?}");
        assert_eq!(a_moment("", &[], false).await, (0, Vec::new()));
    }

    #[tokio::test]
    async fn a_mailbox_that_can_be_read_again_is_well_before_the_wait_for_mail_ends() {
        let group = "PRAGMA foreign_keys = OFF; \
            CREATE TABLE other (id); INSERT INTO other VALUES (1); \
            ALTER TABLE outbox RENAME TO elsewhere; ALTER TABLE other RENAME TO outbox";
        assert_eq!(a_moment(group, &[Part::Mailbox, Part::Receiving, Part::NoGroup], false).await, (1, Vec::new()));
    }

    #[tokio::test]
    async fn mail_that_waits_where_there_was_no_group_is_told() {
        assert_eq!(a_moment("", &[], true).await, (0, vec![Part::NoGroup]));
        assert_eq!(a_moment("", &[Part::NoGroup, Part::Mailbox], false).await, (0, Vec::new()));
    }
}

//! The sockets the house is plugged in by: time, fresh letters, mail out, mail in.

use crate::store::Store;
use crate::transport::{BeforeDot, Delivery, Envelope, Fetched, TransportError};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What time it is.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> DateTime<Utc>;
}

/// Letters that nobody can guess.
pub trait Ids: Send {
    /// 26 letters and digits, new each time: 128 bits.
    fn fresh(&mut self) -> String;
}

/// Mail out: SMTP, or the simulator's post office.
pub trait Outgoing: Send {
    /// Hands one mail to one receiver's server. `before_dot` is called once, right before the
    /// final dot goes: from there on a crash leaves a doubt. Its error, in a sentence, keeps the mail back.
    fn send(
        &mut self,
        envelope: &Envelope,
        bytes: &[u8],
        before_dot: BeforeDot<'_>,
    ) -> impl Future<Output = Delivery> + Send;
}

impl<O: Outgoing> Outgoing for &mut O {
    async fn send(&mut self, envelope: &Envelope, bytes: &[u8], before_dot: BeforeDot<'_>) -> Delivery {
        (**self).send(envelope, bytes, before_dot).await
    }
}

/// Mail in: IMAP, Maildir, or the simulator's post office.
pub trait Incoming: Send {
    /// What is there and was not taken yet, in order.
    fn fetch_new(&mut self) -> impl Future<Output = Result<Vec<Fetched>, TransportError>> + Send;
    /// Marks one as taken, once it is on disk here.
    fn taken(&mut self, place: &str) -> impl Future<Output = Result<(), TransportError>> + Send;
    /// No mail is taken now: whoever hands some in meanwhile is told to come again. Says whether some waits.
    fn turn_away(&mut self) -> impl Future<Output = Result<bool, TransportError>> + Send {
        async { Ok(!self.fetch_new().await?.is_empty()) }
    }
    /// Returns when there may be something new, or after `at_most`.
    fn wait(&mut self, at_most: Duration) -> impl Future<Output = Result<(), TransportError>> + Send;
}

/// The folder where a provider keeps what left, asked when nobody else knows whether a mail did.
pub trait SentMail: Send {
    /// Which of these Message-IDs it holds; `None` where there is no such folder.
    fn holds(
        &mut self,
        ids: &[String],
    ) -> impl Future<Output = Result<Option<BTreeSet<String>>, TransportError>> + Send;
}

/// The one writer of the store, lent to whoever needs it for a moment.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<Store>>);

/// Shares a store among tasks.
pub fn shared(store: Store) -> Shared {
    Shared(Arc::new(Mutex::new(store)))
}

impl Shared {
    /// The store; held for the length of one transaction. A panic elsewhere does not spoil it: a
    /// transaction that was cut off was rolled back.
    pub fn get(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The post office in memory: takes mail as a server would, and keeps the daemon's mailbox.

use crate::daemon::{Incoming, Outgoing};
use crate::transport::{BeforeDot, Delivery, Envelope, Fetched, Lasting, Phase, TransportError};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A mail that reached somebody's server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The envelope's receiver.
    pub to: String,
    /// The mail.
    pub bytes: Vec<u8>,
}

#[derive(Debug, Default)]
struct Office {
    delivered: VecDeque<Delivered>,
    unknown: BTreeSet<String>,
    cut: BTreeMap<String, u32>,
    down: bool,
}

/// Mail out, to everybody's servers at once.
#[derive(Debug, Clone, Default)]
pub struct SimPost(Arc<Mutex<Office>>);

impl SimPost {
    fn office(&self) -> MutexGuard<'_, Office> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody lives at this address: refused with 550 5.1.1.
    pub fn refuse(&self, address: &str) {
        self.office().unknown.insert(address.to_lowercase());
    }

    /// The connection is lost after the final dot of the next `mails` to this address, which did not arrive.
    pub fn cut(&self, address: &str, mails: u32) {
        self.office().cut.insert(address.to_lowercase(), mails);
    }

    /// The server can't be reached, or can be again.
    pub fn set_down(&self, down: bool) {
        self.office().down = down;
    }

    /// What was delivered since the last look, in order.
    pub fn take(&self) -> Vec<Delivered> {
        self.office().delivered.drain(..).collect()
    }
}

impl Outgoing for SimPost {
    async fn send(&mut self, envelope: &Envelope, bytes: &[u8], before_dot: BeforeDot<'_>) -> Delivery {
        let mut office = self.office();
        if office.down {
            return Delivery::Unreached { phase: Phase::Connect, cause: "connection refused".to_owned() };
        }
        if office.unknown.contains(&envelope.to().to_lowercase()) {
            return Delivery::Refused {
                phase: Phase::Rcpt,
                lasting: Lasting::Permanent,
                code: "5.1.1".parse().ok(),
                reply: format!("550 5.1.1 <{}>: no such user", envelope.to()),
            };
        }
        if let Err(cause) = before_dot() {
            return Delivery::Unreached { phase: Phase::Data, cause };
        }
        if let Some(left) = office.cut.get_mut(&envelope.to().to_lowercase()).filter(|left| **left > 0) {
            *left -= 1;
            return Delivery::InDoubt { cause: "connection reset".to_owned() };
        }
        office.delivered.push_back(Delivered { to: envelope.to().to_owned(), bytes: bytes.to_vec() });
        Delivery::Accepted { reply: "250 2.0.0 taken".to_owned() }
    }
}

/// The daemon's mailbox.
#[derive(Debug, Clone, Default)]
pub struct SimInbox(Arc<Mutex<Mailbox>>);

#[derive(Debug, Default)]
struct Mailbox {
    next: u64,
    mails: VecDeque<Fetched>,
}

impl SimInbox {
    /// A mail arrives.
    pub fn put(&self, bytes: Vec<u8>) {
        let mut mailbox = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        mailbox.next += 1;
        let place = format!("INBOX;1;{}", mailbox.next);
        let size = bytes.len() as u64;
        mailbox.mails.push_back(Fetched { place, bytes, truncated: false, size });
    }
}

impl Incoming for SimInbox {
    async fn fetch_new(&mut self) -> Result<Vec<Fetched>, TransportError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).mails.iter().cloned().collect())
    }

    async fn taken(&mut self, place: &str) -> Result<(), TransportError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).mails.retain(|m| m.place != place);
        Ok(())
    }

    async fn wait(&mut self, _at_most: Duration) -> Result<(), TransportError> {
        Ok(())
    }
}

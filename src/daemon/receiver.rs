//! The receiver's step: mail is on disk here before the mailbox is told that it was taken.

use super::ports::{Incoming, Shared};
use crate::store::{Received, StoreError};
use crate::transport::{Fetched, TransportError};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

/// What stopped a step: nothing was lost, the mail is still in the mailbox.
#[derive(Debug, thiserror::Error)]
pub enum ReceiverError {
    /// The mailbox.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes what is new: commit first, then acknowledge (`reliability.md` 11). Says how many came.
///
/// # Errors
/// The mailbox or the store; what was not acknowledged comes again and is known by its hash.
pub async fn receiver_step<I: Incoming>(
    store: &Shared,
    incoming: &mut I,
    now: impl Fn() -> DateTime<Utc>,
) -> Result<usize, ReceiverError> {
    let mut count = 0;
    loop {
        let fetched = incoming.fetch_new().await?;
        if fetched.is_empty() {
            return Ok(count);
        }
        for mail in fetched {
            let place = mail.place.clone();
            store.get().receive(&[received(mail, now())])?;
            incoming.taken(&place).await?;
            count += 1;
        }
    }
}

/// A fetched mail as an inbox row. What links it is read again from the bytes when it is decided on.
pub fn received(mail: Fetched, at: DateTime<Utc>) -> Received {
    let hash = Sha256::digest(&mail.bytes).iter().map(|b| format!("{b:02x}")).collect();
    let head = crate::mail::letter::head(&mail.bytes);
    Received { place: mail.place, message_id: head.message_id, hash, bytes: mail.bytes, received_at: at, from: head.from }
}

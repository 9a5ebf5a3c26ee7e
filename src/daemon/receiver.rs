//! The receiver's step: mail is on disk here before the mailbox is told that it was taken.

use super::ports::{Incoming, Shared};
use super::rows::{MOST_TRIES, close};
use super::verify::Prover;
use crate::core::proof::Proof;
use crate::mail;
use crate::store::{InboxState, Received, StoreError, Taken};
use crate::transport::{Fetched, TransportError};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::panic::{AssertUnwindSafe, catch_unwind};

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

/// Why a database that knew no group yet takes no mail.
pub const NO_GROUP_YET: &str = "there was no group here yet, so no mail is taken in before the first \
    `codevd group apply`; if codevd ran here before, this is not its database: is its disk mounted?";

/// A new database has nobody to hear of. Where it is new because the right one is not mounted, the answers to that
/// one would be taken, and be answers to nobody.
///
/// # Errors
/// The store's own.
pub fn takes_mail(store: &Shared) -> Result<bool, StoreError> {
    Ok(!store.get().is_new()?)
}

/// Takes what is new: commit first, then acknowledge (`reliability.md` 11). Says how many came.
///
/// # Errors
/// The mailbox or the store; what was not acknowledged comes again and is known by its hash.
pub async fn receiver_step<I: Incoming>(
    store: &Shared,
    incoming: &mut I,
    prover: &Prover,
    now: impl Fn() -> DateTime<Utc>,
) -> Result<usize, ReceiverError> {
    let mut count = 0;
    loop {
        let fetched = incoming.fetch_new().await?;
        if fetched.is_empty() {
            return Ok(count);
        }
        crash_point!("receiver.fetched");
        let mut failed = None;
        for mail in fetched {
            let place = mail.place.clone();
            arrive(store, mail, prover, &now).await?;
            crash_point!("receiver.on_disk");
            // one that can't be marked holds up none of the others
            if let Err(error) = incoming.taken(&place).await {
                failed.get_or_insert(error);
            }
            crash_point!("receiver.acknowledged");
            count += 1;
        }
        if let Some(error) = failed {
            return Err(error.into());
        }
    }
}

/// Finds out whom a mail is from and puts it on disk. It is known there by its hash before any of it is read: one that
/// ended the process too often is kept as it came, by nobody we know.
///
/// # Errors
/// The store's own; nothing was taken then.
pub async fn arrive(
    store: &Shared,
    mail: Fetched,
    prover: &Prover,
    now: impl Fn() -> DateTime<Utc>,
) -> Result<Taken, StoreError> {
    let known = hash(&mail.bytes);
    let tries = store.get().begin_arriving(&known, now())?;
    crash_point!("receiver.arriving");
    let taken = if tries < MOST_TRIES {
        // DKIM and DNS here, at the edge, once: what is found is kept with the mail
        let proof = prover.proof(&mail.bytes).await;
        take(store, mail, proof, now())
    } else {
        set_aside(store, mail, tries, now())
    };
    // a full disk is no fault of the mail: this process lives
    if taken.is_err()
        && let Err(error) = store.get().leave_one_arriving(&known)
    {
        tracing::debug!(%error, "the disk takes back no count either; it is tried again at the end");
    }
    taken
}

/// Keeps one that ended the process too often, unread.
fn set_aside(store: &Shared, mail: Fetched, tries: u32, at: DateTime<Utc>) -> Result<Taken, StoreError> {
    let row = Received {
        message_id: None,
        from: None,
        hash: hash(&mail.bytes),
        place: mail.place,
        bytes: mail.bytes,
        received_at: at,
        proof: None,
    };
    let reason = format!("the daemon ended {tries} times while it took this in; it is kept as it came");
    let taken = store.get().receive_aside(&row, &reason)?;
    if let Taken::New(id) = taken {
        tracing::error!(inbox = id, tries, "the daemon ended each time it took this mail in: it is set aside");
    }
    Ok(taken)
}

/// At the end of a process that carried mail in: what it could not take is held against no mail.
pub fn leave_arriving(store: &Shared) {
    if let Err(error) = store.get().leave_arriving() {
        tracing::warn!(%error, "a mail that was being taken in counts as one that ended the daemon");
    }
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// Puts a mail on disk. One over the size cap, of which only the beginning came, is set aside for a person.
///
/// # Errors
/// The store's own; nothing was taken then.
pub fn take(store: &Shared, mail: Fetched, proof: Option<Proof>, at: DateTime<Utc>) -> Result<Taken, StoreError> {
    let (truncated, size) = (mail.truncated, mail.size);
    let short = mail.bytes.len() < super::inbound::MAX_BYTES;
    let taken = store.get().receive(&[received(mail, proof, at)])?;
    let first = taken.into_iter().next().unwrap_or(Taken::Duplicate(0));
    // one whose beginning is as long as any mail may be is known by that: its author is told
    if let (true, Taken::New(id)) = (truncated && short, first) {
        let reason = format!(
            "{} MB: too large to be read; its beginning is kept, the whole is in the mailbox",
            size / 1_000_000
        );
        close(&mut store.get(), id, InboxState::Quarantined, reason, None, None, at)?;
    }
    Ok(first)
}

/// Bytes of a mail looked at for the list's sake: its head.
const HEAD: usize = 64 * 1024;

/// A fetched mail as an inbox row. What links it is read again from the bytes when it is decided on.
pub fn received(mail: Fetched, proof: Option<Proof>, at: DateTime<Utc>) -> Received {
    let hash = hash(&mail.bytes);
    let head = &mail.bytes[..mail.bytes.len().min(HEAD)];
    // a mail that breaks the reader is taken all the same; the engine quarantines it
    let letter = catch_unwind(AssertUnwindSafe(|| mail::letter(head))).ok();
    Received {
        message_id: letter.as_ref().and_then(|l| l.message_id.clone()),
        from: letter.and_then(|l| l.from).map(|f| f.email),
        place: mail.place,
        hash,
        bytes: mail.bytes,
        received_at: at,
        proof,
    }
}

//! Whether a mail left: where nobody else knows, the Sent folder is asked. It is believed when it holds the mail; that
//! it holds none is believed only where it holds a later mail of ours, for not every provider fills it.

use super::ports::{SentMail, Shared};
use crate::store::{Doubt, Known, SeenSent, StoreError, Verdict};
use crate::transport::TransportError;
use chrono::{DateTime, Duration, Utc};
use std::collections::BTreeSet;

/// How long the Sent folder is asked for a mail in doubt.
pub const ASKED_FOR: Duration = Duration::minutes(15);
/// A provider may take so long to put into the folder what it took,
const LAG: Duration = Duration::minutes(2);
/// and a wall clock may jump: it has to be missing in so many looks, a minute apart, too.
const LOOKS: u32 = 3;
/// So many mails that surely left are looked for, to see whether the folder is filled.
const WITNESSES: u32 = 3;

/// Why the Sent folder could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum DoubtError {
    /// The folder's server.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Asks for the mails in doubt, and for those that wait after a restore. Says how many were cleared up.
///
/// # Errors
/// The folder can't be asked: mails whose time is over are then settled by their draft's own rule, the others wait.
pub async fn doubt_step<S: SentMail>(store: &Shared, sent: &mut S, now: DateTime<Utc>) -> Result<usize, DoubtError> {
    let cleared = in_doubt(store, sent, now).await?;
    let restored = store.get().restored()?;
    match restored {
        Some(_) if store.get().held()?.is_some() => Ok(cleared + after_restore(store, sent, now).await?),
        _ => Ok(cleared),
    }
}

async fn in_doubt<S: SentMail>(store: &Shared, sent: &mut S, now: DateTime<Utc>) -> Result<usize, DoubtError> {
    let doubts = store.get().doubts()?;
    let Some(first) = doubts.iter().map(|d| d.since).min() else { return Ok(0) };
    let known = store.get().known_sent(first, WITNESSES)?;
    let ids: Vec<String> =
        doubts.iter().map(|d| &d.message_id).chain(known.iter().map(|k| &k.message_id)).cloned().collect();
    let asked = sent.holds(&ids).await;
    let (mut cleared, mut missing) = (0, Vec::new());
    for doubt in &doubts {
        let over = now >= doubt.until;
        let verdict = match &asked {
            Ok(Some(held)) => verdict(doubt, &known, held, now),
            Ok(None) => Some(Verdict::Unknown),
            Err(_) => None,
        };
        if let Some(verdict) = verdict.or(over.then_some(Verdict::Unknown)) {
            store.get().settle_doubt(doubt.id, verdict, now)?;
            cleared += 1;
        } else if asked.is_ok() {
            missing.push(doubt.id);
        }
    }
    if !missing.is_empty() {
        store.get().not_in_sent(&missing)?;
    }
    asked?;
    Ok(cleared)
}

fn verdict(doubt: &Doubt, known: &[Known], held: &BTreeSet<String>, now: DateTime<Utc>) -> Option<Verdict> {
    if held.contains(&doubt.message_id) {
        return Some(Verdict::Left);
    }
    // a mail that left later is there: the folder is filled, and this one would be there too
    let filled = known.iter().any(|k| k.at > doubt.since && held.contains(&k.message_id));
    (filled && now >= doubt.since + LAG && doubt.looks >= LOOKS).then_some(Verdict::NotLeft)
}

async fn after_restore<S: SentMail>(store: &Shared, sent: &mut S, now: DateTime<Utc>) -> Result<usize, DoubtError> {
    let waiting = store.get().waiting()?;
    let before = store.get().restored()?.and_then(|r| r.seen).unwrap_or_default();
    let known = store.get().known_sent(DateTime::<Utc>::UNIX_EPOCH, WITNESSES)?;
    let ids: Vec<String> =
        waiting.iter().map(|(_, id)| id).chain(known.iter().map(|k| &k.message_id)).cloned().collect();
    let held = sent.holds(&ids).await?;
    let folder = held.is_some();
    let held = held.unwrap_or_default();
    let found: Vec<i64> = waiting.iter().filter(|(_, id)| held.contains(id)).map(|(id, _)| *id).collect();
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let seen = SeenSent {
        folder,
        // what was found after the backup shows it as well as what left before
        filled: before.filled || !found.is_empty() || known.iter().any(|k| held.contains(&k.message_id)),
        asked: before.found + small(waiting.len()),
        found: before.found + small(found.len()),
    };
    if seen != before || !found.is_empty() {
        store.get().reconcile(&found, &seen, now)?;
    }
    Ok(found.len())
}

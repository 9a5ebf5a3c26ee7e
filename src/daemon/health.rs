//! Looks at the whole database once after the start, beside the work: a damaged file takes no mail, and is told.

use crate::store::{Reader, StoreError};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::watch;

/// The wait before a file that can't be read just now is looked at again.
const AGAIN: Duration = Duration::from_secs(10);
/// How many of the faults found are told; a torn file has thousands.
const TOLD: usize = 3;

/// A database that is not whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}: the database is damaged: {found}. The mailbox is not read: what comes waits there. Copy the file away together with its -wal, then put the newest backup back: `codevd restore BACKUP`",
    file.display()
)]
pub struct Damage {
    /// The database.
    pub file: PathBuf,
    /// What SQLite found, the first few.
    pub found: String,
}

/// Ends when the file is found to be damaged, and only then; `whole` becomes true once it is known to be whole.
pub async fn damage(reader: Reader, whole: watch::Sender<bool>) -> Damage {
    let mut reader = reader;
    loop {
        // the check reads the whole file: not on a thread that others need
        let look = tokio::task::spawn_blocking(move || (reader.quick_check(), reader)).await;
        // the runtime is going down, or the check broke down: nobody is told anything that is not known
        let Ok((found, back)) = look else { return std::future::pending().await };
        reader = back;
        match judged(&reader, found) {
            Ok(None) => {
                let _ = whole.send(true);
                return std::future::pending().await;
            }
            Ok(Some(damage)) => return damage,
            Err(error) => tracing::error!(%error, "the database can't be looked at; it is tried again"),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// What a look at the file means: whole, damaged, or not known yet.
fn judged(reader: &Reader, found: Result<Vec<String>, StoreError>) -> Result<Option<Damage>, StoreError> {
    let found = match found {
        Ok(found) if found.is_empty() => return Ok(None),
        Ok(found) => found,
        Err(error) if error.is_damage() => vec![error.to_string()],
        Err(error) => return Err(error),
    };
    let more = found.len().saturating_sub(TOLD);
    let mut told = found.into_iter().take(TOLD).collect::<Vec<_>>().join("; ");
    if more > 0 {
        told.push_str(&format!("; and {more} more"));
    }
    Ok(Some(Damage { file: reader.file().to_owned(), found: told }))
}

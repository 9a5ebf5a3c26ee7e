//! The one SQLite file: groups, outbox, inbox and journal. The only room that knows SQL.
//!
//! Reading order: [`migrate`](self) brings the file up to date; `cells` and `diff` turn values into
//! rows and write those that differ; `group_rows` and `meeting_rows` name the rows of a group;
//! `commit` is the one transaction of the engine; `outbox` the sender's, `inbox` the receiver's;
//! `read`, `mails` and `journal` are for whoever looks.

mod cells;
mod commit;
mod diff;
mod error;
mod group_rows;
mod inbox;
mod journal;
mod mails;
mod meeting_rows;
mod migrate;
mod outbox;
mod read;
mod upkeep;

pub use commit::{Commit, Committed, GroupCommit, InboxDone, NewMail};
pub use error::StoreError;
pub use inbox::{InboxKind, InboxRow, InboxState, Received, Taken};
pub use journal::{About, JournalRow};
pub use mails::{Attempt, MailState, QueueFilter, QueueRow, SentMail};
pub use outbox::{Claimed, Recovered, Settled};
pub use read::{Counts, GroupRow, Loaded, MeetingRow};

use error::{Fault, remedy};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The oldest SQLite without the WAL-reset race (3.7.0 to 3.51.2 have it; `reliability.md` 15).
const OLDEST_SQLITE: i32 = 3_051_003;
/// How long a writer waits for another process before it gives up.
const BUSY: Duration = Duration::from_secs(10);
/// Statements kept ready: about as many as there are in this room.
const STATEMENTS: usize = 128;

/// Somebody who only looks: every read function, on a connection that cannot write.
#[derive(Debug)]
pub struct Reader {
    conn: Connection,
    file: PathBuf,
}

/// The writer: one a file. It can all that a [`Reader`] can.
#[derive(Debug)]
pub struct Store {
    inner: Reader,
    derivation: String,
}

impl std::ops::Deref for Store {
    type Target = Reader;
    fn deref(&self) -> &Reader {
        &self.inner
    }
}

impl Store {
    /// Opens the file, makes it where there is none, and brings it to the newest schema.
    ///
    /// # Errors
    /// A file of a newer codevd, an SQLite with the WAL race, a folder that can't be written.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let file = path.as_ref();
        check_library(rusqlite::version_number())?;
        let mut conn = connect(file, OpenFlags::default())?;
        // before anything is changed: a newer file is left as it is
        let known = newest();
        let found = migrate::version(&conn).map_err(open_error(file))?;
        if found > known {
            return Err(StoreError::Newer { file: file.to_owned(), found, known });
        }
        settings(&conn).map_err(open_error(file))?;
        migrate::migrate(&mut conn, file, &migrate::embedded())?;
        Ok(Self { inner: Reader { conn, file: file.to_owned() }, derivation: String::new() })
    }

    /// A reader beside this writer, for another task.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn reader(&self) -> Result<Reader, StoreError> {
        Reader::open(&self.inner.file)
    }

    /// What `next_due_at` is derived by from now on (program, zone data, formats): see
    /// [`Reader::stale`] (`decisions.md` 28).
    pub fn deriving(&mut self, by: impl Into<String>) {
        self.derivation = by.into();
    }

    /// One transaction that may write. Rolled back whole when `act` fails.
    fn write<T>(
        &mut self,
        doing: &'static str,
        act: impl FnOnce(&Transaction<'_>, &str) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let file = self.inner.file.clone();
        let derivation = &self.derivation;
        let done = || {
            let tx = self.inner.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = act(&tx, derivation)?;
            tx.commit()?;
            Ok(done)
        };
        done().map_err(|fault: Fault| fault.at(&file, doing))
    }
}

impl Reader {
    /// Opens the file for reading alone; a running daemon is not disturbed.
    ///
    /// # Errors
    /// No such file, a file of another schema than this program's.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let file = path.as_ref();
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = connect(file, flags)?;
        let known = newest();
        let found = migrate::version(&conn).map_err(open_error(file))?;
        let file = file.to_owned();
        match found.cmp(&known) {
            std::cmp::Ordering::Greater => Err(StoreError::Newer { file, found, known }),
            std::cmp::Ordering::Less => Err(StoreError::Older { file, found, known }),
            std::cmp::Ordering::Equal => Ok(Self { conn, file }),
        }
    }

    /// Where the database lies.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Rows written on this connection since it was opened, for tests and metrics.
    pub fn rows_written(&self) -> u64 {
        self.conn.total_changes()
    }

    /// Reads; the fault gets the file and what was being done.
    fn look<T>(&self, doing: &'static str, act: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, StoreError> {
        act(&self.conn).map_err(|fault| fault.at(&self.file, doing))
    }

    /// Several reads that see one and the same state of the file.
    fn look_at_once<T>(
        &self,
        doing: &'static str,
        act: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.look(doing, |conn| {
            let tx = conn.unchecked_transaction()?;
            let seen = act(&tx)?;
            tx.finish()?;
            Ok(seen)
        })
    }
}

fn newest() -> i64 {
    migrate::embedded().last().map_or(0, |step| step.to)
}

fn connect(file: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let open = || {
        let conn = Connection::open_with_flags(file, flags)?;
        conn.busy_timeout(BUSY)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
        conn.pragma_update(None, "foreign_keys", true)?;
        Ok(conn)
    };
    open().map_err(open_error(file))
}

/// Survives a power cut after every commit, and lets readers read meanwhile.
fn settings(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)
}

fn open_error(file: &Path) -> impl Fn(rusqlite::Error) -> StoreError {
    let file = file.to_owned();
    move |error| StoreError::Open { file: file.clone(), why: error.to_string(), remedy: remedy(&error) }
}

fn check_library(found: i32) -> Result<(), StoreError> {
    if found >= OLDEST_SQLITE {
        return Ok(());
    }
    let found = format!("{}.{}.{}", found / 1_000_000, found / 1000 % 1000, found % 1000);
    Err(StoreError::Library { found })
}

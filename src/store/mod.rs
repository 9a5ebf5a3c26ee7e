//! The one SQLite file: groups, outbox, inbox and journal. The only room that knows SQL.
//!
//! Reading order: `migrate` brings the file up to date; `cells` and `diff` turn values into
//! rows and write those that differ; `group_rows` and `meeting_rows` name the rows of a group;
//! `commit` is the one transaction of the engine; `outbox` the sender's, `inbox` the receiver's;
//! `read`, `mails` and `journal` are for whoever looks. `sealed` says which columns are sealed, and `keys` is the
//! second file: whoever has this one alone reads nobody's words.

mod alarms;
mod arriving;
mod cells;
mod clock;
mod commit;
mod diff;
mod doubt;
mod error;
mod fault;
mod forget;
mod group_rows;
mod hold;
mod inbox;
mod journal;
mod keys;
mod lost;
mod mails;
mod meeting_rows;
mod migrate;
mod opt_outs;
mod outbox;
#[cfg(test)]
mod plans;
mod probe;
mod read;
mod retention;
mod sealed;
mod upkeep;

pub use alarms::Alarm;
pub use clock::{ClockSeen, LONGEST_WAIT};
pub use commit::{Commit, Committed, GroupCommit, InboxDone, NewMail};
pub use doubt::{Doubt, Known, Restored, SeenSent, Verdict};
pub use error::StoreError;
pub use fault::{DiskFault, WritePoint};
pub use forget::{Forgetting, Forgotten};
pub use hold::Held;
pub use inbox::{InboxKind, InboxRow, InboxState, Received, Taken};
pub use journal::{About, JournalRow};
pub use lost::Unreadable;
pub use mails::{Attempt, MailState, QueueFilter, QueueRow, SentMail};
pub use outbox::{Claimed, Recovered, Settled};
pub use read::{Counts, GroupRow, Loaded, MeetingRow};
pub use retention::Emptied;

use error::{Fault, remedy};
use keys::Keys;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use sealed::Seals;
use std::collections::BTreeMap;
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
    seals: Seals,
    last: read::LastLoaded,
}

/// The writer: one a file. It can all that a [`Reader`] can.
#[derive(Debug)]
pub struct Store {
    inner: Reader,
    derivation: String,
    /// How long the Sent folder is asked for a mail in doubt, where there is one.
    doubt_for: Option<chrono::Duration>,
    watched: fault::Watched,
    /// The keys file is not the one, or not the state of it, that the database was written with.
    other_keys: bool,
    /// Hashes of mails that this process began to take, with how many began them before.
    arriving: BTreeMap<String, u32>,
}

impl std::ops::Deref for Store {
    type Target = Reader;
    fn deref(&self) -> &Reader {
        &self.inner
    }
}

impl Store {
    /// Opens the file, makes it where there is none (for its owner's eyes alone: people's words lie
    /// in it), and brings it to the newest schema.
    ///
    /// # Errors
    /// A file of a newer codevd, an SQLite with the WAL race, a folder that can't be written, keys without their
    /// database.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let file = path.as_ref();
        check_library(rusqlite::version_number())?;
        not_gone(file)?;
        make(file)?;
        let (mut conn, seals) = connect(file, OpenFlags::default(), true)?;
        // before anything is changed: a newer file is left as it is
        let known = newest();
        let found = migrate::version(&conn).map_err(open_error(file))?;
        if found > known {
            return Err(StoreError::Newer { file: file.to_owned(), found, known });
        }
        settings(&conn).map_err(open_error(file))?;
        let opening = |fault: Fault| fault.at(file, "look for the keys");
        let other_keys = lost::other_keys(&conn, &seals, found).map_err(opening)?;
        if other_keys == lost::Found::Gone {
            return Err(StoreError::KeysGone { file: file.to_owned(), keys: keys::path(file) });
        }
        migrate::migrate(&mut conn, file, &migrate::embedded(), &seals)?;
        let inner = Reader { conn, file: file.to_owned(), seals, last: read::LastLoaded::default() };
        let other_keys = other_keys == lost::Found::Other;
        Ok(Self {
            inner,
            derivation: String::new(),
            doubt_for: None,
            watched: fault::Watched::default(),
            other_keys,
            arriving: BTreeMap::new(),
        })
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

    /// From now on `watch` is asked at each point of each write, and may let it fail: for simulations.
    /// What it says of a write that is on disk already changes nothing.
    pub fn watch(&mut self, watch: impl FnMut(WritePoint) -> Result<(), DiskFault> + Send + 'static) {
        self.watched = fault::Watched::by(watch);
    }

    /// One transaction that may write. Rolled back whole when `act` fails.
    fn write<T>(
        &mut self,
        doing: &'static str,
        act: impl FnOnce(&Transaction<'_>, &str) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let file = self.inner.file.clone();
        let Self { inner, derivation, watched, .. } = self;
        let done = || {
            watched.reach(WritePoint::Begin)?;
            crash_point!("store.begin", doing);
            let tx = inner.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            inner.seals.keys().begin()?;
            let done = act(&tx, derivation)?;
            lost::note(&tx, &inner.seals)?;
            watched.reach(WritePoint::Written)?;
            // a key is on disk before the first row sealed with it
            inner.seals.keys().commit()?;
            crash_point!("store.written", doing);
            tx.commit()?;
            crash_point!("store.on_disk", doing);
            let _ = watched.reach(WritePoint::Committed);
            Ok(done)
        };
        let done = done();
        if done.is_err() {
            inner.seals.keys().rollback();
        }
        done.map_err(|fault: Fault| fault.at(&file, doing))
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
        let (conn, seals) = connect(file, flags, false)?;
        let known = newest();
        let found = migrate::version(&conn).map_err(open_error(file))?;
        let file = file.to_owned();
        match found.cmp(&known) {
            std::cmp::Ordering::Greater => Err(StoreError::Newer { file, found, known }),
            std::cmp::Ordering::Less => Err(StoreError::Older { file, found, known }),
            std::cmp::Ordering::Equal => Ok(Self { conn, file, seals, last: read::LastLoaded::default() }),
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

/// Gives somebody's own connection to a database the functions `seal`, `unseal` and `unseal_text`, with the keys that
/// lie beside it; it makes none.
///
/// # Errors
/// SQLite's own.
pub fn open_words(conn: &Connection, file: &Path) -> rusqlite::Result<()> {
    Seals::on(conn, Keys::of(file, false)).map(drop)
}

/// Whether a database may be made here: not where one with sealed words was. An empty keys file is somebody's word that
/// what they sealed is given up.
///
/// # Errors
/// Its keys are there, and the database is not, or is empty.
pub fn not_gone(file: &Path) -> Result<(), StoreError> {
    let is_empty = |file: &Path| std::fs::metadata(file).map_or(true, |m| m.len() == 0);
    let keys = keys::path(file);
    match is_empty(file) && !is_empty(&keys) {
        true => Err(StoreError::Gone { file: file.to_owned(), keys }),
        false => Ok(()),
    }
}

/// Makes an empty file that only its owner may read; SQLite gives its WAL the same rights.
fn make(file: &Path) -> Result<(), StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(StoreError::Open {
            file: file.to_owned(),
            why: e.to_string(),
            remedy: "Check that its folder exists and that codevd's user may write to it",
        }),
    }
}

fn newest() -> i64 {
    migrate::embedded().last().map_or(0, |step| step.to)
}

fn connect(file: &Path, flags: OpenFlags, writes: bool) -> Result<(Connection, Seals), StoreError> {
    let open = || {
        let conn = Connection::open_with_flags(file, flags)?;
        conn.busy_timeout(BUSY)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
        conn.pragma_update(None, "foreign_keys", true)?;
        // else a statement kept for reuse is compiled anew for each other LIMIT it is given
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // no files elsewhere: the daemon reaches its own folders alone
        conn.pragma_update(None, "temp_store", "MEMORY")?;
        let seals = Seals::on(&conn, Keys::of(file, writes))?;
        Ok((conn, seals))
    };
    open().map_err(open_error(file))
}

/// Survives a power cut after every commit, lets readers read meanwhile, and leaves nothing of
/// what was removed in the file's free pages.
fn settings(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update_and_check(None, "secure_delete", "ON", |_| Ok(()))?;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_sqlite_with_the_wal_race_is_refused_and_the_bundled_one_is_not() {
        let error = check_library(3_051_002).unwrap_err().to_string();
        assert!(error.contains("SQLite 3.51.2") && error.contains("bundled"), "{error}");
        assert!(check_library(3_051_003).is_ok());
        assert!(check_library(rusqlite::version_number()).is_ok());
    }

    #[test]
    fn the_settings_hold() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("codevd.db")).unwrap();
        let ask = |name: &str| -> String {
            let sql = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
            store.conn.query_row(&sql, [], |r| r.get(0)).unwrap()
        };
        let found = ["journal_mode", "synchronous", "foreign_keys", "secure_delete"].map(ask);
        assert_eq!(found, ["wal", "2", "1", "1"]);
        let reader = store.reader().unwrap();
        assert!(reader.conn.execute("DELETE FROM groups", []).is_err());
    }

    #[test]
    fn a_full_disk_takes_nothing_says_so_and_goes_on_once_there_is_room() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path().join("codevd.db")).unwrap();
        let limit = |store: &Store, pages: i64| {
            store.conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
        };
        let pages: i64 = store.conn.query_row("PRAGMA page_count", [], |r| r.get(0)).unwrap();
        limit(&store, pages + 2);
        let mail = |hash: &str| Received {
            place: "lmtp".to_owned(),
            message_id: None,
            hash: hash.to_owned(),
            bytes: vec![7; 100_000],
            received_at: chrono::DateTime::UNIX_EPOCH,
            from: None,
            proof: None,
        };
        let error = store.receive(&[mail("a")]).unwrap_err();
        assert!(error.is_temporary() && error.to_string().contains("Make room"), "{error}");
        assert_eq!(store.next_inbox(9).unwrap().len(), 0);
        limit(&store, 1_000_000);
        assert_eq!(store.receive(&[mail("a")]).unwrap(), [Taken::New(1)]);
    }
}

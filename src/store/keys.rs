//! The second file: the keys that people's words and mails are sealed with. Who has the database alone reads
//! none of them; a key thrown away ends what it sealed, in every copy of the database.
//!
//! A key's scope says what it is for: `lyon/3` a meeting, `lyon/2026-12` what a group said in a month beside its
//! meetings, `mail/2026-12` the mails of a month. A key is on disk before the first row sealed with it, and rows
//! are gone before their key is. Keys change only while the database's write lock is held.

use super::cells::{all, first, run};
use super::error::Fault;
use ring::rand::{SecureRandom, SystemRandom};
use rusqlite::{Connection, OpenFlags, params};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A key's number: random, so that no two files give the same one to different keys.
pub(super) type KeyId = [u8; 8];
/// Keys kept in memory at most.
const REMEMBERED: usize = 20_000;

const SCHEMA: &str = "\
    CREATE TABLE file (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL, made INTEGER NOT NULL) STRICT;
    CREATE TABLE keys (
      id      BLOB PRIMARY KEY,
      scope   TEXT NOT NULL,             -- lyon/3, lyon/2026-12, mail/2026-12
      retired INTEGER NOT NULL,          -- 1: opens what it sealed, seals nothing more
      key     BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX keys_scope ON keys (scope) WHERE retired = 0;
    INSERT INTO file (one, id, made) VALUES (1, lower(hex(randomblob(16))), 0);
    PRAGMA user_version = 1;";

/// One key. Shows itself to nobody.
#[derive(Clone)]
pub(super) struct Key(pub(super) [u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// What tells one keys file from another, and a newer state of it from an older one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) file: String,
    pub(super) made: i64,
}

/// The keys file, and what was read of it lately.
#[derive(Debug)]
pub(super) struct Keys {
    file: PathBuf,
    writable: bool,
    conn: Option<Connection>,
    /// A transaction of ours is open in it.
    making: bool,
    known: HashMap<KeyId, Option<Key>>,
    current: HashMap<String, KeyId>,
    /// What SQLite counts when another connection wrote the file.
    seen: i64,
    random: SystemRandom,
}

/// Where the keys of a database lie: `codevd.db.keys`.
pub(super) fn path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".keys");
    name.into()
}

impl Keys {
    /// The keys of that database; nothing is opened or made yet.
    pub(super) fn of(database: &Path, writable: bool) -> Self {
        Self {
            file: path(database),
            writable,
            conn: None,
            making: false,
            known: HashMap::new(),
            current: HashMap::new(),
            seen: 0,
            random: SystemRandom::new(),
        }
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Whether there is a file, be it empty.
    pub(super) fn is_there(&self) -> bool {
        self.file.exists()
    }

    /// Letters of chance.
    pub(super) fn fill(&self, bytes: &mut [u8]) -> Result<(), Fault> {
        self.random.fill(bytes).map_err(|_| {
            let why = "the system gives no randomness".to_owned();
            Fault::Sql(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR),
                Some(why),
            ))
        })
    }

    /// The open file; `None` where there is none, and none may be made.
    fn conn(&mut self) -> Result<Option<&Connection>, Fault> {
        if self.conn.is_none() {
            self.conn = open(&self.file, self.writable)?;
        }
        Ok(self.conn.as_ref())
    }

    fn here(&mut self) -> Result<&Connection, Fault> {
        let file = self.file.clone();
        let none = || super::cells::bad("the keys file", &file.display().to_string(), "a file that can be written");
        self.conn()?.ok_or_else(none)
    }

    /// Before a transaction: what another program changed meanwhile is read anew.
    pub(super) fn begin(&mut self) -> Result<(), Fault> {
        if self.conn.is_none() && !self.is_there() {
            return Ok(());
        }
        let now = match self.conn()? {
            Some(conn) => first(conn, "SELECT data_version FROM pragma_data_version", [], |r| r.int("data_version"))?,
            None => None,
        };
        if now.unwrap_or_default() != self.seen {
            self.seen = now.unwrap_or_default();
            self.forget_known();
        }
        Ok(())
    }

    /// Whether something was made, retired or thrown away in this transaction.
    pub(super) fn was_written(&self) -> bool {
        self.making
    }

    /// What was made is on disk when this returns.
    pub(super) fn commit(&mut self) -> Result<(), Fault> {
        if std::mem::take(&mut self.making) {
            self.here()?.execute_batch("COMMIT")?;
        }
        Ok(())
    }

    /// What was made in this transaction was never.
    pub(super) fn rollback(&mut self) {
        if std::mem::take(&mut self.making) {
            self.forget_known();
            if let Some(conn) = &self.conn {
                let _ = conn.execute_batch("ROLLBACK");
            }
        }
    }

    fn forget_known(&mut self) {
        self.known.clear();
        self.current.clear();
    }

    /// The key of that number, if it is there (still).
    pub(super) fn get(&mut self, id: KeyId) -> Result<Option<Key>, Fault> {
        if let Some(known) = self.known.get(&id) {
            return Ok(known.clone());
        }
        let sql = "SELECT key FROM keys WHERE id = ?";
        let found = match self.conn()? {
            Some(conn) => first(conn, sql, [id.as_slice()], |r| r.blob("key"))?,
            None => None,
        };
        let key = found.and_then(|bytes| bytes.try_into().ok()).map(Key);
        self.remember(id, key.clone());
        Ok(key)
    }

    fn remember(&mut self, id: KeyId, key: Option<Key>) {
        if self.known.len() >= REMEMBERED {
            self.forget_known();
        }
        self.known.insert(id, key);
    }

    /// The key that seals what belongs to that scope now; made where there is none.
    pub(super) fn current(&mut self, scope: &str) -> Result<(KeyId, Key), Fault> {
        if let Some(id) = self.current.get(scope).copied()
            && let Some(key) = self.get(id)?
        {
            return Ok((id, key));
        }
        let sql = "SELECT id FROM keys WHERE scope = ? AND retired = 0";
        let found = first(self.here()?, sql, [scope], |r| r.blob("id"))?.and_then(|id| KeyId::try_from(id).ok());
        let id = match found {
            Some(id) => id,
            None => self.make(scope)?,
        };
        let key = self.get(id)?.ok_or_else(|| super::cells::bad("the keys file", scope, "a key of 32 bytes"))?;
        self.current.insert(scope.to_owned(), id);
        Ok((id, key))
    }

    fn make(&mut self, scope: &str) -> Result<KeyId, Fault> {
        let (mut id, mut key) = (KeyId::default(), [0; 32]);
        self.fill(&mut id)?;
        self.fill(&mut key)?;
        self.write()?;
        let conn = self.here()?;
        let sql = "INSERT INTO keys (id, scope, retired, key) VALUES (?, ?, 0, ?)";
        run(conn, sql, params![id.as_slice(), scope, key.as_slice()])?;
        run(conn, "UPDATE file SET made = made + 1", [])?;
        self.remember(id, Some(Key(key)));
        Ok(id)
    }

    /// Begins a transaction, unless one is open.
    fn write(&mut self) -> Result<(), Fault> {
        if !self.making {
            self.here()?.execute_batch("BEGIN IMMEDIATE")?;
            self.making = true;
        }
        Ok(())
    }

    /// These scopes get new keys when next something is sealed; the keys they have still open.
    pub(super) fn retire(&mut self, which: &str, scope: &str) -> Result<usize, Fault> {
        if !self.is_there() {
            return Ok(0);
        }
        self.write()?;
        self.forget_known();
        run(self.here()?, &format!("UPDATE keys SET retired = 1 WHERE retired = 0 AND {which}"), [scope])
    }

    /// Throws keys away. Nothing of them stays in the file (`secure_delete`).
    pub(super) fn destroy(&mut self, ids: &[Vec<u8>]) -> Result<(), Fault> {
        if ids.is_empty() {
            return Ok(());
        }
        self.write()?;
        self.forget_known();
        let conn = self.here()?;
        ids.iter().try_for_each(|id| run(conn, "DELETE FROM keys WHERE id = ?", [id]).map(drop))
    }

    /// The numbers of keys and their scopes.
    pub(super) fn list(&mut self, which: &str, value: &str) -> Result<Vec<(Vec<u8>, String)>, Fault> {
        if !self.is_there() {
            return Ok(Vec::new());
        }
        let sql = format!("SELECT id, scope FROM keys WHERE {which} ORDER BY scope");
        match self.conn()? {
            Some(conn) => all(conn, &sql, [value], |r| Ok((r.blob("id")?, r.text("scope")?))),
            None => Ok(Vec::new()),
        }
    }

    /// Which file this is and how far it has come; `None` where there is none.
    pub(super) fn mark(&mut self) -> Result<Option<Mark>, Fault> {
        let read = |r: &super::cells::Read<'_>| Ok(Mark { file: r.text("id")?, made: r.int("made")? });
        if self.conn.is_none() && !self.is_there() {
            return Ok(None);
        }
        self.conn()?.map_or(Ok(None), |conn| first(conn, "SELECT id, made FROM file", [], read))
    }

    /// Copies the whole file.
    pub(super) fn backup(&mut self, to: &Path) -> Result<bool, Fault> {
        let Some(conn) = self.conn()? else { return Ok(false) };
        make_private(to)?;
        conn.backup("main", to, None::<fn(rusqlite::backup::Progress)>)?;
        Ok(true)
    }
}

/// Opens it, and makes it where it may be written and is not there, or is empty.
fn open(file: &Path, writable: bool) -> Result<Option<Connection>, Fault> {
    if writable {
        make_private(file)?;
    } else if std::fs::metadata(file).map_or(0, |m| m.len()) == 0 {
        return Ok(None);
    }
    // a reader too may have to roll back what a crash left half done
    let conn = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(super::BUSY)?;
    conn.pragma_update_and_check(None, "secure_delete", "ON", |_| Ok(()))?;
    // no write-ahead log: what is overwritten would stay in it
    if writable {
        conn.pragma_update_and_check(None, "journal_mode", "TRUNCATE", |_| Ok(()))?;
        conn.pragma_update(None, "synchronous", "EXTRA")?;
        if super::migrate::version(&conn)? == 0 {
            conn.execute_batch(&format!("BEGIN IMMEDIATE; {SCHEMA} COMMIT;"))?;
        }
    } else {
        conn.pragma_update(None, "query_only", true)?;
    }
    Ok(Some(conn))
}

fn make_private(file: &Path) -> Result<(), Fault> {
    super::make(file)
        .map_err(|error| super::cells::bad("the keys file", &error.to_string(), "a file that can be written"))
}

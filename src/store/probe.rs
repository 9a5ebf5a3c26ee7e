//! Whether the file can be written, found out by writing: what only reads goes well on a full disk too.

use super::cells::run;
use super::error::Fault;
use super::{Reader, Store, StoreError};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::time::Duration;

/// About as much as an answer takes: less may find room in the log where a mail finds none.
const ROOM: i32 = 64 * 1024;
const DOING: &str = "write a trial row";
/// Who only looks waits for no writer.
const PATIENCE: Duration = Duration::from_secs(1);

impl Store {
    /// Writes something, takes it back, and commits: all is as it was, and the disk took it.
    ///
    /// # Errors
    /// Why it can't be written.
    pub fn prove(&mut self) -> Result<(), StoreError> {
        self.write(DOING, |tx, _| there_and_back(tx))
    }
}

impl Reader {
    /// The same for somebody who looks, on a connection of its own. `None` also where nothing is known: who looks may
    /// not write there, or somebody else writes.
    pub fn disk_trouble(&self) -> Option<StoreError> {
        let tried = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let mut conn = Connection::open_with_flags(&self.file, flags)?;
            conn.busy_timeout(PATIENCE)?;
            conn.pragma_update(None, "synchronous", "FULL")?;
            conn.pragma_update_and_check(None, "secure_delete", "ON", |_| Ok(()))?;
            let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            there_and_back(&tx)?;
            Ok(tx.commit()?)
        };
        // who only looks may lack the right to write, which says nothing of the disk
        let of_the_disk = |e: &StoreError| e.is_of_the_disk() && (e.is_read_only() || !e.is_not_writable());
        tried().err().map(|fault: Fault| fault.at(&self.file, DOING)).filter(of_the_disk)
    }
}

/// Nobody sees the row; the pages it took are emptied (`secure_delete`), and so are written with the commit.
fn there_and_back(tx: &Connection) -> Result<(), Fault> {
    let sql = "INSERT INTO alarms VALUES ('probe', '', '', printf('%.*c', ?, '.'), '', 1, NULL, NULL)";
    run(tx, sql, [ROOM])?;
    run(tx, "DELETE FROM alarms WHERE topic = 'probe'", []).map(drop)
}

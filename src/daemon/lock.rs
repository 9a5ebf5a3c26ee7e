//! One engine a database: the lock file that the daemon holds while it runs, and a command for its one step.

use super::edge::beside;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The lock. The system frees it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else has it.
    #[error(
        "another codevd works on this database: {holder}. Two at once would send everything twice; end that one first, or give this one a database of its own"
    )]
    Held {
        /// Who, in words: `process 4711 (run)`.
        holder: String,
    },
    /// The file can't be made or locked.
    #[error("the lock file {}: {source}. codevd's user must be allowed to write in that folder", file.display())]
    Io {
        /// The lock file.
        file: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

/// The lock file beside a database: `codevd.db.lock`.
pub fn lock_file(database: &Path) -> PathBuf {
    beside(database, "lock")
}

impl Lock {
    /// Takes the lock, or says who has it. `what` is written for whoever asks later: `run`, `group apply`.
    ///
    /// # Errors
    /// Held by another process; a folder that can't be written.
    pub fn take(database: &Path, what: &str) -> Result<Self, LockError> {
        let path = lock_file(database);
        let wrong = |source| LockError::Io { file: path.clone(), source };
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(wrong)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held { holder: holder(&mut file) }),
            Err(TryLockError::Error(source)) => return Err(wrong(source)),
        }
        let written = file.set_len(0).and_then(|()| writeln!(file, "{} {what}", std::process::id()));
        written.map_err(wrong)?;
        Ok(Self { _file: file })
    }

    /// As [`Lock::take`], trying again for a while: a command holds the lock for a moment only.
    ///
    /// # Errors
    /// As [`Lock::take`].
    pub fn take_within(database: &Path, what: &str, at_most: Duration) -> Result<Self, LockError> {
        const PAUSE: Duration = Duration::from_millis(50);
        let mut left = at_most;
        loop {
            match Self::take(database, what) {
                Err(LockError::Held { .. }) if !left.is_zero() => {
                    std::thread::sleep(PAUSE);
                    left = left.saturating_sub(PAUSE);
                }
                other => return other,
            }
        }
    }
}

/// Who holds the lock of this database, if anybody does. Takes nothing away from anybody.
///
/// # Errors
/// A lock file that can't be read.
pub fn held_by(database: &Path) -> Result<Option<String>, LockError> {
    let path = lock_file(database);
    let wrong = |source| LockError::Io { file: path.clone(), source };
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(holder(&mut file))),
        Err(TryLockError::Error(source)) => Err(wrong(source)),
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(200).read_to_string(&mut text));
    match (read, text.trim().split_once(' ')) {
        (Ok(_), Some((pid, what))) => format!("process {pid} (codevd {what})"),
        _ => "a process that did not say which".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_second_one_is_told_who_has_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("codevd.db");
        assert_eq!(held_by(&database).unwrap(), None);
        let lock = Lock::take(&database, "run").unwrap();
        let told = Lock::take(&database, "run").unwrap_err().to_string();
        let me = format!("process {} (codevd run)", std::process::id());
        assert!(told.contains(&me), "{told}");
        assert_eq!(held_by(&database).unwrap(), Some(me));
        drop(lock);
        assert_eq!(held_by(&database).unwrap(), None);
        Lock::take_within(&database, "group apply", Duration::ZERO).unwrap();
    }
}

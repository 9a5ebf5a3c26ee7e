//! What can go wrong in the store: told to a person with the file, what was done, and the remedy.

use crate::core::GroupId;
use std::path::{Path, PathBuf};

/// Why the store could not do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file can't be opened.
    #[error("{}: the database can't be opened: {why}. {remedy}", file.display())]
    Open {
        /// The database.
        file: PathBuf,
        /// SQLite's words.
        why: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A newer program made the file.
    #[error(
        "{}: made by a newer codevd (schema {found}; this one knows up to {known}). Run that codevd, or restore a backup made before the upgrade", file.display()
    )]
    Newer {
        /// The database.
        file: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// The second file, with the keys, is gone though there are words sealed with them.
    #[error(
        "{}: the file with the keys of people's words is gone, and {} holds words and mails sealed with them. Put it back from a backup made with `codevd backup --with-keys`. Or give up what they seal: make an empty file of that name, and what can't be opened any more is told by `codevd status`", keys.display(), file.display()
    )]
    KeysGone {
        /// The database.
        file: PathBuf,
        /// Where the keys should lie.
        keys: PathBuf,
    },
    /// The database is gone, and the file with its keys is not.
    #[error(
        "{}: there is no database, though {} holds the keys of one. With an empty one every answer would be an answer to no mail of ours. Is its disk mounted? Was a restore cut off? Put it back: `codevd restore BACKUP`, or the file of before, which a restore calls {}.before-restore-DATE. To begin anew, move {} away first", file.display(), keys.display(), file.display(), keys.display()
    )]
    Gone {
        /// Where the database should lie.
        file: PathBuf,
        /// Its keys.
        keys: PathBuf,
    },
    /// The file has an older schema and may only be read here.
    #[error(
        "{}: has schema {found}, this codevd needs {known}. Start `codevd run` once: it brings the file up to date", file.display()
    )]
    Older {
        /// The database.
        file: PathBuf,
        /// Its schema.
        found: i64,
        /// The schema needed.
        known: i64,
    },
    /// The SQLite that is linked can lose data in WAL mode.
    #[error(
        "this codevd was built with SQLite {found}, which can corrupt a WAL database; 3.51.3 or newer is needed. Build it with the bundled SQLite"
    )]
    Library {
        /// Its version.
        found: String,
    },
    /// SQLite refused.
    #[error("{}: could not {doing}: {source}. {remedy}", file.display())]
    Sql {
        /// The database.
        file: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// SQLite's words.
        source: rusqlite::Error,
        /// What to do.
        remedy: &'static str,
        /// The file system takes no writes at all.
        read_only: bool,
    },
    /// A value in the file is not what it should be.
    #[error("{}: could not {doing}: {place} holds {found:?}, expected {expected}. Was the file edited by hand? Restore a backup, or set it right with sqlite3", file.display())]
    Value {
        /// The database.
        file: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// The column.
        place: String,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
    },
    /// Somebody else wrote the group since it was loaded.
    #[error(
        "group {group} was changed meanwhile (version {found}, expected {expected}): load it again and decide anew"
    )]
    Conflict {
        /// The group.
        group: GroupId,
        /// `none` where it was not there at loading.
        expected: String,
        /// `none` where it is not there now.
        found: String,
    },
    /// A row is not in the state the caller believes.
    #[error("{what} is {found}, expected {expected}")]
    State {
        /// Which row.
        what: String,
        /// Its state.
        found: String,
        /// The states in which this can be done.
        expected: &'static str,
    },
}

impl StoreError {
    fn code(&self) -> Option<rusqlite::ErrorCode> {
        match self {
            Self::Sql { source, .. } => source.sqlite_error_code(),
            _ => None,
        }
    }

    /// The disk is full or fails, takes no writes, or the file is locked: stop taking mail, try again later.
    pub fn is_temporary(&self) -> bool {
        use rusqlite::ErrorCode as Code;
        self.is_of_the_disk() || matches!(self.code(), Some(Code::DatabaseBusy | Code::DatabaseLocked))
    }

    /// The disk is full or fails, or takes no writes.
    pub fn is_of_the_disk(&self) -> bool {
        use rusqlite::ErrorCode as Code;
        let full_or_failing = matches!(self.code(), Some(Code::DiskFull | Code::SystemIoFailure));
        full_or_failing || self.is_read_only() || self.is_not_writable()
    }

    /// The whole file system takes no writes.
    pub fn is_read_only(&self) -> bool {
        matches!(self, Self::Sql { read_only: true, .. })
    }

    /// The file was opened where it could only be read: this process can't write it any more.
    pub fn is_not_writable(&self) -> bool {
        self.code() == Some(rusqlite::ErrorCode::ReadOnly)
    }

    /// The file itself is not what it should be: only a backup helps.
    pub fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode as Code;
        matches!(self.code(), Some(Code::DatabaseCorrupt | Code::NotADatabase))
    }

    /// Loading the group again and deciding anew may help.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }
}

/// SQLite failed while it was doing that to the file.
pub(super) fn sql(file: &Path, doing: &'static str, source: rusqlite::Error) -> StoreError {
    let read_only = is_read_only(file, &source);
    let remedy = if read_only { READ_ONLY } else { remedy(&source) };
    StoreError::Sql { file: file.to_owned(), doing, source, remedy, read_only }
}

const READ_ONLY: &str = "Its file system is read-only, as the system makes it where a disk fails: look at the system's \
    log, check the disk and mount it writable: codevd goes on by itself";

/// SQLite tells a file system that was made read-only by three codes, each of which may mean something else.
/// The database itself is not opened for it: closing it would free SQLite's locks of the whole process.
fn is_read_only(file: &Path, error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode as Code;
    if !matches!(error.sqlite_error_code(), Some(Code::SystemIoFailure | Code::ReadOnly | Code::CannotOpen)) {
        return false;
    }
    let mut trial = file.as_os_str().to_owned();
    trial.push(".trial");
    match std::fs::OpenOptions::new().write(true).create_new(true).open(&trial) {
        Ok(_) => {
            let _ = std::fs::remove_file(&trial);
            false
        }
        Err(error) => error.kind() == std::io::ErrorKind::ReadOnlyFilesystem,
    }
}

/// What to do about an error of SQLite.
pub(super) fn remedy(error: &rusqlite::Error) -> &'static str {
    use rusqlite::ErrorCode as Code;
    match error.sqlite_error_code() {
        Some(Code::DiskFull) => "Make room on the disk: codevd goes on by itself",
        Some(Code::SystemIoFailure) => "The disk fails: look at the system's log",
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => "Another program holds the file: end it, or try again",
        Some(Code::DatabaseCorrupt | Code::NotADatabase) => "The file is damaged or no database: restore a backup",
        Some(Code::ReadOnly | Code::CannotOpen | Code::PermissionDenied) => {
            "Check that the folder exists and that codevd's user may write to the file and its folder"
        }
        Some(Code::ConstraintViolation) => "What was to be written contradicts what is there: please report this",
        _ => "Please report this",
    }
}

/// An error before it knows its file and what was being done.
#[derive(Debug)]
pub(super) enum Fault {
    Sql(rusqlite::Error),
    Value { place: String, found: String, expected: String },
    Conflict { group: GroupId, expected: Option<i64>, found: Option<i64> },
    State { what: String, found: String, expected: &'static str },
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        if let rusqlite::Error::SqliteFailure(_, Some(said)) = &error
            && let Some((_, what)) = said.split_once(super::sealed::DAMAGED)
        {
            let (place, found) = what.split_once(" holds ").unwrap_or((what, ""));
            return super::cells::bad(place, found, "what was sealed there");
        }
        Self::Sql(error)
    }
}

impl Fault {
    pub(super) fn at(self, file: &Path, doing: &'static str) -> StoreError {
        let none = |v: Option<i64>| v.map_or_else(|| "none".to_owned(), |v| v.to_string());
        let file = file.to_owned();
        match self {
            Self::Sql(source) => sql(&file, doing, source),
            Self::Value { place, found, expected } => StoreError::Value { file, doing, place, found, expected },
            Self::Conflict { group, expected, found } => {
                StoreError::Conflict { group, expected: none(expected), found: none(found) }
            }
            Self::State { what, found, expected } => StoreError::State { what, found, expected },
        }
    }
}

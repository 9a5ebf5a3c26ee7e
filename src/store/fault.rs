//! Where a write can go wrong, for whoever tries out disks that fail and machines that stop.

/// A moment in the life of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WritePoint {
    /// Nothing is written.
    Begin,
    /// All rows are written; the transaction is open.
    Written,
    /// It is on disk; the caller does not know it yet.
    Committed,
}

/// What a disk answers instead of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskFault {
    /// No room (`SQLITE_FULL`).
    Full,
    /// It fails (`SQLITE_IOERR`).
    Broken,
    /// It takes no writes (`SQLITE_READONLY`).
    ReadOnly,
    /// Another program holds the file (`SQLITE_BUSY`).
    Busy,
}

impl From<DiskFault> for rusqlite::Error {
    fn from(fault: DiskFault) -> Self {
        use rusqlite::ffi;
        let code = match fault {
            DiskFault::Full => ffi::SQLITE_FULL,
            DiskFault::Broken => ffi::SQLITE_IOERR,
            DiskFault::ReadOnly => ffi::SQLITE_READONLY,
            DiskFault::Busy => ffi::SQLITE_BUSY,
        };
        Self::SqliteFailure(ffi::Error::new(code), None)
    }
}

type Watch = Box<dyn FnMut(WritePoint) -> Result<(), DiskFault> + Send>;

/// Who is asked at each point of each write; nobody in the daemon.
#[derive(Default)]
pub(super) struct Watched(Option<Watch>);

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "watched" } else { "not watched" })
    }
}

impl Watched {
    pub(super) fn by(watch: impl FnMut(WritePoint) -> Result<(), DiskFault> + Send + 'static) -> Self {
        Self(Some(Box::new(watch)))
    }

    pub(super) fn reach(&mut self, point: WritePoint) -> Result<(), super::Fault> {
        match &mut self.0 {
            Some(watch) => watch(point).map_err(|fault| super::Fault::Sql(fault.into())),
            None => Ok(()),
        }
    }
}

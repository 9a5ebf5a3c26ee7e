//! Where the pretended machine stops: at any await, at any write; what was on disk at that moment is kept.

use super::clock::VirtualClock;
use crate::daemon::Clock;
use crate::store::{DiskFault, WritePoint};
use chrono::{DateTime, Utc};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a killed process unwinds with; nobody sees it but whoever killed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Killed;

#[derive(Debug)]
struct State {
    /// The file in use.
    file: PathBuf,
    /// How often the process was started.
    life: u32,
    /// Points that pass before the next kill.
    armed: Option<u32>,
    disk: Vec<(DateTime<Utc>, DiskFault, u32)>,
    writes: u32,
    passed: u64,
}

/// All points that the process passes.
#[derive(Clone)]
pub struct Points {
    state: Arc<Mutex<State>>,
    truth: VirtualClock,
}

impl Points {
    /// For a database file in a folder of its own.
    pub fn new(file: &Path, truth: VirtualClock) -> Self {
        let state = State { file: file.to_owned(), life: 0, armed: None, disk: Vec::new(), writes: 0, passed: 0 };
        Self { state: Arc::new(Mutex::new(state)), truth }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next kill comes after so many points.
    pub fn arm(&self, after: u32) {
        self.state().armed = Some(after);
    }

    /// Writes fail until then, one in `every`.
    pub fn fail(&self, until: DateTime<Utc>, how: DiskFault, every: u32) {
        self.state().disk.push((until, how, every.max(1)));
    }

    /// Nothing is wrong with the disk any more, and no kill waits.
    pub fn calm(&self) {
        let mut state = self.state();
        state.disk.clear();
        state.armed = None;
    }

    /// The file as the next start finds it, and how many starts there were before.
    pub fn file(&self) -> (PathBuf, u32) {
        let state = self.state();
        (state.file.clone(), state.life)
    }

    /// Points passed so far.
    pub fn passed(&self) -> u64 {
        self.state().passed
    }

    /// An await. A kill that is due happens here.
    pub fn reach(&self) {
        let mut state = self.state();
        state.passed += 1;
        match state.armed {
            Some(0) => {
                state.armed = None;
                state.life += 1;
                let image = state.file.with_file_name(format!("life-{}.db", state.life));
                keep(&state.file, &image);
                state.file = image;
                drop(state);
                std::panic::resume_unwind(Box::new(Killed));
            }
            Some(left) => state.armed = Some(left - 1),
            None => {}
        }
    }

    /// A point of a write.
    ///
    /// # Errors
    /// What the disk says.
    pub fn write(&self, point: WritePoint) -> Result<(), DiskFault> {
        if point == WritePoint::Written {
            let now = self.truth.now();
            let mut state = self.state();
            state.writes += 1;
            let writes = state.writes;
            state.disk.retain(|(until, _, _)| now < *until);
            let fails = state.disk.iter().find(|(_, _, every)| writes.is_multiple_of(*every));
            if let Some((_, how, _)) = fails {
                return Err(*how);
            }
        }
        self.reach();
        Ok(())
    }
}

/// The database as a killed process leaves it: the file, the keys, and their logs, whatever was open.
fn keep(file: &Path, image: &Path) {
    for ending in ["", "-wal", ".keys", ".keys-wal", ".keys-journal"] {
        let named = |path: &Path| PathBuf::from(format!("{}{ending}", path.display()));
        // no log: nothing was written since it was last taken in
        let _ = std::fs::copy(named(file), named(image));
    }
}

//! Named crash points: where the tests let the program die as if by `kill -9`. Without the feature `crash-points`
//! nothing of this is compiled, and `crash_point!` is nothing at all.
//!
//! `CODEVD_CRASH=POINT:N` kills the process when it passes that point for the N-th time; `CODEVD_CRASH_LOG=FILE`
//! adds a line for each point passed, so that a test finds them all by itself.

/// A place where a kill is tried. A second value tells places of one name apart.
macro_rules! crash_point {
    ($name:literal) => {
        crash_point!($name, "")
    };
    ($name:literal, $which:expr) => {{
        #[cfg(feature = "crash-points")]
        $crate::crash::pass($name, $which);
    }};
}

#[cfg(feature = "crash-points")]
pub(crate) use armed::pass;

#[cfg(feature = "crash-points")]
mod armed {
    use std::fs::{File, OpenOptions};
    use std::io::Write;
    use std::sync::{Mutex, OnceLock, PoisonError};

    /// What this process was told.
    struct Plan {
        /// Where it dies, and how often it passes there before.
        fatal: Option<(String, Mutex<u32>)>,
        log: Option<Mutex<File>>,
    }

    static PLAN: OnceLock<Plan> = OnceLock::new();

    /// Passes a point, or dies there.
    pub(crate) fn pass(name: &str, which: &str) {
        let plan = PLAN.get_or_init(read);
        if plan.fatal.is_none() && plan.log.is_none() {
            return;
        }
        let point = if which.is_empty() { name.to_owned() } else { format!("{name} {which}") };
        if let Some(log) = &plan.log {
            let _ = log.lock().unwrap_or_else(PoisonError::into_inner).write_all(format!("{point}\n").as_bytes());
        }
        let Some((fatal, left)) = &plan.fatal else { return };
        if *fatal != point {
            return;
        }
        let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
        *left = left.saturating_sub(1);
        if *left == 0 {
            // no destructor, no exit handler, no flush: the kernel takes the process away
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            loop {
                std::thread::park();
            }
        }
    }

    #[allow(clippy::disallowed_methods)] // an edge of its own, in test builds alone
    fn read() -> Plan {
        let fatal = std::env::var("CODEVD_CRASH").ok();
        let fatal = fatal.as_deref().and_then(|text| text.rsplit_once(':'));
        let fatal = fatal.map(|(point, count)| (point.to_owned(), Mutex::new(count.parse().unwrap_or(1))));
        let log = std::env::var_os("CODEVD_CRASH_LOG");
        let log = log.and_then(|file| OpenOptions::new().create(true).append(true).open(file).ok());
        Plan { fatal, log: log.map(Mutex::new) }
    }
}

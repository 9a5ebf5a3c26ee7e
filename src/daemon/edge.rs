//! Where the house touches the machine: its clock, its randomness, the key file, and the mail sockets as ports.

use super::ports::{Clock, Ids, Incoming, Outgoing, SentMail};
use crate::mail::Key;
use crate::transport::imap::SentFolder;
use crate::transport::{BeforeDot, Delivery, Envelope, Fetched, Imap, Lmtp, Maildir, Smtp, TransportError};
use chrono::{DateTime, SubsecRound, Utc};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The machine's clock, in whole seconds: what is stored and read again is the same instant.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        #[allow(clippy::disallowed_methods)] // the one place where the clock is read
        let now = SystemTime::now();
        DateTime::<Utc>::from(now).trunc_subsecs(0)
    }
}

/// Letters from the system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

/// Crockford's alphabet, as in tokens.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl Ids for RandomIds {
    fn fresh(&mut self) -> String {
        let mut bytes = [0; 26];
        // without randomness no id can be made: nothing is decided until there is some
        while let Err(error) = random(&mut bytes) {
            tracing::error!(%error, "the system gives no randomness; waiting for it");
            std::thread::sleep(Duration::from_secs(1));
        }
        bytes.iter().map(|b| char::from(LETTERS[usize::from(b & 31)])).collect()
    }
}

fn random(bytes: &mut [u8]) -> io::Result<()> {
    #[allow(clippy::disallowed_methods)] // the one place where chance comes in
    getrandom::fill(bytes).map_err(|error| io::Error::other(error.to_string()))
}

/// What is wrong with the key file.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It can't be read or written.
    #[error("the key file {}: {doing} failed: {source}. codevd's user must own it and its folder", file.display())]
    Io {
        /// The key file.
        file: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// The system's words.
        source: io::Error,
    },
    /// Others may read it.
    #[error("the key file {} can be read by others (mode {mode:03o}); whoever has it can answer as any member. Do: chmod 600 {}", file.display(), file.display())]
    Open {
        /// The key file.
        file: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is not 64 hexadecimal digits.
    #[error("the key file {} does not hold 64 hexadecimal digits. Put it back from a backup", file.display())]
    Damaged {
        /// The key file.
        file: PathBuf,
    },
    /// It is gone, and mails went out with it.
    #[error(
        "the key file {} is gone, and mails that were sent with it wait for answers: without it none of them is recognised. Put it back from a backup of that folder",
        file.display()
    )]
    Gone {
        /// The key file.
        file: PathBuf,
    },
}

/// The key file beside a database: `codevd.db.key`.
pub fn key_file(database: &Path) -> PathBuf {
    beside(database, "key")
}

/// A file beside the database, with its name and one more ending.
pub fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// Reads the instance's key.
///
/// # Errors
/// A file that others may read, or that holds something else; `None` when there is none.
pub fn read_key(file: &Path) -> Result<Option<Key>, KeyError> {
    let wrong = |source| KeyError::Io { file: file.to_owned(), doing: "reading", source };
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(KeyError::Damaged { file: file.to_owned() });
        }
        Err(error) => return Err(wrong(error)),
    };
    let mode = fs::metadata(file).map_err(wrong)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Open { file: file.to_owned(), mode });
    }
    let bytes = from_hex(text.trim()).ok_or_else(|| KeyError::Damaged { file: file.to_owned() })?;
    Ok(Some(Key::new(bytes)))
}

/// Reads the instance's key, or makes one where nothing was sent with another yet.
///
/// # Errors
/// As [`read_key`]; a key that is gone though `in_use`.
pub fn read_or_make_key(file: &Path, in_use: bool) -> Result<Key, KeyError> {
    match read_key(file)? {
        Some(key) => Ok(key),
        None if in_use => Err(KeyError::Gone { file: file.to_owned() }),
        None => make_key(file),
    }
}

fn make_key(file: &Path) -> Result<Key, KeyError> {
    let wrong = |source| KeyError::Io { file: file.to_owned(), doing: "writing", source };
    let mut bytes = [0; 32];
    random(&mut bytes).map_err(wrong)?;
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    // written whole under another name first: a crash leaves no half a key
    let half = beside(file, "new");
    let _ = fs::remove_file(&half);
    let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half).map_err(wrong)?;
    out.write_all(format!("{hex}\n").as_bytes()).and_then(|()| out.sync_all()).map_err(wrong)?;
    crash_point!("key.written");
    fs::rename(&half, file).map_err(wrong)?;
    crash_point!("key.named");
    let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder).and_then(|f| f.sync_all()).map_err(wrong)?;
    Ok(Key::new(bytes))
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(bytes)
}

impl Outgoing for Smtp {
    async fn send(&mut self, envelope: &Envelope, bytes: &[u8], before_dot: BeforeDot<'_>) -> Delivery {
        self.send_marking(envelope, bytes, before_dot).await
    }
}

/// Where mail comes from, as the configuration says.
pub enum Mailbox {
    /// A mailbox read by IMAP.
    Imap(Box<Imap>),
    /// A folder that a mail server fills, and the time between two looks.
    Maildir(Maildir, Duration),
    /// A socket at which a mail server hands mail in.
    Lmtp(Box<Lmtp>),
    /// Nowhere: mail comes by `codevd mail deliver` alone.
    None,
}

impl Incoming for Mailbox {
    async fn fetch_new(&mut self) -> Result<Vec<Fetched>, TransportError> {
        match self {
            Self::Imap(imap) => imap.fetch_new().await,
            Self::Maildir(maildir, _) => maildir.fetch_new(),
            Self::Lmtp(lmtp) => lmtp.fetch_new(),
            Self::None => Ok(Vec::new()),
        }
    }

    async fn taken(&mut self, place: &str) -> Result<(), TransportError> {
        match self {
            Self::Imap(imap) => imap.taken(place).await,
            Self::Maildir(maildir, _) => maildir.taken(place),
            Self::Lmtp(lmtp) => {
                lmtp.taken(place);
                Ok(())
            }
            Self::None => Ok(()),
        }
    }

    async fn turn_away(&mut self) -> Result<bool, TransportError> {
        match self {
            Self::Lmtp(lmtp) => lmtp.turn_away(),
            _ => Ok(!self.fetch_new().await?.is_empty()),
        }
    }

    async fn wait(&mut self, at_most: Duration) -> Result<(), TransportError> {
        match self {
            Self::Imap(imap) => return imap.wait(at_most).await,
            Self::Lmtp(lmtp) => return lmtp.wait(at_most).await,
            Self::Maildir(_, between) => tokio::time::sleep(at_most.min(*between)).await,
            Self::None => tokio::time::sleep(at_most).await,
        }
        Ok(())
    }
}

/// Where what left is kept, as the configuration says.
pub enum SentBox {
    /// A folder of the mailbox's server.
    Imap(Box<SentFolder>),
    /// Nowhere that can be asked.
    None,
}

impl SentMail for SentBox {
    async fn holds(&mut self, ids: &[String]) -> Result<Option<BTreeSet<String>>, TransportError> {
        match self {
            Self::Imap(folder) => folder.holds(ids).await,
            Self::None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn the_key_is_made_once_and_kept_from_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = key_file(&folder.path().join("codevd.db"));
        let made = read_or_make_key(&file, false).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let again = read_or_make_key(&file, true).unwrap();
        let id = made.draft_id("a/1/invitation/-/ana/0");
        assert_eq!(made.token(&id, "a/ana"), again.token(&id, "a/ana"));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let told = read_key(&file).unwrap_err().to_string();
        assert!(told.contains("mode 640") && told.contains("chmod 600"), "{told}");
    }

    #[test]
    fn a_key_that_is_gone_or_damaged_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = key_file(&folder.path().join("codevd.db"));
        assert!(matches!(read_or_make_key(&file, true), Err(KeyError::Gone { .. })));
        for bad in ["", "00", &"g".repeat(64), &"é".repeat(32)] {
            let _ = fs::remove_file(&file);
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file).unwrap();
            fs::write(&file, bad).unwrap();
            assert!(matches!(read_or_make_key(&file, false), Err(KeyError::Damaged { .. })), "{bad}");
        }
    }

    #[test]
    fn the_clock_tells_whole_seconds() {
        assert_eq!(SystemClock.now().timestamp_subsec_nanos(), 0);
    }

    #[test]
    fn fresh_letters_are_26_and_differ() {
        let mut ids = RandomIds;
        let (a, b) = (ids.fresh(), ids.fresh());
        assert_ne!(a, b);
        assert!(a.len() == 26 && a.bytes().all(|c| LETTERS.contains(&c)), "{a}");
    }
}

//! `--out DIR`: every mail in order as `NNN-out-TO.eml` and `NNN-in-FROM.eml`, and the digest.

use super::run::DemoError;
use crate::sim::WorldEvent;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder and the number of the next mail.
pub struct Files {
    folder: PathBuf,
    next: u32,
}

impl Files {
    /// Makes the folder; one that holds mails of another run is refused, so that nothing is mixed.
    ///
    /// # Errors
    /// The folder can't be made, or is not empty.
    pub fn in_folder(folder: &Path) -> Result<Self, DemoError> {
        let fail = |error| DemoError::File { path: folder.to_owned(), error };
        fs::create_dir_all(folder).map_err(fail)?;
        if fs::read_dir(folder).map_err(fail)?.next().is_some() {
            let text = "the folder is not empty: name a new one, so that two runs are not mixed";
            return Err(fail(std::io::Error::other(text)));
        }
        Ok(Self { folder: folder.to_owned(), next: 1 })
    }

    /// Keeps a mail.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn keep(&mut self, event: &WorldEvent) -> Result<(), DemoError> {
        let (way, who, bytes) = match event {
            WorldEvent::Out { to, bytes, .. } => ("out", to, bytes),
            WorldEvent::In { from, bytes, .. } => ("in", from, bytes),
            WorldEvent::Decided(_) => return Ok(()),
        };
        let name = format!("{:03}-{way}-{}.eml", self.next, plain(who));
        self.next += 1;
        self.write(&name, bytes)
    }

    /// Writes a text.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn text(&self, name: &str, text: &str) -> Result<(), DemoError> {
        self.write(name, text.as_bytes())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), DemoError> {
        let path = self.folder.join(name);
        fs::write(&path, bytes).map_err(|error| DemoError::File { path, error })
    }
}

/// The local part of an address, fit for a file's name.
fn plain(address: &str) -> String {
    let local = address.split('@').next().unwrap_or(address);
    local.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect()
}

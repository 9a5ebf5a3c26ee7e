//! Fetching from a Maildir, for mail that a local delivery agent puts on this machine's disk. A mail that was taken
//! is moved to the folder `.Taken` beside `new` and `cur`, never deleted: a mail program may have moved it from `new`
//! to `cur` and put flags on it meanwhile, so neither is the mark.
use super::{Fetched, TransportError};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The subfolder (Maildir++) for mails that were taken.
const TAKEN: &str = ".Taken";
/// The most mails one call brings, and the bytes after which it brings no further one.
const BATCH: usize = 50;
const BATCH_BYTES: usize = 32 * 1024 * 1024;
/// The cap on one mail, in bytes.
const MAX_BYTES: u64 = 10_000_000;

/// A Maildir that is read.
#[derive(Debug)]
pub struct Maildir {
    path: PathBuf,
    max_bytes: u64,
}

impl Maildir {
    /// Opens a Maildir that a delivery agent made, and makes the folder for taken mails in it.
    ///
    /// # Errors
    /// `Settings` when there is no `new` and `cur`, `Folder` when it can't be written.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, TransportError> {
        let path = path.into();
        if !path.join("new").is_dir() || !path.join("cur").is_dir() {
            return Err(TransportError::Settings {
                found: format!("{} is no Maildir", path.display()),
                remedy: "expected a folder with `new`, `cur` and `tmp` in it".into(),
            });
        }
        for folder in ["cur", "new", "tmp"] {
            let folder = path.join(TAKEN).join(folder);
            fs::create_dir_all(&folder).map_err(at(&folder, "making the folder for taken mails"))?;
        }
        // by this file programs know a Maildir++ subfolder
        let mark = path.join(TAKEN).join("maildirfolder");
        fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&mark)
            .map_err(at(&mark, "making the folder for taken mails"))?;
        Ok(Self { path, max_bytes: MAX_BYTES })
    }

    /// Sets the cap on one mail, in bytes; 10 MB without it.
    #[must_use]
    pub fn with_max_bytes(self, max_bytes: u64) -> Self {
        Self { max_bytes, ..self }
    }

    /// Mails that were not taken, from `new` and `cur`, in the order of their names (which begin with the time of
    /// delivery): at most 50 of them or 32 MB, so call it again until nothing comes. A mail that can't be read is
    /// left out and logged. Blocks on the disk.
    ///
    /// # Errors
    /// `Folder` when the folder itself can't be read.
    pub fn fetch_new(&mut self) -> Result<Vec<Fetched>, TransportError> {
        let mut mails = Vec::new();
        let mut bytes = 0;
        for file in self.files()? {
            if mails.len() >= BATCH || bytes >= BATCH_BYTES {
                break;
            }
            match self.read(&file) {
                Ok(mail) => {
                    bytes += mail.bytes.len();
                    mails.push(mail);
                }
                // moved by a mail program between listing and reading: it is there under its new name next time
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => tracing::warn!(file = %file.display(), %error, "can't read a mail"),
            }
        }
        Ok(mails)
    }

    /// Marks a mail as taken: moves it to `.Taken/cur`, with the flags it has. A mail that is gone is no error.
    ///
    /// # Errors
    /// `Folder` when it can't be moved; then the mail will come again.
    pub fn taken(&mut self, place: &str) -> Result<(), TransportError> {
        let Some(file) = self.files()?.into_iter().find(|file| unique(file) == place) else {
            return Ok(());
        };
        let info = file
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.split_once(":2,"))
            .map_or("", |(_, flags)| flags);
        let target = self.path.join(TAKEN).join("cur").join(format!("{place}:2,{info}"));
        crash_point!("maildir.move");
        match fs::rename(&file, &target) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&file, "marking a mail as taken")(error)),
            _ => {
                crash_point!("maildir.moved");
                sync(&self.path.join(TAKEN).join("cur"))
            }
        }
    }

    /// Looks whether the folder can be read: a sentence about what was seen.
    ///
    /// # Errors
    /// As [`Maildir::fetch_new`].
    pub fn check(&self) -> Result<String, TransportError> {
        let count = self.files()?.len();
        Ok(format!("{} holds {count} mails that were not taken yet", self.path.display()))
    }

    fn files(&self) -> Result<Vec<PathBuf>, TransportError> {
        let mut files = Vec::new();
        for folder in ["new", "cur"] {
            let folder = self.path.join(folder);
            for entry in fs::read_dir(&folder).map_err(at(&folder, "reading the folder"))? {
                let entry = entry.map_err(at(&folder, "reading the folder"))?;
                let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
                // a link or a pipe is no mail
                if !hidden && entry.file_type().is_ok_and(|kind| kind.is_file()) {
                    files.push(entry.path());
                }
            }
        }
        files.sort_by_cached_key(|file| unique(file));
        Ok(files)
    }

    fn read(&self, file: &Path) -> io::Result<Fetched> {
        let open = fs::File::open(file)?;
        let size = open.metadata()?.len();
        let mut bytes = Vec::new();
        open.take(self.max_bytes).read_to_end(&mut bytes)?;
        Ok(Fetched { place: unique(file), truncated: size > bytes.len() as u64, bytes, size })
    }
}

/// The file name without its flags: what stays the same when a mail program moves the mail.
fn unique(file: &Path) -> String {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match name.split_once(":2,") {
        Some((unique, _)) => unique.to_owned(),
        None => name,
    }
}

fn at(path: &Path, doing: &'static str) -> impl Fn(io::Error) -> TransportError {
    let path = path.to_owned();
    move |source| TransportError::Folder { path: path.clone(), doing, source }
}

/// A rename is safe on disk when its folder is.
fn sync(folder: &Path) -> Result<(), TransportError> {
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder, "writing the folder"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn maildir(files: &[(&str, &str)]) -> (tempfile::TempDir, Maildir) {
        let folder = tempfile::tempdir().unwrap();
        for sub in ["new", "cur", "tmp"] {
            fs::create_dir(folder.path().join(sub)).unwrap();
        }
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let maildir = Maildir::open(folder.path()).unwrap();
        (folder, maildir)
    }

    fn texts(maildir: &mut Maildir) -> Vec<String> {
        let mails = maildir.fetch_new().unwrap();
        mails.into_iter().map(|mail| String::from_utf8(mail.bytes).unwrap()).collect()
    }

    #[test]
    fn new_and_seen_mails_come_in_the_order_of_delivery_until_taken() {
        let (folder, mut maildir) = maildir(&[
            ("new/3.a.host", "third"),
            ("cur/1.a.host:2,S", "first, opened by a person"),
            ("new/2.a.host", "second"),
            ("tmp/0.a.host", "half delivered"),
            ("new/.hidden", "no mail"),
        ]);
        assert_eq!(texts(&mut maildir), ["first, opened by a person", "second", "third"]);
        // not taken yet: it comes again
        assert_eq!(texts(&mut maildir).len(), 3);
        maildir.taken("1.a.host").unwrap();
        // a mail program moves it between fetching and taking
        let path = folder.path();
        fs::rename(path.join("new/2.a.host"), path.join("cur/2.a.host:2,FS")).unwrap();
        maildir.taken("2.a.host").unwrap();
        assert_eq!(texts(&mut maildir), ["third"]);
        maildir.taken("3.a.host").unwrap();
        maildir.taken("3.a.host").unwrap();
        maildir.taken("../../etc/passwd").unwrap();
        assert_eq!(texts(&mut maildir), [""; 0]);
        let mut kept: Vec<_> = fs::read_dir(path.join(".Taken/cur"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        kept.sort();
        assert_eq!(kept, ["1.a.host:2,S", "2.a.host:2,FS", "3.a.host:2,"]);
        assert_eq!(fs::read_to_string(path.join(".Taken/cur/3.a.host:2,")).unwrap(), "third");
    }

    #[test]
    fn a_large_mail_comes_cut_and_a_strange_file_not_at_all() {
        let (folder, maildir) = maildir(&[("new/1", "0123456789"), ("new/2", "01234")]);
        fs::create_dir(folder.path().join("new/3")).unwrap();
        let mut maildir = maildir.with_max_bytes(5);
        let mails = maildir.fetch_new().unwrap();
        assert_eq!(mails.len(), 2);
        assert_eq!((mails[0].bytes.as_slice(), mails[0].truncated, mails[0].size), (&b"01234"[..], true, 10));
        assert_eq!((mails[1].truncated, mails[1].size), (false, 5));
    }

    #[test]
    fn a_batch_has_an_end() {
        let (_folder, mut maildir) = maildir(&[]);
        for i in 0..120 {
            fs::write(maildir.path.join(format!("new/{i:03}")), "x").unwrap();
        }
        let mut rounds = Vec::new();
        loop {
            let mails = maildir.fetch_new().unwrap();
            if mails.is_empty() {
                break;
            }
            rounds.push(mails.len());
            for mail in mails {
                maildir.taken(&mail.place).unwrap();
            }
        }
        assert_eq!(rounds, [50, 50, 20]);
    }

    #[test]
    fn a_folder_that_is_no_maildir_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let told = Maildir::open(folder.path()).unwrap_err().to_string();
        assert!(told.contains("is no Maildir: expected a folder with `new`"), "{told}");
    }
}

//! Real Postfix and Dovecot for tests, started by `servers.sh` in a folder of their own and stopped when dropped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]
pub mod marionette;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Ten mailboxes, the daemon's first.
pub const EVERYONE: [&str; 10] =
    ["codev", "ana", "bruno", "chloe", "david", "emma", "farid", "gabriel", "hanna", "ines"];

/// The running servers. All listen on 127.0.0.1 alone.
pub struct Servers {
    /// The name the certificate bears.
    pub host: &'static str,
    /// SMTP without login, for local receivers alone: mail from elsewhere comes in here.
    pub smtp: u16,
    /// Submission: STARTTLS and login.
    pub submission: u16,
    /// Submission: implicit TLS and login.
    pub submissions: u16,
    /// IMAP with STARTTLS.
    pub imap: u16,
    /// IMAP with implicit TLS.
    pub imaps: u16,
    /// The PEM file of the authority.
    pub ca: PathBuf,
    /// The domain of all addresses. `user+anything@` goes to `user`.
    pub domain: &'static str,
    /// Everybody's password. The user name is the whole address.
    pub password: &'static str,
    folder: tempfile::TempDir,
}

impl Servers {
    /// Starts both servers with a mailbox for each user (the part before the @). Takes two or three seconds.
    pub fn start(users: &[impl AsRef<std::ffi::OsStr>]) -> Self {
        // another test may take the ports between the look and the start
        (0..5).find_map(|_| Self::try_start(users, free_ports())).expect("Postfix and Dovecot do not start")
    }

    /// The address of a user.
    pub fn address(&self, user: &str) -> String {
        format!("{user}@{}", self.domain)
    }

    /// Where a user's INBOX lies on disk, as a Maildir.
    pub fn maildir(&self, user: &str) -> PathBuf {
        self.folder.path().join("mail").join(user).join("Maildir")
    }

    /// The socket at which Postfix hands in mail for `hall@`: whoever wants it listens there.
    pub fn lmtp_socket(&self) -> PathBuf {
        self.folder.path().join("queue/private/to-codevd")
    }

    /// What both servers logged.
    pub fn log(&self) -> String {
        ["postfix", "dovecot"]
            .map(|name| std::fs::read_to_string(self.folder.path().join("log").join(name)))
            .into_iter()
            .flatten()
            .collect()
    }

    fn try_start(users: &[impl AsRef<std::ffi::OsStr>], base: u16) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        // made before the start, so that a start that fails half way is stopped as well
        let servers = Self {
            host: "localhost",
            smtp: base,
            submission: base + 1,
            submissions: base + 2,
            imap: base + 3,
            imaps: base + 4,
            ca: folder.path().join("tls/ca.pem"),
            domain: "example.test",
            password: "secret",
            folder,
        };
        let mut command = script("start", servers.folder.path());
        command.arg(base.to_string()).args(users);
        command.status().unwrap().success().then_some(servers)
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        let stopped = script("stop", self.folder.path()).status();
        assert!(std::thread::panicking() || stopped.is_ok_and(|status| status.success()), "the servers do not stop");
    }
}

fn script(what: &str, folder: &Path) -> Command {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/servers.sh");
    let mut command = Command::new(path);
    command.arg(what).arg(folder);
    command
}

/// The first of five free ports in a row.
fn free_ports() -> u16 {
    loop {
        let first = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = first.local_addr().unwrap().port();
        let others: Vec<_> =
            (1..5).map_while(|i| TcpListener::bind(("127.0.0.1", base.checked_add(i)?)).ok()).collect();
        if others.len() == 4 {
            return base;
        }
    }
}

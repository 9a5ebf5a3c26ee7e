//! One instance of codevd with mailboxes of its own: set up, started, killed, started again, and stopped.

use crate::interop::Servers;
use chrono::{DateTime, Duration, Utc};
use codevd::store::{InboxState, MailState, QueueFilter, Reader};
use std::cell::Cell;
use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// How mail comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    Imap,
    Maildir,
    Lmtp,
}

/// Which of the processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Apply,
    GoLive,
    Run,
}

/// Where one of them dies: at a point, passed for the n-th time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kill {
    pub part: Part,
    pub point: String,
    pub count: usize,
}

/// An instance. Its number is in all its addresses.
pub struct House<'a> {
    pub servers: &'a Servers,
    pub number: usize,
    pub way: Way,
    pub kill: Option<Kill>,
    /// Points passed are written here, a file a process.
    pub log_points: bool,
    pub killed: u32,
    /// Where in the log the daemon that was started last begins.
    begins: Cell<usize>,
    folder: tempfile::TempDir,
}

impl<'a> House<'a> {
    pub fn new(servers: &'a Servers, number: usize, way: Way, kill: Option<Kill>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { servers, number, way, kill, log_points: false, killed: 0, begins: Cell::new(0), folder }
    }

    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    pub fn database(&self) -> PathBuf {
        self.home().join("codevd.db")
    }

    /// A user of this house's.
    pub fn user(&self, who: &str) -> String {
        format!("{who}{}", self.number)
    }

    pub fn address(&self, who: &str) -> String {
        self.servers.address(&self.user(who))
    }

    pub fn put(&self, name: &str, text: &str) {
        fs::write(self.home().join(name), text).unwrap();
    }

    /// The instance's own file, its password, and a folder for mail where that is the way.
    pub fn furnish(&self, more: &str) {
        self.put("password", self.servers.password);
        let login = format!(
            "user = \"{}\"\npassword_file = \"password\"\nca_file = \"{}\"\n",
            self.address("codev"),
            self.servers.ca.display()
        );
        let way = match self.way {
            Way::Imap => format!("[imap]\nurl = \"imaps://localhost:{}\"\n{login}", self.servers.imaps),
            Way::Maildir => "[maildir]\npath = \"mail\"\n".to_owned(),
            Way::Lmtp => "[lmtp]\nlisten = \"./lmtp.sock\"\n".to_owned(),
        };
        if self.way == Way::Maildir {
            ["new", "cur", "tmp"]
                .iter()
                .for_each(|sub| fs::create_dir_all(self.home().join("mail").join(sub)).unwrap());
        }
        let address = self.address("codev");
        self.put(
            "codevd.toml",
            &format!(
                "database = \"codevd.db\"\n{more}[mailbox]\naddress = \"{address}\"\nname = \"Codev\"\n\
                 [smtp]\nurl = \"smtps://localhost:{}\"\n{login}{way}[pace]\nper_minute = 2000\nunforeseen = 100000\n",
                self.servers.submissions
            ),
        );
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_codevd"));
        command.args(args).current_dir(self.home()).stdin(Stdio::null()).env_remove("CODEVD_CONFIG");
        command
    }

    fn armed(&self, args: &[&str], part: Part) -> Command {
        let mut command = self.command(args);
        if let Some(kill) = self.kill.as_ref().filter(|k| k.part == part && self.killed == 0) {
            command.env("CODEVD_CRASH", format!("{}:{}", kill.point, kill.count));
        }
        if self.log_points {
            command.env("CODEVD_CRASH_LOG", self.points_file(part));
        }
        command
    }

    /// The points that a process passed, in order.
    pub fn points(&self, part: Part) -> Vec<String> {
        let text = fs::read_to_string(self.points_file(part)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn points_file(&self, part: Part) -> PathBuf {
        self.home().join(format!("points-{part:?}"))
    }

    /// A command that changes something; killed on its way, it is given once more, as a person would.
    pub fn order(&mut self, args: &[&str], part: Part) {
        for _ in 0..2 {
            let output = self.armed(args, part).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
            if died(output.status) {
                self.killed += 1;
            } else {
                assert!(output.status.success(), "codevd {args:?}: {text}{}", self.told());
                return;
            }
        }
        panic!("killed twice");
    }

    pub fn run(&self) -> Child {
        self.begins.set(fs::read(self.home().join("log")).map_or(0, |log| log.len()));
        let log = fs::OpenOptions::new().create(true).append(true).open(self.home().join("log")).unwrap();
        let mut command = self.armed(&["run"], Part::Run);
        command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
    }

    /// Asks the daemon to stop. `false` when it was killed on its way.
    pub fn stop(&mut self, mut daemon: Child) -> bool {
        // before it listens to signals it ends by SIGTERM as any program does
        while !self.is_ready() && daemon.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        signal(&daemon, "TERM");
        let status = daemon.wait().unwrap();
        if died(status) {
            self.killed += 1;
            return false;
        }
        assert!(status.success(), "the daemon does not end well on SIGTERM: {status}{}", self.told());
        true
    }

    /// The daemon started last says that it is ready.
    fn is_ready(&self) -> bool {
        let log = fs::read_to_string(self.home().join("log")).unwrap_or_default();
        log.get(self.begins.get()..).is_some_and(|last| last.contains(" ready"))
    }

    /// A mail whose attempt was cut off waits for a minute: that minute is over.
    pub fn a_minute_later(&self) {
        let Ok(db) = rusqlite::Connection::open(self.database()) else { return };
        db.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
        let past = (Utc::now() - Duration::seconds(5)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let sql = "UPDATE outbox SET next_attempt_at = ? WHERE state IN ('sending', 'queued') AND attempts > 0";
        db.execute(sql, [past]).unwrap();
    }

    /// Nothing more is to be done now: all that came in is decided on, all that is due has left.
    pub fn is_quiet(&self, now: DateTime<Utc>) -> bool {
        let Ok(reader) = Reader::open(self.database()) else { return false };
        let new = reader.inbox_list(&[InboxState::New], 1).unwrap();
        let waiting = |row: &codevd::store::QueueRow| matches!(row.state, MailState::Queued | MailState::Sending);
        let due = reader.next_due().unwrap().is_some_and(|due| due <= now);
        new.is_empty() && !due && !reader.queue(&QueueFilter::default()).unwrap().iter().any(waiting)
    }

    /// Hands a mail in, by the way of this house.
    pub fn hand_in(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        match self.way {
            Way::Imap => Err("by SMTP, through Postfix".to_owned()),
            Way::Maildir => {
                let mail = self.home().join("mail");
                fs::write(mail.join("tmp").join(name), bytes).unwrap();
                fs::rename(mail.join("tmp").join(name), mail.join("new").join(name)).map_err(|e| e.to_string())
            }
            Way::Lmtp => lmtp(&self.home().join("lmtp.sock"), &self.address("codev"), bytes),
        }
    }

    /// Hands a mail in by `codevd mail deliver`; `false` where it is to be tried again.
    pub fn deliver(&self, bytes: &[u8]) -> bool {
        let mut child = self.command(&["mail", "deliver"]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(bytes);
        child.wait().unwrap().success()
    }

    /// What the daemon logged, for a failing test.
    pub fn told(&self) -> String {
        let log = fs::read_to_string(self.home().join("log")).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(30).collect();
        let last: String = last.into_iter().rev().map(|line| format!("{line}\n")).collect();
        format!("\nhouse {} {:?} {:?}\n{last}", self.number, self.way, self.kill)
    }
}

/// By a signal that nobody can catch.
pub fn died(status: ExitStatus) -> bool {
    status.signal() == Some(9)
}

pub fn signal(child: &Child, name: &str) {
    let _ = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
}

/// One mail over LMTP (RFC 2033); taken when the answer after the dot is 250.
fn lmtp(socket: &Path, to: &str, bytes: &[u8]) -> Result<(), String> {
    use std::io::{BufRead, BufReader};
    use std::os::unix::net::UnixStream;
    let talk = || -> std::io::Result<String> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(std::time::Duration::from_secs(10)))?;
        let mut heard = BufReader::new(stream.try_clone()?).lines();
        let mut reply = move || -> std::io::Result<String> {
            loop {
                let line = heard.next().ok_or(std::io::ErrorKind::UnexpectedEof)??;
                if line.as_bytes().get(3) != Some(&b'-') {
                    return Ok(line);
                }
            }
        };
        let mut mail = bytes.to_vec();
        if !mail.ends_with(b"\r\n") {
            mail.extend_from_slice(b"\r\n");
        }
        let stuffed = String::from_utf8_lossy(&mail).replace("\r\n.", "\r\n..");
        let mut last = reply()?;
        for say in [
            "LHLO test.example\r\n".to_owned(),
            "MAIL FROM:<member@example.test>\r\n".to_owned(),
            format!("RCPT TO:<{to}>\r\n"),
            "DATA\r\n".to_owned(),
            format!("{stuffed}.\r\n"),
        ] {
            if !last.starts_with(['2', '3']) {
                break;
            }
            (&stream).write_all(say.as_bytes())?;
            last = reply()?;
        }
        Ok(last)
    };
    match talk() {
        Ok(last) if last.starts_with("250") => Ok(()),
        Ok(last) => Err(last),
        Err(error) => Err(error.to_string()),
    }
}

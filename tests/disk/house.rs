//! A house of the real program: its folder, its group of eight, its Maildir, and people who answer.

use super::post::{PostOffice, Taken};
use chrono::{DateTime, Duration, Timelike, Utc};
use codevd::core::{DraftKey, Kind};
use codevd::ical::PartStat;
use codevd::mail::{Token, letter};
use codevd::sim::calendar_reply::ReplyStyle;
use codevd::sim::{Client, Habit, Person, Say};
use codevd::store::Reader;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The facilitator first, then the circle; the first of the circle is the requester.
pub const PEOPLE: [&str; 8] = ["ana", "bruno", "chloe", "david", "emma", "farid", "gabriel", "hanna"];

/// Days until the group meets: near enough for the invitation and the subject, and no session begins meanwhile.
const DAYS: i64 = 12;

pub struct House {
    pub folder: tempfile::TempDir,
    pub post: PostOffice,
    /// What was put into the Maildir, by hash.
    pub delivered: BTreeSet<String>,
    number: u64,
}

/// A daemon under strace; it ends with the test, however that ends.
pub struct Daemon {
    tracer: Child,
    lock: PathBuf,
}

impl Daemon {
    pub fn start(house: &House, mut command: Command) -> Self {
        let _ = std::fs::remove_file(house.path().join("codevd.db.lock"));
        // not the caller's own output: whoever waits for its end would wait for a daemon's
        let log = std::fs::File::create(house.path().join("log")).unwrap();
        let tracer = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Self { tracer, lock: house.path().join("codevd.db.lock") }
    }

    fn signal(&self, name: &str) -> bool {
        let pid = std::fs::read_to_string(&self.lock).unwrap_or_default();
        let pid = pid.split(' ').next().filter(|pid| pid.parse::<u32>().is_ok());
        pid.is_some_and(|pid| Command::new("kill").args([name, pid]).status().unwrap().success())
    }

    pub fn runs(&self) -> bool {
        self.signal("-0")
    }

    /// Asks it to stop; says how it ended where that is not well.
    pub fn ended(mut self) -> Result<(), String> {
        assert!(self.signal("-TERM"), "nobody is there to be stopped");
        let status = self.tracer.wait().unwrap();
        let said = || std::fs::read_to_string(self.lock.with_file_name("log")).unwrap_or_default();
        if status.success() { Ok(()) } else { Err(format!("{status}: {}", said())) }
    }

    /// Asks it to stop; it must end well.
    #[track_caller]
    pub fn stop(self) {
        self.ended().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if matches!(self.tracer.try_wait(), Ok(None)) {
            self.signal("-KILL");
            let _ = self.tracer.kill();
            let _ = self.tracer.wait();
        }
    }
}

/// The built program, or the one that `CODEVD_PROGRAM` names.
pub fn program() -> PathBuf {
    std::env::var_os("CODEVD_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_codevd").into(), PathBuf::from)
}

/// Whether strace can watch a process here; says so where it can't.
pub fn can_trace() -> bool {
    let tried = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    let can = tried.is_ok_and(|status| status.success());
    if !can {
        println!("skipped: strace is not there, or may watch no process here");
    }
    can
}

/// In memory where there is such a folder: thousands of small databases.
pub fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

impl House {
    /// Files for a group that was not applied yet.
    pub fn new() -> Self {
        let house = Self { folder: folder(), post: PostOffice::open(), delivered: BTreeSet::new(), number: 1000 };
        write_files(house.path(), house.post.port);
        house
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        command(self.path(), args)
    }

    /// Runs a command that must end well.
    #[track_caller]
    pub fn ends_well(&self, args: &[&str]) {
        let output = self.command(args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "codevd {args:?}: {said}");
    }

    /// What the people answer to these mails goes into the Maildir; says how many answers there are.
    pub fn answer(&mut self, mails: &[Taken]) -> usize {
        let reader = Reader::open(self.path().join("codevd.db")).unwrap();
        let mut count = 0;
        for (to, bytes) in mails {
            let mail = letter(bytes);
            let id = mail.message_id.as_deref().unwrap().split('@').next().unwrap();
            let draft = Token::parse(id).expect("a mail of ours").draft_id().to_string();
            let key: DraftKey = reader.outbox_by_draft_id(&draft).unwrap().expect("in the outbox").draft.key;
            let who = PEOPLE.iter().find(|who| to.starts_with(**who)).expect("one of the eight");
            self.number += 10;
            for answer in person(who).react(&key, None, &mail, self.number, Utc::now()) {
                count += 1;
                self.deliver(&answer.bytes);
            }
        }
        count
    }

    /// Everybody who was invited by one of these mails answers with that word, as another mail.
    pub fn say(&mut self, mails: &[Taken], text: &str) {
        for (to, bytes) in mails.iter().filter(|(_, bytes)| bytes.windows(14).any(|w| w == b"METHOD:REQUEST")) {
            let who = PEOPLE.iter().find(|who| to.starts_with(**who)).expect("one of the eight");
            self.number += 10;
            let answer = person(who).write(Client::Thunderbird, &letter(bytes), text, self.number, Utc::now());
            self.deliver(&answer.bytes);
        }
    }

    /// Waits until the post office has taken so many more mails, and gives them.
    pub fn wait_for_mails(&self, count: usize) -> Vec<Taken> {
        let mut taken = Vec::new();
        let begin = std::time::Instant::now();
        while taken.len() < count {
            assert!(begin.elapsed().as_secs() < 120, "{} mails of {count} came", taken.len());
            std::thread::sleep(std::time::Duration::from_millis(20));
            taken.extend(self.post.collect());
        }
        taken
    }

    /// The day of the first session, at another hour, as `meeting move` reads it.
    pub fn day_of_move(&self, hour: &str) -> String {
        format!("{} {hour}", (Utc::now() + Duration::days(DAYS + 1)).format("%Y-%m-%d"))
    }

    /// A delivery agent's work: written in `tmp`, moved to `new`.
    pub fn deliver(&mut self, bytes: &[u8]) {
        self.delivered.insert(super::judge::hash(bytes));
        self.number += 1;
        let name = format!("{:010}.test", self.number);
        let (half, whole) = (self.path().join("mail/tmp").join(&name), self.path().join("mail/new").join(&name));
        std::fs::write(&half, bytes).unwrap();
        std::fs::rename(half, whole).unwrap();
    }
}

/// The program in that folder; nothing of the caller's own settings reaches it.
pub fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(args).current_dir(folder).env_remove("CODEVD_CONFIG").stdin(Stdio::null());
    command
}

pub fn write_files(folder: &Path, port: u16) {
    let put = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
    for sub in ["new", "cur", "tmp"] {
        std::fs::create_dir_all(folder.join("mail").join(sub)).unwrap();
    }
    put("codevd.toml", config(port));
    // on a full hour, so that what is due does not hang on the minute the test runs in
    let start = (Utc::now() + Duration::days(DAYS)).with_minute(0).unwrap().with_second(0).unwrap();
    put("lyon.toml", group(start));
}

pub fn config(port: u16) -> String {
    format!(
        "database = \"codevd.db\"\n[mailbox]\naddress = \"codev@codev.example\"\n[smtp]\nurl = \"smtp://127.0.0.1:{port}\"\n\
         [maildir]\npath = \"mail\"\n[pace]\nper_minute = 6000\nunforeseen = 100000\n"
    )
}

fn group(start: DateTime<Utc>) -> String {
    let member =
        |who: &&str| format!("[[member]]\nid = \"{who}\"\nname = \"{who} Test\"\nemail = \"{who}@people.example\"\n");
    let people: String = PEOPLE.iter().map(member).collect();
    format!(
        "name = \"Codev Lyon\"\nid = \"lyon\"\nlanguage = \"fr\"\ntimezone = \"UTC\"\nschedule = \"{}\"\n\
         format = \"1h30\"\nplace = \"https://visio.example.org\"\nfacilitator = \"ana\"\n{people}",
        start.format("%-S %-M %-H %-d %-m *")
    )
}

fn person(who: &str) -> Person {
    let habit = |on, say| Habit { on, step: None, meeting: None, after: Duration::zero(), say };
    let words = |on, text: &str| habit(on, Say::Words(text.to_owned()));
    let mut habits = match who {
        "hanna" => vec![],
        "emma" => vec![words(Kind::Invitation, "Non, désolée.")],
        "chloe" => vec![words(Kind::Invitation, "Oui, je viens !")],
        _ => vec![habit(Kind::Invitation, Say::Button(PartStat::Accepted))],
    };
    if who == "bruno" {
        habits.push(words(Kind::SubjectRequest, "Je n'arrive pas à dire non à mes anciens collègues."));
        habits.push(words(Kind::SubjectReceipt, "partager"));
    }
    let (client, calendar) = match who {
        "chloe" => (Client::Iphone, ReplyStyle::Apple),
        "david" => (Client::Outlook, ReplyStyle::Outlook),
        "emma" => (Client::Gmail, ReplyStyle::Google),
        _ => (Client::Thunderbird, ReplyStyle::Thunderbird),
    };
    let (name, email) = (format!("{who} Test"), format!("{who}@people.example"));
    Person { name, email, french: true, zone: chrono_tz::UTC, client, calendar, habits }
}

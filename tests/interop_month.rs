//! A session by real mail: the real binary, Postfix and Dovecot with TLS and log-in, IMAP IDLE, eight
//! people who answer as their programs would, and a `kill -9` in the middle of it.

use crate::interop;
use chrono::{DateTime, Duration, Utc};
use codevd::core::{DraftKey, Kind, StepKey};
use codevd::ical::PartStat;
use codevd::mail::{Letter, Token, letter};
use codevd::sim::calendar_reply::ReplyStyle;
use codevd::sim::{Client, Habit, Person, Say};
use codevd::store::{MailState, QueueFilter, QueueRow, Reader};
use codevd::transport::{Envelope, Security, Smtp, SmtpSettings};
use interop::Servers;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The facilitator first, then the circle; the first of the circle is the requester.
const PEOPLE: [&str; 8] = ["ana", "bruno", "chloe", "david", "emma", "farid", "gabriel", "hanna"];

#[test]
#[ignore = "needs Postfix and Dovecot: .ci/run runs it"]
fn a_session_by_real_mail_survives_a_kill() {
    let users: Vec<&str> = std::iter::once("codev").chain(PEOPLE).collect();
    let servers = Servers::start(&users);
    let home = tempfile::tempdir().unwrap();
    let start = Utc::now() + Duration::seconds(40);
    write_files(home.path(), &servers, start);
    codevd(home.path(), &["group", "apply", "lyon.toml", "--live", "--yes"]);
    codevd(home.path(), &["check"]);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut daemon = run(home.path());
    let mut members = Members::new(&servers, home.path());
    let until = |members: &mut Members, what: &str, done: &dyn Fn(&Members) -> bool| {
        let limit = Utc::now() + Duration::seconds(150);
        while !done(members) {
            assert!(Utc::now() < limit, "waiting for {what}:\n{}\n{}", members.told(), servers.log());
            runtime.block_on(members.turn());
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        println!("{} {what}", Utc::now().format("%H:%M:%S%.3f"));
    };

    until(&mut members, "the invitation in eight mailboxes", &|m| m.with(Kind::Invitation, None) == 8);
    until(&mut members, "the prompt of the request", &|m| m.with(Kind::StepPrompt, Some(StepKey::Request)) > 0);
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    println!("{} killed with SIGKILL", Utc::now().format("%H:%M:%S%.3f"));
    for _ in 0..15 {
        runtime.block_on(members.turn());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let mut daemon = run(home.path());
    until(&mut members, "the digest in eight mailboxes", &|m| m.with(Kind::Digest, None) == 8);
    for _ in 0..20 {
        runtime.block_on(members.turn());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    stop(&mut daemon);
    compare(home.path(), &members);
    answers(home.path());
}

/// Config, password, a format of seconds, and a group that meets at `start`.
fn write_files(home: &Path, servers: &Servers, start: DateTime<Utc>) {
    let put = |name: &str, text: String| std::fs::write(home.join(name), text).unwrap();
    std::fs::create_dir(home.join("formats")).unwrap();
    put("password", servers.password.to_owned());
    let login = format!(
        "user = \"{}\"\npassword_file = \"password\"\nca_file = \"{}\"\n",
        servers.address("codev"),
        servers.ca.display()
    );
    put(
        "codevd.toml",
        format!(
            "database = \"codevd.db\"\nformats = \"formats\"\n[mailbox]\naddress = \"{}\"\nname = \"Codev\"\n\
             [smtp]\nurl = \"smtps://localhost:{}\"\n{login}[imap]\nurl = \"imaps://localhost:{}\"\n{login}\
             [pace]\nper_minute = 2000\n",
            servers.address("codev"),
            servers.submissions,
            servers.imaps
        ),
    );
    put("formats/seconds.toml", format_of_seconds());
    let people: String = PEOPLE
        .iter()
        .map(|who| format!("[[member]]\nid = \"{who}\"\nname = \"{who} Test\"\nemail = \"{}\"\n", servers.address(who)))
        .collect();
    put(
        "lyon.toml",
        format!(
            "name = \"Codev Lyon\"\nid = \"lyon\"\nlanguage = \"fr\"\ntimezone = \"UTC\"\nschedule = \"{}\"\n\
             format = \"seconds\"\nplace = \"https://visio.example.org\"\nfacilitator = \"ana\"\n\
             [settings]\nprompt_lead_seconds = 1\ncollect_after_seconds = 1\nlast_call_seconds = 14\n\
             review_seconds = 12\nreview_time_seconds = 10\ndigest_seconds = 24\nday_of_minutes = 5\n{people}",
            start.format("%-S %-M %-H %-d %-m *")
        ),
    );
}

fn format_of_seconds() -> String {
    let step = |(key, seconds, speaker, order, collects): (&str, u32, &str, &str, &str)| {
        format!(
            "[[step]]\nkey = \"{key}\"\nminutes = \"{seconds}s\"\nspeaker = \"{speaker}\"\norder = \"{order}\"\ncollects = \"{collects}\"\n"
        )
    };
    let steps = [
        ("opening", 5, "all", "turn", "none"),
        ("choice", 4, "facilitator", "free", "none"),
        ("presentation", 5, "requester", "free", "none"),
        ("clarification", 5, "cooperants", "turn", "none"),
        ("feelings", 4, "cooperants", "turn", "none"),
        ("request", 7, "requester", "free", "request"),
        ("contributions", 8, "cooperants", "turn", "contribution"),
        ("action_plan", 5, "requester", "free", "action"),
        ("learnings", 5, "all", "turn", "learning"),
        ("closing", 5, "all", "turn", "none"),
    ];
    let head = "title.fr = \"Répétition\"\ntitle.en = \"Rehearsal\"\nlength = \"53s\"\npeople = { min = 4, ideal = 7, max = 8 }\n";
    head.to_owned() + &steps.map(step).concat()
}

fn command(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codevd"));
    command.current_dir(home);
    command
}

fn codevd(home: &Path, args: &[&str]) {
    let output = command(home).args(args).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    println!("$ codevd {}\n{text}", args.join(" "));
    assert!(output.status.code().is_some_and(|c| c == 0 || c == 3), "codevd {args:?}: {text}");
}

fn run(home: &Path) -> Child {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(home.join("log")).unwrap();
    command(home).arg("run").stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

fn stop(daemon: &mut Child) {
    let pid = daemon.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let begin = Utc::now();
    assert!(daemon.wait().unwrap().success(), "the daemon does not end well on SIGTERM");
    assert!(Utc::now() - begin < Duration::seconds(5));
}

/// A mail that reached a member.
struct Got {
    who: String,
    key: DraftKey,
    step: Option<StepKey>,
}

/// Eight people in front of their mailboxes.
struct Members {
    people: BTreeMap<String, Person>,
    maildirs: BTreeMap<String, PathBuf>,
    database: PathBuf,
    smtp: Smtp,
    daemon: String,
    seen: BTreeSet<PathBuf>,
    got: Vec<Got>,
    waiting: Vec<(DateTime<Utc>, String, Vec<u8>)>,
    number: u64,
}

impl Members {
    fn new(servers: &Servers, home: &Path) -> Self {
        let mut settings = SmtpSettings::new("127.0.0.1", None, "member.example");
        settings.port = servers.smtp;
        settings.security = Security::Plain;
        Self {
            people: PEOPLE.iter().map(|who| ((*who).to_owned(), person(who, servers))).collect(),
            maildirs: PEOPLE.iter().map(|who| ((*who).to_owned(), servers.maildir(who))).collect(),
            database: home.join("codevd.db"),
            smtp: Smtp::new(settings).unwrap(),
            daemon: servers.address("codev"),
            seen: BTreeSet::new(),
            got: Vec::new(),
            waiting: Vec::new(),
            number: 0,
        }
    }

    /// Reads what is new, and sends what is ready.
    async fn turn(&mut self) {
        for (who, path) in self.new_mails() {
            let bytes = std::fs::read(&path).unwrap();
            self.read(&who, &letter(&bytes));
            self.seen.insert(path);
        }
        let now = Utc::now();
        let (ready, later) = std::mem::take(&mut self.waiting).into_iter().partition(|(at, ..)| *at <= now);
        self.waiting = later;
        let ready: Vec<(DateTime<Utc>, String, Vec<u8>)> = ready;
        for (_, from, bytes) in ready {
            let envelope = Envelope::new(from, self.daemon.clone()).unwrap();
            let delivery = self.smtp.send(&envelope, &bytes).await;
            assert!(matches!(delivery, codevd::transport::Delivery::Accepted { .. }), "{delivery:?}");
        }
    }

    fn new_mails(&self) -> Vec<(String, PathBuf)> {
        let mut found = Vec::new();
        for (who, maildir) in &self.maildirs {
            let Ok(folder) = std::fs::read_dir(maildir.join("new")) else { continue };
            let paths = folder.map(|e| e.unwrap().path()).filter(|p| !self.seen.contains(p));
            found.extend(paths.map(|p| (who.clone(), p)));
        }
        found
    }

    fn read(&mut self, who: &str, mail: &Letter) {
        let id = mail.message_id.as_deref().unwrap().split('@').next().unwrap();
        let draft = Token::parse(id).expect("a mail of ours").draft_id().to_string();
        let reader = Reader::open(&self.database).unwrap();
        let key = reader.outbox_by_draft_id(&draft).unwrap().expect("in the outbox").draft.key;
        let meeting = key.meeting.and_then(|n| reader.meeting(&key.group, n).unwrap());
        let run = meeting.and_then(|m| m.run);
        let step = key.step.and_then(|s| run.as_ref()?.steps.get(s as usize).map(|s| s.key));
        self.number += 10;
        for answer in self.people[who].react(&key, step, mail, self.number, Utc::now()) {
            self.waiting.push((answer.at, self.people[who].email.clone(), answer.bytes));
        }
        self.got.push(Got { who: who.to_owned(), key, step });
    }

    /// In how many mailboxes that mail is.
    fn with(&self, kind: Kind, step: Option<StepKey>) -> usize {
        let fits = |g: &&Got| g.key.kind == kind && (step.is_none() || g.step == step);
        self.got.iter().filter(fits).map(|g| &g.who).collect::<BTreeSet<_>>().len()
    }

    fn told(&self) -> String {
        self.got.iter().map(|g| format!("{} got {}\n", g.who, g.key)).collect()
    }
}

fn person(who: &str, servers: &Servers) -> Person {
    let say = |on, step, seconds, say| Habit { on, step, meeting: None, after: Duration::milliseconds(seconds), say };
    let words = |on, step, after, text: &str| say(on, step, after, Say::Words(text.to_owned()));
    let button = say(Kind::Invitation, None, 300, Say::Button(PartStat::Accepted));
    let learning = words(Kind::LearningsRequest, None, 400, &format!("{who} : j'attends avant de conseiller."));
    let prompt = Some(StepKey::Contributions);
    let contribution = words(Kind::StepPrompt, prompt, 900, "J'ai vécu la même chose.");
    let habits = match who {
        "ana" => vec![button, words(Kind::StepPrompt, Some(StepKey::Clarification), 2500, "Suivant")],
        "bruno" => vec![
            button,
            words(Kind::SubjectRequest, None, 500, "Je n'arrive pas à dire non à mes anciens collègues."),
            words(Kind::SubjectReceipt, None, 400, "partager"),
            words(Kind::StepPrompt, Some(StepKey::Request), 3500, "Aidez-moi à dire non"),
            words(
                Kind::ActionPlanRequest,
                None,
                700,
                "tout partager\n- Écrire la règle avant le 15/12\n- Un café avec Sonia",
            ),
            learning,
            words(Kind::DigestReview, None, 600, "ok"),
        ],
        "chloe" => vec![words(Kind::Invitation, None, 500, "Oui, je viens !"), contribution, learning],
        // one who never answers
        "hanna" => Vec::new(),
        _ => vec![button, contribution, learning],
    };
    let (client, calendar) = match who {
        "chloe" => (Client::Iphone, ReplyStyle::Apple),
        "david" => (Client::Outlook, ReplyStyle::Outlook),
        "emma" => (Client::Gmail, ReplyStyle::Google),
        "farid" => (Client::Bare, ReplyStyle::Proton),
        _ => (Client::Thunderbird, ReplyStyle::Thunderbird),
    };
    let email = servers.address(who);
    Person { name: format!("{who} Test"), email, french: true, zone: chrono_tz::UTC, client, calendar, habits }
}

/// Both sides, mail by mail: what the outbox says is sent is there once, what it does not is not there.
fn compare(home: &Path, members: &Members) {
    let reader = Reader::open(home.join("codevd.db")).unwrap();
    let rows = reader.queue(&QueueFilter::default()).unwrap();
    let mut there: BTreeMap<String, usize> = BTreeMap::new();
    for got in &members.got {
        *there.entry(got.key.to_string()).or_default() += 1;
    }
    let twice: Vec<_> = there.iter().filter(|(_, n)| **n > 1).collect();
    assert!(twice.is_empty(), "sent twice: {twice:?}");
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    for row in &rows {
        *states.entry(format!("{:?}", row.state)).or_default() += 1;
        let arrived = there.contains_key(&row.draft_key);
        match row.state {
            MailState::Sent => assert!(arrived, "{} is sent and nowhere", row.draft_key),
            MailState::InDoubt => println!("in doubt: {}, arrived: {arrived}", row.draft_key),
            _ => assert!(!arrived, "{} is {:?} and arrived", row.draft_key, row.state),
        }
    }
    println!("{} mails in eight mailboxes; outbox: {states:?}", there.len());
    prompts(&rows, members);
    assert!(std::fs::read_to_string(home.join("log")).unwrap().lines().all(|l| !l.contains("panicked")));
}

/// Every step's prompt for everybody: sent, replaced by a newer one, dropped as too late, or in doubt.
fn prompts(rows: &[QueueRow], members: &Members) {
    let steps: BTreeSet<u32> = rows.iter().filter(|r| r.kind == Kind::StepPrompt).filter_map(step_of).collect();
    println!("prompts of {} steps", steps.len());
    let missing: Vec<_> = steps
        .iter()
        .flat_map(|s| PEOPLE.iter().map(move |who| (*s, *who)))
        .filter(|(s, who)| !rows.iter().any(|r| step_of(r) == Some(*s) && r.member.as_str() == *who))
        .collect();
    assert!(missing.is_empty(), "no prompt was decided for {missing:?}");
    let sent = members.got.iter().filter(|g| g.key.kind == Kind::StepPrompt).count();
    assert!(steps.len() >= 8 && sent >= 60, "{} steps, {sent} prompts arrived:\n{}", steps.len(), members.told());
}

fn step_of(row: &QueueRow) -> Option<u32> {
    row.draft_key.parse::<DraftKey>().unwrap().step
}

/// What people wrote lies in the right meeting and section.
fn answers(home: &Path) {
    let output = command(home).args(["meeting", "show", "1", "--markdown"]).output().unwrap();
    let digest = String::from_utf8_lossy(&output.stdout).replace(['\u{a0}', '\u{202f}'], " ");
    println!("{digest}");
    assert!(digest.contains("dire non"), "the request");
    assert!(digest.contains("15 décembre"), "the dated action");
    assert!(digest.matches("avant de conseiller").count() >= 5, "the learnings");
}

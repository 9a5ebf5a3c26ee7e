//! The program as people call it: what it prints, what it changes, and how it ends.

use crate::program;
use program::{Said, command};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

const GROUP: &str = include_str!("../config/group.example.toml");

/// A folder with a codevd.toml whose mail server is nobody.
struct House {
    folder: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        Self::with("smtp://127.0.0.1:9")
    }

    fn with(smtp: &str) -> Self {
        let house = Self { folder: tempfile::tempdir().unwrap() };
        let config = format!(
            "database = \"codevd.db\"\n[mailbox]\naddress = \"codev@example.org\"\n[smtp]\nurl = \"{smtp}\"\n[pace]\nper_minute = 6000\n"
        );
        fs::write(house.path("codevd.toml"), config).unwrap();
        fs::write(house.path("lyon.toml"), GROUP).unwrap();
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Said {
        Said::of(command(self.folder.path(), args).stdin(Stdio::null()).output().unwrap())
    }

    fn run_with(&self, args: &[&str], input: &[u8]) -> Said {
        let mut child = command(self.folder.path(), args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // the program may end before it has read all of it
        let _ = child.stdin.take().unwrap().write_all(input);
        Said::of(child.wait_with_output().unwrap())
    }

    /// A group, of which only its facilitator hears; applied by the first row of the inbox.
    fn applied(&self) {
        self.run(&["group", "apply", "lyon.toml", "--yes"]).ends(0);
    }

    fn live(&self) {
        self.run(&["group", "apply", "lyon.toml", "--live", "--yes"]).ends(0);
    }

    /// A daemon that is ready.
    fn daemon(&self) -> Daemon {
        let mut child =
            command(self.folder.path(), &["run"]).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let (tell, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        let mut daemon = Daemon { child, lines, log: String::new() };
        daemon.says("ready");
        daemon
    }
}

struct Daemon {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
    log: String,
}

impl Daemon {
    fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until its log says so.
    fn says(&mut self, word: &str) {
        loop {
            let line = self.lines.recv_timeout(std::time::Duration::from_secs(30));
            let line = line.unwrap_or_else(|e| panic!("no {word:?} in the log ({e}): {}", self.log));
            self.log.push_str(&line);
            self.log.push('\n');
            if line.contains(word) {
                return;
            }
        }
    }

    /// Asks it to stop as systemd does.
    fn ask_to_stop(&mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().unwrap();
        assert!(asked.success());
        self.says("stopping");
    }

    /// Its exit code and its log, once it has ended.
    fn end(mut self) -> (i32, String) {
        let code = self.child.wait().unwrap().code().expect("an exit code, no signal");
        let rest: Vec<String> = self.lines.iter().collect();
        (code, std::mem::take(&mut self.log) + &rest.join("\n"))
    }

    fn stop(mut self) -> (i32, String) {
        self.ask_to_stop();
        self.end()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn without_a_command_there_is_short_help_with_two_examples() {
    let said = House::new().run(&[]).ends(0);
    assert!(said.out.lines().count() <= 15, "{}", said.out);
    assert!(said.out.matches("\n  codevd ").count() == 2 && said.err.is_empty(), "{}", said.out);
    let all = House::new().run(&["help"]).ends(0).out;
    assert!(all.contains("Exit codes: 0 done, 1 it could not, 2 usage, 3 something needs a look"), "{all}");
}

#[test]
fn an_unknown_command_is_answered_by_the_nearest_and_never_run() {
    let said = House::new().run(&["statsu"]).ends(2);
    assert!(said.err.contains("status"), "{}", said.err);
    House::new().run(&["meeting", "move", "1", "tomorrow"]).ends(2);
    House::new().run(&["group", "apply"]).ends(2);
}

#[test]
fn without_a_configuration_it_is_said_where_it_was_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let said = Said::of(command(folder.path(), &["status"]).output().unwrap()).ends(1);
    assert!(said.err.contains("--config") && said.err.contains("/etc/codevd/codevd.toml"), "{}", said.err);
    let said = Said::of(command(folder.path(), &["status", "--config", "none.toml"]).output().unwrap()).ends(1);
    assert!(said.err.contains("none.toml"), "{}", said.err);
    let house = House::new();
    let config = house.path("codevd.toml");
    Said::of(command(folder.path(), &["group", "list"]).env("CODEVD_CONFIG", config).output().unwrap()).ends(0);
}

#[test]
fn check_tells_all_errors_of_a_broken_configuration_at_their_lines() {
    let house = House::new();
    fs::write(house.path("codevd.toml"), "databse = \"x.db\"\n[mailbox]\naddress = \"codev\"\n").unwrap();
    let said = house.run(&["check"]).ends(3);
    assert!(said.out.contains("codevd.toml:1:1") && said.out.contains("codevd.toml:3:"), "{}", said.out);
    let data = house.run(&["check", "--json"]).ends(3).data("check");
    assert!(data["errors"].as_u64().unwrap() >= 2, "{data}");
    house.run(&["status"]).ends(1);
}

#[test]
fn check_tells_what_is_well_and_what_is_not() {
    let house = House::new();
    let said = house.run(&["check", "--offline", "lyon.toml"]).ends(0);
    assert!(said.out.contains("Codev Lyon (codev-lyon), 7 people"), "{}", said.out);
    let said = house.run(&["check"]).ends(3);
    assert!(said.out.contains("error   smtp") && said.out.contains("127.0.0.1:9"), "{}", said.out);
    fs::write(house.path("own.toml"), GROUP.replace("bo@example.com", "codev@example.org")).unwrap();
    let said = house.run(&["check", "--offline", "own.toml"]).ends(3);
    assert!(said.out.contains("a mailbox of codevd's own"), "{}", said.out);
    let said = house.run(&["group", "apply", "own.toml", "--yes"]).ends(1);
    assert!(said.err.contains("a mailbox of codevd's own") && !house.path("codevd.db").exists(), "{}", said.err);
}

#[test]
fn a_rehearsal_writes_nothing_and_without_a_yes_nothing_is_done() {
    let house = House::new();
    let said = house.run(&["group", "apply", "lyon.toml", "--live", "--dry-run"]).ends(0);
    assert!(said.out.contains("+ joins    Ana Lopes <ana@example.com>"), "{}", said.out);
    assert!(said.out.contains("--dry-run"), "{}", said.out);
    let said = house.run(&["group", "apply", "lyon.toml"]).ends(2);
    assert!(said.err.contains("--yes"), "{}", said.err);
    assert_eq!(fs::read_dir(house.folder.path()).unwrap().count(), 2, "nothing was written");
}

#[test]
fn what_the_rehearsal_tells_is_what_is_queued() {
    let house = House::new();
    let told = house.run(&["group", "apply", "lyon.toml", "--live", "--dry-run", "--json"]).ends(0).data("group apply");
    house.live();
    let told: usize = told["mails"].as_array().unwrap().iter().map(|m| m["to"].as_array().unwrap().len()).sum();
    let queued = house.run(&["mail", "queue", "--json"]).ends(0).data("mail queue");
    assert_eq!(told, queued["mails"].as_array().unwrap().len());
}

#[test]
fn a_group_is_applied_shown_and_changed() {
    let house = House::new();
    assert!(house.run(&["group", "list"]).ends(0).out.contains("no group yet"));
    house.live();
    let groups = house.run(&["group", "list", "--json"]).ends(0).data("group list");
    assert_eq!((&groups["groups"][0]["id"], &groups["groups"][0]["live"]), (&"codev-lyon".into(), &true.into()));
    let shown = house.run(&["group", "show", "codev-lyon", "--json"]).ends(0).data("group show");
    assert_eq!(shown["members"].as_array().unwrap().len(), 7);
    let said = house.run(&["group", "show", "codev-lion"]).ends(1);
    assert!(said.err.contains("did you mean codev-lyon?"), "{}", said.err);
    let said = house.run(&["group", "apply", "lyon.toml", "--yes"]).ends(0);
    assert!(said.out.contains("nothing to do"), "{}", said.out);
    let fewer = GROUP.replace("name = \"Bo Nilsson\"\nemail = \"bo@", "name = \"Bea Noir\"\nemail = \"bea@");
    fs::write(house.path("lyon.toml"), fewer).unwrap();
    let said = house.run(&["group", "apply", "lyon.toml", "--yes"]).ends(0);
    assert!(said.out.contains("+ joins    Bea Noir") && said.out.contains("- leaves   Bo Nilsson"), "{}", said.out);
    assert!(house.run(&["group", "show", "codev-lyon"]).ends(0).out.contains("Bea Noir"));
}

#[test]
fn meetings_are_moved_swapped_and_cancelled_without_a_daemon() {
    let house = House::new();
    house.live();
    let list = house.run(&["meeting", "list", "--json"]).ends(0).data("meeting list");
    assert_eq!(list["meetings"].as_array().unwrap().len(), 1, "{list}");
    let year = &list["meetings"][0]["wall"].as_str().unwrap()[..4];
    let to = format!("{}-03-16 19:30", year.parse::<u32>().unwrap() + 1);
    let said = house.run(&["meeting", "move", "1", &to, "--dry-run"]).ends(0);
    assert!(said.out.contains("nothing was changed"), "{}", said.out);
    let said = house.run(&["meeting", "move", "1", &to]).ends(0);
    assert!(said.out.contains("mail leaves when `codevd run` does"), "{}", said.out);
    let shown = house.run(&["meeting", "show", "codev-lyon/1", "--json"]).ends(0).data("meeting show");
    assert_eq!(shown["wall"], to.replace(' ', "T") + ":00");
    assert_eq!(shown["sequence"], 1);
    house.run(&["meeting", "swap", "1", "Bo"]).ends(0);
    assert!(house.run(&["meeting", "show", "1"]).ends(0).out.contains("requester Bo Nilsson"));
    let said = house.run(&["meeting", "swap", "1", "Zoé"]).ends(1);
    assert!(said.err.contains("Zoé") && said.err.contains("Ana"), "{}", said.err);
    let said = house.run(&["meeting", "move", "1", "2020-01-01 18:00"]).ends(1);
    assert!(said.err.contains("2020-01-01 18:00"), "{}", said.err);
    house.run(&["meeting", "cancel", "1"]).ends(0);
    house.run(&["meeting", "cancel", "1"]).ends(1);
    let said = house.run(&["meeting", "show", "7"]).ends(1);
    assert!(said.err.contains("codev-lyon/1"), "{}", said.err);
    let story = house.run(&["why", "1"]).ends(0).out;
    assert!(story.contains("moved from") && story.contains("cancelled"), "{story}");
}

#[test]
fn the_story_of_mails_and_members_is_told() {
    let house = House::new();
    house.live();
    let queue = house.run(&["mail", "queue", "--json"]).ends(0).data("mail queue");
    let mail = &queue["mails"][0];
    let id = format!("out:{}", mail["id"]);
    for name in [id.as_str(), mail["draft_key"].as_str().unwrap(), mail["message_id"].as_str().unwrap()] {
        let told = house.run(&["why", name, "--json"]).ends(0).data("why");
        assert_eq!(told["stories"][0]["mail"]["id"], mail["id"], "{name}");
        assert_eq!(house.run(&["mail", "show", name, "--json"]).ends(0).data("mail show")["mail"]["id"], mail["id"]);
    }
    assert!(house.run(&["why", "in:1"]).ends(0).out.contains("done"));
    // a number that is no meeting: what came in under it, and the mail of the queue
    house.run(&["meeting", "cancel", "1"]).ends(0);
    let told = house.run(&["why", "2"]).ends(0).out;
    for name in ["in:2", "out:2"] {
        let one = house.run(&["why", name]).ends(0).out;
        assert!(told.contains(&one), "{name}: {one}\n{told}");
    }
    assert!(house.run(&["why", "ana@example.com"]).ends(0).out.contains("Ana Lopes joined"));
    assert!(house.run(&["why", "codev-lyon/ana"]).ends(0).out.contains("Ana Lopes joined"));
    house.run(&["why", "nothing-of-ours"]).ends(1);
    let raw = house.run(&["mail", "show", &id, "--raw"]).ends(0).out;
    assert!(raw.contains("Message-ID: <"), "{raw}");
}

#[test]
fn status_needs_a_look_when_a_live_group_has_no_daemon() {
    let house = House::new();
    house.run(&["status"]).ends(0);
    house.live();
    let said = house.run(&["status"]).ends(3);
    assert!(said.out.contains("not running") && said.out.contains("start `codevd run`"), "{}", said.out);
    let data = house.run(&["status", "--json"]).ends(3).data("status");
    assert_eq!(data["running"], false);
    assert!(data["outbox"]["queued"].as_u64().unwrap() >= 7, "{data}");
}

#[test]
fn figures_for_monitoring_name_nobody() {
    let house = House::new();
    let said = house.run(&["status", "--metrics"]).ends(0);
    assert!(said.out.contains("codevd_running 0\n") && said.out.ends_with("# EOF\n"), "{}", said.out);
    house.live();
    let said = house.run(&["status", "--metrics"]).ends(0);
    let value = |name: &str| {
        let line = said.out.lines().find(|l| l.starts_with(name)).unwrap_or_else(|| panic!("{name}: {}", said.out));
        line.rsplit(' ').next().unwrap().parse::<i64>().unwrap()
    };
    assert_eq!(value("codevd_groups_live "), 1);
    assert_eq!(value("codevd_needs_a_look "), 1, "no daemon runs");
    assert!(value("codevd_outbox_mails{state=\"queued\"} ") >= 7);
    assert!(value("codevd_next_due_timestamp_seconds ") > 0);
    assert!(!said.out.contains("lyon") && !said.out.contains('@'), "{}", said.out);
    house.run(&["status", "--metrics", "--json"]).ends(2);
}

/// Mails nobody should send, each with whether the command keeps it.
fn odd_mails() -> Vec<(&'static str, Vec<u8>)> {
    let cut = b"From: a@example.org\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: te";
    let mut large = b"From: a@example.org\r\nSubject: large\r\n\r\n".to_vec();
    large.resize(25 * 1024 * 1024, b'a');
    vec![
        ("empty", Vec::new()),
        ("binary", (0..=255).cycle().take(100_000).collect()),
        ("truncated", cut.to_vec()),
        ("one line", b"hello".to_vec()),
        ("large", large),
    ]
}

#[test]
fn whatever_is_delivered_is_kept_and_changes_nothing() {
    let house = House::new();
    house.live();
    for (name, mail) in odd_mails() {
        let said = house.run_with(&["mail", "deliver"], &mail).ends(0);
        assert!(said.out.is_empty(), "{name}: {}", said.out);
    }
    let mut too_large = odd_mails().pop().unwrap().1;
    too_large.push(b'a');
    house.run_with(&["mail", "deliver"], &too_large).ends(1);
    let before = house.run(&["group", "show", "codev-lyon", "--json"]).ends(0).out;
    house.run(&["run", "--once"]).ends(0);
    assert_eq!(house.run(&["group", "show", "codev-lyon", "--json"]).ends(0).out, before);
    let data = house.run(&["status", "--json"]).ends(3).data("status");
    assert_eq!(data["kept"].as_array().unwrap().len(), odd_mails().len(), "{data}");
    assert!(data["inbox"]["new"].is_null(), "{data}");
}

/// What the host says of a sender is read when a mail is handed in too, with a daemon and without one.
#[test]
fn a_forged_answer_that_is_delivered_is_not_believed() {
    let house = House::new();
    let config = fs::read_to_string(house.path("codevd.toml")).unwrap();
    let config = config.replace("[mailbox]\n", "[mailbox]\nauthserv_id = \"mx.example.net\"\n");
    fs::write(house.path("codevd.toml"), config).unwrap();
    let mail = |result: &str, id: &str| {
        let head = "From: ana@example.org\r\nTo: codev@example.org\r\nSubject: Re: x";
        format!("Authentication-Results: {id}; {result}\r\n{head}\r\nMessage-ID: <{result}>\r\n\r\nOui\r\n")
            .into_bytes()
    };
    let deliver = |n: &str| {
        let fail = format!("dmarc=fail (p=reject) header.from=example.org smtp.mailfrom={n}.test");
        house.run_with(&["mail", "deliver"], &mail(&fail, "mx.example.net")).ends(0);
        let pass = format!("dmarc=pass header.from=example.org smtp.mailfrom={n}.test");
        house.run_with(&["mail", "deliver"], &mail(&pass, "mx.example.net")).ends(0);
        house.run_with(&["mail", "deliver"], &mail(&pass, "evil.test")).ends(0);
    };
    house.applied();
    deliver("alone");
    let daemon = house.daemon();
    deliver("daemon");
    assert_eq!(daemon.stop().0, 0);
    let store = codevd::store::Store::open(house.path("codevd.db")).unwrap();
    let level = |id: i64| format!("{:?}", store.inbox_row(id).unwrap().unwrap().proof.unwrap().level);
    assert_eq!((2..=7).map(level).collect::<String>(), "CABCAB");
}

/// Where the mailbox is read by IMAP its host stamps what is fetched: a mail handed in that says so wrote it itself.
#[test]
fn a_mailboxs_host_says_nothing_of_what_is_delivered() {
    let house = House::new();
    let config = fs::read_to_string(house.path("codevd.toml")).unwrap();
    let config = config.replace("[mailbox]\n", "[mailbox]\nauthserv_id = \"mx.example.net\"\n");
    let stamped =
        b"Authentication-Results: mx.example.net; dmarc=pass header.from=example.org\r\nFrom: ana@example.org\r\n\
        To: codev@example.org\r\nSubject: Re: x\r\n";
    let imap = "[imap]\nurl = \"imaps://127.0.0.1:9\"\nuser = \"codev\"\npassword_env = \"CODEVD_NO_SUCH\"\n";
    house.applied();
    for (n, more) in ["", imap].into_iter().enumerate() {
        fs::write(house.path("codevd.toml"), format!("{config}{more}")).unwrap();
        let mail = [stamped, format!("Message-ID: <{n}@example.org>\r\n\r\nOui\r\n").as_bytes()].concat();
        house.run_with(&["mail", "deliver"], &mail).ends(0);
    }
    let store = codevd::store::Store::open(house.path("codevd.db")).unwrap();
    let level = |id: i64| store.inbox_row(id).unwrap().unwrap().proof.map(|proof| proof.level);
    assert_eq!((level(2), level(3)), (Some(codevd::mail::Level::A), None));
}

#[test]
fn what_only_needs_reading_never_hides_what_cannot_be_read() {
    let house = House::new();
    house.live();
    house.run_with(&["mail", "deliver"], b"\0\xff\0").ends(0);
    for n in 0..21 {
        let mail = format!("From: zoe@nowhere.example\r\nTo: codev@example.org\r\nSubject: hello {n}\r\n\r\nhello\r\n");
        house.run_with(&["mail", "deliver"], mail.as_bytes()).ends(0);
    }
    house.run(&["run", "--once"]);
    let data = house.run(&["status", "--json"]).ends(3).data("status");
    let told = data["needs_a_look"].as_array().unwrap();
    assert!(told.iter().any(|t| t.as_str().unwrap().starts_with("in:2 ")), "{data}");
    let said = house.run(&["status"]).ends(3).out;
    assert!(said.contains("mails that came in: 1 quarantined, 21 recorded without effect"), "{said}");
}

#[test]
fn a_mail_that_ended_the_daemon_five_times_is_set_aside_and_the_others_are_read() {
    let house = House::new();
    house.live();
    for name in ["a", "b", "c"] {
        let mail = format!("From: {name}@example.org\r\nMessage-ID: <{name}@example.org>\r\n\r\nhello\r\n");
        house.run_with(&["mail", "deliver"], mail.as_bytes()).ends(0);
    }
    let conn = rusqlite::Connection::open(house.path("codevd.db")).unwrap();
    let mails = "WHERE kind = 'mail'";
    let id_of = |n: i64| -> i64 {
        conn.query_row(&format!("SELECT id FROM inbox {mails} ORDER BY id LIMIT 1 OFFSET ?"), [n], |r| r.get(0))
            .unwrap()
    };
    // the first ended five daemons; while the second was read two were killed by chance
    for (n, tries) in [(0, 5), (1, 2)] {
        conn.execute("UPDATE inbox SET tries = ? WHERE id = ?", [tries, id_of(n)]).unwrap();
    }
    house.run(&["run", "--once"]).ends(0);
    let state = |n: i64| -> (String, String, i64) {
        let sql = "SELECT state, reason, tries FROM inbox WHERE id = ?";
        conn.query_row(sql, [id_of(n)], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).unwrap()
    };
    let (poison, reason, _) = state(0);
    assert_eq!(poison, "quarantined");
    assert!(reason.contains("the daemon ended 5 times while it read this"), "{reason}");
    for n in [1, 2] {
        assert!(!["new", "quarantined"].contains(&state(n).0.as_str()), "{:?}", state(n));
    }
    let said = house.run(&["status"]).ends(3);
    assert!(said.out.contains("while it read this"), "{}", said.out);
}

/// Reading it before it has a row (whom is it from?) may end the process as well; each of these mails is handed in
/// until it stays.
#[test]
fn a_mail_that_ended_the_daemon_before_it_had_a_row_is_set_aside_unread() {
    use sha2::{Digest, Sha256};
    let house = House::new();
    for folder in ["new", "cur", "tmp"] {
        fs::create_dir_all(house.path("post").join(folder)).unwrap();
    }
    let config = fs::read_to_string(house.path("codevd.toml")).unwrap();
    fs::write(house.path("codevd.toml"), config + "[maildir]\npath = \"post\"\n").unwrap();
    house.applied();
    let conn = rusqlite::Connection::open(house.path("codevd.db")).unwrap();
    // the first ended five processes; two were killed by chance while they took the second
    for (name, tries) in [("a", 5), ("b", 2), ("c", 0)] {
        let mail = format!("From: {name}@example.org\r\nMessage-ID: <{name}@example.org>\r\n\r\nhello\r\n");
        let hash: String = Sha256::digest(mail.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
        conn.execute("INSERT INTO arriving VALUES (?, ?, '2026-11-20T10:00:00Z')", (hash, tries)).unwrap();
        fs::write(house.path("post/new").join(format!("1.{name}.host")), mail).unwrap();
    }
    assert!(house.run(&["run", "--once"]).ends(0).out.contains("mails that came in: 3,"));
    let mut rows =
        conn.prepare("SELECT state, from_address, reason FROM inbox WHERE kind = 'mail' ORDER BY id").unwrap();
    let rows = rows.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).unwrap();
    let rows: Vec<(String, Option<String>, Option<String>)> = rows.map(Result::unwrap).collect();
    let unread: Vec<_> = rows.iter().filter(|(state, from, _)| state == "quarantined" && from.is_none()).collect();
    assert!(unread.len() == 1 && rows.len() == 3, "{rows:?}");
    assert!(unread[0].2.as_ref().unwrap().contains("the daemon ended 5 times while it took this in"), "{rows:?}");
    let left: i64 = conn.query_row("SELECT count(*) FROM arriving", [], |r| r.get(0)).unwrap();
    assert_eq!(left, 0);
    assert!(house.run(&["status"]).ends(3).out.contains("took this in"));
}

#[test]
fn a_mail_that_cannot_be_kept_stays_with_its_server() {
    let house = House::new();
    fs::write(house.path("codevd.toml"), "nonsense").unwrap();
    house.run_with(&["mail", "deliver"], b"From: a@example.org\r\n\r\nx").ends(75);
    let folder = tempfile::tempdir().unwrap();
    Said::of(command(folder.path(), &["mail", "deliver"]).stdin(Stdio::null()).output().unwrap()).ends(75);
}

#[test]
fn mails_are_read_without_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let mail = b"From: ana@example.com\r\nTo: codev@example.org\r\nSubject: Re: x\r\n\r\nOui\r\n";
    fs::write(folder.path().join("a.eml"), mail).unwrap();
    let mut child = command(folder.path(), &["mail", "read", "--json", "-", "a.eml"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"\0\xff").unwrap();
    let said = Said::of(child.wait_with_output().unwrap()).ends(0);
    let lines: Vec<Value> = said.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["file"], &lines[1]["file"]), (&"-".into(), &"a.eml".into()));
    assert_eq!((&lines[1]["kind"], &lines[1]["reply"]["text"]), (&"person".into(), &"Oui".into()));
    Said::of(command(folder.path(), &["mail", "read", "none.eml"]).output().unwrap()).ends(1);
}

#[test]
fn answers_are_understood_without_a_configuration() {
    let house = House::new();
    let args = ["mail", "understand", "--question", "attendance", "--lang", "fr", "--json"];
    let said = house.run_with(&args, "\"Oui, je viens\"\n\"non\"\n\"\"\n".as_bytes()).ends(0);
    let lines: Vec<Value> = said.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let meanings: Vec<_> = lines.iter().map(|l| l["meaning"].as_str().unwrap()).collect();
    assert_eq!(meanings, ["yes", "no", "none"]);
    let said = house.run_with(&["mail", "understand", "--question", "atendance"], b"").ends(2);
    assert!(said.err.contains("did you mean attendance?"), "{}", said.err);
    house.run_with(&args, b"\"unfinished\n").ends(1);
}

#[test]
fn a_daemon_takes_orders_and_mails_refuses_a_second_one_and_stops_when_asked() {
    let house = House::new();
    house.live();
    let daemon = house.daemon();
    let said = house.run(&["run"]).ends(1);
    assert!(said.err.contains(&format!("process {} (codevd run)", daemon.pid())), "{}", said.err);
    let data = house.run(&["status", "--json"]).data("status");
    assert_eq!(data["running"], true, "{data}");
    let said = house.run(&["meeting", "cancel", "1"]).ends(0);
    assert!(said.out.contains("done: cancelled") && !said.out.contains("No daemon"), "{}", said.out);
    house.run(&["meeting", "cancel", "1"]).ends(1);
    house.run_with(&["mail", "deliver"], b"From: a@example.org\r\n\r\nhello").ends(0);
    // nonsense at the socket is answered or cut off, and harms nothing
    for nonsense in [&b"\0\xff\n"[..], b"deliver 99999999999\n", b"deliver 10\nabc", b"deliver -1\n", b"x"] {
        let mut socket = std::os::unix::net::UnixStream::connect(house.path("codevd.db.sock")).unwrap();
        socket.write_all(nonsense).unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        let mut said = String::new();
        std::io::Read::read_to_string(&mut socket, &mut said).unwrap();
        assert!(said.starts_with("no "), "{said}");
    }
    let (code, log) = daemon.stop();
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("stopping") && !log.contains("hello"), "{log}");
    let rows = house.run(&["status", "--json"]).data("status");
    assert!(rows["inbox"]["new"].is_null(), "the daemon looked at all of it: {rows}");
}

#[test]
fn status_says_that_no_mail_leaves_once_that_is_more_than_a_servers_usual_delay() {
    let house = House::new();
    let daemon = house.daemon();
    house.run(&["status"]).ends(0);
    let conn = rusqlite::Connection::open(house.path("codevd.db")).unwrap();
    for (minutes, code) in [(20, 0), (90, 3)] {
        let sql = "INSERT OR REPLACE INTO alarms SELECT 'outbox', strftime(f, 'now', ?), strftime(f, 'now'), \
            '451 4.3.0 later', 'Outbox', 0, NULL, NULL FROM (SELECT '%Y-%m-%dT%H:%M:%SZ' AS f)";
        conn.execute(sql, [format!("-{minutes} minutes")]).unwrap();
        let said = house.run(&["status"]).ends(code);
        assert_eq!(said.out.contains("451 4.3.0 later"), code == 3, "{}", said.out);
    }
    assert_eq!(daemon.stop().0, 0);
}

/// A mail server of few words: it takes one mail up to the final dot, and answers that when told.
struct SlowServer {
    port: u16,
    dot: std::sync::mpsc::Receiver<()>,
    answer: std::sync::mpsc::Sender<()>,
}

impl SlowServer {
    fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (reached, dot) = std::sync::mpsc::channel();
        let (answer, may) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if converse(&stream, &reached, &may).is_none() {
                    return;
                }
            }
        });
        Self { port, dot, answer }
    }

    fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    fn reached_the_dot(&self) {
        self.dot.recv_timeout(std::time::Duration::from_secs(30)).expect("a mail within 30 s");
    }
}

/// `None` once the test is over.
fn converse(
    mut stream: &std::net::TcpStream,
    reached: &std::sync::mpsc::Sender<()>,
    may: &std::sync::mpsc::Receiver<()>,
) -> Option<()> {
    let mut lines = BufReader::new(stream);
    let mut in_mail = false;
    let _ = stream.write_all(b"220 slow\r\n");
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap_or(0) == 0 {
            return Some(());
        }
        let said = match (in_mail, line.trim_end()) {
            (true, ".") => {
                in_mail = false;
                reached.send(()).ok()?;
                may.recv().ok()?;
                "250 taken"
            }
            (true, _) => continue,
            (false, "DATA") => {
                in_mail = true;
                "354 go on"
            }
            (false, "QUIT") => "221 bye",
            (false, _) => "250 yes",
        };
        let _ = stream.write_all(format!("{said}\r\n").as_bytes());
    }
}

fn outbox(house: &House) -> Value {
    house.run(&["status", "--json"]).data("status")["outbox"].clone()
}

#[test]
fn asked_to_stop_the_daemon_finishes_the_mail_in_hand_and_begins_no_other() {
    let server = SlowServer::start();
    let house = House::with(&server.url());
    house.live();
    let all = outbox(&house)["queued"].as_u64().unwrap();
    let mut daemon = house.daemon();
    server.reached_the_dot();
    daemon.ask_to_stop();
    server.answer.send(()).unwrap();
    let (code, log) = daemon.end();
    assert_eq!(code, 0, "{log}");
    let after = outbox(&house);
    assert_eq!((&after["sent"], &after["queued"]), (&1.into(), &(all - 1).into()), "{after}\n{log}");
    assert!(!house.path("codevd.db.sock").exists());
}

#[test]
fn a_mail_cut_off_between_the_dot_and_the_answer_is_in_doubt_and_not_repeated() {
    let server = SlowServer::start();
    let house = House::with(&server.url());
    house.live();
    let all = outbox(&house)["queued"].as_u64().unwrap();
    let daemon = house.daemon();
    server.reached_the_dot();
    drop(daemon); // killed
    drop(server);
    let said = house.run(&["run", "--once"]).ends(0);
    assert!(said.err.contains("codevd status"), "{}", said.err);
    let queue = house.run(&["mail", "queue", "--all", "--json"]).ends(0).data("mail queue");
    let mails = queue["mails"].as_array().unwrap();
    assert!(mails.iter().all(|m| m["state"] != "sent") && mails.len() as u64 >= all, "{queue}");
    let doubtful: Vec<_> = mails.iter().filter(|m| m["state"] == "in_doubt").collect();
    assert_eq!(doubtful.len(), 1, "{queue}");
    assert_eq!(doubtful[0]["attempts"], 1, "{queue}");
    let said = house.run(&["status"]).ends(3);
    assert!(said.out.contains("nobody knows whether mail"), "{}", said.out);
}

#[test]
fn mail_reaches_the_server_and_each_is_sent_once() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut office, port) = runtime.block_on(codevd::demo::post_office::PostOffice::start(0)).unwrap();
    let house = House::with(&format!("smtp://127.0.0.1:{port}"));
    let said = house.run(&["check"]).ends(0);
    assert!(said.out.contains("ok      smtp"), "{}", said.out);
    house.live();
    let all = outbox(&house)["queued"].as_u64().unwrap();
    let said = house.run(&["run", "--once"]).ends(0);
    assert!(said.out.contains(&format!("mails sent: {all},")), "{}", said.out);
    let mut receivers: Vec<String> = Vec::new();
    while let Some(mail) = office.try_next() {
        receivers.extend(mail.rcpt_to);
    }
    assert_eq!(receivers.len() as u64, all, "{receivers:?}");
    assert!(receivers.contains(&"ana@example.com".to_owned()), "{receivers:?}");
    assert!(house.run(&["run", "--once"]).ends(0).out.contains("mails sent: 0,"));
    assert!(office.try_next().is_none());
}

/// What lies in a mailbox may be answers to the mails of another database, whose disk is not mounted.
#[test]
fn a_database_without_a_group_leaves_mail_where_it_is() {
    let house = House::new();
    for folder in ["new", "cur", "tmp"] {
        fs::create_dir_all(house.path("post").join(folder)).unwrap();
    }
    fs::create_dir(house.path("disk")).unwrap();
    let config = fs::read_to_string(house.path("codevd.toml")).unwrap().replace("codevd.db", "disk/codevd.db");
    fs::write(house.path("codevd.toml"), config + "[maildir]\npath = \"post\"\n").unwrap();
    house.live();
    house.run(&["run", "--once"]).ends(0);
    let mail = b"From: ana@example.com\r\nSubject: x\r\n\r\noui\r\n";
    fs::write(house.path("post/new/1.a.host"), mail).unwrap();
    let waits = || house.path("post/new/1.a.host").exists();
    // not mounted: its place is an empty folder
    fs::rename(house.path("disk"), house.path("mounted elsewhere")).unwrap();
    fs::create_dir(house.path("disk")).unwrap();
    let said = house.run(&["run", "--once"]).ends(0);
    assert!(said.err.contains("is its disk mounted?") && said.err.contains("disk/codevd.db"), "{}", said.err);
    assert!(waits(), "{}", said.err);
    let said = house.run_with(&["mail", "deliver"], mail).ends(75);
    assert!(said.err.contains("is its disk mounted?"), "{}", said.err);
    let said = house.run(&["status"]).ends(0).out;
    assert!(said.contains("is its disk mounted?") && said.contains("disk/codevd.db"), "{said}");
    let daemon = house.daemon();
    house.run_with(&["mail", "deliver"], mail).ends(75);
    let (_, log) = daemon.stop();
    assert!(waits() && log.contains("is its disk mounted?"), "{log}");
    // mounted: all goes on
    fs::remove_dir_all(house.path("disk")).unwrap();
    fs::rename(house.path("mounted elsewhere"), house.path("disk")).unwrap();
    assert!(house.run(&["run", "--once"]).ends(0).out.contains("mails that came in: 1,"));
    assert!(!waits() && !house.run(&["status"]).out.contains("is its disk mounted?"));
}

#[test]
fn mail_in_a_maildir_is_taken_once_and_stays_there() {
    let house = House::new();
    house.applied();
    for folder in ["new", "cur", "tmp"] {
        fs::create_dir_all(house.path("post").join(folder)).unwrap();
    }
    let config = fs::read_to_string(house.path("codevd.toml")).unwrap();
    fs::write(house.path("codevd.toml"), config + "[maildir]\npath = \"post\"\n").unwrap();
    fs::write(house.path("post/new/1.a.host"), "From: a@example.org\r\nSubject: x\r\n\r\nhello\r\n").unwrap();
    assert!(house.run(&["run", "--once"]).ends(0).out.contains("mails that came in: 1,"));
    assert!(house.run(&["run", "--once"]).ends(0).out.contains("mails that came in: 0,"));
    assert!(house.path("post/.Taken/cur/1.a.host:2,").exists());
    let said = house.run(&["status"]).ends(0);
    assert!(said.out.contains("a@example.org"), "{}", said.out);
    assert!(house.run(&["why", "in:2"]).ends(0).out.contains("kept, not applied"));
}

#[test]
fn where_the_log_cannot_be_written_the_daemon_goes_on() {
    let house = House::new();
    house.live();
    let mut child = command(house.folder.path(), &["-vv", "run", "--once"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    let said = Said::of(child.wait_with_output().unwrap()).ends(0);
    assert!(said.out.contains("to be tried again"), "{}", said.out);
}

#[test]
fn what_another_program_derived_is_derived_again_once() {
    let house = House::new();
    house.live();
    let due =
        |house: &House| house.run(&["group", "list", "--json"]).data("group list")["groups"][0]["next_due_at"].clone();
    let before = due(&house);
    let formats = house.path("formats");
    fs::create_dir(&formats).unwrap();
    let own = include_str!("../config/formats/1h.toml");
    fs::write(formats.join("own.toml"), own).unwrap();
    let config = fs::read_to_string(house.path("codevd.toml")).unwrap();
    fs::write(house.path("codevd.toml"), format!("formats = \"formats\"\n{config}")).unwrap();
    let daemon = house.daemon();
    house.run(&["meeting", "cancel", "1"]).ends(0);
    let (code, log) = daemon.stop();
    assert_eq!(code, 0, "{log}");
    assert!(!log.contains("could not be derived"), "{log}");
    assert_ne!(due(&house), before);
}

#[test]
fn colour_is_for_terminals_and_a_closed_pipe_is_no_failure() {
    let house = House::new();
    assert!(!house.run(&["check", "--offline"]).ends(0).out.contains('\u{1b}'));
    let mut child = command(house.folder.path(), &["help"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().code().is_some());
}

#[test]
fn a_mail_read_with_the_hosts_id_tells_what_proves_its_sender() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m.eml");
    let mail = "Authentication-Results: mx.example.net; dmarc=pass header.from=example.org\r\n\
        From: Ana <ana@example.org>\r\nDate: Tue, 24 Nov 2026 10:00:00 +0100\r\n\r\nOui\r\n";
    std::fs::write(&file, mail).unwrap();
    let level = |more: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_codevd"));
        let output = command.args(["mail", "read", "--json"]).args(more).arg(&file).output().unwrap();
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        said["proof"]["level"].as_str().unwrap().to_owned()
    };
    assert_eq!(level(&[]), "B");
    assert_eq!(level(&["--believe", "mx.example.net"]), "A");
    assert_eq!(level(&["--believe", "mx.other.test"]), "B");
}

#[test]
fn formats_are_listed_shown_and_checked_with_the_line_of_each_error() {
    let house = House::new();
    let list = house.run(&["format", "list"]).ends(0).out;
    for name in ["flash45", "1h", "1h30", "2h", "3h"] {
        assert!(list.lines().any(|l| l.split_whitespace().next() == Some(name)), "{list}");
    }
    let shown = house.run(&["format", "show", "1h30"]).ends(0).out;
    assert!(shown.starts_with("1h30: 1 h 30, 4 to 8 people, best 6\n"), "{shown}");
    assert!(shown.contains("0:14  presentation") && shown.contains("1:30  end"), "{shown}");
    let steps = house.run(&["format", "show", "1h30", "--json"]).ends(0).data("format show")["steps"].clone();
    let seconds: u64 = steps.as_array().unwrap().iter().map(|s| s["seconds"].as_u64().unwrap()).sum();
    assert_eq!(seconds, 90 * 60);
    let said = house.run(&["format", "show", "1h3"]).ends(1).err;
    assert!(said.contains("did you mean 1h30?") && said.contains("flash45"), "{said}");
    let file = house.run(&["format", "show", "2h", "--file"]).ends(0).out;
    fs::write(house.path("mine.toml"), &file).unwrap();
    house.run(&["format", "check", "mine.toml"]).ends(0);
    fs::write(house.path("mine.toml"), file.replace("\"requester\"", "\"requestor\"")).unwrap();
    let said = house.run(&["format", "check", "mine.toml"]).ends(3).out;
    assert!(said.contains("mine.toml:") && said.contains("requestor") && said.contains("requester"), "{said}");
    let data = house.run(&["format", "check", "mine.toml", "--json"]).ends(3).data("format check");
    assert!(data["errors"].as_u64().unwrap() > 0, "{data}");
    assert!(house.run(&["format", "check", "none.toml"]).ends(1).err.contains("none.toml can't be read"));
}

#[test]
fn shells_complete_and_the_manual_has_a_page_a_command() {
    let house = House::new();
    for (shell, word) in [("bash", "complete -F _codevd"), ("zsh", "#compdef codevd"), ("fish", "complete -c codevd")] {
        let script = house.run(&["completions", shell]).ends(0).out;
        assert!(script.contains(word) && script.contains("healthcheck"), "{shell}");
    }
    assert!(house.run(&["completions", "basch"]).ends(2).err.contains("bash"));
    assert!(house.run(&["man"]).ends(0).out.contains(".TH codevd 1"));
    fs::create_dir(house.path("man")).unwrap();
    assert!(house.run(&["man", "man"]).ends(0).out.contains("Next: man -l man/codevd.1"));
    for page in ["codevd.1", "codevd-run.1", "codevd-group-remove.1"] {
        assert!(house.path("man").join(page).exists(), "{page}");
    }
    // what is hidden from the help is hidden from the manual
    assert!(!house.path("man/codevd-soak.1").exists() && !house.path("man/codevd-crowd.1").exists());
    assert!(house.run(&["man", "nowhere"]).ends(1).err.contains("nowhere is no folder"));
}

#[test]
fn whoever_asks_a_daemon_that_does_not_run_is_told_how_to_start_it() {
    let house = House::new();
    for command in ["reload", "healthcheck"] {
        assert_eq!(house.run(&[command]).ends(1).err, "error: no daemon runs. Start it: codevd run\n", "{command}");
    }
}

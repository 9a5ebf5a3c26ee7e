//! A member who reads mail with Thunderbird: accepts our invitation by its button, is shown a move as
//! an update and a cancellation with an offer to delete. Real Postfix, Dovecot, Thunderbird and codevd.

use crate::interop;
use chrono::TimeZone;
use interop::Servers;
use interop::marionette::{Thunderbird, installed};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PEOPLE: [&str; 6] = ["ana", "bruno", "chloe", "david", "emma", "farid"];

#[test]
#[ignore = "needs Postfix, Dovecot and Thunderbird: .ci/run runs it"]
fn thunderbird_accepts_follows_a_move_and_deletes() {
    if !installed() {
        println!("skipped: no Thunderbird");
        return;
    }
    let users: Vec<&str> = std::iter::once("codev").chain(PEOPLE).collect();
    let servers = Servers::start(&users);
    let home = tempfile::tempdir().unwrap();
    write_files(home.path(), &servers);
    codevd(home.path(), &["group", "apply", "lyon.toml", "--live", "--yes"]);
    let _daemon = Daemon::start(home.path());
    let mut ana = Thunderbird::start(&servers, "ana");

    let invited = ana.run("open", &["are you coming", "imipAcceptButton"]);
    println!("invitation: {invited}");
    let pressed = ana.run("press", &["imipAcceptButton"]);
    println!("accepted:   {pressed}");
    assert_eq!(pressed["events"][0]["answer"], "ACCEPTED", "{pressed}");
    until(home.path(), "yes: ana Test");

    let day = (chrono::Utc::now() + chrono::Duration::days(60)).date_naive();
    codevd(home.path(), &["meeting", "move", "1", &format!("{day} 18:30")]);
    until(home.path(), "silent: ana Test");
    let moved = ana.run("open", &[&day.format("%-d %B: moved").to_string(), "imipAcceptButton"]);
    println!("move:       {moved}");
    assert!(moved["bar"].as_str().unwrap().contains("update to an existing event"), "{moved}");
    let pressed = ana.run("press", &["imipAcceptButton"]);
    println!("accepted:   {pressed}");
    assert_eq!(pressed["events"].as_array().unwrap().len(), 1, "one event, not two: {pressed}");
    let hour = chrono_tz::Europe::Paris.from_local_datetime(&day.and_hms_opt(18, 30, 0).unwrap()).unwrap();
    let hour = hour.to_utc().format("%Y%m%dT%H%M%SZ").to_string();
    assert_eq!(pressed["events"][0]["start"], hour.as_str(), "{pressed}");
    until(home.path(), "yes: ana Test");

    codevd(home.path(), &["meeting", "cancel", "1"]);
    let cancelled = ana.run("open", &[&day.format("%-d %B: cancelled").to_string(), "imipDeleteButton"]);
    println!("cancelled:  {cancelled}");
    assert_eq!(cancelled["buttons"][0], "imipDeleteButton", "{cancelled}");
    let pressed = ana.run("press", &["imipDeleteButton"]);
    assert_eq!(pressed["events"].as_array().unwrap().len(), 0, "gone from the calendar: {pressed}");
}

/// Waits until the meeting's page says so.
fn until(home: &Path, wanted: &str) {
    let begin = Instant::now();
    loop {
        let told = codevd(home, &["meeting", "show", "1"]);
        if told.contains(wanted) {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "waiting for {wanted:?}:\n{told}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

fn write_files(home: &Path, servers: &Servers) {
    let put = |name: &str, text: String| std::fs::write(home.join(name), text).unwrap();
    put("password", servers.password.to_owned());
    let address = servers.address("codev");
    let login = format!("user = \"{address}\"\npassword_file = \"password\"\nca_file = \"{}\"\n", servers.ca.display());
    put(
        "codevd.toml",
        format!(
            "database = \"codevd.db\"\n[mailbox]\naddress = \"{address}\"\nname = \"Codev\"\n[smtp]\n\
             url = \"smtps://localhost:{}\"\n{login}[imap]\nurl = \"imaps://localhost:{}\"\n{login}",
            servers.submissions, servers.imaps
        ),
    );
    let people: String = PEOPLE
        .iter()
        .map(|who| format!("[[member]]\nid = \"{who}\"\nname = \"{who} Test\"\nemail = \"{}\"\n", servers.address(who)))
        .collect();
    put(
        "lyon.toml",
        format!(
            "name = \"Codev Lyon\"\nid = \"lyon\"\nlanguage = \"en\"\ntimezone = \"Europe/Paris\"\n\
             schedule = \"second tuesday 18:00\"\nplace = \"https://visio.example.org\"\nfacilitator = \"bruno\"\n{people}"
        ),
    );
}

/// Runs a command to its end and gives what it printed.
fn codevd(home: &Path, args: &[&str]) -> String {
    let output = command(home).args(args).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code().is_some_and(|c| c == 0 || c == 3), "codevd {args:?}: {text}");
    text
}

fn command(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codevd"));
    command.current_dir(home).env("RUST_LOG", "info").env_remove("CODEVD_CONFIG");
    command
}

/// The daemon, killed when dropped.
struct Daemon(Child);

impl Daemon {
    fn start(home: &Path) -> Self {
        let log = std::fs::File::create(home.join("log")).unwrap();
        let mut run = command(home);
        run.arg("run").stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        Self(run.spawn().unwrap())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

//! Secrets and people's words are in no log, no `Debug` and no readable byte of the database: a month with marked words,
//! everything logged at the loudest, and the program run with marked passwords.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "program/mod.rs"]
mod program;
mod stage;
#[path = "support/mod.rs"]
mod support;

use codevd::config::Secret;
use codevd::mail::Key;
use codevd::transport::{Secret as Password, Smtp};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use support::{MAIL, Step, ana, hear, say, scripted, settings};

/// A month at whose every turn somebody writes a marked word.
const MONTH: &str = "\
start 2026-11-17 08:30
group court
bo presses declined on invitation: Zyzcommentaire retenu
chloe answers invitation: oui, avec Zyzretard dix minutes
until 2026-11-17 10:00
ana answers subject_request: Zyzsujet de mon chef\\nAidez-moi, Zyzdetail\\nencore.
ana answers subject_receipt: rien
elise answers invitation: Zyzinconnu pourquoi donc ?
elise answers invitation: une personne
until 2026-12-08 18:03
ana answers prompt request: Aidez-moi à Zyzdemande sans me justifier
until 2026-12-08 18:06
dimitri answers prompt contributions: Zyzcontribution
until 2026-12-08 18:30
ana answers action_plan_request: - appeler Zyzplan avant le 15/12 (partagé)\\n- Zyzprive écrire
ana answers receipt: annuler
ana answers action_plan_request: - appeler Zyzplan avant le 15/12 (partagé)\\n- Zyzprive écrire
elise answers learnings_request: Zyzappris quelque chose
until 2026-12-12 10:00
ana answers digest_review: ok
until 2026-12-22 10:00
ana answers follow_up: 1 fait, Zyzsuite
until 2027-01-10 10:00
";
const MARK: &str = "Zyz";

/// What is logged, whoever logs.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Heard {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

#[track_caller]
fn silent(text: &str, marks: &[&str]) {
    for mark in marks {
        if let Some(at) = text.find(mark) {
            let from = text[..at].rfind('\n').map_or(0, |n| n + 1);
            let line: String = text[from..].chars().take(400).collect();
            panic!("{mark} is told: {line}");
        }
    }
}

fn there(bytes: &[u8], mark: &str) -> Option<String> {
    let at = bytes.windows(mark.len()).position(|w| w == mark.as_bytes())?;
    Some(String::from_utf8_lossy(&bytes[at.saturating_sub(200)..(at + 80).min(bytes.len())]).into_owned())
}

#[test]
fn a_month_of_marked_words_is_in_no_log_and_no_readable_byte() {
    let heard = Heard::default();
    let writer = heard.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .init();
    tracing::trace!("the log is heard");
    let set = stage::set(MONTH.lines());
    // a login that is refused, with all that the libraries say
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let steps = vec![
            say("220 mx"),
            hear("EHLO"),
            say("250-mx"),
            say("250 AUTH LOGIN PLAIN"),
            hear("AUTH PLAIN"),
            say("535 5.7.8 no"),
            Step::Wait,
        ];
        let (port, _server) = scripted(vec![steps]).await;
        let mut settings = settings(port);
        settings.login = Some(("bot".into(), Password::new("Zyzpassword")));
        let told = Smtp::new(settings.clone()).unwrap().send(&ana(), MAIL).await;
        silent(&format!("{told:?} {settings:?}"), &[MARK]);
    });
    let log = heard.text();
    assert!(log.contains("the log is heard"));
    silent(&log, &[MARK, "Wnl6cGFzc3dvcmQ", "AFp5enBhc3N3b3Jk", "Ynl6cGFzc3dvcmQ"]);
    // whole words: three letters stand in a million sealed bytes by chance
    let words: Vec<&str> = MONTH.split(|c: char| !c.is_alphanumeric()).filter(|w| w.starts_with(MARK)).collect();
    assert!(words.len() >= 6 && words.iter().all(|w| w.len() >= 6), "{words:?}");
    for word in words {
        assert_eq!(there(&set.database, word), None, "the database");
        assert_eq!(there(&set.keys, word), None, "the keys");
    }
    // all of it is there for whoever has the keys
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.db"), &set.database).unwrap();
    std::fs::write(folder.path().join("a.db.keys"), &set.keys).unwrap();
    let reader = codevd::store::Reader::open(folder.path().join("a.db")).unwrap();
    let meeting = reader.meeting(&"court".parse().unwrap(), codevd::core::MeetingNo(1)).unwrap().unwrap();
    let kept = format!("{meeting:?}");
    for said in ["Zyzsujet", "Zyzdemande", "Zyzplan", "Zyzprive", "Zyzappris", "Zyzcommentaire"] {
        assert!(kept.contains(said), "{said} was understood and kept: {kept}");
    }
}

#[test]
fn keys_and_secrets_show_nothing_of_themselves() {
    let key = format!("{:?} {:#?}", Key::new([0xab; 32]), Key::new([0xab; 32]));
    silent(&key.to_lowercase(), &["abab", "171", "0xab"]);
    silent(&format!("{:?}", Secret::new("Zyzpassword")), &[MARK]);
}

#[test]
fn the_program_at_its_loudest_tells_no_password_no_key_and_nobodys_words() {
    let house = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| std::fs::write(house.path().join(name), text).unwrap();
    let credentials = house.path().join("credentials");
    std::fs::create_dir(&credentials).unwrap();
    for name in ["smtp", "imap"] {
        std::fs::write(credentials.join(name), format!("Zyzpassword{name}\n")).unwrap();
        std::fs::set_permissions(credentials.join(name), std::fs::Permissions::from_mode(0o400)).unwrap();
    }
    put(
        "codevd.toml",
        "database = \"codevd.db\"\nlog = \"debug\"\n[mailbox]\naddress = \"codev@example.org\"\n[smtp]\nurl = \"smtps://127.0.0.1:9\"\n\
         user = \"codev\"\npassword_credential = \"smtp\"\n[imap]\nurl = \"imaps://127.0.0.1:9\"\nuser = \"codev\"\n\
         password_credential = \"imap\"\n",
    );
    put("lyon.toml", include_str!("../config/group.example.toml"));
    let mut told = String::new();
    let mut run = |args: &[&str], input: &str| {
        let mut command = program::command(house.path(), args);
        command.env("CREDENTIALS_DIRECTORY", &credentials);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let said = program::Said::of(child.wait_with_output().unwrap());
        assert!(said.code != 2, "{args:?}: {}", said.err);
        told += &format!("$ {args:?}\n{}{}", said.out, said.err);
        said.code
    };
    assert_eq!(run(&["-vvvv", "group", "apply", "lyon.toml", "--live", "--yes"], ""), 0);
    let letter = "From: Ana <nobody@example.net>\nTo: codev@example.org\nSubject: Zyzsubject\n\
        Message-ID: <1@example.net>\nDate: Tue, 24 Nov 2026 10:00:00 +0100\n\nZyzwords for nobody.\n";
    assert_eq!(run(&["-vvvv", "mail", "deliver"], letter), 0);
    run(&["-vvvv", "run", "--once"], "");
    run(&["-vvvv", "check"], "");
    run(&["-vvvv", "status"], "");
    run(&["status", "--json"], "");
    run(&["-vvvv", "why", "in:2"], "");
    run(&["-vvvv", "backup", "copy.db", "--with-keys"], "");
    assert!(told.contains("127.0.0.1"), "the password was read and the server tried: {told}");
    let key = std::fs::read_to_string(house.path().join("codevd.db.key")).unwrap();
    silent(&told, &[MARK, key.trim()]);
    let keys = rusqlite::Connection::open(house.path().join("codevd.db.keys")).unwrap();
    let mut all = keys.prepare("SELECT hex(key) FROM keys").unwrap();
    let hex: Vec<String> = all.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(!hex.is_empty());
    for key in hex {
        silent(&told.to_uppercase(), &[&key]);
    }
}

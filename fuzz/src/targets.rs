//! Whatever others send or write, read by the code that reads it, and what must hold of it then.
//!
//! Each target takes any bytes and panics when something does not hold. They are run by libFuzzer
//! (`fuzz/run`) and, on all seeds and all findings, by `cargo test --test all fuzz_seeds::`.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use codevd::core::draft::Question;
use codevd::core::{Language, Schedule};
use codevd::ical::itip::{Known, answer};
use codevd::mail::{self, Letter, Token};
use codevd::transport::lmtp::{Out, Session, Terms, Verdict};
use codevd::words::{Context, Words};
use codevd::{config, core, ical, words};
use std::path::Path;
use std::sync::LazyLock;

/// Every target by its name.
pub const TARGETS: &[(&str, fn(&[u8]))] = &[
    ("mime", mime),
    ("reply", reply),
    ("bounce", bounce),
    ("auto_reply", auto_reply),
    ("auth_results", auth_results),
    ("token", token),
    ("itip", itip),
    ("calendar", calendar),
    ("lint", lint),
    ("config", config_file),
    ("group", group_file),
    ("format", format_file),
    ("word_list", word_list),
    ("understand", understand),
    ("schedule", schedule),
    ("actions", actions),
    ("lmtp", lmtp),
];

static WORDS: LazyLock<Words> = LazyLock::new(|| Words::embedded().expect("the word lists in the binary are right"));

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A mail with these headers and this text.
fn written(head: &str, body: &[u8]) -> Letter {
    let mut raw = format!("From: Ana <ana@example.org>\r\nMessage-ID: <1@example.org>\r\n{head}\r\n").into_bytes();
    raw.extend_from_slice(body);
    mail::letter(&raw)
}

/// Anything as a mail: ids without angle brackets, one line of subject, a sender that is an address.
fn mime(bytes: &[u8]) {
    let letter = mail::letter(bytes);
    assert!(!letter.subject.contains(['\r', '\n']), "a subject is one line: {:?}", letter.subject);
    let ids = letter.message_id.iter().chain(&letter.in_reply_to).chain(&letter.references);
    ids.for_each(|id| assert!(!id.contains(['<', '>', '\r', '\n', '\0']), "an id: {id:?}"));
    letter.to.iter().for_each(|to| assert!(to.contains('@'), "an address: {to:?}"));
    mail::tokens(&letter);
    mail::read_json(bytes, None);
}

/// A reply is made of lines that stand in the mail, and never longer than its text.
fn reply(bytes: &[u8]) {
    const SENT: &str = "Venez-vous mardi 8 décembre ?\n\nRépondez oui ou non.\n\nRéf. 7K3F92QDJX4M0ZT8\n";
    let letter = written("Content-Type: text/plain; charset=utf-8\r\n", bytes);
    for sent in [None, Some(SENT)] {
        let reply = mail::reply(&letter, sent);
        assert!(reply.text.len() <= letter.text.len(), "a reply is no longer than its mail");
    }
}

/// A bounce names addresses, each once, and is told apart from a person's mail.
fn bounce(bytes: &[u8]) {
    for head in [
        "Subject: Undelivered Mail Returned to Sender\r\n",
        "Subject: x\r\nReturn-Path: <>\r\nAuto-Submitted: auto-replied\r\n",
    ] {
        let mut raw = format!("From: MAILER-DAEMON@example.net\r\n{head}").into_bytes();
        raw.extend_from_slice(bytes);
        let Some(bounce) = mail::letter(&raw).bounce else { continue };
        let mut seen = Vec::new();
        for one in &bounce.recipients {
            assert!(one.address.contains('@'), "an address: {:?}", one.address);
            assert!(!seen.contains(&&one.address), "{} twice", one.address);
            seen.push(&one.address);
        }
    }
}

/// An automatic answer in any words; a day that is found lies within reach of a calendar.
fn auto_reply(bytes: &[u8]) {
    let letter = written(
        "Auto-Submitted: auto-replied\r\nDate: Mon, 7 Dec 2026 10:00:00 +0100\r\nContent-Type: text/plain; charset=utf-8\r\n",
        bytes,
    );
    if let Some(day) = letter.auto_until {
        let sent = NaiveDate::from_ymd_opt(2026, 12, 7).expect("a day");
        assert!((day - sent).num_days().abs() <= 800, "away until {day}");
    }
}

/// RFC 8601 headers.
fn auth_results(bytes: &[u8]) {
    mail::auth_results::parse(&text(bytes));
    let mut raw = b"Authentication-Results: ".to_vec();
    raw.extend_from_slice(bytes);
    mail::auth_results::of(&raw);
}

/// What is read as a token is written again as the same token; a forged one fits nobody.
fn token(bytes: &[u8]) {
    let text = text(bytes);
    mail::subject_tag(&written(&format!("Subject: {}\r\n", text.replace(['\r', '\n'], " ")), b""));
    let Some(token) = Token::parse(&text) else { return };
    assert_eq!(Token::parse(token.as_str()), Some(token.clone()), "read, written, read again");
    assert!(!mail::Key::new([7; 32]).fits(&token, "ana"), "a guess fits: {text:?}");
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

/// Any calendar as an answer to an invitation: only its member's own answer is taken.
fn itip(bytes: &[u8]) {
    let emails = ["ana@example.org".to_owned()];
    let known = Known {
        uid: "lyon-3@example.org",
        sequence: 2,
        time_sequence: 1,
        member_emails: &emails,
        delegates: &[],
        sender: "ana@example.org",
        start: instant("2026-12-08T17:00:00Z"),
        told_before: None,
        last: Some((1, instant("2026-11-01T09:00:00Z"))),
        cancelled: false,
    };
    for message in ical::read(bytes) {
        let outcome = answer(&known, None, &message, instant("2026-11-20T09:00:00Z"));
        if outcome.is_ok() {
            assert_eq!(message.uid, known.uid, "taken for another event");
        }
    }
}

/// Reading has an end and keeps to its limit.
fn calendar(bytes: &[u8]) {
    for message in ical::read(bytes) {
        for attendee in &message.attendees {
            assert!(!attendee.email.contains(['\r', '\n']), "an address: {:?}", attendee.email);
        }
    }
}

/// Every finding stands on a line that there is.
fn lint(bytes: &[u8]) {
    let lines = bytes.split(|b| *b == b'\n').flat_map(|line| line.split(|b| *b == b'\r')).count();
    for finding in ical::lint::lint(bytes) {
        assert!((1..=lines).contains(&finding.line), "{finding} on line {} of {lines}", finding.line);
    }
    mail::check_calendar_mail(bytes);
}

/// Errors of a file say where in it, in words.
fn well_told(errors: &[config::ConfigError], text: &str) {
    assert!(!errors.is_empty(), "refused without a reason");
    let lines = text.split('\n').count();
    for error in errors {
        assert!(error.at.line <= lines, "line {} of {lines}: {error:?}", error.at.line);
        assert!(!error.found.is_empty(), "{error:?}");
    }
}

fn config_file(bytes: &[u8]) {
    let text = text(bytes);
    if let Err(errors) = config::config_from("codevd.toml", &text, Path::new("/nowhere")) {
        well_told(&errors, &text);
    }
}

fn group_file(bytes: &[u8]) {
    static FORMATS: LazyLock<core::Formats> =
        LazyLock::new(|| config::formats(None).expect("the formats in the binary"));
    let text = text(bytes);
    if let Err(errors) = config::group_from("group.toml", &text, &FORMATS, &config::Defaults::default()) {
        well_told(&errors, &text);
    }
}

fn format_file(bytes: &[u8]) {
    let text = text(bytes);
    if let Err(errors) = config::format_from("own", "own.toml", &text) {
        well_told(&errors, &text);
    }
}

fn word_list(bytes: &[u8]) {
    if let Err(error) = Words::parse(&[(Language::french(), &text(bytes))]) {
        assert!(!error.to_string().is_empty());
    }
}

fn context() -> Context {
    let day = |d| NaiveDate::from_ymd_opt(2026, 3, d).expect("a day");
    let hour = |d: NaiveDate| d.and_hms_opt(18, 0, 0).expect("an hour");
    let choices: Vec<NaiveDateTime> = [6, 10, 13].into_iter().map(|d| hour(day(d))).collect();
    Context {
        today: day(1),
        actions: 3,
        names: vec!["Ana Lopes".to_owned(), "Bo Lindgren".to_owned(), "Marie Dubois".to_owned()],
        choices,
        options: vec!["une heure".to_owned(), "deux heures".to_owned()],
        starts: chrono::NaiveTime::from_hms_opt(18, 0, 0),
    }
}

/// Any answer to any question: a meaning or none, and sure of nothing where there is nothing.
fn understand(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let all = Question::ALL;
    let question = all.get(usize::from(*first) % (all.len() + 1)).copied();
    let text = text(rest);
    let heard = WORDS.understand(question, &Language::french(), &text, &context());
    words::to_json(&heard);
    if text.trim().is_empty() {
        assert!(heard.is_none(), "an empty answer means {heard:?}");
    }
}

/// What a schedule's words say: there is a first meeting, and a next one is later. One whose years are named ends.
fn schedule(bytes: &[u8]) {
    let Ok(schedule) = text(bytes).parse::<Schedule>() else { return };
    let mut at = NaiveDate::from_ymd_opt(2026, 1, 1).expect("a day").and_hms_opt(0, 0, 0).expect("an hour");
    for nth in 0..3 {
        let next = schedule.next_after(at);
        assert!(nth > 0 || next.is_some(), "a schedule that was taken has no meeting");
        let Some(next) = next else { return };
        assert!(next > at, "{next} is not after {at}");
        at = next;
    }
}

/// An action plan in any words: a line is never lost, and its words are the person's.
fn actions(bytes: &[u8]) {
    let text = text(bytes);
    let today = NaiveDate::from_ymd_opt(2026, 12, 8).expect("a day");
    for line in words::plan(&WORDS, &text, today) {
        assert!(!line.text.trim().is_empty(), "an action without words");
    }
    words::due(&WORDS, &text, today);
    words::strip_marks(&WORDS, &text);
}

/// The same conversation, whole and byte by byte: the same replies and the same mails.
fn lmtp(bytes: &[u8]) {
    let terms =
        Terms { name: "codev.example.org".to_owned(), address: "codev@example.org".to_owned(), max_bytes: 4096 };
    let talk = |chunks: &mut dyn Iterator<Item = &[u8]>| {
        let (mut session, _) = Session::new(terms.clone());
        let (mut said, mut mails, mut closed) = (Vec::new(), Vec::new(), false);
        for chunk in chunks {
            let mut next = if closed { Vec::new() } else { session.feed(chunk) };
            while !next.is_empty() {
                let mut handed = false;
                for out in std::mem::take(&mut next) {
                    match out {
                        Out::Reply(reply) => said.extend(reply),
                        Out::Mail(mail) => {
                            mails.push(mail);
                            handed = true;
                        }
                        Out::Close => closed = true,
                    }
                }
                if handed {
                    next = session.answered(Verdict::Taken);
                }
            }
        }
        (said, mails, closed)
    };
    let whole = talk(&mut std::iter::once(bytes));
    let single = talk(&mut bytes.chunks(1));
    assert_eq!(whole, single, "cut otherwise, understood otherwise");
}

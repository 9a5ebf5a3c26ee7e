//! What is understood of each mail in `tests/mails`: a file with the mail, one with what is expected, and `fr.sent.txt`
//! and `en.sent.txt` with the texts that were answered.

use std::fs;
use std::path::{Path, PathBuf};

use codevd::mail::{self, Carrier, Letter};
use serde::Deserialize;

/// What a mail should give; what is not named is not compared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    kind: String,
    reply: Option<String>,
    rule: Option<String>,
    sure: Option<bool>,
    quoted: Option<bool>,
    /// The file with the text that was answered; the reply is read with and without it.
    sent: Option<String>,
    /// The reply without that text, where it differs; `*` for anything.
    without_sent: Option<String>,
    until: Option<String>,
    bounced: Option<Vec<Bounced>>,
    original_ids: Option<Vec<String>>,
    tokens: Option<Vec<String>>,
    tag: Option<String>,
    method: Option<String>,
    calendars: Option<usize>,
    attachments: Option<Vec<String>>,
    encrypted: Option<bool>,
    no_from: Option<bool>,
    problem: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Bounced {
    address: String,
    class: String,
    status: Option<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mails")
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Differences between what was expected and what came, in words.
fn check(letter: &Letter, expected: &Expected) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut same = |what: &str, want: String, got: String| {
        if want != got {
            wrong.push(format!("{what}: expected {want:?}, got {got:?}"));
        }
    };
    same("kind", expected.kind.clone(), letter.class.as_str().to_owned());
    let sent = expected.sent.as_ref().map(|name| fs::read_to_string(folder().join(name)).unwrap());
    let reply = mail::reply(letter, sent.as_deref());
    if let Some(want) = &expected.reply {
        same("reply", want.clone(), reply.text.clone());
        let alone = mail::reply(letter, None);
        match expected.without_sent.as_deref() {
            Some("*") => {}
            other => same("reply without the sent text", squeezed(other.unwrap_or(want)), squeezed(&alone.text)),
        }
    }
    if let Some(want) = &expected.rule {
        let rule = if expected.without_sent.is_some() { reply.rule } else { mail::reply(letter, None).rule };
        same("rule", want.clone(), rule);
    }
    expected.sure.inspect(|want| same("sure", want.to_string(), reply.sure.to_string()));
    expected.quoted.inspect(|want| same("quoted", want.to_string(), reply.quoted.to_string()));
    let until = letter.auto_until.map(|d| d.to_string());
    same("until", format!("{:?}", expected.until), format!("{until:?}"));
    let bounce = letter.bounce.clone().unwrap_or_default();
    if let Some(want) = &expected.bounced {
        let got: Vec<Bounced> = bounce
            .recipients
            .iter()
            .map(|r| Bounced {
                address: r.address.clone(),
                class: r.class.as_str().to_owned(),
                status: r.status.clone(),
            })
            .collect();
        same("bounced", format!("{want:?}"), format!("{got:?}"));
    }
    expected
        .original_ids
        .iter()
        .for_each(|want| same("original ids", format!("{want:?}"), format!("{:?}", bounce.original_ids)));
    expected.tokens.iter().for_each(|want| same("tokens", format!("{want:?}"), format!("{:?}", tokens(letter))));
    expected.tag.iter().for_each(|want| same("tag", want.clone(), mail::subject_tag(letter).unwrap_or_default()));
    expected
        .method
        .iter()
        .for_each(|want| same("method", want.clone(), letter.calendar_method.clone().unwrap_or_default()));
    expected.calendars.inspect(|want| same("calendars", want.to_string(), letter.calendar.len().to_string()));
    expected
        .attachments
        .iter()
        .for_each(|want| same("attachments", format!("{want:?}"), format!("{:?}", letter.attachments)));
    expected.encrypted.inspect(|want| same("encrypted", want.to_string(), letter.encrypted.to_string()));
    expected.no_from.inspect(|want| same("no from", want.to_string(), letter.from.is_none().to_string()));
    match &expected.problem {
        Some(want) if !letter.problems.iter().any(|p| p.contains(want)) => {
            wrong.push(format!("no problem {want:?} in {:?}", letter.problems))
        }
        None if !letter.problems.is_empty() && expected.no_from.is_none() => {
            wrong.push(format!("problems {:?}", letter.problems))
        }
        _ => {}
    }
    wrong
}

fn tokens(letter: &Letter) -> Vec<String> {
    let place = |carrier| match carrier {
        Carrier::Recipient => "recipient",
        Carrier::InReplyTo => "in_reply_to",
        Carrier::References => "references",
        Carrier::Body => "body",
        Carrier::Subject => "subject",
    };
    mail::tokens(letter).iter().map(|t| format!("{} {}", place(t.carrier), t.token)).collect()
}

/// The mail with every line end as CRLF, as it comes from the wire.
fn on_the_wire(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + raw.len() / 30);
    for (n, byte) in raw.iter().enumerate() {
        if *byte == b'\n' && (n == 0 || raw[n - 1] != b'\r') {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}

#[test]
fn every_mail_is_understood_as_expected() {
    let mut names: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|f| f.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "eml"))
        .collect();
    names.sort();
    assert!(names.len() >= 60, "{} mails", names.len());
    let mut wrong = Vec::new();
    for path in &names {
        let raw = fs::read(path).unwrap();
        let expected: Expected = toml::from_str(&fs::read_to_string(path.with_extension("expected")).unwrap())
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for (form, bytes) in [("LF", raw.clone()), ("CRLF", on_the_wire(&raw))] {
            let name = path.file_stem().unwrap().to_string_lossy();
            wrong.extend(check(&mail::letter(&bytes), &expected).iter().map(|w| format!("{name} ({form}): {w}")));
        }
    }
    assert!(wrong.is_empty(), "{} of {} mails and more:\n{}", wrong.len(), names.len(), wrong.join("\n"));
}

/// Notices of absence in one language, and the last day that they name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Notice {
    language: String,
    until: Option<String>,
    texts: Vec<String>,
}

/// Row 43: each notice is an automatic reply, and no date is ever a wrong one; unknown is allowed to a tenth of them.
#[test]
fn absence_notices_are_never_given_a_wrong_date() {
    let table: std::collections::BTreeMap<String, Vec<Notice>> = toml::from_str(include_str!("absences.toml")).unwrap();
    let (mut dated, mut unknown, mut wrong) = (0, Vec::new(), Vec::new());
    for Notice { language, until, texts } in &table["notice"] {
        for text in texts {
            let mail = format!(
                "From: Claire <claire@atelier.example>\r\nDate: Fri, 20 Nov 2026 09:00:00 +0100\r\n\
                 Auto-Submitted: auto-replied\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
            );
            let letter = mail::letter(mail.as_bytes());
            assert_eq!(letter.class, mail::Class::AutoReply, "{text}");
            let read = letter.auto_until.map(|day| day.to_string());
            dated += usize::from(until.is_some());
            if read.is_none() && until.is_some() {
                unknown.push(format!("{language}: {text:?}"));
            } else if read != *until {
                wrong.push(format!("{language}: {text:?} is read as {read:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(dated >= 40, "{dated} notices with a date");
    assert!(unknown.len() * 10 <= dated, "{} of {dated} unknown:\n{}", unknown.len(), unknown.join("\n"));
}

/// Files that hold words nobody here can read, of a mail with a part of this type, disposition, and perhaps name in the text.
fn unread(name: &str, kind: &str, (shown, id): (&str, &str), size: usize) -> Vec<String> {
    let mail = "From: bo@c.example\r\nDate: Tue, 24 Nov 2026 10:00:00 +0100\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
    let words = "--b\r\nContent-Type: text/plain\r\n\r\nLe plan est sur la photo.\r\n";
    let part = format!(
        "--b\r\nContent-Type: {kind}\r\n{id}Content-Disposition: {shown}; filename=\"{name}\"\r\n\r\n{}\r\n--b--\r\n",
        "x".repeat(size)
    );
    mail::letter(format!("{mail}{words}{part}").as_bytes()).unread
}

/// A photo of a page holds words that nobody here can read; a signature's picture holds none.
#[test]
fn a_photo_is_told_and_a_logo_is_not() {
    let unread = |name: &str, kind: &str, size: usize| unread(name, kind, ("attachment", ""), size);
    assert_eq!(unread("IMG_2041.jpeg", "image/jpeg", 80_000), ["IMG_2041.jpeg"]);
    assert_eq!(unread("plan.pdf", "application/pdf", 100), ["plan.pdf"]);
    for (name, kind) in [("logo.png", "image/png"), ("image001.jpg", "image/jpeg"), ("bo.vcf", "text/vcard")] {
        assert!(unread(name, kind, 9_000).is_empty(), "{name}");
    }
}

/// A banner that the text shows may be larger than a logo, yet not as large as a photo: a photo is shown in the text too.
#[test]
fn a_banner_in_the_text_is_no_photo() {
    let id = "Content-ID: <banner@c.example>\r\n";
    let inline = ("inline", id);
    let unread = |kind: &str, head: (&str, &str), size: usize| unread("banner", kind, head, size).len();
    assert_eq!(unread("image/png", inline, 299_000), 0, "a banner");
    assert_eq!(unread("image/png", inline, 301_000), 1, "as large as a photo");
    assert_eq!(unread("image/png", ("inline", ""), 60_000), 1, "the text shows it nowhere");
    assert_eq!(unread("image/png", ("attachment", id), 60_000), 1, "put beside the text");
    assert_eq!(unread("application/pdf", inline, 60_000), 1, "no picture");
}

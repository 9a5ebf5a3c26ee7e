//! What reading a mail takes of memory, counted by the allocator: alone in its program, and one test after the other.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use codevd::mail::{self, Nothing};
use peak_alloc::PeakAlloc;

#[global_allocator]
static COUNTED: PeakAlloc = PeakAlloc;

/// The bound of `inbound.md` row 7: so many times the mail's bytes …
const TIMES: usize = 4;
/// … beside what a mail of any length takes: its addresses, its parts, its steps.
const ANY: usize = 4 * 1024 * 1024;
/// What a mail of any length takes at most, itself left out: with it and the program that reads it, 100 MB.
const MOST: usize = 60 * 1024 * 1024;
/// Row 60: what may be left after so many mails.
const LEFT: usize = 30 * 1024 * 1024;

/// The most that was held at once while this was done, beyond what was held before.
fn most(what: impl FnOnce()) -> usize {
    let before = COUNTED.current_usage();
    COUNTED.reset_peak_usage();
    what();
    COUNTED.peak_usage().saturating_sub(before)
}

fn read(raw: &[u8]) {
    let Ok(reading) = mail::read(raw, None, &Nothing);
    assert_eq!(reading.steps.len(), 5);
}

const TOP: &str = "From: Ana <ana@example.org>\r\nTo: codev@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\n";

/// Mails that ask for memory, named.
fn hungry() -> Vec<(&'static str, Vec<u8>)> {
    let mega = 1024 * 1024;
    let plain = |kind: &str, body: String| format!("{TOP}Content-Type: {kind}\r\n\r\n{body}\r\n").into_bytes();
    let encoded = |kind: &str, encoding: &str, body: String| {
        format!("{TOP}Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}\r\n").into_bytes()
    };
    let nested = (0..10_000).map(|n| format!("Content-Type: multipart/mixed; boundary=\"b{n}\"\r\n\r\n--b{n}\r\n"));
    let flat = "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n".repeat(10_000);
    let attached = format!(
        "{TOP}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nOui\r\n--b\r\n\
         Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n{}--b--\r\n",
        format!("{}\r\n", "QUJD".repeat(19)).repeat(25 * mega / 78)
    );
    vec![
        ("a megabyte of >", plain("text/plain", ">".repeat(mega))),
        ("lines of >", plain("text/plain", "> \r\n".repeat(mega / 4))),
        ("short lines", plain("text/plain", "a\r\n".repeat(mega / 3))),
        ("one long line", plain("text/plain", "mot ".repeat(mega / 4))),
        (
            "a large text",
            plain("text/plain", "Une ligne de bon aloi, ni trop longue ni trop courte.\r\n".repeat(180_000)),
        ),
        ("accents said to be Latin-1", plain("text/plain; charset=iso-8859-1", "éàü ".repeat(mega / 8))),
        ("quoted-printable", encoded("text/plain; charset=utf-8", "quoted-printable", "=C3=A9".repeat(mega / 6))),
        ("HTML, much of it", plain("text/html", "<p>un &eacute;t&eacute;</p>".repeat(mega / 27))),
        ("HTML, deep", plain("text/html", "<div>".repeat(mega / 5))),
        ("HTML, tags left open", plain("text/html", "<b><i><p>".repeat(mega / 9))),
        ("ten thousand levels", format!("{TOP}{}", nested.collect::<String>()).into_bytes()),
        (
            "ten thousand parts",
            format!("{TOP}Content-Type: multipart/mixed; boundary=b\r\n\r\n{flat}--b--\r\n").into_bytes(),
        ),
        ("25 MB attached", attached.into_bytes()),
        ("25 MB of text", plain("text/plain", "Une ligne de bon aloi, ni trop courte.\r\n".repeat(25 * mega / 41))),
        ("25 MB of HTML", plain("text/html", "<p>un &eacute;t&eacute;</p>\r\n".repeat(25 * mega / 29))),
        ("a long header", format!("{TOP}References: {}\r\n\r\nOui\r\n", "<a@b> ".repeat(mega / 6)).into_bytes()),
        ("many receivers", format!("{TOP}Cc: {}\r\n\r\nOui\r\n", "a@b.example, ".repeat(mega / 13)).into_bytes()),
        ("many headers", format!("{TOP}{}\r\nOui\r\n", "X-A: b\r\n".repeat(mega / 8)).into_bytes()),
        ("a calendar", encoded("text/calendar; method=REPLY", "8bit", "BEGIN:VCALENDAR\r\n".repeat(mega / 17))),
        ("no mail at all", vec![0xff; mega]),
    ]
}

/// The collection of mails that are read in `tests/mails`.
fn collection() -> Vec<(String, Vec<u8>)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mails");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "eml"));
    files.sort();
    let named = |file: std::path::PathBuf| {
        (file.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(file).unwrap())
    };
    files.into_iter().map(named).collect()
}

/// Both in one test: nothing else may allocate meanwhile.
#[test]
fn a_mail_takes_four_times_its_length_at_most_and_ten_thousand_leave_nothing() {
    let mails = collection();
    // patterns and lists are made once, at the first mail of each kind
    mails.iter().for_each(|(_, raw)| read(raw));
    let hungry = hungry();
    hungry.iter().for_each(|(_, raw)| read(raw));
    let mut over = Vec::new();
    let all = mails.iter().map(|(name, raw)| (name.as_str(), raw)).chain(hungry.iter().map(|(name, raw)| (*name, raw)));
    for (name, raw) in all {
        let taken = most(|| read(raw));
        if raw.len() > 100_000 {
            println!(
                "{name}: {} kB of {} kB, {:.1} times",
                taken / 1024,
                raw.len() / 1024,
                taken as f64 / raw.len() as f64
            );
        }
        if taken > (TIMES * raw.len() + ANY).min(MOST) {
            over.push(format!("{name}: {taken} bytes for {}", raw.len()));
        }
    }
    assert!(over.is_empty(), "{}", over.join("\n"));
    drop(hungry);

    let resident = || -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or("0 kB").trim();
        line.trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    };
    let (before, resident_before) = (COUNTED.current_usage(), resident());
    let mut count = 0;
    while count < 10_000 {
        for (_, raw) in mails.iter().filter(|(_, raw)| raw.len() < 3_000) {
            read(raw);
            count += 1;
        }
    }
    let left = COUNTED.current_usage().saturating_sub(before);
    println!("after {count} mails {left} bytes more than before");
    assert!(left < 64 * 1024, "{left} bytes are left of {count} mails");
    let grown = resident().saturating_sub(resident_before);
    println!("resident: {} kB more", grown / 1024);
    assert!(grown < LEFT, "{grown} bytes more are resident");
}

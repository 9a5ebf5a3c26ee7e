//! Hostile mails in numbers, through the receiver's path and the engine: nothing breaks down, memory stays within
//! bounds, and no stranger changes anything.
//!
//! `HOSTILE` says how many, `HOSTILE_RESUME` names the file where they go on and add up.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[path = "disk/image.rs"]
#[allow(dead_code)]
mod image;
#[path = "stage/mod.rs"]
mod stage;
#[path = "disk/trace.rs"]
#[allow(dead_code)]
mod trace;

#[path = "disk/post.rs"]
#[allow(dead_code)]
mod post;

use codevd::core::{Group, GroupId};
use codevd::daemon::engine::Engine;
use codevd::daemon::{Incoming, Prover, receiver_step, shared};
use codevd::sim::SeededIds;
use codevd::store::{InboxState, QueueFilter, Store};
use codevd::transport::{Fetched, TransportError};
use image::Dice;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Mails in a plain `cargo test`.
const USUAL: u64 = 600;
/// Mails between two looks at the groups.
const BATCH: u64 = 100;
/// Mails after which a fresh database is taken.
const FRESH: u64 = 4000;
/// The most memory the whole test may ever hold, in MB: the seeds and the program's own tables are in it.
const CAP: u64 = 600;

/// A group in the weeks before a session, with questions open to everybody.
const SCENE: &str = "start 2026-11-17 08:30\ngroup ailleurs\ngroup qui-peut\nuntil 2026-11-18 10:00\n";

/// All mails of the tests, and calendars as mails.
fn seeds() -> Vec<Vec<u8>> {
    let mut found = files("tests/mails", ".eml");
    found.extend(files("fuzz/found", ""));
    for file in files("tests/itip", ".txt") {
        let text = String::from_utf8_lossy(&file).into_owned();
        let Some((_, calendar)) = text.split_once("---\n") else { continue };
        let method = if calendar.contains("METHOD:COUNTER") { "COUNTER" } else { "REPLY" };
        let mail = format!(
            "From: x@elsewhere.example\r\nSubject: Accepted\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/calendar; method={method}; charset=utf-8\r\n\r\n{}",
            calendar.replace('\n', "\r\n")
        );
        found.push(mail.into_bytes());
    }
    found
}

fn files(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let (mut found, mut open) = (Vec::new(), vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)]);
    while let Some(folder) = open.pop() {
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(folder).into_iter().flatten().map(|e| e.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            match path.is_dir() {
                true => open.push(path),
                false if path.to_string_lossy().ends_with(ending) => found.push(std::fs::read(path).unwrap()),
                false => {}
            }
        }
    }
    found
}

/// What upsets readers of mail, put in anywhere.
const BITS: [&[u8]; 16] = [
    b"\0",
    b"\r",
    b"\r\n\r\n",
    b"\r\n.\r\n",
    b"=?utf-8?q?=00=0d=0a?=",
    b"=?x?b?////?=",
    b"Content-Type: multipart/mixed; boundary=\"\"\r\n",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"\r\nIn-Reply-To: <codev@codev.example>\r\n",
    b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n",
    b"RRULE:FREQ=SECONDLY;COUNT=4000000000\r\n",
    b"DTSTART;TZID=Nowhere/At All:99991231T235960\r\n",
    b"<div><table><td><blockquote>",
    "\u{202e}\u{feff}\u{0}".as_bytes(),
    b"X: ",
];

/// A seed, bent in a few places.
fn bent(seeds: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut mail = seeds[dice.below(seeds.len())].clone();
    for _ in 0..dice.below(6) {
        let at = dice.below(mail.len() + 1);
        match dice.below(8) {
            0 => mail.truncate(at),
            1 => drop(mail.splice(at..at, BITS[dice.below(BITS.len())].iter().copied())),
            2 if at < mail.len() => mail[at] = dice.roll().to_le_bytes()[0],
            3 => {
                let end = (at + dice.below(200)).min(mail.len());
                drop(mail.drain(at..end));
            }
            4 => {
                let end = (at + dice.below(300)).min(mail.len());
                let again = mail[at..end].repeat(1 + dice.below(60));
                drop(mail.splice(at..at, again));
            }
            5 => {
                let other = &seeds[dice.below(seeds.len())];
                let from = dice.below(other.len() + 1);
                drop(mail.splice(at.., other[from..].iter().copied()));
            }
            // nested deeper than any person nests
            6 if dice.below(20) == 0 => {
                let open = b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n".repeat(dice.below(3000));
                mail = [open, mail].concat();
            }
            _ => mail.extend_from_slice(&vec![b'>'; dice.below(2000)]),
        }
    }
    mail
}

/// The same from that address, whoever it said it was from.
fn from(address: &str, mail: &[u8], number: u64) -> Vec<u8> {
    let mut out = format!("From: <{address}>\r\nMessage-ID: <hostile-{number}@elsewhere.example>\r\n").into_bytes();
    let mut head = true;
    let mut dropping = false;
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        head &= !matches!(line, b"\n" | b"\r\n");
        let lower = line.to_ascii_lowercase();
        let starts = |name: &[u8]| lower.starts_with(name);
        dropping = head
            && (starts(b"from:")
                || starts(b"sender:")
                || starts(b"message-id:")
                || (dropping && lower.starts_with(b" ")));
        if !dropping {
            out.extend_from_slice(line);
        }
    }
    out
}

/// A mailbox of hostile mails.
struct Flood(Vec<Fetched>);

impl Incoming for Flood {
    async fn fetch_new(&mut self) -> Result<Vec<Fetched>, TransportError> {
        Ok(std::mem::take(&mut self.0))
    }

    async fn taken(&mut self, _: &str) -> Result<(), TransportError> {
        Ok(())
    }

    async fn wait(&mut self, _: Duration) -> Result<(), TransportError> {
        Ok(())
    }
}

/// The most memory this process ever held, in MB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// All groups as they are, and how many mails were decided.
fn state(store: &Store, formats: &codevd::core::Formats) -> (Vec<Group>, usize) {
    let ids: Vec<GroupId> = store.groups().unwrap().into_iter().map(|row| row.id).collect();
    let groups = ids.iter().map(|id| store.load(id, formats).unwrap().unwrap().group).collect();
    (groups, store.queue(&QueueFilter::default()).unwrap().len())
}

#[test]
fn no_stranger_changes_anything_and_nothing_breaks() {
    let count = std::env::var("HOSTILE").map_or(USUAL, |n| n.parse().unwrap());
    let resume = std::env::var_os("HOSTILE_RESUME").map(PathBuf::from);
    let done: u64 =
        resume.as_ref().and_then(|f| std::fs::read_to_string(f).ok()).map_or(0, |t| t.trim().parse().unwrap());
    // other mails with each commit, where a number of its own is given
    let seed: u64 = std::env::var("HOSTILE_SEED").map_or(0, |n| n.parse().unwrap());
    let set = stage::set(SCENE.lines());
    let seeds = seeds();
    assert!(seeds.len() > 200, "{} seeds", seeds.len());
    let (begin, mut number, mut quarantined) = (Instant::now(), done, 0);
    while number < done + count {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("codevd.db"), &set.database).unwrap();
        std::fs::write(folder.path().join("codevd.db.keys"), &set.keys).unwrap();
        let store = shared(Store::open(folder.path().join("codevd.db")).unwrap());
        let mut engine = Engine::new(stage::kit(), store, SeededIds::of(1));
        let end = (number + FRESH).min(done + count);
        while number < end {
            flood(&mut engine, &seeds, &set, (number, seed));
            number += BATCH;
        }
        let rows = engine.store().get().inbox_list(&[InboxState::Quarantined], 10_000).unwrap();
        quarantined += rows.len();
        assert!(engine.store().get().quick_check().unwrap().is_empty());
        if let Some(file) = &resume {
            std::fs::write(file, number.to_string()).unwrap();
        }
    }
    let rate = (number - done) as f64 / begin.elapsed().as_secs_f64();
    println!(
        "{} hostile mails ({number} in all), {rate:.0} a second; {quarantined} set aside; at most {} MB",
        number - done,
        peak()
    );
    assert!(peak() < CAP, "{} MB", peak());
}

/// One batch comes in and is decided on; nothing but the inbox may know of it.
fn flood(engine: &mut Engine<SeededIds>, seeds: &[Vec<u8>], set: &stage::Set, (first, seed): (u64, u64)) {
    let before = state(&engine.store().get(), &engine.kit.formats);
    let mails: Vec<Vec<u8>> = (first..first + BATCH)
        .map(|n| {
            let mut dice = Dice(n.wrapping_add(seed).wrapping_mul(0x9E37_79B9));
            let address = ["x@elsewhere.example", "codev@elsewhere.example", "ana@elsewhere.example"][dice.below(3)];
            from(address, &bent(seeds, &mut dice), n)
        })
        .collect();
    let fetched = |(n, bytes): (usize, &Vec<u8>)| Fetched {
        place: format!("flood;{first};{n}"),
        size: bytes.len() as u64,
        bytes: bytes.clone(),
        truncated: false,
    };
    let mut flood = Flood(mails.iter().enumerate().map(fetched).collect());
    let store = engine.store().clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let taken = runtime.block_on(receiver_step(&store, &mut flood, &Prover::default(), || set.now)).unwrap();
    assert_eq!(taken as u64, BATCH);
    while !store.get().next_inbox(1).unwrap().is_empty() {
        engine.step(set.now).unwrap();
    }
    let after = state(&store.get(), &engine.kit.formats);
    assert!(
        before == after,
        "mails {first} to {} changed something: {} mails decided",
        first + BATCH,
        after.1 - before.1
    );
}

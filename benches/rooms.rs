//! Timings of the rooms a mail goes through, to be told as ratios between two states of the code.
#![allow(missing_docs, dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

#[path = "../tests/sample/outlook.rs"]
mod outlook;
#[path = "../tests/sample/mod.rs"]
mod sample;
#[path = "../tests/stage/mod.rs"]
mod stage;

use codevd::config;
use codevd::core::decide::{decide, found};
use codevd::core::proof::{Level, Proof};
use codevd::core::{Event, Kind, Moment};
use codevd::daemon::{Composer, Sender, inbound};
use codevd::mail::{Key, letter, reply};
use codevd::render::Renderer;
use codevd::sim::Client;
use codevd::sim::client::{self, Author};
use codevd::store::{Received, Store};
use codevd::words::{Context, Words};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

const GROUP: &str = include_str!("../tests/scenarios/groups/lyon.toml");

fn rooms(bench: &mut Criterion) {
    let formats = config::formats(None).unwrap();
    let (spec, _) = config::group_from("lyon.toml", GROUP, &formats, &config::Defaults::default()).unwrap();
    let moment = Moment { now: sample::at(2026, 11, 20, 9, 0), fresh: "0123456789abcdefghjkmnpqrs".into() };
    let group = found(&spec, true, &formats, &moment).unwrap().group;
    let change = decide(&group, &Event::Due, &moment).unwrap();
    bench.bench_function("decide: plan a meeting and invite six", |b| {
        b.iter(|| decide(black_box(&group), &Event::Due, &moment).unwrap());
    });

    let (renderer, words, key) = (Renderer::embedded().unwrap(), Words::embedded().unwrap(), Key::new([7; 32]));
    let sender = Sender { name: "Codev".into(), address: "codev@codev.example".parse().unwrap(), plus: false };
    let composer = Composer { renderer: &renderer, key: &key, sender: &sender };
    let invitation = change.drafts.iter().find(|d| d.key.kind.is_calendar()).expect("an invitation");
    let mail = composer.compose(&change.group, invitation).unwrap();
    bench.bench_function("compose: an invitation with text, HTML and calendar", |b| {
        b.iter(|| composer.compose(black_box(&change.group), invitation).unwrap());
    });

    let author = Author { name: "Ana Lopes", email: "ana@b.example", french: true, zone: chrono_tz::Europe::Paris };
    let answer = client::reply(Client::Gmail, &author, &letter(&mail.bytes), "Oui, je serai là", 1, moment.now);
    let context = Context { today: moment.now.date_naive(), ..Context::default() };
    bench.bench_function("read: a reply, its quote cut, its words understood", |b| {
        b.iter(|| {
            let read = letter(black_box(&answer));
            let said = reply(&read, Some(&mail.plain));
            words.understand(invitation.question, &codevd::core::Language::french(), &said.text, &context)
        });
    });

    let long = outlook::long_mail("Oui, je serai là", &mail.plain);
    bench.bench_function("read: 100 kB from Outlook, its quote cut", |b| {
        b.iter(|| reply(&letter(black_box(&long)), Some(&mail.plain)));
    });
}

/// A mail that waits in the inbox, read as the engine reads it: what it is, who sent it, which question it answers by
/// what the store knows, what the person wrote and means, the event for the group.
fn inbox(bench: &mut Criterion) {
    let set = stage::set(["start 2026-11-17 08:30", "group court", "until 2026-11-18 08:00"].into_iter());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("codevd.db"), &set.database).unwrap();
    std::fs::write(folder.path().join("codevd.db.keys"), &set.keys).unwrap();
    let (mut store, kit) = (Store::open(folder.path().join("codevd.db")).unwrap(), stage::kit());
    let (_, _, asked) = set.got["ana"].iter().find(|(key, ..)| key.kind == Kind::Invitation).unwrap();
    let asked = letter(asked);
    let author = Author { name: "Ana Lopes", email: &asked.to[0], french: true, zone: chrono_tz::Europe::Paris };
    let ordinary = client::reply(Client::Gmail, &author, &asked, "Oui, je serai là", 1, set.now);
    let long = outlook::long_mail("Oui, je serai là", &asked.text);
    let thread = outlook::long_thread("Oui, je serai là", &asked.text);
    for (name, bytes) in [("a reply", ordinary), ("a thread of 100 kB", thread), ("100 kB of one's own", long)] {
        let proof = Some(Proof::new(Level::A, "the domain vouches"));
        let (place, hash, from) = (name.to_owned(), name.to_owned(), Some(author.email.to_owned()));
        store.receive(&[Received { place, message_id: None, hash, bytes, received_at: set.now, from, proof }]).unwrap();
        let row = store.next_inbox(10).unwrap().pop().unwrap();
        let read = inbound::read(&kit, &store, &row).unwrap();
        assert!(matches!(read, inbound::Reading::Event { .. }), "{read:?}");
        bench.bench_function(&format!("read by the daemon: {name}"), |b| {
            b.iter(|| inbound::read(&kit, &store, black_box(&row)).unwrap());
        });
    }
}

/// Mails made to cost the reader time: each is read within 200 ms.
fn hostile(bench: &mut Criterion) {
    let size = 1_000_000;
    let repeated = |piece: &str| piece.repeat(size / piece.len());
    let flat = "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n".repeat(10_000);
    let nested: String =
        (0..10_000).map(|n| format!("Content-Type: multipart/mixed; boundary=\"b{n}\"\r\n\r\n--b{n}\r\n")).collect();
    let mails = [
        ("25 MB", format!("Content-Type: text/plain\r\n\r\n{}", "Une ligne de texte.\r\n".repeat(1_190_000))),
        ("10,000 parts in each other", nested),
        ("10,000 parts", format!("Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n{flat}--b--\r\n")),
        ("1 MB of >", format!("Content-Type: text/plain\r\n\r\n{}", repeated(">"))),
        ("1 MB of On", format!("Content-Type: text/plain\r\n\r\n{}", repeated("On On On\r\n"))),
        ("1 MB of <div>", format!("Content-Type: text/html\r\n\r\n{}", repeated("<div>"))),
        ("a line of 1 MB", format!("Content-Type: text/plain\r\n\r\n{}", repeated("mot "))),
    ];
    let mut group = bench.benchmark_group("read hostile");
    group.sample_size(10);
    for (name, mail) in mails {
        let bytes = format!("From: Claire <claire@atelier.example>\r\nMIME-Version: 1.0\r\n{mail}").into_bytes();
        group.bench_function(name, |b| b.iter(|| reply(&letter(black_box(&bytes)), None)));
    }
}

criterion_group!(benches, rooms, inbox, hostile);
criterion_main!(benches);

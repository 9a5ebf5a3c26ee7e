//! The ways in: what is fetched or handed in is on disk before anybody is told, once, and nothing is lost on the way.

mod evidence;

use chrono::{DateTime, Utc};
use codevd::daemon::edge::Mailbox;
use codevd::daemon::{Incoming, Prover, Sender, Shared, receiver_step, shared};
use codevd::mail::{self, Carrier, Key};
use codevd::store::{DiskFault, InboxState, Store, WritePoint};
use codevd::transport::lmtp::{Listen, Lmtp, Terms};
use codevd::transport::{Fetched, TransportError};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

fn now() -> DateTime<Utc> {
    "2026-11-24T10:00:00Z".parse().unwrap()
}

fn open(folder: &Path) -> Shared {
    shared(Store::open(folder.join("codevd.db")).unwrap())
}

/// A mailbox that can be told to fail.
#[derive(Default)]
struct Box {
    mails: Vec<(String, Vec<u8>, bool)>,
    marked: Vec<String>,
    fails_to_mark: Vec<String>,
}

impl Box {
    fn put(&mut self, place: &str, bytes: &[u8]) {
        self.mails.push((place.to_owned(), bytes.to_vec(), false));
    }
}

impl Incoming for Box {
    async fn fetch_new(&mut self) -> Result<Vec<Fetched>, TransportError> {
        let new = self.mails.iter().filter(|(place, ..)| !self.marked.contains(place));
        Ok(new
            .map(|(place, bytes, truncated)| Fetched {
                place: place.clone(),
                bytes: bytes.clone(),
                truncated: *truncated,
                size: if *truncated { 11_000_000 } else { bytes.len() as u64 },
            })
            .collect())
    }

    async fn taken(&mut self, place: &str) -> Result<(), TransportError> {
        if self.fails_to_mark.iter().any(|p| p == place) {
            return Err(TransportError::Settings { found: "the line is cut".into(), remedy: "again".into() });
        }
        self.marked.push(place.to_owned());
        Ok(())
    }

    async fn wait(&mut self, _: Duration) -> Result<(), TransportError> {
        Ok(())
    }
}

fn letter(id: &str, text: &str) -> Vec<u8> {
    format!("From: ana@example.org\r\nMessage-ID: <{id}@example.org>\r\n\r\n{text}\r\n").into_bytes()
}

/// Row 1: after a change of UIDVALIDITY all comes again under new places, and a UID that was used is used again.
#[tokio::test]
async fn after_a_change_of_uidvalidity_the_same_bytes_are_known_and_a_used_uid_is_a_new_mail() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut inbox = Box::default();
    inbox.put("INBOX;1;7", &letter("a", "one"));
    assert_eq!(receiver_step(&store, &mut inbox, &Prover::default(), now).await.unwrap(), 1);
    let mut inbox = Box::default();
    inbox.put("INBOX;2;1", &letter("a", "one"));
    inbox.put("INBOX;2;7", &letter("b", "two"));
    assert_eq!(receiver_step(&store, &mut inbox, &Prover::default(), now).await.unwrap(), 2);
    let rows = store.get().next_inbox(10).unwrap();
    let ids: Vec<_> = rows.iter().map(|r| r.message_id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["a@example.org", "b@example.org"]);
    assert_eq!(inbox.marked, ["INBOX;2;1", "INBOX;2;7"], "both are marked, the known one too");
}

/// Row 3: a crash, or a lost line, after the commit and before the mark.
#[tokio::test]
async fn a_mail_that_was_written_and_not_marked_comes_again_and_is_one_row() {
    let folder = tempfile::tempdir().unwrap();
    let mut inbox = Box::default();
    inbox.put("INBOX;1;1", &letter("a", "one"));
    inbox.put("INBOX;1;2", &letter("b", "two"));
    inbox.fails_to_mark.push("INBOX;1;1".into());
    {
        let store = open(folder.path());
        assert!(receiver_step(&store, &mut inbox, &Prover::default(), now).await.is_err());
        assert_eq!(inbox.marked, ["INBOX;1;2"], "one that can't be marked holds up none of the others");
    }
    inbox.fails_to_mark.clear();
    let store = open(folder.path());
    assert_eq!(receiver_step(&store, &mut inbox, &Prover::default(), now).await.unwrap(), 1);
    assert_eq!(store.get().next_inbox(10).unwrap().len(), 2);
}

/// Each round is a process of its own, which lives: a disk without room for the mail is no fault of the mail.
#[tokio::test]
async fn rounds_with_a_full_disk_are_not_held_against_a_mail() {
    let folder = tempfile::tempdir().unwrap();
    let mut inbox = Box::default();
    inbox.put("INBOX;1;1", &letter("a", "one"));
    for _ in 0..7 {
        let store = open(folder.path());
        let mut writes = 0;
        store.get().watch(move |point| {
            writes += usize::from(point == WritePoint::Begin);
            // room for its hash, before and after, and not for its bytes
            if writes == 2 { Err(DiskFault::Full) } else { Ok(()) }
        });
        assert!(receiver_step(&store, &mut inbox, &Prover::default(), now).await.is_err());
    }
    let store = open(folder.path());
    assert_eq!(receiver_step(&store, &mut inbox, &Prover::default(), now).await.unwrap(), 1);
    let rows = store.get().next_inbox(10).unwrap();
    assert_eq!(rows[0].message_id.as_deref(), Some("a@example.org"), "it was read");
}

/// Rows 4 to 6: what can't be read, a second mail under one id, and one over the cap hold up nobody.
#[tokio::test]
async fn poison_a_second_mail_of_one_id_and_a_huge_one_are_set_aside_and_the_next_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut inbox = Box::default();
    inbox.put("1", &letter("a", "one"));
    inbox.put("2", b"\0\xff\xfeContent-Type: multipart/mixed; boundary=\"\r\n\r\n--\r\n");
    inbox.put("3", &letter("a", "another text"));
    inbox.mails.push(("4".into(), letter("c", "huge"), true));
    inbox.put("5", &letter("d", "last"));
    assert_eq!(receiver_step(&store, &mut inbox, &Prover::default(), now).await.unwrap(), 5);
    let rows = store.get().inbox_list(&[], 10).unwrap();
    let states: Vec<_> = rows.iter().map(|r| r.state).collect();
    use InboxState::{New, Quarantined};
    assert_eq!(states, [New, New, Quarantined, Quarantined, New]);
    assert!(rows[2].reason.as_deref().unwrap().contains("Message-ID of mail 1"), "{:?}", rows[2].reason);
    assert!(rows[3].reason.as_deref().unwrap().contains("11 MB: too large"), "{:?}", rows[3].reason);
    assert_eq!(inbox.marked.len(), 5);
}

/// Row 6: of a mail over the cap the beginning came; the engine reads whose it is from its headers and tells them
/// (the scenario on what cannot be read).
#[tokio::test]
async fn a_mail_cut_off_at_the_cap_waits_for_the_engine() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut inbox = Box::default();
    let mut huge = letter("a", "photos");
    huge.resize(10_000_000, b'x');
    inbox.mails.push(("1".into(), huge, true));
    assert_eq!(receiver_step(&store, &mut inbox, &Prover::default(), now).await.unwrap(), 1);
    let rows = store.get().next_inbox(10).unwrap();
    assert_eq!((rows.len(), rows[0].from.as_deref()), (1, Some("ana@example.org")));
}

fn lmtp(folder: &Path, mode: u32) -> Mailbox {
    let terms = Terms { name: "codev.test".into(), address: "codev@example.org".into(), max_bytes: 1000 };
    Mailbox::Lmtp(std::boxed::Box::new(Lmtp::bind(Listen::Socket(folder.join("lmtp.sock"), mode), terms).unwrap()))
}

const CONVERSATION: &str = "LHLO mx\r\nMAIL FROM:<ana@example.org>\r\nRCPT TO:<codev@example.org>\r\n\
    RCPT TO:<codev+k7@example.org>\r\nDATA\r\nMessage-ID: <a@example.org>\r\n\r\n..x\r\n.\r\nQUIT\r\n";

/// What a client that says all of it is answered, after DATA.
async fn told(path: &Path) -> Vec<String> {
    let mut stream = UnixStream::connect(path).await.unwrap();
    stream.write_all(CONVERSATION.as_bytes()).await.unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).await.unwrap();
    all.lines().skip_while(|l| !l.starts_with("354")).skip(1).map(str::to_owned).collect()
}

#[tokio::test]
async fn lmtp_says_250_for_each_receiver_once_the_mail_is_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let path = folder.path().join("lmtp.sock");
    let mut mailbox = lmtp(folder.path(), 0o620);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o620);
    mailbox.fetch_new().await.unwrap();
    let client = tokio::spawn({
        let path = path.clone();
        async move { told(&path).await }
    });
    mailbox.wait(Duration::from_secs(20)).await.unwrap();
    assert!(!client.is_finished(), "nothing is promised before it is written");
    assert_eq!(receiver_step(&store, &mut mailbox, &Prover::default(), now).await.unwrap(), 1);
    let expected =
        ["250 2.0.0 taken <codev@example.org>", "250 2.0.0 taken <codev+k7@example.org>", "221 2.0.0 goodbye"];
    assert_eq!(client.await.unwrap(), expected);
    let rows = store.get().next_inbox(10).unwrap();
    let text = "Return-Path: <ana@example.org>\r\nDelivered-To: codev@example.org\r\n\
        Delivered-To: codev+k7@example.org\r\nMessage-ID: <a@example.org>\r\n\r\n.x\r\n";
    assert_eq!(String::from_utf8_lossy(&rows[0].bytes), text);
    drop(mailbox);
    assert!(!path.exists(), "the socket goes with the daemon");
}

#[tokio::test]
async fn lmtp_says_451_for_what_was_not_written_and_452_when_too_many_wait() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lmtp.sock");
    let mut mailbox = lmtp(folder.path(), 0o600);
    mailbox.fetch_new().await.unwrap();
    let one = tokio::spawn({
        let path = path.clone();
        async move { told(&path).await }
    });
    mailbox.wait(Duration::from_secs(20)).await.unwrap();
    // fetched, and the disk is full: it is not taken
    assert_eq!(mailbox.fetch_new().await.unwrap().len(), 1);
    assert!(mailbox.fetch_new().await.unwrap().is_empty());
    let said = one.await.unwrap();
    assert!(said[0].starts_with("451 4.3.0") && said[1].starts_with("451 4.3.0"), "{said:?}");

    // nobody takes anything: four wait, the others are told to come again
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let path = path.clone();
        clients.spawn(async move { told(&path).await });
    }
    for _ in 0..2 {
        let said = clients.join_next().await.unwrap().unwrap();
        assert!(said[0].starts_with("452 4.3.1") && said[1].starts_with("452 4.3.1"), "{said:?}");
    }
    let store = open(folder.path());
    assert_eq!(receiver_step(&store, &mut mailbox, &Prover::default(), now).await.unwrap(), 4);
    while let Some(said) = clients.join_next().await {
        assert!(said.unwrap()[0].starts_with("250 2.0.0"));
    }
    assert_eq!(store.get().next_inbox(10).unwrap().len(), 1, "the same bytes four times are one mail");
}

#[tokio::test]
async fn lmtp_says_421_at_once_while_no_mail_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lmtp.sock");
    let mut mailbox = lmtp(folder.path(), 0o600);
    assert!(!mailbox.turn_away().await.unwrap(), "nobody came");
    let mut stream = UnixStream::connect(&path).await.unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).await.unwrap();
    assert_eq!(all, "421 4.3.2 codev.test takes no mail now, try again later\r\n");
    assert!(mailbox.turn_away().await.unwrap(), "somebody came");
    // there is a group: it is taken
    let store = open(folder.path());
    mailbox.fetch_new().await.unwrap();
    let client = tokio::spawn(async move { told(&path).await });
    mailbox.wait(Duration::from_secs(20)).await.unwrap();
    assert_eq!(receiver_step(&store, &mut mailbox, &Prover::default(), now).await.unwrap(), 1);
    assert!(client.await.unwrap()[0].starts_with("250 2.0.0"));
}

#[test]
fn lmtp_listens_on_this_machine_alone_and_takes_nobodys_place() {
    let folder = tempfile::tempdir().unwrap();
    let terms = || Terms { name: "x".into(), address: "c@x.org".into(), max_bytes: 1 };
    let error = Lmtp::bind(Listen::Port("0.0.0.0:0".parse().unwrap()), terms()).err().unwrap();
    assert!(error.to_string().contains("anybody could hand in mail"), "{error}");
    assert!(Lmtp::bind(Listen::Port("127.0.0.1:0".parse().unwrap()), terms()).unwrap().local_port().unwrap() > 0);
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "kept").unwrap();
    assert!(Lmtp::bind(Listen::Socket(file.clone(), 0o600), terms()).err().unwrap().to_string().contains("no socket"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
    let path = folder.path().join("s");
    let first = Lmtp::bind(Listen::Socket(path.clone(), 0o600), terms()).unwrap();
    let error = Lmtp::bind(Listen::Socket(path.clone(), 0o600), terms()).err().unwrap();
    assert!(error.to_string().contains("another program listens"), "{error}");
    drop(first);
    // what a daemon that was killed leaves behind is replaced
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    Lmtp::bind(Listen::Socket(path, 0o600), terms()).unwrap();
}

fn carriers(text: &str) -> Vec<(String, Carrier)> {
    mail::tokens(&mail::letter(text.as_bytes())).into_iter().map(|f| (f.token.to_string(), f.carrier)).collect()
}

/// Rows 24 to 29: each place alone leads back to the mail, whatever programs and people did to the token.
#[test]
fn each_carrier_of_the_token_is_enough_alone() {
    let key = Key::new([7; 32]);
    let token = key.token(&key.draft_id("lyon/3/invitation/-/ana/0"), "lyon/ana").to_string();
    let shouted = token.to_uppercase().replace('0', "o").replace('1', "I");
    let (left, right) = token.split_at(13);
    let (a, b) = shouted.split_at(20);
    let cases = [
        (format!("To: <codev+{token}@x.org>\r\n\r\noui"), Carrier::Recipient),
        (format!("To: <codev+{shouted}@x.org>\r\n\r\noui"), Carrier::Recipient),
        (format!("To: <codev+lyon+{token}@x.org>\r\n\r\noui"), Carrier::Recipient),
        (format!("To: <codev%2B{token}@x.org>\r\n\r\noui"), Carrier::Recipient),
        (format!("To: codev@x.org\r\nDelivered-To: codev+{token}@x.org\r\n\r\noui"), Carrier::Recipient),
        (format!("X-Original-To: codev+{token}@x.org\r\n\r\noui"), Carrier::Recipient),
        (format!("To: codev@x.org\r\nIn-Reply-To: <{token}@x.org>\r\n\r\noui"), Carrier::InReplyTo),
        (format!("To: codev@x.org\r\nReferences: <z@y> <{token}@x.org>\r\n\r\noui"), Carrier::References),
        (format!("To: codev@x.org\r\nSubject: Re: Codev [{shouted}]\r\n\r\noui"), Carrier::Subject),
        (format!("To: codev@x.org\r\n\r\noui\r\n\r\n> Réf. {left}\r\n> {right}\r\n"), Carrier::Body),
        (format!("To: codev@x.org\r\n\r\noui\r\n\r\nREF: {a} {b}\r\n"), Carrier::Body),
        (
            format!("To: codev@x.org\r\nContent-Type: text/html\r\n\r\n<p>oui</p><p>Ref. {left}<wbr>{right}</p>"),
            Carrier::Body,
        ),
    ];
    for (head, carrier) in cases {
        let text = format!(
            "From: ana@x.org\r\nMIME-Version: 1.0\r\n{}\r\n",
            head.replace("\r\n\r\n", "\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n\r\n")
        );
        assert_eq!(carriers(&text), [(token.clone(), carrier)], "{text}");
    }
}

/// Row 31: a bounce in words nobody knows names its mail by the address it comes back to.
#[test]
fn a_bounce_to_the_return_path_names_its_mail_without_a_text() {
    let key = Key::new([7; 32]);
    let token = key.token(&key.draft_id("lyon/3/invitation/-/ana/0"), "lyon/ana").to_string();
    let sender = Sender { name: "Codev".into(), address: "codev@x.org".parse().unwrap(), plus: true };
    let path = sender.return_path(&format!("{token}@x.org"));
    assert_eq!(path, format!("codev+{token}@x.org"));
    let bounce = format!(
        "Return-Path: <>\r\nDelivered-To: {path}\r\nFrom: <MAILER-DAEMON@y.org>\r\nTo: {path}\r\nSubject: Undelivered Mail Returned to Sender\r\n\r\nNope.\r\n"
    );
    assert_eq!(carriers(&bounce), [(token.clone(), Carrier::Recipient)]);
    let off = Sender { plus: false, ..sender.clone() };
    assert_eq!(
        (off.return_path(&format!("{token}@x.org")), off.reply_address(&token)),
        ("codev@x.org".into(), "codev@x.org".into())
    );
    let long = format!("{}@x.org", "a".repeat(32));
    let long = Sender { address: long.parse().unwrap(), ..sender };
    assert_eq!(long.reply_address(&token), long.address.to_string(), "no local part grows over 64 characters");
}

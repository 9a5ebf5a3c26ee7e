//! What comes in: kept before it is acknowledged, read twice but processed once.

use crate::store::fixture::*;
use chrono::Duration;
use codevd::store::{Commit, DiskFault, InboxDone, InboxKind, InboxState, Received, Store, Taken};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn received(message_id: &str, hash: &str) -> Received {
    Received {
        place: "imap INBOX 7".to_owned(),
        message_id: Some(message_id.to_owned()),
        hash: hash.to_owned(),
        bytes: vec![0, 159, 146, 150, 13, 10],
        received_at: now(),
        from: Some("Ana@example.org".to_owned()),
        proof: None,
    }
}

pub fn done(id: i64, state: InboxState) -> Commit<'static> {
    let row = InboxDone {
        id,
        state,
        reason: Some("understood".to_owned()),
        group: Some(lyon()),
        member: Some(self::id_of("ana")),
        draft_key: Some("lyon/3/invitation/-/ana/0".to_owned()),
        result: Some("{\"moved\": true}".to_owned()),
    };
    Commit { group: None, mails: Vec::new(), journal: Vec::new(), at: now(), inbox: Some(row) }
}

fn id_of(name: &str) -> codevd::core::MemberId {
    name.parse().unwrap()
}

#[test]
fn the_same_bytes_are_one_row_and_other_bytes_of_the_same_id_another() {
    let (dir, mut store) = open();
    let taken = store.receive(&[received("a@x", "h1"), received("a@x", "h1"), received("a@x", "h2")]).unwrap();
    assert_eq!(taken, [Taken::New(1), Taken::Duplicate(1), Taken::New(2)]);
    assert_eq!(store.receive(&[received("a@x", "h2")]).unwrap(), [Taken::Duplicate(2)]);
    assert_eq!(store.inbox_by_message_id("a@x").unwrap().len(), 2);
    // on disk, for another connection, before anybody is told
    let other = codevd::store::Reader::open(dir.path().join("codevd.db")).unwrap();
    let rows = other.next_inbox(10).unwrap();
    assert_eq!(rows.len(), 1, "the second mail under the same name acts on nothing");
    let second = other.inbox_row(2).unwrap().unwrap();
    assert_eq!(second.state, InboxState::Quarantined);
    assert_eq!(second.reason.unwrap(), "the Message-ID of mail 1 with other bytes: kept for a person to compare");
    assert_eq!(second.bytes, received("", "").bytes);
    assert_eq!((rows[0].kind, rows[0].bytes.as_slice()), (InboxKind::Mail, received("", "").bytes.as_slice()));
    assert_eq!(other.counts().unwrap().oldest_new, Some(now()));
}

#[test]
fn a_mail_that_arrives_counts_once_a_process_and_no_more_once_it_has_a_row() {
    let (dir, mut store) = open();
    let file = dir.path().join("codevd.db");
    let full = Arc::new(AtomicBool::new(false));
    let disk = Arc::clone(&full);
    store.watch(move |_| if disk.load(Ordering::Relaxed) { Err(DiskFault::Full) } else { Ok(()) });
    // the disk has no room for its row, again and again: the process lives
    for _ in 0..9 {
        full.store(false, Ordering::Relaxed);
        assert_eq!(store.begin_arriving("h1", now()).unwrap(), 0);
        full.store(true, Ordering::Relaxed);
        assert!(store.receive(&[received("a@x", "h1")]).is_err());
    }
    full.store(false, Ordering::Relaxed);
    // asked to stop meanwhile
    store.leave_arriving().unwrap();
    drop(store);
    for tries in 0..3 {
        // each ends without being asked
        assert_eq!(Store::open(&file).unwrap().begin_arriving("h1", now()).unwrap(), tries);
    }
    let mut store = Store::open(&file).unwrap();
    // known before: it is told so however often this process begins it
    assert_eq!((1..=2).map(|_| store.begin_arriving("h1", now()).unwrap()).collect::<Vec<_>>(), [3, 3]);
    // no room to take it back either: tried again later
    full.store(true, Ordering::Relaxed);
    let disk = Arc::clone(&full);
    store.watch(move |_| if disk.load(Ordering::Relaxed) { Err(DiskFault::Full) } else { Ok(()) });
    assert!(store.leave_one_arriving("h1").is_err());
    full.store(false, Ordering::Relaxed);
    store.leave_arriving().unwrap();
    assert_eq!(store.begin_arriving("h1", now()).unwrap(), 3);
    store.leave_one_arriving("h1").unwrap();
    store.receive(&[received("a@x", "h1")]).unwrap();
    assert_eq!(store.begin_arriving("h1", now()).unwrap(), 0);
    // what never came again is forgotten with the mails of its time
    let later = now() + Duration::days(1);
    store.clean(later, later, later).unwrap();
    drop(store);
    assert_eq!(Store::open(&file).unwrap().begin_arriving("h1", now()).unwrap(), 0);
}

#[test]
fn that_a_mail_is_read_is_on_disk_before_and_taken_back_after() {
    let (dir, mut store) = open();
    store.receive(&[received("a@x", "h1")]).unwrap();
    let other = codevd::store::Reader::open(dir.path().join("codevd.db")).unwrap();
    let tries = || other.inbox_row(1).unwrap().unwrap().tries;
    store.begin_reading(1).unwrap();
    store.begin_reading(1).unwrap();
    assert_eq!((tries(), store.most_tries().unwrap()), (2, 2));
    assert_eq!(store.begin_arriving("h2", now()).unwrap(), 0);
    assert_eq!(store.most_tries().unwrap(), 2, "of the one that was begun most often");
    store.end_reading(1).unwrap();
    assert_eq!((tries(), store.most_tries().unwrap()), (0, 1), "it waits, and nothing is held against it");
    store.begin_reading(1).unwrap();
    store.commit(done(1, InboxState::Recorded)).unwrap();
    let written = store.rows_written();
    store.end_reading(1).unwrap();
    assert_eq!((tries(), store.rows_written()), (1, written), "what is done is left as it is");
}

#[test]
fn a_mail_without_id_and_with_odd_headers_is_kept_too() {
    let (_dir, mut store) = open();
    let odd = Received { message_id: None, from: None, bytes: Vec::new(), ..received("", "h") };
    assert_eq!(store.receive(&[odd]).unwrap(), [Taken::New(1)]);
    let row = store.inbox_row(1).unwrap().unwrap();
    assert_eq!((row.message_id, row.from, row.bytes), (None, None, Vec::new()));
    assert!(store.inbox_row(2).unwrap().is_none());
}

#[test]
fn a_row_is_done_with_the_decision_it_brought_about_and_once_only() {
    let (_dir, mut store) = open();
    store.receive(&[received("a@x", "h1"), received("b@x", "h2")]).unwrap();
    let group = rich("lyon");
    let mut commit = done(1, InboxState::Done);
    commit.group = state(None, None, &group).group;
    store.commit(commit).unwrap();
    let row = store.inbox_row(1).unwrap().unwrap();
    assert_eq!((row.state, row.done_at, row.group), (InboxState::Done, Some(now()), Some(lyon())));
    assert_eq!(row.result.as_deref(), Some("{\"moved\": true}"));
    assert_eq!(store.next_inbox(10).unwrap().iter().map(|r| r.id).collect::<Vec<_>>(), [2]);
    // a second decision on the same row writes nothing at all
    let mut twice = done(1, InboxState::Done);
    let mut after = group.clone();
    after.live = false;
    twice.group = state(Some(&group), Some(1), &after).group;
    let error = store.commit(twice).unwrap_err();
    assert_eq!(error.to_string(), "inbox row 1 is done, expected one that is not done");
    assert!(store.load(&lyon(), &formats()).unwrap().unwrap().group.live);
    // asked back first, then done
    store.commit(done(2, InboxState::Asked)).unwrap();
    store.commit(done(2, InboxState::Done)).unwrap();
    assert!(store.commit(done(7, InboxState::Done)).unwrap_err().to_string().contains("not there"));
}

#[test]
fn an_order_waits_for_its_outcome_like_a_mail() {
    let (_dir, mut store) = open();
    let order = r#"{"order":"cancel","meeting":3}"#;
    let number = store.order(order, now()).unwrap();
    let row = store.next_inbox(1).unwrap().remove(0);
    assert_eq!((row.id, row.kind, row.bytes.as_slice()), (number, InboxKind::Order, order.as_bytes()));
    assert_eq!(row.outcome(), None);
    store.commit(done(number, InboxState::Refused)).unwrap();
    let row = store.reader().unwrap().inbox_row(number).unwrap().unwrap();
    assert_eq!((row.state, row.reason.as_deref()), (InboxState::Refused, Some("understood")));
}

#[test]
fn lists_are_by_state() {
    let (_dir, mut store) = open();
    for (n, state) in (1..).zip([InboxState::Quarantined, InboxState::Recorded, InboxState::Done]) {
        store.receive(&[received(&format!("{n}@x"), &n.to_string())]).unwrap();
        store.commit(done(n, state)).unwrap();
    }
    store.receive(&[received("m@x", "9")]).unwrap();
    let ids = |states: &[InboxState], limit| {
        store.inbox_list(states, limit).unwrap().iter().map(|r| r.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&[], 10), [1, 2, 3, 4]);
    assert_eq!(ids(&[], 2), [3, 4]);
    assert_eq!(ids(&[InboxState::Quarantined, InboxState::New], 10), [1, 4]);
    assert_eq!(store.counts().unwrap().inbox["quarantined"], 1);
}

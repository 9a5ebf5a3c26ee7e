//! Damage inside the file, and others who work beside us on it.

use crate::store::fixture::*;
use codevd::core::Kind;
use codevd::store::{Reader, Store};
use rusqlite::Connection;

const PAGE: usize = 4096;

/// Each page in turn: what is torn is named with its file and the remedy, at the start or by the check after it.
#[test]
fn a_torn_page_is_found_wherever_it_lies() {
    let (dir, mut store) = open();
    store.commit(state(None, None, &rich("lyon"))).unwrap();
    store.commit(mails(vec![mail(draft("ana", Kind::Invitation, 0, "event"))])).unwrap();
    drop(store);
    let whole = std::fs::read(dir.path().join("codevd.db")).unwrap();
    let file = dir.path().join("torn.db");
    std::fs::copy(dir.path().join("codevd.db.keys"), dir.path().join("torn.db.keys")).unwrap();
    let (mut at_start, mut by_check) = (0, 0);
    for page in 0..whole.len() / PAGE {
        let mut torn = whole.clone();
        // the head of a page: its kind, its number of cells, where they begin
        let head = page * PAGE + if page == 0 { 100 } else { 0 };
        torn[head..head + 16].iter_mut().for_each(|byte| *byte = byte.wrapping_mul(31).wrapping_add(7) ^ 0x5a);
        std::fs::write(&file, &torn).unwrap();
        match Store::open(&file) {
            Err(error) => {
                let said = error.to_string();
                assert!(said.contains("torn.db") && said.contains("restore a backup"), "page {page}: {said}");
                at_start += 1;
            }
            Ok(store) => {
                let found = match store.quick_check() {
                    Ok(found) => !found.is_empty(),
                    Err(error) => error.is_damage() && error.to_string().contains("restore a backup"),
                };
                assert!(found, "page {page} is torn and nobody says so");
                by_check += 1;
            }
        }
        for ending in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(dir.path().join(format!("torn.db{ending}")));
        }
    }
    assert!(at_start > 0 && by_check > 20, "{at_start} {by_check}");
}

/// What Litestream and other programs that copy the WAL rely on.
#[test]
fn a_reader_that_stays_keeps_its_view_and_the_wal_is_neither_cut_nor_begun_anew_under_it() {
    let (dir, mut store) = open();
    store.commit(state(None, None, &rich("lyon"))).unwrap();
    let wal = dir.path().join("codevd.db-wal");
    // another program: a transaction that stays open keeps the WAL as it is
    let other = Connection::open(dir.path().join("codevd.db")).unwrap();
    other.execute_batch("BEGIN; SELECT count(*) FROM outbox;").unwrap();
    let salt = |bytes: &[u8]| bytes[16..24].to_vec();
    let before = std::fs::read(&wal).unwrap();
    // more than SQLite's thousand pages, after which it brings the WAL into the file
    for n in 0..300 {
        let one = mail(draft("ana", Kind::Invitation, n, &format!("lane{n}")));
        store.commit(mails(vec![one])).unwrap();
    }
    let after = std::fs::read(&wal).unwrap();
    assert!(after.len() > 1000 * PAGE && after.starts_with(&before), "the WAL was written anew under a reader");
    let seen: i64 = other.query_row("SELECT count(*) FROM outbox", [], |r| r.get(0)).unwrap();
    assert_eq!(seen, 0, "the reader's view moved");
    other.execute_batch("COMMIT").unwrap();
    // the other program brings it in by itself, as far as it likes, while we are open
    let busy: i64 = other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |r| r.get(0)).unwrap();
    assert_eq!((busy, std::fs::metadata(&wal).unwrap().len()), (0, 0));
    store.commit(mails(vec![mail(draft("bob", Kind::Invitation, 0, "event"))])).unwrap();
    assert_ne!(salt(&std::fs::read(&wal).unwrap()), salt(&before));
    assert_eq!(store.quick_check().unwrap(), [""; 0]);
    // we are not the last to close: the WAL stays for whoever copies it
    drop(store);
    assert!(wal.exists());
    let count: i64 = other.query_row("SELECT count(*) FROM outbox", [], |r| r.get(0)).unwrap();
    assert_eq!(count, 301);
    assert!(Reader::open(dir.path().join("codevd.db")).is_ok());
}

/// Another program that holds the file for a moment (a checkpoint of its own) is waited for.
#[test]
fn a_writer_beside_us_is_waited_for() {
    let (dir, mut store) = open();
    let file = dir.path().join("codevd.db");
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let free = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(150));
        other.execute_batch("COMMIT").unwrap();
    });
    store.commit(state(None, None, &rich("lyon"))).unwrap();
    free.join().unwrap();
    assert_eq!(store.groups().unwrap().len(), 1);
}

//! People's words and mails lie sealed: who has the database alone reads none of them, and a key thrown away ends
//! what it sealed in every copy.

use super::forget::found;
use crate::store::fixture::{mail as fixture_mail, *};
use chrono::Duration;
use codevd::core::{Kind, MeetingNo};
use codevd::store::{About, InboxState, MailState, QueueFilter, Reader, Received, Settled, Store, StoreError};
use rusqlite::Connection;
use std::path::Path;

/// What stands in the texts of the fixture's group and its mails.
const SAID: [&str; 7] = ["Problème", "en congé", "line one", "appeler Paul", "Bonjour", "écouter", "Secretissime"];

fn letter(text: &str) -> Received {
    Received {
        place: "test".to_owned(),
        message_id: Some(format!("{}@example.org", text.len())),
        hash: format!("hash of {}", text.len()),
        bytes: format!("From: bob@example.org\n\n{text}").into_bytes(),
        received_at: now(),
        from: Some("bob@example.org".to_owned()),
        proof: None,
    }
}

/// A house in which everything is said that can be.
fn full() -> (tempfile::TempDir, Store) {
    let (dir, mut store) = open();
    let group = rich("lyon");
    let mut commit = state(None, None, &group);
    commit.mails = vec![fixture_mail(draft("ana", Kind::Invitation, 0, "event"))];
    store.commit(commit).unwrap();
    store.receive(&[letter("Secretissime")]).unwrap();
    (dir, store)
}

fn keys_of(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let conn = Connection::open(dir.join("codevd.db.keys")).unwrap();
    let mut all = conn.prepare("SELECT scope, key FROM keys ORDER BY scope").unwrap();
    all.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).unwrap().map(Result::unwrap).collect()
}

/// The files of the folder in which these bytes stand.
fn holding(dir: &Path, bytes: &[u8]) -> Vec<String> {
    let files = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file());
    let there = files.filter(|p| std::fs::read(p).unwrap().windows(bytes.len()).any(|w| w == bytes));
    there.map(|p| p.file_name().unwrap().display().to_string()).collect()
}

#[test]
fn nothing_people_wrote_can_be_read_in_the_files_and_all_of_it_comes_back() {
    let (dir, store) = full();
    for text in SAID {
        assert_eq!(found(dir.path(), text), Vec::<String>::new());
    }
    assert!(!found(dir.path(), "ana@example.org").is_empty(), "the rest can be read");
    assert_eq!(store.load(&lyon(), &formats()).unwrap().unwrap().group, rich("lyon"));
    assert_eq!(store.next_inbox(9).unwrap()[0].bytes, letter("Secretissime").bytes);
    let reader = store.reader().unwrap();
    assert_eq!(reader.outbox_bytes(1).unwrap(), store.outbox_bytes(1).unwrap());
    assert!(reader.outbox_bytes(1).unwrap().is_some());
    let scopes: Vec<_> = keys_of(dir.path()).into_iter().map(|(scope, _)| scope).collect();
    assert!(scopes.contains(&"lyon/2".to_owned()) && scopes.contains(&"mail/2026-12".to_owned()), "{scopes:?}");
    for (scope, key) in keys_of(dir.path()) {
        assert_eq!(holding(dir.path(), &key), ["codevd.db.keys"], "{scope}");
    }
}

#[test]
fn a_sealed_text_moved_to_another_row_or_changed_does_not_open() {
    let (dir, store) = full();
    let conn = Connection::open(dir.path().join("codevd.db")).unwrap();
    let (a, b): (i64, i64) = conn
        .query_row("SELECT min(id), max(id) FROM words WHERE meeting = 2", [], |r| Ok((r.get(0)?, r.get(1)?)))
        .unwrap();
    assert_ne!(a, b);
    let kept: Vec<u8> =
        conn.query_row("SELECT sealed FROM words WHERE meeting = 2 AND id = ?", [a], |r| r.get(0)).unwrap();
    let moved = "UPDATE words SET sealed = (SELECT o.sealed FROM words o WHERE o.meeting = 2 AND o.id = ?2) \
        WHERE meeting = 2 AND id = ?1";
    conn.execute(moved, [a, b]).unwrap();
    let said = store.load(&lyon(), &formats()).unwrap_err().to_string();
    assert!(said.contains(&format!("words/lyon/2/{a}")) && said.contains("moved from another row"), "{said}");
    for at in [0, 1, 10, 30, 60, kept.len() - 1] {
        let mut changed = kept.clone();
        changed[at] ^= 1;
        conn.execute("UPDATE words SET sealed = ? WHERE meeting = 2 AND id = ?", (&changed, a)).unwrap();
        let loaded = store.meeting(&lyon(), MeetingNo(2));
        // bytes 1 to 8 name the key: with another name it is gone
        match at {
            1 => assert!(loaded.unwrap().unwrap().words.iter().any(|w| w.text == "…")),
            _ => assert!(loaded.unwrap_err().to_string().contains(&format!("words/lyon/2/{a}")), "{at}"),
        }
    }
    conn.execute("UPDATE words SET sealed = ? WHERE meeting = 2 AND id = ?", (&kept, a)).unwrap();
    assert_eq!(store.load(&lyon(), &formats()).unwrap().unwrap().group, rich("lyon"));
}

#[test]
fn a_lost_keys_file_is_named_and_what_can_t_be_opened_is_told_not_lost_silently() {
    let (dir, store) = full();
    drop(store);
    let (file, keys) = (dir.path().join("codevd.db"), dir.path().join("codevd.db.keys"));
    let elsewhere = dir.path().join("elsewhere");
    std::fs::rename(&keys, &elsewhere).unwrap();
    let error = Store::open(&file).unwrap_err();
    assert!(matches!(error, StoreError::KeysGone { .. }), "{error}");
    let said = error.to_string();
    assert!(said.contains("codevd.db.keys") && said.contains("--with-keys") && said.contains("empty file"), "{said}");
    assert!(!keys.exists(), "nothing was made in its place");
    // whoever looks is not kept from it
    let reader = Reader::open(&file).unwrap();
    assert!(reader.load(&lyon(), &formats()).unwrap().is_some());
    assert_eq!(reader.unreadable().unwrap().len(), 1);

    // the operator gives them up
    std::fs::write(&keys, "").unwrap();
    let mut store = Store::open(&file).unwrap();
    store.recover(now()).unwrap();
    let state = |state| QueueFilter { state: Some(state), ..QueueFilter::default() };
    assert_eq!(store.queue(&state(MailState::Dropped)).unwrap().len(), 1);
    let row = &store.inbox_list(&[InboxState::Quarantined], 9).unwrap()[0];
    assert!(row.reason.as_deref().unwrap().contains("key"), "{row:?}");
    let heard = store.next_inbox(9).unwrap();
    assert!(heard.len() == 1 && heard[0].outcome().is_some(), "the core hears of the mail: {heard:?}");
    let story: Vec<_> = store.journal(&About::default(), 99).unwrap().into_iter().map(|l| l.text).collect();
    assert!(story.iter().any(|l| l.starts_with("not sent: it can't be opened")), "{story:?}");
    assert_eq!(story.iter().filter(|l| l.contains("the meeting's key is gone")).count(), 1, "{story:?}");
    // told once; the group goes on, and what it can't read stays as it is
    drop(store);
    let mut store = Store::open(&file).unwrap();
    store.recover(now()).unwrap();
    assert_eq!(store.journal(&About::default(), 99).unwrap().len(), story.len());
    let loaded = store.load(&lyon(), &formats()).unwrap().unwrap();
    let mut after = loaded.group.clone();
    assert_eq!(after.meetings[1].subject.as_ref().unwrap().text, "…");
    after.spec.name = "Lyon, sans clefs".to_owned();
    store.commit(crate::store::fixture::state(Some(&loaded.group), Some(loaded.version), &after)).unwrap();
    drop(store);
    // with the keys found again all of it can be read
    std::fs::rename(&elsewhere, &keys).unwrap();
    let store = Store::open(&file).unwrap();
    let mut expected = rich("lyon");
    expected.spec.name = "Lyon, sans clefs".to_owned();
    assert_eq!(store.load(&lyon(), &formats()).unwrap().unwrap().group, expected);
    assert!(store.unreadable().unwrap().is_empty());
}

#[test]
fn a_mail_whose_key_is_gone_does_not_hold_up_the_others() {
    let (dir, mut store) = full();
    let other =
        "UPDATE outbox_bytes SET bytes = CAST(substr(bytes, 1, 1) || x'0102030405060708' || substr(bytes, 10) AS BLOB)";
    Connection::open(dir.path().join("codevd.db")).unwrap().execute(other, []).unwrap();
    store.commit(mails(vec![fixture_mail(draft("eve", Kind::Invitation, 0, "event"))])).unwrap();
    let claimed = store.claim(now(), 9, |_| Duration::minutes(1)).unwrap();
    assert_eq!(claimed.iter().map(|c| c.id).collect::<Vec<_>>(), [2]);
    assert_eq!(store.queue_row(1).unwrap().unwrap().state, MailState::Dropped);
}

#[test]
fn a_key_thrown_away_is_nowhere_and_ends_what_copies_hold() {
    let (dir, mut store) = full();
    let copy = tempfile::tempdir().unwrap();
    store.backup(copy.path().join("codevd.db")).unwrap();
    for claimed in store.claim(now(), 9, |_| Duration::minutes(1)).unwrap() {
        store.settle(claimed.id, &Settled::Sent { reply: "250 ok".to_owned() }, now()).unwrap();
    }
    // a meeting that is over, and one that lies ahead
    Connection::open(dir.path().join("codevd.db"))
        .unwrap()
        .execute_batch("UPDATE meetings SET stage = 'digested', wall = '2024-11-10 19:30' WHERE number = 2")
        .unwrap();
    let keys = keys_of(dir.path());
    let key = |scope: &str| keys.iter().find(|(s, _)| s == scope).unwrap().1.clone();
    let days = |n| now() - Duration::days(n);
    let emptied = store.clean(days(90), days(730), now()).unwrap();
    assert_eq!((emptied.mails, emptied.meetings, emptied.keys), (0, 1, 1));
    assert_eq!(holding(dir.path(), &key("lyon/2")), Vec::<String>::new(), "in the keys, their journal, the WAL");
    assert_eq!(holding(dir.path(), &key("lyon/3")), ["codevd.db.keys"]);
    let gone = store.meeting(&lyon(), MeetingNo(2)).unwrap().unwrap();
    assert!(gone.words.is_empty() && gone.subject.is_none() && gone.actions.is_empty());
    assert!(!gone.attendance.is_empty(), "who came stays");
    assert_eq!(store.clean(days(90), days(730), now()).unwrap(), codevd::store::Emptied::default());

    // the copy made before, with the keys of now
    std::fs::copy(dir.path().join("codevd.db.keys"), copy.path().join("codevd.db.keys")).unwrap();
    let before = Reader::open(copy.path().join("codevd.db")).unwrap();
    let unreadable = before.unreadable().unwrap();
    assert_eq!(unreadable.iter().map(|u| u.meeting).collect::<Vec<_>>(), [MeetingNo(2)]);
    assert_eq!(before.meeting(&lyon(), MeetingNo(2)).unwrap().unwrap().subject.unwrap().text, "…");

    // a year later the mails' month is over too: what came in was looked at meanwhile
    for row in store.next_inbox(9).unwrap() {
        store.commit(super::inbox::done(row.id, InboxState::Done)).unwrap();
    }
    let year = now() + Duration::days(365);
    let emptied = store.clean(year - Duration::days(90), days(730), year).unwrap();
    assert!(emptied.mails > 0 && emptied.keys == 1, "{emptied:?}");
    assert_eq!(holding(dir.path(), &key("mail/2026-12")), Vec::<String>::new());
    drop(before);
    std::fs::copy(dir.path().join("codevd.db.keys"), copy.path().join("codevd.db.keys")).unwrap();
    let before = Reader::open(copy.path().join("codevd.db")).unwrap();
    assert_eq!((before.outbox_bytes(1).unwrap(), before.next_inbox(9).unwrap()[0].bytes.len()), (None, 0));
}

#[test]
fn a_group_goes_on_when_some_of_what_it_could_take_back_was_deleted_by_its_age() {
    let (dir, mut store) = open();
    store.commit(state(None, None, &rich("lyon"))).unwrap();
    Connection::open(dir.path().join("codevd.db"))
        .unwrap()
        .execute_batch("UPDATE meetings SET stage = 'digested', wall = '2024-11-10 19:30' WHERE number = 2")
        .unwrap();
    let days = |n| now() - Duration::days(n);
    store.clean(days(90), days(730), now()).unwrap();
    let before = store.load(&lyon(), &formats()).unwrap().unwrap();
    let left: Vec<_> = before.group.undos.iter().map(|u| u.inverse.clone()).collect();
    assert_eq!(left, [codevd::core::event::Inverse::Unpause], "it was the seventh of eight");
    let mut after = before.group.clone();
    after.undos.clear();
    store.commit(state(Some(&before.group), Some(before.version), &after)).unwrap();
    assert!(store.load(&lyon(), &formats()).unwrap().unwrap().group.undos.is_empty());
}

#[test]
fn who_is_forgotten_is_forgotten_in_copies_too_and_another_writer_takes_the_new_keys() {
    let (dir, mut store) = open();
    let mut group = rich("lyon");
    group.members.iter_mut().filter(|m| m.id == id("bob")).for_each(|m| m.left = Some(now()));
    store.commit(state(None, None, &group)).unwrap();
    let copy = tempfile::tempdir().unwrap();
    store.backup(copy.path().join("codevd.db")).unwrap();
    let before = keys_of(dir.path());
    // as the command line does it beside a running daemon
    let mut beside = Store::open(dir.path().join("codevd.db")).unwrap();
    beside.forget(&lyon(), &id("bob"), now()).unwrap();
    drop(beside);
    for (scope, key) in &before {
        assert_eq!(holding(dir.path(), key), Vec::<String>::new(), "{scope}");
    }
    let loaded = store.load(&lyon(), &formats()).unwrap().unwrap();
    let mut after = loaded.group.clone();
    after.meetings[1].words[0].text = "dit après".to_owned();
    store.commit(state(Some(&loaded.group), Some(loaded.version), &after)).unwrap();
    assert_eq!(store.load(&lyon(), &formats()).unwrap().unwrap().group, after);
    assert!(store.unreadable().unwrap().is_empty() && store.quick_check().unwrap().is_empty());
    std::fs::copy(dir.path().join("codevd.db.keys"), copy.path().join("codevd.db.keys")).unwrap();
    let old = Reader::open(copy.path().join("codevd.db")).unwrap();
    assert_eq!(old.unreadable().unwrap().len(), 1, "nobody's words of that group open any more");
}

#[test]
fn a_group_removed_takes_its_keys_along() {
    let (dir, mut store) = full();
    let keys = keys_of(dir.path());
    assert!(store.remove_group(&lyon(), now()).unwrap());
    for (scope, key) in keys.iter().filter(|(scope, _)| scope.starts_with("lyon/")) {
        assert_eq!(holding(dir.path(), key), Vec::<String>::new(), "{scope}");
    }
    assert!(store.quick_check().unwrap().is_empty());
}

#[test]
fn a_decision_that_fails_leaves_no_row_without_its_key() {
    use codevd::store::{DiskFault, WritePoint};
    let (dir, mut store) = open();
    let mut left = 1;
    store.watch(move |point| {
        let fails = point == WritePoint::Written && left > 0;
        left -= i32::from(fails);
        if fails { Err(DiskFault::Full) } else { Ok(()) }
    });
    let group = rich("lyon");
    assert!(store.commit(state(None, None, &group)).unwrap_err().is_temporary());
    assert!(keys_of(dir.path()).is_empty(), "what failed made none");
    store.commit(state(None, None, &group)).unwrap();
    drop(store);
    let store = Store::open(dir.path().join("codevd.db")).unwrap();
    assert_eq!(store.load(&lyon(), &formats()).unwrap().unwrap().group, group);
}

#[test]
fn a_file_from_before_is_sealed_and_nothing_readable_is_left_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("codevd.db");
    let conn = Connection::open(&file).unwrap();
    conn.pragma_update(None, "journal_mode", "WAL").unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for step in ["0001_first", "0002_proof", "0003_delegates", "0004_reach", "0005_hold", "0006_challenges"] {
        conn.execute_batch(&std::fs::read_to_string(folder.join(format!("{step}.sql"))).unwrap()).unwrap();
    }
    let text = |n: i64| format!("Problème {n} : appeler Paul. ").repeat(1 + usize::try_from(n).unwrap() % 300);
    conn.execute_batch(include_str!("before_sealing.sql")).unwrap();
    for n in 1..=400 {
        let draft = "{\"facts\":{\"facts\":\"receipt\",\"receipt\":\"person_asked\"}}";
        let sql = "INSERT INTO words VALUES ('lyon', 1 + ?1 % 3, ?1, ?1, 'ana', 'learning', '2026-11-24T17:00:00Z', 0, 0, ?2)";
        conn.execute(sql, (n, text(n))).unwrap();
        let sql = "INSERT INTO inbox (id, kind, place, received_at, state) VALUES (?, 'mail', 'x', '2026-11-24T17:00:00Z', 'done')";
        conn.execute(sql, [n]).unwrap();
        conn.execute("INSERT INTO inbox_bytes VALUES (?, ?)", (n, text(n).into_bytes())).unwrap();
        let sql = "INSERT INTO outbox (id, draft_id, draft_key, group_id, meeting, kind, member, lane, subject, message_id, \
            envelope_to, urgent, decided_at, due_at, useful_until, when_late, state, next_attempt_at) VALUES (?1, ?1, ?1, 'lyon', \
            nullif(?1 % 3, 0), 'receipt', 'ana', 'x', 'x', ?1, 'ana@example.org', 0, '2026-11-24T17:00:00Z', \
            '2026-11-24T17:00:00Z', '2026-11-24T17:00:00Z', 'send', 'sent', '2026-11-24T17:00:00Z')";
        conn.execute(sql, [n]).unwrap();
        conn.execute("INSERT INTO outbox_bytes VALUES (?, ?, ?, ?)", (n, text(n).into_bytes(), text(n), draft))
            .unwrap();
    }
    conn.pragma_update(None, "user_version", 6).unwrap();
    drop(conn);
    assert!(!found(dir.path(), "appeler Paul").is_empty());

    let store = Store::open(&file).unwrap();
    for n in [1, 2, 3, 77, 299, 300] {
        assert_eq!(store.outbox_bytes(n).unwrap().unwrap(), text(n).into_bytes());
        assert_eq!(store.inbox_row(n).unwrap().unwrap().bytes, text(n).into_bytes());
    }
    let meeting = store.meeting(&lyon(), MeetingNo(1)).unwrap().unwrap();
    assert_eq!(meeting.words.len(), 133);
    assert!(meeting.words.iter().all(|w| w.text == text(w.id.into())));
    assert_eq!(meeting.subject.unwrap().text, "Problème de sujet");
    assert_eq!(meeting.attendance[&id("ana")].comment.as_deref(), Some("Problème de bus"));
    let since = at("2026-11-01T00:00");
    let capped = store.capped_since(codevd::core::caps::Capped::Person, "ana@example.org", since).unwrap();
    assert_eq!(capped.0.len(), 400, "which receipt it is can still be told");
    std::fs::remove_file(dir.path().join("codevd.db.before-0007")).unwrap();
    for text in ["Problème", "appeler Paul", "person_asked\\\"}}"] {
        assert_eq!(found(dir.path(), text), Vec::<String>::new());
    }
    assert!(store.quick_check().unwrap().is_empty());
}

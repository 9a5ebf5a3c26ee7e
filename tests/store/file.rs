//! The file itself: WAL, migrations, readers beside the writer, indexes, backups.

use crate::store::fixture::*;
use codevd::core::{Email, Group, GroupId, JournalLine, Kind, MeetingNo};
use codevd::store::{About, Reader, Store, StoreError};
use rusqlite::Connection;

#[test]
fn the_file_is_in_wal_mode_and_opening_it_again_changes_nothing() {
    let (dir, mut store) = open();
    store.commit(state(None, None, &rich("lyon"))).unwrap();
    let file = dir.path().join("codevd.db");
    for beside in ["codevd.db-wal", "codevd.db-shm"] {
        assert!(dir.path().join(beside).exists(), "{beside}");
    }
    drop(store);
    let schema = |c: &Connection| -> (i64, i64) {
        let version = c.query_row("PRAGMA user_version", [], |r| r.get(0)).unwrap();
        (version, c.query_row("SELECT sum(length(sql)) FROM sqlite_schema", [], |r| r.get(0)).unwrap())
    };
    let first = schema(&Connection::open(&file).unwrap());
    assert_eq!(first.0, newest());
    let again = Store::open(&file).unwrap();
    assert_eq!(again.rows_written(), 0);
    assert_eq!(schema(&Connection::open(&file).unwrap()), first);
    assert_eq!(again.groups().unwrap().len(), 1);
}

/// The schema of the newest migration.
fn newest() -> i64 {
    let all = std::fs::read_dir(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")).unwrap();
    let number = |name: String| name.split('_').next().unwrap().parse().unwrap();
    all.map(|file| number(file.unwrap().file_name().into_string().unwrap())).max().unwrap()
}

#[test]
fn every_table_is_strict() {
    let (dir, _store) = open();
    let conn = Connection::open(dir.path().join("codevd.db")).unwrap();
    let sql = "SELECT group_concat(name) FROM pragma_table_list \
        WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' AND strict = 0";
    let lax: Option<String> = conn.query_row(sql, [], |r| r.get(0)).unwrap();
    assert_eq!(lax, None);
}

#[test]
fn a_file_of_a_newer_program_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("codevd.db");
    let conn = Connection::open(&file).unwrap();
    conn.execute_batch("CREATE TABLE future (x); PRAGMA user_version = 99;").unwrap();
    drop(conn);
    let bytes = std::fs::read(&file).unwrap();
    let error = Store::open(&file).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, known, .. } if known == newest()), "{error}");
    let said = error.to_string();
    assert!(said.contains("codevd.db") && said.contains("newer codevd") && said.contains("99"), "{said}");
    assert!(matches!(Reader::open(&file), Err(StoreError::Newer { .. })));
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}

#[test]
fn errors_of_opening_say_which_file_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("no/such/codevd.db");
    let said = Store::open(&missing).unwrap_err().to_string();
    assert!(said.contains("no/such/codevd.db") && said.contains("folder"), "{said}");
    let junk = dir.path().join("junk.db");
    std::fs::write(&junk, "this is not a database, it is a text file of some length\n".repeat(50)).unwrap();
    let said = Store::open(&junk).unwrap_err().to_string();
    assert!(said.contains("junk.db") && said.contains("restore a backup"), "{said}");
    let empty = dir.path().join("empty.db");
    Connection::open(&empty).unwrap().execute_batch("CREATE TABLE x (y)").unwrap();
    let said = Reader::open(&empty).unwrap_err().to_string();
    assert!(said.contains("schema 0") && said.contains("codevd run"), "{said}");
}

#[test]
fn a_value_edited_by_hand_is_named() {
    let (dir, mut store) = open();
    store.commit(state(None, None, &rich("lyon"))).unwrap();
    let conn = Connection::open(dir.path().join("codevd.db")).unwrap();
    conn.execute_batch("UPDATE meetings SET wall = '8 décembre' WHERE number = 3").unwrap();
    let said = store.load(&lyon(), &formats()).unwrap_err().to_string();
    assert!(said.contains("wall") && said.contains("8 décembre") && said.contains("2026-12-08 18:00"), "{said}");
}

#[test]
fn a_reader_sees_what_is_committed_and_cannot_write() {
    let (_dir, mut store) = open();
    let reader = store.reader().unwrap();
    assert!(reader.groups().unwrap().is_empty());
    store.commit(state(None, None, &rich("lyon"))).unwrap();
    let row = &reader.groups().unwrap()[0];
    assert_eq!(
        (row.name.as_str(), row.live, row.version, row.next_due_at),
        ("Codev cadres Lyon", true, 1, Some(now()))
    );
    let meetings = reader.meetings(None).unwrap();
    assert_eq!(meetings.len(), 4);
    assert_eq!((meetings[1].yes, meetings[1].no, meetings[1].maybe), (1, 1, 1));
    let found = reader.meeting_by_uid("lyon-3@codevd.example.org").unwrap();
    assert_eq!(found, Some((lyon(), MeetingNo(3))));
}

#[test]
fn a_group_that_is_looked_at_again_is_as_it_was_last_written_by_whomever() {
    let (dir, mut store) = open();
    let formats = formats();
    let (first, other) = (rich("lyon"), rich("nantes"));
    store.commit(state(None, None, &first)).unwrap();
    let load = |store: &Store, group: &Group| store.load(&group.id, &formats).unwrap().map(|loaded| loaded.group);
    assert!(load(&store, &first).unwrap() == first && load(&store, &first).unwrap() == first);
    assert_eq!(load(&store, &other), None);
    // by itself
    let mut changed = first.clone();
    changed.meetings[2].subject = None;
    store.commit(state(Some(&first), Some(1), &changed)).unwrap();
    store.commit(state(None, None, &other)).unwrap();
    assert_eq!(load(&store, &changed), Some(changed.clone()));
    assert_eq!(load(&store, &other).unwrap().id, other.id);
    assert_eq!(load(&store, &changed), Some(changed.clone()));
    // by somebody else
    let conn = Connection::open(dir.path().join("codevd.db")).unwrap();
    conn.execute_batch("UPDATE groups SET live = 1 - live WHERE id = 'lyon'").unwrap();
    assert_eq!(load(&store, &changed).unwrap().live, !changed.live);
    let reader = store.reader().unwrap();
    assert_eq!(reader.load(&lyon(), &formats).unwrap().unwrap().group.live, !changed.live);
    store.remove_group(&lyon(), now()).unwrap();
    assert!(load(&store, &changed).is_none() && reader.load(&lyon(), &formats).unwrap().is_none());
}

#[test]
fn the_file_can_be_read_by_a_person() {
    let (dir, mut store) = open();
    store.commit(state(None, None, &rich("lyon"))).unwrap();
    let conn = Connection::open(dir.path().join("codevd.db")).unwrap();
    let row: (String, String, String, String) = conn
        .query_row("SELECT wall, stage, ended_at, format FROM meetings WHERE number = 2", [], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))
        })
        .unwrap();
    let expected = ["2026-11-10 19:30", "collecting", "2026-11-10T20:01:00Z", "1h30"];
    assert_eq!([row.0, row.1, row.2, row.3], expected);
}

#[test]
fn of_a_thousand_groups_the_due_ones_are_found_in_order() {
    let (_dir, mut store) = open();
    store.deriving("codevd 1, 2026a");
    let groups: Vec<_> = (0..1000)
        .map(|n| {
            let mut group = rich(&format!("g{n}"));
            group.meetings.truncate(0);
            (group.undos, group.sent) = (Vec::new(), Default::default());
            group
        })
        .collect();
    let minute = |n: i64| now() + chrono::Duration::minutes(n);
    let commits = groups.iter().zip(0..).map(|(group, n)| {
        let mut commit = state(None, None, group);
        commit.group.as_mut().unwrap().next_due = (n != 0).then(|| minute(n));
        commit
    });
    assert!(store.commit_all(commits.collect()).unwrap().iter().all(Result::is_ok));
    assert_eq!(store.next_due().unwrap(), Some(minute(1)));
    let due = store.due(minute(5), 3).unwrap();
    assert_eq!(due.iter().map(GroupId::as_str).collect::<Vec<_>>(), ["g1", "g2", "g3"]);
    assert!(store.stale("codevd 1, 2026a", 10).unwrap().is_empty());
    assert_eq!(store.stale("codevd 2, 2026a", 10).unwrap().len(), 10);
}

#[test]
fn a_group_that_fails_is_set_aside_until_it_is_decided_again() {
    let (_dir, mut store) = open();
    let group = rich("lyon");
    store.commit(state(None, None, &group)).unwrap();
    let later = now() + chrono::Duration::minutes(10);
    store.set_aside(&group.id, "format 1h30 is not known", later, now()).unwrap();
    assert!(store.due(now(), 9).unwrap().is_empty());
    let row = store.groups().unwrap().remove(0);
    assert_eq!((row.error.as_deref(), row.failures), (Some("format 1h30 is not known"), 1));
    assert_eq!((store.due(later, 9).unwrap().len(), store.counts().unwrap().set_aside), (1, 1));
    store.commit(state(Some(&group), Some(1), &group)).unwrap();
    let row = store.groups().unwrap().remove(0);
    assert_eq!((row.error, row.failures, row.version), (None, 0, 2));
}

#[test]
fn a_group_is_removed_with_all_its_rows() {
    let (dir, mut store) = open();
    store.commit(state(None, None, &rich("lyon"))).unwrap();
    store.commit(mails(vec![mail(draft("ana", Kind::Invitation, 0, "event"))])).unwrap();
    assert!(store.remove_group(&lyon(), now()).unwrap());
    assert!(!store.remove_group(&lyon(), now()).unwrap());
    let conn = Connection::open(dir.path().join("codevd.db")).unwrap();
    for table in
        ["members", "member_addresses", "meetings", "words", "attendance_comments", "undos", "challenges", "sent_marks"]
    {
        let n: i64 = conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |r| r.get(0)).unwrap();
        assert_eq!(n, 0, "{table}");
    }
    assert_eq!(store.counts().unwrap().outbox.into_iter().collect::<Vec<_>>(), [("dropped".to_owned(), 1)]);
    assert!(store.quick_check().unwrap().is_empty());
}

#[test]
fn a_backup_is_a_whole_store_and_old_bytes_are_emptied() {
    let (dir, mut store) = open();
    let group = rich("lyon");
    store.commit(state(None, None, &group)).unwrap();
    store.commit(mails(vec![mail(draft("ana", Kind::Invitation, 0, "event"))])).unwrap();
    let copy = dir.path().join("copy.db");
    store.backup(&copy).unwrap();
    assert!(store.backup_keys(&copy).unwrap());
    assert_eq!(Store::open(&copy).unwrap().load(&lyon(), &formats()).unwrap().unwrap().group, group);
    let year = now() + chrono::Duration::days(365);
    assert_eq!(store.purge(year).unwrap(), 0, "what waits is kept");
    store.drop_mail(1, now()).unwrap();
    assert_eq!(store.purge(now()).unwrap(), 0);
    assert_eq!(store.purge(year).unwrap(), 1);
    assert_eq!(store.outbox_bytes(1).unwrap(), None);
    let kept: Email = "ana@example.org".parse().unwrap();
    let found = store.outbox_by_draft_id("id-lyon-3-invitation---ana-0").unwrap().unwrap();
    assert_eq!((found.plain.as_str(), found.envelope_to), ("Bonjour\n", kept), "its meeting lies ahead");
}

#[test]
fn the_story_is_found_by_what_it_is_about() {
    let (_dir, mut store) = open();
    let (lyon, paris) = (rich("lyon"), rich("paris"));
    let line = |meeting: Option<u32>, member: Option<&str>, text: &str| JournalLine {
        meeting: meeting.map(MeetingNo),
        member: member.map(id),
        text: text.to_owned(),
    };
    let mut commit = state(None, None, &lyon);
    commit.journal = vec![line(Some(3), Some("bob"), "bob comes"), line(None, None, "applied")];
    commit.mails = vec![mail(draft("ana", Kind::Invitation, 0, "event"))];
    store.commit(commit).unwrap();
    let mut commit = state(None, None, &paris);
    commit.journal = vec![line(Some(3), Some("bob"), "in paris")];
    store.commit(commit).unwrap();
    let texts = |about: &About<'_>| store.journal(about, 10).unwrap().into_iter().map(|l| l.text).collect::<Vec<_>>();
    let bob = id("bob");
    let of_lyon = About { group: Some(&lyon.id), ..About::default() };
    assert_eq!(texts(&About { member: Some(&bob), ..of_lyon }), ["bob comes"]);
    assert_eq!(texts(&About { member: Some(&bob), ..About::default() }), ["bob comes", "in paris"]);
    let key = draft("ana", Kind::Invitation, 0, "event").key.to_string();
    let of_mail = texts(&About { draft_key: Some(&key), ..About::default() });
    assert_eq!(of_mail, ["M03 invitation decided for ana, due 2026-12-01T09:00:00Z"]);
    assert_eq!(texts(&of_lyon).len(), 3);
    assert_eq!(store.journal(&About::default(), 1).unwrap()[0].text, "in paris");
}

#[test]
fn what_was_committed_survives_a_kill_and_is_read_without_a_daemon() {
    let (dir, mut store) = open();
    let group = rich("lyon");
    store.commit(state(None, None, &group)).unwrap();
    // what a killed process leaves: the file and its WAL, nobody having cleaned up
    let left = tempfile::tempdir().unwrap();
    for name in ["codevd.db", "codevd.db-wal", "codevd.db.keys"] {
        std::fs::copy(dir.path().join(name), left.path().join(name)).unwrap();
    }
    let file = left.path().join("codevd.db");
    let reader = Reader::open(&file).unwrap();
    assert_eq!(reader.load(&lyon(), &formats()).unwrap().unwrap().group, group);
    drop(reader);
    assert_eq!(Store::open(&file).unwrap().load(&lyon(), &formats()).unwrap().unwrap().group, group);
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, mut store) = open();
    store.commit(state(None, None, &rich("lyon"))).unwrap();
    for name in ["codevd.db", "codevd.db-wal", "codevd.db-shm", "codevd.db.keys"] {
        let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} {mode:o}");
    }
}

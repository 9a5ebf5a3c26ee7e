//! Every column of the schema says what it holds of people and how that ends, and it ends so.

use crate::store::fixture::{mail as fixture_mail, *};
use chrono::Duration;
use codevd::core::Kind;
use codevd::store::{InboxState, Received, Settled};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

const DECLARED: &str = include_str!("../../src/store/columns.txt");

struct Column {
    holds: &'static str,
    forget: Option<&'static str>,
    retention: Option<&'static str>,
}

fn declared() -> BTreeMap<&'static str, Column> {
    let lines = DECLARED.lines().filter(|l| !l.starts_with('#') && !l.trim().is_empty());
    let read = |line: &'static str| {
        let mut words = line.split_whitespace();
        let (name, holds) =
            (words.next().unwrap(), words.next().unwrap_or_else(|| panic!("{line}: what does it hold?")));
        let column = Column { holds, forget: words.next(), retention: words.next() };
        assert_eq!(words.next(), None, "{line}");
        (name, column)
    };
    let all: Vec<_> = lines.map(read).collect();
    let map: BTreeMap<_, _> = all.into_iter().collect();
    map
}

/// `table.column` and its type, of every table.
fn columns(conn: &Connection) -> BTreeMap<String, String> {
    let sql = "SELECT t.name || '.' || c.name, c.type FROM pragma_table_list t JOIN pragma_table_info(t.name) c \
        WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite_%'";
    let mut all = conn.prepare(sql).unwrap();
    all.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).unwrap().map(Result::unwrap).collect()
}

#[test]
fn every_column_is_declared() {
    let (dir, _store) = open();
    let conn = Connection::open(dir.path().join("codevd.db")).unwrap();
    let (there, declared) = (columns(&conn), declared());
    let missing: Vec<_> = there.keys().filter(|c| !declared.contains_key(c.as_str())).collect();
    assert!(missing.is_empty(), "not in src/store/columns.txt: {missing:?}");
    let gone: Vec<_> = declared.keys().filter(|c| !there.contains_key(**c)).collect();
    assert!(gone.is_empty(), "in src/store/columns.txt and in no table: {gone:?}");
    for (name, column) in &declared {
        match column.holds {
            "words" | "mail" => assert_eq!(there[*name], "BLOB", "{name} holds {} and is not sealed", column.holds),
            "address" | "name" | "neither" => assert_ne!(there[*name], "BLOB", "{name}"),
            other => panic!("{name}: {other} is none of words, mail, address, name, neither"),
        }
        let ends = (column.forget, column.retention);
        match (column.holds, ends) {
            ("neither", (None, None)) => {}
            ("neither", _) => panic!("{name} holds nothing of people: how it ends need not be said"),
            (_, (Some("deleted" | "emptied" | "renamed" | "scrubbed" | "kept"), Some(end))) => {
                assert!(["deleted", "emptied", "stays"].contains(&end), "{name}: {end}");
                let ended = end != "stays";
                assert!(
                    ended || !matches!(column.holds, "words" | "mail"),
                    "{name}: words end with the time they are kept"
                );
            }
            _ => panic!("{name}: how do `forget` and retention reach it?"),
        }
    }
}

#[test]
fn what_is_declared_to_end_ends() {
    let (dir, mut store) = open();
    let mut group = rich("lyon");
    // everything is over
    group.meetings.iter_mut().for_each(|m| m.stage = codevd::core::Stage::Digested);
    let mut commit = state(None, None, &group);
    commit.mails = vec![fixture_mail(draft("ana", Kind::Invitation, 0, "event"))];
    let mut alone = draft("eve", Kind::Welcome, 0, "welcome");
    alone.key.meeting = None;
    commit.mails.push(fixture_mail(alone));
    store.commit(commit).unwrap();
    let letter = Received {
        place: "test".to_owned(),
        message_id: Some("1@example.org".to_owned()),
        hash: "h".to_owned(),
        bytes: b"From: eve@example.org\n\nSecretissime".to_vec(),
        received_at: now(),
        from: Some("eve@example.org".to_owned()),
        proof: None,
    };
    store.receive(&[letter]).unwrap();
    for claimed in store.claim(now(), 9, |_| Duration::minutes(1)).unwrap() {
        store.settle(claimed.id, &Settled::Sent { reply: "250 ok".to_owned() }, now()).unwrap();
    }
    for row in store.next_inbox(9).unwrap() {
        store.commit(super::inbox::done(row.id, InboxState::Done)).unwrap();
    }
    let conn = Connection::open(dir.path().join("codevd.db")).unwrap();
    let filled = |name: &str| -> i64 {
        let (table, column) = name.split_once('.').unwrap();
        // what is written about the end itself is new
        let new = if table == "journal" { "AND at < '2028'" } else { "" };
        let sql = format!("SELECT count(*) FROM {table} WHERE {column} IS NOT NULL {new}");
        conn.query_row(&sql, [], |r| r.get(0)).unwrap()
    };
    let ends: Vec<_> = declared()
        .into_iter()
        .filter(|(_, c)| c.retention.is_some_and(|r| r != "stays"))
        .map(|(name, _)| name)
        .collect();
    let before: BTreeSet<_> = ends.iter().filter(|name| filled(name) > 0).collect();
    for name in ["words.sealed", "subjects.sealed", "actions.sealed", "undos.sealed", "attendance_comments.sealed"] {
        assert!(before.contains(&name), "{name} is filled");
    }
    for name in ["outbox_bytes.bytes", "outbox_bytes.plain", "outbox_bytes.draft", "inbox_bytes.bytes", "journal.text"]
    {
        assert!(before.contains(&name), "{name} is filled");
    }
    let later = now() + Duration::days(1000);
    let emptied = store.clean(later, later, later).unwrap();
    assert!(emptied.meetings > 0 && emptied.keys > 0, "{emptied:?}");
    for name in ends {
        assert_eq!(filled(name), 0, "{name}");
    }
    let keys = Connection::open(dir.path().join("codevd.db.keys")).unwrap();
    let left: i64 = keys.query_row("SELECT count(*) FROM keys", [], |r| r.get(0)).unwrap();
    assert_eq!(left, 0, "nothing is sealed any more, and no key is left");
    assert!(store.load(&lyon(), &formats()).unwrap().is_some() && store.quick_check().unwrap().is_empty());
}

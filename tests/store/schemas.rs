//! From each schema that was ever released to the newest: rows stay as they were, and the old file is kept beside.

use crate::store::fixture::*;
use codevd::core::Kind;
use codevd::store::{Alarm, Reader, Received, Store, StoreError, open_words};
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// The steps as they lie in `migrations/`, in order.
fn steps() -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

/// A file of the newest schema with a row in every table.
fn newest(file: &Path) {
    let mut store = Store::open(file).unwrap();
    store.commit(state(None, None, &rich("lyon"))).unwrap();
    store
        .commit(mails(vec![
            mail(draft("ana", Kind::Invitation, 0, "event")),
            mail(draft("bob", Kind::Invitation, 0, "event")),
        ]))
        .unwrap();
    store.claim(now(), 1, |_| chrono::Duration::minutes(1)).unwrap();
    let received = Received {
        place: "lmtp".to_owned(),
        message_id: Some("a@example.org".to_owned()),
        hash: "abc".to_owned(),
        bytes: b"From: ana@example.org\r\n\r\noui\r\n".to_vec(),
        received_at: now(),
        from: Some("ana@example.org".to_owned()),
        proof: None,
    };
    store.receive(&[received]).unwrap();
    store.begin_arriving("def", now()).unwrap();
    let alarm = Alarm {
        topic: "held".to_owned(),
        since: now(),
        seen: now(),
        what: "by hand".to_owned(),
        mark: "1".to_owned(),
        over: false,
        told_at: None,
        told_mark: None,
    };
    store.keep_alarms([&alarm]).unwrap();
}

fn texts(conn: &Connection, sql: &str) -> Vec<String> {
    let mut rows = conn.prepare(sql).unwrap();
    rows.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect()
}

fn tables(conn: &Connection) -> Vec<String> {
    texts(conn, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
}

fn columns(conn: &Connection, table: &str) -> Vec<String> {
    texts(conn, &format!("SELECT name FROM pragma_table_info('{table}')"))
}

/// The first schema in which people's words are sealed.
const SEALING: usize = 8;

/// Columns that older schemas have in the open: the table, the column, and what it says where it is sealed.
const SEALED: [(&str, &str, &str); 9] = [
    ("words", "text", "unseal_text('words/' || group_id || '/' || meeting || '/' || id, sealed)"),
    ("subjects", "text", "unseal_text('subjects/' || group_id || '/' || meeting, sealed)"),
    ("actions", "text", "unseal_text('actions/' || group_id || '/' || meeting || '/' || id, sealed)"),
    ("attendance_comments", "text", "unseal_text('comments/' || group_id || '/' || meeting || '/' || member, sealed)"),
    ("undos", "inverse", "unseal_text('undos/' || group_id || '/' || position, sealed)"),
    ("outbox_bytes", "bytes", "unseal('sent/' || outbox, bytes)"),
    ("outbox_bytes", "plain", "unseal_text('plain/' || outbox, plain)"),
    ("outbox_bytes", "draft", "unseal_text('draft/' || outbox, draft)"),
    ("inbox_bytes", "bytes", "unseal('received/' || inbox, bytes)"),
];

/// How a column of an older schema is read in the newest.
fn opened(table: &str, column: &str) -> String {
    let sealed = SEALED.iter().find(|(t, c, _)| (*t, *c) == (table, column));
    sealed.map_or_else(|| column.to_owned(), |(_, _, sql)| (*sql).to_owned())
}

/// Every row of these columns, as SQL literals.
fn rows(conn: &Connection, table: &str, columns: &[String]) -> Vec<String> {
    let all: Vec<String> = columns.iter().map(|c| format!("quote({c})")).collect();
    texts(conn, &format!("SELECT {} FROM {table} ORDER BY 1", all.join(" || ', ' || ")))
}

/// A file of an older schema with the rows that it could hold.
fn older(file: &Path, full: &Path, schema: usize) {
    let conn = Connection::open(file).unwrap();
    open_words(&conn, full).unwrap();
    for step in &steps()[..schema] {
        conn.execute_batch(step).unwrap();
    }
    conn.pragma_update(None, "user_version", schema as i64).unwrap();
    conn.pragma_update(None, "foreign_keys", false).unwrap();
    conn.execute("ATTACH ? AS full", [full.to_str().unwrap()]).unwrap();
    let newest = Connection::open(full).unwrap();
    let is_open = |table: &str, column: &str| schema < SEALING && opened(table, column) != column;
    for table in tables(&conn) {
        let known = columns(&newest, &table);
        let shared: Vec<String> =
            columns(&conn, &table).into_iter().filter(|c| known.contains(c) || is_open(&table, c)).collect();
        let read = |c: &String| if is_open(&table, c) { opened(&table, c) } else { c.clone() };
        let (shared, from) = (shared.join(", "), shared.iter().map(read).collect::<Vec<_>>().join(", "));
        conn.execute(&format!("DELETE FROM main.{table}"), []).unwrap();
        conn.execute(&format!("INSERT INTO main.{table} ({shared}) SELECT {from} FROM full.{table}"), []).unwrap();
    }
    if schema >= SEALING {
        std::fs::copy(beside(full), beside(file)).unwrap();
    }
}

/// Where the keys of a database lie.
fn beside(file: &Path) -> PathBuf {
    PathBuf::from(format!("{}.keys", file.display()))
}

#[test]
fn from_each_released_schema_to_the_newest_rows_stay_and_the_old_file_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let full = dir.path().join("full.db");
    newest(&full);
    let conn = Connection::open(&full).unwrap();
    for table in tables(&conn) {
        assert!(
            !rows(&conn, &table, &columns(&conn, &table)).is_empty(),
            "no row in {table}: the test tells nothing of it"
        );
    }
    let last = steps().len();
    for schema in 1..last {
        let file = dir.path().join(format!("{schema}.db"));
        older(&file, &full, schema);
        let before = Connection::open(&file).unwrap();
        let told = Reader::open(&file).unwrap_err();
        assert!(matches!(told, StoreError::Older { .. }), "{told}");
        let seen: Vec<_> = tables(&before)
            .into_iter()
            .map(|table| {
                let columns = columns(&before, &table);
                (rows(&before, &table, &columns), table, columns)
            })
            .collect();
        drop(before);
        let store = Store::open(&file).unwrap();
        assert_eq!(store.quick_check().unwrap(), [""; 0], "schema {schema}");
        assert_eq!(store.groups().unwrap().len(), 1, "schema {schema}");
        assert!(store.load(&lyon(), &formats()).unwrap().is_some(), "schema {schema}");
        assert_eq!(store.next_inbox(9).unwrap().len(), 1, "schema {schema}");
        drop(store);
        let now = Connection::open(&file).unwrap();
        open_words(&now, &file).unwrap();
        let copy = Connection::open(dir.path().join(format!("{schema}.db.before-{:04}", schema + 1))).unwrap();
        for (rows_before, table, columns) in &seen {
            let read = |c: &String| if schema < SEALING { opened(table, c) } else { c.clone() };
            let columns_now: Vec<String> = columns.iter().map(read).collect();
            assert_eq!(&rows(&now, table, &columns_now), rows_before, "{table} from schema {schema}");
            assert_eq!(&rows(&copy, table, columns), rows_before, "{table} in the copy of schema {schema}");
        }
        let version = |c: &Connection| texts(c, "SELECT CAST(user_version AS TEXT) FROM pragma_user_version").remove(0);
        assert_eq!((version(&now), version(&copy)), (last.to_string(), schema.to_string()));
        // the same schema as a file made new
        let schema_of = |c: &Connection| tables(c).into_iter().map(|t| (columns(c, &t), t)).collect::<Vec<_>>();
        assert_eq!(schema_of(&now).len(), schema_of(&conn).len());
        for ((mut now, table), (mut new, _)) in schema_of(&now).into_iter().zip(schema_of(&conn)) {
            now.sort();
            new.sort();
            assert_eq!(now, new, "{table} from schema {schema}");
        }
    }
}

/// What a shipped step says never changes: a file that took it is out there.
#[test]
fn a_migration_that_fails_half_way_leaves_the_old_schema_and_its_copy() {
    let dir = tempfile::tempdir().unwrap();
    let full = dir.path().join("full.db");
    newest(&full);
    let file = dir.path().join("old.db");
    older(&file, &full, 2);
    // a table of that name is in the way of step 3
    let conn = Connection::open(&file).unwrap();
    conn.execute_batch("CREATE TABLE member_delegates (x)").unwrap();
    drop(conn);
    let said = Store::open(&file).unwrap_err().to_string();
    assert!(said.contains("old.db") && said.contains("bring the file up to date"), "{said}");
    let conn = Connection::open(&file).unwrap();
    assert_eq!(texts(&conn, "SELECT CAST(user_version AS TEXT) FROM pragma_user_version"), ["2"]);
    assert!(dir.path().join("old.db.before-0003").exists());
}

#[test]
fn an_address_kept_in_its_own_script_is_found_by_its_a_labels_too() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("old.db");
    let mut group = rich("lyon");
    let ana = group.members.iter_mut().find(|m| m.id.as_str() == "ana").unwrap();
    ana.email = "ana@bücher.example".parse().unwrap();
    ana.aliases = vec!["Ana@xn--bcher-kva.example".parse().unwrap()];
    ana.delegates = vec!["desk@bücher.example".parse().unwrap()];
    Store::open(&file).unwrap().commit(state(None, None, &group)).unwrap();
    // as the schema before had them
    let conn = Connection::open(&file).unwrap();
    for table in ["member_addresses", "member_delegates"] {
        let key = "replace(lower(address), 'Ü', 'ü')";
        conn.execute(&format!("UPDATE {table} SET address_key = {key}"), []).unwrap();
    }
    conn.execute("UPDATE member_addresses SET counts = 1 WHERE member = 'ana'", []).unwrap();
    // an opt-out of before, by the hash of ana@bücher.example
    let hash = "2fe7d7cc5f38750ea6955a9b7167e88636c769e1b836ff57b44a60131b59997e";
    conn.execute("INSERT INTO opt_outs (address_hash, at) VALUES (?, 0)", [hash]).unwrap();
    for index in ["outbox_bytes_kept", "outbox_plain_kept", "inbox_bytes_kept", "outbox_meeting"] {
        conn.execute(&format!("DROP INDEX {index}"), []).unwrap();
    }
    conn.pragma_update(None, "user_version", 19).unwrap();
    drop(conn);
    let mut store = Store::open(&file).unwrap();
    for address in ["ana@bücher.example", "ANA@XN--BCHER-KVA.EXAMPLE"] {
        assert_eq!(store.members_by_address(address).unwrap().len(), 1, "{address}");
    }
    assert_eq!(store.members_by_delegate("desk@xn--bcher-kva.example").unwrap().len(), 1);
    assert!(store.opted_out("ana@bücher.example").unwrap() && store.opted_out("ana@xn--bcher-kva.example").unwrap());
    store.opt("ana@xn--bcher-kva.example", false, now()).unwrap();
    assert!(!store.opted_out("ana@bücher.example").unwrap());
    // what changes is written over the rows of before
    let found = store.load(&lyon(), &formats()).unwrap().unwrap();
    let mut after = found.group.clone();
    after.members.iter_mut().find(|m| m.id.as_str() == "ana").unwrap().email = "ana@other.example".parse().unwrap();
    store.commit(state(Some(&found.group), Some(found.version), &after)).unwrap();
    assert_eq!(store.members_by_address("ana@other.example").unwrap().len(), 1);
}

//! Every look-up that grows with the number of groups or mails is done by an index.

#![allow(clippy::unwrap_used)]

use super::{Store, clock, commit, hold, inbox, mails, outbox, read, retention};

#[test]
fn look_ups_that_grow_use_their_index() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("codevd.db")).unwrap();
    let last_mail = format!("{} WHERE {}", mails::SENT_MAIL, mails::LAST);
    let newest_lines = "SELECT * FROM journal WHERE 1 AND group_id = ? ORDER BY id DESC LIMIT ?";
    let by = [
        (read::DUE, "groups_next_due"),
        (read::NEXT_DUE, "groups_next_due"),
        (read::STALE, "groups_derivation"),
        (read::BY_ADDRESS, "member_addresses_"),
        (outbox::DUE_PROMPTS, "outbox_next"),
        (outbox::DUE_OTHERS, "outbox_next"),
        (outbox::DUE_OTHERS, "outbox_flight"),
        (outbox::EXPIRED, "outbox_useful"),
        (outbox::DUE_PROMPTS, "outbox_flight"),
        (outbox::NEXT_PROMPT, "outbox_next"),
        (outbox::NEXT_OTHER, "outbox_next"),
        (outbox::PUT_OFF, "outbox_next"),
        (outbox::NEWER_IN_LANE, "outbox_receiver"),
        (commit::OLDER_IN_LANE, "outbox_lane"),
        (&last_mail, "outbox_receiver"),
        (inbox::NEXT, "inbox_state"),
        // what a start looks at
        (outbox::IN_FLIGHT, "outbox_state"),
        (clock::WAITS_TOO_LONG, "outbox_next"),
        (clock::ASIDE_TOO_LONG, "groups_failing"),
        (hold::NEWEST_SENT, "outbox_state"),
        // what each day's cleaning looks at
        (retention::OLD_SENT, "outbox_bytes_kept"),
        (retention::OLD_RECEIVED, "inbox_bytes_kept"),
        (retention::OLD_QUOTES, "outbox_plain_kept"),
        (newest_lines, "journal_group"),
    ];
    for (sql, index) in by {
        let plan = plan(&store, sql);
        assert!(plan.contains(index), "{sql}\n{plan}");
        assert!(!plan.lines().any(|l| l.starts_with("SCAN") && !l.contains("INDEX")), "{sql}\n{plan}");
    }
    // the engine's and the sender's queues are in order already
    for sql in [
        read::DUE,
        outbox::DUE_PROMPTS,
        outbox::DUE_OTHERS,
        outbox::NEXT_OTHER,
        outbox::IN_FLIGHT,
        hold::NEWEST_SENT,
        newest_lines,
    ] {
        assert!(!plan(&store, sql).contains("TEMP B-TREE"), "{sql}\n{}", plan(&store, sql));
    }
}

fn plan(store: &Store, sql: &str) -> String {
    let mut statement = store.conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    for n in 1..=statement.parameter_count() {
        statement.raw_bind_parameter(n, "1").unwrap();
    }
    let mut rows = statement.raw_query();
    let mut plan = String::new();
    while let Some(row) = rows.next().unwrap() {
        plan += &row.get::<_, String>("detail").unwrap();
        plan.push('\n');
    }
    plan
}

//! When the keys file is gone, or is an older one: what can't be opened any more is told, and nothing waits for it.

use super::cells::{all, first, run, utc};
use super::error::Fault;
use super::journal::{self, About};
use super::sealed::{SEALED, Seals};
use super::{Reader, StoreError, migrate};
use crate::core::{GroupId, MeetingNo};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use serde::Serialize;

/// What lies beside a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The keys it was written with, or nothing was sealed yet.
    Known,
    /// No file at all.
    Gone,
    /// Another file, or an older state of the file.
    Other,
}

/// A meeting with words that can't be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// The group.
    pub group: GroupId,
    /// The meeting.
    pub meeting: MeetingNo,
    /// How many texts.
    pub texts: u64,
}

/// Compares the keys that are there with those the database was last written with.
pub(super) fn other_keys(conn: &Connection, seals: &Seals, schema: i64) -> Result<Found, Fault> {
    if schema < migrate::SEALING {
        return Ok(Found::Known);
    }
    let noted = first(conn, "SELECT keys_file, keys_made FROM instance", [], |r| {
        Ok((r.opt_text("keys_file")?, r.int("keys_made")?))
    })?;
    let Some((Some(file), made)) = noted else { return Ok(Found::Known) };
    let mut keys = seals.keys();
    if !keys.is_there() {
        return Ok(Found::Gone);
    }
    let same = keys.mark()?.is_some_and(|mark| mark.file == file && mark.made >= made);
    Ok(if same { Found::Known } else { Found::Other })
}

/// In a transaction that made a key: the database notes how far its keys have come.
pub(super) fn note(tx: &Connection, seals: &Seals) -> Result<(), Fault> {
    let mut keys = seals.keys();
    if keys.was_written() {
        write(tx, &mut keys)?;
    }
    Ok(())
}

fn write(tx: &Connection, keys: &mut super::keys::Keys) -> Result<(), Fault> {
    let Some(mark) = keys.mark()? else { return Ok(()) };
    run(tx, "UPDATE instance SET keys_file = ?, keys_made = ?", params![mark.file, mark.made]).map(drop)
}

/// At the start, with other keys than before: mails that wait and can't be opened are dropped, letters put aside
/// for the operator, and each group's story says which of its meetings lost their words.
pub(super) fn tell(tx: &Connection, seals: &Seals, now: DateTime<Utc>) -> Result<(), Fault> {
    let sql = "SELECT o.id FROM outbox o JOIN outbox_bytes b ON b.outbox = o.id \
        WHERE o.state IN ('queued', 'sending') AND NOT opens(b.bytes)";
    for id in all(tx, sql, [], |r| r.int("id"))? {
        super::outbox::can_not_be_opened(tx, id, now)?;
    }
    let sql = "UPDATE inbox SET state = 'quarantined', done_at = ?, \
        reason = 'it can''t be opened: the key it was sealed with is gone' \
        WHERE state = 'new' AND id IN (SELECT inbox FROM inbox_bytes WHERE NOT opens(bytes))";
    let letters = run(tx, sql, [utc(now)])?;
    let lost = unreadable(tx)?;
    for one in &lost {
        let about = About { group: Some(&one.group), meeting: Some(one.meeting), ..About::default() };
        let text = format!("{} texts can't be opened any more: the meeting's key is gone", one.texts);
        journal::write(tx, now, &about, &text)?;
    }
    tracing::error!(
        keys = %seals.keys().file().display(), meetings = lost.len(), letters,
        "the keys file is not the one the database was written with: what it can't open is told by `codevd status`"
    );
    write(tx, &mut seals.keys())
}

fn unreadable(conn: &Connection) -> Result<Vec<Unreadable>, Fault> {
    let of = |table: &str| format!("SELECT group_id, meeting FROM {table} WHERE NOT opens(sealed)");
    let tables = SEALED.iter().filter(|s| s.column == "sealed" && s.table != "undos");
    let each = tables.map(|s| of(s.table)).collect::<Vec<_>>().join(" UNION ALL ");
    let sql = format!("SELECT group_id, meeting, count(*) AS n FROM ({each}) GROUP BY group_id, meeting");
    all(conn, &sql, [], |r| {
        let texts = r.int("n")?.unsigned_abs();
        Ok(Unreadable { group: r.parsed("group_id")?, meeting: MeetingNo(r.small("meeting")?), texts })
    })
}

impl Reader {
    /// The meetings whose words can't be opened, since their key is not in the keys file.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn unreadable(&self) -> Result<Vec<Unreadable>, StoreError> {
        self.look("look for words that can't be opened", unreadable)
    }

    /// Where the keys lie, or would lie.
    pub fn keys_file(&self) -> std::path::PathBuf {
        self.seals.keys().file().to_owned()
    }
}

//! The end of what is kept: mails emptied, words deleted, and the keys that sealed them thrown away.
//!
//! Rows go first and are on disk as gone; then their keys go. A crash between leaves keys that seal nothing: the
//! next time finds them.

use super::cells::{all, run, utc, wall};
use super::error::Fault;
use super::journal::{self, About};
use super::sealed::{self, SEALED, Seals};
use super::{Store, StoreError};
use crate::core::{GroupId, MeetingNo};
use chrono::{DateTime, Duration, Utc};
use rusqlite::{Connection, params};
use std::collections::BTreeSet;

/// How long a copy made before an upgrade stays.
const COPY_DAYS: i64 = 30;

/// What was emptied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Emptied {
    /// Mails sent and received whose bytes are gone.
    pub mails: usize,
    /// Meetings whose words are gone.
    pub meetings: usize,
    /// Keys thrown away.
    pub keys: usize,
}

impl Store {
    /// Ends what is kept too long. `mails`: the bytes of mails done with before that time are emptied, and the plain
    /// text by which a quote of ours is recognised, unless its meeting still lies ahead (`decisions.md` 32: 90
    /// days back). `words`: all that was said and written at meetings over before that time is deleted, the
    /// mails about them, the story of that time, and who wrote what mail; who came and whose turn it was stays.
    /// The keys of all that are thrown away, so that no copy of the database can be read there either.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn clean(
        &mut self,
        mails: DateTime<Utc>,
        words: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Emptied, StoreError> {
        let emptied = self.purge(mails)?;
        let over = self.write("delete the words of old meetings", |tx, _| {
            let over = over(tx, words)?;
            let mut meetings = 0;
            for (group, meeting) in &over {
                meetings += usize::from(end_meeting(tx, group, *meeting, now)?);
            }
            end_letters(tx, words, now)?;
            Ok((over, meetings))
        })?;
        let (over, meetings) = over;
        let seals = self.inner.seals.clone();
        let keys = self.write("throw keys away", |tx, _| {
            let mut ids = over_keys(&seals, &over)?;
            ids.extend(unused(tx, &seals, "retired = 1 AND ?1 = ''", "")?);
            let month = |before: DateTime<Utc>| before.format("%Y-%m").to_string();
            let of_mails = "substr(scope, 1, 5) = 'mail/' AND substr(scope, -7) < ?1";
            ids.extend(unused(tx, &seals, of_mails, &month(mails))?);
            let of_groups = "scope GLOB '*/[0-9][0-9][0-9][0-9]-[0-9][0-9]' AND substr(scope, -7) < ?1";
            ids.extend(unused(tx, &seals, of_groups, &month(words))?);
            seals.keys().destroy(&ids)?;
            Ok(ids.len())
        })?;
        if emptied + meetings + keys > 0 {
            self.empty_wal()?;
        }
        Ok(Emptied { mails: emptied, meetings, keys })
    }

    /// Empties mails sent, or otherwise done with, and mails received and dealt with, before a day. Says how many.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn purge(&mut self, before: DateTime<Utc>) -> Result<usize, StoreError> {
        self.write("empty old mails", |tx, _| {
            let before = utc(before);
            super::arriving::forget(tx, &before)?;
            run(tx, OLD_QUOTES, [&before])?;
            Ok(run(tx, OLD_SENT, [&before])? + run(tx, OLD_RECEIVED, [&before])?)
        })
    }

    /// Copies made before the schema changed go after a month: they hold what is gone from the file since.
    /// By a time that can be believed: such a copy is the way back.
    pub fn remove_old_copies(&self, believed: DateTime<Utc>) {
        let file = self.file();
        let (Some(folder), Some(name)) = (file.parent(), file.file_name().and_then(|n| n.to_str())) else { return };
        let folder = if folder.as_os_str().is_empty() { std::path::Path::new(".") } else { folder };
        let old = std::time::SystemTime::from(believed - Duration::days(COPY_DAYS));
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let is_copy = entry.file_name().to_str().and_then(|n| n.strip_prefix(name)).is_some_and(|rest| {
                rest.strip_prefix(".before-").is_some_and(|n| n.len() == 4 && n.bytes().all(|b| b.is_ascii_digit()))
            });
            let is_old = entry.metadata().and_then(|m| m.modified()).is_ok_and(|at| at < old);
            if is_copy && is_old && std::fs::remove_file(entry.path()).is_ok() {
                tracing::info!(copy = %entry.path().display(), "the copy made before an upgrade is removed");
            }
        }
    }

    /// The keys of a group that seal nothing any more are thrown away.
    pub(super) fn throw_keys_away(&mut self, group: &GroupId) -> Result<usize, StoreError> {
        let seals = self.inner.seals.clone();
        self.write("throw keys away", |tx, _| {
            let which = format!("retired = 1 AND {}", sealed::KEYS_OF_GROUP);
            let ids = unused(tx, &seals, &which, group.as_str())?;
            seals.keys().destroy(&ids)?;
            Ok(ids.len())
        })
    }
}

/// Mails sent before a day, and done with.
pub(super) const OLD_SENT: &str = "UPDATE outbox_bytes INDEXED BY outbox_bytes_kept SET bytes = NULL \
    WHERE bytes IS NOT NULL AND EXISTS (SELECT 1 FROM outbox o WHERE o.id = outbox_bytes.outbox \
    AND o.state NOT IN ('queued', 'sending') AND o.due_at < ?)";
/// Mails received before a day, and dealt with.
pub(super) const OLD_RECEIVED: &str = "UPDATE inbox_bytes INDEXED BY inbox_bytes_kept SET bytes = NULL \
    WHERE bytes IS NOT NULL AND EXISTS (SELECT 1 FROM inbox i WHERE i.id = inbox_bytes.inbox \
    AND i.state <> 'new' AND i.received_at < ?)";
/// What quotes of such mails are recognised by, unless their meeting lies ahead.
pub(super) const OLD_QUOTES: &str = "UPDATE outbox_bytes INDEXED BY outbox_plain_kept SET plain = NULL \
    WHERE plain IS NOT NULL AND EXISTS (SELECT 1 FROM outbox o \
    LEFT JOIN meetings m ON m.group_id = o.group_id AND m.number = o.meeting \
    WHERE o.id = outbox_bytes.outbox AND o.state NOT IN ('queued', 'sending') AND o.due_at < ?1 \
    AND (m.stage IS NULL OR m.stage NOT IN ('planned', 'running', 'collecting')))";

/// What is deleted of a meeting, beside the mails about it.
const OF_MEETING: [&str; 5] = ["words", "subjects", "actions", "attendance_comments", "undos"];

/// Meetings that were over before that time, and of which something is kept.
fn over(tx: &Connection, before: DateTime<Utc>) -> Result<Vec<(GroupId, MeetingNo)>, Fault> {
    let kept = |table: &&str| {
        format!("EXISTS (SELECT 1 FROM {table} x WHERE x.group_id = m.group_id AND x.meeting = m.number)")
    };
    let kept: Vec<String> = OF_MEETING.iter().chain(&["outbox"]).map(kept).collect();
    let sql = format!(
        "SELECT m.group_id, m.number FROM meetings m WHERE m.wall < ? AND m.stage IN ('digested', 'cancelled') AND ({})",
        kept.join(" OR ")
    );
    all(tx, &sql, [wall(before.naive_utc())], |r| Ok((r.parsed("group_id")?, MeetingNo(r.small("number")?))))
}

/// Deletes what people wrote about a meeting and the mails about it; says whether there was anything.
fn end_meeting(tx: &Connection, group: &GroupId, meeting: MeetingNo, now: DateTime<Utc>) -> Result<bool, Fault> {
    let about = params![group.as_str(), meeting.0];
    let mut gone = 0;
    for table in OF_MEETING {
        gone += run(tx, &format!("DELETE FROM {table} WHERE group_id = ? AND meeting = ?"), about)?;
    }
    gone += delete_mails(tx, "group_id = ?1 AND meeting = ?2", about)?;
    if gone == 0 {
        return Ok(false);
    }
    // whoever decides on this group at the same time begins anew
    run(tx, "UPDATE groups SET version = version + 1 WHERE id = ?", [group.as_str()])?;
    let about = About { group: Some(group), meeting: Some(meeting), ..About::default() };
    journal::write(tx, now, &about, "what was said and written is deleted: it was kept long enough")?;
    Ok(true)
}

/// Mails that are done with.
fn delete_mails(tx: &Connection, which: &str, values: &[&dyn rusqlite::ToSql]) -> Result<usize, Fault> {
    let which = format!("{which} AND state NOT IN ('queued', 'sending')");
    let sql =
        format!("UPDATE outbox SET superseded_by = NULL WHERE superseded_by IN (SELECT id FROM outbox WHERE {which})");
    run(tx, &sql, values)?;
    run(tx, &format!("DELETE FROM outbox WHERE {which}"), values)
}

/// What belongs to no meeting and is as old. A letter's hash stays: met again in the mailbox, it is known.
fn end_letters(tx: &Connection, before: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), Fault> {
    let before = utc(before);
    delete_mails(tx, "meeting IS NULL AND decided_at < ?1", params![before])?;
    let theirs = "SELECT DISTINCT group_id FROM undos WHERE meeting IS NULL AND at < ?";
    let groups: Vec<GroupId> = all(tx, theirs, [&before], |r| r.parsed("group_id"))?;
    for group in &groups {
        // whoever decides on this group at the same time begins anew
        run(tx, "UPDATE groups SET version = version + 1 WHERE id = ?", [group.as_str()])?;
        let about = About { group: Some(group), ..About::default() };
        journal::write(tx, now, &about, "what could be taken back can be no more: it was kept long enough")?;
    }
    run(tx, "DELETE FROM undos WHERE meeting IS NULL AND at < ?", [&before])?;
    close_ranks(tx)?;
    run(tx, "DELETE FROM journal WHERE at < ?", [&before])?;
    let sql = "UPDATE inbox SET from_address = NULL, message_id = NULL, proof = NULL, reason = NULL, result = NULL \
        WHERE state <> 'new' AND received_at < ? AND (from_address IS NOT NULL OR message_id IS NOT NULL \
        OR proof IS NOT NULL OR reason IS NOT NULL OR result IS NOT NULL)";
    run(tx, sql, [&before]).map(drop)
}

/// A group is written row by row, by the places of its undos and challenges: no gap may stay where some were deleted.
pub(super) fn close_ranks(tx: &Connection) -> Result<(), Fault> {
    let undos = format!(
        "UPDATE undos SET position = ?3, sealed = seal({}, 'undos/' || group_id || '/' || ?3, \
         unseal_text('undos/' || group_id || '/' || position, sealed)) WHERE group_id = ?1 AND position = ?2",
        sealed::UNDO_SCOPE
    );
    let challenges = "UPDATE challenges SET position = ?3 WHERE group_id = ?1 AND position = ?2";
    for (table, moved) in [("undos", undos.as_str()), ("challenges", challenges)] {
        let sql = format!(
            "SELECT group_id, position, row_number() OVER (PARTITION BY group_id ORDER BY position) - 1 AS place \
             FROM {table} ORDER BY group_id, position"
        );
        let rows = all(tx, &sql, [], |r| Ok((r.text("group_id")?, r.int("position")?, r.int("place")?)))?;
        for (group, position, place) in rows.into_iter().filter(|(_, position, place)| position != place) {
            run(tx, moved, params![group, position, place])?;
        }
    }
    Ok(())
}

fn over_keys(seals: &Seals, over: &[(GroupId, MeetingNo)]) -> Result<Vec<Vec<u8>>, Fault> {
    let mut keys = seals.keys();
    let mut found = Vec::new();
    for (group, meeting) in over {
        found.extend(keys.list("scope = ?1", &format!("{group}/{}", meeting.0))?.into_iter().map(|(id, _)| id));
    }
    Ok(found)
}

/// Of these keys, those that seal no row any more.
fn unused(tx: &Connection, seals: &Seals, which: &str, value: &str) -> Result<Vec<Vec<u8>>, Fault> {
    let found = seals.keys().list(which, value)?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let each = |s: &sealed::Sealed| {
        format!("SELECT substr({0}, 2, 8) AS id FROM {1} WHERE {0} IS NOT NULL", s.column, s.table)
    };
    let sql = SEALED.iter().map(each).collect::<Vec<_>>().join(" UNION ");
    let used: BTreeSet<Vec<u8>> = all(tx, &sql, [], |r| r.blob("id"))?.into_iter().collect();
    Ok(found.into_iter().map(|(id, _)| id).filter(|id| !used.contains(id)).collect())
}

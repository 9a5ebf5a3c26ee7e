//! The story of every change, for people (`codevd why`). Nobody decides from it.

use super::cells::{all, matching, run, utc};
use super::error::Fault;
use super::{Reader, StoreError};
use crate::core::{Draft, GroupId, MeetingNo, MemberId};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, params, params_from_iter};

/// What a line is about; as a filter, what is set must fit.
#[derive(Debug, Clone, Copy, Default)]
pub struct About<'a> {
    /// The group.
    pub group: Option<&'a GroupId>,
    /// The meeting.
    pub meeting: Option<MeetingNo>,
    /// The member.
    pub member: Option<&'a MemberId>,
    /// The mail of ours.
    pub draft_key: Option<&'a str>,
    /// The inbox row.
    pub inbox: Option<i64>,
}

impl<'a> About<'a> {
    /// All that a draft is about.
    pub(super) fn draft(draft: &'a Draft, key: &'a str) -> Self {
        let of = &draft.key;
        Self {
            group: Some(&of.group),
            meeting: of.meeting,
            member: Some(&of.member),
            draft_key: Some(key),
            inbox: None,
        }
    }
}

/// A line of the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRow {
    /// Its number; they rise.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// The group.
    pub group: Option<GroupId>,
    /// The meeting.
    pub meeting: Option<MeetingNo>,
    /// The member.
    pub member: Option<MemberId>,
    /// The mail of ours.
    pub draft_key: Option<String>,
    /// The inbox row.
    pub inbox: Option<i64>,
    /// A sentence in English.
    pub text: String,
}

impl Reader {
    /// The lines about this, oldest first; the newest `limit` of them.
    ///
    /// # Errors
    /// SQLite's own, and values edited by hand that make no sense.
    pub fn journal(&self, about: &About<'_>, limit: u32) -> Result<Vec<JournalRow>, StoreError> {
        self.look("read the journal", |conn| {
            let (set, mut values) = matching([
                ("group_id", about.group.map(GroupId::as_str).into()),
                ("meeting", about.meeting.map(|m| m.0).into()),
                ("member", about.member.map(MemberId::as_str).into()),
                ("draft_key", about.draft_key.into()),
                ("inbox", about.inbox.into()),
            ]);
            values.push(limit.into());
            let sql = format!("SELECT * FROM journal WHERE 1{set} ORDER BY id DESC LIMIT ?");
            let mut lines = all(conn, &sql, params_from_iter(values), |r| {
                Ok(JournalRow {
                    id: r.int("id")?,
                    at: r.time("at")?,
                    group: r.opt_parsed("group_id")?,
                    meeting: r.opt_small("meeting")?.map(MeetingNo),
                    member: r.opt_parsed("member")?,
                    draft_key: r.opt_text("draft_key")?,
                    inbox: r.opt_int("inbox")?,
                    text: r.text("text")?,
                })
            })?;
            lines.reverse();
            Ok(lines)
        })
    }
}

/// Adds a line.
pub(super) fn write(conn: &Connection, at: DateTime<Utc>, about: &About<'_>, text: &str) -> Result<(), Fault> {
    let sql =
        "INSERT INTO journal (at, group_id, meeting, member, draft_key, inbox, text) VALUES (?, ?, ?, ?, ?, ?, ?)";
    let row = params![
        utc(at),
        about.group.map(GroupId::as_str),
        about.meeting.map(|m| m.0),
        about.member.map(MemberId::as_str),
        about.draft_key,
        about.inbox,
        text,
    ];
    run(conn, sql, row).map(|_| ())
}

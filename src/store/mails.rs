//! Looking at the outbox: linking an answer to our mail, and the queue for the command line.

use super::cells::{Read, all, first, matching};
use super::error::Fault;
use super::{Reader, StoreError};
use crate::core::{Draft, Email, GroupId, Kind, MeetingNo, MemberId, WhenLate};
use chrono::{DateTime, Utc};
use rusqlite::{params, params_from_iter};
use serde::{Deserialize, Serialize};

/// Where a mail stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailState {
    /// Waits for its time, or its next attempt.
    Queued,
    /// In flight.
    Sending,
    /// Taken by the server.
    Sent,
    /// Not sent: of no use any more, or the operator's word.
    Dropped,
    /// Not sent: a newer one says it too.
    Superseded,
    /// Refused for good.
    Refused,
    /// Perhaps sent: the connection was lost after the final dot.
    InDoubt,
}

/// A mail of ours that somebody answers.
#[derive(Debug, Clone, PartialEq)]
pub struct SentMail {
    /// Its outbox row.
    pub id: i64,
    /// Its token's public half.
    pub draft_id: String,
    /// The draft.
    pub draft: Draft,
    /// The plain text we sent.
    pub plain: String,
    /// The group.
    pub group: GroupId,
    /// To whom.
    pub member: MemberId,
    /// Where it went.
    pub envelope_to: Email,
    /// Without angle brackets.
    pub message_id: String,
    /// Its subject line.
    pub subject: String,
    /// Where it stands.
    pub state: MailState,
    /// When the server took it.
    pub sent_at: Option<DateTime<Utc>>,
}

/// A line of the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueRow {
    /// Its number.
    pub id: i64,
    /// Its token's public half.
    pub draft_id: String,
    /// What identifies its draft.
    pub draft_key: String,
    /// The group.
    pub group: GroupId,
    /// The meeting it is about.
    pub meeting: Option<MeetingNo>,
    /// Which mail.
    pub kind: Kind,
    /// To whom.
    pub member: MemberId,
    /// Where it goes.
    pub envelope_to: Email,
    /// Without angle brackets.
    pub message_id: String,
    /// Its subject line.
    pub subject: String,
    /// When it should leave.
    pub due: DateTime<Utc>,
    /// Until when it makes sense.
    pub useful_until: DateTime<Utc>,
    /// What to do after that.
    pub when_late: WhenLate,
    /// A live prompt.
    pub urgent: bool,
    /// Where it stands.
    pub state: MailState,
    /// Attempts so far.
    pub attempts: u32,
    /// When it is tried next, while it waits.
    pub next_attempt: DateTime<Utc>,
    /// The server's last words, or what failed.
    pub last_reply: Option<String>,
    /// When the server took it.
    pub sent_at: Option<DateTime<Utc>>,
}

/// What to list of the outbox; what is set must fit.
#[derive(Debug, Clone, Default)]
pub struct QueueFilter {
    /// Of one group.
    pub group: Option<GroupId>,
    /// To one member.
    pub member: Option<MemberId>,
    /// About one meeting.
    pub meeting: Option<MeetingNo>,
    /// In one state.
    pub state: Option<MailState>,
    /// At most so many, 0 for all; the newest ones.
    pub limit: u32,
}

/// One attempt to send a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// When it began.
    pub at: DateTime<Utc>,
    /// How far it came: `dial`, or `dot` once the final dot was about to go.
    pub phase: String,
    /// How it ended: `sent`, `retry`, `refused`, `in_doubt`, `crashed`.
    pub result: Option<String>,
    /// The server's reply code.
    pub code: Option<u32>,
    /// Its words.
    pub reply: Option<String>,
}

pub(super) const LAST: &str = "o.group_id = ? AND o.member = ? AND o.state IN ('sent', 'sending', 'in_doubt') \
    ORDER BY coalesce(o.sent_at, o.due_at) DESC, o.id DESC LIMIT 1";
const ASKED: &str = "o.group_id = ? AND o.member = ? AND o.question IS NOT NULL \
    AND o.question NOT IN ('note', 'confirm') AND o.state IN ('sent', 'sending', 'in_doubt') \
    ORDER BY coalesce(o.sent_at, o.due_at) DESC, o.id DESC LIMIT ?";
/// Mails looked through for open questions: more than a year of a group asks one member.
const LOOKED_AT: u32 = 40;
pub(super) const SENT_MAIL: &str = "SELECT o.*, unseal_text('plain/' || o.id, b.plain) AS plain, \
    unseal_text('draft/' || o.id, b.draft) AS draft FROM outbox o JOIN outbox_bytes b ON b.outbox = o.id";

impl Reader {
    /// The mail of that token.
    ///
    /// # Errors
    /// SQLite's own, and values edited by hand that make no sense.
    pub fn outbox_by_draft_id(&self, draft_id: &str) -> Result<Option<SentMail>, StoreError> {
        self.sent_mail("o.draft_id = ?", &[draft_id])
    }

    /// The mail of that Message-ID, given without angle brackets.
    ///
    /// # Errors
    /// As [`Self::outbox_by_draft_id`].
    pub fn outbox_by_message_id(&self, message_id: &str) -> Result<Option<SentMail>, StoreError> {
        self.sent_mail("o.message_id = ?", &[message_id])
    }

    /// The mail of that draft key.
    ///
    /// # Errors
    /// As [`Self::outbox_by_draft_id`].
    pub fn outbox_by_key(&self, draft_key: &str) -> Result<Option<SentMail>, StoreError> {
        self.sent_mail("o.draft_key = ?", &[draft_key])
    }

    /// The newest mail that this member got, or may have got.
    ///
    /// # Errors
    /// As [`Self::outbox_by_draft_id`].
    pub fn last_mail_to(&self, group: &GroupId, member: &MemberId) -> Result<Option<SentMail>, StoreError> {
        self.sent_mail(LAST, &[group.as_str(), member.as_str()])
    }

    /// Of each question put to this member the newest mail they got, or may have got, the newest question first; where
    /// the time of all is over, the newest alone. While a session runs, what its step asks is the only one. A receipt
    /// that only takes notes, or that asks "was it you?", is no question to answer without its token.
    ///
    /// # Errors
    /// As [`Self::outbox_by_draft_id`].
    pub fn open_questions(
        &self,
        group: &GroupId,
        member: &MemberId,
        at: DateTime<Utc>,
    ) -> Result<Vec<SentMail>, StoreError> {
        let asked = self.look("look for open questions", |conn| {
            let sql = format!("{SENT_MAIL} WHERE {ASKED}");
            all(conn, &sql, params![group.as_str(), member.as_str(), LOOKED_AT], read_sent_mail)
        })?;
        let asked: Vec<SentMail> = asked.into_iter().flatten().collect();
        let mut open: Vec<SentMail> = Vec::new();
        for mail in asked.iter().filter(|mail| mail.draft.useful_until > at) {
            let alike = |other: &SentMail| {
                (other.draft.question, other.draft.key.meeting) == (mail.draft.question, mail.draft.key.meeting)
            };
            if !open.iter().any(alike) {
                open.push(mail.clone());
            }
        }
        let live = open.first().is_some_and(|newest| newest.draft.key.step.is_some());
        open.truncate(if live { 1 } else { usize::MAX });
        Ok(if open.is_empty() { asked.into_iter().take(1).collect() } else { open })
    }

    fn sent_mail(&self, condition: &str, values: &[&str]) -> Result<Option<SentMail>, StoreError> {
        self.look("look for a mail of ours", |conn| {
            // a draft that can't be opened any more is as good as unknown
            let sql = format!("{SENT_MAIL} WHERE {condition}");
            Ok(first(conn, &sql, params_from_iter(values), read_sent_mail)?.flatten())
        })
    }

    /// Lines of the outbox, oldest first.
    ///
    /// # Errors
    /// As [`Self::outbox_by_draft_id`].
    pub fn queue(&self, filter: &QueueFilter) -> Result<Vec<QueueRow>, StoreError> {
        self.look("list the outbox", |conn| {
            let (set, mut values) = matching([
                ("group_id", filter.group.as_ref().map(GroupId::as_str).into()),
                ("member", filter.member.as_ref().map(MemberId::as_str).into()),
                ("meeting", filter.meeting.map(|m| m.0).into()),
                ("state", filter.state.map(|s| super::cells::word(&s)).transpose()?.into()),
            ]);
            values.push(if filter.limit == 0 { -1_i64 } else { filter.limit.into() }.into());
            let sql = format!("SELECT * FROM outbox WHERE 1{set} ORDER BY id DESC LIMIT ?");
            let mut rows = all(conn, &sql, params_from_iter(values), read_queue_row)?;
            rows.reverse();
            Ok(rows)
        })
    }

    /// One line of the outbox.
    ///
    /// # Errors
    /// As [`Self::outbox_by_draft_id`].
    pub fn queue_row(&self, id: i64) -> Result<Option<QueueRow>, StoreError> {
        self.look("look for a mail", |conn| first(conn, "SELECT * FROM outbox WHERE id = ?", [id], read_queue_row))
    }

    /// All attempts to send a mail.
    ///
    /// # Errors
    /// As [`Self::outbox_by_draft_id`].
    pub fn attempts(&self, id: i64) -> Result<Vec<Attempt>, StoreError> {
        self.look("list the attempts of a mail", |conn| {
            all(conn, "SELECT * FROM attempts WHERE outbox = ? ORDER BY number", params![id], |r| {
                Ok(Attempt {
                    number: r.small("number")?,
                    at: r.time("at")?,
                    phase: r.text("phase")?,
                    result: r.opt_text("result")?,
                    code: r.opt_small("code")?,
                    reply: r.opt_text("reply")?,
                })
            })
        })
    }

    /// The frozen mail, unless it was old enough to be emptied.
    ///
    /// # Errors
    /// As [`Self::outbox_by_draft_id`].
    pub fn outbox_bytes(&self, id: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT unseal('sent/' || outbox, bytes) AS bytes FROM outbox_bytes WHERE outbox = ?";
        self.look("read a mail", |conn| Ok(first(conn, sql, [id], |r| r.opt_blob("bytes"))?.flatten()))
    }
}

fn read_sent_mail(r: &Read<'_>) -> Result<Option<SentMail>, Fault> {
    if r.opt_text("draft")?.is_none() {
        return Ok(None);
    }
    Ok(Some(SentMail {
        id: r.int("id")?,
        draft_id: r.text("draft_id")?,
        draft: r.json("draft")?,
        plain: r.opt_text("plain")?.unwrap_or_default(),
        group: r.parsed("group_id")?,
        member: r.parsed("member")?,
        envelope_to: r.parsed("envelope_to")?,
        message_id: r.text("message_id")?,
        subject: r.text("subject")?,
        state: r.word("state")?,
        sent_at: r.opt_time("sent_at")?,
    }))
}

fn read_queue_row(r: &Read<'_>) -> Result<QueueRow, Fault> {
    Ok(QueueRow {
        id: r.int("id")?,
        draft_id: r.text("draft_id")?,
        draft_key: r.text("draft_key")?,
        group: r.parsed("group_id")?,
        meeting: r.opt_small("meeting")?.map(MeetingNo),
        kind: r.word("kind")?,
        member: r.parsed("member")?,
        envelope_to: r.parsed("envelope_to")?,
        message_id: r.text("message_id")?,
        subject: r.text("subject")?,
        due: r.time("due_at")?,
        useful_until: r.time("useful_until")?,
        when_late: r.word("when_late")?,
        urgent: r.flag("urgent")?,
        state: r.word("state")?,
        attempts: r.small("attempts")?,
        next_attempt: r.time("next_attempt_at")?,
        last_reply: r.opt_text("last_reply")?,
        sent_at: r.opt_time("sent_at")?,
    })
}

//! The sender's side of the outbox: claimed before the dial, settled after it, recovered after a crash.
//!
//! States: `queued` → `sending` → `sent` | `queued` again | `refused` | `in_doubt`; `queued` →
//! `superseded` (a newer one says it) | `dropped` (its time of use is over). A final state other
//! than sent and superseded tells the core by an inbox row of kind outcome, in the same transaction.

use super::cells::{Read, all, first, run, utc};
use super::error::Fault;
use super::journal::{self, About};
use super::mails::MailState;
use super::{Reader, Store, StoreError};
use crate::core::reach::Trouble;
use crate::core::{Email, GroupId, Kind, MeetingNo, MemberId, Outcome, WhenLate};
use chrono::{DateTime, Duration, Utc};
use rusqlite::{Connection, params};

/// So long a live prompt waits for an earlier one to the same person that is underway.
const IN_ORDER: Duration = Duration::seconds(15);

/// A mail handed to the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Its outbox row.
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
    /// The one receiver.
    pub envelope_to: Email,
    /// Without angle brackets.
    pub message_id: String,
    /// A live prompt.
    pub urgent: bool,
    /// When it should leave.
    pub due: DateTime<Utc>,
    /// Until when it makes sense.
    pub useful_until: DateTime<Utc>,
    /// What to do after that.
    pub when_late: WhenLate,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The frozen mail.
    pub bytes: Vec<u8>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The server took it.
    Sent {
        /// Its words, the reply code first.
        reply: String,
    },
    /// Not now: again at this time.
    Retry {
        /// When.
        at: DateTime<Utc>,
        /// The server's words, or what failed.
        reply: String,
    },
    /// Refused for good.
    Refused {
        /// The server's words.
        reply: String,
        /// What it comes to, where that is known by more than the words.
        trouble: Option<Trouble>,
    },
    /// The connection was lost between the final dot and the answer.
    InDoubt {
        /// What failed.
        cause: String,
    },
}

/// What a start found of attempts that a crash cut off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Never reached the final dot: they are queued again.
    pub queued: Vec<i64>,
    /// Reached it: nobody knows whether they left.
    pub in_doubt: Vec<i64>,
}

/// What a step needs to know of a row.
pub(super) struct Row {
    pub(super) id: i64,
    key: String,
    group: GroupId,
    meeting: Option<MeetingNo>,
    member: MemberId,
    pub(super) state: MailState,
    attempts: u32,
    after_dot: bool,
    urgent: bool,
    useful_until: DateTime<Utc>,
}

impl Row {
    fn read(r: &Read<'_>) -> Result<Self, Fault> {
        Ok(Self {
            id: r.int("id")?,
            key: r.text("draft_key")?,
            group: r.parsed("group_id")?,
            meeting: r.opt_small("meeting")?.map(MeetingNo),
            member: r.parsed("member")?,
            state: r.word("state")?,
            attempts: r.small("attempts")?,
            after_dot: r.opt_text("dot_at")?.is_some(),
            urgent: r.flag("urgent")?,
            useful_until: r.time("useful_until")?,
        })
    }

    pub(super) fn one(conn: &Connection, id: i64) -> Result<Self, Fault> {
        let row = first(conn, "SELECT * FROM outbox WHERE id = ?", [id], Self::read)?;
        row.ok_or_else(|| wrong(id, "not there", "a mail of the outbox"))
    }

    pub(super) fn story(&self, conn: &Connection, now: DateTime<Utc>, text: &str) -> Result<(), Fault> {
        let about = About {
            group: Some(&self.group),
            meeting: self.meeting,
            member: Some(&self.member),
            draft_key: Some(&self.key),
            inbox: None,
        };
        journal::write(conn, now, &about, text)
    }

    /// Tells the core by an inbox row.
    fn outcome(&self, conn: &Connection, now: DateTime<Utc>, outcome: &Outcome) -> Result<(), Fault> {
        super::inbox::outcome(conn, (&self.group, &self.member, &self.key), outcome, now)
    }
}

fn wrong(id: i64, found: &str, expected: &'static str) -> Fault {
    Fault::State { what: format!("mail {id}"), found: found.to_owned(), expected }
}

impl Store {
    /// Hands out mails that are due, live prompts first, then those that wait longest. On return
    /// each is on disk as `sending`, with its attempt written and the next one dated ahead by
    /// `wait` (from the attempt's number, from 1). Mails past their use are dropped instead, unless
    /// they are of use late; the core is told. A mail waits while another one to the same person is
    /// in flight, so that an update never overtakes its invitation; a live prompt waits for prompts
    /// alone, and not for long.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn claim(
        &mut self,
        now: DateTime<Utc>,
        limit: u32,
        wait: impl Fn(u32) -> Duration,
    ) -> Result<Vec<Claimed>, StoreError> {
        self.hand_out(now, (limit, limit), wait)
    }

    /// The same of at most so many mails, of which at most so many are no live prompts: what may go when the account
    /// has sent all it may in this minute, or when few connections are free.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn claim_some(
        &mut self,
        now: DateTime<Utc>,
        (all, others): (u32, u32),
        wait: impl Fn(u32) -> Duration,
    ) -> Result<Vec<Claimed>, StoreError> {
        self.hand_out(now, (all, others), wait)
    }

    fn hand_out(
        &mut self,
        now: DateTime<Utc>,
        (all, others): (u32, u32),
        wait: impl Fn(u32) -> Duration,
    ) -> Result<Vec<Claimed>, StoreError> {
        self.write("take mails from the outbox", |tx, _| {
            expire(tx, now)?;
            let mut found = Vec::new();
            if super::hold::held(tx)?.is_some() {
                return Ok(found);
            }
            // one by one: each that is taken may hold back the next to the same person
            for (sql, most) in [(DUE_PROMPTS, all), (DUE_OTHERS, others)] {
                let mut left = most.min(all.saturating_sub(u32::try_from(found.len()).unwrap_or(all)));
                while left > 0
                    && let Some(mail) = due(tx, sql, now)?
                {
                    if mail.bytes.is_empty() {
                        can_not_be_opened(tx, mail.id, now)?;
                        continue;
                    }
                    take(tx, &mail, now, wait(mail.attempt))?;
                    found.push(mail);
                    left -= 1;
                }
            }
            Ok(found)
        })
    }

    /// The server can't be reached: what is due waits, live prompts until `prompts`, the rest until `others`. Nothing
    /// was tried with these mails.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn put_off(
        &mut self,
        now: DateTime<Utc>,
        prompts: DateTime<Utc>,
        others: DateTime<Utc>,
        why: &str,
    ) -> Result<(), StoreError> {
        self.write("put mails off", |tx, _| {
            for (urgent, until) in [(true, prompts), (false, others)] {
                run(tx, PUT_OFF, params![utc(until), why, urgent, utc(now)])?;
            }
            Ok(())
        })
    }

    /// Written right before the final dot: from here on a crash leaves a doubt.
    ///
    /// # Errors
    /// [`StoreError::State`] when the mail is not being sent.
    pub fn mark_dot(&mut self, id: i64, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.write("note the final dot", |tx, _| {
            let sql = "UPDATE outbox SET dot_at = ? WHERE id = ? AND state = 'sending'";
            if run(tx, sql, params![utc(now), id])? != 1 {
                let row = Row::one(tx, id)?;
                return Err(wrong(id, &super::cells::word(&row.state)?, "sending"));
            }
            let sql = "UPDATE attempts SET phase = 'dot' WHERE outbox = ?1 \
                AND number = (SELECT attempts FROM outbox WHERE id = ?1)";
            run(tx, sql, [id]).map(|_| ())
        })
    }

    /// Writes how an attempt ended. A doubt may later be settled as sent, when the mail is found in
    /// the Sent folder. A retry of a mail that a newer one replaced meanwhile is superseded instead.
    ///
    /// # Errors
    /// [`StoreError::State`] when the mail is not being sent.
    pub fn settle(&mut self, id: i64, how: &Settled, now: DateTime<Utc>) -> Result<(), StoreError> {
        let ask = self.doubt_for;
        self.write("note what became of a mail", |tx, _| {
            let row = Row::one(tx, id)?;
            let late_proof = row.state == MailState::InDoubt && matches!(how, Settled::Sent { .. });
            if row.state != MailState::Sending && !late_proof {
                return Err(wrong(id, &super::cells::word(&row.state)?, "sending"));
            }
            match how {
                Settled::Sent { reply } => sent(tx, &row, reply, now),
                Settled::Retry { at, reply } => retry(tx, &row, *at, reply, now),
                Settled::Refused { reply, trouble } => refused(tx, &row, (reply, *trouble), now),
                Settled::InDoubt { cause } => in_doubt(tx, &row, cause, ask, now),
            }
        })
    }

    /// At the start: mails left `sending` by a crash. Without the final dot they never left and are
    /// queued again, live prompts for now, others for the time their attempt dated ahead; after it
    /// they are in doubt, and the core is told.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn recover(&mut self, now: DateTime<Utc>) -> Result<Recovered, StoreError> {
        self.recover_but(&[], now)
    }

    /// The same while some mails are underway, which are left alone.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn recover_but(&mut self, underway: &[i64], now: DateTime<Utc>) -> Result<Recovered, StoreError> {
        let (seals, other_keys) = (self.inner.seals.clone(), self.other_keys);
        let ask = self.doubt_for;
        let done = self.write("look after mails in flight", |tx, _| {
            let mut done = Recovered::default();
            super::clock::bring_back(tx, ask, now)?;
            if other_keys {
                super::lost::tell(tx, &seals, now)?;
            }
            for row in all(tx, IN_FLIGHT, [], Row::read)?.into_iter().filter(|row| !underway.contains(&row.id)) {
                if row.after_dot {
                    in_doubt(tx, &row, "stopped between the final dot and the server's answer", ask, now)?;
                    done.in_doubt.push(row.id);
                } else {
                    attempt_over(tx, &row, "crashed", "stopped before the final dot")?;
                    again(tx, &row, row.urgent.then_some(now), now)?;
                    done.queued.push(row.id);
                }
            }
            Ok(done)
        })?;
        self.other_keys = false;
        Ok(done)
    }

    /// The operator wants it sent after all: refused, dropped and doubtful mails are queued again,
    /// whatever the hour.
    ///
    /// # Errors
    /// [`StoreError::State`] when it is in another state.
    pub fn requeue(&mut self, id: i64, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.write("queue a mail again", |tx, _| {
            let row = Row::one(tx, id)?;
            if !matches!(row.state, MailState::Refused | MailState::Dropped | MailState::InDoubt) {
                return Err(wrong(id, &super::cells::word(&row.state)?, "refused, dropped or in_doubt"));
            }
            let sql = "UPDATE outbox SET state = 'queued', when_late = 'send', next_attempt_at = ?, doubt_until = NULL WHERE id = ?";
            run(tx, sql, params![utc(now), id])?;
            row.story(tx, now, "queued again by the operator")
        })
    }

    /// The operator does not want it sent.
    ///
    /// # Errors
    /// [`StoreError::State`] when it is not waiting.
    pub fn drop_mail(&mut self, id: i64, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.write("drop a mail", |tx, _| {
            let row = Row::one(tx, id)?;
            if row.state != MailState::Queued {
                return Err(wrong(id, &super::cells::word(&row.state)?, "queued"));
            }
            run(tx, "UPDATE outbox SET state = 'dropped' WHERE id = ?", [id])?;
            row.story(tx, now, "not sent: dropped by the operator")
        })
    }
}

impl Reader {
    /// When the sender has to look again: the next attempt of a waiting mail; never while all are held.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn next_send(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let (prompt, other) = self.next_sends()?;
        Ok([prompt, other].into_iter().flatten().min())
    }

    /// The same for live prompts, and for all others that wait for no mail underway to the same person.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn next_sends(&self) -> Result<(Option<DateTime<Utc>>, Option<DateTime<Utc>>), StoreError> {
        self.look("look for the next mail", |conn| {
            if super::hold::held(conn)?.is_some() {
                return Ok((None, None));
            }
            let of = |sql: &'static str| first(conn, sql, [], |r| r.opt_time("at")).map(Option::flatten);
            Ok((of(NEXT_PROMPT)?, of(NEXT_OTHER)?))
        })
    }
}

// SQLite knows nothing of how many rows are in which state: the indexes are named, and a statement
// that can't use its own is an error at once
pub(super) const IN_FLIGHT: &str = "SELECT * FROM outbox WHERE state = 'sending' ORDER BY id";
// prompts to one person keep their order, but a prompt is not late for one that hangs: it waits so long at most
pub(super) const DUE_PROMPTS: &str = "SELECT o.*, unseal('sent/' || o.id, b.bytes) AS bytes FROM outbox o INDEXED BY outbox_next \
    JOIN outbox_bytes b ON b.outbox = o.id \
    WHERE o.state = 'queued' AND o.urgent = 1 AND o.next_attempt_at <= ?1 \
    AND NOT EXISTS (SELECT 1 FROM outbox f INDEXED BY outbox_flight \
        JOIN attempts a ON a.outbox = f.id AND a.number = f.attempts \
        WHERE f.state = 'sending' AND f.group_id = o.group_id AND f.member = o.member AND f.urgent = 1 \
        AND a.at > ?2 AND a.at <= ?1) \
    ORDER BY o.next_attempt_at, o.id LIMIT 1";

pub(super) const DUE_OTHERS: &str = "SELECT o.*, unseal('sent/' || o.id, b.bytes) AS bytes FROM outbox o INDEXED BY outbox_next \
    JOIN outbox_bytes b ON b.outbox = o.id \
    WHERE o.state = 'queued' AND o.urgent = 0 AND o.next_attempt_at <= ?1 AND ?2 IS NOT NULL \
    AND NOT EXISTS (SELECT 1 FROM outbox f INDEXED BY outbox_flight WHERE f.state = 'sending' \
        AND f.group_id = o.group_id AND f.member = o.member) \
    ORDER BY o.next_attempt_at, o.id LIMIT 1";

pub(super) const NEXT_PROMPT: &str =
    "SELECT min(next_attempt_at) AS at FROM outbox INDEXED BY outbox_next WHERE state = 'queued' AND urgent = 1";

pub(super) const NEXT_OTHER: &str = "SELECT o.next_attempt_at AS at FROM outbox o INDEXED BY outbox_next \
    WHERE o.state = 'queued' AND o.urgent = 0 \
    AND NOT EXISTS (SELECT 1 FROM outbox f INDEXED BY outbox_flight WHERE f.state = 'sending' \
        AND f.group_id = o.group_id AND f.member = o.member) \
    ORDER BY o.next_attempt_at LIMIT 1";

pub(super) const PUT_OFF: &str = "UPDATE outbox INDEXED BY outbox_next SET next_attempt_at = ?1, last_reply = ?2 \
    WHERE state = 'queued' AND urgent = ?3 AND next_attempt_at <= ?4";

pub(super) const NEWER_IN_LANE: &str = "SELECT n.id FROM outbox o JOIN outbox n ON n.group_id = o.group_id \
    AND n.member = o.member AND n.lane = o.lane AND n.id > o.id \
    WHERE o.id = ? AND n.state IN ('queued', 'sending', 'sent') ORDER BY n.id DESC LIMIT 1";

pub(super) const EXPIRED: &str =
    "SELECT * FROM outbox INDEXED BY outbox_useful WHERE state = 'queued' AND when_late <> 'send' AND useful_until < ?";

/// On disk before the dial, with the next attempt dated ahead.
fn take(tx: &Connection, mail: &Claimed, now: DateTime<Utc>, wait: Duration) -> Result<(), Fault> {
    let sql = "UPDATE outbox SET state = 'sending', attempts = ?, next_attempt_at = ?, dot_at = NULL WHERE id = ?";
    run(tx, sql, params![mail.attempt, utc(now + wait), mail.id])?;
    let sql = "INSERT INTO attempts (outbox, number, at, phase) VALUES (?, ?, ?, 'dial')";
    run(tx, sql, params![mail.id, mail.attempt, utc(now)]).map(|_| ())
}

fn due(tx: &Connection, sql: &str, now: DateTime<Utc>) -> Result<Option<Claimed>, Fault> {
    first(tx, sql, params![utc(now), utc(now - IN_ORDER)], |r| {
        Ok(Claimed {
            id: r.int("id")?,
            draft_id: r.text("draft_id")?,
            draft_key: r.text("draft_key")?,
            group: r.parsed("group_id")?,
            meeting: r.opt_small("meeting")?.map(MeetingNo),
            kind: r.word("kind")?,
            member: r.parsed("member")?,
            envelope_to: r.parsed("envelope_to")?,
            message_id: r.text("message_id")?,
            urgent: r.flag("urgent")?,
            due: r.time("due_at")?,
            useful_until: r.time("useful_until")?,
            when_late: r.word("when_late")?,
            attempt: r.small("attempts")? + 1,
            bytes: r.opt_blob("bytes")?.unwrap_or_default(),
        })
    })
}

/// Drops a mail whose key is gone; the core is told, as of any mail that did not go.
pub(super) fn can_not_be_opened(tx: &Connection, id: i64, now: DateTime<Utc>) -> Result<(), Fault> {
    let row = Row::one(tx, id)?;
    run(tx, "UPDATE outbox SET state = 'dropped' WHERE id = ?", [id])?;
    tracing::error!(mail = id, "not sent: the key it was sealed with is gone");
    row.story(tx, now, "not sent: it can't be opened, for the key it was sealed with is gone")?;
    row.outcome(tx, now, &Outcome::Expired)
}

/// Drops what is of no use any more.
fn expire(tx: &Connection, now: DateTime<Utc>) -> Result<(), Fault> {
    for row in all(tx, EXPIRED, [utc(now)], Row::read)? {
        run(tx, "UPDATE outbox SET state = 'dropped' WHERE id = ?", [row.id])?;
        row.story(tx, now, &format!("not sent: it was of use until {}", utc(row.useful_until)))?;
        row.outcome(tx, now, &Outcome::Expired)?;
    }
    Ok(())
}

pub(super) fn sent(tx: &Connection, row: &Row, reply: &str, now: DateTime<Utc>) -> Result<(), Fault> {
    attempt_over(tx, row, "sent", reply)?;
    let sql = "UPDATE outbox SET state = 'sent', last_reply = ?, sent_at = ?, doubt_until = NULL WHERE id = ?";
    run(tx, sql, params![reply, utc(now), row.id])?;
    row.story(tx, now, &format!("sent: {reply}"))
}

fn retry(tx: &Connection, row: &Row, at: DateTime<Utc>, reply: &str, now: DateTime<Utc>) -> Result<(), Fault> {
    attempt_over(tx, row, "retry", reply)?;
    run(tx, "UPDATE outbox SET last_reply = ? WHERE id = ?", params![reply, row.id])?;
    again(tx, row, Some(at), now)
}

fn refused(
    tx: &Connection,
    row: &Row,
    (reply, trouble): (&str, Option<Trouble>),
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    attempt_over(tx, row, "refused", reply)?;
    run(tx, "UPDATE outbox SET state = 'refused', last_reply = ? WHERE id = ?", params![reply, row.id])?;
    row.story(tx, now, &format!("refused for good: {reply}"))?;
    row.outcome(tx, now, &Outcome::Refused { why: reply.to_owned(), trouble })
}

/// The core hears of it once the Sent folder could not tell, if there is one to ask.
fn in_doubt(tx: &Connection, row: &Row, cause: &str, ask: Option<Duration>, now: DateTime<Utc>) -> Result<(), Fault> {
    attempt_over(tx, row, "in_doubt", cause)?;
    let until = ask.map(|time| utc((now + time).min(row.useful_until.max(now))));
    let sql = "UPDATE outbox SET state = 'in_doubt', last_reply = ?, doubt_until = ?, doubt_looks = 0 WHERE id = ?";
    run(tx, sql, params![cause, until, row.id])?;
    let next = if ask.is_some() { "the Sent folder is asked" } else { "not repeated" };
    row.story(tx, now, &format!("in doubt, {next}: {cause}"))?;
    if ask.is_none() { row.outcome(tx, now, &Outcome::InDoubt) } else { Ok(()) }
}

/// Nobody can tell: the draft's own rule decides.
pub(super) fn in_doubt_for_good(tx: &Connection, row: &Row, now: DateTime<Utc>) -> Result<(), Fault> {
    row.story(tx, now, "in doubt for good, not repeated: no Sent folder tells")?;
    row.outcome(tx, now, &Outcome::InDoubt)
}

/// Back into the queue, at this time or the one dated ahead; or superseded, if a newer mail of the
/// lane came while this one was in flight.
pub(super) fn again(tx: &Connection, row: &Row, at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<(), Fault> {
    if let Some(newer) = first(tx, NEWER_IN_LANE, [row.id], |r| r.int("id"))? {
        let sql = "UPDATE outbox SET state = 'superseded', superseded_by = ? WHERE id = ?";
        run(tx, sql, params![newer, row.id])?;
        return row.story(tx, now, "not sent again: a newer mail says it too");
    }
    let sql = "UPDATE outbox SET state = 'queued', next_attempt_at = coalesce(?, next_attempt_at) WHERE id = ?";
    run(tx, sql, params![at.map(utc), row.id]).map(|_| ())
}

fn attempt_over(tx: &Connection, row: &Row, result: &str, reply: &str) -> Result<(), Fault> {
    let sql = "UPDATE attempts SET result = ?, code = ?, reply = ? WHERE outbox = ? AND number = ?";
    run(tx, sql, params![result, reply_code(reply), reply, row.id, row.attempts]).map(|_| ())
}

/// The three digits an SMTP reply begins with (RFC 5321 §4.2).
fn reply_code(reply: &str) -> Option<u32> {
    reply.get(..3).filter(|c| c.bytes().all(|b| b.is_ascii_digit())).and_then(|c| c.parse().ok())
}

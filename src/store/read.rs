//! Looking at groups: what the engine loads, who is due, and the lists for the command line.

use super::cells::{Read, all, first, utc};
use super::error::Fault;
use super::mails::QueueRow;
use super::{MailState, QueueFilter, Reader, StoreError, group_rows, meeting_rows};
use crate::core::caps::Capped;
use crate::core::ids::address_key;
use crate::core::reach::{Bounced, Reach};
use crate::core::{FormatId, Formats, Group, GroupId, Meeting, MeetingNo, MemberId, Stage, Uid};
use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use chrono_tz::Tz;
use rusqlite::{Connection, params};
use serde::Serialize;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Meetings over or cancelled still matter so long before the earliest one that is not.
const STILL_MATTERS: Duration = Duration::days(60);

/// A group with the version that guards its next commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The group.
    pub group: Group,
    /// Give it back with [`super::GroupCommit`].
    pub version: i64,
}

/// Tells whether anything was written, by whomever, since it was looked at before (SQLite, `PRAGMA data_version`: what
/// others wrote; `sqlite3_total_changes`: what this connection wrote).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    others: i64,
    own: u64,
}

impl State {
    fn of(conn: &Connection) -> Result<Self, Fault> {
        let others = conn.prepare_cached("PRAGMA data_version")?.query_row([], |r| r.get(0))?;
        Ok(Self { others, own: conn.total_changes() })
    }
}

/// The group loaded last: one mail is looked at by several, and each asks for its group.
#[derive(Debug, Default)]
pub(super) struct LastLoaded(RefCell<Option<(State, Loaded)>>);

impl LastLoaded {
    fn get(&self, state: State, id: &GroupId, formats: &Formats) -> Option<Loaded> {
        let last = self.0.borrow();
        let (of, loaded) = last.as_ref()?;
        let same = *of == state && loaded.group.id == *id && Arc::ptr_eq(&loaded.group.formats, formats);
        same.then(|| loaded.clone())
    }

    fn keep(&self, state: State, loaded: Option<&Loaded>) {
        *self.0.borrow_mut() = loaded.map(|loaded| (state, loaded.clone()));
    }
}

/// A line of the list of groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupRow {
    /// Short name.
    pub id: GroupId,
    /// Name for people.
    pub name: String,
    /// Writes to everybody.
    pub live: bool,
    /// When the engine looks at it next.
    pub next_due_at: Option<DateTime<Utc>>,
    /// Why it is set aside, if it is.
    pub error: Option<String>,
    /// Decisions that failed in a row.
    pub failures: u32,
    /// Guards against two writers.
    pub version: i64,
}

/// A line of the list of meetings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MeetingRow {
    /// The group.
    pub group: GroupId,
    /// Its number.
    pub number: MeetingNo,
    /// Its event's UID.
    pub uid: Uid,
    /// The hour, in the group's zone.
    pub wall: NaiveDateTime,
    /// Where it stands.
    pub stage: Stage,
    /// Its format.
    pub format: FormatId,
    /// Whose turn.
    pub requester: MemberId,
    /// Who leads.
    pub facilitator: MemberId,
    /// Who said yes.
    pub yes: u32,
    /// Who said no.
    pub no: u32,
    /// Who does not know.
    pub maybe: u32,
    /// When the session ended.
    pub ended: Option<DateTime<Utc>>,
}

/// What `status` and metrics show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Groups.
    pub groups: u64,
    /// Groups that write to everybody.
    pub live: u64,
    /// Groups whose last decision failed.
    pub set_aside: u64,
    /// Outbox rows by state.
    pub outbox: BTreeMap<String, u64>,
    /// Inbox rows by state.
    pub inbox: BTreeMap<String, u64>,
    /// Mails that came in, by state.
    pub mails: BTreeMap<String, u64>,
    /// When the mail that waits longest should have left.
    pub oldest_queued: Option<DateTime<Utc>>,
    /// When the row that waits longest came in.
    pub oldest_new: Option<DateTime<Utc>>,
    /// Mails of which nobody knows whether they left.
    pub in_doubt: Vec<QueueRow>,
}

impl Reader {
    /// A group with the meetings that still matter: every one planned, running or collecting; those
    /// digested or cancelled whose hour lies at most 60 days before the earliest of these (where there
    /// are none: before the newest meeting) or after it; and the last held one, however long ago.
    /// Sent marks are loaded for these meetings and for none. All else stays in its tables, untouched.
    ///
    /// # Errors
    /// SQLite's own, and values edited by hand that make no sense.
    pub fn load(&self, id: &GroupId, formats: &Formats) -> Result<Option<Loaded>, StoreError> {
        self.look_at_once("load a group", |conn| {
            let state = State::of(conn)?;
            if let Some(same) = self.last.get(state, id, formats) {
                return Ok(Some(same));
            }
            let loaded = load(conn, id, formats)?;
            self.last.keep(state, loaded.as_ref());
            Ok(loaded)
        })
    }

    /// All groups by name.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn groups(&self) -> Result<Vec<GroupRow>, StoreError> {
        self.look("list groups", |conn| {
            all(conn, "SELECT * FROM groups ORDER BY id", [], |r| {
                Ok(GroupRow {
                    id: r.parsed("id")?,
                    name: r.text("name")?,
                    live: r.flag("live")?,
                    next_due_at: r.opt_time("next_due_at")?,
                    error: r.opt_text("last_error")?,
                    failures: r.small("failures")?,
                    version: r.int("version")?,
                })
            })
        })
    }

    /// Groups with something due, the longest due first.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn due(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<GroupId>, StoreError> {
        self.look("look for groups that are due", |conn| all(conn, DUE, params![utc(now), limit], |r| r.parsed("id")))
    }

    /// When the next group is due.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn next_due(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.look("look for the next group that is due", |conn| {
            Ok(first(conn, NEXT_DUE, [], |r| r.opt_time("next_due_at"))?.flatten())
        })
    }

    /// Groups whose `next_due_at` was derived by something else than `by`: to be derived again in
    /// the background (`decisions.md` 28). A group once derived again is no longer among them.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn stale(&self, by: &str, limit: u32) -> Result<Vec<GroupId>, StoreError> {
        self.look("look for groups to derive again", |conn| all(conn, STALE, params![by, limit], |r| r.parsed("id")))
    }

    /// The zone of each group, without loading any.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn zones(&self) -> Result<BTreeMap<GroupId, Tz>, StoreError> {
        self.look("look for zones", |conn| {
            let sql = "SELECT id, json_extract(spec, '$.zone') AS zone FROM groups";
            Ok(all(conn, sql, [], |r| Ok((r.parsed("id")?, r.parsed("zone")?)))?.into_iter().collect())
        })
    }

    /// Whether any mail was ever decided.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn wrote(&self) -> Result<bool, StoreError> {
        self.look("look whether mail was decided", |conn| {
            let sql = "SELECT EXISTS (SELECT 1 FROM outbox) AS wrote";
            Ok(first(conn, sql, [], |r| r.flag("wrote"))?.unwrap_or(false))
        })
    }

    /// Whether no group was ever here: a first start, or the file of before is not where it was (a disk that is not
    /// mounted).
    ///
    /// # Errors
    /// SQLite's own.
    pub fn is_new(&self) -> Result<bool, StoreError> {
        self.look("look whether there was a group", |conn| {
            let sql = "SELECT NOT EXISTS (SELECT 1 FROM groups) AND NOT EXISTS (SELECT 1 FROM outbox) AS is_new";
            Ok(first(conn, sql, [], |r| r.flag("is_new"))?.unwrap_or(true))
        })
    }

    /// One whole meeting, whether it still matters or not.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn meeting(&self, group: &GroupId, number: MeetingNo) -> Result<Option<Meeting>, StoreError> {
        self.look_at_once("load a meeting", |conn| meeting_rows::load(conn, group, number))
    }

    /// All meetings of a group, or of all groups, in order of time.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn meetings(&self, group: Option<&GroupId>) -> Result<Vec<MeetingRow>, StoreError> {
        let sql = "SELECT m.*, count(*) FILTER (WHERE a.answer = 'yes') AS yes, \
            count(*) FILTER (WHERE a.answer = 'no') AS no, count(*) FILTER (WHERE a.answer = 'maybe') AS maybe \
            FROM meetings m LEFT JOIN attendance a ON a.group_id = m.group_id AND a.meeting = m.number \
            WHERE ?1 IS NULL OR m.group_id = ?1 GROUP BY m.group_id, m.number ORDER BY m.wall, m.group_id";
        self.look("list meetings", |conn| all(conn, sql, [group.map(GroupId::as_str)], read_meeting_row))
    }

    /// Which members write from this address, in whatever case; people who left do not.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn members_by_address(&self, address: &str) -> Result<Vec<(GroupId, MemberId)>, StoreError> {
        self.look("look for an address", |conn| {
            all(conn, BY_ADDRESS, [address_key(address)], |r| Ok((r.parsed("group_id")?, r.parsed("member")?)))
        })
    }

    /// The members who declared this address as one that answers for them.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn members_by_delegate(&self, address: &str) -> Result<Vec<(GroupId, MemberId)>, StoreError> {
        self.look("look for a delegate", |conn| {
            all(conn, BY_DELEGATE, [address_key(address)], |r| Ok((r.parsed("group_id")?, r.parsed("member")?)))
        })
    }

    /// The meeting of that calendar event.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn meeting_by_uid(&self, uid: &str) -> Result<Option<(GroupId, MeetingNo)>, StoreError> {
        self.look("look for a meeting", |conn| {
            first(conn, "SELECT group_id, number FROM meetings WHERE uid = ?", [uid], |r| {
                Ok((r.parsed("group_id")?, MeetingNo(r.small("number")?)))
            })
        })
    }

    /// Members whose host refuses us for what we are (spam, authentication, blocks), with its words.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn refused_by_policy(&self) -> Result<Vec<(GroupId, MemberId, Bounced)>, StoreError> {
        let sql = "SELECT group_id, id, bounced FROM members WHERE left_at IS NULL AND bounced LIKE '%\"policy\"%'";
        let rows = self.look("look for refusals", |conn| {
            all(conn, sql, [], |r| Ok((r.parsed("group_id")?, r.parsed("id")?, r.json::<Vec<Bounced>>("bounced")?)))
        })?;
        let last = |(group, member, all): (GroupId, MemberId, Vec<Bounced>)| {
            let reach = Reach { bounced: all, away: None };
            reach.policy().cloned().map(|b| (group, member, b))
        };
        Ok(rows.into_iter().filter_map(last).collect())
    }

    /// When capped answers (`core::caps`) were decided since then: those to `address`, and all.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn capped_since(
        &self,
        capped: Capped,
        address: &str,
        since: DateTime<Utc>,
    ) -> Result<(Vec<DateTime<Utc>>, Vec<DateTime<Utc>>), StoreError> {
        let which = match capped {
            Capped::Refusal => "o.kind = 'refusal'",
            Capped::Person => "o.kind = 'receipt' AND o.receipt = 'person_asked'",
        };
        let sql = format!(
            "SELECT o.decided_at AS at, address_key(o.envelope_to) = address_key(?2) AS same FROM outbox o \
             WHERE o.decided_at > ?1 AND {which}"
        );
        let rows = self.look("count answers", |conn| {
            let values = rusqlite::params![super::cells::utc(since), address];
            all(conn, &sql, values, |r| Ok((r.time("at")?, r.flag("same")?)))
        })?;
        let same = rows.iter().filter(|(_, same)| *same).map(|(at, _)| *at).collect();
        Ok((same, rows.into_iter().map(|(at, _)| at).collect()))
    }

    /// What `status` and metrics show.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn counts(&self) -> Result<Counts, StoreError> {
        let filter = QueueFilter { state: Some(MailState::InDoubt), ..QueueFilter::default() };
        let in_doubt = self.queue(&filter)?;
        self.look_at_once("count", |conn| {
            let one = |sql: &str| -> Result<u64, Fault> {
                Ok(conn.prepare_cached(sql)?.query_row([], |r| r.get::<_, i64>(0))?.unsigned_abs())
            };
            let oldest = |sql: &str| first(conn, sql, [], |r| r.opt_time("at")).map(Option::flatten);
            Ok(Counts {
                groups: one("SELECT count(*) FROM groups")?,
                live: one("SELECT count(*) FROM groups WHERE live = 1")?,
                set_aside: one("SELECT count(*) FROM groups WHERE last_error IS NOT NULL")?,
                outbox: by_state(conn, "outbox")?,
                inbox: by_state(conn, "inbox")?,
                mails: by_state(conn, "inbox WHERE kind = 'mail'")?,
                oldest_queued: oldest("SELECT min(due_at) AS at FROM outbox WHERE state = 'queued'")?,
                oldest_new: oldest("SELECT min(received_at) AS at FROM inbox WHERE state = 'new'")?,
                in_doubt,
            })
        })
    }
}

pub(super) const BY_ADDRESS: &str =
    "SELECT group_id, member FROM member_addresses WHERE address_key = ? AND counts = 1 ORDER BY group_id";
pub(super) const BY_DELEGATE: &str = "SELECT d.group_id, d.member FROM member_delegates d \
    JOIN members m ON m.group_id = d.group_id AND m.id = d.member \
    WHERE d.address_key = ? AND m.left_at IS NULL ORDER BY d.group_id, d.member";
// two ranges rather than <>, so that the index is used
pub(super) const STALE: &str = "SELECT id FROM groups WHERE derivation < ?1 UNION ALL \
    SELECT id FROM groups WHERE derivation > ?1 LIMIT ?2";
pub(super) const DUE: &str = "SELECT id FROM groups WHERE next_due_at <= ? ORDER BY next_due_at LIMIT ?";
pub(super) const NEXT_DUE: &str =
    "SELECT next_due_at FROM groups WHERE next_due_at IS NOT NULL ORDER BY next_due_at LIMIT 1";

fn load(conn: &Connection, id: &GroupId, formats: &Formats) -> Result<Option<Loaded>, Fault> {
    let own = first(conn, "SELECT * FROM groups WHERE id = ?", [id.as_str()], |r| {
        let (next_meeting, last_slot) = (r.small("next_meeting")?, r.opt_wall("last_slot")?);
        Ok((r.json("spec")?, r.flag("live")?, next_meeting, last_slot, r.int("version")?))
    })?;
    let Some((spec, live, next_meeting, last_slot, version)) = own else { return Ok(None) };
    let mut meetings = Vec::new();
    for number in that_matter(conn, id)? {
        meetings.extend(meeting_rows::load(conn, id, number)?);
    }
    let group = Group {
        id: id.clone(),
        spec,
        members: group_rows::load_members(conn, id)?,
        turns: group_rows::load_turns(conn, id)?,
        sent: group_rows::load_sent(conn, id, &meetings)?,
        undos: group_rows::load_undos(conn, id)?,
        challenges: group_rows::load_challenges(conn, id)?,
        meetings,
        next_meeting,
        live,
        last_slot,
        formats: formats.clone(),
    };
    Ok(Some(Loaded { group, version }))
}

/// Numbers of the meetings to load, in order: the rule of [`Reader::load`].
fn that_matter(conn: &Connection, group: &GroupId) -> Result<Vec<MeetingNo>, Fault> {
    let earliest = "SELECT min(wall) AS wall FROM meetings \
        WHERE group_id = ? AND stage IN ('planned', 'running', 'collecting')";
    let newest = "SELECT max(wall) AS wall FROM meetings WHERE group_id = ?";
    let wall = |sql: &str| first(conn, sql, [group.as_str()], |r| r.opt_wall("wall")).map(Option::flatten);
    let Some(reference) = wall(earliest)?.map_or_else(|| wall(newest), |w| Ok(Some(w)))? else {
        return Ok(Vec::new());
    };
    let sql = "SELECT number FROM meetings WHERE group_id = ?1 AND (wall >= ?2 \
        OR stage IN ('planned', 'running', 'collecting') OR number = (SELECT number FROM meetings \
            WHERE group_id = ?1 AND stage = 'digested' ORDER BY wall DESC, number DESC LIMIT 1)) ORDER BY number";
    let since = super::cells::wall(reference - STILL_MATTERS);
    all(conn, sql, params![group.as_str(), since], |r| Ok(MeetingNo(r.small("number")?)))
}

fn by_state(conn: &Connection, table: &str) -> Result<BTreeMap<String, u64>, Fault> {
    let sql = format!("SELECT state, count(*) AS n FROM {table} GROUP BY state");
    let found = all(conn, &sql, [], |r| Ok((r.text("state")?, r.int("n")?.unsigned_abs())))?;
    Ok(found.into_iter().collect())
}

fn read_meeting_row(r: &Read<'_>) -> Result<MeetingRow, Fault> {
    Ok(MeetingRow {
        group: r.parsed("group_id")?,
        number: MeetingNo(r.small("number")?),
        uid: r.parsed("uid")?,
        wall: r.wall("wall")?,
        stage: r.word("stage")?,
        format: r.parsed("format")?,
        requester: r.parsed("requester")?,
        facilitator: r.parsed("facilitator")?,
        yes: r.small("yes")?,
        no: r.small("no")?,
        maybe: r.small("maybe")?,
        ended: r.opt_time("ended_at")?,
    })
}

//! A group's own rows: members, addresses, turns, what was sent, what can be undone.

use super::cells::{Cell, Read, all, bad, json, number, word};
use super::diff::{Rows, Table};
use super::error::Fault;
use crate::core::challenge::Challenge;
use crate::core::event::Inverse;
use crate::core::group::{Sent, SentKey, Turn, Undo};
use crate::core::ids::address_key;
use crate::core::reach::{Away, Reach};
use crate::core::{Email, Group, GroupId, Meeting, MeetingNo, Member, MemberId};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(super) static MEMBERS: Table = Table {
    name: "members",
    keys: &["group_id", "id"],
    cells: &[
        "position",
        "name",
        "language",
        "zone",
        "circle",
        "facilitates",
        "joined_at",
        "left_at",
        "paused_at",
        "unreachable_at",
        "bounced",
        "away_told_at",
        "away_until",
    ],
    replace: false,
};

// all of them keys: an address is never changed in place, so that two members can exchange theirs
pub(super) static ADDRESSES: Table = Table {
    name: "member_addresses",
    keys: &["group_id", "member", "position", "address", "address_key", "counts"],
    cells: &[],
    replace: false,
};

pub(super) static DELEGATES: Table = Table {
    name: "member_delegates",
    keys: &["group_id", "member", "position"],
    cells: &["address", "address_key"],
    replace: false,
};

pub(super) static TURNS: Table =
    Table { name: "turns", keys: &["group_id", "position"], cells: &["meeting", "member", "wall"], replace: false };

pub(super) static SENT: Table = Table {
    name: "sent_marks",
    keys: &["group_id", "meeting", "kind", "step", "member"],
    cells: &["revision", "at"],
    replace: true,
};

pub(super) static UNDOS: Table = Table {
    name: "undos",
    keys: &["group_id", "position"],
    cells: &["meeting", "member", "receipt", "at", "sealed"],
    replace: false,
};

pub(super) static CHALLENGES: Table = Table {
    name: "challenges",
    keys: &["group_id", "position"],
    cells: &["member", "draft_key", "asked_at", "address", "level", "weight", "waiting", "word", "again_key"],
    replace: false,
};

pub(super) fn members(group: &Group) -> Result<Rows, Fault> {
    let mut rows = Rows::default();
    for (position, m) in group.members.iter().enumerate() {
        rows.add(
            vec![group.id.as_str().into(), m.id.as_str().into()],
            vec![
                number(position).into(),
                m.name.as_str().into(),
                m.language.as_str().into(),
                m.zone.name().into(),
                m.circle.into(),
                m.facilitates.into(),
                m.joined.into(),
                m.left.into(),
                m.paused.into(),
                m.unreachable.into(),
                json(&m.reach.bounced)?.into(),
                m.reach.away.map(|a| a.told).into(),
                m.reach.away.and_then(|a| a.until).map(|d| d.to_string()).into(),
            ],
        );
    }
    Ok(rows)
}

pub(super) fn addresses(group: &Group) -> Rows {
    let mut rows = Rows::default();
    for m in &group.members {
        let mut seen = BTreeSet::new();
        for (position, address) in std::iter::once(&m.email).chain(&m.aliases).enumerate() {
            let key = address_key(address.as_str());
            let counts = m.is_active() && seen.insert(key.clone());
            rows.add(
                vec![
                    group.id.as_str().into(),
                    m.id.as_str().into(),
                    number(position).into(),
                    address.as_str().into(),
                    key.into(),
                    counts.into(),
                ],
                Vec::new(),
            );
        }
    }
    rows
}

pub(super) fn delegates(group: &Group) -> Rows {
    let mut rows = Rows::default();
    for m in &group.members {
        for (position, address) in m.delegates.iter().enumerate() {
            let key = vec![group.id.as_str().into(), m.id.as_str().into(), number(position).into()];
            rows.add(key, vec![address.as_str().into(), address_key(address.as_str()).into()]);
        }
    }
    rows
}

pub(super) fn turns(group: &Group) -> Rows {
    let mut rows = Rows::default();
    for (position, turn) in group.turns.iter().enumerate() {
        rows.add(
            vec![group.id.as_str().into(), number(position).into()],
            vec![turn.meeting.0.into(), turn.member.as_str().into(), super::cells::wall(turn.wall).into()],
        );
    }
    rows
}

pub(super) fn sent(group: &Group) -> Rows {
    let mut rows = Rows::default();
    for (key, sent) in &group.sent {
        rows.add(
            vec![
                group.id.as_str().into(),
                key.meeting.map(|m| m.0).into(),
                key.kind.name().into(),
                key.step.into(),
                key.member.as_str().into(),
            ],
            vec![sent.revision.into(), sent.at.into()],
        );
    }
    rows
}

pub(super) fn undos(group: &Group) -> Result<Rows, Fault> {
    let mut rows = Rows::default();
    for (position, undo) in group.undos.iter().enumerate() {
        rows.add(
            vec![group.id.as_str().into(), number(position).into()],
            vec![
                undo.meeting.map(|m| m.0).into(),
                undo.member.as_str().into(),
                undo.receipt.into(),
                undo.at.into(),
                json(&undo.inverse)?.into(),
            ],
        );
    }
    Ok(rows)
}

pub(super) fn challenges(group: &Group) -> Result<Rows, Fault> {
    let mut rows = Rows::default();
    for (position, c) in group.challenges.iter().enumerate() {
        rows.add(
            vec![group.id.as_str().into(), number(position).into()],
            vec![
                c.member.as_str().into(),
                c.key.to_string().into(),
                c.asked.into(),
                c.address.as_ref().map(ToString::to_string).into(),
                word(&c.level)?.into(),
                word(&c.weight)?.into(),
                json(&c.waiting)?.into(),
                c.word.map(u32::from).into(),
                c.again.as_ref().map(ToString::to_string).into(),
            ],
        );
    }
    Ok(rows)
}

pub(super) fn load_challenges(conn: &Connection, group: &GroupId) -> Result<Vec<Challenge>, Fault> {
    let sql = "SELECT * FROM challenges WHERE group_id = ? ORDER BY position";
    all(conn, sql, [group.as_str()], |r| {
        Ok(Challenge {
            member: r.parsed("member")?,
            key: r.parsed("draft_key")?,
            asked: r.time("asked_at")?,
            address: r.opt_parsed("address")?,
            level: r.word("level")?,
            weight: r.word("weight")?,
            waiting: r.json("waiting")?,
            word: r.opt_small("word")?.map(|word| word == 1),
            again: r.opt_parsed("again_key")?,
        })
    })
}

/// Members in their order, each with their addresses.
pub(super) fn load_members(conn: &Connection, group: &GroupId) -> Result<Vec<Member>, Fault> {
    let mut addresses = addresses_in(conn, group, "member_addresses")?;
    let mut delegates = addresses_in(conn, group, "member_delegates")?;
    let sql = "SELECT * FROM members WHERE group_id = ? ORDER BY position";
    all(conn, sql, [group.as_str()], |r| {
        let id: MemberId = r.parsed("id")?;
        let mut own = addresses.remove(&id).unwrap_or_default().into_iter();
        let email = own.next().ok_or_else(|| bad("member_addresses", id.as_str(), "at least one address"))?;
        let delegates = delegates.remove(&id).unwrap_or_default();
        load_member(r, id, email, own.collect(), delegates)
    })
}

/// Each member's addresses in a table, in their order.
fn addresses_in(conn: &Connection, group: &GroupId, table: &str) -> Result<HashMap<MemberId, Vec<Email>>, Fault> {
    let mut found: HashMap<MemberId, Vec<Email>> = HashMap::new();
    let sql = format!("SELECT member, address FROM {table} WHERE group_id = ? ORDER BY member, position");
    for (member, address) in all(conn, &sql, [group.as_str()], |r| Ok((r.parsed("member")?, r.parsed("address")?)))? {
        found.entry(member).or_default().push(address);
    }
    Ok(found)
}

fn load_member(
    r: &Read<'_>,
    id: MemberId,
    email: Email,
    aliases: Vec<Email>,
    delegates: Vec<Email>,
) -> Result<Member, Fault> {
    Ok(Member {
        id,
        name: r.text("name")?,
        email,
        aliases,
        delegates,
        language: r.parsed("language")?,
        zone: r.parsed("zone")?,
        circle: r.flag("circle")?,
        facilitates: r.opt_small("facilitates")?,
        joined: r.time("joined_at")?,
        left: r.opt_time("left_at")?,
        paused: r.opt_time("paused_at")?,
        unreachable: r.opt_time("unreachable_at")?,
        reach: Reach { bounced: r.json("bounced")?, away: load_away(r)? },
    })
}

fn load_away(r: &Read<'_>) -> Result<Option<Away>, Fault> {
    let until = r.opt_parsed("away_until")?;
    Ok(r.opt_time("away_told_at")?.map(|told| Away { told, until }))
}

pub(super) fn load_turns(conn: &Connection, group: &GroupId) -> Result<Vec<Turn>, Fault> {
    let sql = "SELECT meeting, member, wall FROM turns WHERE group_id = ? ORDER BY position";
    all(conn, sql, [group.as_str()], |r| {
        Ok(Turn { meeting: MeetingNo(r.small("meeting")?), member: r.parsed("member")?, wall: r.wall("wall")? })
    })
}

/// What was sent about the loaded meetings, and about none.
pub(super) fn load_sent(
    conn: &Connection,
    group: &GroupId,
    meetings: &[Meeting],
) -> Result<BTreeMap<SentKey, Sent>, Fault> {
    let sql = "SELECT meeting, kind, step, member, revision, at FROM sent_marks WHERE group_id = ? AND meeting IS ?";
    let mut found = BTreeMap::new();
    for meeting in std::iter::once(None).chain(meetings.iter().map(|m| Some(m.number.0))) {
        found.extend(all(conn, sql, params![group.as_str(), meeting], |r| {
            let key = SentKey {
                meeting: r.opt_small("meeting")?.map(MeetingNo),
                kind: r.word("kind")?,
                step: r.opt_small("step")?,
                member: r.parsed("member")?,
            };
            Ok((key, Sent { revision: r.small("revision")?, at: r.time("at")? }))
        })?);
    }
    Ok(found)
}

pub(super) fn load_undos(conn: &Connection, group: &GroupId) -> Result<Vec<Undo>, Fault> {
    let sql = "SELECT *, unseal_text('undos/' || group_id || '/' || position, sealed) AS inverse \
        FROM undos WHERE group_id = ? ORDER BY position";
    all(conn, sql, [group.as_str()], |r| {
        // what can't be read any more takes nothing back: there is no such text
        let known = r.opt_text("inverse")?.is_some();
        let inverse = if known { r.json("inverse")? } else { Inverse::Word { id: u32::MAX } };
        Ok(Undo {
            meeting: r.opt_small("meeting")?.map(MeetingNo),
            member: r.parsed("member")?,
            receipt: r.small("receipt")?,
            inverse,
            at: r.time("at")?,
        })
    })
}

/// The keys every row of a meeting begins with.
pub(super) fn meeting_key(group: &GroupId, meeting: &Meeting) -> Vec<Cell> {
    vec![group.as_str().into(), meeting.number.0.into()]
}

/// A key made longer.
pub(super) fn and(mut key: Vec<Cell>, more: impl Into<Cell>) -> Vec<Cell> {
    key.push(more.into());
    key
}

/// An enum's word as a cell.
pub(super) fn word_cell<T: serde::Serialize>(value: &T) -> Result<Cell, Fault> {
    Ok(word(value)?.into())
}

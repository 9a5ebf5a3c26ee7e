//! Who wants no mail, in whatever group (`decisions.md` 16): noted with the decision that paused a member, kept when
//! they leave and are forgotten, ended by their own word alone.

use super::cells::{first, run, utc};
use super::error::Fault;
use super::group_rows::address_key;
use super::{Reader, Store, StoreError};
use crate::core::{Group, Member};
use chrono::{DateTime, Utc};
use ring::digest::{SHA256, digest};
use rusqlite::{Connection, params};

/// An address as it stands in the list.
pub(super) fn hash(address: &str) -> String {
    digest(&SHA256, address_key(address).as_bytes()).as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

fn addresses(member: &Member) -> impl Iterator<Item = String> {
    std::iter::once(&member.email).chain(&member.aliases).map(|a| hash(a.as_str()))
}

/// With a decision: whose addresses join the list, and whose leave it.
pub(super) fn note(tx: &Connection, before: Option<&Group>, after: &Group, at: DateTime<Utc>) -> Result<(), Fault> {
    for member in &after.members {
        let was = before.and_then(|b| b.member(&member.id)).is_some_and(|m| m.paused.is_some());
        match (was, member.paused.is_some()) {
            (false, true) => addresses(member).try_for_each(|hash| add(tx, &hash, at))?,
            (true, false) => addresses(member).try_for_each(|hash| remove(tx, &hash))?,
            _ => {}
        }
    }
    Ok(())
}

fn add(tx: &Connection, hash: &str, at: DateTime<Utc>) -> Result<(), Fault> {
    run(tx, "INSERT OR IGNORE INTO opt_outs (address_hash, at) VALUES (?, ?)", params![hash, utc(at)]).map(drop)
}

fn remove(tx: &Connection, hash: &str) -> Result<(), Fault> {
    run(tx, "DELETE FROM opt_outs WHERE address_hash = ?", [hash]).map(drop)
}

impl Store {
    /// Somebody who is in no group wants no mail, or takes that back.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn opt(&mut self, address: &str, out: bool, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.write("note who wants no mail", |tx, _| match out {
            true => add(tx, &hash(address), at),
            false => remove(tx, &hash(address)),
        })
    }
}

impl Reader {
    /// Whether that address wants no mail.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn opted_out(&self, address: &str) -> Result<bool, StoreError> {
        self.look("look who wants no mail", |conn| {
            let sql = "SELECT 1 AS one FROM opt_outs WHERE address_hash = ?";
            Ok(first(conn, sql, [hash(address)], |r| r.int("one"))?.is_some())
        })
    }
}

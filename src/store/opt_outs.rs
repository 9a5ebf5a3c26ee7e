//! Who wants no mail, in whatever group (`decisions.md` 16): noted with the decision that paused a member, kept when
//! they leave and are forgotten, ended by their own word alone.

use super::cells::{first, run, utc};
use super::error::Fault;
use super::{Reader, Store, StoreError};
use crate::core::ids::address_key;
use crate::core::{Email, Group, Member};
use chrono::{DateTime, Utc};
use ring::digest::{SHA256, digest};
use rusqlite::{Connection, params};

/// An address as it stands in the list.
pub(super) fn hash(address: &str) -> String {
    of_key(&address_key(address))
}

/// The same, and as it was noted before domains were compared in A-labels: a hash can't be brought up to date.
fn hashes(address: &str) -> Vec<String> {
    let key = address_key(address);
    let own_script =
        key.rsplit_once('@').map(|(local, domain)| format!("{local}@{}", idna::domain_to_unicode(domain).0));
    let before = own_script.filter(|before| *before != key);
    std::iter::once(key).chain(before).map(|key| of_key(&key)).collect()
}

fn of_key(key: &str) -> String {
    digest(&SHA256, key.as_bytes()).as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

fn addresses(member: &Member) -> impl Iterator<Item = &str> {
    std::iter::once(&member.email).chain(&member.aliases).map(Email::as_str)
}

/// With a decision: whose addresses join the list, and whose leave it.
pub(super) fn note(tx: &Connection, before: Option<&Group>, after: &Group, at: DateTime<Utc>) -> Result<(), Fault> {
    for member in &after.members {
        let was = before.and_then(|b| b.member(&member.id)).is_some_and(|m| m.paused.is_some());
        match (was, member.paused.is_some()) {
            (false, true) => addresses(member).try_for_each(|address| add(tx, address, at))?,
            (true, false) => addresses(member).try_for_each(|address| remove(tx, address))?,
            _ => {}
        }
    }
    Ok(())
}

fn add(tx: &Connection, address: &str, at: DateTime<Utc>) -> Result<(), Fault> {
    let values = params![hash(address), utc(at)];
    run(tx, "INSERT OR IGNORE INTO opt_outs (address_hash, at) VALUES (?, ?)", values).map(drop)
}

fn remove(tx: &Connection, address: &str) -> Result<(), Fault> {
    let mut all = hashes(address).into_iter();
    all.try_for_each(|hash| run(tx, "DELETE FROM opt_outs WHERE address_hash = ?", [hash]).map(drop))
}

impl Store {
    /// Somebody who is in no group wants no mail, or takes that back.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn opt(&mut self, address: &str, out: bool, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.write("note who wants no mail", |tx, _| match out {
            true => add(tx, address, at),
            false => remove(tx, address),
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
            for hash in hashes(address) {
                if first(conn, sql, [hash], |r| r.int("one"))?.is_some() {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }
}

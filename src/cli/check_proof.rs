//! `codevd check --learn-sender-proof`: which host stamps Authentication-Results (RFC 8601) on the mails that came in.
//! The operator sends one from an outside address, and sees which id to believe.

use super::failure::{Failure, Result};
use super::setup::Setup;
use crate::mail::auth_results::{self, AuthResults};
use std::collections::BTreeMap;

/// The newest mails that are looked at.
const NEWEST: u32 = 30;

/// What stands on top of the newest mails, and the line to write.
pub(super) fn learn(setup: &Setup) -> Result<String> {
    let Some(reader) = setup.reader_if_any()? else {
        return Err(Failure::because(NOTHING));
    };
    let mut tops: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let mut looked = 0;
    for row in reader.inbox_list(&[], NEWEST)?.iter().rev() {
        let Some(row) = reader.inbox_row(row.id)?.filter(|row| row.from.is_some() && !row.bytes.is_empty()) else {
            continue;
        };
        looked += 1;
        let from = row.from.unwrap_or_default();
        let top = auth_results::of(&row.bytes).into_iter().next();
        let count = tops.entry(top.as_ref().map_or_else(String::new, id_of)).or_insert((0, shown(&from, top.as_ref())));
        count.0 += 1;
    }
    if looked == 0 {
        return Err(Failure::because(NOTHING));
    }
    Ok(told(&tops, looked))
}

const NOTHING: &str = "no mail came in yet: send one to the mailbox from an outside address, run `codevd run --once`, \
    then codevd check --learn-sender-proof";

/// As `authserv_id` names it.
fn id_of(top: &AuthResults) -> String {
    top.id.clone().unwrap_or_else(|| "outlook-none".to_owned())
}

fn shown(from: &str, top: Option<&AuthResults>) -> String {
    let results = top.map(|t| t.results.iter().map(|r| format!("{}={}", r.method, r.result)).collect::<Vec<_>>());
    format!("{from}: {}", results.filter(|r| !r.is_empty()).map_or_else(|| "nothing said".to_owned(), |r| r.join(" ")))
}

/// An id on top of all mails is the host's: a sender's own would be on some alone.
fn told(tops: &BTreeMap<String, (usize, String)>, looked: usize) -> String {
    let seen: Vec<String> = tops
        .iter()
        .map(|(id, (count, example))| {
            let id = if id.is_empty() { "no such header" } else { id };
            format!("  {id}: on top of {count} of {looked} mails (the newest from {example})")
        })
        .collect();
    let line = match tops.iter().next() {
        Some((id, _)) if tops.len() == 1 && !id.is_empty() => {
            format!("write `authserv_id = \"{id}\"` in [mailbox] if that is your provider's host, and not the sender's")
        }
        Some((id, _)) if tops.len() == 1 && id.is_empty() => {
            "this host vouches for nobody: write `check_signatures = true` in [mailbox], and codevd looks itself"
                .to_owned()
        }
        _ => "not the same on all: an id that a sender can choose is never to be believed; ask your provider which is \
            its own, or write `check_signatures = true` in [mailbox]"
            .to_owned(),
    };
    format!("{}\n  {line}", seen.join("\n").trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tops(all: &[(&str, usize)]) -> BTreeMap<String, (usize, String)> {
        all.iter().map(|(id, n)| ((*id).to_owned(), (*n, "a@b.example: dmarc=pass".to_owned()))).collect()
    }

    #[test]
    fn one_id_on_all_is_proposed_and_nothing_else() {
        let one = told(&tops(&[("mx.example.net", 3)]), 3);
        assert!(one.contains("authserv_id = \"mx.example.net\""), "{one}");
        let none = told(&tops(&[("", 2)]), 2);
        assert!(none.contains("check_signatures = true"), "{none}");
        let mixed = told(&tops(&[("evil.test", 1), ("mx.example.net", 2)]), 3);
        assert!(!mixed.contains("write `authserv_id"), "{mixed}");
    }
}

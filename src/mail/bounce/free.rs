//! Who was not reached, read from a server's own words: the forms are data (`data/bounces.toml`), tried from the
//! surest to the weakest, and the first that finds somebody speaks for the whole report.

use std::sync::LazyLock;

use mail_parser::{Message, MessagePart, PartType};
use regex::Regex;
use serde::Deserialize;

use super::judge::by_words;
use super::{BouncedRecipient, DATA, MAX_RECIPIENTS, any, first_status, push};
use crate::mail::html;
use crate::mail::letter::{Letter, kind};
use crate::mail::text;

/// One way of naming a recipient.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    /// Forms of one rank are read together.
    rank: u8,
    /// Who writes so.
    #[allow(dead_code)] // for who reads the file
    source: String,
    /// A regular expression on one line; `@@` stands for the address.
    pattern: String,
}

/// A quoted or plain local part, and a domain.
const ADDRESS: &str =
    r#"\b{start-half}(?P<a>(?:"[^"@]{1,64}"|[^\s<>"'(),;:\[\]@\\]{1,64})@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)"#;

static FORMS: LazyLock<Vec<(u8, Regex)>> = LazyLock::new(|| {
    let compile = |form: &Form| {
        let pattern = form.pattern.replace("@@", ADDRESS);
        Regex::new(&format!("(?i){pattern}")).ok().map(|regex| (form.rank, regex))
    };
    DATA.recipient.iter().filter_map(compile).collect()
});

/// How many forms could be compiled; for a test.
#[cfg(test)]
pub(super) fn compiled() -> usize {
    FORMS.len()
}

/// Lines of a report that are looked at.
const MAX_LINES: usize = 400;
/// Bytes of a line that are looked at.
const MAX_LINE: usize = 600;

/// Everybody a report names as not reached.
pub(super) fn recipients(parts: &[&MessagePart<'_>], letter: &Letter) -> Vec<BouncedRecipient> {
    let own = own_text(parts);
    let lines = lines(&own);
    let from = letter.from.as_ref().map(|f| f.email.to_lowercase());
    let subject = [letter.subject.clone()];
    for rank in 0..=9 {
        let source: &[String] = if rank == 9 { &subject } else { &lines };
        let named =
            source.iter().enumerate().flat_map(|(at, line)| named(line, rank).into_iter().map(move |a| (a, at)));
        let hits: Vec<(String, usize)> = named.filter(|(a, _)| Some(a.to_lowercase()) != from).collect();
        if !hits.is_empty() {
            return judged(hits, &lines);
        }
    }
    Vec::new()
}

/// What the report's own text says of addresses that are known already.
pub(super) fn told(addresses: Vec<String>, parts: &[&MessagePart<'_>], letter: &Letter) -> Vec<BouncedRecipient> {
    let own = own_text(parts);
    let lines = lines(if own.trim().is_empty() { &letter.text } else { &own });
    let at = |address: &String| {
        let low = address.to_lowercase();
        lines.iter().position(|line| line.to_lowercase().contains(&low)).unwrap_or(0)
    };
    let hits = addresses.into_iter().map(|address| {
        let line = at(&address);
        (address, line)
    });
    judged(hits.collect(), &lines)
}

/// The addresses that forms of this rank find in a line.
fn named(line: &str, rank: u8) -> Vec<String> {
    let low = line.to_lowercase();
    if !matches!(rank, EXPANDED | 9) && any(&DATA.asides, |w| low.contains(w)) {
        return Vec::new();
    }
    let mut found: Vec<String> = Vec::new();
    for (_, form) in FORMS.iter().filter(|(r, _)| *r == rank) {
        let hits = form
            .captures_iter(line)
            .take(MAX_RECIPIENTS)
            .filter_map(|c| c.name("a").and_then(|a| text::address(a.as_str())));
        for address in hits {
            if !found.contains(&address) && found.len() < MAX_RECIPIENTS {
                found.push(address);
            }
        }
    }
    found
}

/// Lines that speak of an address: its own and those after it.
const NEAR: usize = 6;

/// Each with what is said on its line and those after it, up to the next address.
fn judged(hits: Vec<(String, usize)>, lines: &[String]) -> Vec<BouncedRecipient> {
    let all = text::one_line(&lines.join(" "));
    let late = is_late(&all);
    let whole_status = first_status(&all);
    let mut found = Vec::new();
    for (n, (address, at)) in hits.iter().enumerate() {
        let end = (at + NEAR).min(lines.len());
        let others = hits[n + 1..].iter().filter(|(other, _)| !other.eq_ignore_ascii_case(address));
        let next = others.map(|(_, line)| *line).find(|line| line > at).unwrap_or(end);
        let near = lines.get(*at..next.min(end)).unwrap_or_default().join(" ");
        let status = first_status(&near).or_else(|| whole_status.clone());
        let class = by_words(late.then_some("delayed"), status.as_deref(), &near, &all);
        let original = named(&near, EXPANDED).into_iter().find(|one| !one.eq_ignore_ascii_case(address));
        push(&mut found, Some(BouncedRecipient { address: address.clone(), original, class, status }));
    }
    found
}

/// Do the words say that it is still tried?
pub(super) fn is_late(all: &str) -> bool {
    let low = all.to_lowercase();
    any(&DATA.delayed, |w| low.contains(w))
}

/// The rank of the forms that name what an address was expanded from.
const EXPANDED: u8 = 3;

/// What the server itself wrote, up to where the returned mail begins.
pub(super) fn own_text(parts: &[&MessagePart<'_>]) -> String {
    let mut all = String::new();
    for part in parts {
        let kind = kind(part);
        match &part.body {
            PartType::Text(one) if !kind.contains("rfc822") && !kind.starts_with("message/") => all.push_str(one),
            PartType::Html(one) => all.push_str(&html::bare(one)),
            _ => continue,
        }
        all.push('\n');
        if all.len() > MAX_LINES * MAX_LINE {
            break;
        }
    }
    text::clean(text::cut(&all, MAX_LINES * MAX_LINE))
}

/// Those words, on one line.
pub(super) fn before_the_returned(own: &str) -> String {
    lines(own).join(" ")
}

fn lines(own: &str) -> Vec<String> {
    let ends = |line: &str| {
        let low = line.trim_start_matches(['-', '=', '*', ' ', '|', '_', '>']).to_lowercase();
        any(&DATA.ends, |w| low.starts_with(w))
    };
    let mut all: Vec<String> = Vec::new();
    for line in own.lines().filter(|l| !l.trim().is_empty()).take(MAX_LINES) {
        if ends(line) && !all.is_empty() {
            break;
        }
        all.push(text::cut(line, MAX_LINE).replace("\u{a0}", " "));
    }
    all
}

/// The one receiver of the mail that came back with the report.
pub(super) fn returned_to(message: &Message<'_>, parts: &[&MessagePart<'_>]) -> Vec<BouncedRecipient> {
    let mut list = written_to(parts);
    let own = message.to().is_some_and(|to| to.iter().any(|o| o.address() == list.first().map(String::as_str)));
    match (list.pop(), list.is_empty() && !own) {
        (Some(address), true) => judged(vec![(address, 0)], &lines(&own_text(parts))),
        _ => Vec::new(),
    }
}

/// Whom the mail that came back was written to, by its To; two are enough to see that it is not one.
fn written_to(parts: &[&MessagePart<'_>]) -> Vec<String> {
    let returned = parts.iter().find_map(|p| p.message()).and_then(Message::to);
    let all = returned.into_iter().flat_map(|to| to.iter().filter_map(|one| one.address().and_then(text::address)));
    all.take(2).collect()
}

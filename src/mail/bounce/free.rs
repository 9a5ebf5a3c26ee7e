//! Who was not reached, read from a server's own words: the forms are data (`data/bounces.toml`), tried from the
//! surest to the weakest, and the first that finds somebody speaks for the whole report.

use std::sync::LazyLock;

use mail_parser::{Message, MessagePart, PartType};
use regex::Regex;
use serde::Deserialize;

use super::{BouncedRecipient, DATA, MAX_RECIPIENTS, classify, first_status, push};
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
pub(super) fn recipients(message: &Message<'_>, parts: &[&MessagePart<'_>], letter: &Letter) -> Vec<BouncedRecipient> {
    let own = own_text(parts);
    let lines = lines(&own);
    let from = letter.from.as_ref().map(|f| f.email.to_lowercase());
    let subject = [letter.subject.clone()];
    for rank in 0..=9 {
        let mut found = Vec::new();
        let source: &[String] = if rank == 9 { &subject } else { &lines };
        for (i, line) in source.iter().enumerate() {
            for address in named(line, rank).into_iter().filter(|a| Some(a.to_lowercase()) != from) {
                push(&mut found, Some(judged(address, &lines, i)));
            }
        }
        if !found.is_empty() {
            return found;
        }
    }
    returned_to(message, parts).map(|address| judged(address, &lines, 0)).into_iter().collect()
}

/// The addresses that forms of this rank find in a line.
fn named(line: &str, rank: u8) -> Vec<String> {
    let low = line.to_lowercase();
    if !matches!(rank, 3 | 9) && DATA.asides.iter().any(|w| low.contains(w.as_str())) {
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

/// With what is said on the lines after it.
fn judged(address: String, lines: &[String], at: usize) -> BouncedRecipient {
    let near = lines.get(at..(at + 6).min(lines.len())).unwrap_or_default().join(" ");
    let all = lines.join(" ");
    let low = text::one_line(&all.to_lowercase());
    let late = DATA.delayed.iter().any(|w| low.contains(w.as_str()));
    let status = first_status(&near).or_else(|| first_status(&all));
    let diagnostic = if status.is_some() { near } else { all };
    let class = classify(late.then_some("delayed"), status.as_deref(), &diagnostic);
    BouncedRecipient { address, original: None, class, status }
}

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

fn lines(own: &str) -> Vec<String> {
    let ends = |line: &str| {
        let low = line.trim_start_matches(['-', '=', '*', ' ', '|', '_', '>']).to_lowercase();
        DATA.ends.iter().any(|w| low.starts_with(w.as_str()))
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
fn returned_to(message: &Message<'_>, parts: &[&MessagePart<'_>]) -> Option<String> {
    let returned = parts.iter().find_map(|p| p.message())?;
    let list: Vec<String> =
        returned.to()?.iter().filter_map(|one| one.address().and_then(text::address)).take(2).collect();
    let own = message.to().is_some_and(|to| to.iter().any(|o| o.address() == list.first().map(String::as_str)));
    (list.len() == 1 && !own).then(|| list.into_iter().next()).flatten()
}

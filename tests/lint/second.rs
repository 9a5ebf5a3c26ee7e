//! A second parser's word on what is readable at all: whether there is a calendar to make something of.

use calcard::{Entry, Parser};
use codevd::ical::lint::lint;
use serde::Deserialize;

/// Does the linter find a VCALENDAR?
fn ours(bytes: &[u8]) -> bool {
    lint(bytes).iter().all(|found| found.rule.name != "no-calendar")
}

/// Does `calcard`, wherever in the file?
fn theirs(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut parser = Parser::new(&text);
    loop {
        match parser.entry() {
            Entry::Eof => return false,
            Entry::ICalendar(calendar) if calendar.components[0].component_type.as_str() == "VCALENDAR" => return true,
            _ => {}
        }
    }
}

/// Who alone reads it; `None` where both do, or neither.
pub fn alone(bytes: &[u8]) -> Option<&'static str> {
    match (ours(bytes), theirs(bytes)) {
        (true, false) => Some("the linter"),
        (false, true) => Some("calcard"),
        _ => None,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Differences {
    difference: Vec<Difference>,
}

/// An example that one of the two reads alone, and why that is so.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    pub example: String,
    pub reads: String,
    pub why: String,
}

/// Who alone reads it where that is not listed.
pub fn unlisted(example: &str, bytes: &[u8]) -> Option<&'static str> {
    alone(bytes).filter(|who| !differences().iter().any(|d| d.example == example && d.reads == *who))
}

pub fn differences() -> Vec<Difference> {
    toml::from_str::<Differences>(include_str!("second_parser.toml")).unwrap().difference
}

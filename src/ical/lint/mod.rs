//! In charge of what is wrong with a calendar's bytes, anybody's: each fault with its rule, its
//! line and what programs make of it. The rules' words are `rules.toml`; what they look for is code:
//! `physical` (lines as bytes), `content` (content lines), `structure` (components), `properties`
//! (which may stand where), `values` and `times` (what they say), `itip` (METHOD's demands).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

mod content;
mod itip;
mod physical;
mod properties;
mod structure;
mod times;
mod values;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Programs cope, or differ.
    Warning,
    /// Against an RFC's MUST, or programs break.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One rule, as `rules.toml` says it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its stable name, in kebab case; the table's key.
    #[serde(skip)]
    pub name: String,
    /// Where it is written, e.g. `RFC 5545 §3.1`.
    pub section: String,
    /// How bad a breach is.
    pub severity: Severity,
    /// What should have stood there.
    pub expected: String,
    /// What mail and calendar programs make of a breach.
    pub clients: String,
}

/// A fault found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule broken.
    pub rule: &'static Rule,
    /// The part of a mail whose decoded lines are counted; `None`: the file's own lines.
    pub part: Option<&'static str>,
    /// The physical line, from 1.
    pub line: usize,
    /// What stands there.
    pub found: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rule { name, section, severity, expected, clients } = self.rule;
        write!(f, "{severity} {name} ({section}): found {}; expected {expected}. Clients: {clients}", self.found)
    }
}

/// Every rule by its name. The table is part of the program; a test reads it whole.
static RULES: LazyLock<BTreeMap<String, Rule>> = LazyLock::new(|| {
    let mut rules: BTreeMap<String, Rule> = toml::from_str(include_str!("rules.toml")).unwrap_or_default();
    for (name, rule) in &mut rules {
        rule.name.clone_from(name);
    }
    rules
});

/// What a name that the table does not know would be: never shown, as long as the tests pass.
static UNLISTED: LazyLock<Rule> = LazyLock::new(|| Rule {
    name: "unlisted".to_owned(),
    section: "no section".to_owned(),
    severity: Severity::Error,
    expected: "a rule of the table".to_owned(),
    clients: "unknown".to_owned(),
});

/// All rules, in the order of their names.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    RULES.values()
}

/// A fault against the rule of this name.
pub(crate) fn finding(rule: &str, line: usize, found: impl Into<String>) -> Finding {
    Finding { rule: RULES.get(rule).unwrap_or(&UNLISTED), part: None, line, found: found.into() }
}

/// What is wrong with a calendar (RFC 5545, 5546, 7986, 9074), in the order of its lines. Takes
/// any bytes; an empty list means that nothing was found.
pub fn lint(bytes: &[u8]) -> Vec<Finding> {
    let mut report = Report::default();
    let lines = physical::lines(bytes, &mut report);
    let properties = content::properties(&lines, &mut report);
    let calendars = structure::components(&properties, &mut report);
    for calendar in &calendars {
        structure::check(calendar, &mut report);
        properties::check(calendar, &mut report);
        values::check(calendar, &mut report);
        times::check(calendar, &mut report);
        itip::check(calendar, &mut report);
    }
    let mut findings = report.findings;
    findings.sort_by(|a, b| (a.line, &a.rule.name).cmp(&(b.line, &b.rule.name)));
    findings.dedup();
    findings
}

/// Where the checks put what they find.
#[derive(Default)]
struct Report {
    findings: Vec<Finding>,
}

impl Report {
    fn add(&mut self, rule: &str, line: usize, found: impl Into<String>) {
        self.findings.push(finding(rule, line, found));
    }
}

/// A piece of foreign text, quoted and short enough for a line of the report.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let short: String = text.chars().take(MOST).collect();
    let more = if text.chars().nth(MOST).is_some() { "…" } else { "" };
    format!("{:?}", format!("{short}{more}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_table_is_read_and_every_name_in_the_code_is_in_it() {
        let table: BTreeMap<String, Rule> = toml::from_str(include_str!("rules.toml")).unwrap();
        let code = [
            include_str!("physical.rs"),
            include_str!("content.rs"),
            include_str!("structure.rs"),
            include_str!("properties.rs"),
            include_str!("values.rs"),
            include_str!("times.rs"),
            include_str!("itip.rs"),
            include_str!("../../mail/calendar_check.rs"),
        ]
        .concat();
        let used: Vec<&str> = code.split('"').filter(|w| table.contains_key(*w)).collect();
        for name in table.keys() {
            assert!(used.contains(&name.as_str()), "{name} is in the table and nothing looks for it");
        }
        for piece in code.split("report.add(\"").chain(code.split("finding(\"")).skip(1) {
            let name = piece.split('"').next().unwrap();
            assert!(
                name.contains(' ') || !name.contains('-') || table.contains_key(name),
                "{name} is not in the table"
            );
        }
        for (name, rule) in &table {
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{name}");
            assert!(rule.section.starts_with("RFC ") && !rule.expected.ends_with('.'), "{name}");
        }
    }
}

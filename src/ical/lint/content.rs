//! Content lines: `name *(";" name "=" value *("," value)) ":" value` (RFC 5545 §3.1).

use super::physical::Logical;
use super::{Report, shown};

/// A parameter with its values, each with whether it stood in quotes.
pub(super) struct Parameter {
    /// In capitals.
    pub name: String,
    pub values: Vec<(String, bool)>,
}

/// A property as written, its escapes untouched.
pub(super) struct Property {
    pub line: usize,
    /// In capitals.
    pub name: String,
    pub parameters: Vec<Parameter>,
    pub value: String,
}

impl Property {
    /// The first value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|p| p.name == name)?;
        found.values.first().map(|(value, _)| value.as_str())
    }

    /// Whether VALUE says this type.
    pub fn is_of(&self, kind: &str) -> bool {
        self.parameter("VALUE").is_some_and(|v| v.eq_ignore_ascii_case(kind))
    }
}

/// Parameters whose value is a URI: it stands in quotes (RFC 5545 §3.2).
const QUOTED: &[&str] = &["ALTREP", "DELEGATED-FROM", "DELEGATED-TO", "DIR", "MEMBER", "SENT-BY"];

/// Parameters that hold a list; any other comma wants quotes.
const LISTS: &[&str] = &["DELEGATED-FROM", "DELEGATED-TO", "MEMBER", "FEATURE", "DISPLAY"];

/// Every line that is one.
pub(super) fn properties(lines: &[Logical], report: &mut Report) -> Vec<Property> {
    lines.iter().filter_map(|line| property(line, report)).collect()
}

fn property(line: &Logical, report: &mut Report) -> Option<Property> {
    let Some(end) = line.text.find([':', ';']) else {
        report.add("no-colon", line.number, shown(&line.text));
        return None;
    };
    let (written, mut rest) = line.text.split_at(end);
    if written.is_empty() || !written.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        report.add("property-name", line.number, shown(written));
        return None;
    }
    let name = written.to_ascii_uppercase();
    let mut parameters: Vec<Parameter> = Vec::new();
    while let Some(after) = rest.strip_prefix(';') {
        let (parameter, left) = parameter(after, line.number, report)?;
        rest = left;
        if parameters.iter().any(|p| p.name == parameter.name) {
            report.add("duplicate-parameter", line.number, format!("{} twice in {name}", parameter.name));
        }
        parameters.push(parameter);
    }
    let Some(value) = rest.strip_prefix(':') else {
        report.add("no-colon", line.number, shown(&line.text));
        return None;
    };
    let property = Property { line: line.number, name, parameters, value: value.to_owned() };
    unquoted(&property, report);
    Some(property)
}

/// One `NAME=VALUE,VALUE` and what follows it; `None` when the line cannot be read further.
fn parameter<'a>(text: &'a str, line: usize, report: &mut Report) -> Option<(Parameter, &'a str)> {
    let end = text.find(['=', ';', ':']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let mut parameter = Parameter { name: name.trim().to_ascii_uppercase(), values: Vec::new() };
    let Some(mut rest) = rest.strip_prefix('=') else {
        report.add("unquoted-parameter", line, format!("{} after a semicolon, without =", shown(name)));
        return Some((parameter, rest));
    };
    loop {
        let (value, quoted, left) = parameter_value(rest, &parameter.name, line, report)?;
        parameter.values.push((value, quoted));
        match left.strip_prefix(',') {
            Some(more) => rest = more,
            None => return Some((parameter, left)),
        }
    }
}

fn parameter_value<'a>(text: &'a str, name: &str, line: usize, report: &mut Report) -> Option<(String, bool, &'a str)> {
    let rule = if name == "CN" { "cn-quote-or-control" } else { "quote-in-parameter" };
    let Some(inner) = text.strip_prefix('"') else {
        let (value, left) = text.split_at(text.find([',', ';', ':']).unwrap_or(text.len()));
        if value.contains('"') {
            report.add(rule, line, shown(value));
        }
        return Some((value.to_owned(), false, left));
    };
    let Some((value, after)) = inner.split_once('"') else {
        report.add("quote-not-closed", line, shown(text));
        return None;
    };
    let left = &after[after.find([',', ';', ':']).unwrap_or(after.len())..];
    if left.len() != after.len() {
        report.add(rule, line, format!("{} after the closing quote", shown(&after[..after.len() - left.len()])));
    }
    if name == "CN" && value.chars().any(char::is_control) {
        report.add(rule, line, shown(value));
    }
    Some((value.to_owned(), true, left))
}

/// Values that had to stand in quotes: a comma cuts them into two, a colon into value and property.
fn unquoted(property: &Property, report: &mut Report) {
    for parameter in &property.parameters {
        let name = &parameter.name;
        if parameter.values.len() > 1 && !LISTS.contains(&name.as_str()) && !name.starts_with("X-") {
            let values: Vec<&str> = parameter.values.iter().map(|(v, _)| v.as_str()).collect();
            report.add(
                "unquoted-parameter",
                property.line,
                format!("a bare comma in {name}={}", shown(&values.join(","))),
            );
        }
        if QUOTED.contains(&name.as_str()) && parameter.values.iter().any(|(_, quoted)| !quoted) {
            report.add("unquoted-parameter", property.line, format!("{name} without quotes"));
        }
    }
    let people = ["ATTENDEE", "ORGANIZER"].contains(&property.name.as_str());
    let value = property.value.to_ascii_lowercase();
    if people && !value.starts_with("mailto:") && value.contains(":mailto:") {
        report.add("unquoted-parameter", property.line, format!("a bare colon before {}", shown(&property.value)));
    }
}

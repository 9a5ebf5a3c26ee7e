//! `codevd calendar check FILE…`: what is wrong with calendars and the mails that carry them.
//! Needs no configuration.

use super::args::CalendarCheckArgs;
use super::failure::{Done, Failure, Result};
use super::terminal::{Mark, Terminal};
use crate::daemon::control::MAX_MAIL;
use crate::ical::lint::{Finding, Severity, lint};
use crate::mail::check_calendar_mail;
use serde_json::{Value, json};
use std::io::{self, Read};
use std::path::Path;

/// What is known of one file.
struct Checked {
    findings: Vec<Finding>,
    calendars: usize,
}

pub(super) fn check(args: &CalendarCheckArgs, terminal: &mut Terminal) -> Result {
    let (mut missing, mut clean, mut all) = (Vec::new(), true, Vec::new());
    for file in &args.files {
        match bytes_of(file) {
            Ok(bytes) => {
                let name = if file.as_os_str() == "-" { "stdin".to_owned() } else { file.display().to_string() };
                let checked = checked(&name, &bytes);
                clean &= checked.findings.is_empty();
                match args.json.json {
                    true => all.push(as_json(&name, &checked)),
                    false => show(&name, &checked, terminal)?,
                }
            }
            Err(error) => missing.push(format!("{}: {error}", file.display())),
        }
    }
    if args.json.json {
        terminal.json("calendar check", &Value::Array(all))?;
    }
    match (missing.is_empty(), clean) {
        (false, _) => Err(Failure::because(missing.join("\n"))),
        (true, true) => Ok(Done::Good),
        (true, false) => Ok(Done::Look),
    }
}

/// A file's bytes; a larger one than any mail is refused, since half a calendar has faults of its own.
fn bytes_of(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = MAX_MAIL as u64 + 1;
    match file.as_os_str() == "-" {
        true => io::stdin().lock().take(most).read_to_end(&mut bytes)?,
        false => std::fs::File::open(file)?.take(most).read_to_end(&mut bytes)?,
    };
    if bytes.len() > MAX_MAIL {
        return Err(io::Error::other(format!("larger than {MAX_MAIL} octets; expected a calendar or one mail")));
    }
    Ok(bytes)
}

fn checked(name: &str, bytes: &[u8]) -> Checked {
    if is_mail(name, bytes) {
        let mail = check_calendar_mail(bytes);
        return Checked { findings: mail.findings, calendars: mail.calendars };
    }
    Checked { findings: lint(bytes), calendars: 1 }
}

/// By its name, else by its first line: a header, and not BEGIN.
fn is_mail(name: &str, bytes: &[u8]) -> bool {
    let extension = Path::new(name).extension().map(|e| e.to_ascii_lowercase());
    match extension.as_deref().and_then(|e| e.to_str()) {
        Some("eml") => true,
        Some("ics" | "ical" | "ifb" | "vcs") => false,
        _ => {
            let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
            let name = line.split(|b| *b == b':').next().unwrap_or_default();
            let header = !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-');
            header && line.contains(&b':') && !name.eq_ignore_ascii_case(b"BEGIN")
        }
    }
}

/// Where: a line of the file, or of a calendar decoded out of it.
fn place(name: &str, finding: &Finding) -> String {
    match finding.part {
        Some(part) => format!("{name}[{part}]:{}", finding.line),
        None => format!("{name}:{}", finding.line),
    }
}

fn show(name: &str, checked: &Checked, terminal: &mut Terminal) -> io::Result<()> {
    for finding in &checked.findings {
        let severity = finding.rule.severity;
        let mark = if severity == Severity::Error { Mark::Bad } else { Mark::Care };
        let said = finding.to_string();
        let rest = said.strip_prefix(&severity.to_string()).unwrap_or(&said);
        terminal.line(format_args!("{} {}{rest}", place(name, finding), terminal.mark(mark, &severity.to_string())))?;
    }
    let (errors, warnings) = counts(checked);
    match (checked.calendars, errors + warnings) {
        (0, _) => terminal.line(format_args!("{name}: no calendar in this mail")),
        (_, 0) => terminal.line(format_args!("{name}: no fault found")),
        _ => terminal.line(format_args!("{name}: {} and {}", many(errors, "error"), many(warnings, "warning"))),
    }
}

fn counts(checked: &Checked) -> (usize, usize) {
    let errors = checked.findings.iter().filter(|f| f.rule.severity == Severity::Error).count();
    (errors, checked.findings.len() - errors)
}

fn many(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

fn as_json(name: &str, checked: &Checked) -> Value {
    let (errors, warnings) = counts(checked);
    let finding = |f: &Finding| {
        json!({
            "rule": f.rule.name, "severity": f.rule.severity, "section": f.rule.section, "part": f.part,
            "line": f.line, "found": f.found, "expected": f.rule.expected, "clients": f.rule.clients,
        })
    };
    let findings: Vec<Value> = checked.findings.iter().map(finding).collect();
    json!({"file": name, "calendars": checked.calendars, "errors": errors, "warnings": warnings, "findings": findings})
}

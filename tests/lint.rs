//! The calendar linter's promises: each rule has a good and a bad example, what we write has no
//! fault, and what a second parser cannot read at all is an error here.
//!
//! The examples are `lint/pairs.toml`: a base, replacements for both files (`both`), then for the bad
//! one (`bad`); `at` stands in the line where the rule must be told. In a replacement `⟨0A⟩` is the octet 0x0A.

use codevd::ical::lint::{Finding, lint, rules};
use codevd::mail::check_calendar_mail;
use serde::Deserialize;
use std::collections::BTreeMap;

mod second;
mod writer;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Examples {
    base: BTreeMap<String, String>,
    rule: BTreeMap<String, Pair>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    #[serde(default = "request")]
    base: String,
    #[serde(default)]
    both: Vec<(String, String)>,
    bad: Vec<(String, String)>,
    /// In the line that is told; without it the last word of `bad`.
    at: Option<String>,
    /// What must be told beside it.
    #[serde(default)]
    also: Vec<String>,
    /// The part of a mail whose lines are counted.
    part: Option<String>,
}

fn request() -> String {
    "request".to_owned()
}

fn examples() -> Examples {
    toml::from_str(include_str!("lint/pairs.toml")).unwrap()
}

/// Replaces, each where it must be found.
fn with(text: &str, changes: &[(String, String)], rule: &str) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from.as_str()), "{rule}: {from:?} is not in the example");
        text.replacen(from.as_str(), to, 1)
    })
}

/// CRLF, then the octets named in `⟨…⟩`.
fn octets(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('⟨') {
        out.extend_from_slice(before.replace('\n', "\r\n").as_bytes());
        let (hex, after) = after.split_once('⟩').unwrap();
        out.push(u8::from_str_radix(hex, 16).unwrap());
        rest = after;
    }
    out.extend_from_slice(rest.replace('\n', "\r\n").as_bytes());
    out
}

impl Pair {
    fn good(&self, name: &str, base: &BTreeMap<String, String>) -> String {
        with(&base[&self.base], &self.both, name)
    }

    fn bad(&self, name: &str, base: &BTreeMap<String, String>) -> String {
        with(&self.good(name, base), &self.bad, name)
    }

    fn findings(&self, text: &str) -> Vec<Finding> {
        if self.base.starts_with("mail") { check_calendar_mail(&octets(text)).findings } else { lint(&octets(text)) }
    }

    /// The line of the bad example in which the rule must be told, from 1.
    fn line(&self, bad: &str) -> usize {
        let at = self.at.as_deref().unwrap_or_else(|| self.bad.last().unwrap().1.trim_end());
        let offset = bad.find(at).unwrap_or_else(|| panic!("{at:?} is not in the bad example"));
        let octets = octets(&bad[..offset]);
        octets.iter().filter(|b| **b == b'\n').count() + 1
    }
}

#[test]
fn every_rule_has_a_good_and_a_bad_example() {
    let Examples { base, rule: pairs } = examples();
    let names: Vec<&str> = rules().map(|r| r.name.as_str()).collect();
    assert!(names.len() >= 40, "{} rules", names.len());
    assert_eq!(names, pairs.keys().map(String::as_str).collect::<Vec<_>>());
    let mut wrong = Vec::new();
    for (name, pair) in &pairs {
        let good = pair.findings(&pair.good(name, &base));
        if !good.is_empty() {
            wrong.push(format!("{name}: the good example has {}", told(&good)));
        }
        let bad = pair.bad(name, &base);
        let found = pair.findings(&bad);
        let line = pair.line(&bad);
        let here = |f: &&Finding| f.rule.name == *name && f.line == line && f.part == pair.part.as_deref();
        if !found.iter().any(|f| here(&f)) {
            wrong.push(format!("{name}: expected at line {line}, found {}\n{bad}", told(&found)));
        }
        let others = found.iter().filter(|f| !here(f)).map(|f| &f.rule.name);
        let others: Vec<&String> = others.collect();
        if others != pair.also.iter().collect::<Vec<_>>() {
            wrong.push(format!("{name}: beside it {others:?}; expected {:?}", pair.also));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn told(findings: &[Finding]) -> String {
    let lines: Vec<String> = findings.iter().map(|f| format!("  {}: {f}", f.line)).collect();
    format!("{} findings\n{}", lines.len(), lines.join("\n"))
}

#[test]
fn a_finding_says_rule_section_line_and_consequence() {
    let found = lint(b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:PUBLISH\r\nEND:VCALENDAR\r\n");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].line, 1);
    assert_eq!(
        found[0].to_string(),
        "error calendar-empty (RFC 5545 §3.4): found a calendar without a component; expected at least one \
         component. Clients: nothing is imported, often with an error message"
    );
}

/// `codevd calendar check` in a folder with these files: exit code and standard output.
fn run(files: &[(&str, Vec<u8>)], json: bool) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_codevd"));
    command.current_dir(folder.path()).args(["calendar", "check"]);
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        command.arg(name);
    }
    if json {
        command.arg("--json");
    }
    let output = command.output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_command_says_where_what_and_how_many() {
    let Examples { base, rule } = examples();
    let pair = &rule["version-not-2"];
    let (good, bad) = (octets(&base["request"]), octets(&pair.bad("version-not-2", &base)));
    assert_eq!(run(&[("a.ics", good.clone())], false), (0, "a.ics: no fault found\n".to_owned()));
    let (code, said) = run(&[("a.ics", good.clone()), ("b.ics", bad.clone())], false);
    assert_eq!(code, 3);
    assert_eq!(
        said,
        "a.ics: no fault found\n\
         b.ics:2 error version-not-2 (RFC 5545 §3.7.4): found \"1.0\"; expected VERSION:2.0. Clients: read as \
         vCalendar 1.0, with other rules for text and alarms, or refused\n\
         b.ics: 1 error and 0 warnings\n"
    );
    let (code, said) = run(&[("b.ics", bad)], true);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let first = &said["data"][0]["findings"][0];
    assert_eq!((code, &said["data"][0]["errors"]), (3, &serde_json::json!(1)));
    assert_eq!((&first["rule"], &first["line"]), (&serde_json::json!("version-not-2"), &serde_json::json!(2)));
}

#[test]
fn the_command_reads_mails_and_says_when_there_is_no_calendar() {
    let Examples { base, rule } = examples();
    let mail = octets(&rule["mail-order"].bad("mail-order", &base));
    // by its first line, too
    for name in ["a.eml", "a"] {
        let (code, said) = run(&[(name, mail.clone())], false);
        assert!(code == 3 && said.starts_with(&format!("{name}:17 error mail-order")), "{said}");
    }
    let plain = b"From: a@example.org\r\nSubject: x\r\n\r\nhello\r\n".to_vec();
    assert_eq!(run(&[("a.eml", plain)], false), (0, "a.eml: no calendar in this mail\n".to_owned()));
    let inside = octets(&base["mail"].replace("SEQUENCE:3\n", ""));
    let (code, said) = run(&[("a.eml", inside)], false);
    assert!(code == 3 && said.starts_with("a.eml[text/calendar]:5 error cancel-without-sequence"), "{said}");
    let missing = std::process::Command::new(env!("CARGO_BIN_EXE_codevd"))
        .args(["calendar", "check", "no-such-file.ics"])
        .output()
        .unwrap();
    assert_eq!(missing.status.code(), Some(1));
}

/// What the RFCs allow has no finding, however rare it is.
#[test]
fn valid_files_have_no_finding() {
    let Examples { base, .. } = examples();
    let request = &base["request"];
    let todo =
        "BEGIN:VTODO\nUID:2\nDTSTAMP:20260901T080000Z\nATTENDEE;PARTSTAT=COMPLETED:mailto:ana@example.org\nEND:VTODO\n";
    let own = "X-ALT-DESC;PARTSTAT=ACCEPTED:x\n";
    for (what, text) in [
        ("no METHOD", request.replace("METHOD:REQUEST\n", "")),
        ("names in any case", request.replace("SUMMARY:", "Summary:").replace("UID:", "uid:")),
        ("somebody who invites and comes", request.replace("mailto:\n ana@example.org", "mailto:\n codev@example.org")),
        ("an author's own property", request.replace("LOCATION", &format!("{own}LOCATION"))),
        ("an hour of one's own that floats", base["tiny"].replace("END:VTODO", "DTSTART:20261024T173000\nEND:VTODO")),
        ("a to-do that is done", base["tiny"].replace("BEGIN:VTODO", &format!("{todo}BEGIN:VTODO"))),
    ] {
        let found = lint(&octets(&text));
        assert!(found.is_empty(), "{what}: {}\n{text}", told(&found));
    }
}

#[test]
fn what_is_missing_in_a_free_busy_answer_is_told() {
    let Examples { base, .. } = examples();
    let text = base["tiny"].replace("VTODO", "VFREEBUSY").replace("UID:1\n", "");
    let found = lint(&octets(&text));
    assert_eq!(found.iter().map(|f| f.rule.name.as_str()).collect::<Vec<_>>(), ["uid-missing"], "{}", told(&found));
}

#[test]
fn by_parts_have_ranges() {
    let Examples { base, .. } = examples();
    let with = |part: &str| {
        let rule = format!("RRULE:FREQ=YEARLY;{part}\nLOCATION");
        lint(&octets(&base["request"].replace("LOCATION", &rule))).len()
    };
    for part in
        ["BYHOUR=23", "BYMINUTE=0,59", "BYSECOND=60", "BYMONTHDAY=-31", "BYYEARDAY=366", "BYWEEKNO=-53", "BYDAY=SU"]
    {
        assert_eq!(with(part), 0, "{part}");
    }
    for part in [
        "BYHOUR=24",
        "BYMINUTE=0,60",
        "BYSECOND=61",
        "BYMONTHDAY=0",
        "BYYEARDAY=367",
        "BYWEEKNO=54",
        "BYDAY=54MO",
        "BYDAY=XX",
        "BYDAY=0MO",
        "BYDAY=é",
        "BYMONTH=0",
        "BYSETPOS=0",
        "WKST=1MO",
    ] {
        assert_eq!(with(part), 1, "{part}");
    }
}

#[test]
fn the_command_reads_its_standard_input() {
    use std::io::Write;
    let Examples { base, rule } = examples();
    let check = |bytes: &[u8]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_codevd"));
        command.args(["calendar", "check", "-"]).stdin(std::process::Stdio::piped());
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(bytes).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(check(&octets(&base["request"])), (0, "stdin: no fault found\n".to_owned()));
    let (code, said) = check(&octets(&rule["mail-order"].bad("mail-order", &base)));
    assert!(code == 3 && said.starts_with("stdin:17 error mail-order"), "{said}");
}

/// Each example, good and bad, and each calendar of `tests/itip`, whole and cut short; then one with any octet in the place
/// of any of its first line, its end and what follows. Each with its name, where it is cut, its bytes.
fn calendars() -> Vec<(String, Option<usize>, Vec<u8>)> {
    let Examples { base, rule: pairs } = examples();
    let pairs = pairs.iter().filter(|(_, p)| !p.base.starts_with("mail"));
    let mut texts: Vec<(String, String)> = pairs
        .flat_map(|(n, p)| [(format!("{n}, good"), p.good(n, &base)), (format!("{n}, bad"), p.bad(n, &base))])
        .collect();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/itip");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let Some((_, calendar)) = text.split_once("\n---\n") else { continue };
        texts.push((path.file_name().unwrap().to_string_lossy().into_owned(), calendar.to_owned()));
    }
    texts.sort();
    let mut all = Vec::new();
    for (name, text) in &texts {
        let whole = octets(text);
        let ends = (0..=whole.len()).step_by(13).chain([whole.len()]);
        all.extend(ends.map(|end| (name.clone(), Some(end), whole[..end].to_vec())));
    }
    let tiny = octets(&base["tiny"]);
    for at in 0.."BEGIN:VCALENDAR\r\nVERSION".len() {
        all.extend((0..=u8::MAX).map(|octet| {
            let mut bytes = tiny.clone();
            bytes[at] = octet;
            (format!("octet {at} is 0x{octet:02X}"), None, bytes)
        }));
    }
    all
}

/// What one of the two makes a calendar of, so does the other, but for the differences that are listed; and what calcard
/// refuses is an error here.
#[test]
fn agrees_with_a_second_parser() {
    use codevd::ical::lint::Severity;
    let (mut refused, mut wrong) = (0, Vec::new());
    let (all, listed) = (calendars(), second::differences());
    let mut seen = std::collections::BTreeSet::new();
    for (name, end, bytes) in &all {
        if let Some(who) = second::alone(bytes) {
            match listed.iter().find(|d| d.example == *name && d.reads == who) {
                Some(known) => drop(seen.insert(&known.example)),
                None => wrong.push(format!("{name}, cut at {end:?}: {who} alone reads it")),
            }
        }
        let counted = end.is_some() && calcard::icalendar::ICalendar::parse(String::from_utf8_lossy(bytes)).is_err();
        if counted {
            refused += 1;
            let error = lint(bytes).iter().any(|f| f.rule.severity == Severity::Error);
            assert!(error, "{name}: {}", String::from_utf8_lossy(bytes));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), all.len(), wrong.join("\n"));
    assert!(listed.iter().all(|d| seen.contains(&d.example) && d.why.len() > 20), "a difference that is none");
    assert!(refused > 100 && all.len() > 2 * refused, "{refused} of {} refused", all.len());
}

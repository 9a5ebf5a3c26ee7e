//! In charge of the cases under `tests/itip/`: what is known, a calendar that comes in, and what
//! it changes or why it changes nothing. One file a case; `tests/itip/README.md` says how.

use chrono::{DateTime, Utc};
use codevd::ical::itip::{Answer, Known, Outcome, Refusal, answer};
use codevd::ical::read;
use std::{collections::BTreeSet, fs, path::Path};

const UID: &str = "7f3k9q@codev.example.org";

/// The head of a case file.
#[derive(Debug)]
struct Case {
    sequence: u32,
    time_sequence: u32,
    member: Vec<String>,
    delegates: Vec<String>,
    sender: Option<String>,
    start: DateTime<Utc>,
    told_before: Option<DateTime<Utc>>,
    last: Option<(u32, DateTime<Utc>)>,
    cancelled: bool,
    header_method: Option<String>,
    received: DateTime<Utc>,
    charset: String,
    line_ends: String,
    expect: Vec<String>,
    calendar: String,
}

impl Case {
    fn parse(text: &str) -> Case {
        let (head, calendar) = text.split_once("\n---\n").expect("a line --- after the head");
        let mut case = Case {
            sequence: 0,
            time_sequence: 0,
            member: vec!["ana@example.org".into()],
            delegates: vec![],
            sender: None,
            start: "2026-10-24T15:30:00Z".parse().unwrap(),
            told_before: None,
            last: None,
            cancelled: false,
            header_method: Some("REPLY".into()),
            received: "2026-09-02T09:00:30Z".parse().unwrap(),
            charset: "utf-8".into(),
            line_ends: "crlf".into(),
            expect: vec![],
            calendar: calendar.to_owned(),
        };
        for line in head.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (key, value) = line.split_once(':').expect("key: value");
            case.set(key, value.trim());
        }
        assert!(head.starts_with("# "), "the first line says what the case shows");
        case
    }

    fn set(&mut self, key: &str, value: &str) {
        let words = || value.split_whitespace().map(str::to_owned).collect();
        match key {
            "sequence" => self.sequence = value.parse().unwrap(),
            "time-sequence" => self.time_sequence = value.parse().unwrap(),
            "member" => self.member = words(),
            "delegates" => self.delegates = words(),
            "sender" => self.sender = Some(value.to_owned()),
            "start" => self.start = value.parse().unwrap(),
            "told-before" => self.told_before = Some(value.parse().unwrap()),
            "last" => {
                let (sequence, stamp) = value.split_once(' ').unwrap();
                self.last = Some((sequence.parse().unwrap(), stamp.parse().unwrap()));
            }
            "cancelled" => self.cancelled = value == "yes",
            "header-method" => self.header_method = (value != "none").then(|| value.to_owned()),
            "received" => self.received = value.parse().unwrap(),
            "charset" => self.charset = value.to_owned(),
            "line-ends" => self.line_ends = value.to_owned(),
            "expect" => self.expect.push(value.to_owned()),
            other => panic!("unknown key {other:?}"),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let end = match self.line_ends.as_str() {
            "crlf" => "\r\n",
            "lf" => "\n",
            "cr" => "\r",
            other => panic!("unknown line ends {other:?}"),
        };
        let text = self.calendar.replace('\n', end);
        match self.charset.as_str() {
            "utf-8" => text.into_bytes(),
            "utf-8-bom" => format!("\u{feff}{text}").into_bytes(),
            "latin-1" => text.chars().map(|c| u8::try_from(c).expect("latin-1")).collect(),
            "utf-16" => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect(),
            other => panic!("unknown charset {other:?}"),
        }
    }

    fn outcomes(&self) -> Vec<Result<Outcome, Refusal>> {
        let known = Known {
            uid: UID,
            sequence: self.sequence,
            time_sequence: self.time_sequence,
            member_emails: &self.member,
            delegates: &self.delegates,
            sender: self.sender.as_ref().unwrap_or(&self.member[0]),
            start: self.start,
            told_before: self.told_before,
            last: self.last,
            cancelled: self.cancelled,
        };
        let messages = read(&self.bytes());
        let header = self.header_method.as_deref();
        messages.iter().map(|message| answer(&known, header, message, self.received)).collect()
    }
}

/// `apply ACCEPTED 2 2026-09-02T09:00:00Z "comment" -> delegate`, or `refused Reason`.
fn told(outcome: &Result<Outcome, Refusal>) -> String {
    match outcome {
        Ok(Outcome::Apply(answer)) => format!("apply {}", told_answer(answer)),
        Ok(Outcome::OldTime(answer)) => format!("old-time {}", told_answer(answer)),
        Ok(Outcome::Counter { start, answer }) => {
            format!("counter {} {}", start.format("%Y-%m-%dT%H:%M:%SZ"), told_answer(answer))
        }
        Ok(Outcome::Refresh) => "refresh".to_owned(),
        Err(refusal) => format!("refused {refusal:?}"),
    }
}

fn told_answer(answer: &Answer) -> String {
    let stamp = answer.dtstamp.format("%Y-%m-%dT%H:%M:%SZ");
    let mut told = format!("{} {} {stamp}", answer.part_stat, answer.sequence);
    if let Some(comment) = &answer.comment {
        told.push_str(&format!(" {comment:?}"));
    }
    for delegate in &answer.delegated_to {
        told.push_str(&format!(" -> {delegate}"));
    }
    told
}

fn cases() -> Vec<(String, Case)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/itip");
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            cases.push((name, Case::parse(&fs::read_to_string(&path).unwrap())));
        }
    }
    cases.sort_by(|a, b| a.0.cmp(&b.0));
    cases
}

#[test]
fn every_case_says_what_it_should() {
    let mut wrong = Vec::new();
    for (name, case) in cases() {
        let found: Vec<String> = case.outcomes().iter().map(told).collect();
        let found = if found.is_empty() { vec!["no event".to_owned()] } else { found };
        if found != case.expect {
            wrong.push(format!("{name}\n  expected {:#?}\n  found    {found:#?}", case.expect));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_cases_are_many_and_show_every_refusal() {
    let cases = cases();
    assert!(cases.len() >= 150, "{} cases", cases.len());
    let shown: BTreeSet<&str> = cases
        .iter()
        .flat_map(|(_, case)| case.expect.iter())
        .filter_map(|expect| expect.strip_prefix("refused "))
        .map(|reason| reason.split(['(', ' ']).next().unwrap())
        .collect();
    let all = [
        "Cancelled",
        "NoAttendee",
        "NoTime",
        "NotAReply",
        "NotYours",
        "OlderThanKnown",
        "SequenceAhead",
        "SeveralAttendees",
        "UndeclaredDelegate",
        "UnknownPartStat",
        "UnknownZone",
        "WrongUid",
    ];
    assert_eq!(shown.into_iter().collect::<Vec<_>>(), all);
}

#[test]
fn every_refusal_reads_as_a_sentence() {
    for (name, case) in cases() {
        for refusal in case.outcomes().into_iter().filter_map(Result::err) {
            let sentence = refusal.to_string();
            assert!(sentence.len() > 20 && !sentence.contains("Refusal"), "{name}: {sentence}");
            let debug = format!("{refusal:?}");
            let word: String = debug.chars().take_while(|c| c.is_alphanumeric()).collect();
            assert_eq!(refusal.code().replace('-', ""), word.to_lowercase(), "{name}");
        }
    }
}

#[test]
fn a_message_that_comes_twice_changes_nothing_the_second_time() {
    for (name, mut case) in cases() {
        let first = case.outcomes();
        let [Ok(Outcome::Apply(answer) | Outcome::OldTime(answer))] = first.as_slice() else {
            continue;
        };
        case.last = Some((answer.sequence, answer.dtstamp));
        assert_eq!(case.outcomes(), first, "{name}");
    }
}

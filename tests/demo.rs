//! The demo's promises: the same mails byte for byte with the same seed, calendars that a second
//! parser reads, every prompt for every role, and a digest with all that was collected.

use calcard::icalendar::{ICalendar, ICalendarProperty};
use codevd::demo::{Demo, Options, play};
use codevd::ical::lint::Severity;
use codevd::mail::{CalendarMail, check_calendar_mail, letter};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn run(language: &str, seed: u64, out: &Path) -> (Demo, Vec<String>) {
    let scratch = tempfile::tempdir().unwrap();
    let options = Options { language: language.into(), seed, format: None, out: Some(out.to_owned()) };
    let mut told = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let demo = runtime.block_on(play(&options, scratch.path(), &mut |line| told.push(line.to_owned())));
    (demo.unwrap(), told)
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = |e: std::fs::DirEntry| (e.file_name().to_string_lossy().into_owned(), std::fs::read(e.path()).unwrap());
    std::fs::read_dir(folder).unwrap().map(|e| read(e.unwrap())).collect()
}

#[test]
fn the_same_seed_gives_the_same_month_and_another_seed_another() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (first, told) = run("fr", 7, &at("a"));
    let (second, again) = run("fr", 7, &at("b"));
    assert_eq!((&first, &told), (&second, &again));
    assert_eq!(files(&at("a")), files(&at("b")));
    run("fr", 8, &at("c"));
    assert_ne!(files(&at("a")), files(&at("c")));
}

#[test]
fn every_mail_of_the_month_holds_what_it_promises() {
    for language in ["fr", "en"] {
        let folder = tempfile::tempdir().unwrap();
        let (demo, told) = run(language, 7, folder.path());
        let files = files(folder.path());
        assert_eq!(files.len(), demo.sent + demo.received + 1);
        assert!(told.len() > 60, "{} lines", told.len());
        calendars(&files);
        faultless(&files);
        prompts(&files);
        digest(&demo, language);
    }
}

/// Every calendar part of the month, ours and the members', is read whole by a second parser.
fn calendars(files: &BTreeMap<String, Vec<u8>>) {
    let (mut ours, mut theirs) = (0, 0);
    for (name, bytes) in files.iter().filter(|(n, _)| n.ends_with(".eml")) {
        for part in letter(bytes).calendar {
            let text = String::from_utf8(part).unwrap();
            assert!(text.lines().all(|l| l.len() <= 75), "{name}: a long line");
            let calendar = ICalendar::parse(&text).unwrap_or_else(|e| panic!("{name}: {e:?}"));
            let events: Vec<_> = calendar.components.iter().filter(|c| c.component_type.is_event()).collect();
            assert_eq!(events.len(), 1, "{name}");
            let has = |p: &ICalendarProperty| events[0].entries.iter().any(|e| e.name == *p);
            for property in [
                ICalendarProperty::Uid,
                ICalendarProperty::Dtstamp,
                ICalendarProperty::Dtstart,
                ICalendarProperty::Organizer,
                ICalendarProperty::Attendee,
            ] {
                let exchange = property == ICalendarProperty::Organizer && name.contains("-in-");
                assert!(exchange || has(&property), "{name}: no {property:?}");
            }
            if name.contains("-out-") { ours += 1 } else { theirs += 1 }
        }
    }
    assert!(ours >= 14 && theirs >= 3, "{ours} calendars of ours, {theirs} of members");
}

/// The linter has nothing against our mails with their calendars, and no error against the members'.
fn faultless(files: &BTreeMap<String, Vec<u8>>) {
    let mut ours = 0;
    for (name, bytes) in files.iter().filter(|(n, _)| n.ends_with(".eml")) {
        let CalendarMail { calendars, findings } = check_calendar_mail(bytes);
        let out = name.contains("-out-");
        let wrong: Vec<_> = findings.iter().filter(|f| out || f.rule.severity == Severity::Error).collect();
        assert!(wrong.is_empty(), "{name}:{}: {}", wrong[0].line, wrong[0]);
        ours += if out { calendars } else { 0 };
    }
    // each with the part and the attachment
    assert!(ours >= 28, "{ours} calendars of ours");
}

/// Six numbered steps and the others, for requester, cooperants and facilitator, each in their language.
fn prompts(files: &BTreeMap<String, Vec<u8>>) {
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, bytes) in files.iter().filter(|(n, _)| n.contains("-out-")) {
        let subject = letter(bytes).subject;
        let topic = subject.split_once("] ").map_or("", |(_, rest)| rest);
        if topic.contains("· jusqu") || topic.contains("· until") {
            let who = name.split("-out-").nth(1).unwrap().trim_end_matches(".eml").to_owned();
            if !subject.starts_with("Re:") {
                seen.entry(who).or_default().push(topic.to_owned());
            }
        }
    }
    assert_eq!(seen.len(), 7, "{:?}", seen.keys());
    for (who, topics) in seen {
        // the follow-up has nobody to tell it in a first session: ten prompts and not eleven
        assert_eq!(topics.len(), 10, "{who}: {topics:?}");
        let numbers: BTreeSet<&str> = topics.iter().filter(|t| t.contains("/6")).map(|t| &t[..3]).collect();
        assert_eq!(numbers, BTreeSet::from(["1/6", "2/6", "3/6", "4/6", "5/6", "6/6"]), "{who}");
    }
}

fn digest(demo: &Demo, language: &str) {
    let (request, dated, learnings) = match language {
        "fr" => (
            "Aidez-moi à dire non à mes anciens collègues sans perdre leur confiance",
            ["15 décembre", "23 décembre"],
            [
                "attendre avant de conseiller",
                "je dis souvent oui",
                "ne m'a rien coûté",
                "two questions",
                "règle écrite",
            ],
        ),
        _ => (
            "Help me to say no to my former colleagues without losing their trust",
            ["15 December", "23 December"],
            ["wait before I advise", "often say yes", "cost me nothing", "deux questions", "written rule"],
        ),
    };
    for text in [&demo.digest, &demo.digest_text] {
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ").replace(['\u{a0}', '\u{202f}'], " ");
        let typed = flat.replace('’', "'");
        for needle in [request].into_iter().chain(dated).chain(learnings) {
            assert!(typed.contains(needle), "{language}: {needle:?} is not in\n{text}");
        }
        // who was there is told; whose learning that one is, is not
        let learnings = typed.split("Présen").next().and_then(|t| t.split("Present:").next()).unwrap_or_default();
        let learnings = learnings.split("## Attendance").next().unwrap_or_default();
        assert!(
            !learnings.contains("Dimitri"),
            "the anonymous learning has a name:
{text}"
        );
    }
}

//! In charge of the promises about calendars on the wire: what we write, and that every
//! program's answer to it is understood.

use chrono::{DateTime, TimeDelta, Utc};
use codevd::ical::*;

mod answers;
mod any;
mod zones;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn attendee(email: &str, name: &str, role: Role) -> Attendee {
    Attendee { email: email.into(), name: name.into(), part_stat: PartStat::NeedsAction, rsvp: true, role }
}

fn event() -> Event {
    Event {
        uid: "7f3k9q@codev.example.org".into(),
        sequence: 2,
        dtstamp: at("2026-09-01T08:00:00Z"),
        created: at("2026-08-01T08:00:00Z"),
        last_modified: at("2026-08-31T08:00:00Z"),
        start: at("2026-10-24T15:30:00Z"),
        end: at("2026-10-24T17:30:00Z"),
        summary: "Codéveloppement, séance 3 ; demandeuse : Ana".into(),
        description: "17:30 accueil\n17:35 exposé d'Ana, 1/6\n17:45 clarification; 2/6".into(),
        location: Some("https://visio.example.org/codev".into()),
        url: Some("https://visio.example.org/codev".into()),
        organizer: Organizer { email: "codev@example.org".into(), name: "Codev du jeudi".into() },
        attendees: vec![
            attendee("ana@example.org", "Ana Lopes", Role::ReqParticipant),
            attendee("fred@example.org", "Fred \"le Grand\" Noir", Role::Chair),
        ],
        categories: vec!["codev".into(), "pairs, entraide".into()],
        status: Status::Confirmed,
        alarm_minutes: Some(15),
        steps: Vec::new(),
        transparent: false,
        language: Some("fr".into()),
        reference: Some("0123456789ab0123456789abcdefghjk".into()),
    }
}

fn request(event: &Event) -> String {
    write(&Method::Request, event).unwrap()
}

/// The content lines, unfolded.
fn lines(text: &str) -> Vec<String> {
    let unfolded = text.replace("\r\n ", "");
    unfolded.split_terminator("\r\n").map(str::to_owned).collect()
}

/// What stands after the first colon outside quotes.
fn value(line: &str) -> &str {
    let mut quoted = false;
    let colon = line.find(|c| {
        quoted ^= c == '"';
        c == ':' && !quoted
    });
    &line[colon.expect("a content line has a colon") + 1..]
}

fn has(text: &str, line: &str) -> bool {
    lines(text).iter().any(|found| found == line)
}

fn assert_wire(text: &str) {
    assert!(text.ends_with("END:VCALENDAR\r\n"), "{text}");
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "bare LF");
    assert_eq!(text.matches('\r').count(), text.matches("\r\n").count(), "bare CR");
    for line in text.split("\r\n") {
        assert!(line.len() <= 75, "{} octets: {line:?}", line.len());
    }
    for line in lines(text) {
        assert_ne!(value(&line), "", "empty property: {line:?}");
        let first = line.split(['\u{3a}', ';']).next().unwrap();
        assert!(first.bytes().all(|b| b.is_ascii_uppercase() || b == b'-'), "{line:?}");
    }
}

#[test]
fn the_whole_invitation() {
    insta::assert_snapshot!(request(&event()).replace("\r\n", "\n"));
}

#[test]
fn rule_3_one_event_one_uid_and_never_a_series() {
    let text = request(&event());
    assert_eq!(text.matches("BEGIN:VEVENT").count(), 1);
    assert!(has(&text, "UID:7f3k9q@codev.example.org"));
    for word in ["RRULE", "RDATE", "RECURRENCE-ID", "EXDATE"] {
        assert!(!text.contains(word), "{word}");
    }
}

#[test]
fn rule_4_times_are_utc_and_no_zone_is_named() {
    let text = request(&event());
    assert!(has(&text, "DTSTART:20261024T153000Z") && has(&text, "DTEND:20261024T173000Z"));
    assert!(!text.contains("TZID") && !text.contains("VTIMEZONE"));
}

#[test]
fn rule_5_sequence_and_stamps_come_from_the_event() {
    let text = request(&event());
    for line in ["SEQUENCE:2", "DTSTAMP:20260901T080000Z", "CREATED:20260801T080000Z", "LAST-MODIFIED:20260831T080000Z"]
    {
        assert!(has(&text, line), "{line}");
    }
    let mut resent = event();
    resent.dtstamp += TimeDelta::minutes(1);
    let resent = request(&resent);
    assert!(has(&resent, "SEQUENCE:2") && has(&resent, "DTSTAMP:20260901T080100Z"));
    assert_eq!(text.replace("20260901T080000Z", ""), resent.replace("20260901T080100Z", ""));
}

#[test]
fn rule_5_each_answer_known_and_asked_for_is_written() {
    let mut event = event();
    event.attendees[0].part_stat = PartStat::Accepted;
    event.attendees[0].rsvp = false;
    let text = request(&event);
    assert!(has(
        &text,
        "ATTENDEE;CN=\"Ana Lopes\";PARTSTAT=ACCEPTED;ROLE=REQ-PARTICIPANT;RSVP=FALSE:mailto:ana@example.org"
    ));
    assert!(has(
        &text,
        "ATTENDEE;CN=\"Fred 'le Grand' Noir\";PARTSTAT=NEEDS-ACTION;ROLE=CHAIR;RSVP=TRUE:mailto:fred@example.org"
    ));
}

#[test]
fn rule_6_a_cancellation_names_everybody_and_says_cancelled() {
    let mut event = event();
    event.status = Status::Cancelled;
    event.sequence = 3;
    let text = write(&Method::Cancel, &event).unwrap();
    assert_wire(&text);
    assert!(has(&text, "METHOD:CANCEL") && has(&text, "STATUS:CANCELLED") && has(&text, "SEQUENCE:3"));
    assert!(has(&text, "UID:7f3k9q@codev.example.org"));
    assert_eq!(text.matches("\r\nATTENDEE").count(), 2);
    assert!(!text.contains("VALARM"), "RFC 5546 §3.2.5: no alarm in a CANCEL");
}

#[test]
fn rule_6_taking_one_person_off_says_nothing_of_the_status() {
    let mut event = event();
    event.status = Status::None;
    assert_eq!(write(&Method::Cancel, &event), Err(IcalError::CancelOfOne(2)));
    event.attendees.truncate(1);
    let text = write(&Method::Cancel, &event).unwrap();
    assert!(has(&text, "METHOD:CANCEL") && !text.contains("STATUS:"));
    assert_eq!(text.matches("\r\nATTENDEE").count(), 1);
}

#[test]
fn rule_8_the_guest_list_is_what_the_event_says_each_address_once() {
    let mut event = event();
    event.attendees.push(attendee("ANA@example.org", "Again", Role::OptParticipant));
    let text = request(&event);
    assert_eq!(text.matches("\r\nATTENDEE").count(), 2);
    assert!(!text.contains("Again"));
    event.attendees.truncate(1);
    assert!(!request(&event).contains("fred@example.org"));
}

#[test]
fn rule_9_what_an_invitation_says() {
    let text = request(&event());
    for line in [
        "SUMMARY;LANGUAGE=fr:Codéveloppement\\, séance 3 \\; demandeuse : Ana",
        "LOCATION;LANGUAGE=fr:https://visio.example.org/codev",
        "DESCRIPTION;LANGUAGE=fr:17:30 accueil\\n17:35 exposé d'Ana\\, 1/6\\n17:45 clarification\\; 2/6",
        "URL:https://visio.example.org/codev",
        "CONFERENCE;VALUE=URI:https://visio.example.org/codev",
        "CLASS:PRIVATE",
        "TRANSP:OPAQUE",
        "CATEGORIES:codev,pairs\\, entraide",
        "STATUS:CONFIRMED",
        "ORGANIZER;CN=\"Codev du jeudi\":mailto:codev@example.org",
    ] {
        assert!(has(&text, line), "{line}\nnot in\n{text}");
    }
}

#[test]
fn rule_9_one_alarm_with_nothing_random_in_it() {
    let text = request(&event());
    let alarm: Vec<String> = lines(&text);
    let begin = alarm.iter().position(|line| line == "BEGIN:VALARM").unwrap();
    let end = alarm.iter().position(|line| line == "END:VALARM").unwrap();
    assert_eq!(
        alarm[begin + 1..end],
        [
            "ACTION:DISPLAY",
            "DESCRIPTION:Codéveloppement\\, séance 3 \\; demandeuse : Ana",
            "TRIGGER:-PT15M",
            "UID:alarm-7f3k9q@codev.example.org",
        ]
    );
    assert_eq!(text.matches("BEGIN:VALARM").count(), 1);
}

#[test]
fn rule_9_the_facilitators_own_event_rings_at_each_step() {
    let step = |after_seconds, text: &str| StepAlarm { after_seconds, text: text.into() };
    let steps = vec![step(0, "Accueil"), step(900, "1/6 Exposé; 10 min"), step(1500, "")];
    let own = Event { alarm_minutes: None, steps, transparent: true, ..event() };
    let text = request(&own);
    assert_wire(&text);
    let all = lines(&text);
    let with = |name: &str| all.iter().filter(|l| l.starts_with(name)).map(String::as_str).collect::<Vec<_>>();
    assert_eq!(with("TRIGGER"), ["TRIGGER:PT0S", "TRIGGER:PT900S", "TRIGGER:PT1500S"]);
    assert_eq!(with("BEGIN:VALARM").len(), 3);
    assert_eq!(with("DTSTAMP").len(), 1, "an alarm has none (RFC 5545 §3.6.6)");
    assert_eq!(with("TRANSP"), ["TRANSP:TRANSPARENT"]);
    let uids = with("UID:alarm-");
    assert!(uids.len() == 3 && uids[0] != uids[1] && uids[1] != uids[2], "{uids:?}");
    assert!(has(&text, "DESCRIPTION:1/6 Exposé\\; 10 min"));
    let off = write(&Method::Cancel, &Event { status: Status::Cancelled, ..own }).unwrap();
    assert!(!off.contains("VALARM"));
}

#[test]
fn rule_15_a_declined_proposal_leaves_the_event_as_it_was() {
    let text = write(&Method::DeclineCounter, &event()).unwrap();
    assert_wire(&text);
    assert!(has(&text, "METHOD:DECLINECOUNTER") && has(&text, "SEQUENCE:2") && has(&text, "STATUS:CONFIRMED"));
    assert!(!text.contains("VALARM"));
    let off = Event { status: Status::Cancelled, ..event() };
    assert!(matches!(write(&Method::DeclineCounter, &off), Err(IcalError::Status { .. })));
}

#[test]
fn rule_9_a_link_that_is_not_https_is_no_conference_and_a_script_no_link() {
    let mut event = event();
    event.url = Some("tel:+33123456789".into());
    let text = request(&event);
    assert!(has(&text, "URL:tel:+33123456789") && !text.contains("CONFERENCE"));
    for no_link in ["javascript:alert(1)", "data:text/html,x", "salle 3", "https:", ""] {
        event.url = Some(no_link.into());
        let text = request(&event);
        assert!(!text.contains("\r\nURL"), "{no_link}: {text}");
    }
    event.url = Some("https://x.example/é \"a\"\r\nATTENDEE:mailto:e@x".into());
    let text = request(&event);
    assert!(has(&text, "URL:https://x.example/%C3%A9%20%22a%22%20ATTENDEE:mailto:e@x"), "{text}");
}

#[test]
fn rule_10_prodid_method_version_and_no_calscale() {
    let text = request(&event());
    assert!(text.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//codevd//codevd//EN\r\nMETHOD:REQUEST\r\n"));
    assert!(!text.contains("CALSCALE"));
}

#[test]
fn rule_10_folding_at_every_length() {
    for length in 60..200 {
        let mut event = event();
        event.summary = "a".repeat(length);
        event.description = "é".repeat(length);
        event.attendees[0].name = "老".repeat(length);
        let text = request(&event);
        assert_wire(&text);
        assert!(has(&text, &format!("SUMMARY;LANGUAGE=fr:{}", "a".repeat(length))));
        assert!(has(&text, &format!("DESCRIPTION;LANGUAGE=fr:{}", "é".repeat(length))));
    }
}

#[test]
fn rule_10_what_is_too_long_is_cut_and_says_so() {
    let mut event = event();
    event.description = "é".repeat(100_000);
    event.summary = "é".repeat(5_000);
    event.attendees[0].name = "é".repeat(5_000);
    event.url = Some(format!("https://x.example/{}", "a".repeat(5_000)));
    let text = request(&event);
    assert_wire(&text);
    assert!(has(&text, &format!("DESCRIPTION;LANGUAGE=fr:{}…", "é".repeat(7_999))));
    assert!(has(&text, &format!("SUMMARY;LANGUAGE=fr:{}…", "é".repeat(999))));
    assert!(text.replace("\r\n ", "").contains(&format!("CN=\"{}…\"", "é".repeat(199))));
    assert!(!text.contains("\r\nURL"));
}

#[test]
fn rule_10_nothing_gets_out_of_its_property() {
    let evil = "x\"\r\nATTENDEE:mailto:evil@x\r\n\"y\\\"z^n";
    let mut event = event();
    event.attendees[0].name = evil.into();
    event.organizer.name = evil.into();
    event.summary = evil.into();
    event.description = evil.into();
    event.location = Some(evil.into());
    event.categories = vec![evil.into()];
    event.language = Some(evil.into());
    let text = request(&event);
    assert_wire(&text);
    assert_eq!(text.matches("\r\nATTENDEE").count(), 2);
    assert!(has(&text, "ORGANIZER;CN=\"x' ATTENDEE:mailto:evil@x 'y/'z n\":mailto:codev@example.org"));
    let read = read(text.as_bytes());
    assert_eq!(read[0].attendees.len(), 2);
    assert_eq!(read[0].attendees[0].name.as_deref(), Some("x' ATTENDEE:mailto:evil@x 'y/'z n"));
}

#[test]
fn rule_10_no_empty_property() {
    let mut event = event();
    event.summary = " \r\n ".into();
    event.description = "\0".into();
    event.location = Some(String::new());
    event.url = None;
    event.categories = vec!["".into(), " ".into()];
    event.attendees[0].name = "\u{7f}".into();
    event.organizer.name = String::new();
    event.language = Some(String::new());
    let text = request(&event);
    assert_wire(&text);
    for word in ["\r\nSUMMARY", "\r\nLOCATION", "\r\nURL", "CATEGORIES", "CONFERENCE", "LANGUAGE"] {
        assert!(!text.contains(word), "{word}");
    }
    assert!(has(&text, "ORGANIZER:mailto:codev@example.org"));
    assert!(has(&text, "ATTENDEE;PARTSTAT=NEEDS-ACTION;ROLE=REQ-PARTICIPANT;RSVP=TRUE:mailto:ana@example.org"));
}

#[test]
fn rule_11_the_same_event_gives_the_same_bytes() {
    assert_eq!(request(&event()), request(&event()));
}

/// Breaks one thing of the event, and what `write` must say to it.
type Broken = (fn(&mut Event), Method, &'static str);

#[test]
fn what_cannot_be_mended_is_refused_in_words() {
    let cases: [Broken; 14] = [
        (|_| {}, Method::Reply, "METHOD:REPLY; expected REQUEST, CANCEL or DECLINECOUNTER"),
        (|_| {}, Method::Publish, "METHOD:PUBLISH; expected REQUEST, CANCEL or DECLINECOUNTER"),
        (|e| e.uid = "a\r\nb".into(), Method::Request, "UID \"a\\r\\nb\""),
        (|e| e.uid = "".into(), Method::Request, "UID \"\""),
        (|e| e.attendees[0].email = "ana".into(), Method::Request, "Ana Lopes's address \"ana\""),
        (|e| e.attendees[0].email = "a@x\r\nX:1".into(), Method::Request, "name@domain"),
        (|e| e.organizer.email = "\"a b\"@x".into(), Method::Request, "the organizer's address"),
        (|e| e.organizer.email = "codev+1@x".into(), Method::Request, "holds a '+'"),
        (|e| e.organizer.email = "Ana@Example.org".into(), Method::Request, "both organizer and"),
        (|e| e.attendees.clear(), Method::Request, "needs an attendee"),
        (|e| e.end = e.start, Method::Request, "not after its start"),
        (|e| e.status = Status::Cancelled, Method::Request, "METHOD:REQUEST does not go with"),
        (|_| {}, Method::Cancel, "METHOD:CANCEL does not go with the status Confirmed"),
        (|e| e.created = DateTime::<Utc>::MIN_UTC, Method::Request, "CREATED lies in the year"),
    ];
    for (breaks, method, words) in cases {
        let mut event = event();
        breaks(&mut event);
        let said = write(&method, &event).unwrap_err().to_string();
        assert!(said.contains(words), "{said:?} lacks {words:?}");
    }
}

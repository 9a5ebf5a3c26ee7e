//! In charge of the promises about calendars on the wire: what we write, and that every
//! program's answer to it is understood.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use chrono::{DateTime, TimeDelta, Utc};
use codevd::ical::itip::{Known, Outcome, Refusal, answer};
use codevd::ical::*;
use codevd::sim::calendar_reply::{ReplyError, ReplyStyle, reply};
use proptest::prelude::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn attendee(email: &str, name: &str, role: Role) -> Attendee {
    Attendee {
        email: email.into(),
        name: name.into(),
        part_stat: PartStat::NeedsAction,
        rsvp: true,
        role,
    }
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
        organizer: Organizer {
            email: "codev@example.org".into(),
            name: "Codev du jeudi".into(),
        },
        attendees: vec![
            attendee("ana@example.org", "Ana Lopes", Role::ReqParticipant),
            attendee("fred@example.org", "Fred \"le Grand\" Noir", Role::Chair),
        ],
        categories: vec!["codev".into(), "pairs, entraide".into()],
        status: Status::Confirmed,
        alarm_minutes: Some(15),
        language: Some("fr".into()),
    }
}

fn request(event: &Event) -> String {
    write(&Method::Request, event).unwrap()
}

/// The content lines, unfolded.
fn lines(text: &str) -> Vec<String> {
    let unfolded = text.replace("\r\n ", "");
    unfolded
        .split_terminator("\r\n")
        .map(str::to_owned)
        .collect()
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
    assert_eq!(
        text.matches('\n').count(),
        text.matches("\r\n").count(),
        "bare LF"
    );
    assert_eq!(
        text.matches('\r').count(),
        text.matches("\r\n").count(),
        "bare CR"
    );
    for line in text.split("\r\n") {
        assert!(line.len() <= 75, "{} octets: {line:?}", line.len());
    }
    for line in lines(text) {
        assert_ne!(value(&line), "", "empty property: {line:?}");
        let first = line.split(['\u{3a}', ';']).next().unwrap();
        assert!(
            first.bytes().all(|b| b.is_ascii_uppercase() || b == b'-'),
            "{line:?}"
        );
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
    for line in [
        "SEQUENCE:2",
        "DTSTAMP:20260901T080000Z",
        "CREATED:20260801T080000Z",
        "LAST-MODIFIED:20260831T080000Z",
    ] {
        assert!(has(&text, line), "{line}");
    }
    let mut resent = event();
    resent.dtstamp += TimeDelta::minutes(1);
    let resent = request(&resent);
    assert!(has(&resent, "SEQUENCE:2") && has(&resent, "DTSTAMP:20260901T080100Z"));
    assert_eq!(
        text.replace("20260901T080000Z", ""),
        resent.replace("20260901T080100Z", "")
    );
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
    assert!(
        has(&text, "METHOD:CANCEL") && has(&text, "STATUS:CANCELLED") && has(&text, "SEQUENCE:3")
    );
    assert!(has(&text, "UID:7f3k9q@codev.example.org"));
    assert_eq!(text.matches("\r\nATTENDEE").count(), 2);
    assert!(
        !text.contains("VALARM"),
        "RFC 5546 §3.2.5: no alarm in a CANCEL"
    );
}

#[test]
fn rule_6_taking_one_person_off_says_nothing_of_the_status() {
    let mut event = event();
    event.status = Status::None;
    assert_eq!(
        write(&Method::Cancel, &event),
        Err(IcalError::CancelOfOne(2))
    );
    event.attendees.truncate(1);
    let text = write(&Method::Cancel, &event).unwrap();
    assert!(has(&text, "METHOD:CANCEL") && !text.contains("STATUS:"));
    assert_eq!(text.matches("\r\nATTENDEE").count(), 1);
}

#[test]
fn rule_8_the_guest_list_is_what_the_event_says_each_address_once() {
    let mut event = event();
    event
        .attendees
        .push(attendee("ANA@example.org", "Again", Role::OptParticipant));
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
    let begin = alarm
        .iter()
        .position(|line| line == "BEGIN:VALARM")
        .unwrap();
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
fn rule_9_a_link_that_is_not_https_is_no_conference_and_a_script_no_link() {
    let mut event = event();
    event.url = Some("tel:+33123456789".into());
    let text = request(&event);
    assert!(has(&text, "URL:tel:+33123456789") && !text.contains("CONFERENCE"));
    for no_link in [
        "javascript:alert(1)",
        "data:text/html,x",
        "salle 3",
        "https:",
        "",
    ] {
        event.url = Some(no_link.into());
        let text = request(&event);
        assert!(!text.contains("\r\nURL"), "{no_link}: {text}");
    }
    event.url = Some("https://x.example/é \"a\"\r\nATTENDEE:mailto:e@x".into());
    let text = request(&event);
    assert!(
        has(
            &text,
            "URL:https://x.example/%C3%A9%20%22a%22%20ATTENDEE:mailto:e@x"
        ),
        "{text}"
    );
}

#[test]
fn rule_10_prodid_method_version_and_no_calscale() {
    let text = request(&event());
    assert!(text.starts_with(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//codevd//codevd//EN\r\nMETHOD:REQUEST\r\n"
    ));
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
        assert!(has(
            &text,
            &format!("SUMMARY;LANGUAGE=fr:{}", "a".repeat(length))
        ));
        assert!(has(
            &text,
            &format!("DESCRIPTION;LANGUAGE=fr:{}", "é".repeat(length))
        ));
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
    assert!(has(
        &text,
        &format!("DESCRIPTION;LANGUAGE=fr:{}…", "é".repeat(7_999))
    ));
    assert!(has(
        &text,
        &format!("SUMMARY;LANGUAGE=fr:{}…", "é".repeat(999))
    ));
    assert!(
        text.replace("\r\n ", "")
            .contains(&format!("CN=\"{}…\"", "é".repeat(199)))
    );
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
    assert!(has(
        &text,
        "ORGANIZER;CN=\"x' ATTENDEE:mailto:evil@x 'y/'z n\":mailto:codev@example.org"
    ));
    let read = read(text.as_bytes());
    assert_eq!(read[0].attendees.len(), 2);
    assert_eq!(
        read[0].attendees[0].name.as_deref(),
        Some("x' ATTENDEE:mailto:evil@x 'y/'z n")
    );
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
    for word in [
        "\r\nSUMMARY",
        "\r\nLOCATION",
        "\r\nURL",
        "CATEGORIES",
        "CONFERENCE",
        "LANGUAGE",
    ] {
        assert!(!text.contains(word), "{word}");
    }
    assert!(has(&text, "ORGANIZER:mailto:codev@example.org"));
    assert!(has(
        &text,
        "ATTENDEE;PARTSTAT=NEEDS-ACTION;ROLE=REQ-PARTICIPANT;RSVP=TRUE:mailto:ana@example.org"
    ));
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
        (
            |_| {},
            Method::Reply,
            "METHOD:REPLY; expected REQUEST or CANCEL",
        ),
        (
            |_| {},
            Method::Publish,
            "METHOD:PUBLISH; expected REQUEST or CANCEL",
        ),
        (
            |e| e.uid = "a\r\nb".into(),
            Method::Request,
            "UID \"a\\r\\nb\"",
        ),
        (|e| e.uid = "".into(), Method::Request, "UID \"\""),
        (
            |e| e.attendees[0].email = "ana".into(),
            Method::Request,
            "Ana Lopes's address \"ana\"",
        ),
        (
            |e| e.attendees[0].email = "a@x\r\nX:1".into(),
            Method::Request,
            "name@domain",
        ),
        (
            |e| e.organizer.email = "\"a b\"@x".into(),
            Method::Request,
            "the organizer's address",
        ),
        (
            |e| e.organizer.email = "codev+1@x".into(),
            Method::Request,
            "holds a '+'",
        ),
        (
            |e| e.organizer.email = "Ana@Example.org".into(),
            Method::Request,
            "both organizer and",
        ),
        (
            |e| e.attendees.clear(),
            Method::Request,
            "needs an attendee",
        ),
        (|e| e.end = e.start, Method::Request, "not after its start"),
        (
            |e| e.status = Status::Cancelled,
            Method::Request,
            "METHOD:REQUEST does not go with",
        ),
        (
            |_| {},
            Method::Cancel,
            "METHOD:CANCEL does not go with the status Confirmed",
        ),
        (
            |e| e.created = DateTime::<Utc>::MIN_UTC,
            Method::Request,
            "CREATED lies in the year",
        ),
    ];
    for (breaks, method, words) in cases {
        let mut event = event();
        breaks(&mut event);
        let said = write(&method, &event).unwrap_err().to_string();
        assert!(said.contains(words), "{said:?} lacks {words:?}");
    }
}

// ---- members' answers to what we write

fn known<'a>(uid: &'a str, mine: &'a [String]) -> Known<'a> {
    Known {
        uid,
        sequence: 2,
        time_sequence: 1,
        member_emails: mine,
        delegates: &[],
        last: None,
        cancelled: false,
    }
}

#[test]
fn every_program_and_every_button() {
    let invitation = request(&event());
    let pressed = at("2026-09-02T09:00:00Z");
    let mine = ["Ana@Example.org".to_owned()];
    let known = known("7f3k9q@codev.example.org", &mine);
    let said = "Je ne peux pas; jeudi, peut-être ?";
    for style in ReplyStyle::ALL {
        for part_stat in [PartStat::Accepted, PartStat::Declined, PartStat::Tentative] {
            let text = reply(
                &invitation,
                "ana@example.org",
                part_stat,
                style,
                Some(said),
                pressed,
            )
            .unwrap();
            assert_wire(&text);
            let messages = read(text.as_bytes());
            assert_eq!(messages.len(), 1, "{style:?}");
            let message = &messages[0];
            assert_eq!(message.start, Some(When::At(event().start)), "{style:?}");
            assert_eq!(message.end, Some(When::At(event().end)), "{style:?}");
            assert_eq!(message.organizer.is_none(), style == ReplyStyle::Outlook);
            let outcome = answer(&known, None, message, pressed).unwrap();
            let Outcome::Apply(answer) = outcome else {
                panic!("{style:?}: {outcome:?}")
            };
            assert_eq!(
                (answer.part_stat, answer.sequence),
                (part_stat, 2),
                "{style:?}"
            );
            assert_eq!(answer.dtstamp, pressed);
            let comment = (style != ReplyStyle::Proton).then_some(said);
            assert_eq!(answer.comment.as_deref(), comment, "{style:?}");
        }
    }
}

#[test]
fn an_answer_to_the_old_hour_is_kept_as_such_whatever_the_program() {
    let invitation = request(&event());
    let mine = ["ana@example.org".to_owned()];
    let moved = Known {
        sequence: 3,
        time_sequence: 3,
        ..known("7f3k9q@codev.example.org", &mine)
    };
    for style in ReplyStyle::ALL {
        let stamp = at("2026-09-02T09:00:00Z");
        let text = reply(
            &invitation,
            "ana@example.org",
            PartStat::Accepted,
            style,
            None,
            stamp,
        );
        let message = read(text.unwrap().as_bytes()).remove(0);
        let outcome = answer(&moved, Some("REPLY"), &message, stamp);
        assert!(
            matches!(outcome, Ok(Outcome::OldTime(_))),
            "{style:?}: {outcome:?}"
        );
    }
}

#[test]
fn our_own_invitation_sent_back_is_no_answer() {
    let mine = ["ana@example.org".to_owned()];
    let message = read(request(&event()).as_bytes()).remove(0);
    let known = known("7f3k9q@codev.example.org", &mine);
    let outcome = answer(&known, None, &message, at("2026-09-02T09:00:00Z"));
    assert_eq!(outcome, Err(Refusal::NotAReply(Method::Request)));
}

#[test]
fn nobody_answers_an_invitation_that_is_not_theirs() {
    let stamp = at("2026-09-02T09:00:00Z");
    let press = |text: &str| {
        reply(
            text,
            "eve@example.org",
            PartStat::Accepted,
            ReplyStyle::Google,
            None,
            stamp,
        )
    };
    assert_eq!(
        press(&request(&event())),
        Err(ReplyError::NotInvited("eve@example.org".into()))
    );
    assert!(matches!(press("hello"), Err(ReplyError::NoInvitation(_))));
}

// ---- any text, any bytes

/// Texts with what hurts calendars more often than chance would bring it.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "\\PC{0,40}",
        2 => any::<String>(),
        2 => prop::sample::select(vec![
            "\r\n", "\r", "\n", "\r\n ", "\t", "  ", "\"", "\\", "\\n", "\\\\", ",", ";", ":", "^n",
            "\r\nATTENDEE:mailto:evil@x", "\r\nEND:VEVENT\r\n", "BEGIN:VALARM", "\u{feff}",
            "\u{2028}", "\u{a0}", "👩‍🌾", "é", "=3D", "%0A",
        ]).prop_map(str::to_owned),
        1 => "[a-z ]{60,90}",
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// As [`any_text`], short enough for a name or a category to be kept whole.
fn any_word() -> impl Strategy<Value = String> {
    any_text().prop_map(|text| text.chars().take(200).collect())
}

prop_compose! {
    fn any_event()(
        summary in any_text(),
        description in any_text(),
        location in prop::option::of(any_text()),
        url in prop::option::of(any_text()),
        names in prop::collection::vec(any_word(), 1..6),
        organizer in any_word(),
        categories in prop::collection::vec(any_word(), 0..3),
        language in prop::option::of(any_text()),
        sequence in any::<u32>(),
        alarm_minutes in prop::option::of(any::<u32>()),
    ) -> Event {
        let mut event = event();
        event.attendees = names.iter().enumerate().map(|(n, name)| {
            attendee(&format!("m{n}@example.org"), name, Role::ReqParticipant)
        }).collect();
        event.organizer.name = organizer;
        event.url = url.map(|rest| format!("https://x.example/{rest}"));
        Event { summary, description, location, categories, language, sequence, alarm_minutes, ..event }
    }
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// What icalendar's own parser makes of the text.
fn assert_icalendar_reads(text: &str, event: &Event) {
    use icalendar::{Component, EventLike};
    let calendar: icalendar::Calendar = text.parse().unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(calendar.components.len(), 1);
    let vevent = calendar.components[0].as_event().unwrap();
    assert_eq!(vevent.get_uid(), Some(event.uid.as_str()));
    assert_eq!(vevent.get_sequence(), Some(event.sequence));
    let words = |text: Option<&str>| text.map(str::to_owned);
    assert_eq!(
        words(vevent.get_summary()),
        some(clean_line(&event.summary))
    );
    assert_eq!(
        words(vevent.get_description()),
        some(clean_text(&event.description))
    );
    let location = event.location.as_deref().map(clean_line).and_then(some);
    assert_eq!(words(vevent.property_value("LOCATION")), location);
    let categories: Vec<_> = event
        .categories
        .iter()
        .map(|c| clean_line(c))
        .filter_map(some)
        .collect();
    assert_eq!(vevent.get_categories().unwrap_or_default(), categories);
    let names = vevent.multi_properties().get("ATTENDEE").unwrap().iter();
    let names: Vec<_> = names
        .map(|p| p.params().get("CN").map(|cn| cn.value().to_owned()))
        .collect();
    let expected: Vec<_> = event
        .attendees
        .iter()
        .map(|a| some(clean_name(&a.name)))
        .collect();
    assert_eq!(names, expected);
    assert_eq!(
        vevent.components().len(),
        usize::from(event.alarm_minutes.is_some())
    );
}

/// What calcard makes of it.
fn assert_calcard_reads(text: &str, event: &Event) {
    use calcard::icalendar::{ICalendar, ICalendarProperty as Prop};
    let calendar = ICalendar::parse(text).unwrap();
    let events: Vec<_> = calendar
        .components
        .iter()
        .filter(|c| c.component_type.is_event())
        .collect();
    assert_eq!(events.len(), 1);
    let value = |property| {
        let entry = events[0].property(property)?;
        entry.values.first()?.as_text().map(str::to_owned)
    };
    assert_eq!(value(&Prop::Summary), some(clean_line(&event.summary)));
    assert_eq!(
        value(&Prop::Description),
        some(clean_text(&event.description))
    );
    assert_eq!(
        value(&Prop::Location),
        event.location.as_deref().map(clean_line).and_then(some)
    );
    let categories = events[0]
        .property(&Prop::Categories)
        .map(|entry| entry.values.clone());
    let categories: Vec<_> = categories
        .unwrap_or_default()
        .iter()
        .map(|value| value.as_text().unwrap().to_owned())
        .collect();
    let expected: Vec<_> = event
        .categories
        .iter()
        .map(|c| clean_line(c))
        .filter_map(some)
        .collect();
    assert_eq!(categories, expected);
}

/// What our own reader makes of it.
fn assert_we_read(text: &str, event: &Event) {
    let messages = read(text.as_bytes());
    assert_eq!(messages.len(), 1);
    let message = &messages[0];
    assert_eq!(message.method, Some(Method::Request));
    assert_eq!(
        (&message.uid, message.sequence),
        (&event.uid, event.sequence)
    );
    assert_eq!(message.dtstamp, Some(event.dtstamp));
    assert_eq!(message.organizer.as_deref(), Some("codev@example.org"));
    assert_eq!(
        (message.start, message.end),
        (Some(When::At(event.start)), Some(When::At(event.end)))
    );
    assert!(!message.recurrence && message.comment.is_none());
    assert_eq!(message.attendees.len(), event.attendees.len());
    for (read, written) in message.attendees.iter().zip(&event.attendees) {
        assert_eq!(read.email, written.email);
        assert_eq!(read.name, some(clean_name(&written.name)));
        assert_eq!(read.part_stat, Stated::Known(PartStat::NeedsAction));
    }
}

#[test]
fn a_megabyte_made_to_hurt_is_read_in_linear_time() {
    let full = |line: &str| line.repeat(MAX_BYTES / 2 / line.len());
    let head = "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\n";
    let numbered = (0..80_000)
        .map(|n| format!("COMMENT:{n}\r\n"))
        .collect::<String>();
    for (hurt, events) in [
        (full("BEGIN:VEVENT\r\n"), MAX_BYTES / 2 / 14),
        (format!("{head}{numbered}"), 1),
        (
            format!(
                "{head}ATTENDEE{}:mailto:a@b\r\n",
                full(";X-RESPONSE-COMMENT=a")
            ),
            1,
        ),
        (format!("{head}{}", full("ATTENDEE:mailto:a@b\r\n")), 1),
        (format!("{head}RRULE:{}", full("BYDAY=1MO;")), 1),
        (format!("{head}X:{}", full("a\r\n ")), 1),
        (full("\""), 0),
    ] {
        assert_eq!(read(hurt.as_bytes()).len(), events, "{}", &hurt[..60]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_in_every_field_is_read_back_by_everybody(event in any_event()) {
        let text = request(&event);
        assert_wire(&text);
        prop_assert_eq!(&text, &request(&event));
        assert_icalendar_reads(&text, &event);
        assert_calcard_reads(&text, &event);
        assert_we_read(&text, &event);
    }

    #[test]
    fn any_comment_comes_back_whatever_the_program(comment in any_text(), name in any_word()) {
        let mut event = event();
        event.attendees[0].name = name;
        let invitation = request(&event);
        for style in ReplyStyle::ALL {
            let stamp = at("2026-09-02T09:00:00Z");
            let text = reply(&invitation, "ana@example.org", PartStat::Declined, style,
                Some(&comment), stamp).unwrap();
            let messages = read(text.as_bytes());
            prop_assert_eq!(messages.len(), 1);
            prop_assert_eq!(messages[0].attendees.len(), 1);
            let expected = match style {
                ReplyStyle::Proton => None,
                ReplyStyle::Google | ReplyStyle::Nextcloud => some(clean_name(&clean_line(&comment))),
                _ => some(clean_text(&comment)),
            };
            prop_assert_eq!(&messages[0].comment, &expected, "{:?} {}", style, text);
        }
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        read(&bytes);
    }

    #[test]
    fn a_broken_answer_is_read_without_harm(
        style in prop::sample::select(ReplyStyle::ALL.to_vec()),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        end in any::<prop::sample::Index>(),
    ) {
        let stamp = at("2026-09-02T09:00:00Z");
        let invitation = request(&event());
        let text = reply(&invitation, "ana@example.org", PartStat::Accepted, style, Some("oui"), stamp);
        let mut bytes = text.unwrap().into_bytes();
        for (index, byte) in cuts {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(end.index(bytes.len() + 1));
        let mine = ["ana@example.org".to_owned()];
        for message in read(&bytes) {
            let _ = answer(&known("7f3k9q@codev.example.org", &mine), None, &message, stamp);
        }
    }

    #[test]
    fn a_bad_line_anywhere_costs_nothing_else(
        style in prop::sample::select(ReplyStyle::ALL.to_vec()),
        place in any::<prop::sample::Index>(),
        bad in prop::sample::select(vec![
            "", "GARBAGE", "X-BAD;=:", "X-BAD;=DECLINED:", "X;\"\"=DECLINED:1", ";;;:::", "X-A;B=\"unclosed:1", ":", "=", "X-A:\\",
            "DTSTAMP:yesterday", "SEQUENCE:two", "RRULE:FREQ=NEVER", "X;VALUE=RECUR:1",
            "GEO:x", "ATTENDEE:", "X-E;ENCODING=BASE64:%%%", "\u{0}\u{1}",
        ]),
    ) {
        let stamp = at("2026-09-02T09:00:00Z");
        let invitation = request(&event());
        let text = reply(&invitation, "ana@example.org", PartStat::Accepted, style, Some("oui"), stamp);
        let mut lines = lines(&text.unwrap());
        let first = 1;
        let at = first + place.index(lines.len() - first);
        lines.insert(at, bad.to_owned());
        let messages = read(lines.join("\r\n").as_bytes());
        prop_assert_eq!(messages.len(), 1, "{}", lines.join("\n"));
        let mine = ["ana@example.org".to_owned()];
        let outcome = answer(&known("7f3k9q@codev.example.org", &mine), None, &messages[0], stamp);
        let part_stat = match outcome { Ok(Outcome::Apply(answer)) => Some(answer.part_stat), _ => None };
        prop_assert_eq!(part_stat, Some(PartStat::Accepted), "{}", lines.join("\n"));
    }
}

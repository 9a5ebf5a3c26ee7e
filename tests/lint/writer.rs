//! Whatever we write has no fault, and any bytes are looked at without harm.

use chrono::{DateTime, TimeDelta};
use codevd::ical::lint::{Severity, lint};
use codevd::ical::{Attendee, Event, Method, Organizer, PartStat, Role, Status, StepAlarm, write};
use proptest::prelude::*;

/// Words as people and attackers type them.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z éà,;:\"\\\\\n\r\t']{0,120}",
        any::<String>(),
        Just("x\r\nATTENDEE:mailto:evil@example.org".to_owned()),
        "[\u{1F468}\u{200D}é]{0,60}",
    ]
}

fn attendee(number: usize, name: String, part_stat: PartStat, rsvp: bool) -> Attendee {
    let role = [Role::Chair, Role::ReqParticipant, Role::OptParticipant][number % 3];
    Attendee { email: format!("member{number}@example.org"), name, part_stat, rsvp, role }
}

prop_compose! {
    fn event()(
        texts in prop::array::uniform6(text()),
        names in prop::collection::vec(text(), 1..9),
        (sequence, alarm, steps) in (0u32..1000, prop::option::of(0u32..100_000), prop::collection::vec((0u32..90_000, text()), 0..4)),
        (start, length) in (0i64..4_000_000_000, 1i64..1_000_000),
        (rsvp, transparent, language) in (any::<bool>(), any::<bool>(), prop::option::of("[a-z]{2}")),
        link in prop_oneof![Just("https://visio.example.org/a b?q=é".to_owned()), text()],
    ) -> Event {
        let [summary, description, location, organizer, first, second] = texts;
        let start = DateTime::from_timestamp(start, 0).unwrap();
        let stats = [PartStat::NeedsAction, PartStat::Accepted, PartStat::Declined, PartStat::Tentative];
        let attendees = names.into_iter().enumerate();
        Event {
            uid: format!("{sequence}-7f3k9q@codev.example.org"),
            sequence,
            dtstamp: start - TimeDelta::days(7),
            created: start - TimeDelta::days(30),
            last_modified: start - TimeDelta::days(8),
            start,
            end: start + TimeDelta::seconds(length),
            summary,
            description,
            location: Some(location),
            url: Some(link),
            organizer: Organizer { email: "codev@example.org".into(), name: organizer },
            attendees: attendees.map(|(n, name)| attendee(n, name, stats[n % 4], rsvp)).collect(),
            categories: vec![first, second],
            status: Status::Confirmed,
            alarm_minutes: alarm,
            steps: steps.into_iter().map(|(after_seconds, text)| StepAlarm { after_seconds, text }).collect(),
            transparent,
            reference: language.clone(),
            language,
        }
    }
}

proptest! {
    #![proptest_config(crate::cases(256))]

    #[test]
    fn what_we_write_has_no_fault(event in event(), which in 0usize..4) {
        let (method, status) = [
            (Method::Request, Status::Confirmed),
            (Method::Cancel, Status::Cancelled),
            (Method::DeclineCounter, Status::Confirmed),
            (Method::Cancel, Status::None),
        ][which].clone();
        let mut event = Event { status, ..event };
        if status == Status::None {
            event.attendees.truncate(1);
        }
        let text = write(&method, &event).unwrap();
        let found = lint(text.as_bytes());
        prop_assert!(found.is_empty(), "{}\n{}", found[0], text);
    }

    #[test]
    fn any_bytes_are_looked_at(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let lines = bytes.iter().filter(|b| [b'\n', b'\r'].contains(b)).count() + 1;
        let found = lint(&bytes);
        prop_assert!(!found.is_empty(), "no calendar is a fault");
        prop_assert!(found.iter().all(|f| (1..=lines).contains(&f.line)));
    }

    #[test]
    fn any_change_of_one_octet_is_looked_at(event in event(), at in any::<prop::sample::Index>(), octet in any::<u8>()) {
        let mut bytes = write(&Method::Request, &event).unwrap().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = octet;
        let found = lint(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        if calcard::icalendar::ICalendar::parse(&text).is_err() {
            prop_assert!(found.iter().any(|f| f.rule.severity == Severity::Error), "{}", text);
        }
        let example = format!("octet {at} is 0x{octet:02X}");
        prop_assert_eq!(super::second::unlisted(&example, &bytes), None, "{}: {}", example, text);
        let _ = codevd::mail::check_calendar_mail(&bytes);
    }
}

//! In charge of what holds for any text in any field and for any bytes that come in.

use super::answers::known;
use super::{assert_wire, at, attendee, event, lines, request};
use codevd::ical::itip::{Outcome, answer};
use codevd::ical::*;
use codevd::sim::calendar_reply::{ReplyStyle, reply};
use proptest::prelude::*;

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
    assert_eq!(words(vevent.get_summary()), some(clean_line(&event.summary)));
    assert_eq!(words(vevent.get_description()), some(clean_text(&event.description)));
    let location = event.location.as_deref().map(clean_line).and_then(some);
    assert_eq!(words(vevent.property_value("LOCATION")), location);
    let categories: Vec<_> = event.categories.iter().map(|c| clean_line(c)).filter_map(some).collect();
    assert_eq!(vevent.get_categories().unwrap_or_default(), categories);
    let names = vevent.multi_properties().get("ATTENDEE").unwrap().iter();
    let names: Vec<_> = names.map(|p| p.params().get("CN").map(|cn| cn.value().to_owned())).collect();
    let expected: Vec<_> = event.attendees.iter().map(|a| some(clean_name(&a.name))).collect();
    assert_eq!(names, expected);
    assert_eq!(vevent.components().len(), usize::from(event.alarm_minutes.is_some()));
}

/// What calcard makes of it.
fn assert_calcard_reads(text: &str, event: &Event) {
    use calcard::icalendar::{ICalendar, ICalendarProperty as Prop};
    let calendar = ICalendar::parse(text).unwrap();
    let events: Vec<_> = calendar.components.iter().filter(|c| c.component_type.is_event()).collect();
    assert_eq!(events.len(), 1);
    let value = |property| {
        let entry = events[0].property(property)?;
        entry.values.first()?.as_text().map(str::to_owned)
    };
    assert_eq!(value(&Prop::Summary), some(clean_line(&event.summary)));
    assert_eq!(value(&Prop::Description), some(clean_text(&event.description)));
    assert_eq!(value(&Prop::Location), event.location.as_deref().map(clean_line).and_then(some));
    let categories = events[0].property(&Prop::Categories).map(|entry| entry.values.clone());
    let categories: Vec<_> =
        categories.unwrap_or_default().iter().map(|value| value.as_text().unwrap().to_owned()).collect();
    let expected: Vec<_> = event.categories.iter().map(|c| clean_line(c)).filter_map(some).collect();
    assert_eq!(categories, expected);
}

/// What our own reader makes of it.
fn assert_we_read(text: &str, event: &Event) {
    let messages = read(text.as_bytes());
    assert_eq!(messages.len(), 1);
    let message = &messages[0];
    assert_eq!(message.method, Some(Method::Request));
    assert_eq!((&message.uid, message.sequence), (&event.uid, Some(event.sequence)));
    assert_eq!(message.dtstamp, Some(event.dtstamp));
    assert_eq!(message.organizer.as_deref(), Some("codev@example.org"));
    assert_eq!((&message.start, &message.end), (&Some(When::At(event.start)), &Some(When::At(event.end))));
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
    let numbered = (0..80_000).map(|n| format!("COMMENT:{n}\r\n")).collect::<String>();
    for (hurt, events) in [
        (full("BEGIN:VEVENT\r\n"), MAX_BYTES / 2 / 14),
        (format!("{head}{numbered}"), 1),
        (format!("{head}ATTENDEE{}:mailto:a@b\r\n", full(";X-RESPONSE-COMMENT=a")), 1),
        (format!("{head}{}", full("ATTENDEE:mailto:a@b\r\n")), 1),
        (format!("{head}RRULE:{}", full("BYDAY=1MO;")), 1),
        (format!("{head}X:{}", full("a\r\n ")), 1),
        (full("\""), 0),
    ] {
        assert_eq!(read(hurt.as_bytes()).len(), events, "{}", &hurt[..60]);
    }
}

proptest! {
    #![proptest_config(crate::cases(400))]

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

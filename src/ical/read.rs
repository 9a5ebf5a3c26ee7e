//! In charge of reading foreign calendars: whatever can be understood of each VEVENT. A bad
//! line, a bad byte or a cut-off end costs itself and nothing else.

use super::vtimezone::Zones;
use super::{CalendarMessage, Method, PartStat, Participant, Stated, When};
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType as Kind, ICalendarEntry, ICalendarParameterName as Param,
    ICalendarParameterValue, ICalendarProperty as Prop,
};
use calcard::{Entry, Parser};
use chrono::{DateTime, NaiveTime, TimeZone, Utc};

/// What lies beyond so many bytes is not looked at: no answer comes near.
pub const MAX_BYTES: usize = 1 << 20;

/// Characters kept of what was written beside an answer.
const MAX_COMMENT: usize = 4000;

/// Places looked at for it.
const MAX_COMMENTS: usize = 16;

/// Reads every VEVENT of the calendars in `bytes` (already decoded from base64 or
/// quoted-printable), in their order. UTF-8 or UTF-16 by its mark; a line that is not UTF-8 is
/// taken as windows-1252. Never fails: what is no calendar gives an empty list.
pub fn read(bytes: &[u8]) -> Vec<CalendarMessage> {
    let bytes = bytes.get(..MAX_BYTES).unwrap_or(bytes);
    let text = super::lines::decode(bytes);
    let mut parser = Parser::new(&text);
    let mut messages = Vec::new();
    loop {
        match parser.entry() {
            Entry::Eof => return messages,
            Entry::ICalendar(calendar) => messages.extend(of_calendar(&calendar)),
            _ => {}
        }
    }
}

fn of_calendar(calendar: &ICalendar) -> Vec<CalendarMessage> {
    let zones = Zones::of(calendar);
    let methods = methods(calendar);
    let events = calendar.components.iter().zip(methods);
    events
        .filter(|(component, _)| component.component_type == Kind::VEvent)
        .map(|(component, method)| of_event(component, method, &zones))
        .collect()
}

/// For each component the METHOD of the nearest calendar around it (a calendar without its END
/// swallows the next one).
fn methods(calendar: &ICalendar) -> Vec<Option<Method>> {
    let mut methods: Vec<Option<Method>> = vec![None; calendar.components.len()];
    for (at, component) in calendar.components.iter().enumerate() {
        if let Some(word) = text_of(component, &Prop::Method) {
            methods[at] = Some(Method::parse(&word));
        }
        // a component stands after the one around it
        for id in &component.component_ids {
            let method = methods[at].clone();
            if let Some(inner) = methods.get_mut(*id as usize) {
                *inner = method;
            }
        }
    }
    methods
}

fn of_event(event: &ICalendarComponent, method: Option<Method>, zones: &Zones<'_>) -> CalendarMessage {
    let stamp = when(event, &Prop::Dtstamp, zones);
    let series = [Prop::Rrule, Prop::Rdate, Prop::Exdate, Prop::Exrule, Prop::RecurrenceId];
    CalendarMessage {
        method,
        uid: text_of(event, &Prop::Uid).unwrap_or_default(),
        sequence: sequence(event),
        dtstamp: stamp.as_ref().and_then(instant),
        dtstamp_zone: stamp.and_then(|stamp| match stamp {
            When::Unknown { zone } => Some(zone),
            _ => None,
        }),
        organizer: entries(event, &Prop::Organizer).find_map(address),
        attendees: entries(event, &Prop::Attendee).filter_map(participant).collect(),
        comment: comment(event),
        summary: text_of(event, &Prop::Summary),
        reference: event.entries.iter().filter(|entry| is_reference(&entry.name)).find_map(value_text),
        recurrence: series.iter().any(|property| event.has_property(property)),
        start: when(event, &Prop::Dtstart, zones),
        end: when(event, &Prop::Dtend, zones),
    }
}

fn entries<'a>(event: &'a ICalendarComponent, property: &'a Prop) -> impl Iterator<Item = &'a ICalendarEntry> {
    event.entries.iter().filter(move |entry| entry.name == *property)
}

/// The first value of the property that says something.
fn text_of(component: &ICalendarComponent, property: &Prop) -> Option<String> {
    entries(component, property).find_map(value_text)
}

fn value_text(entry: &ICalendarEntry) -> Option<String> {
    let texts = entry.values.iter().filter_map(|value| value.as_text());
    let joined = texts.collect::<Vec<_>>().join(",");
    Some(joined.trim().to_owned()).filter(|text| !text.is_empty())
}

fn sequence(event: &ICalendarComponent) -> Option<u32> {
    let mut numbers = entries(event, &Prop::Sequence).filter_map(|entry| {
        let value = entry.values.first()?;
        let number = value.as_integer().or_else(|| value.as_text()?.trim().parse().ok())?;
        u32::try_from(number).ok()
    });
    numbers.next()
}

fn participant(entry: &ICalendarEntry) -> Option<Participant> {
    let stated = param(entry, &Param::Partstat);
    let part_stat = match stated.as_deref().map(|word| (word, PartStat::parse(word))) {
        None => Stated::Known(PartStat::NeedsAction),
        Some((_, Some(known))) => Stated::Known(known),
        Some((word, None)) => Stated::Unknown(word.to_owned()),
    };
    Some(Participant {
        email: address(entry)?,
        name: param(entry, &Param::Cn),
        part_stat,
        sent_by: addresses(entry, &Param::SentBy).into_iter().next(),
        delegated_to: addresses(entry, &Param::DelegatedTo),
        delegated_from: addresses(entry, &Param::DelegatedFrom),
    })
}

/// The address of an ATTENDEE or ORGANIZER: its value, or EMAIL (RFC 7986 §6.2) where the value
/// is something else (iCloud writes `urn:uuid:…`).
fn address(entry: &ICalendarEntry) -> Option<String> {
    let value = value_text(entry).and_then(|value| plain_address(&value));
    value.or_else(|| plain_address(&param(entry, &Param::Email)?))
}

/// `mailto:` in any case, `<…>` and %-encoding taken away; nothing without an `@`.
fn plain_address(value: &str) -> Option<String> {
    let bare = calcard::icalendar::utils::strip_mailto_scheme(value.trim());
    let bare = bare.trim().trim_start_matches('<').trim_end_matches('>');
    let mut bare = if value.len() == bare.len() { bare.to_owned() } else { percent_decoded(bare) };
    // a lone CR is no line end here, nor part of an address
    bare.truncate(bare.find(char::is_control).unwrap_or(bare.len()));
    bare.contains('@').then_some(bare)
}

fn percent_decoded(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut out = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let hex = piece.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match hex {
            Some(byte) => {
                out.push(byte);
                out.extend_from_slice(piece.get(2..).unwrap_or_default().as_bytes());
            }
            None => {
                out.push(b'%');
                out.extend_from_slice(piece.as_bytes());
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// All values of a parameter; a comma outside quotes makes several of one (RFC 5545 §3.2).
fn params<'a>(entry: &'a ICalendarEntry, name: &'a Param) -> impl Iterator<Item = &'a str> {
    let named = entry.params.iter().filter(move |param| param.name == *name);
    named.filter_map(|param| match &param.value {
        ICalendarParameterValue::Null => None,
        value => value.as_text(),
    })
}

fn param(entry: &ICalendarEntry, name: &Param) -> Option<String> {
    let joined = params(entry, name).collect::<Vec<_>>().join(", ");
    Some(joined.trim().to_owned()).filter(|text| !text.is_empty())
}

fn addresses(entry: &ICalendarEntry, name: &Param) -> Vec<String> {
    params(entry, name).filter_map(plain_address).collect()
}

/// What was written beside the answer; the same words said twice are kept once.
fn comment(event: &ICalendarComponent) -> Option<String> {
    let properties = event.entries.iter().filter(|entry| is_comment(&entry.name));
    let beside = entries(event, &Prop::Attendee).filter_map(comment_param);
    let mut said: Vec<String> = Vec::new();
    for text in properties.filter_map(value_text).chain(beside).take(MAX_COMMENTS) {
        let text = super::clean_text(&text);
        if !text.is_empty() && !said.contains(&text) {
            said.push(text);
        }
    }
    let whole: String = said.join("\n").chars().take(MAX_COMMENT).collect();
    Some(whole).filter(|text| !text.is_empty())
}

fn comment_param(attendee: &ICalendarEntry) -> Option<String> {
    let mut names = attendee.params.iter().map(|param| &param.name);
    let name = names.find(|name| is_comment_word(name.as_str()))?;
    param(attendee, name)
}

fn is_comment(property: &Prop) -> bool {
    *property == Prop::Comment || matches!(property, Prop::Other(name) if is_comment_word(name))
}

fn is_comment_word(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    // Apple's servers: what an attendee writes for the organizer alone, and its copy there
    let apple = ["X-CALENDARSERVER-PRIVATE-COMMENT", "X-CALENDARSERVER-ATTENDEE-COMMENT"];
    name == "X-RESPONSE-COMMENT"
        || apple.contains(&name.as_str())
        || (name.starts_with("X-MICROSOFT-") && name.ends_with("COMMENT"))
}

fn is_reference(property: &Prop) -> bool {
    matches!(property, Prop::Other(name) if name.eq_ignore_ascii_case(super::REFERENCE))
}

fn when(event: &ICalendarComponent, property: &Prop, zones: &Zones<'_>) -> Option<When> {
    entries(event, property).find_map(|entry| when_in(entry, zones))
}

fn when_in(entry: &ICalendarEntry, zones: &Zones<'_>) -> Option<When> {
    let partial = entry.values.first()?.as_partial_date_time()?;
    let read = partial.to_date_time()?;
    if !partial.has_time() {
        return Some(When::Day(read.date_time.date()));
    }
    if let Some(offset) = read.offset {
        let at = offset.from_local_datetime(&read.date_time).single()?;
        return Some(When::At(at.to_utc()));
    }
    let Some(zone) = entry.tz_id().filter(|name| !name.trim().is_empty()) else {
        return Some(When::Floating(read.date_time));
    };
    let at = zones.instant(zone, read.date_time);
    let unknown = || When::Unknown { zone: super::clean_line(zone) };
    Some(at.map_or_else(unknown, When::At))
}

/// DTSTAMP must be in UTC (RFC 5545 §3.8.7.2); where it says nothing of its zone, its hour is taken
/// as UTC. With a zone that nobody knows it is no instant.
fn instant(when: &When) -> Option<DateTime<Utc>> {
    match when {
        When::At(at) => Some(*at),
        When::Floating(local) => Some(local.and_utc()),
        When::Day(day) => Some(day.and_time(NaiveTime::MIN).and_utc()),
        When::Unknown { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn message(inside: &str) -> CalendarMessage {
        let text = format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{inside}\nEND:VEVENT\nEND:VCALENDAR\n");
        read(text.as_bytes()).remove(0)
    }

    fn at(text: &str) -> Option<When> {
        Some(When::At(text.parse().unwrap()))
    }

    fn floating(text: &str) -> Option<When> {
        Some(When::Floating(text.parse().unwrap()))
    }

    fn unknown(zone: &str) -> Option<When> {
        Some(When::Unknown { zone: zone.to_owned() })
    }

    #[test]
    fn hours_in_every_kind_of_zone() {
        for (start, expected) in [
            ("DTSTART:20261024T153000Z", at("2026-10-24T15:30:00Z")),
            ("DTSTART;TZID=Europe/Paris:20261024T173000", at("2026-10-24T15:30:00Z")),
            ("DTSTART;TZID=Romance Standard Time:20261024T173000", at("2026-10-24T15:30:00Z")),
            ("DTSTART;TZID=\"W. Europe Standard Time\":20261024T173000", at("2026-10-24T15:30:00Z")),
            ("DTSTART;TZID=/freeassociation.sourceforge.net/Europe/Paris:20261024T173000", at("2026-10-24T15:30:00Z")),
            ("DTSTART;TZID=Customized Time Zone:20261024T173000", unknown("Customized Time Zone")),
            ("DTSTART:20261024T173000", floating("2026-10-24T17:30:00")),
            // twice that night: the first; left out in spring: by the distance from UTC before the jump
            ("DTSTART;TZID=Europe/Paris:20261025T023000", at("2026-10-25T00:30:00Z")),
            ("DTSTART;TZID=Europe/Paris:20260329T023000", at("2026-03-29T01:30:00Z")),
            ("DTSTART:20261399T990000Z", None),
            ("DTSTART:soon\nDTSTART:20261024T153000Z", at("2026-10-24T15:30:00Z")),
            ("SUMMARY:x", None),
        ] {
            assert_eq!(message(start).start, expected, "{start}");
        }
        let day = message("DTSTART;VALUE=DATE:20261024\nDTEND;VALUE=DATE:20261025");
        assert_eq!(day.start, Some(When::Day("2026-10-24".parse().unwrap())));
        assert_eq!(day.end, Some(When::Day("2026-10-25".parse().unwrap())));
    }

    #[test]
    fn a_zone_of_the_calendar_itself_by_its_place() {
        let text = "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Chez nous\nX-LIC-LOCATION:Europe/Paris\n\
            END:VTIMEZONE\nBEGIN:VEVENT\nDTSTART;TZID=Chez nous:20261024T173000\nEND:VEVENT\n\
            END:VCALENDAR";
        assert_eq!(read(text.as_bytes())[0].start, at("2026-10-24T15:30:00Z"));
    }

    #[test]
    fn a_series_is_noticed_by_each_of_its_marks() {
        assert!(!message("UID:1").recurrence);
        for mark in
            ["RRULE:FREQ=DAILY", "RDATE:20261024T153000Z", "EXDATE:20261024T153000Z", "RECURRENCE-ID:20261024T153000Z"]
        {
            assert!(message(mark).recurrence, "{mark}");
        }
    }

    #[test]
    fn a_participant_with_all_that_is_read() {
        let attendee = "ATTENDEE;CN=\"Lopes, Ana\";PARTSTAT=DELEGATED;SENT-BY=\"mailto:s@x.org\";\
            DELEGATED-TO=\"mailto:p@x.org\",\"mailto:q@x.org\";DELEGATED-FROM=\"MAILTO:r@x.org\":\
            mailto:ana@x.org";
        let expected = Participant {
            email: "ana@x.org".into(),
            name: Some("Lopes, Ana".into()),
            part_stat: Stated::Known(PartStat::Delegated),
            sent_by: Some("s@x.org".into()),
            delegated_to: vec!["p@x.org".into(), "q@x.org".into()],
            delegated_from: vec!["r@x.org".into()],
        };
        assert_eq!(message(attendee).attendees, [expected]);
    }

    #[test]
    fn the_method_of_the_calendar_around() {
        let cut = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:1\nBEGIN:VCALENDAR\n\
            METHOD:REPLY\nBEGIN:VEVENT\nUID:2\nEND:VEVENT\nEND:VCALENDAR";
        let methods: Vec<_> = read(cut.as_bytes()).into_iter().map(|m| (m.uid, m.method)).collect();
        let expected = [("1", Method::Request), ("2", Method::Reply)];
        assert_eq!(methods, expected.map(|(uid, method)| (uid.to_owned(), Some(method))));
    }

    #[test]
    fn a_comment_has_an_end() {
        let long = message(&format!("COMMENT:{}", "é".repeat(9_000)));
        assert_eq!(long.comment.unwrap().chars().count(), MAX_COMMENT);
    }
}

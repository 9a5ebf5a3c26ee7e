//! In charge of what we put on the wire: one VEVENT with its METHOD, the same bytes for the same
//! event. RFC 5545, 5546, 7986, 9074.

use super::text::{clean_line, clean_name, clean_text, refold, shortened};
use super::{Attendee, Event, IcalError, Method, Status, same_address};
use chrono::{DateTime, Datelike, Duration, Utc};
use icalendar::{Alarm, Calendar, Component, EventLike, Property};

const PRODID: &str = "-//codevd//codevd//EN";

/// Characters a DESCRIPTION may have: Google keeps 8192, and the crate's folding takes time with
/// the square of the length.
const MAX_TEXT: usize = 8000;

/// Characters of a text of one line.
const MAX_LINE: usize = 1000;

/// Octets of a link; a longer one is left out.
const MAX_URI: usize = 2000;

/// Characters of a name or a category.
const MAX_NAME: usize = 200;

/// Writes the event as a calendar with METHOD: CRLF, lines of at most 75 octets, times in UTC.
///
/// Text is cleaned on the way ([`clean_text`], [`clean_line`], [`clean_name`]) and cut, with `…`,
/// after 8000 characters of description, 1000 of summary and location, 200 of a name or category;
/// nothing empty is written.
///
/// # Errors
/// [`IcalError`] for what no cleaning can mend: a method that is not ours to send, an address
/// that is none, an end before the start, a status that contradicts the method.
pub fn write(method: &Method, event: &Event) -> Result<String, IcalError> {
    check(method, event)?;
    let mut calendar = Calendar::empty();
    calendar
        .append_property(Property::new("VERSION", "2.0"))
        .append_property(Property::new("PRODID", PRODID))
        .append_property(Property::new("METHOD", method.as_str()))
        .push(component(method, event));
    let mut text = String::new();
    std::fmt::Write::write_fmt(&mut text, format_args!("{calendar}")).map_err(|_| IcalError::Format)?;
    Ok(without_alarm_stamp(&refold(&text)))
}

fn component(method: &Method, event: &Event) -> icalendar::Event {
    let mut vevent = icalendar::Event::new();
    times_and_numbers(&mut vevent, event);
    texts(&mut vevent, event);
    links(&mut vevent, event);
    people(&mut vevent, event);
    if *method == Method::Request {
        alarms(&mut vevent, event);
    }
    vevent
}

fn times_and_numbers(vevent: &mut icalendar::Event, event: &Event) {
    vevent
        .add_property("UID", event.uid.as_str())
        .add_property("SEQUENCE", event.sequence.to_string())
        .add_property("DTSTAMP", utc(event.dtstamp))
        .add_property("CREATED", utc(event.created))
        .add_property("LAST-MODIFIED", utc(event.last_modified))
        .add_property("DTSTART", utc(event.start))
        .add_property("DTEND", utc(event.end))
        .add_property("CLASS", "PRIVATE")
        .add_property("TRANSP", if event.transparent { "TRANSPARENT" } else { "OPAQUE" });
    match event.status {
        Status::Confirmed => vevent.add_property("STATUS", "CONFIRMED"),
        Status::Cancelled => vevent.add_property("STATUS", "CANCELLED"),
        Status::None => vevent,
    };
}

fn texts(vevent: &mut icalendar::Event, event: &Event) {
    let location = event.location.as_deref().unwrap_or_default();
    let values = [
        ("SUMMARY", shortened(&clean_line(&event.summary), MAX_LINE)),
        ("DESCRIPTION", shortened(&clean_text(&event.description), MAX_TEXT)),
        ("LOCATION", shortened(&clean_line(location), MAX_LINE)),
    ];
    for (key, value) in values.into_iter().filter(|(_, value)| !value.is_empty()) {
        let mut property = Property::new(key, value);
        if let Some(tag) = event.language.as_deref().filter(|tag| is_language(tag)) {
            property.add_parameter("LANGUAGE", tag);
        }
        vevent.append_property(property);
    }
    let reference = clean_line(event.reference.as_deref().unwrap_or_default());
    if !reference.is_empty() {
        vevent.add_property(super::REFERENCE, shortened(&reference, MAX_LINE));
    }
    let words = event.categories.iter().map(|word| shortened(&clean_line(word), MAX_NAME));
    let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    if !words.is_empty() {
        vevent.categories(words);
    }
}

fn links(vevent: &mut icalendar::Event, event: &Event) {
    let Some(link) = event.url.as_deref().and_then(uri) else {
        return;
    };
    if link.to_ascii_lowercase().starts_with("https:") {
        // RFC 7986 §5.11: VALUE=URI is required
        let mut conference = Property::new("CONFERENCE", link.as_str());
        conference.add_parameter("VALUE", "URI");
        vevent.append_property(conference);
    }
    vevent.append_property(Property::new("URL", link));
}

fn people(vevent: &mut icalendar::Event, event: &Event) {
    let mut organizer = Property::new("ORGANIZER", mailto(&event.organizer.email));
    named(&mut organizer, &event.organizer.name);
    vevent.append_property(organizer);
    for attendee in invited(event) {
        let mut property = Property::new("ATTENDEE", mailto(&attendee.email));
        named(&mut property, &attendee.name);
        property
            .add_parameter("PARTSTAT", attendee.part_stat.as_str())
            .add_parameter("ROLE", attendee.role.as_str())
            .add_parameter("RSVP", if attendee.rsvp { "TRUE" } else { "FALSE" });
        vevent.append_multi_property(property);
    }
}

/// CN, always quoted: the crate writes a value that begins and ends with quotes as it is.
fn named(property: &mut Property, name: &str) {
    let name = shortened(&clean_name(name), MAX_NAME);
    if !name.is_empty() {
        property.add_parameter("CN", &format!("\"{name}\""));
    }
}

/// The attendees, each address once: the first counts.
fn invited(event: &Event) -> impl Iterator<Item = &Attendee> {
    event.attendees.iter().enumerate().filter_map(|(at, attendee)| {
        let known = event.attendees.iter().take(at);
        let twice = known.into_iter().any(|a| same_address(&a.email, &attendee.email));
        (!twice).then_some(attendee)
    })
}

/// The reminder before the start, then one alarm a step (RFC 5545 §3.8.6.3: a trigger without a sign
/// lies after the start).
fn alarms(vevent: &mut icalendar::Event, event: &Event) {
    if let Some(minutes) = event.alarm_minutes {
        let trigger = if minutes == 0 { "PT0M".to_owned() } else { format!("-PT{minutes}M") };
        vevent.alarm(alarm(event, &event.summary, trigger, format!("alarm-{}", event.uid)));
    }
    for (step, number) in event.steps.iter().zip(1..) {
        let trigger = format!("PT{}S", step.after_seconds);
        vevent.alarm(alarm(event, &step.text, trigger, format!("alarm-{}-{number}", event.uid)));
    }
}

/// One DISPLAY alarm. Its UID (RFC 9074 §4) follows from the event's, else the crate draws one.
fn alarm(event: &Event, text: &str, trigger: String, uid: String) -> Alarm {
    let text = shortened(&clean_line(text), MAX_LINE);
    // DESCRIPTION is required here (RFC 5545 §3.6.6)
    let text = if text.is_empty() { "Rappel / Reminder".to_owned() } else { text };
    let mut alarm = Alarm::display(&text, Duration::zero());
    alarm.append_property(Property::new("TRIGGER", trigger));
    alarm.add_property("UID", uid);
    alarm.add_property("DTSTAMP", utc(event.dtstamp));
    alarm
}

/// Takes DTSTAMP out of each VALARM: the crate insists on writing one, RFC 5545 §3.6.6 knows none.
fn without_alarm_stamp(calendar: &str) -> String {
    let mut inside = false;
    let mut keep = |line: &&str| {
        inside = (inside || *line == "BEGIN:VALARM\r\n") && *line != "END:VALARM\r\n";
        !(inside && line.starts_with("DTSTAMP:"))
    };
    calendar.split_inclusive("\r\n").filter(|line| keep(line)).collect()
}

fn utc(time: DateTime<Utc>) -> String {
    time.format("%Y%m%dT%H%M%SZ").to_string()
}

fn mailto(email: &str) -> String {
    format!("mailto:{}", email.trim())
}

fn is_language(tag: &str) -> bool {
    !tag.is_empty() && tag.len() <= 35 && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// A link of a kind a calendar may open, percent-encoded where RFC 3986 §2 wants it.
fn uri(link: &str) -> Option<String> {
    let link = clean_line(link);
    let (scheme, rest) = link.split_once(':')?;
    let known = ["http", "https", "tel", "sip", "sips"];
    if rest.is_empty() || link.len() > MAX_URI || !known.contains(&scheme.to_ascii_lowercase().as_str()) {
        return None;
    }
    let mut out = String::with_capacity(link.len());
    for byte in link.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    Some(out)
}

fn check(method: &Method, event: &Event) -> Result<(), IcalError> {
    check_method(method, event)?;
    check_people(event)?;
    if event.uid.trim().is_empty() || event.uid.chars().any(|c| c.is_control() || c == ' ') {
        return Err(IcalError::Uid(event.uid.clone()));
    }
    if event.end.timestamp() <= event.start.timestamp() {
        return Err(IcalError::EndNotAfterStart { start: event.start, end: event.end });
    }
    let times = [
        ("DTSTAMP", event.dtstamp),
        ("CREATED", event.created),
        ("LAST-MODIFIED", event.last_modified),
        ("DTSTART", event.start),
        ("DTEND", event.end),
    ];
    match times.into_iter().find(|(_, time)| !(1..=9999).contains(&time.year())) {
        Some((property, time)) => Err(IcalError::Year { property, year: time.year() }),
        None => Ok(()),
    }
}

fn check_method(method: &Method, event: &Event) -> Result<(), IcalError> {
    let agrees = match method {
        Method::Request => event.status == Status::Confirmed,
        Method::Cancel => event.status != Status::Confirmed,
        // RFC 5546 §3.2.8: the event stands as it was
        Method::DeclineCounter => event.status == Status::Confirmed,
        other => return Err(IcalError::NotOurMethod(other.clone())),
    };
    if !agrees {
        return Err(IcalError::Status { method: method.clone(), status: event.status });
    }
    match invited(event).count() {
        0 => Err(IcalError::NoAttendee(method.clone())),
        n if event.status == Status::None && n != 1 => Err(IcalError::CancelOfOne(n)),
        _ => Ok(()),
    }
}

fn check_people(event: &Event) -> Result<(), IcalError> {
    let organizer = &event.organizer.email;
    check_address("the organizer", organizer)?;
    if organizer.contains('+') {
        return Err(IcalError::PlusOrganizer(organizer.clone()));
    }
    for attendee in &event.attendees {
        check_address(&attendee.name, &attendee.email)?;
        if same_address(&attendee.email, organizer) {
            return Err(IcalError::OrganizerInvited(organizer.clone()));
        }
    }
    Ok(())
}

fn check_address(who: &str, email: &str) -> Result<(), IcalError> {
    let plain = |c: char| !c.is_control() && !c.is_whitespace() && !"\"<>\\^`{|}:;,%?#".contains(c);
    let sound = email
        .trim()
        .split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
    if sound && email.trim().chars().all(plain) {
        return Ok(());
    }
    Err(IcalError::Address { who: clean_name(who), email: email.to_owned() })
}

//! Times: values, zones, lengths, repetition (RFC 5545 §3.3.4, §3.3.5, §3.3.6, §3.3.10, §3.8.2).

use super::content::Property;
use super::structure::Component;
use super::{Report, shown};
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone, Utc};

/// A time as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stamp {
    Day(NaiveDate),
    Local(NaiveDateTime),
    Utc(NaiveDateTime),
}

/// Properties that hold times; the second word: whether only UTC is allowed.
const TIMES: &[(&str, bool)] = &[
    ("DTSTART", false),
    ("DTEND", false),
    ("DUE", false),
    ("RECURRENCE-ID", false),
    ("EXDATE", false),
    ("RDATE", false),
    ("DTSTAMP", true),
    ("CREATED", true),
    ("LAST-MODIFIED", true),
    ("COMPLETED", true),
    ("ACKNOWLEDGED", true),
];

/// Looks into a calendar.
pub(super) fn check(calendar: &Component<'_>, report: &mut Report) {
    let zones: Vec<&str> =
        calendar.inside("VTIMEZONE").filter_map(|z| z.get("TZID")).map(|p| p.value.as_str()).collect();
    component(calendar, &zones, report);
}

fn component(component: &Component<'_>, zones: &[&str], report: &mut Report) {
    for property in &component.properties {
        if let Some((_, utc)) = TIMES.iter().find(|(name, _)| *name == property.name) {
            times(component, property, *utc, zones, report);
        }
        lengths(property, report);
    }
    match component.name.as_str() {
        "VEVENT" => from_and_until(component, ("DTEND", "dtend-not-after-dtstart"), report),
        "VTODO" => from_and_until(component, ("DUE", "due-not-after-dtstart"), report),
        _ => {}
    }
    if component.is_item() {
        component.all("RRULE").for_each(|rule| repetition(rule, report));
    }
    component.children.iter().for_each(|inner| self::component(inner, zones, report));
}

/// Each time of a property: its form, and the zone it is said in.
fn times(around: &Component<'_>, property: &Property, utc_only: bool, zones: &[&str], report: &mut Report) {
    let (line, name) = (property.line, property.name.as_str());
    let period = property.is_of("PERIOD");
    let mut local = false;
    let mut universal = false;
    for value in property.value.split(',').filter(|v| !v.trim().is_empty()) {
        let value = if period { value.split('/').next().unwrap_or_default() } else { value };
        match stamp(value) {
            None => report.add("time-value", line, format!("{name}:{}", shown(value))),
            Some(Stamp::Day(_)) if !property.is_of("DATE") || utc_only => {
                let rule = if name == "DTSTAMP" { "dtstamp-not-utc" } else { "value-type-mismatch" };
                report.add(rule, line, format!("the day {value} in {name} without VALUE=DATE"));
            }
            Some(Stamp::Day(_)) => {}
            Some(_) if property.is_of("DATE") => {
                report.add("value-type-mismatch", line, format!("the time {value} in {name} with VALUE=DATE"));
            }
            Some(Stamp::Local(_)) => local = true,
            Some(Stamp::Utc(_)) => universal = true,
        }
    }
    if utc_only && local {
        let rule = if name == "DTSTAMP" { "dtstamp-not-utc" } else { "utc-required" };
        report.add(rule, line, format!("{name}:{}", shown(&property.value)));
        return;
    }
    zone(around, property, (local, universal), zones, report);
}

fn zone(
    around: &Component<'_>,
    property: &Property,
    (local, universal): (bool, bool),
    zones: &[&str],
    report: &mut Report,
) {
    let (line, name) = (property.line, property.name.as_str());
    let Some(tzid) = property.parameter("TZID") else {
        // one's own hour may float; an observance of VTIMEZONE is local by its nature
        if local && around.is_item() && around.get("ATTENDEE").is_some() {
            report.add("floating-time", line, format!("{name}:{}", shown(&property.value)));
        }
        return;
    };
    if universal {
        report.add("utc-with-tzid", line, format!("{name};TZID={tzid}:{}", shown(&property.value)));
    }
    // "/" before the name: a registry's, that needs no VTIMEZONE (§3.2.19)
    if !zones.contains(&tzid) && !tzid.starts_with('/') {
        report.add("tzid-without-vtimezone", line, format!("TZID={}", shown(tzid)));
    }
    if tzid.ends_with("Standard Time") || tzid.ends_with("Daylight Time") {
        report.add("tzid-windows", line, format!("TZID={}", shown(tzid)));
    }
}

/// The end by this name, and the rule against one that does not come after the start.
fn from_and_until(item: &Component<'_>, (name, rule): (&str, &str), report: &mut Report) {
    let (start, end) = (item.get("DTSTART"), item.get(name));
    if let (Some(end), Some(_)) = (end, item.get("DURATION")) {
        report.add("dtend-and-duration", end.line, format!("both {name} and DURATION"));
    }
    let (Some(start), Some(end)) = (start, end) else { return };
    let (Some(from), Some(until)) = (stamp(&start.value), stamp(&end.value)) else { return };
    if matches!(from, Stamp::Day(_)) != matches!(until, Stamp::Day(_)) {
        report.add("date-mix", end.line, format!("DTSTART {} and {name} {}", start.value, end.value));
        return;
    }
    let zones = [start.parameter("TZID"), end.parameter("TZID")];
    let not_after = match (from, until) {
        (Stamp::Day(a), Stamp::Day(b)) => b <= a,
        (Stamp::Local(a), Stamp::Local(b)) if zones[0] == zones[1] => b <= a,
        _ => match (instant(from, zones[0]), instant(until, zones[1])) {
            (Some(a), Some(b)) => b <= a,
            _ => false,
        },
    };
    if not_after {
        report.add(rule, end.line, format!("{name} {} with DTSTART {}", end.value, start.value));
    }
}

/// The instant, where the zone's name is one of the tz database.
fn instant(stamp: Stamp, zone: Option<&str>) -> Option<DateTime<Utc>> {
    match stamp {
        Stamp::Utc(time) => Some(time.and_utc()),
        Stamp::Local(time) => {
            let zone: chrono_tz::Tz = zone?.parse().ok()?;
            zone.from_local_datetime(&time).earliest().map(|t| t.with_timezone(&Utc))
        }
        Stamp::Day(_) => None,
    }
}

fn stamp(value: &str) -> Option<Stamp> {
    let plain = value.strip_suffix('Z').unwrap_or(value);
    if !plain.bytes().all(|b| b.is_ascii_digit() || b == b'T') {
        return None;
    }
    match plain.len() {
        8 if plain.len() == value.len() => NaiveDate::parse_from_str(plain, "%Y%m%d").ok().map(Stamp::Day),
        15 => {
            let time = NaiveDateTime::parse_from_str(plain, "%Y%m%dT%H%M%S").ok()?;
            Some(if plain.len() == value.len() { Stamp::Local(time) } else { Stamp::Utc(time) })
        }
        _ => None,
    }
}

/// DURATION, TRIGGER, REFRESH-INTERVAL.
fn lengths(property: &Property, report: &mut Report) {
    let value = property.value.trim();
    let (rule, sound) = match property.name.as_str() {
        _ if value.is_empty() => return,
        "TRIGGER" if property.is_of("DATE-TIME") => ("trigger-value", matches!(stamp(value), Some(Stamp::Utc(_)))),
        "TRIGGER" => ("trigger-value", is_duration(value)),
        // an event's length, and an alarm's pause, go forward
        "DURATION" | "REFRESH-INTERVAL" => ("duration-value", is_duration(value) && !value.starts_with('-')),
        _ => return,
    };
    if !sound {
        report.add(rule, property.line, format!("{}:{}", property.name, shown(value)));
    }
}

/// `[+-]P(nW | nD[T…] | T(nH)(nM)(nS))` (§3.3.6).
fn is_duration(value: &str) -> bool {
    let Some(rest) = value.strip_prefix(['+', '-']).unwrap_or(value).strip_prefix('P') else { return false };
    let (days, time) = match rest.split_once('T') {
        Some((days, time)) => (days, Some(time)),
        None => (rest, None),
    };
    match time {
        Some(time) => units(time, "HMS") && !time.is_empty() && (days.is_empty() || units(days, "D")),
        None => !days.is_empty() && (units(days, "W") || units(days, "D")),
    }
}

/// Numbers each with its letter, the letters in this order, each at most once.
fn units(text: &str, letters: &str) -> bool {
    let mut left = letters;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let Some(letter) = rest[digits..].chars().next() else { return false };
        let Some(at) = left.find(letter).filter(|_| (1..=9).contains(&digits)) else { return false };
        left = &left[at + 1..];
        rest = &rest[digits + 1..];
    }
    true
}

fn repetition(rule: &Property, report: &mut Report) {
    let upper = rule.value.to_ascii_uppercase();
    let parts: Vec<(&str, &str)> = upper.split(';').filter_map(|p| p.split_once('=')).collect();
    let part = |name: &str| parts.iter().find(|(n, _)| *n == name).map(|(_, value)| *value);
    if part("COUNT").is_some() && part("UNTIL").is_some() {
        report.add("rrule-count-and-until", rule.line, shown(&rule.value));
    }
    let known = ["SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"];
    if !part("FREQ").is_some_and(|f| known.contains(&f)) {
        report.add("rrule-freq", rule.line, shown(&rule.value));
    }
    let wrong = |name: &str| part(name).is_some_and(|n| !n.parse::<u32>().is_ok_and(|n| n > 0));
    if wrong("COUNT") || wrong("INTERVAL") || part("UNTIL").is_some_and(|u| stamp(u).is_none()) {
        report.add("rrule-value", rule.line, shown(&rule.value));
    }
    for (name, values) in &parts {
        if let Some(value) = values.split(',').find(|value| !of_part(name, value)) {
            report.add("rrule-by-value", rule.line, format!("{name}={}", shown(value)));
        }
    }
}

/// Whether a value is within the range of its BY part. RFC 7529 counts months of other calendars otherwise, and marks
/// leap months by an L.
fn of_part(name: &str, value: &str) -> bool {
    let number = value.parse::<i32>().ok();
    let within = |least, most| number.is_some_and(|n| (least..=most).contains(&n));
    let either_way = |most| number.is_some_and(|n| (1..=most).contains(&n.abs()));
    match name {
        "BYSECOND" => within(0, 60),
        "BYMINUTE" => within(0, 59),
        "BYHOUR" => within(0, 23),
        "BYDAY" => weekday(value),
        "WKST" => WEEKDAYS.contains(&value),
        "BYMONTHDAY" => either_way(31),
        "BYYEARDAY" | "BYSETPOS" => either_way(366),
        "BYWEEKNO" => either_way(53),
        "BYMONTH" => within(1, 12) || value.ends_with('L'),
        _ => true,
    }
}

const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/// `MO`, or one of them counted from the beginning or the end: `2TU`, `-1FR`.
fn weekday(value: &str) -> bool {
    let Some((count, day)) = value.len().checked_sub(2).and_then(|at| value.split_at_checked(at)) else { return false };
    let counted = count.is_empty() || count.parse::<i32>().is_ok_and(|n| (1..=53).contains(&n.abs()));
    counted && WEEKDAYS.contains(&day)
}

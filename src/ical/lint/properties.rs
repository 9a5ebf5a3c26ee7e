//! Which properties and parameters may stand where, and how often (RFC 5545 §3.2, §3.6, §3.8).

use super::content::{Parameter, Property};
use super::structure::Component;
use super::{Report, shown};
use std::collections::{BTreeMap, BTreeSet};

/// Properties that may stand many times in a component.
const MANY: &[&str] = &[
    "ATTACH",
    "ATTENDEE",
    "CATEGORIES",
    "COMMENT",
    "CONTACT",
    "EXDATE",
    "REQUEST-STATUS",
    "RELATED-TO",
    "RESOURCES",
    "RDATE",
    "RRULE",
    "CONFERENCE",
    "IMAGE",
    "FREEBUSY",
    "TZNAME",
    "STYLED-DESCRIPTION",
    "STRUCTURED-DATA",
    "LINK",
    "CONCEPT",
    "REFID",
    "NAME",
    "DESCRIPTION-LANGUAGE",
];

/// Parameters of ATTENDEE alone (RFC 5545 §3.2).
const OF_ATTENDEE: &[&str] = &["RSVP", "PARTSTAT", "ROLE", "CUTYPE", "DELEGATED-TO", "DELEGATED-FROM", "MEMBER"];

/// Looks into the component and those in it.
pub(super) fn check(component: &Component<'_>, report: &mut Report) {
    if component.is_item() || component.name == "VFREEBUSY" {
        required(component, report);
    }
    once(component, report);
    for property in &component.properties {
        one(component, property, report);
    }
    if component.name == "VCALENDAR" {
        uids(component, report);
        own(component, report);
    }
    component.children.iter().for_each(|inner| check(inner, report));
}

fn required(item: &Component<'_>, report: &mut Report) {
    for (name, rule) in [("UID", "uid-missing"), ("DTSTAMP", "dtstamp-missing")] {
        if item.get(name).is_none() {
            report.add(rule, item.line, format!("{} without {name}", item.name));
        }
    }
}

fn once(component: &Component<'_>, report: &mut Report) {
    let mut seen = BTreeSet::new();
    let told_elsewhere = component.name == "VCALENDAR";
    for property in &component.properties {
        let name = property.name.as_str();
        let many =
            MANY.contains(&name) || name.starts_with("X-") || (component.name == "VJOURNAL" && name == "DESCRIPTION");
        let many = many || (told_elsewhere && ["PRODID", "VERSION", "METHOD", "DESCRIPTION"].contains(&name));
        if !many && !seen.insert(name) {
            report.add("property-twice", property.line, format!("a second {name} in {}", component.name));
        }
    }
}

fn one(around: &Component<'_>, property: &Property, report: &mut Report) {
    if property.value.trim().is_empty() {
        report.add("empty-property", property.line, format!("{} without a value", property.name));
    }
    for parameter in &property.parameters {
        // an X- property is its author's own, parameters and all
        let elsewhere = property.name != "ATTENDEE" && !property.name.starts_with("X-");
        if elsewhere && OF_ATTENDEE.contains(&parameter.name.as_str()) {
            report.add("rsvp-without-attendee", property.line, format!("{} in {}", parameter.name, property.name));
        }
        word(around, property, parameter, report);
    }
    if ["ATTENDEE", "ORGANIZER"].contains(&property.name.as_str()) {
        person(property, report);
    }
}

/// Parameters with a fixed choice of words; `X-` words are anybody's own.
fn word(around: &Component<'_>, property: &Property, parameter: &Parameter, report: &mut Report) {
    let (rule, words): (&str, &[&str]) = match parameter.name.as_str() {
        "PARTSTAT" => ("partstat-value", part_stats(&around.name)),
        "ROLE" => ("role-value", &["CHAIR", "REQ-PARTICIPANT", "OPT-PARTICIPANT", "NON-PARTICIPANT"]),
        "CUTYPE" => ("cutype-value", &["INDIVIDUAL", "GROUP", "RESOURCE", "ROOM", "UNKNOWN"]),
        "RSVP" => ("rsvp-value", &["TRUE", "FALSE"]),
        _ => return,
    };
    for (value, _) in &parameter.values {
        let upper = value.to_ascii_uppercase();
        if !words.contains(&upper.as_str()) && !upper.starts_with("X-") {
            report.add(rule, property.line, format!("{}={}", parameter.name, shown(value)));
        }
    }
}

/// What somebody may say to such an item (RFC 5545 §3.2.12).
fn part_stats(component: &str) -> &'static [&'static str] {
    let all = &["NEEDS-ACTION", "ACCEPTED", "DECLINED", "TENTATIVE", "DELEGATED", "COMPLETED", "IN-PROCESS"];
    match component {
        "VEVENT" => &all[..5],
        "VJOURNAL" => &all[..3],
        _ => all,
    }
}

/// ATTENDEE and ORGANIZER: somebody to write to.
fn person(property: &Property, report: &mut Report) {
    let rule = if property.name == "ATTENDEE" { "attendee-not-mailto" } else { "organizer-not-mailto" };
    let address = address(property);
    let sound = address.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    let plain = !address.chars().any(|c| c.is_whitespace() || c.is_control() || "<>\",;".contains(c));
    if !property.value.to_ascii_lowercase().starts_with("mailto:") || !sound || !plain {
        report.add(rule, property.line, shown(&property.value));
    }
}

/// The address of ATTENDEE or ORGANIZER, in lower case.
pub(super) fn address(property: &Property) -> String {
    let value = property.value.trim().to_lowercase();
    value.strip_prefix("mailto:").unwrap_or(&value).to_owned()
}

/// One UID, one item; another one with it says of which instance of the series it speaks.
fn uids(calendar: &Component<'_>, report: &mut Report) {
    let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for item in calendar.children.iter().filter(|c| c.is_item()) {
        let Some(uid) = item.get("UID") else { continue };
        let instance = item.get("RECURRENCE-ID").map_or("", |p| p.value.as_str());
        if let Some(first) = seen.insert((&uid.value, instance), uid.line) {
            let found = format!("the UID of line {first} again, without a RECURRENCE-ID of its own");
            report.add("uid-twice", uid.line, found);
        }
    }
}

/// Whether it says that codevd wrote it.
pub(super) fn is_ours(calendar: &Component<'_>) -> bool {
    calendar.get("PRODID").is_some_and(|p| p.value.contains("//codevd//"))
}

/// What we promised never to write ourselves.
fn own(calendar: &Component<'_>, report: &mut Report) {
    let ours = is_ours(calendar);
    for event in calendar.inside("VEVENT").filter(|_| ours) {
        for name in ["RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"] {
            if let Some(property) = event.get(name) {
                report.add("recurrence-in-ours", property.line, name);
            }
        }
    }
}

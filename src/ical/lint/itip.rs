//! What METHOD demands of the items (RFC 5546 §3), and of the organizer.

use super::properties::address;
use super::structure::Component;
use super::{Report, shown};
use crate::ical::Method;
use std::collections::BTreeSet;

/// Looks at the items of a calendar.
pub(super) fn check(calendar: &Component<'_>, report: &mut Report) {
    let method = calendar.get("METHOD").map(|p| Method::parse(&p.value));
    let own = super::properties::is_ours(calendar);
    for item in calendar.children.iter().filter(|c| c.is_item()) {
        if item.name == "VEVENT" {
            start(item, method.as_ref(), report);
        }
        people(item, own, report);
        match &method {
            Some(Method::Request) => request(item, report),
            Some(Method::Reply) => reply(item, report),
            Some(Method::Cancel) => cancel(item, report),
            Some(Method::Counter) => counter(item, report),
            Some(Method::Publish) => publish(item, report),
            Some(Method::Refresh) => answer_of_one("refresh-one-attendee", item, report),
            _ => {}
        }
    }
    if method.is_some_and(|m| m != Method::Publish) {
        one_uid(calendar, report);
    }
}

/// Needed but where the message only points at an event (RFC 5546 §3.2.3, §3.2.5, §3.2.6, §3.2.8).
fn start(event: &Component<'_>, method: Option<&Method>, report: &mut Report) {
    let points = [Method::Reply, Method::Cancel, Method::Refresh, Method::Counter, Method::DeclineCounter];
    if event.get("DTSTART").is_none() && !method.is_some_and(|m| points.contains(m)) {
        report.add("dtstart-missing", event.line, "VEVENT without DTSTART");
    }
}

fn people(item: &Component<'_>, own: bool, report: &mut Report) {
    let organizer = item.get("ORGANIZER").map(|p| (p, address(p)));
    if let Some((property, address)) = &organizer
        && address.split('@').next().is_some_and(|local| local.contains('+'))
    {
        report.add("organizer-plus", property.line, shown(address));
    }
    let mut seen = BTreeSet::new();
    for attendee in item.all("ATTENDEE") {
        let email = address(attendee);
        // whoever invites is often a guest; the daemon is none
        if own && organizer.as_ref().is_some_and(|(_, o)| *o == email) {
            report.add("organizer-is-attendee", attendee.line, shown(&email));
        }
        if !seen.insert(email.clone()) {
            report.add("attendee-twice", attendee.line, shown(&email));
        }
    }
}

fn request(item: &Component<'_>, report: &mut Report) {
    if item.get("ORGANIZER").is_none() {
        report.add("request-without-organizer", item.line, "REQUEST without ORGANIZER");
    }
    if item.get("ATTENDEE").is_none() {
        report.add("request-without-attendee", item.line, "REQUEST without ATTENDEE");
    }
    if let Some(status) = item.get("STATUS").filter(|p| p.value.eq_ignore_ascii_case("CANCELLED")) {
        report.add("request-cancelled", status.line, "STATUS:CANCELLED in a REQUEST");
    }
}

fn reply(item: &Component<'_>, report: &mut Report) {
    answer_of_one("reply-one-attendee", item, report);
    if item.get("ORGANIZER").is_none() {
        report.add("reply-without-organizer", item.line, "REPLY without ORGANIZER");
    }
    if let Some(attendee) = item.get("ATTENDEE").filter(|a| a.parameter("PARTSTAT").is_none()) {
        report.add("reply-without-partstat", attendee.line, "an answer without PARTSTAT");
    }
}

/// Exactly one ATTENDEE: the one who speaks.
fn answer_of_one(rule: &str, item: &Component<'_>, report: &mut Report) {
    let all: Vec<_> = item.all("ATTENDEE").collect();
    if all.len() != 1 {
        let line = all.get(1).map_or(item.line, |second| second.line);
        report.add(rule, line, format!("{} ATTENDEEs", all.len()));
    }
}

fn cancel(item: &Component<'_>, report: &mut Report) {
    if item.get("SEQUENCE").is_none() {
        report.add("cancel-without-sequence", item.line, "CANCEL without SEQUENCE");
    }
    if item.get("ORGANIZER").is_none() {
        report.add("cancel-without-organizer", item.line, "CANCEL without ORGANIZER");
    }
    if let Some(status) = item.get("STATUS").filter(|p| !p.value.eq_ignore_ascii_case("CANCELLED")) {
        report.add("cancel-status", status.line, format!("STATUS:{} in a CANCEL", shown(&status.value)));
    }
}

fn counter(item: &Component<'_>, report: &mut Report) {
    if item.get("ORGANIZER").is_none() {
        report.add("counter-without-organizer", item.line, "COUNTER without ORGANIZER");
    }
    if item.get("DTSTART").is_none() {
        report.add("counter-without-time", item.line, "COUNTER without DTSTART");
    }
}

fn publish(item: &Component<'_>, report: &mut Report) {
    if let Some(attendee) = item.get("ATTENDEE") {
        report.add("publish-with-attendee", attendee.line, "ATTENDEE in a PUBLISH");
    }
}

/// A message speaks of one event, and of its instances (RFC 5546 §3.2).
fn one_uid(calendar: &Component<'_>, report: &mut Report) {
    let uids: Vec<_> = calendar.children.iter().filter(|c| c.is_item()).filter_map(|c| c.get("UID")).collect();
    let Some(first) = uids.first() else { return };
    if let Some(other) = uids.iter().find(|uid| uid.value != first.value) {
        let found = format!("{} beside {}", shown(&other.value), shown(&first.value));
        report.add("several-uids", other.line, found);
    }
}

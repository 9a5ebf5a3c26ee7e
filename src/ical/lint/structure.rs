//! Components: BEGIN and END, what a calendar must hold, time zones and alarms (RFC 5545 §3.4, §3.6).

use super::content::Property;
use super::{Report, shown};

/// A component with what stands in it.
pub(super) struct Component<'a> {
    /// In capitals.
    pub name: String,
    /// The line of its BEGIN.
    pub line: usize,
    pub properties: Vec<&'a Property>,
    pub children: Vec<Component<'a>>,
}

impl<'a> Component<'a> {
    /// The first property of this name.
    pub fn get(&self, name: &str) -> Option<&'a Property> {
        self.all(name).next()
    }

    /// All properties of this name.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a Property> + 's {
        self.properties.iter().copied().filter(move |p| p.name == name)
    }

    /// The components of this name in it.
    pub fn inside<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Component<'a>> + 's {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// The value of a property, in capitals.
    pub fn word(&self, name: &str) -> Option<String> {
        self.get(name).map(|p| p.value.trim().to_ascii_uppercase())
    }

    /// Whether it is VEVENT, VTODO or VJOURNAL.
    pub fn is_item(&self) -> bool {
        ["VEVENT", "VTODO", "VJOURNAL"].contains(&self.name.as_str())
    }
}

/// The words of RFC 5545, 7953 and 9073.
const KNOWN: &[&str] = &[
    "VCALENDAR",
    "VEVENT",
    "VTODO",
    "VJOURNAL",
    "VFREEBUSY",
    "VTIMEZONE",
    "STANDARD",
    "DAYLIGHT",
    "VALARM",
    "VAVAILABILITY",
    "AVAILABLE",
    "PARTICIPANT",
    "VLOCATION",
    "VRESOURCE",
];

/// How deep components may lie in each other before the rest is taken as it comes.
const DEEPEST: usize = 20;

/// Builds the calendars of a file.
pub(super) fn components<'a>(properties: &'a [Property], report: &mut Report) -> Vec<Component<'a>> {
    let mut open: Vec<Component<'a>> = Vec::new();
    let mut done: Vec<Component<'a>> = Vec::new();
    for property in properties {
        let word = property.value.trim().to_ascii_uppercase();
        match property.name.as_str() {
            "BEGIN" if open.len() < DEEPEST => {
                open.push(Component { name: word, line: property.line, properties: Vec::new(), children: Vec::new() });
            }
            "BEGIN" => report.add("begin-end-unbalanced", property.line, "components too deep in each other"),
            "END" => end(&word, property.line, &mut open, &mut done, report),
            name => match open.last_mut() {
                Some(component) => component.properties.push(property),
                None => report.add("outside-calendar", property.line, format!("{name} outside VCALENDAR")),
            },
        }
    }
    while let Some(left) = open.pop() {
        report.add("begin-end-unbalanced", left.line, format!("BEGIN:{} without its END", left.name));
        close(left, &mut open, &mut done);
    }
    if !done.iter().any(|c| c.name == "VCALENDAR") {
        report.add("no-calendar", 1, "no BEGIN:VCALENDAR");
    }
    done
}

fn end<'a>(word: &str, line: usize, open: &mut Vec<Component<'a>>, done: &mut Vec<Component<'a>>, report: &mut Report) {
    let Some(at) = open.iter().rposition(|c| c.name == word) else {
        report.add("begin-end-unbalanced", line, format!("END:{word} without its BEGIN"));
        return;
    };
    while open.len() > at {
        let Some(component) = open.pop() else { return };
        if open.len() > at {
            report.add("begin-end-unbalanced", component.line, format!("BEGIN:{} without its END", component.name));
        }
        close(component, open, done);
    }
}

fn close<'a>(component: Component<'a>, open: &mut [Component<'a>], done: &mut Vec<Component<'a>>) {
    match open.last_mut() {
        Some(outer) => outer.children.push(component),
        None => done.push(component),
    }
}

/// What a component must and may hold.
pub(super) fn check(component: &Component<'_>, report: &mut Report) {
    let name = component.name.as_str();
    if !KNOWN.contains(&name) && !name.starts_with("X-") {
        report.add("unknown-component", component.line, shown(name));
    }
    match name {
        "VCALENDAR" => calendar(component, report),
        "VTIMEZONE" => timezone(component, report),
        "STANDARD" | "DAYLIGHT" => observance(component, report),
        "VALARM" => alarm(component, report),
        _ => {}
    }
    for inner in &component.children {
        let at_home = match inner.name.as_str() {
            "VALARM" => name == "VEVENT" || name == "VTODO",
            "STANDARD" | "DAYLIGHT" => name == "VTIMEZONE",
            "VCALENDAR" => false,
            "VEVENT" | "VTODO" | "VJOURNAL" | "VTIMEZONE" | "VFREEBUSY" => name == "VCALENDAR",
            _ => true,
        };
        if !at_home {
            report.add("component-misplaced", inner.line, format!("{} inside {name}", inner.name));
        }
        check(inner, report);
    }
}

fn calendar(calendar: &Component<'_>, report: &mut Report) {
    let missing = [("PRODID", "prodid-missing"), ("VERSION", "version-missing")];
    for (name, rule) in missing.into_iter().filter(|(name, _)| calendar.get(name).is_none()) {
        report.add(rule, calendar.line, format!("no {name}"));
    }
    let twice = [("PRODID", "prodid-twice"), ("VERSION", "version-twice"), ("METHOD", "method-twice")];
    for (name, rule) in twice {
        if let Some(second) = calendar.all(name).nth(1) {
            report.add(rule, second.line, format!("a second {name}"));
        }
    }
    if let Some(version) = calendar.get("VERSION").filter(|p| p.value.trim() != "2.0") {
        report.add("version-not-2", version.line, shown(&version.value));
    }
    if let Some(scale) = calendar.get("CALSCALE").filter(|p| !p.value.eq_ignore_ascii_case("GREGORIAN")) {
        report.add("calscale-unknown", scale.line, shown(&scale.value));
    }
    let method = calendar.get("METHOD");
    if let Some(method) =
        method.filter(|p| matches!(crate::ical::Method::parse(&p.value), crate::ical::Method::Other(_)))
    {
        report.add("method-unknown", method.line, shown(&method.value));
    }
    if calendar.children.is_empty() {
        report.add("calendar-empty", calendar.line, "a calendar without a component");
    }
}

fn timezone(zone: &Component<'_>, report: &mut Report) {
    if zone.get("TZID").is_none() {
        report.add("timezone-without-tzid", zone.line, "a VTIMEZONE without TZID");
    }
    if !zone.children.iter().any(|c| c.name == "STANDARD" || c.name == "DAYLIGHT") {
        report.add("timezone-without-rules", zone.line, "neither STANDARD nor DAYLIGHT");
    }
}

fn observance(part: &Component<'_>, report: &mut Report) {
    for name in ["DTSTART", "TZOFFSETFROM", "TZOFFSETTO"] {
        if part.get(name).is_none() {
            report.add("timezone-offset-missing", part.line, format!("{} without {name}", part.name));
        }
    }
    for offset in ["TZOFFSETFROM", "TZOFFSETTO"].into_iter().filter_map(|n| part.get(n)) {
        let digits = offset.value.strip_prefix(['+', '-']).unwrap_or_default();
        if ![4, 6].contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            report.add("timezone-offset-bad", offset.line, shown(&offset.value));
        }
    }
}

fn alarm(alarm: &Component<'_>, report: &mut Report) {
    if alarm.get("TRIGGER").is_none() {
        report.add("alarm-without-trigger", alarm.line, "no TRIGGER");
    }
    let needed: &[&str] = match alarm.word("ACTION").as_deref() {
        None => {
            report.add("alarm-without-action", alarm.line, "no ACTION");
            &[]
        }
        Some("DISPLAY") => &["DESCRIPTION"],
        Some("EMAIL") => &["DESCRIPTION", "SUMMARY", "ATTENDEE"],
        Some(_) => &[],
    };
    for name in needed.iter().filter(|n| alarm.get(n).is_none()) {
        let email = alarm.word("ACTION").is_some_and(|a| a == "EMAIL");
        let rule = if email { "alarm-email-incomplete" } else { "alarm-display-without-description" };
        report.add(rule, alarm.line, format!("no {name}"));
    }
    if alarm.get("REPEAT").is_some() != alarm.get("DURATION").is_some() {
        report.add("alarm-repeat-without-duration", alarm.line, "one of REPEAT and DURATION");
    }
}

//! What a value may say, by its type: text, numbers, words, links (RFC 5545 §3.3, §3.8).

use super::content::Property;
use super::structure::Component;
use super::{Report, shown};

/// Looks into the component and those in it.
pub(super) fn check(component: &Component<'_>, report: &mut Report) {
    for property in &component.properties {
        one(component, property, report);
    }
    component.children.iter().for_each(|inner| check(inner, report));
}

fn one(component: &Component<'_>, property: &Property, report: &mut Report) {
    let value = property.value.as_str();
    let sound = match property.name.as_str() {
        "SUMMARY" | "LOCATION" | "DESCRIPTION" | "COMMENT" | "CONTACT" => return text(property, ",;", report),
        "CATEGORIES" | "RESOURCES" => return text(property, ";", report),
        "SEQUENCE" | "REPEAT" => number(value, 0..=i64::from(i32::MAX)),
        "PRIORITY" => number(value, 0..=9),
        "PERCENT-COMPLETE" => number(value, 0..=100),
        "STATUS" => of_words(status_words(&component.name), value),
        "TRANSP" => of_words(&["OPAQUE", "TRANSPARENT"], value),
        "CLASS" => of_words(&["PUBLIC", "PRIVATE", "CONFIDENTIAL"], value),
        "GEO" => geo(value),
        "URL" | "SOURCE" | "CONFERENCE" => uri(value),
        "REQUEST-STATUS" => request_status(value),
        _ => true,
    };
    let rule = match property.name.as_str() {
        "SEQUENCE" => "sequence-value",
        "PRIORITY" => "priority-value",
        "REPEAT" | "PERCENT-COMPLETE" => "number-value",
        "STATUS" => "status-value",
        "TRANSP" => "transp-value",
        "CLASS" => "class-value",
        "GEO" => "geo-value",
        "REQUEST-STATUS" => "request-status-value",
        _ => "url-value",
    };
    // an empty value has its own rule
    if !sound && !value.trim().is_empty() {
        report.add(rule, property.line, format!("{}:{}", property.name, shown(value)));
    }
    if property.name == "CONFERENCE" && !property.is_of("URI") {
        report.add("conference-without-value", property.line, "CONFERENCE without VALUE=URI");
    }
}

/// TEXT: a backslash escapes `\`, `;`, `,` and `n`; `bare` must not stand without one.
fn text(property: &Property, bare: &str, report: &mut Report) {
    let mut chars = property.value.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            match chars.next() {
                Some('\\' | ';' | ',' | 'n' | 'N') => continue,
                Some(other) => report.add("text-bad-escape", property.line, shown(&format!("\\{other}"))),
                None => report.add("text-bad-escape", property.line, "a backslash at the end"),
            }
            return;
        }
        if bare.contains(c) {
            let found = format!("a bare {c:?} in {}:{}", property.name, shown(&property.value));
            report.add("text-not-escaped", property.line, found);
            return;
        }
    }
}

fn number(value: &str, range: std::ops::RangeInclusive<i64>) -> bool {
    value.parse::<i64>().is_ok_and(|n| range.contains(&n))
}

fn status_words(component: &str) -> &'static [&'static str] {
    match component {
        "VTODO" => &["NEEDS-ACTION", "COMPLETED", "IN-PROCESS", "CANCELLED"],
        "VJOURNAL" => &["DRAFT", "FINAL", "CANCELLED"],
        _ => &["TENTATIVE", "CONFIRMED", "CANCELLED"],
    }
}

fn of_words(words: &[&str], value: &str) -> bool {
    let upper = value.to_ascii_uppercase();
    words.contains(&upper.as_str()) || upper.starts_with("X-")
}

fn geo(value: &str) -> bool {
    let within = |text: &str, most: f64| text.parse::<f64>().is_ok_and(|n| n.abs() <= most);
    value.split_once(';').is_some_and(|(lat, lon)| within(lat, 90.0) && within(lon, 180.0))
}

/// RFC 3986: a scheme, and nothing that must be percent-encoded.
fn uri(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once(':') else { return false };
    let first = scheme.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    let scheme = first && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let web = ["http:", "https:"].iter().any(|s| value.to_ascii_lowercase().starts_with(s));
    let host = !web || rest.strip_prefix("//").is_some_and(|r| !r.is_empty() && !r.starts_with(['/', '?', '#']));
    scheme && host && !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b))
}

/// `2.0;Success`: a code of two or three numbers, then words (RFC 5545 §3.8.8.3).
fn request_status(value: &str) -> bool {
    value.split_once(';').is_some_and(|(code, _)| {
        let numbers: Vec<&str> = code.split('.').collect();
        (2..=3).contains(&numbers.len()) && numbers.iter().all(|n| n.parse::<u16>().is_ok())
    })
}

//! In charge of what is wrong with a mail that carries a calendar (RFC 6047): the part's head, its
//! place, its attached twin, its sender; and with the calendars themselves.

use super::letter::kind;
use crate::ical::lint::{Finding, finding, lint};
use crate::ical::{Method, read, same_address};
use mail_parser::{Encoding, HeaderName, Message, MessageParser, MessagePart, MimeHeaders, PartType};

/// Where a finding in a decoded calendar lies.
const IN_PART: &str = "text/calendar";
const IN_ATTACHMENT: &str = "attached calendar";

/// What a check of a mail found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarMail {
    /// How many calendars the mail holds, attachments too.
    pub calendars: usize,
    /// The faults, those of the mail first.
    pub findings: Vec<Finding>,
}

/// Checks a mail and each calendar in it. Lines of the mail are counted in `raw`, lines of a
/// calendar in its decoded text ([`Finding::part`]). What is no mail holds no calendar.
pub fn check_calendar_mail(raw: &[u8]) -> CalendarMail {
    let mut checked = CalendarMail { calendars: 0, findings: Vec::new() };
    let Some(message) = MessageParser::default().parse(raw) else { return checked };
    let places = Places::of(&message);
    checked.calendars = places.parts.len() + places.attached.len();
    for at in &places.parts {
        let Some(part) = message.parts.get(*at) else { continue };
        head(raw, part, &mut checked.findings);
        organizer(raw, &message, part, &mut checked.findings);
        twins(raw, &message, part, &places.attached, &mut checked.findings);
    }
    for (before_last, line_of) in &places.not_last {
        let found = format!("{before_last} after the calendar part");
        let line = message.parts.get(*line_of).map_or(1, |p| head_line(raw, p, &HeaderName::ContentType));
        checked.findings.push(finding("mail-order", line, found));
    }
    for (ids, name) in [(&places.parts, IN_PART), (&places.attached, IN_ATTACHMENT)] {
        for part in ids.iter().filter_map(|at| message.parts.get(*at)) {
            let inside = lint(&canonical(part)).into_iter().map(|f| Finding { part: Some(name), ..f });
            checked.findings.extend(inside);
        }
    }
    checked
}

/// Where the calendars of a mail lie, as indices of its parts.
#[derive(Default)]
struct Places {
    /// Those that programs make buttons of.
    parts: Vec<usize>,
    /// Those attached.
    attached: Vec<usize>,
    /// What comes after a calendar in an alternative, with the calendar.
    not_last: Vec<(String, usize)>,
}

impl Places {
    fn of(message: &Message<'_>) -> Self {
        let mut places = Self::default();
        for part in message.parts.iter().filter(|p| kind(p) == "multipart/alternative") {
            let PartType::Multipart(children) = &part.body else { continue };
            for (child, next) in children.iter().zip(children.iter().skip(1).map(Some).chain([None])) {
                let child = *child as usize;
                if message.parts.get(child).is_none_or(|p| kind(p) != "text/calendar") {
                    continue;
                }
                places.parts.push(child);
                if let Some(next) = next.and_then(|n| message.parts.get(*n as usize)) {
                    places.not_last.push((kind(next), child));
                }
            }
        }
        let others = message.parts.iter().enumerate().filter(|(_, p)| is_calendar(p));
        let others: Vec<usize> = others.map(|(at, _)| at).filter(|at| !places.parts.contains(at)).collect();
        // without an alternative the calendar is the mail, or a part beside the text
        let bare = |at: &usize| message.parts.get(*at).is_some_and(|p| p.content_disposition().is_none());
        let (bodies, attached) = others.into_iter().partition(|at| places.parts.is_empty() && bare(at));
        places.parts.extend::<Vec<usize>>(bodies);
        places.attached = attached;
        places
    }
}

fn is_calendar(part: &MessagePart<'_>) -> bool {
    let named = part.attachment_name().is_some_and(|n| n.to_ascii_lowercase().ends_with(".ics"));
    matches!(kind(part).as_str(), "text/calendar" | "application/ics") || (named && part.message().is_none())
}

/// The calendar's octets as they are after transport: mails kept as files often have LF alone,
/// which says nothing about the calendar, unless it came in base64 (RFC 2045 §6.8).
fn canonical(part: &MessagePart<'_>) -> Vec<u8> {
    let bytes = part.contents();
    if part.encoding == Encoding::Base64 {
        return bytes.to_vec();
    }
    let mut out = Vec::with_capacity(bytes.len() + 64);
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(text) => {
                out.extend_from_slice(text.strip_suffix(b"\r").unwrap_or(text));
                out.extend_from_slice(b"\r\n");
            }
            None => {
                // the last line end before a boundary belongs to the boundary (RFC 2046 §5.1.1)
                out.extend_from_slice(line);
                out.extend_from_slice(b"\r\n");
            }
        }
    }
    out
}

/// The part's head: method, charset, no disposition.
fn head(raw: &[u8], part: &MessagePart<'_>, findings: &mut Vec<Finding>) {
    let line = head_line(raw, part, &HeaderName::ContentType);
    let attribute = |name: &str| part.content_type().and_then(|ct| ct.attribute(name)).map(str::trim);
    let inside = read(part.contents()).into_iter().find_map(|m| m.method);
    match (attribute("method"), inside) {
        (None, _) => findings.push(finding("mail-method-missing", line, "a Content-Type without method")),
        (Some(outer), None) => {
            findings.push(finding("method-missing", line, format!("method={outer} around a calendar without METHOD")));
        }
        (Some(outer), Some(inner)) if Method::parse(outer) != inner => {
            let found = format!("method={outer} around METHOD:{inner}");
            findings.push(finding("mail-method-mismatch", line, found));
        }
        _ => {}
    }
    let charset = attribute("charset");
    if !charset.is_some_and(|c| c.eq_ignore_ascii_case("utf-8")) {
        let found = charset.map_or("no charset".to_owned(), |c| format!("charset={c}"));
        findings.push(finding("mail-charset", line, found));
    }
    if let Some(said) = part.content_disposition() {
        let line = head_line(raw, part, &HeaderName::ContentDisposition);
        findings.push(finding("mail-disposition", line, format!("Content-Disposition: {}", said.ctype())));
    }
}

/// The organizer writes what only an organizer may send.
fn organizer(raw: &[u8], message: &Message<'_>, part: &MessagePart<'_>, findings: &mut Vec<Finding>) {
    let ours = [Method::Request, Method::Cancel, Method::Publish, Method::Add, Method::DeclineCounter];
    let from = message.from().and_then(|from| from.first()).and_then(|from| from.address()).unwrap_or_default();
    for event in read(part.contents()) {
        let organized = event.method.as_ref().is_some_and(|m| ours.contains(m));
        let Some(organizer) = event.organizer.filter(|_| organized) else { continue };
        if !same_address(&organizer, from) {
            let line = message.parts.first().map_or(1, |root| head_line(raw, root, &HeaderName::From));
            let found = format!("the organizer {organizer} in a mail from {from}");
            findings.push(finding("mail-organizer-not-from", line, found));
            return;
        }
    }
}

/// The attached calendars say what the part says.
fn twins(raw: &[u8], message: &Message<'_>, part: &MessagePart<'_>, attached: &[usize], findings: &mut Vec<Finding>) {
    let ours = canonical(part);
    for other in attached.iter().filter_map(|at| message.parts.get(*at)) {
        let theirs = canonical(other);
        if theirs.trim_ascii_end() != ours.trim_ascii_end() {
            let (a, b) = (ours.split(|b| *b == b'\n'), theirs.split(|b| *b == b'\n'));
            let first =
                a.zip(b).position(|(a, b)| a != b).map_or("its length".to_owned(), |n| format!("line {}", n + 1));
            let line = head_line(raw, other, &HeaderName::ContentType);
            findings.push(finding("mail-attachment-differs", line, format!("an attachment that differs in {first}")));
        }
    }
}

/// The line of a header of a part; of the part's first line when it has none.
fn head_line(raw: &[u8], part: &MessagePart<'_>, name: &HeaderName<'_>) -> usize {
    let header = part.headers.iter().find(|h| h.name == *name);
    let offset = header.map_or(part.offset_header, |h| h.offset_field) as usize;
    raw.get(..offset).unwrap_or(raw).iter().filter(|b| **b == b'\n').count() + 1
}

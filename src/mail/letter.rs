//! One mail taken apart: who wrote it, to whom, what kind of mail it is, what its text says. Total: any bytes give a
//! letter, at worst one of class `Unreadable` that says what was wrong.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use mail_parser::{HeaderForm, HeaderName, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::body;
use super::bounce::{self, Bounce};
use super::bound;
use super::class::{self, Author, Class};
use super::{absence, reaction, text};

/// How much of a mail is read; the rest is left alone and said in `problems`.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of text read.
    pub max_text: usize,
    /// Levels of MIME parts in each other.
    pub max_depth: usize,
    /// Parts in all.
    pub max_parts: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_text: 256 * 1024, max_depth: 20, max_parts: 200 }
    }
}

/// A mailbox: a name, if one was given, and an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The display name. Never an evidence of anything.
    pub name: Option<String>,
    /// `local@domain`, the domain in lower case.
    pub email: String,
}

/// One incoming mail, understood as far as its form goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// What kind of mail it is.
    pub class: Class,
    /// What told the kind, in a sentence.
    pub class_why: &'static str,
    /// The one mailbox in the one From header (RFC 5322 §3.6); anything else is a problem and nobody.
    pub from: Option<Address>,
    /// All addresses it was sent to or delivered to, each once, in order.
    pub to: Vec<String>,
    /// Of these, the ones that its author wrote down: To and Cc.
    pub addressed: Vec<String>,
    /// Decoded, on one line.
    pub subject: String,
    /// Without angle brackets, as all ids here.
    pub message_id: Option<String>,
    /// The ids in In-Reply-To.
    pub in_reply_to: Vec<String>,
    /// The ids in References, oldest first.
    pub references: Vec<String>,
    /// The Date header.
    pub date: Option<DateTime<Utc>>,
    /// Each calendar in it, decoded, once.
    pub calendar: Vec<Vec<u8>>,
    /// METHOD, from the Content-Type or from the calendar itself.
    pub calendar_method: Option<String>,
    /// The body chosen to be read, as text with `\n` line ends. Quotes cut out of HTML leave a line `> …`.
    pub text: String,
    /// All readable text, HTML quotes too: for finding our key in it, never for understanding the person.
    pub whole: String,
    /// Names of attached files.
    pub attachments: Vec<String>,
    /// Of these, what may hold the person's words and can't be read: not what programs and signatures bring along.
    pub unread: Vec<String>,
    /// S/MIME or PGP: its text can't be read.
    pub encrypted: bool,
    /// Last day of absence that an automatic reply names.
    pub auto_until: Option<NaiveDate>,
    /// The emoji, where the mail is a reaction and nothing else: an answer that was never written.
    pub reaction: Option<String>,
    /// What a bounce says.
    pub bounce: Option<Bounce>,
    /// The ids and marks of the mail that a complaint is about (RFC 5965 §2).
    pub complaint: Vec<String>,
    /// What was odd, in words for the operator.
    pub problems: Vec<String>,
}

/// Reads a mail within the usual limits.
pub fn letter(raw: &[u8]) -> Letter {
    letter_within(raw, &Limits::default())
}

/// Reads a mail within these limits.
pub fn letter_within(raw: &[u8], limits: &Limits) -> Letter {
    letter_by(raw, limits, Author::Anybody)
}

/// Reads a mail from a member's address.
pub(super) fn letter_of_a_member(raw: &[u8]) -> Letter {
    letter_by(raw, &Limits::default(), Author::Member)
}

fn letter_by(raw: &[u8], limits: &Limits, author: Author) -> Letter {
    let (raw, left_out) = bound::within(raw);
    let raw = raw.as_ref();
    let parsed = MessageParser::default().parse(raw);
    let Some(message) = parsed.filter(|m| !m.parts.is_empty() && has_a_head(m)) else {
        return unreadable("no mail header was found: From, Date or Message-ID was expected");
    };
    let mut problems = Vec::new();
    if left_out {
        problems.push("more header fields or parts than any mail needs: the rest was not read".to_owned());
    }
    let from = sender(&message, &mut problems);
    let parts = walk(&message, limits, &mut problems);
    let body = body::choose(raw, &parts, limits, &mut problems);
    let (calendar, calendar_method) = calendars(&parts);
    let mut letter = Letter {
        class: Class::Person,
        class_why: "",
        from,
        to: recipients(&message, &RECEIVERS),
        addressed: recipients(&message, &RECEIVERS[..2]),
        subject: text::one_line(message.subject().unwrap_or_default()),
        message_id: message.message_id().map(visible).filter(|id| !id.is_empty()),
        in_reply_to: ids(message.in_reply_to()),
        references: ids(message.references()),
        date: message.date().filter(|d| d.is_valid()).and_then(|d| DateTime::from_timestamp(d.to_timestamp(), 0)),
        calendar,
        calendar_method,
        encrypted: is_encrypted(&parts, &body.text),
        reaction: reaction::of(&parts, &body.text),
        text: body.text,
        whole: body.whole,
        attachments: attachments(&parts, |_| true),
        unread: attachments(&parts, may_hold_words),
        auto_until: None,
        bounce: None,
        complaint: Vec::new(),
        problems,
    };
    (letter.class, letter.class_why) = class::of(&message, &parts, &letter, author);
    match letter.class {
        Class::Bounce => letter.bounce = Some(bounce::read(&message, &parts, &letter)),
        Class::Complaint => letter.complaint = bounce::returned_ids(&parts, &letter),
        Class::AutoReply => letter.auto_until = absence::until(&letter),
        _ => {}
    }
    letter
}

fn unreadable(why: &str) -> Letter {
    Letter {
        class: Class::Unreadable,
        class_why: "it has no head of a mail",
        from: None,
        to: Vec::new(),
        addressed: Vec::new(),
        subject: String::new(),
        message_id: None,
        in_reply_to: Vec::new(),
        references: Vec::new(),
        date: None,
        calendar: Vec::new(),
        calendar_method: None,
        text: String::new(),
        whole: String::new(),
        attachments: Vec::new(),
        unread: Vec::new(),
        encrypted: false,
        reaction: None,
        auto_until: None,
        bounce: None,
        complaint: Vec::new(),
        problems: vec![why.to_owned()],
    }
}

/// Bytes that are no mail often parse as one without a single known header.
fn has_a_head(message: &Message<'_>) -> bool {
    let known = [HeaderName::From, HeaderName::Date, HeaderName::MessageId, HeaderName::ReturnPath, HeaderName::To];
    message.headers().iter().any(|h| known.contains(&h.name))
}

/// The one sender, or nobody with the reason.
pub(super) fn sender(message: &Message<'_>, problems: &mut Vec<String>) -> Option<Address> {
    let headers = message.header_values(HeaderName::From).count();
    if headers != 1 {
        problems.push(format!("{headers} From headers: one was expected (RFC 5322 §3.6)"));
        return None;
    }
    let value = message.from()?;
    let listed = value.as_list().map(<[_]>::to_vec).unwrap_or_default();
    match listed.as_slice() {
        [one] => match one.address().and_then(text::address) {
            Some(email) => Some(Address { name: one.name().map(text::one_line).filter(|n| !n.is_empty()), email }),
            None => {
                problems.push("From holds no address: name@domain was expected".to_owned());
                None
            }
        },
        other => {
            problems.push(format!("From holds {} mailboxes or a group: one mailbox was expected", other.len()));
            None
        }
    }
}

/// Headers that name receivers: those that the author wrote, then those of the hosts on the way.
const RECEIVERS: [&str; 7] =
    ["To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To"];

/// Everybody it went to: visible receivers, then where hosts say it was delivered.
fn recipients(message: &Message<'_>, names: &[&'static str]) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for name in names {
        for value in message.header_as(header_name(name), HeaderForm::Addresses) {
            let found =
                value.as_address().map(|a| a.iter().filter_map(|one| one.address().and_then(text::address)).collect());
            for email in found.unwrap_or_else(Vec::new) {
                if seen.insert(email.clone()) {
                    all.push(email);
                }
            }
        }
    }
    all
}

/// A header's name as the parser has it.
pub(super) fn header_name(name: &'static str) -> HeaderName<'static> {
    HeaderName::parse(name).unwrap_or(HeaderName::Other(name.into()))
}

/// A header's value as written, trimmed and unfolded; the first of that name.
pub(super) fn raw_header(message: &Message<'_>, name: &'static str) -> Option<String> {
    message.header_raw(header_name(name)).map(text::one_line)
}

fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    match value {
        HeaderValue::Text(one) => vec![visible(one)],
        HeaderValue::TextList(many) => many.iter().map(|one| visible(one)).collect(),
        _ => Vec::new(),
    }
}

/// An id without what no id holds (RFC 5322 §3.6.4).
fn visible(id: &str) -> String {
    id.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect()
}

/// The leaves of the MIME tree in order, nested messages as one leaf each, within the limits.
fn walk<'m, 'x>(message: &'m Message<'x>, limits: &Limits, problems: &mut Vec<String>) -> Vec<&'m MessagePart<'x>> {
    let mut leaves = Vec::new();
    let mut stack = vec![(0usize, 0usize)];
    let (mut visited, mut too_deep) = (0usize, false);
    while let Some((id, depth)) = stack.pop() {
        let Some(part) = message.parts.get(id) else {
            continue;
        };
        visited += 1;
        if visited > limits.max_parts {
            problems.push(format!("more than {} parts: the rest was not read", limits.max_parts));
            break;
        }
        match &part.body {
            PartType::Multipart(children) if depth < limits.max_depth => {
                stack.extend(children.iter().rev().map(|child| (*child as usize, depth + 1)));
            }
            PartType::Multipart(_) => too_deep = true,
            _ => leaves.push(part),
        }
    }
    if too_deep {
        problems.push(format!("parts nested over {} deep: what lies deeper was not read", limits.max_depth));
    }
    leaves
}

/// `type/subtype` in lower case; `text/plain` where nothing is said (RFC 2045 §5.2).
pub(super) fn kind(part: &MessagePart<'_>) -> String {
    match part.content_type() {
        Some(ct) => format!("{}/{}", ct.ctype(), ct.subtype().unwrap_or_default()).to_ascii_lowercase(),
        None => "text/plain".to_owned(),
    }
}

/// Is it a calendar, whatever the mail program calls it?
fn is_calendar(part: &MessagePart<'_>) -> bool {
    let named = part.attachment_name().is_some_and(|n| n.to_ascii_lowercase().ends_with(".ics"));
    matches!(kind(part).as_str(), "text/calendar" | "application/ics") || (named && part.message().is_none())
}

fn calendars(parts: &[&MessagePart<'_>]) -> (Vec<Vec<u8>>, Option<String>) {
    let mut seen = HashSet::new();
    let (mut all, mut method) = (Vec::new(), None);
    for part in parts.iter().filter(|p| is_calendar(p)) {
        let bytes = part.contents().to_vec();
        let said = part.content_type().and_then(|ct| ct.attribute("method")).map(str::to_owned);
        method = method.or(said.or_else(|| method_inside(&bytes)).map(|m| m.trim().to_ascii_uppercase()));
        let same: Vec<u8> = bytes.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
        if !same.is_empty() && seen.insert(same) {
            all.push(bytes);
        }
    }
    (all, method.filter(|m| !m.is_empty()))
}

fn method_inside(calendar: &[u8]) -> Option<String> {
    let value = |line: &[u8]| {
        let (name, value) = line.split_at_checked(7)?;
        let found = name.eq_ignore_ascii_case(b"METHOD:");
        found.then(|| String::from_utf8_lossy(value).trim().to_owned())
    };
    calendar.split(|b| *b == b'\n').take(40).find_map(value)
}

fn attachments(parts: &[&MessagePart<'_>], which: fn(&MessagePart<'_>) -> bool) -> Vec<String> {
    let named = |part: &&MessagePart<'_>| part.attachment_name().map(text::one_line);
    parts.iter().filter(|p| !is_calendar(p) && which(p)).filter_map(named).collect()
}

/// Files that programs add by themselves and that nobody misses.
const HARMLESS: &[&str] = &[".ics", ".vcf", ".p7s", ".asc", ".svg", ".gif"];
/// A picture as small as this is a signature's; a photo of a page is larger.
const LOGO: usize = 50_000;

fn may_hold_words(part: &MessagePart<'_>) -> bool {
    let name = part.attachment_name().unwrap_or_default().to_lowercase();
    // a banner that the text shows may be larger
    let shown = part.content_id().is_some() && part.content_disposition().is_some_and(|d| d.ctype() == "inline");
    let logo = kind(part).starts_with("image/") && part.contents().len() < if shown { 6 * LOGO } else { LOGO };
    !logo && !HARMLESS.iter().any(|ending| name.ends_with(ending))
}

fn is_encrypted(parts: &[&MessagePart<'_>], body: &str) -> bool {
    let kinds = ["application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"];
    parts.iter().any(|p| kinds.contains(&kind(p).as_str())) || body.contains("-----BEGIN PGP MESSAGE-----")
}

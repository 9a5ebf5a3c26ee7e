//! Writes a mail: values in, the exact bytes that go on the wire out. The same values give the same bytes.
//!
//! Structure and body encoding are lettre's; header values are encoded here, because a value that could break out of
//! its line must be an error and not be repaired in silence.

use chrono::{DateTime, Utc};
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{ContentDisposition, ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Message, MessageBuilder, MultiPart, SinglePart};
use sha2::{Digest, Sha256};

/// Longest Message-ID taken: RFC 5322 §2.1.1 allows lines of 998, and a reference stands on a line of its own.
const MAX_ID: usize = 250;
/// Longest line of a header, RFC 5322 §2.1.1.
const LINE: usize = 76;

/// A mail to one receiver, ready to be written.
#[derive(Debug, Clone)]
pub struct Outgoing<'a> {
    /// The name in From, as people see it.
    pub from_name: &'a str,
    /// The mailbox in From.
    pub from_email: &'a str,
    /// The receiver's name; may be empty.
    pub to_name: &'a str,
    /// The receiver's mailbox.
    pub to_email: &'a str,
    /// Where answers go (with the token, where subaddressing works).
    pub reply_to: Option<&'a str>,
    /// The subject, complete with its tag.
    pub subject: &'a str,
    /// The plain text.
    pub text: &'a str,
    /// The HTML text.
    pub html: Option<&'a str>,
    /// The calendar message that comes with it.
    pub calendar: Option<CalendarPart<'a>>,
    /// With or without its angle brackets.
    pub message_id: &'a str,
    /// Oldest first, with or without angle brackets.
    pub references: &'a [String],
    /// The Message-ID this answers.
    pub in_reply_to: Option<&'a str>,
    /// The moment it was decided.
    pub date: DateTime<Utc>,
    /// RFC 3834 §5: did it answer a mail?
    pub auto: Auto,
    /// Which automatic answers Exchange shall keep back.
    pub suppress: Suppress,
    /// A notice to the whole group that asks nothing: `Precedence: bulk`, for the responders that honour nothing else.
    pub bulk: bool,
    /// RFC 2919, without brackets: `lecteurs.codev.example.org`.
    pub list_id: &'a str,
    /// RFC 2369: the address to write to in order to leave, with or without `mailto:`.
    pub list_unsubscribe_mailto: &'a str,
    /// Our own mark (the token): what bounces and what comes back is known by it.
    pub mark: &'a str,
}

/// An iTIP message as it goes into a mail (RFC 6047).
#[derive(Debug, Clone, Copy)]
pub struct CalendarPart<'a> {
    /// METHOD, the same as in the body: `REQUEST`, `CANCEL`, …
    pub method: &'a str,
    /// The calendar's text.
    pub ics: &'a str,
}

/// `Auto-Submitted`, RFC 3834 §5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auto {
    /// A notice.
    Generated,
    /// An answer to a mail.
    Replied,
}

/// `X-Auto-Response-Suppress` (MS-OXCMAIL 2.1.3.2.20). Never `DR` nor `NDR`: bounces are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suppress {
    /// Nothing automatic at all: prompts and receipts.
    Live,
    /// Absence notices are welcome: invitations, requests for a subject.
    AllowOof,
}

/// Why a mail was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// A value that would leave its header.
    #[error("{field} holds the control character {found:?}: a header is one line of text; take it out")]
    Control {
        /// The header.
        field: &'static str,
        /// The character.
        found: char,
    },
    /// Not an address that can be put in a header.
    #[error("{field} is {found:?}: an address like name@example.org in ASCII was expected")]
    Address {
        /// The header.
        field: &'static str,
        /// What stood there.
        found: String,
    },
    /// Not a Message-ID.
    #[error(
        "{field} is {found:?}: an id like <left@right>, printable and at most 250 long, was expected (RFC 5322 §3.6.4)"
    )]
    MessageId {
        /// The header.
        field: &'static str,
        /// What stood there.
        found: String,
    },
    /// A value that must be plain printable ASCII without blanks.
    #[error("{field} is {found:?}: printable ASCII without blanks or angle brackets, at most 250 long, was expected")]
    Plain {
        /// The header or parameter.
        field: &'static str,
        /// What stood there.
        found: String,
    },
    /// The library would not build it.
    #[error("the mail could not be put together: {0}")]
    Build(String),
}

/// Writes the mail (RFC 5322, RFC 2045–2049, RFC 6047).
///
/// With a calendar: `mixed { alternative { plain, html, text/calendar }, invite.ics }`; else `alternative { plain,
/// html }`, or `plain` alone. Lines end in CRLF; no line is over 998 octets.
///
/// # Errors
/// Every value that could not stand in its header as it is.
pub fn compose(mail: &Outgoing<'_>) -> Result<Vec<u8>, WriteError> {
    let builder = headers(mail)?;
    let alternative = || {
        let plain = MultiPart::alternative().boundary(boundary(mail, "a")).singlepart(text("text/plain", mail.text)?);
        let both = match mail.html {
            Some(html) => plain.singlepart(text("text/html", html)?),
            None => plain,
        };
        Ok::<_, WriteError>(both)
    };
    let message = match (mail.calendar, mail.html) {
        (Some(calendar), _) => {
            let readable = alternative()?.singlepart(calendar_part(calendar)?);
            let mixed = MultiPart::mixed().boundary(boundary(mail, "m")).multipart(readable);
            builder.multipart(mixed.singlepart(attachment(calendar)?))
        }
        (None, Some(_)) => builder.multipart(alternative()?),
        (None, None) => builder.singlepart(text("text/plain", mail.text)?),
    };
    message.map(|m| m.formatted()).map_err(|e| WriteError::Build(e.to_string()))
}

/// All headers but MIME's own.
fn headers(mail: &Outgoing<'_>) -> Result<MessageBuilder, WriteError> {
    let from = address("From", mail.from_email)?;
    let to = address("To", mail.to_email)?;
    let envelope = Envelope::new(Some(from.clone()), vec![to.clone()]).map_err(|e| WriteError::Build(e.to_string()))?;
    let mut all = Headers(Message::builder().envelope(envelope).date(mail.date.into()));
    all.put("From", from.as_ref(), mailbox("From", mail.from_name, &from)?)?;
    all.put("To", to.as_ref(), mailbox("To", mail.to_name, &to)?)?;
    if let Some(reply_to) = mail.reply_to {
        let reply_to = address("Reply-To", reply_to)?;
        all.put("Reply-To", reply_to.as_ref(), format!("<{reply_to}>"))?;
    }
    all.put("Subject", mail.subject, unstructured("Subject", mail.subject)?)?;
    all.line("Message-ID", id("Message-ID", mail.message_id)?)?;
    if let Some(answered) = mail.in_reply_to {
        all.line("In-Reply-To", id("In-Reply-To", answered)?)?;
    }
    if !mail.references.is_empty() {
        let ids: Result<Vec<_>, _> = mail.references.iter().map(|r| id("References", r)).collect();
        all.line("References", ids?.join("\r\n "))?;
    }
    all.line("List-Id", format!("<{}>", plain("List-Id", mail.list_id)?))?;
    let leave = mail.list_unsubscribe_mailto.trim_start_matches("mailto:");
    all.line("List-Unsubscribe", format!("<mailto:{}>", plain("List-Unsubscribe", leave)?))?;
    all.line("Auto-Submitted", mail.auto.value().to_owned())?;
    all.line("X-Auto-Response-Suppress", mail.suppress.value().to_owned())?;
    if mail.bulk {
        all.line("Precedence", "bulk".to_owned())?;
    }
    all.line("X-Codevd-Id", plain("X-Codevd-Id", mail.mark)?.to_owned())?;
    Ok(all.0)
}

/// The headers so far.
struct Headers(MessageBuilder);

impl Headers {
    /// Adds a header whose encoded form is ready.
    fn put(&mut self, name: &'static str, raw: &str, encoded: String) -> Result<(), WriteError> {
        let header = HeaderName::new_from_ascii(name.to_owned()).map_err(|e| WriteError::Build(e.to_string()))?;
        let value = HeaderValue::dangerous_new_pre_encoded(header, raw.to_owned(), encoded);
        let so_far = std::mem::replace(&mut self.0, Message::builder());
        self.0 = so_far.raw_header(value);
        Ok(())
    }

    /// Adds a header that needs no encoding.
    fn line(&mut self, name: &'static str, value: String) -> Result<(), WriteError> {
        self.put(name, &value.clone(), value)
    }
}

impl Auto {
    fn value(self) -> &'static str {
        match self {
            Self::Generated => "auto-generated",
            Self::Replied => "auto-replied",
        }
    }
}

impl Suppress {
    fn value(self) -> &'static str {
        match self {
            Self::Live => "OOF, AutoReply, RN, NRN",
            Self::AllowOof => "AutoReply, RN, NRN",
        }
    }
}

/// A text part: UTF-8, quoted-printable, lines of at most 76.
fn text(kind: &str, body: &str) -> Result<SinglePart, WriteError> {
    let kind = content_type(&format!("{kind}; charset=utf-8"))?;
    Ok(SinglePart::builder().header(kind).body(quoted_printable(body)?))
}

/// The part calendars answer to; last of the alternatives, no Content-Disposition.
fn calendar_part(calendar: CalendarPart<'_>) -> Result<SinglePart, WriteError> {
    let method = plain("method", calendar.method)?;
    if !method.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(WriteError::Plain { field: "method", found: method.to_owned() });
    }
    let kind = content_type(&format!("text/calendar; charset=utf-8; method={method}"))?;
    Ok(SinglePart::builder().header(kind).body(quoted_printable(calendar.ics)?))
}

/// The same calendar as a file, for Apple Mail and for people who save it.
fn attachment(calendar: CalendarPart<'_>) -> Result<SinglePart, WriteError> {
    let kind = content_type("application/ics; name=\"invite.ics\"")?;
    let body = Body::new_with_encoding(lines(calendar.ics).into_bytes(), ContentTransferEncoding::Base64);
    let body = body.map_err(|_| WriteError::Build("base64 of the calendar".to_owned()))?;
    Ok(SinglePart::builder().header(kind).header(ContentDisposition::attachment("invite.ics")).body(body))
}

fn content_type(value: &str) -> Result<ContentType, WriteError> {
    ContentType::parse(value).map_err(|e| WriteError::Build(format!("content type {value:?}: {e}")))
}

fn quoted_printable(body: &str) -> Result<Body, WriteError> {
    Body::new_with_encoding(lines(body), ContentTransferEncoding::QuotedPrintable)
        .map_err(|_| WriteError::Build("quoted-printable of a text".to_owned()))
}

/// Every kind of line end as CRLF, and one at the end.
fn lines(body: &str) -> String {
    let unix = body.replace("\r\n", "\n").replace('\r', "\n");
    let mut wire = unix.replace('\n', "\r\n");
    if !wire.is_empty() && !wire.ends_with("\r\n") {
        wire.push_str("\r\n");
    }
    wire
}

/// A boundary no text contains (`=_` never comes out of quoted-printable), the same for the same mail.
fn boundary(mail: &Outgoing<'_>, which: &str) -> String {
    let digest = Sha256::digest(mail.message_id.as_bytes());
    let hex: String = digest.iter().take(12).map(|b| format!("{b:02x}")).collect();
    format!("=_codevd_{which}_{hex}")
}

/// An ASCII address, as RFC 5321 has it.
fn address(field: &'static str, email: &str) -> Result<Address, WriteError> {
    let wrong = || WriteError::Address { field, found: email.to_owned() };
    let clean =
        email.is_ascii() && email.len() <= 254 && !email.contains(|c: char| c.is_control() || " <>\"(),;:".contains(c));
    if clean { email.parse().map_err(|_| wrong()) } else { Err(wrong()) }
}

/// `Name <address>` on the wire.
fn mailbox(field: &'static str, name: &str, address: &Address) -> Result<String, WriteError> {
    no_controls(field, name)?;
    if name.trim().is_empty() {
        return Ok(format!("<{address}>"));
    }
    let atoms = is_plain(name) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ' || c == '-');
    let phrase = if atoms { fold(field, name) } else { encoded_words(field, name) };
    Ok(format!("{phrase}\r\n <{address}>"))
}

/// Free text in a header (RFC 5322 §3.2.5, RFC 2047).
fn unstructured(field: &'static str, value: &str) -> Result<String, WriteError> {
    no_controls(field, value)?;
    Ok(if value.is_empty() || is_plain(value) { fold(field, value) } else { encoded_words(field, value) })
}

fn no_controls(field: &'static str, value: &str) -> Result<(), WriteError> {
    match value.chars().find(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        Some(found) => Err(WriteError::Control { field, found }),
        None => Ok(()),
    }
}

/// Can it be written as it is and be read back the same?
fn is_plain(value: &str) -> bool {
    value.bytes().all(|b| (0x20..0x7f).contains(&b))
        && !value.contains("=?")
        && value.split(' ').all(|word| !word.is_empty() && word.len() <= 60)
}

/// Folds plain text at its blanks (RFC 5322 §2.2.3).
fn fold(field: &str, value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 8);
    let mut column = field.len() + 2;
    for (n, word) in value.split(' ').enumerate() {
        if n > 0 && column + 1 + word.len() > LINE {
            out.push_str("\r\n ");
            column = 1;
        } else if n > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.len();
    }
    out
}

/// RFC 2047 "Q" words of at most 75 characters, each holding whole characters, one a line.
fn encoded_words(field: &str, value: &str) -> String {
    const OPEN: &str = "=?utf-8?Q?";
    let mut words = vec![String::new()];
    let mut room = 75 - OPEN.len() - 2 - field.len() - 2;
    for c in value.chars() {
        let mut bytes = [0; 4];
        let coded: String = c.encode_utf8(&mut bytes).bytes().map(q_byte).collect();
        let full = words.last().is_some_and(|w| w.len() + coded.len() > room);
        if full {
            words.push(String::new());
            room = 75 - OPEN.len() - 2;
        }
        if let Some(word) = words.last_mut() {
            word.push_str(&coded);
        }
    }
    let words: Vec<String> = words.iter().map(|w| format!("{OPEN}{w}?=")).collect();
    words.join("\r\n ")
}

/// A byte in the narrowest Q form, good in a display name too (RFC 2047 §5.3).
fn q_byte(byte: u8) -> String {
    match byte {
        b' ' => "_".to_owned(),
        b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
        b => format!("={b:02X}"),
    }
}

/// Whether somebody else's id can stand in In-Reply-To and References of ours. Others' come as they like: too long,
/// without `@`, in raw UTF-8, or not at all.
pub fn is_repeatable(id_of_another: &str) -> bool {
    id("References", id_of_another).is_ok()
}

/// A Message-ID with its brackets (RFC 5322 §3.6.4).
fn id(field: &'static str, value: &str) -> Result<String, WriteError> {
    let wrong = || WriteError::MessageId { field, found: value.to_owned() };
    let bare = value.strip_prefix('<').and_then(|v| v.strip_suffix('>')).unwrap_or(value);
    let right = plain(field, bare).is_ok() && bare.split_once('@').is_some_and(|(l, r)| !l.is_empty() && !r.is_empty());
    if right { Ok(format!("<{bare}>")) } else { Err(wrong()) }
}

/// A value that needs no encoding and cannot leave its brackets.
fn plain<'a>(field: &'static str, value: &'a str) -> Result<&'a str, WriteError> {
    let right = !value.is_empty()
        && value.len() <= MAX_ID
        && value.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b'<' && b != b'>');
    if right { Ok(value) } else { Err(WriteError::Plain { field, found: value.to_owned() }) }
}

//! Mails as members' programs write them: a reply with its quote, a calendar answer, an absence notice.

use super::calendar_reply::ReplyStyle;
use crate::mail::Letter;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// A mail program and its habits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Client {
    /// Apple's phone: the answer on top, a line "Envoyé de mon iPhone", the quote below.
    Iphone,
    /// Gmail in a browser: the answer on top, "On … wrote:", the quote with `>`.
    Gmail,
    /// Outlook on a desk: the answer on top, a block "De : / Envoyé : / À : / Objet :", no `>`.
    Outlook,
    /// Thunderbird: the quote first, the answer below.
    Thunderbird,
    /// A phone set to quote nothing.
    Bare,
}

/// Who writes, in which language and zone.
#[derive(Debug, Clone, Copy)]
pub struct Author<'a> {
    /// Display name.
    pub name: &'a str,
    /// Address.
    pub email: &'a str,
    /// Writes French, else English.
    pub french: bool,
    /// Zone of the dates in quotes.
    pub zone: Tz,
}

/// A message id of the member's own provider.
fn own_id(author: &Author<'_>, number: u64) -> String {
    let domain = author.email.rsplit_once('@').map_or("example.org", |(_, d)| d);
    format!("m{number}.{}@{domain}", author.email.len())
}

fn head(author: &Author<'_>, ours: &Letter, number: u64, subject: &str, at: DateTime<Utc>) -> String {
    let daemon = ours.from.as_ref().map_or("", |f| f.email.as_str());
    let mut head = head_to(author, daemon, number, subject, at);
    if let Some(id) = &ours.message_id {
        let chain = ours.references.iter().filter(|r| *r != id).chain([id]);
        let chain = chain.map(|r| format!("<{r}>")).collect::<Vec<_>>().join("\r\n ");
        head += &format!("In-Reply-To: <{id}>\r\nReferences: {chain}\r\n");
    }
    head + "MIME-Version: 1.0\r\n"
}

fn head_to(author: &Author<'_>, to: &str, number: u64, subject: &str, at: DateTime<Utc>) -> String {
    let date = at.with_timezone(&author.zone).to_rfc2822();
    let mut head = format!("From: {} <{}>\r\nTo: <{to}>\r\n", word(author.name), author.email);
    head += &format!("Subject: {}\r\nDate: {date}\r\nMessage-ID: <{}>\r\n", word(subject), own_id(author, number));
    head
}

/// An encoded word where the text is not ASCII (RFC 2047 §2), cut where it gets long.
fn word(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let encode = |part: &[char]| {
        let bytes = part.iter().collect::<String>().into_bytes();
        let coded: String = bytes.iter().map(|b| format!("={b:02X}")).collect();
        format!("=?utf-8?Q?{coded}?=")
    };
    chars.chunks(8).map(encode).collect::<Vec<_>>().join("\r\n ")
}

/// A reply in that program's manner.
pub fn reply(
    client: Client,
    author: &Author<'_>,
    ours: &Letter,
    text: &str,
    number: u64,
    at: DateTime<Utc>,
) -> Vec<u8> {
    let subject = answer_subject(client, author, &ours.subject);
    let body = body(client, author, ours, text);
    let head = head(author, ours, number, &subject, at);
    plain(&head, &body)
}

/// A mail of its own, as a `mailto:` link opens one: nothing quoted, nothing referred to (RFC 6068).
pub fn fresh(author: &Author<'_>, to: &str, subject: &str, text: &str, number: u64, at: DateTime<Utc>) -> Vec<u8> {
    // what a person may write into these two fields stays in its line
    let line = |text: &str| text.chars().filter(|c| !c.is_control()).collect::<String>();
    let to = line(to).replace(['<', '>'], "");
    let head = head_to(author, &to, number, &line(subject), at) + "MIME-Version: 1.0\r\n";
    plain(&head, text)
}

fn plain(head: &str, body: &str) -> Vec<u8> {
    let body = body.replace("\r\n", "\n").replace('\n', "\r\n");
    format!("{head}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n")
        .into_bytes()
}

fn answer_subject(client: Client, author: &Author<'_>, subject: &str) -> String {
    let prefix = if client == Client::Outlook && author.french { "RE" } else { "Re" };
    if subject.to_lowercase().starts_with("re:") { subject.to_owned() } else { format!("{prefix}: {subject}") }
}

fn body(client: Client, author: &Author<'_>, ours: &Letter, text: &str) -> String {
    let quoted: String = ours.text.lines().map(|l| format!("> {l}\n")).collect();
    let intro = attribution(client, author, ours);
    match client {
        Client::Iphone => {
            let line = if author.french { "Envoyé de mon iPhone" } else { "Sent from my iPhone" };
            format!("{text}\n\n{line}\n\n{intro}\n\n{quoted}")
        }
        Client::Gmail => format!("{text}\n\n{intro}\n\n{quoted}"),
        Client::Outlook => format!("{text}\n\n{}\n{intro}\n\n{}", author.name, ours.text),
        Client::Thunderbird => format!("{intro}\n{quoted}\n{text}\n"),
        Client::Bare => text.to_owned(),
    }
}

/// The line or block before the quote.
fn attribution(client: Client, author: &Author<'_>, ours: &Letter) -> String {
    let from = ours.from.as_ref();
    let (name, email) = from.map_or(("", ""), |f| (f.name.as_deref().unwrap_or(&f.email), f.email.as_str()));
    let at = ours.date.unwrap_or_default().with_timezone(&author.zone);
    match (client, author.french) {
        (Client::Outlook, true) => {
            format!(
                "\nDe : {name} <{email}>\nEnvoyé : {}\nÀ : {} <{}>\nObjet : {}",
                at.format("%d/%m/%Y %H:%M"),
                author.name,
                author.email,
                ours.subject
            )
        }
        (Client::Outlook, false) => {
            format!(
                "\nFrom: {name} <{email}>\nSent: {}\nTo: {} <{}>\nSubject: {}",
                at.format("%d %B %Y %H:%M"),
                author.name,
                author.email,
                ours.subject
            )
        }
        (Client::Iphone, true) => {
            format!("> Le {} à {}, {name} <{email}> a écrit :", at.format("%d/%m/%Y"), at.format("%H:%M"))
        }
        (Client::Iphone, false) => {
            format!("> On {}, at {}, {name} <{email}> wrote:", at.format("%d %b %Y"), at.format("%H:%M"))
        }
        (_, true) => format!("Le {} à {}, {name} <{email}> a écrit :", at.format("%d/%m/%Y"), at.format("%H:%M")),
        (_, false) => format!("On {} at {}, {name} <{email}> wrote:", at.format("%a, %b %-d, %Y"), at.format("%H:%M")),
    }
}

/// A calendar button's answer: the .ics in the manner of `style`, in a mail of its own, with what was
/// written into that mail beside it.
#[allow(clippy::too_many_arguments, reason = "all of them make the one mail")]
pub fn calendar(
    style: ReplyStyle,
    author: &Author<'_>,
    ours: &Letter,
    ics: &str,
    verb: &str,
    beside: &str,
    number: u64,
    at: DateTime<Utc>,
) -> Vec<u8> {
    let subject = format!("{verb}: {}", ours.subject);
    let head = head(author, ours, number, &subject, at);
    let boundary = format!("=_answer_{number}");
    let method = ics.lines().find_map(|line| line.trim_end().strip_prefix("METHOD:")).unwrap_or("REPLY");
    let kind = style.content_type().replace("REPLY", method);
    let beside = beside.replace('\n', "\r\n");
    let encoded = base64_lines(ics.as_bytes());
    format!(
        "{head}Content-Type: multipart/alternative; boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{beside}\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--{boundary}--\r\n"
    )
    .into_bytes()
}

/// An absence notice, as a server sends it by itself.
pub fn absence(author: &Author<'_>, ours: &Letter, text: &str, number: u64, at: DateTime<Utc>) -> Vec<u8> {
    let prefix = if author.french { "Réponse automatique" } else { "Automatic reply" };
    let head = head(author, ours, number, &format!("{prefix} : {}", ours.subject), at);
    let body = text.replace('\n', "\r\n");
    format!("{head}Auto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}\r\n").into_bytes()
}

/// Base64 in lines of 76 (RFC 2045 §6.8).
fn base64_lines(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for (i, three) in bytes.chunks(3).enumerate() {
        if i > 0 && i % 19 == 0 {
            out += "\r\n";
        }
        let get = |n: usize| u32::from(three.get(n).copied().unwrap_or(0));
        let bits = (get(0) << 16) | (get(1) << 8) | get(2);
        for n in 0..4 {
            let letter = LETTERS[((bits >> (18 - 6 * n)) & 63) as usize];
            out.push(if n <= three.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

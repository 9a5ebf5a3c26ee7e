//! What a bounce says: who was not reached, why, and which of our mails it was (RFC 3464, RFC 6533, RFC 3463).

mod free;
mod judge;
mod notification;
mod status;

use std::sync::LazyLock;

use mail_parser::{Message, MessagePart, PartType};
use regex::Regex;
use serde::Deserialize;

use super::letter::{Letter, kind, raw_header};
use super::text;
use status::{groups, is_status, recipient};

/// A report on delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounce {
    /// Who was not reached, each once. Empty when only success is reported, or nothing readable.
    pub recipients: Vec<BouncedRecipient>,
    /// What it says happened, where it names nobody whom it happened to.
    pub unnamed: Option<Unnamed>,
    /// Message-IDs, references and marks (tokens) found in the returned part: which of our mails it speaks of.
    pub original_ids: Vec<String>,
}

/// A failure of nobody by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unnamed {
    /// What to make of it: never [`BounceClass::Hard`] but by a status code that says so of the address.
    pub class: BounceClass,
    /// Enhanced status code, RFC 3463.
    pub status: Option<String>,
}

/// One address of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BouncedRecipient {
    /// The address that failed (Final-Recipient).
    pub address: String,
    /// The address we wrote to, where the report tells another one (Original-Recipient, RFC 3461 §4.2).
    pub original: Option<String>,
    /// What to make of it.
    pub class: BounceClass,
    /// Enhanced status code, RFC 3463: `5.1.1`.
    pub status: Option<String>,
}

/// What a failed delivery means for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BounceClass {
    /// The address is no good.
    Hard,
    /// It may work another time.
    Soft,
    /// We are refused (spam, authentication, blocks): our set-up, not the member.
    Policy,
    /// The mailbox is full.
    Quota,
    /// Not delivered yet, still tried: no failure.
    Delayed,
    /// Not delivered in time: tried until then, and given up. A failure that another time may not meet.
    Expired,
}

impl BounceClass {
    /// The word for it in what `mail read --json` prints: five, as bounces are counted elsewhere. `delayed` says
    /// that time is the cause, whether it is still tried or given up.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
            Self::Policy => "policy",
            Self::Quota => "quota",
            Self::Delayed | Self::Expired => "delayed",
        }
    }
}

/// Words of diagnostics, as data; `data/bounces.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    quota: Vec<Phrases>,
    policy: Vec<Phrases>,
    hard: Vec<Phrases>,
    soft: Vec<Phrases>,
    /// The mail is too long.
    size: Vec<Phrases>,
    /// Still tried.
    delayed: Vec<Phrases>,
    /// Tried until its time was up, or no answer from the host in all that time.
    expired: Vec<Phrases>,
    /// Limits on how much we may send: nobody's mailbox is full.
    limits: Vec<Phrases>,
    /// The stages of a session before anybody's address is said: what is refused there is us.
    stages: Vec<Phrases>,
    /// What follows such a line is the returned mail.
    ends: Vec<Phrases>,
    /// A line with such a word names whom to ask, not who failed.
    asides: Vec<Phrases>,
    /// Sentences that only a report on delivery says.
    says: Vec<Phrases>,
    /// How servers name a recipient, the surest first.
    recipient: Vec<free::Form>,
}

/// Words, and whose they are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Phrases {
    /// The document, the program or the hosts that have them.
    #[allow(dead_code)] // for who reads the file
    source: String,
    says: Vec<String>,
}

/// Is one of the words so?
fn any(table: &[Phrases], so: impl Fn(&str) -> bool) -> bool {
    table.iter().flat_map(|phrases| &phrases.says).any(|word| so(word))
}

static DATA: LazyLock<Data> = LazyLock::new(|| toml::from_str(TABLE).unwrap_or_default());
/// The file as it is built in; a test reads it.
const TABLE: &str = include_str!("data/bounces.toml");

/// Most addresses taken from one report.
const MAX_RECIPIENTS: usize = 100;
/// Most ids taken from one report.
const MAX_IDS: usize = 50;

/// Reads a report. Sources of recipients, the first that gives any: the RFC 3464 part, `X-Failed-Recipients`, a
/// provider's notification, servers' free texts, a report wrapped up in this one.
pub(super) fn read(message: &Message<'_>, parts: &[&MessagePart<'_>], letter: &Letter) -> Bounce {
    let status: Vec<String> =
        parts.iter().filter(|p| is_status(p)).map(|p| String::from_utf8_lossy(p.contents()).into_owned()).collect();
    let mut recipients = by_status(&status, parts);
    if recipients.is_empty() {
        recipients = by_header(message, parts, letter);
    }
    let told = notification::read(&letter.text);
    if recipients.is_empty() {
        recipients.extend(told.iter().flat_map(|told| told.recipients.clone()));
    }
    if recipients.is_empty() && !status.iter().any(|s| reports_success(s)) {
        recipients = wrapped(parts);
        if recipients.is_empty() {
            recipients = free::recipients(parts, letter);
        }
        if recipients.is_empty() {
            recipients = by_status(&[free::own_text(parts)], parts);
        }
        if recipients.is_empty() {
            recipients = free::returned_to(message, parts);
        }
    }
    let mut ids = original_ids(parts, &status, letter);
    told.into_iter().flat_map(|told| told.original_ids).for_each(|id| add_id(&mut ids, &id));
    let failed = recipients.is_empty() && !status.iter().any(|s| reports_success(s));
    let unnamed = failed.then(|| unnamed(&status, parts, letter));
    Bounce { recipients, unnamed, original_ids: ids }
}

/// A report without an address: its code and its words are all there is. What they say of an address is about one that
/// is not told, so words alone make no failure for good of it; a code is a machine's, and believed.
fn unnamed(status: &[String], parts: &[&MessagePart<'_>], letter: &Letter) -> Unnamed {
    let mut all = status.iter().flat_map(|s| groups(s)).map(|group| status::said(&group));
    let said = all.find(|said| said.action.as_deref().is_some_and(|a| !is_success(a))).unwrap_or_default();
    let own = free::own_text(parts);
    let own = free::before_the_returned(if own.trim().is_empty() { &letter.text } else { &own });
    let code = said.code.or_else(|| first_status(&own));
    let late = || free::is_late(&own).then(|| "delayed".to_owned());
    let action = said.action.or_else(late);
    let class = judge::known(action.as_deref(), code.as_deref(), &said.diagnostic)
        .or_else(|| judge::known(action.as_deref(), code.as_deref(), &own))
        .filter(|class| *class != BounceClass::Hard || code.as_deref().is_some_and(judge::is_bad_address));
    Unnamed { class: class.unwrap_or(BounceClass::Soft), status: code }
}

fn by_status(status: &[String], parts: &[&MessagePart<'_>]) -> Vec<BouncedRecipient> {
    let mut recipients = Vec::new();
    if !status.is_empty() {
        let own = free::own_text(parts).to_lowercase();
        for group in status.iter().flat_map(|s| groups(s)) {
            push(&mut recipients, recipient(&group, &own));
        }
    }
    recipients
}

/// A gateway's mail around the report: the report itself is the returned part.
fn wrapped(parts: &[&MessagePart<'_>]) -> Vec<BouncedRecipient> {
    let inner = parts.iter().filter_map(|part| part.message());
    let mut found = inner.map(|report| {
        let parts: Vec<&MessagePart<'_>> = report.parts.iter().filter(|part| part.message().is_none()).collect();
        let status = parts.iter().filter(|p| is_status(p)).map(|p| String::from_utf8_lossy(p.contents()).into_owned());
        by_status(&status.collect::<Vec<_>>(), &parts)
    });
    found.find(|recipients| !recipients.is_empty()).unwrap_or_default()
}

/// Exim's and Gmail's own header (Exim's `X-Failed-Recipients`), with what the text says of each.
fn by_header(message: &Message<'_>, parts: &[&MessagePart<'_>], letter: &Letter) -> Vec<BouncedRecipient> {
    let header = raw_header(message, "X-Failed-Recipients").unwrap_or_default();
    let addresses: Vec<String> = header.split(',').filter_map(text::address).collect();
    if addresses.is_empty() { Vec::new() } else { free::told(addresses, parts, letter) }
}

/// A report that tells of success alone names nobody who failed.
fn reports_success(status: &str) -> bool {
    let action = |g: &status::Group| g.iter().find(|(n, _)| n == "action").map(|(_, v)| v.to_ascii_lowercase());
    let actions: Vec<String> = groups(status).iter().filter_map(action).collect();
    !actions.is_empty() && actions.iter().all(|action| is_success(action))
}

fn is_success(action: &str) -> bool {
    ["delivered", "relayed", "expanded"].iter().any(|w| action.starts_with(w))
}

/// What a server's words say of the address itself: it is no good, or its mailbox is full.
pub fn of_the_address(words: &str) -> Option<BounceClass> {
    judge::of_the_address(words)
}

/// What the words of a reply alone say, where they say anything.
pub fn of_words(words: &str) -> Option<BounceClass> {
    judge::known(None, None, words)
}

/// Does this text say what only reports on delivery say?
pub(super) fn says_so(text: &str) -> bool {
    let low = text::one_line(&text.to_lowercase());
    any(&DATA.says, |w| low.contains(w))
}

/// Is the text a sending service's notification of a bounce?
pub(super) fn is_notification(text: &str) -> bool {
    notification::is_one(text)
}

fn push(all: &mut Vec<BouncedRecipient>, one: Option<BouncedRecipient>) {
    let Some(one) = one else { return };
    if all.len() < MAX_RECIPIENTS && !all.iter().any(|known| known.address.eq_ignore_ascii_case(&one.address)) {
        all.push(one);
    }
}

/// The first enhanced status code in a text.
fn first_status(text: &str) -> Option<String> {
    static CODE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?:^|[^0-9.])([245]\.\d{1,3}\.\d{1,3})(?:[^0-9.]|\.?$|\.\s)").ok());
    CODE.as_ref()?.captures(text).map(|c| c[1].to_owned())
}

/// The ids and marks of the returned mail, of a report that is no bounce.
pub(super) fn returned_ids(parts: &[&MessagePart<'_>], letter: &Letter) -> Vec<String> {
    original_ids(parts, &[], letter)
}

/// Which of our mails came back: ids in the returned part, else header lines quoted in the report's own text.
fn original_ids(parts: &[&MessagePart<'_>], status: &[String], letter: &Letter) -> Vec<String> {
    let mut ids = Vec::new();
    for part in parts {
        match (&part.body, kind(part).as_str()) {
            (PartType::Message(returned), _) => {
                for (name, value) in returned.headers_raw() {
                    add_ids(&mut ids, name, value);
                }
            }
            (
                _,
                "text/rfc822-headers"
                | "message/rfc822-headers"
                | "message/rfc822"
                | "message/global-headers"
                | "message/global",
            ) => {
                header_lines(&mut ids, &String::from_utf8_lossy(part.contents()));
            }
            _ => {}
        }
    }
    if ids.is_empty() {
        header_lines(&mut ids, &letter.text);
    }
    for group in status.iter().flat_map(|s| groups(s)) {
        group.iter().for_each(|(name, value)| add_ids(&mut ids, name, value));
    }
    ids
}

fn header_lines(ids: &mut Vec<String>, text: &str) {
    let unfolded = text.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ");
    for (name, value) in unfolded.lines().filter_map(|line| line.split_once(':')) {
        add_ids(ids, name.trim_start_matches(['>', ' ']), value);
    }
}

fn add_ids(ids: &mut Vec<String>, name: &str, value: &str) {
    let known =
        ["message-id", "references", "in-reply-to", "x-codevd-id", "original-envelope-id", "x-original-message-id"];
    if !known.contains(&name.trim().to_ascii_lowercase().as_str()) {
        return;
    }
    for one in value
        .split_whitespace()
        .map(|v| v.trim_matches(['<', '>', ',', ';']))
        .filter(|v| !v.is_empty() && v.len() <= 250)
    {
        add_id(ids, one);
    }
}

fn add_id(ids: &mut Vec<String>, one: &str) {
    if ids.len() < MAX_IDS && !ids.iter().any(|known| known == one) {
        ids.push(one.to_owned());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_table_is_read_and_every_pattern_compiles() {
        let data: Data = toml::from_str(TABLE).unwrap();
        assert!(data.recipient.len() > 15);
        assert_eq!(free::compiled(), data.recipient.len());
    }

    /// A code says of the address what it says; words that name nobody never make it no good.
    #[test]
    fn a_report_that_names_nobody_is_hard_by_a_code_alone() {
        use BounceClass::{Delayed, Expired, Hard, Policy, Quota, Soft};
        let read = |text: &str, fields: &str| {
            let raw = format!(
                "Return-Path: <>\r\nFrom: MAILER-DAEMON@x.example\r\nTo: codev@y.example\r\nSubject: Undelivered mail\r\n\
                MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
                --b\r\n\r\n{text}\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
                Reporting-MTA: dns; x.example\r\n\r\n{fields}\r\n--b--\r\n"
            );
            let bounce = super::super::letter(raw.as_bytes()).bounce.unwrap();
            assert!(bounce.recipients.is_empty(), "{:?}", bounce.recipients);
            bounce.unnamed.map(|said| (said.class, said.status))
        };
        let code = |status: &str| Some(status.to_owned());
        for (text, fields, wanted) in [
            ("Nope.", "", Some((Soft, None))),
            ("No such user, user unknown.", "", Some((Soft, None))),
            ("550 5.1.1 user unknown", "", Some((Hard, code("5.1.1")))),
            ("Nope.", "Action: failed\r\nStatus: 5.1.1", Some((Hard, code("5.1.1")))),
            ("Nope.", "Action: failed\r\nStatus: 5.2.1", Some((Hard, code("5.2.1")))),
            ("User unknown.", "Action: failed\r\nStatus: 5.0.0", Some((Soft, code("5.0.0")))),
            ("Nope.", "Action: failed\r\nStatus: 5.5.0", Some((Soft, code("5.5.0")))),
            ("Nope.", "Action: failed\r\nStatus: 4.1.1", Some((Soft, code("4.1.1")))),
            ("Nope.", "Action: failed\r\nStatus: 4.4.7", Some((Expired, code("4.4.7")))),
            ("Nope.", "Action: failed\r\nStatus: 5.7.1", Some((Policy, code("5.7.1")))),
            ("Nope.", "Action: failed\r\nStatus: 5.2.2", Some((Quota, code("5.2.2")))),
            ("The mailbox is full.", "", Some((Quota, None))),
            ("Nope.", "Action: delayed\r\nStatus: 4.4.1", Some((Delayed, code("4.4.1")))),
            ("Done.", "Action: delivered\r\nStatus: 2.0.0", None),
            (
                "Done.",
                "Action: relayed\r\nStatus: 2.1.5\r\n\r\nAction: failed\r\nStatus: 5.7.1",
                Some((Policy, code("5.7.1"))),
            ),
        ] {
            assert_eq!(read(text, fields), wanted, "{text} / {fields}");
        }
    }

    #[test]
    fn every_phrase_says_whose_it_is() {
        let table: toml::Table = toml::from_str(TABLE).unwrap();
        let groups: Vec<_> =
            table.iter().flat_map(|(kind, all)| all.as_array().unwrap().iter().map(move |g| (kind, g))).collect();
        assert!(groups.len() > 120, "{} groups", groups.len());
        for (kind, group) in &groups {
            let source = group["source"].as_str().unwrap();
            assert!(source.trim().len() >= 4, "{kind}: {group}");
            let words: Vec<_> = group.get("says").and_then(|says| says.as_array()).into_iter().flatten().collect();
            assert!(group.get("pattern").is_some() || !words.is_empty(), "{kind}: {group}");
            // a word has one source
            for word in words {
                let word = word.as_str().unwrap();
                let with = |(other, g): &&(&String, &toml::Value)| {
                    other == kind
                        && g.get("says")
                            .and_then(|s| s.as_array())
                            .is_some_and(|s| s.iter().any(|w| w.as_str() == Some(word)))
                };
                assert_eq!(groups.iter().filter(with).count(), 1, "{kind}: {word}");
                assert_eq!(word, word.to_lowercase(), "{kind}: words are in lower case");
            }
        }
    }
}

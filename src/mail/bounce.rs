//! What a bounce says: who was not reached, why, and which of our mails it was (RFC 3464, RFC 6533, RFC 3463).

use std::sync::LazyLock;

use mail_parser::{Message, MessagePart, PartType};
use regex::Regex;
use serde::Deserialize;

use super::letter::{Letter, kind, raw_header};
use super::text;

/// A report on delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounce {
    /// Who was not reached, each once. Empty when only success is reported, or nothing readable.
    pub recipients: Vec<BouncedRecipient>,
    /// Message-IDs, references and marks (tokens) found in the returned part: which of our mails it speaks of.
    pub original_ids: Vec<String>,
}

/// One address of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BouncedRecipient {
    /// The address we wrote to where the report tells it, else the final one.
    pub address: String,
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
}

impl BounceClass {
    /// The word for it in what `mail read --json` prints.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
            Self::Policy => "policy",
            Self::Quota => "quota",
            Self::Delayed => "delayed",
        }
    }
}

/// Words of diagnostics, as data; `data/bounces.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    quota: Vec<String>,
    policy: Vec<String>,
    hard: Vec<String>,
}

static DATA: LazyLock<Data> = LazyLock::new(|| toml::from_str(include_str!("data/bounces.toml")).unwrap_or_default());

/// Most addresses taken from one report.
const MAX_RECIPIENTS: usize = 100;
/// Most ids taken from one report.
const MAX_IDS: usize = 50;

/// Reads a report. Sources of recipients, the first that gives any: the RFC 3464 part, `X-Failed-Recipients`; readers of
/// servers' free texts come after these.
pub(super) fn read(message: &Message<'_>, parts: &[&MessagePart<'_>], letter: &Letter) -> Bounce {
    let status: Vec<String> =
        parts.iter().filter(|p| is_status(p)).map(|p| String::from_utf8_lossy(p.contents()).into_owned()).collect();
    let mut recipients = Vec::new();
    for group in status.iter().flat_map(|s| groups(s)) {
        push(&mut recipients, recipient(&group));
    }
    if status.is_empty() {
        for address in
            raw_header(message, "X-Failed-Recipients").unwrap_or_default().split(',').filter_map(text::address)
        {
            let class = classify(None, None, &letter.text);
            push(&mut recipients, Some(BouncedRecipient { address, class, status: first_status(&letter.text) }));
        }
    }
    Bounce { recipients, original_ids: original_ids(parts, &status, letter) }
}

fn push(all: &mut Vec<BouncedRecipient>, one: Option<BouncedRecipient>) {
    let Some(one) = one else { return };
    if all.len() < MAX_RECIPIENTS && !all.iter().any(|known| known.address.eq_ignore_ascii_case(&one.address)) {
        all.push(one);
    }
}

fn is_status(part: &MessagePart<'_>) -> bool {
    matches!(kind(part).as_str(), "message/delivery-status" | "message/global-delivery-status")
}

/// The fields of a group: names in lower case, values unfolded.
type Group = Vec<(String, String)>;

/// Splits a delivery-status part into its groups of fields (RFC 3464 §2.1).
fn groups(status: &str) -> Vec<Group> {
    let mut all: Vec<Group> = vec![Group::new()];
    for line in status.lines() {
        if line.trim().is_empty() {
            all.push(Group::new());
            continue;
        }
        let Some(group) = all.last_mut() else {
            continue;
        };
        match (line.starts_with([' ', '\t']), line.split_once(':')) {
            (true, _) => {
                if let Some((_, value)) = group.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            }
            (false, Some((name, value))) => group.push((name.trim().to_ascii_lowercase(), value.trim().to_owned())),
            (false, None) => {}
        }
    }
    all
}

/// One per-recipient group (RFC 3464 §2.3); `None` when it reports no failure or names nobody.
fn recipient(group: &Group) -> Option<BouncedRecipient> {
    let field = |name: &str| group.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let address = field("original-recipient")
        .and_then(typed_address)
        .or_else(|| field("final-recipient").and_then(typed_address))?;
    let action = field("action").map(|a| a.split([' ', ';', '(']).next().unwrap_or_default().to_ascii_lowercase());
    if matches!(action.as_deref(), Some("delivered" | "relayed" | "expanded")) {
        return None;
    }
    let diagnostic = field("diagnostic-code").unwrap_or_default();
    let status = field("status")
        .and_then(first_status)
        .filter(|s| !s.ends_with(".0.0"))
        .or_else(|| first_status(diagnostic))
        .or_else(|| field("status").and_then(first_status));
    let class = classify(action.as_deref(), status.as_deref(), diagnostic);
    Some(BouncedRecipient { address, class, status })
}

/// `rfc822; <anne@example.org>` → the address (RFC 3464 §2.3.1; RFC 3461 §4.2 for `+2B`).
fn typed_address(value: &str) -> Option<String> {
    let bare = value.split_once(';').map_or(value, |(_, address)| address).trim();
    let bare = match (bare.find('<'), bare.rfind('>')) {
        (Some(open), Some(close)) if open < close => &bare[open + 1..close],
        _ => bare.split_whitespace().next().unwrap_or_default(),
    };
    text::address(&bare.replace("+2B", "+").replace("+3D", "=")).filter(|a| !a.ends_with('@'))
}

/// The first enhanced status code in a text.
fn first_status(text: &str) -> Option<String> {
    static CODE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?:^|[^0-9.])([245]\.\d{1,3}\.\d{1,3})(?:[^0-9.]|\.?$|\.\s)").ok());
    CODE.as_ref()?.captures(text).map(|c| c[1].to_owned())
}

/// The class, by action, then status, then the words of the diagnostic.
fn classify(action: Option<&str>, status: Option<&str>, diagnostic: &str) -> BounceClass {
    let low = diagnostic.to_lowercase();
    let says = |words: &[String]| words.iter().any(|w| low.contains(w.as_str()));
    let status = status.unwrap_or_default();
    let detail = status.split_once('.').map_or("", |(_, detail)| detail);
    if action == Some("delayed") {
        BounceClass::Delayed
    } else if detail == "2.2" || says(&DATA.quota) {
        BounceClass::Quota
    } else if matches!(detail, "1.1" | "1.2" | "1.3" | "1.6" | "1.10" | "2.1")
        && !status.starts_with('4')
        && !says(&DATA.policy)
        || says(&DATA.hard)
    {
        BounceClass::Hard
    } else if detail.starts_with("7.") || detail == "1.8" || says(&DATA.policy) {
        BounceClass::Policy
    } else if status.starts_with('4') || matches!(detail, "4.5" | "4.7" | "3.2") {
        BounceClass::Soft
    } else {
        BounceClass::Hard
    }
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
        if ids.len() < MAX_IDS && !ids.iter().any(|known| known == one) {
            ids.push(one.to_owned());
        }
    }
}

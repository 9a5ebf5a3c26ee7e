//! The part of a report that machines write for machines: groups of fields, one a recipient (RFC 3464 §2, RFC 6533).

use mail_parser::MessagePart;

use super::judge::{classify, known};
use super::{BouncedRecipient, first_status};
use crate::mail::letter::kind;
use crate::mail::text;

pub(super) fn is_status(part: &MessagePart<'_>) -> bool {
    matches!(kind(part).as_str(), "message/delivery-status" | "message/global-delivery-status")
}

/// The fields of a group: names in lower case, values unfolded.
pub(super) type Group = Vec<(String, String)>;

/// Splits a delivery-status part into its groups of fields (RFC 3464 §2.1).
pub(super) fn groups(status: &str) -> Vec<Group> {
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
pub(super) fn recipient(group: &Group, own: &str) -> Option<BouncedRecipient> {
    let field = |name: &str| group.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let original = field("original-recipient").and_then(typed_address);
    let last = field("final-recipient").filter(|v| !v.to_ascii_lowercase().starts_with("x400")).and_then(typed_address);
    let (address, original) = linked(told(original, last, own)?, own);
    let Said { action, code: status, diagnostic } = said(group);
    if matches!(action.as_deref(), Some("delivered" | "relayed" | "expanded")) {
        return None;
    }
    let class = known(action.as_deref(), status.as_deref(), &diagnostic).unwrap_or_else(|| {
        // the machines' part says nothing: the words for people may
        let near = near(&address, own);
        let status = first_status(near).or_else(|| status.clone());
        classify(action.as_deref(), status.as_deref(), near)
    });
    Some(BouncedRecipient { address, original, class, status })
}

/// What a group says happened.
#[derive(Default)]
pub(super) struct Said {
    pub(super) action: Option<String>,
    /// The enhanced status code; the diagnostic's own where the field says no more than "failed".
    pub(super) code: Option<String>,
    pub(super) diagnostic: String,
}

pub(super) fn said(group: &Group) -> Said {
    let field = |name: &str| group.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let action = field("action").map(|a| a.split([' ', ';', '(']).next().unwrap_or_default().to_ascii_lowercase());
    let diagnostic = field("diagnostic-code").unwrap_or_default();
    let code = field("status")
        .and_then(first_status)
        .filter(|s| !s.ends_with(".0.0"))
        .or_else(|| first_status(diagnostic))
        .or_else(|| field("status").and_then(first_status));
    Said { action, code, diagnostic: diagnostic.to_owned() }
}

/// Bytes of the text for people that speak of an address: its own line and some more.
const NEAR: usize = 400;

fn near<'t>(address: &str, own: &'t str) -> &'t str {
    let at = own.find(&address.to_lowercase()).unwrap_or(own.len());
    text::cut(own.get(at..).unwrap_or_default(), NEAR)
}

/// `rfc822; <anne@example.org>` → the address (RFC 3464 §2.3.1).
fn typed_address(value: &str) -> Option<String> {
    let bare = value.split_once(';').map_or(value, |(_, address)| address).trim();
    let bare = match (bare.find('<'), bare.rfind('>')) {
        (Some(open), Some(close)) if open < close => &bare[open + 1..close],
        _ => bare.split_whitespace().next().unwrap_or_default(),
    };
    text::address(&xtext(&code_points(bare))).filter(|a| !a.ends_with('@'))
}

/// `andr\x{E9}` → `andré` (RFC 6533 §3).
fn code_points(address: &str) -> String {
    let mut pieces = address.split(r"\x{");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let escaped = piece.split_once('}').filter(|(hex, _)| (2..=6).contains(&hex.len()));
        match escaped.and_then(|(hex, rest)| Some((char::from_u32(u32::from_str_radix(hex, 16).ok()?)?, rest))) {
            Some((c, rest)) => {
                out.push(c);
                out.push_str(rest);
            }
            None => {
                out.push_str(r"\x{");
                out.push_str(piece);
            }
        }
    }
    out
}

/// `andr+C3+A9+2Bcodev` → `andré+codev` (RFC 3461 §4). What stands for itself in this form is never written so: the
/// `+20` of `anne+2024@…` is her own.
fn xtext(address: &str) -> String {
    let byte_at = |at: usize| {
        let hex = address.get(at..at + 3)?.strip_prefix('+')?;
        let upper = hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'));
        u8::from_str_radix(hex, 16).ok().filter(|b| upper && (matches!(b, b'+' | b'=') || !b.is_ascii()))
    };
    let (mut out, mut at) = (Vec::with_capacity(address.len()), 0);
    while at < address.len() {
        let escaped = byte_at(at);
        out.push(escaped.unwrap_or(address.as_bytes()[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    // bytes that are no text were not escaped
    String::from_utf8(out).unwrap_or_else(|_| address.replace("+2B", "+").replace("+3D", "="))
}

/// Exchange Online's text names the one who failed `name (address)<mailto:address>`: the link is the address that the
/// mail was sent to, where the others show another one.
fn linked(told: (String, Option<String>), own: &str) -> (String, Option<String>) {
    let shown = format!("({})", told.0.to_lowercase());
    let link = own.split_once(&shown).and_then(|(_, after)| after.trim_start().strip_prefix("<mailto:"));
    let link = link.and_then(|link| link.split_once('>')).and_then(|(link, _)| text::address(link));
    match link {
        Some(link) if !link.eq_ignore_ascii_case(&told.0) => (link, Some(told.0)),
        _ => told,
    }
}

/// Where the two addresses differ, we wrote to the original one; but a report that speaks of the last one alone, or
/// calls the original what it was "expanded from", means the last. Where it calls the last "expanded from" a third one,
/// only the original is ours. The other is kept beside it.
fn told(original: Option<String>, last: Option<String>, own: &str) -> Option<(String, Option<String>)> {
    let (Some(first), Some(last)) = (original.clone(), last.clone()) else {
        return original.or(last).map(|one| (one, None));
    };
    let named = |address: &str| own.find(&address.to_lowercase());
    let expanded = |at: usize| {
        own[..at].trim_end_matches(['<', ' ', '\n']).ends_with("expanded from") || own[..at].ends_with("rfc822;")
    };
    let by_last = named(&last).is_some() && named(&first).is_none_or(expanded) && !last.starts_with('@');
    let third = own.split_once(&last.to_lowercase()).is_some_and(|(_, after)| {
        let from = after.trim_start_matches(['>', ' ', '\n']).strip_prefix("(expanded from");
        from.is_some_and(|from| !from.trim_start_matches([':', '<', ' ', '\n']).starts_with(&first.to_lowercase()))
    });
    let differ = !first.eq_ignore_ascii_case(&last);
    Some(if differ && by_last && !third { (last, Some(first)) } else { (first, None) })
}

//! The part of a report that machines write for machines: groups of fields, one a recipient (RFC 3464 §2, RFC 6533).

use mail_parser::MessagePart;

use super::{BouncedRecipient, classify, first_status};
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
    let (address, original) = told(original, last, own)?;
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
    Some(BouncedRecipient { address, original, class, status })
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

/// Where the two addresses differ, we wrote to the original one; but a report that speaks of the last one alone, or
/// calls the original what it was "expanded from", means the last. The other is kept beside it.
fn told(original: Option<String>, last: Option<String>, own: &str) -> Option<(String, Option<String>)> {
    let (Some(first), Some(last)) = (original.clone(), last.clone()) else {
        return original.or(last).map(|one| (one, None));
    };
    let named = |address: &str| own.find(&address.to_lowercase());
    let expanded = |at: usize| {
        own[..at].trim_end_matches(['<', ' ', '\n']).ends_with("expanded from") || own[..at].ends_with("rfc822;")
    };
    let by_last = named(&last).is_some() && named(&first).is_none_or(expanded) && !last.starts_with('@');
    let differ = !first.eq_ignore_ascii_case(&last);
    Some(if differ && by_last { (last, Some(first)) } else { (first, None) })
}

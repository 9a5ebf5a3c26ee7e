//! What a failure means for us: from the action, the status code, the stage of the session, the words.

use super::{BounceClass, DATA, Phrases, any, first_status};
use crate::mail::text;

/// The class; an address that failed for no reason that is told is taken for no good.
pub(super) fn classify(action: Option<&str>, status: Option<&str>, diagnostic: &str) -> BounceClass {
    known(action, status, diagnostic).unwrap_or(BounceClass::Hard)
}

/// The class by the words about this address, else by those of the whole report.
pub(super) fn by_words(action: Option<&str>, status: Option<&str>, near: &str, all: &str) -> BounceClass {
    known(action, status, near).or_else(|| known(action, status, all)).unwrap_or(BounceClass::Hard)
}

/// The class, where anything tells it. RFC 3463 §3 for the codes.
pub(super) fn known(action: Option<&str>, status: Option<&str>, diagnostic: &str) -> Option<BounceClass> {
    let low = text::one_line(&diagnostic.to_lowercase());
    let says = |table: &[Phrases]| any(table, |w| low.contains(w));
    let status = status.unwrap_or_default();
    let (digit, detail) = status.split_once('.').unwrap_or_default();
    let bad_address = is_bad_address(status) || (detail == "4.1" && digit != "4");
    // the sender's own address or domain is what is refused: our set-up; or the mail as such, by its size or content
    let ours = matches!(detail, "1.7" | "1.8" | "2.3" | "3.4") || detail.starts_with("7.") || detail.starts_with("6.");
    let ours_by_words = says(&DATA.policy) || (digit != "4" && says(&DATA.stages));
    Some(if action == Some("delayed") {
        BounceClass::Delayed
    } else if detail == "2.2" || (says(&DATA.quota) && !says(&DATA.limits)) {
        BounceClass::Quota
    } else if bad_address && (!says(&DATA.policy) || says(&DATA.hard)) {
        BounceClass::Hard
    } else if ours && !(detail.starts_with("7.") && says(&DATA.hard)) {
        BounceClass::Policy
    } else if says(&DATA.hard) {
        BounceClass::Hard
    } else if ours_by_words || says(&DATA.limits) || says(&DATA.size) {
        BounceClass::Policy
    } else if matches!(detail, "4.1" | "4.7") || says(&DATA.expired) {
        // 4.1: no answer from the host for as long as it was tried
        BounceClass::Expired
    } else if digit == "4" || matches!(detail, "4.5" | "3.2") || says(&DATA.soft) || is_later(&low) {
        BounceClass::Soft
    } else if matches!(detail, "" | "0.0" | "5.0") {
        return None;
    } else {
        BounceClass::Hard
    })
}

/// Does the code say that the address is no good (RFC 3463 §3.2, §3.3)?
pub(super) fn is_bad_address(status: &str) -> bool {
    matches!(status.split_once('.'), Some((digit, "1.1" | "1.2" | "1.3" | "1.6" | "1.10" | "2.1")) if digit != "4")
}

/// What the words alone say of the address.
pub(super) fn of_the_address(words: &str) -> Option<BounceClass> {
    let low = text::one_line(&words.to_lowercase());
    let says = |table: &[Phrases]| any(table, |w| low.contains(w));
    match says(&DATA.quota) && !says(&DATA.limits) {
        true => Some(BounceClass::Quota),
        false => says(&DATA.hard).then_some(BounceClass::Hard),
    }
}

/// Do the words give a reply code of "not now" (RFC 5321 §4.2.1) and no status code?
fn is_later(low: &str) -> bool {
    let codes = ["421 ", "450 ", "451 ", "421-", "450-", "451-"];
    first_status(low).is_none() && codes.iter().any(|code| low.starts_with(code) || low.contains(&format!(" {code}")))
}

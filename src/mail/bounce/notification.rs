//! What a sending service tells by JSON: Amazon SES, by mail through SNS ("Amazon SNS notification contents for
//! Amazon SES", docs.aws.amazon.com/ses/latest/dg/notification-contents.html).

use serde_json::Value;

use super::judge::classify;
use super::{Bounce, BouncedRecipient, MAX_RECIPIENTS, add_ids, first_status, push};
use crate::mail::text;

/// The notification in a mail's text; `None` where there is none of a bounce.
pub(super) fn read(body: &str) -> Option<Bounce> {
    let told = notification(body)?;
    let bounce = told.get("bounce")?;
    let mut recipients = Vec::new();
    for one in bounce.get("bouncedRecipients")?.as_array()?.iter().take(MAX_RECIPIENTS) {
        push(&mut recipients, recipient(one));
    }
    let mut original_ids = Vec::new();
    for header in told.pointer("/mail/headers").and_then(Value::as_array).into_iter().flatten() {
        let field = |name: &str| header.get(name).and_then(Value::as_str).unwrap_or_default();
        add_ids(&mut original_ids, field("name"), field("value"));
    }
    Some(Bounce { recipients, unnamed: None, original_ids })
}

/// Does the text tell of a bounce in this form?
pub(super) fn is_one(body: &str) -> bool {
    notification(body).is_some_and(|told| told.get("bounce").is_some())
}

/// The first JSON object of a text, or the one that SNS wraps up as a string.
fn notification(body: &str) -> Option<Value> {
    let start = body.trim_start();
    if !start.starts_with('{') || !start.contains("bouncedRecipients") {
        return None;
    }
    // a server that cuts lines over 990 characters marks the cut so
    let whole = start.replace("!\n ", "");
    let outer: Value = serde_json::Deserializer::from_str(&whole).into_iter().next()?.ok()?;
    match outer.get("Message").and_then(Value::as_str) {
        Some(inner) => serde_json::from_str(inner).ok(),
        None => Some(outer),
    }
}

fn recipient(one: &Value) -> Option<BouncedRecipient> {
    let field = |name: &str| one.get(name).and_then(Value::as_str);
    let address = text::address(field("emailAddress")?)?;
    let diagnostic = field("diagnosticCode").unwrap_or_default();
    let status = field("status").and_then(first_status).or_else(|| first_status(diagnostic));
    let class = classify(field("action"), status.as_deref(), diagnostic);
    Some(BouncedRecipient { address, original: None, class, status })
}

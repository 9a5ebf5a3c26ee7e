//! What `codevd mail read --json` prints of a mail: for people who ask why a mail was understood as it was.

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::bounce::BounceClass;
use super::class::Class;
use super::letter::{Letter, letter};
use super::reply::reply;
use crate::core::proof::Proof;
use crate::ical::{self, Method, Stated};

/// One mail as a JSON object: kind, reply, bounce, auto_reply, calendar, proof, problems. `proof` is what was found out
/// about its sender; without it nobody looked.
pub fn read_json(raw: &[u8], proof: Option<&Proof>) -> Value {
    let letter = letter(raw);
    json!({
        "kind": letter.class.as_str(),
        "reply": reply_json(&letter),
        "bounce": bounce_json(&letter),
        "auto_reply": (letter.class == Class::AutoReply).then(|| json!({ "until": letter.auto_until.map(|d| d.to_string()) })),
        "calendar": calendar_json(&letter),
        "proof": proof.map_or_else(|| json!({ "level": "B", "why": "no check of the sender was made" }), |p| json!(p)),
        "problems": letter.problems,
    })
}

/// The first event of the first calendar, with the first attendee: whose answer it is (RFC 5546 §3.2.3).
fn calendar_json(letter: &Letter) -> Option<Value> {
    let method = letter.calendar_method.as_deref();
    let first = letter.calendar.first()?;
    let Some(event) = ical::read(first).into_iter().next() else {
        return Some(json!({ "method": method }));
    };
    let attendee = event.attendees.first();
    let part_stat = attendee.map(|a| match &a.part_stat {
        Stated::Known(known) => known.as_str().to_owned(),
        Stated::Unknown(word) => word.clone(),
    });
    Some(json!({
        "method": event.method.as_ref().map(Method::as_str).or(method),
        "uid": event.uid,
        "sequence": event.sequence,
        "dtstamp": event.dtstamp.map(|t| t.to_rfc3339_opts(SecondsFormat::Secs, true)),
        "attendee": attendee.map(|a| a.email.as_str()),
        "partstat": part_stat,
        "comment": event.comment,
    }))
}

/// Only what a person may have written: people's mail, list mail, and words beside a calendar's answer.
fn reply_json(letter: &Letter) -> Option<Value> {
    if !matches!(letter.class, Class::Person | Class::List | Class::Calendar) {
        return None;
    }
    let reply = reply(letter, None);
    let confidence = if reply.sure { "sure" } else { "probable" };
    Some(json!({ "text": reply.text, "rule": reply.rule, "confidence": confidence }))
}

fn bounce_json(letter: &Letter) -> Option<Value> {
    let recipients: Vec<Value> = letter
        .bounce
        .as_ref()?
        .recipients
        .iter()
        .map(|r| {
            let given_up = !matches!(r.class, BounceClass::Delayed);
            json!({ "address": r.address, "class": r.class.as_str(), "status": r.status, "given_up": given_up })
        })
        .collect();
    Some(json!({ "recipients": recipients }))
}

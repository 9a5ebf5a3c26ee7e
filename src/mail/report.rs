//! What `codevd mail read --json` prints of a mail: for people who ask why a mail was understood as it was.

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::class::Class;
use super::letter::Letter;
use super::parts::Part;
use super::reading::{Nothing, Reading, read};
use super::reply::Reply;
use crate::core::proof::Proof;
use crate::ical::{self, Method, Stated};

/// One mail as a JSON object: kind, reply, bounce, auto_reply, calendar, proof, problems; then the steps of the reading
/// and the parts of the text.
/// `proof` is what was found out about its sender; without it nobody looked.
pub fn read_json(raw: &[u8], proof: Option<&Proof>) -> Value {
    match read(raw, proof, &Nothing) {
        Ok(reading) => reading_json(&reading),
        Err(never) => match never {},
    }
}

/// The same of a mail that was read already.
pub fn reading_json(reading: &Reading) -> Value {
    let letter = &reading.letter;
    let reply = reading.reply.as_ref();
    let steps = reading.steps.iter().map(|s| json!({ "step": s.name, "found": s.found, "why": s.why }));
    json!({
        "kind": letter.class.as_str(),
        "reply": reply.map(reply_json),
        "bounce": bounce_json(letter),
        "auto_reply": (letter.class == Class::AutoReply).then(|| json!({ "until": letter.auto_until.map(|d| d.to_string()) })),
        "calendar": calendar_json(letter),
        "proof": json!(reading.proof),
        "problems": letter.problems,
        "steps": steps.collect::<Vec<_>>(),
        "parts": reply.map(parts_json).unwrap_or_default(),
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
        "sequence": event.sequence.unwrap_or(0),
        "dtstamp": event.dtstamp.map(|t| t.to_rfc3339_opts(SecondsFormat::Secs, true)),
        "attendee": attendee.map(|a| a.email.as_str()),
        "partstat": part_stat,
        "comment": event.comment,
    }))
}

fn reply_json(reply: &Reply) -> Value {
    let confidence = if reply.sure { "sure" } else { "probable" };
    json!({ "text": reply.text, "rule": reply.rule, "confidence": confidence })
}

fn parts_json(reply: &Reply) -> Vec<Value> {
    let part = |p: &Part| {
        let text = &reply.body[p.bytes.clone()];
        json!({ "kind": p.kind.as_str(), "rule": p.rule, "lines": [p.lines.0, p.lines.1], "text": text })
    };
    reply.parts.iter().map(part).collect()
}

fn bounce_json(letter: &Letter) -> Option<Value> {
    let recipients: Vec<Value> = letter
        .bounce
        .as_ref()?
        .recipients
        .iter()
        .map(|r| json!({ "address": r.address, "class": r.class.as_str(), "status": r.status }))
        .collect();
    Some(json!({ "recipients": recipients }))
}

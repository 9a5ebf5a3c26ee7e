//! A draft's facts for its template: names for short names, formatted times, cleaned words.

use super::{Scene, first_name};
use crate::core::{Facts, MemberId};
use crate::render::clean::{clean, one_line, paragraphs};
use chrono::{NaiveDate, NaiveDateTime};
use serde_json::{Map, Value, json};

/// What a fact may hold; each is there in every mail, null where it says nothing.
const KEYS: [&str; 25] = [
    "facts",
    "receipt",
    "notice",
    "refusal",
    "from",
    "from_date",
    "to",
    "to_date",
    "who",
    "words",
    "question",
    "why",
    "reminders",
    "answer",
    "late",
    "asks",
    "sharing",
    "order",
    "name",
    "section",
    "text",
    "anonymous",
    "lines",
    "verdict",
    "member",
];

impl Scene<'_> {
    pub(super) fn facts_value(&self, facts: &Facts) -> Value {
        let mut all: Map<String, Value> = KEYS.iter().map(|k| ((*k).to_owned(), Value::Null)).collect();
        for key in ["what", "minutes", "first_name", "is_reader", "deed", "address", "count"] {
            all.insert(key.to_owned(), Value::Null);
        }
        all.insert("paragraphs".to_owned(), json!([]));
        // The types are our own and hold nothing that JSON can't.
        if let Ok(Value::Object(own)) = serde_json::to_value(facts) {
            for (key, value) in own {
                self.fact(&key, value, &mut all);
            }
        }
        Value::Object(all)
    }

    fn fact(&self, key: &str, value: Value, all: &mut Map<String, Value>) {
        match (key, value) {
            ("member", Value::String(id)) => {
                let member = id.parse::<MemberId>().ok().and_then(|id| self.group.member(&id));
                let is_reader = member.zip(self.reader).is_some_and(|(m, reader)| m.id == reader.id);
                all.insert("is_reader".to_owned(), json!(is_reader));
                all.insert("first_name".to_owned(), json!(member.map(|m| first_name(&m.name))));
                all.insert(key.to_owned(), json!(member.map_or(id, |m| one_line(&m.name))));
            }
            ("from" | "to", Value::String(wall)) => {
                let wall = wall.parse::<NaiveDateTime>().ok();
                let start = wall.map(|w| crate::core::schedule::instant(w, self.group.spec.zone));
                let length = self.meeting.map(|m| self.group.ends(m) - self.group.starts(m)).unwrap_or_default();
                all.insert(format!("{key}_date"), json!(start.map(|s| self.date(s))));
                all.insert(key.to_owned(), json!(start.map(|s| self.locale.span(s, s + length, self.place))));
            }
            ("lines", Value::Array(lines)) => {
                all.insert(key.to_owned(), lines.into_iter().map(|l| self.fact_line(l)).collect());
            }
            ("text", Value::String(text)) => {
                all.insert("paragraphs".to_owned(), paragraphs(&text));
                all.insert(key.to_owned(), json!(clean(&text)));
            }
            (key, Value::String(text)) => {
                all.insert(key.to_owned(), json!(clean(&text)));
            }
            (key, Value::Object(parts)) => {
                let parts = parts.into_iter().map(|(name, part)| match (name.as_str(), part) {
                    ("wanted", Value::String(wall)) => (name, json!(self.wanted(&wall))),
                    (_, part) => (name, cleaned(part)),
                });
                all.insert(key.to_owned(), Value::Object(parts.collect()));
            }
            (key, value) => {
                all.insert(key.to_owned(), value);
            }
        }
    }

    /// A time that was asked for and can't be, as all times are written.
    fn wanted(&self, wall: &str) -> String {
        match NaiveDateTime::parse_from_str(wall, "%Y-%m-%d %H:%M") {
            Ok(wall) => self.locale.moment(crate::core::schedule::instant(wall, self.group.spec.zone), self.place),
            Err(_) => clean(wall),
        }
    }

    /// A plan's line `{text, due, shared}`, or an action's `{text, progress}`.
    fn fact_line(&self, line: Value) -> Value {
        match line {
            Value::Array(pair) => {
                let text = pair.first().and_then(Value::as_str).map(one_line);
                json!({ "text": text, "progress": pair.get(1), "due": null, "shared": null })
            }
            Value::Object(line) => {
                let due = line.get("due").and_then(Value::as_str).and_then(|d| d.parse::<NaiveDate>().ok());
                json!({
                    "text": line.get("text").and_then(Value::as_str).map(one_line),
                    "due": due.map(|d| self.locale.day_short(d)),
                    "shared": line.get("shared"),
                    "progress": null,
                })
            }
            other => other,
        }
    }
}

/// What a refusal repeats of somebody's words is as clean as the rest.
fn cleaned(value: Value) -> Value {
    match value {
        Value::String(text) => json!(clean(&text)),
        other => other,
    }
}

//! The step of a live prompt: until when, who speaks, which of six.

use super::Scene;
use crate::core::{Facts, Meeting};
use serde_json::{Value, json};

impl Scene<'_> {
    /// The step at that position of the run, with what comes after it.
    pub(super) fn step_value(&self, meeting: &Meeting, position: u32, facts: &Facts) -> Option<Value> {
        let sheet = self.group.sheet(meeting);
        let index = position as usize;
        let step = sheet.get(index)?;
        let next = sheet[index + 1..].iter().find(|s| !s.skipped);
        let reached = sheet[..=index].iter().filter_map(|s| s.key.number()).max().unwrap_or(0);
        let speakers = self.group.speakers(meeting, step);
        let turn = speakers.iter().position(|m| self.reader.is_some_and(|r| r.id == m.id));
        let mut value = self.line(meeting, step);
        let more = json!({
            "until": self.hour(step.end),
            "my_turn": turn.map(|n| n + 1),
            "next": next.map(|n| json!({
                "title": self.locale.step(n.key),
                "start": self.hour(n.start),
                "number": n.key.number(),
            })),
            "resumed": *facts == Facts::Resumed,
            "index": index,
            "count": sheet.len(),
            "dots": (1..=6).map(|n| n <= reached).collect::<Vec<_>>(),
        });
        if let (Value::Object(all), Value::Object(more)) = (&mut value, more) {
            all.extend(more);
        }
        Some(value)
    }
}

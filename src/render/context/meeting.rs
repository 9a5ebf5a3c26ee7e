//! The meeting as its templates see it: when, where, who, the timed run sheet, the subject.

use super::Scene;
use crate::core::meeting::Sharing;
use crate::core::{Attending, Meeting, Member, RunStep, Subject};
use crate::render::clean::{one_line, paragraphs};
use serde_json::{Value, json};

impl Scene<'_> {
    pub(super) fn meeting_value(&self, meeting: &Meeting) -> Value {
        let (group, start, end) = (self.group, self.group.starts(meeting), self.group.ends(meeting));
        let local = start.with_timezone(&self.place.reader).date_naive();
        let place = meeting.place.as_deref().or(group.spec.place.as_deref());
        let mut value = json!({
            "number": meeting.number.0,
            "when": self.locale.span(start, end, self.place),
            "date": self.locale.day(local),
            "date_full": self.locale.day_full(local),
            "date_short": self.locale.day_short(local),
            "start": self.hour(start),
            "end": self.hour(end),
            "zone": self.locale.city(self.place.reader),
            "length": self.locale.duration((end - start).num_seconds()),
            "place_is_link": place.is_some_and(|p| p.starts_with("https://") || p.starts_with("http://")),
            "place": place.map(one_line),
            "phone": group.spec.phone.as_deref().map(|p| one_line(p).replace(' ', "\u{a0}")),
            "requester": self.named(&meeting.requester),
            "backup": meeting.backup.as_ref().map(|b| self.named(b)),
            "facilitator": self.named(&meeting.facilitator),
            "order": self.people(group.order(meeting)),
            "stage": meeting.stage,
            "request": self.request(meeting),
            "subject": meeting.subject.as_ref().map(|s| self.subject_value(meeting, s)),
        });
        for part in [self.format_value(meeting), self.sheet_value(meeting), self.attendance_value(meeting)] {
            if let (Value::Object(all), Value::Object(part)) = (&mut value, part) {
                all.extend(part);
            }
        }
        value
    }

    fn format_value(&self, meeting: &Meeting) -> Value {
        let format = self.group.format_of(meeting);
        let text = |texts: &std::collections::BTreeMap<String, String>| {
            texts.get(self.language.as_str()).or_else(|| texts.values().next()).map(|t| one_line(t))
        };
        json!({
            "format": format.and_then(|f| text(&f.title)),
            "caution": format.and_then(|f| text(&f.caution)),
        })
    }

    fn sheet_value(&self, meeting: &Meeting) -> Value {
        let sheet = self.group.sheet(meeting);
        json!({
            "sheet_start": sheet.first().map(|s| self.hour(s.start)),
            "sheet_end": sheet.last().map(|s| self.hour(s.end)),
            "sheet": sheet.iter().map(|s| self.line(meeting, s)).collect::<Vec<_>>(),
        })
    }

    /// A step as a line of the run sheet.
    pub(super) fn line(&self, meeting: &Meeting, step: &RunStep) -> Value {
        let turn = self.group.turn_seconds(meeting, step);
        json!({
            "key": step.key.name(),
            "number": step.key.number(),
            "title": self.locale.step(step.key),
            "start": self.hour(step.start),
            "end": self.hour(step.end),
            "minutes": self.locale.duration((step.end - step.start).num_seconds()),
            "speakers": self.people(self.group.speakers(meeting, step)),
            "turn": turn.map(|s| self.locale.duration(round(s))),
            "everybody": matches!(step.speaker, crate::core::format::Speaker::All),
            "skipped": step.skipped,
        })
    }

    fn attendance_value(&self, meeting: &Meeting) -> Value {
        let group = self.group;
        let involved = |m: &&Member| m.is_active() && (m.circle || m.id == meeting.facilitator);
        let answered = |answer: Option<Attending>| {
            self.people(group.members.iter().filter(involved).filter(|m| meeting.attending(&m.id) == answer))
        };
        let present = group.circle().filter(|m| meeting.attending(&m.id) == Some(Attending::Yes)).count();
        let quorum = group.settings().quorum;
        json!({
            "yes": answered(Some(Attending::Yes)),
            "no": answered(Some(Attending::No)),
            "maybe": answered(Some(Attending::Maybe)),
            "silent": answered(None),
            "present_count": present,
            "quorum": quorum,
            "quorum_met": u32::try_from(present).is_ok_and(|n| n >= quorum),
            "away": self.away(meeting),
            "requester_away": self.away_until(meeting.requester.clone()),
            "my_away": self.reader.and_then(|r| self.away_until(r.id.clone())),
            "my_answer": self.reader.and_then(|r| meeting.attending(&r.id)),
        })
    }

    /// Who has not answered, and whose automatic reply says until when they are away.
    fn away(&self, meeting: &Meeting) -> Value {
        let silent = self.group.members.iter().filter(|m| m.is_active() && meeting.attending(&m.id).is_none());
        let away = silent.filter_map(|m| {
            let until = self.away_until(m.id.clone())?;
            Some(json!({"name": one_line(&m.name), "until": until}))
        });
        away.collect()
    }

    /// The last day away that an automatic reply named; the core forgets it when it is over.
    fn away_until(&self, id: crate::core::MemberId) -> Option<String> {
        Some(self.locale.day(self.group.member(&id)?.reach.away?.until?))
    }

    /// The requester reads all of it; the others what the requester lets them read.
    fn subject_value(&self, meeting: &Meeting, subject: &Subject) -> Value {
        let owns = self.owns(meeting);
        let title = one_line(subject.title());
        let shows_title = matches!(subject.sharing, Some(Sharing::All | Sharing::TitleOnly));
        let shows_all = subject.sharing == Some(Sharing::All);
        json!({
            "title": owns.then(|| title.clone()),
            "paragraphs": if owns { paragraphs(&subject.text) } else { json!([]) },
            "sharing": subject.sharing,
            "shared_title": shows_title.then(|| title.clone()),
            "shared_paragraphs": if shows_all { paragraphs(&subject.text) } else { json!([]) },
        })
    }

    /// "Aidez-moi à …", unless the requester took it back after the session.
    pub(super) fn request(&self, meeting: &Meeting) -> Value {
        let shown = !meeting.digest.withdrawn || self.owns(meeting);
        meeting.request().filter(|_| shown).map_or(Value::Null, |w| json!(one_line(&w.text)))
    }

    pub(super) fn next_value(&self, meeting: &Meeting) -> Value {
        let Some(next) = self.group.upcoming(meeting) else { return Value::Null };
        let length = self.group.format_of(meeting).map_or_else(chrono::Duration::zero, crate::core::Format::length);
        json!({
            "when": self.locale.span(next.start, next.start + length, self.place),
            "date": self.date(next.start),
            "start": self.hour(next.start),
            "requester": next.requester.as_ref().map_or(Value::Null, |id| self.named(id)),
        })
    }
}

/// Turns are told in steps of ten seconds, and of five where they are short: nobody counts closer.
fn round(seconds: u32) -> i64 {
    let step = if seconds >= 60 { 10 } else { 5 };
    i64::from(if seconds < step { seconds } else { seconds - seconds % step })
}

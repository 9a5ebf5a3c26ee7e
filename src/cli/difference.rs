//! What a change changes, told before it is done: people, settings, meetings, mails.

use super::terminal::{Mark, Terminal};
use crate::core::{Change, Draft, Group, Kind, Meeting, MeetingNo, Member};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;

/// The difference between a group and what it would become.
#[derive(Debug, Default)]
pub(super) struct Difference {
    lines: Vec<Line>,
    mails: Vec<Mails>,
}

#[derive(Debug)]
struct Line {
    mark: Mark,
    what: &'static str,
    text: String,
}

/// Mails of one kind about one meeting.
#[derive(Debug)]
struct Mails {
    kind: Kind,
    meeting: Option<MeetingNo>,
    to: Vec<String>,
}

impl Difference {
    /// Compares a group, if it runs already, with a change.
    pub(super) fn of(before: Option<&Group>, change: &Change) -> Self {
        let mut all = Self::default();
        let after = &change.group;
        all.people(before, after);
        all.settings(before, after);
        all.meetings(before, after);
        all.mails = mails(after, &change.drafts);
        all
    }

    /// Nothing changes and nothing is mailed.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.mails.is_empty()
    }

    fn add(&mut self, mark: Mark, what: &'static str, text: String) {
        self.lines.push(Line { mark, what, text });
    }

    fn people(&mut self, before: Option<&Group>, after: &Group) {
        let was = |m: &Member| before.and_then(|b| b.member(&m.id)).filter(|m| m.is_active());
        for member in after.members.iter().filter(|m| m.is_active()) {
            let told = format!("{} <{}>{}", member.name, member.email, part(member));
            match was(member) {
                None => self.add(Mark::Good, "joins", told),
                Some(old) => {
                    let changed = fields(&detail(old), &detail(member));
                    changed.into_iter().for_each(|c| self.add(Mark::Care, "changes", format!("{}: {c}", member.name)));
                }
            }
        }
        for member in before.into_iter().flat_map(|b| &b.members).filter(|m| m.is_active()) {
            if after.member(&member.id).is_none_or(|m| !m.is_active()) {
                self.add(Mark::Bad, "leaves", format!("{} <{}>", member.name, member.email));
            }
        }
    }

    fn settings(&mut self, before: Option<&Group>, after: &Group) {
        let Some(before) = before else {
            return self.add(Mark::Good, "group", format!("{} ({}), new", after.spec.name, after.id));
        };
        let spec = |g: &Group| {
            let mut spec = serde_json::to_value(&g.spec).unwrap_or_default();
            spec.as_object_mut().map(|s| s.remove("members"));
            spec
        };
        for changed in fields(&spec(before), &spec(after)) {
            self.add(Mark::Care, "changes", changed);
        }
        if after.live && !before.live {
            self.add(Mark::Care, "changes", "live: mails go to everybody from now on".to_owned());
        }
    }

    fn meetings(&mut self, before: Option<&Group>, after: &Group) {
        for meeting in &after.meetings {
            let name = format!("{}/{}", after.id, meeting.number);
            match before.and_then(|b| b.meeting(meeting.number)) {
                None => {
                    let who = after.member(&meeting.requester).map_or("", |m| &m.name);
                    let text = format!("{name} on {} {}, requester {who}", hour(meeting), after.spec.zone);
                    self.add(Mark::Good, "meeting", text);
                }
                Some(old) => {
                    let changed = fields(&facts(before.unwrap_or(after), old), &facts(after, meeting));
                    changed.into_iter().for_each(|c| self.add(Mark::Care, "meeting", format!("{name} {c}")));
                }
            }
        }
    }

    /// Prints it, a line a difference, then the mails that leave at once.
    pub(super) fn show(&self, terminal: &mut Terminal) -> io::Result<()> {
        for Line { mark, what, text } in &self.lines {
            let sign = match mark {
                Mark::Good => "+",
                Mark::Care => "~",
                Mark::Bad => "-",
            };
            let sign = terminal.mark(*mark, sign);
            terminal.line(format_args!("{sign} {what:<8} {text}"))?;
        }
        for Mails { kind, meeting, to } in &self.mails {
            let about = meeting.map(|n| format!(" of meeting {n}")).unwrap_or_default();
            let name = kind.name().replace('_', " ");
            terminal.line(format_args!("> mail     {name} ({}){about} to {}", kind.code(), to.join(", ")))?;
        }
        Ok(())
    }

    /// The same as JSON.
    pub(super) fn json(&self) -> Value {
        let line = |l: &Line| {
            let sign = match l.mark {
                Mark::Good => "added",
                Mark::Care => "changed",
                Mark::Bad => "removed",
            };
            json!({"change": sign, "what": l.what, "text": l.text})
        };
        let mail = |m: &Mails| json!({"kind": m.kind.name(), "code": m.kind.code(), "meeting": m.meeting, "to": m.to});
        json!({
            "changes": self.lines.iter().map(line).collect::<Vec<_>>(),
            "mails": self.mails.iter().map(mail).collect::<Vec<_>>(),
        })
    }
}

fn part(member: &Member) -> &'static str {
    match (member.facilitates, member.circle) {
        (Some(0), true) => ", facilitates, in the circle",
        (Some(0), false) => ", facilitates",
        (Some(_), _) => ", facilitates too",
        _ => "",
    }
}

fn detail(member: &Member) -> Value {
    json!({
        "name": member.name, "email": member.email, "aliases": member.aliases, "language": member.language,
        "zone": member.zone, "circle": member.circle, "facilitates": member.facilitates,
    })
}

fn hour(meeting: &Meeting) -> String {
    meeting.wall.format("%Y-%m-%d %H:%M").to_string()
}

fn facts(group: &Group, meeting: &Meeting) -> Value {
    let name = |id| group.member(id).map(|m: &Member| m.name.clone());
    json!({
        "time": hour(meeting), "stage": meeting.stage, "place": meeting.place,
        "requester": name(&meeting.requester), "backup": meeting.backup.as_ref().and_then(name),
        "facilitator": name(&meeting.facilitator),
    })
}

/// `schedule.hour: 18 → 19` for each value that differs, however deep it lies.
fn fields(before: &Value, after: &Value) -> Vec<String> {
    let mut all = Vec::new();
    differing("", before, after, &mut all);
    all
}

fn differing(path: &str, before: &Value, after: &Value, all: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(b), Value::Object(a)) => {
            let keys: std::collections::BTreeSet<&String> = b.keys().chain(a.keys()).collect();
            for key in keys {
                let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let of = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
                differing(&inner, &of(b), &of(a), all);
            }
        }
        _ if before == after => {}
        _ => all.push(format!("{path}: {} → {}", plain(before), plain(after))),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn mails(group: &Group, drafts: &[Draft]) -> Vec<Mails> {
    let mut all: BTreeMap<(Option<MeetingNo>, Kind), Vec<String>> = BTreeMap::new();
    for draft in drafts {
        let name = group.member(&draft.key.member).map_or_else(|| draft.key.member.to_string(), |m| m.name.clone());
        all.entry((draft.key.meeting, draft.key.kind)).or_default().push(name);
    }
    all.into_iter().map(|((meeting, kind), to)| Mails { kind, meeting, to }).collect()
}

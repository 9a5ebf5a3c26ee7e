//! The month on the terminal: a line an event, mails to several people in one.

use super::cast::Cast;
use crate::mail;
use crate::sim::WorldEvent;
use crate::sim::person::beginning;
use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// Words of the story in a language.
struct Tongue {
    days: [&'static str; 7],
    months: [&'static str; 12],
    people: &'static str,
}

const FRENCH: Tongue = Tongue {
    days: ["lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."],
    months: ["janv.", "févr.", "mars", "avril", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
    people: "personnes",
};
const ENGLISH: Tongue = Tongue {
    days: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    months: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    people: "people",
};

/// Tells events as lines.
pub struct Teller {
    tongue: &'static Tongue,
    zone: Tz,
    names: BTreeMap<String, String>,
    everybody: usize,
    pending: Option<Pending>,
}

/// Mails of one kind at one time, told together.
struct Pending {
    at: DateTime<Utc>,
    topic: (crate::core::Kind, Option<u32>),
    subject: String,
    to: Vec<String>,
}

impl Teller {
    /// A teller in the group's language and zone.
    pub fn of(cast: &Cast) -> Self {
        let french = cast.spec.language.as_str() == "fr";
        let first = |name: &str| name.split_whitespace().next().unwrap_or(name).to_owned();
        Self {
            tongue: if french { &FRENCH } else { &ENGLISH },
            zone: cast.spec.zone,
            names: cast.spec.members.iter().map(|m| (m.email.to_string(), first(&m.name))).collect(),
            everybody: cast.spec.members.len(),
            pending: None,
        }
    }

    /// Takes an event in; lines come out when it is clear that no more belongs to them.
    pub fn event(&mut self, event: &WorldEvent, say: &mut impl FnMut(&str)) {
        match event {
            WorldEvent::Out { at, key, to, subject, bytes } => {
                let topic = (key.kind, key.step);
                let name = self.name(to);
                if key.kind.is_answer() {
                    self.flush(say);
                    let text = mail::letter(bytes).text;
                    let line = beginning(text.trim_start().split("\n\n").next().unwrap_or_default(), 76);
                    say(&format!("{}  → {name:<14} ✓ {line}", self.when(*at)));
                    return;
                }
                match &mut self.pending {
                    Some(p) if p.at == *at && p.topic == topic => p.to.push(name),
                    _ => {
                        self.flush(say);
                        let subject = without_prefix(subject);
                        self.pending = Some(Pending { at: *at, topic, subject, to: vec![name] });
                    }
                }
            }
            WorldEvent::In { at, from, what, .. } => {
                self.flush(say);
                say(&format!("{}  ← {:<14} {what}", self.when(*at), self.name(from)));
            }
            WorldEvent::Decided(_) => {}
        }
    }

    /// Tells what is still held back.
    pub fn flush(&mut self, say: &mut impl FnMut(&str)) {
        let Some(p) = self.pending.take() else { return };
        let to = if p.to.len() > 3 || p.to.len() == self.everybody {
            format!("{} {}", p.to.len(), self.tongue.people)
        } else {
            p.to.join(", ")
        };
        say(&format!("{}  → {to:<14} {}", self.when(p.at), p.subject));
    }

    fn name(&self, address: &str) -> String {
        self.names.get(address).cloned().unwrap_or_else(|| address.to_owned())
    }

    fn when(&self, at: DateTime<Utc>) -> String {
        let local = at.with_timezone(&self.zone);
        let day = self.tongue.days[local.weekday().num_days_from_monday() as usize];
        let month = self.tongue.months[local.month0() as usize];
        format!("{day:<4} {:>2} {month:<5} {}", local.day(), local.format("%H:%M:%S"))
    }
}

/// The subject line without the group's prefix, which is the same on every line.
fn without_prefix(subject: &str) -> String {
    match subject.split_once("] ") {
        Some((_, rest)) => rest.to_owned(),
        None => subject.to_owned(),
    }
}

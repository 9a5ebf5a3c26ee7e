//! A simulated member: how they answer which mail, after how long.

use super::calendar_reply::{self, ReplyStyle};
use super::client::{self, Author, Client};
use crate::core::{DraftKey, Kind, StepKey};
use crate::ical::PartStat;
use crate::mail::Letter;
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;

/// What a person does about a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Say {
    /// Presses a calendar button.
    Button(PartStat),
    /// Replies with these words.
    Words(String),
    /// Their server answers by itself.
    Absence(String),
}

/// One habit: on that mail, after that time, this; once a meeting unless `always`.
#[derive(Debug, Clone)]
pub struct Habit {
    /// Which mail.
    pub on: Kind,
    /// Which step, for prompts.
    pub step: Option<StepKey>,
    /// Which meeting, if only one.
    pub meeting: Option<u32>,
    /// How long they take.
    pub after: Duration,
    /// What they do.
    pub say: Say,
}

/// A member of the pretended group.
#[derive(Debug, Clone)]
pub struct Person {
    /// Display name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Writes French, else English.
    pub french: bool,
    /// Their zone.
    pub zone: Tz,
    /// Their mail program.
    pub client: Client,
    /// Their calendar.
    pub calendar: ReplyStyle,
    /// What they do.
    pub habits: Vec<Habit>,
}

/// A mail a person sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// When it is sent.
    pub at: DateTime<Utc>,
    /// The mail.
    pub bytes: Vec<u8>,
    /// What they did, in a few words.
    pub what: String,
}

impl Person {
    fn author(&self) -> Author<'_> {
        Author { name: &self.name, email: &self.email, french: self.french, zone: self.zone }
    }

    /// What they send about a mail of ours. `step` is the step of a prompt.
    pub fn react(
        &self,
        key: &DraftKey,
        step: Option<StepKey>,
        ours: &Letter,
        number: u64,
        now: DateTime<Utc>,
    ) -> Vec<Answered> {
        let fits = |h: &&Habit| {
            h.on == key.kind && h.step == step && h.meeting.is_none_or(|m| key.meeting.is_some_and(|k| k.0 == m))
        };
        // a mail that comes once more (a prompt with the request) is not answered once more
        let first = key.revision == 0 || !matches!(key.kind, Kind::StepPrompt);
        let habits = self.habits.iter().filter(fits).filter(|_| first);
        habits.zip(number..).filter_map(|(h, n)| self.act(h, ours, n, now + h.after)).collect()
    }

    fn act(&self, habit: &Habit, ours: &Letter, number: u64, at: DateTime<Utc>) -> Option<Answered> {
        let author = self.author();
        let (bytes, what) = match &habit.say {
            Say::Words(text) => (client::reply(self.client, &author, ours, text, number, at), beginning(text, 60)),
            Say::Absence(text) => (client::absence(&author, ours, text, number, at), "(absence)".to_owned()),
            Say::Button(answer) => {
                let ics = String::from_utf8(ours.calendar.first()?.clone()).ok()?;
                let reply = calendar_reply::reply(&ics, &self.email, *answer, self.calendar, None, at).ok()?;
                let verb = verb(*answer, self.french);
                (client::calendar(self.calendar, &author, ours, &reply, verb, "", number, at), format!("[{verb}]"))
            }
        };
        Some(Answered { at, bytes, what })
    }
}

/// What a text begins with, on one line.
pub fn beginning(text: &str, longest: usize) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = flat.chars().take(longest).collect();
    if short.len() < flat.len() { format!("{}…", short.trim_end()) } else { short }
}

fn verb(answer: PartStat, french: bool) -> &'static str {
    match (answer, french) {
        (PartStat::Accepted, true) => "Accepté",
        (PartStat::Accepted, false) => "Accepted",
        (PartStat::Declined, true) => "Refusé",
        (PartStat::Declined, false) => "Declined",
        (_, true) => "Provisoire",
        (_, false) => "Tentative",
    }
}

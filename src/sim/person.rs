//! A simulated member: how they answer which mail, after how long.

use super::calendar_reply::{self, ReplyError, ReplyStyle};
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
    /// The whole of their words, where they wrote some.
    pub words: Option<String>,
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
        self.by_habit(key, step, ours, number, now).into_iter().map(|(_, answered)| answered).collect()
    }

    /// The same, each with the position in [`Person::habits`] of the habit that it comes from.
    pub fn by_habit(
        &self,
        key: &DraftKey,
        step: Option<StepKey>,
        ours: &Letter,
        number: u64,
        now: DateTime<Utc>,
    ) -> Vec<(usize, Answered)> {
        let fits = |h: &Habit| {
            h.on == key.kind && h.step == step && h.meeting.is_none_or(|m| key.meeting.is_some_and(|k| k.0 == m))
        };
        // a mail that comes once more (a prompt with the request) is not answered once more
        let first = key.revision == 0 || !matches!(key.kind, Kind::StepPrompt);
        let habits = self.habits.iter().enumerate().filter(|(_, h)| first && fits(h));
        habits.zip(number..).filter_map(|((i, h), n)| Some((i, self.act(h, ours, n, now + h.after)?))).collect()
    }

    fn act(&self, habit: &Habit, ours: &Letter, number: u64, at: DateTime<Utc>) -> Option<Answered> {
        match &habit.say {
            Say::Words(text) => Some(self.write(self.client, ours, text, number, at)),
            Say::Absence(text) => {
                let bytes = client::absence(&self.author(), ours, text, number, at);
                Some(Answered { at, bytes, what: "(absence)".to_owned(), words: None })
            }
            Say::Button(answer) => self.press(ours, *answer, None, number, at).ok(),
        }
    }

    /// A reply to a mail of ours, as `client` would write it.
    pub fn write(&self, client: Client, ours: &Letter, text: &str, number: u64, at: DateTime<Utc>) -> Answered {
        let bytes = client::reply(client, &self.author(), ours, text, number, at);
        Answered { at, bytes, what: beginning(text, 60), words: Some(text.to_owned()) }
    }

    /// The mail that a button of a mail of ours opened, sent as it was filled in or changed.
    pub fn write_new(&self, to: &str, subject: &str, text: &str, number: u64, at: DateTime<Utc>) -> Answered {
        let bytes = client::fresh(&self.author(), to, subject, text, number, at);
        Answered { at, bytes, what: beginning(text, 60), words: Some(text.to_owned()) }
    }

    /// A button of their calendar.
    ///
    /// # Errors
    /// The mail holds no invitation, or not theirs.
    pub fn press(
        &self,
        ours: &Letter,
        answer: PartStat,
        comment: Option<&str>,
        number: u64,
        at: DateTime<Utc>,
    ) -> Result<Answered, ReplyError> {
        let ics = calendar_reply::reply(&invitation(ours)?, &self.email, answer, self.calendar, comment, at)?;
        Ok(self.calendar_mail(ours, &ics, verb(answer, self.french), number, at))
    }

    /// Their calendar proposes another time.
    ///
    /// # Errors
    /// As for [`Self::press`].
    pub fn propose(
        &self,
        ours: &Letter,
        start: DateTime<Utc>,
        comment: Option<&str>,
        number: u64,
        at: DateTime<Utc>,
    ) -> Result<Answered, ReplyError> {
        let ics = calendar_reply::counter(&invitation(ours)?, &self.email, start, self.calendar, comment, at)?;
        let verb = if self.french { "Nouvel horaire proposé" } else { "New time proposed" };
        Ok(self.calendar_mail(ours, &ics, verb, number, at))
    }

    fn calendar_mail(&self, ours: &Letter, ics: &str, verb: &str, number: u64, at: DateTime<Utc>) -> Answered {
        let bytes = client::calendar(self.calendar, &self.author(), ours, ics, verb, "", number, at);
        Answered { at, bytes, what: format!("[{verb}]"), words: None }
    }
}

/// The calendar in a mail of ours.
fn invitation(ours: &Letter) -> Result<String, ReplyError> {
    let bytes = ours.calendar.first().ok_or(ReplyError::NoInvitation("VCALENDAR"))?;
    Ok(String::from_utf8_lossy(bytes).into_owned())
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

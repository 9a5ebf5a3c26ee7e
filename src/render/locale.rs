//! How a language writes dates, hours, durations, lists and names: read from `templates/<lang>/locale.toml`.

use crate::core::StepKey;
use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One language's habits, as its `locale.toml` says them. Patterns hold `{names}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Locale {
    /// The label of the token line at the foot of a mail.
    pub reference: String,
    /// The language's own name for itself, and that of others by their two letters.
    pub languages: BTreeMap<String, String>,
    dates: Dates,
    clock: Clock,
    durations: Durations,
    lists: Lists,
    #[serde(default)]
    elision: Elision,
    steps: BTreeMap<StepKey, String>,
    #[serde(default)]
    cities: BTreeMap<String, String>,
    #[serde(default)]
    typography: Typography,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Dates {
    weekdays: [String; 7],
    months: [String; 12],
    /// Days of the month that are not written as their number: `1er`.
    #[serde(default)]
    ordinals: BTreeMap<String, String>,
    day: String,
    day_full: String,
    day_short: String,
    span: String,
    elsewhere: String,
    elsewhere_day: String,
    at: String,
    /// What two words become where they meet: "à Le " becomes "au ".
    #[serde(default)]
    contractions: Vec<(String, String)>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    /// The usual clock: `{H}` 0–23, `{HH}` the same with two digits, `{h}` 1–12, `{MM}`, `{half}`.
    hour: String,
    /// The clock where the group wants 24 hours.
    hour_24: String,
    /// Hours that have a word, by `HH:MM`.
    #[serde(default)]
    named: BTreeMap<String, String>,
    #[serde(default)]
    halves: Option<[String; 2]>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Durations {
    hours: String,
    hours_minutes: String,
    minutes: String,
    minutes_seconds: String,
    seconds: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists {
    comma: String,
    and: String,
}

/// Which names make the word before them lose its vowel.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Elision {
    vowels: String,
    /// Beginnings that sound like a consonant although they are written with a vowel.
    consonant: Vec<String>,
    /// Names whose h is not heard.
    mute: Vec<String>,
    mark: String,
}

/// Replacements made in the language's templates when they are loaded, outside tags and markup.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Typography {
    #[serde(default)]
    replace: Vec<(String, String)>,
    /// What a straight double quote becomes where it opens and where it closes.
    #[serde(default)]
    quotes: Option<(String, String)>,
}

/// In which zones somebody reads hours, and on which clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub reader: Tz,
    pub group: Tz,
    pub clock_24h: bool,
}

fn fill(pattern: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(pattern.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

impl Locale {
    /// "mardi 8 décembre".
    pub fn day(&self, date: NaiveDate) -> String {
        self.date(&self.dates.day, date)
    }

    /// "mardi 8 décembre 2026".
    pub fn day_full(&self, date: NaiveDate) -> String {
        self.date(&self.dates.day_full, date)
    }

    /// "15 décembre"; with the year's number unwritten, as people write a due date.
    pub fn day_short(&self, date: NaiveDate) -> String {
        self.date(&self.dates.day_short, date)
    }

    fn date(&self, pattern: &str, date: NaiveDate) -> String {
        let number = date.day().to_string();
        let weekday = &self.dates.weekdays[date.weekday().num_days_from_monday() as usize];
        fill(
            pattern,
            &[
                ("weekday", weekday),
                ("day", self.dates.ordinals.get(&number).unwrap_or(&number)),
                ("month", &self.dates.months[date.month0() as usize]),
                ("year", &date.year().to_string()),
            ],
        )
    }

    /// "18 h 00", "6:00 pm", "12:00 noon".
    pub fn hour(&self, at: DateTime<Utc>, place: Place, zone: Tz) -> String {
        let local = at.with_timezone(&zone);
        let (hour, minute) = (local.hour(), local.minute());
        if !place.clock_24h
            && let Some(name) = self.clock.named.get(&format!("{hour:02}:{minute:02}"))
        {
            return name.clone();
        }
        let pattern = if place.clock_24h { &self.clock.hour_24 } else { &self.clock.hour };
        let half = self.clock.halves.as_ref().map_or("", |h| &h[usize::from(hour >= 12)]);
        let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
        fill(
            pattern,
            &[
                ("HH", &format!("{hour:02}")),
                ("H", &hour.to_string()),
                ("h", &twelve.to_string()),
                ("MM", &format!("{minute:02}")),
                ("half", half),
            ],
        )
    }

    /// "mardi 8 décembre, 18 h 00 à 19 h 30, Paris (12 h 00 à Montréal)": the reader's own zone
    /// first, the group's beside it where the clocks differ.
    pub fn span(&self, start: DateTime<Utc>, end: DateTime<Utc>, place: Place) -> String {
        let date = start.with_timezone(&place.reader).date_naive();
        fill(
            &self.dates.span,
            &[
                ("date", &self.day(date)),
                ("start", &self.hour(start, place, place.reader)),
                ("end", &self.hour(end, place, place.reader)),
                ("zone", &self.city(place.reader)),
                ("elsewhere", &self.elsewhere(start, place)),
            ],
        )
    }

    fn elsewhere(&self, start: DateTime<Utc>, place: Place) -> String {
        let (here, there) = (start.with_timezone(&place.reader), start.with_timezone(&place.group));
        if here.naive_local() == there.naive_local() {
            return String::new();
        }
        let same_day = here.date_naive() == there.date_naive();
        let pattern = if same_day { &self.dates.elsewhere } else { &self.dates.elsewhere_day };
        let text = fill(
            pattern,
            &[
                ("date", &self.day(there.date_naive())),
                ("start", &self.hour(start, place, place.group)),
                ("zone", &self.city(place.group)),
            ],
        );
        self.dates.contractions.iter().fold(text, |text, (from, to)| text.replace(from, to))
    }

    /// "samedi 12 décembre, 19 h 30".
    pub fn moment(&self, at: DateTime<Utc>, place: Place) -> String {
        let date = self.day(at.with_timezone(&place.reader).date_naive());
        fill(&self.dates.at, &[("date", &date), ("start", &self.hour(at, place, place.reader))])
    }

    /// The zone's city: "Paris", "Montréal", "New York".
    pub fn city(&self, zone: Tz) -> String {
        let id = zone.name();
        let last = id.rsplit('/').next().unwrap_or(id);
        self.cities.get(id).cloned().unwrap_or_else(|| last.replace('_', " "))
    }

    /// "1 h 30", "8 min", "3 min 30", "45 s".
    pub fn duration(&self, seconds: i64) -> String {
        let (h, m, s) = (seconds / 3600, seconds % 3600 / 60, seconds % 60);
        let d = &self.durations;
        let pattern = match (h, m, s) {
            (1.., 0, _) => &d.hours,
            (1.., ..) => &d.hours_minutes,
            (_, 1.., 0) => &d.minutes,
            (_, 1.., _) => &d.minutes_seconds,
            _ => &d.seconds,
        };
        let two = |n: i64| format!("{n:02}");
        fill(
            pattern,
            &[("h", &h.to_string()), ("m", &m.to_string()), ("s", &s.to_string()), ("mm", &two(m)), ("ss", &two(s))],
        )
    }

    /// "Ana, Bo et Chloé".
    pub fn list(&self, items: &[String]) -> String {
        match items {
            [] => String::new(),
            [one] => one.clone(),
            [most @ .., last] => format!("{}{}{last}", most.join(&self.lists.comma), self.lists.and),
        }
    }

    /// "d'Ana", "de Bo", "qu'Ana": the word and the name, elided where the language does.
    pub fn elide(&self, word: &str, name: &str) -> String {
        let cut = word.strip_suffix('e').filter(|_| self.begins_with_vowel(name));
        cut.map_or_else(|| format!("{word} {name}"), |stem| format!("{stem}{}{name}", self.elision.mark))
    }

    fn begins_with_vowel(&self, name: &str) -> bool {
        let name = name.trim().to_lowercase();
        let begins = |with: &String| name.starts_with(with.as_str());
        let first_word = name.split([' ', '-']).next().unwrap_or("");
        let mute = self.elision.mute.iter().any(|m| m.as_str() == first_word);
        let vowel = name.chars().next().is_some_and(|c| self.elision.vowels.contains(c));
        mute || (vowel && !self.elision.consonant.iter().any(begins))
    }

    /// The step as members read it: "Exposé".
    pub fn step(&self, key: StepKey) -> String {
        self.steps.get(&key).cloned().unwrap_or_else(|| key.name().to_owned())
    }

    /// Steps that have no title: `locale.toml` must name all twelve.
    pub fn steps_without_title(&self) -> Vec<StepKey> {
        StepKey::ALL.into_iter().filter(|k| !self.steps.contains_key(k)).collect()
    }

    /// The language's typography put into plain text typed on any keyboard.
    pub fn typeset(&self, text: &str) -> String {
        let text = match &self.typography.quotes {
            Some((open, close)) => curl(text, open, close),
            None => text.to_owned(),
        };
        self.typography.replace.iter().fold(text, |text, (from, to)| text.replace(from, to))
    }
}

/// A quote opens after a space or bracket; at the text's beginning, if a word follows.
fn curl(text: &str, open: &str, close: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        if sign == '"' {
            let word_follows = signs.peek().is_some_and(|c| c.is_alphanumeric());
            let opens = before.map_or(word_follows, |c: char| c.is_whitespace() || c == '(');
            out.push_str(if opens { open } else { close });
        } else {
            out.push(sign);
        }
        before = Some(sign);
    }
    out
}

#[cfg(test)]
#[path = "locale_tests.rs"]
mod tests;

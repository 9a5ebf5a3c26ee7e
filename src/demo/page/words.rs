//! The page's words and dates in a language, from `fr.toml` and `en.toml` beside this file.

use chrono::{DateTime, Datelike, Timelike, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Letters before which French "de" becomes "d’".
const VOWELS: [char; 13] = ['A', 'E', 'I', 'O', 'U', 'Y', 'À', 'Â', 'É', 'È', 'Ê', 'Î', 'Ô'];

/// A language's words.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    lang: String,
    /// `{weekday}`, `{day}`, `{month}`.
    date: String,
    short_date: String,
    /// `{H}`, `{h}`, `{MM}`, `{half}`.
    hour: String,
    days: [String; 7],
    short_days: [String; 7],
    months: [String; 12],
    short_months: [String; 12],
    halves: [String; 2],
    cities: BTreeMap<String, String>,
    words: BTreeMap<String, String>,
    kinds: BTreeMap<String, String>,
    steps: BTreeMap<String, String>,
}

#[allow(clippy::expect_used, reason = "files of the binary, read by a test")]
static FRENCH: LazyLock<Words> = LazyLock::new(|| toml::from_str(include_str!("fr.toml")).expect("fr.toml"));
#[allow(clippy::expect_used, reason = "files of the binary, read by a test")]
static ENGLISH: LazyLock<Words> = LazyLock::new(|| toml::from_str(include_str!("en.toml")).expect("en.toml"));

impl Words {
    /// The words of a language; English where there is none.
    pub fn of(language: &str) -> &'static Self {
        if language == "fr" { &FRENCH } else { &ENGLISH }
    }

    /// The language, as HTML names it.
    pub fn lang(&self) -> &str {
        &self.lang
    }

    /// A sentence by its name.
    pub fn get<'a>(&'a self, name: &'a str) -> &'a str {
        self.words.get(name).map_or(name, String::as_str)
    }

    /// A sentence with its `{gaps}` filled; "de" loses its vowel before another one.
    pub fn fill(&self, name: &str, gaps: &[(&str, &str)]) -> String {
        let vowel = |with: &str| self.lang == "fr" && with.starts_with(VOWELS);
        gaps.iter().fold(self.get(name).to_owned(), |text, (gap, with)| {
            let text = if vowel(with) { text.replace(&format!("de {{{gap}}}"), &format!("d’{with}")) } else { text };
            text.replace(&format!("{{{gap}}}"), with)
        })
    }

    /// One, none or many: `name.0`, `name.1`, `name.n`.
    pub fn count(&self, name: &str, n: usize) -> String {
        let form = match n {
            0 => "0",
            1 => "1",
            _ => "n",
        };
        self.fill(&format!("{name}.{form}"), &[("n", &n.to_string())])
    }

    /// What a mail is called, by its template's folder.
    pub fn kind<'a>(&'a self, name: &'a str) -> &'a str {
        self.kinds.get(name).map_or(name, String::as_str)
    }

    /// A step's name, by its key.
    pub fn step<'a>(&'a self, name: &'a str) -> &'a str {
        self.steps.get(name).map_or(name, String::as_str)
    }

    /// "mardi 8 décembre".
    pub fn day(&self, at: DateTime<Utc>, zone: Tz) -> String {
        self.dated(&self.date, &self.days, &self.months, at, zone)
    }

    /// "mar. 8 déc.".
    pub fn short_day(&self, at: DateTime<Utc>, zone: Tz) -> String {
        self.dated(&self.short_date, &self.short_days, &self.short_months, at, zone)
    }

    /// "8" and "déc.", for a leaf of a calendar.
    pub fn leaf(&self, at: DateTime<Utc>, zone: Tz) -> (String, &str) {
        let local = at.with_timezone(&zone);
        (local.day().to_string(), &self.short_months[local.month0() as usize])
    }

    /// "18 h 00".
    pub fn hour(&self, at: DateTime<Utc>, zone: Tz) -> String {
        let local = at.with_timezone(&zone);
        let (afternoon, twelve) = local.hour12();
        let values = [
            ("{H}", local.hour().to_string()),
            ("{h}", twelve.to_string()),
            ("{MM}", format!("{:02}", local.minute())),
            ("{half}", self.halves[usize::from(afternoon)].clone()),
        ];
        values.iter().fold(self.hour.clone(), |text, (gap, with)| text.replace(gap, with))
    }

    /// "mar. 8 déc., 18 h 00".
    pub fn moment(&self, at: DateTime<Utc>, zone: Tz) -> String {
        format!("{}, {}", self.short_day(at, zone), self.hour(at, zone))
    }

    /// "Montréal".
    pub fn city(&self, zone: Tz) -> String {
        let city = zone.name().rsplit('/').next().unwrap_or_default().replace('_', " ");
        self.cities.get(&city).cloned().unwrap_or(city)
    }

    fn dated(&self, pattern: &str, days: &[String], months: &[String], at: DateTime<Utc>, zone: Tz) -> String {
        let local = at.with_timezone(&zone);
        let weekday = &days[local.weekday().num_days_from_monday() as usize];
        let first = if local.day() == 1 && self.lang == "fr" { "1er".to_owned() } else { local.day().to_string() };
        let text = pattern.replace("{weekday}", weekday).replace("{day}", &first);
        text.replace("{month}", &months[local.month0() as usize])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::core::{Kind, StepKey};
    use regex::Regex;
    use std::collections::BTreeSet;

    /// Every name that the page's code asks for.
    fn asked() -> BTreeSet<String> {
        let name = Regex::new(r#"\b(?:w|words|words\(\))\.(get|fill|count)\(\s*"([a-z_.]+)""#).unwrap();
        let mut found = BTreeSet::new();
        for code in [
            include_str!("layout.rs"),
            include_str!("overview.rs"),
            include_str!("mailbox.rs"),
            include_str!("habits.rs"),
            include_str!("reading.rs"),
            include_str!("answering.rs"),
            include_str!("timeline.rs"),
            include_str!("forms.rs"),
            include_str!("views.rs"),
        ] {
            for c in name.captures_iter(code) {
                match &c[1] {
                    "count" => found.extend(["0", "1", "n"].map(|form| format!("{}.{form}", &c[2]))),
                    _ => drop(found.insert(c[2].to_owned())),
                }
            }
        }
        found
    }

    #[test]
    fn both_languages_have_every_word_the_page_asks_for_and_the_same_ones() {
        let (fr, en) = (Words::of("fr"), Words::of("en"));
        assert_eq!(fr.words.keys().collect::<Vec<_>>(), en.words.keys().collect::<Vec<_>>());
        let missing: Vec<_> = asked().into_iter().filter(|name| !fr.words.contains_key(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        for words in [fr, en] {
            let kinds: Vec<_> = Kind::ALL.iter().filter(|k| !words.kinds.contains_key(k.name())).collect();
            assert!(kinds.is_empty(), "{}: {kinds:?}", words.lang);
            let steps: Vec<_> = StepKey::ALL.iter().filter(|s| !words.steps.contains_key(s.name())).collect();
            assert!(steps.is_empty(), "{}: {steps:?}", words.lang);
        }
    }

    #[test]
    fn moments_are_written_as_the_language_writes_them() {
        let at = "2026-12-08T17:05:00Z".parse().unwrap();
        let paris = chrono_tz::Europe::Paris;
        assert_eq!(Words::of("fr").moment(at, paris), "mar. 8 déc., 18\u{a0}h\u{a0}05");
        assert_eq!(Words::of("en").moment(at, paris), "Tue 8 Dec, 6:05\u{a0}pm");
        assert_eq!(Words::of("fr").day(at, paris), "mardi 8 décembre");
        assert_eq!(Words::of("fr").fill("seat.take", &[("name", "Élise")]), "Prendre la place d’Élise");
        assert_eq!(Words::of("fr").city(chrono_tz::America::Montreal), "Montréal");
    }
}

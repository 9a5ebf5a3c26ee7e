//! Dates in people's words: "avant le 15/12", "d'ici deux semaines", "by Friday". Unknown stays unknown.

use super::lexicon::{Place, RawDates, WordsError};
use super::normal::Normal;
use chrono::{Datelike, Days, Months, NaiveDate};
use regex::{Captures, Regex};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unit {
    /// Days.
    Day,
    /// Weeks.
    Week,
    /// Months.
    Month,
}

/// The forms a date can have; each has its patterns in `[dates.patterns]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    /// 2026-12-15; groups y, m, d.
    Iso,
    /// 15/12 or 15/12/2026; groups d, m, and perhaps y.
    Numeric,
    /// 15 décembre; groups d, month, and perhaps y.
    Named,
    /// Le 3; group d.
    DayOfMonth,
    /// Dans 10 jours; groups n, unit.
    After,
    /// Vendredi; group weekday: the next to come.
    Weekday,
    /// Vendredi en huit; group weekday: a week later than the next to come.
    WeekdayLater,
    /// Fin du mois.
    EndOfMonth,
    /// Fin du mois prochain.
    EndOfNextMonth,
    /// Fin janvier; group month.
    EndOfNamed,
    /// Mi-janvier; group month: the 15th.
    MiddleOfNamed,
    /// Fin de semaine: Friday.
    EndOfWeek,
    /// Fin d'année.
    EndOfYear,
    /// Aujourd'hui.
    Today,
    /// Demain.
    Tomorrow,
    /// Après-demain.
    DayAfter,
    /// Looks like a date and is none (24/7).
    NoDate,
}

/// The date words of all languages.
#[derive(Debug, Clone, Default)]
pub(super) struct DateWords {
    months: BTreeMap<String, u32>,
    weekdays: BTreeMap<String, u32>,
    units: BTreeMap<String, Unit>,
    deadline: Vec<String>,
    since: Vec<String>,
    after_day: Vec<String>,
    patterns: Vec<(Form, Regex)>,
}

/// One date found, with its tokens.
struct Found {
    start: usize,
    length: usize,
    form: Form,
    date: Option<NaiveDate>,
}

fn any_of<'a>(words: impl Iterator<Item = &'a String>) -> String {
    let mut words: Vec<_> = words.map(|w| regex::escape(w)).collect();
    words.sort_by_key(|w| std::cmp::Reverse(w.len()));
    words.join("|")
}

impl DateWords {
    /// Adds a language's words and patterns.
    pub(super) fn take(&mut self, raw: &RawDates, place: &Place<'_>) -> Result<(), WordsError> {
        let groups = [
            ("{month}", format!("(?P<month>{})", any_of(raw.months.keys()))),
            ("{weekday}", format!("(?P<weekday>{})", any_of(raw.weekdays.keys()))),
            ("{unit}", format!("(?P<unit>{})", any_of(raw.units.keys()))),
            ("{day}", "(?P<d>[0-9]{1,2})".to_owned()),
            ("{m}", "(?P<m>[0-9]{1,2})".to_owned()),
            ("{year}", "(?P<y>20[0-9]{2})".to_owned()),
            ("{yy}", "(?P<y>(?:20)?[0-9]{2})".to_owned()),
            ("{n}", "(?P<n>[0-9]{1,3})".to_owned()),
        ];
        for (form, patterns) in &raw.patterns {
            for pattern in patterns {
                let filled = fill(pattern, &groups);
                self.patterns.push((*form, place.regex(pattern, &filled)?));
            }
        }
        self.months.extend(raw.months.clone());
        self.weekdays.extend(raw.weekdays.clone());
        self.units.extend(raw.units.clone());
        self.deadline.extend(raw.deadline.clone());
        self.since.extend(raw.since.clone());
        self.after_day.extend(raw.after_day.clone());
        Ok(())
    }

    /// A month's number, by its name or its short form.
    pub(super) fn month(&self, word: &str) -> Option<u32> {
        self.months.get(word).copied()
    }

    /// A day of the week by its name.
    pub(super) fn weekday(&self, word: &str) -> Option<chrono::Weekday> {
        let number = self.weekdays.get(word)?;
        chrono::Weekday::try_from(u8::try_from(number.checked_sub(1)?).ok()?).ok()
    }

    /// The deadline a text names: the first date after a deadline word, else the first date; days first.
    pub(super) fn due(&self, normal: &Normal, today: NaiveDate) -> Option<NaiveDate> {
        let mut best: Option<(bool, NaiveDate)> = None;
        for found in self.dates(normal, today) {
            let before = |words: &[String]| self.word_before(normal, found.start, words);
            if before(&self.since) {
                continue;
            }
            let Some(date) = found.date.filter(|d| *d >= today) else { continue };
            // "d'ici deux semaines" holds its deadline word itself
            if found.form == Form::After || before(&self.deadline) {
                return Some(date);
            }
            best = best.or(Some((false, date)));
        }
        best.map(|(_, date)| date)
    }

    /// All dates in order, of overlapping ones the longest.
    fn dates(&self, normal: &Normal, today: NaiveDate) -> Vec<Found> {
        let mut all = Vec::new();
        for (form, regex) in &self.patterns {
            let mut at = 0;
            while let Some(groups) = regex.captures_at(&normal.text, at) {
                let Some(whole) = groups.name("all") else { break };
                at = super::scan::past(&normal.text, at, whole.end());
                let tokens = normal.tokens_in(&whole.range());
                if self.stands(normal, *form, &tokens) {
                    let date = self.resolve(*form, &groups, today);
                    all.push(Found { start: tokens.start, length: tokens.len(), form: *form, date });
                }
                if at >= normal.text.len() {
                    break;
                }
            }
        }
        all.sort_by_key(|f| (std::cmp::Reverse(f.length), f.form, f.start));
        let mut taken = vec![false; normal.tokens.len()];
        all.retain(|f| {
            let Some(tokens) = taken.get_mut(f.start..f.start + f.length) else { return false };
            let free = tokens.iter().all(|t| !t);
            tokens.fill(true);
            free
        });
        all.retain(|f| f.form != Form::NoDate);
        all.sort_by_key(|f| f.start);
        all
    }

    /// A number alone is a day only where nothing follows that it could count; 1/2 needs a date word.
    fn stands(&self, normal: &Normal, form: Form, tokens: &std::ops::Range<usize>) -> bool {
        let word = |i: usize| normal.tokens.get(i).map_or("", |t| t.text.as_str());
        match form {
            Form::DayOfMonth => {
                let next = word(tokens.end);
                next.is_empty() || ".,?".contains(next) || self.after_day.iter().any(|w| w == next)
            }
            Form::Numeric => {
                let full = word(tokens.end - 1).len() >= 5 && !word(tokens.end - 1).starts_with("50/");
                full || self.word_before(normal, tokens.start, &self.deadline) || tokens.len() > 1
            }
            _ => true,
        }
    }

    fn word_before(&self, normal: &Normal, start: usize, words: &[String]) -> bool {
        let is = |i: usize| normal.tokens.get(i).is_some_and(|t| words.contains(&t.text));
        (1..=3).any(|back| start.checked_sub(back).is_some_and(is))
    }

    fn resolve(&self, form: Form, groups: &Captures<'_>, today: NaiveDate) -> Option<NaiveDate> {
        let number = |name: &str| groups.name(name).and_then(|g| g.as_str().parse::<u32>().ok());
        let month = || groups.name("month").and_then(|g| self.months.get(g.as_str()).copied());
        let weekday = || groups.name("weekday").and_then(|g| self.weekdays.get(g.as_str()).copied());
        let year = number("y").map(|y| if y < 100 { 2000 + y } else { y });
        match form {
            Form::Iso => NaiveDate::from_ymd_opt(i32::try_from(year?).ok()?, number("m")?, number("d")?),
            Form::Numeric => numeric(number("d")?, number("m")?, year, today),
            Form::Named => next(number("d")?, month()?, year, today),
            Form::DayOfMonth => day_of_month(number("d")?, today),
            Form::After => {
                let unit = groups.name("unit").and_then(|g| self.units.get(g.as_str()).copied())?;
                after(number("n").unwrap_or(1), unit, today)
            }
            Form::Weekday => next_weekday(weekday()?, today),
            Form::WeekdayLater => next_weekday(weekday()?, today)?.checked_add_days(Days::new(7)),
            Form::EndOfMonth => last_of(today),
            Form::EndOfNextMonth => last_of(today.with_day(1)?.checked_add_months(Months::new(1))?),
            Form::EndOfNamed => end_of_named(month()?, year, today),
            Form::MiddleOfNamed => next(15, month()?, year, today),
            Form::EndOfWeek => friday(today),
            Form::EndOfYear => NaiveDate::from_ymd_opt(today.year(), 12, 31),
            Form::Today => Some(today),
            Form::Tomorrow => today.checked_add_days(Days::new(1)),
            Form::DayAfter => today.checked_add_days(Days::new(2)),
            Form::NoDate => None,
        }
    }
}

fn fill(pattern: &Spanned<String>, groups: &[(&str, String)]) -> String {
    groups.iter().fold(pattern.get_ref().clone(), |text, (name, group)| text.replace(name, group))
}

/// Day and month, of the year that makes it the next to come.
fn next(day: u32, month: u32, year: Option<u32>, today: NaiveDate) -> Option<NaiveDate> {
    if let Some(year) = year {
        return NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day);
    }
    let this = NaiveDate::from_ymd_opt(today.year(), month, day);
    let later = || NaiveDate::from_ymd_opt(today.year() + 1, month, day);
    this.filter(|d| *d >= today).or_else(later)
}

/// Day first; month first only where day first is no date.
fn numeric(first: u32, second: u32, year: Option<u32>, today: NaiveDate) -> Option<NaiveDate> {
    next(first, second, year, today).or_else(|| next(second, first, year, today))
}

/// The next day of that number: this month or one of the two that follow.
fn day_of_month(day: u32, today: NaiveDate) -> Option<NaiveDate> {
    let first = today.with_day(1)?;
    let days = (0..3).filter_map(|m| first.checked_add_months(Months::new(m))?.with_day(day));
    days.into_iter().find(|d| *d >= today)
}

fn after(n: u32, unit: Unit, today: NaiveDate) -> Option<NaiveDate> {
    match unit {
        Unit::Day => today.checked_add_days(Days::new(u64::from(n))),
        Unit::Week => today.checked_add_days(Days::new(7 * u64::from(n))),
        Unit::Month => today.checked_add_months(Months::new(n)),
    }
}

/// The next one after today.
fn next_weekday(weekday: u32, today: NaiveDate) -> Option<NaiveDate> {
    let ahead = (weekday + 7 - today.weekday().number_from_monday()) % 7;
    today.checked_add_days(Days::new(u64::from(if ahead == 0 { 7 } else { ahead })))
}

fn last_of(day: NaiveDate) -> Option<NaiveDate> {
    day.with_day(1)?.checked_add_months(Months::new(1))?.pred_opt()
}

fn end_of_named(month: u32, year: Option<u32>, today: NaiveDate) -> Option<NaiveDate> {
    let of = |year: i32| last_of(NaiveDate::from_ymd_opt(year, month, 1)?);
    match year {
        Some(year) => of(i32::try_from(year).ok()?),
        None => of(today.year()).filter(|d| *d >= today).or_else(|| of(today.year() + 1)),
    }
}

/// The Friday of this week; from Saturday on that of the next.
fn friday(today: NaiveDate) -> Option<NaiveDate> {
    let ahead = (5 + 7 - today.weekday().number_from_monday()) % 7;
    today.checked_add_days(Days::new(u64::from(ahead)))
}

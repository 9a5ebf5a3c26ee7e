//! The hour somebody comes at: late only if the meeting has begun by then.

use super::label::Label;
use super::normal::Token;
use super::scan::{Reading, Span};
use super::{Context, Heard, Words};
use crate::core::draft::Question;
use crate::core::event::{Certainty, Meaning};
use crate::core::ids::Language;
use chrono::{NaiveTime, Timelike};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Words around an hour; `[arrival]` of the word lists.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ArrivalWords {
    /// Units of an hour, and its halves of the day: "h", "pm".
    hours: BTreeSet<String>,
    /// Words of being late: an hour beside them is no plain coming.
    late: BTreeSet<String>,
    /// Before an hour that is not soon enough itself: "après 18 h".
    after: BTreeSet<String>,
    /// Minutes said before their hour: "quarter past" = 15, "quarter to" = -15.
    #[serde(default)]
    before_hour: BTreeMap<String, i32>,
    /// Between a number and the hour it is minutes of: "past" = 1, "to" = -1.
    #[serde(default)]
    between: BTreeMap<String, i32>,
    /// Minutes said behind their hour: "et quart" = 15, "moins le quart" = -15.
    #[serde(default)]
    behind_hour: BTreeMap<String, i32>,
}

impl ArrivalWords {
    pub(super) fn take(&mut self, more: Self) {
        self.hours.extend(more.hours);
        self.late.extend(more.late);
        self.after.extend(more.after);
        self.before_hour.extend(more.before_hour);
        self.between.extend(more.between);
        self.behind_hour.extend(more.behind_hour);
    }
}

/// What was written, by whom, and what is known beside it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) language: &'a Language,
    pub(super) text: &'a str,
    pub(super) context: &'a Context,
}

/// The longest lateness that is one, in minutes.
const LONGEST: i32 = 240;
/// So near the start, an hour of twelve is surely that half of the day.
const NEAR: i32 = 60;
const NOON: i32 = 12 * 60;

/// An hour as it was told, in minutes of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Told {
    minutes: i32,
    /// It may be of either half of the day.
    of_twelve: bool,
    /// Some time after it.
    after: bool,
}

impl Words {
    /// A second opinion, and who comes at an hour that was told: late if that is after the start, else simply there. The
    /// opinion knows no hours; where it takes the words for a yes and the clock does too, that is one.
    pub(super) fn by_the_clock(&self, question: Question, said: Said<'_>, heard: Heard) -> Heard {
        let opinion = |heard| self.second_opinion(question, said.language, said.text, said.context, heard);
        let weighed = opinion(heard.clone());
        if question != Question::Attendance {
            return weighed;
        }
        let told = self.clocked(said, weighed.clone());
        let yes = Heard::sure(Meaning::Yes);
        let both = told != yes && told.meaning == Meaning::Yes && weighed.meaning != Meaning::Yes;
        if both && self.clocked(said, heard) == yes { opinion(yes) } else { told }
    }

    /// Late or simply there, by the hour that is told; where the start is not known, perhaps late.
    fn clocked(&self, said: Said<'_>, heard: Heard) -> Heard {
        if !matches!(heard.meaning, Meaning::Late { .. }) {
            return heard;
        }
        let tongues = self.tongues(said.language, false);
        let tables = super::tables(Some(Question::Attendance));
        let plain = self.read_in(tables, super::head(said.text), &tongues);
        let reading = if plain.has(Label::Late) {
            plain
        } else {
            let mended = self.mended(&plain.normal, said.context);
            self.read_normal(tables, super::head(said.text), mended, &tongues)
        };
        let Some(hours) = self.hours_of_coming(&reading) else { return heard };
        let late_beside = reading.all(Label::Late).any(|s| self.of_being_late(&reading, s));
        match (hours.first(), said.context.starts) {
            (None, _) => heard,
            (Some(_), None) if late_beside => heard,
            (Some(told), Some(starts)) if hours.len() == 1 => told.against(starts, late_beside, &heard),
            _ => Heard::probable(Meaning::Late { minutes: None }),
        }
    }

    /// The hours that are told instead of minutes; `None` where the minutes themselves are said.
    fn hours_of_coming(&self, reading: &Reading<'_>) -> Option<Vec<Told>> {
        let mut hours = Vec::new();
        for span in reading.all(Label::Late) {
            if self.of_being_late(reading, span) {
                if span.n.is_some() {
                    return None;
                }
                continue;
            }
            if let Some(told) = self.hour_told(&reading.normal.tokens, &span.tokens).filter(|t| !hours.contains(t)) {
                hours.push(told);
            }
        }
        Some(hours)
    }

    /// It tells of being late by itself, with an hour or without one.
    fn of_being_late(&self, reading: &Reading<'_>, span: &Span) -> bool {
        let (tokens, words) = (&reading.normal.tokens, &self.lexicon.arrival);
        let counted = |told: &Told| span.n.is_some_and(|n| i32::try_from(n) == Ok(told.minutes / 60));
        let here = tokens.get(span.tokens.clone()).unwrap_or_default();
        here.iter().any(|t| words.late.contains(&t.text))
            || self.hour_told(tokens, &span.tokens).is_none_or(|told| counted(&told))
    }

    /// The first hour within these tokens; its minutes may stand behind them.
    fn hour_told(&self, tokens: &[Token], span: &Range<usize>) -> Option<Told> {
        let words = &self.lexicon.arrival;
        let text = |i: usize| tokens.get(i).map_or("", |t| t.text.as_str());
        let begins = |phrase: &str, at: usize| phrase.split(' ').enumerate().all(|(k, word)| text(at + k) == word);
        let longest = |of: &BTreeMap<String, i32>, at: usize| {
            let found = of.iter().filter(|(phrase, _)| begins(phrase, at)).map(|(p, m)| (p.split(' ').count(), *m));
            found.max_by_key(|(words, _)| *words)
        };
        for at in span.clone() {
            let said = longest(&words.before_hour, at).or_else(|| {
                let sign = words.between.get(text(at + 1))?;
                Some((2, sign * minutes(text(at))?))
            });
            let (from, said) = said.map_or((at, None), |(words, minutes)| (at + words, Some(minutes)));
            let Some((hour, colon)) = clock(text(from)) else { continue };
            let unit = words.hours.contains(text(from + 1));
            let next = from + 1 + usize::from(unit);
            let behind = || longest(&words.behind_hour, next).map(|(_, minutes)| minutes);
            let pair = || minutes(text(next)).filter(|_| text(next).len() == 2);
            let part = said.or(colon).or_else(behind).or_else(pair).unwrap_or(0);
            let halves = [text(from + 1), text(next), text(next + 1)];
            let half = halves.iter().find(|t| matches!(**t, "am" | "pm"));
            let hour = match half {
                Some(half) => hour % 12 + if *half == "pm" { 12 } else { 0 },
                None => hour,
            };
            let after = (at.saturating_sub(2)..at).any(|i| words.after.contains(text(i)));
            let of_twelve = half.is_none() && (1..=12).contains(&hour);
            return Some(Told { minutes: hour * 60 + part, of_twelve, after });
        }
        None
    }
}

impl Told {
    /// Late by so much, or simply there.
    fn against(self, starts: NaiveTime, late_beside: bool, heard: &Heard) -> Heard {
        let starts = i32::try_from(starts.num_seconds_from_midnight() / 60).unwrap_or(0);
        let other = if self.minutes < NOON { self.minutes + NOON } else { self.minutes - NOON };
        let turned = self.of_twelve && (other - starts).abs() < (self.minutes - starts).abs();
        let by = if turned { other } else { self.minutes } - starts;
        let close = by.abs() <= if turned { NEAR } else { LONGEST };
        let late = by > 0 || (by == 0 && self.after) || late_beside;
        let meaning = if late {
            Meaning::Late { minutes: u32::try_from(by).ok().filter(|_| (1..=LONGEST).contains(&by)) }
        } else {
            Meaning::Yes
        };
        // "en retard, j'arrive à 18 h", to a meeting at 18 h: one of the two is meant otherwise
        let fits = by > 0 || !late_beside;
        Heard::sure_if(meaning, heard.certainty == Certainty::Sure && close && fits)
    }
}

/// "18", "6:15", "18.15": an hour, with its minutes if they are written with it.
fn clock(word: &str) -> Option<(i32, Option<i32>)> {
    let (hour, minutes) = match word.split_once([':', '.']) {
        Some((hour, part)) => (hour, Some(self::minutes(part)?)),
        None => (word, None),
    };
    let hour = hour.parse::<i32>().ok().filter(|h| (0..=24).contains(h) && hour.len() <= 2)?;
    Some((hour, minutes))
}

fn minutes(word: &str) -> Option<i32> {
    word.parse().ok().filter(|m| (0..60).contains(m))
}

//! Days that bound others: "after the 10th", "from the 9th to the 14th", "le 15 et après".

use super::{Finder, Mention, Sought};
use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime};
use serde::Deserialize;

/// Which days are meant besides the one named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Bound {
    /// Those after it.
    Later,
    /// It, and those after it.
    From,
    /// Those before it.
    Earlier,
    /// It, and those before it.
    Until,
    /// From it to the day named next.
    Between,
    /// From it to the day named next, where one is; else it, and those after it.
    Onward,
    /// Those of its week, from Monday on.
    Week,
    /// The day behind it, and the one before: "le lendemain", "the day before".
    Next,
    Previous,
}

/// How two days are joined that are the ends of a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joined {
    Dash,
    Hyphen,
    Word,
}

impl Finder<'_> {
    /// "Après le 10", "avant juin", "from the 9th to the 14th", "Monday to Wednesday": those on one side of a day or month,
    /// or between two.
    pub(super) fn bounded(&self, from: usize) -> Option<Mention> {
        if self.is_day_of_words(from) {
            return None;
        }
        let another = from.checked_sub(1).is_some_and(|i| self.words.no_bound.iter().any(|word| word == self.text(i)));
        let before = self.longest(&self.words.bounds, from).filter(|_| !another);
        let start = before.map_or(from, |(_, start)| start);
        let (first, last, end) = self.span(start)?;
        // "the 6th and on the 13th" names another day, "or before 7 pm" an hour
        let dated = |i: usize| self.a_day(i).is_some() || self.number(i).is_some();
        let after = self.longest(&self.words.bounds_behind, end).filter(|(_, end)| !dated(*end));
        // "from 6" may be an hour, "options 2 et après" is a place
        let bare = end == start + 1 && self.number(start).is_some();
        let until = || self.words.until.iter().any(|u| u == self.text(end)).then(|| self.span(end + 1)).flatten();
        let (bound, last, end) = match (before.map(|(bound, _)| *bound), after) {
            (Some(Bound::Between), _) => until().map(|(_, last, end)| (Bound::Between, last, end))?,
            (Some(Bound::Onward), after) => match until() {
                Some((_, last, end)) => (Bound::Between, last, end),
                None if bare && after.is_none() => return Some(Mention::bound(from..end, Vec::new())),
                None => (Bound::From, last, after.map_or(end, |(_, end)| end)),
            },
            (Some(bound), _) => (bound, last, end),
            (None, Some((bound, end))) if !bare => (*bound, last, end),
            (None, _) => self.weekdays_between(start, end)?,
        };
        let meant = |choice: NaiveDate| match bound {
            Bound::Later => choice > last,
            Bound::From | Bound::Onward => choice >= first,
            Bound::Earlier => choice < first,
            Bound::Until => choice <= last,
            Bound::Between => first <= choice && choice <= last,
            Bound::Week => choice.iso_week() == first.iso_week(),
            Bound::Next | Bound::Previous => false,
        };
        Some(Mention::bound(from..end, self.on(meant)))
    }

    /// "Après-demain", "the day after tomorrow": no bound of tomorrow.
    fn is_day_of_words(&self, at: usize) -> bool {
        self.longest(&self.words.days, at).is_some_and(|(_, end)| end > at + 1)
    }

    /// "Monday to Wednesday": behind the first of them, up to the second.
    fn weekdays_between(&self, start: usize, end: usize) -> Option<(Bound, NaiveDate, usize)> {
        let named = |i: usize| self.dates.weekday(self.text(i)).is_some();
        let joined = self.words.until.iter().any(|u| u == self.text(end));
        let and = self.words.and.iter().any(|a| a == self.text(end));
        let (first, last) = (self.a_day(start)?.0, self.a_day(end + 1)?);
        let days = named(start) && named(end + 1) && joined && !and && first < last.0;
        days.then_some((Bound::Between, last.0, last.1))
    }

    /// A day, a day known by a name, or a month: from, to, and where it ends.
    fn span(&self, at: usize) -> Option<(NaiveDate, NaiveDate, usize)> {
        let day = self.a_day(at).or_else(|| self.feast(at)).map(|(day, end)| (day, day, end));
        day.or_else(|| {
            let month = self.dates.month(self.text(at)).filter(|_| self.number(at + 1).is_none())?;
            let year = self.today.year() + i32::from(month < self.today.month());
            let first = NaiveDate::from_ymd_opt(year, month, 1)?;
            let last = first.checked_add_months(Months::new(1))?.pred_opt()?;
            Some((first, last, at + 1))
        })
    }

    /// "Away 8-12", "en congés 8–12", "away 7th to 13th": all days from the one to the other. "8-12" may be a date too.
    pub(super) fn stretch(&self, from: usize) -> Option<Mention> {
        let led = matches!(self.words.bounds.get(self.text(from)), Some(Bound::Onward | Bound::Between));
        let (first, last, end, joined) = self.two_days(from + usize::from(led))?;
        let stands = |k: &usize| self.choices.get(*k).is_some_and(|c| (first..=last).contains(&i64::from(c.day())));
        let choices: Vec<usize> = (0..self.choices.len()).filter(stands).collect();
        let month = self.dates.month(self.text(end)).is_some();
        if joined == Joined::Dash || month || self.away(from, end) {
            return Some(Mention::bound(from..end + usize::from(month), choices));
        }
        let date = |c: &NaiveDateTime| (i64::from(c.day()), i64::from(c.month())) == (first, last);
        let either = joined == Joined::Hyphen && self.choices.iter().any(date) && choices.len() > 1;
        let zero = self.text(from).starts_with('0');
        (either && !zero).then(|| Mention { ambiguous: true, ..Mention::of(from..end, Vec::new()) })
    }

    /// Two days of a month in their order, where what they are said with ends, and how they are joined.
    fn two_days(&self, from: usize) -> Option<(i64, i64, usize, Joined)> {
        let day = |piece: &str| piece.parse::<i64>().ok().filter(|n| (1..=31).contains(n));
        let numbered = |i: usize| self.number(i).map(|n| (n, i + 1));
        let dated = |i: usize| self.ordinal(i).filter(|(n, _)| *n > 0).or_else(|| numbered(i));
        let until = |i: usize| {
            let word = self.text(i);
            self.words.until.iter().any(|u| u == word) && !self.words.and.iter().any(|a| a == word)
        };
        // a dash is longer than a comma
        let dash = |i: usize| self.tokens.get(i).is_some_and(|t| t.text == "," && t.from.len() == 3);
        let hyphened = || {
            let (first, last) = self.text(from).split_once('-')?;
            Some((day(first)?, day(last)?, from + 1, Joined::Hyphen))
        };
        let apart = || {
            let (first, between) = dated(from)?;
            let joined = if dash(between) { Joined::Dash } else { Joined::Word };
            let (last, end) = dated(between + 1).filter(|_| joined == Joined::Dash || until(between))?;
            Some((first, last, end, joined))
        };
        hyphened().or_else(apart).filter(|(first, last, ..)| first < last)
    }

    /// A word for being away stands near, in the same clause.
    fn away(&self, from: usize, end: usize) -> bool {
        let said = |i: usize| self.words.away.iter().any(|w| w == self.text(i));
        let inside = |i: &usize| self.tokens.get(*i).is_some_and(|t| !t.is_mark());
        (from.saturating_sub(5)..from).rev().take_while(inside).any(said) || (end..end + 3).take_while(inside).any(said)
    }

    /// A day of the month, one of the choices or not: "le 8", "the 15th", "15 mars", "Tuesday".
    pub(super) fn a_day(&self, from: usize) -> Option<(NaiveDate, usize)> {
        let mut sought = Sought::default();
        let (mut at, mut end) = (from, from);
        while at < from + 6 {
            let joined = self.words.joints.iter().chain(&self.words.articles).any(|j| j == self.text(at));
            match self.part(&mut sought, at) {
                Some(next) => (at, end) = (next, next),
                None if joined => at += 1,
                None => break,
            }
        }
        if sought.hour.is_some() || sought.part.is_some() {
            return None;
        }
        let number = sought.day.or_else(|| u32::try_from(sought.number?).ok());
        let (first, last) = (self.choices.first()?.date(), self.choices.last()?.date());
        let day = match (sought.date, number, sought.weekday) {
            (Some(date), _, _) => Some(date),
            (_, Some(day), _) => {
                let month = sought.month.unwrap_or_else(|| first.month());
                NaiveDate::from_ymd_opt(first.year(), month, day)
                    .filter(|_| first.month() == last.month() || sought.month.is_some())
            }
            (_, _, Some(weekday)) => {
                let mut on = self.choices.iter().map(NaiveDateTime::date).filter(|d| d.weekday() == weekday);
                on.next().filter(|_| on.next().is_none())
            }
            _ => None,
        };
        day.map(|day| (day, end))
    }

    /// The first and the last day of those meant.
    pub(super) fn extent(&self, mention: &Mention) -> Option<(NaiveDate, NaiveDate)> {
        let days = || mention.choices.iter().filter_map(|k| self.choices.get(*k)).map(NaiveDateTime::date);
        days().min().zip(days().max())
    }

    /// "After that", "avant": those on one side of the days named last.
    pub(super) fn than_that(&self, from: usize, that: Option<(NaiveDate, NaiveDate)>) -> Option<Mention> {
        let (first, last) = that.filter(|_| !self.is_day_of_words(from))?;
        let (bound, end) = self.longest(&self.words.than_that, from)?;
        let is_end = |i: usize| self.tokens.get(i).is_none_or(super::super::normal::Token::is_mark);
        let joined = |i: usize| self.words.and.iter().any(|a| a == self.text(i));
        let alone = from == 0 || is_end(from - 1) || joined(from - 1) || is_end(end);
        if end == from + 1 && (!alone || self.words.parts.contains_key(self.text(end))) {
            return None;
        }
        let meant = |choice: NaiveDate| match bound {
            Bound::Later => choice > last,
            Bound::Earlier => choice < first,
            Bound::Next => last.succ_opt() == Some(choice),
            Bound::Previous => first.pred_opt() == Some(choice),
            // "la semaine suivante"
            Bound::Week => last.checked_add_days(Days::new(7)).is_some_and(|next| next.iso_week() == choice.iso_week()),
            _ => false,
        };
        let choices = self.on(meant);
        (!choices.is_empty()).then(|| Mention::bound(from..end, choices))
    }
}

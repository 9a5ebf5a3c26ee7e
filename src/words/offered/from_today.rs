//! Days told by how far they are from today: "mardi en huit", "a week today", "next week", "this coming Tuesday".

use super::bounded::Bound;
use super::{Finder, Mention};
use chrono::{Datelike, Days, NaiveDate};

impl Finder<'_> {
    /// The choices on a day or in a week that is counted from today; of a day that is not offered, none.
    pub(super) fn counted_from_today(&self, at: usize) -> Option<Mention> {
        if let Some((day, end)) = self.far_day(at) {
            return Some(self.such(at, end, |date| date == day));
        }
        if let Some((day, end)) = self.coming(at) {
            let others = self.choices.iter().any(|c| c.date() != day && c.weekday() == day.weekday());
            // "mardi prochain" of two may be either
            return Some(Mention { bound: others, ..self.such(at, end, |date| date == day) });
        }
        self.in_week(at)
    }

    fn such(&self, at: usize, end: usize, meant: impl Fn(NaiveDate) -> bool) -> Mention {
        let choices = self.on(meant);
        let ambiguous = choices.len() > 1;
        Mention { ambiguous, ..Mention::of(at..end, choices) }
    }

    /// "Tuesday", "demain": the next day that is called so.
    fn near_day(&self, at: usize) -> Option<(NaiveDate, usize)> {
        if let Some((days, end)) = self.longest(&self.words.days, at) {
            return Some((self.today.checked_add_days(Days::new(*days))?, end));
        }
        let weekday = self.dates.weekday(self.text(at))?;
        let next = (1..=7).filter_map(|n| self.today.checked_add_days(Days::new(n))).find(|d| d.weekday() == weekday);
        Some((next?, at + 1))
    }

    /// "Mardi en huit", "tomorrow week", "a fortnight on Friday", "two weeks today".
    fn far_day(&self, at: usize) -> Option<(NaiveDate, usize)> {
        if let Some((days, start)) = self.longest(&self.words.ahead_before, at) {
            let (near, end) = self.near_day(start)?;
            return Some((near.checked_add_days(Days::new(*days))?, end));
        }
        let (near, end) = self.near_day(at)?;
        let (days, end) = self.longest(&self.words.ahead_behind, end)?;
        // on a Tuesday "mardi en huit" may be either
        let today = self.dates.weekday(self.text(at)) == Some(self.today.weekday());
        (!today).then_some((near.checked_add_days(Days::new(*days))?, end))
    }

    /// "This coming Tuesday", "lundi qui vient".
    fn coming(&self, at: usize) -> Option<(NaiveDate, usize)> {
        let told = |words: &[String], at: usize| {
            words.iter().filter(|words| self.begins(words, at)).map(|words| at + words.split(' ').count()).max()
        };
        let (start, before) = told(&self.words.coming_before, at).map_or((at, false), |start| (start, true));
        self.dates.weekday(self.text(start))?;
        let (day, end) = self.near_day(start)?;
        let behind = told(&self.words.coming_behind, end);
        // a day of the month beside it says more: "this Thursday the 18th"
        let end = behind.unwrap_or(end);
        let dated = self.number(end).is_some() || self.is_article(end) && self.number(end + 1).is_some();
        let offered = self.choices.iter().any(|c| c.date() == day);
        ((before || behind.is_some()) && !dated && offered).then_some((day, end))
    }

    /// "Next week", "jeudi de la semaine prochaine", "next week on Thursday"; "the week after" behind another week.
    fn in_week(&self, at: usize) -> Option<Mention> {
        let skip = |from: usize| (from..from + 3).find(|i| !self.is_light(*i)).unwrap_or(from);
        let first = self.dates.weekday(self.text(at));
        let start = if first.is_some() { skip(at + 1) } else { at };
        let (week, end) = self.week(start)?;
        let behind = skip(end);
        let dated = self.number(behind + 1).is_some();
        let second = self.dates.weekday(self.text(behind)).filter(|_| first.is_none() && !dated);
        let (weekday, end) = (first.or(second), if second.is_some() { behind + 1 } else { end });
        let meant = |date: NaiveDate| date.iso_week() == week.iso_week() && weekday.is_none_or(|w| date.weekday() == w);
        let found = self.such(at, end, meant);
        Some(match weekday {
            Some(_) => found,
            None => Mention { ambiguous: false, bound: !found.choices.is_empty(), ..found },
        })
    }

    /// A day of the week meant.
    fn week(&self, at: usize) -> Option<(NaiveDate, usize)> {
        if let Some((weeks, end)) = self.longest(&self.words.weeks, at) {
            return Some((self.today.checked_add_days(Days::new(7 * weeks))?, end));
        }
        let told = |i: usize| matches!(self.longest(&self.words.bounds, i), Some((Bound::Week, _)));
        if let Some(words) = self.words.week_of.iter().find(|words| self.begins(words, at)) {
            return (0..at).any(told).then(|| self.a_day(at + words.split(' ').count())).flatten();
        }
        let end = self.words.week_after.iter().find(|words| self.begins(words, at));
        let end = at + end?.split(' ').count();
        let (before, _) = (0..at).rev().find_map(|i| self.longest(&self.words.weeks, i))?;
        Some((self.today.checked_add_days(Days::new(7 * (before + 1)))?, end))
    }

    /// "Christmas", "noël": the first from today on.
    pub(super) fn feast(&self, at: usize) -> Option<(NaiveDate, usize)> {
        let ((month, day), end) = self.longest(&self.words.feasts, at)?;
        let year = self.today.year();
        let first =
            (year..=year + 1).filter_map(|y| NaiveDate::from_ymd_opt(y, *month, *day)).find(|d| *d >= self.today);
        Some((first?, end))
    }
}

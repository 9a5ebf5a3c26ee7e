//! Days written as numbers alone: "7 8 9 oui, 13 non", "12-14-16 ok", "15/20".

use super::{Finder, Mention};
use chrono::{Datelike, NaiveDateTime, Timelike};
use std::ops::Range;

impl Finder<'_> {
    /// The places of numbers that are days of the month: where each bare number of the text is the day of one choice,
    /// and they can't all be the choices' own numbers.
    pub(super) fn bare_days(&self) -> Vec<Mention> {
        let found: Vec<(usize, Vec<i64>)> = (0..self.tokens.len()).filter_map(|i| Some((i, self.bare(i)?))).collect();
        let all: Vec<i64> = found.iter().flat_map(|(_, days)| days.clone()).collect();
        let places = all.iter().all(|n| usize::try_from(*n).is_ok_and(|n| (1..=self.choices.len()).contains(&n)));
        let days: Option<Vec<usize>> = all.iter().map(|n| self.only_on(*n)).collect();
        let doubtful = places || self.torn(&found) || self.spans(&found) || self.counts(&found);
        let Some(days) = days.filter(|_| all.len() > 1 && !doubtful) else { return Vec::new() };
        let mut days = days.into_iter();
        let named =
            |(at, numbers): (usize, Vec<i64>)| Mention::of(at..at + 1, days.by_ref().take(numbers.len()).collect());
        found.into_iter().map(named).collect()
    }

    /// "Options 1, 3 et 5": the places behind a word for them.
    pub(super) fn numbers(&self, from: usize) -> Option<Mention> {
        let word = self.text(from);
        let plural = word.strip_suffix('s').unwrap_or(word);
        if !self.words.markers.iter().any(|m| m == word || m == plural) {
            return None;
        }
        let place = |i: usize| {
            let n = usize::try_from(self.number(i)?).ok()?;
            (1..=self.choices.len()).contains(&n).then(|| n - 1)
        };
        let mut choices = vec![place(from + 1)?];
        let mut end = from + 2;
        loop {
            let joins = self.text(end) == "," || self.words.and.iter().any(|a| a == self.text(end));
            let Some(next) = place(end + 1).filter(|_| joins) else { break };
            choices.push(next);
            end += 2;
        }
        let dated = self.month_near(end);
        (choices.len() > 1 && !dated).then_some(Mention::of(from..end, choices))
    }

    /// "2 et 9 décembre", "the 2nd, 4th and 9th of June": days of which the last has the month.
    pub(super) fn of_a_month(&self, from: usize) -> Option<Mention> {
        let joins = |i: usize| self.text(i) == "," || self.words.and.iter().any(|a| a == self.text(i));
        let day = |i: usize| {
            let at = if self.is_article(i) { i + 1 } else { i };
            let (n, end) = self.ordinal(at).or_else(|| self.number(at).map(|n| (n, at + 1)))?;
            Some((u32::try_from(n).ok()?, end))
        };
        let mut days = Vec::new();
        let mut end = from;
        while let Some((n, behind)) = day(end) {
            days.push(n);
            end = behind;
            let more = (joins(end) || self.is_article(end)).then(|| end + usize::from(joins(end)));
            match more.filter(|next| day(*next).is_some()) {
                Some(next) => end = next,
                None => break,
            }
        }
        let at = if self.is_light(end) { end + 1 } else { end };
        let month = self.dates.month(self.text(at)).filter(|_| days.len() > 1)?;
        let meant = |n: &u32| self.choices.iter().position(|c| (c.day(), c.month()) == (*n, month));
        let choices: Vec<usize> = days.iter().map(meant).collect::<Option<_>>()?;
        (!choices.iter().any(|k| self.twice(*k))).then(|| Mention::of(from..at + 1, choices))
    }

    /// Another choice is on the same day.
    pub(in crate::words) fn twice(&self, choice: usize) -> bool {
        self.choices.iter().filter(|c| c.date() == self.choices[choice].date()).count() > 1
    }

    /// "La date du milieu", "the middle one": of an odd number, and not in the middle of something.
    pub(super) fn middle_one(&self, i: usize) -> Option<Mention> {
        let many = self.choices.len();
        let meant = self.words.middle.iter().any(|m| m == self.text(i)) && many > 2 && many % 2 == 1;
        let inside = self.words.joints.iter().any(|j| j == self.text(i + 1));
        (meant && !inside).then(|| Mention::of(i..i + 1, vec![many / 2]))
    }

    /// "Le week-end", "weekdays": the days offered that are of them.
    pub(super) fn kind(&self, i: usize) -> Option<Mention> {
        let another = i.checked_sub(1).is_some_and(|b| self.words.no_kinds.iter().any(|w| w == self.text(b)));
        let (words, days) = self.words.kinds.iter().find(|(words, _)| self.begins(words, i))?;
        let of_them = |c: &NaiveDateTime| days.iter().any(|d| u32::from(*d) == c.weekday().number_from_monday());
        let choices: Vec<usize> = (0..self.choices.len()).filter(|k| of_them(&self.choices[*k])).collect();
        let end = i + words.split(' ').count();
        (!another && !choices.is_empty()).then(|| Mention::of(i..end, choices))
    }

    /// "18:30", and "7.30" where that is an hour offered and no day.
    pub(super) fn hour_and_minute(&self, at: usize) -> Option<(u32, u32)> {
        let word = self.text(at);
        let parsed = |(h, m): (&str, &str)| Some((h.parse::<u32>().ok()?, m.parse::<u32>().ok()?));
        if let Some(said) = word.split_once(':') {
            return parsed(said);
        }
        let (hour, minute) = word.split_once('.').and_then(parsed)?;
        let offered =
            |c: &NaiveDateTime| c.minute() == minute && (c.hour() == hour || (hour < 12 && c.hour() == hour + 12));
        let dated = |c: &NaiveDateTime| [(hour, minute), (minute, hour)].contains(&(c.day(), c.month()));
        (self.choices.iter().any(offered) && !self.choices.iter().any(dated)).then_some((hour, minute))
    }

    /// "les deux premières", "first two".
    pub(super) fn group(&self, i: usize) -> Option<Mention> {
        let article = self.words.articles.iter().any(|a| a == self.text(i));
        let (from, i) = (i, if article { i + 1 } else { i });
        let counted = self.number(i).zip(self.edge(i + 1)).map(|(n, edge)| (n, edge, i + 2));
        let turned = || self.edge(i).zip(self.number(i + 1)).map(|(edge, n)| (n, edge, i + 2));
        let (n, edge, end) = counted.or_else(turned)?;
        let n = usize::try_from(n).ok().filter(|n| (2..=self.choices.len()).contains(n))?;
        let len = self.choices.len();
        let choices = if edge > 0 { (0..n).collect() } else { (len - n..len).collect() };
        Some(Mention::of(from..end, choices))
    }

    /// The first or the last of them, as a plural or in English.
    fn edge(&self, i: usize) -> Option<i64> {
        self.words.ordinals.get(self.text(i)).copied().filter(|n| matches!(n, 1 | -1))
    }

    /// "Les quatre", "all three dates", "aucune des trois": as many as were offered are all of them.
    pub(super) fn every(&self, from: usize) -> Option<Mention> {
        let many = |i: usize| {
            let n = usize::try_from(self.number(i)?).ok()?;
            (n == self.choices.len() && n > 1).then_some(i + 1)
        };
        let several = self.words.several.iter().any(|s| s == self.text(from));
        let end = many(from + 1).filter(|_| several)?;
        let month = self.month_near(end);
        // "the 3rd" is one of them
        let unit = self.words.hours.iter().chain(&self.words.suffixes).any(|unit| unit == self.text(end));
        let choices = (0..self.choices.len()).collect();
        (!month && !unit).then_some(Mention::of(from..end, choices))
    }

    /// The bare numbers in a word: "7", "12-14-16", "15/20" where that is no date of a choice.
    fn bare(&self, i: usize) -> Option<Vec<i64>> {
        if let Some(n) = self.number(i) {
            return self.stands_alone(i..i + 1, n).then(|| vec![n]);
        }
        let day = |piece: &str| piece.parse::<i64>().ok().filter(|n| (1..=31).contains(n));
        let numbers: Vec<i64> = self.text(i).split(['-', '/', '+', '&']).map(day).collect::<Option<_>>()?;
        let dated = |d: i64, m: i64| self.choices.iter().any(|c| (i64::from(c.day()), i64::from(c.month())) == (d, m));
        let date = numbers.windows(2).any(|two| dated(two[0], two[1]) || dated(two[1], two[0]));
        (numbers.len() > 1 && !date && self.stands_alone(i..i + 1, numbers[0])).then_some(numbers)
    }

    /// Neither a word of a date nor one of an hour stands beside it, nor "option" before a choice's number.
    fn stands_alone(&self, at: Range<usize>, n: i64) -> bool {
        let dates = |i: usize| {
            let word = self.text(i);
            let hour = self.words.hours.iter().chain(&self.words.suffixes).any(|h| h == word);
            hour || self.dates.month(word).is_some() || self.dates.weekday(word).is_some()
        };
        let place = usize::try_from(n).is_ok_and(|n| n <= self.choices.len());
        let named = |i: usize| place && self.words.markers.iter().any(|m| m == self.text(i));
        let marker = |i: usize| named(i) || self.words.at.iter().any(|m| m == self.text(i));
        let before = at.start.checked_sub(1);
        !dates(at.end) && !before.is_some_and(|b| dates(b) || marker(b))
    }

    /// The one choice on that day of the month.
    fn only_on(&self, day: i64) -> Option<usize> {
        let mut on = (0..self.choices.len()).filter(|k| i64::from(self.choices[*k].day()) == day);
        on.next().filter(|_| on.next().is_none())
    }

    /// "7-9", "7 to 9": days from the one to the other, where one offered lies between; "2-4": hours, where both are.
    fn spans(&self, found: &[(usize, Vec<i64>)]) -> bool {
        let until = |i: usize| {
            let word = self.text(i);
            self.words.until.iter().any(|u| u == word) && !self.words.and.iter().any(|a| a == word)
        };
        let joined = found.iter().filter_map(|(at, days)| match days[..] {
            [from, to] if self.text(*at).contains('-') => Some((from, to)),
            _ => None,
        });
        let told = found.windows(2).filter(|two| two[0].0 + 2 == two[1].0 && until(two[0].0 + 1));
        let told = told.filter_map(|two| Some((*two[0].1.last()?, *two[1].1.first()?)));
        let hour = |n: i64| self.choices.iter().any(|c| [n, n + 12].contains(&i64::from(c.hour())));
        joined.chain(told).any(|(from, to)| {
            let between = self.choices.iter().any(|c| (from + 1..to).contains(&i64::from(c.day())));
            between || (hour(from) && hour(to))
        })
    }

    /// "On est 2": a number that may be a choice's own is a day between other days, a yes, a no, alone.
    fn counts(&self, found: &[(usize, Vec<i64>)]) -> bool {
        let place = |n: &i64| usize::try_from(*n).is_ok_and(|n| n <= self.choices.len());
        let plain = |i: usize| {
            let words = [&self.words.bare_yes, &self.words.bare_no, &self.words.and, &self.words.articles];
            let listed = words.into_iter().flatten().any(|w| w == self.text(i));
            listed || found.iter().any(|(at, _)| *at == i) || self.tokens.get(i).is_none_or(|t| t.is_mark())
        };
        let alone = |at: usize| plain(at + 1) && at.checked_sub(1).is_none_or(plain);
        found.iter().any(|(at, days)| days.iter().any(place) && !alone(*at))
    }

    /// "Vingt deux": two numbers side by side may be one that was not put together.
    fn torn(&self, found: &[(usize, Vec<i64>)]) -> bool {
        found.windows(2).any(|two| {
            let (tens, ones) = (&two[0].1, &two[1].1);
            let side_by_side = two[0].0 + 1 == two[1].0 && tens.len() == 1 && ones.len() == 1;
            side_by_side && tens[0] % 10 == 0 && ones[0] < 10 && self.only_on(tens[0] + ones[0]).is_some()
        })
    }
}

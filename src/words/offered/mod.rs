//! Which of the dates offered a text speaks of. Dates are resolved among the choices alone, so that the order of day
//! and month does not matter (`inbound.md` §7, advice 4).

mod bare;
mod bounded;
mod from_today;
mod hours;
mod words;

use super::dates::DateWords;
use super::normal::Token;
pub(super) use words::OfferedWords;

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, Timelike, Weekday};
use std::collections::BTreeMap;
use std::ops::Range;

/// A place in the text that names choices, by index from 0. Several only where several are meant ("les deux premières",
/// "le matin"); a day that fits two choices is `ambiguous`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) tokens: Range<usize>,
    pub(super) choices: Vec<usize>,
    pub(super) ambiguous: bool,
    /// "The others": takes no word over from before.
    pub(super) rest: bool,
    /// "After the 10th": bounds others than the day named.
    pub(super) bound: bool,
}

impl Mention {
    pub(super) fn of(tokens: Range<usize>, choices: Vec<usize>) -> Self {
        Self { tokens, choices, ambiguous: false, rest: false, bound: false }
    }

    pub(super) fn rest(tokens: Range<usize>, choices: Vec<usize>) -> Self {
        Self { rest: true, ..Self::of(tokens, choices) }
    }

    pub(super) fn bound(tokens: Range<usize>, choices: Vec<usize>) -> Self {
        Self { bound: true, ..Self::of(tokens, choices) }
    }
}

/// What is known of one date that is being read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sought {
    pub(super) weekday: Option<Weekday>,
    pub(super) day: Option<u32>,
    pub(super) month: Option<u32>,
    pub(super) hour: Option<u32>,
    pub(super) minute: Option<u32>,
    pub(super) part: Option<(u32, u32)>,
    pub(super) date: Option<NaiveDate>,
    /// "10/12", where a choice is on either.
    pub(super) either: Option<(u32, u32)>,
    /// A number that may be a day or a choice's number.
    pub(super) number: Option<i64>,
    pub(super) article: bool,
}

/// So many words behind a day "any of them" may stand.
const NEAR: usize = 6;

/// Finds the choices named.
pub(super) struct Finder<'a> {
    pub(super) words: &'a OfferedWords,
    pub(super) dates: &'a DateWords,
    pub(super) tokens: &'a [Token],
    pub(super) choices: &'a [NaiveDateTime],
    pub(super) today: NaiveDate,
}

impl Finder<'_> {
    pub(super) fn all(&self) -> Vec<Mention> {
        let mut found = Vec::new();
        let listed = self.listed();
        let bare = if listed.is_empty() { self.bare_days() } else { Vec::new() };
        let mut i = 0;
        let mut that = None;
        while i < self.tokens.len() {
            if let Some(place) = listed.iter().position(|at| *at == i) {
                found.push(Mention::of(i..i + 1, vec![place]));
                i += 1;
                continue;
            }
            if let Some(days) = self.stretch(i) {
                that = self.extent(&days).or(that);
                i = days.tokens.end;
                found.push(days);
                continue;
            }
            if let Some(days) = bare.iter().find(|m| m.tokens.start == i) {
                found.push(days.clone());
                i += 1;
                continue;
            }
            let special = self.counted_from_today(i).or_else(|| self.of_a_month(i)).or_else(|| self.numbers(i));
            let special = special.or_else(|| self.every(i)).or_else(|| self.bounded(i));
            let special = special.or_else(|| self.middle_one(i)).or_else(|| self.kind(i));
            let special = special.or_else(|| self.group(i)).or_else(|| self.nth_weekday(i));
            let special = special.or_else(|| self.weekdays(i));
            let special = special.or_else(|| self.by_number(i)).or_else(|| self.than_that(i, that));
            let alone = self.is_article(i.wrapping_sub(1)).then(|| self.a_day(i)).flatten();
            that = alone.map(|(day, _)| (day, day)).or(that);
            match special.or_else(|| self.by_date(i)) {
                Some(mention) => {
                    that = self.extent(&mention).or(that);
                    i = mention.tokens.end.max(i + 1);
                    if !mention.choices.is_empty() || mention.ambiguous || mention.bound {
                        found.push(mention);
                    }
                }
                None => i += 1,
            }
        }
        found
    }

    /// "1. oui 2. non 3. oui": bare numbers that count up from one are places, not days.
    fn listed(&self) -> Vec<usize> {
        let dated = |i: usize| {
            let word = self.text(i);
            let unit = self.words.hours.iter().any(|h| h == word) || self.words.suffixes.iter().any(|s| s == word);
            unit || self.dates.month(word).is_some() || self.dates.weekday(word).is_some()
        };
        let before = |i: usize| i.checked_sub(1).is_some_and(|b| dated(b) || self.is_article(b));
        let bare = |i: &usize| self.number(*i).is_some() && !dated(*i + 1) && !before(*i);
        let bare: Vec<usize> = (0..self.tokens.len()).filter(bare).collect();
        let counts = bare.iter().zip(1..).all(|(at, n)| self.number(*at) == Some(n));
        let far = bare.windows(2).all(|two| two[1] > two[0] + 1);
        if counts && far && bare.len() > 1 && bare.len() <= self.choices.len() { bare } else { Vec::new() }
    }

    /// Do these words stand here?
    pub(super) fn begins(&self, words: &str, at: usize) -> bool {
        words.split(' ').enumerate().all(|(k, word)| self.text(at + k) == word)
    }

    /// The longest of these words that stands here, what it says, and where it ends.
    fn longest<'w, T>(&self, words: &'w BTreeMap<String, T>, at: usize) -> Option<(&'w T, usize)> {
        let found = words.iter().filter(|(words, _)| self.begins(words, at)).max_by_key(|(words, _)| words.len());
        found.map(|(words, what)| (what, at + words.split(' ').count()))
    }

    /// The choices on such a date.
    fn on(&self, meant: impl Fn(NaiveDate) -> bool) -> Vec<usize> {
        (0..self.choices.len()).filter(|k| meant(self.choices[*k].date())).collect()
    }

    /// An article, or a word inside a date that says nothing.
    fn is_light(&self, i: usize) -> bool {
        self.is_article(i) || self.words.joints.iter().any(|joint| joint == self.text(i))
    }

    pub(super) fn is_article(&self, i: usize) -> bool {
        self.words.articles.iter().any(|a| a == self.text(i))
    }

    pub(super) fn text(&self, i: usize) -> &str {
        self.tokens.get(i).map_or("", |t| t.text.as_str())
    }

    pub(super) fn number(&self, i: usize) -> Option<i64> {
        // "ok 2 me" is none, "la 2 me va" is
        let marked = |at: usize| self.words.markers.iter().any(|m| m == self.text(at));
        let behind = i.checked_sub(1).is_some_and(|before| !self.is_article(before) && !marked(before));
        let word = || behind && self.words.no_numbers.iter().any(|words| self.begins(words, i));
        self.text(i).parse().ok().filter(|n| (0..=31).contains(n) && !word())
    }

    /// An ordinal: "premiere", "2 e", "3rd".
    pub(super) fn ordinal(&self, i: usize) -> Option<(i64, usize)> {
        let word = self.text(i);
        if let Some((n, end)) = self.longest(&self.words.places, i) {
            return Some((*n, end));
        }
        if let Some(n) = self.words.ordinals.get(word) {
            return (!self.words.was(self.tokens, i)).then_some((*n, i + 1));
        }
        let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let suffix = &word[digits.len()..];
        let known = |s: &str| self.words.suffixes.iter().any(|k| k == s);
        if !suffix.is_empty() && known(suffix) {
            return digits.parse().ok().map(|n| (n, i + 1));
        }
        let n = self.number(i)?;
        known(self.text(i + 1)).then_some((n, i + 2))
    }

    /// "le premier vendredi", "the second Tuesday": of the choices on that weekday.
    fn nth_weekday(&self, i: usize) -> Option<Mention> {
        let (n, end) = self.ordinal(i)?;
        let weekday = self.dates.weekday(self.text(end))?;
        let on: Vec<usize> = (0..self.choices.len()).filter(|k| self.choices[*k].weekday() == weekday).collect();
        let place = if n < 0 { on.len().checked_sub(1) } else { usize::try_from(n - 1).ok() };
        // "le 6 vendredi" is a day of the month
        let word = self.words.ordinals.contains_key(self.text(i));
        let choice = place.and_then(|k| on.get(k)).filter(|_| word)?;
        Some(Mention::of(i..end + 1, vec![*choice]))
    }

    /// "Vendredis", "both Fridays", "les deux vendredis", "either Friday", "les soirs": all of them.
    fn weekdays(&self, from: usize) -> Option<Mention> {
        let each = self.words.each.iter().any(|e| e == self.text(from));
        let article = usize::from(each || self.words.articles.iter().any(|a| a == self.text(from)));
        let many = self.number(from + article);
        let i = from + article + usize::from(many.is_some());
        let word = self.text(i);
        let plural = word.strip_suffix('s').unwrap_or(word);
        // "thurs" is no plural
        let many_days = plural.len() < word.len() && self.dates.weekday(word).is_none();
        let weekday = self.dates.weekday(plural).filter(|_| each || many_days);
        let part = || self.words.parts.get(word).or_else(|| self.words.parts.get(plural)).copied();
        let fits = |c: &NaiveDateTime| match weekday {
            Some(weekday) => c.weekday() == weekday,
            None => part().is_some_and(|(from, to)| c.hour() >= from && c.hour() < to),
        };
        let choices: Vec<usize> = (0..self.choices.len()).filter(|k| fits(&self.choices[*k])).collect();
        let counted = many.is_some_and(|n| usize::try_from(n) == Ok(choices.len()));
        let meant = weekday.is_some() || counted;
        (meant && !choices.is_empty()).then_some(Mention::of(from..i + 1, choices))
    }

    /// "option 2", "la 2e", "la deuxième".
    fn by_number(&self, i: usize) -> Option<Mention> {
        let marked = self.words.markers.iter().any(|m| m == self.text(i));
        let at = if marked { i + 1 } else { i };
        let (n, end) = self.ordinal(at).or_else(|| marked.then(|| Some((self.number(at)?, at + 1))).flatten())?;
        // "the 6th": a day where a choice has it
        let day = u32::try_from(n).ok().filter(|d| !marked && self.choices.iter().any(|c| c.day() == *d));
        let words = self.words.ordinals.contains_key(self.text(at)) || self.longest(&self.words.places, at).is_some();
        let is_word = words || n < 0;
        let month = self.month_near(end) || at.checked_sub(1).is_some_and(|b| self.dates.month(self.text(b)).is_some());
        if !is_word && (day.is_some() || month) {
            return None;
        }
        let index = match usize::try_from(n.unsigned_abs()) {
            Ok(back) if n < 0 => self.choices.len().checked_sub(back),
            _ => usize::try_from(n - 1).ok(),
        };
        let index = index.filter(|k| *k < self.choices.len())?;
        Some(Mention::of(i..end, vec![index]))
    }

    pub(super) fn month_near(&self, i: usize) -> bool {
        self.dates.month(self.text(i)).is_some()
            || self.words.joints.iter().any(|j| j == self.text(i)) && self.dates.month(self.text(i + 1)).is_some()
    }

    /// Weekday, day, month and hour in any order, side by side.
    fn by_date(&self, i: usize) -> Option<Mention> {
        let mut sought = Sought::default();
        let (mut at, mut end) = (i, i);
        while at < self.tokens.len() && at < i + 12 {
            if let Some(hour) = self.bare_hour(&sought, at) {
                sought.hour = Some(hour);
                (at, end) = (at + 2, at + 2);
            } else if let Some(next) = self.part(&mut sought, at) {
                at = next;
                end = next;
            } else if end > i && self.words.joints.iter().chain(&self.words.articles).any(|j| j == self.text(at)) {
                at += 1;
            } else if end == i && self.words.articles.iter().any(|a| a == self.text(at)) {
                sought.article = true;
                at += 1;
            } else {
                break;
            }
        }
        if end == i {
            return None;
        }
        // "dix huit": two numbers side by side are one that was not put together
        let torn = sought.number.is_some() && self.number(end - 1).is_some() && self.number(end).is_some();
        let Some(found) = self.resolve(&sought, i..end) else {
            // "le 20 mars": another date, and none of its words is one of the choices
            let other = sought.date.is_some() || (sought.month.is_some() && sought.number.is_some());
            return other.then(|| Mention::of(i..end, vec![]));
        };
        let all = || self.all_of_them(i..end);
        Some(Mention { ambiguous: (found.ambiguous && !all()) || torn, ..found })
    }

    /// "The 20th, any time", "both 8 am ones": beside it stands that all are meant that fit.
    fn all_of_them(&self, tokens: Range<usize>) -> bool {
        let said = |i: usize| self.words.all_of_them.iter().any(|words| self.begins(words, i));
        let stops = |i: usize| self.tokens.get(i).is_none_or(Token::is_mark);
        // "the 20th, any time": a comma may stand between
        let comma = usize::from(self.text(tokens.end) == ",");
        let behind = (tokens.end + comma..tokens.end + comma + NEAR).take_while(|i| !stops(*i)).any(said);
        let before = (tokens.start.saturating_sub(2)..tokens.start).rev().take_while(|i| !stops(*i)).any(said);
        behind || before
    }

    /// "Wed 18th at 2": behind a day, the hour of one of the choices.
    fn bare_hour(&self, sought: &Sought, at: usize) -> Option<u32> {
        let dated =
            sought.hour.is_none() && (sought.weekday.is_some() || sought.day.is_some() || sought.number.is_some());
        let says_at = self.words.at.iter().any(|word| word == self.text(at));
        let unit = self.words.hours.iter().any(|h| h == self.text(at + 2));
        let hour = self.number(at + 1).and_then(|n| u32::try_from(n).ok()).filter(|_| dated && says_at && !unit)?;
        let offered = |c: &NaiveDateTime| c.hour() == hour || (hour < 12 && c.hour() == hour + 12);
        self.choices.iter().any(offered).then_some(hour)
    }

    /// "Mon or Thurs", "sat 10am": a day where what stands behind does not make another word of it.
    fn weekday_at(&self, at: usize) -> Option<Weekday> {
        let short = || {
            let number = self.words.abbreviations.get(self.text(at))?;
            let next = self.tokens.get(at + 1);
            let fits = |t: &Token| t.is_mark() || self.number(at + 1).is_some() || self.ordinal(at + 1).is_some();
            let behind = |t: &Token| self.words.abbreviated.contains(&t.text);
            let alone = next.is_none_or(|t| fits(t) || behind(t));
            alone.then(|| Weekday::try_from(number.checked_sub(1)?).ok()).flatten()
        };
        self.dates.weekday(self.text(at)).or_else(short)
    }

    /// Reads one part of a date; says where the next begins.
    pub(super) fn part(&self, sought: &mut Sought, at: usize) -> Option<usize> {
        let word = self.text(at);
        if let Some(weekday) = self.weekday_at(at).filter(|_| sought.weekday.is_none()) {
            sought.weekday = Some(weekday);
            return Some(at + 1);
        }
        if let Some(month) = self.dates.month(word).filter(|_| sought.month.is_none()) {
            sought.month = Some(month);
            return Some(at + 1);
        }
        if let Some(part) = self.words.parts.get(word).filter(|_| sought.part.is_none()) {
            sought.part = Some(*part);
            return Some(at + 1);
        }
        if let Some((days, end)) = self.longest(&self.words.days, at).filter(|_| sought.date.is_none()) {
            sought.date = self.today.checked_add_days(Days::new(*days));
            return Some(end);
        }
        self.clock(sought, at).or_else(|| self.day(sought, at))
    }

    /// "18 h 30", "18:30", "6 pm", "half 6".
    pub(super) fn clock(&self, sought: &mut Sought, at: usize) -> Option<usize> {
        if sought.hour.is_some() {
            return None;
        }
        let half = self.words.half.iter().any(|h| h == self.text(at)) && self.number(at + 1).is_some();
        if half {
            sought.hour =
                self.number(at + 1).and_then(|h| u32::try_from(h).ok()).map(|h| if h < 8 { h + 12 } else { h });
            sought.minute = Some(30);
            return Some(at + 2);
        }
        if let Some((hour, minute)) = self.hour_and_minute(at) {
            let afternoon = self.text(at + 1) == "pm" && hour < 12;
            (sought.hour, sought.minute) = (Some(hour + if afternoon { 12 } else { 0 }), Some(minute));
            return Some(at + 1 + usize::from(self.words.hours.iter().any(|h| h == self.text(at + 1))));
        }
        if let Some(hour) = self.hour_of_the_day(at) {
            sought.hour = Some(hour);
            return Some(at + 1);
        }
        let word = self.text(at);
        let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let (hour, unit, mut end) = if digits.len() < word.len() {
            (digits.parse::<u32>().ok()?, &word[digits.len()..], at + 1)
        } else {
            (u32::try_from(self.number(at)?).ok()?, self.text(at + 1), at + 2)
        };
        if !self.words.hours.iter().any(|h| h == unit) {
            return None;
        }
        sought.hour = Some(if unit == "pm" && hour < 12 { hour + 12 } else { hour });
        if let Some(minute) = self.text(end).parse::<u32>().ok().filter(|m| unit.starts_with('h') && *m < 60 && *m > 5)
        {
            sought.minute = Some(minute);
            end += 1;
        }
        Some(end)
    }

    /// "13", "13th", "13/3", "2026-03-13".
    fn day(&self, sought: &mut Sought, at: usize) -> Option<usize> {
        if sought.day.is_some() || sought.number.is_some() || sought.either.is_some() {
            return None;
        }
        let word = self.text(at);
        let pieces: Vec<Option<u32>> = word.split(['/', '-', '.']).map(|p| p.parse().ok()).collect();
        match pieces[..] {
            [Some(y), Some(m), Some(d)] if y > 1000 => {
                sought.date = NaiveDate::from_ymd_opt(i32::try_from(y).ok()?, m, d);
                Some(at + 1)
            }
            [Some(a), Some(b)] | [Some(a), Some(b), Some(_)] => {
                let fits = |d: u32, m: u32| self.choices.iter().any(|c| c.day() == d && c.month() == m);
                if self.words.month_first && a != b && fits(a, b) && fits(b, a) {
                    sought.either = Some((a, b));
                    return Some(at + 1);
                }
                let (d, m) = if fits(a, b) || !fits(b, a) { (a, b) } else { (b, a) };
                (sought.day, sought.month) = (Some(d), Some(m));
                Some(at + 1)
            }
            _ => {
                let (n, end) = self
                    .ordinal(at)
                    .filter(|(n, _)| self.is_day(word, *n))
                    .or_else(|| Some((self.number(at)?, at + 1)))?;
                sought.number = Some(n);
                sought.article |= end > at + 1 || word.len() > 2;
                Some(end)
            }
        }
    }

    /// An ordinal that is no choice's place is a day: "the thirteenth".
    fn is_day(&self, word: &str, n: i64) -> bool {
        let word = self.words.ordinals.contains_key(word);
        !word || usize::try_from(n).is_ok_and(|n| n > self.choices.len())
    }

    /// The choices that fit; `None` where nothing offered fits.
    fn resolve(&self, sought: &Sought, tokens: Range<usize>) -> Option<Mention> {
        let mut sought = *sought;
        let alone =
            sought.weekday.is_none() && sought.month.is_none() && sought.hour.is_none() && sought.date.is_none();
        if let Some(n) = sought.number {
            let day = u32::try_from(n).ok()?;
            let is_day = self.choices.iter().any(|c| c.day() == day);
            let is_index = n >= 1 && usize::try_from(n).is_ok_and(|n| n <= self.choices.len());
            match (alone && sought.part.is_none() && !sought.article, is_day, is_index) {
                (true, true, true) => return Some(Mention { ambiguous: true, ..Mention::of(tokens, vec![]) }),
                (true, false, true) => {
                    return Some(Mention::of(tokens, vec![usize::try_from(n - 1).ok()?]));
                }
                (false, false, true) if alone && sought.part.is_none() => {
                    return Some(Mention::of(tokens, vec![usize::try_from(n - 1).ok()?]));
                }
                _ => sought.day = Some(day),
            }
        }
        let fits: Vec<usize> = (0..self.choices.len()).filter(|k| self.fits(&sought, *k)).collect();
        // a part of the day or a weekday may mean several; a day of the month means one
        let one = sought.day.is_some() || sought.hour.is_some() || sought.weekday.is_some() || sought.date.is_some();
        let one = one || sought.either.is_some();
        let ambiguous = one && fits.len() > 1;
        (!fits.is_empty()).then_some(Mention { ambiguous, ..Mention::of(tokens, fits) })
    }

    fn fits(&self, sought: &Sought, index: usize) -> bool {
        let Some(choice) = self.choices.get(index) else { return false };
        let hour = |h: u32| choice.hour() == h || (h < 12 && choice.hour() == h + 12);
        sought.weekday.is_none_or(|w| choice.weekday() == w)
            && sought.day.is_none_or(|d| choice.day() == d)
            && sought.month.is_none_or(|m| choice.month() == m)
            && sought.date.is_none_or(|d| choice.date() == d)
            && sought.either.is_none_or(|(a, b)| [(a, b), (b, a)].contains(&(choice.day(), choice.month())))
            && sought.hour.is_none_or(hour)
            && sought.minute.is_none_or(|m| choice.minute() == m)
            && sought.part.is_none_or(|(from, to)| choice.hour() >= from && choice.hour() < to)
    }
}

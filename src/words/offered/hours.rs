//! Hours without a day: "6 pm please, 8 is too late", "le 15 : 10 h oui, 16 h non".

use super::{Finder, Mention, Sought};
use chrono::{Datelike, NaiveDate, Timelike};

/// An hour and perhaps minutes.
type Hour = (Option<u32>, Option<u32>);

impl Finder<'_> {
    /// Behind a day that fits several choices they are that day's; two of them without any day are meant of each day.
    pub(in crate::words) fn hours_alone(&self, mut mentions: Vec<Mention>) -> Vec<Mention> {
        let hours: Vec<Option<Hour>> = mentions.iter().map(|m| self.hour_alone(m)).collect();
        let told: Vec<Hour> = hours.iter().flatten().copied().collect();
        if told.is_empty() || told.len() < hours.len() {
            return self.of_their_day(mentions, &hours);
        }
        if told.iter().any(|hour| *hour != told[0]) {
            mentions.iter_mut().for_each(|m| (m.ambiguous, m.bound) = (false, true));
        }
        mentions
    }

    /// "8 is better", where all that is offered is on one day, at hours of which this is one.
    pub(super) fn hour_of_the_day(&self, at: usize) -> Option<u32> {
        let hour = self.number(at).and_then(|n| u32::try_from(n).ok())?;
        let (first, others) = self.choices.split_first()?;
        let one_day = !others.is_empty() && others.iter().all(|c| c.date() == first.date());
        let place = usize::try_from(hour).is_ok_and(|n| n <= self.choices.len());
        let counted = self.words.counted.iter().any(|words| self.begins(words, at + 1));
        let named = self.words.hours.iter().any(|h| h == self.text(at + 1)) || self.month_near(at + 1) || counted;
        let marked = at.checked_sub(1).is_some_and(|i| self.words.markers.iter().any(|m| m == self.text(i)));
        let offered = || self.choices.iter().any(|c| [hour, hour + 12].contains(&c.hour()));
        (one_day && !place && !named && !marked && hour != first.day() && offered()).then_some(hour)
    }

    /// The day on which all choices are that it names.
    fn one_day(&self, mention: &Mention) -> Option<NaiveDate> {
        let (first, last) = self.extent(mention)?;
        (first == last && !mention.bound).then_some(first)
    }

    /// Parts of the day and articles alone.
    pub(in crate::words) fn is_part_of_day(&self, mention: &Mention) -> bool {
        let part = |i: usize| self.words.parts.contains_key(self.text(i));
        mention.tokens.clone().any(part) && mention.tokens.clone().all(|i| part(i) || self.is_article(i))
    }

    /// What it says, where it says nothing but an hour.
    fn hour_alone(&self, mention: &Mention) -> Option<Hour> {
        let light = |i: &usize| self.is_light(*i) || self.words.at.iter().any(|word| word == self.text(*i));
        let start = mention.tokens.clone().find(|i| !light(i))?;
        let mut sought = Sought::default();
        (self.clock(&mut sought, start) == Some(mention.tokens.end)).then_some((sought.hour, sought.minute))
    }

    /// A day that fits several choices goes where hours or parts of it behind say which of them are meant.
    fn of_their_day(&self, mentions: Vec<Mention>, hours: &[Option<Hour>]) -> Vec<Mention> {
        let mut kept: Vec<Mention> = Vec::new();
        // the day told last, whether it fits several, and its place among those kept
        let mut day: Option<(NaiveDate, bool, usize)> = None;
        for (mention, hour) in mentions.into_iter().zip(hours) {
            let part = |wide: bool| hour.is_some() || (wide && self.is_part_of_day(&mention));
            let Some((on, _, place)) = day.filter(|(_, wide, _)| part(*wide)) else {
                day = self.one_day(&mention).map(|day| (day, mention.ambiguous, kept.len()));
                kept.push(mention);
                continue;
            };
            let on_it = |k: &usize| self.choices.get(*k).is_some_and(|c| c.date() == on);
            let choices: Vec<usize> = mention.choices.iter().copied().filter(on_it).collect();
            if choices.is_empty() {
                kept.push(mention);
                continue;
            }
            if let Some(wide) = kept.get_mut(place).filter(|wide| wide.ambiguous) {
                (wide.choices, wide.ambiguous) = (Vec::new(), false);
            }
            kept.push(Mention { ambiguous: choices.len() > 1, choices, ..mention });
        }
        kept.retain(|m| !m.choices.is_empty() || m.ambiguous || m.bound);
        kept
    }
}

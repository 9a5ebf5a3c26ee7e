//! The words by which people place a day among those offered: `[offered]` of the word lists.

use super::bounded::Bound;
use crate::words::normal::Token;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Words that place a date among those offered; `[offered]` of the word lists.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::words) struct OfferedWords {
    /// "première" = 1; the last is -1.
    pub(in crate::words) ordinals: BTreeMap<String, i64>,
    /// The one in the middle of an odd number: "milieu".
    #[serde(default)]
    pub(in crate::words) middle: Vec<String>,
    /// What a number before them counts, so that it names no choice: "years", "fois".
    #[serde(default)]
    pub(in crate::words) counted: Vec<String>,
    /// What was thought before another was taken: "leaning", "j'hésitais".
    #[serde(default)]
    pub(in crate::words) wavers: Vec<String>,
    /// "Euh", "sorry": what was said before may be taken back.
    #[serde(default)]
    pub(in crate::words) second_thoughts: Vec<String>,
    /// Between two options: the one before is given up, "rather", "plutôt".
    #[serde(default)]
    pub(in crate::words) rethinks: Vec<String>,
    /// Between two days: the one behind is not wanted, "rather than", "au lieu".
    #[serde(default)]
    pub(in crate::words) instead: Vec<String>,
    /// Between two days of which the first is preferred: "que", "to".
    #[serde(default)]
    pub(in crate::words) compared: Vec<String>,
    /// "Better", "préfère": of two days the first is.
    #[serde(default)]
    pub(in crate::words) prefers: Vec<String>,
    /// Ways to prefer that leave nothing to the other: "plutôt".
    #[serde(default)]
    pub(in crate::words) rather: Vec<String>,
    /// Beside a stretch of days: nothing is possible there, "away", "en congés".
    #[serde(default)]
    pub(in crate::words) away: Vec<String>,
    /// Of two, the one not named: "l'autre".
    #[serde(default)]
    pub(in crate::words) other: Vec<String>,
    /// What makes a number an ordinal: "e", "th".
    pub(in crate::words) suffixes: Vec<String>,
    /// Words before the number of a choice: "option", "date".
    pub(in crate::words) markers: Vec<String>,
    /// Words before a day of the month: "le", "the".
    pub(in crate::words) articles: Vec<String>,
    /// Words inside a date that say nothing: "de", "of", "à", "at".
    pub(in crate::words) joints: Vec<String>,
    /// "matin" = [0, 12]: hours from, until before.
    pub(in crate::words) parts: BTreeMap<String, (u32, u32)>,
    /// "h", "heures", "pm".
    pub(in crate::words) hours: Vec<String>,
    /// Days from today: "demain" = 1.
    pub(in crate::words) days: BTreeMap<String, u64>,
    /// Behind a day, so many days later: "en huit" = 7.
    #[serde(default)]
    pub(super) ahead_behind: BTreeMap<String, u64>,
    /// The same before a day: "a fortnight on" = 14.
    #[serde(default)]
    pub(super) ahead_before: BTreeMap<String, u64>,
    /// Before and behind a weekday, the first of that name from today: "this coming", "qui vient".
    #[serde(default)]
    pub(super) coming_before: Vec<String>,
    #[serde(default)]
    pub(super) coming_behind: Vec<String>,
    /// Weeks from this one: "next week" = 1.
    #[serde(default)]
    pub(super) weeks: BTreeMap<String, u64>,
    /// The week behind the one told before: "celle d'après".
    #[serde(default)]
    pub(super) week_after: Vec<String>,
    /// Days known by a name, as month and day: "christmas" = [12, 25].
    #[serde(default)]
    pub(super) feasts: BTreeMap<String, (u32, u32)>,
    /// "10/12" may be the 12th of October.
    #[serde(default)]
    pub(super) month_first: bool,
    /// "half" before an hour is half past it (British).
    pub(in crate::words) half: Vec<String>,
    /// Between two days: the one before was a slip, "sorry", "pardon".
    #[serde(default)]
    pub(in crate::words) slips: Vec<String>,
    /// Behind "last": one that was, and is not offered, "time", "fois".
    #[serde(default)]
    pub(super) past: Vec<String>,
    /// Before a weekday: each of them is refused, "neither Tuesday".
    #[serde(default)]
    pub(in crate::words) not_each: Vec<String>,
    /// Two of them: "both".
    #[serde(default)]
    pub(in crate::words) both: Vec<String>,
    /// Beside a day that fits several: all of them, "any time", "both 8 am ones".
    #[serde(default)]
    pub(in crate::words) all_of_them: Vec<String>,
    /// Before a weekday: each of them, "either Friday".
    #[serde(default)]
    pub(in crate::words) each: Vec<String>,
    /// Places told by several words: "the later one" = -1, "avant dernière" = -2.
    #[serde(default)]
    pub(super) places: BTreeMap<String, i64>,
    /// Behind a week that was told: another one, "celle du".
    #[serde(default)]
    pub(super) week_of: Vec<String>,
    /// A yes at a clause's end, of which a word before says the rest: "the 9th isn't, the 16th is".
    #[serde(default)]
    pub(in crate::words) elliptic: Vec<String>,
    /// Weekdays cut so short that the word may be another: "mon", "sat".
    #[serde(default)]
    pub(in crate::words) abbreviations: BTreeMap<String, u8>,
    /// What stands behind such a word where it is a weekday.
    #[serde(default)]
    pub(in crate::words) abbreviated: Vec<String>,
    /// Before an hour: "at".
    #[serde(default)]
    pub(in crate::words) at: Vec<String>,
    /// Between two places: "et".
    #[serde(default)]
    pub(in crate::words) and: Vec<String>,
    /// Before a number, what makes it count days: "les 4", "of the 3".
    #[serde(default)]
    pub(in crate::words) several: Vec<String>,
    /// After a day: what was said of the one before, "le 13 aussi".
    #[serde(default)]
    pub(in crate::words) same: Vec<String>,
    /// Words before a day that bound others: "after" = "later".
    #[serde(default)]
    pub(super) bounds: BTreeMap<String, Bound>,
    /// Before such a word: what makes another of it, "apart from".
    #[serde(default)]
    pub(in crate::words) no_bound: Vec<String>,
    /// Words behind a day that bound others: "onwards" = "from".
    #[serde(default)]
    pub(super) bounds_behind: BTreeMap<String, Bound>,
    /// Which days are meant by "after that", of the day named last: "later".
    #[serde(default)]
    pub(super) than_that: BTreeMap<String, Bound>,
    /// A yes and a no of one word, which may stand for a day by their order alone.
    #[serde(default)]
    pub(in crate::words) bare_yes: Vec<String>,
    #[serde(default)]
    pub(in crate::words) bare_no: Vec<String>,
    /// No number, though written as one: "4 me".
    #[serde(default)]
    pub(in crate::words) no_numbers: Vec<String>,
    /// Between two days: "to".
    #[serde(default)]
    pub(in crate::words) until: Vec<String>,
    /// Days of the week by one word: "weekend" = [6, 7].
    #[serde(default)]
    pub(in crate::words) kinds: BTreeMap<String, Vec<u8>>,
    /// As the day before, whether that was refused or "no problem": "non plus".
    #[serde(default)]
    pub(in crate::words) neither: Vec<String>,
    /// Before such a word: one of them that is not offered, "this", "bon".
    #[serde(default)]
    pub(in crate::words) no_kinds: Vec<String>,
}

impl OfferedWords {
    /// "Last time": of what was, and is not offered.
    pub(in crate::words) fn was(&self, tokens: &[Token], at: usize) -> bool {
        let last = self.ordinals.get(&tokens[at].text).is_some_and(|n| *n < 0);
        last && tokens.get(at + 1).is_some_and(|next| self.past.contains(&next.text))
    }

    pub(in crate::words) fn take(&mut self, more: Self) {
        self.ordinals.extend(more.ordinals);
        self.parts.extend(more.parts);
        self.days.extend(more.days);
        self.ahead_behind.extend(more.ahead_behind);
        self.ahead_before.extend(more.ahead_before);
        self.weeks.extend(more.weeks);
        self.feasts.extend(more.feasts);
        self.places.extend(more.places);
        self.month_first |= more.month_first;
        self.bounds.extend(more.bounds);
        self.bounds_behind.extend(more.bounds_behind);
        self.than_that.extend(more.than_that);
        self.abbreviations.extend(more.abbreviations);
        self.kinds.extend(more.kinds);
        for (mine, its) in [
            (&mut self.suffixes, more.suffixes),
            (&mut self.markers, more.markers),
            (&mut self.coming_before, more.coming_before),
            (&mut self.coming_behind, more.coming_behind),
            (&mut self.week_after, more.week_after),
            (&mut self.middle, more.middle),
            (&mut self.wavers, more.wavers),
            (&mut self.second_thoughts, more.second_thoughts),
            (&mut self.rethinks, more.rethinks),
            (&mut self.other, more.other),
            (&mut self.instead, more.instead),
            (&mut self.compared, more.compared),
            (&mut self.rather, more.rather),
            (&mut self.prefers, more.prefers),
            (&mut self.away, more.away),
            (&mut self.counted, more.counted),
            (&mut self.articles, more.articles),
            (&mut self.joints, more.joints),
            (&mut self.hours, more.hours),
            (&mut self.half, more.half),
            (&mut self.both, more.both),
            (&mut self.each, more.each),
            (&mut self.until, more.until),
            (&mut self.no_bound, more.no_bound),
            (&mut self.all_of_them, more.all_of_them),
            (&mut self.same, more.same),
            (&mut self.and, more.and),
            (&mut self.at, more.at),
            (&mut self.abbreviated, more.abbreviated),
            (&mut self.week_of, more.week_of),
            (&mut self.elliptic, more.elliptic),
            (&mut self.no_numbers, more.no_numbers),
            (&mut self.no_kinds, more.no_kinds),
            (&mut self.neither, more.neither),
            (&mut self.bare_yes, more.bare_yes),
            (&mut self.bare_no, more.bare_no),
            (&mut self.several, more.several),
            (&mut self.slips, more.slips),
            (&mut self.past, more.past),
            (&mut self.not_each, more.not_each),
        ] {
            mine.extend(its);
        }
    }
}

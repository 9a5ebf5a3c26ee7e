//! The places in an answer to a date poll that name days: those found, without what only looks like one, and with the
//! days meant by "the others".

use super::Ask;
use super::label::Label;
use super::offered::{Finder, Mention};
use super::scan::Span;

impl Ask<'_> {
    /// The places that name days.
    pub(super) fn mentions(&self) -> Vec<Mention> {
        let finder = self.finder();
        let named = self.not_counts(self.not_courtesies(finder.hours_alone(finder.all())));
        let named = self.not_slips(self.not_twice(named));
        self.with_the_rest(self.parts_of_a_day(self.not_parts(named)))
    }

    fn finder(&self) -> Finder<'_> {
        Finder {
            words: &self.words.lexicon.offered,
            dates: &self.words.lexicon.dates,
            tokens: &self.reading.normal.tokens,
            choices: &self.context.choices,
            today: self.context.today,
        }
    }

    /// "Aucune des quatre": the number is part of "none" or "all", no place.
    fn not_counts(&self, mut mentions: Vec<Mention>) -> Vec<Mention> {
        let r = &self.reading;
        // "either 2 or 3": one of two places
        let listed = |s: &&Span| {
            let next = r.normal.tokens.get(s.tokens.end);
            next.is_some_and(|t| self.words.lexicon.offered.and.contains(&t.text))
        };
        let whole = r.all(Label::All).chain(r.all(Label::Nothing)).chain(r.all(Label::Rest));
        let whole: Vec<&Span> = whole.filter(|s| !listed(s)).collect();
        let inside = |m: &Mention| {
            let within = |s: &&Span| s.tokens.start < m.tokens.start && m.tokens.end <= s.tokens.end;
            whole.iter().copied().any(|s| within(&s))
        };
        let counts = |m: &Mention| m.tokens.len() == 1 && self.is_count(m.tokens.start);
        mentions.retain(|m| !inside(m) && !counts(m));
        mentions
    }

    /// "Aux 4 dates"
    pub(super) fn is_count(&self, at: usize) -> bool {
        let tokens = &self.reading.normal.tokens;
        let number = tokens.get(at).is_some_and(|t| t.text.parse::<u32>().is_ok());
        let next = tokens.get(at + 1).and_then(|t| t.text.strip_suffix('s'));
        number && next.is_some_and(|next| self.words.lexicon.offered.markers.iter().any(|k| k == next))
    }

    /// "The 6th is great, I have an evening class": beside days a bare part of the day is no date, but where one of
    /// several hours of a day is meant by it.
    fn not_parts(&self, mut mentions: Vec<Mention>) -> Vec<Mention> {
        let of_several = |m: &Mention| matches!(m.choices[..], [one] if self.finder().twice(one));
        let part = |m: &Mention| {
            let tokens = self.reading.normal.tokens.get(m.tokens.clone()).unwrap_or_default();
            tokens.len() == 1 && tokens.iter().all(|t| self.words.lexicon.offered.parts.contains_key(&t.text))
        };
        if mentions.iter().any(|m| !part(m)) {
            mentions.retain(|m| !part(m) || of_several(m));
        }
        mentions
    }

    /// "Bonne journée", "see you next week": a courtesy of several words names no part of the day and no week.
    fn not_courtesies(&self, mut mentions: Vec<Mention>) -> Vec<Mention> {
        let r = &self.reading;
        let inside = |s: &Span, m: &Mention| {
            s.tokens.len() > 1 && s.tokens.start <= m.tokens.start && m.tokens.end <= s.tokens.end
        };
        let said = |m: &Mention| r.all(Label::Closing).chain(r.all(Label::Greeting)).any(|s| inside(s, m));
        mentions.retain(|m| !((self.finder().is_part_of_day(m) || m.bound) && said(m)));
        mentions
    }

    /// "Mardi prochain, le 8": a word that fits several days, beside the one of them that is meant.
    fn not_twice(&self, mentions: Vec<Mention>) -> Vec<Mention> {
        let light = |i: usize| {
            let word = self.reading.normal.tokens.get(i).map_or("", |t| t.text.as_str());
            let offered = &self.words.lexicon.offered;
            word == "," || [&offered.articles, &offered.joints].iter().any(|list| list.iter().any(|w| w == word))
        };
        let meant = |wide: &Mention, one: &Mention| {
            let of_them = matches!(one.choices[..], [day] if wide.choices.contains(&day)) && !one.ambiguous;
            let (first, second) = if wide.tokens.start < one.tokens.start { (wide, one) } else { (one, wide) };
            wide.ambiguous && of_them && (first.tokens.end..second.tokens.start).all(light)
        };
        let beside = |i: usize| [i.checked_sub(1), Some(i + 1)].into_iter().flatten().filter_map(|k| mentions.get(k));
        let twice = |i: usize| beside(i).any(|one| meant(&mentions[i], one));
        (0..mentions.len()).filter(|i| !twice(*i)).map(|i| mentions[i].clone()).collect()
    }

    /// "The 17th, sorry, the 19th": of two days beside such a word the first was none.
    fn not_slips(&self, mut mentions: Vec<Mention>) -> Vec<Mention> {
        let (r, offered) = (&self.reading, &self.words.lexicon.offered);
        let tokens = &r.normal.tokens;
        let finder = self.finder();
        let slip = |at: usize| {
            let here = offered.slips.iter().filter(|words| finder.begins(words, at));
            here.map(|words| words.split(' ').count()).max()
        };
        let light = |at: usize| {
            let listed = [&offered.articles, &offered.joints, &offered.second_thoughts, &offered.bare_no];
            tokens[at].is_mark() || listed.iter().any(|list| list.contains(&tokens[at].text))
        };
        let taken_back = |two: &[Mention]| {
            let (mut at, mut found) = (two[0].tokens.end, false);
            while at < two[1].tokens.start {
                match slip(at) {
                    Some(count) => (at, found) = (at + count, true),
                    None if light(at) => at += 1,
                    None => return false,
                }
            }
            // "not the 17th, sorry, the 19th" refuses it
            let refused = |s: &Span| s.tokens.end <= two[0].tokens.start && two[0].tokens.start - s.tokens.end <= 2;
            let refusals = [Label::No, Label::Negation, Label::Nothing, Label::Except];
            found && !refusals.iter().any(|label| r.all(*label).any(refused))
        };
        let slips: Vec<bool> = mentions.windows(2).map(taken_back).chain([false]).collect();
        let mut slips = slips.into_iter();
        mentions.retain(|_| !slips.next().unwrap_or(false));
        mentions
    }

    /// "The 20th in the morning, not in the evening": a part of the day behind a day that has one is that day's.
    fn parts_of_a_day(&self, mut mentions: Vec<Mention>) -> Vec<Mention> {
        let date = |k: usize| self.context.choices.get(k).map(chrono::NaiveDateTime::date);
        for at in 1..mentions.len() {
            let [day] = mentions[at - 1].choices[..] else { continue };
            let near = mentions[at].tokens.start.saturating_sub(mentions[at - 1].tokens.end) <= 4;
            let same: Vec<usize> =
                mentions[at].choices.iter().copied().filter(|k| *k != day && date(*k) == date(day)).collect();
            if near && self.finder().is_part_of_day(&mentions[at]) && !same.is_empty() {
                mentions[at] = Mention::of(mentions[at].tokens.clone(), same);
            }
        }
        mentions
    }

    /// "Les autres": those not named, as one more place.
    fn with_the_rest(&self, mut mentions: Vec<Mention>) -> Vec<Mention> {
        let named: Vec<usize> = mentions.iter().flat_map(|m| m.choices.clone()).collect();
        let others: Vec<usize> = (0..self.context.choices.len()).filter(|k| !named.contains(k)).collect();
        let later = |s: &Span| {
            let clause = self.reading.clause(s);
            let around = clause.start.saturating_sub(1)..clause.end + 8;
            self.reading
                .all(Label::Empty)
                .chain(self.reading.all(Label::Maybe))
                .any(|e| around.contains(&e.tokens.start))
        };
        let rest = self.reading.all(Label::Rest).next().filter(|s| !later(s));
        if let Some(span) = rest.filter(|_| !named.is_empty() && !others.is_empty()) {
            mentions.push(Mention::rest(span.tokens.clone(), others));
            mentions.sort_by_key(|m| m.tokens.start);
        }
        mentions
    }
}

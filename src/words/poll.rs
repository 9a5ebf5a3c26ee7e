//! Which of the dates offered suit: each date named takes the word of its clause, "sauf" and "seulement" speak of the
//! others too.

use super::label::Label;
use super::offered::Mention;
use super::scan::Span;
use super::{Ask, Heard};
use crate::core::event::{Meaning, Suits};
use std::collections::BTreeMap;

/// Verdicts by choice, from 0.
type Verdicts = BTreeMap<usize, Suits>;

/// What stands in a clause, in order.
#[derive(Clone)]
enum Piece<'a> {
    Named(&'a Mention),
    Said(Label),
}

impl Ask<'_> {
    pub(super) fn date_poll(&self) -> Heard {
        let many = self.context.choices.len();
        let mentions = self.mentions();
        let asked = self.reading.normal.tokens.last().is_some_and(|t| t.text == "?")
            && !self.reading.normal.tokens.iter().any(|t| t.text == ".")
            && !self.reading.has(Label::Yes)
            && self.left_over(&mentions) > 1;
        if asked || many == 0 || self.postponed(&mentions) {
            return Heard::none();
        }
        let sure = !self.reading.asks()
            && self.left_over(&mentions) == 0
            && !self.reading.has(Label::Condition)
            && !self.crossed()
            && !self.intricate(&mentions);
        if mentions.iter().all(|m| m.choices.is_empty()) {
            let in_order = self.in_order(many).or_else(|| self.line_by_line(many));
            return in_order.unwrap_or_else(|| self.all_or_none(many));
        }
        let mut said = Verdicts::new();
        self.whole(many, &mentions, &mut said);
        self.by_clause(&mentions, &mut said);
        self.others(many, &mentions, &mut said);
        self.nothing_there(many, &mentions, &mut said);
        if said.is_empty() {
            return Heard::none();
        }
        if !clear_but_for_refusals(&said, &mentions) {
            return Heard::none();
        }
        let sure = sure && !self.set_against(&said, &mentions);
        let refused = said.len() == many && said.values().all(|v| *v == Suits::No);
        if refused {
            return Heard::sure_if(Meaning::NoneWorks, sure);
        }
        let choices = said.into_iter().filter_map(|(k, v)| Some((u32::try_from(k).ok()? + 1, v))).collect();
        Heard::sure_if(Meaning::Answers { choices }, sure)
    }

    /// A no that no day took, a day that fits several, days that are bounded, or a word that leaves things open: what was
    /// heard may be the contrary.
    fn set_against(&self, said: &Verdicts, mentions: &[Mention]) -> bool {
        let r = &self.reading;
        let refuses = r.has(Label::No) || r.has(Label::Negation) || r.has(Label::Nothing);
        let untaken = refuses && !said.values().any(|v| *v == Suits::No);
        untaken
            || mentions.iter().any(|m| m.bound || m.ambiguous)
            || r.has(Label::Empty)
            || r.all(Label::Nothing).count() > 1
    }

    /// "Toutes" or "aucune" beside dates, and no "sauf": the one may be said of the other.
    fn crossed(&self) -> bool {
        let r = &self.reading;
        (r.has(Label::All) || r.has(Label::Nothing)) && !r.has(Label::Except)
    }

    /// "Seulement le 6", "le 6 seulement": beside a date, not "I've only just …".
    fn only(&self, mentions: &[Mention]) -> bool {
        let r = &self.reading;
        let beside = |s: &Span, m: &Mention| {
            let far = if s.tokens.len() > 1 { 5 } else { 3 };
            let before = s.tokens.start <= m.tokens.start && m.tokens.start.saturating_sub(s.tokens.end) <= far;
            let behind = if s.tokens.len() > 2 { 4 } else { 1 };
            let after = m.tokens.end <= s.tokens.start && s.tokens.start - m.tokens.end <= behind;
            before || after
        };
        r.all(Label::Only).any(|s| !r.negated(s) && !r.asked(s) && mentions.iter().any(|m| beside(s, m)))
    }

    /// "Toutes", "aucune" that is not part of a date ("les deux premières", "both Fridays").
    fn whole_said(&self, label: Label, mentions: &[Mention]) -> bool {
        let r = &self.reading;
        let touches =
            |s: &Span| mentions.iter().any(|m| m.tokens.start <= s.tokens.end && s.tokens.start < m.tokens.end);
        let meant = |s: &Span| label == Label::Nothing || !(r.negated(s) || self.of_that_day(s, mentions));
        r.all(label).any(|s| !touches(s) && meant(s))
    }

    /// "Je te dis demain": nothing to record.
    fn postponed(&self, mentions: &[Mention]) -> bool {
        let outside =
            |s: &Span| !mentions.iter().any(|m| m.tokens.start < s.tokens.end && s.tokens.start < m.tokens.end);
        let said = [Label::Yes, Label::No, Label::IfNeeded].iter().any(|l| self.reading.has(*l));
        let rest = self.reading.has(Label::Rest) && !mentions.is_empty() && said;
        // "1. oui 2. non 3. je ne sais pas encore": of that day alone
        let others = mentions.len() > 2 && said && self.reading.all(Label::Empty).count() == 1;
        self.reading.all(Label::Empty).any(|s| !rest && !others && (outside(s) || mentions.len() <= 1))
    }

    /// Words that neither a phrase nor a date took up.
    fn left_over(&self, mentions: &[Mention]) -> usize {
        let r = &self.reading;
        let taken =
            |i: usize| mentions.iter().any(|m| m.tokens.contains(&i)) || r.spans.iter().any(|s| s.tokens.contains(&i));
        (0..r.normal.tokens.len()).filter(|i| !r.normal.tokens[*i].is_mark() && !taken(*i)).count()
    }

    /// "Oui non oui": as many words as choices, and nothing else. "Yes no", elsewhere a yes that was thought over, is two
    /// words where all count up to the choices.
    fn in_order(&self, many: usize) -> Option<Heard> {
        let (r, offered) = (&self.reading, &self.words.lexicon.offered);
        let word = |word: &String| match word {
            yes if offered.bare_yes.contains(yes) => Some(Suits::Yes),
            no if offered.bare_no.contains(no) => Some(Suits::No),
            _ => None,
        };
        let words = || r.normal.tokens.iter().filter(|t| !t.is_mark() || word(&t.text).is_some());
        let fits = |all: &Vec<Suits>| all.len() == many && all.windows(2).any(|two| two[0] != two[1]) && !r.asks();
        let written: Option<Vec<Suits>> = words().flat_map(|t| t.written()).map(word).collect();
        let thought_over = || words().map(|t| word(&t.text)).collect::<Option<Vec<_>>>().filter(fits);
        // two words may be one that was thought over: "no, ok"
        let (verdicts, sure) = match written.filter(fits) {
            Some(written) => (written, many > 2),
            None => (thought_over()?, false),
        };
        let choices = (1..).zip(verdicts).collect();
        Some(Heard::sure_if(Meaning::Answers { choices }, sure))
    }

    /// "Yes", "no", "yes if really necessary", a line each: as many lines as choices.
    fn line_by_line(&self, many: usize) -> Option<Heard> {
        let r = &self.reading;
        let lines = self.text.lines().filter(|line| !line.trim().is_empty()).count();
        let ends = r.breaks.iter().copied().chain([r.normal.tokens.len()]);
        let starts = std::iter::once(0).chain(r.breaks.iter().map(|b| b + 1));
        let clauses: Vec<_> = starts.zip(ends).filter(|(start, end)| start < end).collect();
        let verdict = |(start, end): (usize, usize)| {
            let pieces = self.pieces(&[], start..end);
            let said =
                |suits: Suits| pieces.iter().any(|p| matches!(p, Piece::Said(label) if self.verdict(*label) == suits));
            [Suits::IfNeeded, Suits::No, Suits::Yes].into_iter().find(|suits| said(*suits))
        };
        let told = many > 1 && lines == many && clauses.len() == many && !r.asks();
        let verdicts: Vec<Suits> = clauses.into_iter().filter(|_| told).map(verdict).collect::<Option<_>>()?;
        let differ = verdicts.windows(2).any(|two| two[0] != two[1]);
        differ.then(|| Heard::probable(Meaning::Answers { choices: (1..).zip(verdicts).collect() }))
    }

    /// No date is named: all of them, none of them, or nothing.
    fn all_or_none(&self, many: usize) -> Heard {
        let r = &self.reading;
        let plain = r.unknown() <= 3 && !r.asks() && !r.has(Label::Condition);
        let none = r.all(Label::Nothing).next().is_some();
        let every = r.says(Label::All);
        let refuses = r.has(Label::No) || r.all(Label::All).any(|s| r.negated(s));
        if r.has(Label::Except) && (none || every) || (none && every) || self.names_another_date() {
            return Heard::none();
        }
        if none {
            return Heard::sure_if(Meaning::NoneWorks, plain && r.unknown() == 0);
        }
        let yes = |verdict: Suits, sure: bool| {
            let choices = (1..=u32::try_from(many).unwrap_or(0)).map(|k| (k, verdict)).collect();
            Heard::sure_if(Meaning::Answers { choices }, sure)
        };
        let needed = r.has(Label::IfNeeded) || r.has(Label::Condition);
        match (every, refuses, r.says(Label::Yes)) {
            (true, false, _) if r.unknown() <= 6 => {
                yes(if needed { Suits::IfNeeded } else { Suits::Yes }, plain && !needed && r.unknown() == 0)
            }
            (_, true, false) if r.unknown() <= 4 => Heard::probable(Meaning::NoneWorks),
            (false, false, true) if r.unknown() <= 2 && !needed => yes(Suits::Yes, plain && many == 1),
            _ => Heard::none(),
        }
    }

    /// A number, month or weekday that is none of the choices: whoever wrote it did not mean all of them.
    fn names_another_date(&self) -> bool {
        let r = &self.reading;
        let dates = &self.words.lexicon.dates;
        let whole = |i: usize| {
            // "none of the 4" counts them; "not at all in May" names another month
            let counts = r.normal.tokens[i].text.starts_with(|c: char| c.is_ascii_digit());
            let month = dates.month(&r.normal.tokens[i].text);
            let offered = month.is_some_and(|m| self.context.choices.iter().any(|c| chrono::Datelike::month(c) == m));
            let about_all = |s: &&Span| s.label == Label::All || ((counts || offered) && s.label == Label::Nothing);
            r.spans.iter().filter(about_all).any(|s| s.tokens.contains(&i))
        };
        let dated = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_digit())
                || dates.month(text).is_some()
                || dates.weekday(text).is_some()
        };
        let tokens = &r.normal.tokens;
        let other = |i: usize| dated(&tokens[i].text) && !whole(i) && !self.is_count(i);
        (0..tokens.len()).any(|i| other(i) || self.words.lexicon.offered.was(tokens, i))
    }

    /// "Nothing before the 15th": of the days that are bounded; where no other day is named, the others are left.
    fn nothing_there(&self, many: usize, mentions: &[Mention], said: &mut Verdicts) {
        let nothing = self.reading.all(Label::Nothing).next().map(|s| s.tokens.end);
        let near = |m: &&Mention| m.bound && nothing.is_some_and(|n| (n..=n + 1).contains(&m.tokens.start));
        let Some(bounded) = mentions.iter().find(near) else { return };
        said.extend(bounded.choices.iter().map(|k| (*k, Suits::No)));
        if mentions.len() == 1 {
            let left = (0..many).filter(|k| !bounded.choices.contains(k));
            said.extend(left.map(|k| (k, Suits::Yes)));
        }
    }

    /// "Le 15 je suis libre": of the day its clause names, and not of all.
    fn of_that_day(&self, all: &Span, mentions: &[Mention]) -> bool {
        let r = &self.reading;
        let clause = r.clause(all);
        let own =
            r.normal.tokens.get(all.tokens.start).is_some_and(|t| self.words.lexicon.persons.own.contains(&t.text));
        let day = mentions.iter().any(|m| m.tokens.end <= all.tokens.start && clause.contains(&m.tokens.start));
        all.label == Label::All && own && day && !r.has(Label::Except)
    }

    /// "Toutes" beside dates speaks of those not named.
    fn whole(&self, many: usize, mentions: &[Mention], said: &mut Verdicts) {
        let named: usize = mentions.iter().map(|m| m.choices.len()).sum();
        // "the 10th and the 18th both suit": of those named
        let both = |s: &Span| {
            self.reading
                .normal
                .tokens
                .get(s.tokens.clone())
                .is_some_and(|t| t.iter().any(|t| self.counts(&t.text, named)))
        };
        if self.reading.all(Label::All).all(both) && self.reading.has(Label::All) {
            return;
        }
        if self.whole_said(Label::All, mentions) && !self.of_those_named(mentions) {
            said.extend((0..many).map(|k| (k, Suits::Yes)));
        } else if self.whole_said(Label::Nothing, mentions) {
            said.extend((0..many).map(|k| (k, Suits::No)));
        }
    }

    /// A reserve, the others, or a negation beside several days: it may have been meant of another one.
    fn intricate(&self, mentions: &[Mention]) -> bool {
        let r = &self.reading;
        let negation = r.has(Label::Negation) || r.has(Label::Nothing);
        let weighed = r.has(Label::IfNeeded) || r.has(Label::Rest) || r.has(Label::Prefer);
        mentions.len() > 1 && (weighed || (negation && r.has(Label::Yes)))
    }

    /// "6 ou 10, comme vous voulez", "either of the last two": all of those named, where nothing is set against them.
    fn of_those_named(&self, mentions: &[Mention]) -> bool {
        let r = &self.reading;
        let against = r.has(Label::Except) || r.has(Label::But) || r.has(Label::IfNeeded) || r.has(Label::Rest);
        let refused = r.has(Label::No) || r.has(Label::Negation);
        let first = mentions.iter().map(|m| m.tokens.start).min().unwrap_or(0);
        let of_them = |s: &Span| {
            let after = s.tokens.start > first;
            let right_before =
                mentions.iter().any(|m| s.tokens.end <= m.tokens.start && m.tokens.start - s.tokens.end <= 2);
            (after && !against && !refused) || right_before
        };
        r.all(Label::All).all(of_them)
    }

    /// A word for so many: "2", "both".
    fn counts(&self, word: &str, named: usize) -> bool {
        word.parse() == Ok(named) || (named == 2 && self.words.lexicon.offered.both.iter().any(|b| b == word))
    }

    fn by_clause(&self, mentions: &[Mention], said: &mut Verdicts) {
        let r = &self.reading;
        let (mut carried, mut last_said): (Option<Suits>, Option<Suits>) = (None, None);
        let mut start = 0;
        let inside = |i: usize| mentions.iter().any(|m| m.tokens.contains(&i));
        let breaks = r.breaks.iter().copied().filter(|b| !inside(*b));
        let otherwise = |i: usize| r.all(Label::Otherwise).any(|s| s.tokens.contains(&i));
        let seconds = r.all(Label::Otherwise).flat_map(|s| s.tokens.clone());
        let mut ends: Vec<usize> = breaks.chain(seconds).chain([r.normal.tokens.len()]).collect();
        ends.sort_unstable();
        ends.dedup();
        let ends = self.without_lists(mentions, ends);
        for (i, end) in ends.iter().copied().enumerate() {
            let pieces = self.pieces(mentions, start..end);
            // "1 : oui": the word comes after the mark
            let reason = self.tells_a_reason(mentions, start..end);
            let alone = !pieces.is_empty() && pieces.iter().all(|p| matches!(p, Piece::Named(_)));
            let next = ends.get(i + 1).map_or_else(Vec::new, |next| self.pieces(mentions, end + 1..*next));
            let answered = !next.is_empty() && next.iter().all(|p| matches!(p, Piece::Said(_)));
            if alone && answered {
                continue;
            }
            let soft = r.normal.tokens.get(end).is_some_and(|t| t.text == ",");
            let turned = r.all(Label::But).any(|s| s.tokens.end == start);
            if turned && pieces.iter().all(|p| matches!(p, Piece::Said(Label::IfNeeded))) && !pieces.is_empty() {
                // "jouable mais pas top"
                let before = mentions.iter().rev().find(|m| m.tokens.end <= start);
                said.extend(before.into_iter().flat_map(|m| &m.choices).map(|k| (*k, Suits::IfNeeded)));
            }
            let pieces = if reason { [pieces, vec![Piece::Said(Label::No)]].concat() } else { pieces };
            let same = last_said.filter(|_| self.says_the_same(&pieces, start..end));
            let pieces = if same.is_some() {
                pieces.into_iter().filter(|p| matches!(p, Piece::Named(_))).collect()
            } else {
                pieces
            };
            let last = self.clause_verdicts(&pieces, same.or(carried), said);
            self.same_behind(mentions, start..end, said);
            let named = pieces.iter().rev().find_map(|p| if let Piece::Named(m) = p { m.choices.last() } else { None });
            last_said = named.and_then(|k| said.get(k)).copied().or(last_said);
            carried = if soft { last } else { None };
            if otherwise(end) && r.has(Label::Prefer) {
                carried = Some(Suits::IfNeeded);
            }
            start = end + 1;
        }
    }

    /// "Not the 10th, 12th or 18th", "the 10th, 12th and 18th don't work": a comma between days ends no clause where only
    /// one of those it parts holds a word.
    fn without_lists(&self, mentions: &[Mention], ends: Vec<usize>) -> Vec<usize> {
        let named = |piece: Option<&Piece<'_>>| matches!(piece, Some(Piece::Named(m)) if !m.rest);
        let soft = |end: usize| self.reading.normal.tokens.get(end).is_some_and(|t| t.text == ",");
        let words = |pieces: &[Piece<'_>]| pieces.iter().any(|p| matches!(p, Piece::Said(_)));
        let begins = std::iter::once(0).chain(ends.iter().map(|end| end + 1));
        let clauses: Vec<Vec<Piece<'_>>> =
            begins.zip(&ends).map(|(start, end)| self.pieces(mentions, start..*end)).collect();
        let listed = |i: usize| {
            let (before, after) = (clauses.get(i), clauses.get(i + 1));
            let parts = before.zip(after).filter(|(b, a)| named(b.last()) && named(a.first()));
            soft(ends[i]) && parts.is_some()
        };
        let mut kept = vec![true; ends.len()];
        let mut i = 0;
        while i < ends.len() {
            let run = (i..ends.len()).take_while(|k| listed(*k)).count();
            let worded = clauses[i..=i + run].iter().filter(|pieces| words(pieces)).count();
            // "not the 10th, 12th or 18th, the 20th is fine": those between are the first's
            let own = worded == 2 && run > 0 && words(&clauses[i]) && words(&clauses[i + run]);
            if worded <= 1 || own {
                kept[i..i + run - usize::from(own)].fill(false);
            }
            i += run + 1;
        }
        ends.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(end, _)| end).collect()
    }

    /// "Le 13 aussi": of this day what was said of the one before.
    fn says_the_same(&self, pieces: &[Piece<'_>], clause: std::ops::Range<usize>) -> bool {
        let plain = pieces.iter().all(|p| matches!(p, Piece::Named(_) | Piece::Said(Label::Ok)));
        let named = pieces.iter().any(|p| matches!(p, Piece::Named(_)));
        let same = |t: &super::normal::Token| self.words.lexicon.offered.same.contains(&t.text);
        // "and so is the 10th": the words that end the clause before lead to it
        let led = self.reading.all(Label::Otherwise).find(|s| s.tokens.end == clause.start);
        let from = led.map_or(clause.start, |s| s.tokens.start);
        named && plain && self.reading.normal.tokens.get(from..clause.end).is_some_and(|t| t.iter().any(same))
    }

    /// "Le 6 on enterre mon oncle": beside the date no word of yes or no, but what else is on that day.
    fn tells_a_reason(&self, mentions: &[Mention], clause: std::ops::Range<usize>) -> bool {
        let r = &self.reading;
        let inside = |t: &std::ops::Range<usize>| t.start >= clause.start && t.end <= clause.end;
        let dated = mentions.iter().any(|m| inside(&m.tokens) && !m.rest);
        let courtesy = [Label::Filler, Label::Greeting, Label::Closing, Label::Half];
        let worded = r.spans.iter().any(|s| inside(&s.tokens) && !courtesy.contains(&s.label));
        let free = |i: &usize| {
            !r.normal.tokens[*i].is_mark()
                && !mentions.iter().any(|m| m.tokens.contains(i))
                && !r.spans.iter().any(|s| s.tokens.contains(i))
        };
        dated && !worded && clause.clone().filter(free).count() >= 3
    }

    /// "Le 8 je peux pas et le 10 pareil": the last day of a clause takes over what was said of the one before.
    fn same_behind(&self, mentions: &[Mention], clause: std::ops::Range<usize>, said: &mut Verdicts) {
        let r = &self.reading;
        let here: Vec<&Mention> =
            mentions.iter().filter(|m| m.tokens.start >= clause.start && m.tokens.end <= clause.end).collect();
        let [.., before, last] = here[..] else { return };
        let same = |t: &super::normal::Token| self.words.lexicon.offered.same.contains(&t.text);
        let behind = r.normal.tokens.get(last.tokens.end..clause.end).unwrap_or_default();
        let worded = r.spans.iter().any(|s| {
            s.tokens.start >= last.tokens.end
                && s.tokens.end <= clause.end
                && matches!(s.label, Label::Yes | Label::No | Label::IfNeeded | Label::Negation)
        });
        let verdict = before.choices.last().and_then(|k| said.get(k)).copied();
        if let Some(verdict) = verdict.filter(|_| behind.iter().any(same) && !worded) {
            said.extend(last.choices.iter().map(|k| (*k, verdict)));
        }
    }

    /// "The 9th isn't, the 16th is": a word for yes that ends its clause, right behind a day.
    fn elliptic(&self, mentions: &[Mention], clause: &std::ops::Range<usize>) -> Option<usize> {
        let last = clause.clone().next_back()?;
        let word = self.reading.normal.tokens.get(last).map(|t| &t.text)?;
        let behind = mentions.iter().any(|m| m.tokens.end == last);
        (behind && self.words.lexicon.offered.elliptic.contains(word)).then_some(last)
    }

    fn pieces<'m>(&self, mentions: &'m [Mention], clause: std::ops::Range<usize>) -> Vec<Piece<'m>> {
        let words = [
            Label::Yes,
            Label::No,
            Label::Ok,
            Label::IfNeeded,
            Label::Only,
            Label::Except,
            Label::Prefer,
            Label::Negation,
            Label::Condition,
        ];
        // "not before the 15th" names days
        let part = |s: &Span| mentions.iter().any(|m| m.tokens.start <= s.tokens.start && s.tokens.end <= m.tokens.end);
        let spans = self.reading.spans.iter().filter(|s| words.contains(&s.label) && !part(s));
        let mut all: Vec<(usize, Piece<'m>)> = spans.map(|s| (s.tokens.start, Piece::Said(s.label))).collect();
        let free = self.reading.all(Label::All).filter(|s| self.of_that_day(s, mentions));
        all.extend(free.map(|s| (s.tokens.start, Piece::Said(Label::Yes))));
        all.extend(mentions.iter().map(|m| (m.tokens.start, Piece::Named(m))));
        // "neither Tuesday"
        let not_each = |m: &&Mention| {
            let first = self.reading.normal.tokens.get(m.tokens.start).map(|t| &t.text);
            m.tokens.len() > 1 && first.is_some_and(|word| self.words.lexicon.offered.not_each.contains(word))
        };
        let refused = mentions.iter().filter(not_each);
        all.extend(refused.map(|m| (m.tokens.start, Piece::Said(Label::No))));
        all.extend(self.elliptic(mentions, &clause).map(|at| (at, Piece::Said(Label::Yes))));
        all.retain(|(at, _)| clause.contains(at));
        all.sort_by_key(|(at, piece)| (*at, matches!(piece, Piece::Named(_))));
        let mut pieces: Vec<Piece<'m>> = all.into_iter().map(|(_, piece)| piece).collect();
        // "jamais dispo": a negation takes the word right after it along
        for i in 1..pieces.len() {
            let negated = matches!(pieces[i - 1], Piece::Said(Label::Negation));
            if negated && matches!(pieces[i], Piece::Said(Label::Yes | Label::Ok)) {
                pieces[i] = Piece::Said(Label::No);
            }
        }
        // "freitags kann ich nie": at the end it turns the word before
        if let [.., word @ Piece::Said(Label::Yes | Label::Ok), Piece::Said(Label::Negation)] = &mut pieces[..] {
            *word = Piece::Said(Label::No);
        }
        pieces
    }

    /// What a word says of a date. "Possible" is less than what is preferred.
    fn verdict(&self, label: Label) -> Suits {
        match label {
            Label::No | Label::Negation | Label::Except if !self.turned() => Suits::No,
            Label::Except => Suits::Yes,
            Label::No | Label::Negation => Suits::No,
            Label::IfNeeded | Label::Condition | Label::Maybe => Suits::IfNeeded,
            Label::Ok if self.reading.has(Label::Prefer) => Suits::IfNeeded,
            _ => Suits::Yes,
        }
    }

    /// "Aucune sauf le 13": the exception is a yes.
    fn turned(&self) -> bool {
        self.reading.has(Label::Nothing) && self.reading.has(Label::Except)
    }

    /// Words before dates speak of those after them; where a date comes first, words speak of those before them.
    /// Gives the word that a comma carries on.
    fn clause_verdicts(&self, pieces: &[Piece<'_>], carried: Option<Suits>, said: &mut Verdicts) -> Option<Suits> {
        let carried = carried.filter(|_| !pieces.iter().any(|p| matches!(p, Piece::Named(m) if m.rest)));
        let leads = matches!(pieces.first(), Some(Piece::Said(_)));
        let mut word = carried.filter(|_| !pieces.iter().any(|p| matches!(p, Piece::Said(_))));
        let mut waiting: Vec<usize> = Vec::new();
        let mut near: Vec<usize> = Vec::new();
        for (i, piece) in pieces.iter().enumerate() {
            if let Piece::Said(Label::IfNeeded | Label::Condition) = piece
                && i + 1 == pieces.len()
            {
                // "could do the 6th at a push", "Tuesday could work in a pinch"
                said.extend(near.drain(..).map(|k| (k, Suits::IfNeeded)));
            }
            match piece {
                Piece::Named(mention) => near.extend(&mention.choices),
                Piece::Said(_) => near.clear(),
            }
            match piece {
                Piece::Named(mention) if leads => {
                    let verdict = word.unwrap_or(Suits::Yes);
                    said.extend(mention.choices.iter().map(|k| (*k, verdict)));
                }
                Piece::Named(mention) => waiting.extend(&mention.choices),
                Piece::Said(label) if leads => word = Some(self.stronger(word, *label)),
                Piece::Said(label) if waiting.is_empty() => word = Some(self.stronger(word, *label)),
                Piece::Said(label) => {
                    let verdict = self.verdict(*label);
                    said.extend(waiting.iter().map(|k| (*k, verdict)));
                    near.append(&mut waiting);
                    word = Some(verdict);
                }
            }
        }
        let rest = if leads { Suits::Yes } else { carried.filter(|_| word.is_none()).or(word).unwrap_or(Suits::Yes) };
        let rest = if word.is_some() && !leads && carried.is_none() { Suits::Yes } else { rest };
        said.extend(waiting.drain(..).map(|k| (k, rest)));
        if leads { word } else { None }
    }

    /// Of two words before a date the refusal holds, then the reserve: "oui mais pas le 6", "possible si besoin".
    fn stronger(&self, before: Option<Suits>, label: Label) -> Suits {
        match self.verdict(label) {
            Suits::Yes if label == Label::Ok => before.unwrap_or(Suits::Yes),
            other => other,
        }
    }

    /// "Seulement le 6", "tout sauf le 6": what is said of the others.
    fn others(&self, many: usize, mentions: &[Mention], said: &mut Verdicts) {
        let r = &self.reading;
        let named: Vec<usize> = mentions.iter().flat_map(|m| m.choices.clone()).collect();
        let mut rest = |verdict: Suits| {
            for k in (0..many).filter(|k| !named.contains(k)) {
                said.entry(k).or_insert(verdict);
            }
        };
        if self.only(mentions) {
            rest(Suits::No);
        } else if r.has(Label::Except) {
            rest(if self.turned() { Suits::No } else { Suits::Yes });
        }
    }
}

/// "Wednesday no, Friday yes": of a day that fits several choices a no is meant of all of them; anything else might be
/// meant of one.
fn clear_but_for_refusals(said: &Verdicts, mentions: &[Mention]) -> bool {
    let clear = |k: &usize| mentions.iter().any(|m| !m.ambiguous && m.choices.contains(k));
    let refused = |k: &usize| clear(k) || said.get(k) == Some(&Suits::No);
    mentions.iter().filter(|m| m.ambiguous).all(|m| !m.choices.is_empty() && m.choices.iter().all(refused))
}

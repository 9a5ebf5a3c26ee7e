//! One of a list: by number, by place, by its words; and the questions answered by one word out of a few.

use super::choices::FEW;
use super::label::Label;
use super::{Ask, Heard, normal};
use crate::core::event::Meaning;
use std::ops::{Range, RangeBounds};

/// By what an option is named; by a word of three letters it is never sure.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Number,
    Words,
    ShortWord,
}

impl Ask<'_> {
    /// A choice among the options.
    pub(super) fn option(&self) -> Heard {
        let r = &self.reading;
        let many = self.context.options.len();
        let plain = !r.asks() && !r.has(Label::Condition) && !self.may_refuse();
        let torn = r.has(Label::Empty) || r.has(Label::Maybe);
        if torn && self.after_wavering().is_none() {
            return Heard::none();
        }
        let (mut named, mut by) = self.named(0..r.normal.tokens.len());
        // "I was leaning towards the first, but the last one": what comes after it
        if let Some(taken) = self.after_wavering() {
            let (after, by_what) = self.named(taken);
            if let [(_, false)] = after[..] {
                (named, by) = (after, by_what);
            }
        }
        let rethought = self.after_second_thought().map(|after| self.named(after));
        let changed = match rethought {
            Some((after, what)) if matches!(after[..], [(_, false)]) => {
                (named, by) = (after, what);
                true
            }
            _ => self.too(&mut named),
        };
        let refused: Vec<usize> = named.iter().filter(|(_, no)| *no).map(|(k, _)| *k).collect();
        let mut wanted: Vec<usize> = named.iter().filter(|(_, no)| !*no).map(|(k, _)| *k).collect();
        wanted.dedup();
        // "not the first, not the last": the one that is left
        if wanted.is_empty() && !refused.is_empty() && refused.len() + 1 == many {
            wanted = (0..many).filter(|k| !refused.contains(k)).collect();
        }
        let most = if by == By::Words { FEW + 1 } else { FEW };
        match wanted[..] {
            [one] => {
                let n = u32::try_from(one).unwrap_or(0) + 1;
                Heard::sure_if(
                    Meaning::Choice { n },
                    plain && !changed && refused.is_empty() && by != By::ShortWord && r.unknown() <= most,
                )
            }
            [] if r.says(Label::All) && !r.has(Label::Except) => {
                // "all", "tous" alone may speak of anything
                let long = r.all(Label::All).any(|s| s.tokens.len() > 1);
                let meant = r.unknown() == 0 || long;
                let heard = Heard::sure_if(Meaning::NoPreference, plain && long && r.unknown() <= FEW);
                if meant { heard } else { Heard::none() }
            }
            _ => Heard::none(),
        }
    }

    /// The options named in a stretch, whether they are refused, and by what they are named.
    fn named(&self, within: Range<usize>) -> (Vec<(usize, bool)>, By) {
        let numbered = self.by_number(within.clone());
        if !numbered.is_empty() {
            return (numbered, By::Number);
        }
        let worded = self.by_words(within.clone(), 4..);
        if worded.is_empty() { (self.by_words(within, 3..4), By::ShortWord) } else { (worded, By::Words) }
    }

    /// Where the text goes on after a thought that was given up.
    fn after_wavering(&self) -> Option<Range<usize>> {
        let r = &self.reading;
        let words = format!(" {} ", r.normal.tokens.iter().map(|t| t.text.as_str()).collect::<Vec<_>>().join(" "));
        let wavers = self.words.lexicon.offered.wavers.iter().any(|w| words.contains(&format!(" {w} ")));
        let but = r.all(Label::But).last().filter(|_| wavers)?;
        Some(but.tokens.end..r.normal.tokens.len())
    }

    /// "2, pardon, 3", "1 or rather 2", "1, non, 2": where the text goes on behind the last thought that takes another.
    fn after_second_thought(&self) -> Option<Range<usize>> {
        let (r, words) = (&self.reading, &self.words.lexicon.offered);
        let tokens = &r.normal.tokens;
        let taken = |i: usize| r.all(Label::Except).any(|s| s.tokens.contains(&i));
        let thought = |i: &usize| {
            let text = &tokens[*i].text;
            !taken(*i) && (words.second_thoughts.contains(text) || words.rethinks.contains(text))
        };
        let last = (1..tokens.len()).rev().find(thought)?;
        (!self.named(0..last).0.is_empty()).then_some(last + 1..tokens.len())
    }

    /// "2, but 1 is fine too": the first of two is the one that is wanted.
    fn too(&self, named: &mut Vec<(usize, bool)>) -> bool {
        let (r, words) = (&self.reading, &self.words.lexicon.offered);
        let Some(but) = r.all(Label::But).next().map(|s| s.tokens.clone()) else { return false };
        let (before, after) = (self.named(0..but.start).0, self.named(but.end..r.normal.tokens.len()).0);
        let same = r.normal.tokens[but.end..].iter().any(|t| words.same.contains(&t.text));
        let two = matches!((&before[..], &after[..]), ([(a, false)], [(b, false)]) if a != b);
        if two && same {
            *named = before;
        }
        two && same
    }

    /// Numbers and ordinals that name an option, and whether they are refused.
    fn by_number(&self, within: Range<usize>) -> Vec<(usize, bool)> {
        let many = self.context.options.len();
        let r = &self.reading;
        let words = &self.words.lexicon.offered;
        let mut found = Vec::new();
        let from = within.start;
        for i in within {
            let token = &r.normal.tokens[i];
            let digits = token.text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim_start_matches('#');
            let suffix = &token.text[token.text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len()..];
            let number =
                digits.parse::<i64>().ok().filter(|_| suffix.is_empty() || words.suffixes.iter().any(|s| s == suffix));
            let counts = r.normal.tokens.get(i + 1).is_some_and(|next| words.counted.contains(&next.text));
            let n = number.filter(|_| !counts).or_else(|| words.ordinals.get(&token.text).copied());
            let index = match n {
                None if many % 2 == 1 && words.middle.contains(&token.text) => Some(many / 2),
                Some(-1) => many.checked_sub(1),
                Some(n) => usize::try_from(n - 1).ok().filter(|k| *k < many),
                None => None,
            };
            let inside = |s: &super::scan::Span| matches!(s.label, Label::All | Label::Ignore) && s.tokens.contains(&i);
            if let Some(k) = index.filter(|_| !r.spans.iter().any(inside)) {
                found.push((k, self.refused_at(i, from)));
            }
        }
        found
    }

    /// The options whose own words, of such a length, the text uses.
    fn by_words(&self, within: Range<usize>, length: impl RangeBounds<usize>) -> Vec<(usize, bool)> {
        let r = &self.reading;
        let query = &self.words.lexicon.persons.query;
        // of three letters only what no phrase has taken up: "pub", not "the"
        let taken = |i: usize| r.spans.iter().any(|s| s.tokens.contains(&i));
        let telling = |i: &usize| {
            let word = &r.normal.tokens[*i].text;
            length.contains(&word.len()) && (word.len() > 3 || !(taken(*i) || query.contains(word)))
        };
        let words = |o: &String| normal::folded(o).split(' ').filter(|w| w.len() > 2).map(str::to_owned).collect();
        let options: Vec<Vec<String>> = self.context.options.iter().map(words).collect();
        let own = |k: usize, word: &str| {
            options[k].iter().any(|w| alike(w, word))
                && !(0..options.len()).any(|o| o != k && options[o].iter().any(|w| alike(w, word)))
        };
        let hit = |k: usize| within.clone().filter(telling).find(|i| own(k, &r.normal.tokens[*i].text));
        (0..options.len()).filter_map(|k| hit(k).map(|at| (k, self.refused_at(at, within.start)))).collect()
    }

    /// A number right behind "number", "no": that word and it begin their clause.
    fn is_behind_marker(&self, token: usize) -> bool {
        let r = &self.reading;
        let digit = r.normal.tokens[token].text.starts_with(|c: char| c.is_ascii_digit());
        let marker = |i: usize| self.words.lexicon.offered.markers.contains(&r.normal.tokens[i].text);
        digit && token > 0 && marker(token - 1) && (token == 1 || r.breaks.contains(&(token - 2)))
    }

    /// "No 3" may refuse the third as well as name it: never sure.
    fn may_refuse(&self) -> bool {
        let r = &self.reading;
        let no =
            |i: usize| r.spans.iter().any(|s| matches!(s.label, Label::Negation | Label::No) && s.tokens.contains(&i));
        (1..r.normal.tokens.len()).any(|i| self.is_behind_marker(i) && no(i - 1))
    }

    /// A negation up to four words before, in the same clause; "no 3" is number three.
    fn refused_at(&self, token: usize, from: usize) -> bool {
        let r = &self.reading;
        if self.is_behind_marker(token) {
            return false;
        }
        let start =
            r.breaks.iter().rev().find(|b| **b < token).map_or(0, |b| b + 1).max(token.saturating_sub(4)).max(from);
        let no = [Label::Negation, Label::No, Label::Except];
        r.spans.iter().any(|s| no.contains(&s.label) && s.tokens.start >= start && s.tokens.start < token)
    }

    /// Was it you? Did I read you right?
    pub(super) fn confirm(&self) -> Heard {
        let heard = self.volunteer();
        if matches!(heard.meaning, Meaning::Yes | Meaning::No) { heard } else { Heard::none() }
    }

    /// The group's charter.
    pub(super) fn charter(&self) -> Heard {
        let r = &self.reading;
        if r.asks() {
            return Heard::sure_if(Meaning::Asked, !r.says(Label::Agree));
        }
        if r.has(Label::Edit) {
            return Heard::probable(Meaning::Asked);
        }
        if r.has(Label::Maybe) || r.has(Label::Empty) {
            return Heard::none();
        }
        let agrees = r.says(Label::Agree) || r.says(Label::Yes) || r.says(Label::Ok);
        let refuses = r.has(Label::Refuse) || r.all(Label::Agree).any(|s| r.negated(s)) || r.says(Label::No);
        match (agrees, refuses) {
            (true, false) if r.has(Label::Condition) || r.has(Label::But) => Heard::probable(Meaning::Asked),
            (true, false) => Heard::sure_if(Meaning::Agree, r.unknown() <= FEW),
            (false, true) => Heard::sure_if(Meaning::Refuse, r.unknown() <= FEW),
            _ => Heard::none(),
        }
    }

    /// What becomes of a session with too few people.
    pub(super) fn quorum(&self) -> Heard {
        let r = &self.reading;
        // "if Paul can't come we cancel": not yet
        if r.has(Label::Maybe) || r.has(Label::Empty) || r.has(Label::Condition) {
            return Heard::none();
        }
        let choices = [
            (Label::Keep, Meaning::Keep),
            (Label::Move, Meaning::Move),
            (Label::Short, Meaning::Short),
            (Label::Cancel, Meaning::Cancel),
        ];
        let mut said: Vec<_> = choices.into_iter().filter(|(label, _)| r.first(*label).is_some()).collect();
        if said.is_empty() && r.all(Label::Cancel).any(|s| r.negated(s) && !r.asked(s)) {
            return Heard::probable(Meaning::Keep);
        }
        match (said.pop(), said.len()) {
            (Some((_, meaning)), 0) => Heard::sure_if(
                meaning,
                !r.asks() && !r.has(Label::Condition) && !r.has(Label::But) && r.unknown() <= FEW,
            ),
            // "on maintient en version courte"
            (Some((Label::Short, meaning)), 1) if said[0].0 == Label::Keep => {
                Heard::sure_if(meaning, !r.asks() && r.unknown() <= FEW)
            }
            _ => Heard::none(),
        }
    }
}

/// Equal, or alike in all but the ending: "déléguer", "délégation".
fn alike(a: &str, b: &str) -> bool {
    let (shorter, longer) = (a.chars().count().min(b.chars().count()), a.chars().count().max(b.chars().count()));
    let same = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).count();
    let ending = if shorter >= 8 { 3 } else { 2 };
    a == b || (same >= shorter.saturating_sub(ending).max(4) && longer - shorter <= if same >= 5 { 4 } else { 2 })
}

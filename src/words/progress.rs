//! How actions are going: one word for all, or a word for each number.

use super::choices::FEW;
use super::label::Label;
use super::lexicon::TableName;
use super::scan::Reading;
use super::{Ask, Heard};
use crate::core::event::Meaning;
use crate::core::meeting::Progress;
use std::ops::Range;

const STATES: [(Label, Progress); 4] = [
    (Label::Stuck, Progress::Stuck),
    (Label::Dropped, Progress::Dropped),
    (Label::Started, Progress::Started),
    (Label::Done, Progress::Done),
];

/// The one state a stretch of text speaks of; more than one is none.
fn state(r: &Reading<'_>, tokens: &Range<usize>) -> Option<Progress> {
    let inside = |s: &super::scan::Span| s.tokens.start >= tokens.start && s.tokens.end <= tokens.end;
    let said = |label: Label| r.all(label).any(|s| inside(s) && !r.negated(s) && !r.asked(s));
    // What holds a person up says more than "not yet".
    if said(Label::Stuck) {
        return Some(Progress::Stuck);
    }
    if r.all(Label::NotYet).any(inside) {
        return None;
    }
    let states: Vec<_> = STATES.iter().filter(|(l, _)| said(*l)).collect();
    match states[..] {
        [(_, one)] => Some(*one),
        _ => None,
    }
}

impl Ask<'_> {
    pub(super) fn progress(&self) -> Heard {
        let parts = self.numbered();
        if !parts.is_empty() {
            return self.each(&parts);
        }
        if self.context.actions > 1 {
            let parts = self.placed();
            if !parts.is_empty() {
                return self.each(&parts);
            }
        }
        let r = &self.reading;
        let Some(state) = state(r, &(0..r.normal.tokens.len())) else { return Heard::none() };
        let several = self.context.actions > 1 && !r.has(Label::Everything);
        let actions = vec![Some(state); self.context.actions.max(1)];
        let hedged = r.asks() || r.has(Label::Condition) || (r.has(Label::But) && state != Progress::Stuck);
        let unknown = if several { 1 } else { FEW };
        // "abandoned, she doesn't want it": two states
        let one = STATES.iter().filter(|(l, _)| r.all(*l).any(|s| !r.negated(s) && !r.asked(s))).count() == 1;
        Heard::sure_if(Meaning::Progress { actions }, one && !hedged && r.unknown() <= unknown)
    }

    /// "1 fait, 2 en cours": each number that names an action, and the tokens that speak of it.
    fn numbered(&self) -> Vec<(usize, Range<usize>)> {
        let tokens = &self.reading.normal.tokens;
        let most = self.context.actions.max(1);
        let starts_item = |i: usize| {
            let number = tokens.get(i).and_then(|t| t.text.parse::<usize>().ok());
            let counted = tokens.get(i + 1).is_some_and(|t| t.text == "/" || t.text == "%");
            let inside = self.reading.spans.iter().any(|s| s.tokens.contains(&i));
            number.filter(|n| (1..=most).contains(n) && !counted && !inside)
        };
        let items: Vec<_> = (0..tokens.len()).filter_map(|i| starts_item(i).map(|n| (n, i))).collect();
        let ends = items.iter().skip(1).map(|(_, i)| *i).chain([tokens.len()]);
        let mut parts: Vec<_> = items.iter().zip(ends).map(|((n, i), end)| (n - 1, i + 1..end)).collect();
        // "1 et 2 faits": a number without words of its own shares those of the next.
        for i in (0..parts.len().saturating_sub(1)).rev() {
            let own = parts[i].1.clone();
            let bare = tokens.get(own).is_none_or(|t| t.iter().all(|t| t.is_mark() || t.text.len() <= 3));
            if bare {
                parts[i].1 = parts[i + 1].1.clone();
            }
        }
        parts
    }

    /// "The first is done, not the second": clauses that name an action by its place, with those that follow and name none.
    fn placed(&self) -> Vec<(usize, Range<usize>)> {
        let (r, offered) = (&self.reading, &self.words.lexicon.offered);
        let tokens = &r.normal.tokens;
        let inside = |i: usize| r.spans.iter().any(|s| s.tokens.len() > 1 && s.tokens.contains(&i));
        let joins = |i: usize| tokens[i].text.len() > 1 && offered.and.contains(&tokens[i].text) && !inside(i);
        let ends = (0..tokens.len()).filter(|i| r.breaks.contains(i) || joins(*i)).chain([tokens.len()]);
        let (mut parts, mut start): (Vec<(usize, Range<usize>)>, usize) = (Vec::new(), 0);
        for end in ends {
            let clause = start..end;
            start = end + 1;
            let named: Vec<usize> = clause.clone().filter_map(|i| self.place(i, &clause, &parts)).collect();
            match (&named[..], parts.last_mut()) {
                ([], Some((_, last))) => last.end = clause.end,
                ([], None) => {}
                ([one], _) => parts.push((*one, clause)),
                _ => return Vec::new(),
            }
        }
        // "the first and the second are done": those of the next
        for i in (0..parts.len().saturating_sub(1)).rev() {
            if r.unknown_in(&parts[i].1) + 1 >= parts[i].1.len() && self.state_of(&parts[i].1).is_none() {
                parts[i].1 = parts[i + 1].1.clone();
            }
        }
        parts
    }

    /// The action that a word names by its place: with an article, or where its clause begins.
    fn place(&self, i: usize, clause: &Range<usize>, before: &[(usize, Range<usize>)]) -> Option<usize> {
        let (r, offered) = (&self.reading, &self.words.lexicon.offered);
        let text = |i: usize| r.normal.tokens.get(i).map_or("", |t| t.text.as_str());
        let led = i == clause.start || i.checked_sub(1).is_some_and(|b| offered.articles.iter().any(|a| a == text(b)));
        let next = i + 1;
        let known = |i: usize| text(i).len() <= 3 || r.spans.iter().any(|s| s.tokens.contains(&i));
        if !led || (next < clause.end && !known(next)) {
            return None;
        }
        if offered.other.iter().any(|o| o == text(i)) {
            let [(one, _)] = before else { return None };
            return (self.context.actions == 2).then(|| 1 - one.min(&1));
        }
        let n = usize::try_from(*offered.ordinals.get(text(i))?).ok()?;
        (1..=self.context.actions).contains(&n).then(|| n - 1)
    }

    fn each(&self, parts: &[(usize, Range<usize>)]) -> Heard {
        let mut actions = vec![None; self.context.actions.max(1)];
        for (n, tokens) in parts {
            if let Some(action) = actions.get_mut(*n) {
                *action = self.state_of(tokens);
            }
        }
        if actions.iter().all(Option::is_none) {
            return Heard::none();
        }
        let hedged = self.reading.asks() || self.reading.has(Label::Condition);
        Heard::sure_if(Meaning::Progress { actions }, !hedged)
    }

    /// An item's words are read alone, so that a "not" of one never reaches the next.
    fn state_of(&self, tokens: &Range<usize>) -> Option<Progress> {
        let tokens = self.reading.normal.tokens.get(tokens.clone())?;
        let bytes = tokens.first()?.from.start..tokens.last()?.from.end;
        let reading = self.words.read(&[TableName::Progress], self.reading.quote(&bytes));
        let all = 0..reading.normal.tokens.len();
        state(&reading, &all)
    }
}

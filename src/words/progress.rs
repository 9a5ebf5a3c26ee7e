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

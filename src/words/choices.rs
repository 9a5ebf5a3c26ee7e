//! One word out of a few: what may be shared, what to do without a subject, whether the digest may go.

use super::label::Label;
use super::scan::Span;
use super::{Ask, Heard, normal};
use crate::core::event::Meaning;

/// A text so long is no choice but a correction.
const CORRECTION: usize = 14;
/// With more words than this that no phrase knows, a choice is asked back.
pub(super) const FEW: usize = 2;

impl Ask<'_> {
    /// A choice is sure when nothing hedges it and few words are left over.
    fn choice(&self, meaning: Meaning) -> Heard {
        let r = &self.reading;
        let hedged = r.has(Label::Condition) || r.has(Label::But) || r.asks();
        Heard::sure_if(meaning, !hedged && r.unknown() <= FEW)
    }

    fn agrees(&self) -> bool {
        self.reading.says(Label::Yes) || self.reading.says(Label::Ok)
    }

    /// A no that is no part of "no objection", "no idea", …
    fn refuses(&self) -> bool {
        let r = &self.reading;
        r.all(Label::No).any(|s| !r.negated(s) && !r.asked(s) && !self.hangs(s))
    }

    fn postpones(&self) -> bool {
        self.reading.has(Label::Maybe) || self.reading.has(Label::Empty) || self.reading.has(Label::NotYet)
    }

    /// Something agreed to is hedged by "but", "except" or a negation.
    fn restricted(&self) -> bool {
        let r = &self.reading;
        r.has(Label::But) || r.has(Label::Condition)
    }

    pub(super) fn share(&self) -> Heard {
        let r = &self.reading;
        let edits = r.has(Label::Edit);
        if r.normal.words() > CORRECTION && !self.short_choice() {
            return Heard::sure_if(Meaning::Correction, edits || r.normal.words() > 30);
        }
        if edits {
            return Heard::sure_if(Meaning::Correction, !self.agrees() && !r.asks());
        }
        if self.postpones() {
            return Heard::none();
        }
        let title = r.says(Label::Title);
        let nothing = r.says(Label::Nothing) || self.refuses();
        let all = r.says(Label::All) || self.agrees();
        let turned = r.all(Label::All).any(|s| r.negated(s) && !r.asked(s));
        match (title, nothing, all) {
            (true, _, _) => self.choice(Meaning::ShareTitle),
            (false, true, true) if !turned => Heard::none(),
            (false, true, _) => self.choice(Meaning::ShareNothing),
            (false, false, _) if turned => Heard::probable(Meaning::ShareNothing),
            (false, false, true) if self.restricted() || r.negation_after(0) => Heard::probable(Meaning::Correction),
            (false, false, true) if !r.says(Label::All) && r.unknown() > 4 => Heard::none(),
            (false, false, true) => self.choice(Meaning::ShareAll),
            (false, false, false) => Heard::none(),
        }
    }

    /// A sharing word with few others, however polite the rest.
    fn short_choice(&self) -> bool {
        let r = &self.reading;
        let said = [Label::All, Label::Title, Label::Nothing, Label::Maybe, Label::No].iter().any(|l| r.has(*l));
        said && r.unknown() <= 10
    }

    pub(super) fn no_subject(&self) -> Heard {
        let r = &self.reading;
        let choices = [Label::Remind, Label::Swap, Label::Open];
        let said: Vec<_> = choices.iter().filter_map(|l| r.first(*l)).collect();
        let [one] = said[..] else { return Heard::none() };
        if r.has(Label::Maybe) || r.has(Label::Empty) || r.normal.words() > 25 {
            return Heard::none();
        }
        match one.label {
            Label::Remind => self.choice(Meaning::Remind),
            Label::Open => self.choice(Meaning::Open),
            _ => self.swap_with(),
        }
    }

    /// With whom: the name in the phrase if it is written as one, else the one member named in the text.
    fn swap_with(&self) -> Heard {
        let r = &self.reading;
        let capital = |s: &&Span| s.name.as_ref().is_some_and(|b| r.quote(b).starts_with(char::is_uppercase));
        let anyone = |name: &str| self.words.lexicon.persons.anyone.contains(&normal::folded(name));
        let someone = |s: &&Span| s.name.as_ref().is_some_and(|b| !anyone(r.quote(b)));
        let written = |s: &&Span| self.is_member(s) || (capital(s) && someone(s));
        if let Some(name) = r.all(Label::Swap).find(written).and_then(|s| self.name(s)) {
            return self.choice(Meaning::Swap { name: Some(name) });
        }
        let found = self.sole_member();
        let of_another = |s: &Span| {
            s.name.as_ref().is_some_and(|b| self.words.lexicon.persons.third.contains(&normal::folded(r.quote(b))))
        };
        match found {
            None if r.all(Label::Swap).any(of_another) => Heard::none(),
            Some(one) => Heard::probable(Meaning::Swap { name: Some(one) }),
            _ if r.all(Label::Swap).any(|s| s.name.is_some()) => {
                let written = r.all(Label::Swap).find(|s| s.name.is_some()).and_then(|s| self.name(s));
                let written = written.filter(|name| !anyone(name));
                Heard::probable(Meaning::Swap { name: written })
            }
            _ => self.choice(Meaning::Swap { name: None }),
        }
    }

    pub(super) fn review(&self) -> Heard {
        let r = &self.reading;
        if self.postpones() {
            return Heard::none();
        }
        let withdraws = r.has(Label::Withdraw);
        if r.says(Label::All) && !withdraws && !r.has(Label::Edit) {
            return self.choice(Meaning::ShareAll);
        }
        let edits = r.all(Label::Edit).any(|s| !r.negated(s));
        if r.has(Label::Edit) && !edits && !withdraws && !r.says(Label::No) {
            return Heard::probable(Meaning::Approve);
        }
        if edits || (r.normal.words() > CORRECTION && !withdraws && r.unknown() > 8) {
            return Heard::sure_if(Meaning::Correction, !self.agrees() && !r.says(Label::Approve) && !withdraws);
        }
        if r.all(Label::Withdraw).any(|s| !r.asked(s)) {
            return self.choice(Meaning::Withdraw);
        }
        let approves = r.says(Label::Approve) || self.agrees();
        let turned = r.all(Label::Approve).any(|s| r.negated(s) && !r.asked(s));
        if turned && !approves {
            return Heard::probable(Meaning::Withdraw);
        }
        match (approves, self.refuses()) {
            (true, true) => Heard::none(),
            (true, false) if self.restricted() || r.negation_after(0) => Heard::probable(Meaning::Correction),
            (true, false) if r.unknown() > 6 => Heard::probable(Meaning::Approve),
            (true, false) => self.choice(Meaning::Approve),
            (false, true) if r.unknown() <= 3 => Heard::probable(Meaning::Withdraw),
            (false, _) => Heard::none(),
        }
    }

    /// The subject in free text, or a short wish to swap.
    pub(super) fn subject(&self) -> Heard {
        let r = &self.reading;
        let words = r.normal.words();
        let swaps = r.all(Label::Swap).find(|s| !r.negated(s));
        let phrase = r.all(Label::Swap).map(|s| s.tokens.len()).max().unwrap_or(0);
        let short = r.unknown() <= 4 || (phrase >= 3 && r.unknown() <= 12);
        if let Some(swap) = swaps.filter(|_| words <= 25 && short) {
            let named = r.all(Label::Swap).find(|s| s.name.is_some()).or(Some(swap));
            let name = named.and_then(|s| self.name(s));
            let sure = r.unknown() <= 4 && !r.has(Label::Condition) && !r.asks() && !r.has(Label::Maybe);
            return Heard::sure_if(Meaning::Swap { name }, sure);
        }
        self.free()
    }
}

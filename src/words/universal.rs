//! What means the same whatever was asked: help, stop, undo, a person.

use super::label::Label;
use super::scan::Span;
use super::{Ask, Heard};
use crate::core::event::Meaning;

impl Ask<'_> {
    /// Surely only as nearly the whole message.
    pub(super) fn universal(&self) -> Option<Heard> {
        let words = [
            (Label::Help, Meaning::Help),
            (Label::Stop, Meaning::Stop),
            (Label::Undo, Meaning::Undo),
            (Label::Person, Meaning::Person),
        ];
        let said = words.into_iter().find(|(label, _)| {
            let alone = self.reading.all(*label).next().is_some_and(|s| !self.reading.negated(s));
            let courtesy = [*label, Label::Greeting, Label::Closing, Label::Filler];
            alone && self.reading.unknown() == 0 && self.reading.spans.iter().all(|s| courtesy.contains(&s.label))
        });
        said.map(|(_, meaning)| Heard::sure(meaning))
    }

    /// "Take me off this list, I left in June": whatever the reason, and whatever else is said, it is asked whether that
    /// is meant.
    pub(super) fn asks_to_stop(&self) -> bool {
        let said = |s: &Span| s.tokens.len() > 2 && !self.reading.negated(s) && !self.reading.asked(s);
        self.reading.all(Label::Stop).any(said)
    }
}

//! The facilitator's words in a session: short commands, with what each carries.

use super::label::Label;
use super::scan::Span;
use super::{Ask, Heard, request};
use crate::core::event::{Certainty, Meaning};

/// Minutes of "plus de temps" without a number.
const MINUTES: u32 = 5;

/// The commands, in no order: only one may be said.
const COMMANDS: [Label; 11] = [
    Label::Pass,
    Label::Next,
    Label::Back,
    Label::Extend,
    Label::Shorten,
    Label::Pause,
    Label::Resume,
    Label::Stop,
    Label::MoveEnd,
    Label::Late,
    Label::Absent,
];

impl Ask<'_> {
    pub(super) fn live(&self) -> Heard {
        if let Some(text) = request::noted(self) {
            return Heard::sure(Meaning::Request { text });
        }
        let r = &self.reading;
        if r.normal.words() > 25 || r.has(Label::Maybe) || r.has(Label::Empty) {
            return Heard::none();
        }
        let said: Vec<&Span> = r.spans.iter().filter(|s| COMMANDS.contains(&s.label) && !r.negated(s)).collect();
        let Some(one) = self.one(&said) else { return Heard::none() };
        let certainty = self.certainty(one);
        let meaning = self.command(one).filter(|_| certainty != Certainty::None);
        meaning.map_or_else(Heard::none, |meaning| Heard { meaning, certainty })
    }

    /// One command said, perhaps twice; "pause" with minutes stays a pause.
    fn one<'s>(&self, said: &[&'s Span]) -> Option<&'s Span> {
        // "fin" beside "+5" or "reprendre" moves the end; alone it is the end.
        let moves = said.iter().any(|s| matches!(s.label, Label::Extend | Label::Resume));
        let said: Vec<_> = said.iter().filter(|s| !(moves && s.label == Label::MoveEnd)).collect();
        let first = **said.first()?;
        let same = said.iter().all(|s| s.label == first.label);
        let numbered = said.iter().find(|s| s.n.is_some() || s.name.is_some());
        same.then(|| numbered.map_or(first, |s| **s))
    }

    /// Words that no phrase took up lower it: none is sure, two are probable.
    fn certainty(&self, span: &Span) -> Certainty {
        let r = &self.reading;
        let hedged =
            r.has(Label::Condition) || r.has(Label::But) || r.has(Label::Negation) || r.has(Label::Half) || r.asks();
        let named = matches!(span.label, Label::Absent | Label::Pass) && !self.is_member(span) && span.name.is_some();
        let capital = span.name.as_ref().is_some_and(|b| r.quote(b).starts_with(char::is_uppercase));
        if named && !capital {
            return Certainty::None;
        }
        if span.label == Label::Late && self.of_another(span) {
            return Certainty::None;
        }
        let far = matches!(span.label, Label::Absent | Label::Pass) && self.sole_member().is_some();
        let polite = !r.asked(span) || span.label == Label::Extend;
        // A member's name of several words counts as one.
        let parts = self.name(span).map_or(0, |n| n.split([' ', '-']).count().saturating_sub(1));
        match r.unknown().saturating_sub(parts) {
            0 if !hedged && !named => Certainty::Sure,
            0..=2 if polite => Certainty::Probable,
            _ if far && polite => Certainty::Probable,
            _ => Certainty::None,
        }
    }

    /// Of whom it is said: in the phrase, else the one member whom the text names.
    fn who(&self, span: &Span) -> Option<String> {
        let in_phrase = self.name(span).filter(|_| self.is_member(span));
        in_phrase.or_else(|| self.sole_member()).or_else(|| self.name(span))
    }

    fn command(&self, span: &Span) -> Option<Meaning> {
        let move_end = self.reading.has(Label::MoveEnd);
        let minutes = span.n.filter(|n| (1..=120).contains(n));
        Some(match span.label {
            Label::Next => Meaning::Next,
            Label::Back => Meaning::Back,
            Label::Extend => Meaning::Extend { minutes: minutes.unwrap_or(MINUTES), move_end },
            Label::Shorten => Meaning::Shorten { minutes: minutes.unwrap_or(MINUTES) },
            Label::Pause => Meaning::Pause,
            Label::Resume => Meaning::Resume { move_end },
            Label::Stop | Label::MoveEnd => Meaning::Stop,
            Label::Late => Meaning::Late { minutes },
            Label::Absent => Meaning::Absent { name: self.who(span)? },
            Label::Pass => Meaning::Pass { name: self.who(span)? },
            _ => return None,
        })
    }
}

//! Free text is taken as it is: a subject, a contribution, a learning, a plan; only "nothing to say" is told apart.

use super::label::Label;
use super::{Ask, Heard, plan};
use crate::core::event::Meaning;

impl Ask<'_> {
    /// Text, unless it is courtesy, a postponement or "nothing to add".
    pub(super) fn free(&self) -> Heard {
        if self.says_nothing() {
            return Heard::none();
        }
        let (_, anonymous) = plan::marks(self.words, self.text);
        Heard::sure(Meaning::Text { anonymous })
    }

    /// No content in it.
    pub(super) fn says_nothing(&self) -> bool {
        let r = &self.reading;
        let light = [
            Label::Greeting,
            Label::Closing,
            Label::Filler,
            Label::Ok,
            Label::Ack,
            Label::Empty,
            Label::Auto,
            Label::Maybe,
        ];
        let only_light = r.spans.iter().all(|s| light.contains(&s.label) || s.label == Label::Negation);
        let long =
            |s: &super::scan::Span| matches!(s.label, Label::Empty | Label::Auto | Label::Maybe) && s.tokens.len() > 2;
        (r.unknown() == 0 && only_light) || (r.spans.iter().any(long) && r.unknown() <= 2) || r.normal.words() == 0
    }

    pub(super) fn action_plan(&self) -> Heard {
        if self.says_nothing() {
            return Heard::none();
        }
        let lines = plan::plan(self.words, self.text, self.context.today);
        if lines.is_empty() { Heard::none() } else { Heard::sure(Meaning::Plan { lines }) }
    }

    /// A plan if it is laid out as one, else a text; the caller parts them further.
    pub(super) fn last_call(&self) -> Heard {
        let looks = plan::looks_like_plan(self.words, self.text, self.context.today);
        if looks { self.action_plan() } else { self.free() }
    }
}

//! Small talk around an answer: each sentence, then each clause, is read alone, and the one that decides is chosen.

use super::label::Label;
use super::normal::Normal;
use super::scan::Tongues;
use super::{Context, Heard, Words, is_free, tables};
use crate::core::draft::Question;
use crate::core::event::Meaning;
use std::ops::Range;

/// A text of more parts tells a story.
const PARTS: usize = 16;

/// Who holds where two parts of a text say different things; `None` where nobody does.
fn holds(a: Meaning, b: Meaning) -> Option<Meaning> {
    use Meaning::{Correction, Late, Maybe, NewTime, ShareAll, ShareNothing, ShareTitle, Withdraw, Yes};
    match (a, b) {
        (a, b) if a == b => Some(a),
        (Late { minutes: Some(m) }, Late { .. }) | (Late { .. }, Late { minutes: Some(m) }) => {
            Some(Late { minutes: Some(m) })
        }
        (late @ Late { .. }, Yes) | (Yes, late @ Late { .. }) => Some(late),
        (NewTime, _) | (_, NewTime) => Some(NewTime),
        (Maybe, _) | (_, Maybe) => Some(Maybe),
        (Correction, Meaning::Approve | ShareAll) | (Meaning::Approve | ShareAll, Correction) => Some(Correction),
        (Withdraw, Correction) | (Correction, Withdraw) => Some(Withdraw),
        (ShareTitle, ShareNothing | ShareAll) | (ShareNothing | ShareAll, ShareTitle) => Some(ShareTitle),
        _ => None,
    }
}

impl Words {
    /// What the parts of a text say together, if they agree.
    pub(super) fn decisive(
        &self,
        question: Option<Question>,
        text: &str,
        context: &Context,
        tongues: &Tongues<'_>,
        normal: &Normal,
        loosely: bool,
    ) -> Heard {
        if is_free(question) || question == Some(Question::DatePoll) || question.is_none() {
            return Heard::none();
        }
        // "if only two come, cancel": the clause alone is no order
        let whole = || self.read_normal(tables(question), text, normal.clone(), tongues);
        if question == Some(Question::Quorum) && whole().has(Label::Condition) {
            return Heard::none();
        }
        for marks in [&[".", "?"][..], &[".", "?", ","]] {
            let parts = parts(normal, marks);
            if parts.len() < 2 || parts.len() > PARTS {
                continue;
            }
            let said = parts.iter().filter_map(|bytes| text.get(bytes.clone()));
            let heard = said.map(|part| self.part(question, part, context, tongues, loosely));
            let mut meanings = heard.filter(|h| !h.is_none()).map(|h| h.meaning);
            let Some(first) = meanings.next() else { continue };
            return meanings.try_fold(first, holds).map_or_else(Heard::none, Heard::probable);
        }
        Heard::none()
    }

    fn part(
        &self,
        question: Option<Question>,
        part: &str,
        context: &Context,
        tongues: &Tongues<'_>,
        loosely: bool,
    ) -> Heard {
        let normal = self.lexicon.spelling.normal(part);
        let normal = self.mended(&normal, context);
        let orders = question.is_some_and(super::takes_orders);
        let bare = Some(&normal).filter(|_| orders).and_then(|n| n.unwrapped(&self.lexicon.wrappers));
        let read = |normal: Normal| {
            if loosely {
                self.read_loosely(tables(question), part, normal, tongues)
            } else {
                self.read_normal(tables(question), part, normal, tongues)
            }
        };
        let heard = self.understand_as(question, part, context, read(normal));
        let again = bare.filter(|_| heard.is_none());
        again.map_or(heard, |bare| self.understand_as(question, part, context, read(bare)))
    }
}

/// The bytes of the parts between these marks, the mark of a question with them.
fn parts(normal: &Normal, marks: &[&str]) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (i, token) in normal.tokens.iter().enumerate() {
        let last = i + 1 == normal.tokens.len();
        if !last && !marks.contains(&token.text.as_str()) {
            continue;
        }
        let from = normal.tokens.get(start).map(|t| t.from.start);
        parts.extend(from.filter(|_| i > start || !token.is_mark()).map(|from| from..token.from.end));
        start = i + 1;
    }
    parts
}

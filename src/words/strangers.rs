//! Whom a text names where no member is known: a capitalised word that no answer ever had. Nothing is sure by it.

use super::arrival::Said;
use super::{Ask, Context, Heard, Words, normal};
use crate::core::draft::Question;
use crate::core::event::{Certainty, Meaning};

/// A shorter word is none ("Ok", "TV").
const SHORT: usize = 3;

impl Words {
    /// "Olivier n'est pas là", of a group that nobody told us about.
    pub(super) fn of_strangers(&self, question: Option<Question>, said: Said<'_>, heard: Heard) -> Heard {
        if question == Some(Question::DatePoll) && !heard.is_none() && said.context.names.is_empty() {
            return if self.told_of_a_stranger(said) { Heard::none() } else { heard };
        }
        let asked = question.filter(|q| matches!(q, Question::Live | Question::NoSubject));
        let Some(question) = asked.filter(|_| heard.certainty != Certainty::Sure && said.context.names.is_empty())
        else {
            return heard;
        };
        let names = self.strangers(question, said.text);
        if names.is_empty() {
            return heard;
        }
        let context = Context { names, ..said.context.clone() };
        let told = self.understand(Some(question), said.language, said.text, &context);
        let named = matches!(told.meaning, Meaning::Absent { .. } | Meaning::Pass { .. } | Meaning::Swap { .. });
        if named { Heard { certainty: Certainty::Probable, ..told } } else { heard }
    }

    /// "Paul Martin can't do the 7th, he told me": the days of somebody else.
    fn told_of_a_stranger(&self, said: Said<'_>) -> bool {
        let question = Question::DatePoll;
        let mut names = self.strangers(question, said.text);
        // "Paul" may have been heard of, "Martin" not
        let mut head = said.text.split_whitespace();
        if let (Some(first), Some(last)) = (head.next(), head.next())
            && names.first().is_some_and(|name| name == last)
            && first.starts_with(char::is_uppercase)
        {
            names.push(first.to_owned());
        }
        let context = Context { names, ..said.context.clone() };
        let tongues = self.tongues(said.language, false);
        let reading = self.read_in(super::tables(Some(question)), super::head(said.text), &tongues);
        let ask = Ask { words: self, reading, text: said.text, context: &context };
        !context.names.is_empty() && ask.told_of_another()
    }

    /// Capitalised within a sentence, or at its head and in no answer that was learned from.
    fn strangers(&self, question: Question, text: &str) -> Vec<String> {
        let (mut within, mut heads, mut head) = (Vec::new(), Vec::new(), true);
        for word in text.split_whitespace() {
            let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
            let bare = bare.rsplit(['\'', '’']).next().unwrap_or(bare);
            let mut letters = bare.chars();
            let name = letters.next().is_some_and(char::is_uppercase)
                && bare.chars().count() >= SHORT
                && letters.all(|c| c.is_alphabetic() || c == '-')
                && !bare.chars().all(char::is_uppercase);
            let folded = normal::folded(bare);
            let dates = &self.lexicon.dates;
            let name = name && dates.weekday(&folded).is_none() && dates.month(&folded).is_none();
            if name && !(head && self.learned.knows(question.name(), &folded)) {
                if head { &mut heads } else { &mut within }.push(bare.to_owned());
            }
            head = word.ends_with(['.', '!', '?', ':', '\n']);
        }
        if within.is_empty() { heads } else { within }
    }
}

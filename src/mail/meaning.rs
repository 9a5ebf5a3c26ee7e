//! What a reply means, against the question that the mail it answers left open.

use super::letter::Letter;
use super::reply::{Reply, reply};
use super::signature::without_name;
use crate::core::Question;
use crate::core::event::{Certainty, Meaning};
use crate::core::ids::Language;
use crate::words::{Context, Heard, Words, strip_marks};

/// The question that a mail of ours left open, and what is known of the member who answers.
#[derive(Debug, Clone)]
pub struct Asked<'w> {
    /// The word lists.
    pub words: &'w Words,
    /// What was asked; `None` for a mail that asks nothing.
    pub question: Option<Question>,
    /// The session it is about is over: what was asked before it is read as what is collected now.
    pub over: bool,
    /// The member's name, which may stand under what they write.
    pub name: String,
    /// The member's language.
    pub language: Language,
    /// What the words alone don't say.
    pub context: Context,
}

/// A reply and its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Understood {
    /// The question that it was read against in the end: people answer whichever mail they find.
    pub question: Option<Question>,
    /// The person's words, without quote, name and marks.
    pub text: String,
    /// What they mean. An answer found between or below quotes is never sure.
    pub heard: Heard,
}

/// Reads a letter as the answer to that question; `sent` is the text of the mail that asked it.
pub fn understand(letter: &Letter, sent: Option<&str>, asked: &Asked<'_>) -> Understood {
    meaning(letter, &reply(letter, sent), asked)
}

/// The meaning of a reply that was cut out already.
pub(super) fn meaning(letter: &Letter, reply: &Reply, asked: &Asked<'_>) -> Understood {
    let text = if letter.encrypted { String::new() } else { without_name(&reply.text, &asked.name) };
    let (question, mut heard) = asked.hear(&text);
    let keeps_marks = matches!(question, Some(Question::ActionPlan | Question::Review));
    let text = if keeps_marks { text } else { strip_marks(asked.words, &text) };
    if !reply.sure && heard.certainty == Certainty::Sure {
        heard.certainty = Certainty::Probable;
    }
    Understood { question, text, heard }
}

impl Asked<'_> {
    /// What a text says, and against which question. Once the session is over, what was asked before it is read as what
    /// is collected now; and a digest's review may bring the request or the plan itself.
    fn hear(&self, text: &str) -> (Option<Question>, Heard) {
        let hear = |question| self.words.understand(question, &self.language, text, &self.context);
        let heard = hear(self.question);
        match self.question {
            Some(Question::Subject | Question::Share) if self.over => {
                (Some(Question::LastCall), hear(Some(Question::LastCall)))
            }
            Some(Question::Attendance) if self.over && heard.is_none() => {
                (Some(Question::LastCall), hear(Some(Question::LastCall)))
            }
            Some(Question::Review) if heard.is_none() || heard.meaning == Meaning::Correction => {
                (self.question, self.corrected(text, heard))
            }
            asked => (asked, heard),
        }
    }

    /// A correction that is the request ("demande : …") or a plan, else as it was heard.
    fn corrected(&self, text: &str, heard: Heard) -> Heard {
        let noted = self.words.understand(Some(Question::Live), &self.language, text, &self.context);
        if matches!(noted.meaning, Meaning::Request { .. }) {
            return noted;
        }
        let label = |l: &str| l.trim().to_lowercase().starts_with("corr") && !l.trim().contains(' ');
        let body = text.split_once(':').filter(|(l, _)| label(l)).map_or(text, |(_, rest)| rest);
        let last = self.words.understand(Some(Question::LastCall), &self.language, body, &self.context);
        if matches!(last.meaning, Meaning::Plan { .. }) { last } else { heard }
    }
}

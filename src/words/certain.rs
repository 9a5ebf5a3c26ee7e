//! What may be acted on at once: a reading in which nothing is left that could turn it round.

use super::arrival::Said;
use super::label::Label;
use super::normal::Token;
use super::offered::Mention;
use super::scan::Span;
use super::{Ask, Heard, Words, normal};
use crate::core::draft::Question;
use crate::core::event::Certainty;

impl Words {
    /// Surely only where every word was understood, and nobody else is spoken of.
    pub(super) fn settled(&self, question: Option<Question>, said: Said<'_>, heard: Heard) -> Heard {
        let Said { language, text, context } = said;
        let Some(question) = question.filter(|q| heard.certainty == Certainty::Sure && !super::is_free(Some(*q)))
        else {
            return heard;
        };
        let reading = self.read_in(super::tables(Some(question)), super::head(text), &self.tongues(language, false));
        let ask = Ask { words: self, reading, text, context };
        if ask.is_open(question) { Heard::probable(heard.meaning) } else { heard }
    }
}

impl Ask<'_> {
    /// Words are left that may turn it round, or it is what somebody else wants.
    fn is_open(&self, question: Question) -> bool {
        let left = match question {
            Question::DatePoll => return self.poll_is_open(),
            // weighed by its own rules
            Question::Live => return false,
            Question::Attendance
            | Question::Volunteer
            | Question::Counter
            | Question::Swap
            | Question::Progress
            | Question::Choice
            | Question::NoSubject => 1,
            _ => 0,
        };
        self.not_understood() > left
            || self.is_half_said(question)
            || (!names_somebody(question) && self.speaks_of_another())
    }

    /// Words that no phrase took up, beside numbers, those of the options, and adverbs that only colour.
    fn not_understood(&self) -> usize {
        let r = &self.reading;
        let options = self.context.options.iter().map(|o| normal::folded(o)).collect::<Vec<_>>().join(" ");
        let adverbs = &self.words.lexicon.persons.adverbs;
        let known = |t: &Token| {
            let number = t.text.starts_with(|c: char| c.is_ascii_digit());
            number
                || adverbs.contains(&t.text)
                || self.names_member(&t.text)
                || options.split(' ').any(|word| word == t.text)
        };
        let taken = |i: usize| r.spans.iter().any(|s| s.tokens.contains(&i));
        let tokens = r.normal.tokens.iter().enumerate();
        tokens.filter(|(i, t)| !t.is_mark() && !taken(*i) && !known(t)).count()
    }

    /// "Annuler, jamais", "la première, pas la deuxième", "le 1 non": a word that refuses, and none that took it up.
    fn is_half_said(&self, question: Question) -> bool {
        let r = &self.reading;
        match question {
            Question::Choice => r.has(Label::Negation) || r.has(Label::No),
            Question::Quorum | Question::Progress | Question::Review | Question::Charter | Question::Confirm => {
                r.has(Label::Negation)
            }
            _ => false,
        }
    }

    /// Words by which one day may be meant for another, or a day be said of another.
    fn poll_is_open(&self) -> bool {
        let (r, offered) = (&self.reading, &self.words.lexicon.offered);
        let mentions = self.mentions();
        let word = |list: &[String]| r.normal.tokens.iter().any(|t| list.contains(&t.text));
        let refuses = r.has(Label::No) || r.has(Label::Negation) || r.has(Label::Nothing);
        let counts = |m: &Mention| m.tokens.len() == 1 && r.normal.tokens[m.tokens.start].is_spelled();
        // "nor does Thursday", "only Thursday does not suit", "none but Tuesday"
        let turned = refuses && (word(&offered.same) || r.has(Label::Only) || r.has(Label::Except));
        // "le 10 ne pose pas de souci, le 15 non plus"
        let said: Vec<&str> = r.normal.tokens.iter().map(|t| t.text.as_str()).collect();
        let said = format!(" {} ", said.join(" "));
        let as_before = offered.neither.iter().any(|words| said.contains(&format!(" {words} ")));
        // "two of them work"; "euh, non, le 10"
        turned
            || as_before
            || (r.has(Label::Nothing) && r.has(Label::But))
            || mentions.iter().any(counts)
            || r.has(Label::Change)
            || word(&offered.second_thoughts)
            || (refuses && self.lists_loosely(&mentions))
            || self.labels_words()
    }

    /// "Pas le 8, le 10", "10, 12 no": days beside each other, and no "and" or "or" that makes them a list.
    fn lists_loosely(&self, mentions: &[Mention]) -> bool {
        let (r, offered) = (&self.reading, &self.words.lexicon.offered);
        let joined = |t: &Token| offered.and.contains(&t.text);
        let between = |two: &[Mention]| r.normal.tokens.get(two[0].tokens.end..two[1].tokens.start).unwrap_or_default();
        let beside = |two: &[Mention]| {
            let gap = between(two);
            let light = |t: &Token| joined(t) || offered.articles.contains(&t.text) || offered.joints.contains(&t.text);
            !two[1].rest && gap.iter().all(|t| t.text == "," || light(t))
        };
        let word = |s: &&Span| matches!(s.label, Label::Yes | Label::Ok | Label::No | Label::IfNeeded);
        let led = |m: &Mention| r.spans.iter().filter(word).any(|s| s.tokens.end == m.tokens.start);
        let followed = |m: &Mention| r.spans.iter().filter(word).any(|s| s.tokens.start == m.tokens.end);
        let pairs: Vec<&[Mention]> = mentions.windows(2).collect();
        let last = |i: usize| pairs.get(i + 1).is_none_or(|next| !beside(next));
        let own = |two: &[Mention]| led(&two[0]) && followed(&two[1]);
        pairs.iter().enumerate().any(|(i, two)| beside(two) && last(i) && !between(two).iter().any(joined) && !own(two))
    }

    /// "Possible : mardi, samedi. Pas possible : jeudi.": labels, and days that no rule for tables has read.
    fn labels_words(&self) -> bool {
        let labels = self.text.matches(" : ").count() + self.text.matches(": ").count();
        labels > 1 && super::signs::told(self.text).is_none() && !self.text.contains(|c: char| c.is_ascii_digit())
    }

    /// A member's name, or a word for somebody else, and none for oneself.
    fn speaks_of_another(&self) -> bool {
        let persons = &self.words.lexicon.persons;
        let mut words = self.reading.normal.tokens.iter().map(|t| t.text.as_str());
        let own = words.clone().any(|word| persons.first.contains(word));
        !own && words.any(|word| persons.third.contains(word) || self.names_member(word))
    }
}

/// Questions whose answers name members.
pub(super) fn names_somebody(question: Question) -> bool {
    matches!(question, Question::NoSubject | Question::Swap | Question::Progress)
}

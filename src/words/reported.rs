//! What is told of somebody else, or said and ruled out: "Marie dit oui", "pas suivant". No guess is made against it.

use super::arrival::Said;
use super::label::Label;
use super::normal::Token;
use super::scan::Span;
use super::{Ask, Heard, Words, takes_orders};
use crate::core::draft::Question;

impl Words {
    /// An order that hangs on what somebody else does is none yet.
    pub(super) fn unless_hanging(&self, question: Option<Question>, said: Said<'_>, heard: Heard) -> Heard {
        let Some(question) = question.filter(|q| takes_orders(*q) && !heard.is_none()) else { return heard };
        let tongues = self.tongues(said.language, false);
        let reading = self.read_in(super::tables(Some(question)), super::head(said.text), &tongues);
        let hangs = Ask { words: self, reading, text: said.text, context: said.context }.hangs_on_another();
        if hangs { Heard::none() } else { heard }
    }
}

impl Ask<'_> {
    /// "Marie dit oui", "my wife can do the 8th": a name, or a word for somebody, begins it, a verb follows, and nothing
    /// is said of whoever writes.
    pub(super) fn told_of_another(&self) -> bool {
        let (r, persons) = (&self.reading, &self.words.lexicon.persons);
        let courtesy = [Label::Greeting, Label::Filler];
        let light = |i: usize| {
            let span = r.spans.iter().find(|s| s.tokens.contains(&i));
            r.normal.tokens[i].is_mark() || span.is_some_and(|s| courtesy.contains(&s.label))
        };
        let word = |i: usize| r.normal.tokens.get(i).map_or("", |t| t.text.as_str());
        let Some(start) = (0..r.normal.tokens.len()).find(|i| !light(*i)) else { return false };
        // "my wife"; of a name all parts
        let other = |i: usize| self.names_member(word(i)) || persons.others.contains(word(i));
        let first = if other(start) { start } else { start + 1 };
        let end = (first..r.normal.tokens.len()).find(|i| !other(*i)).unwrap_or(first);
        let named = first == start || persons.others.contains(word(first));
        // "my wife is in the group, the title alone": a reason, and an answer; "…, she told me" goes on
        let goes_on = |i: usize| persons.third.contains(word(i));
        let ends = |i: usize| r.normal.tokens[i].is_mark() && !goes_on(i + 1);
        let whole = !(end..r.normal.tokens.len().saturating_sub(1)).any(ends) && !r.has(Label::But);
        // "Paul told me …", "he told me so"
        let told = |i: usize| i == end + 1 || (i > 1 && (goes_on(i - 1) || goes_on(i - 2)));
        let own = r.normal.tokens.iter().enumerate().any(|(i, t)| persons.own.contains(&t.text) && !told(i));
        named && whole && end > first && persons.verbs.contains(word(end)) && !own
    }

    /// "If she doesn't answer, remind her": what hangs on somebody else is no order yet.
    pub(super) fn hangs_on_another(&self) -> bool {
        let (r, persons) = (&self.reading, &self.words.lexicon.persons);
        let tokens = &r.normal.tokens;
        let behind = |s: &Span| tokens.iter().skip(s.tokens.end).take(2).take_while(|t| !t.is_mark());
        let somebody = |t: &Token| {
            let text = &t.text;
            persons.third.contains(text) || persons.nobody.contains(text) || self.names_member(text)
        };
        let nobody = |s: &Span| behind(s).any(|t| persons.impersonal.contains(&t.text));
        let hangs = |s: &Span| tokens[s.tokens.clone()].iter().chain(behind(s)).any(somebody) && !nobody(s);
        r.all(Label::Condition).any(hangs)
    }

    /// "Si les trains roulent, je viens": no politeness, "si vous voulez".
    fn is_conditional(&self) -> bool {
        let (r, addressed) = (&self.reading, &self.words.lexicon.persons.addressed);
        let next =
            |s: &Span| r.normal.tokens.get(s.tokens.end).is_some_and(|t| !t.is_mark() && !addressed.contains(&t.text));
        r.all(Label::Condition).any(next)
    }

    /// What nobody may guess: what somebody else says, what the phrases know and saw refused, what hangs on something.
    pub(super) fn rules_out(&self, question: Question, class: &str) -> bool {
        let r = &self.reading;
        let of_another = !super::certain::names_somebody(question) && self.told_of_another();
        let known = |s: &&Span| matches!(s.label, Label::Ignore | Label::Empty | Label::Maybe);
        let told = takes_orders(question) && r.unknown() == 0 && r.spans.iter().any(|s| known(&s));
        let refused = label(class).is_some_and(|l| r.has(l) && r.all(l).all(|s| r.negated(s)));
        // "I won't accept it"
        let declined = question == Question::Counter && class == "yes" && r.has(Label::No) && !r.has(Label::Yes);
        let hangs = question == Question::Quorum && r.has(Label::Condition);
        let concluded = matches!(self.concluded(), Some(Label::Yes)) && matches!(class, "no" | "maybe")
            || matches!(self.concluded(), Some(Label::No)) && matches!(class, "yes" | "maybe");
        let undecided = class == "no_preference" && r.has(Label::Empty);
        let not_yet = class == "done" && r.has(Label::NotYet);
        let conditional = class == "yes" && consents(question) && self.is_conditional();
        of_another
            || concluded
            || declined
            || undecided
            || conditional
            || not_yet
            || refused
            || hangs
            || (told && question != Question::Progress && question != Question::Review)
    }
}

/// Questions of what the writer alone can say; others may speak of who comes, or stands in.
pub(super) fn by_oneself(question: Question) -> bool {
    use Question::{Charter, Choice, Confirm, Counter, DatePoll, Review, Share};
    matches!(question, Charter | Choice | Confirm | Counter | DatePoll | Review | Share)
}

/// Questions of which a yes under a condition is a perhaps.
fn consents(question: Question) -> bool {
    matches!(question, Question::Attendance | Question::Volunteer | Question::Swap | Question::Counter)
}

/// The phrases that order the same.
fn label(class: &str) -> Option<Label> {
    Some(match class {
        "next" => Label::Next,
        "back" => Label::Back,
        "extend" => Label::Extend,
        "shorten" => Label::Shorten,
        "pause" => Label::Pause,
        "resume" => Label::Resume,
        "stop" => Label::Stop,
        _ => return None,
    })
}

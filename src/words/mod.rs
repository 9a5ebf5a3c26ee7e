//! Understanding people: a reply's free text against the closed set of meanings of its question.
//!
//! Rules, no model (`inbound.md` §7): [`normal`] takes differences of writing out, [`scan`] finds the
//! phrases of `templates/<lang>/words.toml`, longest first, in all languages at once, and one file a
//! kind of question weighs them. Three results only: sure (act), probable (act if it can be taken
//! back, and ask), none (do nothing). Where the plain reading finds nothing, slips are mended
//! ([`typos`]), each part is read alone ([`decisive`]) and phrases with gaps are tried: all that is at
//! most probable. A new language is a new `words.toml`.

mod agree;
mod arrival;
mod certain;
mod choices;
mod dates;
pub mod days;
mod decisive;
mod free;
mod json;
mod label;
pub mod learned;
mod less;
mod lexicon;
mod live;
mod mentions;
mod normal;
mod offered;
mod options;
mod plan;
mod poll;
mod progress;
mod refused;
mod reported;
mod request;
mod scan;
mod second;
mod sieve;
mod signs;
mod strangers;
mod typos;
mod universal;

pub use json::to_json;
pub use lexicon::WordsError;
pub use plan::{due, plan, strip_marks};

use crate::core::draft::Question;
use crate::core::event::{Certainty, Meaning};
use crate::core::ids::Language;
use arrival::Said;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use label::Label;
use learned::Learned;
use lexicon::{Lexicon, TableName, Whose};
use scan::{Reading, Tongues};
use std::sync::Arc;

/// What was understood, and how sure that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// In the closed set of the question.
    pub meaning: Meaning,
    /// Sure acts; probable acts if it can be taken back, and asks; none does nothing.
    pub certainty: Certainty,
}

/// What the words alone don't say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// The day it was written, in the member's zone.
    pub today: NaiveDate,
    /// How many actions were asked after (progress).
    pub actions: usize,
    /// The members' names, to recognise who is to swap or is absent.
    pub names: Vec<String>,
    /// The hours offered (date poll), local to the member.
    pub choices: Vec<NaiveDateTime>,
    /// The options listed (choice), as they were written.
    pub options: Vec<String>,
    /// The hour at which the meeting begins (attendance), local to the member.
    pub starts: Option<NaiveTime>,
}

/// The word lists of all languages. Clones share what was compiled so far.
#[derive(Debug, Clone)]
pub struct Words {
    lexicon: Arc<Lexicon>,
    learned: Arc<Learned>,
}

impl Heard {
    fn sure(meaning: Meaning) -> Self {
        Self { meaning, certainty: Certainty::Sure }
    }
    fn probable(meaning: Meaning) -> Self {
        Self { meaning, certainty: Certainty::Probable }
    }
    fn none() -> Self {
        Self { meaning: Meaning::None, certainty: Certainty::None }
    }
    /// Sure if that holds, else probable.
    fn sure_if(meaning: Meaning, sure: bool) -> Self {
        if sure { Self::sure(meaning) } else { Self::probable(meaning) }
    }
    /// Whether nothing was understood.
    pub fn is_none(&self) -> bool {
        self.meaning == Meaning::None
    }
}

/// One text, its question's phrases found, and what is known beside it.
struct Ask<'a> {
    words: &'a Words,
    reading: Reading<'a>,
    text: &'a str,
    context: &'a Context,
}

/// Longer texts (in bytes) are not tried in languages of which only a few words are known.
const LIGHT: usize = 120;
/// Answers are short: what comes after so many bytes is not looked at for phrases.
const HEAD: usize = 8_000;
/// A phrase of more words than this is read, but never sure.
const FAR: usize = 9;
/// So many words say by themselves that something is taken back.
const BACK: usize = 3;

/// The beginning of a text, cut at a character.
fn head(text: &str) -> &str {
    let end = (0..=HEAD.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

impl Words {
    /// Reads the word lists, one text a language. Errors name file, line and what was expected.
    pub fn parse(files: &[(Language, &str)]) -> Result<Self, WordsError> {
        let lexicon = Arc::new(Lexicon::parse(files, Whose::Anybodys)?);
        Ok(Self { lexicon, learned: Arc::default() })
    }

    /// The word lists inside the binary: French and English in full, the common words of others.
    pub fn embedded() -> Result<Self, WordsError> {
        let lexicon = Arc::new(Lexicon::parse(&lexicon::embedded()?, Whose::Ours)?);
        Ok(Self { lexicon, learned: Arc::new(Learned::embedded()?) })
    }

    /// With what was learned from answers; without it the phrases alone decide.
    pub fn taught(self, learned: Learned) -> Self {
        Self { learned: Arc::new(learned), ..self }
    }

    /// What a reply means, given the question it answers and the member's language.
    ///
    /// The open question's meanings come first, then the universal words (help, stop, undo, person)
    /// where they are nearly the whole message (decisions 16).
    pub fn understand(&self, question: Option<Question>, language: &Language, text: &str, context: &Context) -> Heard {
        let table = table(question, text);
        let text = table.as_deref().unwrap_or(text);
        let heard = self.weighed(question, language, text, context);
        let said = Said { language, text, context };
        let heard = self.unless_refused(question, said, heard);
        self.of_strangers(question, said, self.settled(question, said, self.unless_hanging(question, said, heard)))
    }

    /// What the phrases say, before it is looked at what they leave: what the second opinion is learned beside.
    pub fn first_reading(&self, question: Question, language: &Language, text: &str, context: &Context) -> Heard {
        let table = table(Some(question), text);
        self.weighed(Some(question), language, table.as_deref().unwrap_or(text), context)
    }

    /// By the phrases, weighed against what such answers meant before.
    fn weighed(&self, question: Option<Question>, language: &Language, text: &str, context: &Context) -> Heard {
        let heard = self.understand_phrases(question, language, text, context);
        let heard = if heard.is_none() { self.doubted(question, language, text, context) } else { heard };
        match question.filter(|q| !is_free(question) || *q == Question::StepRequest) {
            Some(question) => self.by_the_clock(question, Said { language, text, context }, heard),
            None => heard,
        }
    }

    /// "Oui ?", "ok ??": a word of consent, and a doubt. Of who comes alone, where the receipt asks back.
    fn doubted(&self, question: Option<Question>, language: &Language, text: &str, context: &Context) -> Heard {
        let bare = text.trim_end_matches(|c: char| c == '?' || c.is_whitespace());
        let alone = bare.len() < text.trim_end().len() && bare.trim_start().chars().all(char::is_alphabetic);
        let says = |question| self.understand_phrases(question, language, bare, context);
        let asks_back = question == Some(Question::Attendance);
        if !asks_back || !alone || says(Some(Question::Confirm)).certainty != Certainty::Sure {
            return Heard::none();
        }
        Some(says(question))
            .filter(|said| !said.is_none())
            .map_or_else(Heard::none, |said| Heard::probable(said.meaning))
    }

    /// By the phrases of the word lists.
    fn understand_phrases(
        &self,
        question: Option<Question>,
        language: &Language,
        text: &str,
        context: &Context,
    ) -> Heard {
        // "> option 2", "this one": what is quoted counts only where the rest alone says nothing
        if let Some(own) = unquoted(text).filter(|_| !is_free(question) || question == Some(Question::StepRequest)) {
            let heard = self.understand_phrases(question, language, &own, context);
            if !heard.is_none() {
                return heard;
            }
        }
        let heard = self.understand_in(question, text, context, &self.tongues(language, false));
        if !heard.is_none() || is_free(question) || text.len() > LIGHT || !self.is_foreign(question, text, language) {
            return heard;
        }
        // a few words in a language that nobody is written to in: understood, and asked back
        let whole = |l: &Language| self.read_in(tables(question), text, &self.tongues(l, true)).unknown() == 0;
        let others = self.lexicon.light.iter().filter(|l| *l != language && whole(l));
        let tried = others.map(|l| self.understand_in(question, text, context, &self.tongues(l, true)));
        let clear = { tried }.find(|other| other.certainty == Certainty::Sure);
        clear.map_or(heard, |other| Heard::probable(other.meaning))
    }

    /// Nothing in it is a word of the languages mails are written in.
    fn is_foreign(&self, question: Option<Question>, text: &str, language: &Language) -> bool {
        let names: Vec<TableName> = tables(question).iter().copied().chain([TableName::Consent]).collect();
        let reading = self.read_in(&names, text, &self.tongues(language, false));
        let courtesy = [Label::Greeting, Label::Closing, Label::Filler];
        reading.spans.iter().all(|s| courtesy.contains(&s.label))
    }

    fn tongues<'a>(&'a self, own: &'a Language, alone: bool) -> Tongues<'a> {
        Tongues { own, light: &self.lexicon.light, alone }
    }

    fn understand_in(&self, question: Option<Question>, text: &str, context: &Context, tongues: &Tongues<'_>) -> Heard {
        if let Some(rest) = self.corrected(head(text)) {
            let heard = self.understand_in(question, rest, context, tongues);
            if !heard.is_none() {
                return Heard::probable(heard.meaning);
            }
        }
        let less = || self.less_said(text, context, tongues);
        if let Some(heard) = (question == Some(Question::DatePoll)).then(less).flatten() {
            return heard;
        }
        let reading = self.read_in(tables(question), head(text), tongues);
        if reading.has(Label::Auto) && !is_free(question) {
            return self.understand_as(question, text, context, reading);
        }
        let told = !reading.has(Label::Edit);
        let heard = self.understand_as(question, text, context, reading);
        if told && heard.meaning == Meaning::Correction {
            // a long text that asks for no change: perhaps small talk around a plain answer
            let plain = self.lexicon.spelling.normal(head(text));
            let part = self.decisive(question, head(text), context, tongues, &plain, false);
            return if part.is_none() { Heard::probable(heard.meaning) } else { part };
        }
        if question == Some(Question::StepRequest) {
            let plain = self.lexicon.spelling.normal(head(text));
            if self.calls_for_help(plain.tokens.first()) && matches!(heard.meaning, Meaning::Request { .. }) {
                return heard;
            }
            let mended = self.mended(&plain, context);
            let reading = self.read_loosely(&[], head(text), mended, tongues);
            let universal = Ask { words: self, reading, text, context }.universal();
            return universal.map_or(heard, |universal| Heard::probable(universal.meaning));
        }
        if !heard.is_none() || is_free(question) {
            return heard;
        }
        // "je dois malheureusement renoncer": once more without what only colours it
        let plain = self.lexicon.spelling.normal(head(text));
        let bare = plain.without(&self.lexicon.persons.adverbs);
        if let Some(normal) = bare.clone() {
            let again = self.read_normal(tables(question), head(text), normal, tongues);
            let heard = self.understand_as(question, text, context, again);
            if !heard.is_none() {
                return heard;
            }
        }
        self.guess(question, text, context, tongues, plain, bare)
    }

    /// "Non, enfin si, je viens", "add ten, no sorry, five": what comes after the last correction counts.
    fn corrected<'a>(&self, text: &'a str) -> Option<&'a str> {
        let normal = self.lexicon.spelling.normal(text);
        let found = self.lexicon.corrections.iter().filter_map(|c| c.find_iter(&normal.text).last());
        let end = found.map(|f| f.end()).max()?;
        let next = normal.tokens.get(normal.starts.partition_point(|s| *s < end)..)?.iter().find(|t| !t.is_mark())?;
        text.get(next.from.start..)
    }

    /// Slips mended, polite wrappings off, phrases with gaps: what is understood so is asked back.
    fn guess(
        &self,
        question: Option<Question>,
        text: &str,
        context: &Context,
        tongues: &Tongues<'_>,
        plain: normal::Normal,
        bare: Option<normal::Normal>,
    ) -> Heard {
        let mended = self.mended(&plain, context);
        let orders = question.is_some_and(takes_orders);
        let unwrapped = Some(&mended).filter(|_| orders).and_then(|m| m.unwrapped(&self.lexicon.wrappers));
        let strict = |normal: normal::Normal| {
            let reading = self.read_normal(tables(question), head(text), normal, tongues);
            self.understand_as(question, text, context, reading)
        };
        let loose = |normal: normal::Normal| {
            let reading = self.read_loosely(tables(question), head(text), normal, tongues);
            self.understand_as(question, text, context, reading)
        };
        let parts = |loosely: bool| self.decisive(question, head(text), context, tongues, &plain, loosely);
        let first = || unwrapped.clone().into_iter().chain([mended.clone()]).map(strict).find(|h| !h.is_none());
        let second = || unwrapped.clone().into_iter().chain([mended.clone()]).chain(bare).map(loose);
        let heard = first().or_else(|| Some(parts(false)).filter(|h| !h.is_none()));
        let heard = heard.or_else(|| second().find(|h| !h.is_none())).unwrap_or_else(|| parts(true));
        if heard.is_none() { heard } else { Heard::probable(heard.meaning) }
    }

    /// Slips of the finger mended; a member's name is none.
    fn mended(&self, normal: &normal::Normal, context: &Context) -> normal::Normal {
        let names: Vec<String> = context.names.iter().map(|n| normal::folded(n)).collect();
        let named = |w: &str| names.iter().any(|n| n.split(' ').any(|part| part == w));
        let mended = normal.replaced(|w| if named(w) { None } else { self.lexicon.typos.mended(w) });
        mended.unwrap_or_else(|| normal.clone())
    }

    fn read_loosely<'a>(
        &self,
        names: &[TableName],
        text: &'a str,
        normal: normal::Normal,
        tongues: &Tongues<'_>,
    ) -> Reading<'a> {
        let all = || [TableName::Common].iter().chain(names);
        let strict = all().filter_map(|n| self.lexicon.tables.get(n));
        let tables: Vec<_> = strict.chain(all().filter_map(|n| self.lexicon.loose.get(n))).collect();
        Reading::new(text, normal, &tables, tongues)
    }

    fn understand_as(&self, question: Option<Question>, text: &str, context: &Context, reading: Reading<'_>) -> Heard {
        let ask = Ask { words: self, reading, text, context };
        if ask.reading.has(Label::Auto) && !ask.reading.normal.text.is_empty() && !is_free(question) {
            return Heard::none();
        }
        let universal = ask.universal();
        let back = question.is_some_and(|q| q != Question::Charter && !is_free(question)) && ask.asks_back();
        let told = question.is_some_and(|q| reported::by_oneself(q) && ask.told_of_another());
        let own = question.filter(|_| !back && !told).map_or_else(Heard::none, |q| ask.answer(q));
        match universal {
            Some(heard) if own.is_none() || is_free(question) || question.is_some_and(names_its_answers) => heard,
            _ if own.certainty == Certainty::Sure
                && ((question.is_some_and(counts_numbers) && (ask.leaves_a_number() || ask.swallows()))
                    || ask.takes_back()) =>
            {
                Heard::probable(own.meaning)
            }
            _ if own.is_none() && !is_free(question) && ask.asks_to_stop() => Heard::probable(Meaning::Stop),
            _ => own,
        }
    }

    fn read_in<'a>(&self, names: &[TableName], text: &'a str, tongues: &Tongues<'_>) -> Reading<'a> {
        self.read_normal(names, text, self.lexicon.spelling.normal(text), tongues)
    }

    fn read_normal<'a>(
        &self,
        names: &[TableName],
        text: &'a str,
        normal: normal::Normal,
        tongues: &Tongues<'_>,
    ) -> Reading<'a> {
        let all = [TableName::Common].iter().chain(names);
        let tables: Vec<_> = all.filter_map(|n| self.lexicon.tables.get(n)).collect();
        Reading::new(text, normal, &tables, tongues)
    }

    fn read<'a>(&self, names: &[TableName], text: &'a str) -> Reading<'a> {
        self.read_in(names, head(text), &self.tongues(&Language::french(), false))
    }
}

/// Without lines that quote another mail, where some do and others don't.
fn unquoted(text: &str) -> Option<String> {
    let quotes = |line: &&str| line.trim_start().starts_with('>');
    let own: Vec<&str> = text.lines().filter(|l| !quotes(l)).collect();
    let some = text.lines().any(|l| quotes(&l)) && own.iter().any(|l| !l.trim().is_empty());
    some.then(|| own.join("\n"))
}

/// A poll that was answered by a table, told in lines.
fn table(question: Option<Question>, text: &str) -> Option<String> {
    (question == Some(Question::DatePoll)).then(|| signs::told(head(text))).flatten()
}

/// The phrases that count for a question.
fn tables(question: Option<Question>) -> &'static [TableName] {
    match question {
        None => &[],
        Some(Question::Attendance) => &[TableName::Consent, TableName::Attendance],
        Some(Question::Confirm) => &[TableName::Consent, TableName::Confirm],
        Some(Question::Swap) => &[TableName::Consent, TableName::Volunteer, TableName::Swap],
        Some(Question::DatePoll) => &[TableName::DatePoll],
        Some(Question::Choice) => &[TableName::Choice],
        Some(Question::Charter) => &[TableName::Consent, TableName::Charter],
        Some(Question::Quorum) => &[TableName::Quorum],
        Some(Question::Volunteer) => &[TableName::Consent, TableName::Volunteer],
        Some(Question::Counter) => &[TableName::Consent, TableName::Counter],
        Some(Question::Share) => &[TableName::Consent, TableName::Share],
        Some(Question::Review) => &[TableName::Consent, TableName::Review],
        Some(Question::NoSubject) => &[TableName::NoSubject],
        Some(Question::Live) => &[TableName::Live],
        Some(Question::Subject) => &[TableName::Subject],
        Some(Question::StepRequest) => &[TableName::StepRequest],
        Some(Question::Progress) => &[TableName::Progress],
        Some(
            Question::Contribution | Question::Learning | Question::Note | Question::ActionPlan | Question::LastCall,
        ) => &[TableName::Free],
    }
}

/// Questions answered by free text: it is taken as it is, never interpreted.
fn is_free(question: Option<Question>) -> bool {
    use Question::{ActionPlan, Contribution, LastCall, Learning, Note, StepRequest, Subject};
    matches!(question, Some(ActionPlan | Contribution | LastCall | Learning | Note | StepRequest | Subject))
}

/// Questions answered by naming something: "scrap my last reply" names no last choice.
fn names_its_answers(question: Question) -> bool {
    matches!(question, Question::DatePoll | Question::Choice)
}

/// Questions answered by telling what is to be done: "could you please …" tells it too.
fn takes_orders(question: Question) -> bool {
    matches!(question, Question::Live | Question::NoSubject | Question::Quorum | Question::Review | Question::Progress)
}

/// Questions in which a number that no phrase took up may change what is meant.
fn counts_numbers(question: Question) -> bool {
    use Question::{Attendance, Charter, Confirm, Counter, Live, NoSubject, Quorum, Share, Swap, Volunteer};
    matches!(question, Attendance | Charter | Confirm | Counter | Live | NoSubject | Quorum | Share | Swap | Volunteer)
}

impl Ask<'_> {
    /// "Oui à 80 %": a number stands in no phrase.
    fn leaves_a_number(&self) -> bool {
        let r = &self.reading;
        let taken = |i: usize| r.spans.iter().any(|s| s.tokens.contains(&i));
        let number = |t: &normal::Token| t.text.starts_with(|c: char| c.is_ascii_digit());
        r.normal.tokens.iter().enumerate().any(|(i, t)| number(t) && !taken(i))
    }

    /// "I approved too quickly, please cancel my last reply".
    fn takes_back(&self) -> bool {
        self.reading.all(Label::Undo).any(|s| s.tokens.len() >= BACK && !self.reading.negated(s))
    }

    /// A phrase took up so many words that some may turn it round.
    fn swallows(&self) -> bool {
        let courtesy = [Label::Greeting, Label::Closing, Label::Filler];
        self.reading.spans.iter().any(|s| s.tokens.len() > FAR && !courtesy.contains(&s.label))
    }

    fn answer(&self, question: Question) -> Heard {
        match question {
            Question::Attendance => self.attendance(),
            Question::Volunteer | Question::Swap => self.volunteer(),
            Question::Confirm => self.confirm(),
            Question::DatePoll => self.date_poll(),
            Question::Choice => self.option(),
            Question::Charter => self.charter(),
            Question::Quorum => self.quorum(),
            Question::Counter => self.counter(),
            Question::Share => self.share(),
            Question::Review => self.review(),
            Question::NoSubject => self.no_subject(),
            Question::Live => self.live(),
            Question::Subject => self.subject(),
            Question::StepRequest => self.step_request(),
            Question::Progress => self.progress(),
            Question::Contribution | Question::Learning | Question::Note => self.free(),
            Question::ActionPlan => self.action_plan(),
            Question::LastCall => self.last_call(),
        }
    }

    /// "Qui vient ?", "when is it?": all that is said, courtesy apart, is a question back.
    fn asks_back(&self) -> bool {
        let r = &self.reading;
        let courtesy = [Label::Greeting, Label::Filler, Label::Closing, Label::Ignore, Label::Ok];
        let tokens = &r.normal.tokens;
        let span_at = |i: usize| r.spans.iter().find(|s| s.tokens.contains(&i));
        let light = |i: usize| tokens[i].is_mark() || span_at(i).is_some_and(|s| courtesy.contains(&s.label));
        let query = |i: usize| {
            let covered = span_at(i).is_some_and(|s| !courtesy.contains(&s.label));
            !covered && self.words.lexicon.persons.query.contains(&tokens[i].text)
        };
        let (mut asked, mut start) = (false, 0);
        for sentence in tokens.split_inclusive(|t| matches!(t.text.as_str(), "." | "?")) {
            let range = start..start + sentence.len();
            start = range.end;
            let ends = sentence.last().is_some_and(|t| t.text == "?");
            if ends && range.clone().find(|i| query(*i) || !light(*i)).is_some_and(query) {
                asked = true;
            } else if !range.clone().all(light) {
                return false;
            }
        }
        asked
    }

    /// The name in a phrase as it was written, in the member's own letters: the whole name if all of it stands there.
    fn name(&self, span: &scan::Span) -> Option<String> {
        let bytes = span.name.clone()?;
        let tokens = &self.reading.normal.tokens;
        let at = tokens.iter().position(|t| t.from.start >= bytes.start)?;
        let found = self.context.names.iter().filter_map(|name| self.stands_around(name, at)).max_by_key(|r| r.len());
        let bytes = found.unwrap_or_else(|| hyphenated(self.reading.original, bytes));
        Some(self.spelled(self.reading.quote(&bytes)))
    }

    /// The one member named in the text.
    fn sole_member(&self) -> Option<String> {
        let tokens = &self.reading.normal.tokens;
        let stands = |name: &&String| {
            let folded = normal::folded(name);
            let whole = (0..tokens.len()).any(|at| self.stands_around(name, at).is_some());
            whole || folded.split(' ').any(|part| part.len() > 2 && tokens.iter().any(|t| t.text == part))
        };
        let mut found = self.context.names.iter().filter(stands);
        found.next().filter(|_| found.next().is_none()).cloned()
    }

    /// The member of that name, or the only one with such a part in theirs; else as it is written.
    fn spelled(&self, written: &str) -> String {
        let sought = normal::folded(written);
        let whole = self.context.names.iter().find(|n| normal::folded(n) == sought);
        let of_part = |name: &&String| name.split(' ').any(|part| normal::folded(part) == sought);
        let mut parts = self.context.names.iter().filter(of_part);
        let only = || parts.next().filter(|_| parts.next().is_none());
        whole.or_else(only).map_or_else(|| written.to_owned(), Clone::clone)
    }

    /// Where a member's name, in whole, stands around this token.
    fn stands_around(&self, name: &str, at: usize) -> Option<std::ops::Range<usize>> {
        let tokens = &self.reading.normal.tokens;
        let folded = normal::folded(name);
        let parts: Vec<&str> = folded.split(' ').collect();
        (at.saturating_sub(parts.len() - 1)..=at).find_map(|start| {
            let here = tokens.get(start..start + parts.len())?;
            let same = here.iter().zip(&parts).all(|(t, p)| t.text == *p);
            same.then(|| Some(here.first()?.from.start..here.last()?.from.end))?
        })
    }

    /// The phrase names a member.
    fn is_member(&self, span: &scan::Span) -> bool {
        span.name.as_ref().is_some_and(|b| self.names_member(&normal::folded(self.reading.quote(b))))
    }

    /// A word that is part of a member's name.
    fn names_member(&self, word: &str) -> bool {
        let part_of = |name: &String| normal::folded(name).split(' ').any(|part| part == word);
        !word.is_empty() && self.context.names.iter().any(part_of)
    }
}

/// A hyphen joins the parts of a first name.
fn hyphenated(text: &str, bytes: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let rest = text.get(bytes.end..).filter(|r| r.starts_with('-')).unwrap_or_default();
    let more = rest.find(|c: char| c != '-' && !c.is_alphabetic()).unwrap_or(rest.len());
    bytes.start..bytes.end + more
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_phrase_of_our_lists_compiles() {
        Words::parse(&lexicon::embedded().unwrap()).unwrap();
    }
}

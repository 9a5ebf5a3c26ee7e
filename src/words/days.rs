//! What is said of each day offered, as learned: the text is shown to the model once for each of them, with the words
//! that name it marked, those around it apart, and what the rules of `poll.rs` heard of it.

use super::learned::{Features, hash};
use super::offered::Mention;
use super::scan::Span;
use super::{Ask, Context, Heard, Words};
use crate::core::draft::Question;
use crate::core::event::{Certainty, Meaning, Suits};
use crate::core::ids::Language;
use chrono::{Datelike, Timelike};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The model's name for one day of the poll.
pub const DAY: &str = "date_poll.day";
/// What is said of a day that nothing is said of.
pub const UNSAID: &str = "unsaid";
/// Words to either side that speak of a day.
const AROUND: usize = 7;
/// Of these, those whose distance counts.
const CLOSE: usize = 3;
/// A verdict is taken where it is likelier than all others together.
const LIKELY: f32 = 0.5;
/// What the rules are sure of is told otherwise only where so much speaks for that.
const OVERTURNS: f32 = 0.9;
/// What the rules are sure of stays so where as much speaks for it, for each day.
const CERTAIN: f32 = 0.95;

impl Words {
    /// What a text shows of each of the days offered, with what the rules heard.
    pub fn day_features(&self, language: &Language, text: &str, context: &Context, heard: &Heard) -> Vec<Features> {
        let ask = self.poll(language, text, context);
        let mentions = ask.mentions();
        let certainty = super::second::certainty(heard);
        let day = |day: usize| {
            let (all, near) = (ask.marked(&mentions, day), ask.near(&mentions, day));
            Features { words: ask.words(), all, near, heard: None }.heard(verdict(heard, day), certainty)
        };
        (0..context.choices.len()).map(day).collect()
    }

    /// Days that a word for one fits as well as others: "vendredi" of two. A no is meant of all of them.
    fn unclear_days(&self, language: &Language, text: &str, context: &Context) -> BTreeSet<usize> {
        let mentions = self.poll(language, text, context).mentions();
        let (unclear, clear): (Vec<&Mention>, Vec<&Mention>) = mentions.iter().partition(|m| m.ambiguous);
        let named = |day: &usize| clear.iter().any(|m| m.choices.contains(day));
        unclear.iter().flat_map(|m| m.choices.clone()).filter(|day| !named(day)).collect()
    }

    /// Days of which the rules took over what was said of the one before, "the 8th no, the 10th same", or weighed one
    /// against the other, "the 8th rather than the 10th".
    fn days_as_before(&self, language: &Language, text: &str, context: &Context) -> BTreeSet<usize> {
        let ask = self.poll(language, text, context);
        let (mentions, tokens) = (ask.mentions(), &ask.reading.normal.tokens);
        let same = |m: &Mention| {
            let behind = tokens.get(m.tokens.end).is_some_and(|t| self.lexicon.offered.same.contains(&t.text));
            behind && tokens.get(m.tokens.end + 1).is_none_or(super::normal::Token::is_mark)
        };
        let weighed = !ask.less_wanted(&mentions).is_empty();
        { mentions.iter().enumerate() }
            .filter(|(i, m)| weighed || *i > 0 && same(m))
            .flat_map(|(_, m)| m.choices.clone())
            .collect()
    }

    /// "Yes yes no yes": a word for each day, in their order. None is named that the model could say anything of.
    fn in_their_order(&self, language: &Language, text: &str, context: &Context, heard: &Heard) -> bool {
        let Meaning::Answers { choices } = &heard.meaning else { return false };
        let differ = choices.values().any(|suits| Some(suits) != choices.values().next());
        let names = |mention: &Mention| !mention.choices.is_empty();
        differ && !self.poll(language, text, context).mentions().iter().any(names)
    }

    fn poll<'a>(&'a self, language: &'a Language, text: &'a str, context: &'a Context) -> Ask<'a> {
        let tables = super::tables(Some(Question::DatePoll));
        let reading = self.read_in(tables, super::head(text), &self.tongues(language, false));
        Ask { words: self, reading, text, context }
    }

    /// What the rules heard, day by day weighed against what such answers meant before; nothing where the days offered
    /// are not known, or none of them is spoken of.
    pub(super) fn days(&self, language: &Language, text: &str, context: &Context, heard: &Heard) -> Option<Heard> {
        if heard.certainty == Certainty::Sure && self.in_their_order(language, text, context, heard) {
            return Some(heard.clone());
        }
        let features = self.day_features(language, text, context, heard);
        let as_before = self.days_as_before(language, text, context);
        let mut doubtful = false;
        let told: Vec<(usize, Option<Suits>)> = { features.iter().enumerate() }
            .map(|(day, features)| {
                let shares = self.learned.weigh(DAY, features);
                let share = shares.first().map_or(0.0, |(_, share)| *share);
                doubtful |= share < CERTAIN;
                let told = verdict(heard, day);
                let clear = heard.certainty == Certainty::Sure && told != UNSAID;
                let enough = if clear { OVERTURNS } else { LIKELY };
                let open = share >= enough && !(told != UNSAID && as_before.contains(&day));
                let likely = shares.first().filter(|_| open).map(|(class, _)| *class);
                (day, suits(likely.unwrap_or(told)))
            })
            .collect();
        let unclear = self.unclear_days(language, text, context);
        let clear = told.into_iter().filter(|(day, suits)| *suits == Some(Suits::No) || !unclear.contains(day));
        let said: BTreeMap<u32, Suits> =
            clear.filter_map(|(day, suits)| Some((u32::try_from(day).ok()? + 1, suits?))).collect();
        if said.is_empty() {
            return None;
        }
        // "ce sera sans moi" names no day: of all of them or of none
        let many = context.choices.len();
        let named = || !self.poll(language, text, context).mentions().is_empty();
        if alike(&heard.meaning, many) && !alike(&Meaning::Answers { choices: said.clone() }, many) && !named() {
            return Some(heard.clone());
        }
        let refused = said.len() == many && said.values().all(|s| *s == Suits::No);
        let meaning = if refused { Meaning::NoneWorks } else { Meaning::Answers { choices: said } };
        let sure = heard.certainty == Certainty::Sure && heard.meaning == meaning && !doubtful;
        Some(Heard::sure_if(meaning, sure))
    }
}

/// Is the same said of all days?
fn alike(meaning: &Meaning, many: usize) -> bool {
    match meaning {
        Meaning::NoneWorks => true,
        Meaning::Answers { choices: days } => {
            days.len() == many && days.values().all(|suits| Some(suits) == days.values().next())
        }
        _ => false,
    }
}

/// What was heard of a day, from 0.
fn verdict(heard: &Heard, day: usize) -> &'static str {
    match &heard.meaning {
        Meaning::NoneWorks => "no",
        Meaning::Answers { choices } => {
            let suits = u32::try_from(day).ok().and_then(|day| choices.get(&(day + 1)));
            suits.map_or(UNSAID, |suits| match suits {
                Suits::Yes => "yes",
                Suits::No => "no",
                Suits::IfNeeded => "if_needed",
            })
        }
        _ => UNSAID,
    }
}

fn suits(class: &str) -> Option<Suits> {
    match class {
        "yes" => Some(Suits::Yes),
        "no" => Some(Suits::No),
        "if_needed" => Some(Suits::IfNeeded),
        _ => None,
    }
}

/// Up to the next day or the sentence's end: what is said of this one alone.
fn own<'s>(side: &str, walk: impl Iterator<Item = &'s Symbol>, near: &mut BTreeSet<u32>) {
    let ends = |s: &&Symbol| !matches!(s.text.as_str(), "." | "?") && !s.text.starts_with('@');
    let own: Vec<&str> = walk.take_while(ends).map(|s| s.text.as_str()).collect();
    for two in [&["^"], &own[..], &["$"]].concat().windows(2) {
        near.insert(hash(b'o', &[side, two[0], two[1]]));
    }
    for word in own.iter().filter(|w| w.len() > 3) {
        let letters: Vec<char> = std::iter::once('<').chain(word.chars().take(40)).chain(['>']).collect();
        near.extend(letters.windows(4).map(|part| hash(b'l', &[side, &part.iter().collect::<String>()])));
    }
}

/// A word, or what stands for several: a day, this or another one.
struct Symbol {
    text: String,
    tokens: Range<usize>,
}

impl Ask<'_> {
    /// The text with this day and the others marked.
    fn symbols(&self, mentions: &[Mention], day: usize) -> Vec<Symbol> {
        let tokens = &self.reading.normal.tokens;
        let mut symbols = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            if let Some(mention) = mentions.iter().find(|m| m.tokens.start == at && !m.tokens.is_empty()) {
                let mark = match (mention.choices.contains(&day), mention.rest) {
                    (true, false) if mention.ambiguous => "@any",
                    (true, false) if mention.choices.len() > 1 => "@these",
                    (true, false) => "@this",
                    (true, true) => "@rest",
                    (false, _) => "@other",
                };
                symbols.push(Symbol { text: mark.to_owned(), tokens: mention.tokens.clone() });
                at = mention.tokens.end;
            } else {
                let number = tokens[at].text.starts_with(|c: char| c.is_ascii_digit());
                let word = if number { "#" } else { tokens[at].text.as_str() };
                let text = self.part_of(word, day).unwrap_or(word);
                symbols.push(Symbol { text: text.to_owned(), tokens: at..at + 1 });
                at += 1;
            }
        }
        symbols
    }

    /// A part of the day or a month, which this day lies in or not.
    fn part_of(&self, word: &str, day: usize) -> Option<&'static str> {
        let choice = self.context.choices.get(day)?;
        if let Some((from, to)) = self.words.lexicon.offered.parts.get(word) {
            return Some(if (*from..*to).contains(&choice.hour()) { "@part" } else { "@otherpart" });
        }
        let month = self.words.lexicon.dates.month(word)?;
        let several = self.context.choices.iter().any(|c| c.month() != choice.month());
        several.then_some(if month == choice.month() { "@month" } else { "@othermonth" })
    }

    /// The words by themselves.
    fn words(&self) -> BTreeSet<u32> {
        let words = self.reading.normal.tokens.iter().filter(|t| t.text.contains(char::is_alphabetic));
        words.map(|t| hash(b'd', &[&t.text])).collect()
    }

    /// One and two symbols in a row of all of it.
    fn marked(&self, mentions: &[Mention], day: usize) -> BTreeSet<u32> {
        let symbols = self.symbols(mentions, day);
        let ends = |text: &str| Symbol { text: text.to_owned(), tokens: 0..0 };
        let all: Vec<Symbol> = [ends("^")].into_iter().chain(symbols).chain([ends("$")]).collect();
        let one = all.iter().map(|s| hash(b'd', &[&s.text]));
        let two = all.windows(2).map(|w| hash(b'd', &[&w[0].text, &w[1].text]));
        let labels = self.reading.spans.iter().map(|s| hash(b'd', &[&format!("{:?}", s.label)]));
        one.chain(two).chain(labels).collect()
    }

    /// The words around each place that names this day, up to the end of the sentence, by side and distance.
    fn near(&self, mentions: &[Mention], day: usize) -> BTreeSet<u32> {
        let symbols = self.symbols(mentions, day);
        let mut near = BTreeSet::new();
        let named = |s: &Symbol| matches!(s.text.as_str(), "@this" | "@these" | "@any" | "@rest" | "@part" | "@month");
        for (at, here) in symbols.iter().enumerate().filter(|(_, s)| named(s)) {
            near.insert(hash(b'n', &[&here.text]));
            let after = symbols.get(at + 1..).unwrap_or_default();
            let before = symbols.get(..at).unwrap_or_default();
            self.side("+", &here.text, after.iter(), &mut near);
            self.side("-", &here.text, before.iter().rev(), &mut near);
            own("+", after.iter(), &mut near);
            own("-", before.iter().rev(), &mut near);
            self.together(&symbols, at, &mut near);
        }
        if near.is_empty() {
            near.insert(hash(b'n', &["@absent", if mentions.is_empty() { "all" } else { "this" }]));
        }
        near
    }

    /// "Le 10, le 13 et le 17": what is said to either side of all of them.
    fn together(&self, symbols: &[Symbol], at: usize, near: &mut BTreeSet<u32>) {
        let offered = &self.words.lexicon.offered;
        let is_day = |s: &Symbol| matches!(s.text.as_str(), "@this" | "@these" | "@any" | "@other");
        let joins = |s: &Symbol| s.text == "," || offered.and.contains(&s.text) || offered.articles.contains(&s.text);
        let run = |walk: &mut dyn Iterator<Item = (usize, &Symbol)>| {
            let list = walk.take_while(|(_, s)| is_day(s) || joins(s));
            list.filter(|(_, s)| is_day(s)).last().map_or(at, |(at, _)| at)
        };
        let end = run(&mut symbols.iter().enumerate().skip(at));
        let start = run(&mut symbols.iter().enumerate().take(at + 1).rev());
        if start == end {
            return;
        }
        let inner = symbols.get(start..end).unwrap_or_default();
        let kind = if inner.iter().any(|s| offered.and.contains(&s.text)) { "and" } else { "," };
        let place = if at == end { "last" } else { "list" };
        let ends = |s: &&Symbol| !matches!(s.text.as_str(), "." | "?") && !s.text.starts_with('@');
        let after = symbols.get(end + 1..).unwrap_or_default().iter().take_while(ends);
        let before = symbols.get(..start).unwrap_or_default().iter().rev().take_while(ends);
        for (side, walk) in [("+", after.collect::<Vec<_>>()), ("-", before.collect())] {
            let words: Vec<&str> = walk.iter().map(|s| s.text.as_str()).collect();
            for two in [&["^"], &words[..], &["$"]].concat().windows(2) {
                near.insert(hash(b'g', &[kind, side, two[0], two[1]]));
            }
            for symbol in walk.iter().take(AROUND) {
                near.insert(hash(b'g', &[kind, place, side, &symbol.text]));
                let label = self.reading.spans.iter().find(|s: &&Span| s.tokens.contains(&symbol.tokens.start));
                near.extend(label.map(|s| hash(b'g', &[side, &format!("{:?}", s.label)])));
            }
        }
    }

    /// One side of a place, walking away from it.
    fn side<'s>(&self, side: &str, here: &str, walk: impl Iterator<Item = &'s Symbol>, near: &mut BTreeSet<u32>) {
        let (mut last, mut crossed) = (here.to_owned(), "");
        for (far, symbol) in walk.take(AROUND).enumerate() {
            if matches!(symbol.text.as_str(), "." | "?") && (far > 0 || side == "-") {
                near.insert(hash(b'n', &[side, crossed, "end"]));
                break;
            }
            let label = self.reading.spans.iter().find(|s: &&Span| s.tokens.contains(&symbol.tokens.start));
            for word in label.map(|s| format!("{:?}", s.label)).iter().chain([&symbol.text]) {
                near.insert(hash(b'n', &[side, crossed, word]));
                if far < CLOSE {
                    near.insert(hash(b'n', &[side, &far.to_string(), word]));
                }
            }
            near.insert(hash(b'n', &[side, crossed, &last, &symbol.text]));
            last.clone_from(&symbol.text);
            // behind another day, or behind a comma, words may speak of something else
            match symbol.text.as_str() {
                "@other" => crossed = "beyond",
                "," if crossed.is_empty() => crossed = "comma",
                _ => {}
            }
        }
    }
}

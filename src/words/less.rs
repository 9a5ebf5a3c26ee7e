//! "The 8th rather than the 10th", "plutôt le 8 que le 10": of two days the one that is wanted less. The rest of the text
//! is read without it.

use super::offered::Mention;
use super::scan::Tongues;
use super::{Ask, Context, Heard, Words};
use crate::core::draft::Question;
use crate::core::event::{Meaning, Suits};
use std::ops::Range;

/// A day that another is preferred to.
pub(super) struct Less {
    /// Which of the places that name days.
    at: usize,
    pub(super) choices: Vec<usize>,
    /// Refused, or possible.
    suits: Suits,
    /// The words that set it behind the other, and its own.
    tokens: Range<usize>,
}

impl Words {
    /// What is said of the days, where some of them are wanted less than others.
    pub(super) fn less_said(&self, text: &str, context: &Context, tongues: &Tongues<'_>) -> Option<Heard> {
        let question = Some(Question::DatePoll);
        let reading = self.read_in(super::tables(question), super::head(text), tongues);
        let ask = Ask { words: self, reading, text, context };
        let less = ask.less_wanted(&ask.mentions());
        let tokens = &ask.reading.normal.tokens;
        let (mut rest, mut at) = (String::new(), 0);
        for one in &less {
            rest.push_str(text.get(at..tokens.get(one.tokens.start)?.from.start)?);
            rest.push(' ');
            at = tokens.get(one.tokens.end.checked_sub(1)?)?.from.end;
        }
        rest.push_str(text.get(at..)?);
        let heard = if less.is_empty() { return None } else { self.understand_in(question, &rest, context, tongues) };
        let Meaning::Answers { mut choices } = heard.meaning else { return None };
        for (day, suits) in less.iter().flat_map(|l| l.choices.iter().map(|day| (day, l.suits))) {
            choices.insert(u32::try_from(*day).ok()? + 1, suits);
        }
        Some(Heard::probable(Meaning::Answers { choices }))
    }
}

impl Ask<'_> {
    /// The days that another is preferred to.
    pub(super) fn less_wanted(&self, mentions: &[Mention]) -> Vec<Less> {
        let mut found: Vec<Less> = Vec::new();
        for (at, mention) in mentions.iter().enumerate().filter(|(_, m)| !m.rest && !m.bound) {
            let before = at.checked_sub(1).map(|i| &mentions[i]);
            let gap = before.map_or(0, |m| m.tokens.end)..mention.tokens.start;
            let last = found.last().filter(|less| less.at + 1 == at && self.joins(gap.clone()));
            let behind = match last {
                Some(less) => Some((less.suits, gap.start)),
                None => self.set_behind(before, gap),
            };
            let next = mentions.get(at + 1).map_or(usize::MAX, |m| m.tokens.start);
            let end = Some(self.told_behind(mention)).filter(|end| *end <= next).unwrap_or(mention.tokens.end);
            found.extend(behind.map(|(suits, start)| Less {
                at,
                choices: mention.choices.clone(),
                suits,
                tokens: start..end,
            }));
        }
        found
    }

    /// Where a day ends, with what is told of it: "the 10th, which is a holiday".
    fn told_behind(&self, day: &Mention) -> usize {
        let (tokens, persons) = (&self.reading.normal.tokens, &self.words.lexicon.persons);
        let told = tokens.get(day.tokens.end).is_some_and(|t| persons.query.contains(&t.text));
        let rest = tokens.iter().skip(day.tokens.end).take_while(|t| told && !t.is_mark());
        day.tokens.end + rest.count()
    }

    /// "Or", and articles.
    fn joins(&self, gap: Range<usize>) -> bool {
        let offered = &self.words.lexicon.offered;
        let light = |text: &String| offered.and.contains(text) || offered.articles.contains(text);
        !gap.is_empty() && self.reading.normal.tokens[gap].iter().all(|t| light(&t.text))
    }

    /// What the words before a day make of it, and where they begin.
    fn set_behind(&self, before: Option<&Mention>, gap: Range<usize>) -> Option<(Suits, usize)> {
        let (tokens, offered) = (&self.reading.normal.tokens, &self.words.lexicon.offered);
        let light = |i: &usize| offered.articles.contains(&tokens[*i].text);
        let end = gap.clone().rev().find(|i| !light(i)).map_or(gap.start, |i| i + 1);
        let start = |phrase: &String| {
            let words: Vec<&str> = phrase.split(' ').collect();
            // "over the 10th" may be said of how long it takes
            let telling = words.len() > 1 || before.is_some();
            let start = end.checked_sub(words.len()).filter(|start| *start >= gap.start && telling)?;
            words.iter().zip(&tokens[start..end]).all(|(word, t)| t.text == *word).then_some(start)
        };
        if let Some(start) = offered.instead.iter().find_map(start) {
            return Some((Suits::No, start));
        }
        let first = before?;
        let clause = self.reading.breaks.iter().rev().find(|b| **b < first.tokens.start).map_or(0, |b| b + 1);
        let said = |list: &[String]| (clause..gap.start).any(|i| list.contains(&tokens[i].text));
        let rather = said(&offered.rather);
        let compared = offered.compared.contains(&tokens.get(gap.start)?.text);
        let bare = (gap.start + 1..gap.end).all(|i| offered.articles.contains(&tokens[i].text));
        let preferred = rather || said(&offered.prefers);
        (preferred && compared && bare).then_some((if rather { Suits::No } else { Suits::IfNeeded }, gap.start))
    }
}

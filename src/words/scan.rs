//! Finding the phrases of the word lists in a text, the longest first, and what stands around them.

use super::label::Label;
use super::normal::Normal;
use super::sieve::Sieve;
use crate::core::ids::Language;
use regex::Regex;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::OnceLock;

/// A list of phrases.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    patterns: Vec<(Phrase, Label, Language)>,
    /// Made when something is first looked for in it.
    sieve: OnceLock<Option<Sieve>>,
}

/// A phrase, compiled when it may first be in a text: the lists hold thousands, and few are ever met.
#[derive(Debug, Clone)]
pub(super) struct Phrase {
    pattern: String,
    regex: OnceLock<Option<Regex>>,
}

impl Phrase {
    /// Of a list of ours, which the tests have compiled.
    pub(super) fn trusted(pattern: String) -> Self {
        Self { pattern, regex: OnceLock::new() }
    }

    /// Of anybody's list: compiled at once, to tell what is wrong with it.
    pub(super) fn checked(pattern: String) -> Result<Self, regex::Error> {
        let regex = bordered(&pattern)?;
        Ok(Self { pattern, regex: OnceLock::from(Some(regex)) })
    }

    fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| bordered(&self.pattern).ok()).as_ref()
    }
}

/// A pattern between two words' borders; the whole of it is the group `all`.
pub(super) fn bordered(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(&format!(r"(?:^| )(?P<all>{pattern})(?: |$)"))
}

/// A phrase that was found: tokens from … to, what it says, and what it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) tokens: Range<usize>,
    pub(super) label: Label,
    /// The number in it.
    pub(super) n: Option<u32>,
    /// Bytes of the original that are the name in it.
    pub(super) name: Option<Range<usize>>,
    /// In the member's own language.
    own: bool,
}

impl Table {
    pub(super) fn add(&mut self, phrase: Phrase, label: Label, language: &Language) {
        self.patterns.push((phrase, label, language.clone()));
        self.sieve = OnceLock::new();
    }

    /// The phrases that may be in it, in their order.
    fn candidates(&self, text: &str) -> impl Iterator<Item = &(Phrase, Label, Language)> {
        let sieve = self.sieve.get_or_init(|| Sieve::of(self.patterns.iter().map(|(phrase, ..)| &*phrase.pattern)));
        let places = sieve.as_ref().map_or_else(|| (0..self.patterns.len()).collect(), |sieve| sieve.may_match(text));
        places.into_iter().filter_map(|place| self.patterns.get(place))
    }

    fn find(&self, normal: &Normal, tongues: &Tongues<'_>, found: &mut Vec<Span>) {
        let own = tongues.own;
        let counts = |language: &Language| language == own || !(tongues.alone || tongues.light.contains(language));
        let mine = self.candidates(&normal.text).filter(|(_, _, l)| counts(l));
        let compiled = mine.filter_map(|(phrase, label, language)| Some((phrase.regex()?, label, language)));
        for (regex, label, language) in compiled.filter(|(regex, _, _)| regex.is_match(&normal.text)) {
            let (names, numbers): (Vec<_>, Vec<_>) =
                regex.capture_names().flatten().filter(|g| g.starts_with('n')).partition(|g| g.starts_with("name"));
            let mut at = 0;
            while let Some(groups) = regex.captures_at(&normal.text, at) {
                let Some(all) = groups.name("all") else { break };
                // The blank after a match may be the blank before the next.
                at = past(&normal.text, at, all.end());
                found.push(Span {
                    tokens: normal.tokens_in(&all.range()),
                    label: *label,
                    n: numbers.iter().find_map(|n| groups.name(n)?.as_str().parse().ok()),
                    name: names.iter().find_map(|n| groups.name(n)).map(|n| normal.original(&n.range())),
                    own: language == own,
                });
                if at >= normal.text.len() {
                    break;
                }
            }
        }
    }
}

/// Where to look on after a match that ended there: always further, and at a character.
pub(super) fn past(text: &str, at: usize, end: usize) -> usize {
    (end.max(at + 1)..text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len())
}

/// A name under the closing belongs to it: "Bien à vous, H. Garnier".
fn sign(original: &str, normal: &Normal, spans: &mut [Span]) {
    let Some(last) = spans.last_mut().filter(|s| s.label == Label::Closing) else { return };
    let rest = normal.tokens.get(last.tokens.end..).unwrap_or_default();
    let capital =
        |t: &super::normal::Token| original.get(t.from.clone()).is_some_and(|w| w.starts_with(char::is_uppercase));
    if rest.iter().filter(|t| !t.is_mark()).count() <= 4 && rest.iter().all(|t| t.is_mark() || capital(t)) {
        last.tokens.end = normal.tokens.len() - usize::from(rest.last().is_some_and(super::normal::Token::is_mark));
    }
}

/// Whose phrases count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tongues<'a> {
    /// The writer's language.
    pub(super) own: &'a Language,
    /// Languages whose few words count for their own writers alone.
    pub(super) light: &'a BTreeSet<Language>,
    /// No other language is looked at.
    pub(super) alone: bool,
}

/// A text with its phrases; what the rules of a question look at.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    pub(super) original: &'a str,
    pub(super) normal: Normal,
    /// In order, never overlapping.
    pub(super) spans: Vec<Span>,
    /// Tokens that end a clause: marks, and "but".
    pub(super) breaks: Vec<usize>,
}

impl<'a> Reading<'a> {
    /// Scans with all tables together: of two phrases that overlap the longer holds.
    pub(super) fn new(original: &'a str, normal: Normal, tables: &[&Table], tongues: &Tongues<'_>) -> Self {
        let mut found = Vec::new();
        tables.iter().for_each(|t| t.find(&normal, tongues, &mut found));
        found.retain(|s| !s.tokens.is_empty());
        found.sort_by_key(|s| (std::cmp::Reverse(s.tokens.len()), s.label.rank(), !s.own, s.tokens.start));
        let mut taken = vec![false; normal.tokens.len()];
        let mut spans = Vec::new();
        for span in found {
            let free = taken.get(span.tokens.clone()).is_some_and(|t| t.iter().all(|t| !t));
            if free {
                taken[span.tokens.clone()].fill(true);
                spans.push(span);
            }
        }
        spans.sort_by_key(|s| s.tokens.start);
        sign(original, &normal, &mut spans);
        let is_mark = |i: usize| normal.tokens.get(i).is_some_and(super::normal::Token::is_mark);
        let free_mark = |i: &usize| is_mark(*i) && !taken.get(*i).copied().unwrap_or(false);
        let mut breaks: Vec<usize> = (0..normal.tokens.len()).filter(free_mark).collect();
        breaks.extend(spans.iter().filter(|s| s.label == Label::But).flat_map(|s| s.tokens.clone()));
        breaks.sort_unstable();
        Self { original, normal, spans, breaks }
    }

    /// All phrases of this label.
    pub(super) fn all(&self, label: Label) -> impl Iterator<Item = &Span> {
        self.spans.iter().filter(move |s| s.label == label)
    }

    /// Whether it is said at all.
    pub(super) fn has(&self, label: Label) -> bool {
        self.all(label).next().is_some()
    }

    /// Whether it is said and meant: neither negated nor asked.
    pub(super) fn says(&self, label: Label) -> bool {
        self.all(label).any(|s| !self.negated(s) && !self.asked(s))
    }

    /// The first phrase that is said and meant.
    pub(super) fn first(&self, label: Label) -> Option<&Span> {
        self.all(label).find(|s| !self.negated(s) && !self.asked(s))
    }

    /// The tokens of the clause that a phrase stands in: between two marks or "but".
    pub(super) fn clause(&self, span: &Span) -> Range<usize> {
        let start = self.breaks.partition_point(|b| *b < span.tokens.start);
        let before = start.checked_sub(1).and_then(|i| self.breaks.get(i)).map_or(0, |b| b + 1);
        let after = self.breaks.partition_point(|b| *b < span.tokens.end);
        before..self.breaks.get(after).copied().unwrap_or(self.normal.tokens.len())
    }

    /// Its clause ends with a question mark.
    pub(super) fn asked(&self, span: &Span) -> bool {
        let end = self.clause(span).end;
        self.normal.tokens.get(end).is_some_and(|t| t.text == "?")
    }

    /// Any question mark.
    pub(super) fn asks(&self) -> bool {
        self.normal.tokens.iter().any(|t| t.text == "?")
    }

    /// A negation in the same clause, up to five words before or two after.
    pub(super) fn negated(&self, span: &Span) -> bool {
        let clause = self.clause(span);
        let near = span.tokens.start.saturating_sub(5).max(clause.start)..(span.tokens.end + 2).min(clause.end);
        let from = self.spans.partition_point(|s| s.tokens.start < near.start);
        let here = self.spans.iter().skip(from).take_while(|s| s.tokens.start < near.end);
        { here }.any(|s| matches!(s.label, Label::Negation | Label::Half) && s.tokens.end <= near.end)
    }

    /// A negation in the same clause, up to five words before.
    pub(super) fn negated_before(&self, span: &Span) -> bool {
        let from = self.clause(span).start.max(span.tokens.start.saturating_sub(5));
        let before = |s: &Span| s.tokens.start >= from && s.tokens.end <= span.tokens.start;
        self.all(Label::Negation).any(before)
    }

    /// A negation that no longer phrase took up, after this token.
    pub(super) fn negation_after(&self, token: usize) -> bool {
        self.all(Label::Negation).any(|s| s.tokens.start >= token)
    }

    /// Words that no phrase took up.
    pub(super) fn unknown(&self) -> usize {
        let known: usize = self.spans.iter().map(|s| self.words_in(&s.tokens)).sum();
        self.normal.words().saturating_sub(known)
    }

    /// Words that no phrase took up within these tokens.
    pub(super) fn unknown_in(&self, tokens: &Range<usize>) -> usize {
        let inside = |s: &&Span| s.tokens.start >= tokens.start && s.tokens.end <= tokens.end;
        let known = self.spans.iter().filter(inside).map(|s| self.words_in(&s.tokens)).sum();
        self.words_in(tokens).saturating_sub(known)
    }

    /// Words that no phrase took up before this token.
    pub(super) fn unknown_before(&self, token: usize) -> usize {
        let known = self.spans.iter().filter(|s| s.tokens.end <= token).map(|s| self.words_in(&s.tokens)).sum();
        self.words_in(&(0..token)).saturating_sub(known)
    }

    fn words_in(&self, tokens: &Range<usize>) -> usize {
        self.normal.tokens.get(tokens.clone()).map_or(0, |t| t.iter().filter(|t| !t.is_mark()).count())
    }

    /// Nothing but courtesy.
    pub(super) fn is_courtesy(&self) -> bool {
        let courtesy = [Label::Greeting, Label::Closing, Label::Filler];
        self.unknown() == 0 && self.spans.iter().all(|s| courtesy.contains(&s.label))
    }

    /// A range of the original.
    pub(super) fn quote(&self, bytes: &Range<usize>) -> &'a str {
        self.original.get(bytes.clone()).unwrap_or_default().trim()
    }
}

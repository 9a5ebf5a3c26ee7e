//! Writing differences that carry no meaning are taken out: accents, case, emoji, number words, dictation.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// How words are rewritten before they are matched; of all languages together.
#[derive(Debug, Clone, Default)]
pub(super) struct Spelling {
    words: BTreeMap<String, Vec<String>>,
    signs: BTreeMap<char, Vec<String>>,
    numbers: BTreeMap<String, u32>,
    months: BTreeSet<String>,
    dictation: Vec<(Vec<String>, String)>,
    alone: BTreeMap<String, String>,
}

/// A word or a mark (`.`, `,`, `?`), with the bytes of the original it was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) from: Range<usize>,
    /// It was a number written as a word.
    spelled: bool,
    /// The words it stands for, where it was put in their place: "yes no" is a no.
    instead_of: Vec<String>,
}

impl Token {
    fn new(text: &str, from: Range<usize>) -> Self {
        Self { text: text.to_owned(), from, spelled: false, instead_of: Vec::new() }
    }

    /// Word for word what was written.
    pub(super) fn written(&self) -> &[String] {
        if self.instead_of.is_empty() { std::slice::from_ref(&self.text) } else { &self.instead_of }
    }

    /// A number written as a word.
    pub(super) fn is_spelled(&self) -> bool {
        self.spelled
    }

    /// A mark is no word.
    pub(super) fn is_mark(&self) -> bool {
        matches!(self.text.as_str(), "." | "," | "?")
    }
}

/// A text made comparable: its tokens joined by one blank, and the way back to the original.
#[derive(Debug, Clone, Default)]
pub(super) struct Normal {
    pub(super) text: String,
    pub(super) tokens: Vec<Token>,
    /// Where each token begins in `text`.
    pub(super) starts: Vec<usize>,
}

impl Normal {
    fn new(tokens: Vec<Token>) -> Self {
        let mut normal = Self { tokens, ..Self::default() };
        for token in &normal.tokens {
            if !normal.text.is_empty() {
                normal.text.push(' ');
            }
            normal.starts.push(normal.text.len());
            normal.text.push_str(&token.text);
        }
        normal
    }

    /// Without these words, if some of them stand in it and others too.
    pub(super) fn without(&self, words: &BTreeSet<String>) -> Option<Self> {
        let kept: Vec<Token> = self.tokens.iter().filter(|t| !words.contains(&t.text)).cloned().collect();
        let fewer = kept.len() < self.tokens.len() && kept.iter().any(|t| !t.is_mark());
        fewer.then(|| Self::new(kept))
    }

    /// With other words for some; `None` if none changed.
    pub(super) fn replaced(&self, instead: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let mut tokens = Vec::with_capacity(self.tokens.len());
        let mut changed = false;
        for token in &self.tokens {
            match instead(&token.text) {
                Some(words) => {
                    tokens.extend(words.split(' ').map(|w| Token::new(w, token.from.clone())));
                    changed = true;
                }
                None => tokens.push(token.clone()),
            }
        }
        changed.then(|| Self::new(tokens))
    }

    /// Without what these patterns match; a question that was only polite is none.
    pub(super) fn unwrapped(&self, wrappers: &[regex::Regex]) -> Option<Self> {
        let mut gone = vec![false; self.tokens.len()];
        for found in wrappers.iter().filter_map(|w| w.captures(&self.text)?.name("all")) {
            gone.get_mut(self.tokens_in(&found.range()))?.fill(true);
        }
        if !gone.contains(&true) {
            return None;
        }
        let ends = |i: usize| matches!(self.tokens[i].text.as_str(), "." | "?");
        let mut tokens = Vec::new();
        let mut polite = false;
        for (i, token) in self.tokens.iter().enumerate() {
            polite = (polite && !(i > 0 && ends(i - 1))) || gone[i];
            let mut token = token.clone();
            if polite && token.text == "?" {
                ".".clone_into(&mut token.text);
            }
            if !gone[i] {
                tokens.push(token);
            }
        }
        tokens.iter().any(|t| !t.is_mark()).then(|| Self::new(tokens))
    }

    /// The tokens within a range of bytes of `text`.
    pub(super) fn tokens_in(&self, bytes: &Range<usize>) -> Range<usize> {
        let first = self.starts.partition_point(|s| *s < bytes.start);
        let end = self.starts.partition_point(|s| *s < bytes.end);
        first..end.max(first)
    }

    /// The bytes of the original that a range of bytes of `text` was made of.
    pub(super) fn original(&self, bytes: &Range<usize>) -> Range<usize> {
        let tokens = self.tokens_in(bytes);
        let range = self.tokens.get(tokens).and_then(|t| Some(t.first()?.from.start..t.last()?.from.end));
        range.unwrap_or(0..0)
    }

    /// How many words, marks apart.
    pub(super) fn words(&self) -> usize {
        self.tokens.iter().filter(|t| !t.is_mark()).count()
    }
}

/// Lower case, compatibility forms, no accents: one character of the original at a time.
fn fold(c: char) -> impl Iterator<Item = char> {
    let special = match c {
        'œ' | 'Œ' => "oe",
        'æ' | 'Æ' => "ae",
        'ß' => "ss",
        '’' | 'ʼ' | '‘' | '´' | '`' | '＇' => "'",
        '−' | '‐' | '‑' => "-",
        _ => "",
    };
    let plain = special.is_empty().then_some(c);
    special.chars().chain(plain.into_iter().flat_map(char::to_lowercase).nfkd().filter(|c| !is_combining_mark(*c)))
}

/// Characters that only colour or join others.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{200B}'..='\u{200F}' | '\u{1F3FB}'..='\u{1F3FF}' | '\u{AD}' | '\u{FEFF}')
}

/// Folded words and marks are equal whatever the accents: for names and list entries.
pub(super) fn folded(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !is_invisible(*c)).flat_map(fold).collect();
    let words = plain.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// The original as folded characters with their place.
struct Chars(Vec<(char, Range<usize>)>);

impl Chars {
    fn of(text: &str) -> Self {
        let all = text.char_indices().filter(|(_, c)| !is_invisible(*c));
        Self(all.flat_map(|(at, c)| fold(c).map(move |f| (f, at..at + c.len_utf8()))).collect())
    }

    fn at(&self, i: usize) -> char {
        self.0.get(i).map_or(' ', |(c, _)| *c)
    }

    fn before(&self, i: usize) -> char {
        i.checked_sub(1).map_or(' ', |i| self.at(i))
    }

    /// Belongs to the word that it stands in: letters, digits, an apostrophe between letters, marks in numbers.
    fn in_word(&self, i: usize) -> bool {
        let (before, c, after) = (self.before(i), self.at(i), self.at(i + 1));
        let digits = before.is_ascii_digit() && after.is_ascii_digit();
        match c {
            '\'' => before.is_alphabetic() && after.is_alphabetic(),
            '/' | ':' | '.' | '-' if digits => true,
            '+' => after.is_ascii_digit() && !before.is_alphanumeric(),
            '-' => after.is_ascii_digit() && (before == ' ' || before == '\n'),
            _ => c.is_alphanumeric(),
        }
    }

    /// A line break inside a sentence that a mail program wrapped: long line before, small letter after.
    fn is_wrap(&self, i: usize, line_start: usize) -> bool {
        i.saturating_sub(line_start) >= 55
            && self.at(i + 1).is_alphabetic()
            && i > 0
            && self.before(i).is_alphanumeric()
    }
}

fn mark_of(c: char) -> Option<&'static str> {
    match c {
        '?' => Some("?"),
        '.' | '!' | ';' | ':' => Some("."),
        ',' | '(' | ')' | '[' | ']' | '–' | '—' | '"' | '«' | '»' | '“' | '”' => Some(","),
        _ => None,
    }
}

/// "Nexttt", "ouiii": a letter drawn out is one letter.
fn undrawn(letters: impl Iterator<Item = char>) -> String {
    let mut runs: Vec<(char, usize)> = Vec::new();
    for c in letters {
        match runs.last_mut().filter(|(last, _)| *last == c) {
            Some((_, times)) => *times += 1,
            None => runs.push((c, 1)),
        }
    }
    let times = |c: char, n: usize| if n > 2 && c.is_alphabetic() { 1 } else { n };
    runs.into_iter().flat_map(|(c, n)| std::iter::repeat_n(c, times(c, n))).collect()
}

/// Splits `5min`, `18h30` and `15th` where digits and letters meet.
fn split_number(word: &str) -> Vec<&str> {
    if !word.starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '-') {
        return vec![word];
    }
    let mut parts = Vec::new();
    let mut start = 0;
    let mut previous: Option<char> = None;
    for (at, c) in word.char_indices() {
        if previous.is_some_and(|p| p.is_alphabetic() != c.is_alphabetic()) {
            parts.extend(word.get(start..at));
            start = at;
        }
        previous = Some(c);
    }
    parts.extend(word.get(start..));
    parts
}

impl Spelling {
    /// Adds a language's tables.
    pub(super) fn take(
        &mut self,
        words: BTreeMap<String, String>,
        signs: BTreeMap<String, String>,
        numbers: BTreeMap<String, u32>,
        dictation: BTreeMap<String, String>,
        months: impl Iterator<Item = String>,
    ) {
        let split = |t: &str| t.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        for (word, instead) in words {
            self.words.entry(word).or_insert_with(|| split(&instead));
        }
        for (sign, instead) in signs {
            for c in sign.chars().filter(|c| !is_invisible(*c)) {
                self.signs.entry(c).or_insert_with(|| split(&instead));
            }
        }
        self.numbers.extend(numbers);
        self.months.extend(months);
        self.dictation.extend(dictation.into_iter().map(|(phrase, mark)| (split(&phrase), mark)));
        self.dictation.sort_by_key(|(phrase, _)| std::cmp::Reverse(phrase.len()));
    }

    /// The text as comparable tokens; linear in its length.
    pub(super) fn normal(&self, text: &str) -> Normal {
        let chars = Chars::of(text);
        let mut tokens = Vec::new();
        let (mut i, mut line_start) = (0, 0);
        while i < chars.0.len() {
            let start = i;
            while i < chars.0.len() && chars.in_word(i) {
                i += 1;
            }
            if i > start {
                self.push_word(&mut tokens, &chars, start..i);
                continue;
            }
            let c = chars.at(i);
            if c == '\n' {
                let wrap = chars.is_wrap(i, line_start);
                line_start = i + 1;
                if !wrap {
                    push_mark(&mut tokens, ".", chars.0[i].1.clone());
                }
            } else {
                self.push_other(&mut tokens, &chars, i);
            }
            i += 1;
        }
        Normal::new(self.undictate(self.join_numbers(self.spell_alone(self.join_dates(tokens)))))
    }

    /// "18. März": the point belongs to the day.
    fn join_dates(&self, tokens: Vec<Token>) -> Vec<Token> {
        let day = |t: Option<&Token>| t.is_some_and(|t| t.text.parse::<u32>().is_ok_and(|n| n <= 31));
        let month = |t: Option<&Token>| t.is_some_and(|t| self.months.contains(&t.text));
        let inside = |i: usize| tokens[i].text == "." && i > 0 && day(tokens.get(i - 1)) && month(tokens.get(i + 1));
        (0..tokens.len()).filter(|i| !inside(*i)).filter_map(|i| tokens.get(i).cloned()).collect()
    }

    /// Adds letters that are words where they stand alone.
    pub(super) fn take_alone(&mut self, alone: BTreeMap<String, String>) {
        self.alone.extend(alone);
    }

    /// "1 : Y, 2 : N": a letter between marks or numbers is a word.
    fn spell_alone(&self, mut tokens: Vec<Token>) -> Vec<Token> {
        let mark = |t: Option<&Token>| t.is_none_or(Token::is_mark);
        let number = |t: Option<&Token>| t.is_some_and(|t| t.text.parse::<u32>().is_ok());
        for i in 0..tokens.len() {
            let (before, after) = (i.checked_sub(1).and_then(|b| tokens.get(b)), tokens.get(i + 1));
            let stands = (mark(before) || number(before)) && (mark(after) || (number(before) && number(after)));
            if let Some(word) = self.alone.get(&tokens[i].text).filter(|_| stands) {
                tokens[i].text.clone_from(word);
            }
        }
        tokens
    }

    fn push_word(&self, tokens: &mut Vec<Token>, chars: &Chars, range: Range<usize>) {
        let Some((first, last)) = chars.0.get(range.clone()).and_then(|c| Some((c.first()?, c.last()?))) else {
            return;
        };
        let from = first.1.start..last.1.end;
        let word = undrawn(chars.0[range].iter().map(|(c, _)| *c));
        let split = |w: &str| w.split('\'').flat_map(split_number).map(str::to_owned).collect::<Vec<_>>();
        let respelled = |w: &str| self.words.get(w).cloned();
        let words = respelled(&word).unwrap_or_else(|| {
            split(&word).into_iter().flat_map(|w| respelled(&w).unwrap_or_else(|| vec![w])).collect()
        });
        tokens.extend(words.iter().filter(|w| !w.is_empty()).map(|w| Token::new(w, from.clone())));
    }

    fn push_other(&self, tokens: &mut Vec<Token>, chars: &Chars, i: usize) {
        let c = chars.at(i);
        let from = chars.0[i].1.clone();
        if let Some(words) = self.signs.get(&c) {
            tokens.extend(words.iter().map(|w| Token::new(w, from.clone())));
        } else if let Some(mark) = mark_of(c) {
            push_mark(tokens, mark, from);
        } else if matches!(c, '-' | '/' | '|') && chars.before(i) == ' ' && chars.at(i + 1) == ' ' {
            push_mark(tokens, ",", from);
        }
    }

    /// "quarante cinq" → 45, "dix huit" → 18; "sept" after a digit stays a month.
    fn join_numbers(&self, tokens: Vec<Token>) -> Vec<Token> {
        let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
        for mut token in tokens {
            let after_digits = out.last().is_some_and(|t| !t.spelled && t.text.parse::<u32>().is_ok());
            let number = self.numbers.get(&token.text).filter(|_| !(after_digits && self.months.contains(&token.text)));
            let Some(&n) = number else {
                out.push(token);
                continue;
            };
            let tens = out.last().filter(|t| t.spelled).and_then(|t| t.text.parse::<u32>().ok());
            if let (Some(tens @ 20..=90), 1..=19) | (Some(tens @ 10), 7..=9) = (tens.filter(|t| t % 10 == 0), n)
                && let Some(last) = out.last_mut()
            {
                last.text = (tens + n).to_string();
                last.from.end = token.from.end;
                continue;
            }
            token.text = n.to_string();
            token.spelled = true;
            out.push(token);
        }
        out
    }

    /// "ok virgule je prends" → "ok , je prends".
    fn undictate(&self, tokens: Vec<Token>) -> Vec<Token> {
        let mut out = Vec::with_capacity(tokens.len());
        let mut i = 0;
        while i < tokens.len() {
            let said = self.dictation.iter().find(|(phrase, _)| {
                let here = tokens.get(i..i + phrase.len());
                here.is_some_and(|here| here.iter().zip(phrase).all(|(t, p)| t.text == *p))
            });
            match said {
                Some((phrase, mark)) => {
                    let from = tokens[i].from.start..tokens[i + phrase.len() - 1].from.end;
                    if mark_of(mark.chars().next().unwrap_or(' ')).is_some() {
                        push_mark(&mut out, mark, from);
                    } else {
                        let at = out.len();
                        out.extend(mark.split(' ').map(|w| Token::new(w, from.clone())));
                        out[at].instead_of.clone_from(phrase);
                    }
                    i += phrase.len();
                }
                None => {
                    out.push(tokens[i].clone());
                    i += 1;
                }
            }
        }
        out
    }
}

/// Marks in a row count once; the strongest stays (a question mark above all).
fn push_mark(tokens: &mut Vec<Token>, mark: &str, from: Range<usize>) {
    let strength = |m: &str| [",", ".", "?"].iter().position(|x| *x == m);
    match tokens.last_mut() {
        Some(last) if last.is_mark() && strength(mark) > strength(&last.text) => mark.clone_into(&mut last.text),
        Some(last) if last.is_mark() => {}
        Some(_) => tokens.push(Token::new(mark, from)),
        None => {}
    }
}

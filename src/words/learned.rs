//! What answers look like, from answers written for the purpose: a linear model over words and parts of words, learned from
//! `tests/answers` and `tests/lessons` by `tests/learned.rs` and kept in `templates/answers.weights`.
//!
//! The phrases of the word lists come first; this only has a second opinion (`second.rs`), and what it says by itself is
//! never sure.

use super::WordsError;
use super::normal::Normal;
use std::collections::{BTreeMap, BTreeSet};

/// The first line of the file.
pub const MAGIC: &str = "codevd answers 1";
/// Steps of a weight: a byte is so many of them.
pub const STEP: f32 = 1.0 / 16.0;
/// Texts of which it knows fewer words than this part are none of its business.
const KNOWN: f32 = 0.6;

/// What the phrases heard counts for so much, where the words together count for one.
const HEARD: f32 = 1.0;
/// And what stands around the place in question for so much.
const NEAR: f32 = 1.5;

/// The weights of one question: a row of one weight a class for each feature.
#[derive(Debug, Clone, Default)]
pub struct Weights {
    /// Names of the meanings, as in `inbound.md` §9.
    pub classes: Vec<String>,
    /// Features, ascending.
    pub keys: Vec<u32>,
    /// A row for each feature, in steps; the last row is what holds for any text.
    pub rows: Vec<i8>,
}

/// All questions' weights.
#[derive(Debug, Clone, Default)]
pub struct Learned(BTreeMap<String, Weights>);

/// What a text shows to the model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Features {
    /// Single words.
    pub words: BTreeSet<u32>,
    /// Words, their neighbours and their parts.
    pub all: BTreeSet<u32>,
    /// Words around the place in question, where there is one.
    pub near: BTreeSet<u32>,
    /// What the phrases heard in it, and how surely.
    pub heard: Option<u32>,
}

/// FNV-1a.
pub(super) fn hash(kind: u8, parts: &[&str]) -> u32 {
    let bytes = parts.iter().flat_map(|p| p.bytes().chain([b' ']));
    [kind].into_iter().chain(bytes).fold(0x811c_9dc5, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193))
}

impl Features {
    /// Of a text; names are one word whoever they name, numbers one word whatever they count.
    pub(super) fn of(normal: &Normal, is_name: impl Fn(&str) -> bool) -> Self {
        let plain = |word: &str| {
            let number = word.starts_with(|c: char| c.is_ascii_digit());
            if number {
                "#".to_owned()
            } else if is_name(word) {
                "@".to_owned()
            } else {
                word.to_owned()
            }
        };
        let mut words: Vec<String> = vec!["^".to_owned()];
        words.extend(normal.tokens.iter().map(|t| plain(&t.text)));
        words.push("$".to_owned());
        let mut found = Self::default();
        for (n, kind) in [(1, b'1'), (2, b'2'), (3, b'3')] {
            for gram in words.windows(n) {
                let parts: Vec<&str> = gram.iter().map(String::as_str).collect();
                found.all.insert(hash(kind, &parts));
            }
        }
        for word in &words {
            if word.chars().any(char::is_alphabetic) {
                found.words.insert(hash(b'1', &[word]));
            }
            if word.len() > 3 {
                found.parts(word);
            }
        }
        found
    }

    /// With what the phrases heard, and how surely.
    pub fn heard(self, class: &str, certainty: &str) -> Self {
        Self { heard: Some(hash(b'h', &[class, certainty])), ..self }
    }

    /// Each feature with its part in the whole.
    pub fn parts_of_one(&self) -> impl Iterator<Item = (u32, f32)> {
        #[allow(clippy::cast_precision_loss, reason = "a few thousand features")]
        let part = |features: &BTreeSet<u32>| 1.0 / (features.len().max(1) as f32).sqrt();
        let (all, near) = (part(&self.all), part(&self.near) * NEAR);
        let each = self.all.iter().map(move |f| (*f, all)).chain(self.near.iter().map(move |f| (*f, near)));
        each.chain(self.heard.map(|h| (h, HEARD)))
    }

    /// Three to five letters in a row.
    fn parts(&mut self, word: &str) {
        let letters: Vec<char> = std::iter::once('<').chain(word.chars().take(40)).chain(['>']).collect();
        for n in 3..=5 {
            for part in letters.windows(n) {
                let part: String = part.iter().collect();
                self.all.insert(hash(b'p', &[&part]));
            }
        }
    }
}

impl Weights {
    /// How likely each class is, likeliest first; nothing for a text of unknown words.
    fn weigh(&self, features: &Features) -> Vec<(&str, f32)> {
        let known = features.words.iter().filter(|w| self.keys.binary_search(w).is_ok()).count();
        #[allow(clippy::cast_precision_loss, reason = "a few hundred words")]
        let part = known as f32 / features.words.len().max(1) as f32;
        if features.words.is_empty() || part < KNOWN {
            return Vec::new();
        }
        let many = self.classes.len();
        let row = |at: usize| self.rows.get(at * many..(at + 1) * many).unwrap_or_default();
        let mut sums: Vec<f32> = row(self.keys.len()).iter().map(|w| f32::from(*w) * STEP).collect();
        for (feature, part) in features.parts_of_one() {
            let Ok(at) = self.keys.binary_search(&feature) else { continue };
            for (sum, w) in sums.iter_mut().zip(row(at)) {
                *sum += f32::from(*w) * STEP * part;
            }
        }
        let most = sums.iter().copied().fold(f32::MIN, f32::max);
        let powers: Vec<f32> = sums.iter().map(|s| (s - most).exp()).collect();
        let total: f32 = powers.iter().sum();
        let mut shares: Vec<(&str, f32)> =
            self.classes.iter().map(String::as_str).zip(powers.iter().map(|p| p / total)).collect();
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        shares
    }
}

impl Learned {
    /// From what was learned, by the name of the question.
    pub fn new(weights: BTreeMap<String, Weights>) -> Self {
        Self(weights)
    }

    /// What was learned, inside the binary.
    pub fn embedded() -> Result<Self, WordsError> {
        Self::from_bytes(include_bytes!("../../templates/answers.weights"))
    }

    /// Did any answer to the question have that word?
    pub(super) fn knows(&self, question: &str, word: &str) -> bool {
        self.0.get(question).is_some_and(|w| w.keys.binary_search(&hash(b'1', &[word])).is_ok())
    }

    /// How likely each class is as an answer to a question, likeliest first.
    pub fn weigh(&self, question: &str, features: &Features) -> Vec<(&str, f32)> {
        self.0.get(question).map_or_else(Vec::new, |w| w.weigh(features))
    }

    /// The file: the first line, then for each question a line `name features class…`, its keys (u32, little endian) and
    /// its rows (i8).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = format!("{MAGIC}\n").into_bytes();
        for (name, weights) in &self.0 {
            out.extend(format!("{name} {} {}\n", weights.keys.len(), weights.classes.join(" ")).bytes());
            out.extend(weights.keys.iter().flat_map(|k| k.to_le_bytes()));
            out.extend(weights.rows.iter().map(|w| w.cast_unsigned()));
        }
        out
    }

    /// Reads the file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WordsError> {
        let mut rest = bytes;
        if line(&mut rest).as_deref() != Some(MAGIC) {
            return Err(broken("its first line"));
        }
        let mut all = BTreeMap::new();
        while !rest.is_empty() {
            let head = line(&mut rest).ok_or_else(|| broken("the line of a question"))?;
            let (name, weights) = question(&head, &mut rest).ok_or_else(|| broken(&head))?;
            all.insert(name, weights);
        }
        Ok(Self(all))
    }
}

fn broken(found: &str) -> WordsError {
    WordsError {
        file: "templates/answers.weights".to_owned(),
        line: 1,
        found: found.to_owned(),
        expected: "what `BLESS=1 cargo test --test all weights -- --ignored` writes".to_owned(),
    }
}

fn line(rest: &mut &[u8]) -> Option<String> {
    let end = rest.iter().position(|b| *b == b'\n')?;
    let text = std::str::from_utf8(rest.get(..end)?).ok()?.to_owned();
    *rest = rest.get(end + 1..)?;
    Some(text)
}

fn question(head: &str, rest: &mut &[u8]) -> Option<(String, Weights)> {
    let mut words = head.split(' ').map(str::to_owned);
    let (name, many) = (words.next()?, words.next()?.parse::<usize>().ok()?);
    let classes: Vec<String> = words.collect();
    let (keys, after) = rest.split_at_checked(many.checked_mul(4)?)?;
    let (rows, after) = after.split_at_checked(many.checked_add(1)?.checked_mul(classes.len())?)?;
    *rest = after;
    let keys = keys.chunks_exact(4).filter_map(|k| k.try_into().ok().map(u32::from_le_bytes)).collect();
    Some((name, Weights { classes, keys, rows: rows.iter().map(|w| w.cast_signed()).collect() }))
}

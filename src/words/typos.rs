//! A word that is one slip of the finger away from one that matters is read as that one.

use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The words that matter, and all that the word lists know.
#[derive(Debug, Clone, Default)]
pub(super) struct Typos {
    words: BTreeSet<String>,
    known: HashSet<String>,
    /// What is written without a gap before the next word, and what it is: "j" is "je".
    glued: Vec<(String, String)>,
    /// Short words that it may be written with.
    after: BTreeSet<String>,
}

/// Shorter words have too many neighbours.
const SHORT: usize = 4;

impl Typos {
    /// The words of a pattern are no slips.
    pub(super) fn knows(&mut self, pattern: &str) {
        let words = pattern.split(|c: char| !c.is_ascii_lowercase()).filter(|w| w.len() >= SHORT);
        self.known.extend(words.map(str::to_owned));
    }

    pub(super) fn take(&mut self, words: Vec<String>, glued: BTreeMap<String, String>, after: Vec<String>) {
        self.words.extend(words);
        self.glued.extend(glued);
        self.after.extend(after);
    }

    /// What was meant: two words run together ("jpeux", "cfait"), or the one word that it is a slip of.
    pub(super) fn mended(&self, word: &str) -> Option<String> {
        let slips = word.len() >= SHORT && word.bytes().all(|b| b.is_ascii_lowercase());
        if !slips || self.known.contains(word) || self.words.contains(word) {
            return None;
        }
        let apart = |(head, whole): &(String, String)| {
            let rest = word.strip_prefix(head.as_str())?;
            (self.known.contains(rest) || self.after.contains(rest)).then(|| format!("{whole} {rest}"))
        };
        self.glued.iter().find_map(apart).or_else(|| {
            let mut near = self.words.iter().filter(|w| is_slip(word.as_bytes(), w.as_bytes()));
            near.next().filter(|_| near.next().is_none()).cloned()
        })
    }
}

/// One letter more, less, other, or two changed round; the first letter is right.
fn is_slip(a: &[u8], b: &[u8]) -> bool {
    if a.first() != b.first() || a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let start = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (x, y) = (&a[start..], &b[start..]);
    match (x, y) {
        ([p, q, x @ ..], [r, s, y @ ..]) if p == s && q == r && x == y => true,
        _ if x.len() == y.len() => x.get(1..) == y.get(1..),
        _ if x.len() > y.len() => &x[1..] == y,
        _ => x == &y[1..],
    }
}

#[cfg(test)]
mod tests {
    use super::is_slip;

    #[test]
    fn one_slip_is_a_slip_and_two_are_not() {
        let slip = |a: &str, b: &str| is_slip(a.as_bytes(), b.as_bytes());
        assert!(slip("comming", "coming") && slip("exept", "except") && slip("presnet", "present"));
        assert!(slip("ther", "there") && slip("dispinible", "disponible"));
        assert!(!slip("combing", "joining") && !slip("these", "where") && !slip("cmg", "coming"));
    }
}

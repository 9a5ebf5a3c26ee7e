//! What in a mail comes from the text we sent: found by comparing runs of words, whatever a mail program did to it.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use super::text;

/// Words in a row that make it ours (fewer where we sent fewer).
const RUN: usize = 4;
/// Places remembered for a run that we wrote several times.
const PLACES: usize = 8;
/// Words a mail program may have changed or put in between two runs of ours.
const GAP: usize = 12;

/// A word of the body: its line and its bytes in that line.
struct Word {
    line: usize,
    start: usize,
    end: usize,
    text: String,
}

/// How much of a line is ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cover {
    /// Words in the line.
    pub words: usize,
    /// Of these, ours.
    pub ours: usize,
    /// Byte ranges of the line that are the person's, in order.
    pub theirs: Vec<(usize, usize)>,
    /// Its runs stand in the mail more often than we sent them: the person wrote one of them.
    pub repeated: bool,
}

impl Cover {
    /// All of it is ours.
    pub fn is_whole(&self) -> bool {
        self.words > 0 && self.ours == self.words
    }
}

/// Compares each line with what we sent. Linear in both.
pub(super) fn cover(lines: &[&str], sent: &str) -> Vec<Cover> {
    let words = body_words(lines);
    let sent: Vec<String> = text::words(sent).collect();
    let run = RUN.min(sent.len());
    let mut covers = vec![Cover::default(); lines.len()];
    if run == 0 {
        return covers;
    }
    let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
    let mut times: HashMap<u64, usize> = HashMap::new();
    for (at, window) in sent.windows(run).enumerate() {
        let key = hash(window.iter());
        let known = places.entry(key).or_default();
        if known.len() < PLACES {
            known.push(at);
        }
        *times.entry(key).or_default() += 1;
    }
    let keys: Vec<u64> = if words.len() < run {
        Vec::new()
    } else {
        words.windows(run).map(|w| hash(w.iter().map(|w| &w.text))).collect()
    };
    let mut counted: HashMap<u64, usize> = HashMap::new();
    for key in keys.iter().filter(|k| places.contains_key(k)) {
        *counted.entry(*key).or_default() += 1;
    }
    let mut ours = vec![false; words.len()];
    let mut repeated = vec![false; words.len()];
    for (at, key) in keys.iter().enumerate().filter(|(_, k)| places.contains_key(k)) {
        ours[at..at + run].fill(true);
        if counted.get(key) > times.get(key) {
            repeated[at..at + run].fill(true);
        }
    }
    bridge(&words, &sent, &keys, &places, run, &mut ours);
    for (n, word) in words.iter().enumerate() {
        let cover = &mut covers[word.line];
        cover.words += 1;
        cover.ours += usize::from(ours[n]);
        cover.repeated |= repeated[n];
        if !ours[n] {
            match cover.theirs.last_mut() {
                Some(last) if n > 0 && !ours[n - 1] && words[n - 1].line == word.line => last.1 = word.end,
                _ => cover.theirs.push((word.start, word.end)),
            }
        }
    }
    covers
}

fn body_words(lines: &[&str]) -> Vec<Word> {
    let mut words = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let base = line.as_ptr() as usize;
        for piece in line.split(|c: char| !c.is_alphanumeric()).filter(|p| !p.is_empty()) {
            let start = piece.as_ptr() as usize - base;
            words.extend(text::words(piece).map(|text| Word { line: n, start, end: start + piece.len(), text }));
        }
    }
    words
}

/// Between two runs that we sent near to each other, the words we sent between them are ours too: a program changed a
/// word or put something in.
fn bridge(
    words: &[Word],
    sent: &[String],
    keys: &[u64],
    places: &HashMap<u64, Vec<usize>>,
    run: usize,
    ours: &mut [bool],
) {
    let mut at = 0;
    while at < ours.len() {
        if ours[at] {
            at += 1;
            continue;
        }
        let gap = at;
        while at < ours.len() && !ours[at] {
            at += 1;
        }
        if gap < run || at >= keys.len() || at - gap > GAP {
            continue;
        }
        let (Some(before), Some(after)) = (places.get(&keys[gap - run]), places.get(&keys[at])) else {
            continue;
        };
        let near =
            before.iter().flat_map(|b| after.iter().map(move |a| (b + run, *a))).find(|(b, a)| a >= b && a - b <= GAP);
        let Some((from, to)) = near else { continue };
        let mut rest = sent[from..to].iter();
        for n in gap..at {
            let mut ahead = rest.clone();
            if ahead.any(|w| *w == words[n].text) {
                ours[n] = true;
                rest = ahead;
            }
        }
    }
}

fn hash<'a>(words: impl Iterator<Item = &'a String>) -> u64 {
    let mut hasher = DefaultHasher::new();
    words.for_each(|w| w.hash(&mut hasher));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &str =
        "Bonjour Anne,\nVoulez-vous apporter le sujet du mois de mars ?\nRépondez oui ou non.\nRéf. k7f3-92qd";

    #[test]
    fn ours_is_seen_however_it_is_wrapped() {
        let lines = [
            "Non merci",
            "Bonjour Anne, Voulez-vous",
            "apporter le sujet",
            "du mois de mars ? Répondez oui",
            "ou non. Réf. k7f3-92qd",
        ];
        let covers = cover(&lines, SENT);
        assert_eq!(covers[0].ours, 0);
        assert!(covers[1..].iter().all(Cover::is_whole), "{covers:?}");
    }

    #[test]
    fn a_person_s_words_in_the_line_are_told_apart() {
        let line = "Non. Voulez-vous apporter le sujet du mois de mars ? merci";
        let covers = cover(&[line], SENT);
        let theirs: Vec<&str> = covers[0].theirs.iter().map(|(a, b)| &line[*a..*b]).collect();
        assert_eq!(theirs, ["Non", "merci"]);
    }

    #[test]
    fn what_a_person_repeats_is_marked() {
        let all: Vec<&str> = std::iter::once("apporter le sujet du mois de mars").chain(SENT.lines()).collect();
        let covers = cover(&all, SENT);
        assert!(covers[0].repeated && covers[0].is_whole());
        assert!(!covers[4].repeated);
    }
}

//! What in a mail comes from the text we sent: found by comparing runs of words, whatever a mail program did to it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::text;

/// Words in a row that make it ours (fewer where we sent fewer).
const RUN: usize = 4;
/// Places remembered for a run that we wrote several times.
const PLACES: usize = 8;
/// Words in a row that are ours even in the middle of somebody's own line; fewer are a turn of phrase
/// that anybody may use ("avant le 15/12").
const SURE_RUN: usize = 6;
/// Words a mail program may have changed or put in between two runs of ours.
const GAP: usize = 12;

/// A mail of so few words quotes nobody: whoever writes "Oui, je viens" uses our words, and answers.
const SHORT: usize = 12;

/// Tables by numbers that are hashes already.
type Table<T> = HashMap<u64, T, BuildHasherDefault<AsItIs>>;

/// The hash of a hash is itself.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    // no key is anything else
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }
}

/// A word of the body: its line and its bytes in that line.
struct Word {
    line: usize,
    start: usize,
    end: usize,
    /// Which word it is.
    id: u64,
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
    /// All its runs stand in the mail more often than we sent them, and these are the first: the person repeats us.
    /// Also true where nothing is ours.
    pub repeated: bool,
}

impl Cover {
    /// All of it is ours.
    pub fn is_whole(&self) -> bool {
        self.words > 0 && self.ours == self.words
    }
}

/// What we sent, ready for comparing.
struct Sent {
    words: Vec<u64>,
    /// Words in a run.
    run: usize,
    /// Where each run stands.
    places: Table<Vec<usize>>,
    /// How often we wrote it.
    times: Table<usize>,
}

impl Sent {
    fn new(text: &str) -> Option<Self> {
        let words: Vec<u64> = text::word_ids(text).collect();
        let run = RUN.min(words.len());
        if run == 0 {
            return None;
        }
        let mut places: Table<Vec<usize>> = Table::default();
        let mut times: Table<usize> = Table::default();
        for (at, window) in words.windows(run).enumerate() {
            let key = hash(window);
            let known = places.entry(key).or_default();
            if known.len() < PLACES {
                known.push(at);
            }
            *times.entry(key).or_default() += 1;
        }
        Some(Self { words, run, places, times })
    }

    /// The runs of a text, one for each word that begins one.
    fn runs(&self, words: &[u64]) -> Vec<u64> {
        words.windows(self.run).map(hash).collect()
    }

    /// How often each of our runs is among these.
    fn count(&self, runs: &[u64]) -> Table<usize> {
        let mut counted = Table::default();
        for run in runs.iter().filter(|r| self.places.contains_key(r)) {
            *counted.entry(*run).or_default() += 1;
        }
        counted
    }
}

/// Compares each line with what we sent. `whole` is all text of the mail where quotes were cut out of the lines before.
/// Linear in all.
pub(super) fn cover(lines: &[&str], whole: Option<&str>, sent: &str) -> Vec<Cover> {
    let Some(sent) = Sent::new(sent) else { return vec![Cover::default(); lines.len()] };
    let words = body_words(lines);
    let in_all: Option<Vec<u64>> = whole.map(|whole| text::word_ids(whole).collect());
    let all = in_all.as_ref().map_or(0, Vec::len).max(words.len());
    if all <= SHORT && sent.words.len() > 3 * SHORT {
        return vec![Cover::default(); lines.len()];
    }
    let runs = sent.runs(&words.iter().map(|w| w.id).collect::<Vec<_>>());
    let in_mail = in_all.map_or_else(|| sent.count(&runs), |all| sent.count(&sent.runs(&all)));
    let mut ours = vec![false; words.len()];
    let mut repeated = vec![false; words.len()];
    let mut seen: Table<usize> = Table::default();
    for (at, run) in runs.iter().enumerate() {
        let Some(by_us) = sent.times.get(run) else { continue };
        ours[at..at + sent.run].fill(true);
        let so_far = seen.entry(*run).or_default();
        *so_far += 1;
        // a person's repetition stands above the quote: of more than we sent, the first ones are theirs
        if *so_far + by_us <= in_mail.get(run).copied().unwrap_or(0) {
            repeated[at..at + sent.run].fill(true);
        }
    }
    bridge(&words, &sent, &runs, &mut ours);
    give_back_overrun(&words, &mut ours, sent.run);
    give_back(&words, &mut ours);
    by_line(lines.len(), &words, &ours, &repeated)
}

/// What was found of each word, by lines.
fn by_line(lines: usize, words: &[Word], ours: &[bool], repeated: &[bool]) -> Vec<Cover> {
    let mut covers = vec![Cover::default(); lines];
    for (n, word) in words.iter().enumerate() {
        let cover = &mut covers[word.line];
        cover.repeated = (cover.repeated || cover.words == 0) && (repeated[n] || !ours[n]);
        cover.words += 1;
        cover.ours += usize::from(ours[n]);
        if ours[n] {
            continue;
        }
        match cover.theirs.last_mut() {
            Some(last) if n > 0 && !ours[n - 1] && words[n - 1].line == word.line => last.1 = word.end,
            _ => cover.theirs.push((word.start, word.end)),
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
            words.push(Word { line: n, start, end: start + piece.len(), id: text::word_id(piece) });
        }
    }
    words
}

/// Between two runs that we sent near to each other, the words we sent between them are ours too: a program changed a
/// word or put something in.
fn bridge(words: &[Word], sent: &Sent, runs: &[u64], ours: &mut [bool]) {
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
        if gap < sent.run || at >= runs.len() || at - gap > GAP {
            continue;
        }
        let (Some(before), Some(after)) = (sent.places.get(&runs[gap - sent.run]), sent.places.get(&runs[at])) else {
            continue;
        };
        let near = before
            .iter()
            .flat_map(|b| after.iter().map(move |a| (b + sent.run, *a)))
            .find(|(b, a)| a >= b && a - b <= GAP);
        let Some((from, to)) = near else { continue };
        let mut rest = sent.words[from..to].iter();
        for n in gap..at {
            let mut ahead = rest.clone();
            if ahead.any(|w| *w == words[n].id) {
                ours[n] = true;
                rest = ahead;
            }
        }
    }
}

/// A short stretch inside a line that is else the person's is theirs. A line that is ours whole stays ours.
fn give_back(words: &[Word], ours: &mut [bool]) {
    let mut at = 0;
    while at < ours.len() {
        let from = at;
        while at < ours.len() && ours[at] == ours[from] {
            at += 1;
        }
        let whole_lines = (from == 0 || words[from - 1].line != words[from].line)
            && (at == words.len() || words[at].line != words[at - 1].line);
        if ours[from] && at - from < SURE_RUN && !whole_lines {
            ours[from..at].fill(false);
        }
    }
}

/// A run of ours that goes on over a blank line into a line that is else the person's, by fewer words than make a run: an
/// answer below our paragraph that begins, or above it ends, as our text goes on.
fn give_back_overrun(words: &[Word], ours: &mut [bool], run: usize) {
    let apart = |n: usize| words[n].line > words[n - 1].line + 1;
    let theirs_beside = |n: usize, line: usize, ours: &[bool]| !ours[n] && words[n].line == line;
    for n in (1..words.len()).filter(|n| apart(*n)) {
        let behind = (n..words.len()).take_while(|at| ours[*at] && words[*at].line == words[n].line).count();
        if ours[n - 1] && behind < run && n + behind < words.len() && theirs_beside(n + behind, words[n].line, ours) {
            ours[n..n + behind].fill(false);
        }
        let line = words[n - 1].line;
        let before = (0..n).rev().take_while(|at| ours[*at] && words[*at].line == line).count();
        if ours[n] && before < run && n > before && theirs_beside(n - before - 1, line, ours) {
            ours[n - before..n].fill(false);
        }
    }
}

/// A run's number, out of its words' numbers.
fn hash(run: &[u64]) -> u64 {
    // an odd number without a pattern: the golden ratio's digits
    run.iter().fold(0, |hash: u64, word| (hash.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15))
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
        let covers = cover(&lines, None, SENT);
        assert_eq!(covers[0].ours, 0);
        assert!(covers[1..].iter().all(Cover::is_whole), "{covers:?}");
    }

    #[test]
    fn a_person_s_words_in_the_line_are_told_apart() {
        let line = "Non. Voulez-vous apporter le sujet du mois de mars ? merci";
        let covers = cover(&[line], None, SENT);
        let theirs: Vec<&str> = covers[0].theirs.iter().map(|(a, b)| &line[*a..*b]).collect();
        assert_eq!(theirs, ["Non", "merci"]);
    }

    #[test]
    fn a_turn_of_phrase_of_ours_in_a_person_s_line_is_theirs() {
        let sent = "Par exemple : « Appeler Paul, avant le 15/12 (partager) »";
        let covers = cover(&["- Écrire la règle avant le 15/12", "- Un café"], None, sent);
        assert_eq!((covers[0].ours, covers[1].ours), (0, 0), "{covers:?}");
    }

    #[test]
    fn an_answer_that_begins_or_ends_as_our_text_goes_on_is_theirs() {
        let sent =
            "Bo vient après Claire.\n\nLa séance du mardi 8 décembre est à Paris.\n\nMerci de répondre avant le 2.";
        let body = "Bo vient après Claire.\n\nLa première date\n\nLa séance du mardi 8 décembre est à Paris.\n\n\
            Oui, à Paris.\n\nMerci de répondre avant le 2.";
        let lines: Vec<&str> = body.lines().collect();
        let covers = cover(&lines, None, sent);
        assert_eq!((covers[2].ours, covers[6].ours), (0, 0), "{covers:?}");
        assert!([0, 4, 8].iter().all(|n| covers[*n].is_whole()), "{covers:?}");
        // typed behind a line of ours that a program broke: no blank line between
        let covers = cover(&["Merci de répondre", "avant le 2. Oui"], None, sent);
        assert_eq!(covers[1].ours, 3, "{covers:?}");
    }

    #[test]
    fn a_mail_of_a_few_of_our_words_is_an_answer() {
        let sent = format!("{SENT}\nJe viens : oui. Je ne viens pas : non. {}", "Le reste de notre mail. ".repeat(8));
        let covers = cover(&["Non, je ne viens pas."], None, &sent);
        assert_eq!(covers[0].ours, 0, "{covers:?}");
    }

    #[test]
    fn what_a_person_repeats_is_marked() {
        let all: Vec<&str> = std::iter::once("apporter le sujet du mois de mars").chain(SENT.lines()).collect();
        let covers = cover(&all, None, SENT);
        assert!(covers[0].repeated && covers[0].is_whole());
        assert!(!covers[4].repeated);
    }
}

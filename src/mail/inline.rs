//! What people type into our own quoted lines: behind a question, into a sheet's `label : …`, on the line below one.
//! Found by comparing with what we sent; never sure, since a quoted line says more than one thing.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use serde::Deserialize;

use super::text;

/// Our plain text is broken at this column: a shorter line ends where we meant it to.
const WIDTH: usize = 72;
/// Words of the longest label.
const LABEL: usize = 3;
/// Places remembered for a pair of words that we wrote several times.
const PLACES: usize = 8;
/// A line of a mail has at most so many words that are looked at.
const WORDS: usize = 80;
/// Words that may stand behind a question of ours; what is longer is a program's or another mail's.
const BEHIND: usize = 30;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    fields: Vec<Vec<String>>,
}

/// Each label of the sheet, with the number of its field.
static FIELDS: LazyLock<HashMap<String, usize>> = LazyLock::new(|| {
    let data: Fields = toml::from_str(include_str!("data/sheet.toml")).unwrap_or_default();
    let numbered = data.fields.into_iter().enumerate();
    numbered.flat_map(|(n, labels)| labels.into_iter().map(move |l| (joined(&words_of(&l)), n))).collect()
});

/// A person's words in a quoted line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Typed {
    /// With the label or the number of what they answer.
    pub text: String,
    /// Where they stand in the line.
    pub bytes: Range<usize>,
}

/// A word of a line and its bytes there.
struct Word {
    text: String,
    bytes: Range<usize>,
}

/// A line that we sent, whole again where we broke it.
struct Item {
    /// Its words, among all that we sent.
    words: Range<usize>,
    /// `1.`, for a numbered line.
    number: Option<String>,
    /// Words before its colon, if it is `label : …`.
    label: usize,
    /// Its end is for the person to write: "Aidez-moi à …".
    unfinished: bool,
}

/// What we sent, ready for comparing line by line.
pub(super) struct Sheet {
    words: Vec<String>,
    /// The item of each word.
    of: Vec<usize>,
    items: Vec<Item>,
    /// Where each pair of words stands.
    pairs: HashMap<String, Vec<usize>>,
    labels: HashMap<String, usize>,
    /// How often each line was sent.
    lines: HashMap<String, usize>,
    /// The fields of the sheet that we sent, whatever their language.
    fields: Vec<usize>,
}

/// Words of ours that a quoted line begins with: where they stand in what we sent, and how many.
#[derive(Clone, Copy)]
struct Match {
    from: usize,
    len: usize,
}

impl Sheet {
    pub(super) fn new(sent: &str) -> Self {
        let mut sheet = Self {
            words: Vec::new(),
            of: Vec::new(),
            items: Vec::new(),
            pairs: HashMap::new(),
            labels: HashMap::new(),
            lines: HashMap::new(),
            fields: Vec::new(),
        };
        logical(sent).iter().for_each(|line| sheet.add(line));
        for (at, two) in sheet.words.windows(2).enumerate() {
            let known = sheet.pairs.entry(joined(two)).or_default();
            if known.len() < PLACES {
                known.push(at);
            }
        }
        sheet
    }

    fn add(&mut self, line: &str) {
        let number = self.items.len();
        let from = self.words.len();
        self.words.extend(words_of(line));
        self.of.resize(self.words.len(), number);
        *self.lines.entry(joined(&self.words[from..])).or_default() += 1;
        let item = Item::new(line, from..self.words.len());
        if item.label > 0 {
            let label = joined(&self.words[from..from + item.label]);
            self.fields.extend(FIELDS.get(&label));
            self.labels.entry(label).or_insert(number);
        }
        self.items.push(item);
    }

    /// The person's words in these quoted lines (by their numbers in `lines`), in order.
    pub(super) fn typed(&self, lines: &[&str], quoted: &[usize]) -> Vec<(usize, Typed)> {
        let read: Vec<_> = quoted.iter().filter_map(|n| Some((*n, content(lines[*n])?))).collect();
        let mut found: Vec<(usize, Typed)> = Vec::new();
        let mut stand: HashMap<String, usize> = HashMap::new();
        for (_, (_, words)) in &read {
            *stand.entry(joined_words(words)).or_default() += 1;
        }
        // a line that stands there no more often than we sent it is ours
        let sent = |words: &[Word]| {
            let line = joined_words(words);
            self.lines.get(&line).is_some_and(|times| stand.get(&line) <= Some(times))
        };
        // where our text should go on, and the label or the nothing that a value on the next line belongs to
        let (mut next, mut open): (_, Option<String>) = (None, None);
        for (at, (n, (content, words))) in read.iter().enumerate() {
            let line = lines[*n];
            let after = read.get(at + 1).and_then(|(_, (_, words))| words.first());
            let matched = self.longest(words, next, after);
            let (went_on, was_open) = (std::mem::take(&mut next), std::mem::take(&mut open));
            let whole = matched.filter(|hit| hit.len == words.len() && (hit.len > 1 || went_on.is_some()));
            if let Some(hit) = whole.filter(|hit| !self.is_chosen(*hit, after)) {
                next = Some(hit.from + hit.len);
                open = self.waits(line, words, hit);
            } else if let Some((label, value)) = self.labelled(line, content, words, after) {
                next = self.labels.get(&joined_words(words)).map(|n| self.items[*n].words.start + self.items[*n].label);
                let typed = value.map(|bytes| Typed { text: format!("{label} : {}", &line[bytes.clone()]), bytes });
                open = Some(if typed.is_some() { String::new() } else { format!("{label} : ") });
                found.extend(typed.map(|t| (*n, t)));
            } else if let Some(hit) = matched {
                next = Some(hit.from + hit.len);
                let typed = self.behind(line, words, hit).filter(|_| self.ends(hit.from + hit.len));
                open = typed.as_ref().map(|_| String::new());
                found.extend(typed.map(|t| (*n, t)));
            } else if let Some(label) =
                was_open.filter(|_| !self.is_ours(words) && !sent(words) && !says_link(&line[content.clone()]))
            {
                let text = format!("{label}{}", &line[content.clone()]);
                open = Some(String::new());
                found.push((*n, Typed { text, bytes: content.clone() }));
            }
        }
        found
    }

    /// One of the words that a label offers, the others struck out: our line ends early and does not go on below.
    fn is_chosen(&self, hit: Match, after: Option<&Word>) -> bool {
        let (item, end) = (self.item(hit.from), hit.from + hit.len);
        let early = item.label > 0 && end > item.words.start + item.label && end < item.words.end;
        early && hit.from == item.words.start && after.is_some_and(|word| word.text != self.words[end])
    }

    /// The label whose value the next line may be: nothing but our own stands behind it here.
    fn waits(&self, line: &str, words: &[Word], hit: Match) -> Option<String> {
        let (end, item) = (hit.from + hit.len, self.item(hit.from));
        let from = item.words.start.checked_sub(hit.from)?;
        let whole = item.label > 0 && (end == item.words.end || end == item.words.start + item.label);
        let last = from + item.label;
        (whole && last <= words.len())
            .then(|| format!("{} : ", &line[words[from].bytes.start..words[last - 1].bytes.end]))
    }

    /// The number of the item that this quoted line is, whole or in part.
    pub(super) fn number(&self, line: &str) -> Option<&str> {
        let (_, words) = content(line)?;
        let hit = self.longest(&words, None, None).filter(|hit| hit.len == words.len())?;
        self.item(hit.from + hit.len - 1).number.as_deref()
    }

    fn item(&self, word: usize) -> &Item {
        &self.items[self.of[word]]
    }

    /// Does one of our lines end before this word?
    fn ends(&self, word: usize) -> bool {
        word > 0 && self.of.get(word) != self.of.get(word - 1)
    }

    /// The longest stretch of ours that a line begins with; where our text is expected to go on, one word is enough. Of
    /// two as long, the one that our text goes on behind as the next line (its first word: `after`) does.
    fn longest(&self, words: &[Word], next: Option<usize>, after: Option<&Word>) -> Option<Match> {
        let [first, rest @ ..] = words else { return None };
        let pair = rest.first().map(|second| format!("{} {}", first.text, second.text));
        let places = pair.and_then(|pair| self.pairs.get(&pair)).into_iter().flatten().copied();
        let goes_on = next.filter(|at| self.words.get(*at) == Some(&first.text));
        let length = |from: usize| {
            let ours = self.words[from..].iter();
            Match { from, len: ours.zip(words).take_while(|(a, b)| **a == b.text).count() }
        };
        let followed = |hit: &Match| after.is_some_and(|word| self.words.get(hit.from + hit.len) == Some(&word.text));
        goes_on.into_iter().chain(places).map(length).max_by_key(|hit| (hit.len, followed(hit)))
    }

    /// The words behind the end of a line of ours.
    fn behind(&self, line: &str, words: &[Word], hit: Match) -> Option<Typed> {
        let (tail, end) = (&words[hit.len..], hit.from + hit.len);
        let (first, last) = (tail.first()?, words.last()?);
        let signs = |c: char| c.is_whitespace() || ":?-–—=.)»>→".contains(c);
        let before = words[hit.len - 1].bytes.end;
        let skipped = line[before..first.bytes.start].find(|c| !signs(c)).map_or(first.bytes.start, |at| before + at);
        let bytes = skipped..line.trim_end().len().max(last.bytes.end);
        let said = &line[bytes.clone()];
        // a program that puts two lines of ours on one may leave out the number or a word between
        let goes_on = self.words[end.min(self.words.len())..].iter().take(3).any(|w| *w == first.text);
        if tail.len() > BEHIND
            || goes_on
            || self.is_patched(tail)
            || says_link(said)
            || said.starts_with(['[', '<', '('])
        {
            return None;
        }
        let item = self.item(end - 1);
        let from = item.words.start.checked_sub(hit.from).unwrap_or(hit.len);
        let about = match (&item.number, item.label) {
            (Some(number), _) => format!("{number} "),
            (None, label @ 1..) if from + label <= hit.len && item.unfinished => {
                // "« Aidez-moi à … »": what we began is the beginning of what was typed
                let start = words[from].bytes.start;
                return Some(Typed { text: line[start..].trim_end().to_owned(), bytes });
            }
            (None, label @ 1..) if from + label <= hit.len => {
                format!("{} : ", &line[words[from].bytes.start..words[from + label - 1].bytes.end])
            }
            _ => String::new(),
        };
        Some(Typed { text: format!("{about}{said}"), bytes })
    }

    /// A label of ours, or the same in another language, and the person's words behind it, if there are any. `after` is
    /// the word that the next line begins with.
    fn labelled<'l>(
        &self,
        line: &'l str,
        content: &Range<usize>,
        words: &[Word],
        after: Option<&Word>,
    ) -> Option<(&'l str, Option<Range<usize>>)> {
        let len = (1..=LABEL.min(words.len())).rev().find(|len| self.knows(words, *len))?;
        let last = words[len - 1].bytes.end;
        let behind = line[last..].trim_start();
        let colon = behind.starts_with([':', '：']);
        let start = line.len() - behind.trim_start_matches([':', '：', ' ', '\u{a0}', '\u{202f}', '\t']).len();
        let (label, tail) = (line[content.start..last].trim_start_matches(['-', '*', '•', ' ']), &words[len..]);
        let item = self.labels.get(&joined_words(&words[..len])).map(|n| &self.items[*n]);
        if tail.is_empty() {
            return (colon || item.is_some()).then_some((label, None));
        }
        let hint: &[String] = item.map_or(&[], |i| &self.words[i.words.start + i.label..i.words.end]);
        // our hint, whole or broken off; behind a whole one something may have been typed
        let kept = tail.iter().zip(hint).take_while(|(a, b)| a.text == **b).count();
        let goes_on = || after.is_none_or(|word| hint.get(kept).is_some_and(|next| *next == word.text));
        let ours = kept == hint.len() || (kept == tail.len() && goes_on());
        if (ours && kept > 0) || (!colon && (item.is_none() || self.is_ours(tail))) || says_link(&line[start..]) {
            return None;
        }
        Some((label, Some(start..line.trim_end().len())))
    }

    fn knows(&self, words: &[Word], len: usize) -> bool {
        let label = joined_words(&words[..len]);
        self.labels.contains_key(&label) || FIELDS.get(&label).is_some_and(|field| self.fields.contains(field))
    }

    /// Do two of these words stand side by side in our text?
    fn is_ours(&self, words: &[Word]) -> bool {
        words.windows(2).any(|two| self.pairs.contains_key(&joined_words(two)))
    }

    /// Pieces of our text put together by a program: all of them words of ours, not all side by side; or a run of four.
    fn is_patched(&self, words: &[Word]) -> bool {
        let paired = |two: &[Word]| self.pairs.contains_key(&joined_words(two));
        let run = words.windows(4).any(|four| four.windows(2).all(paired));
        let all_ours = words.len() > 1 && words.iter().all(|w| self.words.contains(&w.text));
        run || (all_ours && !words.windows(2).all(paired))
    }
}

impl Item {
    fn new(line: &str, words: Range<usize>) -> Self {
        let digits: String = line.trim_start().chars().take_while(char::is_ascii_digit).collect();
        let numbered = (1..=2).contains(&digits.len()) && line.trim_start()[digits.len()..].starts_with(['.', ')']);
        let label = line.split_once(':').map_or(0, |(label, _)| words_of(label).len());
        let label = if label <= LABEL && !numbered { label } else { 0 };
        let unfinished = line.trim_end_matches(['»', '"', '”', ' ', '\u{a0}', '\u{202f}']).ends_with('…');
        Self { words, number: numbered.then(|| format!("{digits}.")), label, unfinished }
    }
}

/// Our lines, whole again: a line that the next word would have fit on ends there; a list's mark begins a new one.
fn logical(sent: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut goes_on = false;
    let mut lines = sent.lines().peekable();
    while let Some(line) = lines.next() {
        let words = line.trim();
        match all.last_mut() {
            Some(last) if goes_on && !words.is_empty() => {
                last.push(' ');
                last.push_str(words);
            }
            _ if words.is_empty() => {}
            _ => all.push(words.to_owned()),
        }
        let next = lines.peek().map_or("", |l| l.trim());
        let first = next.split(' ').next().unwrap_or_default();
        let listed = next.starts_with(['-', '*', '•', '«']) || first.trim_end_matches(['.', ')']).parse::<u8>().is_ok();
        let fits = line.chars().count() + 1 + first.chars().count() <= WIDTH;
        goes_on = !words.is_empty() && !next.is_empty() && !listed && !fits;
    }
    all
}

/// What stands behind one `>` (or none), and its words; nothing for a quote in a quote and for a blank line.
fn content(line: &str) -> Option<(Range<usize>, Vec<Word>)> {
    let bare = line.trim_start();
    let bare = bare.strip_prefix("|>").or_else(|| bare.strip_prefix('>')).unwrap_or(bare);
    let inside = bare.trim_start();
    if inside.starts_with('>') || inside.starts_with("|>") || inside.is_empty() {
        return None;
    }
    let start = line.len() - inside.len();
    let mut words = Vec::new();
    let pieces = inside.split(|c: char| !c.is_alphanumeric()).filter(|p| !p.is_empty());
    for piece in pieces.take(WORDS) {
        let at = piece.as_ptr() as usize - line.as_ptr() as usize;
        words.extend(text::words(piece).map(|text| Word { text, bytes: at..at + piece.len() }));
    }
    (!words.is_empty()).then_some((start..line.trim_end().len(), words))
}

fn words_of(line: &str) -> Vec<String> {
    text::words(line).collect()
}

fn joined(words: &[String]) -> String {
    words.join(" ")
}

fn joined_words(words: &[Word]) -> String {
    words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// Links and addresses are what programs put behind words; people seldom answer with one.
fn says_link(text: &str) -> bool {
    text.contains("://") || text.contains('@') || text.contains("mailto:")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PLAN: &str = "Où en est votre plan ? Pour chaque action, un mot suffit en réponse.\n\n\
        1. Écrire l’ordre du jour le vendredi (pour le 20 novembre)\n2. En parler à ma responsable (pour le 4 décembre)\n\
        3. Préparer avec Paul la réunion du lundi où nous parlerons de la règle\n(pour le 11 décembre)\n\n\
        Écrivez le numéro et l’un de ces mots : fait, en cours, bloqué, abandonné.\n";
    const SHEET: &str = "- Titre : (douze mots au plus, sans nom de personne)\n- Type : problème, préoccupation ou projet\n\
        - Ma demande : « Aidez-moi à … »\n- Partage : tout, le titre seulement, ou rien avant la séance\n";

    fn typed(sent: &str, body: &str) -> Vec<String> {
        let lines: Vec<&str> = body.lines().collect();
        let all: Vec<usize> = (0..lines.len()).collect();
        Sheet::new(sent).typed(&lines, &all).into_iter().map(|(_, t)| t.text).collect()
    }

    #[test]
    fn values_behind_a_quoted_line_bear_its_number() {
        let body = "> 1. Écrire l’ordre du jour le vendredi (pour le 20 novembre) FAIT\n\
            > 2. En parler à ma responsable (pour le 4 décembre) : en cours\n\
            > 3. Préparer avec Paul la réunion du lundi où nous parlerons de\n> la règle (pour le 11 décembre) -> abandonné\n";
        assert_eq!(typed(PLAN, body), ["1. FAIT", "2. en cours", "3. abandonné"]);
    }

    #[test]
    fn what_we_sent_is_never_typed_in_however_it_is_broken() {
        for sent in [PLAN, SHEET] {
            for width in [20, 40, 60, 76, 400] {
                let words: Vec<&str> = sent.split_whitespace().collect();
                let mut lines = vec![String::from(">")];
                for word in words {
                    let last = lines.last_mut().unwrap();
                    match last.chars().count() + word.chars().count() < width {
                        true => *last += &format!(" {word}"),
                        false => lines.push(format!("> {word}")),
                    }
                }
                let none: [&str; 0] = [];
                assert_eq!(typed(sent, &lines.join("\n")), none, "{width}");
            }
        }
    }

    #[test]
    fn sheets_are_filled_in_on_the_line_without_colon_below_and_translated() {
        for (body, values) in [
            (
                "> - Titre : Mon chef n'écoute pas\n> - Type : problème, préoccupation ou projet\n",
                vec!["Titre : Mon chef n'écoute pas"],
            ),
            ("> Titre Mon chef n'écoute pas", vec!["Titre : Mon chef n'écoute pas"]),
            (
                "> - Titre :\n> Mon chef n'écoute pas\n> depuis mars",
                vec!["Titre : Mon chef n'écoute pas", "depuis mars"],
            ),
            ("> - Type : problème\n> - Ma demande : « Aidez-moi à … »\n", vec!["Type : problème"]),
            ("> - Type : problème,\n> préoccupation ou projet\n", vec![]),
            ("> - Partage : le titre seulement\n", vec!["Partage : le titre seulement"]),
            ("> Title: My boss never listens", vec!["Title : My boss never listens"]),
            ("> Sujet : mon sujet", vec!["Sujet : mon sujet"]),
            ("> - Titre : (douze mots au plus, sans nom de personne) Dire non", vec!["Titre : Dire non"]),
            ("> - Ma demande : « Aidez-moi à dire non »", vec!["Ma demande : « Aidez-moi à dire non »"]),
            (">> - Titre : Mon chef n'écoute pas", vec![]),
            ("> Un tout autre mail, où rien n'est à nous : non", vec![]),
        ] {
            assert_eq!(typed(SHEET, body), values, "{body}");
        }
    }

    #[test]
    fn a_line_of_ours_is_no_value_of_a_label_that_begins_as_the_line_above_it() {
        let none: [&str; 0] = [];
        assert_eq!(typed("C'est\noui\nC'est : …", "> C'est\n> oui\n> C'est : …"), none);
        assert_eq!(typed("oui\nnon\noui :", "> oui\n> non\n> oui :"), none);
        assert_eq!(typed("oui\nnon\noui :", "> oui\n> non\n> oui :\n> non"), ["oui : non", "oui : non"]);
    }
}

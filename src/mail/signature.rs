//! What people have put under what they write: their name, known from the roster, so it can be taken off for sure; and a
//! business card without `-- ` above it, told by its form (`data/cards.toml`).

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::text;

/// A card and what may follow it stand in a text's last lines.
const REACH: usize = 30;
/// Most lines of a card.
const CARD_LINES: usize = 10;
/// Most lines of a card that are neither a name nor a way to reach somebody: title, company, motto.
const OTHER_LINES: usize = 3;
/// Most bytes of a card's line.
const CARD_LINE: usize = 100;
/// Most words of a title or a company's name.
const TITLE: usize = 6;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    labels: Vec<String>,
    places: Vec<String>,
    afterthoughts: Vec<String>,
}

/// The forms of a card's lines, ready.
struct Forms {
    /// A label, perhaps, and a number.
    phone: Option<Regex>,
    /// A label, perhaps, and a link or a mail address.
    link: Option<Regex>,
    place: Option<Regex>,
    afterthought: Option<Regex>,
}

static FORMS: LazyLock<Forms> = LazyLock::new(|| {
    let data: Data = toml::from_str(include_str!("data/cards.toml")).unwrap_or_default();
    let (labels, places) = (data.labels.join("|"), data.places.join("|"));
    let label = format!(r"^(?:(?P<label>{labels})\b ?[.:]{{0,2}} ?)?");
    Forms {
        phone: Regex::new(&format!(r"{label}(?P<number>[+(]{{0,2}}\d[\d ().-]{{6,22}}\d)$")).ok(),
        link: Regex::new(&format!(r"{label}(?:<?[^\s@<]+@[^\s@]+\.[a-z]{{2,}}>?|(?:https?://|www\.)\S+)$")).ok(),
        place: Regex::new(&format!("^(?:{places})$")).ok(),
        afterthought: Regex::new(&format!(r"^(?:{})(?:[^\p{{L}}]|$)", data.afterthoughts.join("|"))).ok(),
    }
});

/// What tells a card's lines from what a person says.
pub(super) struct Signer<'a> {
    /// The author's names: the roster's, From's.
    pub names: &'a [&'a str],
    /// "Best regards, Ana".
    pub signs_off: &'a dyn Fn(&str) -> bool,
    /// The line says something to what was asked.
    pub answers: &'a dyn Fn(&str) -> bool,
}

/// The text without a business card: from the line that signs off or is the author's name on, where nothing but a few
/// short lines follow of which one at least tells how to reach somebody. What stands below it after a blank line stays.
pub(super) fn without_card(text: &str, signer: &Signer<'_>) -> String {
    let lines: Vec<&str> = text.trim().lines().map(str::trim).collect();
    let first = lines.len().saturating_sub(REACH).max(1);
    if !lines.iter().skip(first).any(|line| reaches(line)) {
        return text.to_owned();
    }
    for at in first..lines.len() {
        if !signer.begins(lines[at]) {
            continue;
        }
        if let Some(end) = signer.end_of_card(&lines, at + 1) {
            let (said, below) = (lines[..at].join("\n"), lines[end..].join("\n"));
            return format!("{}\n\n{}", said.trim_end(), below.trim_start()).trim().to_owned();
        }
    }
    text.to_owned()
}

impl Signer<'_> {
    fn begins(&self, line: &str) -> bool {
        !line.is_empty() && line.len() <= CARD_LINE && (self.is_name(line) || (self.signs_off)(line))
    }

    /// The author's name or first name, whatever its case, accents and order.
    fn is_name(&self, line: &str) -> bool {
        let said: Vec<String> = text::words(text::cut(line, CARD_LINE)).collect();
        let same = |name: &&str| {
            let known: Vec<String> = text::words(name).collect();
            let turned = said.len() == known.len() && said.iter().all(|word| known.contains(word));
            !said.is_empty() && (turned || (said.len() == 1 && known.first() == said.first()))
        };
        self.names.iter().any(same)
    }

    /// Where a card ends that begins here; nothing where it is none.
    fn end_of_card(&self, lines: &[&str], from: usize) -> Option<usize> {
        let (mut firm, mut others, mut count, mut at) = (false, 0, 0, from);
        while let Some(line) = lines.get(at) {
            if !line.is_empty() {
                let (reaches, name) = (reaches(line), self.is_name(line));
                if !reaches && !name && !self.is_title(line) {
                    break;
                }
                firm |= reaches;
                others += usize::from(!reaches && !name);
                count += 1;
            }
            at += 1;
        }
        let apart = at == lines.len() || lines[at - 1].is_empty();
        (firm && apart && others <= OTHER_LINES && count <= CARD_LINES).then_some(at)
    }

    /// "Directrice, ACME": a few words that begin with a capital, and say nothing to what was asked.
    fn is_title(&self, line: &str) -> bool {
        let key = text::key(text::cut(line, CARD_LINE)).to_lowercase();
        let afterthought = FORMS.afterthought.as_ref().is_some_and(|form| form.is_match(&key));
        let shaped = line.split_whitespace().count() <= TITLE
            && line.starts_with(|c: char| c.is_uppercase() || !c.is_alphanumeric())
            && !line.ends_with(['!', '?', '.', '…', ':'])
            && !key.contains([':', '=']);
        shaped && line.len() <= CARD_LINE && !afterthought && !(self.answers)(line)
    }
}

/// A line that tells how to reach somebody: a number, a link, an address, a place.
fn reaches(line: &str) -> bool {
    if line.len() > CARD_LINE || line.ends_with(['!', '?', '…']) {
        return false;
    }
    let key = text::key(line).to_lowercase();
    let apart = |c: char| matches!(c, '|' | '•' | '·' | '–' | '—');
    let pieces: Vec<&str> = key
        .split(apart)
        .flat_map(|piece| piece.split(" - "))
        .map(|piece| piece.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '+' | '(' | '<' | '>' | '/')))
        .filter(|piece| !piece.is_empty())
        .collect();
    let firm = |piece: &&str| -> bool {
        let is = |form: &Option<Regex>| form.as_ref().is_some_and(|form| form.is_match(piece));
        is_phone(piece) || is(&FORMS.link) || is(&FORMS.place)
    };
    pieces.iter().any(firm) && pieces.iter().all(|p| firm(p) || p.split(' ').count() <= TITLE / 2)
}

/// "Tél. 06 01 02 03 04"; without a label only what no date looks like.
fn is_phone(piece: &str) -> bool {
    let Some(found) = FORMS.phone.as_ref().and_then(|form| form.captures(piece)) else { return false };
    let number = &found["number"];
    let digits = number.chars().filter(char::is_ascii_digit).count();
    let year = number.split(|c: char| !c.is_ascii_digit()).any(|group| group.len() == 4 && group.starts_with("20"));
    match found.name("label") {
        Some(_) => (8..=15).contains(&digits),
        None => (9..=15).contains(&digits) && number.starts_with(['+', '0', '(']) && (!year || number.starts_with('+')),
    }
}

/// The text without its last lines where these are nothing but the author's own name. An answer
/// that is nothing else stays as it is.
pub fn without_name(text: &str, name: &str) -> String {
    let mut lines: Vec<&str> = text.trim_end().lines().collect();
    let first = name.split_whitespace().next().unwrap_or(name);
    let is_name = |line: &str| {
        let line = line.trim().trim_start_matches(['-', '–', '—', ' ']).trim_end_matches(['.', ',']).to_lowercase();
        !line.is_empty() && (line == name.to_lowercase() || line == first.to_lowercase())
    };
    let mut cut = false;
    while lines.len() > 1 && lines.last().is_some_and(|l| l.trim().is_empty() || is_name(l)) {
        cut |= lines.pop().is_some_and(is_name);
    }
    if cut { lines.join("\n") } else { text.trim_end().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_below_is_taken_off_and_one_inside_stays() {
        assert_eq!(without_name("Je viens.\n\nAna Lopes\n", "Ana Lopes"), "Je viens.");
        assert_eq!(without_name("Je viens.\nana", "Ana Lopes"), "Je viens.");
        assert_eq!(without_name("Je viens.\n— Ana\n\n", "Ana Lopes"), "Je viens.");
        assert_eq!(without_name("Demandez à\nBo", "Ana Lopes"), "Demandez à\nBo");
        assert_eq!(without_name("Ana", "Ana Lopes"), "Ana");
    }

    #[test]
    fn lines_of_a_card_are_told_from_what_is_said() {
        for line in [
            "Tél. 06 01 02 03 04",
            "Tél : +33 (0)6 01 02 03 04",
            "06.01.02.03.04",
            "T: +44 20 7946 0000 | M: +44 7700 900000",
            "ACME – 12 rue des Lilas, 69003 Lyon",
            "69003 Lyon",
            "12 High Street, London SW1A 1AA",
            "Lindenstraße 12, 10969 Berlin",
            "www.acme.example",
            "E-mail : ana@acme.example",
            "https://acme.example/equipe",
        ] {
            assert!(reaches(line), "{line}");
        }
        for line in [
            "Je viens, mon numéro : 06 01 02 03 04",
            "08.12.2026 18.00",
            "08.12.2026 - 15.12.2026",
            "2026-12-08",
            "8, 15 et 22",
            "12",
            "1. fait",
            "Rendez-vous au 12 rue des Lilas ?",
            "Voir www.acme.example avant de venir",
            "Oui.merci",
        ] {
            assert!(!reaches(line), "{line}");
        }
    }
}

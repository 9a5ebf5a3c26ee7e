//! The marks mail programs put before what they quote, compiled from `data/quotes.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Regex, RegexSet, RegexSetBuilder};
use serde::Deserialize;

use super::text;

/// Longer lines carry no mark.
const MAX_LINE: usize = 500;
/// An attribution may be broken over so many lines.
const MAX_SPAN: usize = 5;
/// A header block has at most so many lines.
const MAX_BLOCK: usize = 16;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    common: Common,
    language: Vec<Language>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Common {
    separators: Vec<String>,
    forwards: Vec<String>,
    attributions: Vec<String>,
    names: Vec<String>,
    added: Vec<String>,
    notices: Vec<String>,
    footers: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Language {
    name: String,
    /// Where a date may come first: none.
    #[serde(default)]
    openings: Vec<String>,
    verbs: Vec<String>,
    #[serde(default)]
    inverted: bool,
    from: Vec<String>,
    sent: Vec<String>,
    to: Vec<String>,
    subject: Vec<String>,
    other: Vec<String>,
}

/// A field of a header block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    From,
    Sent,
    To,
    Subject,
    Other,
}

/// All marks, ready.
struct Marks {
    separators: RegexSet,
    forwards: RegexSet,
    loose: RegexSet,
    /// A name and an address: an attribution only right above a quote.
    names: RegexSet,
    added: RegexSet,
    notices: RegexSet,
    /// What begins a mailing list's lines, below a rule.
    footers: RegexSet,
    /// A language's attribution, from a line's beginning; in the order of `rules`.
    attributions: RegexSet,
    /// The same after a person's words on the same line.
    inside: Vec<Regex>,
    /// The same with the quote's first words on its line: only beside an address.
    run_on: RegexSet,
    /// `attribution:fr`, …
    rules: Vec<String>,
    /// The last words of all verbs: without one of them in reach nothing need be compared.
    verbs: RegexSet,
    labels: BTreeMap<String, Field>,
}

static MARKS: LazyLock<Marks> = LazyLock::new(|| {
    let data: Data = toml::from_str(include_str!("data/quotes.toml")).unwrap_or_default();
    let mut labels = BTreeMap::new();
    for l in &data.language {
        let kinds = [
            (&l.other, Field::Other),
            (&l.subject, Field::Subject),
            (&l.to, Field::To),
            (&l.sent, Field::Sent),
            (&l.from, Field::From),
        ];
        for (words, field) in kinds {
            labels.extend(words.iter().map(|w| (w.clone(), field)));
        }
    }
    Marks {
        separators: lines(&data.common.separators, "^", "$"),
        forwards: lines(&data.common.forwards, "^", "$"),
        loose: lines(&data.common.attributions, "^", "$"),
        names: lines(&data.common.names, "^", "$"),
        added: lines(&data.common.added, r"^[\s*_<(\[-]*", r"[\s*_>)\]]*$"),
        notices: lines(&data.common.notices, r"^[\s*_-]*", ""),
        footers: lines(&data.common.footers, "^", "$"),
        attributions: lines(&data.language.iter().map(attribution).collect::<Vec<_>>(), r"^[\s*_>-]*", ""),
        inside: data
            .language
            .iter()
            .filter_map(|l| Regex::new(&format!(r"(?i)^(?P<top>.*\S)(?:\s+|-+\s*){}", attribution(l))).ok())
            .collect(),
        run_on: lines(&data.language.iter().map(run_on).collect::<Vec<_>>(), r"^[\s*_>-]*", ""),
        rules: data.language.iter().map(|l| format!("attribution:{}", l.name)).collect(),
        verbs: lines(
            &data.language.iter().flat_map(|l| l.verbs.iter().map(|v| last_word(v))).collect::<Vec<_>>(),
            "",
            "",
        ),
        labels,
    }
});

fn lines(patterns: &[String], before: &str, after: &str) -> RegexSet {
    let all = patterns.iter().map(|p| format!("{before}(?:{p}){after}"));
    RegexSetBuilder::new(all).case_insensitive(true).build().unwrap_or_else(|_| RegexSet::empty())
}

/// Opening word, a digit somewhere, verb, the end; after the verb a name and a colon where the language does so.
fn attribution(language: &Language) -> String {
    let verb = language.verbs.join("|");
    let name = if language.inverted { r"(?:\s.{1,90}:)?" } else { "" };
    let (opening, bound) = opening(language);
    format!(r"{opening}.*\d.*{bound}(?:{verb}){name}\s?:?[\s*_-]*$")
}

/// "Le … Codev <codev@example.org> a écrit : Bonjour".
fn run_on(language: &Language) -> String {
    let (opening, _) = opening(language);
    format!(r"{opening}.*\d.*<\s?[^\s@]+@[^\s@]+?\s?>,? ?(?:{}) ?: ?\S.*$", language.verbs.join("|"))
}

/// The opening word as a pattern, and what bounds the verb.
fn opening(language: &Language) -> (String, &'static str) {
    match language.openings.join("|") {
        none if none.is_empty() => (none, ""),
        words => (format!(r"(?:{words})\b"), r"\b"),
    }
}

fn last_word(verb: &str) -> String {
    verb.rsplit(' ').next().unwrap_or(verb).to_owned()
}

/// Where a quote is announced: lines `start..end`, and the words of the person on the first of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub end: usize,
    pub rule: String,
    /// What the person wrote on the same line before it, if anything.
    pub top: Option<String>,
}

/// Does a quote's announcement begin at line `at`? `keys` are the lines in the form patterns are matched against.
pub(super) fn head(keys: &[String], at: usize) -> Option<Head> {
    let line = keys.get(at).filter(|l| !l.is_empty() && l.len() <= MAX_LINE)?;
    let one = |rule: &str| Some(Head { end: at + 1, rule: rule.to_owned(), top: None });
    if MARKS.separators.is_match(line) {
        return one("separator");
    }
    if MARKS.forwards.is_match(line) {
        return one("forward");
    }
    if line.contains('@')
        && let Some(n) = MARKS.run_on.matches(line).iter().next()
    {
        return one(&MARKS.rules[n]);
    }
    block(keys, at).or_else(|| attributed(keys, at))
}

/// Is this a line that a program or a host added: "Sent from my phone", "External sender"?
pub(super) fn is_added(key: &str) -> bool {
    key.len() <= MAX_LINE && MARKS.added.is_match(key)
}

/// Does a company's notice begin here?
pub(super) fn is_notice(key: &str) -> bool {
    MARKS.notices.is_match(text::cut(key, MAX_LINE))
}

/// Does what a mailing list adds begin at this line: a rule, and below it a line about the list?
pub(super) fn is_footer(keys: &[String], at: usize) -> bool {
    let below = || next_filled(keys, at + 1).is_some_and(|l| l.len() <= MAX_LINE && MARKS.footers.is_match(l));
    is_rule(&keys[at]) && below()
}

/// A title between dashes: "---- Original ----".
pub(super) fn is_dashed(key: &str) -> bool {
    key.len() >= 10 && key.starts_with("----") && key.ends_with("----")
}

/// A line of nothing but rule characters.
pub(super) fn is_rule(key: &str) -> bool {
    key.len() >= 5 && key.chars().all(|c| matches!(c, '_' | '-' | '=' | '*' | '—' | '–' | ' '))
}

/// Is this a quoted line?
pub(super) fn is_angled(line: &str) -> bool {
    let trimmed = line.trim_start();
    line.len() - trimmed.len() <= 3 && (trimmed.starts_with('>') || trimmed.starts_with("|>"))
}

/// "On … Anne wrote:", on one line or broken over a few; the shortest that holds.
fn attributed(keys: &[String], at: usize) -> Option<Head> {
    let mut joined = String::new();
    for (n, key) in keys.iter().enumerate().skip(at).take(MAX_SPAN) {
        if !joined.is_empty() && !key.is_empty() {
            joined.push(' ');
        }
        joined.push_str(key);
        if joined.len() > MAX_LINE {
            return None;
        }
        if !(MARKS.verbs.is_match(key) || key.ends_with([':', '>'])) {
            continue;
        }
        let quote_follows = next_filled(keys, n + 1).is_some_and(|l| is_angled(l));
        let Some((rule, top)) = attribution_in(&joined, (n > at).then_some(&keys[at..n]), quote_follows) else {
            continue;
        };
        let nearer = (at + 1..=n).any(|later| !keys[later].is_empty() && whole_from(&keys[at..=n], later - at));
        return (!nearer).then_some(Head { end: n + 1, rule, top });
    }
    None
}

/// Are the lines from `later` on an attribution by themselves? Then what stands above them is the person's: "Le 6" above
/// "Anne <anne@example.org> a écrit :". Above such a name and verb, a year tells the broken attribution's date.
fn whole_from(lines: &[String], later: usize) -> bool {
    let joined = lines[later..].join(" ");
    let loose = || MARKS.loose.is_match(&joined) || (MARKS.verbs.is_match(&joined) && MARKS.names.is_match(&joined));
    named(&joined).is_some() || (!lines[..later].iter().any(|l| has_year(l)) && loose())
}

/// The language whose attribution this text is, from its beginning.
fn named(joined: &str) -> Option<usize> {
    MARKS.attributions.matches(joined).iter().next()
}

/// The rule that sees an attribution in this text, and the words before it. `above` are its lines but the last, where it
/// is broken.
fn attribution_in(joined: &str, above: Option<&[String]>, quote_follows: bool) -> Option<(String, Option<String>)> {
    let told = joined.contains('@') || (joined.ends_with([':', '*', '-']) && has_hour(joined));
    if joined.is_empty() || !(quote_follows || told) {
        return None;
    }
    let rule = |n: usize| MARKS.rules.get(n).cloned().unwrap_or_default();
    if let Some(language) = named(joined) {
        return Some((rule(language), None));
    }
    if quote_follows && above.is_none() {
        let found = MARKS.inside.iter().enumerate().find_map(|(n, inside)| Some((n, inside.captures(joined)?)));
        if let Some((n, found)) = found {
            return Some((rule(n), Some(found["top"].trim_end_matches(['-', ' ']).to_owned())));
        }
    }
    let whole = above.is_none_or(is_stamp) && MARKS.loose.is_match(joined);
    let alone = quote_follows && above.is_none();
    let named = alone && MARKS.names.is_match(joined);
    // in a language that no list knows: a date to the minute, and who or which year
    let stamped = alone
        && joined.ends_with(':')
        && has_hour(&joined.replace('.', ":"))
        && (joined.contains('@') || has_year(joined));
    (whole || named || stamped).then(|| ("attribution".to_owned(), None))
}

/// A program's date: a year and an hour, no line left blank. Any other number above a name is an answer, "1 und 3".
fn is_stamp(lines: &[String]) -> bool {
    let first = lines.first().map_or("", String::as_str);
    let digit = first.starts_with(|c: char| c.is_ascii_digit());
    // A dot between two numbers may be a date's: only a colon or an "h" tells an hour beside one.
    let hour = has_hour(&first.replace('.', "/"));
    digit && hour && has_year(first) && lines.iter().all(|l| !l.is_empty())
}

/// A year with its date, as programs write it: "2026", "24/11/26".
fn has_year(line: &str) -> bool {
    static YEAR: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\b(?:19|20)\d{2}(?:\b|[年년])|\b\d{1,2}[/.-] ?\d{1,2}[/.-] ?\d{2}\b").ok());
    YEAR.as_ref().is_some_and(|y| y.is_match(line))
}

/// An hour: what a program writes and a sentence beginning with "Le" or "On" seldom has.
fn has_hour(joined: &str) -> bool {
    static HOUR: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\d{1,2}(?::|\s?h\s?|\.)\d{2}\b").ok());
    HOUR.as_ref().is_some_and(|h| h.is_match(joined))
}

/// The next line that is not blank.
pub(super) fn next_filled(keys: &[String], from: usize) -> Option<&String> {
    keys.iter().skip(from).take(6).find(|l| !l.is_empty())
}

/// The field a line of a header block names, and whether an address stands in it.
fn field(key: &str) -> Option<(Field, bool)> {
    let (label, value) = key.split_once(':')?;
    if label.len() > 30 {
        return None;
    }
    let label = label.trim_matches(['*', ' ', '_', '>']).to_lowercase();
    MARKS.labels.get(&label).map(|f| (*f, value.contains('@')))
}

/// Outlook's block: From, Sent, To, Subject in any order, perhaps under a rule, fields perhaps broken or spaced.
fn block(keys: &[String], at: usize) -> Option<Head> {
    let (first, mut address) = field(&keys[at])?;
    if !matches!(first, Field::From | Field::Sent) {
        return None;
    }
    let mut seen = vec![first];
    let (mut end, mut strange) = (at + 1, 0);
    for (n, key) in keys.iter().enumerate().skip(at + 1).take(MAX_BLOCK) {
        match field(key) {
            Some((f, has)) if f == Field::Other || !seen.contains(&f) => {
                seen.push(f);
                address |= has;
                (end, strange) = (n + 1, 0);
            }
            Some(_) => break,
            None if key.is_empty() => strange += 1,
            None => {
                address |= strange < 2 && key.contains('@');
                strange += 1;
            }
        }
        if strange > 2 {
            break;
        }
    }
    let has = |f: Field| seen.contains(&f);
    let others = [Field::Sent, Field::To, Field::Subject].iter().filter(|f| has(**f)).count();
    let whole = if has(Field::From) {
        (others >= 2 || address) && (has(Field::Sent) || has(Field::To))
    } else {
        has(Field::To) && (address || has(Field::Subject))
    };
    whole.then(|| Head { end, rule: "header block".to_owned(), top: None })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn first_head(body: &str) -> Option<(usize, Head)> {
        let keys: Vec<String> = body.lines().map(text::key).collect();
        (0..keys.len()).find_map(|at| head(&keys, at).map(|h| (at, h)))
    }

    #[test]
    fn the_data_is_whole() {
        let data: Data = toml::from_str(include_str!("data/quotes.toml")).unwrap();
        assert_eq!(MARKS.attributions.len(), data.language.len());
        assert_eq!(MARKS.inside.len(), data.language.len());
        assert_eq!(MARKS.run_on.len(), data.language.len());
        assert!(!MARKS.verbs.is_empty());
        for (set, said) in [
            (&MARKS.separators, &data.common.separators),
            (&MARKS.forwards, &data.common.forwards),
            (&MARKS.loose, &data.common.attributions),
            (&MARKS.names, &data.common.names),
            (&MARKS.added, &data.common.added),
            (&MARKS.notices, &data.common.notices),
            (&MARKS.footers, &data.common.footers),
        ] {
            assert_eq!(set.len(), said.len());
        }
    }

    #[test]
    fn attributions_are_found_and_sentences_are_not() {
        let (at, found) =
            first_head("Oui\n\nLe mar. 24 nov. 2026 à 10:00, Codev Lyon <\ncodev@example.org> a écrit :\n\nQ").unwrap();
        assert_eq!((at, found.end, found.rule.as_str()), (2, 4, "attribution:fr"));
        assert_eq!(first_head("Le directeur a écrit une note :\n\nQ"), None);
        assert_eq!(first_head("Le 6 mars Paul a écrit : venez."), None);
        assert_eq!(first_head("On Monday I wrote 3 pages.\nOn verra."), None);
        for theirs in [
            "On the 6th at 18:00 Paul sent the notes to all of us",
            "On Monday at 10:00 that's what I sent",
            "Le 6 à 18 h 00 Paul a écrit à tout le monde",
            "On se voit à 18:30 :",
            "Le plan du 8 :\n- appeler Paul à 10:00",
            "Le 8 à 10:00 je peux.\nLe 9 aussi :\nPaul a écrit",
        ] {
            assert_eq!(first_head(theirs), None, "{theirs}");
        }
        assert_eq!(
            first_head("On peut à 10:00 ?\nOn Tue, Nov 24, 2026 at 10:00 AM Codev <c@x.org> wrote:\n> Q").unwrap().0,
            1
        );
    }

    #[test]
    fn a_numeric_answer_right_above_an_attribution_is_no_part_of_it() {
        let heads = [
            "Codev Lyon <codev@example.org> schrieb am 24.11.2026:",
            "Codev Lyon <codev@example.org> schrieb am Di. 24. Nov. 2026 um 10:00:",
            "Codev Lyon <codev@example.org>:",
            "Codev Lyon schreef op 2026-11-24 10:00:",
            "Codev Lyon <codev@example.org> wrote:",
            "Codev Lyon <codev@example.org> a écrit :",
            "2026-11-24 10:00 GMT+01:00 Codev Lyon <codev@example.org>:",
            "On Tue, Nov 24, 2026 at 10:00 AM Codev Lyon <codev@example.org> wrote:",
            "Am Di., 24. Nov. 2026 um 10:00 Uhr schrieb Codev Lyon <codev@example.org>:",
            "Le mar. 24 nov. 2026 à 10:00, Codev Lyon <codev@example.org> a écrit :",
        ];
        let answers = [
            "1",
            "1 und 3",
            "Le 6",
            "Le 6 à 18 h 30",
            "On the 6th at 10:00",
            "Am 6. um 18:30",
            "Op 6 maart",
            "1, 3",
            "2 et 3",
            "1 = oui, 2 = non",
            "13/3",
            "10:00",
            "10.00 Uhr",
            "18 h 30",
            "6 mars",
            "24.11.",
            "24.11.2026",
            "2026-11-24",
            "2 oui\n3 non",
            "1: ja\n2: nein",
            "1)\n3)",
            "5 minutes late",
        ];
        for head in heads {
            for answer in answers {
                for gap in ["\n", "\n\n"] {
                    for quote in ["> Q", "\n> Q"] {
                        let body = format!("{answer}{gap}{head}\n{quote}");
                        let from = answer.lines().count() + gap.len() - 1;
                        let found = first_head(&body).map(|(at, h)| (at, h.end));
                        assert_eq!(found, Some((from, from + 1)), "{body}");
                    }
                }
            }
        }
    }

    #[test]
    fn an_attribution_broken_after_its_date_is_whole() {
        for broken in [
            "2014-10-17 11:28 GMT+03:00\nAnne <anne@example.org>:",
            "2014-10-17 11:28\nAnne Martin <anne@example.org>:",
            "2014-10-17 11:28 GMT+03:00 Anne\n<anne@example.org>:",
            "24 nov. 2026 kl. 10:00 skrev\nAnne <anne@example.org>:",
        ] {
            let body = format!("Oui\n\n{broken}\n> Q");
            assert_eq!(first_head(&body).map(|(at, h)| (at, h.end)), Some((2, 4)), "{body}");
        }
    }

    #[test]
    fn what_machines_add_is_told_from_what_people_say() {
        for added in [
            "Envoyé de mon iPhone",
            "Envoyé depuis mon mobile Orange",
            "Envoyé à partir de Outlook pour iOS<https://aka.ms/o0ukef>",
            "Télécharger Outlook pour Android",
            "Envoyé avec Proton Mail",
            "Sent from my Galaxy",
            "Get Outlook for iOS",
            "*Sent from Yahoo Mail on Android*",
            "[EXTERNAL]",
            "CAUTION: This email originated from outside the organization. Do not click.",
            "⚠ Attention : ce courriel provient de l'extérieur de l'entreprise.",
            "Von meinem iPhone gesendet",
            "Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.",
            "Gesendet mit der GMX Mail App",
            "Enviado desde mi iPhone",
            "Enviado con el correo electrónico seguro de Proton Mail.",
            "Inviato da iPhone",
            "Inviato con l'email sicura di Proton Mail.",
            "Verstuurd vanaf mijn iPhone",
            "Outlook für Android herunterladen<https://aka.ms/AAb9ysg>",
            "Scarica Outlook per iOS",
        ] {
            assert!(is_added(&text::key(added)), "{added}");
        }
        for theirs in [
            "Sent by mistake, sorry.",
            "Envoyé par Paul hier soir.",
            "Envoyé avec mes excuses",
            "Attention, un consultant extérieur vient jeudi.",
            "External consultants are my problem.",
            "Sent from Paris with love",
            "Von meinem Chef habe ich noch nichts gehört",
            "Von meiner Seite passt es",
            "Gesendet von mir gestern Abend, also ja",
            "Enviado desde Madrid ayer por Paula",
            "Inviato da Paolo ieri sera",
            "Verzonden door Paul",
        ] {
            assert!(!is_added(&text::key(theirs)), "{theirs}");
        }
        assert!(is_notice("Ce message et toutes les pièces jointes sont confidentiels"));
        assert!(is_notice("This e-mail is confidential and intended for the addressee"));
        assert!(!is_notice("Ce message est confidentiel : je pense quitter l'équipe."));
        assert!(!is_notice("This message is for Paul only."));
    }

    #[test]
    fn a_single_label_is_no_block() {
        assert_eq!(first_head("De : Anne à Bob\nMerci"), None);
        assert_eq!(first_head("Date : le 6 mars\nHeure : 18 h"), None);
        assert!(first_head("*De :* Codev\n*Envoyé :* mardi 24 novembre 2026 10:00\n*À :* Anne\n*Objet :* x").is_some());
    }
}

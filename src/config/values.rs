//! Values of group files: languages, zones, dates, short names made from names.

use crate::config::nearest::nearest;
use crate::config::table::{At, Document, Table};
use crate::core::ids::{Email, Language, NotA};
use crate::core::schedule::{Schedule, ScheduleError};
use crate::core::spec::Skip;
use chrono::NaiveDate;
use chrono_tz::{TZ_VARIANTS, Tz};
use std::str::FromStr;
use toml::Spanned;
use toml::de::DeValue;
use unicode_normalization::UnicodeNormalization;

/// Abbreviations that do not say where, or have no summer time, and a place that does.
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("cet", "Europe/Paris"),
    ("cest", "Europe/Paris"),
    ("met", "Europe/Paris"),
    ("heure de paris", "Europe/Paris"),
    ("france", "Europe/Paris"),
    ("gmt", "Europe/London"),
    ("bst", "Europe/London"),
    ("wet", "Europe/Lisbon"),
    ("eet", "Europe/Athens"),
    ("est", "America/New_York"),
    ("edt", "America/New_York"),
    ("cst", "America/Chicago"),
    ("pst", "America/Los_Angeles"),
    ("pdt", "America/Los_Angeles"),
    ("québec", "America/Toronto"),
    ("montréal", "America/Montreal"),
];

/// Names of languages in several tongues and their two letters.
const LANGUAGES: &[(&str, &str)] = &[
    ("french", "fr"),
    ("français", "fr"),
    ("francais", "fr"),
    ("fra", "fr"),
    ("english", "en"),
    ("anglais", "en"),
    ("eng", "en"),
    ("german", "de"),
    ("deutsch", "de"),
    ("spanish", "es"),
    ("español", "es"),
];

/// Weekdays and ranks as schedules name them.
const SCHEDULE_WORDS: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "first",
    "second",
    "third",
    "fourth",
    "last",
    "lundi",
    "mardi",
    "mercredi",
    "jeudi",
    "vendredi",
    "samedi",
    "dimanche",
    "premier",
    "deuxième",
    "second",
    "troisième",
    "quatrième",
    "dernier",
    "every",
];

/// A language of two letters; one of `known` unless that is empty.
pub(crate) fn language(doc: &Document, at: &At<&str>, known: &[Language]) -> Option<Language> {
    let word = at.value.trim();
    let listed = known.iter().map(Language::as_str).collect::<Vec<_>>().join(", ");
    let found = word.parse::<Language>().ok();
    if let Some(language) = found.clone().filter(|l| known.is_empty() || known.contains(l)) {
        return Some(language);
    }
    let lower = word.to_lowercase();
    let named = LANGUAGES.iter().find(|(name, _)| *name == lower).map(|(_, code)| *code);
    let right = named.or_else(|| lower.split(['-', '_', '.']).next().filter(|c| c.len() == 2 && *c != word));
    let right = right.filter(|r| known.is_empty() || known.iter().any(|k| k.as_str() == *r));
    let hint = right.map(|r| format!("did you mean \"{r}\"?"));
    let (said, expected) = match found {
        Some(_) => (format!("there are no mails in {word:?}"), format!("one of {listed}")),
        None => (format!("{word:?} is no language"), "two letters, such as \"fr\" or \"en\"".to_owned()),
    };
    doc.wrong(&at.span, said, &expected, hint);
    None
}

/// A zone by its place: `Europe/Paris`, or `UTC`. Abbreviations are refused: they do not say where.
pub(crate) fn zone(doc: &Document, at: &At<&str>) -> Option<Tz> {
    let word = at.value.trim();
    let by_place = |z: &Tz| z.name() == "UTC" || z.name().contains('/') && !z.name().starts_with("Etc/");
    if let Some(zone) = word.parse::<Tz>().ok().filter(by_place) {
        return Some(zone);
    }
    let lower = word.to_lowercase();
    let right = ABBREVIATIONS.iter().find(|(name, _)| *name == lower).map(|(_, zone)| *zone);
    let city = fold(word).replace(' ', "_");
    let by_city = || {
        TZ_VARIANTS
            .iter()
            .filter(|z| by_place(z))
            .map(|z| z.name())
            .find(|n| n.to_lowercase().ends_with(&format!("/{city}")))
    };
    let right = right.or_else(by_city).or_else(|| near_city(&city));
    let right = right.or_else(|| nearest(word, TZ_VARIANTS.iter().filter(|z| by_place(z)).map(|z| z.name())));
    let hint = right.map(|r| format!("did you mean \"{r}\"?"));
    doc.wrong(
        &at.span,
        format!("{word:?} is no time zone"),
        "a place such as \"Europe/Paris\" or \"America/Montreal\"",
        hint,
    );
    None
}

/// The zone whose city is spelt most like this one.
fn near_city(city: &str) -> Option<&'static str> {
    let cities = || TZ_VARIANTS.iter().filter_map(|z| Some((z.name(), z.name().rsplit_once('/')?.1)));
    let near = nearest(city, cities().map(|(_, c)| c)).filter(|_| !city.contains('/'))?;
    cities().find(|(_, c)| *c == near).map(|(name, _)| name)
}

/// When a group meets; a misspelt weekday or rank gets its right word.
pub(crate) fn schedule(doc: &Document, at: &At<&str>) -> Option<Schedule> {
    let why = match at.value.parse() {
        Ok(schedule) => return Some(schedule),
        Err(why) => why,
    };
    let known = |w: &str| SCHEDULE_WORDS.iter().any(|k| fold(k) == w);
    let misspelt = |w: &str| w.len() > 3 && !known(w) && w.chars().all(char::is_alphabetic);
    let words = at.value.split_whitespace().map(fold);
    let right = words.filter(|w| misspelt(w)).find_map(|w| nearest(&w, SCHEDULE_WORDS.iter().copied()));
    let hint = right.filter(|_| matches!(why, ScheduleError::Unknown { .. })).map(|r| format!("did you mean {r}?"));
    doc.wrong(&at.span, why.to_string(), "", hint);
    None
}

/// An address; one with a name around it gets the right writing.
pub(crate) fn email(doc: &Document, at: At<&str>) -> Option<At<Email>> {
    let why = match at.value.parse() {
        Ok(value) => return Some(At { value, span: at.span }),
        Err(why) => NotA::to_string(&why),
    };
    let inner = at.value.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(inner, _)| inner);
    let meant = inner.or_else(|| at.value.trim().strip_prefix("mailto:")).map(str::to_owned);
    let meant = meant.unwrap_or_else(|| at.value.replace(" at ", "@").replace(" dot ", ".").replace(' ', ""));
    let hint = meant.parse::<Email>().ok().map(|m| format!("write \"{m}\""));
    doc.wrong(&at.span, why, "", hint);
    None
}

/// A day: `2026-12-25`, with or without quotes.
pub(crate) fn date(table: &mut Table, key: &'static str) -> Option<NaiveDate> {
    let span = table.value_span(key);
    let items = table.items(key)?;
    let span = span?;
    let [item] = items.as_slice() else {
        table.doc.wrong(&span, format!("`{key}` is a list"), "one day such as \"2026-12-25\"", None);
        return None;
    };
    let found = day(item.get_ref());
    if found.is_none() {
        wrong_day(table.doc, key, item, "a day such as \"2026-12-25\"");
    }
    found
}

/// Days and spans of days without meetings.
pub(crate) fn skips(table: &mut Table) -> Vec<Skip> {
    let items = table.items("skip").unwrap_or_default();
    items.into_iter().filter_map(|item| skip(table.doc, item)).collect()
}

fn skip(doc: &Document, item: &Spanned<DeValue>) -> Option<Skip> {
    let expected = "a day such as \"2026-12-25\" or a span such as \"2026-08-01..2026-08-31\"";
    let ends = item.get_ref().as_str().and_then(|t| t.split_once(".."));
    let found = match ends {
        Some((from, to)) => from.trim().parse().ok().zip(to.trim().parse().ok()),
        None => day(item.get_ref()).map(|d| (d, d)),
    };
    let Some((from, to)) = found else {
        wrong_day(doc, "skip", item, expected);
        return None;
    };
    if from > to {
        let remedy = Some(format!("write \"{to}..{from}\""));
        doc.wrong(&item.span(), format!("this span ends on {to}, before it begins on {from}"), expected, remedy);
        return None;
    }
    Some(Skip { from, to })
}

fn day(value: &DeValue) -> Option<NaiveDate> {
    match value {
        DeValue::String(text) => text.trim().parse().ok(),
        DeValue::Datetime(at) if at.time.is_none() => at.date.as_ref()?.to_string().parse().ok(),
        _ => None,
    }
}

/// Tells what is no day; one in the order of day and month gets the right writing.
fn wrong_day(doc: &Document, key: &str, item: &Spanned<DeValue>, expected: &str) {
    let text = item.get_ref().as_str().unwrap_or_default();
    let meant = ["%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d"].iter();
    let meant =
        meant.filter_map(|f| NaiveDate::parse_from_str(text.trim(), f).ok()).find(|d| d.to_string().len() == 10);
    let found = match text {
        "" => format!("`{key}` holds something that is no day"),
        text => format!("{text:?} is no day"),
    };
    doc.wrong(&item.span(), found, expected, meant.map(|d| format!("write \"{d}\"")));
}

/// Letters without accents, in lower case.
fn fold(text: &str) -> String {
    let plain = text.nfkd().filter(|c| !unicode_normalization::char::is_combining_mark(*c));
    plain
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            'ł' => "l".to_owned(),
            'ø' => "o".to_owned(),
            'đ' => "d".to_owned(),
            'ß' => "ss".to_owned(),
            'æ' => "ae".to_owned(),
            'œ' => "oe".to_owned(),
            c => c.to_string(),
        })
        .collect()
}

/// A short name made from a name: `Codév Cadres, Lyon` is `codev-cadres-lyon`. At most 32 letters,
/// cut between words where possible. `None` if there is no letter to take.
pub(crate) fn slug(name: &str) -> Option<String> {
    let folded = fold(name);
    let words: Vec<_> = folded.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let mut slug = String::new();
    for word in words {
        let hyphen = usize::from(!slug.is_empty());
        if slug.len() + hyphen + word.len() > 32 {
            break;
        }
        slug.push_str(if hyphen == 1 { "-" } else { "" });
        slug.push_str(word);
    }
    if slug.is_empty() {
        slug = folded.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
    }
    (!slug.is_empty()).then_some(slug)
}

/// A value that takes the place of one that could not be read, so that the rest is still checked.
/// It never leaves this room: the error noted beside it refuses the whole file.
pub(crate) fn stand_in<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

//! Until when an automatic reply says its sender is away. Unknown is a good answer, a wrong date is not.

use std::sync::LazyLock;

use chrono::{Datelike, Days, NaiveDate};
use regex::{Captures, Regex};
use serde::Deserialize;

use super::letter::Letter;
use super::text;

/// Only dates so many days after the mail count.
const AHEAD: i64 = 60;
/// Dates that differ by more leave it unknown.
const AGREE: i64 = 3;

/// A language's way of saying how long one is away; `data/absence.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    /// Names of months with their number.
    months: std::collections::BTreeMap<String, u32>,
    /// Names of days of the week with their number, Monday first.
    weekdays: std::collections::BTreeMap<String, u32>,
    language: Vec<Language>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Language {
    /// Is 03/05 the third of May for sure?
    day_first: bool,
    /// What stands before the last day away.
    until: Vec<String>,
    /// What stands before the first day back.
    back: Vec<String>,
}

/// A phrase, ready: what follows it is a date.
struct Phrase {
    before: Regex,
    back: bool,
    day_first: bool,
}

struct Phrases {
    months: std::collections::BTreeMap<String, u32>,
    weekdays: std::collections::BTreeMap<String, u32>,
    all: Vec<Phrase>,
}

static PHRASES: LazyLock<Phrases> = LazyLock::new(|| {
    let data: Data = toml::from_str(include_str!("data/absence.toml")).unwrap_or_default();
    let phrase = |text: &String, back: bool, day_first: bool| {
        Regex::new(&format!(r"\b(?:{text})\s+")).ok().map(|before| Phrase { before, back, day_first })
    };
    let of = |l: &Language| -> Vec<Phrase> {
        let until = l.until.iter().filter_map(|t| phrase(t, false, l.day_first));
        l.back.iter().filter_map(|t| phrase(t, true, l.day_first)).chain(until).collect()
    };
    Phrases { all: data.language.iter().flat_map(of).collect(), months: data.months, weekdays: data.weekdays }
});

/// The last day of absence, if the letter names one.
pub(super) fn until(letter: &Letter) -> Option<NaiveDate> {
    let sent = letter.date?.date_naive();
    let words = text::key(&format!("{}\n{}", letter.subject, text::cut(&letter.text, 4000))).to_lowercase();
    let mut found: Vec<(usize, NaiveDate)> = Vec::new();
    for phrase in &PHRASES.all {
        for at in phrase.before.find_iter(&words).take(20) {
            let Some(day) = date(&words[at.end()..], sent, phrase.day_first) else {
                continue;
            };
            let day = if phrase.back { day.checked_sub_days(Days::new(1))? } else { day };
            if !found.iter().any(|(end, _)| *end == at.end()) {
                found.push((at.end(), day));
            }
        }
    }
    let days = || found.iter().map(|(_, day)| *day).filter(|day| (0..=AHEAD).contains(&(*day - sent).num_days()));
    let (first, last) = (days().min()?, days().max()?);
    ((last - first).num_days() <= AGREE).then_some(days().next()?)
}

/// The date a text begins with.
fn date(text: &str, sent: NaiveDate, day_first: bool) -> Option<NaiveDate> {
    static FORMS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        let weekday = r"^(?:(?:le|the|on|au|am|den|dem|el|il)\s+)?(?:(?P<w>[a-zà-ÿ]{3,10})\.?,?\s+)?(?:(?:le|the|den|dem|el|il)\s+)?";
        [
            r"^(?:le\s+|the\s+)?(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})\b".to_owned(),
            weekday.to_owned() + r"(?P<a>\d{1,2})\s?[/.-]\s?(?P<b>\d{1,2})(?:\s?[/.-]\s?(?P<y>\d{4}|\d{2})\b)?",
            weekday.to_owned() + r"(?P<d>\d{1,2})(?:er|st|nd|rd|th|\.|º|°)?(?:\s+(?:of|de))?\s+(?P<name>[a-zà-ÿ]{3,10})\b\.?(?:,?\s+(?:de[l]?\s+)?(?P<y>\d{4}))?",
            weekday.to_owned() + r"(?P<name>[a-zà-ÿ]{3,10})\.?\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?\b(?:,?\s+(?P<y>\d{4}))?",
            r"^(?P<name>[a-zà-ÿ]{3,10})\.?\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?\b(?:,?\s+(?P<y>\d{4}))?".to_owned(),
        ]
        .iter()
        .filter_map(|form| Regex::new(form).ok())
        .collect()
    });
    FORMS.iter().find_map(|form| {
        let found = form.captures(text)?;
        let behind = &text[found.get(0)?.end()..];
        if is_hour(&found, behind, day_first) { None } else { read(&found, sent, day_first) }
    })
}

/// 12.30 is an hour where days are not written with dots, and before a word that says so everywhere.
fn is_hour(found: &Captures<'_>, behind: &str, day_first: bool) -> bool {
    static HOUR: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^\s*(?:uhr|uur|h|heures?|hrs?|hours?|ore|am|pm|a\.m|p\.m)\b").ok());
    let dotted = found.name("b").is_some() && found.name("y").is_none() && found[0].contains('.');
    dotted && (!day_first || HOUR.as_ref().is_some_and(|hour| hour.is_match(behind)))
}

fn read(found: &Captures<'_>, sent: NaiveDate, day_first: bool) -> Option<NaiveDate> {
    let number = |name: &str| found.name(name).and_then(|m| m.as_str().parse::<u32>().ok());
    let (day, month) = match (number("a"), number("b")) {
        (Some(a), Some(b)) => by_numbers(a, b, day_first)?,
        _ => (number("d")?, number("m").or_else(|| PHRASES.months.get(found.name("name")?.as_str()).copied())?),
    };
    // "lundi 12 mai" where the 12th is no Monday: the day or the year is another one
    let weekday = found.name("w").and_then(|w| PHRASES.weekdays.get(w.as_str()));
    let fits = |date: &NaiveDate| weekday.is_none_or(|day| date.weekday().number_from_monday() == *day);
    let date = match number("y") {
        Some(year) => NaiveDate::from_ymd_opt(if year < 100 { 2000 + year as i32 } else { year as i32 }, month, day),
        None => [0, 1]
            .iter()
            .filter_map(|next| NaiveDate::from_ymd_opt(sent.year() + next, month, day))
            .find(|d| *d >= sent),
    };
    date.filter(fits)
}

/// Day and month out of 03/05: unknown where both readings are possible and the language does not say.
fn by_numbers(a: u32, b: u32, day_first: bool) -> Option<(u32, u32)> {
    match (a, b) {
        _ if day_first || a > 12 || a == b => Some((a, b)),
        _ if b > 12 => Some((b, a)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    fn away(text: &str) -> Option<String> {
        let raw = format!(
            "From: Anne <anne@example.org>\r\nDate: Mon, 27 Apr 2026 09:00:00 +0200\r\nAuto-Submitted: auto-replied\r\n\r\n{text}"
        );
        super::super::letter::letter(raw.as_bytes()).auto_until.map(|d| d.to_string())
    }

    #[test]
    fn absence_dates_in_french_and_english() {
        for text in [
            "Je suis absente jusqu'au 12 mai.",
            "Je suis absent jusqu’au mardi 12 mai 2026 inclus",
            "absente du 2 au 12 mai inclus",
            "En congés du lundi 4 mai au mardi 12 mai",
            "absent du 02/05 au 12/05/2026",
            "Je serai de retour le 13/05",
            "de retour au bureau le mercredi 13 mai",
            "Je serai de retour à partir du 13 mai.",
            "Je reviens le 13 mai",
            "I am away until May 12.",
            "out of office until Tuesday, 12 May 2026",
            "I will be back on 13 May",
            "back in the office on Wednesday, May 13th",
            "returning Wednesday 13 May",
            "on leave from 4 to 12 May",
            "out of the office from May 4 to May 12",
            "I'll be away through the 12th of May",
            "away until 2026-05-12",
            "I will not be back until 13 May",
        ] {
            assert_eq!(away(text).as_deref(), Some("2026-05-12"), "{text}");
        }
    }

    #[test]
    fn absence_dates_in_german_dutch_spanish_and_italian() {
        for text in [
            "Ich bin bis 12. Mai nicht im Büro.",
            "Ich bin bis zum 12.05.2026 abwesend.",
            "bis einschließlich Dienstag, den 12. Mai",
            "abwesend vom 4. bis 12. Mai",
            "Vom 04.05. bis zum 12.05.2026 bin ich im Urlaub",
            "Ich bin am Mittwoch nicht da; wieder erreichbar ab dem 13. Mai",
            "Ich bin erst am 13. Mai wieder im Büro",
            "Ich bin zurück am Mittwoch, den 13. Mai 2026",
            "Ik ben afwezig tot en met 12 mei.",
            "afwezig van 4 t/m 12 mei 2026",
            "Ik ben weer bereikbaar vanaf woensdag 13 mei",
            "Op kantoor ben ik weer op 13-05-2026",
            "Estaré fuera de la oficina hasta el 12 de mayo.",
            "hasta el martes 12 de mayo de 2026",
            "de vacaciones del 4 al 12 de mayo",
            "ausente desde el 4 de mayo hasta el 12 de mayo",
            "Vuelvo a la oficina el miércoles 13 de mayo",
            "Estaré de vuelta el 13/05/2026",
            "Sono assente fino al 12 maggio.",
            "fuori ufficio fino a martedì 12 maggio 2026",
            "in ferie dal 4 al 12 maggio",
            "Sarò di ritorno il 13 maggio",
            "Rientro previsto: mercoledì 13 maggio",
            "Tornerò in ufficio il 13/05",
        ] {
            assert_eq!(away(text).as_deref(), Some("2026-05-12"), "{text}");
        }
    }

    #[test]
    fn doubt_leaves_it_unknown() {
        for text in [
            // begins then, and ends who knows when
            "Ab dem 4. Mai bin ich im Urlaub.",
            "Dal 4 maggio sono in ferie.",
            "A partir del 4 de mayo estaré fuera.",
            // the day itself or the day before
            "Ik ben afwezig tot 13 mei",
            "bis auf Weiteres",
            "hasta nuevo aviso",
            "fino a nuovo avviso",
            "I am away until 05/06.",
            "Je suis absent.",
            "jusqu'au 12 août",
            "jusqu'au 2 avril 2026",
            "absente jusqu'au 12 mai, puis jusqu'au 2 juin",
            "jusqu'au 31 février",
            "jusqu'au bout",
            // 12 May 2026 is a Tuesday
            "Je suis absent jusqu'au lundi 12 mai",
            "de retour le lundi 12 mai",
            "back in the office on Friday, May 13th",
            "out of office until Wed. 12 May 2026",
            "bis einschließlich Montag, den 12. Mai",
            "absent jusqu'au sam. 12/05",
            "Rientro previsto: giovedì 13 maggio",
            // an hour
            "I am in a meeting until 12.30",
            "I will be back on Monday at 9, and away until 10.05 today.",
            "Ich bin heute bis 12.05 Uhr nicht am Platz.",
            "Ik ben tot en met 12.05 uur weg",
        ] {
            assert_eq!(away(text), None, "{text}");
        }
    }
}

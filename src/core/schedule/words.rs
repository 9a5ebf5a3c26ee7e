//! A schedule in words, French or English: `second tuesday 18:00`, `dernier jeudi du mois à 14h`.

use super::Rule;
use chrono::{NaiveTime, Weekday};

/// Which of the month's five, by what people write; 0 is the last one.
const WHICH: &[(&str, u32)] = &[
    ("first", 1),
    ("1st", 1),
    ("premier", 1),
    ("première", 1),
    ("1er", 1),
    ("second", 2),
    ("2nd", 2),
    ("deuxième", 2),
    ("deuxieme", 2),
    ("2e", 2),
    ("2ème", 2),
    ("third", 3),
    ("3rd", 3),
    ("troisième", 3),
    ("troisieme", 3),
    ("3e", 3),
    ("3ème", 3),
    ("fourth", 4),
    ("4th", 4),
    ("quatrième", 4),
    ("quatrieme", 4),
    ("4e", 4),
    ("4ème", 4),
    ("last", 0),
    ("dernier", 0),
    ("dernière", 0),
];
const WEEKDAYS: &[(&str, Weekday)] = &[
    ("monday", Weekday::Mon),
    ("lundi", Weekday::Mon),
    ("tuesday", Weekday::Tue),
    ("mardi", Weekday::Tue),
    ("wednesday", Weekday::Wed),
    ("mercredi", Weekday::Wed),
    ("thursday", Weekday::Thu),
    ("jeudi", Weekday::Thu),
    ("friday", Weekday::Fri),
    ("vendredi", Weekday::Fri),
    ("saturday", Weekday::Sat),
    ("samedi", Weekday::Sat),
    ("sunday", Weekday::Sun),
    ("dimanche", Weekday::Sun),
];
const FILLERS: &[&str] = &[
    "of", "the", "month", "each", "every", "at", "on", "du", "le", "mois", "à", "a", "de", "chaque", "tous", "les",
    "o'clock",
];

/// The rule, or what was missing.
pub(super) fn parse(text: &str) -> Result<Rule, String> {
    let text = text.to_lowercase().replace([',', '.'], " ");
    let (mut which, mut weekday, mut time) = (None, None, None);
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut i = 0;
    while i < words.len() {
        let (word, after) = (words[i], words.get(i + 1).copied());
        i += 1;
        let singular = word.strip_suffix('s').unwrap_or(word);
        if let Some((_, n)) = WHICH.iter().find(|(w, _)| *w == word) {
            which = Some(*n);
        } else if let Some((_, d)) = WEEKDAYS.iter().find(|(w, _)| *w == word || *w == singular) {
            weekday = Some(*d);
        } else if let Some((t, taken)) = clock(word, after) {
            time = Some(t);
            i += usize::from(taken);
        } else if !FILLERS.contains(&word) {
            return Err(format!("{word:?} is neither a word known here nor an hour"));
        }
    }
    let which = which.ok_or("no \"first\" to \"fourth\" or \"last\"")?;
    let weekday = weekday.ok_or("no weekday")?;
    let time = time.ok_or("no hour such as 18:00, 14h or 2 pm")?;
    Ok(rule(which, weekday, time))
}

fn rule(which: u32, weekday: Weekday, time: NaiveTime) -> Rule {
    if which == 0 {
        return Rule::Last { weekday, time };
    }
    let (from, to) = (7 * (which - 1) + 1, 7 * which);
    let day = weekday.to_string().to_uppercase();
    Rule::Cron(format!("0 {} {from}-{to} * {day}", time.format("%-M %-H")))
}

/// An hour of the day and whether the word after belonged to it ("2 pm").
fn clock(word: &str, after: Option<&str>) -> Option<(NaiveTime, bool)> {
    let (digits, half, taken) = match (word.strip_suffix("am"), word.strip_suffix("pm"), after) {
        (Some(d), _, _) => (d, Some(0), false),
        (_, Some(d), _) => (d, Some(12), false),
        (_, _, Some("am")) => (word, Some(0), true),
        (_, _, Some("pm")) => (word, Some(12), true),
        _ => (word, None, false),
    };
    let (h, m) = match digits.split_once([':', 'h']) {
        Some((h, "")) => (h, "0"),
        Some((h, m)) if m.len() == 2 => (h, m),
        None if half.is_some() => (digits, "0"),
        _ => return None,
    };
    let hour: u32 = h.parse().ok()?;
    let hour = match half {
        Some(add) if (1..=12).contains(&hour) => hour % 12 + add,
        Some(_) => return None,
        None => hour,
    };
    Some((NaiveTime::from_hms_opt(hour, m.parse().ok()?, 0)?, taken))
}

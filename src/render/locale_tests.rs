//! What French and English habits come out as.
#![allow(clippy::unwrap_used)]

use super::*;
use chrono::TimeZone;

fn french() -> Locale {
    toml::from_str(include_str!("../../templates/fr/locale.toml")).unwrap()
}

fn english() -> Locale {
    toml::from_str(include_str!("../../templates/en/locale.toml")).unwrap()
}

fn place(reader: Tz, group: Tz) -> Place {
    Place { reader, group, clock_24h: false }
}

/// Unbreakable spaces made plain, to be read here.
fn plain(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

fn utc(month: u32, day: u32, hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, month, day, hour, minute, 0).unwrap()
}

#[test]
fn a_span_is_told_in_the_readers_zone_with_the_groups_beside_it() {
    let (start, end) = (utc(12, 8, 17, 0), utc(12, 8, 18, 30));
    let (paris, montreal) = (Tz::Europe__Paris, Tz::America__Montreal);
    let fr = |reader, group| plain(&french().span(start, end, place(reader, group)));
    assert_eq!(fr(paris, paris), "mardi 8 décembre, 18 h 00 à 19 h 30, Paris");
    assert_eq!(fr(montreal, paris), "mardi 8 décembre, 12 h 00 à 13 h 30, Montréal (18 h 00 à Paris)");
    assert_eq!(fr(Tz::Europe__Brussels, paris), "mardi 8 décembre, 18 h 00 à 19 h 30, Bruxelles");
    assert_eq!(fr(paris, Tz::Africa__Cairo), "mardi 8 décembre, 18 h 00 à 19 h 30, Paris (19 h 00 au Caire)");
    let tokyo = "mercredi 9 décembre, 2 h 00 à 3 h 30, Tokyo (mardi 8 décembre, 18 h 00 à Paris)";
    assert_eq!(fr(Tz::Asia__Tokyo, paris), tokyo);
    let en = |reader, group| plain(&english().span(start, end, place(reader, group)));
    assert_eq!(en(paris, montreal), "Tuesday 8 December, 6:00 pm to 7:30 pm, Paris (12 noon in Montréal)");
    assert_eq!(en(montreal, paris), "Tuesday 8 December, 12 noon to 1:30 pm, Montréal (6:00 pm in Paris)");
    let clock = Place { clock_24h: true, ..place(montreal, paris) };
    let told = plain(&english().span(start, end, clock));
    assert_eq!(told, "Tuesday 8 December, 12:00 to 13:30, Montréal (18:00 in Paris)");
}

#[test]
fn hours_never_break_and_follow_the_law_of_the_day() {
    let paris = Tz::Europe__Paris;
    let hour = |at| french().hour(at, place(paris, paris), paris);
    assert_eq!(hour(utc(12, 8, 17, 5)), "18\u{a0}h\u{a0}05");
    assert_eq!(plain(&hour(utc(7, 8, 17, 5))), "19 h 05");
    let midnight = english().hour(utc(12, 8, 23, 0), place(paris, paris), paris);
    assert_eq!(plain(&midnight), "12 midnight");
    assert_eq!(plain(&english().hour(utc(12, 8, 23, 10), place(paris, paris), paris)), "12:10 am");
}

#[test]
fn dates_durations_and_lists_are_as_people_write_them() {
    let date = |d| NaiveDate::from_ymd_opt(2026, 12, d).unwrap();
    assert_eq!(plain(&french().day(date(1))), "mardi 1er décembre");
    assert_eq!(plain(&french().day_full(date(8))), "mardi 8 décembre 2026");
    assert_eq!(plain(&french().day_short(date(15))), "15 décembre");
    assert_eq!(plain(&english().day(date(1))), "Tuesday 1 December");
    let told: Vec<_> = [5400, 480, 210, 45, 3600, 3900].iter().map(|s| plain(&french().duration(*s))).collect();
    assert_eq!(told, ["1 h 30", "8 min", "3 min 30", "45 s", "1 h", "1 h 05"]);
    let names = |n: usize| ["Ana", "Bo", "Chloé"].iter().take(n).map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let lists: Vec<_> = (0..=3).map(|n| french().list(&names(n))).collect();
    assert_eq!(lists, ["", "Ana", "Ana et Bo", "Ana, Bo et Chloé"]);
}

#[test]
fn french_elides_before_what_sounds_like_a_vowel() {
    let fr = french();
    for (name, told) in [
        ("Ana", "d’Ana"),
        ("Bo", "de Bo"),
        ("Élise", "d’Élise"),
        ("Hélène", "d’Hélène"),
        ("Hugo", "de Hugo"),
        ("Yves", "d’Yves"),
        ("Yann", "de Yann"),
        ("Yohan", "de Yohan"),
        ("Ouassim", "de Ouassim"),
        ("Oumar", "d’Oumar"),
        ("Henri Petit", "d’Henri Petit"),
    ] {
        assert_eq!(fr.elide("de", name), told);
    }
    assert_eq!(fr.elide("que", "Ana"), "qu’Ana");
    assert_eq!(english().elide("of", "Ana"), "of Ana");
}

#[test]
fn english_quotes_curl_the_right_way() {
    let told: Vec<_> =
        ["say \"no\", (\"yes\")", "\"Help me\"", "\", and", "it is \""].map(|t| english().typeset(t)).into();
    assert_eq!(told, ["say “no”, (“yes”)", "“Help me”", "”, and", "it is “"]);
}

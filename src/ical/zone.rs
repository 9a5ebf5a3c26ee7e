//! In charge of zones by their name: the IANA's, Windows's, those behind a program's path, plain
//! distances from UTC; and of wall times in them. What is none of these is nobody's: never guessed.

use super::vtimezone::Rules;
use chrono::{DateTime, FixedOffset, LocalResult, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use regex::Regex;
use serde::Deserialize;
use std::{collections::HashMap, sync::LazyLock};

/// A name longer than this is none; Windows's longest has 77 characters.
const MAX_NAME: usize = 200;

/// Words of a path that an area and a place fill at most: America/Argentina/Buenos_Aires.
const MAX_PARTS: usize = 3;

/// The greatest jump of a clock, in quarters of an hour: Samoa left out a whole day in 2011.
const QUARTERS: i32 = 24 * 4;

/// What a wall time is read by.
#[derive(Debug, Clone)]
pub(super) enum Zone {
    /// A zone of the IANA's list.
    Named(Tz),
    /// A fixed distance from UTC.
    Fixed(FixedOffset),
    /// The rules that the calendar brought with it.
    Rules(Rules),
}

impl Zone {
    /// The instant of a wall time. One that happens twice is the first; one that a jump leaves out
    /// counts by the distance from UTC before the jump (RFC 5545 §3.3.5).
    pub(super) fn instant(&self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        match self {
            Self::Named(zone) => in_named(*zone, local),
            Self::Fixed(offset) => offset.from_local_datetime(&local).single().map(|at| at.to_utc()),
            Self::Rules(rules) => rules.instant(local),
        }
    }
}

fn in_named(zone: Tz, local: NaiveDateTime) -> Option<DateTime<Utc>> {
    match zone.offset_from_local_datetime(&local) {
        LocalResult::Single(offset) | LocalResult::Ambiguous(offset, _) => at(local, &offset),
        LocalResult::None => (1..=QUARTERS).find_map(|quarters| {
            let before = local.checked_sub_signed(TimeDelta::minutes(15 * i64::from(quarters)))?;
            at(local, &zone.offset_from_local_datetime(&before).latest()?)
        }),
    }
}

fn at(local: NaiveDateTime, offset: &impl chrono::Offset) -> Option<DateTime<Utc>> {
    local.checked_sub_offset(offset.fix()).map(|utc| utc.and_utc())
}

/// The IANA zone that a name means: `Europe/Paris`, also behind a path
/// (`/mozilla.org/20050126_1/Europe/Paris`, RFC 5545 §3.8.3.1).
pub(super) fn iana(name: &str) -> Option<Tz> {
    let name = clean(name)?;
    if let Some(zone) = TABLE.zones.get(&name.to_ascii_lowercase()) {
        return Some(*zone);
    }
    let parts: Vec<&str> = name.split('/').collect();
    // a path names the registry first; without one, `Paris` alone would be a guess
    let is_path = name.starts_with('/') || name.contains("://");
    let fewest = if is_path { 1 } else { 2 };
    let longest = MAX_PARTS.min(parts.len().saturating_sub(1));
    let tails = (fewest..=longest).rev().filter_map(|take| parts.get(parts.len() - take..));
    tails.map(|tail| tail.join("/").to_ascii_lowercase()).find_map(|tail| TABLE.zones.get(&tail).copied())
}

/// A zone that is not the IANA's: Windows's name, or what Windows shows for it, or a distance from UTC.
///
/// `GMT+2` and `UTC+02:00` lie *east*, unlike the IANA's `Etc/GMT+2`, whose sign is turned round
/// (POSIX); that one is found by [`iana`].
pub(super) fn other(name: &str) -> Option<Zone> {
    let name = clean(name)?;
    if let Some(zone) = TABLE.names.get(&key(name)) {
        return Some(Zone::Named(*zone));
    }
    if let Some(offset) = distance(name) {
        return Some(Zone::Fixed(offset));
    }
    // "(UTC+01:00) Brussels, Copenhagen, Madrid, Paris": the places decide, since the number is that of winter
    let (shown, places) = name.strip_prefix('(')?.split_once(')')?;
    let offset = distance(shown.trim());
    let places = places.trim();
    match places {
        "" => offset.map(Zone::Fixed),
        _ if offset.is_none() => None,
        _ => iana(places).or_else(|| TABLE.names.get(&key(places)).copied()).map(Zone::Named),
    }
}

/// A name without quotes and blanks around it.
fn clean(name: &str) -> Option<&str> {
    let name = name.trim().trim_matches('"').trim();
    (!name.is_empty() && name.len() <= MAX_NAME).then_some(name)
}

/// `GMT+2`, `UTC+02:00`, `GMT+0200`, `UTC−5`, `+02:00`, `UTC`.
fn distance(name: &str) -> Option<FixedOffset> {
    static FORM: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)^(?:(?:utc|gmt)\s*(?:([+\-−])\s*(\d{1,2})(?:[:.]?(\d{2}))?)?|([+\-−])(\d{2}):?(\d{2}))$").ok()
    });
    let found = FORM.as_ref()?.captures(name)?;
    let group = |a: usize, b: usize| found.get(a).or_else(|| found.get(b)).map_or("", |m| m.as_str());
    let number = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<i32>().ok() };
    let (hours, minutes) = (number(group(2, 5))?, number(group(3, 6))?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    let seconds = hours * 3600 + minutes * 60;
    let east = !matches!(group(1, 4), "-" | "−");
    FixedOffset::east_opt(if east { seconds } else { -seconds })
}

/// A name as it is compared: lower case, one blank, one kind of comma between places.
fn key(name: &str) -> String {
    let places = name.split([',', '/', ';']).map(|place| place.split_whitespace().collect::<Vec<_>>().join(" "));
    places.collect::<Vec<_>>().join(",").to_lowercase()
}

/// The file, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    windows: Vec<Other>,
    words: Vec<Other>,
}

/// A zone that has another name than the IANA's.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Other {
    name: String,
    zone: String,
    #[serde(default)]
    names: Vec<String>,
}

/// The names, ready to be looked up.
#[derive(Debug, Default)]
struct Table {
    /// The IANA's, in lower case.
    zones: HashMap<String, Tz>,
    /// All others, by [`key`].
    names: HashMap<String, Tz>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let data: Data = toml::from_str(FILE).unwrap_or_default();
    let zones = TZ_VARIANTS.iter().map(|zone| (zone.name().to_ascii_lowercase(), *zone)).collect();
    let mut table = Table { zones, names: HashMap::new() };
    for other in data.windows.iter().chain(&data.words) {
        let Some(zone) = table.zones.get(&other.zone.to_ascii_lowercase()).copied() else { continue };
        // a stamp of summer names the same zone: "Romance Daylight Time"
        let summer = other.name.replace(" Standard Time", " Daylight Time");
        for name in [&other.name, &summer].into_iter().chain(&other.names) {
            table.names.insert(key(name), zone);
        }
    }
    table
});

/// The file as it is built in; a test reads it.
const FILE: &str = include_str!("data/zones.toml");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use std::str::FromStr;

    fn name_of(zone: &str) -> String {
        match iana(zone).map(Zone::Named).or_else(|| other(zone)) {
            Some(Zone::Named(zone)) => zone.name().to_owned(),
            Some(Zone::Fixed(offset)) => offset.to_string(),
            Some(Zone::Rules(_)) => "rules".to_owned(),
            None => "nobody's".to_owned(),
        }
    }

    #[test]
    fn every_kind_of_name() {
        for (name, expected) in [
            ("Europe/Paris", "Europe/Paris"),
            (" europe/paris ", "Europe/Paris"),
            ("\"Europe/Paris\"", "Europe/Paris"),
            ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
            ("/mozilla.org/20050126_1/Europe/Paris", "Europe/Paris"),
            ("/mozilla.org/20071231_1/America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
            ("/freeassociation.sourceforge.net/Europe/Paris", "Europe/Paris"),
            ("/freeassociation.sourceforge.net/Tzfile/America/Kentucky/Louisville", "America/Kentucky/Louisville"),
            ("/freeassociation.sourceforge.net/UTC", "UTC"),
            ("/softwarestudio.org/Olson_20011030_5/America/Chicago", "America/Chicago"),
            ("/citadel.org/20190914_1/Etc/GMT+2", "Etc/GMT+2"),
            ("http://tzurl.org/zoneinfo/Europe/Berlin", "Europe/Berlin"),
            ("posix/Europe/Paris", "Europe/Paris"),
            ("Romance Standard Time", "Europe/Paris"),
            ("romance standard time", "Europe/Paris"),
            ("Romance Daylight Time", "Europe/Paris"),
            ("W. Europe Standard Time", "Europe/Berlin"),
            ("Central Standard Time (Mexico)", "America/Mexico_City"),
            ("(UTC+01:00) Brussels, Copenhagen, Madrid, Paris", "Europe/Paris"),
            ("(GMT+01:00) Brussels, Copenhagen, Madrid, Paris", "Europe/Paris"),
            ("(UTC+01:00) Bruxelles, Copenhague, Madrid, Paris", "Europe/Paris"),
            ("(GMT+01.00) Amsterdam / Berlin / Bern / Rome / Stockholm / Vienna", "Europe/Berlin"),
            ("Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "Europe/Berlin"),
            ("(UTC-05:00) Eastern Time (US & Canada)", "America/New_York"),
            ("(UTC+01:00) Europe/Paris", "Europe/Paris"),
            ("(UTC) Coordinated Universal Time", "Etc/UTC"),
            ("(UTC+02:00)", "+02:00"),
            ("tzone://Microsoft/Utc", "UTC"),
            ("tzone://Microsoft/Custom", "nobody's"),
            ("GMT+2", "+02:00"),
            ("Etc/GMT+2", "Etc/GMT+2"),
            ("UTC+02:00", "+02:00"),
            ("GMT+0200", "+02:00"),
            ("GMT+02.00", "+02:00"),
            ("UTC-3", "-03:00"),
            ("UTC\u{2212}3", "-03:00"),
            ("gmt -0330", "-03:30"),
            ("+05:45", "+05:45"),
            ("-0800", "-08:00"),
            ("UTC", "UTC"),
            ("GMT", "GMT"),
            ("GMT+99", "nobody's"),
            ("UTC+01:75", "nobody's"),
            // the number is that of winter: summer's cannot be told
            ("(UTC+01:00) Atlantis", "nobody's"),
            ("(Earth) Paris", "nobody's"),
            ("GMT +0100 (Standard) / GMT +0200 (Daylight)", "nobody's"),
            ("Paris", "nobody's"),
            ("BST", "nobody's"),
            ("Customized Time Zone", "nobody's"),
            ("Chez moi", "nobody's"),
            ("", "nobody's"),
            ("/", "nobody's"),
            ("///", "nobody's"),
        ] {
            assert_eq!(name_of(name), expected, "{name:?}");
        }
        assert_eq!(name_of(&"Europe/Paris/".repeat(100)), "nobody's");
    }

    #[test]
    fn gmt_plus_two_lies_east_and_etc_gmt_plus_two_west() {
        let noon = NaiveDateTime::from_str("2026-10-24T12:00:00").unwrap();
        let hour = |name: &str| {
            let zone = iana(name).map(Zone::Named).or_else(|| other(name)).unwrap();
            zone.instant(noon).unwrap().format("%H:%M").to_string()
        };
        assert_eq!((hour("GMT+2").as_str(), hour("Etc/GMT+2").as_str()), ("10:00", "14:00"));
    }

    #[test]
    fn the_table_names_zones_that_are_there_and_each_name_once() {
        let data: Data = toml::from_str(FILE).unwrap();
        assert!(data.windows.len() >= 130, "{}", data.windows.len());
        let mut seen: HashMap<String, &str> = HashMap::new();
        for other in data.windows.iter().chain(&data.words) {
            assert!(Tz::from_str(&other.zone).is_ok(), "{}: {}", other.name, other.zone);
            for name in std::iter::once(&other.name).chain(&other.names) {
                let zone = seen.insert(key(name), &other.zone);
                assert!(zone.is_none_or(|zone| zone == other.zone), "{name} means two zones");
            }
        }
    }

    /// calcard knows Windows's names too: two tables made apart agree on the hour of each zone.
    #[test]
    fn the_table_agrees_with_another_one() {
        // calcard's are from before Chihuahua (2022) and Almaty (2024) left these zones
        let changed = ["Mountain Standard Time (Mexico)", "Central Asia Standard Time"];
        let data: Data = toml::from_str(FILE).unwrap();
        let (mut compared, mut unlike) = (0, Vec::new());
        for windows in &data.windows {
            let Ok(calcard::common::timezone::Tz::Tz(theirs)) = windows.name.parse() else { continue };
            let ours = Tz::from_str(&windows.zone).unwrap();
            compared += 1;
            for month in 1..=12 {
                let day = NaiveDateTime::from_str(&format!("2026-{month:02}-15T12:00:00")).unwrap();
                if in_named(ours, day) != in_named(theirs, day) && !changed.contains(&windows.name.as_str()) {
                    unlike.push(format!("{}: {} and {}", windows.name, ours.name(), theirs.name()));
                    break;
                }
            }
        }
        assert!(compared > 120, "{compared}");
        assert_eq!(unlike, Vec::<String>::new());
    }

    #[test]
    fn an_hour_that_a_jump_leaves_out_counts_by_the_distance_before_it() {
        for (zone, local, expected) in [
            ("Europe/Paris", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z"),
            ("Europe/Paris", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"),
            ("Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:45:00Z"),
            ("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T22:00:00Z"),
        ] {
            let at = Zone::Named(zone.parse().unwrap()).instant(local.parse().unwrap());
            assert_eq!(at, Some(expected.parse().unwrap()), "{zone} {local}");
        }
    }
}

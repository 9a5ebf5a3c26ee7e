//! When a group meets: a cron expression or words, evaluated in naive local time.
//!
//! The zone comes in only when a wall time is mapped to an instant, so that neither a gap nor a
//! doubled hour can lose or repeat a meeting. "Last weekday" is computed here: cron has no word for it.

mod words;

use chrono::{DateTime, Datelike, Duration, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How far ahead a meeting is looked for; a schedule without any in that time is refused.
const HORIZON_DAYS: i64 = 3 * 366;

/// A schedule, kept as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Schedule {
    text: String,
    rule: Rule,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    /// An expression of the cron crate; compared by its text.
    Cron(String),
    /// The last such weekday of every month, or of every `every`th month.
    Last { weekday: Weekday, time: NaiveTime },
}

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Neither words nor cron.
    #[error(
        "{found:?} is not a schedule: expected words such as \"second tuesday 18:00\" or \"dernier jeudi 14h\", or a cron expression of six fields such as \"0 0 18 8-14 * TUE\" ({why})"
    )]
    Unknown {
        /// The text.
        found: String,
        /// What stopped it.
        why: String,
    },
    /// Weekdays by number.
    #[error(
        "{found:?} numbers its weekday: write MON, TUE … SUN (the numbers mean different days in different programs)"
    )]
    NumberedWeekday {
        /// The text.
        found: String,
    },
    /// Never happens.
    #[error("{found:?} never happens in the next three years")]
    Never {
        /// The text.
        found: String,
    },
    /// More often than a group can meet.
    #[error("{found:?} happens more than once a day")]
    TooOften {
        /// The text.
        found: String,
    },
}

impl Schedule {
    /// The first meeting strictly after `after`, both in the group's wall time.
    pub fn next_after(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        match &self.rule {
            Rule::Cron(text) => {
                let cron = cron::Schedule::from_str(text).ok()?;
                cron.after(&after.and_utc()).next().map(|t| t.naive_utc())
            }
            Rule::Last { weekday, time } => {
                let mut first = NaiveDate::from_ymd_opt(after.year(), after.month(), 1)?;
                for _ in 0..3 {
                    let at = last_weekday(first, *weekday)?.and_time(*time);
                    if at > after {
                        return Some(at);
                    }
                    first = next_month(first)?;
                }
                None
            }
        }
    }

    fn checked(self) -> Result<Self, ScheduleError> {
        let start = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap_or_default().and_time(NaiveTime::MIN);
        let found = || self.text.clone();
        let first = self.next_after(start).filter(|t| *t - start < Duration::days(HORIZON_DAYS));
        let Some(first) = first else { return Err(ScheduleError::Never { found: found() }) };
        match self.next_after(first) {
            Some(second) if second - first < Duration::hours(20) => Err(ScheduleError::TooOften { found: found() }),
            _ => Ok(self),
        }
    }
}

/// The first day of the month after that of `day`.
fn next_month(day: NaiveDate) -> Option<NaiveDate> {
    day.with_day(1)?.checked_add_months(chrono::Months::new(1))
}

/// The last `weekday` of the month that begins on `first`.
fn last_weekday(first: NaiveDate, weekday: Weekday) -> Option<NaiveDate> {
    let last = next_month(first)?.pred_opt()?;
    let back = (7 + last.weekday().num_days_from_monday() - weekday.num_days_from_monday()) % 7;
    last.checked_sub_days(chrono::Days::new(u64::from(back)))
}

impl FromStr for Schedule {
    type Err = ScheduleError;
    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let text = text.trim();
        let why = match words::parse(text) {
            Ok(rule) => return Self { text: text.to_owned(), rule }.checked(),
            Err(why) => why,
        };
        let fields: Vec<_> = text.split_whitespace().collect();
        if !(text.starts_with('@') || fields.len() == 6 || fields.len() == 7) {
            return Err(ScheduleError::Unknown { found: text.to_owned(), why });
        }
        if fields.get(5).is_some_and(|f| f.bytes().any(|b| b.is_ascii_digit())) {
            return Err(ScheduleError::NumberedWeekday { found: text.to_owned() });
        }
        match cron::Schedule::from_str(text) {
            Ok(_) => Self { text: text.to_owned(), rule: Rule::Cron(text.to_owned()) }.checked(),
            Err(e) => {
                let why = e.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
                Err(ScheduleError::Unknown { found: text.to_owned(), why })
            }
        }
    }
}

impl TryFrom<String> for Schedule {
    type Error = ScheduleError;
    fn try_from(text: String) -> Result<Self, ScheduleError> {
        text.parse()
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> String {
        schedule.text
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The instant of a wall time: in a gap the first valid minute after it, in a doubled hour the
/// first of the two (`reliability.md` 20).
pub fn instant(wall: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    let mut at = wall;
    // no gap in the zone data is longer than a day (Samoa left one out in 2011)
    for _ in 0..=(24 * 60) {
        match zone.from_local_datetime(&at) {
            LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => return t.to_utc(),
            LocalResult::None => at += Duration::minutes(1),
        }
    }
    wall.and_utc()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
    }
    fn next(schedule: &str, after: &str, n: usize) -> Vec<String> {
        let schedule: Schedule = schedule.parse().unwrap();
        let mut now = at(after);
        (0..n)
            .map(|_| {
                now = schedule.next_after(now).unwrap();
                now.format("%Y-%m-%d %H:%M").to_string()
            })
            .collect()
    }

    #[test]
    fn words_and_cron_say_the_same_second_tuesday() {
        let expected = ["2027-01-12 18:00", "2027-02-09 18:00", "2027-03-09 18:00"];
        for text in ["second tuesday 18:00", "2e mardi 18h", "0 0 18 8-14 * TUE", "deuxième mardi du mois à 18h00"] {
            assert_eq!(next(text, "2027-01-01 00:00", 3), expected, "{text}");
        }
    }

    #[test]
    fn the_last_thursday_is_right_in_every_month() {
        let expected = ["2027-01-28 14:00", "2027-02-25 14:00", "2027-03-25 14:00", "2027-04-29 14:00"];
        assert_eq!(next("dernier jeudi 14h", "2027-01-01 00:00", 4), expected);
        assert_eq!(next("last thursday of the month at 2 pm", "2027-01-28 13:59", 1), ["2027-01-28 14:00"]);
    }

    #[test]
    fn what_is_no_schedule_is_told_why() {
        let error = |t: &str| t.parse::<Schedule>().unwrap_err().to_string();
        assert!(error("sometimes").contains("expected words such as"));
        assert!(error("0 0 18 * * 3").contains("numbers its weekday"));
        assert!(error("0 0 18 31 2 *").contains("never happens"));
        assert!(error("0 */5 * * * *").contains("more than once a day"));
        assert!(error("second tuesday").contains("hour"));
        assert!(error("second tuesday 25:00").contains("hour"));
    }

    #[test]
    fn a_wall_time_in_a_gap_is_the_first_minute_after_and_a_doubled_one_the_first() {
        let paris: Tz = "Europe/Paris".parse().unwrap();
        assert_eq!(instant(at("2027-03-28 02:30"), paris).to_string(), "2027-03-28 01:00:00 UTC");
        assert_eq!(instant(at("2027-10-31 02:30"), paris).to_string(), "2027-10-31 00:30:00 UTC");
        assert_eq!(instant(at("2027-07-01 18:00"), paris).to_string(), "2027-07-01 16:00:00 UTC");
    }
}

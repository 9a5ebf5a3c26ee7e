//! In charge of the zones that a calendar brings with it (VTIMEZONE, RFC 5545 §3.6.5): its own rules for
//! a name that nobody else knows. Rules that cannot be read whole give no zone at all.

use super::zone::{self, Zone};
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType as Kind, ICalendarDay, ICalendarFrequency as Frequency,
    ICalendarProperty as Prop, ICalendarRecurrenceRule as Recurrence, ICalendarValue as Value, ICalendarWeekday,
};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc, Weekday};
use std::cell::Cell;
use std::collections::HashMap;

/// Single changes of the clock taken from one zone; the longest history of a real one has 240.
const MAX_CHANGES: usize = 2000;
/// Yearly rules taken from one zone; the longest history of a real one has 30.
const MAX_RULES: usize = 60;
/// Wall times of one calendar looked up in such rules: an answer has two or three.
const MAX_LOOKUPS: usize = 1000;
/// Years looked back for a rule's last date: the calendar repeats itself after 28.
const MAX_YEARS: usize = 28;

/// The zones of one calendar.
#[derive(Debug)]
pub(super) struct Zones<'a> {
    own: HashMap<&'a str, Option<Zone>>,
    left: Cell<usize>,
}

impl<'a> Zones<'a> {
    /// Reads the VTIMEZONEs.
    pub(super) fn of(calendar: &'a ICalendar) -> Self {
        let zones = calendar.components.iter().filter(|component| component.component_type == Kind::VTimezone);
        let own = zones.filter_map(|component| {
            let place = text(component, "X-LIC-LOCATION").and_then(zone::iana).map(Zone::Named);
            let read = || Rules::read(calendar, component).map(Zone::Rules);
            Some((tzid(component)?, place.or_else(read)))
        });
        Self { own: own.collect(), left: Cell::new(MAX_LOOKUPS) }
    }

    /// The instant of a wall time in the zone of that name; `None` where nobody knows the zone.
    /// A place of the IANA's (`Europe/Paris`) is that zone, whatever rules came with it: laws change,
    /// exported rules do not. Any other name, `EST` too, is what the calendar's own rules say
    /// (RFC 5545 §3.6.5); without them, what the IANA or others (Windows) call so.
    pub(super) fn instant(&self, name: &str, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        let own = self.own.get(name.trim());
        if let Some(zone) = zone::iana(name).filter(|zone| own.is_none() || zone.name().contains('/')) {
            return Zone::Named(zone).instant(local);
        }
        match own {
            Some(Some(zone)) => {
                self.left.set(self.left.get().checked_sub(1)?);
                zone.instant(local)
            }
            _ => zone::other(name)?.instant(local),
        }
    }
}

fn tzid(component: &ICalendarComponent) -> Option<&str> {
    let entry = component.entries.iter().find(|entry| entry.name == Prop::Tzid)?;
    entry.values.first()?.as_text().map(str::trim).filter(|name| !name.is_empty())
}

fn text<'a>(component: &'a ICalendarComponent, name: &str) -> Option<&'a str> {
    let named = |prop: &Prop| matches!(prop, Prop::Other(found) if found.eq_ignore_ascii_case(name));
    component.entries.iter().find(|entry| named(&entry.name))?.values.first()?.as_text()
}

/// Seconds since 1970 in UTC.
type Seconds = i64;

/// A change of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    at: Seconds,
    /// Seconds east of UTC before and after.
    from: i32,
    to: i32,
}

/// The changes of one zone.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    /// Those stated one by one, in their order.
    changes: Vec<Change>,
    /// Those that come back every year.
    yearly: Vec<Yearly>,
}

/// A change that comes back: the rule of one STANDARD or DAYLIGHT.
#[derive(Debug, Clone)]
struct Yearly {
    start: NaiveDateTime,
    from: i32,
    to: i32,
    every: i32,
    months: Vec<u32>,
    days: Vec<ICalendarDay>,
    month_days: Vec<i8>,
    places: Vec<i32>,
    until: Option<Until>,
}

/// The end of a rule: an instant; a wall time or a whole day, as some programs write.
#[derive(Debug, Clone, Copy)]
enum Until {
    Instant(Seconds),
    Local(NaiveDateTime),
}

impl Rules {
    fn read(calendar: &ICalendar, zone: &ICalendarComponent) -> Option<Rules> {
        let mut rules = Rules::default();
        for id in &zone.component_ids {
            let part = calendar.components.get(*id as usize)?;
            if matches!(part.component_type, Kind::Standard | Kind::Daylight) {
                rules.add(part)?;
            }
        }
        rules.changes.sort_unstable();
        let few = rules.changes.len() <= MAX_CHANGES && rules.yearly.len() <= MAX_RULES;
        (few && !rules.changes.is_empty()).then_some(rules)
    }

    /// Adds what one STANDARD or DAYLIGHT says; nothing where a part of it cannot be read.
    fn add(&mut self, part: &ICalendarComponent) -> Option<()> {
        let (from, to) = (offset(part, &Prop::Tzoffsetfrom)?, offset(part, &Prop::Tzoffsetto)?);
        let start = local(part.property(&Prop::Dtstart)?.values.first()?)?;
        let change = |at: NaiveDateTime| Change { at: seconds(at) - i64::from(from), from, to };
        // DTSTART is the first one, whether the rule names it or not
        self.changes.push(change(start));
        for entry in &part.entries {
            match entry.name {
                Prop::Rdate => {
                    for value in &entry.values {
                        self.changes.push(change(local(value)?));
                    }
                }
                Prop::Rrule => {
                    let Value::RecurrenceRule(rule) = entry.values.first()? else { return None };
                    let (yearly, count) = (Yearly::of(rule, start, from, to)?, rule.count);
                    match count {
                        Some(count) => self.changes.extend(yearly.first(count)?),
                        None => self.yearly.push(yearly),
                    }
                }
                Prop::Exdate | Prop::Exrule => return None,
                _ => {}
            }
            if self.changes.len() > MAX_CHANGES {
                return None;
            }
        }
        Some(())
    }

    /// The instant of a wall time; RFC 5545 §3.3.5 for those that come twice or never.
    pub(super) fn instant(&self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        let wall = seconds(local);
        // no zone is further from UTC
        const REACH: Seconds = 2 * 86_400;
        let mut offset = i64::from(self.offset_before(wall - REACH)?);
        let mut near = self.between(wall - REACH, wall + REACH);
        near.sort_unstable();
        for change in near {
            let at = wall - offset;
            let to = i64::from(change.to);
            // before the change, or in the hour that it leaves out
            if at < change.at || wall < change.at + to {
                return DateTime::from_timestamp(at, 0);
            }
            offset = to;
        }
        DateTime::from_timestamp(wall - offset, 0)
    }

    /// Seconds east of UTC just before an instant: after the last change, or before the first of all.
    fn offset_before(&self, at: Seconds) -> Option<i32> {
        let stated = self.changes.partition_point(|change| change.at < at).checked_sub(1);
        let stated = stated.and_then(|last| self.changes.get(last)).copied();
        let last = stated.into_iter().chain(self.yearly.iter().filter_map(|rule| rule.last_before(at))).max();
        last.map(|change| change.to).or_else(|| self.changes.first().map(|first| first.from))
    }

    fn between(&self, from: Seconds, to: Seconds) -> Vec<Change> {
        let begin = self.changes.partition_point(|change| change.at < from);
        let stated = self.changes.iter().skip(begin).take_while(|change| change.at < to).copied();
        let years = year(from)..=year(to);
        let yearly = self.yearly.iter().flat_map(|rule| years.clone().flat_map(|year| rule.in_year(year)));
        stated.chain(yearly.filter(|change| (from..to).contains(&change.at))).collect()
    }
}

impl Yearly {
    /// A rule as zones have them: one day a year, or a few. Others are not read.
    fn of(rule: &Recurrence, start: NaiveDateTime, from: i32, to: i32) -> Option<Yearly> {
        let by_clock = [&rule.bysecond, &rule.byminute, &rule.byhour].iter().any(|list| !list.is_empty());
        let strange = by_clock || !rule.byyearday.is_empty() || !rule.byweekno.is_empty() || rule.rscale.is_some();
        // without a month, BYDAY and BYMONTHDAY speak of the whole year
        let whole_year = rule.bymonth.is_empty() && !(rule.byday.is_empty() && rule.bymonthday.is_empty());
        if rule.freq != Frequency::Yearly || strange || whole_year || rule.bymonth.iter().any(|m| m.is_leap()) {
            return None;
        }
        let months: Vec<u32> = rule.bymonth.iter().map(|month| u32::from(month.month())).collect();
        let until = match &rule.until {
            None => None,
            Some(end) => {
                let read = end.to_date_time()?;
                let whole_day = if end.has_time() { TimeDelta::zero() } else { TimeDelta::seconds(86_399) };
                Some(match read.offset {
                    Some(offset) => Until::Instant(seconds(read.date_time) - i64::from(offset.local_minus_utc())),
                    None => Until::Local(read.date_time.checked_add_signed(whole_day)?),
                })
            }
        };
        Some(Yearly {
            start,
            from,
            to,
            every: i32::from(rule.interval.unwrap_or(1).max(1)),
            months: if months.is_empty() { vec![start.month()] } else { months },
            days: rule.byday.clone(),
            month_days: rule.bymonthday.clone(),
            places: rule.bysetpos.clone(),
            until,
        })
    }

    /// Its changes in a year, in their order.
    fn in_year(&self, year: i32) -> Vec<Change> {
        if year < self.start.year() || (year - self.start.year()) % self.every != 0 {
            return Vec::new();
        }
        let mut dates: Vec<NaiveDate> =
            self.months.iter().flat_map(|month| days_of(year, *month)).filter(|day| self.names(*day)).collect();
        dates.sort_unstable();
        dates.dedup();
        let dates = self.placed(&dates).into_iter().map(|day| day.and_time(self.start.time()));
        dates.filter(|at| self.lasts(*at)).map(|at| self.change(at)).collect()
    }

    fn change(&self, local: NaiveDateTime) -> Change {
        Change { at: seconds(local) - i64::from(self.from), from: self.from, to: self.to }
    }

    fn names(&self, day: NaiveDate) -> bool {
        if self.days.is_empty() && self.month_days.is_empty() {
            return day.day() == self.start.day();
        }
        let length = i64::from(day.num_days_in_month());
        let (number, from_end) = (i64::from(day.day()), i64::from(day.day()) - length - 1);
        let by_date = |wanted: &i8| i64::from(*wanted) == number || i64::from(*wanted) == from_end;
        let by_day = |wanted: &ICalendarDay| {
            let nth = i64::from(wanted.ordwk.unwrap_or(0));
            weekday(wanted.weekday) == day.weekday()
                && (nth == 0 || nth == (number - 1) / 7 + 1 || nth == (from_end + 1) / 7 - 1)
        };
        (self.month_days.is_empty() || self.month_days.iter().any(by_date))
            && (self.days.is_empty() || self.days.iter().any(by_day))
    }

    /// BYSETPOS: the nth of the year's, from the end where negative.
    fn placed(&self, dates: &[NaiveDate]) -> Vec<NaiveDate> {
        if self.places.is_empty() {
            return dates.to_vec();
        }
        let nth = |place: &i32| {
            let back = usize::try_from(place.unsigned_abs()).ok()?;
            let index = if *place > 0 { back.checked_sub(1) } else { dates.len().checked_sub(back) };
            dates.get(index?).copied()
        };
        let mut placed: Vec<NaiveDate> = self.places.iter().filter_map(nth).collect();
        placed.sort_unstable();
        placed.dedup();
        placed
    }

    fn lasts(&self, local: NaiveDateTime) -> bool {
        let ended = self.until.is_some_and(|until| match until {
            Until::Instant(end) => self.change(local).at > end,
            Until::Local(end) => local > end,
        });
        local >= self.start && !ended
    }

    /// Its last change before an instant.
    fn last_before(&self, at: Seconds) -> Option<Change> {
        let ends = self.until.map(|until| match until {
            Until::Instant(end) => year(end) + 1,
            Until::Local(end) => end.year(),
        });
        let newest = ends.map_or(year(at) + 1, |end| end.min(year(at) + 1));
        let newest = newest - (newest - self.start.year()).rem_euclid(self.every);
        let years = (0..).take(MAX_YEARS).map_while(|back: i32| newest.checked_sub(back.checked_mul(self.every)?));
        let years = years.take_while(|year| *year >= self.start.year());
        years.filter_map(|year| self.in_year(year).into_iter().rfind(|change| change.at < at)).next()
    }

    /// The first so many (COUNT).
    fn first(&self, count: u32) -> Option<Vec<Change>> {
        let count = usize::try_from(count).ok().filter(|count| *count <= MAX_CHANGES)?;
        let years =
            (0..).take(MAX_CHANGES).map_while(|k: i32| self.start.year().checked_add(k.checked_mul(self.every)?));
        Some(years.flat_map(|year| self.in_year(year)).take(count).collect())
    }
}

fn seconds(local: NaiveDateTime) -> Seconds {
    local.and_utc().timestamp()
}

fn year(at: Seconds) -> i32 {
    DateTime::from_timestamp(at, 0).map_or(0, |at| at.year())
}

fn days_of(year: i32, month: u32) -> impl Iterator<Item = NaiveDate> {
    let first = NaiveDate::from_ymd_opt(year, month, 1);
    (0..31).filter_map(move |day| first?.checked_add_days(Days::new(day)).filter(|day| day.month() == month))
}

fn weekday(day: ICalendarWeekday) -> Weekday {
    match day {
        ICalendarWeekday::Sunday => Weekday::Sun,
        ICalendarWeekday::Monday => Weekday::Mon,
        ICalendarWeekday::Tuesday => Weekday::Tue,
        ICalendarWeekday::Wednesday => Weekday::Wed,
        ICalendarWeekday::Thursday => Weekday::Thu,
        ICalendarWeekday::Friday => Weekday::Fri,
        ICalendarWeekday::Saturday => Weekday::Sat,
    }
}

/// Seconds east of UTC, of TZOFFSETFROM or TZOFFSETTO.
fn offset(part: &ICalendarComponent, name: &Prop) -> Option<i32> {
    let Value::PartialDateTime(stated) = part.property(name)?.values.first()? else { return None };
    let (hours, minutes) = (i32::from(stated.tz_hour?), i32::from(stated.tz_minute.unwrap_or(0)));
    let east = hours * 3600 + minutes * 60;
    (hours < 24 && minutes < 60).then_some(if stated.tz_minus { -east } else { east })
}

/// A wall time of the zone's own; what says its distance from UTC is none.
fn local(value: &Value) -> Option<NaiveDateTime> {
    let Value::PartialDateTime(stated) = value else { return None };
    let read = stated.to_date_time()?;
    let time = if stated.has_time() { read.date_time.time() } else { NaiveTime::MIN };
    read.offset.is_none().then(|| read.date_time.date().and_time(time))
}

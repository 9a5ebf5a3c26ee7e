//! In charge of foreign zones: a VTIMEZONE made of what chrono-tz knows of a zone is read to the same
//! instants, and random rules to those that counting days gives.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::{TZ_VARIANTS, Tz};
use codevd::ical::{When, read};
use proptest::prelude::*;

const YEARS: std::ops::RangeInclusive<i32> = 2024..=2035;

fn new_year(year: i32) -> i64 {
    NaiveDate::from_ymd_opt(year, 1, 1).unwrap().and_time(chrono::NaiveTime::MIN).and_utc().timestamp()
}

fn utc(at: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(at, 0).unwrap()
}

fn offset(zone: Tz, at: i64) -> i64 {
    i64::from(zone.offset_from_utc_datetime(&utc(at).naive_utc()).fix().local_minus_utc())
}

/// One change of the clock: when, and the distances from UTC before and after.
type Change = (i64, i64, i64);

/// The changes of a zone, to the second.
fn changes(zone: Tz) -> Vec<Change> {
    let (mut at, end, step) = (new_year(*YEARS.start()), new_year(YEARS.end() + 1), 86_400);
    let mut found = Vec::new();
    while at < end {
        let (before, after) = (offset(zone, at), offset(zone, at + step));
        if before != after {
            let (mut low, mut high) = (at, at + step);
            while high - low > 1 {
                let middle = i64::midpoint(low, high);
                if offset(zone, middle) == before { low = middle } else { high = middle }
            }
            found.push((high, before, after));
        }
        at += step;
    }
    found
}

fn stamp(local: NaiveDateTime) -> String {
    local.format("%Y%m%dT%H%M%S").to_string()
}

fn wall(at: i64, offset: i64) -> NaiveDateTime {
    utc(at + offset).naive_utc()
}

fn signed(offset: i64) -> String {
    let minutes = offset.abs() / 60;
    format!("{}{:02}{:02}", if offset < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
}

fn observance(start: NaiveDateTime, from: i64, to: i64, more: &str) -> String {
    let kind = if to > from { "DAYLIGHT" } else { "STANDARD" };
    format!(
        "BEGIN:{kind}\nDTSTART:{}\nTZOFFSETFROM:{}\nTZOFFSETTO:{}\n{more}END:{kind}\n",
        stamp(start),
        signed(from),
        signed(to)
    )
}

const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/// `BYMONTH=3;BYDAY=-1SU` of a day: the last of its kind where it is, else counted from the first.
fn by_day(day: NaiveDate) -> String {
    let nth = if day.day() + 7 > u32::from(day.num_days_in_month()) { -1 } else { (day.day() as i32 - 1) / 7 + 1 };
    format!("BYMONTH={};BYDAY={nth}{}", day.month(), DAYS[day.weekday().num_days_from_monday() as usize])
}

/// How the changes are written.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// One STANDARD or DAYLIGHT each.
    Each,
    /// One for each pair of distances, the others as RDATE.
    Dates,
    /// Yearly rules with UNTIL as long as one fits, in the manner of zone compilers.
    Rules,
    /// The same, the last rule without an end: only where it really goes on.
    Open,
}

fn vtimezone(zone: Tz, changes: &[Change], form: Form) -> String {
    let first = offset(zone, new_year(*YEARS.start()));
    let mut out = observance(wall(new_year(1970), first), first, first, "");
    let mut left = changes.to_vec();
    while let Some(&(at, from, to)) = left.first() {
        let start = wall(at, from);
        let alike = |c: &Change| (c.1, c.2) == (from, to);
        let taken: Vec<Change> = match form {
            Form::Each => vec![left[0]],
            Form::Dates => left.iter().copied().filter(alike).collect(),
            Form::Rules | Form::Open => {
                let same = |c: &&Change| alike(c) && wall(c.0, from).time() == start.time();
                let mut run: Vec<Change> = Vec::new();
                for change in left.iter().filter(same) {
                    let day = wall(change.0, from).date();
                    if by_day(day) == by_day(start.date()) && day.year() == start.year() + run.len() as i32 {
                        run.push(*change);
                    }
                }
                run
            }
        };
        let dates = || taken[1..].iter().map(|c| format!("RDATE:{}\n", stamp(wall(c.0, from)))).collect::<String>();
        let rule = || {
            let last = taken[taken.len() - 1].0;
            let goes_on = matches!(form, Form::Open) && wall(last, from).year() == *YEARS.end();
            let until = if goes_on { String::new() } else { format!(";UNTIL={}Z", stamp(utc(last).naive_utc())) };
            format!("RRULE:FREQ=YEARLY;{}{until}\n", by_day(start.date()))
        };
        let more = if matches!(form, Form::Rules | Form::Open) && taken.len() > 1 { rule() } else { dates() };
        out.push_str(&observance(start, from, to, &more));
        left.retain(|change| !taken.contains(change));
    }
    format!("BEGIN:VTIMEZONE\nTZID:A zone of our own\n{out}END:VTIMEZONE\n")
}

fn read_all(vtimezone: &str, locals: &[NaiveDateTime]) -> Vec<Option<When>> {
    let event =
        |local: &NaiveDateTime| format!("BEGIN:VEVENT\nDTSTART;TZID=A zone of our own:{}\nEND:VEVENT\n", stamp(*local));
    let events: String = locals.iter().map(event).collect();
    let text = format!("BEGIN:VCALENDAR\n{vtimezone}{events}END:VCALENDAR\n");
    read(text.as_bytes()).into_iter().map(|event| event.start).collect()
}

/// The instant by chrono-tz: the first of two, by the distance before a jump where there is none.
fn known(zone: Tz, changes: &[Change], local: NaiveDateTime) -> DateTime<Utc> {
    let found = zone.from_local_datetime(&local).earliest();
    found.map(|at| at.to_utc()).unwrap_or_else(|| {
        let jumped = |c: &&Change| (wall(c.0, c.1)..wall(c.0, c.2)).contains(&local);
        let from = changes.iter().find(jumped).expect("a jump").1;
        (local - TimeDelta::seconds(from)).and_utc()
    })
}

/// Wall times around each change, and some between.
fn hours(changes: &[Change]) -> Vec<NaiveDateTime> {
    let minutes = [-1500, -61, -60, -31, -30, -1, 0, 1, 29, 30, 59, 60, 61, 90, 1500];
    let around = |c: &Change| {
        let start = wall(c.0, c.1);
        minutes.map(|m| start + TimeDelta::minutes(m))
    };
    let between = YEARS.flat_map(|year| [2, 5, 8, 11].map(|month| NaiveDate::from_ymd_opt(year, month, 17).unwrap()));
    let between = between.map(|day| day.and_hms_opt(17, 30, 0).unwrap());
    let end = NaiveDate::from_ymd_opt(*YEARS.end(), 12, 29).unwrap();
    changes.iter().flat_map(around).chain(between).filter(|local| local.date() < end).collect()
}

/// Zones alike in these years are one: some 600 names, some 100 laws.
fn laws() -> Vec<(Tz, Vec<Change>)> {
    let mut seen = std::collections::HashSet::new();
    let whole_minutes = TZ_VARIANTS.iter().filter(|zone| offset(**zone, new_year(2024)) % 60 == 0);
    let all = whole_minutes.map(|zone| (*zone, changes(*zone)));
    all.filter(|(zone, changes)| seen.insert((offset(*zone, new_year(2024)), changes.clone()))).collect()
}

#[test]
fn every_zone_of_the_world_by_its_own_rules() {
    let laws = laws();
    assert!(laws.len() > 60, "{} laws", laws.len());
    let mut compared = 0;
    for (zone, changes) in laws {
        let locals = hours(&changes);
        let expected: Vec<_> = locals.iter().map(|local| Some(When::At(known(zone, &changes, *local)))).collect();
        for form in [Form::Each, Form::Dates, Form::Rules, Form::Open] {
            let rules = vtimezone(zone, &changes, form);
            let found = read_all(&rules, &locals);
            let wrong = (0..locals.len()).find(|n| found[*n] != expected[*n]);
            let wrong = wrong.map(|n| format!("{}: {:?} and not {:?}", locals[n], found[n], expected[n]));
            assert_eq!(wrong, None, "{} {form:?}\n{rules}", zone.name());
            compared += locals.len();
        }
    }
    assert!(compared > 20_000, "{compared} hours");
}

/// A random rule: the nth such day of a month, at an hour, back and forth.
#[derive(Debug, Clone)]
struct Rule {
    month: u32,
    nth: i32,
    weekday: u8,
    minute: u32,
    style: u8,
}

impl Rule {
    /// As a zone compiler writes it; three ways to say the same.
    fn text(&self) -> String {
        let day = DAYS[usize::from(self.weekday)];
        let (month, nth) = (self.month, self.nth);
        match self.style {
            1 => format!("BYMONTH={month};BYDAY={day};BYSETPOS={nth}"),
            2 if nth > 0 => {
                let dates: Vec<String> = (1..=7).map(|n| ((nth - 1) * 7 + n).to_string()).collect();
                format!("BYMONTH={month};BYMONTHDAY={};BYDAY={day}", dates.join(","))
            }
            2 => format!("BYMONTH={month};BYMONTHDAY=-1,-2,-3,-4,-5,-6,-7;BYDAY={day}"),
            _ => format!("BYDAY={nth}{day};BYMONTH={month}"),
        }
    }

    /// Its day in a year, by looking at each day of the month.
    fn in_year(&self, year: i32) -> NaiveDateTime {
        let weekday = Weekday::try_from(self.weekday).unwrap();
        let first = NaiveDate::from_ymd_opt(year, self.month, 1).unwrap();
        let days = (0..31).map(|n| first + Days::new(n)).filter(|day| day.month() == self.month);
        let days: Vec<NaiveDate> = days.filter(|day| day.weekday() == weekday).collect();
        let index = if self.nth < 0 { days.len() - 1 } else { self.nth as usize - 1 };
        days[index].and_hms_opt(self.minute / 60, self.minute % 60, 0).unwrap()
    }
}

fn any_rule(months: std::ops::RangeInclusive<u32>) -> impl Strategy<Value = Rule> {
    let nth = prop_oneof![Just(-1), 1..=4i32];
    (months, nth, 0..7u8, 0..96u32, 0..3u8).prop_map(|(month, nth, weekday, quarter, style)| Rule {
        month,
        nth,
        weekday,
        minute: quarter * 15,
        style,
    })
}

proptest! {
    #![proptest_config(crate::cases(300))]

    #[test]
    fn random_rules_give_what_counting_days_gives(
        spring in any_rule(2..=5),
        autumn in any_rule(8..=11),
        standard in -44i64..=52,
        shift in prop_oneof![Just(2i64), Just(4), Just(8)],
        // days and minutes of 2024 to 2035, away from the hours that come twice or never
        day in 0u64..4382,
        minute in 0i64..1440,
    ) {
        let (winter, summer) = (standard * 900, (standard + shift) * 900);
        let rule = |rule: &Rule| format!("RRULE:FREQ=YEARLY;{}\n", rule.text());
        let zone = format!(
            "BEGIN:VTIMEZONE\nTZID:A zone of our own\n{}{}END:VTIMEZONE\n",
            observance(spring.in_year(1971), winter, summer, &rule(&spring)),
            observance(autumn.in_year(1970), summer, winter, &rule(&autumn)).replace("DAYLIGHT", "STANDARD"),
        );
        let local = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap().and_hms_opt(0, 0, 0).unwrap()
            + Days::new(day) + TimeDelta::minutes(minute);
        let (forth, back) = (spring.in_year(local.year()), autumn.in_year(local.year()));
        let near = |change: NaiveDateTime| (local - change).num_minutes().abs() < 180;
        prop_assume!(!near(forth) && !near(back));
        let offset = if forth <= local && local < back { summer } else { winter };
        prop_assert_eq!(
            read_all(&zone, &[local]),
            vec![Some(When::At((local - TimeDelta::seconds(offset)).and_utc()))],
            "{}", zone
        );
    }
}

#[test]
fn a_megabyte_of_rules_is_read_in_linear_time() {
    let half = 1 << 19;
    let rule = "BEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n\
        RRULE:FREQ=YEARLY;INTERVAL=65535;BYMONTH=2;BYMONTHDAY=30\nEND:STANDARD\n";
    let event = "BEGIN:VEVENT\nDTSTART;TZID=x:20261024T153000\nEND:VEVENT\n";
    for rules in [
        rule.repeat(50),
        rule.repeat(half / rule.len()),
        format!(
            "BEGIN:STANDARD\nDTSTART:16010101T000000\n\
        TZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRDATE:{}\nEND:STANDARD\n",
            "20261024T000000,".repeat(half / 16)
        ),
    ] {
        let zone = format!("BEGIN:VTIMEZONE\nTZID:x\n{rules}END:VTIMEZONE\n");
        let text = format!("BEGIN:VCALENDAR\n{zone}{}END:VCALENDAR\n", event.repeat(half / event.len()));
        let begun = std::time::Instant::now();
        assert!(read(text.as_bytes()).len() > 5_000);
        assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    }
}

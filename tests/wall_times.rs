//! Every change of the clock of every zone from 2026 to 2036: a meeting planned around it begins when the stated
//! rule says, and its calendar and its words tell the same hour.

use chrono::{DateTime, Duration, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use codevd::config::{self, Defaults};
use codevd::core::agenda::{Task, agenda};
use codevd::core::decide::{decide, found};
use codevd::core::{Draft, Event, Formats, Group, Kind, Moment};
use codevd::daemon::{Composer, Sender};
use codevd::ical::{When, read};
use codevd::mail::{Key, letter};
use codevd::render::Renderer;
use codevd::store::{Commit, GroupCommit, Store};
use std::collections::BTreeMap;

/// One change of a zone: the instant, and the seconds from UTC before and after.
type Change = (i64, i64, i64);

fn utc(at: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(at, 0).unwrap()
}

fn year(year: i32) -> i64 {
    Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).unwrap().timestamp()
}

fn offset(zone: Tz, at: i64) -> i64 {
    i64::from(zone.offset_from_utc_datetime(&utc(at).naive_utc()).fix().local_minus_utc())
}

fn changes(zone: Tz) -> Vec<Change> {
    let mut found = Vec::new();
    for at in (year(2026)..year(2037)).step_by(86_400) {
        let (before, after) = (offset(zone, at), offset(zone, at + 86_400));
        if before != after {
            let (mut low, mut high) = (at, at + 86_400);
            while high - low > 1 {
                let middle = i64::midpoint(low, high);
                if offset(zone, middle) == before { low = middle } else { high = middle }
            }
            found.push((high, before, after));
        }
    }
    found
}

/// Wall times around a change with the instants the rule gives: in a gap the first minute after it, in a doubled
/// hour the first of the two; elsewhere the only one there is.
fn cases(&(at, before, after): &Change) -> Vec<(NaiveDateTime, DateTime<Utc>)> {
    let wall = |seconds: i64| utc(seconds).naive_utc();
    let (low, high) = (at + before.min(after), at + before.max(after));
    let minutes = (high - low) / 60;
    let inside = [0, 1, minutes / 2, minutes - 1].map(|m| low + m * 60);
    let inside = inside.iter().map(|w| (*w, if after > before { at } else { w - before }));
    let around = [(low - 3600, low - 3600 - before), (low - 60, low - 60 - before), (high, high - after)];
    let around = around.into_iter().chain([(high + 3600, high + 3600 - after)]);
    inside.chain(around).map(|(w, t)| (wall(w), utc(t))).collect()
}

fn formats() -> Formats {
    config::formats(None).unwrap()
}

/// A group that is live, with its first meeting planned and its invitations decided.
fn group(zone: &str) -> (Group, Vec<Draft>) {
    let people = ["ana", "bruno", "chloe", "david", "emma", "farid"];
    let member = |who: &&str| format!("[[member]]\nid = \"{who}\"\nname = \"{who}\"\nemail = \"{who}@example.org\"\n");
    let text = format!(
        "name = \"Codev\"\nid = \"lyon\"\nlanguage = \"fr\"\ntimezone = \"{zone}\"\nschedule = \"second tuesday 18:00\"\n\
         format = \"1h30\"\nfacilitator = \"ana\"\n{}",
        people.iter().map(member).collect::<String>()
    );
    let (spec, _) = config::group_from("lyon.toml", &text, &formats(), &Defaults::default()).unwrap();
    let moment = Moment { now: utc(year(2026)), fresh: "0123456789abcdefghjkmnpqrs".to_owned() };
    let group = found(&spec, true, &formats(), &moment).unwrap().group;
    let change = decide(&group, &Event::Due, &moment).unwrap();
    (change.group, change.drafts)
}

#[test]
fn every_change_of_every_zone_follows_the_stated_rule() {
    let (mut group, drafts) = group("Europe/Paris");
    let renderer = Renderer::embedded().unwrap();
    let key = Key::new([7; 32]);
    let sender = Sender { name: "Codev".into(), address: "codev@codev.example".parse().unwrap(), plus: false };
    let composer = Composer { renderer: &renderer, key: &key, sender: &sender };
    let draft = drafts.iter().find(|d| d.key.kind == Kind::Invitation).expect("an invitation");
    // one zone for each set of changes is written out as mail; the instants are looked at in all
    let mut written: BTreeMap<Vec<Change>, Tz> = BTreeMap::new();
    let (mut instants, mut mails, mut moved) = (0, 0, 0);
    for zone in TZ_VARIANTS {
        let changes = changes(zone);
        moved += usize::from(!changes.is_empty());
        let new = !changes.is_empty() && written.insert(changes.clone(), zone).is_none();
        group.spec.zone = zone;
        group.members.iter_mut().for_each(|m| m.zone = zone);
        for (number, change) in changes.iter().enumerate() {
            for (wall, start) in cases(change) {
                group.meetings[0].wall = wall;
                assert_eq!(group.starts(&group.meetings[0]), start, "{wall} in {zone}");
                instants += 1;
                if new && number < 2 {
                    says_one_hour(&group, &composer.compose(&group, draft).unwrap(), zone, start);
                    mails += 1;
                }
            }
        }
    }
    println!("{} zones, {moved} of them change; {instants} meetings, {mails} invitations", TZ_VARIANTS.len());
    assert!(moved > 100 && instants > 10_000 && mails > 300);
}

/// The instant in the calendar and the hour in the words are the same.
fn says_one_hour(group: &Group, mail: &codevd::store::NewMail, zone: Tz, start: DateTime<Utc>) {
    let ics = letter(&mail.bytes).calendar.first().cloned().expect("a calendar");
    let ics = String::from_utf8(ics).unwrap();
    assert!(ics.contains(&format!("DTSTART:{}", start.format("%Y%m%dT%H%M%SZ"))), "{zone} {start}: {ics}");
    let read = read(ics.as_bytes());
    let When::At(read) = read[0].start.clone().unwrap() else { panic!("no instant: {ics}") };
    assert_eq!(read, start);
    let words = mail.plain.replace(['\u{a0}', '\u{202f}'], " ");
    for at in [start, group.ends(&group.meetings[0])] {
        let hour = at.with_timezone(&zone).format("%-H h %M").to_string();
        assert!(words.contains(&hour), "{zone} {start}: no {hour:?} in {words}");
    }
}

/// The zone data say another offset than when the group was stored: the hour people agreed on stays, the instant
/// moves, and what is due is derived anew.
#[test]
fn a_change_of_law_moves_the_instant_and_not_the_hour() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("codevd.db");
    let (group, _) = group("Africa/Casablanca");
    let now = utc(year(2026));
    let wall = group.meetings[0].wall;
    let mut store = Store::open(&file).unwrap();
    store.deriving("zones 2026a");
    let next_due = codevd::core::foresight::next_look(&group, now);
    let own = GroupCommit { before: None, version: None, after: &group, next_due };
    store.commit(Commit { group: Some(own), mails: Vec::new(), journal: Vec::new(), at: now, inbox: None }).unwrap();
    assert!(store.stale("zones 2026a", 9).unwrap().is_empty());
    drop(store);
    // the law of another zone stands for the new law of this one
    let db = rusqlite::Connection::open(&file).unwrap();
    let changed = db.execute("UPDATE groups SET spec = replace(spec, 'Africa/Casablanca', 'Asia/Tokyo')", []).unwrap();
    assert_eq!(changed, 1);
    drop(db);
    let store = Store::open(&file).unwrap();
    assert_eq!(store.stale("zones 2026b", 9).unwrap(), vec![group.id.clone()]);
    let after = store.load(&group.id, &formats()).unwrap().unwrap().group;
    assert_eq!(after.meetings[0].wall, wall, "the hour stays");
    let (old, new) = (group.starts(&group.meetings[0]), after.starts(&after.meetings[0]));
    assert_eq!((old - new).num_hours(), 8, "from UTC+1 to UTC+9");
    let begins = |group: &Group| {
        let all = agenda(group).into_iter();
        all.filter(|due| matches!(due.task, Task::Begin { .. })).map(|due| due.at).next().unwrap()
    };
    assert_eq!(begins(&group) - begins(&after), Duration::hours(8), "what is due is derived anew");
}

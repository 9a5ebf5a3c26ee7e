//! Killed at every named point in turn: the points are found by the binary itself, on a life without a kill.

use crate::both_sides::{Compared, compare, is_still};
use crate::house::{House, Kill, Part, Way, died};
use crate::interop::Servers;
use crate::people::{Members, PEOPLE};
use chrono::{DateTime, Duration, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Houses that live side by side: they mostly wait.
const AT_ONCE: usize = 6;
/// What no life here passes: single writes of operators' commands, and of trouble.
const NOT_HERE: [(&str, &str); 23] = [
    ("commit decisions", "written by nobody so far but tests"),
    ("forget a member", "a command's one transaction"),
    ("hold all mail", "one transaction, by `run --hold` and the guard"),
    ("let mail go", "a command's one transaction"),
    ("queue a mail again", "a command's one transaction"),
    ("drop a mail", "a command's one transaction"),
    ("set a group aside", "a decision that can't be written"),
    ("set a mail aside", "after five kills within one mail: arriving.rs kills there"),
    ("note that a mail was read", "a mail that waits though it was read: one transaction, and done again at any time"),
    ("remove a group", "a command's one transaction"),
    ("note the restore", "a command's one transaction, in a file that is not the database yet"),
    ("note what the Sent folder holds", "after a restore: one transaction, and asked again at any time"),
    ("note what became of a mail in doubt", "the soak is killed there: a folder that tells takes minutes"),
    ("count a look into the Sent folder", "the soak is killed there"),
    ("put mails off", "the soak is killed there: a server that is away"),
    ("note what is wrong", "one transaction, and seen again in a minute"),
    ("note what the clock says", "once a day: one transaction, and done again at any time"),
    ("bring dates back to the clock", "a clock that goes back while it runs: one transaction, and a start does it too"),
    (
        "note that no mail arrives",
        "a stop in the moment between a mail and its row: one that is missed counts as one try of five",
    ),
    ("empty old mails", "upkeep: one transaction, and done again at any time"),
    ("delete the words of old meetings", "upkeep: one transaction, and done again at any time"),
    ("throw keys away", "upkeep: one transaction, and done again at any time"),
    ("note who wants no mail", "one transaction, before the row that says so is closed: done again at any time"),
];

#[test]
#[ignore = "needs Postfix and Dovecot, and the feature crash-points: .ci/run runs it"]
#[allow(clippy::assertions_on_constants, reason = "how the test was built is what is asserted")]
fn killed_at_every_named_point_nothing_is_lost_and_nothing_goes_twice() {
    assert!(cfg!(feature = "crash-points"), "run it with --features crash-points");
    let ways = [Way::Imap, Way::Maildir, Way::Lmtp];
    let passed = survey(&ways);
    nothing_is_forgotten(&passed);
    // POINTS=smtp: only those
    let only = std::env::var("POINTS").unwrap_or_default();
    let kills: Vec<_> = kills(&passed).into_iter().filter(|(_, kill)| kill.point.contains(&only)).collect();
    println!("{} points, {} kills", passed.keys().map(|(_, _, p)| p).collect::<BTreeSet<_>>().len(), kills.len());
    let servers = Servers::start(&users(kills.len()));
    let (next, told) = (AtomicUsize::new(0), Mutex::new((Compared::default(), Vec::new(), Vec::new())));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((way, kill)) = kills.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let number = kills.iter().position(|k| k == &(*way, kill.clone())).unwrap();
                    let lived = catch_unwind(AssertUnwindSafe(|| {
                        let mut house = House::new(&servers, number, *way, Some(kill.clone()));
                        let compared = live(&mut house);
                        (compared, house.killed)
                    }));
                    let mut told = told.lock().unwrap();
                    println!(
                        "{} {:?} {}:{}",
                        if lived.is_ok() { "ok" } else { "BAD" },
                        kill.part,
                        kill.point,
                        kill.count
                    );
                    match lived {
                        Ok((compared, 0)) => {
                            told.0 += compared;
                            told.1.push(kill.clone());
                        }
                        Ok((compared, _)) => told.0 += compared,
                        Err(_) => told.2.push((*way, kill.clone())),
                    }
                }
            });
        }
    });
    let (compared, missed, failed) = told.into_inner().unwrap();
    println!("{compared:?}; not reached in time: {missed:?}");
    assert!(failed.is_empty(), "{failed:#?}");
    // the first pass of a point is sure to come; how often it is passed later is not the same in each life
    assert!(missed.iter().all(|kill| kill.count > 1) && missed.len() * 10 < kills.len());
}

/// How often each process passes each point when nobody kills it.
fn survey(ways: &[Way]) -> BTreeMap<(Way, Part, String), usize> {
    let servers = Servers::start(&users(ways.len()));
    let passed = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for (number, way) in ways.iter().enumerate() {
            let (servers, passed) = (&servers, &passed);
            scope.spawn(move || {
                let mut house = House::new(servers, number, *way, None);
                house.log_points = true;
                let begin = Utc::now();
                let compared = live(&mut house);
                println!("{way:?}: {compared:?} in {} s", (Utc::now() - begin).num_seconds());
                for part in [Part::Apply, Part::GoLive, Part::Run] {
                    for point in house.points(part) {
                        *passed.lock().unwrap().entry((*way, part, point)).or_insert(0) += 1;
                    }
                }
            });
        }
    });
    passed.into_inner().unwrap()
}

/// Every point of a process, the first time and once more in the middle; where mail comes in another way,
/// that way's own points alone.
fn kills(passed: &BTreeMap<(Way, Part, String), usize>) -> Vec<(Way, Kill)> {
    let mut kills = Vec::new();
    for ((way, part, point), count) in passed {
        let own = match way {
            Way::Imap => true,
            Way::Maildir => point.starts_with("maildir"),
            Way::Lmtp => point.starts_with("lmtp"),
        };
        if own {
            let counts: BTreeSet<usize> = [1, count / 2 + 1].into_iter().filter(|n| n <= count).collect();
            kills.extend(counts.into_iter().map(|count| (*way, Kill { part: *part, point: point.clone(), count })));
        }
    }
    kills
}

/// Each `crash_point!` in the sources, and each kind of write, was passed: a new one can't be forgotten here.
fn nothing_is_forgotten(passed: &BTreeMap<(Way, Part, String), usize>) {
    let (mut points, mut writes) = (BTreeSet::new(), BTreeSet::new());
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut |text| {
        let named = |before: &str, found: &mut BTreeSet<String>| {
            let ends = text.match_indices(before).filter_map(|(at, _)| text[at + before.len()..].split('"').next());
            found.extend(ends.map(str::to_owned));
        };
        named("crash_point!(\"", &mut points);
        named("self.write(\"", &mut writes);
    });
    let here = |point: &str| passed.keys().any(|(_, _, p)| p.split(' ').next() == Some(point));
    let missing: Vec<_> = points.iter().filter(|p| !here(p)).collect();
    assert!(points.len() > 30 && missing.is_empty(), "{} points; never passed: {missing:?}", points.len());
    let written = |w: &str| passed.keys().any(|(_, _, p)| p.ends_with(&format!("store.on_disk {w}")));
    let excused = |w: &str| NOT_HERE.iter().any(|(name, _)| *name == w);
    let missing: Vec<_> = writes.iter().filter(|w| !written(w) && !excused(w)).collect();
    assert!(writes.len() > 10 && missing.is_empty(), "{} writes; never made: {missing:?}", writes.len());
}

fn sources(folder: &Path, look: &mut impl FnMut(&str)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, look);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("crash.rs") {
            look(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

fn users(houses: usize) -> Vec<String> {
    let all = (0..houses).flat_map(|n| std::iter::once("codev").chain(PEOPLE).map(move |who| format!("{who}{n}")));
    all.collect()
}

/// A group is made, shown to its facilitator, goes live, invites; people answer; the meeting is moved; they
/// answer again. Wherever the kill falls, the process is started once more.
fn live(house: &mut House<'_>) -> Compared {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let start = Utc::now() + Duration::days(20);
    house.furnish("");
    house.put("lyon.toml", &group(house, start));
    house.order(&["group", "apply", "lyon.toml", "--yes"], Part::Apply);
    house.order(&["group", "go-live", "lyon", "--yes"], Part::GoLive);
    let mut members = Members::new(house, 1);
    let mut daemon = house.run();
    let mut moved = None;
    // as long as a machine under load needs
    let limit = Utc::now() + Duration::seconds(400);
    loop {
        runtime.block_on(members.turn(house));
        assert!(Utc::now() < limit, "never quiet{}", house.told());
        if let Some(status) = daemon.try_wait().unwrap() {
            assert!(died(status), "the daemon ended: {status}{}", house.told());
            house.killed += 1;
            house.a_minute_later();
            daemon = house.run();
        }
        if members.are_done() && is_still(house, &members, Utc::now()) {
            let Some(_) = moved.as_ref() else {
                let to = (start + Duration::days(1)).format("%Y-%m-%d 18:00").to_string();
                let mut order = house.command(&["meeting", "move", "1", &to]);
                moved = Some(order.stdout(std::process::Stdio::null()).spawn().unwrap());
                continue;
            };
            if moved.as_mut().unwrap().try_wait().unwrap().is_none() {
                continue;
            }
            if house.stop(daemon) {
                break;
            }
            house.a_minute_later();
            daemon = house.run();
        }
        std::thread::sleep(std::time::Duration::from_millis(30));
    }
    assert!(moved.unwrap().wait().unwrap().success(), "the move was not done{}", house.told());
    runtime.block_on(members.turn(house));
    compare(house, &members)
}

fn group(house: &House<'_>, start: DateTime<Utc>) -> String {
    let member =
        |who: &&str| format!("[[member]]\nid = \"{who}\"\nname = \"{who} Test\"\nemail = \"{}\"\n", house.address(who));
    let people: String = PEOPLE.iter().map(member).collect();
    format!(
        "name = \"Codev Lyon\"\nid = \"lyon\"\nlanguage = \"fr\"\ntimezone = \"UTC\"\nschedule = \"0 0 18 {} *\"\n\
         format = \"1h30\"\nplace = \"https://visio.example.org\"\nfacilitator = \"ana\"\n{people}",
        start.format("%-d %-m")
    )
}

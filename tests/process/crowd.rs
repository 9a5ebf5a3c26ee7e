//! A start among many groups: none of them is loaded, and one that is due is served at once.

use super::house::{House, Stuck, kilobytes, ticks};
use std::time::{Duration, Instant};

/// A house with so many groups that wait, and one due group's file.
fn crowd(groups: u32, smtp: &str) -> House {
    let house = House::with(smtp);
    let told = house.run(&["crowd", "--groups", &groups.to_string()]).ends(0);
    assert!(told.out.contains(&format!("{groups} groups")), "{}", told.out);
    house
}

#[test]
fn a_start_loads_no_group_that_waits() {
    let server = Stuck::never();
    let house = crowd(300, &server.url());
    // whoever loads one of them from now on stumbles
    let database = rusqlite::Connection::open(house.path("codevd.db")).unwrap();
    assert_eq!(database.execute("UPDATE groups SET spec = '{\"zone\": \"Europe/Paris\"}'", []).unwrap(), 300);
    drop(database);
    let daemon = house.daemon(&[], &[]);
    house.live();
    server.is_stuck();
    house.run(&["status"]);
    let (code, log) = daemon.stop();
    assert!(code == 0 && !log.contains("ERROR") && !log.contains("could not"), "{log}");
    let told = house.run(&["status", "--json"]).out;
    assert!(!told.contains("set aside"), "{told}");
    // and that one would have been noticed
    let database = rusqlite::Connection::open(house.path("codevd.db")).unwrap();
    database.execute("UPDATE groups SET next_due_at = '2020-01-01T00:00:00Z' WHERE id = 'g7'", []).unwrap();
    drop(database);
    house.run(&["run", "--once"]);
    assert!(house.run(&["status"]).out.contains("group g7 is set aside"));
}

/// With `CODEVD_PROGRAM=target/release/codevd`, and `--nocapture` to see the figures.
#[test]
#[ignore = "measures a release build: .ci/run"]
fn among_100_000_groups_it_is_ready_in_2_s_and_serves_the_one_that_is_due() {
    const GROUPS: u32 = 100_000;
    let server = Stuck::never();
    let begun = Instant::now();
    let house = crowd(GROUPS, &server.url());
    println!("{GROUPS} groups made in {:?}", begun.elapsed());
    let mut starts = Vec::new();
    for _ in 0..20 {
        let begun = Instant::now();
        let daemon = house.daemon(&[], &[]);
        starts.push(begun.elapsed());
        assert_eq!(daemon.stop().0, 0);
    }
    starts.sort();
    println!("ready: median {:?}, longest of 20 {:?}", starts[10], starts[19]);
    let daemon = house.daemon(&[], &[]);
    let begun = Instant::now();
    house.live();
    server.is_stuck();
    let served = begun.elapsed();
    println!("a group that is applied and due at once has its first mail out after {served:?}");
    // the rest of its mails leave
    while house.outbox("queued") + house.outbox("sending") > 0 {}
    let (before, begun) = (ticks(daemon.pid()), Instant::now());
    std::thread::sleep(Duration::from_secs(35));
    let used = ticks(daemon.pid()) - before;
    let (now, most) = (kilobytes(daemon.pid(), "VmRSS"), kilobytes(daemon.pid(), "VmHWM"));
    println!("idle for {:?}: {used}0 ms of processor time; {now} kB in memory, {most} kB at most", begun.elapsed());
    let begun = Instant::now();
    house.run(&["status"]);
    println!("status: {:?}", begun.elapsed());
    assert!(starts[19] < Duration::from_secs(2), "{starts:?}");
    assert!(served < Duration::from_secs(2), "{served:?}");
    assert!(used <= 20 && most < 150_000, "{used} ticks, {most} kB");
    assert_eq!(daemon.stop().0, 0);
}

//! A disk that fails or is full, under the real program: at each write, sync, rename and open in turn, in showers
//! while the daemon runs, on a small file system, and a file that is damaged.
//!
//! `DISK_POINTS` says how many single points are tried and `DISK_SECONDS` how long the showers last; the points go on
//! from where `DISK_RESUME` (a file) stands.

use crate::disk;
use disk::house::{Daemon, House, PEOPLE, can_trace, command, config, folder, program};
use disk::judge::{End, judge, make_due};
use disk::post::{PostOffice, Taken};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What fails, and how: the calls by which files are changed.
const FAULTS: [(&str, &str); 10] = [
    ("pwrite64", "ENOSPC"),
    ("pwrite64", "EIO"),
    ("fdatasync", "EIO"),
    ("fdatasync", "ENOSPC"),
    ("fsync", "EIO"),
    ("ftruncate", "EIO"),
    ("rename", "ENOSPC"),
    ("openat", "EMFILE"),
    ("unlink", "EIO"),
    ("pread64", "EIO"),
];

fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).map_or(usual, |n| n.parse().expect(name))
}

/// The program under strace, with that call failing as said.
fn failing(folder: &Path, log: &Path, (call, error): (&str, &str), when: &str, args: &[&str]) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-y", "--seccomp-bpf", "-o"]).arg(log).args(["-e", &format!("trace={call}")]);
    if !when.is_empty() {
        command.args(["-e", &format!("inject={call}:error={error}:when={when}")]);
    }
    command.arg("--").arg(program()).args(args).current_dir(folder).env_remove("CODEVD_CONFIG");
    command.stdin(Stdio::null());
    command
}

/// How often the call was made, and how often it was made to fail.
fn calls(log: &Path, call: &str) -> (usize, usize) {
    let text = String::from_utf8_lossy(&std::fs::read(log).unwrap_or_default()).into_owned();
    let of = |line: &&str| line.contains(&format!(" {call}("));
    (text.lines().filter(of).count(), text.lines().filter(|l| l.contains("(INJECTED)")).count())
}

/// A house with eight answers in its mailbox, and eight receipts to send.
struct Scene {
    house: House,
    /// What it wrote to people before.
    before: Vec<Taken>,
    mails: BTreeSet<String>,
}

fn scene() -> Scene {
    let mut house = House::new();
    house.ends_well(&["group", "apply", "lyon.toml", "--live", "--yes"]);
    house.ends_well(&["-qq", "run", "--once"]);
    let before = house.post.collect();
    house.answer(&before);
    let mails = house.delivered.clone();
    Scene { house, before, mails }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        match from.is_dir() {
            true => copy(&from, &to),
            false => drop(std::fs::copy(&from, &to).unwrap()),
        }
    }
}

/// Starts it without faults until all is done, and compares all sides.
fn settle(folder: &Path, post: &PostOffice, mut accepted: Vec<Taken>, mails: &BTreeSet<String>) -> Result<End, String> {
    for _ in 0..2 {
        let output = command(folder, &["run", "--once"]).output().unwrap();
        if !output.status.success() {
            return Err(format!("it does not start again: {}", String::from_utf8_lossy(&output.stderr)));
        }
        // what was cut off waits for its next attempt
        if make_due(folder) == 0 {
            break;
        }
    }
    accepted.extend(post.collect());
    judge(folder, &accepted, mails)
}

/// One point: the n-th such call fails, once or from then on.
struct Point<'a> {
    fault: (&'a str, &'a str),
    when: String,
}

/// Where a point was tried.
struct Bench<'a> {
    scene: &'a Scene,
    post: PostOffice,
    room: tempfile::TempDir,
}

impl<'a> Bench<'a> {
    fn new(scene: &'a Scene) -> Self {
        Self { scene, post: PostOffice::open(), room: folder() }
    }

    /// What became of each mail that came in.
    fn story(&self) -> String {
        let conn = rusqlite::Connection::open(self.room.path().join("house/codevd.db")).unwrap();
        let sql = "SELECT group_concat(id || ' ' || state || ': ' || coalesce(reason, ''), '; ') FROM inbox";
        conn.query_row(sql, [], |r| r.get(0)).unwrap()
    }

    /// Runs a round with the fault, then starts again without it. Says whether the fault was met.
    fn try_point(&self, point: &Point<'_>) -> (bool, Result<End, String>) {
        let (folder, log) = (self.room.path().join("house"), self.room.path().join("log"));
        let _ = std::fs::remove_dir_all(&folder);
        copy(self.scene.house.path(), &folder);
        std::fs::write(folder.join("codevd.toml"), config(self.post.port)).unwrap();
        let output = failing(&folder, &log, point.fault, &point.when, &["run", "--once"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // the system's loader was hit, before the program began: it ran no line of ours
        let began = !said.contains("error while loading shared libraries");
        let met = began && calls(&log, point.fault.0).1 > 0;
        if began && (output.status.code().is_none_or(|code| code > 1) || said.contains("panicked")) {
            return (met, Err(format!("it broke down ({}): {said}", output.status)));
        }
        let mut accepted = self.scene.before.clone();
        accepted.extend(self.post.collect());
        (met, settle(&folder, &self.post, accepted, &self.scene.mails))
    }
}

/// Every point of a round: each call of each kind, failing once and from then on.
fn points(bench: &Bench<'_>) -> (Vec<Point<'static>>, End) {
    let calls_of = FAULTS.map(|(call, _)| call).join(",");
    let (_, done) = bench.try_point(&Point { fault: (&calls_of, ""), when: String::new() });
    let end = done.expect("a round without faults");
    let mut all = Vec::new();
    for fault in FAULTS {
        let (count, _) = calls(&bench.room.path().join("log"), fault.0);
        for n in 1..=count {
            all.extend([format!("{n}"), format!("{n}+")].map(|when| Point { fault, when }));
        }
    }
    if let Ok(only) = std::env::var("DISK_ONLY") {
        all.retain(|point| format!("{} {} {}", point.fault.0, point.fault.1, point.when) == only);
        return (all, end);
    }
    // a small part of them is spread over all of them: a step that has no part in common with their number
    let step = (all.len() * 382 / 1000) | 1;
    let step = (step..).step_by(2).find(|s| gcd(*s, all.len()) == 1).unwrap();
    let order: Vec<usize> = (0..all.len()).map(|n| n * step % all.len()).collect();
    let mut slots: Vec<Option<Point<'_>>> = all.into_iter().map(Some).collect();
    (order.into_iter().map(|n| slots[n].take().unwrap()).collect(), end)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[test]
#[ignore = "takes its time: .ci/run runs it"]
fn at_each_write_that_fails_nothing_is_lost_or_doubled() {
    if !can_trace() {
        return;
    }
    let scene = scene();
    let (points, right) = points(&Bench::new(&scene));
    let resume = std::env::var_os("DISK_RESUME").map(PathBuf::from);
    let done = resume.as_ref().and_then(|f| std::fs::read_to_string(f).ok()).and_then(|t| t.trim().parse().ok());
    let (from, begin) = (done.unwrap_or(crate::seed() as usize % points.len()), Instant::now());
    let to = (from + number("DISK_POINTS", 60)).min(points.len());
    let (next, met, wrong) = (AtomicUsize::new(from), AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        let bench = Bench::new(&scene);
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(point) = points.get(at).filter(|_| at < to) else { return };
            let (hit, end) = bench.try_point(point);
            met.fetch_add(usize::from(hit), Ordering::Relaxed);
            let fault = match end {
                Ok(end) if right.keys.is_subset(&end.keys) && end.attendance == right.attendance => continue,
                Ok(end) => {
                    format!("it lacks {:?}, or {:?}; {}", &right.keys - &end.keys, end.attendance, bench.story())
                }
                Err(fault) => fault,
            };
            wrong.lock().unwrap().push(format!("{:?} at {}: {fault}", point.fault, point.when));
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(work))));
    let wrong = wrong.into_inner().unwrap();
    println!(
        "points {from} to {to} of {}: {} met, {} wrong, in {:?}",
        points.len(),
        met.load(Ordering::Relaxed),
        wrong.len(),
        begin.elapsed()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    if let Some(file) = resume {
        std::fs::write(file, to.to_string()).unwrap();
    }
}

/// A daemon that meets faults again and again while people write to it; gives how many it met.
fn shower(fault: (&'static str, &'static str), when: &str, lasting: Duration) -> Result<usize, String> {
    let mut house = House::new();
    house.ends_well(&["group", "apply", "lyon.toml", "--live", "--yes"]);
    let log = house.path().join("strace");
    let daemon = Daemon::start(&house, failing(house.path(), &log, fault, when, &["-qq", "run"]));
    // its start may take long on a busy machine
    let mut accepted = house.wait_for_mails(1);
    let mut invited = accepted.clone();
    let (begin, mut round) = (Instant::now(), 0);
    while begin.elapsed() < lasting {
        std::thread::sleep(Duration::from_millis(700));
        let got = house.post.collect();
        let wanted = PEOPLE.len() - invited.len();
        invited.extend(got.iter().take(wanted).cloned());
        accepted.extend(got);
        if !daemon.runs() {
            return Err("it ended by itself".to_owned());
        }
        if let Some(one) = invited.get(round % PEOPLE.len()) {
            let word = ["oui", "non", "peut-être"][round % 3];
            house.say(std::slice::from_ref(one), &format!("{word}\r\n\r\n{round}"));
            round += 1;
        }
    }
    daemon.ended()?;
    let met = calls(&log, fault.0).1;
    accepted.extend(house.post.collect());
    settle(house.path(), &house.post, accepted, &house.delivered).map(|_| met)
}

#[test]
#[ignore = "takes its time: .ci/run runs it"]
fn a_daemon_in_a_shower_of_faults_goes_on_by_itself() {
    if !can_trace() {
        return;
    }
    let lasting = Duration::from_secs(number("DISK_SECONDS", 20) as u64);
    // calls at the start are spared: a daemon that can't open its files says so and ends
    let showers = [
        (("pwrite64", "ENOSPC"), "60+17"),
        (("pwrite64", "EIO"), "61+23"),
        (("pwrite64", "ENOSPC"), "70+31"),
        (("pwrite64", "EDQUOT"), "90+41"),
        (("fdatasync", "EIO"), "9+3"),
        (("fdatasync", "ENOSPC"), "8+4"),
        (("fdatasync", "EIO"), "12+7"),
        (("rename", "EIO"), "1+2"),
        (("rename", "ENOSPC"), "2+3"),
        (("fsync", "EIO"), "5+2"),
    ];
    let begin = Instant::now();
    let all: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = showers.iter().map(|(f, when)| scope.spawn(move || shower(*f, when, lasting))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let mut met = 0;
    let mut wrong = Vec::new();
    for ((fault, when), end) in showers.iter().zip(all) {
        match end {
            Ok(faults) => met += faults,
            Err(why) => wrong.push(format!("{fault:?} at {when}: {why}")),
        }
    }
    println!("{met} faults in {} daemons, in {:?}", showers.len(), begin.elapsed());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(met > showers.len() * 2, "hardly any fault was met");
}

/// A damaged database: the daemon says which file, what is wrong and what to do, and leaves the mailbox alone.
#[test]
fn a_damaged_database_is_told_and_takes_no_mail() {
    let mut house = House::new();
    house.ends_well(&["group", "apply", "lyon.toml", "--live", "--yes"]);
    house.deliver(b"From: ana@people.example\r\nSubject: bonjour\r\n\r\nbonjour\r\n");
    let file = house.path().join("codevd.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let conn = rusqlite::Connection::open(&file).unwrap();
    // an index that no start looks at
    let root: i64 =
        conn.query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'journal_group'", [], |r| r.get(0)).unwrap();
    drop(conn);
    let page = (usize::try_from(root).unwrap() - 1) * 4096;
    bytes[page..page + 64].iter_mut().for_each(|byte| *byte ^= 0x5a);
    std::fs::write(&file, &bytes).unwrap();
    let output = house.command(&["run"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let told = ["codevd.db: the database is damaged", "codevd restore", "waits there"];
    assert!(told.iter().all(|words| said.contains(words)), "{said}");
    assert_eq!(std::fs::read_dir(house.path().join("mail/new")).unwrap().count(), 1, "the mail was taken");
}

/// Who looks is told that nothing can be written, though all that was kept says that all is well.
#[test]
fn status_says_that_the_disk_is_full() {
    if !can_trace() {
        return;
    }
    let house = House::new();
    house.ends_well(&["group", "apply", "lyon.toml", "--yes"]);
    house.ends_well(&["status"]);
    // as a daemon has it open: to look takes no write
    let open = rusqlite::Connection::open(house.path().join("codevd.db")).unwrap();
    let _: i64 = open.query_row("SELECT count(*) FROM groups", [], |r| r.get(0)).unwrap();
    let log = house.path().join("strace");
    let output = failing(house.path(), &log, ("pwrite64", "ENOSPC"), "1+", &["status"]).output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("nothing can be kept") && said.contains("Make room on the disk"), "{said}");
    house.ends_well(&["status"]);
}

/// A file system that takes no writes, which the system makes of one whose disk fails: told by its name.
#[test]
#[ignore = "mounts a file system: .ci/run runs it"]
fn a_read_only_file_system_is_told_by_its_name() {
    let house = House::new();
    let place = house.path().join("place");
    std::fs::create_dir(&place).unwrap();
    let Some(_mount) = Mount::on(&place, "4m") else { return };
    std::fs::write(house.path().join("codevd.toml"), config(house.post.port).replace("codevd.db", "place/codevd.db"))
        .unwrap();
    house.ends_well(&["group", "apply", "lyon.toml", "--yes"]);
    // the log is there, as while a daemon runs
    let open = rusqlite::Connection::open(place.join("codevd.db")).unwrap();
    let _: i64 = open.query_row("SELECT count(*) FROM groups", [], |r| r.get(0)).unwrap();
    let copy = house.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    for name in ["codevd.db", "codevd.db-wal", "codevd.db-shm", "codevd.db.keys"] {
        let _ = std::fs::copy(place.join(name), copy.join(name));
    }
    drop(open);
    for name in ["codevd.db-wal", "codevd.db-shm"] {
        let _ = std::fs::copy(copy.join(name), place.join(name));
    }
    let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(&place).status().unwrap();
    assert!(remounted.success());
    let output = house.command(&["status"]).output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("nothing can be kept") && said.contains("file system is read-only"), "{said}");
    assert!(!place.join("codevd.db.trial").exists());
}

/// A second daemon on one database is refused before it touches anything.
#[test]
fn a_second_daemon_is_refused_by_name() {
    let house = House::new();
    house.ends_well(&["group", "apply", "lyon.toml", "--live", "--yes"]);
    let daemon = Daemon::start(&house, house.command(&["-qq", "run"]));
    house.wait_for_mails(1);
    let output = house.command(&["run"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("another codevd works on this database: process"), "{said}");
    assert!(daemon.runs());
    daemon.stop();
}

/// A disk that is really full: a file system of 1.5 MB with the database and a stone on it.
#[test]
#[ignore = "mounts a file system: .ci/run runs it"]
fn a_full_disk_takes_no_mail_and_goes_on_once_there_is_room() {
    let mut house = House::new();
    let small = house.path().join("small");
    std::fs::create_dir(&small).unwrap();
    let Some(_mount) = Mount::on(&small, "3m") else { return };
    let text = config(house.post.port).replace("codevd.db", "small/codevd.db");
    std::fs::write(house.path().join("codevd.toml"), text).unwrap();
    house.ends_well(&["group", "apply", "lyon.toml", "--live", "--yes"]);
    let log = std::fs::File::create(house.path().join("log")).unwrap();
    let mut child = house.command(&["run"]).stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let first = house.wait_for_mails(9);
    // the stone: all room that is left
    let stone = small.join("stone");
    let mut room = std::fs::File::create(&stone).unwrap();
    while std::io::Write::write_all(&mut room, &[7; 4096]).is_ok() {}
    for n in 0..40 {
        house.say(&first, &format!("oui, {n}"));
    }
    let says = |words: &str| std::fs::read_to_string(house.path().join("log")).unwrap().contains(words);
    let until = |what: &str, done: &dyn Fn() -> bool| {
        let begin = Instant::now();
        while !done() {
            assert!(
                begin.elapsed() < Duration::from_secs(90),
                "{what}: {}",
                std::fs::read_to_string(house.path().join("log")).unwrap()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    until("told", &|| says("Make room on the disk"));
    // the steps that only read go well meanwhile, and the file says that all is well
    std::thread::sleep(Duration::from_secs(3));
    let looked = house.command(&["status"]).output().unwrap();
    let said = String::from_utf8_lossy(&looked.stdout).into_owned();
    assert!(looked.status.code() == Some(3) && said.contains("nothing can be kept"), "{said}");
    let left = std::fs::read_dir(house.path().join("mail/new")).unwrap().count();
    assert!(left > 0, "all mails were taken though there was no room");
    assert!(child.try_wait().unwrap().is_none(), "the daemon ended");
    std::fs::remove_file(&stone).unwrap();
    drop(room);
    let big = Command::new("mount").args(["-o", "remount,size=64m"]).arg(&small).status().unwrap();
    assert!(big.success());
    until("taken", &|| std::fs::read_dir(house.path().join("mail/new")).unwrap().count() == 0);
    let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(child.wait().unwrap().success());
    let conn = rusqlite::Connection::open(small.join("codevd.db")).unwrap();
    let count: i64 = conn.query_row("SELECT count(*) FROM inbox WHERE kind = 'mail'", [], |r| r.get(0)).unwrap();
    assert_eq!(count, house.delivered.len() as i64);
    println!("{left} of {count} mails waited for room");
}

/// A mounted file system; it goes with the test.
struct Mount(PathBuf);

impl Mount {
    fn on(place: &Path, size: &str) -> Option<Self> {
        let size = format!("size={size}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(place).status();
        if !mounted.is_ok_and(|status| status.success()) {
            println!("skipped: no file system may be mounted here");
            return None;
        }
        Some(Self(place.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

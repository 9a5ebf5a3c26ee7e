//! Power cuts: what the real program wrote and synced is cut off at every moment, as a disk may leave it; each
//! image must open by the program's own start, whole, with all that anybody was told of.
//!
//! `POWER_CUT_IMAGES` says how many.

use crate::disk;
use codevd::daemon::edge::{key_file, read_or_make_key};
use codevd::store::Store;
use disk::house::{Daemon, House, can_trace, folder, program};
use disk::image::{Dice, Disk, Files};
use disk::trace::{Op, Told, Trace, watched};
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// How many images without `POWER_CUT_IMAGES`: in a sample, and with all.
const IMAGES: [usize; 2] = [120, 10_000];
/// What a lying disk writes by itself: all that is so many operations old.
const OLD: usize = 300;

fn images() -> usize {
    let usual = IMAGES[usize::from(crate::whole())];
    std::env::var("POWER_CUT_IMAGES").map_or(usual, |n| n.parse().expect("POWER_CUT_IMAGES is a number"))
}

/// A recording, and the hashes of the mails that were handed in, by their file's name.
struct Recording {
    trace: Trace,
    mails: BTreeMap<String, String>,
}

/// Some days of a group: it is applied and goes live, the daemon writes to eight people, they answer and change
/// their minds, the session is moved twice; the daemon stops, and starts once more.
fn record() -> Recording {
    let mut house = House::new();
    let mut trace = Trace::default();
    let log = folder();
    let log = log.path().join("log");
    let path = house.path().to_owned();
    let add = |trace: &mut Trace, order| trace.add(&path, &log, order);
    run(&house, &log, &["group", "apply", "lyon.toml", "--live", "--yes"]);
    add(&mut trace, true);
    let daemon = Daemon::start(&house, traced(&house, &log, &["-qq", "run"]));
    let first = house.wait_for_mails(9);
    house.answer(&first);
    let receipts = house.wait_for_mails(8);
    house.answer(&receipts);
    for answer in ["non", "oui", "peut-être", "non", "oui"] {
        house.say(&first, answer);
    }
    house.wait_for_mails(20);
    daemon.stop();
    add(&mut trace, false);
    for hour in ["18:00", "19:00"] {
        // one program at a time: two recordings have no common order
        run(&house, &log, &["meeting", "move", "1", &house.day_of_move(hour)]);
        add(&mut trace, true);
        let daemon = Daemon::start(&house, traced(&house, &log, &["-qq", "run"]));
        house.wait_for_mails(8);
        daemon.stop();
        add(&mut trace, false);
    }
    trace.finish();
    let mails = trace.taken().into_iter().map(|name| {
        let files = std::fs::read_dir(path.join("mail/.Taken/cur")).unwrap().map(|e| e.unwrap().path());
        let file = files.into_iter().find(|f| f.file_name().unwrap().to_string_lossy().starts_with(&name)).unwrap();
        (name, Sha256::digest(std::fs::read(file).unwrap()).iter().map(|b| format!("{b:02x}")).collect())
    });
    Recording { mails: mails.collect(), trace }
}

fn traced(house: &House, log: &Path, args: &[&str]) -> Command {
    let mut command = watched(log, &program());
    command.args(args).current_dir(house.path()).env_remove("CODEVD_CONFIG").stdin(Stdio::null());
    command
}

fn run(house: &House, log: &Path, args: &[&str]) {
    let output = traced(house, log, args).output().unwrap();
    assert!(output.status.success(), "codevd {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What a database holds of what others were told.
#[derive(Debug, Default)]
struct Facts {
    mails: BTreeSet<String>,
    attempts: BTreeSet<String>,
    dots: BTreeSet<String>,
    orders: i64,
}

impl Facts {
    fn of(file: &Path) -> Self {
        let conn = Connection::open(file).unwrap();
        let all = |sql: &str| -> BTreeSet<String> {
            let mut rows = conn.prepare(sql).unwrap();
            rows.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect()
        };
        Self {
            mails: all("SELECT hash FROM inbox WHERE hash IS NOT NULL"),
            attempts: all("SELECT message_id FROM outbox WHERE id IN (SELECT outbox FROM attempts)"),
            dots: all("SELECT message_id FROM outbox WHERE dot_at IS NOT NULL OR state IN ('sent', 'in_doubt')"),
            orders: conn
                .query_row("SELECT count(*) FROM inbox WHERE kind = 'order' AND state = 'done'", [], |r| r.get(0))
                .unwrap(),
        }
    }

    /// What was told and is not there.
    fn lacks(&self, told: &Told, mails: &BTreeMap<String, String>, done: i64) -> Option<String> {
        let (there, what) = match told {
            Told::Taken(name) => (self.mails.contains(&mails[name]), format!("the mail {name} that was taken")),
            Told::Dialled(id) => (self.attempts.contains(id), format!("the attempt to send {id}")),
            Told::Dot(id) => (self.dots.contains(id), format!("the final dot of {id}")),
            Told::Done => (self.orders >= done, format!("the order that was done ({} of {done})", self.orders)),
        };
        (!there).then_some(what)
    }
}

/// An image after the program's own start, and after it closed the file.
struct Opened {
    bytes: Vec<u8>,
    facts: Facts,
}

/// Opens an image by the program's own start.
fn open(files: &Files, dice: &mut Dice, room: &Path) -> Result<Opened, String> {
    let _ = std::fs::remove_dir_all(room);
    std::fs::create_dir(room).unwrap();
    for (name, bytes) in files {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        std::io::Write::write_all(&mut options.open(room.join(name)).unwrap(), bytes).unwrap();
    }
    // shared memory that an earlier life left: it is worth nothing, and may hold anything
    if dice.below(4) == 0 {
        let junk: Vec<u8> = (0..4096).flat_map(|_| dice.roll().to_le_bytes()).collect();
        std::fs::write(room.join("codevd.db-shm"), junk).unwrap();
    }
    let file = room.join("codevd.db");
    let store = Store::open(&file).map_err(|e| format!("it does not open: {e}"))?;
    let used = store.counts().map_err(|e| e.to_string())?.outbox.values().any(|n| *n > 0);
    read_or_make_key(&key_file(&file), used).map_err(|e| e.to_string())?;
    drop(store);
    let conn = Connection::open(&file).unwrap();
    let found = check(&conn).map_err(|e| format!("it can't be checked: {e}"))?;
    drop(conn);
    if found != "ok" {
        return Err(format!("it is not whole: {found}"));
    }
    Ok(Opened { bytes: std::fs::read(&file).unwrap(), facts: Facts::of(&file) })
}

fn check(conn: &Connection) -> rusqlite::Result<String> {
    let broken: i64 = conn.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |r| r.get(0))?;
    let found: String = conn.query_row("PRAGMA integrity_check", [], |r| r.get(0))?;
    Ok(if broken == 0 { found } else { format!("{broken} rows refer to nothing") })
}

/// What was tried and found.
#[derive(Debug, Default)]
struct Tally {
    images: usize,
    /// At how many operations of the recording.
    cuts: usize,
    wrong: Vec<String>,
}

/// Cuts the power `images` times, spread over a stretch of the recording.
struct Cutter<'a> {
    recording: &'a Recording,
    /// After these operations the state of the file is another.
    syncs: Vec<usize>,
    room: tempfile::TempDir,
    dice: Dice,
    /// The recording as it was written, up to that operation.
    written: (Disk, usize),
}

impl<'a> Cutter<'a> {
    fn new(recording: &'a Recording, seed: u64) -> Self {
        let ops = recording.trace.ops.iter().enumerate();
        let syncs = ops.filter(|(_, op)| matches!(op, Op::Sync { .. })).map(|(n, _)| n).collect();
        let written = (Disk::new(recording.trace.files), 0);
        Self { recording, syncs, room: folder(), dice: Dice(seed), written }
    }

    fn run(&mut self, mut disk: Disk, images: usize, part: (usize, usize)) -> Tally {
        let ops = &self.recording.trace.ops;
        let (from, to) = (ops.len() * part.0 / part.1, ops.len() * (part.0 + 1) / part.1);
        let (mut tally, mut owed) = (Tally::default(), 0.0);
        let mut told: Vec<&Told> = Vec::new();
        // the states before and after the sync that comes next
        let mut between: Option<(usize, Opened, Opened)> = None;
        for (number, op) in ops.iter().enumerate().take(to) {
            disk.apply(number, op);
            if let Op::Told(what) = op {
                told.push(what);
            }
            if number < from {
                continue;
            }
            owed += images as f64 / (to - from) as f64;
            if owed < 1.0 || disk.is_settled() {
                continue;
            }
            tally.cuts += 1;
            let next = self.syncs.partition_point(|sync| *sync <= number);
            if between.as_ref().is_none_or(|(known, ..)| *known != next) {
                let before = match between.take() {
                    Some((known, _, after)) if known + 1 == next => after,
                    _ => self.state(next.checked_sub(1)),
                };
                between = Some((next, before, self.state(Some(next))));
            }
            let (_, before, after) = between.as_ref().unwrap();
            while owed >= 1.0 {
                owed -= 1.0;
                tally.images += 1;
                let image = disk.cut(&mut self.dice);
                let opened = open(&image, &mut self.dice, &self.room.path().join("image"));
                if let Err(wrong) = opened.and_then(|opened| self.judge(&opened, (before, after), &told)) {
                    tally.wrong.push(format!("cut at operation {number}, image {}: {wrong}", tally.images));
                }
            }
        }
        tally
    }

    /// What the program makes of the file as it was right after the n-th sync; later each time.
    fn state(&mut self, sync: Option<usize>) -> Opened {
        let ops = &self.recording.trace.ops;
        let end = sync.map_or(0, |n| self.syncs.get(n).map_or(ops.len(), |op| op + 1));
        let (disk, at) = &mut self.written;
        ops.iter().enumerate().take(end).skip(*at).for_each(|(number, op)| disk.apply(number, op));
        *at = end;
        open(&disk.whole(), &mut Dice(1), &self.room.path().join("state")).expect("a state between two commits")
    }

    /// Nothing half there, and all there that anybody was told of.
    fn judge(&self, found: &Opened, (before, after): (&Opened, &Opened), told: &[&Told]) -> Result<(), String> {
        let mut done = 0;
        for what in told {
            done += i64::from(**what == Told::Done);
            if let Some(lacking) = found.facts.lacks(what, &self.recording.mails, done) {
                return Err(format!("it lacks {lacking}"));
            }
        }
        match found.bytes == before.bytes || found.bytes == after.bytes {
            true => Ok(()),
            false => Err("it is neither the state before nor after the commit in hand".to_owned()),
        }
    }
}

/// Both cores work, each on every other stretch.
fn cut(recording: &Recording, images: usize, seed: u64, disk: impl Fn() -> Disk + Sync) -> Tally {
    const PARTS: usize = 8;
    let one = |part: usize| {
        let mut cutter = Cutter::new(recording, seed.wrapping_add(part as u64));
        cutter.run(disk(), images.div_ceil(PARTS), (part, PARTS))
    };
    let half = |first: usize| (first..PARTS).step_by(2).map(&one).collect::<Vec<_>>();
    let tallies = std::thread::scope(|scope| {
        let halves = [scope.spawn(|| half(0)), scope.spawn(|| half(1))];
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect::<Vec<_>>()
    });
    tallies.into_iter().fold(Tally::default(), |mut all, one| {
        (all.images, all.cuts) = (all.images + one.images, all.cuts + one.cuts);
        all.wrong.extend(one.wrong);
        all
    })
}

#[test]
fn after_a_power_cut_all_is_there_that_anybody_was_told_of() {
    if !can_trace() {
        return;
    }
    let recording = record();
    let count = |fits: fn(&Op) -> bool| recording.trace.ops.iter().filter(|op| fits(op)).count();
    let (writes, syncs) = (count(|op| matches!(op, Op::Write { .. })), count(|op| matches!(op, Op::Sync { .. })));
    let told = count(|op| matches!(op, Op::Told(_)));
    let dots = count(|op| matches!(op, Op::Told(Told::Dot(_))));
    // a checkpoint begins when the database itself is written
    let main = |op: &Op| matches!(op, Op::Write { file: 0, .. });
    let checkpoints = recording.trace.ops.windows(2).filter(|w| !main(&w[0]) && main(&w[1])).count();
    println!(
        "{writes} writes, {syncs} syncs, {checkpoints} checkpoints; {told} times somebody was told: {} mails taken, {dots} sent",
        recording.mails.len()
    );
    assert!(syncs > 200 && dots > 40 && recording.mails.len() > 40, "the recording is too short");

    let (images, seed) = (images(), crate::seed());
    let begin = Instant::now();
    let files = recording.trace.files;
    let tally = cut(&recording, images, seed, || Disk::new(files));
    println!("seed {seed}: {} images at {} moments in {:?}", tally.images, tally.cuts, begin.elapsed());
    assert!(
        tally.wrong.is_empty(),
        "{} are wrong:\n{}",
        tally.wrong.len(),
        tally.wrong[..tally.wrong.len().min(20)].join("\n")
    );
    assert!(tally.images + 100 > images);

    // the same, were syncs not made or not believed: the test must see it
    let lying = cut(&recording, IMAGES[0] / 2, seed, || Disk::lying(files, OLD));
    println!(
        "without syncs: {} of {} images lose something, such as\n{}",
        lying.wrong.len(),
        lying.images,
        lying.wrong[..lying.wrong.len().min(6)].join("\n")
    );
    assert!(lying.wrong.len() * 2 > lying.images, "a disk without syncs is not noticed");
}

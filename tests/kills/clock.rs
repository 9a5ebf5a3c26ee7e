//! The clock of the real binary is set while a session runs: a day ahead, a day back and right again, ten minutes
//! ahead, and ten minutes of sleep. libfaketime stands between the daemon and the clock; time that passes is real.

use crate::both_sides::{dots, late, outgoing, whole};
use crate::house::{House, Way, signal};
use crate::interop::Servers;
use crate::people::{Members, PEOPLE};
use crate::session::{format_of_seconds, group};
use chrono::{DateTime, Duration, Utc};
use codevd::core::{Kind, WhenLate};
use codevd::store::{MailState, QueueFilter, QueueRow, Reader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const LIBRARIES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];
/// So many seconds after it was made the group meets.
const MEETS_AFTER: i64 = 40;

/// What happens to the clock, once a session runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Jump {
    DayAhead,
    DayBackAndRight,
    TenMinutes,
    Sleep,
}

#[test]
#[ignore = "needs Postfix, Dovecot and faketime: .ci/run runs it"]
fn a_clock_that_jumps_sends_nothing_late_and_nothing_twice() {
    let Some(library) = LIBRARIES.into_iter().find(|l| Path::new(l).exists()) else {
        println!("skipped: no libfaketime (apt-get install faketime)");
        return;
    };
    let jumps = [Jump::DayAhead, Jump::DayBackAndRight, Jump::TenMinutes, Jump::Sleep];
    let users = (0..jumps.len()).flat_map(|n| std::iter::once("codev").chain(PEOPLE).map(move |w| format!("{w}{n}")));
    let servers = Servers::start(&users.collect::<Vec<_>>());
    std::thread::scope(|scope| {
        for (number, jump) in jumps.into_iter().enumerate() {
            let servers = &servers;
            scope.spawn(move || {
                let house = House::new(servers, number, Way::Imap, None);
                Scene { house, jump, library, shift: Duration::zero() }.play();
            });
        }
    });
}

struct Scene<'a> {
    house: House<'a>,
    jump: Jump,
    library: &'static str,
    /// How far the daemon's clock is from the true one.
    shift: Duration,
}

impl Scene<'_> {
    fn play(mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        self.house.furnish("formats = \"formats\"\n");
        std::fs::create_dir(self.house.home().join("formats")).unwrap();
        self.house.put("formats/seconds.toml", &format_of_seconds());
        self.house.put("g0.toml", &group(&self.house, 0, MEETS_AFTER));
        let applied = self.house.command(&["group", "apply", "g0.toml", "--live", "--yes"]).output().unwrap();
        assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
        self.set(Duration::zero());
        let mut members = Members::new(&self.house, 1);
        let daemon = self.run();
        let mut turn = |until: &mut dyn FnMut() -> bool| {
            let limit = Utc::now() + Duration::seconds(120);
            while !until() {
                assert!(Utc::now() < limit, "{:?}: waited in vain{}", self.jump, self.house.told());
                runtime.block_on(members.turn(&self.house));
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        };
        let for_seconds = |seconds: i64| {
            let end = Utc::now() + Duration::seconds(seconds);
            move || Utc::now() >= end
        };
        let database = self.house.database();
        turn(&mut || sent_prompts(&database) >= PEOPLE.len() + 2);
        let (before, jumps) = (Utc::now(), self.jump);
        let shifts = match jumps {
            Jump::DayAhead => vec![Duration::days(1)],
            Jump::DayBackAndRight => vec![Duration::days(-1), Duration::zero()],
            Jump::TenMinutes | Jump::Sleep => vec![Duration::minutes(10)],
        };
        for shift in shifts {
            if self.jump == Jump::Sleep {
                signal(&daemon, "STOP");
                std::thread::sleep(std::time::Duration::from_secs(2));
            }
            self.set(shift);
            signal(&daemon, "CONT");
            // nobody sleeps longer than 30 s
            let over = for_seconds(35);
            while !over() {
                runtime.block_on(members.turn(&self.house));
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        }
        let limit = Utc::now() + Duration::seconds(60);
        while !self.house.is_quiet(self.now()) || !members.are_done() {
            assert!(Utc::now() < limit, "{:?} is never quiet{}", self.jump, self.house.told());
            runtime.block_on(members.turn(&self.house));
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert!(self.house.stop(daemon));
        std::thread::sleep(std::time::Duration::from_secs(1));
        runtime.block_on(members.turn(&self.house));
        self.look(&members, before);
    }

    fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.shift
    }

    /// Sets the daemon's clock.
    fn set(&mut self, shift: Duration) {
        self.shift = shift;
        let text = format!("{:+}\n", shift.num_seconds());
        self.house.put("clock.new", &text);
        std::fs::rename(self.house.home().join("clock.new"), self.house.home().join("clock")).unwrap();
    }

    fn run(&self) -> Child {
        let log = std::fs::File::create(self.house.home().join("log")).unwrap();
        let mut command: Command = self.house.command(&["run"]);
        command
            .env("LD_PRELOAD", self.library)
            .env("FAKETIME_TIMESTAMP_FILE", self.house.home().join("clock"))
            .envs([("FAKETIME_NO_CACHE", "1"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1"), ("DONT_FAKE_MONOTONIC", "1")])
            .env("NO_FAKE_STAT", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        command.spawn().unwrap()
    }

    fn look(&self, members: &Members, before: DateTime<Utc>) {
        let reader = Reader::open(self.house.database()).unwrap();
        let rows = reader.queue(&QueueFilter::default()).unwrap();
        let compared = outgoing(&self.house, &reader, &rows, members);
        late(&self.house, &rows);
        whole(&self.house);
        let log = std::fs::read_to_string(self.house.home().join("log")).unwrap();
        let told: Vec<i64> = log.lines().filter_map(jump_told).collect();
        let expected: &[i64] = match self.jump {
            Jump::DayAhead => &[86_400],
            Jump::DayBackAndRight => &[-86_400, 86_400],
            Jump::TenMinutes | Jump::Sleep => &[600],
        };
        let near = told.iter().zip(expected).all(|(told, set)| (told - set).abs() <= 35);
        assert!(told.len() == expected.len() && near, "{told:?} was told of {expected:?}{}", self.house.told());
        // by a jump ahead nothing leaves that is of no use any more
        let left = dots(&self.house);
        let useful = |row: &&QueueRow| {
            left.get(&row.id).is_none_or(|at| *at <= row.useful_until) || row.when_late == WhenLate::Send
        };
        let useless: Vec<_> =
            rows.iter().filter(|r| !useful(r)).map(|r| (&r.draft_key, left[&r.id], r.useful_until)).collect();
        assert!(useless.is_empty(), "{useless:?}{}", self.house.told());
        let mut after: Vec<_> = rows.iter().filter(|r| r.sent_at.is_some_and(|at| at > before)).collect();
        after.sort_by_key(|r| r.id);
        let kinds: Vec<String> = after.iter().map(|r| r.kind.name().to_owned()).collect();
        println!(
            "{:?}: told {told:?}, held: {}, {compared:?}; sent after it: {}",
            self.jump,
            reader.held().unwrap().is_some(),
            counted(&kinds)
        );
        let prompts: Vec<_> = rows.iter().filter(|r| r.kind == Kind::StepPrompt).map(|r| r.state).collect();
        println!("{:?}: prompts {}", self.jump, counted(&prompts.iter().map(|s| format!("{s:?}")).collect::<Vec<_>>()));
    }
}

fn counted(names: &[String]) -> String {
    let mut all = std::collections::BTreeMap::new();
    names.iter().for_each(|name| *all.entry(name).or_insert(0) += 1);
    all.iter().map(|(name, n)| format!("{n} {name}")).collect::<Vec<_>>().join(", ")
}

fn sent_prompts(database: &Path) -> usize {
    let Ok(reader) = Reader::open(database) else { return 0 };
    let rows = reader.queue(&QueueFilter::default()).unwrap();
    rows.iter().filter(|r| r.kind == Kind::StepPrompt && r.state == MailState::Sent).count()
}

/// The seconds in the daemon's line about a jump.
fn jump_told(line: &str) -> Option<i64> {
    let (_, rest) = line.split_once("the clock jumped")?;
    rest.split("seconds=").nth(1)?.trim().split(' ').next()?.parse().ok()
}

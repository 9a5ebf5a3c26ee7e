//! Killed at random while groups live: sessions of some seconds, answers from everybody, new groups meanwhile.

use crate::both_sides::{Compared, compare, is_still};
use crate::house::{House, Part, Way, died};
use crate::interop::Servers;
use crate::people::{Members, PEOPLE};
use crate::session::{format_of_seconds, group};
use chrono::{DateTime, Duration, Utc};
use codevd::store::{Reader, StoreError};
use std::process::{Child, Stdio};
use std::sync::Mutex;

/// Instances that live side by side, each with a daemon that is killed.
const HOUSES: usize = 2;
/// How long a round's kills go on, in seconds.
const KILLING: i64 = 60;
/// A new group so often, until so long before the end of the kills; it meets so long after it was made.
const EVERY: i64 = 10;
const MEETS_AFTER: i64 = 20;

#[test]
#[ignore = "needs Postfix and Dovecot: .ci/run runs it"]
fn killed_at_random_under_load_nothing_is_lost_and_nothing_goes_twice() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (wanted, begun) = (number("KILLS").unwrap_or(1), Utc::now());
    let mut seed = number("SEED").unwrap_or(Utc::now().timestamp() as u64);
    let (mut kills, mut compared) = (0, Compared::default());
    while u64::from(kills) < wanted {
        let done = round(seed);
        kills += done.0;
        compared += done.1;
        let seconds = (Utc::now() - begun).num_seconds();
        println!("seed {seed}: {} kills; in all {kills} in {seconds} s, {compared:?}", done.0);
        seed += 1;
    }
    assert!(kills >= 5 && compared.sent >= 100, "too little happened: {kills} kills, {compared:?}");
}

fn round(seed: u64) -> (u32, Compared) {
    let users = (0..HOUSES).flat_map(|n| std::iter::once("codev").chain(PEOPLE).map(move |who| format!("{who}{n}")));
    let servers = Servers::start(&users.collect::<Vec<_>>());
    let told = Mutex::new((0, Compared::default()));
    std::thread::scope(|scope| {
        for number in 0..HOUSES {
            let (servers, told) = (&servers, &told);
            scope.spawn(move || {
                let mut house = House::new(servers, number, Way::Imap, None);
                let compared = Load::new(&mut house, seed * 100 + number as u64).live();
                let mut told = told.lock().unwrap();
                told.0 += house.killed;
                told.1 += compared;
            });
        }
    });
    told.into_inner().unwrap()
}

struct Load<'a, 'b> {
    house: &'a mut House<'b>,
    chance: u64,
    begun: DateTime<Utc>,
    groups: i64,
    /// When the daemon is killed: once it is ready, but for one time in four.
    fatal: Option<DateTime<Utc>>,
    /// How long the log was when it was started.
    logged: usize,
    /// Commands under way.
    orders: Vec<Child>,
    /// Starts that found a command at work on the file.
    refused: u32,
}

impl<'a, 'b> Load<'a, 'b> {
    fn new(house: &'a mut House<'b>, chance: u64) -> Self {
        Self { house, chance, begun: Utc::now(), groups: 0, fatal: None, logged: 0, orders: Vec::new(), refused: 0 }
    }

    /// Between 0 and `below`.
    fn draw(&mut self, below: u64) -> u64 {
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 33) % below
    }

    fn live(mut self) -> Compared {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        self.house.furnish("formats = \"formats\"\n");
        std::fs::create_dir(self.house.home().join("formats")).unwrap();
        self.house.put("formats/seconds.toml", &format_of_seconds());
        self.write_group();
        self.house.order(&["group", "apply", "g0.toml", "--live", "--yes"], Part::Apply);
        self.begun = Utc::now();
        let mut members = Members::new(self.house, 1);
        let mut daemon = self.house.run();
        self.started();
        loop {
            runtime.block_on(members.turn(self.house));
            let now = Utc::now();
            let age = (now - self.begun).num_seconds();
            assert!(age < KILLING + 400, "never quiet{}", self.house.told());
            if age < KILLING - EVERY && age >= self.groups * EVERY {
                self.new_group();
            }
            if self.fatal.is_none() && self.log()[self.logged..].contains("ready") {
                self.fatal = Some(self.soon());
            }
            if age < KILLING && self.fatal.is_some_and(|at| now >= at) {
                daemon.kill().unwrap();
            }
            if let Some(status) = daemon.try_wait().unwrap() {
                daemon = self.again(status);
                self.started();
            }
            if age > KILLING + 60 && self.is_over(&members) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        assert!(self.house.stop(daemon));
        runtime.block_on(members.turn(self.house));
        self.groups_are_there();
        println!("{} kills of {} groups, {} starts met a command", self.house.killed, self.groups, self.refused);
        compare(self.house, &members)
    }

    fn started(&mut self) {
        self.logged = self.log().len();
        self.fatal = (self.draw(4) == 0).then(|| self.soon());
    }

    fn soon(&mut self) -> DateTime<Utc> {
        let wait = if self.draw(2) == 0 { 20 + self.draw(500) } else { self.draw(2500) };
        Utc::now() + Duration::milliseconds(wait as i64)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.house.home().join("log")).unwrap_or_default()
    }

    /// As a service manager would.
    fn again(&mut self, status: std::process::ExitStatus) -> Child {
        if died(status) {
            self.house.killed += 1;
        } else {
            self.refused += 1;
            assert!(self.refused < 20, "the daemon does not start: {status}{}", self.house.told());
        }
        self.house.a_minute_later();
        self.house.run()
    }

    fn is_over(&mut self, members: &Members) -> bool {
        self.orders.retain_mut(|order| order.try_wait().unwrap().is_none());
        self.orders.is_empty() && members.are_done() && is_still(self.house, members, Utc::now())
    }

    /// Ordered at the command line beside the daemon, whether it just lives or not.
    fn new_group(&mut self) {
        let file = self.write_group();
        let mut order = self.house.command(&["group", "apply", &file, "--live", "--yes"]);
        let log = std::fs::File::create(self.house.home().join(format!("{file}.said"))).unwrap();
        self.orders.push(order.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null()).spawn().unwrap());
    }

    fn write_group(&mut self) -> String {
        let (file, text) = (format!("g{}.toml", self.groups), group(self.house, self.groups, MEETS_AFTER));
        self.house.put(&file, &text);
        self.groups += 1;
        file
    }

    /// Each group that was ordered is there: no order is lost.
    fn groups_are_there(&self) {
        let there = || -> Result<Vec<String>, StoreError> {
            Ok(Reader::open(self.house.database())?.groups()?.into_iter().map(|g| g.id.to_string()).collect())
        };
        let there = there().unwrap();
        for number in 0..self.groups {
            let said = std::fs::read_to_string(self.house.home().join(format!("g{number}.toml.said")));
            let said = said.unwrap_or_default();
            assert!(there.contains(&format!("g{number}")), "g{number} is lost: {said}{}", self.house.told());
        }
    }
}

//! A group lives through a year in which much goes wrong, and the invariants are looked at all the way.

use super::clock::VirtualClock;
use super::deeds::{self, Deed};
use super::faults::{Fault, Ordered, Trouble};
use super::house::{House, Ports};
use super::invariants::{Ledger, Left, Rule, Violation};
use super::office::{Accepted, Mailbox, Mutant, Office};
use super::plan::{Cast, Plan};
use super::points::{Killed, Points};
use crate::core::{Formats, GroupId, GroupSpec, Order, Stage};
use crate::daemon::{Clock, EngineError, Kit, Sender};
use crate::mail::Key;
use crate::render::Renderer;
use crate::store::StoreError;
use crate::words::Words;
use chrono::{DateTime, Duration, Utc};
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// What is read once for many years.
#[derive(Clone)]
pub struct Parts {
    /// Templates.
    pub renderer: Renderer,
    /// Word lists.
    pub words: Words,
    /// Session formats.
    pub formats: Formats,
}

/// What a year did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Mails that servers took.
    pub sent: u64,
    /// People's mails that arrived.
    pub received: u64,
    /// Times the process was killed.
    pub kills: u64,
    /// Awaits and writes passed.
    pub points: u64,
    /// Things that went wrong.
    pub faults: u64,
}

/// A year that is over.
#[derive(Debug, Clone)]
pub struct Told {
    /// What must not be.
    pub violations: Vec<Violation>,
    /// What people did, by the mail they did it about.
    pub deeds: BTreeMap<String, Vec<Deed>>,
    /// What it did.
    pub counts: Counts,
    /// What servers took, in order.
    pub left: Vec<Left>,
}

const ADDRESS: &str = "codev@codev.example";
const STRANGERS: [&str; 3] = ["somebody@elsewhere.example", "m1@m1.example", "m0@m0.example"];
/// Turns without time passing after which something must be wrong.
const MOST_TURNS: usize = 2000;
/// Between two looks at how mails ended.
const BETWEEN_LOOKS: Duration = Duration::days(21);
/// As many violations are enough.
const ENOUGH: usize = 20;

struct Year<'a> {
    plan: &'a Plan,
    parts: &'a Parts,
    cast: Cast,
    ports: Ports,
    house: Option<House>,
    /// In true time: when a stopped process starts again.
    starts: DateTime<Utc>,
    /// In true time: until when the machine sleeps.
    sleeps: Option<DateTime<Utc>>,
    /// How long the process is down after the kill that is armed.
    down: Duration,
    offset: Duration,
    faults: VecDeque<Fault>,
    orders: VecDeque<(GroupId, Order)>,
    wished: Vec<Ordered>,
    underway: BTreeMap<(DateTime<Utc>, u64), Vec<u8>>,
    unread: Vec<Accepted>,
    counter: u64,
    /// When mail was held, and until when, in true time.
    holds: Vec<(DateTime<Utc>, Option<DateTime<Utc>>)>,
    /// The operator wishes to hold all mail for so long.
    hold: Option<Duration>,
    /// When the operator lets mail go.
    lets_go: Option<DateTime<Utc>>,
    /// When it was last looked at how mails ended, by the daemon's clock.
    looked: DateTime<Utc>,
    ledger: Ledger,
    told: BTreeMap<String, Vec<Deed>>,
    counts: Counts,
}

/// Lives the year in a folder of its own.
pub fn live(plan: &Plan, parts: &Parts, folder: &Path, mutant: Option<Mutant>) -> Told {
    let cast = plan.cast();
    let (truth, wall) = (VirtualClock::at(cast.start), VirtualClock::at(cast.start));
    let points = Points::new(&folder.join("life-0.db"), truth.clone());
    let addresses = cast.people.iter().map(|p| p.email.clone()).collect();
    let office = Office::new(truth.clone(), wall.clone(), points.clone(), addresses);
    let mailbox = Mailbox::new(truth.clone(), points.clone());
    if let Some(mutant) = mutant {
        office.mutate(mutant);
        mailbox.mutate(mutant);
    }
    let (founded, begin) = (cast.groups().map(applied).collect(), cast.start);
    let mut year = Year {
        plan,
        parts,
        starts: cast.start,
        cast,
        ports: Ports { truth, wall, points, office, mailbox },
        house: None,
        sleeps: None,
        down: Duration::zero(),
        offset: Duration::zero(),
        faults: plan.faults.iter().cloned().collect(),
        orders: founded,
        wished: Vec::new(),
        underway: BTreeMap::new(),
        unread: Vec::new(),
        counter: 0,
        holds: Vec::new(),
        hold: None,
        lets_go: None,
        looked: begin,
        ledger: Ledger::default(),
        told: BTreeMap::new(),
        counts: Counts::default(),
    };
    year.run();
    year.counts.points = year.ports.points.passed();
    Told { violations: year.ledger.violations, deeds: year.told, counts: year.counts, left: year.ledger.left }
}

/// A group file is applied.
fn applied(spec: &GroupSpec) -> (GroupId, Order) {
    (spec.id.clone(), Order::Apply { spec: Box::new(spec.clone()), live: true })
}

impl Year<'_> {
    fn run(&mut self) {
        let end = self.cast.start + Duration::days(self.plan.days);
        let quiet = end - Duration::days(12);
        let mut calm = false;
        let mut still = 0;
        loop {
            let before = self.now();
            self.settle();
            let next = self.next().unwrap_or(end);
            if !calm && next >= quiet {
                calm = true;
                self.calm(quiet.max(before));
                continue;
            }
            if next > end || self.ledger.violations.len() >= ENOUGH {
                break;
            }
            still = if next > before { 0 } else { still + 1 };
            if still > MOST_TURNS {
                self.broken(Rule::Broke, "it turns and time does not pass");
                break;
            }
            self.pass_to(next);
            self.begin_faults();
            self.arrive();
        }
        self.pass_to(end);
        self.finish();
    }

    /// From now on nothing goes wrong.
    fn calm(&mut self, at: DateTime<Utc>) {
        self.pass_to(at.max(self.now()));
        self.faults.clear();
        self.ports.points.calm();
        self.ports.office.calm();
        self.ports.mailbox.calm();
        self.sleeps = None;
        (self.hold, self.lets_go) = (None, self.lets_go.map(|at| at.min(self.now())));
        self.starts = self.starts.min(self.now());
        self.offset = Duration::zero();
        self.pass_to(self.now());
    }

    fn finish(&mut self) {
        let wall = self.ports.wall.now();
        match &self.house {
            Some(house) => {
                let store = house.store().get();
                if let Err(error) = self.ledger.end(&store, &self.cast.groups().collect::<Vec<_>>(), wall) {
                    self.ledger.broken(Rule::Broke, wall, error.to_string());
                }
            }
            None => self.broken(Rule::Broke, "it does not start again"),
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.ports.truth.now()
    }

    fn broken(&mut self, rule: Rule, what: &str) {
        let at = self.ports.wall.now();
        self.ledger.broken(rule, at, what);
    }

    fn pass_to(&mut self, to: DateTime<Utc>) {
        self.ports.truth.set(to);
        self.ports.wall.set(to + self.offset);
    }

    /// When something will happen, in true time.
    fn next(&mut self) -> Option<DateTime<Utc>> {
        let mails = self.underway.keys().next().map(|(at, _)| *at);
        let faults = self.faults.front().map(|f| f.at);
        let awake = match (&mut self.house, self.sleeps) {
            (_, Some(until)) => Some(until),
            (None, None) => Some(self.starts),
            (Some(house), None) => house.next_turn().unwrap_or(None),
        };
        let released = self.ports.mailbox.releases();
        let lets_go = self.lets_go.filter(|_| self.house.is_some() && self.sleeps.is_none());
        [mails, faults, awake, released, lets_go].into_iter().flatten().min().map(|at| at.max(self.now()))
    }

    fn begin_faults(&mut self) {
        while let Some(fault) = self.faults.pop_front_if(|f| f.at <= self.ports.truth.now()) {
            self.counts.faults += 1;
            self.begin(&fault.what);
        }
        if self.sleeps.is_some_and(|until| until <= self.now()) {
            self.sleeps = None;
            self.ports.office.break_off();
        }
    }

    fn begin(&mut self, trouble: &Trouble) {
        let now = self.now();
        let until = |seconds: &i64| now + Duration::seconds(*seconds);
        let Ports { points, office, mailbox, .. } = &self.ports;
        match trouble {
            Trouble::Down { phase, seconds } => office.down(*phase, until(seconds)),
            Trouble::Slow { each, seconds } => office.slow(*each, until(seconds)),
            Trouble::Stuck { member, phase, seconds } => {
                if let Some(person) = self.cast.people.get(*member) {
                    office.stuck(&person.email, *phase, until(seconds));
                }
            }
            Trouble::Reply { phase, reply, times } => office.reply(*phase, reply, *times),
            Trouble::Cut { phase, times, taken } => office.cut(*phase, *taken, *times),
            Trouble::Refuses { member, reply, seconds } => {
                if let Some(person) = self.cast.people.get(*member) {
                    office.refuses(&person.email, reply, until(seconds));
                }
            }
            Trouble::MailboxDown { seconds } => mailbox.down(until(seconds)),
            Trouble::Unmarked { times } => mailbox.unmarked(*times),
            Trouble::CutFetch { times } => mailbox.cut(*times),
            Trouble::Again { seconds } => mailbox.again(now - Duration::seconds(*seconds)),
            Trouble::Reordered { seconds } => mailbox.hold(until(seconds)),
            Trouble::Disk { how, seconds, every } => points.fail(until(seconds), (*how).into(), *every),
            Trouble::Crash { after, seconds } => {
                points.arm(*after);
                self.down = Duration::seconds(*seconds);
            }
            Trouble::Jump { seconds } => {
                self.offset += Duration::seconds(*seconds);
                self.ports.wall.set(now + self.offset);
            }
            Trouble::Suspend { seconds } => self.sleeps = Some(until(seconds)),
            Trouble::Hold { seconds } => self.hold = Some(Duration::seconds(*seconds)),
            Trouble::Order { order } => self.wished.push(order.clone()),
            Trouble::File { edit } => {
                let Some(spec) = edit.applied(&self.cast, &self.parts.formats) else { return };
                self.orders.push_back(applied(&spec));
                self.cast.wishes(spec);
            }
        }
    }

    fn arrive(&mut self) {
        self.ports.mailbox.release();
        let later = self.underway.split_off(&(self.now(), u64::MAX));
        for bytes in std::mem::replace(&mut self.underway, later).into_values() {
            self.counts.received += 1;
            self.ledger.arrived(&bytes);
            self.ports.mailbox.put(bytes);
        }
    }

    /// Everything due now, until nothing more comes of it.
    fn settle(&mut self) {
        if self.sleeps.is_some() {
            return;
        }
        for turn in 0..MOST_TURNS {
            let forth = (self.plan.seed.wrapping_add(turn as u64)).is_multiple_of(2);
            let done = catch_unwind(AssertUnwindSafe(|| self.turn(forth)));
            let busy = match done {
                Ok(busy) => busy,
                Err(panic) => {
                    self.die(panic.is::<Killed>());
                    false
                }
            };
            self.unread.extend(self.ports.office.take());
            if let Err(error) = self.deliver() {
                self.broken(Rule::Broke, &error.to_string());
            }
            if !busy {
                return;
            }
        }
        self.broken(Rule::Broke, "there is no end to what is due");
    }

    /// The process is gone with all it had in memory.
    fn die(&mut self, killed: bool) {
        self.house = None;
        self.ports.office.hang_up();
        self.starts = self.now() + self.down;
        if killed {
            self.counts.kills += 1;
        } else {
            self.broken(Rule::Broke, "it panicked");
        }
    }

    fn turn(&mut self, forth: bool) -> bool {
        let now = self.now();
        if self.house.is_none() {
            if now < self.starts {
                return false;
            }
            match House::start(&self.ports, self.kit(), self.plan.seed, &self.cast.sends) {
                Ok(house) => self.house = Some(house),
                Err(error) => {
                    self.fails(&error);
                    return false;
                }
            }
        }
        self.order();
        self.holds();
        if let Err(error) = self.before_cleaning() {
            self.broken(Rule::Broke, &error.to_string());
        }
        let Some(house) = &mut self.house else { return false };
        match house.turn(forth) {
            Ok(turn) => {
                self.see_hold();
                if turn.cleaned
                    && let Err(error) = self.cleaned()
                {
                    self.broken(Rule::Broke, &error.to_string());
                }
                if turn.decided
                    && let Err(error) = self.look()
                {
                    self.broken(Rule::Broke, &error.to_string());
                }
                turn.busy
            }
            Err(EngineError::Store(error)) => {
                self.fails(&error);
                false
            }
            Err(EngineError::Compose(error)) => {
                self.broken(Rule::Broke, &error.to_string());
                false
            }
        }
    }

    /// How mails ended and what the group knows, before what is deleted by its age is gone.
    fn before_cleaning(&mut self) -> Result<(), StoreError> {
        let wall = self.ports.wall.now();
        let Some(house) = self.house.as_ref().filter(|house| house.is_to_clean()) else { return Ok(()) };
        // what a server took is counted when people read it
        if wall > self.looked + BETWEEN_LOOKS && self.unread.is_empty() {
            self.looked = wall;
            self.ledger.fates(&house.store().get(), wall, false)?;
        }
        self.look()
    }

    /// What was deleted by its age, and what was not.
    fn cleaned(&mut self) -> Result<(), StoreError> {
        let (Some(house), Some(keep)) = (&self.house, self.cast.sends.keep) else { return Ok(()) };
        let (store, formats, wall) = (house.store().get(), &self.parts.formats, self.ports.wall.now());
        self.cast.groups().try_for_each(|g| self.ledger.cleaned(&store, (&g.id, formats), keep, wall))
    }

    /// The operator holds mail, and lets it go: by hand, or after the blast guard held it.
    fn holds(&mut self) {
        let (now, wall) = (self.now(), self.ports.wall.now());
        let Some(house) = &self.house else { return };
        if let Some(length) = self.hold
            && house.store().get().hold("by hand", wall).is_ok()
        {
            self.hold = None;
            self.lets_go.get_or_insert(now + length);
        }
        if self.lets_go.is_some_and(|at| at <= now) {
            let done = house.store().get().release(wall).is_ok();
            self.lets_go = (!done).then_some(now + Duration::seconds(30));
        }
        self.see_hold();
    }

    fn see_hold(&mut self) {
        let now = self.now();
        let Some(house) = &self.house else { return };
        let Ok(held) = house.store().get().held() else { return };
        let open = self.holds.last_mut().filter(|(_, until)| until.is_none());
        match (held, open) {
            (Some(_), None) => {
                self.holds.push((now, None));
                let hours = (self.plan.seed.wrapping_add(self.holds.len() as u64)) % 11;
                self.lets_go.get_or_insert(now + Duration::minutes(5 + 60 * i64::try_from(hours).unwrap_or(0)));
            }
            (None, Some((_, until))) => *until = Some(now),
            _ => {}
        }
    }

    /// The disk says no: it is tried again. Anything else must not be.
    fn fails(&mut self, error: &StoreError) {
        self.starts = self.now() + Duration::seconds(30);
        if !error.is_temporary() {
            self.broken(Rule::Broke, &error.to_string());
        }
    }

    fn kit(&self) -> Kit {
        let Parts { renderer, words, formats } = self.parts.clone();
        #[allow(clippy::expect_used, reason = "a literal of this file")]
        let address = ADDRESS.parse().expect("a literal of this file");
        let plus = self.plan.seed.is_multiple_of(3);
        let sender = Sender { name: "Codev".to_owned(), address, plus };
        Kit { renderer, words, formats, key: Key::new([self.plan.seed.to_le_bytes()[0]; 32]), sender }
    }

    /// The invariants after a step.
    fn look(&mut self) -> Result<(), StoreError> {
        let Some(house) = &self.house else { return Ok(()) };
        let (store, formats, wall) = (house.store().get(), &self.parts.formats, self.ports.wall.now());
        self.cast.groups().try_for_each(|g| self.ledger.group(&store, &g.id, formats, wall))
    }

    /// What the operator wishes, as orders about the next meeting. One that can't be put down is not given.
    fn order(&mut self) {
        let Some(house) = &self.house else { return };
        let group = &self.cast.spec.id;
        for wish in std::mem::take(&mut self.wished) {
            let rows = house.store().get().meetings(Some(group)).unwrap_or_default();
            let Some(next) = rows.into_iter().find(|m| m.stage == Stage::Planned) else { continue };
            let order = match wish {
                Ordered::Move { hours } => Order::Move { meeting: next.number, to: next.wall + Duration::hours(hours) },
                Ordered::Cancel => Order::Cancel { meeting: next.number },
                Ordered::Swap { member } => Order::Swap { meeting: next.number, with: format!("m{member}") },
            };
            self.orders.push_back((group.clone(), order));
        }
        while let Some((group, order)) = self.orders.front().cloned() {
            let file = matches!(order, Order::Apply { .. });
            // whoever applies a file and is killed meanwhile applies it again
            if !file {
                self.orders.pop_front();
            }
            if house.order(order, &group).is_ok() {
                self.orders.pop_front_if(|_| file);
            } else if file {
                return;
            }
        }
    }

    /// People read what reached them, and do something about it.
    fn deliver(&mut self) -> Result<(), StoreError> {
        let Some(house) = &self.house else { return Ok(()) };
        let store = house.store().clone();
        let guests = self.cast.spec.settings.guest_list;
        for mail in std::mem::take(&mut self.unread) {
            self.counts.sent += 1;
            let within = |(from, to): &(DateTime<Utc>, Option<DateTime<Utc>>)| {
                *from < mail.began && to.is_none_or(|to| mail.began < to)
            };
            if self.holds.iter().any(within) {
                self.ledger.broken(Rule::Held, mail.at, format!("a mail to {} was begun while mail was held", mail.to));
            }
            let known = self.ledger.delivered(&store.get(), &mail, guests, &self.cast.leads)?;
            let Some((sent, letter)) = known else { continue };
            let Some(person) = self.cast.people.iter().find(|p| p.email == mail.to).cloned() else { continue };
            let key = sent.draft.key.to_string();
            let deeds = match &self.plan.deeds {
                Some(listed) => listed.get(&key).cloned().unwrap_or_default(),
                None => {
                    let strangers: Vec<_> = STRANGERS.iter().map(|s| (*s).to_owned()).collect();
                    deeds::drawn(self.plan.seed, &sent.draft, &person, &strangers)
                }
            };
            for (nth, deed) in deeds.iter().enumerate() {
                let at = self.ports.truth.now() + Duration::seconds(deed.after);
                let Some(bytes) = deed.written(&person, &letter, nth, at) else { continue };
                for copy in 0..i64::from(deed.copies) {
                    self.counter += 1;
                    self.underway.insert((at + Duration::hours(copy), self.counter), bytes.clone());
                }
            }
            if !deeds.is_empty() {
                self.told.insert(key, deeds);
            }
        }
        Ok(())
    }
}

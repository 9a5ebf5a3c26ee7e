//! The simulator with faults: years that broke a promise once are lived again, new ones are tried, and the invariants
//! notice each broken sender and receiver. Many more years: `just soak`.

use chrono::{DateTime, Duration, TimeZone, Utc};
use codevd::config;
use codevd::core::Order;
use codevd::daemon::engine::GroupOrder;
use codevd::daemon::{Engine, Kit, Outgoing, Pace, Sender, Shared, sender_step, shared};
use codevd::mail::Key;
use codevd::render::Renderer;
use codevd::sim::SeededIds;
use codevd::sim::edits::Edit;
use codevd::sim::faults::{Fault, Trouble};
use codevd::sim::invariants::Rule;
use codevd::sim::office::Mutant;
use codevd::sim::plan::{Plan, plan, plays_with};
use codevd::sim::shrink::{Case, live_once};
use codevd::sim::year::{Parts, Told};
use codevd::store::{DiskFault, MailState, QueueFilter, Store, WritePoint};
use codevd::transport::{BeforeDot, Delivery, Envelope, Phase};
use codevd::words::Words;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

/// Read once: compiling the word lists' patterns takes a while.
static PARTS: LazyLock<Parts> = LazyLock::new(|| Parts {
    renderer: Renderer::embedded().unwrap(),
    words: Words::embedded().unwrap(),
    formats: config::formats(None).unwrap(),
});

/// The first weeks of a seed's year, with what goes wrong in all of it: a meeting, in a second or two.
fn some_weeks(seed: u64, trouble: bool) -> Plan {
    some_days(45, seed, trouble)
}

fn some_days(days: i32, seed: u64, trouble: bool) -> Plan {
    let mut plan = plan(seed, trouble);
    let (start, whole) = (plan.cast().start, plan.days);
    for fault in &mut plan.faults {
        fault.at = start + (fault.at - start) * days / i32::try_from(whole).unwrap();
    }
    Plan { days: days.into(), ..plan }
}

/// Each in a thread of its own: a year is lived on one.
fn each<T: Send>(of: impl IntoIterator<Item = T>, live: impl Fn(T) + Sync) {
    std::thread::scope(|scope| {
        for one in of {
            scope.spawn(|| live(one));
        }
    });
}

fn told(plan: &Plan, mutant: Option<Mutant>) -> Told {
    live_once(plan, &PARTS, mutant).unwrap()
}

#[test]
#[ignore = "lives years: `codevd soak --again tests/soak` does in the release build, as .ci/run calls it"]
fn years_that_broke_a_promise_once_keep_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/soak");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "no case was found");
    each(files, |path| {
        let case: Case = serde_json::from_slice(&std::fs::read(&path).unwrap())
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let found = told(&case.plan, None).violations;
        let wrong: Vec<_> = found.into_iter().map(|v| format!("{:?}: {}", v.rule, v.what)).collect();
        assert!(wrong.is_empty(), "{}: {}", path.display(), wrong.join("\n"));
    });
}

#[test]
fn whatever_goes_wrong_no_promise_is_broken() {
    let fixed: &[u64] = if crate::whole() { &[11, 12, 13, 14, 15] } else { &[11] };
    each(fixed.iter().copied().chain([crate::seed()]), |seed| {
        let told = told(&some_weeks(seed, true), None);
        let wrong: Vec<_> = told.violations.iter().map(|v| format!("{:?}: {}", v.rule, v.what)).collect();
        assert!(wrong.is_empty(), "seed {seed}: {}", wrong.join("\n"));
        assert!(told.counts.sent > 20, "seed {seed}: {} mails", told.counts.sent);
    });
}

#[test]
fn one_seed_gives_one_year() {
    let plan = some_days(if crate::whole() { 90 } else { 8 }, 21, true);
    let (one, two) = (told(&plan, None), told(&plan, None));
    assert_eq!(one.counts, two.counts);
    assert_eq!(one.deeds, two.deeds);
    // and so does the list of what people did
    let listed = Plan { deeds: Some(one.deeds.clone()), ..plan };
    assert_eq!(told(&listed, None).counts, one.counts);
}

#[test]
fn a_group_that_changes_beside_another_keeps_every_calendar_right() {
    let quiet = Plan { two: true, ..some_weeks(40, false) };
    let start = quiet.cast().start;
    let edits = [
        Edit::Joins { member: 7 },
        Edit::Address { member: 1, number: 1 },
        Edit::Leaves { member: 2 },
        Edit::Leads { member: 3 },
        Edit::Alarms,
        Edit::Zone { number: 4 },
        Edit::Joins { member: 2 },
        Edit::Address { member: 3, number: 2 },
        Edit::Place { number: 3 },
        Edit::Leaves { member: 0 },
        Edit::Schedule { number: 2 },
        Edit::Circle,
    ];
    let at = |n: usize| start + Duration::days(2) + Duration::hours(60 * i64::try_from(n).unwrap());
    let faults = edits.into_iter().enumerate().map(|(n, edit)| Fault { at: at(n), what: Trouble::File { edit } });
    let told = told(&Plan { faults: faults.collect(), ..quiet }, None);
    let wrong: Vec<_> = told.violations.iter().map(|v| format!("{:?}: {}", v.rule, v.what)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let answered = |beginning: &str, who: &str| told.deeds.keys().any(|k| k.starts_with(beginning) && k.contains(who));
    assert!(answered("evening/", ""), "the second group is not there: {:?}", told.deeds.keys());
    assert!(answered("soak/", "/m7/"), "nobody joined: {:?}", told.deeds.keys());
}

#[test]
#[ignore = "a dozen lives: .ci/run runs it"]
fn broken_senders_and_receivers_are_noticed() {
    assert!(plays_with(&PARTS.formats));
    let plan = some_weeks(31, false);
    let broken = [
        (Mutant::SendsTwice, Rule::Twice),
        (Mutant::SendsNothing, Rule::Lost),
        (Mutant::SendsNothing, Rule::Calendar),
        (Mutant::Late, Rule::Late),
        (Mutant::LosesAnswers, Rule::Answer),
        (Mutant::TellsOthers, Rule::Secret),
        (Mutant::NoStamp, Rule::Calendar),
    ];
    let noticed = |plan: &Plan, mutant, rule| {
        let found = told(plan, Some(mutant)).violations;
        assert!(found.iter().any(|v| v.rule == rule), "{mutant:?} was not noticed: {found:?}");
    };
    let noticed = &noticed;
    // mail is held from the third day to the twentieth
    let hold = Trouble::Hold { seconds: 17 * 86_400 };
    let faults = vec![Fault { at: plan.cast().start + Duration::days(3), what: hold }];
    let held = Plan { keep: Some([6, 1]), faults, ..plan.clone() };
    let operated =
        [(Mutant::IgnoresHold, Rule::Held), (Mutant::KeepsLong, Rule::Kept), (Mutant::KeepsShort, Rule::Kept)];
    std::thread::scope(|scope| {
        scope.spawn(|| assert!(told(&held, None).violations.is_empty(), "nothing is broken to begin with"));
        for (mutant, rule) in operated {
            let held = &held;
            scope.spawn(move || noticed(held, mutant, rule));
        }
        scope.spawn(|| assert!(told(&plan, None).violations.is_empty(), "nothing is broken to begin with"));
        for (mutant, rule) in broken {
            let plan = &plan;
            scope.spawn(move || noticed(plan, mutant, rule));
        }
    });
}

#[test]
fn quotas_of_the_hour_and_the_day_are_kept_to_and_nothing_is_lost_by_them() {
    let seeds: &[u64] = if crate::whole() { &[31, 33] } else { &[31] };
    each(seeds.iter().copied(), |seed| {
        let (hour, day) = (8, 40);
        let plan = Plan { most: Some([Some(4), Some(hour), Some(day)]), ..some_weeks(seed, false) };
        let told = told(&plan, None);
        assert!(told.violations.is_empty(), "seed {seed}: {:?}", told.violations);
        // live prompts count, and are not held back: whatever else leaves finds room
        let mut full = 0;
        for (n, mail) in told.left.iter().enumerate().filter(|(_, m)| !m.urgent) {
            let within = |time| told.left[..=n].iter().filter(|m| m.at > mail.at - time).count();
            let (in_hour, in_day) = (within(Duration::hours(1)), within(Duration::days(1)));
            assert!(
                in_hour <= hour as usize && in_day <= day as usize,
                "seed {seed}: {in_hour}, {in_day} at {}",
                mail.at
            );
            full += usize::from(in_hour == hour as usize);
        }
        let waited = told.left.iter().filter(|m| m.at - m.due > Duration::minutes(50)).count();
        assert!(full > 0 && waited > 0, "seed {seed}: the quota was never reached");
        assert!(told.left.iter().filter(|m| m.urgent).all(|m| m.at - m.due <= Duration::seconds(90)));
    });
}

#[test]
fn smtp_away_for_72_hours_everything_of_use_goes_and_nothing_stale() {
    let seeds: &[u64] = if crate::whole() { &[31, 35] } else { &[31] };
    each(seeds.iter().copied(), |seed| {
        let calm = told(&some_weeks(seed, false), None);
        // from a day before the first session's first prompt
        let first = calm.left.iter().find(|m| m.urgent).unwrap().due;
        let (from, back) = (first - Duration::days(1), first + Duration::days(2));
        let down = Fault { at: from, what: Trouble::Down { phase: Phase::Connect, seconds: 72 * 3600 } };
        let told = told(&Plan { faults: vec![down], ..some_weeks(seed, false) }, None);
        assert!(told.violations.is_empty(), "seed {seed}: {:?}", told.violations);
        let during = |at| at > from && at < back;
        assert!(!told.left.iter().any(|m| during(m.at)), "seed {seed}: it was away");
        let after: Vec<_> = told.left.iter().filter(|m| during(m.due) && m.at >= back).collect();
        let stale = after.iter().filter(|m| m.urgent || (!m.always && m.at > m.useful_until)).count();
        let soon = after.iter().filter(|m| m.at <= back + Duration::minutes(15)).count();
        assert!(
            !after.is_empty() && stale == 0 && soon == after.len(),
            "seed {seed}: {stale} stale, {soon} of {after:?}"
        );
        let due = calm.left.iter().filter(|m| during(m.due)).count();
        println!("seed {seed}: {due} mails due in 72 h without trouble, {} left after it", after.len());
    });
}

/// A server whose daemon's disk is full from DATA on: whoever sends the dot without having noted it sends it again.
#[derive(Clone, Default)]
struct FullAtTheDot {
    full: Arc<AtomicBool>,
    accepted: Arc<AtomicU32>,
}

impl Outgoing for FullAtTheDot {
    async fn send(&mut self, _: &Envelope, _: &[u8], before_dot: BeforeDot<'_>) -> Delivery {
        if let Err(cause) = before_dot() {
            return Delivery::Unreached { phase: Phase::Data, cause };
        }
        self.accepted.fetch_add(1, Ordering::Relaxed);
        Delivery::Accepted { reply: "250 2.0.0 taken".to_owned() }
    }
}

/// A store with a group's first mails due, and the time.
fn founded(folder: &Path) -> (Shared, Sender, DateTime<Utc>) {
    let cast = plan(41, false).cast();
    let sender = Sender { name: "Codev".into(), address: "codev@codev.example".parse().unwrap(), plus: false };
    let Parts { renderer, words, formats } = PARTS.clone();
    let kit = Kit { renderer, words, formats, key: Key::new([7; 32]), sender: sender.clone() };
    let store = shared(Store::open(folder.join("codevd.db")).unwrap());
    let order = Order::Apply { spec: Box::new(cast.spec.clone()), live: true };
    let order = serde_json::to_string(&GroupOrder { group: cast.spec.id, order }).unwrap();
    store.get().order(&order, cast.start).unwrap();
    let mut engine = Engine::new(kit, store.clone(), SeededIds::of(41));
    let mut now = cast.start;
    while store.get().next_send().unwrap().is_none() {
        engine.step(now).unwrap();
        now = now.max(engine.next_due().unwrap().unwrap_or(now));
    }
    engine.step(now).unwrap();
    (store, sender, now)
}

#[tokio::test]
async fn a_dot_that_cannot_be_noted_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let (store, sender, now) = founded(folder.path());
    let mut post = FullAtTheDot::default();
    // claiming works; the disk is full from the noting of the first dot on
    let (full, writes) = (post.full.clone(), AtomicU32::new(0));
    full.store(true, Ordering::Relaxed);
    store.get().watch(move |point| {
        let nth = if point == WritePoint::Begin { writes.fetch_add(1, Ordering::Relaxed) } else { 0 };
        if full.load(Ordering::Relaxed) && nth > 0 { Err(DiskFault::Full) } else { Ok(()) }
    });
    let mut pace = Pace::default();
    let stopped = sender_step(&store, std::slice::from_mut(&mut post), &mut pace, &sender, || now).await;
    assert!(stopped.is_err_and(|e| e.is_temporary()));
    assert_eq!(post.accepted.load(Ordering::Relaxed), 0, "a dot left that is not on disk");
    post.full.store(false, Ordering::Relaxed);
    // the process was killed meanwhile: what is on disk says that nothing left
    store.get().recover(now).unwrap();
    let later = Utc.timestamp_opt(now.timestamp() + 600, 0).unwrap();
    sender_step(&store, std::slice::from_mut(&mut post), &mut pace, &sender, || later).await.unwrap();
    let rows = store.get().queue(&QueueFilter::default()).unwrap();
    let sent = rows.iter().filter(|r| r.state == MailState::Sent).count();
    assert!(sent > 0 && u32::try_from(sent).unwrap() == post.accepted.load(Ordering::Relaxed), "{sent}");
}

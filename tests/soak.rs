//! The simulator with faults: years that broke a promise once are lived again, new ones are tried, and the invariants
//! notice each broken sender and receiver. Many more years: `just soak`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

use codevd::config;
use codevd::render::Renderer;
use codevd::sim::invariants::Rule;
use codevd::sim::office::Mutant;
use codevd::sim::plan::{Plan, plan, plays_with};
use codevd::sim::shrink::{Case, live_once};
use codevd::sim::year::{Parts, Told};
use codevd::words::Words;
use std::path::Path;
use std::sync::LazyLock;

/// Read once: compiling the word lists' patterns takes a while.
static PARTS: LazyLock<Parts> = LazyLock::new(|| Parts {
    renderer: Renderer::embedded().unwrap(),
    words: Words::embedded().unwrap(),
    formats: config::formats(None).unwrap(),
});

/// The first days of a seed's year: a meeting or two, in a second or two.
fn some_weeks(seed: u64, trouble: bool) -> Plan {
    let whole = plan(seed, trouble);
    Plan { days: 75, ..whole }
}

fn told(plan: &Plan, mutant: Option<Mutant>) -> Told {
    live_once(plan, &PARTS, mutant).unwrap()
}

#[test]
fn years_that_broke_a_promise_once_keep_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/soak");
    let mut wrong = Vec::new();
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let case: Case = serde_json::from_slice(&std::fs::read(&path).unwrap())
            .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let told = told(&case.plan, None);
        wrong.extend(told.violations.into_iter().map(|v| format!("{}: {:?}: {}", path.display(), v.rule, v.what)));
        files += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(files > 0, "no case was found");
}

#[test]
fn whatever_goes_wrong_no_promise_is_broken() {
    // others with each commit, the same again for the same commit
    let rotating = std::env::var("PROPTEST_RNG_SEED").ok().and_then(|s| s.parse::<u64>().ok()).unwrap_or(4711);
    for seed in [11, 12, 13, rotating, rotating + 1] {
        let told = told(&some_weeks(seed, true), None);
        let wrong: Vec<_> = told.violations.iter().map(|v| format!("{:?}: {}", v.rule, v.what)).collect();
        assert!(wrong.is_empty(), "seed {seed}: {}", wrong.join("\n"));
        assert!(told.counts.sent > 20, "seed {seed}: {} mails", told.counts.sent);
    }
}

#[test]
fn one_seed_gives_one_year() {
    let plan = some_weeks(21, true);
    let (one, two) = (told(&plan, None), told(&plan, None));
    assert_eq!(one.counts, two.counts);
    assert_eq!(one.deeds, two.deeds);
    // and so does the list of what people did
    let listed = Plan { deeds: Some(one.deeds.clone()), ..plan };
    assert_eq!(told(&listed, None).counts, one.counts);
}

#[test]
fn broken_senders_and_receivers_are_noticed() {
    assert!(plays_with(&PARTS.formats));
    let plan = some_weeks(31, false);
    assert!(told(&plan, None).violations.is_empty(), "nothing is broken to begin with");
    for (mutant, rule) in [
        (Mutant::SendsTwice, Rule::Twice),
        (Mutant::SendsNothing, Rule::Lost),
        (Mutant::Late, Rule::Late),
        (Mutant::LosesAnswers, Rule::Answer),
        (Mutant::TellsOthers, Rule::Secret),
    ] {
        let found = told(&plan, Some(mutant)).violations;
        assert!(found.iter().any(|v| v.rule == rule), "{mutant:?} was not noticed: {found:?}");
    }
}

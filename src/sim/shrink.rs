//! A failing year made small: faults and deeds are taken away as long as the same promise stays broken.

use super::invariants::{Rule, Violation};
use super::office::Mutant;
use super::plan::Plan;
use super::year::{Parts, Told, live};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A year that broke a promise once, as it lies in `tests/soak/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// What broke, and why it no longer does.
    #[serde(default)]
    pub story: String,
    /// What was seen when it was found.
    pub found: Violation,
    /// The year.
    #[serde(flatten)]
    pub plan: Plan,
}

/// Lives a year in a fresh folder, gone afterwards.
///
/// # Errors
/// No folder can be made.
pub fn live_once(plan: &Plan, parts: &Parts, mutant: Option<Mutant>) -> std::io::Result<Told> {
    // memory is quicker than a disk, and a killed process leaves the same file there
    let memory = std::path::Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
    Ok(live(plan, parts, folder.path(), mutant))
}

/// The smallest year found that breaks the same rule, and what it breaks. At most `tries` years are lived.
///
/// # Errors
/// As [`live_once`].
pub fn shrink(plan: &Plan, told: &Told, parts: &Parts, mut tries: u32) -> std::io::Result<Option<Case>> {
    let Some(first) = told.violations.first() else { return Ok(None) };
    let rule = first.rule;
    let mut best = Case { story: String::new(), found: first.clone(), plan: plan.clone() };
    let listed = Plan { deeds: Some(told.deeds.clone()), ..plan.clone() };
    let breaks = |plan: &Plan, tries: &mut u32| -> std::io::Result<Option<Violation>> {
        *tries = tries.saturating_sub(1);
        Ok(live_once(plan, parts, None)?.violations.into_iter().find(|v| v.rule == rule))
    };
    if let Some(found) = breaks(&listed, &mut tries)? {
        best = Case { found, plan: listed, ..best };
    }
    for days in [30, 60, 90, 120, 180, 270] {
        let shorter = Plan { days, ..best.plan.clone() };
        if tries > 0
            && let Some(found) = breaks(&shorter, &mut tries)?
        {
            best = Case { found, plan: shorter, ..best };
            break;
        }
    }
    while tries > 0 {
        let before = size(&best.plan);
        shrink_once(&mut best, rule, &mut tries, &breaks)?;
        if size(&best.plan) == before {
            break;
        }
    }
    Ok(Some(best))
}

fn size(plan: &Plan) -> usize {
    plan.faults.len() + plan.deeds.as_ref().map_or(0, BTreeMap::len)
}

/// Halves, quarters, and so on down to single ones are left out (delta debugging).
fn shrink_once(
    best: &mut Case,
    rule: Rule,
    tries: &mut u32,
    breaks: &impl Fn(&Plan, &mut u32) -> std::io::Result<Option<Violation>>,
) -> std::io::Result<()> {
    let faults = best.plan.faults.len();
    let keys = best.plan.deeds.as_ref().map_or(0, BTreeMap::len);
    for (all, is_faults) in [(keys, false), (faults, true)] {
        let mut part = all.div_ceil(2).max(1);
        loop {
            let mut at = 0;
            while at < left(&best.plan, is_faults) && *tries > 0 {
                let less = without(&best.plan, is_faults, at, part);
                match breaks(&less, tries)? {
                    Some(found) if found.rule == rule => *best = Case { found, plan: less, ..best.clone() },
                    _ => at += part,
                }
            }
            if part == 1 || *tries == 0 {
                break;
            }
            part = part.div_ceil(2);
        }
    }
    Ok(())
}

fn left(plan: &Plan, is_faults: bool) -> usize {
    if is_faults { plan.faults.len() } else { plan.deeds.as_ref().map_or(0, BTreeMap::len) }
}

fn without(plan: &Plan, is_faults: bool, at: usize, part: usize) -> Plan {
    let mut less = plan.clone();
    let stays = |n: usize| !(at..at + part).contains(&n);
    if is_faults {
        less.faults = less.faults.into_iter().enumerate().filter(|(n, _)| stays(*n)).map(|(_, f)| f).collect();
    } else if let Some(deeds) = less.deeds.take() {
        less.deeds = Some(deeds.into_iter().enumerate().filter(|(n, _)| stays(*n)).map(|(_, d)| d).collect());
    }
    less
}

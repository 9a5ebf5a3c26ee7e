//! `codevd soak`: simulated group-years with faults, as many as wished; not in the help, for whoever builds codevd.

use super::args::SoakArgs;
use super::failure::{Done, Failure, Result};
use super::terminal::Terminal;
use crate::config;
use crate::render::Renderer;
use crate::sim::plan::{Plan, plan, plays_with};
use crate::sim::shrink::{Case, live_once, shrink};
use crate::sim::year::{Counts, Parts, Told};
use crate::words::Words;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::{Mutex, PoisonError, mpsc};

/// What was run so far, added up over many runs.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Sum {
    /// Group-years.
    years: u64,
    /// Seeds that broke a promise.
    failed: Vec<u64>,
    /// The seed that comes next.
    next: u64,
    #[serde(flatten)]
    counts: Counts,
}

impl Sum {
    fn read(args: &SoakArgs) -> std::io::Result<Self> {
        let fresh = || Self { next: args.seed, ..Self::default() };
        let Some(file) = args.resume.as_deref().filter(|f| f.exists()) else { return Ok(fresh()) };
        serde_json::from_slice(&std::fs::read(file)?).map_err(std::io::Error::other)
    }

    fn write(&self, file: &Path) -> std::io::Result<()> {
        let half = file.with_extension("new");
        std::fs::write(&half, serde_json::to_vec_pretty(self)?)?;
        std::fs::rename(half, file)
    }

    fn add(&mut self, plan: &Plan, told: &Told) {
        self.years += plan.groups();
        self.counts.sent += told.counts.sent;
        self.counts.received += told.counts.received;
        self.counts.kills += told.counts.kills;
        self.counts.points += told.counts.points;
        self.counts.faults += told.counts.faults;
        if !told.violations.is_empty() {
            self.failed.push(plan.seed);
        }
    }
}

/// The years that nobody lives yet.
struct Ahead {
    /// Those that broke a promise once.
    again: Vec<Plan>,
    seed: u64,
    /// Group-years.
    left: u64,
}

impl Ahead {
    fn take(&mut self, calm: bool) -> Option<Plan> {
        if let Some(plan) = self.again.pop() {
            return Some(plan);
        }
        let plan = (self.left > 0).then(|| plan(self.seed, !calm))?;
        self.seed += 1;
        self.left = self.left.saturating_sub(plan.groups());
        Some(plan)
    }
}

/// The plans of a folder's cases.
fn found(folder: &Path) -> std::result::Result<Vec<Plan>, Failure> {
    let mut plans = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let case: Case = serde_json::from_slice(&std::fs::read(&path)?)
            .map_err(|e| Failure::Usage(format!("{}: {e}; expected a case that soak wrote", path.display())))?;
        plans.push(case.plan);
    }
    Ok(plans)
}

fn parts() -> std::result::Result<Parts, Failure> {
    let told = |error: &dyn std::fmt::Display| Failure::from(std::io::Error::other(error.to_string()));
    let renderer = Renderer::embedded().map_err(|e| told(&e))?;
    let words = Words::embedded().map_err(|e| told(&e))?;
    let formats = config::formats(None)
        .map_err(|all| Failure::Usage(all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))?;
    if !plays_with(&formats) {
        return Err(Failure::Usage("a session format is missing".to_owned()));
    }
    Ok(Parts { renderer, words, formats })
}

pub(super) fn soak(args: &SoakArgs, terminal: &mut Terminal) -> Result {
    let parts = parts()?;
    let mut sum = Sum::read(args)?;
    let again = args.again.as_deref().map(found).transpose()?.unwrap_or_default();
    let ahead = Mutex::new(Ahead { again, seed: sum.next, left: args.years });
    let take = || ahead.lock().unwrap_or_else(PoisonError::into_inner).take(args.calm);
    let next = || ahead.lock().unwrap_or_else(PoisonError::into_inner).seed;
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(args.threads);
    let mut shown = 0;
    std::thread::scope(|scope| -> std::io::Result<()> {
        let (told_in, told_out) = mpsc::channel();
        for _ in 0..threads {
            let (told_in, take, parts) = (told_in.clone(), &take, parts.clone());
            scope.spawn(move || {
                while let Some(plan) = take() {
                    let lived = one(args, &plan, &parts);
                    if told_in.send((plan, lived)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(told_in);
        while let Ok((plan, lived)) = told_out.recv() {
            let (told, case) = lived?;
            sum.add(&plan, &told);
            for violation in told.violations.iter().take(3) {
                terminal.line(format_args!("seed {}: {:?}: {}", plan.seed, violation.rule, violation.what))?;
            }
            if let Some(case) = case {
                terminal.line(format_args!(
                    "  shrunk to {} faults and {} answers over {} days",
                    case.plan.faults.len(),
                    case.plan.deeds.as_ref().map_or(0, std::collections::BTreeMap::len),
                    case.plan.days
                ))?;
            }
            shown += 1;
            if shown % 10 == 0 {
                keep(args, &mut sum, next())?;
            }
            terminal.flush()?;
        }
        Ok(())
    })?;
    keep(args, &mut sum, next())?;
    let Counts { sent, received, kills, points, faults } = sum.counts;
    terminal.line(format_args!(
        "{} group-years, seeds up to {}: {faults} faults, {kills} kills among {points} awaits and writes, \
         {sent} mails sent, {received} received; {} seeds broke a promise",
        sum.years,
        sum.next - 1,
        sum.failed.len()
    ))?;
    Ok(if sum.failed.is_empty() { Done::Good } else { Done::Look })
}

fn keep(args: &SoakArgs, sum: &mut Sum, next: u64) -> std::io::Result<()> {
    sum.next = next;
    args.resume.as_deref().map_or(Ok(()), |file| sum.write(file))
}

/// A year; where it breaks a promise, the smallest one that does lies in the folder of cases.
fn one(args: &SoakArgs, plan: &Plan, parts: &Parts) -> std::io::Result<(Told, Option<Case>)> {
    let told = live_once(plan, parts, None)?;
    let Some(folder) = args.cases.as_deref().filter(|_| !told.violations.is_empty()) else { return Ok((told, None)) };
    let case = shrink(plan, &told, parts, args.tries)?;
    if let Some(case) = &case {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join(format!("{}.json", plan.seed)), serde_json::to_vec_pretty(case)?)?;
    }
    Ok((told, case))
}

//! The quota's part of `codevd check`: what the groups will send, against what the provider lets one mailbox send.

use super::check::Report;
use super::failure::Failure;
use super::plan::busiest;
use super::setup::Setup;
use super::terminal::Mark;
use crate::config::providers;
use crate::core::decide::found;
use crate::core::foresight::{as_live, foresee};
use crate::core::{Formats, Group, GroupSpec, Moment};
use chrono::{DateTime, Duration, Utc};

/// How far is looked ahead: two meetings of a group that meets every month.
const AHEAD: i64 = 75;
/// Groups that are looked at: with more, the plan of an instance is the operator's own work.
const MOST_GROUPS: usize = 1000;
/// A prompt leaves a minute ahead and is of use 90 seconds after that: so many minutes' mails may be prompts.
const PROMPT_MINUTES: u32 = 2;

/// The groups that run, those not live as if they went live now, and those of files that are not applied yet.
pub(super) fn check(setup: &Setup, wanted: &[GroupSpec], formats: &Formats, report: &mut Report) {
    let now = setup.now();
    let Some(groups) = report.take("quota", all(setup, wanted, formats, now)) else { return };
    if groups.is_empty() {
        return;
    }
    let mut mails: Vec<(DateTime<Utc>, usize)> = Vec::new();
    let mut prompts: Vec<(DateTime<Utc>, usize)> = Vec::new();
    for group in &groups {
        foresee(group, now, now + Duration::days(AHEAD), |at, change| {
            mails.push((at, change.drafts.len()));
            prompts.push((at, change.drafts.iter().filter(|d| d.urgent).count()));
        });
    }
    if groups.len() == MOST_GROUPS {
        report.add(Mark::Care, "quota", format!("only the first {MOST_GROUPS} groups are counted here"));
    }
    let pace = setup.config.pace;
    let all = providers::providers().unwrap_or_default();
    let provider = providers::of_server(&all, &setup.config.smtp.server);
    let limits = [
        ("an hour", Duration::hours(1), pace.per_hour.or(provider.and_then(|p| p.per_hour))),
        ("a day", Duration::days(1), pace.per_day.or(provider.and_then(|p| p.per_day))),
    ];
    let told = |mark, text: String, report: &mut Report| report.add(mark, "quota", text);
    let mut known = false;
    for (name, time, limit) in limits {
        let (Some((at, most)), Some(limit)) = (busiest(mails.iter().copied(), time), limit) else { continue };
        known = true;
        let when = at.format("%Y-%m-%d %H:%M UTC");
        match most > usize::try_from(limit).unwrap_or(usize::MAX) {
            false => {
                told(Mark::Good, format!("at most {most} mails in {name} (from {when}), of {limit} allowed"), report)
            }
            true => told(
                Mark::Care,
                format!(
                    "{most} mails are planned in {name} (from {when}), and the provider lets {limit} go: prompts leave \
                     first, the rest waits. Let groups meet on other days, or give some a mailbox of their own"
                ),
                report,
            ),
        }
    }
    if !known && let Some((at, most)) = busiest(mails.iter().copied(), Duration::days(1)) {
        let when = at.format("%Y-%m-%d %H:%M UTC");
        let text =
            format!("at most {most} mails in a day (from {when}); what the provider allows is not known: see [pace]");
        told(Mark::Good, text, report);
    }
    if let Some((at, most)) = busiest(prompts.into_iter(), Duration::minutes(1)) {
        let room = pace.per_minute.saturating_mul(PROMPT_MINUTES);
        if most > usize::try_from(room).unwrap_or(usize::MAX) {
            let when = at.format("%Y-%m-%d %H:%M UTC");
            let text = format!(
                "{most} prompts are due in one minute ({when}), and {} mails leave in a minute: some would come too late. \
                 Let these groups begin at other hours",
                pace.per_minute
            );
            told(Mark::Care, text, report);
        }
    }
}

fn all(setup: &Setup, wanted: &[GroupSpec], formats: &Formats, now: DateTime<Utc>) -> Result<Vec<Group>, Failure> {
    let mut groups = Vec::new();
    if let Some(reader) = setup.reader_if_any()? {
        for row in reader.groups()?.into_iter().take(MOST_GROUPS) {
            groups.extend(reader.load(&row.id, formats)?.map(|l| as_live(&l.group, now)));
        }
    }
    let moment = Moment { now, fresh: "check".to_owned() };
    for spec in wanted.iter().filter(|spec| spec.problems(formats).is_empty()) {
        if !groups.iter().any(|g| g.id == spec.id) {
            groups.push(found(spec, true, formats, &moment)?.group);
        }
    }
    Ok(groups)
}

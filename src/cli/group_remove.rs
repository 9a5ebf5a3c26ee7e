//! `codevd group remove GROUP`: its meetings leave every calendar first; once those mails have left, all that was kept
//! of the group is deleted.

use super::args::RemoveArgs;
use super::difference::Difference;
use super::failure::{Done, Failure, Result};
use super::naming;
use super::orders::{place, rehearse};
use super::setup::Setup;
use super::terminal::Terminal;
use crate::core::{Group, GroupId, MeetingNo, Order, Stage};
use crate::daemon::engine::GroupOrder;
use crate::store::{MailState, QueueFilter};
use serde_json::json;

/// How far it got.
struct Got {
    cancelled: Vec<MeetingNo>,
    waiting: usize,
    by_daemon: bool,
    removed: bool,
}

pub(super) fn remove(setup: &Setup, args: &RemoveArgs, terminal: &mut Terminal) -> Result {
    let group = naming::group(&setup.reader()?, &setup.formats()?, &args.group)?.group;
    let id = group.id.clone();
    if let Some(now) = group.meetings.iter().find(|m| m.stage == Stage::Running) {
        return Err(Failure::because(format!(
            "the session of {id}/{} is going on: its facilitator's \"stop\" ends it, then remove the group",
            now.number
        )));
    }
    let planned: Vec<MeetingNo> =
        group.meetings.iter().filter(|m| m.stage == Stage::Planned).map(|m| m.number).collect();
    if !args.how.json.json {
        told(setup, &group, &planned, terminal)?;
    }
    if args.how.dry_run {
        return show(args, &id, None, terminal);
    }
    if !args.yes && !agreed(args, &group, terminal)? {
        return Err(Failure::because("nothing was changed"));
    }
    let mut got = Got { cancelled: Vec::new(), waiting: 0, by_daemon: false, removed: false };
    for meeting in planned {
        let order = GroupOrder { group: id.clone(), order: Order::Cancel { meeting } };
        got.by_daemon = place(setup, &order, "group remove")?.by_daemon;
        got.cancelled.push(meeting);
    }
    got.waiting = waiting(setup, &id)?;
    if got.waiting == 0 {
        got.removed = setup.store()?.remove_group(&id, setup.now())?;
    }
    show(args, &id, Some(&got), terminal)
}

/// Mails of the group that have not left yet: people must still hear that there is no meeting.
fn waiting(setup: &Setup, id: &GroupId) -> Result<usize> {
    let reader = setup.reader()?;
    let mut count = 0;
    for state in [MailState::Queued, MailState::Sending] {
        let filter = QueueFilter { group: Some(id.clone()), state: Some(state), ..QueueFilter::default() };
        count += reader.queue(&filter)?.len();
    }
    Ok(count)
}

fn told(setup: &Setup, group: &Group, planned: &[MeetingNo], terminal: &mut Terminal) -> Result<()> {
    let people = group.members.iter().filter(|m| m.is_active()).count();
    terminal.line(format_args!(
        "deleted: {} ({}), {people} people, what they wrote, their meetings and turns. Backups keep them",
        group.spec.name, group.id
    ))?;
    for meeting in planned {
        let change = rehearse(Some(group), &Order::Cancel { meeting: *meeting }, &group.formats, setup.now())?;
        Difference::of(Some(group), &change).show(terminal)?;
    }
    Ok(())
}

fn agreed(args: &RemoveArgs, group: &Group, terminal: &mut Terminal) -> Result<bool> {
    if args.how.json.json || !terminal.can_ask() {
        let text = "nobody is there to say yes: add --yes to do it, or --dry-run to look only";
        return Err(Failure::Usage(text.to_owned()));
    }
    Ok(terminal
        .ask(&format!("Remove {} for good? `codevd group export {}` keeps its file.", group.spec.name, group.id))?)
}

fn show(args: &RemoveArgs, id: &GroupId, got: Option<&Got>, terminal: &mut Terminal) -> Result {
    if args.how.json.json {
        let data = json!({
            "group": id, "removed": got.is_some_and(|g| g.removed), "waiting": got.map(|g| g.waiting),
            "cancelled": got.map(|g| g.cancelled.iter().map(|m| m.0).collect::<Vec<_>>()),
        });
        terminal.json("group remove", &data)?;
        return Ok(Done::Good);
    }
    terminal.line(match got {
        None => format!("nothing was changed (--dry-run). Next: codevd group remove {id}"),
        Some(Got { removed: true, .. }) => format!("{id} is removed. Next: codevd group list"),
        Some(got) => {
            let leave = if got.by_daemon { "They leave by themselves" } else { "They leave when `codevd run` does" };
            format!(
                "not removed yet: {} mails of {id} wait to leave, so that everybody hears of it. {leave}; `codevd mail queue \
                 --group {id}` shows them, `codevd mail drop` gives one up. Next: codevd group remove {id}, once more",
                got.waiting
            )
        }
    })?;
    Ok(Done::Good)
}

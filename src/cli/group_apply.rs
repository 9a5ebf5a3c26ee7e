//! `codevd group apply FILE`: the difference between a group file and what runs, done after a yes.

use super::args::ApplyArgs;
use super::difference::Difference;
use super::failure::{Done, Failure, Result};
use super::orders::{place, rehearse};
use super::setup::Setup;
use super::terminal::Terminal;
use crate::config;
use crate::core::{GroupSpec, Order};
use crate::daemon::engine::GroupOrder;
use serde_json::json;

pub(super) fn apply(setup: &Setup, args: &ApplyArgs, terminal: &mut Terminal) -> Result {
    let formats = setup.formats()?;
    let (spec, warnings) = config::group(&args.file, &formats, &setup.defaults()?).map_err(Failure::Files)?;
    let together = config::check_together(&setup.config, &spec);
    if !together.is_empty() {
        return Err(Failure::Files(together));
    }
    for warning in &warnings {
        terminal.note(warning)?;
    }
    let reader = setup.reader_if_any()?;
    let loaded = reader.as_ref().map(|r| r.load(&spec.id, &formats)).transpose()?.flatten();
    let before = loaded.map(|l| l.group);
    let order = Order::Apply { spec: Box::new(spec.clone()), live: args.live };
    let change = rehearse(before.as_ref(), &order, &formats, setup.now())?;
    let difference = Difference::of(before.as_ref(), &change);
    let changes = spec_differs(before.as_ref().map(|b| &b.spec), &spec) || !difference.is_empty();
    if !args.json.json {
        difference.show(terminal)?;
    }
    if !changes || args.dry_run {
        return unchanged(args, changes, &difference, terminal);
    }
    if !args.yes && !agreed(args, terminal)? {
        return Err(Failure::because("nothing was changed"));
    }
    let group = spec.id.clone();
    let placed = place(setup, &GroupOrder { group: group.clone(), order }, "group apply")?;
    if args.json.json {
        let mut data = difference.json();
        data["applied"] = json!(true);
        data["group"] = json!(group);
        data["done"] = json!(placed.lines);
        data["daemon"] = json!(placed.by_daemon);
        terminal.json("group apply", &data)?;
        return Ok(Done::Good);
    }
    terminal.line(format_args!("applied: {} ({group})", spec.name))?;
    let next = match (change.group.live, placed.by_daemon) {
        (false, _) => {
            format!(
                "the group is not live: its mails go to its facilitator alone, as previews, each at its time.\n\
                 All of them now: codevd plan {group} --show. Next: codevd group go-live {group}"
            )
        }
        (true, true) => format!("mail leaves by itself. Next: codevd group show {group}"),
        (true, false) => format!(
            "no daemon runs: mail leaves when `codevd run` does. Next: codevd run (then codevd group show {group})"
        ),
    };
    terminal.line(next)?;
    Ok(Done::Good)
}

fn spec_differs(before: Option<&GroupSpec>, after: &GroupSpec) -> bool {
    before != Some(after)
}

fn unchanged(args: &ApplyArgs, changes: bool, difference: &Difference, terminal: &mut Terminal) -> Result {
    if args.json.json {
        let mut data = difference.json();
        data["applied"] = json!(false);
        terminal.json("group apply", &data)?;
        return Ok(Done::Good);
    }
    terminal.line(match changes {
        false => "nothing to do: what runs is what the file says. Next: codevd group list".to_owned(),
        true => {
            let live = if args.live { " --live" } else { "" };
            format!("nothing was changed (--dry-run). Next: codevd group apply {}{live} --yes", args.file.display())
        }
    })?;
    Ok(Done::Good)
}

fn agreed(args: &ApplyArgs, terminal: &mut Terminal) -> Result<bool> {
    if args.json.json || !terminal.can_ask() {
        let text = "nobody is there to say yes: add --yes to do it, or --dry-run to look only";
        return Err(Failure::Usage(text.to_owned()));
    }
    Ok(terminal.ask("Do this?")?)
}

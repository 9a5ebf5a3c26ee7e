//! `codevd group go-live GROUP`: from then on mails go to everybody, not to the facilitator alone.

use super::args::LiveArgs;
use super::difference::Difference;
use super::failure::{Done, Failure, Result};
use super::naming;
use super::orders::{place, rehearse};
use super::setup::Setup;
use super::terminal::Terminal;
use crate::core::Order;
use crate::daemon::engine::GroupOrder;
use serde_json::json;

pub(super) fn go_live(setup: &Setup, args: &LiveArgs, terminal: &mut Terminal) -> Result {
    let formats = setup.formats()?;
    let group = naming::group(&setup.reader()?, &formats, &args.group)?.group;
    let id = group.id.clone();
    if group.live {
        match args.json.json {
            true => terminal.json("group go-live", &json!({"group": id, "live": true, "changed": false}))?,
            false => terminal.line(format_args!("{id} is live already. Next: codevd plan {id}"))?,
        }
        return Ok(Done::Good);
    }
    let change = rehearse(Some(&group), &Order::GoLive, &formats, setup.now())?;
    let difference = Difference::of(Some(&group), &change);
    if !args.json.json {
        difference.show(terminal)?;
    }
    if args.dry_run {
        match args.json.json {
            true => terminal.json("group go-live", &data(&difference, &id, false))?,
            false => terminal.line(format_args!("nothing was changed (--dry-run). Next: codevd group go-live {id}"))?,
        }
        return Ok(Done::Good);
    }
    if !args.yes {
        if args.json.json || !terminal.can_ask() {
            let text = "nobody is there to say yes: add --yes to do it, or --dry-run to look only";
            return Err(Failure::Usage(text.to_owned()));
        }
        if !terminal.ask("From now on mails go to everybody. Do this?")? {
            return Err(Failure::because("nothing was changed"));
        }
    }
    let placed = place(setup, &GroupOrder { group: id.clone(), order: Order::GoLive }, "group go-live")?;
    if args.json.json {
        terminal.json("group go-live", &data(&difference, &id, true))?;
        return Ok(Done::Good);
    }
    placed.lines.iter().try_for_each(|line| terminal.line(line))?;
    terminal.line(match placed.by_daemon {
        true => format!("mail leaves by itself. Next: codevd plan {id}"),
        false => {
            format!("no daemon runs: mail leaves when `codevd run` does. Next: codevd run (then codevd plan {id})")
        }
    })?;
    Ok(Done::Good)
}

fn data(difference: &Difference, id: &crate::core::GroupId, done: bool) -> serde_json::Value {
    let mut data = difference.json();
    data["group"] = json!(id);
    data["changed"] = json!(done);
    data["live"] = json!(done);
    data
}

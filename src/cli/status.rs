//! `codevd status`: what runs, what is due next, what is wrong.

use super::args::StatusArgs;
use super::failure::{Done, Result};
use super::level;
use super::metrics::Figures;
use super::naming::{self, local};
use super::setup::Setup;
use super::terminal::{Mark, Terminal};
use crate::daemon::receiver::NO_GROUP_YET;
use crate::daemon::{alarm, lock};
use crate::store::{
    Alarm, Counts, GroupRow, InboxKind, InboxRow, InboxState, MailState, QueueFilter, QueueRow, Reader,
};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Rows of each list at most.
const LISTED: u32 = 20;
/// How long rows that were set aside are shown.
const SHOWN_FOR: Duration = Duration::days(30);
/// A mail or an order that waits longer is told.
const LATE: Duration = Duration::minutes(15);

/// All that is looked at.
struct Seen {
    now: DateTime<Utc>,
    holder: Option<String>,
    groups: Vec<GroupRow>,
    zones: BTreeMap<crate::core::GroupId, Tz>,
    counts: Counts,
    refused: Vec<QueueRow>,
    kept: Vec<InboxRow>,
    held: Option<crate::store::Held>,
    restored: Option<crate::store::Restored>,
    alarms: Vec<Alarm>,
    live: bool,
    clock: Option<crate::store::ClockSeen>,
    policy: Vec<(crate::core::GroupId, crate::core::MemberId, crate::core::reach::Bounced)>,
    unreadable: Vec<crate::store::Unreadable>,
    disk: Option<crate::store::StoreError>,
    keys: std::path::PathBuf,
    /// The database, where no group was ever in it.
    new: Option<std::path::PathBuf>,
}

pub(super) fn status(setup: &Setup, args: StatusArgs, terminal: &mut Terminal) -> Result {
    let as_json = args.json.json;
    let holder = lock::held_by(&setup.config.database)?;
    let Some(reader) = setup.reader_if_any()? else {
        if as_json {
            terminal.json("status", &json!({"running": holder.is_some(), "groups": []}))?;
        } else if args.metrics {
            let counts = Counts::default();
            let (running, held, next_due, troubles) = (holder.is_some(), false, None, 0);
            let figures = Figures { now: setup.now(), running, held, counts: &counts, next_due, troubles };
            terminal.line(figures.text()?.trim_end())?;
        } else {
            terminal.line("nothing runs: there is no database yet. Next: codevd group apply FILE")?;
        }
        return Ok(Done::Good);
    };
    let seen = look(setup, &reader, holder)?;
    let troubles = seen.troubles();
    if as_json {
        terminal.json("status", &seen.json(&troubles))?;
    } else if args.metrics {
        // a collector takes an exit code for a failure of the command: what is wrong is a figure
        terminal.line(seen.figures(troubles.len()).text()?.trim_end())?;
        return Ok(Done::Good);
    } else {
        seen.show(&troubles, terminal)?;
    }
    Ok(if troubles.is_empty() { Done::Good } else { Done::Look })
}

fn look(setup: &Setup, reader: &Reader, holder: Option<String>) -> Result<Seen> {
    let now = setup.now();
    let refused = QueueFilter { state: Some(MailState::Refused), limit: LISTED, ..QueueFilter::default() };
    // apart: what only needs reading never hides what can't be read
    let mut kept = reader.inbox_list(&[InboxState::Quarantined], LISTED)?;
    kept.extend(reader.inbox_list(&[InboxState::Refused], LISTED)?);
    kept.retain(|row| row.received_at > now - SHOWN_FOR);
    let mut refused = reader.queue(&refused)?;
    refused.retain(|row| row.due > now - SHOWN_FOR);
    Ok(Seen {
        now,
        holder,
        groups: reader.groups()?,
        zones: naming::zones(reader)?,
        counts: reader.counts()?,
        refused,
        kept,
        held: reader.held()?,
        restored: reader.restored()?,
        alarms: reader.alarms()?,
        live: reader.is_live()?,
        clock: reader.clock_seen()?,
        policy: reader.refused_by_policy()?,
        unreadable: reader.unreadable()?,
        disk: reader.disk_trouble(),
        keys: reader.keys_file(),
        new: reader.is_new()?.then(|| reader.file().to_owned()),
    })
}

impl Seen {
    fn zone(&self, group: Option<&crate::core::GroupId>) -> Tz {
        group.and_then(|g| self.zones.get(g)).copied().unwrap_or_default()
    }

    /// What needs a look, each with what to do.
    fn troubles(&self) -> Vec<String> {
        let mut all: Vec<_> = self.disk.iter().map(|error| format!("nothing can be kept: {error}")).collect();
        if self.holder.is_none() && self.groups.iter().any(|g| g.live) {
            all.push("no daemon runs and there are live groups: start `codevd run`".to_owned());
        }
        if let Some(held) = &self.held {
            let since = super::mail_hold::since(held);
            all.push(format!("all mail is held {since}. See codevd mail queue, then codevd mail release"));
            all.extend(self.restored.as_ref().map(super::mail_hold::seen));
        }
        for group in &self.groups {
            if let Some(error) = &group.error {
                let times = group.failures;
                let again = "It is tried again by itself; correct what is named and restart `codevd run`";
                all.push(format!("group {} is set aside after {times} failures: {error}. {again}", group.id));
            }
        }
        for mail in &self.counts.in_doubt {
            let (id, to) = (mail.id, &mail.envelope_to);
            all.push(format!(
                "nobody knows whether mail {id} ({}) to {to} left: ask them. codevd why out:{id}",
                mail.kind
            ));
        }
        for mail in &self.refused {
            let why = mail.last_reply.as_deref().unwrap_or("no reason was given");
            all.push(format!("mail {} ({}) to {} was refused: {why}", mail.id, mail.kind, mail.envelope_to));
        }
        let quarantined = |row: &&InboxRow| row.state == InboxState::Quarantined;
        for row in self.kept.iter().filter(quarantined) {
            all.push(format!("in:{} can't be read: {}. It is kept as it came", row.id, reason(row)));
        }
        for (group, member, bounced) in self.policy.iter().filter(|(_, _, b)| b.at > self.now - SHOWN_FOR) {
            all.push(format!(
                "the mail host of {group}/{member} refuses what we send ({}): see SPF, DKIM and the sending host's reputation",
                bounced.why
            ));
        }
        for lost in self.unreadable.iter().take(LISTED as usize) {
            all.push(format!(
                "{} texts of {}/{} can't be opened: their key is not in {}. Put that file back from a backup made with \
                 --with-keys",
                lost.texts,
                lost.group,
                lost.meeting,
                self.keys.display()
            ));
        }
        all.extend(self.late());
        all.extend(self.told_by_the_daemon());
        all
    }

    /// What only the running daemon can see: its servers and its disk; and what the operator should know and does not.
    fn told_by_the_daemon(&self) -> Vec<String> {
        let words = |topic: &str| match topic {
            "login" => Some("a mail server refuses user or password"),
            "mailbox" => Some("the mailbox can't be reached"),
            "server" => Some("the server for mail out can't be reached"),
            "address" => Some("the server refuses codevd's own address as the sender's"),
            "outbox" => Some("no mail leaves, though the server can be reached,"),
            "disk" => Some("the database can't be written"),
            "read_only" => Some("the database's file system is read-only"),
            "store" => Some("the daemon can't go on with what is in the database"),
            _ => None,
        };
        let fresh = self.alarms.iter().filter(|a| !a.over && a.seen > self.now - LATE && self.holder.is_some());
        // a server that defers a mail for a while does what servers do
        let usual = |a: &&Alarm| a.topic == "outbox" && self.now - a.since < alarm::lasts("outbox", self.live);
        fresh
            .filter(|a| !usual(a))
            .filter_map(|a| {
                let since = local(a.since, Tz::UTC);
                words(&a.topic).map(|words| format!("{words} since {since}: {}. codevd check tries it", a.what))
            })
            .collect()
    }

    /// What waits too long, though somebody runs.
    fn late(&self) -> Vec<String> {
        let late = |at: Option<DateTime<Utc>>| at.filter(|at| *at < self.now - LATE);
        let mut all = Vec::new();
        if let (Some(at), true) = (late(self.counts.oldest_queued), self.holder.is_some()) {
            all.push(format!("a mail waits since {}: codevd mail queue", local(at, Tz::UTC)));
        }
        if let (Some(at), true) = (late(self.counts.oldest_new), self.holder.is_some()) {
            all.push(format!(
                "something that came in at {} was not looked at: see the daemon's log",
                local(at, Tz::UTC)
            ));
        }
        all
    }

    fn figures(&self, troubles: usize) -> Figures<'_> {
        Figures {
            now: self.now,
            running: self.holder.is_some(),
            held: self.held.is_some(),
            counts: &self.counts,
            next_due: self.groups.iter().filter_map(|g| g.next_due_at).min(),
            troubles,
        }
    }

    fn show(&self, troubles: &[String], terminal: &mut Terminal) -> std::io::Result<()> {
        match &self.holder {
            Some(who) => terminal.line(format_args!("running: {who}"))?,
            None => terminal.line("not running")?,
        }
        if let Some(file) = &self.new {
            terminal.line(format_args!("{}: {NO_GROUP_YET}", file.display()))?;
        }
        self.show_groups(terminal)?;
        terminal.line(format_args!("outbox: {}", numbers(&self.counts.outbox)))?;
        terminal.line(format_args!("inbox: {}", numbers(&self.counts.inbox)))?;
        terminal.line(format_args!("mails that came in: {}", mails(&self.counts.mails)))?;
        if let Some((seen, from)) = self.clock.and_then(|seen| Some((seen, seen.jumped_from(self.now)?))) {
            let (from, until) = (local(from, Tz::UTC), local(seen.steady_from(), Tz::UTC));
            terminal
                .line(format_args!("until {until} only what was old enough at {from} is deleted: the clock went ahead from there, or nothing ran"))?;
        }
        let not_applied: Vec<_> = self.kept.iter().filter(|r| r.state == InboxState::Refused).collect();
        if !not_applied.is_empty() {
            let counts = by_code(&self.kept);
            let counted = if counts.is_empty() { String::new() } else { format!(" ({})", numbers(&counts)) };
            terminal.line(format_args!("kept, not applied{counted}:"))?;
        }
        for row in not_applied {
            let from = row.from.as_deref().unwrap_or("the command line");
            let at = local(row.received_at, self.zone(row.group.as_ref()));
            terminal.line(format_args!("  in:{} {at} from {from}: {}", row.id, reason(row)))?;
        }
        for trouble in troubles {
            let word = level(terminal, Mark::Care);
            terminal.line(format_args!("{word} {trouble}"))?;
        }
        let next = if self.groups.is_empty() { "codevd group apply FILE" } else { "codevd meeting list" };
        terminal.line(format_args!("Next: {next}"))
    }

    /// All of them where they are few, else those that are due first.
    fn show_groups(&self, terminal: &mut Terminal) -> std::io::Result<()> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        if groups.len() > LISTED as usize {
            groups.sort_by_key(|g| (g.next_due_at.is_none(), g.next_due_at));
        }
        for group in groups.iter().take(LISTED as usize) {
            let live = if group.live { "live" } else { "not live" };
            let next = group.next_due_at.map(|t| local(t, self.zone(Some(&group.id))));
            let next = next.map_or_else(|| "nothing due".to_owned(), |t| format!("next due {t}"));
            terminal.line(format_args!("group {}: {live}, {next}", group.id))?;
        }
        match groups.len().saturating_sub(LISTED as usize) {
            0 => Ok(()),
            more => terminal.line(format_args!("and {more} groups more, due later: codevd group list")),
        }
    }

    fn json(&self, troubles: &[String]) -> Value {
        let kept = |row: &InboxRow| {
            json!({"id": row.id, "state": row.state, "kind": row.kind, "received_at": row.received_at,
                "from": row.from, "group": row.group, "member": row.member, "reason": row.reason})
        };
        json!({
            "running": self.holder.is_some(), "held": self.held, "restored": self.restored, "alarms": self.alarms, "holder": self.holder, "groups": self.groups,
            "outbox": self.counts.outbox, "inbox": self.counts.inbox, "mails_in": self.counts.mails, "oldest_queued": self.counts.oldest_queued,
            "oldest_new": self.counts.oldest_new, "in_doubt": self.counts.in_doubt, "refused": self.refused, "kept_by_reason": by_code(&self.kept),
            "kept": self.kept.iter().map(kept).collect::<Vec<_>>(), "needs_a_look": troubles,
        })
    }
}

fn numbers(counts: &BTreeMap<String, u64>) -> String {
    let all: Vec<_> = counts.iter().map(|(state, n)| format!("{n} {}", state.replace('_', " "))).collect();
    if all.is_empty() { "empty".to_owned() } else { all.join(", ") }
}

/// How often each typed refusal stands among these rows: the word in brackets at a reason's end.
fn by_code(rows: &[InboxRow]) -> BTreeMap<String, u64> {
    let code = |row: &InboxRow| {
        let (_, code) = row.reason.as_deref()?.strip_suffix(']')?.rsplit_once(" [")?;
        Some(code.to_owned())
    };
    let mut counts = BTreeMap::new();
    for code in rows.iter().filter_map(code) {
        *counts.entry(code).or_insert(0) += 1;
    }
    counts
}

/// Mails that came in, each in exactly one class.
fn mails(counts: &BTreeMap<String, u64>) -> String {
    let class = |state: &str| match state {
        "new" => "not looked at yet",
        "done" => "applied",
        "asked" => "answered with a question",
        "recorded" => "recorded without effect",
        "quarantined" => "quarantined",
        // words that nobody's answer could be made of: kept for a person to read
        "refused" => "recorded without effect",
        _ => "of a state this program does not know",
    };
    let mut classes: BTreeMap<&str, u64> = BTreeMap::new();
    for (state, n) in counts {
        *classes.entry(class(state)).or_insert(0) += n;
    }
    let all: Vec<_> = classes.iter().map(|(class, n)| format!("{n} {class}")).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

/// The reason of a row, on one line.
pub(super) fn reason(row: &InboxRow) -> String {
    let kind = match row.kind {
        InboxKind::Mail => "",
        InboxKind::Order => "an order: ",
        InboxKind::Outcome => "the fate of a mail: ",
    };
    format!("{kind}{}", row.reason.as_deref().unwrap_or("no reason was noted").replace('\n', "; "))
}

//! `codevd plan`: every mail that will go out if nobody answers: when, to whom, which, and its text. Changes nothing.

use super::args::PlanArgs;
use super::failure::{Done, Failure, Result};
use super::naming::{self, local};
use super::setup::Setup;
use super::terminal::Terminal;
use crate::core::foresight::{as_live, foresee};
use crate::core::{Change, Draft, Group, Kind, Member, MemberId};
use crate::daemon::Composer;
use crate::mail::Key;
use crate::store::NewMail;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Columns of a terminal.
const WIDTH: usize = 80;
/// Where the words of a line begin, behind the hour.
const INDENT: usize = 9;

/// Mails of one kind that leave together.
struct Line {
    at: DateTime<Utc>,
    what: String,
    to: String,
    mails: Vec<Shown>,
}

/// One mail of the plan.
struct Shown {
    draft: Draft,
    member: Member,
    text: Option<NewMail>,
}

/// What lies ahead of one group.
struct Plan {
    group: Group,
    /// It is not live: shown as if it went live now.
    supposed: bool,
    until: DateTime<Utc>,
    lines: Vec<Line>,
}

pub(super) fn plan(setup: &Setup, args: &PlanArgs, terminal: &mut Terminal) -> Result {
    let reader = setup.reader()?;
    let formats = setup.formats()?;
    let groups: Vec<Group> = match &args.group {
        Some(name) => vec![naming::group(&reader, &formats, name)?.group],
        None => {
            let rows = reader.groups()?;
            let loaded =
                rows.iter().map(|row| reader.load(&row.id, &formats)).collect::<std::result::Result<Vec<_>, _>>()?;
            loaded.into_iter().flatten().map(|l| l.group).collect()
        }
    };
    let now = setup.now();
    let only = args.to.as_deref().map(|to| receiver(&groups, to)).transpose()?;
    let plans: Vec<Plan> =
        groups.iter().map(|g| Plan::of(setup, g, (now, now + args.next), args.show)).collect::<Result<_>>()?;
    let plans: Vec<Plan> = plans.into_iter().map(|p| p.to(only.as_ref())).collect();
    if args.json.json {
        let groups: Vec<Value> = plans.iter().map(Plan::json).collect();
        terminal.json("plan", &json!({"assumes": "nobody answers", "groups": groups}))?;
    } else {
        plans.iter().try_for_each(|p| p.show(terminal))?;
        if plans.is_empty() {
            terminal.line("no group yet. Next: codevd group apply FILE")?;
        }
    }
    Ok(Done::Good)
}

/// The short names of those meant by a name or an address.
fn receiver(groups: &[Group], word: &str) -> Result<BTreeSet<MemberId>> {
    let is = |m: &&Member| m.id.as_str() == word || m.name.eq_ignore_ascii_case(word) || m.has_address(word);
    let all = || groups.iter().flat_map(|g| &g.members);
    let found: BTreeSet<MemberId> = all().filter(is).map(|m| m.id.clone()).collect();
    if found.is_empty() {
        let known = all().map(|m| m.id.to_string()).collect::<Vec<_>>().join(", ");
        return Err(Failure::because(format!("nobody called {word:?}; there are: {known}")));
    }
    Ok(found)
}

impl Plan {
    fn of(setup: &Setup, group: &Group, (now, until): (DateTime<Utc>, DateTime<Utc>), show: bool) -> Result<Self> {
        // texts are shown with a key of nobody's: what stands in them opens nothing
        let (renderer, key, sender) = (show.then(|| setup.renderer()).transpose()?, Key::new([0; 32]), setup.sender());
        let composer = renderer.as_ref().map(|renderer| Composer { renderer, key: &key, sender: &sender });
        let mut lines = Vec::new();
        let mut failed = None;
        let live = as_live(group, now);
        foresee(&live, now, until, |at, change| match decided(at, change, composer.as_ref()) {
            Ok(more) => lines.extend(more),
            Err(error) => failed = failed.take().or(Some(error)),
        });
        match failed {
            Some(error) => Err(error),
            None => Ok(Self { supposed: !group.live, group: live, until, lines }),
        }
    }

    /// Of one member alone.
    fn to(mut self, only: Option<&BTreeSet<MemberId>>) -> Self {
        if let Some(only) = only {
            self.lines.iter_mut().for_each(|l| l.mails.retain(|m| only.contains(&m.member.id)));
            self.lines.retain(|l| !l.mails.is_empty());
        }
        self
    }

    fn show(&self, terminal: &mut Terminal) -> std::io::Result<()> {
        let zone = self.group.spec.zone;
        let state = if self.supposed { "not live yet: as if it went live now" } else { "live" };
        terminal.line(format_args!("{} ({state})", self.group.id))?;
        terminal.line(format_args!("until {}", local(self.until, zone)))?;
        terminal.line("nobody is taken to answer: an answer changes what follows. This changes nothing.")?;
        let mut day: Option<NaiveDate> = None;
        for line in &self.lines {
            let there = line.at.with_timezone(&zone);
            if day != Some(there.date_naive()) {
                day = Some(there.date_naive());
                terminal.line(format_args!("\n{}", there.format("%a %-d %b %Y")))?;
            }
            let text = format!("  {}  {}, to {}", there.format("%H:%M"), line.what, line.to);
            wrapped(&text).iter().try_for_each(|l| terminal.line(l))?;
            for mail in &line.mails {
                shown(mail, terminal)?;
            }
        }
        terminal.line(format_args!("\n{}\n", self.total()))
    }

    /// How many, and when most of them leave.
    fn total(&self) -> String {
        let mails: usize = self.lines.iter().map(|l| l.mails.len()).sum();
        let most = busiest(self.lines.iter().map(|l| (l.at, l.mails.len())), chrono::Duration::hours(1));
        match most {
            Some((at, n)) => {
                format!("{mails} mails; at most {n} within an hour, from {}", local(at, self.group.spec.zone))
            }
            None => "no mails".to_owned(),
        }
    }

    fn json(&self) -> Value {
        let zone = self.group.spec.zone;
        let mail = |m: &Shown, at: DateTime<Utc>| {
            let key = &m.draft.key;
            json!({"at": at, "local": at.with_timezone(&zone).to_rfc3339(), "kind": key.kind.name(), "code": key.kind.code(),
                "meeting": key.meeting, "step": key.step, "member": m.member.id, "name": m.member.name,
                "to": m.member.email, "key": key.to_string(), "useful_until": m.draft.useful_until,
                "subject": m.text.as_ref().map(|t| &t.subject), "text": m.text.as_ref().map(|t| &t.plain)})
        };
        let mails = self.lines.iter().flat_map(|l| l.mails.iter().map(move |m| mail(m, l.at)));
        json!({"group": self.group.id, "live": !self.supposed, "zone": zone, "until": self.until,
            "mails": mails.collect::<Vec<_>>()})
    }
}

/// The span of that length in which most leave: when it begins, and how many.
pub(super) fn busiest(
    mails: impl Iterator<Item = (DateTime<Utc>, usize)>,
    length: chrono::Duration,
) -> Option<(DateTime<Utc>, usize)> {
    let mut at: Vec<(DateTime<Utc>, usize)> = mails.filter(|(_, n)| *n > 0).collect();
    at.sort_unstable();
    let within =
        |from: DateTime<Utc>| at.iter().filter(|(t, _)| *t >= from && *t < from + length).map(|(_, n)| n).sum();
    let spans = at.iter().map(|(from, _)| (*from, within(*from)));
    // of equal ones the first
    spans.rev().max_by_key(|(_, n)| *n)
}

/// The mails of one decision, those alike together.
fn decided(at: DateTime<Utc>, change: &Change, composer: Option<&Composer<'_>>) -> Result<Vec<Line>> {
    let group = &change.group;
    let mut kinds: BTreeMap<(Option<u32>, Kind, Option<u32>), Vec<Shown>> = BTreeMap::new();
    for draft in &change.drafts {
        let key = &draft.key;
        let Some(member) = group.member(&key.member).cloned() else { continue };
        let text = composer.map(|c| c.compose(group, draft)).transpose()?;
        let place = (key.meeting.map(|m| m.0), key.kind, key.step);
        kinds.entry(place).or_default().push(Shown { draft: draft.clone(), member, text });
    }
    let line = |mails: Vec<Shown>| Line { at, what: what(group, &mails[0].draft), to: names(group, &mails), mails };
    Ok(kinds.into_values().map(line).collect())
}

/// Which mail, about what.
fn what(group: &Group, draft: &Draft) -> String {
    let kind = draft.key.kind;
    let meeting = draft.key.meeting.and_then(|n| group.meeting(n));
    let step = meeting.zip(draft.key.step).and_then(|(m, n)| group.sheet(m).get(n as usize).map(|s| s.key));
    let step = step.map(|s| format!(" {s}")).unwrap_or_default();
    let hour = meeting.filter(|_| kind == Kind::Invitation).map(|m| m.wall.format(" on %a %-d %b %H:%M").to_string());
    let of = meeting.map(|m| format!(" of meeting {}{}", m.number, hour.unwrap_or_default())).unwrap_or_default();
    format!("{}{step} ({}){of}", kind.name(), kind.code()).replace('_', " ")
}

fn names(group: &Group, mails: &[Shown]) -> String {
    let all = group.members.iter().filter(|m| m.gets_mail()).count();
    if mails.len() == all && all > 2 {
        return format!("all {all}");
    }
    mails.iter().map(|m| m.member.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Lines of at most 80 columns, all but the first behind the hour's column.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.trim_start().split(' ') {
        let last = lines.len() - 1;
        let room = WIDTH - if last == 0 { 2 } else { INDENT };
        if lines[last].chars().count() + 1 + word.chars().count() > room && !lines[last].is_empty() {
            lines.push(word.to_owned());
        } else {
            let line = &mut lines[last];
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    let indent = |(n, line): (usize, String)| format!("{}{line}", " ".repeat(if n == 0 { 2 } else { INDENT }));
    lines.into_iter().enumerate().map(indent).collect()
}

fn shown(mail: &Shown, terminal: &mut Terminal) -> std::io::Result<()> {
    let Some(text) = &mail.text else { return Ok(()) };
    terminal.line(format_args!("    | To: {} <{}>", mail.member.name, mail.member.email))?;
    terminal.line(format_args!("    | Subject: {}\n    |", text.subject))?;
    text.plain.lines().try_for_each(|l| terminal.line(format!("    | {l}").trim_end()))?;
    terminal.line("")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn lines_fit_a_terminal_and_the_busiest_hour_is_found() {
        let names = "Marie Dupont, Ana Lopes, Bo Nilsson, Chloé Martin, David Roux, Éric Petit";
        let lines = wrapped(&format!("  09:00  invitation (M03) of meeting 1, to {names}"));
        assert!(lines.len() == 2 && lines.iter().all(|l| l.chars().count() <= WIDTH), "{lines:?}");
        assert!(lines[0].starts_with("  09:00  invitation") && lines[1].starts_with("         "), "{lines:?}");
        let at = |minutes| DateTime::<Utc>::UNIX_EPOCH + chrono::Duration::minutes(minutes);
        let mails = [(at(0), 3), (at(59), 4), (at(60), 5), (at(500), 9)];
        assert_eq!(busiest(mails.into_iter(), chrono::Duration::hours(1)), Some((at(59), 9)));
        assert_eq!(busiest([].into_iter(), chrono::Duration::hours(1)), None);
    }
}

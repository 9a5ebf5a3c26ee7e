//! `codevd crowd`: fills an empty database with many groups that wait for their time, to measure a start among them.

use super::args::CrowdArgs;
use super::failure::{Done, Failure, Result};
use super::setup::Setup;
use super::terminal::Terminal;
use crate::config::{self, Defaults};
use crate::core::decide::{decide, found};
use crate::core::foresight::next_look;
use crate::core::{Change, Event, Formats, Group, GroupSpec, Moment};
use crate::daemon::edge;
use crate::daemon::lock::Lock;
use crate::store::{Commit, GroupCommit, NewMail, Settled, Store};
use chrono::{DateTime, Duration, Utc};

/// The group that all of them are like.
const GROUP: &str = include_str!("../../config/group.example.toml");
/// Groups a transaction.
const TOGETHER: u32 = 500;

/// A group that has planned its meetings and mailed what was due.
struct Waiting {
    group: Group,
    mails: Vec<NewMail>,
}

pub(super) fn crowd(setup: &Setup, args: &CrowdArgs, terminal: &mut Terminal) -> Result {
    let _lock = Lock::take(&setup.config.database, "crowd")?;
    let (mut store, now, formats) = (setup.store()?, setup.now(), setup.formats()?);
    if store.wrote()? || !store.groups()?.is_empty() {
        let file = setup.config.database.display();
        return Err(Failure::because(format!("{file} holds something already; name a database that is not there yet")));
    }
    // mails of another key would belong to nobody
    edge::read_or_make_key(&edge::key_file(&setup.config.database), false)?;
    let (spec, _) =
        config::group_from("group.example.toml", GROUP, &formats, &Defaults::default()).map_err(Failure::Files)?;
    let mut left = args.sent as usize;
    for first in (0..args.groups).step_by(TOGETHER as usize) {
        let numbers = first..args.groups.min(first + TOGETHER);
        let mut waiting = numbers.map(|n| one(&spec, n, &formats, now)).collect::<Result<Vec<_>>>()?;
        for one in &mut waiting {
            one.mails.truncate(left);
            left -= one.mails.len();
        }
        let commits = waiting.iter().map(|w| commit(w, now)).collect();
        store.commit_all(commits)?.into_iter().collect::<std::result::Result<Vec<_>, _>>()?;
        send(&mut store, now)?;
    }
    terminal.line(format_args!("{} groups, {} mails sent", args.groups, args.sent as usize - left))?;
    Ok(Done::Good)
}

fn one(spec: &GroupSpec, number: u32, formats: &Formats, now: DateTime<Utc>) -> Result<Waiting> {
    let mut spec = spec.clone();
    spec.id = format!("g{number}").parse()?;
    for (at, member) in spec.members.iter_mut().enumerate() {
        member.email = format!("m{at}.g{number}@example.org").parse()?;
    }
    let moment = Moment { now, fresh: format!("{number:026}") };
    let refused = |refusal: crate::core::Refusal| Failure::because(refusal.to_string());
    let founded = found(&spec, true, formats, &moment).map_err(refused)?;
    let Change { group, drafts, .. } = decide(&founded.group, &Event::Due, &moment).map_err(refused)?;
    let mails = founded.drafts.into_iter().chain(drafts).filter_map(|draft| {
        let id = draft.key.to_string();
        let envelope_to = group.member(&draft.key.member)?.email.clone();
        let (message_id, subject) = (format!("{id}@example.org"), id.clone());
        Some(NewMail {
            draft,
            draft_id: id,
            message_id,
            subject,
            envelope_to,
            bytes: vec![b'.'; 4096],
            plain: String::new(),
        })
    });
    Ok(Waiting { mails: mails.collect(), group })
}

fn commit(waiting: &Waiting, now: DateTime<Utc>) -> Commit<'_> {
    let next_due = next_look(&waiting.group, now + Duration::seconds(1));
    let group = GroupCommit { before: None, version: None, after: &waiting.group, next_due };
    Commit { group: Some(group), mails: waiting.mails.clone(), journal: Vec::new(), at: now, inbox: None }
}

/// As if it had left.
fn send(store: &mut Store, now: DateTime<Utc>) -> Result<()> {
    loop {
        let claimed = store.claim(now, 1_000, |_| Duration::hours(1))?;
        if claimed.is_empty() {
            return Ok(());
        }
        for mail in claimed {
            store.settle(mail.id, &Settled::Sent { reply: "250 ok".to_owned() }, now)?;
        }
    }
}

//! `codevd group export GROUP`: the group as it runs now, as a group file.

use super::failure::{Done, Failure, Result};
use super::naming;
use super::setup::Setup;
use super::terminal::Terminal;
use crate::config;
use crate::core::spec::MemberSpec;
use crate::core::{Group, GroupSpec, Member};
use std::io::Write;
use std::path::Path;

pub(super) fn export(setup: &Setup, name: &str, file: Option<&Path>, terminal: &mut Terminal) -> Result {
    let group = naming::group(&setup.reader()?, &setup.formats()?, name)?.group;
    let text = config::group_file(&as_it_runs(&group), setup.config.host.as_deref());
    let Some(file) = file else {
        terminal.bytes(text.as_bytes())?;
        return Ok(Done::Good);
    };
    let written = std::fs::File::create_new(file).and_then(|mut to| to.write_all(text.as_bytes()));
    written.map_err(|why| {
        let shown = file.display();
        Failure::because(match why.kind() {
            std::io::ErrorKind::AlreadyExists => {
                format!("{shown} is there already; an export overwrites nothing. Name another file")
            }
            _ => format!("{shown} can't be written: {why}"),
        })
    })?;
    terminal.line(format_args!("written: {0}. Next: change it, then codevd group apply {0}", file.display()))?;
    Ok(Done::Good)
}

/// What was applied last, with what members and facilitators changed since.
fn as_it_runs(group: &Group) -> GroupSpec {
    let chief = |m: &Member| group.spec.members.iter().find(|s| s.id == m.id).and_then(|s| s.reports_to.clone());
    let member = |m: &Member| MemberSpec {
        id: m.id.clone(),
        name: m.name.clone(),
        email: m.email.clone(),
        aliases: m.aliases.clone(),
        delegates: m.delegates.clone(),
        language: m.language.clone(),
        zone: m.zone,
        reports_to: chief(m),
    };
    let active = || group.members.iter().filter(|m| m.is_active());
    let mut leads: Vec<_> = active().filter_map(|m| Some((m.facilitates?, m.id.clone()))).collect();
    leads.sort();
    let facilitators = leads.into_iter().map(|(_, id)| id).collect();
    GroupSpec { members: active().map(member).collect(), facilitators, ..group.spec.clone() }
}

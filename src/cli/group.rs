//! `codevd group list` and `codevd group show`.

use super::failure::{Done, Result};
use super::naming::{self, local};
use super::setup::Setup;
use super::terminal::Terminal;
use crate::core::{Group, Member, Stage, agenda};
use serde_json::{Value, json};

pub(super) fn list(setup: &Setup, as_json: bool, terminal: &mut Terminal) -> Result {
    let rows = match setup.reader_if_any()? {
        Some(reader) => {
            let zones = naming::zones(&reader)?;
            reader.groups()?.into_iter().map(|g| (zones.get(&g.id).copied().unwrap_or_default(), g)).collect()
        }
        None => Vec::new(),
    };
    if as_json {
        let groups: Vec<_> = rows.iter().map(|(_, row)| row).collect();
        terminal.json("group list", &json!({ "groups": groups }))?;
        return Ok(Done::Good);
    }
    if rows.is_empty() {
        terminal.line("no group yet. Next: codevd group apply FILE (config/group.example.toml is an example)")?;
        return Ok(Done::Good);
    }
    let line = |(zone, g): &(chrono_tz::Tz, crate::store::GroupRow)| {
        let state = match (&g.error, g.live) {
            (Some(_), _) => "set aside",
            (None, true) => "live",
            (None, false) => "not live",
        };
        let next = g.next_due_at.map_or_else(|| "nothing due".to_owned(), |t| format!("next {}", local(t, *zone)));
        vec![g.id.to_string(), state.to_owned(), next, g.name.clone()]
    };
    terminal.table(&rows.iter().map(line).collect::<Vec<_>>())?;
    Ok(Done::Good)
}

pub(super) fn show(setup: &Setup, name: &str, as_json: bool, terminal: &mut Terminal) -> Result {
    let group = naming::group(&setup.reader()?, &setup.formats()?, name)?.group;
    if as_json {
        terminal.json("group show", &as_data(&group))?;
        return Ok(Done::Good);
    }
    let spec = &group.spec;
    let live = match group.live {
        true => "live".to_owned(),
        false => format!("not live: its facilitator alone gets previews (codevd group go-live {})", group.id),
    };
    terminal.line(format_args!("{} ({}), {live}", spec.name, group.id))?;
    terminal.line(format_args!("format {}, hours in {}, language {}", spec.format, spec.zone, spec.language))?;
    if let Some(place) = &spec.place {
        terminal.line(format_args!("place {place}"))?;
    }
    terminal.line("")?;
    let members: Vec<_> = group.members.iter().filter(|m| m.is_active()).map(|m| member_line(&group, m)).collect();
    terminal.table(&members)?;
    let ahead = group.meetings.iter().filter(|m| m.stage != Stage::Cancelled);
    let meetings: Vec<_> = ahead.map(|m| super::meeting::line(&group, m)).collect();
    if !meetings.is_empty() {
        terminal.line("")?;
        terminal.table(&meetings)?;
    }
    if let Some(next) = agenda::next_due(&group) {
        terminal.line(format_args!("\nnext due {}. Next: codevd meeting list {}", local(next, spec.zone), group.id))?;
    }
    Ok(Done::Good)
}

fn member_line(group: &Group, member: &Member) -> Vec<String> {
    let part = match (member.facilitates, member.circle) {
        (Some(_), true) => "facilitates, in the circle",
        (Some(_), false) => "facilitates",
        (None, true) => "circle",
        (None, false) => "",
    };
    let mut part = part.to_owned();
    if member.paused.is_some() {
        part.push_str(", asked for no more mail");
    }
    if member.unreachable.is_some() {
        part.push_str(", mail does not arrive");
    } else if member.reach.to_check() {
        part.push_str(", address to check");
    }
    if let Some(away) = member.reach.away {
        part.push_str(&absence(away));
    }
    if member.zone != group.spec.zone {
        part.push_str(&format!(", {}", member.zone));
    }
    vec![member.id.to_string(), member.name.clone(), member.email.to_string(), member.language.to_string(), part]
}

/// What an automatic reply said.
pub(super) fn absence(away: crate::core::reach::Away) -> String {
    match away.until {
        Some(day) => format!(", automatic reply: away until {day} (not confirmed)"),
        None => ", automatic reply (not confirmed)".to_owned(),
    }
}

/// People and settings; of meetings what everybody may know.
fn as_data(group: &Group) -> Value {
    let meetings: Vec<_> = group.meetings.iter().map(|m| super::meeting::as_data(group, m)).collect();
    json!({
        "id": group.id, "name": group.spec.name, "live": group.live, "zone": group.spec.zone,
        "language": group.spec.language, "format": group.spec.format, "place": group.spec.place,
        "schedule": group.spec.schedule, "settings": group.spec.settings, "members": group.members,
        "next_due_at": agenda::next_due(group), "meetings": meetings,
    })
}

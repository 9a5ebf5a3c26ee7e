//! Groups, meetings and members by the names people give them.

use super::failure::{Failure, Result};
use crate::core::{Formats, GroupId, MeetingNo, MemberId};
use crate::store::{Loaded, Reader};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// The group of that short name.
///
/// # Errors
/// There is none; those there are, and the nearest of them.
pub(super) fn group(reader: &Reader, formats: &Formats, name: &str) -> Result<Loaded> {
    let found = name.parse::<GroupId>().ok().map(|id| reader.load(&id, formats)).transpose()?.flatten();
    if let Some(loaded) = found {
        return Ok(loaded);
    }
    let known: Vec<String> = reader.groups()?.iter().map(|g| g.id.to_string()).collect();
    Err(Failure::because(match nearest(name, &known) {
        Some(near) => format!("no group called {name:?}; did you mean {near}?"),
        None if known.is_empty() => format!("no group called {name:?}: there is none yet (`codevd group apply FILE`)"),
        None => format!("no group called {name:?}; there are: {}", known.join(", ")),
    }))
}

/// The word of `known` that is most like the one found, if any is.
pub(super) fn nearest<'a>(found: &str, known: &'a [String]) -> Option<&'a str> {
    let best = known.iter().map(|k| (strsim::jaro_winkler(found, k), k)).max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(likeness, _)| *likeness > 0.8).map(|(_, word)| word.as_str())
}

/// A meeting: `3` where one group has it, else `lyon/3`.
///
/// # Errors
/// No such meeting, or several.
pub(super) fn meeting(reader: &Reader, name: &str) -> Result<(GroupId, MeetingNo)> {
    let (group, number) = match name.rsplit_once('/') {
        Some((group, number)) => (Some(group), number),
        None => (None, name),
    };
    let Ok(number) = number.parse::<u32>() else {
        return Err(Failure::Usage(format!("{name:?} is no meeting: expected 3, or lyon/3")));
    };
    let all = reader.meetings(None)?;
    let fits = |g: &GroupId| group.is_none_or(|wanted| wanted == g.as_str());
    let found: Vec<_> = all.iter().filter(|m| m.number.0 == number && fits(&m.group)).collect();
    match found[..] {
        [one] => Ok((one.group.clone(), one.number)),
        [] => {
            let known = all.iter().filter(|m| fits(&m.group)).map(|m| format!("{}/{}", m.group, m.number));
            let known = known.collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() { "none yet".to_owned() } else { known };
            Err(Failure::because(format!("no meeting {name}; there are: {known}")))
        }
        _ => {
            let which = found.iter().map(|m| format!("{}/{}", m.group, m.number)).collect::<Vec<_>>().join(" or ");
            Err(Failure::because(format!("several groups have a meeting {number}: {which}?")))
        }
    }
}

/// A member: `lyon/ana`, or an address.
///
/// # Errors
/// The store's own.
pub(super) fn members(reader: &Reader, name: &str) -> Result<Vec<(GroupId, MemberId)>> {
    if name.contains('@') {
        return Ok(reader.members_by_address(name)?);
    }
    let parts = name.split_once('/').and_then(|(g, m)| Some((g.parse().ok()?, m.parse().ok()?)));
    Ok(parts.into_iter().collect())
}

/// The zone of each group.
///
/// # Errors
/// The store's own.
pub(super) fn zones(reader: &Reader) -> Result<BTreeMap<GroupId, Tz>> {
    Ok(reader.zones()?)
}

/// `2026-12-08 18:00 Europe/Paris`.
pub(super) fn local(at: DateTime<Utc>, zone: Tz) -> String {
    format!("{} {zone}", at.with_timezone(&zone).format("%Y-%m-%d %H:%M"))
}

//! Group files that change in mid-year: who joins, leaves, comes back, moves to another address, leads.

use super::clock::Chance;
use super::faults::{draw, pick};
use super::plan::{self, Cast};
use crate::core::{Formats, GroupSpec, MemberId};
use serde::{Deserialize, Serialize};

/// What a group file that is applied anew says differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Edit {
    /// The person of this place joins, or is back under their first address.
    Joins {
        /// The place.
        member: usize,
    },
    /// They leave.
    Leaves {
        /// The place.
        member: usize,
    },
    /// They have another address.
    Address {
        /// The place.
        member: usize,
        /// A number that no address had before.
        number: u32,
    },
    /// They lead from now on.
    Leads {
        /// The place.
        member: usize,
    },
    /// Who leads is in the circle from now on, or no longer.
    Circle,
    /// Another link.
    Place {
        /// Its number.
        number: u32,
    },
    /// The hours are those of another zone.
    Zone {
        /// Which.
        number: usize,
    },
    /// Other days.
    Schedule {
        /// Which.
        number: usize,
    },
    /// Who leads has an event of their own, or no longer.
    Alarms,
}

impl Edit {
    /// Draws one.
    pub fn drawn(chance: &mut Chance) -> Self {
        let member = pick(chance, plan::NAMES.len());
        let number = u32::try_from(draw(chance, 10_000)).unwrap_or(0);
        match draw(chance, 16) {
            0..=3 => Self::Joins { member },
            4..=6 => Self::Leaves { member },
            7..=9 => Self::Address { member, number },
            10 | 11 => Self::Leads { member },
            12 => Self::Circle,
            13 => Self::Place { number },
            14 if draw(chance, 2) == 0 => Self::Zone { number: number as usize },
            14 => Self::Schedule { number: number as usize },
            _ => Self::Alarms,
        }
    }

    /// The file with this change; nothing where it changes nothing, or the file would be refused.
    pub fn applied(&self, cast: &Cast, formats: &Formats) -> Option<GroupSpec> {
        let mut spec = cast.spec.clone();
        let at = |member: &usize| {
            let id = plan::member_id(*member)?;
            cast.spec.members.iter().position(|m| m.id == id)
        };
        match self {
            Self::Joins { member } => {
                let known = cast.first.iter().find(|m| Some(&m.id) == plan::member_id(*member).as_ref());
                let new = || plan::stranger(*member, &cast.spec);
                spec.members.push(known.cloned().or_else(new).filter(|_| at(member).is_none())?);
            }
            Self::Leaves { member } => {
                let gone: MemberId = spec.members.remove(at(member)?).id;
                spec.facilitators.retain(|f| *f != gone);
            }
            Self::Address { member, number } => {
                let member = &mut spec.members[at(member)?];
                member.email = format!("{}@new{number}.example", member.id).parse().ok()?;
            }
            Self::Leads { member } => spec.facilitators = vec![spec.members[at(member)?].id.clone()],
            Self::Circle => spec.facilitators_in_circle = !spec.facilitators_in_circle,
            Self::Place { number } => spec.place = Some(format!("https://meet.example.org/{number}")),
            Self::Zone { number } => spec.zone = plan::ZONES[number % plan::ZONES.len()],
            Self::Schedule { number } => {
                spec.schedule = plan::SCHEDULES[number % plan::SCHEDULES.len()].parse().ok()?
            }
            Self::Alarms => spec.settings.facilitator_alarms = !spec.settings.facilitator_alarms,
        }
        (spec != cast.spec && spec.problems(formats).is_empty()).then_some(spec)
    }
}

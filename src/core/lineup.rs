//! Who plays which part in a meeting, in which order people speak, and what comes after it.

use crate::core::draft::Role;
use crate::core::format::{Format, Speaker, Turns};
use crate::core::group::{Group, Member};
use crate::core::ids::MemberId;
use crate::core::meeting::{Attending, Meeting, Stage};
use crate::core::run::{RunStep, Sheet, sheet};
use crate::core::schedule::instant;
use chrono::{DateTime, Duration, NaiveDateTime, Utc};

/// The meeting after another one: planned already, or as it will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upcoming {
    /// Its hour in the group's zone.
    pub wall: NaiveDateTime,
    /// The instant of that hour.
    pub start: DateTime<Utc>,
    /// Whose turn it will be.
    pub requester: Option<MemberId>,
}

impl Group {
    /// The format of a meeting; its own, or the group's where that one is gone.
    pub fn format_of(&self, meeting: &Meeting) -> Option<&Format> {
        self.formats.get(&meeting.format).or_else(|| self.formats.get(&self.spec.format))
    }

    /// When a meeting begins: its wall time mapped to the group's zone.
    pub fn starts(&self, meeting: &Meeting) -> DateTime<Utc> {
        instant(meeting.wall, self.spec.zone)
    }

    /// When it ends: as held, as the live clock says, or as its format says.
    pub fn ends(&self, meeting: &Meeting) -> DateTime<Utc> {
        if let Some(end) = meeting.ended {
            return end;
        }
        if let Some(last) = meeting.run.as_ref().and_then(|r| r.steps.last()) {
            return last.end;
        }
        self.starts(meeting) + self.format_of(meeting).map_or(Duration::minutes(90), Format::length)
    }

    /// The run sheet: as it runs or ran, else as it is planned.
    pub fn sheet(&self, meeting: &Meeting) -> Sheet {
        match (&meeting.run, self.format_of(meeting)) {
            (Some(run), _) => run.steps.clone(),
            (None, Some(format)) => sheet(format, self.starts(meeting), self.previous(meeting).is_some()),
            (None, None) => Sheet::new(),
        }
    }

    /// The last meeting held before this one.
    pub fn previous(&self, meeting: &Meeting) -> Option<&Meeting> {
        let held = |m: &&Meeting| matches!(m.stage, Stage::Collecting | Stage::Digested) && m.wall < meeting.wall;
        self.meetings.iter().filter(held).max_by_key(|m| m.wall)
    }

    /// The part a member plays in a meeting. A facilitator whose turn it is as requester is the requester.
    pub fn role_in(&self, meeting: &Meeting, member: &MemberId) -> Role {
        if meeting.requester == *member {
            Role::Requester
        } else if meeting.facilitator == *member {
            Role::Facilitator
        } else {
            Role::Cooperant
        }
    }

    /// People of the circle who have not declined, in the file's order.
    pub fn expected(&self, meeting: &Meeting) -> Vec<&Member> {
        self.circle().filter(|m| meeting.attending(&m.id) != Some(Attending::No)).collect()
    }

    /// The cooperants in the order they speak: it begins with another one each month, and a
    /// facilitator of the circle speaks last (method note §2.3).
    pub fn order(&self, meeting: &Meeting) -> Vec<&Member> {
        let cooperants = self.expected(meeting).into_iter().filter(|m| m.id != meeting.requester);
        let (mut leads, mut all): (Vec<_>, Vec<_>) = cooperants.partition(|m| m.id == meeting.facilitator);
        if !all.is_empty() {
            let first = meeting.number.0 as usize % all.len();
            all.rotate_left(first);
        }
        all.append(&mut leads);
        all
    }

    /// Who speaks in a step, in order.
    pub fn speakers(&self, meeting: &Meeting, step: &RunStep) -> Vec<&Member> {
        let requester = || self.member(&meeting.requester).into_iter();
        match step.speaker {
            Speaker::Requester => requester().collect(),
            Speaker::Cooperants => self.order(meeting),
            Speaker::All => self.order(meeting).into_iter().chain(requester()).collect(),
            Speaker::PreviousRequester => {
                self.previous(meeting).and_then(|m| self.member(&m.requester)).into_iter().collect()
            }
            Speaker::Facilitator => self.member(&meeting.facilitator).into_iter().collect(),
            Speaker::Nobody => Vec::new(),
        }
    }

    /// Seconds a turn in a step, where people take turns.
    pub fn turn_seconds(&self, meeting: &Meeting, step: &RunStep) -> Option<u32> {
        let many = matches!(step.speaker, Speaker::Cooperants | Speaker::All) && step.order == Turns::Turn;
        let speakers = i64::try_from(self.speakers(meeting, step).len()).ok()?;
        (many && speakers > 0).then(|| u32::try_from((step.end - step.start).num_seconds() / speakers).unwrap_or(0))
    }

    /// The meeting after this one: the planned one, or the schedule's next with whose turn it will be.
    pub fn upcoming(&self, meeting: &Meeting) -> Option<Upcoming> {
        let planned = self.meetings.iter().filter(|m| m.stage == Stage::Planned && m.wall > meeting.wall);
        if let Some(next) = planned.min_by_key(|m| m.wall) {
            return Some(Upcoming {
                wall: next.wall,
                start: self.starts(next),
                requester: Some(next.requester.clone()),
            });
        }
        let wall = self.next_slot()?;
        Some(Upcoming { wall, start: instant(wall, self.spec.zone), requester: self.whose_turn().first().cloned() })
    }
}

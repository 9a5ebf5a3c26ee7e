//! What the daemon will do if nobody answers any more: a copy of the group played forward by the core itself.

use crate::core::foresight::foresee;
use crate::core::{Change, Group, Kind, MeetingNo, MemberId, Stage, StepKey};
use chrono::{DateTime, Utc};

/// Something to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub what: What,
}

/// What is to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A mail, to these.
    Mail {
        /// Which.
        kind: Kind,
        /// To whom.
        to: Vec<MemberId>,
    },
    /// A session begins, with these steps.
    Session {
        /// Each step and when it begins.
        steps: Vec<(StepKey, DateTime<Utc>)>,
    },
    /// A step of the session that is being held.
    Step(StepKey),
}

impl What {
    /// Whether it comes to this person.
    pub fn is_for(&self, who: &MemberId) -> bool {
        match self {
            Self::Mail { to, .. } => to.contains(who),
            Self::Session { .. } | Self::Step(_) => true,
        }
    }
}

/// All that comes from `now` up to `until`, in time order.
pub fn ahead(group: &Group, now: DateTime<Utc>, until: DateTime<Utc>) -> Vec<Ahead> {
    let running: Vec<_> = group.meetings.iter().filter(|m| m.stage == Stage::Running).map(|m| m.number).collect();
    let mut all = Vec::new();
    foresee(group, now, until, |at, change| told(change, at, &running, &mut all));
    all
}

/// What one decision sends, mails of a kind together.
fn told(change: &Change, at: DateTime<Utc>, running: &[MeetingNo], all: &mut Vec<Ahead>) {
    let begins = all.len();
    for draft in &change.drafts {
        let meeting = draft.key.meeting;
        let run = meeting.and_then(|m| change.group.meeting(m)?.run.as_ref());
        let what = match (draft.key.kind, draft.key.step, run) {
            (Kind::StepPrompt, Some(step), Some(run)) if meeting.is_some_and(|m| running.contains(&m)) => {
                run.steps.get(step as usize).map(|s| What::Step(s.key))
            }
            (Kind::StepPrompt, Some(0), Some(run)) => {
                Some(What::Session { steps: run.steps.iter().map(|s| (s.key, s.start)).collect() })
            }
            (Kind::StepPrompt, ..) => None,
            (kind, ..) => Some(What::Mail { kind, to: vec![draft.key.member.clone()] }),
        };
        let Some(what) = what else { continue };
        let same = all[begins..].iter_mut().find(|a| match (&a.what, &what) {
            (What::Mail { kind: a, .. }, What::Mail { kind: b, .. }) => a == b,
            (a, b) => a == b,
        });
        match same.map(|a| &mut a.what) {
            Some(What::Mail { to, .. }) => to.push(draft.key.member.clone()),
            Some(_) => {}
            None => all.push(Ahead { at, what }),
        }
    }
}

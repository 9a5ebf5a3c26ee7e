//! Session formats as data: which steps, how long, who speaks, what is collected (method note §2.2, §5).

use crate::core::ids::FormatName;
use chrono::Duration;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A format's name, that of its file.
pub type FormatId = FormatName;
/// All formats known, shared and never changed.
pub type Formats = Arc<BTreeMap<FormatId, Format>>;

/// The steps of a session by the method's own words. Six of them carry a number for members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKey {
    /// Weather round, charter in one line.
    Opening,
    /// The previous requester tells what became of the plan.
    FollowUp,
    /// The subject is confirmed.
    Choice,
    /// 1: the requester presents the situation.
    Presentation,
    /// 2: factual questions.
    Clarification,
    /// 2: what one feels or pictures, listening.
    Feelings,
    /// 3: "Aidez-moi à …".
    Request,
    /// A pause.
    Break,
    /// 4: experiences, ideas, hypotheses; the requester is silent.
    Contributions,
    /// 5: the requester decides what to keep and do.
    ActionPlan,
    /// 6: what each takes for their own practice.
    Learnings,
    /// One word, next date.
    Closing,
}

impl StepKey {
    /// All of them in the order of a session.
    pub const ALL: [Self; 12] = [
        Self::Opening,
        Self::FollowUp,
        Self::Choice,
        Self::Presentation,
        Self::Clarification,
        Self::Feelings,
        Self::Request,
        Self::Break,
        Self::Contributions,
        Self::ActionPlan,
        Self::Learnings,
        Self::Closing,
    ];

    /// The word used in format files, template names and the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::FollowUp => "follow_up",
            Self::Choice => "choice",
            Self::Presentation => "presentation",
            Self::Clarification => "clarification",
            Self::Feelings => "feelings",
            Self::Request => "request",
            Self::Break => "break",
            Self::Contributions => "contributions",
            Self::ActionPlan => "action_plan",
            Self::Learnings => "learnings",
            Self::Closing => "closing",
        }
    }

    /// The step of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.name() == name)
    }

    /// The number members see, of six; clarification and feelings are both 2.
    pub fn number(self) -> Option<u8> {
        match self {
            Self::Presentation => Some(1),
            Self::Clarification | Self::Feelings => Some(2),
            Self::Request => Some(3),
            Self::Contributions => Some(4),
            Self::ActionPlan => Some(5),
            Self::Learnings => Some(6),
            _ => None,
        }
    }
}

impl fmt::Display for StepKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who speaks in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The requester alone.
    Requester,
    /// The cooperants, each in turn.
    Cooperants,
    /// Everybody in the circle, each in turn, the requester last.
    All,
    /// The requester of the last session.
    PreviousRequester,
    /// The facilitator.
    Facilitator,
    /// Nobody: a break.
    Nobody,
}

/// How turns go in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turns {
    /// One after the other, in the printed order.
    Turn,
    /// Whoever wishes.
    Free,
}

/// What is kept of what people write back to a step's prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collects {
    /// Nothing in particular: kept as a note.
    None,
    /// The requester's "Aidez-moi à …".
    Request,
    /// A cooperant's contribution.
    Contribution,
    /// The requester's actions.
    Action,
    /// A learning.
    Learning,
}

/// One step of a format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormatStep {
    /// Which step of the method.
    pub key: StepKey,
    /// How long it takes, in seconds.
    pub seconds: u32,
    /// Who speaks.
    pub speaker: Speaker,
    /// How turns go.
    pub order: Turns,
    /// What replies to its prompt are.
    pub collects: Collects,
}

/// A session format, read from `config/formats/NAME.toml` and checked there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    /// Its short name.
    pub id: FormatId,
    /// Its name for people, by language.
    pub title: BTreeMap<String, String>,
    /// When it should not be used, by language ("urgent, simple subject only").
    pub caution: BTreeMap<String, String>,
    /// How many people it is made for: least, best, most.
    pub people: (u32, u32, u32),
    /// The steps in order; their seconds sum to the session's length.
    pub steps: Vec<FormatStep>,
}

/// A speaking turn that is too short for the group's size (method note §2.3).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "format \"{format}\" gives {found} s a turn in {step} with {people} people; under {floor} s it is too short: take a longer format"
)]
pub struct TooShort {
    /// The format.
    pub format: FormatId,
    /// The step.
    pub step: StepKey,
    /// People in the circle, the requester included.
    pub people: u32,
    /// Seconds each would get.
    pub found: u32,
    /// The least that makes sense.
    pub floor: u32,
}

impl Format {
    /// How long a session lasts.
    pub fn length(&self) -> Duration {
        Duration::seconds(self.steps.iter().map(|s| i64::from(s.seconds)).sum())
    }

    /// Seconds each speaker gets in a step, for `circle` people, the requester included; `None`
    /// where people do not take turns.
    pub fn turn_seconds(step: &FormatStep, circle: u32) -> Option<u32> {
        let speakers = match step.speaker {
            Speaker::Cooperants => circle.saturating_sub(1),
            Speaker::All => circle,
            Speaker::Requester | Speaker::PreviousRequester | Speaker::Facilitator | Speaker::Nobody => return None,
        };
        (step.order == Turns::Turn && speakers > 0).then(|| step.seconds / speakers)
    }

    /// Turns under the floors of the method note §2.3: two minutes of contribution, twenty seconds
    /// of feelings. Formats counted in seconds (rehearsals) are left alone.
    pub fn too_short_for(&self, circle: u32) -> Vec<TooShort> {
        if self.length() < Duration::minutes(20) {
            return Vec::new();
        }
        let floor = |key| match key {
            StepKey::Contributions => 120,
            StepKey::Feelings => 20,
            _ => 0,
        };
        let short = |step: &FormatStep| {
            let (found, floor) = (Self::turn_seconds(step, circle)?, floor(step.key));
            (found < floor).then(|| TooShort { format: self.id.clone(), step: step.key, people: circle, found, floor })
        };
        self.steps.iter().filter_map(short).collect()
    }
}

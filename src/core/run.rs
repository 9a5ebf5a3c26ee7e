//! The clock of a session: the timed sheet that is sent before, and the live run that follows it.

use crate::core::format::{Collects, Format, Speaker, StepKey, Turns};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

/// One step with its times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStep {
    /// Which step.
    pub key: StepKey,
    /// Who speaks.
    pub speaker: Speaker,
    /// How turns go.
    pub order: Turns,
    /// What replies are kept as.
    pub collects: Collects,
    /// When it begins.
    pub start: DateTime<Utc>,
    /// When it ends, which is when the next begins.
    pub end: DateTime<Utc>,
    /// Passed over: ended before it began, or missed while nothing ran.
    pub skipped: bool,
}

impl RunStep {
    /// Whether a prompt in the middle of the step is still worth it: two minutes of it remain, or half
    /// (`decisions.md` 11).
    pub fn leaves_enough(&self, now: DateTime<Utc>) -> bool {
        self.end - now >= Duration::minutes(2).min((self.end - self.start) / 2)
    }
}

/// The timed run sheet of a session, in the order of its steps.
pub type Sheet = Vec<RunStep>;

/// Lays a format out from `start`. Without a previous requester the follow-up is left out and its
/// time goes to the opening: a group that meets for the first time has more to say there.
pub fn sheet(format: &Format, start: DateTime<Utc>, has_previous: bool) -> Sheet {
    let followed = has_previous || !format.steps.iter().any(|s| s.key == StepKey::Opening);
    let spare: u32 = format.steps.iter().filter(|s| s.key == StepKey::FollowUp).map(|s| s.seconds).sum();
    let mut at = start;
    let mut steps = Vec::new();
    for step in &format.steps {
        if step.key == StepKey::FollowUp && !followed {
            continue;
        }
        let more = if step.key == StepKey::Opening && !followed { spare } else { 0 };
        let end = at + Duration::seconds(i64::from(step.seconds + more));
        steps.push(RunStep {
            key: step.key,
            speaker: step.speaker,
            order: step.order,
            collects: step.collects,
            start: at,
            end,
            skipped: false,
        });
        at = end;
    }
    steps
}

/// A session that is being held, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The steps with their times as they stand now.
    pub steps: Sheet,
    /// The end that was announced; prompts never go out 15 minutes after it.
    pub announced_end: DateTime<Utc>,
    /// Since when the clock stands still, if it does.
    pub paused: Option<DateTime<Utc>>,
    /// Ended by the facilitator's word.
    pub stopped: Option<DateTime<Utc>>,
}

impl Run {
    /// After this no prompt is sent, however long the session takes (method note §6, overrun).
    pub fn never_after(&self) -> DateTime<Utc> {
        self.announced_end + Duration::minutes(15)
    }
}

//! Why something asked for is not done: typed, so that it can be told to a person in their language.

use serde::{Deserialize, Serialize};

/// A reason. `Display` is the operator's English; members read `templates/<lang>/refusal`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Refusal {
    /// No meeting of that number is open.
    #[error("meeting {number} is not there, or is over")]
    NoSuchMeeting {
        /// The number asked for.
        number: u32,
    },
    /// No active member of that name.
    #[error("nobody called {name:?} in the group; there are {known}")]
    NoSuchMember {
        /// The name asked for.
        name: String,
        /// Those there are.
        known: String,
    },
    /// The member does not take part in the circle.
    #[error("{name} is not in the circle and can't be requester")]
    NotInCircle {
        /// The member.
        name: String,
    },
    /// Swapping somebody with themselves.
    #[error("{name} is the requester already")]
    AlreadyRequester {
        /// The member.
        name: String,
    },
    /// The new time is in the past, or the same.
    #[error("{wanted} can't be: it is past, or when the meeting is already")]
    BadTime {
        /// The time asked for, as written.
        wanted: String,
    },
    /// Only the facilitator may do this.
    #[error("only the facilitator can do this")]
    FacilitatorOnly,
    /// Another facilitator's order came first.
    #[error("{name} decided first")]
    LedBefore {
        /// Who.
        name: String,
    },
    /// Only the requester may do this.
    #[error("only the requester of this meeting can do this")]
    RequesterOnly,
    /// The requester was reminded as often as is decent.
    #[error("{name} was reminded three times already: a phone call works best")]
    EnoughReminders {
        /// The requester.
        name: String,
    },
    /// The session does not run.
    #[error("the session is not running")]
    NotRunning,
    /// The meeting is over or cancelled: nothing more is taken for it.
    #[error("the meeting is over or cancelled")]
    Over,
    /// Nothing to take back.
    #[error("there is nothing to take back")]
    NothingToUndo,
    /// Nobody understood what was meant.
    #[error("the answer was not understood")]
    NotUnderstood,
    /// The mail had no text of its own.
    #[error("the mail had no answer above the quote")]
    NoAnswer,
    /// An attachment or an encrypted mail can't be read or passed on.
    #[error("what was attached or encrypted can't be used; it is kept")]
    CantRead,
    /// The time of a calendar answer is that of before a move.
    #[error("the answer is for the time before the meeting was moved")]
    OldTime,
    /// A calendar object that does nothing here.
    #[error("a calendar message that does nothing here: {what}")]
    CalendarUseless {
        /// What it was.
        what: String,
    },
    /// The member was asked "was it you?" less than a day ago.
    #[error("nothing proves who sent it, and its owner was asked about another such mail less than a day ago")]
    AskedToday,
    /// "Was it you?" can't be asked: the member gets no mail.
    #[error("nothing proves who sent it, and its owner, to whom no mail goes, can't be asked")]
    CantAsk,
    /// The group was not found.
    #[error("no group called {name:?}; there are: {known}")]
    NoSuchGroup {
        /// The name asked for.
        name: String,
        /// Those there are.
        known: String,
    },
    /// The file's group is not a codev group.
    #[error("{problems}")]
    BadGroup {
        /// All that is wrong, a line each.
        problems: String,
    },
}

impl Refusal {
    /// A word for each, by which they are counted.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSuchMeeting { .. } => "no-such-meeting",
            Self::NoSuchMember { .. } => "no-such-member",
            Self::NotInCircle { .. } => "not-in-circle",
            Self::AlreadyRequester { .. } => "already-requester",
            Self::BadTime { .. } => "bad-time",
            Self::FacilitatorOnly => "facilitator-only",
            Self::LedBefore { .. } => "led-before",
            Self::RequesterOnly => "requester-only",
            Self::EnoughReminders { .. } => "enough-reminders",
            Self::NotRunning => "not-running",
            Self::Over => "over",
            Self::NothingToUndo => "nothing-to-undo",
            Self::NotUnderstood => "not-understood",
            Self::NoAnswer => "no-answer",
            Self::CantRead => "cant-read",
            Self::OldTime => "old-time",
            Self::CalendarUseless { .. } => "calendar-useless",
            Self::AskedToday => "asked-today",
            Self::CantAsk => "cant-ask",
            Self::NoSuchGroup { .. } => "no-such-group",
            Self::BadGroup { .. } => "bad-group",
        }
    }
}

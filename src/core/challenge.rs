//! "Was it you?": what waits for a member's word, and what it would do (`inbound.md` §4 rule 6).

use crate::core::draft::{DraftKey, Question};
use crate::core::event::{Answer, Meaning};
use crate::core::group::Group;
use crate::core::ids::{Email, MemberId};
use crate::core::meeting::Attending;
use crate::core::proof::Level;
use crate::core::route::Weight;
use crate::core::{Facts, decide};
use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

/// A member is asked at most this often (rule 4), unless the last question had a yes.
pub const HOURS_BETWEEN: i64 = 24;
/// The question is good for this long (rule 6).
pub const GOOD_HOURS: i64 = 72;
/// Mails that one word decides on, at most.
pub const MOST_WAITING: usize = 5;

/// A question whose word is waited for, or came a short time ago.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Who is asked.
    pub member: MemberId,
    /// The mail that asks.
    pub key: DraftKey,
    /// Since when.
    pub asked: DateTime<Utc>,
    /// The address it came from, where the question is whether that one is theirs too.
    pub address: Option<Email>,
    /// What proved the first mail.
    pub level: Level,
    /// How far the first mail reaches.
    pub weight: Weight,
    /// The mails that wait, in the order they came.
    pub waiting: Vec<Waiting>,
    /// Their word, once it came.
    pub word: Option<bool>,
    /// The mail that asks once more, after a word that was neither a yes nor a no.
    pub again: Option<DraftKey>,
}

/// A mail that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Its number in the inbox.
    pub inbox: i64,
    /// The mail of ours that it answers.
    pub answers: DraftKey,
}

impl Challenge {
    /// Until when a word counts.
    pub fn until(&self) -> DateTime<Utc> {
        self.asked + Duration::hours(GOOD_HOURS)
    }

    /// It is what this mail asks.
    pub fn is_asked_by(&self, key: &DraftKey) -> bool {
        self.key == *key || self.again.as_ref() == Some(key)
    }

    /// Its word may still come.
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        self.word.is_none() && now <= self.until()
    }

    /// No other question of its sort is asked meanwhile.
    pub fn forbids_another(&self, now: DateTime<Utc>) -> bool {
        self.word != Some(true) && now < self.asked + Duration::hours(HOURS_BETWEEN)
    }
}

/// What a mail would do, without its words: whoever wrote it does not get to write to the member through us.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "snake_case")]
pub enum Deed {
    /// Comes to the meeting.
    Comes,
    /// Does not come.
    StaysAway,
    /// May come.
    MayCome,
    /// Comes late.
    Late,
    /// Asks for another time.
    NewTime,
    /// Proposes this time, in the group's zone.
    Proposes {
        /// The hour.
        to: NaiveDateTime,
    },
    /// Has a calendar sent the event again.
    Refresh,
    /// No more mail.
    Stops,
    /// Takes the last thing back.
    TakesBack,
    /// Asks how it works, or for a person.
    AsksHelp,
    /// Has the requester reminded.
    Reminds,
    /// Gives the seat of the requester to somebody.
    Swaps {
        /// The one named; the next in turn where nobody is.
        member: Option<MemberId>,
    },
    /// Opens a call for subjects.
    OpensCall,
    /// Moves the meeting for all, in the group's zone.
    Moves {
        /// The new hour.
        to: NaiveDateTime,
    },
    /// Keeps the time against a proposal.
    KeepsTime,
    /// Turns the session's clock.
    TurnsClock,
    /// Says what may be shared of the subject.
    Shares,
    /// Wishes to give the turn away.
    WishesSwap,
    /// Lets the digest go as it is.
    Approves,
    /// Takes plan and request out of the digest.
    Withdraws,
    /// Says how the plan is going.
    TellsProgress,
    /// Brings a text.
    Text {
        /// Its words, counted.
        count: usize,
    },
    /// Nothing that was understood.
    #[default]
    Unclear,
}

impl Deed {
    /// Of an answer that waits.
    pub fn of(group: &Group, answer: &Answer) -> Self {
        let count = answer.text.split_whitespace().count();
        match &answer.meaning {
            Meaning::Stop if answer.question != Some(Question::Live) => Self::Stops,
            Meaning::Undo => Self::TakesBack,
            Meaning::Help | Meaning::Person => Self::AsksHelp,
            _ if count == 0 => Self::Unclear,
            meaning => Self::by_question(group, answer, meaning).unwrap_or(Self::Text { count }),
        }
    }

    fn by_question(group: &Group, answer: &Answer, meaning: &Meaning) -> Option<Self> {
        Some(match (answer.question?, meaning) {
            (Question::Attendance, Meaning::Yes) | (Question::Confirm, Meaning::No) => Self::Comes,
            (Question::Attendance, Meaning::No) | (Question::Confirm, Meaning::Yes) => Self::StaysAway,
            (Question::Attendance, Meaning::Maybe) => Self::MayCome,
            (Question::Attendance, Meaning::Late { .. }) => Self::Late,
            (Question::Attendance, Meaning::NewTime) => Self::NewTime,
            (Question::Subject, Meaning::Swap { .. }) => Self::WishesSwap,
            (Question::NoSubject, Meaning::Remind) => Self::Reminds,
            (Question::NoSubject, Meaning::Open) => Self::OpensCall,
            (Question::NoSubject, Meaning::Swap { name: None }) => Self::Swaps { member: None },
            (Question::NoSubject, Meaning::Swap { name: Some(name) }) => {
                let member = decide::member_named(group, name);
                member.map_or(Self::Unclear, |member| Self::Swaps { member: Some(member) })
            }
            (Question::Counter, Meaning::Yes) => match &answer.about {
                Facts::Proposed { to, .. } => Self::Moves { to: *to },
                _ => Self::Unclear,
            },
            (Question::Counter, Meaning::No) => Self::KeepsTime,
            (Question::Live, meaning) if *meaning != Meaning::None => Self::TurnsClock,
            (Question::Share, Meaning::ShareAll | Meaning::ShareTitle | Meaning::ShareNothing)
            | (Question::Share, Meaning::Yes | Meaning::No) => Self::Shares,
            (Question::Review, Meaning::Approve) => Self::Approves,
            (Question::Review, Meaning::Withdraw) => Self::Withdraws,
            (Question::Progress, Meaning::Progress { .. }) => Self::TellsProgress,
            (
                Question::Attendance | Question::NoSubject | Question::Counter | Question::Live | Question::Confirm,
                _,
            ) => Self::Unclear,
            _ => return None,
        })
    }

    /// Of a calendar's button.
    pub fn of_button(answer: Attending) -> Self {
        match answer {
            Attending::Yes => Self::Comes,
            Attending::No => Self::StaysAway,
            Attending::Maybe => Self::MayCome,
        }
    }
}

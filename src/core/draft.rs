//! A mail that is to be written: who, which, about what, until when it is useful. Never its words.

use crate::core::challenge::Deed;
use crate::core::event::Receipt;
use crate::core::ids::{Email, GroupId, MeetingNo, MemberId};
use crate::core::refusal::Refusal;
use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $code:literal, $name:literal;)*) => {
        /// Every mail there is, by the method note's number and its template's folder.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind { $($(#[$doc])* $kind,)* }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];
            /// The method note's number: `M04`.
            pub fn code(self) -> &'static str {
                match self { $(Self::$kind => $code,)* }
            }
            /// The template's folder: `subject_request`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }
        }
    };
}

kinds! {
    /// Who writes, why, who hosts it, how to stop.
    Welcome = "M30", "welcome";
    /// The calendar invitation.
    Invitation = "M03", "invitation";
    /// Time or place changed.
    Moved = "M33", "moved";
    /// The meeting will not take place; also takes one person off.
    Cancelled = "M34", "cancelled";
    /// The event leaves the calendar at an address that is no more its member's.
    AddressLeft = "M34a", "address_left";
    /// A detail of the event changed (requester, format): same SEQUENCE, no new question.
    Updated = "M33b", "updated";
    /// Asks the requester for the subject, with the preparation sheet.
    SubjectRequest = "M04", "subject_request";
    /// First reminder: one sentence is enough.
    SubjectReminder = "M05", "subject_reminder";
    /// Second reminder: a subject or a swap.
    SubjectLastReminder = "M06", "subject_last_reminder";
    /// The backup is told to keep a light subject ready.
    Standby = "M06b", "standby";
    /// The facilitator is told that there is no subject, or no requester.
    NoSubject = "M07", "no_subject";
    /// A call for subjects to all cooperants.
    CallForSubjects = "M08", "call_for_subjects";
    /// Reads the subject back and asks what may be shared.
    SubjectReceipt = "M09", "subject_receipt";
    /// The subject, as far as it is shared.
    SubjectShared = "M10", "subject_shared";
    /// Are you coming?
    AttendanceCheck = "M11", "attendance_check";
    /// An automatic reply says away on that day: shall we count you absent?
    AwayCheck = "M11c", "away_check";
    /// The facilitator's count of answers.
    AttendanceCount = "M11b", "attendance_count";
    /// The day before, for each role.
    WarmUp = "M12", "warm_up";
    /// Link, order of speaking, whole run sheet.
    DayOf = "M13", "day_of";
    /// What to do in this step, for each role.
    StepPrompt = "S", "step_prompt";
    /// Thanks, and asks for the action plan.
    ActionPlanRequest = "M20", "action_plan_request";
    /// Asks for learnings.
    LearningsRequest = "M21", "learnings_request";
    /// The one reminder after the session.
    LastCall = "M22", "last_call";
    /// The digest for its requester to review.
    DigestReview = "M24r", "digest_review";
    /// The digest.
    Digest = "M24", "digest";
    /// The digest once more, corrected.
    DigestCorrection = "M24c", "digest_correction";
    /// How is the plan going, two weeks on.
    FollowUp = "M25", "follow_up";
    /// The plan again, before the next session opens with it.
    PlanReprint = "M26", "plan_reprint";
    /// What was understood of an answer, and how to take it back.
    Receipt = "R1", "receipt";
    /// A polite no, with what is possible.
    Refusal = "R2", "refusal";
    /// Something the facilitator should know.
    Notice = "R3", "notice";
    /// A member's calendar proposes another time: the facilitator says yes or no.
    Counter = "R4", "counter";
    /// The time proposed is not taken: the event stays as it is.
    CounterDeclined = "R5", "counter_declined";
    /// Somebody who was not invited answered.
    Forwarded = "R6", "forwarded";
    /// Something came in the member's name that nothing proves: was it you?
    WasItYou = "R7", "was_it_you";
    /// The facilitator's own event, which rings at every step.
    FacilitatorAlarms = "M03f", "facilitator_alarms";
    /// That event is taken off the calendar.
    FacilitatorAlarmsOff = "M34f", "facilitator_alarms_off";
    /// That event leaves the calendar at an address that is no more the facilitator's.
    AlarmsLeft = "M34g", "alarms_left";
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code(), self.name())
    }
}

impl Kind {
    /// The mail of that folder name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|k| k.name() == name)
    }

    /// The same for everybody, and nobody is asked anything: `Precedence: bulk` (`inbound.md` §5). Not what brings a
    /// calendar, which programs act on by themselves.
    pub fn is_group_notice(self) -> bool {
        matches!(self, Self::SubjectShared | Self::Digest | Self::DigestCorrection)
    }

    /// Answers to a mail carry `Auto-Submitted: auto-replied` (RFC 3834 §5).
    pub fn is_answer(self) -> bool {
        matches!(self, Self::Receipt | Self::Refusal | Self::SubjectReceipt | Self::CounterDeclined)
    }

    /// Carries a calendar object.
    pub fn is_calendar(self) -> bool {
        self.is_alarms()
            || matches!(
                self,
                Self::Invitation
                    | Self::Moved
                    | Self::Cancelled
                    | Self::AddressLeft
                    | Self::Updated
                    | Self::CounterDeclined
            )
    }

    /// Is about the facilitator's own event, not the meeting's.
    pub fn is_alarms(self) -> bool {
        matches!(self, Self::FacilitatorAlarms | Self::FacilitatorAlarmsOff | Self::AlarmsLeft)
    }

    /// Goes to an address that is no more the member's.
    pub fn is_to_former(self) -> bool {
        matches!(self, Self::AddressLeft | Self::AlarmsLeft)
    }
}

/// The part somebody plays in this mail; picks the variant of its template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Brings the subject.
    Requester,
    /// Helps.
    Cooperant,
    /// Leads through the steps.
    Facilitator,
    /// Brought the subject last time.
    PreviousRequester,
}

impl Role {
    /// The word used in templates and the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requester => "requester",
            Self::Cooperant => "cooperant",
            Self::Facilitator => "facilitator",
            Self::PreviousRequester => "previous_requester",
        }
    }
}

/// What identifies a draft for ever: deciding twice queues once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DraftKey {
    /// The group.
    pub group: GroupId,
    /// The meeting it is about.
    pub meeting: Option<MeetingNo>,
    /// Which mail.
    pub kind: Kind,
    /// Position of the step in the run, for prompts.
    pub step: Option<u32>,
    /// To whom.
    pub member: MemberId,
    /// A stored counter, 0 for the first.
    pub revision: u32,
    /// It is a preview for `member` of the mail that this one would get once the group is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<MemberId>,
}

impl fmt::Display for DraftKey {
    /// `group/meeting/kind/step/member/revision`, `-` where there is none: stable, unique. A preview
    /// has whose mail it shows behind that.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_dash = |n: Option<u32>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let meeting = or_dash(self.meeting.map(|m| m.0));
        let step = or_dash(self.step);
        write!(f, "{}/{meeting}/{}/{step}/{}/{}", self.group, self.kind.name(), self.member, self.revision)?;
        self.preview.iter().try_for_each(|of| write!(f, "/{of}"))
    }
}

impl std::str::FromStr for DraftKey {
    type Err = crate::core::ids::NotA;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || crate::core::ids::NotA {
            found: text.to_owned(),
            expected: "a draft key such as lyon/3/invitation/-/ana/0",
        };
        let parts: Vec<_> = text.split('/').collect();
        let (parts, preview) = match parts[..] {
            [ref all @ .., of] if all.len() == 6 => (all.to_vec(), Some(of.parse()?)),
            _ => (parts, None),
        };
        let [group, meeting, kind, step, member, revision] = parts[..] else { return Err(wrong()) };
        let or_none = |t: &str| if t == "-" { Ok(None) } else { t.parse::<u32>().map(Some).map_err(|_| wrong()) };
        Ok(Self {
            group: group.parse()?,
            meeting: or_none(meeting)?.map(MeetingNo),
            kind: Kind::named(kind).ok_or_else(wrong)?,
            step: or_none(step)?,
            member: member.parse()?,
            revision: revision.parse().map_err(|_| wrong())?,
            preview,
        })
    }
}

/// What a newer draft replaces while it is unsent: same receiver, same lane.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lane(pub String);

/// What is done with a mail whose time of use is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenLate {
    /// It is still sent: better late than never.
    Send,
    /// It is left to a newer one that says it too.
    Merge,
    /// It is not sent.
    Drop,
}

/// What a reply to a mail is read as: the open question (`inbound.md` §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// yes, no, maybe, late, new_time.
    Attendance,
    /// The subject, in free text; or a wish to swap.
    Subject,
    /// all, title_only, nothing, correction.
    Share,
    /// remind, swap, open (the facilitator).
    NoSubject,
    /// yes, no: takes the requester's seat.
    Volunteer,
    /// The facilitator's words during a session.
    Live,
    /// The requester's "Aidez-moi à …".
    StepRequest,
    /// A contribution in free text.
    Contribution,
    /// Actions in free text.
    ActionPlan,
    /// A learning in free text.
    Learning,
    /// Plan and learning, whichever is missing.
    LastCall,
    /// approve, correction, withdraw (the requester, of the digest).
    Review,
    /// done, started, stuck, dropped (of the plan).
    Progress,
    /// yes, no: takes the time that a member proposed (the facilitator).
    Counter,
    /// Free text, kept as a note.
    Note,
    /// Dates offered: yes, no, if needed for each.
    DatePoll,
    /// yes, no, maybe: gives the turn in exchange.
    Swap,
    /// One of the options listed.
    Choice,
    /// yes, no: was it you, did I read you right.
    Confirm,
    /// agree, refuse, question: the group's charter.
    Charter,
    /// keep, move, short, cancel (the facilitator, too few people).
    Quorum,
}

impl Question {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::Attendance,
        Self::Subject,
        Self::Share,
        Self::NoSubject,
        Self::Volunteer,
        Self::Live,
        Self::StepRequest,
        Self::Contribution,
        Self::ActionPlan,
        Self::Learning,
        Self::LastCall,
        Self::Review,
        Self::Progress,
        Self::Counter,
        Self::Note,
        Self::DatePoll,
        Self::Swap,
        Self::Choice,
        Self::Confirm,
        Self::Charter,
        Self::Quorum,
    ];

    /// Whether its answer acts for all of the group, and not for the one who gives it alone.
    pub fn is_for_all(self) -> bool {
        matches!(self, Self::Live | Self::NoSubject | Self::Counter | Self::Quorum)
    }

    /// The word used at the command line, in the store and in word lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::Attendance => "attendance",
            Self::Subject => "subject",
            Self::Share => "share",
            Self::NoSubject => "no_subject",
            Self::Volunteer => "volunteer",
            Self::Live => "live",
            Self::StepRequest => "step_request",
            Self::Contribution => "contribution",
            Self::ActionPlan => "action_plan",
            Self::Learning => "learning",
            Self::LastCall => "last_call",
            Self::Review => "review",
            Self::Progress => "progress",
            Self::Counter => "counter",
            Self::Note => "note",
            Self::DatePoll => "date_poll",
            Self::Swap => "swap",
            Self::Choice => "choice",
            Self::Confirm => "confirm",
            Self::Charter => "charter",
            Self::Quorum => "quorum",
        }
    }
}

/// Something the facilitator is told (`templates/<lang>/notice`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// A member asked for no more mail.
    Stopped {
        /// Who.
        member: MemberId,
    },
    /// Mail to a member does not arrive.
    Undeliverable {
        /// Who.
        member: MemberId,
        /// The server's words.
        why: String,
        /// It came back too often: nothing more goes there.
        #[serde(default)]
        suspended: bool,
    },
    /// A member wrote something that needs a person: a question, a proposal of another time.
    Passed {
        /// Who.
        member: MemberId,
        /// Their words.
        text: String,
    },
    /// A member asks for a person; or was not understood twice.
    NeedsPerson {
        /// Who.
        member: MemberId,
        /// Their words, unless they are between the member and the daemon.
        text: Option<String>,
    },
    /// The requester can't come or wishes to swap.
    RequesterAway {
        /// Who.
        member: MemberId,
    },
    /// Another facilitator gave an order about the subject or the seat.
    Led {
        /// Who.
        member: MemberId,
        /// Which: `remind`, `swap`, `open`.
        order: String,
        /// With whom.
        name: Option<String>,
    },
    /// Somebody takes the requester's seat.
    Volunteer {
        /// Who.
        member: MemberId,
    },
    /// No sign of life of a member since the invitation.
    Silent {
        /// Who.
        member: MemberId,
    },
    /// A member's calendar names somebody who should come instead: the member does not come, nobody was added.
    Delegated {
        /// Who.
        member: MemberId,
        /// The addresses named.
        who: String,
    },
    /// A member's calendar proposes another time that is none: nothing was changed.
    NoTime {
        /// Who.
        member: MemberId,
    },
    /// A member's calendar named a time in a zone that nobody knows: nothing was changed.
    UnknownZone {
        /// Who.
        member: MemberId,
        /// The zone's name, as their calendar gives it.
        name: String,
    },
    /// An order by mail was done.
    Done {
        /// What, in the reader's own terms: the refreshed state is in the mail.
        what: String,
    },
}

/// What a mail's template needs beyond the group's state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "facts", rename_all = "snake_case")]
pub enum Facts {
    /// Nothing.
    #[default]
    None,
    /// The invitation is the member's first mail too: it begins with the welcome.
    FirstMail,
    /// Where the meeting was before.
    Moved {
        /// The old hour, in the group's zone.
        from: NaiveDateTime,
    },
    /// Another time that a member's calendar proposed.
    Proposed {
        /// Who proposed it.
        member: MemberId,
        /// The hour proposed, in the group's zone.
        to: NaiveDateTime,
        /// What was written beside it.
        text: Option<String>,
        /// The mail that proposed it, to be answered.
        mail: InReplyTo,
    },
    /// A change of law: the hour on the clock stays, the instant does not.
    Law,
    /// The event for one person, who may have missed what changed: another address, mail again, a calendar that asks.
    AsItStands {
        /// They have not answered: "are you coming?".
        asks: bool,
    },
    /// Somebody who was not invited.
    Forwarded {
        /// Their address.
        who: String,
    },
    /// A mail in the receiver's name that waits for their word; which one, the group's challenge says.
    WasItYou {
        /// The address it came from, where the question is whether that one is theirs.
        address: Option<String>,
        /// It is asked once more: what came first was neither a yes nor a no.
        #[serde(default)]
        again: bool,
        /// What it would do.
        #[serde(flatten)]
        deed: Deed,
    },
    /// The receiver alone is taken off the meeting (RFC 5546 §3.2.5): the others meet.
    TakenOff,
    /// The receiver has another address; the event stays theirs.
    AddressLeft {
        /// The address it was sent to, which the mail goes to as well.
        address: Email,
    },
    /// A prompt sent in the middle of its step, after a stop.
    Resumed,
    /// Why the facilitator gets M07.
    NoSubject {
        /// `silent`, `declined` or `swap`.
        why: String,
        /// Reminders sent so far.
        reminders: u32,
    },
    /// What was understood.
    Receipt(Receipt),
    /// Why not.
    Refused {
        /// The reason.
        refusal: Refusal,
        /// What was open, for the choices to be named.
        question: Option<Question>,
        /// The receiver's own words, to be recognised.
        words: Option<String>,
    },
    /// Something to know.
    Notice(Notice),
}

/// The mail a draft answers: its thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InReplyTo {
    /// Its Message-ID without angle brackets.
    pub message_id: String,
    /// Its subject line.
    pub subject: String,
}

/// What stands between a button's word and the subject of the mail that it stands in.
const BEHIND_A_WORD: &str = " – ";

/// The subject of a button's mail: "Oui – [Codev Lyon] Séance".
pub fn before_a_title(word: &str, title: &str) -> String {
    format!("{word}{BEHIND_A_WORD}{title}")
}

/// That word, and the subject behind it, which begins with the group's name in brackets; `None` without such a word.
pub fn behind_a_word(subject: &str) -> Option<(&str, &str)> {
    let mut all = subject.match_indices(BEHIND_A_WORD);
    let split = |(at, dash): (usize, &str)| Some((subject.get(..at)?, subject.get(at + dash.len()..)?));
    all.find_map(|at| split(at).filter(|(_, title)| title.starts_with('[')))
}

/// A mail that was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// What identifies it.
    pub key: DraftKey,
    /// The part its receiver plays.
    pub role: Role,
    /// What it replaces.
    pub lane: Lane,
    /// When it was decided: DTSTAMP of a calendar object, Date of the mail.
    pub decided: DateTime<Utc>,
    /// When it should leave.
    pub due: DateTime<Utc>,
    /// Until when it makes sense.
    pub useful_until: DateTime<Utc>,
    /// What to do after that.
    pub when_late: WhenLate,
    /// Goes before everything else: a live prompt.
    pub urgent: bool,
    /// What a reply is read as.
    pub question: Option<Question>,
    /// What it says beyond the group's state.
    pub facts: Facts,
    /// The mail it answers.
    pub answers: Option<InReplyTo>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_button_writes_is_read_again() {
        for title in ["[Codev Lyon] Séance", "[Codev Lyon] Le 8 – [ou le 9]"] {
            assert_eq!(behind_a_word(&before_a_title("Oui – sûr", title)), Some(("Oui – sûr", title)));
            assert_eq!(behind_a_word(title).map(|(_, rest)| rest), title.find("[ou").map(|at| &title[at..]));
        }
        assert_eq!(behind_a_word("Séance – le 8"), None);
    }
}

//! In charge of calendars on the wire: invitations out (`write`), answers in (`read`), and what
//! an answer changes (`itip`). Pure: time comes in as values.
//!
//! RFC 5545 (iCalendar), 5546 (iTIP), 7986 (new properties), 9074 (alarms).

use crate::core::ids::address_key;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

pub mod itip;
mod lines;
pub mod lint;
mod machine;
mod read;
mod text;
mod vtimezone;
mod write;
mod zone;

pub use machine::without_machine_text;
pub use read::{MAX_BYTES, read};
pub(crate) use text::fold_line;
pub use text::{clean_line, clean_name, clean_text};
pub use write::write;

/// What a calendar message wants (METHOD, RFC 5546 §1.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// Come to this event; also each change of it.
    Request,
    /// The event, or one person's part in it, is off.
    Cancel,
    /// A participant's answer.
    Reply,
    /// A participant proposes something else.
    Counter,
    /// A participant asks for the current state.
    Refresh,
    /// For information, nobody is asked.
    Publish,
    /// More instances for a series.
    Add,
    /// The organizer refuses a COUNTER.
    DeclineCounter,
    /// Any word RFC 5546 does not know, in capitals.
    Other(String),
}

impl Method {
    /// Reads METHOD's value or the `method` parameter of Content-Type, in any case.
    pub fn parse(word: &str) -> Method {
        match word.trim().to_ascii_uppercase().as_str() {
            "REQUEST" => Method::Request,
            "CANCEL" => Method::Cancel,
            "REPLY" => Method::Reply,
            "COUNTER" => Method::Counter,
            "REFRESH" => Method::Refresh,
            "PUBLISH" => Method::Publish,
            "ADD" => Method::Add,
            "DECLINECOUNTER" => Method::DeclineCounter,
            other => Method::Other(other.to_owned()),
        }
    }

    /// The word for METHOD and for the `method` parameter of Content-Type, which must be equal
    /// (RFC 6047 §2.4).
    pub fn as_str(&self) -> &str {
        match self {
            Method::Request => "REQUEST",
            Method::Cancel => "CANCEL",
            Method::Reply => "REPLY",
            Method::Counter => "COUNTER",
            Method::Refresh => "REFRESH",
            Method::Publish => "PUBLISH",
            Method::Add => "ADD",
            Method::DeclineCounter => "DECLINECOUNTER",
            Method::Other(word) => word,
        }
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A participant's answer (PARTSTAT of a VEVENT, RFC 5545 §3.2.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PartStat {
    /// No answer yet.
    NeedsAction,
    /// Yes.
    Accepted,
    /// No.
    Declined,
    /// Perhaps.
    Tentative,
    /// Somebody else comes instead.
    Delegated,
}

impl PartStat {
    /// Reads PARTSTAT in any case; `None` for a word that is no answer to a VEVENT.
    pub fn parse(word: &str) -> Option<PartStat> {
        match word.trim().to_ascii_uppercase().as_str() {
            "NEEDS-ACTION" => Some(PartStat::NeedsAction),
            "ACCEPTED" => Some(PartStat::Accepted),
            "DECLINED" => Some(PartStat::Declined),
            "TENTATIVE" => Some(PartStat::Tentative),
            "DELEGATED" => Some(PartStat::Delegated),
            _ => None,
        }
    }

    /// The RFC's word.
    pub fn as_str(self) -> &'static str {
        match self {
            PartStat::NeedsAction => "NEEDS-ACTION",
            PartStat::Accepted => "ACCEPTED",
            PartStat::Declined => "DECLINED",
            PartStat::Tentative => "TENTATIVE",
            PartStat::Delegated => "DELEGATED",
        }
    }
}

impl std::fmt::Display for PartStat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A participant's part (ROLE, RFC 5545 §3.2.16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    /// The facilitator.
    Chair,
    /// The requester and the cooperants.
    ReqParticipant,
    /// Whoever may come.
    OptParticipant,
}

impl Role {
    /// The RFC's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Chair => "CHAIR",
            Role::ReqParticipant => "REQ-PARTICIPANT",
            Role::OptParticipant => "OPT-PARTICIPANT",
        }
    }
}

/// Whether the event takes place (STATUS, RFC 5545 §3.8.1.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Status {
    /// It does.
    Confirmed,
    /// It does not.
    Cancelled,
    /// Not said: in the CANCEL that takes one person off an event that takes place.
    None,
}

/// A person invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attendee {
    /// The address, without `mailto:`.
    pub email: String,
    /// The name as people write it; may be empty.
    pub name: String,
    /// The answer known so far.
    pub part_stat: PartStat,
    /// Whether an answer is asked for.
    pub rsvp: bool,
    /// The part in the meeting.
    pub role: Role,
}

/// The address and name of the daemon's mailbox: ORGANIZER.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organizer {
    /// The address in From: read by the daemon, without `+`, never a member's.
    pub email: String,
    /// The name as people see it; may be empty.
    pub name: String,
}

/// One meeting as a calendar event. All times UTC, to the second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// One for a meeting, for life.
    pub uid: String,
    /// Rises with time, place, link and status.
    pub sequence: u32,
    /// When this draft was decided: newer at each draft.
    pub dtstamp: DateTime<Utc>,
    /// When the meeting was first planned.
    pub created: DateTime<Utc>,
    /// When the meeting last changed.
    pub last_modified: DateTime<Utc>,
    /// The beginning.
    pub start: DateTime<Utc>,
    /// The end, after the beginning.
    pub end: DateTime<Utc>,
    /// The title, one line.
    pub summary: String,
    /// The whole timed run sheet; `\n` between lines.
    pub description: String,
    /// The place, or the link (Outlook and Google make it clickable).
    pub location: Option<String>,
    /// The link: URL, and CONFERENCE too when it is https. Anything but an http, https, tel or
    /// sip address of at most 2000 octets is left out.
    pub url: Option<String>,
    /// The daemon's mailbox.
    pub organizer: Organizer,
    /// Who is invited; of two with one address the first counts.
    pub attendees: Vec<Attendee>,
    /// Words to sort by.
    pub categories: Vec<String>,
    /// Whether the event takes place.
    pub status: Status,
    /// A reminder so many minutes before the start; never written in a CANCEL.
    pub alarm_minutes: Option<u32>,
    /// Further alarms after the start, one a step: the facilitator's own event. Not in a CANCEL.
    pub steps: Vec<StepAlarm>,
    /// Whether the hour stays free in the calendar (TRANSP:TRANSPARENT): an event beside another.
    pub transparent: bool,
    /// The language of summary, description and location (RFC 5646), e.g. `fr`.
    pub language: Option<String>,
    /// The token of the mail that carries this copy, for its receiver alone ([`REFERENCE`]).
    pub reference: Option<String>,
}

/// Our own property with the token of the mail: programs that send an event's properties back with the
/// answer (Thunderbird) make a new mail for it, which has no In-Reply-To.
pub const REFERENCE: &str = "X-CODEVD-REF";

/// An alarm at a step of the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepAlarm {
    /// Seconds after the start.
    pub after_seconds: u32,
    /// What it says, one line.
    pub text: String,
}

/// Why an event cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IcalError {
    /// Only REQUEST, CANCEL and DECLINECOUNTER are ours to send.
    #[error("codevd sends no calendar message with METHOD:{0}; expected REQUEST, CANCEL or DECLINECOUNTER")]
    NotOurMethod(Method),
    /// UID empty or with control characters.
    #[error("the event's UID {0:?} is empty or holds a control character; expected one plain word")]
    Uid(String),
    /// Not an address that can stand in `mailto:`.
    #[error("{who}'s address {email:?} cannot stand in a calendar; expected name@domain")]
    Address {
        /// Whose address: `the organizer` or the attendee's name.
        who: String,
        /// The address found.
        email: String,
    },
    /// The organizer's address has a `+`, which Exchange and Google fold into another mailbox.
    #[error("the organizer's address {0} holds a '+'; expected the daemon's plain mailbox")]
    PlusOrganizer(String),
    /// The organizer is invited as well.
    #[error("{0} is both organizer and attendee; the organizer must be the daemon's own mailbox")]
    OrganizerInvited(String),
    /// Nobody to send to.
    #[error("an event with METHOD:{0} needs an attendee, found none")]
    NoAttendee(Method),
    /// A CANCEL without STATUS takes one person off.
    #[error("a CANCEL without STATUS takes exactly one person off, found {0} attendees")]
    CancelOfOne(usize),
    /// METHOD and STATUS say different things.
    #[error("METHOD:{method} does not go with the status {status:?}")]
    Status {
        /// The method asked for.
        method: Method,
        /// The status of the event.
        status: Status,
    },
    /// The end is not after the start.
    #[error("the event ends at {end}, which is not after its start at {start}")]
    EndNotAfterStart {
        /// DTSTART.
        start: DateTime<Utc>,
        /// DTEND.
        end: DateTime<Utc>,
    },
    /// A year that four digits cannot say.
    #[error("{property} lies in the year {year}; expected 1 to 9999")]
    Year {
        /// The property's name.
        property: &'static str,
        /// The year found.
        year: i32,
    },
    /// The calendar library failed to write.
    #[error("the calendar could not be written as text")]
    Format,
}

/// A point in time as a foreign calendar says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// A known instant: in UTC, or in a zone that is known (by its name, Windows's too, or by the
    /// rules that the calendar brings).
    At(DateTime<Utc>),
    /// A wall time without a zone.
    Floating(NaiveDateTime),
    /// A wall time in a zone that nobody knows: no instant.
    Unknown {
        /// The zone's name (TZID).
        zone: String,
    },
    /// A whole day.
    Day(NaiveDate),
}

/// The answer as it stands in PARTSTAT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stated {
    /// A word of RFC 5545; a missing PARTSTAT is NEEDS-ACTION, the RFC's default.
    Known(PartStat),
    /// Any other word, as found.
    Unknown(String),
}

/// An ATTENDEE of a foreign calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// The address, without `mailto:`, as written.
    pub email: String,
    /// CN.
    pub name: Option<String>,
    /// PARTSTAT.
    pub part_stat: Stated,
    /// SENT-BY: who pressed the button for this person.
    pub sent_by: Option<String>,
    /// DELEGATED-TO.
    pub delegated_to: Vec<String>,
    /// DELEGATED-FROM.
    pub delegated_from: Vec<String>,
}

/// One VEVENT of a foreign calendar, with the METHOD of the calendar around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarMessage {
    /// METHOD in the body, if there.
    pub method: Option<Method>,
    /// UID; empty if missing.
    pub uid: String,
    /// SEQUENCE; `None` if missing or unreadable: 0 by RFC 5545 §3.8.7.4, but see `itip`.
    pub sequence: Option<u32>,
    /// DTSTAMP.
    pub dtstamp: Option<DateTime<Utc>>,
    /// The zone of a DTSTAMP that is no instant, because nobody knows that zone.
    pub dtstamp_zone: Option<String>,
    /// ORGANIZER's address; Exchange leaves it out of answers.
    pub organizer: Option<String>,
    /// ATTENDEEs in their order.
    pub attendees: Vec<Participant>,
    /// What the person wrote beside the answer, from COMMENT, X-RESPONSE-COMMENT, an
    /// X-MICROSOFT-…COMMENT or X-CALENDARSERVER-…-COMMENT, at most 4000 characters.
    pub comment: Option<String>,
    /// SUMMARY, as the sender's program sends it back.
    pub summary: Option<String>,
    /// [`REFERENCE`], where the program sends it back.
    pub reference: Option<String>,
    /// Whether it speaks of a series (RRULE, RDATE, EXDATE, RECURRENCE-ID); never expanded.
    pub recurrence: bool,
    /// DTSTART.
    pub start: Option<When>,
    /// DTEND.
    pub end: Option<When>,
}

/// Whether two addresses are one, however they are written.
pub fn same_address(a: &str, b: &str) -> bool {
    address_key(a) == address_key(b)
}

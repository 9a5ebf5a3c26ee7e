//! In charge of what a calendar message changes: what is known of one person's part in one meeting,
//! and the message, give the answer to keep, what is asked for, or the reason why not. RFC 5546 §3.2.
//!
//! Whether the mail itself may be trusted is decided elsewhere; here `member_emails` are the
//! addresses of the member for whom it is read, `sender` the address that proves, or claims, to
//! have sent it: the member's own or that of a delegate whom the member declared.

use super::{CalendarMessage, Method, PartStat, Participant, Stated, When, same_address};
use chrono::{DateTime, Duration, Utc};

/// What is known of the meeting and of the member's part in it.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The meeting's UID.
    pub uid: &'a str,
    /// The SEQUENCE sent last.
    pub sequence: u32,
    /// The SEQUENCE of the last change of time: an older answer was to another hour.
    pub time_sequence: u32,
    /// The meeting's beginning as it stands.
    pub start: DateTime<Utc>,
    /// The same hour as calendars were given it before a change of law.
    pub told_before: Option<DateTime<Utc>>,
    /// All addresses of the member.
    pub member_emails: &'a [String],
    /// The addresses of those who may answer for the member, as the member declared.
    pub delegates: &'a [String],
    /// The address the message comes from.
    pub sender: &'a str,
    /// SEQUENCE and DTSTAMP of the newest answer taken.
    pub last: Option<(u32, DateTime<Utc>)>,
    /// Whether the meeting is cancelled.
    pub cancelled: bool,
}

/// A member's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The answer.
    pub part_stat: PartStat,
    /// The revision of the invitation it answers.
    pub sequence: u32,
    /// When it was given; it orders answers, with `sequence` where a clock is behind.
    pub dtstamp: DateTime<Utc>,
    /// What was written beside it.
    pub comment: Option<String>,
    /// Who comes instead, for DELEGATED.
    pub delegated_to: Vec<String>,
}

/// What to do with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It counts.
    Apply(Answer),
    /// It was to an hour that no longer holds: kept as such, the member is told once.
    OldTime(Answer),
    /// Another time is proposed (COUNTER, RFC 5546 §3.2.7); the answer is the one to the time as it
    /// stands, NEEDS-ACTION where none came with it.
    Counter {
        /// The time proposed.
        start: DateTime<Utc>,
        /// What else the message says.
        answer: Answer,
    },
    /// The event as it stands is asked for (REFRESH, RFC 5546 §3.2.6).
    Refresh,
}

/// Why a calendar message changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The message is about something else.
    #[error("the calendar is about another event (its UID is {found:?})")]
    WrongUid {
        /// The UID found; empty if there was none.
        found: String,
    },
    /// Only the organizer, who is the daemon itself, may invite, cancel or add.
    #[error("a calendar message with METHOD:{0} is not an answer to the invitation; only codevd changes its events")]
    NotAReply(Method),
    /// A COUNTER without a time, or with one that is no instant.
    #[error("another time is proposed, but {0}; nothing is guessed")]
    NoTime(NoTime),
    /// The meeting is off.
    #[error("the session is cancelled, so the answer changes nothing")]
    Cancelled,
    /// Nobody answers.
    #[error("the answer names nobody (it has no ATTENDEE)")]
    NoAttendee,
    /// A member may answer for nobody else.
    #[error("the answer is for {attendee}, which is not an address of its sender")]
    NotYours {
        /// The ATTENDEE.
        attendee: String,
    },
    /// Several ATTENDEEs and no way to tell which one answers.
    #[error("the answer names {0} people; which of them answers cannot be told")]
    SeveralAttendees(usize),
    /// Somebody else pressed the button, whom the member did not name.
    #[error("the answer was given by {sent_by}, whom the member has not named to answer instead")]
    UndeclaredDelegate {
        /// SENT-BY.
        sent_by: String,
    },
    /// PARTSTAT is no answer to an event.
    #[error("{0:?} is no answer; expected ACCEPTED, DECLINED, TENTATIVE or DELEGATED")]
    UnknownPartStat(String),
    /// It answers what was never sent.
    #[error("it answers revision {found} of the invitation; the newest one sent is {sent}")]
    SequenceAhead {
        /// SEQUENCE of the message.
        found: u32,
        /// SEQUENCE sent last.
        sent: u32,
    },
    /// A time that the message needs is in a zone that nobody knows: the hour proposed, or the DTSTAMP
    /// by which answers are put into order.
    #[error(
        "its {property} is in the zone {zone:?}, which nobody knows and whose rules it does not bring; nothing is guessed"
    )]
    UnknownZone {
        /// DTSTART or DTSTAMP.
        property: &'static str,
        /// The zone's name (TZID).
        zone: String,
    },
    /// A newer answer was taken before this one came in.
    #[error("a newer answer of the same person is already known")]
    OlderThanKnown,
}

impl Refusal {
    /// The zone that nobody knows, where that is the reason.
    pub fn zone(&self) -> Option<&str> {
        match self {
            Self::UnknownZone { zone, .. } => Some(zone),
            _ => None,
        }
    }

    /// A word for each, by which they are counted.
    pub fn code(&self) -> &'static str {
        match self {
            Self::WrongUid { .. } => "wrong-uid",
            Self::NotAReply(_) => "not-a-reply",
            Self::NoTime(_) => "no-time",
            Self::Cancelled => "cancelled",
            Self::NoAttendee => "no-attendee",
            Self::NotYours { .. } => "not-yours",
            Self::SeveralAttendees(_) => "several-attendees",
            Self::UndeclaredDelegate { .. } => "undeclared-delegate",
            Self::UnknownPartStat(_) => "unknown-partstat",
            Self::SequenceAhead { .. } => "sequence-ahead",
            Self::UnknownZone { .. } => "unknown-zone",
            Self::OlderThanKnown => "older-than-known",
        }
    }
}

/// Why a proposed time is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTime {
    /// No DTSTART.
    #[error("it has no DTSTART that can be read")]
    Missing,
    /// A whole day.
    #[error("its DTSTART {0} is a whole day")]
    Day(chrono::NaiveDate),
    /// No zone.
    #[error("its DTSTART {0} is in no zone")]
    Floating(chrono::NaiveDateTime),
    /// A series.
    #[error("it is a series, not one hour")]
    Series,
}

/// What the message changes.
///
/// `method_in_header` is the `method` parameter of the part's Content-Type, which counts only
/// where the body has no METHOD; a message with neither is taken as an answer (Proton).
/// `received` stands in for a DTSTAMP that is missing or lies more than a day ahead.
///
/// # Errors
/// [`Refusal`], the reason why it changes nothing.
pub fn answer(
    known: &Known,
    method_in_header: Option<&str>,
    message: &CalendarMessage,
    received: DateTime<Utc>,
) -> Result<Outcome, Refusal> {
    let method = method(known, method_in_header, message)?;
    if method == Method::Refresh {
        return asks(known, message).map(|()| Outcome::Refresh);
    }
    if known.cancelled {
        return Err(Refusal::Cancelled);
    }
    let participant = answering(known, &message.attendees)?;
    let part_stat = match &participant.part_stat {
        Stated::Known(part_stat) => *part_stat,
        // RFC 5546 §3.2.7: a proposal need not say more
        Stated::Unknown(_) if method == Method::Counter => PartStat::NeedsAction,
        Stated::Unknown(word) => return Err(Refusal::UnknownPartStat(word.clone())),
    };
    if let Some(zone) = &message.dtstamp_zone {
        return Err(Refusal::UnknownZone { property: "DTSTAMP", zone: zone.clone() });
    }
    let answer = Answer {
        part_stat,
        sequence: revision(known, &method, message)?,
        dtstamp: given_at(message, received),
        comment: message.comment.clone(),
        delegated_to: participant.delegated_to.clone(),
    };
    if known.last.is_some_and(|last| is_older(&answer, last)) {
        return Err(Refusal::OlderThanKnown);
    }
    if answer.sequence < known.time_sequence {
        return Ok(Outcome::OldTime(answer));
    }
    if method == Method::Counter {
        let start = proposed(message)?;
        // who has not opened the update still means the hour as it stands; who has, means another one
        let as_told_before = known.told_before == Some(start) && answer.sequence < known.sequence;
        // the same hour, or one that is past, proposes nothing (`calendar.md` 15)
        if start != known.start && !as_told_before && start > received {
            return Ok(Outcome::Counter { start, answer });
        }
    }
    Ok(Outcome::Apply(answer))
}

/// Given before the newest answer taken: pressed earlier, and not on a newer copy (a clock may be behind). A copy of
/// before alone makes no answer old: since then only the place may have changed, and what did to the time is looked at
/// apart. Equal stamps are in the order they come in: a second click within the same second counts.
fn is_older(answer: &Answer, (sequence, dtstamp): (u32, DateTime<Utc>)) -> bool {
    answer.sequence <= sequence && answer.dtstamp < dtstamp
}

/// What the message wants, if a participant may want it.
fn method(known: &Known, in_header: Option<&str>, message: &CalendarMessage) -> Result<Method, Refusal> {
    if message.uid != known.uid {
        return Err(Refusal::WrongUid { found: message.uid.clone() });
    }
    let in_header = || in_header.filter(|word| !word.trim().is_empty()).map(Method::parse);
    match message.method.clone().or_else(in_header) {
        None => Ok(Method::Reply),
        Some(method @ (Method::Reply | Method::Counter | Method::Refresh)) => Ok(method),
        Some(other) => Err(Refusal::NotAReply(other)),
    }
}

/// Which revision it answers. Some programs send no SEQUENCE back, for whom it would be 0 for ever (RFC 5545 §3.8.7.4):
/// the hour tells whether it is the one that stands. A proposal has another hour than the one it answers.
fn revision(known: &Known, method: &Method, message: &CalendarMessage) -> Result<u32, Refusal> {
    let sent = known.sequence;
    match message.sequence {
        Some(found) if found > sent => Err(Refusal::SequenceAhead { found, sent }),
        Some(found) => Ok(found),
        None if *method == Method::Reply && message.start == Some(When::At(known.start)) => Ok(sent),
        // the hour is the one that stands, as it was given before a change of law
        None if message.start.is_some() && message.start == known.told_before.map(When::At) => Ok(known.time_sequence),
        None => Ok(0),
    }
}

/// Whoever asks for the state asks for themselves; many programs name nobody.
fn asks(known: &Known, message: &CalendarMessage) -> Result<(), Refusal> {
    if message.attendees.is_empty() {
        return may_speak(known, known.sender);
    }
    answering(known, &message.attendees).map(|_| ())
}

fn proposed(message: &CalendarMessage) -> Result<DateTime<Utc>, Refusal> {
    Err(Refusal::NoTime(match &message.start {
        _ if message.recurrence => NoTime::Series,
        Some(When::At(at)) => return Ok(*at),
        Some(When::Unknown { zone }) => {
            return Err(Refusal::UnknownZone { property: "DTSTART", zone: zone.clone() });
        }
        Some(When::Floating(local)) => NoTime::Floating(*local),
        Some(When::Day(day)) => NoTime::Day(*day),
        None => NoTime::Missing,
    }))
}

fn one_of(list: &[String], email: &str) -> bool {
    list.iter().any(|own| same_address(own, email))
}

/// Only the member, or whom the member declared.
fn may_speak(known: &Known, email: &str) -> Result<(), Refusal> {
    if one_of(known.member_emails, email) || one_of(known.delegates, email) {
        return Ok(());
    }
    Err(Refusal::UndeclaredDelegate { sent_by: email.to_owned() })
}

/// The one ATTENDEE for whom the message is read. Others beside (a delegate, or the whole list as some
/// programs send it) do not matter; only the member's own line is ever taken.
fn answering<'m>(known: &Known, attendees: &'m [Participant]) -> Result<&'m Participant, Refusal> {
    let mut own = attendees.iter().filter(|a| one_of(known.member_emails, &a.email));
    let Some(first) = own.next() else {
        return Err(match attendees {
            [] => Refusal::NoAttendee,
            [other] => Refusal::NotYours { attendee: other.email.clone() },
            several => Refusal::SeveralAttendees(several.len()),
        });
    };
    if own.any(|other| other.part_stat != first.part_stat) {
        return Err(Refusal::SeveralAttendees(attendees.len()));
    }
    may_speak(known, known.sender)?;
    first.sent_by.iter().try_for_each(|by| may_speak(known, by))?;
    Ok(first)
}

fn given_at(message: &CalendarMessage, received: DateTime<Utc>) -> DateTime<Utc> {
    let ahead = received.checked_add_signed(Duration::days(1)).unwrap_or(received);
    message.dtstamp.filter(|stamp| *stamp <= ahead).unwrap_or(received)
}

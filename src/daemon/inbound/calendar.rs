//! A calendar message in the inbox: which meeting, for which member, what `ical::itip` makes of it.

use super::{House, Reading, doubt, kept, person, proof_of, thread};
use crate::core::challenge::Deed;
use crate::core::event::{Ask, CalendarAnswer, CalendarAsk};
use crate::core::meeting::{Attendance, Attending};
use crate::core::proof::Level;
use crate::core::{DraftKey, Event, Group, Kind, Meeting, Member, MemberId};
use crate::daemon::compose::ALARMS_UID;
use crate::ical::{self, CalendarMessage, Method, PartStat, itip};
use crate::mail::{self, Known, Letter, Sent, Token};
use crate::store::{InboxRow, InboxState, StoreError};
use chrono::{DateTime, Utc};

/// A calendar message. What leads to the meeting is the event's UID, which all of the group know; what
/// leads to the member is the address in From, together with ATTENDEE. Where nothing proves From, it takes
/// a token of theirs, else the member is asked before anything is applied (`inbound.md` §4).
pub(super) fn calendar(house: &House<'_>, read: &mail::Reading, row: &InboxRow) -> Result<Reading, StoreError> {
    believed(house, read, row, Some(proof_of(row)))
}

/// Reads it with what proves its sender; `None` where the member themselves said that it is theirs.
fn believed(
    house: &House<'_>,
    read: &mail::Reading,
    row: &InboxRow,
    level: Option<Level>,
) -> Result<Reading, StoreError> {
    let letter = &read.letter;
    let proven = level == Some(Level::A);
    let messages: Vec<CalendarMessage> = letter.calendar.iter().flat_map(|bytes| ical::read(bytes)).collect();
    let mut refused = None;
    for message in &messages {
        if message.uid.ends_with(ALARMS_UID) {
            refused = Some(kept(InboxState::Recorded, "an answer to the facilitator's own alarms, which ask nothing"));
            continue;
        }
        let Some((group, number)) = house.store.meeting_by_uid(&message.uid)? else { continue };
        let Some(loaded) = house.store.load(&group, &house.kit.formats)? else { continue };
        let Some(meeting) = loaded.group.meeting(number) else {
            return Ok(kept(InboxState::Refused, "a calendar answer for a meeting that is long over"));
        };
        let received = Received { group: &loaded.group, meeting, letter, message, at: row.received_at, proven };
        match received.read() {
            reading @ Reading::Event { .. } if received.is_doubtful(house, &reading, level)? => {
                return Ok(received.doubted(reading, row));
            }
            reading @ Reading::Event { .. } => return Ok(reading),
            reading => refused = Some(reading),
        }
    }
    // a calendar that is none of ours, or our own that a program attached to a reply: the words beside
    // it may still be the answer
    let ours_back = |m: &CalendarMessage| matches!(m.method, Some(Method::Request | Method::Cancel));
    let may_be_words = refused.is_none() || messages.iter().all(ours_back);
    if may_be_words && read.route.is_some() {
        return person(house, read, row);
    }
    match refused {
        Some(reading) => Ok(reading),
        None => Ok(kept(InboxState::Refused, "a calendar message about no meeting of ours")),
    }
}

/// What a calendar message that waited for its member's yes says in this group.
pub(super) fn confirmed(house: &House<'_>, group: &Group, row: &InboxRow) -> Result<Option<Event>, StoreError> {
    // not "proven": the receipt says what came of it
    let read = mail::read(&row.bytes, None, house)?;
    match believed(house, &read, row, None)? {
        Reading::Event { group: of, event, .. } if of == group.id && deed(group, &event) != Deed::Unclear => {
            Ok(Some(*event))
        }
        _ => Ok(None),
    }
}

/// What a calendar message would do.
pub(super) fn deed(group: &Group, event: &Event) -> Deed {
    let words = |text: &str| Deed::Text { count: text.split_whitespace().count() };
    match event {
        Event::Calendar(answer) => Deed::of_button(answer.attendance.answer),
        Event::Asked(CalendarAsk { ask: Ask::Counter { start, .. }, .. }) => {
            Deed::Proposes { to: start.with_timezone(&group.spec.zone).naive_local() }
        }
        Event::Asked(CalendarAsk { ask: Ask::Refresh { .. }, .. }) => Deed::Refresh,
        Event::Asked(CalendarAsk { ask: Ask::Delegated { .. }, .. }) => Deed::StaysAway,
        Event::Asked(CalendarAsk { ask: Ask::Said { text, .. }, .. }) => words(text),
        Event::Asked(CalendarAsk {
            ask:
                Ask::NoTime { text: Some(text), .. }
                | Ask::UnknownZone { text: Some(text), .. }
                | Ask::OldTime { text: Some(text), .. },
            ..
        }) => words(text),
        _ => Deed::Unclear,
    }
}

/// One VEVENT about one of our meetings, and the mail it came in.
struct Received<'a> {
    group: &'a Group,
    meeting: &'a Meeting,
    letter: &'a Letter,
    message: &'a CalendarMessage,
    at: DateTime<Utc>,
    proven: bool,
}

impl Received<'_> {
    fn read(&self) -> Reading {
        let Some(from) = self.letter.from.as_ref().map(|f| f.email.as_str()) else {
            return kept(InboxState::Refused, "a calendar answer that says not whom it is from");
        };
        let Some(member) = self.speaks_for(from) else { return self.not_invited(None, from) };
        let emails: Vec<String> = addresses(member).collect();
        let delegates: Vec<String> = member.delegates.iter().map(ToString::to_string).collect();
        let known = itip::Known {
            uid: self.meeting.uid.as_str(),
            sequence: self.meeting.sequence,
            time_sequence: self.meeting.time_sequence,
            start: self.group.starts(self.meeting),
            told_before: self.meeting.told_before,
            member_emails: &emails,
            delegates: &delegates,
            sender: from,
            last: self.meeting.attendance.get(&member.id).map(|a| (a.sequence, a.stamp)),
            // the core tells the member, who may not know that it is off
            cancelled: false,
        };
        match itip::answer(&known, self.letter.calendar_method.as_deref(), self.message, self.at) {
            Ok(outcome) => self.outcome(&member.id, outcome),
            // the member's button pressed under an address that nobody knows
            Err(itip::Refusal::NotYours { attendee }) if self.group.by_address(&attendee).is_none() => {
                self.not_invited(Some(&member.id), &attendee)
            }
            Err(refusal @ (itip::Refusal::UnknownZone { .. } | itip::Refusal::NoTime(_))) => {
                let (from, why, text) = (member.id.clone(), refusal.to_string(), self.comment());
                let ask = match refusal.zone().map(str::to_owned) {
                    Some(zone) => Ask::UnknownZone { from, zone, why, text },
                    None => Ask::NoTime { from, why, text },
                };
                self.asked(Some(&member.id), ask)
            }
            // the word at the end is what `status` counts by
            Err(refusal) => self.kept(InboxState::Refused, &member.id, format!("{refusal} [{}]", refusal.code())),
        }
    }

    /// Nobody's address in the group as it is: of somebody who left, or of somebody to whom the invitation was
    /// forwarded.
    fn not_invited(&self, member: Option<&MemberId>, address: &str) -> Reading {
        match self.group.members.iter().find(|m| m.left.is_some() && m.has_address(address)) {
            Some(left) => {
                let reason = "a calendar answer of somebody who has left the group [left]".to_owned();
                self.kept(InboxState::Refused, &left.id, reason)
            }
            None => self.asked(member, Ask::Forwarded { who: address.to_owned() }),
        }
    }

    /// Whether it waits for its member's word. What does nothing in a member's name needs none.
    fn is_doubtful(&self, house: &House<'_>, reading: &Reading, level: Option<Level>) -> Result<bool, StoreError> {
        match (level, reading) {
            (Some(Level::C), _) => Ok(true),
            (Some(Level::B), Reading::Event { member: Some(member), event, .. }) => {
                Ok(deed(self.group, event) != Deed::Unclear && !self.has_token(house, member)?)
            }
            _ => Ok(false),
        }
    }

    /// Whether it bears a token that was made for this member and still proves something: that of the mail it
    /// answers, or the one in our event that it sends back.
    fn has_token(&self, house: &House<'_>, member: &MemberId) -> Result<bool, StoreError> {
        let sent_back = self.message.reference.as_deref().and_then(Token::parse);
        let theirs =
            |sent: Sent| sent.fits && !sent.expired && sent.key.group == self.group.id && sent.key.member == *member;
        for token in mail::tokens(self.letter).into_iter().map(|found| found.token).chain(sent_back) {
            if house.sent(&token)?.is_some_and(theirs) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What nothing proves, or its sender's own domain denies: the member is asked, by the invitation that it answers.
    fn doubted(&self, reading: Reading, row: &InboxRow) -> Reading {
        let Reading::Event { member: Some(member), event, .. } = reading else { return doubt::denied() };
        let invited = self.group.was_sent(Some(self.meeting.number), Kind::Invitation, &member);
        let (Some(sent), true) = (invited, deed(self.group, &event) != Deed::Unclear) else { return doubt::denied() };
        let (group, meeting) = (self.group.id.clone(), Some(self.meeting.number));
        let to = DraftKey {
            group,
            meeting,
            kind: Kind::Invitation,
            step: None,
            member,
            revision: sent.revision,
            preview: None,
        };
        doubt::button(self.group, &event, to, row)
    }

    /// For whom this address answers: the member whose own it is, or who declared it (`decisions.md` 5).
    fn speaks_for<'s>(&'s self, from: &'s str) -> Option<&'s Member> {
        let attendees = &self.message.attendees;
        let named = |m: &&Member| attendees.iter().any(|a| m.has_address(&a.email));
        let own = self.group.by_address(from);
        own.filter(named)
            .or_else(|| self.group.represented_by(from).find(named))
            .or(own)
            .or_else(|| self.group.represented_by(from).next().filter(|_| attendees.is_empty()))
    }

    fn outcome(&self, member: &MemberId, outcome: itip::Outcome) -> Reading {
        let (answer, old_time) = match outcome {
            itip::Outcome::Apply(answer) => (answer, false),
            itip::Outcome::OldTime(answer) => (answer, true),
            itip::Outcome::Refresh => return self.asked(Some(member), Ask::Refresh { from: member.clone() }),
            itip::Outcome::Counter { start, answer } => {
                let text = self.comment();
                let attendance = attendance(&answer, text.clone());
                return self.asked(Some(member), Ask::Counter { from: member.clone(), start, attendance, text });
            }
        };
        let Some(attendance) = attendance(&answer, self.comment()) else {
            if old_time && self.proposes() {
                return self.asked(Some(member), Ask::OldTime { from: member.clone(), text: self.comment() });
            }
            if let Some(text) = self.comment() {
                return self.asked(Some(member), Ask::Said { from: member.clone(), text });
            }
            let reason = format!("a calendar answer that says neither yes nor no ({})", answer.part_stat.as_str());
            return self.kept(InboxState::Recorded, member, reason);
        };
        if !answer.delegated_to.is_empty() && answer.part_stat == PartStat::Delegated && !old_time {
            let ask = Ask::Delegated { from: member.clone(), to: answer.delegated_to, attendance };
            return self.asked(Some(member), ask);
        }
        self.event(
            Some(member),
            Event::Calendar(CalendarAnswer {
                from: member.clone(),
                uid: self.meeting.uid.clone(),
                attendance,
                old_time,
                proven: self.proven,
                mail: thread(self.letter),
            }),
        )
    }

    /// It is a COUNTER.
    fn proposes(&self) -> bool {
        let in_header = || self.letter.calendar_method.as_deref().map(Method::parse);
        self.message.method.clone().or_else(in_header) == Some(Method::Counter)
    }

    /// What was written beside the button: in the calendar, else in the mail around it, without what the
    /// program wrote there by itself (`calendar.md` 14).
    fn comment(&self) -> Option<String> {
        if self.message.comment.is_some() {
            return self.message.comment.clone();
        }
        let text = mail::reply(self.letter, None).text;
        let name = self.letter.from.as_ref().and_then(|f| f.name.as_deref()).unwrap_or_default();
        let text = ical::without_machine_text(&mail::without_name(&text, name), self.message.summary.as_deref());
        (!text.is_empty()).then_some(text)
    }

    fn asked(&self, member: Option<&MemberId>, ask: Ask) -> Reading {
        let (uid, mail) = (self.meeting.uid.clone(), thread(self.letter));
        self.event(member, Event::Asked(CalendarAsk { uid, mail, proven: self.proven, ask }))
    }

    fn event(&self, member: Option<&MemberId>, event: Event) -> Reading {
        Reading::Event { group: self.group.id.clone(), member: member.cloned(), key: None, event: Box::new(event) }
    }

    fn kept(&self, state: InboxState, member: &MemberId, reason: String) -> Reading {
        Reading::Kept { state, reason, about: Some((self.group.id.clone(), member.clone())) }
    }
}

fn addresses(member: &Member) -> impl Iterator<Item = String> {
    std::iter::once(&member.email).chain(&member.aliases).map(ToString::to_string)
}

/// The answer as the core keeps it; `None` where it says neither yes nor no.
fn attendance(answer: &itip::Answer, comment: Option<String>) -> Option<Attendance> {
    let said = match answer.part_stat {
        PartStat::Accepted => Attending::Yes,
        // whoever comes instead, they do not
        PartStat::Declined | PartStat::Delegated => Attending::No,
        PartStat::Tentative => Attending::Maybe,
        PartStat::NeedsAction => return None,
    };
    Some(Attendance { answer: said, sequence: answer.sequence, stamp: answer.dtstamp, comment })
}

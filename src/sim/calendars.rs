//! What stands in people's calendars: each mail that reached them is taken as their programs take it (RFC 5546 §2.1.5).

use crate::core::meeting::Stage;
use crate::core::{Group, GroupId, MeetingNo, MemberId};
use crate::ical::{self, Method, When};
use crate::mail::Letter;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// An event as it stands there.
#[derive(Debug, Clone)]
struct Entry {
    sequence: u32,
    stamp: Option<DateTime<Utc>>,
    /// Nothing once it was taken off.
    start: Option<DateTime<Utc>>,
}

/// Everybody's, by address and UID.
#[derive(Debug, Default)]
pub struct Calendars {
    entries: BTreeMap<(String, String), Entry>,
}

/// Meetings of which a calendar mail to a member did not reach them.
pub type Missed = BTreeSet<(GroupId, MemberId, MeetingNo)>;

impl Calendars {
    /// A mail reached that address.
    pub fn reached(&mut self, address: &str, letter: &Letter) {
        for message in letter.calendar.iter().flat_map(|bytes| ical::read(bytes)) {
            let start = match (&message.method, &message.start) {
                (Some(Method::Request), Some(When::At(start))) => Some(*start),
                (Some(Method::Cancel), _) => None,
                _ => continue,
            };
            let (sequence, stamp) = (message.sequence.unwrap_or(0), message.dtstamp);
            let key = (address.to_owned(), message.uid);
            if self.entries.get(&key).is_none_or(|e| (e.sequence, e.stamp) <= (sequence, stamp)) {
                self.entries.insert(key, Entry { sequence, stamp, start });
            }
        }
    }

    /// What stands there and is not so, of meetings that lie ahead, or is so and does not stand there.
    pub fn wrong(&self, group: &Group, missed: &Missed, now: DateTime<Utc>) -> Vec<String> {
        let mut wrong = Vec::new();
        for meeting in group.meetings.iter().filter(|m| group.starts(m) > now) {
            let planned = meeting.stage == Stage::Planned;
            // who stopped all mail, or whose mailbox refuses it, is told nothing
            let told = |id: &MemberId| {
                let member = group.member(id).filter(|m| m.is_reached());
                member.filter(|_| !missed.contains(&(group.id.clone(), id.clone(), meeting.number)))
            };
            for member in group.members.iter().filter(|m| told(&m.id).is_some()) {
                let entries = self.entries.iter().filter(|((to, uid), _)| {
                    uid == meeting.uid.as_str() && to.split('@').next() == Some(member.id.as_str())
                });
                let of = |member: &str| format!("meeting {} in the calendar of {member}", meeting.number);
                for ((to, _), entry) in entries {
                    let invited = planned && member.gets_mail() && member.email.is(to);
                    let right = invited.then(|| group.starts(meeting));
                    if entry.start != right {
                        wrong.push(format!("{}: {:?}, which is {right:?}", of(to), entry.start));
                    }
                }
                let here = (member.email.to_string(), meeting.uid.to_string());
                if planned
                    && member.is_active()
                    && group.is_invited(meeting.number, &member.id)
                    && !self.entries.contains_key(&here)
                {
                    wrong.push(format!("{} is missing", of(member.email.as_str())));
                }
            }
        }
        wrong
    }
}

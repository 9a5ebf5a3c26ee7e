//! A group as it runs: its people, its meetings that still matter, and what was already said to whom.

use crate::core::challenge::Challenge;
use crate::core::draft::{Draft, DraftKey, Kind};
use crate::core::event::Inverse;
use crate::core::format::Formats;
use crate::core::ids::{Email, GroupId, Language, MeetingNo, MemberId};
use crate::core::meeting::Meeting;
use crate::core::reach::Reach;
use crate::core::refusal::Refusal;
use crate::core::spec::{GroupSpec, Settings};
use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One person of the group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Short name.
    pub id: MemberId,
    /// Name as others read it.
    pub name: String,
    /// Where mail goes.
    pub email: Email,
    /// Other addresses of the same person.
    pub aliases: Vec<Email>,
    /// Addresses of those who may answer invitations for them.
    pub delegates: Vec<Email>,
    /// Language of the mails.
    pub language: Language,
    /// Zone in which they read hours.
    pub zone: Tz,
    /// In the circle: speaks, and is requester in turn.
    pub circle: bool,
    /// Facilitates; position among the facilitators, 0 leads.
    pub facilitates: Option<u32>,
    /// When they joined.
    pub joined: DateTime<Utc>,
    /// When they left; people who left stay for the ledger and get no mail.
    pub left: Option<DateTime<Utc>>,
    /// Asked for no more mail (`stop`), since then.
    pub paused: Option<DateTime<Utc>>,
    /// Mail to them came back too often: none goes there, since then.
    pub unreachable: Option<DateTime<Utc>>,
    /// What came back lately, and an absence that was announced.
    pub reach: Reach,
}

impl Member {
    /// In the group today.
    pub fn is_active(&self) -> bool {
        self.left.is_none()
    }

    /// In the group and to be written to.
    pub fn gets_mail(&self) -> bool {
        self.is_active() && self.is_reached()
    }

    /// Neither refused mail nor was refused it.
    pub fn is_reached(&self) -> bool {
        self.paused.is_none() && self.unreachable.is_none()
    }

    /// Whether this address is theirs.
    pub fn has_address(&self, address: &str) -> bool {
        std::iter::once(&self.email).chain(&self.aliases).any(|a| a.is(address))
    }
}

/// A turn as requester that was held or announced (the rotation's ledger).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The meeting.
    pub meeting: MeetingNo,
    /// Whose turn.
    pub member: MemberId,
    /// When it was, or is to be.
    pub wall: NaiveDateTime,
}

/// What was already drafted, and how often: the counter that makes a draft's key unique.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SentKey {
    /// The meeting, for mails about one.
    pub meeting: Option<MeetingNo>,
    /// Which mail.
    pub kind: Kind,
    /// Position of the step in the run, for prompts.
    pub step: Option<u32>,
    /// To whom.
    pub member: MemberId,
}

/// The last draft of a [`SentKey`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Revision of the last one; the first is 0.
    pub revision: u32,
    /// When it was decided.
    pub at: DateTime<Utc>,
}

/// How to take back what a receipt told, until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// The meeting it is about.
    pub meeting: Option<MeetingNo>,
    /// Who may take it back.
    pub member: MemberId,
    /// Revision of the receipt that offers it.
    pub receipt: u32,
    /// What undoes it.
    pub inverse: Inverse,
    /// When it was applied.
    pub at: DateTime<Utc>,
}

/// A group with all that is needed to decide.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Short name.
    pub id: GroupId,
    /// What was applied last from the group's file, for the three-way comparison.
    pub spec: GroupSpec,
    /// People, those who left included.
    pub members: Vec<Member>,
    /// Turns as requester of meetings that are not cancelled, in order.
    pub turns: Vec<Turn>,
    /// Meetings that still matter: open ones, those being collected, and the last held ones.
    pub meetings: Vec<Meeting>,
    /// Number the next meeting gets.
    pub next_meeting: u32,
    /// Mails really go out to all; until then only to the facilitator.
    pub live: bool,
    /// The last slot of the schedule that was planned or passed over; the next one lies after it.
    pub last_slot: Option<NaiveDateTime>,
    /// What was drafted already.
    pub sent: BTreeMap<SentKey, Sent>,
    /// What can still be taken back.
    pub undos: Vec<Undo>,
    /// "Was it you?": what waits for somebody's word, and what had it lately.
    pub challenges: Vec<Challenge>,
    /// All formats.
    pub formats: Formats,
}

/// A line of the story, for people; nobody decides from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalLine {
    /// The meeting it is about.
    pub meeting: Option<MeetingNo>,
    /// The member it is about.
    pub member: Option<MemberId>,
    /// A sentence in English, without people's words.
    pub text: String,
}

/// What comes out of a decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The group after it.
    pub group: Group,
    /// What is to be mailed.
    pub drafts: Vec<Draft>,
    /// The story.
    pub journal: Vec<JournalLine>,
    /// Why what somebody wrote was not done; a mail, theirs or the facilitator's, says so.
    pub refused: Option<Refusal>,
}

impl Group {
    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.spec.settings
    }

    /// The member of that short name, whether still in the group or not.
    pub fn member(&self, id: &MemberId) -> Option<&Member> {
        self.members.iter().find(|m| m.id == *id)
    }

    /// The active member who writes from this address.
    pub fn by_address(&self, address: &str) -> Option<&Member> {
        self.members.iter().find(|m| m.is_active() && m.has_address(address))
    }

    /// The active members for whom this address may answer an invitation.
    pub fn represented_by<'a>(&'a self, address: &'a str) -> impl Iterator<Item = &'a Member> {
        self.members.iter().filter(move |m| m.is_active() && m.delegates.iter().any(|d| d.is(address)))
    }

    /// The meeting of that number, if it still matters.
    pub fn meeting(&self, number: MeetingNo) -> Option<&Meeting> {
        self.meetings.iter().find(|m| m.number == number)
    }

    /// The same, to change it.
    pub fn meeting_mut(&mut self, number: MeetingNo) -> Option<&mut Meeting> {
        self.meetings.iter_mut().find(|m| m.number == number)
    }

    /// Active people of the circle, in the file's order.
    pub fn circle(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|m| m.circle && m.is_active())
    }

    /// Active facilitators, the leading one first.
    pub fn facilitators(&self) -> Vec<&Member> {
        let mut all: Vec<_> = self.members.iter().filter(|m| m.is_active() && m.facilitates.is_some()).collect();
        all.sort_by_key(|m| m.facilitates);
        all
    }

    /// Facilitators whom mail reaches, the leading one first; the leading one where it reaches nobody.
    pub fn leaders(&self) -> Vec<MemberId> {
        let all = self.facilitators();
        let reached: Vec<_> = all.iter().filter(|m| m.gets_mail()).map(|m| m.id.clone()).collect();
        if reached.is_empty() { all.first().map(|m| m.id.clone()).into_iter().collect() } else { reached }
    }

    /// Whether the facilitator's own event of this meeting stands in a member's calendar.
    pub fn has_alarms(&self, meeting: MeetingNo, member: &MemberId) -> bool {
        let sent = |kind| self.was_sent(Some(meeting), kind, member).map(|s| s.at);
        let off = sent(Kind::FacilitatorAlarmsOff);
        sent(Kind::FacilitatorAlarms).is_some_and(|on| off.is_none_or(|off| off < on))
    }

    /// The mail that would have asked "was it you?" once more is kept back: a later word may still bring it.
    pub fn was_not_asked_again(&mut self, key: &DraftKey) {
        for challenge in self.challenges.iter_mut().filter(|c| c.again.as_ref() == Some(key)) {
            challenge.again = None;
        }
    }

    /// Whether this mail was drafted.
    pub fn was_sent(&self, meeting: Option<MeetingNo>, kind: Kind, member: &MemberId) -> Option<&Sent> {
        self.sent.get(&SentKey { meeting, kind, step: None, member: member.clone() })
    }

    /// Whether this person has the meeting in their calendar: invited, and not taken off since.
    pub fn is_invited(&self, number: MeetingNo, member: &MemberId) -> bool {
        let sent = |kind| self.was_sent(Some(number), kind, member).map(|sent| sent.at);
        sent(Kind::Invitation).is_some() && sent(Kind::Cancelled) <= sent(Kind::Invitation)
    }
}

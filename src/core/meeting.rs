//! One meeting: its time, who comes, its subject, its run, and what people wrote for it.

use crate::core::format::FormatId;
use crate::core::ids::{MeetingNo, MemberId, Uid};
use crate::core::run::Run;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a meeting stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// On the calendar, not begun.
    Planned,
    /// Its session is being held.
    Running,
    /// Held; plan and learnings are being collected.
    Collecting,
    /// The digest is out.
    Digested,
    /// Will not take place.
    Cancelled,
}

/// A person's answer to the invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attending {
    /// Comes.
    Yes,
    /// Does not come.
    No,
    /// Does not know yet.
    Maybe,
}

/// The newest answer of one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attendance {
    /// The answer.
    pub answer: Attending,
    /// SEQUENCE it was given for (RFC 5546 §2.1.5).
    pub sequence: u32,
    /// When it was given: DTSTAMP of a calendar answer, arrival of a mail.
    pub stamp: DateTime<Utc>,
    /// What the person wrote with it.
    pub comment: Option<String>,
}

/// What the requester lets the group read before the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sharing {
    /// All of it.
    All,
    /// Its first line.
    TitleOnly,
    /// Nothing: it will be told in the session.
    Nothing,
}

/// The requester's subject as collected by mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Word for word.
    pub text: String,
    /// What may be shared; `None` until the requester says so.
    pub sharing: Option<Sharing>,
    /// When the last word of it came.
    pub at: DateTime<Utc>,
}

impl Subject {
    /// Its first line that says something, without the label of the preparation sheet: no greeting,
    /// which would be all that the group reads where only the title is shared.
    pub fn title(&self) -> &str {
        let lines = || self.text.lines().map(str::trim).filter(|l| !l.is_empty());
        let line = lines().find(|l| !is_greeting(l)).or_else(|| lines().next()).unwrap_or("");
        match line.split_once(':') {
            Some((label, rest)) if label.split_whitespace().count() <= 2 && !rest.trim().is_empty() => rest.trim(),
            _ => line,
        }
    }
}

/// "Bonjour,", "Hi Marie!", "Bonsoir à tous,": a few words before a comma or an exclamation mark.
fn is_greeting(line: &str) -> bool {
    line.ends_with([',', '!']) && line.split_whitespace().count() <= 4
}

/// What a text of a member is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// "Aidez-moi à …".
    Request,
    /// A contribution worth keeping.
    Contribution,
    /// The requester's plan, word for word.
    ActionPlan,
    /// A learning.
    Learning,
    /// What became of the plan (M25, M26).
    FollowUp,
    /// Anything else somebody wrote for this meeting.
    Note,
}

/// A text of a member, word for word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Number within the meeting, from 1.
    pub id: u32,
    /// Who wrote it.
    pub by: MemberId,
    /// What it is part of.
    pub section: Section,
    /// When it came.
    pub at: DateTime<Utc>,
    /// The text.
    pub text: String,
    /// To be shown without the name.
    pub anonymous: bool,
    /// Taken back by its author: kept nowhere in what goes out.
    pub withdrawn: bool,
}

/// One line of the action plan, with what was recognised in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Number within the meeting, from 1.
    pub id: u32,
    /// The line, word for word.
    pub text: String,
    /// By when, if a date was recognised.
    pub due: Option<NaiveDate>,
    /// Whether the group may read it.
    pub shared: bool,
    /// What the requester said of it later.
    pub progress: Option<Progress>,
}

/// How an action is going, in its owner's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// Done.
    Done,
    /// Begun.
    Started,
    /// Something stands in the way.
    Stuck,
    /// Given up.
    Dropped,
}

/// The digest's way: reviewed by the requester, then sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestState {
    /// When the requester got it to review.
    pub review_sent: Option<DateTime<Utc>>,
    /// When the requester said yes.
    pub approved: Option<DateTime<Utc>>,
    /// The requester keeps the plan and the request to themselves.
    pub withdrawn: bool,
    /// When it left for all.
    pub sent: Option<DateTime<Utc>>,
    /// A correction came after that and has not gone out.
    pub correction_due: Option<DateTime<Utc>>,
}

/// A facilitator's order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Led {
    /// Whose.
    pub by: MemberId,
    /// When it was done.
    pub at: DateTime<Utc>,
}

/// One meeting of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meeting {
    /// Its number in the group.
    pub number: MeetingNo,
    /// The UID of its calendar event, for life.
    pub uid: Uid,
    /// The slot of the schedule it was planned for, in the group's zone; stays when it is moved.
    pub slot: NaiveDateTime,
    /// The hour people agreed on, in the group's zone: the truth, whatever the law does to the clock.
    pub wall: NaiveDateTime,
    /// The instant that calendars were given for it: a change of law makes it another (`decisions.md` 35). `None` where
    /// an older release planned it.
    #[serde(default)]
    pub announced: Option<DateTime<Utc>>,
    /// What they were given before the last change of law, as long as the hour agreed on is the same: whoever has not
    /// opened the update still means that hour by it.
    #[serde(default)]
    pub told_before: Option<DateTime<Utc>>,
    /// Its format.
    pub format: FormatId,
    /// Link or room, if not the group's.
    pub place: Option<String>,
    /// iCalendar SEQUENCE (RFC 5545 §3.8.7.4).
    pub sequence: u32,
    /// SEQUENCE of the last change of time: older answers do not count for the new time.
    pub time_sequence: u32,
    /// When it was planned (CREATED).
    pub created: DateTime<Utc>,
    /// When time, place or status last changed (LAST-MODIFIED).
    pub changed: DateTime<Utc>,
    /// Where it stands.
    pub stage: Stage,
    /// Whose turn it is.
    pub requester: MemberId,
    /// Next in the rotation, who keeps a light subject ready.
    pub backup: Option<MemberId>,
    /// Who leads.
    pub facilitator: MemberId,
    /// The last order about the subject or the seat (M07): of several facilitators the first one's holds.
    #[serde(default)]
    pub led: Option<Led>,
    /// Newest answer of each who answered.
    pub attendance: BTreeMap<MemberId, Attendance>,
    /// The subject, once it came.
    pub subject: Option<Subject>,
    /// The live clock, once the session began.
    pub run: Option<Run>,
    /// When the session ended.
    pub ended: Option<DateTime<Utc>>,
    /// What people wrote, in order of arrival.
    pub words: Vec<Word>,
    /// The plan's lines.
    pub actions: Vec<Action>,
    /// The digest's way.
    pub digest: DigestState,
}

impl Meeting {
    /// The newest text of a section by a member that was not taken back.
    pub fn word(&self, section: Section, by: &MemberId) -> Option<&Word> {
        self.words.iter().rev().find(|w| w.section == section && w.by == *by && !w.withdrawn)
    }

    /// All texts of a section that were not taken back, in order of arrival.
    pub fn words_of(&self, section: Section) -> impl Iterator<Item = &Word> {
        self.words.iter().filter(move |w| w.section == section && !w.withdrawn)
    }

    /// The request as it stands, whoever noted it.
    pub fn request(&self) -> Option<&Word> {
        self.words.iter().rev().find(|w| w.section == Section::Request && !w.withdrawn)
    }

    /// What this member answered, if anything.
    pub fn attending(&self, member: &MemberId) -> Option<Attending> {
        self.attendance.get(member).map(|a| a.answer)
    }

    /// Still ahead or being held.
    pub fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Planned | Stage::Running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_no_greeting_and_no_label() {
        let title = |text: &str| {
            let subject = Subject { text: text.to_owned(), sharing: None, at: DateTime::default() };
            subject.title().to_owned()
        };
        assert_eq!(title("Bonjour,\n\nDire non sans me fâcher.\nEt le reste."), "Dire non sans me fâcher.");
        assert_eq!(title("Hi Marie!\nSaying no"), "Saying no");
        assert_eq!(title("Titre : dire non"), "dire non");
        assert_eq!(title("Dire non, enfin, un peu,\nà mes anciens collègues"), "Dire non, enfin, un peu,");
        assert_eq!(title("Courage !"), "Courage !");
        assert_eq!(title("\n\n"), "");
    }
}

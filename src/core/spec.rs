//! What a group file says, once read: the wish against which `group apply` compares what runs.

use crate::core::format::FormatId;
use crate::core::ids::{Email, GroupId, Language, MemberId};
use crate::core::schedule::Schedule;
use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// One person of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberSpec {
    /// Short name, unique in the group; by default made from the name.
    pub id: MemberId,
    /// Name as others read it: "Ana Lopes".
    pub name: String,
    /// Where mail goes.
    pub email: Email,
    /// Other addresses the same person writes from.
    #[serde(default)]
    pub aliases: Vec<Email>,
    /// Addresses of those who may press a calendar's button for this person (RFC 5545 §3.2.18, SENT-BY).
    #[serde(default)]
    pub delegates: Vec<Email>,
    /// Language of the mails; by default the group's.
    pub language: Language,
    /// Time zone; by default the group's.
    pub zone: Tz,
    /// Whom the person reports to: a name, an address or a short name. Refused if that one is in the group.
    #[serde(default)]
    pub reports_to: Option<String>,
}

/// All that can be set a group, with the method's defaults (`product.md`, "A month").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Days before a meeting at which its invitation goes out.
    pub invite_ahead_days: u32,
    /// Days before at which the requester is asked for the subject (M04).
    pub subject_days: u32,
    /// Days before of the two reminders (M05, M06).
    pub reminder_days: (u32, u32),
    /// Days before at which the facilitator is told that there is no subject (M07).
    pub escalation_days: u32,
    /// Days before at which the subject is shared (M10).
    pub share_days: u32,
    /// Days before at which attendance is asked again (M11).
    pub attendance_days: u32,
    /// Days before of the warm-up (M12).
    pub warm_up_days: u32,
    /// Minutes before the start of the day-of mail (M13).
    pub day_of_minutes: u32,
    /// Hour of the day, in the group's zone, at which mails counted in days go out.
    pub hour: u32,
    /// Seconds before its step at which a prompt goes out.
    pub prompt_lead_seconds: u32,
    /// Seconds after its due time (lead included) beyond which a prompt is not sent.
    pub prompt_late_seconds: u32,
    /// Seconds after the end of a session at which plan and learnings are asked (M20, M21).
    pub collect_after_seconds: u32,
    /// Seconds after the end of the one reminder (M22).
    pub last_call_seconds: u32,
    /// Seconds after the end at which the requester gets the digest to review at the latest.
    pub review_seconds: u32,
    /// Seconds the requester has to review.
    pub review_time_seconds: u32,
    /// Seconds after the end at which the digest leaves whatever is missing (M24).
    pub digest_seconds: u32,
    /// Seconds after the digest during which a correction goes out.
    pub correction_seconds: u32,
    /// Days after the meeting of the follow-up (M25).
    pub follow_up_days: u32,
    /// Days before the next meeting at which the previous requester gets the plan again (M26).
    pub plan_reprint_days: u32,
    /// Fewest people in the circle with whom a session makes sense.
    pub quorum: u32,
    /// Whether the calendar event names everybody who is invited.
    pub guest_list: GuestList,
    /// The facilitator gets an event of their own that rings at every step.
    pub facilitator_alarms: bool,
    /// French mails say *tu*.
    pub informal: bool,
    /// English times as 18:00 rather than 6:00 pm.
    pub clock_24h: bool,
}

impl Default for Settings {
    fn default() -> Self {
        const DAY: u32 = 86_400;
        Self {
            invite_ahead_days: 30,
            subject_days: 21,
            reminder_days: (14, 10),
            escalation_days: 7,
            share_days: 5,
            attendance_days: 3,
            warm_up_days: 1,
            day_of_minutes: 60,
            hour: 9,
            prompt_lead_seconds: 60,
            prompt_late_seconds: 90,
            collect_after_seconds: 15 * 60,
            last_call_seconds: 2 * DAY,
            review_seconds: 3 * DAY,
            review_time_seconds: DAY,
            digest_seconds: 4 * DAY,
            correction_seconds: 2 * DAY,
            follow_up_days: 14,
            plan_reprint_days: 3,
            quorum: 4,
            guest_list: GuestList::Visible,
            facilitator_alarms: false,
            informal: false,
            clock_24h: false,
        }
    }
}

/// Who reads in the calendar event who else is invited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuestList {
    /// Everybody.
    #[default]
    Visible,
    /// Nobody: each copy names its receiver alone.
    Hidden,
}

/// A span of days without meetings, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skip {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
}

/// The whole group file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSpec {
    /// Short name.
    pub id: GroupId,
    /// Name for people: "Codev cadres Lyon".
    pub name: String,
    /// Who hosts the group, as the first mail says it.
    pub host: Option<String>,
    /// Language of what is said to all.
    pub language: Language,
    /// Zone in which the schedule is meant.
    pub zone: Tz,
    /// When the group meets.
    pub schedule: Schedule,
    /// Days without meetings.
    pub skip: Vec<Skip>,
    /// Format of the sessions.
    pub format: FormatId,
    /// Video link or room.
    pub place: Option<String>,
    /// Phone number when the link fails.
    pub phone: Option<String>,
    /// Everybody, the facilitators too.
    pub members: Vec<MemberSpec>,
    /// Short names of the facilitators; the first leads.
    pub facilitators: Vec<MemberId>,
    /// Facilitators that belong to the circle: they speak, and are requester in their turn.
    pub facilitators_in_circle: bool,
    /// "I know that 4 or 9 is outside the method": with it those sizes are a warning, not an error.
    pub size_override: bool,
    /// First day on which a meeting may be.
    pub starts: Option<NaiveDate>,
    /// The rest.
    pub settings: Settings,
}

/// What is wrong with a group, apart from its spelling. The config room adds file and line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecProblem {
    /// Fewer than five or more than eight in the circle.
    #[error("{found} people in the circle; codéveloppement is for 5 to 8 (4 or 9 only with size_override = true)")]
    Size {
        /// People counted.
        found: usize,
    },
    /// Two people, one short name or address.
    #[error("{what} stands twice: {first} and {second}")]
    Twice {
        /// The short name or address.
        what: String,
        /// One person.
        first: String,
        /// The other.
        second: String,
    },
    /// Two members with a hierarchical link.
    #[error(
        "{member} reports to {chief}, who is in the group too: codéveloppement has no hierarchical link in the circle; one of the two joins another group"
    )]
    Hierarchy {
        /// Who reports.
        member: String,
        /// To whom.
        chief: String,
    },
    /// A facilitator that is not among the people.
    #[error("facilitator {found:?} is not among the people of the group: {expected}")]
    NoSuchFacilitator {
        /// The short name.
        found: String,
        /// Those there are.
        expected: String,
    },
    /// Nobody facilitates.
    #[error("nobody facilitates: name one in facilitators = [\"…\"]")]
    NoFacilitator,
    /// A format nobody knows.
    #[error("format {found:?} is not known: {expected}")]
    NoSuchFormat {
        /// The name.
        found: String,
        /// Those there are.
        expected: String,
    },
}

impl GroupSpec {
    /// Whether this person is in the circle: speaks, and is requester in turn.
    pub fn in_circle(&self, id: &MemberId) -> bool {
        self.facilitators_in_circle || !self.facilitators.contains(id)
    }

    /// Everything wrong with it, apart from spelling; empty when all is well.
    pub fn problems(&self, formats: &crate::core::Formats) -> Vec<SpecProblem> {
        let mut found = self.size_problem();
        found.extend(self.twice());
        found.extend(self.hierarchy());
        if self.facilitators.is_empty() {
            found.push(SpecProblem::NoFacilitator);
        }
        let names = || self.members.iter().map(|m| m.id.as_str()).collect::<Vec<_>>().join(", ");
        found.extend(
            self.facilitators
                .iter()
                .filter(|f| !self.members.iter().any(|m| m.id == **f))
                .map(|f| SpecProblem::NoSuchFacilitator { found: f.to_string(), expected: names() }),
        );
        if !formats.contains_key(&self.format) {
            let expected = formats.keys().map(|k| k.as_str()).collect::<Vec<_>>().join(", ");
            found.push(SpecProblem::NoSuchFormat { found: self.format.to_string(), expected });
        }
        found
    }

    /// What is allowed but should be known: an unusual size, a format too short for it.
    pub fn warnings(&self, formats: &crate::core::Formats) -> Vec<String> {
        let size = self.circle_size();
        let mut all = Vec::new();
        if self.size_override && !(5..=8).contains(&size) {
            all.push(format!("{size} people in the circle, outside the method's 5 to 8 (size_override)"));
        }
        if let Some(format) = formats.get(&self.format) {
            all.extend(format.too_short_for(u32::try_from(size).unwrap_or(u32::MAX)).iter().map(ToString::to_string));
        }
        all
    }

    /// How many are in the circle.
    pub fn circle_size(&self) -> usize {
        self.members.iter().filter(|m| self.in_circle(&m.id)).count()
    }

    fn size_problem(&self) -> Vec<SpecProblem> {
        let found = self.circle_size();
        let allowed = if self.size_override { 4..=9 } else { 5..=8 };
        if allowed.contains(&found) { Vec::new() } else { vec![SpecProblem::Size { found }] }
    }

    fn twice(&self) -> Vec<SpecProblem> {
        let mut found = Vec::new();
        for (i, a) in self.members.iter().enumerate() {
            for b in &self.members[i + 1..] {
                let pair = |what: String| SpecProblem::Twice { what, first: a.name.clone(), second: b.name.clone() };
                if a.id == b.id {
                    found.push(pair(format!("the short name {}", a.id)));
                }
                if let Some(same) = a.addresses().find(|x| b.addresses().any(|y| y.is(x.as_str()))) {
                    found.push(pair(format!("the address {same}")));
                }
            }
        }
        found
    }

    fn hierarchy(&self) -> Vec<SpecProblem> {
        let chief_of = |m: &MemberSpec| {
            let said = m.reports_to.as_deref()?.trim().to_lowercase();
            let chief = self.members.iter().find(|c| {
                c.id != m.id
                    && (c.name.to_lowercase() == said || c.id.as_str() == said || c.addresses().any(|a| a.is(&said)))
            })?;
            Some(SpecProblem::Hierarchy { member: m.name.clone(), chief: chief.name.clone() })
        };
        self.members.iter().filter_map(chief_of).collect()
    }
}

impl MemberSpec {
    /// The address mail goes to, then the others.
    pub fn addresses(&self) -> impl Iterator<Item = &Email> {
        std::iter::once(&self.email).chain(&self.aliases)
    }
}

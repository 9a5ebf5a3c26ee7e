//! The values every template gets: people, meeting, step, plan, digest, all formatted for one reader.

mod after;
mod facts;
mod meeting;
mod step;

use super::Post;
use super::choices::Choices;
use super::clean::one_line;
use super::locale::{Locale, Place};
use crate::core::{Draft, Group, Kind, Language, Meeting, Member, Role};
use chrono::{DateTime, Duration, Utc};
use serde_json::{Map, Value, json};

/// The names every template may begin a value with.
pub(super) const NAMES: [&str; 34] = [
    "alarm",
    "preview",
    "s",
    "lang",
    "language",
    "zone",
    "informal",
    "reader",
    "group",
    "prefix",
    "meeting",
    "next",
    "plan",
    "previous",
    "learnings",
    "contributions",
    "digest",
    "missing",
    "kind",
    "code",
    "sender",
    "step",
    "facts",
    "first_mail",
    "question",
    "reference",
    "tag",
    "deadline",
    "until",
    "subject",
    "choices",
    "loop",
    "__tera_context",
    "body",
];

/// What is looked at, and by whom.
pub(super) struct Scene<'a> {
    pub group: &'a Group,
    pub meeting: Option<&'a Meeting>,
    /// `None` where nobody in particular reads (the operator's Markdown).
    pub reader: Option<&'a Member>,
    pub role: Role,
    pub language: &'a Language,
    pub locale: &'a Locale,
    pub place: Place,
}

impl<'a> Scene<'a> {
    /// For a member, in their zone and language.
    pub fn of(
        group: &'a Group,
        meeting: Option<&'a Meeting>,
        reader: &'a Member,
        role: Role,
        locale: &'a Locale,
    ) -> Self {
        let clock_24h = group.settings().clock_24h;
        let place = Place { reader: reader.zone, group: group.spec.zone, clock_24h };
        Self { group, meeting, reader: Some(reader), role, language: &reader.language, locale, place }
    }

    /// For whoever runs the group, in the group's zone.
    pub fn of_group(group: &'a Group, meeting: &'a Meeting, language: &'a Language, locale: &'a Locale) -> Self {
        let zone = group.spec.zone;
        let place = Place { reader: zone, group: zone, clock_24h: group.settings().clock_24h };
        Self { group, meeting: Some(meeting), reader: None, role: Role::Cooperant, language, locale, place }
    }

    /// Whether the reader brings this meeting's subject: only then are unshared words shown.
    fn owns(&self, meeting: &Meeting) -> bool {
        self.reader.is_some_and(|r| r.id == meeting.requester)
    }

    fn hour(&self, at: DateTime<Utc>) -> String {
        self.locale.hour(at, self.place, self.place.reader)
    }

    fn date(&self, at: DateTime<Utc>) -> String {
        self.locale.day(at.with_timezone(&self.place.reader).date_naive())
    }

    /// `{ name, first_name, is_reader }`.
    fn person(&self, member: &Member) -> Value {
        json!({
            "name": one_line(&member.name),
            "first_name": first_name(&member.name),
            "is_reader": self.reader.is_some_and(|r| r.id == member.id),
        })
    }

    fn people<'m>(&self, members: impl IntoIterator<Item = &'m Member>) -> Value {
        members.into_iter().map(|m| self.person(m)).collect()
    }

    /// The member of that short name as a person, or null.
    fn named(&self, id: &crate::core::MemberId) -> Value {
        self.group.member(id).map_or(Value::Null, |m| self.person(m))
    }

    /// Everything that does not come from a draft.
    pub fn values(&self) -> Map<String, Value> {
        let mut all = Map::new();
        let mut put = |key: &str, value: Value| all.insert(key.to_owned(), value);
        put("lang", json!(self.language.as_str()));
        put("language", json!(self.locale.languages.get(self.language.as_str())));
        put("zone", json!(self.locale.city(self.place.reader)));
        put("informal", json!(self.group.settings().informal));
        put("reader", self.reader_value());
        put("group", self.group_value());
        put("prefix", json!(prefix(self.group)));
        put("meeting", self.meeting.map_or(Value::Null, |m| self.meeting_value(m)));
        put("next", self.meeting.map_or(Value::Null, |m| self.next_value(m)));
        put("plan", self.meeting.map_or(Value::Null, |m| self.plan_value(m)));
        put("previous", self.meeting.map_or(Value::Null, |m| self.previous_value(m)));
        put("learnings", self.meeting.map_or_else(|| json!([]), |m| self.learnings_value(m)));
        put("contributions", self.meeting.map_or_else(|| json!([]), |m| self.contributions_value(m)));
        put("digest", self.meeting.map_or(Value::Null, |m| self.digest_value(m)));
        put("missing", self.meeting.map_or(Value::Null, |m| self.missing_value(m)));
        all
    }

    /// What a preview's own words are given: `preview.to` and `preview.at`.
    pub fn preview(&self, to: &[&Member], at: DateTime<Utc>) -> Map<String, Value> {
        let mut all = self.values();
        let people = self.people(to.iter().copied());
        all.insert("preview".to_owned(), json!({ "to": people, "at": self.locale.moment(at, self.place) }));
        all
    }

    /// All of it for one mail, its subject line and choices apart: those come with [`Self::answers`].
    pub fn mail(&self, draft: &Draft, post: &Post) -> Map<String, Value> {
        let mut all = self.values();
        let step = self.meeting.zip(draft.key.step).and_then(|(m, n)| self.step_value(m, n, &draft.facts));
        let deadline = self.deadline(draft);
        let mut put = |key: &str, value: Value| all.insert(key.to_owned(), value);
        put("kind", json!(draft.key.kind.name()));
        put("code", json!(draft.key.kind.code()));
        put("sender", json!({ "name": post.sender_name, "address": post.sender_address }));
        put("step", step.unwrap_or(Value::Null));
        put("facts", self.facts_value(&draft.facts));
        put("first_mail", json!(draft.facts == crate::core::Facts::FirstMail || draft.key.kind == Kind::Welcome));
        put("question", json!(draft.question.map(crate::core::Question::name)));
        put("reference", json!(format!("{} {}", self.locale.reference, post.reference)));
        put("tag", json!(format!("[{}]", post.tag)));
        put("deadline", json!(deadline));
        put("until", json!({ "date": deadline }));
        put("subject", Value::Null);
        put("choices", json!([]));
        all
    }

    /// What hangs on the subject line as it will stand: the title, and the links that answer.
    pub fn answers(draft: &Draft, post: &Post, choices: &Choices, subject: &str, all: &mut Map<String, Value>) {
        all.insert("choices".to_owned(), choices.of(draft, subject, post));
        all.insert("subject".to_owned(), json!(subject));
    }

    /// By when the answer is needed, for the mails that ask for something.
    fn deadline(&self, draft: &Draft) -> Option<String> {
        let meeting = self.meeting?;
        let settings = self.group.settings();
        let before = |days: u32| self.date(self.group.starts(meeting) - Duration::days(i64::from(days)));
        let after = |seconds: u32| self.date(self.group.ends(meeting) + Duration::seconds(i64::from(seconds)));
        match draft.key.kind {
            Kind::SubjectRequest | Kind::SubjectReminder | Kind::SubjectLastReminder | Kind::CallForSubjects => {
                Some(before(settings.share_days + 1))
            }
            Kind::AttendanceCheck => Some(before(settings.warm_up_days + 1)),
            Kind::ActionPlanRequest | Kind::LearningsRequest => Some(after(settings.last_call_seconds)),
            Kind::LastCall | Kind::DigestReview => Some(after(settings.digest_seconds)),
            _ => None,
        }
    }

    fn reader_value(&self) -> Value {
        let Some(reader) = self.reader else { return Value::Null };
        json!({
            "name": one_line(&reader.name),
            "first_name": first_name(&reader.name),
            "role": self.role.name(),
            "email": reader.email.as_str(),
            "is_requester": self.meeting.is_some_and(|m| m.requester == reader.id),
            "is_facilitator": reader.facilitates.is_some(),
            "in_circle": reader.circle,
        })
    }

    fn group_value(&self) -> Value {
        let spec = &self.group.spec;
        let lead = self.meeting.and_then(|m| self.group.member(&m.facilitator));
        let facilitator = lead.or_else(|| self.group.facilitators().first().copied());
        json!({
            "id": spec.id.as_str(),
            "name": one_line(&spec.name),
            "host": spec.host.as_deref().map(one_line),
            "size": self.group.circle().count(),
            "facilitator": facilitator.map(|m| self.person(m)),
            "guests_visible": spec.settings.guest_list == crate::core::GuestList::Visible,
            "members": self.people(self.group.members.iter().filter(|m| m.is_active())),
        })
    }
}

/// What a subject line begins with: the group's name in brackets, cut where it is very long.
pub(super) fn prefix(group: &Group) -> String {
    let name = one_line(&group.spec.name).replace(['[', ']'], "");
    let short: String = if name.chars().count() > 24 {
        name.chars().take(23).collect::<String>().trim_end().to_owned() + "…"
    } else {
        name
    };
    format!("[{short}]")
}

/// "Jean-Luc" of "Jean-Luc Roy".
fn first_name(name: &str) -> String {
    one_line(name).split(' ').next().unwrap_or_default().to_owned()
}

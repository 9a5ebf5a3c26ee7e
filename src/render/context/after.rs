//! What a session leaves: plan, learnings, contributions, digest; and that of the one before.

use super::{Scene, first_name};
use crate::core::meeting::Action;
use crate::core::{Meeting, Section, Word};
use crate::render::clean::{one_line, paragraphs};
use chrono::Duration;
use serde_json::{Value, json};

impl Scene<'_> {
    fn action(&self, action: &Action) -> Value {
        json!({
            "text": one_line(&action.text),
            "due": action.due.map(|d| self.locale.day_short(d)),
            "shared": action.shared,
            "progress": action.progress,
        })
    }

    /// The plan's owner sees all lines; the others the shared ones, and none once it is withdrawn.
    fn actions(&self, meeting: &Meeting) -> (Value, Value) {
        let owns = self.owns(meeting);
        let shared = meeting.actions.iter().filter(|a| a.shared && !meeting.digest.withdrawn);
        let shared: Value = shared.map(|a| self.action(a)).collect();
        let all = if owns { meeting.actions.iter().map(|a| self.action(a)).collect() } else { shared.clone() };
        (all, shared)
    }

    pub(super) fn plan_value(&self, meeting: &Meeting) -> Value {
        let (actions, shared) = self.actions(meeting);
        let word = meeting.word(Section::ActionPlan, &meeting.requester).filter(|_| self.owns(meeting));
        json!({
            "paragraphs": word.map_or_else(|| json!([]), |w| paragraphs(&w.text)),
            "actions": actions,
            "shared_actions": shared,
            "has_private": meeting.actions.iter().any(|a| !a.shared),
        })
    }

    pub(super) fn previous_value(&self, meeting: &Meeting) -> Value {
        let Some(before) = self.group.previous(meeting) else { return Value::Null };
        let (actions, shared) = self.actions(before);
        json!({
            "requester": self.named(&before.requester),
            "date": self.date(self.group.starts(before)),
            "request": self.request(before),
            "actions": actions,
            "shared_actions": shared,
        })
    }

    /// One entry a person (and one for what they wrote without their name), in order of arrival.
    pub(super) fn learnings_value(&self, meeting: &Meeting) -> Value {
        let mut by_author: Vec<Vec<&Word>> = Vec::new();
        for word in meeting.words_of(Section::Learning) {
            let same = |w: &Word| w.by == word.by && w.anonymous == word.anonymous;
            match by_author.iter_mut().find(|all| all.first().is_some_and(|w| same(w))) {
                Some(all) => all.push(word),
                None => by_author.push(vec![word]),
            }
        }
        let (named, nameless): (Vec<_>, Vec<_>) =
            by_author.into_iter().partition(|all| all.first().is_some_and(|w| !w.anonymous));
        named.into_iter().chain(nameless).map(|all| self.texts(&all)).collect()
    }

    fn texts(&self, words: &[&Word]) -> Value {
        let text = words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join("\n\n");
        let author = words.first().filter(|w| !w.anonymous).and_then(|w| self.group.member(&w.by));
        json!({
            "name": author.map(|m| one_line(&m.name)),
            "first_name": author.map(|m| first_name(&m.name)),
            "paragraphs": paragraphs(&text),
        })
    }

    /// For the requester alone.
    pub(super) fn contributions_value(&self, meeting: &Meeting) -> Value {
        if !self.owns(meeting) {
            return json!([]);
        }
        meeting.words_of(Section::Contribution).map(|w| self.texts(&[w])).collect()
    }

    pub(super) fn digest_value(&self, meeting: &Meeting) -> Value {
        let after = Duration::seconds(i64::from(self.group.settings().digest_seconds));
        json!({
            "withdrawn": meeting.digest.withdrawn,
            "approved": meeting.digest.approved.is_some(),
            "deadline": self.locale.moment(self.group.ends(meeting) + after, self.place),
            "sent": meeting.digest.sent.is_some(),
            "missing_plan": meeting.actions.is_empty(),
        })
    }

    pub(super) fn missing_value(&self, meeting: &Meeting) -> Value {
        let wrote = |section| self.reader.is_some_and(|r| meeting.word(section, &r.id).is_some());
        json!({
            "plan": self.owns(meeting) && !wrote(Section::ActionPlan),
            "learning": !wrote(Section::Learning),
        })
    }
}

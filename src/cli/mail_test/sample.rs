//! A sample mail: the demo's group in its month, with one of its members at the address to be tried.

use crate::cli::failure::{Failure, Result};
use crate::core::decide::{decide, found};
use crate::core::event::{Answer, Certainty};
use crate::core::{
    Draft, Email, Event, Facts, Formats, Group, Kind, Moment, Question, StepKey, agenda, draft::InReplyTo,
};
use crate::demo::cast::Cast;
use crate::sim::Say;
use crate::words::{Context, Words};
use chrono::{DateTime, Duration, Utc};
use std::collections::VecDeque;

/// The group's short name: no group of a person's own is called so.
const GROUP: &str = "codevd-test";
/// The member who gets the sample: one who takes part, and is not the requester.
const MEMBER: &str = "ana";
/// Decisions of a month, and more.
const MOST: usize = 500;
/// Days in which a meeting is prepared, held and followed up, wherever in the month it begins.
const MONTH: i64 = 75;

/// Which mail is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Which {
    /// The invitation, with its calendar object.
    Invitation,
    /// A session's prompt.
    Prompt,
    /// The digest.
    Digest,
}

impl Which {
    fn is(self, group: &Group, draft: &Draft) -> bool {
        let kind = match self {
            Self::Invitation => Kind::Invitation,
            Self::Prompt => Kind::StepPrompt,
            Self::Digest => Kind::Digest,
        };
        let step = step_of(group, draft).is_none_or(|step| step == StepKey::Contributions);
        draft.key.kind == kind && draft.key.member.as_str() == MEMBER && step
    }
}

fn step_of(group: &Group, draft: &Draft) -> Option<StepKey> {
    let meeting = group.meeting(draft.key.meeting?)?;
    group.sheet(meeting).get(draft.key.step? as usize).map(|step| step.key)
}

/// The group as it stands when that mail is decided, and its draft, dated now.
pub(super) fn sample(
    which: Which,
    address: &Email,
    language: &str,
    formats: &Formats,
    words: &Words,
    now: DateTime<Utc>,
) -> Result<(Group, Draft)> {
    let mut found = None;
    month(Some(address), language, formats, words, now, |group, draft| {
        if which.is(group, draft) {
            found = Some((group.clone(), Draft { decided: now, due: now, ..draft.clone() }));
        }
        found.is_some()
    })?;
    found.ok_or_else(|| Failure::because("the sample could not be made: please report this"))
}

/// Plays the demo's month from now on, with its people's answers at once, and shows each mail with the group as it
/// then is, until `enough` says so. `address` takes the place of one member's own.
pub(in crate::cli) fn month(
    address: Option<&Email>,
    language: &str,
    formats: &Formats,
    words: &Words,
    now: DateTime<Utc>,
    mut enough: impl FnMut(&Group, &Draft) -> bool,
) -> Result<()> {
    let cast = Cast::of(language, 1, None, formats)?;
    let mut spec = cast.spec.clone();
    spec.id = GROUP.parse()?;
    // from today's mail on, whatever the cast's own month
    spec.starts = None;
    if let (Some(address), Some(member)) = (address, spec.members.iter_mut().find(|m| m.id.as_str() == MEMBER)) {
        member.email = address.clone();
        member.aliases.clear();
    }
    let moment = |now| Moment { now, fresh: GROUP.to_owned() };
    let mut group = found(&spec, true, formats, &moment(now))?.group;
    let mut at = now;
    for _ in 0..MOST {
        let Some(next) = agenda::next_due(&group) else { break };
        at = at.max(next);
        if at > now + Duration::days(MONTH) {
            break;
        }
        let change = decide(&group, &Event::Due, &moment(at))?;
        group = change.group;
        let mut drafts: VecDeque<Draft> = change.drafts.into();
        while let Some(draft) = drafts.pop_front() {
            if enough(&group, &draft) {
                return Ok(());
            }
            if let Some(answer) = said(&cast, &group, words, &draft, at) {
                let change = decide(&group, &Event::Answer(answer), &moment(at))?;
                group = change.group;
                drafts.extend(change.drafts);
            }
        }
    }
    Ok(())
}

/// What the cast's member replies to a draft in words, at once.
fn said(cast: &Cast, group: &Group, words: &Words, draft: &Draft, at: DateTime<Utc>) -> Option<Answer> {
    if draft.question == Some(Question::Live) {
        // the facilitator's clock: each word of theirs would be followed by the next prompt
        return None;
    }
    let member = group.member(&draft.key.member)?;
    let known = cast.spec.members.iter().find(|m| m.id == member.id)?;
    let person = cast.people.iter().find(|p| p.email == known.email.as_str())?;
    let step = step_of(group, draft);
    let now = |h: &&crate::sim::Habit| {
        h.on == draft.key.kind && (h.step.is_none() || h.step == step) && h.meeting.is_none_or(|n| n == 1)
    };
    let Say::Words(text) = &person.habits.iter().find(now)?.say else { return None };
    let context = Context {
        today: at.with_timezone(&member.zone).date_naive(),
        names: group.members.iter().map(|m| m.name.clone()).collect(),
        ..Context::default()
    };
    let meaning = words.understand(draft.question, &member.language, text, &context).meaning;
    Some(Answer {
        from: member.id.clone(),
        to: draft.key.clone(),
        asked: draft.decided,
        about: Facts::None,
        question: draft.question,
        at,
        text: text.clone(),
        meaning,
        certainty: Certainty::Sure,
        mail: InReplyTo { message_id: "sample@codevd.invalid".to_owned(), subject: String::new() },
        unreadable_parts: false,
        to_others: false,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_sample_is_full_of_what_it_should_show_and_dated_today() {
        let formats = crate::config::formats(None).unwrap();
        let words = Words::embedded().unwrap();
        let now: DateTime<Utc> = "2031-03-20T10:00:00Z".parse().unwrap();
        let to: Email = "somebody@example.net".parse().unwrap();
        for which in [Which::Invitation, Which::Prompt, Which::Digest] {
            for language in ["fr", "en"] {
                let (group, draft) = sample(which, &to, language, &formats, &words, now).unwrap();
                assert_eq!(draft.decided, now);
                assert_eq!(group.member(&draft.key.member).unwrap().email, to);
                let meeting = group.meeting(draft.key.meeting.unwrap()).unwrap();
                if which == Which::Digest {
                    assert!(!meeting.actions.is_empty() && meeting.words.len() >= 3, "{language}: {meeting:?}");
                }
            }
        }
    }
}

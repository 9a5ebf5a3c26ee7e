//! A letter that is not applied before its member said whether it is theirs, and that word itself.

use super::{House, Reading, calendar, kept};
use crate::core::challenge::{Challenge, Deed, Waiting};
use crate::core::event::{Answer, Certainty, Meaning, Unproven};
use crate::core::route::{Kept, Weight, weigh};
use crate::core::{DraftKey, Event, Group, MemberId};
use crate::mail::{self, Class, Letter};
use crate::store::{InboxRow, InboxState, SentMail, StoreError};

/// The member is asked, at the known address, before this answer is applied.
pub(super) fn asked(group: &Group, answer: &Answer, address: Option<&str>, row: &InboxRow) -> Reading {
    let unproven = Unproven {
        from: answer.from.clone(),
        to: answer.to.clone(),
        inbox: row.id,
        deed: Deed::of(group, answer),
        weight: weigh(group, answer),
        level: super::proof_of(row),
        address: address.and_then(|a| a.parse().ok()),
    };
    ask(group, unproven)
}

/// The same for a calendar's button or question, which answers the member's invitation.
pub(super) fn button(group: &Group, event: &Event, to: DraftKey, row: &InboxRow) -> Reading {
    let unproven = Unproven {
        from: to.member.clone(),
        to,
        inbox: row.id,
        deed: calendar::deed(group, event),
        weight: Weight::Own,
        level: super::proof_of(row),
        address: None,
    };
    ask(group, unproven)
}

fn ask(group: &Group, unproven: Unproven) -> Reading {
    let member = Some(unproven.from.clone());
    Reading::Event { group: group.id.clone(), member, key: None, event: Box::new(Event::Unproven(unproven)) }
}

fn not_theirs(key: &DraftKey) -> Reading {
    let reason = Kept::OtherAddress(key.member.clone()).to_string();
    let about = Some((key.group.clone(), key.member.clone()));
    Reading::Kept { state: InboxState::Refused, reason, about }
}

/// Somebody with a member's token, from an address that is nobody's and proven: is that one theirs too?
pub(super) fn new_address(
    house: &House<'_>,
    key: &DraftKey,
    letter: &Letter,
    row: &InboxRow,
) -> Result<Reading, StoreError> {
    let (Some(from), Some(sent)) = (&letter.from, house.store.outbox_by_key(&key.to_string())?) else {
        return Ok(not_theirs(key));
    };
    let Some(loaded) = house.store.load(&sent.group, &house.kit.formats)? else { return Ok(not_theirs(key)) };
    let group = &loaded.group;
    // the address of somebody who left is not offered to anybody; nor is our own
    let somebodys =
        group.members.iter().any(|m| m.has_address(&from.email)) || house.kit.sender.address.is(&from.email);
    let private = sent.draft.key.kind == crate::core::Kind::WasItYou;
    if somebodys || private {
        return Ok(not_theirs(key));
    }
    let answer = house.answered(group, &sent, letter)?;
    Ok(asked(group, &answer, Some(&from.email), row))
}

/// Another member with somebody's token: asked whether they answer for themselves, where they got that mail too.
pub(super) fn another(
    house: &House<'_>,
    key: &DraftKey,
    member: &MemberId,
    letter: &Letter,
    row: &InboxRow,
) -> Result<Reading, StoreError> {
    let Some(loaded) = house.store.load(&key.group, &house.kit.formats)? else { return Ok(not_theirs(key)) };
    let group = &loaded.group;
    let last = group.was_sent(key.meeting, key.kind, member).filter(|_| key.step.is_none());
    let revision = last.map_or(key.revision, |sent| sent.revision);
    let own = DraftKey { member: member.clone(), revision, ..key.clone() };
    let private = key.kind.is_answer() || key.kind == crate::core::Kind::WasItYou;
    // an assistant's address is asked nothing
    let themselves =
        letter.from.as_ref().is_some_and(|f| group.member(member).is_some_and(|m| m.has_address(&f.email)));
    let Some(sent) = house.store.outbox_by_key(&own.to_string())?.filter(|_| themselves && !private) else {
        return Ok(Reading::Kept {
            state: InboxState::Refused,
            reason: Kept::OtherAddress(key.member.clone()).to_string(),
            about: Some((key.group.clone(), member.clone())),
        });
    };
    let answer = house.answered(group, &sent, letter)?;
    Ok(asked(group, &answer, None, row))
}

/// A word on "was it you?" that nothing proves itself.
pub(super) fn unheard(asked: &SentMail) -> Result<Reading, StoreError> {
    about(asked, InboxState::Refused, "a word on \"was it you?\" of which nothing proves whose it is: not heard")
}

fn about(asked: &SentMail, state: InboxState, reason: &str) -> Result<Reading, StoreError> {
    let about = Some((asked.group.clone(), asked.member.clone()));
    Ok(Reading::Kept { state, reason: reason.to_owned(), about })
}

/// The answer to "was it you?": a yes lets what waited do what it says, once; a no ends it; anything else has it asked
/// once more.
pub(super) fn word(house: &House<'_>, group: &Group, asked: &SentMail, word: &Answer) -> Result<Reading, StoreError> {
    let kept = |reason: &str| about(asked, InboxState::Refused, reason);
    // these stand under this mail as under any other
    if matches!(word.meaning, Meaning::Stop | Meaning::Person) {
        return Ok(answered(asked, word));
    }
    let yes = match (&word.meaning, word.certainty) {
        (Meaning::Yes, Certainty::Sure) => Some(true),
        (Meaning::No, _) => Some(false),
        _ => None,
    };
    if yes != Some(false) && asked.draft.useful_until < word.at {
        return kept("the question \"was it you?\" was too old by then");
    }
    let open = |c: &&Challenge| c.is_asked_by(&asked.draft.key) && c.is_open(word.at);
    let Some(challenge) = group.challenges.iter().find(open) else {
        return kept("the mail that waited for this word was dealt with already, or is gone");
    };
    let Some(yes) = yes else {
        let twice = "neither a yes nor a no to \"was it you?\", which was asked twice";
        return if challenge.again.is_none() {
            Ok(answered(asked, word))
        } else {
            about(asked, InboxState::Recorded, twice)
        };
    };
    let (from, key) = (asked.member.clone(), challenge.key.clone());
    let event = if yes {
        let what = challenge.waiting.iter().map(|w| waiting(house, group, w));
        let what: Vec<Event> = what.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        if what.is_empty() {
            return kept("the mail that waited for this word was dealt with already, or is gone");
        }
        Event::Confirmed { from: from.clone(), challenge: key.clone(), what }
    } else {
        Event::Disowned { from: from.clone(), challenge: key.clone() }
    };
    Ok(Reading::Event { group: asked.group.clone(), member: Some(from), key: Some(key), event: Box::new(event) })
}

fn answered(asked: &SentMail, word: &Answer) -> Reading {
    let (member, key) = (Some(asked.member.clone()), Some(asked.draft.key.clone()));
    Reading::Event { group: asked.group.clone(), member, key, event: Box::new(Event::Answer(word.clone())) }
}

/// What a mail that waited says, now that it is known to be the member's.
fn waiting(house: &House<'_>, group: &Group, waiting: &Waiting) -> Result<Option<Event>, StoreError> {
    let Some(held) = house.store.inbox_row(waiting.inbox)?.filter(|held| !held.bytes.is_empty()) else {
        return Ok(None);
    };
    let letter = mail::letter(&held.bytes);
    if letter.class == Class::Calendar
        && let Some(event) = calendar::confirmed(house, group, &held)?
    {
        return Ok(Some(event));
    }
    let Some(sent) = house.store.outbox_by_key(&waiting.answers.to_string())? else { return Ok(None) };
    // said when it came, whenever the word on it came
    let then = House { at: held.received_at, ..*house };
    Ok(Some(Event::Answer(then.answered(group, &sent, &letter)?)))
}

/// A calendar message that can't be asked about changes nothing.
pub(super) fn denied() -> Reading {
    let reason =
        "a calendar message that nothing proves, or whose sender's own domain says that it is forged: not applied";
    kept(InboxState::Refused, reason)
}

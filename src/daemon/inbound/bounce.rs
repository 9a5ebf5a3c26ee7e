//! What machines send back: a report on a mail of ours, an absence notice. Information, never an answer.

use super::{Reading, kept, senders};
use crate::core::Event;
use crate::core::event::Outcome;
use crate::core::reach::Trouble;
use crate::daemon::compose::token_owner;
use crate::daemon::engine::Kit;
use crate::mail::{self, Bounce, BounceClass, BouncedRecipient, Letter};
use crate::store::{InboxState, SentMail, Store, StoreError};

/// A bounce counts only for a mail of ours that it names by its token (`inbound.md` row 37).
pub(super) fn bounce(kit: &Kit, store: &Store, letter: &Letter) -> Result<Reading, StoreError> {
    let Some(bounce) = &letter.bounce else { return Ok(kept(InboxState::Recorded, "a bounce that names nobody")) };
    let tokens = mail::tokens(letter).into_iter().map(|f| f.token);
    let from_ids = bounce.original_ids.iter().filter_map(|id| mail::Token::parse(id.split('@').next().unwrap_or(id)));
    for token in from_ids.chain(tokens) {
        let Some(sent) = store.outbox_by_draft_id(&token.draft_id().to_string())? else { continue };
        if kit.key.fits(&token, &token_owner(&sent.group, &sent.member)) {
            return of_ours(kit, store, bounce, sent);
        }
    }
    Ok(kept(InboxState::Recorded, "a bounce of no mail of ours: nothing is held against anybody"))
}

fn of_ours(kit: &Kit, store: &Store, bounce: &Bounce, sent: SentMail) -> Result<Reading, StoreError> {
    let about = Some((sent.group.clone(), sent.member.clone()));
    let without_effect =
        |reason: &str| Reading::Kept { state: InboxState::Recorded, reason: reason.to_owned(), about: about.clone() };
    let Some(loaded) = store.load(&sent.group, &kit.formats)? else {
        return Ok(kept(InboxState::Recorded, "a bounce for a group that is gone"));
    };
    let Some(member) = loaded.group.member(&sent.member) else {
        return Ok(without_effect("a bounce for somebody who is gone"));
    };
    // an address that was changed since is not held against the new one
    let now_theirs = |r: &&BouncedRecipient| {
        std::iter::once(&r.address).chain(&r.original).any(|address| member.has_address(address))
    };
    let named = bounce.recipients.iter().find(now_theirs);
    let forwarded = || bounce.recipients.first().filter(|_| bounce.recipients.len() == 1);
    let theirs = member.has_address(sent.envelope_to.as_str());
    let told = named.or_else(|| forwarded().filter(|_| theirs)).map(|failed| (failed.class, &failed.status));
    // without a name it is about whom that mail went to
    let unnamed = || bounce.unnamed.as_ref().filter(|_| theirs).map(|failed| (failed.class, &failed.status));
    let Some((class, status)) = told.or_else(unnamed) else {
        return Ok(without_effect("a bounce that names no address of the member: nothing is held against anybody"));
    };
    let why = status.clone().unwrap_or_else(|| format!("{} failure", class.as_str()));
    let outcome = Outcome::Bounced { trouble: trouble(class), why };
    let key = sent.draft.key.clone();
    let event = Box::new(Event::Outcome { key: key.clone(), outcome, to: Some(sent.envelope_to) });
    Ok(Reading::Event { group: sent.group, member: Some(sent.member), key: Some(key), event })
}

fn trouble(class: BounceClass) -> Trouble {
    match class {
        BounceClass::Hard => Trouble::Hard,
        // the mail is lost, the address may be good
        BounceClass::Soft | BounceClass::Expired => Trouble::Soft,
        BounceClass::Policy => Trouble::Policy,
        BounceClass::Quota => Trouble::Quota,
        BounceClass::Delayed => Trouble::Delayed,
    }
}

/// A complaint counts only for a mail of ours that it returns (RFC 5965); hosts black out the address.
pub(super) fn complaint(kit: &Kit, store: &Store, letter: &Letter) -> Result<Reading, StoreError> {
    let tokens = letter.complaint.iter().filter_map(|id| mail::Token::parse(id.split('@').next().unwrap_or(id)));
    for token in tokens {
        let Some(sent) = store.outbox_by_draft_id(&token.draft_id().to_string())? else { continue };
        if kit.key.fits(&token, &token_owner(&sent.group, &sent.member)) {
            let event = Box::new(Event::Complaint { from: sent.member.clone() });
            return Ok(Reading::Event {
                group: sent.group,
                member: Some(sent.member),
                key: Some(sent.draft.key),
                event,
            });
        }
    }
    Ok(kept(InboxState::Recorded, "a complaint of a mail host about no mail of ours"))
}

/// An absence notice is kept on the member, in the group whose mail it answers; without that, in the
/// sender's one group. It is never an answer, and nothing answers it.
pub(super) fn auto_reply(kit: &Kit, store: &Store, letter: &Letter) -> Result<Reading, StoreError> {
    let until = letter.auto_until;
    let known = senders(store, letter)?;
    let mut answered = None;
    for found in mail::tokens(letter) {
        let Some(sent) = store.outbox_by_draft_id(&found.token.draft_id().to_string())? else { continue };
        if kit.key.fits(&found.token, &token_owner(&sent.group, &sent.member)) {
            answered = Some((sent.group, sent.member));
            break;
        }
    }
    // whoever forwards a mail of ours does not go away for its receiver
    let ours = answered.filter(|who| known.contains(who));
    let one = || match &known[..] {
        [one] => Some(one.clone()),
        _ => None,
    };
    match ours.or_else(one) {
        Some((group, member)) => {
            let event = Box::new(Event::Away { from: member.clone(), until });
            Ok(Reading::Event { group, member: Some(member), key: None, event })
        }
        None => Ok(kept(InboxState::Recorded, "an automatic reply of nobody we know")),
    }
}

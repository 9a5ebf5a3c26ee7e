//! A mail in a member's name that nothing proves: the member is asked, at the known address and nowhere else.

use super::{Mail, Work};
use crate::core::challenge::{Challenge, GOOD_HOURS, MOST_WAITING, Waiting};
use crate::core::draft::{DraftKey, Facts, InReplyTo, Kind, Question, WhenLate};
use crate::core::event::{Answer, Inverse, Meaning, Receipt, Unproven};
use crate::core::group::Undo;
use crate::core::ids::{Email, MeetingNo, MemberId, address_key};
use crate::core::refusal::Refusal;
use crate::core::route::Weight;
use chrono::{DateTime, Duration, Utc};

/// Asks "was it you?", or "is this address yours?", once a day; a second mail meanwhile waits for the same word.
pub(super) fn unproven(work: &mut Work<'_>, unproven: &Unproven) -> Result<(), Refusal> {
    let now = work.now();
    if !work.group.member(&unproven.from).is_some_and(|m| m.gets_mail()) {
        return Err(Refusal::CantAsk);
    }
    // what reaches the group has its own question, and never waits for the word on something mild
    let sort = |address: bool, weight| (address, is_mild(weight));
    let same_sort = |c: &&mut Challenge| {
        let (theirs, ours) = (sort(c.address.is_some(), c.weight), sort(unproven.address.is_some(), unproven.weight));
        c.member == unproven.from && theirs == ours && c.forbids_another(now)
    };
    let waiting = Waiting { inbox: unproven.inbox, answers: unproven.to.clone() };
    if let Some(asked) = work.group.challenges.iter_mut().rev().find(same_sort) {
        if !joins(asked, unproven) {
            return Err(Refusal::AskedToday);
        }
        asked.waiting.push(waiting);
        let name = work.name(&unproven.from);
        let text = format!("another mail in {name}'s name that nothing proves waits for the same word");
        work.tell(unproven.to.meeting, Some(&unproven.from), text);
        return Ok(());
    }
    ask(work, unproven, waiting)
}

/// Whether a second mail may wait for the word asked for the first, whose effect alone the member was shown: only
/// what they can take back by its receipt, and never one that is worse proven.
fn joins(asked: &Challenge, unproven: &Unproven) -> bool {
    let mild = is_mild(unproven.weight);
    let from = |address: &Option<Email>| address.as_ref().map(|a| address_key(a.as_str()));
    let open = asked.word.is_none() && asked.waiting.len() < MOST_WAITING;
    mild && open && from(&asked.address) == from(&unproven.address) && unproven.level <= asked.level
}

/// It is the member's own, and can be taken back.
fn is_mild(weight: Weight) -> bool {
    matches!(weight, Weight::Own | Weight::Leave)
}

fn ask(work: &mut Work<'_>, unproven: &Unproven, waiting: Waiting) -> Result<(), Refusal> {
    let now = work.now();
    let meeting = unproven.to.meeting.filter(|n| work.group.meeting(*n).is_some());
    let name = work.name(&unproven.from);
    let text = match &unproven.address {
        None => format!("a mail in {name}'s name that nothing proves: {name} was asked"),
        Some(_) => format!("an answer to a mail of {name}'s came from an unknown address: {name} was asked"),
    };
    work.tell(meeting, Some(&unproven.from), text);
    let address = unproven.address.as_ref().map(ToString::to_string);
    let facts = Facts::WasItYou { address, again: false, deed: unproven.deed.clone() };
    let until = now + Duration::hours(GOOD_HOURS);
    let Some(key) = question(work, &unproven.from, meeting, until, facts, None) else { return Err(Refusal::CantAsk) };
    work.group.challenges.push(Challenge {
        member: unproven.from.clone(),
        key,
        asked: now,
        address: unproven.address.clone(),
        level: unproven.level,
        weight: unproven.weight,
        waiting: vec![waiting],
        word: None,
        again: None,
    });
    Ok(())
}

/// Drafts the question to the known address, and gives its key; `None` where no mail goes to the member.
fn question(
    work: &mut Work<'_>,
    to: &MemberId,
    meeting: Option<MeetingNo>,
    until: DateTime<Utc>,
    facts: Facts,
    answers: Option<InReplyTo>,
) -> Option<DraftKey> {
    let (due, before) = (work.now(), work.drafts.len());
    work.mail(Mail {
        meeting,
        kind: Kind::WasItYou,
        step: None,
        to: to.clone(),
        due,
        until,
        when_late: WhenLate::Drop,
        question: Some(Question::Confirm),
        facts,
        answers,
    });
    work.drafts.get(before).map(|draft| draft.key.clone())
}

/// A word that is neither a sure yes nor a no: the same is asked once more, and its time stays as it is. Who is not
/// understood then gets no third mail: without a word nothing changes.
pub(super) fn unclear(work: &mut Work<'_>, word: &Answer) -> Result<(), Refusal> {
    let now = work.now();
    let open = |c: &&Challenge| c.is_asked_by(&word.to) && c.is_open(now);
    let Some(asked) = work.group.challenges.iter().find(open) else { return Err(Refusal::Over) };
    let (first, until) = (asked.key.clone(), asked.until());
    let facts = match &word.about {
        Facts::WasItYou { address, deed, .. } if asked.again.is_none() => {
            Facts::WasItYou { address: address.clone(), again: true, deed: deed.clone() }
        }
        _ => return Err(Refusal::NotUnderstood),
    };
    let again = question(work, &word.from, first.meeting, until, facts, Some(word.mail.clone()));
    let Some(again) = again else { return Err(Refusal::CantAsk) };
    if let Some(asked) = work.group.challenges.iter_mut().find(|c| c.key == first) {
        asked.again = Some(again);
    }
    let text = format!("{}'s word on \"was it you?\" was not understood", work.name(&word.from));
    work.tell(first.meeting, Some(&word.from), text);
    work.refused = Some(Refusal::NotUnderstood);
    Ok(())
}

/// The word came: no. Told in the story; nothing else changes.
pub(super) fn disowned(work: &mut Work<'_>, from: &MemberId, challenge: &DraftKey) {
    let name = work.name(from);
    let asked = work.group.challenges.iter_mut().find(|c| c.key == *challenge);
    let address = asked.is_some_and(|asked| {
        asked.word = Some(false);
        asked.address.is_some()
    });
    let text = match address {
        true => format!("{name} says that an address is not theirs"),
        false => format!("{name} says that a mail in that name was not theirs"),
    };
    work.tell(challenge.meeting, Some(from), text);
}

/// The word came: no more mail. That is no yes, now or later: what waited does nothing.
pub(super) fn stopped(work: &mut Work<'_>, answer: &Answer) {
    let asked = |c: &&mut Challenge| c.is_asked_by(&answer.to) && c.word.is_none();
    if let Some(asked) = work.group.challenges.iter_mut().find(asked) {
        asked.word = Some(false);
    }
}

/// The word came: yes, once. Where it came from an unknown address, that one is the member's from now on.
pub(super) fn confirmed(work: &mut Work<'_>, from: &MemberId, challenge: &DraftKey) -> Result<(), Refusal> {
    let now = work.now();
    let open = |c: &&mut Challenge| c.key == *challenge && c.member == *from && c.is_open(now);
    let Some(asked) = work.group.challenges.iter_mut().find(open) else { return Err(Refusal::Over) };
    asked.word = Some(true);
    let Some(address) = asked.address.clone() else { return Ok(()) };
    if work.group.members.iter().any(|m| m.has_address(address.as_str())) {
        return Err(Refusal::Over);
    }
    let name = work.name(from);
    if let Some(member) = work.group.members.iter_mut().find(|m| m.id == *from) {
        member.aliases.push(address);
    }
    work.tell(None, Some(from), format!("{name} writes from one more address"));
    Ok(())
}

/// Whether the member answered the same anew since the mail that waited came: of two answers the later one counts, in
/// the order they came in (`inbound.md` row 56).
pub(super) fn is_superseded(work: &Work<'_>, waited: &Answer) -> bool {
    let now = work.now();
    let since = |at| waited.at < at && at < now;
    let told = |undo: &Undo| {
        let same = matches!(
            (&undo.inverse, waited.question),
            (Inverse::Attendance { .. }, Some(Question::Attendance))
                | (Inverse::Subject { .. }, Some(Question::Subject))
                | (Inverse::Sharing { .. }, Some(Question::Share))
                | (Inverse::Plan { .. }, Some(Question::ActionPlan))
                | (Inverse::Digest { .. }, Some(Question::Review))
                | (Inverse::Requester { .. }, Some(Question::NoSubject))
        );
        same && undo.member == waited.from && undo.meeting == waited.to.meeting && since(undo.at)
    };
    let meeting = waited.to.meeting.and_then(|n| work.group.meeting(n));
    let comes =
        meeting.and_then(|m| m.attendance.get(&waited.from)).filter(|_| waited.question == Some(Question::Attendance));
    let everywhere = matches!(waited.meaning, Meaning::Stop | Meaning::Undo | Meaning::Help | Meaning::Person);
    !everywhere && (work.group.undos.iter().any(told) || comes.is_some_and(|a| since(a.stamp)))
}

/// The newer answer stays, and the member is told what holds.
pub(super) fn superseded(work: &mut Work<'_>, waited: &Answer) {
    let number = waited.to.meeting;
    let name = work.name(&waited.from);
    work.tell(number, Some(&waited.from), format!("a newer answer of {name} holds: the mail that waited does nothing"));
    let meeting = number.and_then(|n| work.group.meeting(n));
    if let (Some(answer), Some(Question::Attendance)) =
        (meeting.and_then(|m| m.attending(&waited.from)), waited.question)
    {
        let receipt = Receipt::Attendance { answer, late: None, asks: false };
        work.receipt(number, &waited.from, receipt, None, &waited.mail);
    }
}

/// Nobody said anything for so long that the word does not count any more.
pub(super) fn lapse(work: &mut Work<'_>, challenge: &DraftKey) {
    let Some(at) = work.group.challenges.iter().position(|c| c.key == *challenge) else { return };
    let asked = work.group.challenges.remove(at);
    let name = work.name(&asked.member);
    let mails = match asked.waiting.len() {
        1 => "the mail that waited does nothing".to_owned(),
        n => format!("the {n} mails that waited do nothing"),
    };
    work.tell(challenge.meeting, Some(&asked.member), format!("{name} did not say whether it was them: {mails}"));
}

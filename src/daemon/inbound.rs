//! From a letter in the inbox to an event for the core, or to the reason why it changes nothing.

mod bounce;
mod calendar;
mod doubt;

use super::compose::token_owner;
use super::engine::Kit;
use crate::core::event::{Answer, Certainty, Meaning};
use crate::core::ids::address_key;
use crate::core::meeting::Stage;
use crate::core::proof::Level;
use crate::core::route::{Lead, Route, Verdict, Weight, verdict, weigh};
use crate::core::{DraftKey, Event, Facts, Group, GroupId, Kind, Language, MemberId, draft::InReplyTo};
use crate::mail::{self, Asked, Class, Known, Letter, Sent, Token, Understood};
use crate::store::{InboxRow, InboxState, SentMail, Store, StoreError};
use crate::words::{Context, Heard};
use chrono::{DateTime, Duration, Utc};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a letter comes to.
#[derive(Debug)]
pub enum Reading {
    /// Something for a group to decide on.
    Event {
        /// The group.
        group: GroupId,
        /// The member it is from; nobody's where a stranger wrote.
        member: Option<MemberId>,
        /// The mail it answers, where there is one.
        key: Option<DraftKey>,
        /// What it is.
        event: Box<Event>,
    },
    /// Somebody who is in no group says whether mail may come to them.
    Stranger {
        /// Their address.
        address: String,
        /// They want none; else they take it again.
        stops: bool,
    },
    /// Nothing to decide: kept, with the reason.
    Kept {
        /// How it stands in the inbox.
        state: InboxState,
        /// Why, in a sentence.
        reason: String,
        /// The member it seems to be from.
        about: Option<(GroupId, MemberId)>,
    },
}

fn kept(state: InboxState, reason: impl Into<String>) -> Reading {
    Reading::Kept { state, reason: reason.into(), about: None }
}

/// A token leads to its mail for ever; it proves something until so many days after the mail's own time is over, as long
/// as what a receipt told can be taken back.
const TOKEN_DAYS: i64 = 14;

/// A mail as large as this is not read, however it came; IMAP stops fetching there too (`inbound.md` row 6).
pub(super) const MAX_BYTES: usize = 10_000_000;
/// How much of such a mail is looked at for its headers.
const HEADERS: usize = 64 * 1024;

/// Reads one mail of the inbox. Whatever its bytes are, this returns; a parser's panic is caught
/// here, as the last net, and quarantines the mail.
///
/// # Errors
/// The store's own alone.
pub fn read(kit: &Kit, store: &Store, row: &InboxRow) -> Result<Reading, StoreError> {
    let raw = &row.bytes;
    let house = House { kit, store, at: row.received_at };
    if raw.len() >= MAX_BYTES {
        return too_large(&house, row);
    }
    let read = catch_unwind(AssertUnwindSafe(|| mail::read(raw, row.proof.as_ref(), &house)));
    let Ok(read) = read else {
        return Ok(kept(InboxState::Quarantined, "the mail reader failed on it; it is kept as it came"));
    };
    let read = read?;
    let letter = &read.letter;
    match letter.class {
        Class::Unreadable => Ok(kept(InboxState::Quarantined, letter.problems.join("; "))),
        Class::Own => Ok(kept(InboxState::Recorded, "our own mail coming back")),
        Class::Complaint => bounce::complaint(kit, store, letter),
        Class::ReadReceipt => Ok(kept(InboxState::Recorded, "a read receipt")),
        Class::List => Ok(kept(InboxState::Recorded, "list mail")),
        Class::AutoReply => bounce::auto_reply(kit, store, letter),
        Class::Bounce => bounce::bounce(kit, store, letter),
        Class::Calendar => calendar::calendar(&house, &read, row),
        Class::Person => person(&house, &read, row),
    }
}

/// A mail over the cap: its headers alone say whose answer it is, and that person is told that it was not read.
fn too_large(house: &House<'_>, row: &InboxRow) -> Result<Reading, StoreError> {
    let start = &row.bytes[..HEADERS.min(row.bytes.len())];
    let blank = |w: &[u8]| w == b"\n\n" || w == b"\n\r\n";
    let end = (0..start.len())
        .find(|at| blank(&start[*at..(at + 2).min(start.len())]) || blank(&start[*at..(at + 3).min(start.len())]));
    let headers = &start[..end.unwrap_or(start.len())];
    let read = catch_unwind(AssertUnwindSafe(|| mail::read(headers, row.proof.as_ref(), house)));
    let answered = match read {
        Ok(read) => Some(read?).filter(|r| r.letter.class == Class::Person),
        Err(_) => None,
    };
    let key = answered.as_ref().and_then(|read| match &read.route {
        // that it could not be read is told as any other answer of the member's own
        Some(Route::Answer { key, lead }) if verdict(Weight::Own, *lead, read.proof.level) != Verdict::Ask => {
            Some(key.to_string())
        }
        _ => None,
    });
    let sent = key.map(|key| house.store.outbox_by_key(&key)).transpose()?.flatten();
    let (Some(sent), Some(read)) = (sent, answered) else {
        let reason = format!("{} MB or more: too large to be read; it is kept as it came", row.bytes.len() / 1_000_000);
        return Ok(kept(InboxState::Quarantined, reason));
    };
    let nothing = Heard { meaning: Meaning::None, certainty: Certainty::None };
    let understood = Understood { question: sent.draft.question, text: String::new(), heard: nothing };
    let mut answer = answer(house, &sent, &read.letter, understood);
    answer.unreadable_parts = true;
    let (key, event) = (Some(sent.draft.key), Box::new(Event::Answer(answer)));
    Ok(Reading::Event { group: sent.group, member: Some(sent.member), key, event })
}

/// What the store and the kit know: what a mail is read with.
struct House<'a> {
    kit: &'a Kit,
    store: &'a Store,
    /// When the mail came.
    at: DateTime<Utc>,
}

impl Known for House<'_> {
    type Error = StoreError;

    fn sent(&self, token: &Token) -> Result<Option<Sent>, StoreError> {
        let sent = self.store.outbox_by_draft_id(&token.draft_id().to_string())?;
        Ok(sent.map(|s| {
            let fits = self.kit.key.fits(token, &token_owner(&s.group, &s.member));
            self.of_ours(s, fits)
        }))
    }

    fn senders(&self, address: &str) -> Result<Vec<(GroupId, MemberId)>, StoreError> {
        let mut all = self.store.members_by_address(address)?;
        all.extend(self.store.members_by_delegate(address)?);
        Ok(all)
    }

    fn is_receiver(&self, key: &DraftKey, sender: &(GroupId, MemberId)) -> Result<bool, StoreError> {
        let email = |group: &GroupId, member: &MemberId| {
            let loaded = self.store.load(group, &self.kit.formats)?;
            Ok::<_, StoreError>(loaded.and_then(|l| l.group.member(member).map(|m| m.email.clone())))
        };
        let receiver = email(&key.group, &key.member)?;
        let sender = email(&sender.0, &sender.1)?;
        Ok(receiver.zip(sender).is_some_and(|(receiver, sender)| receiver.is(sender.as_str())))
    }

    fn open(&self, group: &GroupId, member: &MemberId) -> Result<Vec<Sent>, StoreError> {
        let open = self.store.open_questions(group, member, self.at)?;
        Ok(open.into_iter().map(|s| self.of_ours(s, false)).collect())
    }

    fn own_address(&self) -> Option<&str> {
        Some(self.kit.sender.address.as_str())
    }

    fn asked(&self, key: &DraftKey) -> Result<Option<Asked<'_>>, StoreError> {
        let Some(sent) = self.store.outbox_by_key(&key.to_string())? else { return Ok(None) };
        let loaded = self.store.load(&sent.group, &self.kit.formats)?;
        Ok(loaded.map(|loaded| self.asked_by(&loaded.group, &sent)))
    }
}

impl House<'_> {
    fn of_ours(&self, sent: SentMail, fits: bool) -> Sent {
        let expired = sent.draft.useful_until + Duration::days(TOKEN_DAYS) < self.at;
        Sent { key: sent.draft.key, draft_id: sent.draft_id, fits, expired, subject: sent.subject, plain: sent.plain }
    }

    /// A letter as the answer to that mail. It may quote another one of ours: the one that somebody else got.
    fn answered(&self, group: &Group, sent: &SentMail, letter: &Letter) -> Result<Answer, StoreError> {
        let mut ours = sent.plain.clone();
        for found in mail::tokens(letter) {
            let quoted = self.store.outbox_by_draft_id(&found.token.draft_id().to_string())?;
            if let Some(quoted) = quoted.filter(|quoted| quoted.draft_id != sent.draft_id) {
                ours.push('\n');
                ours.push_str(&quoted.plain);
            }
        }
        let asked = self.asked_by(group, sent);
        // a word that others got too is seldom the subject, and may be meant for them
        let asked = Asked { owes_subject: asked.owes_subject && !self.to_others(letter), ..asked };
        let understood = mail::understand(letter, Some(&ours), &asked);
        Ok(answer(self, sent, letter, understood))
    }

    /// Others got it too; the one address it was sent to is ours, by whatever name.
    fn to_others(&self, letter: &Letter) -> bool {
        let ours = |address: &String| is_ours(address, self.kit.sender.address.as_str());
        letter.addressed.len() > 1 && !letter.addressed.iter().all(ours)
    }

    /// What that mail asks its receiver, as the group stands now.
    fn asked_by(&self, group: &Group, sent: &SentMail) -> Asked<'_> {
        let member = group.member(&sent.member);
        let zone = member.map_or(group.spec.zone, |m| m.zone);
        let meeting = sent.draft.key.meeting.and_then(|n| group.meeting(n));
        let stage = meeting.map(|m| m.stage);
        Asked {
            words: &self.kit.words,
            question: sent.draft.question,
            over: matches!(stage, Some(Stage::Collecting | Stage::Digested)),
            away: sent.draft.key.kind == Kind::AwayCheck,
            owes_subject: matches!(sent.draft.key.kind, Kind::AttendanceCheck | Kind::WarmUp | Kind::DayOf)
                && meeting
                    .is_some_and(|m| m.stage == Stage::Planned && m.requester == sent.member && m.subject.is_none()),
            name: member.map(|m| m.name.clone()).unwrap_or_default(),
            subject: sent.subject.clone(),
            language: member.map_or_else(|| group.spec.language.clone(), |m| m.language.clone()),
            context: Context {
                today: self.at.with_timezone(&zone).date_naive(),
                actions: actions_asked(group, &sent.draft.key),
                names: group.members.iter().filter(|m| m.is_active()).map(|m| m.name.clone()).collect(),
                starts: meeting.map(|m| group.starts(m).with_timezone(&zone).time()),
                ..Context::default()
            },
        }
    }
}

/// The members who write from this address, then those for whom it answers (`decisions.md` 5).
fn senders(store: &Store, letter: &Letter) -> Result<Vec<(GroupId, MemberId)>, StoreError> {
    let Some(from) = &letter.from else { return Ok(Vec::new()) };
    let mut all = store.members_by_address(&from.email)?;
    all.extend(store.members_by_delegate(&from.email)?);
    Ok(all)
}

/// What was found out about the sender on arrival; nothing where nobody looked.
fn proof_of(row: &InboxRow) -> Level {
    row.proof.as_ref().map_or(Level::B, |proof| proof.level)
}

fn thread(letter: &Letter) -> InReplyTo {
    InReplyTo {
        message_id: letter.message_id.clone().unwrap_or_default(),
        subject: mail::without_tokens(&letter.subject),
    }
}

/// A person's own words.
fn person(house: &House<'_>, read: &mail::Reading, row: &InboxRow) -> Result<Reading, StoreError> {
    let letter = &read.letter;
    if let Some(reading) = stranger(house, read) {
        return Ok(reading);
    }
    if let Some(shown) = preview(house, letter)? {
        return about_a_preview(house, &shown, read);
    }
    let (key, lead) = match &read.route {
        Some(Route::Answer { key, lead }) => (key, Some(*lead)),
        Some(Route::Ask(key)) => (key, None),
        Some(Route::NewAddress(key)) => return doubt::new_address(house, key, letter, row),
        Some(Route::Another { key, member }) => return doubt::another(house, key, member, letter, row),
        Some(Route::Kept(why)) => {
            let about = read.senders.first().cloned();
            return Ok(Reading::Kept { state: InboxState::Refused, reason: why.to_string(), about });
        }
        None => return Ok(kept(InboxState::Refused, "it answers no mail of ours")),
    };
    let Some(sent) = house.store.outbox_by_key(&key.to_string())? else {
        return Ok(kept(InboxState::Refused, "the mail it answers is gone"));
    };
    let Some(loaded) = house.store.load(&sent.group, &house.kit.formats)? else {
        return Ok(kept(InboxState::Refused, "its group is gone"));
    };
    let answer = match read.understood.clone() {
        Some(understood) => answer(house, &sent, letter, understood),
        None => house.answered(&loaded.group, &sent, letter)?,
    };
    let verdict = lead.map_or(Verdict::Ask, |lead| verdict(weigh(&loaded.group, &answer), lead, read.proof.level));
    match (verdict, &sent.draft.facts) {
        // nobody is asked whether their word on "was it you?" was theirs
        (Verdict::Ask, Facts::WasItYou { .. }) => doubt::unheard(&sent),
        (Verdict::Ask, _) => Ok(doubt::asked(&loaded.group, &answer, None, row)),
        (_, Facts::WasItYou { .. }) => doubt::word(house, &loaded.group, &sent, &answer),
        _ => {
            let (key, event) = (Some(sent.draft.key), Box::new(Event::Answer(answer)));
            Ok(Reading::Event { group: sent.group, member: Some(sent.member), key, event })
        }
    }
}

/// "Stop", and the way back, from somebody who answers no mail of ours (`decisions.md` 16): who is in no group is heard
/// too, unless it is known to be forged.
fn stranger(house: &House<'_>, read: &mail::Reading) -> Option<Reading> {
    let from = read.letter.from.as_ref()?;
    // a member with a mail of ours at hand answers that; without one, it takes proof that it is them, and no token that
    // leads elsewhere
    let enough = match read.senders[..] {
        [] => read.proof.level != Level::C,
        _ => read.proof.level == Level::A && mail::tokens(&read.letter).is_empty(),
    };
    if !enough || !matches!(read.route, None | Some(Route::Kept(_))) {
        return None;
    }
    let hears = |language: Language| {
        let context = Context::default();
        let (words, name) = (&house.kit.words, String::new());
        let asked = Asked {
            words,
            question: None,
            over: false,
            away: false,
            owes_subject: false,
            name,
            language,
            context,
            subject: String::new(),
        };
        let text = mail::understand(&read.letter, None, &asked);
        let heard = house.kit.words.understand(None, &asked.language, &read.letter.subject, &asked.context);
        let said = if text.text.trim().is_empty() { heard } else { text.heard };
        match said.meaning {
            Meaning::Stop => Some(true),
            Meaning::Undo => Some(false),
            _ => None,
        }
    };
    let stops = hears(Language::french())?;
    Some(Reading::Stranger { address: from.email.clone(), stops })
}

/// The preview that a mail answers, what a group that is not live shows its facilitator; whether its token is right. One
/// that was bent on the way hides none that is right.
fn preview(house: &House<'_>, letter: &Letter) -> Result<Option<(SentMail, bool)>, StoreError> {
    let mut unfit = None;
    for found in mail::tokens(letter) {
        let sent = house.store.outbox_by_draft_id(&found.token.draft_id().to_string())?;
        if let Some(sent) = sent.filter(|sent| sent.draft.key.preview.is_some()) {
            if house.kit.key.fits(&found.token, &token_owner(&sent.group, &sent.member)) {
                return Ok(Some((sent, true)));
            }
            unfit = unfit.or(Some((sent, false)));
        }
    }
    Ok(unfit)
}

/// A reply to a preview changes nothing; but who wants no more mail gets none (`decisions.md` 16).
fn about_a_preview(
    house: &House<'_>,
    (sent, fits): &(SentMail, bool),
    read: &mail::Reading,
) -> Result<Reading, StoreError> {
    let letter = &read.letter;
    let about = Some((sent.group.clone(), sent.member.clone()));
    let reason = "a reply to a preview: nothing changes by it".to_owned();
    let nothing = Reading::Kept { state: InboxState::Recorded, reason, about };
    let Some(loaded) = house.store.load(&sent.group, &house.kit.formats)? else { return Ok(nothing) };
    let theirs =
        letter.from.as_ref().zip(loaded.group.member(&sent.member)).is_some_and(|(f, m)| m.has_address(&f.email));
    let mut answer = house.answered(&loaded.group, sent, letter)?;
    // its meeting is not planned yet
    answer.to.meeting = None;
    let may = *fits && verdict(Weight::Leave, Lead::Token, read.proof.level) != Verdict::Ask;
    if !theirs || !may || answer.meaning != Meaning::Stop {
        return Ok(nothing);
    }
    let key = Some(sent.draft.key.clone());
    let event = Box::new(Event::Answer(answer));
    Ok(Reading::Event { group: sent.group.clone(), member: Some(sent.member.clone()), key, event })
}

/// What was understood, as the core takes it.
fn answer(house: &House<'_>, sent: &SentMail, letter: &Letter, understood: Understood) -> Answer {
    Answer {
        from: sent.member.clone(),
        to: sent.draft.key.clone(),
        asked: sent.draft.decided,
        about: sent.draft.facts.clone(),
        question: understood.question,
        at: house.at,
        text: understood.text,
        meaning: understood.heard.meaning,
        certainty: understood.heard.certainty,
        mail: thread(letter),
        unreadable_parts: letter.encrypted || !letter.unread.is_empty(),
        to_others: house.to_others(letter),
    }
}

/// Our own address, with or without a token behind a `+`.
fn is_ours(address: &str, own: &str) -> bool {
    let bare = |a: &str| {
        let (local, domain) = a.rsplit_once('@').unwrap_or((a, ""));
        let local = local.replace("%2B", "+").replace("%2b", "+");
        address_key(&format!("{}@{domain}", local.split('+').next().unwrap_or_default()))
    };
    bare(address) == bare(own)
}

/// How many actions M25 or M26 listed.
fn actions_asked(group: &Group, key: &DraftKey) -> usize {
    let meeting = key.meeting.and_then(|n| group.meeting(n));
    let meeting = match key.kind {
        crate::core::Kind::PlanReprint => meeting.and_then(|m| group.previous(m)),
        _ => meeting,
    };
    meeting.map_or(0, |m| m.actions.len())
}

//! From a letter in the inbox to an event for the core, or to the reason why it changes nothing.

mod bounce;
mod calendar;
mod doubt;

use super::compose::token_owner;
use super::engine::Kit;
use crate::core::event::{Answer, Certainty, Meaning};
use crate::core::meeting::Stage;
use crate::core::proof::Level;
use crate::core::route::{Directory, Hit, Route, Verdict, route, verdict, weigh};
use crate::core::{DraftKey, Event, Facts, Group, GroupId, Language, MemberId, Question, draft::InReplyTo};
use crate::mail::{self, Carrier, Class, Letter};
use crate::store::{InboxRow, InboxState, SentMail, Store, StoreError};
use crate::words::{Context, Heard, Words};
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

/// Attachments that programs add by themselves and that nobody misses.
const HARMLESS: &[&str] = &[".ics", ".vcf", ".png", ".jpg", ".jpeg", ".gif", ".p7s", ".asc", ".svg"];

/// A token leads to its mail for ever; it proves something until so many days after the mail's own time is over, as long
/// as what a receipt told can be taken back.
const TOKEN_DAYS: i64 = 14;

/// A mail larger than this is not read, however it came; IMAP stops fetching there too (`inbound.md` row 6).
const MAX_BYTES: usize = 10_000_000;

/// Reads one mail of the inbox. Whatever its bytes are, this returns; a parser's panic is caught
/// here, as the last net, and quarantines the mail.
///
/// # Errors
/// The store's own alone.
pub fn read(kit: &Kit, store: &Store, row: &InboxRow) -> Result<Reading, StoreError> {
    let raw = &row.bytes;
    if raw.len() > MAX_BYTES {
        let reason = format!("{} MB: too large to be read; it is kept as it came", raw.len() / 1_000_000);
        return Ok(kept(InboxState::Quarantined, reason));
    }
    let parsed = catch_unwind(AssertUnwindSafe(|| mail::letter(raw)));
    let Ok(letter) = parsed else {
        return Ok(kept(InboxState::Quarantined, "the mail reader failed on it; it is kept as it came"));
    };
    let why = |letter: &Letter| letter.problems.join("; ");
    match letter.class {
        Class::Unreadable => Ok(kept(InboxState::Quarantined, why(&letter))),
        Class::Own => Ok(kept(InboxState::Recorded, "our own mail coming back")),
        Class::Complaint => bounce::complaint(kit, store, &letter),
        Class::ReadReceipt => Ok(kept(InboxState::Recorded, "a read receipt")),
        Class::List => Ok(kept(InboxState::Recorded, "list mail")),
        Class::AutoReply => bounce::auto_reply(kit, store, &letter),
        Class::Bounce => bounce::bounce(kit, store, &letter),
        Class::Calendar => calendar::calendar(kit, store, &letter, row),
        Class::Person => person(kit, store, &letter, row),
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

/// The newest question open to each of these members.
fn open_questions(store: &Store, senders: &[(GroupId, MemberId)]) -> Result<Vec<SentMail>, StoreError> {
    let mut open = Vec::new();
    for (group, member) in senders {
        open.extend(store.open_question(group, member)?);
    }
    Ok(open)
}

fn thread(letter: &Letter) -> InReplyTo {
    InReplyTo { message_id: letter.message_id.clone().unwrap_or_default(), subject: letter.subject.clone() }
}

/// A person's own words.
fn person(kit: &Kit, store: &Store, letter: &Letter, row: &InboxRow) -> Result<Reading, StoreError> {
    let (directory, mails) = directory(kit, store, letter, row)?;
    let (key, lead) = match route(&directory) {
        Route::Answer { key, lead } => (key, Some(lead)),
        Route::Ask(key) => (key, None),
        Route::NewAddress(key) => return doubt::new_address(kit, store, key, letter, row),
        Route::Another { key, member } => return doubt::another(kit, store, &key, &member, letter, row),
        Route::Kept(why) => {
            let about = directory.senders.into_iter().next();
            return Ok(Reading::Kept { state: InboxState::Refused, reason: why.to_string(), about });
        }
    };
    let Some(sent) = mails.into_iter().find(|m| m.draft.key == key) else {
        return Ok(kept(InboxState::Refused, "the mail it answers is gone"));
    };
    let Some(loaded) = store.load(&sent.group, &kit.formats)? else {
        return Ok(kept(InboxState::Refused, "its group is gone"));
    };
    let answer = understand(kit, &loaded.group, &sent, letter, row.received_at);
    let verdict = lead.map_or(Verdict::Ask, |lead| verdict(weigh(&loaded.group, &answer), lead, directory.proof));
    match (verdict, &sent.draft.facts) {
        // nobody is asked whether their word on "was it you?" was theirs
        (Verdict::Ask, Facts::WasItYou { .. }) => doubt::unheard(&sent),
        (Verdict::Ask, _) => Ok(doubt::asked(&loaded.group, &answer, None, row)),
        (_, Facts::WasItYou { .. }) => doubt::word(kit, store, &loaded.group, &sent, &answer),
        _ => {
            let event = Box::new(Event::Answer(answer));
            Ok(Reading::Event { group: sent.group, member: Some(sent.member), key: Some(key), event })
        }
    }
}

/// What is known of a letter, and the mails of ours it speaks of or may answer.
fn directory(
    kit: &Kit,
    store: &Store,
    letter: &Letter,
    row: &InboxRow,
) -> Result<(Directory, Vec<SentMail>), StoreError> {
    let mut mails: Vec<SentMail> = Vec::new();
    let mut hits = Vec::new();
    for found in mail::tokens(letter) {
        let Some(sent) = store.outbox_by_draft_id(&found.token.draft_id().to_string())? else { continue };
        let fits = kit.key.fits(&found.token, &token_owner(&sent.group, &sent.member));
        let direct = matches!(found.carrier, Carrier::Recipient | Carrier::InReplyTo);
        let stale = found.carrier == Carrier::References && !same_topic(&letter.subject, &sent.subject);
        let expired = sent.draft.useful_until + Duration::days(TOKEN_DAYS) < row.received_at;
        hits.push(Hit { key: sent.draft.key.clone(), fits, direct, stale, expired });
        mails.push(sent);
    }
    let senders = senders(store, letter)?;
    let open = match hits.is_empty() {
        true => open_questions(store, &senders)?,
        false => Vec::new(),
    };
    let hint = mail::subject_tag(letter);
    let other = |m: &SentMail| hint.as_ref().is_some_and(|hint| !m.draft_id.ends_with(&hint.replace('-', "")));
    let doubtful = open.iter().any(other) || !mail::addressed_to(&row.bytes, kit.sender.address.as_str());
    mails.extend(open.iter().cloned());
    let open = open.into_iter().map(|mail| mail.draft.key).collect();
    Ok((Directory { hits, senders, proof: proof_of(row), open, doubtful }, mails))
}

/// One subject stands in the other, whatever was put before it ("Re:", "[EXT]") or cut off.
fn same_topic(one: &str, other: &str) -> bool {
    let bare = |s: &str| s.rsplit(": ").next().unwrap_or(s).trim().to_lowercase();
    let (mine, theirs) = (bare(one), bare(other));
    let within = |part: &str, whole: &str| part.chars().count() > 3 && whole.to_lowercase().contains(part);
    one.trim().is_empty() || mine == theirs || within(&theirs, one) || within(&mine, other)
}

fn understand(kit: &Kit, group: &Group, sent: &SentMail, letter: &Letter, at: DateTime<Utc>) -> Answer {
    let reply = mail::reply(letter, Some(&sent.plain));
    let member = group.member(&sent.member);
    let name = member.map_or("", |m| m.name.as_str());
    let text = if letter.encrypted { String::new() } else { mail::without_name(&reply.text, name) };
    let language = member.map_or_else(|| group.spec.language.clone(), |m| m.language.clone());
    let zone = member.map_or(group.spec.zone, |m| m.zone);
    let context = Context {
        today: at.with_timezone(&zone).date_naive(),
        actions: actions_asked(group, &sent.draft.key),
        names: group.members.iter().filter(|m| m.is_active()).map(|m| m.name.clone()).collect(),
        ..Context::default()
    };
    let stage = sent.draft.key.meeting.and_then(|n| group.meeting(n)).map(|m| m.stage);
    let reader = Reader { words: &kit.words, language: &language, context: &context };
    let (question, heard) = reader.understand(sent.draft.question, stage, &text);
    let keeps_marks = matches!(question, Some(Question::ActionPlan | Question::Review));
    let text = if keeps_marks { text } else { crate::words::strip_marks(&kit.words, &text) };
    Answer {
        from: sent.member.clone(),
        to: sent.draft.key.clone(),
        asked: sent.draft.decided,
        about: sent.draft.facts.clone(),
        question,
        at,
        text,
        meaning: heard.meaning,
        // an answer found between or below quotes is less sure than one on top
        certainty: if reply.sure || heard.certainty == Certainty::None { heard.certainty } else { Certainty::Probable },
        mail: thread(letter),
        unreadable_parts: letter.encrypted || letter.attachments.iter().any(|name| worth_a_word(name)),
    }
}

/// What an answer is read with.
struct Reader<'a> {
    words: &'a Words,
    language: &'a Language,
    context: &'a Context,
}

impl Reader<'_> {
    /// What a text says, and against which question. People answer whichever mail they find: once the
    /// session is over, what was asked before it is read as what is collected now; and a digest's
    /// review may bring the request or the plan itself.
    fn understand(&self, asked: Option<Question>, stage: Option<Stage>, text: &str) -> (Option<Question>, Heard) {
        let hear = |question| self.words.understand(question, self.language, text, self.context);
        let over = matches!(stage, Some(Stage::Collecting | Stage::Digested));
        let heard = hear(asked);
        match asked {
            Some(Question::Subject | Question::Share) if over => {
                (Some(Question::LastCall), hear(Some(Question::LastCall)))
            }
            Some(Question::Attendance) if over && heard.is_none() => {
                (Some(Question::LastCall), hear(Some(Question::LastCall)))
            }
            Some(Question::Review) if heard.is_none() || heard.meaning == Meaning::Correction => {
                (asked, self.corrected(text, heard))
            }
            _ => (asked, heard),
        }
    }

    /// A correction that is the request ("demande : …") or a plan, else as it was heard.
    fn corrected(&self, text: &str, heard: Heard) -> Heard {
        let noted = self.words.understand(Some(Question::Live), self.language, text, self.context);
        if matches!(noted.meaning, Meaning::Request { .. }) {
            return noted;
        }
        let label = |l: &str| l.trim().to_lowercase().starts_with("corr") && !l.trim().contains(' ');
        let body = text.split_once(':').filter(|(l, _)| label(l)).map_or(text, |(_, rest)| rest);
        let last = self.words.understand(Some(Question::LastCall), self.language, body, self.context);
        if matches!(last.meaning, Meaning::Plan { .. }) { last } else { heard }
    }
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

fn worth_a_word(name: &str) -> bool {
    let name = name.to_lowercase();
    !HARMLESS.iter().any(|ending| name.ends_with(ending))
}

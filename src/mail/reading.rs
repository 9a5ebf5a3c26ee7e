//! One mail read from end to end: what kind it is, what proves its sender, which question it answers, what the person
//! wrote, what that means. The daemon and `codevd mail read` both read by this.

use super::class::Class;
use super::evidence::{Carrier, TokenFound, addressed_to, subject_tag, tokens};
use super::letter::{Letter, letter, letter_of_a_member};
use super::meaning::{Asked, Understood, meaning};
use super::reply::{Reply, reply};
use super::token::Token;
use crate::core::DraftKey;
use crate::core::event::Certainty;
use crate::core::ids::{GroupId, MemberId};
use crate::core::proof::{Level, Proof};
use crate::core::route::{Directory, Hit, Route, chosen, route};
use crate::words::to_json;
use std::convert::Infallible;

/// What the house knows and a mail does not say: what was sent, to whom, what it asked. The same answers give the same
/// reading.
pub trait Known {
    /// Why it can't tell.
    type Error;

    /// The mail of ours that a token names.
    ///
    /// # Errors
    /// It can't tell.
    fn sent(&self, token: &Token) -> Result<Option<Sent>, Self::Error>;

    /// The members who write from this address, then those for whom it answers.
    ///
    /// # Errors
    /// It can't tell.
    fn senders(&self, address: &str) -> Result<Vec<(GroupId, MemberId)>, Self::Error>;

    /// Whether the receiver of that mail is this member of another group: an address that counts there alone is a new
    /// one here.
    ///
    /// # Errors
    /// It can't tell.
    fn is_receiver(&self, _key: &DraftKey, _sender: &(GroupId, MemberId)) -> Result<bool, Self::Error> {
        Ok(false)
    }

    /// The mails that ask this member something, the newest first.
    ///
    /// # Errors
    /// It can't tell.
    fn open(&self, group: &GroupId, member: &MemberId) -> Result<Vec<Sent>, Self::Error>;

    /// The address that mail to us is written to.
    fn own_address(&self) -> Option<&str> {
        None
    }

    /// What that mail asks; `None` where nobody is left to ask.
    ///
    /// # Errors
    /// It can't tell.
    fn asked(&self, key: &DraftKey) -> Result<Option<Asked<'_>>, Self::Error>;

    /// It knows of nothing that was sent: a question is not looked for.
    fn is_blank(&self) -> bool {
        false
    }

    /// What the mail answers where somebody said so beforehand: the text we sent, and what it asked.
    fn told(&self) -> Option<(Option<String>, Option<Asked<'_>>)> {
        None
    }
}

/// A mail of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Which.
    pub key: DraftKey,
    /// What its token names it by.
    pub draft_id: String,
    /// The token that led here was made by this instance for this mail and its receiver.
    pub fits: bool,
    /// Its time is long over: a token leads to it, and proves nothing any more.
    pub expired: bool,
    /// Its subject line.
    pub subject: String,
    /// The plain text we sent.
    pub plain: String,
}

/// Knows nothing: what a mail says by itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nothing;

impl Known for Nothing {
    type Error = Infallible;

    fn is_blank(&self) -> bool {
        true
    }

    fn sent(&self, _: &Token) -> Result<Option<Sent>, Infallible> {
        Ok(None)
    }

    fn senders(&self, _: &str) -> Result<Vec<(GroupId, MemberId)>, Infallible> {
        Ok(Vec::new())
    }

    fn open(&self, _: &GroupId, _: &MemberId) -> Result<Vec<Sent>, Infallible> {
        Ok(Vec::new())
    }

    fn asked(&self, _: &DraftKey) -> Result<Option<Asked<'_>>, Infallible> {
        Ok(None)
    }
}

/// One step of the reading: what it found, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// `class`, `proof`, `question`, `reply`, `meaning`.
    pub name: &'static str,
    /// What it found, in a word or a few; `-` for nothing.
    pub found: String,
    /// The reason, in a sentence.
    pub why: String,
}

/// A mail, read.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The mail taken apart; its class is the first step.
    pub letter: Letter,
    /// How sure it is who sent it.
    pub proof: Proof,
    /// The members who write from its address.
    pub senders: Vec<(GroupId, MemberId)>,
    /// Whose answer it is, and to which mail; `None` where a machine wrote it or nothing was looked for.
    pub route: Option<Route>,
    /// What the person wrote, where a person may have written.
    pub reply: Option<Reply>,
    /// What it means, where its question is known.
    pub understood: Option<Understood>,
    /// How it came to that, in order.
    pub steps: Vec<Step>,
}

/// Reads a mail. `proof` is what was found out about its sender on arrival (DKIM and DNS are the receiver's); `None`
/// where nobody looked. Any bytes give a reading.
///
/// # Errors
/// Those of what is known alone.
pub fn read<K: Known>(raw: &[u8], proof: Option<&Proof>, known: &K) -> Result<Reading, K::Error> {
    let letter = told_by_whom(raw, known)?;
    let mut reading = Reading {
        proof: proof.cloned().unwrap_or_else(|| Proof::new(Level::B, "no check of the sender was made")),
        senders: Vec::new(),
        route: None,
        reply: None,
        understood: None,
        steps: Vec::new(),
        letter,
    };
    let (class, why) = (reading.letter.class.as_str(), reading.letter.class_why);
    reading.step("class", class, why);
    let (level, why) = (format!("{:?}", reading.proof.level), reading.proof.why.clone());
    reading.step("proof", level, why);
    let sent = reading.link(raw, known)?;
    reading.cut(sent.as_deref());
    reading.understand(known)?;
    Ok(reading)
}

/// The letter. What looks like a report on delivery is a person's where a member wrote it.
fn told_by_whom<K: Known>(raw: &[u8], known: &K) -> Result<Letter, K::Error> {
    let letter = letter(raw);
    let from = letter.from.as_ref().filter(|_| letter.class == Class::Bounce);
    let members = match from {
        Some(from) => !known.senders(&from.email)?.is_empty(),
        None => false,
    };
    Ok(if members { letter_of_a_member(raw) } else { letter })
}

impl Reading {
    fn step(&mut self, name: &'static str, found: impl Into<String>, why: impl Into<String>) {
        self.steps.push(Step { name, found: found.into(), why: why.into() });
    }

    /// A person's mail is looked up by what it carries and by who writes it; a calendar's only where words stand beside
    /// it, or it may be none of ours and no answer, and it leads to a mail of ours. Gives the text of the mail it answers.
    fn link<K: Known>(&mut self, raw: &[u8], known: &K) -> Result<Option<String>, K::Error> {
        if let Some((sent, _)) = known.told() {
            self.step("question", "as told", "what it answers was given with it");
            return Ok(sent);
        }
        let found = tokens(&self.letter);
        let words = !self.letter.text.trim().is_empty() || self.letter.calendar_method.is_none();
        let beside_a_calendar = || self.letter.class == Class::Calendar && words && !found.is_empty();
        if self.letter.class != Class::Person && !beside_a_calendar() {
            self.step("question", "-", "only what a person writes answers a question");
            return Ok(None);
        }
        if known.is_blank() {
            let lead = lead(None, &found, 0);
            self.step("question", "-", format!("{lead}; what was sent is not known here"));
            return Ok(None);
        }
        let (mut mails, mut hits) = (Vec::new(), Vec::new());
        let (mut carrier, mut quoted) = (None, Vec::new());
        for TokenFound { token, carrier: place } in &found {
            let Some(sent) = known.sent(token)? else { continue };
            carrier = carrier.or(Some(*place));
            quoted.extend((*place == Carrier::Body).then(|| sent.key.clone()));
            let direct = matches!(place, Carrier::Recipient | Carrier::InReplyTo);
            let stale = *place == Carrier::References && !same_topic(&self.letter.subject, &sent.subject);
            hits.push(Hit { key: sent.key.clone(), fits: sent.fits, direct, stale, expired: sent.expired });
            mails.push(sent);
        }
        if let Some(from) = &self.letter.from {
            self.senders = known.senders(&from.email)?;
        }
        let mut open = Vec::new();
        for (group, member) in self.senders.iter().filter(|_| hits.is_empty()) {
            open.extend(known.open(group, member)?);
        }
        // a hint chooses among several, and proves no more than one alone would
        let hint = self.hint();
        if let Some(named) = open.iter().position(|mail| hint.as_ref().is_some_and(|h| mail.draft_id.ends_with(h))) {
            open = vec![open.swap_remove(named)];
        }
        let unknown = if carrier.is_none() && !found.is_empty() { ", of no mail of ours" } else { "" };
        let lead = format!("{}{unknown}", lead(carrier, &found, open.len()));
        let doubtful = match chosen(&hits) {
            Some(first) => self.speaks_of_another(&first.key, &mails, &quoted),
            None => self.doubtful(raw, known.own_address(), &open),
        };
        let asks = open.iter().map(|mail| mail.key.clone()).collect();
        mails.extend(open);
        let senders = self.others(known, chosen(&hits))?;
        let route = route(&Directory { hits, senders, proof: self.proof.level, open: asks, doubtful });
        let (said, why) = self.told(&route, &lead);
        self.step("question", said, why);
        let answered = match &route {
            Route::Answer { key, .. } => mails.into_iter().find(|mail| mail.key == *key).map(|mail| mail.plain),
            _ => None,
        };
        self.route = Some(route);
        Ok(answered)
    }

    /// Who writes, for the mail that it answers: without its receiver under another group's roof.
    fn others<K: Known>(&self, known: &K, hit: Option<&Hit>) -> Result<Vec<(GroupId, MemberId)>, K::Error> {
        let mut all = self.senders.clone();
        let Some(hit) = hit.filter(|hit| all.iter().all(|(group, _)| *group != hit.key.group)) else { return Ok(all) };
        for sender in &self.senders {
            if known.is_receiver(&hit.key, sender)? {
                all.retain(|other| other != sender);
            }
        }
        Ok(all)
    }

    /// The end of a draft's id, as the tag in the subject says it.
    fn hint(&self) -> Option<String> {
        subject_tag(&self.letter).map(|tag| tag.replace('-', ""))
    }

    /// With a token: all that it quotes is of other mails of ours, or the hint in its subject is one of theirs.
    fn speaks_of_another(&self, first: &DraftKey, mails: &[Sent], quoted: &[DraftKey]) -> bool {
        let hint = self.hint();
        let named = |mail: &&Sent| hint.as_ref().is_some_and(|hint| mail.draft_id.ends_with(hint));
        let named = mails.iter().find(named).is_some_and(|mail| mail.key != *first);
        named || !quoted.is_empty() && !quoted.contains(first)
    }

    /// Without a token: it was written to somebody else, or the hint in its subject is another mail's.
    fn doubtful(&self, raw: &[u8], own_address: Option<&str>, open: &[Sent]) -> bool {
        let hint = self.hint();
        let other = |mail: &Sent| hint.as_ref().is_some_and(|hint| !mail.draft_id.ends_with(hint));
        open.iter().any(other) || own_address.is_some_and(|own| !addressed_to(raw, own))
    }

    /// A route, in words.
    fn told(&self, route: &Route, lead: &str) -> (String, String) {
        let vouched = self.proof.level == Level::A;
        match route {
            Route::Answer { key, .. } if vouched => (key.to_string(), format!("{lead}; its sender's domain vouches")),
            Route::Answer { key, .. } => (key.to_string(), format!("{lead}; nothing vouches for its sender")),
            Route::Ask(key) => (format!("{key}?"), format!("{lead}; that alone is not enough, its receiver is asked")),
            Route::NewAddress(key) => {
                (format!("{key}?"), format!("{lead}; from an address that is nobody's: its receiver is asked"))
            }
            Route::Another { key, member } => {
                (format!("{key}?"), format!("{lead}; from {member}, who is asked whether they answer for themselves"))
            }
            Route::Kept(kept) => ("-".to_owned(), format!("{lead}; {kept}")),
        }
    }

    /// People's mail, list mail, and words beside a calendar's answer are all that a person may have written.
    fn cut(&mut self, sent: Option<&str>) {
        if !matches!(self.letter.class, Class::Person | Class::List | Class::Calendar) {
            return self.step("reply", "-", "a machine wrote it");
        }
        let reply = reply(&self.letter, sent);
        let words = reply.text.split_whitespace().count();
        let sure = if reply.sure { "sure" } else { "probable" };
        let why = match (words, reply.rule.as_str()) {
            (0, _) => "nothing in it is the person's own".to_owned(),
            (_, "none") => "nothing is quoted in it".to_owned(),
            (_, "typed in") => "they stand in our own quoted lines (rule typed in)".to_owned(),
            (_, "sent") => "what we sent was found again and left out (rule sent)".to_owned(),
            (_, rule) => format!("what a mail program quotes was left out (rule {rule})"),
        };
        let count = if words == 1 { "1 word".to_owned() } else { format!("{words} words") };
        self.step("reply", format!("{count}, {sure}"), why);
        self.reply = Some(reply);
    }

    fn understand<K: Known>(&mut self, known: &K) -> Result<(), K::Error> {
        let asked = match (&self.route, known.told()) {
            (_, Some((_, asked))) => asked,
            (Some(Route::Answer { key, .. }), None) => known.asked(key)?,
            _ => None,
        };
        let (Some(asked), Some(reply)) = (asked, &self.reply) else {
            self.step("meaning", "-", "no question to read it against");
            return Ok(());
        };
        let understood = meaning(&self.letter, reply, &asked);
        let found = to_json(&understood.heard);
        let word = |name: &str| found[name].as_str().unwrap_or("none").to_owned();
        let question = understood.question.map_or("no question of its own", |q| q.name());
        let why = match understood.heard.certainty {
            Certainty::None if self.letter.encrypted => "it is encrypted: its words can't be read".to_owned(),
            Certainty::None => format!("nothing in it says what was asked: {question}"),
            Certainty::Probable if !reply.sure => format!("read as an answer to: {question}; the cut is not certain"),
            _ => format!("read as an answer to: {question}"),
        };
        self.step("meaning", format!("{}, {}", word("meaning"), word("certainty")), why);
        self.understood = Some(understood);
        Ok(())
    }
}

/// What leads to the question, in words.
fn lead(carrier: Option<Carrier>, found: &[TokenFound], open: usize) -> String {
    match (carrier, found.len(), open) {
        (Some(carrier), ..) => format!("a token in {}", place(carrier)),
        (None, 0, 0) => "no token".to_owned(),
        (None, 0, open) => format!("no token; questions open to its sender: {open}"),
        (None, ..) => format!("a token in {}", found.first().map_or("it", |f| place(f.carrier))),
    }
}

fn place(carrier: Carrier) -> &'static str {
    match carrier {
        Carrier::Recipient => "the address it was sent to",
        Carrier::InReplyTo => "In-Reply-To",
        Carrier::References => "References",
        Carrier::Subject => "the subject",
        Carrier::Body => "the text",
    }
}

/// One subject stands in the other, whatever was put before it ("Re:", "[EXT]") or cut off.
fn same_topic(one: &str, other: &str) -> bool {
    let bare = |s: &str| s.rsplit(": ").next().unwrap_or(s).trim().to_lowercase();
    let (mine, theirs) = (bare(one), bare(other));
    let within = |part: &str, whole: &str| part.chars().count() > 3 && whole.to_lowercase().contains(part);
    one.trim().is_empty() || mine == theirs || within(&theirs, one) || within(&mine, other)
}

//! What people do about a mail: late, twice, in the wrong step, in another language, from another address; as data.

use super::calendar_reply;
use super::client::{self, Author};
use super::clock::Chance;
use super::faults::{draw, pick, while_of};
use super::person::Person;
use crate::core::{Draft, Kind, Question};
use crate::ical::PartStat;
use crate::mail::Letter;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

/// One thing a person does about one mail of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// The mail's draft key.
    pub on: String,
    /// Seconds after it reached them.
    pub after: i64,
    /// What.
    #[serde(flatten)]
    pub does: Does,
    /// How often the very same mail is sent.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub copies: u32,
    /// Sent from this address instead of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

fn one() -> u32 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_one(n: &u32) -> bool {
    *n == 1
}

/// What a person does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    /// Presses a calendar button: `ACCEPTED`, `DECLINED`, `TENTATIVE`.
    Button(String),
    /// Proposes another time, so many hours later.
    Counter(i64),
    /// Asks for the event again.
    Refresh,
    /// Replies with these words.
    Words(String),
    /// Their server answers by itself.
    Absence(String),
    /// Their server sends the mail back, with this status.
    Bounce(String),
}

/// FNV-1a: the same number for the same mail, whatever else happened before.
pub fn number_of(seed: u64, text: &str) -> u64 {
    text.bytes()
        .fold(0xCBF2_9CE4_8422_2325 ^ seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

/// A word that stands nowhere else, to be looked for: who reads it has read that text.
pub fn mark(chance: &mut Chance) -> String {
    const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let bits = chance.draw();
    let tail: String = (0..8).map(|i| char::from(LETTERS[((bits >> (5 * i)) & 31) as usize])).collect();
    format!("zq{tail}")
}

/// The marks in a text.
pub fn marks(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("zq").filter_map(|(at, _)| {
        let word = text.get(at..at + 10)?;
        word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()).then_some(word)
    })
}

/// What this person does about this mail: drawn from the seed and the mail's key alone.
pub fn drawn(seed: u64, draft: &Draft, person: &Person, strangers: &[String]) -> Vec<Deed> {
    let key = draft.key.to_string();
    let mut chance = Chance::of(number_of(seed, &key));
    let chance = &mut chance;
    let mut does = Vec::new();
    if draw(chance, 100) < 2 {
        does.push(machine(chance, person.french));
    }
    // now and then somebody answers in the other language
    let french = person.french != (draw(chance, 100) < 4);
    does.extend(meant(chance, draft, french));
    if !does.is_empty() && draw(chance, 100) < 6 {
        // they changed their mind, or say it twice
        does.extend(meant(chance, draft, french));
    }
    if draw(chance, 1000) < 8 {
        does.push(Does::Words(stray(chance, french)));
    }
    let hurry = if draft.key.kind == Kind::StepPrompt { 20 * 60 } else { 10 * 86_400 };
    let deed = |does: Does, chance: &mut Chance| {
        let wrong = draw(chance, 100) < 2 && !strangers.is_empty();
        Deed {
            on: key.clone(),
            after: while_of(chance, hurry),
            does,
            copies: if draw(chance, 100) < 3 { 2 } else { 1 },
            from: wrong.then(|| strangers[pick(chance, strangers.len())].clone()),
        }
    };
    does.into_iter().map(|does| deed(does, chance)).collect()
}

fn machine(chance: &mut Chance, french: bool) -> Does {
    if draw(chance, 3) == 0 {
        let status = ["5.1.1", "5.2.2", "4.2.2", "5.7.1", "4.4.7"];
        return Does::Bounce(status[pick(chance, status.len())].to_owned());
    }
    Does::Absence(if french { "Je suis absent jusqu'au 20." } else { "I am out of the office." }.to_owned())
}

/// What somebody says whatever was asked.
fn stray(chance: &mut Chance, french: bool) -> String {
    let texts: [&str; 8] = if french {
        ["stop", "annuler", "aide", "Qui êtes-vous ?", "Merci !", "asdf qsdf", "oui", "Je voudrais parler à quelqu'un"]
    } else {
        ["stop", "undo", "help", "Who are you?", "Thanks!", "asdf qwer", "yes", "I want to talk to a person"]
    };
    texts[pick(chance, texts.len())].to_owned()
}

/// An answer to what was asked.
fn meant(chance: &mut Chance, draft: &Draft, french: bool) -> Vec<Does> {
    let Some(question) = draft.question else { return Vec::new() };
    let words = |text: String| vec![Does::Words(text)];
    let sometimes = |chance: &mut Chance, percent: i64| draw(chance, 100) < percent;
    match question {
        Question::Attendance => attendance(chance, draft, french),
        Question::Subject if sometimes(chance, 60) => words(subject(chance, french)),
        Question::Share if sometimes(chance, 70) => words(one_of(chance, SHARE, french)),
        Question::NoSubject if sometimes(chance, 60) => words(one_of(chance, NO_SUBJECT, french)),
        Question::Volunteer if sometimes(chance, 12) => words(one_of(chance, YES, french)),
        Question::Live if sometimes(chance, 20) => words(one_of(chance, LIVE, french)),
        Question::StepRequest if sometimes(chance, 60) => {
            let lead = if french { "Aidez-moi à" } else { "Help me to" };
            words(format!("{lead} dire non {}", mark(chance)))
        }
        Question::Contribution if sometimes(chance, 25) => {
            let text = if french { "À ta place je commencerais petit" } else { "In your place I would begin small" };
            words(format!("{text} {}", mark(chance)))
        }
        Question::ActionPlan if sometimes(chance, 65) => words(plan(chance, french)),
        Question::Learning if sometimes(chance, 55) => {
            let text = if french { "J'ai appris à écouter" } else { "I learned to listen" };
            words(format!("{text} {}", mark(chance)))
        }
        Question::LastCall if sometimes(chance, 35) => {
            let text = if french { "Je retiens l'idée de la règle" } else { "I keep the idea of the rule" };
            words(format!("{text} {}", mark(chance)))
        }
        Question::Review if sometimes(chance, 60) => words(one_of(chance, REVIEW, french)),
        Question::Progress if sometimes(chance, 60) => {
            words(format!("{} {}", one_of(chance, PROGRESS, french), mark(chance)))
        }
        Question::Counter | Question::Confirm | Question::Swap | Question::Quorum if sometimes(chance, 60) => {
            words(one_of(chance, YES, french))
        }
        Question::Note if sometimes(chance, 2) => words(stray(chance, french)),
        _ => Vec::new(),
    }
}

type Choices = (&'static [&'static str], &'static [&'static str]);
const YES: Choices = (&["oui", "Oui !", "non", "je ne sais pas"], &["yes", "Yes!", "no", "I don't know"]);
const COMING: Choices = (
    &["Oui, je serai là", "non désolée, pas possible", "peut-être", "présent !", "j'arrive en retard de 10 minutes"],
    &["Yes I'll be there!", "Sorry, I can't make it", "maybe", "Count me in", "I'll be 10 minutes late"],
);
const SHARE: Choices = (
    &["partager", "titre seulement", "rien", "ne partagez rien", "oui", "non"],
    &["Share, thanks", "title only", "nothing", "share nothing", "yes", "no"],
);
const NO_SUBJECT: Choices = (&["relancer", "échanger", "ouvrir", "?"], &["remind", "swap", "open", "?"]);
const LIVE: Choices = (
    &["+5", "suite", "pause", "reprise", "-2", "fin", "+5 fin", "retour", "Ana est absente"],
    &["+5", "next", "pause", "resume", "-2", "stop", "+5 end", "back", "Ana is absent"],
);
const REVIEW: Choices =
    (&["ok", "correction : pas la deuxième ligne", "retirer"], &["ok", "correction: not so", "withdraw"]);
const PROGRESS: Choices =
    (&["1 fait\n2 commencé", "1 abandonné", "tout est fait"], &["1 done\n2 started", "1 dropped", "all done"]);

fn one_of(chance: &mut Chance, choices: Choices, french: bool) -> String {
    let list = if french { choices.0 } else { choices.1 };
    list[pick(chance, list.len())].to_owned()
}

fn attendance(chance: &mut Chance, draft: &Draft, french: bool) -> Vec<Does> {
    let words = |chance: &mut Chance| vec![Does::Words(one_of(chance, COMING, french))];
    let n = draw(chance, 100);
    if !draft.key.kind.is_calendar() {
        return if n < 25 { words(chance) } else { Vec::new() };
    }
    match n {
        0..=54 => vec![Does::Button("ACCEPTED".to_owned())],
        55..=61 => vec![Does::Button("DECLINED".to_owned())],
        62..=67 => vec![Does::Button("TENTATIVE".to_owned())],
        68..=79 => words(chance),
        80 | 81 => vec![Does::Counter(draw(chance, 96) - 24)],
        82 => vec![Does::Refresh],
        _ => Vec::new(),
    }
}

fn subject(chance: &mut Chance, french: bool) -> String {
    if draw(chance, 10) == 0 {
        return if french { "échanger" } else { "swap" }.to_owned();
    }
    let (title, body) = (mark(chance), mark(chance));
    if french {
        format!("Comment dire non à mes anciens collègues {title}\n\nDepuis septembre je refais les plannings {body}.")
    } else {
        format!("How to say no to my former colleagues {title}\n\nSince September I redo the rotas {body}.")
    }
}

fn plan(chance: &mut Chance, french: bool) -> String {
    let lines = (1..=1 + draw(chance, 3)).map(|_| {
        let line = if french { "- Écrire la règle avant le 15" } else { "- Write the rule down by the 15th" };
        format!("{line} {}", mark(chance))
    });
    let lines: Vec<_> = lines.collect();
    let head = match draw(chance, 4) {
        0 if french => "partager tout\n",
        0 => "share all\n",
        _ => "",
    };
    format!("{head}{}", lines.join("\n"))
}

impl Deed {
    /// The mail as it is sent at that time; nothing where there is no button to press.
    pub fn written(&self, person: &Person, ours: &Letter, nth: usize, at: DateTime<Utc>) -> Option<Vec<u8>> {
        let email = self.from.as_deref().unwrap_or(&person.email);
        let author = Author { name: &person.name, email, french: person.french, zone: person.zone };
        let number = number_of(nth as u64, &self.on);
        let ics = || String::from_utf8(ours.calendar.first()?.clone()).ok();
        let calendar =
            |text: String, verb: &str| client::calendar(person.calendar, &author, ours, &text, verb, "", number, at);
        Some(match &self.does {
            Does::Words(text) => client::reply(person.client, &author, ours, text, number, at),
            Does::Absence(text) => client::absence(&author, ours, text, number, at),
            Does::Bounce(status) => bounce(&person.email, ours, status, number, at),
            Does::Button(word) => {
                let answer = PartStat::parse(word)?;
                let text = calendar_reply::reply(&ics()?, &person.email, answer, person.calendar, None, at).ok()?;
                calendar(text, word)
            }
            Does::Counter(hours) => {
                let later = at + Duration::hours(*hours + 48);
                let text = calendar_reply::counter(&ics()?, &person.email, later, person.calendar, None, at).ok()?;
                calendar(text, "Counter")
            }
            Does::Refresh => calendar(calendar_reply::refresh(&ics()?, &person.email, at).ok()?, "Refresh"),
        })
    }
}

/// A delivery report (RFC 3464) on a mail of ours.
fn bounce(email: &str, ours: &Letter, status: &str, number: u64, at: DateTime<Utc>) -> Vec<u8> {
    let daemon = ours.from.as_ref().map_or("", |f| f.email.as_str());
    let domain = email.rsplit_once('@').map_or("example.org", |(_, d)| d);
    let id = ours.message_id.as_deref().unwrap_or_default();
    let action = if status.starts_with('4') { "delayed" } else { "failed" };
    format!(
        "From: Mail Delivery System <mailer-daemon@{domain}>\r\nTo: <{daemon}>\r\nSubject: Undelivered Mail\r\n\
         Date: {}\r\nMessage-ID: <b{number}@{domain}>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"=_b\"\r\n\r\n\
         --=_b\r\nContent-Type: text/plain\r\n\r\nYour mail could not be delivered.\r\n\
         --=_b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; {domain}\r\n\r\n\
         Final-Recipient: rfc822; {email}\r\nAction: {action}\r\nStatus: {status}\r\n\
         Diagnostic-Code: smtp; {}50 {status} no\r\n\r\n\
         --=_b\r\nContent-Type: message/rfc822-headers\r\n\r\nMessage-ID: <{id}>\r\n\r\n--=_b--\r\n",
        at.to_rfc2822(),
        &status[..1],
    )
    .into_bytes()
}

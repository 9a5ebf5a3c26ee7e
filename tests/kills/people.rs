//! The members of a house in front of their mailboxes: what they got, and what they wrote back.

use crate::house::{House, Way};
use chrono::{DateTime, Duration, Utc};
use codevd::core::{Kind, StepKey};
use codevd::ical::PartStat;
use codevd::mail::{Letter, Token, letter};
use codevd::sim::calendar_reply::ReplyStyle;
use codevd::sim::{Client, Habit, Person, Say};
use codevd::store::Reader;
use codevd::transport::{Delivery, Envelope, Security, Smtp, SmtpSettings};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The facilitator first, then the circle; the first of the circle is the requester.
pub const PEOPLE: [&str; 6] = ["ana", "bruno", "chloe", "david", "emma", "farid"];

/// A mail that reached a mailbox.
pub struct Got {
    pub message_id: String,
}

/// A mail that a member sent, and that a server (or the daemon) has said it took.
pub struct Gave {
    pub message_id: String,
    pub from: String,
    pub on: Kind,
    pub words: Option<String>,
}

struct Waiting {
    at: DateTime<Utc>,
    bytes: Vec<u8>,
    gave: Gave,
    tries: u32,
}

/// Everybody of a house.
pub struct Members {
    people: BTreeMap<String, Person>,
    smtp: Smtp,
    seen: BTreeSet<PathBuf>,
    answered: BTreeSet<String>,
    waiting: Vec<Waiting>,
    pub got: Vec<Got>,
    pub gave: Vec<Gave>,
    number: u64,
}

impl Members {
    pub fn new(house: &House<'_>, groups: u64) -> Self {
        let mut settings = SmtpSettings::new("127.0.0.1", None, "member.example");
        settings.port = house.servers.smtp;
        settings.security = Security::Plain;
        Self {
            people: PEOPLE.iter().map(|who| ((*who).to_owned(), person(who, house))).collect(),
            smtp: Smtp::new(settings).unwrap(),
            seen: BTreeSet::new(),
            answered: BTreeSet::new(),
            waiting: Vec::new(),
            got: Vec::new(),
            gave: Vec::new(),
            number: groups * 1_000_000,
        }
    }

    /// Reads what is new, and sends what is ready.
    pub async fn turn(&mut self, house: &House<'_>) {
        for who in PEOPLE {
            let folder = house.servers.maildir(&house.user(who)).join("new");
            let Ok(folder) = std::fs::read_dir(folder) else { continue };
            let paths: Vec<PathBuf> = folder.map(|e| e.unwrap().path()).filter(|p| !self.seen.contains(p)).collect();
            for path in paths {
                let bytes = std::fs::read(&path).unwrap();
                self.seen.insert(path);
                self.read(house, who, &letter(&bytes));
            }
        }
        let now = Utc::now();
        let (ready, later) = std::mem::take(&mut self.waiting).into_iter().partition(|w| w.at <= now);
        self.waiting = later;
        let ready: Vec<Waiting> = ready;
        for mail in ready {
            self.send(house, mail).await;
        }
    }

    /// All that they want to say is said.
    pub fn are_done(&self) -> bool {
        self.waiting.is_empty()
    }

    fn read(&mut self, house: &House<'_>, who: &str, mail: &Letter) {
        let message_id = mail.message_id.clone().unwrap();
        let draft = Token::parse(message_id.split('@').next().unwrap()).expect("a mail of ours").draft_id().to_string();
        let reader = Reader::open(house.database()).unwrap();
        let row = reader.outbox_by_draft_id(&draft).unwrap();
        let key = row.unwrap_or_else(|| panic!("{message_id} came and was never decided{}", house.told())).draft.key;
        let run = key.meeting.and_then(|n| reader.meeting(&key.group, n).unwrap()).and_then(|m| m.run);
        let step = key.step.and_then(|s| run.as_ref()?.steps.get(s as usize).map(|s| s.key));
        self.got.push(Got { message_id: message_id.clone() });
        // whoever gets a mail twice answers once: that it came twice is told by the comparison
        if !self.answered.insert(message_id) {
            return;
        }
        self.number += 10;
        for answer in self.people[who].react(&key, step, mail, self.number, Utc::now()) {
            let message_id = letter(&answer.bytes).message_id.unwrap();
            let gave = Gave { message_id, from: who.to_owned(), on: key.kind, words: answer.words };
            self.waiting.push(Waiting { at: answer.at, bytes: answer.bytes, gave, tries: 0 });
        }
    }

    async fn send(&mut self, house: &House<'_>, mut mail: Waiting) {
        let taken = match house.way {
            // one whose server pipes the mailbox into the program
            Way::Imap if mail.gave.from == "farid" => house.deliver(&mail.bytes),
            Way::Imap => {
                let from = house.address(&mail.gave.from);
                let envelope = Envelope::new(from, house.address("codev")).unwrap();
                let delivery = self.smtp.send(&envelope, &mail.bytes).await;
                matches!(delivery, Delivery::Accepted { .. })
            }
            _ => house
                .hand_in(&format!("{}.{}", mail.gave.message_id.replace('@', "-"), mail.tries), &mail.bytes)
                .is_ok(),
        };
        if taken {
            self.gave.push(mail.gave);
        } else {
            // a server keeps what was not taken, and tries again
            mail.tries += 1;
            assert!(mail.tries < 100, "nobody takes a mail{}", house.told());
            mail.at = Utc::now() + Duration::milliseconds(200);
            self.waiting.push(mail);
        }
    }
}

fn person(who: &str, house: &House<'_>) -> Person {
    let say = |on, step, wait, say| Habit { on, step, meeting: None, after: Duration::milliseconds(wait), say };
    let words = |on, wait, text: &str| say(on, None, wait, Say::Words(text.to_owned()));
    let prompt = |step, wait, text: &str| say(Kind::StepPrompt, Some(step), wait, Say::Words(text.to_owned()));
    let button = say(Kind::Invitation, None, 50, Say::Button(PartStat::Accepted));
    let learning = words(Kind::LearningsRequest, 100, &format!("{who} : j'attends avant de conseiller."));
    let contribution = prompt(StepKey::Contributions, 300, "J'ai vécu la même chose.");
    let habits = match who {
        "ana" => vec![button, prompt(StepKey::Clarification, 1500, "Suivant")],
        "bruno" => vec![
            button,
            words(Kind::SubjectRequest, 100, "Je n'arrive pas à dire non à mes anciens collègues."),
            words(Kind::SubjectReceipt, 100, "partager"),
            prompt(StepKey::Request, 1000, "Aidez-moi à dire non"),
            words(Kind::ActionPlanRequest, 100, "tout partager\n- Écrire la règle avant le 15/12"),
            learning,
        ],
        "chloe" => vec![words(Kind::Invitation, 50, "Oui, je viens !"), contribution, learning],
        "david" => vec![words(Kind::Invitation, 50, "Non, je ne peux pas."), words(Kind::Moved, 50, "Oui, je viens !")],
        _ => vec![words(Kind::Invitation, 50, "Oui, je viens !"), contribution],
    };
    let (client, calendar) = match who {
        "chloe" => (Client::Iphone, ReplyStyle::Apple),
        "david" => (Client::Outlook, ReplyStyle::Outlook),
        "emma" => (Client::Gmail, ReplyStyle::Google),
        _ => (Client::Thunderbird, ReplyStyle::Thunderbird),
    };
    let email = house.address(who);
    Person { name: format!("{who} Test"), email, french: true, zone: chrono_tz::UTC, client, calendar, habits }
}

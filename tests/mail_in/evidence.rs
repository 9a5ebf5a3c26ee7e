//! Row 24: the order of evidence, each combination read by `mail::read` against what a small house knows.

use codevd::core::proof::{Level, Proof};
use codevd::core::route::{Kept, Lead, Route};
use codevd::core::{DraftKey, GroupId, MemberId};
use codevd::mail::{self, Asked, Key, Known, Sent, Token};
use serde::Deserialize;
use std::convert::Infallible;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Case>,
}

/// What a mail carries, and where it goes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Case {
    from: String,
    to: String,
    recipient: Vec<String>,
    in_reply_to: Vec<String>,
    references: Vec<String>,
    subject: Vec<String>,
    body: Vec<String>,
    tag: Option<String>,
    topic: String,
    open: Vec<String>,
    proof: String,
    expired: bool,
    /// For who reads the table.
    #[serde(rename = "why")]
    _why: String,
    then: String,
}

const MAILS: [(&str, &str, &str); 3] = [
    ("A", "lyon/3/invitation/-/ana/0", "[Codev Lyon] Séance du 8 décembre : venez-vous ?"),
    ("B", "lyon/3/subject_request/-/ana/0", "[Codev Lyon] Votre sujet"),
    ("C", "lyon/3/invitation/-/bo/0", "[Codev Lyon] Séance du 8 décembre : venez-vous ?"),
];

/// The mails that were sent, and who writes from where.
struct House<'a> {
    key: &'a Key,
    case: &'a Case,
}

impl House<'_> {
    fn mail(&self, name: &str) -> Sent {
        let (_, key, subject) = MAILS.into_iter().find(|(known, ..)| *known == name).unwrap();
        let (draft_id, key) = (self.key.draft_id(key).to_string(), key.parse().unwrap());
        Sent { key, draft_id, fits: false, expired: self.case.expired, subject: subject.into(), plain: String::new() }
    }

    fn token(&self, name: &str) -> String {
        let (draft, owner) = match name {
            "spoilt" => (MAILS[0].1, "lyon/bo"),
            "foreign" => ("nantes/1/invitation/-/eve/0", "nantes/eve"),
            "C" => (MAILS[2].1, "lyon/bo"),
            name => (MAILS.into_iter().find(|(known, ..)| *known == name).unwrap().1, "lyon/ana"),
        };
        self.key.token(&self.key.draft_id(draft), owner).to_string()
    }

    fn raw(&self) -> Vec<u8> {
        let Case { from, to, recipient, in_reply_to, references, subject, body, tag, topic, .. } = self.case;
        let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
        let all = |names: &[String], before: &str, after: &str| -> String {
            names.iter().map(|name| format!("{before}{}{after}", self.token(name))).collect::<Vec<_>>().join(" ")
        };
        let mut head = format!("From: <{}@x.example>\r\n", or(from, "ana"));
        let plus = all(recipient, "codev+", "@codev.example");
        head += &format!("To: <{}>\r\n", or(to, &or(&plus, "codev@codev.example")));
        let named = all(subject, "[", "]");
        let tag = tag.as_ref().map_or(String::new(), |name| {
            let (_, key, _) = MAILS.into_iter().find(|(known, ..)| known == name).unwrap();
            format!("[{}]", self.key.draft_id(key).tag())
        });
        head += &format!("Subject: {} {named} {tag}\r\n", or(topic, &format!("Re: {}", MAILS[0].2)));
        for (name, ids) in [("In-Reply-To", in_reply_to), ("References", references)] {
            if !ids.is_empty() {
                head += &format!("{name}: {}\r\n", all(ids, "<", "@codev.example>"));
            }
        }
        let quote: String = body.iter().map(|name| format!("> Réf. {}\r\n\r\n", self.token(name))).collect();
        format!(
            "{head}Date: Tue, 24 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\noui\r\n\r\n{quote}"
        )
        .into_bytes()
    }
}

impl Known for House<'_> {
    type Error = Infallible;

    fn sent(&self, token: &Token) -> Result<Option<Sent>, Infallible> {
        let all = MAILS.map(|(name, ..)| self.mail(name));
        let found = all.into_iter().find(|mail| mail.draft_id == token.draft_id().to_string());
        Ok(found.map(|mail| {
            let owner = format!("{}/{}", mail.key.group, mail.key.member);
            Sent { fits: self.key.fits(token, &owner), ..mail }
        }))
    }

    fn senders(&self, address: &str) -> Result<Vec<(GroupId, MemberId)>, Infallible> {
        let name = address.split('@').next().unwrap();
        let known = ["ana", "bo"].contains(&name);
        Ok(known.then(|| ("lyon".parse().unwrap(), name.parse().unwrap())).into_iter().collect())
    }

    fn open(&self, _: &GroupId, _: &MemberId) -> Result<Vec<Sent>, Infallible> {
        Ok(self.case.open.iter().map(|name| self.mail(name)).collect())
    }

    fn own_address(&self) -> Option<&str> {
        Some("codev@codev.example")
    }

    fn asked(&self, _: &DraftKey) -> Result<Option<Asked<'_>>, Infallible> {
        Ok(None)
    }
}

fn told(route: &Route) -> String {
    let name = |key: &DraftKey| MAILS.into_iter().find(|(_, known, _)| *known == key.to_string()).unwrap().0;
    match route {
        Route::Answer { key, lead: Lead::Token } => format!("answer {}: token", name(key)),
        Route::Answer { key, lead: Lead::OldToken } => format!("answer {}: old token", name(key)),
        Route::Answer { key, lead: Lead::OneOpen } => format!("answer {}: one open", name(key)),
        Route::Ask(key) => format!("ask {}", name(key)),
        Route::NewAddress(key) => format!("new address {}", name(key)),
        Route::Another { key, member } => format!("another {}: {member}", name(key)),
        Route::Kept(Kept::Stranger) => "kept: stranger".to_owned(),
        Route::Kept(Kept::NoToken(_)) => "kept: no token".to_owned(),
        Route::Kept(Kept::SeveralOpen(_, count)) => format!("kept: {count} open"),
        Route::Kept(Kept::OtherAddress(_)) => "kept: other address".to_owned(),
        Route::Kept(Kept::WrongToken) => "kept: wrong token".to_owned(),
    }
}

#[test]
fn the_strongest_evidence_decides_and_a_conflict_asks() {
    let table: Table = toml::from_str(include_str!("evidence.toml")).unwrap();
    assert!(table.case.len() >= 30, "{} combinations", table.case.len());
    let key = Key::new([7; 32]);
    let mut wrong = Vec::new();
    for case in &table.case {
        let house = House { key: &key, case };
        let level = if case.proof == "A" { Level::A } else { Level::B };
        let Ok(read) = mail::read(&house.raw(), Some(&Proof::new(level, "as the table says")), &house);
        let route = read.route.as_ref().map_or("nothing".to_owned(), told);
        if route != case.then {
            wrong.push(format!("{case:?}: {route}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! The mails of the table: somebody's words with a token in a place.

use super::table::Row;
use crate::stage::{ADDRESS, Set, mail_name};
use codevd::core::DraftKey;
use codevd::ical::PartStat;
use codevd::mail;
use codevd::sim::calendar_reply::{self, ReplyStyle};
use codevd::sim::client::{self, Author};
use serde::Deserialize;

/// What the mail bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Token {
    /// The own mail is answered: In-Reply-To.
    Right,
    /// The own token behind a `+` in the address, as buttons of mails put it.
    Address,
    /// The own token in the quoted line "Réf. …" alone.
    Footer,
    /// The own token after its time.
    Expired,
    /// The own token in References alone, under another subject.
    Stale,
    /// The very mail once more, after it was dealt with, by another way.
    Replayed,
    /// Two mails at once: the address says one, In-Reply-To the other.
    Two,
    /// Somebody else's mail is answered.
    Other,
    /// Somebody else's mail was forwarded: its token stands in the quoted line alone.
    Forwarded,
    /// The draft's own id with a proof made up.
    Guessed,
    /// A token made up altogether.
    Random,
    /// The short hint at the subject's end.
    Hint,
    /// A hint of another mail.
    WrongHint,
    /// Nothing, in a mail that was written to somebody else and sent on to us as it was signed.
    Elsewhere,
    /// The key that stands in our own event, sent back with it: a button whose program makes a new mail.
    Event,
    /// Nothing at all.
    Nothing,
}

impl Token {
    pub fn is_anothers(self) -> bool {
        matches!(self, Self::Other | Self::Forwarded)
    }
    /// Leads to a mail only as the one open question.
    pub fn needs_open(self) -> bool {
        matches!(self, Self::Random | Self::Hint | Self::WrongHint | Self::Elsewhere | Self::Nothing)
    }
    /// Where a calendar's program may put one, or none.
    pub fn has_button(self) -> bool {
        matches!(self, Self::Right | Self::Other | Self::Replayed | Self::Event | Self::Nothing)
    }
}

/// The newest mail of that name that somebody got.
pub fn got<'s>(set: &'s Set, who: &str, name: &str) -> (&'s DraftKey, &'s [u8]) {
    let all = &set.got[who];
    let found = all.iter().rev().find(|(key, step, _)| mail_name(key, *step).ends_with(name));
    found.map(|(key, _, bytes)| (key, bytes.as_slice())).unwrap()
}

/// The mail of a row. A draft that was expired beforehand is so in the store.
pub fn write(row: &Row<'_>, set: &Set) -> Vec<u8> {
    let (key, bytes) = got(set, &row.of, &row.act.mail);
    let ours = mail::letter(bytes);
    if let Some(button) = &row.act.button {
        return press(row, set, &ours, button);
    }
    let id = ours.message_id.clone().unwrap();
    let token = id.split('@').next().unwrap().to_owned();
    let guessed = format!("{}0123456789abcdefghjk", &token[..12]);
    let tag = mail::Token::parse(&token).unwrap().draft_id().tag();
    let other = set.got[&row.of].iter().find(|(k, ..)| k != key).map(|(.., b)| mail::letter(b).message_id.unwrap());
    let domain = id.split('@').nth(1).unwrap();
    let reply = format!("Re: {}", ours.subject);
    let threaded = |id: &str| format!("In-Reply-To: <{id}>\r\nReferences: <{id}>\r\n");
    let fresh = || ("Bonjour".to_owned(), String::new());
    let (mut to, mut quote) = (ADDRESS.to_owned(), String::new());
    let (subject, headers) = match row.token {
        Token::Right | Token::Other | Token::Expired | Token::Replayed => (reply, threaded(&id)),
        Token::Address => {
            to = ADDRESS.replace('@', &format!("+{token}@"));
            fresh()
        }
        Token::Footer | Token::Forwarded => {
            quote = format!(
                "\r\n\r\nLe mar. 17 nov. 2026 à 09:00, Codev <codev@codev.example> a écrit :\r\n> Réf. {token}\r\n"
            );
            fresh()
        }
        Token::Stale => ("Tout autre chose".to_owned(), format!("References: <{id}>\r\n")),
        Token::Two => {
            to = ADDRESS.replace('@', &format!("+{token}@"));
            (reply, threaded(&other.expect("two mails")))
        }
        Token::Guessed => (reply, threaded(&format!("{guessed}@{domain}"))),
        Token::Random => (reply, threaded(&format!("zzzzzzzzzzzz0123456789abcdefghjk@{domain}"))),
        Token::Hint => (format!("Bonjour [{tag}]"), String::new()),
        Token::WrongHint => ("Bonjour [zzzz-0000]".to_owned(), String::new()),
        Token::Elsewhere => {
            to = "friend@elsewhere.example".to_owned();
            fresh()
        }
        Token::Event | Token::Nothing => fresh(),
    };
    format!(
        "From: <{}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nDate: {}\r\nMessage-ID: <row@{}.example>\r\n{headers}\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}{quote}\r\n",
        row.address,
        set.now.to_rfc2822(),
        row.who,
        row.act.text,
    )
    .into_bytes()
}

/// A button of the calendar, in the name of whoever the invitation was sent to.
fn press(row: &Row<'_>, set: &Set, ours: &mail::Letter, button: &str) -> Vec<u8> {
    let ics = String::from_utf8(ours.calendar[0].clone()).unwrap();
    let attendee = ours.to.first().cloned().unwrap();
    let style = if row.token == Token::Event { ReplyStyle::Thunderbird } else { ReplyStyle::Google };
    let text = match button {
        "counter" => {
            let at = set.now + chrono::Duration::days(30);
            calendar_reply::counter(&ics, &attendee, at, style, None, set.now).unwrap()
        }
        button => {
            let answer = PartStat::parse(button).unwrap();
            calendar_reply::reply(&ics, &attendee, answer, style, None, set.now).unwrap()
        }
    };
    let new_mail = matches!(row.token, Token::Event | Token::Nothing);
    let ours = mail::Letter { message_id: ours.message_id.clone().filter(|_| !new_mail), ..ours.clone() };
    let author = Author { name: "", email: &row.address, french: true, zone: chrono_tz::Europe::Paris };
    client::calendar(style, &author, &ours, &text, button, "", 1, set.now)
}

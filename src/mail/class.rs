//! What kind of mail this is, so that only a person's words are ever taken for an answer.

use std::sync::LazyLock;

use mail_parser::{Message, MessagePart, MimeHeaders};
use regex::Regex;
use serde::Deserialize;

use super::letter::{Letter, kind, raw_header};
use super::reply::reply;
use super::{bounce, evidence};
use crate::ical::{self, PartStat, Stated};

/// The kinds, in the order they are looked for: the first that matches is it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Our own mail, come back.
    Own,
    /// A report on the delivery of something we sent (RFC 3464).
    Bounce,
    /// Somebody pressed "this is spam" (RFC 5965).
    Complaint,
    /// "It was read" (RFC 8098).
    ReadReceipt,
    /// A calendar message (RFC 6047).
    Calendar,
    /// An absence notice or another machine's answer (RFC 3834).
    AutoReply,
    /// A mailing list's or bulk mail, not in answer to us.
    List,
    /// A person wrote.
    Person,
    /// Not to be read as a mail.
    Unreadable,
}

impl Class {
    /// The word for it in what `mail read --json` prints.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Bounce => "bounce",
            Self::Complaint => "complaint",
            Self::ReadReceipt => "read_receipt",
            Self::Calendar => "calendar",
            Self::AutoReply => "auto_reply",
            Self::List => "list",
            Self::Person => "person",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Whose address a letter is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Author {
    /// A member's, or one that answers for a member.
    Member,
    /// Anybody's, as far as is known.
    Anybody,
}

/// Subjects and senders of machines, as data.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signs {
    /// Beginnings of subjects of automatic replies.
    auto_subjects: Vec<String>,
    /// Local parts (beginnings) of addresses that mail servers report from.
    mailers: Vec<String>,
    /// Local parts (beginnings) of addresses nobody reads.
    nobody: Vec<String>,
    /// Beginnings of subjects of reports on delivery.
    bounce_subjects: Vec<String>,
    /// Words anywhere in the subject of such a report.
    bounce_words: Vec<String>,
    /// Names in From under which mail servers report.
    mailer_names: Vec<String>,
    /// Sentences by which mail programs tell of a reaction.
    pub(super) reactions: Vec<String>,
    /// Beginnings of subjects of what a person passes on.
    forwards: Vec<String>,
}

/// The signs, from `data/signs.toml`.
pub(super) static SIGNS: LazyLock<Signs> =
    LazyLock::new(|| toml::from_str(include_str!("data/signs.toml")).unwrap_or_default());

/// The letter's class, and in a sentence what told it; its parts, text and addresses are read already. Words make no
/// bounce of what one of us wrote.
pub(super) fn of(
    message: &Message<'_>,
    parts: &[&MessagePart<'_>],
    letter: &Letter,
    author: Author,
) -> (Class, &'static str) {
    let report =
        message.content_type().and_then(|ct| ct.attribute("report-type")).unwrap_or_default().to_ascii_lowercase();
    let holds = |wanted: &str| parts.iter().any(|p| kind(p) == wanted);
    let status = holds("message/delivery-status") || holds("message/global-delivery-status");
    if raw_header(message, "X-Codevd-Id").is_some() {
        return (Class::Own, "it bears X-Codevd-Id, which only our own mail does");
    }
    if let Some(why) = is_bounce(message, letter, &report, status, author) {
        return (Class::Bounce, why);
    }
    if report == "feedback-report" || holds("message/feedback-report") {
        return (Class::Complaint, "it is a feedback report (RFC 5965)");
    }
    if report == "disposition-notification" || holds("message/disposition-notification") {
        return (Class::ReadReceipt, "it is a disposition notification (RFC 8098)");
    }
    if !letter.calendar.is_empty() && letter.calendar_method.is_some() {
        return (Class::Calendar, "it holds a calendar with a METHOD");
    }
    if answers_without_method(letter) {
        return (Class::Calendar, "it holds one ATTENDEE's answer, without a METHOD, and no words");
    }
    if let Some(why) = is_automatic(message, letter) {
        return (Class::AutoReply, why);
    }
    match is_list(message, letter) {
        Some(why) => (Class::List, why),
        None => (Class::Person, "nothing in it is a machine's"),
    }
}

/// A calendar that nothing names an answer (RFC 5546 wants a METHOD) and that can be nothing else: one event, one
/// ATTENDEE who answers, and no words beside it. With words it is an event sent along, and the words count.
fn answers_without_method(letter: &Letter) -> bool {
    let mut events = letter.calendar.iter().flat_map(|bytes| ical::read(bytes));
    let (Some(event), None) = (events.next(), events.next()) else { return false };
    let [attendee] = event.attendees.as_slice() else { return false };
    let answers = matches!(attendee.part_stat, Stated::Known(said) if said != PartStat::NeedsAction);
    answers && ical::without_machine_text(&reply(letter, None).text, event.summary.as_deref()).is_empty()
}

/// RFC 3464 by its parts, or a mail server's own way of saying it (qmail, Exim, Gmail): from a mail server's address
/// when its subject or its text says so; from another only when both do, and it answers nobody. A member writes about
/// mails that did not arrive, and quotes servers: that is a report by its parts or its empty return path alone.
fn is_bounce(
    message: &Message<'_>,
    letter: &Letter,
    report: &str,
    status_part: bool,
    author: Author,
) -> Option<&'static str> {
    if report == "delivery-status" || status_part {
        return Some("it is a delivery report (RFC 3464)");
    }
    if author == Author::Member && !is_empty_return_path(message) {
        return None;
    }
    if bounce::is_notification(&letter.text) {
        return Some("its text is a host's notification about a mail that did not arrive");
    }
    let subject = begins(&letter.subject, &SIGNS.bounce_subjects) || holds(&letter.subject, &SIGNS.bounce_words);
    if has_auto_subject(&letter.subject) || report == "feedback-report" {
        return None;
    }
    if is_from_a_mailer(message, letter) || is_empty_return_path(message) {
        let failed = || raw_header(message, "X-Failed-Recipients").is_some();
        let says = subject || failed() || bounce::says_so(&letter.whole);
        return says.then_some("it comes from a mail server and says that a mail did not arrive");
    }
    let reply = !letter.in_reply_to.is_empty() || !letter.references.is_empty();
    let forwarded = begins(&letter.subject, &SIGNS.forwards);
    let says = subject && !reply && !forwarded && bounce::says_so(&letter.whole);
    says.then_some("it answers nobody, and its subject and its text say that a mail did not arrive")
}

/// `MAILER-DAEMON`, `postmaster`, an empty From, or a return path that says so.
fn is_from_a_mailer(message: &Message<'_>, letter: &Letter) -> bool {
    let header = |name: &'static str| raw_header(message, name).unwrap_or_default().to_lowercase();
    let from = header("From");
    letter.from.as_ref().is_some_and(|f| begins(&f.email, &SIGNS.mailers))
        || holds(&from, &SIGNS.mailer_names)
        || begins(header("Return-Path").trim_start_matches('<'), &SIGNS.mailers)
}

fn holds(text: &str, words: &[String]) -> bool {
    let low = text.to_lowercase();
    words.iter().any(|one| low.contains(one.as_str()))
}

/// RFC 3834, and the headers programs used before it. `X-Auto-Response-Suppress` alone says nothing: Exchange puts it
/// on people's mail.
fn is_automatic(message: &Message<'_>, letter: &Letter) -> Option<&'static str> {
    let header = |name: &'static str| raw_header(message, name).map(|v| v.to_ascii_lowercase());
    let auto = header("Auto-Submitted").is_some_and(|v| v.split([';', ' ']).next() != Some("no"));
    let old = ["X-Autoreply", "X-Autorespond", "X-Auto-Reply-From", "X-Mail-Autoreply"]
        .iter()
        .any(|name| header(name).is_some_and(|v| v != "no"));
    let valued = [
        ("Precedence", "auto_reply"),
        ("Precedence", "auto-reply"),
        ("X-Autogenerated", "reply"),
        ("X-FC-MachineGenerated", "true"),
        ("Delivered-To", "autoresponder"),
    ];
    let by_sender =
        || letter.from.as_ref().is_some_and(|f| begins(&f.email, &SIGNS.mailers) || begins(&f.email, &SIGNS.nobody));
    if auto {
        Some("Auto-Submitted says so (RFC 3834)")
    } else if old || valued.iter().any(|(name, value)| header(name).is_some_and(|v| v == *value)) {
        Some("a header says that a machine answered")
    } else if is_empty_return_path(message) {
        Some("its return path is empty: it wants no answer (RFC 5321 §4.5.5)")
    } else if has_auto_subject(&letter.subject) {
        Some("its subject begins as absence notices do")
    } else {
        (by_sender() && evidence::tokens(letter).is_empty())
            .then_some("its address is one that nobody reads, and it answers no mail of ours")
    }
}

/// A subject that begins as absence notices do. Anchored: "Re: réponse automatique ?" is a person's.
pub(super) fn has_auto_subject(subject: &str) -> bool {
    begins(&super::text::key(subject), &SIGNS.auto_subjects)
}

fn is_list(message: &Message<'_>, letter: &Letter) -> Option<&'static str> {
    let bulk =
        raw_header(message, "Precedence").is_some_and(|v| matches!(v.to_ascii_lowercase().as_str(), "list" | "bulk"));
    let list = bulk || raw_header(message, "List-Id").is_some();
    (list && evidence::tokens(letter).is_empty()).then_some("its headers are a list's, and it answers no mail of ours")
}

/// `Return-Path: <>`: the mail must not be answered (RFC 5321 §4.5.5).
fn is_empty_return_path(message: &Message<'_>) -> bool {
    static EMPTY: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\s*<\s*>").ok());
    raw_header(message, "Return-Path").is_some_and(|v| EMPTY.as_ref().is_some_and(|e| e.is_match(&v)))
}

fn begins(text: &str, with: &[String]) -> bool {
    let low = text.to_lowercase();
    with.iter().any(|one| low.starts_with(one.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(subject: &str) -> Class {
        let raw = format!(
            "From: Anne <anne@example.org>\r\nDate: Mon, 27 Apr 2026 09:00:00 +0200\r\nSubject: {subject}\r\n\
            Content-Type: text/plain; charset=utf-8\r\n\r\nBonjour\r\n"
        );
        super::super::letter::letter(raw.as_bytes()).class
    }

    /// Subjects alone tell, and only at their beginning (`inbound.md` row 42).
    #[test]
    fn subjects_of_automatic_replies_in_nine_languages() {
        for subject in [
            "Automatic reply: session",
            "AUTOMATIC REPLY: Session",
            "Auto: session",
            "Autoreply: session",
            "Auto-Reply: session",
            "Out of Office: session",
            "Out of the office until Monday",
            "Out-of-office",
            "Réponse automatique : séance",
            "Réponse automatique\u{a0}: séance",
            "reponse automatique: seance",
            "Absence du bureau : séance",
            "Absente du bureau",
            "Absent(e) du bureau : séance",
            "Message d\u{2019}absence",
            "Notification d'absence : séance",
            "Automatische Antwort: Sitzung",
            "Abwesenheitsnotiz: Sitzung",
            "Abwesend: Sitzung",
            "Nicht im Büro: Sitzung",
            "Respuesta automática: sesión",
            "Fuera de la oficina: sesión",
            "Risposta automatica: seduta",
            "Fuori ufficio: seduta",
            "Automatisch antwoord: sessie",
            "Afwezigheidsbericht: sessie",
            "Resposta automática: sessão",
            "Fora do escritório: sessão",
            "Odpowiedź automatyczna: sesja",
            "Poza biurem: sesja",
            "Autosvar: session",
            "Automatisk svar: møte",
        ] {
            assert_eq!(class(subject), Class::AutoReply, "{subject}");
        }
    }

    #[test]
    fn people_who_write_about_them_are_people() {
        for subject in [
            "Re: réponse automatique ?",
            "Re: Automatic reply: session",
            "RE : Réponse automatique : séance",
            "AW: Automatische Antwort: Sitzung",
            "Ta réponse automatique",
            "Absence le 6 mars",
            "Mon absence",
            "Je serai hors du bureau",
            "Abwesend am Donnerstag",
            "Der Automat: automatische Antwort",
            "Autour de la séance",
            "Automatiser les rappels ?",
            "Fwd: Out of office",
            "I am out of the office on Monday",
            "Afwezig op donderdag",
            "Fuori dai tempi",
            "Automatisierung der Einladungen",
            "Re: [EXT] Automatic reply",
            "RE: Out of Office: session",
            "Antw: Automatisch antwoord",
            "Autant te répondre tout de suite",
            "Absences de mars",
            "Absents excusés le 8 décembre",
            "Hors du bureau, mais joignable",
            "Mon message d'absence est faux",
            "Office hours on Tuesday",
            "The auto-reply was wrong",
            "Pas d'absence pour moi",
            "Ausencia el martes",
            "Tr : Réponse automatique : séance",
        ] {
            assert_eq!(class(subject), Class::Person, "{subject}");
        }
    }
}

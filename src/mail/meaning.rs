//! What a reply means, against the question that the mail it answers left open.

use super::letter::Letter;
use super::reply::{Reply, reply};
use super::signature::{Signer, without_card, without_name};
use super::text;
use crate::core::Question;
use crate::core::draft::behind_a_word;
use crate::core::event::{Certainty, Meaning};
use crate::core::ids::Language;
use crate::words::{Context, Heard, Words, strip_marks};

/// The question that a mail of ours left open, and what is known of the member who answers.
#[derive(Debug, Clone)]
pub struct Asked<'w> {
    /// The word lists.
    pub words: &'w Words,
    /// What was asked; `None` for a mail that asks nothing.
    pub question: Option<Question>,
    /// The session it is about is over: what was asked before it is read as what is collected now.
    pub over: bool,
    /// It asks whether to count the member absent: a bare yes is a no to the session.
    pub away: bool,
    /// The member has the requester's seat and no subject came yet: what is no answer may be it.
    pub owes_subject: bool,
    /// The member's name, which may stand under what they write.
    pub name: String,
    /// The member's language.
    pub language: Language,
    /// What the words alone don't say.
    pub context: Context,
    /// The subject line of the mail that asked; empty where it is not known.
    pub subject: String,
}

/// A reply and its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Understood {
    /// The question that it was read against in the end: people answer whichever mail they find.
    pub question: Option<Question>,
    /// The person's words, without quote, name and marks.
    pub text: String,
    /// What they mean. An answer found between or below quotes is never sure.
    pub heard: Heard,
}

/// Reads a letter as the answer to that question; `sent` is the text of the mail that asked it.
pub fn understand(letter: &Letter, sent: Option<&str>, asked: &Asked<'_>) -> Understood {
    meaning(letter, &reply(letter, sent), asked)
}

/// The meaning of a reply that was cut out already.
pub(super) fn meaning(letter: &Letter, reply: &Reply, asked: &Asked<'_>) -> Understood {
    let text = if letter.encrypted { String::new() } else { asked.said(letter, &reply.text) };
    let nothing = reply.text.trim().is_empty() && !letter.encrypted;
    if let Some(understood) = nothing.then(|| asked.hear_subject(&letter.subject)).flatten() {
        return understood;
    }
    let (question, mut heard) = asked.hear(&text);
    let text = match question {
        Some(Question::ActionPlan | Question::Review) => text,
        // the group reads it: its first line is the title, and no "Bonjour"
        Some(Question::Subject | Question::Share) => {
            asked.words.without_courtesy(&strip_marks(asked.words, &text), &asked.context.names).to_owned()
        }
        _ => strip_marks(asked.words, &text),
    };
    if !reply.sure && heard.certainty == Certainty::Sure {
        heard.certainty = Certainty::Probable;
    }
    Understood { question, text, heard }
}

/// What is answered by a word of a few: free text does not stand in a subject.
const BRIEF: [Question; 10] = [
    Question::Attendance,
    Question::Share,
    Question::NoSubject,
    Question::Volunteer,
    Question::Live,
    Question::Progress,
    Question::Review,
    Question::Counter,
    Question::Confirm,
    Question::Quorum,
];
/// Fewest words of what is taken for the requester's subject though another thing was asked.
const TOLD: usize = 12;
/// Most words of an answer in a subject.
const FEW: usize = 5;
/// What mail programs put before a subject.
const PREFIXES: [&str; 16] =
    ["re", "rép", "réf", "aw", "antw", "sv", "vs", "odp", "r", "tr", "fwd", "fw", "wg", "rv", "i", "doorst"];

impl Asked<'_> {
    /// What is said, without the author's name and business card.
    fn said(&self, letter: &Letter, text: &str) -> String {
        let from = letter.from.as_ref().and_then(|from| from.name.as_deref()).unwrap_or_default();
        let hears =
            |question, line: &str| !self.words.understand(question, &self.language, line, &self.context).is_none();
        let brief = self.question.filter(|question| BRIEF.contains(question));
        let answers = |line: &str| hears(Some(Question::Attendance), line) || hears(brief, line);
        let names = [self.name.as_str(), from];
        let signer = Signer { names: &names, signs_off: &|line| self.words.signs_off(line), answers: &answers };
        without_name(&without_card(text, &signer), &self.name)
    }

    /// An empty mail whose subject is the answer: never for sure but where a button wrote it, and only where a word or a
    /// few answer.
    fn hear_subject(&self, subject: &str) -> Option<Understood> {
        let text = typed_subject(subject, &self.subject)?;
        let (question, mut heard) = self.hear(&text);
        let universal = matches!(heard.meaning, Meaning::Stop | Meaning::Undo | Meaning::Help | Meaning::Person);
        let swap = question == Some(Question::Subject) && matches!(heard.meaning, Meaning::Swap { .. });
        let brief = universal || swap || question.is_some_and(|q| BRIEF.contains(&q));
        if heard.is_none() || !brief {
            return None;
        }
        let by_button = behind_a_word(subject).is_some_and(|(word, _)| word.eq_ignore_ascii_case(&text));
        if !by_button {
            heard.certainty = Certainty::Probable;
        }
        Some(Understood { question, text, heard })
    }

    /// What a text says, and against which question. Once the session is over, what was asked before it is read as what
    /// is collected now; a requester whose subject is awaited answers the mail at hand with it; and a digest's review
    /// may bring the request or the plan itself.
    fn hear(&self, text: &str) -> (Option<Question>, Heard) {
        let hear = |question| self.words.understand(question, &self.language, text, &self.context);
        let heard = hear(self.question);
        match self.question {
            Some(Question::Subject | Question::Share) if self.over => {
                (Some(Question::LastCall), hear(Some(Question::LastCall)))
            }
            Some(Question::Attendance) if self.over && heard.is_none() => {
                (Some(Question::LastCall), hear(Some(Question::LastCall)))
            }
            Some(Question::Attendance)
                if self.owes_subject && heard.is_none() && text.split_whitespace().count() >= TOLD =>
            {
                (Some(Question::Subject), hear(Some(Question::Subject)))
            }
            Some(Question::Confirm) if self.away => match self.comes(text) {
                Some(said) => (Some(Question::Attendance), said),
                None => (self.question, heard),
            },
            Some(Question::Review) if heard.is_none() || heard.meaning == Meaning::Correction => {
                (self.question, self.corrected(text, heard))
            }
            asked => (asked, heard),
        }
    }

    /// "Shall we count you absent?", answered by more than a yes or a no: "oui, je viens", "absent". Who says whether they
    /// come is heard so, whatever stands before it.
    fn comes(&self, text: &str) -> Option<Heard> {
        let hear = |question, text: &str| self.words.understand(Some(question), &self.language, text, &self.context);
        let (first, rest) = text.trim().split_once(|c: char| !c.is_alphanumeric()).unwrap_or((text.trim(), ""));
        let bare = matches!(hear(Question::Confirm, first).meaning, Meaning::Yes | Meaning::No);
        let said = hear(Question::Attendance, if bare { rest } else { text });
        matches!(said.meaning, Meaning::Yes | Meaning::No | Meaning::Late { .. }).then_some(said)
    }

    /// A correction that is the request ("demande : …") or a plan, else as it was heard.
    fn corrected(&self, text: &str, heard: Heard) -> Heard {
        let noted = self.words.understand(Some(Question::Live), &self.language, text, &self.context);
        if matches!(noted.meaning, Meaning::Request { .. }) {
            return noted;
        }
        let label = |l: &str| l.trim().to_lowercase().starts_with("corr") && !l.trim().contains(' ');
        let body = text.split_once(':').filter(|(l, _)| label(l)).map_or(text, |(_, rest)| rest);
        let last = self.words.understand(Some(Question::LastCall), &self.language, body, &self.context);
        if matches!(last.meaning, Meaning::Plan { .. }) { last } else { heard }
    }
}

/// What a person typed into the subject line, or a button for them: beside our own subject, or instead of it in a new
/// mail. Nothing where all of it is ours or a mail program's.
fn typed_subject(subject: &str, ours: &str) -> Option<String> {
    let (title, ours) = (without_brackets(title(ours)), without_brackets(ours));
    let ours = without_prefixes(&ours).0;
    if ours.is_empty() {
        return None;
    }
    let whole = without_brackets(subject);
    let (bare, answers) = without_prefixes(&whole);
    // lengths in lower case are those of the text as it was written, or nothing is found here
    let around = |ours: &str| {
        let at = bare.to_lowercase().find(&ours.to_lowercase())?;
        Some(format!("{} {}", without_prefix_behind(bare.get(..at)?), bare.get(at + ours.len()..)?))
    };
    let typed = match around(ours) {
        Some(typed) => typed,
        // another subject that was answered, or what is left of ours
        None if answers => return None,
        // a button's: it has its own word where the mail that it stands in has the one of before
        None => around(&title).filter(|_| !title.is_empty()).unwrap_or_else(|| bare.to_owned()),
    };
    let signs = |c: char| c.is_whitespace() || matches!(c, ':' | '-' | '–' | '—' | ',' | ';' | '.' | '…');
    let typed = typed.trim_matches(signs);
    let count = typed.split_whitespace().count();
    (1..=FEW).contains(&count).then(|| typed.to_owned())
}

/// "Re: Oui – [Codev Lyon] Séance" from the bracket on: the subject of a receipt begins with the answer of before.
fn title(subject: &str) -> &str {
    behind_a_word(subject).map_or(subject, |(_, title)| title)
}

/// "[Codev Lyon] Séance [7K3F…]" without what stands in brackets, on one line.
fn without_brackets(subject: &str) -> String {
    let mut out = String::new();
    let mut rest = subject;
    while let Some((before, behind)) = rest.split_once('[') {
        out.push_str(before);
        out.push(' ');
        rest = behind.split_once(']').map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    text::key(&out)
}

/// "Oui - Re:" without the "Re:" at its end, behind which ours stood.
fn without_prefix_behind(text: &str) -> &str {
    let bare = text.trim_end();
    let Some(before) = bare.strip_suffix(':').map(str::trim_end) else { return bare };
    let start = before.rfind(|c: char| !c.is_alphabetic()).map_or(0, |at| at + 1);
    match before.get(start..).is_some_and(|last| PREFIXES.contains(&last.to_lowercase().as_str())) {
        true => &before[..start],
        false => bare,
    }
}

/// A subject without "Re:" and its like, and whether one stood there.
fn without_prefixes(subject: &str) -> (&str, bool) {
    let (mut rest, mut any) = (subject.trim(), false);
    while let Some((before, after)) = rest.split_once(':') {
        if !PREFIXES.contains(&before.trim().to_lowercase().as_str()) {
            break;
        }
        (rest, any) = (after.trim(), true);
    }
    (rest, any)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const CARD_FR: &str = "Cordialement,\n\nAna LOPES\nDirectrice, ACME\n12 rue des Lilas, 69003 Lyon\n\
        Tél. 06 01 02 03 04\nwww.acme.example";
    const CARD_EN: &str = "Best regards,\nAna Lopes\nHead of Sales | ACME Ltd\n12 High Street, London SW1A 1AA\n\
        T: +44 20 7946 0000 | M: +44 7700 900000\nana@acme.example";

    fn understood(words: &Words, question: Question, name: &str, text: &str) -> Understood {
        let raw = format!(
            "From: Ana Lopes <ana@acme.example>\r\nDate: Tue, 24 Nov 2026 10:00:00 +0100\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        );
        let asked = Asked {
            words,
            question: Some(question),
            over: false,
            away: false,
            owes_subject: false,
            name: name.to_owned(),
            language: Language::french(),
            context: Context::default(),
            subject: String::new(),
        };
        understand(&super::super::letter::letter(raw.as_bytes()), None, &asked)
    }

    #[test]
    fn a_business_card_below_is_no_part_of_an_answer() {
        let words = Words::embedded().unwrap();
        for (answer, card) in [("Je viens.", CARD_FR), ("Count me in.", CARD_EN), ("Oui", CARD_FR), ("Yes", CARD_EN)] {
            let by_name = card.split_once('\n').unwrap().1.trim();
            for (name, card) in [("Ana Lopes", card), ("", card), ("Ana Lopes", by_name)] {
                let read = understood(&words, Question::Attendance, name, &format!("{answer}\n\n{card}"));
                assert_eq!((read.heard.meaning, read.text.as_str()), (Meaning::Yes, answer), "{name}: {card}");
            }
        }
        let subject = "Mon chef n'écoute pas.\nAidez-moi à lui dire non sans me fâcher avec lui.";
        for card in [CARD_FR, CARD_EN] {
            let read = understood(&words, Question::Subject, "Ana Lopes", &format!("Bonjour,\n\n{subject}\n\n{card}"));
            assert_eq!(read.text, subject);
        }
    }

    #[test]
    fn what_a_person_writes_below_a_closing_stays() {
        let words = Words::embedded().unwrap();
        let late = "PS : je serai en retard de 10 minutes";
        for text in [
            format!("Je viens.\n\nCordialement,\nAna\n\n{late}"),
            format!("Je viens.\n\n{CARD_FR}\n\n{late}"),
            format!("Je viens.\n\nCordialement,\nAna Lopes\n{late}\nTél. 06 01 02 03 04"),
        ] {
            let read = understood(&words, Question::Attendance, "Ana Lopes", &text);
            assert!(read.text.contains(late), "{text}: {read:?}");
        }
        for text in [
            "Ana Lopes\nJe ne viens pas",
            "Bien à vous\n\nAna Lopes\n\nNon, je ne viens pas.\n06 01 02 03 04",
            "Merci !\nJe ne viens pas, appelez-moi au 06 01 02 03 04",
        ] {
            let read = understood(&words, Question::Attendance, "Ana Lopes", text);
            assert_eq!(read.heard.meaning, Meaning::No, "{text}: {read:?}");
        }
        let subject = "Mon équipe au 12 rue des Lilas\n\nMerci de m'aider\nSite : www.acme.example est lent";
        let read = understood(&words, Question::Subject, "Ana Lopes", subject);
        assert!(read.text.contains("est lent"), "{read:?}");
    }

    #[test]
    fn only_what_a_person_typed_is_left_of_a_subject() {
        let ours = "[Codev Lyon] Séance du 8 décembre : venez-vous ?";
        for (subject, typed) in [
            ("Oui", Some("Oui")),
            ("Oui [7K3F92QDJX4M0ZT8]", Some("Oui")),
            ("Oui : Re: [Codev Lyon] Séance du 8 décembre : venez-vous ? [7K3F92QDJX4M0ZT8]", Some("Oui")),
            ("Re: [Codev Lyon] Séance du 8 décembre : venez-vous ? OUI", Some("OUI")),
            ("No, sorry - Re: [Codev Lyon] Séance du 8 décembre : venez-vous ?", Some("No, sorry")),
            ("Re: OUI - [Codev Lyon] Séance du 8 décembre : venez-vous ?", Some("OUI")),
            ("Re: [Codev Lyon] Séance du 8 décembre : venez-vous ? [7K3F92QDJX4M0ZT8]", None),
            ("[EXT] RE : [Codev Lyon] Séance du 8 décembre\u{a0}: venez-vous ?", None),
            ("TR: [Codev Lyon] Séance du 8 décembre : venez-vous ?", None),
            ("Re: [Codev Lyon] Séance du 8", None),
            ("Re: oui, on se voit mardi", None),
            ("", None),
            ("[7K3F92QDJX4M0ZT8]", None),
            ("une phrase de bien plus de cinq mots", None),
        ] {
            assert_eq!(typed_subject(subject, ours).as_deref(), typed, "{subject}");
        }
        assert_eq!(typed_subject("Oui", ""), None);
        // a receipt's subject begins with the answer that it is for
        let ours = "Re: Oui – [Codev Lyon] Séance du 8 décembre : venez-vous ? [7K3F92QDJX4M0ZT8]";
        for (subject, typed) in [
            ("Re: Oui – [Codev Lyon] Séance du 8 décembre : venez-vous ? [7K3F92QDJX4M0ZT8]", None),
            ("RE: Re: Oui – [Codev Lyon] Séance du 8 décembre : venez-vous ?", None),
            ("Non – [Codev Lyon] Séance du 8 décembre : venez-vous ? [7K3F92QDJX4M0ZT8]", Some("Non")),
            ("Re: [Codev Lyon] Séance du 8 décembre : venez-vous ?", None),
        ] {
            assert_eq!(typed_subject(subject, ours).as_deref(), typed, "{subject}");
        }
        let plain = "Re: [Codev Lyon] Séance du 8 décembre : venez-vous ?";
        let button = "Peut-être – [Codev Lyon] Séance du 8 décembre : venez-vous ? [7K3F92QDJX4M0ZT8]";
        assert_eq!(typed_subject(button, plain).as_deref(), Some("Peut-être"));
    }
}

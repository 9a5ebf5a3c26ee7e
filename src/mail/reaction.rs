//! An emoji in place of an answer: what Gmail and Outlook send when somebody only reacts to a mail.

use mail_parser::MessagePart;
use serde_json::Value;

use super::class::SIGNS;
use super::letter::kind;
use super::text;

/// Gmail's part for it: `{"version": 1, "emoji": "👍"}` ("Reactions in Gmail: message format", developers.google.com).
const GMAIL: &str = "text/vnd.google.email-reaction+json";
/// An emoji with its variants, skin and joiners has at most so many bytes.
const MAX_EMOJI: usize = 40;
/// Lines looked at for a sentence that tells of a reaction.
const MAX_LINES: usize = 5;

/// The emoji, if the mail is a reaction and nothing else.
pub(super) fn of(parts: &[&MessagePart<'_>], text: &str) -> Option<String> {
    let gmail = parts.iter().find(|part| kind(part) == GMAIL);
    match gmail {
        Some(part) => {
            let told: Value = serde_json::from_slice(part.contents()).ok()?;
            told.get("emoji").and_then(Value::as_str).and_then(emoji)
        }
        None => told(text),
    }
}

/// "👍 Anne reacted to your message": the sentence and the emoji on one of the first lines. Without the emoji nobody
/// knows which one it was.
fn told(text: &str) -> Option<String> {
    let mut lines = text.lines().map(text::key).filter(|line| !line.is_empty()).take(MAX_LINES);
    let line = lines.find(|line| {
        let low = line.to_lowercase();
        SIGNS.reactions.iter().any(|sentence| low.contains(sentence.as_str()))
    })?;
    line.split_whitespace().find_map(emoji)
}

/// A word that is an emoji: short, and nothing in it is a letter, a digit or punctuation of ASCII.
fn emoji(word: &str) -> Option<String> {
    let word = word.trim_matches(|c: char| c.is_ascii_punctuation() || c.is_whitespace());
    let is_sign = |c: char| !c.is_alphanumeric() && !c.is_ascii() && !c.is_whitespace();
    let pictures = word.chars().any(|c| ('\u{2600}'..='\u{27bf}').contains(&c) || c >= '\u{1f000}');
    (pictures && word.len() <= MAX_EMOJI && word.chars().all(is_sign)).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn gmail(json: &str) -> Option<String> {
        let raw = format!(
            "From: Anne <anne@example.org>\r\nDate: Mon, 27 Apr 2026 09:00:00 +0200\r\nIn-Reply-To: <n1@groupe.example>\r\n\
            MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"=_x\"\r\n\r\n\
            --=_x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nAnne reacted via Gmail\r\n\
            --=_x\r\nContent-Type: {GMAIL}; charset=utf-8\r\n\r\n{json}\r\n--=_x--\r\n"
        );
        super::super::letter::letter(raw.as_bytes()).reaction
    }

    #[test]
    fn gmails_part() {
        for (json, expected) in [
            ("{\"version\":1,\"emoji\":\"👍\"}", Some("👍")),
            ("{\"version\":1,\"emoji\":\"👍🏽\"}", Some("👍🏽")),
            ("{\"version\":1,\"emoji\":\"❤️\"}", Some("❤️")),
            ("{\"version\":1,\"emoji\":\"yes\"}", None),
            ("{\"version\":1,\"emoji\":\"oui 👍\"}", None),
            ("{\"version\":1}", None),
            ("👍", None),
            ("", None),
        ] {
            assert_eq!(gmail(json).as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn sentences_that_tell_of_a_reaction() {
        for (text, expected) in [
            ("👍 Anne Dupont reacted to your message:\n\nCodev", Some("👍")),
            ("Anne Dupont a réagi à votre message : 👍", Some("👍")),
            ("Anne a réagi à ton message 👎.", Some("👎")),
            ("Anne Dupont hat auf Ihre Nachricht reagiert: 👍", Some("👍")),
            ("Anne a réagi à votre message", None),
            ("👍", None),
            ("Oui 👍 je viens", None),
            ("\n\n\na\nb\nc\nd\ne\n👍 Anne reacted to your message", None),
        ] {
            assert_eq!(told(text).as_deref(), expected, "{text}");
        }
    }
}

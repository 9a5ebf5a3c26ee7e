//! The answers to a mail's open question, as words to write and as buttons that write them.

use super::Post;
use crate::core::draft::{before_a_title, behind_a_word};
use crate::core::{Draft, Kind, Question};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// `templates/<lang>/choices.toml`: the answers of each question, in the order they are shown; a mail that asks it in
/// other words than the rest has labels of its own.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Choices(BTreeMap<Asked, Vec<Choice>>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(untagged)]
enum Asked {
    Question(Question),
    Mail(Kind),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    word: String,
    label: String,
}

impl Choices {
    /// The choices of a mail's question for the template: `word`, `label`, `href`.
    pub fn of(&self, draft: &Draft, subject: &str, post: &Post) -> Value {
        let mail = draft.question.and_then(|_| self.0.get(&Asked::Mail(draft.key.kind)));
        let question = || draft.question.and_then(|q| self.0.get(&Asked::Question(q)));
        let all = mail.or_else(question).map(Vec::as_slice).unwrap_or_default();
        let href = |word: &str| mailto(&post.reply_to, &answering(word, subject), &post.mark, word);
        let one = |c: &Choice| json!({ "word": c.word, "label": c.label, "href": href(&c.word) });
        all.iter().map(one).collect()
    }
}

/// The subject of a button's mail begins with the answer, for the programs that drop the body of a link. A receipt's
/// subject has the one of before there.
fn answering(word: &str, subject: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let bare = subject.strip_prefix("Re: ").unwrap_or(subject);
    let title = behind_a_word(bare).map_or(bare, |(_, title)| title);
    before_a_title(&format!("{first}{}", letters.as_str()), title)
}

/// A link that opens a mail with everything filled in (RFC 6068): blanks as `%20`, never `+`; one
/// line of body, since line breaks get lost in some clients; the token last in the subject, where it
/// survives: the mail it opens is a new one, with nothing else that leads to the question.
pub(super) fn mailto(address: &str, subject: &str, token: &str, body: &str) -> String {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let subject = format!("{} [{token}]", plain(subject));
    let mut link = String::from("mailto:");
    encode(address, "@+", &mut link);
    link.push_str("?subject=");
    encode(&subject, "", &mut link);
    link.push_str("&body=");
    encode(&plain(body), "", &mut link);
    link
}

fn encode(text: &str, keep: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_stands_in_a_buttons_subject() {
        for subject in ["[Codev Lyon] Séance", "Re: [Codev Lyon] Séance", "Re: Oui – [Codev Lyon] Séance"] {
            assert_eq!(answering("non", subject), "Non – [Codev Lyon] Séance");
        }
    }

    #[test]
    fn a_link_has_blanks_as_20_one_line_of_body_and_the_tag_at_the_end() {
        assert_eq!(
            mailto(
                "codev+k7@example.org",
                &answering("oui", "Re: [Codev Lyon] Séance"),
                "k7f3-92qd",
                "peut-être\nou non"
            ),
            "mailto:codev+k7@example.org?subject=Oui%20%E2%80%93%20%5BCodev%20Lyon%5D%20S%C3%A9ance%20%5Bk7f3-92qd%5D&body=peut-%C3%AAtre%20ou%20non"
        );
        assert_eq!(
            mailto("a&b?c=d@x.org", "\u{a0}a", "t", "+5"),
            "mailto:a%26b%3Fc%3Dd@x.org?subject=a%20%5Bt%5D&body=%2B5"
        );
    }
}

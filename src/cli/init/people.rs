//! People as they are typed: `Ana Lopes <ana@example.org>`, or the address alone.

use crate::config::written::NewMember;
use crate::core::Email;

/// What a person looks like, for messages.
pub(super) const EXPECTED: &str = "Ana Lopes <ana@example.org>, or ana@example.org alone";

/// One person.
pub(super) fn person(text: &str) -> Result<NewMember, String> {
    let text = text.trim();
    let (name, address) = match text.split_once('<') {
        Some((name, rest)) => (name.trim().trim_matches('"').trim(), rest.trim_end_matches('>').trim()),
        None => match text.rsplit_once(char::is_whitespace) {
            Some((name, last)) if last.contains('@') => (name.trim(), last),
            _ => ("", text),
        },
    };
    let email: Email = address.parse().map_err(|_| format!("no mail address in {text:?}: expected {EXPECTED}"))?;
    let name = if name.is_empty() { name_of(email.as_str()) } else { name.to_owned() };
    Ok(NewMember { name, email: email.to_string() })
}

/// A name made from an address: `ana.lopes@…` is Ana Lopes.
fn name_of(address: &str) -> String {
    let local = address.split('@').next().unwrap_or_default();
    let word = |w: &str| {
        let mut chars = w.chars();
        chars.next().map(|c| c.to_uppercase().collect::<String>() + chars.as_str())
    };
    let words: Vec<String> = local.split(['.', '_']).filter_map(word).collect();
    if words.is_empty() { local.to_owned() } else { words.join(" ") }
}

/// Several, apart by commas, semicolons or line ends.
pub(super) fn people(text: &str) -> Result<Vec<NewMember>, String> {
    text.split([',', ';', '\n']).map(str::trim).filter(|t| !t.is_empty()).map(person).collect()
}

/// The person meant by a name or an address, among these.
pub(super) fn among<'a>(people: &'a [NewMember], word: &str) -> Option<&'a NewMember> {
    let word = word.trim().to_lowercase();
    let exact = people.iter().find(|p| p.email.to_lowercase() == word || p.name.to_lowercase() == word);
    let first = |p: &&NewMember| p.name.split_whitespace().next().is_some_and(|f| f.to_lowercase() == word);
    let mut by_first = people.iter().filter(first);
    let only = by_first.next().filter(|_| by_first.next().is_none());
    exact.or(only)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn people_are_read_as_they_are_typed() {
        let read =
            people("Ana Lopes <ana@x.org>; \"Bo N.\" <bo@X.ORG>\nchloe.martin@x.org, Éric Petit eric@x.org,").unwrap();
        let names: Vec<_> = read.iter().map(|p| (p.name.as_str(), p.email.as_str())).collect();
        let expected = [
            ("Ana Lopes", "ana@x.org"),
            ("Bo N.", "bo@x.org"),
            ("Chloe Martin", "chloe.martin@x.org"),
            ("Éric Petit", "eric@x.org"),
        ];
        assert_eq!(names, expected);
        assert!(people("Ana Lopes").unwrap_err().contains("Ana Lopes"));
        assert_eq!(among(&read, "bo").map(|p| p.email.as_str()), Some("bo@x.org"));
        assert_eq!(among(&read, "EVE"), None);
    }
}

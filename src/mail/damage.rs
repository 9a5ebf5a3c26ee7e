//! Our text as it came back: a program that knows few letters writes `?` or U+FFFD for the others.

use std::borrow::Cow;
use std::collections::HashSet;

use super::text;

/// What stands for a letter that was lost.
const REPLACED: char = '\u{fffd}';

/// What we sent, with the same letters lost as in this body; as it was sent where none are. Comparing tells: most of the
/// words of the one that is taken stand in the body, and most of its words side by side: the "à" of a line above the
/// quote is not the one that became a question mark in it.
pub(super) fn as_it_came<'s>(sent: &'s str, body: &str) -> Cow<'s, str> {
    let lost = if body.contains(REPLACED) { REPLACED } else { '?' };
    if sent.is_ascii() || !body.contains(lost) {
        return Cow::Borrowed(sent);
    }
    let came: HashSet<u64> = text::word_ids(body).collect();
    let known: HashSet<u64> = text::word_ids(sent).collect();
    let beside: HashSet<(u64, u64)> = pairs(body).collect();
    // letters tell first: some programs write `?` for signs and "oe" for a letter; between equals the signs do
    let fits = |text: &str| pairs(text).map(|two| if beside.contains(&two) { 1 } else { -1 }).sum::<i64>();
    let score = |candidate: &str, letters: &str| -> (i64, i64) {
        let words = text::word_ids(candidate).map(|word| if came.contains(&word) { 1 } else { -1 });
        (words.sum::<i64>() + fits(letters), fits(candidate))
    };
    let mut mark = [0; 4];
    let mark: &str = lost.encode_utf8(&mut mark);
    let (mut best, mut most) = (Cow::Borrowed(sent), score(sent, sent));
    for left in [(|c| c <= '\u{ff}') as fn(char) -> bool, |c| c.is_ascii()] {
        let candidate = sent.replace(|c: char| !left(c), mark);
        let found = score(&candidate, &sent.replace(|c: char| c.is_alphabetic() && !left(c), mark));
        // "Envoyé de mon iPhone" above a quote with "Envoy?": as many words fit, and one of them was lost to be so
        let lost_here = || text::word_ids(&candidate).any(|word| came.contains(&word) && !known.contains(&word));
        if found > most || (found == most && lost_here()) {
            (best, most) = (Cow::Owned(candidate), found);
        }
    }
    best
}

/// What stands side by side, between blanks.
fn pairs(text: &str) -> impl Iterator<Item = (u64, u64)> {
    let ids = || text.split_whitespace().map(text::word_id);
    ids().zip(ids().skip(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_is_told_by_comparing() {
        let sent = "La séance : au cœur de l'été, à Évreux.";
        for (body, came) in [
            ("Oui ?\n\nLa séance : au cœur de l'été, à Évreux.", sent),
            ("Oui\n\nLa séance : au c?ur de l'été, à Évreux.", "La séance : au c?ur de l'été, à Évreux."),
            ("Zoé\n\nLa s?ance : au c?ur de l'?t?, ? ?vreux.", "La s?ance : au c?ur de l'?t?, ? ?vreux."),
            ("Envoyé de mon iPhone\n\n> La s?ance, ? ?vreux", "La s?ance : au c?ur de l'?t?, ? ?vreux."),
            ("Le 8 à 10:00 :\n> La s?ance : au c?ur de l'?t?, ? ?vreux.", "La s?ance : au c?ur de l'?t?, ? ?vreux."),
            ("La s\u{fffd}ance", "La s\u{fffd}ance : au c\u{fffd}ur de l'\u{fffd}t\u{fffd}, \u{fffd} \u{fffd}vreux."),
        ] {
            assert_eq!(as_it_came(sent, body), came, "{body}");
        }
        // no longer word lost a letter, and the line above the quote has the short one
        assert_eq!(as_it_came("Lieu : gare à quai", "Le 8 à 10:00 :\n> Lieu : gare ? quai"), "Lieu : gare ? quai");
    }
}

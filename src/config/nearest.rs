//! The right word for a misspelt one: other languages' words and other programs' names first, then the spelling.

/// What people write for a key, and the key. Used only where that key may stand.
const SYNONYMS: &[(&str, &str)] = &[
    ("mail", "email"),
    ("e-mail", "email"),
    ("courriel", "email"),
    ("address", "email"),
    ("adresse", "email"),
    ("nom", "name"),
    ("title", "name"),
    ("lang", "language"),
    ("langue", "language"),
    ("locale", "language"),
    ("tz", "timezone"),
    ("zone", "timezone"),
    ("time_zone", "timezone"),
    ("fuseau", "timezone"),
    ("cron", "schedule"),
    ("when", "schedule"),
    ("horaire", "schedule"),
    ("members", "member"),
    ("membre", "member"),
    ("membres", "member"),
    ("participant", "member"),
    ("participants", "member"),
    ("people", "member"),
    ("manager", "reports_to"),
    ("boss", "reports_to"),
    ("chef", "reports_to"),
    ("facilitateur", "facilitators"),
    ("facilitatrice", "facilitators"),
    ("animateur", "facilitators"),
    ("animatrice", "facilitators"),
    ("link", "place"),
    ("lien", "place"),
    ("lieu", "place"),
    ("location", "place"),
    ("url", "place"),
    ("telephone", "phone"),
    ("tel", "phone"),
    ("start", "starts"),
    ("from", "starts"),
    ("holidays", "skip"),
    ("vacances", "skip"),
    ("except", "skip"),
    ("server", "url"),
    ("host", "url"),
    ("hostname", "url"),
    ("username", "user"),
    ("login", "user"),
    ("folder", "mailbox"),
    ("db", "database"),
    ("sqlite", "database"),
    ("loglevel", "log"),
    ("log_level", "log"),
    ("socket", "control"),
    ("steps", "step"),
    ("duration", "minutes"),
    ("seconds", "minutes"),
    ("time", "minutes"),
    ("total", "length"),
    ("speakers", "speaker"),
    ("who", "speaker"),
    ("turns", "order"),
    ("collect", "collects"),
    ("warning", "caution"),
];

/// The known key that this word is another name of.
pub(crate) fn synonym<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let word = word.to_lowercase();
    let right = SYNONYMS.iter().filter(|(wrong, _)| *wrong == word).map(|(_, right)| *right);
    right.filter_map(|right| known.iter().find(|k| **k == right).copied()).next()
}

/// Longest word that is compared.
const LONGEST: usize = 64;

/// The known word that is spelt most like this one, if any is near.
pub(crate) fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    if word.len() > LONGEST {
        return None;
    }
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 3).clamp(1, 4);
    let far = |k: &str| match word.len() > 3 && k.starts_with(&word) {
        // the beginning of a longer word comes after every misspelling
        true => allowed,
        false => strsim::damerau_levenshtein(&word, &k.to_lowercase()),
    };
    let near = known.map(|k| (far(k), k)).filter(|(distance, _)| *distance <= allowed);
    near.min_by_key(|(distance, _)| *distance).map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_finds_its_right_one_and_a_strange_one_none() {
        let keys = ["language", "timezone", "email", "name"];
        assert_eq!(nearest("langage", keys.into_iter()), Some("language"));
        assert_eq!(nearest("TimeZone", keys.into_iter()), Some("timezone"));
        assert_eq!(nearest("nmae", keys.into_iter()), Some("name"));
        assert_eq!(nearest("lang", keys.into_iter()), Some("language"));
        assert_eq!(nearest("colour", keys.into_iter()), None);
        assert_eq!(synonym("courriel", &keys), Some("email"));
        assert_eq!(synonym("lien", &keys), None);
    }
}

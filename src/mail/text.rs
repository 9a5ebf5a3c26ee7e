//! Small repairs of text that came by mail: invisible characters, typographic forms, addresses.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// Characters that are not seen and only get in the way of matching: zero-width, bidi marks, byte-order mark.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{ad}' | '\0')
}

/// What most text has none of.
static ODD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"[\r\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}-\u{2064}\u{2066}-\u{2069}\u{feff}\u{ad}\x00]").ok()
});

/// `\n` line ends, no invisible characters; everything else as it was written.
pub(super) fn clean(text: &str) -> String {
    if ODD.as_ref().is_some_and(|odd| !odd.is_match(text)) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c| c == '\r' || is_invisible(c)) {
        out.push_str(&rest[..at]);
        let mut behind = rest[at..].chars();
        let is_line_end = behind.next() == Some('\r');
        rest = behind.as_str();
        if is_line_end {
            out.push('\n');
            rest = rest.strip_prefix('\n').unwrap_or(rest);
        }
    }
    out.push_str(rest);
    out
}

/// NFKC, which most text is already.
fn composed(text: &str) -> Cow<'_, str> {
    match is_nfkc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        _ => Cow::Owned(text.nfkc().collect()),
    }
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\u{2019}' | '\u{2018}' | '\u{2bc}' | '`')
}

/// The form patterns are matched against: NFKC (a narrow or no-break space is a space), apostrophes folded, blanks
/// squeezed.
pub(super) fn key(line: &str) -> String {
    let mut out = one_line(&composed(line));
    if out.contains(is_apostrophe) {
        out = out.replace(is_apostrophe, "'");
    }
    out
}

/// Where in a line the stretch ends whose key is `begin`; the whole line where none is.
pub(super) fn end_of(line: &str, begin: &str) -> usize {
    let wanted = begin.chars().filter(|c| !c.is_whitespace()).count();
    let mut count = 0;
    for (at, c) in line.char_indices() {
        count += key(c.encode_utf8(&mut [0; 4])).chars().count();
        if count >= wanted {
            return at + c.len_utf8();
        }
    }
    line.len()
}

/// Everything on one line, blanks squeezed.
pub(super) fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// An address without brackets, its domain in lower case; `None` without exactly one `@` between something.
pub(super) fn address(text: &str) -> Option<String> {
    let bare = text.trim().trim_start_matches('<').trim_end_matches('>').trim();
    let (local, domain) = bare.rsplit_once('@')?;
    let clean =
        !local.is_empty() && !domain.is_empty() && !bare.contains(|c: char| c.is_whitespace() || c.is_control());
    (clean && !domain.contains(['<', '>', ',', ';', ':'])).then(|| format!("{local}@{}", domain.to_lowercase()))
}

/// The words of a text for comparing: lower case, no accents, letters and digits only.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(folded)
}

/// A word as programs without accents write it ("seance", "coeur"), in lower case.
fn folded(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    let mut out = String::with_capacity(word.len());
    for c in word.nfkd().flat_map(char::to_lowercase).filter(|c| !is_combining_mark(*c)) {
        match c {
            'œ' => out.push_str("oe"),
            'æ' => out.push_str("ae"),
            'ß' => out.push_str("ss"),
            _ => out.push(c),
        }
    }
    // a mark that stands alone is a word still
    if out.is_empty() { word.to_lowercase() } else { out }
}

/// The number of a word for comparing: the same for the same word in [`words`].
pub(super) fn word_id(word: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    match word.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
        true => word.hash(&mut hasher),
        false => folded(word).hash(&mut hasher),
    }
    hasher.finish()
}

/// The words of a text by their numbers, as [`words`] has them.
pub(super) fn word_ids(text: &str) -> impl Iterator<Item = u64> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(word_id)
}

/// Cuts at a character boundary at or below `max` bytes.
pub(super) fn cut(text: &str, max: usize) -> &str {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typography_is_folded_for_matching() {
        assert_eq!(key("Aujourd’hui\u{a0}:  \u{202f}oui"), "Aujourd'hui : oui");
        assert_eq!(clean("a\u{200b}b\r\nc\rd"), "ab\nc\nd");
        assert_eq!(clean("a\n\u{200b}\nb\r\u{200b}\nc\n\r\r\n"), "a\n\nb\n\nc\n\n\n");
    }

    #[test]
    fn addresses_lose_brackets_and_case_of_the_domain() {
        assert_eq!(address("<Anne@Example.ORG>").as_deref(), Some("Anne@example.org"));
        assert_eq!(address("anne"), None);
        assert_eq!(address("a b@example.org"), None);
    }
}

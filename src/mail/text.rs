//! Small repairs of text that came by mail: invisible characters, typographic forms, addresses.

use unicode_normalization::UnicodeNormalization;

/// Characters that are not seen and only get in the way of matching: zero-width, bidi marks, byte-order mark.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{ad}' | '\0')
}

/// `\n` line ends, no invisible characters; everything else as it was written.
pub(super) fn clean(text: &str) -> String {
    let unix = text.replace("\r\n", "\n").replace('\r', "\n");
    unix.chars().filter(|c| !is_invisible(*c)).collect()
}

/// The form patterns are matched against: NFKC (a narrow or no-break space is a space), apostrophes folded, blanks
/// squeezed.
pub(super) fn key(line: &str) -> String {
    let folded: String =
        line.nfkc().map(|c| if matches!(c, '\u{2019}' | '\u{2018}' | '\u{2bc}' | '`') { '\'' } else { c }).collect();
    one_line(&folded)
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

/// The words of a text for comparing: NFKC, lower case, letters and digits only.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(|w| w.nfkc().collect::<String>().to_lowercase())
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
    }

    #[test]
    fn addresses_lose_brackets_and_case_of_the_domain() {
        assert_eq!(address("<Anne@Example.ORG>").as_deref(), Some("Anne@example.org"));
        assert_eq!(address("anne"), None);
        assert_eq!(address("a b@example.org"), None);
    }
}

//! People's words made fit to be shown: no control or direction characters, paragraphs as they wrote them.

use regex::Regex;
use serde_json::Value;
use std::sync::LazyLock;

/// What most text has none of, so that nothing is to be done.
static ODD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"[[\p{Cc}&&[^\n]]\u{200E}\u{200F}\u{061C}\u{202A}-\u{202E}\u{2028}\u{2029}\u{2066}-\u{2069}\u{E000}\u{FEFF}\u{FFF9}-\u{FFFB}\u{E0000}-\u{E007F}]").ok()
});
/// Blanks that one line of text does not have.
static WIDE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[^\S ]|  ").ok());

/// Takes out control characters and those that turn the direction of writing (Unicode TR 36 §2.5,
/// TR 9), which could make a text read as something else; line ends become `\n`.
pub(super) fn clean(text: &str) -> String {
    if ODD.as_ref().is_some_and(|odd| !odd.is_match(text)) {
        return text.trim().to_owned();
    }
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n").replace('\t', " ");
    text.chars().filter(|c| *c == '\n' || !hidden(*c)).collect::<String>().trim().to_owned()
}

/// The same on one line: names, titles.
pub(super) fn one_line(text: &str) -> String {
    let text = clean(text);
    if WIDE.as_ref().is_some_and(|wide| !wide.is_match(&text)) {
        return text;
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{E000}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// Cleaned, in paragraphs: parts with blank lines between them. Their own line breaks stay inside.
pub(super) fn paragraphs(text: &str) -> Value {
    let text = clean(text);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.split(|l| l.trim().is_empty()).filter(|p| !p.is_empty()).map(|p| Value::from(p.join("\n"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_lines_and_lose_what_can_not_be_seen() {
        assert_eq!(clean("a\u{202E}b\u{0}\r\nc\td\u{200F}\n"), "ab\nc d");
        assert_eq!(one_line(" Ana\nBcc: \u{2066}x "), "Ana Bcc: x");
        assert_eq!(paragraphs("a\n- b\n\n\n  \nc"), serde_json::json!(["a\n- b", "c"]));
        assert_eq!(paragraphs(" \n "), serde_json::json!([]));
    }
}

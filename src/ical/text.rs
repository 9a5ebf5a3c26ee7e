//! In charge of text on its way into a calendar: cleaning, and folding into lines of 75 octets.

/// RFC 5545 §3.1: the longest line in octets, its CRLF not counted.
const LINE: usize = 75;

/// How far a fold moves back to avoid standing next to a space, which some programs eat.
const BACK: usize = 20;

/// Text of several lines: `\r\n`, `\r` and the Unicode line ends become `\n`, a tab a space,
/// other control characters go, and so does white space at both ends.
pub fn clean_text(text: &str) -> String {
    let lines = text.replace("\r\n", "\n");
    let cleaned: String = lines.chars().filter_map(clean_char).collect();
    cleaned.trim().to_owned()
}

/// Text of one line: as [`clean_text`], line ends become spaces, runs of spaces one space.
pub fn clean_line(text: &str) -> String {
    let cleaned = clean_text(text);
    let words = cleaned.split([' ', '\n']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// A person's name for CN: one line, and without what could end the quoted value (`"`, RFC 5545
/// §3.2), be taken for an escape (`\`, which several parsers honour there) or for RFC 6868 (`^`).
pub fn clean_name(name: &str) -> String {
    let safe: String = clean_line(name)
        .chars()
        .map(|c| match c {
            '"' => '\'',
            '\\' => '/',
            '^' => ' ',
            c => c,
        })
        .collect();
    clean_line(&safe)
}

fn clean_char(c: char) -> Option<char> {
    match c {
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
        '\t' => Some(' '),
        '\u{feff}' => None,
        c if c.is_control() => None,
        c => Some(c),
    }
}

/// The first `max` characters, with `…` in the last one's place where something was cut.
pub(super) fn shortened(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// Folds content lines anew: CRLF everywhere, no line over 75 octets, no character cut.
/// (The icalendar crate lets the last piece of a folded line reach 76 octets.)
pub(super) fn refold(calendar: &str) -> String {
    let unfolded = calendar.replace("\r\n ", "");
    let mut out = String::with_capacity(calendar.len() + calendar.len() / 64);
    for line in unfolded.split("\r\n").filter(|line| !line.is_empty()) {
        fold_line(&mut out, line);
    }
    out
}

/// Folds one content line onto `out`, with its CRLF (RFC 5545 §3.1).
pub(crate) fn fold_line(out: &mut String, line: &str) {
    let mut rest = line;
    let mut room = LINE;
    while rest.len() > room {
        let (piece, tail) = rest.split_at(fold_point(rest, room));
        out.push_str(piece);
        out.push_str("\r\n ");
        rest = tail;
        // the space that begins a folded line counts
        room = LINE - 1;
    }
    out.push_str(rest);
    out.push_str("\r\n");
}

/// The last place at or before `room` where a character ends, if possible not beside a space.
fn fold_point(line: &str, room: usize) -> usize {
    let at = line.floor_char_boundary(room);
    (at.saturating_sub(BACK)..=at)
        .rev()
        .filter(|&point| point > 0 && line.is_char_boundary(point))
        .find(|&point| !line[..point].ends_with(' ') && !line[point..].starts_with(' '))
        .unwrap_or(at)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_fold_cuts_no_character_and_keeps_to_75_octets() {
        for lead in 0..8 {
            let line = format!("{}{}", "x".repeat(lead), "é老👩‍🌾 ".repeat(60));
            let mut out = String::new();
            fold_line(&mut out, &line);
            assert!(out.split("\r\n").all(|piece| piece.len() <= LINE));
            assert_eq!(out.replace("\r\n ", ""), format!("{line}\r\n"));
        }
    }

    #[test]
    fn a_line_of_75_octets_stays_whole_and_one_of_76_is_folded() {
        let mut out = String::new();
        fold_line(&mut out, &"a".repeat(75));
        assert_eq!(out, format!("{}\r\n", "a".repeat(75)));
        out.clear();
        fold_line(&mut out, &"a".repeat(76));
        assert_eq!(out, format!("{}\r\n a\r\n", "a".repeat(75)));
    }

    #[test]
    fn a_fold_stands_beside_no_space_unless_there_is_nothing_else() {
        let mut out = String::new();
        fold_line(&mut out, &format!("{} {}", "a".repeat(74), "b".repeat(20)));
        assert_eq!(out, format!("{}\r\n a {}\r\n", "a".repeat(73), "b".repeat(20)));
        out.clear();
        fold_line(&mut out, &" ".repeat(100));
        assert_eq!(out, format!("{}\r\n {}\r\n", " ".repeat(75), " ".repeat(25)));
    }

    #[test]
    fn a_name_can_neither_leave_its_quotes_nor_its_line() {
        assert_eq!(clean_name("x\r\nATTENDEE:mailto:e@x"), "x ATTENDEE:mailto:e@x");
        assert_eq!(clean_name("Jean \"Jo\" D\\"), "Jean 'Jo' D/");
        assert_eq!(clean_name("a^nb\0\u{7f}"), "a nb");
        assert_eq!(clean_name(" \t\r\n"), "");
    }

    #[test]
    fn what_is_too_long_says_so() {
        assert_eq!(shortened("éàü", 3), "éàü");
        assert_eq!(shortened("éàüö", 3), "éà…");
        assert_eq!(shortened("é àü", 3), "é…");
    }

    #[test]
    fn line_ends_of_every_kind_become_one() {
        assert_eq!(clean_text("a\r\nb\rc\u{2028}d\u{85}e"), "a\nb\nc\nd\ne");
        assert_eq!(clean_line("a\r\nb\tc  d"), "a b c d");
    }
}

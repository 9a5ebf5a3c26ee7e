//! Plain text at a readable width: breaks long lines, keeps lists, quotes, links and people's own lines.

/// Columns of a mail's text.
pub(super) const WIDTH: usize = 72;

/// Breaks lines of more than `width` characters at plain spaces, the rest of a line hanging under
/// its beginning; drops spaces at line ends and blank lines beyond one. Never joins two lines, and
/// never breaks a word, so a long link stays whole.
pub(super) fn wrap(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 20);
    let mut blank = true;
    for line in text.lines().map(str::trim_end) {
        if line.is_empty() {
            if !blank {
                out.push('\n');
            }
            blank = true;
            continue;
        }
        blank = false;
        wrap_line(line, width, &mut out);
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

fn wrap_line(line: &str, width: usize, out: &mut String) {
    let (head, body) = split_head(line, width);
    let (indent, column_wide) = continuation(head);
    out.push_str(head);
    let mut column = head.chars().count();
    let mut first = true;
    for word in body.split(' ').filter(|w| !w.is_empty()) {
        let long = word.chars().count();
        // a bullet keeps its first word; a column need not
        let closed = !column_wide.is_empty() && head.ends_with("  ");
        if (!first && column + 1 + long > width) || (first && closed && column + long > width) {
            // a word that finds no room beside the column stands below it
            let beside = indent.chars().count() + column_wide.len() + long <= width;
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            out.push_str(indent);
            out.push_str(if beside { &column_wide } else { "" });
            column = indent.chars().count() + if beside { column_wide.len() } else { 0 };
            first = true;
        }
        if !first {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += long;
        first = false;
    }
    out.push('\n');
}

/// What stays at the left: indent, quote marks, a bullet or number, or a narrow column closed by two spaces.
fn split_head(line: &str, width: usize) -> (&str, &str) {
    let indent = line.len() - line.trim_start_matches([' ', '>']).len();
    let rest = &line[indent..];
    let bullet = ["- ", "• ", "* "].iter().find(|b| rest.starts_with(**b)).map(|b| b.len());
    let number = rest.find(". ").filter(|dot| *dot > 0 && rest[..*dot].bytes().all(|b| b.is_ascii_digit()));
    let narrow = |at: &usize| rest[..*at].chars().count() <= 24 && line[..indent + *at].chars().count() <= width / 2;
    let column = rest.find("  ").filter(narrow).map(|at| {
        let gap = rest[at..].len() - rest[at..].trim_start_matches(' ').len();
        at + gap
    });
    let head = indent + bullet.or(number.map(|dot| dot + 2)).or(column).unwrap_or(0);
    line.split_at(head)
}

/// The beginning of the lines that follow, in two parts: the quote marks and indent of the left,
/// repeated, and what is as wide as the bullet or column beside it.
fn continuation(head: &str) -> (&str, String) {
    let rest = head.trim_start_matches([' ', '>']);
    (&head[..head.len() - rest.len()], " ".repeat(rest.chars().count()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn long_lines_hang_under_their_beginning() {
        assert_eq!(wrap("- one two three four\n", 12), "- one two\n  three four\n");
        assert_eq!(wrap("12. one two three", 12), "12. one two\n    three\n");
        assert_eq!(wrap("> one two three", 11), "> one two\n> three\n");
        assert_eq!(wrap("18 h 00  one two three", 18), "18 h 00  one two\n         three\n");
    }

    #[test]
    fn short_lines_links_and_unbreakable_spaces_stay() {
        let link = "https://example.org/a/very/long/path/which/does/not/end/before/the/margin/of/seventy/two";
        assert_eq!(wrap(&format!("see {link} now"), 40), format!("see\n{link}\nnow\n"));
        assert_eq!(wrap("a\nb\n\n\n\nc  \n", 72), "a\nb\n\nc\n");
        assert_eq!(wrap(">>éaa--aa aaéé aa- a> a >>     a", 30), ">>éaa--aa aaéé aa- a> a >> a\n");
        assert_eq!(wrap("a          bbbb", 9), "a\nbbbb\n");
        assert_eq!(wrap("at 18\u{a0}h\u{a0}00 sharp", 9), "at\n18\u{a0}h\u{a0}00\nsharp\n");
    }

    proptest! {
        #[test]
        fn no_word_is_lost_and_no_line_is_too_long(text in "[a-zé >\\-\n]{0,300}") {
            let wrapped = wrap(&text, 30);
            let words = |t: &str| t.replace('>', "").split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            prop_assert_eq!(words(&wrapped), words(&text));
            for line in wrapped.lines() {
                prop_assert!(line.chars().count() <= 30 || !line.trim_start_matches([' ', '>', '-']).contains(' '), "{:?}", line);
            }
        }
    }
}

//! In charge of the texts that programs write into an answer's mail by themselves ("Ana has accepted
//! this invitation"): they are nobody's words.

/// A fragment a line; `#` begins a remark.
const FRAGMENTS: &str = include_str!("machine_texts.txt");

/// What the person wrote above the program's own text, in a mail beside a calendar answer: all lines before the first
/// that bears one of the fragments or the event's title.
pub fn without_machine_text(text: &str, title: Option<&str>) -> String {
    let fragments = FRAGMENTS.lines().filter(|line| !line.starts_with('#')).chain(title);
    let fragments: Vec<String> = fragments.map(folded).filter(|fragment| !fragment.is_empty()).collect();
    let lines: Vec<&str> = text.lines().collect();
    let bears = |part: &[&str]| {
        let part = folded(&part.join(" "));
        fragments.iter().any(|fragment| part.contains(fragment))
    };
    // a fragment may be broken over two lines
    let broken = |at: usize| {
        let (both, next) = (lines.get(at..at + 2), lines.get(at + 1..at + 2));
        both.is_some_and(bears) && !next.is_some_and(bears)
    };
    let machine = (0..lines.len()).find(|at| bears(&lines[*at..=*at]) || broken(*at));
    lines[..machine.unwrap_or(lines.len())].join("\n").trim().to_owned()
}

/// Lower case, blanks of every kind as one, the typographic apostrophe as the plain one.
fn folded(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase().replace('’', "'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_texts_are_nobodys_words() {
        for text in [
            "Ana Lopes has accepted this invitation.\n\nCodev Lyon\nTuesday 8 Dec",
            "Ana Lopes a accepté cette invitation.",
            "Ana Lopes <ana@x.org> hat Ihre Einladung angenommen.",
            "When: Tuesday 8 December 2026 18:00\nWhere: visio",
            "Invitation from Google Calendar: https://calendar.google.com/calendar/",
            "Accepté :\u{a0}Codev",
        ] {
            assert_eq!(without_machine_text(text, None), "", "{text}");
        }
        for text in [
            "Je suis en déplacement, jeudi serait possible ?",
            "See you there!",
            "Désolée, j'ai accepté un autre rendez-vous",
        ] {
            assert_eq!(without_machine_text(text, Some("Codev Lyon: séance")), text);
        }
    }

    #[test]
    fn a_persons_words_above_a_programs_text_are_kept() {
        for below in [
            "Ana Lopes has accepted this invitation.\n\nCodev Lyon",
            "Ana Lopes has accepted\nthis invitation.",
            "Quand : mardi 8 décembre 2026 18:00\nOù : visio",
            "Codev Lyon: séance du 8 décembre\nmardi",
        ] {
            let text = format!("J'aurai cinq minutes de retard.\nÀ mardi !\n\n{below}");
            let said = without_machine_text(&text, Some("Codev Lyon: séance"));
            assert_eq!(said, "J'aurai cinq minutes de retard.\nÀ mardi !", "{below}");
        }
    }
}

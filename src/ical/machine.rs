//! In charge of the texts that programs write into an answer's mail by themselves ("Ana has accepted
//! this invitation"): they are nobody's words.

/// A fragment a line; `#` begins a remark.
const FRAGMENTS: &str = include_str!("machine_texts.txt");

/// Whether a mail's text beside a calendar answer was written by the program and not by the person.
pub fn is_machine_text(text: &str) -> bool {
    let text = folded(text);
    let fragments = FRAGMENTS.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    fragments.map(folded).any(|fragment| text.contains(&fragment))
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
            assert!(is_machine_text(text), "{text}");
        }
        for text in [
            "Je suis en déplacement, jeudi serait possible ?",
            "See you there!",
            "Désolée, j'ai accepté un autre rendez-vous",
        ] {
            assert!(!is_machine_text(text), "{text}");
        }
    }
}

//! The subject line: the group first, 60 characters at most, an answer keeps the one it answers.

use super::clean::one_line;
use crate::core::Draft;

/// Longest subject line, in characters: what a phone and most lists show.
const LONGEST: usize = 60;

/// `[Group] …`; for a draft that answers somebody's mail, `Re: ` and their subject.
pub(super) fn line(prefix: &str, own: &str, draft: &Draft) -> String {
    match &draft.answers {
        Some(mail) if draft.key.kind.is_answer() && !one_line(&mail.subject).is_empty() => {
            let subject = one_line(&mail.subject);
            format!("Re: {}", without_re(&subject))
        }
        _ => cut(&format!("{prefix} {}", one_line(own))),
    }
}

/// Mail programs add their mark once more at every turn; one is enough.
fn without_re(subject: &str) -> &str {
    let mut rest = subject;
    while let Some((mark, tail)) = rest.split_once(':') {
        let known = ["re", "ré", "rép", "aw", "sv", "tr", "fwd", "fw"].contains(&mark.trim().to_lowercase().as_str());
        if !known {
            break;
        }
        rest = tail.trim_start();
    }
    rest
}

/// Cut at a word's end, with an ellipsis.
fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let kept: String = text.chars().take(LONGEST - 1).collect();
    let at = kept.rfind(' ').filter(|at| *at > LONGEST / 2).unwrap_or(kept.len());
    format!("{}…", kept[..at].trim_end_matches([' ', ',', '·', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_at_a_word_and_marks_are_not_heaped() {
        let long = cut("[Codev Lyon] Séance du mardi 8 décembre, dites-nous si vous venez à Lyon");
        assert_eq!(long, "[Codev Lyon] Séance du mardi 8 décembre, dites-nous si…");
        assert!(long.chars().count() <= LONGEST);
        assert_eq!(without_re("RE: Re : [Codev] 3/6"), "[Codev] 3/6");
        assert_eq!(without_re("Sujet: mon équipe"), "Sujet: mon équipe");
    }
}

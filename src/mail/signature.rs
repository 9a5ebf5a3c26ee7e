//! The name that people put under what they write: known from the roster, so it can be taken off for sure.

/// The text without its last lines where these are nothing but the author's own name. An answer
/// that is nothing else stays as it is.
pub fn without_name(text: &str, name: &str) -> String {
    let mut lines: Vec<&str> = text.trim_end().lines().collect();
    let first = name.split_whitespace().next().unwrap_or(name);
    let is_name = |line: &str| {
        let line = line.trim().trim_start_matches(['-', '–', '—', ' ']).trim_end_matches(['.', ',']).to_lowercase();
        !line.is_empty() && (line == name.to_lowercase() || line == first.to_lowercase())
    };
    let mut cut = false;
    while lines.len() > 1 && lines.last().is_some_and(|l| l.trim().is_empty() || is_name(l)) {
        cut |= lines.pop().is_some_and(is_name);
    }
    if cut { lines.join("\n") } else { text.trim_end().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_below_is_taken_off_and_one_inside_stays() {
        assert_eq!(without_name("Je viens.\n\nAna Lopes\n", "Ana Lopes"), "Je viens.");
        assert_eq!(without_name("Je viens.\nana", "Ana Lopes"), "Je viens.");
        assert_eq!(without_name("Je viens.\n— Ana\n\n", "Ana Lopes"), "Je viens.");
        assert_eq!(without_name("Demandez à\nBo", "Ana Lopes"), "Demandez à\nBo");
        assert_eq!(without_name("Ana", "Ana Lopes"), "Ana");
    }
}

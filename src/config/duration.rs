//! Durations as people write them in files: `8m`, `5s`, `1h`, `2m30s`, `1h30`.

/// Longest duration a file may name: a day.
const MOST: u32 = 86_400;

/// What a duration looks like, for messages.
pub(crate) const EXPECTED: &str = "a duration with its unit, such as \"8m\", \"45s\", \"1h30m\" or \"2m30s\"";

/// Reads a duration, in seconds. The error says what was wrong; more than a day is refused.
pub(crate) fn seconds(text: &str) -> Result<u32, String> {
    let trimmed = text.trim();
    let mut total: u32 = 0;
    let mut rest = trimmed;
    let mut last = u32::MAX;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u32 = rest[..digits].parse().map_err(|_| format!("{trimmed:?} is not a duration"))?;
        rest = &rest[digits..];
        let unit = match rest.chars().next() {
            Some('h') => 3600,
            Some('m') => 60,
            Some('s') => 1,
            // "1h30": what follows hours is minutes
            None if last == 3600 => 60,
            None => return Err(format!("{trimmed:?} has no unit")),
            Some(_) => return Err(format!("{trimmed:?} is not a duration")),
        };
        if unit >= last {
            return Err(format!("{trimmed:?} is not in the order hours, minutes, seconds"));
        }
        last = unit;
        rest = rest.strip_prefix(['h', 'm', 's']).unwrap_or(rest);
        let part = number.checked_mul(unit).filter(|p| *p <= MOST);
        total = part.and_then(|p| total.checked_add(p)).ok_or_else(|| format!("{trimmed:?} is longer than a day"))?;
    }
    match total {
        0 => Err(format!("{trimmed:?} is no time at all")),
        t if t > MOST => Err(format!("{trimmed:?} is longer than a day")),
        t => Ok(t),
    }
}

/// Seconds as a file would say them: `90m` is `1h30m`.
pub(crate) fn written(seconds: u32) -> String {
    let part = |n: u32, unit: &str| if n == 0 { String::new() } else { format!("{n}{unit}") };
    let text = [part(seconds / 3600, "h"), part(seconds / 60 % 60, "m"), part(seconds % 60, "s")].concat();
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_back() {
        for (text, expected) in
            [("8m", 480), ("5s", 5), ("1h", 3600), ("2m30s", 150), ("1h30", 5400), ("90m", 5400), ("1h0m5s", 3605)]
        {
            assert_eq!(seconds(text), Ok(expected), "{text}");
            assert_eq!(seconds(&written(expected)), Ok(expected), "{text}");
        }
        for bad in ["", "8", "m", "8 m", "-5m", "30s1h", "8m8m", "0m", "25h", "99999999999h", "8min", "1.5h", "é"] {
            assert!(seconds(bad).is_err(), "{bad:?}");
        }
    }
}

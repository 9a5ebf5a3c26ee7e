//! In charge of foreign bytes until they are lines of text: charset, folding, and the lines that
//! are none.

/// Bytes to text, line by line, so that one line in another charset spoils no other. Lines are
/// unfolded as bytes first: some programs fold in the middle of a character. UTF-8, UTF-16 by
/// its mark, else windows-1252. A line that is no content line is left out.
pub(super) fn decode(bytes: &[u8]) -> String {
    let from_utf16 = utf16(bytes);
    let bytes = from_utf16.as_deref().map_or(bytes, str::as_bytes);
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut text = String::with_capacity(bytes.len());
    for line in logical_lines(bytes) {
        let line = match String::from_utf8(line) {
            Ok(line) => line,
            Err(not) => not.as_bytes().iter().map(|byte| windows_1252(*byte)).collect(),
        };
        if is_content_line(&line) {
            text.push_str(&line);
            text.push_str("\r\n");
        }
    }
    text
}

/// Whether a line is `name *(";" name "=" value) ":" value` (RFC 5545 §3.1). Others must not
/// reach calcard 0.3: what follows a nameless parameter becomes the next line's.
fn is_content_line(line: &str) -> bool {
    let mut quoted = false;
    let colon = line.find(|c| {
        quoted ^= c == '"';
        c == ':' && !quoted
    });
    let Some((head, _)) = colon.and_then(|at| line.split_at_checked(at)) else {
        return false;
    };
    let mut pieces = head.split(|c| {
        quoted ^= c == '"';
        c == ';' && !quoted
    });
    pieces.all(|piece| is_name(piece.split('=').next().unwrap_or_default().trim()))
}

fn is_name(word: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./".contains(&b);
    !word.is_empty() && word.bytes().all(plain)
}

fn logical_lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    // old Mac line ends: a calendar with CR alone
    let end = if bytes.contains(&b'\n') { b'\n' } else { b'\r' };
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for line in bytes.split(|byte| *byte == end) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match (line.split_first(), lines.last_mut()) {
            (Some((b' ' | b'\t', rest)), Some(last)) => last.extend_from_slice(rest),
            _ => lines.push(line.to_vec()),
        }
    }
    lines
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let (read, body): (fn([u8; 2]) -> u16, _) = match bytes {
        [0xff, 0xfe, body @ ..] => (u16::from_le_bytes, body),
        [0xfe, 0xff, body @ ..] => (u16::from_be_bytes, body),
        _ => return None,
    };
    let units: Vec<u16> = body.chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect();
    Some(String::from_utf16_lossy(&units))
}

/// A byte of windows-1252; its five unused places give U+FFFD.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž', '\u{fffd}',
        '\u{fffd}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{fffd}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        byte => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_content_line() {
        for good in ["A:1", "A:", "X-A;B=1;C=\"d;e:f\":g", "A; B=1:2", "BEGIN:VEVENT", "A;B:1"] {
            assert!(is_content_line(good), "{good}");
        }
        for bad in ["", "A", ":1", "A;=1:2", "A;:1", "A;\"\"=1:2", "A;B=\"c:1", "A B:1", "A;B=1"] {
            assert!(!is_content_line(bad), "{bad}");
        }
    }

    #[test]
    fn each_line_in_its_own_charset() {
        assert_eq!(decode(b"A:\xe9\x80\r\nB:\xc3\xa9\r\n"), "A:é€\r\nB:é\r\n");
    }

    #[test]
    fn a_fold_in_the_middle_of_a_character() {
        assert_eq!(decode(b"A:\xc3\r\n \xa9\r\n\tx\n y"), "A:éxy\r\n");
    }

    #[test]
    fn marks_and_line_ends() {
        assert_eq!(decode(b"\xef\xbb\xbfA:1\nB:2"), "A:1\r\nB:2\r\n");
        assert_eq!(decode(b"A:1\rB:2\r 3"), "A:1\r\nB:23\r\n");
        let little: Vec<u8> = "\u{feff}A:é\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&little), "A:é\r\n");
        let big: Vec<u8> = "\u{feff}A:é\r\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(&big), "A:é\r\n");
    }
}

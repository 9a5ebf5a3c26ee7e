//! Keeps a mail within what reading it may take: so many header fields in a head, so many parts. The parser makes a
//! value of each, many times as large as the few bytes that ask for it.

use std::borrow::Cow;
use std::collections::HashSet;

/// Bytes of a mail that can't ask for much, whatever they are.
const SMALL: usize = 16 * 1024;
/// Bytes of a head that are read.
const HEAD: usize = 64 * 1024;
/// Bytes of one field; of a longer one nothing is read, since half a list of names would be another list.
const FIELD: usize = 32 * 1024;
/// Lines of a head.
const LINES: usize = 1_000;
/// Beginnings and ends of parts; after so many the rest is not read.
const EDGES: usize = 1_000;
/// Boundaries looked for.
const BOUNDARIES: usize = 400;

/// The mail, or as much of it as is read, and whether something was left out.
pub(super) fn within(raw: &[u8]) -> (Cow<'_, [u8]>, bool) {
    if raw.len() <= SMALL {
        return (Cow::Borrowed(raw), false);
    }
    let mut bound = Bound { edges: HashSet::new(), seen: 0, head: Some(Head::default()), left_out: false };
    // what is kept lies in a row until something is left out
    let (mut kept, mut run): (Option<Vec<u8>>, usize) = (None, 0);
    let mut at = 0;
    for line in raw.split_inclusive(|b| *b == b'\n') {
        match bound.takes(line) {
            Verdict::Keep => {}
            Verdict::LeaveOut(back) => {
                kept.get_or_insert_with(Vec::new).extend(&raw[run..at - back]);
                run = at + line.len();
            }
            Verdict::Stop => {
                kept.get_or_insert_with(Vec::new).extend(&raw[run..at]);
                run = raw.len();
                break;
            }
        }
        at += line.len();
    }
    match kept {
        None => (Cow::Borrowed(raw), false),
        Some(mut kept) => {
            kept.extend(&raw[run..]);
            (Cow::Owned(kept), bound.left_out)
        }
    }
}

enum Verdict {
    Keep,
    /// With so many bytes before it, which are of the same field.
    LeaveOut(usize),
    Stop,
}

/// A head that is being read.
#[derive(Default)]
struct Head {
    bytes: usize,
    lines: usize,
    /// Bytes of the field at hand, and its lines.
    field: usize,
    field_lines: usize,
    /// The field at hand is left out.
    skips: bool,
    /// A mail in a mail: its head follows right behind.
    holds_mail: bool,
}

struct Bound {
    /// The lines that begin a part.
    edges: HashSet<Vec<u8>>,
    seen: usize,
    head: Option<Head>,
    left_out: bool,
}

impl Bound {
    fn takes(&mut self, line: &[u8]) -> Verdict {
        let bare = line.trim_ascii_end();
        if let Some(begins) = self.edge(bare) {
            self.seen += 1;
            if self.seen > EDGES {
                self.left_out = true;
                return Verdict::Stop;
            }
            self.head = begins.then(Head::default);
            return Verdict::Keep;
        }
        let Some(head) = &mut self.head else { return Verdict::Keep };
        if bare.is_empty() {
            self.head = head.holds_mail.then(Head::default);
            return Verdict::Keep;
        }
        if let Some(back) = head.refuses(line) {
            self.left_out = true;
            return Verdict::LeaveOut(back);
        }
        self.learn(bare);
        if self.edges.len() > BOUNDARIES {
            self.left_out = true;
            return Verdict::Stop;
        }
        Verdict::Keep
    }

    /// Whether a part begins with this line, or the last one ends, if either.
    fn edge(&self, bare: &[u8]) -> Option<bool> {
        let name = bare.strip_prefix(b"--")?;
        let ends = || name.strip_suffix(b"--").is_some_and(|name| self.edges.contains(name));
        if self.edges.contains(name) { Some(true) } else { ends().then_some(false) }
    }

    /// A boundary, and whether a mail lies inside.
    fn learn(&mut self, line: &[u8]) {
        let low = line.to_ascii_lowercase();
        let find = |word: &[u8]| low.windows(word.len()).position(|w| w == word).map(|at| at + word.len());
        if let (Some(head), Some(_)) = (&mut self.head, find(b"message/")) {
            head.holds_mail = true;
        }
        let Some(start) = find(b"boundary") else { return };
        let rest = line[start..].trim_ascii_start();
        let rest = rest.strip_prefix(b"=").unwrap_or(rest).trim_ascii_start();
        let name = match rest.strip_prefix(b"\"") {
            Some(quoted) => quoted.split(|b| *b == b'"').next(),
            None => rest.split(|b| b.is_ascii_whitespace() || *b == b';').next(),
        };
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            self.edges.insert(name.to_vec());
        }
    }
}

impl Head {
    /// How many bytes of this line's field were taken, where the line is too much.
    fn refuses(&mut self, line: &[u8]) -> Option<usize> {
        let folded = line.starts_with(b" ") || line.starts_with(b"\t");
        if !folded {
            (self.field, self.field_lines) = (0, 0);
            self.skips = false;
        }
        self.lines += 1;
        self.field_lines += 1;
        let too_much =
            self.field + line.len() > FIELD || self.bytes + line.len() > HEAD || self.lines > LINES || self.skips;
        if too_much {
            self.skips = true;
            self.bytes -= self.field;
            self.lines -= std::mem::take(&mut self.field_lines);
            return Some(std::mem::take(&mut self.field));
        }
        self.field += line.len();
        self.bytes += line.len();
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TOP: &str = "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=\"b 1\"\r\n";

    fn kept(mail: &str) -> (String, bool) {
        let (kept, left_out) = within(mail.as_bytes());
        (String::from_utf8(kept.into_owned()).unwrap(), left_out)
    }

    #[test]
    fn usual_mails_stay_as_they_are() {
        let part = "--b 1\r\nContent-Type: text/plain\r\n\r\n-- \r\nClaire\r\n--\r\n--- a line\r\n";
        let mail = format!("{TOP}\r\n{}--b 1--\r\n{}", part.repeat(300), "word\r\n".repeat(40_000));
        assert_eq!(kept(&mail), (mail, false));
        let garbage = "\u{ff}".repeat(100_000);
        assert!(!kept(&format!("\n{garbage}")).1);
    }

    #[test]
    fn what_asks_for_too_much_is_left_out() {
        let (mail, out) = kept(&format!("{TOP}{}Subject: x\r\n\r\nOui\r\n", "X-A: b\r\n".repeat(100_000)));
        assert!(out && mail.len() < 2 * SMALL && mail.ends_with("\r\n\r\nOui\r\n"));
        let (mail, out) = kept(&format!("{TOP}Cc: {}c@d\r\nSubject: x\r\n\r\nOui\r\n", "a@b,\r\n ".repeat(10_000)));
        assert!(out && mail == format!("{TOP}Subject: x\r\n\r\nOui\r\n"), "half a list is another list");
        let nested = (0..10_000).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"));
        let (mail, out) = kept(&format!("From: a@b.example\r\n{}", nested.collect::<String>()));
        assert!(out && mail.matches("--b").count() == BOUNDARIES);
        let (mail, out) = kept(&format!("{TOP}\r\n{}", "--b 1\r\n\r\nx\r\n".repeat(10_000)));
        assert!(out && mail.matches("--b 1").count() == EDGES);
        let inner = format!("--b 1\r\nContent-Type: message/rfc822\r\n\r\n{}\r\nx\r\n", "X-A: b\r\n".repeat(100_000));
        let (mail, out) = kept(&format!("{TOP}\r\n{inner}--b 1--\r\n"));
        assert!(out && mail.len() < 2 * SMALL && mail.ends_with("\r\n\r\nx\r\n--b 1--\r\n"));
    }
}

//! Lines as bytes: ends, length, folds, characters (RFC 5545 §3.1).

use super::{Report, shown};

/// A content line unfolded, with the physical line it begins on.
pub(super) struct Logical {
    pub number: usize,
    pub text: String,
}

/// Octets of a physical line, without its end.
const MOST: usize = 75;

/// Unfolds, and says what is wrong with the bytes themselves.
pub(super) fn lines(bytes: &[u8], report: &mut Report) -> Vec<Logical> {
    let body = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => {
            report.add("bom", 1, "a byte order mark before the first line");
            rest
        }
        None => bytes,
    };
    ends(body, report);
    let mut unfolded: Vec<(usize, Vec<u8>)> = Vec::new();
    for (line, number) in physical(body).zip(1..) {
        one(line, number, report);
        match (line.split_first(), unfolded.last_mut()) {
            (Some((b' ' | b'\t', rest)), Some((_, before))) => fold(before, rest, number, report),
            (Some((b' ' | b'\t', rest)), None) => {
                report.add("fold-before-any-line", number, shown(&String::from_utf8_lossy(rest)));
            }
            (None, _) => report.add("empty-line", number, "a line with nothing in it"),
            _ => unfolded.push((number, line.to_vec())),
        }
    }
    unfolded.into_iter().map(|(number, line)| logical(number, line, report)).collect()
}

/// The physical lines without their ends. A calendar with CR alone is cut at CR, as programs do.
fn physical(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = if body.contains(&b'\n') { b'\n' } else { b'\r' };
    let whole = body.strip_suffix(&[end]).unwrap_or(body);
    let lines = (!body.is_empty()).then(|| whole.split(move |b| *b == end));
    lines.into_iter().flatten().map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// Line ends, once a file: a file in one habit would else be told on every line.
fn ends(body: &[u8], report: &mut Report) {
    let bare: Vec<usize> = body
        .split_inclusive(|b| *b == b'\n')
        .zip(1..)
        .filter(|(line, _)| line.ends_with(b"\n") && !line.ends_with(b"\r\n"))
        .map(|(_, number)| number)
        .collect();
    if let Some(first) = bare.first() {
        report.add("bare-lf", *first, format!("LF without CR at the end of {} lines", bare.len()));
    }
    if bare.is_empty() && !body.contains(&b'\n') && body.contains(&b'\r') {
        report.add("bare-cr", 1, "CR alone at the end of each line");
    } else if !body.is_empty() && !body.ends_with(b"\n") {
        let last = body.iter().filter(|b| **b == b'\n').count() + 1;
        report.add("last-line-without-end", last, "the file's end inside its last line");
    }
}

fn one(line: &[u8], number: usize, report: &mut Report) {
    if line.len() > MOST {
        report.add("line-too-long", number, format!("{} octets", line.len()));
    }
    let control = line.iter().find(|b| b.is_ascii_control() && **b != b'\t');
    if let Some(control) = control {
        report.add("control-character", number, format!("the octet 0x{control:02X}"));
    }
}

/// Joins a fold. A character begun before it and ended after it is whole again, and yet wrong.
fn fold(before: &mut Vec<u8>, rest: &[u8], number: usize, report: &mut Report) {
    let continues = rest.first().is_some_and(|b| (0x80..0xc0).contains(b));
    if continues && std::str::from_utf8(before).is_err_and(|e| e.error_len().is_none()) {
        report.add("fold-inside-character", number, format!("the octet 0x{:02X} first after the fold", rest[0]));
    }
    before.extend_from_slice(rest);
}

fn logical(number: usize, line: Vec<u8>, report: &mut Report) -> Logical {
    let text = String::from_utf8(line).unwrap_or_else(|not| {
        let at = not.utf8_error().valid_up_to();
        let octet = not.as_bytes().get(at).copied().unwrap_or_default();
        report.add("not-utf8", number, format!("the octet 0x{octet:02X} after {at} others"));
        String::from_utf8_lossy(not.as_bytes()).into_owned()
    });
    Logical { number, text }
}

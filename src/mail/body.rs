//! Which part of a mail is read as its text, and that text decoded: charsets repaired, format=flowed joined.

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Encoding, MessagePart, MimeHeaders, PartType};
use regex::Regex;
use std::sync::LazyLock;

use super::letter::{Limits, kind};
use super::{html, text};

/// The text to understand, and all text to look for our key in.
pub(super) struct Body {
    pub text: String,
    pub whole: String,
}

/// Lines of text that are read: each costs as much as a page of words.
const MAX_LINES: usize = 8_000;

/// Sentences that stand in a plain part only to say that there is none.
const NO_PLAIN: [&str; 6] = [
    "enable html",
    "does not support html",
    "view this email in html",
    "html compatible",
    "activer le html",
    "ne prend pas en charge le html",
];

/// Takes text/plain unless it is empty, only says "enable HTML", or is much shorter than the HTML without its quotes.
pub(super) fn choose(raw: &[u8], parts: &[&MessagePart<'_>], limits: &Limits, problems: &mut Vec<String>) -> Body {
    let mut plain = String::new();
    let mut source = String::new();
    for part in parts.iter().filter(|p| !is_file(p)) {
        match (&part.body, kind(part).as_str()) {
            (PartType::Text(_), "text/plain") => append(&mut plain, &plain_text(raw, part, limits.max_text), limits),
            (PartType::Html(_), _) => append(&mut source, &decoded(raw, part, limits.max_text), limits),
            _ => {}
        }
    }
    let longer = |part: &&&MessagePart<'_>| part.text_contents().is_some_and(|t| t.len() > limits.max_text);
    let full = plain.len() >= limits.max_text || source.len() >= limits.max_text;
    if full || plain.lines().count() >= MAX_LINES || parts.iter().filter(|p| !is_file(p)).any(|p| longer(&p)) {
        problems.push(format!("more than {} kB of text: the rest was not read", limits.max_text / 1024));
    }
    let whole_html = if source.is_empty() { String::new() } else { html::bare(&source) };
    let whole = format!("{plain}\n{whole_html}");
    if source.is_empty() || !(plain.trim().is_empty() || needs_html(&plain, &whole_html)) {
        return Body { text: plain, whole };
    }
    let from_html = html::to_text(&source);
    let better = plain.trim().is_empty()
        || says_nothing(&plain)
        || from_html.split_whitespace().count() > 3 * plain.split_whitespace().count() + 10;
    Body { text: if better { from_html } else { plain }, whole }
}

/// Is it worth rendering the HTML to compare?
fn needs_html(plain: &str, whole_html: &str) -> bool {
    says_nothing(plain) || whole_html.split_whitespace().count() > 3 * plain.split_whitespace().count() + 10
}

fn says_nothing(plain: &str) -> bool {
    let low = plain.to_lowercase();
    plain.len() < 600 && NO_PLAIN.iter().any(|phrase| low.contains(phrase))
}

/// A file, not a body: it has a name or says "attachment".
fn is_file(part: &MessagePart<'_>) -> bool {
    part.attachment_name().is_some()
        || part.content_disposition().is_some_and(|d| d.ctype().eq_ignore_ascii_case("attachment"))
}

fn append(to: &mut String, more: &str, limits: &Limits) {
    if !to.is_empty() && !to.ends_with('\n') {
        to.push('\n');
    }
    let fits = text::cut(more, limits.max_text.saturating_sub(to.len()));
    let lines = MAX_LINES.saturating_sub(to.lines().count());
    let end = fits.match_indices('\n').nth(lines.saturating_sub(1)).map_or(fits.len(), |(at, _)| at);
    to.push_str(&fits[..end]);
}

fn plain_text(raw: &[u8], part: &MessagePart<'_>, max: usize) -> String {
    let body = text::clean(&decoded(raw, part, max));
    let says = |name: &str, value: &str| {
        part.content_type().and_then(|ct| ct.attribute(name)).is_some_and(|v| v.eq_ignore_ascii_case(value))
    };
    if says("format", "flowed") { unflow(&body, says("delsp", "yes")) } else { body }
}

/// The part's text with the usual charset lies put right: UTF-8 said to be Latin-1, Latin-1 said to be UTF-8, and
/// windows-1252 said to be Latin-1. So many bytes of it at most.
fn decoded(raw: &[u8], part: &MessagePart<'_>, max: usize) -> String {
    let said = text::cut(part.text_contents().unwrap_or_default(), max);
    if said.is_ascii() {
        return said.to_owned();
    }
    if said.contains('\u{fffd}')
        && let Some(bytes) = original_bytes(raw, part, max)
        // a character cut off at the end is none
        && std::str::from_utf8(&bytes).is_err_and(|wrong| wrong.error_len().is_some())
    {
        return bytes.iter().map(|b| windows_1252(*b)).collect();
    }
    match as_single_bytes(said).map(String::from_utf8) {
        Some(Ok(utf8)) => utf8,
        _ if CONTROLS.as_ref().is_some_and(|controls| !controls.is_match(said)) => said.to_owned(),
        _ => said.chars().map(|c| if ('\u{80}'..='\u{9f}').contains(&c) { windows_1252(c as u8) } else { c }).collect(),
    }
}

/// The part's first bytes without their transfer encoding, before any charset.
fn original_bytes(raw: &[u8], part: &MessagePart<'_>, max: usize) -> Option<Vec<u8>> {
    let slice = raw.get(part.offset_body as usize..part.offset_end as usize)?;
    // an encoding takes three bytes for one at most
    let slice = &slice[..slice.len().min(if part.encoding == Encoding::None { max } else { 3 * max })];
    match part.encoding {
        Encoding::None => Some(slice.to_vec()),
        Encoding::QuotedPrintable => quoted_printable_decode(slice),
        Encoding::Base64 => base64_decode(slice),
    }
}

/// The UTF-8 bytes that the text shows as those of a one-byte charset, if it does.
fn as_single_bytes(text: &str) -> Option<Vec<u8>> {
    // the first letter beyond ASCII tells for most: a byte that leads no other is no UTF-8
    let mut beyond = text.get(text.bytes().position(|b| !b.is_ascii())?..)?.chars().map(single_byte);
    let leads = matches!(beyond.next()?, Some(0xc2..=0xf4)) && matches!(beyond.next()?, Some(0x80..=0xbf));
    leads.then(|| text.chars().map(single_byte).collect()).flatten()
}

fn single_byte(c: char) -> Option<u8> {
    let high = || HIGH.iter().position(|h| *h == c).map(|n| 0x80 + n as u8);
    if (c as u32) < 0x100 { Some(c as u8) } else { high() }
}

/// What windows-1252 has letters for, and Latin-1 nothing that is seen.
static CONTROLS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[\u{80}-\u{9f}]").ok());

/// What windows-1252 has at 0x80 to 0x9F.
const HIGH: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

fn windows_1252(byte: u8) -> char {
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        other => char::from(other),
    }
}

/// Joins the lines of format=flowed (RFC 3676): a line that ends in a blank goes on in the next one of its depth.
fn unflow(body: &str, delsp: bool) -> String {
    let mut out = String::with_capacity(body.len());
    let mut open: Option<usize> = None;
    for line in body.split('\n') {
        let depth = line.bytes().take_while(|b| *b == b'>').count();
        let content = &line[depth..];
        let content = content.strip_prefix(' ').unwrap_or(content);
        let flows = content.ends_with(' ') && content != "-- ";
        if open != Some(depth) {
            if !out.is_empty() {
                out.push('\n');
            }
            if depth > 0 {
                out.push_str(&">".repeat(depth));
                out.push(' ');
            }
        }
        out.push_str(if flows && delsp { content.trim_end_matches(' ') } else { content });
        open = flows.then_some(depth);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flowed_lines_are_joined_by_depth() {
        let body = "Oui, je \nprends.\n> Voulez-vous \n> prendre la\n> place ?\n-- \nAnne";
        assert_eq!(unflow(body, false), "Oui, je prends.\n> Voulez-vous prendre la\n> place ?\n-- \nAnne");
        assert_eq!(unflow("dis \nponible", true), "disponible");
        assert_eq!(unflow(" >pas une citation", false), ">pas une citation");
    }

    #[test]
    fn mojibake_is_put_right() {
        assert_eq!(as_single_bytes("Ã©").map(String::from_utf8), Some(Ok("é".to_owned())));
        assert_eq!(windows_1252(0x92), '’');
    }
}

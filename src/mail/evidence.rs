//! Which question a mail answers: our key, wherever a mail program left it, the surest place first.

use std::sync::LazyLock;

use mail_parser::MessageParser;
use regex::Regex;

use super::letter::Letter;
use super::token::{TOKEN_CHARS, Token, crockford, is_filler};

/// Where a key was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// Behind a `+` in an address it was sent to.
    Recipient,
    /// In In-Reply-To.
    InReplyTo,
    /// In References: counts less, since old mails are taken up again for new topics.
    References,
    /// In brackets at the end of the subject, where our own buttons put it.
    Subject,
    /// In the line "Réf. …" of our text, quoted below the answer.
    Body,
}

/// A key and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFound {
    /// As read; whether it fits somebody is asked of the `Key`.
    pub token: Token,
    /// Its place.
    pub carrier: Carrier,
}

/// All keys in a mail, by strength of evidence; in References the newest first. Each token once per carrier.
pub fn tokens(letter: &Letter) -> Vec<TokenFound> {
    let mut found: Vec<TokenFound> = Vec::new();
    let mut add = |token: Token, carrier: Carrier| {
        let one = TokenFound { token, carrier };
        if !found.contains(&one) && found.len() < 64 {
            found.push(one);
        }
    };
    letter.to.iter().flat_map(|email| in_address(email)).for_each(|t| add(t, Carrier::Recipient));
    letter.in_reply_to.iter().filter_map(|id| in_id(id)).for_each(|t| add(t, Carrier::InReplyTo));
    letter.references.iter().rev().take(100).filter_map(|id| in_id(id)).for_each(|t| add(t, Carrier::References));
    in_subject(&letter.subject).into_iter().for_each(|t| add(t, Carrier::Subject));
    in_footer(&letter.whole).into_iter().for_each(|t| add(t, Carrier::Body));
    found
}

/// The tag at the end of a subject, `Re: … [k7f3-92qd]`, in its canonical form without brackets. A hint, no proof.
pub fn subject_tag(letter: &Letter) -> Option<String> {
    static TAG: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\[([0-9A-Za-z]{4})-([0-9A-Za-z]{4})\]").ok());
    let all = TAG.as_ref()?.captures_iter(&letter.subject);
    let read = |text: &str| text.chars().map(crockford).collect::<Option<String>>();
    all.filter_map(|c| Some(format!("{}-{}", read(&c[1])?, read(&c[2])?))).last()
}

/// Whether a mail was written to this address: it stands, bare or with a `+`, in To or Cc. A mail to somebody else that
/// is sent on to us as it was signed is no answer to us.
pub fn addressed_to(raw: &[u8], address: &str) -> bool {
    let (raw, _) = super::bound::within(raw);
    let Some(message) = MessageParser::default().parse_headers(raw.as_ref()) else { return false };
    let bare = |email: &str| {
        let (local, domain) = email.rsplit_once('@')?;
        Some((local.split('+').next()?.to_lowercase(), crate::core::ids::ascii_domain(domain)))
    };
    let (ours, lists) = (bare(address), [message.to(), message.cc()]);
    let all = lists.into_iter().flatten().flat_map(|list| list.clone().into_list());
    all.filter_map(|addr| addr.address).any(|email| ours.is_some() && bare(&email) == ours)
}

/// Tokens behind `+` (or `%2B`) in the local part of an address.
fn in_address(email: &str) -> Vec<Token> {
    let local = email.rsplit_once('@').map_or(email, |(local, _)| local).replace("%2B", "+").replace("%2b", "+");
    local.split('+').skip(1).filter_map(Token::parse).collect()
}

/// The token in the left part of a Message-ID: the whole of it or a piece between dots.
fn in_id(id: &str) -> Option<Token> {
    let left = id.split('@').next()?;
    let left = super::text::cut(left, 200);
    Token::parse(left).or_else(|| left.split(['.', '_', '+', '=']).find_map(Token::parse))
}

/// Whole tokens in brackets in a subject; the short tag is none.
fn in_subject(subject: &str) -> Vec<Token> {
    let pieces = super::text::cut(subject, 1000).split('[').skip(1).filter_map(|p| p.split(']').next());
    pieces.filter_map(Token::parse).collect()
}

/// A subject without the tokens in it: what an answer of ours repeats of somebody's subject.
pub fn without_tokens(subject: &str) -> String {
    let mut out = String::new();
    let mut rest = subject;
    while let Some((before, behind)) = rest.split_once('[') {
        out.push_str(before);
        rest = match behind.split_once(']') {
            Some((inside, after)) if Token::parse(inside).is_some() => after,
            _ => {
                out.push('[');
                behind
            }
        };
    }
    out.push_str(rest);
    out.trim_end().to_owned()
}

/// Tokens after "Réf." or "Ref." in a text, across line breaks and quote marks.
fn in_footer(text: &str) -> Vec<Token> {
    static LABEL: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)\br(?:é|e\x{301}|e)f(?:[.:]|\s*:)\s*").ok());
    let Some(label) = LABEL.as_ref() else {
        return Vec::new();
    };
    label.find_iter(text).take(200).filter_map(|at| leading_token(&text[at.end()..])).collect()
}

/// The token a text begins with; a blank line ends the search.
fn leading_token(text: &str) -> Option<Token> {
    let mut chars = String::with_capacity(TOKEN_CHARS);
    let mut line_ends = 0;
    for c in text.chars().take(4 * TOKEN_CHARS) {
        line_ends = if c == '\n' {
            line_ends + 1
        } else if is_filler(c) {
            line_ends
        } else {
            0
        };
        if line_ends > 1 {
            break;
        }
        if is_filler(c) {
            continue;
        }
        chars.push(crockford(c)?);
        if chars.len() == TOKEN_CHARS {
            return Token::parse(&chars);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_repeated_without_its_tokens() {
        let token = "7".repeat(TOKEN_CHARS);
        let subject = without_tokens(&format!("Re: [Codev Lyon] venez-vous ? [{token}]"));
        assert_eq!(subject, "Re: [Codev Lyon] venez-vous ?");
        assert_eq!(without_tokens("[a [b] c"), "[a [b] c");
    }
}

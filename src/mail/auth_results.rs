//! Authentication-Results (RFC 8601): what the mailbox's own host found out about a sender. Believed only under the id
//! that the configuration names, and only where it stands on top: everything else may be the sender's own writing.

use mail_parser::{HeaderName, HeaderValue, Message, MessageParser};

/// Whose results are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Believed {
    /// The host of this authserv-id.
    Id(String),
    /// A host that writes none (Exchange Online): `authserv_id = "outlook-none"`.
    WithoutId,
}

impl Believed {
    /// As the configuration writes it.
    pub fn parse(text: &str) -> Self {
        match text.trim() {
            "outlook-none" => Self::WithoutId,
            id => Self::Id(id.to_ascii_lowercase()),
        }
    }
}

/// One method's result: `dkim=pass header.d=example.org`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodResult {
    /// In lower case: `dkim`, `dmarc`, `spf`.
    pub method: String,
    /// In lower case: `pass`, `fail`, `none`.
    pub result: String,
    /// `header.d` and its value, in lower case.
    pub properties: Vec<(String, String)>,
    /// What stood in brackets after it: some hosts tell the policy there alone.
    pub comment: String,
}

impl Believed {
    /// Whoever hands a mail in may have written a header without an id themselves.
    #[must_use]
    pub fn by_name(self) -> Option<Self> {
        matches!(self, Self::Id(_)).then_some(self)
    }
}

impl MethodResult {
    /// A property's value.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// One header, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthResults {
    /// The authserv-id, in lower case; `None` where the host writes none.
    pub id: Option<String>,
    /// Its results in order; empty for `none`.
    pub results: Vec<MethodResult>,
}

/// The results to believe: the topmost header's and those of the same id right below it.
pub fn believed(message: &Message<'_>, whom: &Believed) -> Vec<MethodResult> {
    let fits = |found: &AuthResults| match (whom, &found.id) {
        (Believed::Id(id), Some(found)) => id == found,
        (Believed::WithoutId, None) => true,
        _ => false,
    };
    let taken = on_top(message).take_while(fits).flat_map(|found| found.results);
    match whom {
        Believed::Id(_) => taken.collect(),
        // without an id the topmost header alone, and only where a hop is told below it
        Believed::WithoutId if hop_below_the_first(message) => {
            headers(message).next().filter(fits).map(|found| found.results).unwrap_or_default()
        }
        Believed::WithoutId => Vec::new(),
    }
}

/// All of a mail, topmost first: what `check --learn-sender-proof` lists.
pub fn of(raw: &[u8]) -> Vec<AuthResults> {
    let parsed = MessageParser::default().parse(raw);
    parsed.map_or_else(Vec::new, |message| headers(&message).collect())
}

fn headers<'m>(message: &'m Message<'_>) -> impl Iterator<Item = AuthResults> + 'm {
    let named = |name: &str| name.eq_ignore_ascii_case("Authentication-Results");
    let raw = message.headers_raw().filter(move |(name, _)| named(name.trim()));
    raw.filter_map(|(_, value)| parse(value))
}

/// The topmost header and those after it with no hop in between: what stands below a hop came with the mail.
fn on_top<'m>(message: &'m Message<'_>) -> impl Iterator<Item = AuthResults> + 'm {
    let is = |name: &str, other: &str| name.trim().eq_ignore_ascii_case(other);
    let from_first = message.headers_raw().skip_while(move |(name, _)| !is(name, "Authentication-Results"));
    let block = from_first.take_while(move |(name, _)| !is(name, "Received"));
    block.filter(move |(name, _)| is(name, "Authentication-Results")).filter_map(|(_, value)| parse(value))
}

fn hop_below_the_first(message: &Message<'_>) -> bool {
    let names: Vec<&str> = message.headers().iter().map(|h| h.name.as_str()).collect();
    let first = names.iter().position(|n| n.eq_ignore_ascii_case("Authentication-Results"));
    let hop = |h: &mail_parser::Header<'_>| h.name == HeaderName::Received && !matches!(h.value, HeaderValue::Empty);
    first.is_some_and(|at| message.headers().iter().skip(at).any(hop))
}

/// Reads a header's value; `None` where it is none.
pub fn parse(value: &str) -> Option<AuthResults> {
    let mut parts = split(value).into_iter();
    let first = parts.next()?;
    let words: Vec<&str> = first.text.split_whitespace().collect();
    // "example.net 1": an id, perhaps with a version; Exchange begins with the first result at once
    let id = words.first().filter(|w| !w.contains('=')).map(|w| w.to_ascii_lowercase());
    let rest = if id.is_some() { None } else { Some(first) };
    let results = rest.into_iter().chain(parts).filter_map(|part| result(&part)).collect::<Vec<_>>();
    (id.is_some() || !results.is_empty()).then_some(AuthResults { id, results })
}

/// A piece between two semicolons: its words without comments, and its comments.
#[derive(Debug, Default)]
struct Part {
    text: String,
    comment: String,
}

/// Splits at semicolons outside quotes and comments (RFC 5322 §3.2.2: comments nest).
fn split(value: &str) -> Vec<Part> {
    let mut parts = vec![Part::default()];
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for c in value.chars().take(16 * 1024) {
        let last = parts.len() - 1;
        let part = &mut parts[last];
        let plain = if depth > 0 { &mut part.comment } else { &mut part.text };
        match c {
            _ if escaped => {
                plain.push(if quoted { inert(c) } else { c });
                escaped = false;
            }
            '\\' if quoted || depth > 0 => escaped = true,
            '"' if depth == 0 => quoted = !quoted,
            _ if quoted => plain.push(inert(c)),
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            ';' if depth == 0 => parts.push(Part::default()),
            '\r' | '\n' | '\t' => plain.push(' '),
            _ => plain.push(c),
        }
    }
    parts
}

/// A quoted character that must not be taken for structure.
fn inert(c: char) -> char {
    if matches!(c, '=' | ';' | ' ' | '\t' | '\r' | '\n') { '_' } else { c }
}

/// `method[/version]=result [reason=…] *(ptype.property=value)`.
fn result(part: &Part) -> Option<MethodResult> {
    let joined = joined(&part.text);
    let mut words = joined.split_whitespace();
    let (method, result) = words.next()?.split_once('=')?;
    let method = method.split('/').next()?.to_ascii_lowercase();
    let clean = |w: &str| !w.is_empty() && w.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !clean(&method) || !clean(result) {
        return None;
    }
    let property = |w: &str| w.split_once('=').map(|(n, v)| (n.to_ascii_lowercase(), v.to_ascii_lowercase()));
    Some(MethodResult {
        method,
        result: result.to_ascii_lowercase(),
        properties: words.filter_map(property).collect(),
        comment: part.comment.to_ascii_lowercase(),
    })
}

/// Blanks around `=` are allowed: `dkim = pass`.
fn joined(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut pieces = text.split('=').map(str::trim).peekable();
    while let Some(piece) = pieces.next() {
        out.push_str(piece);
        if pieces.peek().is_some() {
            out.push('=');
        }
    }
    out
}

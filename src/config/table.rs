//! Reading a TOML file key by key, keeping where each stood: errors of type, unknown and missing keys.

use crate::config::error::{ConfigError, Place, Source, Warning, cleaned, only_key};
use crate::config::nearest::{nearest, synonym};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error as TomlError};

/// Most errors told of one file; that there are more is said.
const MOST_ERRORS: usize = 100;

/// A byte range of the file.
pub(crate) type Span = Range<usize>;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// The file while it is read: its text, and what was found wrong with it so far.
pub(crate) struct Document<'a> {
    pub(crate) source: Source<'a>,
    /// What this file is, for messages: "a group file".
    pub(crate) what: &'static str,
    /// In a file with secrets: the keys whose lines may be shown.
    shown: Option<&'static [&'static str]>,
    errors: RefCell<Vec<(usize, ConfigError)>>,
    warnings: RefCell<Vec<Warning>>,
    /// Errors beyond the most that are told.
    more: Cell<usize>,
    /// Lines that are no TOML: nothing else is said of them.
    broken: Vec<usize>,
    /// From here on nothing is said: the text lies in a list that was not closed.
    lost: usize,
    /// Whether keys may be missing only because a line could not be read.
    torn: bool,
}

impl<'a> Document<'a> {
    /// Parses the text; what is no TOML is noted, the rest can still be read.
    pub(crate) fn parse(
        file: &'a str,
        text: &'a str,
        what: &'static str,
        shown: Option<&'static [&'static str]>,
    ) -> (Self, Spanned<DeTable<'a>>) {
        let (table, wrong) = DeTable::parse_recoverable(text);
        let source = Source { file, text };
        let mut document = Self {
            source,
            what,
            shown,
            errors: RefCell::default(),
            warnings: RefCell::default(),
            more: Cell::new(0),
            broken: Vec::new(),
            lost: usize::MAX,
            torn: false,
        };
        let mut wrong: Vec<_> = wrong.iter().map(|e| (e.span().unwrap_or(0..0), e)).collect();
        wrong.sort_by_key(|(span, _)| span.start);
        let unclosed = wrong.iter().any(|(_, e)| e.message().starts_with("unclosed array"));
        for (span, error) in wrong {
            document.torn |= !harmless(error);
            if document.is_full() {
                document.lost = document.lost.min(span.start);
                document.more.set(document.more.get() + 1);
                continue;
            }
            let line = source.line_of(span.start);
            if document.broken.last() == Some(&line) || document.lost < span.start {
                continue;
            }
            if unclosed && error.message().starts_with("missing comma between array") {
                document.lost = span.start;
            }
            document.broken.push(line);
            let (found, expected, remedy) = syntax(error, &source, &span);
            let remedy = remedy.filter(|_| document.may_echo(&span));
            document.push(&span, found, expected, remedy);
        }
        (document, table)
    }

    /// Whether a line's own words may be repeated in a remedy: not where they may be a password.
    fn may_echo(&self, span: &Span) -> bool {
        let line = line_at(self.source.text, span.start);
        self.shown.is_none_or(|shown| {
            only_key(line, shown) == line && self.source.place(span).line_text.contains(line.trim())
        })
    }

    fn push(&self, span: &Span, found: String, expected: String, remedy: Option<String>) {
        let mut at = self.source.place(span);
        if let Some(shown) = self.shown {
            at.line_text = only_key(&at.line_text, shown);
        }
        let remedy = remedy.as_deref().map(cleaned);
        let error = ConfigError { at, found: cleaned(&found), expected: cleaned(&expected), remedy };
        self.errors.borrow_mut().push((span.start, error));
    }

    /// Notes what is wrong at a place; nothing more is said of a line that is no TOML.
    pub(crate) fn wrong(&self, span: &Span, found: impl Into<String>, expected: &str, remedy: Option<String>) {
        if self.is_full() {
            self.more.set(self.more.get() + 1);
            return;
        }
        // an empty place is that of a value the parser put in for what it could not read
        if !(self.torn && span.is_empty())
            && span.start < self.lost
            && !self.broken.contains(&self.source.line_of(span.start))
        {
            self.push(span, found.into(), expected.to_owned(), remedy);
        }
    }

    /// Notes a key that is missing from the part whose beginning is `span`.
    pub(crate) fn missing(&self, span: &Span, found: String) {
        if !self.torn && !self.is_full() {
            let mut at = if span.is_empty() { Place::file(self.source.file) } else { self.source.place(span) };
            at.line = at.line.max(1);
            at.column = at.column.max(1);
            let error = ConfigError { at, found, expected: String::new(), remedy: None };
            self.errors.borrow_mut().push((span.start, error));
        }
    }

    /// Notes something allowed that should be known.
    pub(crate) fn warn(&self, span: &Span, text: String) {
        self.warnings.borrow_mut().push(Warning { at: self.source.place(span), text: cleaned(&text) });
    }

    /// Whether as many errors were found as are told.
    fn is_full(&self) -> bool {
        self.errors.borrow().len() >= MOST_ERRORS
    }

    /// Whether parts of the file could not be read, so that what is missing means nothing.
    pub(crate) fn is_torn(&self) -> bool {
        self.torn
    }

    /// All that was found: the errors in the order of the file, or the warnings.
    pub(crate) fn finish(self) -> Result<Vec<Warning>, Vec<ConfigError>> {
        let mut errors = self.errors.into_inner();
        errors.sort_by_key(|(at, _)| *at);
        if self.more.get() > 0 {
            let found = format!("and {} more errors", self.more.get());
            let at = Place::file(self.source.file);
            errors.push((usize::MAX, ConfigError { at, found, expected: String::new(), remedy: None }));
        }
        if errors.is_empty() { Ok(self.warnings.into_inner()) } else { Err(errors.into_iter().map(|e| e.1).collect()) }
    }
}

/// Errors after which the rest of the file has been read as it was meant.
fn harmless(error: &TomlError) -> bool {
    error.message().starts_with("string values must be quoted") || error.message() == "duplicate key"
}

/// The TOML crate's message in our words: what was found, what was expected, what to do.
fn syntax(error: &TomlError, source: &Source, span: &Span) -> (String, String, Option<String>) {
    let piece = source.text.get(span.clone()).unwrap_or_default();
    let (found, expected) = error.message().split_once(", expected ").unwrap_or((error.message(), ""));
    let ours = |found: &str, expected: &str, remedy: Option<String>| (found.to_owned(), expected.to_owned(), remedy);
    match found {
        "string values must be quoted" => {
            let bare = piece.trim_matches(|c: char| c.is_whitespace() || "\"'“”«»‘’".contains(c));
            let remedy = (!bare.contains('"') && bare.len() < 60).then(|| format!("write \"{bare}\""));
            ours("a text without straight quotes", "text between \" and \"", remedy)
        }
        "duplicate key" => ours(&format!("`{piece}` stands twice"), "", Some("keep one of the two".to_owned())),
        "invalid unquoted key" | "key with no value" => {
            let line = line_at(source.text, span.start);
            let colon = line.split(['=', '"', '\'']).next().and_then(|l| l.split_once(':'));
            let key = colon.map(|(key, _)| key.trim().trim_start_matches("- ").trim());
            match key.filter(|k| !k.is_empty() && k.len() < 40) {
                Some(key) => ours("a key with a colon", "key = value", Some(format!("write {key} = …"))),
                None if found == "key with no value" => ours("a key without a value", "key = value", None),
                None => ours("a key with other characters than letters a-z, digits, - and _", "a plain word", None),
            }
        }
        "invalid basic string" if expected == "`\"`" => {
            ours("a text that does not end on its line", "\" at its end", None)
        }
        "invalid basic string" if expected.starts_with("non-double") => {
            ours("a control character in a text", "text that can be seen", None)
        }
        "missing comma between array elements" => {
            let remedy = "put a , between two values, or ] at the end of the list that begins above".to_owned();
            ours("the list is not closed here, and no comma stands before this", ", or ]", Some(remedy))
        }
        found => ours(found, expected, None),
    }
}

fn line_at(text: &str, byte: usize) -> &str {
    let begin = text.get(..byte).and_then(|t| t.rfind('\n')).map_or(0, |i| i + 1);
    text.get(begin..).and_then(|t| t.lines().next()).unwrap_or_default()
}

/// One table of the file while its keys are taken; what is left over at the end is unknown.
pub(crate) struct Table<'a> {
    pub(crate) doc: &'a Document<'a>,
    /// Where its header stands; empty for the file's own top.
    pub(crate) span: Span,
    /// How messages call it: `[smtp]`; empty for the file's own top.
    name: String,
    entries: BTreeMap<&'a str, (Span, &'a Spanned<DeValue<'a>>)>,
    known: Vec<&'static str>,
}

impl<'a> Table<'a> {
    /// The file's own top.
    pub(crate) fn root(doc: &'a Document<'a>, table: &'a Spanned<DeTable<'a>>) -> Self {
        Self::of(doc, String::new(), 0..0, table.get_ref())
    }

    fn of(doc: &'a Document<'a>, name: String, span: Span, table: &'a DeTable<'a>) -> Self {
        let entries = table.iter().map(|(k, v)| (k.get_ref().as_ref(), (k.span(), v))).collect();
        Self { doc, span, name, entries, known: Vec::new() }
    }

    fn take(&mut self, key: &'static str) -> Option<(Span, &'a Spanned<DeValue<'a>>)> {
        self.known.push(key);
        self.entries.remove(key)
    }

    /// Whether the key is there and not yet taken.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Whether the key holds a list with nothing in it.
    pub(crate) fn is_empty_list(&self, key: &str) -> bool {
        self.entries.get(key).is_some_and(|(_, v)| v.get_ref().as_array().is_some_and(|a| a.is_empty()))
    }

    /// Where a key stands, if it was not taken yet.
    pub(crate) fn key_span(&self, key: &str) -> Option<Span> {
        self.entries.get(key).map(|(span, _)| span.clone())
    }

    /// Takes a key whose value is not wanted, and says where it stood. It does not become a known key.
    pub(crate) fn take_unread(&mut self, key: &str) -> Option<Span> {
        self.entries.remove(key).map(|(span, _)| span)
    }

    /// Where a key's value stands, if it was not taken yet.
    pub(crate) fn value_span(&self, key: &str) -> Option<Span> {
        self.entries.get(key).map(|(_, value)| value.span())
    }

    /// A repeated part of which there is none.
    pub(crate) fn missing_part(&self, key: &'static str, expected: &str) {
        if !self.meant(key) {
            self.doc.missing(&self.span, format!("there is no [[{key}]]: {expected}"));
        }
    }

    /// Whether a key not taken so far is another writing of this one, and will be told as that.
    pub(crate) fn meant(&self, key: &'static str) -> bool {
        let is = |other: &&str| synonym(other, &[key]).is_some() || nearest(other, std::iter::once(key)).is_some();
        self.entries.keys().any(is)
    }

    /// What `[smtp]` is missing.
    pub(crate) fn missing(&self, key: &'static str, expected: &str) {
        if self.meant(key) {
            return;
        }
        let whose = if self.name.is_empty() { String::new() } else { format!("{} ", self.name) };
        let found = match whose.as_str() {
            "" => format!("`{key}` is missing: {expected}"),
            _ => format!("{whose}has no `{key}`: {expected}"),
        };
        self.doc.missing(&self.span, found);
    }

    fn mistyped(&self, key: &str, value: &Spanned<DeValue<'a>>, expected: &str, remedy: Option<String>) {
        let found = format!("`{key}` is {}", kind(value.get_ref()));
        self.doc.wrong(&value.span(), found, expected, remedy);
    }

    /// A text.
    pub(crate) fn text(&mut self, key: &'static str) -> Option<At<&'a str>> {
        let (_, value) = self.take(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(At { value: text.as_ref(), span: value.span() }),
            other => {
                let bare = match other {
                    DeValue::Integer(n) => Some(n.to_string()),
                    DeValue::Float(n) => Some(n.to_string()),
                    DeValue::Boolean(b) => Some(b.to_string()),
                    DeValue::Datetime(d) => Some(d.to_string()),
                    _ => None,
                };
                let bare = bare.filter(|_| !key.starts_with("password"));
                self.mistyped(key, value, "a text in quotes", bare.map(|b| format!("write {key} = \"{b}\"")));
                None
            }
        }
    }

    /// A text that must be there.
    pub(crate) fn required(&mut self, key: &'static str, expected: &str) -> Option<At<&'a str>> {
        if !self.has(key) {
            self.known.push(key);
            self.missing(key, expected);
            return None;
        }
        self.text(key)
    }

    /// One line for people: not empty, no control characters.
    pub(crate) fn line(&mut self, key: &'static str) -> Option<At<String>> {
        let at = self.text(key)?;
        self.as_line(key, at)
    }

    /// One line for people that must be there.
    pub(crate) fn required_line(&mut self, key: &'static str, expected: &str) -> Option<At<String>> {
        let at = self.required(key, expected)?;
        self.as_line(key, at)
    }

    fn as_line(&self, key: &str, at: At<&str>) -> Option<At<String>> {
        let text = at.value.trim();
        let problem = if text.is_empty() {
            "is empty"
        } else if text.chars().any(char::is_control) {
            "has a line break or a control character in it"
        } else if text.chars().count() > 500 {
            "is longer than 500 characters"
        } else {
            return Some(At { value: text.to_owned(), span: at.span });
        };
        self.doc.wrong(&at.span, format!("`{key}` {problem}"), "one line of text", None);
        None
    }

    /// A text that is a value of its own: an address, a short name. Its error says what was expected.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&mut self, key: &'static str) -> Option<At<T>> {
        let text = self.text(key)?;
        self.doc.parse_at(text)
    }

    /// A whole number within a range.
    pub(crate) fn number(&mut self, key: &'static str, range: RangeInclusive<u32>, unit: &str) -> Option<At<u32>> {
        let (_, value) = self.take(key)?;
        let expected = format!("a whole number {unit} from {} to {}", range.start(), range.end());
        let DeValue::Integer(number) = value.get_ref() else {
            let text = value.get_ref().as_str().unwrap_or_default();
            self.mistyped(key, value, &expected, in_unit(key, text, unit));
            return None;
        };
        let found = i64::from_str_radix(number.as_str(), number.radix()).ok().and_then(|n| u32::try_from(n).ok());
        match found.filter(|n| range.contains(n)) {
            Some(n) => Some(At { value: n, span: value.span() }),
            None => {
                self.doc.wrong(&value.span(), format!("`{key}` is {number}"), &expected, None);
                None
            }
        }
    }

    /// A whole number where a text is wanted; takes the key only then.
    pub(crate) fn bare_number(&mut self, key: &'static str) -> Option<At<u32>> {
        let (_, value) = self.entries.get(key)?;
        let number = value.get_ref().as_integer()?.to_string().parse().ok()?;
        let span = self.take(key)?.1.span();
        Some(At { value: number, span })
    }

    /// Yes or no.
    pub(crate) fn flag(&mut self, key: &'static str) -> Option<At<bool>> {
        let (_, value) = self.take(key)?;
        let DeValue::Boolean(flag) = value.get_ref() else {
            let said = value.get_ref().as_str().and_then(yes_or_no);
            self.mistyped(key, value, "true or false", said.map(|b| format!("write {key} = {b}")));
            return None;
        };
        Some(At { value: *flag, span: value.span() })
    }

    /// A list of values; a single one counts as a list of one.
    pub(crate) fn items(&mut self, key: &'static str) -> Option<Vec<&'a Spanned<DeValue<'a>>>> {
        let (_, value) = self.take(key)?;
        Some(match value.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![value],
        })
    }

    /// A list of texts; a single one counts as a list of one.
    pub(crate) fn texts(&mut self, key: &'static str, expected: &str) -> Vec<At<&'a str>> {
        let Some(items) = self.items(key) else { return Vec::new() };
        let text = |item: &'a Spanned<DeValue<'a>>| match item.get_ref() {
            DeValue::String(text) => Some(At { value: text.as_ref(), span: item.span() }),
            _ => {
                self.mistyped(key, item, expected, None);
                None
            }
        };
        items.into_iter().filter_map(text).collect()
    }

    /// A table of its own: `[settings]`.
    pub(crate) fn table(&mut self, key: &'static str) -> Option<Table<'a>> {
        let (_, value) = self.take(key)?;
        let DeValue::Table(table) = value.get_ref() else {
            self.mistyped(key, value, &format!("a part of its own that begins with [{key}]"), None);
            return None;
        };
        Some(Self::of(self.doc, format!("[{key}]"), value.span(), table))
    }

    /// A repeated table: `[[member]]`.
    pub(crate) fn tables(&mut self, key: &'static str) -> Vec<Table<'a>> {
        let Some((_, value)) = self.take(key) else { return Vec::new() };
        let expected = format!("one part a {key}, each beginning with [[{key}]]");
        let DeValue::Array(items) = value.get_ref() else {
            let remedy = value.get_ref().is_table().then(|| format!("write [[{key}]] with two brackets"));
            self.mistyped(key, value, &expected, remedy);
            return Vec::new();
        };
        let table = |item: &'a Spanned<DeValue<'a>>| match item.get_ref() {
            DeValue::Table(table) => Some(Self::of(self.doc, format!("this {key}"), item.span(), table)),
            _ => {
                self.mistyped(key, item, &expected, None);
                None
            }
        };
        items.iter().filter_map(table).collect()
    }

    /// A table whose keys are languages: `title.fr = "…"`.
    pub(crate) fn by_language(&mut self, key: &'static str) -> BTreeMap<String, String> {
        let Some((_, value)) = self.take(key) else { return BTreeMap::new() };
        let DeValue::Table(table) = value.get_ref() else {
            self.mistyped(key, value, &format!("a text a language, such as {key}.fr = \"…\""), None);
            return BTreeMap::new();
        };
        let mut all = BTreeMap::new();
        for (language, text) in table {
            let name = language.get_ref().as_ref();
            if name.len() != 2 || !name.bytes().all(|b| b.is_ascii_lowercase()) {
                let expected = format!("a language of two letters, such as {key}.fr");
                self.doc.wrong(&language.span(), format!("`{key}.{name}` names no language"), &expected, None);
            } else if let Some(text) = text.get_ref().as_str() {
                all.insert(name.to_owned(), text.trim().to_owned());
            } else {
                self.mistyped(&format!("{key}.{name}"), text, "a text in quotes", None);
            }
        }
        all
    }

    /// Refuses every key not taken so far. `elsewhere`: keys that belong to another part, and which.
    pub(crate) fn finish(self, elsewhere: &[(&str, &[&str])]) {
        let known = self.known.join(", ");
        for (key, (span, _)) in &self.entries {
            if self.doc.is_full() {
                self.doc.wrong(span, "", "", None);
                continue;
            }
            let place = if self.name.is_empty() { self.doc.what } else { self.name.as_str() };
            let remedy = match elsewhere.iter().find(|(_, keys)| keys.contains(key)) {
                Some((part, _)) => Some(format!("`{key}` belongs {part}")),
                None => synonym(key, &self.known)
                    .or_else(|| nearest(key, self.known.iter().copied()))
                    .map(|right| format!("did you mean `{right}`?"))
                    .or_else(|| near_elsewhere(key, elsewhere)),
            };
            let expected = if remedy.is_none() { format!("one of {known}") } else { String::new() };
            self.doc.wrong(span, format!("{place} has no key `{key}`"), &expected, remedy);
        }
    }
}

impl Document<'_> {
    /// Parses a text in place; the error's own words say what was expected.
    pub(crate) fn parse_at<T: FromStr<Err: Display>>(&self, text: At<&str>) -> Option<At<T>> {
        match text.value.parse() {
            Ok(value) => Some(At { value, span: text.span }),
            Err(why) => {
                self.wrong(&text.span, why.to_string(), "", None);
                None
            }
        }
    }
}

/// A misspelt key that belongs to another part.
fn near_elsewhere(key: &str, elsewhere: &[(&str, &[&str])]) -> Option<String> {
    let near =
        |(part, keys): &(&str, &[&str])| Some((nearest(key, keys.iter().copied())?.to_owned(), (*part).to_owned()));
    let (right, part) = elsewhere.iter().find_map(near)?;
    Some(format!("did you mean `{right}`, which belongs {part}?"))
}

/// A value's kind in words.
fn kind(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The number a text such as "15m" or "2 days" was meant as.
fn in_unit(key: &str, text: &str, unit: &str) -> Option<String> {
    let seconds = crate::config::duration::seconds(&text.replace([' ', 'j'], "")).ok();
    let plain = text.trim().split(' ').next()?.parse::<u32>().ok();
    let number = match unit {
        "of seconds" => seconds.or(plain)?,
        "of minutes" => seconds.map(|s| s / 60).or(plain)?,
        _ => plain?,
    };
    Some(format!("write {key} = {number}"))
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "yes" | "oui" | "true" | "on" | "vrai" => Some(true),
        "no" | "non" | "false" | "off" | "faux" => Some(false),
        _ => None,
    }
}

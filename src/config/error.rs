//! What a person reads when a file of theirs is wrong: where, what was found, what was expected, what to do.

use std::fmt;
use std::ops::Range;

/// Longest piece of a line that an error quotes, in characters.
const LINE_SHOWN: usize = 100;

/// Longest message, in characters.
const MESSAGE_SHOWN: usize = 1000;

/// A place in a file, with the line itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file as the person named it.
    pub file: String,
    /// Line, from 1; 0 when the whole file is meant.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// How many characters are meant, for the carets.
    pub width: usize,
    /// The line, without what is secret; empty when there is nothing to show.
    pub line_text: String,
    /// How far into `line_text` the carets stand, in characters.
    pub indent: usize,
}

/// One thing wrong in a file. A file's errors come all at once, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Where.
    pub at: Place,
    /// What was found, in words.
    pub found: String,
    /// What would have been right; empty when `found` already says it.
    pub expected: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// Something allowed that the person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where.
    pub at: Place,
    /// What.
    pub text: String,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            _ => write!(f, "{}:{}:{}", self.file, self.line, self.column),
        }
    }
}

impl Place {
    /// The file as a whole.
    pub fn file(file: &str) -> Self {
        Self { file: file.to_owned(), ..Self::default() }
    }

    fn excerpt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line_text.is_empty() {
            return Ok(());
        }
        let number = self.line.to_string();
        write!(f, "\n  {number} | {}", self.line_text)?;
        write!(f, "\n  {:1$} | ", "", number.len())?;
        write!(f, "{:1$}{2}", "", self.indent, "^".repeat(self.width.max(1)))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.found)?;
        if !self.expected.is_empty() {
            write!(f, "; expected {}", self.expected)?;
        }
        self.at.excerpt(f)?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, "\n  {remedy}"))
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: warning: {}", self.at, self.text)?;
        self.at.excerpt(f)
    }
}

/// A file's name and text: maps byte offsets to places.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
}

impl Source<'_> {
    /// The number of the line that holds this byte, from 1.
    pub(crate) fn line_of(&self, byte: usize) -> usize {
        self.text.bytes().take(byte).filter(|b| *b == b'\n').count() + 1
    }

    /// The place of a span. The span's line is quoted, its secrets left out.
    pub(crate) fn place(&self, span: &Range<usize>) -> Place {
        let start = floor(self.text, span.start);
        let begin = self.text[..start].rfind('\n').map_or(0, |i| i + 1);
        let end = self.text[begin..].find('\n').map_or(self.text.len(), |i| begin + i);
        let raw = self.text[begin..end].trim_end_matches('\r');
        let stop = floor(self.text, span.end).clamp(start, begin + raw.len().max(start - begin));
        let column = self.text[begin..start].trim_start_matches('\u{feff}').chars().count() + 1;
        let width = self.text[start..stop].chars().count().max(1);
        let shown = if self.in_secret(begin) { "…".to_owned() } else { without_secrets(raw) };
        let (line_text, indent, width) = window(&shown, column - 1, width);
        Place { file: self.file.to_owned(), line: self.line_of(start), column, width, line_text, indent }
    }

    /// Whether a line lies inside a text of several lines that a secret's key opened.
    fn in_secret(&self, begin: usize) -> bool {
        let before = &self.text[..begin];
        ["\"\"\"", "'''"].into_iter().any(|fence| {
            let opened = before.matches(fence).count() % 2 == 1;
            let at = before.rfind(fence).map_or(0, |i| before[..i].rfind('\n').map_or(0, |n| n + 1));
            opened && secret_key(before[at..].lines().next().unwrap_or_default()).is_some()
        })
    }
}

fn floor(text: &str, byte: usize) -> usize {
    let mut at = byte.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Where the value of a secret begins on a line, if there is one.
fn secret_key(line: &str) -> Option<usize> {
    let lower = line.to_ascii_lowercase();
    let word = ["pass", "pwd", "pw", "secret", "token"];
    let key = word.iter().filter_map(|w| lower.find(w)).min()?;
    let equals = lower[key..].find(['=', ':'])? + key + 1;
    Some(equals)
}

/// The line with the value of a secret, and what stands before an `@` of a URL, left out.
fn without_secrets(line: &str) -> String {
    let line = match secret_key(line) {
        Some(at) => format!("{} …", &line[..at]),
        None => line.to_owned(),
    };
    let Some(at) = line.rfind('@') else { return line };
    let begin = line.find(['"', '\'']).or_else(|| line.find(['=', ':'])).map_or(0, |i| i + 1);
    let begin = line.find("://").filter(|i| *i < at).map_or(begin, |i| i + 3);
    match line.get(begin..at) {
        Some(login) if login.contains(':') || line.contains("://") || line.trim_start().starts_with("url") => {
            format!("{}…{}", &line[..begin], &line[at..])
        }
        _ => line,
    }
}

/// Of a line whose key is not among those `shown`, the key alone.
pub(crate) fn only_key(line: &str, shown: &[&str]) -> String {
    let (key, cut) = line.split_once(['=', ':']).map_or((line, 0), |(key, _)| (key.trim(), key.len() + 1));
    match () {
        () if line.trim_start().starts_with(['[', '#']) || shown.contains(&key) => line.to_owned(),
        () if cut == 0 => "…".to_owned(),
        () => format!("{} …", &line[..cut]),
    }
}

/// A character as a terminal may show it: none that controls it or turns the writing round.
fn clean(c: char) -> char {
    match c {
        '\t' => ' ',
        '\u{feff}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

/// A message with such characters replaced and what it quotes at length cut off.
pub(crate) fn cleaned(message: &str) -> String {
    let mut chars = message.chars().map(clean);
    let text: String = chars.by_ref().take(MESSAGE_SHOWN).collect();
    if chars.next().is_some() { text + "…" } else { text }
}

/// What a terminal may show of the line: control and direction characters replaced, long lines cut
/// around the column; with it the carets' place and number.
fn window(line: &str, column: usize, width: usize) -> (String, usize, usize) {
    let all: Vec<char> = line.trim_start_matches('\u{feff}').trim_end().chars().map(clean).collect();
    let column = column.min(all.len());
    let from = if all.len() > LINE_SHOWN { column.saturating_sub(LINE_SHOWN / 2) } else { 0 };
    let to = all.len().min(from + LINE_SHOWN);
    let cut = |yes: bool| if yes { "…" } else { "" };
    let text: String = all[from..to].iter().collect();
    let shown = format!("{}{text}{}", cut(from > 0), cut(to < all.len()));
    let indent = column - from + usize::from(from > 0);
    let room = (to - from + usize::from(from > 0)).saturating_sub(indent).max(1);
    (shown, indent, width.min(room))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn place(text: &str, needle: &str) -> Place {
        let at = text.find(needle).unwrap();
        Source { file: "f.toml", text }.place(&(at..at + needle.len()))
    }

    #[test]
    fn a_place_counts_characters_and_shows_its_line() {
        let at = place("a = 1\r\nété = \"où\"\r\n", "\"où\"");
        assert_eq!((at.line, at.column, at.width), (2, 7, 4));
        assert_eq!(at.line_text, "été = \"où\"");
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(place("password = \"hunter2\"", "\"hunter2\"").line_text, "password = …");
        assert_eq!(place("smtp = { user = 1, pwd = \"hunter2\" }", "1").line_text, "smtp = { user = 1, pwd = …");
        assert_eq!(place("url = \"smtps://me:hunter2@x.org\"", "url").line_text, "url = \"smtps://…@x.org\"");
        assert_eq!(place("url = \"me:hunter2@x.org\"", "url").line_text, "url = \"…@x.org\"");
        assert_eq!(place("email = \"ana@x.org\"", "email").line_text, "email = \"ana@x.org\"");
        assert_eq!(place("password = \"\"\"\nhunter2\n\"\"\"", "hunter2").line_text, "…");
    }

    #[test]
    fn a_long_line_is_cut_around_the_place_and_nothing_reaches_the_terminal() {
        let long = format!("{}HERE{}", "a".repeat(300), "b".repeat(300));
        let at = place(&long, "HERE");
        assert!(at.line_text.chars().count() <= LINE_SHOWN + 2);
        assert_eq!(at.line_text.chars().skip(at.indent).take(at.width).collect::<String>(), "HERE");
        assert_eq!(place("a = \"\u{1b}[31m\u{202e}\"", "a").line_text, "a = \"\u{fffd}[31m\u{fffd}\"");
    }
}

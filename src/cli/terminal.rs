//! Where a command writes: results to one stream, remarks to the other, colour where a person looks.

use serde_json::{Value, json};
use std::fmt::Display;
use std::io::{self, BufRead, IsTerminal, Write};

/// The version of everything that `--json` prints: fields may be added, none is renamed or removed.
pub const JSON_VERSION: u32 = 1;

/// Standard output, standard error, and what is known of them.
pub struct Terminal {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    colour: bool,
    asks: bool,
}

/// What a word is coloured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// All is well; something is added.
    Good,
    /// Something to know; something changes.
    Care,
    /// Something is wrong; something goes away.
    Bad,
}

impl Mark {
    fn code(self) -> u8 {
        match self {
            Self::Good => 32,
            Self::Care => 33,
            Self::Bad => 31,
        }
    }
}

/// Whether a stream may be coloured: a terminal that can, and NO_COLOR is not set (no-color.org).
pub fn may_colour(is_terminal: bool) -> bool {
    #[allow(clippy::disallowed_methods)] // an edge: what the terminal says of itself
    let said = |name: &str| std::env::var_os(name).unwrap_or_default();
    is_terminal && said("NO_COLOR").is_empty() && said("TERM") != "dumb"
}

/// What may stand in a line of the terminal: addresses and words of mails come from strangers, whose
/// control and direction characters would change what a person sees. Our own colours stay.
fn harmless(text: &str) -> String {
    const OURS: [&str; 6] = ["[0m", "[2m", "[31m", "[32m", "[33m", "[36m"];
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let ours = c == '\u{1b}' && OURS.iter().any(|o| text[at + 1..].starts_with(o));
        let bad = match c {
            '\n' | '\t' => false,
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
            c => c.is_control() && !ours,
        };
        out.push(if bad { '\u{fffd}' } else { c });
    }
    out
}

impl Terminal {
    /// The process's own streams.
    pub fn standard() -> Self {
        Self {
            out: Box::new(io::stdout().lock()),
            err: Box::new(io::stderr()),
            colour: may_colour(io::stdout().is_terminal()),
            asks: io::stdin().is_terminal() && io::stderr().is_terminal(),
        }
    }

    /// Writes to that stream instead, for tests.
    #[cfg(test)]
    pub(super) fn on(out: Box<dyn Write>, colour: bool) -> Self {
        Self { out, err: Box::new(io::sink()), colour, asks: false }
    }

    /// A line of the result.
    ///
    /// # Errors
    /// The stream is closed.
    pub fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.out, "{}", harmless(&text.to_string()))
    }

    /// A JSON value on a line of its own.
    ///
    /// # Errors
    /// The stream is closed.
    pub fn value(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.out, "{value}")
    }

    /// Bytes of the result, as they are.
    ///
    /// # Errors
    /// The stream is closed.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }

    /// A remark beside the result.
    ///
    /// # Errors
    /// The stream is closed.
    pub fn note(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.err, "{}", harmless(&text.to_string()))
    }

    /// The result as JSON: `{"version": 1, "command": …, "data": …}`.
    ///
    /// # Errors
    /// The stream is closed.
    pub fn json(&mut self, command: &str, data: &Value) -> io::Result<()> {
        self.value(&json!({"version": JSON_VERSION, "command": command, "data": data}))
    }

    /// A word in colour, where there is any.
    pub fn mark(&self, mark: Mark, text: &str) -> String {
        self.coloured(mark.code(), text)
    }

    /// A text in the colour of that code (ECMA-48, SGR): 2 faint, 31 to 33, 36.
    pub fn coloured(&self, code: u8, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Whether words are coloured.
    pub fn is_coloured(&self) -> bool {
        self.colour
    }

    /// Columns, each as wide as its widest cell; the last one is not filled up.
    ///
    /// # Errors
    /// The stream is closed.
    pub fn table(&mut self, rows: &[Vec<String>]) -> io::Result<()> {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|t| t.chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in rows {
            let cells = row.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}"));
            let line = cells.collect::<Vec<_>>().join("  ");
            self.line(line.trim_end())?;
        }
        Ok(())
    }

    /// Whether somebody is there to answer.
    pub fn can_ask(&self) -> bool {
        self.asks
    }

    /// Asks for a yes; anything else is a no.
    ///
    /// # Errors
    /// The streams are closed.
    pub fn ask(&mut self, question: &str) -> io::Result<bool> {
        self.out.flush()?;
        write!(self.err, "{question} [y/N] ")?;
        self.err.flush()?;
        let mut said = String::new();
        io::stdin().lock().read_line(&mut said)?;
        Ok(matches!(said.trim().to_lowercase().as_str(), "y" | "yes" | "o" | "oui"))
    }

    /// Asks for a text: one line, or with `fits` several up to an empty one, of which a line that does not fit is
    /// told and left out. `None` at the end of the input.
    ///
    /// # Errors
    /// The streams are closed.
    pub fn ask_text(
        &mut self,
        question: &str,
        default: Option<&str>,
        fits: Option<&dyn Fn(&str) -> Result<(), String>>,
    ) -> io::Result<Option<String>> {
        self.out.flush()?;
        let usual = default.map(|d| format!(" [{d}]")).unwrap_or_default();
        writeln!(self.err, "{}", harmless(&format!("{question}{usual}")))?;
        let mut said = String::new();
        loop {
            write!(self.err, "> ")?;
            self.err.flush()?;
            let mut line = String::new();
            if io::stdin().lock().read_line(&mut line)? == 0 {
                return Ok((!said.is_empty()).then_some(said));
            }
            match fits {
                Some(fits) if !line.trim().is_empty() => match fits(&line) {
                    Ok(()) => said.push_str(&line),
                    Err(why) => self.note(why)?,
                },
                _ => return Ok(Some(said + &line)),
            }
        }
    }

    /// Writes out what waits.
    ///
    /// # Errors
    /// The stream is closed.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_words_do_not_steer_the_terminal() {
        let told = harmless("\u{1b}]0;title\u{7} \u{202e}abc\u{9b}2J \u{1b}[32mok\u{1b}[0m\né");
        assert_eq!(told, "\u{fffd}]0;title\u{fffd} \u{fffd}abc\u{fffd}2J \u{1b}[32mok\u{1b}[0m\né");
    }
}

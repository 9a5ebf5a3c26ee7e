//! Which part of a mail's text is what: the person's words, what is quoted, what announces it, what programs added.

use std::ops::Range;

/// What a stretch of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PartKind {
    /// The person's words.
    Reply,
    /// Quoted, marked as such or found to be ours.
    Quote,
    /// Announces a quote: "On … wrote:", a header block, a rule.
    Header,
    /// A signature.
    Signature,
    /// A line of a phone, a mail program, a host.
    Banner,
    /// A company's notice.
    Notice,
}

impl PartKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Quote => "quote",
            Self::Header => "header",
            Self::Signature => "signature",
            Self::Banner => "banner",
            Self::Notice => "notice",
        }
    }
}

/// A stretch of the text that was read. Blank lines at its borders belong to no part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Its bytes in `Reply::body`.
    pub bytes: Range<usize>,
    /// Its first and last line, from 1.
    pub lines: (usize, usize),
    /// What told it: `sent`, `angle`, `attribution:fr`, …; `own` for the person's words.
    pub rule: String,
}

/// Parts in the order of the text, neighbours of one kind and rule put together.
#[derive(Debug, Default)]
pub(super) struct Parts {
    all: Vec<Part>,
}

impl Parts {
    /// Adds a stretch of a line (from 1) that is not blank.
    pub(super) fn add(&mut self, kind: PartKind, bytes: Range<usize>, line: usize, rule: &str) {
        match self.all.last_mut() {
            Some(last) if last.kind == kind && last.rule == rule => {
                last.bytes.end = bytes.end;
                last.lines.1 = line;
            }
            _ => self.all.push(Part { kind, bytes, lines: (line, line), rule: rule.to_owned() }),
        }
    }

    pub(super) fn done(self) -> Vec<Part> {
        self.all
    }
}

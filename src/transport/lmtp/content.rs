//! The text after DATA: its end found, its dots unstuffed, its size bounded (RFC 5321 §4.5.2).

/// Where in a line the reader is.
#[derive(Debug, Clone, Copy)]
enum At {
    /// After CRLF, or at the very start.
    Begin,
    /// After the dot that begins a line.
    Dot,
    /// After a dot that begins a line, and CR.
    DotCr,
    /// Inside a line.
    Text,
    /// After CR.
    Cr,
}

/// A mail's content as it comes in. Only CRLF, dot, CRLF ends it: a bare LF is a byte as any other, so that nothing
/// can be smuggled in behind one.
#[derive(Debug)]
pub(super) struct Content {
    at: At,
    bytes: Vec<u8>,
    most: usize,
    over: bool,
}

impl Content {
    pub(super) fn new(most: usize) -> Self {
        Self { at: At::Begin, bytes: Vec::new(), most, over: false }
    }

    /// Takes bytes until the end; says how many were used, and whether the end was among them.
    pub(super) fn take(&mut self, input: &[u8]) -> (usize, bool) {
        for (n, byte) in input.iter().enumerate() {
            if self.byte(*byte) {
                return (n + 1, true);
            }
        }
        (input.len(), false)
    }

    /// The content, or `None` when it was larger than it may be.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        (!self.over).then_some(self.bytes)
    }

    fn byte(&mut self, byte: u8) -> bool {
        self.at = match (self.at, byte) {
            (At::Begin, b'.') => At::Dot,
            (At::Dot, b'\r') => At::DotCr,
            (At::DotCr, b'\n') => return true,
            (At::Begin | At::Text, b'\r') => At::Cr,
            (At::Cr, b'\n') => {
                self.push(b"\r\n");
                At::Begin
            }
            (At::Cr | At::DotCr, b'\r') => {
                self.push(b"\r");
                At::Cr
            }
            (At::Cr | At::DotCr, other) => {
                self.push(&[b'\r', other]);
                At::Text
            }
            (_, other) => {
                self.push(&[other]);
                At::Text
            }
        };
        false
    }

    /// What is over the limit is thrown away at once, with what was kept.
    fn push(&mut self, bytes: &[u8]) {
        self.over |= self.bytes.len() + bytes.len() > self.most;
        if self.over {
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }
}

//! A stream that counts what an IMAP server sends: the library buffers whatever length a literal announces, so an
//! absurd one is stopped here, before it costs memory.
use crate::transport::tls::Stream;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What one command may bring beside literals: a SEARCH over a hundred thousand mails is 800 KB.
const TALK: u64 = 8 * 1024 * 1024;
/// How deep parentheses may nest; an envelope has four levels, the library recurses.
const DEPTH: u32 = 200;

/// The connection, with the gate in front.
#[derive(Debug)]
pub(super) struct Gated {
    pub(super) stream: Stream,
    /// The server hung up while more was awaited. The library takes that for the end of a list.
    pub(super) hung_up: bool,
    gate: Gate,
}

/// Follows the server's lines and literals (RFC 9051 4.3).
#[derive(Debug)]
struct Gate {
    max_literal: u64,
    since_command: u64,
    literal_left: u64,
    /// The end of the line so far: enough to hold `~{4294967295+}` CR LF.
    tail: Vec<u8>,
    /// The beginning of the response, literals left out: enough to see what kind it is.
    head: Vec<u8>,
    depth: u32,
}

impl Gated {
    /// `max_literal`: the largest literal let through, in bytes.
    pub(super) fn new(stream: Stream, max_literal: u64) -> Self {
        Self { stream, hung_up: false, gate: Gate::new(max_literal) }
    }
}

impl Gate {
    fn new(max_literal: u64) -> Self {
        Self {
            max_literal,
            since_command: 0,
            literal_left: 0,
            tail: Vec::with_capacity(32),
            head: Vec::with_capacity(24),
            depth: 0,
        }
    }

    /// A new command goes out: its answer counts from nothing.
    fn command(&mut self) {
        self.since_command = 0;
    }

    fn feed(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        self.since_command += bytes.len() as u64;
        if self.since_command > self.max_literal + TALK {
            return Err("the server sent too much at once".into());
        }
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.literal_left > 0 {
                let skipped = bytes.len().min(usize::try_from(self.literal_left).unwrap_or(usize::MAX));
                self.literal_left -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            self.text(byte)?;
            bytes = rest;
        }
        Ok(())
    }

    fn text(&mut self, byte: u8) -> Result<(), String> {
        match byte {
            b'(' => self.depth += 1,
            b')' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        if self.depth > DEPTH {
            return Err("the server nests parentheses without end".into());
        }
        if self.tail.len() == 32 {
            self.tail.copy_within(16.., 0);
            self.tail.truncate(16);
        }
        self.tail.push(byte);
        if self.head.len() < 24 {
            self.head.push(byte);
        }
        if byte != b'\n' {
            return Ok(());
        }
        let announced = announced(&self.tail);
        self.tail.clear();
        match announced {
            Some(length) if length > self.max_literal => {
                return Err(format!(
                    "the server announced {length} bytes at once, over the cap of {}",
                    self.max_literal
                ));
            }
            Some(length) if !is_text(&self.head) => self.literal_left = length,
            _ => {
                self.depth = 0;
                self.head.clear();
            }
        }
        Ok(())
    }
}

/// The length a line's end announces: `{123}` or `{123+}` before CR LF. More digits than any length has count as
/// endless.
fn announced(tail: &[u8]) -> Option<u64> {
    let text = tail.strip_suffix(b"}\r\n")?;
    let text = text.strip_suffix(b"+").unwrap_or(text);
    let digits = text.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (before, digits) = text.split_at(text.len() - digits);
    match before.last() {
        Some(b'{') if !digits.is_empty() => {
            Some(digits.iter().fold(0, |all: u64, digit| all.saturating_mul(10).saturating_add((digit - b'0').into())))
        }
        // the brace lies before what is kept
        None if digits.len() > 10 => Some(u64::MAX),
        _ => None,
    }
}

/// A status line or a continuation (RFC 9051 7.1, 7.5): text for people, which may end in `{5}` and mean nothing by it.
fn is_text(head: &[u8]) -> bool {
    let mut words = head.split(|b| *b == b' ');
    let first = words.next().unwrap_or_default();
    let second = words.next().unwrap_or_default().to_ascii_uppercase();
    first == b"+" || matches!(&second[..], b"OK" | b"NO" | b"BAD" | b"BYE" | b"PREAUTH")
}

impl AsyncRead for Gated {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let start = buf.filled().len();
        std::task::ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        this.hung_up |= buf.remaining() > 0 && buf.filled().len() == start;
        let checked = this.gate.feed(&buf.filled()[start..]);
        Poll::Ready(checked.map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why)))
    }
}

impl AsyncWrite for Gated {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.gate.command();
        Pin::new(&mut this.stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// Feeds the bytes in pieces of every small length.
    fn feed(max: u64, bytes: &[u8]) -> Result<(), String> {
        let results: Vec<_> = [1, 2, 3, 7, 4096]
            .into_iter()
            .map(|piece| {
                let mut gate = Gate::new(max);
                bytes.chunks(piece).try_for_each(|bytes| gate.feed(bytes))
            })
            .collect();
        assert!(results.windows(2).all(|two| two[0] == two[1]), "{results:?}");
        results[0].clone()
    }

    #[test]
    fn a_literal_within_the_cap_passes_whatever_it_holds() {
        let fine = b"* 1 FETCH (UID 1 BODY[] {20}\r\n{99999999999999999}\r\n)\r\nA1 OK {x} done\r\n";
        assert_eq!(feed(100, fine), Ok(()));
        assert_eq!(feed(100, b"* 1 FETCH (BODY[] {0}\r\n)\r\n* 2 FETCH (BODY[] {3}\r\n\r\n{)\r\n"), Ok(()));
    }

    #[test]
    fn an_absurd_length_is_stopped_when_announced() {
        for line in [
            &b"* 1 FETCH (BODY[] {101}\r\n"[..],
            b"* 1 FETCH (BODY[] {4294967295}\r\n",
            b"* 1 FETCH (BODY[] {101+}\r\n",
            b"* 1 FETCH (BODY[] ~{101}\r\n",
            b"* 1 FETCH (BODY[] {99999999999999999999999999999999999999999999999999999999}\r\n",
            b"* 1 FETCH (BODY[] {3}\r\nabc BODY[2] {500}\r\n",
            b"* OK hello {30}\r\n* 1 FETCH (BODY[] {500}\r\n",
            b"A12 OK \xe9 {30}\r\n* 1 FETCH (BODY[] {500}\r\n",
            b"+ {30}\r\n* 1 FETCH (BODY[] {500}\r\n",
        ] {
            assert!(feed(100, line).unwrap_err().contains("over the cap"));
        }
    }

    #[test]
    fn endless_talk_and_nesting_are_stopped() {
        let mut gate = Gate::new(100);
        let line = b"* OK still here, and talking on and on\r\n".repeat(1000);
        assert!((0..1000).any(|_| gate.feed(&line).is_err()));
        assert!(feed(100, &b"(".repeat(201)).unwrap_err().contains("parentheses"));
        assert_eq!(feed(100, &b"* 1 FETCH (a (b (c)))\r\n* (\r\n".repeat(300)), Ok(()));
    }
}

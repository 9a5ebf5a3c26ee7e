//! The server's side of LMTP (RFC 2033) as a state machine: bytes in, replies and finished mails out. It knows no
//! socket and no disk; whoever drives it says what became of each mail.

use super::command::{Bad, Command, address_key, command};
use super::content::Content;

/// Longest command line taken, with its CRLF. RFC 5321 §4.5.3.1.4 wants 512, extensions more.
const LINE: usize = 2048;
/// Most receivers of one mail (RFC 5321 §4.5.3.1.8).
const RECEIVERS: usize = 100;
/// So many commands that are none, and the connection is closed.
const PATIENCE: u32 = 20;

/// What the server says of itself and takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Its name in greetings.
    pub name: String,
    /// The address mail is taken for, with or without `+detail`.
    pub address: String,
    /// Most bytes of a mail (RFC 1870).
    pub max_bytes: usize,
}

/// A mail that was handed over, not yet answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handed {
    /// The envelope's sender; empty for bounces.
    pub from: String,
    /// The receivers that were accepted, in order: each gets its own answer (RFC 2033 §4.2).
    pub to: Vec<String>,
    /// The content, dots unstuffed.
    pub bytes: Vec<u8>,
}

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is on disk.
    Taken,
    /// There is no room for it now.
    Busy,
    /// It could not be written.
    Failed,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Out {
    /// Send these bytes.
    Reply(Vec<u8>),
    /// Take this mail, then call [`Session::answered`]. Nothing more is read until then.
    Mail(Handed),
    /// Close the connection, once all was sent.
    Close,
}

/// Where the conversation stands.
#[derive(Debug)]
enum State {
    /// No LHLO yet.
    Fresh,
    /// Between two mails.
    Ready,
    /// After MAIL.
    Sender { from: String, utf8: bool, to: Vec<String> },
    /// In the text after DATA.
    Text { from: String, to: Vec<String>, content: Content },
    /// A mail was handed out and waits for its verdict; its receivers.
    Waiting(Vec<String>),
    /// After QUIT.
    Closed,
}

/// One connection.
#[derive(Debug)]
pub struct Session {
    terms: Terms,
    state: State,
    /// Bytes that came and were not looked at.
    input: Vec<u8>,
    /// The rest of a line that is too long is thrown away.
    skipping: bool,
    bad: u32,
}

/// In place of a greeting where no mail is taken for now (RFC 5321 §3.8, §4.2.3; RFC 3463 X.3.2).
pub fn sent_away(terms: &Terms) -> Vec<u8> {
    format!("421 4.3.2 {} takes no mail now, try again later\r\n", terms.name).into_bytes()
}

impl Session {
    /// A new connection and the greeting to send.
    pub fn new(terms: Terms) -> (Self, Vec<u8>) {
        let greeting = format!("220 {} LMTP codevd\r\n", terms.name).into_bytes();
        (Self { terms, state: State::Fresh, input: Vec::new(), skipping: false, bad: 0 }, greeting)
    }

    /// Takes bytes in, however they are cut.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Out> {
        self.input.extend_from_slice(bytes);
        let mut out = Vec::new();
        self.go_on(&mut out);
        out
    }

    /// What became of the mail that was handed out: one answer a receiver, then the conversation goes on.
    pub fn answered(&mut self, verdict: Verdict) -> Vec<Out> {
        let mut out = Vec::new();
        if let State::Waiting(to) = &self.state {
            let words = match verdict {
                Verdict::Taken => "250 2.0.0 taken",
                Verdict::Busy => "452 4.3.1 no room for more mail just now, try again later",
                Verdict::Failed => "451 4.3.0 the mail could not be written, try again later",
            };
            to.iter().for_each(|to| say(&mut out, &format!("{words} <{to}>")));
            self.state = State::Ready;
        }
        self.go_on(&mut out);
        out
    }

    /// Whether a mail waits for its verdict: more need not be read until then.
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting(_))
    }

    fn go_on(&mut self, out: &mut Vec<Out>) {
        let input = std::mem::take(&mut self.input);
        let mut at = 0;
        while at < input.len() {
            match &mut self.state {
                State::Waiting(_) => break,
                State::Closed => return,
                State::Text { content, .. } => {
                    let (used, ended) = content.take(&input[at..]);
                    at += used;
                    if ended {
                        self.finish_text(out);
                    }
                }
                _ => match input[at..].iter().position(|b| *b == b'\n') {
                    Some(end) => {
                        let line = &input[at..=at + end];
                        at += end + 1;
                        self.line(line, out);
                    }
                    None => {
                        self.skipping |= input.len() - at > LINE;
                        at = if self.skipping { input.len() } else { at };
                        break;
                    }
                },
            }
        }
        self.input = input[at..].to_vec();
    }

    fn finish_text(&mut self, out: &mut Vec<Out>) {
        let State::Text { from, to, content } = std::mem::replace(&mut self.state, State::Ready) else { return };
        match content.finish() {
            Some(bytes) => {
                self.state = State::Waiting(to.clone());
                out.push(Out::Mail(Handed { from, to, bytes }));
            }
            None => {
                let most = self.terms.max_bytes;
                to.iter()
                    .for_each(|to| say(out, &format!("552 5.3.4 larger than the {most} bytes that are taken <{to}>")));
            }
        }
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<Out>) {
        let reply = if std::mem::take(&mut self.skipping) || line.len() > LINE {
            Err(Bad::TooLong)
        } else {
            match line.strip_suffix(b"\r\n") {
                Some(line) => command(line),
                None => Err(Bad::BareLineFeed),
            }
        };
        match reply {
            Ok(command) => self.obey(command, out),
            Err(bad) => self.complain(bad.reply(), out),
        }
    }

    fn complain(&mut self, reply: &str, out: &mut Vec<Out>) {
        self.bad += 1;
        say(out, reply);
        if self.bad >= PATIENCE {
            say(out, "421 4.7.0 too many commands that are none");
            self.close(out);
        }
    }

    fn close(&mut self, out: &mut Vec<Out>) {
        self.state = State::Closed;
        out.push(Out::Close);
    }

    fn obey(&mut self, command: Command, out: &mut Vec<Out>) {
        match command {
            Command::Lhlo => {
                self.state = State::Ready;
                let Terms { name, max_bytes, .. } = &self.terms;
                let can = ["PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8"];
                let can: String = can.iter().map(|word| format!("250-{word}\r\n")).collect();
                say(out, &format!("250-{name}\r\n{can}250 SIZE {max_bytes}"));
            }
            Command::Mail { from, size, utf8 } => self.mail(from, size, utf8, out),
            Command::Rcpt(to) => self.rcpt(to, out),
            Command::Data => self.data(out),
            Command::Rset => {
                if !matches!(self.state, State::Fresh) {
                    self.state = State::Ready;
                }
                say(out, "250 2.0.0 forgotten");
            }
            Command::Noop => say(out, "250 2.0.0 still here"),
            Command::Vrfy => say(out, "252 2.1.5 send it, and the answer to RCPT says it"),
            Command::Quit => {
                say(out, "221 2.0.0 goodbye");
                self.close(out);
            }
        }
    }

    fn mail(&mut self, from: String, size: u64, utf8: bool, out: &mut Vec<Out>) {
        match &self.state {
            State::Fresh => self.complain("503 5.5.1 LHLO comes first", out),
            State::Ready if size > self.terms.max_bytes as u64 => {
                say(out, &format!("552 5.3.4 larger than the {} bytes that are taken", self.terms.max_bytes));
            }
            State::Ready => {
                self.state = State::Sender { from, utf8, to: Vec::new() };
                say(out, "250 2.1.0 sender taken");
            }
            _ => self.complain("503 5.5.1 MAIL was said already", out),
        }
    }

    fn rcpt(&mut self, address: String, out: &mut Vec<Out>) {
        let State::Sender { to, utf8, .. } = &mut self.state else {
            return self.complain("503 5.5.1 MAIL comes first", out);
        };
        if !address.is_ascii() && !*utf8 {
            say(out, "553 5.6.7 an address with letters beyond ASCII needs SMTPUTF8");
        } else if address_key(&address) != address_key(&self.terms.address) {
            say(out, &format!("550 5.1.1 mail is taken for <{}> alone", self.terms.address));
        } else if to.len() >= RECEIVERS {
            say(out, "452 4.5.3 too many receivers");
        } else {
            to.push(address);
            say(out, "250 2.1.5 receiver taken");
        }
    }

    fn data(&mut self, out: &mut Vec<Out>) {
        match std::mem::replace(&mut self.state, State::Ready) {
            State::Sender { from, to, .. } if !to.is_empty() => {
                self.state = State::Text { from, to, content: Content::new(self.terms.max_bytes) };
                say(out, "354 send the mail, end it with a dot alone on a line");
            }
            before => {
                self.state = before;
                self.complain("503 5.5.1 no receiver was taken", out);
            }
        }
    }
}

fn say(out: &mut Vec<Out>, line: &str) {
    let bytes = format!("{line}\r\n").into_bytes();
    match out.last_mut() {
        Some(Out::Reply(before)) => before.extend(bytes),
        _ => out.push(Out::Reply(bytes)),
    }
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;

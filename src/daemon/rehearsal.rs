//! A rehearsal: every mail goes to one address, its own receiver named in it (`codevd run --redirect-all-to`).

use super::ports::Outgoing;
use crate::core::Email;
use crate::transport::{BeforeDot, Delivery, Envelope, Lasting, Phase};

/// The header that names whom a mail was for.
pub const HEADER: &str = "X-Codevd-Redirected-From";

/// A way out that leads to one address alone, where one is set.
pub struct Redirect<O> {
    /// The way out.
    pub out: O,
    /// Where everything goes; `None` for real runs.
    pub to: Option<Email>,
}

impl<O: Outgoing> Outgoing for Redirect<O> {
    async fn send(&mut self, envelope: &Envelope, bytes: &[u8], before_dot: BeforeDot<'_>) -> Delivery {
        let Some(to) = &self.to else { return self.out.send(envelope, bytes, before_dot).await };
        let redirected = match Envelope::new(envelope.from(), to.as_str()) {
            Ok(redirected) => redirected,
            Err(error) => {
                let (phase, lasting) = (Phase::Rcpt, Lasting::Permanent);
                return Delivery::Refused { phase, lasting, code: None, reply: format!("not sent: {error}") };
            }
        };
        let marked = marked(bytes, envelope.to());
        match self.out.send(&redirected, &marked, before_dot).await {
            // the outbox keeps it: sent, and to whom
            Delivery::Accepted { reply } => Delivery::Accepted { reply: format!("{reply} (redirected to {to})") },
            other => other,
        }
    }
}

/// The mail with its own receiver in a header and at its subject's beginning.
fn marked(bytes: &[u8], to: &str) -> Vec<u8> {
    // headers hold ASCII alone; the address is one that was checked
    let to: String = to.chars().map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect();
    let mut out = format!("{HEADER}: {to}\r\n").into_bytes();
    let subject = b"\r\nsubject:";
    let head = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or(bytes.len());
    let found = bytes[..head].windows(subject.len()).position(|w| w.eq_ignore_ascii_case(subject));
    match found {
        Some(at) => {
            let after = at + subject.len();
            out.extend_from_slice(&bytes[..after]);
            out.extend_from_slice(format!(" [to {to}]\r\n").as_bytes());
            out.extend_from_slice(&bytes[after..]);
        }
        None => out.extend_from_slice(bytes),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_receiver_stands_in_a_header_and_before_the_subject() {
        let mail = b"From: c@x.org\r\nSubject: =?utf-8?b?w6k=?=\r\nTo: a@x.org\r\n\r\n\r\nSubject: not this\r\n";
        let text = String::from_utf8_lossy(&marked(mail, "a@x.org")).into_owned();
        assert!(text.starts_with("X-Codevd-Redirected-From: a@x.org\r\nFrom:"), "{text}");
        assert!(text.contains("\r\nSubject: [to a@x.org]\r\n =?utf-8?b?w6k=?=\r\nTo:"), "{text}");
        assert!(text.ends_with("\r\n\r\n\r\nSubject: not this\r\n"), "{text}");
        assert_eq!(crate::mail::letter(&marked(mail, "a@x.org")).subject, "[to a@x.org] é");
    }
}

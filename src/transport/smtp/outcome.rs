//! What became of one attempt to send a mail: the phase it reached, and whether a refusal is for good.
use crate::transport::TransportError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The envelope of one mail to one receiver. Made by [`Envelope::new`], which lets no CR, LF, NUL, space or angle
/// bracket through, so that an address can't become a command (RFC 5321 4.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    from: String,
    to: String,
}

impl Envelope {
    /// An envelope from bare addresses (no display name, no brackets). An empty `from` is the null reverse-path of
    /// bounces.
    ///
    /// # Errors
    /// `Settings`, naming the address that can't be used.
    pub fn new(from: impl Into<String>, to: impl Into<String>) -> Result<Self, TransportError> {
        let (from, to) = (from.into(), to.into());
        for address in [&from, &to] {
            let forbidden = |c: char| c.is_control() || c.is_whitespace() || "<>".contains(c);
            let misshapen = !address.is_empty() && !address.contains('@');
            if address.contains(forbidden) || misshapen || address.len() > 320 {
                return Err(unusable(address));
            }
        }
        if to.is_empty() {
            return Err(unusable(&to));
        }
        Ok(Self { from, to })
    }

    /// The reverse-path: who gets bounces.
    pub fn from(&self) -> &str {
        &self.from
    }

    /// The forward-path: the receiver.
    pub fn to(&self) -> &str {
        &self.to
    }

    pub(super) fn is_ascii(&self) -> bool {
        self.from.is_ascii() && self.to.is_ascii()
    }
}

fn unusable(address: &str) -> TransportError {
    TransportError::Settings {
        found: format!("{address:?} can't be an envelope address"),
        remedy: "expected one bare address like ana@example.org, without spaces or brackets".into(),
    }
}

/// The step of the SMTP conversation at which an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Name look-up and TCP.
    Connect,
    /// The server's greeting and its answer to EHLO.
    Greeting,
    /// STARTTLS and the handshake.
    Tls,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA, until the final dot.
    Data,
    /// After the final dot.
    Dot,
}

impl Phase {
    /// All of them, in the order of the conversation.
    pub const ALL: [Self; 8] =
        [Self::Connect, Self::Greeting, Self::Tls, Self::Auth, Self::Mail, Self::Rcpt, Self::Data, Self::Dot];

    /// What was being done, for a sentence: "reading the greeting" and so on.
    pub fn doing(self) -> &'static str {
        match self {
            Self::Connect => "connecting",
            Self::Greeting => "the greeting",
            Self::Tls => "TLS",
            Self::Auth => "logging in",
            Self::Mail => "MAIL FROM",
            Self::Rcpt => "RCPT TO",
            Self::Data => "sending the mail",
            Self::Dot => "handing the mail over",
        }
    }
}

/// Whether a refusal may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// Worth another try later.
    Temporary,
    /// The same mail will be refused again.
    Permanent,
}

/// An enhanced status code (RFC 3463): class, subject, detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnhancedCode {
    /// 2 success, 4 persistent transient failure, 5 permanent failure.
    pub class: u8,
    /// What it is about: 1 address, 2 mailbox, 3 system, 4 network, 5 protocol, 6 content, 7 policy.
    pub subject: u16,
    /// The detail within the subject.
    pub detail: u16,
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

impl FromStr for EnhancedCode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('.');
        let mut next = || -> Result<u16, ()> {
            let part = parts.next().ok_or(())?;
            let digits = matches!(part.len(), 1..=3) && part.bytes().all(|b| b.is_ascii_digit());
            digits.then_some(part).ok_or(())?.parse().map_err(|_| ())
        };
        let (class, subject, detail) = (next()?, next()?, next()?);
        if parts.next().is_some() || !matches!(class, 2 | 4 | 5) {
            return Err(());
        }
        Ok(Self { class: class as u8, subject, detail })
    }
}

/// What became of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The server took the mail: 250 after the dot.
    Accepted {
        /// Its words, often with its queue id.
        reply: String,
    },
    /// The server said no, and the mail is not with it.
    Refused {
        /// Where it said no.
        phase: Phase,
        /// Whether another try makes sense. Refusals before MAIL are about the connection or our login, not about
        /// this mail: always temporary.
        lasting: Lasting,
        /// Its enhanced status code, where it gave one.
        code: Option<EnhancedCode>,
        /// Reply code and words; or ours, beginning with "not sent:", where the mail was not offered at all.
        reply: String,
    },
    /// The attempt failed before the final dot was sent: it is safe to retry.
    Unreached {
        /// How far it got.
        phase: Phase,
        /// The cause, with what to do where that is known.
        cause: String,
    },
    /// The connection was lost between the final dot and the reply: the server may have the mail or not.
    InDoubt {
        /// The cause.
        cause: String,
    },
}

impl Delivery {
    /// What a negative reply means: known liars, then the enhanced code's class, then the reply code's.
    pub fn refused(phase: Phase, reply: u16, text: &str) -> Self {
        refused(phase, reply, text)
    }

    /// What an operator can do about a refusal, where that is known.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Refused { phase, reply, .. } => remedy(*phase, reply),
            _ => None,
        }
    }
}

/// What an operator can do about a server's reply, where that is known.
pub(super) fn remedy(phase: Phase, reply: &str) -> Option<&'static str> {
    const KNOWN: &[(&str, &str)] = &[
        (
            "5.7.139",
            "Microsoft has switched off passwords for SMTP here: use OAuth2, or let the tenant's \
             administrator allow authenticated SMTP for this mailbox",
        ),
        (
            "5.7.9",
            "The provider wants an app password (Google: two-step verification, then an app \
             password) or OAuth2",
        ),
        ("5.4.5", "The provider's daily sending quota is used up: sending goes on when it is renewed"),
        (
            "5.7.60",
            "This login may not send with that sender address: let the provider allow it, or send \
             from the mailbox's own address",
        ),
    ];
    let said = |code: &str| reply.split_whitespace().any(|word| word == code);
    let known = KNOWN.iter().find(|(code, _)| said(code));
    match (known, phase) {
        (Some((_, text)), _) => Some(text),
        (None, Phase::Auth) => Some("Check the user name and the password file"),
        (None, Phase::Mail) if reply.starts_with("530") => Some("The server wants a login: set user and password"),
        _ => None,
    }
}

/// One line of the table of servers that say one thing and mean another: the first line that fits decides.
struct Liar {
    /// Reply codes it is about.
    replies: &'static [u16],
    /// The enhanced code after the class, or none for any.
    detail: Option<(u16, u16)>,
    /// Words that must be in the reply, in small letters; none for any.
    words: &'static [&'static str],
    means: Lasting,
}

/// Replies whose class misleads.
const LIARS: &[Liar] = &[
    // greylisting and "come back later", whatever enhanced code stands behind
    liar(&[421, 450, 451, 452], None, &[], Lasting::Temporary),
    // our login or our lack of one: the settings are wrong, not the mail
    liar(&[530, 534, 535, 538], None, &[], Lasting::Temporary),
    // Gmail: daily sending quota reached
    liar(&[550], Some((4, 5)), &[], Lasting::Temporary),
    // RFC 5321 4.5.3.1.10: "too many recipients" is 452 by meaning
    liar(&[552], Some((5, 3)), &[], Lasting::Temporary),
    // a full mailbox empties; the mail's own useful time ends the tries
    liar(&[550, 552, 554], Some((2, 2)), &[], Lasting::Temporary),
    // greylisting and rate limits sent with a permanent code
    liar(
        &[550, 553, 554],
        None,
        &[
            "greylist",
            "graylist",
            "try again later",
            "rate limit",
            "too many connections",
            "quota exceeded for sending",
        ],
        Lasting::Temporary,
    ),
];

const fn liar(
    replies: &'static [u16],
    detail: Option<(u16, u16)>,
    words: &'static [&'static str],
    means: Lasting,
) -> Liar {
    Liar { replies, detail, words, means }
}

impl Liar {
    fn fits(&self, reply: u16, code: Option<EnhancedCode>, lower: &str) -> bool {
        self.replies.contains(&reply)
            && self.detail.is_none_or(|d| code.is_some_and(|c| (c.subject, c.detail) == d))
            && (self.words.is_empty() || self.words.iter().any(|word| lower.contains(word)))
    }
}

/// Judges a negative reply: known liars, then the enhanced code's class, then the reply code's.
pub(super) fn refused(phase: Phase, reply: u16, text: &str) -> Delivery {
    let code: Option<EnhancedCode> = text.split_whitespace().next().and_then(|word| word.parse().ok());
    let before_the_mail = matches!(phase, Phase::Connect | Phase::Greeting | Phase::Tls | Phase::Auth);
    let lower = text.to_lowercase();
    let lasting = match LIARS.iter().find(|liar| liar.fits(reply, code, &lower)) {
        _ if before_the_mail => Lasting::Temporary,
        Some(liar) => liar.means,
        None if code.map_or(reply / 100, |c| c.class.into()) == 5 => Lasting::Permanent,
        None => Lasting::Temporary,
    };
    Delivery::Refused { phase, lasting, code, reply: format!("{reply} {text}").trim_end().to_owned() }
}

/// How a refusal begins that is none of the server's.
pub const NOT_SENT: &str = "not sent:";

/// A mail that is not offered at all, for a reason on our side.
pub(super) fn not_sent(phase: Phase, why: &str) -> Delivery {
    Delivery::Refused { phase, lasting: Lasting::Permanent, code: None, reply: format!("{NOT_SENT} {why}") }
}

/// The first bare CR, bare LF or NUL in a mail, as a sentence (RFC 5321 2.3.8, 4.5.2: such bytes can smuggle a second
/// mail past servers that read them as line ends).
pub(super) fn unsafe_byte(mail: &[u8]) -> Option<String> {
    let mut line = 1;
    for (i, &byte) in mail.iter().enumerate() {
        let found = match byte {
            b'\r' if mail.get(i + 1) != Some(&b'\n') => "a bare CR",
            b'\n' if i == 0 || mail.get(i - 1) != Some(&b'\r') => "a bare LF",
            0 => "a NUL",
            _ => {
                line += usize::from(byte == b'\n');
                continue;
            }
        };
        return Some(format!("{found} in line {line} of the mail"));
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn lasting(reply: u16, text: &str) -> Lasting {
        match refused(Phase::Rcpt, reply, text) {
            Delivery::Refused { lasting, .. } => lasting,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn replies_are_judged_by_liars_then_enhanced_then_reply_code() {
        use Lasting::{Permanent, Temporary};
        for (reply, text, expected) in [
            (550, "5.1.1 no such user", Permanent),
            (550, "no such user", Permanent),
            (553, "5.1.3 bad address", Permanent),
            (554, "5.7.1 rejected as spam", Permanent),
            (552, "5.3.4 message too big", Permanent),
            (550, "4.2.1 come back", Temporary),
            (454, "5.7.0 odd", Permanent),
            (432, "odd", Temporary),
            (450, "4.2.0 greylisted", Temporary),
            (451, "5.7.1 greylisted", Temporary),
            (421, "4.7.0 try again", Temporary),
            (550, "5.4.5 Daily user sending quota exceeded.", Temporary),
            (530, "5.7.0 Authentication required", Temporary),
            (552, "5.2.2 mailbox full", Temporary),
            (552, "5.5.3 too many recipients", Temporary),
            (554, "5.7.1 Greylisted, please try again later", Temporary),
        ] {
            assert_eq!(lasting(reply, text), expected, "{reply} {text}");
        }
    }

    #[test]
    fn a_refusal_before_mail_is_never_about_the_mail() {
        for phase in [Phase::Greeting, Phase::Tls, Phase::Auth] {
            let Delivery::Refused { lasting, code, .. } = refused(phase, 535, "5.7.8 no") else { panic!() };
            assert_eq!(lasting, Lasting::Temporary);
            assert_eq!(code.unwrap().to_string(), "5.7.8");
        }
    }

    #[test]
    fn enhanced_codes_are_read_strictly() {
        assert_eq!("5.1.1".parse::<EnhancedCode>().unwrap().to_string(), "5.1.1");
        assert_eq!("4.7.500".parse::<EnhancedCode>().unwrap().detail, 500);
        for wrong in ["", "5", "5.1", "5.1.1.1", "3.1.1", "5.1.x", "5.1.+1", "5.1.1000", "192.0.2"] {
            assert!(wrong.parse::<EnhancedCode>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn known_replies_name_their_remedy() {
        let refusal = refused(Phase::Auth, 535, "5.7.139 Authentication unsuccessful, basic");
        assert!(refusal.remedy().unwrap().contains("Microsoft"));
        let refusal = refused(Phase::Auth, 535, "5.7.8 bad credentials");
        assert!(refusal.remedy().unwrap().contains("password"));
        assert_eq!(refused(Phase::Rcpt, 550, "5.1.1 no").remedy(), None);
    }

    #[test]
    fn an_envelope_holds_no_second_command() {
        assert!(Envelope::new("bot@example.org", "ana@example.org").is_ok());
        assert!(Envelope::new("", "ana@example.org").is_ok());
        for wrong in [
            "ana@example.org\r\nRCPT TO:<x@y>",
            "ana@example.org\n",
            "ana @example.org",
            "ana\0@example.org",
            "<ana@example.org>",
            "ana@example.org> NOTIFY=NEVER",
            "ana\u{85}@example.org",
            "ana",
            "",
        ] {
            assert!(Envelope::new("bot@example.org", wrong).is_err(), "{wrong:?}");
        }
        assert!(Envelope::new("bot", "ana@example.org").is_err());
    }

    #[test]
    fn bare_line_ends_are_found_with_their_line() {
        assert_eq!(unsafe_byte(b"a: b\r\n\r\nc\r\n"), None);
        assert_eq!(unsafe_byte(b""), None);
        for (mail, told) in [
            (&b"a\r\nb\nc\r\n"[..], "a bare LF in line 2 of the mail"),
            (b"\na", "a bare LF in line 1 of the mail"),
            (b"a\r\nb\rc", "a bare CR in line 2 of the mail"),
            (b"a\r", "a bare CR in line 1 of the mail"),
            (b"a\r\r\n", "a bare CR in line 1 of the mail"),
            (b"a\r\n\0", "a NUL in line 2 of the mail"),
        ] {
            assert_eq!(unsafe_byte(mail).as_deref(), Some(told));
        }
    }
}

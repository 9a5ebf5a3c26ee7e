//! Mail's sockets and folders: sends bytes by SMTP, takes bytes in by IMAP, LMTP or
//! from a Maildir. It knows nothing of what
//! the bytes mean.
pub mod imap;
pub mod lmtp;
pub mod maildir;
pub mod smtp;
mod tls;

pub use imap::{Imap, ImapSettings};
pub use lmtp::Lmtp;
pub use maildir::Maildir;
pub use smtp::{BeforeDot, Delivery, EnhancedCode, Envelope, Lasting, NOT_SENT, Phase, Smtp, SmtpSettings, Timeouts};

use std::fmt;

/// A password. Neither `Debug` nor `Display` shows it, so it can't reach a log by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a password as read from its file, the environment or a systemd credential.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The password itself, for the login alone.
    fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// How a connection is kept from listeners. There is no "TLS if offered": a downgrade is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (RFC 8314: ports 465 and 993). Preferred.
    Implicit,
    /// Clear text until STARTTLS (RFC 3207; RFC 9051 6.2.1), then TLS. Never falls back.
    StartTls,
    /// No TLS at all: accepted for loopback addresses alone.
    Plain,
}

/// What went wrong with a server or a mail folder, told with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// A setting that can't work, found before anything was dialled.
    #[error("{found}: {remedy}")]
    Settings {
        /// What was found.
        found: String,
        /// What was expected and what to do.
        remedy: String,
    },
    /// The server could not be reached, or the connection was lost on the way.
    #[error("{place}: {doing} failed: {cause}{}", tail(.remedy))]
    Network {
        /// `host:port`.
        place: String,
        /// What was being done: "connecting", "TLS", "reading the greeting" and so on.
        doing: &'static str,
        /// The cause as the system or the library tells it.
        cause: String,
        /// What to do, where that is known.
        remedy: Option<String>,
    },
    /// The server answered, and said no.
    #[error("{place}: {doing} was refused: {reply}{}", tail(.remedy))]
    Refused {
        /// `host:port`.
        place: String,
        /// What was being done.
        doing: &'static str,
        /// The server's words.
        reply: String,
        /// What to do, where that is known.
        remedy: Option<String>,
    },
    /// A mail folder on disk that can't be read or written.
    #[error("{}: {doing} failed: {source}", path.display())]
    Folder {
        /// The folder or file.
        path: std::path::PathBuf,
        /// What was being done.
        doing: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
}

fn tail(remedy: &Option<String>) -> String {
    remedy.as_ref().map(|text| format!(". {text}")).unwrap_or_default()
}

/// One mail that came in and is not marked as taken yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Where it lies, for `taken`: `mailbox;uidvalidity;uid` for IMAP (RFC 9051 2.3.1.1), the unique part of the file
    /// name for a Maildir. Not an identity for ever: after a change of UIDVALIDITY the same mail comes with a new
    /// place, so the receiver tells duplicates by content.
    pub place: String,
    /// The mail as it came, or its first bytes when `truncated`.
    pub bytes: Vec<u8>,
    /// The mail is larger than the cap: `bytes` holds its first part only.
    pub truncated: bool,
    /// The mail's whole size in bytes, as announced.
    pub size: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_nothing() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "… Secret(…)");
        assert_eq!(secret.reveal(), "hunter2");
    }
}

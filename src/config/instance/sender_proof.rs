//! `authserv_id`: whose word on a sender is believed.

use super::{ImapConfig, Incoming, Reader};
use crate::config::providers::{of_server, providers};
use crate::config::table::{At, Table};

/// The word for a host whose Authentication-Results name no id.
const NAMELESS: &str = "outlook-none";

impl<'a> Reader<'a> {
    pub(super) fn authserv_id(&mut self, table: &mut Table<'a>) -> Option<String> {
        let At { value, span } = table.line("authserv_id")?;
        let clean = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if value.is_empty() || !value.chars().all(clean) {
            let expected =
                "the id that the mailbox's host writes first in Authentication-Results, such as \"mx.example.net\"";
            let remedy = "codevd check --learn-sender-proof shows the ids of the mails in the mailbox";
            self.doc.wrong(&span, format!("`authserv_id`: {value:?} is no such id"), expected, Some(remedy.to_owned()));
            return None;
        }
        if value == NAMELESS {
            self.nameless = Some(span);
        }
        Some(value)
    }

    /// A header without an id is believed in a mailbox whose own host writes it so; in any other the sender may have
    /// written it.
    pub(super) fn nameless_host(&mut self, incoming: &Incoming) {
        let Some(span) = self.nameless.take() else { return };
        let all = providers().unwrap_or_default();
        let writes_none = |imap: &ImapConfig| {
            of_server(&all, &imap.server).is_some_and(|p| p.authserv_id.as_deref() == Some(NAMELESS))
        };
        let from = match incoming {
            Incoming::Imap(imap) if writes_none(imap) => return,
            Incoming::Imap(imap) => format!("mail is read from {}", imap.server.host),
            _ => "mail is not read from a mailbox of Exchange Online".to_owned(),
        };
        let found = format!("`authserv_id`: {from}, where any sender may write a header without an id");
        let remedy = "codevd check --learn-sender-proof shows the ids of the mails that came in".to_owned();
        self.doc.wrong(
            &span,
            found,
            "the id of the host that mail is read from, or check_signatures = true",
            Some(remedy),
        );
    }
}

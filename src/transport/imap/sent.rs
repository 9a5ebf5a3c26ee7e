//! The folder where a provider keeps what was submitted (RFC 6154 `\Sent`): whether it holds a mail of ours. Only read.
use super::session::{Login, timed};
use super::{Imap, ImapSettings};
use crate::transport::TransportError;
use async_imap::error::Error;
use async_imap::types::NameAttribute;
use futures_util::TryStreamExt;
use std::collections::BTreeSet;
use std::time::Duration;

/// The Sent folder, by a connection of its own for each look.
pub struct SentFolder {
    imap: Imap,
    name: Option<String>,
}

impl SentFolder {
    /// The folder of that name, or the one that the server marks as `\Sent`. Nothing is dialled yet.
    ///
    /// # Errors
    /// `Settings` alone.
    pub fn new(settings: ImapSettings, name: Option<String>) -> Result<Self, TransportError> {
        Ok(Self { imap: Imap::offline(settings)?, name })
    }

    /// Which of these Message-IDs (without angle brackets) stand in it, as a mail's own or last in its References,
    /// where a provider wrote its own Message-ID. `None`: no folder is marked as `\Sent`.
    ///
    /// # Errors
    /// The server can't be reached, refuses the login or the search.
    pub async fn holds(&mut self, ids: &[String]) -> Result<Option<BTreeSet<String>>, TransportError> {
        let mut session = self.imap.login().await?;
        let looked = self.look(&mut session, ids).await;
        let _ = timed(Duration::from_secs(5), session.logout()).await;
        looked.map_err(|(doing, error)| self.imap.told(doing, &error))
    }

    async fn look(
        &self,
        session: &mut Login,
        ids: &[String],
    ) -> Result<Option<BTreeSet<String>>, (&'static str, Error)> {
        let limit = self.imap.settings.limit;
        let name = match &self.name {
            Some(name) => name.clone(),
            None => {
                let listed =
                    timed(limit, async { session.list(Some(""), Some("*")).await?.try_collect::<Vec<_>>().await });
                let listed = listed.await.map_err(|error| ("listing the folders", error))?;
                let sent = |name: &&async_imap::types::Name| name.attributes().contains(&NameAttribute::Sent);
                match listed.iter().find(sent) {
                    Some(name) => name.name().to_owned(),
                    None => return Ok(None),
                }
            }
        };
        timed(limit, session.examine(&name)).await.map_err(|error| ("opening the Sent folder", error))?;
        let mut held = BTreeSet::new();
        for id in ids.iter().filter(|id| is_plain(id)) {
            let query = format!("OR HEADER Message-ID \"{id}\" HEADER References \"{id}\"");
            let found = timed(limit, session.uid_search(query)).await;
            if !found.map_err(|error| ("searching the Sent folder", error))?.is_empty() {
                held.insert(id.clone());
            }
        }
        // a list that ended because the server hung up says nothing
        match session.get_ref().hung_up {
            true => Err(("searching the Sent folder", Error::ConnectionLost)),
            false => Ok(Some(held)),
        }
    }
}

/// Can stand in a quoted string, and is no part of every other id.
fn is_plain(id: &str) -> bool {
    id.len() > 10 && id.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b'<' | b'>'))
}

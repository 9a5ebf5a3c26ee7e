//! The provider's Sent folder: filled after a while, never filled, or not there at all.

use super::office::{Mailbox, Office, lost};
use super::points::Points;
use crate::daemon::SentMail;
use crate::transport::TransportError;
use chrono::Duration;
use std::collections::BTreeSet;

/// How a provider goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fills {
    /// What is submitted is there so many seconds later.
    After(i64),
    /// There is a folder, and nobody fills it.
    Never,
    /// There is no such folder.
    NoFolder,
}

/// The folder, at the mailbox's server.
#[derive(Clone)]
pub struct SentBox {
    /// What was taken.
    pub office: Office,
    /// Down together with this one.
    pub mailbox: Mailbox,
    /// Where the process may be killed.
    pub points: Points,
    /// How it is filled.
    pub fills: Fills,
}

impl SentMail for SentBox {
    async fn holds(&mut self, ids: &[String]) -> Result<Option<BTreeSet<String>>, TransportError> {
        self.points.reach();
        if self.mailbox.is_down() {
            return Err(lost("searching the Sent folder"));
        }
        Ok(match self.fills {
            Fills::NoFolder => None,
            Fills::Never => Some(BTreeSet::new()),
            Fills::After(seconds) => {
                let held = |id: &&String| self.office.took(id, Duration::seconds(seconds));
                Some(ids.iter().filter(held).cloned().collect())
            }
        })
    }
}

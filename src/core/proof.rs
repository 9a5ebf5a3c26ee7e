//! How sure it is who sent a mail: the evidence of `inbound.md` §4, kept with the mail when it arrives.

use serde::{Deserialize, Serialize};

/// How much is known of the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// The domain of From vouches: DMARC or an aligned DKIM signature passed.
    A,
    /// Nothing is said.
    B,
    /// It fails, and its own policy says that such mail is not to be believed.
    C,
}

/// The level, and in a sentence why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// A, B or C.
    pub level: Level,
    /// For people.
    pub why: String,
}

impl Proof {
    /// A level with its reason.
    pub fn new(level: Level, why: impl Into<String>) -> Self {
        Self { level, why: why.into() }
    }

    /// Nobody looked.
    pub fn nothing() -> Self {
        Self::new(Level::B, "nothing says who sent it")
    }
}

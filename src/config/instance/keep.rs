//! `[keep]`: how long what people write is kept.

use crate::config::table::Table;

/// How long what people write is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Days for which mails sent and received stay as they are.
    pub mails_days: u32,
    /// Months for which the words of a meeting stay.
    pub words_months: u32,
}

impl Default for Keep {
    fn default() -> Self {
        Self { mails_days: 90, words_months: 24 }
    }
}

/// Keys of the part.
pub(super) const KEYS: &[&str] = &["mails_days", "words_months"];

/// The part; what can't be read is noted.
pub(super) fn read(mut table: Table) -> Keep {
    let usual = Keep::default();
    let keep = Keep {
        mails_days: table.number("mails_days", 30..=3650, "of days").map_or(usual.mails_days, |at| at.value),
        words_months: table.number("words_months", 2..=240, "of months").map_or(usual.words_months, |at| at.value),
    };
    table.finish(&[]);
    keep
}

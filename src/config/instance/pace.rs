//! `[pace]`: how fast mail leaves, and what the provider lets one mailbox send.

use crate::config::table::{Document, Table};

/// How fast mail leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Most mails a minute.
    pub per_minute: u32,
    /// Most mails an hour, where there is a limit.
    pub per_hour: Option<u32>,
    /// Most mails a day, where there is a limit.
    pub per_day: Option<u32>,
    /// So many mails that were not foreseen, in one minute, hold the outbox.
    pub unforeseen: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { per_minute: 30, per_hour: None, per_day: None, unforeseen: 60 }
    }
}

/// Keys of the part.
pub(super) const KEYS: &[&str] = &["per_minute", "per_hour", "per_day", "unforeseen"];

/// The part; what can't be read is noted.
pub(super) fn read(doc: &Document, mut table: Table) -> Pace {
    let usual = Pace::default();
    let day_span = table.key_span("per_day");
    let mut number = |key, most| table.number(key, 1..=most, "of mails").map(|at| at.value);
    let pace = Pace {
        per_minute: number("per_minute", 6000).unwrap_or(usual.per_minute),
        per_hour: number("per_hour", 100_000),
        per_day: number("per_day", 1_000_000),
        unforeseen: number("unforeseen", 100_000).unwrap_or(usual.unforeseen),
    };
    if let (Some(hour), Some(day), Some(span)) = (pace.per_hour, pace.per_day, day_span)
        && day < hour
    {
        let found = format!("`per_day` is {day}, less than the {hour} an hour of `per_hour`");
        doc.wrong(&span, found, "at least as many a day as an hour", None);
    }
    table.finish(&[]);
    pace
}

//! `codevd status --metrics`: the same figures as text for a monitoring system (OpenMetrics 1.0), for a collector of text
//! files or a command that is run every minute. Names and addresses are no part of it.

use crate::store::Counts;
use chrono::{DateTime, Utc};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;

/// What is told.
pub(super) struct Figures<'a> {
    pub now: DateTime<Utc>,
    pub running: bool,
    pub held: bool,
    pub counts: &'a Counts,
    /// When the next mail or step is due, in any group.
    pub next_due: Option<DateTime<Utc>>,
    /// How many things `codevd status` says need a look.
    pub troubles: usize,
}

impl Figures<'_> {
    /// The text, from `# HELP` to `# EOF`.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut all = Registry::with_prefix("codevd");
        let counts = self.counts;
        one(&mut all, "running", "Whether a daemon works on this database", i64::from(self.running));
        one(&mut all, "held", "Whether all mail is held", i64::from(self.held));
        one(&mut all, "needs_a_look", "Things that codevd status says need a look", number(self.troubles));
        one(&mut all, "groups", "Groups", number(counts.groups));
        one(&mut all, "groups_live", "Groups that write to everybody", number(counts.live));
        one(&mut all, "groups_set_aside", "Groups whose last decision failed", number(counts.set_aside));
        one(&mut all, "mails_in_doubt", "Mails of which nobody knows whether they left", number(counts.in_doubt.len()));
        by_state(&mut all, "outbox_mails", "Mails to members, by state", &counts.outbox);
        by_state(&mut all, "inbox_rows", "What came in (mails, orders, fates of mails), by state", &counts.inbox);
        by_state(&mut all, "mails_received", "Mails that came in, by what became of them", &counts.mails);
        let waits = |since: Option<DateTime<Utc>>| since.map_or(0, |at| (self.now - at).num_seconds().max(0));
        let queued = "How long the mail that waits longest has been due, in seconds";
        one(&mut all, "oldest_mail_overdue_seconds", queued, waits(counts.oldest_queued));
        let unread = "How long what came in first and was not looked at waits, in seconds";
        one(&mut all, "oldest_unread_seconds", unread, waits(counts.oldest_new));
        if let Some(at) = self.next_due {
            one(&mut all, "next_due_timestamp_seconds", "When something is due next, as Unix time", at.timestamp());
        }
        let mut text = String::new();
        encode(&mut text, &all)?;
        Ok(text)
    }
}

fn number<N: TryInto<i64>>(n: N) -> i64 {
    n.try_into().unwrap_or(i64::MAX)
}

fn one(all: &mut Registry, name: &str, help: &str, value: i64) {
    let gauge = Gauge::<i64>::default();
    gauge.set(value);
    all.register(name, help, gauge);
}

fn by_state(all: &mut Registry, name: &str, help: &str, counts: &BTreeMap<String, u64>) {
    let family = Family::<[(&'static str, String); 1], Gauge>::default();
    for (state, n) in counts {
        family.get_or_create(&[("state", state.clone())]).set(number(*n));
    }
    all.register(name, help, family);
}

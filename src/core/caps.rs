//! How often the daemon may answer by itself (RFC 3834 §2): what nobody asked for in so many words
//! (a refusal, "not understood") is capped, so that two machines never write to each other for ever.

use crate::core::draft::{Draft, Facts, Kind, Notice, Question};
use crate::core::event::Receipt;
use crate::core::ids::MemberId;
use chrono::{DateTime, Duration, Utc};

/// At most one capped answer to an address within so many minutes.
pub const EACH_MINUTES: i64 = 10;
/// At most so many capped answers to an address in a day.
pub const A_DAY: usize = 5;
/// At most so many capped answers in all within an hour.
pub const AN_HOUR_IN_ALL: usize = 60;

/// What is capped; each counts apart, so that a first refusal never keeps a person from being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capped {
    /// A refusal: what was asked is not done, or not understood.
    Refusal,
    /// "A person will answer", to somebody who was not understood again.
    Person,
}

/// Whether a draft is capped, and as what.
pub fn capped(draft: &Draft) -> Option<Capped> {
    match &draft.facts {
        // a facilitator who leads waits for each answer, and every second counts
        Facts::Refused { question: Some(Question::Live), .. } => None,
        _ if draft.key.kind == Kind::Refusal => Some(Capped::Refusal),
        // the first question has a rule of its own (`core::challenge`)
        Facts::WasItYou { again: true, .. } => Some(Capped::Refusal),
        Facts::Receipt(Receipt::PersonAsked) => Some(Capped::Person),
        _ => None,
    }
}

/// Whether a draft goes with a capped one: the facilitator is told no oftener than the author.
pub fn follows(draft: &Draft) -> bool {
    matches!(&draft.facts, Facts::Notice(Notice::NeedsPerson { .. }))
}

/// Leaves the first of each kind of capped answer to a member, and gives the others: one word may free several mails that
/// waited for it.
pub fn keep_first(drafts: &mut Vec<Draft>) -> Vec<Draft> {
    let mut seen: Vec<(Capped, MemberId)> = Vec::new();
    let (kept, others) = drafts.drain(..).partition(|draft| {
        let Some(one) = capped(draft).map(|what| (what, draft.key.member.clone())) else { return true };
        let first = !seen.contains(&one);
        seen.push(one);
        first
    });
    *drafts = kept;
    others
}

/// Why an answer is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Held {
    /// The same address had one a moment ago.
    #[error("not answered: this address had an automatic answer less than {EACH_MINUTES} minutes ago")]
    Moment,
    /// Another answer that is decided with it says the same.
    #[error("not answered once more: another answer of this moment says it")]
    Said,
    /// The same address had its share today.
    #[error("not answered: this address had {A_DAY} automatic answers within a day")]
    Day,
    /// Too many in all: the operator should look.
    #[error(
        "not answered: {AN_HOUR_IN_ALL} automatic answers left within an hour, which is for the operator to look at"
    )]
    InAll,
}

/// Whether one more may leave, from when those before were decided: to this address, and in all.
///
/// # Errors
/// The reason why it is held.
pub fn allow(now: DateTime<Utc>, to_address: &[DateTime<Utc>], in_all: &[DateTime<Utc>]) -> Result<(), Held> {
    let within = |all: &[DateTime<Utc>], span: Duration| all.iter().filter(|at| **at > now - span).count();
    if within(in_all, Duration::hours(1)) >= AN_HOUR_IN_ALL {
        Err(Held::InAll)
    } else if within(to_address, Duration::minutes(EACH_MINUTES)) > 0 {
        Err(Held::Moment)
    } else if within(to_address, Duration::days(1)) >= A_DAY {
        Err(Held::Day)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_flood_gets_five_answers_a_day_ten_minutes_apart() {
        let start: DateTime<Utc> = "2026-11-17T08:00:00Z".parse().unwrap();
        let mut sent: Vec<DateTime<Utc>> = Vec::new();
        for n in 0..1000 {
            let now = start + Duration::seconds(n * 30);
            if allow(now, &sent, &sent).is_ok() {
                sent.push(now);
            }
        }
        assert_eq!(sent.len(), A_DAY);
        assert!(sent.windows(2).all(|w| w[1] - w[0] >= Duration::minutes(EACH_MINUTES)));
        assert_eq!(allow(start + Duration::hours(2), &sent, &sent), Err(Held::Day));
        assert!(allow(start + Duration::hours(25), &sent, &sent).is_ok());
    }

    #[test]
    fn many_addresses_stop_at_the_hours_limit() {
        let now: DateTime<Utc> = "2026-11-17T08:00:00Z".parse().unwrap();
        let all = vec![now - Duration::minutes(30); AN_HOUR_IN_ALL];
        assert_eq!(allow(now, &[], &all), Err(Held::InAll));
        assert!(allow(now + Duration::minutes(31), &[], &all).is_ok());
    }
}

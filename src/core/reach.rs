//! Whether mail reaches a member: what their mail host sent back lately, and an absence their program announced.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// So many soft failures within [`SOFT_DAYS`] count as an address that does not work (mailing lists' practice).
const SOFT_LIMIT: usize = 5;
/// The days in which soft failures add up.
const SOFT_DAYS: i64 = 14;
/// What a mail host sent back is forgotten after so many days.
const KEPT_DAYS: i64 = 60;

/// What came back instead of arriving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The address is no good.
    Hard,
    /// It may work another time.
    Soft,
    /// The mailbox is full: counts as soft.
    Quota,
    /// The host refuses us (spam, authentication, blocks) or the mail as such (size, content): the operator's business,
    /// never the member's.
    Policy,
    /// Not delivered yet, still tried: no failure.
    Delayed,
}

impl Trouble {
    /// What an SMTP server's own refusal comes to: status class 5.7 is about us (RFC 3463 §3.8), and so are 5.1.7 and
    /// 5.1.8, which speak of the sender's address (§3.2); 5.2.3 and 5.3.4 are about the mail's size, 5.6 about what it
    /// holds; a full mailbox is x.2.2, all else says that the address is no good.
    pub fn of_refusal(reply: &str) -> Self {
        let codes = || reply.split(|c: char| !c.is_ascii_digit() && c != '.').map(|w| w.trim_end_matches('.'));
        let status = |wanted: &str| codes().any(|w| w == wanted || wanted.ends_with('.') && w.starts_with(wanted));
        if ["5.7.", "5.6.", "5.1.7", "5.1.8", "5.2.3", "5.3.4"].into_iter().any(status) {
            Self::Policy
        } else if status("5.2.2") {
            Self::Quota
        } else {
            Self::Hard
        }
    }
}

/// A mail that came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounced {
    /// When we heard of it.
    pub at: DateTime<Utc>,
    /// What it was.
    pub trouble: Trouble,
    /// The key of the mail of ours: two reports on one mail count once.
    pub mail: String,
    /// The server's status or words.
    pub why: String,
}

/// An absence that an automatic reply announced; the member never confirmed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// When the automatic reply came.
    pub told: DateTime<Utc>,
    /// The last day away, where it was said.
    pub until: Option<NaiveDate>,
}

/// What is known of the way to a member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// What came back lately, oldest first.
    pub bounced: Vec<Bounced>,
    /// The last absence announced.
    pub away: Option<Away>,
}

/// What one more failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing new: known, delayed, or too few to count.
    Noted,
    /// The address is to be checked: the first sign that it is no good.
    ToCheck,
    /// No more mail goes there: two failures for good on different days, or five others in fourteen.
    Suspend,
    /// The operator's set-up is refused.
    Operator,
}

impl Reach {
    /// Takes note of what came back.
    pub fn note(&mut self, new: Bounced) -> Step {
        let now = new.at;
        self.bounced.retain(|b| b.at > now - Duration::days(KEPT_DAYS));
        // one mail fails once: what was only delayed or soft before may turn into a failure for good
        if let Some(same) = self.bounced.iter_mut().find(|b| b.mail == new.mail) {
            let worse = new.trouble == Trouble::Hard && same.trouble != Trouble::Hard;
            if !worse && same.trouble != Trouble::Delayed {
                return Step::Noted;
            }
        }
        let checked = self.to_check();
        let trouble = new.trouble;
        self.bounced.retain(|b| b.mail != new.mail);
        self.bounced.push(new);
        match trouble {
            Trouble::Policy => Step::Operator,
            Trouble::Delayed => Step::Noted,
            _ if self.is_dead(now) => Step::Suspend,
            Trouble::Hard if !checked => Step::ToCheck,
            Trouble::Hard | Trouble::Soft | Trouble::Quota => Step::Noted,
        }
    }

    fn is_dead(&self, now: DateTime<Utc>) -> bool {
        let hard = || self.bounced.iter().filter(|b| b.trouble == Trouble::Hard).map(|b| b.at.date_naive());
        let days = hard().min() != hard().max();
        let soft = |b: &&Bounced| {
            matches!(b.trouble, Trouble::Soft | Trouble::Quota) && b.at > now - Duration::days(SOFT_DAYS)
        };
        days || self.bounced.iter().filter(soft).count() >= SOFT_LIMIT
    }

    /// A mail was refused for good, and nothing was heard of the member since.
    pub fn to_check(&self) -> bool {
        self.bounced.iter().any(|b| b.trouble == Trouble::Hard)
    }

    /// The last refusal that speaks of our set-up, not of the member.
    pub fn policy(&self) -> Option<&Bounced> {
        self.bounced.iter().rev().find(|b| b.trouble == Trouble::Policy)
    }

    /// The member is heard of: what was held against the address is forgotten.
    pub fn alive(&mut self) {
        self.bounced.retain(|b| b.trouble == Trouble::Policy);
    }

    /// An absence that is over is forgotten; one without a date after two weeks.
    pub fn forget(&mut self, today: NaiveDate) {
        let last = |a: &Away| a.until.unwrap_or_else(|| a.told.date_naive() + Duration::days(SOFT_DAYS));
        self.away = self.away.filter(|a| last(a) >= today);
    }

    /// The last day away, where one was announced that is not over on that day.
    pub fn away_on(&self, day: NaiveDate) -> Option<NaiveDate> {
        self.away.and_then(|a| a.until).filter(|until| *until >= day)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn back(day: i64, trouble: Trouble, mail: &str) -> Bounced {
        let start: DateTime<Utc> = "2026-11-02T10:00:00Z".parse().unwrap();
        Bounced { at: start + Duration::days(day), trouble, mail: mail.into(), why: "said so".into() }
    }

    fn run(all: &[(i64, Trouble)]) -> Vec<Step> {
        let mut reach = Reach::default();
        all.iter().enumerate().map(|(n, (day, trouble))| reach.note(back(*day, *trouble, &n.to_string()))).collect()
    }

    #[test]
    fn hard_twice_on_different_days_suspends() {
        use Step::{Noted, Suspend, ToCheck};
        use Trouble::Hard;
        assert_eq!(run(&[(0, Hard), (0, Hard), (1, Hard)]), [ToCheck, Noted, Suspend]);
        assert_eq!(run(&[(0, Hard), (61, Hard)]), [ToCheck, ToCheck], "what is long past is forgotten");
    }

    #[test]
    fn five_soft_in_fourteen_days_suspend_and_a_full_mailbox_counts() {
        use Step::{Noted, Suspend};
        use Trouble::{Quota, Soft};
        let all = [(0, Soft), (1, Quota), (2, Soft), (3, Soft), (13, Quota)];
        assert_eq!(run(&all), [Noted, Noted, Noted, Noted, Suspend]);
        let slow = [(0, Soft), (4, Quota), (8, Soft), (12, Soft), (16, Quota)];
        assert_eq!(run(&slow), [Noted; 5]);
    }

    #[test]
    fn policy_and_delay_never_count_against_the_member() {
        let mut all = vec![(0, Trouble::Policy); 9];
        assert_eq!(run(&all), [Step::Operator; 9]);
        all = (0..9).map(|day| (day, Trouble::Delayed)).collect();
        assert_eq!(run(&all), [Step::Noted; 9]);
    }

    #[test]
    fn one_mail_fails_once() {
        let mut reach = Reach::default();
        assert_eq!(reach.note(back(0, Trouble::Delayed, "m")), Step::Noted);
        assert_eq!(reach.note(back(1, Trouble::Hard, "m")), Step::ToCheck);
        assert_eq!(reach.note(back(2, Trouble::Hard, "m")), Step::Noted);
        assert_eq!(reach.bounced.len(), 1);
        reach.alive();
        assert!(!reach.to_check());
        assert_eq!(reach.note(back(3, Trouble::Hard, "n")), Step::ToCheck, "a sign of life clears the mark");
    }

    #[test]
    fn a_servers_refusal_is_told_apart_by_its_status() {
        for (reply, wanted) in [
            ("550 5.1.1 no such user", Trouble::Hard),
            ("554 5.7.1 blocked", Trouble::Policy),
            ("550 5.1.8 sender's domain unknown", Trouble::Policy),
            ("552 5.2.2 full", Trouble::Quota),
            ("552 5.2.3 too long", Trouble::Policy),
            ("552 5.3.4 too big.", Trouble::Policy),
            ("554 5.6.0 not accepted", Trouble::Policy),
            ("550 5.3.40 unknown", Trouble::Hard),
            ("550 unknown", Trouble::Hard),
            ("550 version 15.7.1 says no", Trouble::Hard),
        ] {
            assert_eq!(Trouble::of_refusal(reply), wanted, "{reply}");
        }
    }
}

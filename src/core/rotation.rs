//! Whose turn it is: everyone once before anyone twice, the least recent first, debts remembered.

use crate::core::group::{Group, Member};
use crate::core::ids::MemberId;
use chrono::NaiveDateTime;

impl Group {
    /// The circle in the order of its next turns as requester. Fewest turns first, then the one
    /// whose last turn is longest ago, then the file's order. Somebody who joined later counts as
    /// having had as many turns as the one with the fewest had then: no newcomer catches up twice.
    pub fn whose_turn(&self) -> Vec<MemberId> {
        let had = |m: &Member| {
            let last = self.turns.iter().filter(|t| t.member == m.id).map(|t| t.wall).max();
            (self.turns_by(m, None), last)
        };
        let mut all: Vec<_> = self.circle().filter(|m| m.paused.is_none()).collect();
        // a stable sort keeps the file's order among equals; None (never) sorts before any date
        all.sort_by_key(|m| had(m));
        all.into_iter().map(|m| m.id.clone()).collect()
    }

    /// Turns that count for a member before that hour: their own since they joined (came back), and
    /// those that the one with the fewest had when they did. Who joined in the same instant as all
    /// others starts from none.
    fn turns_by(&self, member: &Member, before: Option<NaiveDateTime>) -> usize {
        let joined = self.joined(member);
        let counts = |wall: NaiveDateTime| wall >= joined && before.is_none_or(|b| wall < b);
        let own = self.turns.iter().filter(|t| t.member == member.id && counts(t.wall)).count();
        let there_before = self.circle().filter(|m| self.joined(m) < joined);
        own + there_before.map(|m| self.turns_by(m, Some(joined))).min().unwrap_or(0)
    }

    /// When a member joined, in the group's wall time, as turns are told.
    fn joined(&self, member: &Member) -> NaiveDateTime {
        member.joined.with_timezone(&self.spec.zone).naive_local()
    }

    /// The next slot of the schedule after the last one planned, held, cancelled or skipped, that
    /// is not in the days to leave out.
    pub fn next_slot(&self) -> Option<NaiveDateTime> {
        let mut after = self.last_slot?;
        // a skipped span of some years is a mistake, not a plan
        for _ in 0..1000 {
            after = self.spec.schedule.next_after(after)?;
            if !self.spec.skip.iter().any(|s| (s.from..=s.to).contains(&after.date())) {
                return Some(after);
            }
        }
        None
    }
}

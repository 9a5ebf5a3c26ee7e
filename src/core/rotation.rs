//! Whose turn it is: everyone once before anyone twice, the least recent first, debts remembered.

use crate::core::group::{Group, Member};
use crate::core::ids::MemberId;
use chrono::NaiveDateTime;

impl Group {
    /// The circle in the order of its next turns as requester. Fewest turns first, then the one
    /// whose last turn is longest ago, then the file's order. Somebody who joined later counts as
    /// having had as many turns as the one with the fewest had then: no newcomer catches up twice.
    pub fn whose_turn(&self) -> Vec<MemberId> {
        let had = |id: &MemberId| {
            let own: Vec<NaiveDateTime> = self.turns.iter().filter(|t| t.member == *id).map(|t| t.wall).collect();
            (own.len() + self.turns_at_joining(id), own.into_iter().max())
        };
        let mut all: Vec<_> = self.circle().filter(|m| m.paused.is_none()).map(|m| m.id.clone()).collect();
        // a stable sort keeps the file's order among equals; None (never) sorts before any date
        all.sort_by_key(|id| had(id));
        all
    }

    /// Turns that the one with the fewest had had when this member joined: their head start.
    fn turns_at_joining(&self, id: &MemberId) -> usize {
        let Some(joined) = self.member(id).map(|m| m.joined.with_timezone(&self.spec.zone).naive_local()) else {
            return 0;
        };
        let there_before = |m: &&Member| m.id != *id && m.joined.with_timezone(&self.spec.zone).naive_local() < joined;
        let turns = |m: &Member| self.turns.iter().filter(|t| t.member == m.id && t.wall < joined).count();
        self.circle().filter(there_before).map(turns).min().unwrap_or(0)
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

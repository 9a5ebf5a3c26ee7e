//! Whose turn it is, over three years.

use super::ops::{Edit, Op};
use super::world::World;
use codevd::core::{Meeting, MemberId, Stage};
use proptest::prelude::*;

/// What a month brings, besides its session.
#[derive(Debug, Clone)]
enum Month {
    Quiet,
    /// Somebody joins, leaves or comes back.
    Toggle(usize),
    Cancel,
    /// The seat goes to somebody.
    Swap(usize),
}

fn months(only_joins: bool) -> impl Strategy<Value = Vec<Month>> {
    let other = if only_joins { 0 } else { 1 };
    let month = prop_oneof![
        6 => Just(Month::Quiet),
        // in the file's order: those who may join stand last
        1 => (6usize..8).prop_map(Month::Toggle),
        other => (1usize..8).prop_map(Month::Toggle),
        other * 2 => Just(Month::Cancel),
        other * 2 => (1usize..8).prop_map(Month::Swap),
    ];
    proptest::collection::vec(month, 36)
}

/// Lives through the months; gives each planned meeting with the turns everybody had by then.
fn live(months: &[Month], mut look: impl FnMut(&World, &Meeting)) -> World {
    let mut world = World::new();
    let mut seen = 0;
    for month in months {
        for third in 0..3 {
            world.play(&Op::Wait(10 * 86_400 + 36_000));
            while let Some(meeting) = world.group.meetings.iter().find(|m| m.number.0 > seen) {
                seen = meeting.number.0;
                look(&world, meeting);
            }
            let op = match month {
                Month::Toggle(n) if third == 1 => Op::Apply(Edit::Toggle(*n)),
                Month::Cancel if third == 1 => Op::Cancel { meeting: 0 },
                Month::Swap(member) if third == 1 => Op::Swap { meeting: 0, member: *member },
                _ => continue,
            };
            world.play(&op);
        }
    }
    world
}

/// Sessions held or announced, before that one, with this requester: told from the meetings themselves.
fn turns(world: &World, before: u32, member: &MemberId) -> usize {
    let counts = |m: &&Meeting| m.number.0 < before && m.stage != Stage::Cancelled && m.requester == *member;
    world.group.meetings.iter().filter(counts).count()
}

fn joined(world: &World, id: &MemberId) -> chrono::DateTime<chrono::Utc> {
    world.group.member(id).unwrap().joined
}

/// Those of the circle whom no month takes out.
fn all_along(world: &World, months: &[Month]) -> Vec<MemberId> {
    let toggled: Vec<_> =
        months.iter().filter_map(|m| if let Month::Toggle(n) = m { Some(*n) } else { None }).collect();
    let here = |n: &usize| *n < 6 && !toggled.contains(n);
    (1..8).filter(here).map(|n| world.group.members[n].id.clone()).collect()
}

proptest! {
    #![proptest_config(crate::cases(8))]

    /// Whatever is joined, left, cancelled and swapped: the schedule gives nobody a further turn while somebody who
    /// was there as long has had fewer. A third turn therefore waits until everybody had theirs.
    #[test]
    fn nobody_gets_a_further_turn_before_those_who_had_fewer(months in months(false)) {
        live(&months, |world, meeting| {
            let circle = all_along(world, &months);
            if circle.contains(&meeting.requester) {
                let had = turns(world, meeting.number.0, &meeting.requester);
                for other in &circle {
                    let less = turns(world, meeting.number.0, other);
                    assert!(had <= less, "{} had {had} turns, {other} {less}", meeting.requester);
                }
            }
        });
    }

    /// Who joins is soon the requester, and then waits like everybody: nobody catches up, nobody is kept waiting.
    #[test]
    fn a_newcomer_takes_a_turn_and_then_waits_like_everybody(months in months(true)) {
        live(&months, |world, meeting| {
            let circle = all_along(world, &months);
            let since = |from: &dyn Fn(&Meeting) -> bool, who: &MemberId| {
                let planned = world.group.meetings.iter().filter(|m| m.number < meeting.number && from(m));
                planned.filter(|m| m.requester == *who).count()
            };
            let turn_before = world.group.meetings.iter().rev().find(|m| {
                m.number < meeting.number && m.requester == meeting.requester
            });
            if let Some(last) = turn_before.filter(|l| joined(world, &meeting.requester) < l.created) {
                for other in &circle {
                    let had = *other == meeting.requester || since(&|m| m.number > last.number, other) > 0;
                    assert!(had, "{} again, and {other} not since", meeting.requester);
                }
            }
            for new in world.group.members.iter().filter(|m| m.is_active() && !circle.contains(&m.id)) {
                let after = |m: &Meeting| m.created > new.joined;
                let waits = since(&after, &new.id) == 0 && meeting.requester != new.id && new.circle;
                let twice = circle.contains(&meeting.requester) && since(&after, &meeting.requester) > 0;
                assert!(!(waits && twice), "{} twice, and {} not since they joined", meeting.requester, new.id);
            }
        });
    }

    /// With newcomers alone, everyone is once before anyone is twice, and so on for three years.
    #[test]
    fn everyone_once_before_anyone_twice(months in months(true)) {
        let world = live(&months, |world, meeting| {
            let circle = all_along(world, &months);
            let had: Vec<_> = circle.iter().map(|m| turns(world, meeting.number.0 + 1, m)).collect();
            let (least, most) = (had.iter().min().unwrap(), had.iter().max().unwrap());
            assert!(most - least <= 1, "{circle:?} had {had:?}");
        });
        prop_assert!(world.group.meetings.len() >= 36);
    }
}

//! Whose turn it is, over three years.

use crate::ops::{Edit, Op};
use crate::world::World;
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

/// Those of the circle whom no month takes out.
fn all_along(world: &World, months: &[Month]) -> Vec<MemberId> {
    let toggled: Vec<_> =
        months.iter().filter_map(|m| if let Month::Toggle(n) = m { Some(*n) } else { None }).collect();
    let here = |n: &usize| *n < 6 && !toggled.contains(n);
    (1..8).filter(here).map(|n| world.group.members[n].id.clone()).collect()
}

proptest! {
    #![proptest_config(crate::cases(16))]

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

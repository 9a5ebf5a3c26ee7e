//! The session's clock under the facilitator's words.

use super::ops::clock;
use super::world::World;
use chrono::{DateTime, Duration, Utc};
use codevd::core::{Kind, Meaning, Run, Stage};
use proptest::prelude::*;

proptest! {
    #![proptest_config(crate::cases(48))]

    /// Words of chance at chance moments: the steps stay in order, the end keeps its promise, and the session ends.
    #[test]
    fn the_clock_stays_in_order_under_any_words(
        words in proptest::collection::vec((0u32..700, any::<bool>(), clock()), 1..25)
    ) {
        let mut world = World::in_session();
        for (gap, looked, word) in &words {
            world.now += Duration::seconds(i64::from(*gap));
            if *looked {
                world.due();
            }
            let Some(before) = running(&world) else { break };
            world.says("marie", Kind::StepPrompt, word.clone());
            let after = world.group.meetings[0].run.clone().unwrap();
            in_order(&after);
            if running(&world).is_some() {
                keeps_its_end(&before, &after, word, world.now);
                goes_on_where_it_stood(&before, &after, word, world.now);
            }
        }
        world.due();
        world.ends_all();
    }
}

fn running(world: &World) -> Option<Run> {
    let meeting = &world.group.meetings[0];
    meeting.run.clone().filter(|_| meeting.stage == Stage::Running)
}

fn in_order(run: &Run) {
    for step in &run.steps {
        assert!(step.start <= step.end, "{step:?}");
    }
    for pair in run.steps.windows(2) {
        assert!(pair[0].end <= pair[1].start, "{:?} overlaps {:?}", pair[0], pair[1]);
    }
}

fn end(run: &Run) -> DateTime<Utc> {
    run.steps.last().unwrap().end
}

/// The step in which the clock stands.
fn under_way(run: &Run, now: DateTime<Utc>) -> usize {
    run.current(run.paused.unwrap_or(now)).unwrap_or(0) as usize
}

/// More time without "end" is taken from half of what is still to come; with "end" the announced end moves along.
fn keeps_its_end(before: &Run, after: &Run, word: &Meaning, now: DateTime<Utc>) {
    let (wanted, moves) = match word {
        Meaning::Extend { minutes, move_end } => (Duration::minutes(i64::from(*minutes)), *move_end),
        Meaning::Late { minutes } => (Duration::minutes(i64::from(minutes.unwrap_or(5))), false),
        Meaning::Resume { move_end } => (before.paused.map_or(Duration::zero(), |since| now - since), *move_end),
        _ => return,
    };
    if moves {
        assert_eq!(after.announced_end - before.announced_end, end(after) - end(before), "{word:?}");
        return;
    }
    assert_eq!(after.announced_end, before.announced_end, "{word:?} moved the announced end");
    let current = under_way(before, now);
    let spare: i64 = before.steps.iter().skip(current + 1).map(|s| (s.end - s.start).num_seconds() / 2).sum();
    // where the step was over already, what it overran is given back as well
    let at = before.paused.unwrap_or(now);
    let overran = (at - before.steps[current].end).max(Duration::zero());
    if (wanted + overran).num_seconds() < spare {
        assert!(end(after) <= end(before), "{word:?} moved the end from {} to {}", end(before), end(after));
    }
}

/// After a pause the step under way has as much time left as when it was stopped.
fn goes_on_where_it_stood(before: &Run, after: &Run, word: &Meaning, now: DateTime<Utc>) {
    let (Meaning::Resume { .. }, Some(since)) = (word, before.paused) else { return };
    let Some(current) = before.current(since) else { return };
    let step = &before.steps[current as usize];
    if step.end > since {
        assert_eq!(after.current(now), Some(current), "another step after the pause");
        assert_eq!(after.steps[current as usize].end - now, step.end - since, "time lost or won in the pause");
    }
}

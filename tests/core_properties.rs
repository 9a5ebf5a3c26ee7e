//! What must hold of a group whatever happens to it: histories of chance against the pure core, without store,
//! templates or mail.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "core_properties/world.rs"]
mod world;

#[path = "core_properties/ops.rs"]
mod ops;

#[path = "core_properties/rotation.rs"]
mod rotation;

#[path = "core_properties/session.rs"]
mod session;

#[path = "core_properties/found.rs"]
mod found;

use ops::{Op, history};
use proptest::prelude::*;
use world::World;

fn cases(n: u32) -> ProptestConfig {
    ProptestConfig { cases: n, failure_persistence: None, max_shrink_iters: 400, ..ProptestConfig::default() }
}

fn live(ops: &[Op]) -> World {
    let mut world = World::new();
    for op in ops {
        world.play(op);
    }
    world
}

proptest! {
    #![proptest_config(cases(96))]

    /// Months of letters, buttons, orders, losses and silence: every rule of `World::check` holds after each.
    #[test]
    fn a_group_stays_whole_whatever_happens(ops in history(60)) {
        live(&ops);
    }

    /// Whatever happened, silence afterwards brings every meeting that was on the calendar to its end.
    #[test]
    fn silence_brings_every_meeting_to_its_end(ops in history(30)) {
        live(&ops).ends_all();
    }
}

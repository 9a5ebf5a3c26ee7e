//! What must hold of a group whatever happens to it: histories of chance against the pure core, without store,
//! templates or mail.

mod world;

mod ops;

mod rotation;

mod session;

mod found;

use ops::{Op, history};
use proptest::prelude::*;
use world::World;

fn live(ops: &[Op]) -> World {
    let mut world = World::new();
    for op in ops {
        world.play(op);
    }
    world
}

proptest! {
    #![proptest_config(crate::cases(48))]

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

//! A pretended world around the real engine: a clock that jumps, a post office in memory, people who answer.
//!
//! What decides, renders, stores and sends is the production code; only the ports are other ones.

pub mod calendar_reply;
pub mod calendars;
pub mod client;
pub mod clock;
pub mod deeds;
pub mod edits;
pub mod faults;
pub mod house;
pub mod invariants;
pub mod office;
pub mod person;
pub mod plan;
pub mod points;
pub mod post;
pub mod seats;
pub mod sent;
pub mod shrink;
pub mod world;
pub mod year;

pub use client::Client;
pub use clock::{SeededIds, VirtualClock};
pub use person::{Habit, Person, Say};
pub use post::{Delivered, SimInbox, SimPost};
pub use seats::Foreseen;
pub use world::{Outbound, World, WorldError, WorldEvent};

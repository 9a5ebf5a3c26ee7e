//! The store on real files: what is written comes back the same, and nothing is lost on the way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "store/clock.rs"]
mod clock;
#[path = "store/columns.rs"]
mod columns;
#[path = "store/damage.rs"]
mod damage;
#[path = "store/file.rs"]
mod file;
#[path = "store/fixture.rs"]
mod fixture;
#[path = "store/forget.rs"]
mod forget;
#[path = "store/inbox.rs"]
mod inbox;
#[path = "store/life.rs"]
mod life;
#[path = "store/outbox.rs"]
mod outbox;
#[path = "store/round_trip.rs"]
mod round_trip;
#[path = "store/schemas.rs"]
mod schemas;
#[path = "store/sealed.rs"]
mod sealed;

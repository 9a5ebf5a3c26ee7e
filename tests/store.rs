//! The store on real files: what is written comes back the same, and nothing is lost on the way.

mod clock;
mod columns;
mod damage;
mod file;
pub mod fixture;
mod forget;
mod inbox;
mod life;
mod outbox;
mod round_trip;
mod schemas;
mod sealed;

//! codevd runs codéveloppement groups by mail and calendar invitations alone.
//!
//! The rooms in reading order; `ARCHITECTURE.md` beside this file tells how a mail goes through them.

#[macro_use]
mod crash;

pub mod cli;
pub mod config;
pub mod core;
pub mod daemon;
pub mod demo;
pub mod ical;
pub mod mail;
pub mod render;
pub mod sim;
pub mod store;
pub mod transport;
pub mod words;

//! codevd runs codéveloppement groups by mail and calendar invitations alone.
//!
//! The rooms in reading order; `ARCHITECTURE.md` beside this file tells how a mail goes through them.

pub mod core;
pub mod words;
pub mod ical;
pub mod mail;
pub mod render;
pub mod store;
pub mod transport;
pub mod daemon;
pub mod sim;
pub mod demo;
pub mod config;
pub mod cli;

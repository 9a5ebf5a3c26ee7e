//! codevd runs codéveloppement groups by mail and calendar invitations alone.
//!
//! The rooms in reading order; `ARCHITECTURE.md` beside this file tells how a mail goes through them.

pub mod config;
pub mod core;
pub mod ical;
pub mod mail;
pub mod store;
pub mod transport;
pub mod sim;
pub mod demo;

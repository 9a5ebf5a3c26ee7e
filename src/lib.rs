//! codevd runs codéveloppement groups by mail and calendar invitations alone.
//!
//! The rooms in reading order; `ARCHITECTURE.md` beside this file tells how a mail goes through them.

pub mod core;
pub mod words;

//! What the tests of the disk share: a house of the real program, and what strace saw of it.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]
#![allow(clippy::disallowed_methods)]

pub mod house;
pub mod image;
pub mod judge;
pub mod post;
pub mod trace;

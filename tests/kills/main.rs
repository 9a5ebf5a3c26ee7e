//! The real binary, killed: at every named crash point, and at random under load. Real Postfix and Dovecot stand on
//! the other side, and afterwards both sides are compared mail by mail.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod arriving;
mod both_sides;
mod clock;
mod house;
#[path = "../interop/mod.rs"]
mod interop;
mod people;
mod points;
mod random;
mod seconds;
mod session;

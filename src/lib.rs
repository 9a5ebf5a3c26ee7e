//! codevd
pub mod mail;

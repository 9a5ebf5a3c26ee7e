//! codevd
pub mod demo;
pub mod transport;

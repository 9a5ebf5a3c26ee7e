//! The demo: the simulator with a face, on loopback alone.
pub mod post_office;

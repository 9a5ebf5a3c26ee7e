//! The demo: the real daemon on a temporary SQLite file, real SMTP on loopback, people who answer,
//! and a clock that jumps to what is due next.

pub mod cast;
pub mod files;
pub mod page;
pub mod post_office;
pub mod run;
pub mod tell;

pub use cast::{Cast, CastError};
pub use run::{Demo, DemoError, Options, play};

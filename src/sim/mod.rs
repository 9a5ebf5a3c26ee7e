//! In charge of the pretended world: what members' programs would do.

pub mod calendar_reply;

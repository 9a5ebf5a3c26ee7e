//! The session's clock under the facilitator's words.

//! codevd

//! `codevd-fuzz`, run by `fuzz/run`: FUZZ_TARGET names the target, the arguments are libFuzzer's.
#![no_main]

#[path = "targets.rs"]
mod targets;

use std::sync::LazyLock;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let found = targets::TARGETS.iter().find(|(target, _)| *target == name);
    let names: Vec<_> = targets::TARGETS.iter().map(|(target, _)| *target).collect();
    found.unwrap_or_else(|| panic!("FUZZ_TARGET is {name:?}; expected one of {}", names.join(", "))).1
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET(bytes));

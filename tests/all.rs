//! Every test of the program's rooms in one: built and linked once, what is shared read once, and both cores used to the
//! end. What needs a process of its own stands beside it: `hostile`, `memory`, `nothing_told`, `kills`.
//!
//! `cargo test` takes a sample of what takes long. `TESTS=whole` takes all of it, and ten times as many cases of chance: as
//! released, as `.ci/run` does it, that takes no longer.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs
)]

mod alarms;
mod auth_results;
mod bad_configs;
mod bounces;
mod calendar;
mod choices;
mod cli;
mod cli_keep;
mod cli_setup;
mod core_properties;
mod demo;
mod demo_page;
mod disk;
mod disk_faults;
mod fuzz_seeds;
mod generator;
mod golden;
mod headers;
mod interop;
mod interop_lmtp;
mod interop_month;
mod interop_thunderbird;
mod interop_transport;
mod itip;
mod layering;
mod learned;
mod lint;
mod loops;
mod mail_in;
mod mail_properties;
mod mail_read;
mod mail_write;
mod mails;
mod negated;
mod power_cut;
mod probe_plus;
mod process;
mod program;
mod prompts;
mod replies;
mod sample;
mod scenarios;
mod sender_proof;
mod sending;
mod sent_folder;
mod soak;
mod stage;
mod store;
mod support;
mod templates;
mod transport_imap;
mod transport_smtp;
mod transport_smtp_open;
mod wall_times;
mod who_may;
mod words;
mod words_seen;

use proptest::test_runner::Config;

/// All of what takes long, and not a sample of it?
fn whole() -> bool {
    std::env::var_os("TESTS").is_some_and(|value| value == "whole")
}

/// What chance begins with: something else with each commit, the same again for the same commit.
fn seed() -> u64 {
    std::env::var("PROPTEST_RNG_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(4711)
}

/// What this thread has worked so far: waiting for others on a busy machine is not counted (Linux, proc(5) `schedstat`).
fn worked() -> std::time::Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    std::time::Duration::from_nanos(told.split(' ').next().unwrap().parse().unwrap())
}

/// So many cases of chance in a sample.
fn cases(sample: u32) -> Config {
    let cases = if whole() { sample * 10 } else { sample };
    Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() }
}

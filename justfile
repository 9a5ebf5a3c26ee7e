# The same verbs everywhere: what .ci/run does, one at a time.

# Formats the code
fmt:
    cargo fmt

# Formatting, lints with warnings denied
check:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings

# The tests that need nothing installed
test:
    cargo test

# Tests against real servers (Postfix, Dovecot): they are installed by .ci/run
interop:
    cargo test --release --test interop_transport --test interop_month -- --ignored --test-threads=1

# Timings that can be told as ratios
bench:
    cargo bench

# A month in a minute
demo *ARGS:
    cargo run --release -- demo {{ARGS}}

# All of CI
ci:
    bash .ci/run

# The same verbs everywhere: what .ci/run does, one at a time.

# Formats the code
fmt:
    cargo fmt

# Formatting, lints with warnings denied
check:
    cargo fmt --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# The tests that need nothing installed: of what takes long a sample
test:
    cargo test

# The same with nothing sampled
whole:
    TESTS=whole cargo test --release

# Simulated group-years with faults: goes on where target/soak.json stands and adds up; what fails is shrunk into tests/soak
soak YEARS="10000" *ARGS:
    cargo run --release -- -qq soak --years {{YEARS}} --resume target/soak.json --cases tests/soak {{ARGS}}

# What broke a promise once, lived again
soak-again:
    cargo run --release -- -qq soak --years 0 --again tests/soak

# The next COUNT points at which a call of the real program fails; goes on from where it was
disk COUNT="500":
    DISK_POINTS={{COUNT}} DISK_RESUME="$(realpath target)/disk-points" cargo test --release --test all disk_faults::at_each -- --ignored --nocapture

# The next COUNT hostile mails; goes on from where it was and adds up
hostile COUNT="10000":
    HOSTILE={{COUNT}} HOSTILE_RESUME="$(realpath target)/hostile-mails" cargo test --release --test hostile -- --nocapture

# Tests against real servers (Postfix, Dovecot): they are installed by .ci/run
interop:
    cargo test --release --test all -- interop_transport:: interop_lmtp:: interop_month:: --ignored --test-threads=1

# A start among 100,000 groups, and the unit file by systemd's judge
process:
    cargo test --release --test all process:: -- --ignored --nocapture --test-threads=1
# The real binary killed under load until so many kills are counted; the seeds are printed
kills N="1000":
    KILLS={{N}} cargo test --release --features crash-points --test kills -- --ignored --nocapture killed_at_random

# Timings that can be told as ratios
bench:
    cargo bench -p benches

# A month in a minute
demo *ARGS:
    cargo run --release -- demo {{ARGS}}

# Every mail on sheets to look through, in FOLDER: index.html and screenshots at 360 and 700 px, light and dark
mails FOLDER="target/mails" PATTERN="*":
    CODEVD_MAILS="$(realpath -m "{{FOLDER}}")/html" cargo test --quiet --test all mails_can_be_looked_at
    bash tests/browser/sheet.sh "{{FOLDER}}/html" "{{FOLDER}}" "{{PATTERN}}"

# The README's pictures, taken from the running demo
pictures:
    npm ci --prefix tests/browser --no-audit --no-fund --silent
    cargo build --release
    node tests/browser/pictures.mjs "${CARGO_TARGET_DIR:-target}/release/codevd" docs/pictures

# Every parser of foreign bytes under libFuzzer, SECONDS each; goes on from where it was
fuzz SECONDS="10":
    fuzz/run {{SECONDS}}

# Every mail and the demo's page in a real browser: width, accessibility, contrast, requests, a month by clicks
browser:
    cargo build --release
    npm ci --prefix tests/browser --no-audit --no-fund --silent
    CODEVD_MAILS="$(realpath -m target/mails/html)" cargo test --quiet --test all mails_can
    node tests/browser/mails.mjs target/mails/html
    node tests/browser/clients.mjs target/mails/html
    node tests/browser/demo.mjs "${CARGO_TARGET_DIR:-target}/release/codevd"
    node tests/browser/month.mjs "${CARGO_TARGET_DIR:-target}/release/codevd"

# All of CI
ci:
    bash .ci/run

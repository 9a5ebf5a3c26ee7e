//! The unit file: how tight it is, and that it fits the program.

use super::house::{House, program};
use std::path::Path;
use std::process::Command;

const UNIT: &str = include_str!("../../config/codevd.service");

/// What systemd's own judge says of it (systemd-analyze(1), `security`): 0 is no exposure, 10 all.
#[test]
#[ignore = "needs systemd-analyze: .ci/run"]
fn the_unit_is_exposed_by_1_1_at_most() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/codevd.service");
    let judge = |threshold: &str| {
        let mut command = Command::new("systemd-analyze");
        command.args(["security", "--offline=true", "--no-pager", &format!("--threshold={threshold}")]).arg(&file);
        command.output().expect("systemd-analyze is installed")
    };
    // in tenths
    let said = judge("11");
    let text = String::from_utf8_lossy(&said.stdout);
    println!("{}", text.lines().last().unwrap_or_default());
    assert!(said.status.success(), "{text}");
    assert!(!judge("5").status.success(), "a judge that lets everything pass");
    // lines that systemd would not understand
    let told = Command::new("systemd-analyze").arg("verify").arg(&file).output().unwrap();
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    let unknown =
        |line: &&str| line.contains("Unknown") || line.contains("Failed to parse") || line.contains("ignoring");
    assert_eq!(told.lines().find(unknown), None, "{told}");
}

#[test]
fn the_commands_of_the_unit_are_commands_of_the_program() {
    let value = |key: &str| UNIT.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap();
    for (key, ends) in [("ExecStart", 1), ("ExecReload", 1)] {
        let words: Vec<&str> = value(key).split(' ').collect();
        let house = House::new();
        // a configuration that is not there is what stops it, and no word of the line
        let said = house.run(&words[1..]).ends(ends);
        assert!(said.err.contains("/etc/codevd/codevd.toml"), "{key}: {}", said.err);
    }
    assert_eq!(value("Type"), "notify");
    assert!(value("LoadCredential").starts_with("mailbox:"));
    assert!(program().exists());
}

//! Setting up as people do it: `init`, `plan`, going live, a first mail, a rehearsal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const PEOPLE: &str = "Ana Lopes <ana@example.com>, Bo Nilsson <bo@example.com>; chloe.martin@example.org, \
    David Roux <david@example.org>, Éric Petit <eric@example.org>";

/// What a command said.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    #[track_caller]
    fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    #[track_caller]
    fn data(&self, command: &str) -> Value {
        let value: Value = serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out));
        assert_eq!((&value["version"], &value["command"]), (&1.into(), &command.into()));
        value["data"].clone()
    }
}

fn codevd(folder: &Path, args: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codevd"));
    command.args(args).current_dir(folder).env_remove("CODEVD_CONFIG").env("TZ", "Europe/Paris").env("LANG", "C");
    said(command.env_remove("LC_ALL").env_remove("LC_MESSAGES").stdin(Stdio::null()).output().unwrap())
}

fn said(output: Output) -> Said {
    let text = |bytes| String::from_utf8(bytes).expect("text in UTF-8");
    Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

const ALL_SAID: [&str; 13] = [
    "init",
    "--address",
    "codev@assoc.example",
    "--provider",
    "infomaniak",
    "--group",
    "Codev Nord",
    "--members",
    PEOPLE,
    "--facilitator",
    "Marie Dupont <marie@example.org>",
    "--zone",
    "Europe/Brussels",
];

#[test]
fn what_init_writes_passes_the_check_at_once_and_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let first = codevd(folder.path(), &ALL_SAID).ends(0);
    assert!(first.out.contains("written: codevd.toml, groups/codev-nord.toml, codev.password"), "{}", first.out);
    assert!(first.out.ends_with("Next: codevd check groups/codev-nord.toml\n"), "{}", first.out);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(folder.path().join("codev.password")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let check =
        codevd(folder.path(), &["check", "--offline", "groups/codev-nord.toml", "--json"]).ends(0).data("check");
    assert_eq!(check["errors"], 0, "{check}");
    let text = check.to_string();
    assert!(text.contains("Codev Nord (codev-nord), 6 people"), "{text}");
    let before = fs::read_to_string(folder.path().join("codevd.toml")).unwrap();
    assert!(before.contains("smtps://mail.infomaniak.com:465") && before.contains("per_day = 1440"), "{before}");
    let again = codevd(folder.path(), &ALL_SAID).ends(1);
    assert!(again.err.contains("codevd.toml is there already"), "{}", again.err);
    assert_eq!(fs::read_to_string(folder.path().join("codevd.toml")).unwrap(), before);
}

#[test]
fn without_a_terminal_each_missing_flag_is_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let said = codevd(folder.path(), &["init", "--group", "Nord"]).ends(2);
    for flag in ["--address", "--provider", "--members", "--facilitator", "--zone (--yes takes \"Europe/Paris\")"] {
        assert!(said.err.contains(flag), "{flag}: {}", said.err);
    }
    assert!(!said.err.contains("--group"), "{}", said.err);
    let said = codevd(folder.path(), &["init", "--yes"]).ends(2);
    assert!(said.err.contains("say --address") && !said.err.contains("--zone"), "{}", said.err);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn init_takes_defaults_and_says_what_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let short = ["init", "house", "--yes", "--address", "codev.nord@gmail.com", "--members", PEOPLE];
    let dry = codevd(folder.path(), &[&short[..], &["--dry-run"]].concat()).ends(0);
    assert!(dry.out.contains("would write house/codevd.toml") && !folder.path().join("house").exists(), "{}", dry.out);
    let said = codevd(folder.path(), &short).ends(0);
    assert!(said.out.contains("apppasswords") && said.out.contains("--config house/codevd.toml check"), "{}", said.out);
    let group = fs::read_to_string(folder.path().join("house/groups/codev.toml")).unwrap();
    // the first member leads, and has their turn too
    assert!(group.contains("facilitators = [\"ana@example.com\"]\n"), "{group}");
    assert!(group.contains("\nfacilitators_in_circle = true\n") && group.contains("timezone = \"Europe/Paris\""));
    let args = ["--config", "house/codevd.toml", "check", "--offline", "house/groups/codev.toml"];
    codevd(folder.path(), &args).ends(0);
    let wrong: [(&[&str], &str); 5] = [
        (&["--members", "Ana <ana@x.org>"], "1 people in the circle"),
        (&["--members", "Ana Lopes"], "--members: no mail address in \"Ana Lopes\""),
        (&["--members", PEOPLE, "--provider", "gmial"], "did you mean gmail?"),
        (&["--members", PEOPLE, "--schedule", "second tusday 18:00"], "tuesday"),
        (&["--members", PEOPLE, "--facilitator", "codev@x.org"], "own"),
    ];
    for (more, told) in wrong {
        let args = [&["init", "other", "--yes", "--address", "codev@x.org"], more].concat();
        let said = codevd(folder.path(), &args).ends(2);
        assert!(said.err.contains(told), "{told}: {}", said.err);
    }
    assert!(!folder.path().join("other").exists());
}

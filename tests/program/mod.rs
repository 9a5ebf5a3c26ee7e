//! The built program as people call it, and what it said.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a command said.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text in UTF-8");
        let code = output.status.code().expect("an exit code, no signal");
        Self { code, out: text(output.stdout), err: text(output.stderr) }
    }

    /// It ended so, and not by a fault of the program.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    /// The data of the JSON envelope.
    #[track_caller]
    pub fn data(&self, command: &str) -> Value {
        let value: Value = serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out));
        assert_eq!((&value["version"], &value["command"]), (&1.into(), &command.into()));
        value["data"].clone()
    }
}

/// The program with these words, in a folder; nothing of the caller's own settings reaches it.
pub fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codevd"));
    command.args(args).current_dir(folder).env_remove("CODEVD_CONFIG").env_remove("NO_COLOR");
    command
}

/// The same, run to its end with nobody at the keyboard.
pub fn codevd(folder: &Path, args: &[&str]) -> Said {
    let mut command = command(folder, args);
    command.env("TZ", "Europe/Paris").env("LANG", "C").env_remove("LC_ALL").env_remove("LC_MESSAGES");
    Said::of(command.stdin(Stdio::null()).output().unwrap())
}

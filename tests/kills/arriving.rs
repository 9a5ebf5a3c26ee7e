//! Killed each time it takes one mail in, before that has a row: the mail is set aside unread, and others are read.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn codevd(folder: &Path, args: &[&str], dies_at: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codevd"));
    command.args(args).current_dir(folder).stdin(Stdio::null()).env_remove("CODEVD_CONFIG");
    if let Some(point) = dies_at {
        command.env("CODEVD_CRASH", point);
    }
    command.output().unwrap()
}

#[test]
#[ignore = "needs the feature crash-points: .ci/run runs it"]
#[allow(clippy::assertions_on_constants, reason = "how the test was built is what is asserted")]
fn killed_each_time_it_takes_one_mail_in_it_sets_that_one_aside() {
    assert!(cfg!(feature = "crash-points"), "run it with --features crash-points");
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["post/new", "post/cur", "post/tmp"] {
        std::fs::create_dir_all(at(name)).unwrap();
    }
    let config = "database = \"codevd.db\"\n[mailbox]\naddress = \"codev@example.org\"\n\
        [smtp]\nurl = \"smtp://127.0.0.1:9\"\n[maildir]\npath = \"post\"\n";
    std::fs::write(at("codevd.toml"), config).unwrap();
    std::fs::write(at("lyon.toml"), include_str!("../../config/group.example.toml")).unwrap();
    let applied = codevd(folder.path(), &["group", "apply", "lyon.toml", "--yes"], None);
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    std::fs::write(at("post/new/1.a.host"), "From: a@example.org\r\n\r\nhello\r\n").unwrap();
    let reading = ["receiver.arriving:1"; 5];
    // and at the write that sets it aside: before it, and on disk before anybody knows
    for point in reading.into_iter().chain(["store.begin set a mail aside:1", "store.on_disk set a mail aside:1"]) {
        let died = codevd(folder.path(), &["run", "--once"], Some(point));
        assert_eq!(died.status.signal(), Some(9), "{}", String::from_utf8_lossy(&died.stderr));
    }
    std::fs::write(at("post/new/2.b.host"), "From: b@example.org\r\n\r\nhello\r\n").unwrap();
    codevd(folder.path(), &["run", "--once"], None);
    let conn = rusqlite::Connection::open(at("codevd.db")).unwrap();
    let one = |sql: &str| -> String { conn.query_row(sql, [], |r| r.get(0)).unwrap() };
    let kept = "SELECT group_concat(reason) FROM inbox WHERE state = 'quarantined'";
    // the sixth time in the write itself, and the seventh it was on disk already
    assert_eq!(one(kept), "the daemon ended 6 times while it took this in; it is kept as it came");
    assert_eq!(one("SELECT group_concat(from_address) FROM inbox WHERE kind = 'mail'"), "b@example.org");
    assert!(!at("post/new/1.a.host").exists() && !at("post/new/2.b.host").exists());
}

//! Keeping what must be kept and forgetting what must not: `backup`, `restore`, `forget`, `mail retry`, `mail drop`.

use crate::program;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What a command printed, wherever, and its exit code.
fn codevd(folder: &Path, args: &[&str]) -> (i32, String) {
    let said = program::codevd(folder, args);
    (said.code, said.out + &said.err)
}

#[track_caller]
fn good(folder: &Path, args: &[&str]) -> String {
    let said = program::codevd(folder, args).ends(0);
    said.out + &said.err
}

/// A folder with a configuration and a live group of six.
fn house() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let people = "Ana Lopes <ana@example.com>, Bo Nilsson <bo@example.com>, Chloé Martin <chloe@example.org>, \
        David Roux <david@example.org>, Éric Petit <eric@example.org>, Farid Haddad <farid@example.org>";
    let init = [
        "init",
        "--address",
        "codev@assoc.example",
        "--provider",
        "infomaniak",
        "--group",
        "Codev Lyon",
        "--members",
        people,
        "--facilitator",
        "Marie Dupont <marie@example.org>",
        "--zone",
        "Europe/Paris",
        "--yes",
    ];
    good(dir.path(), &init);
    fs::write(dir.path().join("password"), "secret\n").unwrap();
    let file = group_file(dir.path());
    good(dir.path(), &["group", "apply", &file, "--live", "--yes"]);
    dir
}

fn group_file(folder: &Path) -> String {
    let mut files = fs::read_dir(folder.join("groups")).unwrap();
    files.next().unwrap().unwrap().path().display().to_string()
}

#[test]
fn a_backup_comes_back_and_no_mail_leaves_until_it_is_let_go() {
    let dir = house();
    let said = good(dir.path(), &["backup", "kept.db"]);
    assert!(said.contains("kept.db") && said.contains("codevd restore kept.db"), "{said}");
    for file in ["kept.db", "kept.db.key"] {
        assert_eq!(fs::metadata(dir.path().join(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
    let (code, said) = codevd(dir.path(), &["backup", "kept.db"]);
    assert!(code == 1 && said.contains("overwrites nothing"), "{said}");

    let before = good(dir.path(), &["group", "list"]);
    good(dir.path(), &["restore", "kept.db", "--dry-run"]);
    let said = good(dir.path(), &["restore", "kept.db"]);
    assert!(said.contains("No mail leaves yet") && said.contains("before-restore-"), "{said}");
    assert_eq!(good(dir.path(), &["group", "list"]), before);
    let aside =
        fs::read_dir(dir.path()).unwrap().flatten().any(|e| e.file_name().to_string_lossy().contains("before-restore"));
    assert!(aside, "what was there before is kept");
    let (code, said) = codevd(dir.path(), &["status"]);
    assert!(code == 3 && said.contains("restored from kept.db"), "{said}");
    assert!(said.contains("the Sent folder was not asked yet"), "{said}");
    let said = good(dir.path(), &["mail", "release", "--dry-run"]);
    assert!(said.contains("may have left after the backup was made"), "{said}");
    good(dir.path(), &["mail", "release"]);
    assert!(!codevd(dir.path(), &["status"]).1.contains("Sent folder"));
}

#[test]
fn a_backup_of_an_older_schema_comes_back() {
    let dir = house();
    good(dir.path(), &["backup", "kept.db"]);
    // as it was when the schema was the fourth
    let old = rusqlite::Connection::open(dir.path().join("old.db")).unwrap();
    for step in ["0001_first", "0002_proof", "0003_delegates", "0004_reach"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("migrations/{step}.sql"));
        old.execute_batch(&fs::read_to_string(file).unwrap()).unwrap();
    }
    old.execute("ATTACH ? AS new", [dir.path().join("kept.db").to_str().unwrap()]).unwrap();
    for table in ["groups", "members", "member_addresses", "meetings"] {
        let columns: String = old
            .query_row("SELECT group_concat(name) FROM pragma_table_info(?, 'main')", [table], |r| r.get(0))
            .unwrap();
        old.execute(&format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}"), []).unwrap();
    }
    old.execute_batch("PRAGMA user_version = 4; DETACH new;").unwrap();
    drop(old);
    let before = good(dir.path(), &["group", "list"]);
    good(dir.path(), &["restore", "old.db"]);
    assert_eq!(good(dir.path(), &["group", "list"]), before);
}

#[test]
fn a_backup_holds_no_keys_unless_asked_and_comes_back_with_and_without_them() {
    let dir = house();
    let exists = |name: &str| dir.path().join(name).exists();
    let said = good(dir.path(), &["backup", "plain.db"]);
    assert!(!exists("plain.db.keys") && said.contains("--with-keys"), "{said}");
    let said = good(dir.path(), &["backup", "whole.db", "--with-keys"]);
    assert!(exists("whole.db.keys") && said.contains("keep it apart"), "{said}");
    assert_eq!(fs::metadata(dir.path().join("whole.db.keys")).unwrap().permissions().mode() & 0o777, 0o600);
    let queue = good(dir.path(), &["mail", "queue"]);

    // the keys in use open an ordinary backup
    good(dir.path(), &["restore", "plain.db"]);
    assert_eq!(good(dir.path(), &["mail", "queue"]), queue);
    let first = queue.split_whitespace().find(|word| word.starts_with("out:")).unwrap().to_owned();
    let shown = good(dir.path(), &["mail", "show", &first]);
    // without any key the daemon's file is not opened for writing, and says which file is missing
    fs::rename(dir.path().join("codevd.db.keys"), dir.path().join("elsewhere")).unwrap();
    let (code, said) = codevd(dir.path(), &["mail", "drop", &first]);
    assert!(code == 1 && said.contains("codevd.db.keys") && said.contains("--with-keys"), "{said}");
    // a restore with the backup's own keys brings them
    good(dir.path(), &["restore", "whole.db"]);
    assert_eq!(good(dir.path(), &["mail", "show", &first]), shown);
    // and one without any gives up what they sealed: nothing is lost without a word
    fs::remove_file(dir.path().join("codevd.db.keys")).unwrap();
    good(dir.path(), &["restore", "plain.db"]);
    good(dir.path(), &["mail", "release"]);
    let password = dir.path().join("codev.password");
    fs::write(&password, "secret\n").unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    let (_, ran) = codevd(dir.path(), &["run", "--once"]);
    let said = good(dir.path(), &["why", &first]);
    assert!(said.contains("can't be opened"), "{said}\n{ran}");
}

#[test]
fn keys_without_their_database_are_told_and_no_empty_one_takes_its_place() {
    let dir = house();
    let path = |name: &str| dir.path().join(name);
    good(dir.path(), &["backup", "kept.db"]);
    let groups = good(dir.path(), &["group", "list"]);
    // as a restore leaves it that was cut off between its renames: the log of before is still there
    fs::rename(path("codevd.db"), path("codevd.db.before-restore-1")).unwrap();
    fs::write(path("codevd.db-wal"), "of the database of before").unwrap();
    for args in [&["run", "--once"][..], &["status"], &["group", "list"], &["mail", "hold"]] {
        let (code, said) = codevd(dir.path(), args);
        let told = ["codevd.db.keys", "codevd restore", "mounted", "move"].iter().all(|word| said.contains(word));
        assert!(code == 1 && told, "{args:?}: {code} {said}");
        assert!(!path("codevd.db").exists(), "{args:?}");
    }
    // what a start of an older program left there is no database either
    fs::write(path("codevd.db"), "").unwrap();
    assert_eq!(codevd(dir.path(), &["run", "--once"]).0, 1);
    good(dir.path(), &["restore", "kept.db"]);
    assert_eq!(good(dir.path(), &["group", "list"]), groups);
    let log = fs::read(path("codevd.db-wal")).unwrap_or_default();
    assert!(!log.starts_with(b"of the database"), "the log of another database is out of the way");
}

/// The order of names on the disk is the order in which they were given.
#[test]
fn a_restore_writes_each_of_its_names_to_disk() {
    let dir = house();
    good(dir.path(), &["backup", "kept.db", "--with-keys"]);
    let mut strace = std::process::Command::new("strace");
    strace.args(["-f", "-qq", "-y", "-e", "trace=rename,renameat,renameat2,fsync,fdatasync", "-o", "calls", "--"]);
    let ran = strace.arg(env!("CARGO_BIN_EXE_codevd")).args(["restore", "kept.db"]).current_dir(dir.path()).output();
    if !ran.is_ok_and(|output| output.status.success()) {
        return;
    }
    let calls = fs::read_to_string(dir.path().join("calls")).unwrap();
    let ours: Vec<_> = calls.lines().filter(|l| l.contains("rename") || l.contains("sync(")).collect();
    let renames: Vec<_> = (0..ours.len()).filter(|n| ours[*n].contains("rename")).collect();
    assert!(renames.len() >= 3, "{calls}");
    let folder = dir.path().canonicalize().unwrap();
    let folder = format!("<{}>", folder.display());
    for at in renames {
        let next = ours.get(at + 1).copied().unwrap_or_default();
        assert!(next.contains("fsync(") && next.contains(&folder), "after {}: {next}", ours[at]);
    }
}

#[test]
fn a_broken_or_newer_backup_changes_nothing() {
    let dir = house();
    fs::write(dir.path().join("broken.db"), "this is no database at all, but text").unwrap();
    let bytes = fs::read(dir.path().join("codevd.db")).unwrap();
    let (code, said) = codevd(dir.path(), &["restore", "broken.db"]);
    assert!(code == 1 && said.contains("broken.db"), "{said}");
    let newer = rusqlite::Connection::open(dir.path().join("newer.db")).unwrap();
    newer.execute_batch("CREATE TABLE future (x); PRAGMA user_version = 99;").unwrap();
    drop(newer);
    let (code, said) = codevd(dir.path(), &["restore", "newer.db"]);
    assert!(code == 1 && said.contains("newer codevd"), "{said}");
    assert_eq!(fs::read(dir.path().join("codevd.db")).unwrap(), bytes);
    let left =
        fs::read_dir(dir.path()).unwrap().flatten().filter(|e| e.file_name().to_string_lossy().contains("restoring"));
    assert_eq!(left.count(), 0, "nothing of the try is left");
}

#[test]
fn who_is_still_there_is_not_forgotten_and_who_left_is() {
    let dir = house();
    let (code, said) = codevd(dir.path(), &["forget", "farid@example.org", "--yes"]);
    assert!(code == 1 && said.contains("still in") && said.contains("group apply"), "{said}");
    let (code, said) = codevd(dir.path(), &["forget", "nobody@example.org", "--yes"]);
    assert!(code == 1 && said.contains("nobody is called"), "{said}");

    let file = group_file(dir.path());
    let text = fs::read_to_string(&file).unwrap();
    let without: Vec<_> = text.split("[[member]]").filter(|part| !part.contains("farid@example.org")).collect();
    let without = without.join("[[member]]");
    assert_ne!(text, without);
    fs::write(&file, without).unwrap();
    good(dir.path(), &["group", "apply", &file, "--yes"]);
    let said = good(dir.path(), &["forget", "Farid Haddad", "--dry-run"]);
    assert!(said.contains("would be forgotten"), "{said}");
    let (code, said) = codevd(dir.path(), &["forget", "Farid Haddad"]);
    assert!(code == 2 && said.contains("--yes"), "{said}");
    let (code, said) = codevd(dir.path(), &["forget", "Farid Haddad", "--yes"]);
    assert!(code == 1 && said.contains("wait to leave"), "{said}");
    let queue = good(dir.path(), &["mail", "queue"]);
    for mail in queue.split_whitespace().filter(|word| word.starts_with("out:")) {
        good(dir.path(), &["mail", "drop", mail]);
    }
    let said = good(dir.path(), &["forget", "Farid Haddad", "--yes"]);
    assert!(said.contains("forgotten-1") && said.contains("backups"), "{said}");
    for entry in fs::read_dir(dir.path()).unwrap().flatten().filter(|e| e.file_name().to_string_lossy().contains(".db"))
    {
        let bytes = fs::read(entry.path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for gone in ["Haddad", "farid@example.org"] {
            assert!(!text.contains(gone), "{gone} stands in {:?}", entry.file_name());
        }
    }
}

#[test]
fn a_mail_that_waits_is_dropped_and_sent_after_all() {
    let dir = house();
    let queue = good(dir.path(), &["mail", "queue"]);
    let first =
        queue.split_whitespace().find(|word| word.starts_with("out:")).unwrap_or_else(|| panic!("{queue}")).to_owned();
    good(dir.path(), &["mail", "drop", &first, "--dry-run"]);
    let said = good(dir.path(), &["mail", "drop", &first]);
    assert!(said.contains("will not be sent"), "{said}");
    let (code, said) = codevd(dir.path(), &["mail", "drop", &first]);
    assert!(code == 1 && said.contains("dropped"), "{said}");
    let said = good(dir.path(), &["mail", "retry", &first]);
    assert!(said.contains("queued again"), "{said}");
    let (code, said) = codevd(dir.path(), &["mail", "drop", "out:4711"]);
    assert!(code == 1 && said.contains("there is no mail"), "{said}");
}

#[test]
fn an_exported_group_is_the_group_that_runs() {
    let dir = house();
    let id = good(dir.path(), &["group", "list"]).split_whitespace().next().unwrap().to_owned();
    let text = program::codevd(dir.path(), &["group", "export", &id]).ends(0).out;
    assert!(text.contains("[[member]]") && text.contains("ana@example.com"), "{text}");
    let said = good(dir.path(), &["group", "export", &id, "kept.toml"]);
    assert!(said.contains("written: kept.toml. Next:"), "{said}");
    assert_eq!(fs::read_to_string(dir.path().join("kept.toml")).unwrap(), text);
    // applied again it changes nothing
    let said = good(dir.path(), &["group", "apply", "kept.toml", "--yes"]);
    assert!(said.contains("nothing to do"), "{said}");
    // and it is not written over
    let (code, said) = codevd(dir.path(), &["group", "export", &id, "kept.toml"]);
    assert!(code == 1 && said.contains("overwrites nothing"), "{said}");
    let (code, said) = codevd(dir.path(), &["group", "export", "lion"]);
    assert!(code == 1 && said.contains("no group called \"lion\""), "{said}");
}

#[test]
fn a_removed_group_first_leaves_every_calendar_and_then_the_file() {
    let dir = house();
    let id = good(dir.path(), &["group", "list"]).split_whitespace().next().unwrap().to_owned();
    good(dir.path(), &["backup", "before.db"]);
    let shown = good(dir.path(), &["group", "remove", &id, "--dry-run"]);
    assert!(shown.contains("deleted: Codev Lyon") && shown.contains("nothing was changed (--dry-run)"), "{shown}");
    let (code, said) = codevd(dir.path(), &["group", "remove", &id]);
    assert!(code == 2 && said.contains("add --yes"), "{said}");
    // nothing has left yet, so people must still hear of it
    let said = good(dir.path(), &["group", "remove", &id, "--yes"]);
    assert!(said.contains("not removed yet") && said.contains("wait to leave"), "{said}");
    let stages = good(dir.path(), &["meeting", "list"]);
    assert!(!stages.contains("planned"), "{stages}");
    let queue = program::codevd(dir.path(), &["mail", "queue", "--json"]).ends(0).data("mail queue");
    for mail in queue["mails"].as_array().unwrap() {
        good(dir.path(), &["mail", "drop", &format!("out:{}", mail["id"])]);
    }
    let said = program::codevd(dir.path(), &["group", "remove", &id, "--yes", "--json"]).ends(0).data("group remove");
    assert_eq!((&said["removed"], &said["waiting"]), (&true.into(), &0.into()), "{said}");
    assert!(!good(dir.path(), &["group", "list"]).contains(&id));
    let (code, _) = codevd(dir.path(), &["group", "show", &id]);
    assert_eq!(code, 1);
    let said = good(dir.path(), &["status", "--json"]);
    assert!(said.contains("\"groups\":[]"), "{said}");
}

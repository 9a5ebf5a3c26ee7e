//! `codevd backup`, `restore` and `forget`: the file kept, brought back, and what must not be kept.

use super::args::{BackupArgs, ForgetArgs, RestoreArgs};
use super::failure::{Done, Failure, Result};
use super::setup::Setup;
use super::terminal::Terminal;
use crate::core::{GroupId, Member};
use crate::daemon::edge;
use crate::daemon::lock::Lock;
use crate::store::{Forgetting, Forgotten, Reader, Store};
use chrono::{DateTime, Utc};
use serde_json::json;
use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Copies the database while the daemon works, with the key of its tokens beside it.
pub(super) fn backup(setup: &Setup, args: &BackupArgs, terminal: &mut Terminal) -> Result {
    let reader = setup.reader()?;
    let to = target(args, setup.now());
    let (key, keys) = (edge::key_file(&to), edge::beside(&to, "keys"));
    for file in [&to, &key, &keys] {
        if file.exists() {
            let text = format!("{} is there already; a backup overwrites nothing. Name another file", file.display());
            return Err(Failure::because(text));
        }
    }
    // people's words lie in it
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&to).map_err(|why| cannot(&to, &why))?;
    reader.backup(&to)?;
    let with_keys = args.with_keys && reader.backup_keys(&to)?;
    let copied = edge::key_file(&setup.config.database);
    if copied.exists() {
        copy_private(&copied, &key)?;
    }
    on_disk(&to)?;
    let wrong = Reader::open(&to)?.quick_check()?;
    if !wrong.is_empty() {
        return Err(Failure::because(format!("the copy {} is not sound: {}", to.display(), wrong.join("; "))));
    }
    let bytes = fs::metadata(&to)?.len();
    if args.json.json {
        let keys = keys.exists().then_some(&keys);
        let key = copied.exists().then_some(&key);
        terminal.json("backup", &json!({ "file": to, "key": key, "keys": keys, "bytes": bytes }))?;
        return Ok(Done::Good);
    }
    terminal.line(format_args!("{} ({} kB), checked", to.display(), bytes.div_ceil(1024)))?;
    if copied.exists() {
        terminal.line(format_args!(
            "{} (the key of the tokens: without it, answers to old mails are not known)",
            key.display()
        ))?;
    }
    match with_keys {
        true => terminal.line(format_args!(
            "{} (the keys of people's words: keep it apart from the copy, and no longer than the words may be kept)",
            keys.display()
        ))?,
        false => terminal.line(format_args!(
            "What people wrote is sealed in it; the keys stay in {} alone (--with-keys copies them too)",
            reader.keys_file().display()
        ))?,
    }
    terminal.line(format_args!(
        "Keep them where only you can read them. To bring it back: codevd restore {}",
        to.display()
    ))?;
    Ok(Done::Good)
}

/// The file asked for, or one named by the hour in the folder asked for.
fn target(args: &BackupArgs, now: DateTime<Utc>) -> PathBuf {
    let name = format!("codevd-{}.db", now.format("%Y%m%d-%H%M%S"));
    match &args.file {
        Some(file) if file.is_dir() => file.join(name),
        Some(file) => file.clone(),
        None => PathBuf::from(name),
    }
}

fn cannot(file: &Path, why: &std::io::Error) -> Failure {
    Failure::because(format!("{} can't be written: {why}", file.display()))
}

/// Puts a backup in the database's place. The daemon must not run; all mail is held afterwards, since mails that left
/// after the backup was made would be decided again. What is there is moved only once the copy is known to be sound.
pub(super) fn restore(setup: &Setup, args: &RestoreArgs, terminal: &mut Terminal) -> Result {
    let database = &setup.config.database;
    let _lock = Lock::take(database, "restore")?;
    let copy = edge::beside(database, "restoring");
    // left behind by a restore that was cut off
    remove(&copy)?;
    let (groups, unreadable) = match copied(setup, args, &copy) {
        Ok((groups, unreadable)) if args.dry_run => {
            remove(&copy)?;
            closed(unreadable, terminal)?;
            terminal.line(format_args!(
                "nothing was changed (--dry-run): {} is sound and holds {groups} groups",
                args.file.display()
            ))?;
            return Ok(Done::Good);
        }
        Ok(found) => found,
        Err(failure) => {
            remove(&copy)?;
            return Err(failure);
        }
    };
    let aside = set_aside(database, setup.now())?;
    let key = edge::key_file(&args.file);
    if key.exists() {
        copy_private(&key, &edge::key_file(database))?;
    }
    let (new_keys, keys) = (edge::beside(&copy, "keys"), edge::beside(database, "keys"));
    if new_keys.exists() {
        if let Some(aside) = aside.as_ref().filter(|_| keys.exists() && edge::beside(&args.file, "keys").exists()) {
            copy_private(&keys, &edge::beside(aside, "keys"))?;
        }
        rename(&new_keys, &keys)?;
    }
    rename(&copy, database)?;
    if args.json.json {
        let data =
            json!({ "from": args.file, "groups": groups, "set_aside": aside, "held": true, "unreadable": unreadable });
        terminal.json("restore", &data)?;
        return Ok(Done::Good);
    }
    terminal.line(format_args!("{groups} groups from {} are back", args.file.display()))?;
    closed(unreadable, terminal)?;
    if let Some(aside) = aside {
        terminal.line(format_args!("what was there before lies in {}", aside.display()))?;
    }
    terminal.line(
        "No mail leaves yet: what was sent after the backup would be decided again. Start `codevd run`: it looks into \
         the Sent folder and marks what left. Then `codevd mail release --dry-run` says what it can't know, and \
         `codevd mail release` lets the rest go",
    )?;
    Ok(Done::Good)
}

/// Says so when there are words that no key opens.
fn closed(meetings: usize, terminal: &mut Terminal) -> Result<()> {
    if meetings > 0 {
        terminal.line(format_args!(
            "What was said at {meetings} meetings can't be opened: their keys are in no file here. Put FILE.keys beside \
             the backup and restore it again, if there is one"
        ))?;
    }
    Ok(())
}

/// The keys that will do for the copy: those beside the backup, else those in use. With neither an empty file says
/// that what they sealed is given up.
fn bring_keys(setup: &Setup, args: &RestoreArgs, copy: &Path) -> Result<()> {
    let to = edge::beside(copy, "keys");
    let places = [edge::beside(&args.file, "keys"), edge::beside(&setup.config.database, "keys")];
    match places.iter().find(|file| file.exists()) {
        Some(keys) => copy_private(keys, &to),
        None => {
            let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&to);
            made.map(drop).map_err(|why| cannot(&to, &why))
        }
    }
}

/// A copy beside the database, of today's schema, checked and on hold; says how many groups it holds, and at how many
/// meetings words were said that can't be opened.
fn copied(setup: &Setup, args: &RestoreArgs, copy: &Path) -> Result<(usize, usize)> {
    if !args.file.exists() {
        return Err(Failure::because(format!("there is no {}", args.file.display())));
    }
    bring_keys(setup, args, copy)?;
    let mut store = Store::copied(&args.file, copy)?;
    let wrong = store.quick_check()?;
    if !wrong.is_empty() {
        return Err(Failure::because(format!("{} is not sound: {}", args.file.display(), wrong.join("; "))));
    }
    store.restored_from(&args.file.display().to_string(), setup.now())?;
    // closing it writes its WAL into the file, which alone is moved
    Ok((store.groups()?.len(), store.unreadable()?.len()))
}

fn remove(copy: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm", ".keys", ".keys-journal"] {
        let file = PathBuf::from(format!("{}{suffix}", copy.display()));
        match fs::remove_file(&file) {
            Err(why) if why.kind() != std::io::ErrorKind::NotFound => return Err(cannot(&file, &why)),
            _ => {}
        }
    }
    Ok(())
}

/// The database that is there, with its WAL and key, under another name; nothing is deleted.
fn set_aside(database: &Path, now: DateTime<Utc>) -> Result<Option<PathBuf>> {
    let stem = format!("before-restore-{}", now.format("%Y%m%d-%H%M%S"));
    let to = edge::beside(database, &stem);
    let mut moved = false;
    // each by itself: of a restore that was cut off here the log may be left, which fits no other database
    for suffix in ["", "-wal", "-shm"] {
        let with = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        if with(database).exists() {
            rename(&with(database), &with(&to))?;
            moved = true;
        }
    }
    if !moved {
        return Ok(None);
    }
    let key = edge::key_file(database);
    if key.exists() {
        copy_private(&key, &edge::key_file(&to))?;
    }
    Ok(Some(to))
}

fn copy_private(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).map_err(|why| cannot(to, &why))?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o600))?;
    fs::File::open(to).and_then(|file| file.sync_all()).map_err(|why| cannot(to, &why))
}

/// Gives a file another name; a power cut afterwards finds it by that name.
fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|why| cannot(to, &why))?;
    on_disk(to)
}

/// The names in a file's folder are on disk.
fn on_disk(file: &Path) -> Result<()> {
    let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|why| cannot(folder, &why))
}

/// Forgets a person who left, in every group where they were.
pub(super) fn forget(setup: &Setup, args: &ForgetArgs, terminal: &mut Terminal) -> Result {
    let found = people(setup, &args.who)?;
    let Some((_, one)) = found.first() else {
        let text =
            format!("nobody is called {:?}, in any group; expected an address, lyon/ana, or a name in full", args.who);
        return Err(Failure::because(text));
    };
    let name = one.name.clone();
    let still: Vec<_> = found.iter().filter(|(_, m)| m.is_active()).map(|(g, _)| g.to_string()).collect();
    if !still.is_empty() {
        let groups = still.join(", ");
        let text = format!(
            "{name} is still in {groups}. Take them out of the group file, run `codevd group apply FILE`, then forget them"
        );
        return Err(Failure::because(text));
    }
    let groups: Vec<_> = found.iter().map(|(g, _)| g.to_string()).collect();
    if args.dry_run {
        terminal.line(format_args!(
            "nothing was changed (--dry-run): {name} would be forgotten in {}",
            groups.join(", ")
        ))?;
        return Ok(Done::Good);
    }
    if !args.yes && !agreed(args, &name, &groups, terminal)? {
        terminal.line("nothing was changed")?;
        return Ok(Done::Good);
    }
    let mut store = setup.store()?;
    let mut done: Vec<(GroupId, Forgotten)> = Vec::new();
    for (group, member) in &found {
        match store.forget(group, &member.id, setup.now())? {
            Forgetting::Done(forgotten) => done.push((group.clone(), forgotten)),
            Forgetting::NotGone => {}
            Forgetting::Waiting(mails) => {
                let text = format!(
                    "{mails} mails of {group} that name {name} wait to leave, and can't be written anew. Let them leave, \
                     or see `codevd mail queue --group {group}` and `codevd mail drop`, then forget {name} again"
                );
                return Err(Failure::because(text));
            }
        }
    }
    told(args, &done, terminal)
}

fn told(args: &ForgetArgs, done: &[(GroupId, Forgotten)], terminal: &mut Terminal) -> Result {
    if args.json.json {
        let one = |(group, f): &(GroupId, Forgotten)| json!({ "group": group.as_str(), "now": f.now.as_str(), "texts": f.texts, "sent": f.sent, "received": f.received });
        terminal.json("forget", &json!({ "forgotten": done.iter().map(one).collect::<Vec<_>>() }))?;
        return Ok(Done::Good);
    }
    for (group, f) in done {
        terminal.line(format_args!(
            "{group}: {} texts and {} mails to them deleted, {} mails from them emptied; in the ledger they are {}",
            f.texts, f.sent, f.received, f.now
        ))?;
    }
    terminal.line(
        "Three places are yours to clean: keys copied by `codevd backup --with-keys` before today, names and addresses in \
         older backups, and mails that lie in codevd's mailbox at the provider",
    )?;
    Ok(Done::Good)
}

fn agreed(args: &ForgetArgs, name: &str, groups: &[String], terminal: &mut Terminal) -> Result<bool> {
    if args.json.json || !terminal.can_ask() {
        let text = "nobody is there to say yes: add --yes to do it, or --dry-run to look only";
        return Err(Failure::Usage(text.to_owned()));
    }
    let question = format!("Delete all that {name} wrote and all mails, in {}? It can't be undone.", groups.join(", "));
    Ok(terminal.ask(&question)?)
}

/// Everybody meant, in all groups, those who left included.
fn people(setup: &Setup, who: &str) -> Result<Vec<(GroupId, Member)>> {
    let (reader, formats) = (setup.reader()?, setup.formats()?);
    let mut found = Vec::new();
    for row in reader.groups()? {
        let Some(loaded) = reader.load(&row.id, &formats)? else { continue };
        let is_meant = |m: &Member| {
            let addresses = std::iter::once(&m.email).chain(&m.aliases);
            let mut addresses = addresses.map(|a| a.as_str());
            format!("{}/{}", row.id, m.id) == who || m.name == who || addresses.any(|a| a.eq_ignore_ascii_case(who))
        };
        found.extend(loaded.group.members.into_iter().filter(is_meant).map(|m| (row.id.clone(), m)));
    }
    Ok(found)
}

//! Files that hold what nobody else may read: who may.

use super::check::Report;
use super::setup::Setup;
use super::terminal::Mark;
use crate::config::{Incoming, SecretSource};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Passwords and the database (people's words lie in it), each that others than its owner and group may read or that
/// others may write, with what to do.
pub(super) fn too_open(setup: &Setup) -> Vec<String> {
    let config = &setup.config;
    let smtp = config.smtp.login.as_ref().map(|l| &l.password);
    let imap = match &config.incoming {
        Incoming::Imap(imap) => Some(&imap.login.password),
        _ => None,
    };
    let mut files: Vec<(&str, PathBuf)> = Vec::new();
    for source in [smtp, imap].into_iter().flatten() {
        if let SecretSource::File(path) = source
            && !files.iter().any(|(_, known)| known == path)
        {
            files.push(("the password file", path.clone()));
        }
    }
    files.push(("the database", config.database.clone()));
    files.iter().filter_map(|(what, path)| open_file(what, path)).collect()
}

fn open_file(what: &str, path: &Path) -> Option<String> {
    // what is not there is told elsewhere
    let mode = std::fs::metadata(path).ok()?.mode() & 0o777;
    let who = match mode {
        _ if mode & 0o006 != 0 => "everybody on this machine may read or change it",
        _ if mode & 0o020 != 0 => "its whole group may change it",
        _ => return None,
    };
    let path = path.display();
    Some(format!("{what} {path} is too open (mode {mode:03o}): {who}. Do: chmod 600 {path}"))
}

pub(super) fn check(setup: &Setup, report: &mut Report) {
    too_open(setup).into_iter().for_each(|told| report.add(Mark::Care, "secrets", told));
}

//! Whether anything was lost or doubled: the mailbox, the database and the mail server, compared mail by mail.

use super::post::{Taken, message_id};
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What a house holds in the end, without what differs from run to run.
#[derive(Debug, PartialEq, Eq, Clone)]
pub struct End {
    /// The mails that were decided.
    pub keys: BTreeSet<String>,
    /// Who comes.
    pub attendance: Vec<String>,
}

/// SHA-256 of a mail, as the inbox keeps it.
pub fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn rows(conn: &Connection, sql: &str) -> Vec<String> {
    let mut rows = conn.prepare(sql).unwrap();
    rows.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Mails that wait for another attempt may go now: nobody waits an hour here. Says how many.
pub fn make_due(folder: &Path) -> usize {
    let conn = Connection::open(folder.join("codevd.db")).unwrap();
    let sql = "UPDATE outbox SET next_attempt_at = min(next_attempt_at, strftime('%Y-%m-%dT%H:%M:%SZ', 'now')) WHERE state = 'queued'";
    conn.execute(sql, []).unwrap()
}

/// Compares all sides; `accepted` is what the server took, `mails` what was handed in.
pub fn judge(folder: &Path, accepted: &[Taken], mails: &BTreeSet<String>) -> Result<End, String> {
    let conn = Connection::open(folder.join("codevd.db")).unwrap();
    let whole: String = conn.query_row("PRAGMA integrity_check", [], |r| r.get(0)).map_err(|e| e.to_string())?;
    if whole != "ok" {
        return Err(format!("the file is not whole: {whole}"));
    }
    mailbox(&conn, folder, mails)?;
    server(&conn, accepted)?;
    let attendance = "SELECT group_id || ' ' || meeting || ' ' || member || ' ' || answer FROM attendance ORDER BY 1";
    Ok(End {
        keys: rows(&conn, "SELECT draft_key FROM outbox").into_iter().collect(),
        attendance: rows(&conn, attendance),
    })
}

fn mailbox(conn: &Connection, folder: &Path, mails: &BTreeSet<String>) -> Result<(), String> {
    let left = std::fs::read_dir(folder.join("mail/new")).unwrap().count();
    let known = rows(conn, "SELECT hash FROM inbox WHERE hash IS NOT NULL AND state <> 'new'");
    let once: BTreeSet<String> = known.iter().cloned().collect();
    match (left, mails - &once) {
        (0, lost) if lost.is_empty() && known.len() == mails.len() => Ok(()),
        (left, lost) => Err(format!(
            "{left} mails lie in the mailbox, {} of {} are lost, {} rows",
            lost.len(),
            mails.len(),
            known.len()
        )),
    }
}

fn server(conn: &Connection, accepted: &[Taken]) -> Result<(), String> {
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    for (_, bytes) in accepted {
        *times.entry(message_id(bytes)).or_default() += 1;
    }
    let mut outbox = conn.prepare("SELECT message_id, state, draft_key FROM outbox").unwrap();
    let all = outbox.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).unwrap();
    for row in all {
        let (id, state, key): (String, String, String) = row.unwrap();
        let times = times.remove(&id).unwrap_or(0);
        let right = match state.as_str() {
            "sent" => times == 1,
            "in_doubt" => times <= 1,
            "superseded" | "dropped" => times == 0,
            _ => false,
        };
        if !right {
            return Err(format!("{key} is {state}, and the server has it {times} times"));
        }
    }
    match times.is_empty() {
        true => Ok(()),
        false => Err(format!("the server has mails that nobody decided: {:?}", times.keys())),
    }
}

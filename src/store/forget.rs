//! Forgetting a person who left: name, addresses, words and mails, in every table.

use super::cells::{all, first, run};
use super::error::Fault;
use super::journal::{self, About};
use super::sealed::{self, SEALED, Sealed};
use super::{Store, StoreError};
use crate::core::{GroupId, MemberId};
use chrono::{DateTime, Utc};
use regex::{NoExpand, Regex};
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, params};

/// What stands where a name or a text was.
const GONE: &str = "…";
/// Columns that hold what other people wrote: a name in full and addresses go, a first name stays
/// (it may be a word, or somebody else's).
const OTHERS_WORDS: &[&str] = &["words", "subjects", "actions", "attendance_comments"];
/// Columns that name members: by themselves, in a draft's key, or in JSON.
const NAMES: &[&str] =
    &["member", "requester", "backup", "facilitator", "led_by", "draft_key", "lane", "spec", "waiting"];
/// Tables whose rows are looked at one by one instead.
const BY_HAND: &[&str] = &["members", "member_addresses", "member_delegates"];

/// What was forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// The name that stands in the ledger now: who brought a subject when still counts.
    pub now: MemberId,
    /// Texts of theirs that were deleted.
    pub texts: usize,
    /// Mails to them that were deleted.
    pub sent: usize,
    /// Mails from them that were emptied.
    pub received: usize,
}

/// What became of the wish to forget somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forgetting {
    /// Done.
    Done(Forgotten),
    /// That group has no such person, or they did not leave yet.
    NotGone,
    /// So many mails to others name them and have not left yet: those are frozen, so nothing was done.
    Waiting(usize),
}

impl Store {
    /// Removes a person who left a group: their texts and the mails to them are deleted, the mails
    /// from them emptied, and name, addresses and identifier go from every other row of the group.
    /// Attendance and turns stay, under a name that says nothing. Mail bytes of the whole group that
    /// are dealt with are emptied, since they may quote that person. Nothing of it stays in the file
    /// (`secure_delete`, and the WAL is emptied). What remains of the group's words is sealed anew and the keys of
    /// before are thrown away: what backups hold of them opens with the keys of those backups alone.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn forget(&mut self, group: &GroupId, member: &MemberId, at: DateTime<Utc>) -> Result<Forgetting, StoreError> {
        let seals = self.inner.seals.clone();
        let done = self.write("forget a member", |tx, _| {
            let Some(scrub) = Scrub::of(tx, group, member)? else { return Ok(Forgetting::NotGone) };
            let waiting = scrub.waiting(tx, group, member)?;
            if waiting > 0 {
                return Ok(Forgetting::Waiting(waiting));
            }
            let now = scrub.now.clone();
            // what others wrote is sealed anew below, with keys that no backup made before has
            seals.keys().retire(sealed::KEYS_OF_GROUP, group.as_str())?;
            // the rows that name the member are renamed one table after the other
            tx.pragma_update(None, "defer_foreign_keys", true)?;
            let texts = delete_texts(tx, group, member)?;
            let sent = delete_sent(tx, group, member)?;
            let received = empty_received(tx, group, member)?;
            empty_quoting(tx, group)?;
            rename(tx, group, member, &now)?;
            scrub.everywhere(tx, group)?;
            let about = About { group: Some(group), member: Some(&now), ..About::default() };
            let text = format!(
                "a person who had left was forgotten: {texts} texts, {sent} mails sent and {received} mails received"
            );
            journal::write(tx, at, &about, &text)?;
            Ok(Forgetting::Done(Forgotten { now, texts, sent, received }))
        })?;
        if matches!(done, Forgetting::Done(_)) {
            self.throw_keys_away(group)?;
            self.empty_wal()?;
        }
        Ok(done)
    }

    /// Writes the WAL's pages into the file and empties it.
    pub(super) fn empty_wal(&mut self) -> Result<(), StoreError> {
        self.look("empty the write-ahead log", |conn| {
            all(conn, "PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map(drop)
        })
    }
}

/// Deletes what the member wrote; the texts of the meetings they brought a subject to are theirs too.
fn delete_texts(conn: &Connection, group: &GroupId, member: &MemberId) -> Result<usize, Fault> {
    let about = params![group.as_str(), member.as_str()];
    let theirs = "meeting IN (SELECT number FROM meetings WHERE group_id = ?1 AND requester = ?2)";
    let mut deleted = 0;
    for sql in [
        "DELETE FROM words WHERE group_id = ?1 AND member = ?2".to_owned(),
        "DELETE FROM attendance_comments WHERE group_id = ?1 AND member = ?2".to_owned(),
        format!("DELETE FROM words WHERE group_id = ?1 AND section = 'request' AND {theirs}"),
        format!("DELETE FROM subjects WHERE group_id = ?1 AND {theirs}"),
        format!("DELETE FROM actions WHERE group_id = ?1 AND {theirs}"),
    ] {
        deleted += run(conn, &sql, about)?;
    }
    run(conn, "DELETE FROM challenges WHERE group_id = ?1 AND member = ?2", about)?;
    let undos = "DELETE FROM undos WHERE group_id = ?1 AND (member = ?2 \
        OR instr(unseal_text('undos/' || group_id || '/' || position, sealed), '\"' || ?2 || '\"'))";
    run(conn, undos, about)?;
    super::retention::close_ranks(conn)?;
    Ok(deleted)
}

/// Deletes the mails to them; what waited is not sent any more.
fn delete_sent(conn: &Connection, group: &GroupId, member: &MemberId) -> Result<usize, Fault> {
    let about = params![group.as_str(), member.as_str()];
    let superseding = "UPDATE outbox SET superseded_by = NULL WHERE superseded_by IN \
        (SELECT id FROM outbox WHERE group_id = ?1 AND member = ?2)";
    run(conn, superseding, about)?;
    run(conn, "DELETE FROM outbox WHERE group_id = ?1 AND member = ?2 AND state <> 'sending'", about)
}

/// Empties the mails from them. The hash stays: the same mail, met again in the mailbox, is known.
fn empty_received(conn: &Connection, group: &GroupId, member: &MemberId) -> Result<usize, Fault> {
    let theirs = "((group_id = ?1 AND member = ?2) OR address_key(from_address) IN \
        (SELECT address_key FROM member_addresses WHERE group_id = ?1 AND member = ?2))";
    let about = params![group.as_str(), member.as_str()];
    let bytes = format!("UPDATE inbox_bytes SET bytes = NULL WHERE inbox IN (SELECT id FROM inbox WHERE {theirs})");
    run(conn, &bytes, about)?;
    let rows = format!(
        "UPDATE inbox SET from_address = NULL, message_id = NULL, draft_key = NULL, proof = NULL, result = NULL, \
         reason = 'the sender was forgotten', state = CASE state WHEN 'new' THEN 'recorded' ELSE state END WHERE {theirs}"
    );
    run(conn, &rows, about)
}

/// Empties mails of the group that are dealt with: any of them may quote the person.
fn empty_quoting(conn: &Connection, group: &GroupId) -> Result<(), Fault> {
    let ours = "UPDATE outbox_bytes SET bytes = NULL WHERE outbox IN \
        (SELECT id FROM outbox WHERE group_id = ? AND state NOT IN ('queued', 'sending'))";
    run(conn, ours, [group.as_str()])?;
    let others = "UPDATE inbox_bytes SET bytes = NULL WHERE inbox IN \
        (SELECT id FROM inbox WHERE group_id = ? AND state <> 'new')";
    run(conn, others, [group.as_str()]).map(drop)
}

/// The member under the new name.
fn rename(conn: &Connection, group: &GroupId, member: &MemberId, now: &MemberId) -> Result<(), Fault> {
    let (group, member) = (group.as_str(), member.as_str());
    for table in ["member_addresses", "member_delegates"] {
        run(conn, &format!("DELETE FROM {table} WHERE group_id = ? AND member = ?"), params![group, member])?;
    }
    let sql = "UPDATE members SET id = ?3, name = ?4, bounced = '[]', away_told_at = NULL, away_until = NULL \
        WHERE group_id = ?1 AND id = ?2";
    run(conn, sql, params![group, member, now.as_str(), GONE])?;
    let sql = "INSERT INTO member_addresses (group_id, member, position, address, address_key, counts) \
        VALUES (?1, ?2, 0, ?3, ?3, 0)";
    run(conn, sql, params![group, now.as_str(), address(now)])?;
    // whoever decides on this group at the same time begins anew
    run(conn, "UPDATE groups SET version = version + 1 WHERE id = ?", [group]).map(drop)
}

/// What of a person can stand in a text, and what stands there afterwards.
struct Scrub {
    now: MemberId,
    id: Regex,
    first_name: Option<Regex>,
    addresses: Vec<Regex>,
    /// The name in full, and texts of theirs.
    plain: Vec<Regex>,
}

impl Scrub {
    fn of(conn: &Connection, group: &GroupId, member: &MemberId) -> Result<Option<Self>, Fault> {
        let about = params![group.as_str(), member.as_str()];
        let sql = "SELECT name FROM members WHERE group_id = ? AND id = ? AND left_at IS NOT NULL";
        let Some(name) = first(conn, sql, about, |r| r.text("name"))? else { return Ok(None) };
        let sql = "SELECT count(*) AS n FROM members WHERE group_id = ? AND id LIKE 'forgotten-%'";
        let before = first(conn, sql, [group.as_str()], |r| r.int("n"))?.unwrap_or_default();
        let now = format!("forgotten-{}", before + 1);
        let now = now.parse().map_err(|_| super::cells::bad("members", &now, "a member's identifier"))?;
        let mut plain = texts_of(conn, group, member)?;
        plain.push(name.clone());
        // the longest first: one may stand in another
        plain.sort_by_key(|text| std::cmp::Reverse(text.len()));
        let any_case = |text: &String| pattern(&format!("(?i){}", regex::escape(text)));
        let first_name = name.split_whitespace().next().filter(|f| f.chars().count() > 1 && *f != name);
        Ok(Some(Self {
            now,
            id: pattern(&format!(r#"(^|[/"]){}($|[/"])"#, regex::escape(member.as_str())))?,
            first_name: first_name.map(|f| pattern(&format!(r"\b{}\b", regex::escape(f)))).transpose()?,
            addresses: addresses_of(conn, group, member)?.iter().map(any_case).collect::<Result<_, _>>()?,
            plain: plain.iter().map(any_case).collect::<Result<_, _>>()?,
        }))
    }

    /// How many mails to others, not sent yet, name the person.
    fn waiting(&self, conn: &Connection, group: &GroupId, member: &MemberId) -> Result<usize, Fault> {
        let sql = "SELECT unseal_text('plain/' || o.id, b.plain) AS plain, unseal('sent/' || o.id, b.bytes) AS bytes \
            FROM outbox o JOIN outbox_bytes b ON b.outbox = o.id \
            WHERE o.group_id = ? AND o.member <> ? AND o.state IN ('queued', 'sending')";
        let named = all(conn, sql, params![group.as_str(), member.as_str()], |r| {
            let bytes = r.opt_blob("bytes")?.unwrap_or_default();
            let texts = [r.opt_text("plain")?.unwrap_or_default(), String::from_utf8_lossy(&bytes).into_owned()];
            Ok(texts.iter().any(|text| self.text(text, true, false) != *text))
        })?;
        Ok(named.into_iter().filter(|named| *named).count())
    }

    fn text(&self, text: &str, first_name_too: bool, id_too: bool) -> String {
        let mut text = text.to_owned();
        let address = address(&self.now);
        for pattern in &self.addresses {
            text = pattern.replace_all(&text, NoExpand(&address)).into_owned();
        }
        for pattern in self.plain.iter().chain(self.first_name.iter().filter(|_| first_name_too)) {
            text = pattern.replace_all(&text, NoExpand(GONE)).into_owned();
        }
        // twice: two of them may share a slash
        for _ in 0..if id_too { 2 } else { 0 } {
            text = self.id.replace_all(&text, format!("${{1}}{}${{2}}", self.now).as_str()).into_owned();
        }
        text
    }

    /// Every text of the group's rows, in every table that there is.
    fn everywhere(self, conn: &Connection, group: &GroupId) -> Result<(), Fault> {
        let tables = all(conn, TEXTS, [], |r| Ok((r.text("tbl")?, r.text("col")?)))?;
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        conn.create_scalar_function("scrub", 3, flags, move |call| {
            let text = call.get::<Option<String>>(0)?;
            let (first_name_too, id_too) = (call.get::<bool>(1)?, call.get::<bool>(2)?);
            Ok(text.map(|text| self.text(&text, first_name_too, id_too)))
        })?;
        let done = tables.iter().filter(|(table, _)| !BY_HAND.contains(&table.as_str())).try_for_each(|(table, column)| {
            let rows = match table.as_str() {
                "attempts" => "outbox IN (SELECT id FROM outbox WHERE group_id = ?2)",
                "groups" => "id = ?2",
                _ => "group_id = ?2",
            };
            // a group's own identifier is nobody's name
            if column == "group_id" || (table == "groups" && column == "id") {
                return Ok(());
            }
            let scrubbed = format!("scrub({column}, ?1, ?3)");
            let sql =
                format!("UPDATE {table} SET {column} = {scrubbed} WHERE {rows} AND {column} IS NOT NULL AND {column} <> {scrubbed}");
            let first_name_too = !OTHERS_WORDS.contains(&table.as_str());
            let id_too = NAMES.contains(&column.as_str());
            run(conn, &sql, params![first_name_too, group.as_str(), id_too]).map(drop)
        });
        let done = done.and_then(|()| SEALED.iter().try_for_each(|sealed| reseal(conn, sealed, group)));
        conn.remove_function("scrub", 3)?;
        done
    }
}

/// Scrubs a sealed column of the group's rows and seals it anew.
fn reseal(conn: &Connection, sealed: &Sealed, group: &GroupId) -> Result<(), Fault> {
    let Sealed { table, column, row, scope, of_group, .. } = sealed;
    let first_name_too = !OTHERS_WORDS.contains(table);
    let id_too = *column == "draft" || *table == "undos";
    let plain = match sealed.text {
        true => format!("scrub(unseal_text({row}, {column}), {first_name_too}, {id_too})"),
        false => format!("unseal({row}, {column})"),
    };
    // what can't be opened stays as it is: nobody can
    let sql = format!(
        "UPDATE {table} SET {column} = seal({scope}, {row}, {plain}) \
         WHERE {of_group} AND {column} IS NOT NULL AND opens({column})"
    );
    run(conn, &sql, [group.as_str()]).map(drop)
}

/// All columns of text in tables whose rows belong to a group.
const TEXTS: &str = "SELECT t.name AS tbl, c.name AS col FROM pragma_table_list t JOIN pragma_table_info(t.name) c \
    WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND c.type = 'TEXT' \
    AND (t.name IN ('groups', 'attempts') \
         OR EXISTS (SELECT 1 FROM pragma_table_info(t.name) WHERE name = 'group_id'))";

/// Where nobody reads.
fn address(now: &MemberId) -> String {
    format!("{now}@forgotten.invalid")
}

fn addresses_of(conn: &Connection, group: &GroupId, member: &MemberId) -> Result<Vec<String>, Fault> {
    let sql = "SELECT address FROM member_addresses WHERE group_id = ?1 AND member = ?2 \
         UNION SELECT address FROM member_delegates WHERE group_id = ?1 AND member = ?2";
    all(conn, sql, params![group.as_str(), member.as_str()], |r| r.text("address"))
}

/// The longer ones of their texts, as they are and as JSON writes them.
fn texts_of(conn: &Connection, group: &GroupId, member: &MemberId) -> Result<Vec<String>, Fault> {
    let brought = "meeting IN (SELECT number FROM meetings WHERE group_id = ?1 AND requester = ?2)";
    let by = "member = ?2";
    let of = |table: &str, which: &str| {
        let row = sealed::of_table(table).map_or("NULL", |s| s.row);
        format!("SELECT unseal_text({row}, sealed) AS text FROM {table} WHERE group_id = ?1 AND {which}")
    };
    let sql = [
        of("words", by),
        of("attendance_comments", by),
        of("words", &format!("section = 'request' AND {brought}")),
        of("subjects", brought),
        of("actions", brought),
    ];
    let sql = sql.join(" UNION ");
    let texts = all(conn, &sql, params![group.as_str(), member.as_str()], |r| r.opt_text("text"))?;
    let mut found = Vec::new();
    for text in texts.into_iter().flatten() {
        // lines too: a mail wraps and quotes them one by one
        let lines = text.lines().map(str::trim).chain([text.trim()]);
        for line in lines.filter(|line| line.chars().count() >= 6) {
            found.push(super::cells::json(&line)?.trim_matches('"').to_owned());
            found.push(line.to_owned());
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn pattern(text: &str) -> Result<Regex, Fault> {
    Regex::new(text).map_err(|why| super::cells::bad("a person's texts", text, &why.to_string()))
}

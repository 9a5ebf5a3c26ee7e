//! People's words and mails, sealed row by row: what is sealed, under which key, and as which row.
//!
//! The database knows three functions. `seal(scope, row, x)` seals; `unseal(row, x)` and `unseal_text(row, x)`
//! open, and give NULL where the key is gone; `opens(x)` says whether it is there. A row says who it is (`words/lyon/3/7`): sealed bytes moved to
//! another row don't open.
//!
//! A sealed value is: 1 (the form), the key's number (8), salt (16), commitment (32), ciphertext and tag (16).
//! HMAC-SHA-512 of salt and row under the key gives 32 bytes of key for ChaCha20-Poly1305 (RFC 8439), used once
//! with a nonce of zeros, and 32 bytes that commit to the key: one ciphertext never opens under two keys.

use super::error::Fault;
use super::keys::{KeyId, Keys};
use crate::core::Draft;
use chrono::{DateTime, Utc};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;
use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const FORM: u8 = 1;
const SALT: usize = 16;
const COMMITMENT: usize = 32;
const TAG: usize = 16;
const HEAD: usize = 1 + 8 + SALT + COMMITMENT;
/// How an error of opening begins: `Fault` knows it by that.
pub(super) const DAMAGED: &str = "sealed and not to be opened: ";

/// A column that is sealed.
pub(super) struct Sealed {
    pub(super) table: &'static str,
    pub(super) column: &'static str,
    /// It holds text, else bytes.
    pub(super) text: bool,
    /// SQL: who the row is.
    pub(super) row: &'static str,
    /// SQL: which key seals it.
    pub(super) scope: &'static str,
    /// SQL: the rows that belong to group `?1`.
    pub(super) of_group: &'static str,
}

const MEETING: &str = "group_id || '/' || meeting";
const OF_GROUP: &str = "group_id = ?1";
const MAIL_OF_GROUP: &str = "outbox IN (SELECT id FROM outbox WHERE group_id = ?1)";
const LETTER_OF_GROUP: &str = "inbox IN (SELECT id FROM inbox WHERE group_id = ?1)";
/// The key of a draft: its meeting's, or the group's of that month.
const DRAFT_SCOPE: &str = "(SELECT o.group_id || '/' || coalesce(o.meeting, substr(o.decided_at, 1, 7)) \
    FROM outbox o WHERE o.id = outbox)";
/// The key of what can be undone: as a draft's.
pub(super) const UNDO_SCOPE: &str = "group_id || '/' || coalesce(meeting, substr(at, 1, 7))";

/// All that is sealed.
pub(super) const SEALED: [Sealed; 9] = [
    own("words", "'words/' || group_id || '/' || meeting || '/' || id", MEETING),
    own("subjects", "'subjects/' || group_id || '/' || meeting", MEETING),
    own("actions", "'actions/' || group_id || '/' || meeting || '/' || id", MEETING),
    own("attendance_comments", "'comments/' || group_id || '/' || meeting || '/' || member", MEETING),
    own("undos", "'undos/' || group_id || '/' || position", UNDO_SCOPE),
    Sealed {
        table: "outbox_bytes",
        column: "bytes",
        text: false,
        row: "'sent/' || outbox",
        scope: "(SELECT 'mail/' || substr(o.decided_at, 1, 7) FROM outbox o WHERE o.id = outbox)",
        of_group: MAIL_OF_GROUP,
    },
    mail_text("plain", "'plain/' || outbox"),
    mail_text("draft", "'draft/' || outbox"),
    Sealed {
        table: "inbox_bytes",
        column: "bytes",
        text: false,
        row: "'received/' || inbox",
        scope: "(SELECT 'mail/' || substr(i.received_at, 1, 7) FROM inbox i WHERE i.id = inbox)",
        of_group: LETTER_OF_GROUP,
    },
];

const fn own(table: &'static str, row: &'static str, scope: &'static str) -> Sealed {
    Sealed { table, column: "sealed", text: true, row, scope, of_group: OF_GROUP }
}

const fn mail_text(column: &'static str, row: &'static str) -> Sealed {
    Sealed { table: "outbox_bytes", column, text: true, row, scope: DRAFT_SCOPE, of_group: MAIL_OF_GROUP }
}

/// The sealed column of a table of a group's state.
pub(super) fn of_table(table: &str) -> Option<&'static Sealed> {
    SEALED.iter().find(|s| s.table == table && s.column == "sealed")
}

/// SQL on the keys: those of a group, its name being the parameter.
pub(super) const KEYS_OF_GROUP: &str = "substr(scope, 1, length(?1) + 1) = ?1 || '/'";

/// The key of mails of that month.
pub(super) fn mail_scope(at: DateTime<Utc>) -> String {
    at.format("mail/%Y-%m").to_string()
}

/// The key of a draft decided then, as [`DRAFT_SCOPE`] says it in SQL.
pub(super) fn draft_scope(draft: &Draft, at: DateTime<Utc>) -> String {
    let of = &draft.key;
    of.meeting
        .map_or_else(|| at.format(&format!("{}/%Y-%m", of.group)).to_string(), |m| format!("{}/{}", of.group, m.0))
}

/// What a text reads as whose key is gone.
pub(super) const UNREADABLE: &str = "…";

/// The keys, shared by the functions of one connection.
#[derive(Clone, Debug)]
pub(super) struct Seals(Arc<Mutex<Keys>>);

impl Seals {
    /// Gives the connection its functions.
    pub(super) fn on(conn: &Connection, keys: Keys) -> rusqlite::Result<Self> {
        let seals = Self(Arc::new(Mutex::new(keys)));
        let flags = FunctionFlags::SQLITE_UTF8;
        conn.create_scalar_function("address_hash", 1, flags, |call| {
            Ok(super::opt_outs::hash(&call.get::<String>(0)?))
        })?;
        conn.create_scalar_function("address_key", 1, flags | FunctionFlags::SQLITE_DETERMINISTIC, |call| {
            Ok(call.get::<Option<String>>(0)?.map(|address| crate::core::ids::address_key(&address)))
        })?;
        let of = seals.clone();
        conn.create_scalar_function("seal", 3, flags, move |call| of.seal_call(call).map_err(told))?;
        let of = seals.clone();
        conn.create_scalar_function("unseal", 2, flags, move |call| of.unseal_call(call).map_err(told))?;
        let of = seals.clone();
        conn.create_scalar_function("opens", 1, flags, move |call| of.opens_call(call).map_err(told))?;
        let of = seals.clone();
        conn.create_scalar_function("unseal_text", 2, flags, move |call| {
            let opened = of.unseal_call(call).map_err(told)?;
            Ok(opened.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        })?;
        Ok(seals)
    }

    pub(super) fn keys(&self) -> MutexGuard<'_, Keys> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seal_call(&self, call: &Context<'_>) -> Result<Option<Vec<u8>>, Fault> {
        let plain = match call.get_raw(2) {
            ValueRef::Null => return Ok(None),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
            other => {
                return Err(super::cells::bad("what is to be sealed", other.data_type().to_string().as_str(), "text"));
            }
        };
        let (scope, row) = (call.get::<String>(0)?, call.get::<String>(1)?);
        self.seal(&scope, &row, plain).map(Some)
    }

    /// Whether the key is there; what is empty needs none.
    fn opens_call(&self, call: &Context<'_>) -> Result<bool, Fault> {
        match call.get_raw(0) {
            ValueRef::Blob(sealed) => match split(sealed) {
                Some(parts) => Ok(self.keys().get(parts.key)?.is_some()),
                None => Ok(true),
            },
            _ => Ok(true),
        }
    }

    fn unseal_call(&self, call: &Context<'_>) -> Result<Option<Vec<u8>>, Fault> {
        match call.get_raw(1) {
            ValueRef::Null => Ok(None),
            ValueRef::Blob(sealed) => self.open(&call.get::<String>(0)?, sealed),
            other => Err(damaged(&call.get::<String>(0)?, &format!("{}", other.data_type()))),
        }
    }

    /// Seals what belongs to that row with the key of that scope.
    pub(super) fn seal(&self, scope: &str, row: &str, plain: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut keys = self.keys();
        let (id, key) = keys.current(scope)?;
        let mut salt = [0; SALT];
        keys.fill(&mut salt)?;
        drop(keys);
        let (own, commitment) = derived(&key.0, &salt, row).ok_or_else(|| damaged(row, "no key"))?;
        let mut out = Vec::with_capacity(HEAD + plain.len() + TAG);
        out.push(FORM);
        out.extend_from_slice(&id);
        out.extend_from_slice(&salt);
        out.extend_from_slice(&commitment);
        let mut text = plain.to_vec();
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        own.seal_in_place_append_tag(nonce, Aad::from(row.as_bytes()), &mut text)
            .map_err(|_| damaged(row, "too long"))?;
        out.append(&mut text);
        Ok(out)
    }

    /// Opens what was sealed for that row; `None` when its key is gone.
    pub(super) fn open(&self, row: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let parts = split(sealed).ok_or_else(|| damaged(row, &format!("{} bytes of another form", sealed.len())))?;
        let Some(key) = self.keys().get(parts.key)? else { return Ok(None) };
        let wrong = || damaged(row, "bytes that its key does not open: changed, or moved from another row");
        let (own, commitment) = derived(&key.0, parts.salt, row).ok_or_else(wrong)?;
        // no secret: it lies in the file
        if commitment != *parts.commitment {
            return Err(wrong());
        }
        let mut text = parts.text.to_vec();
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let length = own.open_in_place(nonce, Aad::from(row.as_bytes()), &mut text).map_err(|_| wrong())?.len();
        text.truncate(length);
        Ok(Some(text))
    }
}

struct Parts<'a> {
    key: KeyId,
    salt: &'a [u8],
    commitment: &'a [u8],
    text: &'a [u8],
}

fn split(sealed: &[u8]) -> Option<Parts<'_>> {
    let (form, rest) = sealed.split_first()?;
    let (key, rest) = rest.split_first_chunk::<8>()?;
    let (salt, rest) = rest.split_at_checked(SALT)?;
    let (commitment, text) = rest.split_at_checked(COMMITMENT)?;
    (*form == FORM && text.len() >= TAG).then_some(Parts { key: *key, salt, commitment, text })
}

/// The one value's own key, and what commits to the key it comes from.
fn derived(key: &[u8; 32], salt: &[u8], row: &str) -> Option<(LessSafeKey, [u8; COMMITMENT])> {
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA512, key));
    mac.update(b"codevd sealed 1");
    mac.update(salt);
    mac.update(row.as_bytes());
    let tag = mac.sign();
    let (own, commitment) = tag.as_ref().split_at_checked(32)?;
    let own = UnboundKey::new(&CHACHA20_POLY1305, own).ok()?;
    Some((LessSafeKey::new(own), commitment.try_into().ok()?))
}

fn damaged(row: &str, found: &str) -> Fault {
    Fault::Value { place: row.to_owned(), found: found.to_owned(), expected: "what was sealed there".to_owned() }
}

/// As SQLite hands it through: a code that can be tried again stays what it is, all else is said in words.
fn told(fault: Fault) -> rusqlite::Error {
    match fault {
        Fault::Sql(rusqlite::Error::SqliteFailure(error, _)) => rusqlite::Error::SqliteFailure(error, None),
        Fault::Value { place, found, .. } => {
            rusqlite::Error::UserFunctionError(format!("{DAMAGED}{place} holds {found}").into())
        }
        Fault::Sql(other) => rusqlite::Error::UserFunctionError(other.to_string().into()),
        other => rusqlite::Error::UserFunctionError(format!("{other:?}").into()),
    }
}

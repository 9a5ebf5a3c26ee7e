//! Values as the tables hold them: times as UTC text, enums as their words, and back.

use super::error::Fault;
use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Timelike, Utc};
use rusqlite::types::{FromSql, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Params, Row, Statement};
use serde::Serialize;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer};
use std::str::FromStr;

const WALL: &str = "%Y-%m-%d %H:%M";
const WALL_SECONDS: &str = "%Y-%m-%d %H:%M:%S";

/// One value of a row; ordered, so that rows can be compared and sorted by key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cell {
    Null,
    Int(i64),
    Text(String),
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(n) => ValueRef::Integer(*n),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<u32> for Cell {
    fn from(n: u32) -> Self {
        Self::Int(n.into())
    }
}
impl From<i64> for Cell {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}
impl From<bool> for Cell {
    fn from(yes: bool) -> Self {
        Self::Int(yes.into())
    }
}
impl From<DateTime<Utc>> for Cell {
    fn from(at: DateTime<Utc>) -> Self {
        Self::Text(utc(at))
    }
}
impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// `2026-11-24T17:00:00Z`; parts of a second are dropped.
pub(super) fn utc(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// `2026-12-08 18:00`; seconds only where there are some (rehearsals).
pub(super) fn wall(at: NaiveDateTime) -> String {
    at.format(if at.second() == 0 { WALL } else { WALL_SECONDS }).to_string()
}

/// A value whose JSON is a string, as that string: enums by their word.
pub(super) fn word<T: Serialize>(value: &T) -> Result<String, Fault> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => Ok(text),
        other => Err(bad("a word", &format!("{other:?}"), "a value that is one word")),
    }
}

/// A value as one line of JSON.
pub(super) fn json<T: Serialize>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|e| bad("a value", &e.to_string(), "a value that can be written as JSON"))
}

pub(super) fn bad(place: &str, found: &str, expected: &str) -> Fault {
    Fault::Value { place: place.to_owned(), found: found.to_owned(), expected: expected.to_owned() }
}

/// A position or count as the tables hold it.
pub(super) fn number(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A row with readers that know the house's texts.
pub(super) struct Read<'a> {
    row: &'a Row<'a>,
    /// The column after the one read last. Most rows are read in order, and SQLite knows columns by number alone: to
    /// look for each name among all took a third of the time of loading a group.
    next: std::cell::Cell<usize>,
}

impl<'a> Read<'a> {
    fn new(row: &'a Row<'a>) -> Self {
        Self { row, next: std::cell::Cell::new(0) }
    }

    fn get<T: FromSql>(&self, column: &str) -> Result<T, Fault> {
        let (names, next): (&Statement<'_>, _) = (self.row.as_ref(), self.next.get());
        let is_next = names.column_name(next).is_ok_and(|name| name == column);
        let at = if is_next { next } else { names.column_index(column)? };
        self.next.set(at + 1);
        Ok(self.row.get(at)?)
    }

    pub(super) fn text(&self, column: &str) -> Result<String, Fault> {
        self.get(column)
    }
    pub(super) fn opt_text(&self, column: &str) -> Result<Option<String>, Fault> {
        self.get(column)
    }
    pub(super) fn int(&self, column: &str) -> Result<i64, Fault> {
        self.get(column)
    }
    pub(super) fn opt_int(&self, column: &str) -> Result<Option<i64>, Fault> {
        self.get(column)
    }
    pub(super) fn blob(&self, column: &str) -> Result<Vec<u8>, Fault> {
        self.get(column)
    }
    pub(super) fn opt_blob(&self, column: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.get(column)
    }
    pub(super) fn small(&self, column: &str) -> Result<u32, Fault> {
        self.get(column)
    }
    pub(super) fn opt_small(&self, column: &str) -> Result<Option<u32>, Fault> {
        self.get(column)
    }
    pub(super) fn flag(&self, column: &str) -> Result<bool, Fault> {
        Ok(self.get::<i64>(column)? != 0)
    }
    pub(super) fn time(&self, column: &str) -> Result<DateTime<Utc>, Fault> {
        to_time(column, &self.text(column)?)
    }
    pub(super) fn opt_time(&self, column: &str) -> Result<Option<DateTime<Utc>>, Fault> {
        self.opt_text(column)?.map(|t| to_time(column, &t)).transpose()
    }
    pub(super) fn wall(&self, column: &str) -> Result<NaiveDateTime, Fault> {
        to_wall(column, &self.text(column)?)
    }
    pub(super) fn opt_wall(&self, column: &str) -> Result<Option<NaiveDateTime>, Fault> {
        self.opt_text(column)?.map(|t| to_wall(column, &t)).transpose()
    }
    pub(super) fn opt_day(&self, column: &str) -> Result<Option<NaiveDate>, Fault> {
        let day = |t: String| t.parse().map_err(|_| bad(column, &t, "a day such as 2026-12-08"));
        self.opt_text(column)?.map(day).transpose()
    }
    /// An enum by its word.
    pub(super) fn word<T: DeserializeOwned>(&self, column: &str) -> Result<T, Fault> {
        to_word(column, &self.text(column)?)
    }
    pub(super) fn opt_word<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, Fault> {
        self.opt_text(column)?.map(|t| to_word(column, &t)).transpose()
    }
    /// A small type by its text.
    pub(super) fn parsed<T: FromStr>(&self, column: &str) -> Result<T, Fault>
    where
        T::Err: std::fmt::Display,
    {
        to_parsed(column, &self.text(column)?)
    }
    pub(super) fn opt_parsed<T: FromStr>(&self, column: &str) -> Result<Option<T>, Fault>
    where
        T::Err: std::fmt::Display,
    {
        self.opt_text(column)?.map(|t| to_parsed(column, &t)).transpose()
    }
    pub(super) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, Fault> {
        let text = self.text(column)?;
        serde_json::from_str(&text).map_err(|e| bad(column, &text, &e.to_string()))
    }
}

fn to_time(column: &str, text: &str) -> Result<DateTime<Utc>, Fault> {
    let time = DateTime::parse_from_rfc3339(text).ok().filter(|t| text.ends_with('Z') && t.nanosecond() == 0);
    time.map(|t| t.to_utc()).ok_or_else(|| bad(column, text, "a time such as 2026-11-24T17:00:00Z"))
}

fn to_wall(column: &str, text: &str) -> Result<NaiveDateTime, Fault> {
    NaiveDateTime::parse_from_str(text, WALL)
        .or_else(|_| NaiveDateTime::parse_from_str(text, WALL_SECONDS))
        .map_err(|_| bad(column, text, "an hour such as 2026-12-08 18:00"))
}

fn to_word<T: DeserializeOwned>(column: &str, text: &str) -> Result<T, Fault> {
    let word: StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
    T::deserialize(word).map_err(|e| bad(column, text, &e.to_string()))
}

fn to_parsed<T: FromStr>(column: &str, text: &str) -> Result<T, Fault>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|e: T::Err| bad(column, text, &e.to_string()))
}

/// All rows of a query.
pub(super) fn all<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Read<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(&Read::new(row))?);
    }
    Ok(found)
}

/// The first row of a query.
pub(super) fn first<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Read<'_>) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(|row| read(&Read::new(row))).transpose()
}

/// Writes, and says how many rows it touched.
pub(super) fn run(conn: &Connection, sql: &str, params: impl Params) -> Result<usize, Fault> {
    Ok(conn.prepare_cached(sql)?.execute(params)?)
}

/// A filter: the conditions that are set, joined by AND, with their values in order.
pub(super) fn matching(conditions: impl IntoIterator<Item = (&'static str, Cell)>) -> (String, Vec<Cell>) {
    let set: Vec<_> = conditions.into_iter().filter(|(_, value)| *value != Cell::Null).collect();
    let sql = set.iter().map(|(column, _)| format!(" AND {column} = ?")).collect();
    (sql, set.into_iter().map(|(_, value)| value).collect())
}

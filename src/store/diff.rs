//! Writes only the rows that differ: a group before and after, each as the rows of its tables.

use super::cells::{Cell, bad, run};
use super::error::Fault;
use super::sealed;
use rusqlite::{Connection, params_from_iter};
use std::collections::BTreeMap;

/// A table of a group's state.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Columns that say which row it is; never changed, a row with others is another row.
    pub(super) keys: &'static [&'static str],
    /// The other columns.
    pub(super) cells: &'static [&'static str],
    /// A row that is there already, unknown to the group (it belongs to a meeting that was not
    /// loaded), is written over.
    pub(super) replace: bool,
}

/// The rows of one table by their keys.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows(BTreeMap<Vec<Cell>, Vec<Cell>>);

impl Rows {
    pub(super) fn add(&mut self, keys: Vec<Cell>, cells: Vec<Cell>) {
        self.0.insert(keys, cells);
    }
}

/// Tables in an order in which each comes after those it refers to.
pub(super) type Tables = Vec<(&'static Table, Rows)>;

/// Writes what differs; says how many rows that were. Both sides name the same tables in the same
/// order. What is gone goes first (from the last table up), then what changed, then what is new:
/// so an address may pass from one member to another in one step.
pub(super) fn write(conn: &Connection, before: &Tables, after: &Tables) -> Result<usize, Fault> {
    let mut written = 0;
    for ((table, old), (_, new)) in before.iter().zip(after).rev() {
        for key in old.0.keys().filter(|k| !new.0.contains_key(*k)) {
            written += one(table, "delete", run(conn, &delete_sql(table), params_from_iter(key))?)?;
        }
    }
    for ((table, old), (_, new)) in before.iter().zip(after) {
        for (key, cells) in &new.0 {
            written += match old.0.get(key) {
                Some(same) if same == cells => 0,
                Some(_) => {
                    let all = cells.iter().chain(key);
                    one(table, "update", run(conn, &update_sql(table), params_from_iter(all))?)?
                }
                None => run(conn, &insert_sql(table), params_from_iter(key.iter().chain(cells)))?,
            };
        }
    }
    Ok(written)
}

/// A row that was loaded must be there to be changed: else somebody else writes this file.
fn one(table: &Table, action: &str, touched: usize) -> Result<usize, Fault> {
    if touched == 1 { Ok(1) } else { Err(bad(table.name, &format!("{touched} rows to {action}"), "one")) }
}

/// The key's columns, as parameters from `first` on.
fn by_key(table: &Table, first: usize) -> String {
    let each = table.keys.iter().zip(first..).map(|(k, n)| format!("{k} IS ?{n}"));
    each.collect::<Vec<_>>().join(" AND ")
}

fn delete_sql(table: &Table) -> String {
    format!("DELETE FROM {} WHERE {}", table.name, by_key(table, 1))
}

fn update_sql(table: &Table) -> String {
    let place = |column: &str| {
        let cell = table.cells.iter().position(|c| *c == column).map(|n| n + 1);
        cell.or_else(|| table.keys.iter().position(|k| *k == column).map(|n| table.cells.len() + n + 1))
    };
    let set = table.cells.iter().map(|c| format!("{c} = {}", value(table, c, &place))).collect::<Vec<_>>().join(", ");
    format!("UPDATE {} SET {set} WHERE {}", table.name, by_key(table, table.cells.len() + 1))
}

fn insert_sql(table: &Table) -> String {
    let columns: Vec<_> = table.keys.iter().chain(table.cells).copied().collect();
    let place = |column: &str| columns.iter().position(|c| *c == column).map(|n| n + 1);
    let values: Vec<_> = columns.iter().map(|c| value(table, c, &place)).collect();
    let or = if table.replace { " OR REPLACE" } else { "" };
    format!("INSERT{or} INTO {} ({}) VALUES ({})", table.name, columns.join(", "), values.join(", "))
}

/// A column's value as it is written: its parameter, sealed where the column is.
fn value(table: &Table, column: &str, place: &impl Fn(&str) -> Option<usize>) -> String {
    let own = place(column).map(|n| format!("?{n}")).unwrap_or_default();
    match sealed::of_table(table.name) {
        Some(s) if s.column == column => format!("seal({}, {}, {own})", with(s.scope, place), with(s.row, place)),
        _ => own,
    }
}

/// An expression with parameters in place of its columns; what stands in quotes stays.
fn with(expression: &str, place: &impl Fn(&str) -> Option<usize>) -> String {
    let parts = expression.split('\'').enumerate().map(|(n, part)| {
        if n % 2 == 1 {
            return format!("'{part}'");
        }
        let mut out = String::new();
        let mut rest = part;
        while let Some(from) = rest.find(|c: char| c.is_ascii_lowercase()) {
            let word = &rest[from..];
            let word = &word[..word.find(|c: char| !(c.is_ascii_lowercase() || c == '_')).unwrap_or(word.len())];
            out += &rest[..from];
            out += &place(word).map_or_else(|| word.to_owned(), |n| format!("?{n}"));
            rest = &rest[from + word.len()..];
        }
        out + rest
    });
    parts.collect()
}

//! Brings a file to the newest schema: forward only, each step in a transaction of its own.

use super::error::{Fault, StoreError};
use super::sealed::Seals;
use include_dir::{Dir, include_dir};
use rusqlite::{Connection, TransactionBehavior};
use std::path::{Path, PathBuf};

/// From this schema on people's words and mails are sealed.
pub(super) const SEALING: i64 = 8;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/migrations");

/// One step: the schema it leads to, its file's name, its SQL.
#[derive(Debug, Clone, Copy)]
pub(super) struct Migration<'a> {
    pub(super) to: i64,
    pub(super) name: &'a str,
    pub(super) sql: &'a str,
}

/// The steps inside the program, in order: `migrations/NNNN_name.sql` leads to schema NNNN.
pub(super) fn embedded() -> Vec<Migration<'static>> {
    let step = |file: &'static include_dir::File<'static>| {
        let name = file.path().file_name()?.to_str()?;
        let to = name.strip_suffix(".sql")?.split('_').next()?.parse().ok()?;
        Some(Migration { to, name, sql: file.contents_utf8()? })
    };
    let mut steps: Vec<_> = FILES.files().filter_map(step).collect();
    steps.sort_by_key(|s| s.to);
    steps
}

/// The schema of a file: 0 for a new one.
pub(super) fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Applies what is missing. A file that already holds data is copied first, beside itself.
///
/// # Errors
/// [`StoreError::Newer`] when the file's schema is not known here; SQLite's own errors.
pub(super) fn migrate(
    conn: &mut Connection,
    file: &Path,
    steps: &[Migration<'_>],
    seals: &Seals,
) -> Result<(), StoreError> {
    let sql = |doing| move |source: rusqlite::Error| super::error::sql(file, doing, source);
    let known = steps.last().map_or(0, |s| s.to);
    let found = version(conn).map_err(sql("read the schema's number"))?;
    if found > known {
        return Err(StoreError::Newer { file: file.to_owned(), found, known });
    }
    if found > 0 && found < known {
        copy_beside(conn, file, found).map_err(sql("copy the file before bringing it up to date"))?;
    }
    let missing: Vec<_> = steps.iter().filter(|s| s.to > found).collect();
    // a new file is made whole: what a kill leaves of it is new again
    let at_once = if found == 0 { missing.len().max(1) } else { 1 };
    for steps in missing.chunks(at_once) {
        apply(conn, steps, seals).map_err(|fault| fault.at(file, "bring the file up to date"))?;
        let names: Vec<_> = steps.iter().map(|s| s.name).collect();
        tracing::info!(migrations = ?names, file = %file.display(), "database brought up to date");
    }
    if (1..SEALING).contains(&found) && known >= SEALING {
        // what was readable before is nowhere any more, in no free page and not in the log
        conn.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);").map_err(sql("rewrite the file"))?;
        tracing::warn!(copy = %copy_path(file, found).display(), "people's words are sealed from now on; the copy made \
            before still has them readable: it is removed after 30 days, or remove it now");
    }
    Ok(())
}

fn apply(conn: &mut Connection, steps: &[&Migration<'_>], seals: &Seals) -> Result<(), Fault> {
    crash_point!("migrate.begin");
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // another process may have done it while this one waited for the lock
    for step in steps {
        if version(&tx)? < step.to {
            let done = tx.execute_batch(step.sql).and_then(|()| tx.pragma_update(None, "user_version", step.to));
            if let Err(error) = done {
                seals.keys().rollback();
                return Err(error.into());
            }
            if step.to == SEALING {
                super::lost::note(&tx, seals)?;
            }
        }
    }
    seals.keys().commit()?;
    crash_point!("migrate.written");
    Ok(tx.commit()?)
}

/// Where the copy made before leaving a schema lies: `codevd.db.before-0002`.
pub(super) fn copy_path(file: &Path, found: i64) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".before-{:04}", found + 1));
    name.into()
}

fn copy_beside(conn: &Connection, file: &Path, found: i64) -> rusqlite::Result<()> {
    conn.backup("main", copy_path(file, found), None::<fn(rusqlite::backup::Progress)>)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn step(to: i64, sql: &str) -> Migration<'_> {
        Migration { to, name: "test", sql }
    }

    fn open(file: &Path) -> (Connection, Seals) {
        let conn = Connection::open(file).unwrap();
        let seals = Seals::on(&conn, crate::store::keys::Keys::of(file, true)).unwrap();
        (conn, seals)
    }

    #[test]
    fn embedded_steps_are_numbered_and_no_number_is_there_twice() {
        let numbers: Vec<i64> = embedded().iter().map(|s| s.to).collect();
        assert_eq!(numbers.first(), Some(&1));
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }

    #[test]
    fn a_file_with_data_is_copied_before_it_is_brought_up_to_date() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.db");
        let (mut conn, seals) = open(&file);
        let first = step(1, "CREATE TABLE a (x); INSERT INTO a VALUES (7);");
        migrate(&mut conn, &file, &[first], &seals).unwrap();
        assert!(!copy_path(&file, 0).exists(), "a new file needs no copy");
        let steps = [first, step(2, "DELETE FROM a"), step(3, "CREATE TABLE b (y)")];
        migrate(&mut conn, &file, &steps, &seals).unwrap();
        let rows = |c: &Connection| c.query_row("SELECT count(*) FROM a", [], |r| r.get::<_, i64>(0)).unwrap();
        assert_eq!((version(&conn).unwrap(), rows(&conn)), (3, 0));
        let copy = Connection::open(dir.path().join("a.db.before-0002")).unwrap();
        assert_eq!((version(&copy).unwrap(), rows(&copy)), (1, 1));
        assert!(matches!(
            migrate(&mut conn, &file, &steps[..2], &seals),
            Err(StoreError::Newer { found: 3, known: 2, .. })
        ));
    }

    #[test]
    fn a_step_that_fails_leaves_the_schema_before_it_and_a_new_file_new() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.db");
        let (mut conn, seals) = open(&file);
        let steps = [step(1, "CREATE TABLE a (x)"), step(2, "CREATE TABLE b (y); INSERT INTO nowhere VALUES (1);")];
        assert!(migrate(&mut conn, &file, &steps, &seals).is_err());
        assert_eq!(version(&conn).unwrap(), 0);
        migrate(&mut conn, &file, &steps[..1], &seals).unwrap();
        let error = migrate(&mut conn, &file, &steps, &seals).unwrap_err().to_string();
        assert!(error.contains("bring the file up to date") && error.contains("nowhere"), "{error}");
        let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0)).unwrap();
        assert_eq!((version(&conn).unwrap(), tables), (1, 1));
    }
}

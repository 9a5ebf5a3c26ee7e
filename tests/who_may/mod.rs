//! Who may do what: each row of `table.toml`, played against the real engine on a store of its own. A mail comes in
//! with a role, an answer, a token and a proof; what becomes of it must be what the table says, and whatever is not
//! applied must leave everything as it was.

mod letter;
mod outcome;
mod table;

use crate::stage;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use table::Row;

#[test]
fn nobody_does_what_is_not_theirs() {
    let table = table::read();
    let sets: BTreeMap<&str, stage::Set> = std::thread::scope(|scope| {
        let set = |scene: &'_ table::Scene| stage::set(scene.play.lines());
        let playing: Vec<_> = table.scene.iter().map(|s| (s.name.as_str(), scope.spawn(move || set(s)))).collect();
        playing.into_iter().map(|(name, set)| (name, set.join().unwrap())).collect()
    });
    let mut rows = table::rows(&table, &sets);
    if let Ok(only) = std::env::var("ONLY") {
        rows.retain(|row| row.to_string().contains(&only));
    } else if !crate::whole() {
        // a third, of every part of the table
        let mut n = 0;
        rows.retain(|_| {
            n += 1;
            n % 3 == 1
        });
    }
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, |n| n.get()) {
            scope.spawn(|| {
                let mut kit = stage::kit();
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (back, checked) = outcome::check(kit, row, &sets[row.act.scene.as_str()]);
                    kit = back;
                    if let Err(found) = checked {
                        wrong.lock().unwrap().push(format!("{row}: {found}"));
                    }
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    assert!(wrong.is_empty(), "{} of {} rows differ:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    let counted = |verdict: &str| rows.iter().filter(|row: &&Row| row.expected == verdict).count();
    println!(
        "{} rows: {} applied, {} asked, {} kept",
        rows.len(),
        counted("applied"),
        counted("asked"),
        counted("kept")
    );
    assert!(rows.len() >= 500 || std::env::var("ONLY").is_ok(), "{} rows", rows.len());
}

//! Fails when a room uses what its row in `src/ARCHITECTURE.md` does not name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Every room with the rooms it may use (itself apart).
const ROOMS: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("words", &["core"]),
    ("ical", &["core"]),
    ("mail", &["core", "words", "ical"]),
    ("render", &["core"]),
    ("store", &["core"]),
    ("transport", &[]),
    ("config", &["core"]),
    ("daemon", &["core", "words", "ical", "mail", "render", "store", "transport", "config"]),
    ("sim", &["core", "words", "ical", "mail", "render", "store", "transport", "daemon"]),
    ("demo", &["core", "words", "ical", "mail", "render", "store", "transport", "daemon", "sim", "config"]),
    ("cli", &["core", "words", "ical", "mail", "render", "store", "transport", "daemon", "sim", "demo", "config"]),
];

/// Libraries that belong to one room or few.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("ring", &["store"]),
    ("tera", &["render"]),
    ("lettre", &["mail", "transport"]),
    ("async_imap", &["transport"]),
    ("icalendar", &["ical"]),
    ("calcard", &["ical", "sim"]),
    ("mail_parser", &["mail"]),
    ("tokio", &["transport", "daemon", "demo", "cli"]),
    ("axum", &["demo"]),
    ("maud", &["demo"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("landlock", &["daemon"]),
    ("anyhow", &["cli"]),
    ("getrandom", &["daemon"]),
];

/// Rooms in which everything is values in, values out.
const PURE: &[&str] = &["core", "words", "ical", "mail", "render"];
const IMPURE: &[&str] = &[
    "Utc::now",
    "Local::now",
    "SystemTime::now",
    "Instant::now",
    "getrandom",
    "std::fs",
    "std::net",
    "std::env::var",
    "tokio::",
    "std::thread",
];

/// What the core may use beside std.
const CORE_LIBRARIES: &[&str] =
    &["std", "core", "alloc", "chrono", "chrono_tz", "cron", "idna", "serde", "thiserror", "crate", "self", "super"];

fn sources() -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.insert(path, without_tests_and_comments(&text));
            }
        }
    }
    found
}

/// Tests may use what they like, and comments may name it.
fn without_tests_and_comments(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    code.lines().map(|l| l.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn room(path: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let first = path.strip_prefix(root).unwrap().components().next().unwrap();
    first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// The rooms named after `crate::`, in paths and in braces.
fn used(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default().split(',').collect(),
            None => vec![rest],
        };
        for name in names {
            let name: String = name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.push(name);
        }
    }
    found
}

#[test]
fn a_room_uses_only_the_rooms_its_row_names() {
    let rooms: BTreeMap<_, _> = ROOMS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (path, code) in sources() {
        let here = room(&path);
        let Some(allowed) = rooms.get(here.as_str()) else { continue };
        for name in used(&code) {
            if rooms.contains_key(name.as_str()) && name != here && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{} uses {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_has_its_row() {
    let known: Vec<_> = ROOMS.iter().map(|(name, _)| *name).chain(["lib", "main", "crash"]).collect();
    for path in sources().into_keys() {
        assert!(known.contains(&room(&path).as_str()), "{} is in no room", path.display());
    }
    let map = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ARCHITECTURE.md")).unwrap();
    for (name, _) in ROOMS {
        assert!(map.contains(&format!("`{name}/`")), "src/ARCHITECTURE.md does not tell of {name}/");
    }
}

#[test]
fn a_library_is_used_in_its_rooms_alone() {
    let mut wrong = Vec::new();
    for (path, code) in sources() {
        for (library, rooms) in LIBRARIES {
            let there = code
                .match_indices(&format!("{library}::"))
                .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'));
            if there && !rooms.contains(&room(&path).as_str()) {
                wrong.push(format!("{} uses {library}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_pure_touches_no_clock_socket_or_file() {
    let mut wrong = Vec::new();
    for (path, code) in sources() {
        if PURE.contains(&room(&path).as_str()) {
            wrong.extend(IMPURE.iter().filter(|w| code.contains(**w)).map(|w| format!("{} has {w}", path.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_core_knows_its_few_libraries_alone() {
    let mut wrong = Vec::new();
    for (path, code) in sources() {
        if room(&path) != "core" {
            continue;
        }
        for line in code.lines() {
            let Some(rest) = line.trim().strip_prefix("use ") else { continue };
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let own = [
                "draft", "event", "format", "group", "ids", "lineup", "meeting", "refusal", "run", "schedule", "spec",
                "apply",
            ];
            if !CORE_LIBRARIES.contains(&name.as_str()) && !own.contains(&name.as_str()) {
                wrong.push(format!("{}: {line}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_and_functions_fit() {
    let mut wrong = Vec::new();
    for (path, code) in sources() {
        let lines: Vec<&str> = code.lines().collect();
        if lines.len() > 600 {
            wrong.push(format!("{} has {} lines", path.display(), lines.len()));
        }
        for (i, line) in lines.iter().enumerate() {
            let is_fn =
                line.trim_start().starts_with("fn ") || line.contains(" fn ") && line.trim_start().starts_with("pub");
            if !is_fn || line.trim_end().ends_with('}') || line.trim_end().ends_with(';') {
                continue;
            }
            let indent = line.len() - line.trim_start().len();
            let end = format!("{}}}", " ".repeat(indent));
            let length = lines[i..].iter().position(|l| l.trim_end() == end).unwrap_or(0) + 1;
            if length > 70 {
                wrong.push(format!("{}:{} is a function of {length} lines", path.display(), i + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

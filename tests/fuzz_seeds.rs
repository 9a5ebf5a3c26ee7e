//! The fuzz targets on what the tests know: every seed, and every input that once broke one.
//!
//! `CODEVD_FUZZ_SEEDS=FOLDER` writes the seeds there, a folder a target, for `fuzz/run`.
// where the seeds are written is asked of whoever runs it

#[path = "../fuzz/src/targets.rs"]
mod targets;

use std::fs;
use std::path::{Path, PathBuf};

/// The files of a folder and of its folders, with one of these endings; none named: all.
fn files(folder: &str, endings: &[&str]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(dir) = open.pop() {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(&dir).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                open.push(path);
            } else if endings.is_empty() || endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// What stands below the first blank line of a mail.
fn body(mail: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8_lossy(&mail).replace("\r\n", "\n");
    text.split_once("\n\n").map_or_else(Vec::new, |(_, body)| body.as_bytes().to_vec())
}

/// Every text in the TOML files of `folder` with this ending.
fn texts(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for file in files(folder, &[ending]) {
        let table: toml::Table = String::from_utf8(file).unwrap().parse().unwrap();
        strings(&toml::Value::Table(table), &mut found);
    }
    found
}

fn strings(value: &toml::Value, found: &mut Vec<Vec<u8>>) {
    match value {
        toml::Value::String(text) => found.push(text.as_bytes().to_vec()),
        toml::Value::Array(all) => all.iter().for_each(|one| strings(one, found)),
        toml::Value::Table(all) => all.values().for_each(|one| strings(one, found)),
        _ => {}
    }
}

/// A calendar in a file of `tests/itip`: below its line `---`.
fn calendars() -> Vec<Vec<u8>> {
    let below = |file: Vec<u8>| {
        String::from_utf8_lossy(&file).split_once("---\n").map(|(_, c)| c.replace('\n', "\r\n").into_bytes())
    };
    files("tests/itip", &[".txt"]).into_iter().filter_map(below).collect()
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let mails = || files("tests/mails", &[".eml"]);
    match target {
        "mime" => mails(),
        "reply" | "bounce" | "auto_reply" => mails().into_iter().map(body).collect(),
        "auth_results" => texts("tests", "auth_results.toml"),
        "token" => ["7K3F92QDJX4M0ZT8", "Re: Séance [7K3F92QDJX4M0ZT8]", "7k3f-92qd-jx4m-0zt8"].map(|t| t.as_bytes().to_vec()).into(),
        "itip" | "calendar" | "lint" => calendars(),
        "config" => files("tests/bad_configs", &[".toml"]).into_iter().chain(files("config", &["codevd.example.toml"])).collect(),
        "group" => files("tests/bad_configs", &[".toml"]).into_iter().chain(files("config", &["group.example.toml"])).collect(),
        "format" => files("config/formats", &[".toml"]),
        "word_list" => files("templates/fr", &["words.toml"]),
        "understand" => texts("tests/answers", ".toml").into_iter().enumerate().map(|(i, t)| [&[i.to_le_bytes()[0]][..], &t].concat()).collect(),
        "schedule" => ["0 18 * * Tue#2", "last thursday 18:00", "second tuesday 18:00", "0 0 18 ? * TUE#2 *"].map(|t| t.as_bytes().to_vec()).into(),
        "actions" => texts("tests/answers", ".toml"),
        "lmtp" => vec![b"LHLO a\r\nMAIL FROM:<a@b.org> BODY=8BITMIME\r\nRCPT TO:<codev@example.org>\r\nDATA\r\nFrom: a\r\n\r\n..x\r\n.\r\nQUIT\r\n".to_vec()],
        other => panic!("no seeds for {other}"),
    }
}

#[test]
fn every_seed_and_finding_holds() {
    let out = std::env::var_os("CODEVD_FUZZ_SEEDS").map(PathBuf::from);
    std::thread::scope(|scope| {
        for (name, target) in targets::TARGETS {
            let out = out.as_ref();
            scope.spawn(move || {
                let seeds = seeds(name);
                assert!(!seeds.is_empty(), "{name} has no seeds");
                if let Some(folder) = out.map(|out| out.join(name)) {
                    fs::create_dir_all(&folder).unwrap();
                    seeds
                        .iter()
                        .enumerate()
                        .for_each(|(i, seed)| fs::write(folder.join(format!("seed-{i:05}")), seed).unwrap());
                }
                let found = files(&format!("fuzz/found/{name}"), &[]);
                // the many answers are cases of tests/words.rs anyhow: every tenth
                let every = if seeds.len() > 500 { 10 } else { 1 };
                seeds.iter().step_by(every).chain(&found).for_each(|bytes| target(bytes));
            });
        }
    });
}

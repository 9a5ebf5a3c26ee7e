//! What `codevd mail read` shows of a mail: each step with its reason, each part of the text with the rule that told it.

use serde_json::Value;
use std::process::Command;

fn read(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codevd"));
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mails");
    let output = command.current_dir(folder).args(["mail", "read"]).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Row 22: the text with what each part is and why, for eight mails of eight kinds.
#[test]
fn the_text_is_shown_with_what_each_part_is_and_why() {
    let mut shown = String::new();
    for args in [
        &["fr-gmail-web-inline.eml", "--sent", "fr.sent.txt", "--question", "subject"][..],
        &["fr-thunderbird-sheet-filled-in-on-quoted-labels.eml", "--sent", "fr-sheet.sent.txt"],
        &[
            "fr-thunderbird-typed-behind-quoted-lines.eml",
            "--sent",
            "fr-plan.sent.txt",
            "--question",
            "progress",
            "--context",
            "{\"actions\": 3}",
        ],
        &["en-outlook-android-phone-line-first.eml"],
        &["fr-disclaimer.eml"],
        &["en-external-banner.eml"],
        &["fr-thunderbird-bottom.eml"],
        &["auto-fr-from-to.eml"],
        &["bounce-postfix-hard.eml"],
    ] {
        shown += &format!("$ codevd mail read {}\n{}\n", args.join(" "), read(args));
    }
    assert!(!shown.contains('\u{1b}'), "no colour in a pipe");
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("mails_as_they_are_shown", shown) });
}

/// The contract of `--json` (`inbound.md` §9), and what stands beside it.
#[test]
fn the_json_keeps_its_contract() {
    let said = read(&[
        "--json",
        "fr-gmail-web-inline.eml",
        "bounce-postfix-hard.eml",
        "auto-fr-from-to.eml",
        "not-a-mail.eml",
    ]);
    let all: Vec<Value> = said.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(all.len(), 4);
    let sorted = |mut keys: Vec<&str>| {
        keys.sort_unstable();
        keys.iter().map(|k| (*k).to_owned()).collect::<Vec<_>>()
    };
    let keys = |value: &Value| sorted(value.as_object().unwrap().keys().map(String::as_str).collect());
    let contract = ["file", "kind", "reply", "bounce", "auto_reply", "calendar", "proof", "problems"];
    for one in &all {
        assert_eq!(keys(one), sorted(contract.into_iter().chain(["steps", "parts"]).collect()), "{one}");
        assert_eq!(keys(&one["proof"]), ["level", "why"]);
        let names: Vec<&str> = one["steps"].as_array().unwrap().iter().map(|s| s["step"].as_str().unwrap()).collect();
        assert_eq!(names, ["class", "proof", "question", "reply", "meaning"]);
    }
    assert_eq!(keys(&all[0]["reply"]), ["confidence", "rule", "text"]);
    assert_eq!(keys(&all[1]["bounce"]["recipients"][0]), ["address", "class", "status"]);
    assert_eq!(keys(&all[2]["auto_reply"]), ["until"]);
    assert!(all[3]["reply"].is_null() && all[3]["kind"] == "unreadable");
}

/// Every mail of the collection: its parts lie in order, do not overlap, and leave out nothing but blanks; the person's
/// are those of the reply.
#[test]
fn the_parts_cover_the_text_of_every_mail() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mails");
    let squeezed = |t: &str| t.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut count = 0;
    for file in std::fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()) {
        if file.extension().is_none_or(|e| e != "eml") {
            continue;
        }
        let letter = codevd::mail::letter(&std::fs::read(&file).unwrap());
        for sent in [None, Some("fr.sent.txt"), Some("en.sent.txt")] {
            let sent = sent.map(|name| std::fs::read_to_string(folder.join(name)).unwrap());
            let reply = codevd::mail::reply(&letter, sent.as_deref());
            let (mut at, mut own) = (0, String::new());
            for part in &reply.parts {
                assert!(part.bytes.start >= at, "{}: {part:?}", file.display());
                assert_eq!(reply.body[at..part.bytes.start].trim(), "", "{}: before {part:?}", file.display());
                at = part.bytes.end;
                if part.kind == codevd::mail::PartKind::Reply {
                    own += &format!(" {}", &reply.body[part.bytes.clone()]);
                }
            }
            assert_eq!(reply.body[at..].trim(), "", "{}: at the end", file.display());
            // with what we sent at hand, an answer may bear the number of its question
            if sent.is_none() {
                assert_eq!(squeezed(&own), squeezed(&reply.text), "{}", file.display());
            }
            count += 1;
        }
    }
    assert!(count > 400, "{count}");
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    row: Vec<Row>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    number: usize,
    what: String,
    tests: Vec<String>,
    missing: Option<String>,
}

/// All of a folder's Rust sources, one after the other.
fn sources(folder: &std::path::Path, all: &mut String) {
    for path in std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()) {
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|e| e == "rs") {
            *all += &std::fs::read_to_string(&path).unwrap();
        }
    }
}

/// Each requirement on mail that comes in names the tests that are there, or says what is missing.
#[test]
fn every_row_has_its_tests() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let rows: Rows = toml::from_str(&std::fs::read_to_string(root.join("tests/inbound_rows.toml")).unwrap()).unwrap();
    let numbers: Vec<usize> = rows.row.iter().map(|r| r.number).collect();
    assert_eq!(numbers, (1..=60).collect::<Vec<_>>());
    let mut code = String::new();
    sources(&root.join("src"), &mut code);
    sources(&root.join("tests"), &mut code);
    let mut wrong = Vec::new();
    for row in &rows.row {
        if row.tests.is_empty() && row.missing.is_none() {
            wrong.push(format!("row {} ({}): neither a test nor what is missing", row.number, row.what));
        }
        for test in &row.tests {
            let there = match test.split_once(' ') {
                Some(("scenario", name)) => root.join(format!("tests/scenarios/{name}.txt")).exists(),
                Some(("mail", name)) => root.join(format!("tests/mails/{name}.eml")).exists(),
                _ => code.contains(&format!("fn {test}(")),
            };
            if !there {
                wrong.push(format!("row {} ({}): no test {test:?}", row.number, row.what));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! Broken files and the exact words a person gets for each: `tests/bad_configs/NAME.toml` and
//! `NAME.expected`. What a file is stands in its name's beginning: config-, group-, format-.
//! `BLESS=1 cargo test --test all bad_configs::` writes the expected files anew; read the difference.

use codevd::config::{ConfigError, Defaults, Warning, config_from, format_from, formats, group_from};
use codevd::core::{Formats, Language};
use proptest::prelude::*;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Fewest cases the folder must hold.
const LEAST: usize = 70;

static FORMATS: LazyLock<Formats> = LazyLock::new(|| formats(None).unwrap());

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_configs")
}

fn defaults() -> Defaults {
    Defaults { languages: vec![Language::french(), Language::english()], ..Defaults::default() }
}

fn check(kind: &str, file: &str, text: &str) -> Result<Vec<Warning>, Vec<ConfigError>> {
    match kind {
        "config" => config_from(file, text, Path::new("/etc/codevd")).map(|_| Vec::new()),
        "group" => group_from(file, text, &FORMATS, &defaults()).map(|(_, warnings)| warnings),
        "format" => format_from(file.trim_end_matches(".toml"), file, text).map(|_| Vec::new()),
        other => panic!("{file}: names begin with config-, group- or format-, not {other}-"),
    }
}

/// What is printed for a file: its errors, or its warnings.
fn said(name: &str, text: &str) -> String {
    let kind = name.split('-').next().unwrap();
    let mut out = String::new();
    match check(kind, name, text) {
        Ok(warnings) => warnings.iter().for_each(|w| writeln!(out, "{w}").unwrap()),
        Err(errors) => errors.iter().for_each(|e| writeln!(out, "{e}").unwrap()),
    }
    out
}

#[test]
fn each_broken_file_gets_its_exact_words() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    let mut count = 0;
    let mut paths: Vec<_> = std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|p| p.extension().is_some_and(|e| e == "toml")) {
        count += 1;
        let name = path.file_name().unwrap().to_str().unwrap();
        let found = said(name, &std::fs::read_to_string(path).unwrap());
        let expected = path.with_extension("expected");
        if bless {
            std::fs::write(&expected, &found).unwrap();
        }
        let words = std::fs::read_to_string(&expected).unwrap_or_default();
        if found.is_empty() {
            wrong.push(format!("{name}: nothing was found wrong with it"));
        } else if words != found {
            wrong.push(format!("{name}: expected\n{words}found\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= LEAST, "{count} cases");
    let lonely: Vec<_> = paths.iter().filter(|p| !p.with_extension("toml").exists()).collect();
    assert!(lonely.is_empty(), "no file for {lonely:?}");
}

/// No secret of any case is in any message: all of them hold `hunter2`.
#[test]
fn no_password_is_in_any_message() {
    let mut seen = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let expected = path.extension().is_some_and(|e| e == "expected");
        assert!(!(expected && text.contains("hunter")), "{}", path.display());
        seen += usize::from(!expected && text.contains("hunter2"));
    }
    assert!(seen >= 5, "{seen} cases hold a password");
}

/// Nor in those of files broken in other ways, under whatever key it stands.
#[test]
fn no_password_is_shown_however_the_line_is_broken() {
    let keys = [
        "password",
        "passwd",
        "pass",
        "pw",
        "secret",
        "geheim",
        "mot de passe",
        "smtp.password",
        "password_file",
        "password_env",
    ];
    let values = [
        "\"hunter2\"",
        "hunter2",
        "\"hunter2",
        "'hunter2",
        "\"\"\"\nhunter2\n",
        "\"\"\"\nhunter2\n\"\"\" x",
        "“hunter2”",
        "[\"hunter2\"",
        "[\"hunter2\"]",
        "{ a = \"hunter2\" }",
        "\"hunter2\" \"x\"",
        "hunter2 # x",
        "\"\\hunter2\"",
        "= \"hunter2\"",
    ];
    for key in keys {
        for value in values {
            for equals in [" = ", ": ", " "] {
                for part in ["[smtp]\nurl = \"smtps://h\"\n", "[imap]\n", ""] {
                    let said = said("config-x", &format!("{part}{key}{equals}{value}\nuser = 3\n"));
                    assert!(!said.contains("hunter2"), "{part}{key}{equals}{value}\n{said}");
                }
            }
        }
    }
    for url in
        ["smtps://me:hunter2@h", "me:hunter2@h", "hunter2@h:465", "smtp+starttls://hunter2@h", "me:hunter2@smtps://h"]
    {
        let said = said("config-x", &format!("[smtp]\nurl = \"{url}\"\n"));
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn the_examples_load_and_so_does_every_key_they_tell_of() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    for (kind, name) in [("config", "codevd.example.toml"), ("group", "group.example.toml")] {
        let text = std::fs::read_to_string(root.join(name)).unwrap();
        assert_eq!(check(kind, name, &text), Ok(Vec::new()), "{name}");
        let lines: Vec<_> = text.lines().collect();
        let mut keys = 0;
        for (i, line) in lines.iter().enumerate() {
            let Some(on) = line.strip_prefix("# ").filter(|l| is_key(l)) else { continue };
            keys += 1;
            let mut one: Vec<_> = lines.clone();
            one[i] = on;
            if on.starts_with("password_") {
                one.retain(|l| !l.starts_with("password_file"));
            }
            // a part that is commented out as a whole comes in the place of [imap]
            let part = lines[..i].iter().rposition(|l| l.starts_with('[') || l.starts_with("# [")).unwrap_or(0);
            if let Some(head) = lines[part].strip_prefix("# ").filter(|l| l.starts_with('[')) {
                one[part] = head;
                for (j, line) in lines.iter().enumerate().take(i).skip(part) {
                    one[j] = line.strip_prefix("# ").filter(|l| is_key(l)).unwrap_or(one[j]);
                }
                let imap = one.iter().position(|l| *l == "[imap]").unwrap();
                one.drain(imap..part);
            }
            let text = one.join("\n");
            // the passwords of both servers went; what is said of the other is not about this key
            let errors = check(kind, name, &text).err().unwrap_or_default();
            let about: Vec<_> = errors.iter().filter(|e| e.found != "`user` without a password").collect();
            assert!(about.is_empty(), "{name}: {on}: {}", about[0]);
        }
        assert!(keys >= 10, "{name}: {keys} keys");
    }
}

#[test]
fn nothing_of_a_file_steers_the_terminal() {
    let text = "\"a\\u001b[31m\" = 1\nname = \"x\\u202ey\"\nid = \"\\u001b]0;x\\u0007\"\nformat = \"\\u202e\"\n[[member]]\nname = \"Ana\\u202e\"\nemail = \"\u{1b}[2J@x\"\n";
    let said = said("group-x", text);
    assert!(
        said.lines().count() > 5 && said.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'),
        "{said:?}"
    );
}

fn is_key(line: &str) -> bool {
    let Some((key, _)) = line.split_once(" = ") else { return false };
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn pieces() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    ["codevd.example.toml", "group.example.toml", "formats/1h30.toml"]
        .iter()
        .flat_map(|f| std::fs::read_to_string(root.join(f)).unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
        .map(|l| l.trim_start_matches("# ").to_owned())
        .chain(
            ["\"\"\"", "'''", "[", "]]", "{", "= =", "é = “x”", "\u{feff}", "\r", "\0", "a.b.c = 1", "[[a.b]]"]
                .map(str::to_owned),
        )
        .collect()
}

/// Whatever the text is: no panic, and never an empty list of errors.
fn any_kind(text: &str) {
    for kind in ["config", "group", "format"] {
        match check(kind, "any.toml", text) {
            Ok(warnings) => warnings.iter().for_each(|w| drop(w.to_string())),
            Err(errors) => {
                assert!(!errors.is_empty(), "{kind}: {text}");
                errors.iter().for_each(|e| assert!(e.to_string().starts_with("any.toml")));
            }
        }
    }
}

/// A group file may come by mail: one made to hurt is answered like any other.
#[test]
fn a_hostile_file_takes_no_time_and_no_stack() {
    let keys: String = (0..10_000).map(|i| format!("key{i} = {i}\n")).collect();
    let cases = [
        "a\n".repeat(80_000),
        "[[member]]\n".repeat(20_000),
        "[[step]]\n".repeat(20_000),
        keys,
        format!("skip = [{}]", "1,".repeat(80_000)),
        format!("facilitators = [{}]", "\"x\",".repeat(40_000)),
        format!("a = {}", "[".repeat(200_000)),
        format!("a = {}", "{a=".repeat(60_000)),
        format!("{}a = 1", "a.".repeat(100_000)),
        format!("[{}a]\nb = 1", "a.".repeat(100_000)),
        format!("name = \"{}\"", "é".repeat(100_000)),
        format!("timezone = \"{}\"\nschedule = \"{}\"", "x".repeat(100_000), "mardy ".repeat(80_000)),
    ];
    for text in &cases {
        let start = std::time::Instant::now();
        any_kind(text);
        let head: String = text.chars().take(20).collect();
        assert!(start.elapsed().as_secs() < 20, "{head}: {:?}", start.elapsed());
    }
}

proptest! {
    #![proptest_config(crate::cases(400))]

    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        any_kind(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_mixture_of_real_lines_never_panics(lines in proptest::collection::vec(proptest::sample::select(pieces()), 0..40)) {
        any_kind(&lines.join("\n"));
    }

    #[test]
    fn a_real_file_with_a_cut_or_a_strange_character_never_panics(at in 0usize..4000, cut in 0usize..40, what in "[\\PC\n\"'\\[\\]{}=]{0,6}") {
        for text in [include_str!("../config/codevd.example.toml"), include_str!("../config/group.example.toml"), include_str!("../config/formats/2h.toml")] {
            let from = (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap();
            let to = ((from + cut).min(text.len())..=text.len()).find(|i| text.is_char_boundary(*i)).unwrap();
            any_kind(&format!("{}{what}{}", &text[..from], &text[to..]));
        }
    }
}

//! How long a mail is read.

use super::house::program;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Mails that ask for time, named.
fn hostile() -> Vec<(&'static str, String)> {
    let mega = 1024 * 1024;
    let top = "From: Ana <ana@example.org>\r\nTo: codev@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\n";
    let plain = |kind: &str, body: String| format!("{top}Content-Type: {kind}\r\n\r\n{body}\r\n");
    let nested = (0..10_000).map(|n| format!("Content-Type: multipart/mixed; boundary=\"b{n}\"\r\n\r\n--b{n}\r\n"));
    let file = format!("{}\r\n", "QUJD".repeat(19)).repeat(25 * mega / 78 - 10);
    let attached = format!(
        "--b\r\nContent-Type: text/plain\r\n\r\nOui\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{file}--b--\r\n"
    );
    vec![
        ("25 MB attached", plain("multipart/mixed; boundary=b", attached)),
        ("25 MB of text", plain("text/plain", "Une ligne de bon aloi.\r\n".repeat(25 * mega / 24 - 10))),
        ("25 MB of HTML", plain("text/html", "<p>un &eacute;t&eacute;</p>\r\n".repeat(25 * mega / 29 - 10))),
        ("10,000 nested parts", format!("{top}{}", nested.collect::<String>())),
        ("a megabyte of >", plain("text/plain", ">".repeat(mega))),
        ("a megabyte of lines of >", plain("text/plain", "> \r\n".repeat(mega / 4))),
    ]
}

/// The quickest of five: what the machine does beside it is not the mail's time.
fn quickest(files: &[PathBuf]) -> Duration {
    let once = || {
        let begun = Instant::now();
        let read = Command::new(program()).args(["mail", "read", "--json"]).args(files).output().unwrap();
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        begun.elapsed()
    };
    (0..5).map(|_| once()).min().unwrap()
}

/// The program's start is counted in.
#[test]
#[ignore = "measures a release build: .ci/run"]
fn a_hostile_mail_takes_200_ms_and_an_ordinary_one_a_millisecond() {
    let folder = tempfile::tempdir().unwrap();
    let mut slow = Vec::new();
    for (name, mail) in hostile() {
        let file = folder.path().join("mail.eml");
        fs::write(&file, mail).unwrap();
        let taken = quickest(&[file]);
        println!("{name}: {taken:?}");
        if taken > Duration::from_millis(200) {
            slow.push(format!("{name}: {taken:?}"));
        }
    }
    assert!(slow.is_empty(), "{}", slow.join(", "));
    let collection = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mails");
    let mut files: Vec<PathBuf> = fs::read_dir(collection).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "eml"));
    files.sort();
    let all = quickest(&files).saturating_sub(quickest(&files[..1]));
    let each = all / u32::try_from(files.len() - 1).unwrap();
    println!("an ordinary mail, of {}: {each:?}", files.len());
    assert!(each < Duration::from_millis(1), "{each:?}");
}

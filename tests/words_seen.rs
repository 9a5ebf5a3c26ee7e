//! An audit of what people write: each word of theirs is followed into every mail that leaves, whoever gets it; and each
//! stays readable in the mail that was kept. In `tests/words_seen/*.txt` a word that begins with `zq` is followed; the
//! indented line says who besides its author gets it, in which mails. `BLESS=1` writes these lines anew.

use crate::stage;
use codevd::core::Kind;
use codevd::mail::letter;
use codevd::store::Store;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Words that are followed, in a directive.
fn followed(line: &str) -> Vec<String> {
    let words = line.split(|c: char| !c.is_alphanumeric());
    words.filter(|w| w.starts_with("zq")).map(str::to_owned).collect()
}

/// All that a mail of ours says, its calendar too.
fn said(raw: &[u8]) -> String {
    let letter = letter(raw);
    let calendar: Vec<_> = letter.calendar.iter().map(|c| String::from_utf8_lossy(c).replace("\r\n ", "")).collect();
    format!("{} {} {}", letter.subject, letter.whole, calendar.join(" ")).to_lowercase()
}

/// A mail that went out: to whom, which, and all that it says.
type Out<'s> = (&'s str, &'static str, String);

/// Who got a word, in which mails; the author's own are left out.
fn seen(out: &[Out<'_>], author: &str, word: &str) -> String {
    let mut by_person: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (who, kind, _) in out.iter().filter(|(who, _, text)| *who != author && text.contains(word)) {
        by_person.entry(who).or_default().insert(kind);
    }
    let one = |(who, kinds): (&&str, &BTreeSet<&str>)| {
        format!("{who} ({})", kinds.iter().copied().collect::<Vec<_>>().join(", "))
    };
    let all: Vec<String> = by_person.iter().map(one).collect();
    if all.is_empty() { "nobody".to_owned() } else { all.join(", ") }
}

/// Every mail that came in, as text.
fn kept(set: &stage::Set) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("codevd.db");
    std::fs::write(&file, &set.database).unwrap();
    std::fs::write(folder.path().join("codevd.db.keys"), &set.keys).unwrap();
    let store = Store::open(&file).unwrap();
    let rows = (1..).map_while(|id| store.inbox_row(id).unwrap());
    rows.map(|row| said(&row.bytes)).collect()
}

/// Plays a file and gives it as it should be, with the mails that were answered in words that are followed.
fn played(written: &str) -> (String, BTreeSet<String>) {
    let lines: Vec<&str> = written.lines().filter(|l| !l.starts_with("  ")).collect();
    let set = stage::set(lines.iter().copied());
    let kept = kept(&set);
    let sent = set.got.iter().flat_map(|(who, mails)| mails.iter().map(move |mail| (who.as_str(), mail)));
    let sent: Vec<Out<'_>> = sent.map(|(who, (key, _, raw))| (who, key.kind.name(), said(raw))).collect();
    let (mut out, mut answered) = (String::new(), BTreeSet::new());
    for line in lines {
        out += &format!("{line}\n");
        let author = line.split(' ').next().unwrap_or_default();
        if line.starts_with('#') {
            continue;
        }
        for word in followed(line) {
            assert!(kept.iter().any(|text| text.contains(&word)), "{word} is not to be read any more");
            out += &format!("  {word}: {}\n", seen(&sent, author, &word));
            let name = line.split([':', '\n']).next().unwrap_or_default().splitn(3, ' ').nth(2).unwrap_or_default();
            answered.insert(name.split(" of ").next().unwrap_or_default().to_owned());
        }
    }
    (out, answered)
}

#[test]
fn every_word_is_seen_by_those_it_is_for_and_by_nobody_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/words_seen");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let mut answered = BTreeSet::new();
    let mut wrong = Vec::new();
    for file in files {
        let written = std::fs::read_to_string(&file).unwrap();
        let (became, names) = played(&written);
        answered.extend(names);
        if became != written && std::env::var("BLESS").is_ok() {
            std::fs::write(&file, became).unwrap();
        } else if became != written {
            let differs = |(a, b): (&str, &str)| (a != b).then(|| format!("written: {a}\nbecame:  {b}"));
            wrong.push(format!(
                "{}\n{}",
                file.display(),
                written.lines().zip(became.lines()).find_map(differs).unwrap_or_default()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // what asks something, or may be answered all the same
    for kind in [
        Kind::Invitation,
        Kind::AttendanceCheck,
        Kind::SubjectRequest,
        Kind::SubjectReceipt,
        Kind::SubjectShared,
        Kind::NoSubject,
        Kind::Standby,
        Kind::CallForSubjects,
        Kind::WarmUp,
        Kind::DayOf,
        Kind::ActionPlanRequest,
        Kind::LearningsRequest,
        Kind::LastCall,
        Kind::DigestReview,
        Kind::Digest,
        Kind::FollowUp,
        Kind::PlanReprint,
        Kind::Counter,
        Kind::WasItYou,
        Kind::Notice,
        Kind::Receipt,
        Kind::Refusal,
    ] {
        assert!(answered.contains(kind.name()), "no word in answer to {} is followed", kind.name());
    }
}

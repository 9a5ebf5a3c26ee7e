//! Scenarios as text: what happens, and which mails go out. The real engine, store, templates and
//! readers under a virtual clock. `BLESS=1 cargo test --test all scenarios::` writes the transcripts anew.
//!
//! A file holds directives at the line's beginning and, indented, what came of them:
//!
//! - `start DATE HOUR` (the first line; hours are Paris time) and `group NAME [not live]` (tests/scenarios/groups)
//! - `plus` before `start`: mail to `codev+anything@` arrives, and our mails make use of it
//! - `until DATE HOUR`: the world turns; `off until DATE HOUR`: the daemon stands still meanwhile; `restart`
//! - `WHO answers MAIL: words` (`\n` for a new line), in the manner of their program (`WHO has outlook`)
//! - `WHO presses accepted|declined|tentative on MAIL[: comment]` (`WHO has calendar outlook`), `WHO is away on MAIL: words`
//! - `WHO presses BUTTON on MAIL beside: words`: the words in the mail around the calendar, not in it
//! - `ADDRESS presses BUTTON for WHO on MAIL`, `ADDRESS presses BUTTON forwarded by WHO on MAIL`: somebody else
//! - `WHO proposes DATE HOUR on MAIL[: comment]` (COUNTER), `WHO refreshes MAIL` (REFRESH)
//! - `MAIL` may end in the meeting's number: `invitation 2`
//! - `WHO answers MAIL of OTHER: words`: with somebody else's mail in hand
//! - `WHO clicks WORD in MAIL`: a button of the mail itself, which opens a new mail
//! - `WHO sends WORD in MAIL without subject body plus`, `… with subject: words`, `… with body: words`: the same, changed
//! - `post FILE`: a raw mail from tests/scenarios/mails reaches the mailbox, with `{id WHO MAIL}` filled in
//! - `look WHO MAIL: words`: whether that mail, its headers, or the calendar in it, says these words
//! - `order move N DATE HOUR | cancel N | swap N NAME | apply NAME`
//! - `believes ID`: from now on that host's Authentication-Results are believed
//! - `cut ADDRESS N`: at the next N mails to it the connection is lost between the dot and the answer
//! - `refuse WHO`, `down`, `up`; `use GROUP`: the group that orders and `show` are about
//! - `show N`: the meeting as it stands; `people`; `turns`; `kept`: mails kept, not applied

use crate::stage;
use std::path::Path;

#[test]
fn every_scenario_goes_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "txt"));
    files.sort();
    if let Ok(only) = std::env::var("ONLY") {
        files.retain(|p| p.file_name().unwrap().to_string_lossy().contains(&only));
    }
    let next = std::sync::atomic::AtomicUsize::new(0);
    let wrong = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, |n| n.get()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(path) = files.get(at) else { return };
                    if let Err(difference) = check(path) {
                        wrong.lock().unwrap().push(difference);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} scenarios differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn check(path: &Path) -> Result<(), String> {
    let written = std::fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let lines = written.lines().filter(|l| !l.starts_with("  "));
    let run = std::panic::catch_unwind(|| stage::play(lines));
    let became = run.map_err(|_| format!("{name}: the scenario itself failed, see above"))?;
    if became == written {
        return Ok(());
    }
    if std::env::var("BLESS").is_ok() {
        std::fs::write(path, became).unwrap();
        return Ok(());
    }
    let differs = written.lines().zip(became.lines()).position(|(a, b)| a != b);
    let at = differs.unwrap_or_else(|| written.lines().count().min(became.lines().count()));
    let line = |text: &str| text.lines().nth(at).unwrap_or("(end)").to_owned();
    Err(format!("{name}:{}:\n  written: {}\n  became:  {}", at + 1, line(&written), line(&became)))
}

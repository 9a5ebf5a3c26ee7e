//! Session formats: those in the binary, those of a folder, and the check of each.

use crate::config::error::{ConfigError, Place};
use crate::config::nearest::nearest;
use crate::config::table::{At, Document, Table};
use crate::config::{duration, read_text};
use crate::core::format::{Collects, Format, FormatId, FormatStep, Formats, Speaker, StepKey, Turns};
use include_dir::{Dir, include_dir};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/config/formats");

/// Short names of steps in writings about the method, and the step.
const STEP_SYNONYMS: [(&str, StepKey); 12] = [
    ("followup", StepKey::FollowUp),
    ("s1", StepKey::Presentation),
    ("expose", StepKey::Presentation),
    ("s2", StepKey::Clarification),
    ("s2a", StepKey::Clarification),
    ("s2b", StepKey::Feelings),
    ("ressentis", StepKey::Feelings),
    ("s3", StepKey::Request),
    ("s4", StepKey::Contributions),
    ("s5", StepKey::ActionPlan),
    ("plan", StepKey::ActionPlan),
    ("s6", StepKey::Learnings),
];

const SPEAKERS: [(&str, Speaker); 6] = [
    ("requester", Speaker::Requester),
    ("cooperants", Speaker::Cooperants),
    ("all", Speaker::All),
    ("previous_requester", Speaker::PreviousRequester),
    ("facilitator", Speaker::Facilitator),
    ("nobody", Speaker::Nobody),
];
const TURNS: [(&str, Turns); 2] = [("turn", Turns::Turn), ("free", Turns::Free)];
const COLLECTS: [(&str, Collects); 5] = [
    ("none", Collects::None),
    ("request", Collects::Request),
    ("contribution", Collects::Contribution),
    ("action", Collects::Action),
    ("learning", Collects::Learning),
];

/// All formats: those in the binary, each replaced by the folder's file of the same name, and the
/// folder's own. Errors of all files together.
pub fn formats(dir: Option<&Path>) -> Result<Formats, Vec<ConfigError>> {
    let mut errors = Vec::new();
    let mut all = BTreeMap::new();
    for (name, (file, text)) in &format_files(dir, &mut errors) {
        match format_from(name, file, text) {
            Ok(format) => drop(all.insert(format.id.clone(), format)),
            Err(more) => errors.extend(more),
        }
    }
    if errors.is_empty() { Ok(Arc::new(all)) } else { Err(errors) }
}

/// Their files by name: where each lies (its name alone for those in the binary), and its text. What can't be read
/// is added to `errors`.
pub fn format_files(dir: Option<&Path>, errors: &mut Vec<ConfigError>) -> BTreeMap<String, (String, String)> {
    let mut texts = BTreeMap::new();
    for file in EMBEDDED.files() {
        let text = file.contents_utf8().unwrap_or_default().to_owned();
        texts.insert(stem(file.path()), (file.path().display().to_string(), text));
    }
    for path in dir.map(|d| toml_files(d, errors)).unwrap_or_default() {
        match read_text(&path) {
            Ok(text) => drop(texts.insert(stem(&path), (path.display().to_string(), text))),
            Err(error) => errors.push(*error),
        }
    }
    texts
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

fn toml_files(dir: &Path, errors: &mut Vec<ConfigError>) -> Vec<PathBuf> {
    match std::fs::read_dir(dir) {
        Ok(entries) => {
            let mut all: Vec<_> = entries.flatten().map(|e| e.path()).collect();
            all.retain(|p| p.extension().is_some_and(|e| e == "toml"));
            all.sort();
            all
        }
        Err(why) => {
            errors.push(ConfigError {
                at: Place::file(&dir.display().to_string()),
                found: format!("this folder of formats cannot be read: {why}"),
                expected: "a folder of .toml files, one a format".to_owned(),
                remedy: None,
            });
            Vec::new()
        }
    }
}

/// Reads one format. `name` is its short name (that of its file), `file` what errors call it.
/// All of its errors at once.
pub fn format_from(name: &str, file: &str, text: &str) -> Result<Format, Vec<ConfigError>> {
    let (doc, table) = Document::parse(file, text, "a format file", None);
    let id = name.parse::<FormatId>();
    if let Err(why) = &id {
        doc.missing(&(0..0), format!("the file's name {why}"));
    }
    let mut root = Table::root(&doc, &table);
    let titled = root.has("title");
    let title = root.by_language("title");
    if !titled {
        doc.missing(
            &(0..0),
            "`title` is missing: the name for people, a language each: title.fr = \"1 h 30\"".to_owned(),
        );
    }
    let caution = root.by_language("caution");
    let length = duration_key(&mut root, "length");
    let people = people(&mut root);
    if !root.has("step") {
        root.missing_part("step", "the session's steps in order");
    }
    let steps: Vec<_> = root.tables("step").into_iter().map(step).collect();
    root.finish(&[("in each [[step]]", &["key", "minutes", "speaker", "order", "collects"])]);
    in_order(&doc, &steps);
    sums_up(&doc, length.as_ref(), &steps);
    doc.finish()?;
    let steps = steps.into_iter().filter_map(|s| s.step).collect();
    Ok(Format { id: id.map_err(|_| Vec::new())?, title, caution, people, steps })
}

/// A duration key that must be there; a bare number is taken for minutes in the remedy.
fn duration_key(table: &mut Table, key: &'static str) -> Option<At<u32>> {
    if let Some(number) = table.bare_number(key) {
        let remedy = Some(format!("write {key} = \"{0}m\" for {0} minutes", number.value));
        table.doc.wrong(&number.span, format!("`{key}` is a number"), duration::EXPECTED, remedy);
        return None;
    }
    let at = table.required(key, duration::EXPECTED)?;
    length_of(table.doc, at)
}

fn length_of(doc: &Document, at: At<&str>) -> Option<At<u32>> {
    match duration::seconds(at.value) {
        Ok(value) => Some(At { value, span: at.span }),
        Err(why) => {
            let plain = at.value.trim().parse::<u32>().ok().map(|n| format!("{n}m"));
            let squeezed = at.value.to_lowercase().replace("minutes", "m").replace("min", "m").replace(' ', "");
            let right = plain.or_else(|| duration::seconds(&squeezed).ok().map(|_| squeezed));
            let remedy = right.map(|right| format!("write \"{right}\""));
            doc.wrong(&at.span, why, duration::EXPECTED, remedy);
            None
        }
    }
}

fn people(root: &mut Table) -> (u32, u32, u32) {
    let default = (4, 6, 8);
    let Some(mut table) = root.table("people") else {
        return default;
    };
    let span = table.span.clone();
    let doc = table.doc;
    let mut number = |key, or| table.number(key, 2..=12, "of people").map_or(or, |at| at.value);
    let found = (number("min", default.0), number("ideal", default.1), number("max", default.2));
    table.finish(&[]);
    if !(found.0 <= found.1 && found.1 <= found.2) {
        let said = format!("`people` goes from {} over {} to {}", found.0, found.1, found.2);
        doc.wrong(&span, said, "min, ideal and max in rising order", None);
    }
    found
}

/// A step as far as it could be read.
struct Read {
    key: Option<At<StepKey>>,
    seconds: Option<u32>,
    step: Option<FormatStep>,
}

fn step(mut table: Table) -> Read {
    let key = step_key(&mut table);
    let seconds = duration_key(&mut table, "minutes");
    let speaker = choice(&mut table, "speaker", &SPEAKERS, None);
    let alone = matches!(speaker, Some(Speaker::Cooperants | Speaker::All));
    let order = choice(&mut table, "order", &TURNS, Some(if alone { Turns::Turn } else { Turns::Free }));
    let collects = choice(&mut table, "collects", &COLLECTS, Some(Collects::None));
    table.finish(&[]);
    let step = (|| {
        let (key, seconds) = (key.as_ref()?.value, seconds.as_ref()?.value);
        Some(FormatStep { key, seconds, speaker: speaker?, order: order?, collects: collects? })
    })();
    Read { key, seconds: seconds.map(|at| at.value), step }
}

fn step_key(table: &mut Table) -> Option<At<StepKey>> {
    let names = StepKey::ALL.map(StepKey::name);
    let at = table.required("key", &format!("one of {}", names.join(", ")))?;
    let word = at.value.trim();
    if let Some(value) = StepKey::named(word) {
        return Some(At { value, span: at.span });
    }
    let synonym = STEP_SYNONYMS.iter().find(|(s, _)| *s == word.to_lowercase()).map(|(_, k)| k.name());
    let hint = synonym.or_else(|| nearest(word, names.into_iter())).map(|n| format!("did you mean \"{n}\"?"));
    table.doc.wrong(&at.span, format!("{word:?} is no step"), &format!("one of {}", names.join(", ")), hint);
    None
}

/// One of a few words; without the key `or`, and without that an error.
fn choice<T: Copy>(table: &mut Table, key: &'static str, words: &[(&'static str, T)], or: Option<T>) -> Option<T> {
    let names = words.iter().map(|(w, _)| *w);
    let expected = format!("one of {}", names.clone().collect::<Vec<_>>().join(", "));
    if or.is_some() && !table.has(key) {
        table.text(key);
        return or;
    }
    let at = table.required(key, &expected)?;
    let found = words.iter().find(|(w, _)| *w == at.value.trim()).map(|(_, value)| *value);
    if found.is_none() {
        let hint = nearest(at.value.trim(), names).map(|n| format!("did you mean \"{n}\"?"));
        table.doc.wrong(&at.span, format!("`{key}` is {:?}", at.value), &expected, hint);
    }
    found
}

/// Each step once, in the method's order, and the two without which nothing is consulted on.
fn in_order(doc: &Document, steps: &[Read]) {
    let keys: Vec<_> = steps.iter().filter_map(|s| s.key.as_ref()).collect();
    for pair in keys.windows(2) {
        let [before, this] = pair else { continue };
        let found = match this.value.cmp(&before.value) {
            std::cmp::Ordering::Equal => format!("step {} comes twice", this.value),
            std::cmp::Ordering::Less => format!("step {} comes after {}", this.value, before.value),
            std::cmp::Ordering::Greater => continue,
        };
        let order = StepKey::ALL.map(StepKey::name).join(", ");
        doc.wrong(&this.span, found, &format!("each step at most once, in the order {order}"), None);
    }
    if !steps.is_empty() && keys.len() == steps.len() {
        for needed in [StepKey::Presentation, StepKey::Contributions] {
            if !keys.iter().any(|k| k.value == needed) {
                doc.missing(&(0..0), format!("step {needed} is missing: there must be presentation and contributions"));
            }
        }
    }
}

fn sums_up(doc: &Document, length: Option<&At<u32>>, steps: &[Read]) {
    let Some(sum) = steps.iter().map(|s| s.seconds).try_fold(0u32, |sum, s| sum.checked_add(s?)) else { return };
    let Some(length) = length.filter(|l| l.value != sum && !steps.is_empty() && !doc.is_torn()) else { return };
    let (sum_text, length_text) = (duration::written(sum), duration::written(length.value));
    let (more, what) =
        if sum > length.value { (sum - length.value, "too much") } else { (length.value - sum, "missing") };
    let remedy = format!("{} {what}: change a step, or write length = \"{sum_text}\"", duration::written(more));
    doc.wrong(
        &length.span,
        format!("the steps take {sum_text} in all"),
        &format!("{length_text}, the length"),
        Some(remedy),
    );
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NAMES: [&str; 5] = ["flash45", "1h", "1h30", "2h", "3h"];

    fn get(name: &str) -> Format {
        formats(None).unwrap().get(&name.parse::<FormatId>().unwrap()).unwrap().clone()
    }

    /// Method note §2.2, in the order of [`StepKey::ALL`]; 0 where the step goes by mail.
    #[test]
    fn minutes_are_those_of_the_method_note() {
        let table = [
            [2, 0, 0, 5, 9, 2, 3, 0, 12, 5, 5, 2],
            [3, 3, 0, 6, 10, 3, 4, 0, 14, 6, 7, 4],
            [6, 5, 3, 8, 15, 6, 6, 0, 21, 8, 8, 4],
            [8, 7, 5, 10, 20, 7, 7, 5, 28, 9, 10, 4],
            [15, 15, 10, 15, 25, 10, 10, 15, 35, 10, 12, 8],
        ];
        for (name, minutes) in NAMES.iter().zip(table) {
            let format = get(name);
            let found = StepKey::ALL.map(|k| format.steps.iter().find(|s| s.key == k).map_or(0, |s| s.seconds / 60));
            assert_eq!(found, minutes, "{name}");
        }
        assert_eq!(NAMES.map(|n| get(n).length().num_minutes()), [45, 60, 90, 120, 180]);
    }

    /// Method note §2.3: clarification / feelings / contributions / learnings for 5, 6, 7 and 8 people.
    #[test]
    fn turns_are_those_of_the_method_note() {
        let table = [
            ["2:15 0:30 3:00 1:00", "1:48 0:24 2:24 0:50", "1:30 0:20 2:00 0:43", "1:17 0:17 1:43 0:38"],
            ["2:30 0:45 3:30 1:24", "2:00 0:36 2:48 1:10", "1:40 0:30 2:20 1:00", "1:26 0:26 2:00 0:52"],
            ["3:45 1:30 5:15 1:36", "3:00 1:12 4:12 1:20", "2:30 1:00 3:30 1:09", "2:09 0:51 3:00 1:00"],
            ["5:00 1:45 7:00 2:00", "4:00 1:24 5:36 1:40", "3:20 1:10 4:40 1:26", "2:51 1:00 4:00 1:15"],
            ["6:15 2:30 8:45 2:24", "5:00 2:00 7:00 2:00", "4:10 1:40 5:50 1:43", "3:34 1:26 5:00 1:30"],
        ];
        let taken = [StepKey::Clarification, StepKey::Feelings, StepKey::Contributions, StepKey::Learnings];
        for (name, row) in NAMES.iter().zip(table) {
            let format = get(name);
            for (people, expected) in (5..=8).zip(row) {
                let turn = |k: &StepKey| {
                    let step = format.steps.iter().find(|s| s.key == *k).unwrap();
                    let exact =
                        f64::from(step.seconds) / f64::from(if *k == StepKey::Learnings { people } else { people - 1 });
                    let turn = Format::turn_seconds(step, people).unwrap();
                    assert!((0.0..1.0).contains(&(exact - f64::from(turn))), "{name} {k} {people}");
                    // the note rounds to the nearest second, half to even
                    let seconds = exact.round_ties_even() as u32;
                    format!("{}:{:02}", seconds / 60, seconds % 60)
                };
                assert_eq!(taken.iter().map(turn).collect::<Vec<_>>().join(" "), expected, "{name} {people}");
            }
        }
    }

    #[test]
    fn the_flash_format_is_too_short_for_eight_and_says_when_to_use_it() {
        let steps = |n: u32| get("flash45").too_short_for(n).iter().map(|t| (t.step, t.found)).collect::<Vec<_>>();
        assert_eq!(steps(7), []);
        assert_eq!(steps(8), [(StepKey::Feelings, 17), (StepKey::Contributions, 102)]);
        assert!(get("flash45").caution["fr"].contains("urgent et simple"));
        assert!(get("flash45").caution["en"].contains("urgent, simple subject only"));
        assert!(NAMES[1..].iter().all(|n| get(n).caution.is_empty() && get(n).too_short_for(8).is_empty()));
        assert!(NAMES.iter().all(|n| get(n).title.contains_key("fr") && get(n).title.contains_key("en")));
    }

    #[test]
    fn a_folder_replaces_one_format_and_adds_another() {
        let dir = tempfile::tempdir().unwrap();
        let text = "title.en = \"Rehearsal\"\nlength = \"12s\"\n[[step]]\nkey = \"presentation\"\nminutes = \"5s\"\nspeaker = \"requester\"\n[[step]]\nkey = \"contributions\"\nminutes = \"7s\"\nspeaker = \"cooperants\"\n";
        std::fs::write(dir.path().join("rehearsal.toml"), text).unwrap();
        std::fs::write(dir.path().join("1h.toml"), text).unwrap();
        std::fs::write(dir.path().join("notes.txt"), "not a format").unwrap();
        let all = formats(Some(dir.path())).unwrap();
        assert_eq!(all.len(), 6);
        let seconds = |n: &str| all[&n.parse::<FormatId>().unwrap()].length().num_seconds();
        assert_eq!([seconds("rehearsal"), seconds("1h"), seconds("2h")], [12, 12, 7200]);
        assert_eq!(all[&"rehearsal".parse::<FormatId>().unwrap()].steps[1].order, Turns::Turn);
        std::fs::write(dir.path().join("2h.toml"), "title.en = 3\n").unwrap();
        std::fs::write(dir.path().join("Big One.toml"), text).unwrap();
        let errors = formats(Some(dir.path())).unwrap_err();
        assert!(
            errors.iter().any(|e| e.at.file.ends_with("2h.toml")) && errors.iter().any(|e| e.found.contains("Big One"))
        );
        assert!(formats(Some(&dir.path().join("none"))).unwrap_err()[0].to_string().contains("cannot be read"));
    }

    #[test]
    fn the_embedded_formats_are_those_of_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/formats");
        assert_eq!(formats(None).unwrap(), formats(Some(&folder)).unwrap());
        assert_eq!(formats(None).unwrap().len(), 5);
    }
}

//! Whether a language has all the mails there are, and asks for no value that is never given.

use super::context::NAMES;
use super::error::Mistake;
use crate::core::{Kind, Language, StepKey};
use std::collections::BTreeMap;
use tera::Tera;

/// A mistake for each file a mail, step or calendar event needs and the language lacks.
pub(super) fn missing(files: &BTreeMap<String, String>, language: &Language) -> Vec<Mistake> {
    let absent = |path: String| !files.contains_key(&path);
    needed(language)
        .into_iter()
        .filter(|(path, _)| absent(path.clone()))
        .map(|(path, what)| Mistake::missing(&path, &what))
        .collect()
}

fn needed(language: &Language) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for kind in Kind::ALL {
        let folder = format!("{language}/{}", kind.name());
        all.push((format!("{folder}/subject.txt"), format!("the subject line of {kind}")));
        let folders = match kind {
            Kind::StepPrompt => StepKey::ALL.iter().map(|s| format!("{folder}/{s}")).collect(),
            _ => vec![folder],
        };
        for folder in folders {
            all.push((format!("{folder}/text.txt"), format!("the text of {kind}")));
            all.push((format!("{folder}/html.html"), format!("the HTML of {kind}")));
        }
    }
    for name in ["summary", "description", "alarms_summary", "alarms"].map(|name| format!("calendar/{name}.txt")) {
        all.push((format!("{language}/{name}"), "the words of a calendar event".to_owned()));
    }
    for name in ["subject", "note"] {
        let what = "what stands before a mail that is shown to the facilitator ahead";
        all.push((format!("{language}/preview/{name}.txt"), what.to_owned()));
    }
    for name in ["subject.txt", "text.txt"] {
        all.push((format!("{language}/operator/{name}"), "the mail to the operator".to_owned()));
    }
    all.push((format!("{language}/digest/markdown.md"), "the digest as Markdown".to_owned()));
    all
}

/// A mistake for each name at the beginning of a value that no mail is given (`{{ metting.date }}`).
/// What stands after the first dot shows when the mail is rendered.
pub(super) fn unknown_values(files: &BTreeMap<String, String>, tera: &Tera, language: &Language) -> Vec<Mistake> {
    let mut all = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| tera.contains_template(path)) {
        let mine = path.starts_with(language.as_str()) || !path.contains('/');
        let Ok(names) = tera.get_template_variables(path) else { continue };
        // Names that only an included file asks for are told with that file.
        let asked = names.into_iter().filter(|n| !NAMES.contains(n) && !is_set(files, n));
        for (name, at) in asked.filter_map(|n| place(text, n).map(|at| (n, at))) {
            if mine {
                let known = NAMES.join(", ");
                let what = format!("no mail is given a value {name:?}; there are {known}");
                all.push(Mistake { file: path.clone(), at: Some(at), what });
            }
        }
    }
    all.sort_by(|a, b| (&a.file, a.at).cmp(&(&b.file, b.at)));
    all
}

/// Names that templates set for one another, such as `words` before `_words.html`.
fn is_set(files: &BTreeMap<String, String>, name: &str) -> bool {
    let set = [format!("set {name} "), format!("set {name}=")];
    files.values().any(|text| set.iter().any(|s| text.contains(s.as_str())))
}

/// Line and column of a name's first use inside a tag.
fn place(text: &str, name: &str) -> Option<(usize, usize)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    for (number, line) in text.lines().enumerate() {
        let found = line.match_indices(name).find(|(at, _)| {
            let before = line[..*at].chars().next_back();
            let after = line[at + name.len()..].chars().next();
            let alone = !before.is_some_and(|c| is_word(c) || c == '.') && !after.is_some_and(is_word);
            let open = line[..*at].rfind("{{").max(line[..*at].rfind("{%"));
            let close = line[..*at].rfind("}}").max(line[..*at].rfind("%}"));
            alone && open.is_some() && open > close
        });
        if let Some((at, _)) = found {
            return Some((number + 1, line[..at].chars().count() + 1));
        }
    }
    None
}

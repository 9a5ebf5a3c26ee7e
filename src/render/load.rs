//! From files to what can be rendered: one Tera a language, its locale and its choices. All mistakes at once.

use super::choices::Choices;
use super::complete;
use super::error::{Mistake, RenderError};
use super::filters;
use super::locale::Locale;
use super::prepare::prepare;
use crate::core::Language;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::Arc;
use tera::{ErrorKind, Tera};

/// A language that mails can be written in.
#[derive(Debug, Clone)]
pub(super) struct Tongue {
    pub tera: Tera,
    pub locale: Arc<Locale>,
    pub choices: Choices,
}

/// The languages, and the styles that are put inline by name.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub tongues: BTreeMap<Language, Tongue>,
    pub styles: BTreeMap<String, String>,
}

/// Reads all files; a later file of the same path replaces an earlier one.
pub(super) fn load(files: Vec<(String, String)>) -> Result<Loaded, RenderError> {
    let files: BTreeMap<String, String> = files.into_iter().collect();
    let mut wrong = Vec::new();
    let styles = toml_file(&files, "_styles.toml", &mut wrong).unwrap_or_default();
    let mut tongues = BTreeMap::new();
    for language in languages(&files) {
        if let Some(tongue) = tongue(&files, &language, &mut wrong) {
            tongues.insert(language, tongue);
        }
    }
    if tongues.is_empty() && wrong.is_empty() {
        wrong.push(Mistake::missing("fr/locale.toml", "a folder for each language, with its locale.toml"));
    }
    if wrong.is_empty() { Ok(Loaded { tongues, styles }) } else { Err(RenderError::Templates(wrong)) }
}

/// Folders of two letters that hold more than words to understand.
fn languages(files: &BTreeMap<String, String>) -> Vec<Language> {
    let mut all: Vec<Language> = files
        .keys()
        .filter_map(|path| path.split_once('/'))
        .filter(|(_, file)| *file != "words.toml")
        .filter_map(|(folder, _)| folder.parse().ok())
        .collect();
    all.dedup();
    all
}

fn tongue(files: &BTreeMap<String, String>, language: &Language, wrong: &mut Vec<Mistake>) -> Option<Tongue> {
    let path = format!("{language}/locale.toml");
    let locale: Option<Locale> = toml_file(files, &path, wrong);
    let choices: Option<Choices> = toml_file(files, &format!("{language}/choices.toml"), wrong);
    let locale = Arc::new(locale?);
    for step in locale.steps_without_title() {
        wrong.push(Mistake::missing(&path, &format!("a title for the step {step} under [steps]")));
    }
    let tera = templates(files, language, &locale, wrong)?;
    wrong.extend(complete::missing(files, language));
    wrong.extend(complete::unknown_values(files, &tera, language));
    Some(Tongue { tera, locale, choices: choices? })
}

fn toml_file<T: DeserializeOwned>(files: &BTreeMap<String, String>, path: &str, wrong: &mut Vec<Mistake>) -> Option<T> {
    let Some(text) = files.get(path) else {
        wrong.push(Mistake::missing(path, "this file"));
        return None;
    };
    toml::from_str(text).map_err(|error| wrong.push(Mistake::toml(path, text, &error))).ok()
}

fn is_template(path: &str, language: &Language) -> bool {
    let mine = path.strip_prefix(language.as_str()).is_some_and(|rest| rest.starts_with('/'));
    let shared = !path.contains('/') && path.starts_with('_');
    (mine || shared) && [".txt", ".html", ".md"].iter().any(|end| path.ends_with(end))
}

/// All of a language in one call: Tera then checks includes, parents and filters across files.
fn templates(
    files: &BTreeMap<String, String>,
    language: &Language,
    locale: &Arc<Locale>,
    wrong: &mut Vec<Mistake>,
) -> Option<Tera> {
    let all: Vec<(&String, String)> = files
        .iter()
        .filter(|(path, _)| is_template(path, language))
        .map(|(path, text)| (path, prepare(path, text, locale)))
        .collect();
    let mut tera = empty(locale);
    let Err(first) = tera.add_raw_templates(all.iter().map(|(p, t)| (p.as_str(), t.as_str()))) else {
        return Some(tera);
    };
    let before = wrong.len();
    for (path, text) in &all {
        if let Err(error) = empty(locale).add_raw_template(path, text)
            && matches!(error.kind(), ErrorKind::SyntaxError(_))
        {
            wrong.push(Mistake::tera(&error, path));
        }
    }
    if wrong.len() == before {
        wrong.push(Mistake::tera(&first, &format!("{language}/")));
    }
    None
}

fn empty(locale: &Arc<Locale>) -> Tera {
    let mut tera = Tera::default();
    tera.autoescape_on(vec![".html"]);
    filters::register(&mut tera, locale);
    tera
}

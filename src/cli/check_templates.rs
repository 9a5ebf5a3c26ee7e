//! The templates' part of `codevd check`: every mail of a month is written with them, and each mistake is told with
//! file and line.

use super::check::Report;
use super::failure::{Failure, Result};
use super::mail_test::sample::month;
use super::naming::nearest;
use super::setup::Setup;
use super::terminal::Mark;
use crate::daemon::{ComposeError, Composer};
use crate::demo::cast;
use crate::mail::Key;
use crate::render::Renderer;
use std::collections::BTreeSet;

pub(super) fn check(setup: &Setup, report: &mut Report) {
    let Some(renderer) = report.take("templates", setup.renderer()) else { return };
    let languages = renderer.languages().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let Some(own) = report.take("templates", setup.own_templates()) else { return };
    of_no_use(&own, report);
    // those inside the program are tested with it
    let mistakes = match own.is_empty() {
        true => Vec::new(),
        false => report.take("templates", tried(setup, &renderer, &own)).unwrap_or_default(),
    };
    mistakes.iter().for_each(|m| report.add(Mark::Bad, "templates", m));
    if mistakes.is_empty() {
        let with = if own.is_empty() { String::new() } else { format!(", {} files of your own", own.len()) };
        report.add(Mark::Good, "templates", format!("mails in {languages}{with}"));
    }
}

/// Files that take the place of none and begin no language of their own.
fn of_no_use(own: &[(String, String)], report: &mut Report) {
    let known: Vec<String> = Renderer::embedded_files().into_iter().map(|(path, _)| path).collect();
    let languages: BTreeSet<&str> = known.iter().filter_map(|p| p.strip_suffix("/locale.toml")).collect();
    let shared = |path: &str| path.rsplit('/').next().is_some_and(|name| name.starts_with('_'));
    let theirs = |path: &str| path.split('/').next().is_some_and(|folder| languages.contains(folder));
    let unused =
        |path: &&str| !known.iter().any(|k| k == path) && !shared(path) && (theirs(path) || !path.contains('/'));
    for path in own.iter().map(|(path, _)| path.as_str()).filter(unused) {
        let near = nearest(path, &known).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        report.add(Mark::Care, "templates", format!("{path} takes the place of no file{near}"));
    }
}

/// Writes every mail of a month in each language, and gives the mistakes that show.
fn tried(setup: &Setup, renderer: &Renderer, own: &[(String, String)]) -> Result<Vec<String>> {
    let (key, sender) = (Key::new([0; 32]), setup.sender());
    let composer = Composer { renderer, key: &key, sender: &sender };
    let (formats, words) = (setup.formats()?, setup.words()?);
    let mut mistakes = BTreeSet::new();
    for language in cast::languages() {
        month(None, &language, &formats, &words, setup.now(), |group, draft| {
            if let Err(error) = composer.compose(group, draft) {
                let told = match error {
                    ComposeError::Render { error, .. } => setup.told_of(error, own),
                    other => Failure::because(other.to_string()),
                };
                mistakes.insert(told.to_string());
            }
            false
        })?;
    }
    Ok(mistakes.into_iter().collect())
}

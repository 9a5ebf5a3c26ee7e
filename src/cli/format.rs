//! `codevd format list`, `show` and `check`: the ways a session may go.

use super::args::FormatCommand;
use super::failure::{Done, Failure, Result};
use super::level;
use super::naming::nearest;
use super::setup::Setup;
use super::terminal::{Mark, Terminal};
use crate::config;
use crate::core::format::{Collects, Format, Turns};
use serde_json::json;
use std::path::{Path, PathBuf};

/// The folder of one's own formats is known only where there is a configuration; without one, the binary's are shown.
pub(super) fn format(setup: impl Fn() -> Result<Setup>, command: FormatCommand, terminal: &mut Terminal) -> Result {
    let folder = || setup().ok().and_then(|setup| setup.config.formats);
    match command {
        FormatCommand::List(json) => list(folder().as_deref(), json.json, terminal),
        FormatCommand::Show { name, file, json } => show(folder().as_deref(), &name, (file, json.json), terminal),
        FormatCommand::Check { files, json } => check(&files, json.json, terminal),
    }
}

fn list(folder: Option<&Path>, as_json: bool, terminal: &mut Terminal) -> Result {
    let formats = config::formats(folder).map_err(Failure::Files)?;
    if as_json {
        terminal.json("format list", &json!({ "formats": formats.values().collect::<Vec<_>>() }))?;
        return Ok(Done::Good);
    }
    let line = |f: &Format| {
        let (least, best, most) = f.people;
        let caution = word(&f.caution).map(|c| format!("({c})")).unwrap_or_default();
        vec![f.id.to_string(), minutes(whole(f)), format!("{least} to {most} people, best {best}"), caution]
    };
    terminal.table(&formats.values().map(line).collect::<Vec<_>>())?;
    terminal.line("Next: codevd format show NAME; format = \"NAME\" in a group file takes it")?;
    Ok(Done::Good)
}

fn show(folder: Option<&Path>, name: &str, (file, as_json): (bool, bool), terminal: &mut Terminal) -> Result {
    let formats = config::formats(folder).map_err(Failure::Files)?;
    let Some(format) = formats.values().find(|f| f.id.to_string() == name) else {
        let known: Vec<String> = formats.keys().map(ToString::to_string).collect();
        let near = nearest(name, &known).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        return Err(Failure::because(format!("no format called {name:?}{near} There are: {}", known.join(", "))));
    };
    if file {
        let files = config::format_files(folder, &mut Vec::new());
        let text = files.get(name).map(|(_, text)| text.as_str()).unwrap_or_default();
        terminal.bytes(text.as_bytes())?;
        return Ok(Done::Good);
    }
    if as_json {
        terminal.json("format show", &serde_json::to_value(format)?)?;
        return Ok(Done::Good);
    }
    let (least, best, most) = format.people;
    terminal.line(format_args!("{}: {}, {least} to {most} people, best {best}", format.id, minutes(whole(format))))?;
    if let Some(caution) = word(&format.caution) {
        terminal.line(caution)?;
    }
    let mut begins = 0;
    let mut rows = Vec::new();
    for step in &format.steps {
        let length =
            if step.seconds % 60 == 0 { format!("{} min", step.seconds / 60) } else { format!("{} s", step.seconds) };
        let turns = if step.order == Turns::Free { "" } else { ", in turn" };
        let keeps =
            if step.collects == Collects::None { String::new() } else { format!("keeps: {}", words(step.collects)) };
        let speaks = format!("{}{turns}", words(step.speaker));
        rows.push(vec![clock(begins), step.key.to_string(), length, speaks, keeps]);
        begins += step.seconds;
    }
    terminal.table(&rows)?;
    terminal.line(format_args!("{}  end", clock(begins)))?;
    terminal.line(format_args!(
        "Next: codevd format show {name} --file > formats/my.toml starts one of your own (`formats` in codevd.toml)"
    ))?;
    Ok(Done::Good)
}

fn check(files: &[PathBuf], as_json: bool, terminal: &mut Terminal) -> Result {
    let mut wrong = 0;
    let mut seen = Vec::new();
    for file in files {
        let shown = file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|why| {
            Failure::because(format!("{shown} can't be read: {why}; expected a format file in UTF-8"))
        })?;
        let name = file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let found = config::format_from(&name, &shown, &text);
        let errors: Vec<String> = found.as_ref().err().into_iter().flatten().map(ToString::to_string).collect();
        wrong += errors.len();
        if as_json {
            seen.push(json!({ "file": shown, "errors": errors }));
            continue;
        }
        if let Ok(format) = &found {
            let word = level(terminal, Mark::Good);
            terminal.line(format_args!("{word} {shown}: {}, {} steps", minutes(whole(format)), format.steps.len()))?;
        }
        for error in errors {
            let word = level(terminal, Mark::Bad);
            terminal.line(format_args!("{word} {error}"))?;
        }
    }
    if as_json {
        terminal.json("format check", &json!({ "files": seen, "errors": wrong }))?;
    } else if wrong == 0 {
        terminal.line("Next: put it into the folder that `formats` in codevd.toml names, then codevd reload")?;
    }
    Ok(if wrong == 0 { Done::Good } else { Done::Look })
}

fn whole(format: &Format) -> u32 {
    format.steps.iter().map(|s| s.seconds).sum()
}

fn minutes(seconds: u32) -> String {
    match (seconds / 3600, seconds % 3600 / 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes:02}"),
    }
}

/// Since the session's start: 0:08, and with seconds where there are some.
fn clock(seconds: u32) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds % 3600 / 60, seconds % 60);
    if rest == 0 { format!("{hours}:{minutes:02}") } else { format!("{hours}:{minutes:02}:{rest:02}") }
}

/// In English where there is English.
fn word(by_language: &std::collections::BTreeMap<String, String>) -> Option<&String> {
    by_language.get("en").or_else(|| by_language.values().next())
}

/// A word of the format file, for people.
fn words(value: impl serde::Serialize) -> String {
    let word = serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned));
    word.unwrap_or_default().replace('_', " ")
}

//! `codevd mail understand`: what short answers mean (`inbound.md` §9). Needs no configuration.

use super::args::UnderstandArgs;
use super::failure::{Done, Failure, Result};
use super::naming::nearest;
use super::terminal::Terminal;
use crate::core::{Language, Question};
use crate::daemon::{Clock, edge::SystemClock};
use crate::words::{Context, Words, to_json};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use serde::Deserialize;
use std::io::{self, BufRead};

/// What `--context` may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Known {
    today: Option<NaiveDate>,
    actions: Option<Actions>,
    names: Vec<String>,
    choices: Vec<String>,
    options: Vec<String>,
    starts: Option<String>,
}

/// How many, or the actions themselves.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Actions {
    Count(usize),
    Texts(Vec<serde_json::Value>),
}

pub(super) fn understand(args: &UnderstandArgs, terminal: &mut Terminal) -> Result {
    let question = question(&args.question)?;
    let language: Language = args.lang.parse().map_err(|e| Failure::Usage(format!("--lang: {e}")))?;
    let context = context(args.context.as_deref())?;
    let words = Words::embedded()?;
    for (number, line) in io::stdin().lock().lines().enumerate() {
        let line = line?;
        let text = text_of(&line).map_err(|why| Failure::because(format!("line {}: {why}", number + 1)))?;
        let said = to_json(&words.understand(question, &language, &text, &context));
        match args.json {
            true => terminal.value(&said)?,
            false => terminal.line(format_args!("{} ({})", plain(&said["meaning"]), plain(&said["certainty"])))?,
        }
    }
    Ok(Done::Good)
}

fn plain(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or("none")
}

/// A question by its name; `any` is none.
pub(super) fn question(name: &str) -> Result<Option<Question>> {
    if name == "any" {
        return Ok(None);
    }
    let found = Question::ALL.iter().find(|q| q.name() == name);
    found.copied().map(Some).ok_or_else(|| {
        let known: Vec<String> = Question::ALL.iter().map(|q| q.name().to_owned()).collect();
        let near = nearest(name, &known).map(|n| format!("; did you mean {n}?")).unwrap_or_default();
        Failure::Usage(format!("--question {name}: no such question{near} There are: any, {}", known.join(", ")))
    })
}

/// What is known beside a text, as JSON.
pub(super) fn context(json: Option<&str>) -> Result<Context> {
    let expected = "expected {\"today\": \"2026-12-01\", \"actions\": 2, \"names\": [\"Ana Lopes\"], \"choices\": [\"2026-12-06T18:00\"], \"options\": [\"…\"], \"starts\": \"18:00\"}";
    let known = json.map(serde_json::from_str::<Known>).transpose();
    let known = known.map_err(|why| Failure::Usage(format!("--context: {why}; {expected}")))?.unwrap_or_default();
    let choices = known.choices.iter().map(|text| hour(text)).collect::<std::result::Result<_, _>>();
    let choices = choices.map_err(|text| {
        Failure::Usage(format!("--context: the choice {text:?} is no local hour such as 2026-03-06T18:00"))
    })?;
    let starts = known.starts.as_deref().map(|text| {
        let forms = ["%H:%M", "%H:%M:%S"];
        let hour = forms.iter().find_map(|form| NaiveTime::parse_from_str(text, form).ok());
        hour.ok_or_else(|| Failure::Usage(format!("--context: the start {text:?} is no local hour such as 18:00")))
    });
    Ok(Context {
        today: known.today.unwrap_or_else(|| SystemClock.now().date_naive()),
        actions: match known.actions {
            None => 1,
            Some(Actions::Count(count)) => count,
            Some(Actions::Texts(all)) => all.len(),
        },
        names: known.names,
        choices,
        options: known.options,
        starts: starts.transpose()?,
    })
}

/// A local hour, with or without seconds; a day alone is its midnight.
fn hour(text: &str) -> std::result::Result<NaiveDateTime, String> {
    let forms = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let bare = text.trim_end_matches('Z');
    let day = || NaiveDate::parse_from_str(bare, "%Y-%m-%d").ok().and_then(|d| d.and_hms_opt(0, 0, 0));
    let hours = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(bare, form).ok());
    hours.or_else(day).ok_or_else(|| text.to_owned())
}

/// A JSON string, or the line as it stands.
fn text_of(line: &str) -> std::result::Result<String, String> {
    match line.trim_start().starts_with('"') {
        true => serde_json::from_str(line).map_err(|why| format!("expected one JSON string, found {line:?} ({why})")),
        false => Ok(line.to_owned()),
    }
}

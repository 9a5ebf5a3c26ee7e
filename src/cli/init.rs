//! `codevd init`: at most six questions, each with its flag; writes codevd.toml and a first group, and overwrites nothing.

mod answers;
mod people;

use super::args::InitArgs;
use super::failure::{Done, Failure, Result};
use super::terminal::Terminal;
use crate::config::providers::Provider;
use crate::config::written::{NewGroup, NewInstance, group_text, instance_text};
use crate::config::{self, Defaults, SecretSource};
use crate::core::GroupSpec;
use crate::render::Renderer;
use answers::Answers;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The password's file, where no flag names another source.
const PASSWORD_FILE: &str = "codev.password";

/// The files that will be written, with what stands in them and who may read them.
struct Files {
    config: (PathBuf, String),
    group: (PathBuf, String),
    /// Made empty, where the password comes from a file that is not there.
    password: Option<PathBuf>,
}

pub(super) fn init(args: &InitArgs, terminal: &mut Terminal) -> Result {
    let folder = args.folder.clone().unwrap_or_else(|| PathBuf::from("."));
    // told before anything is asked
    refuse_to_overwrite(&[&folder.join("codevd.toml")])?;
    let answers = answers::gather(args, terminal)?;
    let password = password(args);
    let instance = NewInstance {
        address: answers.address.to_string(),
        provider: answers.provider.clone(),
        password: password.clone(),
    };
    let (text, spec) = group(args, &answers)?;
    let files = Files {
        config: (folder.join("codevd.toml"), instance_text(&instance)),
        group: (folder.join("groups").join(format!("{}.toml", spec.id)), text),
        password: match &password {
            SecretSource::File(path) => Some(folder.join(path)).filter(|p| !p.exists()),
            _ => None,
        },
    };
    fits_together(&files, &folder, &spec)?;
    refuse_to_overwrite(&[&files.config.0, &files.group.0])?;
    if !args.dry_run {
        write(&files)?;
    }
    tell(args, &files, &answers.provider, &password, &spec, terminal)
}

fn password(args: &InitArgs) -> SecretSource {
    match (&args.password_env, &args.password_credential, &args.password_file) {
        (Some(name), _, _) => SecretSource::Env(name.clone()),
        (_, Some(name), _) => SecretSource::Credential(name.clone()),
        (_, _, Some(path)) => SecretSource::File(path.clone()),
        _ => SecretSource::File(PASSWORD_FILE.into()),
    }
}

/// The group file's text, and what it says when it is read.
fn group(args: &InitArgs, answers: &Answers) -> Result<(String, GroupSpec)> {
    let new = NewGroup {
        name: answers.group.clone(),
        language: args.language.clone().unwrap_or_else(answers::language),
        zone: answers.zone.name().to_owned(),
        schedule: args.schedule.clone(),
        format: args.format.clone(),
        place: args.place.clone(),
        facilitator: answers.facilitator.clone(),
        in_circle: answers.in_circle,
        members: answers.everybody(),
    };
    let text = group_text(&new);
    let formats = config::formats(None).map_err(Failure::Files)?;
    let languages = Renderer::embedded()?.languages();
    let defaults = Defaults { languages, ..Defaults::default() };
    let read = config::group_from("the group", &text, &formats, &defaults);
    let (spec, _) = read.map_err(|errors| wrong(&errors))?;
    Ok((text, spec))
}

/// Errors of a file that nobody wrote yet: what was found and expected, without a line.
fn wrong(errors: &[config::ConfigError]) -> Failure {
    let told = |e: &config::ConfigError| match e.expected.as_str() {
        "" => e.found.clone(),
        expected => format!("{}; expected {expected}", e.found),
    };
    Failure::Usage(errors.iter().map(told).collect::<Vec<_>>().join("\n"))
}

/// What will be written is read as `codevd check` reads it.
fn fits_together(files: &Files, folder: &Path, spec: &GroupSpec) -> Result<()> {
    let config = config::config_from("codevd.toml", &files.config.1, folder).map_err(|errors| wrong(&errors))?;
    let together = config::check_together(&config, spec);
    if together.is_empty() { Ok(()) } else { Err(wrong(&together)) }
}

fn refuse_to_overwrite(files: &[&PathBuf]) -> Result<()> {
    let there: Vec<String> = files.iter().filter(|f| f.exists()).map(|f| shown(f)).collect();
    if there.is_empty() {
        return Ok(());
    }
    let text = format!(
        "{} is there already, and nothing is overwritten. Another folder: codevd init DIR; \
         what is there: codevd check",
        there.join(" and ")
    );
    Err(Failure::because(text))
}

/// A path as a person types it.
fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

fn write(files: &Files) -> Result<()> {
    let told = |path: &Path, error: std::io::Error| Failure::because(format!("{}: {error}", path.display()));
    for folder in [files.group.0.parent(), files.config.0.parent()].into_iter().flatten() {
        std::fs::create_dir_all(folder).map_err(|e| told(folder, e))?;
    }
    let password = files.password.as_ref().map(|path| (path, "", 0o600));
    let all = [(&files.group.0, files.group.1.as_str(), 0o640), (&files.config.0, files.config.1.as_str(), 0o640)];
    for (path, text, mode) in password.into_iter().chain(all) {
        let made = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
        made.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|e| told(path, e))?;
    }
    Ok(())
}

fn tell(
    args: &InitArgs,
    files: &Files,
    provider: &Provider,
    password: &SecretSource,
    spec: &GroupSpec,
    terminal: &mut Terminal,
) -> Result {
    let group = shown(&files.group.0);
    let made: Vec<String> = [Some(&files.config.0), Some(&files.group.0), files.password.as_ref()]
        .into_iter()
        .flatten()
        .map(|f| shown(f))
        .collect();
    let at = match args.folder.as_deref().filter(|f| *f != Path::new(".")) {
        Some(_) => format!(" --config {}", shown(&files.config.0)),
        None => String::new(),
    };
    let next = format!("codevd{at} check {group}");
    if args.json.json {
        let data = json!({"written": !args.dry_run, "files": made, "group": spec.id, "provider": provider.id,
            "password": password.to_string(), "caution": provider.caution, "next": next});
        terminal.json("init", &data)?;
        return Ok(Done::Good);
    }
    let verb = if args.dry_run { "would write" } else { "written:" };
    terminal.line(format_args!("{verb} {}", made.join(", ")))?;
    let people = spec.members.len();
    terminal
        .line(format_args!("{}: {people} people, {}, {}; change it in {group}", spec.name, spec.schedule, spec.zone))?;
    if let Some(caution) = &provider.caution {
        terminal.line(format_args!("note: {caution}"))?;
    }
    let place = match &files.password {
        Some(path) => format!("into {} (empty so far, only you can read it)", shown(path)),
        None => format!("into {password}"),
    };
    terminal.line(format_args!("Put the mailbox's password, alone on one line, {place}:\n  {}", provider.password))?;
    terminal.line(format_args!("Next: {next}"))?;
    Ok(Done::Good)
}

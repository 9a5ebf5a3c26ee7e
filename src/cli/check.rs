//! `codevd check`: tries everything the configuration names; each line ok, warning or error with the remedy.

use super::args::CheckArgs;
use super::check_plus::{self, Learned};
use super::check_proof;
use super::check_quota;
use super::check_secrets;
use super::check_templates;
use super::failure::{Done, Failure, Result};
use super::level;
use super::setup::Setup;
use super::terminal::{Mark, Terminal};
use crate::config::{self, ConfigError};
use crate::core::{Formats, GroupSpec};
use crate::daemon::{edge, lock};
use crate::store::Reader;
use crate::transport::{Imap, Maildir};
use serde_json::json;
use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

/// How long one server may take.
const LIMIT: Duration = Duration::from_secs(60);

/// What was found, a line each.
#[derive(Default)]
pub(super) struct Report {
    lines: Vec<(Mark, &'static str, String)>,
}

impl Report {
    pub(super) fn add(&mut self, mark: Mark, what: &'static str, text: impl Display) {
        self.lines.push((mark, what, text.to_string()));
    }

    /// The value, or its failure as a line.
    pub(super) fn take<T>(&mut self, what: &'static str, found: Result<T>) -> Option<T> {
        match found {
            Ok(value) => Some(value),
            Err(Failure::Files(errors)) => {
                errors.iter().for_each(|e| self.add(Mark::Bad, what, e));
                None
            }
            Err(failure) => {
                self.add(Mark::Bad, what, failure);
                None
            }
        }
    }

    pub(super) fn took(&mut self, what: &'static str, found: Result<String>) {
        if let Some(text) = self.take(what, found) {
            self.add(Mark::Good, what, text);
        }
    }
}

pub(super) fn check(named: Option<&Path>, args: &CheckArgs, terminal: &mut Terminal) -> Result {
    let mut report = Report::default();
    if let Some(setup) = report.take("config", Setup::load(named)) {
        let from = &setup.config.mailbox.address;
        report.add(Mark::Good, "config", format!("{}: writes from {from}", setup.file.display()));
        files(&setup, args, &mut report);
        store(&setup, &mut report);
        check_secrets::check(&setup, &mut report);
        if args.offline {
            report.add(Mark::Care, "servers", "not tried (--offline)");
        } else {
            servers(&setup, &mut report, terminal)?;
        }
        if args.learn_sender_proof {
            report.took("sender proof", check_proof::learn(&setup));
        }
        if args.learn_plus {
            progress(terminal, "a mail to ourselves with + in the address")?;
            learn_plus(&setup, &mut report);
        }
    }
    show(&report, args, terminal)
}

fn show(report: &Report, args: &CheckArgs, terminal: &mut Terminal) -> Result {
    let bad = report.lines.iter().filter(|l| l.0 == Mark::Bad).count();
    let care = report.lines.iter().filter(|l| l.0 == Mark::Care).count();
    if args.json.json {
        let name = |mark| match mark {
            Mark::Good => "ok",
            Mark::Care => "warning",
            Mark::Bad => "error",
        };
        let line =
            |(mark, what, text): &(Mark, &str, String)| json!({"level": name(*mark), "what": what, "text": text});
        let lines: Vec<_> = report.lines.iter().map(line).collect();
        terminal.json("check", &json!({"lines": lines, "errors": bad, "warnings": care}))?;
    } else {
        for (mark, what, text) in &report.lines {
            let word = level(terminal, *mark);
            terminal.line(format_args!("{word} {what:<9} {}", text.replace('\n', "\n                  ")))?;
        }
        terminal.line(match (bad, care) {
            (0, 0) => "all is well. Next: codevd group apply FILE, then codevd run".to_owned(),
            (0, _) => format!("{care} to know, nothing that stops it. Next: codevd group apply FILE, then codevd run"),
            _ => format!("{bad} to correct. Next: correct it, then codevd check"),
        })?;
    }
    Ok(if bad == 0 { Done::Good } else { Done::Look })
}

/// Formats, templates, words, and the group files named.
fn files(setup: &Setup, args: &CheckArgs, report: &mut Report) {
    let formats = report.take("formats", setup.formats());
    check_templates::check(setup, report);
    report.took("words", setup.words().map(|_| "answers are understood".to_owned()));
    let Some(formats) = formats else { return };
    let names: Vec<_> = formats.keys().map(ToString::to_string).collect();
    report.add(Mark::Good, "formats", names.join(", "));
    let Some(defaults) = report.take("groups", setup.defaults()) else { return };
    let mut wanted: Vec<GroupSpec> = Vec::new();
    for file in &args.files {
        match config::group(file, &formats, &defaults).map_err(Failure::Files) {
            Ok((spec, warnings)) => {
                wanted.push(spec.clone());
                warnings.iter().for_each(|w| report.add(Mark::Care, "group", w));
                group(setup, &spec, &formats, report);
            }
            Err(failure) => drop(report.take::<()>("group", Err(failure))),
        }
    }
    check_quota::check(setup, &wanted, &formats, report);
}

/// A group as a whole, and with the mailbox.
fn group(setup: &Setup, spec: &GroupSpec, formats: &Formats, report: &mut Report) {
    let together: Vec<ConfigError> = config::check_together(&setup.config, spec);
    together.iter().for_each(|e| report.add(Mark::Bad, "group", e));
    let problems = spec.problems(formats);
    problems.iter().for_each(|p| report.add(Mark::Bad, "group", format!("{}: {p}", spec.id)));
    if together.is_empty() && problems.is_empty() {
        let people = spec.members.len();
        report.add(Mark::Good, "group", format!("{} ({}), {people} people", spec.name, spec.id));
    }
}

/// Database, key, daemon, and the groups that were applied.
fn store(setup: &Setup, report: &mut Report) {
    let database = &setup.config.database;
    let reader = report.take("database", setup.reader_if_any());
    match (reader, report.take("key", edge::read_key(&edge::key_file(database)).map_err(Failure::from))) {
        (Some(None), _) => {
            let text = format!("{} is made by the first `codevd group apply` or `codevd run`", database.display());
            report.add(Mark::Good, "database", text);
        }
        (Some(Some(reader)), key) => {
            report.add(Mark::Good, "database", database.display());
            match key {
                Some(Some(_)) => report.add(Mark::Good, "key", "there, and nobody else can read it"),
                Some(None) => report.add(Mark::Care, "key", "is made at the first start"),
                None => {}
            }
            applied(setup, &reader, report);
        }
        (None, _) => {}
    }
    match lock::held_by(database) {
        Ok(Some(who)) => report.add(Mark::Good, "daemon", format!("{who} runs")),
        Ok(None) => report.add(Mark::Good, "daemon", "not running"),
        Err(error) => report.add(Mark::Bad, "daemon", error),
    }
}

fn applied(setup: &Setup, reader: &Reader, report: &mut Report) {
    let Some(formats) = report.take("formats", setup.formats()) else { return };
    let Some(rows) = report.take("groups", reader.groups().map_err(Failure::from)) else { return };
    for row in rows {
        let loaded = reader.load(&row.id, &formats).map_err(Failure::from);
        if let Some(Some(loaded)) = report.take("group", loaded) {
            group(setup, &loaded.group.spec, &formats, report);
        }
        if let Some(error) = &row.error {
            report.add(Mark::Bad, "group", format!("{} is set aside: {error}", row.id));
        }
    }
}

/// Logs in at the mail servers, and says goodbye.
fn servers(setup: &Setup, report: &mut Report, terminal: &mut Terminal) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if let Some(mut smtp) = report.take("smtp", setup.smtp()) {
        progress(terminal, "smtp")?;
        let found = runtime.block_on(async { tokio::time::timeout(LIMIT, smtp.check()).await });
        report.took("smtp", in_time(found));
    }
    match &setup.config.incoming {
        config::Incoming::Imap(_) => {
            if let Some(Some(settings)) = report.take("imap", setup.imap()) {
                progress(terminal, "imap")?;
                let found = runtime.block_on(async {
                    tokio::time::timeout(LIMIT, async { Imap::connect(settings).await?.check().await }).await
                });
                report.took("imap", in_time(found));
            }
        }
        config::Incoming::Maildir { path } => {
            report.took("maildir", Maildir::open(path).and_then(|m| m.check()).map_err(Failure::from));
        }
        config::Incoming::Lmtp(listen) => {
            let place = match listen {
                config::LmtpListen::Socket(path, _) => format!("unix:{}", path.display()),
                config::LmtpListen::Port(at) => format!("inet:{at}"),
            };
            let text = format!("a mail server on this machine hands mail in at {place}, while `codevd run` runs");
            report.add(Mark::Good, "lmtp", text);
        }
        config::Incoming::None => {
            let text = "no [imap], no [maildir], no [lmtp]: mail comes in only by `codevd mail deliver`, from a mail server's alias";
            report.add(Mark::Care, "incoming", text);
        }
    }
    Ok(())
}

/// Says which line to write, if it is not the one that is there.
fn learn_plus(setup: &Setup, report: &mut Report) {
    if let Some(learned) = report.take("plus", check_plus::learn(setup)) {
        let works = learned == Learned::Works;
        let mark = match (works, setup.config.mailbox.plus) {
            (true, true) | (false, false) => Mark::Good,
            (true, false) => Mark::Care,
            (false, true) => Mark::Bad,
        };
        report.add(mark, "plus", learned.told());
    }
}

fn progress(terminal: &mut Terminal, what: &str) -> Result<()> {
    if terminal.can_ask() {
        terminal.note(format_args!("trying {what} …"))?;
    }
    Ok(())
}

fn in_time<T, E: std::error::Error + Send + Sync + 'static>(
    found: std::result::Result<std::result::Result<T, E>, tokio::time::error::Elapsed>,
) -> Result<T> {
    let late = |_| {
        Failure::because(format!(
            "no answer within {} s: is the address right, and no firewall in the way?",
            LIMIT.as_secs()
        ))
    };
    Ok(found.map_err(late)??)
}

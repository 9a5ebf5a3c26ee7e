//! `codevd mail read FILE…`: what mails are understood as (`inbound.md` §9). Needs no configuration.

use super::args::ReadArgs;
use super::failure::{Done, Failure, Result};
use super::terminal::Terminal;
use crate::core::proof::Proof;
use crate::daemon::Prover;
use crate::daemon::control::MAX_MAIL;
use crate::mail::{self, Believed};
use serde_json::{Map, Value, json};
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

pub(super) fn read(args: &ReadArgs, terminal: &mut Terminal) -> Result {
    let mut missing = Vec::new();
    let prover = Prover::new(args.believe.as_deref().map(Believed::parse), args.verify)
        .map_err(|why| Failure::because(why.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for file in &args.files {
        match bytes_of(file) {
            Ok(bytes) => {
                let proof = runtime.block_on(prover.proof(&bytes));
                let said = with_file(file, understood(&bytes, proof.as_ref()));
                match args.json {
                    true => terminal.value(&Value::Object(said))?,
                    false => show(&said, terminal)?,
                }
            }
            Err(error) => missing.push(format!("{}: {error}", file.display())),
        }
    }
    if missing.is_empty() { Ok(Done::Good) } else { Err(Failure::because(missing.join("\n"))) }
}

/// A mail's bytes, up to the largest that is taken.
fn bytes_of(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = MAX_MAIL as u64;
    match file.as_os_str() == "-" {
        true => io::stdin().lock().take(most).read_to_end(&mut bytes)?,
        false => std::fs::File::open(file)?.take(most).read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}

/// What a mail is understood as. A parser's panic is caught, as it is in the daemon.
pub(super) fn understood(bytes: &[u8], proof: Option<&Proof>) -> Value {
    catch_unwind(AssertUnwindSafe(|| mail::read_json(bytes, proof))).unwrap_or_else(|_| {
        json!({"kind": "unreadable", "reply": null, "bounce": null, "auto_reply": null, "calendar": null,
            "proof": {"level": "B", "why": "not read"}, "problems": ["the mail reader failed on it"]})
    })
}

fn with_file(file: &Path, said: Value) -> Map<String, Value> {
    let mut all = Map::new();
    all.insert("file".to_owned(), json!(file.display().to_string()));
    if let Value::Object(said) = said {
        all.extend(said);
    }
    all
}

fn show(said: &Map<String, Value>, terminal: &mut Terminal) -> io::Result<()> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    terminal.line(format_args!("{}: {}", text(&said["file"]), text(&said["kind"])))?;
    if let Some(reply) = said["reply"].as_object() {
        terminal.line(format_args!("  answer ({}, rule {}):", text(&reply["confidence"]), text(&reply["rule"])))?;
        for line in text(&reply["text"]).lines() {
            terminal.line(format_args!("    {line}"))?;
        }
    }
    for part in ["bounce", "auto_reply", "calendar"] {
        if !said[part].is_null() {
            terminal.line(format_args!("  {}: {}", part.replace('_', " "), said[part]))?;
        }
    }
    for problem in said["problems"].as_array().into_iter().flatten() {
        terminal.line(format_args!("  problem: {}", text(problem)))?;
    }
    Ok(())
}

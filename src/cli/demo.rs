//! `codevd demo`: a month in a minute, on this machine, no set-up.

use super::args::DemoArgs;
use super::failure::{Done, Failure, Result};
use super::terminal::{Mark, Terminal};
use crate::demo::{CastError, Demo, DemoError, Options, page, play};
use std::io::IsTerminal;
use tokio::signal::unix::{SignalKind, signal};

pub(super) fn demo(args: &DemoArgs, terminal: &mut Terminal) -> Result {
    let options =
        Options { language: args.lang.clone(), seed: args.seed, format: args.format.clone(), out: args.out.clone() };
    let scratch = tempfile::tempdir()?;
    let page = args.page || !args.exit && args.out.is_none() && std::io::stdout().is_terminal();
    if !page {
        terminal.note(opening(&args.lang))?;
    }
    let mut broken = None;
    let mut lines = 0;
    let mut say = |line: &str| {
        lines += 1;
        // every line at once, as it happens
        let said = terminal.line(line).and_then(|()| match page && lines == 1 {
            // the address stands first
            true => terminal.flush().and_then(|()| terminal.note(page_opening(&args.lang))),
            false => terminal.flush(),
        });
        broken = broken.take().or(said.err());
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let played = runtime.block_on(async {
        match page {
            true => page::show(&options, scratch.path(), args.port, &mut say, stopped()).await,
            false => play(&options, scratch.path(), &mut say).await,
        }
    });
    if let Some(error) = broken {
        return Err(Failure::from(error));
    }
    let demo = played.map_err(failure)?;
    if !page || !demo.digest_text.is_empty() {
        ending(args, &demo, terminal)?;
    }
    Ok(Done::Good)
}

/// There when somebody presses Ctrl-C, or the process is asked to end.
async fn stopped() {
    match signal(SignalKind::terminate()) {
        Ok(mut term) => tokio::select! { _ = tokio::signal::ctrl_c() => {}, _ = term.recv() => {} },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

/// A wrong word is the caller's to mend; the rest is what could not be done.
fn failure(error: DemoError) -> Failure {
    match error {
        DemoError::Port { .. } => Failure::Usage(error.to_string()),
        DemoError::Cast(CastError::NoLanguage { .. } | CastError::NoFormat { .. }) => Failure::Usage(error.to_string()),
        other => Failure::from(other),
    }
}

fn opening(language: &str) -> &'static str {
    match language {
        "fr" => {
            "Un groupe de sept personnes, de son premier mail à la synthèse et au tour suivant.\n\
             → un mail part   ← une réponse arrive   ✓ ce qui en a été compris\n"
        }
        _ => {
            "A group of seven, from its first mail to the digest and the next turn.\n\
             → a mail leaves   ← an answer arrives   ✓ what was understood of it\n"
        }
    }
}

fn page_opening(language: &str) -> &'static str {
    match language {
        "fr" => {
            "Ouvrez cette adresse : le mois y attend, de son premier mail à la synthèse. Ctrl-C pour finir.\n\
             → un mail part   ← une réponse arrive   ✓ ce qui en a été compris\n"
        }
        _ => {
            "Open this address: the month waits there, from its first mail to the digest. Ctrl-C to end.\n\
             → a mail leaves   ← an answer arrives   ✓ what was understood of it\n"
        }
    }
}

/// The digest as the facilitator got it, then the count and what to do next.
fn ending(args: &DemoArgs, demo: &Demo, terminal: &mut Terminal) -> std::io::Result<()> {
    let french = args.lang == "fr";
    let title = if french { "La synthèse, telle que le groupe l'a reçue" } else { "The digest, as the group got it" };
    terminal.line("")?;
    terminal.line(terminal.mark(Mark::Good, &format!("── {title} ──")))?;
    terminal.line("")?;
    terminal.line(demo.digest_text.trim_end())?;
    terminal.line("")?;
    let (sent, received) = (demo.sent, demo.received);
    terminal.line(match french {
        true => format!("{sent} mails envoyés, {received} reçus, tous par SMTP sur cette machine."),
        false => format!("{sent} mails sent, {received} received, all by SMTP on this machine."),
    })?;
    match (&args.out, french) {
        (Some(folder), true) => terminal.line(format!("Chaque mail et digest.md sont dans {}.", folder.display())),
        (Some(folder), false) => terminal.line(format!("Every mail and digest.md are in {}.", folder.display())),
        (None, true) => {
            terminal.line("Pour ouvrir ces mails : codevd demo --out mails. Pour un vrai groupe : README.fr.md.")
        }
        (None, false) => terminal.line("To open these mails: codevd demo --out mails. For a real group: README.md."),
    }
}

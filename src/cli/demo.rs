//! `codevd demo`: a month in a minute, on this machine, no set-up.

use super::args::DemoArgs;
use super::failure::{Done, Failure, Result};
use super::terminal::{Mark, Terminal};
use crate::demo::{CastError, Demo, DemoError, Options, play};

pub(super) fn demo(args: &DemoArgs, terminal: &mut Terminal) -> Result {
    let options =
        Options { language: args.lang.clone(), seed: args.seed, format: args.format.clone(), out: args.out.clone() };
    let scratch = tempfile::tempdir()?;
    terminal.note(opening(&args.lang))?;
    let mut broken = None;
    let mut say = |line: &str| {
        // every line at once, as it happens
        let said = terminal.line(line).and_then(|()| terminal.flush());
        broken = broken.take().or(said.err());
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let played = runtime.block_on(play(&options, scratch.path(), &mut say));
    if let Some(error) = broken {
        return Err(Failure::from(error));
    }
    let demo = played.map_err(failure)?;
    ending(args, &demo, terminal)?;
    Ok(Done::Good)
}

/// A wrong word is the caller's to mend; the rest is what could not be done.
fn failure(error: DemoError) -> Failure {
    match error {
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

//! `codevd completions` and `codevd man`: made from the same words as the help.

use super::args::{Cli, CompletionsArgs, ManArgs};
use super::failure::{Done, Failure, Result};
use super::terminal::Terminal;
use clap::CommandFactory;

pub(super) fn completions(args: &CompletionsArgs, terminal: &mut Terminal) -> Result {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "codevd", &mut script);
    terminal.bytes(&script)?;
    Ok(Done::Good)
}

pub(super) fn man(args: &ManArgs, terminal: &mut Terminal) -> Result {
    let Some(folder) = &args.folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page)?;
        terminal.bytes(&page)?;
        return Ok(Done::Good);
    };
    if !folder.is_dir() {
        return Err(Failure::because(format!("{} is no folder; make it first, or name another", folder.display())));
    }
    clap_mangen::generate_to(Cli::command(), folder)
        .map_err(|why| Failure::because(format!("the pages can't be written to {}: {why}", folder.display())))?;
    terminal.line(format_args!(
        "written to {}. Next: man -l {}",
        folder.display(),
        folder.join("codevd.1").display()
    ))?;
    Ok(Done::Good)
}

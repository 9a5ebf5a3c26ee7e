//! The command line: one file a subcommand, and what they share.
//!
//! [`terminal`] and [`failure`] are how a command speaks and ends; [`setup`] makes the house from
//! codevd.toml; [`orders`] hands an order to the engine, wherever it runs; [`naming`] finds meetings and
//! members by the names people give them.

mod args;
mod calendar_check;
mod check;
mod check_plus;
mod check_proof;
mod check_quota;
mod check_secrets;
mod check_templates;
mod crowd;
mod demo;
mod difference;
pub mod failure;
mod format;
mod generate;
mod group;
mod group_apply;
mod group_export;
mod group_live;
mod group_remove;
mod init;
mod keep;
mod log;
mod mail_change;
mod mail_deliver;
mod mail_hold;
mod mail_queue;
mod mail_read;
mod mail_test;
mod mail_understand;
mod meeting;
mod metrics;
mod naming;
mod orders;
mod plan;
mod reload;
mod run;
pub mod setup;
mod soak;
mod status;
pub mod terminal;
mod why;

use args::{CalendarCommand, Cli, Command, GroupCommand, MailCommand};
use clap::Parser;
use failure::{Done, Failure, GOOD, LOOK, Result, USAGE};
use setup::Setup;
use std::io::IsTerminal;
use std::process::ExitCode;
use terminal::{Mark, Terminal};

/// What is shown when nothing was asked.
const SHORT_HELP: &str = "\
codevd runs codéveloppement groups by mail and calendar invitations alone.

Usage: codevd COMMAND
  demo      a month in a minute, on this machine, no set-up
  init      a few questions, and codevd.toml and a first group are there
  check     tries the configuration, the groups and the mail servers
  group     group files: apply, go-live, list, show (meeting: move, cancel, swap)
  run       the daemon (plan: every mail that will go out, and when)
  status    what runs, what is due next, what is wrong (why: the story of one thing)

Examples:
  codevd demo --lang en
  codevd group apply lyon.toml --live

All of it: codevd --help. Of one command: codevd help COMMAND";

/// Runs the process's own command line.
pub fn main() -> ExitCode {
    let mut terminal = Terminal::standard();
    let code = match Cli::try_parse() {
        Ok(cli) => act(cli, &mut terminal),
        Err(error) => {
            let _ = error.print();
            if error.use_stderr() { USAGE } else { GOOD }
        }
    };
    let _ = terminal.flush();
    ExitCode::from(code)
}

fn act(cli: Cli, terminal: &mut Terminal) -> u8 {
    match command(cli, terminal).and_then(|done| terminal.flush().map(|()| done).map_err(Failure::from)) {
        Ok(Done::Good) => GOOD,
        Ok(Done::Look) => LOOK,
        Err(failure) if failure.is_closed_pipe() => GOOD,
        Err(failure) => {
            let _ = terminal.flush();
            let red = terminal::may_colour(std::io::stderr().is_terminal());
            let word = if red { "\u{1b}[31merror:\u{1b}[0m" } else { "error:" };
            let _ = terminal.note(format_args!("{word} {failure}"));
            failure.code()
        }
    }
}

fn command(cli: Cli, terminal: &mut Terminal) -> Result {
    let Some(command) = cli.command else {
        terminal.line(SHORT_HELP)?;
        return Ok(Done::Good);
    };
    // the daemon sets its log up itself, from its configuration
    if !matches!(command, Command::Run(_)) {
        log::start("warn", cli.verbose, cli.quiet);
    }
    let config = cli.config;
    let setup = || Setup::load(config.as_deref());
    match command {
        Command::Demo(args) => demo::demo(&args, terminal),
        Command::Init(args) => init::init(&args, terminal),
        Command::Run(args) => run::run(&setup()?, &args, (cli.verbose, cli.quiet), terminal),
        Command::Check(args) => check::check(config.as_deref(), &args, terminal),
        Command::Group { command: GroupCommand::Apply(args) } => group_apply::apply(&setup()?, &args, terminal),
        Command::Group { command: GroupCommand::GoLive(args) } => group_live::go_live(&setup()?, &args, terminal),
        Command::Group { command: GroupCommand::Export { group, file } } => {
            group_export::export(&setup()?, &group, file.as_deref(), terminal)
        }
        Command::Group { command: GroupCommand::Remove(args) } => group_remove::remove(&setup()?, &args, terminal),
        Command::Format { command } => format::format(setup, command, terminal),
        Command::Reload(json) => reload::reload(&setup()?, json.json, terminal),
        Command::Healthcheck => reload::healthcheck(&setup()?, terminal),
        Command::Completions(args) => generate::completions(&args, terminal),
        Command::Man(args) => generate::man(&args, terminal),
        Command::Plan(args) => plan::plan(&setup()?, &args, terminal),
        Command::Group { command: GroupCommand::List(json) } => group::list(&setup()?, json.json, terminal),
        Command::Group { command: GroupCommand::Show { group, json } } => {
            group::show(&setup()?, &group, json.json, terminal)
        }
        Command::Meeting { command } => meeting::meeting(&setup()?, command, terminal),
        Command::Mail { command: MailCommand::Queue(args) } => mail_queue::queue(&setup()?, &args, terminal),
        Command::Mail { command: MailCommand::Show(args) } => mail_queue::show(&setup()?, &args, terminal),
        Command::Mail { command: MailCommand::Retry(args) } => {
            mail_change::change(&setup()?, mail_change::Wish::Retry, &args, terminal)
        }
        Command::Mail { command: MailCommand::Drop(args) } => {
            mail_change::change(&setup()?, mail_change::Wish::Drop, &args, terminal)
        }
        Command::Mail { command: MailCommand::Read(args) } => mail_read::read(&args, terminal),
        Command::Mail { command: MailCommand::Understand(args) } => mail_understand::understand(&args, terminal),
        Command::Mail { command: MailCommand::Hold(args) } => {
            mail_hold::hold(&setup()?, &args.why, &args.how, terminal)
        }
        Command::Mail { command: MailCommand::Release(how) } => mail_hold::release(&setup()?, &how, terminal),
        Command::Mail { command: MailCommand::Test(args) } => mail_test::test(&setup()?, &args, terminal),
        Command::Mail { command: MailCommand::Deliver(args) } => mail_deliver::deliver(setup, &args, terminal),
        Command::Calendar { command: CalendarCommand::Check(args) } => calendar_check::check(&args, terminal),
        Command::Why { what, json } => why::why(&setup()?, &what, json.json, terminal),
        Command::Backup(args) => keep::backup(&setup()?, &args, terminal),
        Command::Restore(args) => keep::restore(&setup()?, &args, terminal),
        Command::Forget(args) => keep::forget(&setup()?, &args, terminal),
        Command::Crowd(args) => crowd::crowd(&setup()?, &args, terminal),
        Command::Soak(args) => soak::soak(&args, terminal),
        Command::Status(args) => status::status(&setup()?, args, terminal),
    }
}

/// A word of `check` and `status` before what it is about.
fn level(terminal: &Terminal, mark: Mark) -> String {
    let word = match mark {
        Mark::Good => "ok     ",
        Mark::Care => "warning",
        Mark::Bad => "error  ",
    };
    terminal.mark(mark, word)
}

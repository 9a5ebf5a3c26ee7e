//! The words of the command line, and their help.

use chrono::NaiveDateTime;
use clap::{ArgAction, Args, Parser, Subcommand};
use std::path::PathBuf;

const AFTER: &str = "\
Examples:
  codevd demo                           a month in a minute
  codevd check                          try everything in codevd.toml
  codevd group apply lyon.toml --live   begin with a group
  codevd meeting move 3 \"2026-12-15 18:00\"
  codevd why lyon/3                     the story of a meeting

Exit codes: 0 done, 1 it could not, 2 usage, 3 something needs a look (check, status, calendar check).";

/// Runs codéveloppement groups by mail and calendar invitations alone.
#[derive(Debug, Parser)]
#[command(name = "codevd", version, after_help = AFTER, max_term_width = 100)]
pub(super) struct Cli {
    /// The configuration; without it ./codevd.toml, then /etc/codevd/codevd.toml.
    #[arg(long, global = true, env = "CODEVD_CONFIG", value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Say more on standard error; twice: still more.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Say less.
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "verbose")]
    pub quiet: u8,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// A month in a minute, on this machine, no set-up: real daemon, real SMTP on loopback.
    Demo(DemoArgs),
    /// The daemon: writes, listens, decides, until it is stopped.
    Run(RunArgs),
    /// Tries the configuration, the groups and the mail servers; each line ok, warning or error with the remedy.
    Check(CheckArgs),
    /// Groups: apply a file, list, show.
    Group {
        #[command(subcommand)]
        command: GroupCommand,
    },
    /// Meetings: list, show, move, cancel, swap. A meeting is 3, or lyon/3 where several groups have one.
    Meeting {
        #[command(subcommand)]
        command: MeetingCommand,
    },
    /// Mails: the queue, and what incoming ones are understood as.
    Mail {
        #[command(subcommand)]
        command: MailCommand,
    },
    /// Calendars: what is wrong with a file or mail, rule by rule.
    Calendar {
        #[command(subcommand)]
        command: CalendarCommand,
    },
    /// The story of a mail, a meeting or a member, in sentences.
    Why {
        /// in:12, out:12, a draft key or Message-ID; 3 or lyon/3; lyon/ana or an address.
        #[arg(value_name = "MAIL|MEETING|MEMBER")]
        what: String,
        #[command(flatten)]
        json: Json,
    },
    /// What runs, what is due next, what is wrong.
    Status(Json),
}

#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Json {
    /// Print JSON: {"version": 1, "command": …, "data": …}.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Language of the group: fr or en.
    #[arg(long, default_value = "fr", value_name = "LANG")]
    pub lang: String,
    /// The same seed gives the same mails, byte for byte.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// Another session format: 1h, 1h30, 2h, 3h or flash45.
    #[arg(long, value_name = "NAME")]
    pub format: Option<String>,
    /// Keep every mail as NNN-out-TO.eml or NNN-in-FROM.eml, and digest.md.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Run through and end (it always does, so far).
    #[arg(long)]
    pub exit: bool,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// One round: take mail in, decide, send what is due, end (for cron).
    #[arg(long)]
    pub once: bool,
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Group files to check as well.
    #[arg(value_name = "GROUP_FILE")]
    pub files: Vec<PathBuf>,
    /// Connect to no server.
    #[arg(long)]
    pub offline: bool,
    /// Send a mail to ourselves with + in the address, and say whether it arrives (up to 90 s).
    #[arg(long, conflicts_with = "offline")]
    pub learn_plus: bool,
    /// Show which host vouches for senders in the mails that came in, and the line to write
    #[arg(long)]
    pub learn_sender_proof: bool,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum GroupCommand {
    /// Shows the difference between a group file and what runs, and does it after a yes.
    Apply(ApplyArgs),
    /// All groups.
    List(Json),
    /// One group: people, next meetings.
    Show {
        /// Its short name.
        group: String,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// The group file.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// From now on mails go to everybody.
    #[arg(long)]
    pub live: bool,
    /// Show the difference alone.
    #[arg(long)]
    pub dry_run: bool,
    /// Do it without asking.
    #[arg(long, short)]
    pub yes: bool,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Args)]
pub(super) struct ChangeArgs {
    /// Show what would happen, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum MeetingCommand {
    /// All meetings, in order of time.
    List {
        /// Of this group alone.
        group: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// One meeting.
    Show {
        #[arg(value_name = "MEETING")]
        meeting: String,
        /// Its digest as Markdown, with what the group may read.
        #[arg(long, conflicts_with = "json")]
        markdown: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Another time; everybody is asked anew.
    Move {
        #[arg(value_name = "MEETING")]
        meeting: String,
        /// The new hour in the group's zone: "2026-12-15 18:00".
        #[arg(value_name = "WHEN", value_parser = hour)]
        to: NaiveDateTime,
        #[command(flatten)]
        how: ChangeArgs,
    },
    /// Off every calendar; the requester's turn stays owed.
    Cancel {
        #[arg(value_name = "MEETING")]
        meeting: String,
        #[command(flatten)]
        how: ChangeArgs,
    },
    /// Another requester.
    Swap {
        #[arg(value_name = "MEETING")]
        meeting: String,
        /// Name, short name or address.
        #[arg(value_name = "MEMBER")]
        with: String,
        #[command(flatten)]
        how: ChangeArgs,
    },
}

/// `2026-12-15 18:00`, with a T or seconds too.
fn hour(text: &str) -> Result<NaiveDateTime, String> {
    let formats = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"];
    let found = formats.iter().find_map(|f| NaiveDateTime::parse_from_str(text.trim(), f).ok());
    found.ok_or_else(|| "expected a day and an hour in the group's zone, such as \"2026-12-15 18:00\"".to_owned())
}

#[derive(Debug, Subcommand)]
pub(super) enum MailCommand {
    /// Mails that wait, that were refused, or of which nobody knows whether they left.
    Queue(QueueArgs),
    /// One mail of ours, with every attempt.
    Show(ShowArgs),
    /// What mails are understood as. Needs no configuration.
    Read(ReadArgs),
    /// What short answers mean: one text a line on standard input. Needs no configuration.
    Understand(UnderstandArgs),
    /// Takes one mail from standard input: what a mail server's alias calls.
    Deliver(DeliverArgs),
}

#[derive(Debug, Subcommand)]
pub(super) enum CalendarCommand {
    /// Checks calendars and mails that carry them. Needs no configuration; exit code 3 when a fault is found.
    Check(CalendarCheckArgs),
}

#[derive(Debug, Args)]
pub(super) struct CalendarCheckArgs {
    /// Calendars (.ics) or mails (.eml); - is standard input.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Args)]
pub(super) struct QueueArgs {
    /// Those that were sent or dropped too.
    #[arg(long)]
    pub all: bool,
    /// Of this group alone.
    #[arg(long)]
    pub group: Option<String>,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Its number in the queue, draft key or Message-ID.
    #[arg(value_name = "ID")]
    pub mail: String,
    /// The mail itself, as it goes over the wire.
    #[arg(long, conflicts_with = "json")]
    pub raw: bool,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Args)]
pub(super) struct ReadArgs {
    /// Files, one mail each; - is standard input.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// One JSON object a file.
    #[arg(long)]
    pub json: bool,
    /// The authserv-id of the mailbox's host, whose Authentication-Results are believed.
    #[arg(long, value_name = "ID")]
    pub believe: Option<String>,
    /// Check signatures (DKIM), which asks name servers.
    #[arg(long)]
    pub verify: bool,
    /// The mail of ours that they answer (.eml, or its text): what comes from it is no answer.
    #[arg(long, value_name = "FILE")]
    pub sent: Option<PathBuf>,
    /// The question that it asked (as for `mail understand`), to tell what the answers mean.
    #[arg(long, value_name = "QUESTION")]
    pub question: Option<String>,
    /// The member's language, for --question.
    #[arg(long, default_value = "fr", requires = "question")]
    pub lang: String,
    /// What else is known, for --question: {"today": "2026-12-01", "actions": 2}.
    #[arg(long, value_name = "JSON", requires = "question")]
    pub context: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct UnderstandArgs {
    /// The open question: attendance, subject, share, live, progress, …; any for none.
    #[arg(long)]
    pub question: String,
    /// The member's language.
    #[arg(long, default_value = "fr")]
    pub lang: String,
    /// What else is known: {"today": "2026-12-01", "actions": 2, "names": ["Ana Lopes"]}.
    #[arg(long, value_name = "JSON")]
    pub context: Option<String>,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(super) struct DeliverArgs {
    /// Say what it would be read as, and keep nothing.
    #[arg(long)]
    pub dry_run: bool,
}

//! The words of the command line, and their help.

use chrono::{Duration, NaiveDateTime};
use clap::{ArgAction, Args, Parser, Subcommand};
use std::path::PathBuf;

mod builder;
mod group;
mod house;
pub(super) use builder::{CrowdArgs, SoakArgs};
pub(super) use group::{ApplyArgs, GroupCommand, LiveArgs, RemoveArgs};
pub(super) use house::{CompletionsArgs, FormatCommand, ManArgs};

const AFTER: &str = "\
Examples:
  codevd demo                           a month in a minute
  codevd init                           a few questions, and the files are there
  codevd check                          try everything in codevd.toml
  codevd group apply lyon.toml          a group, at first for its facilitator alone
  codevd plan --next 60d                every mail that will go out
  codevd meeting move 3 \"2026-12-15 18:00\"
  codevd why lyon/3                     the story of a meeting

Exit codes: 0 done, 1 it could not, 2 usage, 3 something needs a look (check, status, calendar check).";

/// Runs codéveloppement groups by mail and calendar invitations alone.
#[derive(Debug, Parser)]
#[command(name = "codevd", version, after_help = AFTER, max_term_width = 100)]
pub(super) struct Cli {
    /// The configuration file; without it ./codevd.toml, then /etc/codevd/codevd.toml.
    #[arg(long, global = true, display_order = 900, env = "CODEVD_CONFIG", value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Say more on standard error; twice: still more.
    #[arg(short, long, global = true, display_order = 901, action = ArgAction::Count)]
    pub verbose: u8,
    /// Say less.
    #[arg(short, long, global = true, display_order = 902, action = ArgAction::Count, conflicts_with = "verbose")]
    pub quiet: u8,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// A month in a minute, on this machine, no set-up: real daemon, real SMTP on loopback.
    Demo(DemoArgs),
    /// Asks a few questions, writes codevd.toml and a first group; overwrites nothing.
    Init(Box<InitArgs>),
    /// The daemon: writes, listens, decides, until it is stopped.
    Run(RunArgs),
    /// Tries the configuration, the groups and the mail servers; each line ok, warning or error with the remedy.
    Check(CheckArgs),
    /// Every mail that will go out if nobody answers: when, to whom, which. Changes nothing.
    Plan(PlanArgs),
    /// Groups: apply a file, go live, list, show, export, remove.
    Group {
        #[command(subcommand)]
        command: GroupCommand,
    },
    /// Meetings: list, show, move, cancel, swap. A meeting is 3, or lyon/3 where several groups have one.
    Meeting {
        #[command(subcommand)]
        command: MeetingCommand,
    },
    /// Mails: what waits, what was sent, hold and release, a sample to try, what incoming ones are understood as.
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
    Status(StatusArgs),
    /// Tells the running daemon to read templates, words and formats anew; what is wrong is told, and nothing changes.
    Reload(Json),
    /// Ends with 0 when the daemon runs and answers, else with 1: for containers and monitoring.
    Healthcheck,
    /// Session formats: list, show, check a file.
    Format {
        #[command(subcommand)]
        command: FormatCommand,
    },
    /// Copies the database, while the daemon works; overwrites nothing.
    Backup(BackupArgs),
    /// Puts a backup in the database's place; mail is held until you let it go.
    Restore(RestoreArgs),
    /// Deletes all that a person who left wrote, and their name, address and mails.
    Forget(ForgetArgs),
    /// A script that completes commands in your shell: bash, zsh, fish, elvish or powershell.
    Completions(CompletionsArgs),
    /// The manual page (codevd man | man -l -), or all of them into a folder.
    Man(ManArgs),
    /// Simulated group-years in which much goes wrong: for whoever builds codevd.
    #[command(hide = true)]
    Soak(SoakArgs),
    /// Fills an empty database with groups that wait: for whoever measures codevd.
    #[command(hide = true)]
    Crowd(CrowdArgs),
}

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The new file, or a folder for it; by default codevd-DATE-HOUR.db here.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// With the keys of people's words beside it: without them a copy tells nobody what was said.
    #[arg(long)]
    pub with_keys: bool,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// A file that `codevd backup` wrote.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Look at the file alone, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Args)]
pub(super) struct ForgetArgs {
    /// An address, lyon/ana, or a name in full.
    #[arg(value_name = "MEMBER")]
    pub who: String,
    /// Do it without asking.
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Show who is meant, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Json {
    /// Print JSON: {"version": 1, "command": …, "data": …}.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    pub json: Json,
    /// Print figures for monitoring (OpenMetrics), without names or addresses.
    #[arg(long, conflicts_with = "json")]
    pub metrics: bool,
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
    /// Run through and end, without the page; so it does with --out, or where there is no terminal.
    #[arg(long, conflicts_with_all = ["page", "port"])]
    pub exit: bool,
    /// Keep the page, even with --out or without a terminal.
    #[arg(long)]
    pub page: bool,
    /// The page's port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = crate::demo::page::PORT, value_name = "PORT")]
    pub port: u16,
}

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Where to write; by default here.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// The mailbox codevd writes from and reads: its own, nobody else's.
    #[arg(long, value_name = "ADDRESS")]
    pub address: Option<String>,
    /// Who hosts it: gmail, microsoft365, ovh, infomaniak, fastmail, own, or a mail server's name.
    #[arg(long, value_name = "NAME|HOST")]
    pub provider: Option<String>,
    /// The group's name, as its members read it.
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// The members: "Ana Lopes <ana@example.org>, Bo <bo@example.org>"; may be given several times.
    #[arg(long, value_name = "PEOPLE")]
    pub members: Vec<String>,
    /// Who facilitates: one of the members (who has their turn too), or somebody else with name and address.
    #[arg(long, value_name = "PERSON")]
    pub facilitator: Option<String>,
    /// The zone of the group's hours, such as Europe/Paris.
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<String>,
    /// When the group meets.
    #[arg(long, value_name = "WHEN", default_value = "second tuesday 18:00")]
    pub schedule: String,
    /// Session format: flash45, 1h, 1h30, 2h or 3h.
    #[arg(long, value_name = "NAME", default_value = "1h30")]
    pub format: String,
    /// Video link or room.
    #[arg(long, value_name = "TEXT")]
    pub place: Option<String>,
    /// Language of the mails: fr or en; by default this machine's.
    #[arg(long, value_name = "LANG")]
    pub language: Option<String>,
    /// The file that will hold the password; by default codev.password, made empty.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// The environment variable that holds the password.
    #[arg(long, value_name = "NAME", conflicts_with = "password_file")]
    pub password_env: Option<String>,
    /// The systemd credential that holds the password.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["password_file", "password_env"])]
    pub password_credential: Option<String>,
    /// Take the defaults for all that is not said.
    #[arg(long, short)]
    pub yes: bool,
    /// Say what would be written, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// One round: take mail in, decide, send what is due, end (for cron).
    #[arg(long)]
    pub once: bool,
    /// A rehearsal: every mail goes to this address and to nobody else, its own receiver named in it. The
    /// groups go on as if it had been sent: use a copy of the database.
    #[arg(long, value_name = "ADDRESS")]
    pub redirect_all_to: Option<crate::core::Email>,
    /// Do not shut the daemon into its own folders and ports (Landlock): to find out what stands in its way.
    #[arg(long)]
    pub unconfined: bool,
    /// Start with all mail held, after a restore say; `codevd mail release` lets it go.
    #[arg(long)]
    pub hold: bool,
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

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// Of this group alone.
    #[arg(value_name = "GROUP")]
    pub group: Option<String>,
    /// How far ahead: 60d, 8w or 12h.
    #[arg(long, value_name = "TIME", default_value = "60d", value_parser = ahead)]
    pub next: Duration,
    /// Each mail's subject and text too.
    #[arg(long)]
    pub show: bool,
    /// Mails to this member alone: name, short name or address.
    #[arg(long, value_name = "MEMBER")]
    pub to: Option<String>,
    #[command(flatten)]
    pub json: Json,
}

/// `60d`, `8w`, `12h`; five years at most.
fn ahead(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let hours = match &text[number.len()..] {
        "h" => Some(1),
        "d" | "j" => Some(24),
        "w" => Some(7 * 24),
        _ => None,
    };
    let count = number.parse::<i64>().ok().filter(|n| (1..=43_800).contains(n));
    let all = hours.zip(count).map(|(hours, count)| hours * count).filter(|hours| *hours <= 43_800);
    all.map(Duration::hours).ok_or_else(|| "expected a time such as 60d, 8w or 12h, five years at most".to_owned())
}

#[derive(Debug, Args)]
pub(super) struct ChangeArgs {
    /// Show what would happen, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Args)]
pub(super) struct MailChangeArgs {
    /// Its number (12 or out:12), draft key or Message-ID.
    #[arg(value_name = "MAIL")]
    pub mail: String,
    #[command(flatten)]
    pub how: ChangeArgs,
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
    /// Sends a mail after all: one that was refused or dropped, or of which nobody knows whether it left.
    Retry(MailChangeArgs),
    /// Gives up a mail that waits: it is not sent.
    Drop(MailChangeArgs),
    /// What mails are understood as. Needs no configuration.
    Read(ReadArgs),
    /// What short answers mean: one text a line on standard input. Needs no configuration.
    Understand(UnderstandArgs),
    /// No mail leaves from now on; mails are decided and wait.
    Hold(HoldArgs),
    /// Mail that was held leaves again.
    Release(ChangeArgs),
    /// Sends a sample mail to an address, says what was seen on the way and what to look at.
    Test(TestArgs),
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
pub(super) struct HoldArgs {
    /// Why, as `codevd status` will tell it.
    #[arg(value_name = "WHY", default_value = "held by the operator")]
    pub why: String,
    #[command(flatten)]
    pub how: ChangeArgs,
}

#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// Who gets it: your own address at another provider says most.
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    /// Which mail.
    #[arg(long, value_enum, default_value = "invitation")]
    pub which: super::mail_test::Which,
    /// In which language: fr or en.
    #[arg(long, default_value = "fr", value_name = "LANG")]
    pub lang: String,
    /// Print the mail as it would go over the wire, and send nothing.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub json: Json,
}

#[derive(Debug, Args)]
pub(super) struct DeliverArgs {
    /// Say what it would be read as, and keep nothing.
    #[arg(long)]
    pub dry_run: bool,
}

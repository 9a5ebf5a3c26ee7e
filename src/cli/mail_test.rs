//! `codevd mail test ADDRESS`: one real sample mail over the configured server, what was seen on the way, and
//! what to look at when it has arrived.

pub(super) mod sample;

pub(super) use sample::Which;

use super::args::TestArgs;
use super::failure::{Done, Failure, Result};
use super::setup::Setup;
use super::terminal::Terminal;
use crate::config::providers;
use crate::core::Email;
use crate::daemon::Composer;
use crate::mail::Key;
use crate::store::NewMail;
use crate::transport::{Delivery, Envelope, Phase};
use serde_json::json;
use std::time::{Duration, Instant};

/// How long the whole may take.
const LIMIT: Duration = Duration::from_secs(120);

/// What became of it.
struct Tried {
    /// The connection, greeting, TLS and login, in a sentence.
    seen: String,
    delivery: Delivery,
    seconds: f32,
}

pub(super) fn test(setup: &Setup, args: &TestArgs, terminal: &mut Terminal) -> Result {
    let address: Email = args.address.parse().map_err(|_| {
        Failure::Usage(format!("{:?} is no mail address: expected one such as ana@example.org", args.address))
    })?;
    let mail = written(setup, args, &address)?;
    if args.dry_run {
        match args.json.json {
            true => terminal.json("mail test", &json!({"sent": false, "to": address, "subject": mail.subject}))?,
            false => terminal.bytes(&mail.bytes)?,
        }
        return Ok(Done::Good);
    }
    if terminal.can_ask() {
        let server = &setup.config.smtp.server;
        terminal.note(format_args!("trying {}:{} …", server.host, server.port))?;
    }
    let tried = send(setup, &mail)?;
    if args.json.json {
        terminal.json("mail test", &as_data(setup, args, &mail, &tried))?;
    } else {
        terminal.line(format_args!("{}", tried.seen))?;
    }
    match &tried.delivery {
        Delivery::Accepted { reply } => {
            if !args.json.json {
                let (subject, seconds) = (&mail.subject, tried.seconds);
                terminal
                    .line(format_args!("sent to {address} in {seconds:.1} s: {subject:?}\n  the server: {reply}"))?;
                look_at(setup, args, terminal)?;
            }
            Ok(Done::Good)
        }
        Delivery::InDoubt { .. } if !args.json.json => {
            terminal.line(told(setup, &tried.delivery))?;
            Ok(Done::Look)
        }
        Delivery::InDoubt { .. } => Ok(Done::Look),
        _ => Err(Failure::because(told(setup, &tried.delivery))),
    }
}

/// The sample as bytes, by the way every mail is written.
fn written(setup: &Setup, args: &TestArgs, address: &Email) -> Result<NewMail> {
    let now = setup.now();
    let (group, draft) = sample::sample(args.which, address, &args.lang, &setup.formats()?, &setup.words()?, now)?;
    let (renderer, sender) = (setup.renderer()?, setup.sender());
    // no answer to it opens anything: it is in no outbox, and its key is nobody's
    let key = Key::new([0; 32]);
    let composer = Composer { renderer: &renderer, key: &key, sender: &sender };
    Ok(composer.compose(&group, &draft)?)
}

fn send(setup: &Setup, mail: &NewMail) -> Result<Tried> {
    let mut smtp = setup.smtp()?;
    let from = setup.sender().address.to_string();
    let envelope = Envelope::new(from, mail.envelope_to.as_str())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let attempt = async {
        let seen = smtp.check().await.map_err(|error| {
            let more = password_hint(setup, &error.to_string());
            Failure::because(format!("not sent: {error}{more}"))
        })?;
        #[allow(clippy::disallowed_methods)] // only to tell how long it took
        let begun = Instant::now();
        let delivery = smtp.send_marking(&envelope, &mail.bytes, &mut || Ok(())).await;
        smtp.quit().await;
        Ok(Tried { seen, delivery, seconds: begun.elapsed().as_secs_f32() })
    };
    let late = |_| Failure::because(format!("not sent: no answer within {} s", LIMIT.as_secs()));
    runtime.block_on(async { tokio::time::timeout(LIMIT, attempt).await }).map_err(late)?
}

/// Where the provider's password is made, when the login is what failed.
fn password_hint(setup: &Setup, error: &str) -> String {
    let login = ["535", "534", "530", "auth", "login", "password"].iter().any(|w| error.to_lowercase().contains(w));
    let all = providers::providers().unwrap_or_default();
    let found = providers::of_server(&all, &setup.config.smtp.server).filter(|_| login);
    found.map(|p| format!("\n{}: {}", p.title, p.password)).unwrap_or_default()
}

/// What failed, in which phase, and what to do.
fn told(setup: &Setup, delivery: &Delivery) -> String {
    let text = match delivery {
        Delivery::Accepted { reply } => return format!("sent: {reply}"),
        Delivery::Refused { phase, reply, .. } => format!("not sent: refused at {}: {reply}", phase.doing()),
        Delivery::Unreached { phase, cause } => format!("not sent: it failed at {}: {cause}", phase.doing()),
        Delivery::InDoubt { cause } => {
            return format!("in doubt: the server may have it or not ({cause}). Look whether it arrives");
        }
    };
    let remedy = delivery.remedy().map(|r| format!("\n{r}")).unwrap_or_default();
    let login = matches!(delivery, Delivery::Refused { phase: Phase::Auth, .. });
    let hint = if login { password_hint(setup, "login") } else { String::new() };
    format!("{text}{remedy}{hint}")
}

/// What shows that all is well, once it is there.
fn look_at(setup: &Setup, args: &TestArgs, terminal: &mut Terminal) -> std::io::Result<()> {
    let sender = setup.sender();
    terminal.line("Look, in that mailbox:")?;
    terminal.line("  - it is in the inbox, not among unwanted mail")?;
    terminal.line(format_args!("  - it is from {} <{}>", sender.name, sender.address))?;
    match args.which {
        Which::Invitation => {
            terminal.line("  - it has buttons to accept and decline, and the meeting stands in the calendar")?;
            terminal.line("  - the calendar's hour is the one that the mail's text says")?;
        }
        Which::Prompt => terminal.line("  - its first line says what to do now, in a phone's notification too")?,
        Which::Digest => terminal.line("  - request, plan and learnings can be read, in the dark mode too")?,
    }
    terminal.line("  - its source (\"show original\") says spf=pass, dkim=pass and dmarc=pass")?;
    terminal.line("Its group is made up: a reply changes nothing, and the event may be deleted.")?;
    let next = match args.which {
        Which::Invitation => format!("codevd mail test {} --which prompt", args.address),
        Which::Prompt => format!("codevd mail test {} --which digest", args.address),
        Which::Digest => "codevd plan --next 60d".to_owned(),
    };
    terminal.line(format_args!("Next: {next}"))
}

fn as_data(setup: &Setup, args: &TestArgs, mail: &NewMail, tried: &Tried) -> serde_json::Value {
    let (outcome, phase) = match &tried.delivery {
        Delivery::Accepted { .. } => ("sent", None),
        Delivery::Refused { phase, .. } => ("refused", Some(phase.doing())),
        Delivery::Unreached { phase, .. } => ("unreached", Some(phase.doing())),
        Delivery::InDoubt { .. } => ("in_doubt", None),
    };
    json!({"sent": outcome == "sent", "outcome": outcome, "phase": phase, "to": args.address, "subject": mail.subject,
        "message_id": mail.message_id, "connection": tried.seen, "seconds": tried.seconds,
        "text": told(setup, &tried.delivery)})
}

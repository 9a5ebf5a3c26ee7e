//! `codevd mail retry` and `codevd mail drop`: what the operator decides about one mail of ours.

use super::args::MailChangeArgs;
use super::failure::{Done, Failure, Result};
use super::mail_queue;
use super::setup::Setup;
use super::terminal::Terminal;
use crate::daemon::control;
use serde_json::json;

/// What is to become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Sent after all: it was refused, dropped, or nobody knows whether it left.
    Retry,
    /// Not sent.
    Drop,
}

pub(super) fn change(setup: &Setup, wish: Wish, args: &MailChangeArgs, terminal: &mut Terminal) -> Result {
    let row = mail_queue::one(&setup.reader()?, &args.mail)?;
    let (command, done) = match wish {
        Wish::Retry => ("mail retry", "is queued again; it goes whatever the hour"),
        Wish::Drop => ("mail drop", "will not be sent"),
    };
    if !args.how.dry_run {
        let mut store = setup.store()?;
        match wish {
            Wish::Retry => store.requeue(row.id, setup.now()),
            Wish::Drop => store.drop_mail(row.id, setup.now()),
        }
        .map_err(|why| Failure::because(why.to_string()))?;
        let _ = control::poke(&setup.socket());
    }
    if args.how.json.json {
        terminal.json(command, &json!({ "mail": row, "changed": !args.how.dry_run }))?;
        return Ok(Done::Good);
    }
    let mail = format!("out:{} ({}, to {})", row.id, row.kind, row.envelope_to);
    match args.how.dry_run {
        true => terminal
            .line(format_args!("nothing was changed (--dry-run). {mail} is {}", mail_queue::state(row.state)))?,
        false => terminal.line(format_args!("{mail} {done}. Next: codevd mail queue"))?,
    }
    Ok(Done::Good)
}

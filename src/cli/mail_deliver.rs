//! `codevd mail deliver`: one mail from standard input, for a mail server's alias. Whatever goes wrong, the
//! server keeps the mail and tries again (exit code 75).

use super::args::DeliverArgs;
use super::failure::{Done, Failure, Result};
use super::setup::Setup;
use super::terminal::Terminal;
use crate::daemon::control::{self, MAX_MAIL};
use crate::daemon::receiver::{NO_GROUP_YET, arrive, leave_arriving};
use crate::daemon::shared;
use std::io::{self, Read};

pub(super) fn deliver(setup: impl Fn() -> Result<Setup>, args: &DeliverArgs, terminal: &mut Terminal) -> Result {
    let mut mail = Vec::new();
    let read = io::stdin().lock().take(MAX_MAIL as u64 + 1).read_to_end(&mut mail);
    read.map_err(|error| Failure::from(error).for_later())?;
    if mail.len() > MAX_MAIL {
        let text = format!("the mail is larger than {} MB and is not taken", MAX_MAIL / 1024 / 1024);
        return Err(Failure::because(text));
    }
    if args.dry_run {
        let kind = super::mail_read::kind(&mail);
        terminal.line(format_args!("nothing was kept (--dry-run): {} bytes, read as {kind}", mail.len()))?;
        return Ok(Done::Good);
    }
    // said on standard error: a mail server sends what stands on standard output back to the author
    setup().and_then(|setup| hand_over(&setup, mail)).map_err(Failure::for_later)?;
    terminal.note("taken. Next: codevd status")?;
    Ok(Done::Good)
}

/// To the daemon; where none listens, into the database.
fn hand_over(setup: &Setup, mail: Vec<u8>) -> Result<()> {
    match control::hand_in(&setup.socket(), &mail) {
        Ok(None) => Ok(()),
        Ok(Some(why)) => Err(Failure::because(why)),
        Err(error) => {
            tracing::debug!(%error, "no daemon listens");
            store(setup, mail, &error)
        }
    }
}

fn store(setup: &Setup, mail: Vec<u8>, no_daemon: &io::Error) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let prover = setup.prover()?.of_handed_in();
    let opened = setup.store();
    if let Ok(store) = &opened
        && store.is_new()?
    {
        return Err(Failure::because(NO_GROUP_YET.to_owned()));
    }
    let taken = opened.and_then(|store| {
        let store = shared(store);
        let taken = runtime.block_on(arrive(&store, control::delivered(mail), &prover, || setup.now()));
        leave_arriving(&store);
        Ok(taken?)
    });
    taken.map(|_| ()).map_err(|failure| {
        let socket = setup.socket();
        let remedy = "the user of this command must be in the group of the daemon's socket";
        Failure::because(format!("{failure} (and no daemon answers at {}: {no_daemon}; {remedy})", socket.display()))
    })
}

//! `codevd run`: the daemon, or one round of it.

use super::args::RunArgs;
use super::failure::{Done, Failure, Result};
use super::log;
use super::setup::Setup;
use super::terminal::Terminal;
use crate::daemon::edge::{Mailbox, RandomIds, SystemClock};
use crate::daemon::guard::Guard;
use crate::daemon::lock::Lock;
use crate::daemon::notify::Notify;
use crate::daemon::rehearsal::Redirect;
use crate::daemon::run::{Daemon, Round};
use crate::daemon::sender::Pace;
use crate::transport::Smtp;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// A command holds the lock for its one step; so long a daemon waits for it.
const WAIT_FOR_LOCK: Duration = Duration::from_secs(2);
/// How long blocking work of the runtime may go on at the end.
const LAST_WORK: Duration = Duration::from_secs(1);

pub(super) fn run(setup: &Setup, args: &RunArgs, (verbose, quiet): (u8, u8), terminal: &mut Terminal) -> Result {
    log::start(setup.config.log.name(), verbose, quiet);
    let _lock = Lock::take_within(&setup.config.database, "run", WAIT_FOR_LOCK)?;
    crash_point!("run.locked");
    let daemon = daemon(setup, args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let done = match args.once {
        true => runtime.block_on(daemon.once()).map(Some).map_err(Failure::from),
        false => runtime.block_on(async { Ok(daemon.run(stop_signal()?).await.map(|()| None)?) }),
    };
    runtime.shutdown_timeout(LAST_WORK);
    if let Some(round) = done? {
        terminal.line(told(&round))?;
    }
    Ok(Done::Good)
}

fn daemon(setup: &Setup, args: &RunArgs) -> Result<Daemon<Redirect<Smtp>, Mailbox, SystemClock, RandomIds>> {
    let config = &setup.config;
    let mut engine = setup.engine(setup.store()?)?;
    engine.guard(Guard::new(config.pace.unforeseen, setup.now()));
    if args.hold {
        engine.store().get().hold("started with --hold", setup.now())?;
    }
    if engine.store().get().held()?.is_some() {
        tracing::warn!("all mail is held; `codevd mail release` lets it go");
    }
    let mut pace = Pace::per_minute(config.pace.per_minute)
        .and(chrono::Duration::hours(1), config.pace.per_hour)
        .and(chrono::Duration::days(1), config.pace.per_day);
    pace.remember(engine.store().get().sent_since(setup.now() - chrono::Duration::days(1))?);
    if let Some(to) = &args.redirect_all_to {
        tracing::warn!(%to, "a rehearsal: every mail goes there, and to nobody else");
    }
    tracing::info!(config = %setup.file.display(), database = %config.database.display(), "starting");
    Ok(Daemon {
        out: Redirect { out: setup.smtp()?, to: args.redirect_all_to.clone() },
        mailbox: setup.mailbox()?,
        prover: setup.prover()?,
        from: setup.sender(),
        engine,
        clock: SystemClock,
        pace,
        socket: setup.socket(),
        manager: service_manager(),
        derivation: setup.derivation()?,
    })
}

fn service_manager() -> Notify {
    #[allow(clippy::disallowed_methods)] // an edge: systemd says where it listens
    let socket = std::env::var_os("NOTIFY_SOCKET");
    Notify::to(socket.as_deref())
}

/// There when the daemon is asked to stop; asked twice, it ends at once.
fn stop_signal() -> Result<impl Future<Output = ()>> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        tokio::spawn(async move {
            tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
            tracing::warn!("asked twice to stop: ending at once");
            std::process::exit(130);
        });
    })
}

fn told(round: &Round) -> String {
    let Round { received, decided, sent, later, lost } = round;
    format!(
        "mails that came in: {received}, decisions: {decided}, mails sent: {sent}, to be tried again: {later}, lost: {lost}"
    )
}

//! `codevd run`: the daemon, or one round of it.

use super::args::RunArgs;
use super::check_secrets;
use super::failure::{Done, Failure, Result};
use super::log;
use super::setup::Setup;
use super::terminal::Terminal;
use crate::config::{Incoming, LmtpListen};
use crate::daemon::alarm::Operator;
use crate::daemon::confine::{Within, confine};
use crate::daemon::edge::{Mailbox, RandomIds, SentBox, SystemClock};
use crate::daemon::guard::Guard;
use crate::daemon::housekeeping::Keep;
use crate::daemon::lock::Lock;
use crate::daemon::notify::Notify;
use crate::daemon::rehearsal::Redirect;
use crate::daemon::reload::{Fresh, Reread};
use crate::daemon::run::{Daemon, Round};
use crate::daemon::sender::Pace;
use crate::daemon::watch::Bell;
use crate::transport::Smtp;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// A command holds the lock for its one step; so long a daemon waits for it.
const WAIT_FOR_LOCK: Duration = Duration::from_secs(2);
/// So many mails sent last are looked at for the quota, at the least.
const NEWEST_SENT: u32 = 10_000;
/// How long blocking work of the runtime may go on at the end.
const LAST_WORK: Duration = Duration::from_secs(1);

pub(super) fn run(setup: &Setup, args: &RunArgs, (verbose, quiet): (u8, u8), terminal: &mut Terminal) -> Result {
    log::start(setup.config.log.name(), verbose, quiet);
    let _lock = Lock::take_within(&setup.config.database, "run", WAIT_FOR_LOCK)?;
    crash_point!("run.locked");
    let daemon = daemon(setup, args)?;
    // before any thread is started; what was opened stays open
    match args.unconfined {
        true => tracing::warn!("started with --unconfined: the daemon may read all that its user may"),
        false => shut_in(setup)?,
    }
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

fn daemon(setup: &Setup, args: &RunArgs) -> Result<Daemon<Redirect<Smtp>, Mailbox, SentBox, SystemClock, RandomIds>> {
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
    let at_most = config.pace.per_day.unwrap_or(0).saturating_mul(2).max(NEWEST_SENT);
    pace.remember(engine.store().get().sent_since(setup.now() - chrono::Duration::days(1), at_most)?);
    if let Some(to) = &args.redirect_all_to {
        tracing::warn!(%to, "a rehearsal: every mail goes there, and to nobody else");
    }
    check_secrets::too_open(setup).iter().for_each(|told| tracing::warn!("{told}"));
    tracing::info!(config = %setup.file.display(), database = %config.database.display(), "starting");
    Ok(Daemon {
        ways: (0..config.smtp.connections)
            .map(|_| Ok(Redirect { out: setup.smtp()?, to: args.redirect_all_to.clone() }))
            .collect::<Result<_>>()?,
        mailbox: setup.mailbox()?,
        sent: setup.sent_box()?,
        bell: Bell {
            operator: config.operator.clone().map(|o| Operator { address: o.address, language: o.language }),
            // the operator is told in rehearsals too
            out: Redirect { out: setup.smtp()?, to: None },
            renderer: setup.renderer()?,
        },
        prover: setup.prover()?,
        from: setup.sender(),
        engine,
        clock: SystemClock,
        pace,
        socket: setup.socket(),
        manager: service_manager(),
        derivation: setup.derivation()?,
        keep: Keep { mails_days: config.keep.mails_days, words_months: config.keep.words_months },
        reread: rereading(setup.clone()),
        hangup: !std::io::stderr().is_terminal(),
    })
}

/// Templates, words and formats as they are in their folders now.
fn rereading(setup: Setup) -> Reread {
    Arc::new(move || {
        let read = || -> Result<Fresh> {
            let (renderer, words, formats) = (setup.renderer()?, setup.words()?, setup.formats()?);
            Ok(Fresh { renderer, words, formats, derivation: setup.derivation()? })
        };
        read().map_err(|failure| failure.to_string())
    })
}

/// Shuts this thread, and those it will start, into what the daemon needs (`daemon::confine`).
fn shut_in(setup: &Setup) -> Result<()> {
    let config = &setup.config;
    let parent = |path: &Path| path.parent().unwrap_or(path).to_owned();
    let mut within = Within {
        write: vec![parent(&config.database), parent(&setup.socket())],
        read: [&config.templates, &config.formats, &config.words].into_iter().flatten().cloned().collect(),
        dial: vec![config.smtp.server.port],
        abstract_sockets: notify_socket().is_some_and(|s| s.as_encoded_bytes().starts_with(b"@")),
        root: std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0),
        ..Within::default()
    };
    match &config.incoming {
        Incoming::Imap(imap) => within.dial.push(imap.server.port),
        Incoming::Maildir { path } => within.write.push(path.clone()),
        Incoming::Lmtp(LmtpListen::Socket(path, _)) => within.write.push(parent(path)),
        Incoming::Lmtp(LmtpListen::Port(at)) => within.listen.push(at.port()),
        Incoming::None => {}
    }
    let told = confine(&within).map_err(|error| {
        Failure::because(format!(
            "the daemon can't be shut into its own folders: {error}. `codevd run --unconfined` does without"
        ))
    })?;
    tracing::info!(confined = told, "files and ports out of the daemon's business are out of its reach");
    Ok(())
}

fn service_manager() -> Notify {
    Notify::to(notify_socket().as_deref())
}

fn notify_socket() -> Option<OsString> {
    #[allow(clippy::disallowed_methods)] // an edge: systemd says where it listens
    let socket = std::env::var_os("NOTIFY_SOCKET");
    socket
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

//! The control socket: how a command on this machine wakes the daemon, or hands it a mail.
//!
//! One request a connection. `poke\n` is answered `ok\n`; `deliver LENGTH\n` and that many bytes are
//! answered `ok\n` once the mail is on disk, or `later REASON\n` when it could not be written; `reload\n` is
//! answered `ok\n` once templates, words and formats were read anew, or `no REASON\n`, and nothing changed.

use super::edge::beside;
use super::ports::{Clock, Shared};
use super::receiver::{NO_GROUP_YET, arrive, takes_mail};
use super::reload::Ask;
use super::verify::Prover;
use crate::transport::Fetched;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, Semaphore};

/// The largest mail that is taken, in bytes.
pub const MAX_MAIL: usize = 25 * 1024 * 1024;
/// Connections at a time.
const MAX_CONNECTIONS: usize = 16;
/// How long one request may take.
const LIMIT: Duration = Duration::from_secs(60);

/// The control socket beside a database, unless the configuration names another.
pub fn socket_file(database: &Path) -> PathBuf {
    beside(database, "sock")
}

/// Opens the socket; whoever holds the lock may do this, so an old one is of a daemon that is gone.
/// Its group may use it: a mail server's alias runs as another user.
///
/// # Errors
/// A path that is too long, a folder that can't be written.
pub fn open(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}

/// Answers requests until it is dropped. `wake` is told of each.
pub async fn serve<C: Clock + Clone + 'static>(
    listener: UnixListener,
    store: Shared,
    clock: C,
    prover: Prover,
    wake: Arc<Notify>,
    again: Ask,
) {
    let prover = Arc::new(prover.of_handed_in());
    let seats = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let (store, clock, wake, again) = (store.clone(), clock.clone(), Arc::clone(&wake), again.clone());
                let prover = Arc::clone(&prover);
                tokio::spawn(async move {
                    let _seat = seat;
                    match tokio::time::timeout(LIMIT, answer(stream, &store, &clock, &prover, &wake, &again)).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => tracing::debug!(%error, "a connection to the control socket broke off"),
                        Err(_) => tracing::debug!("a connection to the control socket took too long"),
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the control socket can't be used for the moment");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn answer<C: Clock>(
    stream: UnixStream,
    store: &Shared,
    clock: &C,
    prover: &Prover,
    wake: &Notify,
    again: &Ask,
) -> io::Result<()> {
    let mut stream = tokio::io::BufReader::new(stream);
    let mut line = Vec::new();
    (&mut stream).take(64).read_until(b'\n', &mut line).await?;
    let line = String::from_utf8_lossy(&line);
    let said = match line.trim_end().split_once(' ').unwrap_or((line.trim_end(), "")) {
        ("poke", "") => "ok\n".to_owned(),
        // a reason may have several lines, an answer has one
        ("reload", "") => {
            let asked = again.ask().await;
            asked.map_or_else(|why| format!("no {}\n", why.replace('\n', "\t")), |()| "ok\n".to_owned())
        }
        ("deliver", length) => match length.parse::<usize>() {
            Ok(length) if length <= MAX_MAIL => deliver(&mut stream, length, store, clock, prover).await?,
            _ => format!("no a mail has at most {MAX_MAIL} bytes\n"),
        },
        _ => "no expected poke, reload, or deliver LENGTH\n".to_owned(),
    };
    wake.notify_one();
    stream.get_mut().write_all(said.as_bytes()).await
}

async fn deliver<C: Clock>(
    stream: &mut tokio::io::BufReader<UnixStream>,
    length: usize,
    store: &Shared,
    clock: &C,
    prover: &Prover,
) -> io::Result<String> {
    let mut bytes = Vec::new();
    stream.take(length as u64).read_to_end(&mut bytes).await?;
    crash_point!("control.read");
    if bytes.len() != length {
        return Ok("no the mail broke off\n".to_owned());
    }
    match takes_mail(store) {
        Ok(true) => {}
        Ok(false) => return Ok(format!("later {NO_GROUP_YET}\n")),
        Err(error) => return Ok(format!("later {}\n", error.to_string().replace('\n', " "))),
    }
    match arrive(store, delivered(bytes), prover, || clock.now()).await {
        Ok(_) => {
            crash_point!("control.on_disk");
            Ok("ok\n".to_owned())
        }
        Err(error) => {
            tracing::error!(%error, "a mail handed in could not be written; its server keeps it");
            Ok(format!("later {}\n", error.to_string().replace('\n', " ")))
        }
    }
}

/// A mail that came by `codevd mail deliver`.
pub fn delivered(bytes: Vec<u8>) -> Fetched {
    Fetched { place: "deliver".to_owned(), truncated: false, size: bytes.len() as u64, bytes }
}

/// Wakes the daemon.
///
/// # Errors
/// Nobody listens.
pub fn poke(socket: &Path) -> io::Result<()> {
    ask(socket, b"poke\n", &[]).map(|_| ())
}

/// Asks the daemon to read templates, words and formats anew. `Ok(None)` once it has, else what is wrong with them.
///
/// # Errors
/// Nobody listens, or an older daemon that can't.
pub fn reload(socket: &Path) -> io::Result<Option<String>> {
    let said = ask(socket, b"reload\n", &[])?;
    match said.trim_end().split_once(' ') {
        None if said.trim_end() == "ok" => Ok(None),
        Some(("no", why)) => Ok(Some(why.replace('\t', "\n"))),
        _ => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the daemon did not answer")),
    }
}

/// Hands the daemon a mail. `Ok(None)` once it is on disk, else the daemon's reason.
///
/// # Errors
/// Nobody listens, or the daemon stopped meanwhile: whether it took the mail is not known, and
/// handing it in once more does no harm (the same bytes make one row).
pub fn hand_in(socket: &Path, mail: &[u8]) -> io::Result<Option<String>> {
    let said = ask(socket, format!("deliver {}\n", mail.len()).as_bytes(), mail)?;
    match said.trim_end().split_once(' ') {
        None if said.trim_end() == "ok" => Ok(None),
        Some(("later" | "no", why)) => Ok(Some(why.to_owned())),
        _ => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the daemon did not answer")),
    }
}

fn ask(socket: &Path, request: &[u8], body: &[u8]) -> io::Result<String> {
    let stream = StdStream::connect(socket)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    (&stream).write_all(request)?;
    (&stream).write_all(body)?;
    let mut said = String::new();
    BufReader::new(stream).read_line(&mut said)?;
    Ok(said)
}

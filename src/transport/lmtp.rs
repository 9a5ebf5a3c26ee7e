//! Mail in by LMTP (RFC 2033): listens on a Unix socket or a loopback port, for the mail server on this machine.
//!
//! A mail is answered `250` only after [`Lmtp::taken`] said that it is on disk. One whose taking failed is answered
//! `451`, one for which there is no room `452`: the mail server keeps both and tries again.

mod command;
mod content;
mod protocol;

pub use protocol::{Handed, Out, Session, Terms, Verdict, sent_away};

use super::{Fetched, TransportError};
use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener as StdTcp};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener as StdUnix, UnixStream as StdUnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Connections at a time; further ones wait to be accepted.
const CONNECTIONS: usize = 8;
/// Mails that may wait to be written; the next is answered `452`.
const WAITING: usize = 4;
/// How long a client may say nothing (RFC 5321 §4.5.3.2.7).
const SILENCE: Duration = Duration::from_secs(5 * 60);
/// How long writing a mail may take, before `451` is said.
const WRITING: Duration = Duration::from_secs(60);

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// A Unix socket and its permissions.
    Socket(PathBuf, u32),
    /// A port of this machine; never another address.
    Port(SocketAddr),
}

/// A mail that waits to be written, and who waits for the word.
struct Waiting {
    mail: Handed,
    answer: oneshot::Sender<()>,
}

enum Bound {
    Unix(StdUnix),
    Tcp(StdTcp),
}

/// Whether mail is taken, as both sides of the listener know it.
#[derive(Default)]
struct Door {
    shut: AtomicBool,
    /// Somebody stood there while it was shut.
    knocked: AtomicBool,
}

/// The listener: a way in.
pub struct Lmtp {
    door: Arc<Door>,
    terms: Terms,
    listen: Listen,
    /// Bound, and not yet served: there was no runtime.
    bound: Option<Bound>,
    queue: mpsc::Receiver<Waiting>,
    into_queue: mpsc::Sender<Waiting>,
    /// One that came while waiting.
    first: Option<Waiting>,
    /// Handed to the receiver, by place.
    open: BTreeMap<String, oneshot::Sender<()>>,
    count: u64,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Lmtp {
    /// Binds the socket or port. Nobody is answered before the first call of [`Self::fetch_new`].
    ///
    /// # Errors
    /// An address that is not this machine's, a socket that is in use, a folder that can't be written.
    pub fn bind(listen: Listen, terms: Terms) -> Result<Self, TransportError> {
        let bound = match &listen {
            Listen::Socket(path, mode) => Bound::Unix(socket(path, *mode)?),
            Listen::Port(at) if !at.ip().is_loopback() => {
                return Err(TransportError::Settings {
                    found: format!("LMTP on {at}: anybody could hand in mail"),
                    remedy: "listen on a Unix socket, on 127.0.0.1 or on [::1]".into(),
                });
            }
            Listen::Port(at) => Bound::Tcp(port(*at)?),
        };
        let (into_queue, queue) = mpsc::channel(WAITING);
        let (open, bound) = (BTreeMap::new(), Some(bound));
        let door = Arc::default();
        Ok(Self { door, terms, listen, bound, queue, into_queue, first: None, open, count: 0, task: None })
    }

    /// Where it listens, as bound: port 0 has become a real one.
    pub fn local_port(&self) -> Option<u16> {
        match &self.bound {
            Some(Bound::Tcp(listener)) => listener.local_addr().ok().map(|a| a.port()),
            _ => None,
        }
    }

    /// The mails that were handed in and wait to be written. Those of an earlier call that were not [`Self::taken`]
    /// are answered `451`.
    ///
    /// # Errors
    /// The listener can't be served.
    pub fn fetch_new(&mut self) -> Result<Vec<Fetched>, TransportError> {
        self.door.shut.store(false, Ordering::Relaxed);
        self.serve()?;
        self.open.clear();
        let mut found = Vec::new();
        while let Some(waiting) = self.first.take().or_else(|| self.queue.try_recv().ok()) {
            // who was told 451 already will come again
            if waiting.answer.is_closed() {
                continue;
            }
            crash_point!("lmtp.handed_in");
            self.count += 1;
            let place = format!("lmtp {}", self.count);
            let bytes = with_envelope(&waiting.mail);
            let size = bytes.len() as u64;
            found.push(Fetched { place: place.clone(), bytes, truncated: false, size });
            self.open.insert(place, waiting.answer);
        }
        Ok(found)
    }

    /// From now on, until the next call of [`Self::fetch_new`], whoever comes is sent away with `421` in place of a
    /// greeting, so that they try again later and need not wait (RFC 5321 §3.8). Says whether anybody came yet.
    ///
    /// # Errors
    /// The listener can't be served.
    pub fn turn_away(&mut self) -> Result<bool, TransportError> {
        self.door.shut.store(true, Ordering::Relaxed);
        self.serve()?;
        Ok(self.door.knocked.load(Ordering::Relaxed))
    }

    /// Says `250` for a mail that is on disk.
    pub fn taken(&mut self, place: &str) {
        if let Some(answer) = self.open.remove(place) {
            // a client that is gone comes again; the mail is known by its bytes then
            crash_point!("lmtp.answer");
            let _ = answer.send(());
        }
    }

    /// Returns when a mail was handed in, or after `at_most`.
    ///
    /// # Errors
    /// The listener can't be served.
    pub async fn wait(&mut self, at_most: Duration) -> Result<(), TransportError> {
        self.serve()?;
        if self.first.is_none() {
            self.first = tokio::time::timeout(at_most, self.queue.recv()).await.ok().flatten();
        }
        Ok(())
    }

    fn serve(&mut self) -> Result<(), TransportError> {
        let Some(bound) = self.bound.take() else { return Ok(()) };
        let inside = (self.terms.clone(), self.into_queue.clone(), Arc::clone(&self.door));
        let wrong = self.wrong("listening");
        self.task = Some(match bound {
            Bound::Unix(listener) => {
                let listener = UnixListener::from_std(listener).map_err(wrong)?;
                tokio::spawn(serve(inside, async move || listener.accept().await.map(|(stream, _)| stream)))
            }
            Bound::Tcp(listener) => {
                let listener = TcpListener::from_std(listener).map_err(wrong)?;
                tokio::spawn(serve(inside, async move || listener.accept().await.map(|(stream, _)| stream)))
            }
        });
        Ok(())
    }

    fn wrong(&self, doing: &'static str) -> impl FnOnce(io::Error) -> TransportError + use<> {
        let place = match &self.listen {
            Listen::Socket(path, _) => path.display().to_string(),
            Listen::Port(at) => at.to_string(),
        };
        move |cause| network(place, doing, &cause)
    }
}

impl Drop for Lmtp {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
        if let Listen::Socket(path, _) = &self.listen {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn network(place: String, doing: &'static str, cause: &io::Error) -> TransportError {
    TransportError::Network { place, doing, cause: cause.to_string(), remedy: None }
}

/// Binds a Unix socket; one that a daemon left behind is replaced, one that answers is not, nor any other file.
fn socket(path: &Path, mode: u32) -> Result<StdUnix, TransportError> {
    let wrong = |source| TransportError::Folder { path: path.to_owned(), doing: "making the LMTP socket", source };
    if let Ok(found) = std::fs::symlink_metadata(path) {
        let remedy = if !found.file_type().is_socket() {
            Some("there is a file of that name that is no socket: name another path")
        } else {
            StdUnixStream::connect(path)
                .is_ok()
                .then_some("another program listens there: stop it, or name another path")
        };
        if let Some(remedy) = remedy {
            let found = format!("the LMTP socket {} can't be made", path.display());
            return Err(TransportError::Settings { found, remedy: remedy.into() });
        }
        std::fs::remove_file(path).map_err(wrong)?;
    }
    let listener = StdUnix::bind(path).map_err(wrong)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(wrong)?;
    listener.set_nonblocking(true).map_err(wrong)?;
    Ok(listener)
}

fn port(at: SocketAddr) -> Result<StdTcp, TransportError> {
    let wrong = |cause: io::Error| network(at.to_string(), "listening for LMTP", &cause);
    let listener = StdTcp::bind(at).map_err(wrong)?;
    listener.set_nonblocking(true).map_err(wrong)?;
    Ok(listener)
}

/// The mail with its envelope on top, as final delivery writes it (RFC 5321 §4.4): a bounce to `local+TOKEN@` names
/// the mail it is about by its receiver alone.
fn with_envelope(mail: &Handed) -> Vec<u8> {
    let mut bytes = format!("Return-Path: <{}>\r\n", mail.from);
    mail.to.iter().for_each(|to| bytes.push_str(&format!("Delivered-To: {to}\r\n")));
    let mut bytes = bytes.into_bytes();
    bytes.extend_from_slice(&mail.bytes);
    bytes
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    (terms, queue, door): (Terms, mpsc::Sender<Waiting>, Arc<Door>),
    accept: impl AsyncFn() -> io::Result<S>,
) {
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
        match accept().await {
            Ok(mut stream) if door.shut.load(Ordering::Relaxed) => {
                door.knocked.store(true, Ordering::Relaxed);
                let away = sent_away(&terms);
                tokio::spawn(async move {
                    let _seat = seat;
                    if let Err(error) = say_and_close(&mut stream, &away).await {
                        tracing::debug!(%error, "an LMTP connection broke off");
                    }
                });
            }
            Ok(stream) => {
                let (terms, queue) = (terms.clone(), queue.clone());
                tokio::spawn(async move {
                    let _seat = seat;
                    if let Err(error) = converse(stream, terms, queue).await {
                        tracing::debug!(%error, "an LMTP connection broke off");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "an LMTP connection could not be accepted");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn say_and_close<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.shutdown().await
}

/// One connection, until its end.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    terms: Terms,
    queue: mpsc::Sender<Waiting>,
) -> io::Result<()> {
    let (mut session, greeting) = Session::new(terms);
    stream.write_all(&greeting).await?;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = tokio::time::timeout(SILENCE, stream.read(&mut buffer));
        let count = match read.await {
            Ok(count) => count?,
            Err(_) => return stream.write_all(b"421 4.4.2 nothing was said for too long\r\n").await,
        };
        if count == 0 {
            return Ok(());
        }
        let mut todo = session.feed(&buffer[..count]);
        while !todo.is_empty() {
            let mut next = Vec::new();
            for out in todo {
                match out {
                    Out::Reply(bytes) => stream.write_all(&bytes).await?,
                    Out::Mail(mail) => next = session.answered(hand_over(mail, &queue).await),
                    Out::Close => return stream.shutdown().await,
                }
            }
            todo = next;
        }
    }
}

async fn hand_over(mail: Handed, queue: &mpsc::Sender<Waiting>) -> Verdict {
    let (answer, answered) = oneshot::channel();
    match queue.try_send(Waiting { mail, answer }) {
        Err(_) => Verdict::Busy,
        Ok(()) => match tokio::time::timeout(WRITING, answered).await {
            Ok(Ok(())) => Verdict::Taken,
            _ => Verdict::Failed,
        },
    }
}

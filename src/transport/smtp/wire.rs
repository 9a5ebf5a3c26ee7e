//! The stream under the SMTP conversation: the greeting and STARTTLS by hand (so that every phase is known and nothing
//! falls back), a watch for the final dot, and a cap on what a server may answer.
use super::outcome::{Delivery, Phase, refused};
use crate::transport::tls::{Dialer, Stream, within};
use lettre::transport::smtp::client::AsyncTokioStream;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

const END_OF_MAIL: &[u8] = b"\r\n.\r\n";

/// The most a server may answer to one command, in bytes. 512 a line are allowed (RFC 5321 4.5.3.1.5); EHLO has a few
/// dozen lines. The library parses from the start with every line, so more would cost time as well.
const ANSWER_CAP: usize = 16 * 1024;

/// What has left so far, seen from outside the connection that owns the stream.
#[derive(Debug, Default)]
pub(super) struct Watch {
    written: AtomicU64,
    /// The last eight bytes that left, the newest lowest.
    tail: AtomicU64,
    leaving: AtomicBool,
}

impl Watch {
    /// QUIT may be said now. The library says it on its own after a refused EHLO or login, and would wait for ever
    /// for the answer: until this is called it can't.
    pub(super) fn leave(&self) {
        self.leaving.store(true, Relaxed);
    }

    /// A new mail begins.
    pub(super) fn reset(&self) {
        self.tail.store(0, Relaxed);
    }

    /// How many bytes have left: shows whether a slow transfer still moves.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Relaxed)
    }

    /// The last bytes that left were the end of a mail. Dot-stuffing keeps them out of the mail itself, so this is
    /// true from the final dot until the next command.
    pub(super) fn dot_has_left(&self) -> bool {
        let end = END_OF_MAIL.iter().fold(0, |all, &b| all << 8 | u64::from(b));
        self.tail.load(Relaxed) & 0xFF_FFFF_FFFF == end
    }

    fn saw(&self, bytes: &[u8]) {
        self.written.fetch_add(bytes.len() as u64, Relaxed);
        let last = &bytes[bytes.len().saturating_sub(8)..];
        let tail = last.iter().fold(self.tail.load(Relaxed), |all, &b| all << 8 | u64::from(b));
        self.tail.store(tail, Relaxed);
    }
}

/// The stream handed to the SMTP library. It serves the greeting, which was read already, a second time.
#[derive(Debug)]
pub(super) struct Wire {
    inner: Stream,
    greeting: io::Cursor<Vec<u8>>,
    watch: Arc<Watch>,
    answered: usize,
    cleaner: Cleaner,
}

/// Takes out of replies what the library can't bear: it gives up on bytes that are not UTF-8 (an old server's Latin-1
/// must not cost a delivery), and panics on a line of blanks in the answer to EHLO.
#[derive(Debug, Default)]
struct Cleaner {
    column: usize,
    last: u8,
}

impl Cleaner {
    fn clean(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            let blank = self.column == 4 && matches!(*byte, 0..=9 | 11 | 12 | 14..=32);
            if !byte.is_ascii() {
                *byte = b'?';
            } else if blank || (*byte == b'\r' && self.last == b'\r') {
                *byte = b'_';
            }
            self.column = if *byte == b'\n' { 0 } else { self.column + 1 };
            self.last = *byte;
        }
    }
}

impl Wire {
    pub(super) fn new(inner: Stream, greeting: Vec<u8>, watch: Arc<Watch>) -> Self {
        Self { inner, greeting: io::Cursor::new(greeting), watch, answered: 0, cleaner: Cleaner::default() }
    }

    /// A server that speaks or hangs up before the end of the mail won't take it: then the dot is kept back, and
    /// there is no doubt.
    fn spoke_early(&mut self, cx: &mut Context<'_>) -> Option<io::Error> {
        let mut space = [0; 512];
        let mut early = ReadBuf::new(&mut space);
        match Pin::new(&mut self.inner).poll_read(cx, &mut early) {
            Poll::Pending => None,
            Poll::Ready(Err(error)) => Some(error),
            Poll::Ready(Ok(())) if early.filled().is_empty() => {
                Some(io::Error::new(io::ErrorKind::BrokenPipe, "the server hung up before the end of the mail"))
            }
            Poll::Ready(Ok(())) => Some(io::Error::new(
                io::ErrorKind::BrokenPipe,
                format!(
                    "the server broke off before the end of the mail: {}",
                    String::from_utf8_lossy(early.filled()).trim()
                ),
            )),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let start = buf.filled().len();
        let position = usize::try_from(this.greeting.position()).unwrap_or(usize::MAX);
        if let Some(rest) = this.greeting.get_ref().get(position..).filter(|r| !r.is_empty()) {
            let count = rest.len().min(buf.remaining());
            buf.put_slice(&rest[..count]);
            this.greeting.set_position((position + count) as u64);
        } else {
            std::task::ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        }
        let fresh = &mut buf.filled_mut()[start..];
        this.cleaner.clean(fresh);
        this.answered += fresh.len();
        if this.answered > ANSWER_CAP {
            let error = format!("the server answered over {ANSWER_CAP} bytes to one command");
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.answered = 0;
        if buf == END_OF_MAIL
            && let Some(error) = this.spoke_early(cx)
        {
            return Poll::Ready(Err(error));
        }
        if buf == b"QUIT\r\n" && !this.watch.leaving.load(Relaxed) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let result = Pin::new(&mut this.inner).poll_write(cx, buf);
        if let Poll::Ready(Ok(count)) = result {
            this.watch.saw(&buf[..count]);
            crash_point!("smtp.left", if this.watch.dot_has_left() { "the dot" } else { "bytes" });
        }
        result
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.inner.tcp().peer_addr()
    }
}

/// Why a connection could not be opened.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server said no.
    Refused(Delivery),
    /// It could not be reached, or broke off.
    Broken { phase: Phase, error: io::Error },
}

/// Marks an error with its phase.
fn at(phase: Phase) -> impl Fn(io::Error) -> Failure {
    move |error| Failure::Broken { phase, error }
}

/// One reply: its code, its words on one line, its bytes.
#[derive(Debug)]
pub(super) struct Reply {
    code: u16,
    pub(super) text: String,
    raw: Vec<u8>,
}

/// Dials, reads the greeting and, where set, goes through STARTTLS. What comes back is greeted and as secure as the
/// settings ask, or nothing.
pub(super) async fn open(dialer: &Dialer, hello: &str, limits: &super::Timeouts) -> Result<(Stream, Reply), Failure> {
    use crate::transport::Security::{Implicit, Plain, StartTls};
    let tcp = dialer.connect(limits.connect).await.map_err(at(Phase::Connect))?;
    let mut stream = match dialer.security {
        Implicit => dialer.secure(tcp, limits.connect).await.map_err(at(Phase::Tls))?,
        StartTls | Plain => Stream::Plain(tcp),
    };
    let greeting = within(limits.greeting, read_reply(&mut stream)).await.map_err(at(Phase::Greeting))?;
    expect(Phase::Greeting, 220, &greeting)?;
    match (dialer.security, stream) {
        (StartTls, Stream::Plain(tcp)) => Ok((start_tls(dialer, tcp, hello, limits).await?, greeting)),
        (_, stream) => Ok((stream, greeting)),
    }
}

/// EHLO and STARTTLS (RFC 3207). A server that does not offer it, or refuses, ends the attempt: nothing more is said
/// in clear text. Replies are read byte by byte, so nothing that was injected behind the 220 survives into TLS.
async fn start_tls(
    dialer: &Dialer,
    tcp: tokio::net::TcpStream,
    hello: &str,
    limits: &super::Timeouts,
) -> Result<Stream, Failure> {
    let mut stream = Stream::Plain(tcp);
    let ehlo = format!("EHLO {hello}\r\n");
    let offer = ask(&mut stream, &ehlo, Phase::Greeting, limits).await?;
    expect(Phase::Greeting, 250, &offer)?;
    let offered = String::from_utf8_lossy(&offer.raw)
        .lines()
        .any(|line| line.get(4..).is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS")));
    if !offered {
        let error = io::Error::other(
            "the server offers no STARTTLS, and nothing is sent without TLS: use its port for \
             implicit TLS (usually 465)",
        );
        return Err(Failure::Broken { phase: Phase::Tls, error });
    }
    let ready = ask(&mut stream, "STARTTLS\r\n", Phase::Tls, limits).await?;
    expect(Phase::Tls, 220, &ready)?;
    match stream {
        Stream::Plain(tcp) => dialer.secure(tcp, limits.connect).await.map_err(at(Phase::Tls)),
        secured => Ok(secured),
    }
}

async fn ask(stream: &mut Stream, command: &str, phase: Phase, limits: &super::Timeouts) -> Result<Reply, Failure> {
    within(limits.greeting, async {
        stream.write_all(command.as_bytes()).await?;
        stream.flush().await?;
        read_reply(stream).await
    })
    .await
    .map_err(at(phase))
}

fn expect(phase: Phase, code: u16, reply: &Reply) -> Result<(), Failure> {
    match reply.code {
        got if got == code => Ok(()),
        400..=599 => Err(Failure::Refused(refused(phase, reply.code, &reply.text))),
        got => Err(Failure::Broken {
            phase,
            error: io::Error::new(io::ErrorKind::InvalidData, format!("expected {code}, got {got} {}", reply.text)),
        }),
    }
}

/// Reads one reply of one or more lines (RFC 5321 4.2.1), and not a byte more.
async fn read_reply(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Reply> {
    let mut raw = Vec::new();
    let mut text = String::new();
    loop {
        let line = read_line(stream, &mut raw).await?;
        let code = line.get(..3).and_then(|digits| digits.parse::<u16>().ok());
        let Some(code) = code.filter(|code| (200..600).contains(code)) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("this is not SMTP: {line:?}")));
        };
        let words = line.get(4..).unwrap_or_default().trim();
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(words);
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(Reply { code, text, raw });
        }
    }
}

async fn read_line(stream: &mut (impl AsyncRead + Unpin), raw: &mut Vec<u8>) -> io::Result<String> {
    let start = raw.len();
    loop {
        let byte = match stream.read_u8().await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && raw.len() == start => {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server hung up without a word"));
            }
            other => other?,
        };
        raw.push(byte);
        if byte == b'\n' {
            return Ok(String::from_utf8_lossy(&raw[start..]).trim_end().to_owned());
        }
        if raw.len() > ANSWER_CAP || raw.len() - start > 4096 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the server's answer has no end"));
        }
    }
}

impl Reply {
    /// The reply as it came, to be served to the SMTP library.
    pub(super) fn into_raw(self) -> Vec<u8> {
        self.raw
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn the_dot_is_seen_however_it_is_cut() {
        let watch = Watch::default();
        for piece in [&b"Subject: x\r\n\r\n..\r\n"[..], b"end", b"\r\n.", b"\r"] {
            watch.saw(piece);
            assert!(!watch.dot_has_left());
        }
        watch.saw(b"\n");
        assert!(watch.dot_has_left());
        watch.saw(b"RSET\r\n");
        assert!(!watch.dot_has_left());
        watch.saw(b"a longer piece than eight\r\n.\r\n");
        assert!(watch.dot_has_left());
        watch.reset();
        assert!(!watch.dot_has_left());
    }

    /// The dot is kept back when the server spoke or hung up while the mail was on its way.
    #[tokio::test]
    async fn no_dot_after_an_early_word() {
        for word in [&b"421 4.3.2 shutting down\r\n"[..], b""] {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let client = tokio::net::TcpStream::connect(listener.local_addr().unwrap());
            let client = client.await.unwrap();
            let (mut server, _) = listener.accept().await.unwrap();
            server.write_all(word).await.unwrap();
            server.shutdown().await.unwrap();
            client.readable().await.unwrap();
            let watch = Arc::new(Watch::default());
            let mut wire = Wire::new(Stream::Plain(client), Vec::new(), Arc::clone(&watch));
            wire.write_all(b"the mail").await.unwrap();
            let error = wire.write_all(END_OF_MAIL).await.unwrap_err();
            assert!(error.to_string().contains("before the end"), "{error}");
            assert!(!watch.dot_has_left());
            drop(wire);
            let mut came = Vec::new();
            server.read_to_end(&mut came).await.unwrap();
            assert_eq!(came, b"the mail");
        }
    }

    #[tokio::test]
    async fn replies_of_several_lines_are_one() {
        let mut bytes = &b"250-mx hello\r\n250-SIZE 10\r\n250 STARTTLS\r\n220 injected\r\n"[..];
        let reply = read_reply(&mut bytes).await.unwrap();
        assert_eq!((reply.code, reply.text.as_str()), (250, "mx hello SIZE 10 STARTTLS"));
        assert_eq!(bytes, b"220 injected\r\n");
    }

    #[tokio::test]
    async fn what_is_not_smtp_is_told() {
        for bytes in [&b"HTTP/1.1 400 Bad Request\r\n"[..], b"\x15\x03\x01\x00\x02\x02\x0a", b"", b"999 x\r\n"] {
            let mut bytes = bytes;
            assert!(read_reply(&mut bytes).await.is_err());
        }
        let endless = vec![b'2'; 10_000];
        let error = read_reply(&mut &endless[..]).await.unwrap_err();
        assert!(error.to_string().contains("no end"), "{error}");
    }
}

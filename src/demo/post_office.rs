//! A small SMTP server on loopback: takes the demo's mail as a provider would, and hands it on. It delivers nothing
//! to the outside world.
use std::collections::HashSet;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

/// The largest mail taken, in bytes; announced by SIZE (RFC 1870).
const MAX_MAIL: usize = 25 * 1024 * 1024;
/// The longest line taken: commands and text alike (RFC 5321 4.5.3.1.4 and .6 ask for 512 and 1000).
const MAX_LINE: u64 = 2_000;
const MAX_RECEIVERS: usize = 100;
const MAX_SESSIONS: usize = 100;
const IDLE: Duration = Duration::from_secs(5 * 60);

/// A mail the post office took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The reverse-path; empty for bounces.
    pub mail_from: String,
    /// The receivers that were not refused.
    pub rcpt_to: Vec<String>,
    /// The mail, dots unstuffed, ending in CR LF.
    pub bytes: Vec<u8>,
}

/// The running server. It ends when this value is dropped.
pub struct PostOffice {
    mails: mpsc::Receiver<Posted>,
    refused: Refused,
    server: AbortHandle,
}

/// Addresses that are answered 550 5.1.1, in small letters.
type Refused = Arc<Mutex<HashSet<String>>>;

impl PostOffice {
    /// Opens the post office on 127.0.0.1. Port 0 takes a free one; the port is given back.
    ///
    /// # Errors
    /// The port is taken, or may not be used.
    pub async fn start(port: u16) -> io::Result<(Self, u16)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = listener.local_addr()?.port();
        let (hand_on, mails) = mpsc::channel(1_000);
        let refused = Refused::default();
        let server = tokio::spawn(serve(listener, hand_on, Arc::clone(&refused))).abort_handle();
        let office = Self { mails, refused, server };
        Ok((office, port))
    }

    /// From now on this address does not exist.
    pub fn refuse(&self, address: &str) {
        self.list().insert(address.to_lowercase());
    }

    /// From now on this address exists again.
    pub fn allow(&self, address: &str) {
        self.list().remove(&address.to_lowercase());
    }

    /// The next mail, in the order they were taken. Waits for it.
    pub async fn next(&mut self) -> Option<Posted> {
        self.mails.recv().await
    }

    /// The next mail, if one is there already.
    pub fn try_next(&mut self) -> Option<Posted> {
        self.mails.try_recv().ok()
    }

    fn list(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PostOffice {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Takes connections until it is aborted; the sessions end with it.
async fn serve(listener: TcpListener, hand_on: mpsc::Sender<Posted>, refused: Refused) {
    let mut sessions = JoinSet::new();
    loop {
        while sessions.try_join_next().is_some() {}
        if sessions.len() >= MAX_SESSIONS {
            sessions.join_next().await;
            continue;
        }
        if let Ok((stream, _)) = listener.accept().await {
            let session = Session::new(stream, hand_on.clone(), Arc::clone(&refused));
            sessions.spawn(async move {
                // a broken connection is the client's business: it sees it too
                let _ = session.run().await;
            });
        }
    }
}

/// One connection.
struct Session {
    stream: BufReader<TcpStream>,
    hand_on: mpsc::Sender<Posted>,
    refused: Refused,
    greeted: bool,
    mail_from: Option<String>,
    rcpt_to: Vec<String>,
}

/// A line, as far as it can be used.
enum Line {
    Whole(Vec<u8>),
    TooLong,
    End,
}

const BAD_SEQUENCE: &str = "503 5.5.1 not now";
const BAD_SYNTAX: &str = "501 5.5.4 expected <address> and known parameters";

impl Session {
    fn new(stream: TcpStream, hand_on: mpsc::Sender<Posted>, refused: Refused) -> Self {
        let _ = stream.set_nodelay(true);
        Self { stream: BufReader::new(stream), hand_on, refused, greeted: false, mail_from: None, rcpt_to: Vec::new() }
    }

    async fn run(mut self) -> io::Result<()> {
        self.say("220 post-office.localhost ESMTP codevd demo").await?;
        loop {
            let line = match self.line().await? {
                Line::End => return Ok(()),
                Line::TooLong => {
                    self.say("500 5.5.2 line too long").await?;
                    continue;
                }
                Line::Whole(line) => line,
            };
            let Ok(line) = String::from_utf8(line) else {
                self.say("500 5.5.2 not UTF-8").await?;
                continue;
            };
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "QUIT" => return self.say("221 2.0.0 bye").await,
                "DATA" => self.data().await?,
                verb => {
                    let answer = self.answer(verb, rest);
                    self.say(&answer).await?;
                }
            }
        }
    }

    /// The commands that are answered without reading further.
    fn answer(&mut self, verb: &str, rest: &str) -> String {
        match verb {
            "EHLO" => {
                self.reset();
                self.greeted = true;
                format!(
                    "250-post-office.localhost\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n\
                     250-ENHANCEDSTATUSCODES\r\n250 SIZE {MAX_MAIL}"
                )
            }
            "HELO" => {
                self.reset();
                self.greeted = true;
                "250 post-office.localhost".into()
            }
            "RSET" => {
                self.reset();
                "250 2.0.0 forgotten".into()
            }
            "NOOP" => "250 2.0.0 here".into(),
            "MAIL" => self.mail(rest).into(),
            "RCPT" => self.rcpt(rest).into(),
            "VRFY" => "252 2.1.5 try and see".into(),
            _ => "502 5.5.1 unknown command".into(),
        }
    }

    fn reset(&mut self) {
        self.mail_from = None;
        self.rcpt_to.clear();
    }

    fn mail(&mut self, rest: &str) -> &'static str {
        if !self.greeted || self.mail_from.is_some() {
            return BAD_SEQUENCE;
        }
        let Some((address, parameters)) = path(rest, "FROM:") else {
            return BAD_SYNTAX;
        };
        for parameter in parameters.split_whitespace() {
            let upper = parameter.to_ascii_uppercase();
            match upper.split_once('=').unwrap_or((&upper, "")) {
                ("BODY", "7BIT" | "8BITMIME") | ("SMTPUTF8", "") => {}
                ("SIZE", size) if size.parse().is_ok_and(|size: usize| size <= MAX_MAIL) => {}
                ("SIZE", _) => return "552 5.3.4 too large",
                _ => return "555 5.5.4 unknown parameter",
            }
        }
        self.mail_from = Some(address.to_owned());
        "250 2.1.0 go on"
    }

    fn rcpt(&mut self, rest: &str) -> &'static str {
        if self.mail_from.is_none() {
            return BAD_SEQUENCE;
        }
        let Some((address, "")) = path(rest, "TO:") else {
            return BAD_SYNTAX;
        };
        if !address.contains('@') {
            return BAD_SYNTAX;
        }
        let list = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if list.contains(&address.to_lowercase()) {
            return "550 5.1.1 nobody here by that name";
        }
        if self.rcpt_to.len() >= MAX_RECEIVERS {
            return "452 4.5.3 too many receivers";
        }
        self.rcpt_to.push(address.to_owned());
        "250 2.1.5 go on"
    }

    async fn data(&mut self) -> io::Result<()> {
        if self.rcpt_to.is_empty() {
            return self.say(BAD_SEQUENCE).await;
        }
        self.say("354 end with a dot").await?;
        let answer = match self.text().await? {
            Err(refusal) => refusal,
            Ok(bytes) => {
                let posted = Posted {
                    mail_from: self.mail_from.take().unwrap_or_default(),
                    rcpt_to: std::mem::take(&mut self.rcpt_to),
                    bytes,
                };
                match self.hand_on.send(posted).await {
                    Ok(()) => "250 2.0.0 taken",
                    Err(_) => "451 4.3.0 nobody empties the boxes",
                }
            }
        };
        self.reset();
        self.say(answer).await
    }

    /// Reads to the final dot. A mail that can't be taken is read to its end all the same, so that the conversation
    /// stays in step.
    async fn text(&mut self) -> io::Result<Result<Vec<u8>, &'static str>> {
        let mut bytes = Vec::new();
        let mut refusal = None;
        loop {
            match self.line().await? {
                Line::End => return Err(io::ErrorKind::UnexpectedEof.into()),
                Line::TooLong => refusal = Some("554 5.6.0 a line is too long or ends without CR LF"),
                Line::Whole(line) if line == b"." => break,
                Line::Whole(line) if bytes.len() + line.len() > MAX_MAIL => {
                    bytes.clear();
                    refusal = Some("552 5.3.4 too large");
                }
                Line::Whole(line) => {
                    bytes.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
                    bytes.extend_from_slice(b"\r\n");
                }
            }
        }
        Ok(refusal.map_or(Ok(bytes), Err))
    }

    /// One line without its CR LF. Longer ones, and ones that end in a bare LF, are read to their end and dropped.
    async fn line(&mut self) -> io::Result<Line> {
        let mut line = Vec::new();
        let mut whole = true;
        loop {
            let mut part = (&mut self.stream).take(MAX_LINE);
            let read = part.read_until(b'\n', &mut line);
            match tokio::time::timeout(IDLE, read).await {
                Err(_) | Ok(Ok(0)) => return Ok(Line::End),
                Ok(Err(error)) => return Err(error),
                Ok(Ok(_)) => {}
            }
            if line.ends_with(b"\n") {
                break;
            }
            whole = false;
            line.clear();
        }
        match line.strip_suffix(b"\r\n") {
            Some(text) if whole => Ok(Line::Whole(text.to_vec())),
            _ => Ok(Line::TooLong),
        }
    }

    async fn say(&mut self, answer: &str) -> io::Result<()> {
        let answer = format!("{answer}\r\n");
        self.stream.get_mut().write_all(answer.as_bytes()).await
    }
}

/// `FROM:<address> parameters` → address, parameters.
fn path<'a>(rest: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let head = rest.get(..keyword.len())?;
    if !head.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let (address, parameters) = rest[keyword.len()..].trim_start().strip_prefix('<')?.split_once('>')?;
    Some((address, parameters.trim()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// Sends everything at once (PIPELINING) and gives back all answers up to the end of the connection.
    async fn talk(port: u16, commands: &[u8]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(commands).await.unwrap();
        let mut answers = Vec::new();
        stream.read_to_end(&mut answers).await.unwrap();
        String::from_utf8(answers).unwrap()
    }

    fn codes(answers: &str) -> Vec<&str> {
        answers.lines().filter(|line| line.as_bytes()[3] == b' ').map(|line| &line[..3]).collect()
    }

    #[tokio::test]
    async fn a_mail_is_taken_unstuffed_and_handed_on() {
        let (mut office, port) = PostOffice::start(0).await.unwrap();
        office.refuse("Dead@Example.org");
        let answers = talk(
            port,
            b"EHLO me\r\nMAIL FROM:<bot@example.org> BODY=8BITMIME SIZE=20\r\n\
              RCPT TO:<ana@example.org>\r\nrcpt to:<dead@example.org>\r\nDATA\r\n\
              a: b\r\n\r\n..dot\r\nend\r\n.\r\nQUIT\r\n",
        )
        .await;
        assert_eq!(codes(&answers), ["220", "250", "250", "250", "550", "354", "250", "221"]);
        let posted = office.next().await.unwrap();
        assert_eq!(posted.mail_from, "bot@example.org");
        assert_eq!(posted.rcpt_to, ["ana@example.org"]);
        assert_eq!(posted.bytes, b"a: b\r\n\r\n.dot\r\nend\r\n");
        assert_eq!(office.try_next(), None);
    }

    #[tokio::test]
    async fn wrong_turns_are_answered_and_the_talk_goes_on() {
        let (mut office, port) = PostOffice::start(0).await.unwrap();
        let long = format!("NOOP {}\r\n", "x".repeat(5_000));
        let mut commands = b"MAIL FROM:<a@b>\r\nEHLO me\r\nDATA\r\nRCPT TO:<a@b>\r\nHUH\r\n\
            MAIL FROM:a@b\r\nMAIL FROM:<a@b> RET=FULL\r\nMAIL FROM:<a@b> SIZE=99999999999\r\n"
            .to_vec();
        commands.extend_from_slice(long.as_bytes());
        commands.extend_from_slice(
            b"MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\nx\ny\r\n\r\n.\nQUIT\r\n.\r\nRSET\r\nNOOP\r\nQUIT\r\n",
        );
        let answers = talk(port, &commands).await;
        assert_eq!(
            codes(&answers),
            [
                "220", "503", "250", "503", "503", "502", "501", "555", "552", "500", "250", "250", "354", "554",
                "250", "250", "221"
            ]
        );
        assert_eq!(office.try_next(), None);
    }

    #[tokio::test]
    async fn a_mail_over_the_size_limit_is_refused_after_the_dot() {
        let (mut office, port) = PostOffice::start(0).await.unwrap();
        let mut commands = b"EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n".to_vec();
        let line = [&[b'x'; 998][..], b"\r\n"].concat();
        for _ in 0..=MAX_MAIL / 998 {
            commands.extend_from_slice(&line);
        }
        commands.extend_from_slice(b".\r\nQUIT\r\n");
        let answers = talk(port, &commands).await;
        assert_eq!(codes(&answers), ["220", "250", "250", "250", "354", "552", "221"]);
        assert_eq!(office.try_next(), None);
    }
}

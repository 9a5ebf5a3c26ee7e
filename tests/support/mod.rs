//! A scripted TCP server for byte-level tests: says and expects what it is told, connection by connection.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]
use codevd::transport::Security;
use codevd::transport::smtp::{Envelope, Smtp, SmtpSettings, Timeouts};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One step of a script.
#[derive(Clone, Debug)]
pub enum Step {
    /// Sends these bytes.
    Say(String),
    /// Reads a line that must contain these words; `*tag*` in what is said next stands for its first word.
    Hear(&'static str),
    /// Reads lines up to a dot alone.
    HearMail,
    /// Reads this many bytes.
    Take(usize),
    /// Waits until the client has closed the connection, whatever it sends.
    Wait,
    /// Hangs up.
    Close,
}

/// `Say` with CR LF.
pub fn say(line: &str) -> Step {
    Step::Say(format!("{line}\r\n"))
}

/// `Hear`.
pub fn hear(words: &'static str) -> Step {
    Step::Hear(words)
}

/// Runs one script a connection on a free port. The handle gives what was heard, and fails where the client said
/// something else than scripted.
pub async fn scripted(scripts: Vec<Vec<Step>>) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let mut heard = Vec::new();
        for script in scripts {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            play(&mut BufReader::new(stream), script, &mut heard).await;
        }
        heard
    });
    (port, server)
}

/// Plays one script on a connection.
pub async fn play(stream: &mut BufReader<tokio::net::TcpStream>, script: Vec<Step>, heard: &mut Vec<String>) {
    let mut tag = String::new();
    for step in script {
        match step {
            Step::Say(text) => {
                let text = text.replace("*tag*", &tag);
                stream.get_mut().write_all(text.as_bytes()).await.unwrap();
            }
            Step::Hear(words) => {
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                assert!(line.contains(words), "expected {words:?}, heard {line:?}");
                tag = line.split_whitespace().next().unwrap_or_default().to_owned();
                heard.push(line.trim_end().to_owned());
            }
            Step::HearMail => {
                let mut line = String::new();
                while line != ".\r\n" {
                    line.clear();
                    assert!(stream.read_line(&mut line).await.unwrap() > 0, "no dot came");
                }
            }
            Step::Take(count) => {
                let mut bytes = vec![0; count];
                stream.read_exact(&mut bytes).await.unwrap();
            }
            Step::Wait => {
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
                heard.extend(String::from_utf8_lossy(&rest).lines().map(str::to_owned));
            }
            Step::Close => return,
        }
    }
}

/// No script is silent for so long: a test that runs into it fails.
pub const SOON: Duration = Duration::from_secs(10);
pub const MAIL: &[u8] = b"Subject: step 1\r\n\r\n.a line with a dot\r\n.\r\nend\r\n";

pub fn settings(port: u16) -> SmtpSettings {
    let mut settings = SmtpSettings::new("127.0.0.1", None, "codevd.example.org");
    (settings.port, settings.security) = (port, Security::Plain);
    settings.timeouts =
        Timeouts { greeting: SOON, command: SOON, data: SOON, block: SOON, dot: SOON, ..Timeouts::default() };
    settings
}

pub fn sender(port: u16) -> Smtp {
    Smtp::new(settings(port)).unwrap()
}

pub fn to(address: &str) -> Envelope {
    Envelope::new("bot@example.org", address).unwrap()
}

pub fn ana() -> Envelope {
    to("ana@example.org")
}

/// The steps of a greeting and EHLO.
pub fn greeting() -> Vec<Step> {
    vec![
        say("220-mx.example.org"),
        say("220 ready"),
        hear("EHLO codevd.example.org"),
        say("250-mx.example.org"),
        say("250 8BITMIME"),
    ]
}

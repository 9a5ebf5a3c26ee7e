//! A mail server in a thread: takes what it is given, and remembers it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// One mail that was taken: to whom, and its bytes.
pub type Taken = (String, Vec<u8>);

/// The server. It lives as long as the process.
pub struct PostOffice {
    pub port: u16,
    taken: Arc<Mutex<Vec<Taken>>>,
}

impl PostOffice {
    pub fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&taken);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let taken = Arc::clone(&kept);
                // a client that is cut off ends its own conversation alone
                std::thread::spawn(move || drop(talk(stream, &taken)));
            }
        });
        Self { port, taken }
    }

    /// What was taken since the last call.
    pub fn collect(&self) -> Vec<Taken> {
        std::mem::take(&mut *self.taken.lock().unwrap())
    }
}

fn talk(stream: TcpStream, taken: &Mutex<Vec<Taken>>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    out.write_all(b"220 post.example ESMTP\r\n")?;
    let (mut line, mut to) = (Vec::new(), String::new());
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&line).trim_end().to_owned();
        let verb = said.get(..4).unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => out.write_all(b"250-post.example\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")?,
            "RCPT" => {
                to = said.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                out.write_all(b"250 2.1.5 ok\r\n")?;
            }
            "DATA" => {
                out.write_all(b"354 go on\r\n")?;
                let bytes = data(&mut lines)?;
                // taken first, then said: as a real server does
                taken.lock().unwrap().push((to.clone(), bytes));
                out.write_all(b"250 2.0.0 taken\r\n")?;
            }
            "QUIT" => return out.write_all(b"221 bye\r\n"),
            _ => out.write_all(b"250 ok\r\n")?,
        }
    }
}

fn data(lines: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let (mut bytes, mut line) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match line.as_slice() {
            b".\r\n" => return Ok(bytes),
            [b'.', rest @ ..] => bytes.extend_from_slice(rest),
            whole => bytes.extend_from_slice(whole),
        }
    }
}

/// A mail's Message-ID, without angle brackets.
pub fn message_id(bytes: &[u8]) -> String {
    codevd::mail::letter(bytes).message_id.expect("a Message-ID")
}

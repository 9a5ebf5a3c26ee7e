//! `codevd check --learn-plus` against mail servers of every kind: scripted ones word by word, and a real Postfix set up
//! in three ways.

use crate::interop;
use crate::program;
use program::codevd;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a server makes of mail to `codev+anything@`.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Delivers it as it is (Postfix with `recipient_delimiter`).
    Keeps,
    /// The same, the plus written as `%2B`.
    Encodes,
    /// Knows no such receiver.
    Refuses,
    /// Takes it, and sends a bounce afterwards.
    Bounces,
    /// Delivers it under the bare address.
    Rewrites,
    /// The same, under a Message-ID of its own.
    RewritesAll,
}

/// A mail server on loopback that fills a Maildir.
fn server(kind: Kind, maildir: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for (n, stream) in listener.incoming().enumerate() {
            serve(kind, stream.unwrap(), &maildir, n);
        }
    });
    port
}

fn serve(kind: Kind, mut stream: TcpStream, maildir: &Path, n: usize) {
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut say = |text: &str| stream.write_all(format!("{text}\r\n").as_bytes()).unwrap();
    say("220 mx.example.org ESMTP");
    let (mut line, mut to) = (String::new(), String::new());
    while lines.read_line(&mut line).unwrap_or(0) > 0 {
        let verb = line.split([' ', '\r']).next().unwrap_or_default().to_uppercase();
        match verb.as_str() {
            "EHLO" => say("250 mx.example.org"),
            "RCPT" if kind == Kind::Refuses && line.contains('+') => {
                say("550 5.1.1 Recipient address rejected: User unknown in virtual mailbox table");
            }
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap().to_owned();
                say("250 2.1.5 Ok");
            }
            "DATA" => {
                say("354 End data with <CR><LF>.<CR><LF>");
                let mut mail = String::new();
                while !mail.ends_with("\r\n.\r\n") {
                    assert!(lines.read_line(&mut mail).unwrap() > 0);
                }
                let mail = delivered(kind, &to, mail.trim_end_matches(".\r\n"));
                std::fs::write(maildir.join(format!("new/{n}.mx")), mail).unwrap();
                say("250 2.0.0 Ok: queued");
            }
            "QUIT" => return say("221 2.0.0 Bye"),
            _ => say("250 2.0.0 Ok"),
        }
        line.clear();
    }
}

/// The mail as it lies in the mailbox.
fn delivered(kind: Kind, to: &str, mail: &str) -> String {
    let (local, domain) = to.split_once('@').unwrap();
    let bare = format!("{}@{domain}", local.split('+').next().unwrap());
    match kind {
        Kind::Keeps | Kind::Refuses => format!("Return-Path: <{bare}>\r\nDelivered-To: {to}\r\n{mail}"),
        Kind::Encodes => format!("Delivered-To: {bare}\r\n{}", mail.replace(to, &to.replace('+', "%2B"))),
        Kind::Rewrites => format!("Delivered-To: {bare}\r\n{}", mail.replace(to, &bare)),
        Kind::RewritesAll => {
            let other = |line: &str| match line.to_lowercase().starts_with("message-id:") {
                true => "Message-ID: <0102019a@mx.example.org>\r\n".to_owned(),
                false => line.replace(to, &bare),
            };
            mail.split_inclusive("\r\n").map(other).collect()
        }
        Kind::Bounces => format!(
            "Return-Path: <>\r\nFrom: MAILER-DAEMON@example.org\r\nTo: {bare}\r\nSubject: Undelivered Mail\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n--b\r\n\
             Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n\
             Final-Recipient: rfc822; {to}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\n\
             Content-Type: text/rfc822-headers\r\n\r\n{}\r\n--b--\r\n",
            mail.split("\r\n\r\n").next().unwrap()
        ),
    }
}

/// A house with that config; mail lies in `mail/` where it has a Maildir.
fn house(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for part in ["new", "cur", "tmp"] {
        std::fs::create_dir_all(folder.path().join("mail").join(part)).unwrap();
    }
    std::fs::write(folder.path().join("codevd.toml"), format!("database = \"codevd.db\"\n{config}")).unwrap();
    folder
}

/// The line that `check` says of the plus.
fn learned(folder: &Path) -> String {
    let said = codevd(folder, &["check", "--learn-plus"]);
    let line = said.out.lines().position(|l| l.contains("mail with +"));
    let rest = line.map(|n| said.out.lines().skip(n).take(3).collect::<Vec<_>>().join(" "));
    let rest = rest.unwrap_or_else(|| panic!("nothing about the plus:\n{}\n{}", said.out, said.err));
    rest.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_probe_tells_servers_of_every_kind_apart() {
    for (kind, expected) in [
        (Kind::Keeps, "arrives: write `plus = true`"),
        (Kind::Encodes, "arrives: write `plus = true`"),
        (Kind::Refuses, "is refused (550 5.1.1 Recipient address rejected"),
        (Kind::Bounces, "is refused (a bounce came back)"),
        (Kind::Rewrites, "its address is lost on the way: write `plus = false`"),
        (Kind::RewritesAll, "its address is lost on the way: write `plus = false`"),
    ] {
        let folder = house("");
        let port = server(kind, folder.path().join("mail"));
        let config = format!(
            "database = \"codevd.db\"\n[mailbox]\naddress = \"codev@example.org\"\n\
             [smtp]\nurl = \"smtp://127.0.0.1:{port}\"\n[maildir]\npath = \"mail\"\n"
        );
        std::fs::write(folder.path().join("codevd.toml"), config).unwrap();
        let line = learned(folder.path());
        assert!(line.contains(expected), "{expected}: {line}");
    }
}

#[test]
#[ignore = "needs root, Postfix and Dovecot"]
fn the_probe_tells_three_kinds_of_postfix_apart() {
    let servers = interop::Servers::start(&["codev"]);
    let login = format!(
        "user = \"{}\"\npassword_file = \"password\"\nca_file = \"{}\"\n",
        servers.address("codev"),
        servers.ca.display()
    );
    let folder = house(&format!(
        "[mailbox]\naddress = \"{}\"\n[smtp]\nurl = \"smtps://localhost:{}\"\n{login}[imap]\nurl = \"imaps://localhost:{}\"\n{login}",
        servers.address("codev"),
        servers.submissions,
        servers.imaps
    ));
    std::fs::write(folder.path().join("password"), servers.password).unwrap();
    let postfix = servers.ca.parent().unwrap().parent().unwrap().join("postfix");
    let set = |line: &str| {
        let run = |program: &str, args: &[&str]| {
            let done = Command::new(program).arg("-c").arg(&postfix).args(args).output().unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        };
        run("postconf", &["-e", line]);
        run("postfix", &["reload"]);
        std::thread::sleep(std::time::Duration::from_secs(1));
    };
    assert!(learned(folder.path()).contains("write `plus = true`"), "{}", servers.log());
    let rewrites = postfix.join("rewrites");
    std::fs::write(&rewrites, "/^(codev)\\+[^@]*@(.*)$/ $1@$2\n").unwrap();
    set(&format!("canonical_maps = regexp:{}", rewrites.display()));
    let line = learned(folder.path());
    assert!(line.contains("its address is lost on the way"), "{line}\n{}", servers.log());
    set("canonical_maps =");
    set("recipient_delimiter =");
    let line = learned(folder.path());
    assert!(line.contains("is refused (55"), "{line}\n{}", servers.log());
}

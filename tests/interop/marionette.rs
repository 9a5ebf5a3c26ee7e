//! Thunderbird without a screen, driven by its own remote protocol (Marionette): what a member sees and presses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]
use super::Servers;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/thunderbird");

/// Whether Debian's package is there.
pub fn installed() -> bool {
    Command::new("thunderbird").arg("--version").stdout(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// A member's mail program with its own profile; ended when dropped.
pub struct Thunderbird {
    program: Child,
    wire: TcpStream,
    commands: u32,
    _home: tempfile::TempDir,
}

impl Thunderbird {
    /// Starts it for a user of these servers, logged in.
    pub fn start(servers: &Servers, user: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = std::fs::read_to_string(Path::new(SCRIPTS).join("user.js")).unwrap();
        let filled = [
            ("@MARIONETTE@", port.to_string()),
            ("@ADDRESS@", servers.address(user)),
            ("@IMAP@", servers.imap.to_string()),
            ("@SMTP@", servers.smtp.to_string()),
        ]
        .iter()
        .fold(settings, |text, (name, value)| text.replace(name, value));
        std::fs::write(home.path().join("user.js"), filled).unwrap();
        let program = Command::new("thunderbird")
            .args(["--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile"])
            .arg(home.path())
            .env("HOME", home.path())
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let wire = dial(port);
        wire.set_read_timeout(Some(Duration::from_secs(90))).unwrap();
        let mut thunderbird = Self { program, wire, commands: 0, _home: home };
        let hello = thunderbird.message();
        assert_eq!(hello["marionetteProtocol"], 3, "{hello}");
        thunderbird.command("WebDriver:NewSession", &json!({ "capabilities": {} }));
        thunderbird.command("Marionette:SetContext", &json!({ "value": "chrome" }));
        thunderbird.run("login", &[&servers.address(user), servers.password]);
        thunderbird
    }

    /// Runs one of the scripts beside this file with its arguments, and gives what it returns.
    pub fn run(&mut self, script: &str, args: &[&str]) -> Value {
        let read = |name: &str| std::fs::read_to_string(Path::new(SCRIPTS).join(name).with_extension("js")).unwrap();
        let text = format!(
            "const done = arguments[1]; const args = arguments[0];\n(async () => {{\n{}\n{}\n}})().then(done, (error) => done({{ error: `${{error}}` }}));",
            read("common"),
            read(script)
        );
        let params = json!({ "script": text, "args": [args], "newSandbox": true, "scriptTimeout": 80_000 });
        let value = self.command("WebDriver:ExecuteAsyncScript", &params)["value"].clone();
        assert!(value.get("error").is_none(), "{script}: {value}");
        value
    }

    /// `[0, number, name, parameters]`, answered by `[1, number, error, result]`, each with its length and a colon before.
    fn command(&mut self, name: &str, params: &Value) -> Value {
        self.commands += 1;
        let text = json!([0, self.commands, name, params]).to_string();
        write!(self.wire, "{}:{text}", text.len()).unwrap();
        let answer = self.message();
        assert!(answer[2].is_null(), "{name}: {}", answer[2]);
        answer[3].clone()
    }

    fn message(&mut self) -> Value {
        let mut length = 0usize;
        let mut byte = [0u8; 1];
        loop {
            self.wire.read_exact(&mut byte).expect("Thunderbird answers");
            match byte[0] {
                b':' => break,
                digit => length = length * 10 + usize::from(digit - b'0'),
            }
        }
        let mut text = vec![0; length];
        self.wire.read_exact(&mut text).unwrap();
        serde_json::from_slice(&text).unwrap()
    }
}

impl Drop for Thunderbird {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn dial(port: u16) -> TcpStream {
    let begin = Instant::now();
    loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(wire) => return wire,
            Err(error) => assert!(begin.elapsed() < Duration::from_secs(60), "Thunderbird does not start: {error}"),
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

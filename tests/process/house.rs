//! A folder with a configuration, the real daemon in it, and mail servers that fall silent.

use chrono::{DateTime, Utc};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const GROUP: &str = include_str!("../../config/group.example.toml");

/// What a command said.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        self
    }
}

/// The program: the one of these tests, or the one that `CODEVD_PROGRAM` names (a release build, to measure).
pub fn program() -> PathBuf {
    std::env::var_os("CODEVD_PROGRAM").map_or_else(
        || env!("CARGO_BIN_EXE_codevd").into(),
        |named| fs::canonicalize(named).expect("CODEVD_PROGRAM names a program"),
    )
}

pub struct House {
    folder: tempfile::TempDir,
}

impl House {
    /// Its mail server is nobody.
    pub fn new() -> Self {
        Self::with("smtp://127.0.0.1:9")
    }

    pub fn with(smtp: &str) -> Self {
        let house = Self { folder: tempfile::tempdir().unwrap() };
        let config = format!(
            "database = \"codevd.db\"\n[mailbox]\naddress = \"codev@example.org\"\n[smtp]\nurl = \"{smtp}\"\n[pace]\nper_minute = 6000\n"
        );
        fs::write(house.path("codevd.toml"), config).unwrap();
        fs::write(house.path("lyon.toml"), GROUP).unwrap();
        house
    }

    pub fn config(&self) -> String {
        fs::read_to_string(self.path("codevd.toml")).unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_remove("CODEVD_CONFIG").env_remove("NOTIFY_SOCKET").env("NO_COLOR", "1");
        command
    }

    pub fn run(&self, args: &[&str]) -> Said {
        let output = self.command(args).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    pub fn live(&self) {
        self.run(&["group", "apply", "lyon.toml", "--live", "--yes"]).ends(0);
    }

    /// Rows of the outbox in that state.
    pub fn outbox(&self, state: &str) -> u64 {
        let said = self.run(&["status", "--json"]).out;
        let status: serde_json::Value = serde_json::from_str(&said).unwrap();
        status["data"]["outbox"][state].as_u64().unwrap_or(0)
    }

    /// A daemon that is ready.
    pub fn daemon(&self, env: &[(&str, &str)], args: &[&str]) -> Daemon {
        let mut command = self.command(&[&["run"], args].concat());
        let mut child = command.envs(env.iter().copied()).stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let (tell, lines) = channel();
        std::thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        let mut daemon = Daemon { child, lines, log: String::new() };
        daemon.says("ready");
        daemon
    }
}

pub struct Daemon {
    child: Child,
    lines: Receiver<String>,
    pub log: String,
}

impl Daemon {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until its log says so.
    pub fn says(&mut self, word: &str) {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(60));
            let line = line.unwrap_or_else(|e| panic!("no {word:?} in the log ({e}): {}", self.log));
            self.log.push_str(&line);
            self.log.push('\n');
            if line.contains(word) {
                return;
            }
        }
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Asks it to stop as systemd does.
    pub fn ask_to_stop(&mut self) {
        self.signal("TERM");
        self.says("stopping");
    }

    /// Its exit code and its log, once it has ended.
    pub fn end(mut self) -> (i32, String) {
        let code = self.child.wait().unwrap().code().expect("an exit code, no signal");
        let rest: Vec<String> = self.lines.iter().collect();
        (code, std::mem::take(&mut self.log) + &rest.join("\n"))
    }

    pub fn stop(mut self) -> (i32, String) {
        self.ask_to_stop();
        self.end()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An SMTP server that answers well up to a command, and then no more.
pub struct Stuck {
    port: u16,
    reached: Receiver<DateTime<Utc>>,
}

impl Stuck {
    /// At the line that begins so; `.` is the end of a mail.
    pub fn at(stage: &'static str) -> Self {
        Self::new(Some(stage))
    }

    /// One that takes all it gets, and tells of each mail.
    pub fn never() -> Self {
        Self::new(None)
    }

    fn new(stage: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, reached) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let tell = tell.clone();
                std::thread::spawn(move || drop(talk(&stream, stage, &tell)));
            }
        });
        Self { port, reached }
    }

    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// When somebody got so far, each time since it was asked last.
    pub fn times(&self) -> Vec<DateTime<Utc>> {
        self.reached.try_iter().collect()
    }

    /// Waits until somebody got so far.
    pub fn is_stuck(&self) {
        self.reached.recv_timeout(Duration::from_secs(60)).expect("the daemon dials");
    }
}

fn talk(
    mut stream: &std::net::TcpStream,
    stage: Option<&str>,
    tell: &std::sync::mpsc::Sender<DateTime<Utc>>,
) -> std::io::Result<()> {
    stream.write_all(b"220 stuck.example ESMTP\r\n")?;
    let mut data = false;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        let is = |word: &str| line.to_ascii_uppercase().starts_with(word);
        let stuck = stage.is_some_and(|stage| if stage == "." { data && line == "." } else { !data && is(stage) });
        if stuck || (stage.is_none() && data && line == ".") {
            let _ = tell.send(Utc::now());
        }
        if stuck {
            // silent until the other side gives up
            continue;
        }
        let answer: &[u8] = match data {
            true if line != "." => continue,
            true => b"250 2.0.0 taken\r\n",
            false if is("EHLO") => b"250-stuck.example\r\n250 8BITMIME\r\n",
            false if is("DATA") => b"354 go on\r\n",
            false if is("QUIT") => b"221 bye\r\n",
            false => b"250 2.1.0 ok\r\n",
        };
        data = is("DATA") && !data || data && line != ".";
        stream.write_all(answer)?;
    }
    Ok(())
}

/// A number of `/proc/PID/status`, in kB.
pub fn kilobytes(pid: u32, key: &str) -> u64 {
    let status = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix(key)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

/// Processor time used so far, in hundredths of a second (proc(5), utime and stime).
pub fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// More waits for processors than there are (proc(5), loadavg).
pub fn is_busy() -> bool {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    let load: f64 = load.split(' ').next().unwrap().parse().unwrap();
    load > std::thread::available_parallelism().unwrap().get() as f64
}

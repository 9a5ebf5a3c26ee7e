//! What strace saw of the program: the writes and syncs of its files, and what it told others, in their order.

use super::post::message_id;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::process::Command;

/// The calls that change files, make them safe, or tell somebody.
const CALLS: &str = "openat,pwrite64,write,writev,sendto,sendmsg,ftruncate,fallocate,fdatasync,fsync,\
    rename,renameat,renameat2,unlink,unlinkat";

/// One thing that happened; files by their number, names below the house's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    Write {
        file: usize,
        at: u64,
        data: Vec<u8>,
    },
    Size {
        file: usize,
        len: u64,
    },
    /// What was written to the file before operation `from` is safe.
    Sync {
        file: usize,
        from: usize,
    },
    /// A name means that file from now on.
    Link {
        name: String,
        file: usize,
    },
    Unlink {
        name: String,
    },
    /// The names in the house's folder are safe as they were before operation `from`.
    SyncNames {
        from: usize,
    },
    /// Somebody was told.
    Told(Told),
    /// What has no part in this.
    Nothing,
}

/// What somebody was told, and may rely on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The mailbox: this mail was taken (the name of its file).
    Taken(String),
    /// The person at the terminal: the command was done.
    Done,
    /// The mail server: a mail comes.
    Dialled(String),
    /// The mail server: the final dot of a mail.
    Dot(String),
}

/// A whole recording.
#[derive(Debug, Default)]
pub struct Trace {
    pub ops: Vec<Op>,
    /// How many files there were.
    pub files: usize,
    names: HashMap<String, usize>,
    /// How long each file became.
    ends: HashMap<usize, u64>,
    /// Calls of a thread that began and did not end yet.
    open: HashMap<String, (String, usize)>,
    /// Where the process at hand wrote to the terminal.
    lines: Vec<usize>,
    /// What went out by each connection, with the operation it went out at.
    said: BTreeMap<String, Vec<(usize, Vec<u8>)>>,
}

/// The words in front of a command that watch it, its log in `log`.
pub fn watched(log: &Path, program: &Path) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-y", "-y", "-xx", "-s", "100000000", "--seccomp-bpf", "-o"]).arg(log);
    command.args(["-e", &format!("trace={CALLS}"), "--"]).arg(program);
    command
}

impl Trace {
    /// Adds what one process did; `folder` is the house's. The last that an order says is that it was done.
    pub fn add(&mut self, folder: &Path, log: &Path, order: bool) {
        let text = String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned();
        let folder = folder.to_str().unwrap();
        for line in text.lines() {
            let Some((thread, call)) = line.split_once(' ') else { continue };
            self.line(folder, thread, call.trim_start());
        }
        let said = std::mem::take(&mut self.lines);
        if let Some(last) = said.last().filter(|_| order) {
            self.ops[*last] = Op::Told(Told::Done);
        }
        assert!(self.open.is_empty(), "calls that never ended: {:?}", self.open.keys());
    }

    fn line(&mut self, folder: &str, thread: &str, call: &str) {
        if let Some(begun) = call.strip_suffix(" <unfinished ...>") {
            self.begin(folder, thread, begun);
        } else if call.starts_with("<... ") {
            let result = call.split_once("resumed>").map_or("", |(_, rest)| rest);
            self.end(folder, thread, result);
        } else if !call.starts_with("---") && !call.starts_with("+++") {
            let (begun, result) = call.rsplit_once(" = ").unwrap_or((call, ""));
            self.begin(folder, thread, begun.trim_end().strip_suffix(')').unwrap_or(begun));
            self.end(folder, thread, &format!(") = {result}"));
        }
    }

    /// Writes count from when they begin: that much may be on disk.
    fn begin(&mut self, folder: &str, thread: &str, begun: &str) {
        let (name, rest) = begun.split_once('(').unwrap_or((begun, ""));
        let call = Call { name, rest, folder };
        let at = self.ops.len();
        self.open.insert(thread.to_owned(), (begun.to_owned(), at));
        match name {
            "pwrite64" | "write" | "writev" | "sendto" | "sendmsg" => self.written(&call),
            "ftruncate" | "fallocate" => {
                if let Some(file) = call.file().and_then(|name| self.names.get(&name).copied()) {
                    let len = call.rest.rsplit(", ").next().and_then(|n| n.trim().parse().ok()).unwrap_or(0);
                    assert_eq!(name, "ftruncate", "not known here: {begun}");
                    self.ops.push(Op::Size { file, len });
                }
            }
            "openat" if call.rest.contains("O_CREAT") => self.made(&call),
            "rename" | "renameat" | "renameat2" => self.renamed(&call),
            "unlink" | "unlinkat" => {
                for name in call.paths().into_iter().filter(|n| kept(n)) {
                    if self.names.remove(&name).is_some() {
                        self.ops.push(Op::Unlink { name });
                    }
                }
            }
            _ => {}
        }
    }

    /// Syncs count from when they end, for what was written before they began.
    fn end(&mut self, folder: &str, thread: &str, result: &str) {
        let (begun, from) = self.open.remove(thread).expect("a call that began");
        let (name, rest) = begun.split_once('(').unwrap_or((&begun, ""));
        let worked = result.rsplit_once("= ").is_some_and(|(_, r)| r.trim().starts_with('0'));
        if !matches!(name, "fdatasync" | "fsync") || !worked {
            return;
        }
        let call = Call { name, rest, folder };
        if call.descriptor().as_deref() == Some(folder) {
            self.ops.push(Op::SyncNames { from });
        } else if let Some(file) = call.file().and_then(|name| self.names.get(&name).copied()) {
            self.ops.push(Op::Sync { file, from });
        }
    }

    fn written(&mut self, call: &Call<'_>) {
        let data = || call.strings().concat();
        if let Some(file) = call.file() {
            let Some(file) = self.names.get(&file).copied() else { return };
            let data = data();
            // what is not written at a place is written at the end: the key file, once
            let at = match call.name {
                "pwrite64" => call.rest.rsplit(", ").next().and_then(|n| n.trim().parse().ok()).expect("a place"),
                _ => self.ends.get(&file).copied().unwrap_or(0),
            };
            let end = self.ends.entry(file).or_insert(0);
            *end = (*end).max(at + data.len() as u64);
            self.ops.push(Op::Write { file, at, data });
        } else if call.rest.contains("<TCP:[") {
            let connection = call.rest.split('<').nth(1).unwrap_or_default().split('>').next().unwrap_or_default();
            let at = self.ops.len();
            self.said.entry(connection.to_owned()).or_default().push((at, data()));
            // its meaning is known once the whole conversation was seen
            self.ops.push(Op::Nothing);
        } else if call.rest.starts_with("1<") {
            self.lines.push(self.ops.len());
            self.ops.push(Op::Nothing);
        }
    }

    fn made(&mut self, call: &Call<'_>) {
        for name in call.paths().into_iter().filter(|n| kept(n)) {
            if !self.names.contains_key(&name) {
                let file = self.files;
                self.files += 1;
                self.names.insert(name.clone(), file);
                self.ops.push(Op::Link { name, file });
            }
        }
    }

    fn renamed(&mut self, call: &Call<'_>) {
        let paths = call.paths();
        let [from, to] = paths.as_slice() else { panic!("a rename of {paths:?}") };
        if let Some((_, mail)) = to.split_once(".Taken/cur/") {
            let mail = mail.split(":2,").next().unwrap_or(mail);
            self.ops.push(Op::Told(Told::Taken(mail.to_owned())));
        } else if let Some(file) = self.names.remove(from) {
            self.names.insert(to.clone(), file);
            self.ops.push(Op::Unlink { name: from.clone() });
            self.ops.push(Op::Link { name: to.clone(), file });
        }
    }

    /// Puts in what the mail server was told of which mail.
    pub fn finish(&mut self) {
        for chunks in std::mem::take(&mut self.said).into_values() {
            let whole: Vec<u8> = chunks.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect();
            let mut ends = Vec::new();
            let mut end = 0;
            for (op, bytes) in &chunks {
                end += bytes.len();
                ends.push((end, *op));
            }
            // the operation that brought the byte at this place
            let op_of = |place: usize| ends.iter().find(|(end, _)| place < *end).unwrap().1;
            let mut from = 0;
            while let Some(dial) = find(&whole, b"MAIL FROM", from) {
                let Some(data) = find(&whole, b"DATA\r\n", dial).map(|at| at + 6) else { break };
                let Some(dot) = find(&whole, b"\r\n.\r\n", data).map(|at| at + 4) else { break };
                let id = message_id(&whole[data..dot]);
                self.ops[op_of(dial)] = Op::Told(Told::Dialled(id.clone()));
                self.ops[op_of(dot)] = Op::Told(Told::Dot(id));
                from = dot;
            }
        }
    }

    /// The names of the mails the mailbox was told of.
    pub fn taken(&self) -> BTreeSet<String> {
        let taken = self.ops.iter().filter_map(|op| match op {
            Op::Told(Told::Taken(name)) => Some(name.clone()),
            _ => None,
        });
        taken.collect()
    }
}

fn find(whole: &[u8], what: &[u8], from: usize) -> Option<usize> {
    whole.get(from..)?.windows(what.len()).position(|w| w == what).map(|at| at + from)
}

/// What outlives a power cut and matters: not the shared memory, not the lock.
fn kept(name: &str) -> bool {
    name.starts_with("codevd.db") && !name.ends_with("-shm") && !name.ends_with(".lock")
}

/// Bytes as strace writes them: `\x4a\x4b`.
fn digits(hex: &str) -> Vec<u8> {
    hex.split("\\x").skip(1).map(|d| u8::from_str_radix(d, 16).expect("two digits")).collect()
}

struct Call<'a> {
    name: &'a str,
    rest: &'a str,
    folder: &'a str,
}

impl Call<'_> {
    /// The file that is written, by its name below the folder; nothing for others.
    fn file(&self) -> Option<String> {
        let path = self.descriptor()?;
        let name = path.strip_prefix(self.folder)?.trim_start_matches('/');
        kept(name).then(|| name.to_owned())
    }

    /// What the first argument, an open file, is.
    fn descriptor(&self) -> Option<String> {
        let hex = self.rest.split_once('<')?.1.split('>').next()?;
        String::from_utf8(digits(hex)).ok()
    }

    /// The texts among its arguments.
    fn strings(&self) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        let mut rest = self.rest;
        while let Some((_, after)) = rest.split_once('"') {
            let Some((hex, after)) = after.split_once('"') else { break };
            found.push(digits(hex));
            rest = after;
        }
        found
    }

    /// Its texts as names below the folder.
    fn paths(&self) -> Vec<String> {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let below = |path: String| {
            path.strip_prefix(self.folder).map_or(path.clone(), |p| p.trim_start_matches('/').to_owned())
        };
        self.strings().into_iter().map(text).map(below).collect()
    }
}

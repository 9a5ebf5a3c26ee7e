//! codevd.toml: the mailbox, the servers, the store and the folders of one instance.

use crate::config::error::{ConfigError, Place};
use crate::config::secret::SecretSource;
use crate::config::server::{Protocol, Security, Server};
use crate::config::table::{At, Document, Span, Table};
use crate::config::{read_text, values};
use crate::core::ids::{Email, Language};
use std::path::{Path, PathBuf};

mod keep;
mod lmtp;
mod operator;
mod pace;
mod sender_proof;
pub use keep::Keep;
pub use lmtp::LmtpListen;
pub use pace::Pace;

/// The mailbox codevd writes from and reads: its own, nobody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// Its address.
    pub address: Email,
    /// The name members see as the sender.
    pub name: String,
    /// The authserv-id of the mailbox's host, whose Authentication-Results are believed (RFC 8601); `outlook-none` for
    /// one that writes none.
    pub authserv_id: Option<String>,
    /// Whether codevd looks at signatures itself (DKIM), which asks name servers.
    pub check_signatures: bool,
    /// Mail to `local+anything@domain` arrives in it: `codevd check --learn-plus` tries that.
    pub plus: bool,
    /// Where the address stands in the file, for errors found later.
    pub at: Place,
}

/// How mail leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpConfig {
    /// The server.
    pub server: Server,
    /// User and password, if the server wants them.
    pub login: Option<Login>,
    /// Certificates to trust besides the usual ones: a PEM file.
    pub ca_file: Option<PathBuf>,
    /// Most connections at once; one of them is kept for live prompts.
    pub connections: u32,
}

/// How many connections at once where nothing is said: as many as the strictest of the large providers takes.
const CONNECTIONS: u32 = 3;

/// A user and where the password is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user's name at the server.
    pub user: String,
    /// Where the password is read.
    pub password: SecretSource,
}

/// How mail comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// By reading a mailbox.
    Imap(ImapConfig),
    /// From a Maildir that a mail server on this machine fills.
    Maildir {
        /// The folder that holds `new`, `cur` and `tmp`.
        path: PathBuf,
    },
    /// From the mail server of this machine, by LMTP.
    Lmtp(LmtpListen),
    /// Only by `codevd mail deliver`.
    None,
}

/// The mailbox to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImapConfig {
    /// The server.
    pub server: Server,
    /// User and password.
    pub login: Login,
    /// Certificates to trust besides the usual ones: a PEM file.
    pub ca_file: Option<PathBuf>,
    /// The mailbox's name, by default `INBOX`.
    pub mailbox: String,
    /// How a mail that was taken is told from a new one.
    pub taken: Taken,
    /// Where the provider keeps what left.
    pub sent: SentMailbox,
    /// Seconds between two looks where the server cannot tell of new mail by itself (RFC 2177).
    pub poll_seconds: u32,
}

/// Where the provider keeps what was sent: asked when nobody else knows whether a mail left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SentMailbox {
    /// The mailbox that the server marks as `\\Sent` (RFC 6154), if there is one.
    Marked,
    /// The one of this name.
    Named(String),
    /// Nowhere.
    None,
}

/// How a mail that codevd has taken is told from a new one. Nothing is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// By a keyword on the message (RFC 9051 §2.3.2).
    Keyword,
    /// By being moved to this mailbox.
    Folder(String),
}

/// How much the daemon says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// What went wrong.
    Error,
    /// And what may go wrong.
    Warn,
    /// And what is done.
    Info,
    /// And how.
    Debug,
    /// And every command of a connection, without passwords.
    Trace,
}

impl LogLevel {
    /// All of them, least first.
    pub const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// Its word in the file and in log filters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// All of codevd.toml. Paths are absolute, or relative to the working directory when the file's was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// How mail leaves.
    pub smtp: SmtpConfig,
    /// How mail comes in.
    pub incoming: Incoming,
    /// The one file of the store.
    pub database: PathBuf,
    /// A folder whose templates replace those of the binary, file by file.
    pub templates: Option<PathBuf>,
    /// A folder whose formats replace or complete those of the binary.
    pub formats: Option<PathBuf>,
    /// A folder whose word lists replace those of the binary, file by file.
    pub words: Option<PathBuf>,
    /// Who hosts this instance, as the first mail to a member says it.
    pub host: Option<String>,
    /// How fast mail leaves.
    pub pace: Pace,
    /// How long what people write is kept.
    pub keep: Keep,
    /// The control socket, if not beside the database.
    pub control: Option<PathBuf>,
    /// How much the daemon says.
    pub log: LogLevel,
    /// Who is told when something is wrong.
    pub operator: Option<Operator>,
}

/// Who is told when something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Their address, which is not the daemon's own.
    pub address: Email,
    /// The language they are told in.
    pub language: Language,
}

/// What a path of the file must be when the file is loaded.
enum Wanted {
    Folder,
    File,
    /// The folder in which the file will be made.
    Parent,
}

struct PathToCheck {
    key: &'static str,
    path: PathBuf,
    wanted: Wanted,
    span: Span,
}

/// Reads codevd.toml and checks that the folders and files it names are there. All errors at once.
pub fn load(path: &Path) -> Result<Config, Vec<ConfigError>> {
    let name = path.display().to_string();
    let text = read_text(path).map_err(|mut error| {
        if !path.exists() {
            error.remedy = Some("`codevd init` writes one; --config FILE names another".to_owned());
        }
        vec![*error]
    })?;
    let base = path.parent().unwrap_or(Path::new(""));
    read(&name, &text, base, true)
}

/// Reads the text of a codevd.toml: `file` is what errors call it, relative paths start at `base`.
/// Looks at nothing else.
pub fn config_from(file: &str, text: &str, base: &Path) -> Result<Config, Vec<ConfigError>> {
    read(file, text, base, false)
}

fn read(file: &str, text: &str, base: &Path, look: bool) -> Result<Config, Vec<ConfigError>> {
    let (doc, table) = Document::parse(file, text, "codevd.toml", Some(&SHOWN));
    let mut reader = Reader { doc: &doc, base, paths: Vec::new(), nameless: None };
    let config = reader.config(Table::root(&doc, &table));
    if look {
        reader.paths.iter().for_each(|p| exists(&doc, p));
    }
    doc.finish()?;
    // without an error every part is there
    config.ok_or_else(Vec::new)
}

fn exists(doc: &Document, PathToCheck { key, path, wanted, span }: &PathToCheck) {
    let shown = path.display();
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let secret = key.starts_with("password");
    let (found, expected) = match wanted {
        // a password written by mistake for its file's name is not repeated
        Wanted::File if secret && !path.is_file() => {
            (format!("`{key}`: there is no such file in {}", parent.display()), "a file that exists")
        }
        Wanted::Folder if !path.is_dir() => (format!("`{key}`: there is no folder {shown}"), "a folder that exists"),
        Wanted::File if !path.is_file() => (format!("`{key}`: there is no file {shown}"), "a file that exists"),
        Wanted::Parent if !parent.is_dir() => {
            (format!("`{key}`: there is no folder {}", parent.display()), "a file in a folder that exists")
        }
        _ => return,
    };
    doc.wrong(span, found, expected, Some("relative paths start at the folder of codevd.toml".to_owned()));
}

/// Keys of the parts, for those written in the wrong place.
const ELSEWHERE: [(&str, &[&str]); 6] = [
    ("in [mailbox]", &["address", "name", "plus", "authserv_id", "check_signatures"]),
    ("in [smtp] or [imap]", &["url", "user", "password_file", "password_env", "password_credential", "ca_file"]),
    ("in [smtp]", &["connections"]),
    ("in [imap]", &["poll_seconds", "taken", "sent"]),
    ("in [pace]", pace::KEYS),
    ("in [keep]", keep::KEYS),
];

/// The keys that say where a password is.
const PASSWORDS: [&str; 3] = ["password_file", "password_env", "password_credential"];

/// The keys whose lines an error shows; any other line may hold a password.
const SHOWN: [&str; 34] = [
    "language",
    "authserv_id",
    "check_signatures",
    "plus",
    "listen",
    "mode",
    "lmtp",
    "database",
    "host",
    "templates",
    "formats",
    "words",
    "control",
    "log",
    "address",
    "name",
    "url",
    "user",
    "ca_file",
    "connections",
    "mailbox",
    "taken",
    "sent",
    "poll_seconds",
    "path",
    "per_minute",
    "per_hour",
    "per_day",
    "unforeseen",
    "keep",
    "mails_days",
    "words_months",
    "smtp",
    "imap",
];

struct Reader<'a> {
    doc: &'a Document<'a>,
    base: &'a Path,
    paths: Vec<PathToCheck>,
    /// Where `authserv_id` says that the mailbox's host writes none.
    nameless: Option<Span>,
}

impl<'a> Reader<'a> {
    fn config(&mut self, mut root: Table<'a>) -> Option<Config> {
        let mailbox = self.part(&mut root, "mailbox", "[mailbox] with address = \"…\"", Self::mailbox);
        let smtp = self.part(&mut root, "smtp", "[smtp] with url = \"smtps://host:465\"", Self::smtp);
        let incoming = self.incoming(&mut root);
        self.nameless_host(&incoming);
        let database = match root.has("database") {
            true => self.path(&mut root, "database", Wanted::Parent),
            false => root.required("database", "the store's file, such as \"codevd.db\"").map(|_| PathBuf::new()),
        };
        let templates = self.path(&mut root, "templates", Wanted::Folder);
        let formats = self.path(&mut root, "formats", Wanted::Folder);
        let words = self.path(&mut root, "words", Wanted::Folder);
        let host = root.line("host").map(|at| at.value);
        let keep = root.table("keep").map_or_else(Keep::default, keep::read);
        let pace = root.table("pace").map_or_else(Pace::default, |table| pace::read(self.doc, table));
        let control = self.path(&mut root, "control", Wanted::Parent);
        let log = log_level(&mut root);
        let operator = root.table("operator").map(|table| operator::read(self.doc, table));
        root.finish(&ELSEWHERE);
        let (mailbox, smtp, database, operator) = (mailbox?, smtp?, database?, operator.flatten());
        Some(Config {
            mailbox,
            smtp,
            incoming,
            database,
            templates,
            formats,
            words,
            host,
            pace,
            keep,
            control,
            log,
            operator,
        })
    }

    fn part<T>(
        &mut self,
        root: &mut Table<'a>,
        key: &'static str,
        expected: &str,
        read: fn(&mut Self, &mut Table<'a>) -> Option<T>,
    ) -> Option<T> {
        if !root.has(key) {
            root.missing(key, expected);
        }
        let mut table = root.table(key)?;
        let found = read(self, &mut table);
        table.finish(&[("above the first [part]", &["database", "templates", "formats", "words", "control", "log"])]);
        found
    }

    fn path(&mut self, table: &mut Table<'a>, key: &'static str, wanted: Wanted) -> Option<PathBuf> {
        let at = table.text(key)?;
        self.path_at(at, key, wanted)
    }

    fn path_at(&mut self, at: At<&'a str>, key: &'static str, wanted: Wanted) -> Option<PathBuf> {
        let At { value, span } = at;
        if value.trim().is_empty() || value.contains('\0') {
            self.doc.wrong(&span, format!("`{key}` is no path"), "a path, relative to this file or absolute", None);
            return None;
        }
        if value.starts_with("~/") || value.starts_with('$') {
            let expected = "a path, relative to this file or absolute";
            self.doc.wrong(&span, format!("`{key}`: nothing replaces the ~ or $ of {value:?}"), expected, None);
            return None;
        }
        let path = self.base.join(value);
        self.paths.push(PathToCheck { key, path: path.clone(), wanted, span });
        Some(path)
    }

    fn mailbox(&mut self, table: &mut Table<'a>) -> Option<Mailbox> {
        let name = table.line("name").map_or_else(|| "Codev".to_owned(), |at| at.value);
        let address = table.required("address", "the address codevd writes from, such as \"codev@example.org\"")?;
        let authserv_id = self.authserv_id(table);
        let check_signatures = table.flag("check_signatures").is_some_and(|at| at.value);
        let at = self.doc.source.place(&address.span);
        let plus = table.flag("plus");
        let address = values::email(self.doc, address)?.value;
        let local = address.as_str().split('@').next().unwrap_or_default();
        if let Some(plus) = plus.as_ref().filter(|plus| plus.value && (local.len() > 31 || local.contains('+'))) {
            let expected = "a name of at most 31 characters without + before the @, or plus = false";
            self.doc.wrong(&plus.span, format!("`plus`: {address} has no room for + and a token"), expected, None);
        }
        Some(Mailbox { address, name, authserv_id, check_signatures, plus: plus.is_some_and(|plus| plus.value), at })
    }

    fn smtp(&mut self, table: &mut Table<'a>) -> Option<SmtpConfig> {
        let server = self.server(table, Protocol::Smtp);
        let login = self.login(table);
        let ca_file = self.ca_file(table, server.as_ref());
        let connections =
            table.number("connections", 1..=20, "of connections at once").map_or(CONNECTIONS, |at| at.value);
        Some(SmtpConfig { server: server?.value, login, ca_file, connections })
    }

    fn server(&mut self, table: &mut Table<'a>, protocol: Protocol) -> Option<At<Server>> {
        let example = if protocol == Protocol::Smtp { "smtps://host:465" } else { "imaps://host:993" };
        let At { value, span } = table.required("url", &format!("the server, such as \"{example}\""))?;
        match Server::parse(value, protocol) {
            Ok(value) => Some(At { value, span }),
            Err(bad) => {
                self.doc.wrong(&span, bad.found, &bad.expected, bad.remedy);
                None
            }
        }
    }

    fn ca_file(&mut self, table: &mut Table<'a>, server: Option<&At<Server>>) -> Option<PathBuf> {
        let span = table.key_span("ca_file");
        let path = self.path(table, "ca_file", Wanted::File)?;
        if server.is_some_and(|s| s.value.security == Security::Plain) {
            let found = "`ca_file` is of no use for a connection in the clear";
            self.doc.wrong(&span?, found, "ca_file only with TLS", None);
        }
        Some(path)
    }

    /// User and password; one without the other is an error.
    fn login(&mut self, table: &mut Table<'a>) -> Option<Login> {
        let in_file = refuse_password(table);
        let no_user = !table.has("user");
        let no_password = !PASSWORDS.iter().any(|key| table.has(key) || table.meant(key));
        let user = table.line("user");
        let password = self.password(table);
        match (user, password) {
            (Some(user), Some(password)) => Some(Login { user: user.value, password: password.value }),
            (Some(user), None) if no_password && !in_file && !self.doc.is_torn() => {
                let expected = "password_file = \"…\", password_env = \"…\" or password_credential = \"…\" beside it";
                self.doc.wrong(&user.span, "`user` without a password", expected, None);
                None
            }
            (None, Some(password)) if no_user => {
                self.doc.wrong(&password.span, "a password without a user", "user = \"…\" beside it", None);
                None
            }
            _ => None,
        }
    }

    /// Where the password is. Errors stand at the key: the value may be the password itself.
    fn password(&mut self, table: &mut Table<'a>) -> Option<At<SecretSource>> {
        let spans = PASSWORDS.map(|key| table.key_span(key));
        let file = self.path(table, "password_file", Wanted::File).map(SecretSource::File);
        let env = self.name(table, "password_env", "the name of an environment variable").map(SecretSource::Env);
        let credential = self.name(table, "password_credential", "the name of a systemd credential");
        let sources = [file, env, credential.map(SecretSource::Credential)];
        let all = sources.into_iter().zip(spans).filter_map(|(value, span)| Some(At { value: value?, span: span? }));
        let mut all: Vec<_> = all.collect();
        if let Some(second) = all.get(1) {
            let expected = format!("one of {}", PASSWORDS.join(", "));
            self.doc.wrong(&second.span, "this password has two sources", &expected, None);
        }
        (!all.is_empty()).then(|| all.swap_remove(0))
    }

    /// A name of letters, digits, `_`, `-` and `.`.
    fn name(&self, table: &mut Table<'a>, key: &'static str, expected: &str) -> Option<String> {
        let span = table.key_span(key);
        let At { value, .. } = table.text(key)?;
        let span = span?;
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if !value.is_empty() && value.len() <= 64 && value.chars().all(fits) && !value.starts_with('.') {
            return Some(value.to_owned());
        }
        self.doc.wrong(&span, format!("`{key}` is no name"), expected, None);
        None
    }

    fn incoming(&mut self, root: &mut Table<'a>) -> Incoming {
        let ways: Vec<_> = ["imap", "maildir", "lmtp"].into_iter().filter(|way| root.has(way)).collect();
        if let [first, .., second] = ways[..]
            && let Some(span) = root.key_span(second)
        {
            self.doc.wrong(&span, format!("both [{first}] and [{second}]"), "one of the two", None);
        }
        let imap = root.table("imap").map(|mut table| {
            let imap = self.imap(&mut table);
            table.finish(&[(
                "above the first [part]",
                &["database", "templates", "formats", "words", "control", "log"],
            )]);
            imap.map_or(Incoming::None, Incoming::Imap)
        });
        let maildir = root.table("maildir").map(|mut table| {
            let path = match table.has("path") {
                true => self.path(&mut table, "path", Wanted::Folder),
                false => table.required("path", "the Maildir's folder").map(|_| PathBuf::new()),
            };
            table.finish(&[]);
            path.map_or(Incoming::None, |path| Incoming::Maildir { path })
        });
        let lmtp = root.table("lmtp").map(|mut table| {
            let listen = self.lmtp(&mut table);
            table.finish(&[]);
            listen.map_or(Incoming::None, Incoming::Lmtp)
        });
        imap.or(maildir).or(lmtp).unwrap_or(Incoming::None)
    }

    fn imap(&mut self, table: &mut Table<'a>) -> Option<ImapConfig> {
        let server = self.server(table, Protocol::Imap);
        let wanted = ["user", "password_file", "password_env", "password_credential", "password"];
        if !wanted.iter().any(|key| table.has(key)) {
            table.missing("user", "user = \"…\" and password_file = \"…\"");
        }
        let login = self.login(table);
        let ca_file = self.ca_file(table, server.as_ref());
        let mailbox = table.line("mailbox").map_or_else(|| "INBOX".to_owned(), |at| at.value);
        let taken = self.taken(table, &mailbox);
        let sent = match table.line("sent").map(|at| at.value) {
            None => SentMailbox::Marked,
            Some(name) if name == "none" => SentMailbox::None,
            Some(name) => SentMailbox::Named(name),
        };
        let poll_seconds = table.number("poll_seconds", 5..=3600, "of seconds").map_or(60, |at| at.value);
        Some(ImapConfig { server: server?.value, login: login?, ca_file, mailbox, taken: taken?, sent, poll_seconds })
    }

    fn taken(&self, table: &mut Table<'a>, mailbox: &str) -> Option<Taken> {
        let Some(At { value, span }) = table.line("taken") else {
            return Some(Taken::Keyword);
        };
        let expected = "\"keyword\" or \"folder:NAME\"";
        let (found, remedy) = match value.split_once(':').map(|(kind, name)| (kind.trim(), name.trim())) {
            None if value == "keyword" => return Some(Taken::Keyword),
            Some(("folder", "")) => ("`taken` names no folder".to_owned(), None),
            Some(("folder", name)) if name.eq_ignore_ascii_case(mailbox) => {
                (format!("`taken` moves mail to {name}, the mailbox it is read from"), None)
            }
            Some(("folder", name)) => return Some(Taken::Folder(name.to_owned())),
            _ => {
                let folder = !["flag", "seen", "keywords", "label"].contains(&value.to_lowercase().as_str());
                let right = if folder { format!("folder:{value}") } else { "keyword".to_owned() };
                (format!("`taken` is {value:?}"), Some(format!("did you mean \"{right}\"?")))
            }
        };
        self.doc.wrong(&span, found, expected, remedy);
        None
    }
}

/// Refuses a password in the file itself, which is not shown; says whether there was one.
fn refuse_password(table: &mut Table) -> bool {
    let mut refused = false;
    for key in ["password", "passwd", "pass", "secret"] {
        if let Some(span) = table.take_unread(key) {
            let remedy = "put it alone in a file that only codevd's user can read, and write password_file = \"…\"; change it if this file was shared";
            let found = format!("`{key}` holds a password, which never stands in this file");
            table.doc.wrong(&span, found, "", Some(remedy.to_owned()));
            refused = true;
        }
    }
    refused
}

fn log_level(root: &mut Table) -> LogLevel {
    let Some(at) = root.text("log") else { return LogLevel::Info };
    let names = LogLevel::ALL.map(LogLevel::name);
    let word = at.value.trim().to_lowercase();
    LogLevel::ALL.into_iter().find(|l| l.name() == word).unwrap_or_else(|| {
        let near =
            if word == "warning" { Some("warn") } else { crate::config::nearest::nearest(&word, names.into_iter()) };
        let hint = near.map(|n| format!("did you mean \"{n}\"?"));
        root.doc.wrong(&at.span, format!("`log` is {:?}", at.value), &format!("one of {}", names.join(", ")), hint);
        LogLevel::Info
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const EXAMPLE: &str = include_str!("../../config/codevd.example.toml");

    #[test]
    fn the_example_says_what_it_says() {
        let config = config_from("codevd.toml", EXAMPLE, Path::new("/etc/codevd")).unwrap();
        assert_eq!(config.mailbox.address.as_str(), "codev@example.org");
        assert_eq!(config.database, Path::new("/etc/codevd/codevd.db"));
        assert_eq!((config.smtp.server.port, config.smtp.server.security), (465, Security::Tls));
        let login = config.smtp.login.unwrap();
        assert_eq!(login.password, SecretSource::File("/etc/codevd/smtp.password".into()));
        let Incoming::Imap(imap) = config.incoming else { unreachable!("the example reads by IMAP") };
        assert_eq!((imap.mailbox.as_str(), imap.taken, imap.poll_seconds), ("INBOX", Taken::Keyword, 60));
        assert_eq!((config.pace.per_minute, config.log, config.control), (30, LogLevel::Info, None));
    }

    #[test]
    fn what_is_named_must_be_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("codevd.toml");
        let missing = load(&path).unwrap_err();
        assert!(missing[0].to_string().contains("codevd init"), "{}", missing[0]);
        std::fs::write(&path, EXAMPLE.replace("# templates", "templates").replace("codevd.db", "none/codevd.db"))
            .unwrap();
        let errors = load(&path).unwrap_err();
        let found: Vec<_> = errors.iter().map(|e| e.found.split(':').next().unwrap()).collect();
        assert_eq!(found, ["`database`", "`templates`", "`password_file`", "`password_file`"]);
        assert!(errors.iter().all(|e| e.at.line > 0 && !e.to_string().contains(".password")));
        for file in ["smtp.password", "imap.password"] {
            std::fs::write(dir.path().join(file), "x").unwrap();
        }
        std::fs::write(&path, EXAMPLE).unwrap();
        assert_eq!(load(&path).unwrap().database, dir.path().join("codevd.db"));
    }

    #[test]
    fn bytes_that_are_no_text_are_told_with_their_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("codevd.toml");
        std::fs::write(&path, b"database = \"x\"\nhost = \"Caf\xe9\"\n").unwrap();
        let errors = load(&path).unwrap_err();
        assert!(errors[0].to_string().contains("codevd.toml:2:12: a byte that is no UTF-8"), "{}", errors[0]);
        std::fs::write(&path, vec![b'#'; super::super::MOST_BYTES + 1]).unwrap();
        assert!(load(&path).unwrap_err()[0].to_string().contains("at most 1 MiB"));
    }

    #[test]
    fn without_imap_or_maildir_mail_comes_by_deliver_alone() {
        let read = |more: &str| {
            let text = format!(
                "database = \"/x/y.db\"\n[mailbox]\naddress = \"c@x.org\"\n[smtp]\nurl = \"smtp://127.0.0.1\"\n{more}"
            );
            config_from("codevd.toml", &text, Path::new("")).unwrap()
        };
        assert_eq!((read("").incoming, read("").smtp.login), (Incoming::None, None));
        assert_eq!(read("[maildir]\npath = \"/m\"\n").incoming, Incoming::Maildir { path: "/m".into() });
        let imap = "[imap]\nurl = \"imaps://h\"\nuser = \"u\"\npassword_env = \"P\"\ntaken = \"folder: Codev/taken\"\n";
        let Incoming::Imap(imap) = read(imap).incoming else { unreachable!("IMAP was asked for") };
        assert_eq!(
            (imap.taken, imap.login.password),
            (Taken::Folder("Codev/taken".into()), SecretSource::Env("P".into()))
        );
    }
}

//! The house as codevd.toml describes it: store, key, templates, words, mail servers.

use super::failure::{Failure, Result};
use crate::config::{self, Config, Defaults, Incoming, SecretSource, Security as ConfiguredSecurity};
use crate::core::{Formats, Language};
use crate::daemon::edge::{self, Mailbox, RandomIds, SentBox, SystemClock};
use crate::daemon::ports::Clock;
use crate::daemon::{Engine, Kit, Prover, Sender, control, shared};
use crate::mail::{Believed, Key};
use crate::render::{Mistake, RenderError, Renderer};
use crate::store::{self, Reader, Store, StoreError};
use crate::transport::imap::SentFolder;
use crate::transport::{Imap, ImapSettings, Lmtp, Maildir, Secret, Security, Smtp, SmtpSettings, Timeouts, imap, lmtp};
use crate::words::Words;
use crate::words::learned::Learned;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the configuration is looked for when none is named.
const USUAL: [&str; 2] = ["codevd.toml", "/etc/codevd/codevd.toml"];
/// Time between two looks into a Maildir.
const MAILDIR_LOOKS: Duration = Duration::from_secs(5);

/// A configuration that was read, and where.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Its file.
    pub file: PathBuf,
    /// What it says.
    pub config: Config,
}

/// The configuration file: the one named, or the first usual one that is there.
///
/// # Errors
/// None is there.
pub fn find(named: Option<&Path>) -> Result<PathBuf> {
    match named {
        Some(path) => Ok(path.to_owned()),
        None => USUAL.iter().map(PathBuf::from).find(|p| p.exists()).ok_or_else(|| {
            let text = "no configuration: neither ./codevd.toml nor /etc/codevd/codevd.toml is there. \
                `codevd init` writes one; --config PATH names another";
            Failure::because(text)
        }),
    }
}

impl Setup {
    /// Reads the configuration.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn load(named: Option<&Path>) -> Result<Self> {
        let file = find(named)?;
        let config = config::load(&file).map_err(Failure::Files)?;
        Ok(Self { file, config })
    }

    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        SystemClock.now()
    }

    /// Session formats.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn formats(&self) -> Result<Formats> {
        config::formats(self.config.formats.as_deref()).map_err(Failure::Files)
    }

    /// Templates, those of the configured folder in place of the binary's.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn renderer(&self) -> Result<Renderer> {
        let own = self.own_templates()?;
        Renderer::with_overrides(own.clone()).map_err(|error| self.told_of(error, &own))
    }

    /// The files of the configured folder of templates, as (path under it, content).
    ///
    /// # Errors
    /// A folder that can't be read.
    pub fn own_templates(&self) -> Result<Vec<(String, String)>> {
        self.config.templates.as_deref().map_or_else(|| Ok(Vec::new()), files_of)
    }

    /// Mistakes in templates, those in files of the configured folder with its name.
    pub fn told_of(&self, error: RenderError, own: &[(String, String)]) -> Failure {
        let (RenderError::Templates(mistakes), Some(folder)) = (&error, &self.config.templates) else {
            return error.into();
        };
        let told = |mistake: &Mistake| {
            let text = mistake.to_string();
            match own.iter().any(|(path, _)| *path == mistake.file) {
                true => text.replacen("templates", &folder.display().to_string(), 1),
                false => text,
            }
        };
        Failure::because(mistakes.iter().map(told).collect::<Vec<_>>().join("\n"))
    }

    /// Who finds out whom a mail is from, as `[mailbox]` says.
    ///
    /// # Errors
    /// Signatures are to be checked and no name server can be asked.
    pub fn prover(&self) -> Result<Prover> {
        let mailbox = &self.config.mailbox;
        let believed = mailbox.authserv_id.as_deref().map(Believed::parse);
        let prover = Prover::new(believed, mailbox.check_signatures);
        let prover = prover.map_err(|why| Failure::because(why.to_string()))?;
        Ok(prover.of_a_mailbox(matches!(self.config.incoming, Incoming::Imap(_))))
    }

    /// Word lists, those of the configured folder in place of the binary's.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn words(&self) -> Result<Words> {
        let Some(folder) = &self.config.words else { return Ok(Words::embedded()?) };
        let mut texts: Vec<(Language, String)> = Vec::new();
        for (path, text) in Renderer::embedded_files().into_iter().chain(files_of(folder)?) {
            let language = path.strip_suffix("/words.toml").or_else(|| path.strip_suffix(".toml"));
            let Some(language) = language.and_then(|l| l.parse::<Language>().ok()) else { continue };
            texts.retain(|(known, _)| *known != language);
            texts.push((language, text));
        }
        let texts: Vec<_> = texts.iter().map(|(language, text)| (language.clone(), text.as_str())).collect();
        Ok(Words::parse(&texts)?.taught(Learned::embedded()?))
    }

    /// What a group file need not say.
    ///
    /// # Errors
    /// A folder of templates that can't be read.
    pub fn defaults(&self) -> Result<Defaults> {
        let own = self.config.templates.as_deref().map_or_else(|| Ok(Vec::new()), files_of)?;
        let files = Renderer::embedded_files().into_iter().chain(own);
        let mut languages: Vec<Language> =
            files.filter_map(|(path, _)| path.strip_suffix("/locale.toml").and_then(|l| l.parse().ok())).collect();
        languages.sort();
        languages.dedup();
        Ok(Defaults { languages, host: self.config.host.clone(), ..Defaults::default() })
    }

    /// Looks into the database; `None` where there is none yet.
    ///
    /// # Errors
    /// It can't be read.
    pub fn reader_if_any(&self) -> Result<Option<Reader>> {
        let file = &self.config.database;
        store::not_gone(file)?;
        // an empty file is what SQLite makes before its first write
        if std::fs::metadata(file).map_or(true, |m| m.len() == 0) {
            return Ok(None);
        }
        match Reader::open(file) {
            // a first start that was killed: nothing was written yet
            Err(StoreError::Older { found: 0, .. }) => Ok(None),
            opened => Ok(Some(opened?)),
        }
    }

    /// Looks into the database.
    ///
    /// # Errors
    /// There is none, or it can't be read.
    pub fn reader(&self) -> Result<Reader> {
        let missing = || {
            let file = self.config.database.display();
            Failure::because(format!("no database at {file} yet: `codevd group apply FILE` makes it"))
        };
        self.reader_if_any()?.ok_or_else(missing)
    }

    /// What a group's next due time is derived by: this program, its zone data, the formats.
    ///
    /// # Errors
    /// All that is wrong with the formats.
    pub fn derivation(&self) -> Result<String> {
        let formats = Sha256::digest(format!("{:?}", self.formats()?));
        let formats: String = formats.iter().take(6).map(|b| format!("{b:02x}")).collect();
        Ok(format!("codevd {}, zones {}, formats {formats}", env!("CARGO_PKG_VERSION"), chrono_tz::IANA_TZDB_VERSION))
    }

    /// Opens the database for writing, and makes it where there is none.
    ///
    /// # Errors
    /// It can't be written, or is gone though its keys are there.
    pub fn store(&self) -> Result<Store> {
        let mut store = Store::open(&self.config.database)?;
        store.deriving(self.derivation()?);
        Ok(store)
    }

    /// The engine on this store. Whoever makes it holds the lock.
    ///
    /// # Errors
    /// Templates, words, formats or the key file.
    pub fn engine(&self, store: Store) -> Result<Engine<RandomIds>> {
        let used = store.wrote()?;
        let key = edge::read_or_make_key(&edge::key_file(&self.config.database), used)?;
        let kit = self.kit(key)?;
        Ok(Engine::new(kit, shared(store), RandomIds))
    }

    fn kit(&self, key: Key) -> Result<Kit> {
        Ok(Kit {
            renderer: self.renderer()?,
            words: self.words()?,
            formats: self.formats()?,
            key,
            sender: self.sender(),
        })
    }

    /// Who writes.
    pub fn sender(&self) -> Sender {
        let mailbox = &self.config.mailbox;
        Sender { name: mailbox.name.clone(), address: mailbox.address.clone(), plus: mailbox.plus }
    }

    /// Where the control socket lies.
    pub fn socket(&self) -> PathBuf {
        self.config.control.clone().unwrap_or_else(|| control::socket_file(&self.config.database))
    }

    /// The way out. Nothing is dialled yet.
    ///
    /// # Errors
    /// A password that can't be read, settings that can't work.
    pub fn smtp(&self) -> Result<Smtp> {
        let smtp = &self.config.smtp;
        let login = smtp.login.as_ref().map(|l| Ok::<_, Failure>((l.user.clone(), password(&l.password)?)));
        let sender = self.sender();
        Ok(Smtp::new(SmtpSettings {
            host: smtp.server.host.clone(),
            port: smtp.server.port,
            security: security(smtp.server.security),
            login: login.transpose()?,
            hello_name: sender.domain().to_owned(),
            ca: smtp.ca_file.clone(),
            timeouts: Timeouts::default(),
        })?)
    }

    /// The mailbox. Nothing is dialled yet.
    ///
    /// # Errors
    /// A password or folder that can't be read, settings that can't work.
    pub fn mailbox(&self) -> Result<Mailbox> {
        Ok(match (self.imap()?, &self.config.incoming) {
            (Some(settings), _) => Mailbox::Imap(Box::new(Imap::offline(settings)?)),
            (None, Incoming::Maildir { path }) => Mailbox::Maildir(Maildir::open(path)?, MAILDIR_LOOKS),
            (None, Incoming::Lmtp(listen)) => Mailbox::Lmtp(Box::new(self.lmtp(listen)?)),
            (None, _) => Mailbox::None,
        })
    }

    /// Where what left is kept. Nothing is dialled yet.
    ///
    /// # Errors
    /// As [`Self::mailbox`].
    pub fn sent_box(&self) -> Result<SentBox> {
        let name = match &self.config.incoming {
            Incoming::Imap(imap) => match &imap.sent {
                config::SentMailbox::Marked => None,
                config::SentMailbox::Named(name) => Some(name.clone()),
                config::SentMailbox::None => return Ok(SentBox::None),
            },
            _ => return Ok(SentBox::None),
        };
        Ok(match self.imap()? {
            Some(settings) => SentBox::Imap(Box::new(SentFolder::new(settings, name)?)),
            None => SentBox::None,
        })
    }

    fn lmtp(&self, listen: &config::LmtpListen) -> Result<Lmtp> {
        let sender = self.sender();
        let terms = lmtp::Terms {
            name: sender.domain().to_owned(),
            address: sender.address.to_string(),
            max_bytes: control::MAX_MAIL,
        };
        let listen = match listen {
            config::LmtpListen::Socket(path, mode) => lmtp::Listen::Socket(path.clone(), *mode),
            config::LmtpListen::Port(at) => lmtp::Listen::Port(*at),
        };
        Ok(Lmtp::bind(listen, terms)?)
    }

    /// How to read the mailbox by IMAP, if that is how.
    ///
    /// # Errors
    /// A password that can't be read.
    pub fn imap(&self) -> Result<Option<ImapSettings>> {
        let Incoming::Imap(imap) = &self.config.incoming else { return Ok(None) };
        let mut settings = ImapSettings::new(&imap.server.host, &imap.login.user, password(&imap.login.password)?);
        settings.port = imap.server.port;
        settings.security = security(imap.server.security);
        settings.mailbox = imap.mailbox.clone();
        if let config::Taken::Folder(folder) = &imap.taken {
            settings.taken = imap::Taken::Folder(folder.clone());
        }
        settings.ca = imap.ca_file.clone();
        settings.poll = Duration::from_secs(imap.poll_seconds.into());
        Ok(Some(settings))
    }
}

fn security(configured: ConfiguredSecurity) -> Security {
    match configured {
        ConfiguredSecurity::Tls => Security::Implicit,
        ConfiguredSecurity::StartTls => Security::StartTls,
        ConfiguredSecurity::Plain => Security::Plain,
    }
}

fn password(source: &SecretSource) -> Result<Secret> {
    #[allow(clippy::disallowed_methods)] // an edge: password_env and systemd's credentials
    let env = |name: &str| std::env::var(name).ok();
    let found = config::secret(source, &env)?;
    Ok(Secret::new(found.reveal()))
}

/// The text files of a folder and the folders in it, as (path with `/`, content).
fn files_of(folder: &Path) -> Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    let told = |path: &Path, error: std::io::Error| Failure::because(format!("{}: {error}", path.display()));
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).map_err(|e| told(&next, e))? {
            let path = entry.map_err(|e| told(&next, e))?.path();
            let hidden = path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
            match path.is_dir() {
                _ if hidden => {}
                true => folders.push(path),
                false => {
                    let text = std::fs::read_to_string(&path).map_err(|e| told(&path, e))?;
                    let inner = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                    files.push((inner, text));
                }
            }
        }
    }
    files.sort();
    Ok(files)
}

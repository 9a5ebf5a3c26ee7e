//! Fetching from a mailbox by IMAP (RFC 9051): whatever is not marked as taken, size first, never more than the cap;
//! marking by a keyword or by moving. Nothing is deleted and `\Seen` is left to people.
mod gate;
mod sent;
mod session;

pub use sent::SentFolder;

use super::tls::{Dialer, Stream, within};
use super::{Fetched, Secret, Security, TransportError};
use async_imap::Client;
use async_imap::error::Error;
use gate::Gated;
use session::{Login, Open, Suspects, greeting, is_lost, keeps, timed};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The usual ports, for remedies: implicit TLS and STARTTLS (RFC 8314).
const PORTS: (u16, u16) = (993, 143);
/// IDLE is given up and begun anew before servers log an idle client off (RFC 2177: 29 minutes).
const IDLE: Duration = Duration::from_secs(28 * 60);

/// How a mail is marked as taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// A keyword on the mail, which stays where it is: `$codevd`.
    Keyword(String),
    /// The mail is moved to this folder, which is made where it is missing.
    Folder(String),
}

/// Where mail is fetched, and how it is marked.
#[derive(Clone, Debug)]
pub struct ImapSettings {
    /// The server's name, as its certificate bears it.
    pub host: String,
    /// 993 for implicit TLS, 143 for STARTTLS.
    pub port: u16,
    /// How the connection is kept from listeners.
    pub security: Security,
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
    /// The mailbox to read: `INBOX`.
    pub mailbox: String,
    /// How a mail is marked as taken.
    pub taken: Taken,
    /// A larger mail is fetched up to here and comes as `truncated`, in bytes.
    pub max_bytes: usize,
    /// A PEM file with further root certificates, beside the well-known ones.
    pub ca: Option<PathBuf>,
    /// How long one command may take; a mail's body may take five times as long.
    pub limit: Duration,
    /// How long to wait between looks where the server has no IDLE.
    pub poll: Duration,
}

impl ImapSettings {
    /// The usual: implicit TLS at 993, `INBOX`, the keyword `$codevd`, 10 MB, a minute a command.
    pub fn new(host: impl Into<String>, user: impl Into<String>, password: Secret) -> Self {
        Self {
            host: host.into(),
            port: PORTS.0,
            security: Security::Implicit,
            user: user.into(),
            password,
            mailbox: "INBOX".into(),
            taken: Taken::Keyword("$codevd".into()),
            max_bytes: 10_000_000,
            ca: None,
            limit: Duration::from_secs(60),
            poll: Duration::from_secs(30),
        }
    }

    fn check(&self) -> Result<(), TransportError> {
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| matches!(b, 32..=126));
        let atom = |text: &str| plain(text) && !text.contains([' ', '(', ')', '{', '%', '*', '"', '\\', ']']);
        let (fine, found, remedy) = match &self.taken {
            Taken::Keyword(word) => {
                (atom(word), format!("{word:?} can't be an IMAP keyword"), "expected a word like $codevd")
            }
            Taken::Folder(name) => (
                plain(name) && !name.eq_ignore_ascii_case(&self.mailbox),
                format!("{name:?} can't be the folder for mails that were taken"),
                "expected an ASCII name other than the mailbox itself, like codevd",
            ),
        };
        if !plain(&self.mailbox) {
            return Err(TransportError::Settings {
                found: format!("{:?} can't be a mailbox", self.mailbox),
                remedy: "expected an ASCII name like INBOX".into(),
            });
        }
        match fine {
            true => Ok(()),
            false => Err(TransportError::Settings { found, remedy: remedy.into() }),
        }
    }
}

/// A mailbox that is read. Its connection is dialled anew where it was lost; a call that is cancelled drops it.
pub struct Imap {
    settings: ImapSettings,
    dialer: Dialer,
    kept: Option<Open>,
    /// The last call left mails behind, or a redial may have missed some: `wait` returns at once.
    more: bool,
    suspects: Suspects,
}

impl Imap {
    /// Connects, logs in and selects the mailbox.
    ///
    /// # Errors
    /// What failed, with the remedy where it is known: a wrong port, an unknown certificate, a refused login, a
    /// mailbox that is missing, a server that keeps no keywords.
    pub async fn connect(settings: ImapSettings) -> Result<Self, TransportError> {
        let mut imap = Self::offline(settings)?;
        imap.kept = Some(imap.open().await?);
        Ok(imap)
    }

    /// As [`Imap::connect`], but dials only when the first mail is asked for.
    ///
    /// # Errors
    /// `Settings` alone.
    pub fn offline(settings: ImapSettings) -> Result<Self, TransportError> {
        settings.check()?;
        let (host, port) = (settings.host.as_str(), settings.port);
        let dialer = Dialer::new(host, port, settings.security, settings.ca.as_deref())?;
        Ok(Self { settings, dialer, kept: None, more: true, suspects: Suspects::default() })
    }

    /// Mails that are not marked as taken, the oldest UID first: at most 50 of them or 32 MB, so call it again until
    /// nothing comes. A mail that the server can't give is left out and logged; the others come. A mail at which the
    /// connection broke comes after all others from then on, so that it holds nobody up.
    ///
    /// # Errors
    /// The connection was lost (and a redial failed), or the server refused.
    pub async fn fetch_new(&mut self) -> Result<Vec<Fetched>, TransportError> {
        loop {
            let (mut open, fresh) = self.session().await?;
            let result = open.batch(&self.settings, &mut self.suspects).await;
            if let Some(result) = self.settle(open, fresh, "fetching", result) {
                let (mails, more) = result?;
                self.more = more;
                return Ok(mails);
            }
        }
    }

    /// Marks a mail as taken: after this it does not come again. A place from before a change of UIDVALIDITY, or of a
    /// mail that is gone, is nothing to mark any more and no error.
    ///
    /// # Errors
    /// The connection was lost (and a redial failed), or the server refused; then the mail will come again.
    pub async fn taken(&mut self, place: &str) -> Result<(), TransportError> {
        let (mailbox, uid_validity, uid) = parse_place(place)?;
        loop {
            let (mut open, fresh) = self.session().await?;
            let result = match mailbox == self.settings.mailbox && uid_validity == open.uid_validity {
                true => {
                    crash_point!("imap.mark");
                    open.mark(uid, &self.settings).await
                }
                false => Ok(()),
            };
            if let Some(result) = self.settle(open, fresh, "marking a mail as taken", result) {
                return result;
            }
        }
    }

    /// Waits until there may be something new, at most this long: by IDLE (RFC 2177) where the server has it, else
    /// for the polling interval. Returns after 28 minutes at the latest. May be cancelled.
    ///
    /// # Errors
    /// The connection was lost; the next call dials anew.
    pub async fn wait(&mut self, at_most: Duration) -> Result<(), TransportError> {
        if std::mem::take(&mut self.more) {
            return Ok(());
        }
        let (mut open, fresh) = self.session().await?;
        if fresh || open.news() {
            self.kept = Some(open);
            return Ok(());
        }
        if open.idle {
            crash_point!("imap.idle");
            let idled = open.idle(at_most.min(IDLE), self.settings.limit).await;
            open.idle = idled.map_err(|error| self.told("waiting for mail", &error))?;
        }
        let idle = open.idle;
        self.kept = Some(open);
        if !idle {
            tokio::time::sleep(at_most.min(self.settings.poll)).await;
        }
        Ok(())
    }

    /// Connects, logs in, selects the mailbox and says goodbye: a sentence about what was seen.
    ///
    /// # Errors
    /// As [`Imap::connect`].
    pub async fn check(&mut self) -> Result<String, TransportError> {
        self.logout().await;
        let open = self.open().await?;
        let story = open.story.clone();
        self.kept = Some(open);
        self.logout().await;
        Ok(story)
    }

    /// Says goodbye and closes the connection. Nothing depends on the answer.
    pub async fn logout(&mut self) {
        if let Some(mut open) = self.kept.take() {
            let _ = timed(Duration::from_secs(5), open.session.logout()).await;
        }
    }

    /// The kept connection, or a fresh one (true).
    async fn session(&mut self) -> Result<(Open, bool), TransportError> {
        match self.kept.take() {
            Some(open) => Ok((open, false)),
            None => Ok((self.open().await?, true)),
        }
    }

    /// Keeps the connection where it can still be used. None: a kept connection turned out to be lost, try again.
    fn settle<T>(
        &mut self,
        open: Open,
        fresh: bool,
        doing: &'static str,
        result: Result<T, Error>,
    ) -> Option<Result<T, TransportError>> {
        match result {
            Ok(value) => {
                self.kept = Some(open);
                Some(Ok(value))
            }
            Err(error) if is_lost(&error) && !fresh => None,
            Err(error) => {
                if !is_lost(&error) {
                    self.kept = Some(open);
                }
                Some(Err(self.told(doing, &error)))
            }
        }
    }

    async fn login(&self) -> Result<Login, TransportError> {
        let settings = &self.settings;
        crash_point!("imap.dial");
        let client = self.greeted().await?;
        crash_point!("imap.greeted");
        let login = client.login(&settings.user, settings.password.reveal());
        let login = async { login.await.map_err(|(error, _)| error) };
        timed(settings.limit, login).await.map_err(|error| self.told("logging in", &error))
    }

    async fn open(&self) -> Result<Open, TransportError> {
        let settings = &self.settings;
        let session = self.login().await?;
        let version = session.get_ref().stream.version();
        let mut open = Open {
            session,
            uid_validity: 0,
            idle: false,
            moves: false,
            expunges_by_uid: false,
            story: format!("{} answers ({version}) and accepts the login of {}", self.dialer.place(), settings.user),
        };
        crash_point!("imap.logged_in");
        self.select(&mut open).await?;
        crash_point!("imap.selected");
        Ok(open)
    }

    /// Dials, reads the greeting and, where set, goes through STARTTLS; it never falls back.
    async fn greeted(&self) -> Result<Client<Gated>, TransportError> {
        let limit = self.settings.limit;
        let connecting = |error: io::Error| self.told("connecting", &error.into());
        let tcp = self.dialer.connect(limit).await.map_err(connecting)?;
        let security = self.settings.security;
        let stream = match security {
            Security::Implicit => self.secure(tcp).await?,
            Security::StartTls | Security::Plain => Stream::Plain(tcp),
        };
        let mut client = Client::new(self.gated(stream));
        within(limit, greeting(&mut client)).await.map_err(|error| self.told("the greeting", &error.into()))?;
        if security != Security::StartTls {
            return Ok(client);
        }
        let begin = client.run_command_and_check_ok("STARTTLS", None);
        timed(limit, begin).await.map_err(|error| self.told("STARTTLS", &error))?;
        match client.into_inner().stream {
            // what was injected behind the OK is dropped with the library's buffer, or ends the handshake
            Stream::Plain(tcp) => Ok(Client::new(self.gated(self.secure(tcp).await?))),
            secured => Ok(Client::new(self.gated(secured))),
        }
    }

    async fn secure(&self, tcp: tokio::net::TcpStream) -> Result<Stream, TransportError> {
        let secured = self.dialer.secure(tcp, self.settings.limit).await;
        secured.map_err(|error| self.told("TLS", &error.into()))
    }

    fn gated(&self, stream: Stream) -> Gated {
        Gated::new(stream, self.settings.max_bytes as u64 + 1024)
    }

    async fn select(&self, open: &mut Open) -> Result<(), TransportError> {
        let (settings, limit) = (&self.settings, self.settings.limit);
        let can = timed(limit, open.session.capabilities()).await.map_err(|error| self.told("CAPABILITY", &error))?;
        open.idle = can.has_str("IDLE");
        open.moves = can.has_str("MOVE");
        open.expunges_by_uid = can.has_str("UIDPLUS");
        if let Taken::Folder(folder) = &settings.taken {
            if !open.moves && !open.expunges_by_uid {
                return Err(self.refusal(
                    "moving mails",
                    "the server has neither MOVE nor UIDPLUS",
                    "Without them a move would delete what others marked: let taken mails be \
                     marked by a keyword instead",
                ));
            }
            let made = open.make_folder(folder, limit).await;
            made.map_err(|error| self.told("making the folder for taken mails", &error))?;
        }
        let mailbox = timed(limit, open.session.select(&settings.mailbox))
            .await
            .map_err(|error| self.told("opening the mailbox", &error))?;
        open.uid_validity = mailbox.uid_validity.unwrap_or(0);
        open.story.push_str(&format!("; {} holds {} mails", settings.mailbox, mailbox.exists));
        match &settings.taken {
            Taken::Keyword(word) if !keeps(&mailbox.permanent_flags, word) => {
                Err(self.refusal("marking mails", "the server keeps no keywords", USE_A_FOLDER))
            }
            _ => Ok(()),
        }
    }

    fn refusal(&self, doing: &'static str, reply: &str, remedy: &str) -> TransportError {
        TransportError::Refused { place: self.dialer.place(), doing, reply: reply.into(), remedy: Some(remedy.into()) }
    }

    /// Words for an error, with the remedy where it is known.
    fn told(&self, doing: &'static str, error: &Error) -> TransportError {
        let place = self.dialer.place();
        match error {
            Error::No(reply) | Error::Bad(reply) => TransportError::Refused {
                place,
                doing,
                reply: server_words(reply),
                remedy: remedy(doing, reply).map(str::to_owned),
            },
            Error::Io(error) => TransportError::Network {
                place,
                doing,
                cause: error.to_string(),
                remedy: self.dialer.remedy(error, PORTS.0, PORTS.1),
            },
            other => TransportError::Network { place, doing, cause: other.to_string(), remedy: None },
        }
    }
}

const USE_A_FOLDER: &str = "Let taken mails be moved to a folder instead";

fn remedy(doing: &str, reply: &str) -> Option<&'static str> {
    let lower = reply.to_lowercase();
    match doing {
        "logging in" if lower.contains("web browser") || lower.contains("app") => {
            Some("The provider wants an app password or OAuth2")
        }
        "logging in" => Some(
            "Check the user name and the password file; large providers want an app password or \
             OAuth2 (Microsoft has switched off passwords for IMAP)",
        ),
        "opening the mailbox" => Some("Check the mailbox's name; the usual one is INBOX"),
        "making the folder for taken mails" => {
            Some("Some servers want it below the inbox: INBOX.codevd or INBOX/codevd")
        }
        "marking a mail as taken" => Some(USE_A_FOLDER),
        _ => None,
    }
}

/// The server's words out of the library's `code: …, info: Some("…")`.
fn server_words(reply: &str) -> String {
    reply.split_once("info: Some(\"").and_then(|(_, rest)| rest.strip_suffix("\")")).unwrap_or(reply).to_owned()
}

/// `mailbox;uidvalidity;uid`.
fn parse_place(place: &str) -> Result<(&str, u32, u32), TransportError> {
    let mut parts = place.rsplitn(3, ';');
    let uid = parts.next().and_then(|uid| uid.parse().ok());
    let uid_validity = parts.next().and_then(|validity| validity.parse().ok());
    match (parts.next(), uid_validity, uid) {
        (Some(mailbox), Some(uid_validity), Some(uid)) => Ok((mailbox, uid_validity, uid)),
        _ => Err(TransportError::Settings {
            found: format!("{place:?} is no place of a mail"),
            remedy: "expected mailbox;uidvalidity;uid".into(),
        }),
    }
}

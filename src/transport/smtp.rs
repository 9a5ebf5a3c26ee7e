//! Sending by SMTP: one mail to one receiver at a time over a connection that is kept for a burst, every phase known
//! (reliability: a failure before the final dot is safe to retry, after it there is doubt).
mod outcome;
mod wire;

pub use outcome::{Delivery, EnhancedCode, Envelope, Lasting, NOT_SENT, Phase};

use super::tls::Dialer;
use super::{Secret, Security, TransportError};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::{ClientId, Extension};
use lettre::transport::smtp::response::Response;
use outcome::{not_sent, refused, unsafe_byte};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use wire::{Failure, Watch, Wire};

/// The usual ports, for remedies: implicit TLS and STARTTLS (RFC 8314).
const PORTS: (u16, u16) = (465, 587);

/// How long a kept connection may be silent before it is given up for a fresh one.
const KEPT: Duration = Duration::from_secs(10);

/// How long each phase may take: RFC 5321 4.5.3.2, and a limit of our own for connecting.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// TCP, and the TLS handshake.
    pub connect: Duration,
    /// The greeting, and the answers to EHLO, STARTTLS and AUTH.
    pub greeting: Duration,
    /// The answers to MAIL, RCPT and RSET.
    pub command: Duration,
    /// The answer to DATA.
    pub data: Duration,
    /// Without any byte of the mail moving.
    pub block: Duration,
    /// The answer to the final dot.
    pub dot: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            greeting: Duration::from_secs(5 * 60),
            command: Duration::from_secs(5 * 60),
            data: Duration::from_secs(2 * 60),
            block: Duration::from_secs(3 * 60),
            dot: Duration::from_secs(10 * 60),
        }
    }
}

/// Where and how mail is handed over.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// The server's name, as its certificate bears it.
    pub host: String,
    /// 465 for implicit TLS, 587 for STARTTLS.
    pub port: u16,
    /// How the connection is kept from listeners.
    pub security: Security,
    /// User and password; none where the server wants no login.
    pub login: Option<(String, Secret)>,
    /// What we call ourselves in EHLO: a host name, or an address literal like `[127.0.0.1]`.
    pub hello_name: String,
    /// A PEM file with further root certificates, beside the well-known ones.
    pub ca: Option<PathBuf>,
    /// How long each phase may take.
    pub timeouts: Timeouts,
}

impl SmtpSettings {
    /// The usual: implicit TLS at 465, the times of RFC 5321.
    pub fn new(host: impl Into<String>, login: Option<(String, Secret)>, hello_name: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port: PORTS.0,
            security: Security::Implicit,
            login,
            hello_name: hello_name.into(),
            ca: None,
            timeouts: Timeouts::default(),
        }
    }
}

/// Asked once, right before the mail goes. An error, in a sentence, keeps the mail back: the connection is dropped.
pub type BeforeDot<'a> = &'a mut (dyn FnMut() -> Result<(), String> + Send);

/// A sender that keeps its connection from mail to mail.
pub struct Smtp {
    settings: SmtpSettings,
    dialer: Dialer,
    kept: Option<Connection>,
}

/// An open connection, greeted and logged in.
struct Connection {
    smtp: AsyncSmtpConnection,
    watch: Arc<Watch>,
    /// At least one conversation went over it: the server may have hung up since.
    used: bool,
    /// A refused transaction is half open: RSET comes before the next MAIL.
    half_open: bool,
    story: String,
}

/// How a transaction ended, and whether the connection can be used again.
struct Ended {
    delivery: Delivery,
    fate: Fate,
}

enum Fate {
    /// Ready for the next MAIL.
    Clean,
    /// A transaction is half open: RSET first.
    Reset,
    /// Not to be used again.
    Dead,
}

impl Smtp {
    /// A sender for these settings; nothing is dialled yet.
    ///
    /// # Errors
    /// `Settings`: no TLS for another machine than this one, an unusable CA file, a name for EHLO with spaces.
    pub fn new(settings: SmtpSettings) -> Result<Self, TransportError> {
        let name = &settings.hello_name;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(TransportError::Settings {
                found: format!("{name:?} can't be said in EHLO"),
                remedy: "expected a host name like mail.example.org".into(),
            });
        }
        let (host, port) = (settings.host.as_str(), settings.port);
        let dialer = Dialer::new(host, port, settings.security, settings.ca.as_deref())?;
        Ok(Self { settings, dialer, kept: None })
    }

    /// Makes one attempt to hand `mail` over to one receiver, over the kept connection where there is one.
    ///
    /// A kept connection that the server closed in the meantime is redialled once. Cancelling drops the connection;
    /// what became of the mail is then as open as after a crash.
    pub async fn send(&mut self, envelope: &Envelope, mail: &[u8]) -> Delivery {
        self.send_marking(envelope, mail, &mut || Ok(())).await
    }

    /// The same; `before_dot` is called once the server asked for the mail and before any of it goes: a crash after
    /// that leaves a doubt, one before it does not. Its error keeps the mail back.
    pub async fn send_marking(&mut self, envelope: &Envelope, mail: &[u8], before_dot: BeforeDot<'_>) -> Delivery {
        if let Some(why) = unsafe_byte(mail) {
            return not_sent(Phase::Data, &why);
        }
        loop {
            let mut connection = match self.kept.take() {
                Some(connection) => connection,
                None => match self.open(&self.settings.timeouts).await {
                    Ok(connection) => connection,
                    Err(failure) => return self.unopened(failure),
                },
            };
            let stale = connection.used;
            let ended = connection.transact(envelope, mail, &self.settings.timeouts, before_dot).await;
            if stale && ended.hung_up_before_mail() {
                continue;
            }
            self.keep(connection, &ended.fate);
            return ended.delivery;
        }
    }

    /// Says goodbye and closes the kept connection. Nothing depends on the answer.
    pub async fn quit(&mut self) {
        if let Some(mut connection) = self.kept.take() {
            connection.watch.leave();
            let limit = Duration::from_secs(5).min(self.settings.timeouts.command);
            let _ = tokio::time::timeout(limit, connection.smtp.quit()).await;
        }
    }

    /// Connects, greets, goes through TLS, logs in and says goodbye: a sentence about what was seen.
    ///
    /// # Errors
    /// What failed, with the remedy where it is known.
    pub async fn check(&mut self) -> Result<String, TransportError> {
        self.quit().await;
        let mut limits = self.settings.timeouts.clone();
        // a person waits: five minutes are for servers under load
        limits.greeting = limits.greeting.min(Duration::from_secs(30));
        match self.open(&limits).await {
            Ok(connection) => {
                let story = connection.story.clone();
                self.kept = Some(connection);
                self.quit().await;
                Ok(story)
            }
            Err(failure) => Err(self.told(failure)),
        }
    }

    async fn open(&self, limits: &Timeouts) -> Result<Connection, Failure> {
        let hello = &self.settings.hello_name;
        crash_point!("smtp.dial");
        let (stream, greeting) = wire::open(&self.dialer, hello, limits).await?;
        crash_point!("smtp.greeted");
        let mut story = format!("{} answers ({}, {:?})", self.dialer.place(), stream.version(), greeting.text);
        let watch = Arc::new(Watch::default());
        let wire = Wire::new(stream, greeting.into_raw(), Arc::clone(&watch));
        let hello = ClientId::Domain(hello.clone());
        let greet = AsyncSmtpConnection::connect_with_transport(Box::new(wire), &hello);
        let mut smtp = asked(Phase::Greeting, limits.greeting, greet).await?;
        if let Some((user, password)) = &self.settings.login {
            let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            if smtp.server_info().get_auth_mechanism(&mechanisms).is_none() {
                return Err(no_mechanism(&smtp));
            }
            let login = smtp.auth(&mechanisms, &credentials);
            asked(Phase::Auth, limits.greeting, login).await?;
            story.push_str(&format!(" and accepts the login of {user}"));
        }
        crash_point!("smtp.open");
        Ok(Connection { smtp, watch, used: false, half_open: false, story })
    }

    fn keep(&mut self, mut connection: Connection, fate: &Fate) {
        connection.used = true;
        connection.half_open = matches!(fate, Fate::Reset);
        if !matches!(fate, Fate::Dead) {
            self.kept = Some(connection);
        }
    }

    fn unopened(&self, failure: Failure) -> Delivery {
        match failure {
            Failure::Refused(delivery) => delivery,
            Failure::Broken { phase, error } => {
                let hint = self.dialer.remedy(&error, PORTS.0, PORTS.1);
                let hint = hint.map(|hint| format!(". {hint}")).unwrap_or_default();
                Delivery::Unreached {
                    phase,
                    cause: format!("{}: {} failed: {error}{hint}", self.dialer.place(), phase.doing()),
                }
            }
        }
    }

    fn told(&self, failure: Failure) -> TransportError {
        let place = self.dialer.place();
        match failure {
            Failure::Broken { phase, error } => TransportError::Network {
                place,
                doing: phase.doing(),
                remedy: self.dialer.remedy(&error, PORTS.0, PORTS.1),
                cause: error.to_string(),
            },
            Failure::Refused(delivery) => {
                let hint = delivery.remedy().map(str::to_owned);
                let (doing, reply) = match delivery {
                    Delivery::Refused { phase, reply, .. } => (phase.doing(), reply),
                    other => ("the conversation", format!("{other:?}")),
                };
                TransportError::Refused { place, doing, reply, remedy: hint }
            }
        }
    }
}

impl Connection {
    /// MAIL, RCPT, DATA, the mail and the dot, one after the other.
    async fn transact(
        &mut self,
        envelope: &Envelope,
        mail: &[u8],
        limits: &Timeouts,
        before_dot: BeforeDot<'_>,
    ) -> Ended {
        if let Err(failure) = self.reset(limits).await {
            return Ended::failed(failure);
        }
        let parameters = match self.parameters(envelope, mail) {
            Ok(parameters) => parameters,
            Err(ended) => return ended,
        };
        let mail_from = format!("MAIL FROM:<{}>{parameters}\r\n", envelope.from());
        let rcpt_to = format!("RCPT TO:<{}>\r\n", envelope.to());
        // a kept connection may be dead without a sign: dialling anew is cheaper than the full wait
        let first = match self.used {
            true => limits.command.min(KEPT),
            false => limits.command,
        };
        for (phase, command, limit) in [
            (Phase::Mail, mail_from, first),
            (Phase::Rcpt, rcpt_to, limits.command),
            (Phase::Data, "DATA\r\n".to_owned(), limits.data),
        ] {
            crash_point!("smtp.ask", phase.doing());
            match asked(phase, limit, self.smtp.command(command)).await {
                Err(failure) => return Ended::failed(failure),
                Ok(reply) if (phase == Phase::Data) != reply.has_code(354) => {
                    let error = out_of_turn(&reply);
                    return Ended::failed(Failure::Broken { phase, error });
                }
                Ok(_) => crash_point!("smtp.answered", phase.doing()),
            }
        }
        if let Err(cause) = before_dot() {
            return Ended { delivery: Delivery::Unreached { phase: Phase::Data, cause }, fate: Fate::Dead };
        }
        crash_point!("smtp.hand_over");
        self.hand_over(mail, limits).await
    }

    /// RSET where the last transaction was left half open. Its failure is one of MAIL: nothing was offered yet.
    async fn reset(&mut self, limits: &Timeouts) -> Result<(), Failure> {
        if std::mem::take(&mut self.half_open) {
            let limit = limits.command.min(KEPT);
            let reset = asked(Phase::Mail, limit, self.smtp.command("RSET\r\n")).await;
            reset.map_err(|_| Failure::Broken {
                phase: Phase::Mail,
                error: io::Error::other("RSET was not answered with 250"),
            })?;
        }
        Ok(())
    }

    /// What MAIL must announce (RFC 6152, RFC 6531), or why this server can't take this mail.
    fn parameters(&self, envelope: &Envelope, mail: &[u8]) -> Result<&'static str, Ended> {
        let can = |extension| self.smtp.server_info().supports_feature(extension);
        let refuse = |phase, why| Err(Ended { delivery: not_sent(phase, why), fate: Fate::Clean });
        match (envelope.is_ascii(), mail.is_ascii()) {
            (false, _) if !can(Extension::SmtpUtfEight) => {
                refuse(Phase::Mail, "the address is not ASCII and this server offers no SMTPUTF8")
            }
            (_, false) if !can(Extension::EightBitMime) => {
                refuse(Phase::Data, "the mail is not ASCII and this server offers no 8BITMIME")
            }
            (false, true) => Ok(" SMTPUTF8"),
            (false, false) => Ok(" SMTPUTF8 BODY=8BITMIME"),
            (true, false) => Ok(" BODY=8BITMIME"),
            (true, true) => Ok(""),
        }
    }

    /// The mail itself. The library ends it with CR LF dot CR LF, so the mail's own last line end is left to it.
    async fn hand_over(&mut self, mail: &[u8], limits: &Timeouts) -> Ended {
        let watch = Arc::clone(&self.watch);
        watch.reset();
        let body = mail.strip_suffix(b"\r\n").unwrap_or(mail);
        let result = {
            let mut transfer = std::pin::pin!(self.smtp.message(body));
            // each limit runs anew while bytes move, and once more from the dot on
            loop {
                let (seen, dot) = (watch.written(), watch.dot_has_left());
                let limit = if dot { limits.dot } else { limits.block };
                match tokio::time::timeout(limit, transfer.as_mut()).await {
                    Ok(result) => break result.map_err(Some),
                    Err(_) if watch.written() != seen || watch.dot_has_left() != dot => {}
                    Err(_) => break Err(None),
                }
            }
        };
        let failure = match result {
            Ok(reply) if reply.code().to_string().starts_with('2') => {
                crash_point!("smtp.accepted");
                return Ended { delivery: Delivery::Accepted { reply: words(&reply) }, fate: Fate::Clean };
            }
            Ok(reply) => Failure::Broken { phase: Phase::Dot, error: out_of_turn(&reply) },
            Err(Some(error)) => failure(Phase::Dot, &error),
            Err(None) => Failure::Broken {
                phase: Phase::Dot,
                error: io::Error::new(io::ErrorKind::TimedOut, "no answer in time"),
            },
        };
        Ended::after_data(failure, watch.dot_has_left())
    }
}

impl Ended {
    fn failed(failure: Failure) -> Self {
        match failure {
            Failure::Refused(delivery) => {
                // 421: the server closes the connection (RFC 5321 3.8)
                let closing = matches!(&delivery, Delivery::Refused { reply, .. } if reply.starts_with("421"));
                let fate = if closing { Fate::Dead } else { Fate::Reset };
                Self { delivery, fate }
            }
            Failure::Broken { phase, error } => Self {
                delivery: Delivery::Unreached { phase, cause: format!("{} failed: {error}", phase.doing()) },
                fate: Fate::Dead,
            },
        }
    }

    fn after_data(failure: Failure, dot_has_left: bool) -> Self {
        match failure {
            Failure::Broken { error, .. } if dot_has_left => Self {
                delivery: Delivery::InDoubt { cause: format!("no reply after the final dot: {error}") },
                fate: Fate::Dead,
            },
            Failure::Broken { error, .. } => Self::failed(Failure::Broken { phase: Phase::Data, error }),
            refusal => Self::failed(refusal),
        }
    }

    /// The server had closed the connection while it lay idle: nothing of this mail was offered.
    fn hung_up_before_mail(&self) -> bool {
        match &self.delivery {
            Delivery::Unreached { phase, .. } => *phase == Phase::Mail,
            Delivery::Refused { phase, reply, .. } => *phase == Phase::Mail && reply.starts_with("421"),
            _ => false,
        }
    }
}

/// Runs one exchange within its limit and sorts its failure.
async fn asked<T>(
    phase: Phase,
    limit: Duration,
    exchange: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(limit, exchange).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(failure(phase, &error)),
        Err(_) => Err(Failure::Broken {
            phase,
            error: io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {limit:?}")),
        }),
    }
}

/// A negative reply is a refusal; anything else broke the connection.
fn failure(phase: Phase, error: &lettre::transport::smtp::Error) -> Failure {
    let source = std::error::Error::source(error);
    match (error.status(), source) {
        (Some(code), text) => {
            let text = text.map(ToString::to_string).unwrap_or_default();
            let code = code.to_string().parse().unwrap_or(599);
            Failure::Refused(refused(phase, code, &text))
        }
        (None, Some(source)) => {
            let kind = source.downcast_ref::<io::Error>().map(io::Error::kind);
            Failure::Broken {
                phase,
                error: io::Error::new(kind.unwrap_or(io::ErrorKind::InvalidData), source.to_string()),
            }
        }
        (None, None) => Failure::Broken { phase, error: io::Error::other(error.to_string()) },
    }
}

fn no_mechanism(smtp: &AsyncSmtpConnection) -> Failure {
    let oauth = smtp.server_info().supports_auth_mechanism(Mechanism::Xoauth2);
    let why = match oauth {
        true => "the server takes OAuth2 logins only",
        false => "the server offers no login with a password here (on port 25 it usually does not)",
    };
    Failure::Broken { phase: Phase::Auth, error: io::Error::other(why) }
}

fn out_of_turn(reply: &Response) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a reply out of turn: {} {}", reply.code(), words(reply)))
}

fn words(reply: &Response) -> String {
    reply.message().collect::<Vec<_>>().join(" ")
}

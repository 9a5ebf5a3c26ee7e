//! Connections for SMTP and IMAP: TCP without Nagle's delay and with keepalive, TLS by rustls, and the words for what
//! goes wrong there.
use super::{Security, TransportError};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A connection, with or without TLS around it.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    pub(super) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0,
        }
    }

    /// `TLS 1.3` and the like, or `no TLS`: for `check`'s sentence.
    pub(super) fn version(&self) -> String {
        let Self::Tls(tls) = self else {
            return "no TLS".into();
        };
        match tls.get_ref().1.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3".into(),
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2".into(),
            other => format!("{other:?}"),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls.as_mut()).poll_shutdown(cx),
        }
    }
}

/// A server to dial: its name, and how its TLS is checked.
#[derive(Clone)]
pub(super) struct Dialer {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    config: Arc<ClientConfig>,
}

impl Dialer {
    /// Checks what can be checked without a socket, and reads the extra root certificates.
    pub(super) fn new(host: &str, port: u16, security: Security, ca: Option<&Path>) -> Result<Self, TransportError> {
        if security == Security::Plain && !is_loopback_name(host) {
            return Err(TransportError::Settings {
                found: format!("no TLS for {host}"),
                remedy: "without TLS only this machine (localhost, 127.0.0.1, ::1) may be used; \
                         choose implicit TLS or STARTTLS"
                    .into(),
            });
        }
        Ok(Self { host: host.to_owned(), port, security, config: client_config(ca)? })
    }

    /// `host:port`, as errors name it.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Opens the TCP connection. `Plain` is refused here once more if the name led away from this machine.
    pub(super) async fn connect(&self, limit: Duration) -> io::Result<TcpStream> {
        let dial = TcpStream::connect((self.host.as_str(), self.port));
        let tcp = within(limit, dial).await?;
        if self.security == Security::Plain && !tcp.peer_addr()?.ip().is_loopback() {
            return Err(io::Error::other("the name leads away from this machine, and no TLS is set"));
        }
        // without it Nagle's algorithm and delayed acknowledgements cost 40 ms a mail
        tcp.set_nodelay(true)?;
        let keepalive =
            socket2::TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(30));
        socket2::SockRef::from(&tcp).set_tcp_keepalive(&keepalive)?;
        Ok(tcp)
    }

    /// Puts TLS around a connection.
    pub(super) async fn secure(&self, tcp: TcpStream, limit: Duration) -> io::Result<Stream> {
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        let handshake = TlsConnector::from(Arc::clone(&self.config)).connect(name, tcp);
        Ok(Stream::Tls(Box::new(within(limit, handshake).await?)))
    }

    /// What to do about a failed connection, handshake or greeting, where that is known. `implicit` is this
    /// protocol's port for implicit TLS, `starttls` its port for STARTTLS.
    pub(super) fn remedy(&self, error: &io::Error, implicit: u16, starttls: u16) -> Option<String> {
        use rustls::Error as Tls;
        let port = self.port;
        match (tls_error(error), self.security) {
            (Some(Tls::InvalidCertificate(why)), _) => Some(certificate_remedy(why, &self.host)),
            (Some(Tls::InvalidMessage(_)), Security::Implicit) => Some(format!(
                "Port {port} does not speak TLS from the first byte: it may want STARTTLS (usual \
                 port {starttls}), implicit TLS is usual on port {implicit}"
            )),
            (Some(Tls::InvalidMessage(_)), _) => {
                Some("The server said STARTTLS may begin, then did not speak TLS".into())
            }
            (None, Security::StartTls | Security::Plain) if port == implicit => {
                Some(format!("Port {port} wants implicit TLS"))
            }
            (None, Security::StartTls | Security::Plain) if is_silence(error) => {
                Some(format!("If port {port} wants implicit TLS (as {implicit} does), set that"))
            }
            (None, _) if error.kind() == io::ErrorKind::ConnectionRefused => Some(format!(
                "Nothing listens there: usual ports are {implicit} (implicit TLS) and {starttls} \
                 (STARTTLS)"
            )),
            _ => None,
        }
    }
}

/// Runs a step of a conversation with a limit; running over is `TimedOut`.
pub(super) async fn within<T>(limit: Duration, step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(limit, step).await {
        Ok(result) => result,
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {limit:?}"))),
    }
}

fn is_silence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData)
}

fn is_loopback_name(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn certificate_remedy(why: &CertificateError, host: &str) -> String {
    match why {
        CertificateError::UnknownIssuer => {
            "The certificate's issuer is unknown: if it is your own authority, name its file in \
             `ca`"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "The server's certificate has expired (or this machine's clock is wrong)"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "The server's certificate is not valid yet (or this machine's clock is wrong)"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            return format!("The certificate is for another name than {host}: use the name it bears");
        }
        _ => "The server's certificate was not accepted",
    }
    .to_owned()
}

/// The Mozilla roots compiled in, and the operator's own beside them.
fn client_config(ca: Option<&Path>) -> Result<Arc<ClientConfig>, TransportError> {
    let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(path) = ca {
        add_roots(&mut roots, path)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TransportError::Settings {
            found: format!("TLS can't be set up: {error}"),
            remedy: "this is a fault of codevd".into(),
        })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn add_roots(roots: &mut RootCertStore, path: &Path) -> Result<(), TransportError> {
    let unusable = |cause: String| TransportError::Settings {
        found: format!("{}: {cause}", path.display()),
        remedy: "`ca` names a file with one or more PEM certificates".into(),
    };
    let certificates = CertificateDer::pem_file_iter(path).map_err(|e| unusable(e.to_string()))?;
    let mut count = 0;
    for certificate in certificates {
        let certificate = certificate.map_err(|e| unusable(e.to_string()))?;
        roots.add(certificate).map_err(|e| unusable(e.to_string()))?;
        count += 1;
    }
    match count {
        0 => Err(unusable("no certificate in it".into())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn plain_is_for_loopback_alone() {
        for (host, fine) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("localhost", true),
            ("mail.example.org", false),
            ("192.0.2.1", false),
            ("localhost.example.org", false),
        ] {
            let dialer = Dialer::new(host, 25, Security::Plain, None);
            assert_eq!(dialer.is_ok(), fine, "{host}");
            assert!(Dialer::new(host, 25, Security::StartTls, None).is_ok());
        }
    }

    #[test]
    fn a_ca_file_without_certificate_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, "not a certificate").unwrap();
        let error = Dialer::new("localhost", 465, Security::Implicit, Some(&path)).err().unwrap();
        assert!(error.to_string().contains("no certificate in it"), "{error}");
        let missing = folder.path().join("missing.pem");
        assert!(Dialer::new("localhost", 465, Security::Implicit, Some(&missing)).is_err());
    }
}

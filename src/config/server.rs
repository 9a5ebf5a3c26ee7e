//! Addresses of mail servers: `smtps://host:465`. The scheme says how the connection is protected,
//! and the port must agree with it.

use std::net::IpAddr;

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte: `smtps://`, `imaps://` (RFC 8314 §3).
    Tls,
    /// In the clear, then STARTTLS, which must succeed: `smtp+starttls://`, `imap+starttls://`.
    StartTls,
    /// In the clear: `smtp://`, `imap://`. On this machine only.
    Plain,
}

/// Which of the two protocols an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Smtp,
    Imap,
}

/// Where a mail server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Name or IP address (IPv6 without brackets).
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
}

/// What is wrong with an address: what was found, what was expected, what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadServer {
    pub(crate) found: String,
    pub(crate) expected: String,
    pub(crate) remedy: Option<String>,
}

impl Protocol {
    /// Schemes, their protection and their usual port.
    fn schemes(self) -> [(&'static str, Security, u16); 3] {
        match self {
            Self::Smtp => [
                ("smtps", Security::Tls, 465),
                ("smtp+starttls", Security::StartTls, 587),
                ("smtp", Security::Plain, 25),
            ],
            Self::Imap => [
                ("imaps", Security::Tls, 993),
                ("imap+starttls", Security::StartTls, 143),
                ("imap", Security::Plain, 143),
            ],
        }
    }

    /// Ports that want one protection, whatever the scheme says; RFC 8314 §7.3, RFC 6409 §3.1.
    fn wants(self, port: u16) -> Option<Security> {
        match (self, port) {
            (Self::Smtp, 465) | (Self::Imap, 993) => Some(Security::Tls),
            (Self::Smtp, 25 | 587) | (Self::Imap, 143) => Some(Security::StartTls),
            _ => None,
        }
    }

    fn expected(self) -> String {
        match self {
            Self::Smtp => "smtps://host:465, smtp+starttls://host:587 or, on this machine, smtp://127.0.0.1:25",
            Self::Imap => "imaps://host:993, imap+starttls://host:143 or, on this machine, imap://127.0.0.1:143",
        }
        .to_owned()
    }
}

impl Server {
    /// Reads an address of this protocol.
    pub(crate) fn parse(text: &str, protocol: Protocol) -> Result<Self, BadServer> {
        let text = text.trim();
        let bad = |found: &str, remedy: Option<String>| BadServer {
            found: found.to_owned(),
            expected: protocol.expected(),
            remedy,
        };
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(bad("this address has no scheme such as smtps://", guess(text, protocol)));
        };
        let schemes = protocol.schemes();
        let Some(&(scheme, security, usual)) = schemes.iter().find(|(name, ..)| *name == scheme.to_lowercase()) else {
            let plain = scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-".contains(&b));
            let said = if plain { format!("{scheme:?}") } else { "what stands before ://".to_owned() };
            return Err(bad(&format!("{said} is no scheme for this"), scheme_hint(scheme, protocol)));
        };
        if rest.contains('@') {
            let remedy = "write user = \"…\" and password_file = \"…\" on lines of their own".to_owned();
            return Err(bad("this address holds a user or a password", Some(remedy)));
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = host_and_port(rest).ok_or_else(|| bad(&format!("{rest:?} is no host and port"), None))?;
        let server = Self { host, port: port.unwrap_or(usual), security };
        server.agrees(scheme, protocol)?;
        Ok(server)
    }

    /// Refuses a port that wants another protection, and clear text beyond this machine.
    fn agrees(&self, scheme: &str, protocol: Protocol) -> Result<(), BadServer> {
        let Self { host, port, security } = self;
        let named = |s: Security| protocol.schemes().iter().find(|x| x.1 == s).map_or("", |x| x.0);
        let wanted = protocol.wants(*port).filter(|w| *w != *security);
        if *security == Security::Plain && !self.is_loopback() {
            let wanted = wanted.unwrap_or(Security::Tls);
            return Err(BadServer {
                found: format!("{scheme}:// sends the password and all mail to {host} in the clear"),
                expected: "clear text on this machine only (127.0.0.1, ::1, localhost)".to_owned(),
                remedy: Some(format!("write {}://{}:{port}", named(wanted), bracketed(host))),
            });
        }
        let other = match protocol {
            Protocol::Smtp => Protocol::Imap,
            Protocol::Imap => Protocol::Smtp,
        };
        if let Some(wanted) = wanted.filter(|w| !(*security == Security::Plain && *w == Security::StartTls)) {
            return Err(BadServer {
                found: format!("port {port} wants {}://, this is {scheme}://", named(wanted)),
                expected: String::new(),
                remedy: Some(format!("write {}://{}:{port}", named(wanted), bracketed(host))),
            });
        }
        if other.wants(*port).is_some() && protocol.wants(*port).is_none() {
            let (ours, theirs) = if protocol == Protocol::Smtp { ("SMTP", "IMAP") } else { ("IMAP", "SMTP") };
            let usual = protocol.schemes().iter().find(|x| x.1 == *security).map_or(0, |x| x.2);
            return Err(BadServer {
                found: format!("port {port} is for {theirs}, this is the {ours} server"),
                expected: String::new(),
                remedy: Some(format!("write {scheme}://{}:{usual}", bracketed(host))),
            });
        }
        Ok(())
    }

    /// Whether the server is this machine by its very name.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, (!port.is_empty()).then(|| port.strip_prefix(':')).map_or(Some(None), |p| p.map(Some))?)
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        Some(p) => Some(p.parse::<u16>().ok().filter(|p| *p > 0)?),
        None => None,
    };
    let is_name = !host.is_empty()
        && host.len() <= 253
        && host.split('.').all(|l| {
            !l.is_empty()
                && !l.starts_with('-')
                && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        });
    (is_name || host.parse::<IpAddr>().is_ok()).then(|| (host.to_lowercase(), port))
}

/// The address that a bare `host` or `host:port` was meant as.
fn guess(text: &str, protocol: Protocol) -> Option<String> {
    let (host, port) = host_and_port(text)?;
    let security = port.and_then(|p| protocol.wants(p)).unwrap_or(Security::Tls);
    let (name, _, usual) = protocol.schemes().into_iter().find(|x| x.1 == security)?;
    Some(format!("write {name}://{}:{}", bracketed(&host), port.unwrap_or(usual)))
}

fn scheme_hint(scheme: &str, protocol: Protocol) -> Option<String> {
    let known = protocol.schemes();
    let right = match (scheme.to_lowercase().as_str(), protocol) {
        ("starttls" | "smtp+tls" | "smtptls" | "submission" | "smtp-starttls", Protocol::Smtp) => "smtp+starttls",
        ("starttls" | "imap+tls" | "imaptls" | "imap-starttls", Protocol::Imap) => "imap+starttls",
        ("ssl" | "tls" | "smtp+ssl" | "submissions" | "imaps" | "https", Protocol::Smtp) => "smtps",
        ("ssl" | "tls" | "imap+ssl" | "smtps" | "https" | "pop3s" | "pop3", Protocol::Imap) => "imaps",
        (other, _) => crate::config::nearest::nearest(other, known.into_iter().map(|x| x.0))?,
    };
    Some(format!("did you mean {right}://?"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_scheme_says_the_protection_and_the_usual_port() {
        let smtp = |t| Server::parse(t, Protocol::Smtp).map(|s| (s.host, s.port, s.security)).unwrap();
        assert_eq!(smtp("smtps://mail.example.org"), ("mail.example.org".into(), 465, Security::Tls));
        assert_eq!(smtp("smtp+starttls://Mail.example.org/"), ("mail.example.org".into(), 587, Security::StartTls));
        assert_eq!(smtp("smtp+starttls://mx.example.org:25"), ("mx.example.org".into(), 25, Security::StartTls));
        assert_eq!(smtp("smtp://127.0.0.1"), ("127.0.0.1".into(), 25, Security::Plain));
        assert_eq!(smtp("smtp://[::1]:2525"), ("::1".into(), 2525, Security::Plain));
        assert_eq!(smtp("smtp://localhost:587"), ("localhost".into(), 587, Security::Plain));
        let imap = |t| Server::parse(t, Protocol::Imap).map(|s| (s.port, s.security)).unwrap();
        assert_eq!(imap("imaps://h"), (993, Security::Tls));
        assert_eq!(imap("imap+starttls://h"), (143, Security::StartTls));
        assert_eq!(imap("imap://127.0.0.1:10143"), (10143, Security::Plain));
    }

    #[test]
    fn a_port_that_wants_another_scheme_says_which() {
        let cases = [
            ("smtps://h:587", Protocol::Smtp, "port 587 wants smtp+starttls://", "smtp+starttls://h:587"),
            ("smtp+starttls://h:465", Protocol::Smtp, "port 465 wants smtps://", "smtps://h:465"),
            ("smtp://127.0.0.1:465", Protocol::Smtp, "port 465 wants smtps://", "smtps://127.0.0.1:465"),
            ("imaps://h:143", Protocol::Imap, "port 143 wants imap+starttls://", "imap+starttls://h:143"),
            ("imap+starttls://h:993", Protocol::Imap, "port 993 wants imaps://", "imaps://h:993"),
            ("smtps://h:993", Protocol::Smtp, "port 993 is for IMAP", "smtps://h:465"),
            ("imaps://h:465", Protocol::Imap, "port 465 is for SMTP", "imaps://h:993"),
            ("smtp://h:587", Protocol::Smtp, "in the clear", "smtp+starttls://h:587"),
            ("smtp://h", Protocol::Smtp, "in the clear", "smtp+starttls://h:25"),
            ("mail.example.org", Protocol::Smtp, "no scheme", "smtps://mail.example.org:465"),
            ("mail.example.org:587", Protocol::Smtp, "no scheme", "smtp+starttls://mail.example.org:587"),
            ("imap+ssl://h", Protocol::Imap, "no scheme", "imaps://"),
            ("smtps://u:p@h", Protocol::Smtp, "user or a password", "password_file"),
        ];
        for (text, protocol, found, remedy) in cases {
            let bad = Server::parse(text, protocol).unwrap_err();
            assert!(bad.found.contains(found) || found == "no scheme" && bad.found.contains("is no scheme"), "{bad:?}");
            assert!(bad.remedy.as_deref().unwrap().contains(remedy), "{bad:?}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for bad in [
            "smtps://",
            "smtps://:465",
            "smtps://h:0",
            "smtps://h:70000",
            "smtps://a b",
            "smtps://[::1",
            "smtps://h/path",
            "smtps://[::1]465",
            "smtps://-h",
            "smtps://h..x",
        ] {
            assert!(Server::parse(bad, Protocol::Smtp).is_err(), "{bad}");
        }
    }
}

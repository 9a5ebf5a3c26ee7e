//! `[lmtp]`: where a mail server on this machine hands mail in.

use super::{Reader, Wanted};
use crate::config::table::{At, Table};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where LMTP is listened for: never where another machine could hand mail in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LmtpListen {
    /// A Unix socket, and its permissions as chmod has them.
    Socket(PathBuf, u32),
    /// A loopback address and its port.
    Port(SocketAddr),
}

impl<'a> Reader<'a> {
    /// A path with a `/` is a socket; anything else is an address and its port.
    pub(super) fn lmtp(&mut self, table: &mut Table<'a>) -> Option<LmtpListen> {
        const LISTEN: &str = "a socket's path such as \"/run/codevd/lmtp.sock\", or \"127.0.0.1:2424\"";
        let mode_span = table.key_span("mode");
        let mode = self.mode(table);
        let at = table.required("listen", LISTEN)?;
        if at.value.contains('/') {
            let path = self.path_at(at, "listen", Wanted::Parent)?;
            return Some(LmtpListen::Socket(path, mode.unwrap_or(0o660)));
        }
        let At { value, span } = at;
        match value.replace("localhost:", "127.0.0.1:").parse::<SocketAddr>() {
            Ok(at) if at.ip().is_loopback() && at.port() > 0 => {
                if let Some(span) = mode_span {
                    self.doc.wrong(&span, "`mode` is of no use for a port", "mode only with a socket's path", None);
                }
                Some(LmtpListen::Port(at))
            }
            Ok(at) if at.port() > 0 => {
                let found = format!("LMTP on {at}: other machines could hand in mail as anybody");
                let remedy = Some(format!("write listen = \"127.0.0.1:{}\"", at.port()));
                self.doc.wrong(&span, found, LISTEN, remedy);
                None
            }
            _ => {
                self.doc.wrong(&span, format!("`listen` is {value:?}"), LISTEN, None);
                None
            }
        }
    }

    /// Permissions of a socket in octal digits.
    fn mode(&self, table: &mut Table<'a>) -> Option<u32> {
        let At { value, span } = table.text("mode")?;
        let mode = u32::from_str_radix(value, 8).ok().filter(|mode| *mode <= 0o777 && mode & 0o600 == 0o600);
        if mode.is_none() {
            self.doc.wrong(&span, format!("`mode` is {value:?}"), "permissions such as \"660\"", None);
        }
        mode
    }
}

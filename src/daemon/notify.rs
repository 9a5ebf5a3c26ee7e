//! Words to systemd: ready, still alive, stopping (sd_notify(3)). Without systemd nothing is said.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Where the service manager listens, if there is one.
#[derive(Debug, Default)]
pub struct Notify {
    socket: Option<(UnixDatagram, SocketAddr)>,
}

impl Notify {
    /// From the value of `NOTIFY_SOCKET`: a path, or `@name` for an abstract one.
    pub fn to(socket: Option<&OsStr>) -> Self {
        let open = |name: &OsStr| -> io::Result<(UnixDatagram, SocketAddr)> {
            let address = match name.as_bytes().split_first() {
                Some((b'@', rest)) => SocketAddr::from_abstract_name(rest)?,
                _ => SocketAddr::from_pathname(name)?,
            };
            Ok((UnixDatagram::unbound()?, address))
        };
        let opened = socket.filter(|s| !s.is_empty()).map(open).transpose();
        let socket = opened.inspect_err(|error| tracing::warn!(%error, "NOTIFY_SOCKET can't be used")).ok().flatten();
        Self { socket }
    }

    /// Says it; that nobody listens is no failure of ours.
    pub fn say(&self, state: &str) {
        if let Some((socket, address)) = &self.socket
            && let Err(error) = socket.send_to_addr(state.as_bytes(), address)
        {
            tracing::debug!(%error, "the service manager does not listen");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_said_arrives_and_nobody_listening_is_no_failure() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let notify = Notify::to(Some(path.as_os_str()));
        notify.say("READY=1");
        let mut said = [0; 32];
        let length = manager.recv(&mut said).unwrap();
        assert_eq!(&said[..length], b"READY=1");
        drop(manager);
        notify.say("STOPPING=1");
        Notify::to(None).say("READY=1");
        Notify::to(Some(OsStr::new(""))).say("READY=1");
    }
}

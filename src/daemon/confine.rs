//! The daemon shuts itself in: its own folders, the name servers' files, the mail servers' ports, and nothing else
//! (Landlock, Linux 5.13 and later). Whoever takes it over reads no other file of its user.
//!
//! What is open already stays open; what the kernel can't hold to is left out, and said.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, NetPort, RestrictionStatus,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use std::path::{Path, PathBuf};

/// The rights that are taken away; where the kernel knows fewer, those it knows. Later ones are left alone: they
/// bind sockets of other services (name service caches, the service manager), which a file's owner guards.
const KNOWN: ABI = ABI::V7;

/// What resolving a name reads. Name servers may change while the daemon runs, by a new file in the old one's place,
/// which a rule for the file itself would not let through: so folders where there are some.
const NAMES: [&str; 8] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/ld.so.cache",
    "/run/systemd/resolve",
    "/run/resolvconf",
];
/// What the program itself may still load or read.
const SYSTEM: [&str; 7] =
    ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/ca-certificates", "/etc/ssl", "/dev/urandom"];
/// Name servers, where an answer is too long for a datagram.
const DNS: u16 = 53;

/// What stays within reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Within {
    /// Folders to read and write.
    pub write: Vec<PathBuf>,
    /// Files and folders to read.
    pub read: Vec<PathBuf>,
    /// TCP ports to dial.
    pub dial: Vec<u16>,
    /// TCP ports to listen at.
    pub listen: Vec<u16>,
    /// Whether the service manager listens at an abstract socket, which else is out of reach.
    pub abstract_sockets: bool,
    /// The process runs as root, for whom every file is readable: then of `/etc` the named files alone.
    pub root: bool,
}

/// Shuts the calling thread, and all it starts from now on, into `within`. Says in a line what holds.
///
/// # Errors
/// The kernel has Landlock and refuses all the same.
pub fn confine(within: &Within) -> Result<String, RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let write: BitFlags<AccessFs> = AccessFs::from_all(KNOWN) & !BitFlags::from(AccessFs::Execute);
    let mut scope = BitFlags::from(Scope::Signal);
    if !within.abstract_sockets {
        scope |= Scope::AbstractUnixSocket;
    }
    let names: &[&str] = if within.root { &NAMES } else { &["/etc", "/run/systemd/resolve", "/run/resolvconf"] };
    let own = |paths: &[PathBuf]| paths.iter().map(|p| folder(p).to_owned()).collect::<Vec<_>>();
    let port = |port: &u16, may: AccessNet| Ok::<_, RulesetError>(NetPort::new(*port, may));
    let dial = within.dial.iter().chain([&DNS]);
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp)?
        .scope(scope)?
        .create()?
        .add_rules(path_beneath_rules(own(&within.write), write))?
        .add_rules(path_beneath_rules(own(&within.read), read))?
        .add_rules(path_beneath_rules(names, read))?
        .add_rules(path_beneath_rules(SYSTEM, read))?
        .add_rules(path_beneath_rules(["/dev/null"], read | AccessFs::WriteFile))?
        .add_rules(dial.map(|p| port(p, AccessNet::ConnectTcp)))?
        .add_rules(within.listen.iter().map(|p| port(p, AccessNet::BindTcp)))?
        .restrict_self()?;
    Ok(told(&status))
}

/// The folder here, where a path names none.
fn folder(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

fn told(status: &RestrictionStatus) -> String {
    let abi = match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi as i32,
        LandlockStatus::NotEnabled => return "not at all: this kernel has Landlock switched off (lsm=)".to_owned(),
        LandlockStatus::NotImplemented => return "not at all: this kernel has no Landlock (Linux 5.13)".to_owned(),
    };
    let net = if abi >= 4 { ", the mail servers' ports" } else { "" };
    let scope = if abi >= 6 { ", no signals to others" } else { "" };
    match status.ruleset {
        RulesetStatus::NotEnforced => format!("not at all: Landlock {abi} took no rule"),
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => {
            format!("Landlock {abi}: own folders{net}{scope}")
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::net::{TcpListener, TcpStream};

    // a thread of its own is shut in, and no other
    fn shut_in<T: Send + 'static>(within: Within, act: impl FnOnce() -> T + Send + 'static) -> (String, T) {
        std::thread::spawn(move || (confine(&within).unwrap(), act())).join().unwrap()
    }

    #[test]
    fn what_lies_outside_is_out_of_reach() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, outside) = (folder.path().join("state"), folder.path().join("secret"));
        std::fs::create_dir(&inside).unwrap();
        std::fs::write(&outside, "canary").unwrap();
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let (open, shut) = (server.local_addr().unwrap(), other.local_addr().unwrap());
        let within = Within { write: vec![inside.clone()], dial: vec![open.port()], ..Within::default() };
        let (told, seen) = shut_in(within, move || {
            std::fs::write(inside.join("a"), "1").unwrap();
            std::fs::rename(inside.join("a"), inside.join("b")).unwrap();
            let may = [
                std::fs::read(&outside).is_ok(),
                std::fs::write(&outside, "").is_ok(),
                std::fs::read_dir("/home").is_ok(),
                TcpStream::connect(shut).is_ok(),
                TcpListener::bind("127.0.0.1:0").is_ok(),
                std::process::Command::new("/bin/true").status().is_ok(),
            ];
            (std::fs::read(inside.join("b")).is_ok(), TcpStream::connect(open).is_ok(), may)
        });
        let abi = told.strip_prefix("Landlock ").and_then(|t| t.split(':').next()).and_then(|n| n.parse::<i32>().ok());
        let files = abi.is_none();
        let net = abi.is_none_or(|abi| abi < 4);
        assert_eq!(seen, (true, true, [files, files, files, net, net, files]), "{told}");
    }

    #[test]
    fn names_can_be_resolved_and_a_shadow_file_is_not_read_even_by_root() {
        use std::net::ToSocketAddrs;
        let (told, (found, shadow)) = shut_in(Within { root: true, ..Within::default() }, || {
            (
                ("localhost", 25).to_socket_addrs().map(|mut all| all.next().is_some()),
                std::fs::read("/etc/shadow").is_ok(),
            )
        });
        assert!(found.unwrap(), "{told}");
        assert!(!shadow || told.starts_with("not at all"), "{told}");
    }
}

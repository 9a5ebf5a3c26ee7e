//! The daemon as a process: what it tells the service manager, how it stops, what it can't reach, and how it starts
//! among many groups.

mod crowd;
mod house;
mod mails;
mod prompts;
#[path = "kills/seconds.rs"]
mod seconds;
mod unit;

use house::{House, Stuck};
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::{Duration, Instant};

/// A service manager that listens.
struct Manager(UnixDatagram);

impl Manager {
    fn at(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self(socket)
    }

    /// What is said next, the signs of life in between left out.
    fn hears(&self) -> String {
        loop {
            let mut said = [0; 256];
            let length = self.0.recv(&mut said).expect("a word within 30 s");
            let said = String::from_utf8_lossy(&said[..length]).into_owned();
            if said != "WATCHDOG=1" {
                return said;
            }
        }
    }

    /// A sign of life.
    fn is_told(&self, word: &str) {
        loop {
            let mut said = [0; 256];
            let length = self.0.recv(&mut said).expect("a word within 30 s");
            if &said[..length] == word.as_bytes() {
                return;
            }
        }
    }
}

#[test]
fn the_service_manager_hears_ready_signs_of_life_reloads_and_the_end() {
    let house = House::new();
    house.live();
    let manager = Manager::at(&house.path("notify"));
    let daemon = house.daemon(&[("NOTIFY_SOCKET", house.path("notify").to_str().unwrap())], &[]);
    assert_eq!(manager.hears(), "READY=1");
    house.run(&["healthcheck"]).ends(0);
    manager.is_told("WATCHDOG=1");
    house.run(&["reload"]).ends(0);
    assert_eq!([manager.hears(), manager.hears()], ["RELOADING=1", "READY=1"]);
    let (code, log) = daemon.stop();
    assert_eq!((manager.hears().as_str(), code), ("STOPPING=1", 0), "{log}");
    let said = house.run(&["healthcheck"]).ends(1);
    assert!(said.err.contains("no daemon runs. Start it: codevd run"), "{}", said.err);
}

#[test]
fn a_manager_at_an_abstract_socket_is_reached_from_within_too() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;
    let house = House::new();
    let name = format!("codevd-test-{}", std::process::id());
    let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let _daemon = house.daemon(&[("NOTIFY_SOCKET", &format!("@{name}"))], &[]);
    Manager(manager).is_told("READY=1");
}

#[test]
fn asked_to_stop_while_a_server_says_nothing_it_ends_within_seconds_and_the_mail_is_tried_again() {
    // before the final dot nothing was accepted: tried again. After it nobody knows: in doubt
    for (stage, state) in [("MAIL FROM", "queued"), (".", "in_doubt")] {
        let server = Stuck::at(stage);
        let house = House::with(&server.url());
        house.live();
        let all = house.outbox("queued");
        let mut daemon = house.daemon(&[], &[]);
        server.is_stuck();
        let asked = Instant::now();
        daemon.ask_to_stop();
        let (code, log) = daemon.end();
        let took = asked.elapsed();
        assert_eq!(code, 0, "{log}");
        assert!(took < Duration::from_secs(8), "{stage}: {took:?}");
        assert_eq!(house.outbox("sending"), 0, "{stage}\n{log}");
        assert_eq!(house.outbox("sent") + house.outbox("refused"), 0, "{stage}\n{log}");
        match state {
            "queued" => assert_eq!(house.outbox("queued"), all, "{log}"),
            _ => assert_eq!((house.outbox("queued"), house.outbox("in_doubt")), (all - 1, 1), "{log}"),
        }
    }
}

#[test]
fn the_daemon_can_not_read_what_lies_outside_its_own_folders() {
    let (house, outside) = (House::new(), tempfile::tempdir().unwrap());
    let canary = outside.path().join("shadow");
    fs::write(&canary, "root:$6$canary\n").unwrap();
    fs::create_dir_all(house.path("templates/fr")).unwrap();
    fs::write(house.path("codevd.toml"), format!("templates = \"templates\"\n{}", house.config())).unwrap();
    house.live();
    // its own folder of templates leads to it: what reads the folder reads the canary, if it can
    let lure = |there: bool| {
        let link = house.path("templates/fr/lure.txt");
        let _ = fs::remove_file(&link);
        if there {
            std::os::unix::fs::symlink(&canary, link).unwrap();
        }
    };
    lure(false);
    let confined = house.daemon(&[], &[]);
    house.run(&["reload"]).ends(0);
    lure(true);
    let told = house.run(&["reload"]);
    let (_, log) = confined.stop();
    if log.contains("confined=\"not at all") {
        eprintln!("skipped: {log}");
        return;
    }
    assert!(log.contains("confined=\"Landlock "), "{log}");
    assert!(told.code == 1 && told.err.contains("lure.txt: Permission denied"), "{}", told.err);
    assert!(told.err.contains("the daemon goes on with what it had"), "{}", told.err);
    // the same without walls: what stopped it were the walls
    lure(false);
    let open = house.daemon(&[], &["--unconfined"]);
    lure(true);
    let told = house.run(&["reload"]);
    assert!(!told.err.contains("Permission denied"), "{}", told.err);
    assert!(open.stop().1.contains("--unconfined"));
}

#[test]
fn templates_and_formats_change_while_the_daemon_runs_and_a_mistake_changes_nothing() {
    let house = House::new();
    for folder in ["templates/fr/_own", "formats"] {
        fs::create_dir_all(house.path(folder)).unwrap();
    }
    fs::write(
        house.path("codevd.toml"),
        format!("templates = \"templates\"\nformats = \"formats\"\n{}", house.config()),
    )
    .unwrap();
    house.live();
    let mut daemon = house.daemon(&[], &[]);
    // a format that is there from now on
    let text = house.run(&["format", "show", "1h30", "--file"]).ends(0).out;
    fs::write(house.path("formats/ours.toml"), &text).unwrap();
    house.run(&["format", "check", "formats/ours.toml"]).ends(0);
    assert!(house.run(&["reload"]).ends(0).out.contains("read anew"));
    let group = fs::read_to_string(house.path("lyon.toml")).unwrap().replace("\"1h30\"", "\"ours\"");
    fs::write(house.path("lyon.toml"), group).unwrap();
    house.run(&["group", "apply", "lyon.toml", "--yes"]).ends(0);
    // one with a mistake is told with its line, and what was good stays
    fs::write(house.path("formats/ours.toml"), text.replace("\"8m\"", "\"eight\"")).unwrap();
    let told = house.run(&["reload"]).ends(1).err;
    assert!(told.contains("formats/ours.toml:") && told.contains("eight"), "{told}");
    assert_eq!(house.run(&["format", "check", "formats/ours.toml"]).code, 3);
    house.run(&["healthcheck"]).ends(0);
    // by a signal too, where no terminal could hang up
    fs::write(house.path("formats/ours.toml"), &text).unwrap();
    daemon.signal("HUP");
    daemon.says("were read anew");
    let (code, log) = daemon.stop();
    assert!(code == 0 && log.contains("stay as they were") && !log.contains("set aside"), "{log}");
}

#[test]
fn neither_the_log_nor_what_the_processes_show_holds_the_password_or_the_key() {
    let server = Stuck::at("MAIL FROM");
    let house = House::with(&server.url());
    fs::write(house.path("secret"), "hunter2-canary\n").unwrap();
    fs::write(
        house.path("codevd.toml"),
        house.config().replace("[pace]", "user = \"codev\"\npassword_file = \"secret\"\n[pace]"),
    )
    .unwrap();
    house.live();
    let key = fs::read_to_string(house.path("codevd.db.key")).unwrap();
    let daemon = house.daemon(&[], &["-vvv"]);
    house.run(&["check", "--offline"]);
    let shown = fs::read(format!("/proc/{}/cmdline", daemon.pid())).unwrap();
    let shown = shown.iter().map(|b| char::from(*b)).collect::<String>();
    let (_, log) = daemon.stop();
    for secret in ["hunter2-canary", key.trim(), "aHVudGVyMi1jYW5hcnk"] {
        assert!(!log.contains(secret) && !shown.contains(secret), "{log}");
    }
}

#[test]
fn a_password_that_everybody_may_read_is_told_with_what_to_do() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::new();
    fs::write(house.path("secret"), "hunter2-canary\n").unwrap();
    let with = "user = \"codev\"\npassword_file = \"secret\"\n[pace]";
    fs::write(house.path("codevd.toml"), house.config().replace("[pace]", with)).unwrap();
    for (mode, told) in [(0o644, true), (0o660, true), (0o604, true), (0o600, false), (0o640, false)] {
        fs::set_permissions(house.path("secret"), fs::Permissions::from_mode(mode)).unwrap();
        let said = house.run(&["check", "--offline"]).out;
        assert_eq!(said.contains("secret is too open (mode"), told, "{mode:o}: {said}");
        assert_eq!(said.contains("Do: chmod 600"), told, "{said}");
    }
}

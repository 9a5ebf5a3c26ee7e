//! Setting up as people do it: `init`, `plan`, going live, a first mail, a rehearsal.

use crate::program;
use program::codevd;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const PEOPLE: &str = "Ana Lopes <ana@example.com>, Bo Nilsson <bo@example.com>; chloe.martin@example.org, \
    David Roux <david@example.org>, Éric Petit <eric@example.org>";

const ALL_SAID: [&str; 13] = [
    "init",
    "--address",
    "codev@assoc.example",
    "--provider",
    "infomaniak",
    "--group",
    "Codev Nord",
    "--members",
    PEOPLE,
    "--facilitator",
    "Marie Dupont <marie@example.org>",
    "--zone",
    "Europe/Brussels",
];

#[test]
fn what_init_writes_passes_the_check_at_once_and_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let first = codevd(folder.path(), &ALL_SAID).ends(0);
    assert!(first.out.contains("written: codevd.toml, groups/codev-nord.toml, codev.password"), "{}", first.out);
    assert!(first.out.ends_with("Next: codevd check groups/codev-nord.toml\n"), "{}", first.out);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(folder.path().join("codev.password")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let check =
        codevd(folder.path(), &["check", "--offline", "groups/codev-nord.toml", "--json"]).ends(0).data("check");
    assert_eq!(check["errors"], 0, "{check}");
    let text = check.to_string();
    assert!(text.contains("Codev Nord (codev-nord), 6 people"), "{text}");
    let before = fs::read_to_string(folder.path().join("codevd.toml")).unwrap();
    assert!(before.contains("smtps://mail.infomaniak.com:465") && before.contains("per_day = 1440"), "{before}");
    let again = codevd(folder.path(), &ALL_SAID).ends(1);
    assert!(again.err.contains("codevd.toml is there already"), "{}", again.err);
    assert_eq!(fs::read_to_string(folder.path().join("codevd.toml")).unwrap(), before);
}

#[test]
fn without_a_terminal_each_missing_flag_is_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let said = codevd(folder.path(), &["init", "--group", "Nord"]).ends(2);
    for flag in ["--address", "--provider", "--members", "--facilitator", "--zone (--yes takes \"Europe/Paris\")"] {
        assert!(said.err.contains(flag), "{flag}: {}", said.err);
    }
    assert!(!said.err.contains("--group"), "{}", said.err);
    let said = codevd(folder.path(), &["init", "--yes"]).ends(2);
    assert!(said.err.contains("say --address") && !said.err.contains("--zone"), "{}", said.err);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn init_takes_defaults_and_says_what_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let short = ["init", "house", "--yes", "--address", "codev.nord@gmail.com", "--members", PEOPLE];
    let dry = codevd(folder.path(), &[&short[..], &["--dry-run"]].concat()).ends(0);
    assert!(dry.out.contains("would write house/codevd.toml") && !folder.path().join("house").exists(), "{}", dry.out);
    let said = codevd(folder.path(), &short).ends(0);
    assert!(said.out.contains("apppasswords") && said.out.contains("--config house/codevd.toml check"), "{}", said.out);
    let group = fs::read_to_string(folder.path().join("house/groups/codev.toml")).unwrap();
    // the first member leads, and has their turn too
    assert!(group.contains("facilitators = [\"ana@example.com\"]\n"), "{group}");
    assert!(group.contains("\nfacilitators_in_circle = true\n") && group.contains("timezone = \"Europe/Paris\""));
    let args = ["--config", "house/codevd.toml", "check", "--offline", "house/groups/codev.toml"];
    codevd(folder.path(), &args).ends(0);
    let wrong: [(&[&str], &str); 5] = [
        (&["--members", "Ana <ana@x.org>"], "1 people in the circle"),
        (&["--members", "Ana Lopes"], "--members: no mail address in \"Ana Lopes\""),
        (&["--members", PEOPLE, "--provider", "gmial"], "did you mean gmail?"),
        (&["--members", PEOPLE, "--schedule", "second tusday 18:00"], "tuesday"),
        (&["--members", PEOPLE, "--facilitator", "codev@x.org"], "own"),
    ];
    for (more, told) in wrong {
        let args = [&["init", "other", "--yes", "--address", "codev@x.org"], more].concat();
        let said = codevd(folder.path(), &args).ends(2);
        assert!(said.err.contains(told), "{told}: {}", said.err);
    }
    assert!(!folder.path().join("other").exists());
}

/// A house whose mail server takes all, with a group applied but not live.
fn applied(port: u16) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "database = \"codevd.db\"\n[mailbox]\naddress = \"codev@example.org\"\n\
         [smtp]\nurl = \"smtp://127.0.0.1:{port}\"\n[pace]\nper_minute = 6000\n"
    );
    fs::write(folder.path().join("codevd.toml"), config).unwrap();
    // whatever the day of the test: one meeting is within reach of its invitation, and no second
    let day = match chrono::Datelike::day(&(chrono::Utc::now() + chrono::Days::new(10))) {
        late @ 29.. => late - 28,
        day => day,
    };
    let group = include_str!("../config/group.example.toml")
        .replace("\nschedule = \"second tuesday 18:00\"", &format!("\nschedule = \"0 0 18 {day} * *\""));
    assert!(group.contains(&format!("0 0 18 {day} ")));
    fs::write(folder.path().join("lyon.toml"), group).unwrap();
    let said = codevd(folder.path(), &["group", "apply", "lyon.toml", "--yes"]).ends(0);
    assert!(said.out.contains("Next: codevd group go-live codev-lyon"), "{}", said.out);
    folder
}

fn mails(folder: &Path) -> Vec<Value> {
    codevd(folder, &["mail", "queue", "--all", "--json"]).ends(0).data("mail queue")["mails"]
        .as_array()
        .unwrap()
        .clone()
}

#[test]
fn the_plan_tells_every_mail_in_eighty_columns_and_changes_nothing() {
    let house = applied(9);
    let before = fs::read(house.path().join("codevd.db")).unwrap();
    let said = codevd(house.path(), &["plan", "--next", "90d"]).ends(0);
    assert!(
        said.out.contains("nobody is taken to answer: an answer changes what follows")
            && said.out.contains("as if it went live now"),
        "{}",
        said.out
    );
    assert!(said.out.lines().all(|l| l.chars().count() <= 80), "{}", said.out);
    for mail in [
        "invitation (M03) of meeting 1 on ",
        "subject request (M04)",
        "no subject (M07)",
        "to all 7",
        "step prompt contributions (S) of meeting 1",
        "digest (M24) of meeting 1",
        "invitation (M03) of meeting 2",
    ] {
        assert!(said.out.contains(mail), "{mail}: {}", said.out);
    }
    let args = ["plan", "codev-lyon", "--next", "90d", "--show", "--to", "ana", "--json"];
    let data = codevd(house.path(), &args).ends(0).data("plan");
    assert_eq!(data["assumes"], "nobody answers");
    let all = data["groups"][0]["mails"].as_array().unwrap();
    assert!(all.len() > 20 && all.iter().all(|m| m["to"] == "ana@example.com"), "{data}");
    assert!(all.iter().all(|m| m["text"].as_str().unwrap().len() > 40 && m["subject"] != ""), "{data}");
    let times: Vec<&str> = all.iter().map(|m| m["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    let shown = codevd(house.path(), &["plan", "--next", "12h", "--show"]).ends(0).out;
    assert!(
        shown.contains("    | Subject: [Codev Lyon] ") && shown.lines().all(|l| l.chars().count() <= 80),
        "{shown}"
    );
    codevd(house.path(), &["plan", "--next", "soon"]).ends(2);
    codevd(house.path(), &["plan", "lion"]).ends(1);
    assert_eq!(fs::read(house.path().join("codevd.db")).unwrap(), before);
}

#[test]
fn until_it_goes_live_a_group_is_shown_to_its_facilitator_alone() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut office, port) = runtime.block_on(codevd::demo::post_office::PostOffice::start(0)).unwrap();
    let house = applied(port);
    codevd(house.path(), &["run", "--once"]).ends(0);
    let mut seen = 0;
    while let Some(mail) = office.try_next() {
        assert_eq!(mail.rcpt_to, ["marie@example.org"]);
        let letter = codevd::mail::letter(&mail.bytes);
        assert!(letter.subject.starts_with("Aperçu pour "), "{}", letter.subject);
        let text = String::from_utf8_lossy(&mail.bytes);
        assert!(!text.contains("text/calendar"), "{text}");
        seen += 1;
    }
    assert!(seen >= 3, "one of each part");
    let keys: Vec<String> = mails(house.path()).iter().map(|m| m["draft_key"].as_str().unwrap().to_owned()).collect();
    assert!(keys.iter().all(|k| k.split('/').count() == 7), "{keys:?}");
    // nothing changed in the group, and nothing is shown twice
    let group = codevd(house.path(), &["group", "show", "codev-lyon", "--json"]).ends(0).data("group show");
    assert_eq!((&group["live"], group["meetings"].as_array().unwrap().len()), (&false.into(), 0));
    assert!(codevd(house.path(), &["run", "--once"]).ends(0).out.contains("mails sent: 0,"));
    assert!(office.try_next().is_none());

    let dry = codevd(house.path(), &["group", "go-live", "codev-lyon", "--dry-run"]).ends(0);
    assert!(dry.out.contains("> mail     invitation (M03) of meeting 1 to Marie Dupont, Ana"), "{}", dry.out);
    codevd(house.path(), &["group", "go-live", "codev-lyon"]).ends(2);
    let said = codevd(house.path(), &["group", "go-live", "codev-lyon", "--yes"]).ends(0);
    assert!(said.out.contains("the group is live: mails go to everybody"), "{}", said.out);
    codevd(house.path(), &["run", "--once"]).ends(0);
    let mut receivers = std::collections::BTreeSet::new();
    while let Some(mail) = office.try_next() {
        receivers.extend(mail.rcpt_to);
    }
    assert_eq!(receivers.len(), 7, "{receivers:?}");
    let said = codevd(house.path(), &["group", "go-live", "codev-lyon"]).ends(0);
    assert!(said.out.contains("is live already"), "{}", said.out);
}

#[test]
fn a_test_mail_goes_the_whole_way_and_says_what_to_look_at() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut office, port) = runtime.block_on(codevd::demo::post_office::PostOffice::start(0)).unwrap();
    let house = applied(port);
    let dry = codevd(house.path(), &["mail", "test", "me@elsewhere.example", "--dry-run"]).ends(0);
    assert!(
        dry.out.contains("To: ") && dry.out.contains("method=REQUEST") && office.try_next().is_none(),
        "{}",
        dry.out
    );
    for (which, lang, sign) in
        [("invitation", "fr", "spf=pass"), ("prompt", "en", "notification"), ("digest", "fr", "plan")]
    {
        let args = ["mail", "test", "me@elsewhere.example", "--which", which, "--lang", lang];
        let said = codevd(house.path(), &args).ends(0);
        assert!(said.out.contains("sent to me@elsewhere.example") && said.out.contains(sign), "{}", said.out);
        let mail = office.try_next().expect("one mail");
        assert_eq!((mail.mail_from.as_str(), mail.rcpt_to[0].as_str()), ("codev@example.org", "me@elsewhere.example"));
        assert_eq!(String::from_utf8_lossy(&mail.bytes).contains("text/calendar"), which == "invitation");
    }
    assert!(office.try_next().is_none());
    let queue = mails(house.path());
    assert!(queue.iter().all(|m| m["to"] != "me@elsewhere.example"), "a test is in no outbox: {queue:?}");
    codevd(house.path(), &["mail", "test", "nobody"]).ends(2);
    let data = codevd(house.path(), &["mail", "test", "me@elsewhere.example", "--json"]).ends(0).data("mail test");
    assert_eq!((&data["outcome"], &data["sent"]), (&"sent".into(), &true.into()));
}

#[test]
fn a_test_mail_that_does_not_go_names_the_phase_and_a_remedy() {
    let house = applied(9);
    let said = codevd(house.path(), &["mail", "test", "me@elsewhere.example"]).ends(1);
    assert!(said.err.contains("not sent: ") && said.err.contains("127.0.0.1:9"), "{}", said.err);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let refusing = applied(listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            refuse(&mut stream);
        }
    });
    let said = codevd(refusing.path(), &["mail", "test", "me@elsewhere.example"]).ends(1);
    assert!(said.err.contains("refused at RCPT TO: 550 5.1.1 no such user"), "{}", said.err);
}

/// A server that knows no receiver.
fn refuse(stream: &mut std::net::TcpStream) {
    use std::io::{BufRead, BufReader, Write};
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let _ = stream.write_all(b"220 strict\r\n");
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap_or(0) > 0 {
        let said: &[u8] = if line.starts_with("RCPT") { b"550 5.1.1 no such user\r\n" } else { b"250 yes\r\n" };
        let _ = stream.write_all(said);
        line.clear();
    }
}

/// A house with a live group, whose mail server takes all.
fn live(port: u16) -> tempfile::TempDir {
    let house = applied(port);
    codevd(house.path(), &["group", "go-live", "codev-lyon", "--yes"]).ends(0);
    house
}

#[test]
fn a_rehearsal_writes_to_one_address_and_never_to_a_member() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut office, port) = runtime.block_on(codevd::demo::post_office::PostOffice::start(0)).unwrap();
    let house = live(port);
    codevd(house.path(), &["run", "--once", "--redirect-all-to", "nobody"]).ends(2);
    codevd(house.path(), &["run", "--once", "--redirect-all-to", "me@elsewhere.example"]).ends(0);
    let mut named = std::collections::BTreeSet::new();
    while let Some(mail) = office.try_next() {
        assert_eq!(mail.rcpt_to, ["me@elsewhere.example"]);
        let letter = codevd::mail::letter(&mail.bytes);
        let text = String::from_utf8_lossy(&mail.bytes).into_owned();
        let to = text.lines().next().unwrap().strip_prefix("X-Codevd-Redirected-From: ").unwrap().to_owned();
        assert!(letter.subject.starts_with(&format!("[to {to}] [Codev Lyon]")), "{}", letter.subject);
        named.insert(to);
    }
    assert_eq!(named.len(), 7, "{named:?}");
    let sent: Vec<Value> = mails(house.path()).into_iter().filter(|m| m["state"] == "sent").collect();
    assert!(
        sent.len() == 8
            && sent.iter().all(|m| m["last_reply"].as_str().unwrap().ends_with("(redirected to me@elsewhere.example)"))
    );
}

#[test]
fn mail_that_is_held_waits_until_it_is_released() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut office, port) = runtime.block_on(codevd::demo::post_office::PostOffice::start(0)).unwrap();
    let house = live(port);
    assert!(codevd(house.path(), &["run", "--once", "--hold"]).ends(0).out.contains("mails sent: 0,"));
    assert!(codevd(house.path(), &["run", "--once"]).ends(0).out.contains("mails sent: 0,"), "a hold outlives a start");
    let said = codevd(house.path(), &["status"]).ends(3);
    assert!(said.out.contains("all mail is held since") && said.out.contains("started with --hold"), "{}", said.out);
    let dry = codevd(house.path(), &["mail", "release", "--dry-run"]).ends(0);
    assert!(dry.out.contains("nothing was changed"), "{}", dry.out);
    let said = codevd(house.path(), &["mail", "release"]).ends(0);
    assert!(said.out.starts_with("mail leaves again; 8 mails wait"), "{}", said.out);
    assert!(office.try_next().is_none());
    assert!(codevd(house.path(), &["run", "--once"]).ends(0).out.contains("mails sent: 8,"));
    assert!(office.try_next().is_some());
    assert!(codevd(house.path(), &["mail", "release"]).ends(0).out.contains("mail is not held"));
    codevd(house.path(), &["mail", "hold", "the office moves"]).ends(0);
    let held = codevd(house.path(), &["status", "--json"]).ends(3).data("status")["held"].clone();
    assert_eq!(held["why"], "the office moves");
}

#[test]
fn a_burst_that_no_plan_foresaw_holds_the_outbox() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut office, port) = runtime.block_on(codevd::demo::post_office::PostOffice::start(0)).unwrap();
    let house = live(port);
    let config = fs::read_to_string(house.path().join("codevd.toml")).unwrap() + "unforeseen = 5\n";
    fs::write(house.path().join("codevd.toml"), config).unwrap();
    // what waits since the start was foreseen and leaves
    assert!(codevd(house.path(), &["run", "--once"]).ends(0).out.contains("mails sent: 8,"));
    while office.try_next().is_some() {}
    // a place for all, changed twice in the file: seven updates each, which nobody planned
    let daemon = Daemon::start(house.path());
    let place =
        fs::read_to_string(house.path().join("lyon.toml")).unwrap().replace("meet.example.org", "other.example.org");
    fs::write(house.path().join("lyon.toml"), place).unwrap();
    codevd(house.path(), &["group", "apply", "lyon.toml", "--yes"]).ends(0);
    let said = codevd(house.path(), &["status"]).ends(3);
    assert!(said.out.contains("7 mails within a minute that no plan foresaw, more than 5"), "{}", said.out);
    drop(daemon);
}

/// A daemon that is ready; it ends with the test.
struct Daemon(std::process::Child);

impl Daemon {
    fn start(folder: &Path) -> Self {
        use std::io::BufRead;
        let mut command = Command::new(env!("CARGO_BIN_EXE_codevd"));
        command.arg("run").current_dir(folder).env_remove("CODEVD_CONFIG").stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = std::io::BufReader::new(child.stderr.take().unwrap());
        let mut lines = log.lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("ready")));
        std::thread::spawn(move || lines.for_each(drop));
        Self(child)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn one_template_is_changed_by_one_file_and_a_mistake_in_it_is_told_with_its_line() {
    let house = applied(9);
    let config = fs::read_to_string(house.path().join("codevd.toml")).unwrap();
    fs::write(house.path().join("codevd.toml"), format!("templates = \"own\"\n{config}")).unwrap();
    let folder = house.path().join("own/fr/invitation");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("subject.txt"), "Rendez-vous le {{ meeting.date }}\n").unwrap();
    let check = || codevd(house.path(), &["check", "--offline"]);
    assert!(check().ends(0).out.contains("mails in en, fr, 1 files of your own"));
    let shown = codevd(house.path(), &["plan", "--next", "12h", "--show"]).ends(0).out;
    let days = ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"];
    let said = |day: &&str| shown.contains(&format!("Subject: [Codev Lyon] Rendez-vous le {day}"));
    assert!(days.iter().any(said), "{shown}");
    // a value that is not there shows only when the mail is written; a broken tag at once
    for (text, told) in [
        ("Rendez-vous\nle {{ meeting.dat }}\n", "own/fr/invitation/subject.txt:2:"),
        ("Rendez-vous le {{ metting.date }}\n", "own/fr/invitation/subject.txt:1:"),
        ("Rendez-vous le {{ meeting.date\n", "own/fr/invitation/subject.txt:"),
    ] {
        fs::write(folder.join("subject.txt"), text).unwrap();
        let said = check().ends(3);
        assert!(said.out.contains(told), "{told}: {}", said.out);
    }
    fs::write(folder.join("subject.txt"), "Rendez-vous\n").unwrap();
    fs::write(folder.join("txt.txt"), "nothing reads this\n").unwrap();
    assert!(check().ends(0).out.contains("fr/invitation/txt.txt takes the place of no file"));
}

#[test]
fn what_does_not_fit_a_quota_is_told_when_it_is_planned() {
    let house = applied(9);
    let said = codevd(house.path(), &["check", "--offline"]).ends(0);
    assert!(said.out.contains("what the provider allows is not known"), "{}", said.out);
    let config = fs::read_to_string(house.path().join("codevd.toml")).unwrap();
    let with = |pace: &str| {
        let text = config.replace("per_minute = 6000", pace);
        fs::write(house.path().join("codevd.toml"), text).unwrap();
        codevd(house.path(), &["check", "--offline"]).ends(0).out
    };
    let said = with("per_minute = 30\nper_hour = 200\nper_day = 500");
    assert!(said.contains("of 200 allowed") && said.contains("of 500 allowed"), "{said}");
    let said = with("per_minute = 3\nper_hour = 20\nper_day = 30");
    assert!(said.contains("the provider lets 20 go") && said.contains("the provider lets 30 go"), "{said}");
    assert!(said.contains("7 prompts are due in one minute"), "{said}");
}

//! Sending and fetching against real Postfix and Dovecot.

use crate::interop;
use codevd::transport::imap::{Imap, ImapSettings, SentFolder, Taken};
use codevd::transport::maildir::Maildir;
use codevd::transport::smtp::{Delivery, Envelope, Lasting, Phase, Smtp, SmtpSettings, Timeouts};
use codevd::transport::{Fetched, Secret, Security};
use interop::{EVERYONE, Servers};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(20);

fn smtp_settings(servers: &Servers, port: u16, security: Security) -> SmtpSettings {
    SmtpSettings {
        host: servers.host.into(),
        port,
        security,
        login: Some((servers.address("codev"), Secret::new(servers.password))),
        hello_name: "codevd.example.test".into(),
        ca: Some(servers.ca.clone()),
        timeouts: Timeouts::default(),
    }
}

fn sender(servers: &Servers) -> Smtp {
    Smtp::new(smtp_settings(servers, servers.submissions, Security::Implicit)).unwrap()
}

fn imap_settings(servers: &Servers, user: &str) -> ImapSettings {
    let password = Secret::new(servers.password);
    let mut settings = ImapSettings::new(servers.host, servers.address(user), password);
    settings.port = servers.imaps;
    settings.ca = Some(servers.ca.clone());
    settings
}

fn mail(subject: &str) -> Vec<u8> {
    format!(
        "From: codev@example.test\r\nDate: Thu, 26 Nov 2026 09:00:00 +0100\r\nSubject: {subject}\r\nMessage-ID: <{subject}@example.test>\r\n\r\n\
         .a dot first\r\n.\r\nÉtape 1\r\n"
    )
    .into_bytes()
}

async fn send(servers: &Servers, smtp: &mut Smtp, to: &str, bytes: &[u8]) -> Delivery {
    let envelope = Envelope::new(servers.address("codev"), servers.address(to)).unwrap();
    smtp.send(&envelope, bytes).await
}

fn accepted(delivery: &Delivery) -> bool {
    matches!(delivery, Delivery::Accepted { .. })
}

/// Fetches until this many mails are there.
async fn fetch(imap: &mut Imap, count: usize) -> Vec<Fetched> {
    let begin = Instant::now();
    loop {
        let mails = imap.fetch_new().await.unwrap();
        if mails.len() >= count {
            return mails;
        }
        assert!(begin.elapsed() < SOON, "{} of {count} mails came", mails.len());
        imap.wait(Duration::from_secs(2)).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs Postfix and Dovecot: .ci/run runs it"]
async fn smtp_with_implicit_tls_and_starttls() {
    let servers = Servers::start(&EVERYONE);
    let mut imap = Imap::connect(imap_settings(&servers, "ana")).await.unwrap();
    for (port, security, subject) in
        [(servers.submissions, Security::Implicit, "implicit"), (servers.submission, Security::StartTls, "starttls")]
    {
        let mut smtp = Smtp::new(smtp_settings(&servers, port, security)).unwrap();
        let told = smtp.check().await.unwrap();
        assert!(told.contains("TLS 1.3") && told.contains("login of codev@example.test"), "{told}");
        // a tag behind the + arrives as well
        let delivery = send(&servers, &mut smtp, "ana+T1abc", &mail(subject)).await;
        assert!(accepted(&delivery), "{delivery:?}");
        smtp.quit().await;
        let mails = fetch(&mut imap, 1).await;
        let bytes = &mails[0].bytes;
        assert!(bytes.ends_with(&mail(subject)), "{}", String::from_utf8_lossy(bytes));
        imap.taken(&mails[0].place).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs Postfix and Dovecot: .ci/run runs it"]
async fn the_sent_folder_is_found_by_its_mark_and_searched() {
    let servers = Servers::start(&["codev"]);
    let mut sent = SentFolder::new(imap_settings(&servers, "codev"), None).unwrap();
    let id = |n: u32| format!("aaaaaaaaaaaaaaaa-{n}@example.test");
    let ids: Vec<String> = (1..=3).map(id).collect();
    assert_eq!(sent.holds(&ids).await.unwrap(), Some(BTreeSet::new()));
    // as a provider does it: one mail as it is, one with a Message-ID of the provider's own
    let folder = servers.maildir("codev").join(".Sent/new");
    std::fs::create_dir_all(&folder).unwrap();
    let own = format!("Message-ID: <{}>\r\nSubject: a\r\n\r\nx\r\n", id(1));
    let other = format!("Message-ID: <other@provider>\r\nReferences: <x@y>\r\n <{}>\r\n\r\nx\r\n", id(3));
    for (name, text) in [("1.a.host", own), ("2.b.host", other)] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    let _ = std::fs::set_permissions(&folder, mode);
    let held = sent.holds(&ids).await.unwrap().unwrap();
    assert_eq!(held, BTreeSet::from([id(1), id(3)]));
    let told = SentFolder::new(imap_settings(&servers, "codev"), Some("Nowhere".into())).unwrap().holds(&ids).await;
    let told = told.unwrap_err().to_string();
    assert!(told.contains("opening the Sent folder was refused"), "{told}");
}

#[tokio::test]
#[ignore = "needs Postfix and Dovecot: .ci/run runs it"]
async fn smtp_errors_are_told_with_their_remedy() {
    let servers = Servers::start(&["codev"]);
    let mut wrong = smtp_settings(&servers, servers.submissions, Security::Implicit);
    wrong.login = Some((servers.address("codev"), Secret::new("wrong")));
    let mut smtp = Smtp::new(wrong.clone()).unwrap();
    let told = smtp.check().await.unwrap_err().to_string();
    assert!(told.contains("logging in was refused: 535 5.7.8"), "{told}");
    let delivery = send(&servers, &mut smtp, "codev", &mail("x")).await;
    assert!(
        matches!(delivery, Delivery::Refused { phase: Phase::Auth, lasting: Lasting::Temporary, .. }),
        "{delivery:?}"
    );

    let mut stranger = smtp_settings(&servers, servers.submissions, Security::Implicit);
    stranger.ca = None;
    let told = Smtp::new(stranger).unwrap().check().await.unwrap_err().to_string();
    assert!(told.contains("issuer is unknown"), "{told}");

    let mut other_name = smtp_settings(&servers, servers.submissions, Security::Implicit);
    other_name.host = "127.0.0.2".into();
    let told = Smtp::new(other_name).unwrap().check().await.unwrap_err().to_string();
    assert!(told.contains("127.0.0.2"), "{told}");

    let clear = smtp_settings(&servers, servers.submission, Security::Implicit);
    let told = Smtp::new(clear).unwrap().check().await.unwrap_err().to_string();
    assert!(told.contains("does not speak TLS from the first byte"), "{told}");

    let mut tls = smtp_settings(&servers, servers.submissions, Security::StartTls);
    tls.timeouts.greeting = Duration::from_secs(1);
    let told = Smtp::new(tls).unwrap().check().await.unwrap_err().to_string();
    assert!(told.contains("wants implicit TLS"), "{told}");

    // the port for other servers offers no login
    let login = smtp_settings(&servers, servers.smtp, Security::Plain);
    let told = Smtp::new(login).unwrap().check().await.unwrap_err().to_string();
    assert!(told.contains("offers no login"), "{told}");
}

#[tokio::test]
#[ignore = "needs Postfix and Dovecot: .ci/run runs it"]
async fn fifty_mails_over_one_connection_and_one_refused_receiver() {
    let servers = Servers::start(&EVERYONE);
    let mut smtp = sender(&servers);
    let delivery = send(&servers, &mut smtp, "nobody", &mail("lost")).await;
    let Delivery::Refused { phase: Phase::Rcpt, lasting: Lasting::Permanent, code, .. } = delivery else {
        panic!("{delivery:?}")
    };
    assert_eq!(code.unwrap().to_string(), "5.1.1");
    let begin = Instant::now();
    for i in 0..50 {
        let to = EVERYONE[1 + i % 9];
        let delivery = send(&servers, &mut smtp, to, &mail(&format!("burst{i}"))).await;
        assert!(accepted(&delivery), "{delivery:?}");
    }
    let rate = 50.0 / begin.elapsed().as_secs_f64();
    println!("{rate:.0} mails/s over one connection");
    assert!(rate > 30.0, "{rate}: is TCP_NODELAY set?");
    smtp.quit().await;
    let logins = servers.log().matches("sasl_username").count();
    assert_eq!(logins, 50, "each mail is logged with the login");
    let connects = servers.log().matches(": connect from").count();
    assert_eq!(connects, 3 + 1, "one connection for all, beside the looks at the three ports");
    let mut imap = Imap::connect(imap_settings(&servers, "ana")).await.unwrap();
    assert_eq!(fetch(&mut imap, 6).await.len(), 6);
}

#[tokio::test]
#[ignore = "needs Postfix and Dovecot: .ci/run runs it"]
async fn imap_fetches_once_by_keyword_and_idle_wakes_up() {
    let servers = Servers::start(&["codev", "ana"]);
    let mut smtp = sender(&servers);
    for (port, security) in [(servers.imaps, Security::Implicit), (servers.imap, Security::StartTls)] {
        let mut settings = imap_settings(&servers, "ana");
        (settings.port, settings.security) = (port, security);
        let mut imap = Imap::connect(settings.clone()).await.unwrap();
        while !imap.fetch_new().await.unwrap().is_empty() {}
        let told = imap.check().await.unwrap();
        assert!(told.contains("INBOX holds") && told.contains("TLS 1.3"), "{told}");
        assert_eq!(imap.fetch_new().await.unwrap(), []);

        let begin = Instant::now();
        let (woken, delivery) = tokio::join!(imap.wait(Duration::from_secs(15)), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            send(&servers, &mut smtp, "ana", &mail("first")).await
        });
        woken.unwrap();
        assert!(accepted(&delivery), "{delivery:?}");
        let woken = begin.elapsed();
        println!("IDLE woke {:.0} ms after the mail was sent", woken.as_secs_f64() * 1e3 - 300.0);
        assert!(woken < Duration::from_secs(10), "{woken:?}");

        let mails = fetch(&mut imap, 1).await;
        assert_eq!(mails.len(), 1);
        assert!(mails[0].place.starts_with("INBOX;"), "{}", mails[0].place);
        assert!(!mails[0].truncated);
        assert_eq!(mails[0].size, mails[0].bytes.len() as u64);
        // not marked: it comes again, with another connection too
        let mut other = Imap::connect(settings).await.unwrap();
        assert_eq!(other.fetch_new().await.unwrap(), mails);
        imap.taken(&mails[0].place).await.unwrap();
        imap.taken(&mails[0].place).await.unwrap();
        imap.taken("INBOX;1;4000000").await.unwrap();
        assert_eq!(imap.fetch_new().await.unwrap(), []);
        assert_eq!(other.fetch_new().await.unwrap(), []);
        imap.logout().await;
        // a wait that ends without a mail
        assert_eq!(imap.fetch_new().await.unwrap(), []);
        imap.wait(Duration::from_millis(200)).await.unwrap();
        imap.wait(Duration::from_millis(200)).await.unwrap();
        // a wait that is cancelled costs the connection and nothing else
        let cancelled = tokio::time::timeout(Duration::from_millis(100), imap.wait(SOON)).await;
        assert!(cancelled.is_err());
        assert_eq!(imap.fetch_new().await.unwrap(), []);
    }
    // nothing was deleted, nothing marked as seen: both lie in the mailbox with the keyword alone
    let names: Vec<_> = std::fs::read_dir(servers.maildir("ana").join("cur"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names.iter().all(|name| name.ends_with(":2,a")), "{names:?}");
}

#[tokio::test]
#[ignore = "needs Postfix and Dovecot: .ci/run runs it"]
async fn imap_moves_to_a_folder() {
    let servers = Servers::start(&["codev", "ana"]);
    let mut smtp = sender(&servers);
    let mut settings = imap_settings(&servers, "ana");
    settings.taken = Taken::Folder("Taken mails".into());
    let mut imap = Imap::connect(settings.clone()).await.unwrap();
    for i in 0..3 {
        let delivery = send(&servers, &mut smtp, "ana", &mail(&format!("m{i}"))).await;
        assert!(accepted(&delivery), "{delivery:?}");
    }
    let mails = fetch(&mut imap, 3).await;
    imap.taken(&mails[1].place).await.unwrap();
    let left = imap.fetch_new().await.unwrap();
    assert_eq!(left, [mails[0].clone(), mails[2].clone()]);
    for mail in &left {
        imap.taken(&mail.place).await.unwrap();
    }
    assert_eq!(imap.fetch_new().await.unwrap(), []);
    // the folder is there already the second time, and holds all three
    let mut again = Imap::connect(settings.clone()).await.unwrap();
    assert_eq!(again.fetch_new().await.unwrap(), []);
    settings.mailbox = "Taken mails".into();
    settings.taken = Taken::Keyword("$codevd".into());
    let mut moved = Imap::connect(settings).await.unwrap();
    assert_eq!(moved.fetch_new().await.unwrap().len(), 3);
}

#[tokio::test]
#[ignore = "needs Postfix and Dovecot: .ci/run runs it"]
async fn a_mail_over_the_cap_comes_cut() {
    let servers = Servers::start(&["codev", "ana"]);
    let mut smtp = sender(&servers);
    let mut large = mail("large");
    large.extend(b"0123456789012345678901234567890123456789\r\n".repeat(12_000_000 / 42));
    for bytes in [&large, &mail("small")] {
        let delivery = send(&servers, &mut smtp, "ana", bytes).await;
        assert!(accepted(&delivery), "{delivery:?}");
    }
    let mut imap = Imap::connect(imap_settings(&servers, "ana")).await.unwrap();
    let begin = Instant::now();
    let mut mails = fetch(&mut imap, 2).await;
    println!("fetched in {:?}", begin.elapsed());
    mails.sort_by_key(|mail| mail.size);
    assert!(!mails[0].truncated);
    assert!(mails[1].truncated);
    assert!(mails[1].size > 12_000_000, "{}", mails[1].size);
    assert_eq!(mails[1].bytes.len(), 10_000_000);
    for mail in &mails {
        imap.taken(&mail.place).await.unwrap();
    }
    assert_eq!(imap.fetch_new().await.unwrap(), []);
}

#[tokio::test]
#[ignore = "needs Postfix and Dovecot: .ci/run runs it"]
async fn imap_errors_are_told_with_their_remedy() {
    let servers = Servers::start(&["codev"]);
    let good = imap_settings(&servers, "codev");
    let mut wrong = good.clone();
    wrong.password = Secret::new("hunter2");
    let told = Imap::connect(wrong).await.err().unwrap().to_string();
    assert!(told.contains("logging in was refused") && told.contains("Check the user name"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");

    let mut wrong = good.clone();
    wrong.mailbox = "Nowhere".into();
    let told = Imap::connect(wrong).await.err().unwrap().to_string();
    assert!(told.contains("opening the mailbox was refused") && told.contains("INBOX"), "{told}");

    let mut wrong = good.clone();
    wrong.ca = None;
    let told = Imap::connect(wrong).await.err().unwrap().to_string();
    assert!(told.contains("issuer is unknown"), "{told}");

    let mut wrong = good.clone();
    wrong.port = servers.imap;
    let told = Imap::connect(wrong).await.err().unwrap().to_string();
    assert!(told.contains("does not speak TLS from the first byte"), "{told}");

    let mut wrong = good;
    wrong.security = Security::StartTls;
    wrong.limit = Duration::from_secs(1);
    let told = Imap::connect(wrong).await.err().unwrap().to_string();
    assert!(told.contains("wants implicit TLS"), "{told}");
}

#[tokio::test]
#[ignore = "needs Postfix and Dovecot: .ci/run runs it"]
async fn a_maildir_that_dovecot_fills_is_read() {
    let servers = Servers::start(&["codev", "ana"]);
    let mut smtp = sender(&servers);
    let delivery = send(&servers, &mut smtp, "ana", &mail("to disk")).await;
    assert!(accepted(&delivery), "{delivery:?}");
    let mut imap = Imap::connect(imap_settings(&servers, "ana")).await.unwrap();
    fetch(&mut imap, 1).await;
    let mut maildir = Maildir::open(servers.maildir("ana")).unwrap();
    let mails = maildir.fetch_new().unwrap();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].bytes.starts_with(b"Return-Path: <codev@example.test>"));
    maildir.taken(&mails[0].place).unwrap();
    assert_eq!(maildir.fetch_new().unwrap(), []);
    assert_eq!(imap.fetch_new().await.unwrap(), []);
}

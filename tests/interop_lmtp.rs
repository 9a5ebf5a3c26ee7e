//! Real Postfix hands mail in by LMTP: it is on disk here before Postfix forgets it.

use crate::interop;
use codevd::daemon::edge::{Mailbox, SystemClock};
use codevd::daemon::{Clock, Incoming, Prover, receiver_step, shared};
use codevd::store::Store;
use codevd::transport::lmtp::{Listen, Lmtp, Terms};
use codevd::transport::smtp::{Delivery, Envelope, Smtp, SmtpSettings, Timeouts};
use codevd::transport::{Secret, Security};
use interop::Servers;
use std::time::Duration;

fn sender(servers: &Servers) -> Smtp {
    Smtp::new(SmtpSettings {
        host: servers.host.into(),
        port: servers.submissions,
        security: Security::Implicit,
        login: Some((servers.address("codev"), Secret::new(servers.password))),
        hello_name: "codevd.example.test".into(),
        ca: Some(servers.ca.clone()),
        timeouts: Timeouts::default(),
    })
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root, Postfix and Dovecot"]
async fn postfix_hands_mail_in_and_keeps_it_until_it_is_on_disk() {
    let servers = Servers::start(&["codev", "hall"]);
    let folder = tempfile::tempdir().unwrap();
    let store = shared(Store::open(folder.path().join("codevd.db")).unwrap());
    let terms = Terms { name: "codev.test".into(), address: servers.address("hall"), max_bytes: 10_000_000 };
    let lmtp = Lmtp::bind(Listen::Socket(servers.lmtp_socket(), 0o666), terms).unwrap();
    let mut mailbox = Mailbox::Lmtp(Box::new(lmtp));
    assert!(mailbox.fetch_new().await.unwrap().is_empty());
    let mut smtp = sender(&servers);
    let body = "From: codev@example.test\r\nTo: hall@example.test\r\nSubject: a\r\nMessage-ID: <a@example.test>\r\n\
        MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
        .a dot first\r\n.\r\nÉtape 1\r\n";
    let envelope = Envelope::new(servers.address("codev"), "hall+k7f3@example.test".to_owned()).unwrap();
    assert!(matches!(smtp.send(&envelope, body.as_bytes()).await, Delivery::Accepted { .. }));

    // the first attempt is not written: Postfix is told 451, and comes again with the same bytes
    mailbox.wait(Duration::from_secs(20)).await.unwrap();
    assert_eq!(mailbox.fetch_new().await.unwrap().len(), 1, "{}", servers.log());
    assert!(mailbox.fetch_new().await.unwrap().is_empty());
    for _ in 0..40 {
        mailbox.wait(Duration::from_secs(1)).await.unwrap();
        if receiver_step(&store, &mut mailbox, &Prover::default(), || SystemClock.now()).await.unwrap() > 0 {
            break;
        }
    }
    let rows = store.get().next_inbox(10).unwrap();
    assert_eq!(rows.len(), 1, "{}", servers.log());
    let text = String::from_utf8(rows[0].bytes.clone()).unwrap();
    assert!(
        text.starts_with("Return-Path: <codev@example.test>\r\nDelivered-To: hall+k7f3@example.test\r\n"),
        "{text}"
    );
    assert!(text.ends_with("\r\n.a dot first\r\n.\r\nÉtape 1\r\n"), "{text}");
    for _ in 0..100 {
        if servers.log().contains("status=sent (250 2.0.0 taken") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let log = servers.log();
    assert!(log.contains("451 4.3.0") && log.contains("status=sent (250 2.0.0 taken"), "{log}");
}

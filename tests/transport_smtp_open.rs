//! Opening an SMTP connection: STARTTLS, logins, wrong ports, and what people are told about them.

use crate::support;
use codevd::transport::smtp::{Delivery, Lasting, Phase, Smtp};
use codevd::transport::{Secret, Security};
use std::time::Duration;
use support::{MAIL, Step, ana, greeting, hear, say, scripted, sender, settings};

#[tokio::test]
async fn starttls_never_falls_back() {
    for (steps, refused) in [
        (greeting(), false),
        (
            vec![
                say("220 mx"),
                hear("EHLO"),
                say("250-mx"),
                say("250 STARTTLS"),
                hear("STARTTLS"),
                say("454 4.7.0 TLS not available"),
            ],
            true,
        ),
        // what a man in the middle injects behind the 220 is read as TLS, and ends the handshake
        (
            vec![
                say("220 mx"),
                hear("EHLO"),
                say("250 STARTTLS"),
                hear("STARTTLS"),
                Step::Say("220 go\r\n250 injected, and long enough to be a TLS record\r\n".into()),
            ],
            false,
        ),
    ] {
        let (port, server) = scripted(vec![[steps, vec![Step::Wait]].concat()]).await;
        let mut settings = settings(port);
        settings.security = Security::StartTls;
        settings.login = Some(("bot".into(), Secret::new("very secret")));
        let mut smtp = Smtp::new(settings).unwrap();
        match smtp.send(&ana(), MAIL).await {
            Delivery::Refused { phase: Phase::Tls, lasting: Lasting::Temporary, .. } => {
                assert!(refused);
            }
            Delivery::Unreached { phase: Phase::Tls, .. } => assert!(!refused),
            other => panic!("{other:?}"),
        }
        drop(smtp);
        let heard = server.await.unwrap().join("\n");
        for word in ["MAIL", "AUTH", "RCPT", "Subject"] {
            assert!(!heard.contains(word), "{heard}");
        }
    }
}

#[tokio::test]
async fn a_wrong_port_is_told_with_its_remedy() {
    // a server in clear text where implicit TLS was set
    let (port, _server) = scripted(vec![vec![say("220 mx ready"), Step::Wait]]).await;
    let mut wrong = settings(port);
    wrong.security = Security::Implicit;
    let told = Smtp::new(wrong).unwrap().check().await.unwrap_err().to_string();
    assert!(told.contains("does not speak TLS from the first byte"), "{told}");
    // a TLS server where clear text was set: it waits for a ClientHello
    let (port, _server) = scripted(vec![vec![Step::Wait]]).await;
    let mut wrong = settings(port);
    wrong.timeouts.greeting = Duration::from_millis(50);
    let told = Smtp::new(wrong).unwrap().check().await.unwrap_err().to_string();
    assert!(told.contains("wants implicit TLS"), "{told}");
    // nothing there at all
    let told = sender(1).check().await.unwrap_err().to_string();
    assert!(told.contains("127.0.0.1:1: connecting failed") && told.contains("Nothing listens"), "{told}");
}

#[tokio::test]
async fn a_refused_login_is_told_with_its_remedy_and_without_the_password() {
    let steps = vec![
        say("220 mx"),
        hear("EHLO"),
        say("250-mx"),
        say("250 AUTH LOGIN PLAIN"),
        hear("AUTH PLAIN"),
        say("535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled"),
        Step::Wait,
    ];
    let (port, _server) = scripted(vec![steps.clone(), steps]).await;
    let mut settings = settings(port);
    settings.login = Some(("bot".into(), Secret::new("hunter2")));
    let mut smtp = Smtp::new(settings.clone()).unwrap();
    let told = smtp.check().await.unwrap_err().to_string();
    assert!(told.contains("logging in was refused: 535 5.7.139"), "{told}");
    assert!(told.contains("Microsoft has switched off passwords"), "{told}");
    let delivery = smtp.send(&ana(), MAIL).await;
    assert!(
        matches!(delivery, Delivery::Refused { phase: Phase::Auth, lasting: Lasting::Temporary, .. }),
        "{delivery:?}"
    );
    let shown = format!("{told} {delivery:?} {settings:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn auth_login_is_spoken_and_its_refusal_told_at_once() {
    let steps = |last| {
        vec![
            say("220 mx"),
            hear("EHLO"),
            say("250-mx"),
            say("250 AUTH LOGIN"),
            hear("AUTH LOGIN"),
            say("334 VXNlcm5hbWU6"),
            hear("Ym90"),
            say("334 UGFzc3dvcmQ6"),
            hear("aHVudGVyMg=="),
            say(last),
            Step::Wait,
        ]
    };
    let (port, server) = scripted(vec![steps("235 2.7.0 ok"), steps("535 5.7.8 no")]).await;
    let mut settings = settings(port);
    settings.login = Some(("bot".into(), Secret::new("hunter2")));
    settings.timeouts.command = Duration::from_millis(50);
    let mut smtp = Smtp::new(settings).unwrap();
    // the script does not answer QUIT: that must not matter
    let limit = tokio::time::timeout(Duration::from_secs(8), smtp.check()).await;
    let told = limit.unwrap().unwrap();
    assert!(told.contains("accepts the login of bot"), "{told}");
    let told = smtp.check().await.unwrap_err().to_string();
    assert!(told.contains("535 5.7.8 no. Check the user name"), "{told}");
    server.await.unwrap();
}

#[tokio::test]
async fn a_server_without_passwords_is_told() {
    for (offer, words) in [("250 AUTH XOAUTH2 OAUTHBEARER", "OAuth2"), ("250 8BITMIME", "no login with a password")] {
        let steps = vec![say("220 mx"), hear("EHLO"), say("250-mx"), say(offer), Step::Wait];
        let (port, _server) = scripted(vec![steps]).await;
        let mut settings = settings(port);
        settings.login = Some(("bot".into(), Secret::new("hunter2")));
        let told = Smtp::new(settings).unwrap().check().await.unwrap_err().to_string();
        assert!(told.contains(words), "{told}");
    }
}

/// Lines that other clients stumble over: words of blanks alone, none at all, control characters.
#[tokio::test]
async fn odd_answers_to_ehlo_end_in_no_panic() {
    for odd in
        ["250-   ", "250- ", "250-", "250", "250-\t", "250-\r", "250-\u{b}", "250-AUTH", "250-AUTH=", "250-\u{a0}"]
    {
        let steps = vec![say("220 mx"), hear("EHLO"), say("250-mx"), say(odd), say("250 8BITMIME"), Step::Close];
        let (port, server) = scripted(vec![steps]).await;
        let delivery = sender(port).send(&ana(), MAIL).await;
        assert!(
            matches!(delivery, Delivery::Unreached { phase: Phase::Mail | Phase::Greeting, .. }),
            "{odd:?}: {delivery:?}"
        );
        server.await.unwrap();
    }
}

#[tokio::test]
async fn odd_answers_to_a_login_end_in_no_panic() {
    for odd in ["334", "334 ", "334 not base64!", "334 /w==", "334-a", "235", "535", "5", "", "\u{0}"] {
        for mechanism in ["PLAIN", "LOGIN"] {
            let steps = vec![
                say("220 mx"),
                hear("EHLO"),
                say("250-mx"),
                say(&format!("250 AUTH {mechanism}")),
                hear("AUTH"),
                say(odd),
                Step::Close,
            ];
            let (port, server) = scripted(vec![steps]).await;
            let mut settings = settings(port);
            settings.login = Some(("bot".into(), Secret::new("hunter2")));
            let delivery = Smtp::new(settings).unwrap().send(&ana(), MAIL).await;
            assert!(
                matches!(
                    delivery,
                    Delivery::Unreached { phase: Phase::Auth | Phase::Mail, .. }
                        | Delivery::Refused { phase: Phase::Auth, .. }
                ),
                "{odd:?}: {delivery:?}"
            );
            assert!(!format!("{delivery:?}").contains("hunter2"));
            server.await.unwrap();
        }
    }
}

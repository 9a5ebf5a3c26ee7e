//! Sending by SMTP, phase by phase: against the demo's post office and against servers scripted to the byte.

use crate::support;
use codevd::demo::post_office::PostOffice;
use codevd::transport::smtp::{Delivery, Lasting, Phase, Smtp};
use std::time::Duration;
use support::{MAIL, Step, ana, greeting, hear, say, scripted, sender, settings, to};

/// The steps up to 354.
fn up_to_data() -> Vec<Step> {
    vec![
        hear("MAIL FROM:<bot@example.org>"),
        say("250 2.1.0 ok"),
        hear("RCPT TO:<ana@example.org>"),
        say("250 2.1.5 ok"),
        hear("DATA"),
        say("354 go on"),
    ]
}

async fn one_attempt(steps: Vec<Step>) -> (Delivery, Vec<String>) {
    let (port, server) = scripted(vec![steps]).await;
    let mut smtp = sender(port);
    let delivery = smtp.send(&ana(), MAIL).await;
    drop(smtp);
    (delivery, server.await.unwrap())
}

#[tokio::test]
async fn mails_go_over_one_connection_byte_for_byte() {
    let (mut office, port) = PostOffice::start(0).await.unwrap();
    let mut smtp = sender(port);
    for mail in [MAIL, b"", b".\r\n", b"no line end", b"a\r\n\r\n\r\n", "é\r\n".as_bytes()] {
        let delivery = smtp.send(&ana(), mail).await;
        assert!(matches!(delivery, Delivery::Accepted { .. }), "{delivery:?}");
        let posted = office.next().await.unwrap();
        let mut expected = mail.to_vec();
        if !mail.ends_with(b"\r\n") {
            expected.extend_from_slice(b"\r\n");
        }
        assert_eq!(posted.bytes, expected);
        assert_eq!(posted.mail_from, "bot@example.org");
        assert_eq!(posted.rcpt_to, ["ana@example.org"]);
    }
    smtp.quit().await;
}

#[tokio::test]
async fn a_refused_receiver_is_told_and_the_connection_goes_on() {
    let (mut office, port) = PostOffice::start(0).await.unwrap();
    office.refuse("dead@example.org");
    let mut smtp = sender(port);
    let Delivery::Refused { phase, lasting, code, reply } = smtp.send(&to("dead@example.org"), MAIL).await else {
        panic!()
    };
    assert_eq!((phase, lasting), (Phase::Rcpt, Lasting::Permanent));
    assert_eq!(code.unwrap().to_string(), "5.1.1");
    assert_eq!(reply, "550 5.1.1 nobody here by that name");
    let delivery = smtp.send(&ana(), MAIL).await;
    assert!(matches!(delivery, Delivery::Accepted { .. }), "{delivery:?}");
    assert_eq!(office.next().await.unwrap().rcpt_to, ["ana@example.org"]);
}

#[tokio::test]
async fn an_address_that_is_not_ascii_needs_smtputf8() {
    let (mut office, port) = PostOffice::start(0).await.unwrap();
    let delivery = sender(port).send(&to("zoé@example.org"), MAIL).await;
    assert!(matches!(delivery, Delivery::Accepted { .. }), "{delivery:?}");
    assert_eq!(office.next().await.unwrap().rcpt_to, ["zoé@example.org"]);

    let (port, _server) = scripted(vec![[greeting(), vec![Step::Wait]].concat()]).await;
    let delivery = sender(port).send(&to("zoé@example.org"), MAIL).await;
    let Delivery::Refused { phase: Phase::Mail, reply, .. } = delivery else { panic!("{delivery:?}") };
    assert!(reply.contains("not sent: ") && reply.contains("SMTPUTF8"), "{reply}");
}

#[tokio::test]
async fn a_bare_line_end_is_never_sent() {
    // nothing listens at this port: the refusal comes before any dialling
    let mut smtp = sender(1);
    for mail in [&b"a\nb\r\n"[..], b"a\r\n.\n\r\nx", b"a\rb\r\n", b"a\0\r\n"] {
        let delivery = smtp.send(&ana(), mail).await;
        let Delivery::Refused { lasting: Lasting::Permanent, reply, .. } = delivery else { panic!("{delivery:?}") };
        assert!(reply.starts_with("not sent: a "), "{reply}");
    }
}

#[tokio::test]
async fn refusals_are_told_with_their_phase() {
    let mail = || [greeting(), vec![hear("MAIL FROM")]].concat();
    let rcpt = || [mail(), vec![say("250 ok"), hear("RCPT TO")]].concat();
    let data = || [rcpt(), vec![say("250 ok"), hear("DATA")]].concat();
    let dot = || [greeting(), up_to_data(), vec![Step::HearMail]].concat();
    use Lasting::{Permanent, Temporary};
    for (steps, reply, phase, lasting, code) in [
        (vec![], "554 5.3.2 closed today", Phase::Greeting, Temporary, "5.3.2"),
        (vec![say("220 mx"), hear("EHLO")], "502 no", Phase::Greeting, Temporary, ""),
        (mail(), "550 5.7.1 not from there", Phase::Mail, Permanent, "5.7.1"),
        (mail(), "452 4.3.1 disk full", Phase::Mail, Temporary, "4.3.1"),
        (rcpt(), "450 4.2.0 greylisted", Phase::Rcpt, Temporary, "4.2.0"),
        (rcpt(), "550 pas connu ici", Phase::Rcpt, Permanent, ""),
        (data(), "451 4.3.0 come back", Phase::Data, Temporary, "4.3.0"),
        (data(), "554 5.5.1 no valid receivers", Phase::Data, Permanent, "5.5.1"),
        (dot(), "554 5.7.1 spam", Phase::Dot, Permanent, "5.7.1"),
        (dot(), "452 4.2.2 full", Phase::Dot, Temporary, "4.2.2"),
        (dot(), "421 4.4.2 closing", Phase::Dot, Temporary, "4.4.2"),
    ] {
        let steps = [steps, vec![say(reply), Step::Wait]].concat();
        let (delivery, _) = one_attempt(steps).await;
        let told = Delivery::Refused { phase, lasting, code: code.parse().ok(), reply: reply.into() };
        assert_eq!(delivery, told);
    }
}

#[tokio::test]
async fn a_reply_of_several_lines_in_latin1_is_a_refusal_all_the_same() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut space = [0; 1000];
        for answer in [&b"220 mx\r\n"[..], b"250 mx\r\n", b"550-5.2.1 Bo\xeete ferm\xe9e\r\n550 5.2.1 d\xe9sol\xe9\r\n"]
        {
            stream.write_all(answer).await.unwrap();
            let _ = stream.read(&mut space).await;
        }
    });
    let Delivery::Refused { code, reply, .. } = sender(port).send(&ana(), MAIL).await else { panic!() };
    assert_eq!(code.unwrap().to_string(), "5.2.1");
    assert!(reply.contains("Bo?te"), "{reply}");
}

#[tokio::test]
async fn a_connection_cut_before_the_dot_is_safe_to_retry() {
    for (steps, phase) in [
        (vec![], Phase::Greeting),
        (vec![say("220 mx"), hear("EHLO")], Phase::Greeting),
        ([greeting(), vec![hear("MAIL")]].concat(), Phase::Mail),
        ([greeting(), up_to_data()[..3].to_vec()].concat(), Phase::Rcpt),
        ([greeting(), up_to_data()[..5].to_vec()].concat(), Phase::Data),
    ] {
        let (delivery, _) = one_attempt([steps, vec![Step::Close]].concat()).await;
        let Delivery::Unreached { phase: told, .. } = delivery else { panic!("{phase:?}: {delivery:?}") };
        assert_eq!(told, phase);
    }
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_of_the_mail_is_safe_to_retry() {
    let steps = [greeting(), up_to_data(), vec![Step::Take(10_000), Step::Close]].concat();
    let (port, server) = scripted(vec![steps]).await;
    let large = [b"Subject: x\r\n\r\n".to_vec(), b"0123456789\r\n".repeat(1_000_000)].concat();
    let delivery = sender(port).send(&ana(), &large).await;
    assert!(matches!(delivery, Delivery::Unreached { phase: Phase::Data, .. }), "{delivery:?}");
    server.await.unwrap();
}

#[tokio::test]
async fn a_server_that_speaks_before_the_dot_leaves_no_doubt() {
    let mut steps = [greeting(), up_to_data()].concat();
    // in one piece with the 354, so that it is there when the dot is due
    steps.pop();
    steps.push(Step::Say("354 go on\r\n421 4.3.2 shutting down\r\n".into()));
    steps.push(Step::Wait);
    let (delivery, heard) = one_attempt(steps).await;
    assert!(
        matches!(
            delivery,
            Delivery::Unreached { phase: Phase::Data, .. } | Delivery::Refused { phase: Phase::Dot, .. }
        ),
        "{delivery:?}"
    );
    drop(heard);
}

#[tokio::test]
async fn a_connection_cut_after_the_dot_is_in_doubt() {
    let steps = [greeting(), up_to_data(), vec![Step::HearMail, Step::Close]].concat();
    let (delivery, _) = one_attempt(steps).await;
    assert!(matches!(delivery, Delivery::InDoubt { .. }), "{delivery:?}");
}

#[tokio::test]
async fn garbage_and_silence_after_the_dot_are_in_doubt() {
    for reply in ["hello?", "354 again", "250-half a reply"] {
        let last = vec![Step::HearMail, say(reply), Step::Close];
        let (delivery, _) = one_attempt([greeting(), up_to_data(), last].concat()).await;
        assert!(matches!(delivery, Delivery::InDoubt { .. }), "{reply}: {delivery:?}");
    }
    let steps = [greeting(), up_to_data(), vec![Step::HearMail, Step::Wait]].concat();
    let (port, _server) = scripted(vec![steps]).await;
    let mut settings = settings(port);
    settings.timeouts.dot = Duration::from_millis(30);
    settings.timeouts.block = Duration::from_millis(30);
    let delivery = Smtp::new(settings).unwrap().send(&ana(), MAIL).await;
    let Delivery::InDoubt { cause } = delivery else { panic!("{delivery:?}") };
    assert!(cause.contains("no answer in time"), "{cause}");
}

#[tokio::test]
async fn silence_before_the_dot_ends_at_its_limit() {
    for (steps, phase) in [
        (vec![Step::Wait], Phase::Greeting),
        ([greeting(), vec![hear("MAIL"), Step::Wait]].concat(), Phase::Mail),
        ([greeting(), up_to_data()[..5].to_vec(), vec![Step::Wait]].concat(), Phase::Data),
    ] {
        let (port, _server) = scripted(vec![steps]).await;
        let mut settings = settings(port);
        settings.timeouts.greeting = Duration::from_millis(50);
        settings.timeouts.command = Duration::from_millis(50);
        settings.timeouts.data = Duration::from_millis(50);
        let delivery = Smtp::new(settings).unwrap().send(&ana(), MAIL).await;
        let Delivery::Unreached { phase: told, cause } = delivery else { panic!("{delivery:?}") };
        assert_eq!(told, phase, "{cause}");
        assert!(cause.contains("no answer within"), "{cause}");
    }
}

#[tokio::test]
async fn a_kept_connection_that_went_stale_is_redialled_once() {
    let mail = || [up_to_data(), vec![Step::HearMail, say("250 2.0.0 ok")]].concat();
    for goodbye in [vec![Step::Close], vec![say("421 4.4.2 idle too long"), Step::Close]] {
        let first = [greeting(), mail(), goodbye].concat();
        let (port, server) = scripted(vec![first, [greeting(), mail()].concat()]).await;
        let mut smtp = sender(port);
        for _ in 0..2 {
            let delivery = smtp.send(&ana(), MAIL).await;
            assert!(matches!(delivery, Delivery::Accepted { .. }), "{delivery:?}");
        }
        server.await.unwrap();
    }
}

#[tokio::test]
async fn a_kept_connection_that_fell_silent_is_redialled() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let steps = [greeting(), up_to_data(), vec![Step::HearMail, say("250 ok")]].concat();
    let server = tokio::spawn(async move {
        let mut silent = Vec::new();
        for _ in 0..2 {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = tokio::io::BufReader::new(stream);
            support::play(&mut stream, steps.clone(), &mut Vec::new()).await;
            silent.push(stream);
        }
    });
    let mut settings = settings(port);
    settings.timeouts.command = Duration::from_millis(200);
    let mut smtp = Smtp::new(settings).unwrap();
    for _ in 0..2 {
        let delivery = smtp.send(&ana(), MAIL).await;
        assert!(matches!(delivery, Delivery::Accepted { .. }), "{delivery:?}");
    }
    server.await.unwrap();
}

#[tokio::test]
async fn the_redial_happens_once() {
    let first = [greeting(), up_to_data(), vec![Step::HearMail, say("250 ok"), Step::Close]].concat();
    let second = [greeting(), vec![hear("MAIL"), Step::Close]].concat();
    let (port, server) = scripted(vec![first, second]).await;
    let mut smtp = sender(port);
    smtp.send(&ana(), MAIL).await;
    let delivery = smtp.send(&ana(), MAIL).await;
    assert!(matches!(delivery, Delivery::Unreached { phase: Phase::Mail, .. }), "{delivery:?}");
    server.await.unwrap();
}

#[tokio::test]
async fn a_flood_of_answers_is_cut_off() {
    let flood = Step::Say("250-more and more\r\n".repeat(10_000));
    let steps = vec![say("220 mx"), hear("EHLO"), flood, Step::Wait];
    let (port, server) = scripted(vec![steps]).await;
    let delivery = sender(port).send(&ana(), MAIL).await;
    let Delivery::Unreached { phase: Phase::Greeting, cause } = delivery else { panic!("{delivery:?}") };
    assert!(cause.contains("over 16384 bytes"), "{cause}");
    server.abort();
}

//! In charge of bounces by the thousand: six mail servers' forms × what a receiving host may say × the languages in
//! which the form is written, the expected answer known by construction; and of what must never be taken for one.

use codevd::mail::{self, BounceClass, Class};
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

mod forms;
use forms::{Cause, FORMS, Form, Report};

/// One thing that a receiving host says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    host: String,
    code: String,
    status: String,
    text: String,
}

const SENT: &str = "n7.k7f392qd0000000000000000000000@groupe.example";

fn causes() -> Vec<(BounceClass, Said)> {
    let table: BTreeMap<String, Vec<Said>> = toml::from_str(include_str!("bounces/causes.toml")).unwrap();
    let class = |word: &str| match word {
        "hard" => BounceClass::Hard,
        "quota" => BounceClass::Quota,
        "policy" => BounceClass::Policy,
        "soft" => BounceClass::Soft,
        other => panic!("{other}"),
    };
    table.into_iter().flat_map(|(word, all)| all.into_iter().map(move |said| (class(&word), said))).collect()
}

fn report(form: &Form, address: &str, class: BounceClass, said: &Said) -> String {
    let cause = match class {
        BounceClass::Expired => Cause::Expired,
        BounceClass::Delayed => Cause::Delayed,
        _ => Cause::Said { code: &said.code, status: &said.status, text: &said.text.replace("@@", address) },
    };
    form.write(&Report { address, sent: SENT, cause })
}

/// What is wrong with how the report is read.
fn wrong(raw: &str, address: &str, class: BounceClass) -> Option<String> {
    let letter = mail::letter(raw.as_bytes());
    let Some(bounce) = letter.bounce else { return Some(format!("no bounce but {:?}", letter.class)) };
    let found: Vec<(String, BounceClass)> = bounce.recipients.iter().map(|r| (r.address.clone(), r.class)).collect();
    let right = found == [(address.to_owned(), class)] && bounce.original_ids.iter().any(|id| id == SENT);
    (!right).then(|| format!("{class:?} expected, {found:?} found, ids {:?}", bounce.original_ids))
}

#[test]
fn every_form_tells_who_was_not_reached_and_why() {
    let addresses = ["anne.dupont@atelier.example", "MARC@Loin.example", "j.o-neill+codev@mail.loin.example"];
    let never = Said { host: "none".into(), code: String::new(), status: String::new(), text: String::new() };
    let late = [BounceClass::Expired, BounceClass::Delayed].map(|class| (class, never.clone()));
    let (mut read, mut faults) = (0, Vec::new());
    for form in FORMS {
        for (class, said) in causes().iter().chain(&late) {
            if *class == BounceClass::Delayed && !form.tells_of_delays() {
                continue;
            }
            for address in addresses {
                let address = mail_address(address);
                let raw = report(form, &address, *class, said);
                read += 1;
                if let Some(fault) = wrong(&raw, &address, *class) {
                    faults.push(format!("{form:?}, {}: {fault}\n{raw}", said.host));
                }
            }
        }
    }
    assert!(read > 1000, "{read} reports");
    let shown = faults.iter().take(3).cloned().collect::<Vec<_>>().join("\n======\n");
    assert!(faults.is_empty(), "{} of {read} reports: {shown}", faults.len());
}

/// The address as it is compared: the domain in lower case.
fn mail_address(text: &str) -> String {
    let (local, domain) = text.split_once('@').unwrap();
    format!("{local}@{}", domain.to_lowercase())
}

proptest! {
    #![proptest_config(crate::cases(200))]

    #[test]
    fn any_address_is_the_one_that_is_found(
        local in "[a-z0-9][a-z0-9._+-]{0,20}[a-z0-9]",
        domain in "[a-z][a-z0-9-]{0,10}[a-z0-9]\\.(example|invalid)",
        form in 0..FORMS.len(),
        cause in 0..causes().len(),
    ) {
        let address = format!("{local}@{domain}");
        let (class, said) = &causes()[cause];
        let raw = report(&FORMS[form], &address, *class, said);
        let letter = mail::letter(raw.as_bytes());
        let found: Vec<String> = letter.bounce.unwrap_or_default().recipients.into_iter().map(|r| r.address).collect();
        prop_assert_eq!(found, vec![address], "{}", raw);
    }
}

fn head(from: &str, subject: &str, more: &str) -> String {
    format!("From: {from}\r\nTo: codev@groupe.example\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n{more}\r\n")
}

/// A complaint (RFC 5965), whatever its words.
fn complaint(words: &str) -> String {
    let kind = "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n";
    let parts = format!(
        "--b\r\nContent-Type: text/plain\r\n\r\n{words}\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n\
        Feedback-Type: abuse\r\nUser-Agent: x\r\nVersion: 1\r\nOriginal-Rcpt-To: anne@loin.example\r\n\r\n\
        --b\r\nContent-Type: message/rfc822\r\n\r\nFrom: codev@groupe.example\r\nTo: anne@loin.example\r\n\r\nx\r\n--b--\r\n"
    );
    format!("{}{parts}", head("MAILER-DAEMON@loin.example", "complaint about message from 192.0.2.1", kind))
}

/// A read receipt (RFC 8098), read or deleted.
fn receipt(words: &str, disposition: &str, language: &str) -> String {
    let kind = "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n";
    let parts = format!(
        "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{words}\r\n--b\r\nContent-Type: \
        message/disposition-notification\r\n\r\nFinal-Recipient: rfc822;anne@loin.example\r\nDisposition: \
        manual-action/MDN-sent-manually; {disposition}\r\n\r\n--b--\r\n"
    );
    format!("{}{parts}", head("Anne <anne@loin.example>", language, kind))
}

#[test]
fn complaints_receipts_and_absences_are_never_bounces() {
    let mut all: Vec<(Class, String)> = Vec::new();
    for words in [
        "This is an email abuse report.",
        "This message was not delivered to the inbox: user unknown, mailbox full.",
        "Undeliverable: the recipient marked your mail as spam. 550 5.7.1 delivery failed",
    ] {
        all.push((Class::Complaint, complaint(words)));
    }
    for (subject, words) in [
        ("Read: séance", "Your message was read on Tuesday."),
        ("Lu : séance", "Votre message a été lu."),
        ("Not read: séance", "Your message was deleted without being read. It could not be delivered to me."),
        ("Undeliverable: Gelesen: Sitzung", "Ihre Nachricht wurde gelesen."),
    ] {
        all.push((Class::ReadReceipt, receipt(words, "displayed", subject)));
        all.push((Class::ReadReceipt, receipt(words, "deleted", subject)));
    }
    for (subject, words) in [
        (
            "Automatic reply: séance",
            "I am out of the office. Messages could not be delivered to my phone; mailbox full.",
        ),
        (
            "Réponse automatique : séance",
            "Absent jusqu'au 12 mai. Votre message n'a pas été délivré à une autre personne.",
        ),
        ("Abwesenheitsnotiz: Sitzung", "Ich bin nicht da. Ihre Nachricht konnte nicht zugestellt werden."),
        ("Out of office: delivery failed?", "I am away. User unknown is what you may see elsewhere: anne@loin.example"),
        ("Respuesta automática: sesión", "Estoy fuera hasta el 12 de mayo. No se pudo entregar su mensaje."),
        ("Risposta automatica: seduta", "Sono assente. Non è stato possibile recapitare il messaggio."),
        ("Automatisch antwoord: sessie", "Ik ben afwezig. Uw bericht kon niet worden bezorgd."),
    ] {
        for more in
            ["", "Auto-Submitted: auto-replied\r\n", "Return-Path: <>\r\n", "Return-Path: <>\r\nX-Autoreply: yes\r\n"]
        {
            let more = format!("{more}Content-Type: text/plain; charset=utf-8\r\n");
            all.push((Class::AutoReply, format!("{}{words}\r\n", head("Anne <anne@loin.example>", subject, &more))));
        }
    }
    for (class, raw) in all {
        let letter = mail::letter(raw.as_bytes());
        assert!(letter.bounce.is_none() && letter.class == class, "{:?}:\n{raw}", letter.class);
    }
}

#[test]
fn a_megabyte_made_to_hurt_is_read_in_linear_time() {
    let daemon = "Content-Type: text/plain; charset=utf-8\r\nReturn-Path: <>\r\n";
    let text = head("MAILER-DAEMON@loin.example", "Undelivered Mail Returned to Sender", daemon);
    let kind = "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n";
    let status = format!(
        "{}--b\r\nContent-Type: text/plain\r\n\r\nanne@loin.example\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n",
        head("MAILER-DAEMON@loin.example", "Undelivered", kind)
    );
    let html = head("MAILER-DAEMON@loin.example", "Undelivered", "Content-Type: text/html\r\n");
    let json = "{\"bouncedRecipients\":[";
    let mut times = Vec::new();
    for (name, start, piece) in [
        ("addresses on one line", &text, "<a@b.example> "),
        ("addresses on lines", &text, "<a@b.example>: unknown user\r\n"),
        ("at signs", &text, "@"),
        ("half an address", &text, "a@b.example(expanded from "),
        ("words", &text, "user unknown mailbox full could not be delivered to "),
        ("codes", &text, "550 5.1.1 "),
        ("dots", &text, "5.1."),
        ("quotes", &text, "\"a\" <\"b"),
        ("one long word", &text, "a"),
        ("braces", &format!("{text}{json}"), "{\"emailAddress\":["),
        ("groups", &status, "Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\n\r\n"),
        (
            "different groups",
            &status,
            "Final-Recipient: rfc822; a@b.example\r\nOriginal-Recipient: rfc822; c@d.example\r\n\r\n",
        ),
        ("folded lines", &status, "Diagnostic-Code: smtp; 550\r\n x\r\n"),
        ("fields", &status, "Final-Recipient: x\r\n"),
        ("tags", &html, "<p><br>"),
        ("half tags", &html, "<style"),
    ] {
        let time = |bytes: usize| {
            let raw = format!("{start}{}", piece.repeat(bytes / piece.len()));
            let begun = crate::worked();
            let letter = mail::letter(raw.as_bytes());
            assert!(letter.bounce.unwrap_or_default().recipients.len() <= 100);
            crate::worked() - begun
        };
        // four times as much in sixteen times the time would be quadratic; what is cut off takes no longer; a machine that
        // was busy elsewhere is asked again
        let linear = (0..5).any(|_| {
            let (quarter, whole) = (time(1 << 18), time(1 << 20));
            times.push(format!("{name}: {quarter:?}, {whole:?}"));
            (whole < Duration::from_millis(400) || whole < 9 * quarter) && whole < Duration::from_secs(10)
        });
        assert!(linear, "{}", times.join("\n"));
    }
}

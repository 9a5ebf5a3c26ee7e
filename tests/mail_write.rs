//! The mails we write, read back: the same bytes for the same values, nothing breaks out of its header, everything comes
//! back as it was said.

use chrono::{DateTime, TimeZone, Utc};
use codevd::mail::{self, Auto, CalendarPart, Class, Outgoing, Suppress, WriteError, compose};
use mail_parser::{MessageParser, MimeHeaders, PartType};
use proptest::prelude::*;

const ICS: &str =
    "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Séance\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 24, 12, 0, 0).unwrap()
}

fn invitation<'a>(references: &'a [String]) -> Outgoing<'a> {
    Outgoing {
        from_name: "Codev Rivages",
        from_email: "codev@rivages.example",
        to_name: "Claire Besson",
        to_email: "claire.besson@atelier.example",
        reply_to: Some("codev+abc@rivages.example"),
        subject: "[Rivages] Séance du mardi 8 décembre 2026, 18 h 00 à 19 h 30 : votre présence ? [k7f3-92qd]",
        text: "Bonjour Claire,\n\nViendrez-vous à la séance ? Répondez « oui » ou « non » à ce mail, ou avec le bouton de votre agenda.\n",
        html: Some("<p>Bonjour Claire, viendrez-vous ?</p>"),
        calendar: Some(CalendarPart { method: "REQUEST", ics: ICS }),
        message_id: "k7f3@rivages.example",
        references,
        in_reply_to: None,
        date: noon(),
        auto: Auto::Generated,
        suppress: Suppress::AllowOof,
        bulk: false,
        list_id: "rivages.codev.example",
        list_unsubscribe_mailto: "codev+stop@rivages.example",
        mark: "k7f3m9q2",
    }
}

fn check_wire(bytes: &[u8]) {
    for (n, byte) in bytes.iter().enumerate() {
        match byte {
            b'\n' => assert!(n > 0 && bytes[n - 1] == b'\r', "bare LF at {n}"),
            b'\r' => assert_eq!(bytes.get(n + 1), Some(&b'\n'), "bare CR at {n}"),
            _ => assert!(byte.is_ascii() && *byte != 0, "byte {byte} at {n}"),
        }
    }
    let longest = bytes.split(|b| *b == b'\n').map(<[u8]>::len).max().unwrap_or(0);
    assert!(longest <= 998, "a line of {longest}");
}

fn header_lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    let names = head.split("\r\n").filter(|l| !l.starts_with([' ', '\t']));
    names.map(|l| l.split(':').next().unwrap_or_default().to_ascii_lowercase()).collect()
}

#[test]
fn an_invitation_has_the_shape_that_calendars_want() {
    let references = vec!["<seance-12@rivages.example>".to_owned(), "k6@rivages.example".to_owned()];
    let bytes = compose(&invitation(&references)).unwrap();
    check_wire(&bytes);
    let message = MessageParser::default().parse(&bytes).unwrap();
    let kind =
        |n: usize| message.parts[n].content_type().map(|c| format!("{}/{}", c.ctype(), c.subtype().unwrap())).unwrap();
    let kinds: Vec<String> = (0..message.parts.len()).map(kind).collect();
    assert_eq!(
        kinds,
        ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar", "application/ics"]
    );
    let calendar = &message.parts[4];
    assert_eq!(calendar.content_type().unwrap().attribute("method"), Some("REQUEST"));
    assert_eq!(calendar.content_type().unwrap().attribute("charset"), Some("utf-8"));
    assert!(calendar.content_disposition().is_none());
    assert_eq!(calendar.content_transfer_encoding(), Some("quoted-printable"));
    assert_eq!(message.parts[5].attachment_name(), Some("invite.ics"));
    assert_eq!(message.parts[5].contents(), ICS.as_bytes());
    assert_eq!(calendar.contents(), ICS.trim_end().as_bytes().iter().chain(b"\r\n").copied().collect::<Vec<_>>());
    assert_eq!(message.subject(), Some(invitation(&references).subject));
    assert_eq!(message.date().unwrap().to_timestamp(), noon().timestamp());
    assert_eq!(message.references().as_text_list().unwrap().len(), 2);
    let text = String::from_utf8(bytes.clone()).unwrap();
    for line in [
        "MIME-Version: 1.0\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "X-Auto-Response-Suppress: AutoReply, RN, NRN\r\n",
        "List-Id: <rivages.codev.example>\r\n",
        "List-Unsubscribe: <mailto:codev+stop@rivages.example>\r\n",
        "Message-ID: <k7f3@rivages.example>\r\n",
        "X-Codevd-Id: k7f3m9q2\r\n",
    ] {
        assert!(text.contains(line), "{line:?} in\n{text}");
    }
    assert!(text.split("\r\n").all(|l| l.len() <= 78), "{text}");
    assert_eq!(mail::letter(&bytes).class, Class::Own);
}

#[test]
fn the_same_values_give_the_same_bytes() {
    assert_eq!(compose(&invitation(&[])), compose(&invitation(&[])));
    let other = Outgoing { message_id: "other@rivages.example", ..invitation(&[]) };
    assert_ne!(compose(&invitation(&[])), compose(&other));
}

#[test]
fn a_mail_without_html_is_one_part_with_mime_version() {
    let plain =
        Outgoing { html: None, calendar: None, auto: Auto::Replied, suppress: Suppress::Live, ..invitation(&[]) };
    let bytes = compose(&plain).unwrap();
    check_wire(&bytes);
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(text.contains("MIME-Version: 1.0\r\n") && text.contains("Auto-Submitted: auto-replied\r\n"));
    assert!(text.contains("X-Auto-Response-Suppress: OOF, AutoReply, RN, NRN\r\n"));
    let message = MessageParser::default().parse(&bytes).unwrap();
    assert!(matches!(message.parts[0].body, PartType::Text(_)));
    let both = Outgoing { calendar: None, ..invitation(&[]) };
    let bytes = compose(&both).unwrap();
    assert_eq!(MessageParser::default().parse(&bytes).unwrap().parts.len(), 3);
}

#[test]
fn values_that_leave_their_header_are_errors() {
    let base = || invitation(&[]);
    let control = |mail: Outgoing<'_>| matches!(compose(&mail), Err(WriteError::Control { .. }));
    assert!(control(Outgoing { subject: "a\r\nBcc: all@example.org", ..base() }));
    assert!(control(Outgoing { subject: "a\0b", ..base() }));
    assert!(control(Outgoing { from_name: "a\nb", ..base() }));
    assert!(control(Outgoing { to_name: "a\rb", ..base() }));
    let address = |mail: Outgoing<'_>| matches!(compose(&mail), Err(WriteError::Address { .. }));
    for bad in
        ["", "claire", "a b@example.org", "a@b\r\n", "<a@b.example>", "a@b.example, c@d.example", "é@example.org"]
    {
        assert!(address(Outgoing { to_email: bad, ..base() }), "{bad}");
        assert!(address(Outgoing { from_email: bad, ..base() }), "{bad}");
        assert!(address(Outgoing { reply_to: Some(bad), ..base() }), "{bad}");
    }
    for bad in ["", "a", "a@b\r\nX: y", "a b@c", "@b", "a@", "<a@b> <c@d>"] {
        assert!(matches!(compose(&Outgoing { message_id: bad, ..base() }), Err(WriteError::MessageId { .. })), "{bad}");
        assert!(compose(&Outgoing { in_reply_to: Some(bad), ..base() }).is_err(), "{bad}");
        assert!(compose(&invitation(&[bad.to_owned()])).is_err(), "{bad}");
    }
    for bad in ["", "a b", "x\r\ny", "a>b", "é"] {
        assert!(compose(&Outgoing { list_id: bad, ..base() }).is_err(), "{bad}");
        assert!(compose(&Outgoing { list_unsubscribe_mailto: bad, ..base() }).is_err(), "{bad}");
        assert!(compose(&Outgoing { mark: bad, ..base() }).is_err(), "{bad}");
        let calendar = Some(CalendarPart { method: bad, ics: ICS });
        assert!(compose(&Outgoing { calendar, ..base() }).is_err(), "{bad}");
    }
}

proptest! {
    #![proptest_config(crate::cases(300))]

    #[test]
    fn whatever_is_said_comes_back(name in "[^\\pC\u{2028}\u{2029}]{0,60}", subject in "[^\\pC\u{2028}\u{2029}]{0,200}", text in "(\\PC|\n|\r|\t|\0){0,300}", html in "\\PC{0,200}") {
        let mail = Outgoing { from_name: &name, to_name: &name, subject: &subject, text: &text, html: Some(&html), ..invitation(&[]) };
        let bytes = compose(&mail).unwrap();
        check_wire(&bytes);
        let message = MessageParser::default().parse(&bytes).unwrap();
        prop_assert_eq!(message.subject().unwrap_or_default(), &subject);
        let from = message.from().unwrap().first().unwrap();
        prop_assert_eq!(from.address(), Some("codev@rivages.example"));
        prop_assert_eq!(from.name().unwrap_or_default(), if name.trim().is_empty() { "" } else { &name });
        let lines = |t: &str| t.replace("\r\n", "\n").replace('\r', "\n").trim_end_matches('\n').to_owned();
        prop_assert_eq!(lines(message.parts[2].text_contents().unwrap_or_default()), lines(&text));
        prop_assert_eq!(lines(message.parts[3].text_contents().unwrap_or_default()), lines(&html));
    }

    #[test]
    fn no_header_can_be_added(name in "(\\PC|[\r\n\0:<>\"]){0,40}", subject in "(\\PC|[\r\n\0: ]){0,120}", id in "([a-z@<>. ]|\r|\n|é){0,20}") {
        let usual = header_lines(&compose(&invitation(&[])).unwrap());
        let references = [];
        let mail = Outgoing { from_name: &name, to_name: &name, subject: &subject, message_id: &id, ..invitation(&references) };
        let safe = Outgoing { message_id: "a@b", ..mail.clone() };
        for written in [compose(&mail), compose(&safe)].into_iter().flatten() {
            check_wire(&written);
            prop_assert_eq!(header_lines(&written), usual.clone());
        }
    }
}

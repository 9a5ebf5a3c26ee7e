//! The conversation, byte by byte, however it is cut.

#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use proptest::prelude::*;

fn terms() -> Terms {
    Terms { name: "codev.example.org".into(), address: "codev@example.org".into(), max_bytes: 200 }
}

/// Plays a client that sends `pieces`; each mail gets `verdict` at once.
fn play(pieces: &[&[u8]], verdict: Verdict) -> (String, Vec<Handed>) {
    let (mut session, greeting) = Session::new(terms());
    let (mut said, mut mails) = (greeting, Vec::new());
    for piece in pieces {
        let mut todo = session.feed(piece);
        while !todo.is_empty() {
            let mut next = Vec::new();
            for out in std::mem::take(&mut todo) {
                match out {
                    Out::Reply(bytes) => said.extend(bytes),
                    Out::Mail(mail) => {
                        mails.push(mail);
                        assert!(session.is_waiting());
                        next = session.answered(verdict);
                    }
                    Out::Close => said.extend(b"(closed)"),
                }
            }
            todo = next;
        }
    }
    (String::from_utf8(said).unwrap(), mails)
}

/// The codes of the replies after the greeting, the last line of each.
fn codes(input: &[u8], verdict: Verdict) -> Vec<String> {
    let (said, _) = play(&[input], verdict);
    let ends = said.lines().skip(1).filter(|l| l.as_bytes().get(3) == Some(&b' '));
    ends.map(|l| l.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

const HELLO: &str = "LHLO mx\r\n";
const WHOLE: &[u8] = b"LHLO mx.example.org\r\nMAIL FROM:<ana@example.net> SIZE=40 BODY=8BITMIME\r\n\
    RCPT TO:<codev@example.org>\r\nRCPT TO:<nobody@example.org>\r\nRCPT TO:<Codev+k7f3@Example.org>\r\nDATA\r\n\
    Subject: =\r\n\r\n..dot\r\n.x\r\n\xc3\xa9\n.\nno end\r\r\n.\r\nQUIT\r\n";

#[test]
fn a_whole_conversation() {
    let (said, mails) = play(&[WHOLE], Verdict::Taken);
    let expected = "220 codev.example.org LMTP codevd\r\n250-codev.example.org\r\n250-PIPELINING\r\n\
        250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 200\r\n250 2.1.0 sender taken\r\n\
        250 2.1.5 receiver taken\r\n550 5.1.1 mail is taken for <codev@example.org> alone\r\n\
        250 2.1.5 receiver taken\r\n354 send the mail, end it with a dot alone on a line\r\n\
        250 2.0.0 taken <codev@example.org>\r\n250 2.0.0 taken <Codev+k7f3@Example.org>\r\n\
        221 2.0.0 goodbye\r\n(closed)";
    assert_eq!(said, expected);
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].from, "ana@example.net");
    assert_eq!(mails[0].to, ["codev@example.org", "Codev+k7f3@Example.org"]);
    let text: &[u8] = b"Subject: =\r\n\r\n.dot\r\nx\r\n\xc3\xa9\n.\nno end\r\r\n";
    assert_eq!(mails[0].bytes, text);
}

#[test]
fn each_receiver_is_answered_what_became_of_the_mail() {
    let two = "MAIL FROM:<>\r\nRCPT TO:<codev@example.org>\r\nRCPT TO:<codev+a@example.org>\r\nDATA\r\n.\r\nNOOP\r\n";
    let input = format!("{HELLO}{two}");
    for (verdict, code) in [(Verdict::Taken, "250 2.0.0"), (Verdict::Busy, "452 4.3.1"), (Verdict::Failed, "451 4.3.0")]
    {
        assert_eq!(codes(input.as_bytes(), verdict)[5..], [code, code, "250 2.0.0"]);
    }
}

#[test]
fn what_comes_at_the_wrong_time_or_is_wrong_is_refused() {
    let mail = "MAIL FROM:<a@x>\r\n";
    let long = format!("{HELLO}NOOP {}\r\nNOOP\r\n", "x".repeat(LINE));
    let cases = [
        (mail.to_owned(), "503 5.5.1"),
        ("DATA\r\n".to_owned(), "503 5.5.1"),
        ("EHLO x\r\n".to_owned(), "500 5.5.1"),
        ("HELO x\r\n".to_owned(), "500 5.5.1"),
        ("LHLO\r\n".to_owned(), "501 5.5.4"),
        (format!("{HELLO}RCPT TO:<codev@example.org>\r\n"), "503 5.5.1"),
        (format!("{HELLO}{mail}{mail}"), "503 5.5.1"),
        (format!("{HELLO}{mail}DATA\r\n"), "503 5.5.1"),
        (format!("{HELLO}{mail}RCPT TO:<b@x>\r\nDATA\r\n"), "503 5.5.1"),
        (format!("{HELLO}{mail}RSET\r\nRCPT TO:<codev@example.org>\r\n"), "503 5.5.1"),
        (format!("{HELLO}MAIL FROM:<a@x> SIZE=201\r\n"), "552 5.3.4"),
        (format!("{HELLO}MAIL FROM:<a@x> SIZE=99999999999999999999\r\n"), "552 5.3.4"),
        (format!("{HELLO}MAIL FROM:<a@x> SIZE=-1\r\n"), "501 5.5.4"),
        (format!("{HELLO}MAIL FROM:<a@x> BODY=BINARYMIME\r\n"), "501 5.5.4"),
        (format!("{HELLO}MAIL FROM:<a@x> RET=HDRS\r\n"), "555 5.5.4"),
        (format!("{HELLO}MAIL FROM:<é@x>\r\n"), "553 5.6.7"),
        (format!("{HELLO}MAIL FROM:<é@x> SMTPUTF8\r\n"), "250 2.1.0"),
        (format!("{HELLO}MAIL FROM:a@x\r\n"), "501 5.1.7"),
        (format!("{HELLO}MAIL FROM:<\"a>b\"@x>\r\n"), "250 2.1.0"),
        (format!("{HELLO}{mail}RCPT TO:<@relay.x:codev@example.org>\r\n"), "250 2.1.5"),
        (format!("{HELLO}{mail}RCPT TO:<>\r\n"), "501 5.1.7"),
        (format!("{HELLO}VRFY codev\r\n"), "252 2.1.5"),
        (format!("{HELLO}STARTTLS\r\n"), "500 5.5.1"),
        (format!("{HELLO}NOOP\n"), "500 5.5.2"),
        (format!("{HELLO}NO\u{0}OP\r\n"), "500 5.5.2"),
        (format!("{HELLO}\r\n"), "500 5.5.1"),
        (long, "250 2.0.0"),
    ];
    for (input, code) in cases {
        let found = codes(input.as_bytes(), Verdict::Taken);
        assert_eq!(found.last().map(String::as_str), Some(code), "{input:?} {found:?}");
    }
}

#[test]
fn a_mail_over_the_size_is_refused_after_its_end_and_the_next_one_taken() {
    let one =
        |n: usize| format!("MAIL FROM:<a@x>\r\nRCPT TO:<codev@example.org>\r\nDATA\r\n{}\r\n.\r\n", "y".repeat(n));
    let input = format!("{HELLO}{}{}", one(199), one(198));
    let (_, mails) = play(&[input.as_bytes()], Verdict::Taken);
    assert_eq!(mails.iter().map(|m| m.bytes.len()).collect::<Vec<_>>(), [200]);
    let codes = codes(input.as_bytes(), Verdict::Taken);
    assert_eq!((codes[4].as_str(), codes[8].as_str()), ("552 5.3.4", "250 2.0.0"));
}

#[test]
fn a_line_without_end_takes_no_memory_and_patience_ends() {
    let (mut session, _) = Session::new(terms());
    for _ in 0..100 {
        assert!(session.feed(&[b'x'; 4096]).is_empty());
        assert!(session.input.len() <= LINE);
    }
    assert!(matches!(session.feed(b"\r\n").as_slice(), [Out::Reply(r)] if r.starts_with(b"500 5.5.2")));
    let codes = codes("WHAT\r\n".repeat(30).as_bytes(), Verdict::Taken);
    assert_eq!((codes.len(), codes.last().unwrap().as_str()), (21, "421 4.7.0"));
}

proptest! {
    #[test]
    fn cutting_changes_nothing(cuts in proptest::collection::vec(0usize..WHOLE.len(), 0..40)) {
        let mut cuts = cuts;
        cuts.extend([0, WHOLE.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &WHOLE[w[0]..w[1]]).collect();
        prop_assert_eq!(play(&pieces, Verdict::Taken), play(&[WHOLE], Verdict::Taken));
    }

    #[test]
    fn any_text_comes_out_as_it_was_sent(lines in proptest::collection::vec("[.a\r\n]{0,6}", 0..8)) {
        // a client ends lines with CRLF, and doubles a dot that begins one (RFC 5321 §4.5.2)
        let text: String = lines.iter().map(|l| format!("{l}\r\n")).collect();
        let stuffed: String = text.split("\r\n").map(|l| if l.starts_with('.') { format!(".{l}") } else { l.to_owned() })
            .collect::<Vec<_>>().join("\r\n");
        let input = format!("{HELLO}MAIL FROM:<a@x>\r\nRCPT TO:<codev@example.org>\r\nDATA\r\n{stuffed}.\r\n");
        let (_, mails) = play(&[input.as_bytes()], Verdict::Taken);
        prop_assert_eq!(mails.len(), 1);
        prop_assert_eq!(&mails[0].bytes, text.as_bytes());
    }

    #[test]
    fn no_bytes_upset_it(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let (mut session, _) = Session::new(terms());
        session.feed(&bytes);
        session.answered(Verdict::Failed);
    }
}

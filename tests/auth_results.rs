//! What follows from Authentication-Results as hosts and forgers write them: `tests/auth_results.toml`.

use codevd::mail::{Believed, Level, proof};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    what: String,
    #[serde(default = "usual")]
    id: String,
    #[serde(default = "ana")]
    from: String,
    headers: Vec<String>,
    /// DKIM-Signature fields that the mail came with.
    #[serde(default)]
    signatures: Vec<String>,
    level: Level,
}

fn usual() -> String {
    "mx.example.net".to_owned()
}

fn ana() -> String {
    "ana@example.org".to_owned()
}

fn mail(headers: &[String], signatures: &[String], from: &str) -> Vec<u8> {
    let name = |h: &String| if h.starts_with("Received: ") { "" } else { "Authentication-Results: " };
    let stamped: String = headers.iter().map(|h| format!("{}{h}\r\n", name(h))).collect();
    let signed: String = signatures.iter().map(|s| format!("DKIM-Signature: {s}\r\n")).collect();
    let rest = format!(
        "Received: from client (client [192.0.2.7])\r\n by mx.example.net; Tue, 24 Nov 2026 09:00:01 +0000\r\n\
        {signed}\
        From: Ana <{from}>\r\nTo: codev@example.net\r\nSubject: Re: codev\r\n\
        Date: Tue, 24 Nov 2026 10:00:00 +0100\r\nMessage-ID: <1@example.org>\r\n\r\nOui\r\n"
    );
    (stamped + &rest).into_bytes()
}

#[test]
fn every_header_gives_the_level_it_should() {
    let cases: Cases = toml::from_str(include_str!("auth_results.toml")).unwrap();
    assert!(cases.case.len() >= 25);
    for case in cases.case {
        let found = proof(&mail(&case.headers, &case.signatures, &case.from), Some(&Believed::parse(&case.id)), None);
        assert_eq!(found.level, case.level, "{}: {}", case.what, found.why);
    }
}

proptest! {
    #[test]
    fn only_the_hosts_own_header_proves(junk in "\\PC{0,200}", id in "[a-z]{1,9}\\.test") {
        let forged = format!("{id}; {junk}; dmarc=pass header.from=example.org; dkim=pass header.d=example.org");
        let found = proof(&mail(&[forged], &[], &ana()), Some(&Believed::parse("mx.example.net")), None);
        prop_assert_eq!(found.level, Level::B);
    }
}

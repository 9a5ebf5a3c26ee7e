//! What a mail's own signature proves: real signatures, real look-ups, of a name server on loopback that knows what
//! the case says. `tests/sender_proof.toml`.

use codevd::daemon::{Prover, receiver, shared};
use codevd::mail::{Believed, Level};
use codevd::store::Store;
use codevd::transport::Fetched;
use mail_auth::MessageAuthenticator;
use mail_auth::common::crypto::Ed25519Key;
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::DkimSigner;
use mail_auth::hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use tokio::net::UdpSocket;

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    what: String,
    #[serde(default = "ana")]
    from: String,
    /// Who signs, in order; the last one's signature stands on top.
    #[serde(default)]
    sign: Vec<Sign>,
    /// Done to the mail after it was signed: `body`, `append`, `subject`, `from`, `second from`.
    #[serde(default)]
    then: Option<String>,
    /// TXT records beside the signers' keys.
    #[serde(default)]
    names: BTreeMap<String, String>,
    /// Names that are there and have no TXT record; those above a record are there too.
    #[serde(default)]
    there: Vec<String>,
    /// Names for which the server only says that it failed.
    #[serde(default)]
    fails: Vec<String>,
    level: Level,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sign {
    domain: String,
    /// `good`, `revoked`, `gone`, `another's`.
    #[serde(default = "good")]
    key: String,
    /// With `l=`: the body's beginning alone.
    #[serde(default)]
    part: bool,
    /// Its time was over long ago.
    #[serde(default)]
    expired: bool,
    /// From is not among what is signed.
    #[serde(default)]
    without_from: bool,
}

fn ana() -> String {
    "Ana <ana@example.org>".to_owned()
}
fn good() -> String {
    "good".to_owned()
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let three = |chunk: &[u8]| {
        let bits = (0..3).fold(0u32, |bits, n| (bits << 8) | u32::from(chunk.get(n).copied().unwrap_or(0)));
        let sextets = (0..4).map(|n| char::from(BASE64[(bits >> (18 - 6 * n)) as usize & 63]));
        sextets.take(chunk.len() + 1).collect::<String>() + &"=".repeat(3 - chunk.len())
    };
    bytes.chunks(3).map(three).collect()
}

/// The mail as it arrives, and the names that the world knows.
fn made(case: &Case) -> (Vec<u8>, BTreeMap<String, String>) {
    let mut names = case.names.clone();
    let mut mail = format!(
        "From: {}\r\nTo: codev@codev.example\r\nSubject: mardi\r\nDate: Tue, 24 Nov 2026 10:00:00 +0100\r\n\
         Message-ID: <1@example.org>\r\n\r\nOui, je viens.\r\n",
        case.from
    );
    for (n, sign) in case.sign.iter().enumerate() {
        let key = || Ed25519Key::from_pkcs8_der(&Ed25519Key::generate_pkcs8().unwrap()).unwrap();
        let (own, other) = (key(), key());
        let public = if sign.key == "another's" { other.public_key() } else { own.public_key() };
        let record = match sign.key.as_str() {
            "revoked" => Some("v=DKIM1; k=ed25519; p=".to_owned()),
            "gone" => None,
            _ => Some(format!("v=DKIM1; k=ed25519; p={}", base64(&public))),
        };
        let selector = format!("s{n}");
        names.extend(record.map(|record| (format!("{selector}._domainkey.{}", sign.domain), record)));
        let headers: &[&str] =
            if sign.without_from { &["Subject", "Date"] } else { &["From", "To", "Subject", "Date"] };
        let signer =
            DkimSigner::from_key(own).domain(&sign.domain).selector(&selector).headers(headers.iter().copied());
        let signature = signer.body_length(sign.part).sign(mail.as_bytes()).unwrap().to_header();
        let signature = if sign.expired { signature.replacen("; ", "; t=1; x=2; ", 1) } else { signature };
        mail = signature + &mail;
    }
    let mail = match case.then.as_deref() {
        Some("body") => mail.replace("Oui, je viens.", "Non, je ne viens pas."),
        Some("append") => mail + "Et je cede mon tour.\r\n",
        Some("subject") => mail.replace("Subject: mardi", "Subject: annuler"),
        Some("from") => mail.replace(&case.from, "Ana <ana@other.test>"),
        Some("second from") => format!("From: Eve <eve@evil.test>\r\n{mail}"),
        _ => mail,
    };
    (mail.into_bytes(), names)
}

/// A name server that answers TXT questions (RFC 1035 §4.1) until it is dropped; gives its port, and what it is asked.
async fn name_server(
    names: BTreeMap<String, String>,
    there: Vec<String>,
    fails: Vec<String>,
) -> (u16, tokio::task::JoinHandle<()>, Asked) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let asked = Asked::default();
    let heard = Arc::clone(&asked);
    let serve = async move {
        let mut packet = [0u8; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut packet).await {
            let (name, end) = question(&packet[..length]);
            heard.lock().unwrap().push(name.clone());
            let found = names.get(&name);
            let below = format!(".{name}");
            let known = there.contains(&name) || names.keys().any(|other| *other == name || other.ends_with(&below));
            let code = match (fails.contains(&name), known) {
                (true, _) => 2,
                (false, true) => 0,
                (false, false) => 3,
            };
            let answer = reply(&packet[..end], code, found.filter(|_| code == 0));
            let _ = socket.send_to(&answer, from).await;
        }
    };
    (port, tokio::spawn(serve), asked)
}

/// The names that were asked for.
type Asked = Arc<Mutex<Vec<String>>>;

/// The name asked for, and where the question ends.
fn question(packet: &[u8]) -> (String, usize) {
    let (mut labels, mut at) = (Vec::new(), 12);
    while packet[at] != 0 {
        let length = usize::from(packet[at]);
        labels.push(String::from_utf8_lossy(&packet[at + 1..=at + length]).to_lowercase());
        at += length + 1;
    }
    (labels.join("."), at + 5)
}

fn reply(asked: &[u8], code: u8, text: Option<&String>) -> Vec<u8> {
    let mut out = asked.to_vec();
    (out[2], out[3]) = (0x84 | (asked[2] & 1), 0x80 | code);
    out[6..12].copy_from_slice(&[0, u8::from(text.is_some()), 0, 0, 0, 0]);
    if let Some(text) = text {
        let parts: Vec<u8> = text.as_bytes().chunks(255).flat_map(|p| [&[p.len() as u8], p].concat()).collect();
        out.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
        out.extend((parts.len() as u16).to_be_bytes());
        out.extend(parts);
    }
    out
}

async fn level(case: Arc<Case>) -> (Level, String) {
    let (mail, names) = made(&case);
    let (port, server, _) = name_server(names, case.there.clone(), case.fails.clone()).await;
    let proof = prover(port).proof(&mail).await.unwrap();
    server.abort();
    (proof.level, proof.why)
}

/// A prover that asks this name server.
fn prover(port: u16) -> Prover {
    let mut connection = ConnectionConfig::udp();
    connection.port = port;
    let server_at = NameServerConfig::new(IpAddr::V4(Ipv4Addr::LOCALHOST), true, vec![connection]);
    let mut options = ResolverOpts::default();
    options.attempts = 1;
    let names = MessageAuthenticator::new(ResolverConfig::from_parts(None, vec![], vec![server_at]), options).unwrap();
    Prover::asking(names)
}

/// A mail from Ana with these signatures, of good keys.
fn signed_by(domains: &[&str]) -> Case {
    let sign = |domain: &&str| Sign {
        domain: (*domain).to_owned(),
        key: good(),
        part: false,
        expired: false,
        without_from: false,
    };
    Case {
        what: String::new(),
        from: ana(),
        sign: domains.iter().map(sign).collect(),
        then: None,
        names: BTreeMap::new(),
        there: vec![],
        fails: vec![],
        level: Level::A,
    }
}

/// Most spam bears no signature: whoever sends it makes nobody ask names of their choice.
#[tokio::test]
async fn no_name_server_is_asked_about_a_mail_without_a_signature() {
    for (domains, asks) in [(&[][..], false), (&["example.org"][..], true), (&["other.test"][..], true)] {
        let (mail, mut names) = made(&signed_by(domains));
        names.insert("_dmarc.example.org".to_owned(), "v=DMARC1; p=reject".to_owned());
        let (port, server, asked) = name_server(names, vec![], vec![]).await;
        prover(port).proof(&mail).await.unwrap();
        server.abort();
        let asked = asked.lock().unwrap().clone();
        assert_eq!(!asked.is_empty(), asks, "signed by {domains:?}: {asked:?}");
    }
}

/// The host of a mailbox that is read elsewhere stamps what comes by it, and nothing that is handed in here: who hands
/// it in may have written its name. A server of this machine is believed by its name alone.
#[tokio::test]
async fn what_is_handed_in_is_not_vouched_for_by_a_mailboxs_host() {
    let (mail, _) = made(&signed_by(&[]));
    let hop = "Received: from mx.example.org by mx.example.net";
    let stamped = |id: &str| {
        let stamp = format!("Authentication-Results: {id}dmarc=pass header.from=example.org\r\n{hop}\r\n");
        [stamp.as_bytes(), &mail].concat()
    };
    let (named, nameless) = (stamped("mx.example.net; "), stamped(""));
    for (id, mail, of_a_mailbox, handed_in) in [
        ("mx.example.net", &named, true, None),
        ("mx.example.net", &named, false, Some(Level::A)),
        ("outlook-none", &nameless, true, None),
        ("outlook-none", &nameless, false, None),
    ] {
        let prover = Prover::new(Some(Believed::parse(id)), false).unwrap().of_a_mailbox(of_a_mailbox);
        let level = async |prover: &Prover| prover.proof(mail).await.map(|proof| proof.level);
        let found = (level(&prover).await, level(&prover.of_handed_in()).await);
        assert_eq!(found, (Some(Level::A), handed_in), "{id}, of a mailbox: {of_a_mailbox}");
    }
}

/// Keys change: the mail that came under the old one stays proven, and is not looked at again.
#[tokio::test]
async fn what_was_found_on_arrival_holds_after_the_key_was_changed() {
    let case = signed_by(&["example.org"]);
    let (mail, names) = made(&case);
    let (_, other_names) = made(&case);
    let asked = |names: BTreeMap<String, String>| async {
        let (port, server, _) = name_server(names, vec![], vec![]).await;
        let proof = prover(port).proof(&mail).await.unwrap();
        server.abort();
        proof
    };
    let on_arrival = asked(names).await;
    assert_eq!(on_arrival.level, Level::A);

    let folder = tempfile::tempdir().unwrap();
    let store = shared(Store::open(folder.path().join("codevd.db")).unwrap());
    let fetched = Fetched { place: "1".into(), size: mail.len() as u64, bytes: mail.clone(), truncated: false };
    let taken = receiver::take(&store, fetched, Some(on_arrival.clone()), chrono::DateTime::UNIX_EPOCH).unwrap();
    let codevd::store::Taken::New(id) = taken else { panic!("{taken:?}") };

    // the same selector with another key, and then none at all
    assert_eq!(asked(other_names).await.level, Level::B);
    assert_eq!(asked(BTreeMap::new()).await.level, Level::B);
    let row = store.get().inbox_row(id).unwrap().unwrap();
    assert_eq!(row.proof, Some(on_arrival));
}

#[tokio::test]
async fn every_signature_proves_what_it_should() {
    let cases: Cases = toml::from_str(include_str!("sender_proof.toml")).unwrap();
    let mut wrong = Vec::new();
    let count = cases.case.len();
    for case in cases.case.into_iter().map(Arc::new) {
        let (found, why) = level(Arc::clone(&case)).await;
        if found != case.level {
            wrong.push(format!("{}: {found:?} instead of {:?}: {why}", case.what, case.level));
        }
    }
    assert!(count >= 25, "{count} cases");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}

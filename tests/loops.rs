//! Machines that write to the daemon: absence notices of every kind and floods never start a conversation.

use crate::stage;
use chrono::{DateTime, Duration, Utc};
use codevd::config::{self, Defaults};
use codevd::core::Order;
use codevd::daemon::engine::GroupOrder;
use codevd::daemon::{Engine, shared};
use codevd::mail::Key;
use codevd::sim::{SeededIds, SimPost, VirtualClock, World, WorldEvent};
use codevd::store::Store;
use std::collections::BTreeMap;

/// Mails that left, by kind and reader, as the transcript tells them.
fn left(transcript: &str, kind: &str, who: &str) -> usize {
    let told = |line: &&str| line.contains(&format!(" {kind}:")) && line.contains('→');
    let to = |line: &str| line.rsplit(": ").next().unwrap().split(' ').filter(|w| *w == who).count();
    transcript.lines().filter(told).map(to).sum()
}

const START: [&str; 2] = ["start 2026-11-17 08:30", "group court"];

#[test]
fn a_flood_of_mails_that_say_nothing_gets_a_handful_of_answers() {
    let many = if crate::whole() { 1000 } else { 100 };
    let flood = (0..many).map(|n| format!("bo answers invitation: zorglub {n}"));
    let lines: Vec<String> = START.into_iter().map(str::to_owned).chain(flood).chain(["kept".into()]).collect();
    let told = stage::play(lines.iter().map(String::as_str));
    assert_eq!(left(&told, "R2 refusal", "bo"), 1, "all within a moment: one refusal");
    assert_eq!(left(&told, "R1 receipt", "bo"), 1, "and once: a person will answer");
    assert_eq!(left(&told, "R3 notice", "marie"), 1);
    assert_eq!(told.matches(" · not answered: this address").count(), many - 2, "the others are kept, and say why");
}

#[test]
fn absence_notices_of_both_kinds_are_answered_by_nothing() {
    let mut lines: Vec<String> = START.into_iter().map(str::to_owned).collect();
    // a week in which every mail of ours meets an absence notice, with headers and by its subject alone
    for round in 0..2 {
        for who in ["ana", "bo", "chloe", "dimitri", "elise", "marie"] {
            lines.push(format!("{who} is away on invitation: I am out of the office, round {round}."));
        }
        lines.extend(["post away-subject-only-ana.eml".into(), "post away-subject-only-bo.eml".into()]);
        lines.push(format!("until 2026-11-{} 08:00", 18 + round));
    }
    lines.push("kept".into());
    let told = stage::play(lines.iter().map(String::as_str));
    let quiet = stage::play(START.into_iter().chain(["until 2026-11-19 08:00"]));
    let mails = |told: &str| told.lines().filter(|l| l.contains('→')).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(mails(&told), mails(&quiet), "the same mails leave as if nobody had an absence notice");
    // the same bytes a second time are the same mail
    assert!(told.matches("  recorded: ").count() >= 13, "{told}");
}

/// A machine that answers each mail it gets, at once and for ever: what it writes.
#[derive(Clone, Copy)]
struct Responder {
    headers: &'static str,
    /// Put before the subject.
    prefix: &'static str,
    text: &'static str,
}

/// Eight out-of-offices: as RFC 3834 has them, as programs had them before it, by the subject or the return path
/// alone, and one that nothing tells from a person.
const RESPONDERS: [Responder; 8] = [
    Responder {
        headers: "Auto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All\r\n",
        prefix: "Réponse automatique : ",
        text: "Absent jusqu'au 18 décembre.",
    },
    Responder {
        headers: "Auto-Submitted: auto-generated\r\n",
        prefix: "Re: ",
        text: "Yes, I am away until December 18.",
    },
    Responder {
        headers: "", prefix: "Réponse automatique : ", text: "Je suis en congé. Oui, je lirai à mon retour."
    },
    Responder { headers: "", prefix: "Automatic reply: ", text: "I'm out of the office. Please stop by at the desk." },
    Responder { headers: "X-Autoreply: yes\r\n", prefix: "Re: ", text: "Non, je ne suis pas là." },
    Responder { headers: "Precedence: auto_reply\r\n", prefix: "Re: ", text: "Out of office until 18/12." },
    Responder { headers: "Return-Path: <>\r\n", prefix: "Abwesend: ", text: "Ich bin bis 18. Dezember nicht da." },
    Responder { headers: "", prefix: "Re: ", text: "Bonjour, votre message sera lu à mon retour le 18 décembre." },
];

/// Row 40 of `inbound.md`: so many mails more, of any kind, may a machine that can be told from a person get in the month
/// than it would if it never wrote.
const MOST_TO_A_MACHINE: usize = 1;
/// Most answers in a month to the one machine that nothing tells from a person: it gets 17 mails of ours, and each of
/// its mails is a person's as far as anybody can see. What holds it is the caps on answers.
const MOST_ANSWERS: usize = 24;
/// That machine.
const LIKE_A_PERSON: &str = "elise@f.southern.example";

type House = World<SimPost, SeededIds>;

/// One of the two daemons, its group, and what it sent to whom.
struct Side {
    _folder: tempfile::TempDir,
    world: House,
    address: &'static str,
    /// The kinds of mails, by receiver.
    sent: BTreeMap<String, Vec<String>>,
    /// Of these, answers to a mail, by receiver.
    answers: BTreeMap<String, usize>,
}

impl Side {
    /// The group `court` at this domain; Dimitri's address is the other daemon's.
    async fn new(domain: &'static str, address: &'static str, other: &str, at: DateTime<Utc>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path().join("codevd.db")).unwrap();
        store.recover(at).unwrap();
        let mut kit = stage::kit();
        kit.sender.address = address.parse().unwrap();
        kit.key = Key::new([domain.len() as u8; 32]);
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/groups/court.toml"));
        let text = text.unwrap().replace(".example\"", &format!(".{domain}.example\""));
        let text = text.replace(&format!("dimitri@e.{domain}.example"), other);
        let (spec, _) = config::group_from("court.toml", &text, &kit.formats, &Defaults::default()).unwrap();
        let order = GroupOrder { group: spec.id.clone(), order: Order::Apply { spec: Box::new(spec), live: true } };
        store.order(&serde_json::to_string(&order).unwrap(), at).unwrap();
        let engine = Engine::new(kit, shared(store), SeededIds::of(domain.len() as u64));
        let world = World::new(engine, SimPost::default(), VirtualClock::at(at), Vec::new(), address);
        Self { _folder: folder, world, address, sent: BTreeMap::new(), answers: BTreeMap::new() }
    }

    /// Turns up to that time; the mails that left, with their receivers.
    async fn until(&mut self, at: DateTime<Utc>) -> Vec<(String, Vec<u8>, String)> {
        let mut left = Vec::new();
        let mut seen = |event| {
            if let WorldEvent::Out { to, bytes, key, .. } = event {
                left.push((to, bytes, key.kind.name().to_owned()));
            }
        };
        self.world.run_until(at, &mut seen).await.unwrap();
        for (to, bytes, kind) in &left {
            self.sent.entry(to.clone()).or_default().push(kind.clone());
            let answer = String::from_utf8_lossy(bytes).contains("\r\nAuto-Submitted: auto-replied\r\n");
            *self.answers.entry(to.clone()).or_default() += usize::from(answer);
        }
        left
    }
}

/// What a responder makes of a mail.
fn answered(by: Responder, from: &str, to: &str, ours: &[u8], number: usize, at: DateTime<Utc>) -> Vec<u8> {
    let letter = codevd::mail::letter(ours);
    let (id, date) = (letter.message_id.unwrap(), at.to_rfc2822());
    let subject = format!("{}{}", by.prefix, letter.subject);
    format!(
        "{}From: <{from}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nDate: {date}\r\nMessage-ID: <ooo{number}@away.example>\r\n\
         In-Reply-To: <{id}>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\n{}\r\n",
        by.headers, by.text
    )
    .into_bytes()
}

/// The mail as a gateway passes it on that takes these headers out.
fn without(bytes: &[u8], headers: &[&str]) -> Vec<u8> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let unfolded = head.replace("\r\n ", "\u{0}");
    let keep = |line: &&str| !headers.iter().any(|h| line.starts_with(&format!("{h}:")));
    let kept: Vec<&str> = unfolded.split("\r\n").filter(keep).collect();
    format!("{}\r\n\r\n{body}", kept.join("\r\n").replace('\u{0}', "\r\n ")).into_bytes()
}

/// What left in a month, both daemons together, by receiver.
#[derive(Debug, Default)]
struct Month {
    /// Their kinds, in order.
    sent: BTreeMap<String, Vec<String>>,
    /// Of these, answers to a mail: marked `auto-replied`.
    answers: BTreeMap<String, usize>,
}

/// How long it is played.
const DAYS: usize = 28;
const DAEMONS: [&str; 2] = ["codev@one.example", "codev@two.example"];
const DOMAINS: [&str; 2] = ["north", "southern"];
const AWAY: [&str; 4] = ["ana@b", "bo@c", "chloe@d", "elise@f"];

/// Everybody who writes only what a machine wrote.
fn machines() -> Vec<String> {
    let away = DOMAINS.iter().flat_map(|domain| AWAY.map(|who| format!("{who}.{domain}.example")));
    away.chain(DAEMONS.map(str::to_owned)).collect()
}

/// A month of two daemons, each a member of the other's group, and four machines in each group.
async fn two_daemons(answers: bool, taken_out: &[&str]) -> Month {
    let start: DateTime<Utc> = "2026-11-17T07:30:00Z".parse().unwrap();
    let [a, b] = DAEMONS;
    let mut sides = [Side::new(DOMAINS[0], a, b, start).await, Side::new(DOMAINS[1], b, a, start).await];
    let (mut number, mut at) = (0, start);
    while at < start + Duration::days(DAYS as i64) {
        // post goes back and forth a few times a day, and often in the session
        let session: std::ops::RangeInclusive<DateTime<Utc>> =
            "2026-12-08T16:00:00Z".parse().unwrap()..="2026-12-08T19:30:00Z".parse().unwrap();
        at += if session.contains(&at) { Duration::minutes(10) } else { Duration::hours(6) };
        for n in 0..2 {
            for (to, bytes, _) in sides[n].until(at).await {
                if !answers {
                    continue;
                }
                let (own, other) = (sides[n].address, &sides[1 - n].address.to_owned());
                number += 1;
                if to == *other {
                    let passed = without(&bytes, taken_out);
                    sides[1 - n].world.post(at, own, "the other daemon's mail", passed);
                } else if let Some(who) = AWAY.iter().position(|w| to.starts_with(w)) {
                    let mail = answered(RESPONDERS[4 * n + who], &to, own, &bytes, number, at);
                    sides[n].world.post(at + Duration::seconds(2), &to, "away", mail);
                }
            }
        }
    }
    let mut month = Month::default();
    for side in sides {
        month.sent.extend(side.sent);
        month.answers.extend(side.answers.into_iter().filter(|(_, count)| *count > 0));
    }
    month
}

/// Row 40: a month in which two daemons are members of each other's groups and eight machines answer everything.
#[test]
fn two_daemons_and_eight_out_of_offices_stay_quiet() {
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let play = |answers, taken_out: &'static [&'static str]| {
        std::thread::spawn(move || runtime().block_on(two_daemons(answers, taken_out)))
    };
    let gateways: [&[&str]; 2] = [&[], &["X-Codevd-Id", "Auto-Submitted"]];
    let quiet = play(false, &[]);
    let noisy = gateways.map(|taken_out| play(true, taken_out));
    let quiet = quiet.join().unwrap();
    assert_eq!(quiet.answers, BTreeMap::new(), "nobody is answered who did not write");
    let total = |month: &Month| month.sent.values().map(Vec::len).sum::<usize>();
    for (gateway, noisy) in gateways.iter().zip(noisy) {
        let noisy = noisy.join().unwrap();
        // no automatic mail is answered; the one machine that nothing tells from a person is, a few times and no more
        assert_eq!(noisy.answers.keys().collect::<Vec<_>>(), [LIKE_A_PERSON], "{gateway:?}");
        assert!(noisy.answers[LIKE_A_PERSON] <= MOST_ANSWERS, "{:?}", noisy.answers);
        let marks_left = gateway.is_empty();
        for machine in machines().iter().filter(|m| *m != LIKE_A_PERSON) {
            let (got, otherwise) = (&noisy.sent[machine], &quiet.sent[machine]);
            assert!(otherwise.len() > 10, "{machine} is a member and gets our mails: {otherwise:?}");
            // a daemon whose marks were taken out is asked "was it you?" as a person is: once a day (row 52)
            let unmarked = !marks_left && DAEMONS.contains(&machine.as_str());
            let most = otherwise.len() + if unmarked { DAYS } else { MOST_TO_A_MACHINE };
            let asked = got.iter().filter(|kind| *kind == "was_it_you").count();
            assert!(!unmarked || got.len() - asked <= otherwise.len() + MOST_TO_A_MACHINE, "{machine} got {got:?}");
            assert!(got.len() <= most, "{gateway:?}: {machine} got {got:?}\n{otherwise:?} when it never writes");
        }
        let (all, before) = (total(&noisy), total(&quiet));
        assert!(all <= before + 2 * MOST_ANSWERS, "{all} mails, {before} when nobody answers");
    }
}

//! Whether a mail in doubt left is asked of the Sent folder: by IMAP to the byte, and what is made of its answer.

use crate::store::fixture;
use crate::support;
use chrono::Duration;
use codevd::core::{Draft, Kind, Outcome, WhenLate};
use codevd::daemon::doubt::{ASKED_FOR, doubt_step};
use codevd::daemon::{SentMail, Shared, shared};
use codevd::store::{InboxKind, MailState, Settled};
use codevd::transport::imap::{ImapSettings, SentFolder};
use codevd::transport::{Secret, Security, TransportError};
use fixture::{draft, mail, mails, now, open};
use std::collections::BTreeSet;
use support::{Step, hear, say, scripted};

const A: &str = "aaaaaaaaaaaa@codevd.example.org";
const B: &str = "bbbbbbbbbbbb@codevd.example.org";

fn answer(words: &'static str, lines: &[&str], end: &str) -> Vec<Step> {
    let mut steps = vec![hear(words)];
    steps.extend(lines.iter().map(|line| say(line)));
    steps.push(say(&format!("*tag* {end}")));
    steps
}

fn login() -> Vec<Step> {
    [vec![say("* OK hello")], answer("LOGIN \"bot\" \"hunter2\"", &[], "OK in")].concat()
}

const FOLDERS: [&str; 3] = [
    "* LIST (\\HasNoChildren) \"/\" \"INBOX\"",
    "* LIST (\\HasNoChildren \\Sent) \"/\" \"[Gmail]/Messages envoy&AOk-s\"",
    "* LIST (\\HasNoChildren) \"/\" \"Sent\"",
];

async fn asked(
    steps: Vec<Step>,
    name: Option<&str>,
) -> (Result<Option<BTreeSet<String>>, TransportError>, Vec<String>) {
    let (port, server) = scripted(vec![[steps, vec![Step::Wait]].concat()]).await;
    let mut settings = ImapSettings::new("127.0.0.1", "bot", Secret::new("hunter2"));
    (settings.port, settings.security) = (port, Security::Plain);
    settings.limit = support::SOON;
    let mut folder = SentFolder::new(settings, name.map(str::to_owned)).unwrap();
    let looked = folder.holds(&[A.to_owned(), B.to_owned()]).await;
    drop(folder);
    (looked, server.await.unwrap())
}

#[tokio::test]
async fn the_marked_folder_is_opened_to_read_and_searched() {
    let search = |found: &str| answer("UID SEARCH OR HEADER Message-ID \"", &[found], "OK done");
    let steps = [
        login(),
        answer("LIST \"\" *", &FOLDERS, "OK listed"),
        answer("EXAMINE \"[Gmail]/Messages envoy&AOk-s\"", &["* 3 EXISTS"], "OK [READ-ONLY] open"),
        search("* SEARCH"),
        search("* SEARCH 17"),
        answer("LOGOUT", &["* BYE"], "OK bye"),
    ];
    let (looked, heard) = asked(steps.concat(), None).await;
    assert_eq!(looked.unwrap(), Some(BTreeSet::from([B.to_owned()])));
    let heard = heard.join("\n");
    assert!(heard.contains(&format!("OR HEADER Message-ID \"{A}\" HEADER References \"{A}\"")), "{heard}");
    for word in ["SELECT", "STORE", "APPEND", "FETCH"] {
        assert!(!heard.contains(word), "nothing is changed: {heard}");
    }
}

#[tokio::test]
async fn no_marked_folder_a_named_one_and_errors_are_told_apart() {
    let bye = || answer("LOGOUT", &[], "OK bye");
    let none = [login(), answer("LIST", &[FOLDERS[0], FOLDERS[2]], "OK listed"), bye()].concat();
    assert_eq!(asked(none, None).await.0.unwrap(), None);
    let named = [
        login(),
        answer("EXAMINE \"Sent\"", &[], "OK open"),
        answer("UID SEARCH", &["* SEARCH 1 2"], "OK"),
        answer("UID SEARCH", &["* SEARCH"], "OK"),
        bye(),
    ];
    assert_eq!(asked(named.concat(), Some("Sent")).await.0.unwrap(), Some(BTreeSet::from([A.to_owned()])));
    let missing = [login(), answer("EXAMINE", &[], "NO there is none"), bye()].concat();
    let told = asked(missing, Some("Sent")).await.0.unwrap_err().to_string();
    assert!(told.contains("opening the Sent folder was refused: ") && told.contains("there is none"), "{told}");
    // a search that is cut off says nothing: it is no absence
    let cut = [login(), answer("EXAMINE", &[], "OK open"), vec![hear("UID SEARCH"), say("* SEARCH"), Step::Close]];
    assert!(asked(cut.concat(), Some("Sent")).await.0.is_err());
}

/// A folder that holds these.
struct Folder(Option<Vec<&'static str>>);

impl SentMail for Folder {
    async fn holds(&mut self, ids: &[String]) -> Result<Option<BTreeSet<String>>, TransportError> {
        let held = |all: &Vec<&str>| {
            ids.iter().filter(|id| all.iter().any(|held| id.contains(&format!("-{held}-")))).cloned().collect()
        };
        Ok(self.0.as_ref().map(held))
    }
}

/// The mail to ana is in doubt, the one to bob left a minute later.
fn doubtful() -> (tempfile::TempDir, Shared) {
    let (folder, mut store) = open();
    store.asks_sent(Some(ASKED_FOR));
    let draft = |member| Draft { when_late: WhenLate::Send, ..draft(member, Kind::Invitation, 0, "event") };
    store.commit(mails(["ana", "bob"].map(|m| mail(draft(m))).into())).unwrap();
    for claimed in store.claim(now(), 2, |_| Duration::minutes(1)).unwrap() {
        store.mark_dot(claimed.id, now()).unwrap();
    }
    store.settle(1, &Settled::InDoubt { cause: "cut".into() }, now()).unwrap();
    store.settle(2, &Settled::Sent { reply: "250 ok".into() }, now() + Duration::minutes(1)).unwrap();
    (folder, shared(store))
}

/// Looks minute by minute; says what became of ana's mail, after how many minutes, and whether the core was told.
async fn becomes(folder: Folder) -> (MailState, i64, bool) {
    let (_dir, store) = doubtful();
    let mut folder = folder;
    for minutes in 0..30 {
        if doubt_step(&store, &mut folder, now() + Duration::minutes(minutes)).await.unwrap() > 0 {
            let store = store.get();
            let rows = store.next_inbox(9).unwrap();
            let told = rows.iter().any(|r| r.kind == InboxKind::Outcome && r.outcome() == Some(Outcome::InDoubt));
            return (store.queue_row(1).unwrap().unwrap().state, minutes, told);
        }
    }
    panic!("it stays in doubt");
}

#[tokio::test]
async fn what_it_holds_left_what_it_lacks_did_not_if_it_holds_others_and_else_the_drafts_rule_decides() {
    assert_eq!(becomes(Folder(Some(vec!["ana", "bob"]))).await, (MailState::Sent, 0, false));
    // filled, and ana's mail is not there, look after look: it is sent again
    assert_eq!(becomes(Folder(Some(vec!["bob"]))).await, (MailState::Queued, 3, false));
    // nobody fills it: its absence proves nothing
    assert_eq!(becomes(Folder(Some(Vec::new()))).await, (MailState::InDoubt, 15, true));
    assert_eq!(becomes(Folder(None)).await, (MailState::InDoubt, 0, true));
}

#[tokio::test]
async fn after_a_restore_what_left_since_is_marked_as_sent_and_the_rest_stays_held() {
    let (_dir, store) = doubtful();
    let draft = |member| draft(member, Kind::WarmUp, 0, "x");
    store.get().commit(mails(["cid", "dan"].map(|m| mail(draft(m))).into())).unwrap();
    store.get().restored_from("kept.db", now()).unwrap();
    assert_eq!(doubt_step(&store, &mut Folder(Some(vec!["ana", "bob", "dan"])), now()).await.unwrap(), 2);
    let state = |id| store.get().queue_row(id).unwrap().unwrap().state;
    assert_eq!([1, 3, 4].map(state), [MailState::Sent, MailState::Queued, MailState::Sent]);
    let seen = store.get().restored().unwrap().unwrap().seen.unwrap();
    assert_eq!((seen.folder, seen.filled, seen.asked, seen.found), (true, true, 2, 1));
    assert_eq!(store.get().claim(now(), 9, |_| Duration::minutes(1)).unwrap(), [], "mail is held");
    store.get().release(now()).unwrap();
    assert_eq!(store.get().restored().unwrap(), None);
    let left: Vec<_> =
        store.get().claim(now(), 9, |_| Duration::minutes(1)).unwrap().into_iter().map(|m| m.id).collect();
    assert_eq!(left, [3]);
}

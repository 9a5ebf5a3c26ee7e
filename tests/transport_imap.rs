//! Fetching by IMAP against servers scripted to the byte: what real servers do rarely, and hostile ones would.

use crate::support;
use codevd::transport::imap::{Imap, ImapSettings, Taken};
use codevd::transport::{Secret, Security, TransportError};
use std::time::Duration;
use support::{Step, hear, say, scripted};

const SOON: Duration = Duration::from_secs(10);
const CAN: &str = "IDLE MOVE UIDPLUS";

fn settings(port: u16) -> ImapSettings {
    let mut settings = ImapSettings::new("127.0.0.1", "bot", Secret::new("hunter2"));
    (settings.port, settings.security) = (port, Security::Plain);
    settings.max_bytes = 1000;
    settings.limit = SOON;
    settings
}

fn folder(port: u16) -> ImapSettings {
    let mut settings = settings(port);
    settings.taken = Taken::Folder("Done".into());
    settings
}

/// A command that is answered with these lines and OK.
fn answer(words: &'static str, lines: &[&str]) -> Vec<Step> {
    let mut steps = vec![hear(words)];
    steps.extend(lines.iter().map(|line| say(line)));
    steps.push(say("*tag* OK done"));
    steps
}

fn login(can: &str) -> Vec<Step> {
    let capability = format!("* CAPABILITY IMAP4rev1 {can}");
    [vec![say("* OK hello")], answer("LOGIN \"bot\" \"hunter2\"", &[]), answer("CAPABILITY", &[&capability])].concat()
}

fn select(uid_validity: u32) -> Vec<Step> {
    let validity = format!("* OK [UIDVALIDITY {uid_validity}] valid");
    answer(
        "SELECT \"INBOX\"",
        &[
            "* FLAGS (\\Seen \\Deleted)",
            "* OK [PERMANENTFLAGS (\\Seen \\Deleted \\*)] limited",
            "* 3 EXISTS",
            &validity,
        ],
    )
}

fn opened(uid_validity: u32) -> Vec<Step> {
    [login(CAN), select(uid_validity)].concat()
}

/// NOOP and SEARCH that finds these.
fn search(uids: &str) -> Vec<Step> {
    let found = format!("* SEARCH {uids}");
    [answer("NOOP", &[]), answer("UID SEARCH UNKEYWORD $codevd", &[&found])].concat()
}

fn sizes(words: &'static str, sizes: &[(u32, u64)]) -> Vec<Step> {
    let lines: Vec<_> =
        sizes.iter().map(|(uid, size)| format!("* {uid} FETCH (UID {uid} RFC822.SIZE {size})")).collect();
    answer(words, &lines.iter().map(String::as_str).collect::<Vec<_>>())
}

fn body(words: &'static str, uid: u32, text: &str) -> Vec<Step> {
    let line = format!("* {uid} FETCH (UID {uid} BODY[] {{{}}}\r\n{text})", text.len());
    answer(words, &[&line])
}

async fn connected(steps: Vec<Vec<Step>>) -> (Imap, tokio::task::JoinHandle<Vec<String>>) {
    let (port, server) = scripted(steps).await;
    (Imap::connect(settings(port)).await.unwrap(), server)
}

async fn refused(settings: impl Fn(u16) -> ImapSettings, steps: Vec<Step>) -> String {
    let (port, _server) = scripted(vec![[steps, vec![Step::Wait]].concat()]).await;
    let result = Imap::connect(settings(port)).await;
    result.err().expect("it connected").to_string()
}

fn texts(mails: Vec<codevd::transport::Fetched>) -> Vec<(String, String)> {
    mails.into_iter().map(|mail| (mail.place, String::from_utf8(mail.bytes).unwrap())).collect()
}

fn pair(place: &str, text: &str) -> (String, String) {
    (place.into(), text.into())
}

#[tokio::test]
async fn mails_come_by_uid_and_are_marked() {
    let (mut imap, server) = connected(vec![
        [
            opened(7),
            search("12 3"),
            sizes("UID FETCH 3,12 (UID RFC822.SIZE)", &[(12, 5), (3, 9)]),
            body("UID FETCH 3 (UID BODY.PEEK[])", 3, "three ()\n"),
            body("UID FETCH 12 (UID BODY.PEEK[])", 12, "{9}\r\n"),
            answer("UID STORE 3 +FLAGS ($codevd)", &["* 1 FETCH (UID 3 FLAGS (\\Seen $CODEVD))"]),
            vec![Step::Wait],
        ]
        .concat(),
    ])
    .await;
    let mails = imap.fetch_new().await.unwrap();
    assert_eq!(texts(mails), [pair("INBOX;7;3", "three ()\n"), pair("INBOX;7;12", "{9}\r\n")]);
    imap.taken("INBOX;7;3").await.unwrap();
    // of another UIDVALIDITY or another mailbox: nothing is said to the server
    imap.taken("INBOX;6;3").await.unwrap();
    imap.taken("Else;where;7;3").await.unwrap();
    assert!(matches!(imap.taken("nonsense").await, Err(TransportError::Settings { .. })));
    drop(imap);
    assert!(!server.await.unwrap().iter().any(|line| line.contains("Seen")));
}

#[tokio::test]
async fn after_a_change_of_uidvalidity_all_comes_again_with_new_places() {
    let round = |validity| {
        [opened(validity), search("1"), sizes("UID FETCH 1", &[(1, 1)]), body("UID FETCH 1", 1, "x"), vec![Step::Close]]
            .concat()
    };
    let (mut imap, server) = connected(vec![round(7), [round(8), opened(8)].concat()]).await;
    assert_eq!(texts(imap.fetch_new().await.unwrap()), [pair("INBOX;7;1", "x")]);
    // the server hung up meanwhile: dialled anew within the call
    assert_eq!(texts(imap.fetch_new().await.unwrap()), [pair("INBOX;8;1", "x")]);
    server.await.unwrap();
}

#[tokio::test]
async fn a_mail_over_the_cap_is_asked_for_in_part() {
    let (mut imap, _server) = connected(vec![
        [
            opened(7),
            search("1"),
            sizes("UID FETCH 1", &[(1, 4_000_000_000)]),
            answer("UID FETCH 1 (UID BODY.PEEK[]<0.1000>)", &["* 1 FETCH (UID 1 BODY[]<0> {5}\r\nfirst)"]),
            vec![Step::Wait],
        ]
        .concat(),
    ])
    .await;
    let mails = imap.fetch_new().await.unwrap();
    assert!(mails[0].truncated);
    assert_eq!((mails[0].size, mails[0].bytes.as_slice()), (4_000_000_000, &b"first"[..]));
}

#[tokio::test]
async fn an_absurd_length_is_not_waited_for() {
    let hostile = || {
        [
            opened(7),
            search("1"),
            sizes("UID FETCH 1", &[(1, 10)]),
            vec![hear("UID FETCH 1"), say("* 1 FETCH (UID 1 BODY[] {400000000}"), Step::Wait],
        ]
        .concat()
    };
    let (mut imap, _server) = connected(vec![hostile(), hostile()]).await;
    let told = imap.fetch_new().await.unwrap_err().to_string();
    assert!(told.contains("announced 400000000 bytes at once"), "{told}");
}

#[tokio::test]
async fn a_mail_that_breaks_the_connection_does_not_hold_up_the_others() {
    let broken = |uids: &'static str| {
        [opened(7), search("1 2"), sizes(uids, &[(1, 1), (2, 1)]), vec![hear("UID FETCH 1"), Step::Close]].concat()
    };
    let (mut imap, server) = connected(vec![
        broken("UID FETCH 1,2"),
        [
            opened(7),
            search("1 2"),
            // the one that broke it comes last now
            sizes("UID FETCH 2,1", &[(1, 1), (2, 1)]),
            body("UID FETCH 2", 2, "b"),
            vec![hear("UID FETCH 1"), Step::Close],
        ]
        .concat(),
    ])
    .await;
    assert_eq!(texts(imap.fetch_new().await.unwrap()), [pair("INBOX;7;2", "b")]);
    server.await.unwrap();
}

#[tokio::test]
async fn a_connection_lost_while_marking_is_no_success() {
    let lost = || [opened(7), vec![hear("UID STORE 3"), Step::Close]].concat();
    let (mut imap, server) = connected(vec![lost(), lost()]).await;
    let told = imap.taken("INBOX;7;3").await.unwrap_err().to_string();
    assert!(told.contains("marking a mail as taken failed"), "{told}");
    server.await.unwrap();
    let lost = || [opened(7), answer("NOOP", &[]), vec![hear("UID SEARCH"), Step::Close]].concat();
    let (mut imap, server) = connected(vec![lost(), lost()]).await;
    imap.fetch_new().await.unwrap_err();
    server.await.unwrap();
}

#[tokio::test]
async fn a_mail_the_server_refuses_to_give_is_left_out() {
    let (mut imap, _server) = connected(vec![
        [
            opened(7),
            search("1 2 3"),
            sizes("UID FETCH 1,2,3", &[(1, 1), (2, 1), (3, 1)]),
            vec![hear("UID FETCH 1"), say("*tag* NO [SERVERBUG] can't read that")],
            answer("UID FETCH 2", &[]),
            body("UID FETCH 3", 3, "c"),
            vec![Step::Wait],
        ]
        .concat(),
    ])
    .await;
    assert_eq!(texts(imap.fetch_new().await.unwrap()), [pair("INBOX;7;3", "c")]);
}

#[tokio::test]
async fn a_batch_has_an_end_and_wait_returns_at_once() {
    let all: Vec<u32> = (1..=60).collect();
    let list = |uids: &[u32]| uids.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
    let mut steps = [opened(7), search(&list(&all))].concat();
    let batch: Vec<_> = all[..50].iter().map(|uid| (*uid, 1)).collect();
    steps.extend(sizes("UID FETCH 1,2,3,4", &batch));
    for uid in &all[..50] {
        steps.extend(body("UID FETCH ", *uid, "x"));
    }
    steps.push(Step::Wait);
    let (mut imap, _server) = connected(vec![steps]).await;
    assert_eq!(imap.fetch_new().await.unwrap().len(), 50);
    imap.wait(SOON * 100).await.unwrap();
}

#[tokio::test]
async fn a_mail_that_came_before_idle_wakes_it_at_once() {
    let (mut imap, server) = connected(vec![
        [
            opened(7),
            search(""),
            vec![hear("IDLE"), say("* 4 EXISTS"), say("+ idling"), hear("DONE")],
            vec![Step::Say("A0006 OK done\r\n".into())],
            search(""),
            // told between two commands
            vec![hear("IDLE"), say("+ idling"), say("* OK still here"), say("* 5 EXISTS"), hear("DONE")],
            vec![Step::Say("A0009 OK done\r\n".into()), Step::Wait],
        ]
        .concat(),
    ])
    .await;
    for _ in 0..2 {
        assert_eq!(imap.fetch_new().await.unwrap(), []);
        let woken = tokio::time::timeout(SOON, imap.wait(SOON * 100)).await;
        woken.expect("not woken").unwrap();
    }
    drop(imap);
    server.await.unwrap();
}

#[tokio::test]
async fn a_goodbye_while_idle_is_told_and_then_redialled() {
    let (mut imap, server) = connected(vec![
        [opened(7), search(""), vec![hear("IDLE"), say("+ idling"), say("* BYE restart"), Step::Close]].concat(),
        [opened(7), search("")].concat(),
    ])
    .await;
    assert_eq!(imap.fetch_new().await.unwrap(), []);
    imap.wait(SOON * 100).await.unwrap_err();
    assert_eq!(imap.fetch_new().await.unwrap(), []);
    server.await.unwrap();
}

#[tokio::test]
async fn without_idle_wait_is_the_polling_interval() {
    let steps = [login("MOVE"), select(7), search(""), vec![Step::Wait]].concat();
    let (port, server) = scripted(vec![steps]).await;
    let mut settings = settings(port);
    settings.poll = Duration::from_millis(20);
    let mut imap = Imap::connect(settings).await.unwrap();
    assert_eq!(imap.fetch_new().await.unwrap(), []);
    imap.wait(SOON * 100).await.unwrap();
    drop(imap);
    assert!(!server.await.unwrap().iter().any(|line| line.contains("IDLE")));
}

#[tokio::test]
async fn a_server_that_keeps_no_keywords_is_told_with_the_remedy() {
    let no_keywords =
        answer("SELECT", &["* OK [PERMANENTFLAGS (\\Seen \\Deleted)] limited", "* OK [UIDVALIDITY 7] valid"]);
    let told = refused(settings, [login(CAN), no_keywords].concat()).await;
    assert!(told.contains("keeps no keywords. Let taken mails be moved to a folder"), "{told}");
    // the keyword is there already
    let this_one = answer("SELECT", &["* OK [PERMANENTFLAGS (\\Seen $CodevD)] limited"]);
    connected(vec![[login(CAN), this_one, vec![Step::Wait]].concat()]).await;
    // promised and not kept
    let (mut imap, _server) = connected(vec![
        [opened(7), answer("UID STORE 3 +FLAGS ($codevd)", &["* 1 FETCH (UID 3 FLAGS (\\Seen))"]), vec![Step::Wait]]
            .concat(),
    ])
    .await;
    let told = imap.taken("INBOX;7;3").await.unwrap_err().to_string();
    assert!(told.contains("did not keep the keyword. Let taken mails be moved"), "{told}");
}

#[tokio::test]
async fn a_folder_is_made_and_mails_moved_by_what_the_server_has() {
    let made = || [answer("LIST \"\" \"Done\"", &[]), answer("CREATE \"Done\"", &[])].concat();
    let moved = answer("UID MOVE 3 \"Done\"", &[]);
    let copied = [
        answer("UID COPY 3 \"Done\"", &[]),
        answer("UID STORE 3 +FLAGS (\\Deleted)", &["* 1 FETCH (UID 3 FLAGS (\\Deleted))"]),
        answer("UID EXPUNGE 3", &["* 1 EXPUNGE"]),
    ]
    .concat();
    for (can, steps) in [("MOVE", moved), ("UIDPLUS", copied)] {
        let steps = [login(can), made(), select(7), steps, vec![Step::Wait]].concat();
        let (port, server) = scripted(vec![steps]).await;
        let mut imap = Imap::connect(folder(port)).await.unwrap();
        imap.taken("INBOX;7;3").await.unwrap();
        drop(imap);
        server.await.unwrap();
    }
    // an EXPUNGE of all that others marked is no way to move one mail
    let told = refused(folder, login("IDLE")).await;
    assert!(told.contains("neither MOVE nor UIDPLUS. Without them"), "{told}");
    let no_folder = vec![hear("LIST"), say("*tag* OK none"), hear("CREATE"), say("*tag* NO not there")];
    let told = refused(folder, [login(CAN), no_folder].concat()).await;
    assert!(told.contains("not there. Some servers want it below the inbox"), "{told}");
}

#[tokio::test]
async fn starttls_never_falls_back() {
    let starttls = |port| {
        let mut settings = settings(port);
        settings.security = Security::StartTls;
        // what is injected may be dropped in silence: then no handshake comes
        settings.limit = Duration::from_millis(300);
        settings
    };
    for (steps, words) in [
        (vec![say("* OK hello"), hear("STARTTLS"), say("*tag* NO not today")], "STARTTLS was refused: not today"),
        (vec![say("* OK hello"), hear("STARTTLS"), say("*tag* BAD what?")], "STARTTLS was refused: what?"),
        // already "logged in" by a man in the middle: STARTTLS would be impossible
        (vec![say("* PREAUTH welcome")], "expected OK"),
        (
            vec![
                say("* OK hello"),
                hear("STARTTLS"),
                say("*tag* OK go"),
                say("* OK injected, and long enough to be a TLS record"),
            ],
            "TLS failed",
        ),
    ] {
        let (port, server) = scripted(vec![[steps, vec![Step::Wait]].concat()]).await;
        let told = Imap::connect(starttls(port)).await.err().unwrap().to_string();
        assert!(told.contains(words), "{told}");
        let heard = server.await.unwrap().join("\n");
        assert!(!heard.contains("LOGIN") && !heard.contains("hunter2"), "{heard}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_imap_is_told() {
    let told = refused(settings, vec![say("HTTP/1.1 400 Bad Request")]).await;
    assert!(told.contains("the greeting failed"), "{told}");
    let told = refused(settings, vec![say("* BYE too many connections")]).await;
    assert!(told.contains("too many connections"), "{told}");
    let (port, _server) = scripted(vec![vec![Step::Close]]).await;
    let told = Imap::connect(settings(port)).await.err().unwrap().to_string();
    assert!(told.contains("hung up without a word"), "{told}");
}

#[tokio::test]
async fn names_that_could_become_commands_are_refused_before_dialling() {
    for (taken, mailbox) in [
        (Taken::Keyword("$codevd\r\nA1 DELETE INBOX".into()), "INBOX"),
        (Taken::Keyword("two words".into()), "INBOX"),
        (Taken::Keyword("\\Seen".into()), "INBOX"),
        (Taken::Folder("Done\r\n".into()), "INBOX"),
        (Taken::Folder("inbox".into()), "INBOX"),
        (Taken::Folder("Zoé".into()), "INBOX"),
        (Taken::Keyword("$codevd".into()), "IN\nBOX"),
    ] {
        let mut settings = settings(1);
        (settings.taken, settings.mailbox) = (taken, mailbox.into());
        let result = Imap::offline(settings);
        assert!(matches!(result.err(), Some(TransportError::Settings { .. })));
    }
}

/// What the library or its parser might stumble over ends in an error, or in nothing, and in no panic.
#[tokio::test]
async fn odd_answers_end_in_no_panic() {
    const ODD: [&str; 14] = [
        "*tag* BAD",
        "*tag* BAD ",
        "*tag* NO",
        "*tag* OK",
        "*tag*",
        "* ",
        "*",
        "+",
        "* 1 FETCH",
        "* 1 FETCH ()",
        "* 1 FETCH (UID 1)",
        "* SEARCH x",
        "* 99999999999 EXISTS",
        "\u{0}\u{feff}",
    ];
    for odd in ODD {
        for before in
            [vec![], answer("NOOP", &[]), search("1"), [search("1"), sizes("UID FETCH 1", &[(1, 1)])].concat()]
        {
            let steps = [opened(7), before, vec![hear(" "), say(odd), Step::Close]].concat();
            let (port, server) = scripted(vec![steps]).await;
            let mut settings = settings(port);
            settings.limit = Duration::from_millis(500);
            let mut imap = Imap::connect(settings).await.unwrap();
            let _ = imap.fetch_new().await;
            server.await.unwrap();
        }
        let steps = [opened(7), search(""), vec![hear("IDLE"), say(odd), Step::Close]].concat();
        let (port, server) = scripted(vec![steps]).await;
        let mut imap = Imap::connect(settings(port)).await.unwrap();
        assert_eq!(imap.fetch_new().await.unwrap(), []);
        let _ = imap.wait(Duration::from_millis(100)).await;
        server.await.unwrap();
    }
}

/// The login would show in the library's trace lines: they are taken out at compile time.
#[test]
fn trace_lines_of_libraries_do_not_exist() {
    assert!(log::STATIC_MAX_LEVEL <= log::LevelFilter::Debug);
}

/// The daemon runs these in tasks.
#[test]
fn all_calls_can_run_in_a_task() {
    fn can<T: Send>(_: T) {}
    let mut imap = Imap::offline(settings(1)).unwrap();
    can(imap.fetch_new());
    can(imap.taken("INBOX;1;1"));
    can(imap.wait(SOON));
    can(imap.check());
}

//! What is forgotten is nowhere in the file any more.

use crate::store::fixture::{mail as fixture_mail, *};
use codevd::core::{Kind, MeetingNo};
use codevd::store::{Forgetting, Forgotten, Received, Settled, Store};
use std::path::Path;

/// The places in the database, its WAL and its keys where this text stands.
pub fn found(dir: &Path, text: &str) -> Vec<String> {
    let mut places = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let at = bytes.windows(text.len()).position(|w| w.eq_ignore_ascii_case(text.as_bytes()));
        places.extend(at.map(|at| {
            let around = &bytes[at.saturating_sub(60)..(at + 60).min(bytes.len())];
            format!("{text} in {}: {}", path.file_name().unwrap().display(), String::from_utf8_lossy(around))
        }));
    }
    places
}

fn received(from: &str, text: &str) -> Received {
    Received {
        place: "test".to_owned(),
        message_id: Some(format!("1.{from}")),
        hash: format!("hash of {}", from.len()),
        bytes: text.as_bytes().to_vec(),
        received_at: now(),
        from: Some(from.to_owned()),
        proof: None,
    }
}

#[track_caller]
fn forgotten(what: Forgetting) -> Forgotten {
    match what {
        Forgetting::Done(done) => done,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_person_who_left_is_nowhere_any_more_and_the_group_goes_on() {
    let (dir, mut store) = open();
    let mut group = rich("lyon");
    for member in group.members.iter_mut().filter(|m| m.id == id("bob")) {
        member.name = "Bob Quentin-Zorn".to_owned();
        member.left = Some(now());
    }
    // who left stands in no group file
    group.spec.members.retain(|m| m.id != id("bob"));
    let mut commit = state(None, None, &group);
    let ours = |member, kind| fixture_mail(draft(member, kind, 0, "lane"));
    commit.mails = vec![ours("bob", Kind::Invitation), ours("eve", Kind::Digest)];
    commit.mails[1].plain = "Bob Quentin-Zorn : j'ai trop de travail, dit Bob".to_owned();
    store.commit(commit).unwrap();
    store
        .receive(&[
            received("bob@example.org", "From: bob@example.org\n\nSecretissime"),
            received("eve@example.org", "Bob a dit"),
        ])
        .unwrap();
    assert_eq!(store.forget(&lyon(), &id("bob"), now()).unwrap(), Forgetting::Waiting(1));
    for claimed in store.claim(now(), 9, |_| chrono::Duration::minutes(1)).unwrap() {
        store.settle(claimed.id, &Settled::Sent { reply: "250 ok".to_owned() }, now()).unwrap();
    }
    assert!(!found(dir.path(), "Quentin-Zorn").is_empty(), "names can be read in it");
    assert_eq!(found(dir.path(), "Secretissime"), Vec::<String>::new(), "what they wrote can't");

    let done = forgotten(store.forget(&lyon(), &id("bob"), now()).unwrap());
    assert_eq!(done.now, id("forgotten-1"));
    assert!(done.texts > 0 && done.sent == 1 && done.received == 1, "{done:?}");
    for text in [
        "Quentin-Zorn",
        "bob@example.org",
        "Secretissime",
        "Problème",
        "en congé",
        "lyon/2/invitation/-/bob",
        "\"bob\"",
    ] {
        assert_eq!(found(dir.path(), text), Vec::<String>::new());
    }
    let loaded = store.load(&lyon(), &formats()).unwrap().unwrap().group;
    let meeting = loaded.meetings.iter().find(|m| m.number == MeetingNo(2)).unwrap();
    assert_eq!((meeting.requester.clone(), meeting.subject.clone()), (id("forgotten-1"), None));
    assert!(meeting.attendance.contains_key(&id("forgotten-1")));
    assert!(store.quick_check().unwrap().is_empty());
    // the same mail, met again, is known
    let again = store.receive(&[received("bob@example.org", "From: bob@example.org\n\nSecretissime")]).unwrap();
    assert!(!matches!(again[0], codevd::store::Taken::New(_)), "{again:?}");
}

#[test]
fn nobody_who_is_still_there_is_forgotten() {
    let (_dir, mut store) = open();
    store.commit(state(None, None, &rich("lyon"))).unwrap();
    assert_eq!(store.forget(&lyon(), &id("bob"), now()).unwrap(), Forgetting::NotGone);
    assert_eq!(store.forget(&lyon(), &id("nobody"), now()).unwrap(), Forgetting::NotGone);
}

#[test]
fn two_are_forgotten_one_after_the_other() {
    let (_dir, mut store): (_, Store) = open();
    let mut group = rich("lyon");
    for member in group.members.iter_mut().filter(|m| m.id == id("bob") || m.id == id("cid")) {
        member.left = Some(now());
    }
    store.commit(state(None, None, &group)).unwrap();
    let names = ["bob", "cid"].map(|m| forgotten(store.forget(&lyon(), &id(m), now()).unwrap()).now);
    assert_eq!(names, [id("forgotten-1"), id("forgotten-2")]);
    assert!(store.load(&lyon(), &formats()).unwrap().is_some());
}

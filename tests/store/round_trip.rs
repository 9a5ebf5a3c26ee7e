//! A group comes back as it was written, and only rows that differ are written.

use crate::store::fixture::*;
use codevd::core::draft::Role;
use codevd::core::group::{Sent, SentKey};
use codevd::core::meeting::{Progress, Section, Sharing};
use codevd::core::*;
use codevd::store::{Store, StoreError};
use proptest::prelude::*;

fn load(store: &Store, group: &Group) -> (Group, i64) {
    let loaded = store.load(&group.id, &formats()).unwrap().unwrap();
    (loaded.group, loaded.version)
}

#[test]
fn a_group_with_every_field_filled_comes_back_the_same() {
    let (dir, mut store) = open();
    let group = rich("lyon");
    assert_eq!(store.commit(state(None, None, &group)).unwrap().version, Some(1));
    assert_eq!(load(&store, &group), (group.clone(), 1));
    drop(store);
    let store = Store::open(dir.path().join("codevd.db")).unwrap();
    assert_eq!(load(&store, &group), (group.clone(), 1));
    let reader = store.reader().unwrap();
    assert_eq!(reader.load(&group.id, &formats()).unwrap().unwrap().group, group);
    assert_eq!(reader.meeting(&group.id, MeetingNo(2)).unwrap().as_ref(), group.meetings.get(1));
    assert!(store.load(&"paris".parse().unwrap(), &formats()).unwrap().is_none());
    assert_eq!(store.quick_check().unwrap(), Vec::<String>::new());
}

#[test]
fn every_role_of_the_draft_comes_back() {
    let (_dir, mut store) = open();
    let mut sent = draft("ana", Kind::Receipt, 0, "receipt");
    (sent.role, sent.facts, sent.question, sent.answers) = (Role::Facilitator, receipt_facts(), None, None);
    store.commit(mails(vec![mail(sent.clone())])).unwrap();
    let found = store.outbox_by_key(&sent.key.to_string()).unwrap().unwrap();
    assert_eq!((found.draft, found.plain.as_str()), (sent, "Bonjour\n"));
}

#[test]
fn only_rows_that_differ_are_written() {
    let (_dir, mut store) = open();
    let before = rich("lyon");
    store.commit(state(None, None, &before)).unwrap();
    let mut written = |before: &Group, version, after: &Group| {
        let so_far = store.rows_written();
        store.commit(state(Some(before), Some(version), after)).unwrap();
        store.rows_written() - so_far
    };
    // the group's own row is always written: its version rises
    assert_eq!(written(&before, 1, &before), 1);
    let mut after = before.clone();
    after.meetings[2].attendance.insert(id("cid"), before.meetings[1].attendance[&id("bob")].clone());
    assert_eq!(written(&before, 2, &after), 4, "an answer, its comment, and that the meeting has a key now");
    let before = after.clone();
    after.meetings[1].words[0].withdrawn = !after.meetings[1].words[0].withdrawn;
    assert_eq!(written(&before, 3, &after), 2, "a word taken back");
    let before = after.clone();
    after.undos.pop();
    assert_eq!(written(&before, 4, &after), 2, "an undo that ran out");
}

#[test]
fn a_group_written_meanwhile_is_a_conflict_and_nothing_is_written() {
    let (_dir, mut store) = open();
    let before = rich("lyon");
    store.commit(state(None, None, &before)).unwrap();
    let mut after = before.clone();
    after.live = false;
    let mut commit = state(Some(&before), Some(7), &after);
    commit.mails = vec![mail(draft("ana", Kind::Invitation, 0, "event"))];
    let error = store.commit(commit).unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("lyon"), "{error}");
    assert_eq!(load(&store, &before), (before.clone(), 1));
    assert!(store.queue(&Default::default()).unwrap().is_empty());
    let again = store.commit(state(None, None, &before)).unwrap_err();
    assert!(again.is_conflict(), "a new group over an old one: {again}");
}

#[test]
fn in_a_shared_transaction_one_conflict_leaves_the_others_standing() {
    let (_dir, mut store) = open();
    let (lyon, paris) = (rich("lyon"), rich("paris"));
    let mut wrong = state(Some(&lyon), Some(9), &lyon);
    wrong.mails = vec![mail(draft("ana", Kind::Invitation, 0, "event"))];
    let done = store.commit_all(vec![state(None, None, &lyon), wrong, state(None, None, &paris)]).unwrap();
    assert_eq!(done[0].as_ref().unwrap().version, Some(1));
    assert!(matches!(done[1], Err(StoreError::Conflict { .. })));
    assert_eq!(done[2].as_ref().unwrap().version, Some(1));
    assert_eq!(load(&store, &paris).0, paris);
    assert_eq!(store.counts().unwrap().outbox.len(), 0);
}

#[test]
fn old_meetings_are_not_loaded_and_stay_as_they_were() {
    let (_dir, mut store) = open();
    let mut group = rich("lyon");
    for (number, wall, stage) in [(5, "2026-01-13 18:00", Stage::Digested), (6, "2026-02-10 18:00", Stage::Cancelled)] {
        group.meetings.push(meeting(&group.id, number, wall, stage));
    }
    store.commit(state(None, None, &group)).unwrap();
    let numbers = |g: &Group| g.meetings.iter().map(|m| m.number.0).collect::<Vec<_>>();
    let (loaded, version) = load(&store, &group);
    assert_eq!(numbers(&loaded), [1, 2, 3, 4]);
    // the core lets a meeting go: its rows stay
    let mut after = loaded.clone();
    after.meetings.retain(|m| m.number.0 > 2);
    store.commit(state(Some(&loaded), Some(version), &after)).unwrap();
    assert_eq!(numbers(&load(&store, &group).0), [1, 2, 3, 4]);
    assert_eq!(store.meeting(&group.id, MeetingNo(2)).unwrap().unwrap(), group.meetings[1]);
    assert_eq!(store.meetings(Some(&group.id)).unwrap().len(), 6);
}

#[test]
fn the_last_held_meeting_is_loaded_however_long_ago() {
    let (_dir, mut store) = open();
    let mut group = rich("lyon");
    group.meetings = vec![
        meeting(&group.id, 1, "2026-01-13 18:00", Stage::Digested),
        meeting(&group.id, 2, "2026-02-10 18:00", Stage::Digested),
        meeting(&group.id, 3, "2026-12-08 18:00", Stage::Planned),
        meeting(&group.id, 4, "2027-06-08 18:00", Stage::Planned),
    ];
    store.commit(state(None, None, &group)).unwrap();
    let numbers: Vec<_> = load(&store, &group).0.meetings.iter().map(|m| m.number.0).collect();
    assert_eq!(numbers, [2, 3, 4]);
    assert_eq!(store.meeting(&group.id, MeetingNo(1)).unwrap().unwrap(), group.meetings[0]);
}

#[test]
fn an_address_may_pass_from_one_member_to_another_in_one_step() {
    let (_dir, mut store) = open();
    let before = rich("lyon");
    store.commit(state(None, None, &before)).unwrap();
    let who = |store: &Store, address: &str| {
        store.members_by_address(address).unwrap().into_iter().map(|(_, m)| m.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(who(&store, " BOB.work@Example.com"), ["bob"]);
    assert_eq!(who(&store, "fay@example.org"), Vec::<String>::new(), "who left is not found");
    let mut after = before.clone();
    let (ana, bob) = (after.members[0].email.clone(), after.members[1].email.clone());
    (after.members[0].email, after.members[1].email) = (bob, ana);
    after.members[1].aliases.clear();
    store.commit(state(Some(&before), Some(1), &after)).unwrap();
    assert_eq!(
        (who(&store, "ana@example.org"), who(&store, "bob@example.org")),
        (vec!["bob".into()], vec!["ana".into()])
    );
    assert_eq!(load(&store, &after).0, after);
}

#[test]
fn seconds_of_a_wall_time_and_parts_of_a_second() {
    let (_dir, mut store) = open();
    let mut group = rich("lyon");
    group.meetings[2].wall += chrono::Duration::seconds(5);
    group.meetings[2].changed += chrono::Duration::milliseconds(750);
    store.commit(state(None, None, &group)).unwrap();
    group.meetings[2].changed -= chrono::Duration::milliseconds(750);
    assert_eq!(load(&store, &group).0, group);
}

/// One of many small changes, as decisions make them.
fn edit(group: &mut Group, (what, n, flag): (u8, u32, bool)) {
    let who = group.members[n as usize % group.members.len()].id.clone();
    let later = now() + chrono::Duration::minutes(i64::from(n));
    let which = n as usize % group.meetings.len();
    let meeting = &mut group.meetings[which];
    match what {
        0 => drop(meeting.attendance.remove(&who)),
        1 => {
            let comment = flag.then(|| format!("'{n}'\n\u{1F600}"));
            let answer = if flag { Attending::Yes } else { Attending::No };
            meeting.attendance.insert(who, Attendance { answer, sequence: n, stamp: later, comment });
        }
        2 => meeting.subject = flag.then(|| Subject { text: format!("s{n}"), sharing: Some(Sharing::All), at: later }),
        3 => meeting.run = None,
        4 => {
            if let Some(run) = &mut meeting.run {
                run.steps.remove(0);
                if run.steps.is_empty() {
                    meeting.run = None;
                }
            }
        }
        5 => {
            let word_id = meeting.words.iter().map(|w| w.id).max().unwrap_or(0) + 1;
            let text = format!("w{n}");
            let by = who;
            let (section, anonymous, withdrawn) = (Section::Note, flag, !flag);
            meeting.words.push(Word { id: word_id, by, section, at: later, text, anonymous, withdrawn });
        }
        6 => meeting.actions = (1..=n % 4).map(|i| action(i, flag.then_some(Progress::Done))).collect(),
        7 => meeting.actions.reverse(),
        8 => meeting.stage = if flag { Stage::Running } else { Stage::Planned },
        9 => group.undos.truncate(n as usize % 9),
        10 => {
            if !group.undos.is_empty() {
                drop(group.undos.remove(0));
            }
        }
        11 => {
            let meeting = flag.then_some(meeting.number);
            let key = SentKey { meeting, kind: Kind::Digest, step: flag.then_some(n), member: who };
            group.sent.insert(key, Sent { revision: n, at: later });
        }
        12 if flag && !group.challenges.is_empty() => {
            let mut first = group.challenges.remove(0);
            first.word = Some(n % 2 == 0);
            first.again = (n % 3 == 0).then(|| first.key.clone());
            group.challenges.push(first);
        }
        12 => drop(group.sent.pop_first()),
        13 => drop(group.turns.pop()),
        14 => {
            let left = flag.then_some(later);
            group.members[n as usize % 6].left = left;
        }
        15 => group.members.swap(0, n as usize % 6),
        16 => group.members[n as usize % 6].aliases = vec![format!("new{n}@example.org").parse().unwrap()],
        17 => group.spec.settings.quorum = n,
        18 => {
            let number = group.next_meeting;
            group.next_meeting += 1;
            let id = group.id.clone();
            group.meetings.push(crate::store::fixture::meeting(&id, number, "2027-02-09 18:00", Stage::Planned));
        }
        _ => (group.live, group.last_slot) = (flag, None),
    }
}

proptest! {
    #![proptest_config(crate::cases(48))]
    #[test]
    fn random_changes_come_back_the_same(steps in prop::collection::vec(
        prop::collection::vec((0_u8..20, 0_u32..40, any::<bool>()), 1..6), 1..6)) {
        let (_dir, mut store) = open();
        let mut before = rich("lyon");
        store.commit(state(None, None, &before)).unwrap();
        for (edits, version) in steps.into_iter().zip(1..) {
            let mut after = before.clone();
            edits.into_iter().for_each(|e| edit(&mut after, e));
            store.commit(state(Some(&before), Some(version), &after)).unwrap();
            prop_assert_eq!(load(&store, &after), (after.clone(), version + 1));
            before = after;
        }
        prop_assert!(store.quick_check().unwrap().is_empty());
    }
}

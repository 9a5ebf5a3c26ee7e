//! The life of a mail: queued once, superseded, claimed, settled, recovered after a crash.

use crate::store::fixture::*;
use chrono::{DateTime, Duration, Utc};
use codevd::core::draft::Question;
use codevd::core::{Draft, Kind, Outcome, WhenLate};
use codevd::store::{Claimed, InboxKind, MailState, QueueFilter, Recovered, Settled, Store};

const FILTER: QueueFilter = QueueFilter { group: None, member: None, meeting: None, state: None, limit: 0 };

fn state_of(store: &Store, id: i64) -> MailState {
    store.queue_row(id).unwrap().unwrap().state
}
fn claim(store: &mut Store, now: DateTime<Utc>) -> Vec<Claimed> {
    store.claim(now, 10, |attempt| Duration::minutes(i64::from(attempt))).unwrap()
}
fn ids(found: &[Claimed]) -> Vec<i64> {
    found.iter().map(|m| m.id).collect()
}
fn outcomes(store: &Store) -> Vec<Outcome> {
    let rows = store.next_inbox(100).unwrap();
    assert!(rows.iter().all(|r| r.kind == InboxKind::Outcome && r.draft_key.is_some() && r.member.is_some()));
    rows.iter().filter_map(|r| r.outcome()).collect()
}
fn queue(store: &mut Store, drafts: impl IntoIterator<Item = Draft>) -> Vec<i64> {
    store.commit(mails(drafts.into_iter().map(mail).collect())).unwrap().queued
}
fn sent() -> Settled {
    Settled::Sent { reply: "250 2.0.0 queued".to_owned() }
}

#[test]
fn deciding_twice_queues_once_and_keeps_the_first_bytes() {
    let (_dir, mut store) = open();
    let invitation = draft("ana", Kind::Invitation, 0, "event");
    assert_eq!(queue(&mut store, [invitation.clone()]), [1]);
    let mut again = mail(invitation);
    (again.bytes, again.draft_id) = (b"other".to_vec(), "other".to_owned());
    let done = store.commit(mails(vec![again])).unwrap();
    assert_eq!((done.queued, done.superseded), (vec![], vec![]));
    assert_eq!(done.kept, ["lyon/3/invitation/-/ana/0"]);
    assert_eq!(store.queue(&FILTER).unwrap().len(), 1);
    assert!(store.outbox_bytes(1).unwrap().unwrap().starts_with(b"Subject: lyon-3-invitation"));
}

#[test]
fn a_newer_mail_supersedes_what_waits_in_its_lane_but_not_what_is_in_flight() {
    let (_dir, mut store) = open();
    let event = |member: &str, revision| draft(member, Kind::Moved, revision, "event");
    queue(&mut store, [event("ana", 0)]);
    assert_eq!(ids(&claim(&mut store, now())), [1]);
    queue(&mut store, [event("ana", 1), event("bob", 0), draft("ana", Kind::WarmUp, 0, "warm-up")]);
    let done = store.commit(mails(vec![mail(event("ana", 2))])).unwrap();
    assert_eq!((done.queued, done.superseded), (vec![5], vec![2]));
    let states: Vec<_> = store.queue(&FILTER).unwrap().iter().map(|r| r.state).collect();
    use MailState::{Queued, Sending, Superseded};
    assert_eq!(states, [Sending, Superseded, Queued, Queued, Queued]);
    // what goes to the same person waits until the older one is out of flight
    assert_eq!(ids(&claim(&mut store, now())), [3]);
    assert_eq!(store.next_sends().unwrap(), (None, None));
    store.settle(1, &sent(), now()).unwrap();
    assert_eq!(ids(&claim(&mut store, now())), [4]);
    store.settle(4, &sent(), now()).unwrap();
    assert_eq!(ids(&claim(&mut store, now())), [5]);
}

#[test]
fn a_failed_mail_that_was_replaced_in_flight_is_not_tried_again() {
    let (_dir, mut store) = open();
    queue(&mut store, [draft("ana", Kind::Moved, 0, "event")]);
    claim(&mut store, now());
    queue(&mut store, [draft("ana", Kind::Moved, 1, "event")]);
    let retry = Settled::Retry { at: now(), reply: "451 later".to_owned() };
    store.settle(1, &retry, now()).unwrap();
    assert_eq!(state_of(&store, 1), MailState::Superseded);
    assert_eq!(ids(&claim(&mut store, now())), [2]);
}

#[test]
fn live_prompts_go_first_then_what_waits_longest_and_nothing_before_its_time() {
    let (_dir, mut store) = open();
    let at = |member: &str, minutes: i64, urgent: bool| {
        let mut d = draft(member, Kind::StepPrompt, 0, "step");
        (d.due, d.urgent) = (now() + Duration::minutes(minutes), urgent);
        d
    };
    queue(&mut store, [at("ana", -1, false), at("bob", -5, false), at("cid", 0, true), at("dan", 9, true)]);
    assert_eq!(store.next_send().unwrap(), Some(now() - Duration::minutes(5)));
    let found = claim(&mut store, now());
    assert_eq!(ids(&found), [3, 2, 1]);
    assert!(found.iter().all(|m| m.attempt == 1 && !m.bytes.is_empty()));
    assert_eq!(store.next_send().unwrap(), Some(now() + Duration::minutes(9)));
    assert!(claim(&mut store, now()).is_empty(), "nothing is handed out twice");
}

#[test]
fn the_limit_holds_over_urgent_and_other_mails() {
    let (_dir, mut store) = open();
    let all = ["ana", "bob", "cid", "dan"].map(|m| {
        let mut d = draft(m, Kind::WarmUp, 0, "x");
        d.urgent = m > "bob";
        d
    });
    queue(&mut store, all);
    assert_eq!(ids(&store.claim(now(), 3, |_| Duration::minutes(1)).unwrap()), [3, 4, 1]);
}

#[test]
fn the_attempt_is_on_disk_before_the_mail_is_handed_out() {
    let (dir, mut store) = open();
    queue(&mut store, [draft("ana", Kind::Invitation, 0, "event")]);
    claim(&mut store, now());
    // a second connection sees it: it is committed
    let reader = codevd::store::Reader::open(dir.path().join("codevd.db")).unwrap();
    let row = reader.queue_row(1).unwrap().unwrap();
    assert_eq!((row.state, row.attempts), (MailState::Sending, 1));
    assert_eq!(row.next_attempt, now() + Duration::minutes(1));
    let attempts = reader.attempts(1).unwrap();
    assert_eq!((attempts.len(), attempts[0].phase.as_str(), &attempts[0].result), (1, "dial", &None));
}

#[test]
fn a_retry_comes_back_at_its_time_with_the_same_bytes() {
    let (_dir, mut store) = open();
    queue(&mut store, [draft("ana", Kind::Invitation, 0, "event")]);
    let first = claim(&mut store, now()).remove(0);
    let later = now() + Duration::minutes(7);
    store.settle(1, &Settled::Retry { at: later, reply: "451 4.7.1 greylisted".to_owned() }, now()).unwrap();
    assert!(claim(&mut store, later - Duration::seconds(1)).is_empty());
    let second = claim(&mut store, later).remove(0);
    assert_eq!((second.bytes, second.attempt), (first.bytes, 2));
    store.settle(1, &sent(), later).unwrap();
    let row = store.queue_row(1).unwrap().unwrap();
    assert_eq!(
        (row.state, row.sent_at, row.last_reply.as_deref()),
        (MailState::Sent, Some(later), Some("250 2.0.0 queued"))
    );
    let told: Vec<_> = store.attempts(1).unwrap().into_iter().map(|a| (a.result.unwrap(), a.code)).collect();
    assert_eq!(told, [("retry".to_owned(), Some(451)), ("sent".to_owned(), Some(250))]);
    assert!(outcomes(&store).is_empty());
}

#[test]
fn refused_and_doubtful_mails_are_told_to_the_core() {
    let (_dir, mut store) = open();
    queue(&mut store, ["ana", "bob"].map(|m| draft(m, Kind::Invitation, 0, "event")));
    claim(&mut store, now());
    store.settle(1, &Settled::Refused { reply: "550 5.1.1 no such user".to_owned(), trouble: None }, now()).unwrap();
    store.mark_dot(2, now()).unwrap();
    store.settle(2, &Settled::InDoubt { cause: "connection reset".to_owned() }, now()).unwrap();
    assert_eq!((state_of(&store, 1), state_of(&store, 2)), (MailState::Refused, MailState::InDoubt));
    let why = "550 5.1.1 no such user".to_owned();
    assert_eq!(outcomes(&store), [Outcome::Refused { why, trouble: None }, Outcome::InDoubt]);
    let counts = store.counts().unwrap();
    assert_eq!((counts.in_doubt.len(), counts.in_doubt[0].id, counts.inbox["new"]), (1, 2, 2));
    assert_eq!(store.attempts(2).unwrap()[0].phase, "dot");
    // found in the Sent folder later
    store.settle(2, &sent(), now()).unwrap();
    assert_eq!(state_of(&store, 2), MailState::Sent);
    // what is over can't be settled again
    let error = store.settle(2, &sent(), now()).unwrap_err().to_string();
    assert_eq!(error, "mail 2 is sent, expected sending");
    assert!(store.mark_dot(1, now()).unwrap_err().to_string().contains("refused"));
}

#[test]
fn what_is_of_no_use_any_more_is_dropped_and_told_unless_late_is_fine() {
    let (_dir, mut store) = open();
    let late = [("ana", WhenLate::Drop), ("bob", WhenLate::Merge), ("cid", WhenLate::Send)].map(|(m, rule)| {
        let mut d = draft(m, Kind::WarmUp, 0, "warm-up");
        d.when_late = rule;
        d
    });
    queue(&mut store, late);
    // ana's was tried, and its next attempt lies beyond its use: it is dropped at the end of its use
    assert_eq!(claim(&mut store, now()).len(), 3);
    for id in 1..=3 {
        let at = now() + Duration::hours(5);
        store.settle(id, &Settled::Retry { at, reply: "421".to_owned() }, now()).unwrap();
    }
    assert!(claim(&mut store, now() + Duration::hours(1)).is_empty());
    assert!(outcomes(&store).is_empty(), "the last second of use is still of use");
    assert!(claim(&mut store, now() + Duration::hours(2)).is_empty());
    assert_eq!(outcomes(&store), [Outcome::Expired, Outcome::Expired]);
    assert_eq!((state_of(&store, 1), state_of(&store, 2)), (MailState::Dropped, MailState::Dropped));
    assert_eq!(ids(&claim(&mut store, now() + Duration::hours(5))), [3]);
}

#[test]
fn after_a_crash_only_what_reached_the_dot_is_in_doubt() {
    let (dir, mut store) = open();
    let mut prompt = draft("cid", Kind::StepPrompt, 0, "step");
    prompt.urgent = true;
    queue(&mut store, [draft("ana", Kind::WarmUp, 0, "w"), draft("bob", Kind::WarmUp, 0, "w"), prompt]);
    claim(&mut store, now());
    store.mark_dot(2, now()).unwrap();
    drop(store);
    let mut store = Store::open(dir.path().join("codevd.db")).unwrap();
    let recovered = store.recover(now()).unwrap();
    assert_eq!(recovered, Recovered { queued: vec![1, 3], in_doubt: vec![2] });
    assert_eq!(outcomes(&store), [Outcome::InDoubt]);
    assert_eq!(store.recover(now()).unwrap(), Recovered::default());
    assert_eq!(ids(&claim(&mut store, now())), [3], "a prompt at once");
    assert_eq!(ids(&claim(&mut store, now() + Duration::minutes(1))), [1], "others when dated ahead");
    let told: Vec<_> = store.attempts(1).unwrap().into_iter().map(|a| a.result).collect();
    assert_eq!(told, [Some("crashed".to_owned()), None]);
    // the dot of an earlier attempt says nothing of a later one
    assert_eq!(store.recover(now()).unwrap().queued, [1, 3]);
}

#[test]
fn the_operator_may_send_after_all_or_drop() {
    let (_dir, mut store) = open();
    queue(&mut store, ["ana", "bob"].map(|m| draft(m, Kind::Invitation, 0, "event")));
    store.drop_mail(1, now()).unwrap();
    assert!(store.drop_mail(1, now()).is_err());
    assert!(store.requeue(2, now()).is_err(), "it waits already");
    let much_later = now() + Duration::days(3);
    store.requeue(1, much_later).unwrap();
    assert_eq!(ids(&claim(&mut store, much_later)), [1]);
    assert_eq!(state_of(&store, 2), MailState::Dropped);
    assert!(store.queue_row(9).unwrap().is_none());
    assert!(store.requeue(9, now()).unwrap_err().to_string().contains("mail 9 is not there"));
}

#[test]
fn an_answer_finds_the_mail_it_answers() {
    let (_dir, mut store) = open();
    let mut warm_up = draft("ana", Kind::WarmUp, 0, "warm-up");
    (warm_up.question, warm_up.due) = (None, now() + Duration::minutes(1));
    queue(&mut store, [draft("ana", Kind::Invitation, 0, "event"), warm_up, draft("ana", Kind::FollowUp, 0, "plan")]);
    assert!(store.open_questions(&lyon(), &id("ana"), now()).unwrap().is_empty(), "nothing has left");
    store.drop_mail(3, now()).unwrap();
    let end = now() + Duration::minutes(1);
    for _ in 0..2 {
        let mail = claim(&mut store, end).remove(0);
        store.settle(mail.id, &sent(), end).unwrap();
    }
    let open = |at| store.open_questions(&lyon(), &id("ana"), at).unwrap().iter().map(|m| m.id).collect::<Vec<_>>();
    assert_eq!(open(end), [1]);
    assert_eq!(open(end + Duration::days(9)), [1], "none is open any more: the newest");
    assert_eq!(store.last_mail_to(&lyon(), &id("ana")).unwrap().unwrap().id, 2);
    assert!(store.last_mail_to(&lyon(), &id("bob")).unwrap().is_none());
    let found = store.outbox_by_message_id("lyon-3-invitation---ana-0@codevd.example.org").unwrap().unwrap();
    assert_eq!((found.id, found.draft), (1, draft("ana", Kind::Invitation, 0, "event")));
    assert!(store.outbox_by_draft_id("id-of-nobody").unwrap().is_none());
    let filter = QueueFilter { state: Some(MailState::Sent), member: Some(id("ana")), ..FILTER };
    assert_eq!(store.queue(&filter).unwrap().len(), 2);
    assert_eq!(store.queue(&QueueFilter { limit: 1, ..FILTER }).unwrap()[0].id, 3);
}

#[test]
fn a_prompt_does_not_wait_for_an_older_one_that_hangs() {
    let (_dir, mut store) = open();
    let prompt = |step: u32| {
        let mut d = draft("ana", Kind::StepPrompt, step, "prompt");
        d.urgent = true;
        d
    };
    queue(&mut store, [prompt(0)]);
    assert_eq!(ids(&claim(&mut store, now())), [1]);
    queue(&mut store, [prompt(1)]);
    assert!(claim(&mut store, now() + Duration::seconds(14)).is_empty(), "in order, if it is a matter of seconds");
    assert_eq!(ids(&claim(&mut store, now() + Duration::seconds(15))), [2]);
}

#[test]
fn each_open_question_is_known_by_its_newest_mail_and_a_step_asks_alone() {
    let (_dir, mut store) = open();
    let asks = |kind, question, due: i64, lane: &str| {
        let mut draft = draft("ana", kind, 0, lane);
        (draft.question, draft.due) = (Some(question), now() + Duration::minutes(due));
        draft
    };
    let leaves = |store: &mut Store, draft: Draft| {
        let due = draft.due;
        queue(store, [draft]);
        let mail = claim(store, due).remove(0);
        store.settle(mail.id, &sent(), due).unwrap();
        mail.id
    };
    let open = |store: &Store| {
        let open = store.open_questions(&lyon(), &id("ana"), now() + Duration::minutes(9)).unwrap();
        open.iter().map(|m| m.id).collect::<Vec<_>>()
    };
    leaves(&mut store, asks(Kind::Invitation, Question::Attendance, 0, "event"));
    let subject = leaves(&mut store, asks(Kind::SubjectRequest, Question::Subject, 1, "subject"));
    let check = leaves(&mut store, asks(Kind::AttendanceCheck, Question::Attendance, 2, "check"));
    assert_eq!(open(&store), [check, subject]);
    let mut note = asks(Kind::Receipt, Question::Note, 3, "note");
    note.answers = None;
    leaves(&mut store, note);
    assert_eq!(open(&store), [check, subject], "a receipt asks nothing");
    let mut step = asks(Kind::StepPrompt, Question::Contribution, 4, "step");
    step.key.step = Some(3);
    let step = leaves(&mut store, step);
    assert_eq!(open(&store), [step]);
}

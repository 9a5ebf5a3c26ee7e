//! Somebody is told: within minutes while a session runs, within the hour otherwise, once a day while nothing changes.

use crate::store::fixture;
use chrono::{DateTime, Duration, Utc};
use codevd::core::{Draft, Kind, Language, MeetingNo, Stage, WhenLate};
use codevd::daemon::alarm::{Book, Operator, Teller, alarm_step};
use codevd::daemon::housekeeping::Keep;
use codevd::daemon::trouble::{Health, Part};
use codevd::daemon::{Outgoing, Sender, Shared, shared};
use codevd::render::{OperatorTopic, Renderer};
use codevd::sim::SimPost;
use codevd::store::{DiskFault, Settled};
use codevd::transport::TransportError;
use fixture::{draft, mail, mails, now, open, rich, state};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

static RENDERER: LazyLock<Renderer> = LazyLock::new(|| Renderer::embedded().unwrap());

struct House {
    _folder: tempfile::TempDir,
    store: Shared,
    health: Health,
    book: Book,
    post: SimPost,
    operator: Operator,
    sender: Sender,
}

fn house(live: bool) -> House {
    let (folder, mut store) = open();
    let mut group = rich("lyon");
    let stage = if live { Stage::Running } else { Stage::Planned };
    group.meetings.iter_mut().filter(|m| m.number == MeetingNo(3)).for_each(|m| m.stage = stage);
    store.commit(state(None, None, &group)).unwrap();
    House {
        _folder: folder,
        store: shared(store),
        health: Health::default(),
        book: Book::default(),
        post: SimPost::default(),
        operator: Operator { address: "admin@example.org".parse().unwrap(), language: Language::english() },
        sender: Sender { name: "Codev".into(), address: "codev@example.org".parse().unwrap(), plus: false },
    }
}

impl House {
    /// One look; the subject lines of the mails that reached the operator.
    async fn look(&mut self, at: DateTime<Utc>) -> Vec<String> {
        self.look_by(at, &mut self.post.clone()).await
    }

    async fn look_by(&mut self, at: DateTime<Utc>, out: &mut impl Outgoing) -> Vec<String> {
        let teller = Teller { operator: &self.operator, sender: &self.sender, renderer: &RENDERER };
        let _ = alarm_step(&self.store, &self.health, &mut self.book, (Some(&teller), out), at).await;
        let all = self.post.take().into_iter();
        all.map(|mail| {
            assert_eq!(mail.to, "admin@example.org");
            let text = String::from_utf8(mail.bytes.clone()).unwrap();
            assert!(text.contains("Auto-Submitted: auto-generated"), "{text}");
            codevd::mail::letter(&mail.bytes).subject
        })
        .collect()
    }

    /// Looks minute by minute; the minutes at which something was told.
    async fn watch(&mut self, minutes: impl IntoIterator<Item = i64>) -> Vec<(i64, String)> {
        let mut told = Vec::new();
        for minute in minutes {
            told.extend(self.look(now() + Duration::minutes(minute)).await.into_iter().map(|s| (minute, s)));
        }
        told
    }
}

/// A mail to this member waits, however late it is.
fn queue(house: &House, member: &str) {
    let late = Draft { when_late: WhenLate::Send, ..draft(member, Kind::Invitation, 0, "x") };
    house.store.get().commit(mails(vec![mail(late)])).unwrap();
}

fn away() -> TransportError {
    TransportError::Network { place: "mail:993".into(), doing: "connecting", cause: "refused".into(), remedy: None }
}

#[tokio::test]
async fn a_mailbox_that_is_away_is_told_in_time_and_once_a_day() {
    let day = 24 * 60;
    for (live, first) in [(true, 2), (false, 20)] {
        let mut house = house(live);
        house.health.mailbox(&away(), now());
        let told = house.watch((0..30).chain((20..2 * day + 60).step_by(20).skip(1))).await;
        let minutes: Vec<_> = told.iter().map(|(m, _)| *m).collect();
        // from the half hour on it is looked at every 20 minutes
        assert_eq!(minutes, [first, day + 20, 2 * day + 20], "{told:?}");
        assert_eq!(told[0].1, "codevd needs you: the mailbox is away");
    }
    // it was away for a moment: nobody is woken for that
    let mut house = house(false);
    house.health.mailbox(&away(), now());
    assert!(house.watch(0..15).await.is_empty());
    house.health.well(&[Part::Mailbox]);
    assert!(house.watch(15..90).await.is_empty());
}

#[tokio::test]
async fn what_a_person_must_do_is_told_at_once_and_again_when_there_is_more_of_it() {
    let mut house = house(false);
    house.store.get().hold("61 mails within a minute that no plan foresaw", now()).unwrap();
    let refused = TransportError::Refused {
        place: "mail:993".into(),
        doing: "logging in",
        reply: "NO wrong password".into(),
        remedy: None,
    };
    house.health.mailbox(&refused, now());
    assert_eq!(house.look(now()).await, ["codevd needs you: the password is refused, mail is held"]);
    assert!(house.watch(1..59).await.is_empty());
    // released, and held anew for another reason: told again, an hour after the first
    house.store.get().release(now() + Duration::minutes(59)).unwrap();
    house.store.get().hold("by hand", now() + Duration::minutes(59)).unwrap();
    assert_eq!(house.watch(59..200).await, [(60, "codevd needs you: mail is held".to_owned())]);
}

#[tokio::test]
async fn a_mail_in_doubt_and_a_group_set_aside_are_told_once() {
    let mut house = house(true);
    house.store.get().commit(mails(vec![mail(draft("ana", Kind::Digest, 0, "x"))])).unwrap();
    let claimed = house.store.get().claim(now(), 1, |_| Duration::minutes(1)).unwrap().remove(0);
    house.store.get().settle(claimed.id, &Settled::InDoubt { cause: "cut".into() }, now()).unwrap();
    let lyon = "lyon".parse().unwrap();
    house.store.get().set_aside(&lyon, "a template's fault\nin detail", now(), now()).unwrap();
    let told = house.watch((0..30).chain((40..1400).step_by(20))).await;
    let words: Vec<_> = told.iter().map(|(m, s)| (*m, s.as_str())).collect();
    // and that the engine, which does not run here, did not take up what became of the mail
    let waits = (16, "codevd needs you: mail waits");
    assert_eq!(words, [(0, "codevd needs you: a mail in doubt"), (1, "codevd needs you: a group is set aside"), waits]);
}

#[tokio::test]
async fn when_mail_is_down_it_is_kept_for_status_and_told_as_soon_as_it_can_be() {
    let mut house = house(false);
    house.store.get().hold("by hand", now()).unwrap();
    house.post.set_down(true);
    assert!(house.watch(0..30).await.is_empty());
    let kept = house.store.get().alarms().unwrap();
    assert_eq!((kept.len(), kept[0].topic.as_str(), kept[0].told_at), (1, "held", None));
    house.post.set_down(false);
    assert_eq!(house.watch(30..90).await, [(30, "codevd needs you: mail is held".to_owned())]);
    // a restart tells nothing anew
    house.book = Book::of(house.store.get().alarms().unwrap());
    assert!(house.watch(90..200).await.is_empty());
}

#[tokio::test]
async fn a_server_that_takes_no_mail_is_told_in_time_and_is_over_when_it_does() {
    for (live, first) in [(true, 2), (false, 60)] {
        let mut house = house(live);
        queue(&house, "ana");
        house.health.wrong(Part::Outbox, "451 4.3.0 try again later", now());
        assert_eq!(house.watch(0..90).await, [(first, "codevd needs you: no mail leaves".to_owned())]);
        house.health.well(&[Part::Outbox]);
        let claimed = house.store.get().claim(now() + Duration::minutes(90), 1, |_| Duration::minutes(1)).unwrap();
        let sent = Settled::Sent { reply: "250 ok".into() };
        house.store.get().settle(claimed[0].id, &sent, now() + Duration::minutes(90)).unwrap();
        house.watch([90]).await;
        assert!(house.store.get().alarms().unwrap().iter().all(|a| a.over));
    }
}

#[tokio::test]
async fn an_address_of_ours_that_is_refused_is_told_at_once() {
    let mut house = house(false);
    queue(&house, "ana");
    house.health.wrong(Part::Address, "553 5.7.0 not yours", now());
    assert_eq!(house.watch(0..90).await, [(0, "codevd needs you: our address is refused".to_owned())]);
}

#[tokio::test]
async fn a_server_that_took_no_mail_is_over_when_none_waits_any_more() {
    let mut house = house(false);
    queue(&house, "ana");
    house.health.wrong(Part::Outbox, "450 4.2.2 mailbox full", now());
    assert_eq!(house.watch(0..90).await, [(60, "codevd needs you: no mail leaves".to_owned())]);
    // given up by a person; no server says so
    house.store.get().drop_mail(1, now() + Duration::minutes(90)).unwrap();
    assert!(house.watch((90..6000).step_by(30)).await.is_empty(), "the next day is quiet");
    assert!(house.store.get().alarms().unwrap().iter().all(|a| a.over));
}

#[tokio::test]
async fn a_queue_that_stands_still_is_told_whatever_stops_it() {
    let mut house = house(false);
    queue(&house, "ana");
    house.store.get().hold("by hand", now()).unwrap();
    let told = house.watch((0..90).step_by(10)).await;
    assert_eq!(told, [(0, "codevd needs you: mail is held".to_owned())], "held: that is told already");
    house.store.get().release(now() + Duration::minutes(90)).unwrap();
    // what was held is late: it has an hour to leave
    let told = house.watch((90..240).step_by(10)).await;
    assert_eq!(told, [(140, "codevd needs you: no mail leaves".to_owned())]);
    // another mail leaves: the queue moves
    let at = now() + Duration::minutes(240);
    queue(&house, "bob");
    let claimed = house.store.get().claim(at, 9, |_| Duration::minutes(1)).unwrap();
    let bob = claimed.iter().find(|c| c.member.as_str() == "bob").unwrap();
    house.store.get().settle(bob.id, &Settled::Sent { reply: "250 ok".into() }, at).unwrap();
    house.watch([241]).await;
    assert!(house.store.get().alarms().unwrap().iter().all(|a| a.topic != "outbox" || a.over));
}

#[tokio::test]
async fn what_became_due_while_nothing_ran_has_an_hour_to_leave() {
    let stands = |minute| vec![(minute, "codevd needs you: no mail leaves".to_owned())];
    let mut house = house(false);
    queue(&house, "ana");
    // started hours after it was due
    assert_eq!(house.watch((180..300).step_by(10)).await, stands(240));
    // and asleep from then on, with another mail
    house.book = Book::default();
    assert_eq!(house.watch((600..700).step_by(10)).await, stands(660));
}

#[tokio::test]
async fn mail_that_waits_for_a_first_group_is_told_after_an_hour_and_once_a_day() {
    let mut house = house(false);
    house.health.wrong(Part::NoGroup, "/var/lib/codevd/codevd.db", now());
    let day = 24 * 60;
    let told = house.watch((0..day + 200).step_by(20)).await;
    let subject = "codevd needs you: mail waits for a first group".to_owned();
    assert_eq!(told, [(60, subject.clone()), (day + 60, subject)]);
    house.health.well(&[Part::NoGroup]);
    assert!(house.watch((2 * day..2 * day + 200).step_by(20)).await.is_empty());
}

#[tokio::test]
async fn a_full_disk_is_told_though_nothing_can_be_kept() {
    let mut house = house(true);
    house.store.get().watch(|_| Err(DiskFault::Full));
    house.health.wrong(Part::Disk, "database or disk is full", now());
    let told = house.watch((0..30).chain((40..600).step_by(20))).await;
    assert_eq!(told, [(1, "codevd needs you: the database can’t be written".to_owned())]);
}

#[tokio::test]
async fn a_full_disk_is_over_once_something_was_written_and_not_before() {
    let mut house = house(true);
    let full = Arc::new(AtomicBool::new(true));
    let disk = Arc::clone(&full);
    house.store.get().watch(move |_| if disk.load(Ordering::Relaxed) { Err(DiskFault::Full) } else { Ok(()) });
    house.health.wrong(Part::Disk, "database or disk is full", now());
    // the daemon's steps go on, and those that only read go well
    let mut told = Vec::new();
    for minute in 0..10 {
        house.health.prove_disk(&house.store, now() + Duration::minutes(minute));
        told.extend(house.watch([minute]).await);
    }
    assert_eq!(told, [(1, "codevd needs you: the database can’t be written".to_owned())]);
    assert!(house.health.all()[&Part::Disk].1.contains("Make room"), "{:?}", house.health.all());
    full.store(false, Ordering::Relaxed);
    house.health.prove_disk(&house.store, now() + Duration::minutes(10));
    assert!(house.health.all().is_empty());
    assert!(house.store.get().alarms().unwrap().iter().all(|a| a.topic != "probe"));
}

#[tokio::test]
async fn rows_that_can_not_be_read_are_no_disk_that_is_full() {
    let mut house = house(true);
    queue(&house, "ana");
    let conn = rusqlite::Connection::open(house.store.get().file()).unwrap();
    conn.execute("UPDATE outbox SET useful_until = 'x: ana-writes-to-ben'", []).unwrap();
    let error = house.store.get().claim(now(), 1, |_| Duration::minutes(1)).unwrap_err();
    house.health.store(Part::Sending, &error, now());
    let mut told = Vec::new();
    for minute in 0..4 {
        // whether the disk is well has nothing to do with it, and ends it as little
        house.health.prove_disk(&house.store, now() + Duration::minutes(minute));
        told.extend(house.watch([minute]).await);
    }
    assert_eq!(told, [(1, "codevd needs you: the database stops codevd".to_owned())]);
    let what = house.book.alarms()[0].what.clone();
    assert!(what.contains("outbox") && !what.contains("writes-to"), "{what}");
    house.health.well(&[Part::Sending]);
    house.look(now() + Duration::minutes(5)).await;
    assert!(house.book.alarms().iter().all(|a| a.topic != "store" || a.over), "{:?}", house.book);
}

#[tokio::test]
async fn a_file_that_takes_no_writes_is_the_disks_trouble() {
    let mut house = house(true);
    let refused = Arc::new(AtomicBool::new(true));
    let disk = Arc::clone(&refused);
    house.store.get().watch(move |_| if disk.load(Ordering::Relaxed) { Err(DiskFault::ReadOnly) } else { Ok(()) });
    let error = house.store.get().prove().unwrap_err();
    assert!(error.is_of_the_disk() && error.is_temporary(), "{error}");
    house.health.store(Part::Receiving, &error, now());
    let told = house.watch(0..3).await;
    assert_eq!(told, [(1, "codevd needs you: the database can’t be written".to_owned())]);
    refused.store(false, Ordering::Relaxed);
    house.health.prove_disk(&house.store, now());
    assert!(house.health.all().is_empty());
}

#[tokio::test]
async fn what_was_told_by_a_clock_that_was_ahead_is_told_again_after_a_day_as_ever() {
    let mut house = house(false);
    house.store.get().hold("by hand", now()).unwrap();
    let ahead = now() + Duration::days(400);
    assert_eq!(house.look(ahead).await.len(), 1);
    house.health.mailbox(&away(), ahead);
    house.look(ahead).await;
    // right again: the mailbox is away for twenty minutes of the right clock, and the hold lasts for a day
    let told = house.watch((0..25 * 60).step_by(4)).await;
    let told: Vec<_> = told.iter().map(|(m, s)| (*m, s.as_str())).collect();
    let day = 24 * 60;
    assert_eq!(
        told,
        [
            (20, "codevd needs you: the mailbox is away"),
            (day, "codevd needs you: mail is held"),
            (day + 20, "codevd needs you: the mailbox is away")
        ]
    );
}

#[tokio::test]
async fn a_clock_set_ahead_deletes_nothing_and_is_told() {
    let mut house = house(false);
    house.store.get().commit(mails(vec![mail(draft("ana", Kind::Digest, 0, "x"))])).unwrap();
    let claimed = house.store.get().claim(now(), 1, |_| Duration::minutes(1)).unwrap().remove(0);
    house.store.get().settle(claimed.id, &Settled::Sent { reply: "250 ok".into() }, now()).unwrap();
    let keep = Keep { mails_days: 90, words_months: 24 };
    let conn = rusqlite::Connection::open(house.store.get().file()).unwrap();
    let is_kept = || -> bool {
        conn.query_row("SELECT count(bytes) FROM outbox_bytes", [], |r| r.get::<_, i64>(0)).unwrap() == 1
    };
    let pass = |house: &House, day: i64| keep.clean(&house.store, now() + Duration::days(day)).unwrap();
    // the copy made before an upgrade is the way back from it
    let mut copy = house.store.get().file().to_owned().into_os_string();
    copy.push(".before-0007");
    let copy = std::path::PathBuf::from(copy);
    let made = std::fs::File::create(&copy).unwrap();
    made.set_modified(std::time::SystemTime::from(now())).unwrap();
    (0..20).for_each(|day| pass(&house, day));
    // two years ahead for some days: nothing is deleted, and somebody hears of it once
    let ahead = 750;
    for day in ahead..ahead + 6 {
        pass(&house, day);
        let told = house.look(now() + Duration::days(day)).await;
        assert_eq!(told.len(), usize::from(day == ahead), "{told:?}");
        assert!(is_kept() && copy.exists(), "day {day}");
    }
    // it is set right, and after the usual time the mail goes
    for day in 21..95 {
        pass(&house, day);
        assert!(house.look(now() + Duration::days(day)).await.is_empty());
        assert_eq!((is_kept(), copy.exists()), (day <= 90, day <= 30), "day {day}");
    }
}

/// Run by hand or by a calendar of its own, each look lies over a week after the one before.
#[tokio::test]
async fn what_is_run_once_a_month_or_a_quarter_deletes_too_and_not_by_one_look_at_a_wrong_clock() {
    // by the look before, which is a month old: late, and never early; a wrong clock in between costs two months more. In
    // rounds further apart by the look before that one
    let cases = [(30, None, 120), (30, Some(90), 180), (91, None, 273), (91, Some(182), 455)];
    for (apart, wrong_at, expected) in cases {
        let house = house(false);
        house.store.get().commit(mails(vec![mail(draft("ana", Kind::Digest, 0, "x"))])).unwrap();
        let claimed = house.store.get().claim(now(), 1, |_| Duration::minutes(1)).unwrap().remove(0);
        house.store.get().settle(claimed.id, &Settled::Sent { reply: "250 ok".into() }, now()).unwrap();
        let keep = Keep { mails_days: 75, words_months: 24 };
        let conn = rusqlite::Connection::open(house.store.get().file()).unwrap();
        let is_kept = || -> bool {
            conn.query_row("SELECT count(bytes) FROM outbox_bytes", [], |r| r.get::<_, i64>(0)).unwrap() == 1
        };
        let mut gone = None;
        for day in (0..10).map(|n| n * apart) {
            let by = if wrong_at == Some(day) { day + 750 } else { day };
            keep.clean(&house.store, now() + Duration::days(by)).unwrap();
            if !is_kept() {
                gone.get_or_insert(day);
            }
        }
        assert_eq!(gone, Some(expected), "{apart} {wrong_at:?}");
    }
}

#[test]
fn the_mail_as_it_is_read() {
    let topics = [
        "held",
        "set_aside",
        "quarantined",
        "in_doubt",
        "policy",
        "login",
        "mailbox",
        "server",
        "address",
        "outbox",
        "disk",
        "read_only",
        "store",
        "clock",
        "waits",
        "no_group",
    ];
    let topics = topics.map(|topic| OperatorTopic {
        topic: topic.to_owned(),
        since: "2026-12-01 09:00 UTC".to_owned(),
        what: "what was\nfound".to_owned(),
    });
    let mut told = String::new();
    for language in [Language::english(), Language::french()] {
        for (topics, live) in [(&topics[..], true), (&topics[6..7], false)] {
            let (subject, text) = RENDERER.operator(&language, topics, live).unwrap();
            told += &format!("==== {language}\nSubject: {subject}\n\n{text}\n");
        }
    }
    insta::with_settings!({ snapshot_path => "golden", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("operator", told);
    });
}

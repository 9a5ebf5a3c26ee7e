//! After the clock went back nothing waits for an hour of before.

use crate::store::fixture::*;
use chrono::{DateTime, Duration, Utc};
use codevd::core::{Draft, Kind, WhenLate};
use codevd::store::{LONGEST_WAIT, QueueFilter, Settled, Store};

fn row(store: &Store, member: &str) -> (DateTime<Utc>, i64) {
    let conn = rusqlite::Connection::open(store.file()).unwrap();
    let sql = "SELECT next_attempt_at, id FROM outbox WHERE member = ?";
    let (at, id): (String, i64) = conn.query_row(sql, [member], |r| Ok((r.get(0)?, r.get(1)?))).unwrap();
    (at.parse().unwrap(), id)
}

#[test]
fn what_a_clock_that_was_ahead_put_off_waits_no_longer_than_ever() {
    let (_dir, mut store) = open();
    store.asks_sent(Some(Duration::minutes(15)));
    let ahead = now() + Duration::days(400);
    let late = |draft: Draft| Draft { when_late: WhenLate::Send, useful_until: ahead + Duration::days(9), ..draft };
    let plain = |who| late(draft(who, Kind::WarmUp, 0, "x"));
    let prompt = Draft { urgent: true, ..late(draft("dan", Kind::StepPrompt, 0, "y")) };
    store.commit(mails([plain("ana"), plain("bob"), plain("cid"), prompt].map(mail).into())).unwrap();
    store.commit(mails(vec![mail(Draft { due: ahead + Duration::hours(1), ..plain("eve") })])).unwrap();
    // by the clock that was ahead: tried and deferred, in doubt, put off; a group was set aside
    store.commit(state(None, None, &rich("lyon"))).unwrap();
    for claimed in store.claim(ahead, 2, |_| Duration::hours(4)).unwrap() {
        if claimed.member.as_str() == "ana" {
            store.mark_dot(claimed.id, ahead).unwrap();
            store.settle(claimed.id, &Settled::InDoubt { cause: "cut".into() }, ahead).unwrap();
        } else {
            let again = Settled::Retry { at: ahead + Duration::hours(4), reply: "451".into() };
            store.settle(claimed.id, &again, ahead).unwrap();
        }
    }
    store.put_off(ahead, ahead, ahead + Duration::minutes(10), "the server is away").unwrap();
    store.set_aside(&lyon(), "a template", ahead + Duration::hours(1), ahead).unwrap();
    store.clock_went_back(now()).unwrap();
    for who in ["bob", "cid", "dan"] {
        let most = if who == "dan" { Duration::seconds(10) } else { LONGEST_WAIT };
        assert!(row(&store, who).0 <= now() + most, "{who}: {:?}", store.queue(&QueueFilter::default()).unwrap());
    }
    assert_eq!(row(&store, "eve").0, ahead + Duration::hours(1), "decided by the wrong clock and about that time");
    assert!(store.doubts().unwrap().iter().all(|doubt| doubt.until <= now() + Duration::minutes(15)));
    assert_eq!(store.due(now(), 9).unwrap(), [lyon()]);
}

#[test]
fn a_start_brings_them_back_too_and_what_waits_rightly_stays() {
    let (_dir, mut store) = open();
    let ahead = now() + Duration::days(30);
    let long = |who| Draft { useful_until: ahead, when_late: WhenLate::Send, ..draft(who, Kind::WarmUp, 0, "x") };
    store.commit(mails(["ana", "bob"].map(long).map(mail).into())).unwrap();
    let claimed = store.claim(now(), 2, |_| Duration::hours(1)).unwrap();
    let waits = [now() + Duration::hours(5), ahead];
    for (mail, at) in claimed.iter().zip(waits) {
        store.settle(mail.id, &Settled::Retry { at, reply: "451".into() }, now()).unwrap();
    }
    store.recover(now()).unwrap();
    assert_eq!(
        claimed.iter().map(|c| row(&store, c.member.as_str()).0).collect::<Vec<_>>(),
        [waits[0], now() + LONGEST_WAIT]
    );
}

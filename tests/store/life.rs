//! Random lives of the outbox with crashes anywhere, against a server that counts what it got.

use crate::store::fixture::*;
use chrono::{DateTime, Duration, Utc};
use codevd::core::{Kind, Outcome, WhenLate};
use codevd::store::{Claimed, MailState, QueueFilter, Settled, Store};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// A mail is decided: receiver, lane, rule when late.
    Decide(u8, u8, u8),
    /// A mail is taken and the server answers like this.
    Send(Reply),
    /// Minutes go by.
    Wait(u8),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Reply {
    Yes,
    Later,
    Never,
    LostAfterTheDot,
    CrashBeforeTheDot,
    CrashAfterTheDot,
    CrashAfterTheAnswer,
}

fn reply() -> impl Strategy<Value = Reply> {
    use Reply::*;
    prop::sample::select(vec![
        Yes,
        Later,
        Never,
        LostAfterTheDot,
        CrashBeforeTheDot,
        CrashAfterTheDot,
        CrashAfterTheAnswer,
    ])
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0_u8..3, 0_u8..2, 0_u8..3).prop_map(|(who, lane, late)| Act::Decide(who, lane, late)),
        reply().prop_map(Act::Send),
        (0_u8..50).prop_map(Act::Wait),
    ]
}

struct World {
    dir: tempfile::TempDir,
    store: Option<Store>,
    now: DateTime<Utc>,
    decided: u32,
    /// How often the server took each mail.
    got: BTreeMap<String, u32>,
}

impl World {
    fn store(&mut self) -> &mut Store {
        self.store.as_mut().unwrap()
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Wait(minutes) => self.now += Duration::minutes(minutes.into()),
            Act::Decide(who, lane, late) => self.decide(who, lane, late),
            Act::Send(reply) => {
                let now = self.now;
                let claimed = self.store().claim(now, 1, |n| Duration::minutes(1 << n.min(6))).unwrap();
                claimed.into_iter().for_each(|mail| self.attempt(mail, reply));
            }
        }
    }

    fn decide(&mut self, who: u8, lane: u8, late: u8) {
        let who = ["ana", "bob", "cid"][who as usize];
        let mut d = draft(who, Kind::Updated, self.decided, &format!("lane{lane}"));
        self.decided += 1;
        d.when_late = [WhenLate::Send, WhenLate::Merge, WhenLate::Drop][late as usize];
        (d.due, d.useful_until) = (self.now, self.now + Duration::minutes(30));
        d.urgent = lane == 1;
        let mut commit = mails(vec![mail(d)]);
        commit.at = self.now;
        self.store().commit(commit).unwrap();
    }

    fn attempt(&mut self, mail: Claimed, reply: Reply) {
        let (now, id) = (self.now, mail.id);
        if reply == Reply::CrashBeforeTheDot {
            return self.crash();
        }
        if reply == Reply::Later {
            let retry = Settled::Retry { at: now + Duration::minutes(5), reply: "451".to_owned() };
            return self.store().settle(id, &retry, now).unwrap();
        }
        self.store().mark_dot(id, now).unwrap();
        if reply == Reply::Never {
            return self.store().settle(id, &Settled::Refused { reply: "550".to_owned(), trouble: None }, now).unwrap();
        }
        *self.got.entry(mail.draft_key).or_default() += 1;
        match reply {
            Reply::Yes => self.store().settle(id, &Settled::Sent { reply: "250".to_owned() }, now).unwrap(),
            Reply::LostAfterTheDot => {
                self.store().settle(id, &Settled::InDoubt { cause: "reset".to_owned() }, now).unwrap();
            }
            _ => self.crash(),
        }
    }

    fn crash(&mut self) {
        drop(self.store.take());
        let mut store = Store::open(self.dir.path().join("codevd.db")).unwrap();
        store.recover(self.now).unwrap();
        self.store = Some(store);
    }

    /// Whatever still waits is sent, or runs out.
    fn settle_down(&mut self) {
        for _ in 0..12 {
            for _ in 0..self.decided {
                self.act(Act::Send(Reply::Yes));
            }
            self.act(Act::Wait(40));
        }
    }
}

proptest! {
    #![proptest_config(crate::cases(40))]
    #[test]
    fn no_mail_is_lost_and_none_is_sent_twice(acts in prop::collection::vec(act(), 1..40)) {
        let (dir, store) = open();
        let mut world = World { dir, store: Some(store), now: now(), decided: 0, got: BTreeMap::new() };
        acts.into_iter().for_each(|a| world.act(a));
        world.settle_down();
        let store = world.store.as_ref().unwrap();
        let rows = store.queue(&QueueFilter::default()).unwrap();
        prop_assert_eq!(rows.len(), world.decided as usize);
        let mut fates: BTreeMap<String, Vec<Outcome>> = BTreeMap::new();
        for row in store.next_inbox(1000).unwrap() {
            fates.entry(row.draft_key.clone().unwrap()).or_default().extend(row.outcome());
        }
        for row in rows {
            let got = world.got.get(&row.draft_key).copied().unwrap_or(0);
            let told = fates.remove(&row.draft_key).unwrap_or_default();
            match row.state {
                MailState::Sent => prop_assert_eq!((got, told.len()), (1, 0)),
                MailState::InDoubt => prop_assert!(got <= 1 && told == [Outcome::InDoubt]),
                MailState::Refused => {
                    let told_so = matches!(told[..], [Outcome::Refused { .. }]);
                    prop_assert!(got == 0 && told_so);
                }
                MailState::Dropped => prop_assert!(got == 0 && told == [Outcome::Expired]),
                MailState::Superseded => prop_assert_eq!((got, told.len()), (0, 0)),
                MailState::Queued | MailState::Sending => prop_assert!(false, "{} is left over", row.draft_key),
            }
        }
        prop_assert!(fates.is_empty());
    }
}

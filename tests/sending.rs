//! Several connections at once: a server that hangs over one mail holds up no other, prompts first, order and pace kept.

use crate::store::fixture;
use crate::support;
use chrono::{DateTime, Duration, Utc};
use codevd::core::event::Outcome;
use codevd::core::reach::Trouble;
use codevd::core::{Draft, Kind, WhenLate};
use codevd::daemon::trouble::Part;
use codevd::daemon::{Clock, Crew, Outgoing, Pace, Sender, SenderStep, Shared, shared};
use codevd::sim::VirtualClock;
use codevd::store::{MailState, QueueFilter, Store};
use codevd::transport::{BeforeDot, Delivery, Envelope, Phase, Smtp};
use fixture::{draft, mail, mails, now, open};
use std::sync::{Arc, Mutex};
use support::sender;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// A submission server that says nothing after the dot of mails to `cid` and `dan` until it is let go.
#[derive(Clone, Default)]
struct Server {
    /// Receivers in the order in which their mails were taken, with the connection.
    taken: Arc<Mutex<Vec<(usize, String)>>>,
    /// Receivers whose dot came.
    dots: Arc<Mutex<Vec<String>>>,
    opened: Arc<Mutex<usize>>,
    go_on: Arc<Notify>,
    /// Further connections are turned away.
    most: usize,
}

impl Server {
    async fn start(most: usize) -> (Self, u16) {
        let server = Self { most, ..Self::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let at = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let nth = {
                    let mut opened = at.opened.lock().unwrap();
                    *opened += 1;
                    *opened
                };
                tokio::spawn(at.clone().talk(stream, nth));
            }
        });
        (server, port)
    }

    async fn talk(self, stream: TcpStream, nth: usize) {
        let mut stream = BufReader::new(stream);
        if nth > self.most {
            let _ = stream.get_mut().write_all(b"421 4.7.0 too many connections\r\n").await;
            return;
        }
        stream.get_mut().write_all(b"220 mx\r\n").await.unwrap();
        let (mut to, mut data) = (String::new(), false);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let reply = match line.trim_end() {
                "." if data => {
                    data = false;
                    self.dots.lock().unwrap().push(to.clone());
                    if to.starts_with("cid") || to.starts_with("dan") {
                        self.go_on.notified().await;
                    }
                    self.taken.lock().unwrap().push((nth, to.clone()));
                    "250 2.0.0 taken"
                }
                _ if data => continue,
                "DATA" => {
                    data = true;
                    "354 go on"
                }
                said => {
                    if let Some(rcpt) = said.strip_prefix("RCPT TO:<") {
                        rcpt.trim_end_matches('>').clone_into(&mut to);
                    }
                    if said.starts_with("EHLO") { "250-mx\r\n250 8BITMIME" } else { "250 2.0.0 ok" }
                }
            };
            if stream.get_mut().write_all(format!("{reply}\r\n").as_bytes()).await.is_err() {
                return;
            }
        }
    }

    fn taken(&self) -> Vec<String> {
        let all = self.taken.lock().unwrap();
        all.iter().map(|(_, to)| to.split('@').next().unwrap().to_owned()).collect()
    }
}

fn queue(store: &mut Store, drafts: impl IntoIterator<Item = Draft>) {
    store.commit(mails(drafts.into_iter().map(mail).collect())).unwrap();
}

type Ours = Crew<'static, Smtp, VirtualClock>;

struct House {
    _folder: tempfile::TempDir,
    store: Shared,
    clock: VirtualClock,
    crew: Ours,
}

fn house(drafts: impl IntoIterator<Item = Draft>, pace: Pace, ports: impl IntoIterator<Item = u16>) -> House {
    let (folder, mut store) = open();
    queue(&mut store, drafts);
    let (store, clock) = (shared(store), VirtualClock::at(now()));
    let from = Sender { name: "Codev".into(), address: "bot@example.org".parse().unwrap(), plus: false };
    let ways = ports.into_iter().map(sender).collect();
    let crew = Crew::new(store.clone(), from, pace, ways, clock.clone());
    House { _folder: folder, store, clock, crew }
}

impl House {
    /// Begins what can be begun and waits for so many conversations to end.
    async fn ends(&mut self, count: usize) -> SenderStep {
        let mut all = SenderStep::default();
        self.crew.start().unwrap();
        for _ in 0..count {
            let step = self.crew.ended().await.unwrap();
            (all.sent, all.later, all.lost) = (all.sent + step.sent, all.later + step.later, all.lost + step.lost);
            self.crew.start().unwrap();
        }
        all
    }

    fn states(&self) -> Vec<(String, MailState, u32)> {
        let rows = self.store.get().queue(&QueueFilter::default()).unwrap();
        let mut all: Vec<_> = rows
            .into_iter()
            .map(|r| (r.envelope_to.to_string().replace("@example.org", ""), r.state, r.attempts))
            .collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    fn next(&mut self) -> Option<DateTime<Utc>> {
        self.crew.next_start().unwrap()
    }
}

fn plain(member: &str) -> Draft {
    draft(member, Kind::WarmUp, 0, "x")
}

fn prompt(member: &str, nth: u32) -> Draft {
    Draft { urgent: true, ..draft(member, Kind::StepPrompt, nth, &format!("prompt {nth}")) }
}

#[tokio::test]
async fn a_server_silent_after_the_dot_holds_up_nobody_else() {
    let (server, port) = Server::start(9).await;
    let mut house = house(["cid", "ana", "bob", "eve"].map(plain), Pace::default(), [port; 3]);
    // three connections: one hangs, one is kept for prompts, one takes all the others once the trial is over
    house.crew.start().unwrap();
    assert_eq!(house.next(), Some(now() + Duration::seconds(5)));
    house.clock.set(now() + Duration::seconds(5));
    let step = house.ends(3).await;
    assert_eq!(step, SenderStep { sent: 3, ..SenderStep::default() });
    assert_eq!(server.taken(), ["ana", "bob", "eve"]);
    let cid = ("cid".to_owned(), MailState::Sending, 1);
    assert!(house.crew.is_busy() && house.states().contains(&cid));
    assert_eq!(house.next(), None, "nothing else is due");
    // minutes later the server answers, and nothing was sent twice
    house.clock.set(now() + Duration::minutes(9));
    server.go_on.notify_waiters();
    assert_eq!(house.crew.finish().await.unwrap().sent, 1);
    assert!(house.states().iter().all(|(_, state, attempts)| (*state, *attempts) == (MailState::Sent, 1)));
    assert_eq!(*server.opened.lock().unwrap(), 2, "the others went over one connection");
}

#[tokio::test]
async fn a_prompt_finds_a_connection_however_many_mails_hang() {
    let (server, port) = Server::start(9).await;
    let drafts = [plain("cid"), plain("dan"), plain("eve")];
    let mut house = house(drafts, Pace::per_minute(1), [port; 3]);
    house.crew.start().unwrap();
    assert!(house.states().contains(&("dan".to_owned(), MailState::Queued, 0)), "the minute has room for one");
    house.clock.set(now() + Duration::minutes(2));
    house.crew.into_pace();

    let mut house = self::house([plain("cid"), plain("dan"), plain("eve")], Pace::default(), [port; 3]);
    // the server is not known yet: one mail tries it, then the second
    house.crew.start().unwrap();
    queue_more(&house, [prompt("bob", 0)]);
    assert_eq!(house.ends(1).await.sent, 1);
    assert_eq!(server.taken(), ["bob"]);
    // two hang now, the third connection is kept
    assert!(house.states().contains(&("eve".to_owned(), MailState::Queued, 0)), "{:?}", house.states());
    queue_more(&house, [prompt("ana", 1)]);
    assert_eq!(house.ends(1).await.sent, 1);
    assert_eq!(server.taken(), ["bob", "ana"]);
}

fn queue_more(house: &House, drafts: impl IntoIterator<Item = Draft>) {
    queue(&mut house.store.get(), drafts);
}

#[tokio::test]
async fn mails_to_one_person_keep_their_order_and_prompts_do_not_wait_for_long() {
    let (server, port) = Server::start(9).await;
    let other = |nth| draft("dan", Kind::WarmUp, nth, &format!("lane {nth}"));
    let mut house = house([plain("ana"), other(1), other(2)], Pace::default(), [port; 4]);
    assert_eq!(house.ends(1).await.sent, 1);
    // the first to dan hangs; the second waits though two connections are free, and so nothing is to be done
    assert_eq!(house.next(), None);
    assert_eq!(house.crew.start().unwrap(), 0);
    // prompts: the first goes past it, the second not past the first, but not for ever
    queue_more(&house, [prompt("dan", 1), Draft { due: now(), ..prompt("dan", 2) }]);
    let begun = house.crew.start().unwrap();
    assert_eq!((begun, house.crew.start().unwrap()), (1, 0));
    house.clock.set(house.clock.now() + Duration::seconds(16));
    assert_eq!(house.crew.start().unwrap(), 1);
    while house.crew.is_busy() {
        tokio::select! {
            step = house.crew.ended() => assert_eq!(step.unwrap().sent, 1),
            () = tokio::task::yield_now() => server.go_on.notify_waiters(),
        }
    }
    assert_eq!(house.ends(0).await, SenderStep::default());
    drop(house.crew);
}

#[tokio::test]
async fn a_server_that_takes_fewer_connections_gets_fewer_and_every_mail() {
    let (server, port) = Server::start(1).await;
    let names = ["ana", "bob", "eve", "fay", "guy"];
    let mut house = house(names.map(plain), Pace::default(), [port; 4]);
    let first = house.crew.all().await.unwrap();
    assert!(first.later > 0 && first.sent > 0, "{first:?}");
    let opened = *server.opened.lock().unwrap();
    house.clock.set(now() + Duration::seconds(20));
    house.crew.all().await.unwrap();
    assert!(house.states().iter().all(|(_, state, _)| *state == MailState::Sent), "{:?}", house.states());
    assert_eq!(server.taken().len(), names.len());
    assert_eq!(*server.opened.lock().unwrap(), opened, "no further one was tried");
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_with_one_mail_and_the_others_wait() {
    // nothing listens there
    let names = ["ana", "bob", "cid", "dan", "eve"];
    let mut house = house(names.map(plain), Pace::default(), [1; 3]);
    queue_more(&house, [prompt("fay", 0)]);
    let step = house.crew.all().await.unwrap();
    assert!(step.sent == 0 && step.later <= 2, "{step:?}");
    let tried = house.states().iter().filter(|(_, _, attempts)| *attempts > 0).count();
    assert!(tried <= 2, "{:?}", house.states());
    assert_eq!(house.next(), Some(now() + Duration::seconds(10)), "the prompt");
    house.clock.set(now() + Duration::seconds(30));
    house.crew.all().await.unwrap();
    let again = house.states().iter().filter(|(_, _, attempts)| *attempts > 0).count();
    assert_eq!(again, tried, "the others wait a minute");
}

/// A server that says the same to every mail, until told otherwise.
#[derive(Clone)]
struct Says(Arc<Mutex<Delivery>>);

impl Outgoing for Says {
    async fn send(&mut self, _: &Envelope, _: &[u8], before_dot: BeforeDot<'_>) -> Delivery {
        let says = self.0.lock().unwrap().clone();
        if matches!(says, Delivery::Accepted { .. }) {
            before_dot().unwrap();
        }
        says
    }
}

fn crew_of(store: &Shared, clock: &VirtualClock, says: Delivery) -> (Crew<'static, Says, VirtualClock>, Says) {
    let server = Says(Arc::new(Mutex::new(says)));
    let from = Sender { name: "Codev".into(), address: "bot@example.org".parse().unwrap(), plus: false };
    (Crew::new(store.clone(), from, Pace::default(), vec![server.clone(); 2], clock.clone()), server)
}

#[tokio::test]
async fn a_server_that_lets_us_in_and_takes_nothing_is_seen_until_it_takes_a_mail() {
    for (phase, code, words) in
        [(Phase::Mail, 451, "4.3.0 later"), (Phase::Rcpt, 450, "4.2.0 greylisted"), (Phase::Data, 452, "4.3.1 full")]
    {
        let house = house(["ana", "bob"].map(plain), Pace::default(), []);
        let (mut crew, server) = crew_of(&house.store, &house.clock, Delivery::refused(phase, code, words));
        assert_eq!(crew.all().await.unwrap().later, 2);
        assert_eq!(crew.stuck(), Some((Part::Outbox, format!("{code} {words}"))));
        assert_eq!(crew.shut(), None);
        // refused for good: that is about this mail, and shows nothing else
        *server.0.lock().unwrap() = Delivery::refused(Phase::Rcpt, 550, "5.1.1 no such user");
        queue_more(&house, [plain("cid")]);
        assert_eq!(crew.all().await.unwrap().lost, 1);
        assert!(crew.stuck().is_some());
        *server.0.lock().unwrap() = Delivery::Accepted { reply: "250 ok".into() };
        queue_more(&house, [plain("dan")]);
        assert_eq!(crew.all().await.unwrap().sent, 1);
        assert_eq!(crew.stuck(), None);
    }
}

#[tokio::test]
async fn a_sender_that_is_refused_loses_no_mail_and_nobody_is_blamed() {
    let house = house(["ana", "bob"].map(plain), Pace::default(), []);
    let no = Delivery::refused(Phase::Mail, 550, "5.1.0 sender rejected");
    let (mut crew, server) = crew_of(&house.store, &house.clock, no);
    assert_eq!(crew.all().await.unwrap(), SenderStep { later: 2, ..SenderStep::default() });
    assert_eq!(crew.stuck(), Some((Part::Address, "550 5.1.0 sender rejected".to_owned())));
    assert!(house.store.get().next_inbox(9).unwrap().is_empty(), "nothing came of it yet");
    *server.0.lock().unwrap() = Delivery::Accepted { reply: "250 ok".into() };
    house.clock.set(now() + Duration::minutes(2));
    assert_eq!(crew.all().await.unwrap().sent, 2);
    assert_eq!(crew.stuck(), None);
}

#[tokio::test]
async fn what_is_given_up_is_told_as_what_it_is() {
    let refused = |phase, code, words: &str| Delivery::refused(phase, code, words);
    let cases = [
        (refused(Phase::Mail, 550, "5.1.0 sender rejected"), Trouble::Policy),
        (refused(Phase::Rcpt, 451, "4.3.0 later"), Trouble::Soft),
    ];
    for (says, wanted) in cases {
        let late = Draft { when_late: WhenLate::Send, ..plain("ana") };
        let house = house([late], Pace::default(), []);
        let (mut crew, _) = crew_of(&house.store, &house.clock, says);
        let mut tries = 0;
        while house.store.get().next_inbox(1).unwrap().is_empty() {
            crew.all().await.unwrap();
            house.clock.set(house.clock.now() + Duration::hours(8));
            tries += 1;
            assert!(tries <= 40, "never given up");
        }
        let told = house.store.get().next_inbox(1).unwrap()[0].outcome();
        assert!(matches!(&told, Some(Outcome::Refused { trouble, .. }) if *trouble == Some(wanted)), "{told:?}");
    }
}

/// Where the address was taken at RCPT, and size or content is what is spoken of, nothing is held against the address.
#[tokio::test]
async fn a_mail_that_is_refused_as_such_is_not_held_against_its_receiver() {
    let cases = [
        (Phase::Mail, 552, "5.3.4 message too big", Trouble::Policy),
        (Phase::Rcpt, 552, "5.2.3 longer than this mailbox takes", Trouble::Policy),
        (Phase::Dot, 552, "5.3.4 message too big", Trouble::Policy),
        (Phase::Dot, 554, "5.6.0 message not accepted", Trouble::Policy),
        (Phase::Dot, 550, "5.7.1 content refused", Trouble::Policy),
        (Phase::Dot, 554, "transaction failed", Trouble::Policy),
        (Phase::Dot, 552, "message exceeds fixed maximum size", Trouble::Policy),
        (Phase::Dot, 554, "5.3.0 rejected by a filter", Trouble::Policy),
        (Phase::Dot, 550, "5.1.1 no such user", Trouble::Hard),
        (Phase::Dot, 550, "<ana@example.org>: user unknown", Trouble::Hard),
        (Phase::Rcpt, 550, "no", Trouble::Hard),
        (Phase::Rcpt, 552, "message size exceeds fixed limit", Trouble::Policy),
        (Phase::Rcpt, 552, "5.5.0 message too large", Trouble::Policy),
        (Phase::Rcpt, 554, "spam", Trouble::Policy),
        (Phase::Rcpt, 550, "blocked by our reputation list", Trouble::Policy),
        (Phase::Rcpt, 552, "exceeded storage allocation", Trouble::Quota),
        (Phase::Rcpt, 552, "no", Trouble::Quota),
        (Phase::Rcpt, 554, "no such user, access denied by policy", Trouble::Hard),
        (Phase::Rcpt, 550, "5.1.1 spam to a user we do not have", Trouble::Hard),
    ];
    for (phase, code, words, wanted) in cases {
        let house = house([plain("ana")], Pace::default(), []);
        let (mut crew, _) = crew_of(&house.store, &house.clock, Delivery::refused(phase, code, words));
        assert_eq!(crew.all().await.unwrap().lost, 1, "{phase:?} {words}: not told at once");
        assert_eq!(crew.stuck(), None, "{phase:?} {words}: nothing is wrong with our address");
        let told = house.store.get().next_inbox(1).unwrap()[0].outcome();
        let Some(Outcome::Refused { why, trouble }) = told else { panic!("{told:?}") };
        assert_eq!(trouble.unwrap_or_else(|| Trouble::of_refusal(&why)), wanted, "{phase:?} {words}");
    }
}

#[tokio::test]
async fn the_pace_counts_over_all_connections() {
    let (server, port) = Server::start(9).await;
    let names = ["ana", "bob", "eve", "fay", "guy", "hal", "ida"];
    let mut house = house(names.map(plain), Pace::per_minute(4).and(Duration::hours(1), Some(6)), [port; 3]);
    house.crew.all().await.unwrap();
    assert_eq!(server.taken().len(), 4);
    assert_eq!(house.next(), Some(now() + Duration::minutes(1)));
    queue_more(&house, [prompt("jon", 0)]);
    house.crew.all().await.unwrap();
    assert_eq!(server.taken().last().map(String::as_str), Some("jon"), "a prompt is not held back");
    house.clock.set(now() + Duration::minutes(1));
    house.crew.all().await.unwrap();
    // five are spent of the six an hour
    assert_eq!(server.taken().len(), 6);
    assert_eq!(house.next(), Some(now() + Duration::hours(1)));
}

//! Everybody's mail servers and the daemon's mailbox, with all that can go wrong between them and us.

use super::clock::VirtualClock;
use super::points::Points;
use crate::daemon::{Clock, Incoming, Outgoing};
use crate::transport::{BeforeDot, Delivery, Envelope, Fetched, Phase, TransportError};
use chrono::{DateTime, Duration, Utc};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

/// What a broken sender or receiver would do: the invariants must notice each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// Each twentieth mail is handed over twice.
    SendsTwice,
    /// Each twentieth mail is said to be sent and is not.
    SendsNothing,
    /// Live prompts leave two minutes late.
    Late,
    /// Each tenth mail that comes in is marked as taken and lost.
    LosesAnswers,
    /// Each twentieth mail goes to somebody else too.
    TellsOthers,
    /// Calendars are written without the time they were written at.
    NoStamp,
    /// Mail leaves whether it is held or not.
    IgnoresHold,
    /// What is deleted by its age stays twice as long.
    KeepsLong,
    /// It goes after a third of its time.
    KeepsShort,
}

/// A mail that a server has.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// The envelope's receiver.
    pub to: String,
    /// The mail.
    pub bytes: Vec<u8>,
    /// When its last byte left, by the daemon's clock.
    pub at: DateTime<Utc>,
    /// When the conversation began, in true time.
    pub began: DateTime<Utc>,
}

#[derive(Debug, Clone)]
enum Next {
    Reply(String),
    Cut { taken: bool },
}

#[derive(Debug, Default)]
struct State {
    accepted: Vec<Accepted>,
    down: Vec<(DateTime<Utc>, Phase)>,
    slow: Vec<(DateTime<Utc>, i64)>,
    refuses: Vec<(DateTime<Utc>, String, String)>,
    stuck: Vec<(DateTime<Utc>, String, Phase)>,
    next: Vec<(Phase, Next, u32)>,
    /// Conversations that wait, and until when.
    wakes: BTreeMap<usize, DateTime<Utc>>,
    /// Conversations that broke while they waited.
    broken: BTreeSet<usize>,
    sent: u64,
    /// Message-IDs of what servers took, and when, for the Sent folder.
    ids: BTreeMap<String, DateTime<Utc>>,
    mutant: Option<Mutant>,
    addresses: Vec<String>,
}

/// Mail out: one connection of it.
#[derive(Clone)]
pub struct Office {
    line: usize,
    state: Arc<Mutex<State>>,
    truth: VirtualClock,
    wall: VirtualClock,
    points: Points,
}

/// Without angle brackets.
fn message_id(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(8_000))?).into_owned();
    let name = "\nmessage-id: <";
    let at = head.to_ascii_lowercase().find(name)? + name.len();
    head.get(at..)?.split_once('>').map(|(id, _)| id.to_owned())
}

impl Office {
    /// Servers that work. `truth` is the time, `wall` what the daemon takes for it.
    pub fn new(truth: VirtualClock, wall: VirtualClock, points: Points, addresses: Vec<String>) -> Self {
        let state = State { addresses, ..State::default() };
        Self { line: 0, state: Arc::new(Mutex::new(state)), truth, wall, points }
    }

    /// Another connection to the same servers.
    #[must_use]
    pub fn line(&self, line: usize) -> Self {
        Self { line, ..self.clone() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Breaks the sender.
    pub fn mutate(&self, mutant: Mutant) {
        self.state().mutant = Some(mutant);
    }

    /// Whether it is broken so.
    pub(super) fn is(&self, mutant: Mutant) -> bool {
        self.state().mutant == Some(mutant)
    }

    /// No conversation gets past there until then.
    pub fn down(&self, phase: Phase, until: DateTime<Utc>) {
        self.state().down.push((until, phase));
    }

    /// Each step takes so many seconds until then.
    pub fn slow(&self, each: i64, until: DateTime<Utc>) {
        self.state().slow.push((until, each));
    }

    /// The server is silent in this phase of mails to this address until then.
    pub fn stuck(&self, address: &str, phase: Phase, until: DateTime<Utc>) {
        self.state().stuck.push((until, address.to_lowercase(), phase));
    }

    /// An address is refused until then.
    pub fn refuses(&self, address: &str, reply: &str, until: DateTime<Utc>) {
        self.state().refuses.push((until, address.to_lowercase(), reply.to_owned()));
    }

    /// The next mails are answered with this.
    pub fn reply(&self, phase: Phase, reply: &str, times: u32) {
        self.state().next.push((phase, Next::Reply(reply.to_owned()), times));
    }

    /// The next connections are cut there.
    pub fn cut(&self, phase: Phase, taken: bool, times: u32) {
        self.state().next.push((phase, Next::Cut { taken }, times));
    }

    /// What conversations there are break: the machine slept.
    pub fn break_off(&self) {
        let mut state = self.state();
        state.broken = state.wakes.keys().copied().collect();
    }

    /// All is well again.
    pub fn calm(&self) {
        let mut state = self.state();
        state.down.clear();
        state.slow.clear();
        state.stuck.clear();
        state.refuses.clear();
        state.next.clear();
    }

    /// When the first conversation underway goes on, in true time.
    pub fn wakes(&self) -> Option<DateTime<Utc>> {
        self.state().wakes.values().min().copied()
    }

    /// All conversations are over: whoever held them is gone.
    pub fn hang_up(&self) {
        let mut state = self.state();
        state.wakes.clear();
        state.broken.clear();
    }

    /// What servers took since the last look.
    pub fn take(&self) -> Vec<Accepted> {
        std::mem::take(&mut self.state().accepted)
    }

    /// A step of the conversation: a kill may happen, and a slow server takes its time. False: it said nothing for as
    /// long as the sender waits.
    async fn step(&self, phase: Phase, to: &str) -> bool {
        self.points.reach();
        let now = self.truth.now();
        let (slow, stuck) = {
            let mut state = self.state();
            state.slow.retain(|(until, _)| now < *until);
            state.stuck.retain(|(until, _, _)| now < *until);
            let stuck = state.stuck.iter().filter(|(_, who, at)| *at == phase && *who == to.to_lowercase());
            (state.slow.iter().map(|(_, each)| *each).max(), stuck.map(|(until, _, _)| *until).max())
        };
        // now and then others get their turn between two steps, as they would
        let yields = matches!(phase, Phase::Rcpt | Phase::Dot) && self.state().sent % 5 == 1;
        if slow.is_none() && stuck.is_none() && !yields {
            return true;
        }
        let limit = now + patience(phase);
        let until = stuck.unwrap_or(now).min(limit).max(now + Duration::seconds(slow.unwrap_or(0)));
        self.state().wakes.insert(self.line, until);
        let mut first = true;
        std::future::poll_fn(|_| {
            let ready = self.truth.now() >= until && !std::mem::take(&mut first);
            if ready { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        self.state().wakes.remove(&self.line);
        self.points.reach();
        stuck.is_none_or(|stuck| stuck <= limit)
    }

    /// What the server says at this step, if it is not a yes; and whether it has the mail.
    fn judge(&self, phase: Phase, to: &str) -> Option<(Delivery, bool)> {
        let now = self.truth.now();
        let mut state = self.state();
        if state.broken.remove(&self.line) {
            return Some((broken_off(phase, "the connection is gone"), false));
        }
        state.down.retain(|(until, _)| now < *until);
        if state.down.iter().any(|(_, at)| *at == phase) {
            return Some((broken_off(phase, "no answer"), false));
        }
        state.refuses.retain(|(until, _, _)| now < *until);
        if phase == Phase::Rcpt
            && let Some((_, _, reply)) = state.refuses.iter().find(|(_, who, _)| *who == to.to_lowercase())
        {
            return Some((answered(phase, reply), false));
        }
        let at = state.next.iter().position(|(at, _, _)| *at == phase)?;
        let (_, next, left) = &mut state.next[at];
        *left = left.saturating_sub(1);
        let (next, over) = (next.clone(), *left == 0);
        if over {
            state.next.remove(at);
        }
        Some(match next {
            Next::Reply(reply) => (answered(phase, &reply), false),
            Next::Cut { taken } => (broken_off(phase, "connection reset by peer"), taken && phase == Phase::Dot),
        })
    }

    /// Whether servers took a mail with this Message-ID some time ago.
    pub(super) fn took(&self, id: &str, ago: Duration) -> bool {
        let now = self.truth.now();
        self.state().ids.get(id).is_some_and(|at| *at + ago <= now)
    }

    fn keep(&self, to: &str, bytes: &[u8], (began, at): (DateTime<Utc>, DateTime<Utc>)) {
        let mut state = self.state();
        state.sent += 1;
        let now = self.truth.now();
        if let Some(id) = message_id(bytes) {
            state.ids.entry(id).or_insert(now);
        }
        let mail = Accepted { to: to.to_owned(), bytes: bytes.to_vec(), at, began };
        match state.mutant {
            Some(Mutant::NoStamp) => {
                let bytes = String::from_utf8_lossy(bytes).replace("\r\nDTSTAMP:", "\r\nX-STAMP:").into_bytes();
                state.accepted.push(Accepted { bytes, ..mail });
                return;
            }
            Some(Mutant::SendsNothing) if state.sent.is_multiple_of(20) => return,
            Some(Mutant::SendsTwice) if state.sent.is_multiple_of(20) => state.accepted.push(mail.clone()),
            Some(Mutant::TellsOthers) if state.sent.is_multiple_of(20) => {
                let other = state.addresses.iter().find(|a| **a != mail.to).cloned().unwrap_or_default();
                state.accepted.push(Accepted { to: other, ..mail.clone() });
            }
            Some(Mutant::Late) => {
                let late = Accepted { at: at + Duration::minutes(2), ..mail };
                state.accepted.push(late);
                return;
            }
            _ => {}
        }
        state.accepted.push(mail);
    }
}

/// How long the sender waits for an answer (RFC 5321 4.5.3.2).
fn patience(phase: Phase) -> Duration {
    match phase {
        Phase::Connect | Phase::Tls => Duration::seconds(30),
        Phase::Greeting | Phase::Auth | Phase::Mail | Phase::Rcpt => Duration::minutes(5),
        Phase::Data => Duration::minutes(2),
        Phase::Dot => Duration::minutes(10),
    }
}

fn broken_off(phase: Phase, cause: &str) -> Delivery {
    match phase {
        Phase::Dot => Delivery::InDoubt { cause: cause.to_owned() },
        _ => Delivery::Unreached { phase, cause: cause.to_owned() },
    }
}

/// A reply as the transport judges it.
fn answered(phase: Phase, reply: &str) -> Delivery {
    let (code, text) = reply.split_once(' ').unwrap_or((reply, ""));
    Delivery::refused(phase, code.parse().unwrap_or(451), text)
}

impl Outgoing for Office {
    async fn send(&mut self, envelope: &Envelope, bytes: &[u8], before_dot: BeforeDot<'_>) -> Delivery {
        let (began, mut left) = (self.truth.now(), self.wall.now());
        for phase in Phase::ALL {
            if phase == Phase::Dot {
                left = self.wall.now();
                if let Err(cause) = before_dot() {
                    return Delivery::Unreached { phase: Phase::Data, cause };
                }
            }
            if !self.step(phase, envelope.to()).await {
                return broken_off(phase, "no answer in time");
            }
            if let Some((delivery, taken)) = self.judge(phase, envelope.to()) {
                if taken {
                    self.keep(envelope.to(), bytes, (began, left));
                }
                return delivery;
            }
        }
        self.keep(envelope.to(), bytes, (began, left));
        self.points.reach();
        Delivery::Accepted { reply: "250 2.0.0 taken".to_owned() }
    }
}

#[derive(Debug, Default)]
struct Kept {
    next: u64,
    mails: VecDeque<Fetched>,
    all: Vec<(DateTime<Utc>, Vec<u8>)>,
    down: Option<DateTime<Utc>>,
    unmarked: u32,
    cut: u32,
    held: Option<(DateTime<Utc>, Vec<Vec<u8>>)>,
    mutant: Option<Mutant>,
}

/// The daemon's mailbox.
#[derive(Clone)]
pub struct Mailbox {
    state: Arc<Mutex<Kept>>,
    truth: VirtualClock,
    points: Points,
}

impl Mailbox {
    /// An empty one.
    pub fn new(truth: VirtualClock, points: Points) -> Self {
        Self { state: Arc::new(Mutex::new(Kept::default())), truth, points }
    }

    fn state(&self) -> MutexGuard<'_, Kept> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Breaks the receiver.
    pub fn mutate(&self, mutant: Mutant) {
        self.state().mutant = Some(mutant);
    }

    /// A mail arrives.
    pub fn put(&self, bytes: Vec<u8>) {
        let now = self.truth.now();
        let mut state = self.state();
        if let Some((_, held)) = &mut state.held {
            held.push(bytes);
            return;
        }
        state.all.push((now, bytes.clone()));
        state.add(bytes);
    }

    /// What was held up comes, newest first; says when, if it is not yet time.
    pub fn release(&self) {
        let now = self.truth.now();
        let mut state = self.state();
        let Some((until, held)) = state.held.take() else { return };
        if now < until {
            state.held = Some((until, held));
            return;
        }
        for bytes in held.into_iter().rev() {
            state.all.push((now, bytes.clone()));
            state.add(bytes);
        }
    }

    /// When what is held up comes.
    pub fn releases(&self) -> Option<DateTime<Utc>> {
        self.state().held.as_ref().map(|(until, _)| *until)
    }

    /// Mail is held up until then.
    pub fn hold(&self, until: DateTime<Utc>) {
        let mut state = self.state();
        let held = state.held.take().map(|(_, held)| held).unwrap_or_default();
        state.held = Some((until, held));
    }

    /// It can't be reached until then.
    pub fn down(&self, until: DateTime<Utc>) {
        self.state().down = Some(until);
    }

    /// The next ones can't be marked as taken.
    pub fn unmarked(&self, times: u32) {
        self.state().unmarked += times;
    }

    /// The next fetches break.
    pub fn cut(&self, times: u32) {
        self.state().cut += times;
    }

    /// All that came since then comes once more.
    pub fn again(&self, since: DateTime<Utc>) {
        let mut state = self.state();
        let old: Vec<_> = state.all.iter().filter(|(at, _)| *at >= since).map(|(_, b)| b.clone()).collect();
        old.into_iter().for_each(|bytes| state.add(bytes));
    }

    /// All is well again.
    pub fn calm(&self) {
        let mut state = self.state();
        state.down = None;
        state.unmarked = 0;
        state.cut = 0;
    }

    /// Whether it can't be reached.
    pub(super) fn is_down(&self) -> bool {
        let now = self.truth.now();
        self.state().down.is_some_and(|until| now < until)
    }

    /// Whether there is something to fetch.
    pub fn is_waiting(&self) -> bool {
        !self.state().mails.is_empty()
    }
}

impl Kept {
    fn add(&mut self, bytes: Vec<u8>) {
        self.next += 1;
        if self.mutant == Some(Mutant::LosesAnswers) && self.next.is_multiple_of(10) {
            return;
        }
        let size = bytes.len() as u64;
        self.mails.push_back(Fetched { place: format!("INBOX;1;{}", self.next), bytes, truncated: false, size });
    }
}

pub(super) fn lost(doing: &'static str) -> TransportError {
    let cause = "connection reset by peer".to_owned();
    TransportError::Network { place: "mailbox".to_owned(), doing, cause, remedy: None }
}

impl Incoming for Mailbox {
    async fn fetch_new(&mut self) -> Result<Vec<Fetched>, TransportError> {
        self.points.reach();
        let now = self.truth.now();
        let mut state = self.state();
        state.down = state.down.filter(|until| now < *until);
        if state.down.is_some() {
            return Err(lost("connecting"));
        }
        if state.cut > 0 {
            state.cut -= 1;
            return Err(lost("fetching"));
        }
        Ok(state.mails.iter().take(20).cloned().collect())
    }

    async fn taken(&mut self, place: &str) -> Result<(), TransportError> {
        self.points.reach();
        let mut state = self.state();
        if state.unmarked > 0 {
            state.unmarked -= 1;
            return Err(lost("marking"));
        }
        state.mails.retain(|m| m.place != place);
        Ok(())
    }

    async fn wait(&mut self, _at_most: std::time::Duration) -> Result<(), TransportError> {
        Ok(())
    }
}

//! The world's turn: engine, sender, people, receiver, then the clock jumps to whatever is due next.

use super::clock::VirtualClock;
use super::person::Person;
use super::post::{Delivered, SimInbox};
use super::seats::{ByHabit, Seats};
use crate::core::{DraftKey, StepKey};
use crate::daemon::receiver::ReceiverError;
use crate::daemon::{Clock, Engine, EngineError, Ids, Outgoing, Pace, Prover, Story, receiver_step, sender_step};
use crate::mail;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// Mail out whose deliveries can be looked at.
pub trait Outbound: Outgoing {
    /// What reached people's servers since the last look, in order.
    fn delivered(&mut self) -> Vec<Delivered>;
}

impl Outbound for super::post::SimPost {
    fn delivered(&mut self) -> Vec<Delivered> {
        self.take()
    }
}

/// Something that happened, for whoever watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorldEvent {
    /// A group decided something.
    Decided(Story),
    /// A mail reached a member.
    Out {
        /// When.
        at: DateTime<Utc>,
        /// Which.
        key: DraftKey,
        /// The receiver's address.
        to: String,
        /// Its subject line.
        subject: String,
        /// The mail.
        bytes: Vec<u8>,
    },
    /// A member's mail reached the daemon.
    In {
        /// When.
        at: DateTime<Utc>,
        /// The author's address.
        from: String,
        /// What they did, in a few words.
        what: String,
        /// The mail.
        bytes: Vec<u8>,
    },
}

/// What stopped the world.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The receiver.
    #[error(transparent)]
    Receiver(#[from] ReceiverError),
    /// It turned without time passing for too long.
    #[error("the world turned {0} times at {1} and was not done")]
    Stuck(usize, DateTime<Utc>),
}

/// A mail on its way to the daemon.
pub(super) struct Underway {
    pub from: String,
    pub what: String,
    pub bytes: Vec<u8>,
    /// The habit it comes from, where nobody wrote it by hand.
    pub habit: Option<ByHabit>,
}

/// The engine with its people.
pub struct World<O, I> {
    /// The production engine.
    pub engine: Engine<I>,
    /// Mail out.
    pub out: O,
    /// The daemon's mailbox.
    pub inbox: SimInbox,
    /// Whose word of the senders it believes: nobody's, unless set.
    pub prover: Prover,
    /// The clock.
    pub clock: VirtualClock,
    /// Everybody.
    pub people: Vec<Person>,
    /// The daemon's address.
    pub address: String,
    pub(super) seats: Seats,
    pub(super) underway: BTreeMap<(DateTime<Utc>, u64), Underway>,
    pace: Pace,
    counter: u64,
}

/// Turns at one time after which something must be wrong.
const MAX_TURNS: usize = 200;

impl<O: Outbound, I: Ids> World<O, I> {
    /// A world at the clock's time.
    pub fn new(engine: Engine<I>, out: O, clock: VirtualClock, people: Vec<Person>, address: &str) -> Self {
        Self {
            engine,
            out,
            inbox: SimInbox::default(),
            prover: Prover::default(),
            clock,
            people,
            address: address.to_owned(),
            seats: Seats::default(),
            pace: Pace::default(),
            underway: BTreeMap::new(),
            counter: 0,
        }
    }

    /// A mail will reach the daemon at that time.
    pub fn post(&mut self, at: DateTime<Utc>, from: &str, what: &str, bytes: Vec<u8>) {
        self.put(at, Underway { from: from.to_owned(), what: what.to_owned(), bytes, habit: None });
    }

    pub(super) fn put(&mut self, at: DateTime<Utc>, mail: Underway) {
        self.counter += 1;
        self.underway.insert((at, self.counter), mail);
    }

    /// A number for the next mail somebody writes.
    pub fn number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Lets the world turn until nothing is due up to `until`; the clock then stands there.
    ///
    /// # Errors
    /// What the production code says.
    pub async fn run_until(
        &mut self,
        until: DateTime<Utc>,
        seen: &mut impl FnMut(WorldEvent),
    ) -> Result<(), WorldError> {
        loop {
            self.settle(seen).await?;
            match self.next()? {
                Some(next) if next <= until => self.clock.set(next.max(self.clock.now())),
                _ => {
                    self.clock.set(until.max(self.clock.now()));
                    return Ok(());
                }
            }
        }
    }

    /// Jumps to what is due next, if it is due by `until`, and does all that is due then.
    ///
    /// # Errors
    /// As [`Self::run_until`].
    pub async fn turn(&mut self, until: DateTime<Utc>, seen: &mut impl FnMut(WorldEvent)) -> Result<bool, WorldError> {
        self.settle(seen).await?;
        match self.next()? {
            Some(next) if next <= until => {
                self.clock.set(next.max(self.clock.now()));
                self.settle(seen).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Everything due now, until nothing more comes of it.
    async fn settle(&mut self, seen: &mut impl FnMut(WorldEvent)) -> Result<(), WorldError> {
        for _ in 0..MAX_TURNS {
            let now = self.clock.now();
            let mut busy = self.arrive(now, seen);
            let clock = self.clock.clone();
            receiver_step(self.engine.store(), &mut self.inbox, &self.prover, || clock.now()).await?;
            for story in self.engine.step(now)? {
                busy = true;
                seen(WorldEvent::Decided(story));
            }
            let (store, from) = (self.engine.store().clone(), self.engine.kit.sender.clone());
            let sent =
                sender_step(&store, std::slice::from_mut(&mut self.out), &mut self.pace, &from, || clock.now()).await?;
            busy |= sent.sent + sent.lost > 0;
            for delivered in self.out.delivered() {
                self.read(delivered, now, seen)?;
            }
            if !busy {
                return Ok(());
            }
        }
        Err(WorldError::Stuck(MAX_TURNS, self.clock.now()))
    }

    /// Mails underway that are due reach the daemon's mailbox.
    fn arrive(&mut self, now: DateTime<Utc>, seen: &mut impl FnMut(WorldEvent)) -> bool {
        let later = self.underway.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut self.underway, later);
        let any = !due.is_empty();
        for mail in due.into_values() {
            self.inbox.put(mail.bytes.clone());
            seen(WorldEvent::In { at: now, from: mail.from, what: mail.what, bytes: mail.bytes });
        }
        any
    }

    /// A member gets a mail of ours and does about it what they do.
    fn read(
        &mut self,
        delivered: Delivered,
        now: DateTime<Utc>,
        seen: &mut impl FnMut(WorldEvent),
    ) -> Result<(), WorldError> {
        let letter = mail::letter(&delivered.bytes);
        let id = letter.message_id.as_deref().and_then(|m| m.split('@').next()).and_then(mail::Token::parse);
        let id = id.map(|t| t.draft_id().to_string()).unwrap_or_default();
        let Some(sent) = self.engine.store().get().outbox_by_draft_id(&id)? else { return Ok(()) };
        let key = sent.draft.key;
        seen(WorldEvent::Out {
            at: now,
            key: key.clone(),
            to: delivered.to.clone(),
            subject: letter.subject.clone(),
            bytes: delivered.bytes,
        });
        let step = self.step_of(&key)?;
        let person = self.people.iter().position(|p| p.email.eq_ignore_ascii_case(&delivered.to));
        let Some(person) = person else { return Ok(()) };
        let answers = self.people[person].by_habit(&key, step, &letter, self.counter + 1, now);
        for (which, answered) in answers {
            let from = self.people[person].email.clone();
            let habit = Some(ByHabit { about: key.clone(), which, words: answered.words });
            let mail = Underway { from, what: answered.what, bytes: answered.bytes, habit };
            match self.seats.holds(&mail) {
                true => {
                    // numbers of mails are never given twice
                    self.counter += 1;
                    self.seats.hold(answered.at, mail);
                }
                false => self.put(answered.at, mail),
            }
        }
        Ok(())
    }

    fn step_of(&self, key: &DraftKey) -> Result<Option<StepKey>, StoreError> {
        let (Some(number), Some(step)) = (key.meeting, key.step) else { return Ok(None) };
        let meeting = self.engine.store().get().meeting(&key.group, number)?;
        Ok(meeting.and_then(|m| m.run).and_then(|r| r.steps.get(step as usize).map(|s| s.key)))
    }

    /// When something will happen.
    ///
    /// # Errors
    /// The store's own.
    pub fn next(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let store = self.engine.store().get();
        let mails = self.underway.keys().next().map(|(at, _)| *at);
        Ok([store.next_due()?, store.next_send()?, mails].into_iter().flatten().min())
    }
}

//! Seats: who is played by somebody else. A played person does nothing by habit; what they would have done is held
//! back, to be looked at, and done after all when the seat is given back in time.

use super::world::{Outbound, Underway, World};
use crate::core::DraftKey;
use crate::daemon::{Clock, Ids};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

/// Whose habits are held back.
#[derive(Default)]
pub(super) struct Seats {
    played: BTreeSet<String>,
    held: Vec<(DateTime<Utc>, Underway)>,
}

impl Seats {
    pub(super) fn is_played(&self, email: &str) -> bool {
        self.played.contains(email)
    }

    pub(super) fn hold(&mut self, at: DateTime<Utc>, mail: Underway) {
        self.held.push((at, mail));
    }
}

/// What somebody would do by habit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreseen {
    /// When.
    pub at: DateTime<Utc>,
    /// Their address.
    pub from: String,
    /// The mail it answers.
    pub about: DraftKey,
    /// What, in a few words.
    pub what: String,
    /// The whole of their words, where they write some.
    pub words: Option<String>,
    /// Held back: somebody else plays them.
    pub held: bool,
}

impl<O: Outbound, I: Ids> World<O, I> {
    /// Somebody takes this person's seat: nothing more happens there by itself.
    pub fn take_seat(&mut self, email: &str) {
        self.seats.played.insert(email.to_owned());
        let theirs = |mail: &Underway| mail.from == email && mail.habit.is_some();
        let (held, on): (Vec<_>, Vec<_>) = std::mem::take(&mut self.underway).into_iter().partition(|(_, m)| theirs(m));
        self.underway = on.into_iter().collect();
        self.seats.held.extend(held.into_iter().map(|((at, _), mail)| (at, mail)));
    }

    /// The seat is given back: habits go on, what was missed meanwhile is missed.
    pub fn leave_seat(&mut self, email: &str) {
        self.seats.played.remove(email);
        let now = self.clock.now();
        let (theirs, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.seats.held).into_iter().partition(|(_, mail)| mail.from == email);
        self.seats.held = others;
        for (at, mail) in theirs.into_iter().filter(|(at, _)| *at > now) {
            self.put(at, mail);
        }
    }

    /// Whether somebody plays this person.
    pub fn is_played(&self, email: &str) -> bool {
        self.seats.is_played(email)
    }

    /// A mail was answered by hand: the habit's answer to it is dropped.
    pub fn answered_by_hand(&mut self, email: &str, about: &DraftKey) {
        let other = |mail: &Underway| mail.from != email || mail.habit.as_ref().is_none_or(|(key, _)| key != about);
        self.underway.retain(|_, mail| other(mail));
        self.seats.held.retain(|(_, mail)| other(mail));
    }

    /// What people will do by habit, and would do, in time order.
    pub fn foreseen(&self) -> Vec<Foreseen> {
        let will = self.underway.iter().map(|((at, _), mail)| (*at, mail, false));
        let would = self.seats.held.iter().map(|(at, mail)| (*at, mail, true));
        let mut all: Vec<_> = will.chain(would).filter_map(foreseen).collect();
        all.sort_by_key(|f| f.at);
        all
    }
}

fn foreseen((at, mail, held): (DateTime<Utc>, &Underway, bool)) -> Option<Foreseen> {
    let (about, words) = mail.habit.clone()?;
    Some(Foreseen { at, from: mail.from.clone(), about, what: mail.what.clone(), words, held })
}

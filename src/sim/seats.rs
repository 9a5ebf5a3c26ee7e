//! Seats: who is played by somebody else, and which habits are switched off. What a person would have done is held back,
//! to be looked at, and done after all when the seat is given back, or the habit switched on again, in time.

use super::world::{Outbound, Underway, World};
use crate::core::DraftKey;
use crate::daemon::{Clock, Ids};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

/// Where a mail that somebody sends by habit comes from.
pub(super) struct ByHabit {
    /// The mail of ours that it answers.
    pub about: DraftKey,
    /// The position in their habits.
    pub which: usize,
    /// The whole of their words, where they write some.
    pub words: Option<String>,
}

/// Whose habits are held back.
#[derive(Default)]
pub(super) struct Seats {
    played: BTreeSet<String>,
    /// Addresses with positions in their habits.
    off: BTreeSet<(String, usize)>,
    held: Vec<(DateTime<Utc>, Underway)>,
}

impl Seats {
    /// Whether a mail is held back.
    pub(super) fn holds(&self, mail: &Underway) -> bool {
        let off = |h: &ByHabit| self.played.contains(&mail.from) || self.off.contains(&(mail.from.clone(), h.which));
        mail.habit.as_ref().is_some_and(off)
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
        self.sort_habits();
    }

    /// The seat is given back: habits go on, what was missed meanwhile is missed.
    pub fn leave_seat(&mut self, email: &str) {
        self.seats.played.remove(email);
        self.sort_habits();
    }

    /// Switches one habit on or off, by its position in the person's habits.
    pub fn switch_habit(&mut self, email: &str, which: usize, on: bool) {
        let habit = (email.to_owned(), which);
        match on {
            true => self.seats.off.remove(&habit),
            false => self.seats.off.insert(habit),
        };
        self.sort_habits();
    }

    /// What is held now, and what goes on its way (unless its time has passed).
    fn sort_habits(&mut self) {
        let now = self.clock.now();
        let (held, on): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.underway).into_iter().partition(|(_, mail)| self.seats.holds(mail));
        self.underway = on.into_iter().collect();
        let (mut stay, freed): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.seats.held).into_iter().partition(|(_, mail)| self.seats.holds(mail));
        stay.extend(held.into_iter().map(|((at, _), mail)| (at, mail)));
        self.seats.held = stay;
        for (at, mail) in freed.into_iter().filter(|(at, _)| *at > now) {
            self.put(at, mail);
        }
    }

    /// Whether somebody plays this person.
    pub fn is_played(&self, email: &str) -> bool {
        self.seats.played.contains(email)
    }

    /// A mail was answered by hand: the habit's answer to it is dropped.
    pub fn answered_by_hand(&mut self, email: &str, about: &DraftKey) {
        let other = |mail: &Underway| mail.from != email || mail.habit.as_ref().is_none_or(|h| h.about != *about);
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
    let ByHabit { about, words, .. } = mail.habit.as_ref()?;
    let (about, words) = (about.clone(), words.clone());
    Some(Foreseen { at, from: mail.from.clone(), about, what: mail.what.clone(), words, held })
}

//! The blast guard: more mails in a minute than the agenda foresaw, and the outbox is held (`reliability.md` 8).

use crate::core::{Draft, MemberId};
use chrono::{DateTime, Duration, Utc};
use std::collections::VecDeque;

/// What is noticed so much later than it was due, while the daemon ran, was not due by itself: the clock jumped.
const LATE: Duration = Duration::minutes(5);
/// More mails than these to one person in a minute are nobody's plan.
const EACH: usize = 3;

/// Where mails come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why<'a> {
    /// The agenda said so, for that time.
    Agenda(Option<DateTime<Utc>>),
    /// Somebody wrote or ordered: answers to them are expected, and a session's next step.
    Asked(Option<&'a MemberId>),
}

/// Counts what was not foreseen, minute by minute.
#[derive(Debug, Clone)]
pub struct Guard {
    most: usize,
    started: DateTime<Utc>,
    unforeseen: VecDeque<(DateTime<Utc>, usize)>,
    receivers: VecDeque<(DateTime<Utc>, String)>,
}

impl Guard {
    /// Lets so many mails through in a minute that nobody foresaw. What became due before `started` is
    /// caught up with, however much it is.
    pub fn new(most: u32, started: DateTime<Utc>) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Self { most, started, unforeseen: VecDeque::new(), receivers: VecDeque::new() }
    }

    /// Counts the mails of one decision. Says why the outbox is to be held, if it is.
    pub fn note(&mut self, why: Why<'_>, drafts: &[Draft], now: DateTime<Utc>) -> Option<String> {
        let old = |at: &DateTime<Utc>| *at <= now - Duration::minutes(1) || *at > now;
        self.unforeseen.retain(|(at, _)| !old(at));
        self.receivers.retain(|(at, _)| !old(at));
        let new = drafts.iter().filter(|draft| self.is_surprise(why, draft, now)).count();
        self.unforeseen.push_back((now, new));
        let all: usize = self.unforeseen.iter().map(|(_, n)| n).sum();
        (all > self.most).then(|| {
            format!(
                "{all} mails within a minute that no plan foresaw, more than {} (a clock that jumped, a bad edit?)",
                self.most
            )
        })
    }

    fn is_surprise(&mut self, why: Why<'_>, draft: &Draft, now: DateTime<Utc>) -> bool {
        let receiver = format!("{}/{}", draft.key.group, draft.key.member);
        let before = self.receivers.iter().filter(|(_, to)| *to == receiver).count();
        self.receivers.push_back((now, receiver));
        if before >= EACH {
            return true;
        }
        match why {
            Why::Agenda(due) => due.is_none_or(|due| due > self.started && now - due > LATE),
            Why::Asked(author) => !draft.urgent && author.is_none_or(|author| *author != draft.key.member),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::core::{Facts, Lane, Role, WhenLate};

    fn drafts(kind: &str, members: usize) -> Vec<Draft> {
        let at = DateTime::<Utc>::UNIX_EPOCH;
        let one = |n: usize| Draft {
            key: format!("lyon/1/{kind}/-/m{n}/0").parse().unwrap(),
            role: Role::Cooperant,
            lane: Lane(String::new()),
            decided: at,
            due: at,
            useful_until: at,
            when_late: WhenLate::Drop,
            urgent: kind == "step_prompt",
            question: None,
            facts: Facts::None,
            answers: None,
        };
        (0..members).map(one).collect()
    }

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + Duration::minutes(minutes)
    }

    #[test]
    fn what_the_agenda_foresaw_passes_and_a_jump_of_the_clock_does_not() {
        let mut guard = Guard::new(20, at(0));
        assert_eq!(guard.note(Why::Agenda(Some(at(10))), &drafts("invitation", 500), at(10)), None);
        // due while nothing ran: caught up with
        assert_eq!(guard.note(Why::Agenda(Some(at(-900))), &drafts("digest", 500), at(20)), None);
        assert_eq!(guard.note(Why::Agenda(Some(at(30))), &drafts("digest", 20), at(900)), None);
        let why = guard.note(Why::Agenda(Some(at(40))), &drafts("invitation", 1), at(900)).unwrap();
        assert!(why.starts_with("21 mails within a minute"), "{why}");
        // a minute later all is forgotten
        assert_eq!(guard.note(Why::Agenda(Some(at(901))), &drafts("digest", 20), at(901)), None);
    }

    #[test]
    fn a_session_led_by_mail_passes_and_a_loop_does_not() {
        let mut guard = Guard::new(20, at(0));
        let mary = "mary".parse().unwrap();
        assert_eq!(guard.note(Why::Asked(Some(&mary)), &drafts("step_prompt", 400), at(1)), None);
        assert_eq!(guard.note(Why::Asked(None), &drafts("moved", 20), at(3)), None);
        let again = |guard: &mut Guard| guard.note(Why::Agenda(Some(at(5))), &drafts("warm_up", 8), at(5));
        let held: Vec<bool> = (0..7).map(|_| again(&mut guard).is_some()).collect();
        assert_eq!(held, [false, false, false, false, false, true, true]);
    }
}

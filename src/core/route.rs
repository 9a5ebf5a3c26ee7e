//! Whose answer a letter is, and to which mail: decided before any group is asked (`decisions.md` 26).
//!
//! The table of who may act (`inbound.md` §4): what proves the sender, what leads to the question, who writes, and how
//! far the answer reaches.

use crate::core::decide::{would_be_refused, would_take_back};
use crate::core::draft::{DraftKey, Question};
use crate::core::event::{Answer, Inverse, Meaning, UNSUBSCRIBE};
use crate::core::group::Group;
use crate::core::ids::{GroupId, MemberId};
use crate::core::proof::Level;
use serde::{Deserialize, Serialize};

/// A mail of ours that the letter refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Which mail.
    pub key: DraftKey,
    /// The token in the letter was made by this instance for this mail and its receiver.
    pub fits: bool,
    /// It stands where a mail program puts it when somebody answers that very mail: in the address or in In-Reply-To.
    pub direct: bool,
    /// It stands in References alone, under another subject: an old mail taken up for something new.
    pub stale: bool,
    /// The mail's time is long over: its token leads to it, and proves nothing any more.
    pub expired: bool,
}

/// What is known of a letter across all groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Mails of ours it refers to, the strongest evidence first.
    pub hits: Vec<Hit>,
    /// Members who write from its From address, and those for whom it answers.
    pub senders: Vec<(GroupId, MemberId)>,
    /// What proves that From is true.
    pub proof: Level,
    /// Mails to those members that wait for an answer, each member's newest first.
    pub open: Vec<DraftKey>,
    /// Something in it speaks against the mail found: it was written to somebody else, the hint at its subject's end is
    /// another mail's, or what it quotes is.
    pub doubtful: bool,
}

/// Where a letter goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// It answers that mail in the receiver's name; whether it may is said by [`verdict`].
    Answer {
        /// The mail.
        key: DraftKey,
        /// What led to it.
        lead: Lead,
    },
    /// It may be an answer to that mail; its receiver is asked, at the known address.
    Ask(DraftKey),
    /// Somebody with that mail's own token, from an address that is nobody's and that its domain vouches for: its
    /// receiver is asked, at the known address, whether that one is theirs too (rule 5).
    NewAddress(DraftKey),
    /// Another member of the group, with that mail's token: they are asked whether they answer for themselves (rule 5).
    Another {
        /// The mail, which was sent to somebody else.
        key: DraftKey,
        /// Who writes.
        member: MemberId,
    },
    /// It changes nothing, and why.
    Kept(Kept),
}

/// Why a letter is kept and not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Kept {
    /// Neither a known sender nor an answer to one of our mails.
    #[error("from somebody who is in no group, and not an answer to a mail of ours")]
    Stranger,
    /// A known member, but nothing leads to a question.
    #[error("from {0}, but not an answer to a mail of ours: kept for a person to read")]
    NoToken(MemberId),
    /// A known member to whom questions are open in several groups, or an address of several people: nothing says which
    /// is answered, and to ask one of them would show what was meant for another.
    #[error("from {0}, to whom {1} questions are open: which one it answers is not said; kept for a person to read")]
    SeveralOpen(MemberId, usize),
    /// The mail answered was sent to somebody else.
    #[error("an answer to a mail that was sent to {0}, from another address: not applied")]
    OtherAddress(MemberId),
    /// A token that this instance did not make.
    #[error("its token was not made here: not applied")]
    WrongToken,
}

/// What leads to the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lead {
    /// A token made for that mail and its receiver (T1).
    Token,
    /// The token of a mail whose time is long over.
    OldToken,
    /// The sender has one open question (T2, T0).
    OneOpen,
}

/// How far an answer reaches: who may give it, and on what proof (`decisions.md` 1, rule 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// The member's own: it can be taken back, and the receipt says how.
    Own,
    /// "Stop", and the way back from it: nobody is kept, or kept out, against their will.
    Leave,
    /// The facilitator's hand, which changes nothing that lasts, in sight of those it is about: the running session's
    /// clock, a reminder, a call for subjects, a no to another time.
    Lead,
    /// Changes something for all of the group, once mail has left: another requester, another hour.
    All,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Applied; nothing is doubted.
    Accept,
    /// Applied, with a receipt that says how to take it back.
    AcceptUnproven,
    /// Asked back at the known address.
    Ask,
}

use crate::core::route::Verdict::{Accept, AcceptUnproven, Ask};

/// The rows of `inbound.md` §4 rules 4 and 7, for a letter from an address of the mail's own receiver: what it does,
/// what leads to it, and the verdict with proof A, B and C.
const TABLE: [(Weight, Lead, [Verdict; 3]); 12] = [
    (Weight::Own, Lead::Token, [Accept, AcceptUnproven, Ask]),
    (Weight::Own, Lead::OldToken, [Accept, Ask, Ask]),
    (Weight::Own, Lead::OneOpen, [Accept, Ask, Ask]),
    (Weight::Leave, Lead::Token, [Accept, AcceptUnproven, Ask]),
    (Weight::Leave, Lead::OldToken, [Accept, AcceptUnproven, Ask]),
    (Weight::Leave, Lead::OneOpen, [Accept, Ask, Ask]),
    (Weight::Lead, Lead::Token, [Accept, AcceptUnproven, Ask]),
    (Weight::Lead, Lead::OldToken, [Ask, Ask, Ask]),
    (Weight::Lead, Lead::OneOpen, [Ask, Ask, Ask]),
    (Weight::All, Lead::Token, [Accept, Ask, Ask]),
    (Weight::All, Lead::OldToken, [Ask, Ask, Ask]),
    (Weight::All, Lead::OneOpen, [Ask, Ask, Ask]),
];

/// Whether an answer of that weight is applied. What no row speaks of is asked.
pub fn verdict(weight: Weight, lead: Lead, proof: Level) -> Verdict {
    let row = TABLE.iter().find(|(w, l, _)| *w == weight && *l == lead);
    row.map_or(Ask, |(_, _, [a, b, c])| match proof {
        Level::A => *a,
        Level::B => *b,
        Level::C => *c,
    })
}

/// How far this answer reaches in its group.
pub fn weigh(group: &Group, answer: &Answer) -> Weight {
    match (&answer.meaning, answer.question) {
        (Meaning::Stop, question) if question != Some(Question::Live) => Weight::Leave,
        (Meaning::Stop, _) if answer.text.to_lowercase().contains(UNSUBSCRIBE) => Weight::Leave,
        (Meaning::Undo, _) => match would_take_back(group, answer) {
            Some(Inverse::Requester { .. }) => Weight::All,
            // who stopped all mail may come back at any time
            Some(Inverse::Unpause) => Weight::Leave,
            _ => Weight::Own,
        },
        (Meaning::Help | Meaning::Person, _) => Weight::Own,
        (_, Some(Question::Live)) => Weight::Lead,
        (Meaning::Remind | Meaning::Open, Some(Question::NoSubject)) => Weight::Lead,
        (Meaning::No, Some(Question::Counter)) => Weight::Lead,
        // a polite no changes nothing for anybody
        (_, Some(question)) if question.is_for_all() && !would_be_refused(group, answer) => Weight::All,
        _ => Weight::Own,
    }
}

/// The mail that counts of those a letter refers to: the strongest evidence. A token that was cut or spoilt on its way
/// proves nothing, and takes nothing from one that is whole.
pub fn chosen(hits: &[Hit]) -> Option<&Hit> {
    hits.iter().find(|hit| hit.fits).or(hits.first())
}

/// Finds the mail that a letter answers. The strongest evidence decides alone: a weaker one never lets somebody answer
/// what was sent to another. Where two disagree its receiver is asked.
pub fn route(directory: &Directory) -> Route {
    match chosen(&directory.hits) {
        Some(first) if !first.fits => Route::Kept(Kept::WrongToken),
        Some(first) if !is_own(directory, &first.key) => not_theirs(directory, first),
        Some(first) if first.stale || disagree(directory, first) => Route::Ask(first.key.clone()),
        Some(first) => {
            let lead = if first.expired { Lead::OldToken } else { Lead::Token };
            Route::Answer { key: first.key.clone(), lead }
        }
        None => without_token(directory),
    }
}

/// The token says Anne, From says Bob: nobody's answer (rule 5).
fn not_theirs(directory: &Directory, hit: &Hit) -> Route {
    let group = &hit.key.group;
    let another = directory.senders.iter().find(|(g, _)| g == group).map(|(_, member)| member.clone());
    let clear = !hit.stale && !hit.expired && !disagree(directory, hit);
    match another {
        Some(member) => Route::Another { key: hit.key.clone(), member },
        None if directory.senders.is_empty() && directory.proof == Level::A && clear => {
            Route::NewAddress(hit.key.clone())
        }
        None => Route::Kept(Kept::OtherAddress(hit.key.member.clone())),
    }
}

/// A place that speaks of one mail alone speaks of another than this one, or all weaker ones do.
fn disagree(directory: &Directory, chosen: &Hit) -> bool {
    directory.doubtful || directory.hits.iter().any(|hit| hit.direct && hit.key != chosen.key)
}

fn is_own(directory: &Directory, key: &DraftKey) -> bool {
    directory.senders.iter().any(|(group, member)| *group == key.group && *member == key.member)
}

fn without_token(directory: &Directory) -> Route {
    let Some((_, member)) = directory.senders.first() else { return Route::Kept(Kept::Stranger) };
    match &directory.open[..] {
        [] => Route::Kept(Kept::NoToken(member.clone())),
        [one] if directory.doubtful => Route::Ask(one.clone()),
        [one] => Route::Answer { key: one.clone(), lead: Lead::OneOpen },
        // with a hint of none of them too: what it was meant for is theirs to say
        [newest, rest @ ..]
            if rest.iter().all(|other| (&other.group, &other.member) == (&newest.group, &newest.member)) =>
        {
            Route::Ask(newest.clone())
        }
        several => Route::Kept(Kept::SeveralOpen(member.clone(), several.len())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn key(member: &str) -> DraftKey {
        format!("lyon/1/invitation/-/{member}/0").parse().unwrap()
    }
    fn hit(member: &str, fits: bool) -> Hit {
        Hit { key: key(member), fits, direct: true, stale: false, expired: false }
    }
    fn from(member: &str) -> Vec<(GroupId, MemberId)> {
        vec![("lyon".parse().unwrap(), member.parse().unwrap())]
    }
    fn go(proof: Level, hits: Vec<Hit>, senders: Vec<(GroupId, MemberId)>) -> Route {
        route(&Directory { hits, senders, proof, open: vec![], doubtful: false })
    }

    #[test]
    fn only_the_receiver_with_a_true_token_answers() {
        let other = |member: &str| Route::Kept(Kept::OtherAddress(member.parse().unwrap()));
        assert_eq!(
            go(Level::B, vec![hit("ana", true)], from("ana")),
            Route::Answer { key: key("ana"), lead: Lead::Token }
        );
        let bo = Route::Another { key: key("ana"), member: "bo".parse().unwrap() };
        for level in [Level::A, Level::B, Level::C] {
            assert_eq!(go(level, vec![hit("ana", true)], from("bo")), bo);
            assert_eq!(go(level, vec![hit("ana", false)], from("ana")), Route::Kept(Kept::WrongToken));
            assert_eq!(go(level, vec![], from("ana")), Route::Kept(Kept::NoToken("ana".parse().unwrap())));
            assert_eq!(go(level, vec![], vec![]), Route::Kept(Kept::Stranger));
            let elsewhere = vec![("nancy".parse().unwrap(), "zoe".parse().unwrap())];
            assert_eq!(go(level, vec![hit("ana", true)], elsewhere), other("ana"));
        }
        assert_eq!(go(Level::A, vec![hit("ana", true)], vec![]), Route::NewAddress(key("ana")));
        assert_eq!(go(Level::B, vec![hit("ana", true)], vec![]), other("ana"));
        assert_eq!(go(Level::C, vec![hit("ana", true)], vec![]), other("ana"));
        let old = Hit { expired: true, ..hit("ana", true) };
        assert_eq!(go(Level::A, vec![old.clone()], vec![]), other("ana"));
        assert_eq!(go(Level::A, vec![old], from("ana")), Route::Answer { key: key("ana"), lead: Lead::OldToken });
    }

    #[test]
    fn what_is_not_clear_is_asked_or_kept() {
        let ana = || "ana".parse().unwrap();
        let other: DraftKey = "lyon/2/invitation/-/ana/0".parse().unwrap();
        let open = |open: Vec<DraftKey>, doubtful| {
            route(&Directory { hits: vec![], senders: from("ana"), proof: Level::A, open, doubtful })
        };
        let one = || vec![key("ana")];
        assert_eq!(open(one(), false), Route::Answer { key: key("ana"), lead: Lead::OneOpen });
        assert_eq!(open(one(), true), Route::Ask(key("ana")));
        assert_eq!(open(vec![key("ana"), other.clone()], false), Route::Ask(key("ana")));
        assert_eq!(open(vec![key("ana"), other.clone()], true), Route::Ask(key("ana")));
        let elsewhere: DraftKey = "nancy/2/invitation/-/zoe/0".parse().unwrap();
        assert_eq!(open(vec![key("ana"), elsewhere], false), Route::Kept(Kept::SeveralOpen(ana(), 2)));
        let stale = Hit { stale: true, direct: false, ..hit("ana", true) };
        assert_eq!(go(Level::A, vec![stale], from("ana")), Route::Ask(key("ana")));
        let torn = vec![hit("ana", true), Hit { key: other, ..hit("ana", true) }];
        assert_eq!(go(Level::A, torn.clone(), from("ana")), Route::Ask(key("ana")));
        let spoilt = vec![hit("ana", false), hit("ana", true)];
        assert_eq!(go(Level::A, spoilt, from("ana")), Route::Answer { key: key("ana"), lead: Lead::Token });
        assert!(matches!(go(Level::A, torn, vec![]), Route::Kept(Kept::OtherAddress(_))));
    }

    #[test]
    fn every_row_is_there_and_none_accepts_a_denied_sender_or_all_of_the_group_without_proof() {
        for weight in [Weight::Own, Weight::Leave, Weight::Lead, Weight::All] {
            for lead in [Lead::Token, Lead::OldToken, Lead::OneOpen] {
                assert!(TABLE.iter().any(|(w, l, _)| *w == weight && *l == lead), "{weight:?} {lead:?}");
                assert_eq!(verdict(weight, lead, Level::C), Ask);
                assert!(weight != Weight::All || verdict(weight, lead, Level::B) == Ask);
                assert_ne!(verdict(weight, lead, Level::B), Accept);
            }
        }
    }
}

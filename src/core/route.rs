//! Whose answer a letter is, and to which mail: decided before any group is asked (`decisions.md` 26).
//!
//! The table of who may act (`inbound.md` §4): what proves the sender, what leads to the question, who writes.

use crate::core::draft::DraftKey;
use crate::core::ids::{GroupId, MemberId};
use crate::core::proof::Level;

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
}

/// What is known of a letter across all groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Mails of ours it refers to, the strongest evidence first.
    pub hits: Vec<Hit>,
    /// Members who write from its From address.
    pub senders: Vec<(GroupId, MemberId)>,
    /// What proves that From is true.
    pub proof: Level,
    /// Mails to those members that wait for an answer, and whether the answer acts for all of the group.
    pub open: Vec<(DraftKey, bool)>,
}

/// Where a letter goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// It is the answer of the mail's receiver to that mail.
    Answer {
        /// The mail.
        key: DraftKey,
        /// The sender's domain vouches: no doubt remains.
        proven: bool,
    },
    /// It may be an answer to that mail; its receiver is asked, at the known address.
    Ask(DraftKey),
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
    /// A known member to whom several questions are open, and nothing says which is answered.
    #[error("from {0}, to whom {1} questions are open: which one it answers is not said; kept for a person to read")]
    SeveralOpen(MemberId, usize),
    /// It answers two mails at once: the address says one, In-Reply-To the other.
    #[error("from {0}, and it leads to two different mails of ours: not applied, kept for a person to read")]
    TwoMails(MemberId),
    /// The mail answered was sent to somebody else.
    #[error("an answer to a mail that was sent to {0}, from another address: not applied")]
    OtherAddress(MemberId),
    /// A token that this instance did not make.
    #[error("its token was not made here: not applied")]
    WrongToken,
}

/// What leads to the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    /// A token made for that mail and its receiver (T1).
    Token,
    /// The sender has one open question (T2, T0), or the token is an old mail's.
    OneOpen,
    /// That question's answer acts for all of the group: proof alone is not enough (rule 7).
    OneOpenForAll,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Applied; nothing is doubted.
    Accept,
    /// Applied, with a receipt that says how to take it back.
    AcceptUnproven,
    /// Asked back at the known address.
    Ask,
}

/// The rows of `inbound.md` §4 rule 4, for a letter from an address of the mail's own receiver.
const TABLE: [(Level, Lead, Verdict); 9] = [
    (Level::A, Lead::Token, Verdict::Accept),
    (Level::A, Lead::OneOpen, Verdict::Accept),
    (Level::B, Lead::Token, Verdict::AcceptUnproven),
    (Level::B, Lead::OneOpen, Verdict::Ask),
    (Level::C, Lead::Token, Verdict::Ask),
    (Level::C, Lead::OneOpen, Verdict::Ask),
    (Level::A, Lead::OneOpenForAll, Verdict::Ask),
    (Level::B, Lead::OneOpenForAll, Verdict::Ask),
    (Level::C, Lead::OneOpenForAll, Verdict::Ask),
];

/// Finds the mail that a letter answers. The strongest evidence decides alone: a weaker one never lets somebody answer
/// what was sent to another.
pub fn route(directory: &Directory) -> Route {
    match directory.hits.first() {
        Some(first) if !first.fits => Route::Kept(Kept::WrongToken),
        Some(first) if !is_own(directory, &first.key) => Route::Kept(Kept::OtherAddress(first.key.member.clone())),
        Some(first) if disagree(directory) => Route::Kept(Kept::TwoMails(first.key.member.clone())),
        Some(first) if first.stale => Route::Ask(first.key.clone()),
        Some(first) => by_table(directory.proof, Lead::Token, &first.key),
        None => without_token(directory),
    }
}

/// The places that speak of one mail alone speak of two.
fn disagree(directory: &Directory) -> bool {
    let mut direct = directory.hits.iter().filter(|hit| hit.direct && hit.fits).map(|hit| &hit.key);
    let first = direct.next();
    direct.any(|other| Some(other) != first)
}

fn is_own(directory: &Directory, key: &DraftKey) -> bool {
    directory.senders.iter().any(|(group, member)| *group == key.group && *member == key.member)
}

fn without_token(directory: &Directory) -> Route {
    let Some((_, member)) = directory.senders.first() else { return Route::Kept(Kept::Stranger) };
    match &directory.open[..] {
        [] => Route::Kept(Kept::NoToken(member.clone())),
        [(one, false)] => by_table(directory.proof, Lead::OneOpen, one),
        [(one, true)] => by_table(directory.proof, Lead::OneOpenForAll, one),
        several => Route::Kept(Kept::SeveralOpen(member.clone(), several.len())),
    }
}

fn by_table(proof: Level, lead: Lead, key: &DraftKey) -> Route {
    let row = TABLE.iter().find(|(level, with, _)| *level == proof && *with == lead);
    match row.map(|(_, _, verdict)| *verdict) {
        Some(Verdict::Accept) => Route::Answer { key: key.clone(), proven: true },
        Some(Verdict::AcceptUnproven) => Route::Answer { key: key.clone(), proven: false },
        Some(Verdict::Ask) => Route::Ask(key.clone()),
        None => Route::Kept(Kept::NoToken(key.member.clone())),
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
        Hit { key: key(member), fits, direct: true, stale: false }
    }
    fn from(member: &str) -> Vec<(GroupId, MemberId)> {
        vec![("lyon".parse().unwrap(), member.parse().unwrap())]
    }

    #[test]
    fn only_the_receiver_with_a_true_token_answers() {
        let go = |hits, senders| route(&Directory { hits, senders, proof: Level::B, open: vec![] });
        assert_eq!(go(vec![hit("ana", true)], from("ana")), Route::Answer { key: key("ana"), proven: false });
        assert_eq!(go(vec![hit("ana", true)], from("bo")), Route::Kept(Kept::OtherAddress("ana".parse().unwrap())));
        assert_eq!(go(vec![hit("ana", false)], from("ana")), Route::Kept(Kept::WrongToken));
        assert_eq!(go(vec![], from("ana")), Route::Kept(Kept::NoToken("ana".parse().unwrap())));
        assert_eq!(go(vec![], vec![]), Route::Kept(Kept::Stranger));
        assert!(matches!(go(vec![hit("bo", true), hit("ana", true)], from("ana")), Route::Kept(_)));
    }

    #[test]
    fn every_level_with_and_without_a_token() {
        let go = |proof, hits: Vec<Hit>, open| route(&Directory { hits, senders: from("ana"), proof, open });
        let (token, one) = (|| vec![hit("ana", true)], || vec![(key("ana"), false)]);
        let answer = |proven| Route::Answer { key: key("ana"), proven };
        assert_eq!(go(Level::A, token(), vec![]), answer(true));
        assert_eq!(go(Level::A, vec![], one()), answer(true));
        assert_eq!(go(Level::B, vec![], one()), Route::Ask(key("ana")));
        assert_eq!(go(Level::C, token(), vec![]), Route::Ask(key("ana")));
        assert_eq!(go(Level::C, vec![], one()), Route::Ask(key("ana")));
        let other: DraftKey = "lyon/2/invitation/-/ana/0".parse().unwrap();
        let two = vec![(key("ana"), false), (other.clone(), false)];
        assert_eq!(go(Level::A, vec![], two), Route::Kept(Kept::SeveralOpen("ana".parse().unwrap(), 2)));
        assert_eq!(go(Level::A, vec![], vec![(key("ana"), true)]), Route::Ask(key("ana")));
        let stale = Hit { stale: true, direct: false, ..hit("ana", true) };
        assert_eq!(go(Level::A, vec![stale], vec![]), Route::Ask(key("ana")));
        let torn = vec![hit("ana", true), Hit { key: other, ..hit("ana", true) }];
        assert_eq!(go(Level::A, torn, vec![]), Route::Kept(Kept::TwoMails("ana".parse().unwrap())));
        // a token for another is never outdone by a proof
        let foreign = Directory { hits: vec![hit("bo", true)], senders: from("ana"), proof: Level::A, open: one() };
        assert!(matches!(route(&foreign), Route::Kept(Kept::OtherAddress(_))));
    }
}

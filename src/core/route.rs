//! Whose answer a letter is, and to which mail: decided before any group is asked (`decisions.md` 26).
//!
//! Here the table of who may act holds its first row: a token that fits, sent from an address of
//! the member it was made for. Anything else is kept, told to nobody, and changes nothing.

use crate::core::draft::DraftKey;
use crate::core::ids::{GroupId, MemberId};

/// A mail of ours that the letter refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Which mail.
    pub key: DraftKey,
    /// The token in the letter was made by this instance for this mail and its receiver.
    pub fits: bool,
}

/// What is known of a letter across all groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    /// Mails of ours it refers to, the strongest evidence first.
    pub hits: Vec<Hit>,
    /// Members who write from its From address.
    pub senders: Vec<(GroupId, MemberId)>,
}

/// Where a letter goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// It is the answer of the mail's receiver to that mail.
    Answer(DraftKey),
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
    /// The mail answered was sent to somebody else.
    #[error("an answer to a mail that was sent to {0}, from another address: not applied")]
    OtherAddress(MemberId),
    /// A token that this instance did not make.
    #[error("its token was not made here: not applied")]
    WrongToken,
}

/// Finds the mail that a letter answers. The strongest evidence decides alone: a weaker one never
/// lets somebody answer what was sent to another.
pub fn route(directory: &Directory) -> Route {
    let Some(first) = directory.hits.first() else {
        return Route::Kept(match directory.senders.first() {
            Some((_, member)) => Kept::NoToken(member.clone()),
            None => Kept::Stranger,
        });
    };
    if !first.fits {
        return Route::Kept(Kept::WrongToken);
    }
    let own = directory.senders.iter().any(|(group, member)| *group == first.key.group && *member == first.key.member);
    if own { Route::Answer(first.key.clone()) } else { Route::Kept(Kept::OtherAddress(first.key.member.clone())) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn hit(member: &str, fits: bool) -> Hit {
        Hit { key: format!("lyon/1/invitation/-/{member}/0").parse().unwrap(), fits }
    }
    fn from(member: &str) -> Vec<(GroupId, MemberId)> {
        vec![("lyon".parse().unwrap(), member.parse().unwrap())]
    }

    #[test]
    fn only_the_receiver_with_a_true_token_answers() {
        let go = |hits, senders| route(&Directory { hits, senders });
        assert!(matches!(go(vec![hit("ana", true)], from("ana")), Route::Answer(_)));
        assert_eq!(go(vec![hit("ana", true)], from("bo")), Route::Kept(Kept::OtherAddress("ana".parse().unwrap())));
        assert_eq!(go(vec![hit("ana", false)], from("ana")), Route::Kept(Kept::WrongToken));
        assert_eq!(go(vec![], from("ana")), Route::Kept(Kept::NoToken("ana".parse().unwrap())));
        assert_eq!(go(vec![], vec![]), Route::Kept(Kept::Stranger));
        assert!(matches!(go(vec![hit("bo", true), hit("ana", true)], from("ana")), Route::Kept(_)));
    }
}

//! Small types made once at the edge, so that nothing further in ever sees a raw string.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Why a text is not the value it should be: what was found and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not {expected}")]
pub struct NotA {
    /// The text as it stood.
    pub found: String,
    /// What would have been right, with an example.
    pub expected: &'static str,
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $check:expr, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $name {
            type Err = NotA;
            fn from_str(text: &str) -> Result<Self, NotA> {
                let check: fn(&str) -> Option<String> = $check;
                check(text.trim()).map(Self).ok_or(NotA { found: text.to_owned(), expected: $expected })
            }
        }
        impl TryFrom<String> for $name {
            type Error = NotA;
            fn try_from(text: String) -> Result<Self, NotA> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    };
}

text_type!(
    /// A group's short name: `lyon`, `codev-cadres`. Stands in addresses, subject tags and file names.
    GroupId, slug, "a short name of 1 to 32 letters a-z, digits and hyphens, such as \"lyon\""
);
text_type!(
    /// A member's short name within the group: `ana`, `jean-luc`.
    MemberId, slug, "a short name of 1 to 32 letters a-z, digits and hyphens, such as \"ana\""
);
text_type!(
    /// A session format's name, that of its file: `1h30`.
    FormatName, slug, "a format's short name, such as \"1h30\""
);
text_type!(
    /// One mail address without display name; the domain in lower case (RFC 5321 §2.3.11).
    Email, email, "a mail address such as ana@example.org"
);
text_type!(
    /// A language as its two letters; what exists under `templates/` can be used.
    Language, |t| (t.len() == 2 && t.bytes().all(|b| b.is_ascii_lowercase())).then(|| t.to_owned()),
    "a language of two letters, such as \"fr\" or \"en\""
);
text_type!(
    /// The UID of a meeting's one VEVENT, for life (RFC 5545 §3.8.4.7).
    Uid, |t| (!t.is_empty() && t.len() <= 200 && t.bytes().all(|b| b.is_ascii_graphic())).then(|| t.to_owned()),
    "a UID of printable ASCII"
);

fn slug(text: &str) -> Option<String> {
    let fits = (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    fits.then(|| text.to_owned())
}

fn email(text: &str) -> Option<String> {
    let (local, domain) = text.rsplit_once('@')?;
    let clean = |part: &str, more: &str| {
        !part.is_empty()
            && part.chars().all(|c| (c.is_alphanumeric() || more.contains(c)) && !c.is_control())
            && !part.starts_with('.')
            && !part.ends_with('.')
            && !part.contains("..")
    };
    let fits = text.len() <= 254
        && local.len() <= 64
        && clean(local, "!#$%&'*+-/=?^_`{|}~.")
        && clean(domain, "-.")
        && !domain.starts_with('-');
    fits.then(|| format!("{local}@{}", domain.to_lowercase()))
}

/// A domain to compare: its A-label form in lower case (RFC 5890). Labels that can't be turned stay as they are.
pub fn ascii_domain(domain: &str) -> String {
    let bare = domain.trim_end_matches('.');
    idna::domain_to_ascii(bare).unwrap_or_else(|_| bare.to_lowercase())
}

/// A mailbox to compare, the same for every writing of its address: hosts look at no case, and a domain in its own script
/// is the one in A-labels (`inbound.md` §4 rule 8).
pub fn address_key(address: &str) -> String {
    let address = address.trim();
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{}@{}", local.to_lowercase(), ascii_domain(domain)),
        None => address.to_lowercase(),
    }
}

impl Email {
    /// The same mailbox, however its address is written.
    pub fn is(&self, other: &str) -> bool {
        address_key(&self.0) == address_key(other)
    }

    /// As it stands in mails, calendars and on the wire: its domain in A-labels, which every server and program takes.
    pub fn in_ascii(&self) -> Self {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or((&self.0, ""));
        Self(format!("{local}@{}", ascii_domain(domain)))
    }
}

impl Language {
    /// French: what members get when nothing else is said.
    pub fn french() -> Self {
        Self("fr".to_owned())
    }
    /// English.
    pub fn english() -> Self {
        Self("en".to_owned())
    }
}

/// A meeting's number within its group, from 1 upwards in the order of planning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MeetingNo(pub u32);

impl fmt::Display for MeetingNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_address_is_kept_as_written_with_its_domain_in_lower_case() {
        assert_eq!("Ana.Lo+x@Example.ORG".parse::<Email>().unwrap().as_str(), "Ana.Lo+x@example.org");
        for bad in ["", "ana", "@x.org", "ana@", "a b@x.org", "a@x..org", "a\r\n@x.org", "a@b@c.org", "<a@x.org>"] {
            assert!(bad.parse::<Email>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_address_is_the_same_in_both_scripts_of_its_domain() {
        let one: Email = "Ana@Bücher.example".parse().unwrap();
        for same in ["ana@xn--bcher-kva.example", "ANA@XN--BCHER-KVA.EXAMPLE", " ana@bu\u{308}cher.example"] {
            assert!(one.is(same), "{same}");
        }
        for other in ["ana@bucher.example", "anä@xn--bcher-kva.example", "ana@", "ana", ""] {
            assert!(!one.is(other), "{other}");
        }
        assert_eq!(address_key("Ana+X@xn--99999999999.example"), "ana+x@xn--99999999999.example");
    }

    #[test]
    fn a_short_name_is_short_and_plain() {
        assert!("jean-luc2".parse::<MemberId>().is_ok());
        for bad in ["", "Ana", "é", "a_b", "-a", "a-", "a/b"] {
            assert!(bad.parse::<MemberId>().is_err(), "{bad:?}");
        }
    }
}

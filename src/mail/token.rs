//! The key in each mail: which draft is answered, and by whom; made and checked with the instance's key.
//!
//! A token is 32 characters of Crockford base32: 12 for the draft's id (60 bits), 20 for the proof (100 bits of
//! HMAC-SHA-256 over the draft's id and the member). Nothing secret is stored: the proof is computed again and
//! compared in constant time.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Crockford's alphabet: no I, L, O, U, so that it can be read aloud and typed.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of the draft's id in a token.
const ID_CHARS: usize = 12;
/// Characters of the proof in a token: 100 bits.
const PROOF_CHARS: usize = 20;
/// Characters of a whole token.
pub const TOKEN_CHARS: usize = ID_CHARS + PROOF_CHARS;

/// The instance's secret: whoever has it can answer as anybody.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// What a draft is called on the wire: 60 bits derived from its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DraftId(u64);

/// A key as it stands in an address, a Message-ID or a footer line: 32 lower-case Crockford characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(String);

impl Key {
    /// Takes the instance's 32 secret bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The id of the draft with this key text: the same text gives the same id, and nobody else can derive it.
    pub fn draft_id(&self, draft_key: &str) -> DraftId {
        let digest = self.digest(&[b"draft", draft_key.as_bytes()]);
        DraftId(digest.iter().take(8).fold(0, |bits, byte| (bits << 8) | u64::from(*byte)) >> 4)
    }

    /// The token that lets this member answer this draft.
    pub fn token(&self, id: &DraftId, member: &str) -> Token {
        let digest = self.digest(&[b"token", &id.0.to_be_bytes(), member.as_bytes()]);
        Token(id.to_string() + &base32(&digest, PROOF_CHARS))
    }

    /// Is this token the one made for this member? The time taken says nothing of where they differ.
    pub fn fits(&self, token: &Token, member: &str) -> bool {
        let expected = self.token(&token.draft_id(), member);
        let (a, b) = (expected.0.as_bytes(), token.0.as_bytes());
        let differing = a.iter().zip(b).fold(0u8, |seen, (x, y)| seen | (x ^ y));
        a.len() == b.len() && std::hint::black_box(differing) == 0
    }

    /// HMAC-SHA-256 over parts, each with its length, so that no two lists of parts look alike.
    fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(&self.0) else {
            return [0; 32]; // an HMAC key may have any length: this does not happen
        };
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl DraftId {
    /// The low 60 bits of a number, as an id.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits & ((1 << 60) - 1))
    }

    /// The 60 bits.
    pub fn bits(&self) -> u64 {
        self.0
    }

    /// The short form for the end of a subject, without its brackets: `k7f3-92qd`. A hint, never a proof.
    pub fn tag(&self) -> String {
        let all = self.to_string();
        let (_, last) = all.split_at(ID_CHARS - 8);
        let (left, right) = last.split_at(4);
        format!("{left}-{right}")
    }
}

impl fmt::Display for DraftId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = (self.0 << 4).to_be_bytes();
        f.write_str(&base32(&bytes, ID_CHARS))
    }
}

impl Token {
    /// Reads exactly one token, as people and mail programs may have left it: upper case, O for 0, I and L for 1,
    /// hyphens, blanks, line breaks and `>` in between. `None` when it is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut found = String::with_capacity(TOKEN_CHARS);
        for c in text.chars().filter(|c| !is_filler(*c)) {
            found.push(crockford(c)?);
            if found.len() > TOKEN_CHARS {
                return None;
            }
        }
        (found.len() == TOKEN_CHARS).then_some(Self(found))
    }

    /// The draft it speaks of.
    pub fn draft_id(&self) -> DraftId {
        let value = |c: u8| ALPHABET.iter().position(|a| *a == c).unwrap_or(0) as u64;
        DraftId(self.0.bytes().take(ID_CHARS).fold(0, |bits, c| (bits << 5) | value(c)))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What may stand between a token's characters without meaning anything.
pub(super) fn is_filler(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '>' | '\u{ad}' | '\u{200b}' | '\u{2011}')
}

/// One character of Crockford's base32 in its canonical form.
pub(super) fn crockford(c: char) -> Option<char> {
    let c = match c.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    };
    (c.is_ascii() && ALPHABET.contains(&(c as u8))).then_some(c)
}

/// The first `chars` five-bit groups of `bytes`.
fn base32(bytes: &[u8], chars: usize) -> String {
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| (byte >> (7 - at % 8)) & 1);
    let group = |n: usize| (0..5).fold(0usize, |value, i| (value << 1) | usize::from(bit(n * 5 + i)));
    (0..chars).map(|n| char::from(ALPHABET[group(n) & 31])).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn key() -> Key {
        Key::new([7; 32])
    }

    #[test]
    fn a_token_speaks_of_its_draft_and_fits_its_member_alone() {
        let id = key().draft_id("cafe/2026-12/subject/anne/0");
        let token = key().token(&id, "anne");
        assert_eq!(token.as_str().len(), 32);
        assert_eq!(token.draft_id(), id);
        assert!(key().fits(&token, "anne"));
        assert!(!key().fits(&token, "bob"));
        assert!(!Key::new([8; 32]).fits(&token, "anne"));
    }

    #[test]
    fn a_token_survives_what_mail_programs_do_to_it() {
        let id = key().draft_id("x");
        let token = key().token(&id, "anne");
        let text = token.as_str().to_uppercase().replace('0', "O").replace('1', "l");
        let (a, b) = text.split_at(9);
        assert_eq!(Token::parse(&format!(" {a}-\r\n> {b}\r\n")).as_ref(), Some(&token));
        assert_eq!(Token::parse(&text[1..]), None);
        assert_eq!(Token::parse(&format!("{text}7")), None);
        assert_eq!(Token::parse(&text.replacen(|c: char| c.is_ascii(), "é", 1)), None);
    }

    #[test]
    fn the_tag_is_the_end_of_the_draft_id() {
        let id = DraftId::from_bits(u64::MAX);
        assert_eq!(id.to_string(), "zzzzzzzzzzzz");
        assert_eq!(id.tag(), "zzzz-zzzz");
    }

    proptest! {
        #[test]
        fn any_change_of_a_character_is_seen(bits: u64, at in 0usize..32, by in 1usize..32, member in "[a-z]{1,8}") {
            let token = key().token(&DraftId::from_bits(bits), &member);
            let mut chars = token.as_str().as_bytes().to_vec();
            let was = ALPHABET.iter().position(|c| *c == chars[at]).unwrap();
            chars[at] = ALPHABET[(was + by) % 32];
            let forged = Token::parse(std::str::from_utf8(&chars).unwrap()).unwrap();
            prop_assert!(key().fits(&token, &member));
            prop_assert!(!key().fits(&forged, &member));
        }

        #[test]
        fn no_text_upsets_the_reader(text in ".*") {
            let _ = Token::parse(&text);
        }
    }
}

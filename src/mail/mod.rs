//! Bytes and their meaning: reads what people and their machines send, writes what we send. Pure: no socket, no clock.
//!
//! Reading is one function, `reading::read`, in steps that each have a file: `letter` (one mail taken apart), `class`
//! (what kind of mail it is), `evidence` (which question it answers), `reply` (what the person wrote, without what is
//! quoted), `meaning` (what that says to the question).
//!
//! What changes with languages and mail programs is data: `data/quotes.toml` (quotes, phones' lines, notices),
//! `data/sheet.toml` (labels of the preparation sheet), `data/cards.toml` (business cards),
//! `data/absence.toml` (absence notices), `data/signs.toml` (machines' subjects and addresses), `data/bounces.toml`
//! (words of mail servers). A new language is a new block there and cases in `tests/mails`.

mod absence;
pub mod auth_results;
mod body;
pub mod bounce;
mod bound;
mod calendar_check;
pub mod class;
mod damage;
pub mod evidence;
mod html;
mod inline;
pub mod letter;
pub mod meaning;
mod ours;
pub mod parts;
pub mod proof;
mod quote;
mod reaction;
pub mod reading;
pub mod reply;
pub mod report;
pub mod shown;
mod signature;
mod text;
pub mod token;
mod typed;
pub mod write;

pub use crate::core::ids::ascii_domain;
pub use crate::core::proof::{Level, Proof};
pub use auth_results::Believed;
pub use bounce::{Bounce, BounceClass, BouncedRecipient};
pub use calendar_check::{CalendarMail, check_calendar_mail};
pub use class::Class;
pub use evidence::{Carrier, TokenFound, addressed_to, subject_tag, tokens, without_tokens};
pub use letter::{Address, Letter, Limits, letter, letter_within};
pub use meaning::{Asked, Understood, understand};
pub use parts::{Part, PartKind};
pub use proof::{Verdict, organisation, proof};
pub use reading::{Known, Nothing, Reading, Sent, Step, read};
pub use reply::{Reply, reply};
pub use report::{read_json, reading_json};
pub use signature::without_name;
pub use token::{DraftId, Key, TOKEN_CHARS, Token};
pub use write::{Auto, CalendarPart, Outgoing, Suppress, WriteError, compose, is_repeatable};

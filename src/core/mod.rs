//! What a codev group does. Values in, values out: no clock, no socket, no SQL, no template.
//!
//! Reading order: [`ids`] and [`format`] (small types), [`schedule`], [`spec`] (what a group file
//! says), [`group`], [`meeting`], [`run`] (the live clock), [`rotation`], [`event`] (what happens),
//! [`draft`] (what is to be mailed), [`agenda`] (what lies ahead), [`decide`] (the one place where
//! anything is decided), [`foresight`] (the same on a copy, ahead of its time).

pub mod agenda;
pub mod caps;
pub mod challenge;
pub mod decide;
pub mod draft;
pub mod event;
pub mod foresight;
pub mod format;
pub mod group;
pub mod ids;
pub mod lineup;
pub mod meeting;
pub mod proof;
pub mod reach;
pub mod refusal;
pub mod rotation;
pub mod route;
pub mod run;
pub mod schedule;
pub mod spec;

pub use draft::{Draft, DraftKey, Facts, Kind, Lane, Question, Role, WhenLate};
pub use event::{Answer, CalendarAnswer, CalendarAsk, Event, Meaning, Moment, Order, Outcome};
pub use format::{Format, FormatId, Formats, StepKey};
pub use group::{Change, Group, JournalLine, Member};
pub use ids::{Email, GroupId, Language, MeetingNo, MemberId, Uid};
pub use lineup::Upcoming;
pub use meeting::{Attendance, Attending, Meeting, Section, Stage, Subject, Word};
pub use refusal::Refusal;
pub use run::{Run, RunStep, Sheet};
pub use schedule::Schedule;
pub use spec::{GroupSpec, GuestList, MemberSpec, Settings};

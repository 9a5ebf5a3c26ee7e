//! What goes wrong in a simulated year, as plain data: drawn from a seed, kept in a file, taken away one by one.

use super::clock::Chance;
use super::edits::Edit;
use crate::store::DiskFault;
use crate::transport::Phase;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

/// One thing that goes wrong, from then on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// When it begins, in true time.
    pub at: DateTime<Utc>,
    /// What it is.
    #[serde(flatten)]
    pub what: Trouble,
}

/// What a disk says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disk {
    /// No room.
    Full,
    /// Input and output fail.
    Broken,
    /// Locked by another program.
    Busy,
}

impl From<Disk> for DiskFault {
    fn from(disk: Disk) -> Self {
        match disk {
            Disk::Full => Self::Full,
            Disk::Broken => Self::Broken,
            Disk::Busy => Self::Busy,
        }
    }
}

/// What can go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Trouble {
    /// No conversation with the mail server gets past there for so long.
    Down {
        /// Where it ends.
        phase: Phase,
        /// How long.
        seconds: i64,
    },
    /// Each step of a conversation takes so long, for a while.
    Slow {
        /// A step.
        each: i64,
        /// The while.
        seconds: i64,
    },
    /// The server says nothing in this phase of mails to a member, for so long.
    Stuck {
        /// Their place in the group.
        member: usize,
        /// Where.
        phase: Phase,
        /// How long.
        seconds: i64,
    },
    /// The next mails are answered with this instead of a yes.
    Reply {
        /// Where.
        phase: Phase,
        /// `450 4.7.1 greylisted`.
        reply: String,
        /// How many.
        times: u32,
    },
    /// The connection is cut on the next mails, there.
    Cut {
        /// Where. After the dot the mail may be with the server.
        phase: Phase,
        /// How many.
        times: u32,
        /// After the dot: whether the server has the mail.
        taken: bool,
    },
    /// A member's address is refused for good, for so long.
    Refuses {
        /// Their place in the group.
        member: usize,
        /// What is said.
        reply: String,
        /// How long.
        seconds: i64,
    },
    /// The daemon's mailbox can't be reached for so long.
    MailboxDown {
        /// How long.
        seconds: i64,
    },
    /// The next mails taken in can't be marked as taken, and come again.
    Unmarked {
        /// How many.
        times: u32,
    },
    /// The connection to the mailbox is cut before so many mails were given.
    CutFetch {
        /// How many fetches.
        times: u32,
    },
    /// All that came within so long comes once more under new numbers (UIDVALIDITY changed).
    Again {
        /// How far back.
        seconds: i64,
    },
    /// Mail to the daemon is held up so long, then comes newest first.
    Reordered {
        /// How long.
        seconds: i64,
    },
    /// Writes fail for so long, each or one in `every`.
    Disk {
        /// How.
        how: Disk,
        /// How long.
        seconds: i64,
        /// 1: each.
        every: u32,
    },
    /// The process is killed at the so-many-th await or write from then on, and started again later.
    Crash {
        /// Awaits and writes that still pass.
        after: u32,
        /// How long it is down.
        seconds: i64,
    },
    /// The wall clock jumps.
    Jump {
        /// Ahead, or back where negative.
        seconds: i64,
    },
    /// The machine sleeps.
    Suspend {
        /// How long.
        seconds: i64,
    },
    /// The operator holds all mail, and lets it go after so long.
    Hold {
        /// How long.
        seconds: i64,
    },
    /// The operator orders something about the next meeting.
    Order {
        /// `move`, `cancel`, `swap`.
        order: Ordered,
    },
    /// The group file is changed and applied.
    File {
        /// What is changed.
        edit: Edit,
    },
}

/// An order from the command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Ordered {
    /// The next meeting is so many hours later.
    Move {
        /// Or earlier.
        hours: i64,
    },
    /// It is cancelled.
    Cancel,
    /// Its turn goes to the member of this place.
    Swap {
        /// The place.
        member: usize,
    },
}

/// Replies that servers give, wherever they stand in the conversation.
const REPLIES: &[(Phase, &str)] = &[
    (Phase::Greeting, "421 4.3.2 service shutting down"),
    (Phase::Greeting, "554 5.7.1 no service for you"),
    (Phase::Auth, "535 5.7.8 authentication failed"),
    (Phase::Auth, "454 4.7.0 temporary authentication failure"),
    (Phase::Mail, "452 4.3.1 insufficient system storage"),
    (Phase::Mail, "550 5.4.5 daily user sending quota exceeded"),
    (Phase::Rcpt, "450 4.7.1 greylisted, try again in 300 seconds"),
    (Phase::Rcpt, "451 4.7.1 please come back later"),
    (Phase::Rcpt, "452 4.5.3 too many recipients"),
    (Phase::Rcpt, "550 5.1.1 no such user"),
    (Phase::Rcpt, "550 5.7.1 blocked"),
    (Phase::Rcpt, "552 5.2.2 mailbox full"),
    (Phase::Data, "451 4.3.0 local error"),
    (Phase::Data, "421 4.7.0 too many connections"),
    (Phase::Dot, "451 4.3.0 queue file write error"),
    (Phase::Dot, "550 5.7.1 content refused"),
    (Phase::Dot, "554 5.6.0 message not accepted"),
    (Phase::Dot, "552 5.3.4 message too big"),
];

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A length between a few seconds and some days, short ones as often as long ones.
pub fn while_of(chance: &mut Chance, longest: i64) -> i64 {
    let steps = [20, 3 * MINUTE, 20 * MINUTE, 2 * HOUR, 10 * HOUR, 3 * DAY];
    let fit = steps.iter().filter(|s| **s <= longest.max(20)).count();
    let most = steps[pick(chance, fit)];
    1 + draw(chance, most)
}

/// A number from 0 to `below`, that one left out.
pub fn draw(chance: &mut Chance, below: i64) -> i64 {
    i64::try_from(chance.below(u64::try_from(below.max(1)).unwrap_or(1))).unwrap_or(0)
}

/// An index below `below`.
pub fn pick(chance: &mut Chance, below: usize) -> usize {
    usize::try_from(chance.below(below as u64)).unwrap_or(0)
}

/// Draws one that happens at that time.
pub fn fault(chance: &mut Chance, at: DateTime<Utc>, members: usize) -> Vec<Fault> {
    let times = |chance: &mut Chance| u32::try_from(1 + draw(chance, 6)).unwrap_or(1);
    let phase = |chance: &mut Chance| Phase::ALL[pick(chance, Phase::ALL.len())];
    let what = match draw(chance, 106) {
        0..=7 => {
            let phase = Phase::ALL[pick(chance, 7)];
            Trouble::Down { phase, seconds: while_of(chance, 3 * DAY) }
        }
        8..=9 => {
            let phase = [Phase::Mail, Phase::Rcpt, Phase::Data, Phase::Dot, Phase::Dot][pick(chance, 5)];
            Trouble::Stuck { member: pick(chance, members), phase, seconds: while_of(chance, 10 * HOUR) }
        }
        10..=13 => Trouble::Slow { each: 1 + draw(chance, 240), seconds: while_of(chance, 10 * HOUR) },
        14..=25 => {
            let (phase, reply) = REPLIES[pick(chance, REPLIES.len())];
            Trouble::Reply { phase, reply: reply.to_owned(), times: times(chance) }
        }
        26..=37 => Trouble::Cut { phase: phase(chance), times: times(chance), taken: draw(chance, 2) == 0 },
        38..=41 => refuses(chance, members),
        42..=46 => Trouble::MailboxDown { seconds: while_of(chance, 3 * DAY) },
        47..=51 => Trouble::Unmarked { times: times(chance) },
        52..=54 => Trouble::CutFetch { times: times(chance) },
        55..=57 => Trouble::Again { seconds: while_of(chance, 3 * DAY) },
        58..=60 => Trouble::Reordered { seconds: while_of(chance, 10 * HOUR) },
        61..=69 => disk(chance),
        70..=87 => {
            let after = u32::try_from(draw(chance, 60)).unwrap_or(0);
            Trouble::Crash { after, seconds: while_of(chance, 3 * DAY) }
        }
        88..=91 => return jump(chance, at),
        92..=93 => Trouble::Suspend { seconds: while_of(chance, 3 * DAY) },
        94..=95 => Trouble::Hold { seconds: while_of(chance, 10 * HOUR) },
        96..=99 => Trouble::Order { order: ordered(chance, members) },
        _ => Trouble::File { edit: Edit::drawn(chance) },
    };
    vec![Fault { at, what }]
}

fn refuses(chance: &mut Chance, members: usize) -> Trouble {
    let reply = ["550 5.1.1 no such user", "552 5.2.2 mailbox full", "550 5.7.1 blocked by policy"];
    let reply = reply[pick(chance, reply.len())].to_owned();
    Trouble::Refuses { member: pick(chance, members), reply, seconds: while_of(chance, 3 * DAY) }
}

fn disk(chance: &mut Chance) -> Trouble {
    let how = [Disk::Full, Disk::Broken, Disk::Busy][pick(chance, 3)];
    let every = [1, 1, 2, 3, 7][pick(chance, 5)];
    Trouble::Disk { how, seconds: while_of(chance, 10 * HOUR), every }
}

/// The clock jumps; most of the time somebody sets it right again later.
fn jump(chance: &mut Chance, at: DateTime<Utc>) -> Vec<Fault> {
    let far = while_of(chance, 3 * DAY);
    let seconds = if draw(chance, 2) == 0 { far } else { -far };
    let back = at + Duration::seconds(while_of(chance, 3 * DAY));
    let mut both = vec![Fault { at, what: Trouble::Jump { seconds } }];
    if draw(chance, 4) > 0 {
        both.push(Fault { at: back, what: Trouble::Jump { seconds: -seconds } });
    }
    both
}

fn ordered(chance: &mut Chance, members: usize) -> Ordered {
    match draw(chance, 4) {
        0 | 1 => Ordered::Move { hours: draw(chance, 120) - 48 },
        2 => Ordered::Cancel,
        _ => Ordered::Swap { member: pick(chance, members) },
    }
}

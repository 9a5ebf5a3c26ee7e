//! What the page can ask of the month, and the answer: commands in, what came of them out.

use crate::core::MemberId;
use crate::ical::PartStat;
use crate::sim::Client;
use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};

/// How fast the month plays by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speed {
    /// Slow enough to read each line.
    Slow,
    /// An event in a moment.
    Normal,
    /// A month in a minute.
    Fast,
}

impl Speed {
    /// All of them, slowest first.
    pub const ALL: [Self; 3] = [Self::Slow, Self::Normal, Self::Fast];

    /// The word in forms.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Normal => "normal",
            Self::Fast => "fast",
        }
    }

    /// The speed of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }

    /// Real time between two events.
    pub fn pause(self) -> std::time::Duration {
        std::time::Duration::from_millis(match self {
            Self::Slow => 4_000,
            Self::Normal => 1_500,
            Self::Fast => 350,
        })
    }
}

/// What somebody in a seat does about a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Replies, with the quote as that program writes it.
    Reply {
        /// The mail program.
        client: Client,
        /// The words above (or below) the quote.
        text: String,
    },
    /// Sends the mail that a button in the mail opened.
    New {
        /// To.
        to: String,
        /// Subject, with the key at its end.
        subject: String,
        /// The text.
        text: String,
    },
    /// Presses a button of the calendar.
    Button {
        /// Which.
        answer: PartStat,
        /// What was written beside it.
        comment: Option<String>,
    },
    /// Proposes another time from the calendar.
    Propose {
        /// The new beginning.
        start: DateTime<Utc>,
        /// What was written beside it.
        comment: Option<String>,
    },
}

/// A command to the month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// On to whatever is due next.
    Next,
    /// On until a mail for a played seat comes.
    UntilMine,
    /// On to the beginning of the next session.
    Session,
    /// On until the digest is out, or to the month's end.
    Digest,
    /// On to the month's end.
    End,
    /// Plays by itself.
    Play(Speed),
    /// Stops playing.
    Pause,
    /// Takes a seat, or gives it back.
    Seat {
        /// Whose.
        who: MemberId,
        /// Taken, or given back.
        taken: bool,
    },
    /// Switches one habit of somebody's on or off.
    Habit {
        /// Whose.
        who: MemberId,
        /// Its position in their habits.
        which: usize,
        /// On, or off.
        on: bool,
    },
    /// Somebody answers a mail.
    Answer {
        /// Who.
        who: MemberId,
        /// The mail's number on the page.
        mail: usize,
        /// How.
        deed: Deed,
    },
}

impl Command {
    /// Moves the clock.
    pub fn moves(&self) -> bool {
        matches!(self, Self::Next | Self::UntilMine | Self::Session | Self::Digest | Self::End)
    }
}

/// What came of a command: the numbers of the mails that went or came, in order.
pub type Came = Result<Vec<usize>, Refused>;

/// Why a command was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such person or mail.
    #[error("there is no such person or mail")]
    Unknown,
    /// Nothing was written.
    #[error("there is nothing in it")]
    Empty,
    /// The calendar has no button there.
    #[error("{0}")]
    Calendar(String),
    /// The month stopped.
    #[error("the demo has stopped: {0}")]
    Stopped(String),
}

/// A command with the way back.
pub(super) struct Asked {
    pub command: Command,
    pub done: oneshot::Sender<Came>,
}

/// Hands commands to the month.
#[derive(Clone)]
pub(super) struct Desk(pub mpsc::Sender<Asked>);

impl Desk {
    /// Has a command done, and waits for what came of it.
    pub async fn ask(&self, command: Command) -> Came {
        let gone = || Refused::Stopped("its end".to_owned());
        let (done, came) = oneshot::channel();
        self.0.send(Asked { command, done }).await.map_err(|_| gone())?;
        came.await.map_err(|_| gone())?
    }
}

//! The closed list of labels a pattern of `words.toml` can carry.

use serde::Deserialize;

/// What a matched phrase says. Word lists name them in snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Label {
    /// A clear yes.
    Yes,
    /// A polite word that is a yes when nothing else is said ("ok", "parfait").
    Ok,
    /// "Noted": a yes only if nothing else is said, and then a probable one.
    Ack,
    /// A clear no.
    No,
    /// Perhaps, or "I'll tell you".
    Maybe,
    /// Comes, or starts, late.
    Late,
    /// Asks for another time.
    NewTime,
    /// Leaves early: still a yes.
    Early,
    /// Looks like something and is not ("pas de souci", "je viens de lire").
    Ignore,
    /// "pas", "not".
    Negation,
    /// "ne": half of a negation.
    Half,
    /// "si", "sauf", "unless".
    Condition,
    /// "mais", "but".
    But,
    /// "finalement", "actually": the last word counts.
    Change,
    /// An absence notice by a machine or as one.
    Auto,
    /// Words without weight.
    Filler,
    /// "Bonjour à tous".
    Greeting,
    /// "Bien à vous", "merci".
    Closing,
    /// Universal words.
    Help,
    /// No more mail; in a session its end.
    Stop,
    /// Take it back.
    Undo,
    /// Let a person answer.
    Person,
    /// Share everything.
    All,
    /// Share the title.
    Title,
    /// Share nothing.
    Nothing,
    /// Asks for a change of the text.
    Edit,
    /// Wishes to swap.
    Swap,
    /// Remind once more.
    Remind,
    /// Call for subjects.
    Open,
    /// Next step.
    Next,
    /// One step back.
    Back,
    /// More time.
    Extend,
    /// Less time.
    Shorten,
    /// The clock stands.
    Pause,
    /// The clock goes on.
    Resume,
    /// The end moves too.
    MoveEnd,
    /// Somebody is missing.
    Absent,
    /// A request is noted, or is one.
    Request,
    /// The digest may go.
    Approve,
    /// The digest's private parts stay.
    Withdraw,
    /// Every action.
    Everything,
    /// An action done.
    Done,
    /// Begun.
    Started,
    /// Held up.
    Stuck,
    /// Given up.
    Dropped,
    /// Not yet: nothing to record.
    NotYet,
    /// No content ("rien à ajouter", "je réfléchis").
    Empty,
    /// Only this one.
    Only,
    /// All but this one.
    Except,
    /// Those not named.
    Rest,
    /// Rather this one.
    Prefer,
    /// If it must be.
    IfNeeded,
    /// "Sinon": what follows comes second.
    Otherwise,
    /// Agrees to a charter.
    Agree,
    /// Does not.
    Refuse,
    /// The session is kept.
    Keep,
    /// It moves.
    Move,
    /// Its short form.
    Short,
    /// It is cancelled.
    Cancel,
    /// Somebody's turn is passed.
    Pass,
}

impl Label {
    /// Of two phrases of one length: what only looks like something, then what is told apart, then yes
    /// and no, then marks.
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::IfNeeded | Self::Rest | Self::Person => 0,
            Self::Ignore | Self::Empty => 1,
            Self::Yes | Self::No | Self::Ok | Self::Ack => 3,
            Self::Help | Self::Stop | Self::Undo => 4,
            Self::Negation | Self::Half | Self::Condition | Self::But | Self::Change => 5,
            Self::Greeting | Self::Closing | Self::Filler => 6,
            _ => 2,
        }
    }
}

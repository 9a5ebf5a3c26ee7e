//! What can happen to a group: time has come, somebody answered, an order was given, a mail's fate is known.

use crate::core::challenge::Deed;
use crate::core::draft::{DraftKey, Facts, InReplyTo, Question};
use crate::core::ids::{Email, MeetingNo, MemberId, Uid};
use crate::core::meeting::{Attendance, Progress, Sharing, Subject};
use crate::core::proof::Level;
use crate::core::reach::Trouble;
use crate::core::refusal::Refusal;
use crate::core::route::Weight;
use crate::core::spec::GroupSpec;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a mail program sends for us when its "unsubscribe" is pressed: no more mail, in a session too,
/// where the word "stop" alone ends the session.
pub const UNSUBSCRIBE: &str = "unsubscribe";

/// When it happens, with what the core can't make itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The time.
    pub now: DateTime<Utc>,
    /// Fresh unguessable letters, new for each decision: UIDs of meetings planned by it are made of them.
    pub fresh: String,
}

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Something on the agenda has become due.
    Due,
    /// A person's mail, read and linked.
    Answer(Answer),
    /// A calendar answer, read by `ical::itip`.
    Calendar(CalendarAnswer),
    /// A calendar message that is more, or less, than an answer.
    Asked(CalendarAsk),
    /// A mail in a member's name that nothing proves, or whose sender's domain denies it.
    Unproven(Unproven),
    /// "No, it was not me": what waited does nothing, now and later.
    Disowned {
        /// Who says so.
        from: MemberId,
        /// The mail that asked.
        challenge: DraftKey,
    },
    /// "Yes, it was me": what waited does what it says, once.
    Confirmed {
        /// Who says so.
        from: MemberId,
        /// The mail that asked.
        challenge: DraftKey,
        /// What waited, in the order it came: answers, buttons and questions of calendars.
        what: Vec<Event>,
    },
    /// An order from the command line.
    Order(Order),
    /// An automatic reply: information, never an answer.
    Away {
        /// From whom.
        from: MemberId,
        /// The last day away, if it says so.
        until: Option<NaiveDate>,
    },
    /// The member's mail host passed on that they call our mail unwanted: as `stop`, without an answer.
    Complaint {
        /// From whom.
        from: MemberId,
    },
    /// The member's address stopped all mail in another group, or to another group's file it had never wanted any.
    StoppedElsewhere {
        /// Who.
        from: MemberId,
    },
    /// The member's address takes mail again, as they said in another group.
    BackElsewhere {
        /// Who.
        from: MemberId,
    },
    /// What became of a mail for good.
    Outcome {
        /// The mail.
        key: DraftKey,
        /// Its fate.
        outcome: Outcome,
        /// The address it went to, as far as it is known.
        to: Option<Email>,
    },
}

/// A member's words in reply to one of our mails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Who wrote it (token and address fit).
    pub from: MemberId,
    /// The mail it answers.
    pub to: DraftKey,
    /// When that mail was decided: an answer to what was asked before a move is for the old time.
    pub asked: DateTime<Utc>,
    /// What that mail said beyond the group's state: a proposal that is now decided on.
    #[serde(default)]
    pub about: Facts,
    /// The question that mail left open.
    pub question: Option<Question>,
    /// When it reached us.
    pub at: DateTime<Utc>,
    /// The reply without quote and signature, word for word.
    pub text: String,
    /// What was understood.
    pub meaning: Meaning,
    /// How sure that is.
    pub certainty: Certainty,
    /// The mail itself, for receipts to thread.
    pub mail: InReplyTo,
    /// It carried attachments, or was encrypted: the sender is told that they can't be used.
    pub unreadable_parts: bool,
    /// It went to others too: a private word may have come here by accident (`decisions.md` 17), and is passed on to
    /// nobody.
    #[serde(default)]
    pub to_others: bool,
}

/// What would be an answer if its sender were sure (`inbound.md` §4 rule 6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unproven {
    /// In whose name it came.
    pub from: MemberId,
    /// The mail it would answer.
    pub to: DraftKey,
    /// Its number in the inbox, where it waits.
    pub inbox: i64,
    /// What it would do.
    pub deed: Deed,
    /// How far that reaches.
    pub weight: Weight,
    /// What proves its sender.
    pub level: Level,
    /// An address that nobody has, and that may be the member's too.
    pub address: Option<Email>,
}

/// How sure an understanding is (`inbound.md` §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// Act.
    Sure,
    /// Act if it can be taken back, and ask "did I read you right?".
    Probable,
    /// Do nothing.
    None,
}

/// What an answer means, in the closed set of its question. `Understood` in the words room makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "meaning", rename_all = "snake_case")]
pub enum Meaning {
    /// Comes; yes; agrees.
    Yes,
    /// Does not come; no.
    No,
    /// Perhaps.
    Maybe,
    /// Comes late (attendance), or starts the session late (live).
    Late {
        /// By how many minutes, if said.
        minutes: Option<u32>,
    },
    /// Asks for another time.
    NewTime,
    /// Shares: the whole subject.
    ShareAll,
    /// Shares its title.
    ShareTitle,
    /// Shares nothing.
    ShareNothing,
    /// Corrects or completes: the text is the correction.
    Correction,
    /// Wishes to swap the turn, with this person if named.
    Swap {
        /// The name as written.
        name: Option<String>,
    },
    /// Remind the requester once more (M07).
    Remind,
    /// Open a call for subjects (M07).
    Open,
    /// Next step.
    Next,
    /// One step back.
    Back,
    /// More time for this step.
    Extend {
        /// Minutes, five if not said.
        minutes: u32,
        /// The end of the session moves by as much.
        move_end: bool,
    },
    /// Less time for this step.
    Shorten {
        /// Minutes.
        minutes: u32,
    },
    /// The clock stands still.
    Pause,
    /// The clock goes on.
    Resume {
        /// The end of the session moves by the length of the pause.
        move_end: bool,
    },
    /// End of the session; elsewhere: no more mail.
    Stop,
    /// Somebody is not there.
    Absent {
        /// The name as written.
        name: String,
    },
    /// The request, noted by whoever writes.
    Request {
        /// The sentence to quote.
        text: String,
    },
    /// The digest may go.
    Approve,
    /// Plan and request stay with the requester.
    Withdraw,
    /// How actions are going; in the order they were asked, `None` for those not spoken of.
    Progress {
        /// One each.
        actions: Vec<Option<Progress>>,
    },
    /// Free text, with the actions recognised in it.
    Plan {
        /// A line each.
        lines: Vec<PlanLine>,
    },
    /// Free text of no set meaning: subject, contribution, learning, note.
    Text {
        /// The author wants no name beside it.
        anonymous: bool,
    },
    /// Which of the dates offered suit; the key is the date's number from 1.
    Answers {
        /// Those stated or plainly implied.
        choices: std::collections::BTreeMap<u32, Suits>,
    },
    /// None of the dates offered.
    NoneWorks,
    /// One of the options listed.
    Choice {
        /// Its number, from 1.
        n: u32,
    },
    /// Any of the options.
    NoPreference,
    /// Agrees with the charter.
    Agree,
    /// Does not.
    Refuse,
    /// Asks something about it.
    Asked,
    /// The session is kept in spite of few people.
    Keep,
    /// It moves.
    Move,
    /// It is held in its short form.
    Short,
    /// It is cancelled.
    Cancel,
    /// This person's turn is passed.
    Pass {
        /// The name as written.
        name: String,
    },
    /// How does this work?
    Help,
    /// Take the last thing back.
    Undo,
    /// Let a person answer.
    Person,
    /// Nothing understood.
    None,
}

/// How a date suits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suits {
    /// Well.
    Yes,
    /// Not at all.
    No,
    /// If it must be.
    IfNeeded,
}

/// A line of the action plan as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanLine {
    /// Word for word, without bullet and without the sharing word.
    pub text: String,
    /// By when.
    pub due: Option<NaiveDate>,
    /// The group may read it.
    pub shared: bool,
}

/// A calendar answer that `ical::itip` let through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarAnswer {
    /// Who answered.
    pub from: MemberId,
    /// For which event.
    pub uid: Uid,
    /// The answer, its SEQUENCE and DTSTAMP, its comment.
    pub attendance: Attendance,
    /// For the time before a move: kept out, and told once.
    pub old_time: bool,
    /// Proven, or token and address fit: the latter gets a receipt with undo.
    pub proven: bool,
    /// The mail itself.
    pub mail: InReplyTo,
}

/// A calendar message about one of our events that asks for something (RFC 5546 §3.2.6, §3.2.7), or
/// that comes from somebody who was not invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarAsk {
    /// About which event.
    pub uid: Uid,
    /// The mail itself.
    pub mail: InReplyTo,
    /// Its sender is proven: else the answer that came with it is told back, with undo.
    #[serde(default)]
    pub proven: bool,
    /// What is asked.
    pub ask: Ask,
}

/// What a calendar message asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// COUNTER: another time.
    Counter {
        /// Who proposes.
        from: MemberId,
        /// The time proposed.
        start: DateTime<Utc>,
        /// The answer to the time as it stands that came with it.
        attendance: Option<Attendance>,
        /// What was written beside it.
        text: Option<String>,
    },
    /// REFRESH: the event as it stands.
    Refresh {
        /// Who asks.
        from: MemberId,
    },
    /// Neither yes nor no, but words beside it.
    Said {
        /// Who.
        from: MemberId,
        /// The words.
        text: String,
    },
    /// Another time, proposed from the event of before a move, with neither yes nor no: they have not seen the move.
    OldTime {
        /// Who.
        from: MemberId,
        /// What was written beside it.
        text: Option<String>,
    },
    /// DELEGATED: somebody else should come instead. Nobody is added; a person decides.
    Delegated {
        /// Who does not come.
        from: MemberId,
        /// The addresses named instead.
        to: Vec<String>,
        /// That they do not come, and the words beside it.
        attendance: Attendance,
    },
    /// Another time that is none (a whole day, a series): not applied, and nothing is guessed.
    NoTime {
        /// Who proposes.
        from: MemberId,
        /// What it is instead, for the operator.
        why: String,
        /// What was written beside it.
        text: Option<String>,
    },
    /// A time in a zone that nobody knows: not applied, and nothing is guessed.
    UnknownZone {
        /// Who answered.
        from: MemberId,
        /// The zone's name, as their calendar gives it.
        zone: String,
        /// Why it is needed, for the operator.
        why: String,
        /// What was written beside it.
        #[serde(default)]
        text: Option<String>,
    },
    /// Somebody who was not invited answered: the invitation was forwarded.
    Forwarded {
        /// Their address.
        who: String,
    },
}

/// An order of the operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// The group file as it should run.
    Apply {
        /// The file.
        spec: Box<GroupSpec>,
        /// Start writing to everybody.
        live: bool,
    },
    /// From now on mails go to everybody.
    GoLive,
    /// Another time, in the group's zone.
    Move {
        /// Which meeting.
        meeting: MeetingNo,
        /// The new hour.
        to: NaiveDateTime,
    },
    /// Not at all.
    Cancel {
        /// Which meeting.
        meeting: MeetingNo,
    },
    /// Another requester.
    Swap {
        /// Which meeting.
        meeting: MeetingNo,
        /// Who.
        with: String,
    },
}

/// What became of a mail for good (`decisions.md` 10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The server refused it for good, or a bounce came back.
    Refused {
        /// The server's words.
        why: String,
        /// What it comes to, where the point at which it was refused says more than the words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trouble: Option<Trouble>,
    },
    /// A report on its delivery came in, and names it.
    Bounced {
        /// What the report says of it.
        trouble: Trouble,
        /// The status or the words.
        why: String,
    },
    /// It could not be sent while it was useful.
    Expired,
    /// The connection was lost between the final dot and the answer.
    InDoubt,
}

/// What a receipt says was understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "receipt", rename_all = "snake_case")]
pub enum Receipt {
    /// An answer to the invitation.
    Attendance {
        /// The answer.
        answer: crate::core::meeting::Attending,
        /// Late by so many minutes.
        late: Option<u32>,
        /// It was only probable: "did I read you right?".
        asks: bool,
    },
    /// What the requester lets the group read.
    Sharing {
        /// As much.
        sharing: Sharing,
    },
    /// The wish to swap went to the facilitator.
    SwapAsked,
    /// The facilitator's order was done.
    Ordered {
        /// Which: `remind`, `swap`, `open`, `move`, `cancel`.
        order: String,
        /// With whom.
        name: Option<String>,
    },
    /// A text was kept.
    Kept {
        /// As what.
        section: crate::core::meeting::Section,
        /// The text, read back.
        text: String,
        /// Without the name.
        anonymous: bool,
    },
    /// The action plan was read.
    Plan {
        /// The lines as recognised.
        lines: Vec<PlanLine>,
    },
    /// How the actions go.
    Progress {
        /// Text and state each.
        lines: Vec<(String, Option<Progress>)>,
    },
    /// The digest goes out now; or without plan and request.
    Review {
        /// `approved` or `withdrawn`.
        verdict: String,
    },
    /// The last thing was taken back.
    Undone,
    /// No more mail goes to this address.
    Stopped,
    /// A person will answer.
    PersonAsked,
    /// The facilitator decides on the time that the member's calendar proposed.
    Proposed {
        /// The answer to the time as it stands that came with it.
        answer: Option<crate::core::meeting::Attending>,
    },
    /// How it works: the choices that are open.
    Help {
        /// The open question.
        question: Option<Question>,
    },
    /// The automatic reply was wrong: not counted absent; will they come?
    NotAway,
    /// The member's calendar names somebody else: they do not come, and nobody was added.
    Delegated,
    /// The answer was for the hour before the move.
    OldTime,
    /// The live clock was changed.
    Clock {
        /// Which: `next`, `extend`, `shorten`, `pause`, `resume`, `stop`, `late`, `back`, `absent`, `request`.
        order: String,
        /// Minutes, where there are any.
        minutes: Option<u32>,
    },
}

/// What takes a change back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "inverse", rename_all = "snake_case")]
pub enum Inverse {
    /// The answer before.
    Attendance {
        /// `None` where there was none.
        before: Option<Attendance>,
    },
    /// The subject before.
    Subject {
        /// `None` where there was none.
        before: Option<Subject>,
    },
    /// What might be shared before.
    Sharing {
        /// `None` where nothing was said.
        before: Option<Sharing>,
    },
    /// The text is withdrawn.
    Word {
        /// Its number.
        id: u32,
    },
    /// The plan's lines before.
    Plan {
        /// The lines.
        before: Vec<crate::core::meeting::Action>,
        /// The text that brought the new ones.
        word: u32,
    },
    /// The digest's way before.
    Digest {
        /// As it was.
        before: crate::core::meeting::DigestState,
    },
    /// Mail goes out again.
    Unpause,
    /// The requester before.
    Requester {
        /// Who.
        member: MemberId,
    },
}

/// What `decide` says when something asked for is not done.
pub type Decided = Result<crate::core::group::Change, Refusal>;

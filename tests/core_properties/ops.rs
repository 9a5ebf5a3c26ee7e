//! What chance may do to a group, as plain data that shrinks well.

use codevd::core::event::{Certainty, PlanLine};
use codevd::core::{Attending, Meaning, Outcome};
use proptest::prelude::*;

/// One thing that happens. Numbers pick among what there is, modulo how many there are.
#[derive(Debug, Clone)]
pub enum Op {
    /// Time passes to the next thing due, and so many seconds more.
    Next(u32),
    /// Time passes, and what is due is done.
    Wait(u32),
    /// Time passes and nobody looks: what follows comes before what is due.
    Sleep(u32),
    /// A member answers one of the newest mails (0 is the last), or any earlier one.
    Answer { newest: bool, mail: usize, meaning: Meaning, sure: Certainty, text: bool, attached: bool },
    /// A calendar button.
    Button { member: usize, meeting: usize, answer: Attending, proven: bool, comment: bool },
    /// A calendar asks: another time, the state, or for somebody who was not invited.
    Ask { member: usize, meeting: usize, what: u8, hours: i64 },
    /// The operator moves a meeting by so many hours.
    Move { meeting: usize, hours: i64 },
    /// The operator cancels one.
    Cancel { meeting: usize },
    /// The operator gives the seat to somebody.
    Swap { meeting: usize, member: usize },
    /// The operator applies a changed file.
    Apply(Edit),
    /// What became of a mail.
    Fate { newest: bool, mail: usize, outcome: Outcome },
}

/// What is changed in the file.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Somebody joins or leaves.
    Toggle(usize),
    /// Somebody has another address.
    Address(usize),
    /// Another place.
    Place,
    /// Another facilitator.
    Facilitator(usize),
    /// The facilitator speaks in the circle, or no more.
    InCircle,
}

fn meaning() -> impl Strategy<Value = Meaning> {
    let line = |text: &str, shared| PlanLine { text: text.to_owned(), due: None, shared };
    let plan = vec![line("appeler Paul", true), line("relire la note", false)];
    let progress = vec![Some(codevd::core::meeting::Progress::Done), None];
    let fixed = vec![
        Meaning::Yes,
        Meaning::No,
        Meaning::Maybe,
        Meaning::NewTime,
        Meaning::ShareAll,
        Meaning::ShareTitle,
        Meaning::ShareNothing,
        Meaning::Correction,
        Meaning::Swap { name: None },
        Meaning::Swap { name: Some("bo".to_owned()) },
        Meaning::Swap { name: Some("Dimitri".to_owned()) },
        Meaning::Remind,
        Meaning::Open,
        Meaning::Request { text: "Aidez-moi à dire non".to_owned() },
        Meaning::Approve,
        Meaning::Withdraw,
        Meaning::Progress { actions: progress },
        Meaning::Plan { lines: plan },
        Meaning::Text { anonymous: false },
        Meaning::Text { anonymous: true },
        Meaning::Help,
        Meaning::Undo,
        Meaning::Undo,
        Meaning::Person,
        Meaning::None,
    ];
    prop_oneof![
        12 => proptest::sample::select(fixed),
        4 => clock(),
        1 => Just(Meaning::Stop),
    ]
}

/// The facilitator's words to the running clock.
pub fn clock() -> impl Strategy<Value = Meaning> {
    let names = vec!["ana", "Bo", "chloe", "nobody"];
    prop_oneof![
        3 => Just(Meaning::Next),
        1 => Just(Meaning::Back),
        3 => (0u32..20, any::<bool>()).prop_map(|(minutes, move_end)| Meaning::Extend { minutes, move_end }),
        1 => (0u32..20).prop_map(|minutes| Meaning::Shorten { minutes }),
        2 => Just(Meaning::Pause),
        2 => any::<bool>().prop_map(|move_end| Meaning::Resume { move_end }),
        1 => proptest::option::of(0u32..30).prop_map(|minutes| Meaning::Late { minutes }),
        1 => proptest::sample::select(names).prop_map(|name| Meaning::Absent { name: name.to_owned() }),
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => (0usize..20).prop_map(Edit::Toggle),
        1 => (0usize..20).prop_map(Edit::Address),
        1 => Just(Edit::Place),
        1 => (0usize..20).prop_map(Edit::Facilitator),
        1 => Just(Edit::InCircle),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let why = "550 no such user".to_owned();
    proptest::sample::select(vec![Outcome::Refused { why, trouble: None }, Outcome::Expired, Outcome::InDoubt])
}

fn answer() -> impl Strategy<Value = Op> {
    let sure = proptest::sample::select(vec![Certainty::Sure, Certainty::Probable, Certainty::None]);
    (proptest::bool::weighted(0.7), any::<usize>(), meaning(), sure, proptest::bool::weighted(0.9), any::<bool>())
        .prop_map(|(newest, mail, meaning, sure, text, attached)| Op::Answer {
            newest,
            mail,
            meaning,
            sure,
            text,
            attached: attached && !newest,
        })
}

fn op() -> impl Strategy<Value = Op> {
    let attending = proptest::sample::select(vec![Attending::Yes, Attending::No, Attending::Maybe]);
    let button = (any::<usize>(), any::<usize>(), attending, any::<bool>(), any::<bool>())
        .prop_map(|(member, meeting, answer, proven, comment)| Op::Button { member, meeting, answer, proven, comment });
    let fate = (any::<bool>(), any::<usize>(), outcome());
    prop_oneof![
        20 => prop_oneof![3 => Just(0u32), 1 => 0u32..200].prop_map(Op::Next),
        2 => (0u32..900).prop_map(Op::Wait),
        3 => (0u32..10 * 86_400).prop_map(Op::Wait),
        1 => (0u32..7200).prop_map(Op::Sleep),
        1 => (0u32..20 * 86_400).prop_map(Op::Sleep),
        20 => answer(),
        5 => button,
        4 => (any::<usize>(), any::<usize>(), any::<u8>(), -400i64..400)
            .prop_map(|(member, meeting, what, hours)| Op::Ask { member, meeting, what, hours }),
        2 => (any::<usize>(), -400i64..400).prop_map(|(meeting, hours)| Op::Move { meeting, hours }),
        1 => any::<usize>().prop_map(|meeting| Op::Cancel { meeting }),
        2 => (any::<usize>(), any::<usize>()).prop_map(|(meeting, member)| Op::Swap { meeting, member }),
        3 => edit().prop_map(Op::Apply),
        5 => fate.prop_map(|(newest, mail, outcome)| Op::Fate { newest, mail, outcome }),
    ]
}

/// Up to so many things, one after the other.
pub fn history(most: usize) -> impl Strategy<Value = Vec<Op>> {
    proptest::collection::vec(op(), most / 2..=most)
}

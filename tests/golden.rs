//! Every mail there is, in every language and part, as text to be read and reviewed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod sample;

use chrono::{DateTime, Utc};
use codevd::core::draft::{InReplyTo, Notice};
use codevd::core::event::Receipt;
use codevd::core::meeting::Sharing;
use codevd::core::{
    Attending, Draft, DraftKey, Facts, Group, Kind, Lane, MeetingNo, MemberId, Question, Refusal, Role, Stage, WhenLate,
};
use codevd::render::{Post, Rendered, Renderer};

/// One mail of the collection.
struct Case {
    name: String,
    group: Group,
    draft: Draft,
}

fn post() -> Post {
    Post {
        sender_name: "Codev Lyon".to_owned(),
        sender_address: "codev@example.org".to_owned(),
        reference: "7K3F92QDJX4M0ZT8".to_owned(),
        tag: "k7f3-92qd".to_owned(),
        reply_to: "codev+7k3f92qd@example.org".to_owned(),
    }
}

fn now() -> DateTime<Utc> {
    sample::at(2026, 12, 1, 8, 0)
}

/// The state of the December session that fits the mail.
fn group_for(kind: Kind) -> Group {
    let meeting = match kind {
        Kind::StepPrompt => sample::running(),
        Kind::ActionPlanRequest | Kind::LearningsRequest | Kind::LastCall => sample::collected(),
        Kind::DigestReview | Kind::Digest | Kind::DigestCorrection | Kind::FollowUp => sample::collected(),
        Kind::SubjectRequest | Kind::SubjectReminder | Kind::SubjectLastReminder | Kind::NoSubject => {
            let mut meeting = sample::ahead();
            meeting.subject = None;
            meeting
        }
        Kind::SubjectReceipt => {
            let mut meeting = sample::ahead();
            meeting.subject.as_mut().unwrap().sharing = None;
            meeting
        }
        _ => sample::ahead(),
    };
    let mut group = sample::group_with(meeting);
    if matches!(kind, Kind::Digest | Kind::DigestCorrection | Kind::FollowUp) {
        group.meeting_mut(sample::AHEAD).unwrap().stage = Stage::Digested;
    }
    group
}

fn question(kind: Kind) -> Option<Question> {
    Some(match kind {
        Kind::Invitation | Kind::Moved | Kind::AttendanceCheck | Kind::WarmUp | Kind::DayOf => Question::Attendance,
        Kind::SubjectRequest | Kind::SubjectReminder | Kind::SubjectLastReminder => Question::Subject,
        Kind::NoSubject => Question::NoSubject,
        Kind::CallForSubjects => Question::Volunteer,
        Kind::SubjectReceipt => Question::Share,
        Kind::ActionPlanRequest => Question::ActionPlan,
        Kind::LearningsRequest => Question::Learning,
        Kind::LastCall => Question::LastCall,
        Kind::DigestReview => Question::Review,
        Kind::FollowUp | Kind::PlanReprint => Question::Progress,
        Kind::StepPrompt => Question::Note,
        _ => return None,
    })
}

/// Who gets it, in which part.
fn readers(kind: Kind) -> Vec<(&'static str, Role)> {
    let (requester, facilitator) = (("ana", Role::Requester), ("marie", Role::Facilitator));
    let (cooperant, previous) = (("bo", Role::Cooperant), ("dimitri", Role::PreviousRequester));
    match kind {
        Kind::SubjectRequest | Kind::SubjectReminder | Kind::SubjectLastReminder | Kind::SubjectReceipt => {
            vec![requester]
        }
        Kind::ActionPlanRequest | Kind::DigestReview | Kind::FollowUp => vec![requester],
        Kind::Standby | Kind::CallForSubjects => vec![cooperant],
        Kind::NoSubject | Kind::AttendanceCount | Kind::Notice => vec![facilitator],
        Kind::PlanReprint => vec![previous],
        Kind::SubjectShared => vec![cooperant, facilitator],
        Kind::WarmUp => vec![requester, cooperant, previous, facilitator],
        Kind::LastCall | Kind::LearningsRequest => vec![requester, cooperant],
        _ => vec![requester, cooperant, facilitator],
    }
}

/// The facts a mail may come with.
fn facts(kind: Kind) -> Vec<(&'static str, Facts)> {
    match kind {
        Kind::Invitation => vec![("", Facts::None), ("first", Facts::FirstMail)],
        Kind::Moved => vec![("time", Facts::Moved { from: sample::wall(2026, 12, 1, 17, 30) }), ("place", Facts::None)],
        Kind::Cancelled => vec![("", Facts::None), ("taken_off", Facts::TakenOff)],
        Kind::StepPrompt => vec![("", Facts::None), ("resumed", Facts::Resumed)],
        Kind::NoSubject => ["silent", "declined", "swap"]
            .into_iter()
            .map(|why| (why, Facts::NoSubject { why: why.to_owned(), reminders: 2 }))
            .collect(),
        Kind::Receipt => receipts(),
        Kind::Refusal => vec![("not_understood", refused(Refusal::NotUnderstood)), ("over", refused(Refusal::Over))],
        Kind::Notice => notices(),
        _ => vec![("", Facts::None)],
    }
}

fn refused(refusal: Refusal) -> Facts {
    Facts::Refused { refusal, question: Some(Question::Attendance), words: Some("bof, on verra".to_owned()) }
}

fn receipts() -> Vec<(&'static str, Facts)> {
    vec![
        ("attendance", Facts::Receipt(Receipt::Attendance { answer: Attending::Yes, late: Some(10), asks: false })),
        ("sharing", Facts::Receipt(Receipt::Sharing { sharing: Sharing::TitleOnly })),
        ("undone", Facts::Receipt(Receipt::Undone)),
        ("stopped", Facts::Receipt(Receipt::Stopped)),
    ]
}

fn notices() -> Vec<(&'static str, Facts)> {
    let member = || sample::id("farid");
    vec![
        ("stopped", Facts::Notice(Notice::Stopped { member: member() })),
        ("silent", Facts::Notice(Notice::Silent { member: member() })),
        ("stranger", Facts::Notice(Notice::Stranger)),
    ]
}

fn steps(kind: Kind, group: &Group) -> Vec<Option<u32>> {
    if kind != Kind::StepPrompt {
        return vec![None];
    }
    let sheet = group.sheet(group.meeting(sample::AHEAD).unwrap());
    (0..u32::try_from(sheet.len()).unwrap()).map(Some).collect()
}

fn draft(kind: Kind, step: Option<u32>, member: MemberId, role: Role, facts: Facts) -> Draft {
    let group = "lyon".parse().unwrap();
    let meeting: Option<MeetingNo> = (kind != Kind::Welcome).then_some(sample::AHEAD);
    let answers = kind.is_answer().then(|| InReplyTo {
        message_id: "abc@mail.example.org".to_owned(),
        subject: "Re: [Codev Lyon] Séance du 8 décembre : venez-vous ?".to_owned(),
    });
    Draft {
        key: DraftKey { group, meeting, kind, step, member, revision: 0 },
        role,
        lane: Lane(format!("{}/2", kind.name())),
        due: now(),
        useful_until: now(),
        when_late: WhenLate::Send,
        urgent: kind == Kind::StepPrompt,
        question: question(kind),
        facts,
        answers,
    }
}

/// All kinds, in both languages and both ways of address, for all parts and facts.
fn cases(kind: Kind) -> Vec<Case> {
    let mut all = Vec::new();
    for (language, informal) in [("fr", false), ("fr-tu", true), ("en", false)] {
        let mut group = group_for(kind);
        group.spec.settings.informal = informal;
        for member in &mut group.members {
            member.language = language[..2].parse().unwrap();
        }
        for (who, role) in readers(kind) {
            for (variant, facts) in facts(kind) {
                for step in steps(kind, &group) {
                    let place = step.map_or(String::new(), |n| format!("-{n:02}"));
                    let variant = if variant.is_empty() { String::new() } else { format!("-{variant}") };
                    all.push(Case {
                        name: format!("{}{place}{variant}.{}.{language}", kind.name(), role.name()),
                        group: group.clone(),
                        draft: draft(kind, step, sample::id(who), role, facts.clone()),
                    });
                }
            }
        }
    }
    all
}

fn render(renderer: &Renderer, case: &Case) -> Rendered {
    renderer.mail(&case.group, &case.draft, &post(), now()).unwrap_or_else(|e| panic!("{}: {e}", case.name))
}

/// With CODEVD_MAILS set to a folder, all mails are written there to be looked at in a browser.
#[test]
fn mails_can_be_looked_at() {
    let Ok(folder) = std::env::var("CODEVD_MAILS") else { return };
    let renderer = Renderer::embedded().unwrap_or_else(|e| panic!("{e}"));
    for kind in Kind::ALL {
        for case in cases(*kind) {
            let Ok(mail) =
                renderer.mail(&case.group, &case.draft, &post(), now()).map_err(|e| eprintln!("{}: {e}", case.name))
            else {
                continue;
            };
            let path = std::path::Path::new(&folder).join(&case.name);
            std::fs::write(
                path.with_extension(format!("{}.txt", case.name.rsplit('.').next().unwrap())),
                format!("Subject: {}\n\n{}", mail.subject, mail.text),
            )
            .unwrap();
            std::fs::write(format!("{}.html", path.display()), &mail.html).unwrap();
        }
    }
}

//! A group with every field filled, and mails to send, for the tests of the store.

use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use codevd::core::challenge::{Challenge, Waiting};
use codevd::core::draft::Notice;
use codevd::core::event::{Inverse, Receipt};
use codevd::core::format::{Collects, Format, FormatStep, Speaker, StepKey, Turns};
use codevd::core::group::{Sent, SentKey, Turn, Undo};
use codevd::core::meeting::{Action, DigestState, Progress, Section, Sharing};
use codevd::core::proof::Level;
use codevd::core::route::Weight;
use codevd::core::spec::{Settings, Skip};
use codevd::core::*;
use codevd::store::{Commit, GroupCommit, NewMail, Store};
use std::collections::BTreeMap;
use std::sync::Arc;

pub fn at(text: &str) -> DateTime<Utc> {
    format!("{text}:00Z").parse().unwrap()
}
pub fn hour(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}
pub fn id(text: &str) -> MemberId {
    text.parse().unwrap()
}
pub fn lyon() -> GroupId {
    "lyon".parse().unwrap()
}
pub fn now() -> DateTime<Utc> {
    at("2026-12-01T09:00")
}

pub fn formats() -> Formats {
    let step =
        |key, seconds| FormatStep { key, seconds, speaker: Speaker::All, order: Turns::Turn, collects: Collects::None };
    let format = Format {
        id: "1h30".parse().unwrap(),
        title: BTreeMap::from([("fr".to_owned(), "1 h 30".to_owned())]),
        caution: BTreeMap::new(),
        people: (5, 6, 8),
        steps: vec![step(StepKey::Opening, 600), step(StepKey::Presentation, 900)],
    };
    Arc::new(BTreeMap::from([(format.id.clone(), format)]))
}

pub fn open() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("codevd.db")).unwrap();
    (dir, store)
}

fn member(name: &str, position: u32) -> Member {
    Member {
        id: id(name),
        name: format!("{} Lopes", name.to_uppercase()),
        email: format!("{name}@example.org").parse().unwrap(),
        aliases: Vec::new(),
        delegates: Vec::new(),
        language: Language::french(),
        zone: chrono_tz::Europe::Paris,
        circle: true,
        facilitates: (position == 0).then_some(0),
        joined: at("2026-09-01T10:00"),
        left: None,
        paused: None,
        unreachable: None,
        reach: codevd::core::reach::Reach::default(),
    }
}

fn spec(group: &GroupId, members: &[Member]) -> GroupSpec {
    let person = |m: &Member| MemberSpec {
        id: m.id.clone(),
        name: m.name.clone(),
        email: m.email.clone(),
        aliases: m.aliases.clone(),
        delegates: m.delegates.clone(),
        language: m.language.clone(),
        zone: m.zone,
        reports_to: Some("Somebody Else".to_owned()),
    };
    GroupSpec {
        id: group.clone(),
        name: "Codev cadres Lyon".to_owned(),
        host: Some("L'Atelier".to_owned()),
        language: Language::french(),
        zone: chrono_tz::Europe::Paris,
        schedule: "second tuesday 18:00".parse().unwrap(),
        skip: vec![Skip { from: "2027-08-01".parse().unwrap(), to: "2027-08-31".parse().unwrap() }],
        format: "1h30".parse().unwrap(),
        place: Some("https://example.org/room".to_owned()),
        phone: Some("+33 1 23 45 67 89".to_owned()),
        members: members.iter().map(person).collect(),
        facilitators: vec![id("ana")],
        facilitators_in_circle: true,
        size_override: false,
        starts: Some("2026-10-01".parse().unwrap()),
        settings: Settings { informal: true, reminder_days: (13, 9), ..Settings::default() },
    }
}

pub fn meeting(group: &GroupId, number: u32, wall: &str, stage: Stage) -> Meeting {
    Meeting {
        number: MeetingNo(number),
        uid: format!("{group}-{number}@codevd.example.org").parse().unwrap(),
        slot: hour(wall),
        wall: hour(wall),
        announced: Some(at("2026-11-10T17:00")),
        told_before: Some(at("2026-11-10T18:00")),
        format: "1h30".parse().unwrap(),
        place: None,
        sequence: 0,
        time_sequence: 0,
        created: at("2026-09-01T10:00"),
        changed: at("2026-09-01T10:00"),
        stage,
        requester: id("bob"),
        backup: None,
        facilitator: id("ana"),
        attendance: BTreeMap::new(),
        subject: None,
        run: None,
        ended: None,
        words: Vec::new(),
        actions: Vec::new(),
        digest: DigestState::default(),
        led: None,
    }
}

fn full_meeting(group: &GroupId) -> Meeting {
    let mut m = meeting(group, 2, "2026-11-10 18:00", Stage::Collecting);
    let answer = |answer, comment: Option<&str>| Attendance {
        answer,
        sequence: 1,
        stamp: at("2026-11-01T08:00"),
        comment: comment.map(str::to_owned),
    };
    m.wall = hour("2026-11-10 19:30");
    (m.place, m.sequence, m.time_sequence) = (Some("salle 4".to_owned()), 3, 1);
    (m.backup, m.subject) = (
        Some(id("eve")),
        Some(Subject {
            text: "Problème : \"mon\" équipe\nne dit rien 🙈".to_owned(),
            sharing: Some(Sharing::TitleOnly),
            at: at("2026-10-30T07:00"),
        }),
    );
    m.attendance = BTreeMap::from([
        (id("ana"), answer(Attending::Yes, None)),
        (id("bob"), answer(Attending::No, Some("en congé"))),
        (id("eve"), answer(Attending::Maybe, Some(""))),
    ]);
    let step = |key, start: &str, end: &str, skipped| RunStep {
        key,
        speaker: Speaker::Cooperants,
        order: Turns::Free,
        collects: Collects::Contribution,
        start: at(start),
        end: at(end),
        skipped,
    };
    m.run = Some(Run {
        steps: vec![
            step(StepKey::Opening, "2026-11-10T18:30", "2026-11-10T18:40", true),
            step(StepKey::FollowUp, "2026-11-10T18:40", "2026-11-10T18:55", false),
        ],
        announced_end: at("2026-11-10T20:00"),
        paused: Some(at("2026-11-10T18:50")),
        stopped: Some(at("2026-11-10T19:59")),
    });
    m.ended = Some(at("2026-11-10T20:01"));
    m.words = Section::ALL_FOR_TESTS
        .iter()
        .enumerate()
        .map(|(i, section)| Word {
            id: u32::try_from(i).unwrap() + 1,
            by: id("cid"),
            section: *section,
            at: at("2026-11-10T19:00"),
            text: format!("line one\nline '{i}'"),
            anonymous: i % 2 == 0,
            withdrawn: i % 3 == 0,
        })
        .collect();
    m.actions = vec![action(1, Some(Progress::Stuck)), action(2, None)];
    let when = |t| Some(at(t));
    m.digest = DigestState {
        review_sent: when("2026-11-13T20:00"),
        approved: when("2026-11-13T21:00"),
        withdrawn: true,
        sent: when("2026-11-14T20:00"),
        correction_due: when("2026-11-15T20:00"),
    };
    m
}

pub trait AllSections {
    const ALL_FOR_TESTS: [Section; 6];
}
impl AllSections for Section {
    const ALL_FOR_TESTS: [Section; 6] = [
        Section::Request,
        Section::Contribution,
        Section::ActionPlan,
        Section::Learning,
        Section::FollowUp,
        Section::Note,
    ];
}

pub fn action(number: u32, progress: Option<Progress>) -> Action {
    Action {
        id: number,
        text: format!("appeler Paul n° {number}"),
        due: progress.map(|_| "2026-12-15".parse().unwrap()),
        shared: number == 1,
        progress,
    }
}

fn undos(full: &Meeting) -> Vec<Undo> {
    let before = full.attendance.get(&id("bob")).cloned();
    let all = [
        Inverse::Attendance { before },
        Inverse::Attendance { before: None },
        Inverse::Subject { before: full.subject.clone() },
        Inverse::Word { id: 3 },
        Inverse::Plan { before: full.actions.clone(), word: 3 },
        Inverse::Digest { before: full.digest.clone() },
        Inverse::Unpause,
        Inverse::Requester { member: id("eve") },
    ];
    let undo = |(i, inverse): (usize, Inverse)| Undo {
        meeting: (i != 6).then_some(MeetingNo(2)),
        member: id("bob"),
        receipt: u32::try_from(i).unwrap(),
        inverse,
        at: now(),
    };
    all.into_iter().enumerate().map(undo).collect()
}

fn challenges() -> Vec<Challenge> {
    let key = |text: &str| text.parse::<DraftKey>().unwrap();
    let waiting = |inbox| Waiting { inbox, answers: key("lyon/2/invitation/-/bob/0") };
    let one = Challenge {
        member: id("bob"),
        key: key("lyon/2/was_it_you/-/bob/0"),
        asked: now(),
        address: None,
        level: Level::C,
        weight: Weight::Own,
        waiting: vec![waiting(4), waiting(7)],
        word: None,
        again: None,
    };
    let two = Challenge { address: Some("bob@elsewhere.example".parse().unwrap()), level: Level::A, ..one.clone() };
    vec![one.clone(), two, Challenge { word: Some(false), again: Some(key("lyon/2/was_it_you/-/bob/1")), ..one }]
}

/// A group with everything in it.
pub fn rich(name: &str) -> Group {
    let group: GroupId = name.parse().unwrap();
    let names = ["ana", "bob", "cid", "dan", "eve", "fay"];
    let mut members: Vec<_> = names.iter().zip(0..).map(|(n, i)| member(n, i)).collect();
    members[1].delegates = vec!["office@example.com".parse().unwrap()];
    members[1].aliases = vec!["Bob.Work@example.com".parse().unwrap(), "bob@EXAMPLE.org".parse().unwrap()];
    members[2].paused = Some(at("2026-11-02T10:00"));
    members[3].unreachable = Some(at("2026-11-03T10:00"));
    members[5].left = Some(at("2026-11-04T10:00"));
    (members[5].circle, members[5].zone) = (false, chrono_tz::America::Montreal);
    members[5].language = Language::english();
    let full = full_meeting(&group);
    let undos = undos(&full);
    let mark = |meeting, kind, step| {
        let key = SentKey { meeting, kind, step, member: id("ana") };
        (key, Sent { revision: 2, at: now() })
    };
    let two = Some(MeetingNo(2));
    let turn = |number, who: &str, wall: &str| Turn { meeting: MeetingNo(number), member: id(who), wall: hour(wall) };
    Group {
        spec: spec(&group, &members),
        turns: vec![turn(1, "fay", "2026-10-13 18:00"), turn(2, "bob", "2026-11-10 19:30")],
        meetings: vec![
            meeting(&group, 1, "2026-10-13 18:00", Stage::Digested),
            full,
            meeting(&group, 3, "2026-12-08 18:00", Stage::Planned),
            meeting(&group, 4, "2027-01-12 18:00", Stage::Cancelled),
        ],
        next_meeting: 5,
        live: true,
        last_slot: Some(hour("2027-01-12 18:00")),
        sent: BTreeMap::from([
            mark(None, Kind::Welcome, None),
            mark(two, Kind::Invitation, None),
            mark(two, Kind::StepPrompt, Some(0)),
            mark(two, Kind::StepPrompt, Some(1)),
            mark(Some(MeetingNo(4)), Kind::Cancelled, None),
        ]),
        undos,
        challenges: challenges(),
        members,
        formats: formats(),
        id: group,
    }
}

pub fn draft(member: &str, kind: Kind, revision: u32, lane: &str) -> Draft {
    Draft {
        key: DraftKey {
            group: lyon(),
            meeting: Some(MeetingNo(3)),
            kind,
            step: None,
            member: id(member),
            revision,
            preview: None,
        },
        role: Role::Cooperant,
        lane: Lane(lane.to_owned()),
        decided: now(),
        due: now(),
        useful_until: now() + Duration::hours(1),
        when_late: WhenLate::Drop,
        urgent: false,
        question: Some(Question::Attendance),
        facts: Facts::Notice(Notice::Passed { member: id(member), text: "et lundi ?".to_owned() }),
        answers: Some(codevd::core::draft::InReplyTo {
            message_id: "x@example.org".to_owned(),
            subject: "Re: bonjour".to_owned(),
        }),
    }
}

pub fn mail(draft: Draft) -> NewMail {
    let name = draft.key.to_string().replace('/', "-");
    NewMail {
        draft_id: format!("id-{name}"),
        message_id: format!("{name}@codevd.example.org"),
        subject: "[Codev Lyon] Séance".to_owned(),
        envelope_to: format!("{}@example.org", draft.key.member).parse().unwrap(),
        bytes: format!("Subject: {name}\r\n\r\nBonjour\r\n").into_bytes(),
        plain: "Bonjour\n".to_owned(),
        draft,
    }
}

pub fn receipt_facts() -> Facts {
    Facts::Receipt(Receipt::Kept { section: Section::Learning, text: "écouter".to_owned(), anonymous: true })
}

/// A commit of mails alone.
pub fn mails(mails: Vec<NewMail>) -> Commit<'static> {
    Commit { group: None, mails, journal: Vec::new(), at: now(), inbox: None }
}

/// A commit of a group alone.
pub fn state<'a>(before: Option<&'a Group>, version: Option<i64>, after: &'a Group) -> Commit<'a> {
    let group = GroupCommit { before, version, after, next_due: Some(now()) };
    Commit { group: Some(group), mails: Vec::new(), journal: Vec::new(), at: now(), inbox: None }
}

//! A group made by hand, shared by tests: "Codev Lyon", six in the circle and Marie who facilitates,
//! one member in Montréal who reads English, a session held in November and one ahead in December.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use codevd::core::format::{Collects, FormatStep, Speaker, Turns};
use codevd::core::group::Turn;
use codevd::core::meeting::{Action, DigestState, Progress, Sharing};
use codevd::core::{
    Attendance, Attending, Format, Formats, Group, GroupSpec, Language, Meeting, MeetingNo, Member, MemberId,
    MemberSpec, Run, Section, Settings, Stage, StepKey, Subject, Word,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The session ahead: Tuesday 8 December 2026, 18:00 in Paris.
pub const AHEAD: MeetingNo = MeetingNo(2);
/// The session held on 10 November.
pub const HELD: MeetingNo = MeetingNo(1);

/// Who is in the group: short name, name, language, zone.
pub const PEOPLE: [(&str, &str, &str, Tz); 7] = [
    ("marie", "Marie Dubois", "fr", Tz::Europe__Paris),
    ("ana", "Ana Lopes", "fr", Tz::Europe__Paris),
    ("bo", "Bo Lindgren", "fr", Tz::Europe__Paris),
    ("chloe", "Chloé Tremblay", "en", Tz::America__Montreal),
    ("dimitri", "Dimitri Petit", "fr", Tz::Europe__Paris),
    ("elise", "Élise Garnier", "fr", Tz::Europe__Paris),
    ("farid", "Farid Haddad", "fr", Tz::Europe__Paris),
];

/// An instant in UTC.
pub fn at(year: i32, month: u32, day: u32, hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(year, month, day, hour, minute, 0).unwrap()
}

/// A wall time.
pub fn wall(year: i32, month: u32, day: u32, hour: u32, minute: u32) -> NaiveDateTime {
    NaiveDate::from_ymd_opt(year, month, day).unwrap().and_hms_opt(hour, minute, 0).unwrap()
}

/// A member's short name.
pub fn id(text: &str) -> MemberId {
    text.parse().unwrap()
}

/// The method's session of one hour and a half.
pub fn format() -> Format {
    use StepKey as K;
    let step = |key, minutes: u32, speaker, order, collects| FormatStep {
        key,
        seconds: minutes * 60,
        speaker,
        order,
        collects,
    };
    let texts =
        |fr: &str, en: &str| BTreeMap::from([("fr".to_owned(), fr.to_owned()), ("en".to_owned(), en.to_owned())]);
    Format {
        id: "1h30".parse().unwrap(),
        title: texts("1 h 30, un sujet", "1 h 30, one subject"),
        caution: BTreeMap::new(),
        people: (4, 6, 8),
        steps: vec![
            step(K::Opening, 6, Speaker::All, Turns::Turn, Collects::None),
            step(K::FollowUp, 5, Speaker::PreviousRequester, Turns::Turn, Collects::None),
            step(K::Choice, 3, Speaker::Facilitator, Turns::Free, Collects::None),
            step(K::Presentation, 8, Speaker::Requester, Turns::Turn, Collects::None),
            step(K::Clarification, 15, Speaker::Cooperants, Turns::Turn, Collects::None),
            step(K::Feelings, 6, Speaker::Cooperants, Turns::Turn, Collects::None),
            step(K::Request, 6, Speaker::Requester, Turns::Turn, Collects::Request),
            step(K::Contributions, 21, Speaker::Cooperants, Turns::Turn, Collects::Contribution),
            step(K::ActionPlan, 8, Speaker::Requester, Turns::Turn, Collects::Action),
            step(K::Learnings, 8, Speaker::All, Turns::Turn, Collects::Learning),
            step(K::Closing, 4, Speaker::Facilitator, Turns::Free, Collects::None),
        ],
    }
}

/// The group file as it was applied.
pub fn spec() -> GroupSpec {
    let member = |(id, name, language, zone): (&str, &str, &str, Tz)| MemberSpec {
        id: id.parse().unwrap(),
        name: name.to_owned(),
        email: format!("{id}@example.org").parse().unwrap(),
        aliases: Vec::new(),
        delegates: Vec::new(),
        language: language.parse().unwrap(),
        zone,
        reports_to: None,
    };
    GroupSpec {
        id: "lyon".parse().unwrap(),
        name: "Codev Lyon".to_owned(),
        host: Some("l’association Les Passerelles".to_owned()),
        language: Language::french(),
        zone: Tz::Europe__Paris,
        schedule: "second tuesday 18:00".parse().unwrap(),
        skip: Vec::new(),
        format: "1h30".parse().unwrap(),
        place: Some("https://visio.example.org/codev-lyon".to_owned()),
        phone: Some("+33 4 00 00 00 00".to_owned()),
        members: PEOPLE.into_iter().map(member).collect(),
        facilitators: vec![id("marie")],
        facilitators_in_circle: false,
        size_override: false,
        starts: None,
        settings: Settings::default(),
    }
}

/// Farid and Bo have automatic replies on.
fn reach(member: &MemberId) -> codevd::core::reach::Reach {
    use codevd::core::reach::{Away, Reach};
    let away = Away { told: at(2026, 11, 20, 8, 0), until: Some(wall(2026, 12, 20, 0, 0).date()) };
    Reach { bounced: Vec::new(), away: ["bo", "farid"].contains(&member.as_str()).then_some(away) }
}

fn members(spec: &GroupSpec) -> Vec<Member> {
    let member = |m: &MemberSpec| Member {
        id: m.id.clone(),
        name: m.name.clone(),
        email: m.email.clone(),
        aliases: m.aliases.clone(),
        delegates: m.delegates.clone(),
        language: m.language.clone(),
        zone: m.zone,
        circle: spec.in_circle(&m.id),
        facilitates: spec.facilitators.iter().position(|f| *f == m.id).map(|n| u32::try_from(n).unwrap()),
        joined: at(2026, 9, 1, 7, 0),
        left: None,
        paused: None,
        unreachable: None,
        reach: reach(&m.id),
    };
    spec.members.iter().map(member).collect()
}

fn planned(number: MeetingNo, wall: NaiveDateTime, requester: &str, backup: &str) -> Meeting {
    Meeting {
        number,
        uid: format!("codevd-lyon-{number}-sample@example.org").parse().unwrap(),
        slot: wall,
        wall,
        announced: Some(codevd::core::schedule::instant(wall, "Europe/Paris".parse().unwrap())),
        told_before: None,
        format: "1h30".parse().unwrap(),
        place: None,
        sequence: 0,
        time_sequence: 0,
        created: at(2026, 10, 1, 7, 0),
        changed: at(2026, 10, 1, 7, 0),
        stage: Stage::Planned,
        requester: id(requester),
        backup: Some(id(backup)),
        facilitator: id("marie"),
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

/// A text of a member.
pub fn word(number: u32, by: &str, section: Section, at: DateTime<Utc>, text: &str) -> Word {
    Word { id: number, by: id(by), section, at, text: text.to_owned(), anonymous: false, withdrawn: false }
}

fn action(number: u32, text: &str, due: Option<(u32, u32)>, shared: bool, progress: Option<Progress>) -> Action {
    let due = due.and_then(|(month, day)| NaiveDate::from_ymd_opt(2026, month, day));
    Action { id: number, text: text.to_owned(), due, shared, progress }
}

/// The session of November, held: Dimitri's subject, with request, plan and learnings.
pub fn held() -> Meeting {
    let mut meeting = planned(HELD, wall(2026, 11, 10, 18, 0), "dimitri", "ana");
    meeting.stage = Stage::Digested;
    meeting.ended = Some(at(2026, 11, 10, 18, 30));
    meeting.subject = Some(Subject {
        text: "Titre : reprendre une réunion qui m’échappe\nType : problème".to_owned(),
        sharing: Some(Sharing::All),
        at: at(2026, 10, 25, 8, 0),
    });
    let then = at(2026, 11, 10, 18, 20);
    meeting.words = vec![
        word(
            1,
            "dimitri",
            Section::Request,
            then,
            "Aidez-moi à ouvrir ma réunion du lundi sans que tout parte en bilatérales.",
        ),
        word(2, "bo", Section::Contribution, then, "Chez nous, un tour de table de trente secondes a tout changé."),
        word(
            3,
            "dimitri",
            Section::ActionPlan,
            then,
            "- Écrire l’ordre du jour le vendredi (partagé)\n- En parler à ma responsable avant le 4 décembre",
        ),
        word(
            4,
            "ana",
            Section::Learning,
            then,
            "Poser une question de fait est plus difficile que je ne croyais.\n\nJe vais essayer avec mon équipe.",
        ),
        Word {
            anonymous: true,
            ..word(5, "farid", Section::Learning, then, "J’ai vu que je prépare trop mes réponses.")
        },
    ];
    meeting.actions = vec![
        action(1, "Écrire l’ordre du jour le vendredi", Some((11, 20)), true, Some(Progress::Started)),
        action(2, "En parler à ma responsable", Some((12, 4)), false, None),
    ];
    meeting.digest = DigestState {
        review_sent: Some(at(2026, 11, 13, 18, 30)),
        approved: Some(at(2026, 11, 14, 8, 0)),
        withdrawn: false,
        sent: Some(at(2026, 11, 14, 8, 1)),
        correction_due: None,
    };
    meeting
}

/// Ana's subject as she sent it.
pub const SUBJECT: &str = "Titre : dire non sans me fâcher\nType : préoccupation\nSituation : depuis septembre, une autre équipe me demande chaque semaine un « petit service ».\nJe dis oui, et mes propres dossiers attendent.\n\nMa demande : aidez-moi à dire non sans abîmer la relation.";

/// The session of December, ahead: some have answered, the subject has come.
pub fn ahead() -> Meeting {
    let mut meeting = planned(AHEAD, wall(2026, 12, 8, 18, 0), "ana", "bo");
    let answers = [
        ("marie", Attending::Yes),
        ("ana", Attending::Yes),
        ("bo", Attending::Yes),
        ("chloe", Attending::Yes),
        ("dimitri", Attending::Maybe),
        ("elise", Attending::No),
    ];
    for (who, answer) in answers {
        let stamp = at(2026, 11, 20, 9, 0);
        meeting.attendance.insert(id(who), Attendance { answer, sequence: 0, stamp, comment: None });
    }
    meeting.subject =
        Some(Subject { text: SUBJECT.to_owned(), sharing: Some(Sharing::All), at: at(2026, 11, 20, 9, 0) });
    meeting
}

/// The session of December as it runs, after its third step: the request is known.
pub fn running() -> Meeting {
    let mut meeting = ahead();
    let start = at(2026, 12, 8, 17, 0);
    let steps = codevd::core::run::sheet(&format(), start, true);
    let announced_end = steps.last().unwrap().end;
    meeting.stage = Stage::Running;
    meeting.run = Some(Run { steps, announced_end, paused: None, stopped: None });
    meeting.words = vec![word(
        1,
        "ana",
        Section::Request,
        at(2026, 12, 8, 17, 45),
        "Aidez-moi à dire non sans abîmer la relation.",
    )];
    meeting
}

/// The session of December after its end: plan and learnings have come.
pub fn collected() -> Meeting {
    let mut meeting = running();
    let then = at(2026, 12, 8, 19, 0);
    meeting.stage = Stage::Collecting;
    meeting.ended = Some(at(2026, 12, 8, 18, 30));
    meeting.words.push(word(
        2,
        "bo",
        Section::Contribution,
        then,
        "J’ai appris à répondre « pas cette semaine ».\nCela reste un oui à la personne.",
    ));
    meeting.words.push(word(
        3,
        "ana",
        Section::ActionPlan,
        then,
        "- Appeler Paul avant le 15/12 (partagé)\n- Noter mes oui pendant une semaine",
    ));
    meeting.words.push(word(
        4,
        "bo",
        Section::Learning,
        then,
        "Dire non à une demande n’est pas dire non à quelqu’un.",
    ));
    meeting
        .words
        .push(Word { anonymous: true, ..word(5, "farid", Section::Learning, then, "Je vais compter mes oui.") });
    meeting.actions = vec![
        action(1, "Appeler Paul", Some((12, 15)), true, None),
        action(2, "Noter mes oui pendant une semaine", None, false, None),
    ];
    meeting
}

/// The group on 24 November, with that December session in the state given.
pub fn group_with(meeting: Meeting) -> Group {
    let spec = spec();
    let turn = |meeting, who: &str, wall| Turn { meeting, member: id(who), wall };
    Group {
        id: spec.id.clone(),
        members: members(&spec),
        turns: vec![turn(HELD, "dimitri", wall(2026, 11, 10, 18, 0)), turn(AHEAD, "ana", wall(2026, 12, 8, 18, 0))],
        meetings: vec![held(), meeting],
        next_meeting: 3,
        live: true,
        last_slot: Some(wall(2026, 12, 8, 18, 0)),
        sent: BTreeMap::new(),
        undos: Vec::new(),
        challenges: Vec::new(),
        formats: Formats::from(Arc::new(BTreeMap::from([("1h30".parse().unwrap(), format())]))),
        spec,
    }
}

/// The group with the December session ahead.
pub fn group() -> Group {
    group_with(ahead())
}

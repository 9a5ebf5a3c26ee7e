//! Every mail there is, in every language and part, as text to be read and reviewed.

use crate::headers;
use crate::sample;
use chrono::{DateTime, Utc};
use codevd::core::challenge::Deed;
use codevd::core::draft::{InReplyTo, Notice};
use codevd::core::event::Receipt;
use codevd::core::format::Collects;
use codevd::core::meeting::Sharing;
use codevd::core::{
    Attending, Draft, DraftKey, Facts, Group, Kind, Lane, MeetingNo, MemberId, Question, Refusal, Role, Stage, WhenLate,
};
use codevd::render::{Post, Rendered, Renderer};
use std::sync::LazyLock;

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
        mark: "7K3F92QDJX4M0ZT8".to_owned(),
        reply_to: "codev+7k3f92qd@example.org".to_owned(),
    }
}

/// When a mail is written: the warm-up on the day before, the others a week ahead.
fn now(kind: Kind) -> DateTime<Utc> {
    sample::at(2026, 12, if kind == Kind::WarmUp { 7 } else { 1 }, 8, 0)
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

/// What a reply is read as, as the core sends it.
fn question(kind: Kind, role: Role, step: Option<u32>) -> Option<Question> {
    Some(match kind {
        Kind::StepPrompt => prompt_question(role, step),
        Kind::Invitation | Kind::Moved | Kind::Updated | Kind::AttendanceCheck | Kind::WarmUp | Kind::DayOf => {
            Question::Attendance
        }
        Kind::SubjectRequest | Kind::SubjectReminder | Kind::SubjectLastReminder | Kind::Standby => Question::Subject,
        Kind::AwayCheck | Kind::WasItYou => Question::Confirm,
        Kind::NoSubject => Question::NoSubject,
        Kind::CallForSubjects => Question::Volunteer,
        Kind::SubjectReceipt => Question::Share,
        Kind::ActionPlanRequest => Question::ActionPlan,
        Kind::LearningsRequest => Question::Learning,
        Kind::LastCall | Kind::Digest | Kind::DigestCorrection => Question::LastCall,
        Kind::DigestReview => Question::Review,
        Kind::FollowUp | Kind::PlanReprint => Question::Progress,
        Kind::Counter => Question::Counter,
        Kind::CounterDeclined => Question::Attendance,
        Kind::Welcome | Kind::SubjectShared | Kind::AttendanceCount => Question::Note,
        Kind::Forwarded | Kind::FacilitatorAlarms | Kind::FacilitatorAlarmsOff => Question::Note,
        _ => return None,
    })
}

fn prompt_question(role: Role, step: Option<u32>) -> Question {
    let sheet = sample::group_with(sample::running());
    let sheet = sheet.sheet(sheet.meeting(sample::AHEAD).unwrap());
    let collects = step.and_then(|n| sheet.get(n as usize)).map(|s| s.collects);
    match (role, collects) {
        (Role::Facilitator, _) => Question::Live,
        (Role::Requester, Some(Collects::Request)) => Question::StepRequest,
        (Role::Requester, Some(Collects::Action)) => Question::ActionPlan,
        (_, Some(Collects::Learning)) => Question::Learning,
        (Role::Cooperant | Role::PreviousRequester, Some(Collects::Contribution)) => Question::Contribution,
        _ => Question::Note,
    }
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
        Kind::Standby | Kind::CallForSubjects | Kind::AwayCheck => vec![cooperant],
        Kind::NoSubject
        | Kind::AttendanceCount
        | Kind::Notice
        | Kind::Counter
        | Kind::Forwarded
        | Kind::FacilitatorAlarms
        | Kind::FacilitatorAlarmsOff
        | Kind::AlarmsLeft => {
            vec![facilitator]
        }
        Kind::CounterDeclined | Kind::WasItYou => vec![cooperant],
        Kind::PlanReprint => vec![previous],
        Kind::SubjectShared => vec![cooperant, facilitator],
        Kind::WarmUp => vec![requester, cooperant, previous, facilitator],
        Kind::LearningsRequest => vec![requester, cooperant],
        Kind::LastCall => vec![requester, ("dimitri", Role::Cooperant)],
        Kind::StepPrompt => vec![requester, cooperant, previous, facilitator],
        _ => vec![requester, cooperant, facilitator],
    }
}

/// The facts a mail may come with.
fn facts(kind: Kind) -> Vec<(&'static str, Facts)> {
    match kind {
        Kind::Invitation => vec![("", Facts::None), ("first", Facts::FirstMail)],
        Kind::Moved => vec![("time", Facts::Moved { from: sample::wall(2026, 12, 1, 17, 30) }), ("place", Facts::None)],
        Kind::Updated => vec![
            ("", Facts::None),
            ("law", Facts::Law),
            ("asks", Facts::AsItStands { asks: true }),
            ("stands", Facts::AsItStands { asks: false }),
        ],
        Kind::Cancelled => vec![("", Facts::None), ("taken_off", Facts::TakenOff)],
        Kind::AddressLeft | Kind::AlarmsLeft => {
            vec![("", Facts::AddressLeft { address: "avant@ailleurs.example".parse().unwrap() })]
        }
        Kind::StepPrompt => vec![("", Facts::None), ("resumed", Facts::Resumed)],
        Kind::NoSubject => ["silent", "declined", "swap"]
            .into_iter()
            .map(|why| (why, Facts::NoSubject { why: why.to_owned(), reminders: 2 }))
            .collect(),
        Kind::Receipt => receipts(),
        Kind::Refusal => vec![("not_understood", refused(Refusal::NotUnderstood)), ("over", refused(Refusal::Over))],
        Kind::Notice => notices(),
        Kind::Counter | Kind::CounterDeclined => vec![("", proposed())],
        Kind::WasItYou => was_it_you(),
        Kind::Forwarded => vec![("", Facts::Forwarded { who: "quelquun@ailleurs.example".to_owned() })],
        _ => vec![("", Facts::None)],
    }
}

fn was_it_you() -> Vec<(&'static str, Facts)> {
    let to = sample::wall(2026, 12, 10, 18, 0);
    let address = || Some("bo@ailleurs.example".to_owned());
    vec![
        ("", Facts::WasItYou { address: None, again: false, deed: Deed::StaysAway }),
        ("address", Facts::WasItYou { address: address(), again: false, deed: Deed::Text { count: 12 } }),
        ("again", Facts::WasItYou { address: None, again: true, deed: Deed::StaysAway }),
        ("moves", Facts::WasItYou { address: None, again: false, deed: Deed::Moves { to } }),
        (
            "swaps",
            Facts::WasItYou { address: None, again: false, deed: Deed::Swaps { member: Some(sample::id("ana")) } },
        ),
    ]
}

fn proposed() -> Facts {
    Facts::Proposed {
        member: sample::id("bo"),
        to: sample::wall(2026, 12, 10, 18, 0),
        text: Some("Le mardi m'est impossible, le jeudi irait-il à tout le monde ?".to_owned()),
        mail: InReplyTo { message_id: "c1@mail.example.org".to_owned(), subject: "Nouvelle proposition".to_owned() },
    }
}

fn refused(refusal: Refusal) -> Facts {
    Facts::Refused { refusal, question: Some(Question::Attendance), words: Some("bof, on verra".to_owned()) }
}

fn receipts() -> Vec<(&'static str, Facts)> {
    vec![
        ("attendance", Facts::Receipt(Receipt::Attendance { answer: Attending::Yes, late: Some(10), asks: false })),
        ("sharing", Facts::Receipt(Receipt::Sharing { sharing: Sharing::TitleOnly })),
        ("proposed", Facts::Receipt(Receipt::Proposed { answer: Some(Attending::No) })),
        ("proposed-alone", Facts::Receipt(Receipt::Proposed { answer: None })),
        ("delegated", Facts::Receipt(Receipt::Delegated)),
        ("undone", Facts::Receipt(Receipt::Undone)),
        ("stopped", Facts::Receipt(Receipt::Stopped)),
    ]
}

fn notices() -> Vec<(&'static str, Facts)> {
    let member = || sample::id("farid");
    vec![
        ("stopped", Facts::Notice(Notice::Stopped { member: member() })),
        (
            "led",
            Facts::Notice(Notice::Led {
                member: member(),
                order: "swap".to_owned(),
                name: Some("Bo Lindgren".to_owned()),
            }),
        ),
        ("silent", Facts::Notice(Notice::Silent { member: member() })),
        ("delegated", Facts::Notice(Notice::Delegated { member: member(), who: "paul@example.net".to_owned() })),
        ("no-time", Facts::Notice(Notice::NoTime { member: member() })),
        ("unknown-zone", Facts::Notice(Notice::UnknownZone { member: member(), name: "Chez moi".to_owned() })),
        ("own-no-time", Facts::Notice(Notice::NoTime { member: sample::id("marie") })),
        (
            "own-unknown-zone",
            Facts::Notice(Notice::UnknownZone { member: sample::id("marie"), name: "Chez moi".to_owned() }),
        ),
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
        key: DraftKey { group, meeting, kind, step, member, revision: 0, preview: None },
        role,
        lane: Lane(format!("{}/2", kind.name())),
        decided: now(kind),
        due: now(kind),
        useful_until: now(kind),
        when_late: WhenLate::Send,
        urgent: kind == Kind::StepPrompt,
        question: question(kind, role, step),
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
            // In English the cooperant is the one who lives in Montréal.
            let who = if language == "en" && who == "bo" { "chloe" } else { who };
            for (variant, facts) in facts(kind) {
                for step in steps(kind, &group) {
                    if facts == Facts::Resumed && step != Some(4) {
                        continue;
                    }
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

/// Every mail as shipped, rendered once for all tests.
fn rendered() -> &'static [(Case, Rendered)] {
    static ALL: LazyLock<Vec<(Case, Rendered)>> = LazyLock::new(|| {
        let renderer = Renderer::embedded().unwrap_or_else(|e| panic!("{e}"));
        let cases = Kind::ALL.iter().flat_map(|kind| cases(*kind));
        cases.map(|case| (render(&renderer, &case), case)).map(|(mail, case)| (case, mail)).collect()
    });
    &ALL
}

fn render(renderer: &Renderer, case: &Case) -> Rendered {
    renderer
        .mail(&case.group, &case.draft, &post(), case.draft.decided)
        .unwrap_or_else(|e| panic!("{}: {e}", case.name))
}

/// With CODEVD_MAILS set to a folder, all mails are written there to be looked at in a browser.
#[test]
fn mails_can_be_looked_at() {
    let Ok(folder) = std::env::var("CODEVD_MAILS") else { return };
    std::fs::create_dir_all(&folder).unwrap();
    for (case, mail) in rendered() {
        let path = std::path::Path::new(&folder).join(&case.name);
        std::fs::write(
            path.with_extension(format!("{}.txt", case.name.rsplit('.').next().unwrap())),
            format!("Subject: {}\n\n{}", mail.subject, mail.text),
        )
        .unwrap();
        std::fs::write(format!("{}.html", path.display()), &mail.html).unwrap();
    }
}

/// Every mail in all its variants, one file a kind, language and way of address.
#[test]
fn every_mail_as_it_is_read() {
    for kind in Kind::ALL {
        for (language, told) in by_language(*kind) {
            insta::with_settings!({ snapshot_path => "golden", prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(format!("{}.{language}", kind.name()), told);
            });
        }
    }
}

/// A kind's mails by language, one after the other: subject and text of each, HTML of the first.
fn by_language(kind: Kind) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for (case, mail) in rendered().iter().filter(|(case, _)| case.draft.key.kind == kind) {
        let language = case.name.rsplit('.').next().unwrap().to_owned();
        let head = format!("==== {}\nSubject: {}\n\n{}\n", case.name, mail.subject, mail.text);
        match all.iter_mut().find(|(l, _)| *l == language) {
            Some((_, told)) => told.push_str(&head),
            None => all.push((language.clone(), format!("{head}---- HTML of the first\n{}\n", mail.html))),
        }
    }
    all
}

/// Row 39 of `inbound.md`: what machines read of every mail, of all kinds, languages, parts and facts.
#[test]
fn every_mail_bears_its_headers() {
    let renderer = Renderer::embedded().unwrap_or_else(|e| panic!("{e}"));
    let cases = Kind::ALL.iter().flat_map(|kind| cases(*kind));
    let told = headers::table(cases.map(|c| (c.name, c.group, c.draft)).collect(), &renderer);
    insta::with_settings!({ snapshot_path => "golden", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("headers", told);
    });
}

/// Longest HTML, in bytes: far under where Gmail cuts a mail off.
const MOST_HTML: usize = 30_000;

#[test]
fn mails_keep_their_limits() {
    let mut wrong = Vec::new();
    for (case, mail) in rendered() {
        let mut check = |fine: bool, what: String| {
            if !fine {
                wrong.push(format!("{}: {what}", case.name));
            }
        };
        check(mail.subject.chars().count() <= 60, format!("subject too long: {}", mail.subject));
        check(!mail.subject.ends_with('…'), format!("subject is cut: {}", mail.subject));
        check(mail.html.len() <= MOST_HTML, format!("{} bytes of HTML", mail.html.len()));
        for line in mail.text.lines().filter(|l| l.chars().count() > 72) {
            check(line.contains("://") || line.contains("mailto:"), format!("line over 72 columns: {line}"));
        }
        check(!mail.text.contains("\n\n\n"), "blank lines heaped".to_owned());
        for mark in ["{{", "{%", "[[", "null", "undefined"] {
            check(!mail.text.contains(mark) && !mail.html.contains(mark), format!("{mark} in what people read"));
        }
        let lead = mail.text.split("\n\n").next().unwrap_or("").replace('\n', " ");
        check(
            (35..=100).contains(&lead.chars().count()),
            format!("first sentence of {}: {lead}", lead.chars().count()),
        );
        check(mail.text.contains("7K3F92QDJX4M0ZT8"), "no reference".to_owned());
        check(mail.html.contains("<html lang=\""), "no language".to_owned());
        check(mail.html.matches("<table").count() == mail.html.matches("</table>").count(), "tables".to_owned());
        let presentation =
            mail.html.matches("role=\"presentation\"").count() + mail.html.matches("<th scope=").count().min(2);
        check(presentation >= mail.html.matches("<table").count(), "a table without a role".to_owned());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Nothing of the subject stands in a subject line or the calendar.
#[test]
fn nobodys_subject_shows_outside_its_mails() {
    let renderer = Renderer::embedded().unwrap_or_else(|e| panic!("{e}"));
    for (case, mail) in rendered() {
        assert!(!mail.subject.contains("sans me fâcher"), "{}: {}", case.name, mail.subject);
        let reads = matches!(case.draft.key.kind, Kind::SubjectReceipt | Kind::SubjectShared);
        assert!(reads || !mail.text.contains("sans me fâcher"), "{}", case.name);
    }
    let group = sample::group();
    let meeting = group.meeting(sample::AHEAD).unwrap();
    for member in &group.members {
        let texts = renderer.event_texts(&group, meeting, member).unwrap();
        assert!(!format!("{texts:?}").contains("sans me fâcher"), "{texts:?}");
        assert!(texts.description.contains("6/6"), "{texts:?}");
        assert_eq!(texts.url.as_deref(), Some("https://visio.example.org/codev-lyon"));
    }
}

/// A subject that is not shared reaches only its owner.
#[test]
fn an_unshared_subject_reaches_nobody_else() {
    let renderer = Renderer::embedded().unwrap_or_else(|e| panic!("{e}"));
    for sharing in [None, Some(Sharing::Nothing), Some(Sharing::TitleOnly), Some(Sharing::All)] {
        let mut meeting = sample::ahead();
        meeting.subject.as_mut().unwrap().sharing = sharing;
        let group = sample::group_with(meeting);
        for (who, role) in [("bo", Role::Cooperant), ("marie", Role::Facilitator)] {
            let draft = draft(Kind::SubjectShared, None, sample::id(who), role, Facts::None);
            let mail = renderer.mail(&group, &draft, &post(), draft.decided).unwrap_or_else(|e| panic!("{e}"));
            let shows = |text: &str| mail.text.contains(text) && mail.html.contains(text);
            let hides = |text: &str| !mail.text.contains(text) && !mail.html.contains(text);
            let (title, rest) = ("dire non sans me fâcher", "petit service");
            match sharing {
                Some(Sharing::All) => assert!(shows(title) && shows(rest)),
                Some(Sharing::TitleOnly) => assert!(shows(title) && hides(rest)),
                _ => assert!(hides(title) && hides(rest)),
            }
        }
    }
}

#[test]
fn calendar_texts_and_markdown_as_they_are_read() {
    let renderer = Renderer::embedded().unwrap_or_else(|e| panic!("{e}"));
    let group = sample::group();
    let meeting = group.meeting(sample::AHEAD).unwrap();
    let mut told = String::new();
    for who in ["ana", "chloe", "marie"] {
        let texts = renderer.event_texts(&group, meeting, group.member(&sample::id(who)).unwrap()).unwrap();
        told += &format!(
            "==== {who}\nSUMMARY {}\nLOCATION {:?}\nURL {:?}\n{}\n\n",
            texts.summary, texts.location, texts.url, texts.description
        );
    }
    let group = sample::group_with(sample::collected());
    for language in renderer.languages() {
        let digest = renderer.digest_markdown(&group, group.meeting(sample::AHEAD).unwrap(), &language).unwrap();
        assert!(!digest.contains("Noter mes oui"), "a private line in {digest}");
        told += &format!("==== Markdown, {language}\n{digest}\n");
    }
    insta::with_settings!({ snapshot_path => "golden", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("calendar_and_markdown", told);
    });
}

/// The linter has nothing against any meeting's event, for any member, in any method that we send.
#[test]
fn calendars_have_no_fault() {
    use codevd::ical::{Attendee, Event, Method, Organizer, PartStat, Role, Status, lint::lint, write};
    let renderer = Renderer::embedded().unwrap_or_else(|e| panic!("{e}"));
    let mut group = sample::group();
    let languages = renderer.languages();
    let members = group.members.len();
    for (number, language) in (0..members).flat_map(|n| languages.iter().map(move |l| (n, l))) {
        group.members[number].language.clone_from(language);
        let (member, meeting) = (&group.members[number], group.meeting(sample::AHEAD).unwrap());
        let texts = renderer.event_texts(&group, meeting, member).unwrap();
        let time = sample::at(2026, 12, 8, 17, 0);
        let attendees = group.members.iter().map(|m| Attendee {
            email: m.email.to_string(),
            name: m.name.clone(),
            part_stat: PartStat::NeedsAction,
            rsvp: true,
            role: Role::ReqParticipant,
        });
        let mut event = Event {
            uid: "7f3k9q@codev.example.org".to_owned(),
            sequence: 1,
            dtstamp: now(Kind::Invitation),
            created: now(Kind::Invitation),
            last_modified: now(Kind::Invitation),
            start: time,
            end: time + chrono::TimeDelta::hours(2),
            summary: texts.summary,
            description: texts.description,
            location: texts.location,
            url: texts.url,
            organizer: Organizer { email: post().sender_address, name: post().sender_name },
            attendees: attendees.collect(),
            categories: vec!["codev".to_owned()],
            status: Status::Confirmed,
            alarm_minutes: Some(10),
            steps: Vec::new(),
            transparent: false,
            language: Some(language.to_string()),
            reference: None,
        };
        for (method, status) in [
            (Method::Request, Status::Confirmed),
            (Method::DeclineCounter, Status::Confirmed),
            (Method::Cancel, Status::Cancelled),
        ] {
            event.status = status;
            let found = lint(write(&method, &event).unwrap().as_bytes());
            assert!(found.is_empty(), "{language}, {method}: {}", found[0]);
        }
    }
}

/// And nothing against any mail as it leaves, of all kinds, languages, parts and facts.
#[test]
fn every_mail_passes_the_linter() {
    use codevd::daemon::{Composer, Sender};
    let (renderer, key) = (Renderer::embedded().unwrap_or_else(|e| panic!("{e}")), codevd::mail::Key::new([7; 32]));
    let mut calendars = 0;
    for plus in [false, true] {
        let sender = Sender { name: "Codev".into(), address: "codev@codev.example".parse().unwrap(), plus };
        let composer = Composer { renderer: &renderer, key: &key, sender: &sender };
        for case in Kind::ALL.iter().flat_map(|kind| cases(*kind)) {
            let mail = composer.compose(&case.group, &case.draft).unwrap_or_else(|e| panic!("{}: {e}", case.name));
            let checked = codevd::mail::check_calendar_mail(&mail.bytes);
            calendars += checked.calendars;
            assert!(checked.findings.is_empty(), "{}:{}: {}", case.name, checked.findings[0].line, checked.findings[0]);
        }
    }
    assert!(calendars > 100, "{calendars} calendars");
}

/// How many words may differ in a mail: the heads of a table's columns. The numbers of a list are
/// left out of the text's words, since the HTML's `<ol>` counts by itself.
const TOLERANCE: usize = 3;

#[test]
fn text_and_html_say_the_same() {
    let mut wrong = Vec::new();
    for (case, mail) in rendered() {
        let differ = difference(&words(&without_numbers(&mail.text)), &words(&visible(&mail.html)));
        if differ.len() > TOLERANCE {
            wrong.push(format!("{}: {}", case.name, differ.join(" ")));
        }
    }
    assert!(wrong.is_empty(), "text (+) and HTML (-) differ:\n{}", wrong.join("\n"));
}

/// What somebody sees of the HTML: no head, no hidden parts, no markup.
fn visible(html: &str) -> String {
    let body = html.split_once("<body").map_or(html, |(_, body)| body);
    let mut out = String::new();
    let mut rest = body.split_once('>').map_or("", |(_, rest)| rest);
    while let Some((text, tail)) = rest.split_once('<') {
        out.push_str(text);
        let hidden = tail.split('>').next().is_some_and(|tag| tag.contains("aria-hidden"));
        out.push(' ');
        let after = tail.split_once('>').map_or("", |(_, after)| after);
        rest = if hidden {
            after.split_once('<').map_or("", |(_, _)| &after[after.find('<').unwrap_or(0)..])
        } else {
            after
        };
    }
    out.push_str(rest);
    for (code, sign) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2F;", "/"), ("&amp;", "&")]
    {
        out = out.replace(code, sign);
    }
    out
}

/// The lines without `1. ` before them.
fn without_numbers(text: &str) -> String {
    let line = |l: &str| match l.trim_start().split_once(". ") {
        Some((number, rest)) if number.bytes().all(|b| b.is_ascii_digit()) => rest.to_owned(),
        _ => l.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn words(text: &str) -> Vec<String> {
    let sign = |c: char| !c.is_alphanumeric();
    let mut all: Vec<_> = text.split(sign).filter(|w| !w.is_empty()).map(str::to_lowercase).collect();
    all.sort();
    all
}

/// Words of `a` that `b` lacks, with `+`, and the other way round, with `-`; each as often as it differs.
fn difference(a: &[String], b: &[String]) -> Vec<String> {
    let mut count = std::collections::BTreeMap::<&str, i32>::new();
    a.iter().for_each(|w| *count.entry(w).or_default() += 1);
    b.iter().for_each(|w| *count.entry(w).or_default() -= 1);
    let sign = |n: i32| if n > 0 { "+" } else { "-" };
    count
        .into_iter()
        .filter(|(_, n)| *n != 0)
        .flat_map(|(w, n)| vec![format!("{}{w}", sign(n)); n.unsigned_abs() as usize])
        .collect()
}

/// A group with nothing that can be left out: every mail still makes sense of it.
fn sparse(kind: Kind) -> Group {
    let mut group = group_for(kind);
    (group.spec.host, group.spec.place, group.spec.phone) = (None, None, None);
    group.spec.settings.guest_list = codevd::core::GuestList::Hidden;
    group.spec.settings.clock_24h = true;
    group.meetings.retain(|m| m.number == sample::AHEAD);
    for meeting in &mut group.meetings {
        meeting.backup = None;
        meeting.subject = None;
        meeting.attendance.clear();
        meeting.words.clear();
        meeting.actions.clear();
    }
    group
}

#[test]
fn a_group_with_nothing_optional_gets_every_mail() {
    let renderer = Renderer::embedded().unwrap_or_else(|e| panic!("{e}"));
    for mut case in Kind::ALL.iter().flat_map(|k| cases(*k)) {
        let languages: Vec<_> = case.group.members.iter().map(|m| m.language.clone()).collect();
        case.group = sparse(case.draft.key.kind);
        case.group.members.iter_mut().zip(languages).for_each(|(m, l)| m.language = l);
        case.draft.question = None;
        case.draft.answers = None;
        let sheet = case.group.sheet(case.group.meeting(sample::AHEAD).unwrap()).len();
        if case.draft.key.step.is_some_and(|n| n as usize >= sheet) {
            continue;
        }
        let mail = render(&renderer, &case);
        for odd in [" .", " ,", ": \n", "()", "« »", "  :"] {
            let text = mail.text.replace('\u{a0}', " ");
            assert!(!text.contains(odd), "{}: {odd:?} in\n{}", case.name, mail.text);
        }
    }
}

/// Names and texts that try to be more than words.
#[test]
fn peoples_words_stay_words() {
    let renderer = Renderer::embedded().unwrap_or_else(|e| panic!("{e}"));
    for case in Kind::ALL.iter().flat_map(|k| cases(*k)).filter(|c| c.name.ends_with(".fr")) {
        let Case { name, mut group, draft } = case;
        let evil = "<img src=x onerror=alert(1)>\u{202E}{{ group.id }} \"'&";
        group.spec.name = "A\r\nBcc: x@example.org".to_owned();
        group.members.iter_mut().for_each(|m| m.name = format!("{evil}\r\nBcc: a"));
        for meeting in &mut group.meetings {
            meeting.words.iter_mut().for_each(|w| w.text = format!("{evil}\n{}", w.text));
            meeting.actions.iter_mut().for_each(|a| a.text = evil.to_owned());
            meeting.subject.iter_mut().for_each(|s| s.text = evil.to_owned());
        }
        let mail = renderer.mail(&group, &draft, &post(), draft.decided).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(!mail.html.contains("<img"), "{name}");
        assert!(!mail.subject.contains(['\r', '\n']), "{name}: {:?}", mail.subject);
        for text in [&mail.html, &mail.text, &mail.subject] {
            assert!(!text.contains(['\u{202E}', '\r']), "{name}");
        }
    }
}

/// Every button opens a mail to us, with the answer at the subject's beginning, the token at its end, and one word of
/// the choices.
#[test]
fn buttons_write_the_answer() {
    let mut buttons = 0;
    for (case, mail) in rendered() {
        let html = mail.html.replace("&amp;", "&").replace("&#x2F;", "/");
        for link in html.split("href=\"mailto:").skip(1) {
            let link = decoded(link.split('"').next().unwrap());
            let (address, rest) = link.split_once("?subject=").unwrap_or_else(|| panic!("{}: {link}", case.name));
            let (subject, body) = rest.split_once("&body=").unwrap_or_else(|| panic!("{}: {link}", case.name));
            assert_eq!(address, post().reply_to, "{}", case.name);
            let word = subject.split_once(" – ").map(|(word, _)| word.to_lowercase());
            assert_eq!(word.as_deref(), Some(body), "{}: {subject}", case.name);
            assert!(subject.ends_with(" [7K3F92QDJX4M0ZT8]"), "{}: {subject}", case.name);
            assert!(!body.is_empty() && body.lines().count() == 1, "{}: {body:?}", case.name);
            buttons += 1;
        }
    }
    assert!(buttons > 100, "{buttons} buttons");
}

fn decoded(link: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = link.as_bytes();
    while let [first, tail @ ..] = rest {
        let (byte, after) = match (first, tail) {
            (b'%', [a, b, after @ ..]) => {
                (u8::from_str_radix(std::str::from_utf8(&[*a, *b]).unwrap(), 16).unwrap(), after)
            }
            _ => (*first, tail),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).unwrap()
}

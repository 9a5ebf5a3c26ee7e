//! The mails of a session and after it: every step prompt for every part, every receipt, refusal and
//! notice, in both languages and both ways of address. Each must render, fit a phone, and say the
//! same as text and as HTML.

use crate::sample;
use codevd::core::draft::{InReplyTo, Notice};
use codevd::core::event::{Certainty, PlanLine, Receipt};
use codevd::core::format::{Collects, FormatStep, Speaker, Turns};
use codevd::core::meeting::{Progress, Section, Sharing};
use codevd::core::{
    Attending, Draft, DraftKey, Facts, Group, Kind, Lane, Meeting, Question, Refusal, Role, Stage, StepKey, WhenLate,
};
use codevd::render::{Post, Rendered, Renderer};
use codevd::words::{Context, Words};
use std::collections::BTreeSet;
use std::sync::Arc;

const TONGUES: [(&str, &str, bool); 3] = [("fr", "fr", false), ("fr-tu", "fr", true), ("en", "en", false)];
const KEPT: [Section; 6] =
    [Section::Request, Section::Contribution, Section::ActionPlan, Section::Learning, Section::FollowUp, Section::Note];

/// One mail to write.
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

/// A group whose format also has a break, in one tongue.
fn group(meeting: Meeting, language: &str, informal: bool) -> Group {
    let mut group = sample::group_with(meeting);
    let mut format = sample::format();
    let rest = FormatStep {
        key: StepKey::Break,
        seconds: 300,
        speaker: Speaker::Facilitator,
        order: Turns::Free,
        collects: Collects::None,
    };
    format.steps.insert(7, rest);
    group.formats = Arc::new(std::iter::once((format.id.clone(), format)).collect());
    group.spec.settings.informal = informal;
    for member in &mut group.members {
        member.language = language.parse().unwrap();
    }
    let steps = group.format_of(group.meeting(sample::AHEAD).unwrap()).cloned();
    if let (Some(run), Some(format)) = (group.meeting_mut(sample::AHEAD).unwrap().run.as_mut(), steps) {
        run.steps = codevd::core::run::sheet(&format, sample::at(2026, 12, 8, 17, 0), true);
    }
    group
}

fn draft(kind: Kind, who: &str, role: Role, question: Option<Question>, facts: Facts) -> Draft {
    let answers = kind.is_answer().then(|| InReplyTo {
        message_id: "abc@mail.example.org".to_owned(),
        subject: "Re: [Codev Lyon] Séance du 8 décembre".to_owned(),
    });
    Draft {
        key: DraftKey {
            group: "lyon".parse().unwrap(),
            meeting: Some(sample::AHEAD),
            kind,
            step: None,
            member: sample::id(who),
            revision: 0,
            preview: None,
        },
        role,
        lane: Lane("test".to_owned()),
        decided: sample::at(2026, 12, 8, 17, 0),
        due: sample::at(2026, 12, 8, 17, 0),
        useful_until: sample::at(2026, 12, 8, 17, 0),
        when_late: WhenLate::Send,
        urgent: false,
        question,
        facts,
        answers,
    }
}

const PARTS: [(&str, Role); 4] = [
    ("ana", Role::Requester),
    ("bo", Role::Cooperant),
    ("dimitri", Role::PreviousRequester),
    ("marie", Role::Facilitator),
];

fn step_question(key: StepKey, role: Role) -> Question {
    match (role, key) {
        (Role::Facilitator, _) => Question::Live,
        (Role::Requester, StepKey::Request) => Question::StepRequest,
        (Role::Requester, StepKey::ActionPlan) => Question::ActionPlan,
        (Role::Cooperant, StepKey::Contributions) => Question::Contribution,
        (_, StepKey::Learnings) => Question::Learning,
        _ => Question::Note,
    }
}

/// Every prompt for every part; in mid-step; with and without a request.
fn prompts() -> Vec<Case> {
    let mut all = Vec::new();
    for (tongue, language, informal) in TONGUES {
        for (state, facts, known) in
            [("", Facts::None, true), ("-resumed", Facts::Resumed, true), ("-unknown", Facts::None, false)]
        {
            let mut meeting = sample::running();
            if !known {
                meeting.words.clear();
            }
            let group = group(meeting, language, informal);
            let sheet = group.sheet(group.meeting(sample::AHEAD).unwrap());
            for (n, step) in sheet.iter().enumerate() {
                for (who, role) in PARTS {
                    let question = step_question(step.key, role);
                    let mut draft = draft(Kind::StepPrompt, who, role, Some(question), facts.clone());
                    draft.key.step = Some(u32::try_from(n).unwrap());
                    let name = format!("step_{n:02}_{}{state}.{}.{tongue}", step.key, role.name());
                    all.push(Case { name, group: group.clone(), draft });
                }
            }
        }
    }
    all
}

/// The mails after a session in the states they meet.
fn after() -> Vec<Case> {
    let mut all = Vec::new();
    for (tongue, language, informal) in TONGUES {
        for (state, meeting) in states() {
            let group = group(meeting, language, informal);
            for (kind, question, role, who) in [
                (Kind::ActionPlanRequest, Some(Question::ActionPlan), Role::Requester, "ana"),
                (Kind::LearningsRequest, Some(Question::Learning), Role::Requester, "ana"),
                (Kind::LearningsRequest, Some(Question::Learning), Role::Cooperant, "bo"),
                (Kind::LastCall, Some(Question::LastCall), Role::Requester, "ana"),
                (Kind::LastCall, Some(Question::LastCall), Role::Cooperant, "dimitri"),
                (Kind::DigestReview, Some(Question::Review), Role::Requester, "ana"),
                (Kind::Digest, Some(Question::Note), Role::Requester, "ana"),
                (Kind::Digest, Some(Question::Note), Role::Cooperant, "bo"),
                (Kind::Digest, Some(Question::Note), Role::Facilitator, "marie"),
                (Kind::DigestCorrection, None, Role::Cooperant, "bo"),
                (Kind::FollowUp, Some(Question::Progress), Role::Requester, "ana"),
                (Kind::PlanReprint, Some(Question::Progress), Role::PreviousRequester, "dimitri"),
            ] {
                let name = format!("{}-{state}.{}.{tongue}", kind.name(), role.name());
                all.push(Case { name, group: group.clone(), draft: draft(kind, who, role, question, Facts::None) });
            }
        }
    }
    all
}

/// All is in; nothing is in; the requester keeps plan and request; all lines are private.
fn states() -> Vec<(&'static str, Meeting)> {
    let full = sample::collected();
    let mut bare = sample::running();
    bare.stage = Stage::Collecting;
    bare.words.clear();
    let mut withdrawn = sample::collected();
    withdrawn.digest.withdrawn = true;
    let mut private = sample::collected();
    private.actions.retain(|a| !a.shared);
    vec![("full", full), ("bare", bare), ("withdrawn", withdrawn), ("private", private)]
}

fn receipts() -> Vec<(String, Facts)> {
    let mut all = Vec::new();
    let mut put = |name: &str, receipt: Receipt| all.push((name.to_owned(), Facts::Receipt(receipt)));
    for (name, answer) in [("yes", Attending::Yes), ("no", Attending::No), ("maybe", Attending::Maybe)] {
        put(&format!("attendance_{name}"), Receipt::Attendance { answer, late: None, asks: false });
        put(&format!("attendance_{name}_asks"), Receipt::Attendance { answer, late: Some(10), asks: true });
    }
    for (name, sharing) in [("all", Sharing::All), ("title", Sharing::TitleOnly), ("nothing", Sharing::Nothing)] {
        put(&format!("sharing_{name}"), Receipt::Sharing { sharing });
    }
    put("swap_asked", Receipt::SwapAsked);
    for order in ["remind", "swap", "open", "move", "cancel"] {
        put(&format!("ordered_{order}"), Receipt::Ordered { order: order.to_owned(), name: None });
        put(
            &format!("ordered_{order}_named"),
            Receipt::Ordered { order: order.to_owned(), name: Some("Bo".to_owned()) },
        );
    }
    for section in KEPT {
        for anonymous in [false, true] {
            let text = "Une première ligne.\nUne autre.\n\nUn second paragraphe.".to_owned();
            put(&format!("kept_{section:?}_{anonymous}"), Receipt::Kept { section, text, anonymous });
        }
    }
    let line = |text: &str, day, shared| PlanLine {
        text: text.to_owned(),
        due: chrono::NaiveDate::from_ymd_opt(2026, 12, day),
        shared,
    };
    put("plan", Receipt::Plan { lines: vec![line("Appeler Paul", 15, true), line("Noter mes oui", 40, false)] });
    let states = [Some(Progress::Done), Some(Progress::Started), Some(Progress::Stuck), Some(Progress::Dropped), None];
    let lines = states.into_iter().map(|p| ("Appeler Paul".to_owned(), p)).collect();
    put("progress", Receipt::Progress { lines });
    for verdict in ["approved", "withdrawn"] {
        put(&format!("review_{verdict}"), Receipt::Review { verdict: verdict.to_owned() });
    }
    put("undone", Receipt::Undone);
    put("stopped", Receipt::Stopped);
    put("person_asked", Receipt::PersonAsked);
    for answer in [None, Some(Attending::Yes), Some(Attending::No), Some(Attending::Maybe)] {
        put(&format!("proposed_{answer:?}"), Receipt::Proposed { answer });
    }
    put("delegated", Receipt::Delegated);
    put("old_time", Receipt::OldTime);
    put("help_none", Receipt::Help { question: None });
    for question in Question::ALL {
        put(&format!("help_{}", question.name()), Receipt::Help { question: Some(question) });
    }
    for order in ["next", "extend", "shorten", "pause", "resume", "stop", "late", "back", "absent", "request"] {
        for minutes in [None, Some(5)] {
            if minutes.is_some() || !["extend", "shorten"].contains(&order) {
                put(&format!("clock_{order}_{minutes:?}"), Receipt::Clock { order: order.to_owned(), minutes });
            }
        }
    }
    all
}

fn refusals() -> Vec<(String, Facts)> {
    let text = str::to_owned;
    let reasons = vec![
        Refusal::NoSuchMeeting { number: 7 },
        Refusal::NoSuchMember { name: text("Anna"), known: text("Ana, Bo, Chloé") },
        Refusal::NotInCircle { name: text("Marie") },
        Refusal::AlreadyRequester { name: text("Ana") },
        Refusal::EnoughReminders { name: text("Ana") },
        Refusal::BadTime { wanted: text("2026-12-01 18:00") },
        Refusal::FacilitatorOnly,
        Refusal::RequesterOnly,
        Refusal::NotRunning,
        Refusal::Over,
        Refusal::NothingToUndo,
        Refusal::NotUnderstood,
        Refusal::NoAnswer,
        Refusal::CantRead,
        Refusal::OldTime,
        Refusal::CalendarUseless { what: text("COUNTER") },
        Refusal::NoSuchGroup { name: text("lion"), known: text("lyon") },
        Refusal::BadGroup { problems: text("line 3: no zone\nline 7: no such person") },
    ];
    let mut all = Vec::new();
    for refusal in reasons {
        let questions: Vec<_> = match refusal {
            Refusal::NotUnderstood | Refusal::NoAnswer => Question::ALL.into_iter().map(Some).chain([None]).collect(),
            _ => vec![None],
        };
        for question in questions {
            let asked = question.map_or("", Question::name);
            let name = format!("{:?}", refusal).chars().take_while(|c| c.is_alphanumeric()).collect::<String>();
            let words = (refusal == Refusal::NotUnderstood).then(|| text("bof, on verra"));
            all.push((format!("{name}_{asked}"), Facts::Refused { refusal: refusal.clone(), question, words }));
        }
    }
    all
}

fn notices() -> Vec<(String, Facts)> {
    let member = || sample::id("farid");
    let words = || "Je préfère en parler de vive voix.\n\nQuand peux-tu ?".to_owned();
    let all = vec![
        Notice::Stopped { member: member() },
        Notice::Undeliverable { member: member(), why: "550 5.1.1 user unknown".to_owned(), suspended: false },
        Notice::Passed { member: member(), text: words() },
        Notice::NeedsPerson { member: member(), text: Some(words()) },
        Notice::NeedsPerson { member: member(), text: None },
        Notice::RequesterAway { member: member() },
        Notice::Volunteer { member: member() },
        Notice::Led { member: member(), order: "remind".to_owned(), name: None },
        Notice::Led { member: member(), order: "swap".to_owned(), name: Some("Bo Lindgren".to_owned()) },
        Notice::Led { member: member(), order: "open".to_owned(), name: None },
        Notice::Silent { member: member() },
        Notice::Done { what: "Bo apporte le sujet".to_owned() },
    ];
    let name = |n: usize, notice: &Notice| {
        format!("{n}_{}", format!("{notice:?}").chars().take_while(|c| c.is_alphanumeric()).collect::<String>())
    };
    all.into_iter().enumerate().map(|(n, notice)| (name(n, &notice), Facts::Notice(notice))).collect()
}

fn question_of(facts: &Facts) -> Option<Question> {
    match facts {
        Facts::Refused { question, .. } | Facts::Receipt(Receipt::Help { question }) => *question,
        Facts::Notice(Notice::RequesterAway { .. } | Notice::Volunteer { .. } | Notice::Led { .. }) => {
            Some(Question::NoSubject)
        }
        _ => None,
    }
}

/// Receipts, refusals and notices, with a meeting and without one.
fn answers() -> Vec<Case> {
    let mut all = Vec::new();
    for (kind, facts) in [(Kind::Receipt, receipts()), (Kind::Refusal, refusals()), (Kind::Notice, notices())] {
        for (tongue, language, informal) in TONGUES {
            let group = group(sample::running(), language, informal);
            for (name, facts) in &facts {
                let who = if kind == Kind::Notice { ("marie", Role::Facilitator) } else { ("bo", Role::Cooperant) };
                let draft = draft(kind, who.0, who.1, question_of(facts), facts.clone());
                let mut apart = draft.clone();
                apart.key.meeting = None;
                let name = format!("{}_{name}", kind.name());
                all.push(Case { name: format!("{name}.{tongue}"), group: group.clone(), draft });
                all.push(Case { name: format!("{name}-apart.{tongue}"), group: group.clone(), draft: apart });
            }
        }
    }
    all
}

fn render(renderer: &Renderer, case: &Case) -> Rendered {
    renderer
        .mail(&case.group, &case.draft, &post(), sample::at(2026, 12, 8, 17, 0))
        .unwrap_or_else(|e| panic!("{}: {e}", case.name))
}

/// What a reader of the HTML sees, in words.
fn visible(html: &str) -> String {
    let body = html.split_once("<body").and_then(|(_, body)| body.split_once('>')).map_or(html, |(_, body)| body);
    let mut out = String::new();
    let mut rest = body;
    while let Some((text, tag)) = rest.split_once('<') {
        out.push_str(text);
        out.push(' ');
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    out.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#x27;", "'").replace("&amp;", "&")
}

fn words(text: &str) -> BTreeSet<String> {
    let letters = |w: &str| w.chars().any(char::is_alphabetic);
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| letters(w)).map(str::to_lowercase).collect()
}

fn check(case: &Case, mail: &Rendered) {
    let name = &case.name;
    let columns = |line: &str| line.chars().count();
    assert!(columns(&mail.subject) <= 60, "{name}: {}", mail.subject);
    for line in mail.text.lines() {
        assert!(columns(line) <= 72 || !line.trim().contains(' '), "{name}: {line}");
        assert!(!line.contains(['{', '}', '*']) && !line.contains("[["), "{name}: {line}");
        assert_eq!(line, line.trim_end(), "{name}");
    }
    assert!(!mail.text.contains("\n\n\n"), "{name}:\n{}", mail.text);
    assert!(mail.html.len() < 30_000, "{name}: {} bytes", mail.html.len());
    assert!(!mail.html.contains("style=\"\"") && !mail.html.contains("[["), "{name}");
    assert_eq!(mail.html.matches("<h1").count(), 1, "{name}");
    let lead = mail.text.lines().next().unwrap_or("");
    assert!(columns(lead) > 5, "{name}: the first line is {lead:?}");
    let (text, html) = (words(&mail.text), words(&visible(&mail.html)));
    for tag in ["table", "ul", "ol", "li", "p"] {
        let count = |what: String| mail.html.matches(what.as_str()).count();
        let opened = count(format!("<{tag} ")) + count(format!("<{tag}>"));
        assert_eq!(opened, count(format!("</{tag}>")), "{name}: <{tag}>");
    }
    // The table's headings stand in HTML alone; in text, "pour le" before each date.
    let table = ["quoi", "pour", "quand", "le", "what", "by", "when"];
    let apart = |one: &BTreeSet<String>, other: &BTreeSet<String>| -> Vec<String> {
        one.difference(other).filter(|w| !table.contains(&w.as_str())).cloned().collect()
    };
    assert_eq!(apart(&text, &html), Vec::<String>::new(), "{name}: only in the text");
    assert_eq!(apart(&html, &text), Vec::<String>::new(), "{name}: only in the HTML");
}

/// With CODEVD_MAILS set to a folder, the mails are written there to be looked at.
#[allow(clippy::disallowed_methods)] // a folder to write to, asked for by whoever looks
fn check_all(cases: &[Case]) {
    let renderer = Renderer::embedded().unwrap_or_else(|e| panic!("{e}"));
    let folder = std::env::var_os("CODEVD_MAILS").map(std::path::PathBuf::from);
    for case in cases {
        let mail = render(&renderer, case);
        if let Some(folder) = &folder {
            std::fs::write(folder.join(format!("{}.txt", case.name)), format!("{}\n\n{}", mail.subject, mail.text))
                .unwrap();
            std::fs::write(folder.join(format!("{}.html", case.name)), &mail.html).unwrap();
        }
        check(case, &mail);
    }
}

#[test]
fn every_step_prompt_of_every_part() {
    let cases = prompts();
    assert_eq!(cases.len(), 12 * 4 * 3 * 3);
    check_all(&cases);
}

#[test]
fn every_mail_after_the_session() {
    check_all(&after());
}

#[test]
fn every_receipt_refusal_and_notice() {
    check_all(&answers());
}

/// What somebody must do, and until when, is the first line; in mid-step, where we are.
#[test]
fn the_first_line_of_a_prompt_says_until_when() {
    let renderer = Renderer::embedded().unwrap_or_else(|e| panic!("{e}"));
    for case in prompts() {
        let mail = render(&renderer, &case);
        let first: String = mail.text.lines().take(2).collect::<Vec<_>>().join(" ").to_lowercase();
        assert!(first.contains("jusqu’à") || first.contains("until"), "{}: {first}", case.name);
        let visible = mail.text.split_whitespace().count();
        let most = if case.draft.role == Role::Facilitator { 290 } else { 230 };
        assert!(visible < most, "{}: {visible} words are more than a screenful", case.name);
    }
}

/// Lines that the requester keeps, and a plan that was taken back, reach nobody else.
#[test]
fn what_the_requester_keeps_stays_private() {
    let renderer = Renderer::embedded().unwrap_or_else(|e| panic!("{e}"));
    for case in after() {
        let mail = render(&renderer, &case);
        let owner = case.draft.key.member == sample::id("ana");
        let digest = matches!(case.draft.key.kind, Kind::Digest | Kind::DigestReview | Kind::DigestCorrection);
        if !owner || digest {
            assert!(!mail.text.contains("Noter mes oui") && !mail.html.contains("Noter mes oui"), "{}", case.name);
        }
        if case.name.contains("-withdrawn") && digest {
            assert!(!mail.text.contains("Appeler Paul") && !mail.html.contains("Appeler Paul"), "{}", case.name);
            assert!(!mail.text.contains("dire non sans") && !mail.html.contains("dire non sans"), "{}", case.name);
        }
        assert!(!mail.text.contains("Farid"), "{}: an anonymous learning has no name", case.name);
    }
}

/// What a refusal repeats of somebody's words has no hidden characters and no markup.
#[test]
fn words_repeated_in_a_refusal_are_clean() {
    let renderer = Renderer::embedded().unwrap_or_else(|e| panic!("{e}"));
    let refusal = Refusal::NoSuchMember { name: "An\u{202E}na<b>".to_owned(), known: "Ana".to_owned() };
    let facts = Facts::Refused { refusal, question: None, words: None };
    let group = group(sample::running(), "fr", false);
    let case =
        Case { name: "refusal".to_owned(), group, draft: draft(Kind::Refusal, "bo", Role::Cooperant, None, facts) };
    let mail = render(&renderer, &case);
    assert!(mail.text.contains("« Anna<b> »".replace(' ', "\u{a0}").as_str()), "{}", mail.text);
    assert!(mail.html.contains("Anna&lt;b&gt;"), "{}", mail.html);
}

/// In a session the facilitator's "stop" ends it: their prompts don't offer the other meaning.
#[test]
fn a_facilitators_prompt_gives_stop_one_meaning() {
    let renderer = Renderer::embedded().unwrap_or_else(|e| panic!("{e}"));
    for case in prompts().iter().filter(|c| c.draft.role == Role::Facilitator) {
        let mail = render(&renderer, case);
        assert_eq!(mail.text.matches("stop").count(), 1, "{}:\n{}", case.name, mail.text);
    }
}

/// What our mails tell people to write, as they would write it, and what it must be understood as.
const OFFERED: [(Question, &str, &str, &str); 25] = [
    (Question::Live, "suivant", "next", "Next"),
    (Question::Live, "+5", "+5", "Extend"),
    (Question::Live, "+5 fin", "+5 end", "Extend { minutes: 5, move_end: true }"),
    (Question::Live, "pause", "pause", "Pause"),
    (Question::Live, "reprendre", "resume", "Resume"),
    (Question::Live, "absent Bo", "absent Bo", "Absent { name: \"Bo Lindgren\" }"),
    (Question::Live, "retard 10", "late 10", "Late { minutes: Some(10) }"),
    (Question::Live, "demande : Aidez-moi à dire non", "request: Help me to say no", "Request"),
    (Question::Live, "stop", "stop", "Stop"),
    (Question::StepRequest, "Aidez-moi à dire non.", "Help me to say no.", "Request"),
    (Question::NoSubject, "relancer", "remind", "Remind"),
    (Question::NoSubject, "échange Bo", "swap Bo", "Swap { name: Some(\"Bo Lindgren\") }"),
    (Question::NoSubject, "ouvrir", "open", "Open"),
    (Question::Subject, "échange", "swap", "Swap"),
    (Question::Share, "partager", "all", "ShareAll"),
    (Question::Share, "titre", "title", "ShareTitle"),
    (Question::Share, "rien", "nothing", "ShareNothing"),
    (Question::Review, "ok", "ok", "Approve"),
    (Question::Review, "retirer", "withdraw", "Withdraw"),
    (Question::Review, "tout partager", "share all", "ShareAll"),
    (
        Question::Progress,
        "1 fait, 2 en cours",
        "1 done, 2 started",
        "Progress { actions: [Some(Done), Some(Started)] }",
    ),
    (
        Question::Progress,
        "1 bloqué, 2 abandonné",
        "1 stuck, 2 dropped",
        "Progress { actions: [Some(Stuck), Some(Dropped)] }",
    ),
    (Question::Attendance, "10 minutes de retard", "10 minutes late", "Late { minutes: Some(10) }"),
    (Question::Attendance, "annuler", "undo", "Undo"),
    (Question::Note, "humain", "person", "Person"),
];

#[test]
fn every_word_that_is_offered_is_understood() {
    let words = Words::embedded().unwrap();
    let today = chrono::NaiveDate::from_ymd_opt(2026, 12, 8).unwrap();
    let context = Context {
        today,
        actions: 2,
        names: vec!["Ana Lopes".to_owned(), "Bo Lindgren".to_owned()],
        ..Context::default()
    };
    let mut wrong = Vec::new();
    for (question, french, english, meaning) in OFFERED {
        for (language, text) in [("fr", french), ("en", english)] {
            let heard = words.understand(Some(question), &language.parse().unwrap(), text, &context);
            let said = format!("{:?}", heard.meaning);
            if !said.starts_with(meaning) || heard.certainty != Certainty::Sure {
                wrong.push(format!("{} {text:?}: {said} ({:?}), not {meaning}", question.name(), heard.certainty));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_marks_of_a_plan_and_of_a_learning_are_understood() {
    let words = Words::embedded().unwrap();
    let today = chrono::NaiveDate::from_ymd_opt(2026, 12, 8).unwrap();
    let context = Context { today, ..Context::default() };
    for (text, shared) in [
        ("Appeler Paul pour convenir d’un point chaque lundi, avant le 15/12 (partager)", true),
        ("Call Paul to agree on a talk every Monday, by 15 December (share)", true),
        ("Appeler Paul avant le 15/12", false),
    ] {
        let lines = codevd::words::plan(&words, text, today);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(
            (lines[0].shared, lines[0].due),
            (shared, today.checked_add_days(chrono::Days::new(7))),
            "{lines:?}"
        );
    }
    for (language, text) in [("fr", "anonyme\nJe prépare trop."), ("en", "anonymous\nI prepare too much.")] {
        let heard = words.understand(Some(Question::Learning), &language.parse().unwrap(), text, &context);
        assert_eq!(format!("{:?}", heard.meaning), "Text { anonymous: true }", "{text}");
    }
}

//! The words that mails offer are understood as what they promise, in each language.

use codevd::core::event::Certainty;
use codevd::core::{Language, Meaning, Question};
use codevd::render::Renderer;
use codevd::words::{Context, Words};
use std::collections::BTreeMap;

#[derive(serde::Deserialize)]
struct Choice {
    word: String,
}

/// What each choice stands for, in the order of `choices.toml`.
fn promised(question: Question) -> Vec<&'static str> {
    match question {
        Question::Attendance => vec!["yes", "no", "maybe"],
        Question::Subject => vec!["swap"],
        Question::Share => vec!["share_all", "share_title", "share_nothing"],
        Question::NoSubject => vec!["remind", "swap", "open"],
        Question::Volunteer => vec!["yes", "no"],
        Question::Live => vec!["next", "extend", "pause", "stop"],
        Question::Review => vec!["approve", "withdraw"],
        Question::Counter | Question::Confirm => vec!["yes", "no"],
        _ => Vec::new(),
    }
}

/// The question that a name in `choices.toml` stands for: its own, or that of a mail which asks it in other words.
fn question(name: &str) -> Question {
    match name {
        "was_it_you" | "away_check" => Question::Confirm,
        question => serde_json::from_value(question.into()).expect("a question's name"),
    }
}

fn name(meaning: &Meaning) -> String {
    serde_json::to_value(meaning).unwrap()["meaning"].as_str().unwrap().to_owned()
}

#[test]
fn every_word_on_a_button_is_understood_as_it_says() {
    let words = Words::embedded().unwrap();
    let mut wrong = Vec::new();
    for (path, text) in Renderer::embedded_files() {
        let Some(language) = path.strip_suffix("/choices.toml") else { continue };
        let language: Language = language.parse().unwrap();
        let all: BTreeMap<String, Vec<Choice>> = toml::from_str(&text).unwrap();
        let asked = all.iter().map(|(name, choices)| (question(name), choices));
        for (question, choices) in asked.filter(|(q, _)| *q != Question::Progress) {
            let promised = promised(question);
            assert_eq!(choices.len(), promised.len(), "{path}: {question:?}");
            for (choice, meant) in choices.iter().zip(promised) {
                let heard = words.understand(Some(question), &language, &choice.word, &context());
                if name(&heard.meaning) != meant || heard.certainty != Certainty::Sure {
                    let word = &choice.word;
                    wrong.push(format!("{path}: {question:?} {word:?} is {:?}, {:?}", heard.meaning, heard.certainty));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn context() -> Context {
    Context {
        today: chrono::NaiveDate::from_ymd_opt(2026, 12, 1).unwrap(),
        actions: 2,
        names: vec!["Ana".to_owned(), "Bo".to_owned()],
        ..Context::default()
    }
}

/// Longer answers that mails name as examples.
#[test]
fn every_phrase_a_mail_suggests_is_understood() {
    let words = Words::embedded().unwrap();
    let cases = [
        ("fr", Question::Attendance, "en retard de 10 minutes", "late"),
        ("en", Question::Attendance, "10 minutes late", "late"),
        ("fr", Question::NoSubject, "échanger Bo", "swap"),
        ("en", Question::NoSubject, "swap Bo", "swap"),
        ("fr", Question::Live, "absent Ana", "absent"),
        ("en", Question::Live, "absent Ana", "absent"),
        ("fr", Question::Live, "demande : aidez-moi à dire non", "request"),
        ("en", Question::Live, "request: help me to say no", "request"),
        ("fr", Question::Note, "stop", "stop"),
        ("en", Question::Note, "stop", "stop"),
    ];
    for (language, question, text, meant) in cases {
        let heard = words.understand(Some(question), &language.parse().unwrap(), text, &context());
        assert_eq!(name(&heard.meaning), meant, "{language}: {question:?} {text:?}");
    }
}

//! Answers as people write them, as data in `tests/answers/*.toml`: what each is to be understood as.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use codevd::core::draft::Question;
use codevd::core::event::{Certainty, Meaning};
use codevd::core::ids::Language;
use codevd::words::{Context, Words, due, plan, strip_marks, to_json};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use std::sync::LazyLock;

static WORDS: LazyLock<Words> = LazyLock::new(|| Words::embedded().unwrap_or_else(|e| panic!("{e}")));

/// A Tuesday.
fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 24).unwrap()
}

fn context(actions: usize) -> Context {
    let names = ["Ana", "Paul Martin", "Jean-Luc", "Chloé"].map(str::to_owned).to_vec();
    let at = |d: u32, h: u32, m: u32| NaiveDate::from_ymd_opt(2026, 3, d).unwrap().and_hms_opt(h, m, 0).unwrap();
    // a Friday, a Tuesday, a Friday morning, a Wednesday afternoon
    let choices = vec![at(6, 18, 0), at(10, 18, 30), at(13, 9, 0), at(18, 14, 0)];
    Context { today: today(), actions, names, choices, ..Context::default() }
}

/// With the options that the group of cases lists, and its hour.
fn with_options(group: &Group) -> Context {
    let starts = group.starts.as_ref().map(|t| NaiveTime::parse_from_str(t, "%H:%M").unwrap());
    let mut context = Context { options: group.options.clone(), starts, ..context(group.actions) };
    if !group.choices.is_empty() {
        let hour = |t: &String| NaiveDateTime::parse_from_str(t, "%Y-%m-%dT%H:%M").unwrap();
        context.choices = group.choices.iter().map(hour).collect();
    }
    if let Some(today) = &group.today {
        context.today = today.parse().unwrap();
    }
    context
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    #[serde(default)]
    group: Vec<Group>,
    /// Texts that may be read in more than one way, and surely not in this one.
    #[serde(default)]
    never_sure: Vec<Group>,
    #[serde(default)]
    due: Vec<Due>,
    #[serde(default)]
    plan: Vec<Plan>,
}

/// Texts with one expected meaning; `with` are its parameters, `actions` how many were asked after.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    question: Option<Question>,
    meaning: String,
    /// The least certainty; "any" where it does not matter, "probable" means never sure.
    certainty: String,
    #[serde(default)]
    with: toml::Table,
    #[serde(default)]
    actions: usize,
    /// Negation or condition: a plain yes would be a wrong effect.
    #[serde(default)]
    trap: bool,
    #[serde(default)]
    options: Vec<String>,
    /// When the meeting begins, where that is known.
    starts: Option<String>,
    /// The days offered, where they are not the usual four.
    #[serde(default)]
    choices: Vec<String>,
    /// The day of the answer, where it is not the usual one.
    today: Option<String>,
    #[serde(default)]
    fr: Vec<String>,
    #[serde(default)]
    en: Vec<String>,
    #[serde(default)]
    de: Vec<String>,
    #[serde(default)]
    nl: Vec<String>,
    #[serde(default)]
    es: Vec<String>,
    #[serde(default)]
    it: Vec<String>,
}

impl Group {
    /// All texts with the language of who writes.
    fn texts(&self) -> impl Iterator<Item = (Language, &String)> {
        let all = [
            ("fr", &self.fr),
            ("en", &self.en),
            ("de", &self.de),
            ("nl", &self.nl),
            ("es", &self.es),
            ("it", &self.it),
        ];
        all.into_iter().flat_map(|(code, texts)| texts.iter().map(move |t| (code.parse().unwrap(), t)))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Due {
    date: String,
    texts: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    text: String,
    lines: Vec<Line>,
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
struct Line {
    text: String,
    #[serde(default)]
    due: Option<String>,
    #[serde(default)]
    shared: bool,
}

fn files() -> Vec<(String, Cases)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/answers");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let read = |p: std::path::PathBuf| {
        let text = std::fs::read_to_string(&p).unwrap();
        (
            p.file_name().unwrap().to_string_lossy().into_owned(),
            toml::from_str(&text).unwrap_or_else(|e| panic!("{p:?}: {e}")),
        )
    };
    paths.into_iter().map(read).collect()
}

fn as_expected(group: &Group, said: &Value) -> bool {
    let certainty = match group.certainty.as_str() {
        "any" => true,
        exact => said["certainty"] == exact,
    };
    let with = serde_json::to_value(&group.with).unwrap();
    let null = |v: &Value| if v == "null" { Value::Null } else { v.clone() };
    certainty
        && said["meaning"] == group.meaning.as_str()
        && with.as_object().unwrap().iter().all(|(k, v)| said[k] == null(v))
}

#[test]
fn answers_are_understood_as_expected() {
    let (mut count, mut traps, mut failed, mut wrong_effects) = (0, 0, Vec::new(), 0);
    let mut by_language = std::collections::BTreeMap::<String, usize>::new();
    for (file, cases) in files() {
        for group in &cases.group {
            for (language, text) in group.texts() {
                let heard = WORDS.understand(group.question, &language, text, &with_options(group));
                let said = to_json(&heard);
                count += 1;
                *by_language.entry(language.to_string()).or_default() += 1;
                traps += usize::from(group.trap);
                if !as_expected(group, &said) {
                    wrong_effects +=
                        usize::from(heard.certainty == Certainty::Sure && said["meaning"] != group.meaning.as_str());
                    failed.push(format!(
                        "{file} {:?} {text:?}: expected {} {} {:?}, got {said}",
                        group.question.map(Question::name),
                        group.meaning,
                        group.certainty,
                        group.with
                    ));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{} of {count} ({wrong_effects} wrong effects):\n{}", failed.len(), failed.join("\n"));
    assert!(count >= 500 && traps >= 80, "{count} cases, {traps} traps");
    // row 54 asks for 300 each
    assert!(["fr", "en"].iter().all(|language| by_language[*language] >= 2_000), "{by_language:?}");
}

#[test]
fn what_only_looks_like_an_answer_is_never_surely_one() {
    let mut failed = Vec::new();
    for (file, cases) in files() {
        for group in &cases.never_sure {
            for (language, text) in group.texts() {
                let heard = WORDS.understand(group.question, &language, text, &with_options(group));
                if heard.certainty == Certainty::Sure && to_json(&heard)["meaning"] == group.meaning.as_str() {
                    failed.push(format!("{file} {:?} {text:?}: surely {}", group.question, group.meaning));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn whoever_is_named_is_meant_where_no_member_is_known() {
    let context = Context { today: today(), ..Context::default() };
    for (language, text, meaning, name) in [
        ("fr", "Olivier n'est pas là", "absent", "Olivier"),
        ("fr", "Le micro de Thierno ne marche pas, passez sa parole", "pass", "Thierno"),
        ("en", "Just heard from Trish, she's not coming after all.", "absent", "Trish"),
        ("en", "Tom has nothing to say, pass over him", "pass", "Tom"),
        ("en", "Next please, Zoom is slow on Friday", "next", ""),
    ] {
        let heard = WORDS.understand(Some(Question::Live), &language.parse().unwrap(), text, &context);
        let said = to_json(&heard);
        assert_eq!(said["meaning"], meaning, "{text}");
        assert_eq!(said["name"].as_str().unwrap_or_default(), name, "{text}");
        assert_eq!(heard.certainty, Certainty::Probable, "{text}");
    }
}

#[test]
fn the_languages_are_both_tried_whoever_writes() {
    for (_, cases) in files() {
        for group in cases.group.iter().filter(|g| g.certainty == "sure") {
            let swapped = group
                .fr
                .iter()
                .map(|t| (Language::english(), t))
                .chain(group.en.iter().map(|t| (Language::french(), t)));
            for (language, text) in swapped {
                let said = to_json(&WORDS.understand(group.question, &language, text, &with_options(group)));
                assert_eq!(said["meaning"], group.meaning.as_str(), "{text:?} by a member with {language}");
            }
        }
    }
}

#[test]
fn deadlines_are_read_or_unknown() {
    let mut failed = Vec::new();
    for (_, cases) in files() {
        for case in &cases.due {
            for text in &case.texts {
                let got = due(&WORDS, text, today()).map_or("none".to_owned(), |d| d.to_string());
                if got != case.date {
                    failed.push(format!("{text:?}: expected {}, got {got}", case.date));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn plans_are_read_line_by_line() {
    for (_, cases) in files() {
        for case in &cases.plan {
            let got: Vec<Line> = plan(&WORDS, &case.text, today())
                .into_iter()
                .map(|l| Line { text: l.text, due: l.due.map(|d| d.to_string()), shared: l.shared })
                .collect();
            assert_eq!(got, case.lines, "{}", case.text);
        }
    }
}

#[test]
fn the_anonymous_mark_is_taken_off() {
    for (text, rest) in [
        ("J'ai appris à me taire.\nAnonyme", "J'ai appris à me taire."),
        ("(anonyme) J'ai appris", "J'ai appris"),
        ("I learned to listen [anonymous]", "I learned to listen"),
        ("Un don anonyme m'a aidé", "Un don anonyme m'a aidé"),
    ] {
        assert_eq!(strip_marks(&WORDS, text), rest);
    }
}

#[test]
fn a_mistake_in_a_word_list_is_told_with_file_and_line() {
    let good = include_str!("../templates/fr/words.toml");
    let bad = good.replacen("yes = [\"oui(?: oui)*\"", "yes = [\"oui(\"", 1);
    let error = Words::parse(&[(Language::french(), &bad)]).unwrap_err();
    let line = bad.lines().position(|l| l.contains("\"oui(\"")).unwrap() + 1;
    assert_eq!((error.file.as_str(), error.line), ("templates/fr/words.toml", line));
    assert!(error.to_string().contains("oui("), "{error}");
    let unknown = good.replacen("[phrases.common]\n", "[phrases.common]\nnonsense = []\n", 1);
    let error = Words::parse(&[(Language::french(), &unknown)]).unwrap_err();
    assert!(error.to_string().contains("nonsense"), "{error}");
}

fn any_question() -> impl Strategy<Value = Option<Question>> {
    prop::option::of(prop::sample::select(Question::ALL.to_vec()))
}

/// Letters, marks and signs that the rules look at, and any others.
const ANY: &str = "(?s)(oui|non|pas|mais|le 3|15/12|\\n|- |\\(partager\\)|l'|’|👍🏽|\\+5|[a-zé0-9 ]{0,8}|.{0,6}){0,40}";

proptest! {
    #![proptest_config(crate::cases(32))]

    #[test]
    fn any_text_is_read_without_panic(text in ANY, question in any_question(), actions in 0..5_usize) {
        let heard = WORDS.understand(question, &Language::french(), &text, &context(actions));
        prop_assert!(heard.is_none() == (heard.certainty == Certainty::None));
        to_json(&heard);
        plan(&WORDS, &text, today());
        strip_marks(&WORDS, &text);
        prop_assert!(due(&WORDS, &text, today()).is_none_or(|d| d >= today()));
    }

    #[test]
    fn a_yes_at_the_start_of_a_long_text_is_a_yes(
        yes in prop::sample::select(vec!["Oui", "Oui !", "Bonjour, oui", "Yes", "Je serai là", "Hi all, yes I'll be there"]),
        tail in prop::collection::vec(prop::sample::select(vec![
            "la", "réunion", "dernière", "était", "riche", "et", "le", "groupe", "apporte", "beaucoup", "we", "talked", "about",
            "work", "the", "project", "avec", "nos", "collègues", "dans", "entreprise",
        ]), 40..90),
    ) {
        let text = format!("{yes}. {}.", tail.join(" "));
        let heard = WORDS.understand(Some(Question::Attendance), &Language::french(), &text, &context(0));
        prop_assert_eq!(heard.meaning, Meaning::Yes);
    }
}

#[test]
fn a_text_ten_times_as_long_takes_no_hundred_times_as_long() {
    let read = |n: usize| {
        let text = "oui mais pas avant le 3 décembre, je ne sais pas. ".repeat(n);
        let start = crate::worked();
        WORDS.understand(Some(Question::Attendance), &Language::french(), &text, &context(0));
        plan(&WORDS, &text, today());
        crate::worked() - start
    };
    read(10);
    let mut times = Vec::new();
    // a machine that was busy elsewhere is asked again
    let linear = (0..5).any(|_| {
        let (short, long) = (read(15).max(std::time::Duration::from_millis(2)), read(150));
        times.push((short, long));
        long < short * 60
    });
    assert!(linear, "for 750 bytes and for 7500: {times:?}");
}

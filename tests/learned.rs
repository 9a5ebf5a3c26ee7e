//! Learns from answers of which it is known what they mean: those of `tests/answers` and `tests/lessons`.
//! `BLESS=1 cargo test --test all weights -- --ignored` writes `templates/answers.weights` anew.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers")]

use chrono::{NaiveDate, NaiveDateTime};
use codevd::core::draft::Question;
use codevd::core::event::Certainty;
use codevd::core::ids::Language;
use codevd::words::days::{DAY, UNSAID};
use codevd::words::learned::{Features, Learned, STEP, Weights};
use codevd::words::{Context, Words, to_json};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Times that all lessons are gone through.
const ROUNDS: usize = 8;
/// Length of the first steps.
const PACE: f32 = 0.5;
/// How much a weight is drawn to nothing, a step.
const DECAY: f32 = 2e-5;
/// What is met once is remembered only as a part of what is met again.
const OFTEN: usize = 2;

/// An answer, and what it means.
#[derive(Debug, Clone, Deserialize)]
struct Lesson {
    question: Question,
    lang: Language,
    text: String,
    meaning: String,
    #[serde(default)]
    context: Given,
    /// Of a date poll: what is said of each day offered, from 1.
    #[serde(default)]
    choices: BTreeMap<u32, String>,
}

/// What was asked.
#[derive(Debug, Clone, Default, Deserialize)]
struct Given {
    #[serde(default)]
    names: Option<Vec<String>>,
    #[serde(default)]
    options: Vec<String>,
    #[serde(default)]
    choices: Vec<String>,
    #[serde(default)]
    today: Option<NaiveDate>,
}

impl Lesson {
    fn names(&self) -> Vec<String> {
        let usual = || ["Ana", "Paul Martin", "Jean-Luc", "Chloé"].map(str::to_owned).to_vec();
        self.context.names.clone().unwrap_or_else(usual)
    }

    fn context(&self) -> Context {
        Context {
            today: self.context.today.unwrap_or_else(|| NaiveDate::from_ymd_opt(2026, 2, 20).unwrap()),
            actions: 1,
            names: self.names(),
            choices: self
                .context
                .choices
                .iter()
                .map(|c| NaiveDateTime::parse_from_str(c, "%Y-%m-%dT%H:%M").unwrap())
                .collect(),
            options: self.context.options.clone(),
            starts: None,
        }
    }
}

#[derive(Deserialize)]
struct Cases {
    #[serde(default)]
    group: Vec<toml::Table>,
}

fn paths(folder: &str) -> Vec<std::path::PathBuf> {
    let folder = format!("{}/tests/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The days that the cases are about, as in `tests/words.rs`.
fn polled() -> Given {
    let choices = ["2026-03-06T18:00", "2026-03-10T18:30", "2026-03-13T09:00", "2026-03-18T14:00"];
    Given { choices: choices.map(str::to_owned).to_vec(), ..Given::default() }
}

/// The cases that the phrases were written for.
fn cases() -> Vec<Lesson> {
    let mut lessons = Vec::new();
    for path in paths("answers") {
        let cases: Cases = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for group in &cases.group {
            // an hour that the words don't tell is nothing to learn from
            let Some(question) = group.get("question").filter(|_| !group.contains_key("starts")) else { continue };
            let question: Question = question.clone().try_into().unwrap();
            let said = group.get("with").and_then(|with| with.get("choices"));
            let said: BTreeMap<u32, String> = said.map_or_else(BTreeMap::new, |said| {
                said.as_table().unwrap().iter().map(|(n, s)| (n.parse().unwrap(), s.as_str().unwrap().into())).collect()
            });
            let offered = group.get("choices").map(|offered| offered.clone().try_into::<Vec<String>>().unwrap());
            let today = group.get("today").map(|day| day.as_str().unwrap().parse().unwrap());
            let offered = offered.map_or_else(polled, |choices| Given { choices, today, ..Given::default() });
            for (lang, texts) in group.iter().filter(|(key, _)| key.len() == 2) {
                for text in texts.as_array().unwrap() {
                    lessons.push(Lesson {
                        question,
                        lang: lang.parse().unwrap(),
                        text: text.as_str().unwrap().to_owned(),
                        meaning: group["meaning"].as_str().unwrap().to_owned(),
                        context: if question == Question::DatePoll { offered.clone() } else { Given::default() },
                        choices: said.clone(),
                    });
                }
            }
        }
    }
    lessons
}

/// Answers that no phrase was written for, a JSON object a line.
fn lessons() -> Vec<Lesson> {
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text.lines().enumerate().map(|(i, line)| {
            serde_json::from_str(line).unwrap_or_else(|e| panic!("{}:{}: {e}", path.display(), i + 1))
        });
        lines.collect::<Vec<Lesson>>()
    };
    paths("lessons").into_iter().flat_map(read).collect()
}

/// Words that mean the same whatever was asked.
const UNIVERSAL: [&str; 3] = ["help", "undo", "person"];

/// Steps of a weight that make no difference.
const LITTLE: u8 = 4;

/// A text's features as places in a table, and its class.
struct Sample {
    features: Vec<(usize, f32)>,
    class: usize,
}

/// The next of a row of numbers without order, the same each time.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize
}

/// Multinomial logistic regression by stochastic gradient descent, each weight at its own pace (AdaGrad).
fn learn_question(texts: &[(&Features, &str)]) -> Weights {
    let mut classes: Vec<String> = texts.iter().map(|(_, m)| (*m).to_owned()).collect();
    classes.sort();
    classes.dedup();
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for (features, _) in texts {
        for (f, _) in features.parts_of_one() {
            *counts.entry(f).or_default() += 1;
        }
    }
    let keys: Vec<u32> = counts.into_iter().filter(|(_, n)| *n >= OFTEN).map(|(f, _)| f).collect();
    let sample = |(features, meaning): &(&Features, &str)| Sample {
        features: features.parts_of_one().filter_map(|(f, x)| Some((keys.binary_search(&f).ok()?, x))).collect(),
        class: classes.iter().position(|c| c == meaning).unwrap(),
    };
    let samples: Vec<Sample> = texts.iter().map(sample).collect();
    let many = classes.len();
    let mut weights = vec![0.0_f32; (keys.len() + 1) * many];
    let mut paces = vec![1e-3_f32; weights.len()];
    let mut order: Vec<usize> = (0..samples.len()).collect();
    let mut state = 7;
    for _ in 0..ROUNDS {
        for i in (1..order.len()).rev() {
            order.swap(i, next(&mut state) % (i + 1));
        }
        for i in &order {
            descend(&samples[*i], keys.len(), many, &mut weights, &mut paces);
        }
    }
    let rows: Vec<i8> = weights.iter().map(|w| (w / STEP).round().clamp(-127.0, 127.0) as i8).collect();
    // what says little of any class is left out
    let says = |row: &[i8]| row.iter().any(|w| w.unsigned_abs() >= LITTLE);
    let kept = keys.iter().zip(rows.chunks(many)).filter(|(_, row)| says(row));
    let (keys, mut few): (Vec<u32>, Vec<i8>) =
        kept.fold(<(Vec<u32>, Vec<i8>)>::default(), |(mut k, mut r), (key, row)| {
            k.push(*key);
            r.extend(row);
            (k, r)
        });
    few.extend(&rows[rows.len() - many..]);
    Weights { classes, keys, rows: few }
}

/// One step for one text.
fn descend(sample: &Sample, last: usize, many: usize, weights: &mut [f32], paces: &mut [f32]) {
    let rows = || sample.features.iter().copied().chain([(last, 1.0)]);
    let mut sums = vec![0.0_f32; many];
    for (row, x) in rows() {
        for (sum, w) in sums.iter_mut().zip(&weights[row * many..]) {
            *sum += w * x;
        }
    }
    let most = sums.iter().copied().fold(f32::MIN, f32::max);
    let total: f32 = sums.iter().map(|s| (s - most).exp()).sum();
    let errors: Vec<f32> =
        (0..many).map(|c| (sums[c] - most).exp() / total - if c == sample.class { 1.0 } else { 0.0 }).collect();
    for (row, x) in rows() {
        for (c, error) in errors.iter().enumerate() {
            let at = row * many + c;
            let slope = error * x + DECAY * weights[at];
            paces[at] += slope * slope;
            weights[at] -= PACE * slope / paces[at].sqrt();
        }
    }
}

/// A lesson as the model is shown it: read once, however often it is taught.
struct Shown<'l> {
    lesson: &'l Lesson,
    features: Features,
    /// Of a date poll, day by day, with what is said of each.
    days: Vec<(Features, &'l str)>,
}

/// The cases, and the lessons.
static SHOWN: LazyLock<[Vec<Shown<'static>>; 2]> =
    LazyLock::new(|| [shown(cases().leak(), true), shown(lessons().leak(), false)]);

/// The phrases were written for the cases: how far they are to be trusted is told by the lessons alone.
fn shown(lessons: &'static [Lesson], written: bool) -> Vec<Shown<'static>> {
    let words = Words::embedded().unwrap().taught(Learned::default());
    let show = |lesson: &'static Lesson| {
        let plain = words.features(&lesson.text, &lesson.names());
        let poll = lesson.question == Question::DatePoll;
        if written {
            let days = if poll { days(&words, lesson) } else { Vec::new() };
            let days = days.into_iter().map(|(f, said)| (Features { heard: None, ..f }, said)).collect();
            return Shown { lesson, features: plain, days };
        }
        let said = to_json(&words.first_reading(lesson.question, &lesson.lang, &lesson.text, &lesson.context()));
        let features = plain.heard(said["meaning"].as_str().unwrap(), said["certainty"].as_str().unwrap());
        let days = if poll && !lesson.context.choices.is_empty() { days(&words, lesson) } else { Vec::new() };
        Shown { lesson, features, days }
    };
    let (first, second) = lessons.split_at(lessons.len() / 2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| second.iter().map(show).collect::<Vec<_>>());
        let mut all: Vec<_> = first.iter().map(show).collect();
        all.extend(other.join().unwrap());
        all
    })
}

fn learn<'s>(cases: &'s [Shown<'_>], lessons: impl Iterator<Item = &'s Shown<'s>>) -> Learned {
    let lessons: Vec<&Shown<'_>> = lessons.collect();
    let of_days = lessons.iter().copied().chain(cases).flat_map(|l| &l.days);
    let all_days: Vec<_> = of_days.map(|(f, said)| (f, *said)).collect();
    let lessons: Vec<&Shown<'_>> = cases.iter().chain(lessons).collect();
    let mut all = BTreeMap::from([(DAY.to_owned(), learn_question(&all_days))]);
    for question in Question::ALL {
        let meant = |l: &&'s Shown<'_>| (&l.features, l.lesson.meaning.as_str());
        let own = lessons.iter().filter(|l| l.lesson.question == question);
        let universal = |l: &Lesson| l.question != question && UNIVERSAL.contains(&l.meaning.as_str());
        let texts: Vec<(&Features, &str)> = own.map(meant).collect();
        let several = texts.iter().any(|(_, m)| *m != texts[0].1);
        if several && texts.len() > 20 && takes_part(question) {
            let others = lessons.iter().filter(|l| universal(l.lesson)).map(meant);
            let texts: Vec<_> = texts.into_iter().chain(others).collect();
            all.insert(question.name().to_owned(), learn_question(&texts));
        }
    }
    Learned::new(all)
}

/// What a poll shows of each day offered, and what is said of it.
fn days<'l>(words: &Words, lesson: &'l Lesson) -> Vec<(Features, &'l str)> {
    let heard = words.first_reading(lesson.question, &lesson.lang, &lesson.text, &lesson.context());
    let features = words.day_features(&lesson.lang, &lesson.text, &lesson.context(), &heard);
    let said = |day: usize| match lesson.meaning.as_str() {
        "none_works" => "no",
        "answers" => lesson.choices.get(&u32::try_from(day + 1).unwrap()).map_or(UNSAID, String::as_str),
        _ => UNSAID,
    };
    features.into_iter().enumerate().map(|(day, features)| (features, said(day))).collect()
}

/// Free text is taken as it is; but for the one sentence, which is asked back if it looks like none.
fn takes_part(question: Question) -> bool {
    use Question::{ActionPlan, Contribution, LastCall, Learning, Note, Subject};
    !matches!(question, ActionPlan | Contribution | LastCall | Learning | Note | Subject)
}

#[test]
#[ignore = "learns for a minute: .ci/run runs it"]
fn the_weights_are_what_the_lessons_teach() {
    let [cases, lessons] = &*SHOWN;
    let learned = learn(cases, lessons.iter());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/templates/answers.weights");
    if std::env::var("BLESS").is_ok() {
        std::fs::write(path, learned.to_bytes()).unwrap();
    }
    let kept = std::fs::read(path).unwrap();
    assert!(kept == learned.to_bytes(), "BLESS=1 cargo test --test all weights -- --ignored writes {path} anew");
    assert_eq!(Learned::from_bytes(&kept).unwrap().to_bytes(), kept);
}

/// How many are right, and how many were acted on though they are wrong.
fn score(words: &Words, asked: &[&Lesson], tell: bool) -> (usize, usize) {
    let (mut right, mut wrong) = (0, 0);
    for lesson in asked {
        let heard = words.understand(Some(lesson.question), &lesson.lang, &lesson.text, &lesson.context());
        let said = to_json(&heard);
        let meant = said["meaning"] == lesson.meaning.as_str();
        let days = serde_json::to_value(&lesson.choices).unwrap();
        let same = meant && (lesson.choices.is_empty() || said["choices"] == days);
        right += usize::from(same);
        wrong += usize::from(!same && heard.certainty == Certainty::Sure);
        if tell && !same {
            println!("{} {:?}: {} is not {said}", lesson.question.name(), lesson.text, lesson.meaning);
        }
    }
    (right, wrong)
}

/// How many were asked, how many are right, by the phrases alone and with what was learned, and how many would be acted
/// on and are wrong.
#[derive(Debug, Default)]
struct Score {
    many: usize,
    alone: usize,
    right: usize,
    wrong: usize,
}

impl Score {
    fn of(words: &Words, learned: &Learned, held: &[&Lesson]) -> Self {
        let (right, wrong) = score(&words.clone().taught(learned.clone()), held, std::env::var("TELL").is_ok());
        Self { many: held.len(), alone: score(words, held, false).0, right, wrong }
    }

    fn add(&mut self, other: &Self) {
        self.many += other.many;
        self.alone += other.alone;
        self.right += other.right;
        self.wrong += other.wrong;
    }

    fn holds(&self, what: &str, percent: usize, one_in: usize) -> bool {
        let Self { many, alone, right, wrong } = self;
        println!(
            "{what}: {many} that the model was not taught; the phrases, partly written since, understand {alone}, \
             with what was learned {right}; {wrong} would be acted on and are wrong"
        );
        right * 100 >= many * percent && wrong * one_in <= *many
    }
}

#[test]
#[ignore = "learns twice, of five times that TESTS=whole learns"]
fn what_was_never_seen_is_understood() {
    let words = Words::embedded().unwrap().taught(Learned::default());
    let [cases, lessons] = &*SHOWN;
    let asked = std::env::var("ASKED").ok();
    let wished = |l: &&Shown<'_>| asked.as_ref().is_none_or(|asked| l.lesson.question.name() == asked);
    let lessons: Vec<_> = lessons.iter().filter(wished).collect();
    let scores = std::sync::Mutex::new([Score::default(), Score::default(), Score::default()]);
    let written_in = [Language::french(), Language::english()];
    let fold = |fold: usize| {
        let (held, taught): (Vec<_>, Vec<_>) = lessons.iter().copied().enumerate().partition(|(i, _)| i % 5 == fold);
        let learned = learn(cases, taught.into_iter().map(|(_, l)| l));
        let (polls, others): (Vec<&Lesson>, Vec<&Lesson>) =
            held.into_iter().map(|(_, l)| l.lesson).partition(|l| l.question == Question::DatePoll);
        let (full, light): (Vec<&Lesson>, Vec<&Lesson>) =
            others.into_iter().partition(|l| written_in.contains(&l.lang));
        let found = [&full, &light, &polls].map(|held| Score::of(&words, &learned, held));
        scores.lock().unwrap().iter_mut().zip(&found).for_each(|(score, found)| score.add(found));
    };
    // others with each commit
    let first = crate::seed();
    let folds: Vec<usize> = (0..5).filter(|n| crate::whole() || (*n as u64 + first) % 5 < 2).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let some = || {
        while let Some(one) = folds.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
            fold(*one);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, std::num::NonZero::get) {
            scope.spawn(some);
        }
    });
    let [answers, light, days] = scores.into_inner().unwrap();
    // each day of a poll must be right
    let hold = [
        answers.holds("answers", 88, 300),
        light.holds("answers in lighter languages", 55, 100),
        days.holds("date polls", 72, 100),
    ];
    assert_eq!(hold, [true; 3], "see above");
}

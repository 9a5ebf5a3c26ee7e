//! What is refused or put off is never read as asked for: each way of not wanting of `tests/negated.toml` before each
//! thing that can be wanted.

use chrono::NaiveDate;
use codevd::core::draft::Question;
use codevd::core::event::Certainty;
use codevd::core::ids::Language;
use codevd::words::{Context, Words, to_json};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    frames: Frames,
    command: Vec<Command>,
}

#[derive(Deserialize)]
struct Frames {
    fr: Vec<String>,
    en: Vec<String>,
}

#[derive(Deserialize)]
struct Command {
    question: Question,
    never: String,
    /// What is harmless by itself, and asked back, may be guessed.
    #[serde(default)]
    surely: bool,
    fr: Vec<String>,
    #[serde(default)]
    orders: Vec<String>,
    #[serde(default)]
    first: Vec<String>,
    en: Vec<String>,
}

impl Command {
    fn texts(&self, frames: &Frames) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        for frame in &frames.en {
            all.extend(self.en.iter().map(|verb| ("en", frame.replace("{do}", verb))));
        }
        for frame in &frames.fr {
            all.extend(self.french(frame).into_iter().map(|text| ("fr", elided(&text))));
        }
        all
    }

    fn french(&self, frame: &str) -> Vec<String> {
        let cut = |mark: &str, verb: &String| {
            let (verb, rest) = verb.split_once('|').unwrap();
            frame.replace(mark, verb).replace("{rest}", rest)
        };
        match frame {
            _ if frame.contains("{order}") => self.orders.iter().map(|verb| cut("{order}", verb)).collect(),
            _ if frame.contains("{i}") => self.first.iter().map(|verb| cut("{i}", verb)).collect(),
            _ => self.fr.iter().map(|verb| frame.replace("{do}", verb)).collect(),
        }
    }
}

/// "Ne envoyez" is "n'envoyez".
fn elided(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let mut all = String::new();
    for (i, word) in words.iter().enumerate() {
        let vowel = words.get(i + 1).is_some_and(|next| next.starts_with(['a', 'e', 'é', 'i', 'o', 'u', 'y']));
        match *word {
            "ne" | "Ne" | "de" if vowel => all += &format!("{}'", &word[..1]),
            _ => all += &format!("{word} "),
        }
    }
    all.trim_end().to_owned()
}

#[test]
fn what_is_refused_is_not_asked_for() {
    let file: File = toml::from_str(&std::fs::read_to_string("tests/negated.toml").unwrap()).unwrap();
    let words = Words::embedded().unwrap();
    let day = |d| NaiveDate::from_ymd_opt(2026, 12, d).unwrap();
    let context = Context {
        today: day(1),
        actions: 2,
        names: vec!["Marie Durand".to_owned(), "Paul Petit".to_owned()],
        choices: [8, 10].map(|d| day(d).and_hms_opt(18, 0, 0).unwrap()).to_vec(),
        ..Context::default()
    };
    let tell = |command: &Command| {
        let mut texts = command.texts(&file.frames);
        assert!(texts.len() > 5, "{:?} {}: too few texts", command.question, command.never);
        let asked = texts.len();
        if !crate::whole() {
            texts = texts.into_iter().step_by(3).collect();
        }
        let wrong = texts.into_iter().filter_map(|(lang, text)| {
            let language: Language = lang.parse().unwrap();
            let heard = words.understand(Some(command.question), &language, &text, &context);
            let counts = !command.surely || heard.certainty == Certainty::Sure;
            let is_it = counts && to_json(&heard)["meaning"] == command.never.as_str();
            is_it.then(|| format!("{:?} {text:?} is {} {:?}", command.question, command.never, heard.certainty))
        });
        (asked, wrong.collect::<Vec<_>>())
    };
    let (one, others) = file.command.split_at(file.command.len() / 2);
    let half = |commands: &[Command]| commands.iter().map(&tell).collect::<Vec<_>>();
    let told = std::thread::scope(|scope| {
        let other = scope.spawn(|| half(others));
        [half(one), other.join().unwrap()].concat()
    });
    let asked: usize = told.iter().map(|(asked, _)| asked).sum();
    let wrong: Vec<String> = told.into_iter().flat_map(|(_, wrong)| wrong).collect();
    assert!(asked > 4000, "{asked} texts");
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
}

//! A second opinion on what the phrases say: what was learned from other answers (`learned.rs`) may understand what no phrase
//! does, contradict what was only probable, and make what was sure be asked back. By itself it is never sure.

use super::label::Label;
use super::learned::Features;
use super::normal::Token;
use super::{Ask, Context, Heard, Words, json, normal};
use crate::core::draft::Question;
use crate::core::event::{Certainty, Meaning};
use crate::core::ids::Language;
use crate::core::meeting::Progress;

/// From here on it speaks where the phrases say nothing, or only something probable: likelier than all else together.
const SPEAKS: f32 = 0.5;
/// Of texts with more words than this too few were learned from.
const LONG: usize = 60;
/// What means the same whatever was asked is said more rarely than it seems.
const INSISTS: f32 = 0.9;
const UNIVERSAL: [&str; 4] = ["help", "stop", "undo", "person"];
/// What changes things for others at once: never guessed where something is negated ("je ne valide pas").
const FOR_GOOD: [&str; 5] = ["approve", "all", "open", "swap", "remind"];
/// What is sure stays so where at least this much speaks for it.
const AGREES: f32 = 0.5;
/// Minutes of "plus de temps" without a number.
const MINUTES: u32 = 5;

impl Words {
    /// What a text shows to the model; `names` are the members'.
    pub fn features(&self, text: &str, names: &[String]) -> Features {
        let names: Vec<String> = names.iter().map(|n| normal::folded(n)).collect();
        let is_name = |word: &str| names.iter().any(|n| n.split(' ').any(|part| part == word));
        Features::of(&self.lexicon.spelling.normal(super::head(text)), is_name)
    }

    /// What the phrases heard, weighed against what such answers meant before.
    pub(super) fn second_opinion(
        &self,
        question: Question,
        language: &Language,
        text: &str,
        context: &Context,
        heard: Heard,
    ) -> Heard {
        if text.split_whitespace().nth(LONG).is_some() {
            return heard;
        }
        let features = self.features(text, &context.names).heard(&class_of(&heard), certainty(&heard));
        let shares = self.learned.weigh(question.name(), &features);
        let Some(&(class, share)) = shares.first() else { return heard };
        let said = class_of(&heard);
        let reading = self.read_in(super::tables(Some(question)), super::head(text), &self.tongues(language, false));
        let ask = Ask { words: self, reading, text, context };
        if question == Question::DatePoll && (class == "answers" || share < SPEAKS || class == "none_works") {
            if ask.told_of_another() {
                return heard;
            }
            return self.days(language, text, context, &heard).unwrap_or(heard);
        }
        if heard.certainty == Certainty::Sure {
            let share = shares.iter().find(|(class, _)| *class == said).map_or(0.0, |(_, share)| *share);
            return if share < AGREES { Heard::probable(heard.meaning) } else { heard };
        }
        // "40 minuti di ritardo", of which a phrase knew only that somebody is late
        if class == said && heard.meaning == (Meaning::Late { minutes: None }) {
            return ask.meant(class).unwrap_or(heard);
        }
        // "bleu" was beside a yes once: a single word tells little
        let alone = features.words.len() <= 1;
        let enough = if alone || UNIVERSAL.contains(&class) { INSISTS } else { SPEAKS };
        if share < enough || class == said || super::is_free(Some(question)) {
            return heard;
        }
        // a machine's answer is nobody's
        let ruled_out = ask.reading.has(Label::Auto) || (class != "none" && ask.rules_out(question, class));
        let meant = if ruled_out { None } else { ask.meant(class) };
        meant.unwrap_or(heard)
    }
}

pub(super) fn certainty(heard: &Heard) -> &'static str {
    match heard.certainty {
        Certainty::Sure => "sure",
        Certainty::Probable => "probable",
        Certainty::None => "none",
    }
}

/// The class of what was heard.
fn class_of(heard: &Heard) -> String {
    json::to_json(heard)["meaning"].as_str().unwrap_or("none").to_owned()
}

impl Ask<'_> {
    /// A class with what the text carries for it; nothing where that can't be told.
    fn meant(&self, class: &str) -> Option<Heard> {
        if FOR_GOOD.contains(&class) && self.reading.has(Label::Negation) {
            return None;
        }
        let minutes = self.sole_number();
        let meaning = match class {
            "none" => return Some(Heard::none()),
            "yes" => Meaning::Yes,
            "no" => Meaning::No,
            "maybe" => Meaning::Maybe,
            "late" => Meaning::Late { minutes },
            "new_time" => Meaning::NewTime,
            "all" => Meaning::ShareAll,
            "title_only" => Meaning::ShareTitle,
            "nothing" => Meaning::ShareNothing,
            "correction" => Meaning::Correction,
            "approve" => Meaning::Approve,
            "withdraw" => Meaning::Withdraw,
            "remind" => Meaning::Remind,
            "open" => Meaning::Open,
            "swap" => Meaning::Swap { name: self.sole_member() },
            "next" => Meaning::Next,
            "back" => Meaning::Back,
            "pause" => Meaning::Pause,
            "resume" => Meaning::Resume { move_end: false },
            "extend" => Meaning::Extend { minutes: minutes.unwrap_or(MINUTES), move_end: false },
            "shorten" => Meaning::Shorten { minutes: minutes.unwrap_or(MINUTES) },
            "stop" => Meaning::Stop,
            "absent" => Meaning::Absent { name: self.sole_member()? },
            "pass" => Meaning::Pass { name: self.sole_member()? },
            "none_works" => Meaning::NoneWorks,
            "no_preference" => Meaning::NoPreference,
            "agree" => Meaning::Agree,
            "refuse" => Meaning::Refuse,
            "question" => Meaning::Asked,
            "keep" => Meaning::Keep,
            "move" => Meaning::Move,
            "short" => Meaning::Short,
            "cancel" => Meaning::Cancel,
            "help" => Meaning::Help,
            "undo" => Meaning::Undo,
            "person" => Meaning::Person,
            state => self.progressed(state)?,
        };
        Some(Heard::probable(meaning))
    }

    /// The state of the one action that was asked after.
    fn progressed(&self, state: &str) -> Option<Meaning> {
        let state = match state {
            "done" => Progress::Done,
            "started" => Progress::Started,
            "stuck" => Progress::Stuck,
            "dropped" => Progress::Dropped,
            _ => return None,
        };
        (self.context.actions <= 1).then(|| Meaning::Progress { actions: vec![Some(state)] })
    }

    /// The one number of a text, or that of minutes, if it may be minutes.
    fn sole_number(&self) -> Option<u32> {
        let tokens = &self.reading.normal.tokens;
        let number = |t: &&Token| t.text.starts_with(|c: char| c.is_ascii_digit() || c == '+');
        let of_minutes = || tokens.windows(2).find(|w| number(&&w[0]) && w[1].text == "min").map(|w| &w[0]);
        let mut numbers = tokens.iter().filter(number);
        let sole = numbers.next().filter(|_| numbers.next().is_none());
        let one = sole.or_else(of_minutes)?;
        one.text.trim_start_matches('+').parse().ok().filter(|n| (1..=120).contains(n))
    }
}

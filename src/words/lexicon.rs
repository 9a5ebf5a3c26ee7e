//! Reading `templates/<lang>/words.toml`: its shape, its checks, and errors that name file and line.

use super::arrival::ArrivalWords;
use super::dates::DateWords;
use super::label::Label;
use super::normal::Spelling;
use super::offered::OfferedWords;
use super::plan::PlanWords;
use super::scan::{Phrase, Table, bordered};
use super::typos::Typos;
use crate::core::ids::Language;
use regex::Regex;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use toml::Spanned;

/// Why word lists can't be used: what was found, where, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {found}; expected {expected}")]
pub struct WordsError {
    /// The file, by its language: `templates/fr/words.toml`.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What stood there.
    pub found: String,
    /// What would have been right.
    pub expected: String,
}

/// Phrases by what they say.
pub(super) type Lists = BTreeMap<Label, Vec<Spanned<String>>>;

/// One language's file; the head of `templates/fr/words.toml` explains each part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The common words alone: they count for members of that language, and where nothing else was understood.
    #[serde(default)]
    light: bool,
    #[serde(default)]
    parts: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    spelling: BTreeMap<String, String>,
    #[serde(default)]
    alone: BTreeMap<String, String>,
    #[serde(default)]
    signs: BTreeMap<String, String>,
    #[serde(default)]
    numbers: BTreeMap<String, u32>,
    #[serde(default)]
    dictation: BTreeMap<String, String>,
    #[serde(default)]
    dates: RawDates,
    #[serde(default)]
    plan: RawPlan,
    #[serde(default)]
    persons: Persons,
    #[serde(default)]
    offered: OfferedWords,
    #[serde(default)]
    arrival: ArrivalWords,
    /// Words so often mistyped that one letter too many, too few or wrong is read over.
    #[serde(default)]
    typos: RawTypos,
    /// "Non, enfin", "no wait": what stood before is taken back.
    #[serde(default)]
    corrections: RawWrappers,
    /// Polite ways into a request: "pourriez-vous"; what they wrap is read without them.
    #[serde(default)]
    wrappers: RawWrappers,
    /// "Inutile de", "do not": what they stand before, or around, is not wanted.
    #[serde(default)]
    refusals: RawRefusals,
    phrases: BTreeMap<TableName, Lists>,
    /// Phrases with gaps, tried where the others find nothing; never sure.
    #[serde(default)]
    loose: BTreeMap<TableName, Lists>,
}

/// `[typos]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTypos {
    /// Words that are read over one slip.
    words: Vec<String>,
    /// "j" = "je": written without a gap before the next word.
    #[serde(default)]
    glued: BTreeMap<String, String>,
    /// Short words it is written with: "me", "te".
    #[serde(default)]
    after: Vec<String>,
}

/// `[wrappers]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWrappers {
    patterns: Vec<Spanned<String>>,
}

/// `[refusals]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRefusals {
    /// What goes for a clause to say the contrary: all that matches, or the groups `x` and `y` in it.
    patterns: Vec<Spanned<String>>,
    /// Written like a refusal, and none: "n'hésitez pas à".
    but: Vec<Spanned<String>>,
    /// Words that begin another clause, beside marks.
    ends: BTreeSet<String>,
}

/// The lists of phrases there are: one for all questions, one for consent, one a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TableName {
    /// With every question: marks, greetings, closings, universal words.
    Common,
    /// Yes and no, for all questions that can be agreed to.
    Consent,
    /// `attendance`.
    Attendance,
    /// `volunteer`.
    Volunteer,
    /// `counter`.
    Counter,
    /// `share`.
    Share,
    /// `no_subject`.
    NoSubject,
    /// `live`.
    Live,
    /// `subject`.
    Subject,
    /// `step_request`.
    StepRequest,
    /// `review`.
    Review,
    /// `progress`.
    Progress,
    /// Contribution, learning, note, action plan: what is no content.
    Free,
    /// `date_poll`.
    DatePoll,
    /// `choice`.
    Choice,
    /// `confirm`.
    Confirm,
    /// `swap`, asked of the one who would give the turn.
    Swap,
    /// `charter`.
    Charter,
    /// `quorum`.
    Quorum,
}

/// `[dates]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDates {
    pub(super) months: BTreeMap<String, u32>,
    pub(super) weekdays: BTreeMap<String, u32>,
    pub(super) units: BTreeMap<String, super::dates::Unit>,
    pub(super) deadline: Vec<String>,
    pub(super) since: Vec<String>,
    pub(super) after_day: Vec<String>,
    pub(super) patterns: BTreeMap<super::dates::Form, Vec<Spanned<String>>>,
}

/// `[plan]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPlan {
    pub(super) shared: Vec<String>,
    pub(super) private: Vec<String>,
    pub(super) share_all: Vec<String>,
    pub(super) anonymous: Vec<String>,
    pub(super) yes: Vec<String>,
    pub(super) labels: BTreeMap<super::plan::Field, Vec<String>>,
}

/// `[persons]`: of whom a phrase speaks.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Persons {
    /// Words that begin what somebody says of themselves.
    pub(super) first: BTreeSet<String>,
    /// Words after which a verb may follow.
    pub(super) open: BTreeSet<String>,
    /// Words for others.
    pub(super) third: BTreeSet<String>,
    /// Behind "s'il": what makes "il" nobody, "s'il y a".
    #[serde(default)]
    pub(super) impersonal: BTreeSet<String>,
    /// Whoever an "if" may speak of beside those: "personne", "nobody".
    #[serde(default)]
    pub(super) nobody: BTreeSet<String>,
    /// Behind "if": politeness, and nothing that an answer hangs on, "si vous voulez".
    #[serde(default)]
    pub(super) addressed: BTreeSet<String>,
    /// Right before a yes or no that everything before leads up to: "so", "donc".
    #[serde(default)]
    pub(super) so: BTreeSet<String>,
    /// Words that begin a question back: "who", "combien".
    #[serde(default)]
    pub(super) query: BTreeSet<String>,
    /// Words that lead up to a sentence and say nothing: "voilà ma phrase".
    #[serde(default)]
    pub(super) intro: BTreeSet<String>,
    /// Words for whoever writes, and for nobody else.
    #[serde(default)]
    pub(super) own: BTreeSet<String>,
    /// Words for somebody else, who may say it: "collègue", "wife".
    #[serde(default)]
    pub(super) others: BTreeSet<String>,
    /// Behind a name: somebody else says or does something, "dit", "can".
    #[serde(default)]
    pub(super) verbs: BTreeSet<String>,
    /// Nobody in particular: "quelqu un".
    #[serde(default)]
    pub(super) anyone: BTreeSet<String>,
    /// What a cry for help begins with, and what a request to the group begins with: "aidez".
    #[serde(default)]
    pub(super) help: BTreeSet<String>,
    /// Words that colour others and change nothing: "malheureusement".
    #[serde(default)]
    pub(super) adverbs: BTreeSet<String>,
}

/// Everything of all languages, ready to use.
#[derive(Debug, Clone)]
pub(super) struct Lexicon {
    pub(super) spelling: Spelling,
    pub(super) tables: BTreeMap<TableName, Table>,
    pub(super) loose: BTreeMap<TableName, Table>,
    pub(super) wrappers: Vec<Regex>,
    pub(super) corrections: Vec<Regex>,
    pub(super) refusals: Vec<Regex>,
    pub(super) no_refusals: Vec<Regex>,
    pub(super) clause_ends: BTreeSet<String>,
    pub(super) typos: Typos,
    pub(super) dates: DateWords,
    pub(super) plan: PlanWords,
    pub(super) persons: Persons,
    pub(super) offered: OfferedWords,
    pub(super) arrival: ArrivalWords,
    /// Languages of which only the common words are known.
    pub(super) light: BTreeSet<Language>,
}

/// Where a file's text comes from, to say where a mistake is.
pub(super) struct Place<'a> {
    file: String,
    text: &'a str,
}

impl Place<'_> {
    /// An error at this byte of the file.
    fn error(&self, at: usize, found: String, expected: &str) -> WordsError {
        let line = self.text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
        WordsError { file: self.file.clone(), line, found, expected: expected.to_owned() }
    }

    /// A pattern of the file: parts filled in, word borders around it, ASCII classes.
    pub(super) fn regex(&self, pattern: &Spanned<String>, filled: &str) -> Result<Regex, WordsError> {
        bordered(filled).map_err(|e| self.unreadable(pattern, &e))
    }

    fn phrase(&self, pattern: &Spanned<String>, filled: &str, whose: Whose) -> Result<Phrase, WordsError> {
        match whose {
            Whose::Ours => Ok(Phrase::trusted(filled.to_owned())),
            Whose::Anybodys => Phrase::checked(filled.to_owned()).map_err(|e| self.unreadable(pattern, &e)),
        }
    }

    fn unreadable(&self, pattern: &Spanned<String>, error: &regex::Error) -> WordsError {
        let why = error.to_string();
        let last = why.lines().last().unwrap_or_default().trim().to_owned();
        let found = format!("the pattern {:?} can't be read ({last})", pattern.get_ref());
        self.error(pattern.span().start, found, "a regular expression over lower-case words without accents")
    }
}

/// Whose lists are read: those inside the binary were compiled by the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    Ours,
    Anybodys,
}

/// Replaces `<part>` by the part's pattern and the placeholders `{n}` and `{name}` by their groups.
fn fill(pattern: &str, parts: &BTreeMap<String, Spanned<String>>) -> String {
    let mut filled = pattern.to_owned();
    // Parts may name parts; three levels are enough and keep a loop impossible.
    for _ in 0..3 {
        if !filled.contains('<') {
            break;
        }
        for (name, part) in parts {
            filled = filled.replace(&format!("<{name}>"), &format!("(?:{})", part.get_ref()));
        }
    }
    // The rest of the clause, never of the text.
    filled = filled.replace(".*", "[^.,?]*");
    // Group names are unique in an expression: n0, n1, … and name0, name1, …
    for (mark, group, class) in [("{n}", "n", "[0-9]{1,3}"), ("{name}", "name", "[^ ,.?0-9]+")] {
        for i in 0.. {
            let Some(at) = filled.find(mark) else { break };
            filled.replace_range(at..at + mark.len(), &format!("(?P<{group}{i}>{class})"));
        }
    }
    filled
}

/// The word lists inside the binary.
pub(super) fn embedded() -> Result<[(Language, &'static str); 6], WordsError> {
    Ok([
        (Language::french(), include_str!("../../templates/fr/words.toml")),
        (Language::english(), include_str!("../../templates/en/words.toml")),
        (light("de")?, include_str!("../../templates/de/words.toml")),
        (light("nl")?, include_str!("../../templates/nl/words.toml")),
        (light("es")?, include_str!("../../templates/es/words.toml")),
        (light("it")?, include_str!("../../templates/it/words.toml")),
    ])
}

/// A language by its code.
fn light(code: &str) -> Result<Language, WordsError> {
    code.parse().map_err(|_| WordsError {
        file: format!("templates/{code}/words.toml"),
        line: 1,
        found: format!("the folder {code:?}"),
        expected: "a language of two letters".to_owned(),
    })
}

impl Lexicon {
    /// Reads one file a language; the first to name a spelling or sign wins.
    pub(super) fn parse(files: &[(Language, &str)], whose: Whose) -> Result<Self, WordsError> {
        let mut lexicon = Self {
            spelling: Spelling::default(),
            tables: BTreeMap::new(),
            loose: BTreeMap::new(),
            wrappers: Vec::new(),
            corrections: Vec::new(),
            refusals: Vec::new(),
            no_refusals: Vec::new(),
            clause_ends: BTreeSet::new(),
            typos: Typos::default(),
            dates: DateWords::default(),
            plan: PlanWords::default(),
            persons: Persons::default(),
            offered: OfferedWords::default(),
            arrival: ArrivalWords::default(),
            light: BTreeSet::new(),
        };
        for (language, text) in files {
            let place = Place { file: format!("templates/{language}/words.toml"), text };
            let file: File = toml::from_str(text).map_err(|e| {
                let at = e.span().map_or(0, |s| s.start);
                place.error(at, e.message().to_owned(), "the shape told at the head of templates/fr/words.toml")
            })?;
            lexicon.take(language, file, &place, whose)?;
        }
        Ok(lexicon)
    }

    fn take(&mut self, language: &Language, file: File, place: &Place<'_>, whose: Whose) -> Result<(), WordsError> {
        if file.light {
            self.light.insert(language.clone());
        }
        let full = !file.light;
        for (lists, tables) in [(&file.phrases, &mut self.tables), (&file.loose, &mut self.loose)] {
            for (table, lists) in lists {
                let table = tables.entry(*table).or_default();
                for (label, pattern) in lists.iter().flat_map(|(label, all)| all.iter().map(move |p| (label, p))) {
                    let filled = fill(pattern.get_ref(), &file.parts);
                    if full {
                        self.typos.knows(&filled);
                    }
                    table.add(place.phrase(pattern, &filled, whose)?, *label, language);
                }
            }
        }
        let lists = [
            (&mut self.wrappers, &file.wrappers.patterns),
            (&mut self.corrections, &file.corrections.patterns),
            (&mut self.refusals, &file.refusals.patterns),
            (&mut self.no_refusals, &file.refusals.but),
        ];
        for (list, patterns) in lists {
            for pattern in patterns {
                list.push(place.regex(pattern, &fill(pattern.get_ref(), &file.parts))?);
            }
        }
        self.clause_ends.extend(file.refusals.ends);
        self.typos.take(file.typos.words, file.typos.glued, file.typos.after);
        self.dates.take(&file.dates, place)?;
        self.offered.take(file.offered);
        self.arrival.take(file.arrival);
        self.plan.take(file.plan);
        self.persons.first.extend(file.persons.first);
        self.persons.open.extend(file.persons.open);
        self.persons.third.extend(file.persons.third);
        self.persons.query.extend(file.persons.query);
        self.persons.impersonal.extend(file.persons.impersonal);
        self.persons.so.extend(file.persons.so);
        self.persons.addressed.extend(file.persons.addressed);
        self.persons.nobody.extend(file.persons.nobody);
        self.persons.adverbs.extend(file.persons.adverbs);
        self.persons.anyone.extend(file.persons.anyone);
        self.persons.own.extend(file.persons.own);
        self.persons.verbs.extend(file.persons.verbs);
        self.persons.others.extend(file.persons.others);
        self.persons.intro.extend(file.persons.intro);
        self.persons.help.extend(file.persons.help);
        self.spelling.take_alone(file.alone);
        let months = file.dates.months.into_keys();
        self.spelling.take(file.spelling, file.signs, file.numbers, file.dictation, months);
        Ok(())
    }
}

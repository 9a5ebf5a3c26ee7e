//! The people of the demo, from `config/demo/<lang>.toml`: a group file, and what each does about which mail.

use crate::config::{self, ConfigError};
use crate::core::{FormatId, Formats, GroupSpec, Kind, MemberId, StepKey};
use crate::ical::PartStat;
use crate::sim::calendar_reply::ReplyStyle;
use crate::sim::clock::Chance;
use crate::sim::{Client, Habit, Person, Say};
use chrono::{DateTime, Duration, Utc};
use include_dir::{Dir, include_dir};
use serde::Deserialize;

static CASTS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/config/demo");

/// Why a cast can't play.
#[derive(Debug, thiserror::Error)]
pub enum CastError {
    /// No such language.
    #[error("there is no demo in {found:?}; there are: {known}")]
    NoLanguage {
        /// What was asked for.
        found: String,
        /// What there is.
        known: String,
    },
    /// The file itself.
    #[error("config/demo/{file}: {error}")]
    File {
        /// Which.
        file: String,
        /// What the reader says.
        error: toml::de::Error,
    },
    /// The group in it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Group(Vec<ConfigError>),
    /// A word that is not known there.
    #[error("config/demo: {0:?} is not known")]
    Word(String),
    /// A format that is not known.
    #[error("there is no format {found:?}; there are: {known}")]
    NoFormat {
        /// What was asked for.
        found: String,
        /// What there is.
        known: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    sender: String,
    group: String,
    person: Vec<Role>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Role {
    id: MemberId,
    client: Client,
    calendar: String,
    #[serde(default)]
    does: Vec<Does>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Does {
    on: Kind,
    step: Option<StepKey>,
    meeting: Option<u32>,
    after: String,
    button: Option<String>,
    words: Option<String>,
    absence: Option<String>,
}

/// A group and its people, ready to play.
#[derive(Debug, Clone)]
pub struct Cast {
    /// When the month begins.
    pub start: DateTime<Utc>,
    /// When it ends.
    pub end: DateTime<Utc>,
    /// The name the daemon writes under.
    pub sender: String,
    /// The group.
    pub spec: GroupSpec,
    /// Everybody.
    pub people: Vec<Person>,
}

/// Languages there is a cast for.
pub fn languages() -> Vec<String> {
    let stem = |f: &include_dir::File<'_>| f.path().file_stem().map(|s| s.to_string_lossy().into_owned());
    CASTS.files().filter_map(stem).collect()
}

impl Cast {
    /// The cast of a language; its people take a little longer or shorter with each seed.
    ///
    /// # Errors
    /// No such language or format; a mistake in the file.
    pub fn of(language: &str, seed: u64, format: Option<&str>, formats: &Formats) -> Result<Self, CastError> {
        let name = format!("{language}.toml");
        let file = CASTS.get_file(&name).and_then(|f| f.contents_utf8());
        let known = || languages().join(", ");
        let text = file.ok_or_else(|| CastError::NoLanguage { found: language.to_owned(), known: known() })?;
        let file: File = toml::from_str(text).map_err(|error| CastError::File { file: name.clone(), error })?;
        let defaults = config::Defaults::default();
        let (mut spec, _) = config::group_from(&name, &file.group, formats, &defaults).map_err(CastError::Group)?;
        if let Some(format) = format {
            spec.format = chosen(format, formats)?;
        }
        let mut chance = Chance::of(seed);
        let people = file.person.iter().map(|role| person(role, &spec, &mut chance)).collect::<Result<_, _>>()?;
        Ok(Self { start: file.start, end: file.end, sender: file.sender, spec, people })
    }
}

fn chosen(format: &str, formats: &Formats) -> Result<FormatId, CastError> {
    let known = || formats.keys().map(|k| k.as_str()).collect::<Vec<_>>().join(", ");
    let id = format.parse::<FormatId>().ok().filter(|id| formats.contains_key(id));
    id.ok_or_else(|| CastError::NoFormat { found: format.to_owned(), known: known() })
}

fn person(role: &Role, spec: &GroupSpec, chance: &mut Chance) -> Result<Person, CastError> {
    let unknown = || CastError::Word(role.id.to_string());
    let member = spec.members.iter().find(|m| m.id == role.id).ok_or_else(unknown)?;
    Ok(Person {
        name: member.name.clone(),
        email: member.email.to_string(),
        french: member.language.as_str() == "fr",
        zone: member.zone,
        client: role.client,
        calendar: style(&role.calendar)?,
        habits: role.does.iter().map(|does| habit(does, chance)).collect::<Result<_, _>>()?,
    })
}

fn style(name: &str) -> Result<ReplyStyle, CastError> {
    let word = |s: &ReplyStyle| format!("{s:?}").to_lowercase();
    ReplyStyle::ALL.into_iter().find(|s| word(s) == name).ok_or_else(|| CastError::Word(name.to_owned()))
}

fn habit(does: &Does, chance: &mut Chance) -> Result<Habit, CastError> {
    let after = duration(&does.after)?;
    // some seconds more or less, so that seeds differ; never enough to land in another step
    let spread = i64::try_from(chance.below(u64::try_from(after.num_seconds() / 10 + 1).unwrap_or(1))).unwrap_or(0);
    let say = match (&does.button, &does.words, &does.absence) {
        (Some(button), None, None) => {
            Say::Button(PartStat::parse(button).ok_or_else(|| CastError::Word(button.clone()))?)
        }
        (None, Some(words), None) => Say::Words(words.trim().to_owned()),
        (None, None, Some(absence)) => Say::Absence(absence.trim().to_owned()),
        _ => return Err(CastError::Word(format!("{} with more or less than one of button, words, absence", does.on))),
    };
    Ok(Habit { on: does.on, step: does.step, meeting: does.meeting, after: after + Duration::seconds(spread), say })
}

/// `25m`, `2h`, `40s`.
fn duration(text: &str) -> Result<Duration, CastError> {
    let wrong = || CastError::Word(text.to_owned());
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let n: i64 = number.parse().map_err(|_| wrong())?;
    match unit {
        "s" => Ok(Duration::seconds(n)),
        "m" => Ok(Duration::minutes(n)),
        "h" => Ok(Duration::hours(n)),
        "d" => Ok(Duration::days(n)),
        _ => Err(wrong()),
    }
}

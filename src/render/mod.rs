//! From a draft to words: subject, text and HTML in the reader's language. The only room that knows Tera.
//!
//! Reading order: this file (what can be rendered), `context` (what templates are given), `locale`
//! (dates and lists), `wrap`, `choices` (buttons), `load` and `prepare` (from files to templates).

mod choices;
mod clean;
mod complete;
mod context;
mod error;
mod filters;
mod load;
mod locale;
mod prepare;
mod subject;
mod wrap;

pub use error::{Mistake, RenderError};

use crate::core::{Draft, Group, Kind, Language, Meeting, Member};
use chrono::{DateTime, Utc};
use context::Scene;
use include_dir::{Dir, include_dir};
use load::{Loaded, Tongue};
use serde_json::{Map, Value, json};
use std::sync::Arc;

static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// All templates of all languages, checked and ready.
#[derive(Debug, Clone)]
pub struct Renderer {
    /// Whoever renders shares them.
    loaded: Arc<Loaded>,
}

/// What the post adds to a mail: who sends it, and what leads an answer back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// The sender's name: "Codev Lyon".
    pub sender_name: String,
    /// The daemon's address.
    pub sender_address: String,
    /// The token line at the foot, without its label.
    pub reference: String,
    /// The short tag at a subject's end, without brackets: `k7f3-92qd`.
    pub tag: String,
    /// What a button's subject ends with, without brackets: the token, or the tag where `reply_to` has the token.
    pub mark: String,
    /// Where answers go.
    pub reply_to: String,
}

/// A mail's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject line, 60 characters at most, on one line.
    pub subject: String,
    /// Plain text in lines of at most 72 columns, `\n` at their ends.
    pub text: String,
    /// The whole HTML document.
    pub html: String,
}

/// The words of a calendar event for one reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTexts {
    /// SUMMARY: neutral, never the subject.
    pub summary: String,
    /// DESCRIPTION: the whole run sheet and the reader's own part.
    pub description: String,
    /// LOCATION: the link or room.
    pub location: Option<String>,
    /// URL: the link, where the place is one.
    pub url: Option<String>,
}

/// The words of the facilitator's own event, which rings at every step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmTexts {
    /// SUMMARY.
    pub summary: String,
    /// Seconds after the session's start, and what the alarm says, one a step.
    pub steps: Vec<(u32, String)>,
}

/// Something that is wrong, for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorTopic {
    /// Its word: `held`, `set_aside`, `quarantined`, `in_doubt`, `policy`, `login`, `mailbox`, `server`, `disk`, `no_group`, `waits`.
    pub topic: String,
    /// Since when, as it is to be read.
    pub since: String,
    /// What was found.
    pub what: String,
}

impl OperatorTopic {
    fn value(&self) -> Value {
        json!({ "topic": self.topic, "since": self.since, "what": clean::one_line(&self.what) })
    }
}

impl Renderer {
    /// Reads templates given as (path under `templates/`, content); of two files with one path the
    /// later holds.
    ///
    /// # Errors
    /// All mistakes found, with file, line and column.
    pub fn load(files: Vec<(String, String)>) -> Result<Self, RenderError> {
        load::load(files).map(|loaded| Self { loaded: Arc::new(loaded) })
    }

    /// The templates that are in the binary.
    ///
    /// # Errors
    /// None, unless the binary was built with broken templates.
    pub fn embedded() -> Result<Self, RenderError> {
        Self::with_overrides(Vec::new())
    }

    /// The templates in the binary, with files of an own folder in their place.
    ///
    /// # Errors
    /// All mistakes found in the files together.
    pub fn with_overrides(own: Vec<(String, String)>) -> Result<Self, RenderError> {
        let mut files = Self::embedded_files();
        files.extend(own);
        Self::load(files)
    }

    /// The files in the binary, as (path under `templates/`, content).
    pub fn embedded_files() -> Vec<(String, String)> {
        let mut files = Vec::new();
        collect(&EMBEDDED, &mut files);
        files
    }

    /// Languages that mails can be written in.
    pub fn languages(&self) -> Vec<Language> {
        self.loaded.tongues.keys().cloned().collect()
    }

    /// Writes a mail. Pure: the same draft and state give the same words, whatever `now` is beyond
    /// the day it counts days to.
    ///
    /// # Errors
    /// A template that is missing or names a value there is not; a draft about nobody.
    pub fn mail(&self, group: &Group, draft: &Draft, post: &Post, now: DateTime<Utc>) -> Result<Rendered, RenderError> {
        let reader = reader(group, draft)?;
        let meeting = meeting(group, draft)?;
        let tongue = self.tongue(&reader.language)?;
        let scene = Scene::of(group, meeting, reader, draft.role, &tongue.locale);
        let folder = format!("{}/{}", reader.language, draft.key.kind.name());
        let body = match (draft.key.kind, draft.key.step.zip(meeting)) {
            (Kind::StepPrompt, Some((step, meeting))) => {
                let key = group.sheet(meeting).get(step as usize).map(|s| s.key);
                format!("{folder}/{}", key.ok_or_else(|| not_there(draft, "the step"))?)
            }
            _ => folder.clone(),
        };
        let mut values = scene.mail(draft, post);
        add_days(&mut values, group, meeting, now);
        let own = self.render(tongue, &format!("{folder}/subject.txt"), &values, draft)?;
        let subject = subject::line(&context::prefix(group), &own, draft);
        Scene::answers(draft, post, &tongue.choices, &subject, &mut values);
        let text = self.render(tongue, &format!("{body}/text.txt"), &values, draft)?;
        let html = self.render(tongue, &format!("{body}/html.html"), &values, draft)?;
        Ok(Rendered { subject, text: wrap::wrap(&text, wrap::WIDTH), html: squeeze(&html) })
    }

    /// What stands before a mail's words when the facilitator is shown it ahead of a group's going live:
    /// the beginning of the subject line, and a sentence.
    ///
    /// # Errors
    /// As for a mail.
    pub fn preview(
        &self,
        group: &Group,
        leads: &Member,
        to: &[&Member],
        at: DateTime<Utc>,
    ) -> Result<(String, String), RenderError> {
        let tongue = self.tongue(&leads.language)?;
        let scene = Scene::of(group, None, leads, crate::core::Role::Facilitator, &tongue.locale);
        let values = scene.preview(to, at);
        let key = format!("preview {}", group.id);
        let text = |name: &str| {
            let path = format!("{}/preview/{name}.txt", leads.language);
            self.render_named(tongue, &path, &values, &key).map(|t| clean::one_line(&t))
        };
        Ok((text("subject")?, text("note")?))
    }

    /// The words of a meeting's event in a member's calendar.
    ///
    /// # Errors
    /// As for a mail.
    pub fn event_texts(&self, group: &Group, meeting: &Meeting, member: &Member) -> Result<EventTexts, RenderError> {
        let tongue = self.tongue(&member.language)?;
        let role = group.role_in(meeting, &member.id);
        let scene = Scene::of(group, Some(meeting), member, role, &tongue.locale);
        let values = scene.values();
        let key = format!("event {}/{}", group.id, meeting.number);
        let text =
            |name: &str| self.render_named(tongue, &format!("{}/calendar/{name}.txt", member.language), &values, &key);
        let place = meeting.place.as_ref().or(group.spec.place.as_ref()).map(|p| clean::one_line(p));
        let url = place.clone().filter(|p| p.starts_with("https://") || p.starts_with("http://"));
        Ok(EventTexts {
            summary: clean::one_line(&text("summary")?),
            description: wrap::wrap(&text("description")?, usize::MAX).trim_end().to_owned(),
            location: place,
            url,
        })
    }

    /// The words of the event that rings at every step, for the facilitator.
    ///
    /// # Errors
    /// As for a mail.
    pub fn alarm_texts(&self, group: &Group, meeting: &Meeting, member: &Member) -> Result<AlarmTexts, RenderError> {
        let tongue = self.tongue(&member.language)?;
        let role = group.role_in(meeting, &member.id);
        let values = Scene::of(group, Some(meeting), member, role, &tongue.locale).values();
        let key = format!("event {}/{}", group.id, meeting.number);
        let text =
            |name: &str| self.render_named(tongue, &format!("{}/calendar/{name}.txt", member.language), &values, &key);
        let lines = text("alarms")?;
        let lines = lines.lines().map(clean::one_line).filter(|line| !line.is_empty());
        let start = group.starts(meeting);
        let after = |at: DateTime<Utc>| u32::try_from((at - start).num_seconds()).unwrap_or(0);
        let steps = group.sheet(meeting).iter().map(|s| after(s.start)).zip(lines).collect();
        Ok(AlarmTexts { summary: clean::one_line(&text("alarms_summary")?), steps })
    }

    /// The digest as Markdown, in the group's zone, with what the group may read.
    ///
    /// # Errors
    /// As for a mail.
    pub fn digest_markdown(
        &self,
        group: &Group,
        meeting: &Meeting,
        language: &Language,
    ) -> Result<String, RenderError> {
        let tongue = self.tongue(language)?;
        let scene = Scene::of_group(group, meeting, language, &tongue.locale);
        let key = format!("digest {}/{}", group.id, meeting.number);
        let text = self.render_named(tongue, &format!("{language}/digest/markdown.md"), &scene.values(), &key)?;
        Ok(wrap::wrap(&text, usize::MAX))
    }

    /// The mail to the operator, its subject line and text: what was found and what to do, topic by topic.
    ///
    /// # Errors
    /// As for a mail; a language there is not.
    pub fn operator(
        &self,
        language: &Language,
        topics: &[OperatorTopic],
        live: bool,
    ) -> Result<(String, String), RenderError> {
        let tongue = self.tongue(language)?;
        let topics: Vec<Value> = topics.iter().map(OperatorTopic::value).collect();
        let values = json!({ "alarm": { "topics": topics, "live": live }, "lang": language.as_str() });
        let values = values.as_object().cloned().unwrap_or_default();
        let part = |name: &str| self.render_named(tongue, &format!("{language}/operator/{name}"), &values, "operator");
        Ok((clean::one_line(&part("subject.txt")?), wrap::wrap(&part("text.txt")?, wrap::WIDTH)))
    }

    fn tongue(&self, language: &Language) -> Result<&Tongue, RenderError> {
        self.loaded.tongues.get(language).ok_or_else(|| RenderError::NoLanguage {
            found: language.to_string(),
            known: self.languages().iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        })
    }

    fn render(
        &self,
        tongue: &Tongue,
        path: &str,
        values: &Map<String, Value>,
        draft: &Draft,
    ) -> Result<String, RenderError> {
        self.render_named(tongue, path, values, &draft.key.to_string())
    }

    fn render_named(
        &self,
        tongue: &Tongue,
        path: &str,
        values: &Map<String, Value>,
        key: &str,
    ) -> Result<String, RenderError> {
        let wrong = |error: tera::Error| RenderError::Values { key: key.to_owned(), why: error.to_string() };
        let mut context = tera::Context::from_serialize(values).map_err(wrong)?;
        context.insert("s", &self.loaded.styles);
        let text = tongue.tera.render(path, &context);
        text.map(|t| prepare::finish(&t)).map_err(|error| RenderError::Templates(vec![Mistake::tera(&error, path)]))
    }
}

fn reader<'a>(group: &'a Group, draft: &Draft) -> Result<&'a Member, RenderError> {
    let id = &draft.key.member;
    group.member(id).ok_or_else(|| not_there(draft, &format!("the member {id}")))
}

fn meeting<'a>(group: &'a Group, draft: &Draft) -> Result<Option<&'a Meeting>, RenderError> {
    let find = |n| group.meeting(n).ok_or_else(|| not_there(draft, &format!("meeting {n}")));
    draft.key.meeting.map(find).transpose()
}

fn not_there(draft: &Draft, what: &str) -> RenderError {
    RenderError::NotThere { key: draft.key.to_string(), what: what.to_owned() }
}

/// `meeting.days_until`: whole days in the group's calendar.
fn add_days(values: &mut Map<String, Value>, group: &Group, meeting: Option<&Meeting>, now: DateTime<Utc>) {
    let Some(meeting) = meeting else { return };
    let today = now.with_timezone(&group.spec.zone).date_naive();
    if let Some(Value::Object(all)) = values.get_mut("meeting") {
        all.insert("days_until".to_owned(), json!((meeting.wall.date() - today).num_days()));
    }
}

/// Takes out indentation and empty lines, which only cost bytes; no `pre` stands in a mail.
fn squeeze(html: &str) -> String {
    html.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n") + "\n"
}

fn collect(dir: &Dir<'_>, files: &mut Vec<(String, String)>) {
    for file in dir.files() {
        if let (Some(path), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
            files.push((path.replace('\\', "/"), text.to_owned()));
        }
    }
    dir.dirs().for_each(|d| collect(d, files));
}

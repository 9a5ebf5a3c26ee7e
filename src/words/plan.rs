//! The action plan out of free text: bullets, numbered lines, sheets of `label : value`, plain sentences.

use super::Words;
use super::label::Label;
use super::lexicon::RawPlan;
use super::normal::folded;
use crate::core::event::PlanLine;
use chrono::NaiveDate;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The lines of the action sheet (`codev.md` §4.2) that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Field {
    /// What: begins a block.
    Action,
    /// By when.
    Due,
    /// May the group read it?
    Shared,
    /// The rest of the sheet: kept with the whole text, no action of its own.
    Other,
}

/// The plan's words of all languages, folded.
#[derive(Debug, Clone, Default)]
pub(super) struct PlanWords {
    shared: Vec<String>,
    private: Vec<String>,
    share_all: Vec<String>,
    anonymous: Vec<String>,
    yes: Vec<String>,
    labels: BTreeMap<String, Field>,
}

impl PlanWords {
    pub(super) fn take(&mut self, raw: RawPlan) {
        let fold = |words: Vec<String>| words.into_iter().map(|w| folded(&w)).collect::<Vec<_>>();
        self.shared.extend(fold(raw.shared));
        self.private.extend(fold(raw.private));
        self.share_all.extend(fold(raw.share_all));
        self.anonymous.extend(fold(raw.anonymous));
        self.yes.extend(fold(raw.yes));
        for (field, labels) in raw.labels {
            self.labels.extend(fold(labels).into_iter().map(|l| (l, field)));
        }
    }

    /// `Some(true)` for a sharing word, `Some(false)` for a private one.
    fn sharing(&self, text: &str) -> Option<bool> {
        let text = folded(text);
        let shared = self.shared.contains(&text).then_some(true);
        shared.or_else(|| self.private.contains(&text).then_some(false))
    }

    /// Cuts the sharing word off a line's end: in brackets, or after a dash, colon or comma.
    fn cut_sharing<'a>(&self, line: &'a str) -> (&'a str, Option<bool>) {
        let line = line.trim();
        let bare = line.trim_end_matches(['.', '!', ';', ' ']);
        if let Some(at) = bare.rfind(['(', '[']).filter(|_| bare.ends_with([')', ']'])) {
            let (before, mark) = bare.split_at(at);
            if let Some(shared) = self.sharing(mark) {
                return (before.trim(), Some(shared));
            }
        }
        let cuts = [" - ", " – ", " — ", "—", "–", ": ", ", ", " -> ", " → ", ". "];
        let last = cuts.iter().filter_map(|c| bare.rfind(c).map(|at| (at, c.len()))).max();
        let cut = last.and_then(|(at, len)| {
            let (before, mark) = (bare.get(..at)?, bare.get(at + len..)?);
            self.sharing(mark).map(|shared| (before.trim(), Some(shared)))
        });
        cut.unwrap_or((line, None))
    }

    fn is_anonymous(&self, text: &str) -> bool {
        self.anonymous.contains(&folded(text))
    }

    fn label<'a>(&self, line: &'a str) -> Option<(Field, &'a str)> {
        let (label, value) = line.split_once(':').unwrap_or((line, ""));
        let field = self.labels.get(&folded(label))?;
        Some((*field, value.trim()))
    }
}

/// A line's bullet cut off: `-`, `*`, `•`, `1.`, `2)`, `a)`, `[ ]`.
fn bullet(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let signs = ['-', '*', '•', '–', '—', '·', '☐', '□', '▪', '◦', '→', '+', '○', '●', '✅', '✔'];
    if let Some(rest) = line.strip_prefix(signs) {
        let rest = rest.trim_start_matches(['\u{FE0F}', ' ', '\t']);
        let rest = rest.strip_prefix("[ ]").or_else(|| rest.strip_prefix("[x]")).unwrap_or(rest);
        return (!rest.starts_with(signs)).then(|| rest.trim());
    }
    if let Some(rest) = line.strip_prefix("[ ]").or_else(|| line.strip_prefix("[x]")) {
        return Some(rest.trim());
    }
    let head = line.chars().take_while(|c| c.is_ascii_digit()).count();
    let mark =
        if (1..=2).contains(&head) { head } else { usize::from(line.starts_with(|c: char| c.is_ascii_alphabetic())) };
    let rest = line.get(mark..).filter(|_| mark > 0)?;
    let numbered = rest.starts_with(')') || (head > 0 && rest.starts_with(['.', '/', '-', ':', '°']));
    let cut = rest.strip_prefix([')', '.', '/', '-', ':', '°'])?;
    let spaced = cut.starts_with([' ', '\t']) || cut.starts_with(char::is_alphabetic);
    (numbered && spaced).then(|| cut.trim())
}

/// A line being put together.
#[derive(Default)]
struct Draft {
    text: String,
    due: Option<NaiveDate>,
    shared: Option<bool>,
}

/// How the lines are laid out decides what a line without mark is.
struct Builder<'a> {
    words: &'a Words,
    today: NaiveDate,
    bullets: bool,
    lines: Vec<Draft>,
    /// The sheet's field whose value the next line may be.
    open: Option<Field>,
    last_bullet: bool,
}

impl Builder<'_> {
    fn line(&mut self, line: &str) {
        if line.trim().is_empty() {
            self.last_bullet = false;
            self.open = None;
            return;
        }
        let item = bullet(line);
        let body = item.unwrap_or(line).trim();
        let plan = &self.words.lexicon.plan;
        if let Some((field, value)) = plan.label(body).filter(|(_, v)| !v.is_empty() || body.ends_with(':')) {
            self.open = value.is_empty().then_some(field);
            self.field(field, value);
        } else if let Some(field) = self.open.take() {
            self.field(field, body);
        } else if item.is_some() {
            self.push(body);
            self.last_bullet = true;
        } else if self.last_bullet && line.starts_with([' ', '\t']) {
            self.continue_with(body);
        } else if self.bullets {
            self.beside_bullets(body);
        } else {
            sentences(body).into_iter().for_each(|s| self.sentence(s));
        }
    }

    fn field(&mut self, field: Field, value: &str) {
        if value.is_empty() {
            return;
        }
        match field {
            Field::Action => self.push(value),
            Field::Due => {
                let due = due(self.words, value, self.today);
                if let Some(last) = self.lines.last_mut() {
                    last.due = due.or(last.due);
                }
            }
            Field::Shared => {
                let plan = &self.words.lexicon.plan;
                let word = folded(value);
                let yes = plan.yes.contains(&word) || plan.sharing(value) == Some(true);
                if let Some(last) = self.lines.last_mut() {
                    last.shared = Some(yes);
                }
            }
            Field::Other => {}
        }
    }

    fn push(&mut self, text: &str) {
        let (text, shared) = self.words.lexicon.plan.cut_sharing(text);
        if text.is_empty() {
            return;
        }
        self.lines.push(Draft { text: text.to_owned(), due: due(self.words, text, self.today), shared });
    }

    /// A bullet's second line.
    fn continue_with(&mut self, text: &str) {
        let (text, shared) = self.words.lexicon.plan.cut_sharing(text);
        if let Some(last) = self.lines.last_mut() {
            last.text = format!("{} {text}", last.text).trim().to_owned();
            last.due = due(self.words, &last.text, self.today);
            last.shared = last.shared.or(shared);
        }
    }

    /// Beside bullets a plain line goes on with one that a mail program wrapped, or is a word around the list.
    fn beside_bullets(&mut self, text: &str) {
        if self.last_bullet && text.starts_with(char::is_lowercase) {
            self.continue_with(text);
        } else if due(self.words, text, self.today).is_some() && !text.ends_with(':') {
            self.sentence(text);
        }
    }

    fn sentence(&mut self, text: &str) {
        let reading = self.words.read(&[], text);
        let words = reading.normal.words();
        let thanks = reading.spans.first().is_some_and(|s| s.label == Label::Closing && s.tokens.start == 0);
        if words < 2 || text.ends_with(':') || reading.is_courtesy() || (thanks && words <= 6) {
            return;
        }
        self.push(text);
    }
}

/// Sentences of a line: a full stop and a blank, or a semicolon.
pub(super) fn sentences(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let after = text.get(at + c.len_utf8()..).unwrap_or_default();
        let ends = c == ';' || (matches!(c, '.' | '!' | '?' | '…') && (after.starts_with(' ') || after.is_empty()));
        if ends && !ends_in_abbreviation(text.get(start..at).unwrap_or_default()) {
            out.extend(text.get(start..at + usize::from(c != ';') * c.len_utf8()));
            start = at + c.len_utf8();
        }
    }
    out.extend(text.get(start..));
    out.into_iter().map(str::trim).filter(|s| s.chars().any(char::is_alphanumeric)).collect()
}

/// "M." or "p." before a name, "1." before an item: no sentence ends there.
fn ends_in_abbreviation(before: &str) -> bool {
    let last = before.rsplit([' ', '\n']).next().unwrap_or_default();
    last.chars().count() == 1 || matches!(last, "Mr" | "Mrs" | "Dr" | "Mme" | "etc" | "ex" | "env")
}

/// Actions with their dates; `text` stays word for word without bullet and sharing word.
///
/// A first or last line "tout partager" / "share all" shares every line not marked private.
pub fn plan(words: &Words, text: &str, today: NaiveDate) -> Vec<PlanLine> {
    let body = words.body(text, &[]);
    let mut lines: Vec<&str> = body.lines().collect();
    let is_all = |l: &&str| words.lexicon.plan.share_all.contains(&folded(l));
    let before = lines.len();
    lines.retain(|l| !is_all(l));
    let all = lines.len() < before;
    let bullets = lines.iter().filter(|l| bullet(l).is_some()).count() > 0;
    let mut builder = Builder { words, today, bullets, lines: Vec::new(), open: None, last_bullet: false };
    for line in lines {
        let numbered = split_numbers(line);
        builder.bullets = bullets || numbered.len() > 1;
        numbered.into_iter().for_each(|l| builder.line(l));
    }
    let shared = |s: Option<bool>| s.unwrap_or(all);
    builder.lines.into_iter().map(|l| PlanLine { text: l.text, due: l.due, shared: shared(l.shared) }).collect()
}

/// "1) appeler Paul 2) écrire à Anne" on one line.
fn split_numbers(line: &str) -> Vec<&str> {
    let mut cuts = vec![0];
    let mut from = 0;
    for n in 1..10_u32 {
        let marks = [format!("{n})"), format!("{n}.")];
        let here = |m: &String| line.get(from..).and_then(|rest| rest.find(m.as_str())).map(|at| from + at);
        let Some(at) = marks.iter().filter_map(here).min() else { break };
        if at != 0 && !line.get(..at).is_some_and(|b| b.ends_with(' ')) {
            break;
        }
        if at > 0 {
            cuts.push(at);
        }
        from = at + 2;
    }
    if cuts.len() < 2 || bullet(line).is_none() && cuts.len() < 3 {
        return vec![line];
    }
    let ends = cuts.iter().skip(1).copied().chain([line.len()]);
    cuts.iter().zip(ends).filter_map(|(a, b)| line.get(*a..b)).map(str::trim).collect()
}

/// The day by which something is to be done, if the text names one; in all languages, days first.
///
/// Dates without a year are the next to come; dates gone by, and words that name no day, give `None`.
pub fn due(words: &Words, text: &str, today: NaiveDate) -> Option<NaiveDate> {
    words.lexicon.dates.due(&words.lexicon.spelling.normal(super::head(text)), today)
}

/// Whether a text is laid out as a plan: bullets, numbers, sheet labels, or a date.
pub(super) fn looks_like_plan(words: &Words, text: &str, today: NaiveDate) -> bool {
    let plan = &words.lexicon.plan;
    let listed = |l: &str| bullet(l).is_some() || plan.label(l).is_some_and(|(_, v)| !v.is_empty());
    text.lines().any(listed) || due(words, text, today).is_some()
}

/// Takes "anonyme" / "anonymous" out: alone on a line, or in brackets at either end.
pub fn strip_marks(words: &Words, text: &str) -> String {
    marks(words, text).0
}

/// The text without its mark, and whether there was one.
pub(super) fn marks(words: &Words, text: &str) -> (String, bool) {
    let plan = &words.lexicon.plan;
    let lines: Vec<&str> = text.lines().filter(|l| !plan.is_anonymous(l)).collect();
    let mut found = lines.len() < text.lines().count();
    let joined = lines.join("\n");
    let mut rest = joined.trim();
    if let Some(at) = rest.rfind(['(', '[']).filter(|_| rest.ends_with([')', ']'])) {
        let (before, mark) = rest.split_at(at);
        if plan.is_anonymous(mark) {
            rest = before.trim();
            found = true;
        }
    }
    if let Some(at) = rest.find([')', ']']).filter(|_| rest.starts_with(['(', '['])) {
        let (mark, after) = rest.split_at(at + 1);
        if plan.is_anonymous(mark) {
            rest = after.trim_start_matches([':', ',', ' ', '\n']);
            found = true;
        }
    }
    (rest.to_owned(), found)
}

//! What can be wrong with templates, told with file, line and column.

use std::fmt;

/// Why nothing could be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// Templates, locale or choices are wrong: all that was found.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Templates(Vec<Mistake>),
    /// No folder of that language.
    #[error("no templates in the language {found:?}: there are {known}; add a folder templates/{found}/")]
    NoLanguage {
        /// The language asked for.
        found: String,
        /// Those there are.
        known: String,
    },
    /// The draft is about somebody or something that is not in the group.
    #[error("the draft {key} speaks of {what}, which is not in the group")]
    NotThere {
        /// The draft.
        key: String,
        /// What was looked for.
        what: String,
    },
    /// The values of a mail could not be handed to the templates.
    #[error("the values of {key} can't be handed to its templates: {why}")]
    Values {
        /// The draft.
        key: String,
        /// The reason.
        why: String,
    },
}

/// One mistake in a file under `templates/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The file's path under `templates/`.
    pub file: String,
    /// Line and column from 1, where known.
    pub at: Option<(usize, usize)>,
    /// What was found and what was expected.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some((line, column)) => write!(f, "templates/{}:{line}:{column}: {}", self.file, self.what),
            None => write!(f, "templates/{}: {}", self.file, self.what),
        }
    }
}

impl Mistake {
    pub(super) fn missing(file: &str, expected: &str) -> Self {
        Self { file: file.to_owned(), at: None, what: format!("missing; expected {expected}") }
    }

    pub(super) fn toml(file: &str, text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().map(|span| {
            let before = &text[..span.start.min(text.len())];
            let line_start = before.rfind('\n').map_or(0, |n| n + 1);
            (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
        });
        Self { file: file.to_owned(), at, what: error.message().to_owned() }
    }

    /// Tera tells file, line and column (columns as they stand after `[[…|…]]` is written out).
    pub(super) fn tera(error: &tera::Error, file: &str) -> Self {
        match error.kind() {
            tera::ErrorKind::SyntaxError(report) | tera::ErrorKind::RenderingError(report) => {
                let span = report.span();
                let file = if report.filename().is_empty() { file } else { report.filename() };
                let at = Some((span.start_line, span.start_col + 1));
                Self { file: file.to_owned(), at, what: error.to_string() }
            }
            _ => Self { file: file.to_owned(), at: None, what: error.to_string() },
        }
    }
}

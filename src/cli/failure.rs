//! How a command ends: its exit code and what is said when it could not.

use crate::config::ConfigError;
use std::fmt;
use std::io;

/// Done: exit code 0.
pub const GOOD: u8 = 0;
/// It could not.
pub const FAILED: u8 = 1;
/// The command line was wrong.
pub const USAGE: u8 = 2;
/// Something needs a look (`check`, `status`).
pub const LOOK: u8 = 3;
/// Not now: a mail server keeps the mail and tries again (sysexits.h, EX_TEMPFAIL).
pub const TEMPFAIL: u8 = 75;

/// What a command that went through says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// All is well.
    Good,
    /// Something needs a look.
    Look,
}

/// Why a command did not go through.
#[derive(Debug)]
pub enum Failure {
    /// The command line asks for something that makes no sense.
    Usage(String),
    /// It could not.
    Failed(anyhow::Error),
    /// It could not, and later it may.
    Later(anyhow::Error),
    /// Files are wrong: all that is.
    Files(Vec<ConfigError>),
}

/// What each command gives back.
pub type Result<T = Done> = std::result::Result<T, Failure>;

impl Failure {
    /// It could not, for this reason.
    pub fn because(text: impl Into<String>) -> Self {
        Self::Failed(anyhow::Error::msg(text.into()))
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::Failed(_) | Self::Files(_) => FAILED,
            Self::Later(_) => TEMPFAIL,
        }
    }

    /// The reader of the output went away (`codevd meeting list | head -1`): no failure to tell.
    pub fn is_closed_pipe(&self) -> bool {
        let Self::Failed(error) = self else { return false };
        error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The same, for a mail server that shall keep the mail.
    #[must_use]
    pub fn for_later(self) -> Self {
        match self {
            Self::Usage(text) => Self::Later(anyhow::Error::msg(text)),
            Self::Failed(error) | Self::Later(error) => Self::Later(error),
            files @ Self::Files(_) => Self::Later(anyhow::Error::msg(files.to_string())),
        }
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) => f.write_str(text),
            Self::Failed(error) | Self::Later(error) => write!(f, "{error}"),
            Self::Files(errors) => {
                let all = errors.iter().map(ToString::to_string).collect::<Vec<_>>();
                f.write_str(&all.join("\n"))
            }
        }
    }
}

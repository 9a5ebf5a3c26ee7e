//! Passwords: where they come from, and a type that never shows them.

use std::fmt;
use std::path::PathBuf;

/// Most bytes of a password file.
const MOST_BYTES: usize = 64 * 1024;

/// Where a password is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The first line of a file.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// A systemd credential: a file of that name in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
}

/// A password. Neither `Debug` nor anything else shows it; [`Secret::reveal`] is for the one who logs in.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Why a password could not be read. Never holds any of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("the password file {path} cannot be read: {why}; it must be readable by the user codevd runs as")]
    File {
        /// The file.
        path: String,
        /// The system's reason.
        why: String,
    },
    /// The variable is not set.
    #[error("the environment variable {name}, named by password_env, is not set")]
    Env {
        /// The variable.
        name: String,
    },
    /// There are no credentials.
    #[error(
        "password_credential = {name:?}, but CREDENTIALS_DIRECTORY is not set: add LoadCredential={name}:/path/to/file to the systemd unit"
    )]
    NoCredentials {
        /// The credential.
        name: String,
    },
    /// There is nothing in it, or no text.
    #[error("{source_name} holds {what}; expected the password alone, on one line")]
    Unusable {
        /// The source in words.
        source_name: String,
        /// What it holds instead, in words.
        what: &'static str,
    },
}

impl Secret {
    /// A password as it is typed.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }
    /// The password itself, for the login.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the password file {}", path.display()),
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::Credential(name) => write!(f, "the systemd credential {name}"),
        }
    }
}

/// Reads a password. `env` looks up environment variables. The line end after it does not count.
pub fn secret(source: &SecretSource, env: &dyn Fn(&str) -> Option<String>) -> Result<Secret, SecretError> {
    let text = match source {
        SecretSource::Env(name) => env(name).ok_or_else(|| SecretError::Env { name: name.clone() })?,
        SecretSource::File(path) => read(path.clone(), source)?,
        SecretSource::Credential(name) => {
            let dir = env("CREDENTIALS_DIRECTORY").ok_or_else(|| SecretError::NoCredentials { name: name.clone() })?;
            read(PathBuf::from(dir).join(name), source)?
        }
    };
    let unusable = |what| Err(SecretError::Unusable { source_name: source.to_string(), what });
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    match text {
        "" => unusable("nothing"),
        t if t.contains(['\n', '\r']) => unusable("several lines"),
        t if t.chars().any(char::is_control) => unusable("a control character"),
        t => Ok(Secret::new(t)),
    }
}

fn read(path: PathBuf, source: &SecretSource) -> Result<String, SecretError> {
    let unusable = |what| SecretError::Unusable { source_name: source.to_string(), what };
    let bytes = std::fs::read(&path)
        .map_err(|why| SecretError::File { path: path.display().to_string(), why: why.to_string() })?;
    if bytes.len() > MOST_BYTES {
        return Err(unusable("more than 64 KiB"));
    }
    String::from_utf8(bytes).map_err(|_| unusable("bytes that are no UTF-8 text"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn env(name: &str) -> Option<String> {
        (name == "GOOD").then(|| "hunter2".to_owned())
    }

    #[test]
    fn a_password_comes_from_a_variable_a_file_or_a_credential_and_is_never_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("smtp");
        let file = SecretSource::File(path.clone());
        let with = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            secret(&file, &env)
        };
        assert_eq!(with(b"hunter2\r\n").unwrap().reveal(), "hunter2");
        assert_eq!(with(b" with spaces ").unwrap().reveal(), " with spaces ");
        for bad in [&b""[..], b"\n", b"two\nlines\n", b"\xff\xfe", b"nul\0"] {
            let error = with(bad).unwrap_err().to_string();
            assert!(error.contains("holds") && !error.contains("two"), "{error}");
        }
        assert_eq!(secret(&SecretSource::Env("GOOD".into()), &env).unwrap().reveal(), "hunter2");
        assert!(secret(&SecretSource::Env("NONE".into()), &env).unwrap_err().to_string().contains("NONE"));
        let credential = SecretSource::Credential("smtp".into());
        assert!(secret(&credential, &env).unwrap_err().to_string().contains("LoadCredential=smtp"));
        std::fs::write(&path, "hunter3\n").unwrap();
        let systemd = |n: &str| (n == "CREDENTIALS_DIRECTORY").then(|| dir.path().display().to_string());
        let found = secret(&credential, &systemd).unwrap();
        assert_eq!((found.reveal(), format!("{found:?}").as_str()), ("hunter3", "Secret(…)"));
        assert!(secret(&SecretSource::File(dir.path().join("none")), &env).is_err());
    }
}

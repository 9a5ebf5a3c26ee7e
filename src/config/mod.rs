//! The files people write: codevd.toml, group files, session formats. Parsed and checked, with
//! every error of a file at once, each with its place, its line and what to do.
//!
//! Reading order: [`error`] (what a person reads), `table` (keys with their places), [`formats`],
//! [`instance`] (codevd.toml), [`group`], [`secret`].

mod duration;
pub mod error;
mod exported;
pub mod formats;
pub mod group;
pub mod instance;
mod member;
mod nearest;
mod problems;
pub mod providers;
pub mod secret;
pub mod server;
mod settings;
mod table;
mod values;
pub mod written;

pub use error::{ConfigError, Place, Warning};
pub use exported::group_file;
pub use formats::{format_files, format_from, formats};
pub use group::{Defaults, check_together, group, group_from};
pub use instance::{
    Config, ImapConfig, Incoming, Keep, LmtpListen, LogLevel, Login, Mailbox, Operator, Pace, SentMailbox, SmtpConfig,
    Taken, config_from, load,
};
pub use secret::{Secret, SecretError, SecretSource, secret};
pub use server::{Security, Server};

use std::path::Path;

/// Largest file that is read.
const MOST_BYTES: usize = 1 << 20;

/// A file's text. Errors name the file, and the place of bytes that are no UTF-8.
fn read_text(path: &Path) -> Result<String, Box<ConfigError>> {
    let name = path.display().to_string();
    let whole = |found: String, expected: &str| {
        Box::new(ConfigError { at: Place::file(&name), found, expected: expected.to_owned(), remedy: None })
    };
    let bytes = std::fs::read(path).map_err(|why| whole(format!("cannot be read: {why}"), ""))?;
    if bytes.len() > MOST_BYTES {
        return Err(whole(format!("is {} bytes long", bytes.len()), "at most 1 MiB"));
    }
    String::from_utf8(bytes).map_err(|why| {
        let upto = why.utf8_error().valid_up_to();
        let good = String::from_utf8_lossy(&why.as_bytes()[..upto]).into_owned();
        let source = error::Source { file: &name, text: &good };
        Box::new(ConfigError {
            at: Place { line_text: String::new(), ..source.place(&(upto..upto)) },
            found: "a byte that is no UTF-8".to_owned(),
            expected: "text in UTF-8".to_owned(),
            remedy: Some("save the file as UTF-8 (in most editors: Save as, Encoding)".to_owned()),
        })
    })
}

//! Mail providers as data: servers, quotas and where a password is made (`config/providers.toml`).

use crate::config::nearest::nearest;
use crate::config::server::Server;
use serde::Deserialize;
use std::collections::BTreeMap;

const TEXT: &str = include_str!("../../config/providers.toml");

/// Whether mail to `name+anything@…` arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plus {
    /// For every account.
    Yes,
    /// It depends: `codevd check --learn-plus` tries it.
    Try,
}

/// What is known of one provider. The keys are explained in the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its short name: the part's own.
    #[serde(skip)]
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// Other words for it.
    pub names: Vec<String>,
    /// Domains of addresses that are surely with it.
    pub domains: Vec<String>,
    /// Where mail goes out.
    pub smtp: String,
    /// Where mail is read.
    pub imap: String,
    /// Mails a minute.
    pub per_minute: u32,
    /// Mails an hour, where known.
    pub per_hour: Option<u32>,
    /// Mails a day, where known.
    pub per_day: Option<u32>,
    /// Where these figures come from.
    pub quota: Option<String>,
    /// Whether mail with `+` arrives.
    pub plus: Plus,
    /// Who vouches for senders.
    pub authserv_id: Option<String>,
    /// Where the password is made.
    pub password: String,
    /// What stands in the way.
    pub caution: Option<String>,
}

/// The provider that is not one: the servers are named by HOST.
pub const OWN: &str = "own";

/// Why a word names no provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found:?} is no provider: expected one of {known}, or the name of a mail server such as mail.example.org{hint}"
)]
pub struct NoProvider {
    found: String,
    known: String,
    hint: String,
}

/// All of them, by short name.
///
/// # Errors
/// None, unless the binary was built with a broken file.
pub fn providers() -> Result<Vec<Provider>, toml::de::Error> {
    let parts: BTreeMap<String, Provider> = toml::from_str(TEXT)?;
    Ok(parts.into_iter().map(|(id, provider)| Provider { id, ..provider }).collect())
}

/// The provider of that name, or the own server of that host.
///
/// # Errors
/// Neither; the nearest that is known.
pub fn provider(all: &[Provider], word: &str) -> Result<Provider, NoProvider> {
    let lower = word.trim().to_lowercase();
    let named = |p: &&Provider| p.id == lower || p.names.contains(&lower);
    if let Some(found) = all.iter().find(named) {
        return Ok(found.clone());
    }
    if let (true, Some(own)) = (is_host(&lower), all.iter().find(|p| p.id == OWN)) {
        return Ok(own.at(&lower));
    }
    let known: Vec<&str> = all.iter().map(|p| p.id.as_str()).collect();
    let words = || all.iter().flat_map(|p| p.names.iter().map(String::as_str).chain([p.id.as_str()]));
    let hint = nearest(&lower, words()).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    Err(NoProvider { found: word.to_owned(), known: known.join(", "), hint })
}

/// A name with a dot, of letters, digits and hyphens.
fn is_host(word: &str) -> bool {
    let label = |l: &str| !l.is_empty() && l.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    word.contains('.') && word.len() < 254 && word.split('.').all(label)
}

/// Whose address this surely is, by what stands behind its @.
pub fn of_address<'a>(all: &'a [Provider], address: &str) -> Option<&'a Provider> {
    let domain = address.rsplit_once('@')?.1.to_lowercase();
    all.iter().find(|p| p.domains.contains(&domain))
}

/// Whose server this is.
pub fn of_server<'a>(all: &'a [Provider], server: &Server) -> Option<&'a Provider> {
    let is = |url: &str| {
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        rest.rsplit_once(':').map_or(rest, |(host, _)| host).eq_ignore_ascii_case(&server.host)
    };
    all.iter().find(|p| p.id != OWN && (is(&p.smtp) || is(&p.imap)))
}

impl Provider {
    /// Its own server is this host.
    #[must_use]
    pub fn at(&self, host: &str) -> Self {
        let named = |url: &str| url.replace("HOST", host);
        Self { smtp: named(&self.smtp), imap: named(&self.imap), ..self.clone() }
    }

    /// Whether the servers still lack their host's name.
    pub fn lacks_host(&self) -> bool {
        self.smtp.contains("HOST")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::server::Protocol;

    #[test]
    fn every_profile_names_servers_that_can_be_written_and_each_word_one_provider() {
        let all = providers().unwrap();
        assert!(all.len() >= 6);
        let mut words: Vec<&str> = Vec::new();
        for p in &all {
            let at = p.at("mail.example.org");
            assert!(!at.lacks_host() && p.lacks_host() == (p.id == OWN), "{}", p.id);
            Server::parse(&at.smtp, Protocol::Smtp).unwrap();
            Server::parse(&at.imap, Protocol::Imap).unwrap();
            assert!(p.quota.is_some() == (p.per_day.is_some() || p.per_hour.is_some()), "{}", p.id);
            words.extend(p.names.iter().map(String::as_str).chain([p.id.as_str()]));
        }
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), count);
    }

    #[test]
    fn a_provider_is_known_by_word_host_address_and_server() {
        let all = providers().unwrap();
        assert_eq!(provider(&all, "Google").unwrap().id, "gmail");
        let own = provider(&all, "mail.assoc.fr").unwrap();
        assert_eq!((own.id.as_str(), own.smtp.as_str()), (OWN, "smtps://mail.assoc.fr:465"));
        let error = provider(&all, "infomanic").unwrap_err().to_string();
        assert!(error.contains("did you mean infomaniak?") && error.contains("ovh"), "{error}");
        assert_eq!(of_address(&all, "codev.lyon@Gmail.com").unwrap().id, "gmail");
        assert_eq!(of_address(&all, "codev@example.org"), None);
        let server = Server::parse("smtps://ssl0.ovh.net", Protocol::Smtp).unwrap();
        assert_eq!(of_server(&all, &server).unwrap().id, "ovh");
    }
}

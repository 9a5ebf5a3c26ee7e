//! New files for `codevd init`: the examples of this folder with answers put at their keys, comments and all.

use crate::config::providers::{OWN, Plus, Provider};
use crate::config::secret::SecretSource;

const INSTANCE: &str = include_str!("../../config/codevd.example.toml");
const GROUP: &str = include_str!("../../config/group.example.toml");

/// What a new codevd.toml says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInstance {
    /// The mailbox.
    pub address: String,
    /// Who hosts it.
    pub provider: Provider,
    /// Where the password will be; a file's path is written as it stands here.
    pub password: SecretSource,
}

/// A person of a new group file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMember {
    /// Name for people.
    pub name: String,
    /// Where mail goes.
    pub email: String,
}

/// What a new group file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// Name for people.
    pub name: String,
    /// Language of the mails.
    pub language: String,
    /// The zone's name.
    pub zone: String,
    /// When it meets.
    pub schedule: String,
    /// Session format.
    pub format: String,
    /// Video link or room, if it is known already.
    pub place: Option<String>,
    /// Who leads.
    pub facilitator: NewMember,
    /// Whether who leads has their turn as requester too.
    pub in_circle: bool,
    /// Everybody, the facilitator too.
    pub members: Vec<NewMember>,
}

/// A string as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Puts `key = value` at the key's line in a part ("" is the top), whether it is commented out there or not.
fn set(text: &str, part: &str, key: &str, value: &str) -> String {
    at_key(text, part, key, |_| format!("{key} = {value}"))
}

/// Comments a key's line out.
fn unset(text: &str, part: &str, key: &str) -> String {
    at_key(text, part, key, |line| if line.starts_with("# ") { line.to_owned() } else { format!("# {line}") })
}

/// Puts lines of comment before a key's line.
fn remark(text: &str, part: &str, key: &str, words: &str) -> String {
    at_key(text, part, key, |line| format!("{}\n{line}", comment(words)))
}

/// Words as lines of comment of at most 100 columns.
fn comment(words: &str) -> String {
    let mut lines = vec!["#".to_owned()];
    for word in words.split_whitespace() {
        let full = lines.last().is_some_and(|l| l.chars().count() + 1 + word.chars().count() > 100);
        if full {
            lines.push("#".to_owned());
        }
        if let Some(line) = lines.last_mut() {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.join("\n")
}

fn at_key(text: &str, part: &str, key: &str, change: impl Fn(&str) -> String) -> String {
    let mut here = String::new();
    let mut done = false;
    let mut out = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            here = name.trim_matches(['[', ']']).to_owned();
        }
        let is = line.strip_prefix("# ").unwrap_or(line).strip_prefix(key).is_some_and(|rest| rest.starts_with(" ="));
        if is && !done && here == part {
            done = true;
            out.push(change(line));
        } else {
            out.push(line.to_owned());
        }
    }
    out.join("\n") + "\n"
}

/// A codevd.toml, with the example's comments.
pub fn instance_text(new: &NewInstance) -> String {
    let provider = &new.provider;
    let mut text = set(INSTANCE, "mailbox", "address", &quoted(&new.address));
    if provider.plus == Plus::Yes {
        text = set(&text, "mailbox", "plus", "true");
    }
    // somebody must vouch for senders, or calendars' buttons are asked back: the host, else codevd's own look
    text = match &provider.authserv_id {
        Some(id) => set(&text, "mailbox", "authserv_id", &quoted(id)),
        None => set(&text, "mailbox", "check_signatures", "true"),
    };
    for (part, url) in [("smtp", &provider.smtp), ("imap", &provider.imap)] {
        text = set(&text, part, "url", &quoted(url));
        text = set(&text, part, "user", &quoted(&new.address));
        text = with_password(&text, part, &new.password);
    }
    text = remark(&text, "smtp", "password_file", &format!("{}: {}.", provider.title, provider.password));
    if let Some(caution) = &provider.caution {
        text = remark(&text, "imap", "url", &format!("{caution}."));
    }
    text = set(&text, "pace", "per_minute", &provider.per_minute.to_string());
    if let Some(quota) = &provider.quota {
        text = remark(&text, "pace", "per_hour", &format!("{}: {quota}.", provider.title));
    }
    let quotas = [("per_hour", provider.per_hour), ("per_day", provider.per_day)];
    for (key, most) in quotas.into_iter().filter_map(|(key, most)| Some((key, most?))) {
        text = set(&text, "pace", key, &most.to_string());
    }
    let hosted = if provider.id == OWN { String::new() } else { format!(" at {}", provider.title) };
    let first = format!("# codevd.toml: one instance, for {}{hosted}.", new.address);
    let rest = text.split_once(". ").map_or(text.as_str(), |(_, rest)| rest);
    format!("{first}\n# {rest}")
}

fn with_password(text: &str, part: &str, source: &SecretSource) -> String {
    let (key, value) = match source {
        SecretSource::File(path) => ("password_file", path.display().to_string()),
        SecretSource::Env(name) => ("password_env", name.clone()),
        SecretSource::Credential(name) => ("password_credential", name.clone()),
    };
    set(&unset(text, part, "password_file"), part, key, &quoted(&value))
}

/// A group file, with the example's comments.
pub fn group_text(new: &NewGroup) -> String {
    let values = [
        ("name", quoted(&new.name)),
        ("language", quoted(&new.language)),
        ("timezone", quoted(&new.zone)),
        ("schedule", quoted(&new.schedule)),
        ("format", quoted(&new.format)),
        ("facilitators", format!("[{}]", quoted(&new.facilitator.email))),
    ];
    let mut text = values.iter().fold(GROUP.to_owned(), |text, (key, value)| set(&text, "", key, value));
    text = match &new.place {
        Some(place) => set(&text, "", "place", &quoted(place)),
        None => unset(&text, "", "place"),
    };
    if new.in_circle {
        text = set(&text, "", "facilitators_in_circle", "true");
    }
    let (top, people) = cut(&text, "[[member]]");
    let (people, settings) = cut(people, "# Everything below");
    let hints: Vec<&str> = people.lines().filter(|line| line.starts_with('#')).collect();
    let mut out = top.to_owned();
    for (place, member) in new.members.iter().enumerate() {
        out += &format!("[[member]]\nname = {}\nemail = {}\n", quoted(&member.name), quoted(&member.email));
        if place == 0 {
            out += &(hints.join("\n") + "\n");
        }
        out.push('\n');
    }
    out + settings
}

/// Before and from a line that begins so.
fn cut<'t>(text: &'t str, begins: &str) -> (&'t str, &'t str) {
    text.find(&format!("\n{begins}")).map_or((text, ""), |at| text.split_at(at + 1))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::providers::{provider, providers};
    use crate::config::{Defaults, Incoming, config_from, formats, group_from};
    use std::path::Path;

    fn instance(word: &str, password: SecretSource) -> String {
        let provider = provider(&providers().unwrap(), word).unwrap();
        instance_text(&NewInstance { address: "codev@example.org".to_owned(), provider, password })
    }

    #[test]
    fn what_is_written_for_each_provider_is_read_back() {
        for p in providers().unwrap().iter().map(|p| p.id.clone()).chain(["mail.assoc.fr".to_owned()]) {
            let word = if p == OWN { "mail.example.org".to_owned() } else { p };
            let text = instance(&word, SecretSource::File("codev.password".into()));
            let config = config_from("codevd.toml", &text, Path::new("/x")).unwrap();
            let Incoming::Imap(imap) = &config.incoming else { unreachable!("{word} reads by IMAP") };
            let file = SecretSource::File("/x/codev.password".into());
            assert_eq!((&imap.login.password, &config.smtp.login.as_ref().unwrap().password), (&file, &file));
            assert!(text.lines().all(|l| l.chars().count() <= 110), "{text}");
            let vouched = config.mailbox.authserv_id.is_some() != config.mailbox.check_signatures;
            assert!(vouched, "{word}: either its host vouches for senders, or codevd looks itself");
        }
        let gmail = instance("gmail", SecretSource::Env("CODEV".to_owned()));
        let config = config_from("codevd.toml", &gmail, Path::new("/x")).unwrap();
        assert_eq!((config.mailbox.plus, config.pace.per_day), (true, Some(500)));
        assert_eq!(config.smtp.login.unwrap().password, SecretSource::Env("CODEV".to_owned()));
    }

    #[test]
    fn a_group_that_is_written_is_read_back() {
        let person = |name: &str, email: &str| NewMember { name: name.to_owned(), email: email.to_owned() };
        let marie = person("Marie \"Mimi\" Dupont", "marie@example.org");
        let mut members = vec![marie.clone()];
        members.extend((1..=5).map(|n| person(&format!("Ana {n}"), &format!("ana{n}@example.org"))));
        let new = NewGroup {
            name: "Codev Nord".to_owned(),
            language: "fr".to_owned(),
            zone: "Europe/Paris".to_owned(),
            schedule: "second tuesday 18:00".to_owned(),
            format: "1h30".to_owned(),
            place: None,
            facilitator: marie,
            in_circle: false,
            members,
        };
        let read = |new: &NewGroup| group_from("g", &group_text(new), &formats(None).unwrap(), &Defaults::default());
        let (spec, _) = read(&new).unwrap();
        assert_eq!((spec.id.as_str(), spec.members.len(), spec.circle_size()), ("codev-nord", 6, 5));
        assert_eq!((spec.facilitators[0].as_str(), spec.place), ("marie", None));
        let circle = NewGroup { in_circle: true, place: Some("https://x.org/y".to_owned()), ..new };
        let (spec, _) = read(&circle).unwrap();
        assert_eq!((spec.circle_size(), spec.place.as_deref()), (6, Some("https://x.org/y")));
        assert!(group_text(&circle).contains("# invite_ahead_days = 30"));
    }
}

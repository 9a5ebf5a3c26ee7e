//! Group files: who, when, how. Read into the core's `GroupSpec`, whose problems get their lines here.

use crate::config::error::{ConfigError, Warning};
use crate::config::instance::Config;
use crate::config::member::{self, Read as Person};
use crate::config::nearest::nearest;
use crate::config::table::{At, Document, Span, Table};
use crate::config::{problems, read_text, settings, values};
use crate::core::format::{FormatId, Formats};
use crate::core::ids::{Email, GroupId, Language, MemberId, address_key};
use crate::core::schedule::Schedule;
use crate::core::spec::GroupSpec;
use chrono_tz::Tz;
use std::path::Path;

/// What a group file need not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// Language of a group that names none.
    pub language: Language,
    /// Languages that have templates; a file may name these only. Empty: not checked.
    pub languages: Vec<Language>,
    /// Zone of a group that names none; without it the file must.
    pub zone: Option<Tz>,
    /// Who hosts, if the group does not say.
    pub host: Option<String>,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { language: Language::french(), languages: Vec::new(), zone: None, host: None }
    }
}

/// Beyond this number people are not even read.
const MOST_PEOPLE: usize = 50;

/// Keys of the file's top.
const ROOT: &[&str] = &[
    "id",
    "schedule",
    "skip",
    "format",
    "place",
    "phone",
    "starts",
    "facilitators",
    "facilitator",
    "facilitators_in_circle",
    "size_override",
    "host",
];

/// Reads a group file. All errors at once, or the wish and what should be known about it.
pub fn group(
    path: &Path,
    formats: &Formats,
    defaults: &Defaults,
) -> Result<(GroupSpec, Vec<Warning>), Vec<ConfigError>> {
    let text = read_text(path).map_err(|error| vec![*error])?;
    group_from(&path.display().to_string(), &text, formats, defaults)
}

/// Reads the text of a group file; `file` is what errors call it.
pub fn group_from(
    file: &str,
    text: &str,
    formats: &Formats,
    defaults: &Defaults,
) -> Result<(GroupSpec, Vec<Warning>), Vec<ConfigError>> {
    let (doc, table) = Document::parse(file, text, "a group file", None);
    let spec = Reader { doc: &doc, formats, defaults }.read(Table::root(&doc, &table));
    let warnings = doc.finish()?;
    // without an error every part is there
    spec.map(|spec| (spec, warnings)).ok_or_else(Vec::new)
}

/// What only the two files together show: a member whose address is codevd's own mailbox.
pub fn check_together(config: &Config, group: &GroupSpec) -> Vec<ConfigError> {
    let own = without_detail(config.mailbox.address.as_str());
    let same = |a: &&Email| without_detail(a.as_str()) == own;
    let error = |(name, address): (&str, &Email)| ConfigError {
        at: config.mailbox.at.clone(),
        found: format!(
            "the mailbox {} is the address {address} of {name} in group \"{}\"",
            config.mailbox.address, group.id
        ),
        expected: "a mailbox of codevd's own that nobody else uses".to_owned(),
        remedy: Some("make an address such as codev@… for codevd, or give that member's own address".to_owned()),
    };
    let found = group.members.iter().filter_map(|m| Some((m.name.as_str(), m.addresses().find(same)?)));
    found.map(error).collect()
}

/// The address without `+detail`, in lower case (RFC 5233).
fn without_detail(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let local = local.split_once('+').map_or(local, |(user, _)| user);
    address_key(&format!("{local}@{domain}"))
}

struct Reader<'a> {
    doc: &'a Document<'a>,
    formats: &'a Formats,
    defaults: &'a Defaults,
}

impl<'a> Reader<'a> {
    /// Reads everything that can be read. Where something is wrong an error is noted and a
    /// stand-in taken, so that the rest is still checked; the caller then drops the whole.
    fn read(&self, mut root: Table<'a>) -> Option<GroupSpec> {
        let name = root.required_line("name", "the group's name for people, such as \"Codev Lyon\"");
        let id = self.id(&mut root, name.as_ref());
        let (language, zone) = (self.language(&mut root), self.zone(&mut root));
        let schedule = self.schedule(&mut root);
        let skip = values::skips(&mut root);
        let format = self.format(&mut root);
        let place = root.line("place").map(|at| at.value);
        let phone = root.line("phone").map(|at| at.value);
        let starts = values::date(&mut root, "starts");
        let host = root.line("host").map(|at| at.value).or_else(|| self.defaults.host.clone());
        let facilitators_in_circle = root.flag("facilitators_in_circle").is_some_and(|at| at.value);
        let size_override = root.flag("size_override").is_some_and(|at| at.value);
        let said = self.facilitators(&mut root);
        let inside = [("above the first [part]", ROOT)];
        let read = root.table("settings").map_or_else(settings::Read::defaults, |t| settings::read(t, &inside));
        let people = self.people(&mut root, &language, zone);
        let facilitators_said = said.is_some() || root.meant("facilitators");
        root.finish(&[
            ("in a [[member]]", &["email", "aliases", "delegates", "reports_to"]),
            ("in [settings]", settings::KEYS),
        ]);
        let spans = problems::Spans {
            format: format.as_ref().map(|at| at.span.clone()),
            facilitators_said,
            quorum: read.spans.get("quorum").cloned(),
        };
        let facilitators = self.resolve(said.unwrap_or_default(), &people);
        let name = name.map(|at| at.value).unwrap_or_default();
        let format = format.map(|at| at.value).or_else(|| values::stand_in("1h30"))?;
        let members = people.iter().map(|p| p.spec.clone()).collect();
        let settings = read.settings;
        let spec = GroupSpec {
            id: id?,
            name,
            host,
            language,
            zone,
            schedule: schedule?,
            skip,
            format,
            place,
            phone,
            members,
            facilitators,
            facilitators_in_circle,
            size_override,
            starts,
            settings,
        };
        problems::tell(self.doc, self.formats, &spec, &people, &spans);
        Some(spec)
    }

    /// The short name, by default made from the name.
    fn id(&self, root: &mut Table<'a>, name: Option<&At<String>>) -> Option<GroupId> {
        let stand_in = || values::stand_in("group");
        if root.has("id") {
            return root.parsed("id").map(|at| at.value).or_else(stand_in);
        }
        root.text("id");
        let Some(name) = name else { return stand_in() };
        values::slug(&name.value).and_then(|s| s.parse().ok()).or_else(|| {
            let found = format!("no short name can be made from {:?}", name.value);
            self.doc.wrong(&name.span, found, "id = \"…\", a short name of letters a-z, digits and hyphens", None);
            stand_in()
        })
    }

    fn language(&self, root: &mut Table<'a>) -> Language {
        let said = root.text("language").and_then(|at| values::language(self.doc, &at, &self.defaults.languages));
        said.unwrap_or_else(|| self.defaults.language.clone())
    }

    fn zone(&self, root: &mut Table<'a>) -> Tz {
        if !root.has("timezone") && self.defaults.zone.is_none() {
            root.missing("timezone", "the zone of the group's hours, such as \"Europe/Paris\"");
        }
        let said = root.text("timezone").and_then(|at| values::zone(self.doc, &at));
        said.or(self.defaults.zone).unwrap_or(Tz::UTC)
    }

    fn schedule(&self, root: &mut Table<'a>) -> Option<Schedule> {
        let at = root.required("schedule", "when the group meets, such as \"second tuesday 18:00\"");
        let said = at.and_then(|at| values::schedule(self.doc, &at));
        said.or_else(|| values::stand_in("last monday 12:00"))
    }

    /// The format named, which must be one of those known.
    fn format(&self, root: &mut Table<'a>) -> Option<At<FormatId>> {
        let At { value, span } = root.text("format")?;
        let known = self.formats.keys();
        if let Some(format) = known.clone().find(|k| k.as_str() == value.trim()) {
            return Some(At { value: format.clone(), span });
        }
        let squeezed: String = value.chars().filter(|c| !c.is_whitespace()).collect();
        let titled = self.formats.values().find(|f| f.title.values().any(|t| t.eq_ignore_ascii_case(value.trim())));
        let near = titled.map(|f| f.id.as_str()).or_else(|| nearest(&squeezed, known.clone().map(FormatId::as_str)));
        let expected = format!("one of {}", known.map(FormatId::as_str).collect::<Vec<_>>().join(", "));
        let hint = near.map(|n| format!("did you mean \"{n}\"?"));
        self.doc.wrong(&span, format!("format {value:?} is not known"), &expected, hint);
        None
    }

    /// Who facilitates, as the file says it: `None` if it says nothing.
    fn facilitators(&self, root: &mut Table<'a>) -> Option<Vec<At<&'a str>>> {
        let (one, there) = (root.key_span("facilitator"), root.has("facilitators"));
        let list = root.value_span("facilitators").or_else(|| root.value_span("facilitator"));
        let empty = root.is_empty_list("facilitators") || root.is_empty_list("facilitator");
        if let Some(span) = list.filter(|_| empty) {
            self.doc.wrong(
                &span,
                "an empty list: nobody facilitates",
                "one short name or more, such as [\"marie\"]",
                None,
            );
        }
        let expected = "short names in quotes, such as [\"marie\"]";
        let mut said = root.texts("facilitators", expected);
        let single = root.texts("facilitator", expected);
        if !there {
            said = single;
        }
        if let Some(span) = one.clone().filter(|_| there) {
            self.doc.wrong(&span, "both `facilitators` and `facilitator`", "one of the two", None);
        }
        (one.is_some() || there).then_some(said)
    }

    /// The facilitators' short names: each was named by short name, name or address.
    fn resolve(&self, said: Vec<At<&str>>, people: &[Person]) -> Vec<MemberId> {
        let mut found: Vec<MemberId> = Vec::new();
        for At { value, span } in said {
            let word = value.trim();
            let is = |p: &&Person| {
                p.spec.id.as_str() == word
                    || p.spec.name.to_lowercase() == word.to_lowercase()
                    || p.spec.addresses().any(|a| a.is(word))
            };
            let Some(person) = people.iter().find(is) else {
                if !self.doc.is_torn() && !people.is_empty() {
                    self.no_such_facilitator(word, &span, people);
                }
                continue;
            };
            match found.contains(&person.spec.id) {
                true => self.doc.wrong(&span, format!("facilitator {word:?} stands twice"), "each once", None),
                false => found.push(person.spec.id.clone()),
            }
        }
        found
    }

    fn no_such_facilitator(&self, word: &str, span: &Span, people: &[Person]) {
        let ids = || people.iter().map(|p| p.spec.id.as_str());
        let expected = ids().collect::<Vec<_>>().join(", ");
        let near = nearest(word, ids()).or_else(|| {
            let named = people.iter().find(|p| p.spec.name.to_lowercase().contains(&word.to_lowercase()));
            named.filter(|_| word.len() > 2).map(|p| p.spec.id.as_str())
        });
        let hint = match near {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "facilitators have a [[member]] part too, also those who are not in the circle".to_owned(),
        };
        let found = format!("facilitator {word:?} is not among the people of the group");
        self.doc.wrong(span, found, &format!("one of {expected}"), Some(hint));
    }

    fn people(&self, root: &mut Table<'a>, language: &Language, zone: Tz) -> Vec<Person> {
        if !root.has("member") {
            root.missing_part("member", "a [[member]] part with name and email for each person");
        }
        let mut people: Vec<Person> = Vec::new();
        let tables = root.tables("member");
        if let Some(table) = tables.get(MOST_PEOPLE) {
            let found = format!("{} people", tables.len());
            self.doc.wrong(&table.span, found, "a group of five to eight, and its facilitators", None);
        }
        for table in tables.into_iter().take(MOST_PEOPLE) {
            let context = member::Context { language, zone, languages: &self.defaults.languages, root: ROOT };
            people.extend(member::read(table, &context, &people));
        }
        people
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::config::{config_from, formats};

    const EXAMPLE: &str = include_str!("../../config/group.example.toml");

    fn read(text: &str) -> (GroupSpec, Vec<Warning>) {
        group_from("group.toml", text, &formats(None).unwrap(), &Defaults::default()).unwrap_or_else(|errors| {
            panic!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        })
    }

    /// The example with its commented keys switched on.
    fn all_keys() -> String {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let key = |l: &&str| l.split_once(" = ").is_some_and(|(key, _)| key.bytes().all(plain));
        let on = |line: &'static str| line.strip_prefix("# ").filter(key).unwrap_or(line);
        EXAMPLE.lines().map(on).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_example_is_a_group_of_the_method() {
        let (spec, warnings) = read(EXAMPLE);
        assert_eq!(warnings, []);
        assert!((5..=8).contains(&spec.circle_size()));
        assert_eq!(spec.problems(&formats(None).unwrap()), []);
        assert_eq!(spec.settings, crate::core::Settings::default());
    }

    #[test]
    fn every_key_that_the_example_tells_of_is_read() {
        let text = all_keys();
        let (spec, _) = read(&text);
        for key in ROOT.iter().filter(|k| **k != "facilitator").chain(settings::KEYS) {
            assert!(text.lines().any(|l| l.starts_with(&format!("{key} = "))), "{key} is not in the example");
        }
        assert!(spec.members.iter().any(|m| m.reports_to.is_some() && !m.aliases.is_empty()));
        assert!(!spec.skip.is_empty() && spec.starts.is_some() && spec.phone.is_some() && spec.host.is_some());
    }

    #[test]
    fn short_names_come_from_names_and_stay_when_somebody_joins() {
        let base = "name = \"Codév Cadres, Lyon\"\ntimezone = \"Europe/Paris\"\nschedule = \"second tuesday 18:00\"\nfacilitator = \"Zoé Petit\"\n";
        let person = |name: &str, i: usize| format!("[[member]]\nname = \"{name}\"\nemail = \"p{i}@example.org\"\n");
        let names = ["Zoé Petit", "Jean-Luc Martin", "Ana Lopes", "Ana Diaz", "Łukasz Øre", "Bo"];
        let text = base.to_owned() + &names.iter().enumerate().map(|(i, n)| person(n, i)).collect::<String>();
        let (spec, _) = read(&text);
        let ids = |s: &GroupSpec| s.members.iter().map(|m| m.id.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(&spec), ["zoe", "jean-luc", "ana", "ana-diaz", "lukasz", "bo"]);
        assert_eq!((spec.id.as_str(), spec.facilitators[0].as_str()), ("codev-cadres-lyon", "zoe"));
        let (more, _) = read(&(text + &person("Bo Svensson", 9)));
        assert_eq!(ids(&more)[..6], ids(&spec)[..]);
        assert_eq!(ids(&more)[6], "bo-svensson");
    }

    #[test]
    fn the_mailbox_is_nobodys_own() {
        let config = |address: &str| {
            let text =
                format!("database = \"x.db\"\n[mailbox]\naddress = \"{address}\"\n[smtp]\nurl = \"smtps://h\"\n");
            config_from("codevd.toml", &text, Path::new("/etc/codevd")).unwrap()
        };
        let (spec, _) = read(EXAMPLE);
        assert_eq!(check_together(&config("codev@example.org"), &spec), []);
        let own = spec.members[1].email.as_str().to_uppercase();
        let errors = check_together(&config(&own), &spec);
        assert_eq!(errors.len(), 1);
        let text = errors[0].to_string();
        assert!(text.starts_with("codevd.toml:3:11: ") && text.contains(&spec.members[1].name), "{text}");
        let plus = spec.members[2].email.as_str().replace('@', "+codev@");
        assert_eq!(check_together(&config(&plus), &spec).len(), 1);
    }
}

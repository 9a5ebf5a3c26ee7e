//! A group as text: the group file that says what a specification says.

use crate::core::spec::{GroupSpec, MemberSpec, Settings};
use toml::{Table, Value};

/// A group file that reads back as this specification. `host` stays out where it is what codevd.toml says already.
pub fn group_file(spec: &GroupSpec, host: Option<&str>) -> String {
    let mut head = Table::new();
    let mut put = |key: &str, value: Value| drop(head.insert(key.to_owned(), value));
    put("name", text(&spec.name));
    put("id", text(&spec.id));
    put("language", text(&spec.language));
    put("timezone", text(spec.zone.name()));
    put("schedule", text(&spec.schedule));
    let day = |s: &crate::core::spec::Skip| match s.from == s.to {
        true => s.from.to_string(),
        false => format!("{}..{}", s.from, s.to),
    };
    if !spec.skip.is_empty() {
        put("skip", list(spec.skip.iter().map(day)));
    }
    let optional = [
        ("starts", spec.starts.map(|d| d.to_string())),
        ("place", spec.place.clone()),
        ("phone", spec.phone.clone()),
        ("host", spec.host.clone().filter(|h| Some(h.as_str()) != host)),
    ];
    for (key, value) in optional {
        value.into_iter().for_each(|value| put(key, Value::String(value)));
    }
    put("format", text(&spec.format));
    put("facilitators", list(spec.facilitators.iter().map(ToString::to_string)));
    for (key, yes) in [("facilitators_in_circle", spec.facilitators_in_circle), ("size_override", spec.size_override)] {
        if yes {
            put(key, Value::Boolean(true));
        }
    }
    let mut file = head.to_string();
    for one in &spec.members {
        file.push_str(&format!("\n[[member]]\n{}", member(one, spec)));
    }
    let settings = settings(&spec.settings);
    if !settings.is_empty() {
        file.push_str(&format!("\n[settings]\n{settings}"));
    }
    file
}

fn text(value: impl ToString) -> Value {
    Value::String(value.to_string())
}

fn list(values: impl Iterator<Item = String>) -> Value {
    Value::Array(values.map(Value::String).collect())
}

fn member(one: &MemberSpec, group: &GroupSpec) -> Table {
    let mut table = Table::new();
    let mut put = |key: &str, value: Value| drop(table.insert(key.to_owned(), value));
    put("name", text(&one.name));
    put("id", text(&one.id));
    put("email", text(&one.email));
    if one.language != group.language {
        put("language", text(&one.language));
    }
    if one.zone != group.zone {
        put("timezone", text(one.zone.name()));
    }
    for (key, addresses) in [("aliases", &one.aliases), ("delegates", &one.delegates)] {
        if !addresses.is_empty() {
            put(key, list(addresses.iter().map(ToString::to_string)));
        }
    }
    if let Some(chief) = &one.reports_to {
        put("reports_to", text(chief));
    }
    table
}

/// Those that are not the method's defaults.
fn settings(settings: &Settings) -> Table {
    let table = |s: &Settings| Table::try_from(s).unwrap_or_default();
    let usual = table(&Settings::default());
    table(settings).into_iter().filter(|(key, value)| usual.get(key) != Some(value)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::{Defaults, formats, group_from};

    /// The example with every key that stands behind a comment taken in.
    fn all_keys() -> String {
        let example = include_str!("../../config/group.example.toml");
        let line = |line: &str| {
            let key =
                line.strip_prefix("# ").filter(|l| l.split_once(" = ").is_some_and(|(k, _)| !k.contains([' ', '"'])));
            let key = key.filter(|l| !l.starts_with("size_override"));
            key.unwrap_or(line).to_owned()
        };
        example.lines().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_group_file_reads_back_as_what_it_was_made_of() {
        let formats = formats(None).unwrap();
        for text in [include_str!("../../config/group.example.toml").to_owned(), all_keys()] {
            let text =
                text.replace("quorum = 4", "quorum = 5").replace("guest_list = \"visible\"", "guest_list = \"hidden\"");
            let (spec, _) = group_from("lyon.toml", &text, &formats, &Defaults::default()).unwrap();
            let written = group_file(&spec, None);
            let (again, _) = group_from("lyon.toml", &written, &formats, &Defaults::default()).unwrap();
            assert_eq!(again, spec, "{written}");
        }
    }
}

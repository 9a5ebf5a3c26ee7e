//! A quiet month on the pure core alone: what goes out when nobody says anything.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use chrono::{DateTime, Duration, Utc};
use codevd::config;
use codevd::core::agenda::{agenda, next_due};
use codevd::core::decide::{decide, found};
use codevd::core::{Event, Group, Moment};
use std::collections::BTreeMap;

const FILE: &str = r#"
name = "Codev Lyon"
id = "lyon"
language = "fr"
timezone = "Europe/Paris"
schedule = "second tuesday 18:00"
place = "https://visio.example.org/lyon"
facilitator = "marie"
host = "l'atelier"
member = [
  { name = "Marie Faure", email = "marie@example.org" },
  { name = "Ana Lopes", email = "ana@example.org" },
  { name = "Bo Martin", email = "bo@example.org" },
  { name = "Chloé Petit", email = "chloe@example.org", id = "chloe" },
  { name = "David Roy", email = "david@example.org" },
  { name = "Emma Blanc", email = "emma@example.org" },
  { name = "Farid Haddad", email = "farid@example.org" },
]
"#;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn a_quiet_month_asks_reminds_and_prompts_in_order() {
    let formats = config::formats(None).unwrap();
    let (spec, _) = config::group_from("lyon.toml", FILE, &formats, &config::Defaults::default()).unwrap();
    let mut now = at("2026-11-02T10:00:00Z");
    let moment = |now| Moment { now, fresh: "0123456789abcdefghjkmnpqrs".into() };
    let mut group: Group = found(&spec, true, &formats, &moment(now)).unwrap().group;
    let mut told = Vec::new();
    while let Some(due) = next_due(&group) {
        if due > at("2027-01-01T00:00:00Z") {
            break;
        }
        now = due.max(now);
        let change = decide(&group, &Event::Due, &moment(now)).unwrap();
        let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
        for draft in &change.drafts {
            *kinds.entry(draft.key.kind.code().to_owned()).or_default() += 1;
        }
        if !kinds.is_empty() {
            let line = kinds.iter().map(|(k, n)| format!("{k}x{n}")).collect::<Vec<_>>().join(" ");
            told.push(format!("{} {line}", now.format("%m-%d %H:%M:%S")));
        }
        group = change.group;
        assert!(agenda(&group).iter().all(|d| d.at > now), "what is due was done");
    }
    println!("{}", told.join("\n"));
    assert!(told.len() > 10);
    let _ = Duration::zero();
}

//! The headers of every mail that goes out (`inbound.md` §5), one line a kind in `table.txt`.

use codevd::core::{Draft, Group};
use codevd::daemon::{Composer, Sender};
use codevd::mail::{Key, TOKEN_CHARS};
use codevd::render::Renderer;
use std::collections::{BTreeMap, BTreeSet};

/// Headers that no mail of ours bears: answers to them would be machines', or they promise what is not there.
const NEVER: [&str; 5] =
    ["List-Post", "List-Unsubscribe-Post", "Return-Receipt-To", "Disposition-Notification-To", "Return-Path"];

/// Header lines of a mail, unfolded, by name; one header is there once.
fn headers(bytes: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8(bytes.to_vec()).unwrap().replace("\r\n ", " ").replace("\r\n\t", " ");
    let mut all = BTreeMap::new();
    for line in text.split("\r\n\r\n").next().unwrap().split("\r\n") {
        let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("{line:?}"));
        assert!(all.insert(name.to_owned(), value.to_owned()).is_none(), "{name} twice");
    }
    all
}

/// A value with what differs from mail to mail named: the token, the meeting's root, the mail that is answered.
fn named(value: &str, token: &str, tag: &str) -> String {
    let value = value.replace(token, "TOKEN").replace(tag, "TAG");
    let value = value.replace("abc@mail.example.org", "ANSWERED");
    let ids = value.split(' ').map(|id| match id {
        _ if id.contains("TOKEN") || id.contains("ANSWERED") => id.to_owned(),
        _ if id.starts_with('<') && id.ends_with("@codev.example>") => "<MEETING@codev.example>".to_owned(),
        _ => id.to_owned(),
    });
    ids.collect::<Vec<_>>().join(" ")
}

/// The table as these mails make it: kind by kind, with and without subaddressing.
pub fn table(cases: Vec<(String, Group, Draft)>, renderer: &Renderer) -> String {
    let key = Key::new([7; 32]);
    let mut rows: BTreeMap<(String, bool), BTreeSet<String>> = BTreeMap::new();
    for (name, group, draft) in cases {
        for plus in [false, true] {
            let sender = Sender { name: "Codev".into(), address: "codev@codev.example".parse().unwrap(), plus };
            let composer = Composer { renderer, key: &key, sender: &sender };
            let mail = composer.compose(&group, &draft).unwrap_or_else(|e| panic!("{name}: {e}"));
            let token = mail.message_id.split('@').next().unwrap();
            let tag = key.draft_id(&draft.key.to_string()).tag();
            assert_eq!(token.len(), TOKEN_CHARS, "{name}");
            let found = headers(&mail.bytes);
            for never in NEVER {
                assert!(!found.contains_key(never), "{name}: {never}");
            }
            let value = |header: &str| found.get(header).map_or("-".to_owned(), |v| named(v, token, &tag));
            assert_eq!(value("X-Codevd-Id"), "TOKEN", "{name}");
            assert_eq!(found["From"], "Codev <codev@codev.example>", "{name}");
            assert_eq!(value("MIME-Version"), "1.0", "{name}");
            assert!(found.contains_key("Date") && found.contains_key("Subject") && found.contains_key("To"), "{name}");
            let columns = [
                "Auto-Submitted",
                "X-Auto-Response-Suppress",
                "Precedence",
                "Message-ID",
                "In-Reply-To",
                "References",
                "Reply-To",
                "List-Id",
                "List-Unsubscribe",
            ];
            let row = columns.map(|c| format!("  {c}: {}", value(c))).join("\n");
            rows.entry((draft.key.kind.name().to_owned(), plus)).or_default().insert(row);
        }
    }
    let mut by_row: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for ((kind, plus), all) in rows {
        assert_eq!(
            all.len(),
            1,
            "{kind}: its mails differ in their headers:\n{}",
            all.into_iter().collect::<Vec<_>>().join("\n")
        );
        let row = all.into_iter().next().unwrap();
        by_row
            .entry(format!("{}\n{row}", if plus { "with subaddressing" } else { "without subaddressing" }))
            .or_default()
            .push(kind);
    }
    let told = by_row.into_iter().map(|(row, kinds)| format!("{}\n{row}\n", kinds.join(", ")));
    told.collect::<Vec<_>>().join("\n")
}

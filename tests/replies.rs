//! Replies as others' collections have them, written for this project: plain texts alone, from programs and people of
//! all kinds, without the mail they answer (`inbound.md` row 11). `tests/replies.toml`.

use codevd::mail;
use serde::Deserialize;

#[derive(Deserialize)]
struct All {
    reply: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    what: String,
    text: String,
    expected: String,
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn replies_in_the_manner_of_others_collections() {
    let all: All = toml::from_str(include_str!("replies.toml")).unwrap();
    let (mut wrong, mut unclean) = (Vec::new(), Vec::new());
    let count = all.reply.len();
    for case in all.reply {
        let raw = format!(
            "From: Ana <ana@example.org>\r\nTo: codev@example.org\r\nSubject: Re: x\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n{}\r\n",
            case.text.replace('\n', "\r\n")
        );
        let read = mail::reply(&mail::letter(raw.as_bytes()), None).text;
        // each quoted text says QUOTED somewhere
        if read.contains("QUOTED") && !case.expected.contains("QUOTED") {
            unclean.push(case.what.clone());
        }
        if squeezed(&read) != squeezed(&case.expected) {
            wrong.push(format!("{}: {read:?}", case.what));
        }
    }
    println!("{} of {count} exact", count - wrong.len());
    assert!(count >= 100, "{count} cases");
    assert!(unclean.is_empty(), "a quote is left in: {}", unclean.join("; "));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

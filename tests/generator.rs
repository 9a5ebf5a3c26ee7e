//! Answers written by mail programs in six languages around our own mails: the gold is known by construction.
//! Each is read with the mail that it answers, and again without it.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use codevd::mail;
use serde::Deserialize;

#[derive(Deserialize)]
struct Clients {
    client: Vec<Client>,
}

#[derive(Deserialize)]
struct Client {
    name: String,
    quote: String,
    head: BTreeMap<String, String>,
    #[serde(default)]
    phone: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug)]
enum Style {
    Top,
    Bottom,
    NoQuote,
}

fn clients() -> Vec<Client> {
    toml::from_str::<Clients>(include_str!("generator/clients.toml")).unwrap().client
}

/// The plain texts of our mails in the golden samples of a language, named.
fn sent(lang: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("tests/golden").unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(&format!(".{lang}.snap")) {
            continue;
        }
        let all = std::fs::read_to_string(&path).unwrap();
        let Some((_, rest)) = all.split_once("\nSubject: ") else { continue };
        let Some((_, text)) = rest.split_once("\n\n") else { continue };
        let end = ["\n---- ", "\n==== "].iter().filter_map(|m| text.find(m)).min().unwrap_or(text.len());
        found.push((name, text[..end].trim_end().to_owned()));
    }
    found.sort();
    assert!(found.len() >= 20, "golden samples in {lang}: {}", found.len());
    found
}

/// The mail a program makes of an answer; nothing where it does not write this style.
fn written(client: &Client, lang: &str, style: Style, answer: &str, sent: &str) -> Option<String> {
    let head = client.head.get(lang)?;
    let phone = client.phone.get(lang).map(|p| format!("\n\n{p}")).unwrap_or_default();
    let angle = client.quote == "angle";
    let quote: Vec<String> =
        sent.lines().map(|l| if angle { format!("> {l}").trim_end().to_owned() } else { l.to_owned() }).collect();
    let quote = quote.join("\n");
    let body = match style {
        Style::Top => format!("{answer}{phone}\n\n{head}\n{quote}\n"),
        Style::Bottom if angle => format!("{head}\n{quote}\n\n{answer}{phone}\n"),
        Style::Bottom => return None,
        Style::NoQuote => format!("{answer}{phone}\n"),
    };
    let top = "From: Claire <claire@atelier.example>\r\nTo: codev@rivages.example\r\nSubject: Re: x\r\nMIME-Version: 1.0\r\n\
               Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
    Some(format!("{top}{}", body.replace('\n', "\r\n")))
}

fn same(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

#[test]
fn answers_are_cut_out_exactly() {
    let answers: BTreeMap<String, Vec<String>> = toml::from_str(include_str!("generator/answers.toml")).unwrap();
    let clients = clients();
    for (lang, answers) in &answers {
        let mails = sent(if lang == "fr" { "fr" } else { "en" });
        let (mut all, mut with, mut without) = (0, 0, 0);
        let mut failed = Vec::new();
        for (c, client) in clients.iter().enumerate() {
            for (a, answer) in answers.iter().enumerate() {
                for style in [Style::Top, Style::Bottom, Style::NoQuote] {
                    let (name, plain) = &mails[(c * 7 + a * 3) % mails.len()];
                    let Some(raw) = written(client, lang, style, answer, plain) else { continue };
                    let letter = mail::letter(raw.as_bytes());
                    let known = mail::reply(&letter, Some(plain)).text;
                    all += 1;
                    with += usize::from(same(&known, answer));
                    without += usize::from(same(&mail::reply(&letter, None).text, answer));
                    if !same(&known, answer) {
                        failed.push(format!("{} {style:?} {name}: {answer:?} read as {known:?}", client.name));
                    }
                }
            }
        }
        println!("{lang}: {with} of {all} exact, {without} without what we sent\n{}", failed.join("\n"));
        let bar = if matches!(lang.as_str(), "fr" | "en") { 98 } else { 95 };
        assert!(with * 100 >= all * bar, "{lang}: {with} of {all}");
        assert!(without * 100 >= all * bar, "{lang}, without what we sent: {without} of {all}");
    }
}

#[test]
fn no_word_of_a_quote_is_an_answer() {
    let mut taken = Vec::new();
    for lang in ["fr", "en"] {
        for (name, plain) in sent(lang) {
            for client in clients() {
                let raw =
                    written(&client, lang, Style::Top, "", &plain).expect("each program writes French and English");
                let letter = mail::letter(raw.as_bytes());
                for known in [Some(plain.as_str()), None] {
                    let reply = mail::reply(&letter, known);
                    if !reply.text.is_empty() {
                        taken.push(format!("{name} {} {}: {:?}", client.name, known.is_some(), reply.text));
                    }
                }
            }
        }
    }
    assert!(taken.is_empty(), "{}", taken.join("\n"));
}

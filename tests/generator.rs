//! Answers written by mail programs in six languages around our own mails: the gold is known by construction.
//! Each is read with the mail that it answers, and again without it.

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
    /// The program whose `head` and `phone` this one writes too, where it has none of its own.
    #[serde(default)]
    like: String,
    quote: String,
    form: String,
    encoding: String,
    #[serde(default)]
    html: String,
    #[serde(default)]
    head: BTreeMap<String, String>,
    /// The line above the header block.
    #[serde(default)]
    rule: BTreeMap<String, String>,
    #[serde(default)]
    phone: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Style {
    Top,
    Bottom,
    Inline,
    NoQuote,
}

fn clients() -> Vec<Client> {
    let mut all = toml::from_str::<Clients>(include_str!("generator/clients.toml")).unwrap().client;
    let known: Vec<_> = all.iter().map(|c| (c.name.clone(), c.head.clone(), c.phone.clone())).collect();
    for client in &mut all {
        let Some((_, head, phone)) = known.iter().find(|k| k.0 == client.like) else { continue };
        client.head = head.clone();
        if client.phone.is_empty() && client.like.starts_with("iphone") == client.name.starts_with("iphone") {
            client.phone = phone.clone();
        }
    }
    all
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
fn written(client: &Client, lang: &str, style: Style, answer: &str, sent: &str) -> Option<Vec<u8>> {
    let head = client.head.get(lang)?;
    let phone = client.phone.get(lang).map_or("", String::as_str);
    let rule = client.rule.get(lang).map_or("", String::as_str);
    let plain = plain(client.quote == "angle", client.form == "flowed", style, answer, [phone, rule, head], sent);
    let top =
        "From: Claire <claire@atelier.example>\r\nTo: codev@rivages.example\r\nSubject: Re: x\r\nMIME-Version: 1.0\r\n";
    let part = |kind: &str, text: &str| {
        let (encoding, body) = encoded(&client.encoding, text);
        format!("Content-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}")
    };
    let typed_into = client.quote == "bare" && style != Style::NoQuote;
    let html = (style == Style::Top || typed_into).then(|| html(client, style, answer, [phone, rule, head], sent));
    let body = match (client.form.as_str(), html) {
        ("flowed", _) => part("text/plain; format=flowed", &plain),
        ("html", Some(html)) => part("text/html", &html),
        ("alternative", Some(html)) => format!(
            "Content-Type: multipart/alternative; boundary=\"=_b1\"\r\n\r\n--=_b1\r\n{}\r\n--=_b1\r\n{}\r\n--=_b1--\r\n",
            part("text/plain", &plain),
            part("text/html", &html)
        ),
        _ => part("text/plain", &plain),
    };
    Some(format!("{top}{body}").into_bytes())
}

/// The text part: `added` are the phone's line, the rule and the announcement.
fn plain(angle: bool, flowed: bool, style: Style, answer: &str, added: [&str; 3], sent: &str) -> String {
    let [phone, rule, head] = added;
    let after = |text: &str| if text.is_empty() { String::new() } else { format!("\n\n{text}") };
    let quoted = |lines: &[&str]| -> String {
        let line = |l: &&str| if angle { format!("> {l}").trim_end().to_owned() } else { (*l).to_owned() };
        lines.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    // RFC 3676 §4.2: a line that begins with a blank or an angle is stuffed
    let stuff = |l: &str| if l.starts_with([' ', '>']) { format!(" {l}") } else { l.to_owned() };
    let answer = if flowed { answer.lines().map(stuff).collect::<Vec<_>>().join("\n") } else { answer.to_owned() };
    let (lines, half) = halves(sent);
    let (phone, rule, whole) = (after(phone), after(rule), quoted(&lines));
    let (above, below) = (quoted(&lines[..half]), quoted(&lines[half..]));
    let body = match style {
        Style::Top => format!("{answer}{phone}{rule}\n\n{head}\n{whole}\n"),
        Style::Bottom if angle => format!("{head}\n{whole}\n\n{answer}{phone}\n"),
        Style::Inline if angle => format!("{head}\n{above}\n\n{answer}\n\n{below}\n{phone}\n"),
        // what the program adds stands where it put the cursor; the person went down into the quote
        Style::Bottom => format!("{phone}{rule}\n\n{head}\n{whole}\n\n{answer}\n"),
        Style::Inline => format!("{phone}{rule}\n\n{head}\n{above}\n\n{answer}\n\n{below}\n"),
        Style::NoQuote => format!("{answer}{phone}\n"),
    };
    body.replace('\n', "\r\n")
}

/// The lines of our mail, and where in its middle a paragraph ends.
fn halves(sent: &str) -> (Vec<&str>, usize) {
    let lines: Vec<&str> = sent.lines().collect();
    let half = (lines.len() / 2..lines.len()).find(|n| lines[*n].is_empty()).unwrap_or(lines.len());
    (lines, half)
}

/// The number of our line right above an answer between the quotes: the answer is that number's.
fn number_above(sent: &str) -> Option<&str> {
    let (lines, half) = halves(sent);
    let above = lines[..half].iter().rev().find(|line| !line.is_empty())?;
    let number = above.split(' ').next()?;
    number.trim_end_matches('.').parse::<u8>().is_ok().then_some(number).filter(|n| n.ends_with('.'))
}

/// The HTML part, by the program's own frame.
fn html(client: &Client, style: Style, answer: &str, added: [&str; 3], sent: &str) -> String {
    let blocks = |text: &str| -> String {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        escaped
            .lines()
            .map(|l| if l.is_empty() { "<div><br></div>".to_owned() } else { format!("<div>{l}</div>") })
            .collect()
    };
    let [phone, rule, head] = added.map(blocks);
    let (lines, half) = halves(sent);
    let (above, quote) = match style {
        Style::Bottom => (String::new(), blocks(&format!("{sent}\n\n{answer}"))),
        Style::Inline => {
            let (first, second) = (lines[..half].join("\n"), lines[half..].join("\n"));
            (String::new(), blocks(&format!("{first}\n\n{answer}\n\n{second}")))
        }
        _ => (blocks(answer), blocks(sent)),
    };
    client
        .html
        .replace("{answer}", &above)
        .replace("{phone}", &phone)
        .replace("{rule}", &rule)
        .replace("{head}", &head)
        .replace("{quote}", &quote)
}

/// A body in a transfer encoding (RFC 2045 §6).
fn encoded(encoding: &str, text: &str) -> (&'static str, String) {
    match encoding {
        "qp" => ("quoted-printable", text.split("\r\n").map(quoted_printable).collect::<Vec<_>>().join("\r\n")),
        "base64" => ("base64", base64(text.as_bytes())),
        _ => ("8bit", text.to_owned()),
    }
}

/// A line, broken before 76 columns, even inside a character.
fn quoted_printable(line: &str) -> String {
    let (mut out, mut width) = (String::new(), 0);
    for (n, byte) in line.bytes().enumerate() {
        let last = n + 1 == line.len();
        let piece = match byte {
            b'=' | 0..=31 | 127.. => format!("={byte:02X}"),
            b' ' if last => "=20".to_owned(),
            _ => char::from(byte).to_string(),
        };
        if width + piece.len() > 75 {
            out.push_str("=\r\n");
            width = 0;
        }
        width += piece.len();
        out.push_str(&piece);
    }
    out
}

fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for (n, three) in bytes.chunks(3).enumerate() {
        if n > 0 && n.is_multiple_of(19) {
            out.push_str("\r\n");
        }
        let bits = three.iter().fold(0, |bits, b| bits << 8 | usize::from(*b)) << (8 * (3 - three.len()));
        for sign in 0..4 {
            let known = sign <= three.len();
            out.push(if known { char::from(SIGNS[bits >> (18 - 6 * sign) & 63]) } else { '=' });
        }
    }
    out
}

fn same(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

/// Numbers, signs and dates alone: what an attribution could swallow.
fn is_numeric(answer: &str) -> bool {
    answer.chars().any(|c| c.is_ascii_digit()) && answer.chars().filter(|c| c.is_alphabetic()).count() <= 4
}

/// A fixed eighth of a language's cases, or all of them.
fn cases(answers: &[String], clients: usize) -> Vec<(usize, usize, Style)> {
    let styles = [Style::Top, Style::Bottom, Style::Inline, Style::NoQuote];
    let all = (0..clients).flat_map(|c| (0..answers.len()).flat_map(move |a| styles.map(|s| (c, a, s))));
    let (mut seed, whole) = (20_261_124_u32, crate::whole());
    all.filter(|(_, a, style)| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // above the quote a number is always tried
        whole || (seed >> 16).is_multiple_of(8) || (*style == Style::Top && is_numeric(&answers[*a]))
    })
    .collect()
}

#[test]
fn answers_are_cut_out_exactly() {
    let mut answers: BTreeMap<String, Vec<String>> = toml::from_str(include_str!("generator/answers.toml")).unwrap();
    let common = answers.remove("all").unwrap();
    let clients = clients();
    assert_eq!((clients.len(), answers.len()), (14, 6));
    for (lang, answers) in &answers {
        assert!(answers.len() + common.len() >= 40, "{lang}");
        for client in &clients {
            assert!(client.head.contains_key(lang), "{} in {lang}", client.name);
        }
    }
    std::thread::scope(|scope| {
        for (lang, answers) in &mut answers {
            answers.extend(common.iter().cloned());
            let clients = &clients;
            scope.spawn(move || exact(lang, answers, clients));
        }
    });
}

/// Reads a language's mails and holds them to its bar; no number may be lost above an announcement.
fn exact(lang: &str, answers: &[String], clients: &[Client]) {
    let mails = sent(if lang == "fr" { "fr" } else { "en" });
    let (mut all, mut with, mut without) = (0, 0, 0);
    // an answer typed into a quote that nothing marks can be told by our text alone: (cases, exact)
    let (mut unmarked, mut marked) = ((0, 0), 0);
    let (mut failed, mut numbers) = (Vec::new(), Vec::new());
    for (c, a, style) in cases(answers, clients.len()) {
        let (client, answer) = (&clients[c], &answers[a]);
        let (name, plain) = &mails[(c * 7 + a * 3) % mails.len()];
        let Some(raw) = written(client, lang, style, answer, plain) else { continue };
        let letter = mail::letter(&raw);
        let into_unmarked = client.quote == "bare" && matches!(style, Style::Bottom | Style::Inline);
        all += 1;
        marked += usize::from(!into_unmarked);
        for (known, exact) in [(Some(plain.as_str()), &mut with), (None, &mut without)] {
            let read = mail::reply(&letter, known).text;
            let number = known.filter(|_| style == Style::Inline).and_then(number_above);
            let right = same(&read, answer) || number.is_some_and(|n| same(&read, &format!("{n} {answer}")));
            *exact += usize::from(right);
            if into_unmarked {
                match known {
                    Some(_) => unmarked = (unmarked.0 + 1, unmarked.1 + usize::from(right)),
                    // nothing is taken rather than something of ours
                    None => {
                        *exact -= usize::from(right);
                        assert!(read.is_empty(), "{lang} {} {style:?} {name}: {read:?}", client.name);
                        continue;
                    }
                }
            }
            if !right {
                let what = format!("{} {style:?} {name} {}: {answer:?} read as {read:?}", client.name, known.is_some());
                if is_numeric(answer) && style == Style::Top {
                    numbers.push(what.clone());
                }
                failed.push(what);
            }
        }
    }
    println!(
        "{lang}: {with} of {all} exact, typed into an unmarked quote {} of {}; {without} of {marked} without what we \
         sent\n{}",
        unmarked.1,
        unmarked.0,
        failed.join("\n")
    );
    let bar = if matches!(lang, "fr" | "en") { 98 } else { 95 };
    assert!(numbers.is_empty(), "{lang}: numbers lost or not alone:\n{}", numbers.join("\n"));
    assert!(with * 100 >= all * bar, "{lang}: {with} of {all}");
    assert!(unmarked.1 * 100 >= unmarked.0 * bar, "{lang}, typed into an unmarked quote: {unmarked:?}");
    assert!(without * 100 >= marked * bar, "{lang}, without what we sent: {without} of {marked}");
}

/// An answer between the quotes in words that our mail has too.
#[test]
fn an_inline_answer_in_our_own_words_stays() {
    for (lang, answer, plain) in [
        ("en", "Yes", "Was it you?\n\nReply with one word: Yes or No.\n\nThank you."),
        ("fr", "Oui", "C'était vous ?\n\nRépondez d'un mot : Oui ou Non.\n\nMerci."),
        (
            "fr",
            "Je serai en retard de 10 minutes",
            "Bonjour,\n\nDites par exemple « en retard de 10 minutes » ou « absent ».\n\nMerci.",
        ),
    ] {
        for client in clients() {
            for style in [Style::Top, Style::Bottom, Style::Inline] {
                let Some(raw) = written(&client, lang, style, answer, plain) else { continue };
                let read = mail::reply(&mail::letter(&raw), Some(plain)).text;
                assert!(same(&read, answer), "{} {style:?}: {answer:?} read as {read:?}", client.name);
            }
        }
    }
}

/// As a program without accents writes it.
fn without_accents(text: &str) -> String {
    let plain = |c: char| match c {
        'é' | 'è' | 'ê' => "e",
        'à' | 'â' => "a",
        'ç' => "c",
        'î' => "i",
        'ô' => "o",
        'ù' | 'û' => "u",
        'É' => "E",
        'À' => "A",
        'œ' => "oe",
        '’' => "'",
        '«' | '»' => "\"",
        '\u{a0}' | '\u{202f}' => " ",
        _ => "",
    };
    text.chars()
        .map(|c| match plain(c) {
            "" => c.to_string(),
            known => known.to_owned(),
        })
        .collect()
}

#[test]
fn no_word_of_a_quote_is_an_answer() {
    let mut taken = Vec::new();
    for lang in ["fr", "en"] {
        for (n, (name, plain)) in sent(lang).into_iter().enumerate() {
            // a third of the clients for each mail, in turn
            let here = |(c, _): &(usize, Client)| crate::whole() || (n + c).is_multiple_of(3);
            for (_, client) in clients().into_iter().enumerate().filter(here) {
                let quoting = |quoted: &str| {
                    let raw = written(&client, lang, Style::Top, "", quoted);
                    mail::letter(&raw.expect("each program writes French and English"))
                };
                let lost = [without_accents(&plain), plain.replace(|c: char| !c.is_ascii(), "?")];
                for damaged in lost.iter().filter(|_| client.quote == "bare") {
                    let reply = mail::reply(&quoting(damaged), Some(&plain));
                    if reply.text.contains(char::is_alphanumeric) {
                        taken.push(format!("{name} {} damaged: {:?}", client.name, reply.text));
                    }
                }
                let letter = quoting(&plain);
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

//! The demo's page, played by HTTP on the real binary: seats, buttons, replies, the live session, the digest; who is
//! refused, and that nothing on any page leads off this machine.

use regex::Regex;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// A running demo; it ends with this value.
struct Page {
    child: Child,
    host: String,
    key: RefCell<String>,
}

/// What the page answered.
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Page {
    fn start(language: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_codevd"))
            .args(["demo", "--page", "--port", "0", "--lang", language])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // the address is the first line, alone on it
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        lines.read_line(&mut first).unwrap();
        let host = first.trim().strip_prefix("http://").expect("an address first").to_owned();
        // the story goes on; somebody must read it
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let page = Self { child, host, key: RefCell::default() };
        page.get("/");
        page
    }

    fn send(&self, head: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        write!(stream, "{head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |l: &str| l.split_once(": ").map(|(k, v)| (k.to_lowercase(), v.to_owned()));
        Answer { status, headers: lines.filter_map(header).collect(), body: body.to_owned() }
    }

    fn get(&self, path: &str) -> String {
        let answer = self.send(&format!("GET {path} HTTP/1.1\r\nHost: {}", self.host), "");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        if let Some((_, rest)) = answer.body.split_once("name=\"key\" value=\"") {
            *self.key.borrow_mut() = rest.split('"').next().unwrap().to_owned();
        }
        answer.body
    }

    /// Sends a form of the page's own, and follows where it leads: the address and the text there.
    fn post(&self, path: &str, fields: &[(&str, &str)]) -> (String, String) {
        let answer = self.form(path, fields);
        assert_eq!(answer.status, 303, "{path}: {}", answer.body);
        let to = answer.headers["location"].clone();
        let text = self.get(&to);
        (to, text)
    }

    fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let key = self.key.borrow().clone();
        let all: Vec<(&str, &str)> = fields.iter().copied().chain([("key", key.as_str()), ("back", "/")]).collect();
        self.raw_form(path, &all, &format!("http://{}", self.host))
    }

    fn raw_form(&self, path: &str, fields: &[(&str, &str)], origin: &str) -> Answer {
        let body = fields.iter().map(|(k, v)| format!("{k}={}", coded(v))).collect::<Vec<_>>().join("&");
        let kind = "Content-Type: application/x-www-form-urlencoded";
        self.send(&format!("POST {path} HTTP/1.1\r\nHost: {}\r\nOrigin: {origin}\r\n{kind}", self.host), &body)
    }

    fn act(&self, what: &str) -> (String, String) {
        self.post("/do", &[("what", what)])
    }

    fn take(&self, who: &str) {
        let (to, text) = self.post("/do", &[("what", "take"), ("who", who)]);
        assert_eq!(to, format!("/p/{who}"));
        assert!(text.contains("Vous êtes") || text.contains("You are"), "{text}");
    }

    /// The numbers of somebody's mails whose subject holds this, the newest first.
    fn mails(&self, who: &str, subject: &str) -> Vec<usize> {
        let line =
            Regex::new(r#"(?s)href="/p/[a-z]+/m/(\d+)".*?<span class="subject"[^>]*>(.*?)</span></a>|</a>"#).unwrap();
        let box_of = self.get(&format!("/p/{who}"));
        let items = box_of.split("<li class=").filter(|l| l.contains("class=\"subject\""));
        let number = |l: &str| line.captures(l)?.get(1)?.as_str().parse().ok();
        items.filter(|l| plain(l).contains(subject)).filter_map(number).collect()
    }

    /// Goes on to the next mails of the seats held until one has this in its subject.
    fn on_to(&self, subject: &str) -> String {
        for _ in 0..40 {
            let (to, text) = self.act("mine");
            let title = text.split("<title>").nth(1).unwrap().split("</title>").next().unwrap();
            if plain(title).contains(subject) {
                return to;
            }
        }
        panic!("no mail {subject:?} came");
    }

    fn reply(&self, mail: &str, client: &str, text: &str) -> String {
        let mail = mail.split('?').next().unwrap();
        plain(&self.post(&format!("{mail}/reply"), &[("client", client), ("text", text)]).1)
    }
}

fn coded(text: &str) -> String {
    let byte = |b: u8| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") };
    text.bytes().map(byte).collect()
}

/// The words of a page, blanks of all kinds as one.
fn plain(html: &str) -> String {
    let text = Regex::new("<[^>]*>").unwrap().replace_all(html, " ").into_owned();
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&");
    text.replace(['\u{a0}', '\u{202f}'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn has(text: &str, needle: &str) {
    assert!(plain(text).contains(needle), "{needle:?} is not in\n{}", plain(text));
}

#[test]
fn the_page_shows_the_people_what_comes_and_where_to_begin() {
    for (language, role, take, ahead, step) in [
        ("fr", "Marie, qui anime", "Prendre la place d’Ana", "Invitation à la séance", "3/6 · La demande"),
        ("en", "who facilitates", "Take Ana’s seat", "Invitation to the session", "3/6 · The request"),
    ] {
        let page = Page::start(language);
        let start = page.get("/");
        for name in ["Marie Dubois", "Farid Haddad", "Ana Lopes", "Bo Lindgren", "Chloe", "Dimitri Petit", "Élise"] {
            if language == "fr" {
                has(&start, name);
            }
        }
        assert_eq!(start.matches("class=\"unread\"").count(), 7, "everybody has the welcome mail");
        for needle in [role, take, ahead, step] {
            has(&start, needle);
        }
    }
}

#[test]
fn the_facilitator_leads_the_session_and_reads_the_digest() {
    let page = Page::start("fr");
    page.take("marie");
    let (invitation, text) = page.act("mine");
    has(&text, "mardi 8 décembre, 18 h 00 – 19 h 30");
    has(&text, "sans réponse");
    let (_, text) = page.post(&format!("{invitation}/calendar"), &[("answer", "accepted"), ("comment", "")]);
    has(&text, "codevd répond : Noté : vous venez le mardi 8 décembre.");
    has(&page.get("/p/marie/calendar"), "accepté");
    let (_, text) = page.act("session");
    has(&text, "En séance");
    // who leads says "suivant" to each step's mail: the session is over long before its hour
    let mut steps = BTreeSet::new();
    for _ in 0..40 {
        let (to, text) = page.act("mine");
        if !plain(&text).contains("En séance") {
            break;
        }
        let title = plain(text.split("<title>").nth(1).unwrap().split("</title>").next().unwrap());
        steps.extend(title.split(" · ").next().and_then(|t| t.split("] ").nth(1)).map(str::to_owned));
        let answered = page.reply(&to, "thunderbird", "suivant");
        assert!(answered.contains("Parti : suivant") || !answered.contains("En séance"), "{answered}");
    }
    let numbered = ["1/6", "2/6", "3/6", "4/6", "5/6", "6/6"].map(str::to_owned);
    assert!(numbered.iter().all(|n| steps.contains(n)), "{steps:?}");
    let (_, digest) = page.act("digest");
    let frame = Regex::new(r#"<iframe class="mail" src="([^"]+)""#).unwrap();
    let frame = page.get(&frame.captures(&digest).unwrap()[1]);
    has(&frame, "La règle écrite".to_lowercase().as_str());
    has(&frame, "demander de l'aide ne m'a rien coûté");
    has(&page.get("/p/marie"), "Synthèse de la séance du mardi 8 décembre");
}

#[test]
fn a_late_subject_in_a_played_seat_is_understood_and_shared() {
    let page = Page::start("fr");
    page.take("farid");
    let last = page.on_to("sujet ou échange ?");
    // nobody answered in his place meanwhile
    assert!(!page.get("/p/farid").contains("a répondu"));
    let words = "Mon sujet en une phrase : je n'arrive pas à dire non.\n\nAidez-moi à poser un cadre.";
    let text = page.reply(&last, "iphone", words);
    assert!(text.contains("Votre sujet est bien reçu"), "{text}");
    let own = page.mails("farid", "sujet ou échange")[1];
    let source = page.get(&format!("/p/farid/m/{own}?look=source"));
    has(&source, "Envoyé de mon iPhone");
    has(&source, "In-Reply-To: <");
    // the mail's own button opens the page's form, filled in; sent, it is a mail of its own with the key in its subject
    let receipt = page.mails("farid", "sujet ou échange")[0];
    let html = page.get(&format!("/p/farid/m/{receipt}/html"));
    let button = Regex::new(r#"target="_top" href="(/p/farid/m/\d+/compose\?[^"]+body=partager)""#).unwrap();
    let compose = page.get(&button.captures(&html).expect("a button")[1].replace("&amp;", "&"));
    let value = |name: &str| {
        let field = Regex::new(&format!(r#"name="{name}" value="([^"]*)""#)).unwrap();
        field.captures(&compose).unwrap()[1].replace("&#39;", "'").replace("&amp;", "&")
    };
    let fields = [("to", value("to")), ("subject", value("subject")), ("text", "partager".to_owned())];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let (_, text) = page.post(&format!("/p/farid/m/{receipt}/compose"), &fields);
    has(&text, "le groupe lira votre sujet en entier");
    page.take("ana");
    let shared = page.on_to("le sujet, à lire avant");
    has(&page.get(&format!("{}?look=text", shared.split('?').next().unwrap())), "je n'arrive pas à dire non");
}

#[test]
fn one_declines_and_another_proposes_a_time_that_the_facilitator_takes() {
    let page = Page::start("fr");
    page.take("bo");
    page.take("dimitri");
    page.act("mine");
    let bo = page.mails("bo", "venez-vous")[0];
    let (_, text) = page.post(&format!("/p/bo/m/{bo}/calendar"), &[("answer", "declined"), ("comment", "")]);
    has(&text, "codevd répond");
    has(&page.get("/p/bo/calendar"), "refusé");
    let dimitri = page.mails("dimitri", "venez-vous")[0];
    let fields = [("answer", "counter"), ("start", "2026-12-10T18:30"), ("comment", "")];
    page.post(&format!("/p/dimitri/m/{dimitri}/calendar"), &fields);
    let asked = page.mails("marie", "Dimitri");
    let asked = asked.first().unwrap_or_else(|| panic!("{}", plain(&page.get("/p/marie"))));
    page.take("marie");
    page.post(&format!("/p/marie/m/{asked}/reply"), &[("client", "gmail"), ("text", "oui")]);
    // nothing proves the sender here, and the hour is everybody's: asked back at the known address
    let was_it_you = page.mails("marie", "Est-ce bien vous");
    let was_it_you = was_it_you.first().unwrap_or_else(|| panic!("{}", plain(&page.get("/p/marie"))));
    page.post(&format!("/p/marie/m/{was_it_you}/reply"), &[("client", "gmail"), ("text", "oui")]);
    has(&page.get("/p/ana/calendar"), "jeudi 10 décembre, 18 h 30");
    has(&page.get("/p/dimitri/calendar"), "jeudi 10 décembre, 18 h 30");
}

#[test]
fn a_seat_given_back_answers_by_itself_again() {
    let page = Page::start("fr");
    page.take("bo");
    page.act("mine");
    has(
        &page.get(&format!("/p/bo/m/{}", page.mails("bo", "venez-vous")[0])),
        "Dans l’histoire, Bo répond : Oui je serai là !",
    );
    page.post("/do", &[("what", "leave"), ("who", "bo")]);
    has(&page.get("/"), "Bo répondra : Oui je serai là !");
    page.act("take-all");
    has(&page.get("/"), "Vous êtes Élise");
    assert!(!plain(&page.get("/")).contains("répondra :"), "nobody does anything by themselves");
    page.act("session");
    assert!(!page.get("/").contains("class=\"in\""), "nobody wrote");
}

#[test]
fn one_habit_is_switched_off_and_the_others_go_on() {
    let page = Page::start("fr");
    let off = |what: &str| page.post("/do", &[("what", what), ("who", "ana"), ("habit", "0")]);
    off("habit-off");
    has(&page.get("/p/ana/habits"), "Le bouton de l’agenda : Accepter coupé");
    page.act("session");
    has(&page.get("/p/ana/calendar"), "sans réponse");
    has(&page.get("/p/bo/calendar"), "codevd a noté, par mail : vient");
    off("habit-on");
    assert!(!page.get("/p/ana/habits").contains("aria-checked=\"false\""));
    page.act("digest");
    // what was switched off is missed; what Ana does in the session she did
    has(&page.get("/p/ana"), "Ana a répondu");
    assert!(!plain(&page.get("/p/ana")).contains("[Accepté]"));
    assert_eq!(page.form("/do", &[("what", "habit-off"), ("who", "ana"), ("habit", "99")]).status, 422);
}

#[test]
fn changes_are_told_as_they_happen() {
    let page = Page::start("fr");
    let mut events = TcpStream::connect(&page.host).unwrap();
    events.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    write!(events, "GET /changes HTTP/1.1\r\nHost: {}\r\n\r\n", page.host).unwrap();
    let mut events = BufReader::new(events).lines();
    let mut next = || loop {
        let line = events.next().expect("the stream goes on").unwrap();
        if let Some(number) = line.strip_prefix("data: ") {
            return number.parse::<u64>().unwrap();
        }
    };
    let first = next();
    page.act("next");
    assert!(next() > first);
}

#[test]
fn a_paused_session_is_not_passed_over() {
    let page = Page::start("fr");
    page.take("marie");
    let (prompt, _) = page.act("session");
    let text = page.reply(&prompt, "gmail", "pause");
    assert!(text.contains("en pause"), "{text}");
    for what in ["next", "mine", "session", "digest"] {
        page.act(what);
        let text = plain(&page.get("/"));
        assert!(text.contains("En séance") && text.contains("en pause"), "{what}: {text}");
    }
    has(&page.get("/"), "mar. 8 déc. 18 h 19");
    let text = page.reply(&prompt, "gmail", "reprendre");
    assert!(!text.contains("en pause"), "{text}");
}

#[test]
fn strangers_are_refused_and_nothing_leads_off_this_machine() {
    let page = Page::start("fr");
    let refused = |answer: Answer| assert_eq!(answer.status, 403, "{}", answer.body);
    let own = format!("http://{}", page.host);
    refused(page.send("GET / HTTP/1.1\r\nHost: evil.example", ""));
    refused(page.send(&format!("GET / HTTP/1.1\r\nHost: evil.example:{}", page.host.split(':').nth(1).unwrap()), ""));
    refused(page.send("GET / HTTP/1.1", ""));
    let key = page.key.borrow().clone();
    refused(page.raw_form("/do", &[("what", "next"), ("key", &key)], "https://evil.example"));
    refused(page.raw_form("/do", &[("what", "next"), ("key", &key)], "null"));
    refused(page.raw_form("/do", &[("what", "next"), ("key", "")], &own));
    refused(page.raw_form("/p/marie/m/0/reply", &[("text", "oui"), ("key", "x")], &own));
    let before = page.get("/version");
    assert_eq!(page.send(&format!("GET /nowhere HTTP/1.1\r\nHost: {}", page.host), "").status, 404);
    assert_eq!(page.form("/p/marie/m/0/reply", &[("text", "  ")]).status, 422);
    assert_eq!(page.form("/p/ana/m/0/reply", &[("text", "oui")]).status, 422, "that mail is Marie's");
    let answer = page.form("/do", &[("what", "next"), ("back", "//evil.example")]);
    assert_eq!((answer.status, answer.headers["location"].as_str()), (303, "/"));
    assert_ne!(page.get("/version"), before);
    page.act("session");
    crawl(&page);
}

/// Follows every link from the first page on: each answer has its policy, no address leads elsewhere.
fn crawl(page: &Page) {
    let link = Regex::new(r#"\s(?:href|src|action|srcset|poster|data)="([^"]*)""#).unwrap();
    let once = Regex::new(r"/m/\d+\?|elsewhere|mail\.eml|compose").unwrap();
    let varying = Regex::new(r"\d+|=.*").unwrap();
    let (mut seen, mut todo) = (BTreeSet::new(), vec!["/".to_owned()]);
    while let Some(path) = todo.pop() {
        let address = path.split('#').next().unwrap().to_owned();
        let kind = address.split('/').next_back().unwrap();
        // one source and one text of each mailbox are enough
        let alike = once.is_match(&address);
        let mark = if alike { varying.replace_all(&address, "").into_owned() } else { address.clone() };
        if !seen.insert(mark) {
            continue;
        }
        let answer = page.send(&format!("GET {address} HTTP/1.1\r\nHost: {}", page.host), "");
        if answer.status == 405 {
            continue;
        }
        assert_eq!(answer.status, 200, "{address}");
        let policy = &answer.headers["content-security-policy"];
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe-inline'; script"), "{policy}");
        assert_eq!(policy.contains("sandbox"), kind == "html", "{address}: {policy}");
        assert!(!policy.contains("allow-scripts"));
        if !answer.headers["content-type"].starts_with("text/html") {
            continue;
        }
        for found in link.captures_iter(&answer.body) {
            let found = found[1].replace("&amp;", "&");
            assert!(found.starts_with('/') && !found.starts_with("//") || found.starts_with('#'), "{address}: {found}");
            if found.starts_with('/') {
                todo.push(found);
            }
        }
    }
    assert!(seen.len() > 60, "only {} addresses", seen.len());
}

#[test]
fn a_taken_port_says_what_to_do_and_ctrl_c_ends_well() {
    let mut page = Page::start("en");
    let port = page.host.split(':').nth(1).unwrap().to_owned();
    let other = Command::new(env!("CARGO_BIN_EXE_codevd")).args(["demo", "--page", "--port", &port]).output().unwrap();
    assert_eq!(other.status.code(), Some(2));
    let said = String::from_utf8(other.stderr).unwrap();
    assert!(said.contains(&port) && said.contains("codevd demo --port 0"), "{said}");
    let ended = Command::new("kill").args(["-INT", &page.child.id().to_string()]).status().unwrap();
    assert!(ended.success());
    assert_eq!(page.child.wait().unwrap().code(), Some(0));
}

//! The stage scenarios are played on: a world, its people by short name, and the transcript.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Europe::Paris;
use codevd::config::{self, Defaults};
use codevd::core::{DraftKey, GroupSpec, Kind, MeetingNo, Order, StepKey};
use codevd::daemon::engine::GroupOrder;
use codevd::daemon::{Engine, Kit, Prover, Sender, shared};
use codevd::ical::PartStat;
use codevd::mail::{Believed, Key, letter};
use codevd::render::Renderer;
use codevd::sim::calendar_reply::{self, ReplyStyle};
use codevd::sim::client::{self, Author};
use codevd::sim::{Client, Person, SeededIds, SimPost, VirtualClock, World, WorldEvent};
use codevd::store::{InboxState, Store};
use codevd::words::Words;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

type Scene = World<SimPost, SeededIds>;

/// The daemon's address on stage.
pub const ADDRESS: &str = "codev@codev.example";

struct Stage {
    folder: tempfile::TempDir,
    world: Option<Scene>,
    now: DateTime<Utc>,
    plus: bool,
    specs: Vec<GroupSpec>,
    people: BTreeMap<String, Person>,
    got: BTreeMap<String, Vec<(DraftKey, Option<StepKey>, Vec<u8>)>>,
    out: String,
}

/// Plays the directives and gives the whole file as it should be.
pub fn play<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    played(lines).out
}

/// Plays the directives and leaves everything standing.
pub fn set<'a>(lines: impl Iterator<Item = &'a str>) -> Set {
    let mut stage = played(lines);
    // the last one to close the file brings all of it into the one file
    stage.world = None;
    let database = std::fs::read(stage.folder.path().join("codevd.db")).unwrap();
    let keys = std::fs::read(stage.folder.path().join("codevd.db.keys")).unwrap();
    Set { database, keys, now: stage.now, got: stage.got }
}

fn played<'a>(lines: impl Iterator<Item = &'a str>) -> Stage {
    let mut stage = Stage {
        folder: tempfile::tempdir().unwrap(),
        world: None,
        now: DateTime::UNIX_EPOCH,
        plus: false,
        specs: Vec::new(),
        people: BTreeMap::new(),
        got: BTreeMap::new(),
        out: String::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for line in lines {
        let _ = writeln!(stage.out, "{line}");
        if !line.trim().is_empty() && !line.starts_with('#') {
            runtime.block_on(stage.directive(line));
        }
    }
    stage
}

/// A scene as others find it: the database, the hour, and the mails that everybody got.
pub struct Set {
    pub database: Vec<u8>,
    pub keys: Vec<u8>,
    pub now: DateTime<Utc>,
    pub got: BTreeMap<String, Vec<(DraftKey, Option<StepKey>, Vec<u8>)>>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

fn local(text: &str) -> DateTime<Utc> {
    let wall = NaiveDateTime::parse_from_str(text.trim(), "%Y-%m-%d %H:%M:%S")
        .or_else(|_| NaiveDateTime::parse_from_str(text.trim(), "%Y-%m-%d %H:%M"))
        .unwrap_or_else(|_| panic!("{text:?} is not a date and hour"));
    codevd::core::schedule::instant(wall, Paris)
}

/// A group file of the scenarios, read as `group apply` reads it; or what it answers.
fn spec(name: &str) -> Result<GroupSpec, String> {
    let formats = &SHIPPED.2;
    let path = folder().join(format!("groups/{name}.toml"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let read = config::group_from(&format!("{name}.toml"), &text, formats, &Defaults::default());
    let said = |all: Vec<_>| all.iter().map(ToString::to_string).collect::<Vec<String>>().join(" | ");
    read.map(|(spec, _)| spec).map_err(|e| said(e.into_iter().collect()))
}

/// A store as it is made, once for all tests: to make it takes longer than many a scene.
static MADE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("codevd.db");
    drop(Store::open(&file).unwrap());
    std::fs::read(file).unwrap()
});

/// A store at this place that nothing was written to.
pub fn new_store(file: &std::path::Path) -> Store {
    std::fs::write(file, &*MADE).unwrap();
    Store::open(file).unwrap()
}

type Formats = BTreeMap<codevd::core::FormatId, codevd::core::Format>;

fn formats() -> Formats {
    let mut formats = (*config::formats(None).unwrap()).clone();
    formats.extend(extra_formats());
    formats
}

fn extra_formats() -> Vec<(codevd::core::FormatId, codevd::core::Format)> {
    let text = std::fs::read_to_string(folder().join("groups/rehearsal.format")).unwrap();
    let format = config::format_from("rehearsal", "rehearsal.toml", &text).unwrap();
    vec![("rehearsal".parse().unwrap(), format)]
}

/// Templates and words, read once for all scenarios: compiling their patterns takes a while.
static SHIPPED: LazyLock<(Renderer, Words, Arc<Formats>)> =
    LazyLock::new(|| (Renderer::embedded().unwrap(), Words::embedded().unwrap(), Arc::new(formats())));

/// Everything the engine needs, as shipped.
pub fn kit() -> Kit {
    let (renderer, words, formats) = SHIPPED.clone();
    Kit {
        renderer,
        words,
        formats,
        key: Key::new([7; 32]),
        sender: Sender { name: "Codev".into(), address: ADDRESS.parse().unwrap(), plus: false },
    }
}

impl Stage {
    async fn directive(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["plus"] => self.plus = true,
            ["start", day, hour] => self.start(local(&format!("{day} {hour}"))),
            ["group", name] => self.group(name, true).await,
            ["group", name, "not", "live"] => self.group(name, false).await,
            ["until", day, hour] => self.until(local(&format!("{day} {hour}"))).await,
            ["off", "until", day, hour] => {
                self.now = local(&format!("{day} {hour}"));
                self.restart();
            }
            ["restart"] => self.restart(),
            ["law", number, minutes] => self.law(number, minutes).await,
            ["refuse", who] => {
                let email = self.people[who].email.clone();
                self.world().out.refuse(&email);
            }
            ["cut", address, mails] => self.world().out.cut(address, mails.parse().unwrap()),
            ["believes", id] => self.world().prover = Prover::new(Some(Believed::parse(id)), false).unwrap(),
            ["down"] => self.world().out.set_down(true),
            ["up"] => self.world().out.set_down(false),
            ["use", name] => self.specs.sort_by_key(|s| s.id.as_str() == name),
            ["show", number] => self.show(number),
            ["people"] => self.list_people(),
            ["turns"] => self.list_turns(),
            ["kept"] => self.kept(),
            ["look", who, ..] => self.look(who, line),
            ["post", file] => self.post(file).await,
            ["order", ..] => self.order(&words[1..]).await,
            [who, "has", program] => self.person(who).client = program_named(program),
            [who, "has", "calendar", style] => self.person(who).calendar = style_named(style),
            [who, "proposes", day, hour, "on", ..] => self.propose(who, local(&format!("{day} {hour}")), line).await,
            [who, "refreshes", ref mail @ ..] => self.refresh(who, &mail.join(" ")).await,
            [address, "presses", button, "for", who, "on", ref mail @ ..] => {
                self.press_as(address, button, who, &mail.join(" "), false).await;
            }
            [address, "presses", button, "forwarded", "by", who, "on", ref mail @ ..] => {
                self.press_as(address, button, who, &mail.join(" "), true).await;
            }
            [who, "presses", button, "on", ..] => self.press(who, button, line).await,
            [who, "answers", ..] => self.answer(who, line).await,
            [who, "clicks", word, "in", ref mail @ ..] => self.click(who, word, &mail.join(" ")).await,
            [who, "sends", ..] => self.edited(who, line).await,
            [who, "is", "away", "on", ..] => self.away(who, line).await,
            _ => panic!("not a directive: {line:?}"),
        }
    }

    fn start(&mut self, at: DateTime<Utc>) {
        self.now = at;
        self.restart();
    }

    fn restart(&mut self) {
        let last = self.world.as_mut().map_or(0, |w| w.number());
        let post = self.world.take().map(|w| w.out);
        let file = self.folder.path().join("codevd.db");
        let mut store = if file.exists() { Store::open(file).unwrap() } else { new_store(&file) };
        store.recover(self.now).unwrap();
        let seed = u64::try_from(self.now.timestamp()).unwrap();
        let mut kit = kit();
        kit.sender.plus = self.plus;
        let engine = Engine::new(kit, shared(store), SeededIds::of(seed));
        let post = post.unwrap_or_default();
        let mut world = World::new(engine, post, VirtualClock::at(self.now), Vec::new(), ADDRESS);
        // people's programs go on and give no Message-ID twice
        while world.number() < last {}
        self.world = Some(world);
    }

    /// What calendars were told came from another law, so many minutes from what this program's zone data says; or, of
    /// a meeting that an older release planned, is not known.
    async fn law(&mut self, number: &str, minutes: &str) {
        let group = self.specs.last().unwrap().id.clone();
        let file = rusqlite::Connection::open(self.folder.path().join("codevd.db")).unwrap();
        let minutes = (minutes != "unknown").then(|| format!("{minutes} minutes"));
        let sql = "UPDATE meetings SET announced_at = strftime('%Y-%m-%dT%H:%M:%SZ', announced_at, ?) WHERE number = ?";
        assert_eq!(file.execute(sql, (minutes, number)).unwrap(), 1);
        let now = self.now;
        self.world().engine.derive(&group, now).unwrap();
        self.until(now).await;
    }

    fn world(&mut self) -> &mut Scene {
        self.world.as_mut().expect("a scenario begins with `start`")
    }

    fn person(&mut self, who: &str) -> &mut Person {
        self.people.get_mut(who).unwrap_or_else(|| panic!("nobody called {who}"))
    }

    async fn group(&mut self, name: &str, live: bool) {
        let spec = match spec(name) {
            Ok(spec) => spec,
            Err(why) => {
                let _ = writeln!(self.out, "  refused: {why}");
                return;
            }
        };
        for m in &spec.members {
            let person = Person {
                name: m.name.clone(),
                email: m.email.to_string(),
                french: m.language.as_str() == "fr",
                zone: m.zone,
                client: Client::Gmail,
                calendar: ReplyStyle::Google,
                habits: Vec::new(),
            };
            self.people.entry(m.id.to_string()).or_insert(person);
        }
        self.specs.retain(|s| s.id != spec.id);
        self.specs.push(spec.clone());
        self.give(GroupOrder { group: spec.id.clone(), order: Order::Apply { spec: Box::new(spec), live } }).await;
    }

    async fn give(&mut self, order: GroupOrder) {
        let now = self.now;
        let row = self.world().engine.store().get().order(&serde_json::to_string(&order).unwrap(), now).unwrap();
        self.until(now).await;
        let done = self.world().engine.store().get().inbox_row(row).unwrap().unwrap();
        if done.state == InboxState::Refused {
            let _ = writeln!(self.out, "  refused: {}", done.reason.unwrap_or_default().replace('\n', " | "));
        }
    }

    async fn order(&mut self, words: &[&str]) {
        let number = |text: &str| MeetingNo(text.parse().unwrap());
        let group = self.specs.last().unwrap().id.clone();
        let order = match *words {
            ["move", n, day, hour] => {
                let to = NaiveDateTime::parse_from_str(&format!("{day} {hour}"), "%Y-%m-%d %H:%M").unwrap();
                Order::Move { meeting: number(n), to }
            }
            ["cancel", n] => Order::Cancel { meeting: number(n) },
            ["swap", n, who] => Order::Swap { meeting: number(n), with: who.to_owned() },
            ["apply", name] => return self.group(name, true).await,
            _ => panic!("not an order: {words:?}"),
        };
        self.give(GroupOrder { group, order }).await;
    }

    async fn until(&mut self, at: DateTime<Utc>) {
        let mut world = self.world.take().unwrap();
        let mut seen = Vec::new();
        world.run_until(at, &mut |event| seen.push(event)).await.unwrap();
        self.world = Some(world);
        self.now = at;
        self.tell(seen);
    }

    /// The transcript: the story's sentences, then mails of one kind in one line.
    fn tell(&mut self, seen: Vec<WorldEvent>) {
        let mut line: Option<(String, Vec<String>)> = None;
        for event in seen {
            match event {
                WorldEvent::Out { at, key, bytes, .. } => {
                    let step = self.step(&key);
                    let what = mail_name(&key, step);
                    let head = format!("  {} →{} {what}:", stamp(at), self.of_several(&key.group));
                    let who = key.member.to_string();
                    // every mail of every scenario passes the calendar linter
                    let faults = codevd::mail::check_calendar_mail(&bytes).findings;
                    assert!(faults.is_empty(), "{head} line {}: {}", faults[0].line, faults[0]);
                    self.got.entry(who.clone()).or_default().push((key, step, bytes));
                    match &mut line {
                        Some((same, to)) if *same == head => to.push(who),
                        _ => {
                            self.flush(&mut line);
                            line = Some((head, vec![who]));
                        }
                    }
                }
                WorldEvent::In { at, from, what, .. } => {
                    self.flush(&mut line);
                    let who =
                        self.people.iter().find(|(_, p)| p.email == from).map_or(from.clone(), |(k, _)| k.clone());
                    let _ = writeln!(self.out, "  {} ← {who}: {what}", stamp(at));
                }
                WorldEvent::Decided(story) => {
                    self.flush(&mut line);
                    for text in story.lines.iter().filter(|l| !l.ends_with("was decided")) {
                        let group = self.of_several(&story.group);
                        let _ = writeln!(self.out, "  {} ·{group} {text}", stamp(story.at));
                    }
                }
            }
        }
        self.flush(&mut line);
    }

    /// The group's name where there are several.
    fn of_several(&self, group: &codevd::core::GroupId) -> String {
        if self.specs.len() > 1 { format!(" [{group}]") } else { String::new() }
    }

    fn flush(&mut self, line: &mut Option<(String, Vec<String>)>) {
        if let Some((head, to)) = line.take() {
            let _ = writeln!(self.out, "{head} {}", to.join(" "));
        }
    }

    fn step(&mut self, key: &DraftKey) -> Option<StepKey> {
        let meeting = self.world().engine.store().get().meeting(&key.group, key.meeting?).unwrap()?;
        meeting.run.and_then(|r| r.steps.get(key.step? as usize).map(|s| s.key))
    }

    /// The newest mail of that name that somebody got: `invitation`, `step_prompt request`, `receipt`.
    fn mail(&self, who: &str, name: &str) -> Vec<u8> {
        let name = name.trim();
        let numbered = name.rsplit_once(' ').and_then(|(mail, n)| Some((mail, Some(MeetingNo(n.parse().ok()?)))));
        let (mail, number) = numbered.unwrap_or((name, None));
        let fits = |(key, step, _): &&(DraftKey, Option<StepKey>, Vec<u8>)| {
            mail_name(key, *step).ends_with(mail) && (number.is_none() || key.meeting == number)
        };
        let found = self.got.get(who).and_then(|all| all.iter().rev().find(fits));
        found.unwrap_or_else(|| panic!("{who} got no mail {name:?}")).2.clone()
    }

    async fn send(&mut self, who: &str, what: &str, bytes: Vec<u8>) {
        let (now, email) = (self.now, self.people[who].email.clone());
        self.world().post(now, &email, what, bytes);
        self.until(now).await;
    }

    async fn answer(&mut self, who: &str, line: &str) {
        let (head, text) = line.split_once(": ").or_else(|| line.strip_suffix(':').map(|h| (h, ""))).unwrap();
        let name = head.splitn(3, ' ').nth(2).unwrap();
        let (name, of) = name.split_once(" of ").map_or((name, who), |(n, other)| (n, other));
        let ours = letter(&self.mail(of, name));
        let person = self.people[who].clone();
        let number = self.world().number();
        let text = text.replace("\\n", "\n");
        let bytes = client::reply(person.client, &author(&person), &ours, &text, number, self.now);
        self.send(who, &first_line(&text), bytes).await;
    }

    /// A button of the mail itself: it opens a new mail, with nothing but its subject and one word.
    async fn click(&mut self, who: &str, word: &str, name: &str) {
        let (address, subject, body) = self.button(who, word, name);
        self.new_mail(who, &address, &subject, &body).await;
    }

    /// The same, changed by the program or the person: `WHO sends WORD in MAIL without PARTS`, the parts among
    /// `subject`, `body`, `plus`; `… with subject: words`, `… with body: words`.
    async fn edited(&mut self, who: &str, line: &str) {
        let words = line.split_once(" sends ").unwrap().1;
        let (word, rest) = words.split_once(" in ").unwrap();
        let (name, change) = rest.split_once(" with").unwrap();
        let (mut address, mut subject, mut body) = self.button(who, word, name);
        for part in change.strip_prefix("out ").unwrap_or_default().split(' ') {
            match part {
                "subject" => subject.clear(),
                "body" => body.clear(),
                "plus" => address = ADDRESS.to_owned(),
                other => assert!(other.is_empty(), "no such part: {other}"),
            }
        }
        if let Some(words) = change.strip_prefix(" subject: ") {
            subject = words.to_owned();
        }
        if let Some(words) = change.strip_prefix(" body: ") {
            body = words.to_owned();
        }
        self.new_mail(who, &address, &subject, &body).await;
    }

    /// Where a button leads: address, subject, body.
    fn button(&self, who: &str, word: &str, name: &str) -> (String, String, String) {
        let raw = self.mail(who, name);
        let mail = mail_parser::MessageParser::default().parse(&raw).unwrap();
        let html = mail.body_html(0).unwrap().replace("&amp;", "&").replace("&#x2F;", "/");
        let links = html.split("href=\"mailto:").skip(1).map(|l| decoded(l.split('"').next().unwrap()));
        let link = links.into_iter().find(|l| l.ends_with(&format!("&body={word}"))).expect("such a button");
        let (address, rest) = link.split_once("?subject=").unwrap();
        let (subject, body) = rest.split_once("&body=").unwrap();
        (address.to_owned(), subject.to_owned(), body.to_owned())
    }

    async fn new_mail(&mut self, who: &str, address: &str, subject: &str, body: &str) {
        let (number, from) = (self.world().number(), self.people[who].email.clone());
        let date = self.now.to_rfc2822();
        let text = format!(
            "From: <{from}>\r\nTo: <{address}>\r\nSubject: {subject}\r\nDate: {date}\r\nMessage-ID: <b{number}@{who}.example>\r\n\
             MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n"
        );
        self.send(who, &format!("({body})"), text.into_bytes()).await;
    }

    /// A button of somebody's calendar; `beside:` instead of `:` puts the words into the mail around it.
    async fn press(&mut self, who: &str, button: &str, line: &str) {
        let email = self.people[who].email.clone();
        let beside = line.contains(" beside: ");
        let line = line.replacen(" beside: ", ": ", 1).replace("\\n", "\n");
        let (head, words) = line.split_once(": ").map_or((line.as_str(), None), |(h, c)| (h, Some(c)));
        let name = head.splitn(5, ' ').nth(4).unwrap();
        let (name, of) = name.split_once(" of ").map_or((name, who), |(n, other)| (n, other));
        let ics = self.ics(of, name);
        let (comment, beside) = if beside { (None, words.unwrap_or_default()) } else { (words, "") };
        let (style, answer) = (self.people[who].calendar, PartStat::parse(button).unwrap());
        let text = calendar_reply::reply(&ics, &email, answer, style, comment, self.now).unwrap();
        self.calendar(who, &email, (of, name), &text, button, beside).await;
    }

    /// Another address answers for a member, or for itself where the invitation was forwarded to it.
    async fn press_as(&mut self, address: &str, button: &str, who: &str, name: &str, itself: bool) {
        let email = self.people[who].email.clone();
        let mut ics = self.ics(who, name);
        if itself {
            ics = ics.replace("\r\n ", "").replace(&email, address);
        }
        let attendee = if itself { address } else { &email };
        let (style, answer) = (self.people[who].calendar, PartStat::parse(button).unwrap());
        let text = calendar_reply::reply(&ics, attendee, answer, style, None, self.now).unwrap();
        self.calendar(who, address, (who, name), &text, button, "").await;
    }

    async fn propose(&mut self, who: &str, at: DateTime<Utc>, line: &str) {
        let (head, comment) = line
            .split_once(" on ")
            .unwrap()
            .1
            .split_once(": ")
            .map_or_else(|| (line.split_once(" on ").unwrap().1, None), |(h, c)| (h, Some(c)));
        let (person, ics) = (self.people[who].clone(), self.ics(who, head));
        let text = calendar_reply::counter(&ics, &person.email, at, person.calendar, comment, self.now).unwrap();
        self.calendar(who, &person.email, (who, head), &text, "another time", "").await;
    }

    async fn refresh(&mut self, who: &str, name: &str) {
        let email = self.people[who].email.clone();
        let text = calendar_reply::refresh(&self.ics(who, name), &email, self.now).unwrap();
        self.calendar(who, &email, (who, name), &text, "refresh", "").await;
    }

    /// The calendar in a mail that somebody got.
    fn ics(&self, who: &str, name: &str) -> String {
        String::from_utf8(letter(&self.mail(who, name)).calendar[0].clone()).unwrap()
    }

    async fn calendar(&mut self, who: &str, from: &str, of: (&str, &str), ics: &str, verb: &str, beside: &str) {
        let ours = letter(&self.mail(of.0, of.1));
        let person = self.people[who].clone();
        let number = self.world().number();
        let author = Author { email: from, ..author(&person) };
        let bytes = client::calendar(person.calendar, &author, &ours, ics, verb, beside, number, self.now);
        let now = self.now;
        self.world().post(now, from, &format!("[{verb}]"), bytes);
        self.until(now).await;
    }

    async fn away(&mut self, who: &str, line: &str) {
        let (head, text) = line.split_once(": ").unwrap();
        let ours = letter(&self.mail(who, head.splitn(5, ' ').nth(4).unwrap()));
        let person = self.people[who].clone();
        let number = self.world().number();
        let bytes = client::absence(&author(&person), &ours, text, number, self.now);
        self.send(who, "(absence)", bytes).await;
    }

    async fn post(&mut self, file: &str) {
        let bytes = std::fs::read(folder().join("mails").join(file)).unwrap();
        let bytes = match std::str::from_utf8(&bytes) {
            Ok(text) => self.filled(text).into_bytes(),
            Err(_) => bytes,
        };
        let now = self.now;
        self.world().post(now, file, "raw mail", bytes);
        self.until(now).await;
    }

    /// A raw mail with its `{id WHO MAIL}` (our Message-ID), `{token WHO MAIL}`, `{broken WHO MAIL}` (with a false proof),
    /// `{subject WHO MAIL}` and `{uid WHO MAIL}` filled in, line ends as on the wire; `{many N TEXT}` repeats.
    fn filled(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (hole, after) = after.split_once('}').expect("a closed brace");
            out += before;
            out += &self.hole(hole);
            rest = after;
        }
        (out + rest).replace("\r\n", "\n").replace('\n', "\r\n")
    }

    fn hole(&self, hole: &str) -> String {
        let (what, rest) = hole.split_once(' ').unwrap();
        let (who, name) = rest.split_once(' ').unwrap();
        if what == "many" {
            return name.replace("\\n", "\n").repeat(who.parse().unwrap());
        }
        let ours = letter(&self.mail(who, name));
        let calendar = || String::from_utf8(ours.calendar[0].clone()).unwrap();
        let uid = || calendar().lines().find_map(|l| l.strip_prefix("UID:").map(str::to_owned)).unwrap();
        match what {
            "id" => ours.message_id.unwrap(),
            "token" => ours.message_id.unwrap().split('@').next().unwrap().to_owned(),
            // the draft's own id, the proof another one
            "broken" => {
                let id = ours.message_id.unwrap();
                format!("{}{}@codev.example", &id[..12], "0123456789abcdefghjk")
            }
            "subject" => ours.subject,
            "uid" => uid(),
            _ => panic!("no such hole: {hole}"),
        }
    }

    /// Whether a mail says these words: `look WHO MAIL: words`.
    fn look(&mut self, who: &str, line: &str) {
        let (head, words) = line.split_once(": ").unwrap();
        let name = head.splitn(3, ' ').nth(2).unwrap();
        let bytes = self.mail(who, name);
        let ours = letter(&bytes);
        let raw = String::from_utf8_lossy(&bytes);
        let headers = raw.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").replace('\u{a0}', " ");
        let calendar: String = ours.calendar.iter().map(|c| String::from_utf8_lossy(c).replace("\r\n ", "")).collect();
        let all = flat(&format!("{}\n{}\n{calendar}\n{headers}", ours.subject, ours.text));
        let _ = writeln!(self.out, "  {}", if all.contains(&flat(words)) { "it says so" } else { "it does not" });
    }

    fn list_people(&mut self) {
        let group = self.group_now();
        for m in &group.members {
            let marks = [(!m.circle, "not in the circle"), (m.left.is_some(), "left"), (m.paused.is_some(), "stopped")];
            let mut marks: Vec<_> = marks.iter().filter(|(on, _)| *on).map(|(_, t)| *t).collect();
            marks.extend(m.unreachable.map(|_| "unreachable"));
            marks.extend(m.reach.to_check().then_some("to check"));
            marks.extend(m.reach.policy().map(|_| "the host refuses us"));
            marks.extend(m.reach.away.map(|_| "away"));
            marks.extend(m.facilitates.map(|_| "facilitates"));
            let _ = writeln!(self.out, "  {} {}", m.id, marks.join(", "));
        }
    }

    fn list_turns(&mut self) {
        let group = self.group_now();
        for t in &group.turns {
            let _ = writeln!(self.out, "  meeting {} {}: {}", t.meeting, t.wall, t.member);
        }
        let next = group.whose_turn().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let _ = writeln!(self.out, "  next: {next}");
    }

    fn group_now(&mut self) -> codevd::core::Group {
        let id = self.specs.last().unwrap().id.clone();
        let formats = self.world().engine.kit.formats.clone();
        self.world().engine.store().get().load(&id, &formats).unwrap().unwrap().group
    }

    /// What the inbox holds without effect.
    fn kept(&mut self) {
        let states = [InboxState::Recorded, InboxState::Refused, InboxState::Quarantined];
        let rows = self.world().engine.store().get().inbox_list(&states, 100).unwrap();
        for row in rows {
            let state = format!("{:?}", row.state).to_lowercase();
            let from = row.from.unwrap_or_else(|| "-".into());
            let _ = writeln!(self.out, "  {state}: {from}: {}", row.reason.unwrap_or_default());
        }
    }

    fn show(&mut self, number: &str) {
        let (group, zone) = self.specs.last().map(|s| (s.id.clone(), s.zone)).unwrap();
        let number = MeetingNo(number.parse().unwrap());
        let meeting = self.world().engine.store().get().meeting(&group, number).unwrap().expect("such a meeting");
        let mut say = |text: String| {
            let _ = writeln!(self.out, "  {text}");
        };
        say(format!(
            "{:?} at {} ({} UTC), sequence {}, requester {}",
            meeting.stage,
            meeting.wall.format("%Y-%m-%d %H:%M"),
            codevd::core::schedule::instant(meeting.wall, zone).format("%H:%M"),
            meeting.sequence,
            meeting.requester
        ));
        for (who, a) in &meeting.attendance {
            say(format!(
                "attendance {who}: {:?}{}",
                a.answer,
                a.comment.as_ref().map_or(String::new(), |c| format!(" ({})", c.replace('\n', " ")))
            ));
        }
        if let Some(subject) = &meeting.subject {
            say(format!("subject ({:?}): {}", subject.sharing, subject.text.replace('\n', " ")));
        }
        for w in &meeting.words {
            let marks = [(w.anonymous, " anonymous"), (w.withdrawn, " withdrawn")];
            let marks: String = marks.iter().filter(|(on, _)| *on).map(|(_, t)| *t).collect();
            say(format!("{:?}{marks} of {}: {}", w.section, w.by, w.text.replace('\n', " / ")));
        }
        for a in &meeting.actions {
            let due = a.due.map_or("no date".to_owned(), |d| d.to_string());
            say(format!("action {} ({due}, shared {}, {:?}): {}", a.id, a.shared, a.progress, a.text));
        }
        for s in meeting.run.iter().flat_map(|r| &r.steps) {
            let hour = |t: DateTime<Utc>| t.with_timezone(&Paris).format("%H:%M:%S").to_string();
            say(format!("step {} {}-{}{}", s.key, hour(s.start), hour(s.end), if s.skipped { " skipped" } else { "" }));
        }
    }
}

/// A link as the mail program reads it (RFC 6068).
fn decoded(link: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = link.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let pair = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&pair).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn author(person: &Person) -> Author<'_> {
    Author { name: &person.name, email: &person.email, french: person.french, zone: person.zone }
}

fn program_named(name: &str) -> Client {
    match name {
        "iphone" => Client::Iphone,
        "gmail" => Client::Gmail,
        "outlook" => Client::Outlook,
        "thunderbird" => Client::Thunderbird,
        "bare" => Client::Bare,
        _ => panic!("no program {name}"),
    }
}

fn style_named(name: &str) -> ReplyStyle {
    match name {
        "outlook" => ReplyStyle::Outlook,
        "google" => ReplyStyle::Google,
        "apple" => ReplyStyle::Apple,
        "thunderbird" => ReplyStyle::Thunderbird,
        "proton" => ReplyStyle::Proton,
        "nextcloud" => ReplyStyle::Nextcloud,
        _ => panic!("no calendar {name}"),
    }
}

/// `M03 invitation`, `S step_prompt request (again)`.
pub fn mail_name(key: &DraftKey, step: Option<StepKey>) -> String {
    let kind: Kind = key.kind;
    let meeting = key.meeting.map_or(String::new(), |m| format!("{m}: "));
    match step {
        Some(step) => format!("{meeting}prompt {step}"),
        None => format!("{meeting}{} {}", kind.code(), kind.name()),
    }
}

fn stamp(at: DateTime<Utc>) -> String {
    at.with_timezone(&Paris).format("%m-%d %H:%M:%S").to_string()
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or("").to_owned()
}

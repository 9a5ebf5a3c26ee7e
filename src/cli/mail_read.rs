//! `codevd mail read FILE…`: what mails are understood as (`inbound.md` §9). Needs no configuration.

use super::args::ReadArgs;
use super::failure::{Done, Failure, Result};
use super::mail_understand::{context, question};
use super::terminal::Terminal;
use crate::core::ids::{GroupId, MemberId};
use crate::core::proof::Proof;
use crate::core::{DraftKey, Language, Question};
use crate::daemon::Prover;
use crate::daemon::control::MAX_MAIL;
use crate::mail::{self, Asked, Believed, Class, Known, Nothing, PartKind, Reading, Sent, Token};
use crate::words::{Context, Words};
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

pub(super) fn read(args: &ReadArgs, terminal: &mut Terminal) -> Result {
    let mut missing = Vec::new();
    let prover = Prover::new(args.believe.as_deref().map(Believed::parse), args.verify)
        .map_err(|why| Failure::because(why.to_string()))?;
    let told = Told::new(args)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for file in &args.files {
        match bytes_of(file) {
            Ok(bytes) => {
                let proof = runtime.block_on(prover.proof(&bytes));
                let reading = read_with(&bytes, proof.as_ref(), &told);
                let said = with_file(file, reading.as_ref().map_or_else(failed, mail::reading_json));
                match args.json {
                    true => terminal.value(&Value::Object(said))?,
                    false => show(&said, reading.as_ref(), terminal)?,
                }
            }
            Err(error) => missing.push(format!("{}: {error}", file.display())),
        }
    }
    if missing.is_empty() { Ok(Done::Good) } else { Err(Failure::because(missing.join("\n"))) }
}

/// What the caller says the mails answer.
#[derive(Default)]
struct Told {
    sent: Option<String>,
    asked: Option<(Option<Question>, Language, Context, Words)>,
}

impl Told {
    fn new(args: &ReadArgs) -> Result<Self> {
        let sent = args.sent.as_ref().map(|file| bytes_of(file).map_err(|e| format!("{}: {e}", file.display())));
        let sent = sent.transpose().map_err(Failure::because)?.map(|bytes| {
            let letter = mail::letter(&bytes);
            let ours = letter.class == Class::Own;
            if ours { letter.text } else { String::from_utf8_lossy(&bytes).into_owned() }
        });
        let Some(name) = &args.question else { return Ok(Self { sent, asked: None }) };
        let language = args.lang.parse().map_err(|e| Failure::Usage(format!("--lang: {e}")))?;
        Ok(Self {
            sent,
            asked: Some((question(name)?, language, context(args.context.as_deref())?, Words::embedded()?)),
        })
    }
}

impl Known for Told {
    type Error = Infallible;

    fn is_blank(&self) -> bool {
        true
    }

    fn sent(&self, token: &Token) -> std::result::Result<Option<Sent>, Infallible> {
        Nothing.sent(token)
    }

    fn senders(&self, address: &str) -> std::result::Result<Vec<(GroupId, MemberId)>, Infallible> {
        Nothing.senders(address)
    }

    fn open(&self, group: &GroupId, member: &MemberId) -> std::result::Result<Vec<Sent>, Infallible> {
        Nothing.open(group, member)
    }

    fn asked(&self, _: &DraftKey) -> std::result::Result<Option<Asked<'_>>, Infallible> {
        Ok(None)
    }

    fn told(&self) -> Option<(Option<String>, Option<Asked<'_>>)> {
        let asked = self.asked.as_ref().map(|(question, language, context, words)| Asked {
            words,
            question: *question,
            over: false,
            away: false,
            owes_subject: false,
            name: String::new(),
            subject: String::new(),
            language: language.clone(),
            context: context.clone(),
        });
        (self.sent.is_some() || asked.is_some()).then(|| (self.sent.clone(), asked))
    }
}

/// Reads a mail; a parser's panic is caught, as it is in the daemon.
fn read_with<K: Known<Error = Infallible>>(bytes: &[u8], proof: Option<&Proof>, known: &K) -> Option<Reading> {
    let read = catch_unwind(AssertUnwindSafe(|| mail::read(bytes, proof, known)));
    read.ok().map(|Ok(reading)| reading)
}

/// A mail's bytes, up to the largest that is taken.
fn bytes_of(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = MAX_MAIL as u64;
    match file.as_os_str() == "-" {
        true => io::stdin().lock().take(most).read_to_end(&mut bytes)?,
        false => std::fs::File::open(file)?.take(most).read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}

/// What kind of mail it is.
pub(super) fn kind(bytes: &[u8]) -> &'static str {
    read_with(bytes, None, &Nothing).map_or("unreadable", |reading| reading.letter.class.as_str())
}

/// What is told of a mail that broke the reader.
fn failed() -> Value {
    json!({"kind": "unreadable", "reply": null, "bounce": null, "auto_reply": null, "calendar": null,
        "proof": {"level": "B", "why": "not read"}, "problems": ["the mail reader failed on it"], "steps": [], "parts": []})
}

fn with_file(file: &Path, said: Value) -> Map<String, Value> {
    let mut all = Map::new();
    all.insert("file".to_owned(), json!(file.display().to_string()));
    if let Value::Object(said) = said {
        all.extend(said);
    }
    all
}

/// For people: how it was read, step by step, then its text with what each part is.
fn show(said: &Map<String, Value>, reading: Option<&Reading>, terminal: &mut Terminal) -> io::Result<()> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    terminal.line(format_args!("{}: {}", text(&said["file"]), text(&said["kind"])))?;
    if let Some(letter) = reading.map(|r| &r.letter).filter(|letter| letter.class != mail::Class::Unreadable) {
        terminal.line(format_args!("  {}", head(letter)))?;
        terminal.line("")?;
    }
    let steps = reading.map_or(&[][..], |r| &r.steps);
    let row = |s: &mail::Step| vec![format!("  {}", s.name), in_words(s), s.why.clone()];
    terminal.table(&steps.iter().map(row).collect::<Vec<_>>())?;
    if let Some(reply) = reading.and_then(|r| r.reply.as_ref()) {
        terminal.line("")?;
        page(reply, terminal)?;
    }
    for line in facts(said).into_iter().chain(reading.and_then(|r| complaint(&r.letter))) {
        terminal.line(format_args!("  {line}"))?;
    }
    for problem in said["problems"].as_array().into_iter().flatten() {
        terminal.line(format_args!("  problem: {}", text(problem)))?;
    }
    Ok(())
}

/// Who wrote, when, under which subject.
fn head(letter: &mail::Letter) -> String {
    let from = match &letter.from {
        Some(mail::Address { name: Some(name), email }) => format!("from {name} <{email}>"),
        Some(mail::Address { name: None, email }) => format!("from {email}"),
        None => "from nobody that can be told".to_owned(),
    };
    let date = letter.date.map(|at| format!(", {} UTC", at.format("%Y-%m-%d %H:%M"))).unwrap_or_default();
    let subject = if letter.subject.is_empty() { "(no subject)" } else { &letter.subject };
    format!("{from}{date}: {subject}")
}

/// What a step found, for people.
fn in_words(step: &mail::Step) -> String {
    match (step.name, step.found.as_str()) {
        ("proof", "A") => "A: vouched for".to_owned(),
        ("proof", "B") => "B: not proven".to_owned(),
        ("proof", "C") => "C: denied".to_owned(),
        ("meaning", "none, none") => "not understood".to_owned(),
        ("class", kind) => kind.replace('_', " "),
        (_, found) => found.to_owned(),
    }
}

/// What a machine's mail says, in sentences.
fn facts(said: &Map<String, Value>) -> Vec<String> {
    let word = |of: &Value, name: &str| of[name].as_str().unwrap_or("?").to_owned();
    let failed = |one: &Value| {
        let what = match one["class"].as_str() {
            Some("hard") => "mail to it does not arrive and will not",
            Some("soft") => "mail to it did not arrive this time",
            Some("quota") => "its mailbox is full",
            Some("policy") => "its host refuses our mail, not the address",
            Some("delayed") => "mail to it is late and still tried",
            _ => "what became of mail to it is not said",
        };
        let status = one["status"].as_str().map(|s| format!(" ({s})")).unwrap_or_default();
        format!("{}: {what}{status}", word(one, "address"))
    };
    let mut all: Vec<String> = said["bounce"]["recipients"].as_array().into_iter().flatten().map(failed).collect();
    if said["bounce"].is_object() && all.is_empty() {
        all.push("it names no address that mail did not reach".to_owned());
    }
    if said["auto_reply"].is_object() {
        all.push(match said["auto_reply"]["until"].as_str() {
            Some(day) => format!("away until {day}, says the machine"),
            None => "until when they are away is not said, or not sure".to_owned(),
        });
    }
    let calendar = &said["calendar"];
    if calendar.is_object() {
        let who = calendar["attendee"].as_str().map(|who| format!(" of {who}")).unwrap_or_default();
        let answer = calendar["partstat"].as_str().map(|p| format!(": {p}")).unwrap_or_default();
        let comment = calendar["comment"].as_str().map(|c| format!(", with the words: {c}")).unwrap_or_default();
        all.push(format!("calendar {}{who}{answer}{comment}", word(calendar, "method")));
        let sequence = calendar["sequence"].as_u64().map(|n| format!(", sequence {n}")).unwrap_or_default();
        let stamp = calendar["dtstamp"].as_str().map(|at| format!(", written {at}")).unwrap_or_default();
        all.push(format!("about the event {}{sequence}{stamp}", word(calendar, "uid")));
    }
    all
}

/// Which mail was complained about.
fn complaint(letter: &mail::Letter) -> Option<String> {
    let about = || match letter.complaint.is_empty() {
        true => "the mail complained about is not named".to_owned(),
        false => format!("complained about: {}", letter.complaint.join(", ")),
    };
    (letter.class == mail::Class::Complaint).then(about)
}

/// Longest margin.
const MARGIN: usize = 26;

/// The text as it came, a stretch a line: coloured by what it is, with the rule at the margin; without colours the
/// margin says what it is, too.
fn page(reply: &mail::Reply, terminal: &mut Terminal) -> io::Result<()> {
    let coloured = terminal.is_coloured();
    let label = |part: &mail::Part| match (coloured, part.kind) {
        (true, PartKind::Reply) if part.rule == "own" => String::new(),
        (true, _) => part.rule.clone(),
        (false, kind) if kind.as_str() == part.rule || part.rule == "own" => kind.as_str().to_owned(),
        (false, kind) => format!("{} ({})", kind.as_str(), part.rule),
    };
    let width = reply.parts.iter().map(|p| label(p).chars().count()).max().unwrap_or(0).min(MARGIN);
    let mut last = 0;
    for part in &reply.parts {
        if last > 0 && part.lines.0 > last + 1 {
            terminal.line(format_args!("  {:width$} |", ""))?;
        }
        last = part.lines.1;
        let mut margin = label(part);
        for line in reply.body[part.bytes.clone()].lines() {
            let text = if line.trim().is_empty() { String::new() } else { terminal.coloured(colour(part.kind), line) };
            terminal.line(format_args!("  {margin:width$} | {text}").to_string().trim_end())?;
            margin.clear();
        }
    }
    Ok(())
}

/// Green for the person's words, faint for quotes, yellow for what announces them, cyan for what machines add.
fn colour(kind: PartKind) -> u8 {
    match kind {
        PartKind::Reply => 32,
        PartKind::Quote => 2,
        PartKind::Header => 33,
        PartKind::Signature | PartKind::Banner | PartKind::Notice => 36,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    #[derive(Clone, Default)]
    struct Paper(Rc<RefCell<Vec<u8>>>);

    impl io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn shown(coloured: bool) -> String {
        let mail = "From: a@b.example\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nOui \u{1b}]0;x\u{7}\r\n\r\n\
            Le 24/11/2026 à 10:00, Codev a écrit :\r\n> Venez-vous ?\r\nEnvoyé de mon iPhone\r\n";
        let reading = read_with(mail.as_bytes(), None, &Nothing).unwrap();
        let paper = Paper::default();
        let mut terminal = Terminal::on(Box::new(paper.clone()), coloured);
        page(&reading.reply.unwrap(), &mut terminal).unwrap();
        drop(terminal);
        let bytes = paper.0.borrow().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn parts_are_coloured_on_a_terminal_and_named_where_there_is_no_colour() {
        let coloured = "                 | \u{1b}[32mOui \u{fffd}]0;x\u{fffd}\u{1b}[0m\n                 |\n  attribution:fr | \u{1b}[33mLe 24/11/2026 à 10:00, Codev a écrit :\u{1b}[0m\n  angle          | \u{1b}[2m> Venez-vous ?\u{1b}[0m\n  banner         | \u{1b}[36mEnvoyé de mon iPhone\u{1b}[0m\n";
        assert_eq!(shown(true), coloured);
        let plain = "  reply                   | Oui \u{fffd}]0;x\u{fffd}\n                          |\n  header (attribution:fr) | Le 24/11/2026 à 10:00, Codev a écrit :\n  quote (angle)           | > Venez-vous ?\n  banner                  | Envoyé de mon iPhone\n";
        assert_eq!(shown(false), plain);
    }
}

//! The six answers `codevd init` needs: from flags, from whoever sits at the terminal, or by default.

use super::people;
use crate::cli::args::InitArgs;
use crate::cli::failure::{Failure, Result};
use crate::cli::terminal::Terminal;
use crate::config::providers::{self, OWN, Provider};
use crate::config::written::NewMember;
use crate::core::Email;
use chrono_tz::Tz;
use std::path::Path;

/// All that was asked.
pub(super) struct Answers {
    pub address: Email,
    pub provider: Provider,
    pub group: String,
    pub members: Vec<NewMember>,
    pub facilitator: NewMember,
    /// The facilitator is one of the members, and has their turn too.
    pub in_circle: bool,
    pub zone: Tz,
}

impl Answers {
    /// The facilitator first, then the others.
    pub fn everybody(&self) -> Vec<NewMember> {
        let others = self.members.iter().filter(|m| m.email != self.facilitator.email).cloned();
        std::iter::once(self.facilitator.clone()).chain(others).collect()
    }
}

/// How many are asked at most.
const QUESTIONS: usize = 6;

/// One question: its flag, its words, what is taken when nothing is said.
struct Question<'a> {
    /// Its place among all that are asked.
    number: usize,
    flag: &'static str,
    words: &'a str,
    default: Option<String>,
    /// Several lines, an empty one ends them.
    lines: bool,
}

/// Answers questions one after the other.
struct Desk<'a> {
    terminal: &'a mut Terminal,
    /// Defaults are taken without asking.
    yes: bool,
    /// Flags that are missing and nobody is there to ask.
    missing: Vec<String>,
}

impl Desk<'_> {
    /// The flag's value, what is typed, or the default; asked again until it can be read.
    fn answer<T>(
        &mut self,
        said: Option<&str>,
        question: &Question<'_>,
        read: impl Fn(&str) -> std::result::Result<T, String>,
    ) -> Result<Option<T>> {
        if let Some(said) = said {
            let wrong = |why| Failure::Usage(format!("{}: {why}", question.flag));
            return read(said).map(Some).map_err(wrong);
        }
        let default = question.default.as_deref();
        if let (true, Some(default)) = (self.yes, default) {
            return read(default).map(Some).map_err(|why| Failure::Usage(format!("{}: {why}", question.flag)));
        }
        if !self.terminal.can_ask() {
            let usual = default.map(|d| format!(" (--yes takes {d:?})")).unwrap_or_default();
            self.missing.push(format!("{}{usual}", question.flag));
            return Ok(None);
        }
        loop {
            let words = format!("{}/{QUESTIONS}  {}", question.number, question.words);
            let line = |line: &str| read(line).map(drop);
            let fits: &dyn Fn(&str) -> std::result::Result<(), String> = &line;
            let typed = self.terminal.ask_text(&words, default, question.lines.then_some(fits))?;
            let Some(typed) = typed else { return Err(Failure::because("nothing was written")) };
            let text = if typed.trim().is_empty() { default.unwrap_or_default() } else { typed.as_str() };
            match read(text) {
                Ok(value) => return Ok(Some(value)),
                Err(why) => self.terminal.note(why)?,
            }
        }
    }
}

/// Asks what no flag says.
///
/// # Errors
/// Usage: a flag that can't be read, or flags that are missing where nobody is there to answer.
pub(super) fn gather(args: &InitArgs, terminal: &mut Terminal) -> Result<Answers> {
    let all = providers::providers()?;
    let mut desk = Desk { terminal, yes: args.yes, missing: Vec::new() };
    let address = address(&mut desk, args)?;
    let provider = provider(&mut desk, args, &all, address.as_ref())?;
    let question = Question {
        number: 3,
        flag: "--group",
        words: "The group's name, as its members will read it?",
        default: Some("Codev".to_owned()),
        lines: false,
    };
    let group = desk.answer(args.group.as_deref(), &question, |text| Ok(text.trim().to_owned()))?;
    let members = members(&mut desk, args)?;
    let facilitator = facilitator(&mut desk, args, members.as_deref().unwrap_or_default())?;
    let usual = zone_of_machine();
    let question = Question {
        number: 6,
        flag: "--zone",
        words: "In which time zone does the group meet?",
        default: Some(usual.name().to_owned()),
        lines: false,
    };
    let zone = desk.answer(args.zone.as_deref(), &question, zone)?;
    match (address, provider, group, members, facilitator, zone) {
        (Some(address), Some(provider), Some(group), Some(members), Some((facilitator, in_circle)), Some(zone)) => {
            Ok(Answers { address, provider, group, members, facilitator, in_circle, zone })
        }
        _ => Err(Failure::Usage(format!("nobody is there to answer: say {}", desk.missing.join(", ")))),
    }
}

fn address(desk: &mut Desk<'_>, args: &InitArgs) -> Result<Option<Email>> {
    let question = Question {
        number: 1,
        flag: "--address",
        words: "Which mailbox will codevd write from and read? It must be its own, nobody else's.",
        default: None,
        lines: false,
    };
    desk.answer(args.address.as_deref(), &question, |text| {
        let text = text.trim();
        text.parse().map_err(|_| format!("{text:?} is no mail address: expected one such as codev@example.org"))
    })
}

fn provider(
    desk: &mut Desk<'_>,
    args: &InitArgs,
    all: &[Provider],
    address: Option<&Email>,
) -> Result<Option<Provider>> {
    let domain = address.and_then(|a| a.as_str().rsplit_once('@')).map_or("", |(_, domain)| domain);
    let known = address.and_then(|a| providers::of_address(all, a.as_str()));
    let usual = known.map_or_else(|| format!("mail.{domain}"), |p| p.id.clone());
    let names: Vec<&str> = all.iter().filter(|p| p.id != OWN).map(|p| p.id.as_str()).collect();
    let words = format!("Who hosts it: {}, or your own server's name?", names.join(", "));
    let default = Some(usual).filter(|_| address.is_some());
    let question = Question { number: 2, flag: "--provider", words: &words, default, lines: false };
    let read = |text: &str| {
        let found = providers::provider(all, text).map_err(|e| e.to_string())?;
        Ok(if found.lacks_host() { found.at(&format!("mail.{domain}")) } else { found })
    };
    desk.answer(args.provider.as_deref(), &question, read)
}

fn members(desk: &mut Desk<'_>, args: &InitArgs) -> Result<Option<Vec<NewMember>>> {
    let question = Question {
        number: 4,
        flag: "--members",
        words: "Who are its five to eight members? One a line, as Ana Lopes <ana@example.org>; an empty line ends.",
        default: None,
        lines: true,
    };
    let said = (!args.members.is_empty()).then(|| args.members.join("\n"));
    desk.answer(said.as_deref(), &question, |text| {
        let found = people::people(text)?;
        match found.len() {
            0 => Err(format!("nobody is named: expected {}", people::EXPECTED)),
            _ => Ok(found),
        }
    })
}

/// Who leads, and whether they are one of the members.
fn facilitator(desk: &mut Desk<'_>, args: &InitArgs, members: &[NewMember]) -> Result<Option<(NewMember, bool)>> {
    let question = Question {
        number: 5,
        flag: "--facilitator",
        words: "Who facilitates? One of the members who has their turn too, or somebody else with name and address.",
        default: members.first().map(|m| m.name.clone()),
        lines: false,
    };
    desk.answer(args.facilitator.as_deref(), &question, |text| {
        if let Some(member) = people::among(members, text) {
            return Ok((member.clone(), true));
        }
        let found = people::person(text)?;
        let member = members.iter().find(|m| m.email.eq_ignore_ascii_case(&found.email));
        Ok(member.map_or((found, false), |m| (m.clone(), true)))
    })
}

fn zone(text: &str) -> std::result::Result<Tz, String> {
    let by_place = |z: &Tz| z.name() == "UTC" || z.name().contains('/');
    text.trim()
        .parse()
        .ok()
        .filter(by_place)
        .ok_or_else(|| format!("{text:?} is no zone: expected its place, such as Europe/Paris"))
}

/// The zone this machine is set to, by its name; Europe/Paris where it has none.
fn zone_of_machine() -> Tz {
    #[allow(clippy::disallowed_methods)] // an edge: what this machine is set to
    let named = std::env::var("TZ").ok();
    let link = || Some(std::fs::read_link(Path::new("/etc/localtime")).ok()?.to_string_lossy().into_owned());
    let linked = link().and_then(|path| path.split_once("zoneinfo/").map(|(_, zone)| zone.to_owned()));
    let written = || std::fs::read_to_string("/etc/timezone").ok();
    let found = named.into_iter().chain(linked).chain(written());
    // a server that keeps UTC says nothing of where people meet
    let place = |z: &Tz| z.name().contains('/') && !z.name().starts_with("Etc/");
    found.filter_map(|name| name.trim().parse().ok()).find(place).unwrap_or(Tz::Europe__Paris)
}

/// French, unless this machine speaks English.
pub(super) fn language() -> String {
    #[allow(clippy::disallowed_methods)] // an edge: what this machine is set to
    let said = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().filter_map(|name| std::env::var(name).ok());
    let english = said.into_iter().find(|l| !l.is_empty()).is_some_and(|l| l.starts_with("en"));
    if english { "en" } else { "fr" }.to_owned()
}

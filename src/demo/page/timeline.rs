//! The month in a row: what will happen (the daemon's agenda, and what people do by themselves), what has happened.

use super::ahead::{Ahead, What};
use super::layout::{View, avatar, numbered};
use super::scene::{Mail, Seat};
use crate::core::{Attending, Kind, MemberId, StepKey};
use crate::mail;
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use std::sync::Arc;

/// Entries shown before the rest is folded away.
const SHOWN: usize = 14;

/// Mails of one kind at one time.
struct Sent<'a> {
    first: &'a Mail,
    seats: Vec<usize>,
    /// What was understood of an answer.
    receipt: Option<&'a Mail>,
}

/// A line of the month.
struct Line {
    at: DateTime<Utc>,
    class: &'static str,
    text: Markup,
}

impl View {
    /// Both halves of the month.
    pub fn timeline(&self) -> Markup {
        let w = self.words;
        let past: Vec<Line> = self.past().iter().map(|sent| self.happened(sent)).collect();
        let (shown, folded) = past.split_at(past.len().min(SHOWN));
        html! {
            div class="timeline" data-live="timeline" {
                section class="ahead" aria-labelledby="ahead-title" {
                    h2 id="ahead-title" { (w.get("ahead.title")) }
                    p class="hint" { (w.get("ahead.hint")) }
                    (self.by_days(&self.ahead()))
                }
                section class="past" aria-labelledby="past-title" {
                    h2 id="past-title" { (w.get("past.title")) }
                    (self.by_days(shown))
                    @if !folded.is_empty() {
                        details {
                            summary { (w.fill("past.more", &[("n", &folded.len().to_string())])) }
                            (self.by_days(folded))
                        }
                    }
                }
            }
        }
    }

    /// Lines under their days, each with its hour.
    fn by_days(&self, lines: &[Line]) -> Markup {
        let (w, zone) = (self.words, self.zone());
        let day = |line: &Line| line.at.with_timezone(&zone).date_naive();
        html! {
            @for lines in lines.chunk_by(|a, b| day(a) == day(b)) {
                h3 { (w.day(lines[0].at, zone)) }
                ol {
                    @for line in lines {
                        li class=(line.class) {
                            time datetime=(line.at.to_rfc3339()) { (w.hour(line.at, zone)) }
                            span class="who-what" { (line.text) }
                        }
                    }
                }
            }
        }
    }

    /// What happened, the newest first; mails to several in one.
    fn past(&self) -> Vec<Sent<'_>> {
        let mut all: Vec<Sent<'_>> = Vec::new();
        for mail in &self.scene.mails {
            let same = |s: &&mut Sent<'_>| {
                let key = |m: &Mail| m.key.as_ref().filter(|k| !k.kind.is_answer()).map(|k| (k.kind, k.step));
                s.first.at == mail.at && key(s.first).is_some() && key(s.first) == key(mail)
            };
            let answered = |s: &&mut Sent<'_>| mail.is_receipt() && mail.about == Some(s.first.id);
            if let Some(sent) = all.iter_mut().rev().take(SHOWN).find(answered) {
                sent.receipt = Some(mail);
                continue;
            }
            match all.last_mut().filter(same) {
                Some(sent) => sent.seats.push(mail.seat),
                None => all.push(Sent { first: mail, seats: vec![mail.seat], receipt: None }),
            }
        }
        all.reverse();
        all
    }

    fn happened(&self, sent: &Sent<'_>) -> Line {
        let (w, mail) = (self.words, sent.first);
        let seat = &self.scene.seats[mail.seat];
        let (class, text) = match (&mail.key, mail.is_receipt()) {
            (None, _) => ("in", mail.what.clone()),
            (Some(_), true) => ("receipt", first_paragraph(&mail.letter.text)),
            (Some(_), false) => ("out", plain_subject(&mail.letter.subject).to_owned()),
        };
        let path = |m: &Mail| format!("/p/{}/m/{}", seat.id, m.id);
        let text = html! {
            span class="unseen" { (w.get(if mail.is_ours() { "past.to" } else { "past.from" })) " " }
            (self.faces(&sent.seats))
            a href=(path(mail)) { (text) }
            @if let Some(receipt) = sent.receipt {
                a class="understood" href=(path(receipt)) { (first_paragraph(&receipt.letter.text)) }
            }
        };
        Line { at: mail.at, class, text }
    }

    /// What comes: the daemon's own doing, and what people do by themselves.
    fn ahead(&self) -> Vec<Line> {
        let line = |at, text| Line { at, class: "", text };
        let daemon = self.scene.ahead.iter().map(|a| line(a.at, self.daemon_does(&a.what)));
        let habits = self.scene.foreseen.iter().filter(|f| !f.held).map(|f| line(f.at, self.habit(&f.from, &f.what)));
        let mut all: Vec<Line> = daemon.chain(habits).collect();
        all.sort_by_key(|line| line.at);
        if let Some(first) = all.first_mut() {
            first.class = "soonest";
        }
        all
    }

    fn habit(&self, email: &str, what: &str) -> Markup {
        let Some(at) = self.scene.by_address(email) else { return html! {} };
        let seat = &self.scene.seats[at];
        let text = self.words.fill("ahead.answers", &[("name", seat.first()), ("what", what)]);
        html! { span class="people-of" { (avatar(at, seat)) } span class="habit" { (text) } }
    }

    /// What the daemon will do, in a line.
    fn daemon_does(&self, what: &What) -> Markup {
        let (w, zone) = (self.words, self.zone());
        match what {
            What::Mail { kind, to } => html! {
                (self.faces(&self.positions(to)))
                span class="task" {
                    (w.kind(kind.name()))
                    @if is_if_silent(*kind) { " " span class="chip if" { (w.get("ahead.if")) } }
                }
            },
            What::Step(key) => html! { span { strong { (self.step_name(*key)) } } },
            What::Session { steps } => html! {
                span {
                    strong { (w.get("ahead.begin")) }
                    details class="sheet" {
                        summary { (w.fill("ahead.steps", &[("n", &steps.len().to_string())])) }
                        ol {
                            @for (key, start) in steps {
                                li { span class="hour" { (w.hour(*start, zone)) } " " (self.step_name(*key)) }
                            }
                        }
                    }
                }
            },
        }
    }

    /// Who: faces and names, or how many where there are more than three.
    fn faces(&self, seats: &[usize]) -> Markup {
        let seat = |at: &usize| &self.scene.seats[*at];
        html! {
            @if seats.len() > 3 {
                span class="people-of" { (self.words.count("people", seats.len()))
                    span class="unseen" { ": " @for at in seats { (seat(at).first()) " " } } }
            } @else {
                @for at in seats { span class="people-of" { (avatar(*at, seat(at))) " " (seat(at).first()) } }
            }
        }
    }

    fn positions(&self, to: &[MemberId]) -> Vec<usize> {
        let mut all: Vec<usize> = to.iter().filter_map(|id| self.scene.seat(id.as_str())).map(|(i, _)| i).collect();
        all.sort_unstable();
        all
    }

    /// "3/6 · La demande".
    pub fn step_name(&self, key: StepKey) -> String {
        let name = self.words.step(key.name()).to_owned();
        numbered(key).map_or(name.clone(), |n| format!("{n}/6 · {name}"))
    }

    /// "Ensuite : …", for whoever has this seat.
    pub fn coming(&self, seat: &Seat) -> String {
        let (w, zone) = (self.words, seat.person.zone);
        let away = self.scene.meeting().and_then(|m| m.attending(&seat.id)) == Some(Attending::No);
        let sure = |a: &&Ahead| match a.what {
            What::Mail { kind, .. } => !is_if_silent(kind),
            What::Session { .. } | What::Step(_) => !away,
        };
        let Some(next) = self.scene.ahead.iter().find(|a| sure(a) && a.what.is_for(&seat.id)) else {
            return String::new();
        };
        let what = match &next.what {
            What::Mail { kind, .. } => w.kind(kind.name()).to_owned(),
            What::Step(key) => self.step_name(*key),
            What::Session { .. } => w.get("ahead.begin").to_owned(),
        };
        w.fill("coming", &[("what", &what), ("moment", &w.moment(next.at, zone))])
    }
}

/// Leaves only if an answer is missing by then.
fn is_if_silent(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::SubjectReminder
            | Kind::SubjectLastReminder
            | Kind::Standby
            | Kind::NoSubject
            | Kind::AttendanceCheck
            | Kind::AwayCheck
            | Kind::LastCall
    )
}

/// A subject without the group's prefix, which is the same on every line, and without the key at its end.
pub(super) fn plain_subject(subject: &str) -> &str {
    let rest = subject.split_once("] ").map_or(subject, |(_, rest)| rest);
    match rest.rsplit_once(" [") {
        Some((before, key)) if key.ends_with(']') && mail::Token::parse(key.trim_end_matches(']')).is_some() => before,
        _ => rest,
    }
}

/// What a text begins with.
pub(super) fn first_paragraph(text: &str) -> String {
    let first = text.trim_start().split("\n\n").next().unwrap_or_default();
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The mails of a list with the days between them.
pub(super) fn by_day<'a>(view: &View, seat: usize, mails: &[&'a Arc<Mail>]) -> Vec<(String, Vec<&'a Arc<Mail>>)> {
    let mut days: Vec<(String, Vec<&Arc<Mail>>)> = Vec::new();
    for mail in mails {
        let day = view.words.day(mail.at, view.zone_of(seat));
        match days.last_mut().filter(|(d, _)| *d == day) {
            Some((_, list)) => list.push(mail),
            None => days.push((day, vec![mail])),
        }
    }
    days
}

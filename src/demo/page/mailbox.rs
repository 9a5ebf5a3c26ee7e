//! Somebody's mailbox as a mail program shows it, and their calendar.

use super::layout::{Body, View, avatar};
use super::scene::{Entry, Mail};
use super::timeline::{by_day, first_paragraph, plain_subject};
use crate::core::{Attending, Role};
use crate::ical::PartStat;
use maud::{Markup, html};
use std::sync::Arc;

impl View {
    /// The list of mails, with `reading` beside it.
    pub fn mailbox(&self, seat: usize, open: Option<usize>, title: String, reading: Markup) -> Body {
        let class = if open.is_some() { "mailbox open" } else { "mailbox" };
        let main = html! {
            (self.you(seat, open.is_some()))
            div class="panes" {
                div class="list" {
                    (self.tabs(seat, "mail"))
                    (self.list(seat, open))
                }
                div class="reading" { (reading) }
            }
        };
        Body { title, class, main }
    }

    /// What stands where no mail is open.
    pub fn nothing_open(&self, seat: usize) -> Markup {
        let w = self.words;
        let first = self.scene.mailbox(seat).filter(|m| m.is_ours() && !self.read.contains(&m.id)).last();
        html! {
            div class="empty" data-live="empty" {
                @match first {
                    Some(mail) => {
                        p { (w.get("empty.new")) }
                        p { a class="button first" href=(format!("/p/{}/m/{}", self.scene.seats[seat].id, mail.id)) {
                            (plain_subject(&mail.letter.subject)) } }
                    }
                    None => {
                        p { (w.get("empty.none")) }
                        p class="hint" { (w.get("keys")) }
                    }
                }
            }
        }
    }

    /// Who one is here, how many mails wait, what comes next.
    pub fn you(&self, seat: usize, small: bool) -> Markup {
        let (w, at) = (self.words, seat);
        let seat = &self.scene.seats[at];
        let name = [("name", seat.first()), ("full", seat.person.name.as_str())];
        html! {
            section class=(if small { "you small" } else { "you" }) data-live="you" {
                div class="head" {
                    (avatar(at, seat))
                    div {
                        h1 { (w.fill(if seat.played { "you.are" } else { "you.watch" }, &name)) ", " (self.who(seat)) }
                        p {
                            (w.count("unread", self.unread(at))) " " (self.coming(seat))
                            @if seat.person.zone != self.zone() {
                                " " span class="soft" { (w.fill("you.zone", &[("city", &w.city(seat.person.zone))])) }
                            }
                        }
                    }
                }
                @if !small { p class="task" { (self.part(at)) } }
                form method="post" action="/do" {
                    (self.hidden())
                    input type="hidden" name="who" value=(seat.id);
                    @if seat.played {
                        button name="what" value="leave" id="seat" title=(w.get("seat.leave.title")) { (w.get("seat.leave")) }
                    } @else {
                        button class="first" name="what" value="take" id="seat" title=(w.get("seat.take.title")) {
                            (w.fill("seat.take", &name)) }
                    }
                }
            }
        }
    }

    /// What somebody in this part does, in a sentence.
    fn part(&self, at: usize) -> &'static str {
        let seat = &self.scene.seats[at];
        match self.scene.role(seat) {
            Some(Role::Facilitator) => self.words.get("part.facilitator"),
            Some(Role::Requester) => self.words.get("part.requester"),
            _ => self.words.get("part.cooperant"),
        }
    }

    pub fn tabs(&self, seat: usize, here: &str) -> Markup {
        let w = self.words;
        let base = format!("/p/{}", self.scene.seats[seat].id);
        let current = |name: &str| (name == here).then_some("page");
        let events = self.scene.calendar(seat).len();
        html! {
            nav class="tabs" aria-label=(w.get("nav.box")) data-live="tabs" {
                a href=(base) aria-current=[current("mail")] { (w.get("tab.mail")) }
                a href=(format!("{base}/calendar")) aria-current=[current("calendar")] {
                    (w.get("tab.calendar")) @if events > 0 { " (" (events) ")" } }
                a href=(format!("{base}/habits")) aria-current=[current("habits")] { (w.get("tab.habits")) }
            }
        }
    }

    fn list(&self, seat: usize, open: Option<usize>) -> Markup {
        let mails: Vec<_> = self.scene.mailbox(seat).collect();
        html! {
            div class="mails" data-live="mails" {
                @for (day, mails) in by_day(self, seat, &mails) {
                    h2 { (day) }
                    ul { @for mail in mails { (self.line(seat, mail, open)) } }
                }
            }
        }
    }

    fn line(&self, seat: usize, mail: &Arc<Mail>, open: Option<usize>) -> Markup {
        let w = self.words;
        let person = &self.scene.seats[seat];
        let new = mail.is_ours() && !self.read.contains(&mail.id);
        let class = if new {
            "new"
        } else if mail.is_ours() {
            ""
        } else {
            "own"
        };
        let from = mail.letter.from.as_ref().and_then(|f| f.name.as_deref()).unwrap_or_default();
        let language = if person.person.french { "fr" } else { "en" };
        let own = if person.played {
            w.get("mail.own").to_owned()
        } else {
            w.fill("mail.theirs", &[("name", person.first())])
        };
        html! {
            li class=(class) {
                a href=(format!("/p/{}/m/{}", person.id, mail.id)) aria-current=[(open == Some(mail.id)).then_some("true")] {
                    span class="from" {
                        @if mail.is_ours() { (from) } @else { (own) }
                        @if new { span class="unseen" { " (" (w.get("unread.one")) ")" } }
                    }
                    time datetime=(mail.at.to_rfc3339()) { (w.hour(mail.at, person.person.zone)) }
                    span class="subject" lang=(language) {
                        @if mail.is_invitation() { span class="chip" { (w.get("mail.invitation")) } " " }
                        (plain_subject(&mail.letter.subject))
                    }
                    span class="begins" lang=(language) {
                        (if mail.is_ours() { first_paragraph(&mail.letter.text) } else { mail.what.clone() })
                    }
                }
            }
        }
    }

    /// Somebody's calendar.
    pub fn calendar(&self, seat: usize) -> Body {
        let w = self.words;
        let entries = self.scene.calendar(seat);
        let title = w.fill("calendar.title", &[("name", self.scene.seats[seat].first())]);
        let main = html! {
            (self.you(seat, true))
            div class="list alone" {
                (self.tabs(seat, "calendar"))
                div data-live="calendar" {
                    @if entries.is_empty() { p class="empty" { (w.get("calendar.none")) } }
                    ul class="events" { @for entry in &entries { li { (self.entry(seat, entry)) } } }
                }
            }
        };
        Body { title, class: "calendar", main }
    }

    fn entry(&self, seat: usize, entry: &Entry) -> Markup {
        let (w, person) = (self.words, &self.scene.seats[seat]);
        let zone = person.person.zone;
        let (day, month) = w.leaf(entry.start, zone);
        let (class, word) = answer(entry);
        html! {
            div class=(format!("event {class}")) {
                span class="leaf" aria-hidden="true" { b { (day) } (month) }
                div {
                    h2 { a href=(format!("/p/{}/m/{}", person.id, entry.mail)) { (entry.summary) } }
                    p { (w.day(entry.start, zone)) ", " (w.hour(entry.start, zone)) " – " (w.hour(entry.end, zone)) }
                    p { span class=(format!("chip {class}")) { (w.get(word)) } (self.noted(seat, entry)) }
                }
            }
        }
    }

    /// What the daemon has noted, where the calendar does not know it: an answer in words stays in the mail.
    pub fn noted(&self, seat: usize, entry: &Entry) -> Markup {
        let said = self.scene.noted(&self.scene.seats[seat], entry.start);
        let name = match (said, entry.answer) {
            _ if entry.cancelled => return html! {},
            (Some(Attending::Yes), PartStat::NeedsAction | PartStat::Declined | PartStat::Tentative) => "noted.yes",
            (Some(Attending::No), PartStat::NeedsAction | PartStat::Accepted | PartStat::Tentative) => "noted.no",
            (Some(Attending::Maybe), PartStat::NeedsAction) => "noted.maybe",
            _ => return html! {},
        };
        html! { " " span class="soft" { (self.words.get(name)) } }
    }
}

/// How an event stands in somebody's calendar.
pub(super) fn answer(entry: &Entry) -> (&'static str, &'static str) {
    if entry.cancelled {
        return ("off", "answer.cancelled");
    }
    match entry.answer {
        PartStat::Accepted => ("yes", "answer.accepted"),
        PartStat::Declined => ("no", "answer.declined"),
        PartStat::Tentative => ("maybe", "answer.tentative"),
        PartStat::NeedsAction | PartStat::Delegated => ("open", "answer.open"),
    }
}

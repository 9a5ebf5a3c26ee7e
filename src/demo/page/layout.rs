//! What every view has around it: the clock and its buttons, the people, the session that is being held.

use super::guard;
use super::scene::{Scene, Seat};
use super::script::Speed;
use super::words::Words;
use crate::core::{Attending, Role, Run, StepKey};
use chrono::Duration;
use chrono_tz::Tz;
use maud::{DOCTYPE, Markup, html};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a view is written from.
pub(super) struct View {
    pub words: &'static Words,
    pub scene: Arc<Scene>,
    /// Mails that were opened.
    pub read: BTreeSet<usize>,
    /// The key that the page's forms carry.
    pub secret: Arc<str>,
    /// The view's own address.
    pub path: String,
    /// Whose place we are in.
    pub seat: Option<usize>,
}

/// One view: its title, the class of its body, what stands in it.
pub(super) struct Body {
    pub title: String,
    pub class: &'static str,
    pub main: Markup,
}

impl View {
    /// The group's zone.
    pub fn zone(&self) -> Tz {
        self.scene.group.as_ref().map_or(Tz::UTC, |g| g.spec.zone)
    }

    /// The zone in which somebody reads hours.
    pub fn zone_of(&self, seat: usize) -> Tz {
        self.scene.seats[seat].person.zone
    }

    /// Mails not opened yet.
    pub fn unread(&self, seat: usize) -> usize {
        let new = |m: &&Arc<super::scene::Mail>| m.is_ours() && !self.read.contains(&m.id);
        self.scene.mailbox(seat).filter(new).count()
    }

    /// The hidden fields of every form.
    pub fn hidden(&self) -> Markup {
        html! {
            input type="hidden" name="key" value=(self.secret);
            input type="hidden" name="back" value=(self.path);
        }
    }

    /// Somebody's part in the meeting at hand, in a word.
    pub fn role(&self, seat: &Seat) -> &'static str {
        self.words.get(match self.scene.role(seat) {
            Some(Role::Facilitator) => "role.facilitator",
            Some(Role::Requester) => "role.requester",
            _ => "role.cooperant",
        })
    }

    /// The same after a name: "Marie, qui anime".
    pub fn who(&self, seat: &Seat) -> &'static str {
        self.words.get(match self.scene.role(seat) {
            Some(Role::Facilitator) => "who.facilitator",
            Some(Role::Requester) => "who.requester",
            _ => "who.cooperant",
        })
    }

    /// The whole document.
    pub fn document(&self, body: Body) -> Markup {
        let w = self.words;
        let group = self.scene.group.as_ref().map_or("codevd", |g| g.spec.name.as_str());
        html! {
            (DOCTYPE)
            html lang=(w.lang()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (body.title) " · " (group) }
                    link rel="stylesheet" href="/page.css";
                    link rel="icon" href="/icon.svg" type="image/svg+xml";
                    script src="/page.js" defer {}
                    @if self.scene.playing.is_some() { noscript { meta http-equiv="refresh" content="3"; } }
                }
                body class=(body.class) data-version=(self.scene.version) {
                    a class="skip" href="#main" { (w.get("skip")) }
                    (self.top(group))
                    (self.people())
                    main id="main" tabindex="-1" {
                        (self.live())
                        (body.main)
                    }
                }
            }
        }
    }

    fn top(&self, group: &str) -> Markup {
        let (w, scene, zone) = (self.words, &self.scene, self.zone());
        let at = |name, href: &str, label: &str| {
            let here = self.path == href;
            html! { a href=(href) aria-current=[here.then_some("page")] data-key=(name) { (label) } }
        };
        html! {
            header class="top" {
                div class="brand" {
                    a href="/" aria-label=(group) { span class="mark" aria-hidden="true" { "c" } span { (group) } }
                    nav aria-label=(w.get("nav.views")) {
                        (at("o", "/", w.get("nav.month")))
                        (at("d", "/digest", w.get("nav.digest")))
                    }
                }
                form class="clock" method="post" action="/do" data-live="clock" {
                    (self.hidden())
                    p class="now" {
                        span class="label" { (w.get("clock.now")) }
                        time datetime=(scene.now.to_rfc3339()) {
                            span { (w.short_day(scene.now, zone)) } " " strong { (w.hour(scene.now, zone)) }
                        }
                    }
                    div class="buttons" { (self.buttons()) }
                }
            }
        }
    }

    fn buttons(&self) -> Markup {
        let (w, scene) = (self.words, &self.scene);
        let mine = scene.seats.iter().any(|s| s.played);
        let button = |what: &str, class: &str, key: &str, label: &str, title: &str| {
            html! {
                button id=(format!("do-{what}")) class=(class) name="what" value=(what) data-key=(key)
                    title=(title) { (label) }
            }
        };
        let first = |yes: bool| if yes { "first" } else { "" };
        html! {
            @if mine { (button("mine", "first", "m", w.get("do.mine"), w.get("do.mine.title"))) }
            (button("next", first(!mine), "n", w.get("do.next"), w.get("do.next.title")))
            @match scene.playing {
                Some(_) => (button("pause", "", "p", w.get("do.pause"), w.get("do.pause.title"))),
                None => (button("play", "", "p", w.get("do.play"), w.get("do.play.title"))),
            }
            label class="speed" {
                span class="unseen" { (w.get("do.speed")) }
                select name="speed" id="speed" {
                    @for speed in Speed::ALL {
                        @let on = scene.playing.unwrap_or(Speed::Normal) == speed;
                        option value=(speed.name()) selected[on] { (w.get(&format!("speed.{}", speed.name()))) }
                    }
                }
            }
            (button("session", "", "s", w.get("do.session"), w.get("do.session.title")))
        }
    }

    fn people(&self) -> Markup {
        let w = self.words;
        html! {
            nav class="people" aria-label=(w.get("nav.people")) data-live="people" {
                h2 { (w.get("nav.people")) }
                ul {
                    @for (i, seat) in self.scene.seats.iter().enumerate() {
                        @let unread = self.unread(i);
                        li {
                            a href=(format!("/p/{}", seat.id)) aria-current=[(self.seat == Some(i)).then_some("true")] {
                                (avatar(i, seat))
                                span class="name" {
                                    strong { span class="given" { (seat.first()) } " "
                                        span class="rest" { (rest(&seat.person.name)) } }
                                    small {
                                        (self.role(seat)) (self.calendar_mark(i))
                                        @if seat.played { " · " b { (w.get("seat.you")) } }
                                    }
                                }
                                @if unread > 0 {
                                    span class="unread" { (unread) span class="unseen" { " " (w.get("unread.short")) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Whether somebody comes to the next session in their calendar, as a mark beside their part.
    fn calendar_mark(&self, at: usize) -> Markup {
        let next = self.scene.calendar(at).into_iter().find(|e| e.end > self.scene.now);
        let Some(entry) = next else { return html! {} };
        // an answer in words stays in the mail: the calendar does not know it, the daemon does
        let (class, word) = match (entry.cancelled, self.scene.noted(&self.scene.seats[at], entry.start)) {
            (false, Some(Attending::Yes)) => ("yes", "answer.accepted"),
            (false, Some(Attending::No)) => ("no", "answer.declined"),
            _ => super::mailbox::answer(&entry),
        };
        let mark = match class {
            "yes" => "✓",
            "no" | "off" => "✗",
            _ => "?",
        };
        let word = self.words.get(word);
        html! { " " span class=(format!("in-calendar {class}")) title=(word) { span aria-hidden="true" { (mark) } span class="unseen" { (word) } } }
    }

    /// The session being held: which step of six, until when, and the facilitator's buttons.
    fn live(&self) -> Markup {
        let (w, zone) = (self.words, self.zone());
        let Some((meeting, at)) = self.scene.live() else { return html! { div data-live="live" {} } };
        let Some(run) = &meeting.run else { return html! {} };
        let Some(step) = run.steps.get(at) else { return html! {} };
        let number = numbered(step.key);
        let leads = self.scene.seats.iter().enumerate().find(|(_, s)| s.id == meeting.facilitator);
        let played = leads.filter(|(_, s)| s.played).map(|(i, _)| i);
        html! {
            section class="live" data-live="live" aria-labelledby="live-title" {
                p class="pulse" { (w.get("live.now")) }
                h2 id="live-title" {
                    (self.step_name(step.key))
                    " " span class="until" {
                        @if step.start > self.scene.now { (w.fill("live.from", &[("hour", &w.hour(step.start, zone))])) }
                        @else { (w.fill("live.until", &[("hour", &w.hour(step.end, zone))])) }
                    }
                    @if run.paused.is_some() { " " span class="chip" { (w.get("live.paused")) } }
                }
                p class="then" { @if run.paused.is_some() { (w.get("live.stands")) } @else { (self.then(run, at, played.is_some())) } }
                ol class="dots" aria-hidden="true" {
                    @for n in 1..=6 { li class=(if number.is_some_and(|now| n <= now) { "on" } else { "" }) {} }
                }
                @if let Some(mail) = played.and_then(|i| self.last_prompt(i)) {
                    form class="orders" method="post" action=(format!("/p/{}/m/{}/reply", meeting.facilitator, mail)) {
                        (self.hidden())
                        span class="label" { (w.fill("live.lead", &[("name", leads.map_or("", |(_, s)| s.first()))])) }
                        @for word in ["next", "more", "pause", "resume", "stop"] {
                            @if (word == "resume") == run.paused.is_some() || !matches!(word, "pause" | "resume") {
                                @let name = format!("order.{word}");
                                button name="text" value=(w.get(&name)) id=(format!("order-{word}")) { (w.get(&name)) }
                            }
                        }
                    }
                }
            }
        }
    }

    /// "Ensuite : 1/6 · Exposé, à 18 h 13."; for who leads, that one word goes there.
    fn then(&self, run: &Run, at: usize, leads: bool) -> String {
        let (w, zone) = (self.words, self.zone());
        let settings = self.scene.group.as_ref().map(|g| g.settings());
        let lead = Duration::seconds(settings.map_or(0, |s| i64::from(s.prompt_lead_seconds)));
        let Some(next) = run.steps.iter().skip(at + 1).find(|s| !s.skipped) else { return String::new() };
        let (step, hour) = (self.step_name(next.key), w.hour(next.start, zone));
        let announced = next.start - lead <= self.scene.now;
        let told = |name| w.fill(name, &[("step", &step), ("hour", &hour)]);
        match (announced, leads) {
            (true, true) => format!("{} {}", told("live.announced"), w.get("live.jump")),
            (true, false) => told("live.announced"),
            (false, _) => told("live.then"),
        }
    }

    /// The step that the session is in, and until when.
    pub fn now(&self) -> String {
        let Some((meeting, at)) = self.scene.live() else { return String::new() };
        let Some(step) = meeting.run.as_ref().and_then(|run| run.steps.get(at)) else { return String::new() };
        let until = self.words.fill("live.until", &[("hour", &self.words.hour(step.end, self.zone()))]);
        format!("{}, {until}", self.step_name(step.key))
    }

    fn last_prompt(&self, seat: usize) -> Option<usize> {
        let prompt =
            |m: &&Arc<super::scene::Mail>| m.key.as_ref().is_some_and(|k| k.kind == crate::core::Kind::StepPrompt);
        self.scene.mailbox(seat).find(prompt).map(|m| m.id)
    }
}

/// A person's two letters in their colour.
pub(super) fn avatar(at: usize, seat: &Seat) -> Markup {
    html! { span class=(format!("who c{}", at % 8)) aria-hidden="true" { (seat.initials()) } }
}

fn rest(name: &str) -> &str {
    name.split_once(' ').map_or("", |(_, rest)| rest)
}

/// The number members see: clarification and feelings are both 2.
pub(super) fn numbered(step: StepKey) -> Option<u32> {
    Some(match step {
        StepKey::Presentation => 1,
        StepKey::Clarification | StepKey::Feelings => 2,
        StepKey::Request => 3,
        StepKey::Contributions => 4,
        StepKey::ActionPlan => 5,
        StepKey::Learnings => 6,
        _ => return None,
    })
}

/// The frame in which a mail's HTML is shown.
pub(super) fn frame(address: &str, title: &str) -> Markup {
    html! { iframe class="mail" src=(address) title=(title) sandbox=(guard::SANDBOX) {} }
}

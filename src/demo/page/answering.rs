//! The forms to answer with: a reply as a mail program writes it, a mail that a button opened, the calendar's buttons.

use super::frame::Filled;
use super::layout::{Body, View};
use super::scene::Mail;
use crate::sim::Client;
use maud::{Markup, html};

/// Mail programs to choose from, with the names they go by.
pub(super) const CLIENTS: [(&str, Client, &str); 5] = [
    ("gmail", Client::Gmail, "Gmail"),
    ("outlook", Client::Outlook, "Outlook"),
    ("iphone", Client::Iphone, "iPhone"),
    ("thunderbird", Client::Thunderbird, "Thunderbird"),
    ("bare", Client::Bare, ""),
];

impl View {
    /// The forms under a mail of ours; `filled` stands in the field already.
    pub fn forms(&self, mail: &Mail, filled: Option<&str>) -> Markup {
        let (w, seat) = (self.words, &self.scene.seats[mail.seat]);
        if !mail.is_ours() {
            return html! {};
        }
        let base = format!("/p/{}/m/{}", seat.id, mail.id);
        let name = [("name", seat.first())];
        html! {
            section class="answer" aria-labelledby="answer-title" {
                h3 id="answer-title" { (w.fill(if seat.played { "reply.you" } else { "reply.as" }, &name)) }
                (self.story(mail, &base))
                form method="post" action=(format!("{base}/reply")) {
                    (self.hidden())
                    label for="text" { (w.get("reply.text")) }
                    textarea id="text" name="text" rows="4" required { (filled.unwrap_or_default()) }
                    div class="row" {
                        label class="inline" for="client" { (w.get("reply.client")) }
                        select id="client" name="client" {
                            @for (value, client, label) in CLIENTS {
                                option value=(value) selected[client == seat.person.client] {
                                    (if label.is_empty() { w.get("reply.bare") } else { label })
                                }
                            }
                        }
                        button class="first" { (w.get("reply.send")) }
                    }
                }
            }
        }
    }

    /// What this person would do by themselves, to look at or to use.
    fn story(&self, mail: &Mail, base: &str) -> Markup {
        let (w, seat) = (self.words, &self.scene.seats[mail.seat]);
        let Some(habit) = self.scene.habit(seat, mail) else { return html! {} };
        let name = seat.first();
        let (key, moment) = if habit.held {
            ("story.held", String::new())
        } else {
            ("story.will", w.moment(habit.at, seat.person.zone))
        };
        html! {
            p class="story" {
                (w.fill(key, &[("name", name), ("moment", &moment)])) " " q { (habit.what) }
                @if habit.held && habit.words.is_some() {
                    " " a href=(format!("{base}?story=1#answer-title")) { (w.get("story.use")) }
                }
            }
        }
    }

    /// The buttons a calendar has under an invitation.
    pub fn calendar_form(&self, mail: &Mail) -> Markup {
        let (w, seat) = (self.words, &self.scene.seats[mail.seat]);
        let base = format!("/p/{}/m/{}/calendar", seat.id, mail.id);
        let zone = seat.person.zone;
        let start = self.scene.calendar(mail.seat).into_iter().find(|e| e.mail == mail.id).map(|e| e.start);
        let start = start.map(|s| s.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string()).unwrap_or_default();
        html! {
            form class="calendar-buttons" method="post" action=(base) {
                (self.hidden())
                div class="buttons" {
                    @for (value, word) in [("accepted", "button.accept"), ("tentative", "button.maybe"), ("declined", "button.decline")] {
                        button name="answer" value=(value) { (w.get(word)) }
                    }
                }
                details {
                    summary { (w.get("button.more")) }
                    label for="comment" { (w.get("button.comment")) }
                    input type="text" id="comment" name="comment" maxlength="300";
                    label for="start" { (w.fill("button.start", &[("city", &w.city(zone))])) }
                    div class="row" {
                        input type="datetime-local" id="start" name="start" value=(start);
                        button name="answer" value="counter" { (w.get("button.propose")) }
                    }
                }
            }
        }
    }

    /// The mail that a button of a mail opened, as a mail program shows it before it is sent.
    pub fn compose(&self, mail: &Mail, filled: &Filled) -> Markup {
        let (w, seat) = (self.words, &self.scene.seats[mail.seat]);
        let base = format!("/p/{}/m/{}", seat.id, mail.id);
        html! {
            article class="letter compose" aria-labelledby="compose-title" {
                p class="up" { a href=(base) { "← " (w.get("compose.back")) } }
                h2 id="compose-title" { (w.get("compose.title")) }
                p class="soft" { (w.get("compose.lead")) }
                form method="post" action=(format!("{base}/compose")) {
                    (self.hidden())
                    p class="lines" { span { (w.get("mail.from")) " " b { (seat.person.name) } " " span class="soft" { "<" (seat.person.email) ">" } } }
                    label for="to" { (w.get("mail.to")) }
                    input type="text" id="to" name="to" value=(filled.to) readonly;
                    label for="subject" { (w.get("compose.subject")) }
                    input type="text" id="subject" name="subject" value=(filled.subject);
                    label for="text" { (w.get("reply.text")) }
                    textarea id="text" name="text" rows="4" required autofocus { (filled.body) }
                    div class="row" { button class="first" { (w.get("reply.send")) } }
                }
            }
        }
    }

    /// A link of a mail that the page does not follow.
    pub fn elsewhere(&self, link: &str) -> Body {
        let w = self.words;
        self.saying(w.get("elsewhere.title"), w.get("elsewhere.text"), Some(link))
    }
}

//! The first view: what this is, whose seat to take, and the month; the digest; pages for what is not there.

use super::layout::{Body, View, avatar, frame};
use super::scene::Seat;
use crate::core::Role;
use maud::{Markup, html};

impl View {
    /// The first view.
    pub fn overview(&self) -> Body {
        let w = self.words;
        let title = w.get("month.title").to_owned();
        let main = html! {
            section class="hello" {
                h1 { (title) }
                p class="lead" { (w.fill("month.lead", &[("n", &self.scene.seats.len().to_string())])) }
                (self.start())
            }
            (self.timeline())
        };
        Body { title, class: "overview", main }
    }

    /// Where to begin, or where one is.
    fn start(&self) -> Markup {
        let w = self.words;
        let played: Vec<_> = self.scene.seats.iter().enumerate().filter(|(_, s)| s.played).collect();
        html! {
            div data-live="start" {
                @if let Some(why) = &self.scene.broken { p class="notice bad" role="alert" { (why) } }
                @if self.scene.now >= self.scene.end { p class="notice" { (w.get("month.over")) } }
                @if played.is_empty() {
                    h2 { (w.get("start.title")) }
                    ul class="seats" {
                        @for (role, key) in [
                            (Role::Facilitator, "facilitator"), (Role::Requester, "requester"), (Role::Cooperant, "cooperant"),
                        ] {
                            @if let Some((i, seat)) = self.first_with(role) { (self.offer(i, seat, key)) }
                        }
                    }
                    form class="more" method="post" action="/do" {
                        (self.hidden())
                        p class="hint" { (w.get("start.watch")) " "
                            button class="link" name="what" value="take-all" { (w.get("seat.all")) } }
                    }
                } @else {
                    ul class="seats" {
                        @for (i, seat) in played { (self.taken(i, seat)) }
                    }
                    form class="more" method="post" action="/do" {
                        (self.hidden())
                        p class="hint" { (w.get("start.more")) " "
                            button class="link" name="what" value="leave-all" { (w.get("seat.none")) } }
                    }
                }
            }
        }
    }

    /// The first person in a role; of those who help, one who answers by themselves often.
    fn first_with(&self, role: Role) -> Option<(usize, &Seat)> {
        let scene = &self.scene;
        scene.seats.iter().enumerate().find(|(_, s)| scene.role(s) == Some(role))
    }

    fn offer(&self, at: usize, seat: &Seat, key: &str) -> Markup {
        let w = self.words;
        html! {
            li class=(if key == "facilitator" { "card advised" } else { "card" }) {
                div class="head" { (avatar(at, seat)) h3 { (seat.first()) ", " (self.who(seat)) } }
                p { (w.get(&format!("start.{key}"))) }
                form method="post" action="/do" {
                    (self.hidden())
                    input type="hidden" name="who" value=(seat.id);
                    button class=(if key == "facilitator" { "first" } else { "" }) name="what" value="take" {
                        (w.fill("seat.take", &[("name", seat.first())]))
                    }
                }
            }
        }
    }

    fn taken(&self, at: usize, seat: &Seat) -> Markup {
        let w = self.words;
        html! {
            li class="card" {
                div class="head" { (avatar(at, seat)) h2 { (w.fill("you.are", &[("name", seat.first())])) ", " (self.who(seat)) } }
                p { (w.count("unread", self.unread(at))) " " (self.coming(seat)) }
                a class="button first" href=(format!("/p/{}", seat.id)) { (w.get("seat.open")) }
            }
        }
    }

    /// The digest, as the facilitator got it.
    pub fn digest(&self) -> Body {
        let w = self.words;
        let title = w.get("digest.title").to_owned();
        let newest = self.scene.digest();
        let main = html! {
            section class="paper" {
                h1 { (title) }
                @match newest {
                    Some(mail) => {
                        @let seat = &self.scene.seats[mail.seat];
                        @let address = format!("/p/{}/m/{}", seat.id, mail.id);
                        p class="lead" { (w.fill("digest.lead", &[
                            ("name", seat.first()), ("moment", &w.moment(mail.at, self.zone()))])) " "
                            a href=(address) { (w.get("digest.open")) } }
                        (frame(&format!("{address}/html"), &mail.letter.subject))
                    }
                    None => {
                        p class="lead" { (w.get("digest.none")) }
                        form method="post" action="/do" {
                            (self.hidden())
                            button class="first" name="what" value="digest" { (w.get("do.digest")) }
                        }
                    }
                }
            }
        };
        Body { title, class: "digest", main }
    }

    /// A page that says one thing.
    pub fn saying(&self, title: &str, text: &str, quote: Option<&str>) -> Body {
        let main = html! {
            section class="paper" {
                h1 { (title) }
                p class="lead" { (text) }
                @if let Some(quote) = quote { p { code { (quote) } } }
                p { a class="button" href=(self.path) { (self.words.get("back")) } }
            }
        };
        Body { title: title.to_owned(), class: "saying", main }
    }
}

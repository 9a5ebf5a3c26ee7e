//! One mail, as its reader sees it: the invitation's card, the mail in its frame, plain text and source as tabs, and
//! what was answered.

use super::layout::{View, avatar, frame};
use super::mailbox::answer;
use super::scene::Mail;
use super::timeline::first_paragraph;
use maud::{Markup, html};

/// How a mail is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Html,
    Text,
    Source,
}

impl Look {
    /// By its name in the address; what a mail has not, it can't be looked at as.
    pub fn named(name: Option<&str>, mail: &Mail) -> Self {
        match name {
            Some("source") => Self::Source,
            Some("text") => Self::Text,
            _ if mail.html.is_none() => Self::Text,
            _ => Self::Html,
        }
    }
}

impl View {
    /// The mail, and the forms to answer it.
    pub fn reading(&self, mail: &Mail, look: Look, sent: Option<usize>, forms: &Markup) -> Markup {
        let (w, seat) = (self.words, &self.scene.seats[mail.seat]);
        let zone = seat.person.zone;
        let language = if seat.person.french { "fr" } else { "en" };
        let from = mail.letter.from.as_ref();
        let name = from.and_then(|f| f.name.clone()).unwrap_or_default();
        html! {
            article class="letter" aria-labelledby="subject" {
                p class="up" { a href=(format!("/p/{}", seat.id)) { "← " (w.get("mail.back")) } }
                @if let Some(sent) = sent { (self.sent(mail, sent)) }
                h2 id="subject" lang=(language) { (mail.letter.subject) }
                p class="lines" {
                    span { (w.get("mail.from")) " " b { (name) } " " span class="soft" { "<" (from.map_or("", |f| &f.email)) ">" } }
                    span { (w.get("mail.to")) " " span class="soft" { (mail.letter.to.join(", ")) } }
                    time datetime=(mail.at.to_rfc3339()) { (w.day(mail.at, zone)) ", " (w.hour(mail.at, zone)) }
                }
                (self.card(mail))
                (self.looks(mail, look))
                (self.contents(mail, look, language))
                (self.conversation(mail))
                (forms)
            }
        }
    }

    fn looks(&self, mail: &Mail, look: Look) -> Markup {
        let (w, seat) = (self.words, &self.scene.seats[mail.seat]);
        let base = format!("/p/{}/m/{}", seat.id, mail.id);
        let tab = |this: Look, query: &str, label: &str| {
            html! { a href=(format!("{base}{query}")) aria-current=[(look == this).then_some("true")] { (label) } }
        };
        html! {
            nav class="looks" aria-label=(w.get("look.nav")) {
                @if mail.html.is_some() { (tab(Look::Html, "", w.get("look.mail"))) }
                (tab(Look::Text, if mail.html.is_some() { "?look=text" } else { "" }, w.get("look.text")))
                (tab(Look::Source, "?look=source", w.get("look.source")))
            }
        }
    }

    fn contents(&self, mail: &Mail, look: Look, language: &str) -> Markup {
        let (w, seat) = (self.words, &self.scene.seats[mail.seat]);
        match look {
            Look::Html => frame(&format!("/p/{}/m/{}/html", seat.id, mail.id), &mail.letter.subject),
            Look::Text if mail.letter.text.trim().is_empty() => html! { p class="soft" { (w.get("look.no_text")) } },
            Look::Text => html! { pre class="text" lang=(language) tabindex="0" { (mail.letter.text.trim_end()) } },
            Look::Source => html! {
                pre class="source" tabindex="0" { (String::from_utf8_lossy(&mail.bytes)) }
                p { a href=(format!("/p/{}/m/{}/mail.eml", seat.id, mail.id)) download { (w.get("look.save")) } }
            },
        }
    }

    /// The answer is on its way: what came of it.
    fn sent(&self, mail: &Mail, sent: usize) -> Markup {
        let w = self.words;
        let Some(own) = self.scene.mail(mail.seat, sent).filter(|m| !m.is_ours()) else { return html! {} };
        let source = format!("/p/{}/m/{}?look=source", self.scene.seats[mail.seat].id, own.id);
        let receipt = self.scene.receipt(own);
        html! {
            div class="notice" role="status" {
                p { (w.fill("sent.gone", &[("what", &own.what)])) " " a href=(source) { (w.get("sent.source")) } }
                @match receipt {
                    Some(receipt) => p { (w.get("sent.understood")) " " q { (first_paragraph(&receipt.letter.text)) } },
                    None if self.scene.live().is_some() => p class="soft" { (w.fill("sent.live", &[("step", &self.now())])) },
                    None => p class="soft" { (w.get("sent.silent")) },
                }
            }
        }
    }

    /// The invitation as a calendar shows it.
    fn card(&self, mail: &Mail) -> Markup {
        let (w, seat) = (self.words, &self.scene.seats[mail.seat]);
        let Some(event) = mail.event.as_ref().filter(|_| mail.is_ours()) else { return html! {} };
        let zone = seat.person.zone;
        let calendar = self.scene.calendar(mail.seat);
        let Some(entry) = calendar.iter().find(|e| e.mail == mail.id || Some(&e.summary) == event.summary.as_ref())
        else {
            return html! {};
        };
        let (day, month) = w.leaf(entry.start, zone);
        let (class, word) = answer(entry);
        html! {
            section class=(format!("event card {class}")) aria-label=(w.get("card.title")) {
                span class="leaf" aria-hidden="true" { b { (day) } (month) }
                div {
                    h3 { (entry.summary) }
                    p { (w.day(entry.start, zone)) ", " (w.hour(entry.start, zone)) " – " (w.hour(entry.end, zone)) }
                    p class="soft" { (w.fill("card.people", &[("n", &event.attendees.len().to_string())])) }
                    p { span class=(format!("chip {class}")) { (w.get(word)) } (self.noted(mail.seat, entry)) }
                }
                @if mail.is_invitation() { (self.calendar_form(mail)) }
            }
        }
    }

    fn conversation(&self, mail: &Mail) -> Markup {
        let (w, seat) = (self.words, &self.scene.seats[mail.seat]);
        let later = self.scene.conversation(mail);
        let before = mail.about.and_then(|id| self.scene.mail(mail.seat, id));
        if later.is_empty() && before.is_none() {
            return html! { div data-live="conversation" {} };
        }
        html! {
            section class="conversation" id="conversation" data-live="conversation" aria-labelledby="conversation-title" {
                h3 id="conversation-title" { (w.get("talk.title")) }
                ul {
                    @for (one, back) in before.map(|m| (m, true)).into_iter().chain(later.into_iter().map(|m| (m, false))) {
                        li class=(if one.is_ours() { "ours" } else { "own" }) {
                            a href=(format!("/p/{}/m/{}", seat.id, one.id)) {
                                @if one.is_ours() { span class="who daemon" aria-hidden="true" { "c" } }
                                @else { (avatar(mail.seat, seat)) }
                                span {
                                    small { (w.get(if back { "talk.before" } else if one.is_ours() { "talk.ours" } else { "talk.own" }))
                                        " · " (w.moment(one.at, seat.person.zone)) }
                                    span class="says" { (if one.is_ours() { first_paragraph(&one.letter.text) } else { one.what.clone() }) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

//! What the page does on POST: each form becomes a command, and leads to where its outcome can be seen (303).

use super::App;
use super::answering::CLIENTS;
use super::script::{Command, Deed, Refused, Speed};
use super::views;
use crate::core::MemberId;
use crate::ical::PartStat;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use std::collections::BTreeMap;

/// A form's fields.
type Fields = BTreeMap<String, String>;

fn field<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).map_or("", String::as_str)
}

/// Where to go back to: an address of this page, whatever the field says.
fn back(fields: &Fields) -> &str {
    let back = field(fields, "back");
    let own = back.starts_with('/') && !back.starts_with("//") && !back.contains(['\\', '\r', '\n']);
    if own { back } else { "/" }
}

/// The clock's buttons, and the seats.
pub(super) async fn act(State(app): State<App>, Form(fields): Form<Fields>) -> Response {
    if !app.knows(field(&fields, "key")) {
        return views::unkeyed(&app);
    }
    match field(&fields, "what") {
        "take-all" => return every_seat(&app, true).await,
        "leave-all" => return every_seat(&app, false).await,
        _ => {}
    }
    let who = field(&fields, "who").parse::<MemberId>();
    let habit = field(&fields, "habit").parse::<usize>();
    let (command, to) = match (field(&fields, "what"), who) {
        ("next", _) => (Command::Next, None),
        ("mine", _) => (Command::UntilMine, None),
        ("session", _) => (Command::Session, None),
        ("end", _) => (Command::End, None),
        ("digest", _) => (Command::Digest, Some("/digest".to_owned())),
        ("play", _) => (Command::Play(Speed::named(field(&fields, "speed")).unwrap_or(Speed::Normal)), None),
        ("pause", _) => (Command::Pause, None),
        ("take", Ok(who)) => (Command::Seat { who: who.clone(), taken: true }, Some(format!("/p/{who}"))),
        ("leave", Ok(who)) => (Command::Seat { who, taken: false }, None),
        (switch @ ("habit-on" | "habit-off"), Ok(who)) => match habit {
            Ok(which) => (Command::Habit { who, which, on: switch == "habit-on" }, None),
            Err(_) => return views::missing(&app),
        },
        _ => return views::missing(&app),
    };
    let mine = matches!(command, Command::UntilMine | Command::Session);
    match app.desk.ask(command).await {
        Ok(came) if mine => Redirect::to(&mail_of_mine(&app, &came).unwrap_or_else(|| back(&fields).to_owned())),
        Ok(_) => Redirect::to(to.as_deref().unwrap_or(back(&fields))),
        Err(why) => return refused(&app, back(&fields), &why),
    }
    .into_response()
}

/// All seats at once, taken or given back.
async fn every_seat(app: &App, taken: bool) -> Response {
    let seats: Vec<MemberId> = app.scene().seats.iter().map(|s| s.id.clone()).collect();
    for who in seats {
        if let Err(why) = app.desk.ask(Command::Seat { who, taken }).await {
            return refused(app, "/", &why);
        }
    }
    Redirect::to("/").into_response()
}

/// The newest mail for a seat held: that for which the month stopped.
fn mail_of_mine(app: &App, came: &[usize]) -> Option<String> {
    let scene = app.scene();
    let mails = came.iter().filter_map(|id| scene.mails.get(*id));
    let mail = mails.rev().find(|m| scene.seats[m.seat].played && m.is_ours() && !m.is_receipt())?;
    Some(format!("/p/{}/m/{}", scene.seats[mail.seat].id, mail.id))
}

/// A reply, as a mail program writes it.
pub(super) async fn reply(
    State(app): State<App>,
    Path((who, mail)): Path<(String, usize)>,
    Form(fields): Form<Fields>,
) -> Response {
    let scene = app.scene();
    let own = scene.seat(&who).map(|(_, s)| s.person.client);
    let chosen = CLIENTS.iter().find(|(name, ..)| *name == field(&fields, "client")).map(|(_, client, _)| *client);
    let Some(client) = chosen.or(own) else { return views::missing(&app) };
    let deed = Deed::Reply { client, text: field(&fields, "text").to_owned() };
    answer(&app, &who, mail, deed, &fields).await
}

/// The mail that a button of a mail opened.
pub(super) async fn compose(
    State(app): State<App>,
    Path((who, mail)): Path<(String, usize)>,
    Form(fields): Form<Fields>,
) -> Response {
    let text = |name: &str| field(&fields, name).to_owned();
    let deed = Deed::New { to: text("to"), subject: text("subject"), text: text("text") };
    answer(&app, &who, mail, deed, &fields).await
}

/// A button of the calendar.
pub(super) async fn calendar(
    State(app): State<App>,
    Path((who, mail)): Path<(String, usize)>,
    Form(fields): Form<Fields>,
) -> Response {
    let comment = Some(field(&fields, "comment").trim().to_owned()).filter(|c| !c.is_empty());
    let deed = match (field(&fields, "answer"), PartStat::parse(field(&fields, "answer"))) {
        ("counter", _) => match start(&app, &who, field(&fields, "start")) {
            Some(start) => Deed::Propose { start, comment },
            None => return views::refused(&app, back(&fields), app.words().get("refused.start")),
        },
        (_, Some(answer)) => Deed::Button { answer, comment },
        _ => return views::missing(&app),
    };
    answer(&app, &who, mail, deed, &fields).await
}

/// A moment as the browser's field writes it, in the person's zone.
fn start(app: &App, who: &str, text: &str) -> Option<DateTime<Utc>> {
    let zone = app.scene().seat(who)?.1.person.zone;
    let wall = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").ok()?;
    Some(zone.from_local_datetime(&wall).earliest()?.with_timezone(&Utc))
}

async fn answer(app: &App, who: &str, mail: usize, deed: Deed, fields: &Fields) -> Response {
    if !app.knows(field(fields, "key")) {
        return views::unkeyed(app);
    }
    let Ok(id) = who.parse::<MemberId>() else { return views::missing(app) };
    match app.desk.ask(Command::Answer { who: id, mail, deed }).await {
        Ok(came) => Redirect::to(&outcome(app, who, mail, &came)).into_response(),
        Err(why) => refused(app, back(fields), &why),
    }
}

/// Where the outcome is seen: at the next question where the answer led to one, else at the mail answered.
fn outcome(app: &App, who: &str, mail: usize, came: &[usize]) -> String {
    let scene = app.scene();
    let Some((seat, _)) = scene.seat(who) else { return "/".to_owned() };
    let theirs = || came.iter().filter_map(|id| scene.mail(seat, *id));
    let sent = theirs().find(|m| !m.is_ours()).map_or(0, |m| m.id);
    let next = theirs().rfind(|m| m.is_ours() && !m.is_receipt()).map_or(mail, |m| m.id);
    format!("/p/{who}/m/{next}?sent={sent}")
}

fn refused(app: &App, back: &str, why: &Refused) -> Response {
    let w = app.words();
    let text = match why {
        Refused::Unknown => w.get("missing.text").to_owned(),
        Refused::Empty => w.get("refused.empty").to_owned(),
        Refused::Calendar(why) => w.fill("refused.calendar", &[("why", why)]),
        Refused::Stopped(why) => w.fill("refused.stopped", &[("why", why)]),
    };
    views::refused(app, back, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_stays_on_the_page() {
        let of = |text: &str| back(&Fields::from([("back".to_owned(), text.to_owned())])).to_owned();
        assert_eq!(of("/p/ana"), "/p/ana");
        for elsewhere in ["//evil.example", "https://evil.example", "/\\evil.example", "", "/a\r\nb"] {
            assert_eq!(of(elsewhere), "/");
        }
    }
}

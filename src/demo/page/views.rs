//! What the page answers to GET.

use super::App;
use super::frame::{self, Filled};
use super::layout::{Body, View};
use super::reading::Look;
use super::scene::Mail;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use maud::html;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

/// The query of an address.
pub(super) type Asked = Query<BTreeMap<String, String>>;

pub(super) async fn overview(State(app): State<App>) -> Response {
    let view = app.view("/");
    page(&view, view.overview())
}

pub(super) async fn digest(State(app): State<App>) -> Response {
    let view = app.view("/digest");
    page(&view, view.digest())
}

pub(super) async fn mailbox(State(app): State<App>, Path(who): Path<String>) -> Response {
    let mut view = app.view(&format!("/p/{who}"));
    let Some((seat, _)) = view.scene.seat(&who) else { return missing(&app) };
    view.seat = Some(seat);
    let title = view.scene.seats[seat].person.name.clone();
    page(&view, view.mailbox(seat, None, title, view.nothing_open(seat)))
}

pub(super) async fn calendar(State(app): State<App>, Path(who): Path<String>) -> Response {
    let mut view = app.view(&format!("/p/{who}/calendar"));
    let Some((seat, _)) = view.scene.seat(&who) else { return missing(&app) };
    view.seat = Some(seat);
    page(&view, view.calendar(seat))
}

pub(super) async fn mail(
    State(app): State<App>,
    Path((who, id)): Path<(String, usize)>,
    Query(asked): Asked,
) -> Response {
    let Some((mut view, mail)) = opened(&app, &who, id) else { return missing(&app) };
    if mail.is_ours() {
        app.opened(id);
        view.read.insert(id);
    }
    let sent = asked.get("sent").and_then(|n| n.parse::<usize>().ok());
    // the receipt is read where it is quoted
    let quoted = sent.and_then(|id| view.scene.mail(mail.seat, id)).and_then(|own| view.scene.receipt(own));
    if let Some(id) = quoted.map(|m| m.id) {
        app.opened(id);
        view.read.insert(id);
    }
    let look = Look::named(asked.get("look").map(String::as_str), &mail);
    let habit = view.scene.habit(&view.scene.seats[mail.seat], &mail);
    let story = habit.and_then(|h| h.words.as_deref()).filter(|_| asked.contains_key("story"));
    let forms = view.forms(&mail, story);
    let reading = view.reading(&mail, look, sent, &forms);
    page(&view, view.mailbox(mail.seat, Some(id), mail.letter.subject.clone(), reading))
}

pub(super) async fn compose(
    State(app): State<App>,
    Path((who, id)): Path<(String, usize)>,
    Query(asked): Asked,
) -> Response {
    let Some((view, mail)) = opened(&app, &who, id) else { return missing(&app) };
    let field = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let filled = Filled { to: field("to"), subject: field("subject"), body: field("body") };
    let title = view.words.get("compose.title").to_owned();
    page(&view, view.mailbox(mail.seat, Some(id), title, view.compose(&mail, &filled)))
}

/// The mail's own HTML, for the frame.
pub(super) async fn html(State(app): State<App>, Path((who, id)): Path<(String, usize)>) -> Response {
    let Some((_, mail)) = opened(&app, &who, id) else { return missing(&app) };
    match &mail.html {
        Some(html) => {
            let html = frame::shown(html, &format!("/p/{who}/m/{id}/compose"));
            ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
        }
        None => missing(&app),
    }
}

/// The bytes that went over the wire.
pub(super) async fn eml(State(app): State<App>, Path((who, id)): Path<(String, usize)>) -> Response {
    let Some((_, mail)) = opened(&app, &who, id) else { return missing(&app) };
    let name = format!("attachment; filename=\"{who}-{id}.eml\"");
    let headers = [(header::CONTENT_TYPE, "message/rfc822".to_owned()), (header::CONTENT_DISPOSITION, name)];
    (headers, mail.bytes.clone()).into_response()
}

pub(super) async fn elsewhere(State(app): State<App>, Query(asked): Asked) -> Response {
    let view = app.view("/");
    page(&view, view.elsewhere(asked.get("link").map_or("", String::as_str)))
}

pub(super) async fn habits(State(app): State<App>, Path(who): Path<String>) -> Response {
    let mut view = app.view(&format!("/p/{who}/habits"));
    let Some((seat, _)) = view.scene.seat(&who) else { return missing(&app) };
    view.seat = Some(seat);
    page(&view, view.habits(seat))
}

/// The number of the scene, for the script to see whether anything changed.
pub(super) async fn version(State(app): State<App>) -> String {
    app.scene().version.to_string()
}

/// The same number as server-sent events: at once, then with each change, until the demo ends.
pub(super) async fn changes(State(app): State<App>) -> impl IntoResponse {
    let numbers = stream::unfold((app.shown, true), |(mut shown, first)| async move {
        if !first {
            shown.changed().await.ok()?;
        }
        let version = shown.borrow_and_update().version.to_string();
        Some((Ok::<_, Infallible>(Event::default().data(version)), (shown, false)))
    });
    Sse::new(numbers).keep_alive(KeepAlive::default())
}

pub(super) async fn css() -> impl IntoResponse {
    file("text/css; charset=utf-8", include_str!("page.css"))
}

pub(super) async fn js() -> impl IntoResponse {
    file("text/javascript; charset=utf-8", include_str!("page.js"))
}

pub(super) async fn icon() -> impl IntoResponse {
    file("image/svg+xml", include_str!("icon.svg"))
}

fn file(kind: &'static str, text: &'static str) -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, kind)], text)
}

pub(super) async fn fallback(State(app): State<App>) -> Response {
    missing(&app)
}

fn opened(app: &App, who: &str, id: usize) -> Option<(View, Arc<Mail>)> {
    let mut view = app.view(&format!("/p/{who}/m/{id}"));
    let (seat, _) = view.scene.seat(who)?;
    let mail = Arc::clone(view.scene.mail(seat, id)?);
    view.seat = Some(seat);
    Some((view, mail))
}

/// A view as a page.
pub(super) fn page(view: &View, body: Body) -> Response {
    let document = view.document(body).into_string();
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], document).into_response()
}

/// There is nothing at this address.
pub(super) fn missing(app: &App) -> Response {
    let view = app.view("/");
    let body = view.saying(view.words.get("missing.title"), view.words.get("missing.text"), None);
    (StatusCode::NOT_FOUND, page(&view, body)).into_response()
}

/// A form could not be obeyed.
pub(super) fn refused(app: &App, back: &str, text: &str) -> Response {
    let mut view = app.view("/");
    back.clone_into(&mut view.path);
    let body = view.saying(view.words.get("refused.title"), text, None);
    (StatusCode::UNPROCESSABLE_ENTITY, page(&view, body)).into_response()
}

/// The page was asked for something without the key of its forms.
pub(super) fn unkeyed(app: &App) -> Response {
    let view = app.view("/");
    let w = view.words;
    let main = html! { section class="paper" { h1 { (w.get("unkeyed.title")) } p { (w.get("unkeyed.text")) }
    p { a class="button" href="/" { (w.get("back")) } } } };
    let body = Body { title: w.get("unkeyed.title").to_owned(), class: "saying", main };
    (StatusCode::FORBIDDEN, page(&view, body)).into_response()
}

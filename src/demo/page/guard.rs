//! Who may ask the page: a browser on this machine that came by its address, and forms that the page itself wrote.
//! (A page of another site can neither post here, nor read here under a name of its own: DNS rebinding.)

use super::App;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// What the page itself may load and do.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// What a shown mail may do: look as it looks, and follow a link that somebody pressed. `allow-same-origin` lets the
/// page measure its height; without `allow-scripts` nothing in the mail can use it.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                           frame-ancestors 'self'; sandbox allow-same-origin allow-top-navigation-by-user-activation";

/// The sandbox of the frame, as its attribute.
pub(super) const SANDBOX: &str = "allow-same-origin allow-top-navigation-by-user-activation";

/// Looks at the question, has it answered, and says what the browser may do with the answer.
pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    if !is_ours(&app, request.method(), request.headers()) {
        let why = "This page answers at its own address alone, and to its own forms.\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    let asks_mail = request.uri().path().ends_with("/html");
    let mut response = next.run(request).await;
    let is_mail = asks_mail && response.status().is_success();
    let policy = if is_mail { MAIL_POLICY } else { POLICY };
    let set = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in set {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn is_ours(app: &App, method: &Method, headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    let host = text(header::HOST).is_some_and(|h| app.hosts.iter().any(|known| known.eq_ignore_ascii_case(h)));
    let safe = matches!(*method, Method::GET | Method::HEAD);
    // a form of this page says where it comes from; what says nothing is no browser, and knows the key of the forms
    let from = text(header::ORIGIN).is_none_or(|origin| app.hosts.iter().any(|h| origin == format!("http://{h}")));
    let site = text(HeaderName::from_static("sec-fetch-site")).is_none_or(|s| matches!(s, "same-origin" | "none"));
    host && (safe || from && site)
}

//! The demo's page on 127.0.0.1: people's mailboxes and calendars, a clock to move, seats to take.
//!
//! Reading order: `script` (what can be asked), `driver` (does it, with the real daemon), `scene` (what is shown),
//! then the views: `layout`, `overview`, `timeline`, `mailbox`, `habits`, `reading`, `answering`. `guard` says who may ask,
//! `forms` and `views` are the addresses. Answers go in as mails, by the way everybody's mails go: nothing here decides.

mod ahead;
mod answering;
mod driver;
mod forms;
mod frame;
mod guard;
mod habits;
mod layout;
mod mailbox;
mod overview;
mod reading;
mod scene;
mod script;
mod timeline;
mod views;
mod words;

use super::run::{Demo, DemoError, Options, Stage};
use crate::daemon::{Ids, edge::RandomIds};
use axum::routing::{get, post};
use axum::{Router, middleware};
use driver::Driver;
use layout::View;
use scene::Scene;
use script::Desk;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use words::Words;

/// The page's usual port.
pub const PORT: u16 = 8025;

/// What every address needs.
#[derive(Clone)]
struct App {
    desk: Desk,
    shown: watch::Receiver<Arc<Scene>>,
    read: Arc<Mutex<BTreeSet<usize>>>,
    secret: Arc<str>,
    /// Names under which the page may be asked for.
    hosts: Arc<[String]>,
    language: Arc<str>,
}

impl App {
    fn scene(&self) -> Arc<Scene> {
        Arc::clone(&self.shown.borrow())
    }

    fn words(&self) -> &'static Words {
        Words::of(&self.language)
    }

    fn view(&self, path: &str) -> View {
        View {
            words: self.words(),
            scene: self.scene(),
            read: self.read.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            secret: Arc::clone(&self.secret),
            path: path.to_owned(),
            seat: None,
        }
    }

    /// Somebody opened a mail.
    fn opened(&self, id: usize) {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    }

    /// Whether a form carries the page's key.
    fn knows(&self, key: &str) -> bool {
        key == &*self.secret
    }
}

/// Shows the month on a page until `stop`. The first line said is the page's address.
///
/// # Errors
/// As for [`super::play`]; the port is taken.
pub async fn show(
    options: &Options,
    scratch: &Path,
    port: u16,
    say: &mut impl FnMut(&str),
    stop: impl Future<Output = ()>,
) -> Result<Demo, DemoError> {
    let taken = |error| DemoError::Port { port, error };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(taken)?;
    let port = listener.local_addr().map_err(taken)?.port();
    let set = Stage::set(options, scratch).await?;
    let (shown, scene) = watch::channel(Arc::new(driver::empty(&set)));
    let (desk, asked) = mpsc::channel(16);
    let app = App {
        desk: Desk(desk),
        shown: scene,
        read: Arc::default(),
        secret: RandomIds.fresh().into(),
        hosts: ["127.0.0.1", "localhost"].map(|name| format!("{name}:{port}")).into(),
        language: set.cast.spec.language.as_str().into(),
    };
    say(&format!("http://127.0.0.1:{port}"));
    let driver = Driver::begin(set, options, shown, say).await?;
    let server = tokio::spawn(async move { axum::serve(listener, router(app)).await });
    let demo = driver.run(asked, stop).await;
    server.abort();
    demo
}

fn router(app: App) -> Router {
    Router::new()
        .route("/", get(views::overview))
        .route("/digest", get(views::digest))
        .route("/p/{who}", get(views::mailbox))
        .route("/p/{who}/calendar", get(views::calendar))
        .route("/p/{who}/habits", get(views::habits))
        .route("/p/{who}/m/{mail}", get(views::mail))
        .route("/p/{who}/m/{mail}/html", get(views::html))
        .route("/p/{who}/m/{mail}/mail.eml", get(views::eml))
        .route("/p/{who}/m/{mail}/compose", get(views::compose).post(forms::compose))
        .route("/p/{who}/m/{mail}/reply", post(forms::reply))
        .route("/p/{who}/m/{mail}/calendar", post(forms::calendar))
        .route("/do", post(forms::act))
        .route("/elsewhere", get(views::elsewhere))
        .route("/version", get(views::version))
        .route("/changes", get(views::changes))
        .route("/page.css", get(views::css))
        .route("/page.js", get(views::js))
        .route("/icon.svg", get(views::icon))
        .fallback(views::fallback)
        .layer(middleware::from_fn_with_state(app.clone(), guard::guard))
        .with_state(app)
}

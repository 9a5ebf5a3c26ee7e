//! Templates, words and formats that change while the daemon runs (`decisions.md` 34): read whole and checked
//! first; what is wrong leaves all as it was.

use super::engine::Kit;
use crate::core::Formats;
use crate::render::Renderer;
use crate::words::Words;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc, oneshot};

/// What was read anew.
pub struct Fresh {
    /// Templates.
    pub renderer: Renderer,
    /// Word lists.
    pub words: Words,
    /// Session formats.
    pub formats: Formats,
    /// What `next_due_at` is derived by with them.
    pub derivation: String,
}

impl Fresh {
    /// Puts it in the place of what a kit had; says what it is derived by now.
    pub(super) fn into_kit(self, kit: &mut Kit) -> String {
        kit.renderer = self.renderer;
        kit.words = self.words;
        kit.formats = self.formats;
        self.derivation
    }
}

/// Reads all of it anew, or says what is wrong with it, for a person.
pub type Reread = Arc<dyn Fn() -> Result<Fresh, String> + Send + Sync>;

/// Where the engine looks whether somebody asked, and answers.
pub struct Asked(mpsc::Receiver<oneshot::Sender<Result<(), String>>>);

impl Asked {
    pub(super) fn next(&mut self) -> Option<oneshot::Sender<Result<(), String>>> {
        self.0.try_recv().ok()
    }
}

/// Where to ask for it.
#[derive(Clone)]
pub struct Ask {
    whom: mpsc::Sender<oneshot::Sender<Result<(), String>>>,
    wake: Arc<Notify>,
}

impl Ask {
    /// The two ends. `wake` wakes the one who answers.
    pub fn channel(wake: Arc<Notify>) -> (Self, Asked) {
        let (whom, asked) = mpsc::channel(1);
        (Self { whom, wake }, Asked(asked))
    }

    /// Asks, and waits until it is done.
    ///
    /// # Errors
    /// What is wrong with the files, or that the daemon ends.
    pub async fn ask(&self) -> Result<(), String> {
        let (answer, said) = oneshot::channel();
        let ends = || "the daemon is ending".to_owned();
        self.whom.send(answer).await.map_err(|_| ends())?;
        self.wake.notify_one();
        said.await.unwrap_or_else(|_| Err(ends()))
    }
}

/// Asks at each hang-up (SIGHUP), until it is dropped. The log says what became of it.
pub async fn on_hangup(ask: Ask) {
    let Ok(mut hangup) = signal(SignalKind::hangup())
        .inspect_err(|error| tracing::warn!(%error, "SIGHUP can't be used: `codevd reload` does the same"))
    else {
        return;
    };
    while hangup.recv().await.is_some() {
        let _ = ask.ask().await;
    }
}

//! The daemon's slow tasks, minute by minute: mails in doubt are looked for in the Sent folder, and the operator is told
//! what is wrong.

use super::alarm::{Book, Operator, Teller, alarm_step};
use super::compose::Sender;
use super::doubt::doubt_step;
use super::ports::{Clock, Outgoing, SentMail, Shared};
use super::trouble::Health;
use crate::render::Renderer;
use std::time::Duration;
use tokio::sync::watch;

/// Time between two looks.
pub(crate) const EVERY: Duration = Duration::from_secs(60);

/// Asks the Sent folder, minute by minute; `done` is told when something was cleared up.
pub(super) async fn asking<S: SentMail, C: Clock>(
    store: Shared,
    mut sent: S,
    clock: C,
    done: impl Fn() + Send,
    mut stopping: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            step = doubt_step(&store, &mut sent, clock.now()) => match step {
                Ok(0) => {}
                Ok(mails) => {
                    tracing::info!(mails, "the Sent folder was asked about mails in doubt");
                    done();
                }
                Err(error) => tracing::warn!(%error, "the Sent folder can't be asked; it is tried again"),
            },
            _ = stopping.wait_for(|s| *s) => return,
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stopping.wait_for(|s| *s) => return,
        }
    }
}

/// What the operator is told with.
pub struct Bell<O> {
    /// Who is told; nobody where none is set: what is wrong is kept for `codevd status`.
    pub operator: Option<Operator>,
    /// A way out of its own.
    pub out: O,
    /// Templates.
    pub renderer: Renderer,
}

/// Looks at what is wrong and tells the operator.
pub(super) async fn alarming<O: Outgoing, C: Clock>(
    store: Shared,
    health: Health,
    (mut bell, sender): (Bell<O>, Sender),
    clock: C,
    mut stopping: watch::Receiver<bool>,
) {
    let mut book = Book::of(store.get().alarms().unwrap_or_default());
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stopping.wait_for(|s| *s) => return,
        }
        let Bell { operator, out, renderer } = &mut bell;
        let teller = operator.as_ref().map(|operator| Teller { operator, sender: &sender, renderer });
        tokio::select! {
            step = alarm_step(&store, &health, &mut book, (teller.as_ref(), out), clock.now()) => match step {
                Ok(0) => {}
                Ok(topics) => tracing::warn!(topics, "the operator was told by mail what is wrong"),
                Err(error) => tracing::error!(%error, "the operator can't be told what is wrong: see `codevd status`"),
            },
            _ = stopping.wait_for(|s| *s) => return,
        }
    }
}

//! The daemon's slow tasks: mails in doubt are looked for in the Sent folder, minute by minute.

use super::doubt::doubt_step;
use super::ports::{Clock, SentMail, Shared};
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

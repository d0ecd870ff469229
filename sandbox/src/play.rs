//! What tests get back when customers and agents act: a push to await, or the news that nothing came.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::content::Message;
use crate::courier::Outcome;

/// A push under way: await it for its outcome, or let it go.
pub struct Pushed {
    /// The bubble on the phone.
    pub message: Message,
    outcome: oneshot::Receiver<Outcome>,
}

impl Pushed {
    pub(crate) fn new(message: Message, outcome: oneshot::Receiver<Outcome>) -> Self {
        Self { message, outcome }
    }
}

impl Future for Pushed {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let outcome = Pin::new(&mut self.outcome).poll(cx);
        outcome.map(|outcome| outcome.unwrap_or_else(|_| Outcome::dropped("the sandbox stopped")))
    }
}

/// What was expected did not come.
#[derive(Debug, thiserror::Error)]
#[error("{who} waited {waited:?} for {expected}; heard instead: {heard:?}")]
pub struct Silence {
    /// Who waited.
    pub who: String,
    /// How long.
    pub waited: Duration,
    /// For what.
    pub expected: String,
    /// What came instead.
    pub heard: Vec<String>,
}

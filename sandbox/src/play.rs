//! What tests get back when customers and agents act: a push to await, or the news that nothing came.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::content::Message;
use crate::courier::Outcome;
use crate::world::World;

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

/// What one reader of a chat has heard so far. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Ear(Arc<AtomicU64>);

impl Ear {
    /// The next unheard message that fits; those before it count as heard.
    pub async fn hears(
        &self,
        world: &Arc<World>,
        who: String,
        expected: &str,
        incoming: impl Fn() -> Vec<Message> + Send + Sync + 'static,
        fits: impl Fn(&Message) -> bool + Send + 'static,
    ) -> Result<Message, Silence> {
        let (ear, incoming) = (self.clone(), Arc::new(incoming));
        let look = incoming.clone();
        let found = world.wait_for(world.patience, move || {
            let message = ear.unheard(look()).into_iter().find(|m| fits(m))?;
            ear.0.fetch_max(message.id, Ordering::SeqCst);
            Some(message)
        });
        found.await.ok_or_else(|| Silence {
            who,
            waited: world.patience,
            expected: expected.to_owned(),
            heard: self
                .unheard(incoming())
                .iter()
                .map(|m| format!("{:?}", m.content))
                .collect(),
        })
    }

    /// What came and was not heard yet.
    pub fn unheard(&self, incoming: Vec<Message>) -> Vec<Message> {
        let after = self.0.load(Ordering::SeqCst);
        incoming.into_iter().filter(|m| m.id > after).collect()
    }
}

//! Pulls: the intake of platforms that only say "there is something", and the repair of those whose callbacks are not
//! retried. One puller per topic; the cursor moves in the transaction that stores the page.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use metrics::counter;
use parking_lot::Mutex;

use super::{Engine, Side, contained};
use crate::{
    channel::{Channel, DeskThread, Pull, PullHint},
    message::InboxName,
    store::{CursorMove, Intake},
};

/// How long a node waits for another to be done with a topic, and for what a channel pulls as a matter of routine.
const WAIT: Duration = Duration::from_secs(30);
/// How often a node looks whether another is done with a topic.
const LOOK: Duration = Duration::from_millis(250);
/// Pages in one go; what is more comes with the next look.
const PAGES: usize = 1000;

/// How many times as long as a send one page may take.
const PATIENCE: u32 = 4;

/// Pulls at once, of all inboxes: a slow platform delays its own topics only.
const AT_ONCE: usize = 32;

/// Topics being pulled, and whether one was hinted at again meanwhile.
pub(super) type Pulling = Mutex<HashMap<(InboxName, String), Option<PullHint>>>;

impl Engine {
    pub(super) async fn pull_hinted(self: Arc<Self>) {
        let Some(mut hints) = self.hinted.lock().take() else {
            return;
        };
        let mut side = Side::new(AT_ONCE);
        loop {
            if side.room() == 0 {
                side.one_done().await;
                continue;
            }
            let Some((inbox, hint)) = self.unless_finished(hints.recv()).await.flatten() else {
                break;
            };
            if self.hinted_again(&inbox, &hint) {
                continue;
            }
            let engine = self.clone();
            side.start("", async move {
                engine.pull_until_quiet(&inbox, hint).await;
            });
        }
        side.finish().await;
    }

    /// Notes a hint of a topic that is being pulled: it is pulled once more. Whether it is.
    fn hinted_again(&self, inbox: &InboxName, hint: &PullHint) -> bool {
        let key = (inbox.clone(), hint.topic.clone());
        match self.pulling.lock().entry(key) {
            Entry::Occupied(mut running) => {
                running.insert(Some(hint.clone()));
                true
            }
            Entry::Vacant(free) => {
                free.insert(None);
                false
            }
        }
    }

    async fn pull_until_quiet(&self, inbox: &InboxName, mut hint: PullHint) {
        let key = (inbox.clone(), hint.topic.clone());
        loop {
            self.pull(inbox, &hint).await;
            let mut pulling = self.pulling.lock();
            match pulling.get_mut(&key).and_then(Option::take) {
                Some(again) if !self.finished.is_cancelled() => hint = again,
                _ => {
                    pulling.remove(&key);
                    return;
                }
            }
        }
    }

    /// One loop for each inbox, so that a dead one delays no other.
    pub(super) async fn pull_routinely(self: Arc<Self>) {
        let mut side = Side::new(usize::MAX);
        for (inbox, channel) in self.parts.channels.iter() {
            let Some(every) = channel.pull().map(Pull::every) else {
                continue;
            };
            let (engine, inbox, channel) = (self.clone(), inbox.clone(), channel.clone());
            side.start("", async move {
                // At once: a hint that was acknowledged may have died with the process that had it.
                while !engine.stop.is_cancelled() {
                    engine.routine(&inbox, &channel).await;
                    engine.wait_for(std::future::pending(), every).await;
                }
            });
        }
        side.finish().await;
    }

    async fn routine(&self, inbox: &InboxName, channel: &Arc<dyn Channel>) {
        let Some(pull) = channel.pull() else { return };
        let open = match self.open_at(inbox).await {
            Ok(open) => open,
            Err(error) => return tracing::warn!(%error, "cannot see the open threads"),
        };
        let hints = contained(async { pull.routine(&open) }, WAIT).await;
        for hint in hints.unwrap_or_default() {
            if self.stop.is_cancelled() {
                return;
            }
            if !self.hinted_again(inbox, &hint) {
                self.pull_until_quiet(inbox, hint).await;
            }
        }
    }

    /// The desk threads of an inbox that are open now.
    async fn open_at(
        &self,
        inbox: &InboxName,
    ) -> Result<Vec<DeskThread>, crate::store::StoreError> {
        let open = self.parts.store.open_threads().await?;
        let at = |thread: &crate::store::OpenThread| {
            let agent = self
                .parts
                .agents
                .get(&thread.agent)
                .filter(|agent| agent.inbox == *inbox)?;
            Some(thread.at(inbox, &agent.account))
        };
        Ok(open.iter().filter_map(at).flatten().collect())
    }

    /// One puller per topic on all nodes. Another node that has it may be at its last page already, so this one waits:
    /// what it was told of may have come after.
    async fn pull(&self, inbox: &InboxName, hint: &PullHint) {
        let key = format!("pull:{inbox}:{}", hint.topic);
        let began = self.parts.clock.now();
        while !self.hold_pull(&key).await {
            if self.finished.is_cancelled() || self.parts.clock.now().since(began) > WAIT {
                return;
            }
            self.pause(LOOK).await;
        }
        // A page that is given up is asked for again: the cursor stands where it was.
        let pulled = self.unless_finished(self.pull_pages(inbox, hint, &key));
        if let Some(Err(error)) = pulled.await {
            counter!("kefu_pull_errors_total", "inbox" => inbox.to_string()).increment(1);
            tracing::warn!(%inbox, topic = hint.topic, %error, "the pull failed");
        }
        let _ = self.parts.cache.release(&key, self.worker.as_str()).await;
    }

    /// How long a topic stays a node's that says nothing more; one that pulls says so again and again. Others look every
    /// [`LOOK`], and shall have it within a lease of a node's death.
    fn pull_lease(&self) -> Duration {
        self.parts.settings.lease * 9 / 10
    }

    /// Whether the topic is this node's for now. A cache out of reach lets several pull: that costs calls, no message.
    async fn hold_pull(&self, key: &str) -> bool {
        let (worker, lease) = (self.worker.as_str(), self.pull_lease());
        let held = self.parts.cache.hold(key, worker, lease);
        held.await.unwrap_or(true)
    }

    /// Keeps the topic this node's while it works.
    async fn holding<T>(&self, key: &str, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = self.parts.clock.sleep(self.pull_lease() / 3) => {
                    self.hold_pull(key).await;
                }
            }
        }
    }

    async fn pull_pages(
        &self,
        inbox: &InboxName,
        hint: &PullHint,
        key: &str,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let Some(pull) = self
            .parts
            .channels
            .get(inbox)
            .and_then(|channel| channel.pull())
        else {
            return Ok(());
        };
        for _ in 0..PAGES {
            let cursor = self.parts.store.cursor(inbox, &hint.topic).await?;
            let page = pull.pull(&hint.topic, hint.token.as_deref(), cursor.as_deref());
            let within = self.parts.settings.send_timeout * PATIENCE;
            let page = self.holding(key, contained(page, within)).await??;
            let moved = page.cursor.filter(|next| cursor.as_ref() != Some(next));
            let stuck = moved.is_none();
            let cursor = moved.map(|cursor| CursorMove {
                inbox: inbox.clone(),
                topic: hint.topic.clone(),
                cursor,
            });
            if cursor.is_some() || !page.arrivals.is_empty() {
                let entry = self.parts.settings.entry.clone();
                self.take_in(Intake {
                    arrivals: page.arrivals,
                    cursor,
                    entry,
                })
                .await?;
            }
            if !page.more || stuck || !self.hold_pull(key).await {
                break;
            }
        }
        Ok(())
    }
}

//! How a node goes: it takes up no work any more, finishes what is in its hands, and gives the rest to the others at once.
//! What comes in meanwhile is made durable still, so that nobody is turned away by a node that can listen; the others
//! are told to look at it.

use std::time::Duration;

use super::Engine;
use crate::broker::Notice;

/// Letting go of the last takes no longer.
const LAST: Duration = Duration::from_secs(1);

impl Engine {
    /// Takes no new work, finishes what is in hand, and hands back what is not done in time.
    pub async fn drain(&self, within: Duration) {
        self.wind_down(within).await;
        self.finish().await;
    }

    /// The first half: no work is taken up, and what is in hand is finished. What comes in meanwhile becomes durable.
    pub async fn wind_down(&self, within: Duration) {
        self.stop.cancel();
        self.leave_to_others();
        self.tasks.close();
        let finished = tokio::time::timeout(within, self.tasks.wait()).await;
        if finished.is_err() {
            tracing::warn!("not everything in hand was finished; leases hand it back");
        }
    }

    /// The other half, when nothing comes in any more.
    pub async fn finish(&self) {
        self.finished.cancel();
        self.last.close();
        self.leave_to_others();
        let last = async { tokio::join!(self.last.wait(), self.parts.broker.flush()) };
        if tokio::time::timeout(LAST, last).await.is_err() {
            tracing::debug!("other nodes may have to look for what this one left");
        }
    }

    /// Whether draining has begun.
    pub fn draining(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// What this node's own bells were rung for may be waiting: the others look.
    fn leave_to_others(&self) {
        for notice in [
            Notice::Arrivals,
            Notice::Dispatches,
            Notice::Errands,
            Notice::Deadlines,
            Notice::Desk,
        ] {
            self.parts.broker.publish(notice);
        }
    }

    /// Waits as long as there is anything to wait for: also while draining.
    pub(super) async fn pause(&self, span: Duration) {
        tokio::select! {
            () = self.parts.clock.sleep(span) => {}
            () = self.finished.cancelled() => {}
        }
    }

    /// What comes of work that may be broken off, unless this node ends first.
    pub(super) async fn unless_finished<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.finished.cancelled() => None,
        }
    }
}

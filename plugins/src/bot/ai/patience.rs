//! How long the assistant waits: until its time is over, until somebody is silent too long, or until the answer is not
//! wanted any more, whichever comes first. All by the bridge's clock.

use std::{future::Future, sync::Arc, time::Duration};

use bridge_core::{
    bot::Cancelled,
    clock::{Clock, Timestamp},
};

/// The limits of one question.
pub(super) struct Patience {
    clock: Arc<dyn Clock>,
    deadline: Timestamp,
    cancelled: Cancelled,
}

/// Why waiting ended before the work did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// The answer is not wanted any more.
    Cancelled,
    /// The time for the whole question is over.
    Late,
    /// Nothing was heard for too long.
    Silent,
}

impl Patience {
    pub(super) fn new(clock: Arc<dyn Clock>, span: Duration, cancelled: Cancelled) -> Self {
        let deadline = clock.now() + span;
        Self {
            clock,
            deadline,
            cancelled,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether the question will be asked again in the bridge's next life.
    pub(super) fn is_interrupted(&self) -> bool {
        self.cancelled.is_interrupted()
    }

    /// Waits for `work`, as long as the whole question may take.
    pub(super) async fn during<T>(&self, work: impl Future<Output = T>) -> Result<T, Over> {
        tokio::select! {
            biased;
            () = self.cancelled.wait() => Err(Over::Cancelled),
            done = work => Ok(done),
            () = self.clock.sleep_until(self.deadline) => Err(Over::Late),
        }
    }

    /// Waits for `work`, but not longer than `span`.
    pub(super) async fn within<T>(
        &self,
        span: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, Over> {
        let until = self.now() + span;
        tokio::select! {
            biased;
            done = self.during(work) => done,
            () = self.clock.sleep_until(until) => Err(Over::Silent),
        }
    }

    /// Lets `span` go by; refuses at once when it would not end in time.
    pub(super) async fn pause(&self, span: Duration) -> Result<(), Over> {
        let until = self.now() + span;
        if until >= self.deadline {
            return Err(Over::Late);
        }
        self.during(self.clock.sleep_until(until)).await
    }

    /// Waits for `work` that has to be done after all patience is gone, such as saying stop.
    pub(super) async fn last<T>(&self, span: Duration, work: impl Future<Output = T>) -> Option<T> {
        let until = self.now() + span;
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.clock.sleep_until(until) => None,
        }
    }
}

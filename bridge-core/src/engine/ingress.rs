//! Ingress: a callback is decoded, its arrivals are made durable, and only then is the platform answered.

use std::{ops::ControlFlow, sync::atomic::Ordering, time::Instant};

use super::{Engine, tidy::tidy};
use crate::{
    broker::Notice,
    chain::{Addressed, ChainError},
    channel::Ack,
    clock::Timestamp,
    message::{Arrival, ArrivalId, Author, Cue, ExternalId, ThreadKey, What},
    store::{Intake, StoreError},
};

/// Why a callback was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IngressError {
    /// It was refused; nothing is stored.
    #[error(transparent)]
    Refused(#[from] ChainError),
    /// It cannot be made durable now: the platform tries again.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The node is going down.
    #[error("this node is shutting down")]
    Draining,
    /// The node holds as much as it can.
    #[error("this node is full")]
    Full,
}

impl Engine {
    /// Takes one callback. Returns the platform's answer once everything in it is durable.
    pub async fn ingress(&self, addressed: Addressed) -> Result<Ack, IngressError> {
        Ok(self.take(addressed).await?.0)
    }

    /// The same, with the numbers of what was accepted: `None` for what was seen before.
    pub async fn take(
        &self,
        addressed: Addressed,
    ) -> Result<(Ack, Vec<Option<ArrivalId>>), IngressError> {
        let Some(_in_hand) = self.pressure.take(self.parts.settings.waiting_limit) else {
            return Err(IngressError::Full);
        };
        let inbox = addressed.inbox.clone();
        let decoded = match self.chain.decode.apply(addressed).await? {
            ControlFlow::Continue(decoded) => decoded,
            ControlFlow::Break(_) => return Ok((Ack::text("success"), Vec::new())),
        };
        let decoded_at = self.parts.clock.now();
        let mut arrivals = self.pass_by(decoded.arrivals).await;
        for arrival in &mut arrivals {
            // Mostly it took no millisecond, and a row that need not say so is the shorter for it.
            arrival.decoded_at = Some(decoded_at).filter(|at| *at != arrival.received_at);
        }
        let ids = match arrivals.is_empty() {
            true => Vec::new(),
            false => self.accept(arrivals).await?,
        };
        if let Some(hint) = decoded.pull {
            if self.finished.is_cancelled() {
                // Nobody would pull here any more.
                return Err(IngressError::Draining);
            }
            // A full channel drops it: the routine pulls find what it meant.
            let _ = self.hints.try_send((inbox, hint));
        }
        Ok((decoded.ack, ids))
    }

    /// Makes arrivals durable and wakes the turns.
    pub async fn accept(
        &self,
        arrivals: Vec<Arrival>,
    ) -> Result<Vec<Option<ArrivalId>>, StoreError> {
        self.take_in(Intake {
            arrivals,
            cursor: None,
            entry: self.parts.settings.entry.clone(),
        })
        .await
    }

    pub(super) async fn take_in(
        &self,
        mut intake: Intake,
    ) -> Result<Vec<Option<ArrivalId>>, StoreError> {
        intake.arrivals.iter_mut().for_each(tidy);
        self.name_agents(&mut intake.arrivals);
        let (meter, began) = (self.meters.by(&intake.arrivals), Instant::now());
        let ids = match self.hand_for(&intake) {
            Some(hand) => self.take_in_hand(intake, hand).await?,
            None => {
                let ids = self.parts.store.accept(intake).await?;
                self.accepted(&ids);
                ids
            }
        };
        if let Some(meter) = meter {
            meter.took(&ids, began.elapsed());
        }
        Ok(ids)
    }

    /// Something waits for its turn.
    pub(super) fn accepted(&self, ids: &[Option<ArrivalId>]) {
        for id in ids.iter().flatten() {
            tracing::debug!(trace = id.0, "accepted");
            self.notify(Notice::Arrivals);
        }
    }

    /// A cue for the conversation of a thread. `key` makes it the same cue when it is given again.
    pub(super) fn cue(&self, thread: &ThreadKey, key: impl Into<String>, cue: Cue) -> Arrival {
        let now = self.parts.clock.now();
        Arrival {
            inbox: thread.inbox.clone(),
            external_id: ExternalId::from(key.into()),
            peer: thread.peer.clone(),
            author: Author::System,
            what: What::Cue(cue),
            sent_at: now,
            received_at: now,
            decoded_at: None,
            trigger: None,
            profile: None,
        }
    }

    /// A key that no other cue has: for cues that may come more than once.
    pub(super) fn cue_key(&self, what: &str, now: Timestamp) -> String {
        format!(
            "{}:{what}:{}:{}",
            now.as_secs(),
            self.worker,
            self.cues.fetch_add(1, Ordering::Relaxed)
        )
    }
}

//! From step to step in the same hands. Where each step is a round trip (`Store::hands_over`), a node that is free turns
//! what it has accepted and sends what it has committed without asking the store for it again; and it wakes the others only
//! where it is busy itself. What a node that dies had in hand comes back by its lease, like everything that is taken.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Instant,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{Engine, EngineSettings};
use crate::{
    broker::Notice,
    message::ArrivalId,
    store::{Due, DueWhat, Intake, StoreError},
};

/// A turn that waits for a round trip needs no core: there may be so many times as many at once, which makes the round
/// trips larger and fewer.
const WAITING: usize = 4;

/// How many a node has.
pub(super) struct Hands {
    turns: Arc<Semaphore>,
    /// Dispatches at once.
    most: usize,
    /// In work: taken by the loop, and beside it.
    taken: AtomicUsize,
    beside: AtomicUsize,
}

impl Hands {
    pub(super) fn new(turns: usize, dispatches: usize) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(turns)),
            most: dispatches.max(1),
            taken: AtomicUsize::new(0),
            beside: AtomicUsize::new(0),
        }
    }

    /// One to turn with, as soon as one is free.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        self.turns.clone().acquire_owned().await.ok()
    }

    /// One to turn with, if one is free.
    fn free(&self) -> Option<OwnedSemaphorePermit> {
        self.turns.clone().try_acquire_owned().ok()
    }

    /// So many dispatches are in the loop's hands; how many others there are.
    pub(super) fn taken(&self, count: usize) -> usize {
        self.taken.store(count, Relaxed);
        self.beside.load(Relaxed)
    }

    /// Places for what a commit may bring. At most half are given away like this: the loop's shares for each inbox hold for
    /// the rest.
    fn places(self: &Arc<Self>, count: usize) -> Option<Places> {
        let before = self.beside.fetch_add(count, Relaxed);
        let places = Places {
            hands: self.clone(),
            count,
        };
        (count > 0 && before + self.taken.load(Relaxed) + count <= self.most / 2).then_some(places)
    }

    fn can_send(&self) -> bool {
        self.beside.load(Relaxed) + self.taken.load(Relaxed) < self.most
    }
}

/// Places for dispatches beside the loop's, until they are dropped.
pub(super) struct Places {
    hands: Arc<Hands>,
    count: usize,
}

impl Places {
    fn one(&mut self) -> Option<Self> {
        self.count = self.count.checked_sub(1)?;
        Some(Self {
            hands: self.hands.clone(),
            count: 1,
        })
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        self.hands.beside.fetch_sub(self.count, Relaxed);
    }
}

impl Engine {
    /// Turns at once.
    pub(super) fn turns_of(settings: &EngineSettings, hands_over: bool) -> usize {
        let times = if hands_over { WAITING } else { 1 };
        settings.turn_workers.max(1) * times
    }

    /// Whether this node alone will see to it soon: the others need not be woken.
    pub(super) fn sees_to(&self, notice: Notice) -> bool {
        self.parts.store.hands_over()
            && !self.draining()
            && match notice {
                Notice::Arrivals => {
                    self.pressure.is_calm() && self.hands.turns.available_permits() > 0
                }
                Notice::Dispatches => self.hands.can_send(),
                _ => false,
            }
    }

    /// A hand for the turn that an intake will want, if one is free and nobody waits to be accepted.
    pub(super) fn hand_for(&self, intake: &Intake) -> Option<OwnedSemaphorePermit> {
        let single = self.parts.store.hands_over() && intake.arrivals.len() == 1;
        (single && self.pressure.is_calm() && !self.draining())
            .then(|| self.hands.free())
            .flatten()
    }

    /// Makes an arrival durable and goes on with its turn. Whoever asked is answered between the two, and may go: the turn
    /// goes on.
    pub(super) async fn take_in_hand(
        &self,
        intake: Intake,
        hand: OwnedSemaphorePermit,
    ) -> Result<Vec<Option<ArrivalId>>, StoreError> {
        let Some(engine) = self.me.upgrade() else {
            return Err(StoreError::Unavailable("it is closed".to_owned()));
        };
        let (answer, answered) = oneshot::channel();
        self.beside(async move {
            let (store, lease) = (&engine.parts.store, engine.parts.settings.lease);
            match store.accept_in_hand(intake, &engine.worker, lease).await {
                Ok((ids, claim)) => {
                    if claim.is_none() {
                        engine.accepted(&ids);
                    }
                    let _ = answer.send(Ok(ids));
                    if let Some(claim) = claim {
                        engine.work(claim).await;
                    }
                }
                Err(error) => drop(answer.send(Err(error))),
            }
            drop(hand);
        });
        let gone = |_| StoreError::Unavailable("the turn broke off".to_owned());
        answered.await.map_err(gone)?
    }

    /// Places for so many dispatches, if a commit may be followed by them at once.
    pub(super) fn places(&self, count: usize) -> Option<Places> {
        match self.parts.store.hands_over() {
            true => self.hands.places(count),
            false => None,
        }
    }

    /// Sends what a commit that began then has handed over.
    pub(super) fn send_at_once(&self, taken: Vec<Due>, began: Instant, mut places: Places) {
        for Due { id, what } in taken {
            let DueWhat::Dispatch(dispatch) = what else {
                continue;
            };
            // Without an engine or a place its lease brings it back.
            let (Some(engine), Some(place)) = (self.me.upgrade(), places.one()) else {
                return;
            };
            let Some(hold) = self.hold(id, began) else {
                continue;
            };
            self.beside(async move {
                engine.deliver(hold, *dispatch).await;
                drop(place);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_half_are_sent_beside_the_loop() {
        let hands = Arc::new(Hands::new(1, 8));
        let mut three = hands.places(3).unwrap();
        assert!(hands.places(2).is_none(), "five are more than half");
        let one = three.one().unwrap();
        drop(three);
        assert_eq!(hands.taken(2), 1, "those that were not used are free again");
        assert!(hands.places(2).is_none(), "the loop's count, too");
        drop(one);
        assert_eq!(hands.taken(8), 0);
        assert!(!hands.can_send());
    }
}

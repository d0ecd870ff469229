//! Back-pressure: what a platform waits for goes before what is done later. While many callbacks wait to be made durable,
//! most turn workers stand back; a node that holds too much refuses at once, and the platform tries again or elsewhere.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use tokio::sync::Notify;

/// So many callbacks in hand at once mean a burst.
const BURST: usize = 32;
/// Turn workers that go on through a burst, so that it comes to an end for everybody.
const THROUGH: usize = 2;
/// Callbacks in hand at once; more are refused.
const IN_HAND: usize = 4096;

/// How much is being accepted, and how much waits.
#[derive(Default)]
pub(super) struct Pressure {
    accepting: AtomicUsize,
    waiting: AtomicU64,
    eased: Notify,
}

/// A callback in hand, until it is dropped.
pub(super) struct InHand<'a>(&'a Pressure);

impl Pressure {
    /// Takes a callback in hand, unless there are too many, or `most` arrivals wait for their turns already.
    pub(super) fn take(&self, most: u64) -> Option<InHand<'_>> {
        let before = self.accepting.fetch_add(1, Relaxed);
        let in_hand = InHand(self);
        (before < IN_HAND && self.waiting.load(Relaxed) < most).then_some(in_hand)
    }

    /// Whether turns need not stand back.
    pub(super) fn is_calm(&self) -> bool {
        self.accepting.load(Relaxed) < BURST
    }

    /// How many arrivals wait, as far as is known.
    pub(super) fn measured(&self, waiting: u64) {
        self.waiting.store(waiting, Relaxed);
    }

    /// Returns when the turn worker of this number may go on.
    pub(super) async fn stand_back(&self, number: usize) {
        while number >= THROUGH && self.accepting.load(Relaxed) >= BURST {
            let eased = self.eased.notified();
            if self.accepting.load(Relaxed) < BURST {
                return;
            }
            eased.await;
        }
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        if self.0.accepting.fetch_sub(1, Relaxed) == BURST {
            self.0.eased.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn most_workers_stand_back_during_a_burst_and_come_again() {
        let pressure = std::sync::Arc::new(Pressure::default());
        let mut burst: Vec<_> = (0..BURST).filter_map(|_| pressure.take(10)).collect();
        assert_eq!(burst.len(), BURST);
        pressure.stand_back(0).await;
        let third = {
            let pressure = pressure.clone();
            tokio::spawn(async move { pressure.stand_back(THROUGH).await })
        };
        tokio::task::yield_now().await;
        assert!(!third.is_finished());
        burst.pop();
        third.await.unwrap();
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let pressure = Pressure::default();
        let all: Vec<_> = (0..IN_HAND).filter_map(|_| pressure.take(10)).collect();
        assert_eq!(all.len(), IN_HAND);
        assert!(pressure.take(10).is_none(), "too many at once");
        drop(all);
        assert!(pressure.take(10).is_some());
        pressure.measured(10);
        assert!(pressure.take(10).is_none(), "too many wait");
    }
}

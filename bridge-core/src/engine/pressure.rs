//! Back-pressure: what a platform waits for goes before what is done later. While many callbacks wait to be made durable,
//! turns and sends stand back, all but a trickle; a node that holds too much refuses at once, and the platform tries again
//! or elsewhere.
//!
//! Standing back has an end: where callbacks are many because the disk is slow and not because there are too many of them,
//! turns are not what delays them.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// So many callbacks in hand at once mean a burst.
const BURST: usize = 32;
/// A burst is over when they have been fewer for so many milliseconds: whenever a group becomes durable, they are for a
/// moment.
const OVER: u64 = 25;
/// What is over after so many milliseconds was none: a moment's delay is not made longer for what comes after.
const RISE: u64 = 100;
/// How many milliseconds later work stands back at a stretch; then it has as long again.
const STRETCH: u64 = 10_000;
/// In a burst one turn, and a few sends, are begun each such time.
const TRICKLE: Duration = Duration::from_millis(10);
/// Callbacks in hand at once; more are refused.
const IN_HAND: usize = 4096;

/// How much is being accepted, and how much waits.
pub(super) struct Pressure {
    made: Instant,
    accepting: AtomicUsize,
    waiting: AtomicU64,
    /// When the last burst began, as [`Self::elapsed`] tells it.
    began: AtomicU64,
    /// When there were last as many as in a burst.
    last: AtomicU64,
}

impl Default for Pressure {
    fn default() -> Self {
        Self {
            made: Instant::now(),
            accepting: AtomicUsize::new(0),
            waiting: AtomicU64::new(0),
            began: AtomicU64::new(0),
            last: AtomicU64::new(0),
        }
    }
}

/// A callback in hand, until it is dropped.
pub(super) struct InHand<'a>(&'a Pressure);

impl Pressure {
    /// Takes a callback in hand, unless there are too many, or `most` arrivals wait for their turns already.
    pub(super) fn take(&self, most: u64) -> Option<InHand<'_>> {
        let before = self.accepting.fetch_add(1, Relaxed);
        if before + 1 >= BURST {
            self.crowded();
        }
        let in_hand = InHand(self);
        (before < IN_HAND && self.waiting.load(Relaxed) < most).then_some(in_hand)
    }

    /// Whether later work need not stand back.
    pub(super) fn is_calm(&self) -> bool {
        let now = self.elapsed();
        let lasts = now.saturating_sub(self.began.load(Relaxed));
        let is_over = now.saturating_sub(self.last.load(Relaxed)) >= OVER;
        is_over || lasts < RISE || (lasts / STRETCH) % 2 == 1
    }

    /// How many arrivals wait, as far as is known.
    pub(super) fn measured(&self, waiting: u64) {
        self.waiting.store(waiting, Relaxed);
    }

    /// Returns when the next of what goes on through a burst may begin.
    pub(super) async fn trickle(&self) {
        if !self.is_calm() {
            tokio::time::sleep(TRICKLE).await;
        }
    }

    /// Returns when all may go on.
    pub(super) async fn stand_back(&self) {
        while !self.is_calm() {
            tokio::time::sleep(Duration::from_millis(OVER)).await;
        }
    }

    fn crowded(&self) {
        let now = self.elapsed();
        let last = self.last.swap(now, Relaxed);
        if now.saturating_sub(last) >= OVER {
            self.began.store(now, Relaxed);
        }
    }

    /// Milliseconds since it was made, and since a burst before that which is over.
    fn elapsed(&self) -> u64 {
        u64::try_from(self.made.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .saturating_add(OVER)
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.0.accepting.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many callbacks in hand as in a burst, for so many milliseconds.
    fn lasting(milliseconds: u64) -> Pressure {
        Pressure {
            made: Instant::now() - Duration::from_millis(milliseconds),
            accepting: AtomicUsize::new(BURST),
            began: AtomicU64::new(OVER),
            last: AtomicU64::new(milliseconds + OVER),
            ..Pressure::default()
        }
    }

    #[tokio::test]
    async fn most_work_stands_back_during_a_burst_and_comes_again() {
        let pressure = std::sync::Arc::new(lasting(RISE));
        assert!(!pressure.is_calm());
        pressure.trickle().await;
        let others = {
            let pressure = pressure.clone();
            tokio::spawn(async move { pressure.stand_back().await })
        };
        tokio::task::yield_now().await;
        assert!(!others.is_finished());
        // Nobody is taken in hand any more: that is what ends it.
        others.await.unwrap();
    }

    #[test]
    fn a_moment_is_no_burst_and_one_without_end_leaves_room_for_the_rest() {
        let pressure = Pressure::default();
        let _in_hand: Vec<_> = (0..BURST).filter_map(|_| pressure.take(10)).collect();
        assert!(pressure.is_calm(), "they have only just come");
        assert!(lasting(RISE / 2).is_calm());
        assert!(!lasting(RISE).is_calm());
        assert!(!lasting(STRETCH / 2).is_calm());
        assert!(lasting(STRETCH + STRETCH / 2).is_calm());
        assert!(!lasting(STRETCH * 2 + STRETCH / 2).is_calm());
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

//! Back-pressure: what a platform waits for goes before what is done later. While many callbacks wait to be made durable,
//! turns stand back; when that lasts, they and sends come to a trickle. A node that holds too much refuses at once, and the
//! platform tries again or elsewhere (ADR 17).
//!
//! Standing back has an end: where callbacks are many because the disk is slow and not because there are too many of them,
//! turns are not what delays them.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

/// So many callbacks in hand at once are a crowd.
const CROWD: usize = 32;
/// Turn workers that go on beside a crowd.
const THROUGH: usize = 2;
/// A crowd that stays for so many milliseconds is a burst.
const RISE: u64 = 100;
/// It has gone when they have been fewer for so many milliseconds: whenever a group becomes durable, they are for a moment.
const OVER: u64 = 25;
/// How many milliseconds later work stands back at a stretch; then it has as long again.
const STRETCH: u64 = 10_000;
/// In a burst one turn, and a few sends, are begun each such time.
const TRICKLE: Duration = Duration::from_millis(10);
/// Callbacks in hand at once; more are refused.
const IN_HAND: usize = 4096;
/// A crowd that stays for so many milliseconds tells what this node can do: whoever would wait longer than a [`SLOT`] is
/// refused. Platforms wait two to five seconds, and those that try again find another node.
const KNOWN: u64 = 1000;
/// What was done is counted over so many milliseconds.
const SLOT: u64 = 500;

/// How much is being accepted, and how much waits.
pub(super) struct Pressure {
    made: Instant,
    accepting: AtomicUsize,
    waiting: AtomicU64,
    /// When the last crowd came, and when it was last seen, as [`Self::elapsed`] tells it.
    began: AtomicU64,
    last: AtomicU64,
    done: Done,
    eased: Notify,
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Calm,
    Crowd,
    Burst,
}

impl Default for Pressure {
    fn default() -> Self {
        Self {
            made: Instant::now(),
            accepting: AtomicUsize::new(0),
            waiting: AtomicU64::new(0),
            began: AtomicU64::new(0),
            last: AtomicU64::new(0),
            done: Done::default(),
            eased: Notify::new(),
        }
    }
}

/// A callback in hand, until it is dropped.
pub(super) struct InHand<'a> {
    pressure: &'a Pressure,
    is_taken: bool,
}

/// How many were done in this slot of time and in the one before.
#[derive(Default)]
struct Done {
    slot: AtomicU64,
    now: AtomicUsize,
    before: AtomicUsize,
}

impl Done {
    fn one(&self, now: u64) {
        self.turn(now / SLOT);
        self.now.fetch_add(1, Relaxed);
    }

    /// How many a slot has, the better of the two: this one is not over.
    fn each(&self, now: u64) -> usize {
        self.turn(now / SLOT);
        self.now.load(Relaxed).max(self.before.load(Relaxed))
    }

    /// Begins a slot, if it is another; one of all who notice does it.
    fn turn(&self, slot: u64) {
        let last = self.slot.load(Relaxed);
        let is_mine = || self.slot.compare_exchange(last, slot, Relaxed, Relaxed);
        if slot > last && is_mine().is_ok() {
            let done = self.now.swap(0, Relaxed);
            let before = if slot == last + 1 { done } else { 0 };
            self.before.store(before, Relaxed);
        }
    }
}

impl Pressure {
    /// Takes a callback in hand, unless there are too many, or `most` arrivals wait for their turns already.
    pub(super) fn take(&self, most: u64) -> Option<InHand<'_>> {
        let before = self.accepting.fetch_add(1, Relaxed);
        if before + 1 >= CROWD {
            self.crowded();
        }
        let mut in_hand = InHand {
            pressure: self,
            is_taken: false,
        };
        let room = self.room_at(self.elapsed());
        in_hand.is_taken = before < room && self.waiting.load(Relaxed) < most;
        in_hand.is_taken.then_some(in_hand)
    }

    /// Whether later work need not stand back.
    pub(super) fn is_calm(&self) -> bool {
        self.state() == State::Calm
    }

    /// Whether later work comes to a trickle.
    pub(super) fn is_burst(&self) -> bool {
        self.state() == State::Burst
    }

    /// How many arrivals wait, as far as is known.
    pub(super) fn measured(&self, waiting: u64) {
        self.waiting.store(waiting, Relaxed);
    }

    /// Returns when the next sends may begin.
    pub(super) async fn trickle(&self) {
        if self.is_burst() {
            tokio::time::sleep(TRICKLE).await;
        }
    }

    /// Returns when the turn worker of this number may go on.
    pub(super) async fn stand_back(&self, number: usize) {
        loop {
            let eased = self.eased.notified();
            match self.state() {
                State::Calm => return,
                State::Crowd if number < THROUGH => return,
                // Whichever it was, the next look tells.
                State::Crowd => drop(tokio::time::timeout(milliseconds(RISE), eased).await),
                State::Burst if number == 0 => return tokio::time::sleep(TRICKLE).await,
                State::Burst => tokio::time::sleep(milliseconds(OVER)).await,
            }
        }
    }

    fn state(&self) -> State {
        self.state_at(self.elapsed())
    }

    fn state_at(&self, now: u64) -> State {
        let since = |then: &AtomicU64| now.saturating_sub(then.load(Relaxed));
        let lasts = since(&self.began);
        if since(&self.last) >= OVER || (lasts / STRETCH) % 2 == 1 {
            State::Calm
        } else if lasts >= RISE {
            State::Burst
        } else if self.accepting.load(Relaxed) >= CROWD {
            State::Crowd
        } else {
            State::Calm
        }
    }

    /// Callbacks that may be in hand at once.
    fn room_at(&self, now: u64) -> usize {
        let since = |then: &AtomicU64| now.saturating_sub(then.load(Relaxed));
        let is_known = since(&self.last) < OVER && since(&self.began) >= KNOWN;
        match is_known {
            true => self.done.each(now).clamp(CROWD, IN_HAND),
            false => IN_HAND,
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
        if self.is_taken {
            self.pressure.done.one(self.pressure.elapsed());
        }
        if self.pressure.accepting.fetch_sub(1, Relaxed) == CROWD {
            self.pressure.eased.notify_waiters();
        }
    }
}

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A crowd that came a second ago and stays.
    fn crowded() -> Pressure {
        Pressure {
            made: Instant::now() - milliseconds(1000),
            accepting: AtomicUsize::new(CROWD),
            began: AtomicU64::new(OVER),
            last: AtomicU64::new(u64::MAX),
            ..Pressure::default()
        }
    }

    #[tokio::test]
    async fn most_workers_stand_back_from_a_crowd_and_come_again() {
        let pressure = std::sync::Arc::new(Pressure::default());
        let mut crowd: Vec<_> = (0..CROWD).filter_map(|_| pressure.take(10)).collect();
        pressure.stand_back(0).await;
        let third = {
            let pressure = pressure.clone();
            tokio::spawn(async move { pressure.stand_back(THROUGH).await })
        };
        tokio::task::yield_now().await;
        assert!(!third.is_finished());
        crowd.pop();
        third.await.unwrap();
    }

    #[tokio::test]
    async fn a_burst_leaves_a_trickle_and_is_over_when_nobody_comes() {
        let pressure = std::sync::Arc::new(crowded());
        assert!(pressure.is_burst());
        pressure.trickle().await;
        pressure.stand_back(0).await;
        let second = {
            let pressure = pressure.clone();
            tokio::spawn(async move { pressure.stand_back(1).await })
        };
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        pressure.last.store(0, Relaxed);
        second.await.unwrap();
    }

    #[test]
    fn a_moment_is_no_burst_and_one_without_end_leaves_room_for_the_rest() {
        assert_eq!(Pressure::default().state(), State::Calm);
        let lasting = |long| crowded().state_at(OVER + long);
        assert_eq!(lasting(RISE - 1), State::Crowd);
        assert_eq!(lasting(RISE), State::Burst);
        assert_eq!(lasting(STRETCH - 1), State::Burst);
        assert_eq!(lasting(STRETCH), State::Calm);
        assert_eq!(lasting(STRETCH * 2), State::Burst);
    }

    /// Of a crowd that stays as many are let in as are done within half a second.
    #[test]
    fn nobody_is_let_in_to_wait_for_long() {
        let pressure = crowded();
        assert_eq!(pressure.room_at(OVER + KNOWN - 1), IN_HAND, "a burst");
        assert_eq!(pressure.room_at(OVER + KNOWN), CROWD, "nothing moves");
        for at in [KNOWN; 300].into_iter().chain([KNOWN + SLOT; 100]) {
            pressure.done.one(at);
        }
        assert_eq!(pressure.room_at(OVER + KNOWN + SLOT), 300);
        assert_eq!(pressure.room_at(OVER + KNOWN + SLOT * 2), 100);
        assert_eq!(pressure.room_at(OVER + KNOWN + SLOT * 4), CROWD);
        pressure.last.store(0, Relaxed);
        assert_eq!(pressure.room_at(OVER + KNOWN + SLOT), IN_HAND, "it is over");
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

//! The sandbox's idea of now: the system's clock, or one that a test moves by hand.
//!
//! Tokens, allowances, dedupe windows and signatures ask this clock. How long the sandbox waits for an answer on a socket
//! is real time whatever this clock says.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where the platforms read the time. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::from_fn(SystemTime::now)
    }

    /// Any source of time, such as the clock of a test harness.
    pub fn from_fn(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// A clock that stands still at the present moment until its [`Hand`] is moved.
    pub fn by_hand() -> (Self, Hand) {
        let hand = Hand(Arc::new(AtomicI64::new(millis_of(SystemTime::now()))));
        let face = hand.clone();
        (Self::from_fn(move || face.time()), hand)
    }

    /// Unix milliseconds.
    pub fn millis(&self) -> i64 {
        millis_of((self.0)())
    }

    /// Unix seconds.
    pub fn seconds(&self) -> i64 {
        self.millis() / 1000
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({} ms)", self.millis())
    }
}

/// Moves the clock made by [`Clock::by_hand`].
#[derive(Clone, Debug)]
pub struct Hand(Arc<AtomicI64>);

impl Hand {
    /// Moves time forward.
    pub fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// Sets the time, in Unix milliseconds.
    pub fn set(&self, millis: i64) {
        self.0.store(millis, Ordering::SeqCst);
    }

    /// The time shown.
    pub fn time(&self) -> SystemTime {
        let millis = u64::try_from(self.0.load(Ordering::SeqCst)).unwrap_or(0);
        UNIX_EPOCH + Duration::from_millis(millis)
    }
}

fn millis_of(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_moves_its_clock_and_no_other() {
        let (clock, hand) = Clock::by_hand();
        let before = clock.millis();
        hand.advance(Duration::from_secs(7200));
        assert_eq!(clock.millis(), before + 7_200_000);
        hand.set(1_700_000_000_123);
        assert_eq!(clock.seconds(), 1_700_000_000);
    }
}

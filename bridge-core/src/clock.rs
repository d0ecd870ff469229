//! Time, so that tests can own it.

use std::{
    fmt,
    ops::{Add, Sub},
    time::Duration,
};

/// A point in time: milliseconds since the Unix epoch, UTC.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// A time that never comes.
    pub const NEVER: Self = Self(i64::MAX);

    /// From whole seconds since the epoch, as platforms send them; saturates.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Whole seconds since the epoch.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// How long after `earlier` this is; zero when it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// For showing and for calendars. `None` beyond the calendar's range.
    pub fn to_jiff(self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::from_millisecond(self.0).ok()
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_jiff() {
            Some(time) => write!(f, "{time:.3}"),
            None => f.write_str("never"),
        }
    }
}

/// Where "now" comes from, and how to wait for later.
#[async_trait::async_trait]
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
    /// Returns once `now()` is at or after `moment`.
    async fn sleep_until(&self, moment: Timestamp);
    /// Returns after so long, wherever the clock is set meanwhile.
    async fn sleep(&self, span: Duration) {
        self.sleep_until(self.now() + span).await;
    }
}

/// The machine's clock: UTC, in milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[cfg(feature = "engine")]
#[async_trait::async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    async fn sleep_until(&self, moment: Timestamp) {
        // In naps: a clock that was set forward is noticed after one.
        while self.now() < moment {
            let wait = moment.since(self.now()).min(Duration::from_secs(1));
            tokio::time::sleep(wait).await;
        }
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

/// A clock that stands still until a test moves it.
#[cfg(feature = "engine")]
#[derive(Debug)]
pub struct TestClock {
    times: tokio::sync::watch::Sender<Times>,
}

/// What it shows, and how long it has been running: who sets a clock changes only the one.
#[cfg(feature = "engine")]
#[derive(Debug, Clone, Copy)]
struct Times {
    now: Timestamp,
    ran: Duration,
}

#[cfg(feature = "engine")]
impl TestClock {
    /// A clock that stands at `now` until a test moves it.
    pub fn new(now: Timestamp) -> Self {
        let ran = Duration::ZERO;
        Self {
            times: tokio::sync::watch::Sender::new(Times { now, ran }),
        }
    }

    /// Moves time forward and wakes who waited for it.
    pub fn advance(&self, by: Duration) {
        self.times.send_modify(|times| {
            times.now = times.now + by;
            times.ran += by;
        });
    }

    /// Sets the clock, back or forward, as an operator or a time server does: no time passes.
    pub fn set(&self, now: Timestamp) {
        self.times.send_modify(|times| times.now = now);
    }
}

#[cfg(feature = "engine")]
impl Default for TestClock {
    /// Thursday 2026-01-01 10:00 in Shanghai: within ordinary working hours.
    fn default() -> Self {
        Self::new(Timestamp::from_secs(1_767_232_800))
    }
}

#[cfg(feature = "engine")]
#[async_trait::async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.times.borrow().now
    }

    async fn sleep_until(&self, moment: Timestamp) {
        let mut watch = self.times.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = watch.wait_for(|times| times.now >= moment).await;
    }

    async fn sleep(&self, span: Duration) {
        let end = self.times.borrow().ran + span;
        let mut watch = self.times.subscribe();
        let _ = watch.wait_for(|times| times.ran >= end).await;
    }
}

#[cfg(all(test, feature = "engine"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_clock_that_is_set_back_keeps_nobody_asleep() {
        let clock = TestClock::default();
        let nap = clock.sleep(Duration::from_secs(5));
        let (nap, waker) = (std::pin::pin!(nap), std::task::Waker::noop());
        let mut nap = nap;
        let mut context = std::task::Context::from_waker(waker);
        assert!(nap.as_mut().poll(&mut context).is_pending());
        clock.set(clock.now() - Duration::from_secs(3600));
        assert!(nap.as_mut().poll(&mut context).is_pending());
        clock.advance(Duration::from_secs(5));
        nap.await;
    }
}

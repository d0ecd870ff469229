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
}

/// The machine's clock.
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
        // A day at most: tokio's timer is bounded, and the loop makes clock jumps harmless.
        while self.now() < moment {
            let wait = moment.since(self.now()).min(Duration::from_secs(86_400));
            tokio::time::sleep(wait).await;
        }
    }
}

/// A clock that stands still until a test moves it.
#[cfg(feature = "engine")]
#[derive(Debug)]
pub struct TestClock {
    now: tokio::sync::watch::Sender<Timestamp>,
}

#[cfg(feature = "engine")]
impl TestClock {
    /// Starts at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now: tokio::sync::watch::Sender::new(now),
        }
    }

    /// Moves time forward and wakes who waited for it.
    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now = *now + by);
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
        *self.now.borrow()
    }

    async fn sleep_until(&self, moment: Timestamp) {
        let mut watch = self.now.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = watch.wait_for(|now| *now >= moment).await;
    }
}

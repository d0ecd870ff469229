//! Short-lived facts that nodes share and that may be lost: access tokens, presence, rates.

use std::time::Duration;

use async_trait::async_trait;

use crate::health::Health;

/// Short-lived shared facts. Every method is one atomic step.
#[async_trait]
pub trait Cache: Send + Sync {
    /// The value, if it is there and has not expired.
    async fn get(&self, key: &str) -> Result<Option<String>, CacheError>;
    /// The values of several, in the order of their keys.
    async fn get_all(&self, keys: &[String]) -> Result<Vec<Option<String>>, CacheError> {
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            values.push(self.get(key).await?);
        }
        Ok(values)
    }
    /// Sets it for so long.
    async fn put(&self, key: &str, value: &str, ttl: Duration) -> Result<(), CacheError>;
    /// Removes it only if it still has this value: compare-and-expire.
    async fn remove_if(&self, key: &str, value: &str) -> Result<bool, CacheError>;
    /// True for exactly one caller until the time is over or that caller lets go.
    async fn hold(&self, key: &str, owner: &str, ttl: Duration) -> Result<bool, CacheError>;
    /// Lets go of what `owner` holds.
    async fn release(&self, key: &str, owner: &str) -> Result<(), CacheError>;
    /// Adds to a counter that expires so long after its first increment; the new value.
    async fn add(&self, key: &str, by: i64, ttl: Duration) -> Result<i64, CacheError>;

    /// Asks for the next turn at what `key` names; turns are given out in the order they are asked for, at `pace`.
    /// What a caller wants who waits for its turn is [`crate::rate::RateLimiter`].
    async fn admit(&self, key: &str, pace: &Pace) -> Result<Admission, CacheError> {
        let _ = (key, pace);
        Err(CacheError("this cache keeps no pace".to_owned()))
    }

    /// Counts one more at what `key` names, if no more than `window` allows were counted in the span that ends now: a
    /// window that slides, so that no two of its edges lie next to each other.
    async fn count(&self, key: &str, window: &Window) -> Result<Admission, CacheError> {
        let _ = (key, window);
        Err(CacheError("this cache keeps no windows".to_owned()))
    }

    /// Whether several nodes see the same. What a node could as well keep to itself is not worth keeping where they do not.
    fn shared(&self) -> bool {
        false
    }

    /// Puts an entry at the end of a list; of all there are only the last stay.
    async fn append(&self, key: &str, entry: &str, bounds: Bounds) -> Result<(), CacheError> {
        let _ = (key, entry, bounds);
        Err(no_lists())
    }

    /// Begins a list anew with this entry alone, whatever it was.
    async fn restart(&self, key: &str, entry: &str, bounds: Bounds) -> Result<(), CacheError> {
        let _ = (key, entry, bounds);
        Err(no_lists())
    }

    /// The entries of a list, oldest first; none where there is no such list.
    async fn list(&self, key: &str) -> Result<Vec<String>, CacheError> {
        let _ = key;
        Err(no_lists())
    }

    /// Removes a list.
    async fn drop_list(&self, key: &str) -> Result<(), CacheError> {
        let _ = key;
        Err(no_lists())
    }

    /// Whether it works now. Answers within half a second.
    async fn health(&self) -> Health {
        Health::up("")
    }
}

fn no_lists() -> CacheError {
    CacheError("this cache keeps no lists".to_owned())
}

/// How much of a list is kept, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The most entries; at least one is kept.
    pub keep: usize,
    /// How long the list stays when nothing is added any more.
    pub ttl: Duration,
}

/// How fast turns are given out. Steps and spans count in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The time between two turns.
    pub every: Duration,
    /// How far ahead of that a burst may run.
    pub ahead: Duration,
    /// How long this caller would wait; a turn further away is not taken.
    pub patience: Duration,
}

/// How much is let through a window that slides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// In whichever span of this length. Counted in microseconds.
    pub span: Duration,
    /// At most so many; at least one is.
    pub most: u32,
}

/// The answer to whoever asked for a turn, or to be counted: who is counted is let through at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The turn is the caller's: after so long, zero for now.
    Granted {
        /// How long until then.
        after: Duration,
    },
    /// Nothing was taken: it is further away than the caller's patience, or the window is full.
    Refused {
        /// When asking again might do, if nobody else asks.
        again: Duration,
    },
}

/// The cache is out of reach. What it kept is losable: carry on without.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cache: {0}")]
pub struct CacheError(pub String);

mod memory;
mod pace;
pub use memory::MemoryCache;
pub(crate) use pace::Turns;

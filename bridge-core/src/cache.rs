//! Short-lived facts that nodes share and that may be lost: access tokens, presence, rate counters.

use std::time::Duration;

use async_trait::async_trait;

/// Short-lived shared facts. Every method is one atomic step.
#[async_trait]
pub trait Cache: Send + Sync {
    /// The value, if it is there and has not expired.
    async fn get(&self, key: &str) -> Result<Option<String>, CacheError>;
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
}

/// The cache is out of reach. What it kept is losable: carry on without.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cache: {0}")]
pub struct CacheError(pub String);

mod memory;
pub use memory::MemoryCache;

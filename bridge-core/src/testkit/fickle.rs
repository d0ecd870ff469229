//! A cache in several moods.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::{
    cache::{Admission, Bounds, Cache, CacheError, MemoryCache, Pace, Window},
    clock::Clock,
};

/// What a cache answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    /// All is well.
    #[default]
    Fair,
    /// It is away, and says so at once.
    Refused,
    /// It never answers.
    Silent,
    /// It takes nothing, and answers what it is asked for.
    Full,
}

/// A cache that says that nodes share it, and may be away.
pub struct FickleCache {
    memory: MemoryCache,
    mood: Mutex<Mood>,
    admissions: AtomicUsize,
}

impl FickleCache {
    /// An empty cache in a fair mood.
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            memory: MemoryCache::new(clock),
            mood: Mutex::default(),
            admissions: AtomicUsize::new(0),
        })
    }

    /// From now on it is like this.
    pub fn is(&self, mood: Mood) {
        *self.mood.lock() = mood;
    }

    /// How often it was asked for a turn.
    pub fn admissions(&self) -> usize {
        self.admissions.load(Relaxed)
    }

    async fn answers(&self) -> Result<&MemoryCache, CacheError> {
        let mood = *self.mood.lock();
        match mood {
            Mood::Fair | Mood::Full => Ok(&self.memory),
            Mood::Refused => Err(CacheError("refused".to_owned())),
            Mood::Silent => std::future::pending().await,
        }
    }

    async fn takes(&self) -> Result<&MemoryCache, CacheError> {
        let memory = self.answers().await?;
        match *self.mood.lock() {
            Mood::Full => Err(CacheError("full".to_owned())),
            _ => Ok(memory),
        }
    }
}

#[async_trait]
impl Cache for FickleCache {
    async fn get(&self, key: &str) -> Result<Option<String>, CacheError> {
        self.answers().await?.get(key).await
    }

    async fn put(&self, key: &str, value: &str, ttl: Duration) -> Result<(), CacheError> {
        self.takes().await?.put(key, value, ttl).await
    }

    async fn remove_if(&self, key: &str, value: &str) -> Result<bool, CacheError> {
        self.takes().await?.remove_if(key, value).await
    }

    async fn hold(&self, key: &str, owner: &str, ttl: Duration) -> Result<bool, CacheError> {
        self.takes().await?.hold(key, owner, ttl).await
    }

    async fn release(&self, key: &str, owner: &str) -> Result<(), CacheError> {
        self.takes().await?.release(key, owner).await
    }

    async fn add(&self, key: &str, by: i64, ttl: Duration) -> Result<i64, CacheError> {
        self.takes().await?.add(key, by, ttl).await
    }

    async fn admit(&self, key: &str, pace: &Pace) -> Result<Admission, CacheError> {
        self.admissions.fetch_add(1, Relaxed);
        self.takes().await?.admit(key, pace).await
    }

    async fn count(&self, key: &str, window: &Window) -> Result<Admission, CacheError> {
        self.takes().await?.count(key, window).await
    }

    fn shared(&self) -> bool {
        true
    }

    async fn append(&self, key: &str, entry: &str, bounds: Bounds) -> Result<(), CacheError> {
        self.takes().await?.append(key, entry, bounds).await
    }

    async fn restart(&self, key: &str, entry: &str, bounds: Bounds) -> Result<(), CacheError> {
        self.takes().await?.restart(key, entry, bounds).await
    }

    async fn list(&self, key: &str) -> Result<Vec<String>, CacheError> {
        self.answers().await?.list(key).await
    }

    async fn drop_list(&self, key: &str) -> Result<(), CacheError> {
        self.takes().await?.drop_list(key).await
    }
}

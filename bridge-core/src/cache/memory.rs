//! The cache of one process.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::{Admission, Bounds, Cache, CacheError, Pace, Turns};
use crate::{
    clock::{Clock, Timestamp},
    health::Health,
};

/// When the map is swept of what has expired.
const SWEEP_AT: usize = 4096;

/// The cache of one process: a map with expiry times.
pub struct MemoryCache {
    clock: Arc<dyn Clock>,
    entries: Mutex<HashMap<String, (String, Timestamp)>>,
    lists: Mutex<HashMap<String, (VecDeque<String>, Timestamp)>>,
}

impl MemoryCache {
    /// An empty cache.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            entries: Mutex::default(),
            lists: Mutex::default(),
        }
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&mut HashMap<String, (String, Timestamp)>, Timestamp) -> T,
    ) -> T {
        let now = self.clock.now();
        let mut entries = self.entries.lock();
        if entries.len() >= SWEEP_AT {
            entries.retain(|_, (_, until)| *until > now);
        }
        work(&mut entries, now)
    }
}

fn fresh_list() -> (VecDeque<String>, Timestamp) {
    (VecDeque::new(), Timestamp(0))
}

fn live(entry: Option<&(String, Timestamp)>, now: Timestamp) -> Option<&str> {
    entry
        .filter(|(_, until)| *until > now)
        .map(|(value, _)| value.as_str())
}

#[async_trait]
impl Cache for MemoryCache {
    async fn get(&self, key: &str) -> Result<Option<String>, CacheError> {
        Ok(self.with(|entries, now| live(entries.get(key), now).map(str::to_owned)))
    }

    async fn put(&self, key: &str, value: &str, ttl: Duration) -> Result<(), CacheError> {
        self.with(|entries, now| entries.insert(key.to_owned(), (value.to_owned(), now + ttl)));
        Ok(())
    }

    async fn remove_if(&self, key: &str, value: &str) -> Result<bool, CacheError> {
        Ok(self.with(|entries, now| {
            let same = live(entries.get(key), now) == Some(value);
            if same {
                entries.remove(key);
            }
            same
        }))
    }

    async fn hold(&self, key: &str, owner: &str, ttl: Duration) -> Result<bool, CacheError> {
        Ok(self.with(|entries, now| match live(entries.get(key), now) {
            Some(holder) if holder != owner => false,
            _ => {
                entries.insert(key.to_owned(), (owner.to_owned(), now + ttl));
                true
            }
        }))
    }

    async fn release(&self, key: &str, owner: &str) -> Result<(), CacheError> {
        self.remove_if(key, owner).await.map(drop)
    }

    async fn add(&self, key: &str, by: i64, ttl: Duration) -> Result<i64, CacheError> {
        Ok(self.with(|entries, now| {
            let (count, until) = match entries.get(key) {
                Some((value, until)) if *until > now => (value.parse::<i64>().unwrap_or(0), *until),
                _ => (0, now + ttl),
            };
            let count = count.saturating_add(by);
            entries.insert(key.to_owned(), (count.to_string(), until));
            count
        }))
    }

    async fn admit(&self, key: &str, pace: &Pace) -> Result<Admission, CacheError> {
        Ok(self.with(|entries, now| {
            let given = live(entries.get(key), now).and_then(|given| given.parse().ok());
            let now = now.0.saturating_mul(1000);
            let (admission, turns) = Turns(given.unwrap_or(now)).ask(now, pace);
            // Turns of the past say nothing: the entry may go when they are over.
            let until = Timestamp(turns.0.div_euclid(1000) + 1);
            entries.insert(key.to_owned(), (turns.0.to_string(), until));
            admission
        }))
    }

    async fn append(&self, key: &str, entry: &str, bounds: Bounds) -> Result<(), CacheError> {
        let now = self.clock.now();
        let mut lists = self.lists.lock();
        if lists.len() >= SWEEP_AT {
            lists.retain(|_, (_, until)| *until > now);
        }
        let (list, until) = lists.entry(key.to_owned()).or_insert_with(fresh_list);
        if *until <= now {
            list.clear();
        }
        list.push_back(entry.to_owned());
        let surplus = list.len().saturating_sub(bounds.keep.max(1));
        list.drain(..surplus);
        *until = now + bounds.ttl;
        Ok(())
    }

    async fn restart(&self, key: &str, entry: &str, bounds: Bounds) -> Result<(), CacheError> {
        let until = self.clock.now() + bounds.ttl;
        let list = VecDeque::from([entry.to_owned()]);
        self.lists.lock().insert(key.to_owned(), (list, until));
        Ok(())
    }

    async fn list(&self, key: &str) -> Result<Vec<String>, CacheError> {
        let now = self.clock.now();
        let lists = self.lists.lock();
        let list = lists.get(key).filter(|(_, until)| *until > now);
        Ok(list.map_or_else(Vec::new, |(list, _)| list.iter().cloned().collect()))
    }

    async fn drop_list(&self, key: &str) -> Result<(), CacheError> {
        self.lists.lock().remove(key);
        Ok(())
    }

    async fn health(&self) -> Health {
        Health::up("memory")
    }
}

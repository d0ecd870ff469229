//! The cache of one process.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::{Admission, Bounds, Cache, CacheError, Pace, Turns, Window};
use crate::{
    clock::{Clock, Timestamp},
    health::Health,
};

/// When a map is swept of what has expired, at the least.
const SWEEP_AT: usize = 4096;

/// A map with expiry times. It is swept when it has doubled: what lives in it costs nobody a look at every call.
struct Expiring<T> {
    entries: HashMap<String, (T, Timestamp)>,
    sweep_at: usize,
}

impl<T> Default for Expiring<T> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            sweep_at: SWEEP_AT,
        }
    }
}

impl<T> Expiring<T> {
    /// The entries, swept where that is due.
    fn swept(&mut self, now: Timestamp) -> &mut HashMap<String, (T, Timestamp)> {
        if self.entries.len() >= self.sweep_at {
            self.entries.retain(|_, (_, until)| *until > now);
            self.sweep_at = (self.entries.len() * 2).max(SWEEP_AT);
        }
        &mut self.entries
    }
}

/// The cache of one process: a map with expiry times.
pub struct MemoryCache {
    clock: Arc<dyn Clock>,
    entries: Mutex<Expiring<String>>,
    lists: Mutex<Expiring<VecDeque<String>>>,
    /// When those were let through that each window remembers, oldest first.
    windows: Mutex<Expiring<VecDeque<Timestamp>>>,
}

impl MemoryCache {
    /// An empty cache.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            entries: Mutex::default(),
            lists: Mutex::default(),
            windows: Mutex::default(),
        }
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&mut HashMap<String, (String, Timestamp)>, Timestamp) -> T,
    ) -> T {
        let now = self.clock.now();
        work(self.entries.lock().swept(now), now)
    }
}

fn fresh_list<T>() -> (VecDeque<T>, Timestamp) {
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

    async fn count(&self, key: &str, window: &Window) -> Result<Admission, CacheError> {
        let now = self.clock.now();
        let mut windows = self.windows.lock();
        let windows = windows.swept(now);
        let (counted, until) = windows.entry(key.to_owned()).or_insert_with(fresh_list);
        // Who was counted later than now was so before the clock was set back.
        counted.retain(|at| *at <= now && *at + window.span > now);
        if counted.len() >= window.most.max(1) as usize {
            let oldest = counted.front().copied().unwrap_or(now);
            let again = (oldest + window.span).since(now);
            return Ok(Admission::Refused { again });
        }
        counted.push_back(now);
        *until = now + window.span;
        let after = Duration::ZERO;
        Ok(Admission::Granted { after })
    }

    async fn append(&self, key: &str, entry: &str, bounds: Bounds) -> Result<(), CacheError> {
        let now = self.clock.now();
        let mut lists = self.lists.lock();
        let lists = lists.swept(now);
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
        self.lists
            .lock()
            .entries
            .insert(key.to_owned(), (list, until));
        Ok(())
    }

    async fn list(&self, key: &str) -> Result<Vec<String>, CacheError> {
        let now = self.clock.now();
        let lists = self.lists.lock();
        let list = lists.entries.get(key).filter(|(_, until)| *until > now);
        Ok(list.map_or_else(Vec::new, |(list, _)| list.iter().cloned().collect()))
    }

    async fn drop_list(&self, key: &str) -> Result<(), CacheError> {
        self.lists.lock().entries.remove(key);
        Ok(())
    }

    async fn health(&self) -> Health {
        Health::up("memory")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lives_is_not_looked_through_at_every_call_and_what_is_over_goes() {
        let mut map = Expiring::default();
        let mut sweeps = 0;
        for number in 0..100_000_i64 {
            let before = map.sweep_at;
            // Each lives while fifty thousand more come.
            let until = Timestamp(number + 50_000);
            let entries = map.swept(Timestamp(number));
            entries.insert(number.to_string(), ((), until));
            sweeps += usize::from(map.sweep_at != before);
        }
        assert!(sweeps < 20, "{sweeps}");
        assert!(map.entries.len() <= 100_000, "{}", map.entries.len());
        map.swept(Timestamp(200_000));
        map.sweep_at = 0;
        assert!(map.swept(Timestamp(200_000)).is_empty());
    }
}

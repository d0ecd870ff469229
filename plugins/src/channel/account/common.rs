//! What all nodes have in common and one of them fetches at a time: an account's access token (WeChat: 4.1, WeCom: 5.1) and
//! its tickets (WeCom: 5.6). The cache has it for all. Each node remembers it as well, for when the cache is out of reach, or
//! forgets: what a platform gives out only so often a day is not asked for at every call.

use std::{collections::BTreeMap, pin::pin, sync::Arc, time::Duration};

use bridge_core::{
    cache::Cache,
    channel::{ChannelError, ChannelErrorKind},
    clock::{Clock, Timestamp},
    error::Remedy,
    plugin::Tools,
};
use parking_lot::Mutex;

/// It is renewed this long before it ends: platforms keep the old one alive as long.
pub(super) const EARLY: Duration = Duration::from_secs(300);
/// How long what the cache had is good for after it was seen there: it leaves the cache [`EARLY`].
const SEEN: Duration = Duration::from_secs(EARLY.as_secs() / 2);
/// Who fetches says so this often at least; a node that died doing it keeps the others waiting no longer.
const HELD: Duration = Duration::from_secs(5);
/// How often those look whether it is there.
const LOOK: Duration = Duration::from_millis(100);
/// How long somebody waits for another's fetch, and how long a fetch may take: together less than a send, which would
/// otherwise be cut off and taken for one that may have reached the platform.
const PATIENCE: Patience = Patience {
    wait: Duration::from_secs(5),
    fetch: Duration::from_secs(7),
};

#[derive(Clone, Copy)]
struct Patience {
    wait: Duration,
    fetch: Duration,
}

/// What was fetched, and how long it lives.
pub(super) type Fetched = (String, Duration);

/// What is fetched once for all.
pub(super) struct Common {
    cache: Arc<dyn Cache>,
    clock: Arc<dyn Clock>,
    /// This process, for what one of all nodes does.
    owner: String,
    /// By key.
    known: Mutex<BTreeMap<String, Known>>,
    patience: Patience,
    /// One fetch at a time in this process; across processes the cache's lock.
    fetching: tokio::sync::Mutex<()>,
}

/// What this node knows by itself.
struct Known {
    value: String,
    until: Timestamp,
    /// It was fetched here: `until` is the end that was told, and holds even where the cache says there is none.
    ours: bool,
}

impl Common {
    pub(super) fn new(tools: &Tools) -> Self {
        Self {
            cache: tools.cache.clone(),
            clock: tools.clock.clone(),
            owner: uuid::Uuid::now_v7().to_string(),
            known: Mutex::default(),
            patience: PATIENCE,
            fetching: tokio::sync::Mutex::default(),
        }
    }

    /// What is good as far as anybody knows.
    pub(super) async fn get(
        &self,
        key: &str,
        fetch: impl AsyncFnOnce() -> Result<Fetched, ChannelError>,
    ) -> Result<String, ChannelError> {
        match self.found(key).await {
            Some(value) => Ok(value),
            None => self.one_fetches(key, false, fetch).await,
        }
    }

    /// Fetches even where there is one, unless another node is at it already.
    pub(super) async fn anew(
        &self,
        key: &str,
        fetch: impl AsyncFnOnce() -> Result<Fetched, ChannelError>,
    ) -> Result<String, ChannelError> {
        self.one_fetches(key, true, fetch).await
    }

    /// This one is not good any more; a later one stays.
    pub(super) async fn forget(&self, key: &str, value: &str) {
        // A cache out of reach only means that every node finds out by itself.
        let _ = self.cache.remove_if(key, value).await;
        let mut known = self.known.lock();
        if known.get(key).is_some_and(|known| known.value == value) {
            known.remove(key);
        }
    }

    async fn found(&self, key: &str) -> Option<String> {
        let cached = self.cache.get(key).await;
        let now = self.clock.now();
        let mut known = self.known.lock();
        match cached {
            Ok(Some(value)) => {
                let same = known
                    .get(key)
                    .is_some_and(|known| known.ours && known.value == value);
                if !same {
                    let (value, until) = (value.clone(), now + SEEN);
                    let ours = false;
                    known.insert(key.to_owned(), Known { value, until, ours });
                }
                Some(value)
            }
            gone => {
                let known = known.get(key).filter(|known| known.until > now);
                let known = known.filter(|known| known.ours || gone.is_err());
                known.map(|known| known.value.clone())
            }
        }
    }

    /// Fetches where no other node does; else takes what that one got. A cache out of reach means that each node fetches
    /// for itself: the platform gives all the same.
    async fn one_fetches(
        &self,
        key: &str,
        anew: bool,
        fetch: impl AsyncFnOnce() -> Result<Fetched, ChannelError>,
    ) -> Result<String, ChannelError> {
        let lock = format!("fetch:{key}");
        let turn = tokio::time::timeout(self.patience.wait, async {
            let one = self.fetching.lock().await;
            while !self.hold(&lock).await {
                self.clock.sleep(LOOK).await;
                if let Some(value) = self.found(key).await {
                    return Err(value);
                }
            }
            Ok(one)
        });
        let _one = match turn.await {
            Ok(Ok(one)) => one,
            Ok(Err(value)) => return Ok(value),
            Err(_) => return Err(another_is_at_it()),
        };
        // It may have come between the last look and the lock.
        let found = if anew { None } else { self.found(key).await };
        let value = match found {
            Some(value) => Ok(value),
            None => self.fetch(key, &lock, fetch).await,
        };
        let _ = self.cache.release(&lock, &self.owner).await;
        value
    }

    async fn hold(&self, lock: &str) -> bool {
        let held = self.cache.hold(lock, &self.owner, HELD).await;
        held.unwrap_or(true)
    }

    async fn fetch(
        &self,
        key: &str,
        lock: &str,
        fetch: impl AsyncFnOnce() -> Result<Fetched, ChannelError>,
    ) -> Result<String, ChannelError> {
        let mut fetched = pin!(tokio::time::timeout(self.patience.fetch, fetch()));
        let fetched = loop {
            tokio::select! {
                fetched = &mut fetched => break fetched,
                () = self.clock.sleep(HELD / 3) => drop(self.hold(lock).await),
            }
        };
        let (value, life) = fetched.unwrap_or_else(|_| Err(self.no_answer()))?;
        let ttl = life.saturating_sub(EARLY);
        let ttl = ttl.max(Duration::from_secs(30).min(life));
        let known = Known {
            value: value.clone(),
            until: self.clock.now() + ttl,
            ours: true,
        };
        self.known.lock().insert(key.to_owned(), known);
        if let Err(error) = self.cache.put(key, &value, ttl).await {
            tracing::warn!(%error, "what was fetched for all nodes is not shared");
        }
        Ok(value)
    }

    /// Nothing has been sent yet.
    fn no_answer(&self) -> ChannelError {
        let detail = format!(
            "no answer within {:?} to what this call needs",
            self.patience.fetch
        );
        ChannelError::network(Remedy::retry_secs(1), detail)
    }
}

/// It waits its turn, and loses no try for it.
fn another_is_at_it() -> ChannelError {
    ChannelError::new(
        ChannelErrorKind::Busy,
        Remedy::retry_secs(1),
        "somebody else is fetching what this call needs",
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bridge_core::clock::TestClock;

    use super::*;

    /// A send that was cut off while it waited would be taken for one that may have been sent.
    #[tokio::test]
    async fn who_waits_for_what_does_not_come_is_told_in_time_that_nothing_was_sent() {
        let clock = Arc::new(TestClock::default());
        let mut common = Common::new(&bridge_core::testkit::tools_at(clock));
        common.patience = Patience {
            wait: Duration::from_millis(20),
            fetch: Duration::from_millis(30),
        };
        let ask = async || {
            common
                .get("token", async || std::future::pending().await)
                .await
        };
        let all = futures_util::future::join_all((0..5).map(|_| ask()));
        let (mut fetched, mut waited) = (0, 0);
        for answer in all.await {
            let error = answer.unwrap_err();
            assert_eq!(error.remedy, Remedy::retry_secs(1));
            match error.kind {
                ChannelErrorKind::Network => fetched += 1,
                _ => waited += 1,
            }
        }
        assert!(fetched >= 1 && waited >= 3, "{fetched} {waited}");
    }
}

//! A database that gives no answer. Whoever asks first waits for as long as a call may take; from then on everybody is told
//! at once, and one alone tries the door, until somebody opens.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bridge_core::{backoff::Backoff, store::StoreError};
use deadpool_postgres::Object;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use super::{Link, SILENT, chain};

/// A write that changes nothing: a server whose disk is stuck still answers what it has in memory.
pub(crate) const PING: &str = "INSERT INTO facts (key, value) VALUES ('ping', '1')
    ON CONFLICT (key) DO UPDATE SET value = CASE facts.value WHEN '1' THEN '0' ELSE '1' END";

/// Pauses between knocks.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Whether it is held to be away.
pub(super) struct Away {
    why: Mutex<Option<Arc<str>>>,
    /// When it was last heard of, in microseconds since `made`.
    heard: AtomicU64,
    made: Instant,
}

impl Default for Away {
    fn default() -> Self {
        Self {
            why: Mutex::default(),
            heard: AtomicU64::new(0),
            made: Instant::now(),
        }
    }
}

impl Away {
    /// Whether it is worth asking.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match &*self.why.lock() {
            None => Ok(()),
            Some(why) => Err(StoreError::Unavailable(why.to_string())),
        }
    }

    /// It has answered somebody.
    pub(super) fn heard(&self) {
        self.heard.store(self.since_made(Instant::now()), Relaxed);
    }

    /// Whether it has answered nobody since then: else it is one wire that is dead.
    fn silent_since(&self, asked: Instant) -> bool {
        self.heard.load(Relaxed) < self.since_made(asked)
    }

    fn since_made(&self, when: Instant) -> u64 {
        let since = when.saturating_duration_since(self.made).as_micros();
        u64::try_from(since).unwrap_or(u64::MAX)
    }

    /// Notes it. Whether that is news.
    fn begin(&self, why: &str) -> bool {
        let mut noted = self.why.lock();
        let news = noted.is_none();
        *noted = Some(why.into());
        news
    }

    fn end(&self) {
        *self.why.lock() = None;
    }
}

impl Link {
    /// Somebody has asked in vain: unless others were answered meanwhile, everybody is told so at once from now on. Nobody
    /// else gets a connection of before: where packets vanish, the next would wait on it as long.
    pub(super) fn goes_away(&self, why: &str, asked: Instant) {
        if self.away.silent_since(asked) && self.away.begin(why) {
            self.pool.retain(|_, _| false);
            tracing::warn!(
                why,
                "the database gives no answer; calls are refused at once until it does"
            );
            tokio::spawn(knock(self.me.clone()));
        }
    }

    /// Whether it answers and writes. What it refuses to do is an answer, too.
    async fn knocked(&self) -> Result<(), String> {
        let client = self.connection().await.map_err(|(why, _)| why)?;
        match timeout(self.call, client.simple_query(PING)).await {
            Ok(Err(error)) if error.code().is_none() => Err(chain(&error)),
            Ok(_) => Ok(()),
            Err(_) => {
                drop(Object::take(client));
                Err(SILENT.to_owned())
            }
        }
    }
}

/// Ends when it is opened, or when nobody asks any more.
async fn knock(link: Weak<Link>) {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        tokio::time::sleep(backoff.pause()).await;
        let Some(link) = link.upgrade().filter(|link| !link.pool.is_closed()) else {
            return;
        };
        match link.knocked().await {
            Ok(()) => return link.away.end(),
            Err(why) => drop(link.away.begin(&why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_dead_wire_is_not_the_database() {
        let away = Away::default();
        let before = away.made + Duration::from_micros(1);
        assert!(away.silent_since(before));
        std::thread::yield_now();
        away.heard();
        assert!(!away.silent_since(away.made), "another was answered since");
        assert!(away.silent_since(Instant::now() + Duration::from_secs(1)));
    }
}

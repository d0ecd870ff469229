//! A database that gives no answer. Whoever asks first waits for as long as a call may take; from then on everybody is told
//! at once, and one alone tries the door, until somebody opens.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use bridge_core::{backoff::Backoff, store::StoreError};
use deadpool_postgres::Object;
use parking_lot::Mutex;
use tokio::time::timeout;

use super::{Link, SILENT, chain};

/// A write that changes nothing: a server whose disk is stuck still answers what it has in memory.
pub(crate) const PING: &str = "INSERT INTO facts (key, value) VALUES ('ping', '1')
    ON CONFLICT (key) DO UPDATE SET value = CASE facts.value WHEN '1' THEN '0' ELSE '1' END";

/// Pauses between knocks.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Why it is held to be away, if it is.
#[derive(Default)]
pub(super) struct Away(Mutex<Option<Arc<str>>>);

impl Away {
    /// Whether it is worth asking.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match &*self.0.lock() {
            None => Ok(()),
            Some(why) => Err(StoreError::Unavailable(why.to_string())),
        }
    }

    /// Notes it. Whether that is news.
    fn begin(&self, why: &str) -> bool {
        let mut noted = self.0.lock();
        let news = noted.is_none();
        *noted = Some(why.into());
        news
    }

    fn end(&self) {
        *self.0.lock() = None;
    }
}

impl Link {
    /// From now on everybody is told so at once. Nobody else gets a connection of before: where packets vanish, the next
    /// would wait on it as long.
    pub(super) fn goes_away(&self, why: &str) {
        if self.away.begin(why) {
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

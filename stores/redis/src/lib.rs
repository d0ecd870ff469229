//! The cache of a cluster: Redis. Everything it keeps is losable, and so is it: a call answers within half a second, and
//! while Redis is away it answers at once that it is. [`link`] holds the connection; every step that reads and writes
//! is one script ([`scripts`]), so that nodes cannot come between one another.

mod link;
mod scripts;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bridge_core::{
    cache::{Admission, Bounds, Cache, CacheError, Pace, Window},
    health::Health,
};
use redis::Cmd;
use tokio::task::AbortHandle;

use self::link::Link;

/// The longest a value is kept, whatever is asked: Redis refuses times beyond its own.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

/// The most entries of a list, whatever is asked.
const MOST: usize = 1_000_000;

/// How patient the cache is.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The longest a call may take, the wait for a connection included.
    pub call: Duration,
    /// The longest an attempt to connect may take. No call waits that long: [`Options::call`] holds.
    pub connect: Duration,
    /// How often a quiet connection is tried.
    pub heartbeat: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            call: Duration::from_millis(400),
            connect: Duration::from_secs(2),
            heartbeat: Duration::from_secs(5),
        }
    }
}

/// A cache in Redis. Dropping it lets the connection go.
pub struct RedisCache {
    link: Arc<Link>,
    prefix: String,
    keeper: AbortHandle,
}

impl RedisCache {
    /// A cache at `redis://[user:password@]host[:port][/db]`, or `rediss://` for TLS with the system's certificates.
    /// Every key begins with `prefix`. Returns at once and connects by itself, now and whenever it must again; call it
    /// within a Tokio runtime.
    ///
    /// # Errors
    /// The URL is none of Redis's; its password is not in the error.
    pub fn connect(url: &str, prefix: &str) -> Result<Arc<Self>, CacheError> {
        Self::connect_with(url, prefix, Options::default())
    }

    /// The same, with a patience of your own.
    ///
    /// # Errors
    /// As [`RedisCache::connect`].
    pub fn connect_with(
        url: &str,
        prefix: &str,
        options: Options,
    ) -> Result<Arc<Self>, CacheError> {
        let link = Arc::new(Link::new(url, format!("{prefix}alive"), options)?);
        let keeper = tokio::spawn(link.clone().keep()).abort_handle();
        Ok(Arc::new(Self {
            link,
            prefix: prefix.to_owned(),
            keeper,
        }))
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    async fn write_list(
        &self,
        key: &str,
        entry: &str,
        bounds: Bounds,
        anew: bool,
    ) -> Result<(), CacheError> {
        let keep = bounds.keep.clamp(1, MOST);
        let mut write = scripts::WRITE_LIST.prepare_invoke();
        write
            .key(self.key(key))
            .arg(entry)
            .arg(keep)
            .arg(millis(bounds.ttl))
            .arg(i32::from(anew));
        self.link.script(&write).await
    }
}

impl Drop for RedisCache {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Whole milliseconds, as Redis counts: at least one, because it refuses none.
fn millis(ttl: Duration) -> u64 {
    u64::try_from(ttl.min(LONGEST).as_millis())
        .unwrap_or(u64::MAX)
        .max(1)
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

fn admitted((granted, micros): (bool, u64)) -> Admission {
    let span = Duration::from_micros(micros);
    match granted {
        true => Admission::Granted { after: span },
        false => Admission::Refused { again: span },
    }
}

#[async_trait]
impl Cache for RedisCache {
    async fn get(&self, key: &str) -> Result<Option<String>, CacheError> {
        self.link.command(&Cmd::get(self.key(key))).await
    }

    async fn get_all(&self, keys: &[String]) -> Result<Vec<Option<String>>, CacheError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<String> = keys.iter().map(|key| self.key(key)).collect();
        self.link.command(&Cmd::mget(&keys)).await
    }

    async fn put(&self, key: &str, value: &str, ttl: Duration) -> Result<(), CacheError> {
        let put = Cmd::pset_ex(self.key(key), value, millis(ttl));
        self.link.command(&put).await
    }

    async fn remove_if(&self, key: &str, value: &str) -> Result<bool, CacheError> {
        let mut removal = scripts::REMOVE_IF.prepare_invoke();
        removal.key(self.key(key)).arg(value);
        self.link.script(&removal).await
    }

    async fn hold(&self, key: &str, owner: &str, ttl: Duration) -> Result<bool, CacheError> {
        let mut hold = scripts::HOLD.prepare_invoke();
        hold.key(self.key(key)).arg(owner).arg(millis(ttl));
        self.link.script(&hold).await
    }

    async fn release(&self, key: &str, owner: &str) -> Result<(), CacheError> {
        self.remove_if(key, owner).await.map(drop)
    }

    async fn add(&self, key: &str, by: i64, ttl: Duration) -> Result<i64, CacheError> {
        let mut addition = scripts::ADD.prepare_invoke();
        addition.key(self.key(key)).arg(by).arg(millis(ttl));
        self.link.script(&addition).await
    }

    async fn admit(&self, key: &str, pace: &Pace) -> Result<Admission, CacheError> {
        let mut admission = scripts::ADMIT.prepare_invoke();
        admission
            .key(self.key(key))
            .arg(micros(pace.every))
            .arg(micros(pace.ahead))
            .arg(micros(pace.patience))
            .arg(micros(pace.farthest()));
        self.link.script(&admission).await.map(admitted)
    }

    async fn count(&self, key: &str, window: &Window) -> Result<Admission, CacheError> {
        let mut count = scripts::COUNT.prepare_invoke();
        count
            .key(self.key(key))
            .arg(micros(window.span.min(LONGEST)).max(1))
            .arg(window.most.max(1));
        self.link.script(&count).await.map(admitted)
    }

    fn shared(&self) -> bool {
        true
    }

    async fn append(&self, key: &str, entry: &str, bounds: Bounds) -> Result<(), CacheError> {
        self.write_list(key, entry, bounds, false).await
    }

    async fn restart(&self, key: &str, entry: &str, bounds: Bounds) -> Result<(), CacheError> {
        self.write_list(key, entry, bounds, true).await
    }

    async fn list(&self, key: &str) -> Result<Vec<String>, CacheError> {
        self.link.command(&Cmd::lrange(self.key(key), 0, -1)).await
    }

    async fn drop_list(&self, key: &str) -> Result<(), CacheError> {
        self.link.command(&Cmd::unlink(self.key(key))).await
    }

    async fn health(&self) -> Health {
        let place = self.link.place();
        match self.link.probe().await {
            Ok(()) => Health::up(place),
            Err(CacheError(why)) => Health::down(format!("{place}: {why}")),
        }
    }
}

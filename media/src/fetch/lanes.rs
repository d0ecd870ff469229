//! How many downloads go on at once: few, for each may hold as much as a medium may have; and from one host no more than half of
//! these, so that one that is slow holds up its own media and nobody else's.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use url::Url;

const AT_ONCE: usize = 4;
const FROM_ONE_HOST: usize = AT_ONCE / 2;

pub(super) struct Lanes {
    all: Semaphore,
    /// Of hosts that something is fetched from now, or waits to be.
    hosts: Mutex<HashMap<String, Weak<Semaphore>>>,
}

/// A download's room; free when it is dropped. (No semaphore here is ever closed, so a permit is only ever late.)
pub(super) struct Room<'a> {
    _of_host: Option<OwnedSemaphorePermit>,
    _of_all: Option<SemaphorePermit<'a>>,
}

impl Lanes {
    pub(super) fn new() -> Self {
        Self {
            all: Semaphore::new(AT_ONCE),
            hosts: Mutex::default(),
        }
    }

    /// Returns when something may be fetched from there.
    pub(super) async fn room(&self, url: &Url) -> Room<'_> {
        // The host's first: who waits for that takes nothing from others.
        let of_host = self.host(url).acquire_owned().await.ok();
        Room {
            _of_host: of_host,
            _of_all: self.all.acquire().await.ok(),
        }
    }

    fn host(&self, url: &Url) -> Arc<Semaphore> {
        let name = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = hosts.get(name).and_then(Weak::upgrade) {
            return known;
        }
        hosts.retain(|_, host| host.strong_count() > 0);
        let new = Arc::new(Semaphore::new(FROM_ONE_HOST));
        hosts.insert(name.to_owned(), Arc::downgrade(&new));
        new
    }
}

//! The store, the cache and the broker of one process keep their contracts.

use std::sync::Arc;

use bridge_core::{broker::Embedded, cache::MemoryCache, clock::TestClock, store::MemoryStore};
use bridge_testkit::{
    broker, cache,
    store::{Bench, conforms},
};

#[tokio::test]
async fn the_store_in_memory_conforms() {
    conforms(|| {
        let clock = Arc::new(TestClock::default());
        Bench {
            store: Arc::new(MemoryStore::new(clock.clone())),
            clock,
        }
    })
    .await;
}

#[tokio::test]
async fn the_cache_in_memory_conforms() {
    let clock = Arc::new(TestClock::default());
    let memory = Arc::new(MemoryCache::new(clock.clone()));
    cache::conforms(&cache::Bench {
        nodes: [memory.clone(), memory],
        clock: Some(clock),
    })
    .await;
}

#[tokio::test]
async fn the_broker_of_one_process_conforms() {
    broker::conforms(&[Arc::new(Embedded)]).await;
}

//! The store and the cache in memory keep their contracts.

use std::sync::Arc;

use bridge_core::{cache::MemoryCache, clock::TestClock, store::MemoryStore};
use bridge_testkit::{
    cache,
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

//! The store in memory keeps the contract.

use std::sync::Arc;

use bridge_core::{clock::TestClock, store::MemoryStore};
use bridge_testkit::store::{Bench, conforms};

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

//! The suite, and the same plays as the store in memory.

use std::sync::Arc;

use bridge_core::{clock::TestClock, store::MemoryStore};
use bridge_store_postgres::Postgres;
use bridge_testkit::{
    play::{plays_alike, survives},
    store::{Bench, conforms},
};
use tokio::{runtime::Handle, task::block_in_place};

use crate::fresh;

#[tokio::test(flavor = "multi_thread")]
async fn postgres_conforms() {
    conforms(|| block_in_place(|| Handle::current().block_on(fresh::bench()))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_plays_as_memory_does() {
    for seed in 0..6 {
        let clock = Arc::new(TestClock::default());
        let memory = Bench {
            store: Arc::new(MemoryStore::new(clock.clone())),
            clock,
        };
        plays_alike(memory, fresh::bench().await, seed, 400).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_the_same_to_the_next_node() {
    for seed in 100..104 {
        let (url, clock) = (fresh::schema().await, Arc::new(TestClock::default()));
        let connect = async || Bench {
            store: Postgres::connect(&url, clock.clone(), fresh::options())
                .await
                .unwrap(),
            clock: clock.clone(),
        };
        let first = connect().await;
        survives(first, seed, 300, async |bench| {
            bench.store.close().await.unwrap();
            connect().await
        })
        .await;
    }
}

//! What is old is forgotten, what is young is not.

use std::time::Duration;

use bridge_core::clock::Clock;

use super::bench::{Bench, done, said};

pub(super) async fn sweeping_leaves_what_is_young(bench: &Bench) {
    let old = bench.opened("a", "1").await;
    let trace = old.arrivals[0].id;
    bench.commit(old.clone(), done(&old)).await;
    bench.clock.advance(Duration::from_secs(1000));
    let young = bench.opened("a", "2").await;
    let kept = young.arrivals[0].id;
    bench.commit(young.clone(), done(&young)).await;
    let before = bench.clock.now() - Duration::from_secs(500);
    while bench.store.sweep(before, before).await.unwrap() > 0 {}
    assert!(bench.store.trace(trace).await.unwrap().is_none());
    assert!(bench.store.trace(kept).await.unwrap().is_some());
    assert_eq!(
        bench.accept(vec![said("a", "2", "x")]).await,
        [None],
        "young repeats are still seen"
    );
}

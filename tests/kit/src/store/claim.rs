//! One worker has a conversation, for as long as its lease holds.

use std::time::Duration;

use bridge_core::store::{DueKind, StoreError};

use super::bench::{Bench, LEASE, done, said, to_contact};

pub(super) async fn one_worker_has_a_conversation(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    bench.accept(vec![said("a", "2", "noch")]).await;
    assert!(bench.try_claim().await.is_none(), "nobody else gets it");
    bench.accept(vec![said("b", "3", "x")]).await;
    let other = bench.claim().await;
    assert_ne!(
        other.conversation.id, claim.conversation.id,
        "but others are free"
    );
    bench.store.abandon(other.clone()).await.unwrap();
    let again = bench.claim().await;
    assert_eq!(
        again.arrivals[0].failures, 0,
        "a claim let go blames nobody"
    );
    bench.clock.advance(LEASE + Duration::from_secs(1));
    let taken = bench.claim().await;
    assert!(
        taken.fence > claim.fence,
        "a lease that is over is another's"
    );
    assert!(taken.arrivals[0].failures >= 1);
}

pub(super) async fn a_lost_claim_writes_nothing(bench: &Bench) {
    let slow = bench.opened("a", "1").await;
    bench.clock.advance(LEASE + Duration::from_secs(1));
    let quick = bench.claim().await;
    let mut changes = done(&slow);
    changes.dispatches.push(to_contact(&slow, "zu spät", false));
    assert_eq!(
        bench.store.commit(slow.clone(), changes).await,
        Err(StoreError::Lost)
    );
    assert_eq!(bench.store.abandon(slow).await, Err(StoreError::Lost));
    assert!(bench.due(DueKind::Dispatch).await.is_empty());
    assert_eq!(quick.arrivals[0].failures, 1);
    bench.store.abandon(quick).await.unwrap();
    let quick = bench.claim().await;
    assert_eq!(
        quick.arrivals[0].failures, 0,
        "who lives to say that it was late was not ended by an arrival"
    );
    bench.commit(quick.clone(), done(&quick)).await;
    assert!(bench.try_claim().await.is_none());
}

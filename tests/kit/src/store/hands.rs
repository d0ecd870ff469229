//! Who goes on with what they made: a claim that comes with an accept and dispatches that come with a commit are taken like
//! all others. A store that hands nothing over leaves everything where it always was.

use std::time::Duration;

use bridge_core::{
    message::ArrivalId,
    store::{Claim, Due, DueKind, StoreError},
};

use super::bench::{Bench, LEASE, done, intake, said, sent, to_contact, words, worker};

async fn accept(bench: &Bench, peer: &str, id: &str) -> (Vec<Option<ArrivalId>>, Option<Claim>) {
    let intake = intake(vec![said(peer, id, "你好")]);
    let worker = worker();
    let accepted = bench.store.accept_in_hand(intake, &worker, LEASE).await;
    accepted.unwrap()
}

/// Accepts by a worker who is free, and claims where nothing came with it.
async fn in_hand(bench: &Bench, peer: &str, id: &str) -> Claim {
    match accept(bench, peer, id).await {
        (_, Some(claim)) => claim,
        (_, None) => bench.claim().await,
    }
}

/// Commits, and takes what there is.
async fn taking(bench: &Bench, claim: Claim, says: &[&str]) -> Vec<Due> {
    let mut changes = done(&claim);
    let dispatches = says.iter().map(|text| to_contact(&claim, text, false));
    changes.dispatches = dispatches.collect();
    let store = &bench.store;
    let (committed, mut taken) = store
        .commit_and_take(claim, changes, &worker(), LEASE)
        .await
        .unwrap();
    assert_eq!(committed.dispatches.len(), says.len());
    taken.extend(bench.due(DueKind::Dispatch).await);
    taken
}

pub(super) async fn what_is_in_hand_is_nobody_elses(bench: &Bench) {
    let claim = in_hand(bench, "a", "1").await;
    assert_eq!(claim.arrivals.len(), 1);
    assert_eq!(claim.arrivals[0].failures, 0);
    assert!(bench.try_claim().await.is_none(), "nobody else gets it");
    // Repeats bring nothing, and what follows waits for the claim in hand.
    for id in ["1", "2"] {
        let (ids, none) = accept(bench, "a", id).await;
        assert_eq!((ids[0].is_some(), none), (id == "2", None));
    }
    assert!(bench.try_claim().await.is_none());
    bench.clock.advance(LEASE + Duration::from_secs(1));
    let taken = bench.claim().await;
    assert!(taken.fence > claim.fence);
    let failures: Vec<u32> = taken.arrivals.iter().map(|one| one.failures).collect();
    assert_eq!(
        failures,
        [1, 0],
        "what was in hand has failed, what came later has not"
    );
    let late = bench.store.commit(claim.clone(), done(&claim)).await;
    assert_eq!(late, Err(StoreError::Lost));
    bench.commit(taken.clone(), done(&taken)).await;
    assert!(bench.try_claim().await.is_none());
}

pub(super) async fn what_is_sent_at_once_keeps_its_lane(bench: &Bench) {
    let claim = in_hand(bench, "a", "1").await;
    let first = taking(bench, claim, &["1", "2"]).await;
    assert_eq!(first.iter().map(words).collect::<Vec<_>>(), ["1"]);
    let claim = in_hand(bench, "a", "3").await;
    assert!(
        taking(bench, claim, &["3"]).await.is_empty(),
        "it waits behind the others"
    );
    bench.clock.advance(LEASE + Duration::from_secs(1));
    let again = bench.due(DueKind::Dispatch).await;
    assert_eq!(again.iter().map(words).collect::<Vec<_>>(), ["1"]);
    let late = bench.store.settle_and_tell(&first[0].id, sent()).await;
    assert_eq!(late, Err(StoreError::Lost), "it is another's by now");
    let mut due = again;
    for text in ["2", "3"] {
        let others = bench
            .store
            .settle_and_tell(&due[0].id, sent())
            .await
            .unwrap();
        assert!(others, "{text} waits");
        due = bench.due(DueKind::Dispatch).await;
        assert_eq!(due.iter().map(words).collect::<Vec<_>>(), [text]);
    }
    bench.settle(&due[0], sent()).await;
    assert!(bench.due(DueKind::Dispatch).await.is_empty());
}

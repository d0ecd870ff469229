//! What became of something due is told once, by whoever has it.

use std::time::Duration;

use bridge_core::{
    clock::Clock,
    message::{Arrival, Author, Cue, What},
    store::{DueKind, DueWhat, Settlement, StoreError},
};

use super::bench::{Bench, LEASE, done, said, sent, to_contact, words, worker};

pub(super) async fn what_waited_its_turn_was_not_tried(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.dispatches = vec![to_contact(&claim, "1", false)];
    bench.commit(claim, changes).await;
    for (tried, attempt) in [(false, 1), (false, 1), (true, 1), (false, 2), (true, 2)] {
        let due = bench.due(DueKind::Dispatch).await;
        let DueWhat::Dispatch(dispatch) = &due[0].what else {
            panic!("not a dispatch")
        };
        assert_eq!(dispatch.attempt, attempt);
        let retry = Settlement::Retry {
            at: bench.clock.now(),
            reason: "later".to_owned(),
            tried,
        };
        bench.settle(&due[0], retry).await;
    }
}

pub(super) async fn a_dead_dispatch_tells_and_moves_on(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.dispatches = vec![
        to_contact(&claim, "1", false),
        to_contact(&claim, "2", false),
    ];
    bench.commit(claim.clone(), changes).await;
    let due = bench.due(DueKind::Dispatch).await;
    let cue = Arrival {
        what: What::Cue(Cue::QueueMoved { episode: 1 }),
        author: Author::System,
        ..said("a", "cue", "")
    };
    bench
        .settle(
            &due[0],
            Settlement::Dead {
                reason: "no".to_owned(),
                cue: Some(Box::new(cue)),
            },
        )
        .await;
    assert_eq!(
        bench
            .due(DueKind::Dispatch)
            .await
            .iter()
            .map(words)
            .collect::<Vec<_>>(),
        ["2"]
    );
    let told = bench.claim().await;
    assert_eq!(told.conversation.id, claim.conversation.id);
    assert!(matches!(told.arrivals[0].arrival.what, What::Cue(_)));
    let trace = bench
        .store
        .trace(claim.arrivals[0].id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (
            trace.dispatches[0].state.as_str(),
            trace.dispatches[0].reason.as_deref()
        ),
        ("dead", Some("no"))
    );
}

pub(super) async fn an_old_fence_settles_nothing(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.dispatches = vec![to_contact(&claim, "1", false)];
    bench.commit(claim, changes).await;
    let slow = bench.due(DueKind::Dispatch).await;
    bench.clock.advance(LEASE + Duration::from_secs(1));
    let quick = bench.due(DueKind::Dispatch).await;
    assert_eq!(
        bench.store.settle(&slow[0].id, sent()).await,
        Err(StoreError::Lost)
    );
    bench.settle(&quick[0], sent()).await;
    assert_eq!(
        bench.store.settle(&quick[0].id, sent()).await,
        Err(StoreError::Lost),
        "and only once"
    );
}

pub(super) async fn a_late_settlement_counts_unless_taken_over(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.dispatches = vec![to_contact(&claim, "1", false)];
    bench.commit(claim, changes).await;
    let late = bench.due(DueKind::Dispatch).await;
    bench.clock.advance(LEASE + Duration::from_secs(1));
    // Somebody looks, with no room for more.
    let none = bench
        .store
        .due(DueKind::Dispatch, &worker(), 0, LEASE, &[])
        .await;
    assert!(none.unwrap().is_empty());
    bench.settle(&late[0], sent()).await;
    assert!(
        bench.due(DueKind::Dispatch).await.is_empty(),
        "what was sent late is not sent again"
    );
}

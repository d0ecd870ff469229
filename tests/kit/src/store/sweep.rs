//! What is old is forgotten, what is young is not.

use std::time::Duration;

use bridge_core::{
    clock::Clock,
    store::{DueKind, Settlement},
};

use super::bench::{Bench, done, said, sent, to_contact, to_desk, words};

/// Commits dispatches to a contact who has written, each held or not.
async fn decided(bench: &Bench, peer: &str, id: &str, dispatches: &[(&str, bool)]) {
    let claim = bench.opened(peer, id).await;
    let mut changes = done(&claim);
    let new = dispatches.iter();
    changes.dispatches = new
        .map(|(text, held)| to_contact(&claim, text, *held))
        .collect();
    bench.commit(claim, changes).await;
}

async fn sweep(bench: &Bench, age: Duration) {
    let before = bench.clock.now() - age;
    while bench.store.sweep(before, before).await.unwrap() > 0 {}
}

async fn due(bench: &Bench) -> Vec<String> {
    let due = bench.due(DueKind::Dispatch).await;
    for due in &due {
        bench.settle(due, sent()).await;
    }
    due.iter().map(words).collect()
}

pub(super) async fn sweeping_leaves_what_is_young(bench: &Bench) {
    let old = bench.opened("a", "1").await;
    let trace = old.arrivals[0].id;
    bench.commit(old.clone(), done(&old)).await;
    bench.clock.advance(Duration::from_secs(1000));
    let young = bench.opened("a", "2").await;
    let kept = young.arrivals[0].id;
    bench.commit(young.clone(), done(&young)).await;
    sweep(bench, Duration::from_secs(500)).await;
    assert!(bench.store.trace(trace).await.unwrap().is_none());
    assert!(bench.store.trace(kept).await.unwrap().is_some());
    assert_eq!(
        bench.accept(vec![said("a", "2", "x")]).await,
        [None],
        "young repeats are still seen"
    );
}

pub(super) async fn what_is_held_for_who_never_comes_back_is_forgotten(bench: &Bench) {
    let old = [("1", true), ("2", true), ("3", false)];
    decided(bench, "gone", "1", &old).await;
    let claim = bench.opened("other", "2").await;
    let mut changes = done(&claim);
    changes.dispatches = vec![to_desk(&claim, "desk")];
    bench.commit(claim, changes).await;
    bench.clock.advance(Duration::from_secs(1000));
    decided(bench, "gone", "3", &[("4", false)]).await;
    decided(bench, "young", "4", &[("5", true), ("6", false)]).await;
    sweep(bench, Duration::from_secs(2000)).await;
    assert_eq!(bench.store.depths().await.unwrap().held, 3);
    sweep(bench, Duration::from_secs(500)).await;
    assert_eq!(bench.store.depths().await.unwrap().held, 1, "the young one");
    let mut left = due(bench).await;
    left.sort();
    assert_eq!(
        left,
        ["4", "desk"],
        "what came later is not forgotten, nor what only waits"
    );
    let claim = bench.opened("gone", "5").await;
    assert_eq!(claim.held, 0);
}

pub(super) async fn what_was_released_or_is_young_is_not_forgotten(bench: &Bench) {
    let all = [("1", true), ("2", true), ("3", true)];
    decided(bench, "back", "1", &all).await;
    bench.clock.advance(Duration::from_secs(1000));
    let claim = bench.opened("back", "2").await;
    assert_eq!(claim.held, 3);
    let mut changes = done(&claim);
    changes.release = 2;
    bench.commit(claim, changes).await;
    let first = bench.due(DueKind::Dispatch).await;
    assert_eq!(first.iter().map(words).collect::<Vec<_>>(), ["1"]);
    sweep(bench, Duration::from_secs(500)).await;
    assert_eq!(
        bench.store.depths().await.unwrap().held,
        1,
        "it waits behind what is being sent"
    );
    let held = Settlement::Held {
        reason: "45047".to_owned(),
        cue: None,
    };
    bench.settle(&first[0], held).await;
    sweep(bench, Duration::from_secs(500)).await;
    assert_eq!(
        bench.store.depths().await.unwrap().held,
        2,
        "it is held since now"
    );
    let claim = bench.opened("back", "3").await;
    let mut changes = done(&claim);
    changes.release = 9;
    bench.commit(claim, changes).await;
    for expected in ["1", "2", "3"] {
        assert_eq!(due(bench).await, [expected]);
    }
}

//! Who works on renews the lease: it is not over before they are done or gone.

use std::time::Duration;

use bridge_core::{
    clock::Clock,
    message::DeadlineKind,
    store::{Due, DueId, DueKind, StoreError},
};

use super::bench::{Bench, LEASE, again_now, ask, done, sent, to_contact, to_desk, words, worker};

/// Less than a lease, more than half of it.
const WHILE: Duration = Duration::from_secs(20);

/// Commits two dispatches to the contact and one to a desk, and takes the first of each lane.
async fn taken(bench: &Bench) -> Vec<Due> {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.dispatches = vec![
        to_contact(&claim, "1", false),
        to_contact(&claim, "2", false),
        to_desk(&claim, "desk"),
    ];
    bench.commit(claim, changes).await;
    let due = bench.due(DueKind::Dispatch).await;
    assert_eq!(due.iter().map(words).collect::<Vec<_>>(), ["1", "desk"]);
    due
}

async fn renew(bench: &Bench, held: &[DueId]) -> Vec<DueId> {
    bench.store.renew(held, LEASE).await.unwrap()
}

pub(super) async fn a_renewed_lease_is_not_over(bench: &Bench) {
    let due = taken(bench).await;
    let held = [due[0].id.clone()];
    for _ in 0..3 {
        bench.clock.advance(WHILE);
        assert!(renew(bench, &held).await.is_empty(), "it is the caller's");
        let others = bench.due(DueKind::Dispatch).await;
        for other in &others {
            assert_eq!(words(other), "desk", "only what was not renewed");
            bench.settle(other, sent()).await;
        }
    }
    assert_eq!(
        bench.store.next_due(DueKind::Dispatch, &[]).await.unwrap(),
        Some(bench.clock.now() + LEASE),
        "the renewed lease is waited for"
    );
    // Renewing was no try, and what waits behind it may go once it is settled.
    bench.settle(&due[0], sent()).await;
    let next = bench.due(DueKind::Dispatch).await;
    assert_eq!(next.iter().map(words).collect::<Vec<_>>(), ["2"]);
    // Its worker is killed.
    bench.clock.advance(LEASE + Duration::from_secs(1));
    assert_eq!(bench.due(DueKind::Dispatch).await.len(), 1);
}

pub(super) async fn what_was_taken_over_is_not_renewed(bench: &Bench) {
    let due = taken(bench).await;
    bench.settle(&due[1], sent()).await;
    bench.clock.advance(LEASE + Duration::from_secs(1));
    let quick = bench.due(DueKind::Dispatch).await;
    assert_eq!(quick.iter().map(words).collect::<Vec<_>>(), ["1"]);
    let slow: Vec<DueId> = due.iter().map(|due| due.id.clone()).collect();
    let both = [slow.clone(), vec![quick[0].id.clone()]].concat();
    assert_eq!(
        renew(bench, &both).await,
        slow,
        "one is another's, one is settled"
    );
    let late = bench.store.settle(&slow[0], sent()).await;
    assert_eq!(late, Err(StoreError::Lost), "renewing gave nothing back");
    bench.clock.advance(WHILE);
    assert!(
        bench.due(DueKind::Dispatch).await.is_empty(),
        "of all that was asked for, what was the caller's is renewed"
    );
    // What was put back is nobody's, taken again it is another's.
    bench.settle(&quick[0], again_now(bench)).await;
    assert_eq!(
        renew(bench, &[quick[0].id.clone()]).await,
        [quick[0].id.clone()]
    );
    let again = bench.due(DueKind::Dispatch).await;
    assert_eq!(again.iter().map(words).collect::<Vec<_>>(), ["1"]);
}

pub(super) async fn what_is_over_is_renewed_until_somebody_takes_it(bench: &Bench) {
    let due = taken(bench).await;
    bench.clock.advance(LEASE + Duration::from_secs(1));
    // Somebody looks, with no room for more.
    let none = bench
        .store
        .due(DueKind::Dispatch, &worker(), 0, LEASE, &[])
        .await;
    assert!(none.unwrap().is_empty());
    let held: Vec<DueId> = due.iter().map(|due| due.id.clone()).collect();
    assert!(renew(bench, &held).await.is_empty());
    assert!(bench.due(DueKind::Dispatch).await.is_empty());
    for due in &due {
        bench.settle(due, sent()).await;
    }
    assert_eq!(bench.due(DueKind::Dispatch).await.len(), 1, "the next one");
}

pub(super) async fn errands_and_deadlines_are_renewed_with_dispatches(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let now = bench.clock.now();
    let mut changes = done(&claim);
    changes.dispatches = vec![to_contact(&claim, "1", false)];
    changes.asks = vec![ask(&claim, "在吗", now)];
    let kinds = [DeadlineKind::Idle, DeadlineKind::Queue];
    changes.deadlines = kinds.map(|kind| (kind, Some(now))).to_vec();
    bench.commit(claim, changes).await;
    bench.clock.advance(Duration::from_secs(2));
    let kinds = [DueKind::Dispatch, DueKind::Errand, DueKind::Deadline];
    let mut held = Vec::new();
    for kind in kinds {
        held.extend(bench.due(kind).await.into_iter().map(|due| due.id));
    }
    assert_eq!(held.len(), 4);
    // One deadline is not renewed: of two that one conversation has, each has its own lease.
    let left = held.pop().unwrap();
    bench.clock.advance(WHILE);
    assert!(renew(bench, &held).await.is_empty());
    assert!(renew(bench, &[]).await.is_empty());
    bench.clock.advance(WHILE);
    for kind in kinds {
        let due = bench.due(kind).await;
        let over: Vec<_> = due.iter().map(|due| due.id.deadline).collect();
        match kind {
            DueKind::Deadline => assert_eq!(over, [left.deadline]),
            _ => assert!(over.is_empty(), "{over:?}"),
        }
    }
    let mut all = held.clone();
    all.push(left.clone());
    assert_eq!(renew(bench, &all).await, [left]);
    for id in held {
        bench.store.settle(&id, sent()).await.unwrap();
    }
}

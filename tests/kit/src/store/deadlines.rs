//! Deadlines are set, moved and unset by commits; the newest stands.

use std::time::Duration;

use bridge_core::{
    clock::{Clock, Timestamp},
    message::DeadlineKind,
    store::{DueKind, DueWhat, StoreError},
};

use super::bench::{Bench, done, sent};

pub(super) async fn deadlines_are_set_moved_and_unset(bench: &Bench) {
    let set = async |id: &str, at: Option<Timestamp>| {
        let claim = bench.opened("a", id).await;
        let mut changes = done(&claim);
        changes.deadlines = vec![(DeadlineKind::Idle, at)];
        bench.commit(claim, changes).await;
    };
    let now = bench.clock.now();
    set("1", Some(now + Duration::from_secs(10))).await;
    set("2", Some(now + Duration::from_secs(20))).await;
    assert_eq!(
        bench.store.next_due(DueKind::Deadline, &[]).await.unwrap(),
        Some(now + Duration::from_secs(20)),
        "moved"
    );
    bench.clock.advance(Duration::from_secs(21));
    let due = bench.due(DueKind::Deadline).await;
    let DueWhat::Deadline { thread, kind, .. } = &due[0].what else {
        panic!("not a deadline")
    };
    assert_eq!((thread.peer.as_str(), *kind), ("a", DeadlineKind::Idle));
    bench.settle(&due[0], sent()).await;
    set("3", Some(bench.clock.now() + Duration::from_secs(5))).await;
    set("4", None).await;
    assert_eq!(
        bench.store.next_due(DueKind::Deadline, &[]).await.unwrap(),
        None,
        "unset"
    );
}

pub(super) async fn a_deadline_moved_is_not_settled_away(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    let now = bench.clock.now();
    changes.deadlines = vec![(DeadlineKind::Idle, Some(now + Duration::from_secs(5)))];
    bench.commit(claim, changes).await;
    bench.clock.advance(Duration::from_secs(6));
    let due = bench.due(DueKind::Deadline).await;
    let claim = bench.opened("a", "2").await;
    let mut changes = done(&claim);
    let later = bench.clock.now() + Duration::from_secs(50);
    changes.deadlines = vec![(DeadlineKind::Idle, Some(later))];
    let (committed, settled) = tokio::join!(
        bench.store.commit(claim, changes),
        bench.store.settle(&due[0].id, sent())
    );
    committed.unwrap();
    // Whichever came first, the new deadline stands.
    assert!(matches!(settled, Ok(()) | Err(StoreError::Lost)));
    assert_eq!(
        bench.store.next_due(DueKind::Deadline, &[]).await.unwrap(),
        Some(later)
    );
    bench.clock.advance(Duration::from_secs(51));
    assert_eq!(bench.due(DueKind::Deadline).await.len(), 1);
}

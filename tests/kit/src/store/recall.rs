//! A clock that is set back holds nothing up for long.

use std::time::Duration;

use bridge_core::{
    clock::Clock,
    message::DeadlineKind,
    store::{Due, DueKind, Settlement},
};

use super::bench::{Bench, LEASE, ask, done, said, sent, to_contact, to_desk, words};

const HOUR: Duration = Duration::from_secs(3600);
/// Farther off than anything that is put off, or leased, here.
const FAR: Duration = Duration::from_secs(600);
const PAUSE: Duration = Duration::from_secs(300);

/// A turn that sends, asks and sets a deadline; what it sends to the contact was tried and is put off.
async fn put_off(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let now = bench.clock.now();
    let mut changes = done(&claim);
    changes.dispatches = vec![to_contact(&claim, "1", false), to_desk(&claim, "desk")];
    changes.asks = vec![ask(&claim, "在吗", now)];
    changes.deadlines = vec![
        (DeadlineKind::Idle, Some(now + 24 * HOUR)),
        (DeadlineKind::Queue, Some(now)),
    ];
    bench.commit(claim, changes).await;
    let due = bench.due(DueKind::Dispatch).await;
    let later = Settlement::Retry {
        at: now + PAUSE,
        reason: "busy".to_owned(),
        tried: true,
    };
    bench.settle(&due[0], later).await;
    bench.settle(&due[1], sent()).await;
}

async fn recalled(bench: &Bench) -> bool {
    bench.store.recall(FAR).await.unwrap()
}

fn deadlines(due: &[Due]) -> Vec<Option<DeadlineKind>> {
    due.iter().map(|due| due.id.deadline).collect()
}

pub(super) async fn what_a_clock_set_back_has_put_off_is_due(bench: &Bench) {
    put_off(bench).await;
    // Somebody has a deadline and a conversation in hand, and is killed.
    let taken = bench.due(DueKind::Deadline).await;
    assert_eq!(deadlines(&taken), [Some(DeadlineKind::Queue)]);
    let held = bench.opened("b", "2").await;
    bench.clock.set(bench.clock.now() - HOUR);
    assert!(bench.try_claim().await.is_none());
    assert!(bench.due(DueKind::Dispatch).await.is_empty());
    assert!(recalled(bench).await);
    assert!(!recalled(bench).await, "once");
    let due = bench.due(DueKind::Dispatch).await;
    assert_eq!(due.iter().map(words).collect::<Vec<_>>(), ["1"]);
    bench.settle(&due[0], sent()).await;
    assert_eq!(bench.due(DueKind::Errand).await.len(), 1);
    let again = bench.claim().await;
    assert_eq!(again.conversation.id, held.conversation.id);
    assert!(again.fence > held.fence);
    bench.clock.set(bench.clock.now() + HOUR);
    let due = bench.due(DueKind::Deadline).await;
    assert_eq!(deadlines(&due), [Some(DeadlineKind::Queue)], "and no other");
}

/// Who is at work goes on, and once they are gone it is another's.
pub(super) async fn what_was_in_work_when_the_clock_was_set_back_is_taken_over(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.dispatches = vec![to_contact(&claim, "1", false), to_desk(&claim, "desk")];
    bench.commit(claim, changes).await;
    let due = bench.due(DueKind::Dispatch).await;
    bench.clock.set(bench.clock.now() - HOUR);
    let alive = [due[0].id.clone()];
    assert!(bench.store.renew(&alive, LEASE).await.unwrap().is_empty());
    assert!(recalled(bench).await);
    let over = bench.due(DueKind::Dispatch).await;
    assert_eq!(over.iter().map(words).collect::<Vec<_>>(), ["desk"]);
    bench.settle(&over[0], sent()).await;
    bench.clock.advance(LEASE + Duration::from_secs(1));
    let over = bench.due(DueKind::Dispatch).await;
    assert_eq!(over.iter().map(words).collect::<Vec<_>>(), ["1"]);
}

pub(super) async fn what_is_put_off_for_good_reason_is_not_recalled(bench: &Bench) {
    put_off(bench).await;
    bench.accept(vec![said("b", "2", "你好")]).await;
    let claim = bench.claim().await;
    let mut changes = done(&claim);
    changes.dispatches = vec![to_contact(&claim, "2", false)];
    bench.commit(claim, changes).await;
    let sending = bench.due(DueKind::Dispatch).await;
    assert_eq!(sending.iter().map(words).collect::<Vec<_>>(), ["2"]);
    bench.accept(vec![said("b", "3", "在吗")]).await;
    let claim = bench.claim().await;
    assert!(!recalled(bench).await);
    assert!(bench.due(DueKind::Dispatch).await.is_empty());
    assert!(bench.due(DueKind::Errand).await.is_empty());
    assert!(bench.try_claim().await.is_none());
    bench.settle(&sending[0], sent()).await;
    bench.commit(claim.clone(), done(&claim)).await;
    assert_eq!(
        bench.store.next_due(DueKind::Dispatch, &[]).await.unwrap(),
        Some(bench.clock.now() + PAUSE)
    );
    assert!(LEASE < FAR);
}

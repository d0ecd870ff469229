//! All of a turn is written, once and under its claim, or nothing.

use bridge_core::{
    clock::{Clock, Timestamp},
    conversation::Move,
    message::{AgentName, Arrival, Author, InboxName, PeerId, ThreadKey},
    store::{Claim, DueKind, StoreError},
};

use super::bench::{Bench, done, said, sent, to_contact};

pub(super) async fn a_claim_is_committed_once(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.dispatches = vec![to_contact(&claim, "1", false)];
    let (one, other) = tokio::join!(
        bench.store.commit(claim.clone(), changes.clone()),
        bench.store.commit(claim.clone(), changes.clone()),
    );
    let outcomes = [one.is_ok(), other.is_ok()];
    assert!(
        outcomes == [true, false] || outcomes == [false, true],
        "of two commits of one claim one is written: {outcomes:?}"
    );
    let mut changes = done(&claim);
    changes.capacity = Some((AgentName::new("system"), 0));
    changes
        .conversation
        .apply(Move::Assign(AgentName::new("system")), bench.clock.now())
        .unwrap();
    assert_eq!(
        bench.store.commit(claim, changes).await,
        Err(StoreError::Lost),
        "who lost the claim is told that, not that the agent is busy"
    );
    assert_eq!(bench.store.depths().await.unwrap().dispatches, 1);
    let due = bench.due(DueKind::Dispatch).await;
    let (one, other) = tokio::join!(
        bench.store.settle(&due[0].id, sent()),
        bench.store.settle(&due[0].id, sent()),
    );
    assert!(
        one.is_ok() != other.is_ok(),
        "settled once: {one:?}, {other:?}"
    );
}

pub(super) async fn only_what_a_claim_carries_is_done(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let later = bench.accept(vec![said("a", "2", "noch")]).await[0].unwrap();
    let mut changes = done(&claim);
    let (_, verdict) = changes.done[0].clone();
    changes.done.push((later, verdict));
    let committed = bench.store.commit(claim, changes).await.unwrap();
    assert!(committed.more, "what came meanwhile waits still");
    assert_eq!(bench.claim().await.arrivals[0].id, later);
}

pub(super) async fn seats_are_kept(bench: &Bench) {
    let agent = AgentName::new("system");
    let assigned = |claim: &Claim, now: Timestamp| {
        let mut changes = done(claim);
        changes
            .conversation
            .apply(Move::Assign(AgentName::new("system")), now)
            .unwrap();
        changes.capacity = Some((AgentName::new("system"), 1));
        changes
    };
    let first = bench.opened("a", "1").await;
    bench
        .commit(first.clone(), assigned(&first, bench.clock.now()))
        .await;
    let second = bench.opened("b", "2").await;
    let refused = bench
        .store
        .commit(second.clone(), assigned(&second, bench.clock.now()))
        .await;
    assert_eq!(refused, Err(StoreError::SeatTaken(agent.clone())));
    bench.commit(second.clone(), done(&second)).await;
    assert_eq!(
        bench.store.desk().await.unwrap().loads,
        [(agent.clone(), 1)]
    );
    let again = bench.opened("a", "3").await;
    let mut kept = done(&again);
    kept.capacity = Some((agent.clone(), 1));
    bench.commit(again.clone(), kept).await;
    let over = bench.opened("a", "4").await;
    let mut resolved = done(&over);
    resolved
        .conversation
        .apply(Move::Resolve, bench.clock.now())
        .unwrap();
    bench.commit(over, resolved).await;
    assert!(
        bench.store.desk().await.unwrap().loads.is_empty(),
        "the seat is free"
    );
    let third = bench.opened("b", "5").await;
    bench
        .commit(third.clone(), assigned(&third, bench.clock.now()))
        .await;
}

pub(super) async fn a_bound_thread_leads_to_its_conversation(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let desk = ThreadKey {
        inbox: InboxName::new("desk"),
        peer: PeerId::new("kefu_1"),
    };
    let mut changes = done(&claim);
    changes
        .conversation
        .apply(Move::Assign(AgentName::new("system")), bench.clock.now())
        .unwrap();
    changes.threads.push(desk.clone());
    bench.commit(claim.clone(), changes).await;
    assert_eq!(
        bench.store.find(&desk).await.unwrap(),
        Some(claim.conversation.id)
    );
    let open = bench.store.open_threads().await.unwrap();
    assert_eq!((open.len(), &open[0].threads), (1, &vec![desk.clone()]));
    let from_desk = Arrival {
        inbox: desk.inbox,
        author: Author::Agent(PeerId::new("agent")),
        ..said("kefu_1", "9", "hi")
    };
    bench.accept(vec![from_desk]).await;
    assert_eq!(bench.claim().await.conversation.id, claim.conversation.id);
}

//! What is to be sent comes due in the order of its lane, and not while it is held.

use std::time::Duration;

use bridge_core::{
    clock::Clock,
    store::{DueKind, DueWhat, Settlement, StoreError},
};

use super::bench::{Bench, LEASE, again_now, ask, done, sent, to_contact, to_desk, words, worker};

pub(super) async fn a_lane_keeps_its_order(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.dispatches = vec![
        to_contact(&claim, "1", false),
        to_contact(&claim, "2", false),
        to_desk(&claim, "desk"),
    ];
    let committed = bench.store.commit(claim.clone(), changes).await.unwrap();
    assert_eq!(committed.dispatches.len(), 3);
    let due = bench.due(DueKind::Dispatch).await;
    assert_eq!(
        due.iter().map(words).collect::<Vec<_>>(),
        ["1", "desk"],
        "one of each lane"
    );
    assert!(
        bench.due(DueKind::Dispatch).await.is_empty(),
        "and nobody else gets them"
    );
    let at = bench.clock.now() + Duration::from_secs(5);
    bench
        .settle(
            &due[0],
            Settlement::Retry {
                at,
                reason: "busy".to_owned(),
                tried: true,
            },
        )
        .await;
    bench.settle(&due[1], sent()).await;
    assert!(
        bench.due(DueKind::Dispatch).await.is_empty(),
        "a retry holds the later ones of its lane"
    );
    assert_eq!(
        bench.store.next_due(DueKind::Dispatch, &[]).await.unwrap(),
        Some(at)
    );
    bench.clock.advance(Duration::from_secs(6));
    let again = bench.due(DueKind::Dispatch).await;
    let DueWhat::Dispatch(dispatch) = &again[0].what else {
        panic!("not a dispatch")
    };
    assert_eq!((words(&again[0]).as_str(), dispatch.attempt), ("1", 2));
    bench.settle(&again[0], sent()).await;
    assert_eq!(
        bench
            .due(DueKind::Dispatch)
            .await
            .iter()
            .map(words)
            .collect::<Vec<_>>(),
        ["2"]
    );
    bench.clock.advance(LEASE + Duration::from_secs(1));
    assert_eq!(
        bench.due(DueKind::Dispatch).await.len(),
        1,
        "a lease that is over hands it on"
    );
}

pub(super) async fn held_dispatches_wait_for_a_release(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.dispatches = vec![
        to_contact(&claim, "1", true),
        to_contact(&claim, "2", true),
        to_contact(&claim, "3", false),
    ];
    bench.commit(claim, changes).await;
    assert!(
        bench.due(DueKind::Dispatch).await.is_empty(),
        "what is held holds those behind it"
    );
    assert_eq!(bench.store.depths().await.unwrap().held, 2);
    let claim = bench.opened("a", "2").await;
    assert_eq!(claim.held, 2);
    let mut changes = done(&claim);
    changes.release = 1;
    bench.commit(claim, changes).await;
    let due = bench.due(DueKind::Dispatch).await;
    assert_eq!(
        due.iter().map(words).collect::<Vec<_>>(),
        ["1"],
        "the oldest first"
    );
    bench
        .settle(
            &due[0],
            Settlement::Held {
                reason: "45047".to_owned(),
                cue: None,
            },
        )
        .await;
    assert_eq!(
        bench.store.depths().await.unwrap().held,
        2,
        "held again by the platform's word"
    );
    let claim = bench.opened("a", "3").await;
    let mut changes = done(&claim);
    changes.release = 9;
    bench.commit(claim, changes).await;
    for expected in ["1", "2", "3"] {
        let due = bench.due(DueKind::Dispatch).await;
        assert_eq!(due.iter().map(words).collect::<Vec<_>>(), [expected]);
        bench.settle(&due[0], sent()).await;
    }
}

pub(super) async fn an_inbox_or_a_bot_is_left_out(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.dispatches = vec![
        to_contact(&claim, "1", false),
        to_contact(&claim, "2", false),
        to_desk(&claim, "desk"),
    ];
    changes.asks = vec![ask(&claim, "在吗", bench.clock.now())];
    bench.commit(claim.clone(), changes).await;
    bench.clock.advance(Duration::from_secs(1));
    let contacts = vec![claim.conversation.thread.inbox.to_string()];
    let ai = vec!["ai".to_owned()];
    let (store, worker) = (&bench.store, worker());
    let due = async |kind, but: &[String]| store.due(kind, &worker, 10, LEASE, but).await.unwrap();
    let at_desk = due(DueKind::Dispatch, &contacts).await;
    assert_eq!(at_desk.iter().map(words).collect::<Vec<_>>(), ["desk"]);
    bench.settle(&at_desk[0], sent()).await;
    assert!(due(DueKind::Dispatch, &contacts).await.is_empty());
    assert_eq!(
        store.next_due(DueKind::Dispatch, &contacts).await.unwrap(),
        None,
        "nothing to wait for but what is left out"
    );
    assert!(due(DueKind::Errand, &ai).await.is_empty());
    assert_eq!(store.next_due(DueKind::Errand, &ai).await.unwrap(), None);
    assert_eq!(due(DueKind::Errand, &contacts).await.len(), 1);
    let rest = bench.due(DueKind::Dispatch).await;
    assert_eq!(rest.iter().map(words).collect::<Vec<_>>(), ["1"]);
    assert_eq!(
        store.next_due(DueKind::Dispatch, &contacts).await.unwrap(),
        Some(bench.clock.now() + LEASE),
        "the end of a lease is waited for, whosever"
    );
}

pub(super) async fn a_dispatch_is_withdrawn_unless_somebody_sends_it(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let trace = claim.arrivals[0].id;
    let mut changes = done(&claim);
    changes.dispatches = vec![
        to_contact(&claim, "1", false),
        to_contact(&claim, "2", false),
        to_contact(&claim, "3", true),
        to_contact(&claim, "4", false),
    ];
    let committed = bench.store.commit(claim, changes).await.unwrap();
    let [first, second, third, fourth] = committed.dispatches[..] else {
        panic!("{committed:?}");
    };
    let take = async |id| bench.store.take(id, &worker(), LEASE).await.unwrap();
    let withdraw = async |id| {
        let due = take(id).await.unwrap();
        assert_eq!(take(id).await, None, "somebody has it");
        let reason = "withdrawn".to_owned();
        let unsent = Settlement::Dead { reason, cue: None };
        bench.store.settle(&due, unsent).await.unwrap();
        assert_eq!(take(id).await, None, "it is settled");
    };
    let sending = bench.due(DueKind::Dispatch).await;
    assert_eq!(sending.iter().map(words).collect::<Vec<_>>(), ["1"]);
    assert_eq!(take(first).await, None, "it is being sent");
    withdraw(second).await;
    withdraw(third).await;
    assert_eq!(bench.store.depths().await.unwrap().held, 0);
    bench.settle(&sending[0], sent()).await;
    let due = bench.due(DueKind::Dispatch).await;
    assert_eq!(due.iter().map(words).collect::<Vec<_>>(), ["4"]);
    bench.settle(&due[0], again_now(bench)).await;
    let taken = take(fourth).await.unwrap();
    assert!(bench.due(DueKind::Dispatch).await.is_empty());
    bench.clock.advance(LEASE + Duration::from_secs(1));
    let due = bench.due(DueKind::Dispatch).await;
    assert_eq!(
        due.iter().map(words).collect::<Vec<_>>(),
        ["4"],
        "its lease was over"
    );
    let late = bench.store.settle(&taken, sent()).await;
    assert_eq!(late, Err(StoreError::Lost));
    bench.settle(&due[0], sent()).await;
    let traced = bench.store.trace(trace).await.unwrap().unwrap();
    let states: Vec<_> = traced
        .dispatches
        .iter()
        .map(|one| (one.id, one.state.as_str()))
        .collect();
    assert_eq!(
        states,
        [
            (first, "sent"),
            (second, "dead"),
            (third, "dead"),
            (fourth, "sent")
        ]
    );
}

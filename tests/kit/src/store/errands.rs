//! Questions to slow bots: gathered until taken, one of a conversation at a time, gone when cancelled.

use std::time::Duration;

use bridge_core::{
    clock::Clock,
    message::Content,
    store::{DueKind, DueWhat, SAID_LIMIT, Said, Settlement, StoreError},
};

use super::bench::{Bench, LEASE, ask, done, question, sent};

pub(super) async fn questions_are_merged_until_taken(bench: &Bench) {
    for (id, text) in [("1", "你好"), ("2", "保温杯"), ("3", "漏水")] {
        let claim = bench.opened("a", id).await;
        let mut changes = done(&claim);
        changes.asks = vec![ask(&claim, text, bench.clock.now())];
        bench.commit(claim, changes).await;
        assert!(
            bench.due(DueKind::Errand).await.is_empty(),
            "not before the burst is over"
        );
    }
    bench.clock.advance(Duration::from_secs(2));
    let due = bench.due(DueKind::Errand).await;
    assert_eq!(question(&due[0]), ["你好", "保温杯", "漏水"]);
    let claim = bench.opened("a", "4").await;
    let mut changes = done(&claim);
    changes.asks = vec![ask(&claim, "还有", bench.clock.now())];
    bench.commit(claim, changes).await;
    bench.clock.advance(Duration::from_secs(2));
    assert!(
        bench.due(DueKind::Errand).await.is_empty(),
        "one of a conversation at a time"
    );
    bench.settle(&due[0], sent()).await;
    let due = bench.due(DueKind::Errand).await;
    assert_eq!(question(&due[0]), ["还有"]);
    bench
        .settle(
            &due[0],
            Settlement::Retry {
                at: bench.clock.now(),
                reason: "429".to_owned(),
                tried: true,
            },
        )
        .await;
    let DueWhat::Errand(errand) = &bench.due(DueKind::Errand).await[0].what else {
        panic!("not an errand")
    };
    assert_eq!(errand.attempt, 2);
}

pub(super) async fn a_question_carries_the_newest_words(bench: &Bench) {
    for id in ["1", "2"] {
        let claim = bench.opened("a", id).await;
        let mut changes = done(&claim);
        let mut asked = ask(&claim, "", bench.clock.now());
        let words = |nth| Said {
            content: Content::text(format!("{id}-{nth}")),
            ..asked.said[0].clone()
        };
        asked.said = (1..SAID_LIMIT).map(words).collect();
        changes.asks = vec![asked];
        bench.commit(claim, changes).await;
    }
    bench.clock.advance(Duration::from_secs(3));
    let due = bench.due(DueKind::Errand).await;
    let words = question(&due[0]);
    assert_eq!(words.len(), SAID_LIMIT);
    assert_eq!(
        words[0],
        format!("1-{}", SAID_LIMIT - 1),
        "then the later ones"
    );
    assert_eq!(words[SAID_LIMIT - 1], format!("2-{}", SAID_LIMIT - 1));
}

pub(super) async fn a_question_once_asked_takes_no_more_words(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.asks = vec![ask(&claim, "一", bench.clock.now())];
    bench.commit(claim, changes).await;
    bench.clock.advance(Duration::from_secs(2));
    assert_eq!(bench.due(DueKind::Errand).await.len(), 1);
    // Its worker dies, perhaps after the answer was accepted: the answer to this errand is accepted once.
    bench.clock.advance(LEASE + Duration::from_secs(1));
    let claim = bench.opened("a", "2").await;
    let mut changes = done(&claim);
    changes.asks = vec![ask(&claim, "二", bench.clock.now())];
    bench.commit(claim, changes).await;
    let again = bench.due(DueKind::Errand).await;
    assert_eq!(question(&again[0]), ["一"]);
    bench.settle(&again[0], sent()).await;
    bench.clock.advance(Duration::from_secs(2));
    let next = bench.due(DueKind::Errand).await;
    assert_eq!(question(&next[0]), ["二"]);
}

pub(super) async fn cancelled_errands_are_gone(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.asks = vec![ask(&claim, "一", bench.clock.now())];
    bench.commit(claim, changes).await;
    bench.clock.advance(Duration::from_secs(2));
    let running = bench.due(DueKind::Errand).await;
    let claim = bench.opened("a", "2").await;
    let mut changes = done(&claim);
    changes.cancel_errands = true;
    let committed = bench.store.commit(claim, changes).await.unwrap();
    assert_eq!(
        committed
            .cancelled
            .iter()
            .map(|errand| errand.0)
            .collect::<Vec<_>>(),
        [running[0].id.id]
    );
    assert_eq!(
        bench.store.settle(&running[0].id, sent()).await,
        Err(StoreError::Lost)
    );
    assert_eq!(bench.store.depths().await.unwrap().errands, 0);
}

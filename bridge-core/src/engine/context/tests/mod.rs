pub(in crate::engine) mod bench;
mod chance;

use std::sync::Arc;

use super::*;
use crate::{
    cache::MemoryCache, clock::TestClock, conversation::Move, store::Verdict, testkit::Mood,
};
use bench::{Bench, parts};

#[tokio::test]
async fn what_was_said_is_read_from_the_cache() {
    let mut bench = Bench::new();
    bench.turn(&["one", "*a note", "two"], None).await;
    bench.turn(&["*only a note"], None).await;
    bench.turn(&["three"], None).await;
    bench.make_all().await;
    assert_eq!(bench.cached(3).await, Ok(3));
    assert_eq!(bench.cached(20).await, Ok(3), "the whole opening");
    assert_eq!(bench.context(2).await, ["two", "three"]);
    assert_eq!(bench.context(20).await, ["one", "two", "three"]);
    assert!(bench.waiting().is_empty(), "nothing had to be mended");
}

#[tokio::test]
async fn a_gap_and_a_lag_are_seen_and_mended() {
    for lost in [1, 2] {
        let mut bench = Bench::new();
        for words in ["one", "two", "three"] {
            bench.turn(&[words], None).await;
        }
        let written = bench.waiting().into_iter().enumerate();
        for (_, write) in written.filter(|(number, _)| *number != lost) {
            bench.make(write).await;
        }
        assert_eq!(bench.cached(3).await, Err(Missing::Gap), "{lost}");
        assert_eq!(bench.context(3).await, ["one", "two", "three"]);
        bench.make_all().await;
        assert_eq!(bench.cached(3).await, Ok(3), "begun anew from the store");
        bench.turn(&["four"], None).await;
        bench.make_all().await;
        assert_eq!(bench.cached(20).await, Ok(4), "and it goes on");
    }
}

#[tokio::test]
async fn nodes_may_write_the_other_way_round() {
    let mut bench = Bench::new();
    for words in ["one", "two", "three"] {
        bench.turn(&[words], None).await;
    }
    for write in bench.waiting().into_iter().rev() {
        bench.make(write).await;
    }
    assert_eq!(bench.cached(20).await, Ok(3));
    assert_eq!(bench.context(20).await, ["one", "two", "three"]);
}

#[tokio::test]
async fn while_the_cache_is_away_the_store_tells() {
    let mut bench = Bench::new();
    bench.turn(&["one", "two"], None).await;
    bench.make_all().await;
    for mood in [Mood::Refused, Mood::Silent] {
        bench.cache.is(mood);
        assert_eq!(bench.cached(2).await, Err(Missing::Away));
        assert_eq!(bench.context(2).await, ["one", "two"], "{mood:?}");
        assert!(
            bench.waiting().is_empty(),
            "nothing is written where nobody answers"
        );
    }
}

#[tokio::test]
async fn what_is_over_is_dropped_and_begins_anew() {
    let mut bench = Bench::new();
    bench.turn(&["one"], None).await;
    bench.turn(&["two"], Some(Move::Resolve)).await;
    bench.turn(&["a rating"], None).await;
    bench.make_all().await;
    assert_eq!(bench.cached(1).await, Err(Missing::Absent));
    let _ = bench.context(3).await;
    assert!(
        bench.waiting().is_empty(),
        "what is over is not put there again"
    );
    bench.turn(&["*nothing yet"], Some(Move::Reopen)).await;
    assert!(bench.context(3).await.is_empty());
    bench.turn(&["three"], None).await;
    bench.make_all().await;
    assert_eq!(bench.cached(20).await, Ok(1));
    assert_eq!(bench.context(20).await, ["three"]);
}

#[tokio::test]
async fn it_is_bounded() {
    let mut bench = Bench::new();
    for number in 0..50 {
        bench.turn(&[&number.to_string()], None).await;
        bench.make_all().await;
    }
    let kept = bench.cache.list(&key(bench.id)).await.unwrap();
    assert_eq!(kept.len(), FOR_BOTS);
    bench.turn(&[&"长".repeat(2000)], None).await;
    assert!(bench.waiting().is_empty(), "too large to be kept");
    assert_eq!(bench.cached(1).await, Err(Missing::Gap));
    assert_eq!(bench.context(2).await[0], "49");
    bench.clock.advance(Duration::from_secs(25 * 3600));
    assert_eq!(bench.cached(1).await, Err(Missing::Absent));
}

#[tokio::test]
async fn what_an_older_version_wrote_is_not_guessed_at() {
    let mut bench = Bench::new();
    bench.turn(&["one"], None).await;
    bench.make_all().await;
    let claim = bench.claim().await;
    let mut changes = Changes::none(claim.conversation.clone());
    changes.conversation.said_upto = None;
    let verdict = Verdict::Turned {
        by: None,
        note: None,
    };
    changes.done.push((claim.arrivals[0].id, verdict));
    bench
        .engine
        .parts
        .store
        .commit(claim, changes)
        .await
        .unwrap();
    assert_eq!(bench.cached(1).await, Err(Missing::Gap));
    assert_eq!(bench.context(1).await, ["one"]);
    bench.turn(&["two"], None).await;
    bench.make_all().await;
    assert_eq!(bench.cached(1).await, Ok(1));
    assert_eq!(bench.cached(2).await, Err(Missing::Gap));
    assert_eq!(bench.context(2).await, ["one", "two"]);
    bench.make_all().await;
    assert_eq!(bench.cached(2).await, Ok(2));
}

#[test]
fn a_cache_of_one_process_keeps_no_context() {
    let clock = Arc::new(TestClock::default());
    let memory = Arc::new(MemoryCache::new(clock.clone()));
    assert!(Ring::of(&parts(clock, memory)).is_none());
}

use super::*;
use crate::{
    clock::TestClock,
    testkit::{FickleCache, Mood},
};

const MS: Duration = Duration::from_millis(1);

fn some(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// Ten a second, four at once, a second's patience.
fn ten() -> Rate {
    Rate {
        per_second: some(10),
        burst: some(4),
        patience: 1000 * MS,
        bulk_patience: 2000 * MS,
    }
}

fn limiter(cache: &Arc<FickleCache>, clock: &Arc<TestClock>) -> Arc<RateLimiter> {
    Arc::new(RateLimiter::new("app", ten(), cache.clone(), clock.clone()))
}

/// A caller whose turn, or refusal, is heard of as (place in line, milliseconds since the start).
fn callers(
    limiters: &[&Arc<RateLimiter>],
    lanes: &[Lane],
    clock: &Arc<TestClock>,
) -> tokio::sync::mpsc::UnboundedReceiver<(usize, Result<i64, Busy>)> {
    let (told, heard) = tokio::sync::mpsc::unbounded_channel();
    let start = clock.now();
    for (place, lane) in lanes.iter().enumerate() {
        let limiter = limiters[place % limiters.len()].clone();
        let (told, clock, lane) = (told.clone(), clock.clone(), *lane);
        tokio::spawn(async move {
            let turn = limiter.turn(lane).await;
            let _ = told.send((place, turn.map(|()| clock.now().0 - start.0)));
        });
    }
    heard
}

/// On one thread, yielding lets every other task go as far as it can without the clock.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

async fn play(
    mut heard: tokio::sync::mpsc::UnboundedReceiver<(usize, Result<i64, Busy>)>,
    clock: &TestClock,
    for_ms: u32,
) -> Vec<(usize, Result<i64, Busy>)> {
    for _ in 0..for_ms / 5 {
        settle().await;
        clock.advance(5 * MS);
    }
    settle().await;
    let mut turns = Vec::new();
    while let Ok(turn) = heard.try_recv() {
        turns.push(turn);
    }
    turns
}

#[tokio::test]
async fn a_burst_passes_and_the_rest_follow_at_the_pace_across_nodes() {
    let clock = Arc::new(TestClock::default());
    let cache = FickleCache::new(clock.clone());
    let nodes = [limiter(&cache, &clock), limiter(&cache, &clock)];
    let heard = callers(&[&nodes[0], &nodes[1]], &[Lane::Interactive; 9], &clock);
    let turns = play(heard, &clock, 1000).await;
    let at: Vec<i64> = turns.iter().map(|(_, turn)| turn.unwrap()).collect();
    assert_eq!(at, [0, 0, 0, 0, 100, 200, 300, 400, 500]);
    let order: Vec<usize> = turns.iter().map(|(place, _)| *place).collect();
    assert_eq!(
        order,
        [0, 1, 2, 3, 4, 5, 6, 7, 8],
        "in the order they asked"
    );
    assert_eq!(cache.admissions(), 9, "whoever waits asks once");
}

#[tokio::test]
async fn a_turn_beyond_patience_is_not_taken() {
    let clock = Arc::new(TestClock::default());
    let cache = FickleCache::new(clock.clone());
    let node = limiter(&cache, &clock);
    // 4 at once, 10 within the second; the others are told when to come back.
    let heard = callers(&[&node], &[Lane::Interactive; 17], &clock);
    let turns = play(heard, &clock, 5).await;
    let busy: Vec<Busy> = turns.iter().filter_map(|(_, turn)| turn.err()).collect();
    assert_eq!(busy, [Busy { again: 100 * MS }; 3]);
    // What they did not take is there for the next.
    clock.advance(100 * MS);
    let heard = callers(&[&node], &[Lane::Interactive], &clock);
    assert_eq!(play(heard, &clock, 1000).await, [(0, Ok(995))]);
}

#[tokio::test]
async fn bulk_takes_what_the_interactive_leave() {
    use Lane::{Bulk, Interactive};
    let clock = Arc::new(TestClock::default());
    let cache = FickleCache::new(clock.clone());
    let node = limiter(&cache, &clock);
    // Half of the burst is bulk's; the third waits, and those a person waits for do not stand behind it.
    let heard = callers(
        &[&node],
        &[Bulk, Bulk, Bulk, Interactive, Interactive, Interactive],
        &clock,
    );
    let turns = play(heard, &clock, 1000).await;
    let at = |place: usize| {
        let found = turns.iter().find(|(number, _)| *number == place);
        found.unwrap().1.unwrap()
    };
    assert_eq!([at(0), at(1)], [0, 0]);
    assert_eq!([at(3), at(4), at(5)], [0, 0, 100]);
    assert_eq!(at(2), 400, "when less than half of the burst is used again");
}

#[tokio::test]
async fn bulk_gives_up_while_the_interactive_need_everything() {
    let clock = Arc::new(TestClock::default());
    let cache = FickleCache::new(clock.clone());
    let node = limiter(&cache, &clock);
    let mut heard = callers(&[&node], &[Lane::Interactive; 4], &clock);
    let mut bulk = callers(&[&node], &[Lane::Bulk], &clock);
    for _ in 0..25 {
        settle().await;
        clock.advance(100 * MS);
        let more = callers(&[&node], &[Lane::Interactive], &clock);
        settle().await;
        drop(more);
    }
    settle().await;
    assert!((0..4).all(|_| heard.try_recv().unwrap().1.is_ok()));
    assert!(matches!(bulk.try_recv(), Ok((0, Err(Busy { .. })))));
}

/// A node that begins while the cache is away cannot know of the others.
#[tokio::test]
async fn who_never_heard_how_many_there_are_takes_a_part() {
    let clock = Arc::new(TestClock::default());
    let cache = FickleCache::new(clock.clone());
    cache.is(Mood::Refused);
    let node = limiter(&cache, &clock);
    let heard = callers(&[&node], &[Lane::Interactive; 3], &clock);
    let at: Vec<_> = play(heard, &clock, 1000).await;
    let at: Vec<i64> = at.iter().map(|(_, turn)| turn.unwrap()).collect();
    assert_eq!(at, [0, 400, 800], "a quarter of ten a second");
    cache.is(Mood::Fair);
    let heard = callers(&[&node], &[Lane::Interactive; 4], &clock);
    let at = play(heard, &clock, 5).await.len();
    assert_eq!(at, 4, "it is alone");
}

/// Nodes that begin one after the other know of each other within a moment, not in half a minute.
#[tokio::test]
async fn who_came_first_soon_knows_of_the_others() {
    let clock = Arc::new(TestClock::default());
    let cache = FickleCache::new(clock.clone());
    let nodes = [limiter(&cache, &clock), limiter(&cache, &clock)];
    for _ in 0..2 {
        let heard = callers(&[&nodes[0], &nodes[1]], &[Lane::Interactive; 2], &clock);
        assert_eq!(play(heard, &clock, 5).await.len(), 2);
        clock.advance(Duration::from_secs(2));
    }
    cache.is(Mood::Refused);
    let heard = callers(&[&nodes[0]], &[Lane::Interactive; 4], &clock);
    let turns = play(heard, &clock, 1000).await;
    let at: Vec<i64> = turns.iter().map(|(_, turn)| turn.unwrap()).collect();
    assert_eq!(at, [0, 0, 200, 400], "half of it");
}

#[tokio::test]
async fn without_the_cache_each_node_keeps_to_its_share() {
    let clock = Arc::new(TestClock::default());
    let cache = FickleCache::new(clock.clone());
    let nodes = [limiter(&cache, &clock), limiter(&cache, &clock)];
    // The first has heard of the second when the next span begins.
    for _ in 0..2 {
        let heard = callers(&[&nodes[0], &nodes[1]], &[Lane::Interactive; 2], &clock);
        assert_eq!(play(heard, &clock, 5).await.len(), 2);
        clock.advance(Duration::from_secs(30));
    }
    cache.is(Mood::Refused);
    let heard = callers(&[&nodes[0], &nodes[1]], &[Lane::Interactive; 8], &clock);
    let turns = play(heard, &clock, 1000).await;
    let at: Vec<i64> = turns.iter().map(|(_, turn)| turn.unwrap()).collect();
    // Two at once and five a second on each of the two.
    assert_eq!(at, [0, 0, 0, 0, 200, 200, 400, 400]);
    cache.is(Mood::Fair);
    let heard = callers(&[&nodes[0], &nodes[1]], &[Lane::Interactive; 4], &clock);
    assert_eq!(play(heard, &clock, 5).await.len(), 4, "together again");
}

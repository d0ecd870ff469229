use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use parking_lot::Mutex;
use proptest::{prelude::*, strategy::Strategy as Choice};

use super::*;
use crate::{
    bot::Catalogue,
    broker::Embedded,
    cache::MemoryCache,
    clock::{Clock as _, TestClock},
    conversation::Move,
    engine::{EngineParts, EngineSettings},
    message::{Arrival, Author, BotName, ExternalId, InboxName, PeerId, Trigger, What, WorkerId},
    routing::{Strategy, WorkingHours},
    store::{Claim, Intake, MemoryStore, Verdict},
    testkit,
    texts::{Locale, Texts},
};

/// How the cache answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    Fair,
    Refused,
    Silent,
}

/// A cache that says it is shared, and may be away.
struct Shared {
    memory: MemoryCache,
    weather: Mutex<Weather>,
}

impl Shared {
    async fn pass(&self) -> Result<&MemoryCache, CacheError> {
        let weather = *self.weather.lock();
        match weather {
            Weather::Fair => Ok(&self.memory),
            Weather::Refused => Err(CacheError("refused".to_owned())),
            Weather::Silent => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Cache for Shared {
    async fn get(&self, key: &str) -> Result<Option<String>, CacheError> {
        self.pass().await?.get(key).await
    }
    async fn put(&self, key: &str, value: &str, ttl: Duration) -> Result<(), CacheError> {
        self.pass().await?.put(key, value, ttl).await
    }
    async fn remove_if(&self, key: &str, value: &str) -> Result<bool, CacheError> {
        self.pass().await?.remove_if(key, value).await
    }
    async fn hold(&self, key: &str, owner: &str, ttl: Duration) -> Result<bool, CacheError> {
        self.pass().await?.hold(key, owner, ttl).await
    }
    async fn release(&self, key: &str, owner: &str) -> Result<(), CacheError> {
        self.pass().await?.release(key, owner).await
    }
    async fn add(&self, key: &str, by: i64, ttl: Duration) -> Result<i64, CacheError> {
        self.pass().await?.add(key, by, ttl).await
    }
    fn shared(&self) -> bool {
        true
    }
    async fn append(&self, key: &str, entry: &str, bounds: Bounds) -> Result<(), CacheError> {
        self.pass().await?.append(key, entry, bounds).await
    }
    async fn restart(&self, key: &str, entry: &str, bounds: Bounds) -> Result<(), CacheError> {
        self.pass().await?.restart(key, entry, bounds).await
    }
    async fn list(&self, key: &str) -> Result<Vec<String>, CacheError> {
        self.pass().await?.list(key).await
    }
    async fn drop_list(&self, key: &str) -> Result<(), CacheError> {
        self.pass().await?.drop_list(key).await
    }
}

/// An engine whose loops do not run: commits are made by hand.
struct Bench {
    engine: Arc<Engine>,
    cache: Arc<Shared>,
    clock: Arc<TestClock>,
    written: mpsc::Receiver<Write>,
    arrivals: i64,
    id: ConversationId,
}

fn parts(clock: Arc<TestClock>, cache: Arc<dyn Cache>) -> EngineParts {
    EngineParts {
        store: Arc::new(MemoryStore::new(clock.clone())),
        cache,
        broker: Arc::new(Embedded),
        clock: clock.clone(),
        media: testkit::tools_at(clock).media,
        channels: Arc::new(BTreeMap::new()),
        catalogue: Arc::new(Catalogue::default()),
        guards: Vec::new(),
        agents: BTreeMap::new(),
        strategy: Strategy::default(),
        hours: WorkingHours::default(),
        on_duty: Vec::new(),
        texts: Arc::new(Texts::new(Locale::Zh)),
        settings: EngineSettings {
            context_messages: 3,
            context_bytes: 4000,
            ..EngineSettings::default()
        },
    }
}

impl Bench {
    fn new() -> Self {
        let clock = Arc::new(TestClock::default());
        let cache = Arc::new(Shared {
            memory: MemoryCache::new(clock.clone()),
            weather: Mutex::new(Weather::Fair),
        });
        let engine = Engine::new(parts(clock.clone(), cache.clone()));
        let written = engine.ring.as_ref().unwrap().written.lock().take().unwrap();
        Self {
            engine,
            cache,
            clock,
            written,
            arrivals: 0,
            id: ConversationId(0),
        }
    }

    fn ring(&self) -> &Ring {
        self.engine.ring.as_ref().unwrap()
    }

    async fn claim(&mut self) -> Claim {
        self.arrivals += 1;
        self.clock.advance(Duration::from_millis(10));
        let now = self.clock.now();
        let arrival = Arrival {
            inbox: InboxName::new("mall"),
            external_id: ExternalId::new(self.arrivals.to_string()),
            peer: PeerId::new("o-zhou"),
            author: Author::Contact,
            what: What::Content(Content::text("")),
            sent_at: now,
            received_at: now,
            decoded_at: None,
            trigger: Some(Trigger::Message),
            profile: None,
        };
        let intake = Intake {
            arrivals: vec![arrival],
            cursor: None,
            entry: BotName::new("ai"),
        };
        let store = &self.engine.parts.store;
        store.accept(intake).await.unwrap();
        let claim = store
            .claim(&WorkerId::new("w"), Duration::from_secs(9))
            .await;
        let claim = claim.unwrap().unwrap();
        self.id = claim.conversation.id;
        claim
    }

    /// A turn that says this; what it was written into the cache as waits.
    async fn turn(&mut self, said: &[&str], moved: Option<Move>) {
        let claim = self.claim().await;
        let mut changes = Changes::none(claim.conversation.clone());
        if let Some(moved) = moved {
            // What is not legal now is no move.
            let _ = changes.conversation.apply(moved, self.clock.now());
        }
        for words in said {
            let author = match words.starts_with('*') {
                true => EntryAuthor::Note,
                false => EntryAuthor::Contact,
            };
            changes.entries.push(NewEntry {
                trace: claim.arrivals[0].id,
                author,
                content: Content::text(*words),
                at: self.clock.now(),
            });
        }
        let verdict = Verdict::Turned {
            by: None,
            note: None,
        };
        changes.done.push((claim.arrivals[0].id, verdict));
        let words = Words::of(&mut changes);
        let (id, over) = (claim.conversation.id, is_over(&changes.conversation));
        self.engine
            .parts
            .store
            .commit(claim, changes)
            .await
            .unwrap();
        self.ring().committed(id, words.as_ref(), over);
    }

    /// The writes that wait.
    fn waiting(&mut self) -> Vec<Write> {
        let mut all = Vec::new();
        while let Ok(write) = self.written.try_recv() {
            all.push(write);
        }
        all
    }

    async fn make(&self, write: Write) {
        // While the cache is away nothing is written.
        let _ = self.ring().make(&*self.cache, &write).await;
    }

    async fn make_all(&mut self) {
        for write in self.waiting() {
            self.make(write).await;
        }
    }

    async fn conversation(&self) -> Conversation {
        let store = &self.engine.parts.store;
        let found = store.conversation(self.id).await.unwrap();
        found.unwrap().0
    }

    async fn context(&self, wanted: usize) -> Vec<String> {
        let conversation = self.conversation().await;
        let lines = self.engine.context(&conversation, wanted).await.unwrap();
        let words = lines.iter().map(|line| line.content.words().unwrap());
        words.map(str::to_owned).collect()
    }

    /// What the cache alone would say.
    async fn cached(&self, wanted: usize) -> Result<usize, Missing> {
        let conversation = self.conversation().await;
        let read = self.ring().read(&*self.cache, &conversation, wanted);
        read.await.map(|lines| lines.len())
    }
}

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
    for weather in [Weather::Refused, Weather::Silent] {
        *bench.cache.weather.lock() = weather;
        assert_eq!(bench.cached(2).await, Err(Missing::Away));
        assert_eq!(bench.context(2).await, ["one", "two"], "{weather:?}");
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

/// What may happen.
#[derive(Debug, Clone)]
enum Step {
    Turn(Vec<&'static str>, u8),
    /// The first of the writes that wait is made last, is made, or is lost.
    Later,
    Write,
    Lose,
    Emptied,
    Read(usize),
}

fn step() -> impl Choice<Value = Step> {
    let said = prop::collection::vec(prop::sample::select(vec!["a", "b", "*n"]), 0..4);
    prop_oneof![
        6 => (said, 0..8_u8).prop_map(|(said, moved)| Step::Turn(said, moved)),
        2 => Just(Step::Later),
        6 => Just(Step::Write),
        2 => Just(Step::Lose),
        1 => Just(Step::Emptied),
        6 => (1..25_usize).prop_map(Step::Read),
    ]
}

proptest! {
    /// Whatever is lost, late or emptied: the context is what the store has.
    #[test]
    fn it_is_always_what_the_store_has(steps in prop::collection::vec(step(), 1..120)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut bench = Bench::new();
            let (mut waiting, mut number) = (std::collections::VecDeque::new(), 0);
            bench.turn(&["begin"], None).await;
            for step in steps {
                waiting.extend(bench.waiting());
                match step {
                    Step::Turn(said, moved) => {
                        number += 1;
                        let said: Vec<String> = said.iter().map(|words| format!("{words}{number}")).collect();
                        let said: Vec<&str> = said.iter().map(String::as_str).collect();
                        let moved = match moved {
                            0 => Some(Move::Resolve),
                            1..4 => Some(Move::Reopen),
                            _ => None,
                        };
                        bench.turn(&said, moved).await;
                    }
                    Step::Later => if let Some(write) = waiting.pop_front() { waiting.push_back(write) },
                    Step::Write => if let Some(write) = waiting.pop_front() { bench.make(write).await },
                    Step::Lose => drop(waiting.pop_front()),
                    Step::Emptied => bench.cache.drop_list(&key(bench.id)).await.unwrap(),
                    Step::Read(wanted) => {
                        let (lines, _) = bench.engine.said(bench.id, wanted).await.unwrap();
                        let there: Vec<String> = lines.iter().map(|line| line.content.words().unwrap().to_owned()).collect();
                        assert_eq!(bench.context(wanted).await, there);
                    }
                }
            }
        });
    }
}

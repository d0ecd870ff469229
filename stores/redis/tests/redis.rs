//! The cache on a real Redis: the contract, and what happens while Redis is away.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has found something"
)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bridge_cache_redis::{Options, RedisCache};
use bridge_core::cache::{Admission, Cache, CacheError, Pace};
use bridge_testkit::{
    cache::{Bench, conforms},
    proxy::{Proxy, authority},
    servers,
};

const LONG: Duration = Duration::from_secs(60);

/// As patient as a busy test machine needs, where nothing is said about how fast it fails.
fn patient() -> Options {
    Options {
        call: Duration::from_secs(20),
        connect: Duration::from_secs(20),
        ..Options::default()
    }
}

/// A cache behind a wire that can be cut.
async fn behind_a_wire(name: &str, options: Options) -> (Proxy, Arc<RedisCache>) {
    let url = servers::redis();
    let proxy = Proxy::before(authority(&url)).await;
    let prefix = servers::unique(name);
    let cache = RedisCache::connect_with(&proxy.in_place_of(&url), &prefix, options);
    (proxy, cache.unwrap())
}

/// Waits until calls work again.
async fn works_again(cache: &RedisCache) {
    let since = Instant::now();
    while let Err(error) = cache.put("again", "here", LONG).await {
        assert!(since.elapsed() < Duration::from_secs(30), "{error}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until a call fails; how long that call took, and why it failed.
async fn fails(cache: &RedisCache) -> (Duration, CacheError) {
    let since = Instant::now();
    loop {
        let began = Instant::now();
        if let Err(error) = cache.get("anything").await {
            return (began.elapsed(), error);
        }
        assert!(since.elapsed() < Duration::from_secs(30), "it never fails");
    }
}

/// The longest a call may take, and what a busy test machine adds.
const FAST: Duration = Duration::from_millis(500);

#[tokio::test]
async fn redis_conforms() {
    let prefix = servers::unique("conforms");
    let node = || RedisCache::connect_with(&servers::redis(), &prefix, patient()).unwrap();
    conforms(&Bench {
        nodes: [node(), node()],
        clock: None,
    })
    .await;
}

#[tokio::test]
async fn what_has_another_prefix_is_another_cache() {
    let node =
        |prefix: String| RedisCache::connect_with(&servers::redis(), &prefix, patient()).unwrap();
    let (ours, theirs) = (
        node(servers::unique("ours")),
        node(servers::unique("theirs")),
    );
    ours.put("fact", "ours", LONG).await.unwrap();
    assert!(theirs.hold("fact", "theirs", LONG).await.unwrap());
    assert_eq!(ours.get("fact").await.unwrap().as_deref(), Some("ours"));
}

/// Two nodes ask a thousand times: however they mix, the turns are all different and a step apart.
#[tokio::test]
async fn turns_of_two_nodes_never_coincide() {
    let prefix = servers::unique("turns");
    let nodes =
        [(); 2].map(|()| RedisCache::connect_with(&servers::redis(), &prefix, patient()).unwrap());
    let pace = Pace {
        every: Duration::from_secs(5),
        ahead: Duration::ZERO,
        patience: Duration::from_secs(100_000),
    };
    let asked = (0..1000).map(|number: usize| {
        let node = nodes[number % 2].clone();
        tokio::spawn(async move { node.admit("rate", &pace).await.unwrap() })
    });
    let mut steps = Vec::new();
    for turn in asked.collect::<Vec<_>>() {
        let Admission::Granted { after } = turn.await.unwrap() else {
            panic!("refused within patience");
        };
        // Which step of the pace it is, whatever the asking took.
        steps.push((after.as_secs_f64() / 5.0).ceil() as u32);
    }
    steps.sort_unstable();
    assert_eq!(steps, (0..1000).collect::<Vec<_>>());
}

/// A Redis that was started anew has forgotten the scripts.
#[tokio::test]
async fn forgotten_scripts_are_told_again() {
    let prefix = servers::unique("scripts");
    let cache = RedisCache::connect_with(&servers::redis(), &prefix, patient()).unwrap();
    assert_eq!(cache.add("count", 1, LONG).await.unwrap(), 1);
    let client = redis::Client::open(servers::redis()).unwrap();
    let mut other = client.get_multiplexed_async_connection().await.unwrap();
    let flush = redis::cmd("SCRIPT").arg("FLUSH").to_owned();
    flush.exec_async(&mut other).await.unwrap();
    assert_eq!(cache.add("count", 1, LONG).await.unwrap(), 2);
}

/// What is not a number, or not a text, is an error of that key alone.
#[tokio::test]
async fn a_refused_command_breaks_nothing() {
    let prefix = servers::unique("refused-command");
    let cache = RedisCache::connect_with(&servers::redis(), &prefix, patient()).unwrap();
    cache.put("word", "seven", LONG).await.unwrap();
    assert!(cache.add("word", 1, LONG).await.is_err());
    assert_eq!(cache.get("word").await.unwrap().as_deref(), Some("seven"));
    assert!(cache.health().await.up);
}

#[tokio::test]
async fn it_starts_without_redis_and_finds_it_later() {
    let url = servers::redis();
    let proxy = Proxy::before(authority(&url)).await;
    proxy.refuse();
    let cache = RedisCache::connect(&proxy.in_place_of(&url), &servers::unique("later")).unwrap();
    let began = Instant::now();
    assert!(cache.get("fact").await.is_err());
    assert!(began.elapsed() < FAST, "{:?}", began.elapsed());
    let health = cache.health().await;
    assert!(!health.up);
    assert!(health.detail.contains("redis://127.0.0.1"), "{health:?}");
    proxy.resume();
    works_again(&cache).await;
    assert!(cache.health().await.up);
}

#[tokio::test]
async fn a_cut_wire_is_mended_without_a_word() {
    let (proxy, cache) = behind_a_wire("cut", patient()).await;
    for _ in 0..5 {
        works_again(&cache).await;
        proxy.cut();
        proxy.connected(0).await;
        // At most the call that finds the wire cut fails.
        let _ = cache.get("again").await;
        let found = cache.get("again").await.unwrap();
        assert_eq!(found.as_deref(), Some("here"));
    }
}

#[tokio::test]
async fn while_nobody_lets_it_in_calls_fail_at_once() {
    let (proxy, cache) = behind_a_wire("refused", Options::default()).await;
    works_again(&cache).await;
    proxy.refuse();
    let (took, _) = fails(&cache).await;
    assert!(took < FAST, "{took:?}");
    // A thousand calls cost less than two slow ones might.
    let began = Instant::now();
    for _ in 0..1000 {
        assert!(cache.hold("lock", "me", LONG).await.is_err());
    }
    assert!(began.elapsed() < 2 * FAST, "{:?}", began.elapsed());
    assert!(!cache.health().await.up);
    proxy.resume();
    works_again(&cache).await;
    assert!(cache.hold("lock", "me", LONG).await.unwrap());
}

#[tokio::test]
async fn silence_is_taken_for_absence() {
    let (proxy, cache) = behind_a_wire("silent", Options::default()).await;
    works_again(&cache).await;
    proxy.hold();
    let (took, error) = fails(&cache).await;
    assert!(took < 2 * FAST, "{took:?}: {error}");
    // The connection is given up, the next is tried in vain, and then nobody waits any more.
    let since = Instant::now();
    loop {
        let (took, error) = fails(&cache).await;
        if took < Duration::from_millis(5) {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(30), "{error}");
    }
    proxy.resume();
    works_again(&cache).await;
}

/// Nobody calls, and yet the metric and the next caller know.
#[tokio::test]
async fn a_quiet_connection_is_tried() {
    let options = Options {
        heartbeat: Duration::from_millis(20),
        ..patient()
    };
    let (proxy, cache) = behind_a_wire("quiet", options).await;
    works_again(&cache).await;
    proxy.cut();
    proxy.let_in(2).await;
    let found = cache.get("again").await;
    assert_eq!(
        found.unwrap().as_deref(),
        Some("here"),
        "not even one fails"
    );
}

#[tokio::test]
async fn a_dropped_cache_lets_its_connection_go() {
    let (proxy, cache) = behind_a_wire("dropped", patient()).await;
    works_again(&cache).await;
    proxy.connected(1).await;
    drop(cache);
    proxy.connected(0).await;
}

#[tokio::test]
async fn what_is_no_url_is_said_without_its_password() {
    for url in [
        "http://kefu:hush@cache/0",
        "redis://kefu:hush@cache:port/0",
        "hush",
    ] {
        let error = RedisCache::connect(url, "").err().unwrap();
        assert!(!error.to_string().contains("hush"), "{error}");
    }
}

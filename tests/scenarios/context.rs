//! The last words of a conversation in a real Redis: there while it is open, bounded, and gone when it is over.

use bridge_testkit::servers;
use redis::{AsyncCommands, aio::MultiplexedConnection};

use crate::stage::{Set, Stage};

/// A bridge whose cache is Redis.
async fn on_redis(prefix: &str, ttl: &str) -> Stage {
    let more = format!(
        "[cache]\nurl = \"{}\"\nprefix = \"{prefix}:\"\ncontext_ttl = \"{ttl}\"\n",
        servers::redis()
    );
    Stage::with(Set {
        assistant: false,
        more,
        ..Set::default()
    })
    .await
}

async fn redis() -> MultiplexedConnection {
    let client = redis::Client::open(servers::redis()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

async fn kept(redis: &mut MultiplexedConnection, prefix: &str) -> Vec<String> {
    redis.keys(format!("{prefix}:context:*")).await.unwrap()
}

async fn metric(stage: &Stage, line: &str) -> u64 {
    let metrics = reqwest::get(format!("{}/metrics", stage.bridge.url)).await;
    let metrics = metrics.unwrap().text().await.unwrap();
    let found = metrics.lines().find_map(|one| one.strip_prefix(line));
    found.map_or(0, |value| value.trim().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_words_are_in_redis_while_a_conversation_is_open() {
    let prefix = servers::unique("context");
    let (stage, mut redis) = (on_redis(&prefix, "1h").await, redis().await);
    let (phone, system, lin) = (
        stage.phone("小周"),
        stage.agent("system"),
        stage.agent("lin"),
    );
    assert!(phone.says("人工").await.delivered());
    let peer = system.hears_text("新会话").await.unwrap().peer;
    for number in 1..=30 {
        assert!(phone.says(&format!("第 {number:02} 句")).await.delivered());
    }
    system.hears_text("第 30 句").await.unwrap();
    stage.settled().await;
    // Written beside the message path: each round trip to Redis is the wait.
    let key = loop {
        if let Some(key) = kept(&mut redis, &prefix).await.pop() {
            let last: Vec<String> = redis.lrange(&key, -1, -1).await.unwrap();
            if last.iter().any(|entry| entry.contains("第 30 句")) {
                break key;
            }
        }
    };
    let entries: usize = redis.llen(&key).await.unwrap();
    assert!(entries <= 20, "{entries} entries");
    let ttl: i64 = redis.ttl(&key).await.unwrap();
    assert!((3500..=3600).contains(&ttl), "{ttl} s to live");

    system.says(&peer, "#转接 -n lin").unwrap().await;
    let card = lin.hears_text("新会话").await.unwrap();
    for said in ["最近 20 条", "第 11 句", "第 30 句"] {
        assert!(card.text().contains(said), "{said}: {}", card.text());
    }
    assert!(!card.text().contains("第 10 句"), "{}", card.text());
    let from_cache = metric(&stage, "kefu_context_reads_total{from=\"cache\"}").await;
    assert_eq!(from_cache, 1, "the handover read no history");

    // Emptied: the store tells, and the list is begun anew.
    let _: () = redis.del(&key).await.unwrap();
    lin.says(&peer, "#转接 -n system").unwrap().await;
    let is_second = |message: &bridge_sandbox::tim::Heard| {
        message.text().contains("新会话") && message.text().contains("第 30 句")
    };
    system.hears_which("the card", is_second).await.unwrap();
    let absent = metric(&stage, "kefu_context_reads_total{from=\"absent\"}").await;
    assert_eq!(absent, 1);

    assert!(phone.says("#退出").await.delivered());
    stage.settled().await;
    while !kept(&mut redis, &prefix).await.is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_put_there_where_nobody_wants_it() {
    let prefix = servers::unique("no-context");
    let (stage, mut redis) = (on_redis(&prefix, "0s").await, redis().await);
    let (phone, system, lin) = (
        stage.phone("小周"),
        stage.agent("system"),
        stage.agent("lin"),
    );
    assert!(phone.says("人工").await.delivered());
    let peer = system.hears_text("新会话").await.unwrap().peer;
    assert!(phone.says("订单 42").await.delivered());
    system.hears_text("订单 42").await.unwrap();
    system.says(&peer, "#转接 -n lin").unwrap().await;
    let card = lin.hears_text("新会话").await.unwrap();
    assert!(card.text().contains("订单 42"), "{}", card.text());
    stage.settled().await;
    assert!(kept(&mut redis, &prefix).await.is_empty());
}

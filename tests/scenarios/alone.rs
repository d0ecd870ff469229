//! Without its cache and its queue the bridge carries on, says so, and finds them again by itself.

use bridge_testkit::{
    proxy::{Proxy, authority},
    servers,
};
use serde_json::Value;

use crate::stage::{Set, Stage};

/// The wires to Redis and RabbitMQ, and a bridge at their ends.
struct Wired {
    redis: Proxy,
    rabbit: Proxy,
    stage: Stage,
}

async fn wired() -> Wired {
    let (cache, queue) = (servers::redis(), servers::rabbitmq());
    let redis = Proxy::before(authority(&cache)).await;
    let rabbit = Proxy::before(authority(&queue)).await;
    let name = servers::unique("scenario");
    let more = format!(
        "[cache]\nurl = \"{}\"\nprefix = \"{name}:\"\n[queue]\nurl = \"{}\"\nexchange = \"{name}\"\n",
        redis.in_place_of(&cache),
        rabbit.in_place_of(&queue)
    );
    let set = Set {
        more,
        assistant: false,
        ..Set::default()
    };
    Wired {
        redis,
        rabbit,
        stage: Stage::with(set).await,
    }
}

/// Asks until the bridge says of itself what is wanted.
async fn says(stage: &Stage, degraded: bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..3000 {
        last = stage.ready().await;
        assert_eq!(last["ready"], true, "{last}");
        if last["degraded"] == degraded {
            return last;
        }
        // There is no event to wait for: each round trip is the wait, and this keeps it from being a busy one.
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("never degraded = {degraded}: {last}");
}

async fn metric(stage: &Stage, name: &str) -> String {
    let page = reqwest::get(format!("{}/metrics", stage.bridge.url));
    let page = page.await.unwrap().text().await.unwrap();
    let line = page.lines().find(|line| line.starts_with(name));
    line.unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_cache_and_queue_messages_still_get_through() {
    let Wired {
        redis,
        rabbit,
        stage,
    } = wired().await;
    let (phone, system) = (stage.phone("小周"), stage.agent("system"));
    let state = says(&stage, false).await;
    assert!(state["cache"]["detail"].to_string().contains("redis://"));
    assert!(!state["queue"]["detail"].to_string().contains(":guest@"));
    assert!(phone.says("人工").await.delivered());
    let peer = system.hears_text("新会话").await.unwrap().peer;

    redis.refuse();
    rabbit.refuse();
    let state = says(&stage, true).await;
    assert_eq!(state["cache"]["ok"], false, "{state}");
    for number in 1..=5 {
        assert!(phone.says(&format!("客户 {number}。")).await.delivered());
        system.hears_text(&format!("客户 {number}")).await.unwrap();
        let said = format!("客服 {number}。");
        system.says(&peer, &said).unwrap().await;
        phone.hears_text(&said).await.unwrap();
    }
    assert_eq!(metric(&stage, "kefu_cache_up").await, "kefu_cache_up 0");

    redis.resume();
    rabbit.resume();
    let state = says(&stage, false).await;
    assert_eq!(state["queue"]["ok"], true, "{state}");
    assert_eq!(metric(&stage, "kefu_cache_up").await, "kefu_cache_up 1");
    assert_eq!(metric(&stage, "kefu_broker_up").await, "kefu_broker_up 1");
    assert!(phone.says("还在吗").await.delivered());
    system.hears_text("还在吗").await.unwrap();
    stage.settled().await;
}

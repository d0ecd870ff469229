//! What a platform allows a second is kept by all nodes together; without Redis each keeps to its part of it, also who began
//! without.

use std::{sync::Arc, time::Duration};

use bridge_testkit::{
    proxy::{Proxy, authority},
    servers,
};

use crate::{
    hard_weather::balancer::{self, Up},
    stage::{Backs, Bridge, Set, Stage},
};

const NODES: usize = 3;
/// With the burst, at most 100 within any second.
const RATE: u32 = 90;
/// What arrives late on a busy machine arrives together. Three times as much would be everybody's whole rate.
const BOUND: u32 = 180;
const CONTACTS: usize = 30;

/// Everybody writes as much as a desk takes in seconds; the most that it was called within one.
async fn busiest(stage: &Stage, round: usize) -> u32 {
    stage.sandbox.tim().busiest_second();
    let mut writing = Vec::new();
    for number in 0..CONTACTS {
        let phone = stage.phone(&format!("客户{number}"));
        writing.push(tokio::spawn(async move {
            for line in 0..6 {
                assert!(phone.says(&format!("{round}.{line}")).await.delivered());
            }
        }));
    }
    for writing in writing {
        writing.await.unwrap();
    }
    stage.settled().await;
    stage.sandbox.tim().busiest_second()
}

fn address(bridge: &Bridge) -> std::net::SocketAddr {
    bridge.url.trim_start_matches("http://").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_keep_a_rate_together_and_each_a_part_of_it_alone() {
    let redis = Proxy::before(authority(&servers::redis())).await;
    let mut settings = bridge_sandbox::Settings::sink();
    settings.chat_capacity = 10_000;
    settings.patience = Duration::from_secs(60);
    let mut stage = Stage::with(Set {
        assistant: false,
        capacity: 1000,
        backs: Backs::Servers,
        redis: Some(redis.in_place_of(&servers::redis())),
        api_rate: RATE,
        settings,
        ..Set::default()
    })
    .await;
    let config = stage.config();
    let mut others: Vec<Bridge> = (1..NODES).map(|_| Bridge::start(&config)).collect();
    let up: Up = Arc::default();
    let is_up = |stage: &Stage, others: &[Bridge]| {
        let all = others.iter().chain([&stage.bridge]);
        *up.write() = all.map(|bridge| Some(address(bridge))).collect();
    };
    is_up(&stage, &others);
    stage.sandbox.set_bridge(&balancer::start(up.clone()).await);
    for number in 0..CONTACTS {
        let phone = stage.phone(&format!("客户{number}"));
        assert!(phone.says("人工").await.delivered());
        phone.hears_text("为您服务").await.unwrap();
    }
    let together = busiest(&stage, 1).await;
    redis.refuse();
    let alone = busiest(&stage, 2).await;
    for bridge in others.iter_mut().chain([&mut stage.bridge]) {
        bridge.kill();
        *bridge = Bridge::start(&config);
    }
    is_up(&stage, &others);
    let begun_alone = busiest(&stage, 3).await;
    println!(
        "calls within a second: {together}, without Redis {alone}, begun without {begun_alone}"
    );
    assert!((RATE / 2..BOUND).contains(&together), "{together}");
    assert!(alone < BOUND, "{alone}");
    assert!(begun_alone < BOUND, "{begun_alone}");
}

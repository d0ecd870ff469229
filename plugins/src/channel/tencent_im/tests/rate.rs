use std::sync::Arc;
use std::time::Duration;

use bridge_core::channel::{Channel, ChannelError};
use bridge_core::clock::{Clock, Timestamp};
use bridge_core::error::Remedy;
use bridge_core::message::PeerId;
use serde_json::json;
use tokio::sync::mpsc;

use super::super::TencentIm;
use super::kit::{Kit, kit_with};

const ASKED: &str = "openim/query_online_status";

/// Two nodes of 45 calls a second, and five at once.
async fn two_nodes() -> (Kit, [Arc<TencentIm>; 2]) {
    let rate = json!({"api_rate": 45});
    let kit = kit_with(rate.clone()).await;
    kit.peer.goes_by(&kit.clock);
    let nodes = [(); 2].map(|()| Arc::new(kit.other_node_with(rate.clone())));
    (kit, nodes)
}

/// One call.
async fn calls(node: &TencentIm) -> Result<(), ChannelError> {
    let accounts = [PeerId::new("agent_1")];
    let presence = node.presence().unwrap();
    presence.online(&accounts).await.map(drop)
}

/// Waits until that many calls have come. What the clock allows comes by itself: there is no event but the next look.
async fn come(kit: &Kit, wanted: usize) {
    while kit.peer.called(ASKED).len() < wanted {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn two_nodes_together_keep_the_rate() {
    let (kit, nodes) = two_nodes().await;
    let start = kit.clock.now();
    let (done, mut finished) = mpsc::unbounded_channel();
    for number in 0..140 {
        let (node, done) = (nodes[number % 2].clone(), done.clone());
        tokio::spawn(async move { done.send(calls(&node).await) });
    }
    // A fifth of a second allows nine more. All that is allowed has come before the clock goes on, so what comes early
    // is noted early.
    for step in 0..=15 {
        come(&kit, 5 + step * 9).await;
        kit.clock.advance(Duration::from_millis(200));
    }
    for _ in 0..140 {
        finished.recv().await.unwrap().unwrap();
    }
    let times: Vec<Timestamp> = kit.peer.called(ASKED).iter().map(|call| call.at).collect();
    assert_eq!(times.len(), 140);
    let first = times.iter().filter(|time| **time == start).count();
    assert_eq!(first, 5, "a burst");
    for from in &times {
        let second = *from + Duration::from_secs(1);
        let within = |time: &&Timestamp| (*from..second).contains(*time);
        let passed = times.iter().filter(within).count();
        assert!(passed <= 50, "{passed} in the second from {from}");
    }
}

#[tokio::test]
async fn what_would_wait_too_long_is_put_off() {
    let (kit, nodes) = two_nodes().await;
    let (done, mut finished) = mpsc::unbounded_channel();
    // Five at once and 45 in each of the five seconds of patience.
    for number in 0..235 {
        let (node, done) = (nodes[number % 2].clone(), done.clone());
        tokio::spawn(async move { done.send(calls(&node).await) });
    }
    let mut put_off = 0;
    while put_off < 5 {
        if let Err(error) = finished.recv().await.unwrap() {
            let Remedy::Retry { after } = error.remedy else {
                panic!("{error:?}");
            };
            assert!(after <= Duration::from_millis(23), "{after:?}");
            put_off += 1;
        }
    }
    kit.clock.advance(Duration::from_secs(5));
    for _ in 0..225 {
        finished.recv().await.unwrap().unwrap();
    }
    assert_eq!(kit.peer.called(ASKED).len(), 230);
}

#[tokio::test]
async fn no_limit_is_no_limit() {
    let kit = kit_with(json!({"api_rate": 0})).await;
    for _ in 0..50 {
        calls(&kit.channel).await.unwrap();
    }
}

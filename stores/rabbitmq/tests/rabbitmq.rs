//! The broker on a real RabbitMQ: the contract, and what happens while RabbitMQ is away.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has found something"
)]

use std::{sync::Arc, time::Duration};

use bridge_broker_rabbitmq::{BadUrl, Rabbit};
use bridge_core::{
    broker::{Broker, Notice},
    message::ConversationId,
};
use bridge_testkit::{
    broker::{conforms, heard_until},
    proxy::{Proxy, authority},
    servers,
};
use tokio::time::timeout;

/// Long enough for a busy test machine.
const LONG: Duration = Duration::from_secs(60);

fn changed(number: i64) -> Notice {
    Notice::Changed(ConversationId(number))
}

/// Waits until a node is connected, or is not.
async fn is_up(node: &Rabbit, up: bool) {
    let mut health = node.watch();
    let changes = health.wait_for(|health| health.up == up);
    timeout(LONG, changes).await.unwrap().unwrap();
}

async fn connected(url: &str, exchange: &str) -> Arc<Rabbit> {
    let node = Rabbit::connect(url, exchange).unwrap();
    is_up(&node, true).await;
    node
}

/// A node behind a wire that can be cut, and one that is not.
struct Pair {
    proxy: Proxy,
    far: Arc<Rabbit>,
    near: Arc<Rabbit>,
}

async fn pair(name: &str, parameters: &str) -> Pair {
    let (url, exchange) = (servers::rabbitmq(), servers::unique(name));
    let proxy = Proxy::before(authority(&url)).await;
    let far = format!("{}{parameters}", proxy.in_place_of(&url));
    Pair {
        far: connected(&far, &exchange).await,
        near: connected(&url, &exchange).await,
        proxy,
    }
}

#[tokio::test]
async fn rabbitmq_conforms() {
    let (url, exchange) = (servers::rabbitmq(), servers::unique("conforms"));
    let mut nodes: Vec<Arc<dyn Broker>> = Vec::new();
    for number in 0..3 {
        let node = connected(&url, &exchange).await;
        // Those who were there heard that somebody came; what follows is about what is told from now on.
        let mut ear = node.subscribe().unwrap();
        for other in &nodes {
            other.publish(changed(number));
            heard_until(&mut ear, changed(number)).await;
        }
        nodes.push(node);
    }
    // Each speaks once more, so that every "look at everything" of the beginning has been heard.
    for (number, node) in nodes.iter().enumerate() {
        let mut ears: Vec<_> = nodes.iter().map(|node| node.subscribe().unwrap()).collect();
        node.publish(changed(100 + number as i64));
        for (other, ear) in ears.iter_mut().enumerate() {
            if other != number {
                heard_until(ear, changed(100 + number as i64)).await;
            }
        }
    }
    conforms(&nodes).await;
}

#[tokio::test]
async fn what_has_another_exchange_is_another_bridge() {
    let url = servers::rabbitmq();
    let (ours, theirs) = (servers::unique("ours"), servers::unique("theirs"));
    let (one, other) = (connected(&url, &ours).await, connected(&url, &ours).await);
    let stranger = connected(&url, &theirs).await;
    let mut ear = other.subscribe().unwrap();
    stranger.publish(changed(1));
    one.publish(changed(2));
    let before = heard_until(&mut ear, changed(2)).await;
    assert!(!before.contains(&changed(1)), "{before:?}");
}

#[tokio::test]
async fn it_starts_without_rabbitmq_and_finds_it_later() {
    let (url, exchange) = (servers::rabbitmq(), servers::unique("later"));
    let near = connected(&url, &exchange).await;
    let proxy = Proxy::before(authority(&url)).await;
    proxy.refuse();
    let far = Rabbit::connect(&proxy.in_place_of(&url), &exchange).unwrap();
    let mut ear = far.subscribe().unwrap();
    assert!(!far.health().up);
    far.publish(changed(1)); // nobody is told, and nobody waits
    proxy.resume();
    heard_until(&mut ear, Notice::All).await;
    near.publish(changed(2));
    heard_until(&mut ear, changed(2)).await;
    assert!(far.health().up);
}

/// Cut again and again: each time both sides are told to look at everything, and notices get through again.
#[tokio::test]
async fn after_a_cut_both_sides_look_at_everything() {
    let Pair { proxy, far, near } = pair("cut", "").await;
    let mut ears = (far.subscribe().unwrap(), near.subscribe().unwrap());
    near.publish(changed(0));
    heard_until(&mut ears.0, changed(0)).await;
    for round in 1..=3 {
        proxy.cut();
        is_up(&far, false).await;
        assert!(
            far.health().detail.contains("amqp://"),
            "{:?}",
            far.health()
        );
        far.publish(changed(round));
        heard_until(&mut ears.0, Notice::All).await;
        heard_until(&mut ears.1, Notice::All).await;
        far.publish(changed(10 * round));
        heard_until(&mut ears.1, changed(10 * round)).await;
        near.publish(changed(100 * round));
        heard_until(&mut ears.0, changed(100 * round)).await;
    }
    assert!(near.health().up);
}

#[tokio::test]
async fn while_nobody_lets_it_in_publishing_costs_nothing() {
    let Pair { proxy, far, near } = pair("refused", "").await;
    let mut ear = near.subscribe().unwrap();
    proxy.refuse();
    is_up(&far, false).await;
    (0..100_000).for_each(|number| far.publish(changed(number)));
    assert!(!far.health().up);
    proxy.resume();
    is_up(&far, true).await;
    far.publish(changed(-1));
    let before = heard_until(&mut ear, changed(-1)).await;
    assert!(before.contains(&Notice::All));
    assert!(before.len() <= 5_000, "bounded: {}", before.len());
}

/// The heartbeat finds out, though nobody publishes.
#[tokio::test]
async fn silence_is_taken_for_absence() {
    let Pair { proxy, far, near } = pair("silent", "?heartbeat=1").await;
    let mut ear = far.subscribe().unwrap();
    proxy.hold();
    is_up(&far, false).await;
    proxy.resume();
    is_up(&far, true).await;
    heard_until(&mut ear, Notice::All).await;
    near.publish(changed(1));
    heard_until(&mut ear, changed(1)).await;
}

#[tokio::test]
async fn a_dropped_broker_lets_its_connection_go() {
    let Pair { proxy, far, .. } = pair("dropped", "").await;
    proxy.connected(1).await;
    drop(far);
    timeout(LONG, proxy.connected(0)).await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_said_and_not_shown() {
    let url = format!(
        "amqp://kefu:hush-hush@{}/%2f",
        authority(&servers::rabbitmq())
    );
    let node = Rabbit::connect(&url, &servers::unique("password")).unwrap();
    let mut health = node.watch();
    let refused = health.wait_for(|health| !health.detail.ends_with("connecting"));
    let health = timeout(LONG, refused).await.unwrap().unwrap().clone();
    assert!(health.detail.contains("ACCESS_REFUSED"), "{health:?}");
    assert!(!health.detail.contains("hush"), "{health:?}");
}

#[test]
fn what_is_no_url_is_said_without_its_password() {
    for url in ["http://kefu:hush@mq/", "amqp://kefu:hush@mq:port/", "hush"] {
        assert_eq!(Rabbit::connect(url, "any").err(), Some(BadUrl));
    }
}

/// Who goes has its last word heard.
#[tokio::test]
async fn what_is_flushed_is_heard_though_its_node_goes() {
    let (url, exchange) = (servers::rabbitmq(), servers::unique("flush"));
    let (goes, stays) = (
        connected(&url, &exchange).await,
        connected(&url, &exchange).await,
    );
    let mut heard = stays.subscribe().unwrap();
    for number in 0..1000 {
        goes.publish(changed(number));
    }
    timeout(LONG, goes.flush()).await.unwrap();
    drop(goes);
    let last = async { while heard.recv().await.ok() != Some(changed(999)) {} };
    timeout(LONG, last).await.unwrap();
}

/// And to nobody it says nothing.
#[tokio::test]
async fn a_broker_out_of_reach_is_not_flushed() {
    let node = Rabbit::connect("amqp://127.0.0.1:1/%2f", "nobody").unwrap();
    node.publish(Notice::Arrivals);
    timeout(LONG, node.flush()).await.unwrap();
}

//! Group robots.

use serde_json::{Value, json};

use super::buttons;
use crate::kit::World;

#[tokio::test]
async fn a_robot_says_what_its_key_allows() {
    let world = World::new();
    let group = world.sandbox.wecom().group("客服值班群").unwrap();
    let send = async |key: &str, body: Value| {
        let path = format!("/wecom/cgi-bin/webhook/send?key={key}");
        world.post(&path, &body).await.1["errcode"]
            .as_i64()
            .unwrap()
    };
    let key = group.key();
    let text = |text: &str| json!({"msgtype": "text", "text": {"content": text, "mentioned_list": ["@all"]}});
    assert_eq!(send("wrong", text("x")).await, 93000);
    assert_eq!(send(&key, text("队列超过 20 人")).await, 0);
    assert_eq!(
        group.hears_text("20 人").await.unwrap().note.as_deref(),
        Some("@@all")
    );
    assert_eq!(send(&key, text(&"x".repeat(2049))).await, 40058);
    let card = json!({"msgtype": "template_card", "template_card": buttons("x")});
    assert_eq!(send(&key, card).await, 42031);
    assert_eq!(
        send(
            &key,
            json!({"msgtype": "markdown", "markdown": {"content": "x".repeat(4096)}})
        )
        .await,
        0
    );
    for _ in 2..20 {
        assert_eq!(send(&key, text("x")).await, 0);
    }
    assert_eq!(send(&key, text("x")).await, 45009);
    let wire = world.sandbox.wire();
    assert!(
        wire.iter()
            .all(|exchange| !exchange.line.url.contains(&key)),
        "the key is a secret"
    );
}

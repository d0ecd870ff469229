//! What is told as it happens: events, the wire, faults.

use futures_util::StreamExt;
use serde_json::{Value, json};

use super::{delete, put};
use crate::kit::World;

/// Reads `count` events of a live stream.
async fn live(world: &World, after: Option<u64>, count: usize) -> Vec<Value> {
    let mut request = world
        .http
        .get(format!("{}/box/events", world.sandbox.url()));
    if let Some(after) = after {
        request = request.header("last-event-id", after.to_string());
    }
    let mut pieces = request.send().await.unwrap().bytes_stream();
    let mut text = String::new();
    while text.matches("data: ").count() < count || !text.ends_with("\n\n") {
        text.push_str(std::str::from_utf8(&pieces.next().await.unwrap().unwrap()).unwrap());
    }
    let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
    lines
        .map(|json| serde_json::from_str(json).unwrap())
        .collect()
}

#[tokio::test]
async fn events_are_live_numbered_and_caught_up() {
    let world = World::new();
    let before = world.get("/box/state").await["event"].as_u64().unwrap();
    let phone = world.sandbox.wechat().phone("小周");
    phone.says("你好").await;
    let events = live(&world, Some(before), 5).await;
    let kinds: Vec<&str> = events.iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(&kinds[..3], ["customer", "customer_message", "customer"]);
    assert!(
        kinds.contains(&"wire") && kinds.contains(&"customer_message_changed"),
        "{kinds:?}"
    );
    let ids: Vec<u64> = events.iter().map(|e| e["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (before + 1..=before + 5).collect::<Vec<_>>());
    assert_eq!(live(&world, Some(1_000_000), 1).await[0]["kind"], "reset");
}

#[tokio::test]
async fn the_wire_is_shown_raw_and_decrypted_with_secrets_masked() {
    let world = World::new();
    let phone = world.sandbox.wechat().phone("小周");
    phone.says("看得见吗").await;
    let token = world.token().await;
    world.sends_text(&token, phone.openid(), "看得见").await;
    let page = world.get("/box/wire?peer=wechat").await;
    let lines = page["exchanges"].as_array().unwrap();
    let operations: Vec<&str> = lines
        .iter()
        .map(|l| l["operation"].as_str().unwrap())
        .collect();
    assert_eq!(
        operations,
        ["wechat.callback", "wechat.token", "wechat.send"]
    );
    let push = world.get(&format!("/box/wire/{}", lines[0]["id"])).await;
    assert!(
        push["request"]["plain"]
            .as_str()
            .unwrap()
            .contains("看得见吗")
    );
    assert!(
        !push["request"]["body"]
            .as_str()
            .unwrap()
            .contains("看得见吗")
    );
    assert_eq!(
        (
            &push["attempt"],
            &push["direction"],
            &push["answer"]["body"]
        ),
        (&json!(1), &json!("out"), &json!("success"))
    );
    let account = &world.sandbox.wechat().accounts()[0];
    let everything = serde_json::to_string(
        &world
            .sandbox
            .wire()
            .iter()
            .map(|e| &**e)
            .collect::<Vec<_>>(),
    )
    .unwrap();
    for secret in [
        &token,
        &account.app_secret,
        &account.token,
        &account.encoding_aes_key,
    ] {
        assert!(!everything.contains(secret.as_str()), "{secret}");
    }
    assert_eq!(
        put(&world, "/box/wire", &json!({"enabled": false})).await.1["enabled"],
        false
    );
    phone.says("没有记录").await;
    assert_eq!(world.get("/box/wire?after=3").await["exchanges"], json!([]));
    assert_eq!(delete(&world, "/box/wire").await.0, 204);
}

#[tokio::test]
async fn faults_are_ordered_and_taken_back() {
    let world = World::new();
    let (_, ordered) = world
        .post(
            "/box/faults",
            &json!({"spec": "dify=cut,tim.send=slow:5x3"}),
        )
        .await;
    assert_eq!(
        (&ordered["faults"][1]["spec"], &ordered["faults"][1]["left"]),
        (&json!("tim.send=slow:5x3"), &json!(3))
    );
    let (status, refused) = world
        .post("/box/faults", &json!({"spec": "dify=40001"}))
        .await;
    assert_eq!(status, 400);
    assert!(
        refused["error"].as_str().unwrap().contains("dify=40001"),
        "{refused}"
    );
    let id = &ordered["faults"][0]["id"];
    assert_eq!(
        delete(&world, &format!("/box/faults/{id}")).await.1["faults"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(delete(&world, &format!("/box/faults/{id}")).await.0, 404);
    assert_eq!(
        put(&world, "/box/faults", &json!({"spec": "wechat=-1"}))
            .await
            .1["faults"][0]["target"],
        "wechat"
    );
    assert_eq!(delete(&world, "/box/faults").await.1["faults"], json!([]));
}

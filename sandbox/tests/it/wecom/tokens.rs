//! Tokens, credentials, and what else the app may ask for.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Office, asks_token};
use crate::kit::World;

#[tokio::test]
async fn one_token_per_secret_until_it_expires_or_is_revoked() {
    let world = World::new();
    let first = asks_token(&world, None).await;
    assert_eq!(
        (&first["errcode"], &first["expires_in"]),
        (&json!(0), &json!(7200))
    );
    let office = Office::with(world).await;
    assert_eq!(
        first["access_token"], office.token,
        "asking again gives the same"
    );
    assert_eq!(office.world.sandbox.wecom().tokens_issued("work"), 1);
    assert_eq!(office.code("text", json!({"content": "a"})).await, 0);
    office.world.hand.advance(Duration::from_secs(7200));
    assert_eq!(office.code("text", json!({"content": "a"})).await, 42001);
    let office = Office::with(office.world).await;
    assert_ne!(first["access_token"], office.token);
    office.world.sandbox.wecom().revoke_tokens();
    assert_eq!(office.code("text", json!({"content": "a"})).await, 40014);
    let office = Office::with(office.world).await;
    assert_eq!(office.code("text", json!({"content": "a"})).await, 0);
    assert_eq!(office.world.sandbox.wecom().tokens_issued("work"), 3);
}

#[tokio::test]
async fn wrong_credentials_have_their_codes() {
    let world = World::new();
    let code = |answer: Value| answer["errcode"].as_i64().unwrap();
    assert_eq!(code(asks_token(&world, Some("wrong")).await), 40001);
    for (query, expected) in [
        ("corpid=&corpsecret=x", 41002),
        ("corpid=wwother&corpsecret=x", 40013),
        ("corpid=wwsandbox00000001", 41004),
    ] {
        let path = format!("/wecom/cgi-bin/gettoken?{query}");
        assert_eq!(code(world.get(&path).await), expected);
    }
    let send = "/wecom/cgi-bin/message/send";
    assert_eq!(code(world.post(send, &json!({})).await.1), 41001);
    assert_eq!(code(world.get(send).await), 43002);
    let forged = format!("{send}?access_token=forged");
    assert_eq!(code(world.post(&forged, &json!({})).await.1), 40014);
}

#[tokio::test]
async fn people_apps_and_tickets_can_be_asked_for() {
    let office = Office::open().await;
    let get = async |path: &str| {
        let path = format!("/wecom/cgi-bin/{path}&access_token={}", office.token);
        office.world.get(&path).await
    };
    assert_eq!(get("user/get?userid=ZHOUNING").await["name"], "周宁");
    assert_eq!(get("user/get?userid=who").await["errcode"], 60111);
    assert_eq!(
        get("user/simplelist?department_id=1").await["userlist"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(get("agent/get?agentid=1000017").await["name"], "客服台");
    assert_eq!(get("agent/get?agentid=1").await["errcode"], 40056);
    let ticket = get("ticket/get?type=agent_config").await["ticket"].clone();
    assert_ne!(get("get_jsapi_ticket?x=1").await["ticket"], ticket);
    assert_eq!(get("ticket/get?type=agent_config").await["ticket"], ticket);
    let told = office
        .world
        .sandbox
        .wecom()
        .jsapi_ticket("work", "agent_config");
    assert_eq!(ticket, json!(told));
    assert_eq!(
        get("getcallbackip?x=1").await["ip_list"],
        json!(["127.0.0.1"])
    );
}

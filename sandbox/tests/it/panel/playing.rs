//! Customers, agents and members are played from the pages.

use serde_json::{Value, json};

use super::{delete, put};
use crate::kit::{World, text_message};

#[tokio::test]
async fn a_member_of_wecom_is_played() {
    let world = World::new();
    let corp = world.get("/box/state").await["wecom"].clone();
    assert_eq!(
        (&corp["apps"][0]["agent_id"], &corp["groups"][0]),
        (&json!(1_000_017), &json!("客服值班群"))
    );
    let members = world.get("/box/members").await["members"].clone();
    assert_eq!(members.as_array().unwrap().len(), 3);
    let base = "/box/members/zhouning/apps/1000017";
    let say = json!({"type": "text", "text": "#帮助"});
    let (status, said) = world.post(&format!("{base}/messages"), &say).await;
    assert_eq!((status, &said["from"]), (202, &json!("agent")));
    let click = json!({"event": "click", "key": "MINE"});
    let (status, _) = world.post(&format!("{base}/events"), &click).await;
    assert_eq!(status, 202);
    world.bridge.gets().await;
    world.bridge.gets().await;
    let settings = world.sandbox.wecom().settings();
    let token = format!(
        "/wecom/cgi-bin/gettoken?corpid={}&corpsecret={}",
        settings.corp_id, settings.apps[0].secret
    );
    let token = world.get(&token).await["access_token"].clone();
    let card = json!({"touser": "ZhouNing", "agentid": 1_000_017, "msgtype": "template_card", "template_card": {
        "card_type": "button_interaction", "task_id": "t", "main_title": {"title": "新会话"},
        "button_list": [{"text": "接入", "key": "take"}]}});
    let send = format!(
        "/wecom/cgi-bin/message/send?access_token={}",
        token.as_str().unwrap()
    );
    assert_eq!(world.post(&send, &card).await.1["errcode"], 0);
    let chat = world.get(&format!("{base}/messages?limit=1")).await;
    let shown = &chat["messages"][0];
    assert_eq!(shown["content"]["card"]["buttons"][0]["key"], "take");
    let press = json!({"message": shown["id"], "key": "take"});
    let (status, pressed) = world.post(&format!("{base}/press"), &press).await;
    assert_eq!(
        (status, &pressed["content"]["text"]),
        (202, &json!("点击了“接入”"))
    );
    let wrong = json!({"message": shown["id"], "key": "other"});
    assert_eq!(world.post(&format!("{base}/press"), &wrong).await.0, 409);
    let apps = world.get("/box/members/ZhouNing/apps").await;
    assert_eq!(apps["apps"][0]["unread"], 1);
    let (_, read) = world.post(&format!("{base}/read"), &json!({})).await;
    assert_eq!(read["unread"], 0);
    let (status, _) = world.post("/box/members/who/apps/1/read", &json!({})).await;
    assert_eq!(status, 404);
    let group = world.get("/box/groups/客服值班群/messages").await;
    assert_eq!(group["messages"], json!([]));
}

#[tokio::test]
async fn an_agent_edits_from_the_page() {
    let world = World::new();
    world.imports("wx_c1", "小周").await;
    let chat = "/box/agents/agent_lin/chats/wx_c1/messages";
    let say = json!({"type": "text", "text": "明日发货"});
    let (_, said) = world.post(chat, &say).await;
    let one = format!("{chat}/{}", said["key"].as_str().unwrap());
    let (status, edited) = put(&world, &one, &json!({"text": "后日发货"})).await;
    assert_eq!(
        (status, &edited["content"]["text"], &edited["note"]),
        (200, &json!("后日发货"), &json!("已编辑"))
    );
    assert_eq!(put(&world, &format!("{chat}/1_2_3"), &say).await.0, 400);
    assert_eq!(
        put(&world, &format!("{chat}/1_2_3"), &json!({"text": "x"}))
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn a_customer_is_played() {
    let world = World::new();
    let (status, customer) = world
        .post("/box/customers", &json!({"nickname": "小周"}))
        .await;
    assert_eq!((status, &customer["following"]), (201, &json!(true)));
    let base = format!("/box/customers/{}", customer["openid"].as_str().unwrap());
    let (status, message) = world
        .post(
            &format!("{base}/messages"),
            &json!({"type": "text", "text": "你好"}),
        )
        .await;
    assert_eq!(
        (status, &message["status"], &message["content"]["text"]),
        (202, &json!("sending"), &json!("你好"))
    );
    world.bridge.gets().await;
    world.bridge.gets().await;
    let chat = world.get(&format!("{base}/messages?limit=1")).await;
    assert_eq!(
        (chat["messages"][0]["id"].clone(), &chat["more"]),
        (message["id"].clone(), &json!(true))
    );
    let (_, scan) = world
        .post(
            &format!("{base}/events"),
            &json!({"event": "scan", "scene": "agent:system"}),
        )
        .await;
    assert_eq!(scan["content"]["event"], "SCAN");
    for (path, body) in [
        ("messages", json!({"type": "text", "text": ""})),
        ("messages", json!({"type": "song"})),
        ("messages", json!({"type": "text", "text": "x", "extra": 1})),
        ("events", json!({"event": "raw", "name": "a><b"})),
    ] {
        let (status, refused) = world.post(&format!("{base}/{path}"), &body).await;
        assert_eq!(status, 400, "{body}");
        assert!(refused["error"].is_string() && refused["error_en"].is_string());
    }
    assert_eq!(
        world
            .post(
                "/box/customers/oNobody/messages",
                &json!({"type": "text", "text": "x"})
            )
            .await
            .0,
        404
    );
    let taken = json!({"openid": customer["openid"]});
    assert_eq!(world.post("/box/customers", &taken).await.0, 409);
}

#[tokio::test]
async fn an_agent_is_played() {
    let world = World::new();
    world.imports("wx_c1", "小周").await;
    world
        .tim(
            "openim/sendmsg",
            &text_message("wx_c1", "agent_lin", 1, 1, "在吗"),
        )
        .await;
    let chats = world.get("/box/agents/agent_lin/chats").await;
    assert_eq!(
        (&chats["chats"][0]["nick"], &chats["chats"][0]["unread"]),
        (&json!("小周"), &json!(1))
    );
    let base = "/box/agents/agent_lin/chats/wx_c1";
    assert_eq!(
        world.post(&format!("{base}/read"), &Value::Null).await.1["unread"],
        0
    );
    let (status, sent) = world
        .post(
            &format!("{base}/messages"),
            &json!({"type": "text", "text": "#帮助"}),
        )
        .await;
    assert_eq!((status, &sent["from"]), (202, &json!("agent")));
    let key = sent["key"].as_str().unwrap();
    let (status, recalled) = delete(&world, &format!("{base}/messages/{key}")).await;
    assert_eq!((status, &recalled["status"]), (200, &json!("recalled")));
    assert_eq!(
        delete(&world, &format!("{base}/messages/{key}")).await.0,
        409
    );
    let (_, agent) = put(
        &world,
        "/box/agents/agent_lin/presence",
        &json!({"presence": "offline"}),
    )
    .await;
    assert_eq!(agent["presence"], "offline");
    assert_eq!(
        world
            .post(
                &format!("{base}/messages"),
                &json!({"type": "text", "text": "x"})
            )
            .await
            .0,
        409
    );
    assert_eq!(
        world
            .post(
                "/box/agents",
                &json!({"user_id": "agent_new", "nick": "新人"})
            )
            .await
            .0,
        201
    );
    assert_eq!(
        world.get("/box/agents").await["agents"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[tokio::test]
async fn media_goes_up_and_comes_down() {
    let world = World::new();
    let url = format!("{}/box/media?name=%E7%8C%AB.gif", world.sandbox.url());
    let gif = b"GIF89a\x03\0\x02\0";
    let kept: Value = world
        .http
        .post(url)
        .body(&gif[..])
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&kept["mime"], &kept["width"], &kept["name"]),
        (&json!("image/gif"), &json!(3), &json!("猫.gif"))
    );
    let served = world
        .http
        .get(kept["url"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(served.headers()["x-content-type-options"], "nosniff");
    assert_eq!(&served.bytes().await.unwrap()[..], gif);
    let customer = world.post("/box/customers", &json!({})).await.1;
    let path = format!(
        "/box/customers/{}/messages",
        customer["openid"].as_str().unwrap()
    );
    let (status, sent) = world
        .post(&path, &json!({"type": "image", "media": kept["media"]}))
        .await;
    assert_eq!((status, &sent["content"]["url"]), (202, &kept["url"]));
    assert_eq!(
        world
            .post(&path, &json!({"type": "image", "media": "m-none"}))
            .await
            .0,
        404
    );
}

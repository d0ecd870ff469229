//! Staff who write to the app, groups that are told, commands from JSON.

use super::{press, stage, zhou};

#[tokio::test(flavor = "multi_thread")]
async fn staff_who_are_no_agents_are_customers_of_the_app() {
    let stage = stage(|_| {}).await;
    let (shan, zhou) = (
        stage.sandbox.wecom().member("wu.shan").unwrap(),
        zhou(&stage),
    );
    assert!(shan.says("人工").await.delivered());
    let system = stage.agent("system");
    let peer = system.hears_text("新会话").await.unwrap().peer;
    system.says(&peer, "您好，IT 服务台").unwrap().await;
    shan.hears_text("IT 服务台").await.unwrap();
    system.says(&peer, "#转接 -n zhou").unwrap().await;
    let card = zhou.hears_card("新会话").await.unwrap();
    shan.says("电脑开不了机").await;
    zhou.hears_text("电脑开不了机").await.unwrap();
    press(&zhou, &card, "结束会话").await;
    // The rating is a card here, and a press of it is the rating.
    let rating = shan.hears_card("打分").await.unwrap();
    press(&shan, &rating, "非常满意").await;
    shan.hears_text("感谢您的评价").await.unwrap();
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_told_by_whoever_has_the_token() {
    let stage = stage(|set| {
        set.more
            .push_str("[older_routes]\ntoken = \"0123456789abcdef0123\"\ninbox = \"work\"\n");
    })
    .await;
    let group = stage.sandbox.wecom().group("客服值班群").unwrap();
    let url = format!("{}/api/wechat/group-bot-notify", stage.bridge.url);
    let notify = |token: &str, body: serde_json::Value| {
        let client = reqwest::Client::new();
        let call = client.post(&url).bearer_auth(token).json(&body);
        async move { call.send().await.unwrap().status().as_u16() }
    };
    let token = "0123456789abcdef0123";
    let notice = serde_json::json!({ "content": "排队超过 5 人", "mentioned_list": ["@all"] });
    assert_eq!(notify("another-token-0123", notice.clone()).await, 401);
    assert_eq!(notify(token, notice).await, 200);
    let own = serde_json::json!({ "robot": "duty", "msgtype": "markdown", "markdown": { "content": "**好了**" } });
    assert_eq!(notify(token, own).await, 200);
    for (body, refusal) in [
        (serde_json::json!({ "robot": "other", "content": "x" }), 404),
        (serde_json::json!({ "content": "" }), 400),
        (
            serde_json::json!({ "content": "x", "msgtype": "image" }),
            400,
        ),
        (
            serde_json::json!({ "content": "x", "mentioned_list": ["a b"] }),
            400,
        ),
        (serde_json::json!({ "content": "长".repeat(5000) }), 413),
        (serde_json::json!([]), 400),
    ] {
        assert_eq!(notify(token, body.clone()).await, refusal, "{body}");
    }
    let chat = group.chat();
    let words: Vec<String> = chat.iter().map(|one| one.content.words()).collect();
    assert_eq!(words, ["排队超过 5 人", "**好了**"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_from_json_goes_to_the_customer_who_is_open() {
    let stage = stage(|set| {
        set.more
            .push_str("[older_routes]\ntoken = \"0123456789abcdef0123\"\ninbox = \"work\"\n");
    })
    .await;
    let (phone, zhou) = (stage.phone("小周"), zhou(&stage));
    phone.scans("agent:zhou").await;
    phone.says("人工").await;
    zhou.hears_card("新会话").await.unwrap();
    let url = format!("{}/api/wechat/work/command", stage.bridge.url);
    let command = serde_json::json!({ "userid": "zhouning", "command": "#退出" });
    let call = reqwest::Client::new()
        .post(&url)
        .bearer_auth("0123456789abcdef0123");
    assert_eq!(call.json(&command).send().await.unwrap().status(), 200);
    zhou.hears_text("会话已结束").await.unwrap();
    phone.hears_text("本次服务已结束").await.unwrap();
    stage.settled().await;
}

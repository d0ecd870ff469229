//! Members' messages and commands, and what is refused.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    COMMAND, MESSAGE, SIDEBAR, TOKEN, answer, call, member, now, number, post, routes, stage,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_members_words_and_commands_do_what_the_typed_ones_do() {
    let stage = stage(&routes()).await;
    let (li, zhou) = (member(&stage, "agent.li"), member(&stage, "ZhouNing"));
    let system = stage.agent("system");

    // A member writes; the answer comes in the app's chat. Sent again it is the same message.
    let said = json!({ "userid": "agent.li", "text": "转人工", "name": "李工", "id": "m-1", "time": now() });
    let (status, first) = post(&stage, MESSAGE, said.clone()).await;
    assert_eq!((status, &first["accepted"]), (StatusCode::OK, &json!(true)));
    assert!(
        first["trace"].is_i64() && first["repeated"] == false,
        "{first}"
    );
    let card = system.hears_text("新会话").await.unwrap();
    assert!(card.text().contains("李工"), "{}", card.text());
    let (_, again) = post(&stage, MESSAGE, said).await;
    assert_eq!(
        (&again["repeated"], &again["trace"]),
        (&json!(true), &Value::Null)
    );
    system.says(&card.peer, "您好，请讲").unwrap().await;
    li.hears_text("请讲").await.unwrap();

    // The agent on Tencent IM is a member: their command needs no chat.
    let command = json!({ "userid": "wu.shan", "command": "转接 -n lin -m 请跟进" });
    let (status, taken) = post(&stage, COMMAND, command).await;
    assert_eq!((status, &taken["accepted"]), (StatusCode::OK, &json!(true)));
    system.hears_text("已转接给 林小满").await.unwrap();
    let handed = stage.agent("lin").hears_text("新会话").await.unwrap();
    assert!(handed.text().contains("请跟进"), "{}", handed.text());

    // The agent in WeCom: by the contact who is open there, and by number.
    let phone = stage.phone("小周");
    assert!(phone.scans("agent:zhou").await.delivered());
    assert!(phone.says("人工").await.delivered());
    zhou.hears_card("新会话").await.unwrap();
    assert!(phone.says("订单 42 在哪").await.delivered());
    zhou.hears_text("订单 42").await.unwrap();
    let command = json!({ "userid": "zhouning", "command": "＃转接 system" });
    assert_eq!(post(&stage, COMMAND, command).await.0, StatusCode::OK);
    zhou.hears_text("已转接给").await.unwrap();
    let card = system.hears_text("新会话").await.unwrap();
    assert!(card.text().contains("订单 42"), "{}", card.text());
    let command =
        json!({ "userid": "wu.shan", "command": "#quit", "conversation": number(card.text()) });
    assert_eq!(post(&stage, COMMAND, command).await.0, StatusCode::OK);
    phone.hears_text("本次服务已结束").await.unwrap();
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused_and_leaves_nothing() {
    let stage = stage(&routes()).await;
    let system = stage.agent("system");
    for name in ["甲", "乙"] {
        let phone = stage.phone(name);
        assert!(phone.scans("agent:system").await.delivered());
        assert!(phone.says("人工").await.delivered());
        system.hears_text("新会话").await.unwrap();
    }
    stage.settled().await;

    let client = reqwest::Client::new();
    let url = |path: &str| format!("{}{path}", stage.bridge.url);
    let fine = json!({ "userid": "agent.li", "text": "在吗", "command": "帮助" }).to_string();
    for path in [MESSAGE, COMMAND] {
        for request in [
            client.post(url(path)),
            client.post(url(path)).bearer_auth("another"),
            client.post(url(path)).bearer_auth(""),
            client.post(url(path)).basic_auth("x", Some(TOKEN)),
            client.post(url(path)).header("authorization", TOKEN),
        ] {
            let (status, problem) = answer(request.body(fine.clone())).await;
            assert_eq!(
                (status, &problem["code"]),
                (StatusCode::UNAUTHORIZED, &json!("unauthorized"))
            );
        }
    }
    assert_eq!(
        answer(client.get(url(SIDEBAR))).await.0,
        StatusCode::UNAUTHORIZED
    );

    let long = "长".repeat(4_001);
    let huge = format!(r#"{{"userid":"agent.li","text":"{}"}}"#, "x".repeat(70_000));
    let stale = now() - 200_000;
    let bad = [
        (MESSAGE, "".to_owned(), 400, "malformed"),
        (MESSAGE, "<xml/>".to_owned(), 400, "malformed"),
        (MESSAGE, "[]".to_owned(), 400, "malformed"),
        (MESSAGE, "[".repeat(5_000), 400, "malformed"),
        (
            MESSAGE,
            r#"{"userid":"agent.li"}"#.to_owned(),
            400,
            "malformed",
        ),
        (
            MESSAGE,
            r#"{"userid":"agent.li","text":"  "}"#.to_owned(),
            400,
            "malformed",
        ),
        (
            MESSAGE,
            r#"{"userid":"a b","text":"x"}"#.to_owned(),
            400,
            "malformed",
        ),
        (
            MESSAGE,
            r#"{"userid":42,"text":"x"}"#.to_owned(),
            400,
            "malformed",
        ),
        (
            MESSAGE,
            format!(r#"{{"userid":"{}","text":"x"}}"#, "u".repeat(65)),
            400,
            "malformed",
        ),
        (
            MESSAGE,
            r#"{"userid":"agent.li","text":"x","id":"1"}"#.to_owned(),
            400,
            "malformed",
        ),
        (
            MESSAGE,
            format!(r#"{{"userid":"agent.li","text":"x","id":"1","time":{stale}}}"#),
            400,
            "malformed",
        ),
        (
            MESSAGE,
            json!({ "userid": "agent.li", "text": long }).to_string(),
            413,
            "too_large",
        ),
        (MESSAGE, huge, 413, "too_large"),
        (
            COMMAND,
            r#"{"userid":"agent.li","command":"帮助"}"#.to_owned(),
            403,
            "not_an_agent",
        ),
        (
            COMMAND,
            r#"{"userid":"wu.shan","command":"帮助"}"#.to_owned(),
            409,
            "ambiguous",
        ),
        (
            COMMAND,
            r#"{"userid":"wu.shan","command":"帮助","conversation":999}"#.to_owned(),
            404,
            "not_found",
        ),
        (
            COMMAND,
            r#"{"userid":"wu.shan","command":""}"#.to_owned(),
            400,
            "malformed",
        ),
    ];
    for (path, body, status, code) in bad {
        let (got, problem) = call(&stage, Method::POST, path, &body).await;
        let shown: String = body.chars().take(80).collect();
        assert_eq!(
            (got.as_u16(), &problem["code"]),
            (status, &json!(code)),
            "{shown}"
        );
        if code == "ambiguous" {
            assert_eq!(problem["conversations"].as_array().unwrap().len(), 2);
        }
    }
    for (query, code) in [
        ("", "malformed"),
        ("?userid=a%20b", "malformed"),
        ("?userid=li&conversation=1", "malformed"),
        ("?conversation=x", "malformed"),
        ("?conversation=1&url=javascript:alert(1)", "malformed"),
    ] {
        let (_, problem) = call(&stage, Method::GET, &format!("{SIDEBAR}{query}"), "").await;
        assert_eq!(problem["code"], code, "{query}");
    }
    // What claims to be WeCom's own is checked as at the callback's address.
    let forged = format!("{MESSAGE}?msg_signature=0&timestamp=1&nonce=1");
    let (status, _) = call(
        &stage,
        Method::POST,
        &forged,
        "<xml><Encrypt>AAAA</Encrypt></xml>",
    )
    .await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (status, _) = call(&stage, Method::GET, &format!("{forged}&echostr=AAAA"), "").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        stage.ready().await["depths"]["open"],
        2,
        "nothing was opened"
    );
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_in_the_configuration_the_routes_are_not_there() {
    let stage = stage("").await;
    for path in [MESSAGE, COMMAND] {
        let (status, problem) = post(&stage, path, json!({ "userid": "a", "text": "x" })).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::NOT_FOUND, &json!("not_found"))
        );
    }
    assert_eq!(
        call(&stage, Method::GET, SIDEBAR, "").await.0,
        StatusCode::NOT_FOUND
    );
}

/// The URL check of WeCom's notes, at the older address: key bytes 00 to 1f.
#[tokio::test(flavor = "multi_thread")]
async fn the_platforms_own_callbacks_are_taken_at_the_older_address() {
    let old = r#"
[older_routes]
token = "an-older-token-of-32-characters!"
inbox = "old"

[inboxes.old]
channel = "wecom"
corp_id = "wwkfbridge00000001"
agent_id = 1000002
secret = "none"
token = "KfBridgeTok2026"
encoding_aes_key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
api_base = "SANDBOX_URL/wecom"
"#;
    let stage = stage(old).await;
    let query = "msg_signature=914a631ffa06d1751bfd67ebbbcaf0b656b7a608&timestamp=1767225600&nonce=1650283947&echostr=n7gqdObxhWzqe7%2FPYcmDBc2YFq%2BSVd83NxKPdAjMUnXqf4SdDWflS8zxsOVKj8D1sxzBpmB1uuTo56RuyCBobA%3D%3D";
    let url = format!("{}{MESSAGE}?{query}", stage.bridge.url);
    let response = reqwest::get(url).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.text().await.unwrap(), "7301948512266530417");
}

//! What the bridge calls on a mini program.

use std::time::Duration;

use bridge_sandbox::{
    Account,
    wechat::{NewCustomer, Phone},
};
use serde_json::{Value, json};

use crate::kit::World;

fn customer(world: &World) -> Phone {
    let customer = NewCustomer {
        nickname: "小周".to_owned(),
        inbox: Some("mini".to_owned()),
        ..NewCustomer::default()
    };
    world.sandbox.wechat().add_customer(customer).unwrap()
}

async fn token(world: &World) -> String {
    let account = Account::mini_program();
    let body = json!({"grant_type": "client_credential", "appid": account.app_id, "secret": account.app_secret});
    let (_, answer) = world.post("/wechat/cgi-bin/stable_token", &body).await;
    answer["access_token"].as_str().unwrap().to_owned()
}

fn template() -> String {
    Account::mini_program().mini.unwrap().templates[0]
        .id
        .clone()
}

fn reminder(openid: &str) -> Value {
    json!({
        "touser": openid, "template_id": template(), "page": "pages/kefu/index?a=1", "miniprogram_state": "formal",
        "lang": "zh_CN",
        "data": {"thing1": {"value": "林小满"}, "thing2": {"value": "您的订单已发出"}, "time3": {"value": "2025年1月1日 08:00"}},
    })
}

async fn code(world: &World, token: &str, api: &str, body: &Value) -> i64 {
    world.wechat(token, api, body).await["errcode"]
        .as_i64()
        .unwrap_or(0)
}

#[tokio::test]
async fn two_messages_a_minute_after_the_chat_is_opened_and_four_kinds() {
    let world = World::new();
    let (phone, token) = (customer(&world), token(&world).await);
    assert_eq!(world.sends_text(&token, phone.openid(), "早").await, 45015);
    phone.enters("page=a").await;
    for _ in 0..2 {
        assert_eq!(world.sends_text(&token, phone.openid(), "您好").await, 0);
    }
    assert_eq!(world.sends_text(&token, phone.openid(), "三").await, 45047);
    world.hand.advance(Duration::from_secs(60));
    assert_eq!(world.sends_text(&token, phone.openid(), "晚").await, 45015);
    phone.says("在吗").await;
    let send = async |kind: &str, inner: Value| {
        let body = json!({"touser": phone.openid(), "msgtype": kind, kind: inner});
        code(&world, &token, "message/custom/send", &body).await
    };
    let link = json!({"title": "退货", "description": "", "url": "https://shop.example/", "thumb_url": ""});
    assert_eq!(send("link", link).await, 0);
    assert_eq!(
        send("msgmenu", json!({"list": [{"id": "1", "content": "x"}]})).await,
        40008
    );
    assert_eq!(
        send("news", json!({"articles": [{"title": "x"}]})).await,
        40008
    );
    assert_eq!(send("voice", json!({"media_id": "x"})).await, 40008);
    assert_eq!(
        send(
            "miniprogrampage",
            json!({"title": "x", "pagepath": "a", "thumb_media_id": "none"})
        )
        .await,
        40007
    );
    let scene =
        json!({"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "a"}}});
    assert_eq!(code(&world, &token, "qrcode/create", &scene).await, 48001);
}

#[tokio::test]
async fn a_yes_is_one_subscription_message_and_every_field_must_fit() {
    let world = World::new();
    let (phone, token) = (customer(&world), token(&world).await);
    let send = async |change: fn(&mut Value)| {
        let mut body = reminder(phone.openid());
        change(&mut body);
        code(&world, &token, "message/subscribe/send", &body).await
    };
    assert_eq!(send(|_| {}).await, 43101);
    phone.answers(&template(), false).await;
    assert_eq!(send(|_| {}).await, 43101);
    phone.answers(&template(), true).await;
    assert_eq!(phone.customer().grants, 1);
    let wrong: [(fn(&mut Value), i64); 7] = [
        (|body| body["template_id"] = json!("none"), 40037),
        (|body| body["page"] = json!("pages/none"), 41030),
        (|body| body["miniprogram_state"] = json!("draft"), 40097),
        (
            |body| {
                body["data"]["thing2"]["value"] =
                    json!("一二三四五六七八九十一二三四五六七八九十一")
            },
            47003,
        ),
        (|body| body["data"]["thing1"]["value"] = json!(""), 47003),
        (|body| body["data"]["thing9"] = json!({"value": "x"}), 47003),
        (|body| body["touser"] = json!("nobody"), 40003),
    ];
    for (change, expected) in wrong {
        assert_eq!(send(change).await, expected);
    }
    assert_eq!(phone.customer().grants, 1, "what is refused costs nothing");
    assert_eq!(send(|_| {}).await, 0);
    let (said, page) = phone.is_nudged().await.unwrap();
    assert!(said.contains("您的订单已发出"), "{said}");
    assert_eq!(page, "pages/kefu/index?a=1");
    assert_eq!(send(|_| {}).await, 43101);
    phone.answers(&template(), true).await;
    phone.withdraws(&template()).await;
    assert_eq!(send(|_| {}).await, 43101);
}

#[tokio::test]
async fn codes_are_pictures_for_fitting_scenes_and_published_pages() {
    let world = World::new();
    let token = token(&world).await;
    let url = format!(
        "{}/wxa/getwxacodeunlimit?access_token={token}",
        world.sandbox.wechat_base()
    );
    let ask = async |body: Value| {
        let answer = world
            .http
            .post(&url)
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        answer.bytes().await.unwrap()
    };
    let made = ask(json!({"scene": "agent:lin", "page": "pages/kefu/index", "width": 430})).await;
    assert!(made.starts_with(b"\x89PNG"), "{made:?}");
    for (body, expected) in [
        (json!({"scene": "", "page": "pages/kefu/index"}), 40169),
        (json!({"scene": "林", "page": "pages/kefu/index"}), 40169),
        (json!({"scene": "a", "page": "/pages/kefu/index"}), 41030),
        (json!({"scene": "a", "page": "pages/none"}), 41030),
        (
            json!({"scene": "a", "page": "pages/kefu/index", "env_version": "x"}),
            40097,
        ),
        (
            json!({"scene": "a", "page": "pages/kefu/index", "width": 9}),
            40097,
        ),
    ] {
        let answer: Value = serde_json::from_slice(&ask(body.clone()).await).unwrap();
        assert_eq!(answer["errcode"], expected, "{body}");
    }
    ask(json!({"scene": "b", "page": "pages/none", "check_path": false})).await;
    let scenes: Vec<String> = world
        .sandbox
        .wechat()
        .mini_codes()
        .into_iter()
        .map(|(scene, _)| scene)
        .collect();
    assert_eq!(scenes, ["agent:lin", "b"]);
}

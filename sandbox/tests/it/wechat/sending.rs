//! Messages to customers: the allowance, limits, every kind.

use std::time::Duration;

use bridge_sandbox::{Content, Happening};
use serde_json::{Value, json};

use super::{PNG, upload};
use crate::kit::World;

#[tokio::test]
async fn five_messages_in_48_hours_after_the_customers_last() {
    let world = World::new();
    let phone = world.sandbox.wechat().phone("小周");
    let token = world.token().await;
    assert_eq!(world.sends_text(&token, phone.openid(), "早").await, 45015);
    phone.says("在吗").await;
    for n in 0..5 {
        assert_eq!(
            world
                .sends_text(&token, phone.openid(), &n.to_string())
                .await,
            0
        );
    }
    assert_eq!(world.sends_text(&token, phone.openid(), "6").await, 45047);
    phone.says("还在吗").await;
    assert_eq!(world.sends_text(&token, phone.openid(), "1").await, 0);
    assert_eq!(phone.customer().allowance.map(|a| a.left), Some(4));
    world.hand.advance(Duration::from_secs(48 * 3600));
    let token = world.token().await;
    assert_eq!(world.sends_text(&token, phone.openid(), "2").await, 45015);
    phone.clicks("KEFU").await;
    for _ in 0..3 {
        assert_eq!(world.sends_text(&token, phone.openid(), "点").await, 0);
    }
    assert_eq!(world.sends_text(&token, phone.openid(), "4").await, 45047);
    phone.unfollows().await;
    assert_eq!(
        world.sends_text(&token, phone.openid(), "再见").await,
        45015
    );
    assert_eq!(world.sends_text(&token, "oNobody", "x").await, 40003);
}

#[tokio::test]
async fn texts_have_limits_and_no_escapes() {
    let world = World::new();
    let phone = world.sandbox.wechat().phone("小周");
    phone.says("在吗").await;
    let token = world.token().await;
    let send = async |text: &str| world.sends_text(&token, phone.openid(), text).await;
    assert_eq!(send("").await, 44004);
    assert_eq!(send(&"好".repeat(683)).await, 45002);
    assert_eq!(send(&format!("{}ab", "好".repeat(682))).await, 0);
    let raw = async |body: String| {
        let url = format!(
            "{}/cgi-bin/message/custom/send?access_token={token}",
            world.sandbox.wechat_base()
        );
        let text = world
            .http
            .post(url)
            .body(body)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["errcode"]
            .as_i64()
            .unwrap()
    };
    let escaped = format!(
        r#"{{"touser":"{}","msgtype":"text","text":{{"content":"\u4f60"}}}}"#,
        phone.openid()
    );
    assert_eq!(raw(escaped).await, 40033);
    assert_eq!(raw("touser=1".into()).await, 47001);
    assert_eq!(raw(String::new()).await, 44002);
    // Refused messages cost nothing.
    assert_eq!(phone.customer().allowance.map(|a| a.left), Some(4));
    phone.hears_text("好").await.unwrap();
}

#[tokio::test]
async fn every_kind_of_customer_message_is_checked_and_shown() {
    let world = World::with(|settings| settings.wechat.allowance.message.0 = 100);
    let phone = world.sandbox.wechat().phone("小周");
    phone.says("在吗").await;
    let token = world.token().await;
    let image = upload(&world, &token, "image", "a.png", PNG).await["media_id"].clone();
    let voice = upload(&world, &token, "voice", "a.amr", b"#!AMR\nxx").await["media_id"].clone();
    let video =
        upload(&world, &token, "video", "a.mp4", b"\0\0\0\x18ftypisom").await["media_id"].clone();
    let thumb =
        upload(&world, &token, "thumb", "t.jpg", b"\xff\xd8\xff\xe0\0\x04").await["thumb_media_id"]
            .clone();
    let article = json!({"title": "退货指南", "description": "三步", "url": "https://shop.example/r", "picurl": "https://cdn.example/p.jpg"});
    let send = async |kind: &str, inner: Value| {
        let body = json!({"touser": phone.openid(), "msgtype": kind, kind: inner});
        world.wechat(&token, "message/custom/send", &body).await["errcode"]
            .as_i64()
            .unwrap()
    };
    assert_eq!(send("image", json!({"media_id": image})).await, 0);
    assert!(matches!(
        phone.hears().await.unwrap().content,
        Content::Image { width: Some(3), .. }
    ));
    assert_eq!(send("image", json!({"media_id": voice})).await, 40007);
    assert_eq!(send("image", json!({"media_id": "no-such"})).await, 40007);
    assert_eq!(send("voice", json!({"media_id": voice})).await, 0);
    assert_eq!(
        send(
            "video",
            json!({"media_id": video, "thumb_media_id": thumb, "title": "安装"})
        )
        .await,
        0
    );
    assert_eq!(send("video", json!({"media_id": video})).await, 40007);
    assert_eq!(
        send(
            "music",
            json!({"musicurl": "https://cdn.example/a.mp3", "thumb_media_id": thumb})
        )
        .await,
        0
    );
    assert_eq!(send("news", json!({"articles": [article]})).await, 0);
    assert_eq!(
        send("news", json!({"articles": [article, article]})).await,
        45008
    );
    let list = json!([{"id": "101", "content": "满意"}, {"id": "102", "content": "不满意"}]);
    assert_eq!(
        send(
            "msgmenu",
            json!({"head_content": "满意吗", "list": list, "tail_content": ""})
        )
        .await,
        0
    );
    let page =
        json!({"title": "保温杯", "appid": "wx1", "pagepath": "pages/i", "thumb_media_id": thumb});
    assert_eq!(send("miniprogrampage", page).await, 0);
    assert_eq!(send("wxcard", json!({"card_id": "card-1"})).await, 0);
    assert_eq!(
        send("mpnewsarticle", json!({"article_id": "art-1"})).await,
        0
    );
    assert_eq!(send("mpnews", json!({"media_id": "old"})).await, 40007);
    assert_eq!(send("transfer_customer_service", json!({})).await, 45162);
    assert_eq!(send("link", json!({"title": "mini only"})).await, 40008);
    let menu = phone
        .hears_which("a menu", |m| matches!(m.content, Content::Menu { .. }))
        .await
        .unwrap();
    assert!(matches!(menu.content, Content::Menu { items, .. } if items[1].text == "不满意"));
    world.hand.advance(Duration::from_secs(3 * 86_400));
    phone.says("还在吗").await;
    let token = world.token().await;
    let body = json!({"touser": phone.openid(), "msgtype": "image", "image": {"media_id": image}});
    assert_eq!(
        world.wechat(&token, "message/custom/send", &body).await["errcode"],
        40007
    );
}

#[tokio::test]
async fn an_unknown_service_account_is_refused_and_a_known_one_shown() {
    let world = World::new();
    let phone = world.sandbox.wechat().phone("小周");
    phone.says("在吗").await;
    let token = world.token().await;
    let send = async |account: &str| {
        let body = json!({"touser": phone.openid(), "msgtype": "text", "text": {"content": "您好"}, "customservice": {"kf_account": account}});
        world.wechat(&token, "message/custom/send", &body).await["errcode"].clone()
    };
    assert_eq!(send("alice").await, 61452);
    assert_eq!(send("alice@mall").await, 0);
    assert_eq!(
        phone.hears().await.unwrap().note.as_deref(),
        Some("alice@mall")
    );
}

#[tokio::test]
async fn typing_needs_a_fresh_customer_and_ends_by_itself() {
    let world = World::new();
    let phone = world.sandbox.wechat().phone("小周");
    phone.says("在吗").await;
    let token = world.token().await;
    let typing = async |command: &str| {
        let body = json!({"touser": phone.openid(), "command": command});
        world.wechat(&token, "message/custom/typing", &body).await["errcode"]
            .as_i64()
            .unwrap()
    };
    let mut watch = world.sandbox.watch();
    assert_eq!(typing("Typing").await, 0);
    assert_eq!(typing("Typing").await, 45081);
    assert_eq!(world.sends_text(&token, phone.openid(), "在的").await, 0);
    let mut shown = Vec::new();
    while shown.len() < 2 {
        if let Happening::Typing { typing, .. } = &watch.recv().await.unwrap().what {
            shown.push(*typing);
        }
    }
    assert_eq!(shown, [true, false]);
    assert_eq!(typing("Typing").await, 0);
    assert_eq!(typing("CancelTyping").await, 0);
    assert_eq!(typing("Sing").await, 45072);
    assert_eq!(typing("Typing").await, 0);
    world.hand.advance(Duration::from_secs(31));
    assert_eq!(typing("Typing").await, 45080);
}

#[tokio::test]
async fn a_sink_takes_anything_sound_from_anybody() {
    let world = World::with(|settings| {
        let clock = settings.clock.clone();
        *settings = bridge_sandbox::Settings::sink();
        settings.clock = clock;
    });
    let token = world.token().await;
    for n in 0..300 {
        let openid = format!("oStranger{}", n % 3);
        assert_eq!(world.sends_text(&token, &openid, "测").await, 0);
    }
    assert_eq!(world.sends_text(&token, "oStranger0", "").await, 44004);
    assert_eq!(world.sandbox.wechat().sent_count(), 300);
    assert!(world.sandbox.wechat().sent().len() <= 16);
    assert!(world.sandbox.wire().is_empty());
    world.imports("wx_c1", "小周").await;
    for n in 0..300 {
        let message = crate::kit::text_message("wx_c1", "agent_lin", n, n, "测");
        assert_eq!(world.tim("openim/sendmsg", &message).await["ErrorCode"], 0);
    }
}

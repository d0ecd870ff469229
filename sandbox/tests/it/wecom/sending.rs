//! Messages of the app: receivers, every type, floods, shares, repeats, faults.

use std::time::Duration;

use bridge_sandbox::Content;
use serde_json::{Value, json};

use super::{Office, PNG};
use crate::kit::World;

#[tokio::test]
async fn receivers_are_sorted_into_known_and_unknown() {
    let office = Office::open().await;
    let send = async |to: Value| {
        let mut body = json!({"agentid": 1_000_017, "msgtype": "text", "text": {"content": "hi"}});
        for (key, value) in to.as_object().unwrap() {
            body[key] = value.clone();
        }
        office.calls("message/send", &body).await
    };
    let some = send(json!({"touser": "zhouning|Nobody|wu.shan", "toparty": "9"})).await;
    assert_eq!(some["errcode"], 0);
    assert_eq!(
        (&some["invaliduser"], &some["invalidparty"]),
        (&json!("nobody"), &json!("9"))
    );
    assert_eq!(send(json!({"touser": "nobody"})).await["errcode"], 81013);
    assert_eq!(send(json!({})).await["errcode"], 82001);
    assert_eq!(send(json!({"touser": "@all"})).await["errcode"], 0);
    let wecom = office.world.sandbox.wecom();
    let heard = |id: &str| wecom.member(id).unwrap().chat().len();
    assert_eq!(
        [heard("ZhouNing"), heard("wu.shan"), heard("agent.li")],
        [2, 2, 1]
    );
    let body = json!({"touser": "@all", "agentid": 7, "msgtype": "text", "text": {"content": "x"}});
    assert_eq!(office.calls("message/send", &body).await["errcode"], 40056);
}

#[tokio::test]
async fn every_message_type_shows_or_is_refused() {
    let office = Office::open().await;
    let member = office.world.sandbox.wecom().member("zhouning").unwrap();
    let image = office.uploads("image", "a.png", PNG).await["media_id"].clone();
    let file = office.uploads("file", "a.pdf", b"%PDF-1.7").await["media_id"].clone();
    let video = office
        .uploads("video", "a.mp4", b"\0\0\0\x18ftypmp42")
        .await["media_id"]
        .clone();
    let voice = office.uploads("voice", "a.amr", b"#!AMR\n123").await["media_id"].clone();
    let article = json!({"title": "t", "url": "https://shop.example/"});
    let long = "好".repeat(683);
    for (kind, inner, expected) in [
        ("text", json!({"content": "你好"}), 0),
        ("text", json!({"content": long}), 0),
        ("text", json!({"content": ""}), 44004),
        ("markdown", json!({"content": "**x**"}), 0),
        ("markdown", json!({"content": long}), 45002),
        ("image", json!({"media_id": image}), 0),
        ("image", json!({"media_id": file}), 40007),
        ("voice", json!({"media_id": voice}), 0),
        ("file", json!({"media_id": file}), 0),
        ("video", json!({"media_id": video, "title": "片"}), 0),
        (
            "video",
            json!({"media_id": video, "title": "x".repeat(129)}),
            40058,
        ),
        (
            "textcard",
            json!({"title": "t", "description": "d", "url": "https://a.example"}),
            0,
        ),
        (
            "textcard",
            json!({"title": "t", "description": "d", "url": "a.example"}),
            40058,
        ),
        (
            "textcard",
            json!({"title": "t", "description": "d", "url": "https://a", "btntxt": "五个字太长"}),
            40058,
        ),
        ("news", json!({"articles": [article]}), 0),
        ("news", json!({"articles": []}), 40058),
        ("news", json!({"articles": vec![article.clone(); 9]}), 40058),
        (
            "mpnews",
            json!({"articles": [{"title": "t", "thumb_media_id": image, "content": "<p>"}]}),
            0,
        ),
        (
            "mpnews",
            json!({"articles": [{"title": "t", "thumb_media_id": file, "content": "<p>"}]}),
            40007,
        ),
        (
            "miniprogram_notice",
            json!({"appid": "wx1", "title": "单", "content_item": [{"key": "a", "value": "b"}]}),
            0,
        ),
        ("miniprogram_notice", json!({"title": "单"}), 40058),
        ("hologram", json!({}), 40008),
    ] {
        assert_eq!(
            office.code(kind, inner.clone()).await,
            expected,
            "{kind} {inner}"
        );
    }
    let chat = member.chat();
    assert_eq!(chat.len(), 11);
    assert_eq!(
        chat[1].text().len(),
        2046,
        "a long text is cut on a character"
    );
    assert!(matches!(
        &chat[3].content,
        Content::Image { width: Some(3), .. }
    ));
}

#[tokio::test]
async fn a_flood_to_one_member_vanishes_with_success() {
    let office = Office::open().await;
    let member = office.world.sandbox.wecom().member("zhouning").unwrap();
    for number in 0..35 {
        assert_eq!(
            office
                .code("text", json!({"content": number.to_string()}))
                .await,
            0
        );
    }
    assert_eq!(
        (member.chat().len(), office.world.sandbox.wecom().dropped()),
        (30, 5)
    );
    office.world.hand.advance(Duration::from_secs(60));
    assert_eq!(office.code("text", json!({"content": "later"})).await, 0);
    assert_eq!(member.chat().len(), 31);
}

#[tokio::test]
async fn the_days_share_of_an_app_ends() {
    let world = World::with(|settings| settings.wecom.daily_share = 1);
    let office = Office::with(world).await;
    for expected in [0, 0, 0, 45009] {
        assert_eq!(office.code("text", json!({"content": "x"})).await, expected);
    }
    office.world.hand.advance(Duration::from_secs(86_400));
    let office = Office::with(office.world).await;
    assert_eq!(office.code("text", json!({"content": "x"})).await, 0);
}

#[tokio::test]
async fn the_duplicate_check_drops_what_is_the_same_within_its_interval() {
    let office = Office::open().await;
    let send = async |text: &str| {
        let body = json!({"touser": "zhouning", "agentid": 1_000_017, "msgtype": "text", "text": {"content": text},
            "enable_duplicate_check": 1, "duplicate_check_interval": 60});
        assert_eq!(office.calls("message/send", &body).await["errcode"], 0);
    };
    send("a").await;
    send("a").await;
    send("b").await;
    office.world.hand.advance(Duration::from_secs(60));
    send("a").await;
    let member = office.world.sandbox.wecom().member("zhouning").unwrap();
    let heard: Vec<String> = member.chat().iter().map(|m| m.text().to_owned()).collect();
    assert_eq!(heard, ["a", "b", "a"]);
}

#[tokio::test]
async fn ordered_faults_strike_where_they_aim() {
    let office = Office::open().await;
    office
        .world
        .sandbox
        .order("wecom.send(zhouning)=45009x1,wecom.send=-1x1,wecom.send=expirex1")
        .unwrap();
    let send = async || office.code("text", json!({"content": "x"})).await;
    // The name is as the bridge wrote it.
    assert_eq!(send().await, -1);
    assert_eq!(send().await, 42001);
    assert_eq!(send().await, 42001, "the token has expired for good");
}

//! What comes in: pushes, hand-overs, codes.

use bridge_core::{
    channel::{Channel, ChannelErrorKind, Decoded, Delivery, Verb},
    clock::Timestamp,
    error::Remedy,
    message::{Author, Content, Event, Trigger, What},
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::super::MiniApp;
use super::{built, stage};

const VECTORS: &str = include_str!("../../../../../tests/fixtures/wechat/vectors.jsonl");

/// The mini program of the published vectors.
fn published(mode: &str, change: impl FnOnce(&mut Value)) -> MiniApp {
    let mut config = json!({
        "app_id": "wx5f2c9d7a1b3e8046",
        "app_secret": "secret",
        "token": "kefuBridgeTok01",
        "encoding_aes_key": "Kf7QmZ2xV9bTn4RcY8LpWs3HdJg6UaEo1iXtNvBq5Mk",
        "mode": mode,
    });
    change(&mut config);
    built(config)
}

fn pushed(app: &MiniApp, body: &str) -> Decoded {
    // SHA-1 over token, timestamp 1735689600 and nonce 486452656, sorted.
    let signature = bridge_convertors::wechat::signature::sign(&mut [
        "kefuBridgeTok01",
        "1735689600",
        "486452656",
    ]);
    let signature = String::from_utf8(signature.to_vec()).unwrap();
    let query = format!("signature={signature}&timestamp=1735689600&nonce=486452656");
    app.decode(&delivery(query, body)).unwrap()
}

fn delivery(query: String, body: &str) -> Delivery {
    Delivery {
        verb: Verb::Post,
        query,
        body: Bytes::from(body.to_owned()),
        received_at: Timestamp(1_735_689_908_000),
    }
}

fn said(kind: &str) -> String {
    match kind {
        "json" => json!({"ToUserName": "gh_1", "FromUserName": "o-zhou", "CreateTime": 1_735_689_613, "MsgType": "text",
            "Content": "转微信客服", "MsgId": 25_373_744_922_163_313_u64})
        .to_string(),
        _ => "<xml><ToUserName>gh_1</ToUserName><FromUserName>o-zhou</FromUserName><CreateTime>1735689613</CreateTime>\
            <MsgType>text</MsgType><Content><![CDATA[转微信客服]]></Content><MsgId>25373744922163313</MsgId></xml>"
            .to_owned(),
    }
}

#[test]
fn a_sealed_json_push_of_the_published_vectors_is_read() {
    let vector: Value = VECTORS
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .find(|vector: &Value| vector["id"] == "V7")
        .unwrap();
    let text = |name: &str| vector[name].as_str().unwrap();
    let query = format!(
        "signature={}&timestamp={}&nonce={}&encrypt_type=aes&msg_signature={}",
        text("signature"),
        text("ts"),
        text("nonce"),
        text("msg_signature")
    );
    let body = json!({"ToUserName": "gh_3a7c51e90b2d", "Encrypt": text("encrypt")}).to_string();
    let app = published("safe", |_| {});
    let decoded = app.decode(&delivery(query.clone(), &body)).unwrap();
    assert_eq!(&decoded.ack.body[..], b"success");
    let [arrival] = decoded.arrivals.as_slice() else {
        panic!("{:?}", decoded.arrivals)
    };
    assert_eq!(arrival.author, Author::Contact);
    assert_eq!(arrival.trigger, Some(Trigger::Enter));
    assert!(
        matches!(
            arrival.content(),
            Some(Content::Event(Event::Entered { .. }))
        ),
        "{arrival:?}"
    );
    let forged = query.replace("&timestamp=1", "&timestamp=2");
    let refused = app.decode(&delivery(forged, &body)).unwrap_err();
    assert_eq!(refused.kind, ChannelErrorKind::Forged);
    let clear = said("json");
    assert_eq!(
        app.decode(&delivery(query, &clear)).unwrap_err().kind,
        ChannelErrorKind::Forged,
        "a safe account takes nothing in clear"
    );
}

#[test]
fn what_is_handed_to_wechats_tool_is_recorded_and_answered_by_nobody_here() {
    for (tool, words, hands_over) in [
        ("never", json!([]), false),
        ("always", json!([]), true),
        ("words", json!(["转微信客服"]), true),
        ("words", json!(["别的话"]), false),
    ] {
        let app = published("plain", |config| {
            config["service_tool"] = json!(tool);
            config["service_tool_words"] = words.clone();
        });
        for kind in ["json", "xml"] {
            let decoded = pushed(&app, &said(kind));
            let answer = String::from_utf8(decoded.ack.body.to_vec()).unwrap();
            let arrival = &decoded.arrivals[0];
            assert_eq!(
                answer.contains("transfer_customer_service"),
                hands_over,
                "{tool} {kind}: {answer}"
            );
            assert_eq!(answer.starts_with('{'), hands_over && kind == "json");
            let event = matches!(
                &arrival.what,
                What::Content(Content::Event(Event::Other { .. }))
            );
            assert_eq!((event, arrival.trigger.is_none()), (hands_over, hands_over));
        }
        // Events cannot be handed over.
        let entered = r#"{"ToUserName":"gh_1","FromUserName":"o-zhou","CreateTime":1,"MsgType":"event","Event":"user_enter_tempsession","SessionFrom":"a"}"#;
        assert_eq!(&pushed(&app, entered).ack.body[..], b"success");
    }
}

#[tokio::test]
async fn codes_bring_a_scene_along() {
    let (sandbox, app, _phone) = stage();
    let codes = app.codes().unwrap();
    let code = codes.code("agent:lin", None).await.unwrap();
    assert_eq!(code.mime, "image/png");
    let made = ("agent:lin".to_owned(), "pages/kefu/index".to_owned());
    assert_eq!(sandbox.wechat().mini_codes(), [made]);
    for (scene, page) in [
        ("agent:林", None),
        ("", None),
        ("agent:a-name-that-is-far-too-long-for-it", None),
        ("agent:lin", Some("/pages/a")),
        ("agent:lin", Some("pages/a?b=1")),
    ] {
        let refused = codes.code(scene, page).await.unwrap_err();
        assert_eq!(refused.remedy, Remedy::Never, "{scene} {page:?}");
        assert!(refused.advice.is_some());
    }
}

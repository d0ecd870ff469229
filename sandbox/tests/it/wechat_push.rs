//! What the official account platform pushes to the bridge, and what it makes of the answers.

use std::time::Duration;

use bridge_sandbox::wechat::{Act, Event};
use bridge_sandbox::{Author, Content, End, Format, Mode, Status};
use serde_json::json;
use sha1::{Digest, Sha1};

use crate::kit::{Got, Reaction, World};

fn sha1_of(parts: &[&str]) -> String {
    let mut sorted = parts.to_vec();
    sorted.sort_unstable();
    Sha1::digest(sorted.concat().as_bytes())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

fn token(world: &World) -> String {
    world.sandbox.wechat().accounts()[0].token.clone()
}

fn is_signed(world: &World, got: &Got) -> bool {
    sha1_of(&[&token(world), got.param("timestamp"), got.param("nonce")]) == got.param("signature")
}

fn with(mode: Mode, format: Format) -> World {
    World::with(|settings| {
        settings.wechat.accounts[0].mode = mode;
        settings.wechat.accounts[0].format = format;
        settings.wechat.push_timeout = Duration::from_millis(300);
    })
}

#[tokio::test]
async fn a_plain_push_is_signed_and_written_as_documented() {
    let world = with(Mode::Plain, Format::Xml);
    let phone = world.sandbox.wechat().phone("小周");
    let outcome = phone.says("订单 42 什么时候到？😀").await;
    assert_eq!((outcome.end, outcome.attempts), (End::Delivered, 1));
    let got = world.bridge.gets().await;
    assert!(is_signed(&world, &got));
    assert_eq!(
        (got.path.as_str(), got.content_type.as_str()),
        ("/callback/mall", "text/xml")
    );
    assert_eq!(
        (got.param("openid"), got.param("encrypt_type")),
        (phone.openid(), "")
    );
    let id = phone.chat()[0].key.clone().unwrap();
    let expected = format!(
        "<xml><ToUserName><![CDATA[gh_3a7c51e90b2d]]></ToUserName><FromUserName><![CDATA[{}]]></FromUserName><CreateTime>{}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[订单 42 什么时候到？😀]]></Content><MsgId>{id}</MsgId></xml>",
        phone.openid(),
        world.seconds()
    );
    assert_eq!(got.body, expected);
    assert!(id.parse::<u64>().unwrap() > 1 << 53);
}

#[tokio::test]
async fn each_mode_and_format_has_its_envelope() {
    for format in [Format::Xml, Format::Json] {
        for mode in [Mode::Compatible, Mode::Safe] {
            let world = with(mode, format);
            let phone = world.sandbox.wechat().phone("小周");
            phone.says("你好").await;
            let got = world.bridge.gets().await;
            assert_eq!(got.param("encrypt_type"), "aes");
            assert_eq!(got.body.contains("你好"), mode == Mode::Compatible);
            let encrypted = match format {
                Format::Json => got.json()["Encrypt"].as_str().unwrap().to_owned(),
                Format::Xml => {
                    let tail = got.body.split_once("<Encrypt><![CDATA[").unwrap().1;
                    tail.split_once("]]>").unwrap().0.to_owned()
                }
            };
            let parts = [
                &token(&world),
                got.param("timestamp"),
                got.param("nonce"),
                &encrypted,
            ];
            assert_eq!(sha1_of(&parts), got.param("msg_signature"));
        }
    }
}

#[tokio::test]
async fn the_callback_address_is_verified_as_saving_it_would() {
    let world = World::new();
    world.bridge.will_say(200, "not the echo");
    let refused = world.sandbox.wechat().verify_callback("mall").await;
    assert!(refused.unwrap_err().contains("not the echo"));
    let got = world.bridge.gets().await;
    assert!(is_signed(&world, &got) && got.method == "GET");
    assert!(got.param("echostr").len() >= 17);
    assert_eq!(world.sandbox.wire()[0].line.method, "GET");
}

#[tokio::test]
async fn three_tries_with_the_same_request_then_the_customer_sees_a_fault() {
    let world = with(Mode::Safe, Format::Xml);
    let phone = world.sandbox.wechat().phone("小周");
    world.bridge.will(Reaction::Hangs);
    world.bridge.will_say(500, "");
    world.bridge.will_say(502, "<html>");
    let outcome = phone.says("在吗").await;
    assert_eq!(
        (outcome.end, outcome.attempts, outcome.status),
        (End::Failed, 3, Some(502))
    );
    let tries = world.bridge.got();
    assert_eq!(tries.len(), 3);
    for again in &tries[1..] {
        assert_eq!(
            (&again.body, &again.query),
            (&tries[0].body, &tries[0].query)
        );
    }
    let fault = phone
        .hears_which("a fault", |m| matches!(m.content, Content::Notice { .. }))
        .await
        .unwrap();
    assert_eq!(fault.from, Author::System);
    assert_eq!(phone.chat()[0].status, Status::Failed);
}

#[tokio::test]
async fn a_second_try_that_is_taken_is_enough() {
    let world = with(Mode::Safe, Format::Xml);
    let phone = world.sandbox.wechat().phone("小周");
    world.bridge.will(Reaction::Hangs);
    let outcome = phone.says("在吗").await;
    assert_eq!((outcome.end, outcome.attempts), (End::Delivered, 2));
    assert!(phone.unheard().is_empty());
}

#[tokio::test]
async fn a_malformed_answer_shows_the_fault_at_once() {
    let world = with(Mode::Safe, Format::Xml);
    let phone = world.sandbox.wechat().phone("小周");
    world.bridge.will_say(200, r#"{"code":0}"#);
    let outcome = phone.says("在吗").await;
    assert_eq!((outcome.end, outcome.attempts), (End::Failed, 1));
    phone
        .hears_which("a fault", |m| m.from == Author::System)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_passive_reply_is_shown() {
    let world = with(Mode::Plain, Format::Xml);
    let phone = world.sandbox.wechat().phone("小周");
    let reply = format!(
        "<xml><ToUserName><![CDATA[{}]]></ToUserName><FromUserName><![CDATA[gh_3a7c51e90b2d]]></FromUserName><CreateTime>{}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[已收到]]></Content></xml>",
        phone.openid(),
        world.seconds()
    );
    world.bridge.will_say(200, &reply);
    assert!(phone.says("在吗").await.delivered());
    let heard = phone.hears().await.unwrap();
    assert_eq!(
        (heard.text(), heard.note.as_deref()),
        ("已收到", Some("被动回复"))
    );
}

#[tokio::test]
async fn what_one_customer_says_arrives_in_order() {
    let world = with(Mode::Plain, Format::Xml);
    let phone = world.sandbox.wechat().phone("小周");
    let pushed: Vec<_> = (0..20).map(|n| phone.says(&format!("第{n}句"))).collect();
    for push in pushed {
        assert!(push.await.delivered());
    }
    for (n, got) in world.bridge.got().iter().enumerate() {
        assert!(got.body.contains(&format!("第{n}句")), "{}", got.body);
    }
}

#[tokio::test]
async fn every_kind_of_message_and_event_can_be_pushed() {
    let world = with(Mode::Plain, Format::Xml);
    let phone = world.sandbox.wechat().phone("小周");
    let media = world.sandbox.keep("a.amr", &b"#!AMR\nxx"[..]);
    let voice = Act::Voice {
        media: media.clone(),
        words: Some("我要退货。".into()),
        format: "amr".into(),
    };
    let place = Act::Location {
        latitude: 30.274085,
        longitude: 120.15507,
        scale: 16,
        label: "A&B 大厦".into(),
    };
    let link = Act::Link {
        title: "政策".into(),
        description: "7 天".into(),
        url: "https://s.example/?x=1&y=2".into(),
    };
    let cases = [
        (voice, "<Recognition><![CDATA[我要退货。]]></Recognition>"),
        (
            Act::Video {
                media: media.clone(),
                thumb: None,
                short: true,
            },
            "<![CDATA[shortvideo]]>",
        ),
        (Act::File(media), "<FileTotalLen>8</FileTotalLen>"),
        (
            place,
            "<Location_X>30.274085</Location_X><Location_Y>120.155070</Location_Y>",
        ),
        (link, "<Url><![CDATA[https://s.example/?x=1&y=2]]></Url>"),
        (
            Act::MenuTap {
                id: "101".into(),
                text: "满意".into(),
            },
            "<bizmsgmenuid>101</bizmsgmenuid>",
        ),
        (
            Act::ArticleText {
                text: "价格对吗".into(),
                article: 2247483901,
                index: 1,
            },
            "<Idx>1</Idx>",
        ),
        (
            Act::Event(Event::Scan {
                scene: "agent:system".into(),
            }),
            "<EventKey><![CDATA[agent:system]]></EventKey>",
        ),
        (
            Act::Event(Event::KfClose {
                account: "a@b".into(),
                close_type: "KF".into(),
            }),
            "<CloseType><![CDATA[KF]]>",
        ),
        (
            Act::Event(Event::TemplateFinish {
                message: 3487542469355618313,
                status: "success".into(),
            }),
            "<MsgID>3487542469355618313</MsgID>",
        ),
        (
            Act::Event(Event::Location {
                latitude: 30.0,
                longitude: 120.0,
                precision: 65.0,
            }),
            "<Precision>65.000000</Precision>",
        ),
    ];
    for (act, expected) in cases {
        let is_event = matches!(act, Act::Event(_));
        assert!(phone.does(act).await.delivered());
        let got = world.bridge.gets().await;
        assert!(got.body.contains(expected), "{}", got.body);
        assert_eq!(got.body.contains("<MsgId>"), !is_event);
    }
}

#[tokio::test]
async fn scanning_subscribes_first_and_then_scans() {
    let world = with(Mode::Plain, Format::Xml);
    let phone = world.sandbox.wechat().phone("小周");
    phone.unfollows().await;
    assert!(!phone.customer().following);
    phone.scans("agent:system").await;
    phone.scans("agent:system").await;
    let bodies: Vec<String> = world.bridge.got().into_iter().map(|got| got.body).collect();
    assert!(bodies[1].contains("[subscribe]") && bodies[1].contains("[qrscene_agent:system]"));
    assert!(bodies[2].contains("[SCAN]") && bodies[2].contains("[agent:system]"));
}

#[tokio::test]
async fn any_other_event_can_be_made_up() {
    let world = with(Mode::Plain, Format::Json);
    let phone = world.sandbox.wechat().phone("小周");
    let fields = json!({"Count": 2, "List": [{"A": "x"}, {"A": "y"}]});
    let event = Event::Raw {
        name: "new_event".into(),
        fields: fields.as_object().unwrap().clone(),
    };
    phone.does(Act::Event(event)).await;
    let body = world.bridge.gets().await.json();
    assert_eq!(
        (&body["Event"], &body["List"][1]["A"], &body["Count"]),
        (&json!("new_event"), &json!("y"), &json!(2))
    );
}

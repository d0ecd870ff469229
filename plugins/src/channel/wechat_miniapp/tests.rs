//! The channel against the simulated platform, which is written from the notes and shares no code with it.

use std::sync::Arc;

use bridge_core::{
    cache::MemoryCache,
    channel::{Channel, ChannelErrorKind, Decoded, Delivery, Dispatch, Fetched, Verb},
    clock::{Clock, SystemClock, Timestamp},
    error::Remedy,
    media::{KeptMedia, MediaError, MediaLibrary, Rendition},
    message::{
        ArrivalId, Author, Content, ConversationId, DispatchId, Event, InboxName, Media,
        MediaSource, PeerId, Trigger, What,
    },
    plugin::{Plugin, Tools},
};
use bridge_sandbox::{
    Account, Sandbox, Settings,
    wechat::{NewCustomer, Phone},
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{MiniApp, config::Config};

const VECTORS: &str = include_str!("../../../../tests/fixtures/wechat/vectors.jsonl");

fn stage() -> (Sandbox, MiniApp, Phone) {
    let sandbox = Sandbox::start(Settings::default()).unwrap();
    let app = channel(&sandbox, |_| {});
    let customer = NewCustomer {
        nickname: "小周".to_owned(),
        inbox: Some("mini".to_owned()),
        ..NewCustomer::default()
    };
    let phone = sandbox.wechat().add_customer(customer).unwrap();
    (sandbox, app, phone)
}

fn platform() -> Account {
    Account::mini_program()
}

fn template() -> String {
    platform().mini.unwrap().templates.remove(0).id
}

fn section(sandbox: &Sandbox) -> Value {
    let account = platform();
    json!({
        "app_id": account.app_id,
        "app_secret": account.app_secret,
        "token": account.token,
        "encoding_aes_key": account.encoding_aes_key,
        "api_base": sandbox.wechat_base(),
        "page": "pages/kefu/index",
        "nudge": {
            "template": template(),
            "fields": { "thing1": "{sender}", "thing2": "{summary}", "time3": "{time}" },
        },
    })
}

fn channel(sandbox: &Sandbox, change: impl FnOnce(&mut Value)) -> MiniApp {
    let mut config = section(sandbox);
    change(&mut config);
    built(config)
}

fn built(config: Value) -> MiniApp {
    let config: Config = serde_json::from_value(config).unwrap();
    MiniApp::build(config, &tools()).unwrap()
}

fn tools() -> Tools {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Tools {
        name: Arc::from("mini"),
        cache: Arc::new(MemoryCache::new(clock.clone())),
        clock,
        ..bridge_core::testkit::tools()
    }
}

fn dispatch(to: &str, content: Content) -> Dispatch {
    Dispatch {
        id: DispatchId(17),
        trace: ArrivalId(1),
        conversation: ConversationId(1),
        inbox: InboxName::new("mini"),
        to: PeerId::new(to),
        sender: None,
        content,
        attempt: 1,
        created_at: Timestamp(1_735_689_600_000),
    }
}

fn nudge(topic: &str) -> Content {
    Content::Nudge {
        topic: topic.to_owned(),
        from: "林小满".to_owned(),
        summary: "您的订单已经发出，请留意查收".to_owned(),
    }
}

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
async fn words_links_and_pages_go_out_within_the_allowance() {
    let (sandbox, app, phone) = stage();
    let to = phone.openid();
    let early = app.send(&dispatch(to, Content::text("在吗"))).await;
    assert_eq!(
        early.unwrap_err().remedy,
        Remedy::Hold,
        "nobody has come yet"
    );
    drop(phone.enters("page=pages/item/index"));
    for words in ["您好", "请讲"] {
        app.send(&dispatch(to, Content::text(words))).await.unwrap();
        phone.hears_text(words).await.unwrap();
    }
    let over = app.send(&dispatch(to, Content::text("第三条"))).await;
    assert_eq!(over.unwrap_err().code, Some(45047), "two after an entering");
    drop(phone.says("你好"));
    let link = Content::Link {
        title: "退货指南".to_owned(),
        description: "三步完成".to_owned(),
        url: "https://shop.example/return".to_owned(),
        picture_url: None,
    };
    app.send(&dispatch(to, link)).await.unwrap();
    let page = Content::MiniProgram {
        app_id: platform().app_id,
        title: "订单".to_owned(),
        path: "pages/order/index?id=42".to_owned(),
        thumbnail: None,
    };
    let receipt = app.send(&dispatch(to, page)).await.unwrap();
    assert_eq!(
        receipt.lost.len(),
        1,
        "without a picture a page is a link in words"
    );
    phone.hears_text("data-miniprogram-path").await.unwrap();
    sandbox.wechat().displace_tokens();
    app.send(&dispatch(to, Content::text("换了令牌")))
        .await
        .unwrap();
    app.typing()
        .unwrap()
        .typing(&PeerId::new(to), true)
        .await
        .unwrap();
}

#[tokio::test]
async fn one_grant_is_one_subscription_message() {
    let (_sandbox, app, phone) = stage();
    let rules = app.nudging().unwrap();
    assert_eq!((rules.most_per_hour, &rules.topic), (3, &template()));
    let send = || async {
        app.send(&dispatch(phone.openid(), nudge(&template())))
            .await
    };
    let refused = send().await.unwrap_err();
    assert_eq!((refused.code, refused.remedy), (Some(43101), Remedy::Hold));
    assert!(refused.advice.unwrap().zh.contains("订阅"));
    drop(phone.answers(&template(), true));
    assert!(send().await.unwrap().external_id.is_some());
    let (said, page) = phone.is_nudged().await.unwrap();
    assert!(
        said.contains("林小满")
            && said.contains("订单已经发出")
            && said.contains("2025年1月1日 08:00"),
        "{said}"
    );
    assert_eq!(page, "pages/kefu/index?kefu_nudge=17");
    assert_eq!(send().await.unwrap_err().code, Some(43101), "it is spent");
    let other = dispatch(phone.openid(), nudge("no-such-template"));
    assert_eq!(app.send(&other).await.unwrap_err().code, Some(40037));
}

#[tokio::test]
async fn what_is_transient_is_tried_again_and_what_may_have_arrived_is_not_known() {
    let (sandbox, app, phone) = stage();
    let send = || async {
        app.send(&dispatch(phone.openid(), nudge(&template())))
            .await
    };
    drop(phone.answers(&template(), true));
    sandbox
        .order("wechat.subscribe=43108x1,wechat.subscribe=-1x1")
        .unwrap();
    for _ in 0..2 {
        assert!(matches!(
            send().await.unwrap_err().remedy,
            Remedy::Retry { .. }
        ));
    }
    sandbox.order("wechat.subscribe=cut-afterx1").unwrap();
    assert_eq!(send().await.unwrap_err().remedy, Remedy::Unknown);
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

#[tokio::test]
async fn the_check_finds_what_is_wrong() {
    let (sandbox, app, _phone) = stage();
    let findings = app.check().unwrap().check().await;
    for key in ["app_secret", "token", "page", "nudge.template"] {
        assert!(findings.iter().any(|one| one.key == key), "{key}");
    }
    assert!(findings.iter().all(|one| one.ok), "{findings:?}");
    let cases: [(&str, fn(&mut Value)); 5] = [
        ("app_secret", |config| config["app_secret"] = json!("wrong")),
        ("app_id", |config| {
            config["app_id"] = json!("wx0000000000000000")
        }),
        ("page", |config| config["page"] = json!("pages/none")),
        ("nudge.template", |config| {
            config["nudge"]["template"] = json!("none")
        }),
        ("nudge.fields", |config| {
            config["nudge"]["fields"] = json!({"thing9": "{summary}"})
        }),
    ];
    for (key, change) in cases {
        let findings = channel(&sandbox, change).check().unwrap().check().await;
        let bad: Vec<_> = findings.iter().filter(|one| !one.ok).collect();
        assert_eq!(bad.iter().map(|one| one.key).collect::<Vec<_>>(), [key]);
        assert!(
            !bad[0].mend.zh.is_empty() && !bad[0].mend.en.is_empty(),
            "{key}"
        );
    }
}

#[test]
fn a_wrong_section_is_refused_with_its_key() {
    let base = json!({
        "app_id": "wx5f2c9d7a1b3e8046", "app_secret": "s", "token": "t0ken", "mode": "plain",
        "nudge": {"template": "t", "fields": {"thing1": "{summary}"}},
    });
    let nested = |key: &str, value: Value| {
        let mut section = base.clone();
        match key.split_once('.') {
            Some((outer, inner)) => section[outer][inner] = value,
            None => section[key] = value,
        }
        section
    };
    for (key, value) in [
        ("app_id", json!("wx1")),
        ("app_secret", json!("")),
        ("token", json!("a b")),
        ("mode", json!("safe")),
        ("page", json!("/pages/a")),
        ("service_tool", json!("words")),
        ("nudge.template", json!("")),
        ("nudge.fields", json!({})),
        ("nudge.fields", json!({"words1": "x"})),
        ("nudge.most_per_hour", json!(0)),
        ("nudge.timezone", json!("Mars/Olympus")),
        ("nudge.lang", json!("fr")),
        ("api_base", json!("ftp://x")),
    ] {
        let config: Config = serde_json::from_value(nested(key, value)).unwrap();
        let fault = MiniApp::build(config, &bridge_core::testkit::tools())
            .map(drop)
            .unwrap_err();
        let expected = match key {
            "mode" => "encoding_aes_key",
            "service_tool" => "service_tool_words",
            other => other,
        };
        assert!(fault.key.starts_with(expected), "{key}: {}", fault.key);
        assert!(!fault.what_zh.is_empty() && !fault.example.is_empty());
    }
}

/// A library whose only picture is a GIF.
struct OnePicture;

const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

#[async_trait::async_trait]
impl MediaLibrary for OnePicture {
    async fn keep(&self, _: &Media) -> Result<KeptMedia, MediaError> {
        Ok(KeptMedia {
            hash: "00".repeat(32),
            mime: "image/gif".to_owned(),
            size: GIF.len() as u64,
            name: "a.gif".to_owned(),
            dimensions: Some((1, 1)),
        })
    }

    async fn open(&self, _: &KeptMedia) -> Result<Bytes, MediaError> {
        Ok(Bytes::from_static(GIF))
    }

    async fn put(&self, _: Bytes, _: Option<&str>) -> Result<KeptMedia, MediaError> {
        Err(MediaError::new(Remedy::Never, "nothing is put here"))
    }

    fn url(&self, kept: &KeptMedia) -> String {
        format!("https://kefu.example.com/media/{}", kept.name)
    }

    async fn rendition(
        &self,
        _: &KeptMedia,
        _: Rendition,
    ) -> Result<Option<KeptMedia>, MediaError> {
        Ok(None)
    }
}

fn picture() -> Content {
    let source = MediaSource::Kept {
        hash: "00".repeat(32),
    };
    Content::Image {
        media: Media {
            source,
            name: None,
            mime: None,
            size: None,
        },
    }
}

#[tokio::test]
async fn a_picture_is_uploaded_once_and_again_where_the_platform_has_it_no_more() {
    let (sandbox, _, phone) = stage();
    let tools = Tools {
        media: Arc::new(OnePicture),
        ..tools()
    };
    let config: Config = serde_json::from_value(section(&sandbox)).unwrap();
    let app = MiniApp::build(config, &tools).unwrap();
    drop(phone.says("在吗"));
    let uploads = || {
        let wire = sandbox.wire();
        let of = wire
            .iter()
            .filter(|one| one.line.operation == "wechat.upload");
        of.count()
    };
    for expected in [1, 1, 2] {
        if expected == 2 {
            // Uploads do not live for ever (WeChat: 4.5): 40007.
            sandbox.order("wechat.send=40007x1").unwrap();
        }
        let sent = app.send(&dispatch(phone.openid(), picture())).await;
        assert!(sent.unwrap().lost.is_empty());
        let seen = phone.hears_which("a picture", |one| {
            matches!(one.content, bridge_sandbox::Content::Image { .. })
        });
        seen.await.unwrap();
        assert_eq!(uploads(), expected);
    }
    // What is there can be had back by its id, as a customer's picture is.
    let wire = sandbox.wire();
    let answer = wire
        .iter()
        .rfind(|one| one.line.operation == "wechat.upload")
        .and_then(|one| serde_json::from_str::<Value>(&one.answer.body).ok())
        .unwrap();
    let remote = Media::remote(
        &InboxName::new("mini"),
        answer["media_id"].as_str().unwrap(),
        None,
    );
    let fetched = app.fetch().unwrap().fetch(&remote, 1 << 20).await.unwrap();
    let Fetched::Bytes { bytes, .. } = fetched else {
        panic!("{fetched:?}")
    };
    assert_eq!(&bytes[..], GIF);
}

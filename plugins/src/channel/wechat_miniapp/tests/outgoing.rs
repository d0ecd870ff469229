//! What goes out: words, pages, pictures, nudges, and what may have arrived.

use std::sync::Arc;

use bridge_core::{
    channel::{Channel, Fetched},
    error::Remedy,
    media::{KeptMedia, MediaError, MediaLibrary, Rendition},
    message::{Content, InboxName, Media, MediaSource, PeerId},
    plugin::{Plugin, Tools},
};
use bytes::Bytes;
use serde_json::Value;

use super::super::{MiniApp, config::Config};
use super::{dispatch, platform, section, stage, template, tools};

fn nudge(topic: &str) -> Content {
    Content::Nudge {
        topic: topic.to_owned(),
        from: "林小满".to_owned(),
        summary: "您的订单已经发出，请留意查收".to_owned(),
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

//! Customer messages, uploads, tokens and refusals.

use std::time::Duration;

use bridge_core::{
    channel::{Channel, ChannelErrorKind},
    error::Remedy,
    message::{Content, Hosted, Media, MenuItem},
};
use bridge_sandbox::Content as Shown;

use super::{Stage, shelf::JPEG};

const SEND: &str = "/cgi-bin/message/custom/send";
const TOKEN: &str = "/cgi-bin/stable_token";
const UPLOAD: &str = "/cgi-bin/media/upload";
const AMR: &[u8] = b"#!AMR\nxx";
const MP4: &[u8] = b"\0\0\0\x18ftypisom";

#[tokio::test]
async fn a_refused_token_is_renewed_and_the_send_repeated_once() {
    for code in [40001, 40014, 42001] {
        let stage = Stage::new();
        let phone = stage.phone().await;
        stage
            .sandbox
            .order(&format!("wechat.send={code}x1"))
            .unwrap();
        stage.send(&phone, Content::text("在的")).await.unwrap();
        phone.hears_text("在的").await.unwrap();
        assert_eq!((stage.asked(SEND), stage.asked(TOKEN)), (2, 2), "{code}");
    }
}

#[tokio::test]
async fn a_token_that_others_displaced_is_replaced() {
    let stage = Stage::new();
    let phone = stage.phone().await;
    stage.send(&phone, Content::text("一")).await.unwrap();
    stage.sandbox.wechat().displace_tokens();
    stage.send(&phone, Content::text("二")).await.unwrap();
    stage.send(&phone, Content::text("三")).await.unwrap();
    assert_eq!((stage.asked(SEND), stage.asked(TOKEN)), (4, 2));
}

#[tokio::test]
async fn refusals_without_end_cost_three_calls_and_one_forced_renewal() {
    let stage = Stage::new();
    let phone = stage.phone().await;
    stage.sandbox.order("wechat.send=40001").unwrap();
    let error = stage.send(&phone, Content::text("在的")).await.unwrap_err();
    assert_eq!(error.remedy, Remedy::retry_secs(30));
    assert_eq!(stage.asked(SEND), 3);
    assert_eq!(stage.asked(TOKEN), 3, "the first, another, a forced one");
    let again = stage.send(&phone, Content::text("在的")).await.unwrap_err();
    assert_eq!(again.code, Some(40001));
    assert!(stage.asked(SEND) <= 6, "{}", stage.asked(SEND));
}

#[tokio::test]
async fn forced_renewals_have_an_end_every_day() {
    let stage = Stage::new();
    let phone = stage.phone().await;
    stage.sandbox.order("wechat.send=40001").unwrap();
    let forced = || {
        let wire = stage.sandbox.wire();
        let forced = wire.iter().filter(|exchange| {
            let body = &exchange.request.body;
            exchange.line.url.contains(TOKEN) && body.contains("\"force_refresh\":true")
        });
        forced.count()
    };
    let again = async || {
        let refused = stage.send(&phone, Content::text("在的")).await;
        assert!(refused.is_err());
    };
    // The platform allows 20 a day.
    for _ in 0..40 {
        again().await;
        stage.clock.advance(Duration::from_secs(600));
    }
    assert_eq!(forced(), 18);
    stage.clock.advance(Duration::from_secs(24 * 3600));
    again().await;
    assert_eq!(forced(), 19);
}

#[tokio::test]
async fn a_wrong_secret_is_asked_once_and_rests_for_everybody() {
    let stage = Stage::with(|_| {}, |section| section["app_secret"] = "wrong".into());
    let phone = stage.phone().await;
    for _ in 0..3 {
        let error = stage.send(&phone, Content::text("在的")).await.unwrap_err();
        assert_eq!(error.kind, ChannelErrorKind::Configuration);
        assert!(error.advice.unwrap().zh.contains("AppSecret"));
    }
    assert_eq!((stage.asked(SEND), stage.asked(TOKEN)), (0, 1));
    stage.clock.advance(Duration::from_secs(61));
    stage.send(&phone, Content::text("在的")).await.unwrap_err();
    assert_eq!(stage.asked(TOKEN), 2);
}

#[tokio::test]
async fn pictures_voices_and_films_are_uploaded_once_and_sent() {
    let stage = Stage::new();
    let phone = stage.phone().await;
    let picture = stage.keep("a.jpg", "image/jpeg", JPEG);
    for _ in 0..2 {
        let content = Content::Image {
            media: picture.clone(),
        };
        stage.send(&phone, content).await.unwrap();
        let shown = phone
            .hears_which("a picture", |one| {
                matches!(one.content, Shown::Image { .. })
            })
            .await;
        assert!(shown.is_ok());
    }
    assert_eq!(stage.asked(UPLOAD), 1);
    for (name, mime, bytes) in [
        ("a.amr", "audio/amr", AMR),
        ("a.silk", "audio/silk", &b"#!SILK"[..]),
    ] {
        let content = Content::Voice {
            media: stage.keep(name, mime, bytes),
            words: None,
            seconds: None,
        };
        let receipt = stage.send(&phone, content).await.unwrap();
        assert!(receipt.lost.is_empty(), "{name}");
        let shown = phone
            .hears_which("a voice", |one| matches!(one.content, Shown::Voice { .. }))
            .await;
        assert!(shown.is_ok(), "{name}");
    }
    let film = Content::Video {
        media: stage.keep("a.mp4", "video/mp4", MP4),
        thumbnail: Some(picture),
        seconds: None,
    };
    assert!(stage.send(&phone, film).await.unwrap().lost.is_empty());
    let shown = phone
        .hears_which("a film", |one| {
            matches!(&one.content, Shown::Video { title: Some(title), .. } if title == "a.mp4")
        })
        .await;
    assert!(shown.is_ok());
}

#[tokio::test]
async fn sound_files_play_as_music_and_what_the_account_made_goes_by_its_id() {
    let stage = Stage::new();
    let phone = stage.phone().await;
    let song = Content::File {
        media: stage.keep("等待音乐.mp3", "audio/mpeg", b"ID3\x03"),
    };
    for _ in 0..2 {
        let receipt = stage.send(&phone, song.clone()).await.unwrap();
        assert!(receipt.lost.is_empty(), "{:?}", receipt.lost);
        let is_song = |one: &bridge_sandbox::Message| {
            matches!(&one.content, Shown::Music { title, url, .. }
                if title == "等待音乐.mp3" && url == "https://kefu.example.com/media/等待音乐.mp3")
        };
        phone.hears_which("music", is_song).await.unwrap();
    }
    assert_eq!(stage.asked(UPLOAD), 1, "the picture, once");
    let named = Content::Music {
        title: "晚安".to_owned(),
        description: "轻音乐".to_owned(),
        url: "https://cdn.example/a.mp3".to_owned(),
        thumbnail: None,
    };
    stage.send(&phone, named).await.unwrap();
    let is_named = |one: &bridge_sandbox::Message| matches!(&one.content, Shown::Music { description, .. } if description == "轻音乐");
    phone
        .hears_which("music with words", is_named)
        .await
        .unwrap();

    phone.says("还有吗").await;
    let hosted = |what, id: &str| Content::Hosted {
        what,
        id: id.to_owned(),
        title: "新人券".to_owned(),
        url: None,
    };
    stage
        .send(&phone, hosted(Hosted::Coupon, "card-001"))
        .await
        .unwrap();
    let is_coupon = |one: &bridge_sandbox::Message| matches!(&one.content, Shown::Card { card_id } if card_id == "card-001");
    phone.hears_which("a coupon", is_coupon).await.unwrap();
    stage
        .send(&phone, hosted(Hosted::Article, "art-001"))
        .await
        .unwrap();
    let is_article = |one: &bridge_sandbox::Message| matches!(&one.content, Shown::Other { kind, raw } if kind == "mpnewsarticle" && raw == "art-001");
    phone.hears_which("an article", is_article).await.unwrap();
    // Accounts with drafts have no such material any more: the agent is told, and nothing is tried again.
    let old = stage.send(&phone, hosted(Hosted::News, "news-1")).await;
    let old = old.unwrap_err();
    assert_eq!((old.code, old.remedy), (Some(40007), Remedy::Never));
    assert!(old.advice.is_some());
}

#[tokio::test]
async fn what_the_platform_has_no_form_for_goes_as_a_link_and_says_so() {
    let stage = Stage::new();
    let phone = stage.phone().await;
    let film = stage.keep("a.mp4", "video/mp4", MP4);
    for (content, words) in [
        (
            Content::File {
                media: stage.keep("合同.pdf", "application/pdf", b"%PDF-1.7"),
            },
            "[文件 合同.pdf] https://kefu.example.com/media/合同.pdf",
        ),
        (
            Content::Video {
                media: film,
                thumbnail: None,
                seconds: None,
            },
            "[视频] https://kefu.example.com/media/a.mp4",
        ),
    ] {
        let receipt = stage.send(&phone, content).await.unwrap();
        assert_eq!(receipt.lost.len(), 1);
        phone.hears_text(words).await.unwrap();
    }
    let gone = Content::Image {
        media: Media::remote(&"elsewhere".into(), "no-such", None),
    };
    let error = stage.send(&phone, gone).await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Never);
}

#[tokio::test]
async fn an_upload_that_is_gone_is_made_again_once() {
    let stage = Stage::new();
    let phone = stage.phone().await;
    let picture = Content::Image {
        media: stage.keep("a.jpg", "image/jpeg", JPEG),
    };
    stage.send(&phone, picture.clone()).await.unwrap();
    stage.sandbox.order("wechat.send=40007x1").unwrap();
    stage.send(&phone, picture.clone()).await.unwrap();
    assert_eq!(stage.asked(UPLOAD), 2);
    stage.sandbox.order("wechat.send=40007x2").unwrap();
    let error = stage.send(&phone, picture).await.unwrap_err();
    assert_eq!((error.code, error.remedy), (Some(40007), Remedy::Never));
    assert_eq!(stage.asked(UPLOAD), 3);
}

#[tokio::test]
async fn a_kind_the_account_may_not_send_is_said_in_words() {
    let stage = Stage::new();
    let phone = stage.phone().await;
    let menu = Content::Menu {
        head: "您满意吗？".to_owned(),
        items: vec![MenuItem {
            id: "1".to_owned(),
            label: "满意".to_owned(),
        }],
        tail: String::new(),
    };
    for code in [40008, 40200, 48008] {
        stage
            .sandbox
            .order(&format!("wechat.send={code}x1"))
            .unwrap();
        let receipt = stage.send(&phone, menu.clone()).await.unwrap();
        assert_eq!(receipt.lost.len(), 1);
        phone.hears_text("您满意吗？\n· 满意").await.unwrap();
    }
    stage.sandbox.order("wechat.send=48008x1").unwrap();
    let picture = Content::Image {
        media: stage.keep("a.jpg", "image/jpeg", JPEG),
    };
    stage.send(&phone, picture).await.unwrap();
    phone
        .hears_text("[图片] https://kefu.example.com/media/a.jpg")
        .await
        .unwrap();
    stage.sandbox.order("wechat.send=48008x1").unwrap();
    let error = stage.send(&phone, Content::text("话")).await.unwrap_err();
    assert_eq!((error.code, error.remedy), (Some(48008), Remedy::Never));
}

#[tokio::test]
async fn each_refusal_says_what_to_do() {
    let stage = Stage::new();
    let phone = stage.phone().await;
    for (code, remedy, kind) in [
        (-1, Remedy::retry_secs(1), ChannelErrorKind::Refused),
        (43108, Remedy::retry_secs(2), ChannelErrorKind::Refused),
        (45015, Remedy::Never, ChannelErrorKind::Refused),
        (45047, Remedy::Hold, ChannelErrorKind::Refused),
        (
            48001,
            Remedy::retry_secs(60),
            ChannelErrorKind::Configuration,
        ),
        (40037, Remedy::Never, ChannelErrorKind::Configuration),
        (99_999, Remedy::Never, ChannelErrorKind::Refused),
    ] {
        stage
            .sandbox
            .order(&format!("wechat.send={code}x1"))
            .unwrap();
        let error = stage.send(&phone, Content::text("话")).await.unwrap_err();
        assert_eq!(
            (error.code, error.remedy, error.kind),
            (Some(code), remedy, kind)
        );
        assert_eq!(
            error.advice.is_some(),
            !matches!(code, -1 | 43108),
            "{code}"
        );
        stage.send(&phone, Content::text("话")).await.ok();
        phone.says("再来").await;
    }
}

#[tokio::test]
async fn calls_made_too_often_are_left_alone_for_a_minute() {
    let stage = Stage::new();
    let phone = stage.phone().await;
    stage.sandbox.order("wechat.send=45011x1").unwrap();
    let busy = stage.send(&phone, Content::text("话")).await.unwrap_err();
    assert_eq!(busy.remedy, Remedy::retry_secs(60));
    stage.clock.advance(Duration::from_secs(59));
    let waits = stage.send(&phone, Content::text("话")).await.unwrap_err();
    assert_eq!(
        (waits.kind, waits.remedy),
        (ChannelErrorKind::Busy, Remedy::retry_secs(1))
    );
    assert_eq!(stage.asked(SEND), 1);
    stage.clock.advance(Duration::from_secs(1));
    stage.send(&phone, Content::text("话")).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_is_lost_is_no_refusal() {
    let stage = Stage::new();
    let phone = stage.phone().await;
    for fault in ["cut-after", "http:502"] {
        stage
            .sandbox
            .order(&format!("wechat.send={fault}x1"))
            .unwrap();
        let error = stage.send(&phone, Content::text("话")).await.unwrap_err();
        assert_eq!(
            (error.kind, error.remedy),
            (ChannelErrorKind::Network, Remedy::Unknown)
        );
    }
}

#[tokio::test]
async fn the_unlisted_address_is_named() {
    let stage = Stage::new();
    let phone = stage.phone().await;
    stage.sandbox.order("wechat.token=40164x1").unwrap();
    let error = stage.send(&phone, Content::text("话")).await.unwrap_err();
    assert_eq!(
        (error.code, error.kind),
        (Some(40164), ChannelErrorKind::Configuration)
    );
    let advice = error.advice.unwrap().zh;
    assert!(advice.contains("IP 白名单"), "{advice}");
}

#[tokio::test]
async fn typing_forgives_what_does_not_matter() {
    let stage = Stage::new();
    let phone = stage.phone().await;
    let to = super::dispatch(&phone, Content::text("")).to;
    let typing = stage.account.typing().unwrap();
    typing.typing(&to, true).await.unwrap();
    typing.typing(&to, true).await.unwrap();
    stage.sandbox.order("wechat.typing=45080x1").unwrap();
    typing.typing(&to, false).await.unwrap();
    stage.sandbox.order("wechat.typing=48001x1").unwrap();
    assert!(typing.typing(&to, true).await.is_err());
}

#[tokio::test]
async fn the_check_names_the_setting_and_the_clock() {
    let stage = Stage::new();
    let findings = stage.account.check().unwrap().check().await;
    assert!(findings.iter().all(|one| one.ok), "{findings:?}");
    assert!(findings.iter().any(|one| one.what.zh.contains("时钟")));
    let wrong = Stage::with(
        |_| {},
        |section| section["app_id"] = "wx0000000000000000".into(),
    );
    let findings = wrong.account.check().unwrap().check().await;
    assert_eq!((findings[0].ok, findings[0].key), (false, "app_id"));
    let late = Stage::new();
    late.clock.advance(Duration::from_secs(3600));
    let findings = late.account.check().unwrap().check().await;
    assert!(
        findings
            .iter()
            .any(|one| !one.ok && one.what.en.contains("clock"))
    );
}

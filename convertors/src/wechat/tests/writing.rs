//! What is written for the platform.

use bridge_core::{
    channel::Capabilities,
    convert::Convertor,
    message::{Content, Hosted, InboxName, Media},
};

use super::super::{WeChat, Wire};

#[test]
fn a_page_without_a_picture_is_a_link_to_it() {
    let convertor = WeChat {
        locale: bridge_core::texts::Locale::Zh,
        inbox: InboxName::new("mall"),
    };
    let page = Content::MiniProgram {
        app_id: "wx5f2c9d7a1b3e8046".to_owned(),
        title: "保温杯".to_owned(),
        path: "pages/item/index?sku=42".to_owned(),
        thumbnail: None,
    };
    let written = convertor.write(&page, &Capabilities::default()).unwrap();
    assert_eq!(written.lost.len(), 1);
    let Content::Text(text) = &convertor.read(&written.parts[0]).unwrap()[0] else {
        panic!("{written:?}");
    };
    assert_eq!(
        text.text,
        r#"<a href="https://mp.weixin.qq.com/" data-miniprogram-appid="wx5f2c9d7a1b3e8046" data-miniprogram-path="pages/item/index?sku=42">保温杯</a>"#
    );
}

#[test]
fn what_an_account_may_not_send_is_said_in_words() {
    let convertor = WeChat {
        locale: bridge_core::texts::Locale::Zh,
        inbox: InboxName::new("mall"),
    };
    let words = |content: &Content| {
        let message = super::super::plain::in_words(content, convertor.locale)?;
        let read = convertor.read(&Wire::Message(message)).unwrap().remove(0);
        read.words().map(str::to_owned)
    };
    let item = |id: &str, label: &str| bridge_core::message::MenuItem {
        id: id.to_owned(),
        label: label.to_owned(),
    };
    let menu = Content::Menu {
        head: "您满意吗？\n".to_owned(),
        items: vec![item("1", "满意"), item("2", "不满意")],
        tail: String::new(),
    };
    assert_eq!(words(&menu).unwrap(), "您满意吗？\n· 满意\n· 不满意");
    let link = Content::Link {
        title: "退货指南".to_owned(),
        description: String::new(),
        url: "https://shop.example/r".to_owned(),
        picture_url: None,
    };
    assert_eq!(words(&link).unwrap(), "退货指南\nhttps://shop.example/r");
    let at = |url: &str| {
        bridge_core::message::Media::remote(&InboxName::new("mall"), "", Some(url.to_owned()))
    };
    let voice = Content::Voice {
        media: at("https://k.example/v"),
        words: Some("我要退货".to_owned()),
        seconds: None,
    };
    assert_eq!(
        words(&voice).unwrap(),
        "[语音“我要退货”] https://k.example/v"
    );
    assert_eq!(words(&Content::text("words already")), None);
}

#[test]
fn no_escape_the_platform_refuses_is_written() {
    let message = super::super::send::Message::text("a\u{1b}[1m\u{0}b\r\nc\td");
    let body = serde_json::to_string(&message).unwrap();
    assert_eq!(
        body,
        r#"{"msgtype":"text","text":{"content":"a[1mb\nc\td"}}"#
    );
}

#[test]
fn bodies_are_raw_utf_8() {
    let message = super::super::send::Message::text("您好 <a href=\"https://a.example\">看</a> 😀");
    let body = serde_json::to_string(&super::super::send::CustomSend {
        touser: "o",
        message: &message,
    })
    .unwrap();
    assert_eq!(
        body,
        r#"{"touser":"o","msgtype":"text","text":{"content":"您好 <a href=\"https://a.example\">看</a> 😀"}}"#
    );
}

#[test]
fn music_and_what_the_account_made_have_the_platforms_form() {
    let words = WeChat {
        locale: bridge_core::texts::Locale::Zh,
        inbox: InboxName::new("mall"),
    };
    let hosted = |what, id: &str| Content::Hosted {
        what,
        id: id.to_owned(),
        title: String::new(),
        url: None,
    };
    let music = Content::Music {
        title: "等待音乐".to_owned(),
        description: String::new(),
        url: "https://cdn.example/a.mp3".to_owned(),
        thumbnail: Some(Media::remote(&words.inbox, "thumb-out-1", None)),
    };
    for (content, body) in [
        (
            music,
            r#"{"msgtype":"music","music":{"title":"等待音乐","description":"","musicurl":"https://cdn.example/a.mp3","hqmusicurl":"https://cdn.example/a.mp3","thumb_media_id":"thumb-out-1"}}"#,
        ),
        (
            hosted(Hosted::Article, "art-001"),
            r#"{"msgtype":"mpnewsarticle","mpnewsarticle":{"article_id":"art-001"}}"#,
        ),
        (
            hosted(Hosted::News, "news-legacy-1"),
            r#"{"msgtype":"mpnews","mpnews":{"media_id":"news-legacy-1"}}"#,
        ),
        (
            hosted(Hosted::Coupon, "card-001"),
            r#"{"msgtype":"wxcard","wxcard":{"card_id":"card-001"}}"#,
        ),
    ] {
        let written = words.write(&content, &Capabilities::default()).unwrap();
        assert_eq!(written.lost, []);
        let [part @ Wire::Message(message)] = &written.parts[..] else {
            panic!("{written:?}")
        };
        assert_eq!(serde_json::to_string(message).unwrap(), body);
        assert_eq!(words.read(part).unwrap(), [content], "and back");
    }
}

/// Words that stand for what cannot be shown are in the language of the other words.
#[test]
fn what_is_named_is_named_in_the_readers_language() {
    use bridge_core::{channel::Capabilities, message::Media, texts::Locale};
    let inbox = InboxName::new("mall");
    let there = || Media {
        name: Some("a.pdf".to_owned()),
        ..Media::remote(
            &InboxName::new("desk"),
            "",
            Some("https://k.example/m".to_owned()),
        )
    };
    let contents = [
        Content::Image { media: there() },
        Content::Voice {
            media: there(),
            words: Some("hello".to_owned()),
            seconds: None,
        },
        Content::Video {
            media: there(),
            thumbnail: None,
            seconds: None,
        },
        Content::File { media: there() },
        Content::MiniProgram {
            app_id: "wx1".to_owned(),
            title: String::new(),
            path: "pages/a".to_owned(),
            thumbnail: None,
        },
    ];
    for (locale, wanted) in [
        (Locale::Zh, ["图片", "语音", "视频", "文件", "打开小程序"]),
        (
            Locale::En,
            [
                "picture",
                "voice message",
                "video",
                "file",
                "Open the mini program",
            ],
        ),
    ] {
        let words = WeChat {
            locale,
            inbox: inbox.clone(),
        };
        for (content, wanted) in contents.iter().zip(wanted) {
            let written = words.write(content, &Capabilities::default()).unwrap();
            let read = words.read(&written.parts[0]).unwrap().remove(0);
            let said = read.words().unwrap();
            assert!(said.contains(wanted), "{said}");
            let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
            assert_eq!(said.contains(is_chinese), locale == Locale::Zh, "{said}");
        }
    }
}

//! One content of each kind.

use bridge_core::message::{Content, ContentKind, Event, Hosted, Media, MenuItem};

use super::{APP_ID, inbox};

/// Something the account has made.
pub(super) fn hosted(what: Hosted) -> Content {
    Content::Hosted {
        what,
        id: "id-1".to_owned(),
        title: "新人券".to_owned(),
        url: Some("https://shop.example/coupon".to_owned()),
    }
}

/// One of each kind.
pub(super) fn sample(kind: ContentKind, uploaded: bool) -> Content {
    let media = || {
        let handle = if uploaded { "uploaded" } else { "" };
        let mut media = Media::remote(&inbox(), handle, Some("https://k.example/m".to_owned()));
        (media.name, media.size) = (Some("合同.pdf".to_owned()), Some(70_211));
        media
    };
    let picture = || Media::remote(&inbox(), "uploaded", Some("https://k.example/p".to_owned()));
    let text = |text: &str| text.to_owned();
    match kind {
        ContentKind::Text => Content::text("您好"),
        ContentKind::Image => Content::Image { media: media() },
        ContentKind::Voice => Content::Voice {
            media: media(),
            words: Some(text("我要退货")),
            seconds: Some(3),
        },
        ContentKind::Video => Content::Video {
            media: media(),
            thumbnail: Some(picture()),
            seconds: Some(9),
        },
        ContentKind::File => Content::File { media: media() },
        ContentKind::Location => Content::Location {
            latitude: 30.25,
            longitude: 120.125,
            label: text("西湖"),
        },
        ContentKind::Link => Content::Link {
            title: text("退货指南"),
            description: text("三步完成"),
            url: text("https://shop.example/return"),
            picture_url: None,
        },
        ContentKind::MiniProgram => Content::MiniProgram {
            app_id: text(APP_ID),
            title: text("保温杯"),
            path: text("pages/item/index?sku=42"),
            thumbnail: Some(picture()),
        },
        ContentKind::Music => Content::Music {
            title: text("等待音乐"),
            description: text("轻音乐"),
            url: text("https://cdn.example/a.mp3"),
            thumbnail: Some(picture()),
        },
        ContentKind::Hosted => hosted(Hosted::Article),
        ContentKind::Menu => Content::Menu {
            head: text("请评价"),
            items: vec![MenuItem {
                id: text("15"),
                label: text("满意"),
            }],
            tail: String::new(),
        },
        ContentKind::Choice => Content::Choice {
            id: text("15"),
            label: text("满意"),
        },
        ContentKind::Nudge => Content::Nudge {
            topic: text("t"),
            from: text("小林"),
            summary: text("已发出"),
        },
        ContentKind::Event => Content::Event(Event::Unfollowed),
        ContentKind::Recalled => Content::Recalled {
            external_id: text("1"),
        },
        ContentKind::Unsupported => Content::Unsupported {
            what: text("x"),
            summary: text("y"),
        },
    }
}

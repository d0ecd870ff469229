use bridge_core::channel::Capabilities;
use bridge_core::convert::{ConvertError, Convertor};
use bridge_core::message::{Content, ContentKind, Event, InboxName, Media, MenuItem};
use bridge_core::texts::Locale;
use proptest::prelude::*;

use super::fixture;
use crate::tencent_im::body::{Element, MAX_BODY_BYTES};
use crate::tencent_im::convert::{TencentIm, capabilities};

fn im() -> TencentIm {
    TencentIm {
        inbox: InboxName::new("desk"),
        locale: Locale::Zh,
    }
}

fn remote(handle: &str, url: &str, size: u64) -> Media {
    Media {
        size: Some(size),
        ..Media::remote(&InboxName::new("desk"), handle, Some(url.to_owned()))
    }
}

fn read(json: &str) -> Vec<Content> {
    let elements: Vec<Element<'_>> = serde_json::from_str(json).unwrap();
    im().contents(&elements)
}

#[test]
fn the_elements_of_one_message_become_contents_in_order() {
    let said = read(fixture!("elements.json"));
    let kinds: Vec<ContentKind> = said.iter().map(Content::kind).collect();
    use ContentKind::*;
    assert_eq!(
        kinds,
        [Text, Text, Location, Unsupported, Image, Voice, File, Video]
    );

    assert_eq!(said[0], Content::text("发票抬头写错了 🙏"));
    assert_eq!(said[1], Content::text("[smile]"));
    let order = Content::Unsupported {
        what: "TIMCustomElem".into(),
        summary: "订单卡片".into(),
    };
    assert_eq!(said[3], order);
    let mut picture = remote(
        "9c1f6b0a7e",
        "https://media.example.test/o/9c1f.jpg",
        204_800,
    );
    picture.mime = Some("image/jpeg".into());
    assert_eq!(said[4], Content::Image { media: picture });
    let mut contract = remote("file-8", "https://media.example.test/f/8.pdf", 70_211);
    contract.name = Some("合同.pdf".into());
    assert_eq!(said[6], Content::File { media: contract });
    let Content::Video {
        thumbnail, seconds, ..
    } = &said[7]
    else {
        panic!()
    };
    assert_eq!(*seconds, Some(11));
    assert_eq!(
        *thumbnail,
        Some(remote(
            "vid-9-t",
            "https://media.example.test/m/9.jpg",
            7_100
        ))
    );
}

#[test]
fn media_without_an_address_are_named() {
    let old = r#"[{"MsgType":"TIMSoundElem","MsgContent":{"UUID":"x","Size":3,"Second":2}},
        {"MsgType":"TIMImageElem","MsgContent":{"UUID":"x","ImageInfoArray":[{"Type":1,"URL":""}]}},
        {"MsgType":"TIMFileElem","MsgContent":{"UUID":"x"}},{"MsgType":"TIMVideoFileElem","MsgContent":{}}]"#;
    let said = read(old);
    assert_eq!(said.len(), 4);
    assert!(
        said.iter()
            .all(|content| content.kind() == ContentKind::Unsupported),
        "{said:?}"
    );
}

#[test]
fn relays_streams_and_strangers() {
    let said = read(
        r#"[{"MsgType":"TIMRelayElem","MsgContent":{"Title":"聊天记录","AbstractList":["甲: 你好"]}},
        {"MsgType":"TIMStreamElem","MsgContent":{"CompatibleText":"…","Chunks":[{"Markdown":"**好"},{"Markdown":"**"}]}},
        {"MsgType":"TIMHologramElem","MsgContent":{"Depth":3}},{"MsgType":"TIMTextElem","MsgContent":{"Text":""}}]"#,
    );
    let hologram = Content::Unsupported {
        what: "TIMHologramElem".into(),
        summary: r#"{"Depth":3}"#.into(),
    };
    assert_eq!(
        said,
        [
            Content::text("聊天记录\n甲: 你好"),
            Content::markdown("**好**"),
            hologram
        ]
    );
}

#[test]
fn what_has_no_element_becomes_words_and_the_loss_is_told() {
    let link = Content::Link {
        title: "发货说明".into(),
        description: String::new(),
        url: "https://example.test/a".into(),
        picture_url: None,
    };
    let items = vec![
        MenuItem {
            id: "11".into(),
            label: "满意".into(),
        },
        MenuItem {
            id: "12".into(),
            label: "不满意".into(),
        },
    ];
    let menu = Content::Menu {
        head: "请评价".into(),
        items,
        tail: "谢谢".into(),
    };
    for (content, words) in [
        (link, "发货说明\nhttps://example.test/a"),
        (menu, "请评价\n• 满意\n• 不满意\n谢谢"),
    ] {
        let written = im().messages(&content, 7_000).unwrap();
        assert!(
            matches!(&written.parts[..], [Element::Text(text)] if text.text == words),
            "{written:?}"
        );
        assert_eq!(written.lost[0].kind, content.kind());
    }
}

#[test]
fn recognised_words_follow_the_voice() {
    let media = remote("v", "https://media.example.test/v.mp3", 9);
    let voice = Content::Voice {
        media,
        words: Some("我要退货".into()),
        seconds: Some(4),
    };
    let written = im().messages(&voice, 7_000).unwrap();
    let [Element::Sound(sound), Element::Text(words)] = &written.parts[..] else {
        panic!("{written:?}")
    };
    assert_eq!((sound.second, sound.download_flag), (4, 2));
    assert_eq!(words.text, "[语音识别] 我要退货");
}

#[test]
fn facts_and_media_without_a_url_cannot_be_said() {
    let kept = Media {
        source: bridge_core::message::MediaSource::Kept {
            hash: "0".repeat(64),
        },
        ..remote("", "", 0)
    };
    for content in [
        Content::Event(Event::Unfollowed),
        Content::Image { media: kept },
    ] {
        assert!(matches!(
            im().messages(&content, 7_000),
            Err(ConvertError::Unspeakable { .. })
        ));
    }
    let endless = remote(
        "v",
        &format!("https://example.test/{}", "x".repeat(8_000)),
        1,
    );
    let refused = im().messages(&Content::File { media: endless }, 7_000);
    assert!(matches!(refused, Err(ConvertError::Unspeakable { .. })));
}

/// Everything that has an element of its own and loses nothing in it.
fn sayable() -> impl Strategy<Value = Content> {
    let url = "https://[a-z]{1,20}\\.test/[a-zA-Z0-9/_-]{0,40}";
    let medium = ("[a-zA-Z0-9]{1,40}", url, 1..u64::MAX)
        .prop_map(|(handle, url, size)| remote(&handle, &url, size));
    let pictured = (
        medium.clone(),
        prop::sample::select(capabilities().image_types),
    );
    prop_oneof![
        "\\PC{1,2000}".prop_map(Content::text),
        (
            -90_000_000..90_000_000i32,
            -180_000_000..180_000_000i32,
            "\\PC{0,60}"
        )
            .prop_map(|(north, east, label)| {
                Content::Location {
                    latitude: f64::from(north) / 1e6,
                    longitude: f64::from(east) / 1e6,
                    label,
                }
            }),
        pictured.prop_map(|(media, mime)| Content::Image {
            media: Media {
                mime: Some(mime.into()),
                ..media
            }
        }),
        (medium.clone(), prop::option::of(1..600u32)).prop_map(|(media, seconds)| Content::Voice {
            media,
            words: None,
            seconds
        }),
        (medium.clone(), "\\PC{1,40}").prop_map(|(media, name)| Content::File {
            media: Media {
                name: Some(name),
                ..media
            }
        }),
        (
            medium.clone(),
            medium.prop_map(Some),
            prop::option::of(1..600u32)
        )
            .prop_map(|(media, thumbnail, seconds)| Content::Video {
                media,
                thumbnail,
                seconds
            }),
    ]
}

proptest! {
    #[test]
    fn what_was_written_without_loss_is_read_back(content in sayable()) {
        let written = im().write(&content, &capabilities()).unwrap();
        prop_assert!(written.lost.is_empty());
        prop_assert_eq!(written.parts.len(), 1);
        // Through the wire, as the other side gets it.
        let json = serde_json::to_string(&written.parts[0]).unwrap();
        let elements: Vec<Element<'_>> = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(im().contents(&elements), vec![content]);
    }

    #[test]
    fn every_message_fits_and_no_word_is_lost(text in any::<String>(), times in 1..60usize, limit in 100..9_000usize) {
        let text = text.repeat(times);
        let within = Capabilities { text_bytes: Some(limit), ..capabilities() };
        let written = im().write(&Content::text(text.clone()), &within).unwrap();
        let mut words = String::new();
        for part in &written.parts {
            prop_assert!(serde_json::to_vec(part).unwrap().len() <= MAX_BODY_BYTES);
            let [Element::Text(text)] = &part[..] else { panic!("{part:?}") };
            words.push_str(&text.text);
        }
        let dense = |text: &str| text.split_whitespace().collect::<String>().replace(|c: char| c.is_ascii_control(), "");
        prop_assert_eq!(dense(&words), dense(&text.replace(|c: char| c.is_ascii_control() && c != '\n' && c != '\t', "")));
    }
}

#[test]
fn a_video_without_a_still_is_a_file() {
    let media = remote("v", "https://media.example.test/v.mp4", 9);
    let video = Content::Video {
        media,
        thumbnail: None,
        seconds: None,
    };
    let written = im().messages(&video, 7_000).unwrap();
    assert!(
        matches!(&written.parts[..], [Element::File(_)]),
        "{written:?}"
    );
    assert_eq!(written.lost[0].kind, ContentKind::Video);
}

#[test]
fn escapes_are_weighed() {
    for sign in ["\"", "\\", "\n.", "\u{1}"] {
        let text = sign.repeat(7_000 / sign.len());
        let written = im().write(&Content::text(text), &capabilities()).unwrap();
        assert!(!written.parts.is_empty());
        assert!(
            written
                .parts
                .iter()
                .all(|part| serde_json::to_vec(part).unwrap().len() <= MAX_BODY_BYTES)
        );
    }
}

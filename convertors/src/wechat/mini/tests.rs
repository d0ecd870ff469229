//! What mini programs read and write, and the events of their subscription messages in both formats.

use bridge_core::message::{Answer, ConsentAnswer, ContentKind, Event, MenuItem, NudgeResult};
use proptest::prelude::*;

use super::*;
use crate::wechat::{Fields, callback, forms_agree};

const APP_ID: &str = "wx5f2c9d7a1b3e8046";

fn mini() -> MiniApp {
    MiniApp {
        locale: bridge_core::texts::Locale::Zh,
        inbox: InboxName::new("mini"),
        app_id: APP_ID.to_owned(),
    }
}

fn written(content: &Content) -> (serde_json::Value, Vec<Loss>) {
    let written = mini().write(content, &Capabilities::default()).unwrap();
    let [Wire::Message(message)] = written.parts.as_slice() else {
        panic!("{:?}", written.parts)
    };
    (serde_json::to_value(message).unwrap(), written.lost)
}

fn uploaded(handle: &str) -> Media {
    Media::remote(&InboxName::new("mini"), handle, None)
}

fn at_url(url: &str) -> Media {
    Media::remote(&InboxName::new("mini"), "", Some(url.to_owned()))
}

#[test]
fn what_a_mini_program_shows_goes_as_it_is() {
    let link = Content::Link {
        title: "退货指南".to_owned(),
        description: "三步完成".to_owned(),
        url: "https://shop.example/return".to_owned(),
        picture_url: None,
    };
    let page = Content::MiniProgram {
        app_id: APP_ID.to_owned(),
        title: "保温杯".to_owned(),
        path: "pages/item/index?sku=42".to_owned(),
        thumbnail: Some(uploaded("thumb-1")),
    };
    let image = Content::Image {
        media: uploaded("img-1"),
    };
    let cases = [
        (
            link,
            serde_json::json!({"msgtype": "link", "link": {"title": "退货指南", "description": "三步完成",
                "url": "https://shop.example/return", "thumb_url": ""}}),
        ),
        (
            page,
            serde_json::json!({"msgtype": "miniprogrampage", "miniprogrampage": {"title": "保温杯",
                "pagepath": "pages/item/index?sku=42", "thumb_media_id": "thumb-1"}}),
        ),
        (
            image,
            serde_json::json!({"msgtype": "image", "image": {"media_id": "img-1"}}),
        ),
    ];
    for (content, body) in cases {
        let (message, lost) = written(&content);
        assert_eq!((message, lost), (body, Vec::new()));
        let parts = mini()
            .write(&content, &Capabilities::default())
            .unwrap()
            .parts;
        assert_eq!(mini().read(&parts[0]).unwrap(), [content]);
    }
}

#[test]
fn what_it_cannot_show_becomes_words_and_is_reported() {
    let voice = Content::Voice {
        media: at_url("https://k.example/v.mp3"),
        words: Some("我要退货".to_owned()),
        seconds: Some(3),
    };
    let page = |app_id: &str| Content::MiniProgram {
        app_id: app_id.to_owned(),
        title: "水杯 <新>".to_owned(),
        path: "pages/a?b=\"1\"".to_owned(),
        thumbnail: None,
    };
    let rating = Content::Menu {
        head: "请打分：".to_owned(),
        items: vec![MenuItem {
            id: "15".to_owned(),
            label: "满意".to_owned(),
        }],
        tail: String::new(),
    };
    let cases = [
        (voice, "[语音“我要退货”] https://k.example/v.mp3"),
        (
            page(APP_ID),
            "<a href=\"https://mp.weixin.qq.com/\" data-miniprogram-appid=\"wx5f2c9d7a1b3e8046\" data-miniprogram-path=\"pages/a?b=%221%22\">水杯 ＜新＞</a>",
        ),
        (
            page("wx0000000000000000"),
            "[小程序] 水杯 <新>\nAppID: wx0000000000000000\n页面: pages/a?b=\"1\"",
        ),
        (rating, "请打分：\n· 满意"),
        (
            Content::File {
                media: at_url("https://k.example/f"),
            },
            "[文件] https://k.example/f",
        ),
        (
            Content::Location {
                latitude: 30.5,
                longitude: 120.5,
                label: "西湖".to_owned(),
            },
            "📍 西湖\nhttps://apis.map.qq.com/uri/v1/marker?marker=coord:30.5,120.5",
        ),
    ];
    for (content, words) in cases {
        let (message, lost) = written(&content);
        assert_eq!(message["text"]["content"], words);
        assert_eq!(lost.len(), 1, "{content:?}");
        assert_eq!(lost[0].kind, content.kind());
    }
}

#[test]
fn nothing_that_is_no_speech_is_said() {
    for content in [
        Content::text(" \n"),
        Content::Event(Event::Unfollowed),
        Content::Image {
            media: uploaded(""),
        },
    ] {
        assert!(
            mini().write(&content, &Capabilities::default()).is_err(),
            "{content:?}"
        );
    }
    assert_eq!(Content::Event(Event::Unfollowed).kind(), ContentKind::Event);
}

fn event(body: &str) -> Event {
    let fields = Fields::read(body.as_bytes()).unwrap();
    match callback::content(&fields, &InboxName::new("mini")) {
        Content::Event(event) => event,
        other => panic!("{other:?}"),
    }
}

fn answers(given: &[(&str, Answer)]) -> Event {
    let answers = given.iter().map(|(topic, answer)| ConsentAnswer {
        topic: (*topic).to_owned(),
        answer: *answer,
    });
    Event::Consent {
        answers: answers.collect(),
    }
}

#[test]
fn consent_reads_the_same_from_both_formats() {
    let both = answers(&[("a", Answer::Given), ("b", Answer::Declined)]);
    let xml = "<xml><MsgType>event</MsgType><Event>subscribe_msg_popup_event</Event><SubscribeMsgPopupEvent>\
        <List><TemplateId>a</TemplateId><SubscribeStatusString>accept</SubscribeStatusString><PopupScene>0</PopupScene></List>\
        <List><SubscribeStatusString>reject</SubscribeStatusString><TemplateId>b</TemplateId></List>\
        </SubscribeMsgPopupEvent></xml>";
    assert_eq!(event(xml), both);
    let json = r#"{"MsgType":"event","Event":"subscribe_msg_popup_event","List":[
        {"TemplateId":"a","SubscribeStatusString":"accept","PopupScene":"0"},{"SubscribeStatusString":"reject","TemplateId":"b"}]}"#;
    assert_eq!(event(json), both);
    let single = r#"{"MsgType":"event","Event":"subscribe_msg_popup_event","List":{"TemplateId":"a","SubscribeStatusString":"accept"}}"#;
    assert_eq!(event(single), answers(&[("a", Answer::Given)]));
    // One edition of the documents wraps a change in a popup's name.
    let change = "<xml><MsgType>event</MsgType><Event>subscribe_msg_change_event</Event><SubscribeMsgPopupEvent>\
        <List><TemplateId>a</TemplateId><SubscribeStatusString>reject</SubscribeStatusString></List></SubscribeMsgPopupEvent></xml>";
    assert_eq!(event(change), answers(&[("a", Answer::Withdrawn)]));
    assert_eq!(
        event(r#"{"MsgType":"event","Event":"subscribe_msg_popup_event"}"#),
        answers(&[])
    );
}

#[test]
fn a_report_says_what_arrived() {
    let json = r#"{"MsgType":"event","Event":"subscribe_msg_sent_event","List":[
        {"TemplateId":"a","MsgID":"1700827132819554304","ErrorCode":"0","ErrorStatus":"success"},
        {"TemplateId":"a","MsgID":2,"ErrorCode":43101,"ErrorStatus":"user refuse"}]}"#;
    let result = |id: &str, delivered, reason: &str| NudgeResult {
        topic: "a".to_owned(),
        external_id: id.to_owned(),
        delivered,
        reason: reason.to_owned(),
    };
    assert_eq!(
        event(json),
        Event::NudgeReport {
            results: vec![
                result("1700827132819554304", true, "success 0"),
                result("2", false, "user refuse 43101")
            ]
        }
    );
}

proptest! {
    #[test]
    fn a_push_reads_the_same_in_both_formats(kind in 0_u8..8, event in 0_u8..8, lines in proptest::collection::vec((0_u8..16, ".{0,20}"), 0..6)) {
        let mut data = vec![kind, event];
        for (which, said) in lines {
            data.push(which);
            data.extend(said.bytes().filter(|byte| *byte != b'\n'));
            data.push(b'\n');
        }
        prop_assert_eq!(forms_agree(&data), Ok(()));
    }

    #[test]
    fn any_bytes_make_a_push_that_reads_the_same(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(forms_agree(&data), Ok(()));
    }

    #[test]
    fn any_text_survives(text in "[^\\s\\p{C}]\\PC{0,200}") {
        let content = Content::text(&text);
        let written = mini().write(&content, &Capabilities::default()).unwrap();
        prop_assert!(written.lost.is_empty());
        let read = mini().read(&written.parts[0]).unwrap();
        // But for what the platform would take for a link: that gets a wide bracket.
        let narrow = |text: &str| text.replace('＜', "<");
        prop_assert_eq!(read[0].words().map(narrow), Some(narrow(&text)));
    }

    #[test]
    fn no_title_makes_an_escape_the_platform_refuses(title in ".{0,40}", path in ".{0,40}") {
        let link = Content::Link { title: title.clone(), description: path.clone(), url: "https://a.example".to_owned(), picture_url: None };
        let page = Content::MiniProgram { app_id: APP_ID.to_owned(), title, path, thumbnail: Some(uploaded("t")) };
        for content in [link, page] {
            let (message, _) = written(&content);
            // An escaped backslash before a `u` is none.
            let body = message.to_string().replace("\\\\", "");
            prop_assert!(!body.contains("\\u"), "{}", body);
        }
    }
}

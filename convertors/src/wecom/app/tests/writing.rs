//! What is written for members and groups.

use bridge_core::{
    channel::{Capabilities, GroupNotice},
    convert::Convertor,
    message::{Content, Event, Format, InboxName, Media, Text},
};
use proptest::prelude::*;
use serde_json::json;

use super::super::{Wire, fuzz_app, robot::body};
use super::{all, app, inbox, item, written};

fn lost(content: &Content) -> Option<String> {
    let written = app().write(content, &all()).unwrap();
    written.lost.into_iter().next().map(|loss| loss.what)
}

#[test]
fn bodies_are_the_platforms() {
    assert_eq!(
        written(&Content::text("好的")),
        json!({ "msgtype": "text", "text": { "content": "好的" } })
    );
    let bold = Content::Text(Text {
        text: "**好**".to_owned(),
        format: Format::Markdown,
    });
    assert_eq!(written(&bold)["markdown"]["content"], "**好**");
    let plain = app().write(&bold, &Capabilities::default()).unwrap();
    assert_eq!(
        plain.parts,
        [Wire::Said(
            json!({ "msgtype": "text", "text": { "content": "好" } })
        )]
    );
    let media = Media::remote(&inbox(), "M1", None);
    let image = Content::Image {
        media: media.clone(),
    };
    assert_eq!(
        written(&image),
        json!({ "msgtype": "image", "image": { "media_id": "M1" } })
    );
    let file = Content::File { media };
    assert_eq!(written(&file)["file"]["media_id"], "M1");
    let link = |picture: Option<&str>, url: &str| Content::Link {
        title: "售后".to_owned(),
        description: String::new(),
        url: url.to_owned(),
        picture_url: picture.map(str::to_owned),
    };
    let card = written(&link(None, "https://a.example/p"));
    assert_eq!(
        (&card["textcard"]["title"], &card["textcard"]["description"]),
        (&json!("售后"), &json!("售后"))
    );
    let news = written(&link(
        Some("https://a.example/i.png"),
        "https://a.example/p",
    ));
    assert_eq!(
        news["news"]["articles"][0]["picurl"],
        "https://a.example/i.png"
    );
    assert_eq!(
        lost(&link(None, "weixin://x")).as_deref(),
        Some("shown as text")
    );
}

#[test]
fn what_cannot_be_shown_is_said_and_told() {
    let elsewhere = Media::remote(
        &InboxName::new("mall"),
        "m",
        Some("https://b.example/m/1".to_owned()),
    );
    let image = Content::Image { media: elsewhere };
    assert_eq!(
        written(&image)["text"]["content"],
        "[图片] https://b.example/m/1"
    );
    assert_eq!(lost(&image).as_deref(), Some("shown as a link"));
    let place = Content::Location {
        latitude: 31.25,
        longitude: 121.5,
        label: "人民广场 & <1>".to_owned(),
    };
    let url = written(&place)["textcard"]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        url.starts_with("https://apis.map.qq.com/") && url.contains("31.25%2C121.5"),
        "{url}"
    );
    assert!(lost(&place).is_some());
    let items = (0..7)
        .map(|at| item(&at.to_string(), &format!("第{at}项")))
        .collect();
    let menu = Content::Menu {
        head: "请选".to_owned(),
        items,
        tail: String::new(),
    };
    assert!(
        written(&menu)["text"]["content"]
            .as_str()
            .unwrap()
            .ends_with("第6项")
    );
    assert!(lost(&menu).is_some());
    assert!(app().write(&Content::text(" "), &all()).is_err());
    assert!(
        app()
            .write(&Content::Event(Event::Unfollowed), &all())
            .is_err()
    );
}

#[test]
fn a_notice_keeps_to_the_groups_limits() {
    let notice = GroupNotice {
        words: "排队超过 5 人".to_owned(),
        mentioned: vec!["agent.li".to_owned(), "@all".to_owned()],
        ..GroupNotice::default()
    };
    assert_eq!(
        body(&notice),
        json!({ "msgtype": "text", "text": { "content": "排队超过 5 人", "mentioned_list": ["agent.li", "@all"] } })
    );
    for (markdown, limit, kind) in [(false, 2048, "text"), (true, 4096, "markdown")] {
        let long = GroupNotice {
            words: "长".repeat(3000),
            markdown,
            mentioned: vec!["li".to_owned()],
            ..GroupNotice::default()
        };
        let body = body(&long);
        let content = body[kind]["content"].as_str().unwrap();
        assert!(
            content.len() <= limit && content.contains('…'),
            "{}",
            content.len()
        );
        assert_eq!(content.ends_with(" <@li>"), markdown);
    }
}

fn any_text() -> impl Strategy<Value = String> {
    "(\\PC|[\n<>&\\]\\[|]){0,300}"
}

proptest! {
    #[test]
    fn whatever_is_sent_panics_nobody(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        fuzz_app(&body);
    }

    #[test]
    fn whatever_an_element_says_panics_nobody(
        kind in "(text|image|voice|video|location|link|event|file|[a-z]{0,8})",
        event in "(click|subscribe|template_card_event|change_external_contact|[a-zA-Z_]{0,12})",
        value in any_text(),
    ) {
        let value = value.replace("]]>", "");
        let xml = format!(
            "<xml><FromUserName>li</FromUserName><CreateTime>1767225601</CreateTime><MsgType>{kind}</MsgType>\
             <Event>{event}</Event><EventKey><![CDATA[{value}]]></EventKey><Content><![CDATA[{value}]]></Content>\
             <MediaId><![CDATA[{value}]]></MediaId><Location_X>{}</Location_X><ExternalUserID><![CDATA[{value}]]></ExternalUserID></xml>",
            value.len()
        );
        fuzz_app(xml.as_bytes());
    }

    #[test]
    fn words_come_back_as_they_were(words in "[^\\s\\pC](\\PC{0,200}[^\\s\\pC])?") {
        let words = words.replace("]]>", "");
        let body = written(&Content::text(&words));
        prop_assert_eq!(body["text"]["content"].as_str(), Some(&*words));
    }

    #[test]
    fn cards_keep_their_limits(head in any_text(), tail in any_text(), labels in proptest::collection::vec("\\PC{1,400}", 1..7)) {
        let items = labels.iter().enumerate().map(|(at, label)| item(&at.to_string(), label)).collect();
        let card = written(&Content::Menu { head, items, tail });
        let card = &card["template_card"];
        prop_assert!(card["main_title"]["title"].as_str().unwrap().chars().count() <= 26);
        prop_assert!(card["sub_title_text"].as_str().unwrap_or_default().chars().count() <= 112);
        for button in card["button_list"].as_array().unwrap() {
            prop_assert!(button["key"].as_str().unwrap().len() <= 1024);
        }
    }
}

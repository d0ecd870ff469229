//! Every message and event of the notes, and what strangers may send.

use std::collections::BTreeMap;

use bridge_core::{
    channel::{Capabilities, GroupNotice},
    convert::Convertor,
    message::{Content, Event, Format, InboxName, Media, MenuItem, Text, Trigger},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    App, Fields, Wire, fuzz_app,
    read::{self, By},
    robot::body,
};

const MESSAGES: &str = include_str!("../../../../tests/fixtures/wecom/app_messages.txt");

fn inbox() -> InboxName {
    InboxName::new("work")
}

/// The callbacks of the notes by their number.
fn examples() -> BTreeMap<&'static str, Fields> {
    let example = |line: &'static str| {
        let (name, xml) = line.split_once(": <xml>").unwrap();
        let fields = Fields::read(format!("<xml>{xml}").as_bytes()).unwrap();
        (name.split(' ').next().unwrap(), fields)
    };
    MESSAGES.lines().map(example).collect()
}

fn content(name: &str) -> Content {
    let fields = &examples()[name];
    read::content(fields, &inbox()).unwrap().unwrap()
}

#[test]
fn every_example_says_something_and_is_somebodys() {
    let examples = examples();
    assert_eq!(examples.len(), 38);
    let mut ids = BTreeMap::new();
    for (name, fields) in &examples {
        let said = read::content(fields, &inbox()).unwrap();
        assert_eq!(said.is_none(), *name == "X38", "{name}");
        assert!(!read::peer(fields).unwrap().is_empty(), "{name}");
        assert!(read::created(fields).unwrap() >= 1_767_225_601, "{name}");
        let id = read::external_id(fields).unwrap();
        assert_eq!(ids.insert(id.clone(), *name), None, "{name}: {id}");
        // The same delivered again is the same.
        assert_eq!(read::external_id(fields).unwrap(), id);
    }
}

#[test]
fn messages_are_read() {
    assert_eq!(content("X01"), Content::text("订单 42 能改地址吗？<b>&"));
    let media = |handle: &str| Media::remote(&inbox(), handle, None);
    assert_eq!(
        content("X02"),
        Content::Image {
            media: media("MEDIAIMG1")
        }
    );
    let Content::Voice {
        media: voice,
        words: None,
        ..
    } = content("X03")
    else {
        panic!("a voice")
    };
    assert_eq!(voice.mime.as_deref(), Some("audio/amr"));
    let Content::Video { thumbnail, .. } = content("X04") else {
        panic!("a video")
    };
    assert_eq!(thumbnail, Some(media("MEDIATHB1")));
    for (name, north) in [("X05", 31.230_391), ("X06", -33.868_820)] {
        let Content::Location { latitude, .. } = content(name) else {
            panic!("a place")
        };
        assert!((latitude - north).abs() < 1e-9);
    }
    let Content::Link { title, url, .. } = content("X07") else {
        panic!("a link")
    };
    assert_eq!(
        (&*title, &*url),
        ("售后政策", "https://shop.example.com/p?a=1&b=2")
    );
    let examples = examples();
    assert_eq!(read::trigger(&examples["X01"]), Some(Trigger::Message));
    assert_eq!(read::by(&examples["X01"]), By::Peer);
}

#[test]
fn events_are_facts() {
    let event = |name: &str| match content(name) {
        Content::Event(event) => event,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(event("X20"), Event::Followed { scene: None });
    assert_eq!(event("X21"), Event::Unfollowed);
    assert!(matches!(event("X22"), Event::Entered { greet: false, .. }));
    assert_eq!(
        event("X25"),
        Event::MenuClicked {
            key: "menu.my_tickets".to_owned()
        }
    );
    for (name, called, key, value) in [
        ("X23", "LOCATION", "Latitude", "31.2304"),
        ("X24", "batch_job_result", "BatchJob.JobType", "sync_user"),
        (
            "X28",
            "scancode_waitmsg",
            "ScanCodeInfo.ScanResult",
            "CODE_128,SF1234567890",
        ),
        ("X31", "template_card_event", "EventKey", "take:conv-991"),
        (
            "X32",
            "template_card_event",
            "SelectedItems.SelectedItem.OpitonIds.OpitonId",
            "o1,o3",
        ),
        (
            "X34",
            "sys_approval_change",
            "ApprovalInfo.SpNo",
            "202601010001",
        ),
        ("X36", "change_contact", "NewUserID", "agent.li2"),
        (
            "X37",
            "kf_account_auth_change",
            "AuthAddOpenKfId",
            "wkKefuBridge0001,wkKefuBridge0002",
        ),
        ("X41", "brand_new_event_2027", "Foo", "bar"),
        (
            "X53",
            "change_external_contact",
            "ExternalUserID",
            "wmCust0001",
        ),
        ("X57", "change_external_chat", "UpdateDetail", "add_member"),
    ] {
        let Event::Other { name: told, detail } = event(name) else {
            panic!("{name}")
        };
        assert_eq!(
            (&*told, detail.get(key).map(|value| &**value)),
            (called, Some(value)),
            "{name}"
        );
        assert!(
            !detail
                .keys()
                .any(|key| key == "WelcomeCode" || key == "ResponseCode"),
            "codes are nobody's to read: {name}"
        );
    }
}

#[test]
fn what_concerns_an_external_contact_is_theirs() {
    let examples = examples();
    for (name, by) in [
        ("X50", By::Peer),
        ("X51", By::Peer),
        ("X52", By::Platform),
        ("X53", By::Platform),
        ("X54", By::Peer),
        ("X55", By::Platform),
    ] {
        assert_eq!(
            read::peer(&examples[name]).as_deref(),
            Ok("wmCust0001"),
            "{name}"
        );
        assert_eq!(read::by(&examples[name]), by, "{name}");
    }
    for name in ["X57", "X24", "X38"] {
        assert_eq!(read::peer(&examples[name]).as_deref(), Ok("sys"), "{name}");
        assert_eq!(read::by(&examples[name]), By::Platform);
    }
}

#[test]
fn a_button_of_ours_comes_back_as_the_choice_it_was() {
    let menu = Content::Menu {
        head: "新会话：2 小周\n来自 mall".to_owned(),
        items: vec![item("119", "回复TA"), item("111", "转|接")],
        tail: "回复 @2".to_owned(),
    };
    let card = written(&menu);
    assert_eq!(card["msgtype"], "template_card");
    let card = &card["template_card"];
    assert_eq!(card["card_type"], "button_interaction");
    assert_eq!(card["main_title"]["title"], "新会话：2 小周");
    assert_eq!(card["sub_title_text"], "来自 mall\n回复 @2");
    let key = card["button_list"][1]["key"].as_str().unwrap();
    let xml = format!(
        "<xml><FromUserName>li</FromUserName><CreateTime>1767225601</CreateTime><MsgType>event</MsgType>\
         <Event>template_card_event</Event><EventKey>{key}</EventKey><ResponseCode>R1</ResponseCode></xml>"
    );
    let fields = Fields::read(xml.as_bytes()).unwrap();
    let tapped = Content::Choice {
        id: "111".to_owned(),
        label: "转|接".to_owned(),
    };
    assert_eq!(read::content(&fields, &inbox()), Ok(Some(tapped)));
    // Two taps in one second are two.
    let again = Fields::read(xml.replace("R1", "R2").as_bytes()).unwrap();
    assert_ne!(read::external_id(&fields), read::external_id(&again));
}

fn item(id: &str, label: &str) -> MenuItem {
    MenuItem {
        id: id.to_owned(),
        label: label.to_owned(),
    }
}

fn all() -> Capabilities {
    Capabilities {
        markdown: true,
        ..Capabilities::default()
    }
}

fn app() -> App {
    App { inbox: inbox() }
}

fn written(content: &Content) -> Value {
    let mut parts = app().write(content, &all()).unwrap().parts;
    match (parts.pop(), parts.len()) {
        (Some(Wire::Said(body)), 0) => body,
        other => panic!("{other:?}"),
    }
}

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

//! What members' messages and events say.

use std::collections::BTreeMap;

use bridge_core::message::{Content, Event, Media, Trigger};

use super::super::{
    Fields,
    read::{self, By},
};
use super::{inbox, item, written};

const MESSAGES: &str = include_str!("../../../../../tests/fixtures/wecom/app_messages.txt");

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

use proptest::prelude::*;
use serde_json::{Value, json};

use super::fixture;
use crate::tencent_im::body::{
    CustomElem, Element, FaceElem, LocationElem, MAX_ELEMENTS, SoundElem, TextElem,
};
use crate::tencent_im::callback::{Callback, CallbackError};

fn read(json: &str) -> Element<'_> {
    serde_json::from_str(json).unwrap()
}

#[test]
fn every_element_of_the_notes_is_known_and_written_as_it_was_read() {
    let text = fixture!("elements.json");
    let elements: Vec<Element<'_>> = serde_json::from_str(text).unwrap();
    assert_eq!(elements.len(), 8);
    assert!(
        !elements
            .iter()
            .any(|element| matches!(element, Element::Unknown(_)))
    );

    let original: Value = serde_json::from_str(text).unwrap();
    let written: Value = serde_json::to_value(&elements).unwrap();
    assert_eq!(written, original);
}

#[test]
fn relays_and_streams_keep_what_they_hold() {
    let relay = json!({"MsgType": "TIMRelayElem", "MsgContent": {"Title": "群聊的聊天记录", "MsgNum": 2, "CompatibleText": "请升级",
        "AbstractList": ["甲: 你好", "乙: 好"], "MsgList": [{"From_Account": "a", "anything": [1, 2]}]}});
    let stream = json!({"MsgType": "TIMStreamElem", "MsgContent": {"CompatibleText": "…", "StreamMsgID": "s-1",
        "Chunks": [{"EventType": "data", "Index": 1, "Markdown": "**好**", "IsLast": 1}]}});
    for original in [relay, stream] {
        let text = original.to_string();
        let element = read(&text);
        assert!(!matches!(element, Element::Unknown(_)), "{element:?}");
        assert_eq!(serde_json::to_value(&element).unwrap(), original);
    }
}

#[test]
fn what_is_unknown_is_kept_as_it_came() {
    let strange = [
        r#"{"MsgType":"TIMHologramElem","MsgContent":{"Depth":[1,{"a":null}]}}"#,
        r#"{"MsgType":"TIMImageElem","MsgContent":{"ImageInfoArray":"not an array"}}"#,
        r#"{"MsgType":"TIMFaceElem","MsgContent":{"Index":1e300,"Data":""}}"#,
        r#"{"MsgType":"TIMTextElem","MsgContent":["?"]}"#,
    ];
    for text in strange {
        let element = read(text);
        let Element::Unknown(unknown) = &element else {
            panic!("{element:?}")
        };
        assert!(unknown.content.is_some());
        assert_eq!(serde_json::to_string(&element).unwrap(), text);
    }
}

#[test]
fn the_content_may_come_before_the_type_and_either_may_be_missing() {
    let swapped = read(r#"{"MsgContent":{"Text":"在吗"},"MsgType":"TIMTextElem"}"#);
    assert!(matches!(swapped, Element::Text(TextElem { text }) if text == "在吗"));
    assert!(matches!(
        read(r#"{"MsgType":"TIMTextElem"}"#),
        Element::Unknown(_)
    ));
    assert!(matches!(read("{}"), Element::Unknown(_)));
}

#[test]
fn numbers_may_be_spelt_and_texts_may_be_null() {
    let face = read(r#"{"MsgType":"TIMFaceElem","MsgContent":{"Index":"14","Data":null}}"#);
    assert!(matches!(face, Element::Face(FaceElem { index: 14, data }) if data.is_empty()));
    let place =
        read(r#"{"MsgType":"TIMLocationElem","MsgContent":{"Latitude":"31.5","Longitude":121}}"#);
    let Element::Location(LocationElem {
        latitude,
        longitude,
        ..
    }) = place
    else {
        panic!("{place:?}")
    };
    assert_eq!((latitude, longitude), (31.5, 121.0));
}

#[test]
fn half_an_emoji_is_shown_as_a_replacement_character() {
    for (json, wanted) in [
        (r#""\ud83d""#, "\u{FFFD}"),
        (r#""a\ude4fb""#, "a\u{FFFD}b"),
        (r#""\ud83d\ud83d\ude4f""#, "\u{FFFD}🙏"),
        (r#""\ud83d中""#, "\u{FFFD}中"),
    ] {
        let text = format!(r#"{{"MsgType":"TIMTextElem","MsgContent":{{"Text":{json}}}}}"#);
        let Element::Text(TextElem { text }) = read(&text) else {
            panic!("{json}")
        };
        assert_eq!(text, *wanted, "{json}");
    }
}

#[test]
fn text_without_escapes_is_borrowed() {
    let json = r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":"订单已发货"}}"#;
    let Element::Text(TextElem { text }) = read(json) else {
        panic!()
    };
    assert!(matches!(
        text.into_cow(),
        std::borrow::Cow::Borrowed("订单已发货")
    ));
}

#[test]
fn a_message_of_endless_elements_is_refused() {
    let message = |count| {
        let elements =
            vec![r#"{"MsgType":"TIMTextElem","MsgContent":{"Text":""}}"#; count].join(",");
        format!(r#"{{"CallbackCommand":"C2C.CallbackAfterSendMsg","MsgBody":[{elements}]}}"#)
    };
    assert!(Callback::parse(None, message(MAX_ELEMENTS).as_bytes()).is_ok());
    let message = message(MAX_ELEMENTS + 1);
    let refused = Callback::parse(None, message.as_bytes());
    assert!(
        matches!(refused, Err(CallbackError::Malformed(_))),
        "{refused:?}"
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(text in any::<String>(), data in any::<String>(), desc in any::<String>(), number in any::<i64>(), size in any::<u64>(), second in any::<u32>(), micro in (-90_000_000..90_000_000i32, -180_000_000..180_000_000i32)) {
        let (latitude, longitude) = (f64::from(micro.0) / 1e6, f64::from(micro.1) / 1e6);
        let elements = [
            Element::text(text.as_str()),
            Element::Custom(CustomElem { data: data.as_str().into(), desc: desc.as_str().into(), ..CustomElem::default() }),
            Element::Face(FaceElem { index: number, data: data.as_str().into() }),
            Element::Location(LocationElem { desc: desc.as_str().into(), latitude, longitude }),
            Element::Sound(SoundElem { url: text.as_str().into(), uuid: data.as_str().into(), size, second, download_flag: 2 }),
        ];
        for element in elements {
            let json = serde_json::to_string(&element).unwrap();
            let back = read(&json);
            prop_assert!(!matches!(back, Element::Unknown(_)), "{}", json);
            prop_assert_eq!(serde_json::to_string(&back).unwrap(), json);
        }
    }
}

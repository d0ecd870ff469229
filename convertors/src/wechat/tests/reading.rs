//! What callbacks say.

use bridge_core::{
    convert::Convertor,
    message::{Content, Event, InboxName, Trigger},
};

use super::super::{Fields, Unreadable, WeChat, Wire, callback};
use super::CALLBACKS;

/// Every message type and event of the notes (WeChat: 2.2, 2.4, 2.5).
const KINDS: &str = "text image voice video shortvideo location link file miniprogrampage subscribe unsubscribe SCAN \
    LOCATION CLICK VIEW view_miniprogram scancode_push scancode_waitmsg pic_sysphoto pic_photo_or_album pic_weixin \
    location_select user_enter_tempsession kf_create_session kf_close_session kf_switch_session TEMPLATESENDJOBFINISH \
    MASSSENDJOBFINISH debug_demo subscribe_msg_popup_event subscribe_msg_change_event subscribe_msg_sent_event \
    user_info_modified user_authorization_revoke user_authorization_cancellation wxa_media_check";

#[test]
fn every_sample_reads_and_has_an_id() {
    let inbox = InboxName::new("mall");
    let mut ids = std::collections::BTreeSet::new();
    let (mut kinds, mut named) = (Vec::new(), std::collections::BTreeSet::new());
    for sample in CALLBACKS
        .split("\n<xml>")
        .flat_map(|block| block.split("\n{\"To"))
    {
        let sample = match sample.trim_end() {
            xml if xml.starts_with("<xml>") || xml.starts_with('{') => xml.to_owned(),
            xml if xml.ends_with("</xml>") => format!("<xml>{xml}"),
            json => format!("{{\"To{json}"),
        };
        let fields =
            Fields::read(sample.as_bytes()).unwrap_or_else(|error| panic!("{error}: {sample}"));
        let content = callback::content(&fields, &inbox);
        let time = callback::create_time(&fields).unwrap();
        assert!(ids.insert(callback::external_id(&fields, time)), "{sample}");
        let event = fields.get("Event").unwrap_or_default();
        let person = !matches!(event, "MASSSENDJOBFINISH" | "wxa_media_check");
        assert_eq!(
            callback::peer(&fields),
            person.then_some("oKefu0x9f8e7d6c5b4a3928171"),
            "{sample}"
        );
        named.extend([event, fields.get("MsgType").unwrap_or_default()].map(str::to_owned));
        assert!(ids.last().unwrap().as_str().starts_with("17") && time > 1_700_000_000);
        kinds.push(serde_json::to_value(&content).unwrap());
    }
    for kind in KINDS.split_whitespace() {
        assert!(named.contains(kind), "no sample of {kind}");
    }
    insta::assert_json_snapshot!(kinds);
}

#[test]
fn ids_beyond_two_to_the_53rd_stay_whole() {
    let fields = Fields::read(br#"{"FromUserName":"o","CreateTime":1,"MsgType":"text","Content":"x","MsgId":18446744073709551615}"#).unwrap();
    assert_eq!(
        callback::external_id(&fields, 1).as_str(),
        "1:18446744073709551615:o"
    );
}

#[test]
fn a_tapped_menu_opens_the_short_window() {
    let read = |body: &str| Fields::read(body.as_bytes()).unwrap();
    let tap = read(
        "<xml><MsgType>text</MsgType><Content>满意</Content><bizmsgmenuid>101</bizmsgmenuid></xml>",
    );
    assert_eq!(callback::trigger(&tap), Some(Trigger::Click));
    let view = read("<xml><MsgType>event</MsgType><Event>VIEW</Event></xml>");
    assert_eq!(callback::trigger(&view), None);
}

#[test]
fn plain_follow_and_payment_are_no_scene() {
    for key in ["", "last_trade_no_1"] {
        let body = format!(
            "<xml><MsgType>event</MsgType><Event>subscribe</Event><EventKey><![CDATA[{key}]]></EventKey></xml>"
        );
        let content = callback::content(
            &Fields::read(body.as_bytes()).unwrap(),
            &InboxName::new("m"),
        );
        assert_eq!(content, Content::Event(Event::Followed { scene: None }));
    }
}

#[test]
fn long_names_and_ids_do_not_multiply() {
    let name = "n".repeat(65);
    for body in [
        format!("<xml><{name}>1</{name}></xml>"),
        format!("<xml><{name}/></xml>"),
        format!(r#"{{"a":{{"{name}":1}}}}"#),
    ] {
        assert_eq!(Fields::read(body.as_bytes()), Err(Unreadable::TooLarge));
    }
    let long = "x".repeat(5000);
    let body = format!(
        "<xml><FromUserName>{long}</FromUserName><MsgType>{long}</MsgType><MsgId>{long}</MsgId></xml>"
    );
    let fields = Fields::read(body.as_bytes()).unwrap();
    assert_eq!(callback::peer(&fields), None);
    assert!(callback::external_id(&fields, 1).as_str().len() < 64);
    let Content::Unsupported { what, summary } = callback::content(&fields, &InboxName::new("m"))
    else {
        panic!("a type of 5000 letters");
    };
    assert!(what.len() <= 64 && summary.len() <= 400);
}

#[test]
fn what_is_too_thin_is_unsupported_and_says_why() {
    let thin = |body: &str| {
        let fields = Fields::read(body.as_bytes()).unwrap();
        match callback::content(&fields, &InboxName::new("m")) {
            Content::Unsupported { what, summary } => (what, summary),
            other => panic!("{body}: {other:?}"),
        }
    };
    for (body, what, missing) in [
        ("<xml><Content>你好</Content></xml>", "?", "MsgType"),
        ("<xml><MsgType>text</MsgType></xml>", "text", "Content"),
        ("<xml><MsgType>image</MsgType></xml>", "image", "MediaId"),
        ("<xml><MsgType>voice</MsgType></xml>", "voice", "MediaId"),
        (
            "<xml><MsgType>location</MsgType><Location_X>NaN</Location_X></xml>",
            "location",
            "Location_X",
        ),
        ("<xml><MsgType>event</MsgType></xml>", "event", "Event"),
    ] {
        let (kind, summary) = thin(body);
        assert_eq!(kind, what);
        assert!(summary.contains(missing), "{body}: {summary}");
    }
}

#[test]
fn nobody_is_made_of_a_systems_id() {
    let peer = |event: &str, more: &str| {
        let body = format!(
            "<xml><FromUserName>oSystem</FromUserName><MsgType>event</MsgType><Event>{event}</Event>{more}</xml>"
        );
        let fields = Fields::read(body.as_bytes()).unwrap();
        callback::peer(&fields).map(str::to_owned)
    };
    let person = "<OpenID>oKefu</OpenID>";
    for event in [
        "user_info_modified",
        "user_authorization_revoke",
        "user_authorization_cancellation",
    ] {
        assert_eq!(peer(event, ""), None, "{event}");
        assert_eq!(peer(event, person).as_deref(), Some("oKefu"), "{event}");
    }
    assert_eq!(peer("MASSSENDJOBFINISH", ""), None);
    assert_eq!(peer("wxa_media_check", ""), None);
    assert_eq!(peer("CLICK", "").as_deref(), Some("oSystem"));
}

#[test]
fn entities_and_broken_cdata_are_read_as_meant() {
    let fields = Fields::read("<xml>\n <Label>A&amp;B &#20320;</Label>\n <Content><![CDATA[a]]]]><![CDATA[>b]]></Content> </xml>".as_bytes()).unwrap();
    assert_eq!(fields.get("label"), Some("A&B 你"));
    assert_eq!(fields.get("Content"), Some("a]]>b"));
}

#[test]
fn reading_a_callback_through_the_convertor() {
    let convertor = WeChat {
        locale: bridge_core::texts::Locale::Zh,
        inbox: InboxName::new("mall"),
    };
    let fields =
        Fields::read("<xml><MsgType>text</MsgType><Content>你好</Content></xml>".as_bytes())
            .unwrap();
    assert_eq!(
        convertor.read(&Wire::Callback(fields)).unwrap(),
        [Content::text("你好")]
    );
}

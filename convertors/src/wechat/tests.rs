//! Every vector and sample of the protocol notes, and what strangers may send.

use bridge_core::{
    channel::Capabilities,
    convert::Convertor,
    message::{Content, Event, Hosted, InboxName, Media, Trigger},
};
use proptest::prelude::*;

use super::{
    Fields, Unreadable, WeChat, Wire, callback,
    crypto::{AesKey, CryptoError},
    signature,
};

const TOKEN: &str = "kefuBridgeTok01";
const APP_ID: &str = "wx5f2c9d7a1b3e8046";
const KEY_A: &str = "Kf7QmZ2xV9bTn4RcY8LpWs3HdJg6UaEo1iXtNvBq5Mk";
const KEY_B: &str = "Kf7QmZ2xV9bTn4RcY8LpWs3HdJg6UaEo1iXtNvBq5Ml";
const OTHER: &str = "Zt4Lw9Qe2Rp7Ym1Xk6Vc3Bn8Hd5Jg0Sf2Ua4Io6Pe1A";
const VECTORS: &str = include_str!("../../../tests/fixtures/wechat/vectors.jsonl");
const CALLBACKS: &str = include_str!("../../../tests/fixtures/wechat/callbacks.txt");

fn vectors() -> Vec<serde_json::Value> {
    VECTORS
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn plain_of(vector: &serde_json::Value) -> Option<String> {
    if let Some(plain) = vector["plain"].as_str() {
        return Some(plain.to_owned());
    }
    let content = vector["C"].as_str()?;
    Some(format!(
        "<xml><ToUserName><![CDATA[gh_3a7c51e90b2d]]></ToUserName><FromUserName><![CDATA[oKefu0x9f8e7d6c5b4a3928171]]></FromUserName><CreateTime>1735689600</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{content}]]></Content><MsgId>25373744922163388</MsgId></xml>"
    ))
}

#[test]
fn every_vector_with_both_forms_of_the_key() {
    let mut seen = 0;
    for vector in vectors()
        .iter()
        .filter(|vector| vector["encrypt"].is_string())
    {
        let text = |name: &str| vector[name].as_str().unwrap();
        let (id, encrypt) = (text("id"), text("encrypt"));
        let signed = |nonce: &str, signature: &str| {
            signature::fits(signature, &mut [TOKEN, text("ts"), nonce, encrypt])
        };
        assert!(signed(text("nonce"), text("msg_signature")), "{id}");
        assert!(
            !signed(&format!("{}0", text("nonce")), text("msg_signature")),
            "{id}"
        );
        assert!(
            !signed(text("nonce"), &format!("f{}", &text("msg_signature")[1..]))
                || text("msg_signature").starts_with('f'),
            "{id}"
        );
        for key in [KEY_A, KEY_B] {
            let opened = AesKey::parse(key).unwrap().open(encrypt, APP_ID);
            match text("expect") {
                "ok" => assert_eq!(opened.as_deref().ok(), plain_of(vector).as_deref(), "{id}"),
                "-40005" => assert_eq!(opened, Err(CryptoError::AppId), "{id}"),
                "-40008" => assert_eq!(opened, Err(CryptoError::Buffer), "{id}"),
                other => panic!("{id}: {other}"),
            }
        }
        seen += 1;
    }
    assert_eq!(seen, 14);
}

#[test]
fn sealing_gives_the_same_bytes() {
    for vector in vectors()
        .iter()
        .filter(|vector| vector["expect"] == "ok" && vector["random"].is_string())
    {
        let plain = plain_of(vector).unwrap();
        let random: [u8; 16] = vector["random"]
            .as_str()
            .unwrap()
            .as_bytes()
            .try_into()
            .unwrap();
        assert_eq!(
            AesKey::parse(KEY_A).unwrap().seal(&plain, APP_ID, random),
            vector["encrypt"].as_str().unwrap()
        );
    }
}

#[test]
fn the_url_check_is_signed_without_the_echo() {
    let vector = vectors()
        .into_iter()
        .find(|vector| vector["id"] == "V15")
        .unwrap();
    let text = |name: &str| vector[name].as_str().unwrap();
    assert!(signature::fits(
        text("signature"),
        &mut [TOKEN, text("ts"), text("nonce")]
    ));
    assert!(signature::fits(
        "f464b24fc39322e44b38aa78f5edd27bd1441696",
        &mut ["AAAAA", "1714036504", "1514711492"]
    ));
}

#[test]
fn cut_shifted_and_foreign_bytes_are_told_apart_inside() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let vector = &vectors()[0];
    let bytes = STANDARD
        .decode(vector["encrypt"].as_str().unwrap())
        .unwrap();
    let open = |bytes: &[u8], key: &str| {
        AesKey::parse(key)
            .unwrap()
            .open(&STANDARD.encode(bytes), APP_ID)
    };
    assert_eq!(
        open(&bytes[..bytes.len() - 16], KEY_A),
        Err(CryptoError::Buffer)
    );
    assert_eq!(
        open(&bytes[..bytes.len() - 5], KEY_A),
        Err(CryptoError::Length)
    );
    assert_eq!(open(&bytes, OTHER), Err(CryptoError::Buffer));
    assert_eq!(open(&[], KEY_A), Err(CryptoError::Length));
    assert_eq!(
        AesKey::parse(KEY_A).unwrap().open("a b", APP_ID),
        Err(CryptoError::Base64)
    );
    let padded = format!("\n{}\n", vector["encrypt"].as_str().unwrap());
    assert!(
        AesKey::parse(KEY_A).unwrap().open(&padded, APP_ID).is_ok(),
        "white space around it is trimmed"
    );
    assert!(AesKey::parse("short").is_err());
}

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
fn what_no_platform_sends_is_refused() {
    let refused = |body: &str| Fields::read(body.as_bytes()).unwrap_err();
    assert!(matches!(
        refused("<!DOCTYPE x [<!ENTITY a \"b\">]><xml>&a;</xml>"),
        Unreadable::Xml(_)
    ));
    assert!(matches!(
        refused("<xml><a>&lol;</a></xml>"),
        Unreadable::Xml(_)
    ));
    assert!(matches!(refused("<html></html>"), Unreadable::Xml(_)));
    assert!(matches!(refused("<xml><a>1</a>"), Unreadable::Xml(_)));
    assert!(matches!(
        refused("<xml></xml><xml></xml>"),
        Unreadable::Xml(_)
    ));
    assert!(matches!(refused("hello"), Unreadable::Neither));
    assert!(matches!(
        refused(r#"{"Content":"\ud800"}"#),
        Unreadable::Json(_)
    ));
    assert_eq!(
        refused(
            &"<xml>"
                .to_string()
                .replace("<xml>", &format!("<xml>{}", "<a>".repeat(20)))
        ),
        Unreadable::TooLarge
    );
    assert_eq!(
        refused(&format!("<xml>{}</xml>", "<a>1</a>".repeat(600))),
        Unreadable::TooLarge
    );
    assert_eq!(Fields::read(&[0xff, 0xfe]), Err(Unreadable::Encoding));
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
fn a_page_without_a_picture_is_a_link_to_it() {
    let convertor = WeChat {
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
        inbox: InboxName::new("mall"),
    };
    let words = |content: &Content| {
        let message = super::plain::in_words(content)?;
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
fn entities_and_broken_cdata_are_read_as_meant() {
    let fields = Fields::read("<xml>\n <Label>A&amp;B &#20320;</Label>\n <Content><![CDATA[a]]]]><![CDATA[>b]]></Content> </xml>".as_bytes()).unwrap();
    assert_eq!(fields.get("label"), Some("A&B 你"));
    assert_eq!(fields.get("Content"), Some("a]]>b"));
}

#[test]
fn no_escape_the_platform_refuses_is_written() {
    let message = super::send::Message::text("a\u{1b}[1m\u{0}b\r\nc\td");
    let body = serde_json::to_string(&message).unwrap();
    assert_eq!(
        body,
        r#"{"msgtype":"text","text":{"content":"a[1mb\nc\td"}}"#
    );
}

#[test]
fn bodies_are_raw_utf_8() {
    let message = super::send::Message::text("您好 <a href=\"https://a.example\">看</a> 😀");
    let body = serde_json::to_string(&super::send::CustomSend {
        touser: "o",
        message: &message,
    })
    .unwrap();
    assert_eq!(
        body,
        r#"{"touser":"o","msgtype":"text","text":{"content":"您好 <a href=\"https://a.example\">看</a> 😀"}}"#
    );
}

proptest! {
    #[test]
    fn opening_undoes_sealing(message in "\\PC{0,300}", random: [u8; 16]) {
        let key = AesKey::parse(KEY_B).unwrap();
        prop_assert_eq!(key.open(&key.seal(&message, APP_ID, random), APP_ID), Ok(message));
    }

    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        super::fuzz_callback(&body);
    }

    #[test]
    fn no_document_makes_it_panic(body in "<xml>(<(MsgType|Event|CreateTime|FromUserName|Content|a)>(<!\\[CDATA\\[)?[a-z0-9&;<>]{0,8}(\\]\\]>)?</(MsgType|Event|a)>){0,6}</xml>") {
        super::fuzz_callback(body.as_bytes());
    }

    #[test]
    fn what_is_not_lost_reads_back(text in "[^\\s\\p{C}<][\\PC&&[^<]]{0,200}", label in "\\PC{1,20}") {
        let convertor = WeChat { inbox: InboxName::new("mall") };
        let items = vec![bridge_core::message::MenuItem { id: "11".to_owned(), label: label.clone() }];
        let contents = [
            Content::text(text.clone()),
            Content::Link { title: label.clone(), description: text.clone(), url: "https://a.example".to_owned(), picture_url: None },
            Content::Menu { head: text, items, tail: label },
        ];
        for content in contents {
            let written = convertor.write(&content, &Capabilities::default()).unwrap();
            prop_assert!(written.lost.is_empty());
            prop_assert_eq!(convertor.read(&written.parts[0]).unwrap(), vec![content]);
        }
    }
}

#[test]
fn reading_a_callback_through_the_convertor() {
    let convertor = WeChat {
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

#[test]
fn music_and_what_the_account_made_have_the_platforms_form() {
    let words = WeChat {
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

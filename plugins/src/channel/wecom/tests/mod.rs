//! The channel against what the notes say, and against the simulated platform, which is written from the notes and shares
//! no code with it.

mod platform;

use bridge_convertors::{
    wechat::{crypto::AesKey, signature},
    wecom::envelope::{Form, Gate},
};
use bridge_core::{
    channel::{Channel, ChannelErrorKind, Delivery, Verb},
    clock::Timestamp,
    message::{Author, Content, Event, PeerId, Trigger, What},
    plugin::{Plugin, Tools},
    secret::Secret,
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Wecom, config::Config};

const TOKEN: &str = "KfBridgeTok2026";
const CORP: &str = "wwkfbridge00000001";
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn section() -> Value {
    json!({
        "corp_id": CORP, "agent_id": 1_000_017, "secret": "s", "token": TOKEN, "encoding_aes_key": KEY,
    })
}

fn app() -> Wecom {
    let config: Config = serde_json::from_value(section()).unwrap();
    let tools = Tools {
        name: "work".into(),
        ..bridge_core::testkit::tools()
    };
    Wecom::build(config, &tools).unwrap()
}

fn gate(token: &str, corp: &str) -> Gate {
    Gate {
        token: Secret::new(token),
        keys: vec![AesKey::parse(KEY).unwrap()],
        receive_id: corp.to_owned(),
    }
}

/// A callback as the platform would make it.
fn sealed(gate: &Gate, plain: &str) -> Delivery {
    let sealed = gate
        .seal(Form::Xml, plain, 1_767_225_601, "n1", [7; 16])
        .unwrap();
    let signature = sealed.split("<MsgSignature><![CDATA[").nth(1).unwrap();
    let signature = signature.split(']').next().unwrap();
    Delivery {
        verb: Verb::Post,
        query: format!("msg_signature={signature}&timestamp=1767225601&nonce=n1"),
        body: Bytes::from(sealed.clone()),
        received_at: Timestamp(5),
    }
}

fn said(words: &str, agent: &str) -> String {
    format!(
        "<xml><ToUserName>{CORP}</ToUserName><FromUserName>ZhouNing</FromUserName><CreateTime>1767225601</CreateTime>\
         <MsgType>text</MsgType><Content><![CDATA[{words}]]></Content><MsgId>77</MsgId><AgentID>{agent}</AgentID></xml>"
    )
}

#[test]
fn a_message_is_opened_and_answered_with_nothing() {
    let app = app();
    let decoded = app
        .decode(&sealed(&gate(TOKEN, CORP), &said("在吗", "1000017")))
        .unwrap();
    assert!(decoded.ack.body.is_empty());
    let [arrival] = decoded.arrivals.as_slice() else {
        panic!("{decoded:?}")
    };
    assert_eq!(arrival.peer, PeerId::new("ZhouNing"));
    assert_eq!(arrival.author, Author::Contact);
    assert_eq!(arrival.trigger, Some(Trigger::Message));
    assert_eq!(arrival.what, What::Content(Content::text("在吗")));
    assert_eq!(arrival.external_id.as_str(), "1767225601:77");
}

#[test]
fn what_another_app_or_corp_or_stranger_sends_is_not_taken() {
    let app = app();
    let other_app = app.decode(&sealed(&gate(TOKEN, CORP), &said("在吗", "1000018")));
    assert_eq!(other_app.unwrap().arrivals, []);
    for (token, corp) in [("other", CORP), (TOKEN, "wwothercorp0000009")] {
        let refused = app.decode(&sealed(&gate(token, corp), &said("在吗", "1000017")));
        assert_eq!(refused.unwrap_err().kind, ChannelErrorKind::Forged);
    }
    for body in ["", "<xml></xml>", "{}", "<a/>"] {
        let delivery = Delivery {
            body: Bytes::from(body),
            ..sealed(&gate(TOKEN, CORP), "<xml></xml>")
        };
        let refused = app.decode(&delivery).unwrap_err();
        assert_eq!(refused.kind, ChannelErrorKind::Malformed, "{body:?}");
    }
    let garbage = app.decode(&sealed(&gate(TOKEN, CORP), "not xml"));
    assert_eq!(garbage.unwrap_err().kind, ChannelErrorKind::Malformed);
}

#[test]
fn the_address_is_verified_with_what_was_sealed() {
    let key = AesKey::parse(KEY).unwrap();
    let echo = key.seal("7301948512266530417", CORP, [9; 16]);
    let signed = signature::sign(&mut [TOKEN, "1", "2", &echo]);
    let signed = String::from_utf8_lossy(&signed).into_owned();
    let escaped: String = url::form_urlencoded::byte_serialize(echo.as_bytes()).collect();
    let delivery = Delivery {
        verb: Verb::Get,
        query: format!("msg_signature={signed}&timestamp=1&nonce=2&echostr={escaped}"),
        body: Bytes::new(),
        received_at: Timestamp(0),
    };
    let decoded = app().decode(&delivery).unwrap();
    assert_eq!(&decoded.ack.body[..], b"7301948512266530417");
    let forged = Delivery {
        query: delivery.query.replace("nonce=2", "nonce=3"),
        ..delivery
    };
    assert_eq!(
        app().decode(&forged).unwrap_err().kind,
        ChannelErrorKind::Forged
    );
}

#[test]
fn a_customer_contact_event_is_the_contacts_own_fact() {
    let xml = "<xml><FromUserName>sys</FromUserName><CreateTime>1767225700</CreateTime><MsgType>event</MsgType>\
               <Event>change_external_contact</Event><ChangeType>del_follow_user</ChangeType><UserID>li</UserID>\
               <ExternalUserID>wmCust0001</ExternalUserID></xml>";
    let decoded = app().decode(&sealed(&gate(TOKEN, CORP), xml)).unwrap();
    let arrival = &decoded.arrivals[0];
    assert_eq!(
        (arrival.peer.as_str(), &arrival.author),
        ("wmCust0001", &Author::Contact)
    );
    assert!(matches!(
        &arrival.what,
        What::Content(Content::Event(Event::Other { name, .. })) if name == "change_external_contact"
    ));
    assert_eq!(arrival.trigger, None);
    let handles = &arrival.profile.as_ref().unwrap().handles;
    assert_eq!(
        handles[0].as_str(),
        "external:wwkfbridge00000001/wmCust0001"
    );
}

#[test]
fn who_adds_a_member_may_be_welcomed_for_twenty_seconds() {
    let xml = |change: &str| {
        format!(
            "<xml><FromUserName>sys</FromUserName><CreateTime>1767225700</CreateTime><MsgType>event</MsgType>\
             <Event>change_external_contact</Event><ChangeType>{change}</ChangeType><UserID>ZhouNing</UserID>\
             <ExternalUserID>wmCust0001</ExternalUserID><State>agent:lin</State>\
             <WelcomeCode>CODE-1</WelcomeCode></xml>"
        )
    };
    let welcomed = |words: &str, change: &str| {
        let mut section = section();
        section["welcome"] = words.into();
        let config: Config = serde_json::from_value(section).unwrap();
        let app = Wecom::build(config, &bridge_core::testkit::tools()).unwrap();
        let decoded = app
            .decode(&sealed(&gate(TOKEN, CORP), &xml(change)))
            .unwrap();
        decoded.arrivals[0].what.clone()
    };
    for change in ["add_external_contact", "add_half_external_contact"] {
        let What::Content(Content::Event(Event::Added {
            member,
            scene,
            welcome,
        })) = welcomed("您好", change)
        else {
            panic!("{change}")
        };
        assert_eq!(
            (member.as_str(), scene.as_deref()),
            ("ZhouNing", Some("agent:lin"))
        );
        let welcome = welcome.unwrap();
        assert_eq!(
            (&*welcome.code, &*welcome.words, welcome.until),
            ("CODE-1", "您好", Timestamp::from_secs(1_767_225_720))
        );
    }
    // No words, no welcome; and nobody is welcomed who has just gone.
    assert!(matches!(
        welcomed(" ", "add_external_contact"),
        What::Content(Content::Event(Event::Added { welcome: None, .. }))
    ));
    assert!(matches!(
        welcomed("您好", "del_follow_user"),
        What::Content(Content::Event(Event::Other { .. }))
    ));
}

#[test]
fn a_wrong_section_is_refused_with_its_key() {
    for (key, value) in [
        ("corp_id", json!("")),
        ("agent_id", json!(0)),
        ("secret", json!("")),
        ("token", json!("has space")),
        ("encoding_aes_key", json!("short")),
        ("previous_encoding_aes_key", json!("short")),
        ("text_bytes", json!(9000)),
        ("member_rate", json!(31)),
        ("welcome", json!("长".repeat(1334))),
        ("api_base", json!("ftp://x")),
    ] {
        let mut section = section();
        section[key] = value;
        let config: Config = serde_json::from_value(section).unwrap();
        let fault = config.validate().map(drop).unwrap_err();
        assert_eq!(fault.key, key);
        assert!(!fault.what_zh.is_empty());
    }
}
